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
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Statement, Trial
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


_LOWER_REGIME = "S >= 2, A >= 2, n >= S"

STATEMENTS = (
    Statement(
        id="zz-5.1",
        source="Z&Z Thm 5.1 (before the power is bounded)",
        words="Soft labels: no student's worst expected risk is below a constant times S/n.",
        formula="inf sup E R >= ((S - 1) / (2 (n + 1))) (1 - 1/(n + 1))^n",
        regime=_LOWER_REGIME,
        grade="lower",
        status="published",
        claim=bounds.soft_lower_mean,
        check=minimax_lower("soft", (3, "CE_ful"), own_from=2),
        certificates=("soft_lower_mean",),
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
    Statement(
        id="zz-5.1-simple",
        source="Z&Z Thm 5.1",
        words="Soft labels: no student's worst expected risk is below a constant times S/n, with 1/e for a power.",
        formula="inf sup E R >= (S - 1) / (2 e (n + 1))",
        regime=_LOWER_REGIME,
        grade="lower",
        status="published",
        claim=bounds.soft_lower_mean_simple,
        check=minimax_lower("soft", (3, "CE_ful"), own_from=2),
        certificates=("soft_lower_mean_simple",),
        planted=(
            PlantedError("1/(2e) becomes 1/2", scaled(bounds.soft_lower_mean_simple, math.e)),
            PlantedError(
                "the condition n >= S is dropped",
                lambda S, A, n: (S - 1) / (2 * math.e * (n + 1)) if S > 1 and A > 1 else math.nan,
            ),
        ),
    ),
    Statement(
        id="zz-5.1-at",
        source="Z&Z Thm 5.1 (any law of the inputs)",
        words="Soft labels: for every law of the inputs, known to the student, no student's worst expected risk is "
        "below half the expected mass of the unvisited inputs.",
        formula="inf sup over pi* of E R >= (1/2) sum_s rho(s) (1 - rho(s))^n",
        regime="S >= 2, A >= 2, n >= 0",
        grade="tight",
        status="published",
        claim=under_a_law(bounds.soft_lower_mean_at),
        check=at_every_law,
        certificates=("soft_lower_mean_at",),
        planted=(
            PlantedError("1/2 becomes 0.51", under_a_law(scaled(bounds.soft_lower_mean_at, 1.02))),
            PlantedError(
                "n becomes n - 1",
                under_a_law(lambda S, A, n, rho: bounds.soft_lower_mean_at(S=S, A=A, n=max(n - 1, 0), rho=rho)),
            ),
        ),
    ),
    Statement(
        id="zz-5.2-mean-at",
        source="Z&Z Thm 5.2 (mean, any law of the inputs)",
        words="Soft labels: the expected risk of CE_ful is at most the expected mass of the unvisited inputs.",
        formula="E R(CE_ful) <= sum_s rho(s) (1 - rho(s))^n",
        regime="n >= 0",
        grade="tight",
        status="published",
        claim=under_a_law(bounds.soft_upper_mean_at),
        check=mean_upper("CE_ful", HOSTILE, of_problem=True),
        certificates=("soft_upper_mean_at",),
        planted=(
            PlantedError("the sum times 0.99", under_a_law(scaled(bounds.soft_upper_mean_at, 0.99))),
            PlantedError(
                "n becomes n + 1",
                under_a_law(lambda S, A, n, rho: bounds.soft_upper_mean_at(S=S, A=A, n=n + 1, rho=rho)),
            ),
        ),
    ),
    Statement(
        id="zz-5.2-mean",
        source="Z&Z Thm 5.2 (mean)",
        words="Soft labels: the expected risk of CE_ful is of order S/n.",
        formula="E R(CE_ful) <= 4S/(9n)",
        regime="n >= 1",
        grade="upper",
        status="published",
        claim=bounds.soft_upper_mean,
        check=mean_upper("CE_ful", HOSTILE),
        certificates=("soft_upper_mean",),
        planted=(
            PlantedError("4/9 becomes 4/11", lambda S, A, n: 4 * S / (11 * n) if n else math.nan),
            PlantedError("S becomes S - 1", lambda S, A, n: 4 * (S - 1) / (9 * n) if n else math.nan),
            PlantedError("S becomes sqrt(S)", lambda S, A, n: 4 * math.sqrt(S) / (9 * n) if n else math.nan),
            PlantedError("n^-1 becomes n^-1.05", steeper(bounds.soft_upper_mean, 0.05)),
        ),
    ),
    Statement(
        id="zz-5.2-whp",
        source="Z&Z Thm 5.2 (high probability)",
        words="Soft labels: the risk of CE_ful is of order S/n with probability 1 - delta.",
        formula="R(CE_ful) <= 4S/(9n) + 3 sqrt(S) log(1/delta)/n",
        regime="n >= 1, delta <= 1/10",
        grade="upper",
        status="published",
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
    Statement(
        id="zz-6.1-soft",
        source="Z&Z Remark 6.1 (soft labels)",
        words="If the mass of every input is bounded below, the expected risk of CE_ful decays exponentially.",
        formula="E R(CE_ful) <= (1 - c_S)^n if rho >= c_S where positive",
        regime="n >= 0",
        grade="tight",
        status="published",
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
