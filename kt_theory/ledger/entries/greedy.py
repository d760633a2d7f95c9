"""Ours: what greedy decoding costs under the three protocols."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from kt_theory.decoding import expected_greedy_risk
from kt_theory.decoding.choices import Kind
from kt_theory.ledger.attacks.comparing import within
from kt_theory.ledger.attacks.problems import generator
from kt_theory.ledger.entries.minimax_soft import phi, unvisited
from kt_theory.ledger.statement import Check, Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax import minimax_risk
from kt_theory.minimax.constants import kappa
from kt_theory.minimax.greedy import minimax_greedy
from kt_theory.problem import Problem

#: Numbers of samples at which problems are tried.
N = (0, 1, 2, 5, 20, 60, 100)


@cache
def problems(effort: Effort) -> list[tuple[str, Problem]]:
    """Random problems, nearly uniform rows with one leader, and sure rows."""
    rng = generator(effort, "greedy")
    found = []
    for (S, A), i in itertools.product(((1, 2), (1, 4), (2, 3), (4, 3), (8, 4)), range(effort.problems)):
        rows = rng.dirichlet(np.full(A, (0.5, 2.0)[i % 2]), S)
        found.append((f"random {i}, S={S}, A={A}", Problem(rng.dirichlet(np.ones(S)), rows)))
    for S, A in ((1, 6), (2, 2), (3, 20), (10, 4)):
        row = np.full(A, (1 - 1e-7) / A)
        row[0] += 1e-7
        found.append((f"one leader by 1e-7, S={S}, A={A}", Problem(np.full(S, 1 / S), np.tile(row, (S, 1)))))
    for S, A in ((1, 3), (2, 2), (3, 4), (12, 5)):
        found.append((f"sure rows, S={S}, A={A}", Problem(np.full(S, 1 / S), np.eye(A)[np.arange(S) % A])))
    return found


@cache
def cost(problem: Problem, protocol: str, n: int, kind: Kind) -> tuple[float, float]:
    found = expected_greedy_risk(problem, protocol, n, kind)
    return found.value, found.error


def never_above(protocol: str, kind: Kind, *, of_problem: bool = False) -> Check:
    """``claim(S, A, n)``, or of the problem too: no problem costs the best greedy student more."""

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        for (where, problem), n in itertools.product(problems(effort), N):
            S, A = problem.S, problem.A
            more = {"problem": problem} if of_problem else {}
            value, error = cost(problem, protocol, n, kind)
            yield Trial(f"{where}, n={n}", value, float(claim(S=S, A=A, n=n, **more)), "exact", n, error)
        for S, A, n in ((2, 3, 1000), (10, 5, 400), (30, 3, 60)):
            problem = minimax_risk("soft", S, A, n).instance
            more = {"problem": problem} if of_problem else {}
            value, error = cost(problem, protocol, n, kind)
            where = f"least favourable for soft labels, S={S}, A={A}, n={n}"
            yield Trial(where, value, float(claim(S=S, A=A, n=n, **more)), "exact", n, error)

    return check


def attained(protocol: str) -> Check:
    """As `never_above` of the regret, and attained at sure rows."""
    above = never_above(protocol, "regret")

    def check(claim: Claim, effort: Effort) -> Iterator[Trial]:
        yield from above(claim, effort)
        for (S, A), n in itertools.product(((1, 3), (2, 2), (5, 3), (40, 7)), (0, 1, 2, 4, 9, 39, 1000)):
            instance = minimax_risk("soft", S, A, n).instance
            value, error = cost(instance, protocol, n, "regret")
            claimed = float(claim(S=S, A=A, n=n))
            where = f"attained, S={S}, A={A}, n={n}"
            yield Trial(where, claimed, value if claimed == claimed else math.nan, "exact", n, error + 1e-12 * value)

    return check


def hard_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A)``: the limit of sqrt(n) times the regret at the hardest rows."""
    for (S, A), visits in itertools.product(((1, 2), (1, 4), (3, 10), (10, 6)), (10**3, 10**5)):
        n = S * visits
        value = minimax_greedy("hard", S, A, n).lower * math.sqrt(n)
        yield within(f"one leader, S={S}, A={A}, n={n}", value, float(claim(S=S, A=A)), visits**-0.5, n)


@cache
def bayes_regret(row: tuple[float, ...], protocol: str, n: int) -> float:
    """The least mean regret at one input over all orders of its row, by the posterior mean at each data set."""
    posterior: dict[tuple[object, ...], np.ndarray] = {}
    orders = list(itertools.permutations(row))
    for order, draws in itertools.product(orders, itertools.product(range(len(row)), repeat=n)):
        told = {"hard": (), "partial": tuple(order[a] for a in draws), "soft": order if n else ()}[protocol]
        weight = math.prod(order[a] for a in draws) / len(orders)
        shown = (draws, told)
        posterior[shown] = posterior.get(shown, np.zeros(len(row))) + weight * np.array(order)
    return max(row) - math.fsum(float(mean.max()) for mean in posterior.values())


