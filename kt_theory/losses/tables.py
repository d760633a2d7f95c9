"""Losses that couple the inputs through the marginal law of the labels, or through counts: maps of tables."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, xlogy

from kt_theory.losses.domains import Number
from kt_theory.losses.links import softplus
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, logs, scaled, softmax
from kt_theory.losses.solving import fixed_point, increasing_root
from kt_theory.losses.students import CrossEntropyTo


def marginal(row: Row) -> np.ndarray:
    """The law of the labels over all inputs, shape (A,)."""
    weights = row.visits / row.visits.sum()
    return (weights[..., None] * row.labels).reshape(-1, row.labels.shape[-1]).sum(axis=0)


def _times_log(x: float, prior: np.ndarray) -> np.ndarray:
    """X log prior, -inf for labels that no input has."""
    return np.where(prior > 0, x * logs(np.where(prior > 0, prior, 1.0)), -np.inf)


class _Coupled(Loss):
    couples_inputs = True
    separable = False


class _Adjusted(_Coupled):
    """Cross-entropy of a student whose logits are shifted, by label, by what the table of students or labels says."""

    def _read(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The law with the shift, shape (..., A)."""
        raise NotImplementedError

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -xlogy(row.labels, self._read(q, row)).sum(axis=-1)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self._read(q, row) - row.labels


class LogitAdjustment(_Adjusted):
    """Logit-adjusted cross-entropy: -log softmax(z + tau log prior)_y, prior the marginal law of the labels.

    Hard labels; couples the inputs. The minimiser is p(.|s) / prior^tau, scaled to one: for a single input p^(1 - tau).
    That is meant: the target is the balanced law. Read out z + tau log prior to have the MLE. Labels that no input has
    stay at 0. Source: Menon et al. 2021; Suh and Seo 2023, without its contrastive part.
    """

    id = "logit_adjustment"
    title = "Logit-adjusted cross-entropy"
    formula = "-log softmax(z + tau log prior)_y, prior = marginal law of the labels"
    paper = "Menon et al. 2021; Suh & Seo 2023"
    rate, convex = "readout: mle", "z"
    tau = Number(1.0, "1 is Bayes for the balanced error", "[0, inf)")

    def _read(self, q: np.ndarray, row: Row) -> np.ndarray:
        return softmax(logs(q) + _times_log(self.tau, marginal(row)))

    def minimise(self, row: Row) -> Found:
        prior = marginal(row)
        return Found(scaled(row.labels / np.where(prior > 0, prior, 1.0) ** self.tau))


class ClassBalanced(_Coupled, CrossEntropyTo):
    """Class-balanced weights: -w_y log q_y, w_a = (1 - beta) / (1 - beta^N_a), N_a the number of samples of label a.

    Hard labels; couples the inputs, and its weights depend on the counts: empirical and population problem differ. The
    minimiser is proportional to p_a w_a: uniform (one input) while n p_a is far below 1 / (1 - beta), then p. Read out
    q_a / w_a to have the MLE. Source: Cui et al. 2019.
    """

    id = "class_balanced"
    title = "Class-balanced weights"
    formula = "-w_y log q_y, w_a = (1 - beta) / (1 - beta^N_a)"
    paper = "Cui et al. 2019"
    rate = "plateau, then mle: uniform while n p_a << 1 / (1 - beta)"
    beta = Number(0.9999, "share of overlap", "[0, 1)")
    n = Number(100000.0, "number of samples in the population, on which the limit depends", "(0, inf)")

    def _target(self, row: Row) -> np.ndarray:
        """Frequencies times weights, 0 for labels without samples."""
        if self.beta == 0:
            return row.labels
        counts = marginal(row) * (self.n if row.size is None else row.size)
        with np.errstate(divide="ignore"):
            w = (1 - self.beta) / -np.expm1(counts * np.log(self.beta))
        return np.where(row.labels > 0, row.labels * np.where(counts > 0, w, 0.0), 0.0)


