"""Protocols: what is revealed with each sample, and the transfer sets that hold it."""

from kt_theory.protocols.protocol import (
    FAMILIES,
    FORMS,
    PROTOCOLS,
    TOLD,
    Protocol,
    resolve_form,
    resolve_protocol,
    rounded,
    sampled,
    tempered,
    top_k,
    top_k_label,
    top_k_only,
)
from kt_theory.protocols.transfer import TransferSet

__all__ = [
    "FAMILIES",
    "FORMS",
    "PROTOCOLS",
    "TOLD",
    "Protocol",
    "TransferSet",
    "resolve_form",
    "resolve_protocol",
    "rounded",
    "sampled",
    "tempered",
    "top_k",
    "top_k_label",
    "top_k_only",
]
