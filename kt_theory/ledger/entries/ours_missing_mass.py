"""Ours: the missing mass (N1, N2; proofs in the report, `paper/`).

Missing masses are risks, which is how they are tried: on a single input with one label of probability 0, SEL_ptl with
an initial table that gives all mass to that label has as its risk exactly the missing mass. With two other labels, of
masses p and 1 - p, the risk is p with probability (1 - p)^n, so that quantiles are known at every n.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from kt_theory import bounds
from kt_theory.ledger.attacks.comparing import together
from kt_theory.ledger.attacks.planting import steeper
from kt_theory.ledger.attacks.problems import climb, generator
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.statement import Check, Claim, Effort, PlantedError, Trial, stated
from kt_theory.problem import Problem

#: Numbers of samples of the cheap checks.
EVERY_N = (0, 1, 2, 3, 5, 10, 30, 100, 1000, 10**4, 10**6, 10**9, 10**12)


def unseen_mass(p: np.ndarray, n: int) -> float:
    """The expected missing mass of a law after n draws."""
    inside = p[(p > 0) & (p < 1)]
    return math.fsum(inside * np.exp(n * np.log1p(-inside))) + float(n == 0) * math.fsum(p[p == 1])


def one_cell(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n)`` against p (1 - p)^n, at the worst p and around it."""
    for n in EVERY_N:
        rhs = float(claim(n=n))
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
    """``claim(size, n)`` against the expected missing mass of laws on K letters."""
    for where, n, K, mass, kind in letter_laws(effort):
        yield Trial(where, mass, float(claim(size=K, n=n)), kind, n)


def two_letters(dead: int = 0) -> Check:
    """``claim(S, A, n, delta)`` against the quantiles of two letters, of masses p and 1 - p, at every n.

    `dead`: labels that are never said, and counted in A.
    """

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for n in EVERY_N[1:]:
            for times in (0.5, 1.0, 2.0, 5.0, 20.0, 100.0):
                p = min(times / n, 0.5)
                delta = math.exp(n * math.log1p(-p)) * (1 - 1e-9)
                where = f"row ({p:.4g}, {1 - p:.4g}, 0), n={n}, delta={delta:.3g}"
                yield Trial(where, p, float(claim(S=1, A=2 + dead, n=n, delta=delta)), "exact", n)

    return check


def of_letters(bound: Claim) -> Claim:
    """A bound on the missing mass of K letters with probability 1 - delta, on the pairs of an input and a label."""
    return lambda S, A, n, delta: bound(size=S * A, n=n, delta=delta)


def deviation(size: int, n: int, delta: float, factor: float = 2.0, spread: float = 1.0) -> float:
    """N2 with other constants: M + (factor / n) (L + spread sqrt(2 size L) / e)."""
    L = -math.log(delta)
    mean = float(bounds.missing_mass_upper_mean(size=size, n=n))
    return mean + factor / n * (L + spread * math.sqrt(2 * size * L) / math.e) if n else math.nan


def lemma_e7(size: int, n: int, delta: float, factor: float, power: float) -> float:
    """Z&Z Lemma E.7 with other constants: 4 K / (9 n) + factor sqrt(K) log(1/delta)^power / n."""
    return rate(4 * size / 9 + factor * math.sqrt(size) * (-math.log(delta)) ** power, n) if delta <= 0.1 else math.nan


def rate(constant: float, n: int) -> float:
    """A constant over n, NaN without samples."""
    return constant / n if n else math.nan


def majorant(size: int, n: int, switch: bool = True, shift: int = 1, less: int = 1) -> float:
    """N1 with other constants: (1 - 1/K)^n up to n = K, then (K - less) phi(n - shift)."""
    if n <= size or not switch:
        return float((1 - 1 / size) ** n)
    m = n - shift
    return (size - less) * (m / (m + 1)) ** m / (m + 1)


STATEMENTS = (
    stated(
        "ours-N1-cell",
        claim=bounds.cell_missing_upper_e,
        check=one_cell,
        planted=(
            PlantedError("1/e becomes 0.367", lambda n: rate(0.367, n)),
            PlantedError("n becomes n + 1", lambda n: 1 / (math.e * (n + 1)) if n else math.nan),
            PlantedError("n becomes n^1.01", lambda n: n**-1.01 / math.e if n else math.nan),
        ),
    ),
    stated(
        "ours-N1-mean",
        claim=bounds.missing_mass_upper_mean,
        check=letters,
        note="An equality up to n = K.",
        planted=(
            PlantedError("phi(n - 1) becomes phi(n)", lambda size, n: majorant(size=size, n=n, shift=0)),
            PlantedError("K - 1 becomes K - 2", lambda size, n: majorant(size=size, n=n, less=2)),
            PlantedError("(1 - 1/K)^n for every n", lambda size, n: majorant(size=size, n=n, switch=False)),
        ),
    ),
    stated(
        "ours-N2-deviation",
        claim=of_letters(bounds.missing_mass_upper_whp_sqrt),
        check=together(quantile_upper("SEL_ptl", ("hostile",), labels=1), two_letters()),
        planted=(
            PlantedError(
                "2/n becomes 1/(2n)",
                of_letters(lambda size, n, delta: deviation(size=size, n=n, delta=delta, factor=0.5)),
            ),
            PlantedError(
                "sqrt(2 K L) / e is forgotten",
                of_letters(lambda size, n, delta: deviation(size=size, n=n, delta=delta, factor=2.0, spread=0.0)),
            ),
            PlantedError("n^-1 becomes n^-3/2", of_letters(steeper(bounds.missing_mass_upper_whp_sqrt, 0.5))),
        ),
    ),
)
