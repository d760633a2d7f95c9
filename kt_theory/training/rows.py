"""What the losses read of a row of logits, with gradients, in memory that does not grow with the rows.

A row enters the losses through few numbers: the logits of its told labels, and the log-sum-exp of all others, the rest.
Both are computed in float32 (float64 of float64 logits) for a block of rows at a time, and once more in the backward
pass: nothing of the size of the logits is kept but the logits themselves, and nothing of that size is made but their
gradient. The largest logit of each row is subtracted first, so that what follows is exact at any level of the logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

#: Entries of a block of rows: 64 MB in float32.
BLOCK = 2**24


def accumulator(logits: Tensor) -> torch.dtype:
    """The type in which a loss is computed: float64 of float64 logits, float32 of all others."""
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def blocks(logits: Tensor) -> Iterator[slice]:
    """Blocks of rows of at most `BLOCK` entries, of one row at least."""
    rows, A = logits.shape
    step = max(BLOCK // max(A, 1), 1)
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def shifted(logits: Tensor, temperature: float) -> Tensor:
    """A block of logits in the accumulator's type, less the largest of each row, over the temperature: a fresh one."""
    block = logits.to(accumulator(logits), copy=True)
    return block.sub_(block.amax(dim=1, keepdim=True)).div_(temperature)


class ToldAndRest(torch.autograd.Function):
    """The logits of the told labels, (N, k), and the log-sum-exp of the others, (N,), less the largest of the row.

    `told` holds label numbers, (N, k); the number A stands for none, and its logit is -inf. Without another label the
    rest is -inf. Rows that tell nothing are not read: their rest is 0, and so is their gradient. The largest logit is
    taken for a constant: what is made of the answers must not depend on a shift of all logits, as no probability does.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, told: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        z = torch.empty(told.shape, dtype=accumulator(logits), device=logits.device)
        rest = torch.empty(told.shape[:1], dtype=z.dtype, device=logits.device)
        for rows in blocks(logits):
            z[rows], others = ToldAndRest.parted(logits[rows], told[rows], temperature)
            rest[rows] = others.logsumexp(dim=1).masked_fill(ToldAndRest.unread(logits, told[rows]), 0.0)
        ctx.save_for_backward(logits, told, rest)
        ctx.temperature = temperature
        return z, rest

    @staticmethod
    def unread(logits: Tensor, told: Tensor) -> Tensor:
        """Whether each row tells nothing, (N,)."""
        return (told == logits.shape[1]).all(dim=1)

    @staticmethod
    def parted(logits: Tensor, told: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        """Told logits, (N, k), and all logits with -inf in the place of the told ones, (N, A + 1)."""
        block = shifted(logits, temperature)
        others = torch.nn.functional.pad(block, (0, 1), value=-torch.inf)  # the label A, which stands for none
        z = others.gather(1, told)
        return z, others.scatter_(1, told, -torch.inf)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, by_z: Tensor, by_rest: Tensor) -> tuple[Tensor, None, None]:
        logits, told, rest = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        for rows in blocks(logits):
            _, others = ToldAndRest.parted(logits[rows], told[rows], ctx.temperature)
            level = rest[rows].masked_fill(rest[rows] == -torch.inf, 0.0)
            others.sub_(level[:, None]).exp_().mul_(by_rest[rows, None])
            others.scatter_add_(1, told[rows], by_z[rows])
            others.masked_fill_(ToldAndRest.unread(logits, told[rows])[:, None], 0.0)
            gradient[rows] = others[:, :-1].div_(ctx.temperature)
        return gradient, None, None


class SoftKL(torch.autograd.Function):
    """KL(softmax(teacher / T) || softmax(logits / T)) of each row, (N,); the teacher has no gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        loss = torch.empty(logits.shape[:1], dtype=accumulator(logits), device=logits.device)
        for rows in blocks(logits):
            log_q = shifted(logits[rows], temperature).log_softmax(dim=1)
            log_p = shifted(teacher[rows], temperature).log_softmax(dim=1)
            p = log_p.exp()
            terms = log_p.sub_(log_q).mul_(p)
            loss[rows] = terms.masked_fill_(p == 0, 0.0).sum(dim=1)  # 0 log 0 = 0, for every logit of the student
        ctx.save_for_backward(logits, teacher)
        ctx.temperature = temperature
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, by_loss: Tensor) -> tuple[Tensor, None, None]:
        logits, teacher = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        for rows in blocks(logits):
            q = shifted(logits[rows], ctx.temperature).softmax(dim=1)
            p = shifted(teacher[rows], ctx.temperature).softmax(dim=1)
            change = q.sub_(p).mul_(by_loss[rows, None] / ctx.temperature)
            gradient[rows] = change.masked_fill_(by_loss[rows, None] == 0, 0.0)
        return gradient, None, None
