r"""ADD_sgl, exactly: the mean deviation of a binomial from a point that is not its mean, averaged over the visits.

After m visits the student says (X + c)/T on a label of probability p, with X ~ Bin(m, p), T = m + Ac and, for ADD_sgl,
c = 0.4 sqrt(m/(A-1)). It errs by abs(X - t)/T, where t = pT - c = mp - d and d = c(1 - Ap). With k = floor(t), F and b
the distribution function and the probabilities of X, and de Moivre's sum_{x <= k} (mp - x) b(x) = (k+1) q b(k+1),

.. math:: \mathrm{E}|X - t| = d\,(1 - 2F(k)) + 2 (k+1)\, q\, b(k+1), \qquad q = 1 - p .

It holds for every real t: below 0 it says d = E X - t, from m on t - mp. The two terms hardly cancel: d > 0 means that
t lies below the mean, where F is about 1/2 or less. A floor that rounding moves at a whole t changes nothing, since X =
t costs nothing.

**Visits.** m ~ Bin(n, rho) runs through a window that leaves out less than 1e-15 in probability; what is left out
costs at most 2, a label's cost after m visits is at least of order 1/m, and 1/m is what the window's width allows for
(the window is `kt_theory.numerics.binomials.window`). Within a block of consecutive m, F is carried along by

    F(k; m+1) = F(k; m) - p b(k; m),    F(k+1; m) = F(k; m) + b(k+1; m),

from one incomplete beta function, so that a number costs a few binomial probabilities, whatever its size.
Never visited, an input costs what `kt_theory.exact.ful` says.

**Error.** Measured: 1e-15 relative against 40 digits for m <= 1e6; at m = 1e9 SciPy's incomplete beta function is
within 2e-16 of a direct sum. `row_risk` reports 1e-12, and beyond 1e6 expected visits 1e-12 sqrt(visits / 1e6).

Squared l2 is closed: sum_a (mpq + d^2)/T^2. KL is the sum over m and X of b(X) log(p T/(X + c)), both windowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import special

from kt_theory.exact import ful
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess
from kt_theory.numerics import binomials

#: c = KAPPA sqrt(m / (A - 1)).
KAPPA = 0.4

#: The most numbers that are summed for one input: about a minute.
CAP = 10**8

#: Visits that are worked on at a time.
BLOCK = 2**14

ROUTE = "closed form"


def row_risk(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of ADD_sgl after n samples.

    Parameters
    ----------
    row : Row
        The input. The answer is for one such input, whatever `row.times` is.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}
        What is paid, see `kt_theory.exact.ful`.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the divergence is unknown.
    OutOfReach
        If more than 1e8 numbers would have to be summed.

    Examples
    --------
    >>> row = Row(1.0, np.array([0.5, 0.5]), np.array([0.5, 0.5]), times=1)
    >>> round(row_risk(row, n=1).value, 12)  # (1 + 0.4)/1.8 - 1/2
    0.277777777778
    """
    unvisited = ful.row_risk(row, n, divergence)
    A = row.p.size + row.zeros
    if n == 0 or A == 1:
        return unvisited
    labels, times = np.unique(row.p, return_counts=True)
    if row.zeros and labels[0] == 0:
        times[0] += row.zeros
    elif row.zeros:
        labels, times = np.concatenate(([0.0], labels)), np.concatenate(([row.zeros], times))
    total = []
    for m in _visits(n, row.rho, labels, divergence):
        weight = binomials.binomial(m, n, row.rho)
        c = KAPPA * np.sqrt(m / (A - 1))
        for p, k in zip(labels.tolist(), times.tolist(), strict=True):
            total.append(k * float(weight @ _cost(m, p, c, A, divergence)))
    value = unvisited.value + row.rho * math.fsum(total)
    # The incomplete beta function loses digits as its arguments grow.
    error = 1e-12 * max(1.0, math.sqrt(n * row.rho / 1e6)) if divergence == "tv" else 1e-12
    rounded = 2 * row.rho * excess(row.p) * (1 + value / row.rho if divergence == "kl" else 1)
    return Estimate(value, unvisited.error + error * abs(value) + rounded, ROUTE)


