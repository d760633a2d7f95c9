"""The pool of a learner: problems, numbers of samples, and its expected risk there.

Where the risk at given (S, A, n) is largest does not depend on the bound, so the pool of a learner is made once and
serves all its bounds and all their planted errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import LEARNERS, Learner
from kt_theory.ledger.attacks.grids import CLIMBED, ENUMERATED, FAR, N_FAR, SIZES, N
from kt_theory.ledger.attacks.problems import (
    climb,
    generator,
    known_problems,
    least_favourable,
    mean_risk,
    name_of,
    random_problems,
)
from kt_theory.ledger.attacks.simulation import mean_from_below, sampled_cached
from kt_theory.ledger.statement import ALARM, Effort
from kt_theory.problem import Problem, dirichlet_problem


@dataclass(frozen=True, eq=False)
class Place:
    """A problem, a number of samples, an initialisation, and the expected risk of a learner there.

    Attributes
    ----------
    where : str
    problem : Problem
    n : int
    risk, error : float
        The expected risk, or a lower confidence limit of it, and a bound on its error.
    kind : str
        As in `Trial`.
    alarm : float
        Probability that `risk` is above the truth, 0 unless simulated.
    least_favourable : bool
        Whether no student's worst risk is below the risk here: a bound is to be attained here.
    """

    where: str
    problem: Problem
    n: int
    risk: float
    error: float
    kind: str
    alarm: float = 0.0
    least_favourable: bool = False


@cache
def pool(learner: str | Learner, init: str, effort: Effort) -> tuple[Place, ...]:
    """Where the mean risk of a learner is tried; the last ones were found by search."""
    candidates: list[tuple[str, Problem, int]] = []
    if isinstance(learner, Learner):
        for sizes, grid in ENUMERATED:
            several = [(S, A) for S, A in sizes if A > 1]
            candidates += [*known_problems(sizes, grid), *random_problems(effort, several, grid)]
    else:
        small = [(1, 2), (1, 5), (2, 3), (3, 8), (10, 4)]
        # A hostile start matters to inputs that were not visited: not as far out as n goes.
        reach = N if init == "uniform" else N[:-1]
        candidates = [
            *known_problems(SIZES, reach),
            *known_problems(FAR, N_FAR),
            *random_problems(effort, small, N[:9]),
        ]
        candidates += least_favourable(LEARNERS[learner].protocol.name, effort)
    places = []
    for where, problem, n in candidates:
        try:
            risk, error = mean_risk(learner, problem, n, init)
        except OutOfReach:
            continue
        places.append(Place(f"{where}, {init} init", problem, n, risk, error, "exact"))
    places += searched(learner, init, effort, places)
    places += sampled_places(learner, init, effort)
    return tuple(places)


def searched(learner: str | Learner, init: str, effort: Effort, places: Sequence[Place]) -> list[Place]:
    """The problems of largest risk that hill climbing finds from random ones and from the worst of `places`."""
    rng = generator(effort, f"climb {name_of(learner)} {init}")
    found = []
    targets = CLIMBED
    if isinstance(learner, Learner):
        targets = [(S, A, n) for sizes, grid in ENUMERATED for S, A in sizes for n in grid if A > 1 and 0 < n <= 10]
    for S, A, n in targets:

        def risk(problem: Problem, n: int = n) -> float:
            return mean_risk(learner, problem, n, init)[0]

        alike = [place for place in places if (place.problem.S, place.problem.A, place.n) == (S, A, n)]
        starts = [max(alike, key=lambda place: place.risk).problem] if alike else []
        starts += [dirichlet_problem(S, A, rng, rho_alpha=1.0) for _ in range(effort.starts)]
        best = max((climb(risk, start, effort.steps, rng) for start in starts), key=lambda pair: pair[1])[0]
        where = f"found by search, S={S}, A={A}, n={n}, {init} init"
        found.append(Place(where, best, n, *mean_risk(learner, best, n, init), "search"))
    return found


def sampled_places(learner: str | Learner, init: str, effort: Effort) -> list[Place]:
    """Lower confidence limits of the mean risk on problems that no exact route reaches, or none is asked to."""
    return [
        Place(
            f"{where}, {init} init, {risks.size} repeats", problem, n, mean_from_below(risks), 0.0, "simulation", ALARM
        )
        for where, problem, n, risks in sampled_cached(learner, init, init == "hostile", effort)
    ]