class AdaptiveLogitAdjustment(_Adjusted):
    """Adaptive logit adjustment: -log softmax(z + log b)_y, b_a the mean predicted probability of a over samples of a.

    Hard labels; couples the inputs; b is held fixed by the gradient and estimated again each epoch. For one input the
    fixed point is sqrt(p) / Z; undamped the iteration alternates p, uniform, p, ... without end. Source: Jin et al.
    2024 (PromptMRG), whose heads are 4-way and move one logit; the softmax form is ours.
    """

    id = "adaptive_logit_adjustment"
    title = "Adaptive logit adjustment (PromptMRG)"
    formula = "-log softmax(z + log b)_y, b_a = mean predicted probability of a over samples of a, held fixed"
    paper = "Jin et al. 2024 (softmax form ours)"
    detached, closed = True, False

    @staticmethod
    def _predicted(q: np.ndarray, row: Row) -> np.ndarray:
        weights = (row.visits[..., None] * row.labels).reshape(-1, q.shape[-1])
        total = weights.sum(axis=0)
        predicted = (weights * q.reshape(-1, q.shape[-1])).sum(axis=0)
        b = np.divide(predicted, total, out=np.ones_like(total), where=total > 0)
        return b / b.max()

    def _read(self, q: np.ndarray, row: Row) -> np.ndarray:
        return softmax(logs(q) + logs(self._predicted(q, row)))

    def minimise(self, row: Row) -> Found:
        e = row.labels

        def advance(q: np.ndarray) -> np.ndarray:
            return scaled(e / self._predicted(q, row))

        start = scaled(np.where(e > 0, 1.0, 0.0))
        student, steps, settled = fixed_point(advance, start)
        note = "" if settled else "the damped iteration did not settle"
        return Found(student, iterations=steps, note=note)


class NegativeSampling(_Coupled):
    """Negative sampling: softplus(-z_y) + E_(b ~ noise) softplus(z_b), the noise proportional to frequency^power.

    Hard labels; couples the inputs through the noise. The minimiser is z = log(p / noise), by softmax p / noise / Z:
    for one input p^(1 - power). Uniform noise is consistent. Add log noise to the logits (the log-Q correction) to have
    the MLE. Source: Mikolov et al. 2013; Gutmann and Hyvaerinen 2010.
    """

    id = "negative_sampling"
    title = "Negative sampling; InfoNCE without correction, read out by softmax"
    formula = "softplus(-z_y) + E_(b ~ noise) softplus(z_b)"
    paper = "Mikolov et al. 2013; Gutmann & Hyvaerinen 2010"
    rate, convex = "readout: mle", "z"
    power = Number(0.75, "the noise is proportional to frequency^power", "[0, 1]")

    def _noise(self, row: Row) -> np.ndarray:
        prior = marginal(row)
        return scaled(np.where(prior > 0, np.where(prior > 0, prior, 1.0) ** self.power, 0.0))

    def _gauge(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The logits of the law q in their best gauge."""
        z, noise = logs(q.real), self._noise(row)
        both = row.labels + noise

        def total(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            s = expit(z + c)
            return (both * s).sum(-1, keepdims=True) - 1, (both * s * (1 - s)).sum(-1, keepdims=True)

        wide = np.full((*q.shape[:-1], 1), 60.0) - np.where(np.isfinite(z), z, 0).min(axis=-1, keepdims=True)
        return logs(q) + increasing_root(total, -wide, wide)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        z, noise = self._gauge(q, row), self._noise(row)
        with np.errstate(invalid="ignore"):
            up = np.where(row.labels > 0, row.labels * softplus(-z), 0.0)
        return (up + noise * softplus(z)).sum(axis=-1)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        z = self._gauge(q, row)
        return (row.labels + self._noise(row)) * expit(z) - row.labels

    def minimise(self, row: Row) -> Found:
        noise = self._noise(row)
        return Found(scaled(row.labels / np.where(noise > 0, noise, 1.0)))


#: What `kt_theory.losses.registry` lists.
LOSSES = (LogitAdjustment, ClassBalanced, AdaptiveLogitAdjustment, NegativeSampling)
