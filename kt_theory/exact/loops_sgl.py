"""Numba loops of `kt_theory.exact.sgl`, where what they compute is derived. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.exact.kinks import LEAST_MEAN, LEAST_SD
from kt_theory.exact.loops_kinks import by_pieces
from kt_theory.numerics.loops_binomial import probability

#: Numbers of visits between two that are computed by Loader's form, and how many such stretches at a time.
STEPS, COLUMNS = 32, 128


@jit
def mean_deviations(
    n: float, rho: float, first: float, last: float, p: np.ndarray, goal: float, out: np.ndarray
) -> None:
    """`out[a]` = sum_m P(Bin(n, rho) = m) f_a(m) over the window, 0 < p_a <= 1/2, by the cheapest of the routes; `goal`
    is that of `waves`.
    """
    mean, size = n * rho, last - first + 1.0
    sd = math.sqrt(mean * (1.0 - rho))
    few = sd < LEAST_SD or mean < LEAST_MEAN
    left = np.empty(p.size, dtype=np.int64)
    close = p * (1.0 - p) * first >= 1e3
    count = 0
    for a in range(p.size):
        out[a] = math.nan
        direct = size * (1.6 if close[a] else 3.0)  # nanoseconds
        pieces = 4000.0 + 400.0 * (20.0 * sd * p[a])
        if mean * (1.0 - rho) >= 1e5 and p[a] * (1.0 - p[a]) * mean >= 1e4:
            out[a] = waves(n, rho, p[a], goal, direct if few else min(direct, pieces))
        if math.isnan(out[a]):
            if not few and pieces < direct:
                out[a] = by_pieces(n, rho, first, last, p[a], 0.0, 0.0, 0.0)
            else:
                left[count] = a
                count += 1
    if count:
        # Label by label: an assignment to an array of places takes numba seconds more to compile.
        some, near, found = np.empty(count), np.empty(count, dtype=np.bool_), np.zeros(count)
        for i in range(count):
            some[i], near[i] = p[left[i]], close[left[i]]
        add_deviations(n, rho, first, last, some, near, found)
        for i in range(count):
            out[left[i]] = found[i]


@jit
def mean_inverse(n: float, rho: float, first: float, last: float) -> float:
    """E(1/m) over the window."""
    at, weight = np.empty(1), np.empty((STEPS, 1))
    total = 0.0
    at[0] = first
    while at[0] <= last:
        fill_visits(n, rho, last, at, weight)
        for j in range(STEPS):
            total += weight[j, 0] / (at[0] + float(j))
        at[0] += STEPS
    return total


@jit
def fill_visits(n: float, rho: float, last: float, at: np.ndarray, weight: np.ndarray) -> None:
    """`weight[j, i]` = P(Bin(n, rho) = m) at m = at[i] + j, `at` in steps of `len(weight)`, rho < 1; 0 beyond `last`.

    Loader's form at j = 0, ratios of neighbours from there, three roundings each.
    """
    odds = rho / (1.0 - rho)
    for i in range(at.size):
        weight[0, i] = probability(at[i], n, rho) if at[i] <= last else 0.0
    for j in range(1, len(weight)):
        ahead = float(j)
        for i in range(at.size):
            m = at[i] + ahead
            before = weight[j - 1, i]
            if m > last:
                weight[j, i] = 0.0
            elif before < 1e-20:  # it has fewer digits than what is near the mean
                weight[j, i] = probability(m, n, rho)
            else:
                weight[j, i] = before * ((n + 1.0 - m) / m * odds)


@jit
def add_deviations(
    n: float, rho: float, first: float, last: float, p: np.ndarray, close: np.ndarray, out: np.ndarray
) -> None:
    """Add sum_m P(Bin(n, rho) = m) f_a(m), first <= m <= last, to `out[a]`; by the series where `close`."""
    steps = STEPS
    columns = int(min(COLUMNS, (last - first) // steps + 1.0))
    at, weight = np.empty(columns), np.empty((steps, columns))
    f, v, total = np.empty(columns), np.empty(columns), np.empty(columns)
    inverse, scaled = np.empty((steps, columns)), np.empty((steps, columns))
    start = first
    while start <= last:
        for i in range(columns):
            at[i] = start + i * steps
        fill_visits(n, rho, last, at, weight)
        for j in range(steps):
            for i in range(columns):
                inverse[j, i] = 1.0 / (at[i] + float(j))
                scaled[j, i] = weight[j, i] * math.sqrt(inverse[j, i])
        for a in range(p.size):
            if close[a]:
                _by_series(at, inverse, scaled, p[a], total)
            else:
                _by_ratios(at, weight, p[a], f, v, total)
            out[a] += total.sum()
        start += steps * columns


@jit
def _by_ratios(
    at: np.ndarray, weight: np.ndarray, p: float, f: np.ndarray, v: np.ndarray, total: np.ndarray
) -> None:
    """Fill `total` with the sums of the columns: de Moivre's f at the first m of each, ratios from there.

    f(m+1) / f(m) is m q / (m - v + 1) where v = max(1, ceil(mp)) stays, m p / v where v grows by 1: four roundings.
    """
    q = 1.0 - p
    for i in range(at.size):
        v[i] = max(np.ceil(at[i] * p), 1.0)
        f[i] = 2.0 * p * q * probability(v[i] - 1.0, at[i] - 1.0, p)
        total[i] = weight[0, i] * f[i]
    for j in range(1, len(weight)):
        ahead = float(j)
        for i in range(at.size):
            m = at[i] + ahead
            grown = np.ceil(m * p) > v[i]
            f[i] *= (m - 1.0) * (p if grown else q) / (v[i] if grown else m - v[i])
            v[i] += 1.0 if grown else 0.0
            total[i] += weight[j, i] * f[i]


@jit
def _by_series(at: np.ndarray, inverse: np.ndarray, scaled: np.ndarray, p: float, total: np.ndarray) -> None:
    """The same where m p (1 - p) >= 1e3, by Stirling's series; `scaled` is the weight over sqrt(m)."""
    c = p * (1.0 - p)
    skew, least, over = (1.0 - 2.0 * p) / 12.0, (1.0 - c) / 12.0, 1.0 / c
    cubes, third = (1.0 - 3.0 * c) / 12.0, (1.0 - 3.0 * c - c * c * c) / 360.0
    total[:] = 0.0
    for j in range(len(inverse)):
        ahead = float(j)
        for i in range(at.size):
            x = (at[i] + ahead) * p
            x = np.ceil(x) - x
            y = x * (1.0 - x)
            h = inverse[j, i] * over
            g = 0.5 * y - least
            odd = skew * y * (1.0 - 2.0 * x)
            cube = g * (g * g / 6.0 + odd) + third - cubes * y * y
            total[i] += scaled[j, i] * (1.0 + h * (g + h * (0.5 * g * g + odd + h * cube)))
    total *= math.sqrt(2.0 * c / math.pi)


