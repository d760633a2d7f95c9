"""How many annotators? Ten ratings of each token of VADER's lexicon, from -4 to 4, as hard labels.

The ratings are the fourth column of ``vader_lexicon.txt`` in the package vaderSentiment (MIT; in a checkout
``pip install '.[data]'``): 7,506 tokens, ten raters each, 14 of them listed twice. The file is read from the installed
package. Each token is an input and its true row of nine probabilities is what all raters together would give. Every row
is drawn from the posterior law that `kt_theory.plan_annotations` plans with; nobody knows the true ones.

Left: the expected total variation between a token's estimated row and its true one, averaged over the tokens, against
the annotations of each. Dashed: the same if the frequencies of the ten ratings were the truth, exact risks of CE_sgl.
Right: how many more each token needs for 0.1 with probability 0.9, and how many if the mean over the tokens does.

What to see: ten raters leave 0.22, 20 leave 0.16, 50 leave 0.10. The frequencies, taken for the truth, promise less:
labels that nobody chose yet are missing there. For 0.1 on the mean a token needs 43 ratings more, for 0.1 token by
token three times as many.
"""

from __future__ import annotations

import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import kt_theory as kt

TARGET = 0.1

#: Annotations of each token that the table names.
SIZES = (10, 20, 50, 100, 200)


def source() -> Path:
    """The lexicon in the package that is installed, which is not imported."""
    found = find_spec("vaderSentiment")
    if found is None or not found.submodule_search_locations:
        raise ValueError("vaderSentiment is not installed: pip install vaderSentiment (in a checkout '.[data]')")
    return Path(found.submodule_search_locations[0]) / "vader_lexicon.txt"


def ratings() -> kt.TransferSet:
    """The ratings of every token; those of a token that is listed twice are added."""
    rows = []
    for line in source().read_text(encoding="utf-8").splitlines():
        token, _, _, listed = line.split("\t")
        rows += [(token, str(rating)) for rating in json.loads(listed)]
    labels = [str(rating) for rating in range(-4, 5)]
    return kt.TransferSet.from_records(pd.DataFrame(rows, columns=["state", "action"]), actions=labels)


def by_frequencies(pilot: kt.TransferSet, sizes: list[int]) -> pd.DataFrame:
    """The expected total variation after so many annotations if the frequencies so far were the rows, exact."""
    rows = Counter(tuple(sorted(counts[counts > 0].tolist())) for counts in pilot.counts)
    means = np.zeros(len(sizes))
    for counts, times in rows.items():
        row = kt.Problem([1.0], [np.array(counts) / sum(counts)])
        means += times / len(pilot.states) * np.array([kt.expected_risk(row, "CE_sgl", n) for n in sizes], dtype=float)
    return pd.DataFrame({"annotations": sizes, "mean": means})


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `annotations`, and return the scoreboard of three tokens, taken for known."""
    pilot = ratings()
    each = kt.plan_annotations(pilot, target=TARGET, seed=options.seed, progress=options.progress)
    mean = kt.plan_annotations(pilot, target=TARGET, per_item=False, seed=options.seed, progress=options.progress)
    curve = mean.evenly.assign(annotations=mean.evenly["more"] + 10)
    curve = curve[curve["annotations"] <= SIZES[-1] * 1.03]
    optimistic = by_frequencies(pilot, [10, 14, 20, 28, 40, 50, 70, 100, 140, 200])
    columns = ["source", "annotations", "mean", "mcse"]
    numbers = pd.concat([curve.assign(source="posterior"), optimistic.assign(source="frequencies", mcse=0.0)])
    kt.tables.write_table(numbers[columns], options.path("annotations.csv"))

    tokens = [pilot.states.index(token) for token in ("love", "sick", "lol")]
    panels = [
        kt.study.Panel(
            f"ratings of {pilot.states[s]!r}, if these were all",
            kt.Problem([1.0], [pilot.counts[s] / pilot.visits[s]], name=pilot.states[s]),
            np.geomspace(10, 10**4, 13).round().astype(int).tolist(),
            ["CE_sgl"],
        )
        for s in tokens
    ]
    exact = kt.study.exact(panels, progress=options.progress)
    title = f"Ten ratings of a token leave {at(curve, 10):.2f}, for {TARGET} it takes five times as many"
    with kt.plots.drawing(options.path("annotations"), 1, 2, title=title, width=8.6, height=3.8) as axes:
        left, right = axes.flat
        _draw_curve(left, curve, optimistic)
        _draw_needs(right, each, mean)
    return kt.claims.scoreboard(exact, {}, exact)


def _draw_curve(axes: Any, curve: pd.DataFrame, optimistic: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(curve["annotations"], curve["mean"], color="#0072B2")
    axes.plot(optimistic["annotations"], optimistic["mean"], color="#7A7A00", linestyle="--")
    for size in SIZES:
        value = at(curve, size)
        axes.plot([size], [value], "o", color="#0072B2")
        axes.annotate(f"{value:.2f}", (size, value), (3, 5), textcoords="offset points", color="#0072B2")
    axes.axhline(TARGET, color="0.5", linewidth=0.8)
    axes.text(11, 0.064, "if ten ratings\nwere the truth", color="#7A7A00", fontsize="small")
    axes.text(42, 0.155, "with what ten ratings\nleave open", color="#0072B2", fontsize="small")
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.set_yticks([0.05, 0.1, 0.2], ["0.05", "0.1", "0.2"])
    axes.minorticks_off()
    axes.set_ylim(0.03, 0.32)
    axes.set_xlabel("ratings of each token")
    axes.set_ylabel("expected total variation")
    axes.set_title("what the ratings of a token leave open", fontsize="medium")


def _draw_needs(axes: Any, each: kt.AnnotationPlan, mean: kt.AnnotationPlan) -> None:
    edges = np.arange(0, 221, 10)
    for found, words, colour, place in (
        (mean, f"{TARGET} on the mean", "#009E73", (62, 3300)),
        (each, f"{TARGET} for each token", "#D55E00", (143, 1900)),
    ):
        more = found.table["more"].to_numpy(dtype=np.int64)
        axes.hist(more, bins=edges, color=colour, alpha=0.8)
        axes.text(*place, f"{words}:\n{more.mean():.0f} each, {more.sum():,} in all", color=colour, fontsize="small")
    axes.set_xlabel("more ratings that a token needs")
    axes.set_ylabel("tokens")
    axes.set_title("to be within 0.1 with probability 0.9", fontsize="medium")


def at(curve: pd.DataFrame, size: int) -> float:
    """The curve at a size, between its steps."""
    return float(np.exp(np.interp(np.log(size), np.log(curve["annotations"]), np.log(curve["mean"]))))


if __name__ == "__main__":
    kt.cli.run_script(main)
