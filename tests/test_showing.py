"""Names and sentences as a terminal may show them, and how far a computation is."""

import io
import sys

import pytest

from kt_theory import progress, showing

#: Names that tear, colour, turn around or flood a terminal, and what is shown instead.
NAMES = {
    "yes": "yes",
    " the": "' the'",
    "": "''",
    " ": "' '",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\0": r"\x00",
    "\x1b[31mred": r"\x1b[31mred",
    "\u2028": r"\u2028",
    "\u202e": r"\u202e",
    "\ud800": r"\ud800",
    "\U000e0041": r"\U000e0041",
    "\\n": r"\\n",
    "Käse": "Käse",
    "猫": "猫",
    "x" * 40: "x" * 40,
    "a" * 30 + "b" * 30: "a" * 20 + "..." + "b" * 13 + " (60 characters)",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_on_one_line(name):
    # Oracle: enumeration, by hand
    assert showing.shown(name) == NAMES[name]


def test_a_table_that_is_too_wide_becomes_paragraphs():
    # Oracle: enumeration, by hand
    rows = [("learner", "slope", "settled"), ("CE_sgl", "-0.5", "yes"), ("CE_ful", "-", "no")]
    flat = "learner  slope  settled\nCE_sgl    -0.5      yes\nCE_ful       -       no"
    assert showing.table(rows, left=[0]) == showing.table(rows, left=[0], width=23) == flat
    stacked = "learner CE_sgl\n  slope: -0.5; settled: yes\nlearner CE_ful\n  settled: no"
    assert showing.table(rows, left=[0], width=22).replace(";\n  ", "; ") == stacked
    for width in (23, 30, 60):
        assert max(map(len, showing.table(rows * 3, indent="  ", width=width).splitlines())) <= width


@pytest.mark.parametrize("name", ["\x1b" * 5600, "\U000e0041" * 40, "prompt\n" * 800])
def test_a_long_name_is_short_and_printable(name):
    text = showing.shown(name)
    assert text.isprintable()
    assert len(text) <= showing.NAME_WIDTH + 20


def test_different_names_look_different():
    names = ["n", "\n", "\\n", "'\\n'", " n", "n ", "N", "\u202en"]
    assert len({showing.shown(name) for name in names}) == len(names)


def test_a_sentence_is_one_printable_line():
    said = showing.sentence("label '\x1b[2J\n' of " + "9" * 5000 + " and " + "many words " * 500)
    assert said.isprintable()
    assert r"'\x1b[2J\n'" in said
    assert len(said) <= showing.SENTENCE_WIDTH
    assert showing.sentence("nothing is changed: \\d") == "nothing is changed: \\d"


def test_a_list_says_how_many_it_leaves_out():
    # Oracle: enumeration
    assert showing.listed([], 0, 8) == ""
    assert showing.listed(["a", "b"], 2, 8) == "a, b"
    assert showing.listed(map(str, range(100)), 100, 8) == "0, 1, 2, 3, 4, 5, 6, 7 and 92 more"
    assert showing.listed(["x" * 100, "y" * 100], 2, 8) == "x" * 100 + " and 1 more"
    assert showing.listed(["x" * 500], 1, 8) == "x" * 500


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress.watched([1, 2, 3], "cell", "exact")) == [1, 2, 3]
    assert "exact:" in sys.stderr.getvalue()
    assert "3" in sys.stderr.getvalue()


def test_progress_is_a_line_every_ten_seconds_elsewhere(monkeypatch, capsys):
    # Oracle: enumeration, of a clock that goes on by four seconds an item
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(progress.watched(list("abcdefg"), "cell", "exact")) == list("abcdefg")
    assert capsys.readouterr().err.splitlines() == [
        "exact: 3 of 7 cells, about 16 s left",
        "exact: 6 of 7 cells, about 4 s left",
    ]


def test_progress_may_be_silent(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    assert list(progress.watched([1, 2], "cell", "exact", show=False)) == [1, 2]
    assert capsys.readouterr().err == ""


def test_a_line_is_shown_now_and_then(monkeypatch, capsys):
    # Oracle: enumeration, of a clock of our own
    clock = iter([0.0, 4.0, 11.0, 15.0, 22.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    lines = progress.Lines()
    for done in range(1, 6):
        lines(f"round {done}")
    assert capsys.readouterr().err.splitlines() == ["round 2", "round 4", "round 5"]


def test_a_count_says_what_else_there_is_to_say(monkeypatch, capsys):
    # Oracle: enumeration, of a clock that goes on by twenty seconds a look; what is expected may grow
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    count = progress.Progress("work", "batch", "batches")
    count.expect(1)
    count.advance("2 were there")
    count.expect(3)
    count.advance()
    assert capsys.readouterr().err.splitlines() == [
        "work: 1 of 1 batches, 2 were there, about 0 s left",
        "work: 2 of 4 batches, about 40 s left",
    ]


def test_a_paragraph_is_broken_between_words_alone():
    # Oracle: enumeration by hand: names with hyphens, and one longer than a line, stay whole
    rows = [["id", "where", "long"], ["zz-3.2-mean", "a-place-of-9 now", "x" * 30]]
    assert showing.table(rows, left=(0,), width=20, indent=" ").splitlines() == [
        " id zz-3.2-mean",
        "   where:",
        "   a-place-of-9 now;",
        "   long:",
        "   " + "x" * 30,
    ]
