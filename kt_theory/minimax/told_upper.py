"""Lists and draws, the upper end: rows label by label, inputs rank by rank, no maximum over points alone (`told`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kt_theory.minimax.constants import curve
from kt_theory.minimax.lists import Rows
from kt_theory.minimax.partial import proved_upper
from kt_theory.minimax.told_lower import Visits
from kt_theory.numerics.binomials import window

#: Cells of probabilities at first, parts of a cell that may hold the maximum, and how often cells are parted.
CELLS, PARTS, ROUNDS = 240, 24, 1

#: Cells of this share of the whole excess are not parted.
SLIGHT = 1e-3

#: Rows of up to so many labels are bounded apart at every number of visits as well.
FEW = 12

#: Masses of inputs: the ratio of neighbours at first, how many are begun with at most, and how many are tried in all.
RATIO, BEGUN, MASSES = 1.3, 40, 80

#: Relative gain from finer cells of masses that ends the search.
ENOUGH = 2e-4

#: Steps of a golden section; they leave 1e-9 of the interval.
STEPS = 48

#: Probability that the number of visits lies outside of its window.
OUTSIDE = 1e-17

#: Allowance for rounding, relative.
ROUNDING = 1e-12


def least(visits: Visits, S: int) -> float:
    """An upper bound on the risk of equal shares at every problem of S inputs."""
    if S == 1:
        return input_bound(visits, 1.0)
    first = min(0.03 / visits.n, 0.5)
    count = min(math.ceil(math.log(1 / first) / math.log(RATIO)), BEGUN)
    starts = [0.0, *np.geomspace(first, 1.0, count + 1)[:-1].tolist()]
    known = {r: input_bound(visits, r) for r in starts}
    within: dict[tuple[float, float], float] = {}
    ranks = np.arange(1, S + 1)
    best = math.inf
    while True:
        left = np.array(sorted(known))
        right = np.append(left[1:], 1.0)
        bounds = np.array([known[r] for r in left])
        # The largest cost for each mass falls with the mass: what bounds it at less mass bounds it here.
        bounds = np.minimum.accumulate(bounds)
        parts = list(zip(left.tolist(), right.tolist(), strict=True))
        within |= {part: mass_bound(visits, *part) for part in parts if part not in within}
        most = np.minimum(right * bounds, [within[part] for part in parts])
        last = np.searchsorted(left, 1 / ranks, side="left") - 1
        times = np.bincount(last, minlength=left.size)

        def total(v: float, left=left, right=right, most=most, times=times) -> float:  # type: ignore[no-untyped-def]
            return v + float(times @ np.maximum.accumulate(most - np.minimum(v * left, v * right)))

        v, value = minimum(total, 1.0, visits.n)
        if value > best * (1 - ENOUGH) or len(known) > MASSES:
            return min(value, best) * (1 + ROUNDING)
        best = min(value, best)
        ends = np.maximum((bounds - v) * left, (np.append(bounds[1:], 0.0) - v) * right)
        crossed = undecided(most - np.minimum(v * left, v * right), ends, times)
        for i in crossed:
            a, b = float(left[i]), float(right[i])
            new = np.linspace(a, b, 4)[1:-1] if a == 0 else np.geomspace(a, b, 4)[1:-1]
            for r in new.tolist():
                known[r] = input_bound(visits, r)


def input_bound(visits: Visits, r: float) -> float:
    """An upper bound on what an input of mass r costs, divided by r, whatever its row."""
    A, value = visits.A, 1 - 1 / visits.A
    if r == 0.0:
        return value
    if A == visits.K + 2:
        return min(value, _two_left(visits, r, r) / r)
    starts, _, chances = visits.blocks(r)
    for row in visits.kinds(r):
        light = float(visits.unlisted(row.k, row.equal))
        unseen = light * np.exp(starts * visits.M * math.log1p(-min(row.x, 1 - 1e-16)))
        zeros = max(A - light - max(row.k + (not row.equal) - light, visits.K), 1e-300)
        value = min(value, _row_bound(visits, r, (unseen / (unseen + zeros)) ** 2 * row.x))
    if A <= FEW:
        visited = [_one_input(visits.K, A, _shortened(N) * visits.M) for N in starts.tolist()]
        value = min(value, (visits.never(r) * (1 - 1 / A) + float(chances @ visited)) * (1 + ROUNDING))
    return value


def mass_bound(visits: Visits, a: float, b: float) -> float:
    """An upper bound on what an input costs whose mass is between these; of a heavy one it hardly depends on them."""
    A, K, n = visits.A, visits.K, visits.n
    if A == K + 2:
        return _two_left(visits, a, b)
    seen = max(window(n, a)[0], 1) if a > 0 else 1
    # N visits leave at most c_inf / (N M) for each label off the list. The mean of r / (N + 1), N >= 1, grows with r.
    rate = curve(1.0) * (A - K) / visits.M * (1 + 1 / seen)
    share = (1 - visits.never(b) * (1 - b)) / (n + 1) - b * visits.never(b)
    return ((1 - 1 / A) * float(_largest(n, a, b, 1.0)) + rate * share + OUTSIDE * b) * (1 + ROUNDING)


def _two_left(visits: Visits, a: float, b: float) -> float:
    """The largest cost of an input of a mass between these where the list lacks two labels, from above.

    Of rows whose list ends in w, one label with the rest, K of w and a zero cost most, both without a visit and with.
    """
    K, n, M = visits.K, visits.n, visits.M
    missed = float(_largest(n, a, b, 1.0))
    edges = np.concatenate(([0.0], np.geomspace(1e-2 / (n * M * b + 1), 1 / (K + 1), CELLS)))
    for turn in range(ROUNDS + 1):
        # With a visit or without, w / 2 if neither of the two was drawn; without one the rest of the total variation.
        unvisited = missed * (visits.start(K, edges) - edges / 2)
        unseen = 0.5 * _largest(n, a, b, -np.expm1(M * np.log1p(-edges)))
        bounds = np.maximum(unvisited[:-1], unvisited[1:]) + edges[1:] * unseen[:-1]
        if turn == ROUNDS:
            break
        wide = np.flatnonzero(bounds > (unvisited + edges * unseen).max())
        finer = np.linspace(edges[wide], edges[wide + 1], PARTS + 1)[1:-1].ravel()
        edges = np.unique(np.concatenate((edges, finer)))
    return float(bounds.max()) * (1 + ROUNDING)


def _largest(n: int, a: float, b: float, q: np.ndarray | float) -> np.ndarray:
    """The largest r (1 - r q)^n between a and b: it rises up to r = 1 / ((n + 1) q), and falls beyond."""
    q = np.asarray(q, dtype=float)
    with np.errstate(divide="ignore"):
        r = np.clip(1 / ((n + 1) * q), a, b)
        return r * np.exp(n * np.log1p(-r * q))


def _row_bound(visits: Visits, r: float, t: np.ndarray) -> float:
    """An upper bound on what an input of mass r costs, divided by r, from a t for each block of visits."""
    A, K = visits.A, visits.K
    never = visits.never(r)
    starts, _, chances = visits.blocks(r)

    def costs(p0: np.ndarray, p1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From above in each cell: a label on the list, and one that it lacks."""
        listed = never * np.maximum(p1 - 1 / A, 0.0)
        with np.errstate(divide="ignore"):
            seldom = np.exp(np.outer(np.log1p(-p0), starts * visits.M))
        spread = np.maximum(t, np.maximum(np.sqrt(p1)[:, None] - np.sqrt(t), 0.0) ** 2)
        return listed, listed + (seldom * spread) @ chances

    edges = np.concatenate(([0.0], np.geomspace(1e-3 / A, 1.0, CELLS)))
    edges = np.unique(np.concatenate((edges, 1 / np.arange(1, min(A, 20) + 1))))
    ranks = 1 / np.arange(1, A + 1)
    for turn in range(ROUNDS + 1):
        p0, p1 = edges[:-1], edges[1:]
        listed, other = costs(p0, p1)
        last = np.searchsorted(p0, ranks, side="left") - 1
        on, off = (np.bincount(part, minlength=p0.size) for part in (last[:K], last[K:]))

        def total(v: float, p0=p0, p1=p1, listed=listed, other=other, on=on, off=off) -> float:  # type: ignore[no-untyped-def]
            ends = (on, listed), (off, other)
            given = np.minimum(v * p0, v * p1)
            return v + sum(float(times @ np.maximum.accumulate(cost - given)) for times, cost in ends)

        v, value = minimum(total, 1.5, visits.n * visits.M)
        if turn == ROUNDS:
            break
        wide = undecided(other - np.minimum(v * p0, v * p1), costs(p1, p1)[1] - v * p1, off)
        finer = np.linspace(p0[wide], p1[wide], PARTS + 1)[1:-1].ravel()
        edges = np.unique(np.concatenate((edges, finer)))
    return value * (1 + ROUNDING)


