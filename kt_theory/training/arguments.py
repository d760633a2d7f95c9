"""Checks of the arguments of a loss: what each must be, and the sentence of the error if it is not.

Shapes, types and words are checked on every device. Values are checked where that costs no wait for a device: on the
CPU, and not while a function is compiled. Elsewhere a label out of range stops the device, as in `torch.nn.functional`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from kt_theory import checks
from kt_theory.training.rows import accumulator

#: How the losses of the samples are reduced.
Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


@dataclass(frozen=True)
class Told:
    """Which labels N samples tell.

    Attributes
    ----------
    labels : Tensor of int64, shape (N, k)
        Label numbers; A, the number of labels, in the place of an ignored one.
    here : Tensor of bool, shape (N, k)
        Where a label is told.
    shape : tuple of int
        As the labels came.
    A : int
        The number of labels.
    dtype : torch.dtype
        In which losses are computed.
    """

    labels: Tensor
    here: Tensor
    shape: tuple[int, ...]
    A: int
    dtype: torch.dtype


def checked_logits(name: str, value: Any, labels_last: bool = True) -> Tensor:
    """`value` if it is a tensor of floating-point numbers, with the labels on its last axis unless told otherwise."""
    if not isinstance(value, Tensor):
        raise ValueError(f"{name} is {checks.shown(value)}: it must be a torch.Tensor")
    if not value.is_floating_point():
        raise ValueError(f"{name} has type {value.dtype}: it must have a floating-point one")
    if labels_last and (value.dim() == 0 or value.shape[-1] == 0):
        raise ValueError(f"{name} has shape {tuple(value.shape)}: its last axis must hold the labels")
    return value


def checked_temperature(temperature: Any) -> float:
    """`temperature` as a positive finite float."""
    value = checks.number("temperature", temperature)
    if not 0 < value < math.inf:
        raise ValueError(f"temperature is {value}: it must be a positive number")
    return value


def checked_labels(name: str, labels: Any, logits: Tensor, ignore_index: Any, sets: bool = False) -> Tensor:
    """`labels` as int64, one for each row of logits or, where there may be `sets`, k of them on a last axis."""
    if not isinstance(labels, Tensor):
        raise ValueError(f"{name} is {checks.shown(labels)}: it must be a torch.Tensor")
    if labels.dtype not in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        raise ValueError(f"{name} has type {labels.dtype}: it must hold whole numbers")
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, int):
        raise ValueError(f"ignore_index is {checks.shown(ignore_index)}: it must be a whole number")
    leading, shape = tuple(logits.shape[:-1]), tuple(labels.shape)
    if shape != leading and not (sets and len(shape) == len(leading) + 1 and shape[:-1] == leading):
        wanted = f"{leading} or one more axis of told labels" if sets else f"{leading}"
        raise ValueError(f"{name} has shape {shape}: logits of shape {tuple(logits.shape)} need {wanted}")
    labels = labels.long()
    if _values_are_read(labels):
        A = logits.shape[-1]
        bad = (labels != ignore_index) & ((labels < 0) | (labels >= A))
        if bad.any():
            at = bad.nonzero()[0].tolist()
            raise ValueError(
                f"{name}{checks.place(at)} is {int(labels[tuple(at)])}: it must be a label, 0 to {A - 1}, or "
                f"ignore_index, {ignore_index}"
            )
    return labels


def checked_told(logits: Any, labels: Any, ignore_index: Any, sets: bool) -> Told:
    """The labels that each row of logits is told of; at most one where there may be no `sets`."""
    logits = checked_logits("logits", logits)
    labels = checked_labels("labels", labels, logits, ignore_index, sets)
    A = logits.shape[-1]
    here = (labels != ignore_index).reshape(math.prod(logits.shape[:-1]), -1)
    numbers = labels.reshape(here.shape).masked_fill(~here, A)
    if sets and _values_are_read(numbers):
        ordered = numbers.sort(dim=1).values
        twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] < A)
        if twice.any():
            row, place = twice.nonzero()[0].tolist()
            raise ValueError(
                f"labels tells label {int(ordered[row, place])} twice in sample {row}: set one of them to ignore_index"
            )
    return Told(numbers, here, tuple(labels.shape), A, accumulator(logits))


def checked_log_probs(log_probs: Any, told: Told) -> Tensor:
    """`log_probs` of the told labels, (N, k), in the type of the loss; -inf in the place of ignored ones."""
    given = checked_logits("log_probs", log_probs, labels_last=False).detach()
    if tuple(given.shape) != told.shape:
        raise ValueError(f"log_probs has shape {tuple(given.shape)}: it must have that of labels, {told.shape}")
    values = given.reshape(told.here.shape).to(told.dtype).masked_fill(~told.here, -math.inf)
    if _values_are_read(values):
        # Log-probabilities of two bytes are off by some percent.
        _check_mass(values, told, tolerance=0.05 if given.dtype.itemsize < 4 else 1e-3)
    return values


def _check_mass(values: Tensor, told: Told, tolerance: float) -> None:
    """Probabilities of a row sum to at most 1, and to 1 if all labels are told."""
    if values.isnan().any():
        row = int(values.isnan().any(dim=1).nonzero()[0])
        raise ValueError(f"log_probs of sample {row} holds nan: set its label to ignore_index if it is not known")
    mass = values.exp().sum(dim=1)
    if (mass > 1 + tolerance).any():
        row = int(mass.argmax())
        raise ValueError(
            f"log_probs of sample {row} are those of probabilities that sum to {float(mass[row]):.6g}, and at most 1 "
            "is possible: give the logarithms of probabilities, not probabilities"
        )
    short = (told.here.sum(dim=1) == told.A) & (mass < 1 - tolerance)
    if short.any():
        row = int(short.nonzero()[0])
        raise ValueError(
            f"log_probs of sample {row} tell all {told.A} labels and sum to {float(mass[row]):.6g}: give the row as it "
            "is, or leave out a label for the rest"
        )


def checked_floor(floor: Any) -> float:
    """`floor` as a finite float below 0."""
    value = checks.number("floor", floor)
    if not -math.inf < value < 0:
        raise ValueError(f"floor is {value}: it must be a finite number below 0")
    return value


def checked_reduction(reduction: Any) -> Reduction:
    """`reduction` if it is one of `REDUCTIONS`."""
    return checks.one_of("reduction", reduction, REDUCTIONS)


def _values_are_read(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()
