"""The check of a lower bound on a minimax risk.

A lower bound claims that no student beats it, so it is held against what some student does reach: the upper end of the
minimax risk, and, where it was built on an instance that treats all labels alike, the exact risk on that instance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache

from kt_theory import bounds
from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.grids import SIZES, N, games
from kt_theory.ledger.statement import Check, Claim, Effort, Trial
from kt_theory.minimax import minimax_risk
from kt_theory.problem import instance
from kt_theory.protocols.protocol import one_of_the_paper


@cache
def minimax_upper(protocol: str, S: int, A: int, n: int) -> float:
    """A risk that some student guarantees."""
    least = bounds.best_upper(protocol, S=S, A=A, n=n).value
    if (n <= 1000 and S * A <= 1000) or protocol == "soft" or (protocol == "partial" and S == 1 and n <= 10**9):
        least = min(least, minimax_risk(protocol, S, A, n).upper)
    return float(least)


@cache
def risk_on_instance(k: int, learner: str, S: int, A: int, n: int) -> float:
    """The exact risk of a learner on an instance of the paper; NaN where it does not exist."""
    try:
        return exact_risk(instance(k, S, A, n), learner, n).value
    except ValueError:
        return math.nan


def minimax_lower(protocol: str, own: tuple[int, str] | None = None, *, own_from: float = 0.0) -> Check:
    """The check of a lower bound ``claim(S, A, n)`` on the minimax risk of a protocol.

    `own`: the instance that it was built on and a learner of the protocol; the labels of that instance are treated
    alike by the learner, whose risk there is its average over the relabellings that the bound averages over. From
    n = `own_from` S A on.
    """
    protocol = one_of_the_paper(protocol, "minimax_lower")

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for S, A, n in games(protocol, effort):
            lhs = float(claim(S=S, A=A, n=n))
            if math.isnan(lhs):
                yield Trial(f"S={S}, A={A}, n={n}", 0.0, math.nan, "exact", n)
                continue
            rhs = minimax_upper(protocol, S, A, n)
            yield Trial(f"what a student reaches, S={S}, A={A}, n={n}", lhs, rhs, "exact", n, 1e-9 * rhs)
        if own is not None:
            k, learner = own
            for (S, A), n in itertools.product(SIZES, N):
                lhs = float(claim(S=S, A=A, n=n))
                rhs = risk_on_instance(k, learner, S, A, n) if n >= max(1, own_from * S * A) else math.nan
                if not math.isnan(lhs) and not math.isnan(rhs):
                    yield Trial(f"{learner} on instance {k}, S={S}, A={A}, n={n}", lhs, rhs, "exact", n)

    return check
