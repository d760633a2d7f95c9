"""Ours: bounds for partial soft labels beside those of Zhao and Zhu.

They are proved in the report (N2 to N7, N10, N15, N16).
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
from kt_theory.ledger.attacks.problems import HOSTILE, UNIFORM, generator, light_row, mean_risk, one_row
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
from kt_theory.problem import LIGHT_SHARE, Problem


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


def unseen_sets(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)`` at S = A = n = 1 as the constant c of sum (x - mean)_+ <= c sum e^x over every multiset."""
    c = float(claim(S=1, A=1, n=1))
    rng = generator(effort, "unseen sets")
    for k, m in itertools.product((1, 2, 5, 30), repeat=2):
        for rate_of in (1.0, 1.4, 1.47767, 2.0):
            x = np.concatenate([np.full(k, rate_of), np.zeros(m)])
            yield _set_trial(f"{k} at {rate_of}, {m} at 0", x, c)
    for k, m in ((21, 10), (44, 21), (6767, 3233)):  # the share 1/(1 + q) at the rate 1 + q, after e^-x of it: c itself
        weights = np.array([k * math.exp(-1.47767), m])
        x = np.array([1.47767, 0.0])
        mean = weights @ x / weights.sum()
        cost = float(weights @ np.maximum(x - mean, 0))
        yield Trial(f"weights, {k} at 1.47767, {m} at 0", cost, c * float(weights @ np.exp(x)), "exact", error=1e-12)
    for _ in range(100 * effort.problems):
        x = rng.exponential(rng.choice([0.3, 1.0, 3.0]), size=int(rng.integers(1, 30))) * (rng.random() < 0.9)
        x[rng.random(x.size) < rng.random()] = 0.0
        yield _set_trial(f"{x.size} random rates", x, c)


def _set_trial(where: str, x: np.ndarray, c: float) -> Trial:
    return Trial(where, float(np.maximum(x - x.mean(), 0).sum()), c * float(np.exp(x).sum()), "exact", error=1e-12)


def squared_cell(n: int) -> float:
    """The largest w / (1 + (1 - w)^-n)^2, times n."""
    w = np.linspace(0, 3 / max(n, 2), 2001)[1:-1]
    return float(n * np.max(w / (1 + (1 - w) ** -float(n)) ** 2))


def spread_rows(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)`` against the exact risk of SEL_ptl on k equal labels and zeros, fewer samples than pairs."""
    for S, A in ((1, 3), (1, 10), (1, 200), (10, 100)):
        for v in (0.05, 0.2, 0.5, 0.8, 1.0):
            n = max(round(v * S * A), 1)
            for k in sorted({max(round(A * share), 1) for share in (0.25, 0.4, 0.54, 0.62, 0.68)}):
                lhs, error = risk_of_light_rows(S, A, n, k, 1 / (S * k))
                where = f"S={S}, A={A}, n={n}, {k} equal labels"
                yield Trial(where, lhs, float(claim(S=S, A=A, n=n)), "exact", n, error)


def curve_with(S: int, A: int, n: int, power: float = 0.5, less: float = 1.0) -> float:
    """N16 with another power of v and another share of v in the denominator."""
    v = n / (S * A)
    if v >= 1:
        return rate(0.1544112 * S * A, n)
    x = v
    for _ in range(80):
        x = v + v**power * math.exp(-x / 2)
    return math.exp(-x) / (1 + x - less * v)


def sticky_chains(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n, gap)`` against the exact risk of SEL_ptl when inputs repeat themselves with chance 1 - gap."""
    for S, A in ((2, 2), (10, 2), (30, 2), (3, 3), (2, 6)):
        teachers = {"sure rows": np.tile(np.eye(A)[0], (S, 1)), "light rows": np.tile(light_row(A, 1, 0.1), (S, 1))}
        for gap, times in itertools.product((1.0, 0.3, 0.03), (0.5, 1.0, 4.0, 30.0)):
            n = round(times * S / gap) + 1
            for name, teacher in teachers.items():
                light = min(1 / S, 1 / (1 + gap * (n - 1)))
                rho = np.full(S, light)
                rho[-1] = 1 - (S - 1) * light
                lhs = risk_of_chain(rho, teacher, n, gap)
                where = f"{name}, S={S}, A={A}, n={n}, gap={gap}"
                yield Trial(where, lhs, float(claim(S=S, A=A, n=n, gap=gap)), "exact", n, 1e-12)


