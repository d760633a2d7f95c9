"""Ours: bounds for soft labels beside those of Zhao and Zhu, proved in the report (N1, N9, N10)."""

from __future__ import annotations

import math

from kt_theory import bounds
from kt_theory.ledger.attacks.comparing import together
from kt_theory.ledger.attacks.kl import kl_upper
from kt_theory.ledger.attacks.lower import minimax_lower
from kt_theory.ledger.attacks.means import at_sure_rows, mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import HOSTILE
from kt_theory.ledger.entries.ours_missing_mass import majorant
from kt_theory.ledger.statement import PlantedError, stated

STATEMENTS = (
    stated(
        "ours-N1-soft",
        claim=bounds.soft_upper_mean_missing,
        check=together(mean_upper("CE_ful", HOSTILE), at_sure_rows("CE_ful", "hostile")),
        planted=(
            PlantedError("the bound times 0.99", scaled(bounds.soft_upper_mean_missing, 0.99)),
            PlantedError("phi(n - 1) becomes phi(n)", lambda S, A, n: majorant(size=S, n=n, shift=0)),
            PlantedError("(1 - 1/S)^n for every n", lambda S, A, n: majorant(size=S, n=n, switch=False)),
        ),
    ),
    stated(
        "ours-N9-upper",
        claim=bounds.soft_upper_mean_uniform,
        check=together(mean_upper("CE_ful"), at_sure_rows("CE_ful")),
        note="An equality up to n = S.",
        planted=(
            PlantedError("the bound times 0.99", scaled(bounds.soft_upper_mean_uniform, 0.99)),
            PlantedError("1 - 1/A becomes 1/2", lambda S, A, n: bounds.missing_mass_upper_mean(size=S, n=n) / 2),
            PlantedError("M(S) becomes S phi(n + S)", lambda S, A, n: (1 - 1 / A) * S / (math.e * (n + S))),
        ),
    ),
    stated(
        "ours-N9-lower",
        claim=bounds.soft_lower_mean_dirac,
        check=minimax_lower("soft"),
        planted=(
            PlantedError("the bound times 1.001", scaled(bounds.soft_lower_mean_dirac, 1.001)),
            PlantedError(
                "1 - 1/A becomes 1", lambda S, A, n: bounds.soft_lower_mean_dirac(S=S, A=A, n=n) / (1 - 1 / A)
            ),
            PlantedError(
                "S - 1 becomes S",
                lambda S, A, n: (1 - 1 / A) * S * (1 - 1 / (n + 1)) ** n / (n + 1) if n >= S else math.nan,
            ),
        ),
    ),
    stated(
        "ours-N10-soft",
        claim=bounds.soft_upper_kl_mean,
        check=kl_upper("CE_ful"),
        planted=(
            PlantedError("the bound times 0.99", scaled(bounds.soft_upper_kl_mean, 0.99)),
            PlantedError("log(A) becomes 1 - 1/A", bounds.soft_upper_mean_uniform),
            PlantedError("n^-1 becomes n^-1.05", steeper(bounds.soft_upper_kl_mean, 0.05)),
        ),
    ),
)
