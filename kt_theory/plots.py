"""Every matplotlib figure of the package: receipts in, pictures out. Theory is computed by `bounds`."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from kt_theory import checks
from kt_theory.files import path_of, write_whole
from kt_theory.learners import Learner, resolve_learner
from kt_theory.planning import Plan
from kt_theory.rates import fit_rate, with_error
from kt_theory.showing import shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Colour and marker of each learner: distinct in shape as well as in colour.
LOOK = {
    "CE_sgl": ("#D55E00", "o"),
    "CE_ptl": ("#CC79A7", "s"),
    "SEL_ptl": ("#0072B2", "^"),
    "CE_ful": ("#009E73", "D"),
    "ADD_sgl": ("#E69F00", "v"),
}
#: Those of other learners, in the order in which a table has them.
OTHERS = (("#56B4E9", "P"), ("#000000", "X"), ("#999933", "*"), ("#882255", "h"), ("#44AA99", "<"), ("#AA4499", ">"))
#: The most axes of a figure, and the most inches across.
AXES_MAX, INCHES_MAX = 100, 100.0
#: The most letters of the name of a panel above its axes.
PANEL_WIDTH = 48

LABEL = {
    "CE_sgl": "CE_sgl (hard labels)",
    "CE_ptl": "CE_ptl (partial soft)",
    "SEL_ptl": "SEL_ptl (partial soft)",
    "CE_ful": "CE_ful (soft labels)",
    "ADD_sgl": "ADD_sgl (hard labels)",
}


@contextmanager
def drawing(
    stem: str | os.PathLike[str], rows: int, columns: int, *, width: float = 10.0, height: float = 3.2
) -> Iterator[np.ndarray]:
    """Draw a figure in the package's style: yields its axes, shape (rows, columns), then writes `stem`.png and .pdf.

    One legend goes above all axes. Each file is written whole, and the same drawing gives the same bytes. Nothing is
    written if the drawing fails. `width` is in inches, `height` in inches a row.
    """
    stem = path_of(stem, "stem")
    rows, columns = checks.whole_number("rows", rows, minimum=1), checks.whole_number("columns", columns, minimum=1)
    if rows * columns > AXES_MAX:
        raise ValueError(f"rows x columns is {rows} x {columns}: a figure has at most {AXES_MAX} axes")
    width, height = _inches("width", width), _inches("height", height)
    with _in_style():
        figure, axes = _empty(rows, columns, width, height)
        yield axes
        _shared_legend(figure, axes)
        _written(figure, stem)


@contextmanager
def _in_style() -> Iterator[None]:
    with as_file(files("kt_theory") / "kt_theory.mplstyle") as style, matplotlib.rc_context(fname=style):
        yield


def _empty(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(width, height * rows))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _written(figure: Figure, stem: str | os.PathLike[str]) -> None:
    for suffix, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
        write_whole(f"{os.fspath(stem)}{suffix}", partial(figure.savefig, metadata=metadata))


def _inches(name: str, value: Any) -> float:
    inches = checks.positive(name, value)
    if not 0.1 <= inches <= INCHES_MAX:
        raise ValueError(f"{name} is {inches:g}: it must be from 0.1 to {INCHES_MAX:g} inches")
    return inches


def _drawn_on(axes: Any) -> None:
    if not hasattr(axes, "transAxes"):
        raise ValueError(f"axes is {checks.shown(axes)}: the axes of a figure are needed, see kt_theory.plots.drawing")


def _colour(value: Any) -> str:
    if not isinstance(value, str) or not is_color_like(value):
        raise ValueError(f"colour is {checks.shown(value)}: it must be a colour of matplotlib, such as '#0072B2'")
    return value


def _learner(argument: str, value: Any, *frames: pd.DataFrame | None) -> str:
    """The name of a learner: of a Learner, of the package's, or one that a table has."""
    if isinstance(value, str) and any(frame is not None and (frame["learner"] == value).any() for frame in frames):
        return value
    return resolve_learner(value, argument).name


def _looks(*frames: pd.DataFrame | None) -> dict[str, tuple[str, str]]:
    """Colour and marker of every learner of some tables."""
    names = dict.fromkeys(str(name) for frame in frames if frame is not None for name in frame["learner"])
    others = itertools.cycle(OTHERS)
    return {name: LOOK[name] if name in LOOK else next(others) for name in names}


def _shared_legend(figure: Figure, axes: np.ndarray) -> None:
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    for name, label in LABEL.items():
        if label in handles:
            colour, marker = LOOK[name]
            handles[label] = Line2D([], [], color=colour, marker=marker)
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4)


