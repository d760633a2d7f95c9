"""A real teacher: the next word of English, given the word before it.

The table ships with the package (kt_theory/teachers/README.md states its source): its inputs are far from
uniform and a third of its pairs never occur. Left: what the four learners make of n samples, and the n at which each
reaches a risk of 0.1. Right: at equal risk, how many hard labels one sample with its label's probability is worth, and
how many one sample with the whole distribution is worth.

What to see: CE_ptl is biased here too. Unlike in the worst case, the advantage of SEL_ptl and CE_ful grows with n: once
every likely pair was seen, only rare ones are missing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import kt_theory as kt


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `real_teacher`, and return its scoreboard; SEL_ptl has to be simulated."""
    teacher = kt.tables.bundled_teacher("next_word")
    grid = np.geomspace(10, 10**8, 15 if options.quick else 29).round().astype(int).tolist()
    name = f"next word of English (S={teacher.S}, A={teacher.A})"
    # The rows of a real teacher are all different: what takes milliseconds for one row is affordable for 50 of them.
    # CE_ptl's takes a third of a second for each, SEL_ptl's up to fifteen.
    curves = [(["CE_sgl", "CE_ful"], grid)] + ([] if options.quick else [(["CE_ptl"], grid[::2])])
    panels = [[kt.study.Panel(name, teacher, n, learners)] for learners, n in curves]
    exact = pd.concat([kt.study.exact(panel, progress=options.progress) for panel in panels], ignore_index=True)
    kt.study.write_receipts(exact, options.path("real_teacher_exact.csv"))
    panel = kt.study.Panel(name, teacher, grid)
    reps = 50 if options.quick else 1000
    receipts = kt.study.run([panel], reps, options.seed, workers=options.workers, progress=options.progress)
    kt.study.write_receipts(receipts, options.path("real_teacher.csv"))

    draw(options, exact, receipts)
    return kt.claims.scoreboard(receipts, {}, exact)


def draw(options: kt.study.Options, exact: pd.DataFrame, receipts: pd.DataFrame) -> None:
    """The figure, from its tables."""
    title = "An answer with its probability is worth 8 plain answers at a risk of 0.1, and more below"
    name = str(receipts["panel"].iloc[0])
    kt.plots.draw_teacher(options.path("real_teacher"), name, exact, receipts, floor=1e-4, title=title)


if __name__ == "__main__":
    kt.cli.run_script(main)
