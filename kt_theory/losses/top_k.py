"""Losses on the probabilities of the k most likely labels, the sampled label shown.

By lemma L5 a term q f(p / q) with f >= 0 and f(1) = f'(1) = 0 is least at q_a = p_a by itself: summed over the list
alone it keeps the list exact. t log t and -log t are not of this kind, and lose mass off the list or on it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import xlogy

from kt_theory.learners.learner import Learner
from kt_theory.learners.partial import renormalised_at, sel_at
from kt_theory.losses.domains import Choice, Number, Whole
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, logs, scaled, share, softmax, tempered
from kt_theory.losses.students import CrossEntropyTo
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.protocol import resolve_protocol, top_k_label


class TopK(Loss):
    """What all losses on a list share: the list, its mass, and how the mass off it is spread."""

    level = "top_k_label"

    @property
    def protocol(self) -> Protocol:
        return top_k_label(self.__dict__["k"])

    def limit(self, p: Any, rho: Any = None) -> Any:
        A = np.shape(p)[-1] if np.ndim(p) else 0
        if 0 < A < self.__dict__["k"] and "cap" not in type(self).k.meaning:  # type: ignore[attr-defined]
            raise ValueError(f"k is {self.__dict__['k']}: the teacher has {A} labels, and {self.id} keeps k of them")
        return super().limit(p, rho)

    @staticmethod
    def _mass(row: Row) -> np.ndarray:
        return row.known.sum(axis=-1, keepdims=True)

    @staticmethod
    def _free(row: Row) -> np.ndarray:
        """Whether the shape of the mass off the list is free, shape (...)."""
        return ((~row.told).sum(axis=-1) > 1) & (row.hidden_mass[..., 0] > 1e-12)

    def _keep(self, row: Row) -> Found:
        """The list exact, the rest as the initial table has it."""
        free = self._free(row)
        note = "off the list labels share as the initial table has it" if free.any() else ""
        return Found(row.known + share(row.hidden_mass, ~row.told, row.init), unique=~free, note=note)

    def _keeping(self) -> Learner:
        """The learner of the package with that student."""
        return sel_at(self.protocol)


class TopKRenormalised(TopK, CrossEntropyTo):
    """Top-k forward KL, renormalised or merely truncated: -sum_(a in K) p_a log q_a, divided by P or not.

    The minimiser is p_K / P, total variation exactly 1 - P, either way: renormalising changes the weight of an input
    and no minimiser. One term mends it: top_k_rao_blackwell or top_k_tail_bucket. Source: common practice.
    """

    id = "top_k_renormalised"
    title = "Top-k forward KL, renormalised or merely truncated"
    formula = "-sum_(a in K) (p_a / P) log q_a"
    paper = "common practice"
    k = Whole(2, "labels kept", 1)

    def _target(self, row: Row) -> np.ndarray:
        return scaled(row.known)

    def twin(self) -> Learner:
        return renormalised_at(self.protocol)

    def minimise(self, row: Row) -> Found:
        return Found(self._target(row), attained=~((~row.told) & (row.labels > 0)).any(axis=-1))


class TopKBothRenormalised(TopK):
    """Top-k KL with both sides renormalised on K: KL(p_K / P || q_K / Q).

    Only q_K / Q is determined, the mass off K is free; descent from zero logits ends at z_K = centred log p_K, 0
    elsewhere. With k = 1 it is 0 for every student. Differences of logits within K do the same. Source: common
    practice.
    """

    id = "top_k_both_renormalised"
    title = "Top-k KL, both sides renormalised on K"
    formula = "KL(p_K / P || q_K / Q)"
    paper = "common practice; BiLD"
    rate = "none"
    k = Whole(2, "labels kept", 1)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, on = scaled(row.known), np.where(row.told, q, 0.0)
        return (xlogy(p, p) - xlogy(p, np.where(row.told, on, 1.0))).sum(axis=-1) + np.log(on.sum(axis=-1))

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        on = np.where(row.told, q, 0.0)
        return on / on.sum(axis=-1, keepdims=True) - scaled(row.known)

    def minimise(self, row: Row) -> Found:
        # Descent on logits moves those of K among themselves and keeps their mean.
        start = logs(np.where(row.init > 0, row.init, 1e-300))
        count = row.told.sum(axis=-1, keepdims=True)
        p = np.where(row.told & (row.shown > 0), row.shown, 1.0)
        level = (np.where(row.told, start, 0.0).sum(axis=-1, keepdims=True) - np.log(p).sum(-1, keepdims=True)) / count
        z = np.where(row.told, np.where(row.known > 0, np.log(p) + level, -np.inf), start)
        return Found(softmax(z), unique=row.told.all(axis=-1), note="the mass off the list is free")


class StudentTopK(TopK):
    """KL on the student's own top-k, renormalised: KL(q_S / Q_S || p_S / P_S), S the k most likely labels of q.

    It is 0 on any k labels that the student ranks first, up to total variation 1 - (the k smallest p): no unique law.
    It reads p on the student's labels, so that a data set has to show all of it. The student that stands for the set
    here has S = the labels that the initial table ranks first. Source: SDPO; variants of on-policy distillation.
    """

    id = "student_top_k"
    title = "KL on the student's own top-k, renormalised"
    formula = "KL(q_S / Q_S || p_S / P_S), S = top-k of q"
    paper = "SDPO; OPD variants"
    level = "soft"
    rate = "none"
    smooth = False
    k = Whole(2, "labels kept", 1)

    @property
    def protocol(self) -> Protocol:
        return resolve_protocol("soft")

    def _first(self, q: np.ndarray) -> np.ndarray:
        order = np.argsort(-q.real, axis=-1, kind="stable")[..., : self.k]
        mask = np.zeros(q.shape, dtype=bool)
        np.put_along_axis(mask, order, True, axis=-1)
        return mask

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        S = self._first(q)
        on, p = np.where(S, q, 0.0), np.where(S, row.shown, 0.0)
        on, p = on / on.sum(axis=-1, keepdims=True), p / p.sum(axis=-1, keepdims=True)
        return xlogy(on, np.where(S, on / np.where(S, p, 1.0), 1.0)).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        S = self._first(q)
        on, p = np.where(S, q, 0.0), np.where(S, row.shown, 0.0)
        on, p = on / on.sum(axis=-1, keepdims=True), p / p.sum(axis=-1, keepdims=True)
        ratio = np.where(S & (on > 0), np.log(np.where(S & (on > 0), on, 1.0) / np.where(S, p, 1.0)), 0.0)
        return on * (ratio - (on * ratio).sum(axis=-1, keepdims=True))

    def minimise(self, row: Row) -> Found:
        S = self._first(row.init) & (row.shown > 0)
        none = ~S.any(axis=-1, keepdims=True)
        q = scaled(np.where(S | none, row.shown, 0.0))
        return Found(q, unique=False, note="any k labels that the student ranks first will do")


class TopKTailBucket(TopK):
    """Top-k plus a tail bucket: KL of (p_K^(1/T), (1 - P)^(1/T)) / Z against (softmax(z / T)_K, the rest).

    At T = 1 exact on K, the tail's shape free. At T > 1 the bucket is tempered as one label: q_K stays proportional to
    p_K, and the tail's total to (1 - P)(A - k)^(1 - T): with a large vocabulary the tail is gone. Use T = 1.
    Source: common practice.
    """

    id = "top_k_tail_bucket"
    title = "Top-k plus a tail bucket (k + 1 categories)"
    formula = "KL((p_K^(1/T), (1 - P)^(1/T)) / Z || (softmax(z/T)_K, rest))"
    paper = "common practice"
    consistent, rate, convex = "if T = 1 and the tail is flat", "exp S, then the tail's shape", "z"
    k = Whole(2, "labels kept", 1)
    T = Number(1.0, "temperature; the bucket is tempered as one label", "(0, inf)")

    def _target(self, row: Row) -> tuple[np.ndarray, np.ndarray]:
        """The tempered probabilities of K, and of the bucket, shape (..., 1)."""
        whole = np.concatenate([row.known, np.where(row.told.all(-1, keepdims=True), 0.0, row.hidden_mass)], axis=-1)
        target = tempered(whole, 1 / self.T)
        return target[..., :-1], target[..., -1:]

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        t, rest = self._target(row)
        r = tempered(q, 1 / self.T)
        tail = np.where(row.told, 0.0, r).sum(axis=-1, keepdims=True)
        on = xlogy(t, np.where(row.told & (t > 0), r / np.where(t > 0, t, 1.0), 1.0)).sum(axis=-1)
        off = xlogy(rest, np.where(rest > 0, tail / np.where(rest > 0, rest, 1.0), 1.0))[..., 0]
        return -(self.T**2) * (on + off)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        t, rest = self._target(row)
        r = tempered(q, 1 / self.T)
        off = np.where(row.told, 0.0, r)
        tail = off.sum(axis=-1, keepdims=True)
        spread = np.divide(off, tail, out=np.zeros_like(off), where=tail > 0)
        return self.T * (r - np.where(row.told, t, rest * spread))

    def minimise(self, row: Row) -> Found:
        if self.T == 1:
            return self._keep(row)
        t, rest = self._target(row)
        r = t + share(rest, ~row.told, tempered(np.where(row.init > 0, row.init, 0.0), 1 / self.T))
        free = self._free(row)
        return Found(tempered(r, self.T), unique=~free, note="off the list labels share evenly" if free.any() else "")

    def twin(self) -> Learner | None:
        return self._keeping() if self.T == 1 else None


class TopKReverseKL(TopK):
    """Truncated reverse KL: sum_(a in K) q_a log(q_a / p_a), or, detached, sum_(a in K) q_a sg(log(q_a / p_a)).

    Differentiated, q_K = p_K / e: at least 63 % of the mass of K leaves it. With the log-ratio detached the fixed point
    is q_K = p_K. The rest is free. The pointwise generator, with - q_a + p_a added, mends it as well. Source: common
    practice.
    """

    id = "top_k_reverse_kl"
    title = "Truncated reverse KL"
    formula = "sum_(a in K) q_a log(q_a / p_a), the logarithm differentiated or detached"
    paper = "common practice"
    consistent, rate = "no; detached: if the tail is flat", "none"
    k = Whole(2, "labels kept", 1)
    bracket = Choice("differentiated", "whether the log-ratio carries a gradient", "differentiated", "detached")

    @property
    def detached(self) -> bool:  # type: ignore[override]
        return self.__dict__["bracket"] == "detached"

    @staticmethod
    def _ratio(q: np.ndarray, row: Row) -> np.ndarray:
        on = row.told & (row.known > 0) & (q.real > 0)
        return np.where(on, np.log(np.where(on, q, 1.0) / np.where(on, row.known, 1.0)), 0.0)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        on = np.where(row.told, q, 0.0) * self._ratio(q, row)
        lost = (row.told & (row.known == 0) & (q.real > 0)).any(axis=-1)
        return np.where(lost, np.inf, on.sum(axis=-1))

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        on = np.where(row.told, q, 0.0)
        return on * (self._ratio(q, row) + (0.0 if self.detached else 1.0))

    def minimise(self, row: Row) -> Found:
        if self.detached:
            return self._keep(row)
        whole = row.told.all(axis=-1, keepdims=True)
        kept = np.where(whole, row.known, row.known / math.e)
        rest = np.maximum(1 - kept.sum(axis=-1, keepdims=True), 0.0)
        free = (~row.told).sum(axis=-1) > 1
        return Found(kept + share(rest, ~row.told, row.init), unique=~free, note="the mass off the list is too large")

    def twin(self) -> Learner | None:
        return self._keeping() if self.detached else None


class TopKPointwise(TopK):
    """Truncated f-divergence with the pointwise non-negative generator: sum_(a in K) q_a f(p_a / q_a), f >= 0.

    Exact on K by lemma L5, the tail's shape free: terms of Jensen-Shannon, generalised KL p log(p / q) - p + q,
    Hellinger, alpha-beta (alpha = beta = 1/2 here), the absolute value. Source: lemma L5.
    """

    id = "top_k_pointwise"
    title = "Truncated f-divergence with the pointwise non-negative generator"
    formula = "sum_(a in K) q_a f(p_a / q_a), f >= 0, f(1) = f'(1) = 0"
    paper = "ours (lemma L5)"
    consistent, rate = "if the tail is flat", "exp S, then the tail's shape"
    k = Whole(2, "labels kept", 1)
    generator = Choice(
        "jensen_shannon", "which", "jensen_shannon", "generalised_kl", "hellinger", "alpha_beta", "absolute"
    )

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, q = row.known, np.where(row.told, q, 0.0)
        if self.generator == "jensen_shannon":
            middle = np.where(p + q == 0, 1.0, (p + q) / 2)
            terms = (xlogy(p, np.where(p > 0, p, 1) / middle) + xlogy(q, np.where(q != 0, q, 1) / middle)) / 2
        elif self.generator == "generalised_kl":
            terms = xlogy(p, np.where(p > 0, p, 1.0)) - xlogy(p, np.where(p > 0, q, 1.0)) - p + q
        elif self.generator == "absolute":
            terms = np.abs(p - q)
        else:
            terms = (1.0 if self.generator == "hellinger" else 2.0) * (np.sqrt(p) - np.sqrt(q)) ** 2
        return np.where(row.told, terms, 0.0).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, q = row.known, np.where(row.told, q, 0.0)
        if self.generator == "jensen_shannon":
            return 0.5 * xlogy(q, np.where(q > 0, 2 * q / np.where(p + q > 0, p + q, 1.0), 1.0))
        if self.generator == "generalised_kl":
            return q - p
        if self.generator == "absolute":
            return q * np.sign(q - p)
        return (1.0 if self.generator == "hellinger" else 2.0) * (q - np.sqrt(p * q))

    def minimise(self, row: Row) -> Found:
        return self._keep(row)

    def twin(self) -> Learner:
        return self._keeping()


class TopKClampedKL(TopK):
    """Truncated forward KL clamped at zero: max(0, sum_(a in K) p_a log(p_a / q_a)).

    Its minimisers are a set that holds p and p_K / P; descent from the initial table stops where the clamp bites, which
    is nearer to p than the unclamped minimiser, by accident. The representative is where the gradient flow of the
    logits ends: it depends on the path. Use top_k_tail_bucket. Source: practice (a guard in trainers).
    """

    id = "top_k_clamped_kl"
    title = "Truncated forward KL clamped at zero"
    formula = "max(0, sum_(a in K) p_a log(p_a / q_a))"
    paper = "practice"
    rate, smooth, closed = "none", False, False
    k = Whole(2, "labels kept", 1)

    @staticmethod
    def _kl(q: np.ndarray, row: Row) -> np.ndarray:
        p = row.known
        return (xlogy(p, np.where(p > 0, p, 1.0)) - xlogy(p, np.where(p > 0, q, 1.0))).sum(axis=-1)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return np.maximum(self._kl(q, row), 0.0)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return np.where(self._kl(q, row)[..., None] > 0, -row.known, 0.0) + 0 * q

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        students = [self._stop(flat.take(slice(n, n + 1))) for n in range(flat.labels.shape[0])]
        note = "a set that holds the teacher; where the gradient flow from the initial table stops"
        return Found(np.array(students).reshape(row.labels.shape), unique=False, note=note)

    def _stop(self, row: Row) -> np.ndarray:
        from scipy.integrate import solve_ivp  # slow to import

        p, start = row.known[0], logs(np.maximum(row.init[0], 1e-300))
        P = p.sum()
        if P >= 1 - 1e-12:
            return p / P

        def clamp(t: float, z: np.ndarray) -> float:
            return float(self._kl(softmax(z)[None], row)[0])

        clamp.terminal = True  # type: ignore[attr-defined]
        if clamp(0.0, start) <= 0:
            return softmax(start)
        flow = solve_ivp(
            lambda t, z: p - P * softmax(z), (0, 1e6), start, method="LSODA", events=clamp, rtol=1e-10, atol=1e-12
        )
        return softmax(flow.y[:, -1])


class TopKMissingToLabel(TopK, CrossEntropyTo):
    """Missing mass given to the sampled label: -sum_K p_a log q_a - (1 - P) log q_y.

    The minimiser is p_K + (1 - P) p, total variation P (1 - P). Give it to labels off K only: top_k_rao_blackwell.
    """

    id = "top_k_missing_to_label"
    title = "Missing mass given to the sampled label"
    formula = "-sum_K p_a log q_a - (1 - P) log q_y"
    paper = "practice"
    k = Whole(2, "labels kept", 1)

    def _target(self, row: Row) -> np.ndarray:
        return row.known + row.hidden_mass * row.labels


class TopKPlusCrossEntropy(TopKMissingToLabel):
    """Hard cross-entropy plus renormalised top-k: -alpha log q_y - (1 - alpha) sum_K (p_a / P) log q_a.

    The minimiser is alpha p + (1 - alpha) p_K / P, total variation (1 - alpha)(1 - P).
    """

    id = "top_k_plus_cross_entropy"
    title = "Hard cross-entropy plus renormalised top-k"
    formula = "-alpha log q_y - (1 - alpha) sum_K (p_a / P) log q_a"
    paper = "practice"
    k = Whole(2, "labels kept", 1)
    alpha = Number(0.5, "weight of the hard label", "[0, 1]")

    def _target(self, row: Row) -> np.ndarray:
        return self.alpha * row.labels + (1 - self.alpha) * scaled(row.known)


class TopKRaoBlackwell(TopKMissingToLabel):
    """Top-k plus the sampled label when it is off K: -sum_K p_a log q_a - 1[y not in K] log q_y.

    Consistent: the cross-entropy of hard labels, averaged over what is known of K. The student is proportional to p_a
    on K and to the frequencies off K. Needs labels sampled from the teacher beside its list. Source: ours.
    """

    id = "top_k_rao_blackwell"
    title = "Top-k plus the sampled label when it is off K (Rao-Blackwell cross-entropy)"
    formula = "-sum_K p_a log q_a - 1[y not in K] log q_y"
    paper = "ours"
    consistent, rate = "yes", "c sqrt, c^2 about the tail's share"
    k = Whole(2, "labels kept", 1)

    def _target(self, row: Row) -> np.ndarray:
        return row.known + np.where(row.told, 0.0, row.labels)


class TopKExactTail(TopK):
    """Exact on K, frequencies on the tail: KL((p_K, 1 - P) || (q_K, tail of q)) - 1[y not in K] log(q_y / tail of q).

    Consistent: the student is p on K and (1 - P) n_a / n_tail off it, uniform there where no label of the tail was
    seen. For few samples and flat tails the uniform tail is better. Source: ours.
    """

    id = "top_k_exact_tail"
    title = "Exact on K, frequencies on the tail"
    formula = "KL((p_K, 1 - P) || (q_K, Q_tail)) - 1[y not in K] log(q_y / Q_tail)"
    paper = "ours"
    consistent, rate = "yes", "c sqrt, only the tail's shape is learnt"
    k = Whole(2, "labels kept", 1)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, off = row.known, np.where(row.told, 0.0, row.labels)
        tail = np.where(row.told, 0.0, q).sum(axis=-1, keepdims=True)
        rest = row.hidden_mass * (~row.told).any(axis=-1, keepdims=True)
        kl = xlogy(p, np.where(p > 0, p / np.where(p > 0, q, 1.0), 1.0)).sum(axis=-1)
        kl = kl + xlogy(rest, np.where(rest > 0, rest / np.where(rest > 0, tail, 1.0), 1.0))[..., 0]
        return kl - xlogy(off, np.where(off > 0, q / np.where(tail == 0, 1.0, tail), 1.0)).sum(axis=-1)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        off = np.where(row.told, 0.0, row.labels)
        on = np.where(row.told, 0.0, q)
        tail = on.sum(axis=-1, keepdims=True)
        shape = np.divide(on, tail, out=np.zeros_like(on), where=tail > 0)
        rest = row.hidden_mass * (~row.told).any(axis=-1, keepdims=True)
        return q - row.known - rest * shape + off.sum(axis=-1, keepdims=True) * shape - off

    def minimise(self, row: Row) -> Found:
        off = np.where(row.told, 0.0, row.labels)
        seen = off.sum(axis=-1, keepdims=True)
        free = self._free(row) & (seen[..., 0] == 0)
        known = np.divide(off, seen, out=np.zeros_like(off), where=seen > 0) * row.hidden_mass
        tail = np.where(seen > 0, known, share(row.hidden_mass, ~row.told, row.init))
        return Found(row.known + tail, unique=~free)


class TopPRenormalised(TopKMissingToLabel):
    """Top-p, then at most k, renormalised: -sum_K (p_a / P) log q_a, K the smallest top set of mass >= top_p.

    The minimiser is p_K / P: total variation at most 1 - top_p where k does not bind. A cumulative mass is compared
    with a tolerance of 1e-12. Source: Peng et al. 2024 (pre-training distillation).
    """

    id = "top_p_renormalised"
    title = "Top-p, then at most k, renormalised (pre-training distillation)"
    formula = "-sum_K (p_a / P) log q_a, K = smallest top set of mass >= top_p, at most k"
    paper = "Peng et al. 2024"
    k = Whole(100, "cap on the labels kept", 1)
    top_p = Number(0.95, "mass kept", "(0, 1]")

    def _target(self, row: Row) -> np.ndarray:
        order = np.argsort(-row.known, axis=-1, kind="stable")
        down = np.take_along_axis(row.known, order, axis=-1)
        before = np.cumsum(down, axis=-1) - down
        kept = np.zeros_like(down)
        np.put_along_axis(kept, order, np.where(before < self.top_p - 1e-12, down, 0.0), axis=-1)
        return scaled(kept)


#: What `kt_theory.losses.registry` lists.
LOSSES = (
    TopKRenormalised,
    TopKBothRenormalised,
    StudentTopK,
    TopKTailBucket,
    TopKReverseKL,
    TopKPointwise,
    TopKClampedKL,
    TopKMissingToLabel,
    TopKPlusCrossEntropy,
    TopKRaoBlackwell,
    TopKExactTail,
    TopPRenormalised,
)
