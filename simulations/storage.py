"""Which 20 numbers of a row to store: a list of the most likely labels, draws with or without replacement, or both.

Left: what a list costs at any n, against its length k, on 1,000 labels: renormalised and with equal shares, at the
worst row (proved) and at Zipf's law. Middle and right: the expected total variation against the visits of every input,
20 numbers a visit, at Zipf's law on 1,000 labels and at the package's language model, 64 prompts and 19,538 labels.
Lists and frequencies are exact; draws are exact where a route reaches, else simulated with errors far below the
markers.

What to see: a list is best at the first visits and learns nothing from more of them; draws with their probabilities
fall from visit to visit. Drawn without replacement (gumbel) they are better than a list from five visits on at Zipf's
law, from three at the model; with replacement from five and from ten. At five visits half of each is the worst of list,
draws and half. Equal shares are never worse than renormalising; on Zipf's law they cost less than half. Draws without
their probabilities need about three times the visits at the model, and twenty at Zipf's law.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import kt_theory as kt

#: Numbers stored at each visit.
NUMBERS = 20

#: Labels of the row of the left and middle panel, and lengths of lists.
LABELS, LENGTHS = 1000, (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)

VISITS, QUICK = (1, 2, 3, 5, 10, 20, 50, 100), (1, 3, 10, 100)

#: Colour and marker of each storage.
LOOK = {
    "list": ("#0072B2", "s"),
    "draws": ("#009E73", "o"),
    "gumbel": ("#56B4E9", "D"),
    "half": ("#CC79A7", "^"),
    "renormalised": ("#D55E00", "x"),
    "frequencies": ("#666666", "v"),
}


def zipf() -> np.ndarray:
    """Zipf's law, shape (LABELS,)."""
    row = 1 / np.arange(1.0, LABELS + 1)
    return row / row.sum()


def tails() -> pd.DataFrame:
    """What lists cost at any n, by their length: columns k, way, worst and zipf."""
    rows = []
    for k in LENGTHS:
        cost = kt.tail_cost(zipf(), k)
        floor = kt.minimax_risk(f"top_k_only:{k}", S=1, A=LABELS, n=1).lower
        rows.append({"k": k, "way": "renormalised", "worst": 1 - k / LABELS, "zipf": cost.renormalised.tv})
        rows.append({"k": k, "way": "equal shares", "worst": floor, "zipf": cost.equal.tv})
    return pd.DataFrame(rows)


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `storage`, and return the scoreboard of the lists, which no bound is for."""
    visits = QUICK if options.quick else VISITS
    teachers = {"Zipf's law": zipf(), "language model": kt.tables.bundled_teacher("language_model")}
    found = []
    for name, teacher in teachers.items():
        frame = kt.best_storage(teacher, NUMBERS, visits, seed=options.seed, progress=options.progress)
        found.append(frame.assign(teacher=name))
    risks = pd.concat(found, ignore_index=True)
    lists = tails()
    kt.tables.write_table(risks, options.path("storage.csv"))
    kt.tables.write_table(lists, options.path("storage_lists.csv"))
    draw(options, risks, lists)
    learners = [f"SEL@top_k_only:{NUMBERS}", f"RENORM@top_k_only:{NUMBERS}", "CE_sgl"]
    panel = kt.study.Panel("Zipf's law", kt.Problem([1.0], [zipf()], name="Zipf"), list(visits), learners)
    exact = kt.study.exact([panel], progress=False)
    return kt.claims.scoreboard(exact, {}, exact)


def draw(options: kt.study.Options, risks: pd.DataFrame, lists: pd.DataFrame) -> None:
    """The figure, from its tables."""
    title = "20 stored numbers: a list at the first visits, draws after a few; renormalising is never best"
    with kt.plots.drawing(options.path("storage"), 1, 3, title=title, width=11.0, height=3.8) as axes:
        left, middle, right = axes.flat
        _draw_lists(left, lists)
        for panel, name in zip((middle, right), risks["teacher"].unique(), strict=True):
            _draw_risks(panel, risks[risks["teacher"] == name], name)


def _draw_lists(axes: Any, lists: pd.DataFrame) -> None:
    for way, colour in (("renormalised", LOOK["renormalised"][0]), ("equal shares", LOOK["list"][0])):
        rows = lists[lists["way"] == way]
        axes.plot(rows["k"], rows["worst"], color=colour, marker="o")
        axes.plot(rows["k"], rows["zipf"], color=colour, linestyle="--", marker="o", markerfacecolor="white")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("labels on the list, k")
    axes.set_ylabel("total variation, at any n")
    axes.set_title("equal shares beat renormalising")
    for words, colour, place in (
        ("renormalised:\nworst row", LOOK["renormalised"][0], (110, 0.93)),
        ("equal shares:\nworst row", LOOK["list"][0], (14, 0.83)),
        ("renormalised:\nZipf's law", LOOK["renormalised"][0], (1.02, 0.57)),
        ("equal shares:\nZipf's law", LOOK["list"][0], (1.1, 0.18)),
    ):
        axes.text(*place, words, color=colour, fontsize="small")


def _draw_risks(axes: Any, risks: pd.DataFrame, name: str) -> None:
    for storage, rows in risks.groupby("storage", sort=False):
        colour, marker = LOOK[str(storage)]
        axes.plot(rows["visits"], rows["risk"], color=colour, marker=marker, label=str(storage))
    first = risks[risks["best"] & (risks["storage"] != "list")].sort_values("visits").iloc[0]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    ticks = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(0.018, 0.85)
    axes.set_xlabel("visits of every input, 20 numbers each")
    axes.set_ylabel("expected total variation")
    axes.set_title(f"{name}: {first['storage']} best from {first['visits']} visits")


if __name__ == "__main__":
    kt.cli.run_script(main)
