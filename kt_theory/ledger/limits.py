r"""Ours: what minimax risks are, exactly or in the limit (the report in `paper/`, N1 and N5 to N10).

An exact value is attacked from both sides: no problem that search finds may cost the best learner more, and the least
favourable one must cost it as much. Where the value is a Bayes risk, it is computed a second time as what it is by
definition, the least cost of an answer to every data set, by linear programming.

A limit says nothing at any finite n, so what is tried is the limit with a remainder, stated in its entry and some
times larger than the one that was measured; at n = 10^12 the remainder is next to nothing, and a wrong constant shows.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, partial

import numpy as np
from scipy import special

from kt_theory.bounds.sharper import C_INF, C_KL
from kt_theory.certificates import certify_minimax
from kt_theory.exact.law import risk_law
from kt_theory.exact.limits import asymptotic_constant, bias_limit
from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks import (
    CLIMBED,
    climb,
    equal,
    generator,
    minimax_upper,
    moved,
    one_row,
    pool,
    random_problems,
    scaled,
)
from kt_theory.ledger.sharper import KL_MASS, KL_SHARE, kl_places, kl_risk, light_row
from kt_theory.ledger.statement import Claim, Effort, Statement, Trial, Twin
from kt_theory.minimax import hard_game, minimax_risk
from kt_theory.minimax.constants import RATIO, gamma, minimax_constant
from kt_theory.minimax.hard import dirichlet_bound, worst_risk
from kt_theory.minimax.partial import search_arbitrary, worst_row
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.problem import Problem, dirichlet_problem


def within(where: str, value: float, limit: float, remainder: float, n: float = math.nan) -> Trial:
    """The trial of a limit: the relative distance of a value from it against the remainder."""
    return Trial(where, abs(value / limit - 1), remainder, "exact", n, 1e-12)


def phi(n: int) -> float:
    """The largest x (1 - x)^n."""
    return math.exp(n * math.log1p(-1 / (n + 1))) / (n + 1) if n else 1.0


# --- Soft labels --------------------------------------------------------------------------------------------


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
            known[key] = float(claim(*key))
        # A law of a single input may add up to 1 - 2^-53.
        risk = place.risk if place.risk > 2.0**-52 else 0.0
        yield Trial(f"CE_ful, {place.where}", risk, known[key], place.kind, place.n, place.error, place.alarm)
    for (S, A), n in itertools.product(((1, 3), (2, 2), (5, 3), (40, 7)), (0, 1, 2, 5, 9, 40, 1000, 10**6, 10**12)):
        value = float(claim(S, A, n))
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
        low, high = claim(S, n) if n >= S else (math.nan, math.nan)
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
        value = float(claim(S, n))
        yield equal(f"V, S={S}, n={n}", value, unvisited(S, n), 1e-12, n=n)
    for S, n in ((2, 1), (3, 3), (5, 3), (8, 6)):
        value = float(claim(S, n))
        yield Trial(f"rho found by search, S={S}, n={n}", climbed_unvisited(S, n, effort), value, "search", n)


def if_few(S: int, n: int, share: float = 1.0) -> float:
    """(1 - 1/S)^n for n <= share S."""
    return (1 - 1 / S) ** n if n <= share * S else math.nan


# --- Partial soft labels: the oracle property ---------------------------------------------------------------


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
            value, bayes = float(claim(one_row(*row), n)), bayes_risk(row, n)
            where = f"row {tuple(round(p, 3) for p in row)}, n={n}"
            yield Trial(f"{where}, LP", abs(value - bayes), 1e-9, "exact", n)


# --- Partial soft labels: the minimax risk ------------------------------------------------------------------


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
            f"attained, S={S}, A={A}, n={n}, by the law", claim(S, A, n)[0], by_the_law(S, A, n), 1e-10, "exact", n
        )
    for place in pool("SEL_ptl", "uniform", effort):
        key = (place.problem.S, place.problem.A, place.n)
        if key in CLIMBED and (key[:2] != (3, 3) or effort.level == "full"):
            risk = place.risk if place.risk > 2.0**-52 else 0.0
            yield Trial(f"SEL_ptl, {place.where}", risk, claim(*key)[1], place.kind, place.n, place.error)


def two_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, n)`` is the risk of SEL_ptl, for two labels."""
    for where, problem, n in random_problems(effort, ((1, 2), (2, 2), (5, 2), (30, 2)), (0, 1, 2, 10, 100, 1000)):
        left, right = exact_risk(problem, "SEL_ptl", n), claim(problem, n)
        yield Trial(where, abs(left.value - right), 1e-13, "exact", n)


