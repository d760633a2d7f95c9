"""The lessons keep their promises: they run, break what they say they break, and their notebooks are theirs."""

import ast
import importlib.util
import math
import os
import re
import subprocess
import sys
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.ledger.report.mathml import formula

jupytext = pytest.importorskip("jupytext", reason="extra teach")
nbformat = pytest.importorskip("nbformat", reason="extra teach")

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "simulations" / "lessons").glob("[0-9]*.py"))
NOTEBOOKS = ROOT / "docs" / "lessons"
SECONDS = 20
each_lesson = pytest.mark.parametrize("script", LESSONS, ids=lambda script: script.stem)


def run(script, folder):
    """Run a lesson as plain Python in an empty folder: the finished process."""
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    command = [sys.executable, str(script)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=10 * SECONDS)


def notebook_of(script):
    return nbformat.read(NOTEBOOKS / f"{script.stem}.ipynb", as_version=4)


def printed(notebook):
    """What all cells print."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def prose(script):
    """The cells of text of a lesson."""
    return [cell.source for cell in jupytext.read(script, fmt="py:percent").cells if cell.cell_type == "markdown"]


def solutions(script):
    """The folded solutions of a lesson: the code that answers each question."""
    folded = re.findall(
        r"<details><summary>Solution</summary>\n\n`answer_\d = ([^`]+)`.+?\n\n</details>", said(script), re.S
    )
    assert len(folded) == 2
    return folded


def said(script):
    """All text of a lesson."""
    return "\n\n".join(prose(script))


def answered(script):
    """A lesson whose questions were answered by its solutions."""
    text = script.read_text(encoding="utf-8")
    for number, solution in enumerate(solutions(script), 1):
        assert text.count(f"\nanswer_{number} = ...\n") == 1
        text = text.replace(f"answer_{number} = ...", f"answer_{number} = {solution}")
    return text if re.search("^import math$", text, re.MULTILINE) else f"import math\n{text}"


def load_build():
    """simulations/lessons/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "simulations" / "lessons" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_twelve_lessons_with_a_notebook_each():
    assert [script.stem[:2] for script in LESSONS] == [f"{number:02}" for number in range(1, 13)]
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == {script.stem for script in LESSONS}
    assert sum(path.stat().st_size for path in NOTEBOOKS.iterdir()) < 2_000_000


def test_the_index_lists_every_lesson_as_it_is():
    # Oracle: identity, the page that is built; enumeration, titles and order read by another rule
    text = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    assert text == load_build().index(), "run make lessons"
    titles = [re.search(r"^# # \d+\. (.+)$", script.read_text(encoding="utf-8"), re.MULTILINE)[1] for script in LESSONS]
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((\w+)\.ipynb\) \| (\d+) \|", text, re.MULTILINE)
    assert [(int(number), title, stem) for number, title, stem, _ in rows] == [
        (int(script.stem[:2]), title, script.stem) for script, title in zip(LESSONS, titles, strict=True)
    ]
    assert all(10 <= int(minutes) <= 30 for *_, minutes in rows)
    two = map(nbformat.v4.new_markdown_cell, ["before\n\n## Question 1\n\none", "## Question 2"])
    assert load_build().minutes(nbformat.v4.new_notebook(cells=[*two])) == 8  # a question is one within a cell, too


@each_lesson
def test_runs_as_plain_python(script, tmp_path, monkeypatch, capsys):
    # Oracle: identity, what the notebook prints, whose questions have no answers yet. What a process of its own adds,
    # an import that is missing, is asked of the first lesson below.
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    # Time of the processor and not of the clock: other tests run beside this one.
    before = time.process_time()
    exec(compile(answered(script), script.name, "exec"), {"__name__": "__main__"})
    assert time.process_time() - before < SECONDS
    spoken = capsys.readouterr()
    # Its figure is kept, under its own name.
    assert [path.name for path in tmp_path.iterdir()] == [f"{script.stem}.png"]
    assert (tmp_path / f"{script.stem}.png").read_bytes().startswith(b"\x89PNG")
    assert spoken.err == f"drawn: {script.stem}.png\n"
    committed = notebook_of(script)
    lines, kept = spoken.out.splitlines(), printed(committed).splitlines()
    # Another NumPy may draw other numbers; as many lines it prints in any case.
    assert len(lines) == len(kept)
    assert [line[:7] for line in lines if line.startswith("Right: ")] == ["Right: "] * 2
    assert sum(line.startswith("No answer yet") for line in kept) == 2
    if committed.metadata.made_with.numpy == np.__version__:
        told = ("Right: ", "No answer yet")
        assert [line for line in lines if not line.startswith(told)] == [
            line for line in kept if not line.startswith(told)
        ]