def add_constant_risk(p: np.ndarray, m: int, c: float, A: int) -> np.ndarray:
    """Half of E|(X + c)/(m + Ac) - p|, X ~ Bin(m, p): what a label of each probability adds to the row's risk.

    Parameters
    ----------
    p : ndarray
        Probabilities of labels; the risk of a row is the sum over its labels.
    m : int
        Number of visits, at least 1.
    c : float
        What is added to each count, at least 0.
    A : int
        Number of labels.

    Returns
    -------
    ndarray, shape of p

    Examples
    --------
    >>> round(float(add_constant_risk(np.array([0.5, 0.5]), m=1, c=0.5, A=2).sum()), 12)  # the worst p, the minimax
    0.25
    """
    p = np.asarray(p, dtype=np.float64)
    k = _threshold(m, p, c, A)
    return _deviation(m, p, c, A, k, _distribution(k, np.float64(m), p)) / (2 * (m + A * c))


def _visits(n: int, rho: float, labels: np.ndarray, divergence: str) -> Iterator[np.ndarray]:
    """The numbers of visits that are summed, block by block."""
    first, last = binomials.window(n, rho)
    numbers = (last - first + 1) * labels.size
    if divergence == "kl":
        numbers *= 1 + min(last, int(40 * math.sqrt(last * (labels * (1 - labels)).max()) + 150))
    if numbers > CAP:
        raise OutOfReach(
            f"n is {n}: {numbers} numbers exceed the cap of {CAP} that are summed exactly for one input; "
            "kt_theory.simulate has no such limit"
        )
    for m in range(first, last + 1, BLOCK):
        yield np.arange(m, min(m + BLOCK, last + 1), dtype=np.float64)


def _cost(m: np.ndarray, p: float, c: np.ndarray, A: int, divergence: str) -> np.ndarray:
    """What a label costs after each number of visits: consecutive m, c of the same shape."""
    T = m + A * c
    if divergence == "l2":
        return (m * p * (1 - p) + (c * (1 - A * p)) ** 2) / (T * T)
    if divergence == "kl":
        return np.array([_kullback_leibler(*one, p) for one in zip(m.tolist(), c.tolist(), T.tolist(), strict=True)])
    k = _threshold(m, p, c, A)
    return _deviation(m, p, c, A, k, _carried(k, m, p)) / (2 * T)


def _kullback_leibler(m: float, c: float, T: float, p: float) -> float:
    """E[p log(p/Q) - p + Q], Q = (X + c)/T: no term is negative, and over the labels of a row it adds up to KL."""
    reach = 20 * math.sqrt(m * p * (1 - p)) + 75
    x = np.arange(max(0, math.floor(m * p - reach)), min(m, math.ceil(m * p + reach)) + 1)
    return float(binomials.binomial(x, m, p) @ special.kl_div(p, (x + c) / T))


def _threshold(m: np.ndarray | float, p: np.ndarray | float, c: np.ndarray | float, A: int) -> np.ndarray:
    """floor(t), as -1 below 0 and as m from m on."""
    return np.clip(np.floor(m * np.asarray(p) - c * (1 - A * np.asarray(p))), -1, m)


def _deviation(
    m: np.ndarray | float, p: np.ndarray | float, c: np.ndarray | float, A: int, k: np.ndarray, F: np.ndarray
) -> np.ndarray:
    """E|X + c - pT|."""
    q = 1 - np.asarray(p)
    return c * (1 - A * np.asarray(p)) * (1 - 2 * F) + 2 * (k + 1) * q * _probability(k + 1, m, p)


def _probability(x: np.ndarray, m: np.ndarray | float, p: np.ndarray | float) -> np.ndarray:
    """P(X = x), 0 outside of 0 .. m."""
    inside = (x >= 0) & (x <= m)
    return np.where(inside, binomials.binomial(np.clip(x, 0, m), m, p), 0.0)


def _distribution(k: np.ndarray, m: np.ndarray | float, p: np.ndarray | float) -> np.ndarray:
    """P(X <= k), -1 <= k <= m."""
    inside = (k >= 0) & (k < m)
    return np.where(inside, special.betaincc(np.maximum(k, 0) + 1, np.maximum(m - k, 1), p), np.where(k < 0, 0.0, 1.0))


def _carried(k: np.ndarray, m: np.ndarray, p: float) -> np.ndarray:
    """P(X <= k) for consecutive m, the first by the incomplete beta function, the others by recurrence."""
    start = _distribution(k[:1], m[:1], p)
    if m.size == 1:
        return start
    step = np.diff(k)
    gain = -p * _probability(k[:-1], m[:-1], p)
    for j in range(1, int(step.max(initial=0)) + 1):
        gain += np.where(step >= j, _probability(k[:-1] + j, m[1:], p), 0.0)
    for j in range(int(-step.min(initial=0))):
        gain -= np.where(-step > j, _probability(k[:-1] - j, m[1:], p), 0.0)
    return np.concatenate((start, start + np.cumsum(gain)))
