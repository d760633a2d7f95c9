"""The least number of samples at which a student is good enough, with a given probability."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kt_theory.learners import Learner
from kt_theory.problem import Problem
from kt_theory.simulation.cells import RUN, Cell

#: The largest number of samples that is tried.
MOST = 10**12

#: Teachers of up to so many cells keep what they are drawn with, some ten numbers a cell: to make it takes as long as
#: ten data sets of a hundred samples.
KEPT = 5_000

#: Rounding of (1 - confidence) times a number of trials.
SLACK = 1e-9

#: The search ends when the two ends are this close, relatively.
CLOSE = 1.02


@dataclass(frozen=True)
class Trials:
    """How the risks of one learner are drawn: some repeats of each of some teachers.

    Attributes
    ----------
    teachers : sequence of functions of n
        One teacher, or several that are equally likely: the cell of each at n (`cells_of`).
    learner : Learner
    reps : int
        Data sets a teacher.
    seed : int
    """

    teachers: Sequence[Callable[[int], Cell]]
    learner: Learner
    reps: int
    seed: int

    def risks(self, n: int) -> np.ndarray:
        """Risks at n, shape (number of teachers, reps)."""
        return np.array([self._risks_of(teacher(n)) for teacher in self.teachers])

    def hold(self, n: int, target: float, confidence: float, on_average: bool) -> bool:
        """Whether the risk is at most the target with a probability of at least `confidence`, less a standard error.

        With `on_average` whether the mean risk is, for so large a share of the teachers.
        """
        kept = np.empty((len(self.teachers), 1 if on_average else self.reps), dtype=bool)
        for i, teacher in enumerate(self.teachers):
            risks = self._risks_of(teacher(n))
            kept[i] = (risks.mean() if on_average else risks) <= target
            # The other teachers need not be drawn from if no answer of theirs makes it hold.
            if np.count_nonzero(~kept[: i + 1]) > (1.0 - confidence) * kept.size + SLACK:
                return False
        # Several teachers are independent of one another; of a single one, its data sets are.
        shares = kept.mean(axis=1) if len(kept) > 1 else kept[0]
        return bool(shares.mean() - shares.std() / math.sqrt(shares.size) >= confidence)

    def _risks_of(self, cell: Cell) -> np.ndarray:
        """As `kt_theory.sample_risks` in one thread, without the cost of starting it."""
        blocks = cell.blocks(self.reps)
        return np.concatenate([cell.risks([self.learner], self.seed, RUN, *block)[:, 0] for block in blocks])


def cells_of(teacher: Problem) -> Callable[[int], Cell]:
    """The cells of one teacher, by n; a small teacher's sampler is made once."""
    cells = teacher.S + teacher.pairs.stored if teacher.sparse else teacher.S * teacher.A
    return Cell(teacher, 0).at if cells <= KEPT else functools.partial(Cell, teacher)


def least(trials: Trials, target: float, confidence: float, on_average: bool) -> int | None:
    """The least n, to 2 %, at which the promise holds; None if it holds at no n up to `MOST`.

    The promise must hold with a margin of one standard error. A fifth of the trials locates n, all of them decide.
    """

    def holds(of: Trials, n: int) -> bool:
        return of.hold(n, target, confidence, on_average)

    few = Trials(trials.teachers[: -(-len(trials.teachers) // 5)], trials.learner, -(-trials.reps // 2), trials.seed)
    if holds(trials, 0):
        return 0
    if not holds(trials, MOST):
        return None
    low, high = 0, 1
    while high < MOST and not holds(few, high):
        low, high = high, min(4 * high, MOST)
    low, high = _closer(lambda n: holds(few, n), low, high, 1.2)
    low = max(round(low / 1.2), 0)
    while high < MOST and not holds(trials, high):
        low, high = high, min(math.ceil(1.2 * high), MOST)
    while low > 0 and holds(trials, low):
        low, high = round(low / 1.2) if low > 5 else low - 1, low
    return _closer(lambda n: holds(trials, n), low, high, CLOSE)[1]


def _closer(holds: Callable[[int], bool], low: int, high: int, close: float) -> tuple[int, int]:
    """Narrow down where a promise begins to hold: it does at `high`, and not at `low`."""
    while high > low + 1 and high > low * close:
        middle = min(max(round(math.sqrt(max(low, 0.5) * high)), low + 1), high - 1)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high
