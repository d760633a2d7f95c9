"""Figure 2: the three rates, each on the instance that is hard for its protocol, and each learner's fitted slope.

Instances 1, 2 and 3 move with n: they are the teachers on which sqrt(SA/n), SA/n and S/n cannot be beaten. Columns are
instances; the learner that an instance is hard for is drawn bold. Lines are exact, markers are simulated. The band lies
between the paper's lower bound on every student of the protocol and its upper bound on that learner. Hollow markers on
the lower edge are learners whose risk is below it, most of them exponentially small. (CE_ful covers SEL_ptl on instance
3, and CE_sgl covers CE_ptl on instance 1 in the lower row.)

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

    with kt.plots.drawing(options.path("figure2_rates"), 2, 3, width=8.2, height=2.6) as axes:
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
            like = window.replace("paper's window", "a window like the paper's")
            ax.set_title(f"instance {k}, S={S}, A={A}\n{like}")

    own = {panel.name: kt.claims.INSTANCE_CLAIMS[k] for panel, (_, k, *_rest) in zip(panels(), SETTINGS, strict=True)}
    return kt.claims.scoreboard(shown, own, exact)


if __name__ == "__main__":
    kt.cli.run_script(main)
