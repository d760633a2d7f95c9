"""The lemmas behind the theorems: Z&Z Lemmas E.2 to E.4, E.8 to E.10 and H.2. (E.5 to E.7 are in `missing_mass`.)"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory.bounds.evaluation import (
    log_unseen,
    scalar_or_array,
    stating,
    up,
)


@stating("zz-E.2", units="total variation")
def bretagnolle_huber_upper(*, kl: Any) -> float | np.ndarray:
    """Bretagnolle and Huber: TV(P, Q) <= 1 - exp(-KL(P, Q)) / 2.

    Notes
    -----
    Within a factor 1.06 of the truth at P = (1, 0), Q = (1/10, 9/10).

    Examples
    --------
    >>> round(bretagnolle_huber_upper(kl=0.0), 12)
    0.5
    """
    return scalar_or_array(up(1 - np.exp(-kl) / 2))


@stating("zz-E.3", units="total variation")
def empirical_tv_upper_mean(*, A: int, n: Any) -> float | np.ndarray:
    """Expected total variation between a law on A labels and its empirical frequencies: <= (1/2) sqrt(A / n).

    Notes
    -----
    Within a factor 1.26 of the truth at A = 100, n = 10^6, uniform law.

    Examples
    --------
    >>> round(empirical_tv_upper_mean(A=4, n=100), 12)
    0.1
    """
    return up(0.5 * np.sqrt(A / n))


@stating("zz-E.4", units="total variation")
def empirical_tv_upper_whp(*, A: int, n: Any, delta: float) -> float | np.ndarray:
    """The same, with probability >= 1 - delta: TV <= sqrt((A log 2 + log(1 / delta)) / (2 n)).

    Notes
    -----
    Within a factor 1.34 of the truth, the 1 - delta quantile, at A = 2, n = 1000, delta = 0.01, law (1/2, 1/2).

    Examples
    --------
    >>> round(empirical_tv_upper_whp(A=2, n=1000, delta=0.01), 9)
    0.054733283
    """
    return up(frequencies_apart(A, n, delta))


def frequencies_apart(A: int, n: Any, delta: float) -> Any:
    """Lemma E.4, not rounded to its side."""
    return np.sqrt((A * math.log(2) - math.log(delta)) / (2 * n))


@stating("zz-E.8", units="none; one over a count")
def inverse_visits_mean(*, n: Any, p: float) -> float | np.ndarray:
    """For X ~ Bin(n, p): E 1/(X + 1) = (1 - (1 - p)^(n + 1)) / (p (n + 1)).

    Examples
    --------
    >>> inverse_visits_mean(n=1, p=0.5)
    0.75
    """
    return -np.expm1(log_unseen(n + 1, p)) / (p * (n + 1))


@stating("zz-E.8-bound", units="none; one over a count")
def inverse_visits_upper_mean(*, n: Any, p: float) -> float | np.ndarray:
    """For X ~ Bin(n, p): E 1/(X + 1) <= 1 / (p (n + 1)).

    Notes
    -----
    Within a factor 1.0001 of the truth at n = 100, p = 0.1.

    Examples
    --------
    >>> round(inverse_visits_upper_mean(n=1, p=0.5), 12)
    1.0
    """
    return up(1 / (p * (n + 1)))


@stating("zz-E.9", units="probability")
def low_visits_upper(*, n: Any, p: float, eta: float) -> float | np.ndarray:
    """For X ~ Bin(n, p): P(X <= (1 - eta) n p) <= exp(-eta^2 n p / 2).

    Notes
    -----
    Within a factor 2.11 of the truth at n = 100, p = 0.1, eta = 0.1.

    Examples
    --------
    >>> round(low_visits_upper(n=100, p=0.1, eta=0.1), 9)
    0.951229425
    """
    exponent = -(eta * eta) * (n * p) / 2
    return up(np.exp(exponent), exponent)


@stating("zz-E.10", units="none; one over a count")
def inverse_visits_upper_whp(*, n: Any, p: float, delta: float) -> float | np.ndarray:
    """For X ~ Bin(n, p), with probability >= 1 - delta: 1/(X + 1) <= 1 / ((1 - eta) n p + 1).

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
    visits = n * p
    below = visits - np.sqrt(-2 * math.log(delta) * visits) + 1
    # The difference loses digits near eta = 1, as many as a logarithm of visits / below would.
    return up(1 / below, visits / below)


@stating("zz-H.2", units="total variation, averaged under any law of the inputs")
def log_linear_tv_upper(*, M: float, distance: Any) -> float | np.ndarray:
    """Log-linear teachers exp(<phi, theta>) with norm of phi at most M: TV(pi_theta, pi_eta) <= M norm(theta - eta).

    Notes
    -----
    Within a factor 2.01 of the truth at M = 1, distance = 0.2: two labels, phi = +-1, theta = +-0.1.

    Examples
    --------
    >>> round(log_linear_tv_upper(M=1.0, distance=0.2), 12)
    0.2
    """
    with np.errstate(over="ignore"):
        return scalar_or_array(np.where(distance == 0, 0.0, up(M * distance)))
