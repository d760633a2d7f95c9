"""Soft labels: what no student can beat, and what CE_ful reaches.

Z&Z Thm 5.1, 5.2, Remark 6.1, and ours (N1, N9, N10).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory.bounds.evaluation import (
    all_unseen,
    down,
    log_unseen,
    stating,
    unseen,
    up,
)
from kt_theory.bounds.missing_mass import majorant, missing_with_sqrt


@stating("zz-5.1-at")
def soft_lower_mean_at(*, S: int, A: int, n: Any, rho: Any) -> float | np.ndarray:
    """Soft labels: no student's worst expected risk under this rho is below (1/2) sum_s rho(s) (1 - rho(s))^n.

    Notes
    -----
    The rows of the teacher are Diracs at independent uniform labels; an input never visited costs 1 - 1/A, of which the
    paper keeps 1/2. The regime n > S - 1 of the theorem belongs to its choice of rho, not to this form.

    Within a factor 1 of the truth at S = A = 2, n = 5, rho = (0.3, 0.7): the largest expected risk of CE_ful with
    uniform initialisation. For more labels the factor is 2 (1 - 1/A).

    Examples
    --------
    >>> round(soft_lower_mean_at(S=2, A=2, n=5, rho=[0.3, 0.7]), 12)
    0.026061
    """
    return down(all_unseen(n, rho, down) / 2)


@stating("zz-5.1")
def soft_lower_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Soft labels: no student's worst expected risk is below (S - 1) / (2 (n + 1)) (1 - 1/(n + 1))^n.

    Notes
    -----
    `soft_lower_mean_at` with mass 1/(n + 1) on S - 1 inputs, the last input left out of the sum.

    Within a factor 1.0001 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean(S=2, A=2, n=2), 12)
    0.074074074074
    >>> soft_lower_mean(S=1, A=2, n=100)
    nan
    """
    return down((S - 1) / (2 * (n + 1)) * unseen(n, 1 / (n + 1)))


@stating("zz-5.1-simple")
def soft_lower_mean_simple(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Soft labels: no student's worst expected risk is below (S - 1) / (2 e (n + 1)).

    Notes
    -----
    `soft_lower_mean`, since (1 - 1/(n + 1))^n decreases to 1/e.

    Within a factor 1.005 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean_simple(S=2, A=2, n=2), 12)
    0.061313240195
    """
    return down((S - 1) / (2 * math.e * (n + 1)))


@stating("zz-5.2-mean-at")
def soft_upper_mean_at(*, S: int, A: int, n: Any, rho: Any) -> float | np.ndarray:
    """CE_ful under a given rho: E R <= sum_s rho(s) (1 - rho(s))^n, the expected mass of the inputs never visited.

    Notes
    -----
    Within a factor 1 of the truth at S = A = 2, n = 5, rho = (0.3, 0.7), if the initial table is disjoint from
    the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_at(S=2, A=2, n=5, rho=[0.3, 0.7]), 12)
    0.052122
    """
    total = all_unseen(n, rho, up)
    return np.where(total > 0, up(total), 0.0)  # 0 only if every term is exactly 0, as for S = 1


@stating("zz-5.2-mean")
def soft_upper_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_ful: E R <= 4 S / (9 n).

    Notes
    -----
    Within a factor 1.23 of the truth at S = 100, n = 1000, any A >= 2, mass 1/(n + 1) on all inputs but one, if
    the initial table is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_mean(S=9, A=2, n=1000), 12)
    0.004
    """
    return up(4 * S / (9 * n))


@stating("zz-5.2-whp")
def soft_upper_whp(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """CE_ful, with probability >= 1 - delta: R <= 4 S / (9 n) + 3 sqrt(S) log(1 / delta) / n.

    Notes
    -----
    Within a factor 2.04 of the truth, the 1 - delta quantile of R, at S = n = 400, A = 2, delta = 0.1, rho uniform, if
    the initial table is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_whp(S=9, A=2, n=1000, delta=0.1), 9)
    0.024723266
    """
    return up(missing_with_sqrt(S, n, delta))


@stating("zz-6.1-soft")
def soft_upper_mean_floor(*, S: int, A: int, n: Any, c_S: float) -> float | np.ndarray:
    """CE_ful, if rho >= c_S on its support: E R <= (1 - c_S)^n.

    Notes
    -----
    The paper states only that the decay is exponential. The constant follows from sum_s rho(s) (1 - rho(s))^n <= (1 -
    min rho)^n as rho sums to 1.

    Within a factor 1 of the truth at S = 4, A = 2, n = 10, rho uniform, if the initial table is disjoint from
    the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_floor(S=4, A=2, n=2, c_S=0.25), 12)
    0.5625
    """
    return up(unseen(n, c_S), log_unseen(n, c_S))


@stating("ours-N1-soft")
def soft_upper_mean_missing(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_ful: E R <= (1 - 1/S)^n if n <= S, (S - 1) phi(n - 1) if n >= S.

    Notes
    -----
    N1, for every `init`.

    Within a factor 1.002 of the truth at S = 100, n = 1000, any A >= 2, mass 1/(n + 1) on all inputs but one, if
    the initial table is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_missing(S=2, A=2, n=1000), 9)
    0.000368063
    """
    return up(majorant(n, S))


@stating("ours-N9-upper")
def soft_upper_mean_uniform(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_ful, uniform: E R <= (1 - 1/A) (1 - 1/S)^n if n <= S, (1 - 1/A) (S - 1) phi(n - 1) if n >= S.

    Notes
    -----
    N1 and N9: (1 - 1/A) times the largest expected mass of the inputs never visited is the minimax risk of soft labels.
    An equality for n <= S.

    Within a factor 1.011 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_upper_mean_uniform(S=2, A=2, n=2), 12)
    0.125
    """
    return up((A - 1) / A * majorant(n, S))


@stating("ours-N9-lower")
def soft_lower_mean_dirac(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Soft labels: (1 - 1/A) max{(1 - 1/S)^n, (S - 1) phi(n) + h (1 - h)^n}, h = 1 - (S - 1)/(n + 1), if h >= 0.

    Notes
    -----
    N9: Dirac rows at random labels; rho uniform, or, for S <= n + 2, 1/(n + 1) on all inputs but one. Exact for n <= S.

    Within a factor 1 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean_dirac(S=2, A=2, n=2), 12)
    0.125
    """
    level = down(unseen(n, 1 / S), log_unseen(n, 1 / S))
    h = np.maximum(n + 2 - S, 0.0) / (n + 1)
    last = down(h * unseen(n, h), log_unseen(n, h))
    uneven = np.where(n + 2 >= S, (S - 1) * unseen(n, 1 / (n + 1)) / (n + 1) + last, 0.0)
    return down((A - 1) / A * np.maximum(level, uneven))


@stating("ours-N10-soft", units="forward KL in nats, averaged under rho")
def soft_upper_kl_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_ful, uniform: the expected forward KL is at most log(A) `missing_mass_upper_mean` of S.

    Notes
    -----
    N10: KL(p, Uniform(A)) <= log A, with equality at Dirac rows, where log(A) V(S, n) is the minimax KL.

    Within a factor 1.011 of the truth at S = A = 2, n = 100, Dirac rows and the worst rho.

    Examples
    --------
    >>> round(soft_upper_kl_mean(S=2, A=2, n=2), 9)
    0.173286795
    """
    return up(math.log(A) * majorant(n, S))
