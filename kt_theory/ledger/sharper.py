"""Ours: the bounds beside those of Zhao and Zhu, proved in the report, `paper/` (N1 to N10), or conjectured there.

Missing masses are risks, which is how they are tried: on a single input with one label that is never said, a SEL_ptl
that was sure of that label pays what is missing, no more and no less. With two labels that are said, of masses p and
1 - p, it pays p with probability (1 - p)^n, so that quantiles are known at every n.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from kt_theory import bounds
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach
from kt_theory.ledger.attacks import (
    CLIMBED,
    HOSTILE,
    Place,
    climb,
    generator,
    known_problems,
    mean_risk,
    mean_upper,
    minimax_lower,
    one_row,
    quantile_upper,
    random_problems,
    scaled,
    steeper,
)
from kt_theory.ledger.statement import Check, Claim, Effort, Statement, Trial, Twin
from kt_theory.minimax import minimax_risk
from kt_theory.problem import Problem, dirichlet_problem


def together(*checks: Check) -> Check:
    """One check after the other."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for each in checks:
            yield from each(claim, effort)

    return check


# --- Missing mass -------------------------------------------------------------------------------------------

#: Numbers of samples of the cheap checks.
EVERY_N = (0, 1, 2, 3, 5, 10, 30, 100, 1000, 10**4, 10**6, 10**9, 10**12)


def unseen_mass(p: np.ndarray, n: int) -> float:
    """The expected missing mass of a law after n draws."""
    inside = p[(p > 0) & (p < 1)]
    return math.fsum(inside * np.exp(n * np.log1p(-inside))) + float(n == 0) * math.fsum(p[p == 1])


def one_cell(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n)`` against p (1 - p)^n, at the worst p and around it."""
    for n in EVERY_N:
        rhs = float(claim(n))
        for p in (1 / (n + 1), 0.5 / (n + 1), min(2 / (n + 1), 1.0), 0.5, 1e-3, 1.0):
            yield Trial(f"p={p:.6g}, n={n}", unseen_mass(np.array([p]), n), rhs, "algebra", n)


def random_law(rng: np.random.Generator, K: int, alpha: float) -> np.ndarray:
    """A law on K letters; on a single one it is 1, where the draw may leave one rounding."""
    return rng.dirichlet(np.full(K, alpha)) if K > 1 else np.ones(1)


@cache
def letter_laws(effort: Effort) -> tuple[tuple[str, int, int, float, str], ...]:
    """Where, n, number of letters, expected missing mass, kind: uniform laws, light ones with a rest, found ones."""
    found = []
    rng = generator(effort, "laws on letters")
    for K, n in itertools.product((1, 2, 3, 5, 20, 400), EVERY_N):
        laws = {"uniform": np.full(K, 1 / K), "random": random_law(rng, K, 0.7)}
        if n + 1 >= K:
            light = np.full(K, 1 / (n + 1))
            light[-1] = 1 - (K - 1) / (n + 1)
            laws["1/(n+1) each and a rest"] = light
        for name, law in laws.items():
            found.append((f"{name}, {K} letters, n={n}", n, K, unseen_mass(law, n), "exact"))
    for K, n in ((2, 3), (3, 2), (3, 6), (6, 4), (6, 20)):
        start = Problem(random_law(rng, K, 1.0), np.ones((K, 1)))
        mass = climb(lambda problem, n=n: unseen_mass(problem.rho, n), start, 2 * effort.steps, rng)[1]  # type: ignore[misc]
        found.append((f"found by search, {K} letters, n={n}", n, K, mass, "search"))
    return tuple(found)


def letters(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, K)`` against the expected missing mass of laws on K letters."""
    for where, n, K, mass, kind in letter_laws(effort):
        yield Trial(where, mass, float(claim(n, K)), kind, n)


def two_letters(dead: int = 0) -> Check:
    """``claim(n, S, A, delta)`` against the quantiles of two letters, of masses p and 1 - p, at every n.

    `dead`: labels that are never said, and counted in A.
    """

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for n in EVERY_N[1:]:
            for times in (0.5, 1.0, 2.0, 5.0, 20.0, 100.0):
                p = min(times / n, 0.5)
                delta = math.exp(n * math.log1p(-p)) * (1 - 1e-9)
                where = f"row ({p:.4g}, {1 - p:.4g}, 0), n={n}, delta={delta:.3g}"
                yield Trial(where, p, float(claim(n, 1, 2 + dead, delta)), "exact", n)

    return check


