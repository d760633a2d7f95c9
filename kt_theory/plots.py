"""Every matplotlib figure of the package: receipts in, pictures out. Theory is drawn from `bounds`, never retyped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from kt_theory.files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Colour and marker of each learner: told apart by shape where colour fails.
LOOK = {
    "CE_sgl": ("#D55E00", "o"),
    "CE_ptl": ("#CC79A7", "s"),
    "SEL_ptl": ("#0072B2", "^"),
    "CE_ful": ("#009E73", "D"),
    "ADD_sgl": ("#E69F00", "v"),
}
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
    """Draw a figure in the house style: yields its axes, shape (rows, columns), and then writes `stem`.png and .pdf.

    One legend goes above all panels. Each file is written whole, and the same drawing gives the same bytes. Nothing is
    written if the drawing fails. `width` is in inches, `height` in inches a row.
    """
    with as_file(files("kt_theory") / "kt_theory.mplstyle") as style, matplotlib.rc_context(fname=style):
        figure = Figure(figsize=(width, height * rows))
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False)
        yield axes
        _shared_legend(figure, axes)
        for suffix, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
            write_whole(f"{os.fspath(stem)}{suffix}", partial(figure.savefig, metadata=metadata))


def _shared_legend(figure: Figure, axes: np.ndarray) -> None:
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4)


def draw_curves(axes: Axes, receipts: pd.DataFrame, *, bold: str | None = None, floor: float = 0.0) -> None:
    """Mean risk against n, a curve per learner, error bars of two Monte Carlo standard errors.

    On logarithmic axes a mean of 0, or one below `floor`, has no place: it is drawn as a hollow marker on the lower
    edge. `bold` names a learner to stand out.
    """
    logarithmic = axes.get_yscale() == "log"
    for name, rows in receipts.groupby("learner", sort=False):
        colour, marker = LOOK[str(name)]
        strong = bold is None or name == bold
        below = (rows["mean"] <= 0) | (rows["mean"] < floor) if logarithmic else rows["mean"] < 0
        axes.errorbar(
            rows["n"][~below],
            rows["mean"][~below],
            yerr=2 * rows["mcse"][~below],
            color=colour,
            marker=marker,
            markersize=5.0 if strong else 3.5,
            linewidth=1.6 if strong else 0.9,
            alpha=1.0 if strong else 0.75,
            label=LABEL[str(name)],
            zorder=3 if strong else 2,
        )
        if below.any():
            axes.plot(
                rows["n"][below],
                np.full(below.sum(), 0.02),
                color=colour,
                marker=marker,
                markerfacecolor="white",
                linestyle="none",
                alpha=0.75,
                transform=axes.get_xaxis_transform(),
            )
    if axes.get_xscale() == "log" and receipts["n"].max() < 10 * receipts["n"].min():
        _plain_ticks(axes, receipts["n"].min(), receipts["n"].max())
    if floor > 0:
        axes.set_ylim(bottom=floor)
    axes.set_xlabel("number of samples n")
    axes.set_ylabel("expected risk (total variation)")


def _plain_ticks(axes: Axes, first: int, last: int) -> None:
    # Less than a decade holds one power of ten at most: label round numbers between them too.
    round_numbers = [m * 10**k // 2 for k in range(19) for m in (2, 3, 4, 6, 10, 14)]
    ticks = [tick for tick in round_numbers if first <= tick <= last]
    axes.set_xticks(ticks, labels=[f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def draw_band(
    axes: Axes, n: Sequence[int], lower: Callable[[Any], Any], upper: Callable[[Any], Any], colour: str
) -> None:
    """The band between a lower and an upper bound, each a function of n."""
    grid = np.unique(np.geomspace(min(n), max(n), 200).round().astype(np.int64))
    low, high = lower(grid), upper(grid)
    axes.fill_between(grid, low, high, color=colour, alpha=0.13, linewidth=0, zorder=0)
    for values in (low, high):
        axes.plot(grid, values, color=colour, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)


def note(axes: Axes, text: str, colour: str) -> None:
    """A few words in the upper right corner of a panel."""
    axes.text(0.98, 0.98, text, transform=axes.transAxes, ha="right", va="top", color=colour, fontsize=8.5, zorder=4)


def draw_exchange(axes: Axes, receipts: pd.DataFrame, *, against: str, learners: Sequence[str]) -> None:
    """At equal risk, how many samples of `against` one sample of each learner is worth, against the risk.

    The curves of mean risk are interpolated on log-log axes, over the risks that both learners reach on the grid.
    """
    curves = {}
    for name in (against, *learners):
        rows = receipts[(receipts["learner"] == name) & (receipts["mean"] > 0)].sort_values("n")
        # A risk that rises with n within its noise cannot be turned into "samples needed": keep the falling envelope.
        risk = np.minimum.accumulate(rows["mean"].to_numpy())
        falling = np.flatnonzero(np.diff(risk, prepend=np.inf) < 0)
        curves[name] = (np.log(risk[falling][::-1]), np.log(rows["n"].to_numpy()[falling][::-1]))
    for name in learners:
        low = max(curves[name][0][0], curves[against][0][0])
        high = min(curves[name][0][-1], curves[against][0][-1])
        log_risk = np.linspace(low, high, 200)
        ratio = np.exp(np.interp(log_risk, *curves[against]) - np.interp(log_risk, *curves[name]))
        axes.plot(np.exp(log_risk), ratio, color=LOOK[name][0], label=LABEL[name])
    axes.axhline(1, color="#555555", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_xaxis()
    axes.set_xlabel("risk to be reached")
    axes.set_ylabel(f"samples of {against} that\none sample is worth")
