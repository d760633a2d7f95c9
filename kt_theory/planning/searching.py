"""The least number of samples at which a student is good enough, with a given probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kt_theory.learners import Learner
from kt_theory.problem import Problem
from kt_theory.simulation.means import sample_risks

#: The largest number of samples that is tried.
MOST = 10**12

#: The search ends when the two ends are this close, relatively.
CLOSE = 1.02


@dataclass(frozen=True)
class Trials:
    """How the risks of one learner are drawn: some repeats of each of some teachers.

    Attributes
    ----------
    teachers : sequence of Problem
        One, or several that are equally likely.
    learner : Learner
    reps : int
        Data sets a teacher.
    seed : int
    """

    teachers: Sequence[Problem]
    learner: Learner
    reps: int
    seed: int

    def risks(self, n: int) -> np.ndarray:
        """Risks at n, shape (number of teachers, reps)."""
        drawn = [
            sample_risks(teacher, self.learner, n, self.reps, self.seed, workers=1)[:, 0] for teacher in self.teachers
        ]
        return np.array(drawn)

    def kept(self, n: int, target: float, on_average: bool) -> tuple[float, float]:
        """The probability that the risk is at most the target, and its standard error.

        With `on_average` the probability, over teachers, that the mean risk is.
        """
        risks = self.risks(n)
        good = (risks.mean(axis=1, keepdims=True) if on_average else risks) <= target
        # Several teachers are independent of one another; of a single one, its data sets are.
        shares = good.mean(axis=1) if len(self.teachers) > 1 else good[0]
        return float(shares.mean()), float(shares.std() / math.sqrt(shares.size))


def least(trials: Trials, target: float, confidence: float, on_average: bool) -> int | None:
    """The least n, to 2 %, at which the promise holds; None if it holds at no n up to `MOST`.

    The promise must hold with a margin of one standard error. A fifth of the trials locates n, all of them decide.
    """

    def holds(of: Trials, n: int) -> bool:
        share, error = of.kept(n, target, on_average)
        return share - error >= confidence

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
