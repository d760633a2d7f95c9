"""On-policy losses: the student samples, the teacher scores: fields of expected gradients, and their rest points."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.losses.domains import Choice, Number, Whole
from kt_theory.losses.loss import Found, Limit
from kt_theory.losses.row import Row, by_logits, softmax


def _log_ratio(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """log(q / p) where both are positive, else 0: labels that the student never samples are not scored."""
    on = (q > 0) & (p > 0)
    return np.where(on, np.log(np.where(on, q, 1.0) / np.where(on, p, 1.0)), 0.0)


class OnPolicy(Limit):
    """A field of expected gradients by the student's logits; labels of probability 0 at the teacher end at 0."""

    level = "on-policy"
    rate = "dynamics"

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The expected gradient by log q, shape (..., A), before the constraint that q sums to 1."""
        raise NotImplementedError

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The expected gradient by the logits, shape (..., A)."""
        return by_logits(self._flow(q, row.labels), q)

    def residual(self, found: Found, row: Row) -> np.ndarray:
        return np.abs(self.gradient(found.student, row)).max(axis=-1)

    def minimise(self, row: Row) -> Found:
        return Found(row.labels)


class OnPolicyReverseKL(OnPolicy):
    """On-policy distillation: the score-function gradient of the reverse KL, advantage sg(log p_a - log q_a), a ~ q.

    The fixed point is p from every start of full support, where the advantage is 0: no noise at the optimum. To
    sample at a temperature or with top-p and score the full law is another objective. Source: Thinking Machines 2025;
    Gu et al. 2024.
    """

    id = "on_policy_reverse_kl"
    title = "On-policy distillation: score-function gradient of the reverse KL"
    formula = "advantage sg(log p_a - log q_a) on a ~ q"
    paper = "Thinking Machines 2025; Gu et al. 2024"
    consistent, rate = "yes", "dynamics: no noise at the optimum"

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        return q * _log_ratio(q, p)


class OnPolicySampledTail(OnPolicy):
    """Sampled label plus tail bucket, reverse KL: E_(a ~ sg(q)) KL(Bern(q_a) || Bern(p_a)).

    The fixed point is p. Without the tail, with one label, the loss is identically 0. Source: TRL server distillation.
    """

    id = "on_policy_sampled_tail"
    title = "Sampled label plus tail bucket, reverse KL"
    formula = "E_(a ~ sg(q)) KL(Bern(q_a) || Bern(p_a))"
    paper = "TRL server distillation"
    consistent, rate = "yes", "exp SA in the labels the student visits"

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        return q**2 * (_log_ratio(q, p) - _log_ratio(1 - q, 1 - p))


class OnPolicyTopKTail(OnPolicy):
    """Exact terms on a top-k support, a score function off it: sum_(a in K) of q log(q / p), and log-ratios off K.

    Matched (the log-ratio detached on K, too): p. Unmatched (differentiated on K): q proportional to p_a / e on K and
    p_a off it, since the constant 1 of d(q log q) cancels over all labels only. Use the same form on both sides of the
    support. Unbiased on policy only. Source: multi-teacher on-policy distillation, a thread alone.
    """

    id = "on_policy_top_k_tail"
    title = "Exact terms on a top-k support, score function off it"
    formula = "sum_(a in K) of q log(q/p) + 1[a not in K] sg(log q_a - log p_a) log q_a, a ~ q"
    paper = "multi-teacher OPD (text of a thread)"
    consistent = "if matched"
    k = Whole(2, "labels kept, ties by number", 1)
    score = Choice("matched", "whether both sides have one form", "matched", "unmatched")

    def _list(self, p: np.ndarray) -> np.ndarray:
        order = np.argsort(-p, axis=-1, kind="stable")[..., : self.k]
        mask = np.zeros(p.shape, dtype=bool)
        np.put_along_axis(mask, order, True, axis=-1)
        return mask

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        one = self._list(p) if self.score == "unmatched" else 0.0
        return q * (_log_ratio(q, p) + one)

    def minimise(self, row: Row) -> Found:
        p = row.labels
        if self.score == "matched":
            return Found(p)
        q = np.where(self._list(p), p / math.e, p)
        return Found(q / q.sum(axis=-1, keepdims=True))


class StateLevelReward(OnPolicy):
    """Top-k KL as one detached number per input: advantage -sg(KL) whatever the action.

    No gradient in expectation: every law is stationary, nothing is learnt. Keep the k terms apart, each on its own
    label. Source: practice.
    """

    id = "state_level_reward"
    title = "Top-k KL as one detached number per input"
    formula = "advantage -sg(KL) whatever the action"
    paper = "practice"
    rate = "none"

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.zeros_like(q)

    def minimise(self, row: Row) -> Found:
        return Found(row.init, unique=False, note="every law is stationary: the initial table stays")


class OnPolicyExtrapolated(OnPolicy):
    """Reward extrapolation: maximise E_q[scale (log p - log ref)] - KL(q || ref), ref uniform.

    The maximiser is ref^(1 - scale) p^scale / Z: the family of dpo with beta = 1 / scale. Source: Yang et al. 2026.
    """

    id = "on_policy_extrapolated"
    title = "Reward extrapolation (generalised OPD)"
    formula = "max E_q[scale (log p - log ref)] - KL(q || ref)"
    paper = "Yang et al. 2026"
    scale = Number(1.25, "1 is plain", "(0, inf)")

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        on = (q > 0) & (p > 0)
        return q * np.where(on, np.log(np.where(on, q, 1.0)) - self.scale * np.log(np.where(on, p, 1.0)), 0.0)

    def minimise(self, row: Row) -> Found:
        with np.errstate(divide="ignore"):
            return Found(softmax(self.scale * np.log(row.labels)))


class SpeculativeKD(OnPolicy):
    """Speculative distillation: a ~ q is kept if among the teacher's K most likely, else drawn anew from p; KL there.

    With the KL term, as here, p: interleaved sampling changes the law of the inputs, not the minimiser of a row. With
    hard labels any q supported on K would be a fixed point. Source: Xu et al. 2025.
    """

    id = "speculative_kd"
    title = "Speculative KD (interleaved sampling)"
    formula = "KL(p || q) at inputs reached by a ~ q, kept if in the teacher's top-K, else drawn from p"
    paper = "Xu et al. 2025"
    consistent, rate = "with KL", "exp S"
    K = Whole(25, "accepted ranks", 1)

    def _flow(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        return -p + 0 * q


#: What `kt_theory.losses.registry` lists.
LOSSES = (
    OnPolicyReverseKL,
    OnPolicySampledTail,
    OnPolicyTopKTail,
    StateLevelReward,
    OnPolicyExtrapolated,
    SpeculativeKD,
)
