r"""ADD_sgl, exactly: the mean deviation of a binomial from a point that is not its mean, averaged over the visits.

After m visits the student is (X + c)/T on a label of probability p, with X ~ Bin(m, p), T = m + Ac and, for ADD_sgl,
c = 0.4 sqrt(m/(A-1)). It errs by abs(X - t)/T, where t = pT - c = mp - d and d = c(1 - Ap). With k = floor(t), F and b
the distribution function and the probabilities of X, and de Moivre's sum_{x <= k} (mp - x) b(x) = (k+1) q b(k+1),

.. math:: \mathrm{E}|X - t| = d\,(1 - 2F(k)) + 2 (k+1)\, q\, b(k+1), \qquad q = 1 - p .

It holds for every real t: below 0 it is d = E X - t, from m on t - mp. The two terms hardly cancel: d > 0 means that
t lies below the mean, where F is about 1/2 or less. A floor that rounding moves at a whole t changes nothing, since X =
t costs nothing.

The pairs (X, p) and (m - X, q) cost the same, with -d for d; the smaller of p and q is used.

**Visits.** m ~ Bin(n, rho) runs through a window that leaves out less than 1e-15 in probability; what is left out
costs at most 2, a label's cost after m visits is at least of order 1/m, and 1/m is what the window's width allows for
(the window is `kt_theory.numerics.binomials.window`; where costs do not double within it, it is cut to 2e-14). From
one m to the next, F and b are carried along by

    F(k; m+1) = F(k; m) - p b(k; m),    F(k+1; m) = F(k; m) + b(k+1; m),    b(k; m+1) = b(k; m) (m+1) q / (m+1-k),

from a sum over the shorter tail at the first m, and from a new b at every 64th. Where floor(t) stays or grows by 1,
stretches of 64 are worked on side by side, and a number costs four nanoseconds, for every size. Light labels after
many visits are integrated between kinks instead (`kt_theory.exact.kinks`), in microseconds. Labels of probability 0
cost d/T each and are counted only. An input that was never visited costs what `kt_theory.exact.ful` gives.

**Error.** Measured: 1e-14 relative against 40 digits for m <= 1e5, and against incomplete beta functions beyond.
`row_risk` reports 1e-12, and beyond 1e6 expected visits 1e-12 sqrt(visits / 1e6), for F carried over as many steps. It
is an estimate, with `proved` False, but for the first 32 samples.

Squared l2 is closed: sum_a (mpq + d^2)/T^2. KL is the sum over m and X of b(X) log(p T/(X + c)), both windowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import special

from kt_theory.exact import ful, kinks, loops_add
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess
from kt_theory.numerics import binomials

#: c = KAPPA sqrt(m / (A - 1)).
KAPPA = 0.4

#: The most numbers that are summed for one input: some ten seconds, for KL a minute.
CAPS = {"tv": 2 * 10**9, "l2": 10**9, "kl": 10**8}

#: Visits that are worked on at a time.
BLOCK = 2**14

#: From this variance of the visits on, those with a probability below e^-LEAST each side are left out.
MANY, LEAST = 1e4, 33.0

#: Nanoseconds for a number of visits that is summed, for an integral and for each kink in it.
EACH, INTEGRAL, KINK = 4, 8_000, 600

#: Up to so many visits no more than some hundred roundings add up, and 1e-12 is a bound; beyond, it was measured.
FEW_VISITS = 32

ROUTE = "closed form"


def row_risk(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of ADD_sgl after n samples.

    Parameters
    ----------
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}
        The cost, see `kt_theory.exact.ful`.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the divergence is unknown.
    OutOfReach
        If more than 2e9 numbers would have to be summed, for l2 1e9, for KL 1e8.

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
    labels, times = _alike(row)
    visited = {"tv": _deviations, "l2": _squares, "kl": _kullback_leibler}[divergence]
    value = unvisited.value + row.rho * visited(n, row.rho, labels, times, A)
    # Roundings of the distribution function add up from one number of visits to the next.
    error = 1e-12 * max(1.0, math.sqrt(n * row.rho / 1e6)) if divergence == "tv" else 1e-12
    rounded = 2 * row.rho * excess(row.p) * (1 + value / row.rho if divergence == "kl" else 1)
    return Estimate(value, unvisited.error + error * abs(value) + rounded, ROUTE, proved=n <= FEW_VISITS)


def _alike(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """The distinct probabilities of the labels, and how many have each."""
    p = np.sort(row.p)  # np.unique costs three times as much, which counts in sparse problems of many short rows
    start = np.flatnonzero(np.concatenate(([True], p[1:] != p[:-1])))
    labels, times = p[start], np.diff(start, append=p.size)
    if row.zeros and labels[0] == 0:
        times[0] += row.zeros
    elif row.zeros:
        labels, times = np.concatenate(([0.0], labels)), np.concatenate(([row.zeros], times))
    return labels, times


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


def _deviations(n: int, rho: float, labels: np.ndarray, times: np.ndarray, A: int) -> float:
    """The cost in total variation, given the labels' distinct probabilities and how often each occurs."""
    first, last = _window(n, rho)
    a, mean = KAPPA / math.sqrt(A - 1), n * rho
    p, e = np.minimum(labels, 1 - labels), a * (1 - A * labels)
    e[labels > 0.5] *= -1
    sd = math.sqrt(mean * (1 - rho))
    light = INTEGRAL + KINK * 20 * sd * p < EACH * (last - first + 1)
    # t is below m throughout, too: t <= m/2 + |e| sqrt(m)
    light &= (sd >= kinks.LEAST_SD) & (mean >= kinks.LEAST_MEAN) & (first > 16 * e * e)
    _check("tv", n, (last - first + 1) * int(np.count_nonzero(~light)))
    found = np.empty(p.size)
    loops_add.fill_deviations(float(n), rho, float(first), float(last), A * a, p, e, light, found)
    return math.fsum(times * found) / 2


