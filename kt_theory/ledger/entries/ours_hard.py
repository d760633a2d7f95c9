"""Ours: bounds for hard labels beside those of Zhao and Zhu, proved in the report (N4, N8) or conjectured there."""

from __future__ import annotations

import math

from kt_theory import bounds
from kt_theory.ledger.attacks.comparing import together
from kt_theory.ledger.attacks.lower import minimax_lower
from kt_theory.ledger.attacks.means import at_sure_rows, mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import HOSTILE
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.statement import PlantedError, stated

#: The learners whose limits the paper compares.
PAPER = ("CE_sgl", "SEL_ptl", "CE_ful")


def _one_input(S: int, A: int, n: int, constant: float = 2 * math.pi, remainder: float = 0.5) -> float:
    """N8e with other constants."""
    return math.sqrt((A - 1) / (constant * n)) + remainder * A / n if S == 1 and n else math.nan


STATEMENTS = (
    stated(
        "ours-N8-joint",
        claim=bounds.hard_upper_mean_joint,
        check=mean_upper("CE_sgl", HOSTILE),
        planted=(
            PlantedError("1/2 becomes 0.39", scaled(bounds.hard_upper_mean_joint, 0.78)),
            PlantedError(
                "SA - 1 becomes A - 1",
                lambda S, A, n: (math.sqrt(S - 1) + math.sqrt(A - 1)) / (2 * math.sqrt(n)) if n else math.nan,
            ),
            PlantedError("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_joint, 0.05)),
        ),
    ),
    stated(
        "ours-N8-uniform",
        claim=bounds.hard_upper_mean_uniform,
        check=mean_upper("CE_sgl"),
        note="Attained at S = 1, A = 2, n = 1; too large by a factor 1.8 as n grows.",
        planted=(
            PlantedError("n + 1 becomes n + 2", lambda S, A, n: math.sqrt(S * (A - 1) / (2 * (n + 2)))),
            PlantedError(
                "S (A - 1) / 2 becomes S (A - 1) / (2 pi)", scaled(bounds.hard_upper_mean_uniform, math.pi**-0.5)
            ),
            PlantedError("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_uniform, 0.05)),
        ),
    ),
    stated(
        "ours-N8-conjecture",
        claim=bounds.hard_upper_mean_conjecture,
        check=mean_upper("CE_sgl"),
        note="Proved for S = 1.",
        planted=(
            PlantedError(
                "1/2 becomes 1/sqrt(2 pi), its limit", scaled(bounds.hard_upper_mean_conjecture, math.sqrt(2 / math.pi))
            ),
            PlantedError("n becomes n + 1", lambda S, A, n: math.sqrt(S * (A - 1) / (n + 1)) / 2 if n else math.nan),
            PlantedError("S (A - 1) becomes A - 1", lambda S, A, n: math.sqrt((A - 1) / n) / 2 if n else math.nan),
        ),
    ),
    stated(
        "ours-N8-remainder",
        claim=bounds.hard_upper_mean_one_input,
        check=mean_upper("CE_sgl"),
        planted=(
            PlantedError("no remainder", lambda S, A, n: _one_input(S, A, n, remainder=0.0)),
            PlantedError("2 pi becomes 8", lambda S, A, n: _one_input(S, A, n, constant=8.0)),
            PlantedError("A/(2n) becomes A/(20 n)", lambda S, A, n: _one_input(S, A, n, remainder=0.05)),
            PlantedError("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_one_input, 0.05)),
        ),
    ),
    stated(
        "ours-N8-whp",
        claim=bounds.hard_upper_whp_joint,
        check=quantile_upper("CE_sgl"),
        planted=(
            PlantedError(
                "2 L becomes L/8, and for S = 1 as well",
                lambda S, A, n, delta: (
                    bounds.hard_upper_mean_joint(S=S, A=A, n=n) + math.sqrt(-math.log(delta) / (8 * n))
                    if n
                    else math.nan
                ),
            ),
            PlantedError(
                "L loses delta: the mean with high probability",
                lambda S, A, n, delta: bounds.hard_upper_whp_joint(S=S, A=A, n=n, delta=0.999),
            ),
            PlantedError("n^-1/2 becomes n^-3/4", steeper(bounds.hard_upper_whp_joint, 0.25)),
        ),
    ),
    stated(
        "ours-N8-assouad",
        claim=bounds.hard_lower_mean_assouad,
        check=minimax_lower("hard"),
        note="Attained at A = 2, n = 0; 3.3 times too small as n grows.",
        planted=(
            PlantedError("an error costs 2 D", scaled(bounds.hard_lower_mean_assouad, 2.0)),
            PlantedError("n becomes n / 16", lambda S, A, n: bounds.hard_lower_mean_assouad(S=S, A=A, n=n // 16)),
            PlantedError("n^-1/2 becomes n^-1/3", steeper(bounds.hard_lower_mean_assouad, -1 / 6)),
        ),
    ),
    stated(
        "ours-N4-every",
        claim=bounds.uniform_upper_mean,
        check=together(*map(at_sure_rows, PAPER), *map(mean_upper, PAPER)),
        planted=(
            PlantedError("1 - 1/A becomes 1/2", lambda S, A, n: 0.5 if A > 1 else 0.0),
            PlantedError("1 - 1/A becomes (1 - 1/A)^2 from n = 1 on", lambda S, A, n: (1 - 1 / A) ** (2 if n else 1)),
            PlantedError("1 - 1/A becomes 1 - 1.01/A", lambda S, A, n: 1 - 1.01 / A if A > 1 else 0.0),
        ),
    ),
)
