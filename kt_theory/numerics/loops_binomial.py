"""Numba loops over binomials: a distribution function, and probabilities one by one. They validate nothing.

For `kt_theory.minimax.hard_upper`, and for the loops of `kt_theory.exact` over the numbers of visits.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.numerics import powers
from kt_theory.numerics.binomials import _STIRLING


@jit
def fill_below(k: np.ndarray, m: float, p: np.ndarray, here: np.ndarray, next_: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` with P(Bin(m, p_i) <= k_i), 0 <= k_i < m, from `here` = P(Bin = k_i) and `next_` = P(Bin = k_i + 1).

    The tail that leaves out the mean is added up term by term, from its largest term on: some eight standard
    deviations, a nanosecond or two each, where the incomplete beta function costs a tenth of a millisecond and more.
    """
    for i in range(k.size):
        odds = p[i] / (1.0 - p[i])
        term = total = 1.0
        j = k[i]
        if j <= m * p[i]:
            while j > 0.0 and term > 1e-18 * total:
                term *= j / ((m - j + 1.0) * odds)
                total += term
                j -= 1.0
            out[i] = here[i] * total
        else:
            j += 1.0
            while j < m and term > 1e-18 * total:
                term *= (m - j) * odds / (j + 1.0)
                total += term
                j += 1.0
            out[i] = 1.0 - next_[i] * total


product = jit(powers.product)


@jit
def stirling(k: float) -> float:
    """As `kt_theory.numerics.binomials.stirling`, of one number: whole, or at least 16."""
    if k < 16.0:
        return _STIRLING[int(k)]
    z = 1.0 / (k * k)
    return (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / k


@jit
def deviance(x: float, mean: float, excess: float) -> float:
    """As `kt_theory.numerics.powers.deviance`, of one number."""
    t = excess / (x + mean)
    square = t * t
    if square < 1e-4:
        tail = 1 / 3 + square * (1 / 5 + square * (1 / 7 + square / 9))
    elif square < 0.01:
        tail = 1 / 19
        for j in range(8, 0, -1):
            tail = tail * square + 1 / (2 * j + 1)
    elif mean > 0.0:
        return x * math.log(x / mean) - excess
    else:
        return math.inf
    return t * (excess + 2.0 * x * square * tail)


@jit
def probability(x: float, n: float, p: float) -> float:
    """P(Bin(n, p) = x) for whole n and x, 0 < p < 1, by Loader's saddle-point form; 0 outside of 0 .. n."""
    if x < 0.0 or x > n:
        return 0.0
    if x == 0.0:
        return math.exp(n * math.log1p(-p))
    if x == n:
        return p**n
    return inner(x, n, p)


@jit
def inner(x: float, n: float, p: float) -> float:
    """Loader's form for 0 < x < n, where n need not be whole if n - x is at least 16."""
    high, low = product(n, p)
    d = (x - high) - low
    y = n - x
    exponent = stirling(n) - stirling(x) - stirling(y) - deviance(x, high, d) - deviance(y, n * (1.0 - p), -d)
    return math.sqrt(n / (2 * math.pi * x) / y) * math.exp(exponent)


@jit
def below(k: float, m: float, p: float) -> float:
    """P(Bin(m, p) <= k) for whole m >= 1 and k, from the tail without the mean."""
    if k < 0.0 or k >= m:
        return 0.0 if k < 0.0 else 1.0
    if p == 0.0:
        return 1.0
    out = np.empty(1)
    fill_below(
        np.full(1, k), m, np.full(1, p), np.full(1, probability(k, m, p)), np.full(1, probability(k + 1.0, m, p)), out
    )
    return out[0]
