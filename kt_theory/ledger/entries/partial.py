"""Partial soft labels: Z&Z Theorems 4.1 and 4.4, Remark 6.1. (Lemma 4.2 and Theorem 4.3 are in `fitting`.)"""

from __future__ import annotations

import math

from kt_theory import bounds
from kt_theory.ledger.attacks.lower import minimax_lower
from kt_theory.ledger.attacks.means import mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import HOSTILE, least_masses
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.statement import Claim, PlantedError, stated
from kt_theory.problem import Problem


def with_floors(bound: Claim) -> Claim:
    """A bound that depends on the least masses, as a claim about a problem."""

    def claim(S: int, A: int, n: int, problem: Problem) -> float:
        c_S, c_A = least_masses(problem)
        return float(bound(S=S, A=A, n=n, c_S=c_S, c_A=c_A))

    return claim


def single_input(bound: Claim, single: bool) -> Claim:
    """A bound with probability 1 - delta, for one input only, or for two and more only."""
    return lambda S, A, n, delta: bound(S=S, A=A, n=n, delta=delta) if (S == 1) == single else math.nan


def pairs(S: int, A: int) -> float:
    """S (A' - 1) / 2, the pairs of labels in the construction of Thm 4.1."""
    return S * ((A - 1) // 2)


STATEMENTS = (
    stated(
        "zz-4.1",
        claim=bounds.partial_lower_mean,
        check=minimax_lower("partial", (2, "SEL_ptl")),
        planted=(
            PlantedError("1/4 becomes 1/2", scaled(bounds.partial_lower_mean, 2.0)),
            PlantedError("1/(n + 1) becomes (n + 1)^-0.9", steeper(bounds.partial_lower_mean, -0.1)),
            PlantedError(
                "the condition on n is dropped",
                lambda S, A, n: pairs(S, A) / (2 * (n + 1)) * (1 - 1 / (n + 1)) ** n if A >= 3 else math.nan,
            ),
        ),
    ),
    stated(
        "zz-4.1-simple",
        claim=bounds.partial_lower_mean_simple,
        check=minimax_lower("partial", (2, "SEL_ptl")),
        planted=(
            PlantedError("1/(4e) becomes 1/4", scaled(bounds.partial_lower_mean_simple, math.e)),
            PlantedError(
                "S (A' - 1) becomes S A^2",
                lambda S, A, n: S * A**2 / (4 * math.e * (n + 1)) if A >= 3 and n + 1 >= pairs(S, A) else math.nan,
            ),
        ),
    ),
    stated(
        "zz-4.4-mean",
        claim=bounds.partial_upper_mean,
        check=mean_upper("SEL_ptl", HOSTILE),
        note="The paper states the order SA/n; the constants are those of its proof.",
        planted=(
            PlantedError(
                "8/9 + 1 becomes 1/4 + 1/9",
                lambda S, A, n: S * A * (1 / (4 * n) + 1 / (9 * (n + 1))) if n else math.nan,
            ),
            PlantedError("SA becomes A", lambda S, A, n: A * (8 / (9 * n) + 1 / (n + 1)) if n else math.nan),
            PlantedError("n^-1 becomes n^-1.1", steeper(bounds.partial_upper_mean, 0.1)),
        ),
    ),
    stated(
        "zz-4.4-whp",
        claim=single_input(bounds.partial_upper_whp, single=False),
        check=quantile_upper("SEL_ptl"),
        note="The constants of the proof with slips 3 and 4 mended; true, and two orders of magnitude too large.",
        planted=(
            PlantedError("n^-1 becomes n^-2", single_input(steeper(bounds.partial_upper_whp, 1.0), single=False)),
            PlantedError(
                "all but (4/9 + 3 L) / (9 n) is forgotten",
                lambda S, A, n, delta: (4 / 9 + 3 * math.log((S + 2) / delta)) / (9 * n) if n and S > 1 else math.nan,
            ),
        ),
    ),
    stated(
        "zz-4.4-whp-1",
        claim=single_input(bounds.partial_upper_whp, single=True),
        check=quantile_upper("SEL_ptl"),
        planted=(
            PlantedError(
                "3 becomes 1/2",
                lambda S, A, n, delta: (
                    4 * A / (9 * n) + math.sqrt(A) * math.log(1 / delta) / (2 * n)
                    if n and S == 1 and delta <= 0.1
                    else math.nan
                ),
            ),
            PlantedError(
                "3 log(1/delta) becomes sqrt(log(1/delta))",
                lambda S, A, n, delta: (
                    4 * A / (9 * n) + math.sqrt(A * math.log(1 / delta)) / n
                    if n and S == 1 and delta <= 0.1
                    else math.nan
                ),
            ),
            PlantedError("n^-1 becomes n^-1.5", single_input(steeper(bounds.partial_upper_whp, 0.5), single=True)),
        ),
    ),
    stated(
        "zz-6.1-partial",
        claim=with_floors(bounds.partial_upper_mean_floor),
        check=mean_upper("SEL_ptl", HOSTILE, of_problem=True),
        note="The paper says that the decay is exponential; the base is ours.",
        planted=(
            PlantedError(
                "c_A is forgotten",
                with_floors(lambda S, A, n, c_S, c_A: bounds.soft_upper_mean_floor(S=S, A=A, n=n, c_S=c_S)),
            ),
            PlantedError(
                "n becomes 2n",
                with_floors(
                    lambda S, A, n, c_S, c_A: bounds.partial_upper_mean_floor(S=S, A=A, n=2 * n, c_S=c_S, c_A=c_A)
                ),
            ),
            PlantedError(
                "1 - c becomes 1 - 1.05 c", with_floors(lambda S, A, n, c_S, c_A: max(1 - 1.05 * c_S * c_A, 0.0) ** n)
            ),
        ),
    ),
)
