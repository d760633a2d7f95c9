"""Figure 1: the four learners on the paper's classic teacher, which does not move with n.

Instance 0 gives half of its mass to one label and spreads the other half. Four panels, risk against n on plain axes:
(a) S=100, A=25, the paper's; (b) a 100-armed bandit, S=1, A=100; (c) many labels and few samples, where soft labels
beat partial ones; (d) many cells and few samples, where most cells were not seen.
Lines are exact expected risks, markers are simulated means.

What to see: CE_ptl stays at its bias, 0.4457 in (a), at every n. CE_sgl falls slowly. SEL_ptl and CE_ful fall fast,
faster than their worst-case rates: once the heavy label was seen, spreading the rest evenly is exactly right (in (b)
after a few samples, and both are at 0). A teacher that does not move with n does not show the minimax rates; figure 2
does. In (c) and (d) CE_sgl and CE_ptl first get worse: one sample replaces an even spread by a Dirac.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import kt_theory as kt

#: Title, S, A, and the n of each panel.
PANELS = (
    ("(a) S=100, A=25", 100, 25, np.linspace(100, 2500, 13)),
    ("(b) bandit: S=1, A=100", 1, 100, np.linspace(20, 500, 13)),
    ("(c) many labels, few samples: S=10, A=1000", 10, 1000, np.linspace(4, 76, 13)),
    ("(d) many cells, few samples: S=300, A=300", 300, 300, np.linspace(60, 1500, 13)),
)


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `figure1_classic`, and return its scoreboard."""
    panels = [kt.study.Panel(name, kt.instance(0, S, A), n.astype(int).tolist()) for name, S, A, n in PANELS]
    reps = 200 if options.quick else 2000
    exact, receipts = kt.study.exact_and_simulated("figure1_classic", panels, reps, options)

    draw(options, exact, receipts)
    return kt.claims.scoreboard(exact if receipts is None else receipts, {}, exact)


def draw(options: kt.study.Options, exact: pd.DataFrame, receipts: pd.DataFrame | None) -> None:
    """The figure, from its tables."""
    title = "A teacher that does not move: CE_ptl keeps its bias, SEL_ptl and CE_ful fall fast"
    with kt.plots.drawing(options.path("figure1_classic"), 2, 2, title=title, width=8.2, height=2.5) as axes:
        for ax, (name, *_) in zip(axes.flat, PANELS, strict=True):
            kt.plots.draw_curves(ax, name, exact, receipts)
            ax.set_title(name)
            ax.set_ylim(bottom=-0.01)
            ax.set_xlim(left=0)


if __name__ == "__main__":
    kt.cli.run_script(main)