def of_letters(bound: Claim) -> Claim:
    """A bound on the missing mass of K letters with probability 1 - delta, on the pairs of an input and a label."""
    return lambda n, S, A, delta: bound(n, S * A, delta)


def deviation(n: int, size: int, delta: float, factor: float = 2.0, spread: float = 1.0) -> float:
    """N2 with other constants: M + (factor / n) (L + spread sqrt(2 size L) / e)."""
    L = -math.log(delta)
    mean = float(bounds.missing_mass_upper_mean(n, size))
    return mean + factor / n * (L + spread * math.sqrt(2 * size * L) / math.e) if n else math.nan


def lemma_e7(n: int, K: int, delta: float, factor: float, power: float) -> float:
    """Z&Z Lemma E.7 with other constants: 4 K / (9 n) + factor sqrt(K) log(1/delta)^power / n."""
    return rate(4 * K / 9 + factor * math.sqrt(K) * (-math.log(delta)) ** power, n) if delta <= 0.1 else math.nan


def rate(constant: float, n: int) -> float:
    """A constant over n, NaN without samples."""
    return constant / n if n else math.nan


def majorant(n: int, K: int, switch: bool = True, shift: int = 1, less: int = 1) -> float:
    """N1 with other constants: (1 - 1/K)^n up to n = K, then (K - less) phi(n - shift)."""
    if n <= K or not switch:
        return float((1 - 1 / K) ** n)
    m = n - shift
    return (K - less) * (m / (m + 1)) ** m / (m + 1)


# --- Partial and soft labels --------------------------------------------------------------------------------


def at_dead_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, S, A)`` against SEL_ptl when what it does not know goes to a label that is never said."""
    for A, n in itertools.product((3, 10, 102), EVERY_N[:-1]):
        light = min(1 / (n + 1), 1 / (A - 1))
        row = np.full(A, light)
        row[-1], row[-2] = 0.0, 1 - (A - 2) * light
        risk, error = mean_risk("SEL_ptl", one_row(*row), n, "hostile")
        where = f"{A - 2} labels of mass {light:.4g}, one of none, one the rest, n={n}"
        yield Trial(where, risk, float(claim(n, 1, A)), "exact", n, error)


def at_sure_rows(learner: str, init: str = "uniform") -> Check:
    """``claim(n, S, A)`` against a learner where the teacher is sure and the inputs are alike."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for (S, A), n in itertools.product(((1, 1), (1, 2), (3, 2), (10, 2), (3, 7)), (0, 1, 2, 3, 10)):
            problem = Problem(np.full(S, 1 / S), np.tile(np.eye(A)[0], (S, 1)))
            risk, error = mean_risk(learner, problem, n, init)
            where = f"{learner}, sure rows, S={S}, A={A}, n={n}, {init} init"
            yield Trial(where, risk, float(claim(n, S, A)), "exact", n, error)

    return check


def light_row(A: int, k: int, mass: float) -> np.ndarray:
    """K labels of the same mass, one with the rest, the others 0."""
    row = np.zeros(A)
    row[:k] = mass
    row[k] = max(1 - k * mass, 0.0)
    return row


