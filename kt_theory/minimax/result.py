"""The result of every exact minimax risk: an interval, the teacher that gives its lower end, and the statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kt_theory import checks
from kt_theory.problem import Problem
from kt_theory.protocols.protocol import PROTOCOLS

#: The least favourable teacher is handed over as a table; beyond this many cells (160 MB) it is refused.
MOST_CELLS = 2 * 10**7


#: How an end is known: proved, up to rounding, which is allowed for; proved but for an error that is estimated (a
#: solver's tolerance, an expansion); or found by a search that may have missed something.
Grade = Literal["proved", "estimated", "numerical"]


@dataclass(frozen=True)
class End:
    """One end of the interval: its value, the statement that gives it, in words, and how it is known.

    Attributes
    ----------
    value : float
    statement : str
        Which statement gives it.
    grade : {"proved", "estimated", "numerical"}
        Proved, up to rounding, which is allowed for; proved but for an error that is estimated (a solver's tolerance,
        an expansion); or found by a search that is not certified.
    """

    value: float
    statement: str
    grade: Grade


@dataclass(frozen=True, eq=False)
class MinimaxRisk:
    """The smallest worst-case expected total-variation risk that a student can have, as an interval.

    Attributes
    ----------
    protocol : str
        The name, such as "partial" or "top_k_only:20": what is revealed with each sample.
    S, A, n : int
        Number of inputs, of labels and of samples.
    lower_end, upper_end : End
        The two ends: value, statement and grade, which says whether it is proved, estimated or numerical.
    exact : bool
        Whether the two are proved to be one number, up to the error that `note` states.
    instance : Problem
        The least favourable teacher found, ready to simulate.
    student : str
        The best student known, a key of `kt_theory.LEARNERS` where it is one of them.
    remark : str
        A note beside the two statements.
    """

    protocol: str
    S: int
    A: int
    n: int
    lower_end: End
    upper_end: End
    exact: bool
    instance: Problem = field(repr=False)
    student: str
    remark: str = field(default="", repr=False)

    @property
    def lower(self) -> float:
        """No student has a worst-case expected risk below this."""
        return self.lower_end.value

    @property
    def upper(self) -> float:
        """Some student has a worst-case expected risk of at most this."""
        return self.upper_end.value

    @property
    def note(self) -> str:
        """Both statements with their grades, and the remark, as one text."""
        ends = [("Lower", self.lower_end), ("Upper", self.upper_end)]
        parts = [f"{name}: {end.statement} ({end.grade})." for name, end in ends]
        return " ".join([*parts, *([self.remark] if self.remark else [])])

    def __str__(self) -> str:
        of = f"{self.protocol} labels" if self.protocol in PROTOCOLS else self.protocol
        value = between(self.lower, self.upper, self.exact)
        return f"minimax risk, {of}, S={self.S}, A={self.A}, n={self.n}: {value} ({self.student})"


def between(lower: float, upper: float, exact: bool) -> str:
    """An interval in words, or the number that it is."""
    return f"= {lower:.10g}" if exact else f"in [{lower:.10g}, {upper:.10g}]"


def sizes(S: int, A: int, n: int) -> tuple[int, int, int]:
    """(S, A, n) as whole numbers, if a table of S x A cells can be handed over."""
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    if S * A > MOST_CELLS:
        raise ValueError(
            f"S * A is {S * A}: the least favourable teacher is handed over as a table, {MOST_CELLS} cells at most"
        )
    return S, A, checks.whole_number("n", n)