def draw_curves(
    axes: Axes,
    panel: str,
    exact: pd.DataFrame | None,
    receipts: pd.DataFrame | None,
    *,
    bold: str | Learner | None = None,
    floor: float = 0.0,
) -> None:
    """Mean risk against n of one panel: a line per learner where it is exact, markers where it is simulated.

    Error bars are two Monte Carlo standard errors. On logarithmic axes a mean of 0, or one below `floor`, has no
    place: a simulated one is drawn as a hollow marker on the lower edge. `bold` is a learner to stand out. Learners of
    one's own get colours and markers in the order in which the tables have them, and their names as labels.
    """
    _drawn_on(axes)
    panel, floor = checks.text("panel", panel), checks.number("floor", floor)
    if not 0 <= floor < 1:
        raise ValueError(f"floor is {floor}: it must be a risk, from 0 to below 1")
    for name, frame in (("exact", exact), ("receipts", receipts)):
        if frame is not None:
            checks.frame(name, frame, ("panel", "learner", "n", "mean", *(["mcse"] if name == "receipts" else [])))
    if bold is not None:
        bold = _learner("bold", bold, exact, receipts)
    curves = _of_panel(exact, panel)
    points = _of_panel(receipts, panel)
    if not len(curves) + len(points):
        raise ValueError(f"panel is {checks.shown(panel)}: neither exact curves nor receipts have it")
    looks = _looks(exact, receipts)
    for name in dict.fromkeys([*curves["learner"], *points["learner"]]):
        line = curves[curves["learner"] == name].sort_values("n")
        simulated = points[points["learner"] == name]
        _draw_learner(axes, name, looks[name], line, simulated, bold is None or name == bold, floor)
    n = np.concatenate([curves["n"], points["n"]]).astype(np.int64)
    if axes.get_xscale() == "log" and n.max() < 10 * n.min():
        _plain_ticks(axes, int(n.min()), int(n.max()))
    if floor > 0:
        # Where a curve falls to 1e-300, matplotlib's own margin would leave as many decades above it.
        axes.set_ylim(floor, 2 * np.concatenate([curves["mean"], points["mean"], [floor]]).max())
    axes.set_xlabel("number of samples n")
    axes.set_ylabel("expected risk (total variation)")


def _of_panel(frame: pd.DataFrame | None, panel: str) -> pd.DataFrame:
    import pandas as pd

    if frame is None:
        return pd.DataFrame({"learner": [], "n": [], "mean": [], "mcse": []})
    return frame[frame["panel"] == panel]


def _draw_learner(
    axes: Axes, name: str, look: tuple[str, str], line: pd.DataFrame, points: pd.DataFrame, strong: bool, floor: float
) -> None:
    colour, marker = look
    alpha, order = (1.0, 3) if strong else (0.75, 2)
    logarithmic = axes.get_yscale() == "log"
    shown = line[line["mean"] > 0] if logarithmic else line
    label = LABEL.get(name, name)
    if len(shown):
        width = 1.6 if strong else 0.9
        axes.plot(shown["n"], shown["mean"], color=colour, linewidth=width, alpha=alpha, zorder=order, label=label)
        label = "_" + label
    below = (points["mean"] <= 0) | (points["mean"] < floor) if logarithmic else points["mean"] < 0
    if len(points):
        axes.errorbar(
            points["n"][~below],
            points["mean"][~below],
            yerr=2 * points["mcse"][~below],
            color=colour,
            marker=marker,
            markersize=5.0 if strong else 3.5,
            # Without an exact curve the markers are joined.
            linestyle="none" if len(line) else "-",
            linewidth=1.2,
            alpha=alpha,
            label=label,
            zorder=order,
        )
    if below.any():
        axes.plot(
            points["n"][below],
            np.full(below.sum(), 0.02),
            color=colour,
            marker=marker,
            markerfacecolor="white",
            linestyle="none",
            alpha=0.75,
            transform=axes.get_xaxis_transform(),
        )


