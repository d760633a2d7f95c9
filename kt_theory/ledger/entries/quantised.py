r"""Another level of information: each log-probability is known up to a cell of width delta.

The rule takes the middle of each cell and scales to one. It is wrong by a factor e^v, |v| <= delta/2, before scaling;
if a mass alpha is too large by e^(delta/2) and the rest too small by as much, the total variation is largest at
alpha = 1/(1 + e^(delta/2)), where it is tanh(delta/4).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from kt_theory.ledger.attacks.problems import climbed, generator
from kt_theory.ledger.statement import ONLY_FORMULA, Claim, Effort, PlantedError, Trial, stated


def plateau(delta: float) -> float:
    """The largest total variation of the scaled middles of cells of width delta."""
    return math.tanh(delta / 4)


def cost_of_middles(p: np.ndarray, up: np.ndarray, delta: float) -> float:
    """TV between p and p e^v scaled to one, v = delta/2 where `up` and -delta/2 elsewhere."""
    middles = p * np.exp(np.where(up, 0.5, -0.5) * delta)
    return 0.5 * math.fsum(np.abs(middles / middles.sum() - p))


def crowded_cell(A: int, delta: float) -> float:
    """TV between Uniform(A) and a law in the same cell: a share 1/(1 + e^(delta/2)) of the labels at its top."""
    top = round(A / (1 + math.exp(delta / 2)))
    p = np.repeat([math.exp(delta), 1.0], [top, A - top])
    return 0.5 * math.fsum(np.abs(p / p.sum() - 1 / A))


@cache
def boxes(effort: Effort) -> tuple[tuple[str, str, float, float], ...]:
    """Places, kinds, widths and total variations."""
    rng = generator(effort, "boxes")
    found = []
    for delta in (1e-6, 0.01, 0.1, 0.5, 1.0, 3.0, 10.0):
        for A, i in itertools.product((1, 2, 3, 10), range(2 * effort.problems)):
            p, v = rng.dirichlet(np.ones(A)), rng.uniform(-0.5, 0.5, size=A) * delta
            inside = p * np.exp(v)
            cost = 0.5 * math.fsum(np.abs(inside / inside.sum() - p))
            found.append((f"random law, A={A}, delta={delta:g}, number {i}", "exact", delta, cost))
        for A in (2, 4):
            up = np.arange(A) < A // 2
            best = climbed(partial(cost_of_middles, up=up, delta=delta), rng.dirichlet(np.ones(A)), effort.steps, rng)
            where = f"law found by search, A={A}, delta={delta:g}"
            found.append((where, "search", delta, cost_of_middles(best, up, delta)))
        found.append((f"one crowded cell, A=10^5, delta={delta:g}", "exact", delta, crowded_cell(10**5, delta)))
    return tuple(found)


def over_boxes(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(delta)`` is the largest cost: none is larger, and two labels, or many in one cell, cost as much."""
    for where, kind, delta, cost in boxes(effort):
        yield Trial(where, cost, float(claim(delta=delta)), kind, error=1e-15)
    for delta in sorted({delta for _, _, delta, _ in boxes(effort)}):
        alpha = 1 / (1 + math.exp(delta / 2))
        two = cost_of_middles(np.array([alpha, 1 - alpha]), np.array([True, False]), delta)
        lhs = float(claim(delta=delta))
        yield Trial(f"attained by two labels, delta={delta:g}", lhs, two, "exact", error=1e-15)
        # Rounding the number of labels at the top to a whole one moves a share 1/A of them, at most.
        many, slack = crowded_cell(10**5, delta), 1e-5 * math.expm1(delta)
        yield Trial(f"approached by one crowded cell, delta={delta:g}", lhs, many, "exact", error=slack)


STATEMENTS = (
    stated(
        "level-quantised-plateau",
        claim=plateau,
        check=over_boxes,
        planted=(
            PlantedError("delta/4 becomes delta/5", lambda delta: math.tanh(delta / 5)),
            PlantedError("tanh is left out", lambda delta: delta / 4),
            PlantedError(
                "delta/4 becomes delta/2, and half of that: two equal labels", lambda delta: math.tanh(delta / 2) / 2
            ),
        ),
        note=f"{ONLY_FORMULA} Attained by two labels of masses 1/(1 + e^(+-delta/2)) at opposite ends of their cells, "
        "and approached by many labels in a single cell.",
    ),
)
