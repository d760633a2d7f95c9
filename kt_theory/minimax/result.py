"""What every exact minimax risk is handed back as: an interval, the teacher that gives its lower end, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from kt_theory import checks
from kt_theory.problem import Problem

#: The least favourable teacher is handed over as a table; beyond this many cells (160 MB) it is refused.
MOST_CELLS = 2 * 10**7


@dataclass(frozen=True, eq=False)
class MinimaxRisk:
    """The smallest worst-case expected total-variation risk that a student can have, as an interval.

    Attributes
    ----------
    protocol : {"hard", "partial", "soft"}
        What is revealed with each sample.
    S, A, n : int
        Number of inputs, of labels and of samples.
    lower, upper : float
        No student has a worst-case expected risk below `lower`; some student's is at most `upper`.
    exact : bool
        Whether the two are proved to be one number, up to the error that `note` states.
    instance : Problem
        The least favourable teacher found, ready to simulate.
    student : str
        The best student known, a key of `kt_theory.LEARNERS` where it is one of them.
    note : str
        Which statements give the two ends, and what is proved or only numerical.
    """

    protocol: str
    S: int
    A: int
    n: int
    lower: float
    upper: float
    exact: bool
    instance: Problem = field(repr=False)
    student: str
    note: str = field(repr=False)

    def __str__(self) -> str:
        value = f"= {self.lower:.10g}" if self.exact else f"in [{self.lower:.10g}, {self.upper:.10g}]"
        return f"minimax risk, {self.protocol} labels, S={self.S}, A={self.A}, n={self.n}: {value} ({self.student})"


def sizes(S: int, A: int, n: int) -> tuple[int, int, int]:
    """(S, A, n) as whole numbers, if a table of S x A cells can be handed over."""
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    if S * A > MOST_CELLS:
        raise ValueError(
            f"S * A is {S * A}: the least favourable teacher is handed over as a table, {MOST_CELLS} cells at most"
        )
    return S, A, checks.whole_number("n", n)
