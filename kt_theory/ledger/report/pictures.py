"""The two small pictures of a statement: its two sides against n, and how close they come. SVG by hand.

matplotlib needs a third of a second and forty kilobytes for such a pair, and its colours are fixed. By hand it is a
millisecond and a few kilobytes, every marker shows its place under the pointer, and the colours are the page's own, in
light and in dark. The classes used here are those of `page.css`.

Log axes cope with what has no logarithm: n = 0 has a slot of its own left of the others, and a side that is 0, infinite
or out of sight is a hollow marker on the edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from kt_theory.ledger.statement import Trial

#: Pixels of one panel, and where its axes are.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 190, 48, 330, 12, 154

#: Of a longer curve only so many points are drawn, the broken ones and the largest ratio always among them.
MOST = 30

#: Decades of a panel, at most: exponentially small sides fall out of it below.
DECADES = 18

#: No side is drawn at its place below this: what is allowed to rounding where both sides of an equality are 0.
NOTHING = 1e-250

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

#: Where a number lies on an axis, and whether that is its true place or the edge nearest to it.
Axis = Callable[[float], tuple[float, bool]]


def ledger_panels(curve: Sequence[Trial], names: tuple[str, str]) -> str:
    """Both panels of a curve, or nothing if no point of it can be drawn. `names` are words for lhs and rhs."""
    # Infinity against infinity has no ratio, and no place.
    points = thinned([trial for trial in curve if math.isfinite(trial.n) and not math.isnan(trial.ratio)])
    if not points:
        return ""
    along, ticks = across([trial.n for trial in points])
    worst = max(points, key=lambda trial: trial.ratio)
    near = f"{len(points)} values of n from {points[0].n:.6g} to {points[-1].n:.6g}; largest ratio "
    near += f"{ratio_text(worst.ratio)} at n = {worst.n:.6g}"
    sides = panel(f"{names[0]} (markers) and {names[1]} (line) against n, logarithmic axes: {near}.")
    sides += ticks + both_sides(points, along) + "</svg>"
    ratios = panel(f"Left side over right side against n: {near}.") + ticks + how_close(points, along) + "</svg>"
    return sides + ratios


def thinned(points: list[Trial]) -> list[Trial]:
    """At most about `MOST` of the points, in order."""
    if len(points) <= MOST:
        return points
    kept = {round(i * (len(points) - 1) / (MOST - 1)) for i in range(MOST)}
    kept.add(max(range(len(points)), key=lambda i: points[i].ratio))
    kept.update([i for i, trial in enumerate(points) if trial.broken][:MOST])
    return [points[i] for i in sorted(kept)]


def ratio_text(ratio: float) -> str:
    """A ratio to four digits; one next to 1 says on which side, since that is the question."""
    if math.isnan(ratio):
        return "-"
    if math.isinf(ratio):
        return "infinite"
    off = abs(ratio - 1)
    if 1e-12 < off < 5e-5:
        return f"1 {'+' if ratio > 1 else '-'} {off:.0e}"
    return f"{ratio:.4f}" if 1e-3 <= ratio < 1e3 or ratio == 0 else f"{ratio:.2e}"


def panel(label: str) -> str:
    """The start of a panel."""
    frame = f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>'
    return f'<svg class="panel" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{frame}'


# --- Axes -----------------------------------------------------------------------------------------------------


def across(values: Sequence[float]) -> tuple[Axis, str]:
    """The axis of n and its ticks: logarithmic, with a slot for 0; linear if there is anything below 0."""
    if min(values) < 0:
        low, high = min(values), max(values)
        at, marks = linear(low, high, LEFT + 12, RIGHT - 10), [low, high] if low < high else [low]
        return at, "".join(tick_below(at(value)[0], f"{value:.3g}") for value in marks)
    positive = [value for value in values if value > 0]
    slot, start = LEFT + 14, LEFT + (44 if 0 in values else 14)
    if not positive:
        return (lambda value: (slot, True)), tick_below(slot, "0")
    low, high = min(positive), max(positive)
    inner = logarithmic(low, high, start, RIGHT - 12)
    powers = decades(low, high)
    marks = powers if len(powers) > 1 else sorted({low, high})
    labels = [power_text(mark) if powers == marks else f"{mark:.4g}" for mark in marks]
    ticks = "".join(tick_below(inner(mark)[0], label) for mark, label in zip(marks, labels, strict=True))
    if 0 in values:
        ticks += tick_below(slot, "0") + f'<path class="gap" d="M{slot + 13} {BOTTOM - 4}l-3 8m7 -8l-3 8"/>'
    return (lambda value: inner(value) if value > 0 else (slot, True)), ticks


def linear(low: float, high: float, start: float, end: float) -> Axis:
    """A linear axis; everything is in the middle if there is but one number."""
    span = high - low

    def at(value: float) -> tuple[float, bool]:
        if not span > 0:
            return (start + end) / 2, True
        inside = min(max(value, low), high)
        return start + (end - start) * ((inside - low) / span), inside == value

    return at


def logarithmic(low: float, high: float, start: float, end: float) -> Axis:
    """A logarithmic axis; 0 goes to its lower edge, infinity to the upper one."""
    inner = linear(math.log10(low), math.log10(high), start, end)

    def at(value: float) -> tuple[float, bool]:
        return inner(math.log10(value) if value > 0 else -math.inf) if value < math.inf else inner(math.inf)

    return at


def decades(low: float, high: float) -> list[float]:
    """At most six powers of ten between two numbers."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first) / 5))
    # A power may leave the range of floats where the numbers themselves just do not.
    return [10.0**k for k in range(first, last + 1, step) if -307 <= k <= 308]


