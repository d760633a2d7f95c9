"""Cross-entropy of logits whose norm is held: clipped, put on a sphere, standardised. Norms are of centred logits."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.losses.domains import Choice, Number, Whole
from kt_theory.losses.loss import Found, ScoreLoss
from kt_theory.losses.row import Row, logs, softmax, split_ties
from kt_theory.losses.solving import lowest


def centred(z: np.ndarray) -> np.ndarray:
    """Logits less their mean."""
    with np.errstate(invalid="ignore"):  # a law with a zero has no centred logits: NaN
        return z - z.mean(axis=-1, keepdims=True)


def length(z: np.ndarray) -> np.ndarray:
    """The norm along the labels, kept as an axis; without complex conjugates, so that it is analytic."""
    return np.sqrt((z * z).sum(axis=-1, keepdims=True))


class _Normed(ScoreLoss):
    """Cross-entropy of logits that are first centred and brought to a norm."""

    separable, closed = False, False

    def _radius(self, A: int) -> float:
        raise NotImplementedError

    def _moved(self, z: np.ndarray) -> np.ndarray:
        """Which rows of centred logits are rescaled, shape (..., 1)."""
        return np.ones((*z.shape[:-1], 1), dtype=bool)

    def link(self, z: np.ndarray) -> np.ndarray:
        return softmax(self._shaped(z))

    def scores(self, q: np.ndarray) -> np.ndarray:
        return centred(logs(q))

    def _shaped(self, z: np.ndarray) -> np.ndarray:
        flat = centred(z)
        size = length(flat)
        safe = np.where(size == 0, 1.0, size)
        return np.where(self._moved(flat), self._radius(z.shape[-1]) * flat / safe, flat)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        return -xlogy(row.labels, self.link(z)).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        flat = centred(z)
        g = centred(softmax(self._shaped(z)) - row.labels)
        size = length(flat)
        unit = flat / np.where(size == 0, 1.0, size)
        turned = self._radius(z.shape[-1]) / np.where(size == 0, 1.0, size)
        return np.where(self._moved(flat), turned * (g - unit * (unit * g).sum(axis=-1, keepdims=True)), g)

    def _on_sphere(self, row: Row) -> tuple[np.ndarray, np.ndarray, int]:
        """The lowest cross-entropy found on the sphere, shape (N, A), where it is certain, and the steps."""
        e, A = row.labels, row.labels.shape[-1]
        r = self._radius(A)
        start = centred(logs(np.maximum(e, 1e-3 * e.max(axis=-1, keepdims=True))))
        start = np.where(length(start) < 1e-12, np.arange(A, 0, -1.0) - (A + 1) / 2, start)
        starts = [start]
        order = np.argsort(e, axis=-1, kind="stable")
        size = length(start).max() + r
        # Outside of the teacher's norm the excess goes to few unlikely labels: local minima, one for each choice.
        for few in range(1, min(A, 7)):
            for sign in (-1.0, 1.0):
                push = np.zeros_like(e)
                np.put_along_axis(push, order[..., :few], sign * size, axis=-1)
                starts.append(centred(start + push))
        with np.errstate(invalid="ignore"):
            norm = length(centred(logs(e)))[..., 0]
        inside = ~(norm < r)
        sphere = _Sphere(r)
        z, _, count = lowest(sphere, row, [sphere.at(z) for z in starts])
        return centred(z), inside, count

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        z, inside, count = self._on_sphere(flat)
        student = softmax(_Sphere(self._radius(z.shape[-1])).at(z))
        split = split_ties(flat.labels, student)
        shape = row.labels.shape
        return Found(
            student.reshape(shape),
            unique=~split.reshape(shape[:-1]),
            local_only=(~inside).reshape(shape[:-1]),
            iterations=count,
            note="" if inside.all() else "the norm exceeds the teacher's: the lowest of several local minima",
        )


class _Sphere(_Normed):
    """Cross-entropy on the sphere of one radius."""

    def __init__(self, radius: float) -> None:
        self.__dict__["radius"] = radius
        super().__init__()

    def _radius(self, A: int) -> float:
        return float(self.__dict__["radius"])

    def at(self, z: np.ndarray) -> np.ndarray:
        """Logits brought to the sphere."""
        return self._shaped(z)


class LogitClip(_Normed):
    """Logit clipping: cross-entropy of z scaled to norm tau where its norm exceeds tau.

    Hard labels. The minimiser over the ball |z| <= tau: p where the norm of the centred log p is at most tau, else
    p - q = mu z with mu > 0, a convex problem. The released code rescales to norm 1 / tau beyond tau, so that for
    tau < 1 it reaches the norms up to tau and 1 / tau alone (`rescale`). Clipped in training only, and read out
    unclipped, the norm is not determined. Source: Wei et al. 2023.
    """

    id = "logit_clip"
    title = "Logit clipping"
    formula = "cross-entropy of z scaled to norm tau where |z| > tau"
    paper = "Wei et al. 2023"
    consistent = "if the norm of the centred log p is at most tau"
    rate = "bias unless the norm of the centred log p is at most tau"
    convex = "the ball problem"
    tau = Number(1.0, "largest norm of the centred logits", "(0, inf)")
    rescale = Choice("tau", "tau as in the paper; 1/tau as in the released code", "tau", "1/tau")

    def _radius(self, A: int) -> float:
        return self.tau if self.rescale == "tau" else 1 / self.tau

    def _moved(self, z: np.ndarray) -> np.ndarray:
        # A student that a solver put on the sphere may lie outside by rounding, where its gradient is tangential; where
        # the loss jumps there, it has the value of the ball.
        return length(z).real > self.tau * (1 - 1e-12 if self.rescale == "tau" else 1 + 1e-12)

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        e = flat.labels
        with np.errstate(divide="ignore", invalid="ignore"):
            norm = length(centred(logs(e)))[..., 0]
        within = norm <= self.tau
        ball, _, count = _ball(self.tau, flat)
        q = softmax(_Sphere(self.tau).at(ball))
        note, local = "", np.zeros(within.shape, dtype=bool)
        if self.rescale == "1/tau" and self.tau < 1:
            out = LogitSphere(radius=1 / self.tau).minimise(flat)
            lower = -xlogy(e, out.student).sum(-1) < -xlogy(e, q).sum(-1)
            q = np.where(lower[:, None], out.student, q)
            local = lower & ~within & np.broadcast_to(np.asarray(out.local_only), lower.shape)
            note = "of the norms that the released code reaches, those up to tau and 1/tau"
        q = np.where(within[:, None], e, q)
        shape = row.labels.shape
        return Found(q.reshape(shape), local_only=local.reshape(shape[:-1]), iterations=count, note=note)

    def residual(self, found: Found, row: Row) -> np.ndarray:
        """NaN where the released code's rescaling jumps: on the sphere of radius tau."""
        residual = super().residual(found, row)
        if self.rescale == "tau" or self.tau == 1:
            return residual
        size = length(self.scores(found.student))[..., 0]
        return np.where(np.abs(size - self.tau) <= 1e-9 * self.tau, np.nan, residual)


