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
from kt_theory.ledger.statement import PlantedError, Statement

#: The learners whose limits the paper compares.
PAPER = ("CE_sgl", "SEL_ptl", "CE_ful")

STATEMENTS = (
    Statement(
        id="ours-N8-joint",
        source="ours, N8a",
        words="The risk of CE_sgl is at most the sum of the empirical deviations of the inputs and of the pairs, "
        "for every initial table.",
        formula="E R(CE_sgl) <= (1/2) sqrt((S - 1)/n) + (1/2) sqrt((SA - 1)/n)",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.hard_upper_mean_joint,
        check=mean_upper("CE_sgl", HOSTILE),
        certificates=("hard_upper_mean_joint",),
        planted=(
            PlantedError("1/2 becomes 0.39", scaled(bounds.hard_upper_mean_joint, 0.78)),
            PlantedError(
                "SA - 1 becomes A - 1",
                lambda S, A, n: (math.sqrt(S - 1) + math.sqrt(A - 1)) / (2 * math.sqrt(n)) if n else math.nan,
            ),
            PlantedError("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_joint, 0.05)),
        ),
    ),
    Statement(
        id="ours-N8-uniform",
        source="ours, N8a",
        words="The expected risk of CE_sgl from the uniform table is at most one square root, for rows, visits and "
        "unvisited inputs together.",
        formula="E R(CE_sgl) <= sqrt(S (A - 1) / (2 (n + 1))), uniform",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.hard_upper_mean_uniform,
        check=mean_upper("CE_sgl"),
        certificates=("hard_upper_mean_uniform",),
        note="Attained at S = 1, A = 2, n = 1; too large by a factor 1.8 as n grows.",
        planted=(
            PlantedError("n + 1 becomes n + 2", lambda S, A, n: math.sqrt(S * (A - 1) / (2 * (n + 2)))),
            PlantedError(
                "S (A - 1) / 2 becomes S (A - 1) / (2 pi)", scaled(bounds.hard_upper_mean_uniform, math.pi**-0.5)
            ),
            PlantedError("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_uniform, 0.05)),
        ),
    ),
    Statement(
        id="ours-N8-conjecture",
        source="ours, after N8a",
        words="The expected risk of CE_sgl from the uniform table is at most sqrt(S (A - 1)/n)/2, as proved for one "
        "input.",
        formula="E R(CE_sgl) <= (1/2) sqrt(S (A - 1) / n), uniform",
        regime="n >= 1",
        grade="conjecture",
        status="conjectured",
        claim=bounds.hard_upper_mean_conjecture,
        check=mean_upper("CE_sgl"),
        certificates=("hard_upper_mean_conjecture",),
        note="Proved for S = 1.",
        planted=(
            PlantedError(
                "1/2 becomes 1/sqrt(2 pi), its limit", scaled(bounds.hard_upper_mean_conjecture, math.sqrt(2 / math.pi))
            ),
            PlantedError("n becomes n + 1", lambda S, A, n: math.sqrt(S * (A - 1) / (n + 1)) / 2 if n else math.nan),
            PlantedError("S (A - 1) becomes A - 1", lambda S, A, n: math.sqrt((A - 1) / n) / 2 if n else math.nan),
        ),
    ),
    Statement(
        id="ours-N8-whp",
        source="ours, N8a",
        words="With probability 1 - delta the risk of CE_sgl exceeds the bound on its mean by the bounded "
        "differences of two empirical laws.",
        formula="R(CE_sgl) <= (1/2) sqrt((S - 1)/n) + (1/2) sqrt((SA - 1)/n) + sqrt(2 L/n), L = log(1/delta)",
        regime="n >= 1, 0 < delta < 1; S = 1: sqrt(L/(2n))",
        grade="upper",
        status="proved",
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
    Statement(
        id="ours-N8-assouad",
        source="ours, N8b",
        words="Hard labels: Assouad's lemma, with the exact error of its two-point tests, bounds the minimax risk "
        "from below.",
        formula="inf sup E R >= max over D of D P_err(D), majority of Bin(n, 2/(S A')) flips of bias D",
        regime="A >= 2, n >= 0; A' = A if even, A - 1 if odd",
        grade="lower",
        status="proved",
        claim=bounds.hard_lower_mean_assouad,
        check=minimax_lower("hard"),
        note="Attained at A = 2, n = 0; 3.3 times too small as n grows.",
        planted=(
            PlantedError("an error costs 2 D", scaled(bounds.hard_lower_mean_assouad, 2.0)),
            PlantedError("n becomes n / 16", lambda S, A, n: bounds.hard_lower_mean_assouad(S=S, A=A, n=n // 16)),
            PlantedError("n^-1/2 becomes n^-1/3", steeper(bounds.hard_lower_mean_assouad, -1 / 6)),
        ),
    ),
    Statement(
        id="ours-N4-every",
        source="ours, N4",
        words="Uniform(A) is within 1 - 1/A of every row, and the expected risk of no learner exceeds that after data.",
        formula="E R <= 1 - 1/A for CE_sgl, SEL_ptl and CE_ful, uniform",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.uniform_upper_mean,
        check=together(*map(at_sure_rows, PAPER), *map(mean_upper, PAPER)),
        planted=(
            PlantedError("1 - 1/A becomes 1/2", lambda S, A, n: 0.5 if A > 1 else 0.0),
            PlantedError("1 - 1/A becomes (1 - 1/A)^2 from n = 1 on", lambda S, A, n: (1 - 1 / A) ** (2 if n else 1)),
            PlantedError("1 - 1/A becomes 1 - 1.01/A", lambda S, A, n: 1 - 1.01 / A if A > 1 else 0.0),
        ),
    ),
)
