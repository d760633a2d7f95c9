"""Figures 1 and 2 far beyond their windows: exact curves up to n = 10^9, with Monte Carlo points on them.

Left to right: instance 0 and the hard instances 1, 2 and 3; above the paper's sizes, below 10 by 10. Lines are exact;
markers are simulated at a few n (counts are sufficient, so that 10^9 samples cost no more than 10^5). The z-scores of
the markers, (simulated - exact) / standard error, are those of a standard normal law if both are right: their number,
the largest and the mean square are printed.

What to see: on instance 0 SEL_ptl and CE_ful fall exponentially, CE_ptl stays at its bias, and CE_sgl's sqrt(1/n)
is the only rate that a fixed teacher shows. On the hard instances each learner keeps its exponent over all six decades.
"""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pandas as pd

import kt_theory as kt

#: Instance, S, A, first n.
SETTINGS = (
    (0, 100, 25, 10**2),
    (1, 100, 8, 10**3),
    (2, 100, 8, 10**3),
    (3, 100, 8, 10**3),
    (0, 10, 10, 10),
    (1, 10, 10, 10**2),
    (2, 10, 11, 10**2),
    (3, 10, 11, 10**2),
)
LAST = 10**9

#: Markers in each panel, and points of a line at quick size: two intervals between any two markers, so that the markers
#: are on points of the line and their exact values need not be computed again.
MARKERS = 8
QUICK = 2 * MARKERS - 1


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `exact_curves`, print the z-scores, and return the scoreboard."""
    fine, coarse = [], []
    for k, S, A, first in SETTINGS:
        for panels, points in ((fine, QUICK if options.quick else 40), (coarse, MARKERS)):
            n = np.unique(np.geomspace(first, LAST, points).round().astype(int)).tolist()
            panels.append(kt.study.Panel(f"instance {k}, S={S}, A={A}", partial(kt.instance, k, S, A), n))
    exact = kt.study.exact(fine, progress=options.progress)
    kt.study.write_receipts(exact, options.path("exact_curves_exact.csv"))
    receipts = None
    if options.simulate:
        reps = 500 if options.quick else 4000
        receipts = kt.study.run(coarse, reps, options.seed, workers=options.workers, progress=options.progress)
        kt.study.write_receipts(receipts, options.path("exact_curves.csv"))
        at_markers = exact if options.quick else kt.study.exact(coarse, progress=options.progress)
        z = kt.claims.z_scores(receipts, at_markers)
        text = f"z-scores: {z.size} points, largest {np.abs(z).max():.2f}, mean square {np.mean(z**2):.3f}"
        print(text, file=sys.stderr)

    draw(options, exact, receipts)
    hard = {panel.name: kt.claims.INSTANCE_CLAIMS[k] for panel, (k, *_) in zip(fine, SETTINGS, strict=True) if k}
    return kt.claims.scoreboard(exact, hard)


def draw(options: kt.study.Options, exact: pd.DataFrame, receipts: pd.DataFrame | None) -> None:
    """The figure, from its tables."""
    title = "A teacher that stays shows one rate, counting's; teachers that move with n show all three over six decades"
    with kt.plots.drawing(options.path("exact_curves"), 2, 4, title=title, width=13.0, height=3.0) as axes:
        for ax, (k, S, A, _first) in zip(axes.flat, SETTINGS, strict=True):
            ax.set_xscale("log")
            ax.set_yscale("log")
            kt.plots.draw_curves(ax, f"instance {k}, S={S}, A={A}", exact, receipts, floor=1e-9 if k else 1e-6)
            ax.set_title(f"instance {k}, S={S}, A={A}" + ("" if k else ": it stays"))


if __name__ == "__main__":
    kt.cli.run_script(main)