@each_lesson
def test_has_its_parts(script):
    # Oracle: enumeration, the parts that the index promises
    words = said(script)
    number = int(script.stem[:2])
    assert words.startswith(f"# {number}. ")
    assert len(re.findall(r"\*\*(?:Theorem|The idea)", words)) == 1
    headings = [line for line in words.splitlines() if line.startswith("## ")]
    assert headings[0].startswith("## Show it")
    assert headings[-3:] == ["## Break it", "## Question 1", "## Question 2"]
    assert len(solutions(script)) == words.count("<details>") == words.count("</details>")

    text = script.read_text(encoding="utf-8")
    for question in (1, 2):
        assert re.search(rf"^# %%\nanswer_{question} = \.\.\.\n", text, flags=re.MULTILINE)
        assert re.search(rf"^kt\.lessons\.check\(answer_{question}, truth_{question}, ", text, flags=re.MULTILINE)
    broken = text[text.index("# ## Break it") : text.index("# ## Question 1")]
    assert re.search(r"^assert .*# broken: ", broken, flags=re.MULTILINE)


@each_lesson
def test_its_formulas_are_typeset_and_half_of_it_is_text(script):
    # Oracle: identity, the converter of the report, which refuses what it does not know; enumeration of lines
    words = said(script)
    found = re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", words, flags=re.DOTALL)
    assert sum(bool(block) for block, _ in found) >= 1
    for block, inline in found:
        assert formula(block or inline, block=bool(block)).endswith("</math>")
    # Code stands in backticks; what is left of it there is names, and the answers of solutions.
    for code in re.findall(r"`([^`]+)`", words):
        assert code.startswith("answer_") or re.fullmatch(r"[\w.@:]+", code), code
    cells = jupytext.read(script, fmt="py:percent").cells
    lines = {"code": 0, "markdown": 0}
    for cell in cells:
        lines[cell.cell_type] += sum(bool(line.strip()) for line in cell.source.splitlines())
    assert lines["code"] <= lines["markdown"], lines


@each_lesson
def test_uses_public_names_only(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imported = {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert imported - set(sys.stdlib_module_names) == {"kt_theory", "numpy"}
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "kt"}
    assert names
    assert names <= set(kt.__all__)


@each_lesson
def test_notebook_is_that_of_the_script(script):
    source, notebook = jupytext.read(script, fmt="py:percent"), notebook_of(script)
    assert [(c.cell_type, c.source) for c in notebook.cells] == [(c.cell_type, c.source) for c in source.cells]
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells] == [f"cell-{place:02}" for place in range(len(notebook.cells))]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    pictures = 0
    for cell in code:
        kinds = [output.output_type for output in cell.outputs]
        prints = re.search(r"^(?:print|kt\.lessons\.table|kt\.lessons\.check)\(", cell.source, flags=re.MULTILINE)
        assert ("stream" in kinds) == bool(prints), cell.source
        assert kinds.count("display_data") == cell.source.count("kt.lessons.draw("), cell.source
        assert set(kinds) <= {"stream", "display_data"}  # no errors, and no addresses of objects
        assert all(output.get("name") != "stderr" for output in cell.outputs)
        pictures += kinds.count("display_data")
    assert pictures >= 1


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook_names_no_place_and_no_time(path):
    # Pictures are left out: their letters are not words.
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert not re.search(r"/(?:home|root|tmp|usr|var|opt|work|Users)/|[A-Z]:\\\\|site-packages|0x[0-9a-f]{6}", text)
    assert not re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text)


