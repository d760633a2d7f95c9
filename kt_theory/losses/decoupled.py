"""Losses that treat the sampled label and the others apart: DKD and NKD."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.losses.domains import Number
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, logs, tempered
from kt_theory.losses.solving import answered, lowest


def others(p: np.ndarray) -> np.ndarray:
    """The law of the other labels for each label y, shape (..., A, A): p_b / (1 - p_y), 0 at b = y."""
    A = p.shape[-1]
    off = np.broadcast_to(p[..., None, :], (*p.shape, A)) * (1 - np.eye(A))
    rest = off.sum(axis=-1, keepdims=True)
    return np.divide(off, rest, out=np.zeros_like(off), where=rest > 0)


class _Decoupled(Loss):
    level = "soft"
    closed = False

    def _solved(self, row: Row) -> Found:
        """Descent from the teacher, from the labels' mixture with it, and from the uniform law."""
        flat = row.flat()
        used = (flat.labels > 0) | (flat.shown > 0)
        aims = [flat.shown, 0.5 * (flat.shown + flat.labels), np.ones_like(flat.shown)]
        starts = [np.where(used, logs(np.where(used, np.maximum(aim, 1e-12), 1.0)), -np.inf) for aim in aims]
        return answered(row, *lowest(self, flat, starts))


class DKD(_Decoupled):
    """Decoupled distillation: ce CE + T^2 (alpha KL(Bern(p_y) || Bern(q_y)) + beta KL(p_(-y) || q_(-y))), tempered.

    The limit is p for all weights: each part is least there. With ce = 0 one sample fixes the row (alpha and beta above
    0); beta alone needs three labels and two distinct sampled ones. Its target part alone needs only p(y): it is
    target_binary_kl. Source: Zhao et al. 2022.
    """

    id = "dkd"
    title = "Decoupled knowledge distillation (DKD)"
    formula = "ce (-log q_y) + T^2 (alpha KL(Bern(p_y) || Bern(q_y)) + beta KL(p_(-y) || q_(-y))), tempered"
    paper = "Zhao et al. 2022"
    consistent, rate = "yes", "c sqrt with ce > 0, else exp S"
    alpha = Number(1.0, "target part", "[0, inf)")
    beta = Number(8.0, "non-target part", "[0, inf)")
    T = Number(4.0, "temperature", "(0, inf)")
    ce = Number(1.0, "weight of the hard cross-entropy", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, r = tempered(row.shown, 1 / self.T), tempered(q, 1 / self.T)
        with np.errstate(divide="ignore", invalid="ignore"):
            target = np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / r), 0.0)
            target += np.where(p < 1, (1 - p) * np.log(np.where(p < 1, 1 - p, 1) / np.where(p < 1, 1 - r, 1)), 0.0)
            them, mine = others(p), others(r)
            rest = np.where(them > 0, them * np.log(np.where(them > 0, them, 1) / np.where(them > 0, mine, 1)), 0.0)
        parts = self.alpha * target + self.beta * rest.sum(axis=-1)
        mean = np.where(row.labels > 0, row.labels * parts, 0.0).sum(axis=-1)
        return -self.ce * xlogy(row.labels, q).sum(axis=-1) + self.T**2 * mean

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, r, e = tempered(row.shown, 1 / self.T), tempered(q, 1 / self.T), row.labels
        # Of the target part of label y: (r_y - p_y) / (1 - r_y) (1[a = y] - r_a) / T.
        pull = np.where(e > 0, e * np.divide(r - p, 1 - r, out=np.zeros_like(r), where=r < 1), 0.0)
        target = pull - r * pull.sum(axis=-1, keepdims=True)
        rest = (e[..., :, None] * (others(r) - others(p))).sum(axis=-2)
        return self.ce * (q - e) + self.T * (self.alpha * target + self.beta * rest)

    def minimise(self, row: Row) -> Found:
        if self.ce == 0 and self.alpha > 0 and self.beta > 0:
            return Found(row.shown)
        return self._solved(row)


class NKD(_Decoupled):
    """Normalised distillation: -(ce + p_y) log q_y - gamma sum_(b != y) (p_b / (1 - p_y)) log(q_b / (1 - q_y)).

    Biased: its target term is naive_partial; add -(1 - p_y) log(1 - q_y), which makes it dkd. With one sampled label
    the infimum is its point mass, where dkd has a minimum. Source: Yang et al. 2023.
    """

    id = "nkd"
    title = "Normalised knowledge distillation (NKD)"
    formula = "-(ce + p_y) log q_y - gamma sum_(b != y) (p_b/(1 - p_y)) log(q_b/(1 - q_y))"
    paper = "Yang et al. 2023"
    gamma = Number(1.5, "non-target weight", "[0, inf)")
    ce = Number(1.0, "hard cross-entropy, kept by the released distiller", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        e, p = row.labels, row.shown
        them = others(p)
        with np.errstate(divide="ignore", invalid="ignore"):
            mine = np.log(np.where(them > 0, others(q), 1.0))
            rest = np.where(e > 0, e * (them * mine).sum(axis=-1), 0.0)
        return -xlogy(e * (self.ce + p), q).sum(axis=-1) - self.gamma * rest.sum(axis=-1)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        e, p = row.labels, row.shown
        aim = e * (self.ce + p)
        rest = (e[..., :, None] * (others(q) - others(p))).sum(axis=-2)
        return q * aim.sum(axis=-1, keepdims=True) - aim + self.gamma * rest

    def minimise(self, row: Row) -> Found:
        found = self._solved(row)
        alone = (row.labels == 1).any(axis=-1)
        student = np.where(alone[..., None], row.labels, found.student)
        note = "with one sampled label the infimum is its point mass" if alone.any() else ""
        local = np.asarray(found.local_only) & ~alone
        return Found(student, local_only=local, iterations=found.iterations, note=note)


#: What `kt_theory.losses.registry` lists.
LOSSES = (DKD, NKD)
