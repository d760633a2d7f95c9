"""Soft labels: Z&Z Theorems 5.1 and 5.2, Remark 6.1."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kt_theory import bounds
from kt_theory.ledger.attacks.grids import games
from kt_theory.ledger.attacks.lower import minimax_lower, minimax_upper
from kt_theory.ledger.attacks.means import mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import HOSTILE, climb, generator, least_masses
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.problem import Problem, dirichlet_problem


def under_a_law(bound: Claim) -> Claim:
    """A bound that depends on rho, as a claim about a problem."""

    def claim(S: int, A: int, n: int, problem: Problem) -> float:
        return float(bound(S=S, A=A, n=n, rho=problem.rho))

    return claim


def with_floor(bound: Claim) -> Claim:
    """A bound that depends on the least mass of an input, as a claim about a problem."""

    def claim(S: int, A: int, n: int, problem: Problem) -> float:
        return float(bound(S=S, A=A, n=n, c_S=least_masses(problem)[0]))

    return claim


def at_every_law(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n, problem)``, for hill-climbed rho, against what CE_ful reaches at its worst problem."""
    rng = generator(effort, "rho of a lower bound")
    for S, A, n in games("soft", effort):
        if S > 10 or n > 1000:
            continue

        def bound(problem: Problem, n: int = n) -> float:
            return float(claim(S=problem.S, A=problem.A, n=n, problem=problem))

        lhs = climb(bound, dirichlet_problem(S, A, rng, rho_alpha=1.0), effort.steps // 5, rng)[1]
        rhs = minimax_upper("soft", S, A, n)
        yield Trial(f"rho found by search, S={S}, A={A}, n={n}", lhs, rhs, "search", n, 1e-9 * rhs)


STATEMENTS = (
    stated(
        "zz-5.1",
        claim=bounds.soft_lower_mean,
        check=minimax_lower("soft", (3, "CE_ful"), own_from=2),
        note="On instance 3 from n = 2SA on: earlier an unvisited input costs less than 1/2.",
        planted=(
            PlantedError("1/2 becomes 1", scaled(bounds.soft_lower_mean, 2.0)),
            PlantedError(
                "S - 1 becomes S",
                lambda S, A, n: bounds.soft_lower_mean(S=S, A=A, n=n) * S / (S - 1) if S > 1 else math.nan,
            ),
            PlantedError("1/(n + 1) becomes (n + 1)^-0.95", steeper(bounds.soft_lower_mean, -0.05)),
        ),
    ),
    stated(
        "zz-5.1-simple",
        claim=bounds.soft_lower_mean_simple,
        check=minimax_lower("soft", (3, "CE_ful"), own_from=2),
        planted=(
            PlantedError("1/(2e) becomes 1/2", scaled(bounds.soft_lower_mean_simple, math.e)),
            PlantedError(
                "the condition n >= S is dropped",
                lambda S, A, n: (S - 1) / (2 * math.e * (n + 1)) if S > 1 and A > 1 else math.nan,
            ),
        ),
    ),
    stated(
        "zz-5.1-at",
        claim=under_a_law(bounds.soft_lower_mean_at),
        check=at_every_law,
        planted=(
            PlantedError("1/2 becomes 0.51", under_a_law(scaled(bounds.soft_lower_mean_at, 1.02))),
            PlantedError(
                "n becomes n - 1",
                under_a_law(lambda S, A, n, rho: bounds.soft_lower_mean_at(S=S, A=A, n=max(n - 1, 0), rho=rho)),
            ),
        ),
    ),
    stated(
        "zz-5.2-mean-at",
        claim=under_a_law(bounds.soft_upper_mean_at),
        check=mean_upper("CE_ful", HOSTILE, of_problem=True),
        planted=(
            PlantedError("the sum times 0.99", under_a_law(scaled(bounds.soft_upper_mean_at, 0.99))),
            PlantedError(
                "n becomes n + 1",
                under_a_law(lambda S, A, n, rho: bounds.soft_upper_mean_at(S=S, A=A, n=n + 1, rho=rho)),
            ),
        ),
    ),
    stated(
        "zz-5.2-mean",
        claim=bounds.soft_upper_mean,
        check=mean_upper("CE_ful", HOSTILE),
        planted=(
            PlantedError("4/9 becomes 4/11", lambda S, A, n: 4 * S / (11 * n) if n else math.nan),
            PlantedError("S becomes S - 1", lambda S, A, n: 4 * (S - 1) / (9 * n) if n else math.nan),
            PlantedError("S becomes sqrt(S)", lambda S, A, n: 4 * math.sqrt(S) / (9 * n) if n else math.nan),
            PlantedError("n^-1 becomes n^-1.05", steeper(bounds.soft_upper_mean, 0.05)),
        ),
    ),
    stated(
        "zz-5.2-whp",
        claim=bounds.soft_upper_whp,
        check=quantile_upper("CE_ful"),
        planted=(
            PlantedError(
                "3 becomes 1/3",
                lambda S, A, n, delta: (
                    4 * S / (9 * n) + math.sqrt(S) * math.log(1 / delta) / (3 * n) if n and delta <= 0.1 else math.nan
                ),
            ),
            PlantedError(
                "3 log(1/delta) becomes sqrt(log(1/delta))",
                lambda S, A, n, delta: (
                    4 * S / (9 * n) + math.sqrt(S * math.log(1 / delta)) / n if n and delta <= 0.1 else math.nan
                ),
            ),
            PlantedError("n^-1 becomes n^-1.5", steeper(bounds.soft_upper_whp, 0.5)),
        ),
    ),
    stated(
        "zz-6.1-soft",
        claim=with_floor(bounds.soft_upper_mean_floor),
        check=mean_upper("CE_ful", HOSTILE, of_problem=True),
        note="The paper says that the decay is exponential; the base is ours.",
        planted=(
            PlantedError("1 - c becomes 1 - 1.01 c", with_floor(lambda S, A, n, c_S: max(1 - 1.01 * c_S, 0.0) ** n)),
            PlantedError(
                "n becomes n + 1",
                with_floor(lambda S, A, n, c_S: bounds.soft_upper_mean_floor(S=S, A=A, n=n + 1, c_S=c_S)),
            ),
        ),
    ),
)