def _plain_ticks(axes: Axes, first: int, last: int) -> None:
    # Less than a decade holds one power of ten at most: label round numbers between them too, where they fit.
    halves = (2, 4, 10) if last > 3 * first else (2, 3, 4, 6, 10, 14)
    round_numbers = [m * 10**k // 2 for k in range(19) for m in halves]
    ticks = [tick for tick in round_numbers if first <= tick <= last]
    axes.set_xticks(ticks, labels=[f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def draw_band(
    axes: Axes, n: Sequence[int], lower: Callable[[Any], Any], upper: Callable[[Any], Any], colour: str
) -> None:
    """The band between a lower and an upper bound, each a function of n."""
    _drawn_on(axes)
    n = checks.whole_numbers("n", n, minimum=1).tolist()
    lower, upper, colour = checks.function("lower", lower), checks.function("upper", upper), _colour(colour)
    grid = np.unique(np.geomspace(min(n), max(n), 200).round().astype(np.int64))
    low, high = (checks.array_of_floats("a bound", bound(grid), ndim=1) for bound in (lower, upper))
    axes.fill_between(grid, low, high, color=colour, alpha=0.13, linewidth=0, zorder=0)
    for values in (low, high):
        axes.plot(grid, values, color=colour, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)


def note(axes: Axes, text: str, colour: str) -> None:
    """A few words in the upper right corner of the axes."""
    _drawn_on(axes)
    text, colour = checks.text("text", text), _colour(colour)
    axes.text(0.98, 0.98, text, transform=axes.transAxes, ha="right", va="top", color=colour, fontsize=8.5, zorder=4)


#: Axes side by side in a figure of receipts.
ACROSS = 3


def draw_receipts(receipts: pd.DataFrame, stem: str | os.PathLike[str] | None = None) -> Figure:
    """A figure of the receipts of a study: axes for each panel, mean risk against n, and fitted slopes.

    Parameters
    ----------
    receipts : DataFrame
        From `kt_theory.study.run`, `kt_theory.study.exact` or a file of receipts; without the column panel, as from
        `kt_theory.simulate`, there is one.
    stem : path, optional
        Where to write `stem`.png and `stem`.pdf.

    Returns
    -------
    Figure
        Of matplotlib, to be written by its method ``savefig``. Axes are logarithmic. Error bars are two standard
        errors. The corner of the axes has the slope of each learner by `kt_theory.fit_rate`, "~" before one that is not
        resolved; learners without a slope are left out there.

    Raises
    ------
    ValueError
        If a column is missing, there is no row, or there are more than 100 panels.

    Examples
    --------
    >>> import kt_theory as kt
    >>> family = lambda n: kt.instance(1, S=2, A=4, n=n)
    >>> receipts = kt.study.exact([kt.study.Panel("hard labels", family, n=[100, 1000, 10**4])])
    >>> figure = draw_receipts(receipts)
    >>> [axes.get_title() for axes in figure.axes]
    ['hard labels']
    """
    receipts = checks.frame("receipts", receipts, ("learner", "n", "mean", "mcse", "reps"))
    if not len(receipts):
        raise ValueError("receipts has no row: there is nothing to draw")
    receipts = receipts.assign(panel=receipts["panel"].astype(str) if "panel" in receipts else "")
    panels = [*dict.fromkeys(receipts["panel"])]
    if len(panels) > AXES_MAX:
        raise ValueError(f"receipts has {len(panels)} panels: a figure has at most {AXES_MAX} axes; select some")
    slopes = fit_rate(receipts)
    looks = _looks(receipts)
    columns = min(ACROSS, len(panels))
    with _in_style():
        rows = math.ceil(len(panels) / columns)
        figure, grid = _empty(rows, columns, 1.6 + 3.4 * columns, 3.2)
        for axes, panel in zip(grid.flat, panels, strict=False):
            inside = receipts[receipts["panel"] == panel]
            axes.set_xscale("symlog" if (inside["n"] == 0).any() else "log")  # n = 0 has no logarithm
            axes.set_yscale("log" if (inside["mean"] > 0).any() else "linear")
            # Exact receipts have no error bars, and a line for markers.
            exact = (inside["reps"] == 0).all()
            draw_curves(axes, panel, receipts if exact else None, None if exact else receipts)
            axes.set_title(shown(panel, PANEL_WIDTH) if panel else "", fontsize="medium")
            _slopes(axes, slopes[slopes["panel"] == panel], looks)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        _shared_legend(figure, grid)
        if stem is not None:
            _written(figure, path_of(stem, "stem"))
    return figure


def _slopes(axes: Axes, fits: pd.DataFrame, looks: Mapping[str, tuple[str, str]]) -> None:
    """The slope of each learner in the lower left corner, in its colour."""
    known = fits[fits["points"] > 0]
    for i, fit in enumerate(reversed([*known.itertuples()])):
        sign = "" if fit.resolved else "~ "
        text = f"slope {sign}{with_error(fit.slope, fit.slope_se)}"
        axes.annotate(
            text,
            (0, 0),
            (4, 14 + 10 * i),  # above the hollow markers of the edge
            xycoords="axes fraction",
            textcoords="offset points",
            color=looks[fit.learner][0],
            fontsize=7.5,
            zorder=4,
        )


def draw_exchange(
    axes: Axes, receipts: pd.DataFrame, *, against: str | Learner, learners: Sequence[str | Learner]
) -> None:
    """At equal risk, how many samples of `against` one sample of each learner is worth, against the risk.

    The curves of mean risk are interpolated on log-log axes, over the risks that both learners reach on the grid.
    """
    _drawn_on(axes)
    checks.frame("receipts", receipts, ("learner", "n", "mean"))
    base = _learner("against", against, receipts)
    names = [_learner("learners", name, receipts) for name in checks.entries("learners", learners, "learners")]
    looks = _looks(receipts)
    for name in (base, *names):
        if not ((receipts["learner"] == name) & (receipts["mean"] > 0)).any():
            raise ValueError(f"receipts have no learner {name} with a positive mean risk")
    curves = {}
    for name in (base, *names):
        rows = receipts[(receipts["learner"] == name) & (receipts["mean"] > 0)].sort_values("n")
        # A risk that rises with n within its noise cannot be turned into "samples needed": keep the falling envelope.
        risk = np.minimum.accumulate(rows["mean"].to_numpy())
        falling = np.flatnonzero(np.diff(risk, prepend=np.inf) < 0)
        curves[name] = (np.log(risk[falling][::-1]), np.log(rows["n"].to_numpy()[falling][::-1]))
    for name in names:
        low = max(curves[name][0][0], curves[base][0][0])
        high = min(curves[name][0][-1], curves[base][0][-1])
        log_risk = np.linspace(low, high, 200)
        ratio = np.exp(np.interp(log_risk, *curves[base]) - np.interp(log_risk, *curves[name]))
        axes.plot(np.exp(log_risk), ratio, color=looks[name][0], label=LABEL.get(name, name))
    axes.axhline(1, color="#555555", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_xaxis()
    axes.set_xlabel("risk to be reached")
    axes.set_ylabel(f"samples of {base} that\none sample is worth")


def draw_teacher(
    stem: str | os.PathLike[str], panel: str, exact: pd.DataFrame, receipts: pd.DataFrame, *, floor: float
) -> None:
    """One teacher as a figure, `stem`.png and .pdf: its curves, and what SEL_ptl and CE_ful are worth in hard labels.

    Parameters
    ----------
    stem : path_like
    panel : str
        The panel of both frames, and the title.
    exact, receipts : DataFrame
        As `draw_curves` takes them; the receipts have the four learners of the paper.
    floor : float
        The lowest risk that is shown.
    """
    with drawing(stem, 1, 2, width=8.2, height=3.2) as axes:
        left, right = axes.flat
        left.set_xscale("log")
        left.set_yscale("log")
        draw_curves(left, panel, exact, receipts, floor=floor)
        left.set_title(panel)
        draw_exchange(right, receipts, against="CE_sgl", learners=["SEL_ptl", "CE_ful"])
        right.set_title("what privileged information buys")


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
    _drawn_on(axes)
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
    _drawn_on(axes)
    laws = _laws(laws, None)
    wide = 0.8 / len(laws)
    for i, (name, heights) in enumerate(laws.items()):
        colour = ON_SIMPLEX.get(name, OTHERS[i % len(OTHERS)])[0]
        axes.bar(np.arange(heights.size) + i * wide, heights, wide, color=colour, label=name)
    axes.set_xlabel("label")
    axes.set_ylabel("probability")


def draw_gap(axes: Axes, gaps: pd.DataFrame, colour: str) -> None:
    """Bounds on a minimax risk over the best lower one, against n; the truth lies in the shaded band."""
    _drawn_on(axes)
    checks.frame("gaps", gaps, ("n", "lower", "upper", "paper_lower", "paper_upper", "limit"))
    colour = _colour(colour)
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
    _drawn_on(axes)
    checks.frame("worlds", worlds, ("learner", "n", "share"))
    limit = checks.positive("limit", limit)
    looks = _looks(worlds)
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
    _drawn_on(axes)
    checks.instance_of("plan", plan, Plan, "kt_theory.plan makes one")
    if plan.curves.empty:
        raise ValueError("the plan has no curves: ask for kt_theory.plan(..., curves=True) from a teacher or a pilot")
    axes.set_xscale("log")
    axes.set_yscale("log")
    learners = dict(zip(plan.table["protocol"], plan.table["learner"], strict=True))
    others = iter(OTHERS)
    floor = plan.target / 100
    for protocol, points in plan.curves.groupby("protocol", sort=False):
        known = LOOK.get(learners[protocol])
        colour, marker = (known[0], known[1]) if known else next(others)
        mean = points["mean"].where(points["mean"] > floor)
        axes.plot(points["n"], mean, color=colour, label=f"{protocol}, {learners[protocol]}")
        if not plan.on_average:
            axes.plot(points["n"], points["high"].where(points["high"] > floor), color=colour, linestyle=":")
        n = plan.table.set_index("protocol")["n"][protocol]
        if n == n and n is not None and n > 0:
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
