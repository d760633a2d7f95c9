"""Ours: bounds for partial soft labels beside those of Zhao and Zhu.

They are proved in the report (N2 to N7, N10), or conjectured there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from kt_theory import bounds
from kt_theory.ledger.attacks.comparing import together
from kt_theory.ledger.attacks.kl import kl_upper
from kt_theory.ledger.attacks.lower import minimax_lower
from kt_theory.ledger.attacks.means import at_sure_rows, mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import HOSTILE, light_row, mean_risk, one_row
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.entries.ours_missing_mass import (
    EVERY_N,
    deviation,
    lemma_e7,
    majorant,
    of_letters,
    rate,
    two_letters,
)
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.problem import Problem


def at_dead_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)`` against SEL_ptl when what it does not know goes to a label that is never said."""
    for A, n in itertools.product((3, 10, 102), EVERY_N[:-1]):
        light = min(1 / (n + 1), 1 / (A - 1))
        row = np.full(A, light)
        row[-1], row[-2] = 0.0, 1 - (A - 2) * light
        risk, error = mean_risk("SEL_ptl", one_row(*row), n, "hostile")
        where = f"{A - 2} labels of mass {light:.4g}, one of none, one the rest, n={n}"
        yield Trial(where, risk, float(claim(S=1, A=A, n=n)), "exact", n, error)


