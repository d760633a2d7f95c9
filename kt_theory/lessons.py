"""What the lessons share: an answer is checked, a table printed, a picture drawn.

The lessons are the scripts of ``simulations/lessons`` and, executed, the notebooks of ``docs/lessons``. A lesson states
its numbers; how they are laid out is here.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from kt_theory import checks
from kt_theory.files import write_whole
from kt_theory.plots.curves import LOOK, in_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Line", "Panel", "check", "draw", "table"]

#: Of lines that are no learner's: distinct for the colour-blind, after Okabe and Ito.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
#: Relative error of an answer that is right, and of one that is taken for the mistake that a lesson names.
RIGHT, SAME = 0.02, 0.005


def check(answer: Any, truth: float, wrong: float, why: str) -> None:
    """Check a reader's answer to a question: right within two percent.

    Parameters
    ----------
    answer : number, or Ellipsis
        What the reader wrote; `...` stands where nothing was written yet.
    truth : float
        The right answer.
    wrong : float
        An answer that many give.
    why : str
        Why that one is wrong: the end of a sentence, without its full stop.

    Raises
    ------
    ValueError
        If the answer is not right. The sentence says why, or in which direction it is off, or that it is no number.

    Examples
    --------
    >>> import kt_theory as kt
    >>> kt.lessons.check(1 / 4, 0.25, 0.5, "that is the sum of both halves")
    Right: 0.25.
    >>> kt.lessons.check(0.5, 0.25, 0.5, "that is the sum of both halves")
    Traceback (most recent call last):
    ValueError: 0.5 is not right: that is the sum of both halves.
    """
    truth, wrong, why = checks.number("truth", truth), checks.number("wrong", wrong), checks.text("why", why)
    if answer is ...:
        print("No answer yet: write a number, or a formula for it, in the place of the three dots.")
        return
    try:
        number = float(answer)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{checks.shown(answer)} is not one finite number: write one, or a formula for it.")
    if abs(number - truth) > RIGHT * abs(truth):
        known = abs(number - wrong) <= SAME * abs(wrong)
        reason = why if known else f"it is too {'small' if number < truth else 'large'}"
        raise ValueError(f"{number:.4g} is not right: {reason}.")
    print(f"Right: {_shown(truth)}.")


def table(columns: Mapping[str, Iterable[Any]]) -> None:
    """Print columns of numbers and words below their names: four digits, or all of an integer.

    Parameters
    ----------
    columns : mapping of str to sequences of one length

    Raises
    ------
    ValueError
        If the columns differ in length.

    Examples
    --------
    >>> import kt_theory as kt
    >>> kt.lessons.table({"learner": ["CE_sgl", "CE_ful"], "n": [10, 1000], "risk": [0.123456, 1 / 3000]})
    learner       n        risk
    CE_sgl       10      0.1235
    CE_ful    1,000   0.0003333
    """
    cells = {str(name): list(values) for name, values in columns.items()}
    if len({len(values) for values in cells.values()}) > 1:
        lengths = ", ".join(f"{name}: {len(values)}" for name, values in cells.items())
        raise ValueError(f"columns differ in length ({lengths}): each needs one value a row")
    laid = []
    for name, values in cells.items():
        texts = [name, *map(_shown, values)]
        words = all(isinstance(value, str) for value in values)
        width = max(map(len, texts))
        laid.append([text.ljust(width) if words else text.rjust(width) for text in texts])
    for row in zip(*laid, strict=True):
        print("   ".join(row).rstrip())


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return f"{float(value):.4g}"


@dataclass(frozen=True)
class Line:
    """One curve of a panel, or its points.

    Parameters
    ----------
    label : str
        In the legend; none if it is empty. A line whose label begins with the name of a learner of the package has
        that learner's colour and marker.
    x : sequence of numbers, a number, or None
        Where it is; None for a level, a horizontal line through all of the panel.
    y : sequence of numbers, or a number
    look : str
        A format of matplotlib, such as "o-" or "k--".
    colour : str
        A colour of matplotlib; if empty, the next one.
    mcse : sequence of numbers, optional
        Standard errors: two of them are drawn as bars.
    upto : sequence of numbers, optional
        The other edge of a band.
    """

    label: str
    x: Any
    y: Any
    look: str = ""
    colour: str = ""
    mcse: Any = None
    upto: Any = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes of a lesson's figure, and what is on it.

    Parameters
    ----------
    title : str
        The message.
    x, y : str
        The names of the axes.
    lines : sequence of Line
    bars : mapping of str to sequences of numbers
        Groups of bars side by side: label -> a height for each tick.
    ticks : sequence of str
        The names of the groups.
    log : str
        The logarithmic axes: "", "x", "y" or "xy".
    xlim, ylim : tuple of two numbers, optional
        The ends of the axes.
    bare : bool
        No axes, and one scale for both directions: for a triangle.
    """

    title: str
    x: str = ""
    y: str = ""
    lines: Sequence[Line] = ()
    bars: Mapping[str, Sequence[float]] = field(default_factory=dict)
    ticks: Sequence[str] = ()
    log: str = ""
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    bare: bool = False


