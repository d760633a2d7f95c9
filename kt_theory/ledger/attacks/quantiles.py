r"""The check of a bound with probability 1 - delta.

It is tried at every jump v of the exact law of the risk, with delta just below P(R >= v). For problems too large for
their law, simulation gives a one-sided confidence limit of the quantile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from kt_theory.exact.law import RiskLaw, risk_law
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import Learner, resolve_learner
from kt_theory.ledger.attacks.problems import HOSTILE, climb, generator, name_of, one_row, random_problems, start_table
from kt_theory.ledger.attacks.simulation import quantile_from_below, sampled_cached
from kt_theory.ledger.statement import ALARM, Check, Claim, Effort, Trial
from kt_theory.problem import Problem, dirichlet_problem, instance, uniform_table


@dataclass(frozen=True, eq=False)
class KnownLaw:
    """A problem, a number of samples, and the exact law of the risk of a learner there.

    Attributes
    ----------
    where : str
    problem : Problem
    n : int
    law : RiskLaw
    kind : str
        As in `Trial`: exact, or search where hill climbing found the problem.
    """

    where: str
    problem: Problem
    n: int
    law: RiskLaw
    kind: str


@cache
def laws(learner: str | Learner, init: str, effort: Effort) -> tuple[KnownLaw, ...]:
    """Exact laws of the risk of small problems, some made worse by hill climbing on the upper quantile."""
    found: list[tuple[str, Problem, int]] = []
    for n in (1, 2, 5, 20, 100, 1000):
        for p in {0.5, 0.1, *(min(c / n, 0.5) for c in (1, 2.4, 4, 8, 20, 30))}:
            found.append((f"row ({p:.4g}, {1 - p:.4g}), n={n}", one_row(p, 1 - p), n))
            if init == "hostile":
                found.append((f"row ({p:.4g}, {1 - p:.4g}, 0), n={n}", one_row(p, 1 - p, 0.0), n))
                if n > 5:
                    rho, rows = np.array([p, 1 - p]), np.array([[1.0, 0.0], [1.0, 0.0]])
                    found.append((f"sure rows, rho=({p:.4g}, {1 - p:.4g}), n={n}", Problem(rho, rows), n))
    for n in (2, 10, 40):
        found.append((f"uniform row, A=3, n={n}", one_row(1 / 3, 1 / 3, 1 / 3), n))
        found.append((f"uniform table, S=A=2, n={n}", Problem(np.full(2, 0.5), uniform_table(2, 2)), n))
        found.append((f"sure rows, S=3, n={n}", instance(3, 3, 2, max(n, 3)), n))
    found += list(random_problems(effort, ((1, 3), (2, 2), (3, 2)), (3, 10)))
    done = []
    for where, problem, n in found:
        try:
            law = risk_law(problem, learner, n, start_table(problem, init))
        except OutOfReach:
            continue
        done.append(KnownLaw(f"{where}, {init} init", problem, n, law, "exact"))
    rng = generator(effort, f"laws {name_of(learner)} {init}")
    for S, A, n in ((1, 2, 5), (1, 3, 8), (2, 2, 6)):
        for delta in (0.1, 0.001):

            def quantile(problem: Problem, n: int = n, delta: float = delta) -> float:
                law = risk_law(problem, learner, n, start_table(problem, init))
                return law.quantile(1 - delta) + 1e-3 * law.mean()

            best = climb(quantile, dirichlet_problem(S, A, rng, rho_alpha=1.0), effort.steps // 4, rng)[0]
            law = risk_law(best, learner, n, start_table(best, init))
            done.append(KnownLaw(f"found by search, S={S}, A={A}, n={n}, {init} init", best, n, law, "search"))
    return tuple(done)


def jumps(law: RiskLaw, most: int = 40) -> list[tuple[float, float]]:
    """Pairs (v, delta): the 1 - delta quantile is v, and delta is as large as that allows."""
    tails = np.cumsum(law.probabilities[::-1])[::-1]
    sharp = np.flatnonzero((tails > 1e-14) & (law.values > 0))
    chosen = sharp[np.unique(np.linspace(0, sharp.size - 1, min(most, sharp.size)).round().astype(int))]
    return [(float(law.values[i]), float(min(tails[i] * (1 - 1e-9), 1 - 1e-9))) for i in chosen]


#: Failure probabilities at which simulated quantiles are taken.
DELTAS = (0.5, 0.1, 0.05, 0.01)


def quantile_upper(
    learner: str | Learner, inits: Sequence[str] = HOSTILE, *, above_mean: bool = False, labels: int = 0
) -> Check:
    """The check of ``claim(S, A, n, delta)``, which bounds R with probability at least 1 - delta.

    `above_mean`: it bounds R - E R. `labels`: it is asked for A - labels labels, the last ones being never said.
    """
    resolve_learner(learner)

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for init in inits:
            for known in laws(learner, init, effort):
                problem, n = known.problem, known.n
                if labels and problem.teacher[:, -labels:].any():
                    continue
                off = known.law.mean() if above_mean else 0.0
                for v, delta in jumps(known.law):
                    rhs = float(claim(S=problem.S, A=problem.A - labels, n=n, delta=delta))
                    yield Trial(f"{known.where}, delta={delta:.3g}", v - off, rhs, known.kind, n, 1e-12)
            for where, problem, n, risks in sampled_cached(learner, init, bool(labels) or init == "hostile", effort):
                if above_mean:
                    continue
                for delta in DELTAS:
                    lhs = quantile_from_below(risks, delta)
                    rhs = float(claim(S=problem.S, A=problem.A - labels, n=n, delta=delta))
                    yield Trial(f"{where}, {init} init, delta={delta}", lhs, rhs, "simulation", n, 0.0, ALARM)

    return check
