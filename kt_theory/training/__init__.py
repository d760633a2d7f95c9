"""Losses to train a network with, as PyTorch functions (extra ``torch``); the guide shows where each is used.

====================================  ========================  ===============================================
function                              a sample shows            a table of free logits tends to
====================================  ========================  ===============================================
`cross_entropy`                       a label                   the frequencies of the labels: CE_sgl
`naive_partial_cross_entropy`         a label, its probability  p^2 scaled to one: CE_ptl, biased
`squared_error_logit`                 told labels, their        p on every told label: SEL_ptl, SEL@top_k
                                      probabilities
`top_k_kl`                            the same                  the same
`soft_kl`                             the whole row             the teacher's row: CE_ful
====================================  ========================  ===============================================

Told labels are the sampled one, the top k, or both. Nothing is renormalised. All take ``logits`` of shape (..., A), the
labels on the last axis, a ``reduction``, an ``ignore_index`` and a ``temperature``, as `torch.nn.functional` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kt_theory.training.losses import FLOOR as FLOOR
    from kt_theory.training.losses import cross_entropy as cross_entropy
    from kt_theory.training.losses import naive_partial_cross_entropy as naive_partial_cross_entropy
    from kt_theory.training.losses import soft_kl as soft_kl
    from kt_theory.training.losses import squared_error_logit as squared_error_logit
    from kt_theory.training.losses import top_k_kl as top_k_kl

__all__ = ["FLOOR", "cross_entropy", "naive_partial_cross_entropy", "soft_kl", "squared_error_logit", "top_k_kl"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'kt_theory.training' has no attribute {name!r}")
    try:
        import torch  # noqa: F401
    except ImportError:
        remedy = "in a checkout of kt_theory, pip install '.[torch]'"
        raise ImportError(f"kt_theory.training.{name} needs the extra torch: {remedy}") from None
    return getattr(importlib.import_module("kt_theory.training.losses"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
