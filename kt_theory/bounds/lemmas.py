"""The lemmas behind the theorems: Z&Z Lemmas E.2 to E.4, E.8 to E.10 and H.2. (E.5 to E.7 are in `missing_mass`.)"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import (
    documented,
    from_first,
    log_unseen,
    scalar_or_array,
    up,
)


def bretagnolle_huber_upper(*, kl: Any) -> float | np.ndarray:
    """Bretagnolle and Huber: TV(P, Q) <= 1 - exp(-KL(P, Q)) / 2.

    Statement: Z&Z Lemma E.2
    Grade: upper
    Units: total variation
    Valid for: kl >= 0, infinity included
    Outside: nan

    Parameters
    ----------
    kl : float or array_like
        Relative entropy, natural logarithm.

    Returns
    -------
    float, or ndarray of float64

    Raises
    ------
    ValueError
        If `kl` is negative or not a number.

    Notes
    -----
    Within a factor 1.06 of the truth at P = (1, 0), Q = (1/10, 9/10).

    Examples
    --------
    >>> round(bretagnolle_huber_upper(kl=0.0), 12)
    0.5
    """
    return scalar_or_array(up(1 - np.exp(-checks.not_negative("kl", kl)) / 2))


@documented()
def empirical_tv_upper_mean(*, A: int, n: Any) -> float | np.ndarray:
    """Expected total variation between a law on A labels and its empirical frequencies: <= (1/2) sqrt(A / n).

    Statement: Z&Z Lemma E.3
    Grade: upper
    Units: total variation
    Valid for: n >= 1
    Outside: nan

    Notes
    -----
    Within a factor 1.26 of the truth at A = 100, n = 10^6, uniform law.

    Examples
    --------
    >>> round(empirical_tv_upper_mean(A=4, n=100), 12)
    0.1
    """
    A = checks.whole_number("A", A, minimum=1)
    return from_first(1, n, lambda n: up(0.5 * np.sqrt(A / n)))


@documented()
def empirical_tv_upper_whp(*, A: int, n: Any, delta: float) -> float | np.ndarray:
    """The same, with probability >= 1 - delta: TV <= sqrt((A log 2 + log(1 / delta)) / (2 n)).

    Statement: Z&Z Lemma E.4
    Grade: upper
    Units: total variation
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Notes
    -----
    Within a factor 1.34 of the truth, the 1 - delta quantile, at A = 2, n = 1000, delta = 0.01, law (1/2, 1/2).

    Examples
    --------
    >>> round(empirical_tv_upper_whp(A=2, n=1000, delta=0.01), 9)
    0.054733283
    """
    A = checks.whole_number("A", A, minimum=1)
    delta = checks.open_unit("delta", delta)
    return from_first(1, n, lambda n: up(np.sqrt((A * math.log(2) - math.log(delta)) / (2 * n))))


@documented(p=("float", "Probability of a visit, in (0, 1]."))
def inverse_visits_mean(*, n: Any, p: float) -> float | np.ndarray:
    """For X ~ Bin(n, p): E 1/(X + 1) = (1 - (1 - p)^(n + 1)) / (p (n + 1)).

    Statement: Z&Z Lemma E.8 (equality)
    Grade: exact
    Units: none; one over a count
    Valid for: n >= 0, 0 < p <= 1
    Outside: nan

    Examples
    --------
    >>> inverse_visits_mean(n=1, p=0.5)
    0.75
    """
    p = checks.half_open_unit("p", p)
    return from_first(0, n, lambda n: -np.expm1(log_unseen(n + 1, p)) / (p * (n + 1)))


@documented(p=("float", "Probability of a visit, in (0, 1]."))
def inverse_visits_upper_mean(*, n: Any, p: float) -> float | np.ndarray:
    """For X ~ Bin(n, p): E 1/(X + 1) <= 1 / (p (n + 1)).

    Statement: Z&Z Lemma E.8 (bound)
    Grade: upper
    Units: none; one over a count
    Valid for: n >= 0, 0 < p <= 1
    Outside: nan

    Notes
    -----
    Within a factor 1.0001 of the truth at n = 100, p = 0.1.

    Examples
    --------
    >>> round(inverse_visits_upper_mean(n=1, p=0.5), 12)
    1.0
    """
    p = checks.half_open_unit("p", p)
    return from_first(0, n, lambda n: up(1 / (p * (n + 1))))


@documented(p=("float", "Probability of a visit, in (0, 1]."), eta=("float", "Relative shortfall, in (0, 1)."))
def low_visits_upper(*, n: Any, p: float, eta: float) -> float | np.ndarray:
    """For X ~ Bin(n, p): P(X <= (1 - eta) n p) <= exp(-eta^2 n p / 2).

    Statement: Z&Z Lemma E.9
    Grade: upper
    Units: probability
    Valid for: n >= 0, 0 < p <= 1, 0 < eta < 1
    Outside: nan

    Notes
    -----
    Within a factor 2.11 of the truth at n = 100, p = 0.1, eta = 0.1.

    Examples
    --------
    >>> round(low_visits_upper(n=100, p=0.1, eta=0.1), 9)
    0.951229425
    """
    p, eta = checks.half_open_unit("p", p), checks.open_unit("eta", eta)

    def formula(n: np.ndarray) -> np.ndarray:
        exponent = -(eta * eta) * (n * p) / 2
        return up(np.exp(exponent), exponent)

    return from_first(0, n, formula)


@documented(p=("float", "Probability of a visit, in (0, 1]."))
def inverse_visits_upper_whp(*, n: Any, p: float, delta: float) -> float | np.ndarray:
    """For X ~ Bin(n, p), with probability >= 1 - delta: 1/(X + 1) <= 1 / ((1 - eta) n p + 1).

    Statement: Z&Z Lemma E.10
    Grade: upper
    Units: none; one over a count
    Valid for: n >= 1, 0 < p <= 1, eta = sqrt(2 log(1/delta) / (n p)) < 1
    Outside: nan

    Notes
    -----
    Within a factor 1.13 of the truth, the 1 - delta quantile, at n = 1000, p = 0.1, delta = 0.05.

    Examples
    --------
    >>> round(inverse_visits_upper_whp(n=1000, p=0.1, delta=0.05), 9)
    0.013068046
    >>> inverse_visits_upper_whp(n=59, p=0.1, delta=0.05)
    nan
    """
    p, delta = checks.half_open_unit("p", p), checks.open_unit("delta", delta)
    L = -math.log(delta)

    def formula(n: np.ndarray) -> np.ndarray:
        visits = n * p
        below = visits - np.sqrt(2 * L * visits) + 1
        # The difference loses digits near eta = 1, as many as a logarithm of visits / below would.
        return np.where(visits > 2 * L, up(1 / below, visits / below), np.nan)

    return from_first(1, n, formula)


def log_linear_tv_upper(*, M: float, distance: Any) -> float | np.ndarray:
    """Log-linear teachers exp(<phi, theta>) with norm of phi at most M: TV(pi_theta, pi_theta') <= M |theta - theta'|.

    Statement: Z&Z Lemma H.2
    Grade: upper
    Units: total variation, averaged under any law of the inputs
    Valid for: M > 0, distance >= 0
    Outside: nan

    Parameters
    ----------
    M : float
        Bound on the Euclidean norm of every phi(x, y).
    distance : float or array_like
        Euclidean distance between the two parameters.

    Returns
    -------
    float, or ndarray of float64

    Raises
    ------
    ValueError
        If `M` is not a finite number above 0, or `distance` is negative or not a number.

    Notes
    -----
    Within a factor 2.01 of the truth at M = 1, distance = 0.2: two labels, phi = +-1, theta = +-0.1.

    Examples
    --------
    >>> round(log_linear_tv_upper(M=1.0, distance=0.2), 12)
    0.2
    """
    M = checks.positive("M", M)
    apart = checks.not_negative("distance", distance)
    with np.errstate(over="ignore"):
        return scalar_or_array(np.where(apart == 0, 0.0, up(M * apart)))
