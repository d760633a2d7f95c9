"""Figure 2: the three rates, each on the instance that is hard for its protocol, and each learner's fitted slope.

Instances 1, 2 and 3 move with n: they are the teachers on which sqrt(SA/n), SA/n and S/n cannot be beaten. Columns are
instances; the learner that an instance is hard for is drawn bold. Lines are exact, markers are simulated. The band lies
between the paper's lower bound on every student of the protocol and its upper bound on that learner. Hollow markers on
the lower edge are learners whose risk is below it, most of them exponentially small; a note names learners that lie
under another. `three_rates` has the exact curves of the lower row side by side, with guide triangles.

Two settings each, for two questions:

- upper row, windows like the paper's: n a small multiple of SA, short of one decade. The paper prints no sizes; these
  were chosen to have the slopes that it reports (-0.53, -1.00, -0.98), and they are not the exponents: on instance
  1 an input has only n/S = 10 to 24 visits, which makes CE_sgl steeper than 1/2; on instance 3 the teacher's rows still
  sharpen as n grows, so that the cost of an unvisited input grows with n and CE_ful is flatter than 1.
- lower row, three decades with n/(SA) from 10 to 10,000: the slopes settle at the exponents, to within 0.01, and the
  local slopes no longer drift. Counts are sufficient, so that n = 10^6 costs no more than n = 10^4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import kt_theory as kt

#: Row of the figure, instance, S, A, first and last n, number of n.
SETTINGS = (
    ("paper's window", 1, 100, 8, 1000, 2400, 8),
    ("paper's window", 2, 100, 8, 1000, 2400, 8),
    ("paper's window", 3, 10, 10, 1000, 5000, 8),
    ("three decades", 1, 10, 10, 10**3, 10**6, 10),
    ("three decades", 2, 10, 11, 10**3, 10**6, 10),
    ("three decades", 3, 10, 11, 10**3, 10**6, 10),
)
#: What each row says above its panels.
WINDOWS = {"paper's window": "our sizes: the paper prints none", "three decades": "three decades"}
#: The slopes that the paper reports, by instance.
PUBLISHED = {1: -0.532, 2: -1.004, 3: -0.977}
HARD_FOR = {1: "CE_sgl", 2: "SEL_ptl", 3: "CE_ful"}
STATEMENTS = {1: "Z&Z Thm 3.1 and 3.2", 2: "Z&Z Thm 4.1 and 4.4", 3: "Z&Z Thm 5.1 and 5.2"}


def panels() -> list[kt.study.Panel]:
    """The six panels, in the order of `SETTINGS`."""
    return [
        kt.study.Panel(
            f"instance {k}, S={S}, A={A}, {window}",
            partial(kt.instance, k, S, A),
            np.geomspace(first, last, points).round().astype(int).tolist(),
        )
        for window, k, S, A, first, last, points in SETTINGS
    ]


def of_n(bound: Callable[..., Any], S: int, A: int) -> Callable[[Any], Any]:
    """A bound at one size, as a function of n."""
    return lambda n: bound(S=S, A=A, n=n)


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `figure2_rates`, and return its scoreboard."""
    reps = 1000 if options.quick else 64_000
    exact, receipts = kt.study.exact_and_simulated("figure2_rates", panels(), reps, options)
    shown = exact if receipts is None else receipts
    draw(options, exact, receipts)
    draw_three_rates(options, exact)

    own = {}
    for panel, (window, k, *_rest) in zip(panels(), SETTINGS, strict=True):
        published = {HARD_FOR[k]: PUBLISHED[k]} if window == "paper's window" else {}
        own[panel.name] = replace(kt.claims.INSTANCE_CLAIMS[k], published=published)
    return kt.claims.scoreboard(shown, own, exact)


def draw(options: kt.study.Options, exact: pd.DataFrame, receipts: pd.DataFrame | None) -> None:
    """The figure, from its tables."""
    shown = exact if receipts is None else receipts
    title = "Slope -1/2 from hard labels, -1 from log-probabilities and from whole rows, on hard teachers"
    with kt.plots.drawing(options.path("figure2_rates"), 2, 3, title=title, width=8.6, height=2.8) as axes:
        for ax, panel, (window, k, S, A, *_grid) in zip(axes.flat, panels(), SETTINGS, strict=True):
            rows = shown[shown["panel"] == panel.name]
            learner = HARD_FOR[k]
            colour = kt.plots.LOOK[learner][0]
            lower = of_n(kt.claims.INSTANCE_CLAIMS[k].lower_bound(learner), S, A)
            upper = of_n(kt.claims.UPPER[learner], S, A)
            ax.set_xscale("log")
            ax.set_yscale("log")
            # Learners that decay exponentially lie far below the band, and would flatten the others.
            kt.plots.draw_curves(ax, panel.name, exact, receipts, bold=learner, floor=lower(max(panel.n)) / 5)
            kt.plots.draw_band(ax, panel.n, lower, upper, colour)
            ax.set_ylim(top=30 * max(upper(min(panel.n)), rows["mean"].max()))
            fit = kt.claims.fit_panel(rows[rows["learner"] == learner])
            slope = f"slope {fit.compare(kt.LEARNERS[learner].rate)}".replace("+-", "±").replace(" (", "\n(")
            kt.plots.note(ax, f"{slope}\nband: {STATEMENTS[k]}", colour)
            ax.set_title(f"instance {k}, S={S}, A={A}\n{WINDOWS[window]}")


def draw_three_rates(options: kt.study.Options, exact: pd.DataFrame) -> None:
    """`three_rates`: the three exact curves of the lower row side by side, with guide triangles."""
    title = "Ten times the samples: hard labels gain a factor of 3, the others of 10"
    with kt.plots.drawing(options.path("three_rates"), 1, 1, title=title, width=6.8, height=4.2) as grid:
        (axes,) = grid.flat
        axes.set_xscale("log")
        axes.set_yscale("log")
        for panel, (window, k, *_sizes) in zip(panels(), SETTINGS, strict=True):
            if window != "three decades":
                continue
            learner = HARD_FOR[k]
            colour = kt.plots.LOOK[learner][0]
            rows = exact[(exact["panel"] == panel.name) & (exact["learner"] == learner)].sort_values("n")
            axes.plot(rows["n"], rows["mean"], color=colour, linewidth=2)
            slope = kt.claims.fit_panel(rows).slope
            words = f"{kt.plots.LABEL[learner]}\ninstance {k}, slope {slope:.3f}"
            axes.annotate(words, (rows["n"].iloc[-1], rows["mean"].iloc[-1]), (6, 0), textcoords="offset points",
                          color=colour, va="center")  # fmt: skip
            # Between the two curves of slope -1 there is no room: that of SEL_ptl lies above it, the others below.
            side = -1 if learner == "SEL_ptl" else 1
            corner = (rows["n"].iloc[4], rows["mean"].iloc[4] * 1.5**-side)
            kt.plots.draw_triangle(axes, corner, kt.LEARNERS[learner].rate, colour, decades=0.7 * side)
        axes.set_xlim(right=4e7)
        axes.set_xticks([10**3, 10**4, 10**5, 10**6])
        axes.set_xlabel("number of samples n (the teacher moves with n)")
        axes.set_ylabel("expected risk (total variation)")


if __name__ == "__main__":
    kt.cli.run_script(main)
