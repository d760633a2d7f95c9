"""Compute ``kt_theory/playground/numbers.json``: what the scenes of the playground show and do not compute themselves.

The scenes of a teacher that an instance or a formula describes compute their risks in the page. Rows of a real teacher
are all different, and their risks are computed here, by `kt_theory.expected_risk` and `kt_theory.simulate`:

- ``next_word``: expected risks of the whole table, and the least n at which they are at most a target;
- ``row``: the row of one word;
- ``top_k``: what a student of lists of the k most likely words converges to;
- ``focal``: what the focal loss converges to on the row.

All are exact but those of SEL_ptl for the whole table, 50 rows of 100 labels, which would take hours: they are
simulated, to a thousandth, and their least n are written with three digits. The file is the same byte for byte at each
run, which takes a minute.

    python simulations/make_playground_numbers.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import kt_theory as kt

OUT = Path(__file__).resolve().parents[1] / "kt_theory" / "playground" / "numbers.json"

#: Total variation to be reached.
TARGETS = (0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03)

#: Where the curves of the whole table are computed.
GRID = tuple(round(10 ** (k / 4)) for k in range(25))

#: Repeats of the simulated curve, and of each n near a target.
REPS, REPS_LEAST = 300, 2000

#: Word of the scenes that show one row, and how many of its words are shown by name.
WORD, SHOWN = "may", 6

GAMMAS = tuple(i / 4 for i in range(21))

#: Samples after which every input of the table was visited, but with a probability below 1e-300.
ALL_VISITED = 10**6


def risk(teacher: kt.Problem, learner: str, n: int) -> float:
    """The exact expected risk."""
    return float(kt.expected_risk(teacher, learner, n, method="exact"))


def least(teacher: kt.Problem, learner: str, target: float, curve: list[tuple[int, float]]) -> int:
    """The least n beyond which the expected risk is at most the target, between two points of a curve around it.

    Regula falsi in log n and log risk, an end that stays twice moved by its half (Illinois): some six risks.
    """
    after = next(i for i in range(len(curve)) if all(r <= target for _, r in curve[i:]))
    (low, above), (high, below) = curve[after - 1], curve[after]
    high_off, low_off, side = np.log(below / target), np.log(above / target), 0
    while high - low > 1:
        share = low_off / (low_off - high_off)
        n = min(high - 1, max(low + 1, round(np.exp(np.log(low) + share * np.log(high / low)))))
        off = np.log(risk(teacher, learner, n) / target)
        if off > 0:
            low, low_off, high_off, side = n, off, high_off / (2 if side > 0 else 1), 1
        else:
            high, high_off, low_off, side = n, off, low_off / (2 if side < 0 else 1), -1
    return high


def simulated(teacher: kt.Problem, n: list[int], reps: int) -> list[float]:
    """SEL_ptl's expected risks, to their Monte Carlo errors."""
    return kt.simulate(teacher, "SEL_ptl", n=n, reps=reps, seed=1)["mean"].tolist()


def least_simulated(teacher: kt.Problem, target: float, curve: list[tuple[int, float]]) -> int:
    """The same for SEL_ptl, to three digits: between two points 10 % around the crossing, both simulated."""
    n, r = np.log(curve).T
    near = np.exp(np.interp(-np.log(target), -r, n))
    ends = [round(near / 1.1), round(1.1 * near)]
    cost = np.log(simulated(teacher, ends, REPS_LEAST))
    found = np.exp(np.interp(-np.log(target), -cost, np.log(ends)))
    digits = 2 - int(np.floor(np.log10(found)))
    return int(round(found, digits))


def next_word(teacher: kt.Problem) -> dict[str, Any]:
    """The whole table: curves, and the least n of each target."""
    found: dict[str, Any] = {"S": teacher.S, "A": teacher.A, "targets": TARGETS, "curves": {}, "least": {}}
    for learner in ("CE_sgl", "SEL_ptl", "CE_ful"):
        if learner == "SEL_ptl":
            grid = [n for n in GRID if n >= 10]
            curve = list(zip(grid, simulated(teacher, grid, REPS), strict=True))
            found["least"][learner] = [least_simulated(teacher, target, curve) for target in TARGETS]
        else:
            curve = [(n, risk(teacher, learner, n)) for n in GRID]
            found["least"][learner] = [least(teacher, learner, target, curve) for target in TARGETS]
        found["curves"][learner] = [(n, r) for n, r in curve if r > 1e-3]
    return found


def one_row(teacher: kt.Problem, word: int) -> dict[str, Any]:
    """The row of one word, its likeliest words first."""
    order = np.argsort(-teacher.teacher[word], kind="stable")
    p = teacher.teacher[word, order]
    names = teacher.actions
    return {
        "word": WORD,
        "names": [str(names[a]) for a in order[:SHOWN]],
        "p": p.tolist(),
    }


def top_k(teacher: kt.Problem) -> dict[str, Any]:
    """What stays once every input was visited, the rest of a list spread evenly, or the list scaled to one."""
    return {
        name: [risk(teacher, f"{name}@top_k_only:{k}", ALL_VISITED) for k in range(1, teacher.A)]
        for name in ("SEL", "RENORM")
    }


def focal(p: list[float]) -> dict[str, Any]:
    """The row that the focal loss converges to, at each gamma, and its total variation from the teacher's."""
    limits = [kt.losses.make("focal", gamma=gamma).limit(p) for gamma in GAMMAS]
    return {
        "gamma": GAMMAS,
        "students": [limit.student[:SHOWN].tolist() for limit in limits],
        "risks": [float(np.abs(limit.student - p).sum() / 2) for limit in limits],
    }


def main() -> None:
    """Write the file."""
    teacher = kt.tables.bundled_teacher("next_word")
    row = one_row(teacher, list(teacher.states).index(WORD))
    numbers = {"row": row, "focal": focal(row["p"]), "top_k": top_k(teacher), "next_word": next_word(teacher)}
    OUT.write_text(json.dumps(numbers, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