def _squares(n: int, rho: float, labels: np.ndarray, times: np.ndarray, A: int) -> float:
    """The same for squared l2."""
    first, last = _window(n, rho)
    _check("l2", n, last - first + 1)
    spread, bias = math.fsum(times * labels * (1 - labels)), math.fsum(times * (1 - A * labels) ** 2)
    total = []
    for m in _blocks(first, last):
        c = KAPPA * np.sqrt(m / (A - 1))
        total.append(float(binomials.binomial(m, n, rho) @ ((m * spread + c * c * bias) / (m + A * c) ** 2)))
    return math.fsum(total)


def _kullback_leibler(n: int, rho: float, labels: np.ndarray, times: np.ndarray, A: int) -> float:
    """The same for KL."""
    first, last = _window(n, rho)
    counts = 1 + min(last, int(40 * math.sqrt(last * (labels * (1 - labels)).max()) + 150))
    _check("kl", n, (last - first + 1) * labels.size * counts)
    total = []
    for m in _blocks(first, last):
        c = KAPPA * np.sqrt(m / (A - 1))
        visits = list(zip(m.tolist(), c.tolist(), binomials.binomial(m, n, rho).tolist(), strict=True))
        for p, k in zip(labels.tolist(), times.tolist(), strict=True):
            total += [k * weight * _relative_entropy(x, add, x + A * add, p) for x, add, weight in visits]
    return math.fsum(total)


def _window(n: int, rho: float) -> tuple[int, int]:
    """The first and last number of visits that is summed."""
    if rho == 1:
        return n, n
    first, last = binomials.window(n, rho)
    mean, variance = n * rho, n * rho * (1 - rho)
    if variance < MANY:
        return first, last
    # Costs do not double within these, and what is left out has a probability below 2e-14 (Bernstein).
    reach = LEAST / 3 + math.sqrt(LEAST**2 / 9 + 2 * LEAST * variance)
    return max(first, math.floor(mean - reach)), min(last, math.ceil(mean + reach))


def _check(divergence: str, n: int, numbers: int) -> None:
    if numbers > CAPS[divergence]:
        raise OutOfReach(
            f"n is {n}: {numbers} numbers exceed the cap of {CAPS[divergence]} that are summed exactly for one input; "
            "kt_theory.simulate has no such limit"
        )


def _blocks(first: int, last: int) -> Iterator[np.ndarray]:
    for m in range(first, last + 1, BLOCK):
        yield np.arange(m, min(m + BLOCK, last + 1), dtype=np.float64)


def _relative_entropy(m: float, c: float, T: float, p: float) -> float:
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
