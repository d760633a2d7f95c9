"""What the verdicts of an audit rest on, one finding at a time; and what the lessons draw."""

import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import kt_theory as kt
from kt_theory import lessons, plots
from kt_theory.lessons import Line, Panel
from kt_theory.lossaudit import evidence, report, teachers
from kt_theory.losses.own import own

E1 = np.array([0.5, 0.3, 0.2])
UP = "at q = p the gradient still pulls the most likely label up, the others down"


# --- Evidence ----------------------------------------------------------------------------------------------


def test_a_flat_direction_is_another_student_of_the_same_loss():
    # Oracle: definition: two laws apart whose losses are equal; none where the loss bends, has a kink, or is no loss
    loss = kt.losses.make("top_k_both_renormalised", k=2)
    found = evidence.flat_direction(loss, E1)
    assert evidence.tv(found.first, found.second) > 1e-3
    row = evidence.row_of(loss, E1)
    assert loss.value(found.first, row) == pytest.approx(loss.value(found.second, row), abs=1e-9)
    assert found.first == pytest.approx(loss.limit(E1).student, rel=1e-12, abs=0)
    assert found.gap <= 1e-9
    for name in ("cross_entropy", "total_variation", "on_policy_reverse_kl", "mae", "z_loss"):
        assert evidence.flat_direction(kt.losses.make(name), E1) is None, name


def test_rays_name_the_label_that_runs_away():
    # Oracle: by hand: the mode of mae, whose value is bounded; minus the sum of all |z|, which is not; none
    assert evidence.falls_along_a_ray(kt.losses.make("cross_entropy"), E1) is None
    assert evidence.falls_along_a_ray(kt.losses.make("on_policy_reverse_kl"), E1) is None
    ray = evidence.falls_along_a_ray(kt.losses.make("mae"), E1)
    assert (ray.label, ray.unbounded) == (1, False)
    assert ray.way == pytest.approx((2, -1, -1), rel=1e-12, abs=0)

    class Given(kt.losses.LOSSES["cross_entropy"]):
        def minimise(self, row):
            return kt.losses.loss.Found(np.array([1.0, 0.0, 0.0]))

        def score_value(self, z, row):
            return -float(np.abs(z).sum())

    ray = evidence.falls_along_a_ray(Given(), E1)
    assert (ray.label, ray.unbounded, ray.way) == (1, True, pytest.approx((2, -1, -1), rel=1e-12, abs=0))
    zero = evidence.falls_along_a_ray(Given(), np.array([0.5, 0.0, 0.5]))
    assert (zero.label, zero.way) == (2, pytest.approx((1, 1, -2), rel=1e-12, abs=0))


@pytest.mark.parametrize(
    ("name", "convex"),
    [("cross_entropy", True), ("z_loss", True), ("focal", False), ("brier", False), ("total_variation", None),
     ("taid", None), ("one_vs_rest", None), ("sparsemax", None), ("on_policy_reverse_kl", None)],
)  # fmt: skip
def test_convexity_in_the_logits(name, convex):
    # Oracle: known: cross-entropies are convex; focal loss and the Brier score are not; of a kink nothing is said
    assert evidence.is_convex(kt.losses.make(name), E1, seed=0) is convex


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        (
            "generalized_cross_entropy",
            {},
            "at q = p the gradient still pulls the most likely label up, the others down",
        ),
        ("label_smoothing", {}, "at q = p the gradient still pushes the most likely label down, the others up"),
        ("cross_entropy", {}, ""),
        ("mae", {}, UP),
        ("total_variation", {}, ""),
        ("on_policy_extrapolated", {}, ""),
        ("one_vs_rest", {}, UP),
    ],
)
def test_where_a_gradient_pulls_at_the_teacher(name, params, said):
    # Oracle: by hand, the signs of the gradient at q = p
    assert evidence.pull(kt.losses.make(name, **params), np.array([0.6, 0.25, 0.15])) == said


def test_labels_that_are_raised_are_named():
    # Oracle: by hand: smoothing of a law that is near uniform for two labels
    p = np.array([0.45, 0.4, 0.15])
    assert evidence.pull(kt.losses.make("label_smoothing"), p) == (
        "at q = p the gradient still raises label 2 and lowers the others"
    )
    q = evidence.pull(kt.losses.make("label_smoothing"), np.array([0.45, 0.2, 0.35]))
    assert q == "at q = p the gradient still raises label 1 and lowers the others"