def light_rows(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, S, A, k, x)`` against the exact risk of SEL_ptl on the problem that it was built on."""
    for (S, A), n in itertools.product(((1, 3), (1, 4), (3, 5), (1, 25), (2, 100)), (0, 1, 2, 10, 100, 10**4, 10**9)):
        for k in sorted({1, A // 2, max(round(0.68 * A) - 1, 1)}):
            for x in (1 / (n + 1), 1.4 / (n + 2), 1 / (S * k)):
                lhs = float(claim(n, S, A, k, x))
                if math.isnan(lhs):
                    continue
                rhs, error = risk_of_light_rows(S, A, n, k, x)
                yield Trial(f"S={S}, A={A}, n={n}, k={k}, x={x:.4g}", lhs, rhs, "exact", n, error)


@cache
def risk_of_light_rows(S: int, A: int, n: int, k: int, x: float) -> tuple[float, float]:
    """The exact risk of SEL_ptl, rho uniform, every row with k labels of joint mass x, and its error."""
    problem = Problem(np.full(S, 1 / S), np.tile(light_row(A, k, min(S * x, 1 / k)), (S, 1)))
    return mean_risk("SEL_ptl", problem, n, "uniform")


def light_mean(n: int, S: int, A: int, k: int, x: float, of_mean: bool = False, late: int = 0) -> float:
    """N7 with j replaced by its mean, or with fewer samples."""
    true = bounds.partial_lower_mean_at(max(n - late, 0), S, A, k, x)
    if not of_mean or math.isnan(true):
        return float(true)
    empty = A - k if abs(S * k * x - 1) < 1e-15 else A - k - 1
    mean = k * (math.exp(n * math.log1p(-x)) if x < 1 else float(n == 0))
    return S * x * mean * empty / (mean + empty)


def of_joint_law(bound: Claim) -> Claim:
    """A bound that depends on the joint masses, as a claim about a problem."""

    def claim(n: int, S: int, A: int, problem: Problem) -> Any:
        return bound(n, S, A, problem.w)

    return claim


# --- Forward KL ---------------------------------------------------------------------------------------------

#: The worst row of SEL_ptl in forward KL, as A grows: share of the light labels, n times their mass (N10).
KL_SHARE, KL_MASS = 0.5431, 1.8414


def kl_risk(learner: str, problem: Problem, n: int) -> tuple[float, float]:
    """The exact expected KL(pi*, student), averaged under rho, uniform init, and its error."""
    estimate = exact_risk(problem, learner, n, divergence="kl")
    return estimate.value, estimate.error


@cache
def kl_places(learner: str, effort: Effort) -> tuple[Place, ...]:
    """Where the KL risk of a learner is tried."""
    few: tuple[Any, Any] = ([(1, 1), (1, 2), (2, 2), (5, 4), (10, 8)], (0, 1, 2, 10, 100, 10**4, 10**9))
    candidates = [*known_problems(*few), *random_problems(effort, ((1, 3), (2, 4), (3, 6)), few[1])]
    for A, times in itertools.product((3, 10, 25, 101), (1, 10, 1000)):
        n = A * times
        k = max(1, round(KL_SHARE * (A - 1)))
        row = light_row(A, k, min(KL_MASS / n, 1 / k))
        candidates.append((f"{k} of {A} labels of mass {row[0]:.4g}, n={n}", one_row(*row), n))
    for (S, A), n in itertools.product(((2, 2), (3, 5), (10, 10)), (0, 1, 2, 5, 100, 10**6)):
        worst = minimax_risk("soft", S, A, n).instance
        candidates.append((f"least favourable for soft labels, S={S}, A={A}, n={n}", worst, n))
    places = []
    for where, problem, n in candidates:
        try:
            places.append(Place(where, problem, n, *kl_risk(learner, problem, n), "exact"))
        except OutOfReach:
            continue
    rng = generator(effort, f"climb in KL {learner}")
    for S, A, n in CLIMBED[2::5]:
        start = dirichlet_problem(S, A, rng, rho_alpha=1.0)
        best = climb(lambda problem, n=n: kl_risk(learner, problem, n)[0], start, effort.steps, rng)[0]  # type: ignore[misc]
        where = f"found by search, S={S}, A={A}, n={n}"
        places.append(Place(where, best, n, *kl_risk(learner, best, n), "search"))
    return tuple(places)


def kl_upper(learner: str) -> Check:
    """The check of an upper bound ``claim(n, S, A)`` on the mean KL risk of a learner, uniform init."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for place in kl_places(learner, effort):
            rhs = float(claim(place.n, place.problem.S, place.problem.A))
            yield Trial(place.where, place.risk, rhs, place.kind, place.n, place.error)

    return check


#: The learners whose limits the paper compares.
PAPER = ("CE_sgl", "SEL_ptl", "CE_ful")

# --- Statements ---------------------------------------------------------------------------------------------

_N1 = "(1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K"

