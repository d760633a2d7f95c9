"""The report in paper/: its numbers are those of the results, its theorems those of the ledger, its steps tested."""

import ast
import functools
import importlib
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from kt_theory.ledger import STATEMENTS

ROOT = Path(__file__).parents[1]
PAPER = ROOT / "paper"
SECTIONS = {path.name: path.read_text(encoding="utf-8") for path in sorted((PAPER / "sections").glob("*.tex"))}
TEXT = {name: re.sub(r"(?<!\\)%.*", "", text) for name, text in SECTIONS.items() if name != "macros.tex"}

#: Numerals that may be typed into the text: small integers and exponents of formulas, the paper's own names of its
#: figures and instances, delta <= 1/10 and n up to 10^12, which the theorems say.
ALLOWED = {"0", "1", "2", "3", "4", "8", "9", "10", "12"}

RESULTS = re.compile(r"\\begin\{(theorem|proposition|lemma|corollary)\}\{(N\w+)\}\{([^}]*)\}\{([^}]*)\}")


@pytest.fixture(scope="module")
def results():
    sys.path.insert(0, str(PAPER))
    try:
        yield importlib.import_module("results")
    finally:
        sys.path.remove(str(PAPER))


@pytest.fixture(scope="module")
def build(results):
    return importlib.import_module("build")


# --- Numbers ------------------------------------------------------------------------------------------------


def test_what_is_generated_is_what_the_results_say(results):
    # Oracle: identity, generated/ written anew from figures/*.csv and the ledger
    fresh = results.generated()
    assert set(fresh) == {path.name for path in (PAPER / "generated").iterdir()}
    for name, text in fresh.items():
        assert (PAPER / "generated" / name).read_text(encoding="utf-8") == text, f"generated/{name}: run make paper"


def test_a_stale_number_would_be_seen(results, monkeypatch):
    # Oracle: identity, with one value of one file moved by a percent
    read = results.read
    for stem, column in (("paper_numbers", "value"), ("three_worlds", "share"), ("ledger", "ratio")):

        def moved(name, stem=stem, column=column):
            table = read(name)
            return table if name != stem else table.assign(**{column: table[column] * 1.01})

        monkeypatch.setattr(results, "read", moved)
        fresh = results.generated()
        assert any((PAPER / "generated" / name).read_text() != text for name, text in fresh.items()), stem


def test_constants_are_what_the_script_computes():
    # Oracle: second run, simulations/paper_numbers.py; what takes longer is compared by the slow test below
    script = runpy.run_path(str(ROOT / "simulations" / "paper_numbers.py"))
    committed = pd.read_csv(ROOT / "figures" / "paper_numbers.csv").set_index("name")["value"]
    found = list(script["constants"]())
    assert len(found) > 20
    for name, value, _ in found:
        assert committed[name] == pytest.approx(value, rel=1e-7, abs=0), name


def test_games_are_read_by_their_sizes(results, monkeypatch):
    # Oracle: by hand, two games of a table in another order; ends are rounded outwards
    rows = [(2, 3, 4, 0.123451, 0.123459), (1, 2, 9, 0.5, 0.5)]
    table = pd.DataFrame(rows, columns=["S", "A", "n", "lower", "upper"])
    monkeypatch.setattr(results, "read", {"hard_games": table}.__getitem__)
    said = r"$[0.12345,\,0.12346]$ at $(S,A,n)=(2,3,4)$ and $[0.50000,\,0.50000]$ at $(1,2,9)$"
    assert results.games() == said


def test_statements_that_are_equations_are_those_whose_source_is_one(results):
    # Oracle: identity, sources of the paper's statements: a number in brackets
    found = [id for id, one in results.STATEMENTS.items() if one.status == "published" and "(" in one.source.split()[1]]
    assert tuple(found) == results.EQUATIONS


@pytest.mark.slow
def test_all_numbers_are_what_the_script_computes():
    # Oracle: second run, simulations/paper_numbers.py
    script = runpy.run_path(str(ROOT / "simulations" / "paper_numbers.py"))
    for stem, make in script["TABLES"].items():
        committed = pd.read_csv(ROOT / "figures" / f"{stem}.csv")
        pd.testing.assert_frame_equal(make(), committed, rtol=1e-6, check_dtype=False)