def test_neighbours_that_are_looked_at():
    # Oracle: definition: the value of a sample alone and among others
    def fair(logits, label, teacher):
        return -logits[np.arange(label.size), label]

    def batch(logits, label, teacher):
        return -logits[np.arange(label.size), label] - logits.mean()

    assert evidence.looks_at_neighbours(own(fair, "hard"), E1) is None
    gap, sample = evidence.looks_at_neighbours(own(batch, "hard"), E1)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6, 3))
    wanted = np.abs(z.mean() - z.mean(axis=1))
    assert (gap, sample) == (pytest.approx(wanted.max(), rel=1e-12, abs=0), int(np.argmax(wanted)))
    assert evidence.looks_at_neighbours(kt.losses.make("focal"), E1) is None

    def reads(logits, label, teacher):
        return np.where(np.isnan(teacher), 0, 1).sum(axis=1) + 0.0

    assert evidence.looks_at_neighbours(own(reads, "partial"), E1) is None
    per_input = own(lambda q, row: q.sum(axis=1) + q.mean(), "hard", per="input", name="whole")
    assert evidence.looks_at_neighbours(per_input, E1) is None


def test_hill_climbing_rises():
    # Oracle: definition: never below the start, and higher with more rounds
    loss = kt.losses.make("naive_partial")
    start = E1
    low = float(evidence.distances(loss, start[None])[0])
    assert low == pytest.approx(0.5 * np.abs(E1**2 / (E1**2).sum() - E1).sum(), rel=1e-14, abs=0)
    heights = [evidence.largest(loss, 3, start, 1, rounds=r) for r in (0, 1, 4, 12)]
    assert heights[0] == low
    assert heights == sorted(heights)
    assert low < heights[-1] <= 0.5
    assert evidence.largest(loss, 3, start, 1) == heights[2]
    assert evidence.largest(loss, 3, start, 1, rounds=4, each=10) == heights[2]
    coupled = kt.losses.make("logit_adjustment", tau=0.5)
    table = np.array([E1, [0.6, 0.3, 0.1]])
    each = [evidence.tv(coupled.limit(p).student, p) for p in table]
    assert evidence.distances(coupled, table).tolist() == each


def test_teachers_of_the_pool():
    # Oracle: definition of the five kinds, in turn
    found = teachers.pool(3, (2, 5), 10)
    assert [table.shape for table in found.values()] == [(10, 2), (10, 5)]
    assert list(found) == [2, 5]
    for A, table in found.items():
        assert table.sum(axis=1) == pytest.approx(np.ones(10), rel=1e-15, abs=0)
        assert (table >= 1e-6 / 1.1).all()
        for i, row in enumerate(table):
            if i % 5 == 3:
                assert row.max() > 1 / 1.101
                assert len(set(np.round(row, 12))) == 2
            if i % 5 == 4:
                assert np.unique(np.round(row, 12), return_counts=True)[1].tolist() == [A - A // 2, A // 2]
                assert 1.5 <= row.max() / row.min() <= 4
            if i % 5 == 2:
                down = -np.sort(-row)
                powers = np.log(down[0] / down[1:]) / np.log(np.arange(2, A + 1))
                assert np.ptp(powers) < 1e-9
                assert 0.5 <= powers[0] <= 1.5
    assert {A: t.shape for A, t in teachers.pool(0).items()} == {A: (15, A) for A in (2, 3, 5, 10)}
    assert teachers.pool(1)[3].tolist() != teachers.pool(2)[3].tolist()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "teachers is empty"),
        ({"a": [0.5, 0.4]}, "teachers.'a'.: p sums to 0.9"),
        ({"a": [[0.5, 0.5]]}, r"teachers\['a'\] has shape \(1, 2\): a law of the labels is needed"),
        (np.full((1, 1, 2), 0.5), r"teachers has shape \(1, 1, 2\): a law, or a table of laws"),
        ([0.5, 0.4], "p sums to 0.9"),
    ],
)
def test_what_are_no_teachers(given, said):
    # Oracle: definition
    with pytest.raises(ValueError, match=said):
        teachers.named_teachers(given)


def test_names_of_teachers():
    # Oracle: definition
    assert list(teachers.named_teachers(None)) == ["three labels", "five labels", "nearly sure"]
    assert {k: v.tolist() for k, v in teachers.named_teachers([[0.5, 0.5], [1, 0]]).items()} == {
        "teacher 0": [0.5, 0.5],
        "teacher 1": [1, 0],
    }
    assert list(teachers.named_teachers([0.5, 0.5])) == ["teacher 0"]