MISSING_MASS = (
    Statement(
        id="ours-N1-cell",
        source="ours, N1",
        words="A cell is missing 1/(en) at most.",
        formula="p (1 - p)^n <= 1/(e n)",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.cell_missing_upper_e,
        check=one_cell,
        twins=(
            Twin("1/e becomes 0.367", lambda n: rate(0.367, n)),
            Twin("n becomes n + 1", lambda n: 1 / (math.e * (n + 1)) if n else math.nan),
            Twin("n becomes n^1.01", lambda n: n**-1.01 / math.e if n else math.nan),
        ),
    ),
    Statement(
        id="ours-N1-mean",
        source="ours, N1",
        words="The expected missing mass of K letters is at most K times the concave majorant of one at 1/K.",
        formula=f"E m0 <= {_N1}",
        regime="n >= 0",
        grade="upper",
        status="proved",
        claim=bounds.missing_mass_upper_mean,
        check=letters,
        note="An equality up to n = K.",
        twins=(
            Twin("phi(n - 1) becomes phi(n)", lambda n, K: majorant(n, K, shift=0)),
            Twin("K - 1 becomes K - 2", lambda n, K: majorant(n, K, less=2)),
            Twin("(1 - 1/K)^n for every n", lambda n, K: majorant(n, K, switch=False)),
        ),
    ),
    Statement(
        id="ours-N2-deviation",
        source="ours, N2",
        words="The missing mass exceeds its mean by little, with probability 1 - delta.",
        formula="m0 <= M(K) + (2/n) (L + sqrt(2 K L) / e), L = log(1/delta)",
        regime="n >= 1, 0 < delta < 1",
        grade="upper",
        status="proved",
        claim=of_letters(bounds.missing_mass_upper_whp_sqrt),
        check=together(quantile_upper("SEL_ptl", ("hostile",), labels=1), two_letters()),
        twins=(
            Twin(
                "2/n becomes 1/(2n)",
                of_letters(lambda n, K, delta: deviation(n, K, delta, 0.5)),
            ),
            Twin("sqrt(2 K L) / e is forgotten", of_letters(lambda n, K, delta: deviation(n, K, delta, 2.0, 0.0))),
            Twin("n^-1 becomes n^-3/2", of_letters(steeper(bounds.missing_mass_upper_whp_sqrt, 0.5))),
        ),
    ),
)

