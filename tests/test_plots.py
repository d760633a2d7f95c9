"""Figures: drawn without a screen, the same bytes every time, exact zeros shown."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import kt_theory as kt
from kt_theory import plots
from kt_theory.rates import with_error


@pytest.fixture(scope="module")
def receipts():
    return kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 4), [5, 50, 5000])], reps=50)


def draw(receipts, stem, floor=0.0):
    with plots.drawing(stem, 1, 2) as axes:
        axes[0, 0].set_xscale("log")
        axes[0, 0].set_yscale("log")
        plots.draw_curves(axes[0, 0], "p", None, receipts, bold="CE_sgl", floor=floor)
        plots.draw_exchange(axes[0, 1], receipts, against="CE_sgl", learners=["SEL_ptl"])
        plots.note(axes[0, 1], "a note", "#000000")
    return axes


def test_the_same_figure_gives_the_same_bytes(receipts, tmp_path):
    draw(receipts, tmp_path / "a")
    draw(receipts, tmp_path / "b")
    assert len(list(tmp_path.iterdir())) == 4
    for suffix in (".png", ".pdf"):
        content = (tmp_path / f"a{suffix}").read_bytes()
        assert content == (tmp_path / f"b{suffix}").read_bytes()
        assert len(content) > 5000


def test_a_drawing_that_fails_writes_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), plots.drawing(tmp_path / "a", 1, 1):
        1 / 0  # noqa: B018
    assert not list(tmp_path.iterdir())


def test_the_style_is_left_at_the_door(receipts, tmp_path):
    before = dict(matplotlib.rcParams)
    draw(receipts, tmp_path / "a")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_a_risk_with_no_place_on_a_logarithmic_axis_is_drawn_on_its_edge(receipts, tmp_path, floor):
    assert (receipts["mean"] == 0).any()
    axes = draw(receipts, tmp_path / "a", floor)[0, 0]
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    expected = ((receipts["mean"] == 0) | (receipts["mean"] < floor)).sum()
    assert sum(len(line.get_xdata()) for line in hollow) == expected


def test_exchange_is_exact_on_power_laws(tmp_path):
    # Oracle: identity, 0.5 n^-1/2 and 2 n^-1 reach risk r at n = 0.25 r^-2 and 2 r^-1: the ratio is 1 / (8 r)
    n = np.array([100, 1000, 10**4, 10**5])
    rows = [("CE_sgl", k, 0.5 * k**-0.5) for k in n] + [("SEL_ptl", k, 2.0 / k) for k in n]
    frame = pd.DataFrame(rows, columns=["learner", "n", "mean"])
    with plots.drawing(tmp_path / "a", 1, 1) as axes:
        plots.draw_exchange(axes[0, 0], frame, against="CE_sgl", learners=["SEL_ptl"])
    risk, ratio = axes[0, 0].lines[0].get_data()
    np.testing.assert_allclose(ratio, 1 / (8 * risk), rtol=1e-12)


def test_bands_are_the_bounds(tmp_path):
    # Oracle: identity, the edges of the band are the functions handed in
    with plots.drawing(tmp_path / "a", 1, 1) as axes:
        plots.draw_band(axes[0, 0], [10, 1000], lambda n: 1 / n, lambda n: 2 / n, "#000000")
    for line, scale in zip(axes[0, 0].lines, (1, 2), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), scale / line.get_xdata())


def test_learners_of_ones_own_have_a_look_and_a_name(tmp_path):
    # Oracle: identity, receipts know an own learner by its name; colours differ from one another and from the package's
    own = [kt.Learner(name, "hard", lambda counts, revealed, init: init) for name in ("mine", "yours")]
    frame = kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 4), [5, 50], [*own, "SEL@top_k:2", "CE_sgl"])], reps=20)
    with plots.drawing(tmp_path / "a", 1, 2) as axes:
        plots.draw_curves(axes[0, 0], "p", None, frame, bold=own[0])
        plots.draw_exchange(axes[0, 1], frame, against="CE_sgl", learners=[own[1]])
        with pytest.raises(ValueError, match="receipts have no learner SEL@top_k:2 with a positive mean"):
            plots.draw_exchange(axes[0, 1], frame, against="CE_sgl", learners=["SEL@top_k:2"])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    assert labels == ["mine", "yours", "SEL@top_k:2", "CE_sgl (hard labels)"]
    assert len({handle.lines[0].get_color() for handle in handles} | {look[0] for look in plots.LOOK.values()}) == 8
    assert {look[0] for look in plots.OTHERS}.isdisjoint(look[0] for look in plots.LOOK.values())


def test_receipts_become_a_panel_each_with_their_slopes():
    # Oracle: identity, titles, points and slopes are those of the receipts
    rows = kt.study.run([kt.study.Panel(f"p{S}", lambda n, S=S: kt.instance(1, S, 4, n), [50, 500, 5000], ["CE_sgl"])
                         for S in (1, 2, 3, 4)], reps=200)  # fmt: skip
    figure = plots.draw_receipts(rows)  # the files are those of `kt-theory study plot`, tried in test_cli_study.py
    drawn = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in drawn] == ["p1", "p2", "p3", "p4"]
    fits = kt.fit_rate(rows)
    for axes, fit in zip(drawn, fits.itertuples(), strict=True):
        (text,) = [text.get_text() for text in axes.texts]
        assert text.removeprefix("slope ").removeprefix("~ ") == with_error(fit.slope, fit.slope_se)
        assert ("~" in text) == (not fit.resolved)
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), rows[rows["panel"] == fit.panel]["mean"])
    assert plots.draw_receipts(rows.drop(columns="panel")[:3]).axes[0].get_title() == ""


def test_slopes_stand_above_the_note_on_hidden_learners():
    # Oracle: identity, the boxes of the words that are drawn
    frame = powers(CE_ptl=(1.0, -0.5), CE_sgl=(1.001, -0.5), SEL_ptl=(0.1, -1.0)).assign(reps=0)
    figure = plots.draw_receipts(frame)
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    assert sorted(text.get_text().split()[0] for text in texts) == ["CE_ptl", "slope", "slope", "slope"]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])


def test_receipts_that_cannot_be_drawn_are_refused():
    # Oracle: enumeration
    rows = kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 2), [10], ["CE_sgl"])], reps=10)
    with pytest.raises(ValueError, match="receipts has no row"):
        plots.draw_receipts(rows[:0])
    with pytest.raises(ValueError, match="receipts has no column 'mcse'"):
        plots.draw_receipts(rows.drop(columns="mcse"))
    many = rows.loc[rows.index.repeat(101)].assign(panel=[f"p{i}" for i in range(101)])
    with pytest.raises(ValueError, match="receipts has 101 panels"):
        plots.draw_receipts(many)


def powers(**curves):
    """Receipts of risks c n^slope at four n a decade, from c and slope of each learner."""
    n = np.geomspace(10, 10**5, 17).round()
    rows = [("p", name, k, c * k**slope, 0.0) for name, (c, slope) in curves.items() for k in n]
    return pd.DataFrame(rows, columns=["panel", "learner", "n", "mean", "mcse"])


def test_the_legend_has_one_order_and_hidden_learners_are_named(tmp_path):
    # Oracle: identity, by hand: CE_ful is below the axis at every n, CE_ptl a thousandth beside CE_sgl, SEL_ptl seen
    frame = powers(CE_ful=(1e-9, -1.0), SEL_ptl=(0.1, -0.25), CE_ptl=(1.0, -0.5), CE_sgl=(1.001, -0.5))
    with plots.drawing(tmp_path / "a", 1, 1, title="a message of 5 % and $2") as grid:
        axes = grid[0, 0]
        axes.set_xscale("log")
        axes.set_yscale("log")
        plots.draw_curves(axes, "p", None, frame, floor=1e-3)
    (legend,) = axes.figure.legends
    order = [text.get_text().split(" ")[0] for text in legend.get_texts()]
    assert order == ["CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful"][: len(order)]
    assert legend.get_title().get_text() == "a message of 5 % and $2"
    assert [text.get_text() for text in axes.texts] == ["below the axis: CE_ful\nCE_ptl lies under CE_sgl"]


def test_a_teacher_names_its_curves_and_marks_the_samples_of_a_target(tmp_path):
    # Oracle: identity, n^-1/2 is 0.05 at 400 and 30/n at 600; marks are to two digits, and curves have no legend
    frame = powers(CE_sgl=(1.0, -0.5), CE_ptl=(0.5, 0.0), SEL_ptl=(30.0, -1.0), CE_ful=(3.0, -1.0))
    figures = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda figure, target, **_: figures.append(figure))
        plots.draw_teacher(tmp_path / "a", "p", frame, frame, floor=1e-3, target=0.05, title="a message")
    left, right = figures[0].axes
    words = [text.get_text() for text in left.texts]
    assert {"400", "600", "60"} <= set(words)
    assert {"CE_sgl\n(hard labels)", "CE_ful\n(soft labels)"} <= set(words)
    assert not figures[0].legends
    # The name of CE_ful would lie on the curve of SEL_ptl if it stood to the right.
    frame = powers(CE_sgl=(1.0, -0.5), CE_ptl=(0.5, 0.0), SEL_ptl=(3e4, -2.0), CE_ful=(3.0, -1.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda figure, target, **_: figures.append(figure))
        plots.draw_teacher(tmp_path / "a", "p", frame, frame, floor=1e-3, target=0.05)
    sides = {text.get_text()[:6]: text.get_ha() for text in figures[-1].axes[0].texts if "\n" in text.get_text()}
    assert sides["CE_ful"] == "right"
    assert sides["CE_sgl"] == "left"
    assert right.get_xlim()[0] < right.get_xlim()[1]
    with pytest.raises(ValueError, match=r"target is 0\.0001"):
        plots.draw_teacher(tmp_path / "a", "p", frame, frame, floor=1e-3, target=1e-4)


@pytest.mark.parametrize("decades", [0.5, -0.5])
def test_a_guide_triangle_has_its_slope(decades):
    # Oracle: identity, the side that falls has the slope on logarithmic axes, the others are level and upright
    axes = Figure().subplots()
    plots.draw_triangle(axes, (100.0, 0.1), -0.5, "#000000", decades=decades)
    x, y = (np.log10(line) for line in axes.lines[0].get_data())
    assert np.diff(y[:2]).item() / np.diff(x[:2]).item() == pytest.approx(-0.5)
    assert abs(x[1] - x[0]) == pytest.approx(0.5)
    sides = sorted([x[2] - x[1], y[2] - y[1]], key=abs), sorted([x[3] - x[2], y[3] - y[2]], key=abs)
    assert sides[0][0] == pytest.approx(0)
    assert sides[1][0] == pytest.approx(0)
    # What is written beside the level side and the upright one: how far each goes, at its middle.
    (one, level), (fall, upright) = ((text.get_text(), np.log10(text.xy)) for text in axes.texts)
    assert (one, fall) == ("1", "0.5")
    assert level.tolist() == pytest.approx([2 + decades / 2 * np.sign(decades), -1 - 0.25 * (decades > 0)])
    assert upright.tolist() == pytest.approx([2 + 0.5 * (decades < 0), -1.125])


def drawn(draw, *arguments):
    """Axes in memory, drawn on: what is in no file costs milliseconds."""
    axes = Figure().subplots()
    draw(axes, *arguments)
    return axes


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_a_gap_is_drawn_as_ratios_to_the_best_lower_bound():
    # Oracle: identity, each line is one column over the lower bound
    columns = {"lower": [0.2, 0.1], "upper": [0.3, 0.4], "paper_lower": [0.1, 0.05], "paper_upper": [0.6, 0.7]}
    gaps = pd.DataFrame({"n": [10, 1000], **columns, "limit": [0.25, 0.2]})
    axes = drawn(plots.draw_gap, gaps, "#000000")
    ratios = [[1, 1], [1.5, 4], [0.5, 0.5], [3, 7], [1.25, 2]]
    assert [np.round(line.get_ydata(), 12).tolist() for line in axes.lines] == ratios
    assert [line.get_linestyle() for line in axes.lines] == ["-", "-", "--", "--", ":"]
    assert {tuple(line.get_xdata()) for line in axes.lines} == {(10, 1000)}
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (1.0, 4.0)
    assert set(axes.get_legend_handles_labels()[1]) == {
        *("the truth is here", "best lower and upper bound", "the paper's bounds", "limit constant x rate")
    }
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_ylim()) == ("log", "log", (0.02, 50))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("number of samples n", "ratio to lower bound")


def test_shares_are_drawn_with_their_limit():
    # Oracle: identity
    worlds = pd.DataFrame({"learner": ["CE_sgl", "CE_sgl", "SEL_ptl"], "n": [1, 100, 1], "share": [0.25, 0.5, 0.125]})
    axes = drawn(plots.draw_shares, worlds, 0.4)
    first, second, limit = axes.lines
    assert (first.get_xydata().tolist(), second.get_xydata().tolist()) == ([[1, 0.25], [100, 0.5]], [[1, 0.125]])
    assert list(limit.get_ydata()) == [0.4, 0.4]
    assert axes.get_legend_handles_labels()[1] == ["CE_sgl (hard labels)", "SEL_ptl (partial soft)"]
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_ylim()) == ("log", "linear", (0, 0.55))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("number of samples n", "risk / minimax limit")


def test_laws_are_bars_side_by_side_and_points_of_the_simplex():
    # Oracle: identity, heights and places; the corners of the simplex are 1 apart, its third label is above
    laws = {"teacher": [0.5, 0.25, 0.25], "limit": [0.25, 0.25, 0.5], "mine": [0, 0, 1]}
    axes = drawn(plots.draw_laws, laws)
    assert [bar.get_height() for bar in axes.patches] == [p for law in laws.values() for p in law]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    assert middles == pytest.approx([a + i * 0.8 / 3 for i in range(3) for a in range(3)])
    assert axes.get_legend_handles_labels()[1] == [*laws]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("label", "probability")

    grid = np.array([[a, b, 4 - a - b] for a in range(5) for b in range(5 - a)]) / 4
    path = [[1, 0, 0], [0.5, 0.5, 0]]
    axes = drawn(plots.draw_simplex, grid, (grid**2).sum(axis=1), laws, path)
    height = np.sqrt(0.75)
    frame, descent, *points = (line.get_xydata() for line in axes.lines)
    np.testing.assert_allclose(frame, [[0, 0], [1, 0], [0.5, height], [0, 0]])
    assert descent.tolist() == [[0, 0], [0.5, 0]]
    np.testing.assert_allclose(np.vstack(points), [[0.375, height / 4], [0.5, height / 2], [0.5, height]])
    assert axes.get_legend_handles_labels()[1] == ["descent", *laws]
    assert words(axes) == ["0", "1", "2"]
    assert len(axes.collections) == 1
    assert len(drawn(plots.draw_simplex, grid, np.ones(15), laws).collections) == 0  # nothing to draw a level of


@pytest.mark.parametrize("on_average", [True, False])
def test_a_plan_is_drawn_with_its_answers(on_average):
    # Oracle: identity, the curves of the plan, and its n at the target
    learners = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful", "top_k:2": "SEL@top_k:2"}
    N = pd.array([1234, None, 30, 0], dtype="Int64")
    table = pd.DataFrame({"protocol": [*learners], "learner": [*learners.values()], "n": N})
    curves = [(p, n, 0.02 * (i + 1) / n, 0.2 / n) for i, p in enumerate(learners) for n in (1, 10, 1000)]
    frame = pd.DataFrame(curves, columns=["protocol", "n", "mean", "high"])
    axes = drawn(plots.draw_plan, kt.Plan(table, frame, 0.2, 0.9, on_average, "teacher", ()))
    assert words(axes) == ["1,234", "30"]
    marks = [line.get_xydata().tolist() for line in axes.lines if line.get_linestyle() == "None"]
    assert marks == [[[1234, 0.2]], [[30, 0.2]]]
    assert axes.get_legend_handles_labels()[1] == [f"{protocol}, {learner}" for protocol, learner in learners.items()]
    solid, dotted = ([line.get_ydata() for line in axes.lines if line.get_linestyle() == style] for style in "-:")
    shown = frame["mean"].where(frame["mean"] > 0.002).to_numpy().reshape(4, 3)
    np.testing.assert_array_equal(solid[:4], shown)  # the fifth is the target
    assert len(dotted) == (0 if on_average else 4)
    kept = "mean" if on_average else "line: mean; dotted: kept with probability 0.9"
    assert axes.get_title() == f"samples for a risk of at most 0.2 ({kept})"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("n, samples", "risk, total variation")
    assert axes.get_ylim()[0] == 0.002
    assert list(axes.lines[-1].get_ydata()) == [0.2, 0.2]


def test_what_stands_beside_curves():
    # Oracle: definition
    frame = powers(CE_sgl=(1.0, -0.5), SEL_ptl=(30.0, -1.0))
    axes = drawn(plots.draw_curves, "p", None, frame)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("number of samples n", "expected risk (total variation)")
    axes = Figure().subplots()
    plots.draw_exchange(axes, frame, against="CE_sgl", learners=["SEL_ptl"])
    plots.note(axes, "a note", "#000000")
    assert axes.get_xlabel() == "risk to be reached (total variation)"
    assert axes.get_ylabel() == "samples of CE_sgl that\none sample is worth"
    assert list(axes.lines[-1].get_ydata()) == [1, 1]
    assert words(axes) == ["a note"]
