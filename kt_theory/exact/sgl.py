r"""CE_sgl, exactly: de Moivre's mean deviation, averaged over the number of visits.

The visits of an input are :math:`m \sim \mathrm{Bin}(n, \rho)`. If m = 0 it costs what `kt_theory.exact.ful` says.
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

**Probabilities** by Loader's saddle-point form, whose relative error does not grow with n
(`kt_theory.numerics.binomials`). f is taken from it at every 16th m; between, f(m+1) / f(m) is mq / (m - v + 1) where
v stays and mp / v where it grows: 15 steps of four roundings, below 7e-15.

**Many visits.** Let c = pq, h = 1/(mc), x = ceil(mp) - mp, y = x(1 - x). Stirling's series turns the saddle-point form
into

    log f = log sqrt(2c / (pi m)) + h (y/2 - (1 - c)/12) + h^2 (q - p) y (1 - 2x)/12 + at most 0.003 h^3 (1 + 2h),

since the third term is (1/(mp)^3 + 1/(mq)^3)(1/360 - y^2/12) - 1/(360 m^3). Used where h <= 1e-4 throughout the window,
expanded to h^2: relative error below 4e-15.

**Very many visits.** y = 1/6 - sum_k cos(2 pi k m p) / (pi k)^2, so f is a smooth sqrt(2c/(pi m)) (1 + 1/(12m)) less a
wiggle. With m^(-3/2) = mu^(-3/2) (1 - 3(m - mu)/(2 mu)) in the wiggle, its mean over m is a power of the characteristic
function: with z = e^(2 pi i k p) and b = 1 + rho (z - 1),

.. math:: \mathrm{E} f = \sqrt{\tfrac{2c}{\pi\mu}} \Big(1 + \tfrac{3(1-\rho)}{8\mu} + \tfrac{1}{12\mu}
          - \tfrac{1}{2\pi^2 c\mu} \sum_{k \le K} \tfrac{1}{k^2}\,
          \mathrm{Re}\, b^n \big(1 - \tfrac32 (1-\rho) \tfrac{z-1}{b}\big)\Big).

Left out, relatively, where c mu >= 2e6: the h^2 terms, at most 0.016/(c mu)^2; the next term of m^(-3/2), at most
0.16/(c mu^2); 1/mu^2 in the smooth part: together below 4e-14. As |b|^n <= exp(-2 n rho (1 - rho) sin^2(pi k p)), only
the k with sin^2(pi k p) < 10 / (n rho (1 - rho)) are summed; the others are below e^-20. Two such k differ by g at
least, g being the least k with sin^2(pi k p) < 40 / (n rho (1 - rho)). So those beyond K add up to 1/K^2 + 1/(gK) at
most, and K grows until that is below 2e-14 of E f. A p with small g, such as 1/2, may take more k than the window has
m: then the window is summed.

Squared l2 is sum p(1-p) E(1/m; m >= 1), the variance of a frequency; E(1/m) = (1 + (1 - rho)/mu)/mu but for 3/mu^2,
relatively, which is used from mu = 1e8 on. KL is infinite as soon as a label that the teacher
uses may be unseen at a visited input, which one visit is enough for, unless the teacher uses one label alone.

Cost: at most 22 sd of m times the labels of different probability, 15 ns each, 30 ns where h <= 1e-4, next to nothing
where c mu >= 2e6.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kt_theory.exact import ful
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess
from kt_theory.numerics import loops_binomial
from kt_theory.numerics.binomials import binomial, window

#: Relative error that is promised: window and series as above, rounding below 2e-14.
ERROR = 1e-13

#: The most numbers (visits times different labels) that are summed for one input: minutes.
CAP = 2 * 10**9

#: Numbers that are worked on at a time: what fits a processor's cache.
BLOCK = 2**14

#: f comes from Loader's form at every so many numbers of visits, from ratios between.
STEPS = 16

ROUTE = "closed form"


def row_risk(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of CE_sgl after n samples.

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
        Relative error below 1e-13. KL is infinite for n >= 1 unless the teacher uses one label alone.

    Raises
    ------
    ValueError
        If the divergence is unknown.
    OutOfReach
        If more than 2e9 numbers would have to be summed: labels with hardly any mass at n far beyond 1e12.

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
        visited = 0.5 * _mean_deviations(n, row.rho, row.p)
    value = unvisited.value + row.rho * visited
    error = ERROR * row.rho * visited + unvisited.error + _rounded(row, visited) + 4 * math.ulp(0.0)
    return Estimate(value, error, ROUTE)


def _rounded(row: Row, visited: float) -> float:
    """What dividing the row by its sum may move, as the rounding of its entries may.

    Between its kinks log f has the slope (v - (m+1)p) / (pq), at most 1/min(p, q); and f has at most the slope 2. Only
    one label has p > 1/2, and its f is at most the half of all.
    """
    p = float(row.p[-1])
    steep = 1.0 if p > 0.5 and visited * p >= 1 - p else visited * p / (1 - p) if p > 0.5 else 0.0
    return row.rho * 2 * excess(row.p) * (visited + steep)


def _mean_deviations(n: int, rho: float, p: np.ndarray) -> float:
    """sum_a E(f_a(m); m >= 1)."""
    smaller = np.minimum(p, 1 - p)
    labels, times = np.unique(smaller[smaller > 0], return_counts=True)
    c, mean = labels * (1 - labels), n * rho
    waves = [
        _very_many_visits(n, rho, label) if many else None for label, many in zip(labels, c * mean >= 2e6, strict=True)
    ]
    far = np.array([value is not None for value in waves])
    close = ~far & (c * window(n, rho)[0] >= 1e4)

    def summed(
        some: np.ndarray, deviations: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], block: int
    ) -> float:
        p, weights = labels[some], times[some].astype(np.float64)
        return _windowed(n, rho, p.size, lambda m: deviations(m, p, weights), block) if p.size else 0.0

    total = (k * value for k, value in zip(times, waves, strict=True) if value is not None)
    return math.fsum([*total, summed(close, _by_series, BLOCK), summed(~far & ~close, _by_ratios, BLOCK * STEPS)])


def _by_series(m: np.ndarray, p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sum_a weights_a f_a at each m."""
    return weights @ mean_deviation_series(m, p[:, None])


