"""Protocols: what is revealed with each sample, and the transfer sets that hold it."""

from kt_theory.protocols.protocol import (
    FAMILIES,
    FORMS,
    PROTOCOLS,
    SORTED,
    TOLD,
    Protocol,
    gumbel_top_k,
    resolve_form,
    resolve_protocol,
    rounded,
    sampled,
    tempered,
    threshold,
    top_k,
    top_k_label,
    top_k_only,
    top_p,
)
from kt_theory.protocols.transfer import TransferSet

__all__ = [
    "FAMILIES",
    "FORMS",
    "PROTOCOLS",
    "SORTED",
    "TOLD",
    "Protocol",
    "TransferSet",
    "gumbel_top_k",
    "resolve_form",
    "resolve_protocol",
    "rounded",
    "sampled",
    "tempered",
    "threshold",
    "top_k",
    "top_k_label",
    "top_k_only",
    "top_p",
]
