"""Protocols: what is revealed with each sample, and the transfer sets that hold it."""

from kt_theory.protocols.protocol import FAMILIES, PROTOCOLS, Protocol, resolve_protocol, top_k
from kt_theory.protocols.transfer import TransferSet

__all__ = ["FAMILIES", "PROTOCOLS", "Protocol", "TransferSet", "resolve_protocol", "top_k"]