def _by_ratios(m: np.ndarray, p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same for successive m."""
    out = np.zeros(m.size)
    loops_binomial.add_deviations(m[0], p, weights, mean_deviation(m[::STEPS], p[:, None]), STEPS, out)
    return out


def _mean_inverse(n: int, rho: float) -> float:
    """E(1/m; m >= 1)."""
    mean = n * rho
    if mean >= 1e8:
        return (1 + (1 - rho) / mean) / mean
    return _windowed(n, rho, 1, lambda m: 1 / m)


def _windowed(n: int, rho: float, labels: int, term: Callable[[np.ndarray], np.ndarray], block: int = BLOCK) -> float:
    """The mean of `term`, which costs as many numbers as there are `labels`, over the window, block by block."""
    first, last = window(n, rho)
    if (last - first + 1) * labels > CAP:
        raise OutOfReach(
            f"n is {n}: {last - first + 1} numbers of visits times {labels} different labels exceed the cap of "
            f"{CAP} that are summed exactly; kt_theory.simulate has no such limit"
        )
    step = max(block // labels, 256)
    blocks = (np.arange(m, min(m + step, last + 1), dtype=np.float64) for m in range(first, last + 1, step))
    return math.fsum(float(term(m) @ binomial(m, n, rho)) for m in blocks)


def mean_deviation(m: np.ndarray, p: np.ndarray) -> np.ndarray:
    """E|Bin(m, p)/m - p| for m >= 1 and p <= 1/2, by de Moivre."""
    v = np.maximum(np.ceil(m * p), 1)
    return 2 * p * (1 - p) * binomial(v - 1, m - 1, p)


def mean_deviation_series(m: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The same for m p (1 - p) >= 1e4, by Stirling's series."""
    c = p * (1 - p)
    x = m * p
    x = np.ceil(x) - x
    y = x * (1 - x)
    h = 1 / (m * c)
    first = y / 2 - (1 - c) / 12
    second = y * (1 - 2 * x) * ((1 - 2 * p) / 12)
    return np.sqrt(2 * c / math.pi / m) * (1 + h * (first + h * (first * first / 2 + second)))


def _very_many_visits(n: int, rho: float, p: float) -> float | None:
    """E f(m) by the smooth part and the cosines of the wiggle; None if the window has fewer terms."""
    c, mean = p * (1 - p), n * rho
    first, last = window(n, rho)
    scale = 1 / (2 * math.pi**2 * c * mean)
    wiggle, gap, waves = 0.0, math.inf, 0
    while scale * (1 / max(waves, 1) ** 2 + 1 / (min(gap, waves + 1) * max(waves, 1))) > 2e-14:
        if waves > (last - first) / 4:
            return None
        k = np.arange(waves + 1, waves + 1 + min(max(waves, 256), BLOCK), dtype=np.float64)
        waves += k.size
        turn = k * p
        turn -= np.rint(turn)
        sine = np.sin(math.pi * turn) ** 2
        near = sine * mean * (1 - rho) < 40
        gap = min(gap, float(np.min(k, where=near, initial=math.inf)))
        near &= sine * mean * (1 - rho) < 10
        k, turn, sine = k[near], turn[near], sine[near]
        rise = -2 * sine + 1j * np.sin(2 * math.pi * turn)  # z - 1
        b = 1 + rho * rise
        power = np.exp(n / 2 * np.log1p(-4 * rho * (1 - rho) * sine) + 1j * n * np.angle(b))
        wiggle += math.fsum((power * (1 - 1.5 * (1 - rho) * rise / b)).real / (k * k))
    correction = (3 * (1 - rho) / 8 + 1 / 12) / mean - scale * wiggle
    return math.sqrt(2 * c / math.pi / mean) * (1 + correction)
