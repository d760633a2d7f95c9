"""Ranking losses on the list of the most likely labels."""

from __future__ import annotations

import numpy as np

from kt_theory.learners.learner import Learner
from kt_theory.losses.domains import Whole
from kt_theory.losses.links import softplus
from kt_theory.losses.loss import Found, ScoreLoss
from kt_theory.losses.row import Row, scaled
from kt_theory.losses.top_k import TopK


class RankingHinge(TopK):
    """Ranking hinge with the teacher's margins: mean over pairs p_a > p_b in K of max(0, (p_a - p_b) - (q_a - q_b)).

    Every law whose gaps on K are at least the teacher's is a minimiser: with all labels kept p + d, d non-increasing
    along the order of p, up to total variation (A - 1) min p. The student that stands for the set is exact on K. Use
    squared differences instead. Source: practice.
    """

    id = "ranking_hinge"
    title = "Ranking hinge with the teacher's margins"
    formula = "mean over p_a > p_b in K of max(0, (p_a - p_b) - (q_a - q_b))"
    paper = "practice"
    rate, convex, smooth = "none", "q", False
    k = Whole(2, "labels kept", 1)

    @staticmethod
    def _pairs(row: Row) -> np.ndarray:
        p = np.where(row.told, row.known, np.nan)
        return p[..., :, None] > p[..., None, :]

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        pairs, p = self._pairs(row), row.known
        gap = (p[..., :, None] - p[..., None, :]) - (q[..., :, None] - q[..., None, :])
        total = np.where(pairs, np.maximum(gap, 0.0), 0.0).sum(axis=(-1, -2))
        return total / np.maximum(pairs.sum(axis=(-1, -2)), 1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        pairs, p = self._pairs(row), row.known
        gap = (p[..., :, None] - p[..., None, :]) - (q[..., :, None] - q[..., None, :])
        active = (pairs & (gap > 1e-15)).astype(float)
        count = np.maximum(pairs.sum(axis=(-1, -2)), 1)[..., None]
        return q * (active.sum(axis=-2) - active.sum(axis=-1)) / count

    def minimise(self, row: Row) -> Found:
        return Found(self._keep(row).student, unique=False, note="a set: every law with gaps at least the teacher's")

    def twin(self) -> Learner:
        return self._keeping()


class RankingLogistic(TopK, ScoreLoss):
    """Logistic ranking: mean over pairs p_a > p_b in K of softplus(-(z_a - z_b)).

    The infimum lies at infinite logits: the student separates without end and tends to the mode; equal modes share. The
    value falls while the student collapses. Source: practice.
    """

    id = "ranking_logistic"
    title = "Logistic ranking loss"
    formula = "mean over p_a > p_b in K of softplus(-(z_a - z_b))"
    paper = "practice"
    convex, smooth = "z", False
    k = Whole(2, "labels kept", 1)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        pairs = RankingHinge._pairs(row)
        terms = softplus(z[..., None, :] - z[..., :, None])
        return np.where(pairs, terms, 0.0).sum(axis=(-1, -2)) / np.maximum(pairs.sum(axis=(-1, -2)), 1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        pairs = RankingHinge._pairs(row)
        slope = np.where(pairs, 1 / (1 + np.exp(z[..., :, None] - z[..., None, :])), 0.0)
        count = np.maximum(pairs.sum(axis=(-1, -2)), 1)[..., None]
        return (slope.sum(axis=-2) - slope.sum(axis=-1)) / count

    def minimise(self, row: Row) -> Found:
        pairs = RankingHinge._pairs(row)
        top = row.known == row.known.max(axis=-1, keepdims=True)
        some = np.asarray(pairs.any(axis=(-1, -2)))
        q = np.where(some[..., None], scaled(top.astype(float)), row.init)
        return Found(q, unique=some, attained=~some, note="the value falls along a ray: labels but the mode run away")


#: What `kt_theory.losses.registry` lists.
LOSSES = (RankingHinge, RankingLogistic)