def least_on_average(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, protocol, n)`` is the Bayes regret over the relabellings of its row."""
    rows = ((0.625, 0.25, 0.125), (0.5, 0.5, 0.0), (0.375, 0.375, 0.25), (0.75, 0.125, 0.125))
    for row, protocol, n in itertools.product(rows, ("hard", "partial", "soft"), (0, 1, 2, 3)):
        value = float(claim(problem=Problem(np.ones(1), np.array([row])), protocol=protocol, n=n))
        least = bayes_regret(row, protocol, n)
        yield Trial(f"row {row}, {protocol} labels, n={n}", abs(value - least), 1e-13, "exact", n)


def nearly_uniform(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)``: no problem costs more, and rows that are uniform but for one label nearly as much."""
    yield from never_above("hard", "disagreement")(claim, effort)
    for (S, A), n in itertools.product(((1, 2), (1, 5), (3, 3)), (0, 1, 5, 60)):
        row = np.full(A, (1 - 1e-6) / A)
        row[0] += 1e-6
        value, error = cost(Problem(np.full(S, 1 / S), np.tile(row, (S, 1))), "hard", n, "disagreement")
        where = f"attained in the limit, S={S}, A={A}, n={n}"
        yield Trial(where, float(claim(S=S, A=A, n=n)), value, "exact", n, error + 1e-5 * (1 + n**0.5))


def guesses(S: int, A: int, n: int, guess: bool = True) -> float:
    """How often the likeliest label of rows that are all but uniform cannot be known, at S equal inputs."""
    some = -math.fsum((-1) ** u * math.comb(A, u) * (1 - u / (S * A)) ** n for u in range(1, A + 1))
    return (1 - 1 / (S * A)) ** n - guess * some / A


def no_better_guess(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, n)``: SEL_ptl's likeliest label is as often missed at rows all but uniform, and not more often."""
    for (S, A), n in itertools.product(((1, 2), (1, 3), (3, 4), (2, 7)), (0, 1, 3, 10, 40)):
        row = np.full(A, (1 - 1e-6) / A)
        row[0] += 1e-6
        value, error = cost(Problem(np.full(S, 1 / S), np.tile(row, (S, 1))), "partial", n, "disagreement")
        yield Trial(f"S={S}, A={A}, n={n}", float(claim(S=S, A=A, n=n)), value, "exact", n, error + 1e-6 * (1 + n))


def likeliest_unseen(S: int, A: int, n: int, problem: Problem) -> float:
    x = problem.rho * problem.teacher.max(axis=1)
    return (1 - 1 / A) * float((x * (1 - x) ** n).sum())


def margins(S: int, A: int, n: int, problem: Problem, power: float = 0.5) -> float:
    p = problem.teacher
    top = p.max(axis=1, keepdims=True)
    terms = np.where(p >= top, 0.0, (1 - problem.rho[:, None] * (top**power - p**power) ** (1 / power)) ** n)
    return float(problem.rho @ terms.sum(axis=1))


