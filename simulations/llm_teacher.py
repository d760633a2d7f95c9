"""A language model as the teacher: what hard labels, log-probabilities and lists of 20 are worth.

The table ships with the package (kt_theory/teachers/README.md): the next token of SmolLM2-135M-Instruct after each of
64 prompts, 19,537 tokens and ``<other>``, every prompt as likely as another. ``<other>`` stands for many tokens: it may
be sampled, and no list names it. Left: the risk against n with each protocol. Right: how many hard labels one sample of
another protocol is worth, at equal risk.

What to see: a list of 20 beside the sample is worth 20 times as many hard labels at n = 1,000, and at 100,000 no more
than the sampled log-probability alone. A list of 20 that is renormalised, as practice often has it, never gets below
the mass of its tail, 0.22.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import kt_theory as kt

LIST = "20:but_last"
EXACT = ["CE_sgl", "CE_ful", f"SEL@top_k_only:{LIST}", f"RENORM@top_k_only:{LIST}"]
SIMULATED = ["SEL_ptl", f"SEL@top_k:{LIST}"]
#: Learner -> its name in the figure, its colour, and where that stands in the left panel.
SHOWN = {
    "CE_sgl": ("hard labels", "#D55E00", (3e5, 0.075)),
    "SEL_ptl": ("sampled log-probability", "#0072B2", (5e3, 0.0125)),
    f"SEL@top_k:{LIST}": ("list of 20 + sample", "#56B4E9", (3e2, 0.09)),
    f"RENORM@top_k_only:{LIST}": ("list of 20, renormalised", "#000000", (6e4, 0.24)),
    f"SEL@top_k_only:{LIST}": ("list of 20, equal tail", "#7A7A00", (1.3e5, 0.165)),
    "CE_ful": ("whole distribution", "#009E73", (3.3e2, 0.03)),
}
#: The same in the right panel.
WORTH = {"SEL_ptl": (4e2, 1.25), f"SEL@top_k:{LIST}": (1.2e3, 22.0)}


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `llm_teacher`, and return its scoreboard; two of its curves are simulated."""
    teacher = kt.tables.bundled_teacher("language_model")
    grid = np.geomspace(10, 10**7, 13 if options.quick else 25).round().astype(int).tolist()
    name = "next token of a language model"
    exact = kt.study.exact([kt.study.Panel(name, teacher, grid, EXACT)], progress=options.progress)
    kt.study.write_receipts(exact, options.path("llm_teacher_exact.csv"))
    panel = kt.study.Panel(name, teacher, grid, ["CE_sgl", *SIMULATED])
    reps = 20 if options.quick else 200
    receipts = kt.study.run([panel], reps, options.seed, workers=options.workers, progress=options.progress)
    kt.study.write_receipts(receipts, options.path("llm_teacher.csv"))

    draw(options, exact, receipts)
    return kt.claims.scoreboard(receipts, {}, exact)


def draw(options: kt.study.Options, exact: pd.DataFrame, receipts: pd.DataFrame) -> None:
    """The figure, from its tables."""
    title = "The next token of a language model: lists are worth most early, log-probabilities late"
    with kt.plots.drawing(options.path("llm_teacher"), 1, 2, title=title, width=9.6, height=4.0) as axes:
        left, right = axes.flat
        left.set_xscale("log")
        left.set_yscale("log")
        for learner, (words, colour, place) in SHOWN.items():
            known = exact if learner in EXACT else receipts
            rows = known[(known["learner"] == learner) & (known["mean"] > 1e-3)]
            left.plot(rows["n"], rows["mean"], color=colour)
            left.text(*place, words, color=colour, fontsize="small")
        left.set_ylim(1e-3, 1)
        left.set_xlabel("n, samples")
        left.set_ylabel("risk, total variation")
        left.set_title("renormalised lists stop at 0.22", fontsize="medium")
        right.set_xscale("log")
        right.set_yscale("log")
        counting = exact[exact["learner"] == "CE_sgl"]
        for learner in SIMULATED:
            words, colour, _ = SHOWN[learner]
            rows = receipts[receipts["learner"] == learner]
            right.plot(rows["n"], hard_labels(counting, rows["mean"].to_numpy()) / rows["n"].to_numpy(), color=colour)
            right.text(*WORTH[learner], words, color=colour, fontsize="small")
        right.axhline(1.0, color="0.6", linewidth=0.8)
        right.set_xlabel("n, samples")
        right.set_ylabel("hard labels that one sample is worth")
        right.set_title("what one sample is worth", fontsize="medium")


def hard_labels(counting: pd.DataFrame, risks: np.ndarray) -> np.ndarray:
    """How many hard labels reach each risk, by the exact curve of counting; NaN beyond its ends."""
    falling = counting.sort_values("mean")
    known = np.log(falling["mean"].to_numpy()), np.log(falling["n"].to_numpy())
    return np.exp(np.interp(np.log(np.maximum(risks, 1e-300)), *known, left=np.nan, right=np.nan))


if __name__ == "__main__":
    kt.cli.run_script(main)
