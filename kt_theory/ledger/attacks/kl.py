"""Upper bounds on expected risks in forward Kullback-Leibler divergence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach
from kt_theory.ledger.attacks.grids import CLIMBED
from kt_theory.ledger.attacks.pools import Place
from kt_theory.ledger.attacks.problems import climb, generator, known_problems, light_row, one_row, random_problems
from kt_theory.ledger.statement import Check, Claim, Effort, Trial
from kt_theory.minimax import minimax_risk
from kt_theory.problem import Problem, dirichlet_problem

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
    worst_known = []
    for (S, A), n in itertools.product(((2, 2), (3, 5), (10, 10)), (0, 1, 2, 5, 100, 10**6)):
        worst = minimax_risk("soft", S, A, n).instance
        worst_known.append((f"least favourable for soft labels, S={S}, A={A}, n={n}", worst, n))
    places = []
    for where, problem, n in [*candidates, *worst_known]:
        try:
            risk, error = kl_risk(learner, problem, n)
        except OutOfReach:
            continue
        least = any(problem is worst for _, worst, _ in worst_known)
        places.append(Place(where, problem, n, risk, error, "exact", least_favourable=least))
    rng = generator(effort, f"climb in KL {learner}")
    for S, A, n in CLIMBED[2::5]:
        start = dirichlet_problem(S, A, rng, rho_alpha=1.0)
        best = climb(lambda problem, n=n: kl_risk(learner, problem, n)[0], start, effort.steps, rng)[0]  # type: ignore[misc]
        where = f"found by search, S={S}, A={A}, n={n}"
        places.append(Place(where, best, n, *kl_risk(learner, best, n), "search"))
    return tuple(places)


def kl_upper(learner: str) -> Check:
    """The check of an upper bound ``claim(S, A, n)`` on the mean KL risk of a learner, uniform init."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for place in kl_places(learner, effort):
            rhs = float(claim(S=place.problem.S, A=place.problem.A, n=place.n))
            yield Trial(place.where, place.risk, rhs, place.kind, place.n, place.error)

    return check
