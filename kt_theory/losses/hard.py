"""Losses on hard labels that read the sampled label's probability, or the law's own.

By lemma L1 the student on frequencies e is the limit at p = e: each consistent loss here is the MLE, at every n.
"""

from __future__ import annotations

import numpy as np
from scipy.special import wrightomega, xlogy

from kt_theory.losses.domains import Number
from kt_theory.losses.loops import focal, rational
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, logs, scaled, tempered
from kt_theory.losses.solving import increasing_root
from kt_theory.losses.students import CrossEntropyTo, Frequencies


def _sum(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=-1)


class CrossEntropy(Frequencies, CrossEntropyTo):
    """Cross-entropy: -log q_y.

    Hard labels. The minimiser is the law of the labels, so the student is the MLE at every n: CE_sgl. Labels that were
    decoded greedily converge to the mode instead. Source: textbook; Zhao and Zhu, CE_sgl.
    """

    id = "cross_entropy"
    title = "Cross-entropy; supervised fine-tuning on samples"
    formula = "-log q_y"
    paper = "textbook"
    consistent, rate = "yes", "mle"


class Brier(Frequencies):
    """Brier score, the squared error on one-hot labels: sum_b (q_b - 1[b = y])^2.

    Hard labels. The minimiser is the law of the labels: the MLE at every n. Source: textbook.
    """

    id = "brier"
    title = "Brier score; squared error on one-hot labels"
    formula = "sum_b (q_b - 1[b = y])^2"
    paper = "textbook"
    consistent, rate, convex = "yes", "mle", "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return _sum(q * q) - 2 * _sum(row.labels * q) + 1

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return 2 * q * (q - row.labels)


class MeanAbsoluteError(Loss):
    """Mean absolute error on one-hot labels: 1 - q_y, which is their total variation.

    Hard labels. The minimiser is the mode: robust to noise in the labels because it learns nothing else. Not attained,
    not unique where modes are tied, and no read-out recovers the law. Source: Ghosh et al. 2017.
    """

    id = "mae"
    title = "Mean absolute error; total variation on one-hot labels"
    formula = "1 - q_y"
    paper = "Ghosh et al. 2017"
    convex = "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return 1 - _sum(row.labels * q)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -row.labels * q

    def minimise(self, row: Row) -> Found:
        most = row.labels == row.labels.max(axis=-1, keepdims=True)
        return Found(scaled(most.astype(float)), unique=_sum(most) == 1, note="the mode; equal modes share the mass")


