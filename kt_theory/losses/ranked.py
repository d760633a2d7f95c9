"""Losses on hard labels that read the order of the student's probabilities: dual focal loss and USKD."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.losses.domains import Choice, Number
from kt_theory.losses.loss import Found, Loss, ScoreLoss
from kt_theory.losses.row import Row, logs, softmax, split_ties
from kt_theory.losses.solving import fixed_point, minimum, stationary

#: Labels up to which every composition is tried: 2^(A - 1) smooth problems a row.
COMPOSITIONS = 10


class DualFocal(Loss):
    """Dual focal loss: -(1 - q_y + q_j)^gamma log q_y, q_j the largest probability strictly below q_y, 0 if none.

    Hard labels. As coded the loss is discontinuous at ties: where labels tie the next level is the competitor. Merging
    two levels lowers the loss by a finite amount, so that a smooth problem is solved for each way to cut the labels, in
    the order of p, into levels of equal probability, and the least is taken whose levels are strictly ordered. For
    large gamma that is the uniform law; descent may stop at another, local minimum. Beyond 10 labels no more than the
    local minimum of distinct levels is known. Source: Tao, Dong and Xu 2023.
    """

    id = "dual_focal"
    title = "Dual focal loss"
    formula = "-(1 - q_y + q_j)^gamma log q_y, q_j the largest probability strictly below q_y"
    paper = "Tao, Dong & Xu 2023"
    separable, smooth, closed = False, False, False
    gamma = Number(5.0, "focusing; the released default is 0", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        order = np.argsort(-q.real, axis=-1, kind="stable")
        down = np.take_along_axis(q, order, axis=-1)
        below = np.zeros_like(down)
        for i in range(q.shape[-1] - 2, -1, -1):
            next_level = down[..., i + 1].real < down[..., i].real
            below[..., i] = np.where(next_level, down[..., i + 1], below[..., i + 1])
        rival = np.empty_like(down)
        np.put_along_axis(rival, order, below, axis=-1)
        seen = row.labels > 0
        return -(row.labels * xlogy((1 - q + rival) ** self.gamma, np.where(seen, q, 1.0))).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        """Of laws whose positive probabilities are distinct; at ties the loss jumps."""
        order = np.argsort(-q, axis=-1, kind="stable")
        down, e = np.take_along_axis(q, order, axis=-1), np.take_along_axis(row.labels, order, axis=-1)
        w = np.empty_like(q)
        np.put_along_axis(w, order, _level_flow(down, e, self.gamma), axis=-1)
        return w

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        students = np.array([self._lowest(e) for e in flat.labels])
        many = (flat.labels > 0).sum(axis=-1) > COMPOSITIONS
        lead = row.labels.shape[:-1]
        unique = ~split_ties(flat.labels, students)
        note = "of all ways to cut the labels into levels" if not many.any() else "distinct levels: a local minimum"
        students = students.reshape(row.labels.shape)
        return Found(students, unique=unique.reshape(lead), local_only=many.reshape(lead), note=note)

    def _lowest(self, e: np.ndarray) -> np.ndarray:
        seen = np.flatnonzero(e > 0)
        order = seen[np.argsort(-e[seen], kind="stable")]
        p, m = e[order], order.size
        student = np.zeros_like(e)
        cuts = range(2 ** (m - 1)) if m <= COMPOSITIONS else [2 ** (m - 1) - 1]
        sizes = np.zeros((len(cuts), m))
        masses = np.zeros_like(sizes)
        levels = np.zeros((len(cuts), m), dtype=int)
        for c, bits in enumerate(cuts):
            level = 0
            for i in range(m):
                if i and bits >> (i - 1) & 1:
                    level += 1
                levels[c, i] = level
                sizes[c, level] += 1
                masses[c, level] += p[i]
        problem = _Levels(self.gamma)
        row = Row(masses, np.ones(len(cuts)), sizes, np.ones_like(masses))
        z, _, _ = minimum(problem, row, np.where(masses > 0, logs(masses), -np.inf))
        q = softmax(z)
        x = np.divide(q, sizes, out=np.zeros_like(q), where=sizes > 0)
        ordered = ((x[:, 1:] < x[:, :-1] - 1e-9) | (sizes[:, 1:] == 0)).all(axis=1)
        value = np.where(ordered, problem.score_value(z, row), np.inf)
        best = int(np.argmin(np.round(value, 12)))
        if not np.isfinite(value[best]):
            best = 0
        student[order] = x[best, levels[best]]
        return student


def _level_flow(x: np.ndarray, e: np.ndarray, gamma: float) -> np.ndarray:
    """X times the slope of the loss by x, for levels in descending order, each the rival of the one before."""
    below = np.concatenate([x[..., 1:], np.zeros_like(x[..., :1])], axis=-1)
    seen = e > 0
    safe = np.where(seen, x, 0.5)
    gap = 1 - safe + np.where(seen, below, 0.0)
    log_x = np.log(safe)
    push = np.where(seen, e * gamma * gap ** (gamma - 1) * log_x, 0.0)
    own = np.where(seen, push * safe - e * gap**gamma, 0.0)
    return own - x * np.concatenate([np.zeros_like(x[..., :1]), push[..., :-1]], axis=-1)


class _Levels(ScoreLoss):
    """The smooth problem of levels: `labels` has their masses, `shown` the numbers of labels that share each evenly."""

    def __init__(self, gamma: float) -> None:
        self.__dict__["gamma"] = gamma
        super().__init__()

    @staticmethod
    def _levels(z: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray]:
        q = softmax(z)
        return q, np.divide(q, row.shown, out=np.zeros_like(q), where=row.shown > 0)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        _, x = self._levels(z, row)
        below = np.concatenate([x[:, 1:], np.zeros_like(x[:, :1])], axis=1)
        safe = np.where(row.labels > 0, x, 1.0)
        return -(row.labels * (1 - safe + below) ** self.__dict__["gamma"] * np.log(safe)).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        q, x = self._levels(z, row)
        w = _level_flow(x, row.labels, self.__dict__["gamma"])
        return w - q * w.sum(axis=-1, keepdims=True)


class UniversalSelfDistillation(Loss):
    """USKD: CE + alpha (-sg(1 + q_y^2 - mean q_y^2) log q_y) + beta (-sum_(b != y) zn_b log(q_b / (1 - q_y))).

    Hard labels; zn is Zipf's law 1/rank of the student's order, the target left out and the rest scaled to one. The
    mean is over the samples of an input, which is a batch of its own here. The limit is where the gradient vanishes,
    the weight held fixed. Ranks are broken by the label's number, as sorting does, or shared. Labels that are never
    drawn keep mass, since the last term pulls them up. Leaving out the cross-entropy, which the released distiller
    keeps, more than doubles the bias. Source: Yang et al. 2023.
    """

    id = "uskd"
    title = "Universal self-distillation (USKD)"
    formula = (
        "ce (-log q_y) + alpha (-sg(1 + q_y^2 - mean q_y^2) log q_y) + beta (-sum_(b != y) zn_b log(q_b/(1 - q_y)))"
    )
    paper = "Yang et al. 2023"
    separable, detached, closed = False, True, False
    alpha = Number(1.0, "target weight", "[0, inf)")
    beta = Number(0.1, "non-target weight", "[0, inf)")
    ce = Number(1.0, "weight of the hard cross-entropy", "[0, inf)")
    ties = Choice("index", "how equal ranks are broken: by the label's number, or shared", "index", "share")

    def _zipf(self, q: np.ndarray) -> np.ndarray:
        """1 / rank of each label, shape (..., A)."""
        A = q.shape[-1]
        rank = np.empty(q.shape, dtype=int)
        order = np.argsort(-np.round(q, 12), axis=-1, kind="stable")
        np.put_along_axis(rank, order, np.broadcast_to(np.arange(A), q.shape), axis=-1)
        weights = 1 / (1.0 + rank)
        if self.ties == "share":
            same = np.abs(q[..., :, None] - q[..., None, :]) < 1e-9
            weights = (same * weights[..., None, :]).sum(axis=-1) / same.sum(axis=-1)
        return weights

    def _parts(self, q: np.ndarray, row: Row, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weight of each target's cross-entropy, (..., A), and Zipf's law for each target, (..., A, A)."""
        target = row.labels * (self.ce + self.alpha * (1 + q**2 - (row.labels * q**2).sum(axis=-1, keepdims=True)))
        zipf = np.broadcast_to(weights[..., None, :], (*q.shape, q.shape[-1])) * (1 - np.eye(q.shape[-1]))
        return target, zipf / zipf.sum(axis=-1, keepdims=True)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        target, zipf = self._parts(q, row, self._zipf(q.real))
        with np.errstate(divide="ignore", invalid="ignore"):
            others = xlogy(zipf, q[..., None, :]).sum(axis=-1) - np.log(1 - q)
            rest = np.where(row.labels > 0, row.labels * others, 0.0)
        return -xlogy(target, q).sum(axis=-1) - self.beta * rest.sum(axis=-1)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self._slope(q, row, self._zipf(q))

    def _slope(self, q: np.ndarray, row: Row, weights: np.ndarray) -> np.ndarray:
        target, zipf = self._parts(q, row, weights)
        off = 1 - np.eye(q.shape[-1])
        pull = q[..., None, :] / np.maximum(1 - q[..., :, None], 1e-300) * off - zipf
        rest = (row.labels[..., :, None] * pull).sum(axis=-2)
        return q * target.sum(axis=-1, keepdims=True) - target + self.beta * rest

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        e, A = flat.labels, flat.labels.shape[-1]
        alone = (e == 1).any(axis=-1)
        inner = np.where(alone[:, None], 1.0 / A, e)
        here = flat.with_labels(inner)
        rank = self._zipf(inner)
        start = (inner + 1e-2 / A) / (1 + 1e-2)

        def advance(q: np.ndarray) -> np.ndarray:
            """The law whose gradient vanishes with everything else held where it is."""
            target, zipf = self._parts(q, here, rank)
            pull = target + self.beta * (here.labels[..., :, None] * zipf).sum(axis=-2)
            off = 1 - np.eye(A)
            push = (here.labels[..., :, None] / np.maximum(1 - q[..., :, None], 1e-12) * off).sum(axis=-2)
            return pull / (target.sum(axis=-1, keepdims=True) + self.beta * push)

        q, steps, _ = fixed_point(advance, start, tol=1e-9)
        z = stationary(lambda z: self._slope(softmax(z), here, rank), logs(q))
        q = np.where(alone[:, None], e, softmax(z))
        kept = (np.argsort(-np.round(q, 9), axis=-1, kind="stable") == np.argsort(-e, axis=-1, kind="stable")).all(-1)
        lead = row.labels.shape[:-1]
        return Found(
            q.reshape(row.labels.shape),
            unique=~split_ties(e, q).reshape(lead),
            local_only=~(kept | alone).reshape(lead),
            iterations=steps,
        )


#: What `kt_theory.losses.registry` lists.
LOSSES = (DualFocal, UniversalSelfDistillation)
