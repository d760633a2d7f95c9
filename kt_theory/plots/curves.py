"""Figures of risk against n, and what they share: the style, the looks of learners, the legend."""

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
from matplotlib.text import Text
from matplotlib.ticker import NullLocator

from kt_theory import checks
from kt_theory.files import path_of, write_whole
from kt_theory.learners import Learner, resolve_learner
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
    stem: str | os.PathLike[str],
    rows: int,
    columns: int,
    *,
    title: str | None = None,
    width: float = 10.0,
    height: float = 3.2,
) -> Iterator[np.ndarray]:
    """Draw a figure in the package's style: yields its axes, shape (rows, columns), then writes `stem`.png and .pdf.

    `title` is its message, above one legend for all axes. Each file is written whole, and the same drawing gives the
    same bytes. Nothing is written if the drawing fails. `width` is in inches, `height` in inches a row.
    """
    stem = path_of(stem, "stem")
    rows, columns = checks.whole_number("rows", rows, minimum=1), checks.whole_number("columns", columns, minimum=1)
    if rows * columns > AXES_MAX:
        raise ValueError(f"rows x columns is {rows} x {columns}: a figure has at most {AXES_MAX} axes")
    width, height = _inches("width", width), _inches("height", height)
    title = None if title is None else checks.text("title", title)
    with in_style():
        figure, axes = _empty(rows, columns, width, height)
        yield axes
        _shared_legend(figure, axes, title)
        _written(figure, stem)


@contextmanager
def in_style() -> Iterator[None]:
    """The package's style, for figures that are made within."""
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


def drawn_on(axes: Any) -> None:
    if not hasattr(axes, "transAxes"):
        raise ValueError(f"axes is {checks.shown(axes)}: the axes of a figure are needed, see kt_theory.plots.drawing")


def colour_of(value: Any) -> str:
    if not isinstance(value, str) or not is_color_like(value):
        raise ValueError(f"colour is {checks.shown(value)}: it must be a colour of matplotlib, such as '#0072B2'")
    return value


def _learner(argument: str, value: Any, *frames: pd.DataFrame | None) -> str:
    """The name of a learner: of a Learner, of the package's, or one that a table has."""
    if isinstance(value, str) and any(frame is not None and (frame["learner"] == value).any() for frame in frames):
        return value
    return resolve_learner(value, argument).name


def looks_of(*frames: pd.DataFrame | None) -> dict[str, tuple[str, str]]:
    """Colour and marker of every learner of some tables."""
    names = dict.fromkeys(str(name) for frame in frames if frame is not None for name in frame["learner"])
    others = itertools.cycle(OTHERS)
    return {name: LOOK[name] if name in LOOK else next(others) for name in names}