@lru_cache(maxsize=8192)
def _one_input(K: int, A: int, draws: int) -> float:
    """An upper bound on what a visited input costs after so many draws.

    Partial labels reveal less, and a list alone, whose floor is never exceeded. Unseen labels off the list cost at most
    their mass times 1 - 1/(A-K), and have at most 1/(K+1) each.
    """
    bound = proved_upper(1, A, draws)
    if K:
        w = min(1 / (draws + 1), 1 / (K + 1))
        left = A - K
        # As c_inf A / n bounds partial labels, of which only those off the list are unseen.
        bound = min(bound, curve(1.0) * left / draws, Rows(K, A, 1).floor, (left - 1) * w * (1 - w) ** draws)
    return bound


def _shortened(N: int) -> int:
    """N or a little less, so that few numbers are looked up: fewer visits cost more."""
    unit = 10 ** max(len(str(N)) - 2, 0)
    return N // unit * unit


def undecided(cells: np.ndarray, points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The cells that may hold a maximum: those whose bound exceeds all points, for the ranks whose excess counts.

    `times[i]` ranks reach the cells from 0 to i.
    """
    excess = times * (np.maximum.accumulate(cells) - np.maximum.accumulate(points))
    found = np.zeros(cells.size, dtype=bool)
    for i in np.flatnonzero(excess > SLIGHT * excess.sum()):
        found[: i + 1] |= cells[: i + 1] > points[: i + 1].max()
    return np.flatnonzero(found)


def minimum(f: Callable[[float], float], reach: float, n: int) -> tuple[float, float]:
    """Nearly where a convex function is smallest, and its value there: any argument gives a bound.

    Arguments up to `reach` of either sign; of those of order 1/n and above all digits matter.
    """
    unit = 1e-3 / n
    ratio = (math.sqrt(5) - 1) / 2
    high = math.asinh(reach / unit)
    low = -high

    def at(x: float) -> float:
        return f(unit * math.sinh(x))

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = at(left), at(right)
    for _ in range(STEPS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = at(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = at(right)
    return min((at_left, unit * math.sinh(left)), (at_right, unit * math.sinh(right)))[::-1]
