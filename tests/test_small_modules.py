"""Files, fingerprints, refusals and progress: each branch, on both sides of its limit."""

import functools
import hashlib
import inspect
import math
import os
import stat
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kt_theory import compiled, fingerprints, progress, refusals, showing
from kt_theory.files import (
    check_suffix,
    check_writable,
    path_of,
    refuse_overwriting,
    write_whole,
    written_for,
)
from kt_theory.fingerprints import fingerprint
from kt_theory.logs.report import Report
from kt_theory.refusals import Argument, Note, Refusal, spelled_with_options


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# --- files ------------------------------------------------------------------------------------------------


def test_what_a_path_is():
    # Oracle: definition
    assert path_of("a/b") == Path("a/b")
    assert path_of(Path("a")) == Path("a")
    assert path_of(" ") == Path(" ")
    assert path_of("a" * 255 + "/" + "b" * 255) == Path("a" * 255, "b" * 255)
    assert path_of("\udce4" * 85) == Path("\udce4" * 85)  # three bytes each


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (3, "x is of type int: it must be a path, text or a pathlib.Path"),
        (b"a", "x is of type bytes: it must be a path, text or a pathlib.Path"),
        (SimpleNamespace(), "x is of type SimpleNamespace: it must be a path, text or a pathlib.Path"),
        ("", "x is '': it must not be empty, nor hold control characters"),
        *((f"a{c}", f"x is {f'a{c}'!a}: it must not be empty, nor hold control characters") for c in "\0\n\x1f\x7f"),
        ("a" * 256, f"x is '{'a' * 59}...: no name of a file or folder has more than 255 bytes"),
        (
            "b/" + "\u00e4" * 128,
            f"x is {ascii('b/' + chr(228) * 128)[:60]}...: no name of a file or folder has more than",
        ),
    ],
)
def test_what_no_path_is(path, sentence):
    # Oracle: definition, the sentence by hand
    with pytest.raises(ValueError) as caught:
        path_of(path, "x")
    assert str(caught.value).startswith(sentence)


def test_a_file_is_replaced_as_a_whole():
    # Oracle: definition: a neighbour of the same suffix, the permissions of a new file, nothing left behind
    seen = []

    def write(file):
        seen.append(file)
        file.write_text("new")

    before = os.umask(0o027)
    try:
        assert write_whole("new/deep/x.csv", write) == Path("new/deep/x.csv")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    (neighbour,) = seen
    assert (neighbour.suffix, neighbour.parent) == (".csv", Path("new/deep").resolve())
    assert written_for(neighbour.name) == "x.csv"
    assert stat.S_IMODE(os.stat("new/deep/x.csv").st_mode) == 0o640
    assert os.listdir("new/deep") == ["x.csv"]
    assert Path("new/deep/x.csv").read_text() == "new"
    os.symlink("new/deep/x.csv", "link.csv")
    assert write_whole("link.csv", lambda file: file.write_text("newer")) == Path("link.csv")
    assert Path("link.csv").is_symlink()
    assert Path("new/deep/x.csv").read_text() == "newer"


@pytest.mark.parametrize(
    ("error", "raised", "sentence"),
    [
        (OSError(28, "No space left"), ValueError, "cannot be written: No space left"),
        (OSError("odd"), ValueError, "cannot be written: odd"),
        (KeyError("x"), KeyError, "'x'"),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ],
)
def test_a_file_that_fails_is_as_before(error, raised, sentence):
    # Oracle: definition
    Path("x.csv").write_text("old")

    def write(file):
        file.write_text("half")
        raise error

    with pytest.raises(raised) as caught:
        write_whole("x.csv", write)
    assert str(caught.value).endswith(sentence)
    assert os.listdir() == ["x.csv"]
    assert Path("x.csv").read_text() == "old"