# --- Partial soft labels: one input at a time ---------------------------------------------------------------


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
        yield Trial(where, abs(claim(problem, n) - whole(problem, n)), 1e-11, "exact", n)


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
    rhs = float(claim(S, A, n))
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
        rhs = float(claim(A, n, r))
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


# --- Limits -------------------------------------------------------------------------------------------------


def partial_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A)`` is the limit of n times the minimax risk; remainder SA/n, relative."""
    sizes = (
        ((1, 3), (1, 5), (1, 25), (3, 4)) if effort.level == "quick" else ((1, 3), (1, 25), (2, 3), (3, 4), (10, 10))
    )
    for (S, A), n in itertools.product(
        sizes, (10**3, 10**6, 10**9, 10**12) if effort.level == "full" else (10**3, 10**12)
    ):
        value = n * partial_ends(S, A, n)[0]
        yield within(f"n minimax, S={S}, A={A}, n={n}", value, float(claim(S, A)), S * A / n, n)


def gamma_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` is the limit of gamma_m / m; remainder 1.3/m, relative."""
    for m in (3, 10, 30, 100, 1000, 10**4) if effort.level == "quick" else (3, 10, 30, 100, 1000, 10**4, 10**5):
        yield within(f"gamma_m / m, m={m}", gamma(m)[0] / m, float(claim()), 1.3 / m, m)


