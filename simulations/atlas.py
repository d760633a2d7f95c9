"""Which losses can be used with what a teacher reveals, and six of them on one teacher.

`atlas`: every loss of `kt.losses.LOSSES` by the least that a sample must show, coloured by what its student converges
to at the defaults on three teachers: the teacher, the teacher by another read-out of the same scores, one law of many,
another law. `atlas.csv` has the numbers: total variation of limit and teacher, whether the minimiser is unique, the
constant c on three labels (the error as a multiple of the MLE's; empty where there is none).

`simplex`: contours of six losses on the simplex of three labels, the teacher, the limit, and gradient descent from the
uniform law.

What to see: with hard labels every consistent loss is the MLE; a log-probability of the sampled label is enough for
exactness on what was seen; a list of the most likely labels is not used well by most losses made for it; all of soft
labels but a few mixtures are exact. Preferences, votes and samples of the student's own need more than a transfer set.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

import kt_theory as kt

#: The teachers: two examples, and one that is nearly sure.
TEACHERS = {
    "three labels": [0.5, 0.3, 0.2],
    "five labels": [0.35, 0.25, 0.15, 0.15, 0.1],
    "nearly sure": [0.94, 0.03, 0.02, 0.01],
}

#: A total variation up to this is none.
AT = 1e-6

#: Verdicts, from the best to the worst, and their colours.
VERDICTS = {
    "the teacher": "#009E73",
    "by another read-out": "#0072B2",
    "one law of many": "#999999",
    "another law": "#D55E00",
}

#: What a sample shows, and the columns of the figure.
LEVELS = {
    "hard": "hard labels, draws",
    "sampled": "hard labels, draws",
    "partial": "partial labels",
    "top_k_label": "lists and samples",
    "sorted": "sorted values",
    "soft": "soft labels",
    "on-policy": "no transfer set",
    "pairs": "no transfer set",
    "votes": "no transfer set",
}

#: Losses of the second figure.
SIX = (
    ("cross_entropy", {}),
    ("focal", {"gamma": 5}),
    ("generalized_cross_entropy", {"gamma": 0.7}),
    ("label_smoothing", {"epsilon": 0.3}),
    ("naive_partial", {}),
    ("top_k_missing_to_label", {"k": 1}),
)


def entry(name: str) -> dict[str, Any]:
    """The row of a loss."""
    loss = kt.losses.make(name)
    row: dict[str, Any] = {"id": name, "sees": loss.level, "stated": loss.consistent, "rate": loss.rate}
    unique, worst = True, 0.0
    for teacher, p in TEACHERS.items():
        found = loss.limit(p)
        gap = 0.5 * np.abs(found.student - p).sum()
        row[f"tv {teacher}"] = gap
        unique, worst = unique and bool(found.unique), max(worst, gap)
    row["unique"] = unique
    row["c three labels"] = kt.losses.constant(loss, TEACHERS["three labels"]) if loss.protocol else math.nan
    if not unique:
        row["verdict"] = "one law of many"
    elif worst <= AT:
        row["verdict"] = "the teacher"
    else:
        row["verdict"] = "by another read-out" if loss.rate == "readout: mle" else "another law"
    return row


def table() -> pd.DataFrame:
    """All losses, without the channels, which are none."""
    names = [name for name, kind in kt.losses.LOSSES.items() if issubclass(kind, kt.losses.Limit)]
    return pd.DataFrame([entry(name) for name in names])


def main(options: kt.study.Options) -> pd.DataFrame:
    """Write `atlas` and `simplex`, and return the scoreboard of the learners that stand for the protocols."""
    found = table()
    kt.tables.write_table(found, options.path("atlas.csv"))
    draw(found, options.path("atlas"))
    title = "Where six losses lead on one teacher, and how far that is from it (total variation)"
    with kt.plots.drawing(options.path("simplex"), 2, 3, title=title, width=10.0, height=3.5) as axes:
        for panel, (name, parameters) in zip(axes.flat, SIX, strict=True):
            _draw_loss(panel, kt.losses.make(name, **parameters))
    panel = kt.study.Panel(
        "three labels", kt.Problem([1.0], [TEACHERS["three labels"]]), [10, 100, 1000], list(kt.PAPER_LEARNERS)
    )
    exact = kt.study.exact([panel], progress=False)
    return kt.claims.scoreboard(exact, {}, exact)


def draw(found: pd.DataFrame, stem: str) -> None:
    """The figure `atlas`, from the table of all losses."""
    columns = list(dict.fromkeys(LEVELS.values()))
    title = "How many losses find the teacher, by what a sample shows"
    with kt.plots.drawing(stem, 1, len(columns), title=title, width=13.0, height=5.8) as axes:
        for panel, column in zip(axes.flat, columns, strict=True):
            _draw_column(panel, column, found[found["sees"].map(LEVELS) == column])


def _draw_column(axes: Any, title: str, rows: pd.DataFrame) -> None:
    order = {verdict: i for i, verdict in enumerate(VERDICTS)}
    rows = rows.assign(order=rows["verdict"].map(order)).sort_values(["order", "id"])
    for i, row in enumerate(rows.itertuples()):
        axes.plot([0.0], [-i], marker="s", color=VERDICTS[row.verdict], linestyle="none", label=row.verdict)
        axes.text(0.08, -i, row.id, fontsize=7, va="center")
    good = int((rows["verdict"] == "the teacher").sum())
    axes.set_title(f"{title}: {good} of {len(rows)}", fontsize="medium")
    axes.set_xlim(-0.05, 1.2)
    axes.set_ylim(-29.5, 1)
    axes.set_axis_off()


def _draw_loss(axes: Any, loss: Any) -> None:
    p, steps = np.array(TEACHERS["three labels"]), 60
    grid = np.array([(i, j, steps - i - j) for i in range(1, steps) for j in range(1, steps - i)]) / steps
    rows = kt.losses.Row.population(np.tile(p, (len(grid), 1)), loss.protocol)
    row, z = kt.losses.Row.population(p, loss.protocol), loss.scores(np.full(3, 1 / 3))
    path = [loss.link(z)]
    for _ in range(600):
        z = z - 0.3 * loss.score_gradient(z, row)
        path.append(loss.link(z))
    student = loss.limit(p).student
    laws = {"teacher": p, "limit": student}
    kt.plots.draw_simplex(axes, grid, loss.value(grid, rows), laws, np.array(path))
    axes.set_title(f"{loss.name}: {0.5 * np.abs(student - p).sum():.3f}", fontsize="medium")


if __name__ == "__main__":
    kt.cli.run_script(main)
