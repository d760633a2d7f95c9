"""Losses on soft labels that are least at the teacher's law alone, or at a set of laws.

By lemma L2 there is nothing to choose among them in a table: the student is the teacher's row after one visit.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.learners.learner import Learner
from kt_theory.learners.soft import CE_FUL
from kt_theory.losses.domains import Number
from kt_theory.losses.loss import Found, Loss, ScoreLoss
from kt_theory.losses.row import Row, logs, softmax, tempered


class _Exact(Loss):
    """Least, alone, at the teacher's row."""

    level = "soft"
    consistent, rate = "yes", "exp S"

    def minimise(self, row: Row) -> Found:
        return Found(row.shown)

    def twin(self) -> Learner | None:
        return CE_FUL


def _log_ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log(a / b), 0 where a is 0."""
    on = a != 0
    with np.errstate(divide="ignore"):
        return np.where(on, np.log(np.where(on, a, 1.0) / np.where(on, b, 1.0)), 0.0)


class ForwardKL(_Exact):
    """Forward KL with a temperature on both sides: T^2 KL(p_T || q_T).

    Exact on visited inputs. A temperature on one side only is the channel `temperature`. Source: Hinton et al. 2015.
    """

    id = "forward_kl"
    title = "Forward KL, temperature T on both sides"
    formula = "T^2 KL(p_T || q_T)"
    paper = "Hinton et al. 2015"
    convex = "z"
    T = Number(1.0, "temperature", "(0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, r = tempered(row.shown, 1 / self.T), tempered(q, 1 / self.T)
        return self.T**2 * (p * _log_ratio(p, r)).sum(axis=-1)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self.T * (tempered(q, 1 / self.T) - tempered(row.shown, 1 / self.T))


class ReverseKL(_Exact):
    """Reverse KL: KL(q || p). Exact on visited inputs; infinite where p_a = 0 < q_a. Source: Gu et al. 2024."""

    id = "reverse_kl"
    title = "Reverse KL"
    formula = "KL(q || p)"
    paper = "Gu et al. 2024 (MiniLLM)"
    convex = "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return (q * _log_ratio(q, row.shown)).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return q * (_log_ratio(q, row.shown) + 1)


class JensenShannon(_Exact):
    """Generalised Jensen-Shannon divergence: beta KL(p || m) + (1 - beta) KL(q || m), m = beta p + (1 - beta) q.

    Exact on visited inputs. Trainers let 0 stand for forward and 1 for reverse KL; some swap the roles of beta.
    Source: Agarwal et al. 2024 (GKD).
    """

    id = "jensen_shannon"
    title = "Generalised Jensen-Shannon divergence (GKD)"
    formula = "beta KL(p || m) + (1 - beta) KL(q || m), m = beta p + (1 - beta) q"
    paper = "Agarwal et al. 2024"
    convex = "q"
    beta = Number(0.5, "share of the teacher in the mixture", "(0, 1)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p = row.shown
        m = self.beta * p + (1 - self.beta) * q
        terms = self.beta * p * _log_ratio(p, m) + (1 - self.beta) * q * _log_ratio(q, m)
        return terms.sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        m = self.beta * row.shown + (1 - self.beta) * q
        return (1 - self.beta) * q * _log_ratio(q, m)


class SkewForwardKL(_Exact):
    """Skew forward KL: KL(p || alpha p + (1 - alpha) q). Exact on visited inputs; its gradients vanish like 1 - alpha.

    Source: Ko et al. 2024 (DistiLLM).
    """

    id = "skew_forward_kl"
    title = "Skew forward KL (DistiLLM)"
    formula = "KL(p || alpha p + (1 - alpha) q)"
    paper = "Ko et al. 2024"
    convex = "q"
    alpha = Number(0.1, "share of the teacher", "[0, 1)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p = row.shown
        return (p * _log_ratio(p, self.alpha * p + (1 - self.alpha) * q)).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        p = row.shown
        m = self.alpha * p + (1 - self.alpha) * q
        return -np.divide((1 - self.alpha) * p * q, m, out=np.zeros_like(m), where=p > 0)


class SkewReverseKL(_Exact):
    """Skew reverse KL: KL(q || (1 - alpha) p + alpha q). Exact on visited inputs; finite where p_a = 0.

    Source: Ko et al. 2024 (DistiLLM).
    """

    id = "skew_reverse_kl"
    title = "Skew reverse KL (DistiLLM)"
    formula = "KL(q || (1 - alpha) p + alpha q)"
    paper = "Ko et al. 2024"
    convex = "q"
    alpha = Number(0.1, "share of the student", "[0, 1)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return (q * _log_ratio(q, (1 - self.alpha) * row.shown + self.alpha * q)).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        m = (1 - self.alpha) * row.shown + self.alpha * q
        inner = np.divide(self.alpha * q, m, out=np.zeros_like(m), where=q > 0)
        return q * (_log_ratio(q, m) + 1 - inner)


class AlphaBeta(_Exact):
    """Alpha-beta divergence: -(1 / (alpha beta)) sum_a (p^alpha q^beta - (alpha p^s + beta q^s) / s), s = alpha + beta.

    Limits at 0 are taken. Exact on visited inputs; its terms are pointwise non-negative, hence safe under truncation.
    Source: Wang et al. 2025 (ABKD).
    """

    id = "alpha_beta"
    title = "Alpha-beta divergence (ABKD)"
    formula = "-(1/(alpha beta)) sum_a (p^alpha q^beta - (alpha p^s + beta q^s)/s), s = alpha + beta"
    paper = "Wang et al. 2025"
    alpha = Number(0.2, "limits at 0 as in the paper")
    beta = Number(0.7, "limits at 0 as in the paper")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        a, b = self.alpha, self.beta
        p, s = np.where(row.shown > 0, row.shown, 1e-300), a + b
        q = np.where(q != 0, q, 1e-300)
        ratio = np.log(q / p)
        if a == 0 and b == 0:
            terms = ratio**2 / 2
        elif b == 0:
            terms = (-a * p**a * ratio - p**a + q**a) / a**2
        elif a == 0:
            terms = (b * q**b * ratio - q**b + p**b) / b**2
        elif s == 0:
            terms = (a * ratio + np.exp(-a * ratio) - 1) / a**2
        else:
            terms = -(p**a * q**b - (a * p**s + b * q**s) / s) / (a * b)
        return terms.sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        a, b = self.alpha, self.beta
        p = np.where(row.shown > 0, row.shown, 1e-300)
        q = np.where(q > 0, q, 1e-300)
        w = q**b * np.log(q / p) if a == 0 else (q ** (a + b) - p**a * q**b) / a
        return np.where((row.shown > 0) | (q > 1e-300), w, 0.0)


class AdaptiveKL(_Exact):
    """Adaptive KL: w KL(p || q) + (1 - w) KL(q || p), w = sg(gap on the head) / (gap on head and tail).

    The head holds the top labels of mass mu, the gap is the absolute difference. Exact on visited inputs; 0/0 exactly
    at q = p, taken as 1/2. Ports that keep the gradient of w are other losses. Source: Wu et al. 2024 (AKL).
    """

    id = "adaptive_kl"
    title = "Adaptive KL (AKL)"
    formula = "w KL(p || q) + (1 - w) KL(q || p), w = share of the gap on the head, held fixed"
    paper = "Wu et al. 2024"
    detached = True
    mu = Number(0.5, "mass of the head", "(0, 1)")

    def _weight(self, q: np.ndarray, row: Row) -> np.ndarray:
        order = np.argsort(-row.shown, axis=-1, kind="stable")
        down = np.take_along_axis(row.shown, order, axis=-1)
        head = np.zeros(row.shown.shape, dtype=bool)
        np.put_along_axis(head, order, np.cumsum(down, axis=-1) - down < self.mu - 1e-12, axis=-1)
        gap = np.abs(q - row.shown)
        total = gap.sum(axis=-1, keepdims=True)
        on = np.where(head, gap, 0.0).sum(axis=-1, keepdims=True)
        return np.divide(on, total, out=np.full(total.shape, 0.5), where=total > 0)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        p, w = row.shown, self._weight(q, row)
        return (w * p * _log_ratio(p, q) + (1 - w) * q * _log_ratio(q, p)).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        w = self._weight(q, row)
        return -w * row.shown + (1 - w) * q * (_log_ratio(q, row.shown) + 1)


class TAID(_Exact):
    """Temporally adaptive interpolation: -sum_a r_a log q_a, r = softmax((1 - t) sg(z) + t log p).

    A stop-gradient loss: its fixed point is p for every t > 0, its value is least elsewhere. Source: Shing et al. 2025.
    """

    id = "taid"
    title = "Temporally adaptive interpolation (TAID)"
    formula = "-sum_a r_a log q_a, r = softmax((1 - t) sg(z) + t log p)"
    paper = "Shing et al. 2025"
    detached = True
    t = Number(0.4, "interpolation, rises to 1", "(0, 1]")

    def _target(self, q: np.ndarray, row: Row) -> np.ndarray:
        mix = (1 - self.t) * logs(np.where(q > 0, q, 1.0)) + self.t * logs(np.where(row.shown > 0, row.shown, 1.0))
        return softmax(np.where((q > 0) & (row.shown > 0), mix, -np.inf))

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -xlogy(self._target(q, row), q).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -self._target(q, row)


class AlphaMixture(_Exact):
    """Alpha-mixture assistant: KL(p || r), r prop. to (mix p^c + (1 - mix) q^c)^(1/c), c = (1 - alpha) / 2.

    alpha = -1 is the skew family, alpha = 1 the geometric one. Exact on visited inputs. Source: AMiD 2025, the formula
    from secondary sources.
    """

    id = "alpha_mixture"
    title = "Alpha-mixture assistant (AMiD)"
    formula = "KL(p || r), r prop. to (mix p^c + (1 - mix) q^c)^(1/c), c = (1 - alpha)/2"
    paper = "AMiD 2025 (formula from secondary sources)"
    alpha = Number(-0.5, "-1 arithmetic, 1 geometric")
    mix = Number(0.3, "share of the teacher", "(0, 1)")

    def _mixed(self, q: np.ndarray, row: Row) -> tuple[np.ndarray, np.ndarray]:
        """The assistant's law, and the slope of its logits by those of q."""
        c = (1 - self.alpha) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            log_p, log_q = np.log(self.mix) + c * logs(row.shown), np.log(1 - self.mix) + c * logs(q)
            if c == 0:
                z = self.mix * logs(row.shown) + (1 - self.mix) * logs(q)
                share = np.full(q.shape, 1 - self.mix)
            else:
                both = np.logaddexp(log_p, log_q)
                z, share = both / c, np.exp(log_q - both)
        on = (q > 0) | ((row.shown > 0) & (c > 0))
        return softmax(np.where(on, z, -np.inf)), np.where(on, share, 0.0)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return (row.shown * _log_ratio(row.shown, self._mixed(q, row)[0])).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        r, share = self._mixed(q, row)
        return share * (r - row.shown)


