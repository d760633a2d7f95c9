"""A loss of one's own in PyTorch: autograd gives its gradient, so that what is detached stays fixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.losses.own import OwnLoss, own


def torch(f: Callable[..., Any], protocol: Any, *, name: str | None = None) -> OwnLoss:
    """A loss of one's own, written with PyTorch (extra ``torch``; the processor is enough).

    Parameters
    ----------
    f : callable
        ``f(logits, label, teacher) -> Tensor`` of shape (N,), one value a sample, for tensors of shapes (N, A), (N,),
        (N, A); float64 but for `label`, whole numbers. `teacher` is NaN where the protocol shows nothing:
        ``torch.nan_to_num(teacher, nan=1.0)`` before it is used, since a NaN that ``torch.where`` leaves out comes back
        in the gradient.
    protocol : str or Protocol
        What it is shown.
    name : str, optional
        That of the function if not given.

    Returns
    -------
    OwnLoss
        As `kt_theory.losses.own` with the gradient of autograd. A detached part is found by comparing it with
        differences of the value; the limit is then where the gradient vanishes.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError
        As `kt_theory.losses.own`; when it is evaluated, for an answer that is no tensor, or has no gradient, as where
        all of it is detached.
    """
    try:
        import torch as backend
    except ImportError:
        remedy = "in a checkout of kt_theory, pip install '.[torch]'"
        raise ImportError(f"kt_theory.losses.torch needs the extra torch: {remedy}") from None
    checks.function("f", f)
    called = name or getattr(f, "__name__", "") or type(f).__name__

    def answer(logits: Any, label: np.ndarray, teacher: np.ndarray) -> Any:
        found = f(logits, backend.tensor(label), backend.tensor(teacher))
        if not isinstance(found, backend.Tensor):
            raise TypeError(f"a Tensor is needed, and it answers {checks.shown(found)}")
        return found

    def value(logits: np.ndarray, label: np.ndarray, teacher: np.ndarray) -> np.ndarray:
        with backend.no_grad():
            return answer(backend.tensor(logits), label, teacher).numpy()

    def gradient(logits: np.ndarray, label: np.ndarray, teacher: np.ndarray) -> np.ndarray:
        z = backend.tensor(logits, requires_grad=True)
        values = answer(z, label, teacher)
        if not values.requires_grad:
            raise ValueError(f"{called} has no gradient by the logits: is all of it detached?")
        (slopes,) = backend.autograd.grad(values.sum(), z)
        found = slopes.numpy()
        lost = np.isnan(found).any(axis=1) & np.isfinite(values.detach().numpy())
        if lost.any() and np.isnan(teacher[lost]).any():
            a = int(np.argmax(np.isnan(found[lost][0])))
            raise ValueError(
                f"{called} has a value and a gradient of NaN at label {a}: torch.where hands back the NaN of what "
                "the protocol hides; replace it with torch.nan_to_num(teacher, nan=1.0) first"
            )
        return found

    return own(value, protocol, gradient=gradient, name=called)
