"""Preferences: a chosen label from the teacher, a rejected one from a reference law.

By lemma L9 a logistic loss of scores s_a is least where s_a - s_b = log(p_a ref_b / (p_b ref_a)): with s = beta log(q /
ref) the student is ref^(1 - 1/beta) p^(1/beta) / Z, consistent for beta = 1 alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from kt_theory.learners.learner import Learner
from kt_theory.losses.domains import Choice, Law, Number, Whole, law_of
from kt_theory.losses.links import softplus
from kt_theory.losses.loss import NONE, Found, Limit, ScoreLoss
from kt_theory.losses.row import Row, by_logits, logs, softmax, tempered
from kt_theory.losses.solving import POLISHED, answered, increasing_root, lowest, polish

_BETA = "inverse temperature of the implicit reward"
_REF = "law of the rejected label and of the reference model"


class Population(ScoreLoss):
    """A loss whose samples no transfer set holds: it has a limit, a value and a gradient, and no learner."""

    separable, closed = False, False

    @property
    def protocol(self) -> Any:
        return None

    def learner(self) -> Learner:
        return Limit.learner(self)

    def reference(self, row: Row) -> np.ndarray:
        """The law of the reference, shape (A,); uniform where the loss has none."""
        return law_of(self.parameters.get("ref", "uniform"), row.labels.shape[-1], self.id)

    def relative(self, z: np.ndarray, row: Row) -> np.ndarray:
        """log(q / ref)."""
        return logs(softmax(z)) - np.log(self.reference(row))

    def _numeric(self, row: Row) -> Found:
        """Descent from the uniform law, the reference and the teacher; labels of probability 0 are kept."""
        flat = row.flat()
        p = np.maximum(flat.labels, 1e-9)
        starts = [np.zeros_like(p), np.broadcast_to(np.log(self.reference(row)), p.shape), np.log(p)]
        z, residual, count = lowest(self, flat, starts)
        # A label that is never chosen may leave slowly and without end: the others have their minimum without it.
        gone = (flat.labels == 0) & (softmax(z) < NONE)
        if gone.any() and z.shape[-1] <= POLISHED:
            without = polish(self, flat, np.where(gone, -np.inf, z))
            rest = np.abs(self.score_gradient(without, flat)).max(axis=-1)
            z, residual = np.where((rest < residual)[:, None], without, z), np.fmin(rest, residual)
        return answered(row, z, residual, count)


class _Pairs(Population):
    """sum_ab p_a ref_b loss(s_a, s_b), where s is a score of the student's relative probability."""

    level = "pairs"

    def _scores(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The scores of log(q / ref), and their slopes by it."""
        return h, np.ones_like(h)

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The loss of a chosen and a rejected score, and its slopes by both."""
        raise NotImplementedError

    def _terms(self, z: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray]:
        h = self.relative(z, row)
        s, slope = self._scores(h)
        weight = row.labels[..., :, None] * self.reference(row)
        with np.errstate(invalid="ignore"):  # of labels without mass, which no weight has
            value, chosen, rejected = self._pair(s[..., :, None], s[..., None, :])
            total = np.where(weight > 0, weight * value, 0.0).sum(axis=(-1, -2))
            up, down = np.where(weight > 0, weight * chosen, 0.0), np.where(weight > 0, weight * rejected, 0.0)
        moved = up.sum(axis=-1) + down.sum(axis=-2)
        return total, np.where(moved == 0, 0.0, slope) * moved

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        return self._terms(z, row)[0]

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        return by_logits(self._terms(z, row)[1], softmax(z))

    def minimise(self, row: Row) -> Found:
        return self._numeric(row)


class _Logistic(_Pairs):
    """-log sigma(beta (s_c - s_r) - margin)."""

    beta: Any
    margin = 0.0

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d = self.beta * (c - r) - self.margin
        slope = -self.beta * expit(-d)
        return softplus(-d), slope, -slope


class DPO(_Logistic):
    """Direct preference optimisation: -log sigma(beta (h_c - h_r)), h = log(q / ref).

    The minimiser is ref^(1 - 1/beta) p^(1/beta) / Z: beta = 0.1 raises p to the tenth power. Use beta = 1, or read out
    ref^(1 - beta) q^beta. Source: Rafailov et al. 2023.
    """

    id = "dpo"
    title = "Direct preference optimisation"
    formula = "-log sigma(beta (h_c - h_r)), h = log(q/ref)"
    paper = "Rafailov et al. 2023"
    consistent, rate, convex = "if beta = 1", "bias; sqrt at beta = 1", "z"
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def minimise(self, row: Row) -> Found:
        power = 1 / self.beta
        z = logs(row.labels) * power + (1 - power) * np.log(self.reference(row))
        return Found(softmax(z))


class FDPO(_Logistic):
    """DPO with another divergence: -log sigma(beta (g(u_c) - g(u_r))), u = q / ref.

    g is -1/u (forward KL), log(u / (1 + u)) (Jensen-Shannon), u^(alpha - 1) / (alpha - 1) (alpha). The minimiser has
    beta g(q_a / ref_a) = log(p_a / ref_a) + c. Read out ref_a exp(beta g(q_a / ref_a)). Source: Wang et al. 2024.
    """

    id = "f_dpo"
    title = "DPO with another divergence"
    formula = "-log sigma(beta (g(u_c) - g(u_r))), u = q/ref"
    paper = "Wang et al. 2024 (f-DPO)"
    divergence = Choice("forward_kl", "which", "forward_kl", "js_divergence", "alpha_divergence")
    alpha = Number(0.5, "of alpha_divergence, below 1", "(-inf, 1)")
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _scores(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.divergence == "forward_kl":
            return -np.exp(-h), np.exp(-h)
        if self.divergence == "js_divergence":
            return h - softplus(h), expit(-h)
        power = np.exp((self.alpha - 1) * h)
        return power / (self.alpha - 1), power

    def minimise(self, row: Row) -> Found:
        """G is below 0 and increasing: with gap = -max L - c > 0 every argument of its inverse is negative."""
        ref = self.reference(row)
        level = logs(row.labels) - np.log(ref)
        top = level.max(axis=-1, keepdims=True)

        def law(log_gap: np.ndarray) -> np.ndarray:
            x = (top - level + np.exp(log_gap)) / self.beta  # -(L + c) / beta
            if self.divergence == "forward_kl":
                u = 1 / x
            elif self.divergence == "js_divergence":
                u = np.exp(-x) / -np.expm1(-x)
            else:
                u = ((1 - self.alpha) * x) ** (1 / (self.alpha - 1))
            return ref * u

        def total(log_gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value = -np.log(law(log_gap).sum(axis=-1, keepdims=True))
            return value, np.full_like(value, np.nan)

        wide = np.full(top.shape, 60.0)
        q = law(increasing_root(total, -wide, wide))
        return Found(q / q.sum(axis=-1, keepdims=True))


class IPO(_Pairs):
    """Identity preference optimisation: (h_c - h_r - 1/(2 beta))^2.

    The minimiser is ref exp(t / (beta (1 + kappa))) / Z, t = p / (p + ref), kappa = sum (p - ref) t: the log-ratio is
    bounded by 1 / beta. Source: Azar et al. 2024; the closed form is ours.
    """

    id = "ipo"
    title = "Identity preference optimisation"
    formula = "(h_c - h_r - 1/(2 beta))^2"
    paper = "Azar et al. 2024 (closed form ours)"
    convex = "h"
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        gap = c - r - 1 / (2 * self.beta)
        return gap**2, 2 * gap, -2 * gap

    def minimise(self, row: Row) -> Found:
        p, ref = row.labels, self.reference(row)
        t = p / (p + ref)
        kappa = ((p - ref) * t).sum(axis=-1, keepdims=True)
        return Found(softmax(np.log(ref) + t / (self.beta * (1 + kappa))))


class HingePreference(_Pairs):
    """SLiC hinge: max(0, 1 - beta (h_c - h_r)).

    The minimiser is ref exp(level / beta) / Z, the levels a solution of a linear programme, often 0 and 1 and often not
    unique: each level's range at the optimum is computed. Source: Zhao et al. 2023.
    """

    id = "hinge_preference"
    title = "SLiC hinge"
    formula = "max(0, 1 - beta (h_c - h_r))"
    paper = "Zhao et al. 2023"
    smooth = False
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        gap = 1 - self.beta * (c - r)
        slope = np.where(gap > 0, -self.beta, 0.0)
        return np.maximum(gap, 0.0), slope, -slope

    def minimise(self, row: Row) -> Found:
        flat, ref = row.flat(), self.reference(row)
        found = [self._programme(p, ref) for p in flat.labels]
        levels, unique = np.array([f[0] for f in found]), np.array([f[1] for f in found])
        student = softmax(np.log(ref) + levels / self.beta)
        return Found(student.reshape(row.labels.shape), unique=unique.reshape(row.labels.shape[:-1]))

    @staticmethod
    def _programme(p: np.ndarray, ref: np.ndarray) -> tuple[np.ndarray, bool]:
        """Levels x of least sum p_a ref_b max(0, 1 - x_a + x_b), the first one 0, and whether they are unique."""
        from scipy.optimize import linprog  # slow to import

        A = p.size
        pairs = [(a, b) for a in range(A) for b in range(A) if a != b]
        weight = np.array([p[a] * ref[b] for a, b in pairs])
        rows = np.zeros((len(pairs), A + len(pairs)))
        for i, (a, b) in enumerate(pairs):
            rows[i, a], rows[i, b], rows[i, A + i] = -1, 1, -1
        bounds = [(0, 0), *[(None, None)] * (A - 1), *[(0, None)] * len(pairs)]
        cost = np.concatenate([np.zeros(A), weight])
        least = linprog(cost, A_ub=rows, b_ub=-np.ones(len(pairs)), bounds=bounds)
        face = np.vstack([rows, cost])
        room = np.append(-np.ones(len(pairs)), least.fun + 1e-9)
        ends = []
        for a in range(1, A):
            for sign in (1, -1):
                aim = np.zeros(A + len(pairs))
                aim[a] = sign
                end = linprog(aim, A_ub=face, b_ub=room, bounds=bounds)
                ends.append(sign * end.fun if end.status == 0 else sign * -np.inf)
        spread = np.array(ends).reshape(-1, 2)
        return least.x[:A], bool((np.abs(spread[:, 1] - spread[:, 0]) < 1e-6).all())


class EXO(_Pairs):
    """Efficient exact optimisation: KL((sigma(d), sigma(-d)) || (1 - epsilon, epsilon)), d = beta (h_c - h_r).

    For two labels d = (2 pi - 1) log((1 - epsilon) / epsilon), pi = p_a ref_b / (p_a ref_b + p_b ref_a); for more the
    pairs disagree and the minimum is numeric. Source: Ji et al. 2024.
    """

    id = "exo"
    title = "Efficient exact optimisation (EXO)"
    formula = "KL((sigma(d), sigma(-d)) || (1 - epsilon, epsilon)), d = beta (h_c - h_r)"
    paper = "Ji et al. 2024"
    epsilon = Number(0.001, "label smoothing, above 0", "(0, 0.5)")
    beta = Number(1.0, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d = self.beta * (c - r)
        s = expit(d)
        value = s * (-softplus(-d) - np.log1p(-self.epsilon)) + (1 - s) * (-softplus(d) - np.log(self.epsilon))
        slope = self.beta * s * (1 - s) * (d - np.log1p(-self.epsilon) + np.log(self.epsilon))
        return value, slope, -slope


class NCA(_Pairs):
    """Noise-contrastive alignment: softplus(-beta h_c) + softplus(beta h_c) / 2 + softplus(beta h_r) / 2.

    Numeric. Source: Chen et al. 2024.
    """

    id = "nca"
    title = "Noise-contrastive alignment (NCA)"
    formula = "softplus(-b h_c) + softplus(b h_c)/2 + softplus(b h_r)/2"
    paper = "Chen et al. 2024 (NCA)"
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        b = self.beta
        value = softplus(-b * c) + softplus(b * c) / 2 + softplus(b * r) / 2
        return value, b * (-expit(-b * c) + expit(b * c) / 2), b * expit(b * r) / 2 + 0 * c


class SPPO(_Pairs):
    """Self-play preference optimisation, hard: (h_c - 1/(2 beta))^2 + (h_r + 1/(2 beta))^2.

    Numeric. Source: Wu et al. 2024.
    """

    id = "sppo"
    title = "Self-play preference optimisation, hard"
    formula = "(h_c - 1/(2 beta))^2 + (h_r + 1/(2 beta))^2"
    paper = "Wu et al. 2024 (SPPO)"
    beta = Number(0.1, _BETA, "(0, inf)")
    ref = Law("uniform", _REF)

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        up, down = c - 1 / (2 * self.beta), r + 1 / (2 * self.beta)
        return up**2 + down**2, 2 * up + 0 * r, 2 * down + 0 * c


class SPIN(_Pairs):
    """Self-play fine-tuning: rounds of dpo whose rejected and reference law is the last student, from the uniform law.

    log q_t = log p + (1 - 1/beta)^t (log u - log p) up to a constant: beta < 1/2 diverges, beta = 1/2 alternates,
    beta = 1 is exact after one round. The value is that of the last round. Source: Chen et al. 2024.
    """

    id = "spin"
    title = "Self-play fine-tuning, rounds from the uniform law"
    formula = "rounds of dpo with rejected and reference = last student"
    paper = "Chen et al. 2024 (SPIN)"
    consistent = "in the limit, if beta > 1/2"
    beta = Number(0.1, _BETA, "(0, inf)")
    rounds = Whole(1, "how often the reference is replaced", 0)

    def _after(self, p: np.ndarray, rounds: int) -> np.ndarray:
        return tempered(p, 1 - (1 - 1 / self.beta) ** rounds)

    def _terms(self, z: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray]:
        before = self._after(row.labels, max(self.rounds - 1, 0))
        weight = row.labels[..., :, None] * before[..., None, :]
        with np.errstate(invalid="ignore"):
            h = logs(softmax(z)) - logs(before)
            d = self.beta * (h[..., :, None] - h[..., None, :])
            total = np.where(weight > 0, weight * softplus(-d), 0.0).sum(axis=(-1, -2))
            slope = np.where(weight > 0, -self.beta * weight * expit(-d), 0.0)
        return total, slope.sum(axis=-1) - slope.sum(axis=-2)

    def minimise(self, row: Row) -> Found:
        note = "no round yet: the uniform law" if self.rounds == 0 else ""
        return Found(self._after(row.labels, self.rounds), note=note)

    def residual(self, found: Found, row: Row) -> np.ndarray:
        return super().residual(found, row) if self.rounds else np.full(found.student.shape[:-1], np.nan)


class SimPO(_Logistic):
    """SimPO: -log sigma(beta (log q_c - log q_r) - gamma), the rejected label uniform.

    gamma = 0: p^(1/beta) / Z; else numeric. Source: Meng et al. 2024.
    """

    id = "simpo"
    title = "SimPO"
    formula = "-log sigma(beta (log q_c - log q_r) - gamma)"
    paper = "Meng et al. 2024"
    convex = "z"
    beta = Number(2.0, "inverse temperature", "(0, inf)")
    gamma = Number(0.5, "target margin, not multiplied by beta", "[0, inf)")

    @property
    def margin(self) -> float:  # type: ignore[override]
        return self.gamma

    def minimise(self, row: Row) -> Found:
        return Found(tempered(row.labels, 1 / self.beta)) if self.gamma == 0 else self._numeric(row)


class CPO(_Logistic):
    """Contrastive preference optimisation: -log sigma(beta (log q_c - log q_r)) - alpha log q_c, rejected uniform.

    Numeric. Source: Xu et al. 2024.
    """

    id = "cpo"
    title = "Contrastive preference optimisation"
    formula = "-log sigma(beta (log q_c - log q_r)) - alpha log q_c"
    paper = "Xu et al. 2024 (CPO)"
    convex = "z"
    beta = Number(0.1, "inverse temperature", "(0, inf)")
    alpha = Number(1.0, "weight of the cross-entropy", "[0, inf)")

    def relative(self, z: np.ndarray, row: Row) -> np.ndarray:
        """Log q itself: there is no reference model."""
        return logs(softmax(z))

    def _pair(self, c: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        value, chosen, rejected = super()._pair(c, r)
        return value - self.alpha * c, chosen - self.alpha, rejected


class ORPO(_Pairs):
    """Odds-ratio preference optimisation: -log q_c - weight log sigma(logit q_c - logit q_r), rejected uniform.

    Numeric. Source: Hong et al. 2024.
    """

    id = "orpo"
    title = "Odds-ratio preference optimisation"
    formula = "-log q_c - weight log sigma(logit q_c - logit q_r)"
    paper = "Hong et al. 2024"
    weight = Number(0.1, "weight of the odds ratio", "[0, inf)")

    def _terms(self, z: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray]:
        q, p = softmax(z), row.labels
        odds = logs(q) - np.log1p(-np.minimum(q, 1 - 1e-16))
        d = odds[..., :, None] - odds[..., None, :]
        weight = self.weight * p[..., :, None] * self.reference(row)
        with np.errstate(invalid="ignore"):
            total = np.where(weight > 0, weight * softplus(-d), 0.0).sum(axis=(-1, -2))
            slope = np.where(weight > 0, -weight * expit(-d), 0.0)
            plain = -np.where(p > 0, p * logs(q), 0.0).sum(axis=-1)
        turned = (slope.sum(axis=-1) - slope.sum(axis=-2)) / np.maximum(1 - q, 1e-300)
        return total + plain, turned - p


#: What `kt_theory.losses.registry` lists.
LOSSES = (DPO, FDPO, IPO, HingePreference, EXO, NCA, SPPO, SPIN, SimPO, CPO, ORPO)
