"""Equalities and limits as trials, and one check after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kt_theory.ledger.statement import Check, Claim, Effort, Trial


def equal(where: str, left: float, right: float, rtol: float, kind: str = "algebra", n: float = math.nan) -> Trial:
    """The trial of an equality: the distance of its sides against what rounding, or a remainder, explains."""
    if math.isnan(left) or math.isnan(right):
        return Trial(where, 0.0, math.nan, kind, n)
    return Trial(where, abs(left - right), rtol * max(abs(left), abs(right)) + 1e-300, kind, n)


def within(where: str, value: float, limit: float, remainder: float, n: float = math.nan) -> Trial:
    """The trial of a limit: the relative distance of a value from it against the remainder."""
    return Trial(where, abs(value / limit - 1), remainder, "exact", n, 1e-12)


def together(*checks: Check) -> Check:
    """One check after the other."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for each in checks:
            yield from each(claim, effort)

    return check
