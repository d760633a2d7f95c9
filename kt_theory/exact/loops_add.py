"""Numba loops of `kt_theory.exact.add`, where what they compute is derived. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.exact.loops_kinks import by_pieces
from kt_theory.exact.loops_sgl import COLUMNS, STEPS, fill_visits
from kt_theory.numerics.loops_binomial import below, probability


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
    some = np.empty(p.size, dtype=np.int64)
    count = 0
    for a in range(p.size):
        k[a] = min(max(np.floor(first * p[a] - e[a] * math.sqrt(first)), -1.0), first)
        F[a] = below(k[a], first, p[a])
        out[a] = 0.0
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
        for a in some[:count]:
            if p[a] == 0.0:
                out[a] += abs(e[a]) * (weight * root).sum()
            else:
                k[a], F[a], more = _stretch(at, last, weight, root, p[a], e[a], k[a], F[a], start == first)
                out[a] += more
        start += steps * columns


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
