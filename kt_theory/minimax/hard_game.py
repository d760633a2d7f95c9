r"""Hard labels, small sizes: the game between all students and all teachers, solved by cutting planes.

A student is a table for every table of counts. Permuting the labels of one input, or the inputs, permutes the data, the
teacher and the risk, so averaging a student over these permutations does not raise its worst risk (TV is convex), and
only students that are the same for permuted data need be looked at: q(N, s, a) depends on the counts N up to order, on
the row s of N up to order, and on N_sa. For finitely many teachers the least worst risk is a linear program, with
TV(q, p) = sum_a max(p_a - q_a, 0):

    minimise v  subject to  sum_N P(N) sum_s rho_s sum_a w(N, s, a) <= v,   w >= pi - q,   w >= 0,   each q a law.

Its value is a lower bound on the minimax risk: a larger set of teachers is worse for the student. The worst teachers of
the rule found join the set, until the worst risk of a rule over all teachers is as good as the value.

Proved and not: the value is a lower bound up to the solver's tolerance, 1e-9, and is lowered by 1e-8. The worst risk of
the best rule is found on a grid with local search, not certified.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

#: The game ends when the worst risk of a rule is within this, relatively, of the value of the linear program.
GAP = 1e-5

#: After `PATIENCE` rounds of adding teachers, for more than two cells, a hundred times that is enough. It ends after
#: `ROUNDS` rounds; with more than two cells also where the squares of the numbers of slack variables of the linear
#: programs, to which their times are about proportional, add up to `WORK`: some ten seconds.
PATIENCE, ROUNDS, WORK = 4, 20, 10**9


def in_reach(S: int, A: int, n: int) -> bool:
    """Whether `solve` takes seconds."""
    dimension = S * A - 1
    if dimension > 3 or n > 1000:
        return False
    return (dimension == 1 and n <= 50) or math.comb(n + dimension, n) <= 300


def solve(
    S: int, A: int, n: int, progress: Callable[[str], None] | None = None, most: int = WORK
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Lower end, upper end, and the rho (S,) and teacher (S, A) that are worst for the rule of the upper end.

    `progress`, if given, is called with a line after each round; `most` is the work at most, but for two cells.
    """
    return play(Game(S, A, n), progress, most)


