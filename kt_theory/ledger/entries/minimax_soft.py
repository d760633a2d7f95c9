"""Ours: the minimax risks of soft labels, exactly (N1, N9 and N10 of the report).

An exact value is attacked from both sides: no problem that search finds may cost the best learner more, and the least
favourable one must cost it as much.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from kt_theory.certificates import certify_minimax
from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.comparing import equal
from kt_theory.ledger.attacks.kl import kl_places
from kt_theory.ledger.attacks.pools import pool
from kt_theory.ledger.attacks.problems import climb, generator
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax import minimax_risk
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.problem import Problem


def phi(n: int) -> float:
    """The largest x (1 - x)^n."""
    return math.exp(n * math.log1p(-1 / (n + 1))) / (n + 1) if n else 1.0


@cache
def unvisited(S: int, n: int) -> float:
    """V(S, n)."""
    return largest_unvisited_mass(S, n)[0]


def soft_value(S: int, A: int, n: int) -> float:
    """(1 - 1/A) V(S, n)."""
    return (1 - 1 / A) * unvisited(S, n)


def exact_soft(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)``: never exceeded by CE_ful, attained at the least favourable rho, enclosed by two balls."""
    known: dict[tuple[int, int, int], float] = {}
    for place in pool("CE_ful", "uniform", effort):
        key = (place.problem.S, place.problem.A, place.n)
        if key not in known:
            known[key] = float(claim(S=key[0], A=key[1], n=key[2]))
        # A law of a single input may add up to 1 - 2^-53.
        risk = place.risk if place.risk > 2.0**-52 else 0.0
        yield Trial(f"CE_ful, {place.where}", risk, known[key], place.kind, place.n, place.error, place.alarm)
    for (S, A), n in itertools.product(((1, 3), (2, 2), (5, 3), (40, 7)), (0, 1, 2, 5, 9, 40, 1000, 10**6, 10**12)):
        value = float(claim(S=S, A=A, n=n))
        risk, error = risk_at_least_favourable(S, A, n)
        yield Trial(
            f"at the least favourable problem, S={S}, A={A}, n={n}", value, risk, "exact", n, error + 1e-13 * risk
        )
        if n <= 10**6:
            yield from enclosed(S, A, n, value)


@cache
def risk_at_least_favourable(S: int, A: int, n: int) -> tuple[float, float]:
    """The risk of CE_ful at the least favourable problem for soft labels, whatever the sure labels are."""
    estimate = exact_risk(minimax_risk("soft", S, A, n).instance, "CE_ful", n)
    return estimate.value, estimate.error


def enclosed(S: int, A: int, n: int, value: float) -> Iterator[Trial]:
    """Whether a value lies between the two balls that hold the soft minimax risk; nothing without python-flint."""
    try:
        low, high = soft_balls(S, A, n)
    except ImportError:
        return
    held = low <= value * (1 + 1e-12) and value * (1 - 1e-12) <= high
    sides = (value, high) if value > low else (low, value)
    yield Trial(f"certified: S={S}, A={A}, n={n}", *sides, "certified", n, held=held)


@cache
def soft_balls(S: int, A: int, n: int) -> tuple[float, float]:
    """Two floats with the soft minimax risk between them, rounded outwards."""
    low, high = certify_minimax("soft", S, A, n)
    return math.nextafter(float(low.lower()), 0.0), math.nextafter(float(high.upper()), 1.0)


def sandwich(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, n)``, a pair: V(S, n) lies between the two."""
    for S, n in itertools.product((2, 3, 5, 10, 40, 100), (1, 2, 3, 5, 10, 20, 40, 100, 1000, 10**6, 10**9, 10**12)):
        low, high = claim(S=S, n=n) if n >= S else (math.nan, math.nan)
        V = unvisited(S, n)
        yield Trial(f"V from below, S={S}, n={n}", low, V if n >= S else math.nan, "algebra", n, 1e-13 * V)
        yield Trial(f"V from above, S={S}, n={n}", V, high, "algebra", n, 1e-13 * V)


@cache
def climbed_unvisited(S: int, n: int, effort: Effort) -> float:
    """The largest expected mass never visited that hill climbing over rho finds, from a random law."""
    rng = generator(effort, f"rho {S} {n}")

    def mass(problem: Problem) -> float:
        rho = problem.rho
        return float(rho @ (1 - np.minimum(rho, 1.0)) ** n)

    start = Problem(rng.dirichlet(np.ones(S)), np.ones((S, 1)))
    return climb(mass, start, 2 * effort.steps, rng)[1]


def all_equal(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, n)`` is V(S, n), NaN where equal inputs are not said to be worst."""
    for S, n in itertools.product((1, 2, 3, 5, 10, 20, 100), (0, 1, 2, 3, 5, 8, 15, 30, 90, 100)):
        value = float(claim(S=S, n=n))
        yield equal(f"V, S={S}, n={n}", value, unvisited(S, n), 1e-12, n=n)
    for S, n in ((2, 1), (3, 3), (5, 3), (8, 6)):
        value = float(claim(S=S, n=n))
        yield Trial(f"rho found by search, S={S}, n={n}", climbed_unvisited(S, n, effort), value, "search", n)


