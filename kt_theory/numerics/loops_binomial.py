"""Numba loops over binomials: a distribution function, and de Moivre's deviations. They validate nothing.

For `kt_theory.minimax.hard_upper` and `kt_theory.exact.sgl`.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit


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


@jit
def add_deviations(
    first: float, p: np.ndarray, weights: np.ndarray, known: np.ndarray, steps: int, out: np.ndarray
) -> None:
    """Add sum_a weights_a f_a(first + i) to `out[i]`, f as in `kt_theory.exact.sgl`, p_a at most 1/2.

    `known[a, j]` is f_a(first + j steps). From there on f(m+1) / f(m) is m q / (m - v + 1) where v = max(1, ceil(mp))
    stays, m p / v where v grows by 1: four roundings a step.
    """
    for a in range(p.size):
        q = 1.0 - p[a]
        for j in range(known.shape[1]):
            start = j * steps
            f = weights[a] * known[a, j]
            v = max(math.ceil((first + start) * p[a]), 1.0)
            out[start] += f
            for i in range(start, min(start + steps, out.size) - 1):
                m = first + i
                if math.ceil((m + 1.0) * p[a]) > v:
                    f *= m * p[a] / v
                    v += 1.0
                else:
                    f *= m * q / (m - v + 1.0)
                out[i + 1] += f
