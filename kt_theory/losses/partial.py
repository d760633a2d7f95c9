"""Losses on partial labels: the sampled label and its probability.

By lemma L3 a sum over seen labels of terms that are least, alone, at q_a = p_a has one student: p on seen labels, and
the missing mass as the initial table has it.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.learners.learner import Learner
from kt_theory.learners.partial import CE_PTL, SEL_PTL
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, logs, share
from kt_theory.losses.students import CrossEntropyTo


class _Partial(Loss):
    """Seen labels and their probabilities."""

    level = "partial"

    @staticmethod
    def _seen(q: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Seen labels, their frequencies, their probabilities and the student's, 1/2 where none was seen."""
        seen = (row.labels > 0) & row.told
        return seen, np.where(seen, row.labels, 0.0), np.where(seen, row.shown, 0.5), np.where(seen, q, 0.5)


class _ExactOnSeen(_Partial):
    """Least, alone, at q_a = p_a on each seen label."""

    consistent, rate = "yes", "exp SA"

    def minimise(self, row: Row) -> Found:
        seen = (row.labels > 0) & row.told
        known = np.where(seen, row.shown, 0.0)
        missing = np.maximum(1 - known.sum(axis=-1, keepdims=True), 0.0)
        spread = share(missing, ~seen, row.init)
        free = (~seen).sum(axis=-1)
        unique = (free <= 1) | (missing[..., 0] <= 1e-12)
        return Found(
            known + spread, unique=unique, note="" if unique.all() else "unseen labels share as the init has it"
        )

    def twin(self) -> Learner:
        return SEL_PTL


class NaivePartial(_Partial, CrossEntropyTo):
    """Naive cross-entropy on partial labels, CE_ptl: -p(y) log q_y.

    The minimiser is p^2 / Z. Add -(1 - p(y)) log(1 - q_y), which makes it target_binary_kl, or read out sqrt(q) / Z.
    Source: Zhao and Zhu 2024, CE_ptl.
    """

    id = "naive_partial"
    title = "Naive cross-entropy on partial labels (CE_ptl)"
    formula = "-p(y) log q_y"
    paper = "Zhao & Zhu 2024"

    def _target(self, row: Row) -> np.ndarray:
        return row.labels * row.known

    def twin(self) -> Learner:
        return CE_PTL


class SquaredErrorLogit(_ExactOnSeen):
    """Squared error of logits, SEL_ptl: (log q_y - log p(y))^2 / 2.

    The student is p on seen labels, and the missing mass as the initial table has it. Not convex in q where q_a >
    e p_a; a watermark hurts it more than the MLE. Source: Zhao and Zhu 2024, SEL_ptl.
    """

    id = "squared_error_logit"
    title = "Squared error of logits (SEL_ptl)"
    formula = "(log q_y - log p(y))^2 / 2"
    paper = "Zhao & Zhu 2024"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        _, e, p, q = self._seen(q, row)
        return 0.5 * (e * (np.log(q) - np.log(p)) ** 2).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        _, e, p, q = self._seen(q, row)
        return e * (logs(q) - np.log(p))


class TargetBinaryKL(_ExactOnSeen):
    """Binary KL at the sampled label: KL(Bern(p(y)) || Bern(q_y)), the target half of DKD.

    The convex counterpart of the squared error of logits, with the same student: the safe default for partial labels.
    Source: Zhao et al. 2022.
    """

    id = "target_binary_kl"
    title = "Binary KL at the sampled label (TCKD)"
    formula = "KL(Bern(p(y)) || Bern(q_y))"
    paper = "Zhao et al. 2022 (half of DKD)"
    convex = "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        _, e, p, q = self._seen(q, row)
        with np.errstate(divide="ignore", invalid="ignore"):
            other = np.where(p < 1, (1 - p) * np.log(np.where(p < 1, (1 - p) / (1 - q), 1.0)), 0.0)
        return (e * (xlogy(p, p / q) + other)).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        _, e, p, q = self._seen(q, row)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(p < 1, (1 - p) * q / (1 - q), 0.0)
        return e * (pull - p)


class SquaredErrorProbability(_ExactOnSeen):
    """Squared error of the sampled probability: (q_y - p(y))^2.

    The student is that of the squared error of logits.
    """

    id = "squared_error_probability"
    title = "Squared error of the sampled probability"
    formula = "(q_y - p(y))^2"
    paper = "textbook"
    convex = "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        _, e, p, q = self._seen(q, row)
        return (e * (q - p) ** 2).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        _, e, p, q = self._seen(q, row)
        return 2 * e * q * (q - p)


#: What `kt_theory.losses.registry` lists.
LOSSES = (NaivePartial, SquaredErrorLogit, TargetBinaryKL, SquaredErrorProbability)
