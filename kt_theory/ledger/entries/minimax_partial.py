"""Ours: the minimax risk of partial soft labels (N5 and N7 of the report).

Where the value is a Bayes risk, it is computed a second time by its definition, the least cost of an answer to every
data set, by linear programming.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from kt_theory.exact.law import risk_law
from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.comparing import equal
from kt_theory.ledger.attacks.grids import CLIMBED
from kt_theory.ledger.attacks.pools import pool
from kt_theory.ledger.attacks.problems import generator, moved, one_row, random_problems
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax import minimax_risk
from kt_theory.minimax.partial import search_arbitrary, worst_row
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.problem import Problem


def patterns(n: int, most: int) -> Iterator[tuple[int, ...]]:
    """Sequences of n labels, at most `most` different ones, numbered as they first appear."""

    def grow(begun: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(begun) == n:
            yield begun
            return
        for label in range(min(max(begun, default=-1) + 2, most)):
            yield from grow((*begun, label))

    yield from grow(())


@cache
def bayes_risk(row: tuple[float, ...], n: int) -> float:
    """The least average risk over all relabellings of a row, by a linear program for each data set.

    The student is told the row up to the order of its labels, and sees n labels with their probabilities.
    """
    A = len(row)
    total = 0.0
    for sequence in patterns(n, A):
        seen = len(set(sequence))
        # The data that are this sequence up to names: so many, each with its own share of the arrangements.
        names = math.perm(A, seen)
        told: dict[tuple[float, ...], list[tuple[tuple[float, ...], float]]] = defaultdict(list)
        for order in itertools.permutations(row):
            chance = math.prod(order[label] for label in sequence) / math.factorial(A)
            if chance > 0:
                told[order[:seen]].append((order, chance))
        total += names * math.fsum(least_cost(orders) for orders in told.values())
    return total


def least_cost(orders: Sequence[tuple[tuple[float, ...], float]]) -> float:
    """The least sum of weight times TV(answer, row) over all answers."""
    from scipy.optimize import linprog

    weights: dict[tuple[float, ...], float] = defaultdict(float)
    for order, chance in orders:
        weights[order] += chance
    rows, chances = np.array(list(weights)), np.array(list(weights.values()))
    m, A = rows.shape
    total = chances.sum()  # may be small beside the tolerances of the solver
    # TV(q, p) = sum of (p - q)_+: the excess t of each label of each row is at least p - q, and not negative.
    excess = np.hstack([-np.tile(np.eye(A), (m, 1)), -np.eye(m * A)])
    found = linprog(
        np.concatenate([np.zeros(A), np.repeat(chances / total, A)]),
        A_ub=excess, b_ub=-rows.ravel(),
        A_eq=np.concatenate([np.ones(A), np.zeros(m * A)])[None], b_eq=[1.0],
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )  # fmt: skip
    return float(total * found.fun)


def relabelled(learner: str, problem: Problem, n: int, init: Sequence[float] | None = None) -> float:
    """The mean risk of a learner over all relabellings of a single row."""
    risks = []
    for order in itertools.permutations(problem.teacher[0].tolist()):
        start = None if init is None else np.array([init])
        risks.append(exact_risk(one_row(*order), learner, n, start).value)
    return math.fsum(risks) / len(risks)


def oracle(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, n)`` is the Bayes risk over the relabellings of a row."""
    rng = generator(effort, "oracle")
    rows = [(0.5, 0.5, 0.0), (0.2, 0.7, 0.1, 0.0)]
    rows += [tuple(rng.dirichlet(np.ones(3)).tolist()) for _ in range(effort.problems // 2)]
    rows += [tuple(rng.dirichlet(np.full(4, 0.7)).tolist()) for _ in range(effort.problems // 4)]
    for row in rows:
        for n in range(4 if len(row) == 3 or effort.level == "full" else 3):
            value, bayes = float(claim(n=n, problem=one_row(*row))), bayes_risk(row, n)
            where = f"row {tuple(round(p, 3) for p in row)}, n={n}"
            yield Trial(f"{where}, LP", abs(value - bayes), 1e-9, "exact", n)


@cache
def partial_ends(S: int, A: int, n: int) -> tuple[float, float]:
    """Both ends of the minimax risk from partial soft labels."""
    risk = minimax_risk("partial", S, A, n)
    return risk.lower, risk.upper


#: Where the least favourable teacher for partial labels is small enough for the exact law of the risk.
SMALL_GAMES = [(1, 2, 1), (1, 2, 10), (1, 3, 2), (1, 3, 30), (1, 4, 8), (2, 2, 5), (2, 3, 3)]


@cache
def by_the_law(S: int, A: int, n: int) -> float:
    """The mean of the exact law of SEL_ptl's risk at the least favourable teacher."""
    return risk_law(minimax_risk("partial", S, A, n).instance, "SEL_ptl", n).mean()


def partial_minimax(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)``, a pair: some problem costs SEL_ptl the first, and none more than the second."""
    for S, A, n in SMALL_GAMES:
        yield equal(
            f"attained, S={S}, A={A}, n={n}, by the law",
            claim(S=S, A=A, n=n)[0],
            by_the_law(S, A, n),
            1e-10,
            "exact",
            n,
        )
    for place in pool("SEL_ptl", "uniform", effort):
        key = (place.problem.S, place.problem.A, place.n)
        if key in CLIMBED and (key[:2] != (3, 3) or effort.level == "full"):
            risk = place.risk if place.risk > 2.0**-52 else 0.0
            yield Trial(
                f"SEL_ptl, {place.where}",
                risk,
                claim(S=key[0], A=key[1], n=key[2])[1],
                place.kind,
                place.n,
                place.error,
            )


def two_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, n)`` is the risk of SEL_ptl, for two labels."""
    for where, problem, n in random_problems(effort, ((1, 2), (2, 2), (5, 2), (30, 2)), (0, 1, 2, 10, 100, 1000)):
        left, right = exact_risk(problem, "SEL_ptl", n), claim(n=n, problem=problem)
        yield Trial(where, abs(left.value - right), 1e-13, "exact", n)


def input_alone(problem: Problem, s: int, n: int) -> float:
    """G(w_s): what input s adds to the risk of SEL_ptl, read off a problem with one other input, whose row is sure."""
    rho, A = float(problem.rho[s]), problem.A
    if problem.S == 1:
        return exact_risk(problem, "SEL_ptl", n).value
    elsewhere = Problem(np.array([1 - rho, rho]), np.array([np.eye(A)[A - 1], problem.teacher[s]]))
    return exact_risk(elsewhere, "SEL_ptl", n).value - (1 - 1 / A) * (1 - rho) * rho**n


def sum_of_inputs(problem: Problem, n: int) -> float:
    """The sum of G(w_s), each in a problem of its own."""
    return math.fsum(input_alone(problem, s, n) for s in range(problem.S))


def as_if_alone(problem: Problem, n: int) -> float:
    """The planted error: rho(s) times the risk of a single input with all n samples."""
    return math.fsum(
        float(rho) * exact_risk(one_row(*row), "SEL_ptl", n).value
        for rho, row in zip(problem.rho, problem.teacher, strict=True)
    )


def as_if_shared(problem: Problem, n: int) -> float:
    """The planted error: each input with its own number of samples, n rho(s), and nothing random about it."""
    return math.fsum(
        float(rho) * exact_risk(one_row(*row), "SEL_ptl", round(n * rho)).value
        for rho, row in zip(problem.rho, problem.teacher, strict=True)
    )


def reduction(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, n)`` is the risk of SEL_ptl, by the exact law of the whole."""
    for where, problem, n in random_problems(effort, ((1, 3), (2, 2), (2, 3), (3, 2)), (0, 1, 2, 5)):
        yield Trial(where, abs(claim(n=n, problem=problem) - whole(problem, n)), 1e-11, "exact", n)


_WHOLE: dict[tuple[str, int], float] = {}


def whole(problem: Problem, n: int) -> float:
    """The mean of the exact law of SEL_ptl's risk, kept for the next claim."""
    key = (problem.identity, n)
    if key not in _WHOLE:
        _WHOLE[key] = risk_law(problem, "SEL_ptl", n).mean()
    return _WHOLE[key]


#: Inputs, labels and samples at which the least favourable law of the inputs has two kinds of light inputs.
TWO_KINDS = (10, 10, 30)


@cache
def share_value(A: int, n: int, r: float) -> float:
    """g(r), the most that an input of mass r can add."""
    return worst_row(n, A, r).value if r > 0 else 0.0


@cache
def alike_but_one(S: int, A: int, n: int) -> float:
    """The largest value of (S - 1) g(r) + g(1 - (S - 1) r), S g(1/S) among them."""
    from scipy.optimize import minimize_scalar

    def value(r: float) -> float:
        return (S - 1) * share_value(A, n, float(r)) + share_value(A, n, max(1 - (S - 1) * float(r), 0.0))

    grid = np.linspace(0.2, 1.0, 25) / (S - 1)
    best = float(max([*grid, 1 / S], key=value))
    step = float(grid[1] - grid[0])
    ends = (best - step, min(best + step, 1 / (S - 1)))
    found = minimize_scalar(lambda r: -value(r), bounds=ends, method="bounded", options={"xatol": 1e-7})
    return max(value(best), -float(found.fun))


@cache
def two_kinds_of_inputs() -> tuple[float, float]:
    """The exact risk of SEL_ptl at a teacher with S/2 inputs of each of two kinds, and its error."""
    from scipy.optimize import minimize_scalar

    S, A, n = TWO_KINDS
    half = S // 2

    def value(r: float) -> float:
        return half * (share_value(A, n, float(r)) + share_value(A, n, 1 / half - float(r)))

    found = minimize_scalar(lambda r: -value(r), bounds=(0.3 / S, 0.95 / S), method="bounded", options={"xatol": 1e-6})
    masses = (float(found.x), 1 / half - float(found.x))
    rows = [np.tile(worst_row(n, A, r).labels(A), (half, 1)) for r in masses]
    estimate = exact_risk(Problem(np.repeat(masses, half), np.concatenate(rows)), "SEL_ptl", n)
    return estimate.value, estimate.error


def beaten_by_two_kinds(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)`` bounds the risk of SEL_ptl, at the place where two kinds of light inputs are better."""
    S, A, n = TWO_KINDS
    risk, error = two_kinds_of_inputs()
    # g is within 1e-7 of its maximum over the family.
    rhs = float(claim(S=S, A=A, n=n))
    yield Trial(f"five inputs of one kind, five of another, S={S}, A={A}, n={n}", risk, rhs, "search", n, error + 1e-7)


#: Where rows of SEL_ptl are made worse: labels, samples, mass of the input.
ROWS = [(4, 30, 1.0), (4, 3, 1.0), (5, 12, 0.3), (5, 4, 1.0), (6, 10, 1.0), (6, 40, 0.5)]


@cache
def climbed_row(A: int, n: int, r: float, effort: Effort) -> float:
    """The most that an input of mass r adds, in a hill climb over its row."""
    rng = generator(effort, f"row {A} {n} {r}")
    sure = np.eye(A)[0]

    def value(row: np.ndarray) -> float:
        if r == 1:
            return exact_risk(one_row(*row), "SEL_ptl", n).value
        problem = Problem(np.array([r, 1 - r]), np.array([row, sure]))
        return exact_risk(problem, "SEL_ptl", n).value - (1 - 1 / A) * (1 - r) * r**n

    best = 0.0
    for start in (worst_row(n, A, r).labels(A), *rng.dirichlet(np.ones(A), size=effort.starts)):
        row, height = start, value(start)
        for _ in range(effort.steps // 2):
            candidate = moved(row, rng)
            reached = value(candidate)
            if reached > height:
                row, height = candidate, reached
        best = max(best, height)
    return best


@cache
def ascended(A: int, n: int, effort: Effort) -> float:
    """The largest risk of SEL_ptl on a single row, by gradient ascent from random starts."""
    return search_arbitrary(1, A, n, starts=3 * effort.starts, seed=effort.seed)


def three_values(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, n, r)`` bounds what any row of mass r adds."""
    for A, n, r in ROWS[::2] if effort.level == "quick" else ROWS:
        rhs = float(claim(A=A, n=n, r=r))
        where = f"row found by search, A={A}, n={n}, r={r}"
        yield Trial(where, climbed_row(A, n, r, effort), rhs, "search", n, 1e-8 * rhs)
        if r == 1:
            yield Trial(f"{where}, by ascent", ascended(A, n, effort), rhs, "search", n, 1e-8 * rhs)


@cache
def best_of_family(A: int, n: int, r: float, *, heavy: bool = True, zeros: bool = True) -> float:
    """The most that k equal light labels, one heavy label and zeros add; or without a heavy label, or without zeros."""
    from kt_theory.exact.sel import family_risk

    if heavy and zeros:
        return worst_row(n, A, r).value
    ks = [A - 1] if not zeros else list(range(1, A))
    masses = {k: np.linspace(0, r / k, 1001)[1:] if heavy else np.array([r / k]) for k in ks}
    return max(float(family_risk(n, A, r, k, x).max()) for k, x in masses.items())


def half_of_two_letters(S: int, A: int, n: int) -> float:
    """V(2, n)/2."""
    return largest_unvisited_mass(2, n)[0] / 2


def three_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)`` is the largest risk of SEL_ptl with one input and three labels."""
    for n in (1, 2, 3, 5, 10, 30, 100):
        value = float(claim(S=1, A=3, n=n))
        p = np.unique(np.concatenate([np.linspace(0.5, 1, 201), 1 - np.geomspace(0.2, 2, 201) / (n + 1)]))
        risks = {x: exact_risk(one_row(x, 1 - x, 0.0), "SEL_ptl", n).value for x in p[(p >= 0.5) & (p < 1)].tolist()}
        best = max(risks, key=risks.__getitem__)
        where = f"attained, row ({best:.4g}, {1 - best:.4g}, 0), n={n}"
        yield Trial(where, value, risks[best] * (1 + 1e-4), "exact", n)  # the grid's width, squared
        if n <= 30:
            found = _searched(n, effort.starts)
            yield Trial(f"row found by search, n={n}", found, value, "search", n, 1e-12)


def alike(row: np.ndarray, S: int) -> Problem:
    """S equal inputs of one row."""
    return Problem(np.full(S, 1 / S), np.tile(row, (S, 1)))


def beaten_across_inputs(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, n)`` is at most the risk of a student that takes all inputs, whose rows are equal, for one."""
    for row, S, n in itertools.product(((0.5, 0.3, 0.2), (0.7, 0.1, 0.1, 0.1)), (2, 4), (1, 3, 10)):
        value = float(claim(problem=alike(np.array(row), S), n=n))
        together = exact_risk(one_row(*row), "SEL_ptl", n)
        yield Trial(f"{S} rows {row}, n={n}", value, together.value, "exact", n, together.error + 1e-14)


@cache
def _searched(n: int, starts: int) -> float:
    return search_arbitrary(1, 3, n, starts=4 * starts, seed=1)


STATEMENTS = (
    stated(
        "ours-N5-oracle",
        claim=lambda problem, n: exact_risk(problem, "SEL_ptl", n).value,
        check=oracle,
        note="The Bayes risk by a linear program over all answers to each data set; S = 1, A = 3 and 4, n <= 3.",
        planted=(
            PlantedError(
                "the spread favours a label, 2:1:1:...",
                lambda problem, n: relabelled(
                    "SEL_ptl", problem, n, [2 / (problem.A + 1)] + [1 / (problem.A + 1)] * (problem.A - 1)
                ),
            ),
            PlantedError("SEL_ptl becomes CE_ptl", lambda problem, n: relabelled("CE_ptl", problem, n)),
            PlantedError("the risk times 0.999", lambda problem, n: 0.999 * exact_risk(problem, "SEL_ptl", n).value),
            PlantedError(
                "(1 - 1/A) times the missing mass",
                lambda problem, n: (1 - 1 / problem.A) * float(problem.w.ravel() @ (1 - problem.w.ravel()) ** n),
            ),
        ),
    ),
    stated(
        "ours-N5-minimax",
        claim=partial_ends,
        check=partial_minimax,
        note="That the lower end is the maximum is proved for A <= 2 and for S = 1, A = 3; else see ours-N7-rows.",
        planted=(
            PlantedError("both ends times 0.995", lambda S, A, n: tuple(0.995 * end for end in partial_ends(S, A, n))),
            PlantedError("n becomes n + 1", lambda S, A, n: partial_ends(S, A, n + 1)),
            PlantedError(
                "both ends times 1.01",
                lambda S, A, n: tuple(1.01 * end for end in partial_ends(S, A, n)),
            ),
        ),
    ),
    stated(
        "ours-N5-three-labels",
        claim=half_of_two_letters,
        check=three_labels,
        planted=(
            PlantedError("V(2, n)/2 becomes V(3, n)/2", lambda S, A, n: largest_unvisited_mass(3, n)[0] / 2),
            PlantedError("1/2 becomes 1/3", lambda S, A, n: largest_unvisited_mass(2, n)[0] / 3),
            PlantedError("n becomes n + 1", lambda S, A, n: half_of_two_letters(S, A, n + 1)),
        ),
    ),
    stated(
        "ours-N5-reduction",
        claim=sum_of_inputs,
        check=reduction,
        note="Each row is moved into a problem of two inputs; the whole is the mean of the exact law of the risk.",
        planted=(
            PlantedError("each input as if alone", as_if_alone),
            PlantedError("each input with round(n rho) samples", as_if_shared),
            PlantedError(
                "the first input is forgotten",
                lambda problem, n: sum_of_inputs(problem, n) - input_alone(problem, 0, n),
            ),
        ),
    ),
    stated(
        "ours-false-equal-inputs",
        claim=alike_but_one,
        check=beaten_by_two_kinds,
        note="Five inputs of one kind and five of another cost .340921 at S = A = 10, n = 30; alike but one, .339972. "
        "For g is not concave where one number of light labels gives way to the next.",
        planted=(
            PlantedError("all inputs are equal", lambda S, A, n: S * share_value(A, n, 1 / S)),
            PlantedError("one input carries everything", lambda S, A, n: share_value(A, n, 1.0)),
        ),
    ),
    stated(
        "ours-false-alike",
        claim=lambda problem, n: exact_risk(problem, "SEL_ptl", n).value,
        check=beaten_across_inputs,
        note="Where all rows are one row, a label that was seen at one input is known at all of them.",
        planted=(
            PlantedError(
                "one input more",
                lambda problem, n: exact_risk(alike(problem.teacher[0], problem.S + 1), "SEL_ptl", n).value,
            ),
            PlantedError("a tenth less", lambda problem, n: 0.9 * exact_risk(problem, "SEL_ptl", n).value),
        ),
    ),
    stated(
        "ours-N7-rows",
        claim=best_of_family,
        check=three_values,
        note="Proved for A <= 3 and for A to infinity after n.",
        planted=(
            PlantedError("no heavy label: two values", lambda A, n, r: best_of_family(A, n, r, heavy=False)),
            PlantedError("no zeros", lambda A, n, r: best_of_family(A, n, r, zeros=False)),
            PlantedError("one light label only", lambda A, n, r: worst_row(n, 3, r).value),
        ),
    ),
    stated(
        "ours-N7-two-labels",
        claim=lambda problem, n: exact_risk(problem, "CE_ful", n).value,
        check=two_labels,
        planted=(
            PlantedError("CE_ful after n + 1 samples", lambda problem, n: exact_risk(problem, "CE_ful", n + 1).value),
            PlantedError(
                "SEL_ptl pays the missing mass of the pairs",
                lambda problem, n: 0.5 * float(problem.w.ravel() @ (1 - problem.w.ravel()) ** n),
            ),
        ),
    ),
)
