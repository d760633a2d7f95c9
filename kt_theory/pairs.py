r"""SEL_ptl's risk by simulation of what two unseen labels leave: for rows that no exact route reaches.

U is the set of unseen labels of an input, :math:`D(U) = \tfrac12 \sum_{a \in U} |p_a - p(U)/|U||` what they add to the
risk for a uniform init, and :math:`T(U) = \sum_{\{a, b\} \subseteq U} |p_a - p_b|`. With
:math:`r(U) = D(U) / T(U)`,

.. math:: \mathrm{E}\, D(U) = \sum_{\{a, b\}} |p_a - p_b| \Pr(a, b \in U)\, \mathrm{E}[r(U) \mid a, b \in U],
          \qquad \Pr(a, b \in U) = (1 - w_a - w_b)^n.

A pair is drawn in proportion to the first two factors, whose sum is known, and U given that the pair is unseen: n draws
of everything else. Then r is averaged. By E|X - X'| <= 2 E|X - EX| and by the triangle inequality it lies between
:math:`1/(2 (|U| - 1))` and :math:`1/|U|`, so that it hardly varies, and is 1/2 whenever no third label is unseen. So a
rare event costs no more draws than a common one, where draws of whole data sets would hardly ever show it.

Labels of probability 0 are unseen always, and enter by their number. A label that is unseen with probability
:math:`u_h` is left out of U where that moves E D, by at most :math:`u_h (p_h + \mathrm{E}\, p(U)) \le 2 u_h`, by a
negligible part of a proved lower bound; that is added to the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kt_theory.compiled import jit
from kt_theory.exact.many import bracket
from kt_theory.exact.rows import Estimate, OutOfReach, Row

#: The most pairs that are listed, of all rows together: 24 bytes each.
MOST_PAIRS = 10_000_000

#: Draws of a row that say how much r varies, and are not averaged; the fewest that are; labels drawn in all, at most.
PILOT, FEWEST, MOST_WORK = 100, 200, 1e8

#: Labels unseen in the mean, beyond which control variates leave less variance at less cost.
MOST_UNSEEN = 5.0

#: What labels that are left out may add, relative to a lower bound.
NEGLIGIBLE = 1e-6


@dataclass
class _Labels:
    """The labels of a row that may be unseen: rows of mass `mass` in all, p, w, the number of those of probability 0.

    `unseen` is the number that is unseen in the mean, `omitted` what labels that are left out may add.
    """

    mass: float
    p: np.ndarray
    w: np.ndarray
    zeros: int
    unseen: float
    omitted: float

    @property
    def size(self) -> int:
        """Number of pairs; all labels of probability 0 count as one."""
        return self.p.size * (self.p.size - 1) // 2 + (self.p.size if self.zeros else 0)


@dataclass
class _Pairs:
    """The pairs of a row, labels (-1 for one of probability 0) with the running sum of their weights over `scale`."""

    labels: _Labels
    low: np.ndarray
    high: np.ndarray
    sums: np.ndarray
    scale: float

    @property
    def weight(self) -> float:
        """What the row adds to the risk for r = 1."""
        return self.labels.mass * self.scale * float(self.sums[-1]) if self.sums.size else 0.0

    @property
    def spread(self) -> float:
        """The largest r: all labels of probability 0, one more at least and two at least are unseen."""
        return 1 / max(2, self.labels.zeros + 1)


def risk(rows: list[Row], n: int, target: float, seed: int) -> Estimate:
    """The expected TV risk of SEL_ptl after n samples, to a standard error of about `target` of it.

    Parameters
    ----------
    rows : list of Row
        The distinct rows, each with a uniform init.
    n : int
        Number of samples, at least 1.
    target : float
        Standard error, as a fraction of the risk.
    seed : int

    Returns
    -------
    Estimate
        The mean, and its standard error with what labels that are left out may add.

    Raises
    ------
    OutOfReach
        If there are too many pairs of labels that may be unseen, or the draws would take more than some ten seconds.
    """
    rng = np.random.default_rng(seed)
    labels = [_labels_of(row, n) for row in rows]
    omitted = math.fsum(some.omitted for some in labels)
    if sum(some.size for some in labels) > MOST_PAIRS:
        raise OutOfReach(f"SEL_ptl by pairs of unseen labels: more than {MOST_PAIRS} pairs: use kt_theory.simulate")
    live = [pairs for pairs in (_pairs_of(some, n) for some in labels) if pairs.weight > 0]
    whole = math.fsum(pairs.weight for pairs in live)
    if math.fsum(pairs.weight * pairs.labels.unseen for pairs in live) > MOST_UNSEEN * whole:
        raise OutOfReach("SEL_ptl by pairs of unseen labels: many labels are unseen: use kt_theory.simulate")
    if sum(PILOT * pairs.labels.p.size for pairs in live) > MOST_WORK:
        raise OutOfReach("SEL_ptl by pairs of unseen labels: too many inputs: use kt_theory.simulate")
    pilot = [_drawn(pairs, n, PILOT, rng) for pairs in live]
    # Parts of the whole, whose squares are numbers where those of the risk are not.
    parts = [pairs.weight / whole for pairs in live]
    mean = math.fsum(part * float(r.mean()) for part, r in zip(parts, pilot, strict=True))
    spread = [part * _deviation(r, pairs.spread) for part, pairs, r in zip(parts, live, pilot, strict=True)]
    # Draws in proportion to what varies leave least variance; a pair unlike all of the pilot is allowed for.
    size = [max(FEWEST, math.ceil(s * math.fsum(spread) / (target * mean) ** 2)) for s in spread]
    if sum(m * pairs.labels.p.size for m, pairs in zip(size, live, strict=True)) > MOST_WORK:
        raise OutOfReach("SEL_ptl by pairs of unseen labels: too many draws: use kt_theory.simulate")
    value = variance = 0.0
    for m, part, pairs in zip(size, parts, live, strict=True):
        r = _drawn(pairs, n, m, rng)
        value += part * float(r.mean())
        variance += (part * _deviation(r, pairs.spread)) ** 2 / m
    route = f"Monte Carlo on pairs of unseen labels, {sum(size)} draws"
    error = whole * math.sqrt(variance) + omitted + math.ulp(0.0)
    return Estimate(whole * value, error, route, proved=False)


def _deviation(r: np.ndarray, spread: float) -> float:
    """The standard deviation of r, one more that is as far off as can be counted in."""
    return math.sqrt((float(r.var()) * r.size + spread**2) / r.size)


def _labels_of(row: Row, n: int) -> _Labels:
    if row.init.min() != row.init.max() or (row.zeros and row.start != row.init[0]):
        raise OutOfReach("pairs of unseen labels are for a uniform init: use kt_theory.simulate")
    idle = int(np.count_nonzero(row.p == 0))
    p = row.p[idle:]
    w = row.rho * p / math.fsum(p)
    with np.errstate(divide="ignore"):
        never = np.exp(n * np.log1p(-np.minimum(w, 1.0)))
    # Sorted by p, the last are those that are most surely seen.
    left_out = np.cumsum(2 * never[::-1])[::-1]
    keep = int(np.count_nonzero(left_out > NEGLIGIBLE * bracket(row, n)[0]))
    mass = row.times * row.rho
    omitted = mass * float(left_out[keep]) if keep < p.size else 0.0
    return _Labels(mass, p[:keep], w[:keep], idle + row.zeros, float(never[:keep].sum()), omitted)


def _pairs_of(labels: _Labels, n: int) -> _Pairs:
    p, w, zeros = labels.p, labels.w, labels.zeros
    low, high = np.triu_indices(p.size, 1)
    gap, mass = p[high] - p[low], w[low] + w[high]
    if zeros:
        low, high = np.append(np.full(p.size, -1), low), np.append(np.arange(p.size), high)
        gap, mass = np.append(zeros * p, gap), np.append(w, mass)
    with np.errstate(divide="ignore"):
        logs = np.where(gap > 0, np.log(gap), -math.inf) + n * np.log1p(-np.minimum(mass, 1.0))
    most = float(logs.max(initial=-math.inf))
    if most == -math.inf:
        return _Pairs(labels, low, high, np.empty(0), 0.0)
    return _Pairs(labels, low, high, np.cumsum(np.exp(logs - most)), math.exp(most))


def _drawn(pairs: _Pairs, n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """The ratio r for `size` pairs and what they leave."""
    at = np.searchsorted(pairs.sums, rng.random(size) * pairs.sums[-1], side="right").clip(max=pairs.sums.size - 1)
    out = np.empty(size)
    labels = pairs.labels
    _ratios(rng, n, labels.p, labels.w, labels.zeros, pairs.low[at], pairs.high[at], out)
    return out


@jit
def _ratios(
    rng: np.random.Generator,
    n: int,
    p: np.ndarray,
    w: np.ndarray,
    zeros: int,
    low: np.ndarray,
    high: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill `out` with D(U) / T(U): draws of the labels from the likeliest down, each a binomial of what is left."""
    below, unseen = np.empty(p.size + 1), np.empty(p.size)
    for i in range(out.size):
        a, b = low[i], high[i]
        below[0] = 0.0
        for j in range(p.size):
            below[j + 1] = below[j] + (0.0 if j in (a, b) else w[j])
        others = 1.0 - w[b] - (w[a] if a >= 0 else 0.0)
        left = rng.binomial(n, min(below[p.size] / others, 1.0)) if others > 0.0 else 0
        k = 0
        for j in range(p.size - 1, -1, -1):
            seen = 0
            if left > 0 and j != a and j != b:
                # The last label with a mass takes what is left.
                seen = left if below[j] == 0.0 else rng.binomial(left, min(w[j] / below[j + 1], 1.0))
                left -= seen
            if seen == 0:
                unseen[k] = p[j]
                k += 1
        # From the smallest of U, so that labels that hardly differ keep the digits of their differences.
        start = 0.0 if zeros > 0 else unseen[k - 1]
        total = 0.0
        for j in range(k):
            total += unseen[j] - start
        mean = total / (k + zeros)
        cost, apart = zeros * mean, 0.0
        for j in range(k):
            x = unseen[j] - start
            cost += abs(x - mean)
            apart += x * (k + zeros - 1 - 2 * j)  # from the largest down
        out[i] = 0.5 * cost / apart
