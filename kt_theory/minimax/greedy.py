r"""Greedy decoding: the smallest worst-case regret that a student which names one label per input can have.

With phi(n) = n^n / (n+1)^(n+1) and V(S, n) = max_rho sum rho (1 - rho)^n (`kt_theory.minimax.soft`):

soft     (1 - 1/A) V(S, n), exactly. Visited inputs cost nothing; at others rows sure of a random label cost 1 - 1/A.
partial  If the likeliest label was seen it is named. If not, what is named has expected probability p_1 / A at least,
         so that the regret is at most (1 - 1/A) sum_s x_s (1 - x_s)^n, x_s = rho(s) p_1(s). x (1 - x)^n lies below a
         concave function that does not fall: (1 - 1/A) (1 - 1/S)^n for n < S, (1 - 1/A) S phi(n) beyond. Below: soft;
         at one input, where that is 0, the regret at rows of one likeliest label, equal ones and zeros. One label of
         two tells the other: soft.
hard     At m visits the regret is at most (1 - 1/A) sqrt(2 / (m+1)), hence (1 - 1/A) sqrt(2 S / (n+1)). Below: the
         most frequent label is Bayes under relabellings of the rows, so that its regret at any teacher bounds every
         student's worst. The teacher is searched among k equal labels, one of which leads.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize_scalar

from kt_theory.decoding import expected_greedy_risk
from kt_theory.decoding.expected import N_MAX
from kt_theory.exact.rows import Estimate
from kt_theory.minimax.constants import HARDEST, kappa
from kt_theory.minimax.result import End, Grade, between, sizes
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.problem import Problem
from kt_theory.protocols.protocol import one_of_the_paper

#: Up to so many samples an input, the lead of the hardest row is searched for; beyond, it is that of the limit.
SEARCHED = 300


@dataclass(frozen=True, eq=False)
class MinimaxGreedy:
    """The smallest worst-case expected regret of greedy decoding, as an interval.

    Attributes
    ----------
    protocol : {"hard", "partial", "soft"}
    S, A, n : int
        Number of inputs, of labels and of samples.
    lower_end, upper_end : End
        The two ends: value, statement and grade.
    exact : bool
        Whether the two are proved to be one number.
    instance : Problem
        The least favourable teacher found.
    """

    protocol: str
    S: int
    A: int
    n: int
    lower_end: End
    upper_end: End
    exact: bool
    instance: Problem = field(repr=False)

    @property
    def lower(self) -> float:
        """No student has a worst-case expected regret below this."""
        return self.lower_end.value

    @property
    def upper(self) -> float:
        """Some student has a worst-case expected regret of at most this."""
        return self.upper_end.value

    def __str__(self) -> str:
        value = between(self.lower, self.upper, self.exact)
        return f"minimax greedy regret, {self.protocol} labels, S={self.S}, A={self.A}, n={self.n}: {value}"


def minimax_greedy(protocol: str, S: int, A: int, n: int) -> MinimaxGreedy:
    """The smallest worst-case expected regret of a student that names one label per input, as an interval.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft"}
        What is revealed with each sample.
    S, A, n : int
        Number of inputs and labels, at least 1, S * A at most 2e7, and of samples, at least 0; hard labels: at most
        10^9.

    Returns
    -------
    MinimaxGreedy
        ``lower``, ``upper``, ``exact``, ``lower_end`` and ``upper_end`` (statement and grade) and ``instance``.

    Raises
    ------
    Unsupported
        A ValueError, for another protocol.
    ValueError
        For sizes that are not whole numbers in range.

    Notes
    -----
    Regret: how much less likely than the most likely label the named one is, averaged over inputs. Soft labels, and
    partial soft labels for n < S or A = 2: exact. Partial soft labels beyond: two ends within a factor S / (S - 1),
    for S > 1; at one input both fall exponentially, and are 0 and 2.3e-308 where they are smaller. Hard labels: the
    ends are 0.24 and 1.41 times sqrt(S / n); `minimax_constant` of "greedy" has the limit.
    The disagreement from hard labels has the minimax value 1 - 1/A for every n: nothing can be guaranteed. Source:
    ours, N18 to N20.

    Examples
    --------
    >>> print(minimax_greedy("soft", S=2, A=2, n=2))
    minimax greedy regret, soft labels, S=2, A=2, n=2: = 0.125
    >>> found = minimax_greedy("partial", S=10, A=10, n=1000)
    >>> found.upper / found.lower < 1.12
    True
    >>> round(minimax_greedy("hard", S=1, A=3, n=10).lower, 8)
    0.06911295
    """
    protocol = one_of_the_paper(protocol, "minimax_greedy")
    S, A, n = sizes(S, A, n)
    mass, x = largest_unvisited_mass(S, n)
    share = (A - 1) / A
    rho = np.full(S, x)
    rho[-1] = max(1 - (S - 1) * x, 0.0)
    sure = np.zeros((S, A))
    sure[np.arange(S), np.arange(S) % A] = 1.0
    dirac = Problem(rho, sure, name=f"sure rows (S={S}, A={A}, n={n})")
    lower = End(share * mass, "rows sure of uniform labels", "proved")
    if protocol == "soft" or n == 0 or A == 1 or (protocol == "partial" and A == 2):
        upper = End(share * mass, "the most likely label, at random on unvisited inputs", "proved")
        return MinimaxGreedy(protocol, S, A, n, lower, upper, True, dirac)
    if protocol == "partial":
        upper = _partial_upper(S, A, n)
        if S == 1 and n <= N_MAX and upper.value > sys.float_info.min:
            lower, row = _hidden_leader(A, n)
            dirac = Problem(np.ones(1), row[None], name=f"a likeliest label that hides (S=1, A={A}, n={n})")
        return MinimaxGreedy(protocol, S, A, n, lower, upper, upper.value == lower.value, dirac)
    searched, row = _hardest_row(S, A, n)
    upper = End(min(share * math.sqrt(2 * S / (n + 1)), share), "the most frequent label, its deviation", "proved")
    if searched.value <= lower.value:
        return MinimaxGreedy(protocol, S, A, n, lower, upper, False, dirac)
    led = Problem(np.full(S, 1 / S), np.tile(row, (S, 1)), name=f"one label leads (S={S}, A={A}, n={n})")
    return MinimaxGreedy(protocol, S, A, n, searched, upper, False, led)


def _partial_upper(S: int, A: int, n: int) -> End:
    share = (A - 1) / A
    if n < S:
        # The same product as that of the lower end, where the two are one number.
        return End(share * largest_unvisited_mass(S, n)[0], "the most likely label of SEL_ptl, concave bound", "proved")
    light = math.exp(n * math.log1p(-1 / (n + 1))) / (n + 1)  # phi(n)
    if S == 1 and n + 1 >= A:
        # x_1 >= 1/A, beyond the largest value of x (1 - x)^n. It is positive, and no end where it underflows to 0.
        most = max(share / A * math.exp(n * math.log1p(-1 / A)), sys.float_info.min)
        return End(most, "the most likely label of SEL_ptl, one input", "proved")
    return End(share * S * light, "the most likely label of SEL_ptl, concave bound", "proved")


@lru_cache(maxsize=64)
def _hidden_leader(A: int, n: int) -> tuple[End, np.ndarray]:
    """The regret of SEL_ptl's likeliest label at the worst row found at one input, less its error, and the row."""

    def row(k: int, first: float) -> np.ndarray:
        return np.concatenate(([first], np.full(k, (1 - first) / k), np.zeros(A - 1 - k)))

    def regret(k: int, first: float) -> float:
        found = expected_greedy_risk(Problem(np.ones(1), row(k, first)[None]), "partial", n)
        return found.value - found.error

    best, worst = 0.0, row(A - 1, 1 / A)
    for k in sorted({1, 2, 3, 5, 8, *(max(round(x * (A - 1)), 1) for x in (0.25, 0.5, 0.75, 0.9, 1.0))}):
        if k < A:
            found = minimize_scalar(
                lambda first, k=k: -regret(k, first),
                bounds=((1 + 1e-9) / (k + 1), 1 - 1e-9),
                method="bounded",
                options={"xatol": 1e-7},
            )
            if -found.fun > best:
                best, worst = -float(found.fun), row(k, float(found.x))
    return End(best, "the regret of SEL_ptl's likeliest label at the instance", "proved"), worst


