"""The lemmas behind the theorems: Z&Z Lemmas E.2 to E.10 and H.2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import from_first, log_unseen, scalar_or_array, unseen, up

#: The largest delta of Lemma E.6. As a float it exceeds 1/10 by 6e-18, which the rounding up of the bound covers.
DELTA_MAX = 0.1


def bretagnolle_huber_upper(*, kl: Any) -> Any:
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


def empirical_tv_upper_mean(*, A: int, n: Any) -> Any:
    """Expected total variation between a law on A labels and its empirical frequencies: <= (1/2) sqrt(A / n).

    Statement: Z&Z Lemma E.3
    Grade: upper
    Units: total variation
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    A : int
        Number of labels, at least 1.
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
    Within a factor 1.26 of the truth at A = 100, n = 10^6, uniform law.

    Examples
    --------
    >>> round(empirical_tv_upper_mean(A=4, n=100), 12)
    0.1
    """
    A = checks.whole_number("A", A, minimum=1)
    return from_first(1, n, lambda n: up(0.5 * np.sqrt(A / n)))


def empirical_tv_upper_whp(*, A: int, n: Any, delta: float) -> Any:
    """The same, with probability >= 1 - delta: TV <= sqrt((A log 2 + log(1 / delta)) / (2 n)).

    Statement: Z&Z Lemma E.4
    Grade: upper
    Units: total variation
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    A : int
        Number of labels, at least 1.
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
    Within a factor 1.34 of the truth, the 1 - delta quantile, at A = 2, n = 1000, delta = 0.01, law (1/2, 1/2).

    Examples
    --------
    >>> round(empirical_tv_upper_whp(A=2, n=1000, delta=0.01), 9)
    0.054733283
    """
    A = checks.whole_number("A", A, minimum=1)
    delta = checks.open_unit("delta", delta)
    return from_first(1, n, lambda n: up(np.sqrt((A * math.log(2) - math.log(delta)) / (2 * n))))


def cell_missing_mass(*, n: Any, p: float) -> Any:
    """What a cell of mass p adds to the expected missing mass: p (1 - p)^n.

    Statement: Z&Z Lemma E.5 (the quantity bounded)
    Grade: exact
    Units: missing mass
    Valid for: n >= 0, 0 <= p <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Mass of the cell, in [0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Good to 1e-14, relative, except that for p below 1e-12 the error may reach eps times the exponent n p.

    Examples
    --------
    >>> cell_missing_mass(n=[0, 1, 2], p=0.5)
    array([0.5  , 0.25 , 0.125])
    """
    p = checks.probabilities("p", p, ndim=0).item()
    return from_first(0, n, lambda n: p * unseen(n, p))


def cell_missing_upper(*, n: Any) -> Any:
    """The largest that p (1 - p)^n can be: (1 / (n + 1)) (n / (n + 1))^n, at p = 1 / (n + 1).

    Statement: Z&Z Lemma E.5 (first form)
    Grade: tight
    Units: missing mass
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
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
    Within a factor 1 of the truth at p = 1 / (n + 1), every n.

    Examples
    --------
    >>> round(cell_missing_upper(n=1), 12)
    0.25
    """
    return from_first(0, n, lambda n: up(unseen(n, 1 / (n + 1)) / (n + 1)))


def cell_missing_upper_simple(*, n: Any) -> Any:
    """For every p, p (1 - p)^n <= 4 / (9 n).

    Statement: Z&Z Lemma E.5 (second form)
    Grade: upper
    Units: missing mass
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
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
    Printed as (4/9) n; the proof gives 4 / (9 n).

    Within a factor 1.21 of the truth at p = 1 / (n + 1), n = 1000.

    Examples
    --------
    >>> round(cell_missing_upper_simple(n=4), 12)
    0.111111111111
    """
    return from_first(1, n, lambda n: up(4 / (9 * n)))


def missing_mass_excess_upper_whp(*, size: int, n: Any, delta: float) -> Any:
    """Missing mass m0 of a sample, with probability >= 1 - delta: m0 - E m0 <= 3 sqrt(size) log(1 / delta) / n.

    Statement: Z&Z Lemma E.6 (Rajaraman et al. 2020, Theorem A.2)
    Grade: upper
    Units: missing mass
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

    Parameters
    ----------
    size : int
        Number of letters of the alphabet, at least 1.
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
    Within a factor 4.27 of the truth, the 1 - delta quantile of m0 - E m0, at size = 2, n = 1000, law (0.01, 0.99),
    delta just below 0.99^1000.

    Examples
    --------
    >>> round(missing_mass_excess_upper_whp(size=9, n=1000, delta=0.1), 9)
    0.020723266
    """
    size = checks.whole_number("size", size, minimum=1)
    delta = checks.open_unit("delta", delta)
    deviation = -3 * math.sqrt(size) * math.log(delta)
    return from_first(1 if delta <= DELTA_MAX else math.inf, n, lambda n: up(deviation / n))


def missing_mass_upper_whp(*, size: int, n: Any, delta: float) -> Any:
    """Missing mass of a sample, with probability >= 1 - delta: m0 <= 4 size / (9 n) + 3 sqrt(size) log(1 / delta) / n.

    Statement: Z&Z Lemma E.7
    Grade: upper
    Units: missing mass
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

    Parameters
    ----------
    size : int
        Number of letters of the alphabet, at least 1.
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
    Within a factor 2.04 of the truth, the 1 - delta quantile of m0, at size = n = 400, delta = 0.1, uniform law.

    Examples
    --------
    >>> round(missing_mass_upper_whp(size=9, n=1000, delta=0.1), 9)
    0.024723266
    """
    size = checks.whole_number("size", size, minimum=1)
    delta = checks.open_unit("delta", delta)
    total = 4 * size / 9 - 3 * math.sqrt(size) * math.log(delta)
    return from_first(1 if delta <= DELTA_MAX else math.inf, n, lambda n: up(total / n))


def inverse_visits_mean(*, n: Any, p: float) -> Any:
    """For X ~ Bin(n, p): E 1/(X + 1) = (1 - (1 - p)^(n + 1)) / (p (n + 1)).

    Statement: Z&Z Lemma E.8 (equality)
    Grade: exact
    Units: none; one over a count
    Valid for: n >= 0, 0 < p <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Examples
    --------
    >>> inverse_visits_mean(n=1, p=0.5)
    0.75
    """
    p = checks.half_open_unit("p", p)
    return from_first(0, n, lambda n: -np.expm1(log_unseen(n + 1, p)) / (p * (n + 1)))


def inverse_visits_upper_mean(*, n: Any, p: float) -> Any:
    """For X ~ Bin(n, p): E 1/(X + 1) <= 1 / (p (n + 1)).

    Statement: Z&Z Lemma E.8 (bound)
    Grade: upper
    Units: none; one over a count
    Valid for: n >= 0, 0 < p <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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


def low_visits_upper(*, n: Any, p: float, eta: float) -> Any:
    """For X ~ Bin(n, p): P(X <= (1 - eta) n p) <= exp(-eta^2 n p / 2).

    Statement: Z&Z Lemma E.9
    Grade: upper
    Units: probability
    Valid for: n >= 0, 0 < p <= 1, 0 < eta < 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].
    eta : float
        Relative shortfall, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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


def inverse_visits_upper_whp(*, n: Any, p: float, delta: float) -> Any:
    """For X ~ Bin(n, p), with probability >= 1 - delta: 1/(X + 1) <= 1 / ((1 - eta) n p + 1).

    Statement: Z&Z Lemma E.10
    Grade: upper
    Units: none; one over a count
    Valid for: n >= 1, 0 < p <= 1, eta = sqrt(2 log(1/delta) / (n p)) < 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].
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


def log_linear_tv_upper(*, M: float, distance: Any) -> Any:
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