def between(low: float, high: float) -> list[tuple[float, str]]:
    """1, 2 and 5 times the powers of ten between two numbers, where there is no second power."""
    first = math.floor(math.log10(low))
    # Read from text, which gives the float next to the decimal, and 0 or infinity beyond the range of floats.
    numbers = [float(f"{m}e{k}") for k in range(first, first + 3) for m in (1, 2, 5)]
    return [(number, f"{number:.4g}") for number in numbers if low <= number <= high]


def power_text(power: float) -> str:
    """A power of ten as it is written by hand."""
    k = round(math.log10(power))
    return {0: "1", 1: "10"}.get(k, f"10{str(k).translate(SUPERSCRIPT)}")


def tick_below(x: float, label: str) -> str:
    """A tick of the axis of n."""
    return f'<path class="axis" d="M{x:.1f} {BOTTOM}v4"/><text x="{x:.1f}" y="{BOTTOM + 16}">{label}</text>'


def tick_left(y: float, label: str) -> str:
    """A grid line and its label."""
    line = f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>'
    return f'{line}<text class="left" x="{LEFT - 6}" y="{y + 4:.1f}">{label}</text>'


def title_below(words: str) -> str:
    """What is drawn, under the axis of n."""
    return f'<text x="{(LEFT + RIGHT) / 2:.0f}" y="{HEIGHT - 4}">{words}</text>'


# --- What is drawn --------------------------------------------------------------------------------------------


def both_sides(points: Sequence[Trial], along: Axis) -> str:
    """The left panel: rhs as a line, lhs as markers."""
    positive = [side for trial in points for side in (trial.lhs, trial.rhs) if NOTHING < side < math.inf]
    high = max(positive, default=1.0)
    low = max(min(positive, default=1.0), high * 10.0**-DECADES)
    if high < 10 * low:
        low, high = low / 3, min(high * 3, 1e308)
    up = logarithmic(low, max(high, low), BOTTOM - 10, TOP + 6)
    powers = decades(low, high)
    marks = [(mark, power_text(mark)) for mark in powers] if len(powers) > 1 else between(low, high)
    drawn = "".join(tick_left(up(mark)[0], label) for mark, label in marks) + title_below("both sides, over n")
    line, pen = [], "M"
    for trial in points:
        (x, _), (y, inside) = along(trial.n), up(trial.rhs)
        if inside:
            line.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L" if inside else "M"
    drawn += f'<path class="bound" d="{"".join(line)}"/>' if line else ""
    # A dash at every n: where the line is a single point, it would not be seen.
    for trial in points:
        (x, _), (y, inside) = along(trial.n), up(trial.rhs)
        drawn += f'<path class="bound{"" if inside else " off"}" d="M{x - 4:.1f} {y:.1f}h8"/>'
    return drawn + "".join(marker(trial, along(trial.n)[0], *up(trial.lhs)) for trial in points)


def how_close(points: Sequence[Trial], along: Axis) -> str:
    """The right panel: lhs / rhs, with a line at 1."""
    up = linear(0.0, 1.05, BOTTOM - 4, TOP + 6)
    drawn = "".join(tick_left(up(mark)[0], f"{mark:g}") for mark in (0.0, 0.5, 1.0)) + title_below("ratio, over n")
    drawn += f'<path class="one" d="M{LEFT} {up(1.0)[0]:.1f}H{RIGHT}"/>'
    places = [(along(trial.n)[0], *up(trial.ratio)) for trial in points]
    drawn += '<path class="thread" d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places) + '"/>'
    return drawn + "".join(marker(trial, *place) for trial, place in zip(points, places, strict=True))


#: Marker of each kind of evidence, as a path around its own centre: told apart by shape where colour fails.
SHAPES = {
    "exact": "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    "certified": "m-3.2 -3.2h6.4v6.4h-6.4z",
    "search": "m0 -4.4l4.2 7.4h-8.4z",
    "simulation": "m0 -4.8l4.6 4.8l-4.6 4.8l-4.6 -4.8z",
    "algebra": "m-3.2 -3.2l6.4 6.4m0 -6.4l-6.4 6.4",
}


def marker(trial: Trial, x: float, y: float, inside: bool) -> str:
    """A point that shows its place under the pointer; hollow on the edge if its own place is beyond."""
    looks = f"point {trial.kind}" + (" broken" if trial.broken else "") + ("" if inside else " off")
    words = f"n = {trial.n:.6g}: {trial.lhs:.4g} against {trial.rhs:.4g}, ratio {ratio_text(trial.ratio)}"
    words += f"{', BROKEN' if trial.broken else ''} ({trial.kind}; {trial.where})"
    return f'<path class="{looks}" d="M{x:.1f} {y:.1f}{SHAPES[trial.kind]}"><title>{escape(words)}</title></path>'
