"""Ours, under trial: which k numbers of a teacher's row to store. The proofs are sketched in docs/storage.md."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.comparing import within
from kt_theory.ledger.attacks.problems import generator
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax.draws import cost
from kt_theory.problem import Problem


def lists(effort: Effort) -> Iterator[tuple[str, np.ndarray, int]]:
    """Rows, and how many of their labels are on the list."""
    rng = generator(effort, "lists")
    for i, A in itertools.product(range(4 * effort.problems), (2, 3, 7, 60)):
        k = int(rng.integers(1, A))
        yield f"random row {i}, A={A}, k={k}", rng.dirichlet(np.full(A, (0.1, 1.0)[i % 2])), k
    for A, k in ((2, 1), (3, 1), (9, 4), (100, 20)):
        flat = np.zeros(A)
        flat[: k + 1] = 1 / (k + 1)
        yield f"equal on k + 1 of {A} labels, k={k}", flat, k


def tail_by_definition(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, k, t)``, a pair: the cost of a renormalised list, and the largest one of equal shares."""
    for where, row, k in lists(effort):
        A, ordered = row.size, np.sort(row)[::-1]
        t = float(ordered[k:].sum())
        scaled = np.where(np.arange(A) < k, ordered / ordered[:k].sum(), 0.0)
        shared = np.where(np.arange(A) < k, ordered, t / (A - k))
        whole, most = claim(A=A, k=k, t=t)
        gap = abs(0.5 * float(np.abs(scaled - ordered).sum()) - whole)
        yield Trial(f"renormalised, {where}", gap, 1e-15 + 1e-12 * t, "exact")
        yield Trial(f"equal shares, {where}", 0.5 * float(np.abs(shared - ordered).sum()), most, "exact", error=1e-15)


def risk_of_sets(claim: Claim, row: np.ndarray, rho: float, n: int, m: int) -> float:
    """E TV of exact values on the seen labels and equal shares on the others, from P(unseen contains B) by `claim`."""
    sets = np.array(list(itertools.product((False, True), repeat=row.size)))
    contains = np.array([float(claim(rho=rho, mass=float(row[B].sum()), n=n, m=m)) for B in sets])
    total = 0.0
    for U in sets:
        above = (sets >= U).all(axis=1)
        likely = float((contains[above] * (-1.0) ** (sets[above].sum(axis=1) - U.sum())).sum())
        if U.any():
            total += likely * 0.5 * float(np.abs(row[U] - row[U].mean()).sum())
    return total


