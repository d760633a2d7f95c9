"""Hard labels: what no student can beat, and what CE_sgl reaches: Z&Z Thm 3.1 and 3.2, and ours (N8)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from kt_theory import checks
from kt_theory.bounds.evaluation import (
    down,
    log_ratio,
    stating,
    up,
)
from kt_theory.bounds.lemmas import frequencies_apart

#: Beyond this many visits on average `hard_lower_mean_assouad` leaves the sum for a closed form.
VISITS = 300


@stating("zz-3.1")
def hard_lower_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Hard labels: no student's worst expected risk is below exp(-1/2)/16 sqrt(S A' / n).

    Notes
    -----
    `hard_lower_mean_at` with Delta = sqrt(S A' / n) / 4, at most 1/2 in this regime, where log((1 + Delta) / (1 -
    Delta)) is at most 4 Delta, so that the exponent is at least -1/2. The paper asks n >= S A / 4; with A odd its proof
    uses A - 1 labels throughout.

    Within a factor 7.46 of the truth at S = 1, A = 2, n = 100: the largest expected risk of CE_sgl, over all teachers.

    Examples
    --------
    >>> round(hard_lower_mean(S=1, A=4, n=100), 12)
    0.007581633246
    >>> hard_lower_mean(S=2, A=3, n=[1, 2]).round(6)
    array([0.075816, 0.05361 ])
    """
    even = S * (A - A % 2)
    return down(math.exp(-0.5) / 16 * np.sqrt(float(even) / n))


@stating("zz-3.1-at")
def hard_lower_mean_at(*, S: int, A: int, n: Any, Delta: float) -> float | np.ndarray:
    """Hard labels: Delta/4 exp(-(2 n Delta / (S A')) log((1 + Delta) / (1 - Delta))) for a chosen Delta.

    Notes
    -----
    Assouad's lemma over S A' / 2 fair coins, one per pair of labels (1 +- Delta) / A', with the Bretagnolle-Huber
    inequality; see Z&Z, proof of Theorem 3.1.

    Within a factor 5.28 of the truth at S = 1, A = 2, n = 100, Delta = 0.05: the largest expected risk of CE_sgl, over
    all teachers.

    Examples
    --------
    >>> round(hard_lower_mean_at(S=1, A=2, n=100, Delta=0.05), 9)
    0.00757847
    """
    even = S * (A - A % 2)
    log_odds = math.log1p(Delta) - math.log1p(-Delta)
    exponent = -(n / float(even)) * (2 * Delta) * log_odds
    return down(Delta / 4 * np.exp(exponent), exponent)


