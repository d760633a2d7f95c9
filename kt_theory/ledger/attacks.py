r"""The attacks: problems that are bad for a learner, problems made worse by hill climbing, laws, confidence limits.

An upper bound f(n, S, A) on a mean risk claims something of every problem, so it is tried on a pool of them: the
paper's instances wherever they exist, random problems, the least favourable ones that are known, and the problems that
hill climbing over (rho, pi*) finds from there. Where the risk at a pair (n, S, A) is largest does not depend on f, so
the pool of a learner is made once and serves all its bounds; a bound that depends on the problem gets a climb of its
own, on the ratio. Bounds for every initialisation are tried with the uniform one and with a hostile one, which says on
every input the label that the teacher is least likely to say.

A bound with probability 1 - delta is tried where it hurts: at every jump v of the exact law of the risk, with delta
just below P(R >= v). For problems too large for their law, simulation gives a one-sided confidence limit of the
quantile: of N repeats the k-th largest is above the 1 - delta quantile with probability at most P(Bin(N, delta) >= k),
and k is chosen to make that `ALARM`. For means the limit is the empirical Bernstein bound of Maurer and Pontil (2009),
which holds for every law on [0, 1].

A lower bound claims that no student beats it, so it is held against what some student does reach: the upper end of the
minimax risk, and, where it was built on an instance that treats all labels alike, the exact risk on that instance.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from kt_theory import bounds
from kt_theory.exact.law import RiskLaw, risk_law
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import LEARNERS, Learner
from kt_theory.ledger.statement import ALARM, Check, Claim, Effort, Trial
from kt_theory.minimax import minimax_risk
from kt_theory.montecarlo import sample_risks
from kt_theory.problem import (
    Problem,
    dirichlet_problem,
    instance,
    near_deterministic_problem,
    three_worlds,
    tv_risk,
    uniform_table,
    zipf_problem,
)
from kt_theory.protocol import TransferSet, fit
from kt_theory.sampling import CountSampler

#: Pairs (S, A).
Sizes = Sequence[tuple[int, int]]

#: Initial students that a bound may have to survive.
UNIFORM, HOSTILE = ("uniform",), ("uniform", "hostile")

#: Sizes at which the instances are tried, and numbers of samples.
SIZES = [(1, 1), (5, 1), (100, 2), (2, 200), *itertools.product((1, 2, 5, 10, 40), (2, 3, 4, 8, 25, 100))]
N = (0, 1, 2, 3, 5, 10, 30, 100, 1000, 10**4, 10**6, 10**9)

#: Sizes at which the instances are tried as far as n goes.
FAR, N_FAR = [(1, 2), (1, 100), (3, 4)], (10**12,)

#: Where hill climbing goes: small enough that a step takes a millisecond or less.
CLIMBED = [(S, A, n) for S, A in ((1, 2), (1, 3), (1, 6), (2, 2), (3, 3)) for n in (1, 3, 10, 100)]

#: Where a learner that is only a formula can be tried exactly, by going through every count table: sizes, and n.
ENUMERATED = (
    ([(1, 1), (1, 2)], (0, 1, 2, 4, 10, 30, 100, 1000)),
    ([(1, 3)], (0, 1, 2, 4, 10, 30)),
    ([(2, 2), (2, 3)], (0, 1, 2, 4, 8)),
)

#: Where minimax risks are asked for, at each level: hard labels are the slow ones.
ALL_N = (0, 1, 2, 3, 5, 8, 30, 100, 1000, 10**4, 10**6, 10**9, 10**12)
GAMES = {
    ("hard", "quick"): ([(1, 2), (1, 3), (2, 2), (5, 4), (1, 25), (40, 100)], (0, 1, 2, 5, 30, 1000, 10**6, 10**12)),
    ("hard", "full"): (
        [(1, 2), (1, 3), (1, 4), (2, 2), (5, 4), (10, 10), (1, 25), (40, 100)],
        (0, 1, 2, 3, 5, 8, 30, 100, 1000, 10**6, 10**12),
    ),
    ("partial", "quick"): ([(1, 2), (1, 3), (1, 5), (2, 3), (10, 10), (1, 100)], (0, 1, 2, 3, 100, 10**4, 10**12)),
    ("partial", "full"): (
        [(1, 2), (1, 3), (1, 4), (1, 5), (2, 3), (3, 2), (10, 10), (1, 100), (40, 25)],
        ALL_N,
    ),
    ("soft", "quick"): ([(1, 3), (2, 2), (3, 2), (5, 3), (10, 10), (40, 25), (100, 100)], ALL_N),
    ("soft", "full"): ([(1, 3), (2, 2), (2, 9), (3, 2), (5, 3), (10, 10), (40, 25), (100, 100), (1000, 2)], ALL_N),
}


def games(protocol: str, effort: Effort) -> Iterator[tuple[int, int, int]]:
    """Sizes and numbers of samples (S, A, n) at which the minimax risk of a protocol is bounded from above."""
    sizes, grid = GAMES[protocol, effort.level]
    for (S, A), n in itertools.product(sizes, grid):
        yield S, A, n


def generator(effort: Effort, salt: str) -> np.random.Generator:
    """A stream of its own for each purpose, the same on every machine."""
    return np.random.default_rng([effort.seed, zlib.crc32(salt.encode())])


def name_of(learner: str | Learner) -> str:
    return learner.name if isinstance(learner, Learner) else learner


# --- Problems, and what a learner pays there ----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Place:
    """A problem, a number of samples, an initialisation, and the expected risk of a learner there.

    Attributes
    ----------
    where : str
    problem : Problem
    n : int
    risk, error : float
        The expected risk, or a lower confidence limit of it, and a bound on its error.
    kind : str
        As in `Trial`.
    alarm : float
        Probability that `risk` is above the truth, 0 unless simulated.
    """

    where: str
    problem: Problem
    n: int
    risk: float
    error: float
    kind: str
    alarm: float = 0.0


def start_table(problem: Problem, init: str) -> np.ndarray | None:
    """The initial student: None for the uniform one; hostile: sure of the label that the teacher says least."""
    if init == "uniform":
        return None
    table = np.zeros((problem.S, problem.A))
    table[np.arange(problem.S), problem.teacher.argmin(axis=1)] = 1.0
    return table


def mean_risk(learner: str | Learner, problem: Problem, n: int, init: str) -> tuple[float, float]:
    """The exact expected risk and a bound on its error; raises `OutOfReach` where there is none."""
    start = start_table(problem, init)
    if isinstance(learner, Learner):
        return risk_law(problem, learner, n, start).mean(), 1e-12
    estimate = exact_risk(problem, learner, n, start)
    return estimate.value, estimate.error


def known_problems(sizes: Sizes, grid: Sequence[int]) -> Iterator[tuple[str, Problem, int]]:
    """The paper's instances and three worlds where they exist, at given sizes and numbers of samples."""
    for (S, A), n in itertools.product(sizes, grid):
        for k in range(4):
            try:
                yield f"instance {k}, S={S}, A={A}, n={n}", instance(k, S, A, n), n
            except ValueError:
                continue
        if n > 0 and S > 1 and A > 3:
            try:
                yield f"three worlds, S={S}, A={A}, n={n}", three_worlds(S, A, n), n
            except ValueError:
                continue


