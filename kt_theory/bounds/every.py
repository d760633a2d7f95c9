"""What holds at every protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from kt_theory.bounds.evaluation import (
    stating,
    up,
)


@stating("ours-N4-every")
def uniform_upper_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Every protocol, every n: E R <= 1 - 1/A, for CE_sgl, SEL_ptl and CE_ful, uniform.

    Notes
    -----
    N4, N8: for SEL_ptl and CE_ful R <= 1 - 1/A for every sample too; for CE_sgl in expectation only. Attained at n = 0.

    Within a factor 1 of the truth at S = 1, A = 2, n = 0, a Dirac row.

    Examples
    --------
    >>> round(uniform_upper_mean(S=1, A=4, n=0), 12)
    0.75
    """
    return np.full_like(n, up((A - 1) / A) if A > 1 else 0.0)
