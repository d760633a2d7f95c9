"""What the ledger is made of: a statement, an attempt to break it, a planted error, and how hard to try.

Every statement is brought to the form lhs <= rhs at a place: an upper bound has the risk on the left and itself on the
right, a lower bound itself on the left and the risk of a student on the right, an equality the distance of its two
sides on the left and what rounding explains on the right. A `Trial` is that comparison at one place, and the ratio
lhs / rhs says how close it came to breaking.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from kt_theory import checks
from kt_theory.certificates import CERTIFIED
from kt_theory.statements import STATEMENTS, Metadata, Origin, Status


class Kind(StrEnum):
    """How a trial knows its two sides.

    exact: expected risks, laws and sums computed without simulation; certified: in ball arithmetic, true only when
    certain; search: as exact, at a problem that hill climbing found for this purpose; simulation: a one-sided
    confidence limit; algebra: an identity or inequality between formulas.
    """

    EXACT = "exact"
    CERTIFIED = "certified"
    SEARCH = "search"
    SIMULATION = "simulation"
    ALGEBRA = "algebra"


class Outcome(StrEnum):
    """What the ledger says of a statement.

    refuted: false at a place; vacuous: nowhere false, and no more than trivial at a place where it should say
    something; does not imply: nowhere false, and too weak for what its source draws from it.
    """

    PROVED_AT_POINTS = "proved at points"
    HOLDS = "holds"
    REFUTED = "refuted"
    VACUOUS = "vacuous"
    DOES_NOT_IMPLY = "does not imply"
    OPEN = "open"
    NOT_APPLICABLE = "not applicable"


#: All of them, in the order of tables.
KINDS, VERDICTS = tuple(Kind), tuple(Outcome)

#: What a trial asks. truth: whether the statement is true here; content: whether it says more here than the trivial
#: bound; use: whether what its source draws from it follows here.
Asks = Literal["truth", "content", "use"]

#: The verdicts that are faults.
Fault = Literal["refuted", "vacuous", "does not imply"]

#: The verdict that a broken trial means, by what it asks, the gravest first.
FAULTS: dict[Asks, Outcome] = {
    "truth": Outcome.REFUTED,
    "content": Outcome.VACUOUS,
    "use": Outcome.DOES_NOT_IMPLY,
}

#: The verdict that is expected of a statement of a faulty status.
EXPECTED: dict[str, Outcome] = {
    Status.FALSE: Outcome.REFUTED,
    Status.VACUOUS: Outcome.VACUOUS,
    Status.TOO_WEAK: Outcome.DOES_NOT_IMPLY,
}

#: The probability that a true statement fails one simulated trial. Multiplied by the number of such trials it bounds
#: the probability that the ledger says "refuted" by bad luck.
ALARM = 1e-10

#: The note of a statement about a protocol that the package lacks.
ONLY_FORMULA = "The package has no such protocol: the formula alone is tried."


@dataclass(frozen=True)
class Trial:
    """One attempt to break a statement, which says lhs <= rhs here.

    Attributes
    ----------
    where : str
        The place: a problem and a number of samples, in words.
    lhs, rhs : float
        The two sides; rhs is NaN outside the regime of the statement.
    kind : Kind
        Or its word.
    n : float
        Number of samples, or whatever the statement runs over; NaN if nothing.
    error : float
        Bound on the error of lhs - rhs, beyond one part in 10^12 of either side.
    alarm : float
        Probability that a true statement is broken here, 0 unless simulated.
    held : bool or None
        What ball arithmetic has decided; None where the two numbers decide.
    asks : {"truth", "content", "use"}
        What is broken if lhs > rhs: the statement, its content, or the step that uses it (`FAULTS`).
    """

    where: str
    lhs: float
    rhs: float
    kind: Kind | str
    n: float = math.nan
    error: float = 0.0
    alarm: float = 0.0
    held: bool | None = None
    asks: Asks = "truth"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))

    @property
    def applies(self) -> bool:
        """Whether the statement says anything here."""
        infinite = math.isinf(self.lhs) and math.isinf(self.rhs)
        return not (math.isnan(self.rhs) or math.isnan(self.lhs) or infinite)

    @property
    def broken(self) -> bool:
        """Whether what the trial asks fails here."""
        if self.held is not None:
            return not self.held
        if not self.applies or self.lhs <= self.rhs:
            return False
        if math.isinf(self.lhs):
            return True
        return self.lhs - self.rhs > self.error + 1e-12 * max(abs(self.lhs), abs(self.rhs)) + 1e-300

    @property
    def ratio(self) -> float:
        """The left side over the right one: 0 if it is not positive, infinite if only the right one is not."""
        if not self.applies:
            return math.nan
        if self.lhs <= 0 or math.isinf(self.rhs):
            return 0.0
        ratio = self.lhs / self.rhs if self.rhs > 0 else math.inf
        return min(ratio, 1.0) if self.held else ratio


#: What a statement says, as a function. It is called by keyword: a bound in expectation with S, A and n; a check says
#: with what else it calls.
Claim = Callable[..., Any]

#: The attacks on a claim.
Check = Callable[[Claim, "Effort"], Iterable[Trial]]


@dataclass(frozen=True)
class PlantedError:
    """A faulty statement beside another: one constant, exponent or condition changed. The same attacks must find it.

    Attributes
    ----------
    words : str
        What was changed.
    claim : callable
        The changed claim, in the place of the right one.
    verdict : {"refuted", "vacuous", "does not imply"}
        The verdict that the attacks must reach.
    """

    words: str
    claim: Claim
    verdict: Fault = "refuted"


@dataclass(frozen=True)
class Statement:
    """An entry of the ledger.

    Attributes
    ----------
    id : str
        Short name, such as "zz-3.2-mean".
    source : str
        Where it is stated or proved: "Z&Z Thm 3.2 (mean)", "N8".
    words, formula : str
        What it says, in a sentence and in symbols.
    regime : str
        Where it says anything.
    grade : {"exact", "tight", "upper", "lower", "limit", "slip", "conjecture", "open"}
        exact: an equality; tight: an inequality that is attained; slip: the printed form of a statement whose proof
        gives another.
    status : {"published", "proved", "numerical", "conjectured", "experimental", "false", "vacuous", "too weak", "open"}
        published: proved in the paper; proved: ours, in the report (`paper/`); numerical: ours, found by search and not
        proved; conjectured: neither; experimental: under trial, without a theorem in the report; false: refuted, and
        the ledger should find the witness again; vacuous: true, and says no more than what is trivial; too weak: true,
        and does not imply what its source draws from it.
    claim : callable or None
        The statement as a function; None if the package lacks the model that it is about.
    check : callable or None
        ``check(claim, effort)`` yields trials.
    planted : tuple of PlantedError
        Planted errors that the check must find.
    certificates : tuple of str
        Names of `kt_theory.certificates.CERTIFIED` to be certified.
    mended : callable or None
        Of a slip: the form that its proof gives, tried by the same check, which must hold.
    mended_formula : str
        Of a slip: that form in symbols; `formula` is the printed one.
    note : str
        What a reader should know of the evidence.
    origin : Origin
        The paper, ours, or, of a statement of a user's own, yours.
    about : Metadata or None
        Of a statement of `kt_theory.statements`: all that is said of it, the formulas for reports and its theorem too.
    """

    id: str
    source: str
    words: str
    formula: str
    regime: str
    grade: str
    status: str
    claim: Claim | None = None
    check: Check | None = None
    planted: tuple[PlantedError, ...] = ()
    certificates: tuple[str, ...] = ()
    mended: Claim | None = None
    mended_formula: str = ""
    note: str = ""
    origin: Origin = Origin.YOURS
    about: Metadata | None = None

    @property
    def expected(self) -> tuple[Outcome, ...]:
        """The verdicts that do not surprise."""
        if self.check is None:
            return (Outcome.OPEN,)
        return (EXPECTED[self.status],) if self.faulty else (Outcome.PROVED_AT_POINTS, Outcome.HOLDS)

    @property
    def theorem(self) -> str:
        """The result that it is a part of, or where it is stated if it stands alone."""
        return (self.about.theorem if self.about else "") or self.source

    @property
    def faulty(self) -> bool:
        """Whether the statement is itself an error that the attacks must find."""
        return self.status in EXPECTED


def stated(
    id: str,
    *,
    claim: Claim | None = None,
    check: Check | None = None,
    planted: tuple[PlantedError, ...] = (),
    mended: Claim | None = None,
    note: str = "",
    fixed: Mapping[str, Any] = MappingProxyType({}),
    said: Mapping[str, Metadata] = STATEMENTS,
) -> Statement:
    """An entry of the ledger for the statement of this id in `said`, from which it has all but what is tried.

    It is certified by those of `kt_theory.certificates.CERTIFIED` that are about this statement. Outside the regime of
    the statement its claim is NaN; the mended form and the planted errors have regimes of their own. `fixed` gives the
    variables of the regime that its check never changes and does not call the claim with.
    """
    about = said[id]
    certificates = tuple(name for name, certified in CERTIFIED.items() if certified.statement is about)
    return Statement(
        id,
        about.source,
        about.words,
        about.formula,
        about.regime,
        about.grade,
        about.status,
        claim and in_regime(about, claim, fixed),
        check,
        planted,
        certificates,
        mended,
        about.mended_formula,
        note,
        about.origin,
        about,
    )


def in_regime(about: Metadata, claim: Claim, fixed: Mapping[str, Any]) -> Claim:
    """A claim that is NaN outside the regime of its statement; of a problem it is called with S and A are read.

    Raises
    ------
    ValueError
        If the claim is not called with a variable of the regime, and `fixed` does not give it.
    """
    if about.applies is None:
        return claim
    parameters = inspect.signature(claim).parameters
    known = {*parameters, *fixed} | ({"S", "A"} if "problem" in parameters else set())
    lacks = [name for name in about.variables if name not in known]
    if lacks and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        raise ValueError(
            f"the claim of {about.id} has no argument {', '.join(lacks)}, which its regime is about: {about.regime}; "
            "name in `fixed` what its check keeps fixed"
        )

    @functools.wraps(claim)
    def inside(**place: Any) -> Any:
        problem = place.get("problem")
        sizes = {} if problem is None else {"S": problem.S, "A": problem.A}
        return claim(**place) if about.applies_at(**{**sizes, **fixed, **place}) else math.nan

    return inside


@dataclass(frozen=True)
class Effort:
    """How hard the ledger tries.

    Attributes
    ----------
    level : {"quick", "full"}
    seed : int
        Of random problems, hill climbing and simulation.
    problems : int
        Random problems per size.
    steps : int
        Steps of one hill climb.
    starts : int
        Random starts of a hill climb, beside the instances known to be bad.
    reps : int
        Repeats of a simulation.
    certificates : int
        Places per certified claim.
    """

    level: str
    seed: int
    problems: int
    steps: int
    starts: int
    reps: int
    certificates: int


#: How hard to try.
Level = Literal["quick", "full"]

#: The two efforts: a minute for CI, and as hard as twenty minutes allow.
EFFORTS: dict[Level, dict[str, int]] = {
    "quick": {"problems": 2, "steps": 250, "starts": 1, "reps": 20_000, "certificates": 12},
    "full": {"problems": 12, "steps": 1500, "starts": 4, "reps": 400_000, "certificates": 150},
}


def effort(level: Level = "quick", seed: int = 1) -> Effort:
    """The effort of a level."""
    level = checks.one_of("level", level, tuple(EFFORTS))
    return Effort(level, checks.whole_number("seed", seed), **EFFORTS[level])
