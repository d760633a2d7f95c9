"""Hard labels: Z&Z Theorems 3.1 and 3.2."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kt_theory import bounds
from kt_theory.ledger.attacks.grids import games
from kt_theory.ledger.attacks.lower import minimax_lower, minimax_upper
from kt_theory.ledger.attacks.means import mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import HOSTILE
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.problem import Problem


def at_many_gaps(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n, Delta)`` against what some student reaches, over a grid of Delta and at the best one."""
    for S, A, n in games("hard", effort):
        best = 0.25 * math.sqrt(S * (A - A % 2) / max(n, 1))
        for Delta in {*np.geomspace(1e-6, 0.999, 5 if effort.level == "quick" else 40).tolist(), min(best, 0.999)}:
            lhs = float(claim(S=S, A=A, n=n, Delta=Delta))
            rhs = minimax_upper("hard", S, A, n) if not math.isnan(lhs) else math.nan
            yield Trial(f"what a student reaches, S={S}, A={A}, n={n}, Delta={Delta:.3g}", lhs, rhs, "exact", n, 1e-9)


def with_xi(bound: Claim) -> Claim:
    """A bound that depends on the teacher through xi, as a claim about a problem."""

    def claim(S: int, A: int, n: int, problem: Problem) -> Any:
        return bound(S=S, A=A, n=n, xi=min(bounds.xi(problem.teacher), 1.0))

    return claim


def printed_hard_lower(S: int, A: int, n: int, constant: float = math.exp(-0.5) / 16) -> float:
    """Thm 3.1 without its condition on n."""
    return constant * math.sqrt(S * (A - A % 2) / n) if n > 0 and A > 1 else math.nan


STATEMENTS = (
    stated(
        "zz-3.1",
        claim=bounds.hard_lower_mean,
        check=minimax_lower("hard", (1, "CE_sgl")),
        planted=(
            PlantedError("exp(-1/2)/16 becomes 0.41", lambda S, A, n: printed_hard_lower(S=S, A=A, n=n, constant=0.41)),
            PlantedError("n^-1/2 becomes n^-1/3", steeper(bounds.hard_lower_mean, -1 / 6)),
            PlantedError("the condition n >= S A' / 4 is dropped", printed_hard_lower),
        ),
    ),
    stated(
        "zz-3.1-at",
        claim=bounds.hard_lower_mean_at,
        check=at_many_gaps,
        planted=(
            PlantedError("Delta/4 becomes Delta", scaled(bounds.hard_lower_mean_at, 4.0)),
            PlantedError(
                "the exponent 2 n Delta loses its n",
                lambda S, A, n, Delta: math.nan if A < 2 else bounds.hard_lower_mean_at(S=S, A=A, n=1, Delta=Delta),
            ),
        ),
    ),
    stated(
        "zz-3.2-mean",
        claim=bounds.hard_upper_mean,
        check=mean_upper("CE_sgl", HOSTILE),
        planted=(
            PlantedError("1/2 becomes 0.39", lambda S, A, n: 0.39 * math.sqrt(S * A / n) if n else math.nan),
            PlantedError(
                "sqrt(SA/n) becomes sqrt(A/n)",
                lambda S, A, n: 0.5 * math.sqrt(A / n) + math.sqrt(1 / n) if n else math.nan,
            ),
            PlantedError("n^-1/2 becomes n^-0.6", steeper(bounds.hard_upper_mean, 0.1)),
        ),
    ),
    stated(
        "zz-3.2-instance",
        claim=with_xi(bounds.hard_upper_mean_instance),
        check=mean_upper("CE_sgl", HOSTILE, of_problem=True),
        planted=(
            PlantedError(
                "4/9 becomes 1/3",
                with_xi(lambda S, A, n, xi: math.sqrt(xi * S * A / (2 * (n + 1))) + S / (3 * n) if n else math.nan),
            ),
            PlantedError(
                "xi becomes xi^2",
                with_xi(
                    lambda S, A, n, xi: math.sqrt(xi**2 * S * A / (2 * (n + 1))) + 4 * S / (9 * n) if n else math.nan
                ),
            ),
            PlantedError(
                "xi SA / 2 becomes xi SA / 8",
                with_xi(lambda S, A, n, xi: math.sqrt(xi * S * A / (8 * (n + 1))) + 4 * S / (9 * n) if n else math.nan),
            ),
            PlantedError(
                "n becomes n^2 in the second term",
                with_xi(
                    lambda S, A, n, xi: math.sqrt(xi * S * A / (2 * (n + 1))) + 4 * S / (9 * n * n) if n else math.nan
                ),
            ),
        ),
    ),
    stated(
        "zz-3.2-whp",
        claim=bounds.hard_upper_whp,
        check=quantile_upper("CE_sgl"),
        planted=(
            PlantedError("the whole bound times 0.7", scaled(bounds.hard_upper_whp, 0.7)),
            PlantedError("n^-1/2 becomes n^-3/4", steeper(bounds.hard_upper_whp, 0.25)),
            PlantedError(
                "delta becomes 0.999, whatever it is",
                lambda S, A, n, delta: bounds.hard_upper_whp(S=S, A=A, n=n, delta=0.999),
            ),
        ),
    ),
)
