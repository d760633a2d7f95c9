r"""Missing mass: Z&Z Lemmas E.5 to E.7, and sharper bounds, proved in the report (N1, N2).

The largest expected mass that n draws from K letters leave unseen is at most

    E m0 <= (1 - 1/K)^n for n <= K (attained),    (K - 1) phi(n - 1) for n >= K,    phi(n) = n^n / (n + 1)^(n + 1),

K times the least concave majorant of w (1 - w)^n, taken at 1/K (N1). It is below K phi(n), K / (e n), 4 K / (9 n) and,
for n >= 1, (K - 1) phi(n - 1). And the unseen letters are negatively dependent, P(all of I unseen) <= product of
P(i unseen), from which come the deviation of m0 (N2) and the binomial lower bound (N7).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import (
    Argument,
    quantity,
    stating,
    unseen,
    up,
)


def _mass(name: str, value: Any) -> float:
    return float(checks.probabilities(name, value, ndim=0).item())


@quantity(p=Argument("float", "Mass of the cell, in [0, 1].", _mass))
def cell_missing_mass(*, n: Any, p: float) -> float | np.ndarray:
    """What a cell of mass p adds to the expected missing mass: p (1 - p)^n.

    Statement: Z&Z Lemma E.5 (the quantity bounded)
    Grade: exact
    Units: missing mass
    Valid for: n >= 0, 0 <= p <= 1
    Outside: nan

    Notes
    -----
    Good to 1e-14, relative, except that for p below 1e-12 the error may reach eps times the exponent n p.

    Examples
    --------
    >>> cell_missing_mass(n=[0, 1, 2], p=0.5)
    array([0.5  , 0.25 , 0.125])
    """
    return p * unseen(n, p)


@stating("zz-E.5", units="missing mass")
def cell_missing_upper(*, n: Any) -> float | np.ndarray:
    """The largest that p (1 - p)^n can be: (1 / (n + 1)) (n / (n + 1))^n, at p = 1 / (n + 1).

    Notes
    -----
    Within a factor 1 of the truth at p = 1 / (n + 1), every n.

    Examples
    --------
    >>> round(cell_missing_upper(n=1), 12)
    0.25
    """
    return up(unseen(n, 1 / (n + 1)) / (n + 1))


@stating("zz-E.5-simple", units="missing mass")
def cell_missing_upper_simple(*, n: Any) -> float | np.ndarray:
    """For every p, p (1 - p)^n <= 4 / (9 n).

    Notes
    -----
    Printed as (4/9) n; the proof gives 4 / (9 n).

    Within a factor 1.21 of the truth at p = 1 / (n + 1), n = 1000.

    Examples
    --------
    >>> round(cell_missing_upper_simple(n=4), 12)
    0.111111111111
    """
    return up(4 / (9 * n))


@stating("zz-E.6", units="missing mass")
def missing_mass_excess_upper_whp(*, size: int, n: Any, delta: float) -> float | np.ndarray:
    """Missing mass m0 of a sample, with probability >= 1 - delta: m0 - E m0 <= 3 sqrt(size) log(1 / delta) / n.

    Notes
    -----
    Within a factor 4.27 of the truth, the 1 - delta quantile of m0 - E m0, at size = 2, n = 1000, law (0.01, 0.99),
    delta just below 0.99^1000.

    Examples
    --------
    >>> round(missing_mass_excess_upper_whp(size=9, n=1000, delta=0.1), 9)
    0.020723266
    """
    deviation = -3 * math.sqrt(size) * math.log(delta)
    return up(deviation / n)


@stating("zz-E.7", units="missing mass")
def missing_mass_upper_whp(*, size: int, n: Any, delta: float) -> float | np.ndarray:
    """Missing mass of a sample, with probability >= 1 - delta: m0 <= 4 size / (9 n) + 3 sqrt(size) log(1 / delta) / n.

    Notes
    -----
    Within a factor 2.04 of the truth, the 1 - delta quantile of m0, at size = n = 400, delta = 0.1, uniform law.

    Examples
    --------
    >>> round(missing_mass_upper_whp(size=9, n=1000, delta=0.1), 9)
    0.024723266
    """
    return up(missing_with_sqrt(size, n, delta))


def missing_with_sqrt(size: int, n: Any, delta: float) -> Any:
    """Lemma E.7, not rounded to its side."""
    return (4 * size / 9 - 3 * math.sqrt(size) * math.log(delta)) / n


@stating("ours-N1-cell", units="missing mass")
def cell_missing_upper_e(*, n: Any) -> float | np.ndarray:
    """For every p, p (1 - p)^n <= 1 / (e n).

    Notes
    -----
    N1: phi(n) n increases to 1/e. Z&Z have 4 / (9 n).

    Within a factor 1.002 of the truth at p = 1 / (n + 1), n = 1000.

    Examples
    --------
    >>> round(cell_missing_upper_e(n=1), 12)
    0.367879441171
    """
    return up(1 / (math.e * n))


@stating("ours-N1-mean", units="missing mass")
def missing_mass_upper_mean(*, size: int, n: Any) -> float | np.ndarray:
    """Expected missing mass of any law on K letters: (1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K.

    Notes
    -----
    N1, K = size. An equality for n <= K, at the uniform law; for n > K too large by about one part in n.

    Within a factor 1 of the truth at size = 5, n = 4, uniform law; within a factor 1.011 at size = 5, n = 100, four
    letters of mass 1 / (n + 1).

    Examples
    --------
    >>> missing_mass_upper_mean(size=1, n=[0, 1, 2]).round(12)
    array([1., 0., 0.])
    >>> round(missing_mass_upper_mean(size=2, n=2), 12)
    0.25
    """
    return up(majorant(n, size))


def majorant(n: np.ndarray, size: int) -> np.ndarray:
    """Bound N1 on the expected missing mass, to a few units in the last place."""
    few = unseen(n, 1 / size)
    later = np.maximum(n, 2.0)
    many = (size - 1) * unseen(later - 1, 1 / later) / later
    return np.where(n <= size, few, many if size > 1 else 0.0)


@stating("ours-N2-deviation", units="missing mass")
def missing_mass_upper_whp_sqrt(*, size: int, n: Any, delta: float) -> float | np.ndarray:
    """Missing mass, with probability >= 1 - delta: m0 <= `missing_mass_upper_mean` + (2/n) (L + sqrt(2 size L) / e).

    Notes
    -----
    N2, L = log(1 / delta): the moment generating function of m0 - E m0, by negative dependence. Holds for every delta,
    and is below Lemma E.7 wherever that holds.

    Within a factor 1.19 of the truth, the 1 - delta quantile of m0, at size = n = 400, delta = 0.1, uniform law.

    Examples
    --------
    >>> round(missing_mass_upper_whp_sqrt(size=9, n=1000, delta=0.1), 9)
    0.012286419
    """
    return up(missing_with_deviation(size, n, delta))


def missing_with_deviation(size: int, n: Any, delta: float) -> Any:
    """N2, not rounded to its side."""
    L = -math.log(delta)
    return majorant(n, size) + 2 * (L + math.sqrt(2 * size * L) / math.e) / n
