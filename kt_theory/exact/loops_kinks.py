"""Numba loop of `kt_theory.exact.kinks`, where what it computes is derived. It validates nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.exact.kinks import rule
from kt_theory.numerics.loops_binomial import deviance, product, stirling

X6, W6, INSIDE6 = rule(6)
X8, W8, INSIDE8 = rule(8)
X16, W16, INSIDE16 = rule(16)


@jit
def _visits(m: float, d: float, n: float) -> float:
    """log(sqrt(2 pi m (n - m) / n) P(Bin(n, rho) = m)), m = n rho + d real and large, as n - m is; d has more digits.

    Of Stirling's series, 1/(12k) is enough for k >= 9e4.
    """
    rest = n - m
    return (1.0 / n - 1.0 / m - 1.0 / rest) / 12.0 - deviance(m, m - d, d) - deviance(rest, rest + d, -d)


@jit
def _labels(v: float, series: float, m: float, p: float) -> float:
    """log(sqrt(2 pi v (m - v) / m) P(Bin(m, p) = v)), m real and large; `series` is stirling(v)."""
    d, rest = v - m * p, m - v
    return (1.0 / m - 1.0 / rest) / 12.0 - series - deviance(v, m * p, d) - deviance(rest, m * (1.0 - p), -d)


@jit
def _label(v: float, m: float, p: float) -> float:
    """P(Bin(m, p) = v), m real and large."""
    if v <= 1.0:  # in powers, since the deviance of a tiny mean loses digits
        return (m * p if v == 1.0 else 1.0) * math.exp((m - v) * math.log1p(-p))
    return math.exp(_labels(v, stirling(v), m, p)) * math.sqrt(m / (2 * math.pi * v) / (m - v))


@jit
def _slope(v: float, m: float, p: float) -> float:
    """The logarithmic derivative of that with respect to m."""
    return math.log1p((v - m * p) / (m - v)) - 0.5 * v / (m * (m - v))


@jit
def _plain_piece(
    n: float, base: float, d: float, p: float, v: float, start: float, end: float, x: np.ndarray, w: np.ndarray
) -> float:
    """As `_piece` where e = s = 0 and v >= 1."""
    middle, half, series = 0.5 * (start + end), 0.5 * (end - start), stirling(v)
    total = 0.0
    for i in range(x.size):
        offset = middle + half * x[i]
        m = base + offset
        logs, root = _visits(m, d + offset, n), math.sqrt(n / (n - m))
        if v == 1.0:
            total += w[i] * math.exp(logs) * root * _label(v, m, p) / (m * math.sqrt(m))
        else:
            total += w[i] * math.exp(logs + _labels(v, series, m, p)) * root / (m * math.sqrt(m - v))
    if v == 1.0:
        return half * total * 2.0 * (1.0 - p) / math.sqrt(2.0 * math.pi)
    return half * total * math.sqrt(v) * (1.0 - p) / math.pi


@jit
def _piece(
    n: float, base: float, d: float, p: float, e: float, s: float, v: float, start: float, end: float,
    F: float, x: np.ndarray, w: np.ndarray, inside: np.ndarray, b: np.ndarray, lower: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """The integral of weight times E|X - t|/T from base + start to base + end, v - 1 = floor(t) between; F at the end.

    `d` is base less the mean of the visits: the nodes lie where they should although sums with base are rounded.
    `x`, `w`, `inside`: nodes and weights of Gauss-Legendre on [-1, 1], and integrals from -1 to each node.
    """
    q, middle, half = 1.0 - p, 0.5 * (start + end), 0.5 * (end - start)
    low = v - 1.0
    total = area = 0.0
    carried = e != 0.0 and low >= 0.0
    for i in range(x.size):
        m = base + (middle + half * x[i])
        b[i] = _label(v, m, p)
        lower[i] = b[i] * v * q / ((m - low) * p)  # P(X = v - 1)
    before = before_slope = 0.0
    if carried:
        before = _label(low, base + start, p)
        before_slope = before * _slope(low, base + start, p)
    for i in range(x.size):
        offset = middle + half * x[i]
        m = base + offset
        root = math.sqrt(m)
        cost = 2.0 * v * q * b[i]
        if e != 0.0:
            below = 0.0
            if carried:
                here = lower[i]
                for j in range(x.size):
                    below += inside[i, j] * lower[j]
                below = half * below - (here - before) / 2.0 + (here * _slope(low, m, p) - before_slope) / 12.0
                below = F - p * below
                area += w[i] * here
            cost += e * root * (1.0 - 2.0 * below)
        visits = math.exp(_visits(m, d + offset, n)) * math.sqrt(n / (2 * math.pi * m) / (n - m))
        total += w[i] * visits * cost / (m + s * root)
    if carried:
        after = _label(low, base + end, p)
        area = half * area - (after - before) / 2.0 + (after * _slope(low, base + end, p) - before_slope) / 12.0
        F -= p * area
    return half * total, F


@jit
def by_pieces(n: float, rho: float, first: float, last: float, p: float, e: float, s: float, F: float) -> float:
    """The sum over first <= m <= last of P(Bin(n, rho) = m) E|X - t|/T, X ~ Bin(m, p), t = mp - e sqrt m, T = m + s
    sqrt m; F = P(X <= t) at the first.
    """
    mean, lost = product(n, rho)
    sd = math.sqrt(mean * (1.0 - rho))
    base = np.rint(mean)
    d = (base - mean) - lost
    b, lower = np.empty(16), np.empty(16)
    v = max(np.floor(first * p - e * math.sqrt(first)), -1.0) + 1.0
    total, here, stop = 0.0, first - base, last - base
    while here < stop:
        root = (e + math.sqrt(e * e + 4.0 * p * v)) / (2.0 * p)
        kink = max(root * root - base, here)
        end = min(kink, stop)
        parts = max(np.ceil((end - here) / (4.0 * sd)), 1.0)
        step = (end - here) / parts
        for i in range(int(parts)):
            left = here + i * step
            right = end if i + 1 == parts else left + step
            if step <= sd / 3.0 and v >= 100.0:
                x, w, inside = X6, W6, INSIDE6
            elif step <= sd:
                x, w, inside = X8, W8, INSIDE8
            else:
                x, w, inside = X16, W16, INSIDE16
            if e == 0.0 and s == 0.0:
                total += _plain_piece(n, base, d, p, v, left, right, x, w)
                continue
            part, F = _piece(n, base, d, p, e, s, v, left, right, F, x, w, inside, b, lower)
            total += part
        if kink < stop:
            # What the sum is less than the integral, for a jump of the first two derivatives here.
            m = base + kink
            chance = _label(v, m, p)
            F += chance
            root = math.sqrt(m)
            T, rise, bend = m + s * root, p - 0.5 * e / root, 0.25 * e / (root * m)
            visits = math.exp(_visits(m, d + kink, n)) * math.sqrt(n / (2 * math.pi * m) / (n - m))
            jump = 2.0 * visits * chance / T
            slope = math.log1p(-(d + kink) / (m * (1.0 - rho)))
            slope += _slope(v, m, p) - (1.0 + 0.5 * s / root) / T
            u = kink - np.floor(kink)
            total -= jump * rise * (u * (u - 1.0) + 1.0 / 6.0) / 2.0
            total += jump * (2.0 * slope * rise + bend) * u * (u - 0.5) * (u - 1.0) / 6.0
        here = end
        v += 1.0
    return total