def bare(text: str) -> str:
    """The text without what is not read as text: names, references, ids, sizes."""
    text = RESULTS.sub(r"\3", text)
    names = "val|verdict|step|ref|label|cite|input|zz|texttt|begin|end|setlength"
    text = re.sub(rf"\\(?:{names})\{{[^}}]*\}}(?:\{{[^}}]*\}})?", " ", text)
    text = re.sub(r"\\includegraphics\[[^\]]*\]\{[^}]*\}", " ", text)
    # \frac32 is two numerals.
    return re.sub(r"(\\t?frac\d)(?=\d)", r"\1 ", text)


def typed(text: str) -> Counter:
    """Numerals in a text that are neither generated nor allowed."""
    return Counter(word for word in re.findall(r"\d+(?:\.\d+)?", bare(text)) if word not in ALLOWED)


@pytest.mark.parametrize("name", TEXT)
def test_no_number_is_typed_in(name):
    assert not typed(TEXT[name])


def test_a_number_that_is_typed_in_would_be_seen():
    assert typed(r"the constant is $0.154$, by Theorem~\ref{N6a}; \val{c-inf} and $\frac37$") == {"0.154": 1, "7": 1}


#: Numbers that only the summary prints.
OF_THE_SUMMARY = {"one-over-e", "needs-hard", "needs-partial", "needs-soft"}


def test_every_name_has_its_number_and_every_number_is_used(results):
    asked = set(re.findall(r"\\val\{([^}]*)\}", " ".join(TEXT.values())))
    assert asked | OF_THE_SUMMARY == set(results.numbers())


def test_the_summary_quotes_generated_numbers_only(results):
    text = (PAPER / "summary.md").read_text(encoding="utf-8")
    printed = " ".join(results.numbers().values()).replace("{,}", ",").replace(r"\,\%", "%")
    plain = set(re.findall(r"\d+(?:[.,]\d+)*", printed))
    text = re.sub(r"\]\([^)]*\)|`[^`]*`", "", text)
    numerals = set(re.findall(r"\d+(?:[.,]\d+)*", text)) - ALLOWED
    assert numerals <= plain, numerals - plain
    assert len(text.split()) <= 600
    assert text.count("![") == 1


def test_no_student_could_do_with_a_tenth_less_than_the_summary_says():
    # Oracle: the lower ends of the minimax risks, against the upper ends that the summary prints
    values = pd.read_csv(ROOT / "figures" / "paper_numbers.csv").set_index("name")["value"]
    for protocol in ("hard", "partial", "soft"):
        assert 0.9 * values[f"needs-{protocol}"] < values[f"least-{protocol}"] <= values[f"needs-{protocol}"]


# --- The ledger ---------------------------------------------------------------------------------------------


def stated() -> dict[str, tuple[str, bool]]:
    """Id -> (number of the result that carries it, whether a proof follows)."""
    found = {}
    for text in TEXT.values():
        for match in RESULTS.finditer(text):
            kind, number, _, ids = match.groups()
            after = text[text.index(rf"\end{{{kind}}}", match.end()) :].split("\n", 1)[1]
            for id in ids.split(","):
                assert id not in found, f"{id} is stated twice"
                found[id] = number, after.lstrip().startswith(r"\begin{proof}")
    return found


def test_every_theorem_is_an_entry_of_the_ledger_and_has_a_proof():
    # Oracle: STATEMENTS
    assert len(stated()) >= 76
    for id, (number, proved) in stated().items():
        assert id in STATEMENTS
        assert STATEMENTS[id].status == "proved", id
        assert proved, f"{number} has no proof"
        # The source of an entry names the number under which the report proves it.
        assert re.search(rf"\b{number}\b", STATEMENTS[id].source), (id, number)
    for text in TEXT.values():
        assert len(re.findall(r"\\begin\{(?:theorem|proposition|lemma|corollary)\}", text)) == len(
            RESULTS.findall(text)
        )


def test_every_entry_that_is_ours_is_proved_here_or_said_not_to_be():
    # Oracle: STATEMENTS
    proved = {id for id, statement in STATEMENTS.items() if statement.status == "proved"}
    assert proved == set(stated())
    tables = "".join((PAPER / "generated" / f"{name}.tex").read_text() for name in ("statements", "slips", "open"))
    shown = set(re.findall(r"\\verdict\{([^}]*)\}", tables + "".join(TEXT.values()))) | set(stated())
    # Statements under trial are no part of the report.
    needed = {id for id, statement in STATEMENTS.items() if statement.status != "experimental"}
    assert needed <= shown, needed - shown
    for id, statement in STATEMENTS.items():
        if statement.status in ("numerical", "conjectured", "open"):
            assert rf"\verdict{{{id}}}" in (PAPER / "generated" / "open.tex").read_text()


