r"""Hard labels, one input, fewer samples than labels: the game of `kt_theory.minimax.hard_game`, by partitions of n.

A student that is the same for permuted labels is a number q(lambda, j) for each partition lambda of n into the counts
of the labels that were seen, and each count j of a label, 0 too: few numbers, however many labels there are. Under a
teacher p the label a has count j and all counts are lambda with the probability

.. math:: \frac{n!}{\prod_i \lambda_i!}\; p_a^j\; m_{\lambda - j}(p \text{ without } a),

m_mu being the monomial symmetric polynomial, the sum of all products in which the exponents mu go to different labels.
With one label more, m_mu grows by sum_j p^j m_(mu - j) over the different parts j of mu.

**One of S inputs.** If rho is known to be uniform and the rows of the inputs are independent, the other inputs tell
nothing of a row, and each input is visited m ~ Bin(n, 1/S) times: one game, by the partitions of all m <= n, whose
value is a lower end for S inputs.

Teachers of the linear program have at most three different probabilities above 0 to begin with; the search for the
worst one moves all labels, alone, and those that are equal together.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator

import numpy as np

from kt_theory.minimax.hard_game import Game, Loss

Partition = tuple[int, ...]

#: The most samples, labels, and their product.
MOST_SAMPLES, MOST_LABELS, MOST_CELLS = 6, 30, 80


def in_reach(S: int, A: int, n: int) -> bool:
    """Whether `RowGame` is solved in seconds, where `hard_game.Game` is not."""
    return S == 1 and max(4, n) < A <= most_labels(n)


def most_labels(n: int) -> int:
    """The most labels that are in reach after n samples; 0 if there are none."""
    return min(MOST_LABELS, MOST_CELLS // n) if 1 <= n <= MOST_SAMPLES else 0


class RowGame(Game):
    """The game of one input, or of one of several that are equally likely; its student is numbered by partitions."""

    coarse, finest = 2, 12

    def __init__(self, A: int, n: int, inputs: int = 1) -> None:
        self.S, self.A, self.n = 1, A, n
        #: Probability of each number of visits.
        self.visits = _visits(n, 1 / inputs)
        self.large, self.least = False, 1e-16
        self.partitions = [part for size in range(n + 1) for part in partitions_of(size) if len(part) <= A]
        number: dict[tuple[Partition, int], int] = {}
        self.rows = []
        for part in (part for part in self.partitions if self.visits[sum(part)] > 0):
            counts = part + (0,) * (A - len(part))
            self.rows.append(tuple(number.setdefault((part, j), len(number)) for j in counts))
        self.keys = list(number)
        self.entries = len(number)

    def at(self, mass: float) -> RowGame:
        """The same game, its student numbered alike, at an input of this mass."""
        other = copy.copy(self)
        other.visits = _visits(self.n, mass)
        return other

    def loss(self, mass: float, row: np.ndarray) -> Loss:
        """The total variation at an input of this mass and row, of shape (1, A)."""
        return self._loss(row, self.at(mass).laws(row[None])[0])

    def laws(self, w: np.ndarray) -> np.ndarray:
        """Probabilities of a label's count and the partition of all, entry by entry: (teachers, A, entries)."""
        p = w[:, 0, :]
        whole = {part: np.full(len(p), float(not part)) for part in self.partitions}
        for a in range(self.A):
            # Large partitions first: each is made from smaller ones without this label.
            for part in reversed(self.partitions):
                for j in set(part):
                    whole[part] = whole[part] + p[:, a] ** j * whole[_without(part, j)]
        others: dict[Partition, np.ndarray] = {}
        for part in self.partitions:
            others[part] = np.repeat(whole[part][:, None], self.A, axis=1)
            for j in set(part):
                others[part] -= p**j * others[_without(part, j)]
        out = np.empty((*p.shape, self.entries))
        for i, (part, j) in enumerate(self.keys):
            ways = math.factorial(sum(part)) // math.prod(map(math.factorial, part))
            out[:, :, i] = self.visits[sum(part)] * ways * p**j * others[_without(part, j) if j else part]
        return np.maximum(out, 0.0)

    def _loss(self, theta: np.ndarray, law: np.ndarray) -> Loss:
        levels, level = np.unique(theta[0], return_inverse=True)
        weight = np.zeros((levels.size, self.entries))
        np.add.at(weight, level, law)
        kept = (weight > self.least) & (levels > 0)[:, None]
        row, entry = np.nonzero(kept)
        return Loss(np.zeros(self.entries), 0.0, entry, weight[kept], levels[row])

    def risk(self, rule: np.ndarray, w: np.ndarray) -> np.ndarray:
        q = rule.copy()
        for row in self.rows:
            q[list(set(row))] /= rule[list(row)].sum()
        out = np.empty(len(w))
        step = max(1, 10**6 // (self.A * self.entries))
        for i in range(0, len(w), step):
            part = w[i : i + step]
            out[i : i + step] = (self.laws(part) * np.maximum(part[:, 0, :, None] - q, 0)).sum(axis=(1, 2))
        return out

    def grid(self, parts: int) -> np.ndarray:
        """Rows of at most three different probabilities that are not 0, their masses in steps of 1/(2 parts)."""
        found = []
        for many in (1, 2, 3):
            for sizes in itertools.combinations_with_replacement(range(1, self.A + 1), many):
                if sum(sizes) > self.A:
                    continue
                steps = 2 * parts if many < 3 else max(3, parts // 2)
                for masses in itertools.product(range(1, steps + 1), repeat=many):
                    if sum(masses) == steps:
                        row = np.repeat(np.array(masses) / steps / np.array(sizes), sizes)
                        found.append(np.sort(np.pad(row, (self.A - row.size, 0))))
        return np.unique(np.array(found), axis=0)[:, None, :]

    def worst_teachers(self, rule: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Local maxima of the rule's risk, the worst first: from the best of `start`, by steps that shrink."""
        rng = np.random.default_rng(0)
        risks = self.risk(rule, start)
        chosen: list[int] = []
        for i in np.argsort(-risks)[:2000].tolist():
            if all(np.abs(start[i] - start[j]).max() > 0.02 for j in chosen):
                chosen.append(i)
            if len(chosen) == 12:
                break
        best, value = start[chosen].copy(), risks[chosen].copy()
        for scale in np.geomspace(0.1, 1e-5, 18):
            for equal_together in (True, False):
                move = rng.standard_normal((len(best), 16, self.A)) * scale
                move *= rng.random(move.shape) < 0.7
                if equal_together:
                    for i, row in enumerate(best[:, 0]):
                        move[i] = move[i][:, np.unique(np.round(row, 12), return_inverse=True)[1]]
                # Relative moves for half: light labels stay light, and those of probability 0 what they are.
                move[:, ::2] *= 4 * best
                tried = np.maximum(best + move, 0)
                total = tried.sum(axis=2, keepdims=True)
                tried = np.where(total > 0, tried / np.where(total > 0, total, 1), best)
                gain = self.risk(rule, tried.reshape(-1, 1, self.A)).reshape(tried.shape[:2])
                top = gain.argmax(axis=1)
                here = np.arange(len(best))
                better = gain[here, top] > value
                best[better, 0], value[better] = tried[here, top][better], gain[here, top][better]
        order = np.argsort(-value)
        return best[order], value[order]


def partitions_of(total: int, most: int | None = None) -> Iterator[Partition]:
    """All partitions, parts in decreasing order."""
    if total == 0:
        yield ()
        return
    for first in range(min(total, most or total), 0, -1):
        for rest in partitions_of(total - first, first):
            yield (first, *rest)


def _visits(n: int, mass: float) -> list[float]:
    """The probabilities of 0 to n visits of an input of this mass."""
    return [math.comb(n, m) * mass**m * (1 - mass) ** (n - m) for m in range(n + 1)]


def _without(part: Partition, j: int) -> Partition:
    at = part.index(j)
    return part[:at] + part[at + 1 :]