def draw(name: str, *panels: Panel) -> None:
    """Draw a lesson's figure: below its cell in a notebook, otherwise into ``<name>.png`` where the reader stands.

    Parameters
    ----------
    name : str
        Of the figure.
    *panels : Panel
        From the left to the right.

    Raises
    ------
    ValueError
        If the name is no name of a file, there is no panel, or a panel's `log` names other axes than x and y.
    """
    if Path(name).name != name or not name:
        raise ValueError(f"name is {checks.shown(name)}: it must be the name of a file, without a folder or an ending")
    if not panels:
        raise ValueError("a figure needs one panel or more")
    size = (6.0, 3.3) if len(panels) == 1 else (4.3 * len(panels), 3.3)
    with in_style():
        figure = _notebook_figure(size) if "ipykernel" in sys.modules else Figure(figsize=size)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _draw_panel(axes, panel)
        if "ipykernel" not in sys.modules:
            path = write_whole(f"{name}.png", partial(figure.savefig, metadata={"Software": None}))
            print(f"drawn: {path}", file=sys.stderr)


def _notebook_figure(size: tuple[float, float]) -> Figure:
    """A figure that the notebook shows below the cell that makes it."""
    from matplotlib import pyplot

    return pyplot.figure(figsize=size)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    if set(panel.log) - set("xy"):
        raise ValueError(f"log is {checks.shown(panel.log)}: it must name axes, '', 'x', 'y' or 'xy'")
    axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axes.set(**{f"{axis}scale": "log" for axis in panel.log})
    # A colour that a learner of the panel has is no other line's.
    taken = {_colour_of(label) for label in [*panel.bars, *(line.label for line in panel.lines)]}
    colours = itertools.cycle(colour for colour in COLOURS if colour not in taken)
    width = 0.8 / max(len(panel.bars), 1)
    for place, (label, heights) in enumerate(panel.bars.items()):
        offset = (place - (len(panel.bars) - 1) / 2) * width
        at = np.arange(len(heights)) + offset
        axes.bar(at, heights, width, color=_colour_of(label) or next(colours), label=label)
    if panel.ticks:
        axes.set_xticks(np.arange(len(panel.ticks)), panel.ticks)
        axes.grid(visible=False, axis="x")
    for line in panel.lines:
        _draw_line(axes, line, colours)
    if panel.bare:
        axes.axis("off")
        axes.set_aspect("equal")
    if panel.xlim:
        axes.set_xlim(*panel.xlim)
    if panel.ylim:
        axes.set_ylim(*panel.ylim)
    if axes.get_legend_handles_labels()[0]:
        beside = (0.95, 0.6) if panel.bare else None
        axes.legend(fontsize=7.5, loc="center left" if panel.bare else "best", bbox_to_anchor=beside)


def _draw_line(axes: Axes, line: Line, colours: Iterable[str]) -> None:
    colour = line.colour or _colour_of(line.label) or ("black" if "k" in line.look else next(iter(colours)))
    learner = next((name for name in LOOK if line.label.startswith(name)), None)
    look = (line.look or (f"{LOOK[learner][1]}-" if learner else "-")).replace("k", "")
    label = line.label or None
    if line.upto is not None:
        axes.fill_between(line.x, line.y, line.upto, color=colour, linewidth=0, alpha=0.25, label=label)
    elif line.x is None:
        axes.axhline(line.y, linestyle=look, color=colour, linewidth=0.8, label=label)
    elif line.mcse is not None:
        axes.errorbar(line.x, line.y, 2 * np.asarray(line.mcse), fmt=look, color=colour, label=label)
    else:
        axes.plot(line.x, line.y, look, color=colour, label=label)


def _colour_of(label: str) -> str:
    """The colour of the learner whose name begins a label."""
    return next((colour for name, (colour, _) in LOOK.items() if label.startswith(name)), "")