def test_a_theorem_without_an_entry_would_be_seen(monkeypatch):
    monkeypatch.setitem(TEXT, "soft.tex", TEXT["soft.tex"].replace("ours-N9-value", "ours-N9-valve"))
    with pytest.raises(AssertionError):
        test_every_theorem_is_an_entry_of_the_ledger_and_has_a_proof()
    with pytest.raises(AssertionError):
        test_every_entry_that_is_ours_is_proved_here_or_said_not_to_be()


def test_an_entry_that_names_another_result_would_be_seen(monkeypatch):
    monkeypatch.setitem(TEXT, "soft.tex", TEXT["soft.tex"].replace("{N9a}", "{N9c}"))
    with pytest.raises(AssertionError, match="N9c"):
        test_every_theorem_is_an_entry_of_the_ledger_and_has_a_proof()


def test_a_theorem_without_a_proof_would_be_seen(monkeypatch):
    monkeypatch.setitem(TEXT, "soft.tex", TEXT["soft.tex"].replace("\\begin{proof}", "", 1))
    with pytest.raises(AssertionError, match="has no proof"):
        test_every_theorem_is_an_entry_of_the_ledger_and_has_a_proof()


# --- Steps --------------------------------------------------------------------------------------------------


@functools.cache
def marked_steps() -> Counter:
    """Names in the markers `step` of all tests."""
    found = Counter()
    for path in (ROOT / "tests").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.step":
                found.update(argument.value for argument in node.args)
    return found


def test_every_step_of_a_proof_is_tested_and_every_step_that_is_tested_is_taken():
    # Oracle: the markers of the tests
    taken = Counter(re.findall(r"\\step\{(N[\d.]+)\}", "".join(TEXT.values())))
    assert len(taken) > 60
    assert set(taken) <= set(marked_steps()), set(taken) - set(marked_steps())
    assert set(marked_steps()) <= set(taken), set(marked_steps()) - set(taken)


@pytest.mark.parametrize("other", ["N9.9", "N5.1"])
def test_a_step_without_a_test_or_a_test_without_a_step_would_be_seen(monkeypatch, other):
    monkeypatch.setitem(TEXT, "soft.tex", TEXT["soft.tex"].replace("\\step{N9.1}", f"\\step{{{other}}}"))
    with pytest.raises(AssertionError):
        test_every_step_of_a_proof_is_tested_and_every_step_that_is_tested_is_taken()


# --- The document -------------------------------------------------------------------------------------------


def test_the_committed_document_was_built_from_these_sources(results):
    # Oracle: identity, the digest of all sources in the document's dictionary
    digest = re.search(r"val@digest\\endcsname\{(\w+)\}", results.generated()["numbers.tex"])[1]
    assert f"/Sources ({digest})".encode() in (PAPER / "paper.pdf").read_bytes(), "paper.pdf is old: run make paper"


def test_without_tex_the_builder_says_what_is_missing(build, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    assert build.build(tmp_path / "paper.pdf") == 1
    said = capsys.readouterr().err
    assert "make paper needs latexmk, pdflatex, bibtex, geometry.sty" in said
    assert "apt-get install latexmk texlive-latex-base" in said
    assert not (tmp_path / "paper.pdf").exists()


def test_only_the_plain_packages_of_tex_are_asked_for(build):
    assert set(build.styles()) <= {
        *("geometry", "amsmath", "amssymb", "amsthm", "array", "booktabs", "longtable", "graphicx", "multicol"),
        *("xcolor", "hyperref"),
    }


def test_blemishes_are_seen(build):
    log = """
LaTeX Warning: Reference `N99' on page 3 undefined on input line 7.
LaTeX Warning: Citation `nobody' on page 3 undefined on input line 8.
Overfull \\hbox (0.5pt too wide) in paragraph at lines 2--3
Overfull \\hbox (17.3pt too wide) in paragraph at lines 5--9
"""
    found = build.blemishes(log)
    assert len(found) == 3
    assert "17.3" in found[2]


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no latexmk on this machine")
def test_the_document_builds_and_has_its_pages(tmp_path):
    # Oracle: TeX itself: no missing reference, no line in the margin, all fonts embedded (paper/build.py refuses them)
    done = subprocess.run(
        [sys.executable, PAPER / "build.py", "--out", tmp_path / "paper.pdf"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pages = (tmp_path / "paper.pdf").read_bytes().count(b"/Type /Page\n")
    # 15 before storage, greedy decoding and audits of students had their sections, which are six pages; losses: one.
    assert 8 <= pages <= 22
