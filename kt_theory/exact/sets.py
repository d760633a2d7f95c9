r"""Several labels a visit, with or without replacement: the expected risk, exactly, for rows of few labels.

The learners of ``gumbel_top_k:K`` and ``sampled:M``. A visit avoids a set B of labels with a probability e_B: (1 -
p(B))^M where M labels are drawn independently; without replacement the sum of f(D) over the sets D of K labels outside
of B, where the probability f(D) of drawing D is the sum over a in D of f(D - {a}) p_a / p(not in D - {a}). So

.. math:: P(U \supseteq B) = (1 - \rho (1 - e_B))^n, \qquad R = \rho \sum_B P(U \supseteq B)
          \sum_{U \subseteq B} (-1)^{|B| - |U|} c(U),

U the labels that no visit drew and c(U) the total variation that is left then. Sums over subsets take 2^s s steps for a
row that uses s labels. A row that uses K labels at most is told whole by one visit without replacement.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.exact import ful
from kt_theory.exact.rows import Estimate, OutOfReach, Row
from kt_theory.numerics.powers import EPS
from kt_theory.protocols.protocol import Protocol

#: The most labels of positive probability of a row: 2^MOST sets are gone through.
MOST = 12


def row_risk(protocol: Protocol, row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of ``SEL@gumbel_top_k:K`` or ``SEL@sampled:M``.

    Parameters
    ----------
    protocol : Protocol
        One that draws several labels, and tells no list besides.
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of visits to all inputs, at least 0.
    divergence : {"tv"}
        Another one is out of reach.

    Returns
    -------
    Estimate
        rho E TV. The error allows for the rounding of each P(U contains B), times what it counts for.

    Raises
    ------
    OutOfReach
        For another divergence, a list besides, or a row that uses more than `MOST` labels.

    Examples
    --------
    >>> from kt_theory.protocols import gumbel_top_k
    >>> row = Row(1.0, np.array([0.1, 0.2, 0.7]), np.full(3, 1 / 3), times=1)
    >>> round(row_risk(gumbel_top_k(2), row, 1).value, 12), round(row_risk(gumbel_top_k(2), row, 4).value, 12)
    (0.0, 0.0)
    """
    row = row.full()
    used = row.p > 0
    p, start = row.p[used], row.init[used]
    if protocol.lists:
        raise OutOfReach(f"{protocol} tells a list besides several draws: use kt_theory.simulate")
    if p.size <= protocol.draws and not protocol.replacing:
        return ful.row_risk(row, n, divergence)
    if divergence != "tv":
        raise OutOfReach(f"divergence {divergence}: several draws a visit are exact for tv only: use simulate")
    if p.size > MOST:
        raise OutOfReach(
            f"a row uses {p.size} labels: draws without replacement are exact for {MOST} at most: use "
            "kt_theory.simulate"
        )
    s, bits = p.size, 1 << np.arange(p.size)
    sets = np.arange(1 << s)
    member = (sets[:, None] & bits) != 0
    size, mass = member.sum(axis=1), member @ p
    met = _met_independently(mass, protocol.draws) if protocol.replacing else _met(p, mass, member, protocol.draws)
    met[0], met[-1] = 0.0, 1.0
    with np.errstate(divide="ignore"):
        contains = np.exp(n * np.log1p(-np.minimum(row.rho * met, 1.0))) if n else np.ones(sets.size)
    others, weight = row.p.size - s, float(row.init[~used].sum())
    total = member @ start + weight
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((total > 0)[:, None], start / total[:, None], 1.0 / np.maximum(size + others, 1)[:, None])
        zeros = np.where(total > 0, weight / total, others / np.maximum(size + others, 1))
    left = 0.5 * ((member * np.abs(p - mass[:, None] * share)).sum(axis=1) + mass * zeros)
    left[0] = 0.0
    counted = contains * _over_subsets(left, -1.0)
    value = max(row.rho * math.fsum(counted), 0.0)
    rounding = EPS * (64 + 8 * s + 8 * s * n * row.rho)
    error = row.rho * rounding * float(contains @ _over_subsets(left, 1.0)) + math.ulp(0.0)
    return Estimate(value, error, "sets of unseen labels")


def _met_independently(mass: np.ndarray, draws: int) -> np.ndarray:
    """How likely each set is met by a visit of independent draws."""
    with np.errstate(divide="ignore"):
        return -np.expm1(draws * np.log1p(-np.minimum(mass, 1.0)))


def _met(p: np.ndarray, mass: np.ndarray, member: np.ndarray, draws: int) -> np.ndarray:
    """How likely each set is met by a visit that draws without replacement."""
    sets, size = np.arange(mass.size), member.sum(axis=1)
    drawn = np.zeros(sets.size)
    drawn[0] = 1.0
    for k in range(draws):
        before = sets[size == k]
        for a in range(p.size):
            without = before[~member[before, a]]
            drawn[without | (1 << a)] += drawn[without] * p[a] / mass[sets.size - 1 - without]
    avoids = _over_subsets(np.where(size == draws, drawn, 0.0), 1.0)[::-1]
    return np.clip(1.0 - avoids, 0.0, 1.0)


def _over_subsets(values: np.ndarray, sign: float) -> np.ndarray:
    """For each set the sum of the values of its subsets, times `sign` for each label that a subset lacks."""
    out = values.copy()
    step = 1
    while step < out.size:
        pairs = out.reshape(-1, 2, step)
        pairs[:, 1] += sign * pairs[:, 0]
        step *= 2
    return out