def _ball(tau: float, row: Row) -> tuple[np.ndarray, np.ndarray, int]:
    """The minimiser on the sphere of a radius below the teacher's norm, where it is that of the ball: convex."""
    e = row.labels
    start = centred(logs(np.maximum(e, 1e-3 * e.max(axis=-1, keepdims=True))))
    start = np.where(length(start) < 1e-12, np.arange(e.shape[-1], 0, -1.0), start)
    sphere = _Sphere(tau)
    return lowest(sphere, row, [sphere.at(start)])


class LogitSphere(_Normed):
    """Logits of fixed norm: cross-entropy of radius z / |z|, z centred.

    Hard labels. p - q = mu z on the sphere, mu > 0 where the radius is at most the norm of the centred log p. Outside,
    mu < 0: local minima, and the excess is dumped on the least likely label. Source: LAWN, stylised: it fixes the norm
    of a layer, hence of the whole table.
    """

    id = "logit_sphere"
    title = "Logits of fixed norm (LAWN, stylised; spherical heads)"
    formula = "cross-entropy of radius z / |z|, z centred"
    paper = "LAWN 2021 (stylised)"
    rate = "bias unless the norms agree"
    radius = Number(2.0, "norm of the centred logits", "(0, inf)")

    def _radius(self, A: int) -> float:
        return self.radius


class LogitStandardised(_Normed):
    """Gating logit normalisation, trained: cross-entropy of scale (z - mean) / deviation.

    Hard labels. It is logit_sphere at radius scale sqrt(A - ddof). The deviation's convention changes every digit.
    Source: Wei et al. 2024 (Skywork-MoE), stylised: a gate has no teacher.
    """

    id = "logit_standardised"
    title = "Gating logit normalisation, trained (Skywork-MoE, stylised)"
    formula = "cross-entropy of scale (z - mean z) / std z"
    paper = "Wei et al. 2024 (stylised)"
    scale = Number(1.0, "lambda", "(0, inf)")
    ddof = Whole(1, "1: sample deviation, as torch.std; 0: population", 0, 1)

    def _radius(self, A: int) -> float:
        return self.scale * float(np.sqrt(max(A - self.ddof, 0)))


#: What `kt_theory.losses.registry` lists.
LOSSES = (LogitClip, LogitSphere, LogitStandardised)