def random_problems(effort: Effort, sizes: Sizes, grid: Sequence[int]) -> Iterator[tuple[str, Problem, int]]:
    """Random problems: Dirichlet, Zipf and near-deterministic rows."""
    makers: list[Callable[..., Problem]] = [
        lambda S, A, seed: dirichlet_problem(S, A, seed, rho_alpha=1.0),
        zipf_problem,
        near_deterministic_problem,
        lambda S, A, seed: dirichlet_problem(S, A, seed, alpha=0.3, rho_alpha=0.5),
    ]
    for i, ((S, A), n) in enumerate(itertools.product(sizes, grid)):
        for j in range(effort.problems):
            problem = makers[(i + j) % len(makers)](S, A, np.random.SeedSequence([effort.seed, S, A, j]))
            yield f"{problem.name}, number {j}, n={n}", problem, n


def one_row(*masses: float, name: str = "problem") -> Problem:
    """The problem of a single input."""
    return Problem(np.ones(1), np.array([masses]), name=name)


def moved(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A law in which one entry has given a part of its mass, or all of it, to another."""
    i, j = rng.choice(table.size, size=2, replace=False)
    part = table[i] * (1.0, 0.5, 0.1, 0.01, 0.001)[rng.integers(5)]
    changed = table.copy()
    changed[i] -= part
    changed[j] = min(changed[j] + part, 1.0)
    return changed


def climb(
    value: Callable[[Problem], float], problem: Problem, steps: int, rng: np.random.Generator
) -> tuple[Problem, float]:
    """Hill climbing over (rho, pi*): mass moves between two inputs, two labels, or one row replaces another."""
    best, height = problem, value(problem)
    S, A = problem.S, problem.A
    if S == A == 1:
        return best, height
    for _ in range(steps):
        rho, teacher = best.rho, best.teacher
        if S > 1 and (A == 1 or rng.random() < 0.3):
            rho = moved(rho, rng)
        elif S > 1 and rng.random() < 0.1:
            s, t = rng.choice(S, size=2, replace=False)
            teacher = teacher.copy()
            teacher[s] = teacher[t]
        else:
            s = int(rng.integers(S))
            teacher = teacher.copy()
            teacher[s] = moved(teacher[s], rng)
        candidate = Problem(rho, teacher, name=f"found by search (S={S}, A={A})")
        reached = value(candidate)
        if reached > height:
            best, height = candidate, reached
    return best, height


@cache
def pool(learner: str | Learner, init: str, effort: Effort) -> tuple[Place, ...]:
    """Where the mean risk of a learner is tried; the last ones were found by search."""
    candidates: list[tuple[str, Problem, int]] = []
    if isinstance(learner, Learner):
        for sizes, grid in ENUMERATED:
            several = [(S, A) for S, A in sizes if A > 1]
            candidates += [*known_problems(sizes, grid), *random_problems(effort, several, grid)]
    else:
        small = [(1, 2), (1, 5), (2, 3), (3, 8), (10, 4)]
        # A hostile start matters to inputs that were not visited: not as far out as n goes.
        reach = N if init == "uniform" else N[:-1]
        candidates = [
            *known_problems(SIZES, reach),
            *known_problems(FAR, N_FAR),
            *random_problems(effort, small, N[:9]),
        ]
        candidates += least_favourable(LEARNERS[learner].protocol, effort)
    places = []
    for where, problem, n in candidates:
        try:
            risk, error = mean_risk(learner, problem, n, init)
        except OutOfReach:
            continue
        places.append(Place(f"{where}, {init} init", problem, n, risk, error, "exact"))
    places += searched(learner, init, effort, places)
    places += sampled_places(learner, init, effort)
    return tuple(places)


@cache
def least_favourable(protocol: str, effort: Effort) -> tuple[tuple[str, Problem, int], ...]:
    """The worst problems that are known for a protocol."""
    found = []
    grid = (2, 10, 100, 1000, 10**5) if effort.level == "full" else (2, 100, 10**5)
    for (S, A), n in itertools.product(((1, 3), (2, 3), (1, 25), (10, 10), (1, 100)), grid):
        if protocol != "hard" and ((S, A, n) != (10, 10, 2) or effort.level == "full"):
            worst = minimax_risk(protocol, S, A, n).instance
            found.append((f"least favourable for {protocol} labels, S={S}, A={A}, n={n}", worst, n))
    if protocol == "hard":
        for A, n in itertools.product((2, 100, 10**4), (1, 100, 10**6, 10**10)):
            flat = Problem(np.ones(1), uniform_table(1, A), name="uniform row")
            found.append((f"uniform row, S=1, A={A}, n={n}", flat, n))
    return tuple(found)


def searched(learner: str | Learner, init: str, effort: Effort, places: Sequence[Place]) -> list[Place]:
    """The problems of largest risk that hill climbing finds from random ones and from the worst of `places`."""
    rng = generator(effort, f"climb {name_of(learner)} {init}")
    found = []
    targets = CLIMBED
    if isinstance(learner, Learner):
        targets = [(S, A, n) for sizes, grid in ENUMERATED for S, A in sizes for n in grid if A > 1 and 0 < n <= 10]
    for S, A, n in targets:

        def risk(problem: Problem, n: int = n) -> float:
            return mean_risk(learner, problem, n, init)[0]

        alike = [place for place in places if (place.problem.S, place.problem.A, place.n) == (S, A, n)]
        starts = [max(alike, key=lambda place: place.risk).problem] if alike else []
        starts += [dirichlet_problem(S, A, rng, rho_alpha=1.0) for _ in range(effort.starts)]
        best = max((climb(risk, start, effort.steps, rng) for start in starts), key=lambda pair: pair[1])[0]
        where = f"found by search, S={S}, A={A}, n={n}, {init} init"
        found.append(Place(where, best, n, *mean_risk(learner, best, n, init), "search"))
    return found


# --- Simulation, with one-sided confidence limits -----------------------------------------------------------


def crowd(with_zero: bool) -> list[tuple[str, Problem, int]]:
    """Problems beyond the exact routes or laws: generic rows, many inputs; with a label that is never said, or not."""
    rng = np.random.default_rng(7)
    found = []
    for S, A, n in ((1, 400, 400), (2, 200, 400), (20, 30, 2000), (10, 10, 10**6)):
        teacher = rng.dirichlet(np.full(A, 1.0), size=S) if (S, A) != (1, 400) else uniform_table(S, A)
        if with_zero:
            teacher = np.hstack([teacher, np.zeros((S, 1))])
        found.append((f"generic rows, S={S}, A={teacher.shape[1]}, n={n}", Problem(np.full(S, 1 / S), teacher), n))
    return found


def sampled_risks(learner: str | Learner, problem: Problem, n: int, init: str, effort: Effort) -> np.ndarray:
    """Risks of many repeats, ascending."""
    start = start_table(problem, init)
    reps = max(effort.reps * 400 // (problem.S * problem.A), 2000)
    reps = min(reps, effort.reps)
    if not isinstance(learner, Learner):
        return np.sort(sample_risks(problem, learner, n, reps, effort.seed, init=start)[:, 0])
    rng = generator(effort, f"sample {learner.name} {problem.identity} {n}")
    risks = []
    for block in CountSampler(problem).draw(n, min(reps, 4000), rng):
        for counts in block:
            student = fit(TransferSet.from_counts(counts, problem.teacher, learner.protocol), learner, start)
            risks.append(tv_risk(student, problem))
    return np.sort(risks)


@cache
def sampled_cached(
    learner: str | Learner, init: str, with_zero: bool, effort: Effort
) -> tuple[tuple[str, Problem, int, np.ndarray], ...]:
    return tuple(
        (where, problem, n, sampled_risks(learner, problem, n, init, effort)) for where, problem, n in crowd(with_zero)
    )


def mean_from_below(risks: np.ndarray, alarm: float = ALARM) -> float:
    """A number that exceeds the mean of a law on [0, 1] with probability at most `alarm` (empirical Bernstein)."""
    R, L = risks.size, math.log(2 / alarm)
    return float(risks.mean() - math.sqrt(2 * risks.var(ddof=1) * L / R) - 7 * L / (3 * (R - 1)))


def quantile_from_below(ascending: np.ndarray, delta: float, alarm: float = ALARM) -> float:
    """A number that exceeds the 1 - delta quantile with probability at most `alarm`; NaN from too few repeats.

    Exceeding it means that k = the first with P(Bin(R, delta) >= k) <= alarm repeats lie above the quantile.
    """
    R = ascending.size
    low, high = 0, R + 1  # betainc(k, R - k + 1, delta) = P(Bin(R, delta) >= k), falling in k
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if special.betainc(middle, R - middle + 1, delta) <= alarm else (middle, high)
    return float(ascending[R - high]) if high <= R else math.nan


def sampled_places(learner: str | Learner, init: str, effort: Effort) -> list[Place]:
    """Lower confidence limits of the mean risk on problems that no exact route reaches, or none is asked to."""
    return [
        Place(
            f"{where}, {init} init, {risks.size} repeats", problem, n, mean_from_below(risks), 0.0, "simulation", ALARM
        )
        for where, problem, n, risks in sampled_cached(learner, init, init == "hostile", effort)
    ]


# --- Checks: upper bounds on means --------------------------------------------------------------------------


def mean_upper(learner: str | Learner, inits: Sequence[str] = UNIFORM, *, of_problem: bool = False) -> Check:
    """The check of an upper bound on the mean risk of a learner.

    The claim is called as ``claim(n, S, A)``, or ``claim(n, S, A, problem)`` if it depends on the problem; then hill
    climbing is done on the ratio, too.
    """

    def bound(claim: Claim, problem: Problem, n: int) -> float:
        return float(claim(n, problem.S, problem.A, problem) if of_problem else claim(n, problem.S, problem.A))

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for init in inits:
            trials = []
            known: dict[tuple[int, int, int], float] = {}
            for place in pool(learner, init, effort):
                key = (place.n, place.problem.S, place.problem.A)
                if of_problem or key not in known:
                    known[key] = bound(claim, place.problem, place.n)
                trial = Trial(place.where, place.risk, known[key], place.kind, place.n, place.error, place.alarm)
                trials.append((trial, place))
            yield from (trial for trial, _ in trials)
            if of_problem:
                yield from climbed(claim, init, effort, trials)

    def climbed(claim: Claim, init: str, effort: Effort, trials: list[tuple[Trial, Place]]) -> Iterator[Trial]:
        small = [(t, p) for t, p in trials if t.applies and (p.problem.S, p.problem.A, p.n) in CLIMBED]
        small.sort(key=lambda pair: -pair[0].ratio)
        rng = generator(effort, f"ratio {name_of(learner)} {init}")
        for _, place in small[: 2 + effort.starts]:

            def ratio(problem: Problem, n: int = place.n) -> float:
                value = bound(claim, problem, n)
                return mean_risk(learner, problem, n, init)[0] / value if value > 1e-250 else 0.0

            best = climb(ratio, place.problem, effort.steps, rng)[0]
            risk, error = mean_risk(learner, best, place.n, init)
            where = f"found by search, S={best.S}, A={best.A}, n={place.n}, {init} init"
            yield Trial(where, risk, bound(claim, best, place.n), "search", place.n, error)

    return check


# --- Checks: upper bounds with high probability -------------------------------------------------------------


@cache
def laws(learner: str | Learner, init: str, effort: Effort) -> tuple[tuple[str, Problem, int, RiskLaw], ...]:
    """Exact laws of the risk of small problems, some made worse by hill climbing on the upper quantile."""
    found: list[tuple[str, Problem, int]] = []
    for n in (1, 2, 5, 20, 100, 1000):
        for p in {0.5, 0.1, *(min(c / n, 0.5) for c in (1, 2.4, 4, 8, 20, 30))}:
            found.append((f"row ({p:.4g}, {1 - p:.4g}), n={n}", one_row(p, 1 - p), n))
            if init == "hostile":
                found.append((f"row ({p:.4g}, {1 - p:.4g}, 0), n={n}", one_row(p, 1 - p, 0.0), n))
                if n > 5:
                    rho, rows = np.array([p, 1 - p]), np.array([[1.0, 0.0], [1.0, 0.0]])
                    found.append((f"sure rows, rho=({p:.4g}, {1 - p:.4g}), n={n}", Problem(rho, rows), n))
    for n in (2, 10, 40):
        found.append((f"uniform row, A=3, n={n}", one_row(1 / 3, 1 / 3, 1 / 3), n))
        found.append((f"uniform table, S=A=2, n={n}", Problem(np.full(2, 0.5), uniform_table(2, 2)), n))
        found.append((f"sure rows, S=3, n={n}", instance(3, 3, 2, max(n, 3)), n))
    found += list(random_problems(effort, ((1, 3), (2, 2), (3, 2)), (3, 10)))
    done = []
    for where, problem, n in found:
        try:
            done.append(
                (f"{where}, {init} init", problem, n, risk_law(problem, learner, n, start_table(problem, init)))
            )
        except OutOfReach:
            continue
    rng = generator(effort, f"laws {name_of(learner)} {init}")
    for S, A, n in ((1, 2, 5), (1, 3, 8), (2, 2, 6)):
        for delta in (0.1, 0.001):

            def quantile(problem: Problem, n: int = n, delta: float = delta) -> float:
                law = risk_law(problem, learner, n, start_table(problem, init))
                return law.quantile(1 - delta) + 1e-3 * law.mean()

            best = climb(quantile, dirichlet_problem(S, A, rng, rho_alpha=1.0), effort.steps // 4, rng)[0]
            law = risk_law(best, learner, n, start_table(best, init))
            done.append((f"found by search, S={S}, A={A}, n={n}, {init} init", best, n, law))
    return tuple(done)


def jumps(law: RiskLaw, most: int = 40) -> list[tuple[float, float]]:
    """Pairs (v, delta): the 1 - delta quantile is v, and delta is as large as that allows."""
    tails = np.cumsum(law.probabilities[::-1])[::-1]
    sharp = np.flatnonzero((tails > 1e-14) & (law.values > 0))
    chosen = sharp[np.unique(np.linspace(0, sharp.size - 1, min(most, sharp.size)).round().astype(int))]
    return [(float(law.values[i]), float(min(tails[i] * (1 - 1e-9), 1 - 1e-9))) for i in chosen]


#: Failure probabilities at which simulated quantiles are taken.
DELTAS = (0.5, 0.1, 0.05, 0.01)


def quantile_upper(
    learner: str | Learner, inits: Sequence[str] = HOSTILE, *, above_mean: bool = False, labels: int = 0
) -> Check:
    """The check of ``claim(n, S, A, delta)``, which bounds R with probability at least 1 - delta.

    `above_mean`: it bounds R - E R. `labels`: it is asked for A - labels labels, the last ones being never said.
    """

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for init in inits:
            for where, problem, n, law in laws(learner, init, effort):
                if labels and problem.teacher[:, -labels:].any():
                    continue
                off = law.mean() if above_mean else 0.0
                kind = "search" if where.startswith("found") else "exact"
                for v, delta in jumps(law):
                    rhs = float(claim(n, problem.S, problem.A - labels, delta))
                    yield Trial(f"{where}, delta={delta:.3g}", v - off, rhs, kind, n, 1e-12)
            for where, problem, n, risks in sampled_cached(learner, init, bool(labels) or init == "hostile", effort):
                if above_mean:
                    continue
                for delta in DELTAS:
                    lhs = quantile_from_below(risks, delta)
                    rhs = float(claim(n, problem.S, problem.A - labels, delta))
                    yield Trial(f"{where}, {init} init, delta={delta}", lhs, rhs, "simulation", n, 0.0, ALARM)

    return check


# --- Checks: lower bounds -----------------------------------------------------------------------------------


@cache
def minimax_upper(protocol: str, S: int, A: int, n: int) -> float:
    """A risk that some student guarantees."""
    least = bounds.best_upper(protocol, n, S, A).value
    if (n <= 1000 and S * A <= 1000) or protocol == "soft" or (protocol == "partial" and S == 1 and n <= 10**9):
        least = min(least, minimax_risk(protocol, S, A, n).upper)
    return float(least)


@cache
def risk_on_instance(k: int, learner: str, S: int, A: int, n: int) -> float:
    """The exact risk of a learner on an instance of the paper; NaN where it does not exist."""
    try:
        return exact_risk(instance(k, S, A, n), learner, n).value
    except ValueError:
        return math.nan


def minimax_lower(protocol: str, own: tuple[int, str] | None = None, *, own_from: float = 0.0) -> Check:
    """The check of a lower bound ``claim(n, S, A)`` on the minimax risk of a protocol.

    `own`: the instance that it was built on and a learner of the protocol; the labels of that instance are treated
    alike by the learner, whose risk there is its average over the relabellings that the bound averages over. From
    n = `own_from` S A on.
    """

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for S, A, n in games(protocol, effort):
            lhs = float(claim(n, S, A))
            if math.isnan(lhs):
                yield Trial(f"S={S}, A={A}, n={n}", 0.0, math.nan, "exact", n)
                continue
            rhs = minimax_upper(protocol, S, A, n)
            yield Trial(f"what a student reaches, S={S}, A={A}, n={n}", lhs, rhs, "exact", n, 1e-9 * rhs)
        if own is not None:
            k, learner = own
            for (S, A), n in itertools.product(SIZES, N):
                lhs = float(claim(n, S, A))
                rhs = risk_on_instance(k, learner, S, A, n) if n >= max(1, own_from * S * A) else math.nan
                if not math.isnan(lhs) and not math.isnan(rhs):
                    yield Trial(f"{learner} on instance {k}, S={S}, A={A}, n={n}", lhs, rhs, "exact", n)

    return check


# --- Small tools of the other checks ------------------------------------------------------------------------


def equal(where: str, left: float, right: float, rtol: float, kind: str = "algebra", n: float = math.nan) -> Trial:
    """The trial of an equality: the distance of its sides against what rounding, or a remainder, explains."""
    if math.isnan(left) or math.isnan(right):
        return Trial(where, 0.0, math.nan, kind, n)
    return Trial(where, abs(left - right), rtol * max(abs(left), abs(right)) + 1e-300, kind, n)


def scaled(claim: Claim, factor: float) -> Claim:
    """A planted wrong constant: the claim times a factor."""
    return lambda *arguments: factor * claim(*arguments)


def steeper(claim: Claim, exponent: float) -> Claim:
    """A planted wrong exponent: the claim times n^-exponent (n the first argument, at least 1)."""
    return lambda n, *rest: claim(n, *rest) * max(n, 1) ** -exponent