def test_outputs_that_are_inputs():
    # Oracle: definition: files by what they are, or by their place if one is not there
    Path("x.csv").write_text("")
    os.symlink("x.csv", "link.csv")
    refuse_overwriting("out", "x.csv", {"--a": None, "--b": "y.csv"})
    refuse_overwriting("out", "new.csv", {"--b": "newer.csv"})
    for out, given in (("x.csv", "./x.csv"), ("link.csv", "x.csv"), ("new.csv", os.path.abspath("new.csv"))):
        with pytest.raises(Refusal) as caught:
            refuse_overwriting("some_out", out, {"--a": None, "--b": "y.csv", "the input": given})
        said = f"is {out}, which is the input too: it would be overwritten; choose another name"
        assert (str(caught.value), caught.value.with_options) == (f"some_out {said}", f"--some-out {said}")


def test_what_cannot_be_written():
    # Oracle: definition, one sentence; a folder that is missing is made, and nothing stays in it
    check_writable("new/x.csv", ".csv", ".parquet")
    check_writable("x.anything")
    assert os.listdir("new") == []
    check_suffix("X.CSV", ".csv")
    check_suffix("x")
    Path("folder").mkdir()
    Path("file").write_text("")
    os.symlink("loop", "loop")
    for path, suffixes, sentence in [
        ("x.txt", (".csv", ".parquet"), "x.txt: its name must end in .csv or .parquet"),
        ("folder", (), f"{Path('folder').resolve()} is not a regular file: it cannot be replaced"),
        ("file/x", (), f"{Path('file/x').resolve()} cannot be written: "),
        ("loop", (), "loop is a link that leads back to itself"),
    ]:
        with pytest.raises(ValueError) as caught:
            check_writable(path, *suffixes)
        assert str(caught.value).startswith(sentence)
    assert sorted(os.listdir()) == ["file", "folder", "loop", "new"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (".x-abcd_012.csv", "x.csv"),
        (".x-abcd_012", "x"),
        (".a-b.c-abcd_012.d", "a-b.c.d"),
        ("x-abcd_012.csv", None),
        (".x-abcd_01.csv", None),
        (".x-ABCD_012.csv", None),
        (".-abcd_012.csv", None),
        ("y.x-abcd_012.csv", None),
        (".x-abcd_012.csv.z", None),
    ],
)
def test_what_a_temporary_name_is_for(name, wanted):
    # Oracle: enumeration
    assert written_for(name) == wanted


# --- compiled ---------------------------------------------------------------------------------------------


def of_a_user(x):
    return x


def test_only_what_is_the_packages_alone_is_kept_on_disk(monkeypatch):
    # Oracle: definition: a function that closes over something, or of another module, is compiled for this process
    monkeypatch.setattr(compiled, "jit", lambda function: ("kept", function.__qualname__))
    monkeypatch.setattr(compiled, "_jit_for_now", lambda function: ("for now", function.__qualname__))
    make = compiled.row_function.__wrapped__
    own = {"np": np, "__name__": "kt_theory.somewhere"}
    text = """
        def inner(x): return x
        def outer(x): return inner(x)
        def alone(x): return np.abs(x)
        def around(y):
            def closed(x): return x + y
            return closed
        """
    exec(inspect.cleandoc(text), own)
    assert make(of_a_user)[0] == make(own["around"](1))[0] == "for now"
    assert make(own["alone"]) == ("kept", "alone")
    # What calls another of the package is kept under the name of what it calls.
    digest = hashlib.sha256(repr([("inner", compiled._content(own["inner"]))]).encode()).hexdigest()
    assert make(own["outer"]) == ("kept", f"outer_{digest[:16]}")
    # A loop with a part of a user's, alone or beside one of the package, is not.
    monkeypatch.setattr(compiled, "row_function", lambda part: part)
    for parts in ({"inner": of_a_user}, {"inner": own["inner"], "other": of_a_user}):
        assert compiled.specialised(own["outer"], parts, "loop")[0] == "for now"
    assert compiled.specialised(own["outer"], {"inner": own["inner"]}, "loop") == ("kept", f"loop_{digest[:16]}")


# --- fingerprints -----------------------------------------------------------------------------------------

LIMIT = 3


def of_globals(x):
    return x + LIMIT


def of_module(x):
    return math.sqrt(x)


