r"""Problems that are bad for a learner, and hill climbing to worse ones.

An upper bound f(S, A, n) on a mean risk claims something of every problem, so it is tried on the paper's instances
wherever they exist, random problems, the least favourable ones that are known, and the problems that hill climbing over
(rho, pi*) finds from there. Bounds for every initialisation are tried with the uniform one and with a hostile one,
which gives on every input all mass to the label that is least likely under the teacher.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from kt_theory.exact.risk import exact_risk
from kt_theory.learners import Learner
from kt_theory.ledger.attacks import enumerating
from kt_theory.ledger.attacks.grids import Sizes
from kt_theory.ledger.statement import Effort
from kt_theory.minimax import minimax_risk
from kt_theory.problem import (
    Problem,
    dirichlet_problem,
    instance,
    near_deterministic_problem,
    three_worlds,
    uniform_table,
    zipf_problem,
)

#: Initial students that a bound may have to survive.
UNIFORM, HOSTILE = ("uniform",), ("uniform", "hostile")


def generator(effort: Effort, salt: str) -> np.random.Generator:
    """A stream of its own for each purpose, the same on every machine."""
    return np.random.default_rng([effort.seed, zlib.crc32(salt.encode())])


def name_of(learner: str | Learner) -> str:
    return learner.name if isinstance(learner, Learner) else learner


def start_table(problem: Problem, init: str) -> np.ndarray | None:
    """The initial student: None for the uniform one; hostile: sure of the label that the teacher says least."""
    if init == "uniform":
        return None
    table = np.zeros((problem.S, problem.A))
    table[np.arange(problem.S), problem.teacher.argmin(axis=1)] = 1.0
    return table


def mean_risk(learner: str | Learner, problem: Problem, n: int, init: str) -> tuple[float, float]:
    """The exact expected risk and a bound on its error; raises `OutOfReach` where there is none."""
    start = start_table(problem, init)
    if isinstance(learner, Learner):
        return enumerating.expected_risk(problem, learner, n, start), 1e-12
    estimate = exact_risk(problem, learner, n, start)
    return estimate.value, estimate.error


def known_problems(sizes: Sizes, grid: Sequence[int]) -> Iterator[tuple[str, Problem, int]]:
    """The paper's instances and three worlds where they exist, at given sizes and numbers of samples."""
    for (S, A), n in itertools.product(sizes, grid):
        for k in range(4):
            try:
                yield f"instance {k}, S={S}, A={A}, n={n}", instance(k, S, A, n), n
            except ValueError:
                continue
        if n > 0 and S > 1 and A > 3:
            try:
                yield f"three worlds, S={S}, A={A}, n={n}", three_worlds(S, A, n), n
            except ValueError:
                continue


def random_problems(effort: Effort, sizes: Sizes, grid: Sequence[int]) -> Iterator[tuple[str, Problem, int]]:
    """Random problems: Dirichlet, Zipf and near-deterministic rows."""
    makers: list[Callable[..., Problem]] = [
        lambda S, A, seed: dirichlet_problem(S, A, seed, rho_alpha=1.0),
        zipf_problem,
        near_deterministic_problem,
        lambda S, A, seed: dirichlet_problem(S, A, seed, alpha=0.3, rho_alpha=0.5),
    ]
    for i, ((S, A), n) in enumerate(itertools.product(sizes, grid)):
        for j in range(effort.problems):
            problem = makers[(i + j) % len(makers)](S, A, np.random.SeedSequence([effort.seed, S, A, j]))
            yield f"{problem.name}, number {j}, n={n}", problem, n


def one_row(*masses: float, name: str = "problem") -> Problem:
    """The problem of a single input."""
    return Problem(np.ones(1), np.array([masses]), name=name)


def moved(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A law in which one entry has given a part of its mass, or all of it, to another."""
    i, j = rng.choice(table.size, size=2, replace=False)
    part = table[i] * (1.0, 0.5, 0.1, 0.01, 0.001)[rng.integers(5)]
    changed = table.copy()
    changed[i] -= part
    changed[j] = min(changed[j] + part, 1.0)
    return changed


def climb(
    value: Callable[[Problem], float], problem: Problem, steps: int, rng: np.random.Generator
) -> tuple[Problem, float]:
    """Hill climbing over (rho, pi*): mass moves between two inputs, two labels, or one row replaces another."""
    best, height = problem, value(problem)
    S, A = problem.S, problem.A
    if S == A == 1:
        return best, height
    for _ in range(steps):
        rho, teacher = best.rho, best.teacher
        if S > 1 and (A == 1 or rng.random() < 0.3):
            rho = moved(rho, rng)
        elif S > 1 and rng.random() < 0.1:
            s, t = rng.choice(S, size=2, replace=False)
            teacher = teacher.copy()
            teacher[s] = teacher[t]
        else:
            s = int(rng.integers(S))
            teacher = teacher.copy()
            teacher[s] = moved(teacher[s], rng)
        if np.array_equal(rho, best.rho) and np.array_equal(teacher, best.teacher):
            continue  # a mass of 0 gave a part of itself
        candidate = Problem(rho, teacher, name=f"found by search (S={S}, A={A})")
        reached = value(candidate)
        if reached > height:
            best, height = candidate, reached
    return best, height


@cache
def least_favourable(protocol: str, effort: Effort) -> tuple[tuple[str, Problem, int], ...]:
    """The worst problems that are known for a protocol."""
    found = []
    grid = (2, 10, 100, 1000, 10**5) if effort.level == "full" else (2, 100, 10**5)
    for (S, A), n in itertools.product(((1, 3), (2, 3), (1, 25), (10, 10), (1, 100)), grid):
        if protocol != "hard" and ((S, A, n) != (10, 10, 2) or effort.level == "full"):
            worst = minimax_risk(protocol, S, A, n).instance
            found.append((f"least favourable for {protocol} labels, S={S}, A={A}, n={n}", worst, n))
    if protocol == "hard":
        for A, n in itertools.product((2, 100, 10**4), (1, 100, 10**6, 10**10)):
            flat = Problem(np.ones(1), uniform_table(1, A), name="uniform row")
            found.append((f"uniform row, S=1, A={A}, n={n}", flat, n))
    return tuple(found)


def light_row(A: int, k: int, mass: float) -> np.ndarray:
    """K labels of the same mass, one with the rest, the others 0."""
    row = np.zeros(A)
    row[:k] = mass
    row[k] = max(1 - k * mass, 0.0)
    return row


def climbed(
    value: Callable[[np.ndarray], float], start: np.ndarray, steps: int, rng: np.random.Generator
) -> np.ndarray:
    """The law of largest value that hill climbing finds."""
    best, height = start, value(start)
    for _ in range(steps if start.size > 1 else 0):
        near = moved(best, rng)
        reached = value(near)
        if reached > height:
            best, height = near, reached
    return best


def least_masses(problem: Problem) -> tuple[float, float]:
    """The least positive mass of an input, and of a label given an input of positive mass."""
    rows = problem.teacher[problem.rho > 0]
    return float(problem.rho[problem.rho > 0].min()), float(rows[rows > 0].min())
