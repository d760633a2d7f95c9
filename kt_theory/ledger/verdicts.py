"""Trying statements: every trial of every check, the planted errors after them, and what follows from both."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kt_theory.certificates import CERTIFIED, certify
from kt_theory.exact.rows import OutOfReach
from kt_theory.ledger.attacks.problems import generator
from kt_theory.ledger.statement import FAULTS, Claim, Effort, Kind, Outcome, PlantedError, Statement, Trial
from kt_theory.problem import Problem, dirichlet_problem
from kt_theory.progress import watched


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the ledger found out about one statement.

    Attributes
    ----------
    statement : Statement
    verdict : Outcome
    worst : Trial or None
        The trial of the largest lhs / rhs; a broken one, the witness, if there is any.
    counts : mapping of str to int
        Trials of each kind that the statement said something at.
    silent : int
        Trials outside its regime.
    alarm : float
        Bound on the probability that this verdict is "refuted" although the statement is true.
    mended : bool or None
        Of a slip: whether the mended form holds; None for other statements.
    caught, planted : int
        Planted errors, a faulty statement being one itself, and how many of them the check found.
    survivors : tuple of str
        The planted errors that were not found.
    curve : tuple of Trial
        For each n the trial of the largest ratio: what a figure shows.
    seconds : float
    """

    statement: Statement
    verdict: Outcome
    worst: Trial | None
    counts: Counter[str]
    silent: int
    alarm: float
    mended: bool | None
    caught: int
    planted: int
    survivors: tuple[str, ...]
    curve: tuple[Trial, ...]
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one, a slip's mended form holds, and every planted error was found."""
        return self.verdict in self.statement.expected and self.mended is not False and not self.survivors


#: Called after each statement with how many are done, how many there are, and the verdict.
Watcher = Callable[[int, int, Verdict], None]


def try_all(
    statements: Sequence[Statement], tried: Effort, *, planted: bool = True, progress: bool | Watcher = False
) -> Iterator[Verdict]:
    """The verdict on each statement, in order; `progress` is a watcher, or True as in `kt_theory.simulate`."""
    shown = watched(statements, "statement", "verify", show=progress is True)
    for done, statement in enumerate(shown, start=1):
        verdict = judge(statement, tried, planted=planted)
        if callable(progress):
            progress(done, len(statements), verdict)
        yield verdict


def judge(statement: Statement, tried: Effort, *, planted: bool = True) -> Verdict:
    """Try one statement.

    Raises
    ------
    ValueError
        If its claim or check raises: that is no verdict.
    """
    try:
        return _judge(statement, tried, planted)
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # a statement of a user's own may raise anything
        raise ValueError(f"the statement {statement.id!r} raised {type(error).__name__}: {error}") from error


def _judge(statement: Statement, tried: Effort, planted: bool) -> Verdict:
    started = time.perf_counter()
    if statement.check is None or statement.claim is None:
        return Verdict(statement, Outcome.OPEN, None, Counter(), 0, 0.0, None, 0, 0, (), (), 0.0)
    trials = [*statement.check(statement.claim, tried), *certificates(statement.certificates, tried)]
    said = [trial for trial in trials if trial.applies]
    verdict = outcome(trials)
    broken = [trial for trial in said if trial.broken and FAULTS[trial.asks] == verdict]
    worst = max(broken or said, key=lambda trial: trial.ratio, default=None)
    mended = None if statement.mended is None else not breaks(statement, statement.mended, tried)
    errors = list(statement.planted) if planted else []
    survivors = [error.words for error in errors if not found(statement, error, tried)]
    faulty = int(statement.faulty)  # the statement is itself an error that must be found
    if faulty and verdict not in statement.expected:
        survivors.append("the statement itself")
    return Verdict(
        statement,
        verdict,
        worst,
        Counter(trial.kind for trial in said),
        len(trials) - len(said),
        math.fsum(trial.alarm for trial in said),
        mended,
        len(errors) + faulty - len(survivors),
        len(errors) + faulty,
        tuple(survivors),
        tuple(envelope(said)),
        time.perf_counter() - started,
    )


def outcome(trials: Iterable[Trial]) -> Outcome:
    """The verdict that follows from the trials of a statement."""
    said = [trial for trial in trials if trial.applies]
    broken = {trial.asks for trial in said if trial.broken}
    for asks, verdict in FAULTS.items():
        if asks in broken:
            return verdict
    if not said:
        return Outcome.NOT_APPLICABLE
    return Outcome.PROVED_AT_POINTS if any(trial.kind == Kind.CERTIFIED for trial in said) else Outcome.HOLDS


def breaks(statement: Statement, claim: Claim, tried: Effort) -> bool:
    """Whether any attack on a statement breaks another claim in its place."""
    assert statement.check is not None
    return any(trial.broken for trial in statement.check(claim, tried))


def found(statement: Statement, error: PlantedError, tried: Effort) -> bool:
    """Whether the attacks on a statement reach the verdict on a planted error that they must reach."""
    assert statement.check is not None
    trials = statement.check(error.claim, tried)
    if error.verdict == Outcome.REFUTED:  # one place is enough
        return any(trial.broken and trial.asks == "truth" for trial in trials)
    return outcome(trials) == error.verdict


def envelope(trials: Iterable[Trial]) -> list[Trial]:
    """For each n the trial of the largest ratio, in the order of n."""
    best: dict[float, Trial] = {}
    for trial in trials:
        if not math.isnan(trial.n) and (trial.n not in best or trial.ratio > best[trial.n].ratio):
            best[trial.n] = trial
    return [best[n] for n in sorted(best)]


def certificates(names: Sequence[str], tried: Effort) -> list[Trial]:
    """Places at which ball arithmetic has decided; none without python-flint."""
    decided: list[Trial] = []
    try:
        import flint  # noqa: F401
    except ImportError:
        return decided
    for name in names:
        claim = CERTIFIED[name]
        rng = generator(tried, f"certify {name}")
        places = list(itertools.product((1, 2, 3, 10), (2, 3, 4, 7), (0, 1, 2, 3, 10, 50, 300, 10**4), range(5)))
        done = 0
        for i in rng.permutation(len(places)):
            S, A, n, k = places[i]
            if done == tried.certificates:
                break
            problem: Problem | int | None = k if k < 4 else dirichlet_problem(S, A, rng, rho_alpha=1.0)
            if claim.learner is None and not claim.of_problem:
                problem = None
            try:
                certificate = certify(name, S=S, A=A, n=n, problem=problem)
            except (OutOfReach, ValueError):
                continue  # outside the regime, no such instance, or sums too long
            if certificate.holds is None:
                continue
            done += 1
            where = f"S={S}, A={A}, n={n}" + ("" if problem is None else ", random" if k == 4 else f", instance {k}")
            sides = certificate.lhs.lower, certificate.rhs.upper if claim.learner else certificate.rhs.lower
            decided.append(Trial(f"certified: {where}", *sides, "certified", n, held=certificate.holds))
    return decided


def unexpected(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts that should make a CI job fail."""
    return [verdict for verdict in verdicts if not verdict.as_expected]