def closing(value):
    def inner(x):
        return x + value

    return inner


def default(value):
    def inner(x, y=value):
        return x + y

    return inner


def keyword(value):
    def inner(x, *, y=value):
        return x + y

    return inner


def recursive(x):
    return recursive(x - 1) if x else 0


class Owner:
    __module__ = "numpy"  # content is pickled

    def __init__(self, value):
        self.value = value

    def method(self, x):
        return x


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (closing(1), closing(2)),
        (closing(1), closing(1.0)),
        (closing("1"), closing(1)),
        (closing(True), closing(1)),
        (closing([1, 2]), closing([2, 1])),
        (closing([1]), closing((1,))),
        (closing({"a": 1}), closing({"a": 2})),
        (closing({"a": 1}), closing({"b": 1})),
        (closing({1, 2}), closing({1, 3})),
        (closing({1}), closing(frozenset({1}))),
        (closing(np.array([1.0])), closing(np.array([2.0]))),
        (closing(np.float64(1)), closing(np.float64(2))),
        (closing(math), closing(os)),
        (closing(math.sin), closing(math.cos)),
        (closing(dict), closing(list)),
        (closing(closing(1)), closing(closing(2))),
        (default(1), default(2)),
        (keyword(1), keyword(2)),
        (functools.partial(default(1), 3), functools.partial(default(1), 4)),
        (functools.partial(keyword(1), y=3), functools.partial(keyword(1), y=4)),
        (functools.partial(closing(1), 3), functools.partial(closing(2), 3)),
        (lambda x: x + 1, lambda x: x + 2),
        (lambda x: x + 1, lambda x: x - 1),
        (lambda x: x.real, lambda x: x.imag),
        (lambda x: x in {1, 2}, lambda x: x in {1, 3}),
        (lambda x: [y + 1 for y in x], lambda x: [y + 2 for y in x]),
        (np.linalg.norm, np.linalg.det),
        (of_globals, of_module),
        (closing(None), closing(0)),
    ],
)
def test_functions_that_differ_have_other_fingerprints(one, other):
    # Oracle: definition
    assert fingerprint("x", one) != fingerprint("x", other)
    assert fingerprint("x", one) == fingerprint("x", one)
    assert len(fingerprint("x", one)) == 16


@pytest.mark.parametrize(
    "make",
    [
        lambda: closing([1, {"b": 2, "a": (3, None)}, b"x", 2j]),
        lambda: closing({"b", "a", "c", "d"}),
        lambda: closing({"a": 1, "b": 2}),
        lambda: closing(np.arange(3)),
        lambda: default(closing(1)),
        lambda: functools.partial(keyword(1), y=3),
        lambda: lambda x: x in {"a", "b", "c", "d"},
    ],
)
def test_functions_that_are_alike_have_one_fingerprint(make):
    # Oracle: definition
    assert fingerprint("x", make()) == fingerprint("x", make())


def test_what_a_function_reads(monkeypatch):
    # Oracle: definition: the globals that it reads, itself as itself, a compiled one as its source
    before = fingerprint("x", of_globals)
    monkeypatch.setitem(globals(), "LIMIT", 4)
    assert fingerprint("x", of_globals) != before
    assert fingerprint("x", recursive) == fingerprint("x", recursive)
    assert fingerprint("x", SimpleNamespace(py_func=of_globals)) == fingerprint("x", of_globals)
    assert fingerprint("x", None) != fingerprint("x", None, None)
    assert fingerprint("x", of_globals, facts=(1,)) != fingerprint("x", of_globals, facts=(2,))
    assert fingerprint("x", of_globals, of_module) != fingerprint("x", of_module, of_globals)
    assert fingerprint("x", {"b": 1, "a": 2}) == fingerprint("x", {"a": 2, "b": 1})  # type: ignore[arg-type]
    bound = types.MethodType(of_globals, 3), types.MethodType(of_globals, 4)
    assert fingerprint("x", bound[0]) != fingerprint("x", bound[1])
    inner = [1]
    inner.append(inner)
    assert fingerprint("x", closing(inner)) == fingerprint("x", closing(inner))


