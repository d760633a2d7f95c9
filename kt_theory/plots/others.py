"""Figures of laws on a simplex, of gaps and shares of minimax risks, and of plans."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kt_theory import checks
from kt_theory.planning import Plan
from kt_theory.plots.curves import LABEL, LOOK, OTHERS, colour_of, drawn_on, looks_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Colour and marker of the laws that stand on a simplex.
ON_SIMPLEX = {"teacher": ("#000000", "*"), "limit": ("#D55E00", "o"), "read-out": ("#0072B2", "^")}


def _flat(laws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Laws of three labels as places in the plane, the corners of a triangle of side 1."""
    return laws[..., 1] + 0.5 * laws[..., 2], np.sqrt(0.75) * laws[..., 2]


def _laws(laws: Any, size: int | None) -> dict[str, np.ndarray]:
    if not isinstance(laws, Mapping) or not laws:
        raise ValueError(f"laws is {checks.shown(laws)}: a mapping of names to laws is needed, at least one")
    named = {checks.text("a name of laws", name): law for name, law in laws.items()}
    return {name: checks.law(f"laws[{checks.shown(name)}]", law, size=size) for name, law in named.items()}


def draw_simplex(axes: Axes, grid: Any, values: Any, laws: Any, path: Any = None) -> None:
    """A loss on the simplex of three labels: contours, the teacher, the limit, and the path of descent.

    Parameters
    ----------
    axes : Axes
    grid : array_like, shape (G, 3)
        Laws.
    values : array_like, shape (G,)
        The loss at each; what is no number is left out.
    laws : mapping
        Name -> law, shape (3,); teacher, limit and read-out have looks of their own.
    path : array_like, shape (P, 3), optional
        Laws along gradient descent.
    """
    drawn_on(axes)
    laws = _laws(laws, 3)
    grid, values = checks.array_of_floats("grid", grid, ndim=2), checks.array_of_floats("values", values, ndim=1)
    if grid.shape != (values.size, 3):
        raise ValueError(f"grid has shape {grid.shape}: it must be {(values.size, 3)}, a law of three labels a value")
    kept = np.isfinite(values)
    if kept.sum() > 3 and np.ptp(values[kept]) > 1e-12:
        # Levels are denser where the loss is small: near its minimum.
        levels = np.unique(np.quantile(values[kept], np.linspace(0, 0.97, 18) ** 1.5))
        if levels.size > 1:
            axes.tricontour(*_flat(grid[kept]), values[kept], levels=levels, colors="#999999", linewidths=0.6)
    corners = np.vstack([np.eye(3), np.eye(3)[:1]])
    axes.plot(*_flat(corners), color="#555555", linewidth=0.8)
    if path is not None:
        places = checks.array_of_floats("path", path, ndim=2)
        if places.shape[1] != 3:
            raise ValueError(f"path has shape {places.shape}: a law of three labels a row is needed")
        axes.plot(*_flat(places), color="#D55E00", linewidth=1.0, label="descent")
    for (name, law), spare in zip(laws.items(), itertools.cycle(OTHERS), strict=False):
        colour, marker = ON_SIMPLEX.get(name, spare)
        axes.plot(*_flat(law), color=colour, marker=marker, markersize=8, linestyle="none", label=name, zorder=3)
    for label, corner in enumerate(np.eye(3)):
        x, y = _flat(corner)
        axes.annotate(str(label), (float(x), float(y)), (0, 4 if label == 2 else -10), textcoords="offset points")
    axes.set_aspect("equal")
    axes.set_axis_off()


def draw_laws(axes: Axes, laws: Any) -> None:
    """Laws of the labels as bars side by side.

    Parameters
    ----------
    axes : Axes
    laws : mapping
        Name -> law, all of one number of labels.
    """
    drawn_on(axes)
    laws = _laws(laws, None)
    wide = 0.8 / len(laws)
    for i, (name, heights) in enumerate(laws.items()):
        colour = ON_SIMPLEX.get(name, OTHERS[i % len(OTHERS)])[0]
        axes.bar(np.arange(heights.size) + i * wide, heights, wide, color=colour, label=name)
    axes.set_xlabel("label")
    axes.set_ylabel("probability")


