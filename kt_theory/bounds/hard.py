"""Hard labels: what no student can beat (Z&Z Thm 3.1), and what CE_sgl reaches (Z&Z Thm 3.2)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import down, from_first, log_ratio, sizes, up
from kt_theory.bounds.lemmas import empirical_tv_upper_whp


def hard_lower_mean(*, S: int, A: int, n: Any) -> Any:
    """Hard labels: no student's worst expected risk is below exp(-1/2)/16 sqrt(S A' / n).

    Statement: Z&Z Thm 3.1
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, n >= S A' / 4, where A' = A if A is even and A - 1 if it is odd
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    even = S * (A - A % 2)
    first = -(-even // 4) if A >= 2 else math.inf
    return from_first(first, n, lambda n: down(math.exp(-0.5) / 16 * np.sqrt(float(even) / n)))


def hard_lower_mean_at(*, S: int, A: int, n: Any, Delta: float) -> Any:
    """Hard labels: Delta/4 exp(-(2 n Delta / (S A')) log((1 + Delta) / (1 - Delta))) for a chosen Delta.

    Statement: Z&Z Thm 3.1 (general form)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, n >= 0, 0 < Delta < 1, where A' = A if A is even and A - 1 if it is odd
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    Delta : float
        Half the relative gap between the two labels of a pair, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    Delta = checks.open_unit("Delta", Delta)
    even = S * (A - A % 2)
    log_odds = math.log1p(Delta) - math.log1p(-Delta)

    def formula(n: np.ndarray) -> np.ndarray:
        exponent = -(n / float(even)) * (2 * Delta) * log_odds
        return down(Delta / 4 * np.exp(exponent), exponent)

    return from_first(0 if A >= 2 else math.inf, n, formula)


def hard_upper_mean(*, S: int, A: int, n: Any) -> Any:
    """CE_sgl: E R <= (1/2) sqrt(S A / n) + sqrt(S / n).

    Statement: Z&Z Thm 3.2 (mean)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(0.5 * np.sqrt(float(S * A) / n) + np.sqrt(S / n)))


def hard_upper_whp(*, S: int, A: int, n: Any, delta: float) -> Any:
    """CE_sgl, with probability >= 1 - delta: sqrt((A log 2 + L) / 2) sqrt(S / n) + sqrt((2 / n) (S log 2 + L)).

    Statement: Z&Z Thm 3.2 (high probability)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    delta : float
        Probability of failure, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    delta = checks.open_unit("delta", delta)
    if S == 1:
        return empirical_tv_upper_whp(A=A, n=n, delta=delta)
    L = log_ratio(S + 1, delta)
    rows, inputs = A * math.log(2) + L, S * math.log(2) + L
    return from_first(1, n, lambda n: up(np.sqrt(rows / 2) * np.sqrt(S / n) + np.sqrt(2 / n * inputs)))


def hard_upper_mean_instance(*, S: int, A: int, n: Any, xi: float) -> Any:
    """CE_sgl on teachers of a given `xi`: E R <= sqrt(xi S A / (2 (n + 1))) + 4 S / (9 n).

    Statement: Z&Z Thm 3.2 (instance dependent)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 <= xi <= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    xi : float
        What the function `xi` says of the teacher, in [0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Near-deterministic teachers, xi of order 1/n, get the rate 1/n.

    Within a factor 1.79 of the truth at S = 1, A = 100, n = 10^6, uniform teacher (xi = 1).

    Examples
    --------
    >>> round(hard_upper_mean_instance(S=1, A=2, n=99, xi=1.0), 9)
    0.104489338
    """
    S, A = sizes(S, A)
    number = checks.array_of_floats("xi", xi, ndim=0).item()
    if not 0 <= number <= 1 + checks.SUM_TOLERANCE:  # a row may sum to that much
        raise ValueError(f"xi is {number}: it must lie in [0, 1]")
    return from_first(1, n, lambda n: up(np.sqrt(number * float(S * A) / (2 * (n + 1))) + 4 * S / (9 * n)))


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