def test_a_variable_that_is_not_set_yet():
    # Oracle: definition: an empty cell is one

    def inner():
        return later

    before = fingerprint("x", inner)
    later = 3
    assert fingerprint("x", inner) != before


def test_a_value_without_content_is_refused():
    # Oracle: definition, one sentence
    for value in (object(), np.array([lambda: 0])):
        with pytest.raises(
            ValueError, match=r"^the learner x uses .*, whose content cannot be told from another's: give a "
        ):
            fingerprint("the learner x", closing(value))


def test_of_the_libraries_the_name_counts():
    # Oracle: definition: functions of NumPy, SciPy, math and numba by their names
    def one(x):
        return x

    def other(x):
        return x + 1

    for module in ("numpy", "scipy.special", "numba.core"):
        one.__module__ = other.__module__ = module
        one.__qualname__ = other.__qualname__ = "f"
        assert fingerprint("x", one) == fingerprint("x", other)
        other.__qualname__ = "g"
        assert fingerprint("x", one) != fingerprint("x", other)
    one.__module__ = other.__module__ = "numpyish"
    other.__qualname__ = "f"
    assert fingerprint("x", one) != fingerprint("x", other)
    one.__module__ = other.__module__ = None
    assert fingerprint("x", one) != fingerprint("x", other)
    assert fingerprints._constant(frozenset("ba")) == "[\"'a'\", \"'b'\"]"


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "python", "option"),
    [
        (Argument("told_as"), "told_as", "--told-as"),
        (Argument("tolerance", 0.5), "tolerance=0.5", "--tolerance 0.5"),
        (Argument("normalise", True), "normalise=True", "--normalise"),
        (Argument("n", 0), "n=0", "--n 0"),
        (Argument("other", "a"), "other='a'", "--other a"),
        (Argument("columns", {"state": "q", "action": "a"}), "columns={'state': 'q', 'action': 'a'}", None),
    ],
)
def test_how_an_argument_is_spelled(argument, python, option):
    # Oracle: definition
    option = "--columns state=q action=a" if option is None else option
    assert (str(argument), argument.option) == (python, option)
    for kind in (Refusal, Note):
        said = kind("give ", argument, "!")
        assert str(said) == f"give {python}!"
        assert spelled_with_options(said) == said.with_options == f"give {option}!"
    assert isinstance(Refusal("x"), ValueError)
    assert isinstance(Note("x"), UserWarning)
    assert spelled_with_options(ValueError("a=3")) == "a=3"
    with pytest.raises(AttributeError):
        argument.name = "x"
    assert refusals.Argument("a") == Argument("a", None)


# --- progress ---------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(time=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.time)
    return now


def test_lines_now_and_then(clock, capsys):
    # Oracle: enumeration: one as soon as ten seconds have passed since the last
    lines = progress.Lines()
    assert lines.every == progress.LINE_EVERY == 10.0
    for time, due in ((100.0, None), (109.9, None), (110.0, 10.0), (119.9, None), (120.5, 20.5), (130.0, None)):
        clock.time = time
        assert lines.due() == due
    clock.time = 130.5
    lines("a")
    clock.time = 140.0
    lines("b")
    lines.show("c")
    assert capsys.readouterr().err == "a\nc\n"
    assert progress.Lines(0.0).due() == 0.0


def test_what_a_count_says(clock, capsys):
    # Oracle: definition: what is left at the mean speed so far
    counted = progress.Progress("exact", "cell", every=5.0)
    counted.expect(3)
    counted.expect(1)
    clock.time = 104.0
    counted.advance()
    clock.time = 106.0
    counted.advance("note")
    clock.time = 112.0
    counted.advance()
    counted.close()
    assert (counted.done, counted.total) == (3, 4)
    assert capsys.readouterr().err.splitlines() == [
        "exact: 2 of 4 cells, note, about 6 s left",
        "exact: 3 of 4 cells, about 4 s left",
    ]
    several = progress.Progress("x", "entry", "entries", every=0.0)
    several.expect(1)
    several.advance()
    assert capsys.readouterr().err == "x: 1 of 1 entries, about 0 s left\n"
    silent = progress.Progress("x", "entry", show=False, every=0.0)
    silent.expect(1)
    silent.advance()
    silent.close()
    assert (silent.done, capsys.readouterr().err) == (1, "")