PARTIAL = (
    Statement(
        id="ours-N3-at",
        source="ours, N3",
        words="SEL_ptl pays the missing mass of the joint law at most, whatever it says unasked.",
        formula="E R(SEL_ptl) <= sum over (s, a) of w (1 - w)^n, w = rho pi*",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=of_joint_law(bounds.partial_upper_mean_at),
        check=mean_upper("SEL_ptl", HOSTILE, of_problem=True),
        certificates=("partial_upper_mean_at",),
        twins=(
            Twin("the sum times 0.99", of_joint_law(scaled(bounds.partial_upper_mean_at, 0.99))),
            Twin("n becomes n + 1", of_joint_law(lambda n, S, A, w: bounds.partial_upper_mean_at(n + 1, S, A, w))),
            Twin(
                "1 - 1/A for every init",
                of_joint_law(lambda n, S, A, w: (1 - 1 / A) * bounds.partial_upper_mean_at(n, S, A, w)),
            ),
        ),
    ),
    Statement(
        id="ours-N3-missing",
        source="ours, N3 and N1",
        words="SEL_ptl pays the missing mass of the worst joint law at most, whatever it says unasked.",
        formula=f"E R(SEL_ptl) <= M(SA), M(K) = {_N1}",
        regime="n >= 0",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_mean_missing,
        check=together(mean_upper("SEL_ptl", HOSTILE), at_dead_labels),
        certificates=("partial_upper_mean_missing",),
        twins=(
            Twin("the bound times 0.95", scaled(bounds.partial_upper_mean_missing, 0.95)),
            Twin("SA becomes S (A - 2)", lambda n, S, A: majorant(n, S * (A - 2)) if A > 2 else math.nan),
            Twin("n^-1 becomes n^-1.02", steeper(bounds.partial_upper_mean_missing, 0.02)),
        ),
    ),
    Statement(
        id="ours-N4-uniform",
        source="ours, N4",
        words="A uniform spread pays (1 - 1/u) of what u unseen labels hold.",
        formula="E R(SEL_ptl) <= ((A - 2)/(A - 1)) M(SA) + M(S) / (A (A - 1)), uniform",
        regime="n >= 0; 0 if A = 1",
        grade="tight",
        status="proved",
        claim=bounds.partial_upper_mean_uniform,
        check=together(mean_upper("SEL_ptl"), at_sure_rows("SEL_ptl")),
        certificates=("partial_upper_mean_uniform",),
        note="Attained at A = 2, n <= S by sure rows; too large by a factor 2.4 as A and n grow.",
        twins=(
            Twin("the bound times 0.99", scaled(bounds.partial_upper_mean_uniform, 0.99)),
            Twin(
                "the unvisited inputs are forgotten",
                lambda n, S, A: (A - 2) / (A - 1) * bounds.missing_mass_upper_mean(n, S * A) if A > 1 else 0.0,
            ),
            Twin(
                "A - 1 becomes A throughout the first factor, and M(SA) becomes M(S)",
                lambda n, S, A: (A - 1) / A * bounds.missing_mass_upper_mean(n, S),
            ),
        ),
    ),
    Statement(
        id="ours-N4-simple",
        source="ours, N4",
        words="The same in one line.",
        formula="E R(SEL_ptl) <= S (A - 1) / (e n), uniform",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_mean_uniform_simple,
        check=mean_upper("SEL_ptl"),
        certificates=("partial_upper_mean_uniform_simple",),
        twins=(
            Twin("1/e becomes 1/6", scaled(bounds.partial_upper_mean_uniform_simple, math.e / 6)),
            Twin("S (A - 1) becomes (S - 1) (A - 1)", lambda n, S, A: rate((S - 1) * (A - 1) / math.e, n)),
            Twin("n^-1 becomes n^-1.1", steeper(bounds.partial_upper_mean_uniform_simple, 0.1)),
        ),
    ),
    Statement(
        id="ours-N6-lambert",
        source="ours, N6a",
        words="The limit constant of partial soft labels, with a correction for finite A.",
        formula="E R(SEL_ptl) <= S (c_inf A + (sqrt(2)/e) sqrt(A)) / n, c_inf = 0.154411, uniform",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_mean_lambert,
        check=mean_upper("SEL_ptl"),
        certificates=("partial_upper_mean_lambert",),
        twins=(
            Twin("c_inf becomes 0.09", lambda n, S, A: rate(S * (0.09 * A + math.sqrt(2 * A) / math.e), n)),
            Twin("c_inf A becomes c_inf sqrt(A)", lambda n, S, A: rate(0.675 * S * math.sqrt(A), n)),
            Twin("n^-1 becomes n^-1.05", steeper(bounds.partial_upper_mean_lambert, 0.05)),
        ),
    ),
    Statement(
        id="ours-N6-pairs",
        source="ours, N6b",
        words="The spread of the unseen labels, two by two: 1.036 times the limit constant, and no correction.",
        formula="E R(SEL_ptl) <= 0.159975 SA/n, uniform",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_mean_pairs,
        check=mean_upper("SEL_ptl"),
        twins=(
            Twin("0.159974 becomes 0.15", lambda n, S, A: rate(0.15 * S * A, n)),
            Twin("SA becomes S sqrt(A)", lambda n, S, A: rate(0.159974 * S * math.sqrt(A), n)),
            Twin("n^-1 becomes n^-1.02", steeper(bounds.partial_upper_mean_pairs, 0.02)),
        ),
    ),
    Statement(
        id="ours-N6-conjecture",
        source="ours, after N6b",
        words="The limit constant of partial soft labels, without a correction.",
        formula="E R(SEL_ptl) <= c_inf SA/n, c_inf = 0.154411, uniform",
        regime="n >= 1",
        grade="conjecture",
        status="conjectured",
        claim=bounds.partial_upper_mean_conjecture,
        check=mean_upper("SEL_ptl"),
        certificates=("partial_upper_mean_conjecture",),
        twins=(
            Twin("c_inf becomes 0.15", lambda n, S, A: rate(0.15 * S * A, n)),
            Twin("SA becomes S (A - 2)", lambda n, S, A: rate(0.1544112 * S * max(A - 2, 0), n)),
            Twin("n^-1 becomes n^-1.01", steeper(bounds.partial_upper_mean_conjecture, 0.01)),
        ),
    ),
    Statement(
        id="ours-N3-whp",
        source="ours, N3 with Z&Z Lemma E.7",
        words="Lemma E.7 on the joint alphabet: no union bound over inputs.",
        formula="R(SEL_ptl) <= 4SA/(9n) + 3 sqrt(SA) log(1/delta) / n, whatever it says unasked",
        regime="n >= 1, 0 < delta <= 1/10",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_whp_missing,
        check=together(quantile_upper("SEL_ptl"), two_letters(dead=1)),
        twins=(
            Twin("3 becomes 1/2", of_letters(lambda n, K, delta: lemma_e7(n, K, delta, 0.5, 1.0))),
            Twin(
                "log(1/delta) becomes its square root", of_letters(lambda n, K, delta: lemma_e7(n, K, delta, 3.0, 0.5))
            ),
            Twin("n^-1 becomes n^-3/2", steeper(bounds.partial_upper_whp_missing, 0.5)),
        ),
    ),
    Statement(
        id="ours-N2-whp",
        source="ours, N2 and N3",
        words="The deviation of the missing mass of the joint law bounds that of the risk of SEL_ptl.",
        formula="R(SEL_ptl) <= M(SA) + (2/n) (L + sqrt(2 SA L) / e), L = log(1/delta), whatever it says unasked",
        regime="n >= 1, 0 < delta < 1",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_whp_sqrt,
        check=together(quantile_upper("SEL_ptl"), two_letters(dead=1)),
        twins=(
            Twin("2/n becomes 1/(2n)", of_letters(lambda n, K, delta: deviation(n, K, delta, 0.5))),
            Twin("sqrt(2 SA L) / e is forgotten", of_letters(lambda n, K, delta: deviation(n, K, delta, 2.0, 0.0))),
            Twin("n^-1 becomes n^-3/2", steeper(bounds.partial_upper_whp_sqrt, 0.5)),
        ),
    ),
    Statement(
        id="ours-N7-at",
        source="ours, N7a",
        words="Light labels, empty ones and a heavy one: independent labels cost no more than the real ones.",
        formula="inf sup E R >= S x E[j Z / (j + Z)], j ~ Bin(k, (1 - x)^n)",
        regime="A >= 2; Z = A - 1 - k >= 1 if (k + 1) x <= 1/S, Z = A - k if k x = 1/S",
        grade="lower",
        status="proved",
        claim=light_mean,
        check=light_rows,
        note="Against the exact risk of SEL_ptl on the same problem, which no student beats over relabellings (N5).",
        twins=(
            Twin("j becomes its mean", lambda n, S, A, k, x: light_mean(n, S, A, k, x, of_mean=True)),
            Twin("n becomes n - 1", lambda n, S, A, k, x: light_mean(n, S, A, k, x, late=1)),
            Twin("the bound times 1.01", scaled(bounds.partial_lower_mean_at, 1.01)),
        ),
    ),
    Statement(
        id="ours-N7-light",
        source="ours, N7a",
        words="The best of these rows: a bound from below that comes to the limit constant.",
        formula="inf sup E R >= max over k and x of S x E[j Z / (j + Z)]",
        regime="A >= 2, n >= 0",
        grade="lower",
        status="proved",
        claim=bounds.partial_lower_mean_light,
        check=minimax_lower("partial"),
        twins=(
            Twin("the bound times 1.05", scaled(bounds.partial_lower_mean_light, 1.05)),
            Twin("SA becomes S (A + 1)", lambda n, S, A: bounds.partial_lower_mean_light(n, S, A + 1)),
            Twin("n^-1 becomes n^-0.98", steeper(bounds.partial_lower_mean_light, -0.02)),
        ),
    ),
    Statement(
        id="ours-N10-partial",
        source="ours, N10",
        words="In forward KL partial soft labels cost a constant times SA/n: no better rate than hard labels.",
        formula="E KL(SEL_ptl) <= c_KL SA/n, c_KL = 0.292037, uniform",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.partial_upper_kl_mean,
        check=kl_upper("SEL_ptl"),
        twins=(
            Twin("c_KL becomes 0.27", lambda n, S, A: rate(0.27 * S * A, n)),
            Twin("the constant of total variation", bounds.partial_upper_mean_conjecture),
            Twin("n^-1 becomes n^-1.05", steeper(bounds.partial_upper_kl_mean, 0.05)),
        ),
    ),
)

