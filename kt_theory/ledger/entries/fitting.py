r"""The learners: that their closed forms minimise their losses (Z&Z (3.3), (4.3), (4.7), (5.2)), and where CE_ptl goes.

A closed form claims that no row-stochastic table has a smaller loss on the same data. So it is held against tables:
random ones, the teacher, the students of the other learners, small steps towards all of these (a minimiser that is off
by a little is beaten nearby), and tables that hill climbing on the loss finds. What the loss leaves free, namely inputs
never visited and what SEL_ptl says of unseen labels, cannot be tried that way; only that rows remain laws.

CE_ptl on one input, with frequencies f and D = sum_b p_b^2, says f_a p_a / sum_b f_b p_b. If all frequencies are within
eps of p, the denominator is within eps of D, and the answer within

.. math:: \frac{\epsilon\, p_a}{D - \epsilon} + \frac{\epsilon\, p_a^2}{D (D - \epsilon)}

of p_a^2 / D: what Lemma 4.2 says at finite n. For the expected risk, let v = sum_b f_b p_b. If v >= D, the distance of
the answer from its limit is sum_a (f_a p_a / v - p_a^2 / D)_+ <= sum_a p_a (f_a - p_a)_+ / D; if v <= D, exchange the
two terms. So it is at most sum_a p_a |f_a - p_a| / D, which after m visits is at most sqrt(1/(D m)) in the mean, by
Cauchy and Schwarz. With 1/m <= 2/(m + 1) and Lemma E.8, the expected risk after n samples differs from its limit by at
most (N11)

.. math:: \sum_s \sqrt{\frac{2 \rho(s)}{D_s (n+1)}},

which covers inputs never visited, too: there the difference is at most 1, and D_s <= 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache

import numpy as np
from scipy.special import rel_entr

from kt_theory.exact.limits import bias_limit
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import LEARNERS, ce_ful, ce_ptl, ce_sgl, sel_ptl
from kt_theory.ledger.attacks.comparing import equal
from kt_theory.ledger.attacks.problems import generator, moved, one_row
from kt_theory.ledger.statement import ALARM, Check, Claim, Effort, PlantedError, Trial, stated
from kt_theory.problem import (
    Problem,
    dirichlet_problem,
    instance,
    near_deterministic_problem,
    uniform_table,
    zipf_problem,
)
from kt_theory.protocols import Protocol, TransferSet

# --- Losses, and data to fit ---------------------------------------------------------------------------------

#: ``loss(counts, teacher, tables)`` of many tables, shape (..., S, A), at once.
Loss = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def cross_entropy(counts: np.ndarray, teacher: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """- sum_i log pi(a_i|s_i)."""
    return _weighted_logs(counts.astype(np.float64), tables)


def weighted_cross_entropy(counts: np.ndarray, teacher: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """- sum_i pi*(a_i|s_i) log pi(a_i|s_i)."""
    return _weighted_logs(counts * teacher, tables)


def squared_logs(counts: np.ndarray, teacher: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """sum_i (log pi(a_i|s_i) - log pi*(a_i|s_i))^2 / 2."""
    seen = counts > 0
    with np.errstate(divide="ignore"):
        gap = np.log(np.where(seen, tables, 1.0)) - np.log(np.where(seen, teacher, 1.0))
    return 0.5 * (counts * gap**2).sum(axis=(-2, -1))


def relative_entropy(counts: np.ndarray, teacher: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """sum_i KL(pi*(.|s_i), pi(.|s_i))."""
    visits = counts.sum(axis=1)
    rows = rel_entr(teacher, tables).sum(axis=-1)
    return (visits * np.where(visits > 0, rows, 0.0)).sum(axis=-1)


def _weighted_logs(weights: np.ndarray, tables: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -(weights * np.log(np.where(weights > 0, tables, 1.0))).sum(axis=(-2, -1))


@cache
def transfer_sets(effort: Effort) -> tuple[tuple[str, int, np.ndarray, np.ndarray, np.ndarray], ...]:
    """Places, n, counts, teachers and initial students."""
    rng = generator(effort, "transfer sets")
    found = []
    for (S, A), n in itertools.product(((1, 1), (1, 2), (2, 3), (4, 5)), (0, 1, 2, 5, 30, 1000, 10**9)):
        problems = [
            dirichlet_problem(S, A, rng, rho_alpha=1.0),
            Problem(np.full(S, 1 / S), np.eye(A)[np.arange(S) % A], name="sure rows"),
        ]
        if A > 1:
            problems.append(near_deterministic_problem(S, A, rng))
        problems += [dirichlet_problem(S, A, rng, alpha=0.3, rho_alpha=0.3) for _ in range(effort.problems - 1)]
        for number, problem in enumerate(problems):
            counts = rng.multinomial(n, problem.w.ravel() / problem.w.sum()).reshape(S, A)
            init = rng.dirichlet(np.ones(A), size=S) if number % 2 else uniform_table(S, A)
            found.append((f"{problem.name}, S={S}, A={A}, number {number}, n={n}", n, counts, problem.teacher, init))
    return tuple(found)


def shown(protocol: str | Protocol, counts: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """The teacher where the protocol reveals it, NaN elsewhere."""
    return TransferSet.from_counts(counts, teacher, protocol).revealed


@cache
def rivals(effort: Effort) -> tuple[np.ndarray, ...]:
    """For each transfer set tables that might do better: random ones, the teacher, all learners' students."""
    rng = generator(effort, "rivals")
    found = []
    for _, _, counts, teacher, init in transfer_sets(effort):
        S, A = teacher.shape
        students = [
            learner.fit(counts, shown(learner.protocol, counts, teacher), init) for learner in LEARNERS.values()
        ]
        tables = [rng.dirichlet(np.full(A, alpha), size=S) for alpha in (1.0, 0.2, 5.0) for _ in range(effort.problems)]
        found.append(np.stack([teacher, uniform_table(S, A), *students, *tables]))
    return tuple(found)


