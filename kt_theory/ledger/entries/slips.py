"""Slips of the printed paper: each with a witness against the printed form, and the form that its proof gives.

The claim of an entry is the printed form. Most are false, and the check finds a place. Two are true and vacuous: at a
place where they should say something they say no more than what is trivially true (trials that ask for content). One
is true and too weak: the bound that the paper draws from it does not follow (trials that ask for use). The mended form
goes through the same check and must hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from kt_theory import bounds
from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.pools import pool
from kt_theory.ledger.attacks.problems import generator, one_row
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.problem import dirichlet_problem


def says_something(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n)`` bounds x (1 - x)^n, and is not above 1, what no product of two probabilities exceeds."""
    for n in (1, 2, 3, 10, 100, 10**4, 10**8, 10**12):
        yield Trial(
            f"x = 1/(n + 1), n={n}", float(bounds.cell_missing_mass(n=n, p=1 / (n + 1))), claim(n=n), "exact", n
        )
        yield Trial(f"against the trivial bound 1, n={n}", claim(n=n), 1.0, "algebra", n, asks="content")


def distance_to_a_dirac(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(row)`` is the TV distance of a row to the nearest Dirac, (1/2) sum |p - e_a| at the best a."""
    rng = generator(effort, "rows near a Dirac")
    rows = [np.array([0.75, 0.25]), np.array([1.0, 0.0]), *(rng.dirichlet(np.ones(A)) for A in (2, 3, 8))]
    for row in rows:
        nearest = min(0.5 * float(np.abs(row - corner).sum()) for corner in np.eye(row.size))
        where = f"row {row.round(3).tolist()}"
        yield Trial(f"{where}: against the TV to the nearest Dirac", float(claim(row=row)), nearest, "algebra")
        yield Trial(f"{where}: not too small", nearest, float(claim(row=row)), "algebra")


def two_letters(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(size, n, delta)`` bounds the missing mass of the law (x, 1 - x), at least x with probability (1 - x)^n.

    x and delta are numbers that are printed in full: delta is the next power of 1/e below (1 - x)^n.
    """
    for n in (10, 100, 1000, 10**6):
        for L in (2.4, 5.0, 10.0, 20.0, 40.0, 100.0):
            x = L / n
            if x <= 0.5:
                k = math.floor(-n * math.log1p(-x)) + 1  # e^-k < (1 - x)^n
                yield Trial(
                    f"law (x, 1 - x), x={x:g}, n={n}, delta=e^-{k}",
                    x,
                    claim(size=2, n=n, delta=math.exp(-k)),
                    "exact",
                    n,
                )


def visits_against_one_more(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """1/X <= ``claim(X)`` for X = 1, 2, ..."""
    for X in (1, 2, 3, 10, 10**6):
        yield Trial(f"X={X}", 1 / X, float(claim(X=X)), "algebra", X)


def where_the_bias_vanishes(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(row)`` says whether CE_ptl is asymptotically right on a row; its risk after 10^9 samples tells."""
    rng = generator(effort, "rows of CE_ptl")
    rows = [(0.5, 0.5, 0.0), (0.25,) * 4, (1.0, 0.0, 0.0), (0.0, 0.5, 0.5, 0.0), (0.6, 0.4, 0.0)]
    rows += [tuple(rng.dirichlet(np.ones(3)).tolist()) for _ in range(3)]
    for row in rows:
        n = 10**9
        risk = exact_risk(one_row(*row), "CE_ptl", n).value
        where = f"row {np.round(row, 3).tolist()}, n={n}"
        if claim(row=np.array(row)):
            yield Trial(f"{where}: right in the limit", risk, math.sqrt(len(row) / n), "exact")
        else:
            yield Trial(f"{where}: wrong in the limit", math.sqrt(len(row) / n), risk, "exact")


def constant_of_the_rate(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n)`` S A bounds E R of SEL_ptl; where no constant is stated, it is infinite."""
    for place in pool("SEL_ptl", "hostile", effort):
        if place.n > 0:
            rhs = float(claim(n=place.n)) * place.problem.S * place.problem.A
            yield Trial(place.where, place.risk, rhs, place.kind, place.n, place.error, place.alarm)
    for n in (10, 10**3, 10**6):
        where = f"against the trivial bound 1 at S=A=1, n={n}"
        yield Trial(where, float(claim(n=n)), 1.0, "algebra", n, asks="content")


def law_of_instance_3(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, n)`` is the mass of the heavy input of instance 3: with S - 1 masses 1/(n + 1) it sums to 1."""
    for S in (2, 3, 10, 100):
        for n in (S, 10 * S, 1000 * S):
            total = (S - 1) / (n + 1) + claim(S=S, n=n)
            yield Trial(f"sum of the masses against 1, S={S}, n={n}", total, 1.0, "algebra", n)
            yield Trial(f"and at least, S={S}, n={n}", 1.0, total, "algebra", n)


def step_to_the_mean(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, n)`` sum_s sqrt(rho(s)): it bounds the risk of frequencies, and is to give (1/2) sqrt(SA/n).

    It is drawn from Lemma E.3, which bounds the risk of CE_sgl at an input that is visited n rho(s) times. That is the
    trial of its truth, at uniform rows and uniform rho; the bound that the paper goes on to must not be exceeded.
    """
    for S, A, visits in ((1, 2, 10), (3, 4, 30), (10, 10, 100), (100, 25, 10**4)):
        estimate = exact_risk(one_row(*[1 / A] * A), "CE_sgl", visits)
        rhs = float(claim(A=A, n=S * visits)) * math.sqrt(S)
        where = f"uniform rows and rho, {visits} visits to each input, S={S}, A={A}"
        yield Trial(where, estimate.value, rhs, "exact", S * visits, estimate.error)
    for S, A, n in ((1, 2, 10), (3, 4, 100), (10, 10, 1000), (100, 25, 10**6)):
        rho = dirichlet_problem(S, 2, np.random.SeedSequence([effort.seed, S]), rho_alpha=1.0).rho
        for name, law in (("uniform rho", np.full(S, 1 / S)), ("random rho", rho)):
            step = float(claim(A=A, n=n)) * float(np.sqrt(law).sum())
            where = f"{name}, against (1/2) sqrt(SA/n), S={S}, A={A}, n={n}"
            yield Trial(where, step, math.sqrt(S * A / n) / 2, "algebra", n, asks="use")


def constant_on_its_support(row: np.ndarray) -> bool:
    return bool(np.ptp(row[row > 0]) == 0)


def uniform_or_dirac(row: np.ndarray) -> bool:
    return bool(np.ptp(row) == 0 or row.max() == 1)


STATEMENTS = (
    stated(
        "slip-1",
        claim=lambda n: 4 * n / 9,
        check=says_something,
        mended=lambda n: float(bounds.cell_missing_upper_simple(n=n)),
        planted=(
            PlantedError("(4/9) n becomes n/9, which is false at n = 1", lambda n: n / 9),
            PlantedError("(4/9) n becomes 2", lambda n: 2.0, "vacuous"),
        ),
    ),
    stated(
        "slip-2",
        claim=lambda row: 2 * (1 - row.max()),
        check=distance_to_a_dirac,
        mended=lambda row: 1 - row.max(),
    ),
    stated(
        "slip-3",
        claim=lambda size, n, delta: (4 * size / 9 + 3 * math.sqrt(-size * math.log(delta))) / n,
        check=two_letters,
        mended=lambda size, n, delta: float(bounds.missing_mass_upper_whp(size=size, n=n, delta=delta)),
        note="Two letters suffice: the mass x is missing with probability (1 - x)^n > delta, and the printed bound is "
        "below x.",
    ),
    stated(
        "slip-4a",
        claim=lambda size, n, delta: (4 * size - 3 * math.sqrt(size) * math.log(delta)) / (9 * n),
        check=two_letters,
        mended=lambda size, n, delta: float(bounds.missing_mass_upper_whp(size=size, n=n, delta=delta)),
    ),
    stated(
        "slip-4b",
        claim=lambda X: 1 / (X + 1),
        check=visits_against_one_more,
        mended=lambda X: 2 / (X + 1),
    ),
    stated(
        "slip-5",
        claim=uniform_or_dirac,
        check=where_the_bias_vanishes,
        mended=constant_on_its_support,
    ),
    stated(
        "slip-6",
        claim=lambda n: math.inf,
        check=constant_of_the_rate,
        mended=lambda n: 8 / (9 * n) + 1 / (n + 1),
        note="The claim that is tried is the bound without a number, infinity.",
        planted=(
            PlantedError("const becomes 1/10, which is false", lambda n: 0.1 / n),
            PlantedError("const SA/n becomes SA (n + 1)/n", lambda n: (n + 1) / n, "vacuous"),
        ),
    ),
    stated(
        "slip-7",
        claim=lambda S, n: 1 - 1 / (S * (n + 1)),
        check=law_of_instance_3,
        mended=lambda S, n: 1 - (S - 1) / (n + 1),
    ),
    stated(
        "slip-8",
        claim=lambda A, n: math.sqrt(A / (2 * n)),
        check=step_to_the_mean,
        mended=lambda A, n: math.sqrt(A / n) / 2,
        planted=(
            PlantedError("sqrt(A/(2n)) becomes (1/4) sqrt(A/n), which is false", lambda A, n: math.sqrt(A / n) / 4),
            PlantedError("sqrt(A/(2n)) becomes 0.51 sqrt(A/n)", lambda A, n: 0.51 * math.sqrt(A / n), "does not imply"),
        ),
    ),
)