def test_a_count_on_a_terminal(monkeypatch):
    # Oracle: definition: one bar of the total, brought up to date
    made = []

    class Bar:
        def __init__(self, **options):
            self.options, self.calls, self.total = options, [], options["total"]
            made.append(self)

        def __getattr__(self, name):
            return lambda *given, **named: self.calls.append((name, *given, *named.items()))

    monkeypatch.setattr("tqdm.tqdm", Bar)
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True, write=lambda text: None))
    counted = progress.Progress("exact", "cell")
    counted.expect(3)
    counted.expect(2)
    counted.advance("a note")
    counted.advance()
    counted.close()
    (bar,) = made
    assert bar.options == {"total": 3, "unit": "cell", "desc": "exact", "leave": False}
    assert bar.total == 5
    refresh, update = ("refresh",), ("update",)
    notes = [("set_postfix_str", note, ("refresh", False)) for note in ("a note", "")]
    assert bar.calls == [refresh, refresh, notes[0], update, notes[1], update, ("close",)]
    silent = progress.Progress("exact", "cell", show=False)
    silent.expect(3)
    monkeypatch.setattr(sys, "stderr", None)
    nowhere = progress.Progress("exact", "cell", every=0.0)
    nowhere.expect(1)
    nowhere.advance()
    assert len(made) == 1


def test_items_that_are_watched(clock, capsys, monkeypatch):
    # Oracle: identity, the items; the count is closed even if the work raises
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    assert list(progress.watched([5, 6], "cell", "exact")) == [5, 6]
    assert capsys.readouterr().err.splitlines() == [
        "exact: 1 of 2 cells, about 0 s left",
        "exact: 2 of 2 cells, about 0 s left",
    ]
    assert list(progress.watched([5], "cell", "exact", show=False)) == [5]
    assert capsys.readouterr().err == ""
    closed = []
    monkeypatch.setattr(progress.Progress, "close", lambda self: closed.append(self.done))
    items = progress.watched([5, 6], "cell", "exact", show=False)
    next(items)
    with pytest.raises(KeyError):
        items.throw(KeyError)
    assert closed == [0]


# --- showing ----------------------------------------------------------------------------------------------


def test_where_names_and_sentences_are_cut():
    # Oracle: enumeration, on both sides of 40, 120, 300 and 900 characters: half from the start, a third from the end
    assert showing.shown("a" * 40) == "a" * 40
    assert showing.shown("a" * 41) == f"{'a' * 20}...{'a' * 13} (41 characters)"
    assert showing.shown("\n" * 20) == r"\n" * 20
    assert showing.shown("\n" * 21) == rf"{(chr(92) + 'n') * 10}...n{(chr(92) + 'n') * 6} (21 characters)"
    assert showing.shown("abcdefg", 6) == "abc...fg (7 characters)"
    assert showing.shown("abcdef", 6) == "abcdef"
    assert showing.shown(7) == "7"
    assert showing.shown("a ") == "'a '"
    assert showing.sentence("x" * 300) == "x" * 300
    assert showing.sentence("x" * 301) == f"{'x' * 150}...{'x' * 100}"
    assert showing.sentence("ab " * 300) == "ab " * 300
    assert showing.sentence("ab " * 300 + "c") == f"{'ab ' * 150}...{('ab ' * 300 + 'c')[-300:]}"
    assert showing.listed(["a" * 60, "b" * 60], 2, 8) == f"{'a' * 60}, {'b' * 60}"
    assert showing.listed(["a" * 60, "b" * 61], 2, 8) == f"{'a' * 60} and 1 more"
    assert showing.listed("abc", 3, 2) == "a, b and 1 more"
    assert showing.listed("abc", 3, 3) == "a, b, c"
    assert (showing.NAME_WIDTH, showing.WORD_WIDTH, showing.SENTENCE_WIDTH, showing.LIST_WIDTH) == (40, 300, 900, 120)