@stating("zz-3.2-mean")
def hard_upper_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_sgl: E R <= (1/2) sqrt(S A / n) + sqrt(S / n).

    Notes
    -----
    The first term averages Lemma E.3 over the visits; the paper prints an intermediate step with sqrt(A / (2 n)) where
    (1/2) sqrt(A / n) is meant. The second is the l1 distance between rho and the visit frequencies.

    Within a factor 1.52 of the truth at S = 1, A = 100, n = 10^6, uniform teacher.

    Examples
    --------
    >>> round(hard_upper_mean(S=1, A=4, n=100), 12)
    0.2
    >>> hard_upper_mean(S=1, A=4, n=[0, 100])
    array([nan, 0.2])
    """
    return up(0.5 * np.sqrt(float(S * A) / n) + np.sqrt(S / n))


@stating("zz-3.2-whp")
def hard_upper_whp(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """CE_sgl, with probability >= 1 - delta: sqrt((A log 2 + L) / 2) sqrt(S / n) + sqrt((2 / n) (S log 2 + L)).

    Notes
    -----
    Here L = log((S + 1) / delta). For S = 1 the bound is that of `empirical_tv_upper_whp`.

    Within a factor 1.34 of the truth, the 1 - delta quantile of R, at S = 1, A = 2, n = 1000, delta = 0.01, teacher
    (1/2, 1/2); within a factor 4.57 at S = 2, n = 200, the rest alike and rho uniform.

    Examples
    --------
    >>> round(hard_upper_whp(S=1, A=2, n=1000, delta=0.01), 9)
    0.054733283
    """
    if S == 1:
        return up(frequencies_apart(A, n, delta))
    L = log_ratio(S + 1, delta)
    rows, inputs = A * math.log(2) + L, S * math.log(2) + L
    return up(np.sqrt(rows / 2) * np.sqrt(S / n) + np.sqrt(2 / n * inputs))


@stating("zz-3.2-instance")
def hard_upper_mean_instance(*, S: int, A: int, n: Any, xi: float) -> float | np.ndarray:
    """CE_sgl on teachers of a given `xi`: E R <= sqrt(xi S A / (2 (n + 1))) + 4 S / (9 n).

    Notes
    -----
    Near-deterministic teachers, xi of order 1/n, get the rate 1/n.

    Within a factor 1.79 of the truth at S = 1, A = 100, n = 10^6, uniform teacher (xi = 1).

    Examples
    --------
    >>> round(hard_upper_mean_instance(S=1, A=2, n=99, xi=1.0), 9)
    0.104489338
    """
    return up(np.sqrt(xi * float(S * A) / (2 * (n + 1))) + 4 * S / (9 * n))


def xi(teacher: Any) -> float:
    """How far the teacher is from deterministic: max_s sum_a min(pi*(a|s), 1 - pi*(a|s)).

    Statement: Z&Z Thm 3.2 (the quantity of its instance-dependent bound)
    Grade: exact
    Units: none; twice a total variation, in [0, 1]
    Valid for: every teacher
    Outside: nan

    Parameters
    ----------
    teacher : array_like, shape (S, A)
        A row-stochastic table.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `teacher` is not a row-stochastic table.

    Notes
    -----
    At most 2 max_s (1 - max_a pi*(a|s)), with equality if every row has a label of mass 1/2 or more: that is the l1
    distance to the nearest deterministic row. The paper speaks of the TV distance, half of that; the l1 distance is
    meant.

    Examples
    --------
    >>> xi([[0.75, 0.25], [0.0, 1.0]])
    0.5
    """
    table = checks.stochastic_table("teacher", teacher)
    return max(math.fsum(row) for row in np.minimum(table, 1 - table))


@stating("ours-N8-joint")
def hard_upper_mean_joint(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_sgl: E R <= (1/2) sqrt((S - 1) / n) + (1/2) sqrt((SA - 1) / n).

    Notes
    -----
    N8, for every `init`; never above Z&Z Thm 3.2.

    Within a factor 1.26 of the truth at S = 1, A = 100, n = 10^6, uniform teacher.

    Examples
    --------
    >>> round(hard_upper_mean_joint(S=1, A=5, n=100), 12)
    0.1
    """
    return up((np.sqrt((S - 1) / n) + np.sqrt(float(S * A - 1) / n)) / 2)