def draw_gap(axes: Axes, gaps: pd.DataFrame, colour: str) -> None:
    """Bounds on a minimax risk over the best lower one, against n; the truth lies in the shaded band."""
    drawn_on(axes)
    checks.frame("gaps", gaps, ("n", "lower", "upper", "paper_lower", "paper_upper", "limit"))
    colour = colour_of(colour)
    n, base = gaps["n"], gaps["lower"]
    axes.fill_between(n, 1.0, gaps["upper"] / base, color=colour, alpha=0.2, linewidth=0, label="the truth is here")
    axes.plot(n, np.ones(len(n)), color=colour, label="best lower and upper bound")
    axes.plot(n, gaps["upper"] / base, color=colour)
    for side in ("paper_lower", "paper_upper"):
        axes.plot(n, gaps[side] / base, color="#555555", linestyle="--", linewidth=1.0, label="the paper's bounds")
    axes.plot(n, gaps["limit"] / base, color=colour, linestyle=":", linewidth=1.0, label="limit constant x rate")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.02, 50)
    axes.set_xlabel("number of samples n")
    axes.set_ylabel("ratio to lower bound")


def draw_shares(axes: Axes, worlds: pd.DataFrame, limit: float) -> None:
    """The risks of one instance as shares of the minimax limits, against n, with the limit that they tend to."""
    drawn_on(axes)
    checks.frame("worlds", worlds, ("learner", "n", "share"))
    limit = checks.positive("limit", limit)
    looks = looks_of(worlds)
    for name, rows in worlds.groupby("learner", sort=False):
        colour, marker = looks[str(name)]
        axes.plot(rows["n"], rows["share"], color=colour, marker=marker, label=LABEL.get(str(name), str(name)))
    axes.axhline(limit, color="#555555", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.1 * worlds["share"].max())
    axes.set_xlabel("number of samples n")
    axes.set_ylabel("risk / minimax limit")


def draw_plan(axes: Axes, plan: Plan) -> None:
    """Risk against n for each protocol of a plan: the mean, the risk that is kept with the confidence, and n itself.

    Parameters
    ----------
    axes : Axes
    plan : Plan
        One with curves: ``kt_theory.plan(..., curves=True)``, from a teacher or a pilot.

    Raises
    ------
    ValueError
        If the plan has no curves.
    """
    drawn_on(axes)
    checks.instance_of("plan", plan, Plan, "kt_theory.plan makes one")
    if plan.curves.empty:
        raise ValueError("the plan has no curves: ask for kt_theory.plan(..., curves=True) from a teacher or a pilot")
    axes.set_xscale("log")
    axes.set_yscale("log")
    learners = dict(zip(plan.table["protocol"], plan.table["learner"], strict=True))
    answers = plan.table.set_index("protocol")["n"].dropna()
    others = iter(OTHERS)
    floor = plan.target / 100
    for protocol, points in plan.curves.groupby("protocol", sort=False):
        known = LOOK.get(learners[protocol])
        colour, marker = (known[0], known[1]) if known else next(others)
        mean = points["mean"].where(points["mean"] > floor)
        axes.plot(points["n"], mean, color=colour, label=f"{protocol}, {learners[protocol]}")
        if not plan.on_average:
            axes.plot(points["n"], points["high"].where(points["high"] > floor), color=colour, linestyle=":")
        n = answers.get(protocol, 0)
        if n > 0:
            axes.plot([n], [plan.target], marker=marker, color=colour, linestyle="none", clip_on=False)
            axes.annotate(
                f"{n:,}", (n, plan.target), (3, 6), textcoords="offset points", color=colour, fontsize="small"
            )
    axes.axhline(plan.target, color="0.4", linewidth=0.8)
    axes.set_ylim(bottom=floor)
    axes.set_xlabel("n, samples")
    axes.set_ylabel("risk, total variation")
    kept = "mean" if plan.on_average else f"line: mean; dotted: kept with probability {plan.confidence:g}"
    axes.set_title(f"samples for a risk of at most {plan.target:g} ({kept})", fontsize="medium")
