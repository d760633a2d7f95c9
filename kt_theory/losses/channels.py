"""Channels, which change a teacher before a student sees it, and what is done to a student after the fact."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from kt_theory import checks
from kt_theory.losses.domains import Choice, Declared, Flag, Law, Number, Numbers, Whole, law_of
from kt_theory.losses.links import stable
from kt_theory.losses.loss import Found, Limit, checked_teacher
from kt_theory.losses.norms import centred
from kt_theory.losses.row import Row, logs, scaled, softmax, tempered
from kt_theory.losses.solving import increasing_root

#: Green lists and masks that are gone through.
CASES = 10**5


class Channel(Declared):
    """A map of laws of the labels."""

    title: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    level: ClassVar[str] = "channel"
    consistent: ClassVar[str] = "no"
    rate: ClassVar[str] = "-"
    takes_logs: ClassVar[bool] = False

    @property
    def source(self) -> str:
        """The paper that it is from."""
        return self.paper

    @property
    def protocol(self) -> None:
        """None: a channel is no loss."""
        return

    def apply(self, p: Any) -> np.ndarray:
        """The law that comes out.

        Parameters
        ----------
        p : array_like, shape (..., A)

        Returns
        -------
        ndarray, shape (..., A)

        Raises
        ------
        ValueError
            If a row of `p` is no law, or has a zero where the channel takes its logarithm.
        """
        teacher = checked_teacher(p)
        if self.takes_logs and (teacher == 0).any():
            place = checks.place(np.argwhere(teacher == 0)[0])
            raise ValueError(f"p{place} is 0: {self.id} takes the logarithm of each probability; leave the label out")
        return self._map(teacher)

    def _map(self, p: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def limit(self, p: Any, rho: Any = None) -> Any:
        """Refused: a channel is no loss."""
        raise self._no("limit")

    def learner(self) -> Any:
        """Refused: a channel is no loss."""
        raise self._no("learner")

    def _no(self, what: str) -> checks.Unsupported:
        return checks.Unsupported(
            f"{self.name} is a channel and has no {what}: kt_theory.losses.through(channel, loss) has the limit of a "
            "loss on what apply(p) makes of a teacher"
        )

    def inverse(self) -> Channel | None:
        """The channel that undoes it, or None if there is none."""
        return None


class Undone(Channel):
    """The inverse of a channel."""

    def __init__(self, channel: Channel, function: Callable[[np.ndarray], np.ndarray]) -> None:
        self.__dict__.update(id=f"inverse of {channel.name}", inner=channel, function=function)
        super().__init__()

    def _map(self, p: np.ndarray) -> np.ndarray:
        return self.__dict__["function"](p)

    def inverse(self) -> Channel:
        return self.__dict__["inner"]


class Temperature(Channel):
    """Temperature: p^(1/T) / Z. Harmless when the student is tempered too. Source: Hinton et al. 2015."""

    id = "temperature"
    title = "Temperature"
    formula = "p^(1/T) / Z"
    paper = "Hinton et al. 2015"
    T = Number(2.0, "temperature", "(0, inf)")

    def _map(self, p: np.ndarray) -> np.ndarray:
        return tempered(p, 1 / self.T)

    def inverse(self) -> Channel:
        return Temperature(T=1 / self.T)


class PowerTilt(Channel):
    """Power tilt: p^(1 + w) / Z, unlearning by logit difference on inputs to forget, the assistant having learnt p.

    Invertible for w other than -1. The released code filters labels relative to the largest first. Source: Ji et al.
    2024.
    """

    id = "power_tilt"
    title = "Power tilt: unlearning by logit difference"
    formula = "p^(1 + w) / Z"
    paper = "Ji et al. 2024"
    w = Number(-0.8, "weight of the assistant's logits")

    def _map(self, p: np.ndarray) -> np.ndarray:
        return tempered(p, 1 + self.w)

    def inverse(self) -> Channel | None:
        return None if self.w == -1 else PowerTilt(w=1 / (1 + self.w) - 1)


class GeometricBlend(Channel):
    """Geometric blend of two models' logits: p^(1 - alpha) ref^alpha / Z.

    Source: Li et al. 2025 (VISTA); contrastive decoding.
    """

    id = "geometric_blend"
    title = "Geometric blend of two models' logits"
    formula = "p^(1 - alpha) ref^alpha / Z"
    paper = "Li et al. 2025 (VISTA)"
    alpha = Number(0.3, "weight of the other logits", "[0, 1)")
    ref = Law("uniform", "law of the other model")

    def _map(self, p: np.ndarray) -> np.ndarray:
        other = np.log(law_of(self.ref, p.shape[-1], self.id))
        return softmax((1 - self.alpha) * logs(p) + self.alpha * other)

    def inverse(self) -> Channel:
        def back(q: np.ndarray) -> np.ndarray:
            other = np.log(law_of(self.ref, q.shape[-1], self.id))
            return softmax((logs(q) - self.alpha * other) / (1 - self.alpha))

        return Undone(self, back)


class Watermark(Channel):
    """Green-list watermark: p_a exp(delta 1[a in G]) / Z, |G| = max(floor(gamma A), 1).

    Averaged over keys, that is over all green lists, as forward KL and the MLE see it; or the first labels green. A
    fixed key can be divided out. The mean of raw logits has no bias: the watermark lives in the arithmetic mean.
    Source: Kirchenbauer et al. 2023; Piet et al. 2023.
    """

    id = "watermark"
    title = "Green-list watermark"
    formula = "p_a exp(delta 1[a in G]) / Z"
    paper = "Kirchenbauer et al. 2023"
    delta = Number(2.0, "what green logits gain", "[0, inf)")
    gamma = Number(0.5, "share of green labels", "(0, 1)")
    keys = Choice("averaged", "over all green lists, or the first labels green", "averaged", "fixed")

    def _green(self, A: int) -> int:
        return max(math.floor(self.gamma * A), 1)

    def _map(self, p: np.ndarray) -> np.ndarray:
        A = p.shape[-1]
        size = self._green(A)
        if self.keys == "fixed":
            return self._marked(p, range(size))
        count = math.comb(A, size)
        if count > CASES:
            raise checks.Unsupported(f"watermark: {A} labels have {count} green lists, more than {CASES}")
        return np.mean([self._marked(p, green) for green in itertools.combinations(range(A), size)], axis=0)

    def _marked(self, p: np.ndarray, green: Any) -> np.ndarray:
        weight = np.ones(p.shape[-1])
        weight[list(green)] = math.exp(self.delta)
        return scaled(p * weight)

    def inverse(self) -> Channel | None:
        if self.keys == "averaged":
            return None

        def back(q: np.ndarray) -> np.ndarray:
            weight = np.ones(q.shape[-1])
            weight[: self._green(q.shape[-1])] = math.exp(-self.delta)
            return scaled(q * weight)

        return Undone(self, back)


class QuantisedLogits(Channel):
    """Quantised logits: softmax of log p rounded to 2^bits levels between its least and its largest value.

    Total variation at most tanh(step / 4); not monotone in bits. Source: Xu et al. 2023 (EQ-Net).
    """

    id = "quantised_logits"
    title = "Quantised logits, min-max"
    formula = "softmax of logits rounded to 2^bits levels between min and max"
    paper = "Xu et al. 2023 (EQ-Net)"
    takes_logs = True
    bits = Whole(4, "bits a logit", 1, 52)

    def _map(self, p: np.ndarray) -> np.ndarray:
        z = np.log(p)
        low = z.min(axis=-1, keepdims=True)
        step = (z.max(axis=-1, keepdims=True) - low) / (2**self.bits - 1)
        level = np.divide(z - low, step, out=np.zeros_like(z), where=step > 0)
        return softmax(low + np.round(level) * step)


class RoundedLogprobs(Channel):
    """Rounded log-probabilities, scaled to one. Total variation at most tanh(10^-decimals / 4). Source: practice."""

    id = "rounded_logprobs"
    title = "Rounded log-probabilities"
    formula = "softmax of log p rounded to decimals"
    paper = "API practice"
    decimals = Whole(1, "decimal digits", 0, 15)

    def _map(self, p: np.ndarray) -> np.ndarray:
        return softmax(np.round(logs(p), self.decimals))


class MinP(Channel):
    """Min-p sampling: p_a 1[p_a >= min_p max p] / Z. Source: decoding practice."""

    id = "min_p"
    title = "Min-p sampling"
    formula = "p_a 1[p_a >= min_p max p] / Z"
    paper = "decoding practice"
    min_p = Number(0.1, "share of the largest probability", "[0, 1]")

    def _map(self, p: np.ndarray) -> np.ndarray:
        return scaled(np.where(p >= self.min_p * p.max(axis=-1, keepdims=True), p, 0.0))


class StandardisedReadout(Channel):
    """Standardised logits as post-processing: softmax(scale (z - mean) / deviation), z = log p.

    The deviation is lost. Source: Wei et al. 2024 (Skywork-MoE).
    """

    id = "standardised_readout"
    title = "Standardised logits as post-processing"
    formula = "softmax(scale (z - mean) / std)"
    paper = "Wei et al. 2024 (Skywork-MoE)"
    takes_logs = True
    scale = Number(1.0, "lambda", "(0, inf)")
    ddof = Whole(1, "the deviation's convention", 0, 1)

    def _map(self, p: np.ndarray) -> np.ndarray:
        z = centred(np.log(p))
        dev = np.sqrt((z**2).sum(axis=-1, keepdims=True) / max(p.shape[-1] - self.ddof, 1))
        return softmax(self.scale * np.divide(z, dev, out=np.zeros_like(z), where=dev > 0))


class StablemaxReadout(Channel):
    """StableMax read-out of softmax logits: s(log p) / Z, s(x) = x + 1 for x >= 0, 1 / (1 - x) below.

    Mixing links is a bias. s is monotone: not centred, it is inverted label by label. Source: Prieto et al. 2025.
    """

    id = "stablemax_readout"
    title = "StableMax read-out of softmax logits"
    formula = "s(log p) / Z"
    paper = "Prieto et al. 2025"
    centred = Flag(False, "centre log p first, which refuses a zero")

    def _map(self, p: np.ndarray) -> np.ndarray:
        if self.centred and (p == 0).any():
            place = checks.place(np.argwhere(p == 0)[0])
            raise ValueError(f"p{place} is 0: stablemax_readout centres the logarithms; leave the label out")
        return scaled(stable(centred(logs(p)) if self.centred else logs(p)))

    def inverse(self) -> Channel | None:
        if self.centred:
            return None

        def back(q: np.ndarray) -> np.ndarray:
            def total(log_c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                # log p = 1 - 1 / (c q), s being at most 1; the probabilities sum to 1 for one c.
                with np.errstate(divide="ignore"):
                    inner = 1 - 1 / (np.exp(log_c) * q)
                value = np.log(np.exp(inner).sum(axis=-1, keepdims=True))
                return value, np.full_like(value, np.nan)

            top = -np.log(q.max(axis=-1, keepdims=True))
            c = np.exp(increasing_root(total, top - 50, top))
            with np.errstate(divide="ignore"):
                return scaled(np.exp(1 - 1 / (c * q)))

        return Undone(self, back)


class Soup(Channel):
    """Average of students: of their weights, in a table of their logits, a geometric mean; or of probabilities.

    The ingredients are p^t here, t in `powers`. Consistent if every ingredient is. Source: Wortsman et al. 2022.
    """

    id = "soup"
    title = "Average of students"
    formula = "mean of logits, or of probabilities"
    paper = "Wortsman et al. 2022"
    level = "post"
    consistent, rate = "if every ingredient is", "as its ingredients"
    average = Choice("logits", "what is averaged", "logits", "probabilities")
    powers = Numbers((2.0, 0.5), "the ingredients are p^t")

    def _map(self, p: np.ndarray) -> np.ndarray:
        if self.average == "logits":
            return tempered(p, sum(self.powers) / len(self.powers))
        return np.mean([tempered(p, t) for t in self.powers], axis=0)


class TempNet(Channel):
    """Temperature network on frozen logits: tau CE(z / tau, y) + tau (rho log A - log A).

    It pins KL(softmax(z / tau) || uniform) of every input at rho log A, tau clipped to [tau_min, tau_max]. Trained
    jointly the temperature drops out and tau runs to a bound. Source: Qiu et al. 2024.
    """

    id = "tempnet"
    title = "Temperature network on frozen logits"
    formula = "tau CE(z/tau, y) + tau (rho log A - log A)"
    paper = "Qiu et al. 2024"
    level = "post"
    rho = Number(0.5, "in units of log A", "(0, 1)")
    tau_min = Number(0.01, "least temperature", "(0, inf)")
    tau_max = Number(2.0, "largest temperature", "(0, inf)")

    def _map(self, p: np.ndarray) -> np.ndarray:
        if self.tau_min > self.tau_max:
            raise ValueError(f"tau_min is {self.tau_min:g}: tempnet needs it at most tau_max, {self.tau_max:g}")
        aim = self.rho * np.log(p.shape[-1])

        def gap(log_tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            q = tempered(p, np.exp(-log_tau))
            kl = (np.where(q > 0, q * logs(np.where(q > 0, q, 1.0)), 0.0)).sum(-1, keepdims=True) + np.log(p.shape[-1])
            return aim - kl, np.full_like(kl, np.nan)

        ends = np.full((*p.shape[:-1], 1), np.log(self.tau_min)), np.full((*p.shape[:-1], 1), np.log(self.tau_max))
        return tempered(p, np.exp(-increasing_root(gap, *ends)))


class MaskedTemperature(Channel):
    """Masked temperature scaling: T = argmin of E_m CE(softmax(m z / T)), m_a ~ Bern(keep), z = log p centred.

    p^(1/T) / Z: not shift invariant, the gauge is fixed by centring. Source: Zhu et al. 2023; rebuilt from secondary
    text.
    """

    id = "masked_temperature"
    title = "Masked temperature scaling"
    formula = "p^(1/T), T = argmin E_m CE(softmax(m z/T)), m_a ~ Bern(keep)"
    paper = "Zhu et al. 2023 (rebuilt from secondary text)"
    level = "post"
    takes_logs = True
    keep = Number(0.9, "share of labels kept", "(0, 1]")

    def _map(self, p: np.ndarray) -> np.ndarray:
        A = p.shape[-1]
        if 2**A > CASES:
            raise checks.Unsupported(f"masked_temperature: {A} labels have 2^{A} masks, more than {CASES}")
        masks = np.array(list(itertools.product((0.0, 1.0), repeat=A)))
        weight = self.keep ** masks.sum(1) * (1 - self.keep) ** (A - masks.sum(1))
        z = centred(np.log(p))[..., None, :] * masks

        def slope(log_beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            r = softmax(np.exp(log_beta)[..., None] * z)
            value = (weight * ((r - p[..., None, :]) * z).sum(axis=-1)).sum(axis=-1)[..., None]
            return value, np.full_like(value, np.nan)

        ends = np.full((*p.shape[:-1], 1), -30.0), np.full((*p.shape[:-1], 1), 30.0)
        return tempered(p, np.exp(increasing_root(slope, *ends)))


class Through(Limit):
    """A loss whose student is shown what a channel makes of the teacher: its labels and its probabilities."""

    def __init__(self, channel: Channel, loss: Limit) -> None:
        self.__dict__.update(channel=channel, loss=loss, id=f"{loss.name} through {channel.name}")
        super().__init__()

    @property
    def name(self) -> str:
        return self.__dict__["id"]

    def limit(self, p: Any, rho: Any = None) -> Any:
        return self.__dict__["loss"].limit(self.__dict__["channel"].apply(p), rho)

    def minimise(self, row: Row) -> Found:
        return self.__dict__["loss"].minimise(row)

    def learner(self) -> Any:
        raise checks.Unsupported(
            f"{self.name} has no learner: a data set of the changed teacher is one of Problem(rho, channel.apply(p)), "
            "on which the learner of the loss is simulated"
        )


def through(channel: Channel, loss: Limit) -> Through:
    """A loss on what a channel makes of the teacher.

    Parameters
    ----------
    channel : Channel
        Applied to the teacher before labels are drawn and probabilities shown.
    loss : Limit
        A loss of `kt_theory.losses.make`.

    Returns
    -------
    Through
        `limit(p)` is the limit of the loss at ``channel.apply(p)``.

    Raises
    ------
    ValueError
        If one of the two is none.

    Examples
    --------
    >>> from kt_theory.losses import make
    >>> watermarked = through(make("watermark", delta=1), make("cross_entropy"))
    >>> watermarked.limit([0.5, 0.3, 0.2]).student.round(3).tolist()
    [0.478, 0.308, 0.215]
    """
    checks.instance_of("channel", channel, Channel, "kt_theory.losses.make('temperature') makes one")
    checks.instance_of("loss", loss, Limit, "kt_theory.losses.make('cross_entropy') makes one")
    return Through(channel, loss)


#: What `kt_theory.losses.registry` lists.
LOSSES = (
    Temperature,
    PowerTilt,
    GeometricBlend,
    Watermark,
    QuantisedLogits,
    RoundedLogprobs,
    MinP,
    StandardisedReadout,
    StablemaxReadout,
    Soup,
    TempNet,
    MaskedTemperature,
)
