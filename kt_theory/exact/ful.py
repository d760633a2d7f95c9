r"""CE_ful, exactly: what an input costs while it is unvisited, under any of the four learners.

A visited row of CE_ful is the teacher's own and costs nothing; an unvisited one, probability :math:`(1-\rho)^n`, is
``init``. So an input adds

.. math:: \rho\,(1-\rho)^n\, D(p, \mathrm{init}),

and under every other learner it adds this and what its visited rows cost. D is one of

======  ==========================================  ===============================================================
"tv"    half of sum abs(p - q)                      the risk of the paper
"kl"    sum p log(p / q), teacher first             infinite where q is 0 on a label that the teacher uses
"l2"    sum (p - q)^2                               squared distance, not its root
======  ==========================================  ===============================================================

Every one of them is summed from terms that are not negative, so nothing cancels: KL from p log(p/q) - p + q, which adds
up to the same for laws, and is 0 exactly where p and q agree. The relative error of each step is a few units in the
last place, and so is that of the product, however large n is; see `unseen`.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory import checks
from kt_theory.exact.rows import DIVERGENCES, Estimate, Row, excess
from kt_theory.numerics.powers import EPS, deviance, unseen


def row_risk(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of CE_ful after n samples: rho (1 - rho)^n D(p, init).

    Parameters
    ----------
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}
        D, see `kt_theory.exact.ful`.

    Returns
    -------
    Estimate
        Relative error below 16 units of rounding, and what the rounding of the two laws moves, which counts where they
        are nearly equal.

    Raises
    ------
    ValueError
        If the divergence is unknown.

    Examples
    --------
    >>> row_risk(Row(0.5, np.array([0.0, 1.0]), np.array([0.5, 0.5]), times=2), n=2)
    Estimate(value=0.0625, error=2.220446049250313e-16, route='closed form')
    """
    checks.one_of("divergence", divergence, DIVERGENCES)
    power = unseen(n, row.rho)
    unlisted = row.zeros * row.start
    # No 0 * inf: an input that is surely visited costs nothing.
    distance = between(row.p, row.init, divergence, row.zeros, row.start) if power > 0 else 0.0
    value = row.rho * power * distance
    if math.isinf(value):
        return Estimate(value, 0.0, "closed form")
    # What the rounding of the laws moves: their sums are 1 but for that.
    rounded = (excess(row.p) + excess(row.init, unlisted)) * {"tv": 1.0, "l2": 2.0, "kl": 2 + distance}[divergence]
    error = 16 * EPS * value + row.rho * power * rounded + math.ulp(0.0)
    return Estimate(value, error, "closed form")


def between(p: np.ndarray, q: np.ndarray, divergence: str, zeros: int = 0, start: float = 0.0) -> float:
    """D(p, q) for two laws, by one of `DIVERGENCES`; `zeros` more labels have p = 0 and q = `start` each."""
    if divergence == "tv":
        return 0.5 * math.fsum([*np.abs(p - q).tolist(), zeros * start])
    if divergence == "l2":
        return math.fsum([*((p - q) ** 2).tolist(), zeros * start**2])
    terms = q.copy()
    used = p > 0
    terms[used] = deviance(p[used], q[used], p[used] - q[used])
    return math.fsum([*terms.tolist(), zeros * start])
