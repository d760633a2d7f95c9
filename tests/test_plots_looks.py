"""What each figure draws, artist by artist: places, looks, order, words, and what is refused."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import kt_theory as kt
from kt_theory import plots
from kt_theory.plots import curves
from kt_theory.plots.curves import in_style, looks_of
from kt_theory.showing import shown

BLUE, RED, GREY = plots.LOOK["SEL_ptl"][0], plots.LOOK["CE_sgl"][0], "#555555"


def line_looks(line):
    """Colour, width, style, marker and its size, transparency, order and label of a line."""
    style = line.get_linestyle()
    return (
        to_hex(line.get_color()).upper(),
        line.get_linewidth(),
        style,
        None if line.get_marker() == "None" else (line.get_marker(), line.get_markersize()),
        line.get_alpha(),
        line.get_zorder(),
    )


def words(axes):
    """Each text: what, where, how far off, side, height of it, colour, size."""
    return [
        (
            text.get_text(),
            tuple(np.round(text.xy if hasattr(text, "xy") else text.get_position(), 12).tolist()),
            tuple(text.get_position()) if hasattr(text, "xyann") else None,
            text.get_ha(),
            text.get_va(),
            to_hex(text.get_color()).upper(),
            text.get_fontsize(),
        )
        for text in axes.texts
    ]


def frame(**risks):
    """Receipts of a panel p: for each learner its means at n = 10, 100, 1000 and a Monte Carlo error of 1/64."""
    rows = [("p", name, n, mean, 1 / 64, 8) for name, means in risks.items() for n, mean in zip((10, 100, 1000), means)]  # noqa: B905
    return pd.DataFrame(rows, columns=["panel", "learner", "n", "mean", "mcse", "reps"])


def logarithmic():
    axes = Figure().subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    return axes


#: For what is refused before anything is drawn.
SPARE = Figure().subplots()
EXACT = frame(CE_sgl=(0.5, 0.25, 0.125), SEL_ptl=(0.5, 0.0625, 0.0))


def test_exact_curves_have_the_look_of_their_learner():
    # Oracle: definition of the style: a line each, the bold one wider, opaque and above; markers where simulated
    axes = logarithmic()
    plots.draw_curves(axes, "p", EXACT, None, bold="SEL_ptl")
    first, second = axes.lines
    assert line_looks(first) == (RED, 0.9, "-", None, 0.75, 2)
    assert line_looks(second) == (BLUE, 1.6, "-", None, 1.0, 3)
    assert first.get_xydata().tolist() == [[10, 0.5], [100, 0.25], [1000, 0.125]]
    assert second.get_xydata().tolist() == [[10, 0.5], [100, 0.0625]]  # 0 has no place
    assert [line.get_label() for line in axes.lines] == ["CE_sgl (hard labels)", "SEL_ptl (partial soft)"]
    linear = Figure().subplots()
    plots.draw_curves(linear, "p", EXACT, None)
    assert linear.lines[1].get_xydata().tolist()[-1] == [1000, 0]
    assert [line_looks(line)[1:] for line in linear.lines] == [(1.6, "-", None, 1.0, 3)] * 2


@pytest.mark.parametrize("with_line", [True, False])
def test_simulated_risks_are_markers_with_two_errors(with_line):
    # Oracle: definition: bars of twice the Monte Carlo error; joined where no exact curve is; hollow on the edge below
    axes = logarithmic()
    plots.draw_curves(axes, "p", EXACT if with_line else None, EXACT, bold="CE_sgl")
    bars = axes.containers
    assert len(bars) == 2
    for bar, size, alpha, order, means in zip(
        bars, (5.0, 3.5), (1.0, 0.75), (3, 2), ([0.5, 0.25, 0.125], [0.5, 0.0625]), strict=True
    ):
        line = bar.lines[0]
        assert line_looks(line)[1:] == (
            1.2,
            "None" if with_line else "-",
            (line.get_marker(), size),
            alpha,
            order + 0.1,
        )
        assert line.get_ydata().tolist() == means
        (segments,) = (piece.get_segments() for piece in bar.lines[2])
        assert [(s[0, 1], s[1, 1]) for s in segments] == [(m - 1 / 32, m + 1 / 32) for m in means]
    assert [bar.lines[0].get_marker() for bar in bars] == ["o", "^"]
    assert [bar.get_label().startswith("_") for bar in bars] == [with_line] * 2
    hollow = axes.lines[-1]
    assert hollow.get_xydata().tolist() == [[1000, 0.02]]
    assert line_looks(hollow)[0::4] == (BLUE, 0.75)
    assert (hollow.get_linestyle(), hollow.get_marker(), hollow.get_markerfacecolor()) == ("None", "^", "white")
    assert hollow.get_transform() == axes.get_xaxis_transform()


def test_what_is_below_the_floor_is_on_the_edge_and_the_axis_starts_there():
    # Oracle: definition: from the floor to twice the largest mean; 0.0625 is not below a floor of 0.0625
    axes = logarithmic()
    plots.draw_curves(axes, "p", None, EXACT, floor=0.0625)
    assert axes.get_ylim() == (0.0625, 1.0)
    assert [len(line.get_xdata()) for line in axes.lines if line.get_markerfacecolor() == "white"] == [1]
    axes = logarithmic()
    plots.draw_curves(axes, "p", None, EXACT, floor=0.07)
    assert [len(line.get_xdata()) for line in axes.lines if line.get_markerfacecolor() == "white"] == [2]
    axes = logarithmic()
    plots.draw_curves(axes, "p", None, frame(CE_sgl=(0.01, 0.005, 0.002)), floor=0.5)
    assert axes.get_ylim() == (0.5, 1.0)
    with_nothing = Figure().subplots()
    plots.draw_curves(with_nothing, "p", None, EXACT)  # a linear axis has a place for 0
    assert [line for line in with_nothing.lines if line.get_markerfacecolor() == "white"] == []


@pytest.mark.parametrize(
    ("n", "labels"),
    [
        ((10, 30), ["10", "15", "20", "30"]),
        ((10, 31), ["10", "20"]),
        ((2000, 7000), ["2,000", "5,000"]),
    ],
)
def test_less_than_a_decade_has_round_ticks(n, labels):
    # Oracle: by hand, 1, 2, 5 times powers of ten; up to a factor of three 1, 1.5, 2, 3, 5, 7 times them
    axes = logarithmic()
    rows = pd.DataFrame({"panel": "p", "learner": "CE_sgl", "n": n, "mean": [0.5, 0.25], "mcse": 0.0})
    plots.draw_curves(axes, "p", None, rows)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == labels
    assert len(axes.get_xticks(minor=True)) == 0


def test_a_decade_keeps_the_ticks_of_the_axis():
    # Oracle: definition, ten times n is a decade
    axes = logarithmic()
    rows = pd.DataFrame({"panel": "p", "learner": "CE_sgl", "n": [10, 100], "mean": [0.5, 0.25], "mcse": 0.0})
    plots.draw_curves(axes, "p", None, rows)
    assert len(axes.get_xticks(minor=True)) > 0


@pytest.mark.parametrize(
    ("gap", "note"), [(0.018, "CE_sgl lies under SEL_ptl"), (-0.018, "CE_sgl lies under SEL_ptl"), (0.022, "")]
)
def test_a_curve_lies_under_another_within_a_fiftieth_of_the_axes(gap, note):
    # Oracle: by hand, on an axis from 0 to 1; the curve that is drawn later is above
    axes = Figure().subplots()
    axes.set_ylim(0, 1)
    curve = np.array([0.5, 0.25, 0.125])
    plots.draw_curves(axes, "p", frame(CE_sgl=curve, SEL_ptl=curve + gap), None)
    axes.set_ylim(0, 1)
    assert curves._hidden(axes, frame(CE_sgl=curve, SEL_ptl=curve + gap), None, 0.0) == note
    bold = curves._hidden(axes, frame(CE_sgl=curve, SEL_ptl=curve + gap), "CE_sgl", 0.0)
    assert bold == ("SEL_ptl lies under CE_sgl" if note else "")


def test_notes_on_hidden_learners_are_grey_above_the_edge():
    # Oracle: definition; a learner under two others is named once, one whose risk is below the axis at every n, too
    axes = logarithmic()
    same = (0.5, 0.25, 0.125)
    risks = frame(CE_sgl=same, SEL_ptl=same, CE_ptl=same, CE_ful=(0, 0, 0), ADD_sgl=(0.5, 0, 0))
    plots.draw_curves(axes, "p", risks, None)
    ((text, place, _, side, height, colour, size),) = words(axes)
    assert text.splitlines() == [
        "below the axis: CE_ful",
        "CE_sgl lies under SEL_ptl",
        "SEL_ptl lies under CE_ptl",
    ]
    assert (place, side, height, colour, size) == ((0.02, 0.08), "left", "baseline", GREY, 7)
    assert axes.texts[0].get_zorder() == 4
    assert axes.texts[0].get_transform() == axes.transAxes
    # A curve that has no place at one n is compared where it has one.
    half = logarithmic()
    plots.draw_curves(half, "p", frame(CE_sgl=(0.5, 0.25, 0), SEL_ptl=(0.5, 0.25, 0.1)), None)
    assert words(half)[0][0] == "CE_sgl lies under SEL_ptl"
    other = logarithmic()
    plots.draw_curves(other, "p", frame(CE_sgl=(0.5, 0.25, 0.1), SEL_ptl=(0.5, 0.25, 0)), None)
    assert words(other) == []  # where the upper one ends the lower one is seen


def test_bands_have_edges_of_dashes():
    # Oracle: definition of the style; n from the least to the largest, each whole number once
    axes = Figure().subplots()
    plots.draw_band(axes, [1000, 10], lambda n: 1 / n, lambda n: 2 / n, "#123456")
    (band,) = axes.collections
    assert (band.get_alpha(), band.get_linewidth().tolist(), band.get_zorder()) == (0.13, [0], 0)
    lower, upper = axes.lines
    n = lower.get_xdata()
    assert (n[0], n[-1], len(np.unique(n)) == len(n)) == (10, 1000, True)
    assert np.array_equal(n, np.unique(np.geomspace(10, 1000, 200).round()))
    for line in (lower, upper):
        assert line_looks(line)[:2] == ("#123456", 0.8)
        assert line.get_zorder() == 1
        assert line._unscaled_dash_pattern == (0, (4, 2))
    with pytest.raises(ValueError, match="colour is 'no colour': it must be a colour of matplotlib"):
        plots.draw_band(axes, [10], lambda n: n, lambda n: n, "no colour")
    with pytest.raises(ValueError, match="colour is 3"):
        plots.draw_band(axes, [10], lambda n: n, lambda n: n, 3)
    with pytest.raises(ValueError, match="axes is 3: the axes of a figure are needed"):
        plots.draw_band(3, [10], lambda n: n, lambda n: n, "#000000")


def test_triangles_and_notes_have_their_places():
    # Oracle: definition; the words beside the sides are 2 and 3 points off them, outside
    for decades, (beside, over), (across, along) in (
        (0.5, ("right", "top"), (-3, -2)),
        (-0.5, ("left", "bottom"), (3, 2)),
    ):
        axes = logarithmic()
        plots.draw_triangle(axes, (100.0, 0.1), -0.5, "#123456", decades=decades)
        level, upright = words(axes)
        assert (level[2:5], level[6]) == (((0, along), "center", over), 8)
        assert (upright[2:5], upright[6]) == (((across, 0), beside, "center"), 8)
        assert line_looks(axes.lines[0])[:2] == ("#123456", 0.9)
    assert plots.draw_triangle.__kwdefaults__ == {"decades": 0.5}
    for arguments, said in (
        (((0, 0.1), -0.5), "corner is .*: it must be two positive numbers"),
        (((1e100, 0.1), -0.5), "corner"),
        (((10, 1e-100), -0.5), "corner"),
        (((10, 1e100), -0.5), "corner"),
        (((10, 0.1, 3), -0.5), "corner"),
        (((10, 0.1), 0), "slope is 0.0 over 0.5 decades: it must be from -10 to below 0"),
        (((10, 0.1), -10.5), "slope is -10.5"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.draw_triangle(SPARE, *arguments, "#000000")
    for decades in (0, 10.5, -10.5):
        with pytest.raises(ValueError, match="over at most 10"):
            plots.draw_triangle(SPARE, (10, 0.1), -0.5, "#000000", decades=decades)
    plots.draw_triangle(logarithmic(), (10, 0.1), -10, "#000000", decades=10)
    axes = Figure().subplots()
    plots.note(axes, "words", "#123456")
    assert words(axes) == [("words", (0.98, 0.98), None, "right", "top", "#123456", 8.5)]
    assert (axes.texts[0].get_zorder(), axes.texts[0].get_transform()) == (4, axes.transAxes)


def test_figures_have_sizes_titles_and_one_legend(tmp_path, monkeypatch):
    # Oracle: definition: width in inches, height a row; four columns of a legend above; a title alone where it has none
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, target, **_: figures.append(figure))
    with plots.drawing(tmp_path / "a", 2, 3) as axes:
        assert axes.shape == (2, 3)
        axes[0, 0].plot([1], [1], label="mine")
        axes[1, 2].plot([1], [1], label="mine")
        axes[0, 1].plot([1], [1], color=RED, label="CE_sgl (hard labels)")
    assert figures[-1].get_size_inches().tolist() == [10, 6.4]
    (legend,) = figures[-1].legends
    assert [text.get_text() for text in legend.get_texts()] == ["CE_sgl (hard labels)", "mine"]
    assert [(line.get_marker(), line.get_color()) for line in legend.get_lines()[:1]] == [("o", RED)]
    assert (legend._ncols, legend.get_title().get_text()) == (4, "")
    for title, drawn in ((None, None), ("a $5 message", "a $5 message")):
        with plots.drawing(tmp_path / "a", 1, 1, title=title, width=4, height=0.1):
            pass
        assert figures[-1].legends == []
        assert figures[-1].get_suptitle() == (drawn or "")
        assert figures[-1].get_size_inches().tolist() == [4, 0.1]
    assert (figures[-1]._suptitle.get_fontsize(), figures[-1]._suptitle.get_fontweight()) == (10, "bold")
    assert not figures[-1]._suptitle.get_parse_math()
    with plots.drawing(tmp_path / "a", 1, 1, title="words") as axes:
        axes[0, 0].plot([1], [1], label="mine")
    above = figures[-1].legends[0].get_title()
    assert (above.get_text(), above.get_fontsize(), above.get_fontweight()) == ("words", 10, "bold")
    assert not above.get_parse_math()
    assert len(figures) == 2 * 4  # .png and .pdf
    for change, said in (
        ({"rows": 0}, "rows is 0"),
        ({"columns": 0}, "columns is 0"),
        ({"rows": 101}, "rows x columns is 101 x 1: a figure has at most 100 axes"),
        ({"width": 0.09}, r"width is 0\.09: it must be from 0\.1 to 100 inches"),
        ({"height": 101}, "height is 101"),
    ):
        given = {"rows": 1, "columns": 1} | change
        with pytest.raises(ValueError, match=said), plots.drawing(tmp_path / "a", **given):
            pass


def test_ten_by_ten_axes_are_allowed(monkeypatch):
    # Oracle: definition, at most 100 axes; nothing is laid out here
    monkeypatch.setattr(
        curves,
        "_empty",
        lambda rows, columns, width, height: (_ for _ in ()).throw(KeyError((rows, columns, width, height))),
    )
    with pytest.raises(KeyError) as caught, plots.drawing("a", 10, 10, width=100, height=100):
        pass
    assert caught.value.args[0] == (10, 10, 100, 100)


def test_others_go_round_in_their_order():
    # Oracle: definition
    names = [f"own{i}" for i in range(7)]
    looks = looks_of(pd.DataFrame({"learner": [*names, "CE_sgl"]}), None, pd.DataFrame({"learner": ["own0", "last"]}))
    assert [looks[name] for name in names] == [*plots.OTHERS, plots.OTHERS[0]]
    assert (looks["CE_sgl"], looks["last"]) == (plots.LOOK["CE_sgl"], plots.OTHERS[1])


def receipts(panels, n=(10, 100, 1000), reps=0):
    rows = [(p, "CE_sgl", k, max(k, 1) ** -0.5, 0.001, reps) for p in panels for k in n]
    return pd.DataFrame(rows, columns=["panel", "learner", "n", "mean", "mcse", "reps"])


@pytest.mark.parametrize(("panels", "shape"), [(1, (1, 1)), (4, (2, 3))])
def test_receipts_are_three_panels_across(panels, shape):
    # Oracle: by hand, 1.6 + 3.4 inches a column, 3.2 a row
    figure = plots.draw_receipts(receipts([f"p{i}" for i in range(panels)]))
    assert len(figure.axes) == shape[0] * shape[1]
    assert [axes.get_visible() for axes in figure.axes] == [i < panels for i in range(shape[0] * shape[1])]
    assert figure.get_size_inches() == pytest.approx([1.6 + 3.4 * shape[1], 3.2 * shape[0]], rel=1e-12, abs=0)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_title()) == ("log", "log", "p0")


def test_receipts_with_and_without_error_bars():
    # Oracle: definition: lines of exact receipts, markers of simulated ones; n = 0 and risks of 0 have other scales
    exact = plots.draw_receipts(receipts(["p"])).axes[0]
    assert (len(exact.containers), exact.lines[0].get_marker()) == (0, "None")
    drawn = plots.draw_receipts(receipts(["p"], reps=9)).axes[0]
    assert len(drawn.containers) == 1
    (text,) = words(exact)
    assert text[2] == (4, 14)
    assert text[3:] == ("left", "baseline", RED, 7.5)
    assert exact.texts[0].get_zorder() == 4
    assert exact.texts[0].xycoords == "axes fraction"
    nothing = receipts(["p"], n=(0, 10, 100)).assign(mean=0.0)
    nothing = plots.draw_receipts(nothing).axes[0]
    assert (nothing.get_xscale(), nothing.get_yscale()) == ("symlog", "linear")
    assert plots.draw_receipts(receipts(["x" * 60])).axes[0].get_title() == shown("x" * 60, 48)


def test_slopes_stand_in_lines_above_notes():
    # Oracle: by hand: the last learner lowest, 14 points up, 10 a line, 9 more for each line of a note
    n = np.array([10, 100, 1000, 10000])
    rows = [("p", name, k, c * k**slope, 0.0, 0) for name, c, slope in
            (("CE_sgl", 1, -0.5), ("SEL_ptl", 1, -1.0), ("CE_ful", 0.0, 0)) for k in n]  # fmt: skip
    rows = pd.DataFrame(rows, columns=["panel", "learner", "n", "mean", "mcse", "reps"])
    note, first, second = words(plots.draw_receipts(rows).axes[0])
    assert note[0] == "below the axis: CE_ful"
    assert [first[0][:8], second[0][:9]] == ["slope -1", "slope -0."]
    assert [first[2], second[2]] == [(4, 23), (4, 33)]
    assert [first[5], second[5]] == [BLUE, RED]


def test_exchange_over_the_risks_that_both_reach():
    # Oracle: by hand, n = 1/r^2 and 1/r over 200 risks from the larger least to the smaller largest; rises are left out
    n = np.array([4.0, 16, 64, 256])
    rows = [("CE_sgl", k, k**-0.5) for k in n] + [("SEL_ptl", k, 1 / k) for k in n]
    rows += [("CE_sgl", 30.0, 0.24), ("SEL_ptl", 1.0, 0.0)]
    table = pd.DataFrame(rows, columns=["learner", "n", "mean"])
    table.loc[8, "mean"] = 0.26  # above that of n = 16: noise
    axes = Figure().subplots()
    plots.draw_exchange(axes, table, against="CE_sgl", learners=["SEL_ptl"])
    risk, ratio = axes.lines[0].get_data()
    assert (len(risk), risk[0], risk[-1]) == (
        200,
        pytest.approx(1 / 16, rel=1e-12, abs=0),
        pytest.approx(0.25, rel=1e-12, abs=0),
    )
    assert ratio == pytest.approx(1 / risk, rel=1e-12, abs=0)
    assert to_hex(axes.lines[0].get_color()).upper() == BLUE
    assert axes.lines[0].get_label() == "SEL_ptl (partial soft)"
    assert line_looks(axes.lines[1])[:2] == (GREY, 0.8)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    with pytest.raises(ValueError, match="receipts have no learner CE_ful with a positive mean risk"):
        plots.draw_exchange(axes, table, against="CE_ful", learners=["SEL_ptl"])


def teacher(monkeypatch, tmp_path, rows, **given):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, target, **_: figures.append(figure))
    plots.draw_teacher(tmp_path / "a", "p", rows, rows, **({"floor": 1e-3, "target": 0.05} | given))
    return figures[0]


def powers(**given):
    n = np.geomspace(10, 10**5, 17).round()
    rows = [("p", name, k, c * k**slope, 0.0) for name, (c, slope) in given.items() for k in n]
    return pd.DataFrame(rows, columns=["panel", "learner", "n", "mean", "mcse"])


def test_the_figure_of_a_teacher(monkeypatch, tmp_path):
    # Oracle: by hand, n^-1/2 is 0.05 at 400, 30/n at 600, 3/n at 60; curves end where they leave the axes
    rows = powers(CE_sgl=(1.0, -0.5), CE_ptl=(0.5, 0.0), SEL_ptl=(30.0, -1.0), CE_ful=(3.0, -1.0))
    figure = teacher(monkeypatch, tmp_path, rows)
    left, right = figure.axes
    assert figure.get_size_inches().tolist() == [9.2, 3.7]
    assert (left.get_xscale(), left.get_yscale(), left.get_xlim()[1], left.get_ylim()[0]) == ("log", "log", 6e6, 1e-3)
    assert left.get_title() == "p:\nhow many samples for a risk of 0.05"
    assert right.get_title() == "the smaller the risk, the more a probability is worth"
    level = [line for line in left.lines if np.array_equal(line.get_ydata(), [0.05, 0.05])]
    assert {line_looks(line)[:2] for line in level} == {(GREY, 0.8)}
    marks = [line for line in left.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "white"]
    assert sorted(float(line.get_xdata()[0]) for line in marks) == [60, 400, 600]
    assert {(line.get_markersize(), line.get_zorder(), line.get_ydata()[0]) for line in marks} == {(7, 5, 0.05)}
    found = {text[0]: text for text in words(left)}
    assert found["400"][1:4] == ((400, 0.05), (5, 5), "left")
    assert found["600"][1:4] == ((600, 0.05), (-4, -13), "right")
    assert [text.get_weight() for text in left.texts if text.get_text() == "400"] == ["bold"]
    assert found["CE_sgl\n(hard labels)"][1:] == ((1e5, round(1e5**-0.5, 12)), (7, 0), "left", "center", RED, 9)
    assert [text[1][0] for text in words(left) if text[0].startswith("SEL")] == [17783]  # 30/n is 1e-3 at 30000
    beside = words(right)
    assert [(text[0], text[2], text[5]) for text in beside[:2]] == [
        ("SEL_ptl\n(partial soft)", (6, 6), BLUE),
        ("CE_ful\n(soft labels)", (6, 6), plots.LOOK["CE_ful"][0]),
    ]
    for text, line in zip(beside[:2], right.lines[:2], strict=True):
        assert text[1] == pytest.approx((line.get_xdata()[60], line.get_ydata()[60]), rel=1e-8, abs=0)
    assert (beside[2][0], beside[2][1], beside[2][3], beside[2][6]) == ("one hard label", (0.98, 1.08), "right", 8)
    assert right.texts[2].get_transform() == right.get_yaxis_transform()
    assert not left.get_legend_handles_labels()[1]


def test_a_target_that_no_grid_point_brackets_is_not_marked(monkeypatch, tmp_path):
    # Oracle: definition: reached at the first n, nowhere, or between points more than a factor of four apart
    n = np.array([10.0, 40.0, 161.0])
    for means, marked in (
        ((0.04, 0.03, 0.02), []), ((0.4, 0.3, 0.2), []), ((0.4, 0.04, 0.03), [32]), ((0.4, 0.3, 0.03), []),
        ((0.4, 0.05, 0.03), [40]),
    ):  # fmt: skip
        axes = logarithmic()
        rows = pd.DataFrame({"n": n, "mean": means})
        assert curves._mark_target(axes, "CE_sgl", rows, 0.05) == bool(marked)
        assert len(axes.lines) == len(marked)
    rows = pd.DataFrame({"n": [10.0, 40.0], "mean": [0.4, 0.04]})
    axes = logarithmic()
    assert curves._mark_target(axes, "SEL_ptl", rows, 0.05)
    # The line through both in the logarithms: 10 * 4^(log 8 / log 10), to two digits
    assert axes.lines[0].get_xdata()[0] == float(f"{10 * 4 ** (np.log(8) / np.log(10)):.1e}")
    for floor, target, said in ((0.0, 0.5, "target"), (0.1, 0.05, "target is 0.05"), (0.1, 1.0, "target is 1.0")):
        with pytest.raises(ValueError, match=said):
            plots.draw_teacher(
                tmp_path / "a", "p", powers(CE_sgl=(1, -1)), powers(CE_sgl=(1, -1)), floor=floor, target=target
            )
    assert plots.draw_teacher.__kwdefaults__ == {"target": 0.1, "title": None}


def test_names_that_a_line_crosses_go_to_the_left():
    # Oracle: by hand, a line drawn through the name
    axes = Figure().subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.plot([0, 1], [0.5, 0.5])
    crossed = axes.annotate("name", (0.3, 0.5), (7, 0), textcoords="offset points", va="center")
    free = axes.annotate("name", (0.3, 0.8), (7, 0), textcoords="offset points", va="center")
    axes.figure.draw_without_rendering()
    curves._off_the_curves(axes, [crossed, free])
    assert (crossed.get_ha(), crossed.get_position()) == ("right", (-8, -9))
    assert (free.get_ha(), free.get_position()) == ("left", (7, 0))


def test_curves_refuse_what_they_cannot_draw():
    # Oracle: definition, the argument and its value are named
    axes = Figure().subplots()
    for given, said in (
        (("p", None, None), "panel is 'p': neither exact curves nor receipts have it"),
        (("q", EXACT, EXACT), "panel is 'q'"),
        (("p", EXACT.drop(columns="mean"), None), "exact has no column 'mean'"),
        (("p", None, EXACT.drop(columns="mcse")), "receipts has no column 'mcse'"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.draw_curves(axes, *given)
    plots.draw_curves(axes, "p", EXACT.drop(columns="mcse"), None)
    for floor in (-0.1, 1.0):
        with pytest.raises(ValueError, match=f"floor is {floor}: it must be a risk"):
            plots.draw_curves(axes, "p", EXACT, None, floor=floor)
    with pytest.raises(ValueError, match="bold is 'nobody'"):
        plots.draw_curves(axes, "p", EXACT, None, bold="nobody")


# --- Simplexes, laws, gaps, shares, plans ------------------------------------------------------------------


def test_the_looks_of_laws_and_simplexes():
    # Oracle: definition of the style; levels are quantiles of the values, denser near the least
    laws = {"teacher": [0.5, 0.25, 0.25], "mine": [0.25, 0.25, 0.5], "yours": [0, 0, 1]}
    axes = Figure().subplots()
    plots.draw_laws(axes, laws)
    colours = [to_hex(bar.get_facecolor()).upper() for bar in axes.patches[::3]]
    assert colours == ["#000000", plots.OTHERS[1][0], plots.OTHERS[2][0]]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.8 / 3] * 9, rel=1e-12, abs=0)
    grid = np.array([[a, b, 6 - a - b] for a in range(7) for b in range(7 - a)]) / 6
    values = np.arange(28.0)
    values[5] = np.nan
    axes = Figure().subplots()
    plots.draw_simplex(axes, grid, values, laws)
    (contours,) = axes.collections
    kept = values[np.isfinite(values)]
    assert contours.levels.tolist() == np.unique(np.quantile(kept, np.linspace(0, 0.97, 18) ** 1.5)).tolist()
    assert contours.get_linewidths()[0] == 0.6
    assert to_hex(contours.get_edgecolor()[0]) == "#999999"
    assert line_looks(axes.lines[0])[:2] == (GREY, 0.8)
    marks = [
        (line.get_marker(), line.get_markersize(), line.get_linestyle(), line.get_zorder()) for line in axes.lines[1:]
    ]
    assert marks == [("*", 8, "None", 3), ("X", 8, "None", 3), ("*", 8, "None", 3)]
    assert [text[1:3] for text in words(axes)] == [
        ((0, 0), (0, -10)), ((1, 0), (0, -10)), ((0.5, round(0.75**0.5, 12)), (0, 4)),
    ]  # fmt: skip
    assert (axes.get_aspect(), axes.axison) == (1, False)
    path = Figure().subplots()
    plots.draw_simplex(path, grid, np.full(28, np.nan), laws, [[1, 0, 0], [0, 1, 0]])
    assert len(path.collections) == 0
    assert line_looks(path.lines[1])[:2] == ("#D55E00", 1.0)
    few = Figure().subplots()
    plots.draw_simplex(few, grid[:3], [0.0, 1.0, 2.0], laws)
    assert len(few.collections) == 0
    spike = Figure().subplots()
    plots.draw_simplex(spike, grid, np.arange(28) // 27.0, laws)  # one level alone
    assert len(spike.collections) == 0
    four = Figure().subplots()
    plots.draw_simplex(four, grid[[0, 2, 9, 14]], [0.0, 1.0, 2.0, 4.0], laws)
    assert len(four.collections) == 1
    for given, said in (
        ((grid[:, :2], values, laws), r"grid has shape \(28, 2\): it must be \(28, 3\)"),
        ((grid[:5], values, laws), r"grid has shape \(5, 3\)"),
        ((grid, values, {}), "laws is {}: a mapping of names to laws"),
        ((grid, values, [1]), "laws is"),
        ((grid, values, {"a": [0.5, 0.5]}), "laws"),
        ((grid, values, laws, [[1, 0]]), r"path has shape \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.draw_simplex(axes, *given)


def test_the_looks_of_gaps_shares_and_plans():
    # Oracle: definition of the style
    columns = {name: [0.2, 0.1] for name in ("lower", "upper", "paper_lower", "paper_upper", "limit")}
    axes = Figure().subplots()
    plots.draw_gap(axes, pd.DataFrame({"n": [10, 1000], **columns}), BLUE)
    (band,) = axes.collections
    assert (band.get_alpha(), band.get_linewidth().tolist()) == (0.2, [0])
    assert [line_looks(line)[:2] for line in axes.lines[2:]] == [(GREY, 1.0), (GREY, 1.0), (BLUE, 1.0)]
    worlds = pd.DataFrame({"learner": ["SEL_ptl"], "n": [1], "share": [0.5]})
    axes = Figure().subplots()
    plots.draw_shares(axes, worlds, 0.4)
    assert line_looks(axes.lines[0])[0::3][:2] == (BLUE, ("^", axes.lines[0].get_markersize()))
    assert line_looks(axes.lines[1])[:3] == (GREY, 0.8, "--")
    with pytest.raises(ValueError, match="limit is 0"):
        plots.draw_shares(axes, worlds, 0)
    table = pd.DataFrame({"protocol": ["hard"], "learner": ["CE_sgl"], "n": pd.array([7], dtype="Int64")})
    points = pd.DataFrame({"protocol": ["hard"] * 2, "n": [1, 10], "mean": [0.5, 0.002], "high": [0.5, 0.002]})
    axes = Figure().subplots()
    plots.draw_plan(axes, kt.Plan(table, points, 0.2, 0.9, False, "teacher", ()))
    mean, high, mark, target = axes.lines
    assert (
        np.isnan(mean.get_ydata()).tolist() == np.isnan(high.get_ydata()).tolist() == [False, True]
    )  # not above 0.002
    assert (to_hex(mark.get_color()).upper(), mark.get_marker(), mark.get_clip_on()) == (RED, "o", False)
    assert line_looks(target)[:2] == ("#666666", 0.8)
    ((text, place, off, *_),) = words(axes)
    assert (text, place, off) == ("7", (7, 0.2), (3, 6))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    with pytest.raises(ValueError, match="the plan has no curves"):
        plots.draw_plan(axes, kt.Plan(table, points[:0], 0.2, 0.9, False, "teacher", ()))
    with pytest.raises(ValueError, match="plan is a"):
        plots.draw_plan(axes, 3)


def test_the_style_holds_within_alone():
    # Oracle: identity, the settings of matplotlib before and after
    before = dict(matplotlib.rcParams)
    with in_style():
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("draw", "given"),
    [
        (plots.draw_curves, ("p", EXACT, None)),
        (plots.draw_triangle, ((10, 0.1), -0.5, BLUE)),
        (plots.note, ("words", BLUE)),
        (plots.draw_simplex, (np.eye(3), np.ones(3), {"teacher": [1, 0, 0]})),
        (plots.draw_laws, ({"teacher": [1, 0, 0]},)),
        (plots.draw_gap, (pd.DataFrame(), BLUE)),
        (plots.draw_shares, (pd.DataFrame(), 0.4)),
        (plots.draw_plan, (None,)),
    ],
)
def test_each_figure_needs_axes(draw, given):
    # Oracle: definition
    with pytest.raises(ValueError, match="axes is 3: the axes of a figure are needed"):
        draw(3, *given)
    if draw is plots.draw_curves:
        with pytest.raises(ValueError, match="axes is None"):
            plots.draw_exchange(None, EXACT, against="CE_sgl", learners=["SEL_ptl"])


@pytest.mark.parametrize(
    ("draw", "given", "said"),
    [
        (plots.draw_gap, (pd.DataFrame({"n": [1]}), BLUE), "gaps has no column 'lower'"),
        (plots.draw_shares, (pd.DataFrame({"n": [1]}), 0.4), "worlds has no column 'learner'"),
        (plots.note, (3, BLUE), "text is 3"),
        (plots.note, ("words", "no"), "colour is 'no'"),
        (plots.draw_triangle, ((10, 0.1), -0.5, "no"), "colour is 'no'"),
        (plots.draw_triangle, ((10, 0.1), "x", BLUE), "slope is 'x'"),
        (plots.draw_curves, (3, EXACT, None), "panel is 3"),
        (plots.draw_laws, ({3: [1]},), "a name of laws is 3"),
        (plots.draw_band, ([0], lambda n: n, lambda n: n, BLUE), "n"),
        (plots.draw_band, ([1], 3, lambda n: n, BLUE), "lower is 3"),
        (plots.draw_band, ([1], lambda n: n, 3, BLUE), "upper is 3"),
    ],
)
def test_what_cannot_be_drawn(draw, given, said):
    # Oracle: definition, the argument and its value are named
    with pytest.raises(ValueError, match=said):
        draw(SPARE, *given)