def gamma_second(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(m)`` is gamma_m; remainder 0.15/m."""
    for m in (*range(3, 30 if effort.level == "quick" else 300), 1000, 10**4):
        yield Trial(f"m={m}", abs(gamma(m)[0] - claim(m)), 0.15 / m, "exact", m)


def lambert(q_of: float = 2.0, inside: float = 2 * math.sqrt(math.e)) -> float:
    """q^2 / (1 + q), q = 2 W(1 / (2 sqrt(e)))."""
    q = q_of * special.lambertw(1 / inside).real
    return float(q * q / (1 + q))


@cache
def mean_field() -> float:
    """The largest value of a b / (a + b) over rates x, b = q at rate 0 and a = e^-x (x - q) at rate x, for every q.

    That is, sup over laws of E e^-x (x - q)_+ with E e^-x (x - q) = 0, on two atoms.
    """
    from scipy.optimize import minimize

    def value(z: np.ndarray) -> float:
        q, x = z
        a = math.exp(-x) * (x - q)
        return a * q / (a + q) if a > 0 < q else 0.0

    found = minimize(lambda z: -value(z), [0.4, 1.3], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-16})
    return float(-found.fun)


def two_formulas(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` against the constant of the bounds, and against the maximum that it solves."""
    yield equal("the constant of the bounds", float(claim()), C_INF, 1e-14)
    yield equal("sup over laws of the rates", float(claim()), mean_field(), 1e-12)


@cache
def kl_saddle() -> float:
    """The least over q of max over x of e^-x (x log(x/q) - x + q): where q, its value at 0, meets the inner maximum."""
    from scipy.optimize import brentq, minimize_scalar

    def excess(q: float) -> float:
        def loss(x: float) -> float:
            return -math.exp(-x) * (x * math.log(x / q) - x + q)

        found = minimize_scalar(loss, bounds=(1.0, 3.0), method="bounded", options={"xatol": 1e-9})
        return -float(found.fun) - q

    return float(brentq(excess, 0.1, 0.6, xtol=1e-15))


def kl_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` is the limit of n E KL / A on the worst rows as A grows, n >> A; remainder 4/A, relative."""
    yield equal("min over q of max over x", float(claim()), kl_saddle(), 1e-12)
    for A in (11, 101, 1001, 3001):
        yield within(f"SEL_ptl in KL, A={A}, n={A * 10**6}", kl_of_light_row(A), float(claim()), 4 / A, A * 10**6)


@cache
def kl_of_light_row(A: int) -> float:
    """N E KL / A of SEL_ptl on a row of light labels, zeros and a heavy label."""
    n = A * 10**6
    k = round(KL_SHARE * (A - 1))
    return kl_risk("SEL_ptl", one_row(*light_row(A, k, KL_MASS / n)), n)[0] * n / A


def soft_kl(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)``: never exceeded by CE_ful in forward KL, attained at the least favourable rho."""
    for place in kl_places("CE_ful", effort):
        S, A = place.problem.S, place.problem.A
        rhs = float(claim(S, A, place.n))
        risk = place.risk if place.risk > 2.0**-52 else 0.0
        yield Trial(place.where, risk, rhs, place.kind, place.n, place.error)
        if place.where.startswith("least"):
            yield Trial(f"attained, {place.where}", rhs, place.risk, "exact", place.n, 1e-13 + place.error)


# --- Hard labels --------------------------------------------------------------------------------------------


def lb_dirichlet(A: int, n: int, alpha: float, half: bool = True) -> float:
    """N8c: A/2 times the mean, over BetaBin(n, alpha, (A-1) alpha), of the deviation of a Beta law from its median."""
    x = np.arange(n + 1.0)
    a, b = alpha + x, (A - 1) * alpha + n - x
    ways = -math.log(n + 1) - special.betaln(n - x + 1, x + 1)
    weights = np.exp(ways + special.betaln(a, b) - special.betaln(alpha, (A - 1) * alpha))
    median = special.betaincinv(a, b, 0.5)
    deviation = a / (a + b) * (1 - 2 * special.betainc(a + 1, b, median))
    return float(A / (2 if half else 1) * (weights @ deviation))


@cache
def best_dirichlet(S: int, A: int, n: int) -> float:
    """The lower bound of the package from Dirichlet priors, its concentration and level searched for."""
    return dirichlet_bound(S, A, n)


#: Where Dirichlet priors are held against what students reach: labels and samples, of a single input.
DIRICHLET = [(A, n) for A in (2, 3, 5, 25) for n in (1, 2, 5, 30, 300)]


def dirichlet_lower(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, n, alpha)`` against what some student reaches with a single input, for many alpha."""
    for A, n in DIRICHLET:
        best = math.sqrt(n) / (2 * math.sqrt(A - 1))
        for alpha in (0.05, 0.5, best, 4 * best, 100.0):
            lhs, rhs = float(claim(A, n, alpha)), minimax_upper("hard", 1, A, n)
            yield Trial(f"what a student reaches, A={A}, n={n}, alpha={alpha:.3g}", lhs, rhs, "exact", n, 1e-9 * rhs)


def hard_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A)`` is the limit of sqrt(n) minimax; remainder A / sqrt((A - 1) n), relative."""
    sizes = [(1, 2), (1, 5), (1, 25)]
    for (S, A), n in itertools.product(sizes, (10**4, 10**6, 10**8, 10**12)):
        if effort.level == "quick" and n == 10**12 and A < 25:
            continue  # a second each
        limit, rest = float(claim(S, A)), A / math.sqrt((A - 1) * n)
        low = math.sqrt(n) * best_dirichlet(S, A, n)
        yield Trial(f"Dirichlet priors, S={S}, A={A}, n={n}", low, limit * (1 + rest), "exact", n)
        if n < 10**12:
            high = math.sqrt(n) * worst_of_adding(A, n)
            yield Trial(f"adding to the counts, S={S}, A={A}, n={n}", limit * (1 - rest), high, "exact", n)
    for (S, A), n in itertools.product(((3, 4),) if effort.level == "quick" else ((2, 2), (3, 4), (10, 5)), (10**6,)):
        limit, rest = float(claim(S, A)), A * math.sqrt(S / ((A - 1) * n))
        low = math.sqrt(n) * best_dirichlet(S, A, n)
        yield Trial(f"Dirichlet priors, S={S}, A={A}, n={n}", low, limit * (1 + rest), "exact", n)
        flat = Problem(np.full(S, 1 / S), np.full((S, A), 1 / A))
        risk = math.sqrt(n) * exact_risk(flat, "CE_sgl", n).value
        yield within(f"CE_sgl at the uniform table, S={S}, A={A}, n={n}", risk, limit, rest, n)


@cache
def worst_of_adding(A: int, n: int) -> float:
    """An upper bound on the worst risk of ADD_sgl with a single input."""
    return worst_risk(A, n)


def frequencies_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem)`` is the limit of sqrt(n) E R(CE_sgl); remainder 1 / (n least w), relative."""
    places = [p for _, p, _ in random_problems(effort, ((1, 2), (2, 3), (5, 4)), (0,)) if p.w.min() > 1e-4]
    rng = generator(effort, "frequencies")
    places.append(Problem(np.array([0.7, 0.3]), rng.dirichlet(np.full(3, 5.0), size=2), name="two uneven inputs"))
    for problem, n in itertools.product(places, (10**8, 10**10, 10**12)):
        value = math.sqrt(n) * exact_risk(problem, "CE_sgl", n).value
        rest = 1 / (n * problem.w.min()) + 1e-11
        yield within(f"{problem.name}, n={n}", value, float(claim(problem)), rest, n)


def unweighted(problem: Problem) -> float:
    """The planted error: rho in place of its square root."""
    p = problem.teacher
    return math.fsum(problem.rho * np.sqrt(p * (1 - p) / (2 * math.pi)).sum(axis=1))


#: Where the ends of the hard minimax risk are close enough to judge ADD_sgl: labels and samples, of a single input.
ADDED = [
    (2, 1),
    (2, 2),
    (2, 5),
    (2, 10**4),
    (3, 1),
    (3, 5),
    (4, 3),
    (5, 1),
    (5, 2),
    (5, 5),
    (5, 40),
    (10, 10),
    (25, 25),
    (25, 1000),
]


@cache
def adding_at_rows(A: int, n: int) -> float:
    """The largest exact risk of ADD_sgl on a few rows: sure, uniform on some labels, and for A = 2 many more."""
    rows = [np.repeat([1 / k, 0.0], [k, A - k]) for k in sorted({1, max(A // 2, 1), A})]
    if A == 2:
        rows += [np.array([p, 1 - p]) for p in np.linspace(0.02, 0.48, 47)]
    return max(exact_risk(one_row(*row), "ADD_sgl", n).value for row in rows)


def adding(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, n)`` bounds the worst risk of ADD_sgl over the minimax risk.

    The worst risk is bounded from above, the minimax risk from below; the gaps of both are what is uncertain.
    """
    for A, n in ADDED:
        factor, risk = float(claim(A, n)), hard_ends(A, n)
        lhs = worst_of_adding(A, n)
        unsure = lhs - adding_at_rows(A, n) + factor * (risk[1] - risk[0])
        yield Trial(f"A={A}, n={n}", lhs, factor * risk[0], "exact", n, unsure)


@cache
def hard_ends(A: int, n: int) -> tuple[float, float]:
    """Both ends of the minimax risk from hard labels, a single input; with few samples the lower one by a game."""
    risk = minimax_risk("hard", 1, A, n)
    return max(risk.lower, few_samples(A, n)) if n < A else risk.lower, risk.upper


def few_samples(A: int, n: int) -> float:
    """The value of the game against rows whose masses are whole multiples of 1/10: a lower bound, n small."""
    rows = np.array([row for row in itertools.product(range(11), repeat=A - 1) if falling(row)], dtype=np.float64)
    rows = np.column_stack([10 - rows.sum(axis=1), rows])
    rows = rows[rows[:, 0] >= rows[:, 1]] / 10
    # The solver is within 1e-9.
    return float(hard_game.Game(1, A, n).best_rule(rows[:, None, :])[0]) - 1e-8


def falling(row: Sequence[int]) -> bool:
    """Whether numbers fall along a row, and leave something of 10."""
    return sum(row) <= 10 and all(x >= y for x, y in itertools.pairwise(row))


def hard_second(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, n)`` is the minimax risk for a single input; remainder A/n, relative, between its ends."""
    for A, n in ((2, 20), (2, 50), (2, 400), (2, 10**4), (3, 300), (5, 1000), (10, 10**4), (25, 10**4)):
        low, high = hard_ends(A, n)
        value = float(claim(A, n))
        yield Trial(f"from below, A={A}, n={n}", low, value * (1 + A / n), "exact", n)
        yield Trial(f"from above, A={A}, n={n}", value * (1 - A / n), high, "exact", n)


def two_terms(A: int, n: int, second: float = 0.5) -> float:
    """The leading term of the hard minimax risk and the next one."""
    return math.sqrt((A - 1) / (2 * math.pi * n)) * (1 - second * A / math.sqrt((A - 1) * n))


# --- The bias of CE_ptl -------------------------------------------------------------------------------------


def best_label(problem: Problem) -> float:
    """1 - sum_s rho(s) max_a pi*(a|s)."""
    return float(1 - problem.rho @ problem.teacher.max(axis=1))


def bias(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem)`` bounds the bias of CE_ptl, and comes to 1 with it; remainder 3 A^(-1/3)."""
    rng = generator(effort, "bias")
    for S, A in ((1, 1), (1, 2), (1, 3), (2, 5), (3, 20)):
        start = dirichlet_problem(S, A, rng, rho_alpha=1.0)
        worst, value = climb(lambda problem: bias_limit(problem, "CE_ptl"), start, effort.steps, rng)
        yield Trial(f"found by search, S={S}, A={A}", value, float(claim(worst)), "search", error=2.0**-50)
    for A in (10, 1000, 10**5, 10**6):
        row = np.full(A, (1 - (2 / A) ** (1 / 3)) / (A - 1))
        row[0] = 1 - (A - 1) * row[1]
        problem = one_row(*row)
        value, rhs = bias_limit(problem, "CE_ptl"), float(claim(problem))
        yield Trial(f"one label of mass {row[0]:.3g}, the others equal, A={A}", value, rhs, "exact")
        yield Trial(f"not far from 1, A={A}", 1 - value, 3 * A ** (-1 / 3), "exact")


# --- Statements ---------------------------------------------------------------------------------------------

#: The second-order term of gamma_m.
_SECOND = RATIO * (1 - RATIO) / (1 + RATIO)

SOFT = (
    Statement(
        id="ours-N9-value",
        source="ours, N9a",
        words="The minimax risk of soft labels, exactly: what CE_ful pays at its worst law of the inputs.",
        formula="inf sup E R = (1 - 1/A) V(S, n), V(S, n) = max over rho of sum_s rho(s) (1 - rho(s))^n",
        regime="n >= 0",
        grade="exact",
        status="proved",
        claim=soft_value,
        check=exact_soft,
        note="From below: sure rows at random labels; every answer to an unvisited input costs 1 - 1/A on average.",
        twins=(
            Twin("n becomes n + 1", lambda S, A, n: soft_value(S, A, n + 1)),
            Twin("1 - 1/A becomes 1", lambda S, A, n: unvisited(S, n)),
            Twin("V becomes (S - 1) phi(n)", lambda S, A, n: (1 - 1 / A) * (S - 1) * phi(n)),
            Twin("V becomes its uniform value", lambda S, A, n: (1 - 1 / A) * (1 - 1 / S) ** n),
        ),
    ),
    Statement(
        id="ours-N9-sandwich",
        source="ours, N9b",
        words="The largest mass never visited lies between S - 1 cells of n and of n - 1 samples.",
        formula="(S - 1) phi(n) <= V(S, n) <= (S - 1) phi(n - 1)",
        regime="2 <= S <= n",
        grade="upper",
        status="proved",
        claim=lambda S, n: ((S - 1) * phi(n), (S - 1) * phi(n - 1)),
        check=sandwich,
        twins=(
            Twin("phi(n - 1) becomes phi(n) above", lambda S, n: ((S - 1) * phi(n), (S - 1) * phi(n))),
            Twin("S - 1 becomes S below", lambda S, n: (S * phi(n), (S - 1) * phi(n - 1))),
            Twin("S - 1 becomes S - 2 above", lambda S, n: ((S - 1) * phi(n), (S - 2) * phi(n - 1))),
            Twin("phi(n) becomes phi(n - 1) below", lambda S, n: ((S - 1) * phi(n - 1), (S - 1) * phi(n - 1))),
        ),
    ),
    Statement(
        id="ours-N1-equal",
        source="ours, N1",
        words="With no more samples than inputs, equal inputs are worst.",
        formula="V(S, n) = (1 - 1/S)^n",
        regime="n <= S",
        grade="exact",
        status="proved",
        claim=if_few,
        check=all_equal,
        note="The true threshold is at n + 1 - S of order sqrt(2n): S = 24 at n = 30 (numerical).",
        twins=(
            Twin("n <= S becomes n <= 2 S", partial(if_few, share=2.0)),
            Twin("n <= S becomes n <= 1.6 S", partial(if_few, share=1.6)),
            Twin("(1 - 1/S)^n becomes exp(-n/S)", lambda S, n: math.exp(-n / S) if n <= S else math.nan),
        ),
    ),
    Statement(
        id="ours-N10-value",
        source="ours, N9a",
        words="The minimax forward KL of soft labels, exactly.",
        formula="inf sup E KL = log(A) V(S, n)",
        regime="n >= 0",
        grade="exact",
        status="proved",
        claim=lambda S, A, n: math.log(A) * unvisited(S, n),
        check=soft_kl,
        twins=(
            Twin("log(A) becomes log(A - 1/2)", lambda S, A, n: math.log(A - 0.5) * unvisited(S, n)),
            Twin("n becomes n + 1", lambda S, A, n: math.log(A) * unvisited(S, n + 1)),
            Twin("log(A) becomes 1 - 1/A", soft_value),
            Twin("log becomes log2", lambda S, A, n: math.log2(A) * unvisited(S, n)),
        ),
    ),
)

PARTIAL = (
    Statement(
        id="ours-N5-oracle",
        source="ours, N5a",
        words="No student beats SEL_ptl on average over relabellings, even if told the row but for its order.",
        formula="E R(SEL_ptl, uniform) = Bayes risk over the relabellings of (rho, pi*)",
        regime="every problem, n >= 0",
        grade="exact",
        status="proved",
        claim=lambda problem, n: exact_risk(problem, "SEL_ptl", n).value,
        check=oracle,
        note="The Bayes risk by a linear program over all answers to each data set; S = 1, A = 3 and 4, n <= 3.",
        twins=(
            Twin(
                "the spread favours a label, 2:1:1:...",
                lambda problem, n: relabelled(
                    "SEL_ptl", problem, n, [2 / (problem.A + 1)] + [1 / (problem.A + 1)] * (problem.A - 1)
                ),
            ),
            Twin("SEL_ptl becomes CE_ptl", lambda problem, n: relabelled("CE_ptl", problem, n)),
            Twin("the risk times 0.999", lambda problem, n: 0.999 * exact_risk(problem, "SEL_ptl", n).value),
            Twin(
                "(1 - 1/A) times the missing mass",
                lambda problem, n: (1 - 1 / problem.A) * float(problem.w.ravel() @ (1 - problem.w.ravel()) ** n),
            ),
        ),
    ),
    Statement(
        id="ours-N5-minimax",
        source="ours, N5b",
        words="The minimax risk of partial soft labels is the worst risk of SEL_ptl.",
        formula="max over (rho, pi*) of E R(SEL_ptl, uniform): attained at the instance, nowhere above the upper end",
        regime="n >= 0",
        grade="exact",
        status="proved",
        claim=partial_ends,
        check=partial_minimax,
        note="That the lower end is the maximum is proved for A <= 2 and for S = 1, A = 3; else see ours-N7-rows.",
        twins=(
            Twin("both ends times 0.995", lambda S, A, n: tuple(0.995 * end for end in partial_ends(S, A, n))),
            Twin("n becomes n + 1", lambda S, A, n: partial_ends(S, A, n + 1)),
            Twin(
                "both ends times 1.01",
                lambda S, A, n: tuple(1.01 * end for end in partial_ends(S, A, n)),
            ),
        ),
    ),
    Statement(
        id="ours-N5-reduction",
        source="ours, N5b",
        words="The risk of SEL_ptl is a sum over inputs, each by its own joint masses.",
        formula="E R(SEL_ptl) = sum_s G(rho(s) pi*(.|s)), G the same for every problem",
        regime="every problem, n >= 0",
        grade="exact",
        status="proved",
        claim=sum_of_inputs,
        check=reduction,
        note="Each row is moved into a problem of two inputs; the whole is the mean of the exact law of the risk.",
        twins=(
            Twin("each input as if alone", as_if_alone),
            Twin("each input with round(n rho) samples", as_if_shared),
            Twin(
                "the first input is forgotten",
                lambda problem, n: sum_of_inputs(problem, n) - input_alone(problem, 0, n),
            ),
        ),
    ),
    Statement(
        id="ours-false-equal-inputs",
        source="ours, N5b (a tempting claim that is false)",
        words="The worst problem for partial labels has equal inputs, or equal ones but for a single one.",
        formula="max of sum_s g(r_s) = max over r of (S - 1) g(r) + g(1 - (S - 1) r)",
        regime="n >= 0",
        grade="conjecture",
        status="false",
        claim=alike_but_one,
        check=beaten_by_two_kinds,
        note="Five inputs of one kind and five of another cost .340921 at S = A = 10, n = 30; alike but one, .339972. "
        "For g is not concave where one number of light labels gives way to the next.",
        twins=(
            Twin("all inputs are equal", lambda S, A, n: S * share_value(A, n, 1 / S)),
            Twin("one input carries everything", lambda S, A, n: share_value(A, n, 1.0)),
        ),
    ),
    Statement(
        id="ours-N7-rows",
        source="ours, after N7b",
        words="The worst row for partial labels has k equal light labels, zeros, and at most one other label.",
        formula="g(r) = max over k and x of G(x, ..., x, r - k x, 0, ..., 0)",
        regime="0 < r <= 1, n >= 1",
        grade="exact",
        status="numerical",
        claim=best_of_family,
        check=three_values,
        note="Proved for A <= 3 and for A to infinity after n.",
        twins=(
            Twin("no heavy label: two values", lambda A, n, r: best_of_family(A, n, r, heavy=False)),
            Twin("no zeros", lambda A, n, r: best_of_family(A, n, r, zeros=False)),
            Twin("one light label only", lambda A, n, r: worst_row(n, 3, r).value),
        ),
    ),
    Statement(
        id="ours-N7-two-labels",
        source="ours, N7b",
        words="With two labels partial soft labels are soft labels.",
        formula="E R(SEL_ptl) = E R(CE_ful), uniform",
        regime="A = 2",
        grade="exact",
        status="proved",
        claim=lambda problem, n: exact_risk(problem, "CE_ful", n).value,
        check=two_labels,
        twins=(
            Twin("CE_ful after n + 1 samples", lambda problem, n: exact_risk(problem, "CE_ful", n + 1).value),
            Twin(
                "SEL_ptl pays the missing mass of the pairs",
                lambda problem, n: 0.5 * float(problem.w.ravel() @ (1 - problem.w.ravel()) ** n),
            ),
        ),
    ),
    Statement(
        id="ours-N7-limit",
        source="ours, N7b",
        words="The limit of partial labels: S - 1 inputs without a label surely seen, one with.",
        formula="n minimax -> (S - 1) gamma_A + gamma_{A-1}",
        regime="fixed S and A; tried with the relative remainder SA/n",
        grade="limit",
        status="proved",
        claim=partial(minimax_constant, "partial"),
        check=partial_limit,
        note="gamma_m over k equal rates and zeros, the minimax risk at the worst teacher found: both numerical for "
        "2 < A < infinity (after N7b).",
        twins=(
            Twin("S gamma_A", lambda S, A: S * gamma(A)[0]),
            Twin("S gamma_{A-1}, that of designed inputs", lambda S, A: S * gamma(A - 1)[0]),
            Twin("c_inf SA", lambda S, A: C_INF * S * A),
        ),
    ),
    Statement(
        id="ours-N7-c-inf",
        source="ours, N7b",
        words="Per label the worst Poisson limit tends to c_inf.",
        formula="gamma_m / m -> c_inf = q^2/(1 + q) = 0.154411, q = 2 W(1/(2 sqrt(e)))",
        regime="m to infinity; tried with the relative remainder 1.3/m",
        grade="limit",
        status="proved",
        claim=lambda: C_INF,
        check=gamma_limit,
        twins=(
            Twin("c_inf becomes 0.160, that of pairs", lambda: 0.159974),
            Twin("c_inf becomes 0.1543", lambda: 0.1543),
            Twin("c_inf becomes 1/(2e)", lambda: 1 / (2 * math.e)),
        ),
    ),
    Statement(
        id="ours-N7-second",
        source="ours, after N7b",
        words="The second-order term of the worst Poisson limit.",
        formula="gamma_m = c_inf m - q (1 - q)/(1 + q) + O(1/m)",
        regime="m >= 3; tried with the remainder 0.15/m",
        grade="limit",
        status="numerical",
        claim=lambda m: C_INF * m - _SECOND,
        check=gamma_second,
        twins=(
            Twin("q (1 - q)/(1 + q) becomes q/(1 + q)^2", lambda m: C_INF * m - RATIO / (1 + RATIO) ** 2),
            Twin("no second term", lambda m: C_INF * m),
            Twin("gamma_m becomes c_inf (m - 1)", lambda m: C_INF * (m - 1)),
        ),
    ),
    Statement(
        id="ours-N6-c-inf",
        source="ours, N6a",
        words="The constant of partial labels by Lambert's function and by the maximum that it solves.",
        formula="q^2/(1 + q) at q = 2 W(1/(2 sqrt(e))) = max over q and x of a q/(a + q), a = e^-x (x - q)",
        regime="a number",
        grade="exact",
        status="proved",
        claim=lambert,
        check=two_formulas,
        twins=(
            Twin("2 W becomes W", lambda: lambert(q_of=1.0)),
            Twin("2 sqrt(e) becomes 2 e", lambda: lambert(inside=2 * math.e)),
            Twin("sqrt(e) becomes e^0.501", lambda: lambert(inside=2 * math.exp(0.501))),
        ),
    ),
    Statement(
        id="ours-N10-limit",
        source="ours, N10",
        words="The constant of partial labels in forward KL is attained as the number of labels grows.",
        formula="n minimax KL / (SA) -> c_KL = min over q of max over x of e^-x (x log(x/q) - x + q) = 0.292037",
        regime="A to infinity after n; tried with the relative remainder 4/A",
        grade="limit",
        status="proved",
        claim=lambda: C_KL,
        check=kl_limit,
        note="The upper half is ours-N10-partial.",
        twins=(
            Twin("c_KL becomes 0.29", lambda: 0.29),
            Twin("c_KL becomes 1/2, that of hard labels", lambda: 0.5),
            Twin("c_KL becomes 2 c_inf", lambda: 2 * C_INF),
        ),
    ),
    Statement(
        id="ours-4.3-bias",
        source="ours, N11 a",
        words="The bias of CE_ptl may come to 1, and never is 1.",
        formula="sum_s rho(s) TV(p, p^2/|p|^2) <= 1 - sum_s rho(s) max_a pi*(a|s) < 1; the supremum over A is 1",
        regime="every problem; from below with the remainder 3 A^(-1/3)",
        grade="tight",
        status="proved",
        claim=best_label,
        check=bias,
        note="The likeliest label is not answered too low: p_max^2 >= p_max |p|^2. One label of mass (2/A)^(1/3), the "
        "others equal, cost 1 - 1.9 A^(-1/3).",
        twins=(
            Twin("the bias is at most 1/2", lambda problem: min(best_label(problem), 0.5)),
            Twin("max pi* becomes twice that", lambda problem: 2 * best_label(problem) - 1),
            Twin("1 - max becomes 0.95 (1 - max)", scaled(best_label, 0.95)),
        ),
    ),
)

HARD = (
    Statement(
        id="ours-N8-dirichlet",
        source="ours, N8c",
        words="Hard labels: a Dirichlet prior and posterior medians, for every concentration.",
        formula="inf sup E R >= (A/2) E MAD(alpha + x, (A - 1) alpha + n - x), x ~ BetaBin(n, alpha, (A - 1) alpha)",
        regime="S = 1, A >= 2, alpha > 0, n >= 1",
        grade="lower",
        status="proved",
        claim=lb_dirichlet,
        check=dirichlet_lower,
        note="MAD(a, b) is the mean absolute deviation of Beta(a, b) from its median m, a/(a+b) (1 - 2 I_m(a + 1, b)).",
        twins=(
            Twin("A/2 becomes A", lambda A, n, alpha: lb_dirichlet(A, n, alpha, half=False)),
            Twin("n becomes n - 1", lambda A, n, alpha: lb_dirichlet(A, n - 1, alpha)),
            Twin("the bound times 1.02", scaled(lb_dirichlet, 1.02)),
        ),
    ),
    Statement(
        id="ours-N8-limit",
        source="ours, N8d",
        words="The sharp limit of hard labels, attained by CE_sgl.",
        formula="sqrt(n) minimax -> sqrt(S (A - 1) / (2 pi))",
        regime="fixed S and A; tried with the relative remainder A sqrt(S / ((A - 1) n))",
        grade="limit",
        status="proved",
        claim=partial(minimax_constant, "hard"),
        check=hard_limit,
        note="From below by Dirichlet priors up to n = 10^12, from above by adding to the counts (S = 1) up to 10^8.",
        twins=(
            Twin("A - 1 becomes A", lambda S, A: math.sqrt(S * A / (2 * math.pi))),
            Twin("2 pi becomes 4 pi, that of pairs", lambda S, A: math.sqrt(S * (A - 1) / (4 * math.pi))),
            Twin("2 pi becomes 4, the bound of Cauchy and Schwarz", lambda S, A: math.sqrt(S * (A - 1)) / 2),
        ),
    ),
    Statement(
        id="ours-N8-frequencies",
        source="ours, N8d",
        words="The limit of CE_sgl at a fixed problem.",
        formula="sqrt(n) E R(CE_sgl) -> sum_s sqrt(rho(s)) sum_a sqrt(pi* (1 - pi*) / (2 pi))",
        regime="a fixed problem; tried with the relative remainder 1 / (n min rho pi*)",
        grade="limit",
        status="proved",
        claim=asymptotic_constant,
        check=frequencies_limit,
        twins=(
            Twin("sqrt(rho) becomes rho", unweighted),
            Twin("2 pi becomes 6.28", lambda problem: asymptotic_constant(problem) * math.sqrt(2 * math.pi / 6.28)),
            Twin("the supremum over teachers", lambda problem: minimax_constant("hard", problem.S, problem.A)),
        ),
    ),
    Statement(
        id="ours-N8-add",
        source="ours",
        words="Adding 0.4 sqrt(n/(A - 1)) to every count is within 1.2 of the best that any student can do.",
        formula="sup E R(ADD_sgl) <= 1.2 minimax",
        regime="S = 1",
        grade="upper",
        status="numerical",
        claim=lambda A, n: 1.2,
        check=adding,
        note="For n < A the minimax risk is bounded from below by a game against rows of whole tenths.",
        twins=(
            Twin("1.2 becomes 1.05", lambda A, n: 1.05),
            Twin("1.2 becomes 1, that of a minimax student", lambda A, n: 1.0),
            Twin("1.2 becomes 1 + 1/(10 n)", lambda A, n: 1 + 1 / (10 * n)),
        ),
    ),
    Statement(
        id="ours-N8-second",
        source="ours, N8",
        words="The second-order term of hard labels.",
        formula="minimax = sqrt((A - 1)/(2 pi n)) (1 - A / (2 sqrt((A - 1) n)) + o(n^(-1/2)))",
        regime="S = 1; tried with the relative remainder A/n, between the ends of the minimax risk",
        grade="limit",
        status="numerical",
        claim=two_terms,
        check=hard_second,
        note="A heuristic derivation and these numbers; for A > 2 the ends are 1 to 2 per cent apart at n = 1000.",
        twins=(
            Twin("no second term", lambda A, n: two_terms(A, n, 0.0)),
            Twin("1/2 becomes 1", lambda A, n: two_terms(A, n, 1.0)),
            Twin("1/2 becomes 1/4", lambda A, n: two_terms(A, n, 0.25)),
        ),
    ),
)

STATEMENTS = (*SOFT, *PARTIAL, *HARD)
