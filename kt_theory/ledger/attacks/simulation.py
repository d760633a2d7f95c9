r"""Simulation with one-sided confidence limits, for problems beyond the exact routes.

Of N repeats the k-th largest is above the 1 - delta quantile with probability at most P(Bin(N, delta) >= k), and k is
chosen to make that `ALARM`. For means the limit is the empirical Bernstein bound of Maurer and Pontil (2009), which
holds for every law on [0, 1].
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import special

from kt_theory.learners import Learner
from kt_theory.ledger.attacks.problems import start_table
from kt_theory.ledger.statement import ALARM, Effort
from kt_theory.problem import Problem, uniform_table
from kt_theory.simulation.means import sample_risks


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
    return np.sort(sample_risks(problem, learner, n, reps, effort.seed, init=start)[:, 0])


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
