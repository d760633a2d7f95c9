"""Soft labels: what no student can beat (Z&Z Thm 5.1), and what CE_ful reaches (Z&Z Thm 5.2, Remark 6.1)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import all_unseen, down, from_first, log_unseen, sizes, unseen, up
from kt_theory.bounds.lemmas import missing_mass_upper_whp


def soft_lower_mean_at(*, S: int, A: int, n: Any, rho: Any) -> Any:
    """Soft labels: no student's worst expected risk under this rho is below (1/2) sum_s rho(s) (1 - rho(s))^n.

    Statement: Z&Z Thm 5.1 (any law of the inputs)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: S >= 2, A >= 2, n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    rho : array_like, shape (S,)
        Law of the inputs.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    rho = checks.law("rho", rho, size=S)
    return from_first(0 if min(S, A) >= 2 else math.inf, n, lambda n: down(all_unseen(n, rho, down) / 2))


def soft_lower_mean(*, S: int, A: int, n: Any) -> Any:
    """Soft labels: no student's worst expected risk is below (S - 1) / (2 (n + 1)) (1 - 1/(n + 1))^n.

    Statement: Z&Z Thm 5.1 (before the power is bounded by 1/e)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: S >= 2, A >= 2, n >= S
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
    S, A = sizes(S, A)
    first = S if min(S, A) >= 2 else math.inf
    return from_first(first, n, lambda n: down((S - 1) / (2 * (n + 1)) * unseen(n, 1 / (n + 1))))


def soft_lower_mean_simple(*, S: int, A: int, n: Any) -> Any:
    """Soft labels: no student's worst expected risk is below (S - 1) / (2 e (n + 1)).

    Statement: Z&Z Thm 5.1
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: S >= 2, A >= 2, n >= S
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
    `soft_lower_mean`, since (1 - 1/(n + 1))^n decreases to 1/e.

    Within a factor 1.005 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean_simple(S=2, A=2, n=2), 12)
    0.061313240195
    """
    S, A = sizes(S, A)
    first = S if min(S, A) >= 2 else math.inf
    return from_first(first, n, lambda n: down((S - 1) / (2 * math.e * (n + 1))))


def soft_upper_mean_at(*, S: int, A: int, n: Any, rho: Any) -> Any:
    """CE_ful under a given rho: E R <= sum_s rho(s) (1 - rho(s))^n, the expected mass of the inputs never visited.

    Statement: Z&Z Thm 5.2 (mean, any law of the inputs)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    rho : array_like, shape (S,)
        Law of the inputs.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Within a factor 1 of the truth at S = A = 2, n = 5, rho = (0.3, 0.7), if the initial table is disjoint from
    the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_at(S=2, A=2, n=5, rho=[0.3, 0.7]), 12)
    0.052122
    """
    S, A = sizes(S, A)
    rho = checks.law("rho", rho, size=S)

    def formula(n: np.ndarray) -> np.ndarray:
        total = all_unseen(n, rho, up)
        return np.where(total > 0, up(total), 0.0)  # 0 only if every term is exactly 0, as for S = 1

    return from_first(0, n, formula)


def soft_upper_mean(*, S: int, A: int, n: Any) -> Any:
    """CE_ful: E R <= 4 S / (9 n).

    Statement: Z&Z Thm 5.2 (mean)
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
    Within a factor 1.23 of the truth at S = 100, n = 1000, any A >= 2, mass 1/(n + 1) on all inputs but one, if
    the initial table is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_mean(S=9, A=2, n=1000), 12)
    0.004
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(4 * S / (9 * n)))


def soft_upper_whp(*, S: int, A: int, n: Any, delta: float) -> Any:
    """CE_ful, with probability >= 1 - delta: R <= 4 S / (9 n) + 3 sqrt(S) log(1 / delta) / n.

    Statement: Z&Z Thm 5.2 (high probability)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta <= 1/10
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
    Within a factor 2.04 of the truth, the 1 - delta quantile of R, at S = n = 400, A = 2, delta = 0.1, rho uniform, if
    the initial table is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_whp(S=9, A=2, n=1000, delta=0.1), 9)
    0.024723266
    """
    S, A = sizes(S, A)
    return missing_mass_upper_whp(size=S, n=n, delta=delta)


def soft_upper_mean_floor(*, S: int, A: int, n: Any, c_S: float) -> Any:
    """CE_ful, if rho >= c_S on its support: E R <= (1 - c_S)^n.

    Statement: Z&Z Remark 6.1 (soft labels)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 0, 0 < c_S <= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    c_S : float
        The least positive mass of an input, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    sizes(S, A)
    c_S = checks.half_open_unit("c_S", c_S)
    return from_first(0, n, lambda n: up(unseen(n, c_S), log_unseen(n, c_S)))
