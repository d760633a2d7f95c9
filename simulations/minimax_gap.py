"""The gap between bounds: the paper's bounds on the minimax risk, and ours, as ratios to the best lower bound.

Columns are protocols, rows are sizes; the horizontal axis is n. Everything is divided by the largest lower bound that
we can prove or compute, so that the truth lies between 1 and the solid upper line: for soft labels they coincide (the
minimax risk is known exactly), for partial soft labels and hard labels the band between them is the open gap.
Dashed: the paper's lower and upper bounds. Dotted: what the limit constant times the rate gives.

Last row: the three-worlds instance, one teacher that is hard for all three protocols at once. Its risks, as shares of
the minimax limits, tend to sqrt(2) - 1 = 0.414 for CE_sgl, SEL_ptl and CE_ful alike.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd

import kt_theory as kt

SIZES = ((2, 4), (10, 10), (10, 100))
PAPER = {
    "hard": (kt.bounds.hard_lower_mean, kt.bounds.hard_upper_mean),
    "partial": (kt.bounds.partial_lower_mean, kt.bounds.partial_upper_mean),
    "soft": (kt.bounds.soft_lower_mean, kt.bounds.soft_upper_mean),
}
RATE = {"hard": 0.5, "partial": 1.0, "soft": 1.0}
LEARNER = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful"}

#: Sizes and n of the three-worlds instance.
WORLDS = ((20, 20), (200, 200))
WORLDS_N = np.geomspace(10**5, 10**10, 11).round().astype(int).tolist()


def gap_table(grid: list[int], progress: bool) -> pd.DataFrame:
    """A row per protocol, size and n: the paper's bounds, our interval, and the limit."""
    rows = []
    cells = list(itertools.product(kt.PROTOCOLS, SIZES, grid))
    for protocol, (S, A), n in kt.study.watched(cells, "game", "minimax", show=progress):
        risk = kt.minimax_risk(protocol, S, A, n)
        lower, upper = (bound(S=S, A=A, n=n) for bound in PAPER[protocol])
        constant = kt.minimax_constant(protocol, S, A)
        rows.append(
            {
                "protocol": protocol,
                "S": S,
                "A": A,
                "n": n,
                "paper_lower": lower,
                "lower": risk.lower,
                "upper": risk.upper,
                "paper_upper": upper,
                "limit": constant * n ** -RATE[protocol],
                "exact": risk.exact,
            }
        )
    return pd.DataFrame(rows)


def worlds_table(progress: bool) -> pd.DataFrame:
    """A row per size, n and protocol: the risk of the protocol's learner on the three-worlds instance."""
    rows = []
    cells = list(itertools.product(WORLDS, WORLDS_N))
    for (S, A), n in kt.study.watched(cells, "cell", "three worlds", show=progress):
        problem = kt.three_worlds(S, A, n)
        for protocol, learner in LEARNER.items():
            risk = kt.expected_risk(problem, learner, n)
            limit = kt.minimax_constant(protocol, S, A) * n ** -RATE[protocol]
            rows.append(
                {
                    "S": S,
                    "A": A,
                    "n": n,
                    "protocol": protocol,
                    "learner": learner,
                    "risk": float(risk),
                    "error": risk.error,
                    "share": float(risk) / limit,
                }
            )
    return pd.DataFrame(rows)


def main(options: kt.study.Options) -> pd.DataFrame:
    """Compute both tables, write `minimax_gap`, and return the verdicts."""
    grid = np.geomspace(1, 10**6, 5 if options.quick else 19).round().astype(int)
    gaps = gap_table(np.unique(grid).tolist(), options.progress)
    worlds = worlds_table(options.progress)
    kt.study.write_receipts(gaps, options.path("minimax_gap.csv"))
    kt.study.write_receipts(worlds, options.path("three_worlds.csv"))
    draw(options, gaps, worlds)
    return kt.claims.gap_scoreboard(gaps)


def draw(options: kt.study.Options, gaps: pd.DataFrame, worlds: pd.DataFrame) -> None:
    """Both figures, from their tables."""
    title = "The best possible risk is known: exactly from soft labels, else within the shaded band"
    with kt.plots.drawing(options.path("minimax_gap"), len(SIZES), 3, title=title, width=8.2, height=2.1) as axes:
        for row, (S, A) in zip(axes, SIZES, strict=True):
            for ax, protocol in zip(row, kt.PROTOCOLS, strict=True):
                part = gaps[(gaps["protocol"] == protocol) & (gaps["S"] == S) & (gaps["A"] == A) & (gaps["lower"] > 0)]
                kt.plots.draw_gap(ax, part, kt.plots.LOOK[LEARNER[protocol]][0])
                ax.set_title(f"{protocol} labels, S={S}, A={A}")
    title = "One teacher is hard for every protocol: 41 % of each worst possible risk, in the limit"
    with kt.plots.drawing(options.path("three_worlds"), 1, len(WORLDS), title=title, width=7.6, height=3.2) as axes:
        for ax, (S, A) in zip(axes.flat, WORLDS, strict=True):
            part = worlds[(worlds["S"] == S) & (worlds["A"] == A)]
            kt.plots.draw_shares(ax, part, math.sqrt(2) - 1)
            ax.set_title(f"three worlds, S={S}, A={A}")


if __name__ == "__main__":
    kt.cli.run_script(main)