class TotalVariation(_Exact):
    """Total variation on soft labels: (1/2) sum_a |q_a - p_a|. With samples in the place of p it is `mae`.

    Exact on visited inputs. Source: Wen et al. 2023.
    """

    id = "total_variation"
    title = "Total variation on soft labels"
    formula = "(1/2) sum_a |q_a - p_a|"
    paper = "Wen et al. 2023"
    convex = "q"
    smooth = False

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return 0.5 * np.abs(q - row.shown).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return 0.5 * q * np.sign(q - row.shown)


class SquaredHellinger(_Exact):
    """Squared Hellinger distance: sum_a (sqrt q_a - sqrt p_a)^2. Exact on visited inputs. Source: textbook."""

    id = "squared_hellinger"
    title = "Squared Hellinger distance"
    formula = "sum_a (sqrt q_a - sqrt p_a)^2"
    paper = "textbook"
    convex = "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return ((np.sqrt(q) - np.sqrt(row.shown)) ** 2).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return q - np.sqrt(row.shown * q)


class MSEProbabilities(_Exact):
    """Squared error of probabilities: sum_a (q_a - p_a)^2. Exact on visited inputs. Source: textbook."""

    id = "mse_probabilities"
    title = "Squared error of probabilities"
    formula = "sum_a (q_a - p_a)^2"
    paper = "textbook"
    convex = "q"

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return ((q - row.shown) ** 2).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return 2 * q * (q - row.shown)


