"""A real teacher: the next word of English, given the word before it.

The table ships with the package (kt_theory/teachers/README.md says where it comes from): its inputs are far from
uniform and a third of its pairs never occur. Left: what the four learners make of n samples.
Right: what a log-probability buys, at equal risk: how many hard labels one sample with its label's probability is
worth, and how many one sample with the whole distribution is worth.

What to see: CE_ptl is biased here too. Unlike the worst case, a real teacher rewards SEL_ptl and CE_ful more and more:
once every likely pair was met, only rare ones are missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import kt_theory as kt


def main(
    quick: bool = False,
    out: str | Path = "figures",
    seed: int = 20231011,
    workers: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run the study, write `real_teacher` as CSV, PNG and PDF into `out`, and return the scoreboard."""
    teacher = kt.tables.bundled_teacher("next_word")
    grid = np.geomspace(10, 10**8, 15 if quick else 29).round().astype(int).tolist()
    panel = kt.study.Panel(f"next word of English (S={teacher.S}, A={teacher.A})", teacher, grid)
    receipts = kt.study.run([panel], reps=50 if quick else 1000, seed=seed, workers=workers, progress=progress)
    kt.study.write_receipts(receipts, Path(out) / "real_teacher.csv")

    with kt.plots.drawing(Path(out) / "real_teacher", 1, 2, width=9.5, height=3.8) as axes:
        left, right = axes.flat
        left.set_xscale("log")
        left.set_yscale("log")
        kt.plots.draw_curves(left, receipts, floor=1e-7)
        left.set_title(panel.name)
        kt.plots.draw_exchange(right, receipts, against="CE_sgl", learners=["SEL_ptl", "CE_ful"])
        right.set_title("what privileged information buys")
    return kt.claims.scoreboard(receipts, {})


if __name__ == "__main__":
    kt.cli.run_script(main)
