"""Protocols: what is revealed with each sample, and the transfer sets that hold it."""

from kt_theory.protocols.protocol import (
    FAMILIES,
    PROTOCOLS,
    TOLD,
    Protocol,
    resolve_protocol,
    sampled,
    top_k,
    top_k_label,
    top_k_only,
)
from kt_theory.protocols.transfer import TransferSet

__all__ = [
    "FAMILIES",
    "PROTOCOLS",
    "TOLD",
    "Protocol",
    "TransferSet",
    "resolve_protocol",
    "sampled",
    "top_k",
    "top_k_label",
    "top_k_only",
]