class MSELogits(_Exact, ScoreLoss):
    """Squared error of raw logits: sum_a (z_a - z*_a)^2, z* = log p here.

    Exact on visited inputs. Absolute logits: it averages noise in log space, and removes a watermark that averages in
    probability keep. Refuses a teacher with a zero. Source: Ba and Caruana 2014.
    """

    id = "mse_logits"
    title = "Squared error of raw logits"
    formula = "sum_a (z_a - z*_a)^2"
    paper = "Ba & Caruana 2014"
    convex = "z"
    takes_logs = True

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        return ((z - logs(row.shown)) ** 2).sum(axis=-1)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        return 2 * (z - logs(row.shown))


class TokenScaled(_Exact):
    """Token-scaled logit distillation: sum_i w_i CE(p, q) at input i, w the softmax of (-log p(y_i)) / T over inputs.

    Couples the inputs by weights that move no minimiser in a table; they matter for a student of limited capacity.
    Source: Kim et al. 2023 (TSLD).
    """

    id = "token_scaled"
    title = "Token-scaled logit distillation (TSLD)"
    formula = "sum_i w_i CE(p, q), w = softmax of (-log p(y_i)) / T"
    paper = "Kim et al. 2023"
    convex = "z"
    couples_inputs = True
    separable = False
    T = Number(10.0, "temperature of the weights", "(0, inf)")

    def _weights(self, row: Row) -> np.ndarray:
        mean = -xlogy(row.labels, np.where(row.labels > 0, row.shown, 1.0)).sum(axis=-1) / self.T
        powers = np.exp(mean - mean.max())
        return powers / powers.sum()

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -self._weights(row) * xlogy(row.shown, q).sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        return -self._weights(row)[..., None] * row.shown + 0 * q


#: What `kt_theory.losses.registry` lists.
LOSSES = (
    ForwardKL,
    ReverseKL,
    JensenShannon,
    SkewForwardKL,
    SkewReverseKL,
    AlphaBeta,
    AdaptiveKL,
    TAID,
    AlphaMixture,
    TotalVariation,
    SquaredHellinger,
    MSEProbabilities,
    MSELogits,
    TokenScaled,
)