def if_few(S: int, n: int, share: float = 1.0) -> float:
    """(1 - 1/S)^n for n <= share S."""
    return (1 - 1 / S) ** n if n <= share * S else math.nan


def soft_kl(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)``: never exceeded by CE_ful in forward KL, attained at the least favourable rho."""
    for place in kl_places("CE_ful", effort):
        S, A = place.problem.S, place.problem.A
        rhs = float(claim(S=S, A=A, n=place.n))
        risk = place.risk if place.risk > 2.0**-52 else 0.0
        yield Trial(place.where, risk, rhs, place.kind, place.n, place.error)
        if place.least_favourable:
            yield Trial(f"attained, {place.where}", rhs, place.risk, "exact", place.n, 1e-13 + place.error)


STATEMENTS = (
    stated(
        "ours-N9-value",
        claim=soft_value,
        check=exact_soft,
        note="From below: sure rows at random labels; every answer to an unvisited input costs 1 - 1/A on average.",
        planted=(
            PlantedError("n becomes n + 1", lambda S, A, n: soft_value(S, A, n + 1)),
            PlantedError("1 - 1/A becomes 1", lambda S, A, n: unvisited(S, n)),
            PlantedError("V becomes (S - 1) phi(n)", lambda S, A, n: (1 - 1 / A) * (S - 1) * phi(n)),
            PlantedError("V becomes its uniform value", lambda S, A, n: (1 - 1 / A) * (1 - 1 / S) ** n),
        ),
    ),
    stated(
        "ours-N9-sandwich",
        claim=lambda S, n: ((S - 1) * phi(n), (S - 1) * phi(n - 1)),
        check=sandwich,
        planted=(
            PlantedError("phi(n - 1) becomes phi(n) above", lambda S, n: ((S - 1) * phi(n), (S - 1) * phi(n))),
            PlantedError("S - 1 becomes S below", lambda S, n: (S * phi(n), (S - 1) * phi(n - 1))),
            PlantedError("S - 1 becomes S - 2 above", lambda S, n: ((S - 1) * phi(n), (S - 2) * phi(n - 1))),
            PlantedError("phi(n) becomes phi(n - 1) below", lambda S, n: ((S - 1) * phi(n - 1), (S - 1) * phi(n - 1))),
        ),
    ),
    stated(
        "ours-N1-equal",
        claim=if_few,
        check=all_equal,
        note="The true threshold is at n + 1 - S of order sqrt(2n): S = 24 at n = 30 (numerical).",
        planted=(
            PlantedError("n <= S becomes n <= 2 S", partial(if_few, share=2.0)),
            PlantedError("n <= S becomes n <= 1.6 S", partial(if_few, share=1.6)),
            PlantedError("(1 - 1/S)^n becomes exp(-n/S)", lambda S, n: math.exp(-n / S) if n <= S else math.nan),
        ),
    ),
    stated(
        "ours-N10-value",
        claim=lambda S, A, n: math.log(A) * unvisited(S, n),
        check=soft_kl,
        planted=(
            PlantedError("log(A) becomes log(A - 1/2)", lambda S, A, n: math.log(A - 0.5) * unvisited(S, n)),
            PlantedError("n becomes n + 1", lambda S, A, n: math.log(A) * unvisited(S, n + 1)),
            PlantedError("log(A) becomes 1 - 1/A", soft_value),
            PlantedError("log becomes log2", lambda S, A, n: math.log2(A) * unvisited(S, n)),
        ),
    ),
)