def test_building_gives_the_committed_notebook():
    # Oracle: identity, the notebook that was built before, byte for byte where the libraries are the same
    build = load_build()
    script = next(script for script in LESSONS if script.stem == "06_soft_labels")
    first, committed = build.executed(script), notebook_of(script)
    if first.metadata.made_with == committed.metadata.made_with:
        assert nbformat.writes(first) == nbformat.writes(committed)
    for cell, kept in zip(first.cells, committed.cells, strict=True):
        kinds = [(output.output_type, sorted(output.get("data", {}))) for output in cell.get("outputs", [])]
        assert kinds == [(output.output_type, sorted(output.get("data", {}))) for output in kept.get("outputs", [])]
    assert printed(first) == printed(committed)  # exact and rounded: whatever NumPy draws


def calls_of_check(script):
    """The two calls of check in a lesson: of each the lesson's answer, the wrong one, and why that is wrong."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    texts = {ast.unparse(n.targets[0]): n.value for n in tree.body if isinstance(n, ast.Assign)}
    calls = [n.value for n in tree.body if isinstance(n, ast.Expr) and ast.unparse(n).startswith("kt.lessons.check(")]
    for number, (solution, call) in enumerate(zip(solutions(script), calls, strict=True), 1):
        answer, truth, wrong, why = call.args
        assert (answer.id, truth.id) == (f"answer_{number}", f"truth_{number}")
        why = texts[why.id] if isinstance(why, ast.Name) else why
        yield eval(solution, {"math": math}), eval(ast.unparse(wrong), {"math": math}), why.value


@each_lesson
def test_a_right_answer_passes_in_any_form(script):
    # Oracle: identity, the lesson's own answer written in other ways
    calls = list(calls_of_check(script))
    assert len(calls) == 2
    for answer, wrong, why in calls:
        forms = [answer, np.float64(answer), Fraction(answer), Decimal(answer), str(float(answer)), np.array(answer)]
        for form in [*forms, answer * 1.01, answer * 0.99]:
            kt.lessons.check(form, answer, wrong, why)


@each_lesson
def test_a_wrong_answer_gets_a_sentence(script):
    # Oracle: enumeration, the mistake that the lesson names, and others
    for answer, wrong, why in calls_of_check(script):

        def refused(given, answer=answer, wrong=wrong, why=why):
            with pytest.raises(ValueError) as caught:
                kt.lessons.check(given, answer, wrong, why)
            sentence = str(caught.value)
            assert sentence.endswith(".")
            assert "\n" not in sentence
            return sentence

        assert refused(wrong).endswith(f"is not right: {why}.")
        assert refused(answer + 3 * abs(answer)).endswith("it is too large.")
        assert refused(answer - 3 * abs(answer)).endswith("it is too small.")
        assert refused(answer + 0.03 * abs(answer)).endswith("it is too large.")
        assert refused(answer - 0.03 * abs(answer)).endswith("it is too small.")
        for nonsense in (None, "a half", math.nan, math.inf, [answer], (1, 2), 1j, 10**400, math.sqrt):
            assert "is not one finite number" in refused(nonsense)


def test_an_answer_is_written_where_a_reader_would(tmp_path):
    # Oracle: identity, 2/5 is 0.4
    text = next(script for script in LESSONS if script.stem == "01_total_variation").read_text(encoding="utf-8")
    drawn = "drawn: 01_total_variation.png"
    for given, status, last in [("2 / 5", 0, drawn), ("0.9", 1, "ValueError: 0.9 is not right: it is too large.")]:
        script = tmp_path / "lesson.py"
        script.write_text(text.replace("answer_1 = ...\n", f"answer_1 = {given}\n"), encoding="utf-8")
        lesson = run(script, tmp_path)
        assert lesson.returncode == status
        assert lesson.stderr.splitlines()[-1] == last
        assert ("Right: 0.4.\n" in lesson.stdout) == (status == 0)


def test_a_table_is_printed_in_columns(capsys):
    # Oracle: enumeration, by hand
    kt.lessons.table({"word": ["a", "the"], "n": np.array([10, 12345]), "risk": [1e-7, 2 / 3], "": [True, 1.0]})
    assert capsys.readouterr().out.splitlines() == [
        "word        n     risk",
        "a          10    1e-07   1",
        "the    12,345   0.6667   1",
    ]
    with pytest.raises(ValueError, match=r"^columns differ in length \(a: 1, b: 2\): each needs one value a row$"):
        kt.lessons.table({"a": [1], "b": [1, 2]})


def test_a_figure_has_what_its_panels_say(tmp_path, monkeypatch):
    # Oracle: enumeration, the artists of the figure
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    kept = []
    monkeypatch.setattr(kt.lessons, "write_whole", lambda path, write: kept.append((path, write.func.__self__)) or path)
    line, panel = kt.lessons.Line, kt.lessons.Panel
    n, risk = [1, 10, 100], [0.5, 0.2, 0.1]
    lines = [line("CE_sgl, exact", n, risk), line("other", n, risk), line("theory", None, 0.3, "k--")]
    lines += [line("", n, risk, "o", mcse=[0.1, 0.1, 0.1]), line("band", n, risk, upto=[0.6, 0.3, 0.2])]
    bars = panel("Bars", y="probability", bars={"p": [0.6, 0.4], "CE_ful": [0.5, 0.5]}, ticks=["a", "b"])
    kt.lessons.draw("two", panel("Lines", "n", "risk", lines, log="xy", xlim=(1, 200)), bars)
    [(path, figure)] = kept
    left, right = figure.axes
    assert path == "two.png"
    assert (left.get_title(), left.get_xscale(), left.get_yscale(), left.get_xlim()) == (
        "Lines",
        "log",
        "log",
        (1, 200),
    )
    colours = [drawn.get_color() for drawn in left.get_lines()[:3]]
    assert colours == ["#D55E00", "#0072B2", "black"]  # the learner's own, the next, theory
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["CE_sgl, exact", "other", "theory", "band"]
    assert [text.get_text() for text in right.get_xticklabels()] == ["a", "b"]
    assert [bar.get_height() for bar in right.patches] == [0.6, 0.4, 0.5, 0.5]
    for name, panels, refused in [
        ("a/b", [bars], "name is 'a/b': it must be the name of a file"),
        ("", [bars], "name is '': it must be the name of a file"),
        ("two", [], "a figure needs one panel or more"),
        ("two", [panel("x", log="z")], "log is 'z': it must name axes"),
    ]:
        with pytest.raises(ValueError, match=f"^{refused}"):
            kt.lessons.draw(name, *panels)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_drawn_to_its_measures(tmp_path, monkeypatch):
    # Oracle: enumeration by hand, the places of what is drawn
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    kept = []
    monkeypatch.setattr(kt.lessons, "write_whole", lambda path, write: kept.append(write.func.__self__) or path)
    line, panel = kt.lessons.Line, kt.lessons.Panel
    x, y = [1.0, 2.0], [0.5, 0.25]
    lines = [line("drawn", x, y, "o", mcse=[0.1, 0.01]), line("band", x, y, upto=[0.75, 0.5]), line("level", None, 0.3)]
    heights = {"p": [0.6, 0.4, 0.0], "q": [0.5, 0.5, 0.0], "CE_ful": [1.0, 0.0, 0.0]}
    kt.lessons.draw("one", panel("One", "x", "y", lines, ylim=(0.0, 1.0)))
    kt.lessons.draw("two", panel("Bars", bars=heights, ticks="abc"), panel("Bare", lines=lines[:1], bare=True))
    assert [figure.get_size_inches().tolist() for figure in kept] == [[6.0, 3.3], [8.6, 3.3]]
    [axes], (bars, bare) = (figure.axes for figure in kept)
    # Two standard errors up and down; a band from y to its other edge; a thin line through all of the panel.
    [errors] = axes.containers
    [ends] = errors.lines[2]
    assert np.allclose(ends.get_segments(), [[[1, 0.3], [1, 0.7]], [[2, 0.23], [2, 0.27]]], rtol=1e-12, atol=0)
    [band] = [one for one in axes.collections if one is not ends]
    assert {(1.0, 0.5), (1.0, 0.75), (2.0, 0.25), (2.0, 0.5)} == set(map(tuple, band.get_paths()[0].vertices.tolist()))
    assert (band.get_alpha(), band.get_linewidth().tolist()) == (0.25, [0])
    level = axes.get_lines()[-1]
    assert (list(level.get_ydata()), level.get_linewidth(), level.get_linestyle()) == ([0.3, 0.3], 0.8, "-")
    assert axes.get_ylim() == (0.0, 1.0)
    # Three groups of three bars, each group 0.8 wide about its tick.
    width = 0.8 / 3
    middles = [bar.get_x() + bar.get_width() / 2 for bar in bars.patches]
    expected = [at + place * width for place in (-1, 0, 1) for at in (0, 1, 2)]
    assert middles == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([width] * 9, rel=1e-12, abs=0)
    assert bars.get_xticks().tolist() == [0, 1, 2]
    assert not any(grid.get_visible() for grid in bars.get_xgridlines())
    assert not bare.axison
    assert bare.get_aspect() == 1
    assert [one.get_legend().get_texts()[0].get_fontsize() for one in (axes, bars, bare)] == [7.5] * 3
    anchor = bare.get_legend().get_bbox_to_anchor()
    assert bare.transAxes.inverted().transform(anchor.p0) == pytest.approx([0.95, 0.6], rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("stem", "right", "planted"),
    [
        # A wrong answer.
        ("01_total_variation", "answer_1 = ...", "answer_1 = 0.8"),
        ("04_biased_cross_entropy", "answer_2 = ...", "answer_2 = 0.6"),
        # A break that breaks nothing.
        ("01_total_variation", "default_rng(2), p)", "default_rng(2), positive_part)"),
        pytest.param("02_square_root", "np.eye(A)[np.arange(S) % A]", "np.full((S, A), 1 / A)", marks=pytest.mark.slow),
        ("03_missing_mass", "np.log(problem.teacher), 1)", "np.log(problem.teacher), 12)"),
        ("04_biased_cross_entropy", "[[0.5, 0.5, 0.0]]", "[[0.6, 0.4, 0.0]]"),
        pytest.param(
            "05_lower_bounds",
            "0.3 * error_of_best_test(n, 0.3)",
            "0.3 * error_of_best_test(n, 1 / math.sqrt(n))",
            marks=pytest.mark.slow,
        ),
        ("06_soft_labels", "[0.7, 0.1, 0.1, 0.1]", "[0.25, 0.25, 0.25, 0.25]"),
        ("07_moving_teachers", "frozen = kt.instance(2, S, A, 1000)", "frozen = kt.instance(2, S, A, 100_000)"),
        ("08_reading_a_slope", "fit_rate(decade, np.log(decade) / decade)", "fit_rate(decade, 1 / decade)"),
        pytest.param("09_greedy_decoding", "0.01 / math.sqrt(n)", "0.01", marks=pytest.mark.slow),
        pytest.param("12_lists_of_labels", '"SEL@sampled:5"', '"SEL@top_k_only:5"', marks=pytest.mark.slow),
        pytest.param(
            "10_auditing_a_student",
            'fitted = kt.fit(log, "SEL_ptl")',
            'fitted = kt.fit(kt.draw(problem, "partial", 300, seed=9), "SEL_ptl")',
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "11_one_teacher_six_losses",
            "[[50_000, 30_000, 20_000]]",
            "[[10, 6, 4]]",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_planted_error_is_seen(stem, right, planted, tmp_path, monkeypatch):
    # Oracle: identity, the error that is planted. The lessons that compute for some seconds first are slow; the planted
    # errors of the others show that a lesson stops.
    text = (ROOT / "simulations" / "lessons" / f"{stem}.py").read_text(encoding="utf-8")
    assert text.count(right) == 1
    planted_lesson = compile(text.replace(right, planted), stem, "exec")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError if "answer" in right else AssertionError) as caught:
        exec(planted_lesson, {"__name__": "__main__"})
    raised = [str(entry.frame.code.raw.co_filename) for entry in caught.traceback]
    assert raised[-2 if "answer" in right else -1] == stem
    assert "answer" not in right or "is not right" in str(caught.value)