SOFT = (
    Statement(
        id="ours-N1-soft",
        source="ours, N3 and N1",
        words="CE_ful pays the mass of the inputs never visited at most, whatever it says unasked.",
        formula=f"E R(CE_ful) <= M(S), M(K) = {_N1}",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.soft_upper_mean_missing,
        check=together(mean_upper("CE_ful", HOSTILE), at_sure_rows("CE_ful", "hostile")),
        certificates=("soft_upper_mean_missing",),
        twins=(
            Twin("the bound times 0.99", scaled(bounds.soft_upper_mean_missing, 0.99)),
            Twin("phi(n - 1) becomes phi(n)", lambda n, S, A: majorant(n, S, shift=0)),
            Twin("(1 - 1/S)^n for every n", lambda n, S, A: majorant(n, S, switch=False)),
        ),
    ),
    Statement(
        id="ours-N9-upper",
        source="ours, N9a",
        words="The upper half of the soft minimax sandwich.",
        formula="E R(CE_ful) <= (1 - 1/A) M(S), uniform",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.soft_upper_mean_uniform,
        check=together(mean_upper("CE_ful"), at_sure_rows("CE_ful")),
        certificates=("soft_upper_mean_uniform",),
        note="An equality up to n = S.",
        twins=(
            Twin("the bound times 0.99", scaled(bounds.soft_upper_mean_uniform, 0.99)),
            Twin("1 - 1/A becomes 1/2", lambda n, S, A: bounds.missing_mass_upper_mean(n, S) / 2),
            Twin("M(S) becomes S phi(n + S)", lambda n, S, A: (1 - 1 / A) * S / (math.e * (n + S))),
        ),
    ),
    Statement(
        id="ours-N9-lower",
        source="ours, N9b",
        words="The lower half of the soft minimax sandwich: sure rows at random labels.",
        formula="inf sup E R >= (1 - 1/A) max{(1 - 1/S)^n, (S - 1) phi(n) + h (1 - h)^n}, h = 1 - (S - 1)/(n + 1)",
        regime="n >= 0; the second only if h >= 0",
        grade="tight",
        status="proved",
        claim=bounds.soft_lower_mean_dirac,
        check=minimax_lower("soft"),
        twins=(
            Twin("the bound times 1.001", scaled(bounds.soft_lower_mean_dirac, 1.001)),
            Twin("1 - 1/A becomes 1", lambda n, S, A: bounds.soft_lower_mean_dirac(n, S, A) / (1 - 1 / A)),
            Twin(
                "S - 1 becomes S",
                lambda n, S, A: (1 - 1 / A) * S * (1 - 1 / (n + 1)) ** n / (n + 1) if n >= S else math.nan,
            ),
        ),
    ),
    Statement(
        id="ours-N10-soft",
        source="ours, N9a",
        words="Soft labels in forward KL: the rate S/n stays.",
        formula="E KL(CE_ful) <= log(A) M(S), uniform",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.soft_upper_kl_mean,
        check=kl_upper("CE_ful"),
        twins=(
            Twin("the bound times 0.99", scaled(bounds.soft_upper_kl_mean, 0.99)),
            Twin("log(A) becomes 1 - 1/A", bounds.soft_upper_mean_uniform),
            Twin("n^-1 becomes n^-1.05", steeper(bounds.soft_upper_kl_mean, 0.05)),
        ),
    ),
)