def minimises(loss: Loss, protocol: str) -> Check:
    """The check of a closed form, ``claim(counts, revealed, init)``: the student of least loss, its rows being laws."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        rng = generator(effort, f"climb {loss.__name__}")
        for (where, n, counts, teacher, init), others in zip(transfer_sets(effort), rivals(effort), strict=True):
            student = claim(counts=counts, revealed=shown(protocol, counts, teacher), init=init)
            off = max(float(np.abs(student.sum(axis=1) - 1).max()), -float(student.min()))
            yield Trial(f"rows are laws, {where}", off, 1e-12, "algebra", n)
            reached = float(loss(counts, teacher, student))
            # A loss is a sum of as many terms as there are samples: its rounding grows with them.
            error = 1e-14 * max(n, 1)
            for step in (1.0, 0.1, 1e-3):
                losses = loss(counts, teacher, student + step * (others - student))
                for number, value in enumerate(losses.tolist()):
                    yield Trial(f"table {number}, step {step:g}, {where}", reached, value, "algebra", n, error)
            if 0 < n <= 30:
                best = descended(loss, counts, teacher, student, effort.steps // 10, rng)
                yield Trial(f"found by search, {where}", reached, best, "search", n, error)

    return check


def descended(
    loss: Loss, counts: np.ndarray, teacher: np.ndarray, student: np.ndarray, steps: int, rng: np.random.Generator
) -> float:
    """The least loss among tables that hill climbing from a student meets, other than the student's own."""
    if student.shape[1] == 1:
        return float(loss(counts, teacher, student))
    table, least = student, math.inf
    for _ in range(steps):
        near = table.copy()
        s = int(rng.integers(len(near)))
        near[s] = moved(near[s], rng)
        value = float(loss(counts, teacher, near))
        if value < least:
            table, least = near, value
    return least


# --- Wrong closed forms --------------------------------------------------------------------------------------


