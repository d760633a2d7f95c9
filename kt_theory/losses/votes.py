"""Votes: labels of the teacher with thumbs up, labels of a reference law with thumbs down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, xlogy

from kt_theory.losses.domains import Choice, Law, Number
from kt_theory.losses.links import softplus
from kt_theory.losses.loss import Found
from kt_theory.losses.pairs import Population
from kt_theory.losses.row import Row, by_logits, scaled, softmax
from kt_theory.losses.solving import STEPS, minimum, stationary

_BETA = "inverse temperature of the implicit reward"
_REF = "law of the labels that are voted down, and of the reference model"


class BCO(Population):
    """Binary classifier optimisation: softplus(-(r_up - d)) + softplus(r_down - d), r = beta log(q / ref).

    Shift 0 and beta = 1: exact. The running shift is the mean of r, held fixed by the gradient, and biases the limit a
    little, on skewed teachers much. Source: Jung et al. 2024.
    """

    id = "bco"
    title = "Binary classifier optimisation"
    formula = "softplus(-(r_up - d)) + softplus(r_down - d), r = beta log(q/ref)"
    paper = "Jung et al. 2024"
    level = "votes"
    consistent = "if beta = 1 and shift = 0"
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)
    shift = Choice("running", "the mean of r, held fixed, as coded; or zero", "running", "zero")

    @property
    def detached(self) -> bool:  # type: ignore[override]
        return self.__dict__["shift"] == "running"

    def _reward(self, z: np.ndarray, row: Row) -> np.ndarray:
        return self.beta * self.relative(z, row)

    def _shift(self, r: np.ndarray, row: Row) -> np.ndarray:
        if self.shift == "zero":
            return np.zeros((*r.shape[:-1], 1))
        with np.errstate(invalid="ignore"):
            return 0.5 * ((row.labels + self.reference(row)) * r).sum(axis=-1, keepdims=True)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        r = self._reward(z, row)
        return self._fixed_value(r, self._shift(r, row), row)

    def _fixed_value(self, r: np.ndarray, d: np.ndarray, row: Row) -> np.ndarray:
        up = np.where(row.labels > 0, row.labels * softplus(-(r - d)), 0.0)
        return (up + self.reference(row) * softplus(r - d)).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        r = self._reward(z, row)
        return self._fixed_gradient(z, r, self._shift(r, row), row)

    def _fixed_gradient(self, z: np.ndarray, r: np.ndarray, d: np.ndarray, row: Row) -> np.ndarray:
        s = expit(r - d)
        return by_logits(self.beta * (self.reference(row) * s - row.labels * (1 - s)), softmax(z))

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        z = np.zeros_like(flat.labels)
        steps = 0
        if self.shift == "running":
            d = np.zeros((z.shape[0], 1))
            for _ in range(200):
                z, _, count = minimum(_Shifted(self), replace(flat, visits=d[:, 0]), z)
                steps += count
                new = 0.5 * (d + self._shift(self._reward(z, flat), flat))
                if np.abs(new - d).max() < 1e-4:  # near enough for Newton's steps below
                    break
                d = new
            z = stationary(lambda z: self.score_gradient(z, flat), z)
        else:
            z, _, steps = minimum(self, flat, z)
        return Found(softmax(z).reshape(row.labels.shape), iterations=steps)


class _Shifted(Population):
    """BCO with its shift held fixed: a number a row, which stands in the place of `visits`."""

    def __init__(self, inner: BCO) -> None:
        self.__dict__["inner"] = inner
        super().__init__()

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        inner = self.__dict__["inner"]
        return inner._fixed_value(inner._reward(z, row), row.visits[..., None], row)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        inner = self.__dict__["inner"]
        return inner._fixed_gradient(z, inner._reward(z, row), row.visits[..., None], row)


class _Anchored(Population):
    """Rewards of votes through a sigmoid around a reference point, which the gradient holds fixed."""

    level = "votes"
    smooth = False
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _point(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The reference point, shape (..., 1)."""
        return np.zeros((*q.shape[:-1], 1))

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        k, h = self._point(softmax(z), row), self.relative(z, row)
        u = expit(self.beta * (h - k))
        return (row.labels * (1 - u) + self.reference(row) * u).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        q = softmax(z)
        u = expit(self.beta * (self.relative(z, row) - self._point(q, row)))
        return by_logits(self.beta * u * (1 - u) * (self.reference(row) - row.labels), q)

    def minimise(self, row: Row) -> Found:
        ref = self.reference(row)
        gain = np.maximum(row.labels - ref, 0.0)
        gain = np.where(gain > 1e-15, gain, 0.0)
        none = np.asarray(~(gain > 0).any(axis=-1, keepdims=True))
        q = scaled(np.where(none, row.init, (gain > 0).astype(float)))
        steps = -1
        while (steps := steps + 1) < STEPS:
            with np.errstate(divide="ignore"):
                u = expit(self.beta * (np.log(q / ref) - self._point(q, row)))
            aim = scaled(np.where(none, row.init, gain * u * (1 - u)))
            new = scaled(np.sqrt(q * aim))
            if np.abs(new - q).max() < 1e-15:
                break
            q = new
        free = none[..., 0]
        note = "every law is stationary where the teacher is the reference" if free.any() else ""
        return Found(q, unique=~free, attained=free, iterations=steps, note=note)


class KTO(_Anchored):
    """Kahneman-Tversky optimisation: (1 - sigma(beta (h_up - k))) + (1 - sigma(beta (k - h_down))), k = KL(q || ref).

    k is held fixed by the gradient. Not attained: labels with p_a <= ref_a end at 0; on the others q_a is proportional
    to (p_a - ref_a) u_a (1 - u_a), u_a = sigma(beta (log(q_a / ref_a) - k)). Source: Ethayarajh et al. 2024; the
    reference point, which trainers estimate from mismatched pairs, is stylised.
    """

    id = "kto"
    title = "Kahneman-Tversky optimisation"
    formula = "(1 - sigma(beta (h_up - k))) + (1 - sigma(beta (k - h_down))), k = KL(q || ref), held fixed"
    paper = "Ethayarajh et al. 2024 (reference point stylised)"
    reference_point = Choice("kl", "the exact KL(q || ref), or zero, which is apo_zero", "kl", "zero")

    @property
    def detached(self) -> bool:  # type: ignore[override]
        return self.__dict__["reference_point"] == "kl"

    def _point(self, q: np.ndarray, row: Row) -> np.ndarray:
        if self.reference_point == "zero":
            return super()._point(q, row)
        return np.maximum(xlogy(q, q / self.reference(row)).sum(axis=-1, keepdims=True), 0.0)


class APOZero(_Anchored):
    """Anchored preference optimisation, zero: (1 - sigma(beta h_up)) + sigma(beta h_down): kto with k = 0.

    Source: D'Oosterlinck et al. 2024.
    """

    id = "apo_zero"
    title = "Anchored preference optimisation, zero"
    formula = "(1 - sigma(beta h_up)) + sigma(beta h_down)"
    paper = "D'Oosterlinck et al. 2024"


#: What `kt_theory.losses.registry` lists.
LOSSES = (BCO, KTO, APOZero)