@jit
def waves(n: float, rho: float, p: float, goal: float, work: float) -> float:
    """E f(m) by its smooth part and the waves of its wiggle up to `goal`, relatively; NaN beyond `work` nanoseconds."""
    mean, left, c = n * rho, 1.0 - rho, p * (1.0 - p)
    h, over = 1.0 / (mean * c), 1.0 / p
    reach = math.asin(math.sqrt(12.0 / (mean * left))) / math.pi
    wide = math.asin(math.sqrt(48.0 / (mean * left))) / math.pi
    scale = h / (2.0 * math.pi**2)
    # The last whole number that k p has to be near: by all such k, then by the least distance of two.
    most = scale * (2.0 * reach + p) * p / goal
    gap, turns = 1.0, 0.0
    while wide < p and turns < most:
        turns += 1.0
        gap = np.rint(turns * over)
        if abs(gap * p - turns) < wide:
            beyond = max(2.0 * scale / (gap * goal), gap)
            while scale * (1.0 / beyond + 1.0 / gap) / beyond > goal:
                beyond *= 1.5
            most = min(most, beyond * p)
            break
    # A whole number takes 3 ns, a k that is summed 100 ns; these are the gap apart at least.
    if most * (3.0 + 100.0 * min(over / gap, 1.0 + 2.0 * reach * over)) > work:
        return math.nan
    total, turns = 0.0, 0.0
    while turns <= most:
        k = max(np.ceil((turns - reach) * over), 1.0)
        last = np.floor((turns + reach) * over)
        while k <= last:
            turn = k * p - turns
            sine = math.sin(math.pi * turn) ** 2
            rise = complex(-2.0 * sine, math.sin(2.0 * math.pi * turn))  # z - 1
            b = 1.0 + rho * rise
            size = math.exp(n / 2.0 * math.log1p(-4.0 * rho * left * sine))
            angle = n * math.atan2(b.imag, b.real)
            power = complex(size * math.cos(angle), size * math.sin(angle))
            # u = m / mean - 1 under the law whose weights are multiplied by z^m: its first three moments
            u = left * rise / b
            spread = (1.0 + rise) * left / (b * b * mean)
            square = u * u + spread
            cube = u * (u * u + 3.0 * spread) + spread * (1.0 - 2.0 * rho * (1.0 + rise) / b) / mean
            first = (power * (1.0 - 1.5 * u + 1.875 * square - 2.1875 * cube)).real
            second = power * (1.0 - 2.5 * u + 4.375 * square)
            turned = math.pi * k
            total -= h * first / (2.0 * turned**2)
            total += h * h * (
                (1.0 - c) * second.real / (24.0 * turned**2)
                - (1.0 - 2.0 * p) * second.imag / (4.0 * turned**3)
                - 3.0 * second.real / (8.0 * turned**4)
            )
            k += 1.0
        turns += 1.0
    smooth = 0.375 * left / mean + (1.0 + 1.875 * left / mean) / (12.0 * mean)
    smooth += left * (105.0 / 128.0 * left - 5.0 / 16.0 * (1.0 - 2.0 * rho)) / (mean * mean)
    smooth += (1.0 / 288.0 + 1.0 / (1440.0 * c * c)) / (mean * mean)
    return math.sqrt(2.0 * c / math.pi / mean) * (1.0 + smooth + total)
