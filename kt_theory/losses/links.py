"""Losses on hard labels whose student has scores of its own and reads its law from them by a link, or by softmax."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit, xlogy

from kt_theory.learners.hard import CE_SGL
from kt_theory.learners.learner import Learner
from kt_theory.losses.domains import Choice, Number
from kt_theory.losses.loss import Found, ScoreLoss
from kt_theory.losses.row import Row, logs, scaled, softmax
from kt_theory.losses.solving import increasing_root, minimum
from kt_theory.losses.students import Frequencies


def softplus(z: np.ndarray) -> np.ndarray:
    """log(1 + exp z), real or complex."""
    z = np.asarray(z)
    big = z.real > 0
    small = np.where(big, -z, z)
    return np.where(big, z, 0.0) + np.log1p(np.exp(small))


class _FenchelYoung(ScoreLoss):
    """A Fenchel-Young loss: conj(theta) - theta_y, with the entropy Omega whose gradient maps laws to scores."""

    consistent, rate, convex = "if read out by its own map", "mle", "theta"

    @property
    def readout(self) -> str:  # type: ignore[override]
        return self.__dict__["readout"]

    def _map(self, theta: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _entropy(self, q: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _scores(self, q: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def link(self, z: np.ndarray) -> np.ndarray:
        return self._map(z) if self.readout == "own" else softmax(z)

    def scores(self, q: np.ndarray) -> np.ndarray:
        return self._scores(q) if self.readout == "own" else logs(q)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        q = self._map(z)
        return (q * z).sum(axis=-1) - self._entropy(q) - (row.labels * z).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        return self._map(z) - row.labels

    def minimise(self, row: Row) -> Found:
        own = self.readout == "own"
        whole = (row.labels > 0).all(axis=-1)
        note = "" if own or whole.all() else "scores of labels that were not drawn are free below a level"
        return Found(row.labels if own else softmax(self._scores(row.labels)), unique=whole | own, note=note)

    def twin(self) -> Learner | None:
        return CE_SGL if self.readout == "own" else None


class Sparsemax(_FenchelYoung):
    """Sparsemax: the Fenchel-Young loss of the squared norm, conj(theta) - theta_y.

    Hard labels. By its own read-out, the projection of theta on the simplex, the student is the MLE. By softmax it
    is softmax(p): a wrong read-out is a bias. Scores of labels that were not drawn are not determined.
    Source: Martins and Astudillo 2016; Blondel et al. 2020.
    """

    id = "sparsemax"
    title = "Sparsemax loss (Fenchel-Young, squared norm)"
    formula = "conj(theta) - theta_y, q = sparsemax(theta)"
    paper = "Martins & Astudillo 2016; Blondel et al. 2020"
    readout = Choice("own", "how the law is read from the scores", "own", "softmax")  # type: ignore[assignment]

    def _map(self, theta: np.ndarray) -> np.ndarray:
        down = -np.sort(-theta, axis=-1)
        sums = np.cumsum(down, axis=-1) - 1
        rank = np.arange(1, theta.shape[-1] + 1)
        used = (down * rank > sums).sum(axis=-1, keepdims=True)
        level = np.take_along_axis(sums, used - 1, axis=-1) / used
        return np.maximum(theta - level, 0.0)

    def _entropy(self, q: np.ndarray) -> np.ndarray:
        return 0.5 * ((q * q).sum(axis=-1) - 1)

    def _scores(self, q: np.ndarray) -> np.ndarray:
        return q


class Entmax15(_FenchelYoung):
    """1.5-entmax: the Fenchel-Young loss of Tsallis' entropy of order 1.5.

    Hard labels. By its own read-out the student is the MLE; by softmax it is softmax(2 sqrt p). Source: Peters et al.
    2019.
    """

    id = "entmax15"
    title = "1.5-entmax loss"
    formula = "conj(theta) - theta_y, Tsallis entropy of order 1.5"
    paper = "Peters et al. 2019"
    readout = Choice("own", "how the law is read from the scores", "own", "softmax")  # type: ignore[assignment]

    def _map(self, theta: np.ndarray) -> np.ndarray:
        half = theta / 2
        top = half.max(axis=-1, keepdims=True)
        A = theta.shape[-1]

        def total(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            over = np.maximum(half - level, 0.0)
            return 1 - (over**2).sum(axis=-1, keepdims=True), 2 * over.sum(axis=-1, keepdims=True)

        level = increasing_root(total, top - 1, top - 1 / np.sqrt(A))
        return scaled(np.maximum(half - level, 0.0) ** 2)

    def _entropy(self, q: np.ndarray) -> np.ndarray:
        return ((q**1.5).sum(axis=-1) - 1) * 4 / 3

    def _scores(self, q: np.ndarray) -> np.ndarray:
        return 2 * np.sqrt(q)


class StableMax(Frequencies, ScoreLoss):
    """StableMax cross-entropy: -log(s(z_y) / sum_b s(z_b)), s(x) = x + 1 for x >= 0, 1 / (1 - x) below.

    Hard labels. By its own read-out the student is the MLE. Neither shift invariant nor convex; scores of rare labels
    grow as 1 / q. Mixing it with softmax is a bias: the channel stablemax_readout. Source: Prieto et al. 2025.
    """

    id = "stablemax_cross_entropy"
    title = "StableMax cross-entropy"
    formula = "-log(s(z_y) / sum_b s(z_b))"
    paper = "Prieto et al. 2025"
    consistent, rate = "yes", "mle"
    readout = "own"

    def link(self, z: np.ndarray) -> np.ndarray:
        return scaled(stable(z))

    def scores(self, q: np.ndarray) -> np.ndarray:
        """Those whose values s(z) come to A, so that the uniform law has scores 0."""
        s = q * q.shape[-1]
        with np.errstate(divide="ignore"):
            return np.where(s >= 1, s - 1, 1 - 1 / s)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        s = stable(z)
        return -xlogy(row.labels, s / s.sum(axis=-1, keepdims=True)).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        s = stable(z)
        slope = np.where(z.real >= 0, 1 / (1 + np.maximum(z.real, 0)), 1 / (1 - np.minimum(z.real, 0)))
        return slope * (s / s.sum(axis=-1, keepdims=True) - row.labels)


def stable(z: np.ndarray) -> np.ndarray:
    """S of StableMax."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(z.real >= 0, z + 1, 1 / (1 - np.where(z.real < 0, z, 0)))


