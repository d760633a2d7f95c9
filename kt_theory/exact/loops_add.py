"""Numba loops of `kt_theory.exact.add`, where what they compute is derived. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.exact.loops_kinks import by_pieces
from kt_theory.exact.loops_sgl import COLUMNS, fill_visits
from kt_theory.numerics.loops_binomial import below, probability

#: Numbers of visits between two that are computed by Loader's form: three roundings each.
STEPS = 64


@jit
def fill_deviations(
    n: float, rho: float, first: float, last: float, s: float,
    p: np.ndarray, e: np.ndarray, light: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """`out[a]` = the sum over the window of P(Bin(n, rho) = m) E|X - t|/T, X ~ Bin(m, p_a), 0 <= p_a <= 1/2, t = m p_a
    - e_a sqrt m, T = m + s sqrt m; by integrals between kinks where `light`.
    """
    steps = STEPS
    columns = int(min(COLUMNS, (last - first) // steps + 1.0))
    at, weight, root = np.empty(columns), np.empty((steps, columns)), np.empty((steps, columns))
    k, F = np.empty(p.size), np.empty(p.size)
    some, steady = np.empty(p.size, dtype=np.int64), np.empty(p.size, dtype=np.bool_)
    rooms, carried = np.empty((7, columns)), np.empty(columns)
    count = 0
    for a in range(p.size):
        k[a] = min(max(np.floor(first * p[a] - e[a] * math.sqrt(first)), -1.0), first)
        F[a] = below(k[a], first, p[a])
        out[a] = 0.0
        steady[a] = _steady(first, last, p[a], e[a])
        if light[a]:
            out[a] = by_pieces(n, rho, first, last, p[a], e[a], s, F[a])
        else:
            some[count] = a
            count += 1
    start = first
    while start <= last and count > 0:
        for i in range(columns):
            at[i] = start + i * steps
        fill_visits(n, rho, last, at, weight)
        for j in range(steps):
            for i in range(columns):
                m = at[i] + float(j)
                root[j, i] = math.sqrt(m)
                weight[j, i] /= m + s * root[j, i]
                carried[i] = weight[j, i] * root[j, i] + (carried[i] if j else 0.0)
        for a in some[:count]:
            if p[a] == 0.0:
                out[a] += abs(e[a]) * (weight * root).sum()
            elif steady[a]:
                F[a], more = _columns(at, weight, root, carried, p[a], e[a], F[a], rooms)
                out[a] += more
            else:
                k[a], F[a], more = _stretch(at, last, weight, root, p[a], e[a], k[a], F[a], start == first)
                out[a] += more
        start += steps * columns


@jit
def _steady(first: float, last: float, p: float, e: float) -> bool:
    """Whether 0 <= floor(t) < m - 1 throughout, and from one m to the next floor(t) stays or grows by 1."""
    if last - first < 2.0 * STEPS:
        return False
    fall = 0.5 * e / math.sqrt(first - 1.0)
    least, most = p - max(fall, 0.0), p - min(fall, 0.0)
    rounded = 1e-15 * (last * p + abs(e) * math.sqrt(last))
    # t and m - t, where they grow, are least at the first m.
    t = first * p - e * math.sqrt(first)
    return least > rounded and most < 0.9 and t >= rounded and first - t > 3.0


@jit
def _columns(
    at: np.ndarray, weight: np.ndarray, root: np.ndarray, carried: np.ndarray,
    p: float, e: float, F: float, rooms: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """As `_stretch` where `_steady`; F = P(X <= floor(t)) at at[0] and, when it ends, at the m after the last column.

    Columns are worked on side by side, from F = 0 each: F at their beginnings is added at the end, where `carried` is
    the sum of weight times root of each.
    """
    q = 1.0 - p
    k, b, g, total = rooms[0], rooms[1], rooms[2], 0.0
    for i in range(at.size):
        k[i] = np.floor(at[i] * p - e * root[0, i])
        b[i] = probability(k[i] + 1.0, at[i], p)
        g[i] = 0.0
        rooms[6, i] = weight[0, i] * (e * root[0, i] + 2.0 * (k[i] + 1.0) * q * b[i])
    for j in range(1, len(weight)):
        _next(float(j), at, weight[j], root[j], p, e, k, b, g, rooms[3], rooms[4], rooms[5], rooms[6])
    for i in range(at.size):
        total += rooms[6, i] - 2.0 * e * F * carried[i]
        m = at[i] + float(len(weight))
        grown = np.floor(m * p - e * math.sqrt(m)) > k[i]
        F += g[i] + b[i] * (q if grown else -(k[i] + 1.0) * q / (m - 1.0 - k[i]))
    return F, total


@jit
def _next(
    ahead: float, at: np.ndarray, weight: np.ndarray, root: np.ndarray, p: float, e: float, k: np.ndarray,
    b: np.ndarray, g: np.ndarray, up: np.ndarray, ratio: np.ndarray, gain: np.ndarray, total: np.ndarray,
) -> None:  # fmt: skip
    """From each m = at[i] + ahead - 1 to the next: k = floor(t), b = P(X = k + 1), g the growth of P(X <= k).

    Loops over few arrays each, without branches, are vectorised: `up` is 0 or 1, and products with it are exact.
    """
    q = 1.0 - p
    for i in range(at.size):
        up[i] = np.floor((at[i] + ahead) * p - e * root[i]) - k[i]
    for i in range(at.size):
        stay = 1.0 - up[i]
        one = (up[i] * p + stay * q) / (up[i] * (k[i] + 2.0) + stay * (at[i] + ahead - 1.0 - k[i]))
        ratio[i] = one
        gain[i] = up[i] * q - stay * (k[i] + 1.0) * one
    for i in range(at.size):
        g[i] += b[i] * gain[i]
        b[i] *= (at[i] + ahead) * ratio[i]
        k[i] += up[i]
    for i in range(at.size):
        total[i] += weight[i] * (e * root[i] * (1.0 - 2.0 * g[i]) + 2.0 * (k[i] + 1.0) * q * b[i])


@jit
def _stretch(
    at: np.ndarray, last: float, weight: np.ndarray, root: np.ndarray,
    p: float, e: float, k: float, F: float, fresh: bool,
) -> tuple[float, float, float]:  # fmt: skip
    """Sum weight E|X - t| over a stretch of numbers of visits; k and F = P(X <= k) at its end, from those before it.

    `b` is P(X = k + 1): from Loader's form at each at[i], from neighbours between.
    """
    q, b, total = 1.0 - p, 0.0, 0.0
    for i in range(at.size):
        part = 0.0
        for j in range(len(weight)):
            m = at[i] + float(j)
            if m > last:
                break
            t = m * p - e * root[j, i]
            wanted = min(max(np.floor(t), -1.0), m)
            if j == 0 and not fresh and k < m - 1.0:
                b = probability(k + 1.0, m - 1.0, p)
            if fresh or k >= m - 1.0:
                k, F, b = wanted, below(wanted, m, p), probability(wanted + 1.0, m, p)
                fresh = False
            else:
                ratio = q / (m - 1.0 - k)
                F -= b * (k + 1.0) * ratio
                b *= m * ratio
                while k < wanted:
                    F += b
                    k += 1.0
                    b *= (m - k) * p / ((k + 1.0) * q)
                while k > wanted:
                    b *= (k + 1.0) * q / ((m - k) * p)
                    F -= b
                    k -= 1.0
            part += weight[j, i] * (e * root[j, i] * (1.0 - 2.0 * F) + 2.0 * (k + 1.0) * q * b)
        total += part
    return k, F, total