@stating("ours-N8-uniform")
def hard_upper_mean_uniform(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_sgl, uniform: E R <= sqrt(S (A - 1) / (2 (n + 1))).

    Notes
    -----
    N8. Below `hard_upper_mean_joint` for few labels and many inputs.

    Within a factor 1 of the truth at S = 1, A = 2, n = 1, teacher (1/2, 1/2).

    Examples
    --------
    >>> round(hard_upper_mean_uniform(S=1, A=2, n=1), 12)
    0.5
    """
    return up(np.sqrt(float(S * (A - 1)) / (2 * (n + 1))))


@stating("ours-N8-conjecture")
def hard_upper_mean_conjecture(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_sgl, uniform: E R <= (1/2) sqrt(S (A - 1) / n), conjectured.

    Notes
    -----
    Proved for S = 1 (N8); for S >= 2 tested only. False for other `init`.

    Within a factor 1 of the truth at S = 1, A = 2, n = 1, teacher (1/2, 1/2).

    Examples
    --------
    >>> round(hard_upper_mean_conjecture(S=2, A=3, n=100), 12)
    0.1
    """
    return up(np.sqrt(float(S * (A - 1)) / n) / 2)


@stating("ours-N8-remainder")
def hard_upper_mean_one_input(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """CE_sgl, one input: E R <= sqrt((A - 1) / (2 pi n)) + A / (2 n).

    Notes
    -----
    N8e: the sharp constant of the limit with an explicit remainder, by Goldstein's theorem on the distance of a sum
    from a normal variable.

    Within a factor 1.02 of the truth at S = 1, A = 100, n = 10^6, teacher uniform.

    Examples
    --------
    >>> round(hard_upper_mean_one_input(S=1, A=100, n=10**6), 9)
    0.004019426
    >>> hard_upper_mean_one_input(S=2, A=100, n=10**6)
    nan
    """
    return up(np.sqrt(float(A - 1) / (2 * math.pi * n)) + A / (2 * n))


@stating("ours-N8-whp")
def hard_upper_whp_joint(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """CE_sgl, with probability >= 1 - delta: R <= `hard_upper_mean_joint` + sqrt(2 L / n); S = 1: sqrt(L / (2 n)).

    Notes
    -----
    N8, L = log(1 / delta): McDiarmid; one sample moves each of the two TVs by at most 1/n; for S = 1 the first is 0.

    Within a factor 1.56 of the truth, the 1 - delta quantile of R, at S = 1, A = 2, n = 1000, delta = 0.01, teacher
    (1/2, 1/2); within a factor 3.13 at S = 2, n = 200, the rest alike and rho uniform.

    Examples
    --------
    >>> round(hard_upper_whp_joint(S=1, A=2, n=1000, delta=0.01), 9)
    0.063796647
    """
    moved = 2.0 if S > 1 else 0.5
    deviation = math.sqrt(-moved * math.log(delta))
    mean = (math.sqrt(S - 1) + math.sqrt(S * A - 1)) / 2
    return up((mean + deviation) / np.sqrt(n))


@stating("ours-N8-assouad")
def hard_lower_mean_assouad(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Hard labels: max over D of D P_err(D), P_err the error of testing D against -D on Bin(n, 2 / (S A')) flips.

    Notes
    -----
    N8: rows (1 +- D) / A' as in Z&Z Thm 3.1, without the Bretagnolle-Huber inequality: 3.17 times that for large n. The
    maximum is over 64 values of D; with more than 300 flips on average the error is replaced by a lower bound,
    (1 - sqrt(r / (r - 1)) erf(D sqrt(r - 1))) / 2 at 2 r - 1 >= 2 n / (S A'), less than one per cent below.

    Within a factor 2.36 of the truth at S = 1, A = 2, n = 100: the largest expected risk of CE_sgl, over all teachers.

    Examples
    --------
    >>> round(hard_lower_mean_assouad(S=1, A=2, n=100), 6)
    0.017015
    """
    pairs = S * (A // 2)
    return np.array([_assouad(m, pairs) for m in n])


def _assouad(n: float, pairs: int) -> float:
    """Best D P_err(D) over a grid of D, each of `pairs` fair coins flipped Bin(n, 1 / pairs) times, rounded down."""
    mean = n / pairs
    q = (1 - np.arange(1, 65) / 64 * min(1.0, 2 / math.sqrt(max(mean, 4.0)))) / 2
    D = 1 - 2 * q  # exactly: q is the float, and D is made to fit it
    if mean > VISITS:
        r = math.ceil((mean * (1 + 1e-15) + 1) / 2)
        error = (1 - math.sqrt(r / (r - 1)) * special.erf(D * math.sqrt(r - 1))) / 2
        return float(np.max(down(D * np.maximum(error, 0.0), 100.0)))
    if pairs == 1:
        return float(np.max(down(D * _coin_error(np.array([n]), q)[0], 100.0)))
    m = np.arange(min(n, mean + 12 * math.sqrt(mean) + 40) // 1 + 1)
    ratios = (n - m[:-1]) / ((m[:-1] + 1) * (pairs - 1))
    never = n * math.log1p(-1 / pairs)
    visits = math.exp(never) * np.concatenate([[1.0], np.cumprod(ratios)])
    return float(np.max(down(D * (visits @ _coin_error(m, q)), 750.0)))


def _coin_error(m: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Error of the majority of m flips, fair if tied, each wrong with probability q: I_q(r, r), r = ceil(m / 2)."""
    r = np.ceil(m / 2)[:, None]
    return np.where(r > 0, special.betainc(np.maximum(r, 1), np.maximum(r, 1), q), 0.5)