def test_laws_inside_of_a_simplex_and_the_path_of_descent():
    # Oracle: by hand: all laws in sixtieths of positive probabilities; steps along the gradient from the uniform law
    loss = kt.losses.make("cross_entropy")
    grid, values = report._contours(loss, E1, steps=6)
    assert (grid * 6).round(9).tolist() == [[i, j, 6 - i - j] for i in range(1, 6) for j in range(1, 6 - i)]
    assert values == pytest.approx(-(E1 * np.log(grid)).sum(axis=1), rel=1e-14, abs=0)
    assert len(report._contours(loss, E1)[0]) == 58 * 59 / 2
    coupled = report._contours(kt.losses.make("logit_adjustment"), E1, steps=6)[1]
    assert coupled.shape == (10,)
    path = report._path(loss, E1, steps=3)
    assert path[0].tolist() == [1 / 3] * 3
    assert np.asarray(path).shape[1] == 3
    assert evidence.tv(np.asarray(report._path(loss, E1))[-1], E1) < 1e-3
    assert [report._about(x) for x in (0.3, 7, 12.4, 199, 12345, 9.99e6)] == [
        "0",
        "7",
        "12",
        "200",
        "12,000",
        "10,000,000",
    ]
    assert report._numbers(np.array([0.12345, 1.0])) == "(0.123 1)"


# --- Lessons -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (0.2449, "0.2449 is not right: it is too small"),
        (0.2551, "0.2551 is not right: it is too large"),
        (0.5, "0.5 is not right: of both"),
        (0.5024, "0.5024 is not right: of both"),
        (0.4976, "0.4976 is not right: of both"),
        (0.503, "0.503 is not right: it is too large"),
        ("x", "'x' is not one finite number"),
        (float("inf"), "inf is not one finite number"),
        (None, "None is not one finite number"),
        (10**400, "is not one finite number"),
    ],
)
def test_answers_that_are_not_right(answer, said):
    # Oracle: by hand: right within two percent, the known mistake within half a percent
    with pytest.raises(ValueError, match=said):
        lessons.check(answer, 0.25, 0.5, "of both")


def test_answers_that_are_right(capsys):
    # Oracle: by hand, two percent either way; negative truths too
    for answer in (0.2451, 0.2549, "0.25", np.float32(0.25)):
        lessons.check(answer, 0.25, 0.5, "of both")
    lessons.check(-0.2451, -0.25, 0.5, "of both")
    lessons.check(..., 0.25, 0.5, "of both")
    assert capsys.readouterr().out.splitlines() == [
        *["Right: 0.25."] * 4,
        "Right: -0.25.",
        "No answer yet: write a number, or a formula for it, in the place of the three dots.",
    ]
    with pytest.raises(ValueError, match=r"-0\.5 is not right: of both"):
        lessons.check(-0.5, -0.25, -0.5, "of both")


def test_tables_are_laid_out(capsys):
    # Oracle: by hand: words to the left, numbers to the right, three spaces between, none at the end
    lessons.table({"a": ["x", "long"], "count": [1234, np.int64(7)], "b": ["y", "z"], "risk": [0.5, 1e-7]})
    assert capsys.readouterr().out == ("a      count   b    risk\nx      1,234   y     0.5\nlong       7   z   1e-07\n")
    lessons.table({"a": ["wide"], "b": ["x"]})
    assert capsys.readouterr().out == "a      b\nwide   x\n"
    with pytest.raises(ValueError, match=r"columns differ in length \(a: 1, b: 2\)"):
        lessons.table({"a": [1], "b": [1, 2]})


def drawn(panel):
    axes = Figure().subplots()
    lessons._draw_panel(axes, panel)
    return axes


def test_panels_have_what_they_say():
    # Oracle: definition: titles, scales, limits; a legend where something has a label
    axes = drawn(Panel("a title", "n", "risk", [Line("", [1, 10], [2, 3])], log="x", xlim=(1, 20), ylim=(0, 5)))
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == ("a title", "n", "risk")
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_xlim(), axes.get_ylim()) == (
        "log",
        "linear",
        (1, 20),
        (0, 5),
    )
    assert axes.get_legend() is None
    assert axes.axison
    axes = drawn(Panel("t", lines=[Line("a", [1, 2], [1, 2])], log="xy", bare=True))
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_aspect(), axes.axison) == ("log", "log", 1, False)
    legend = axes.get_legend()
    assert (legend._loc, legend.get_texts()[0].get_fontsize()) == (6, 7.5)
    assert legend.get_bbox_to_anchor().transformed(axes.transAxes.inverted()).p0 == pytest.approx(
        (0.95, 0.6), rel=1e-12, abs=0
    )
    assert drawn(Panel("t", lines=[Line("a", [1], [1])])).get_legend()._loc == 0
    for log in ("z", "xyz"):
        with pytest.raises(ValueError, match=f"log is '{log}': it must name axes"):
            drawn(Panel("t", log=log))


