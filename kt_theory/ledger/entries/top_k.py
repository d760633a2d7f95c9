r"""Another level of information: the k largest probabilities of each visited row, alone or beside a sampled label.

The best student spreads the rest uniformly. Of lists alone its total variation is convex in the row; on rows in
descending order, whose vertices are the uniform laws on the first k + j labels, it is largest at a vertex.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.comparing import within
from kt_theory.ledger.attacks.problems import climbed, generator
from kt_theory.ledger.statement import ONLY_FORMULA, Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax import minimax_risk
from kt_theory.minimax.constants import C_INF, minimax_constant
from kt_theory.problem import Problem


def top_k_floor(k: int, A: int) -> float:
    """The largest total variation between a row and its k largest labels with the rest spread evenly."""
    return max((j / (k + j) * (1 - j / (A - k)) for j in range(1, A - k + 1)), default=0.0)


def cost_of_tail(row: np.ndarray, k: int) -> float:
    """TV between a row and the same with all but its k largest labels made equal."""
    tail = np.sort(row)[: row.size - k]
    return 0.5 * math.fsum(np.abs(tail - tail.mean())) if tail.size else 0.0


@cache
def tails(effort: Effort) -> tuple[tuple[str, str, int, int, float], ...]:
    """Places, kinds, k, A and costs of rows."""
    rng = generator(effort, "tails")
    found = []
    for A, k in itertools.product((1, 2, 3, 5, 12, 100), (0, 1, 2, 4, 11, 20, 99)):
        if k > A:
            continue
        for i in range(2 * effort.problems):
            row = rng.dirichlet(np.full(A, (1.0, 0.2)[i % 2]))
            found.append((f"random row, A={A}, k={k}, number {i}", "exact", k, A, cost_of_tail(row, k)))
        if 1 < A <= 5:
            best = climbed(partial(cost_of_tail, k=k), rng.dirichlet(np.ones(A)), effort.steps, rng)
            found.append((f"row found by search, A={A}, k={k}", "search", k, A, cost_of_tail(best, k)))
    return tuple(found)


def over_rows(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(k, A)`` is the largest cost of a row: no row costs more, and a uniform law on some labels as much."""
    for where, kind, k, A, cost in tails(effort):
        yield Trial(where, cost, float(claim(A=A, k=k)), kind, error=1e-15)
    for k, A in sorted({(k, A) for _, _, k, A, _ in tails(effort)}):
        worst = max(cost_of_tail(np.repeat([1 / m, 0.0], [m, A - m]), k) for m in range(1, A + 1))
        yield Trial(f"attained by a flat row, A={A}, k={k}", float(claim(A=A, k=k)), worst, "exact", error=1e-15)


def beside_a_label(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, k)``: the limit of n times the risk at the worst row found, one input."""
    for (A, k), n in itertools.product(((3, 1), (5, 2), (6, 1), (7, 3)), (10**3, 10**4)):
        value = n * minimax_risk(f"top_k:{k}", 1, A, n).lower
        yield within(f"A={A}, k={k}, n={n}", value, float(claim(A=A, k=k)), 1 / n, n)


def several_inputs(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A, k)`` is at least n times the risk of S - 1 inputs of mass 1/n, sure of a label, and a heavy one."""
    A, k = 3, 1
    for S, n in itertools.product((2, 5), (10**4, 10**6)):
        rho = np.full(S, 1 / n)
        rho[-1] = 1 - (S - 1) / n
        rows = np.tile(np.eye(A)[0], (S, 1))
        rows[-1] = (1 - 1 / n, 1 / n, 0.0)
        value = n * exact_risk(Problem(rho, rows), f"SEL@top_k:{k}", n).value
        yield Trial(f"S={S}, A={A}, k={k}", value, float(claim(S=S, A=A, k=k)) * (1 + S / n), "exact", n, 1e-9)


STATEMENTS = (
    stated(
        "level-topk-floor",
        claim=top_k_floor,
        check=over_rows,
        planted=(
            PlantedError(
                "k + j becomes k + j + 1",
                lambda k, A: max((j / (k + j + 1) * (1 - j / (A - k)) for j in range(1, A - k + 1)), default=0.0),
            ),
            PlantedError("only j = 1", lambda k, A: 1 / (k + 1) * (1 - 1 / (A - k)) if k < A else 0.0),
            PlantedError(
                "A - k becomes A",
                lambda k, A: max((j / (k + j) * (1 - j / A) for j in range(1, A - k + 1)), default=0.0),
            ),
        ),
        note=f"{ONLY_FORMULA} Attained by the uniform law on k + j labels. The floor does not fall with n.",
    ),
    stated(
        "level-topk-minimax",
        claim=lambda A, k: minimax_constant("partial", 1, A - k + 1),
        check=beside_a_label,
        planted=(
            PlantedError("k becomes k - 1", lambda A, k: minimax_constant("partial", 1, A - k + 2)),
            PlantedError(
                "k becomes k + 1", lambda A, k: minimax_constant("partial", 1, A - k) if A - k > 2 else math.nan
            ),
            PlantedError("gamma_m becomes c_inf m", lambda A, k: C_INF * (A - k)),
        ),
    ),
    stated(
        "ours-false-list-inputs",
        claim=lambda S, A, k: S * minimax_constant("partial", 1, A - k + 1),
        check=several_inputs,
        note="An input of mass 1/n that is sure of a label costs (1 - 1/A)/(e n), as it may not be visited: with three "
        "labels and a list of one that is .2453/n against .1839/n.",
        planted=(
            PlantedError("S becomes S - 1", lambda S, A, k: (S - 1) * minimax_constant("partial", 1, A - k + 1)),
            PlantedError("a twentieth more", lambda S, A, k: 1.05 * S * minimax_constant("partial", 1, A - k + 1)),
        ),
    ),
)