def risk_of_chain(rho: np.ndarray, teacher: np.ndarray, n: int, gap: float) -> float:
    """E sum_s T_s of a chain that stays with chance 1 - gap and else draws from rho; started in rho.

    The chance that labels B of input s are never seen is rho D (P D)^(n-1) 1, D less the chance of B at s; that no
    others are unseen follows by inclusion and exclusion.
    """
    S, A = teacher.shape
    kernel = (1 - gap) * np.eye(S) + gap * rho
    member = (np.arange(2**A)[:, None] >> np.arange(A)) & 1
    signs = np.array([[1.0]])
    for _ in range(A):
        signs = np.block([[signs, -signs], [np.zeros_like(signs), signs]])
    total = 0.0
    for s in range(S):
        none = np.empty(2**A)
        for i, labels in enumerate(member):
            keeps = np.ones(S)
            keeps[s] = 1 - labels @ teacher[s]
            none[i] = (rho * keeps) @ np.linalg.matrix_power(kernel * keeps, n - 1).sum(axis=1)
        w = rho[s] * teacher[s]
        mean = member @ w / np.maximum(member.sum(axis=1), 1)
        total += float((signs @ none) @ (member * np.maximum(w - mean[:, None], 0)).sum(axis=1))
    return total


def equal_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n, delta)`` against quantiles of the exact risk at k equal labels and zeros, n = A.

    The number of labels that were seen is a chain: a sample meets a new one with the chance of those that are left.
    """
    for A in (40, 400, 2000):
        k = round(LIGHT_SHARE * A)
        seen = np.zeros(k + 1)
        seen[0] = 1.0
        j = np.arange(k + 1)
        for _ in range(A):
            seen[1:] = seen[1:] * (j[1:] / k) + seen[:-1] * (1 - j[:-1] / k)
            seen[0] = 0.0
        risks = (k - j) / k * (A - k) / (A - j)
        tails = np.cumsum(seen)  # of the risk: at least that of j labels seen
        for share in (0.99, 0.9, 0.7, 0.5, 0.1, 0.01, 1e-4, 1e-8):
            at = int(np.argmax(tails >= share))
            delta = min(tails[at] * (1 - 1e-9), 1 - 1e-9)
            where = f"{k} equal labels, {A - k} of none, n={A}, delta={delta:.3g}"
            yield Trial(where, float(risks[at]), float(claim(S=1, A=A, n=A, delta=delta)), "exact", A, 1e-12)


def whp_with(S: int, A: int, n: int, delta: float, c: float = 0.1544112, once: float = 2.0, root: float = 2.0) -> float:
    """N15 with other constants: (c SA + once L + (root / e) sqrt(2 SA L)) / n."""
    L = -math.log(delta)
    return rate(c * S * A + once * L + root / math.e * math.sqrt(2 * S * A * L), n)


def two_unseen(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n, delta)`` where labels of mass p and 0 are unseen, of three, with probability above delta."""
    for n in EVERY_N[1:]:
        for times in (0.5, 1.0, 2.0, 5.0, 20.0, 100.0):
            p = min(times / n, 0.5)
            delta = math.exp(n * math.log1p(-p)) * (1 - 1e-9)
            where = f"row ({p:.4g}, {1 - p:.4g}, 0), n={n}, delta={delta:.3g}"
            yield Trial(where, p / 2, float(claim(S=1, A=3, n=n, delta=delta)), "exact", n)


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
        "ours-N6-sharp",
        claim=bounds.partial_upper_mean_sharp,
        check=together(mean_upper("SEL_ptl"), unseen_sets),
        planted=(
            PlantedError("c_inf becomes 0.15", lambda S, A, n: rate(0.15 * S * A, n)),
            PlantedError("c_inf becomes 0.1544", lambda S, A, n: rate(0.1544 * S * A, n)),
            PlantedError("SA becomes S (A - 2)", lambda S, A, n: rate(0.1544112 * S * max(A - 2, 0), n)),
            PlantedError("n^-1 becomes n^-1.01", steeper(bounds.partial_upper_mean_sharp, 0.01)),
        ),
    ),
    stated(
        "ours-N15-finite",
        claim=bounds.partial_upper_mean_finite,
        check=mean_upper("SEL_ptl"),
        planted=(
            PlantedError("the bound times 0.97", scaled(bounds.partial_upper_mean_finite, 0.97)),
            PlantedError("n becomes 1.05 n", lambda S, A, n: bounds.partial_upper_mean_sharp(S=S, A=A, n=n) / 1.05),
            PlantedError("-n/2 becomes -n", lambda S, A, n: rate(S * A * squared_cell(n), n)),
        ),
    ),
    stated(
        "ours-N16-curve",
        claim=bounds.partial_upper_mean_curve,
        check=together(mean_upper("SEL_ptl"), spread_rows),
        note="Also against rows of k equal labels and zeros at n < SA, where the curve is nearly attained.",
        planted=(
            PlantedError("the bound times 0.98", scaled(bounds.partial_upper_mean_curve, 0.98)),
            PlantedError("sqrt(v) becomes v^(1/4)", lambda S, A, n: curve_with(S, A, n, power=0.25)),
            PlantedError("1 + x - v becomes 1 + x", lambda S, A, n: curve_with(S, A, n, less=0.0)),
            PlantedError("v becomes n/(S (A - 1))", lambda S, A, n: curve_with(S, max(A - 1, 1), n)),
        ),
    ),
    stated(
        "ours-N15-chain",
        claim=bounds.partial_upper_mean_chain,
        check=sticky_chains,
        note="Lazy chains that stay where they are, or draw from rho; exact, by products of matrices.",
        planted=(
            PlantedError("the gap is forgotten", lambda S, A, n, gap: bounds.partial_upper_mean_sharp(S=S, A=A, n=n)),
            PlantedError(
                "the gap becomes its double",
                lambda S, A, n, gap: bounds.partial_upper_mean_sharp(S=S, A=A, n=1) / (1 + 2 * gap * (n - 1)),
            ),
            PlantedError(
                "n - 1 becomes n^1.1 - 1",
                lambda S, A, n, gap: bounds.partial_upper_mean_sharp(S=S, A=A, n=1) / (1 + gap * (n**1.1 - 1)),
            ),
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
        "ours-N15-whp",
        claim=bounds.partial_upper_whp_sharp,
        check=together(quantile_upper("SEL_ptl", UNIFORM), two_unseen, equal_labels),
        note="Also against the exact law of the risk at equal labels and zeros in the worst proportion.",
        planted=(
            PlantedError("c_inf becomes 0.13", lambda S, A, n, delta: whp_with(S, A, n, delta, c=0.13)),
            PlantedError(
                "the root is forgotten, 2 L becomes L/4",
                lambda S, A, n, delta: whp_with(S, A, n, delta, once=0.25, root=0.0),
            ),
            PlantedError("n^-1 becomes n^-3/2", steeper(bounds.partial_upper_whp_sharp, 0.5)),
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
            PlantedError("the constant of total variation", bounds.partial_upper_mean_sharp),
            PlantedError("n^-1 becomes n^-1.05", steeper(bounds.partial_upper_kl_mean, 0.05)),
        ),
    ),
)