def play(
    game: Game, progress: Callable[[str], None] | None = None, most: int = WORK
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """As `solve`, of a game."""
    S, A, n = game.S, game.A, game.n
    teachers, fine = game.grid(game.coarse), game.grid(game.finest)
    lower, upper, work = 0.0, math.inf, 0
    worst, best = teachers[0], None
    for turn in range(ROUNDS):
        value, rule, active, size = game.best_rule(teachers)
        work += size**2
        lower = max(lower, value)
        cuts = [teachers[active]]
        # The best rule of a linear program is at a corner, far from the next one: half way to the best is tried, too.
        for tried in [rule, (rule + best) / 2] if best is not None and game.large and turn > PATIENCE else [rule]:
            found, risks = game.worst_teachers(tried, np.concatenate((fine, teachers)))
            cuts.append(found[risks > value])
            if risks[0] < upper:
                upper, worst, best = float(risks[0]), found[0], tried
        if progress is not None:
            progress(f"game of S={S}, A={A}, n={n}, round {turn + 1}: between {lower:.6g} and {upper:.6g}")
        # The next program is about as large as this one.
        if upper - lower <= _wanted(turn, game) * upper or (S * A > 2 and work + size**2 > most):
            break
        teachers = np.concatenate(cuts)
    rho = worst.sum(axis=1)
    return lower - 1e-8, upper, rho, np.divide(worst, rho[:, None], out=np.full((S, A), 1 / A), where=rho[:, None] > 0)


def _wanted(turn: int, game: Game) -> float:
    """The relative gap at which the game ends after this round."""
    return GAP if game.S * game.A == 2 or turn < PATIENCE else 100 * GAP


class Loss(NamedTuple):
    """The risk of a rule q at one teacher: constant + linear . q + sum of weight max(bar - q[entry], 0)."""

    linear: np.ndarray
    constant: float
    entry: np.ndarray
    weight: np.ndarray
    bar: np.ndarray


class Game:
    """All tables of n counts, and how the entries of a student that may differ are numbered."""

    def __init__(self, S: int, A: int, n: int) -> None:
        self.S, self.A, self.n = S, A, n
        #: Steps of the grids of teachers, for the first linear program and for the search.
        self.coarse = 3 if S * A > 2 else 10
        self.finest = {1: 4000, 2: 80, 3: 24 if S == 1 else 12}.get(S * A - 1, self.coarse)
        self.large = S * A > 2 and math.comb(n + S * A - 1, n) > 120
        #: Slack variables of less weight are left out, which only lowers the value.
        self.least = 1e-9 if self.large else 1e-12
        self.tables = np.array(list(_compositions(n, S * A))).reshape(-1, S, A)
        self.ways = np.array([math.factorial(n) / math.prod(map(math.factorial, N)) for N in self._flat().tolist()])
        number: dict[object, int] = {}
        rows: dict[object, tuple[int, ...]] = {}
        self.entry = np.empty(self.tables.shape, dtype=np.int64)
        for i, N in enumerate(self.tables.tolist()):
            ordered = tuple(sorted(tuple(sorted(row)) for row in N))
            for s, row in enumerate(N):
                key = (ordered, tuple(sorted(row)))
                self.entry[i, s] = [number.setdefault((key, count), len(number)) for count in row]
                rows[key] = tuple(self.entry[i, s].tolist())
        self.entries = len(number)
        self.rows = list(rows.values())

    def _flat(self) -> np.ndarray:
        return self.tables.reshape(len(self.tables), -1)

    def laws(self, w: np.ndarray) -> np.ndarray:
        """Probability of each table of counts under joint masses w, shape (teachers, tables)."""
        logs = np.log(np.maximum(w.reshape(len(w), -1), 1e-300))
        return np.exp(logs @ self._flat().T) * self.ways

    def best_rule(self, w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, int]:
        """The value, the best rule (a number per entry), which of the teachers (joint masses w) bind, and the size."""
        from scipy.optimize import linprog
        from scipy.sparse import coo_array, hstack, vstack

        losses = [self._loss(theta, law) for theta, law in zip(w, self.laws(w), strict=True)]
        entry = np.concatenate([loss.entry for loss in losses])
        slack = entry.size
        teacher = np.repeat(np.arange(len(w)), [loss.entry.size for loss in losses])
        here = np.arange(slack)
        # Columns: q, w, v.
        risk = hstack(
            [
                coo_array(np.array([loss.linear for loss in losses])),
                coo_array((np.concatenate([loss.weight for loss in losses]), (teacher, here)), shape=(len(w), slack)),
                coo_array(-np.ones((len(w), 1))),
            ]
        )
        excess = hstack(
            [
                coo_array((-np.ones(slack), (here, entry)), shape=(slack, self.entries)),
                coo_array((-np.ones(slack), (here, here)), shape=(slack, slack)),
                coo_array((slack, 1)),
            ]
        )
        line = np.repeat(np.arange(len(self.rows)), self.A)
        law_of_row = coo_array(
            (np.ones(line.size), (line, np.concatenate(self.rows))), shape=(len(self.rows), self.entries + slack + 1)
        )
        cost = np.zeros(self.entries + slack + 1)
        cost[-1] = 1
        found = linprog(
            cost,
            A_ub=vstack([risk, excess]).tocsr(),
            b_ub=np.concatenate(([-loss.constant for loss in losses], *[-loss.bar for loss in losses])),
            A_eq=law_of_row.tocsr(),
            b_eq=np.ones(len(self.rows)),
            bounds=(0, None),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if found.status != 0:
            raise ArithmeticError(f"the linear program was not solved: {found.message}")
        active = -found.ineqlin.marginals[: len(w)] > 1e-9
        return float(found.fun), found.x[: self.entries], active, slack

    def _loss(self, theta: np.ndarray, law: np.ndarray) -> Loss:
        """What a teacher's joint masses, and the law of the tables that they give, make of the risk of a rule."""
        size = self.S * self.A
        rho = theta.sum(axis=1)
        pi = np.divide(theta, rho[:, None], out=np.zeros_like(theta), where=rho[:, None] > 0)
        linear = np.zeros(self.entries)
        if self.A == 2:
            # |pi - q| of the label that was seen more often, 2 max(pi - q, 0) + q - pi: half the slack variables.
            more = (self.tables[:, :, 1] > self.tables[:, :, 0]).astype(np.int64)
            entry = np.take_along_axis(self.entry, more[:, :, None], axis=2)[:, :, 0].ravel()
            levels, level = np.unique(pi, return_inverse=True)
            of_cell = level.reshape(pi.shape)
            key, back = np.unique(entry * levels.size + of_cell[np.arange(self.S), more].ravel(), return_inverse=True)
            weight = np.bincount(back, weights=(law[:, None] * rho).ravel())
            entry, bar = key // levels.size, levels[key % levels.size]
            # q is never below 0 nor above 1: there the loss is linear.
            zero, bent = bar == 0, (bar > 0) & (bar < 1) & (weight > self.least)
            np.add.at(linear, entry[zero], weight[zero])
            np.add.at(linear, entry[bar == 1], -weight[bar == 1])
            np.add.at(linear, entry[bent], weight[bent])
            constant = weight[bar == 1].sum() - weight[bent] @ bar[bent]
            return Loss(linear, float(constant), entry[bent], 2 * weight[bent], bar[bent])
        # What the teacher's label pi loses on the entry q: equal for all tables that share the entry.
        cells = self.entry.reshape(len(self.tables), -1)
        key, back = np.unique((cells * size + np.arange(size)).ravel(), return_inverse=True)
        weight = np.bincount(back, weights=(law[:, None] * np.repeat(rho, self.A)).ravel())
        kept = weight > self.least
        return Loss(linear, 0.0, key[kept] // size, weight[kept], pi.ravel()[key[kept] % size])

    def risk(self, rule: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Exact expected risk of a rule at each teacher."""
        out = np.empty(len(w))
        q = rule[self.entry]
        q = q / q.sum(axis=2, keepdims=True)
        step = max(1, 2 * 10**6 // q.size)
        for i in range(0, len(w), step):
            part = w[i : i + step]
            rho = part.sum(axis=2, keepdims=True)
            # rho TV(q, pi) = sum_a max(w - rho q, 0)
            loss = np.maximum(part[:, None] - rho[:, None] * q, 0).sum(axis=(2, 3))
            out[i : i + step] = (self.laws(part) * loss).sum(axis=1)
        return out

    def grid(self, parts: int) -> np.ndarray:
        """Joint masses of teachers on a grid, one for each that differ by more than the order of labels or inputs."""
        rows = np.array(list(_partitions(parts, self.A))) / parts
        if self.S == 1:
            return rows[:, None, :]
        tables = np.array(list(itertools.product(rows, repeat=self.S)))
        return np.concatenate([np.array(m)[None, :, None] / parts * tables for m in _partitions(parts, self.S)])

    def worst_teachers(self, rule: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Local maxima of the rule's risk, the worst first: from the best of `start`, by steps that shrink."""
        rng = np.random.default_rng(0)
        risks = self.risk(rule, start)
        order = np.argsort(-risks)
        chosen: list[int] = []
        apart = 0.02 if self.S * self.A == 2 else 0.08
        for i in order[:2000].tolist():
            if all(np.abs(start[i] - start[j]).max() > apart for j in chosen):
                chosen.append(i)
            if len(chosen) == 16:
                break
        best, value = start[chosen].copy(), risks[chosen].copy()
        for scale in np.geomspace(0.03, 1e-5, 14):
            # Moving mass between two cells, or between several: all directions of the simplex.
            move = rng.standard_normal((len(best), 24, *best.shape[1:])) * scale
            tried = np.maximum(best[:, None] + move * (rng.random(move.shape) < 0.7), 0)
            tried /= tried.sum(axis=(2, 3), keepdims=True)
            gain = self.risk(rule, tried.reshape(-1, *best.shape[1:])).reshape(tried.shape[:2])
            top = gain.argmax(axis=1)
            here = np.arange(len(best))
            better = gain[here, top] > value
            best[better], value[better] = tried[here, top][better], gain[here, top][better]
        order = np.argsort(-value)
        return best[order], value[order]


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _partitions(total: int, parts: int, least: int = 0) -> Iterator[tuple[int, ...]]:
    """The compositions in increasing order."""
    if parts == 1:
        yield (total,)
        return
    for first in range(least, total // parts + 1):
        for rest in _partitions(total - first, parts - 1, first):
            yield (first, *rest)
