"""The numba loop of a binomial's distribution function, for `kt_theory.minimax.hard_upper`. It validates nothing."""

from __future__ import annotations

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
