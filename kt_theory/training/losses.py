r"""The losses, each with the student that a table of free logits tends to.

Let z be a row of logits, q = softmax(z / T) the student's law, p the teacher's, and y a sampled label.

**The squared error of logits is exact.** The logit of the theory is log pi(a|s), the logarithm of a probability, not
a raw output of a network: log q_a = z_a - log sum_b exp(z_b). With r_a = log q_a - log p_a on told labels of weights
w_a > 0, the gradient of sum w_a r_a^2 / 2 in z_b is w_b r_b - q_b R with R = sum w_a r_a, and -q_b R on untold labels.
Where it vanishes and a label is untold, R = 0, hence every r_a = 0. Where all are told, w_b r_b = q_b R, so that all r
have one sign, which two laws that sum to 1 allow for r = 0 only. So *every* stationary point has q = p on all told
labels, though the loss is not convex, and for all weights w > 0: how often a label was drawn changes the path of
training, not its limit. Cross-entropy weighted by p is not so: with labels drawn from p its weights are p^2, and its
minimiser is p^2 / sum_b p_b^2 (Z&Z Lemma 4.2).

**The rest counts as one label.** Let K be the told labels, P = p(K), Q = q(K). The divergence of the
laws (p_K, 1 - P) and (q_K, 1 - Q) is least, and 0, at q_K = p_K alone. Without the term of the rest, or with p_K / P in
the place of p_K, the least point is p_K / P: its total variation is 1 - P at any number of samples.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from kt_theory.training.arguments import (
    Reduction,
    Told,
    checked_floor,
    checked_labels,
    checked_log_probs,
    checked_logits,
    checked_reduction,
    checked_temperature,
    checked_told,
)
from kt_theory.training.rows import SoftKL, ToldAndRest

#: The logarithm of the smallest normal float32, 2^-126: probabilities below it are 0 to `squared_error_logit`.
FLOOR = -126 * math.log(2)


def cross_entropy(
    logits: Tensor, labels: Tensor, *, reduction: Reduction = "mean", ignore_index: int = -100, temperature: float = 1.0
) -> Tensor:
    """Cross-entropy on hard labels, - log q(y): a table tends to the frequencies of the labels (CE_sgl).

    It is `torch.nn.functional.cross_entropy` with labels on the last axis, computed in float32 at least and in blocks.

    Parameters
    ----------
    logits : Tensor, shape (..., A)
        The student's.
    labels : Tensor of whole numbers, shape (...)
        The sampled labels, 0 to A - 1, or `ignore_index`.
    reduction : {"mean", "sum", "none"}
        Over samples; "mean" divides by the number of samples that are not ignored, and is nan if there is none.
    ignore_index : int
        Samples with this label have loss 0 and no gradient.
    temperature : float
        T > 0 of the student's law softmax(logits / T). No factor T^2 is applied.

    Returns
    -------
    Tensor
        float64 for float64 logits, else float32; a scalar, or of shape (...) for "none". In nats.

    Raises
    ------
    ValueError
        If a shape, a type or a word is none of these; on the CPU, if a label is out of range.
    ImportError
        Without the extra ``torch``.

    Notes
    -----
    Source: Z&Z (3.3).

    Examples
    --------
    >>> import torch
    >>> round(cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).item(), 6)
    0.693147
    """
    reduction = checked_reduction(reduction)
    told = checked_told(logits, labels, ignore_index, sets=False)
    log_q, _ = _log_student(logits, told, temperature)
    return _reduced(-log_q, told.here, logits, reduction)


def naive_partial_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    log_probs: Tensor,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    temperature: float = 1.0,
) -> Tensor:
    """Cross-entropy weighted by the revealed probability, - p(y) log q(y): **biased**; for comparison (CE_ptl).

    With labels drawn from the teacher a table tends to p^2 / sum_b p_b^2, and stays there however many samples there
    are: `kt_theory.bias_limit` is its risk. Use `squared_error_logit`, or `top_k_kl`, of the same data.

    Parameters
    ----------
    logits, labels, reduction, ignore_index, temperature
        As for `cross_entropy`; "mean" divides by the number of samples, not by the sum of their weights.
    log_probs : Tensor, shape (...)
        log p(y) of each sampled label, -inf to 0, as the teacher's interface returns it; not read where ignored.

    Returns
    -------
    Tensor
        As for `cross_entropy`.

    Raises
    ------
    ValueError
        As for `cross_entropy`; on the CPU, if a value of `log_probs` is nan or above 0.
    ImportError
        Without the extra ``torch``.

    Notes
    -----
    Source: Z&Z (4.3), Lemma 4.2.

    Examples
    --------
    >>> import torch
    >>> logits, label, log_prob = torch.zeros(1, 2), torch.tensor([0]), torch.tensor([0.25]).log()
    >>> round(naive_partial_cross_entropy(logits, label, log_prob).item(), 6)  # 0.25 log 2
    0.173287
    """
    reduction = checked_reduction(reduction)
    told = checked_told(logits, labels, ignore_index, sets=False)
    log_p = checked_log_probs(log_probs, told)
    log_q, _ = _log_student(logits, told, temperature)
    return _reduced(_weighted(log_p.exp(), -log_q), told.here, logits, reduction)


def squared_error_logit(
    logits: Tensor,
    labels: Tensor,
    log_probs: Tensor,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    temperature: float = 1.0,
    floor: float = FLOOR,
) -> Tensor:
    """Squared error of logits, sum over told labels of (log q - log p)^2 / 2: exact on every told label (SEL_ptl).

    Both logits are logarithms of probabilities, so that q is the softmax over all A labels. A table started at zero
    logits tends to p on told labels, equal shares of the rest on the others; there is no other stationary point.

    Parameters
    ----------
    logits, reduction, ignore_index, temperature
        As for `cross_entropy`.
    labels : Tensor of whole numbers, shape (...) or (..., k)
        The sampled label of each sample, or the set of its told labels, each once: the top k, the sampled one beside
        them, any others. `ignore_index` fills shorter sets up; a sample without a told label is ignored.
    log_probs : Tensor, of the shape of `labels`
        Their log p, -inf to 0, at the temperature at which they are to be matched; not read where ignored.
    floor : float
        The least log p that is told apart from -inf, below 0. A label of less counts as one of probability 0: it is
        compared with `floor`, and only while log q is above.

    Returns
    -------
    Tensor
        As for `cross_entropy`, in nats squared.

    Raises
    ------
    ValueError
        As for `cross_entropy`; if `floor` is not a finite number below 0; on the CPU, if a value of `log_probs` is nan,
        a label is told twice, or probabilities of a sample sum to more than 1, or all are told and sum to less.
    ImportError
        Without the extra ``torch``.

    Notes
    -----
    Source: Z&Z (4.7); on told sets ours. The samples' law does not enter the limit, so that labels drawn with another
    temperature, or cut off at top-p, do not change it as long as log p is the teacher's own.

    Examples
    --------
    >>> import torch
    >>> logits, label, log_prob = torch.zeros(1, 2), torch.tensor([0]), torch.tensor([0.25]).log()
    >>> round(squared_error_logit(logits, label, log_prob).item(), 6)  # (log 2)^2 / 2
    0.240227
    """
    reduction = checked_reduction(reduction)
    floor = checked_floor(floor)
    told = checked_told(logits, labels, ignore_index, sets=True)
    log_p = checked_log_probs(log_probs, told)
    log_q, _ = _log_student(logits, told, temperature)
    error = torch.where(told.here, log_q - log_p.clamp_min(floor), 0.0)  # before the square, whose slope is the error
    error = torch.where(log_p < floor, error.clamp_min(0.0), error)
    return _reduced(error.square() / 2, told.here, logits, reduction)


def top_k_kl(
    logits: Tensor,
    labels: Tensor,
    log_probs: Tensor,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    temperature: float = 1.0,
) -> Tensor:
    """Kullback-Leibler divergence on told labels and one label for the rest; nothing is renormalised.

    With told labels K it is sum_{a in K} p_a log(p_a / q_a) + (1 - p(K)) log((1 - p(K)) / (1 - q(K))). A table started
    at zero logits tends to p on told labels, equal shares of the rest on the others: to the student of
    `squared_error_logit`. Unlike that loss it is convex in q. With the sampled label alone told it is the binary
    divergence of that label.

    Parameters
    ----------
    logits, labels, log_probs, reduction, ignore_index, temperature
        As for `squared_error_logit`. At T > 1, `log_probs` must be those of the whole row tempered first, then cut; the
        top k of a law at T = 1 determine no tempered ones.

    Returns
    -------
    Tensor
        As for `cross_entropy`.

    Raises
    ------
    ValueError, ImportError
        As for `squared_error_logit`.

    Notes
    -----
    Source: ours. The rest of the teacher is 0 where rounding takes its sum above 1; the rest of the student is the
    log-sum-exp of the untold logits, and not one minus a sum, so that it is exact where it is small. Where all untold
    logits are -inf, the loss is infinite if the teacher's rest is more than the rounding of k log-probabilities,
    (k + 8) eps of their type.

    Examples
    --------
    >>> import torch
    >>> logits, told, p = torch.zeros(1, 4), torch.tensor([[0, 2]]), torch.tensor([[0.5, 0.25]])
    >>> round(top_k_kl(logits, told, p.log()).item(), 6)  # the law (1/2, 1/4, 1/4) against (1/4, 1/4, 1/2)
    0.173287
    """
    reduction = checked_reduction(reduction)
    told = checked_told(logits, labels, ignore_index, sets=True)
    log_p = checked_log_probs(log_probs, told)
    log_q, log_rest = _log_student(logits, told, temperature)
    p = log_p.exp()
    rest = -torch.expm1(log_p.logsumexp(dim=1).clamp_max(0.0))
    told_all = told.here.sum(dim=1) == told.A
    rounding = (told.here.sum(dim=1) + 8) * max(torch.finfo(given.dtype).eps for given in (log_probs, log_p))
    rest = torch.where((log_rest == -math.inf) & (told_all | (rest <= rounding)), 0.0, rest)
    terms = torch.cat([_weighted(p, log_p - log_q), _weighted(rest, rest.log() - log_rest)[:, None]], dim=1)
    return _reduced(terms, told.here, logits, reduction)


def soft_kl(
    logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    temperature: float = 1.0,
) -> Tensor:
    """Kullback-Leibler divergence on soft labels, KL(p || q), both at temperature T: the teacher's row (CE_ful).

    Parameters
    ----------
    logits, reduction, ignore_index, temperature
        As for `cross_entropy`. "mean" is over samples, the "batchmean" of `torch.nn.functional.kl_div`. No factor T^2
        is applied: multiply by it to keep gradients comparable over temperatures.
    teacher_logits : Tensor, shape (..., A)
        The teacher's, p = softmax(teacher_logits / T). Log-probabilities are logits; -inf is probability 0.
    labels : Tensor of whole numbers, shape (...), optional
        Read for one thing: samples with `ignore_index` are ignored.

    Returns
    -------
    Tensor
        As for `cross_entropy`.

    Raises
    ------
    ValueError
        As for `cross_entropy`; if `teacher_logits` requires a gradient.
    ImportError
        Without the extra ``torch``.

    Notes
    -----
    Source: Z&Z (5.2).

    Examples
    --------
    >>> import torch
    >>> round(soft_kl(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]).log()).item(), 6)
    0.693147
    """
    reduction = checked_reduction(reduction)
    logits, T = checked_logits("logits", logits), checked_temperature(temperature)
    teacher = checked_logits("teacher_logits", teacher_logits)
    if teacher.shape != logits.shape:
        raise ValueError(
            f"teacher_logits has shape {tuple(teacher.shape)}: it must have that of logits, {tuple(logits.shape)}"
        )
    if teacher.requires_grad:
        raise ValueError("teacher_logits requires a gradient, and has none here: pass teacher_logits.detach()")
    A = logits.shape[-1]
    loss = SoftKL.apply(logits.reshape(-1, A), teacher.reshape(-1, A), T)
    if labels is None:
        kept = torch.ones_like(loss, dtype=torch.bool)
    else:
        kept = checked_labels("labels", labels, logits, ignore_index).reshape(-1) != ignore_index
    return _reduced(loss[:, None], kept[:, None], logits, reduction)


def _log_student(logits: Tensor, told: Told, temperature: Any) -> tuple[Tensor, Tensor]:
    """The student's log q of the told labels of N samples, (N, k), -inf where ignored, and of their rest, (N,)."""
    z, rest = ToldAndRest.apply(logits.reshape(-1, logits.shape[-1]), told.labels, checked_temperature(temperature))
    level = torch.cat([z, rest[:, None]], dim=1).logsumexp(dim=1)
    return z - level[:, None], rest - level


def _weighted(weights: Tensor, terms: Tensor) -> Tensor:
    """Weights times terms, 0 where the weight is 0, for every term: 0 log 0 = 0."""
    return torch.where(weights > 0, weights * terms, 0.0)


def _reduced(terms: Tensor, here: Tensor, logits: Tensor, reduction: str) -> Tensor:
    """The losses of N samples, sums of their (N, k) terms, reduced over those of which anything is told."""
    kept = here.any(dim=1)
    losses = torch.where(kept, terms.sum(dim=1), 0.0)
    if reduction == "none":
        return losses.reshape(logits.shape[:-1])
    return losses.sum() / kept.sum() if reduction == "mean" else losses.sum()