def test_lines_have_colours_of_learners_or_the_next_ones():
    # Oracle: definition: a learner's own look; "k" is black; the others take the colours that no learner here has
    lines = [
        Line("CE_sgl, simulated", [1, 2], [3, 4]), Line("mine", [1, 2], [3, 4]), Line("", [1, 2], [1, 1], "k--"),
        Line("theirs", [1, 2], [1, 2], "o-", mcse=[0.5, 0.25]), Line("band", [1, 2], [1, 2], upto=[3, 3]),
        Line("level", None, 0.5), Line("own", [1, 2], [1, 2], colour="#123456"), Line("next", [1], [1]),
    ]  # fmt: skip
    axes = drawn(Panel("t", lines=lines))
    red, blue = plots.LOOK["CE_sgl"][0], lessons.COLOURS[0]
    first, mine, black = axes.lines[:3]
    assert (to_hex(first.get_color()).upper(), first.get_marker(), first.get_linestyle()) == (red, "o", "-")
    assert (to_hex(mine.get_color()).upper(), mine.get_marker(), mine.get_linestyle()) == (blue, "None", "-")
    assert (black.get_color(), black.get_linestyle(), black.get_label()[0]) == ("black", "--", "_")
    rest = [c for c in lessons.COLOURS if c != red]
    (bars,) = axes.containers
    assert to_hex(bars.lines[0].get_color()).upper() == rest[1]
    (segments,) = (piece.get_segments() for piece in bars.lines[2])
    assert [(s[0, 1], s[1, 1]) for s in segments] == [(0, 2), (1.5, 2.5)]
    (band,) = [c for c in axes.collections if c.get_alpha() == 0.25]
    assert to_hex(band.get_facecolor()[0]).upper() == rest[2]
    assert band.get_linewidth().tolist() == [0]
    level = next(line for line in axes.lines if line.get_label() == "level")
    assert (to_hex(level.get_color()).upper(), level.get_linewidth(), list(level.get_ydata())) == (
        rest[3],
        0.8,
        [0.5, 0.5],
    )
    assert [to_hex(line.get_color()).upper() for line in axes.lines if line.get_label() in ("own", "next")] == [
        "#123456",
        rest[4],
    ]


def test_bars_stand_side_by_side_over_their_ticks():
    # Oracle: by hand: groups of 0.8 in width, centred on their ticks
    axes = drawn(Panel("t", bars={"CE_ful": [1, 2], "mine": [3, 4], "yours": [5, 6]}, ticks=["a", "b"]))
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in axes.patches]
    places = [-0.8 / 3, 1 - 0.8 / 3, 0, 1, 0.8 / 3, 1 + 0.8 / 3]
    assert [b[0] for b in bars] == pytest.approx(places, abs=1e-12)
    assert [b[1] for b in bars] == [1, 2, 3, 4, 5, 6]
    assert {round(bar.get_width(), 12) for bar in axes.patches} == {round(0.8 / 3, 12)}
    assert [text.get_text() for text in axes.get_xticklabels()] == ["a", "b"]
    assert axes.get_xticks().tolist() == [0, 1]
    assert not any(line.get_visible() for line in axes.get_xgridlines())
    colours = [to_hex(bar.get_facecolor()).upper() for bar in axes.patches[::2]]
    free = [c for c in lessons.COLOURS if c != plots.LOOK["CE_ful"][0]]
    assert colours == [plots.LOOK["CE_ful"][0], *free[:2]]


def test_figures_of_lessons_are_written_where_the_reader_stands(tmp_path, monkeypatch, capsys):
    # Oracle: definition: sizes in inches, one panel or more; nothing is written in a notebook
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # another test may have loaded it
    sizes = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, target, **_: sizes.append(tuple(figure.get_size_inches())))
    lessons.draw("one", Panel("t"))
    lessons.draw("two", Panel("t"), Panel("t"))
    assert sizes == [(6.0, 3.3), (8.6, 3.3)]
    assert [line.split()[-1].split("/")[-1] for line in capsys.readouterr().err.splitlines()] == ["one.png", "two.png"]
    for name in ("", "a/b", "../a"):
        with pytest.raises(ValueError, match=r"name is .*: it must be the name of a file"):
            lessons.draw(name, Panel("t"))
    with pytest.raises(ValueError, match="a figure needs one panel or more"):
        lessons.draw("none")
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    asked = []
    monkeypatch.setattr(lessons, "_notebook_figure", lambda size: asked.append(size) or Figure(figsize=size))
    lessons.draw("three", Panel("t"), Panel("t"), Panel("t"))
    assert (len(sizes), asked, capsys.readouterr().err) == (2, [(4.3 * 3, 3.3)], "")