@lru_cache(maxsize=64)
def _hardest_row(S: int, A: int, n: int) -> tuple[End, np.ndarray]:
    """The regret at S equal inputs of the hardest row found, less its error, and the row: one of k labels leads.

    It is graded "estimated" if its error is an estimate, as where more than 96 labels may tie.
    """

    def row(k: int, lead: float) -> np.ndarray:
        light = (1 - lead) / k
        return np.concatenate(([light + lead], np.full(k - 1, light), np.zeros(A - k)))

    def regret(k: int, lead: float) -> Estimate:
        # One input of mass 1/S stands for all.
        rest = [] if S == 1 else [1 - 1 / S]
        sure = np.eye(A)[:1] if rest else np.empty((0, A))
        problem = Problem(np.array([1 / S, *rest]), np.vstack((row(k, lead)[None], sure)))
        found = expected_greedy_risk(problem, "hard", n)
        never = rest[0] * (1 - rest[0]) ** n * (1 - 1 / A) if rest else 0.0
        return replace(found, value=S * (found.value - never - found.error))

    visits = n / S
    if visits > SEARCHED:
        _, k, d = kappa(A)
        lead = d / math.sqrt(k * visits)
    else:
        k, lead, highest = 2, 0.5, -1.0
        kinds = sorted({*range(2, min(A, HARDEST + 4) + 1), A})
        for kind in kinds:
            found = minimize_scalar(
                lambda t, k=kind: -regret(k, t).value,
                bounds=(1e-9, 1 - 1e-9),
                method="bounded",
                options={"xatol": 1e-7},
            )
            if -found.fun > highest:
                k, lead, highest = kind, float(found.x), -float(found.fun)
    best = regret(k, lead)
    grade: Grade = "proved" if best.proved else "estimated"
    return End(best.value, "the regret of the most frequent label at the instance", grade), row(k, lead)
