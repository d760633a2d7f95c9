"""Losses that ignore the scale of the logits or of the probabilities: the scale is learnt from hard labels alone."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.losses.domains import Number, Whole
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, logs, softmax
from kt_theory.losses.solving import answered, lowest


def z_scored(z: np.ndarray, ddof: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits less their mean, divided by their deviation, and the deviation; 0 where all are equal."""
    flat = z - z.mean(axis=-1, keepdims=True)
    dev = np.sqrt((flat * flat).sum(axis=-1, keepdims=True) / max(z.shape[-1] - ddof, 1))
    return np.divide(flat, dev, out=np.zeros_like(flat), where=np.abs(dev) > 1e-14), dev


class StandardisedLogits(Loss):
    """Logit standardisation alone: T^2 KL(softmax(Z(z*) / T) || softmax(Z(z) / T)), Z the z-score, z* = log p.

    Identifies p up to p^s, s > 0: no unique law; s = 1 stands for the set. Any proper term fixes s. Refuses a teacher
    with a zero. Source: Sun et al. 2024.
    """

    id = "standardised_logits"
    title = "Logit standardisation alone"
    formula = "T^2 KL(softmax(Z(z*)/T) || softmax(Z(z)/T)), Z = z-score"
    paper = "Sun et al. 2024"
    level = "soft"
    rate = "none"
    takes_logs = True
    T = Number(2.0, "temperature", "(0, inf)")
    ddof = Whole(1, "the deviation's convention", 0, 1)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return _standardised(logs(q), row, self.T, self.ddof)[0]

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return _standardised(logs(q), row, self.T, self.ddof)[1]

    def minimise(self, row: Row) -> Found:
        flat = (np.ptp(row.shown, axis=-1) == 0) | (row.shown.shape[-1] == 1)
        return Found(row.shown, unique=flat & (row.shown.shape[-1] == 1), note="p^s for every s > 0; s = 1 is shown")


def _standardised(z: np.ndarray, row: Row, T: float, ddof: int) -> tuple[np.ndarray, np.ndarray]:
    """The value of the standardised KL and its gradient by the logits."""
    mine, dev = z_scored(z, ddof)
    aim = softmax(z_scored(logs(row.shown), ddof)[0] / T)
    r = softmax(mine / T)
    value = T**2 * (xlogy(aim, aim) - xlogy(aim, r)).sum(axis=-1)
    g = T * (r - aim)
    turned = g - g.mean(axis=-1, keepdims=True)
    turned = turned - mine * (mine * g).sum(axis=-1, keepdims=True) / max(z.shape[-1] - ddof, 1)
    return value, np.divide(turned, dev, out=np.zeros_like(turned), where=np.abs(dev) > 1e-14)


class _WithCE(Loss):
    """A scale-free term and the cross-entropy that fixes the scale."""

    level = "soft"
    consistent, rate = "yes", "scale sqrt"
    closed = False

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        used = (flat.labels > 0) | (flat.shown > 0)
        aims = [np.maximum(flat.shown, 1e-12), 0.5 * (flat.labels + np.maximum(flat.shown, 1e-12))]
        starts = [np.where(used, logs(aim), -np.inf) for aim in aims]
        return answered(row, *lowest(self, flat, [*starts, np.where(used, 0.5 * starts[0], -np.inf)]))


class StandardisedLogitsPlusCE(_WithCE):
    """Logit standardisation with cross-entropy: ce CE + kd T^2 KL of z-scores (sample deviation).

    The limit is p. The scale of the logits is learnt from hard labels however small their weight: as ce tends to 0 the
    ratio to the error of the MLE stays at sum p |log p + H| / (sd_p(log p) sum sqrt(p (1 - p))). Source: Sun et al.
    2024.
    """

    id = "standardised_logits_plus_ce"
    title = "Logit standardisation with cross-entropy"
    formula = "ce (-log q_y) + kd T^2 KL(softmax(Z(z*)/T) || softmax(Z(z)/T))"
    paper = "Sun et al. 2024"
    takes_logs = True
    ce = Number(0.1, "weight of the cross-entropy", "(0, inf)")
    kd = Number(9.0, "weight of the standardised term", "[0, inf)")
    T = Number(2.0, "temperature", "(0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -self.ce * xlogy(row.labels, q).sum(axis=-1) + self.kd * _standardised(logs(q), row, self.T, 1)[0]

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self.ce * (q - row.labels) + self.kd * _standardised(logs(q), row, self.T, 1)[1]


class PearsonPlusCE(_WithCE):
    """Correlation distillation with cross-entropy: ce CE + beta (1 - corr(q, p)).

    The correlation alone identifies p up to U + s (p - U), s > 0, U uniform; the limit is p. As beta tends to infinity
    the ratio to the error of the MLE stays at sum |p - U| / (sqrt(sum (p - U)^2 / p) sum sqrt(p (1 - p))). Uniform laws
    have no correlation: it counts as 0. Source: Huang et al. 2022 (DIST), its intra-class term left out.
    """

    id = "pearson_plus_ce"
    title = "Correlation distillation (DIST) with cross-entropy"
    formula = "ce (-log q_y) + beta (1 - corr(q, p))"
    paper = "Huang et al. 2022 (intra-class term left out)"
    ce = Number(1.0, "weight of the cross-entropy", "(0, inf)")
    beta = Number(1.0, "inter-class weight", "[0, inf)")

    @staticmethod
    def _units(q: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mine, them = q - q.mean(axis=-1, keepdims=True), row.shown - row.shown.mean(axis=-1, keepdims=True)
        size, other = (np.sqrt((x * x).sum(axis=-1, keepdims=True)) for x in (mine, them))
        unit = np.divide(mine, size, out=np.zeros_like(mine), where=np.abs(size) > 1e-14)
        return unit, np.divide(them, other, out=np.zeros_like(them), where=other > 1e-14), size

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        mine, them, _ = self._units(q, row)
        return -self.ce * xlogy(row.labels, q).sum(axis=-1) + self.beta * (1 - (mine * them).sum(axis=-1))

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        mine, them, size = self._units(q, row)
        turned = them - mine * (mine * them).sum(axis=-1, keepdims=True)
        slope = np.divide(turned, size, out=np.zeros_like(turned), where=np.abs(size) > 1e-14)
        return -self.ce * row.labels - self.beta * q * slope


#: What `kt_theory.losses.registry` lists.
LOSSES = (StandardisedLogits, StandardisedLogitsPlusCE, PearsonPlusCE)