def light_rows(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n, k, x)`` against the exact risk of SEL_ptl on the problem that it was built on."""
    for (S, A), n in itertools.product(((1, 3), (1, 4), (3, 5), (1, 25), (2, 100)), (0, 1, 2, 10, 100, 10**4, 10**9)):
        for k in sorted({1, A // 2, max(round(0.68 * A) - 1, 1)}):
            for x in (1 / (n + 1), 1.4 / (n + 2), 1 / (S * k)):
                lhs = float(claim(S=S, A=A, n=n, k=k, x=x))
                if math.isnan(lhs):
                    continue
                rhs, error = risk_of_light_rows(S, A, n, k, x)
                yield Trial(f"S={S}, A={A}, n={n}, k={k}, x={x:.4g}", lhs, rhs, "exact", n, error)


@cache
def risk_of_light_rows(S: int, A: int, n: int, k: int, x: float) -> tuple[float, float]:
    """The exact risk of SEL_ptl, rho uniform, every row with k labels of joint mass x, and its error."""
    problem = Problem(np.full(S, 1 / S), np.tile(light_row(A, k, min(S * x, 1 / k)), (S, 1)))
    return mean_risk("SEL_ptl", problem, n, "uniform")


def light_mean(S: int, A: int, n: int, k: int, x: float, of_mean: bool = False, late: int = 0) -> float:
    """N7 with j replaced by its mean, or with fewer samples."""
    true = bounds.partial_lower_mean_at(S=S, A=A, n=max(n - late, 0), k=k, x=x)
    if not of_mean or math.isnan(true):
        return float(true)
    empty = A - k if abs(S * k * x - 1) < 1e-15 else A - k - 1
    mean = k * (math.exp(n * math.log1p(-x)) if x < 1 else float(n == 0))
    return S * x * mean * empty / (mean + empty)


def of_joint_law(bound: Claim) -> Claim:
    """A bound that depends on the joint masses, as a claim about a problem."""

    def claim(S: int, A: int, n: int, problem: Problem) -> Any:
        return bound(S=S, A=A, n=n, w=problem.w)

    return claim


STATEMENTS = (
    stated(
        "ours-N3-at",
        claim=of_joint_law(bounds.partial_upper_mean_at),
        check=mean_upper("SEL_ptl", HOSTILE, of_problem=True),
        planted=(
            PlantedError("the sum times 0.99", of_joint_law(scaled(bounds.partial_upper_mean_at, 0.99))),
            PlantedError(
                "n becomes n + 1", of_joint_law(lambda S, A, n, w: bounds.partial_upper_mean_at(S=S, A=A, n=n + 1, w=w))
            ),
            PlantedError(
                "1 - 1/A for every init",
                of_joint_law(lambda S, A, n, w: (1 - 1 / A) * bounds.partial_upper_mean_at(S=S, A=A, n=n, w=w)),
            ),
        ),
    ),
    stated(
        "ours-N3-missing",
        claim=bounds.partial_upper_mean_missing,
        check=together(mean_upper("SEL_ptl", HOSTILE), at_dead_labels),
        planted=(
            PlantedError("the bound times 0.95", scaled(bounds.partial_upper_mean_missing, 0.95)),
            PlantedError(
                "SA becomes S (A - 2)", lambda S, A, n: majorant(size=S * (A - 2), n=n) if A > 2 else math.nan
            ),
            PlantedError("n^-1 becomes n^-1.02", steeper(bounds.partial_upper_mean_missing, 0.02)),
        ),
    ),
    stated(
        "ours-N4-uniform",
        claim=bounds.partial_upper_mean_uniform,
        check=together(mean_upper("SEL_ptl"), at_sure_rows("SEL_ptl")),
        note="Attained at A = 2, n <= S by sure rows; too large by a factor 2.4 as A and n grow.",
        planted=(
            PlantedError("the bound times 0.99", scaled(bounds.partial_upper_mean_uniform, 0.99)),
            PlantedError(
                "the unvisited inputs are forgotten",
                lambda S, A, n: (A - 2) / (A - 1) * bounds.missing_mass_upper_mean(size=S * A, n=n) if A > 1 else 0.0,
            ),
            PlantedError(
                "A - 1 becomes A throughout the first factor, and M(SA) becomes M(S)",
                lambda S, A, n: (A - 1) / A * bounds.missing_mass_upper_mean(size=S, n=n),
            ),
        ),
    ),
    stated(
        "ours-N4-simple",
        claim=bounds.partial_upper_mean_uniform_simple,
        check=mean_upper("SEL_ptl"),
        planted=(
            PlantedError("1/e becomes 1/6", scaled(bounds.partial_upper_mean_uniform_simple, math.e / 6)),
            PlantedError("S (A - 1) becomes (S - 1) (A - 1)", lambda S, A, n: rate((S - 1) * (A - 1) / math.e, n)),
            PlantedError("n^-1 becomes n^-1.1", steeper(bounds.partial_upper_mean_uniform_simple, 0.1)),
        ),
    ),
    stated(
        "ours-N6-lambert",
        claim=bounds.partial_upper_mean_lambert,
        check=mean_upper("SEL_ptl"),
        planted=(
            PlantedError("c_inf becomes 0.09", lambda S, A, n: rate(S * (0.09 * A + math.sqrt(2 * A) / math.e), n)),
            PlantedError("c_inf A becomes c_inf sqrt(A)", lambda S, A, n: rate(0.675 * S * math.sqrt(A), n)),
            PlantedError("n^-1 becomes n^-1.05", steeper(bounds.partial_upper_mean_lambert, 0.05)),
        ),
    ),
    stated(
        "ours-N6-pairs",
        claim=bounds.partial_upper_mean_pairs,
        check=mean_upper("SEL_ptl"),
        planted=(
            PlantedError("0.159974 becomes 0.15", lambda S, A, n: rate(0.15 * S * A, n)),
            PlantedError("SA becomes S sqrt(A)", lambda S, A, n: rate(0.159974 * S * math.sqrt(A), n)),
            PlantedError("n^-1 becomes n^-1.02", steeper(bounds.partial_upper_mean_pairs, 0.02)),
        ),
    ),
    stated(
        "ours-N6-conjecture",
        claim=bounds.partial_upper_mean_conjecture,
        check=mean_upper("SEL_ptl"),
        planted=(
            PlantedError("c_inf becomes 0.15", lambda S, A, n: rate(0.15 * S * A, n)),
            PlantedError("SA becomes S (A - 2)", lambda S, A, n: rate(0.1544112 * S * max(A - 2, 0), n)),
            PlantedError("n^-1 becomes n^-1.01", steeper(bounds.partial_upper_mean_conjecture, 0.01)),
        ),
    ),
    stated(
        "ours-N3-whp",
        claim=bounds.partial_upper_whp_missing,
        check=together(quantile_upper("SEL_ptl"), two_letters(dead=1)),
        planted=(
            PlantedError(
                "3 becomes 1/2",
                of_letters(lambda size, n, delta: lemma_e7(size=size, n=n, delta=delta, factor=0.5, power=1.0)),
            ),
            PlantedError(
                "log(1/delta) becomes its square root",
                of_letters(lambda size, n, delta: lemma_e7(size=size, n=n, delta=delta, factor=3.0, power=0.5)),
            ),
            PlantedError("n^-1 becomes n^-3/2", steeper(bounds.partial_upper_whp_missing, 0.5)),
        ),
    ),
    stated(
        "ours-N2-whp",
        claim=bounds.partial_upper_whp_sqrt,
        check=together(quantile_upper("SEL_ptl"), two_letters(dead=1)),
        planted=(
            PlantedError(
                "2/n becomes 1/(2n)",
                of_letters(lambda size, n, delta: deviation(size=size, n=n, delta=delta, factor=0.5)),
            ),
            PlantedError(
                "sqrt(2 SA L) / e is forgotten",
                of_letters(lambda size, n, delta: deviation(size=size, n=n, delta=delta, factor=2.0, spread=0.0)),
            ),
            PlantedError("n^-1 becomes n^-3/2", steeper(bounds.partial_upper_whp_sqrt, 0.5)),
        ),
    ),
    stated(
        "ours-N7-at",
        claim=light_mean,
        check=light_rows,
        note="Against the exact risk of SEL_ptl on the same problem, which no student beats over relabellings (N5).",
        planted=(
            PlantedError("j becomes its mean", lambda S, A, n, k, x: light_mean(S=S, A=A, n=n, k=k, x=x, of_mean=True)),
            PlantedError("n becomes n - 1", lambda S, A, n, k, x: light_mean(S=S, A=A, n=n, k=k, x=x, late=1)),
            PlantedError("the bound times 1.01", scaled(bounds.partial_lower_mean_at, 1.01)),
        ),
    ),
    stated(
        "ours-N7-light",
        claim=bounds.partial_lower_mean_light,
        check=minimax_lower("partial"),
        planted=(
            PlantedError("the bound times 1.05", scaled(bounds.partial_lower_mean_light, 1.05)),
            PlantedError("SA becomes S (A + 1)", lambda S, A, n: bounds.partial_lower_mean_light(S=S, A=A + 1, n=n)),
            PlantedError("n^-1 becomes n^-0.98", steeper(bounds.partial_lower_mean_light, -0.02)),
        ),
    ),
    stated(
        "ours-N10-partial",
        claim=bounds.partial_upper_kl_mean,
        check=kl_upper("SEL_ptl"),
        planted=(
            PlantedError("c_KL becomes 0.27", lambda S, A, n: rate(0.27 * S * A, n)),
            PlantedError("the constant of total variation", bounds.partial_upper_mean_conjecture),
            PlantedError("n^-1 becomes n^-1.05", steeper(bounds.partial_upper_kl_mean, 0.05)),
        ),
    ),
)
