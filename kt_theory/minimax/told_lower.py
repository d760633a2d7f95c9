"""Lists and draws, the lower end: the worst problem found, of inputs with few kinds of labels (`told`)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kt_theory.numerics.binomials import binomial, window

#: Visits up to this number are taken one by one; beyond, in blocks of this relative width.
SINGLE, WIDTH = 100, 0.01

#: Numbers of equal labels, and probabilities of them, that are tried for each mass of an input.
TRIED = 20

#: Masses of light inputs, the best by rough costs, of which the rows are polished.
NEAR = 4


class Row(NamedTuple):
    """k labels of probability x, one with the rest, zeros; and what an input with it costs, divided by its mass."""

    cost: float
    k: int
    x: float

    def labels(self, A: int) -> np.ndarray:
        """The row, shape (A,)."""
        row = np.zeros(A)
        row[: self.k] = self.x
        if not self.equal:
            row[self.k] = 1 - self.k * self.x
        return row / row.sum()

    @property
    def equal(self) -> bool:
        """Whether the k labels have all the mass."""
        return self.k * self.x > 1 - 1e-12


class Visits:
    """A list of K labels and M draws a visit, of rows of A labels, n visits in all.

    Attributes
    ----------
    K, M, A, n : int
    """

    def __init__(self, K: int, M: int, A: int, n: int) -> None:
        self.K, self.M, self.A, self.n = K, M, A, n

    def never(self, r: float) -> float:
        """The probability that an input of mass r has no visit."""
        return math.exp(self.n * math.log1p(-r)) if r < 1 else 0.0

    def blocks(self, r: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of visits from 1 on in blocks: the first and the last of each, and how likely it is."""
        if r == 1.0:
            sure = np.array([self.n])
            return sure, sure, np.ones(1)
        first, last = window(self.n, r)
        cuts = [first]
        while cuts[-1] <= last:
            cuts.append(cuts[-1] + (1 if cuts[-1] < SINGLE else int(WIDTH * cuts[-1])))
        starts = np.array(cuts[:-1])
        ends = np.append(starts[1:] - 1, last)
        if starts.size == 1 and first > SINGLE:
            # All but 1e-17: the window, which is as wide as the root of n, need not be summed.
            return starts, ends, np.array([np.nextafter(1.0, 0.0)])
        chances = binomial(np.arange(first, last + 1), float(self.n), r)
        return starts, ends, np.add.reduceat(chances, starts - first)

    def unlisted(self, k: np.ndarray | int, equal: np.ndarray | bool) -> np.ndarray:
        """How many of the k equal labels the list lacks; the label with the rest is on it, unless there is no list."""
        return np.maximum(k - np.maximum(self.K - ~np.asarray(equal, dtype=bool), 0), 0)

    def start(self, k: np.ndarray | int, x: np.ndarray | float) -> np.ndarray:
        """What rows cost that were never visited: TV(uniform, row)."""
        return k * np.maximum(x - 1 / self.A, 0.0) + np.maximum(1 - k * x - 1 / self.A, 0.0)

    def rough(self, r: float) -> Row:
        """Nearly the worst row of an input of mass r, and nearly its cost."""
        return max(self.kinds(r))

    def kinds(self, r: float) -> list[Row]:
        """Nearly the worst rows of equal labels, and of few labels beside one: what is unseen to second order."""
        return [self._kind(r, equal) for equal in (True, False)]

    def _kind(self, r: float, equal: bool) -> Row:
        k = np.geomspace(1, self.A - 1, TRIED)
        # Of the most that x can be: beside k labels of one probability the last one is no less likely.
        # The worst light labels have x of order 1/(n r M), which is less than 3e-3 after thousands of draws.
        least = 3e-3 / max(self.n * self.M * r / 1000, 1.0)
        share = np.ones(1) if equal else np.geomspace(least, 0.999, TRIED)
        for _ in range(2):
            whole = np.unique(np.round(k)).astype(np.int64)
            x = share / (whole[:, None] + (not equal))
            cost = self._nearly(r, whole[:, None], x, equal)
            i, j = divmod(int(np.argmax(cost)), share.size)
            found = Row(float(cost[i, j]), int(whole[i]), float(x[i, j]))
            k = _around(whole, i)
            share = share if equal else _around(share, j)
        return found

    def _nearly(self, r: float, k: np.ndarray, x: np.ndarray, equal: bool) -> np.ndarray:
        """About what rows cost."""
        light = self.unlisted(k, equal)
        zeros = self.A - light - np.maximum(k + (not equal) - light, self.K)
        starts, _, chances = self.blocks(r)
        cost = self.never(r) * self.start(k, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            fall = np.log1p(-np.minimum(x, 1 - 1e-16))
            for N, chance in zip(starts, chances, strict=True):
                q = np.exp(N * self.M * fall)
                left = light * q
                spread = left * zeros / (left + zeros) - zeros**2 * left * (1 - q) / (left + zeros) ** 3
                cost = cost + chance * x * np.nan_to_num(np.maximum(spread, 0.0))
        return cost

    def exact(self, r: float, k: int, x: float) -> Row:
        """The row with its cost: from below, by as much as the costs within a block of visits differ."""
        from kt_theory.exact import loops_sel

        row = Row(0.0, k, x)
        light = int(self.unlisted(k, row.equal))
        A, of = self.A - self.K, np.empty(1)

        def family(n: int, mass: float, times: float) -> float:
            loops_sel.family(n, A, mass, light if self.K else k, np.array([times * x]), of)
            return float(of[0])

        cost, zeros = self.never(r) * float(self.start(k, x)), A - light
        if light == 0 or (self.K and zeros == 0) or self.n == 0:
            return row._replace(cost=cost)
        if self.M == 1:  # visits and draws are one: the unlisted labels are those of an input of their mass
            tail = light * x if self.K else 1.0
            apart = x * light * zeros / A if self.K else float(self.start(k, x))
            return row._replace(cost=cost + family(self.n, r * tail, r) / r - self.never(r) * apart)
        _, ends, chances = self.blocks(r)
        tail = light * x if self.K else 1.0
        visited = [chance * family(int(N) * self.M, tail, 1.0) for N, chance in zip(ends, chances, strict=True)]
        return row._replace(cost=cost + math.fsum(visited))

    def polished(self, r: float, near: Row) -> Row:
        """The best row near one, by steps of k and x that are halved when none is better."""
        best = self.exact(r, near.k, near.x)
        wide, step = max(near.k // 8, 1), 0.1
        while wide or step > 1e-3:
            tried = []
            for k, equal in ((best.k - wide, best.equal), (best.k + wide, best.equal)):
                if wide and 1 <= k < self.A:
                    tried.append((k, 1 / k if equal else min(best.x, 1 / (k + 1))))
            if not best.equal:
                tried += [(best.k, best.x * (1 - step)), (best.k, min(best.x * (1 + step), 1 / (best.k + 1)))]
            found = max((self.exact(r, k, x) for k, x in tried), default=best)
            if found.cost > best.cost:
                best = found
            else:
                wide, step = wide // 2, step / 2
                if best.equal and not wide:
                    break
        return best


def _around(points: np.ndarray, i: int) -> np.ndarray:
    """Points between the neighbours of one of them."""
    return np.linspace(points[i - (i > 0)], points[i + (i < points.size - 1)], TRIED)


def worst(visits: Visits, S: int) -> tuple[np.ndarray, list[tuple[np.ndarray, int]], float]:
    """The worst problem found: the masses of its inputs, its rows with their numbers, and its risk from below."""
    if S == 1:
        row = visits.polished(1.0, visits.rough(1.0))
        return np.ones(1), [(row.labels(visits.A), 1)], row.cost
    known: dict[float, Row] = {}

    def rough(r: float) -> Row:
        if r not in known:
            known[r] = visits.rough(r)
        return known[r]

    def total(r: float) -> float:
        rest = 1 - (S - 1) * r
        return (S - 1) * r * rough(r).cost + (rest * rough(rest).cost if rest > 0 else 0.0)

    largest = 1 / S
    grid = np.unique(np.concatenate((np.geomspace(min(0.2 / (visits.n + 1), 0.5 * largest), largest, 28), [largest])))
    values = [total(float(r)) for r in grid]
    best = int(np.argmax(values))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(14):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (left, high) if total(left) > total(right) else (low, right)
    # After few visits rough costs are off by up to a tenth: of several masses the rows are polished.
    near = grid[np.argsort(values)[-NEAR:]].tolist()

    def polished(light: float) -> tuple[float, float, list[Row]]:
        heavy = 1 - (S - 1) * light
        rows = [visits.polished(light, rough(light))]
        rows.append(rows[0] if light == largest else visits.polished(heavy, rough(heavy)))
        return (S - 1) * light * rows[0].cost + heavy * rows[1].cost, light, rows

    risk, light, rows = max(map(polished, {0.5 * (low + high), largest, *near}))
    heavy = 1 - (S - 1) * light
    rho = np.array([light] * (S - 1) + [heavy])
    return rho, [(rows[0].labels(visits.A), S - 1), (rows[1].labels(visits.A), 1)], risk
