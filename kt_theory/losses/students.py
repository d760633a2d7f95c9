"""Students that many losses share: the frequencies of the labels, the law that a cross-entropy aims at."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.learners.hard import CE_SGL
from kt_theory.learners.learner import Learner
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, scaled


class Frequencies(Loss):
    """A loss whose student is the law of the labels itself."""

    def minimise(self, row: Row) -> Found:
        return Found(row.labels)

    def twin(self) -> Learner | None:
        return CE_SGL


class CrossEntropyTo(Loss):
    """Cross-entropy to non-negative weights of the labels: -sum_a t_a log q_a, least at t scaled to one."""

    convex = "z"

    def _target(self, row: Row) -> np.ndarray:
        """The weights t, shape (..., A); the law of the labels here."""
        return row.labels

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -xlogy(self._target(row), q).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -self._target(row) + 0 * q

    def minimise(self, row: Row) -> Found:
        return Found(scaled(self._target(row)))