def _shared_legend(figure: Figure, axes: np.ndarray, title: str | None) -> None:
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    # The learners of the package come first, in one order in every figure.
    known = {
        label: Line2D([], [], color=LOOK[name][0], marker=LOOK[name][1])
        for name, label in LABEL.items()
        if label in handles
    }
    handles = known | {label: handle for label, handle in handles.items() if label not in known}
    if handles:
        above = figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, title=title)
        above.get_title().set(fontsize=10, fontweight="bold", parse_math=False)
    elif title is not None:
        figure.suptitle(title, fontsize=10, fontweight="bold", parse_math=False)


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
    one's own get colours and markers in the order in which the tables have them, and their names as labels. A learner
    that another one covers, or that lies below the axis everywhere, is named in a note above the lower edge.
    """
    drawn_on(axes)
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
    looks = looks_of(exact, receipts)
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
    words = _hidden(axes, curves if len(curves) else points, bold, floor)
    if words:
        axes.text(0.02, 0.08, words, transform=axes.transAxes, fontsize=7, color="#555555", zorder=4)


#: Neighbours of a grid of n further apart than this factor are not interpolated.
COARSE = 4
#: Curves nearer than this share of the height of their axes cannot be told apart.
APART = 0.02


def _hidden(axes: Axes, rows: pd.DataFrame, bold: str | None, floor: float) -> str:
    """Which learners of a panel cannot be seen: below the axis at every n, or under one that is drawn after it."""
    logarithmic = axes.get_yscale() == "log"
    low, high = np.log10(axes.get_ylim()) if logarithmic else axes.get_ylim()
    shown: dict[str, pd.Series] = {}
    for name, own in rows.groupby("learner", sort=False):
        risk = own.set_index("n")["mean"]
        visible = risk[(risk > 0) & (risk >= floor)] if logarithmic else risk
        shown[str(name)] = np.log10(visible) if logarithmic else visible
    gone = [name for name, risk in shown.items() if risk.empty]
    words = [f"below the axis: {', '.join(gone)}"] if gone else []
    order = sorted(shown, key=lambda name: name == bold)
    for place, name in enumerate(order):
        for above in order[place + 1 :]:
            risk, other = shown[name].align(shown[above], join="left")
            if len(risk) and ((risk - other).abs() <= APART * (high - low)).all():
                words.append(f"{name} lies under {above}")
                break
    return "\n".join(words)


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
    drawn_on(axes)
    n = checks.whole_numbers("n", n, minimum=1).tolist()
    lower, upper, colour = checks.function("lower", lower), checks.function("upper", upper), colour_of(colour)
    grid = np.unique(np.geomspace(min(n), max(n), 200).round().astype(np.int64))
    low, high = (checks.array_of_floats("a bound", bound(grid), ndim=1) for bound in (lower, upper))
    axes.fill_between(grid, low, high, color=colour, alpha=0.13, linewidth=0, zorder=0)
    for values in (low, high):
        axes.plot(grid, values, color=colour, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)


def draw_triangle(axes: Axes, corner: tuple[float, float], slope: float, colour: str, *, decades: float = 0.5) -> None:
    """A guide triangle on logarithmic axes: `decades` across, and by `slope` times as many down.

    Parameters
    ----------
    axes : Axes
    corner : (float, float)
        n and risk where the side that falls begins, both positive.
    slope : float
        Negative; written beside the upright side.
    colour : str
    decades : float
        Width. Where it is negative the triangle lies above its falling side, else below.
    """
    drawn_on(axes)
    colour, slope, decades = colour_of(colour), checks.number("slope", slope), checks.number("decades", decades)
    n, risk = checks.array_of_floats("corner", corner, ndim=1).tolist() if np.size(corner) == 2 else (0.0, 0.0)
    if not (0 < n < 1e100 and 1e-100 < risk < 1e100):
        raise ValueError(f"corner is {checks.shown(corner)}: it must be two positive numbers, n and a risk")
    if not (-10 <= slope < 0 and 0 < abs(decades) <= 10):
        raise ValueError(f"slope is {slope} over {decades} decades: it must be from -10 to below 0, over at most 10")
    wide = abs(decades)
    end, low = n * 10**wide, risk * 10 ** (slope * wide)
    upright, level = (end, risk) if decades < 0 else (n, low)
    axes.plot([n, end, upright, n], [risk, low, level, risk], color=colour, linewidth=0.9)
    beside, over = ("left", "bottom") if decades < 0 else ("right", "top")
    axes.annotate("1", (n * 10 ** (wide / 2), level), (0, 2 if decades < 0 else -2), textcoords="offset points",
                  color=colour, fontsize=8, ha="center", va=over)  # fmt: skip
    axes.annotate(f"{-slope:g}", (upright, (risk * low) ** 0.5), (3 if decades < 0 else -3, 0), color=colour,
                  textcoords="offset points", fontsize=8, ha=beside, va="center")  # fmt: skip


def note(axes: Axes, text: str, colour: str) -> None:
    """A few words in the upper right corner of the axes."""
    drawn_on(axes)
    text, colour = checks.text("text", text), colour_of(colour)
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
    looks = looks_of(receipts)
    columns = min(ACROSS, len(panels))
    with in_style():
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
        _shared_legend(figure, grid, None)
        if stem is not None:
            _written(figure, path_of(stem, "stem"))
    return figure


def _slopes(axes: Axes, fits: pd.DataFrame, looks: Mapping[str, tuple[str, str]]) -> None:
    """The slope of each learner in the lower left corner, in its colour, above the note on learners that are hidden."""
    known = fits[fits["points"] > 0]
    noted = sum(9 * len(text.get_text().splitlines()) for text in axes.texts)
    for i, fit in enumerate(reversed([*known.itertuples()])):
        sign = "" if fit.resolved else "~ "
        text = f"slope {sign}{with_error(fit.slope, fit.slope_se)}"
        axes.annotate(
            text,
            (0, 0),
            (4, 14 + noted + 10 * i),  # above the hollow markers of the edge
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
    drawn_on(axes)
    checks.frame("receipts", receipts, ("learner", "n", "mean"))
    base = _learner("against", against, receipts)
    names = [_learner("learners", name, receipts) for name in checks.entries("learners", learners, "learners")]
    looks = looks_of(receipts)
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
    axes.set_xlabel("risk to be reached (total variation)")
    axes.set_ylabel(f"samples of {base} that\none sample is worth")


def draw_teacher(
    stem: str | os.PathLike[str],
    panel: str,
    exact: pd.DataFrame,
    receipts: pd.DataFrame,
    *,
    floor: float,
    target: float = 0.1,
    title: str | None = None,
) -> None:
    """One teacher as a figure, `stem`.png and .pdf: its curves, and what SEL_ptl and CE_ful are worth in hard labels.

    Curves are named where they end. Where one reaches `target`, n stands beside it to two digits, interpolated, if the
    grid is fine enough for that.

    Parameters
    ----------
    stem : path_like
    panel : str
        The panel of both frames, and the title of its curves.
    exact, receipts : DataFrame
        As `draw_curves` takes them; the receipts have the four learners of the paper.
    floor : float
        The lowest risk that is shown, positive.
    target : float
        The risk that is marked, from `floor` to below 1.
    title : str, optional
        The message of the figure.
    """
    checks.frame("receipts", receipts, ("panel", "learner", "n", "mean", "mcse"))
    floor, target = checks.number("floor", floor), checks.number("target", target)
    if not 0 < floor <= target < 1:
        raise ValueError(f"target is {target}: it must be a risk from floor, {floor}, to below 1; floor is positive")
    with drawing(stem, 1, 2, title=title, width=9.2, height=3.7) as axes:
        left, right = axes.flat
        left.set_xscale("log")
        left.set_yscale("log")
        # Curves leave the axes below without markers on the edge: they are named where they do.
        draw_curves(left, panel, exact, receipts[receipts["mean"] >= floor], floor=floor)
        left.set_title(panel)
        left.set_xlim(right=60 * receipts["n"].max())
        named = []
        for name, rows in receipts[receipts["panel"] == panel].groupby("learner"):
            if name in LOOK and (rows["mean"] >= floor).any():
                named.append(_name_curve(left, str(name), rows.sort_values("n"), floor))
                if _mark_target(left, str(name), rows.sort_values("n"), target):
                    left.set_title(f"{panel}:\nhow many samples for a risk of {target:g}")
                    left.axhline(target, color="#555555", linewidth=0.8)
        draw_exchange(right, receipts, against="CE_sgl", learners=["SEL_ptl", "CE_ful"])
        right.set_title("the smaller the risk, the more a probability is worth")
        for line in right.lines[:2]:
            n, worth = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            label = str(line.get_label()).replace(" (", "\n(")
            right.annotate(label, (n[60], worth[60]), (6, 6), textcoords="offset points", color=line.get_color())
        right.text(0.98, 1.08, "one hard label", transform=right.get_yaxis_transform(), ha="right", fontsize=8)
        for ax in (left, right):
            for handle in [*ax.lines, *ax.containers]:
                handle.set_label("_named where it ends")
        left.figure.draw_without_rendering()
        _off_the_curves(left, named)


def _off_the_curves(axes: Axes, names: Sequence[Text]) -> None:
    """Move each name to the left of the end of its curve where a line runs through it on the right, once laid out."""
    for name in names:
        box = name.get_window_extent()
        if any(line.get_transform().transform_path(line.get_path()).intersects_bbox(box, False) for line in axes.lines):
            name.set_horizontalalignment("right")
            name.set_position((-8, -9))


def _name_curve(axes: Axes, name: str, rows: pd.DataFrame, floor: float) -> Text:
    """The name of a curve where it ends."""
    n, risk = rows["n"].to_numpy(dtype=float), rows["mean"].to_numpy(dtype=float)
    last = np.flatnonzero(risk >= floor)[-1]
    words = LABEL[name].replace(" (", "\n(")
    return axes.annotate(
        words, (n[last], risk[last]), (7, 0), textcoords="offset points", color=LOOK[name][0], va="center"
    )


def _mark_target(axes: Axes, name: str, rows: pd.DataFrame, target: float) -> bool:
    """The n at which a curve reaches the target, and whether it does: hard labels above, where no other curve is."""
    colour = LOOK[name][0]
    n, risk = rows["n"].to_numpy(dtype=float), rows["mean"].to_numpy(dtype=float)
    below = np.flatnonzero(risk <= target)
    reached = bool(below.size and below[0] > 0 and n[below[0]] <= COARSE * n[below[0] - 1])
    if reached:
        # A cubic through four points in the logarithms: on four points a decade it is true to half a percent.
        near = slice(max(below[0] - 2, 0), below[0] + 2)
        known = np.log(risk[near]), np.log(n[near])
        cubic = np.polynomial.Polynomial.fit(*known, known[0].size - 1)
        at = float(f"{np.exp(cubic(np.log(target))):.1e}")
        axes.plot([at], [target], marker="o", markersize=7, markerfacecolor="white", color=colour, zorder=5)
        place, side = ((5, 5), "left") if name == "CE_sgl" else ((-4, -13), "right")
        axes.annotate(
            f"{at:,.0f}", (at, target), place, textcoords="offset points", ha=side, color=colour, weight="bold"
        )
    return reached