def test_tables_by_hand():
    # Oracle: enumeration: columns two blanks apart, left or right, as wide as the widest cell, and no blank at the end
    rows = [("a", "bb", "c"), ("xx", "y", ""), ("z", "-", "ww")]
    assert showing.table(rows) == " a  bb   c\nxx   y\n z   -  ww"
    assert showing.table(rows, left=[0, 2], indent=">") == ">a   bb  c\n>xx   y\n>z    -  ww"
    assert showing.table(rows, width=10) == showing.table(rows)
    assert showing.table(rows, indent=" ", width=11).startswith("  a  bb   c\n")
    assert showing.table(rows, width=9) == "a xx\n  bb: y;\n  c:\na z\n  c: ww"
    assert showing.table(rows, indent=" ", width=10).startswith(" a xx\n   bb: y;")
    with pytest.raises(ValueError, match="zip"):
        showing.table([("a", "b"), ("c",)])


# --- the account of a log ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "replies", "values"),
    [
        ([], 0, "unknown"),
        ([{"temperature": 1}], 1, "inferred: at temperature 1 without truncation, raw and processed values agree"),
        ([{"temperature": 1}], 2, "unknown"),
        ([{"temperature": 0.7}], 1, "unknown"),
        ([{"temperature": 1}, {"temperature": 0.7}], 2, "unknown"),
        ([{"temperature": 1, "top_p": 1, "top_k": -1, "min_p": 0}], 1, "inferred: "),
        ([{"temperature": 1, "top_k": 0}], 1, "inferred: "),
        ([{"temperature": 1, "top_p": 0.9}], 1, "unknown"),
        ([{"temperature": 1, "top_k": 40}], 1, "unknown"),
        ([{"temperature": 1, "min_p": 0.1}], 1, "unknown"),
        ([{"logprobs_mode": "raw"}, {"logprobs_mode": "processed"}], 2, "stated: processed, raw"),
    ],
)
def test_whether_a_log_says_which_values_it_has(settings, replies, values):
    # Oracle: definition
    found = Report(replies=replies)
    for given in settings:
        found.add_settings(given)
    assert found.values.startswith(values)


def test_the_account_of_a_log():
    # Oracle: enumeration by hand
    found = Report(samples=4, with_logprob=1)
    for mass in (0.5, 0.25, 1.0):
        found.add_list(mass)
    assert found.list_mass == [0.25, pytest.approx(1.75 / 3, rel=1e-14, abs=0), 1.0]
    found.add_settings({"temperature": [1]})  # a list is no setting
    found.add_settings({"top_p": "0.9", "temperature": True, "other": 3})
    assert found.settings == {"temperature": {"True": 1}, "top_p": {"0.9": 1}}
    for i in range(1002):
        found.leave_out("empty", f"a:{i}")
    found.leave_out("content_filter", "a:7")
    for i in range(3):
        found.leave_out("refusal", f"b:{i}")
    filtered = "a reply was filtered or refused: what remains is not drawn from the teacher alone"
    assert found.notes == {filtered: 4}
    assert found.left_lines["empty"] == [f"a:{i}" for i in range(1000)]
    assert found.sentences() == [
        "left out, empty: 1002 (a:0, a:1, a:2, ...)",
        "left out, refusal: 3 (b:0, b:1, b:2)",
        "left out, content_filter: 1 (a:7)",
        f"{filtered}: 4",
    ]
    plain = found.as_dict()
    assert plain["share of samples with a log-probability"] == 0.25
    assert plain["left out"]["refusal"] == {"number": 3, "lines": ["b:0", "b:1", "b:2"]}
    assert list(plain["left out"]) == ["empty", "refusal", "content_filter"]
    assert Report().as_dict()["share of samples with a log-probability"] is None
    assert Report().as_dict()["mass of the lists (least, mean, largest)"] is None