class GeneralizedCrossEntropy(Loss):
    """Generalised cross-entropy: (1 - q_y^gamma) / gamma.

    Hard labels. The minimiser is p^(1/(1 - gamma)) / Z, sharper than p; read out q^(1 - gamma) / Z to have the MLE.
    Source: Zhang and Sabuncu 2018.
    """

    id = "generalized_cross_entropy"
    title = "Generalised cross-entropy"
    formula = "(1 - q_y^gamma) / gamma"
    paper = "Zhang & Sabuncu 2018"
    rate = "readout: mle"
    gamma = Number(0.7, "0 is cross-entropy, 1 would be mae", "[0, 1)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        if self.gamma == 0:
            return -_sum(xlogy(row.labels, q))
        return _sum(row.labels * (1 - q**self.gamma)) / self.gamma

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -row.labels * q**self.gamma

    def minimise(self, row: Row) -> Found:
        return Found(tempered(row.labels, 1 / (1 - self.gamma)))


def _rational(e: np.ndarray, weight: float, bend: float) -> np.ndarray:
    """Q with e (weight / q + bend) equal on all labels, for weight > 0 and bend >= 0; shape (..., A)."""
    laws = np.ascontiguousarray(e, dtype=np.float64).reshape(-1, e.shape[-1])
    q = np.empty_like(laws)
    rational(laws, weight, bend, q)
    return q.reshape(e.shape)


class SymmetricCrossEntropy(Loss):
    """Symmetric cross-entropy: -alpha log q_y - beta floor (1 - q_y).

    Hard labels; `floor` stands for log 0 in the reverse cross-entropy. The minimiser is alpha p_a / (mu + beta floor
    p_a), with mu from the sum: sharper than p. Read out 1 / (alpha / q_a - beta floor), scaled to one, to have the MLE.
    Source: Wang et al. 2019.
    """

    id = "symmetric_cross_entropy"
    title = "Symmetric cross-entropy"
    formula = "-alpha log q_y - beta floor (1 - q_y)"
    paper = "Wang et al. 2019"
    rate = "readout: mle"
    alpha = Number(0.1, "weight of cross-entropy", "(0, inf)")
    beta = Number(1.0, "weight of reverse cross-entropy", "[0, inf)")
    floor = Number(-4.0, "what stands for log 0", "(-inf, 0)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        reverse = 1 - _sum(row.labels * q)
        return -self.alpha * _sum(xlogy(row.labels, q)) - self.beta * self.floor * reverse

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return row.labels * (self.beta * self.floor * q - self.alpha)

    def minimise(self, row: Row) -> Found:
        return Found(_rational(row.labels, self.alpha, -self.beta * self.floor))


class Poly1(Loss):
    """Poly-1: -log q_y + epsilon (1 - q_y).

    Hard labels. The minimiser is p_a / (mu - epsilon p_a), with mu from the sum: sharper than p. Read out
    q_a / (1 + epsilon q_a), scaled to one, to have the MLE. Source: Leng et al. 2022.
    """

    id = "poly1"
    title = "Poly-1 loss"
    formula = "-log q_y + epsilon (1 - q_y)"
    paper = "Leng et al. 2022"
    rate = "readout: mle"
    epsilon = Number(1.0, "weight of the linear term", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -_sum(xlogy(row.labels, q)) + self.epsilon * (1 - _sum(row.labels * q))

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -row.labels * (1 + self.epsilon * q)

    def minimise(self, row: Row) -> Found:
        return Found(_rational(row.labels, 1.0, self.epsilon))


class Focal(Loss):
    """Focal loss: -(1 - q_y)^gamma log q_y.

    Hard labels. The minimiser has p_a phi(q_a) equal on all labels, phi(q) = (1 - q)^gamma / q -
    gamma (1 - q)^(gamma - 1) log q: flatter than p. With one label seen the infimum is its point mass. Read out
    1 / phi(q_a), scaled to one, to have the MLE. Source: Lin et al. 2017.
    """

    id = "focal"
    title = "Focal loss"
    formula = "-(1 - q_y)^gamma log q_y"
    paper = "Lin et al. 2017"
    rate = "readout: mle"
    gamma = Number(2.0, "focusing; 0 is cross-entropy", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -_sum(row.labels * xlogy((1 - q) ** self.gamma, np.where(row.labels > 0, q, 1.0)))

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        if self.gamma == 0:
            return -row.labels + 0 * q
        seen = row.labels > 0
        q = np.where(seen, q, 0.5)
        rest = 1 - q
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = np.where(rest == 0, 0.0, xlogy(q, q) * rest ** (self.gamma - 1))
        return np.where(seen, row.labels * (self.gamma * bend - rest**self.gamma), 0.0)

    def minimise(self, row: Row) -> Found:
        e = row.labels
        if self.gamma == 0:
            return Found(e)
        laws = np.ascontiguousarray(e, dtype=np.float64).reshape(-1, e.shape[-1])
        q = np.empty_like(laws)
        count = focal(laws, self.gamma, q)
        return Found(q.reshape(e.shape), iterations=count)


class LabelSmoothing(CrossEntropyTo):
    """Label smoothing: -(1 - epsilon) log q_y - (epsilon / A) sum_b log q_b.

    Hard labels. The minimiser is (1 - epsilon) p + epsilon / A; read out (q - epsilon / A) / (1 - epsilon) to have the
    MLE. In float32 a smoothed tail below 6e-8 epsilon / A is lost. Source: Szegedy et al. 2016; Mueller et al. 2019.
    """

    id = "label_smoothing"
    title = "Label smoothing"
    formula = "-(1 - epsilon) log q_y - (epsilon / A) sum_b log q_b"
    paper = "Szegedy et al. 2016; Mueller et al. 2019"
    rate = "readout: mle"
    epsilon = Number(0.1, "mass moved to the uniform law", "[0, 1)")

    def _target(self, row: Row) -> np.ndarray:
        return (1 - self.epsilon) * row.labels + self.epsilon / row.labels.shape[-1]


class ConfidencePenalty(Loss):
    """Confidence penalty, or entropy bonus: -log q_y - beta H(q).

    Hard labels. The minimiser has p_a / q_a - beta log q_a equal on all labels: flatter than p, and positive where p is
    0. Read out q_a (1 + beta (log q_a + H(q))) to have the MLE. Source: Pereyra et al. 2017.
    """

    id = "confidence_penalty"
    title = "Confidence penalty; entropy bonus"
    formula = "-log q_y - beta H(q)"
    paper = "Pereyra et al. 2017"
    convex = "q"
    rate = "readout: mle"
    closed = False
    beta = Number(0.1, "weight of the entropy", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -_sum(xlogy(row.labels, q)) + self.beta * _sum(xlogy(q, q))

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -row.labels + self.beta * (xlogy(q, q) + q)

    def minimise(self, row: Row) -> Found:
        e, beta = row.labels, self.beta
        if beta == 0:
            return Found(e)
        shift = np.where(e > 0, logs(e) - np.log(beta), 0.0)

        def law(mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            # p / q = beta r with r + log r = mu / beta + log(p / beta), which Wright's omega solves.
            r = wrightomega(mu / beta + shift)
            q = np.where(e > 0, e / (beta * np.maximum(r, 1e-300)), np.exp(-mu / beta))
            return q, np.where(e > 0, r, 0.0)

        def total(mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            q, r = law(mu)
            return -np.log(_sum(q))[..., None], (_sum(q / (beta * (1 + r))) / _sum(q))[..., None]

        A = e.shape[-1]
        # At mu = 1 + beta log A some q_a is at most max(e_a, 1/A); below and above it bracket every root.
        low = np.zeros((*e.shape[:-1], 1))
        high = np.full_like(low, A + 1 + beta * np.log(A))
        mu = increasing_root(total, low, high)
        return Found(scaled(law(mu)[0]))


class FilteredCrossEntropy(Loss):
    """Cut cross-entropy with its gradient filter: cross-entropy, entries of a sample's gradient below eps dropped.

    Hard labels. A label that is not drawn pushes its logit down by q_a, which the filter drops where q_a < eps: rare
    labels are pushed up, never down. The limit is p where every p_a >= eps; rarer labels are held at eps and the others
    pay for it in equal parts c, but a label with p_a (1 - eps) < c falls to 0. Elementwise the filter is at its worst;
    the code works on tiles. Source: Wijmans et al. 2024 (stylised).
    """

    id = "filtered_cross_entropy"
    title = "Cut cross-entropy with its gradient filter"
    formula = "-log q_y, gradient entries below eps dropped"
    paper = "Wijmans et al. 2024 (filter stylised)"
    consistent = "if every positive probability is at least eps"
    rate = "mle"
    smooth = False
    detached = True
    closed = False
    eps = Number(2.0**-12, "entries below it are dropped: the precision of bfloat16 divided by 32", "[0, 1)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -_sum(xlogy(row.labels, q))

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        others = np.where(q >= self.eps, q, 0.0)
        own = np.where(1 - q >= self.eps, q - 1, 0.0)
        return row.labels * own + (1 - row.labels) * others

    def minimise(self, row: Row) -> Found:
        flat = row.flat().labels
        students = np.array([self._held(e) for e in flat]).reshape(row.labels.shape)
        return Found(students, note="the rest point of the mean gradient, where labels below eps are held at eps")

    def _held(self, e: np.ndarray) -> np.ndarray:
        order = np.argsort(e, kind="stable")
        p, eps, A = e[order], self.eps, e.size
        for fallen in range(int((p == 0).sum()), A):  # what is never drawn falls
            for rare in range(fallen, A):  # labels fallen..rare-1 are held, the others pay c each
                held = rare - fallen
                c = (held * eps - p[:rare].sum()) / (A - rare)
                if (c <= p[fallen:rare] * (1 - eps)).all() and (p[rare:] - c >= min(eps, 1 / A)).all():
                    q = np.concatenate([np.zeros(fallen), np.full(held, eps), p[rare:] - c])
                    if held == 0 or (p[fallen:rare] < eps + c).all():
                        answer = np.empty(A)
                        answer[order] = q
                        return answer
        return e.copy()


#: What `kt_theory.losses.registry` lists.
LOSSES = (
    CrossEntropy,
    Brier,
    MeanAbsoluteError,
    GeneralizedCrossEntropy,
    SymmetricCrossEntropy,
    Focal,
    Poly1,
    LabelSmoothing,
    ConfidencePenalty,
    FilteredCrossEntropy,
)