def in_proportion(weights: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Claim:
    """The table proportional to ``weights(counts, revealed)``, NaN read as 0; `init` where all of a row are 0."""

    def claim(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
        raw = np.nan_to_num(weights(counts.astype(np.float64), revealed))
        total = raw.sum(axis=1, keepdims=True)
        return np.divide(raw, total, out=init.copy(), where=total > 0)

    return claim


def spread_over_all(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """SEL_ptl, but seen labels get a share of the missing mass, too."""
    known = np.nan_to_num(revealed)
    return np.where(counts.any(axis=1, keepdims=True), known + (1 - known.sum(axis=1, keepdims=True)) * init, init)


def nothing_spread(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """SEL_ptl, but the missing mass is left out."""
    return np.where(counts.any(axis=1, keepdims=True), np.nan_to_num(revealed), init)


def half_way(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """CE_ful, but the first visit does not tell all: the teacher has weight n_s / (n_s + 1)."""
    visits = counts.sum(axis=1, keepdims=True)
    return np.where(visits > 0, (visits * np.nan_to_num(revealed) + init) / (visits + 1), init)


# --- Where CE_ptl goes ---------------------------------------------------------------------------------------


def power_limit(exponent: float) -> Claim:
    """``claim(p)``: p to a power, scaled to one; 2 is Lemma 4.2."""

    def claim(p: np.ndarray) -> np.ndarray:
        powered = np.where(p > 0, p**exponent, 0.0)
        return powered / powered.sum()

    return claim


@cache
def ptl_students(effort: Effort) -> tuple[tuple[str, np.ndarray, int, np.ndarray], ...]:
    """Places, laws, n, and the answers of CE_ptl in several repeats, shape (repeats, A)."""
    rng = generator(effort, "students of CE_ptl")
    repeats = 4 + effort.reps // 1000
    found = []
    for name, p in (
        ("one label", np.ones(1)),
        ("(1/2, 1/2, 0)", np.array([0.5, 0.5, 0.0])),
        ("(0.9, 0.1)", np.array([0.9, 0.1])),
        ("instance 0, A=25", instance(0, 1, 25).teacher[0]),
        ("random, A=6", rng.dirichlet(np.full(6, 0.5))),
        ("uniform, A=50", np.full(50, 0.02)),
    ):
        for n in (1, 10, 100, 10**4, 10**6, 10**9, 10**12):
            counts = rng.multinomial(n, p, size=repeats)
            table = np.broadcast_to(p, counts.shape)
            student = ce_ptl(counts, shown("partial", counts, table), np.full(counts.shape, 1 / p.size))
            found.append((f"{name}, n={n}", p, n, student))
    return tuple(found)


def tends(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p)`` is the limit of CE_ptl's answer, tried at the label where its distance is worst explained."""
    for where, p, n, students in ptl_students(effort):
        eps = math.sqrt(math.log(2 * p.size * len(students) / ALARM) / (2 * n))
        D = float(p @ p)
        if eps >= D:
            yield Trial(where, 0.0, math.nan, "simulation", n)
            continue
        radius = eps * p / (D - eps) + eps * p**2 / (D * (D - eps))
        off = np.abs(students - claim(p=p)).max(axis=0)
        a = int(np.argmax(off - radius))
        yield Trial(f"{where}, label {a + 1}", float(off[a]), float(radius[a]), "simulation", n, 1e-15, ALARM)


#: What Theorem 4.3 says of a problem: the limit of the expected risk, and whether it is 0.
Fate = tuple[float, bool]


def constant_where_positive(problem: Problem) -> bool:
    """Whether every row of positive rho is constant on its support: the mended condition of Theorem 4.3."""
    rows = problem.teacher[problem.rho > 0]
    return all(np.unique(row[row > 0]).size == 1 for row in rows)


def fate_of_ptl(problem: Problem) -> Fate:
    """Theorem 4.3, mended."""
    return bias_limit(problem, "CE_ptl"), constant_where_positive(problem)


def fate_as_printed(problem: Problem) -> Fate:
    """Theorem 4.3 as printed: only Uniform(A) and Diracs are learnt."""
    rows = problem.teacher[problem.rho > 0]
    learnt = all(np.unique(row).size == 1 or row.max() == 1.0 for row in rows)
    return bias_limit(problem, "CE_ptl"), learnt


def fate_with_power(exponent: float) -> Claim:
    """Theorem 4.3 with another limit of the student."""
    limit = power_limit(exponent)

    def claim(problem: Problem) -> Fate:
        rows = [0.5 * float(np.abs(limit(row) - row).sum()) for row in problem.teacher]
        return float(problem.rho @ rows), constant_where_positive(problem)

    return claim


@cache
def teachers(effort: Effort) -> tuple[tuple[str, Problem, bool], ...]:
    """Places, problems, and whether p^2 / sum p^2 = p on every row of positive rho, decided in exact fractions."""
    third = 1 / 3
    found = [
        ("one label", one_row(1.0)),
        ("Dirac", one_row(1.0, 0.0)),
        ("fair coin", one_row(0.5, 0.5)),
        ("(1/2, 1/2, 0)", one_row(0.5, 0.5, 0.0)),
        ("(1/3, 1/3, 1/3, 0)", one_row(third, third, third, 0.0)),
        ("(0.9, 0.1)", one_row(0.9, 0.1)),
        ("nearly constant", one_row(0.5 + 2**-12, 0.5 - 2**-12)),
        ("a bad row without inputs", Problem(np.array([1.0, 0.0]), np.array([[0.5, 0.5], [0.9, 0.1]]))),
        ("a bad row with few inputs", Problem(np.array([0.99, 0.01]), np.array([[0.5, 0.5], [0.9, 0.1]]))),
        ("Dirac, coin and half support", Problem(np.full(3, third), np.array([[1, 0, 0], [third] * 3, [0.5, 0, 0.5]]))),
        ("instance 0, S=1, A=4", instance(0, 1, 4)),
        ("instance 0, S=3, A=5", instance(0, 3, 5)),
        ("Zipf, S=2, A=6", zipf_problem(2, 6, effort.seed)),
    ]
    rng = generator(effort, "teachers of CE_ptl")
    found += [(f"random, number {i}", dirichlet_problem(2, 3, rng, rho_alpha=1.0)) for i in range(effort.problems)]
    return tuple((where, problem, all(map(is_fixed, problem.teacher[problem.rho > 0]))) for where, problem in found)


def is_fixed(row: np.ndarray) -> bool:
    """Whether p^2 / sum p^2 = p, for the row divided by its exact sum."""
    exact = [Fraction(float(x)) for x in row]
    p = [x / sum(exact) for x in exact]
    D = sum(x * x for x in p)
    return all(x * x == x * D for x in p)


@cache
def ptl_risk(problem: Problem, n: int) -> tuple[float, float]:
    """The expected risk of CE_ptl and its error; NaN out of reach."""
    try:
        estimate = exact_risk(problem, "CE_ptl", n)
    except OutOfReach:
        return math.nan, 0.0
    return estimate.value, estimate.error


def remainder(problem: Problem, n: int) -> float:
    """How far the expected risk of CE_ptl may be from its limit; derived at the top of this module."""
    return math.fsum(np.sqrt(2 * problem.rho / ((n + 1) * (problem.teacher**2).sum(axis=1))))


def fates(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem)``: the limit of CE_ptl's expected risk, and whether it is 0."""
    slow = [] if effort.level == "quick" else [10**4, 10**6]
    grid = [0, 10, 1000, *slow, 10**9, 10**12]
    for where, problem, fixed in teachers(effort):
        limit, learnt = claim(problem=problem)
        yield equal(f"is it learnt? {where}", float(learnt), float(fixed), 0.0)
        yield equal(f"is the limit 0? {where}", float(limit == 0), float(fixed), 0.0)
        for n in grid:
            risk, error = ptl_risk(problem, n)
            yield Trial(f"{where}, n={n}", abs(risk - limit), remainder(problem, n), "exact", n, error)


STATEMENTS = (
    stated(
        "zz-(3.3)",
        claim=ce_sgl,
        check=minimises(cross_entropy, "hard"),
        planted=(
            PlantedError("one is added to each count", in_proportion(lambda counts, _: counts + 1)),
            PlantedError("counts are squared", in_proportion(lambda counts, _: counts**2)),
            PlantedError("every seen label counts once", in_proportion(lambda counts, _: counts > 0)),
        ),
    ),
    stated(
        "zz-(4.3)",
        claim=ce_ptl,
        check=minimises(weighted_cross_entropy, "partial"),
        planted=(
            PlantedError("the weights are left out: frequencies", in_proportion(lambda counts, _: counts)),
            PlantedError("the counts are left out", in_proportion(lambda counts, shown: (counts > 0) * shown)),
            PlantedError("the weights are squared", in_proportion(lambda counts, shown: counts * shown**2)),
        ),
    ),
    stated(
        "zz-(4.7)",
        claim=sel_ptl,
        check=minimises(squared_logs, "partial"),
        planted=(
            PlantedError("the missing mass goes to seen labels too", spread_over_all),
            PlantedError("the missing mass is left out", nothing_spread),
            PlantedError("revealed probabilities are scaled to one", in_proportion(lambda counts, shown: shown)),
        ),
        note="The least loss is 0, and reached; so the ratio says nothing. How the missing mass is spread over unseen "
        "labels the loss leaves free.",
    ),
    stated(
        "zz-(5.2)",
        claim=ce_ful,
        check=minimises(relative_entropy, "soft"),
        planted=(
            PlantedError(
                "the uniform row instead of the teacher's",
                lambda counts, revealed, init: np.full_like(init, 1 / init.shape[1]),
            ),
            PlantedError("the teacher's row, squared", in_proportion(lambda counts, shown: shown**2)),
            PlantedError("one visit does not tell all", half_way),
        ),
        note="The least loss is 0, and reached; so the ratio says nothing.",
    ),
    stated(
        "zz-4.2",
        claim=power_limit(2),
        check=tends,
        planted=(
            PlantedError("p^2 becomes p", power_limit(1)),
            PlantedError("p^2 becomes p^3", power_limit(3)),
            PlantedError("p^2 becomes p^(3/2)", power_limit(1.5)),
        ),
        note="Almost sure convergence says nothing at a finite n; the radius follows from Hoeffding's inequality.",
    ),
    stated(
        "zz-4.3",
        claim=fate_of_ptl,
        check=fates,
        planted=(
            PlantedError("the printed condition: every row is uniform or a Dirac", fate_as_printed),
            PlantedError("the limit is 0, as for CE_sgl", fate_with_power(1)),
            PlantedError("p^2 becomes p^3", fate_with_power(3)),
        ),
        note="Exact expected risks up to n = 10^12 against a remainder of order n^-1/2 with explicit constants. The "
        "risk may approach its limit from below.",
    ),
)
