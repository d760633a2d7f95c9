"""The read-out of lemma L4: the law of the labels that a student's scores are stationary for."""

from __future__ import annotations

from typing import Any

import numpy as np

from kt_theory.losses.loss import NONE, Found, Loss
from kt_theory.losses.row import Row
from kt_theory.protocols.facts import Protocol

#: A singular value below this share of the largest is 0: beyond one, the labels' law is not determined.
FLAT = 1e-10


def labels_law(loss: Loss, found: Found, row: Row) -> tuple[np.ndarray, np.ndarray]:
    """The law e with sum_y e_y d loss(z; y) / d z = 0, and where it is determined.

    Parameters
    ----------
    loss : Loss
        Linear in the law of the sampled labels.
    found : Found
        Minimisers, shape (..., A).
    row : Row

    Returns
    -------
    ndarray, shape (..., A)
        NaN where it is not determined. Labels of probability 0 at the student have 0.
    ndarray of bool, shape (...)
        Where the null space has dimension one.
    """
    q, A = found.student, found.student.shape[-1]
    dead = q < NONE

    # The gradient is taken at the scores themselves where the law does not determine them.
    def each(x: np.ndarray) -> np.ndarray:
        return np.repeat(x[..., None, :], A, axis=-2)

    G = loss.slopes(Found(each(q), None if found.scores is None else each(found.scores)), row.each_label())
    # A label without mass is left out: its row and column of the system are those of the identity.
    G = np.where(dead[..., :, None] | dead[..., None, :], np.where(np.eye(A, dtype=bool), 1.0, 0.0), G)
    # Rows are scaled before the decomposition: those of rare labels are as long as those of likely ones.
    size = np.abs(G).max(axis=-1, keepdims=True)
    # A label whose own gradient vanishes is the law by itself, unless labels without mass say nothing of theirs.
    still = size <= NONE * size.max(axis=-2, keepdims=True)
    size = np.where(still, 1.0, size)
    G = np.where(still, 0.0, G / size)
    vectors, singular, _ = np.linalg.svd(G)
    largest = singular[..., 0]
    few = singular[..., -2] > FLAT * largest if A > 1 else np.ones(q.shape[:-1], dtype=bool)
    flat = singular[..., -1] < 1e-6 * np.maximum(largest, 1e-300)
    null = vectors[..., :, -1]
    law = np.where(dead, 0.0, null / size[..., 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        law = law / law.sum(axis=-1, keepdims=True)
    sure = few & flat & np.isfinite(law).all(axis=-1) & (law > -1e-9).all(axis=-1)
    sure &= ~(still.any(axis=(-1, -2)) & dead.any(axis=-1))
    alone = (~dead).sum(axis=-1) == 1
    law = np.maximum(law, 0.0)
    law = np.where(alone[..., None], (~dead).astype(float), law / law.sum(axis=-1, keepdims=True))
    sure = sure | (alone & ((row.labels > 0).sum(axis=-1) == 1))
    return np.where(sure[..., None], law, np.nan), sure


class ReadLabels(Loss):
    """A loss on hard labels whose student is read out as the law of its labels."""

    closed = False

    def __init__(self, inner: Loss) -> None:
        same = ("level", "takes_logs", "smooth", "convex", "formula", "paper")
        self.__dict__.update({"inner": inner, **{fact: getattr(inner, fact) for fact in same}})
        self.__dict__["id"] = f"{inner.name} read as labels"
        super().__init__()

    def __getattr__(self, name: str) -> Any:
        if name == "inner":
            raise AttributeError(name)
        return getattr(self.__dict__["inner"], name)

    @property
    def protocol(self) -> Protocol:
        return self.__dict__["inner"].protocol

    @property
    def name(self) -> str:
        return self.__dict__["id"]

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The loss of the law before the read-out."""
        return self.inner.value(q, row)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        """Its gradient."""
        return self.inner.gradient(q, row)

    def link(self, z: np.ndarray) -> np.ndarray:
        """The law before the read-out."""
        return self.inner.link(z)

    def scores(self, q: np.ndarray) -> np.ndarray:
        """Scores of a law before the read-out."""
        return self.inner.scores(q)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        return self.inner.score_value(z, row)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        return self.inner.score_gradient(z, row)

    def minimise(self, row: Row) -> Found:
        found = self.inner.minimise(row)
        law, sure = labels_law(self.inner, found, row)
        student = np.where(sure[..., None], law, found.student)
        scores = self.inner.scores(found.student) if found.scores is None else found.scores
        note = "" if sure.all() else "where the read-out is not determined the student is that of the loss itself"
        return Found(student, scores, found.unique, iterations=found.iterations, note=note)