HARD = (
    Statement(
        id="ours-N8-joint",
        source="ours, N8a",
        words="CE_sgl pays the empirical deviations of the inputs and of the pairs, whatever it says unasked.",
        formula="E R(CE_sgl) <= (1/2) sqrt((S - 1)/n) + (1/2) sqrt((SA - 1)/n)",
        regime="n >= 1",
        grade="upper",
        status="proved",
        claim=bounds.hard_upper_mean_joint,
        check=mean_upper("CE_sgl", HOSTILE),
        certificates=("hard_upper_mean_joint",),
        twins=(
            Twin("1/2 becomes 0.39", scaled(bounds.hard_upper_mean_joint, 0.78)),
            Twin(
                "SA - 1 becomes A - 1",
                lambda n, S, A: (math.sqrt(S - 1) + math.sqrt(A - 1)) / (2 * math.sqrt(n)) if n else math.nan,
            ),
            Twin("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_joint, 0.05)),
        ),
    ),
    Statement(
        id="ours-N8-uniform",
        source="ours, N8a",
        words="One square root for rows, visits and unvisited inputs together.",
        formula="E R(CE_sgl) <= sqrt(S (A - 1) / (2 (n + 1))), uniform",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.hard_upper_mean_uniform,
        check=mean_upper("CE_sgl"),
        certificates=("hard_upper_mean_uniform",),
        note="Attained at S = 1, A = 2, n = 1; too large by a factor 1.8 as n grows.",
        twins=(
            Twin("n + 1 becomes n + 2", lambda n, S, A: math.sqrt(S * (A - 1) / (2 * (n + 2)))),
            Twin("S (A - 1) / 2 becomes S (A - 1) / (2 pi)", scaled(bounds.hard_upper_mean_uniform, math.pi**-0.5)),
            Twin("n^-1/2 becomes n^-0.55", steeper(bounds.hard_upper_mean_uniform, 0.05)),
        ),
    ),
    Statement(
        id="ours-N8-conjecture",
        source="ours, after N8a",
        words="The one-input bound with S (A - 1) degrees of freedom.",
        formula="E R(CE_sgl) <= (1/2) sqrt(S (A - 1) / n), uniform",
        regime="n >= 1",
        grade="conjecture",
        status="conjectured",
        claim=bounds.hard_upper_mean_conjecture,
        check=mean_upper("CE_sgl"),
        certificates=("hard_upper_mean_conjecture",),
        note="Proved for S = 1.",
        twins=(
            Twin(
                "1/2 becomes 1/sqrt(2 pi), its limit", scaled(bounds.hard_upper_mean_conjecture, math.sqrt(2 / math.pi))
            ),
            Twin("n becomes n + 1", lambda n, S, A: math.sqrt(S * (A - 1) / (n + 1)) / 2 if n else math.nan),
            Twin("S (A - 1) becomes A - 1", lambda n, S, A: math.sqrt((A - 1) / n) / 2 if n else math.nan),
        ),
    ),
    Statement(
        id="ours-N8-whp",
        source="ours, N8a",
        words="The deviation of the two empirical laws, by bounded differences.",
        formula="R(CE_sgl) <= (1/2) sqrt((S - 1)/n) + (1/2) sqrt((SA - 1)/n) + sqrt(2 L/n), L = log(1/delta)",
        regime="n >= 1, 0 < delta < 1; S = 1: sqrt(L/(2n))",
        grade="upper",
        status="proved",
        claim=bounds.hard_upper_whp_joint,
        check=quantile_upper("CE_sgl"),
        twins=(
            Twin(
                "2 L becomes L/8, and for S = 1 as well",
                lambda n, S, A, delta: (
                    bounds.hard_upper_mean_joint(n, S, A) + math.sqrt(-math.log(delta) / (8 * n)) if n else math.nan
                ),
            ),
            Twin(
                "L loses delta: the mean with high probability",
                lambda n, S, A, delta: bounds.hard_upper_whp_joint(n, S, A, 0.999),
            ),
            Twin("n^-1/2 becomes n^-3/4", steeper(bounds.hard_upper_whp_joint, 0.25)),
        ),
    ),
    Statement(
        id="ours-N8-assouad",
        source="ours, N8b",
        words="Hard labels: Assouad's lemma with the exact error of its two-point tests.",
        formula="inf sup E R >= max over D of D P_err(D), majority of Bin(n, 2/(S A')) flips of bias D",
        regime="A >= 2, n >= 0; A' = A if even, A - 1 if odd",
        grade="lower",
        status="proved",
        claim=bounds.hard_lower_mean_assouad,
        check=minimax_lower("hard"),
        note="Attained at A = 2, n = 0; 3.3 times too small as n grows.",
        twins=(
            Twin("an error costs 2 D", scaled(bounds.hard_lower_mean_assouad, 2.0)),
            Twin("n becomes n / 16", lambda n, S, A: bounds.hard_lower_mean_assouad(n // 16, S, A)),
            Twin("n^-1/2 becomes n^-1/3", steeper(bounds.hard_lower_mean_assouad, -1 / 6)),
        ),
    ),
    Statement(
        id="ours-N4-every",
        source="ours, N4",
        words="Uniform(A) is within 1 - 1/A of every row, and no learner does worse for having seen data.",
        formula="E R <= 1 - 1/A for CE_sgl, SEL_ptl and CE_ful, uniform",
        regime="n >= 0",
        grade="tight",
        status="proved",
        claim=bounds.uniform_upper_mean,
        check=together(*map(at_sure_rows, PAPER), *map(mean_upper, PAPER)),
        twins=(
            Twin("1 - 1/A becomes 1/2", lambda n, S, A: 0.5 if A > 1 else 0.0),
            Twin("1 - 1/A becomes (1 - 1/A)^2 from n = 1 on", lambda n, S, A: (1 - 1 / A) ** (2 if n else 1)),
            Twin("1 - 1/A becomes 1 - 1.01/A", lambda n, S, A: 1 - 1.01 / A if A > 1 else 0.0),
        ),
    ),
)

STATEMENTS = (*MISSING_MASS, *PARTIAL, *SOFT, *HARD)