class ZLoss(Frequencies, ScoreLoss):
    """Cross-entropy with z-loss: -log q_y + weight (log sum_b exp z_b)^2.

    Hard labels. The second term fixes the gauge of the logits and moves no minimiser: the student is the MLE.
    Source: Chowdhery et al. 2022.
    """

    id = "z_loss"
    title = "Cross-entropy with z-loss"
    formula = "-log q_y + weight (log sum_b exp z_b)^2"
    paper = "Chowdhery et al. 2022"
    consistent, rate, convex = "yes", "mle", "z"
    weight = Number(1e-4, "weight of the squared log-partition", "[0, inf)")

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        top = z.real.max(axis=-1, keepdims=True)
        partition = np.log(np.exp(z - top).sum(axis=-1)) + top[..., 0]
        return -xlogy(row.labels, softmax(z)).sum(axis=-1) + self.weight * partition**2

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        q = softmax(z)
        top = z.max(axis=-1, keepdims=True)
        partition = np.log(np.exp(z - top).sum(axis=-1, keepdims=True)) + top
        return q - row.labels + 2 * self.weight * partition * q


def gauge_of_sigmoids(q: np.ndarray) -> np.ndarray:
    """Log q + c with sigmoids that sum to 1, shape (..., A): the best gauge of one-vs-rest logits with softmax q."""
    log_q = logs(q)
    sure = (q == 1).any(axis=-1, keepdims=True)

    def total(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        s = np.where(q > 0, expit(np.where(q > 0, log_q, 0.0) + c), 0.0)
        return s.sum(axis=-1, keepdims=True) - 1, (s * (1 - s)).sum(axis=-1, keepdims=True)

    # sigma(x) <= exp(x) gives at most 1 at c = 0; at 40 - log max q a single sigmoid is 1.
    high = 40 - log_q.max(axis=-1, keepdims=True)
    c = increasing_root(total, np.zeros(high.shape), high)
    return log_q + np.where(sure, np.inf, c)


class Sigmoids(ScoreLoss):
    """A loss of sigmoids of its scores, whose law is read by softmax, or from the sigmoids, scaled to one."""

    def link(self, z: np.ndarray) -> np.ndarray:
        return softmax(z) if self.readout == "softmax" else scaled(expit(z))

    def scores(self, q: np.ndarray) -> np.ndarray:
        """Those with sigmoids that sum to 1."""
        return gauge_of_sigmoids(q) if self.readout == "softmax" else logs(q) - np.log1p(-np.minimum(q, 1 - 1e-16))


class OneVsRest(Sigmoids):
    """One-vs-rest: softplus(-z_y) + sum_(b != y) softplus(z_b), the binary cross-entropy of one-hot rows.

    Hard labels. The minimiser has sigma(z_a) = p_a: read out the sigmoids, which are the MLE; softmax gives
    p / (1 - p) / Z. Absolute logits: no shift invariance. Source: Kanai et al. 2022.
    """

    id = "one_vs_rest"
    title = "One-vs-rest loss; binary cross-entropy on one-hot labels"
    formula = "softplus(-z_y) + sum_(b != y) softplus(z_b)"
    paper = "Kanai et al. 2022"
    consistent, rate, convex = "if read out by sigmoids", "readout: mle", "z"
    readout = Choice("softmax", "how the law is read from the logits", "softmax", "sigmoid")

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        e = row.labels
        with np.errstate(invalid="ignore"):
            up = np.where(e > 0, e * softplus(-z), 0.0)
            down = np.where(e < 1, (1 - e) * softplus(z), 0.0)
        return (up + down).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        return expit(z) - row.labels

    def minimise(self, row: Row) -> Found:
        e = row.labels
        z = logit(e)
        if self.readout == "sigmoid":
            return Found(e, scores=z)
        sure = (e == 1).any(axis=-1, keepdims=True)
        odds = e / np.where(e < 1, 1 - e, 1.0)
        return Found(np.where(sure, e, scaled(odds)), scores=z)

    def twin(self) -> Learner | None:
        return CE_SGL if self.readout == "sigmoid" else None


class SwitchingOneVsRest(ScoreLoss):
    """Switching one-vs-rest (SOVR): weighted one-vs-rest on the samples of least margin, cross-entropy on the others.

    Hard labels; one input is a batch of its own here. The margin is z_y - max of the others, so that the samples of the
    least likely labels are switched up to the mass `share`; a boundary label is split, tied labels share. Convex once
    the set is fixed, which is verified afterwards: `local_only` where the order of the student's labels is another one.
    Not linear in the law of the labels: no read-out. Source: Kanai et al. 2022; rebuilt from the abstract.
    """

    id = "switching_one_vs_rest"
    title = "Switching one-vs-rest (SOVR)"
    formula = "weight (one-vs-rest) on the share of samples of least margin, -log q_y on the others"
    paper = "Kanai et al. 2022 (rebuilt from the abstract)"
    separable, closed = False, False
    share = Number(0.4, "switched share of the samples", "[0, 1]")
    weight = Number(0.4, "weight of one-vs-rest", "[0, inf)")

    def switched(self, e: np.ndarray) -> np.ndarray:
        """The switched mass of each label, shape (..., A)."""
        lower = ((e[..., None] > e[..., None, :]) * e[..., None, :]).sum(axis=-1)
        mass = np.maximum(self.share - lower, 0.0)
        # Labels of equal mass share what is switched among them.
        tied = ((e[..., None] == e[..., None, :]) * e[..., None, :]).sum(axis=-1)
        part = np.divide(np.minimum(mass, tied), tied, out=np.zeros_like(e), where=tied > 0)
        return e * part

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        w = self.switched(row.labels)
        stay, mass = row.labels - w, w.sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            rest = np.where(w > 0, w * softplus(-z), 0.0) + (mass - w) * softplus(z)
        return -xlogy(stay, softmax(z)).sum(axis=-1) + self.weight * rest.sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        w = self.switched(row.labels)
        stay, mass = row.labels - w, w.sum(axis=-1, keepdims=True)
        return stay.sum(axis=-1, keepdims=True) * softmax(z) - stay + self.weight * (mass * expit(z) - w)

    def scores(self, q: np.ndarray) -> np.ndarray:
        return gauge_of_sigmoids(q)

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        e = flat.labels
        alone = (e > 0).sum(axis=-1) == 1
        start = np.where(e > 0, 0.0, -np.inf)
        z, _, count = minimum(self, flat, start)
        q = np.where(alone[:, None], e, softmax(z))
        order = np.sign(e[:, :, None] - e[:, None, :]) * np.sign(np.round(q[:, :, None] - q[:, None, :], 9))
        kept = (order >= 0).all(axis=(1, 2))
        shape = row.labels.shape
        local = ~kept.reshape(shape[:-1])
        return Found(q.reshape(shape), scores=z.reshape(shape), local_only=local, iterations=count)


class QualityFocal(Sigmoids):
    """Quality focal loss on one-hot rows: sum_a |t_a - s_a|^beta BCE(s_a, t_a), s = sigma(z).

    Hard labels. For each label a root of p (beta (1 - s)^(beta - 1) log s - (1 - s)^beta / s) +
    (1 - p)(-beta s^(beta - 1) log(1 - s) + s^beta / (1 - s)) = 0; the law is read from the sigmoids, scaled to one, or
    by softmax. The sigmoids determine p; the law alone has lost their scale. Source: Li et al. 2020, as used with BCKD.
    """

    id = "quality_focal"
    title = "Quality focal loss on hard labels"
    formula = "sum_a |t_a - s_a|^beta BCE(s_a, t_a), s = sigma(z)"
    paper = "Li et al. 2020"
    rate, closed = "readout: mle", False
    beta = Number(2.0, "exponent", "[0, inf)")
    readout = Choice("normalised", "how the law is read", "normalised", "softmax")

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        s, rest = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
        up, down = row.labels * rest**self.beta * softplus(-z), (1 - row.labels) * s**self.beta * softplus(z)
        return (up + down).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        e, b = row.labels, self.beta
        s, rest = expit(z), expit(-z)
        with np.errstate(invalid="ignore"):
            up = -(rest**b) * (b * s * softplus(-z) + rest)
            down = s**b * (b * rest * softplus(z) + s)
        return np.where(e > 0, e * up, 0.0) + np.where(e < 1, (1 - e) * down, 0.0)

    def minimise(self, row: Row) -> Found:
        e, b = row.labels, self.beta

        def slope(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            # The ratio of both halves is monotone where the loss is not convex: roots of its logarithm.
            s, rest = -np.logaddexp(0, -z), -np.logaddexp(0, z)
            up = b * rest + np.log(b * np.exp(s) * -s + np.exp(rest))
            down = b * s + np.log(b * np.exp(rest) * -rest + np.exp(s))
            value = np.log1p(-inner) + down - np.log(inner) - up
            return value, np.full_like(value, np.nan)

        inner = np.clip(e, 1e-300, 1 - 1e-16)
        z = increasing_root(slope, np.full(e.shape, -700.0), np.full(e.shape, 700.0))
        z = np.where(e == 0, -np.inf, np.where(e == 1, np.inf, z))
        sure = (e == 1).any(axis=-1, keepdims=True)
        law = self.link(np.where(sure, 0.0, z))
        return Found(np.where(sure, e, law), scores=z)


#: What `kt_theory.losses.registry` lists.
LOSSES = (
    Sparsemax,
    Entmax15,
    StableMax,
    ZLoss,
    OneVsRest,
    SwitchingOneVsRest,
    QualityFocal,
)
