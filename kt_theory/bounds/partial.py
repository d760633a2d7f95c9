"""Partial soft labels: what no student can beat (Z&Z Thm 4.1), and what SEL_ptl reaches (Z&Z Thm 4.4, Remark 6.1)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import down, from_first, log_ratio, sizes, unseen, up
from kt_theory.bounds.lemmas import missing_mass_upper_whp


def partial_lower_mean(*, S: int, A: int, n: Any) -> Any:
    """Partial soft labels: no student's worst expected risk is below S (A' - 1) / (4 (n + 1)) (1 - 1/(n + 1))^n.

    Statement: Z&Z Thm 4.1 (before the power is bounded by 1/e)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 3, n >= S (A' - 1) / 2 - 1, where A' = A if A is odd and A - 1 if it is even
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
    Exactly the best possible against the construction of the proof: S (A' - 1) / 2 pairs of labels, of which a fair
    coin says which one has joint mass 1/(n + 1) and which has none.

    Within a factor 1.69 of the truth at S = 1, A = 3, n = 2: the largest expected risk of SEL_ptl, over all teachers.

    Examples
    --------
    >>> round(partial_lower_mean(S=1, A=3, n=2), 12)
    0.074074074074
    >>> partial_lower_mean(S=5, A=3, n=3)
    nan
    """
    S, A = sizes(S, A)
    pairs = S * ((A - 1) // 2)
    return from_first(_first_with_pairs(A, pairs), n, lambda n: down(pairs / (2 * (n + 1)) * unseen(n, 1 / (n + 1))))


def partial_lower_mean_simple(*, S: int, A: int, n: Any) -> Any:
    """Partial soft labels: no student's worst expected risk is below S (A' - 1) / (4 e (n + 1)).

    Statement: Z&Z Thm 4.1
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 3, n >= S (A' - 1) / 2 - 1, where A' = A if A is odd and A - 1 if it is even
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
    `partial_lower_mean`, since (1 - 1/(n + 1))^n decreases to 1/e.

    Within a factor 2.04 of the truth at S = 1, A = 3, n = 2: the largest expected risk of SEL_ptl, over all teachers.

    Examples
    --------
    >>> round(partial_lower_mean_simple(S=1, A=3, n=2), 12)
    0.061313240195
    """
    S, A = sizes(S, A)
    pairs = S * ((A - 1) // 2)
    return from_first(_first_with_pairs(A, pairs), n, lambda n: down(pairs / (2 * math.e * (n + 1))))


def _first_with_pairs(A: int, pairs: int) -> float:
    """The first n at which `pairs` labels of joint mass 1/(n + 1) fit."""
    return max(pairs - 1, 0) if A >= 3 else math.inf


def partial_upper_mean(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl: E R <= (8/9) S A / n + S A / (n + 1).

    Statement: Z&Z Thm 4.4 (mean)
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
    The paper states the order S A / n only; these constants are what its proof gives.

    Within a factor 5.24 of the truth at S = 1, A = 102, n = 1000, if SEL_ptl spreads on a label of mass 0 what is
    missing: 100 labels have mass 1/(n + 1), one has none, and one the rest.

    Examples
    --------
    >>> round(partial_upper_mean(S=1, A=1, n=9), 9)
    0.198765432
    """
    S, A = sizes(S, A)
    cells = float(S * A)
    return from_first(1, n, lambda n: up(8 * cells / (9 * n) + cells / (n + 1)))


def partial_upper_whp(*, S: int, A: int, n: Any, delta: float) -> Any:
    """SEL_ptl, with probability >= 1 - delta: of order S (A + sqrt(A) log(S / delta)) log(S / delta) / n.

    Statement: Z&Z Thm 4.4 (high probability)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1; S = 1: delta <= 1/10; S >= 2: delta < min(1, (S + 2) / 10)
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
    For S >= 2, with L = log((S + 2) / delta), the bound is (1/n) (4 A / 9 + 3 sqrt(A) L) (22 S + (400/99) S log(S (S +
    2) / delta)) + 4 S / (9 n) + 3 sqrt(S) L / n; for S = 1 it is that of `missing_mass_upper_whp` on A labels. Three
    slips of the printed proof are mended: the event of Lemma E.7 has sqrt(A) L, not sqrt(A L); 1/9 belongs to its first
    term only; and both sums of (D.21) lack a factor 2. The factor 22 S + ... is safe but loose: an input with n rho(s)
    above 22 + (400/99) log(S (S + 2) / delta) is visited at least 0.29 n rho(s) times, but for a chance delta / (S (S +
    2)) (Lemma E.9), and one below has rho(s) / n_s <= rho(s).

    Within a factor 2.05 of the truth, the 1 - delta quantile of R, at S = 1, A = 401, n = 400, delta = 0.1, if SEL_ptl
    spreads on a label of mass 0 what is missing and the others are uniform; within a factor 127 at S = 2, A = 201, the
    rest alike and rho uniform.

    Examples
    --------
    >>> round(partial_upper_whp(S=1, A=9, n=1000, delta=0.1), 9)
    0.024723266
    >>> partial_upper_whp(S=1, A=9, n=1000, delta=0.2)
    nan
    """
    S, A = sizes(S, A)
    delta = checks.open_unit("delta", delta)
    if S == 1:
        return missing_mass_upper_whp(size=A, n=n, delta=delta)
    L = log_ratio(S + 2, delta)
    row = 4 * A / 9 + 3 * math.sqrt(A) * L
    visits = 22 * S + 400 / 99 * S * (math.log(S) + L)
    inputs = 4 * S / 9 + 3 * math.sqrt(S) * L
    return from_first(1 if delta < (S + 2) / 10 else math.inf, n, lambda n: up((row * visits + inputs) / n))


def partial_upper_mean_floor(*, S: int, A: int, n: Any, c_S: float, c_A: float) -> Any:
    """SEL_ptl, if rho >= c_S and pi* >= c_A on their supports: E R <= (1 - c_S c_A)^n.

    Statement: Z&Z Remark 6.1 (partial soft labels)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 0, 0 < c_S <= 1, 0 < c_A <= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    c_S, c_A : float
        The least positive mass of an input, and of a label given an input; in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The paper states only that the decay is exponential. The constant follows from R <= sum of the joint masses w never
    seen, and sum w (1 - w)^n <= (1 - min w)^n as the w sum to 1.

    Within a factor 1 of the truth at S = 2, A = 3, n = 4, rho uniform and rows (1/2, 1/2, 0), if SEL_ptl puts on the
    label of mass 0 what it does not know.

    Examples
    --------
    >>> partial_upper_mean_floor(S=1, A=2, n=2, c_S=1.0, c_A=1.0)
    0.0
    >>> round(partial_upper_mean_floor(S=2, A=2, n=2, c_S=0.5, c_A=0.5), 12)
    0.5625
    """
    sizes(S, A)
    c_S, c_A = checks.half_open_unit("c_S", c_S), checks.half_open_unit("c_A", c_A)
    product = c_S * c_A
    # 1 - c_S c_A from the rounded product would lose its digits when both are near 1.
    rate = math.log1p(-product) if product <= 0.5 else _log_or_minus_inf((1 - c_S) + c_S * (1 - c_A))

    def formula(n: np.ndarray) -> np.ndarray:
        exponent = np.multiply(n, rate, out=np.zeros_like(n), where=n > 0)
        return up(np.exp(exponent), exponent)

    return from_first(0, n, formula)


def _log_or_minus_inf(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf
