r"""CE_sgl, exactly: de Moivre's mean deviation, averaged over the number of visits.

The visits of an input are :math:`m \sim \mathrm{Bin}(n, \rho)`. If m = 0 it costs what `kt_theory.exact.ful` gives.
If m >= 1 the count of a label is :math:`\mathrm{Bin}(m, p)`, and de Moivre (1730) has

.. math:: f(m) = \mathrm{E}\left|\tfrac{\mathrm{Bin}(m,p)}{m} - p\right| = 2 p q\, \Pr(\mathrm{Bin}(m-1, p) = v - 1),
          \qquad v = \max(1, \lceil m p \rceil),\quad q = 1 - p.

(In the usual form v is floor(mp) + 1; at integer mp both give the same.) f is symmetric in p and q, so the smaller one
is used, which is free of rounding: 1 - p is exact for p >= 1/2. A ceiling that rounding moves by one changes f by the
factor 1 + (rounding of mp) / (mpq), a unit in the last place.

**Window.** Let mu = n rho and L = 35 + log(mu + 50). By Bernstein's inequality m is within
L/3 + sqrt(L^2/9 + 2 L mu (1 - rho)) of mu but for probability 2 exp(-L) <= 1.3e-15 / (mu + 50); only these m are
summed. As v - 1 is a mode of Bin(m-1, p), its probability is at least 1/m, hence f(1)/m <= f(m) <= f(1) = 2pq for each
label: what is left out is less than 1e-14 of what is kept. (For mu <= 1 the window holds 1 to 26 at the least; what is
left out is at most P(m >= 27) f(1) <= mu^27/27! f(1), and what is kept at least P(m = 1) f(1) >= mu/e f(1).) The same
holds for 1/m in place of f.

**The sum, number by number.** f and the law of m come from Loader's saddle-point form, whose relative error does not
grow with n (`kt_theory.numerics.binomials`), at every 32nd m; between, f(m+1) / f(m) is mq / (m - v + 1) where v stays
and mp / v where it grows, and likewise the law: 31 steps of seven roundings, below 3e-14.

**Many visits.** Let c = pq, h = 1/(mc), x = ceil(mp) - mp. Stirling's series turns the saddle-point form into

    log f = log sqrt(2c / (pi m)) + h (y/2 - (1 - c)/12) + h^2 (q - p) y (1 - 2x)/12 + at most 0.003 h^3 (1 + 2h),

y = x(1 - x), where the third term is h^3 ((1 - 3c)(1/360 - y^2/12) - c^3/360), and the fourth at most 0.0013 h^4. Used
for h <= 1e-3, expanded to h^3: relative error below 3e-15.

**Waves.** In Bernoulli's polynomials B_j of x, that expansion is f = sqrt(2c/(pi m)) (1 + h g_1 + h^2 g_2),

    g_1 = c/12 - B_2/2,    g_2 = c^2/288 + 1/1440 + (1 - c) B_2/24 + (q - p) B_3/6 + B_4/8,

and B_2 = sum_k cos(2 pi k x) / (pi k)^2, B_3 = 3 sum_k sin(2 pi k x) / (2 (pi k)^3), B_4 = -3 sum_k cos(2 pi k x) /
(pi k)^4. So f is smooth less a wiggle, and the mean of the wiggle over m is a power of the characteristic function:
with z = e^(2 pi i k p) and b = 1 + rho (z - 1), E z^m = b^n, and under the weights z^m the number of visits is binomial
with rho z/b for rho. Its moments about mu = n rho give the mean of m^(-3/2) z^m by Taylor's formula, up to the third
power of m/mu - 1. Used where c mu >= 1e4 and mu (1 - rho) >= 1e5; left out, relatively: h^3, at most 4e-15; the next
power, at most (h/12) 8/mu^2 <= 7e-15; in the smooth part 4/mu^3 <= 4e-15.

As |b|^n <= exp(-2 n rho (1 - rho) sin^2(pi k p)), only the k with sin^2(pi k p) < 12 / (n rho (1 - rho)) are summed;
the others are below e^-24. These k lie within r/p of j/p, j = 0, 1, ..., with r = arcsin(sqrt(12 / (n rho (1 -
rho))))/pi: beyond j their 1/k^2 add up to (2r + p) p / (j + 1/2 - r) at most. Two such k differ by g at least, g being
the least k with sin^2(pi k p) < 48 / (n rho (1 - rho)): beyond K they add up to 1/K^2 + 1/(gK) at most. j grows until
the lesser of these is below a goal, 4e-14 of E f. A p such as 1/2 may take more k than the window has m: then another
route is taken. Problems of millions of pairs take 1e-11 for the goal: a label then takes a microsecond, not twenty.

**Few kinks.** Where p is small, f is smooth but for few m, and the sum is an integral with corrections:
`kt_theory.exact.kinks`.

Squared l2 is sum p(1-p) E(1/m; m >= 1), the variance of a frequency; from mu = 1e4 on E(1/m) is its expansion up to
1/mu^3, whose next term is below 3e-15. KL is infinite as soon as a label that the teacher
uses may be unseen at a visited input, which one visit is enough for, unless the teacher uses one label alone.

Cost: at most 20 sd of m times the labels of different probability, 2 to 4 ns each, as long as mu is below a million;
beyond, some ten microseconds a label, for every n.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.exact import ful, loops_sgl
from kt_theory.exact.rows import Estimate, Row, excess
from kt_theory.numerics.binomials import window

#: The stated relative error: window and series as above, rounding below 4e-14.
ERROR = 1e-13

#: What waves are left out, relatively; and the same for very many labels.
GOAL, COARSE = 4e-14, 1e-11

ROUTE = "closed form"


def row_risk(row: Row, n: int, divergence: str = "tv", *, goal: float = GOAL) -> Estimate:
    """What one input adds to the expected risk of CE_sgl after n samples.

    Parameters
    ----------
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}
        The cost, see `kt_theory.exact.ful`.
    goal : float
        The waves that may be left out, relatively.

    Returns
    -------
    Estimate
        Relative error below 1e-13, and what `goal` is more than 4e-14. KL is infinite for n >= 1 unless the teacher
        uses one label alone.

    Raises
    ------
    ValueError
        If the divergence is unknown.

    Examples
    --------
    >>> row_risk(Row(1.0, np.array([0.25, 0.75]), np.array([0.5, 0.5]), times=1), n=1).value
    0.375
    """
    unvisited = ful.row_risk(row, n, divergence)
    if n == 0 or np.count_nonzero(row.p) == 1:  # a label that is always drawn is known after one visit
        return unvisited
    if divergence == "kl":
        return Estimate(math.inf, 0.0, ROUTE)
    if divergence == "l2":
        visited = math.fsum(row.p * (1 - row.p)) * _mean_inverse(n, row.rho)
    else:
        visited = 0.5 * _mean_deviations(n, row.rho, row.p, goal)
    value = unvisited.value + row.rho * visited
    error = (ERROR + goal - GOAL) * row.rho * visited + unvisited.error + _rounded(row, visited) + 4 * math.ulp(0.0)
    return Estimate(value, error, ROUTE)


def _rounded(row: Row, visited: float) -> float:
    """What dividing the row by its sum may move, as the rounding of its entries may.

    Between its kinks log f has the slope (v - (m+1)p) / (pq), at most 1/min(p, q); and f has at most the slope 2. Only
    one label has p > 1/2, and its f is at most the half of all.
    """
    p = float(row.p[-1])
    steep = 1.0 if p > 0.5 and visited * p >= 1 - p else visited * p / (1 - p) if p > 0.5 else 0.0
    return row.rho * 2 * excess(row.p) * (visited + steep)


def _mean_deviations(n: int, rho: float, p: np.ndarray, goal: float) -> float:
    """sum_a E(f_a(m); m >= 1)."""
    smaller = np.minimum(p, 1 - p)
    labels, times = np.unique(smaller[smaller > 0], return_counts=True)
    found = np.empty(labels.size)
    loops_sgl.mean_deviations(float(n), rho, *_window(n, rho), labels, goal, found)
    return math.fsum(times * found)


def _mean_inverse(n: int, rho: float) -> float:
    """E(1/m; m >= 1)."""
    mean, left, skew = n * rho, 1 - rho, 1 - 2 * rho
    if mean < 1e4:
        return float(loops_sgl.mean_inverse(float(n), rho, *_window(n, rho)))
    third = left * (1 - 6 * rho * left) - 10 * left**2 * skew + 15 * left**3
    return (1 + (left + (3 * left**2 - left * skew + third / mean) / mean) / mean) / mean


def _window(n: int, rho: float) -> tuple[float, float]:
    """The first and last number of visits that is summed."""
    first, last = window(n, rho) if rho < 1 else (n, n)
    return float(first), float(last)