STATEMENTS = (
    stated(
        "ours-greedy-oracle",
        claim=lambda problem, protocol, n: cost(problem, protocol, n, "regret")[0],
        check=least_on_average,
        note="So the greedy choice is exactly minimax, and its regret at any problem is a lower bound.",
        planted=(
            PlantedError(
                "the regret becomes the disagreement",
                lambda problem, protocol, n: cost(problem, protocol, n, "disagreement")[0],
            ),
            PlantedError("n becomes n + 1", lambda problem, protocol, n: cost(problem, protocol, n + 1, "regret")[0]),
            PlantedError(
                "log-probabilities are not looked at",
                lambda problem, protocol, n: cost(problem, protocol.replace("partial", "hard"), n, "regret")[0],
            ),
        ),
    ),
    stated(
        "ours-greedy-soft",
        claim=lambda S, A, n: (1 - 1 / A) * unvisited(S, n),
        check=attained("soft"),
        planted=(
            PlantedError("n becomes n + 1", lambda S, A, n: (1 - 1 / A) * unvisited(S, n + 1)),
            PlantedError("1 - 1/A becomes 1", lambda S, A, n: unvisited(S, n)),
            PlantedError("V becomes S phi(n)", lambda S, A, n: (1 - 1 / A) * S * phi(n)),
        ),
    ),
    stated(
        "ours-greedy-partial-at",
        claim=likeliest_unseen,
        check=never_above("partial", "regret", of_problem=True),
        planted=(
            PlantedError(
                "n becomes n + 1", lambda S, A, n, problem: likeliest_unseen(S=S, A=A, n=n + 1, problem=problem)
            ),
            PlantedError(
                "1 - 1/A becomes 1 - 2/A",
                lambda S, A, n, problem: (1 - 2 / A) / (1 - 1 / A) * likeliest_unseen(S=S, A=A, n=n, problem=problem),
            ),
            PlantedError(
                "n becomes 1.2 n, rounded up",
                lambda S, A, n, problem: likeliest_unseen(S=S, A=A, n=math.ceil(1.2 * n), problem=problem),
            ),
        ),
    ),
    stated(
        "ours-greedy-partial",
        claim=lambda S, A, n: (1 - 1 / A) * S * phi(n),
        check=never_above("partial", "regret"),
        note="Within a factor S/(S - 1) of the least worst regret.",
        planted=(
            PlantedError("S becomes S - 1", lambda S, A, n: (1 - 1 / A) * (S - 1) * phi(n) if n >= S - 1 else math.nan),
            PlantedError("1/e becomes 1/4", lambda S, A, n: (1 - 1 / A) * S / (4 * n) if n >= S else math.nan),
            PlantedError("1 - 1/A becomes 1/2", lambda S, A, n: S * phi(n) / 2 if n >= S - 1 else math.nan),
        ),
    ),
    stated(
        "ours-greedy-partial-few",
        claim=lambda S, A, n: (1 - 1 / A) * (1 - 1 / S) ** n,
        check=attained("partial"),
        planted=(
            PlantedError("n <= S - 1 becomes every n", lambda S, A, n: (1 - 1 / A) * (1 - 1 / S) ** n),
            PlantedError(
                "n becomes n + 1", lambda S, A, n: (1 - 1 / A) * (1 - 1 / S) ** (n + 1) if n <= S - 1 else math.nan
            ),
            PlantedError("1 - 1/A becomes 1", lambda S, A, n: (1 - 1 / S) ** n if n <= S - 1 else math.nan),
        ),
    ),
    stated(
        "ours-greedy-disagreement",
        claim=lambda S, A, n: S * A * phi(n),
        check=never_above("partial", "disagreement"),
        planted=(
            PlantedError("1/e becomes 0.3", lambda S, A, n: 0.3 * S * A / n if n >= S * A else math.nan),
            PlantedError("A becomes A/2", lambda S, A, n: S * A * phi(n) / 2 if n >= S * A - 1 else math.nan),
            PlantedError("A becomes 1", lambda S, A, n: S * phi(n) if n >= S * A - 1 else math.nan),
        ),
    ),
    stated(
        "ours-greedy-often",
        claim=guesses,
        check=no_better_guess,
        note="SEL_ptl's likeliest label attains it in the limit of uniform rows. For many labels it is the upper end "
        "S A phi(n) but for a share 1/A.",
        planted=(
            PlantedError("nothing can be guessed", partial(guesses, guess=False)),
            PlantedError("n becomes n - 1", lambda S, A, n: guesses(S, A, n - 1) if n > 1 else math.nan),
        ),
    ),
    stated(
        "ours-greedy-hard",
        claim=lambda S, A, n: (1 - 1 / A) * math.sqrt(2 * S / (n + 1)),
        check=never_above("hard", "regret"),
        note="Three to six times the largest regret known.",
        planted=(
            PlantedError("2 becomes 1/10", lambda S, A, n: (1 - 1 / A) * math.sqrt(0.1 * S / (n + 1))),
            PlantedError("the root becomes its square", lambda S, A, n: (1 - 1 / A) * 0.5 * S / (n + 1) ** 1.5),
            PlantedError("S becomes 1/S", lambda S, A, n: (1 - 1 / A) * math.sqrt(2 / (S * (n + 1)))),
        ),
    ),
    stated(
        "ours-greedy-hard-limit",
        claim=lambda S, A: math.sqrt(S) * kappa(A)[0],
        check=hard_limit,
        note="That no row is worse is proved for two labels and numerical beyond.",
        planted=(
            PlantedError("kappa_A becomes kappa_5", lambda S, A: math.sqrt(S) * kappa(5)[0]),
            PlantedError("kappa_A becomes 1/4", lambda S, A: math.sqrt(S) / 4),
            PlantedError("sqrt(S) becomes S", lambda S, A: S * kappa(A)[0]),
        ),
    ),
    stated(
        "ours-greedy-hard-often",
        claim=lambda S, A, n: 1 - 1 / A,
        check=nearly_uniform,
        planted=(
            PlantedError("it falls as 1/sqrt(n)", lambda S, A, n: (1 - 1 / A) / math.sqrt(n + 1)),
            PlantedError("1/A becomes 1/(A + 1)", lambda S, A, n: 1 - 1 / (A + 1)),
        ),
    ),
    stated(
        "ours-greedy-margin",
        claim=margins,
        check=never_above("hard", "disagreement", of_problem=True),
        note="The exponent is exact: Chernoff's bound for the difference of two counts.",
        planted=(
            PlantedError("n becomes 2 n", lambda S, A, n, problem: margins(S=S, A=A, n=2 * n, problem=problem)),
            PlantedError("square roots become first powers", partial(margins, power=1.0)),
        ),
    ),
)
