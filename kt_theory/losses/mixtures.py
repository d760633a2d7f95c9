"""Losses that mix the sampled label with the teacher's row: their students learn at c times the error of the MLE."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, xlogy

from kt_theory.learners.learner import Learner
from kt_theory.learners.soft import CE_FUL
from kt_theory.losses.domains import Choice, Number
from kt_theory.losses.links import Sigmoids, softplus
from kt_theory.losses.loops import mixtures
from kt_theory.losses.loss import Found, Loss, ScoreLoss
from kt_theory.losses.row import Row, logs, scaled, softmax, split_ties, tempered
from kt_theory.losses.solving import answered, minimum
from kt_theory.losses.students import CrossEntropyTo, Frequencies
from kt_theory.losses.tables import marginal


def _cross_entropy(t: np.ndarray, q: np.ndarray) -> np.ndarray:
    return -xlogy(t, np.where(t > 0, q, 1.0)).sum(axis=-1)


def two_terms(
    weights: tuple[float, float],
    temperatures: tuple[float, float],
    shifts: tuple[np.ndarray | float, np.ndarray | float],
    targets: tuple[np.ndarray, np.ndarray],
    start: np.ndarray,
) -> tuple[np.ndarray, int]:
    """The student of w_1 T_1 CE(t_1, softmax(z/T_1 + b_1)) + w_2 T_2 CE(t_2, softmax(z/T_2 + b_2)), by Newton's steps.

    Parameters
    ----------
    weights, temperatures : tuple of float
    shifts, targets : tuple of ndarray, shape (..., A)
    start : ndarray, shape (..., A)
        Logits.

    Returns
    -------
    ndarray, shape (..., A)
    int
        The most steps of a row.
    """
    shape = targets[0].shape
    A = shape[-1]
    aims = np.array([np.broadcast_to(t, shape).reshape(-1, A) for t in targets])
    moved = np.array([np.broadcast_to(b, shape).reshape(-1, A) for b in shifts])
    used = (np.array(weights)[:, None, None] * aims > 0).any(axis=0)
    z = np.where(used, np.broadcast_to(start, shape).reshape(-1, A), -np.inf)
    z = np.ascontiguousarray(z)
    residual, steps = np.empty(z.shape[0]), np.empty(z.shape[0], dtype=np.int64)
    mixtures(np.array(weights), np.array(temperatures), np.where(used, moved, 0.0), aims, z, residual, steps)
    return softmax(z).reshape(shape), int(steps.max(initial=0))


class _Mixture(Loss):
    level = "soft"


class KDMix(_Mixture):
    """Hinton's mixture: -alpha log q_y + (1 - alpha) T^2 KL(p_T || q_T).

    The limit is p, since labels follow p. The hard term sets the rate: at T = 1 the student is alpha e + (1 - alpha) p,
    alpha times the error of the MLE, and a constant c of it at any T. With labels drawn from the teacher use alpha = 0.
    Source: Hinton et al. 2015.
    """

    id = "kd_mix"
    title = "Hinton's mixture: hard cross-entropy plus tempered KL"
    formula = "-alpha log q_y + (1 - alpha) T^2 KL(p_T || q_T)"
    paper = "Hinton et al. 2015"
    consistent, rate, convex = "yes", "c sqrt", "z"
    closed = False
    alpha = Number(0.1, "weight of the hard label", "[0, 1]")
    T = Number(4.0, "temperature", "(0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, r = tempered(row.shown, 1 / self.T), tempered(q, 1 / self.T)
        kl = _cross_entropy(p, r) - _cross_entropy(p, p)
        return self.alpha * _cross_entropy(row.labels, q) + (1 - self.alpha) * self.T**2 * kl

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        soft = tempered(q, 1 / self.T) - tempered(row.shown, 1 / self.T)
        return self.alpha * (q - row.labels) + (1 - self.alpha) * self.T * soft

    def minimise(self, row: Row) -> Found:
        if self.T == 1:
            return Found(self.alpha * row.labels + (1 - self.alpha) * row.shown)
        weights = (self.alpha, (1 - self.alpha) * self.T)
        start = logs(np.where(row.shown > 0, row.shown, 1e-3))
        aims = (row.labels, tempered(row.shown, 1 / self.T))
        student, steps = two_terms(weights, (1.0, self.T), (0.0, 0.0), aims, start)
        return Found(student, iterations=steps)


class LogitAdjustmentPlusKD(_Mixture):
    """Logit-adjusted cross-entropy plus KL: -log softmax(z + tau log prior)_y + alpha T^2 KL(p_T || softmax(z / T)).

    Couples the inputs through the prior. The limit lies between p / prior and p. Source: Suh and Seo 2023.
    """

    id = "logit_adjustment_plus_kd"
    title = "Logit-adjusted cross-entropy plus KL"
    formula = "-log softmax(z + tau log prior)_y + alpha T^2 KL(p_T || softmax(z/T))"
    paper = "Suh & Seo 2023"
    convex = "z"
    couples_inputs = True
    tau = Number(1.0, "strength of the adjustment", "[0, inf)")
    T = Number(4.0, "temperature", "(0, inf)")
    alpha = Number(1.0, "weight of the KL term", "[0, inf)")

    def _shift(self, row: Row) -> np.ndarray:
        prior = marginal(row)
        return self.tau * logs(np.where(prior > 0, prior, 1e-300))

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, r = tempered(row.shown, 1 / self.T), tempered(q, 1 / self.T)
        kl = _cross_entropy(p, r) - _cross_entropy(p, p)
        return _cross_entropy(row.labels, softmax(logs(q) + self._shift(row))) + self.alpha * self.T**2 * kl

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        soft = tempered(q, 1 / self.T) - tempered(row.shown, 1 / self.T)
        return softmax(logs(q) + self._shift(row)) - row.labels + self.alpha * self.T * soft

    def minimise(self, row: Row) -> Found:
        aims = (row.labels, tempered(row.shown, 1 / self.T))
        start = logs(np.where(row.shown > 0, row.shown, 1e-3))
        weights = (1.0, self.alpha * self.T)
        student, steps = two_terms(weights, (1.0, self.T), (self._shift(row), 0.0), aims, start)
        return Found(student, iterations=steps)


class ConfidenceRanking(_Mixture):
    """Confidence ranking against an incumbent g: -(1 - weight) log softmax(z)_y - weight log softmax(z - g)_y.

    The incumbent is the teacher here, g = log p: at weight 1 the limit is p^2 / Z; in general p softmax(g) / Z. Read
    out z - g. Source: Zhu et al. 2023; rebuilt from the abstract.
    """

    id = "confidence_ranking"
    title = "Confidence ranking against an incumbent"
    formula = "-(1 - weight) log softmax(z)_y - weight log softmax(z - g)_y"
    paper = "Zhu et al. 2023 (rebuilt from the abstract)"
    rate, convex = "readout: mle", "z"
    takes_logs, closed = True, False
    weight = Number(1.0, "weight of the ranking term", "[0, 1]")
    incumbent = Choice("teacher", "logits of the old model", "teacher")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        ranked = softmax(logs(q) - logs(row.shown))
        plain = (1 - self.weight) * _cross_entropy(row.labels, q)
        return plain + self.weight * _cross_entropy(row.labels, ranked)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        ranked = softmax(logs(q) - logs(row.shown))
        return (1 - self.weight) * (q - row.labels) + self.weight * (ranked - row.labels)

    def minimise(self, row: Row) -> Found:
        if self.weight == 1:
            return Found(scaled(row.labels * row.shown))
        shifts = (0.0, -logs(row.shown))
        weights = (1 - self.weight, self.weight)
        student, steps = two_terms(weights, (1.0, 1.0), shifts, (row.labels, row.labels), logs(row.shown))
        return Found(student, iterations=steps)


class BinaryMaps(_Mixture, Sigmoids):
    """Binary classification maps: sum_a |sigma(z*_a) - sigma(z_a)| BCE(sigma(z_a), sigma(z*_a)), z* = log p.

    The minimiser is z = z*: by softmax p, by sigmoids scaled to one p / (1 + p) / Z. The factor carries a gradient, so
    that the loss has a kink at its minimum. Source: Yang et al. 2023 (BCKD).
    """

    id = "binary_maps"
    title = "Binary classification maps (BCKD)"
    formula = "sum_a |sigma(z*_a) - sigma(z_a)| BCE(sigma(z_a), sigma(z*_a))"
    paper = "Yang et al. 2023 (BCKD)"
    consistent, rate = "if read out by softmax", "exp S"
    smooth = False
    readout = Choice("softmax", "how the law is read", "softmax", "normalised")

    def scores(self, q: np.ndarray) -> np.ndarray:
        """In the gauge of log q (softmax), or with the sigmoids q."""
        return logs(q) if self.readout == "softmax" else super().scores(q)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        t = row.shown / (1 + row.shown)
        with np.errstate(invalid="ignore"):
            bce = np.where(t > 0, t * softplus(-z), 0.0) + (1 - t) * softplus(z)
        return (np.abs(t - expit(z)) * bce).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        t, s = row.shown / (1 + row.shown), expit(z)
        with np.errstate(invalid="ignore"):
            bce = np.where(t > 0, t * softplus(-z), 0.0) + (1 - t) * softplus(z)
        return np.sign(s - t) * s * (1 - s) * bce + np.abs(s - t) * (s - t)

    def minimise(self, row: Row) -> Found:
        z = logs(row.shown)
        if self.readout == "softmax":
            return Found(row.shown, scores=z)
        return Found(scaled(row.shown / (1 + row.shown)), scores=z)

    def twin(self) -> Learner | None:
        return CE_FUL if self.readout == "softmax" else None


class _MainHead(_Mixture, Frequencies, CrossEntropyTo):
    """A head that sees the sampled label alone, beside others that share nothing with it in a table."""

    consistent = "yes"


class DualHead(_MainHead):
    """Dual-head distillation, main head: cross-entropy; a second head, thrown away, takes the teacher's logits.

    In a table the heads share nothing, so that the main head is the MLE. Source: Yang et al. 2024 (DHKD).
    """

    id = "dual_head"
    title = "Dual-head distillation (DHKD), main head"
    formula = "head 1: -log q_y; head 2, thrown away: T^2 sum_a log cosh((z_a - z*_a)/(2T))"
    paper = "Yang et al. 2024"
    rate = "mle: the main head sees hard labels only"
    T = Number(2.0, "temperature of the other head", "(0, inf)")
    weight = Number(1.0, "weight of the other head", "[0, inf)")


class MultiAspect(_MainHead):
    """Multi-aspect distillation: cross-entropy on the label, binary cross-entropy on yes/no questions of a model.

    Separate outputs: in a table the aspects do not help the label, whose head is the MLE. Source: Lee et al. 2025.
    """

    id = "multi_aspect"
    title = "Multi-aspect distillation"
    formula = "-log q_y + BCE on yes/no questions, other outputs"
    paper = "Lee et al. 2025"
    rate = "mle on the label"


class DualHeadJoint(_Mixture, ScoreLoss):
    """Cross-entropy and binary KL on one head: CE + weight T^2 sum_a log cosh((z_a - z*_a) / (2T)), or binary KL.

    `kind`: norm, as above, or plain, sum_a T^2 KL(Bern(sigma(z*_a / T)) || Bern(sigma(z_a / T))), z* = log p. With
    labels of the teacher the limit is p; with labels = argmax the two terms contradict each other: a bias. Refuses a
    teacher with a zero. Source: Yang et al. 2024 (DHKD).
    """

    id = "dual_head_joint"
    title = "Cross-entropy and binary KL on one head"
    formula = "-log q_y + weight T^2 sum_a log cosh((z_a - z*_a)/(2T)), or binary KL"
    paper = "Yang et al. 2024"
    consistent, rate, convex = "if labels follow p", "c sqrt", "z"
    takes_logs, closed = True, False
    kind = Choice("norm", "which binary term", "norm", "plain")
    T = Number(2.0, "temperature", "(0, inf)")
    weight = Number(1.0, "weight of the binary term", "[0, inf)")
    labels = Choice("argmax", "the sampled labels, or the teacher's most likely one", "teacher", "argmax")

    def _hard(self, row: Row) -> np.ndarray:
        if self.labels == "teacher":
            return row.labels
        return scaled((row.shown == row.shown.max(axis=-1, keepdims=True)).astype(float))

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        T, aim = self.T, logs(row.shown)
        if self.kind == "norm":
            x = np.abs(z - aim) / (2 * T)
            binary = x + np.log1p(np.exp(-2 * x)) - np.log(2)
        else:
            t = expit(aim / T)
            entropy = t * softplus(-aim / T) + (1 - t) * softplus(aim / T)
            binary = t * softplus(-z / T) + (1 - t) * softplus(z / T) - entropy
        return _cross_entropy(self._hard(row), softmax(z)) + self.weight * T**2 * binary.sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        T, aim = self.T, logs(row.shown)
        norm = self.kind == "norm"
        slope = np.tanh((z - aim) / (2 * T)) / (2 * T) if norm else (expit(z / T) - expit(aim / T)) / T
        return softmax(z) - self._hard(row) + self.weight * T**2 * slope

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        z, residual, count = minimum(self, flat, logs(flat.shown))
        alone = ~split_ties(flat.shown, softmax(z)) | (self.labels == "teacher")
        return answered(row, z, residual, count, alone)


#: What `kt_theory.losses.registry` lists.
LOSSES = (KDMix, LogitAdjustmentPlusKD, ConfidenceRanking, BinaryMaps, DualHead, MultiAspect, DualHeadJoint)
