"""Planted errors that are made of the right claim: a wrong constant, a wrong exponent."""

from __future__ import annotations

from kt_theory.ledger.statement import Claim


def scaled(claim: Claim, factor: float) -> Claim:
    """A planted wrong constant: the claim times a factor."""
    return lambda **arguments: factor * claim(**arguments)


def steeper(claim: Claim, exponent: float) -> Claim:
    """A planted wrong exponent: the claim times n^-exponent (n at least 1)."""
    return lambda n, **rest: claim(n=n, **rest) * max(n, 1) ** -exponent
