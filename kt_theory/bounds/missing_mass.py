r"""Missing mass: Z&Z Lemmas E.5 to E.7, and sharper bounds, proved in the report (N1, N2).

The largest expected mass that n draws from K letters leave unseen is at most

    E m0 <= (1 - 1/K)^n for n <= K (attained),    (K - 1) phi(n - 1) for n >= K,    phi(n) = n^n / (n + 1)^(n + 1),

K times the least concave majorant of w (1 - w)^n, taken at 1/K (N1). It is below K phi(n), K / (e n), 4 K / (9 n) and,
for n >= 1, (K - 1) phi(n - 1). And the unseen letters are negatively dependent, P(all of I unseen) <= product of
P(i unseen), from which come the deviation of m0 (N2), the constant c_inf (N6) and the binomial lower bound (N7).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.bounds.evaluation import (
    documented,
    from_first,
    unseen,
    up,
)

#: The largest delta of Lemma E.6. As a float it exceeds 1/10 by 6e-18, which the rounding up of the bound covers.
DELTA_MAX = 0.1


@documented(p=("float", "Mass of the cell, in [0, 1]."))
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
    p = checks.probabilities("p", p, ndim=0).item()
    return from_first(0, n, lambda n: p * unseen(n, p))


@documented()
def cell_missing_upper(*, n: Any) -> float | np.ndarray:
    """The largest that p (1 - p)^n can be: (1 / (n + 1)) (n / (n + 1))^n, at p = 1 / (n + 1).

    Statement: Z&Z Lemma E.5 (first form)
    Grade: tight
    Units: missing mass
    Valid for: n >= 0
    Outside: nan

    Notes
    -----
    Within a factor 1 of the truth at p = 1 / (n + 1), every n.

    Examples
    --------
    >>> round(cell_missing_upper(n=1), 12)
    0.25
    """
    return from_first(0, n, lambda n: up(unseen(n, 1 / (n + 1)) / (n + 1)))


@documented()
def cell_missing_upper_simple(*, n: Any) -> float | np.ndarray:
    """For every p, p (1 - p)^n <= 4 / (9 n).

    Statement: Z&Z Lemma E.5 (second form)
    Grade: upper
    Units: missing mass
    Valid for: n >= 1
    Outside: nan

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


@documented()
def missing_mass_excess_upper_whp(*, size: int, n: Any, delta: float) -> float | np.ndarray:
    """Missing mass m0 of a sample, with probability >= 1 - delta: m0 - E m0 <= 3 sqrt(size) log(1 / delta) / n.

    Statement: Z&Z Lemma E.6 (Rajaraman et al. 2020, Theorem A.2)
    Grade: upper
    Units: missing mass
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

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


@documented()
def missing_mass_upper_whp(*, size: int, n: Any, delta: float) -> float | np.ndarray:
    """Missing mass of a sample, with probability >= 1 - delta: m0 <= 4 size / (9 n) + 3 sqrt(size) log(1 / delta) / n.

    Statement: Z&Z Lemma E.7
    Grade: upper
    Units: missing mass
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

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


@documented()
def cell_missing_upper_e(*, n: Any) -> float | np.ndarray:
    """For every p, p (1 - p)^n <= 1 / (e n).

    Statement: The least constant of the form c / n in Lemma E.5
    Grade: upper
    Status: proved
    Units: missing mass
    Valid for: n >= 1
    Outside: nan

    Notes
    -----
    N1: phi(n) n increases to 1/e. Z&Z have 4 / (9 n).

    Within a factor 1.002 of the truth at p = 1 / (n + 1), n = 1000.

    Examples
    --------
    >>> round(cell_missing_upper_e(n=1), 12)
    0.367879441171
    """
    return from_first(1, n, lambda n: up(1 / (math.e * n)))


@documented()
def missing_mass_upper_mean(*, size: int, n: Any) -> float | np.ndarray:
    """Expected missing mass of any law on K letters: (1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K.

    Statement: Concave majorant of the missing mass
    Grade: upper
    Status: proved
    Units: missing mass
    Valid for: n >= 0
    Outside: nan

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
    size = checks.whole_number("size", size, minimum=1)
    return from_first(0, n, lambda n: up(majorant(n, size)))


def majorant(n: np.ndarray, size: int) -> np.ndarray:
    """Bound N1 on the expected missing mass, to a few units in the last place."""
    few = unseen(n, 1 / size)
    later = np.maximum(n, 2.0)
    many = (size - 1) * unseen(later - 1, 1 / later) / later
    return np.where(n <= size, few, many if size > 1 else 0.0)


@documented()
def missing_mass_upper_whp_sqrt(*, size: int, n: Any, delta: float) -> float | np.ndarray:
    """Missing mass, with probability >= 1 - delta: m0 <= `missing_mass_upper_mean` + (2/n) (L + sqrt(2 size L) / e).

    Statement: Deviation of the missing mass, of order sqrt(size log(1/delta)) + log(1/delta) over n
    Grade: upper
    Status: proved
    Units: missing mass
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

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
    size = checks.whole_number("size", size, minimum=1)
    delta = checks.open_unit("delta", delta)
    L = -math.log(delta)
    deviation = 2 * (L + math.sqrt(2 * size * L) / math.e)
    return from_first(1, n, lambda n: up(majorant(n, size) + deviation / n))