def unseen_by_draws(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(rho, mass, n, m)`` is the probability that n samples of m labels name none of a set of that mass."""
    rng = generator(effort, "draws")
    for i, m in itertools.product(range(effort.problems), (1, 2, 4)):
        row, rho, n = rng.dirichlet(np.full(2 + i % 3, 0.7)), (0.2, 0.7, 1.0)[i % 3], 1 + i % 5
        problem = Problem(np.array([rho, 1 - rho]), np.array([row, np.eye(row.size)[0]]))
        other = 0.0 if rho == 1.0 else (1 - rho) * rho**n * (1 - 1 / row.size)
        found = exact_risk(problem, f"SEL@sampled:{m}", n)
        gap = abs(found.value - other - rho * risk_of_sets(claim, row, rho, n, m))
        yield Trial(f"row {i}, rho={rho:g}, m={m}", gap, 1e-13, "exact", n, found.error)
    for n, m in ((1, 3), (5, 2)):
        problem = Problem(np.ones(1), np.array([[0.5, 0.3, 0.2]]))
        gap = abs(exact_risk(problem, "SEL_ptl", n * m).value - risk_of_sets(claim, problem.teacher[0], 1.0, n, m))
        yield Trial(f"one input, m={m}: {n * m} single draws", gap, 1e-13, "exact", n)


def worst_row(A: int, k: int, n: int, r: float) -> float:
    """The largest cost of an input of mass r under a list of k labels."""
    unvisited = (1 - r) ** n
    over = [max(m - k, 0) for m in range(1, A + 1)]
    return max(
        r * (unvisited * (1 - m / A) + (1 - unvisited) * j / m * (1 - j / (A - k))) for m, j in enumerate(over, 1)
    )


def lists_at_work(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, k, n, r)``: no row costs more at an input of mass r, and a uniform law on some labels as much."""
    rng = generator(effort, "lists at work")
    for i, (A, k) in enumerate(itertools.product((2, 3, 6, 15), (1, 2, 5))):
        if k >= A:
            continue
        n, r = (0, 1, 4, 20)[i % 4], (0.1, 0.5, 0.9)[i % 3]
        learner, other = f"SEL@top_k_only:{k}", np.eye(A)[0]
        # The other input is sure of a label: it costs 1 - 1/A until it is visited.
        apart = (1 - r) * r**n * (1 - 1 / A)
        most = float(claim(A=A, k=k, n=n, r=r))
        flat = [np.repeat([1 / m, 0.0], [m, A - m]) for m in range(1, A + 1)]
        rows = [*flat, *rng.dirichlet(np.full(A, 0.5), 2 * effort.problems)]
        costs = [
            exact_risk(Problem(np.array([r, 1 - r]), np.array([row, other])), learner, n).value - apart for row in rows
        ]
        yield Trial(f"{len(rows)} rows, A={A}, k={k}, r={r:g}", max(costs), most, "exact", n, 1e-14)
        yield Trial(f"attained, A={A}, k={k}, r={r:g}", most, max(costs[:A]), "exact", n, 1e-14)


def floors(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, k)`` is above the cost of every uniform row once it was visited, and equal where sqrt(kA) is whole."""
    for A, k in ((2, 1), (3, 2), (9, 1), (9, 4), (100, 1), (100, 30), (1000, 20), (900, 25)):
        rows = (np.repeat([1 / m, 0.0], [m, A - m]) for m in range(k + 1, A + 1, max(A // 300, 1)))
        whole = math.isqrt(k * A)
        costs = [exact_risk(Problem(np.ones(1), row[None]), f"SEL@top_k_only:{k}", 1).value for row in rows]
        yield Trial(f"uniform rows, A={A}, k={k}", max(costs), float(claim(A=A, k=k)), "exact", error=1e-14)
        if whole**2 == k * A:
            row = np.repeat([1 / whole, 0.0], [whole, A - whole])
            cost = exact_risk(Problem(np.ones(1), row[None]), f"SEL@top_k_only:{k}", 1).value
            yield Trial(f"attained, A={A}, k={k}", float(claim(A=A, k=k)), cost, "exact", error=1e-14)


def many_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(mu, r, y, w)`` is the limit of n times what an input costs: its 1/A taken out of two sizes."""
    n = 10**7
    for mu, r, y, w in ((0.25, 3.0, 1.5, 0.5), (0.5, 1.2, 0.4, 0.25), (1.0, 1.0, 0.15, 0.25), (0.1, 10.0, 1.5, 0.5)):
        values = []
        for A in (80, 160):
            light = round(w * A)
            row = np.repeat([y / A, 0.0], [light, A - light])
            row[light] = 1 - light * y / A
            problem = Problem(np.array([r / n, 1 - r / n]), np.array([row, np.eye(A)[0]]))
            values.append(n * exact_risk(problem, f"SEL@sampled:{round(mu * A)}", n).value)
        extrapolated = 2 * values[1] - values[0]
        yield within(f"mu={mu:g}, r={r:g}", extrapolated, float(claim(mu=mu, r=r, y=y, w=w)), 2e-3, n)


STATEMENTS = (
    stated(
        "ours-store-draws",
        claim=lambda rho, mass, n, m: (1 - rho * (1 - (1 - mass) ** m)) ** n,
        check=unseen_by_draws,
        planted=(
            PlantedError("m becomes m + 1", lambda rho, mass, n, m: (1 - rho * (1 - (1 - mass) ** (m + 1))) ** n),
            PlantedError("m draws become n m visits", lambda rho, mass, n, m: (1 - rho * mass) ** (n * m)),
            PlantedError("n becomes n + 1", lambda rho, mass, n, m: (1 - rho * (1 - (1 - mass) ** m)) ** (n + 1)),
        ),
    ),
    stated(
        "ours-store-draws-limit",
        claim=cost,
        check=many_labels,
        note="Gamma(mu) is its supremum; over laws of two atoms it is computed.",
        planted=(
            PlantedError(
                "the mass on few labels is left out",
                lambda mu, r, y, w: cost(mu, r, y, w) - r * math.exp(-r) * (1 - w * y) / 2,
            ),
            PlantedError("mu becomes 1.02 mu", lambda mu, r, y, w: cost(1.02 * mu, r, y, w)),
            PlantedError("r becomes r + 1", lambda mu, r, y, w: cost(mu, r + 1, y, w)),
        ),
    ),
    stated(
        "ours-store-list",
        claim=worst_row,
        check=lists_at_work,
        note="Costs are convex in rows in descending order, whose vertices are the uniform laws on m labels.",
        planted=(
            PlantedError("n becomes n + 1", lambda A, k, n, r: worst_row(A, k, n + 1, r)),
            PlantedError("k becomes k + 1", lambda A, k, n, r: worst_row(A + 1, k + 1, n, r)),
            PlantedError("only a sure label", lambda A, k, n, r: r * (1 - r) ** n * (1 - 1 / A)),
        ),
    ),
    stated(
        "ours-store-floor",
        claim=lambda A, k: (math.sqrt(A) - math.sqrt(k)) / (math.sqrt(A) + math.sqrt(k)),
        check=floors,
        planted=(
            PlantedError(
                "k becomes 2k", lambda A, k: (math.sqrt(A) - math.sqrt(2 * k)) / (math.sqrt(A) + math.sqrt(2 * k))
            ),
            PlantedError(
                "A becomes A + 1", lambda A, k: (math.sqrt(A + 1) - math.sqrt(k)) / (math.sqrt(A + 1) + math.sqrt(k))
            ),
            PlantedError("1 - k/A, that of a renormalised list", lambda A, k: 1 - k / A),
        ),
    ),
    stated(
        "ours-store-tail",
        claim=lambda A, k, t: (t, t * (1 - 1 / (A - k))),
        check=tail_by_definition,
        note="Equal shares cost most where one label has the whole tail.",
        planted=(
            PlantedError("t becomes t / 2", lambda A, k, t: (t / 2, t * (1 - 1 / (A - k)))),
            PlantedError("A - k becomes A - k - 1/2", lambda A, k, t: (t, t * (1 - 1 / (A - k - 0.5)))),
            PlantedError("1/(A - k) becomes 1/k", lambda A, k, t: (t, t * (1 - 1 / k))),
        ),
    ),
)
