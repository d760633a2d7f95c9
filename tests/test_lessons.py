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

import matplotlib.pyplot as plt
import numpy as np
import pytest

import kt_theory as kt

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


def load_build():
    """simulations/lessons/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "simulations" / "lessons" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_eleven_lessons_with_a_notebook_each():
    assert [script.stem[:2] for script in LESSONS] == [f"{number:02}" for number in range(1, 12)]
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


@each_lesson
def test_runs_as_plain_python(script, tmp_path, monkeypatch, capsys):
    # Oracle: identity, what the notebook prints. What a process of its own adds, an import that is missing, is asked of
    # the first lesson below.
    monkeypatch.chdir(tmp_path)
    # Time of the processor and not of the clock: other tests run beside this one.
    before = time.process_time()
    exec(compile(script.read_text(encoding="utf-8"), script.name, "exec"), {"__name__": "__main__"})
    assert time.process_time() - before < SECONDS
    plt.close("all")
    said = capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    committed = notebook_of(script)
    # Another NumPy may draw other numbers; as many lines it prints in any case.
    if committed.metadata.made_with.numpy == np.__version__:
        assert said == printed(committed)
    assert len(said.splitlines()) == len(printed(committed).splitlines())


@each_lesson
def test_has_its_parts(script):
    notebook = jupytext.read(script, fmt="py:percent")
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    number = int(script.stem[:2])
    assert words.startswith(f"# {number}. ")
    assert len(re.findall(r"\*\*(?:Theorem|The idea)", words)) == 1
    headings = [line for line in words.splitlines() if line.startswith("## ")]
    assert headings[0].startswith("## Show it")
    assert headings[-3:] == ["## Break it", "## Question 1", "## Question 2"]

    solutions = [cell.source for cell in notebook.cells if cell.metadata.get("tags") == ["solution"]]
    assert len(solutions) == 2
    text = script.read_text(encoding="utf-8")
    for question, solution in enumerate(solutions, 1):
        # All that a reader may replace: nothing that comes later needs another name of this cell.
        assert re.fullmatch(rf"answer_{question} = .+", solution)
        assert re.search(rf"^check\(\s*answer_{question},\s*truth_{question},", text, flags=re.MULTILINE)
    broken = text[text.index("# ## Break it") : text.index("# ## Question 1")]
    assert re.search(r"^assert .*# broken: ", broken, flags=re.MULTILINE)


@each_lesson
def test_uses_public_names_only(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imported = {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert imported - set(sys.stdlib_module_names) == {"kt_theory", "matplotlib", "numpy"}
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
        assert ("stream" in kinds) == bool(re.search(r"^(?: {4})?print\(", cell.source, flags=re.MULTILINE)), (
            cell.source
        )
        assert ("display_data" in kinds) == ("plt.subplots(" in cell.source), cell.source
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
    answers = {
        node.targets[0].id: eval(ast.unparse(node.value), {"math": math})
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("answer_")
    }
    calls = [n.value for n in tree.body if isinstance(n, ast.Expr) and ast.unparse(n).startswith("check(answer_")]
    for call in calls:
        answer, truth, wrong, why = call.args
        assert answer.id.removeprefix("answer_") == truth.id.removeprefix("truth_")
        yield answers[answer.id], eval(ast.unparse(wrong)), why.value


def check_of(script):
    """The function check of a lesson."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    source = next(ast.unparse(node) for node in tree.body if getattr(node, "name", "") == "check")
    names = {"math": math}
    exec(source, names)
    return names["check"], source


def test_all_lessons_check_alike():
    # Oracle: identity, the text of the function
    assert len({check_of(script)[1] for script in LESSONS}) == 1


@each_lesson
def test_a_right_answer_passes_in_any_form(script):
    # Oracle: identity, the lesson's own answer written in other ways
    check, _ = check_of(script)
    calls = list(calls_of_check(script))
    assert len(calls) == 2
    for answer, wrong, why in calls:
        forms = [answer, np.float64(answer), Fraction(answer), Decimal(answer), str(float(answer)), np.array(answer)]
        for form in [*forms, answer * 1.01, answer * 0.99]:
            check(form, answer, wrong, why)


@each_lesson
def test_a_wrong_answer_gets_a_sentence(script):
    # Oracle: enumeration, the mistake that the lesson names, and others
    check, _ = check_of(script)
    for answer, wrong, why in calls_of_check(script):

        def said(given, answer=answer, wrong=wrong, why=why):
            with pytest.raises(ValueError) as caught:
                check(given, answer, wrong, why)
            sentence = str(caught.value)
            assert sentence.endswith(".")
            assert "\n" not in sentence
            return sentence

        assert said(wrong).endswith(f"is not right: {why}.")
        assert said(answer + 3 * abs(answer)).endswith("it is too large.")
        assert said(answer - 3 * abs(answer)).endswith("it is too small.")
        assert said(answer + 0.03 * abs(answer)).endswith("it is too large.")
        assert said(answer - 0.03 * abs(answer)).endswith("it is too small.")
        for nonsense in (None, ..., "a half", math.nan, math.inf, [answer], (1, 2), 1j, 10**400, math.sqrt):
            assert "is not one finite number" in said(nonsense)


def test_an_answer_is_replaced_where_a_reader_would(tmp_path):
    # Oracle: identity, 2/5 is 0.4
    text = next(script for script in LESSONS if script.stem == "01_total_variation").read_text(encoding="utf-8")
    for given, status, said in [("2 / 5", 0, ""), ("0.9", 1, "ValueError: 0.9 is not right: it is too large.")]:
        script = tmp_path / "lesson.py"
        script.write_text(text.replace("answer_1 = 0.4\n", f"answer_1 = {given}\n"), encoding="utf-8")
        lesson = run(script, tmp_path)
        assert lesson.returncode == status
        assert (lesson.stderr.splitlines() or [""])[-1] == said


@pytest.mark.parametrize(
    ("stem", "right", "planted"),
    [
        # A wrong answer.
        ("01_total_variation", "answer_1 = 0.4", "answer_1 = 0.8"),
        ("04_biased_cross_entropy", "answer_2 = 0.5", "answer_2 = 0.6"),
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
def test_a_planted_error_is_seen(stem, right, planted):
    # Oracle: identity, the error that is planted. The lessons that compute for some seconds first are slow; the planted
    # errors of the others show that a lesson stops.
    text = (ROOT / "simulations" / "lessons" / f"{stem}.py").read_text(encoding="utf-8")
    assert text.count(right) == 1
    planted_lesson = compile(text.replace(right, planted), stem, "exec")
    with pytest.raises(ValueError if "answer" in right else AssertionError) as caught:
        exec(planted_lesson, {"__name__": "__main__"})
    plt.close("all")
    assert caught.traceback[-1].frame.code.raw.co_filename == stem
    assert "answer" not in right or "is not right" in str(caught.value)
