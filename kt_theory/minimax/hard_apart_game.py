r"""Hard labels, several inputs, few samples: the best student that answers each input from its own counts.

Such a student is a number for each partition of the visits of an input and each count of a label, as in
`kt_theory.minimax.hard_row_game`. At an input of mass r and row p it costs g(r, p), whatever the others are. If

.. math:: g(r, p) \le a + b r     \quad\text{for all } r, p,

its risk is at most S a + b, for every rho. A linear program over student, a and b makes that least, on finitely many
r and p; the worst of all others are added, and the program is solved again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kt_theory.minimax.hard_row_game import RowGame, most_labels

#: The most inputs and samples, and the most labels times samples: ten seconds.
MOST_INPUTS, MOST_SAMPLES, MOST_CELLS = 8, 4, 20

#: Masses of an input: for the linear program, and those between that are tried at the end.
MASSES, BETWEEN = 12, 4

#: Programs that are solved, the gap at which it is enough, and teachers that are added for each mass.
ROUNDS, GAP, ADDED = 8, 1e-4, 4


class Apart(NamedTuple):
    """The rule, the bound on its risk, and the row that costs most where rho is uniform."""

    upper: float
    rule: np.ndarray
    row: np.ndarray


def in_reach(S: int, A: int, n: int) -> bool:
    """Whether `solve` takes seconds."""
    few = 1 < S <= MOST_INPUTS and n <= MOST_SAMPLES
    return few and 1 < A <= most_labels(n) and A * n <= MOST_CELLS


def solve(S: int, A: int, n: int) -> Apart:
    """The best rule, its worst risk by grid and local search."""
    game = RowGame(A, n, S)
    fine = game.grid(game.finest)
    masses = np.unique(np.append(np.arange(1, MASSES + 1) / MASSES, 1 / S))
    teachers = [(r, row) for r in masses.tolist() for row in game.grid(game.coarse)]
    best = Apart(np.inf, np.zeros(0), fine[0, 0])
    for _ in range(ROUNDS):
        value, rule, a, b = _best_rule(game, S, teachers)
        worst, added = -np.inf, []
        for r in masses.tolist():
            rows, risks = game.at(r).worst_teachers(rule, fine)
            above = r * risks - a - b * r
            worst = max(worst, float(above[0]))
            added += [(r, row) for row, excess in zip(rows[:ADDED], above, strict=False) if excess > GAP / (10 * S)]
        upper = value + S * max(worst, 0.0)
        if upper < best.upper:
            best = Apart(upper, rule, game.worst_teachers(rule, fine)[0][0, 0])
            line = (a, b)
        if upper - value <= GAP * upper or not added:
            break
        teachers += added
    # Masses that the program did not see.
    a, b = line
    rows = np.concatenate((fine, np.array([row for _, row in teachers])))
    between = (np.arange(BETWEEN * MASSES) + 0.5) / (BETWEEN * MASSES)
    worst = max(float((r * game.at(r).risk(best.rule, rows) - a - b * r).max()) for r in between.tolist())
    return best._replace(upper=max(best.upper, S * a + b + S * worst))


def _best_rule(
    game: RowGame, S: int, teachers: list[tuple[float, np.ndarray]]
) -> tuple[float, np.ndarray, float, float]:
    """S a + b, the rule, a and b: the least that these masses and rows leave."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, hstack, vstack

    losses = [game.loss(r, row) for r, row in teachers]
    r = np.array([mass for mass, _ in teachers])
    entry = np.concatenate([loss.entry for loss in losses])
    slack, here = entry.size, np.arange(entry.size)
    teacher = np.repeat(np.arange(len(losses)), [loss.entry.size for loss in losses])
    weight = np.concatenate([mass * loss.weight for mass, loss in zip(r.tolist(), losses, strict=True)])
    # Columns: the rule, what it lacks of each bar, a, b.
    risk = hstack(
        [
            coo_array((len(losses), game.entries)),
            coo_array((weight, (teacher, here)), shape=(len(losses), slack)),
            coo_array(-np.column_stack((np.ones(r.size), r))),
        ]
    )
    lacks = hstack(
        [
            coo_array((-np.ones(slack), (here, entry)), shape=(slack, game.entries)),
            coo_array((-np.ones(slack), (here, here)), shape=(slack, slack)),
            coo_array((slack, 2)),
        ]
    )
    line = np.repeat(np.arange(len(game.rows)), game.A)
    shape = (len(game.rows), game.entries + slack + 2)
    found = linprog(
        np.concatenate((np.zeros(game.entries + slack), [S, 1.0])),
        A_ub=vstack([risk, lacks]).tocsr(),
        b_ub=np.concatenate((np.zeros(r.size), *[-loss.bar for loss in losses])),
        A_eq=coo_array((np.ones(line.size), (line, np.concatenate(game.rows))), shape=shape).tocsr(),
        b_eq=np.ones(len(game.rows)),
        bounds=[(0, None)] * (game.entries + slack) + [(None, None)] * 2,
        method="highs",
    )
    if found.status != 0:
        raise ArithmeticError(f"the linear program was not solved: {found.message}")
    return float(found.fun), found.x[: game.entries], float(found.x[-2]), float(found.x[-1])
