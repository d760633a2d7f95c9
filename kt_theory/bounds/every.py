"""What holds at every protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from kt_theory.bounds.evaluation import (
    documented,
    from_first,
    sizes,
    up,
)


@documented()
def uniform_upper_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Every protocol, every n: E R <= 1 - 1/A, for CE_sgl, SEL_ptl and CE_ful, uniform.

    Statement: Uniform(A) is within 1 - 1/A of every row
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Notes
    -----
    N4, N8: for SEL_ptl and CE_ful R <= 1 - 1/A for every sample too; for CE_sgl in expectation only. Attained at n = 0.

    Within a factor 1 of the truth at S = 1, A = 2, n = 0, a Dirac row.

    Examples
    --------
    >>> round(uniform_upper_mean(S=1, A=4, n=0), 12)
    0.75
    """
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: np.full_like(n, up((A - 1) / A) if A > 1 else 0.0))
