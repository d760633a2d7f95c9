"""The check of an upper bound on a mean risk: every place of the pool of the learner.

A bound that depends on the problem gets a climb of its own, on the ratio.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from kt_theory.learners import Learner, resolve_learner
from kt_theory.ledger.attacks.grids import CLIMBED
from kt_theory.ledger.attacks.pools import Place, pool
from kt_theory.ledger.attacks.problems import UNIFORM, climb, generator, mean_risk, name_of
from kt_theory.ledger.statement import Check, Claim, Effort, Trial
from kt_theory.problem import Problem


def mean_upper(learner: str | Learner, inits: Sequence[str] = UNIFORM, *, of_problem: bool = False) -> Check:
    """The check of an upper bound on the mean risk of a learner.

    The claim is called as ``claim(S, A, n)``, or ``claim(S, A, n, problem)`` if it depends on the problem; then hill
    climbing is done on the ratio, too.
    """
    resolve_learner(learner)

    def bound(claim: Claim, problem: Problem, n: int) -> float:
        of = {"problem": problem} if of_problem else {}
        return float(claim(S=problem.S, A=problem.A, n=n, **of))

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for init in inits:
            trials = []
            known: dict[tuple[int, int, int], float] = {}
            for place in pool(learner, init, effort):
                key = (place.n, place.problem.S, place.problem.A)
                if of_problem or key not in known:
                    known[key] = bound(claim, place.problem, place.n)
                trial = Trial(place.where, place.risk, known[key], place.kind, place.n, place.error, place.alarm)
                trials.append((trial, place))
            yield from (trial for trial, _ in trials)
            if of_problem:
                yield from climbed(claim, init, effort, trials)

    def climbed(claim: Claim, init: str, effort: Effort, trials: list[tuple[Trial, Place]]) -> Iterator[Trial]:
        small = [(t, p) for t, p in trials if t.applies and (p.problem.S, p.problem.A, p.n) in CLIMBED]
        small.sort(key=lambda pair: -pair[0].ratio)
        rng = generator(effort, f"ratio {name_of(learner)} {init}")
        for _, place in small[: 2 + effort.starts]:

            def ratio(problem: Problem, n: int = place.n) -> float:
                value = bound(claim, problem, n)
                return mean_risk(learner, problem, n, init)[0] / value if value > 1e-250 else 0.0

            best = climb(ratio, place.problem, effort.steps, rng)[0]
            risk, error = mean_risk(learner, best, place.n, init)
            where = f"found by search, S={best.S}, A={best.A}, n={place.n}, {init} init"
            yield Trial(where, risk, bound(claim, best, place.n), "search", place.n, error)

    return check


def at_sure_rows(learner: str, init: str = "uniform") -> Check:
    """``claim(S, A, n)`` against a learner where the teacher is sure and the inputs are alike."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for (S, A), n in itertools.product(((1, 1), (1, 2), (3, 2), (10, 2), (3, 7)), (0, 1, 2, 3, 10)):
            problem = Problem(np.full(S, 1 / S), np.tile(np.eye(A)[0], (S, 1)))
            risk, error = mean_risk(learner, problem, n, init)
            where = f"{learner}, sure rows, S={S}, A={A}, n={n}, {init} init"
            yield Trial(where, risk, float(claim(S=S, A=A, n=n)), "exact", n, error)

    return check
