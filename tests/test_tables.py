"""Tables: what is written comes back to the last bit, and what is wrong is told in one sentence."""

import bz2
import gzip
import lzma
import math
import struct
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import kt_theory as kt
from kt_theory import tables

SUFFIXES = (".csv", ".parquet")
ODD_NAMES = (
    *("nan", "NA", "null", "None", "", "007", "7", "1e3", "inf", "True", "state", "p"),
    *("ß", "猫", "e\u0301", "🂡", "\ufeff", "a,b", 'say "so"', "'", "#", " padded "),
    *("two\nlines", "carriage\rreturn", "both\r\n", "tab\t", "nul\0"),
)


def same_bits(a, b):
    return np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def assert_same(back, problem):
    assert (back.states, back.actions) == (problem.states, problem.actions)
    assert same_bits(back.rho, problem.rho)
    assert same_bits(back.teacher, problem.teacher)
    assert back.identity == problem.identity


def one_sentence(error, *words):
    """The message is one sentence, free of the noise of other libraries, and names what it must."""
    text = str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    assert "\n" not in text
    assert ". " not in text
    assert not text.endswith(".")
    assert "Traceback" not in text
    for word in words:
        assert word in text, f"{word!r} is not in {text!r}"


# --- Round trips ----------------------------------------------------------------------------------------

PROBLEMS = {
    "odd names": kt.Problem(
        np.full(27, 1 / 27), np.full((27, 27), 1 / 27), states=ODD_NAMES, actions=tuple(reversed(ODD_NAMES))
    ),
    "smallest": kt.Problem([1.0], [[1.0]]),
    "a label of zero mass everywhere": kt.Problem([0.5, 0.5], [[0.0, 1.0, 0.0], [0.0, 0.25, 0.75]]),
    "an input of zero mass": kt.Problem([0.0, 1.0], [[0.1, 0.9], [1.0, 0.0]]),
    "smallest and largest floats": kt.Problem(
        [5e-324, 1 - 2**-53, 2**-53], [[5e-324, 1.0], [2.2250738585072014e-308, 1.0], [0.1 + 0.2, 0.7]]
    ),
    "minus zero": kt.Problem([1.0, -0.0], [[1.0, -0.0], [-0.0, 1.0]]),
    "off 1 in the last places": kt.Problem([1 - 9e-13], [[0.1 + 9e-13, 0.2, 0.7]]),
    "instance 3": kt.instance(3, S=7, A=5, n=1000),
    "Dirichlet": kt.dirichlet_problem(6, 30, seed=1, alpha=0.05, rho_alpha=0.3),
    "Zipf": kt.zipf_problem(12, 11, seed=2),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_teacher_comes_back_to_the_last_bit(problem, suffix, tmp_path):
    # Oracle: identity, reading undoes writing
    path = tables.write_teacher(problem, tmp_path / f"t{suffix}")
    back = tables.read_teacher(path)
    assert back.name == "t"
    assert_same(back, problem)
    again = tables.write_teacher(back, tmp_path / f"again{suffix}")
    assert again.read_bytes() == path.read_bytes()


# UTF-8 knows no surrogates; any other text is a name.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
WEIGHTS = st.one_of(st.just(0.0), st.floats(0, 1, allow_subnormal=True), st.floats(0, 1e-300))


@st.composite
def problems(draw):
    S, A = draw(st.integers(1, 4)), draw(st.integers(1, 4))

    def law(size):
        weights = np.array(draw(st.lists(WEIGHTS, min_size=size, max_size=size)))
        top = int(draw(st.integers(0, size - 1)))
        weights[top] = 1.0 + weights[top]
        return weights / weights.sum()

    def names(size):
        return draw(st.lists(NAMES, min_size=size, max_size=size, unique=True))

    return kt.Problem(law(S), [law(A) for _ in range(S)], states=names(S), actions=names(A))


@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # every example overwrites the same two files
)
@given(problem=problems())
@example(problem=kt.Problem([1.0], [[1.0]], states=["\r"], actions=["\0"]))
def test_any_teacher_comes_back_to_the_last_bit(problem, tmp_path):
    # Oracle: identity, reading undoes writing
    for suffix in SUFFIXES:
        assert_same(tables.read_teacher(tables.write_teacher(problem, tmp_path / f"t{suffix}")), problem)


def test_numbers_are_rounded_correctly(tmp_path):
    # Oracle: second algorithm, struct and repr; decimal texts that naive parsers miss by one unit in the last place
    texts = ["0.1", "0.30000000000000004", "6.4e-310", "2.2250738585072011e-308", "9007199254740993e-16"]
    texts += [".5", "5.", "1E-5"]
    path = tmp_path / "numbers.csv"
    path.write_text("s,a,p\n" + "".join(f"x,{i},{text}\n" for i, text in enumerate(texts)))
    for got, text in zip(tables.read_table(path)["p"], texts, strict=True):
        assert struct.pack("<d", got) == struct.pack("<d", float(text))


def test_counts_beyond_2_to_53_stay_whole(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text(f"state,action,count\nx,a,{2**53 + 1}\n")
    assert tables.read_table(path)["count"].tolist() == [2**53 + 1]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_students_are_written_beside_what_they_saw(suffix, tmp_path):
    # Oracle: identity, reading undoes writing
    teacher = [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
    names = {"states": ["nan", "y"], "actions": ["007", "b", "NA"]}
    data = kt.TransferSet.from_counts([[2, 1, 0], [0, 0, 0]], teacher, "partial", **names)
    students = {name: kt.fit(data, name) for name in ("CE_sgl", "SEL_ptl")}
    frame = tables.read_table(tables.write_students(students, data, tmp_path / f"students{suffix}"))
    assert frame.columns.tolist() == ["state", "action", "count", "revealed", "CE_sgl", "SEL_ptl"]
    assert frame["state"].tolist() == ["nan"] * 3 + ["y"] * 3
    assert frame["action"].tolist() == ["007", "b", "NA"] * 2
    assert frame["count"].tolist() == data.counts.ravel().tolist()
    assert same_bits(frame["revealed"].to_numpy(), data.revealed.ravel())
    for name, student in students.items():
        assert same_bits(frame[name].to_numpy(), student.ravel())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_students_of_hard_labels_have_nothing_revealed(suffix, tmp_path):
    data = kt.TransferSet.from_counts([[1, 0]])
    path = tables.write_students({"CE_sgl": kt.fit(data, "CE_sgl")}, data, tmp_path / f"s{suffix}")
    frame = tables.read_table(path)
    assert not [cell for cell in frame["revealed"] if cell != "" and not math.isnan(cell)]


# --- What a table may look like -------------------------------------------------------------------------


def frame(text):
    """A DataFrame as `read_table` makes it, from lines separated by blanks."""
    table = tables.reading.text_columns("\n".join(text.split()))
    return pd.DataFrame({name: tables.reading._typed(table, name) for name in table.names})


@pytest.mark.parametrize(
    "text",
    [
        "state,action,probability x,yes,0.25 x,no,0.75 y,no,1",
        "s,a,p x,yes,0.25 x,no,0.75 y,no,1",
        "action,prob,note,state yes,0.25,hm,x no,0.75,,x no,1,n/a,y",
        ",state,action,p 0,x,yes,0.25 1,x,no,0.75 2,y,no,1.0",
        "state,yes,no x,0.25,0.75 y,0,1",
        "s,rho,yes,no x,0.5,0.25,0.75 y,0.5,0.0,1.0",
        "state,action,p,rho x,yes,0.25,0.5 x,no,0.75,0.5 y,no,1,0.5",
        "state,action,count x,yes,1 x,no,3 y,no,4",
        "state,action,count x,yes,1.0 x,no,3 y,no,4e0 y,yes,0",
        "state,action,count,rho x,yes,5,0.5 x,no,15,0.5 y,no,1,0.5",
        "state,action,p y,no,1 x,no,0.75 x,yes,0.25",
    ],
)
def test_the_same_problem_in_many_shapes(text):
    problem = tables.teacher_from_frame(frame(text))
    s, a = np.argsort(problem.states), np.argsort(problem.actions)[::-1]
    assert problem.rho[s].tolist() == [0.5, 0.5]
    assert problem.teacher[s][:, a].tolist() == [[0.25, 0.75], [0.0, 1.0]]


def test_order_is_that_of_first_appearance():
    problem = tables.teacher_from_frame(frame("s,a,p z,m,0.5 z,b,0.5 a,b,0.5 a,q,0.5"))
    assert (problem.states, problem.actions) == (("z", "a"), ("m", "b", "q"))


def test_labels_called_like_columns_are_labels_of_a_wide_table():
    problem = tables.teacher_from_frame(frame("state,a,s x,0.1,0.9"))
    assert problem.actions == ("a", "s")
    assert problem.teacher.tolist() == [[0.1, 0.9]]


def test_frames_from_memory_may_hold_numbers_as_names():
    problem = tables.teacher_from_frame(pd.DataFrame({"state": [3, 1], 10: [0.5, 1], 9: [0.5, 0]}), name="mine")
    assert (problem.states, problem.actions, problem.name) == (("3", "1"), ("10", "9"), "mine")
    halves = pd.array([0.5, 0.5], dtype="Float64")
    categories = pd.DataFrame({"s": pd.Categorical(["x", "x"]), "a": [1, 2], "p": halves})
    assert tables.teacher_from_frame(categories).actions == ("1", "2")


def test_normalising_divides_rows_and_rho_by_their_sums():
    # Oracle: identity, weights over their float64 sum
    problem = tables.teacher_from_frame(frame("s,a,p,rho x,b,1,2 x,c,3,2 y,b,0.1,6"), normalise=True)
    assert problem.rho.tolist() == [0.25, 0.75]
    assert problem.teacher.tolist() == [[0.25, 0.75], [1.0, 0.0]]
    softmax = np.random.default_rng(0).dirichlet(np.ones(5), size=2).astype(np.float32)
    wide = pd.DataFrame(softmax, columns=list("vwxyz"))
    wide.insert(0, "state", ["1", "2"])
    with pytest.raises(ValueError, match="of state '1' sum to"):
        tables.teacher_from_frame(wide)
    double = softmax.astype(np.float64)
    scaled = double / double.sum(axis=1, keepdims=True)
    assert same_bits(tables.teacher_from_frame(wide, normalise=True).teacher, scaled)


def test_counts_give_natural_frequencies():
    problem = tables.teacher_from_frame(frame("state,action,count x,b,1 x,c,2 y,c,6"))
    assert problem.rho.tolist() == [1 / 3, 2 / 3]
    assert problem.teacher.tolist() == [[1 / 3, 2 / 3], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("\ufeffs,p\r\nx,1\r\n\r\ny,2\r\n\r\n", [["x", 1], ["y", 2]]),
        ('s,p\n"x\n,",1', [["x\n,", 1]]),
        ("s,p\rx,1\ry,2\r", [["x", 1], ["y", 2]]),
        ("s,p,note\nx, 1 ,\ny,2,n/a\n", [["x", 1, ""], ["y", 2, "n/a"]]),
        ("s,revealed\nx,0.5\ny,2\n", [["x", 0.5], ["y", 2.0]]),
        ("s,note\nx,nan\n", [["x", "nan"]]),
        ("s,note\nx,\n", [["x", ""]]),
        ("s,p\n", []),
    ],
    ids=["windows", "quoted newline", "old mac", "note", "numbers", "nan is text", "empty column", "header only"],
)
def test_files_from_other_programs(text, rows, tmp_path):
    path = tmp_path / "table.CSV"
    path.write_bytes(text.encode())
    assert tables.read_table(path).to_numpy().tolist() == rows


def test_names_are_text_in_parquet_too(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"state": [7, 7], "a": pd.Categorical(["x", "007"]), "p": [0.5, 0.5]}).to_parquet(path)
    assert tables.read_table(path).to_numpy().tolist() == [["7", "x", 0.5], ["7", "007", 0.5]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_wide_table_comes_back_to_the_last_bit(suffix, tmp_path):
    # Oracle: identity, reading undoes writing
    problem = PROBLEMS["Dirichlet"]
    wide = pd.DataFrame(problem.teacher, columns=problem.actions)
    wide.insert(0, "state", problem.states)
    wide.insert(1, "rho", problem.rho)
    assert_same(tables.read_teacher(tables.write_table(wide, tmp_path / f"wide{suffix}")), problem)


# --- Records --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_records_are_the_same_from_a_file_as_from_memory(suffix, tmp_path):
    # Oracle: identity, the same columns handed over in memory
    records = {"s": ["nan", "NA", "007", "nan"], "a": [2, 10, 2, 2], "logp": [-0.1, -0.3, -1e-300, -0.1]}
    path = tables.write_table(pd.DataFrame(records), tmp_path / f"records{suffix}")
    read, direct = tables.read_records(path), kt.TransferSet.from_records(records)
    assert (read.states, read.actions, read.protocol) == (direct.states, direct.actions, direct.protocol)
    assert read.actions == ("2", "10")
    assert same_bits(read.counts, direct.counts)
    assert same_bits(read.revealed, direct.revealed)
    wider = tables.read_records(path, states=["nan", "007", "x", "NA"], actions=range(11))
    assert wider.counts.shape == (4, 11)
    assert wider.counts[0, 2] == 2


def test_names_with_leading_zeros_are_sorted_as_text(tmp_path):
    (tmp_path / "r.csv").write_text("s,a\n10,x\n007,x\n9,x\n")
    assert tables.read_records(tmp_path / "r.csv").states == ("007", "10", "9")


def test_no_records_but_both_alphabets(tmp_path):
    (tmp_path / "r.csv").write_text("s,a,p\n")
    data = tables.read_records(tmp_path / "r.csv", states=["x"], actions=["y", "z"])
    assert (data.n, data.protocol.name) == (0, "partial")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s,a,p\nx,yes,0.5\nx,yes,0.6\n", ["line 3", "0.6", "line 2", "tolerance=0.2"]),
        ("s,a,p\nx,yes,1.5\n", ["line 2", "1.5"]),
        ("s,a,p\nx,yes,0\n", ["line 2", "p is 0"]),
        ("s,a,p\nx,yes,nan\n", ["line 2", "p is 'nan', not a number"]),
        ("s,a,logp\nx,yes,-inf\n", ["line 2", "-inf"]),
        ("s,a\n,yes\n", ["line 2", "s is missing"]),
        ("s,p\nx,0.5\n", ["no action column"]),
        ("s,a,p,logp\nx,y,1,0\n", ["keep one"]),
        ("s,a\n", ["no rows", "states"]),
        ("s,state,a\nx,x,y\n", ["s and state"]),
    ],
)
def test_bad_records_name_the_file(text, words, tmp_path):
    path = tmp_path / "records.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as error:
        tables.read_records(path)
    one_sentence(error, str(path), *words)


def test_a_record_outside_the_alphabet_names_the_file(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text("s,a\n3,yes\n")
    with pytest.raises(ValueError) as error:
        tables.read_records(path, states=[1, 2])
    one_sentence(error, str(path), "line 2", "'3'", "2 states")


# --- Alphabets ------------------------------------------------------------------------------------------


def test_an_alphabet_is_read_line_by_line(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffnan\r\n007\r\na,b \r\n\u2028猫\r\n\r\n".encode())
    assert tables.read_names(path) == ["nan", "007", "a,b ", "\u2028猫"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"\n\n", ["line 1", "empty"]),
        (b"x\n\ny\n", ["line 2", "empty"]),
        (b"x\ny\nx\n", ["line 3", "'x'", "line 1"]),
        (b"x\n\xe9\n", ["byte 2", "0xe9", "UTF-8"]),
        (None, ["no such file"]),
    ],
)
def test_bad_alphabets(content, words, tmp_path):
    path = tmp_path / "names.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        tables.read_names(path)
    one_sentence(error, str(path), *words)


# --- Bad files ------------------------------------------------------------------------------------------

BAD_FILES = {
    "empty": (b"", ["the file is empty"]),
    "only a byte order mark": (b"\xef\xbb\xbf", ["the file is empty"]),
    "only blank lines": (b"\n\n\n", ["the file is empty"]),
    "header only": (b"state,action,p\n", ["no rows"]),
    "latin-1": ("state,action,p\nx,é,1\n".encode("latin-1"), ["byte 17", "0xe9", "UTF-8"]),
    "utf-16": ("state,action,p\nx,y,1\n".encode("utf-16"), ["UTF-16", "UTF-8"]),
    **{
        f"{encoding} without a mark": ("state,action,p\nx,y,1\n".encode(encoding), ["UTF-16 or UTF-32", "UTF-8"])
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    },
    "zip archive": (b"PK\x03\x04\x80\x81", ["a ZIP archive or a spreadsheet", "UTF-8"]),
    "bzip2": (bz2.compress(b"state,action,p\nx,y,1\n"), ["a bzip2 file", "UTF-8"]),
    "xz": (lzma.compress(b"state,action,p\nx,y,1\n"), ["an xz file", "UTF-8"]),
    "zstandard": (b"\x28\xb5\x2f\xfd\x80", ["a Zstandard file", "UTF-8"]),
    "gzip": (gzip.compress(b"state,action,p\nx,y,1\n"), ["compressed", ".csv.gz or .tsv.gz"]),
    "blanks in the header": (b"state, action, p\nx,y,1\n", ["column ' action'", "blanks around its name"]),
    "semicolons": (b"state;action;p\nx;y;1\n", ["'state;action;p'", "commas"]),
    "one column": (b"state\nx\n", ["'state'", "two or more"]),
    "short line": (b"state,action,p\nx,y,0.5\nx,z\n", ["line 3", "2 cells", "3"]),
    "long line": (b"state,action,p\nx,y,1,\n", ["line 2", "4 cells", "3"]),
    "decimal comma": (b"state,action,p\nx,y,0,5\n", ["line 2", "4 cells", "3"]),
    "quoted decimal comma": (b'state,action,p\nx,y,"0,5"\n', ["line 2", "p", "'0,5'", "not a number"]),
    "open quote": (b'state,action,p\nx,"y,1\n', ["line 2", "unexpected end of data"]),
    "text after a quote": (b'state,action,p\nx,"y"z,1\n', ["line 2", "expected after"]),
    "a column twice": (b"state,action,p,p\nx,y,1,1\n", ["two columns named 'p'"]),
    "a label twice": (b"state,y,y\nx,0.5,0.5\n", ["two columns named 'y'"]),
    "two state columns": (b"state,s,action,p\nx,x,y,1\n", ["2 state columns", "state and s"]),
    "two action columns": (b"state,action,a,p\nx,y,y,1\n", ["2 action columns", "action and a"]),
    "two probability columns": (b"s,a,p,prob\nx,y,1,1\n", ["2 probability columns", "p and prob"]),
    "no state column": (b"action,p\ny,1\n", ["no state column", "s or state"]),
    "no probability": (b"state,action\nx,y\n", ["neither a probability nor", "state, action"]),
    "probability and count": (b"s,a,p,count\nx,y,1,1\n", ["both a probability and a count"]),
    "empty number": (b"s,a,p\nx,y,0.5\nx,z,\n", ["line 3", "p is empty"]),
    "missing marker": (b"s,a,p\nx,y,NA\n", ["line 2", "p", "'NA'"]),
    "nan": (b"s,a,p\nx,y,nan\n", ["line 2", "p", "'nan'"]),
    "infinite": (b"s,a,p\nx,y,inf\n", ["line 2", "p", "'inf'"]),
    "overflow": (b"s,a,p\nx,y,1e999\n", ["line 2", "p is inf"]),
    "underscore": (b"s,a,p\nx,y,1_0\n", ["line 2", "'1_0'"]),
    "percent": (b"s,a,p\nx,y,100%\n", ["line 2", "'100%'"]),
    "other digits": ("s,a,p\nx,y,١\n".encode(), ["line 2", "'١'"]),
    "negative": (b"s,a,p\nx,y,1\nx,z,-0.25\n", ["line 3", "p is -0.25"]),
    "above 1": (b"s,a,p\nx,y,1.25\n", ["line 2", "p is 1.25"]),
    "pair twice": (b"s,a,p\nx,y,0.5\nq,z,1\nx,y,0.5\n", ["line 4", "('x', 'y')", "line 2"]),
    "row short of 1": (b"s,a,p\nx,y,1\nq,y,0.5\nq,z,0.25\n", ["state 'q'", "0.75", "-0.25"]),
    "row beyond 1e-12": (b"s,a,p\nx,y,0.999999999998\n", ["state 'x'", "0.999999999998", "normalise=True"]),
    "row without mass": (b"s,a,p\nx,y,1\nq,y,0\n", ["state 'q'", "0.0"]),
    "rho differs": (b"s,a,p,rho\nx,y,0.5,1\nx,z,0.5,0.9\n", ["line 3", "'x'", "0.9", "1.0", "line 2"]),
    "rho off 1": (b"s,a,p,rho\nx,y,1,0.5\nq,z,1,0.25\n", ["rho sums to 0.75", "-0.25"]),
    "rho negative": (b"s,a,p,rho\nx,y,1,1\nq,z,1,-0.5\n", ["line 3", "rho is -0.5"]),
    "rho empty": (b"s,a,p,rho\nx,y,0.5,1\nx,z,0.5,\n", ["line 3", "rho is empty"]),
    "count negative": (b"s,a,count\nx,y,3\nx,z,-1\n", ["line 3", "count is -1"]),
    "count fractional": (b"s,a,count\nx,y,3\nx,z,0.5\n", ["line 3", "count is 0.5", "whole"]),
    "count too large": (b"s,a,count\nx,y,1e300\n", ["count", "1e+300", "64-bit"]),
    "count infinite": (b"s,a,count\nx,y,1e999\n", ["line 2", "count is inf", "whole"]),
    "counts all zero": (b"s,a,count\nx,y,3\nq,y,0\nq,z,0\n", ["state 'q'", "all 0"]),
    "wide, another first column": (b"from,y,z\nx,0.5,0.5\n", ["'from'", "state or s"]),
    "wide, index column": (b",state,y\n0,x,1\n", ["''", "state or s"]),
    "wide, no label": (b"state,rho\nx,1\n", ["no column of labels"]),
    "wide, unnamed label": (b"state,y,\nx,0.5,0.5\n", ["column 3", "no name"]),
    "wide, state twice": (b"state,y\nx,1\nq,1\nx,1\n", ["line 4", "'x'", "line 2"]),
    "wide, text": (b"state,y,note\nx,1,sure\n", ["line 2", "note", "'sure'"]),
    "wide, empty": (b"state,y,z\nx,1,0\nq,1,\n", ["line 3", "z is empty"]),
    "wide, row off 1": (b"state,y,z\nx,1,0\nq,1,0.1\n", ["state 'q'", "1.1"]),
    "wide, above 1": (b"state,y,z\nx,3.5,1\n", ["line 2", "y is 3.5"]),
}


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_told_in_one_sentence(content, words, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        tables.read_teacher(path)
    one_sentence(error, str(path), *words)


NOT_TO_NORMALISE = {
    "no mass": (b"s,a,p\nx,y,1\nq,y,0\n", ["state 'q'", "0.0", "no law"]),
    "sum overflows": (b"s,a,p\nx,y,1e308\nx,z,1e308\n", ["state 'x'", "inf"]),
    "negative": (b"s,a,p\nx,y,2\nx,z,-1\n", ["line 3", "p is -1"]),
    "infinite": (b"s,a,p\nx,y,1e999\n", ["line 2", "p is inf"]),
    "no rho": (b"s,a,p,rho\nx,y,1,0\n", ["rho sums to 0.0"]),
    "rho differs": (b"s,a,p,rho\nx,y,1,2\nx,z,1,3\n", ["line 3", "3.0", "2.0"]),
}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("content", "words"), NOT_TO_NORMALISE.values(), ids=NOT_TO_NORMALISE)
def test_what_normalising_cannot_mend(content, words, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        tables.read_teacher(path, normalise=True)
    one_sentence(error, str(path), *words)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([["x", "y", 1.0]], ["frame is a list"]),
        (pd.DataFrame(), ["no rows"]),
        (pd.DataFrame({"s": ["x", None], "a": ["y", "z"], "p": [1.0, 1.0]}), ["row 2", "s is missing"]),
        (pd.DataFrame({"s": ["x", "x"], "a": [np.nan, "z"], "p": [0.5, 0.5]}), ["row 1", "a is missing"]),
        (pd.DataFrame({"s": ["x"], "a": ["y"], "p": [np.nan]}), ["row 1", "p is empty"]),
        (pd.DataFrame({"s": ["x"], "a": ["y"], "p": pd.array([None], dtype="Float64")}), ["row 1", "p is empty"]),
        (pd.DataFrame({"s": ["x"], "a": ["y"], "p": [1j]}), ["row 1", "p is 1j"]),
        (pd.DataFrame({"s": ["x"], "a": ["y"], "p": [[1.0]]}), ["row 1", "p is [1.0]"]),
        (pd.DataFrame({"s": ["x"], "a": ["y"], "count": [np.nan]}), ["row 1", "count is empty"]),
        (pd.DataFrame([["x", 0.5, 0.5]], columns=["state", 1, "1"]), ["two columns named '1'"]),
        (pd.DataFrame({"state": ["x", None], "y": [1.0, 1.0]}), ["row 2", "state is missing"]),
    ],
)
def test_a_bad_frame_is_told_in_one_sentence(table, words):
    with pytest.raises(ValueError) as error:
        tables.teacher_from_frame(table)
    one_sentence(error, *words)


@pytest.mark.parametrize("name", ["teacher.xlsx", "teacher.csv.xz", "teacher", ".csv", "teacher.pkl"])
def test_other_formats_are_refused_both_ways(name, tmp_path):
    path = tmp_path / name
    for act in (tables.read_table, lambda file: tables.write_teacher(PROBLEMS["smallest"], file)):
        with pytest.raises(ValueError) as error:
            act(path)
        one_sentence(error, str(path), "its name must end in .csv")
    assert not path.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_file_or_a_folder(suffix, tmp_path):
    missing, folder = tmp_path / f"missing{suffix}", tmp_path / f"folder{suffix}"
    folder.mkdir()
    for path, word in ((missing, "no such file"), (folder, "folder"), (missing / f"x{suffix}", "no such file")):
        with pytest.raises(ValueError) as error:
            tables.read_table(path)
        one_sentence(error, str(path), word)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "secret.csv").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ValueError) as error:
        tables.read_table(tmp_path / "secret.csv")
    one_sentence(error, "secret.csv", "Permission denied")


def test_a_truncated_parquet_file_at_every_kind_of_cut(tmp_path):
    whole = tables.write_teacher(PROBLEMS["Dirichlet"], tmp_path / "whole.parquet").read_bytes()
    path = tmp_path / "cut.parquet"
    for cut in {0, 1, 4, 8, 9, len(whole) // 4, len(whole) // 2, *range(len(whole) - 12, len(whole))}:
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError) as error:
            tables.read_teacher(path)
        one_sentence(error, str(path), "damaged" if cut else "empty")
    for content in (b"state,action,p\nx,y,1\n", whole[: len(whole) // 2] + whole[len(whole) // 2 + 7 :]):
        path.write_bytes(content)
        with pytest.raises(ValueError) as error:
            tables.read_teacher(path)
        one_sentence(error, str(path), "damaged")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"s": ["x", None], "a": ["y", "y"], "p": [1.0, 1.0]}, ["row 2", "s is missing"]),
        ({"s": ["x"], "a": ["y"], "p": [np.nan]}, ["row 1", "p is empty"]),
        ({"s": ["x"], "a": ["y"], "p": ["1"], "rho": [None]}, ["row 1", "rho is empty"]),
        ({"s": ["x"], "a": ["y"], "p": ["one"]}, ["row 1", "p is 'one'"]),
        ({"s": ["x"], "a": ["y"], "p": [0.5]}, ["state 'x'", "0.5"]),
    ],
)
def test_bad_parquet_tables(columns, words, tmp_path):
    path = tmp_path / "bad.parquet"
    pd.DataFrame(columns).to_parquet(path)
    with pytest.raises(ValueError) as error:
        tables.read_teacher(path)
    one_sentence(error, str(path), *words)


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    path = tables.write_teacher(PROBLEMS["smallest"], tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for act in (tables.read_table, lambda file: tables.write_teacher(PROBLEMS["Zipf"], file)):
        with pytest.raises(ValueError) as error:
            act(path)
        one_sentence(error, str(path), "pip install '.[parquet]'")
    assert_same(tables.read_teacher(tables.write_teacher(PROBLEMS["Zipf"], tmp_path / "t.csv")), PROBLEMS["Zipf"])


# --- Writing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "method"), [(".csv", "to_csv"), (".parquet", "to_parquet")])
def test_a_write_that_fails_midway_leaves_the_old_file(suffix, method, tmp_path, monkeypatch):
    path = tables.write_teacher(PROBLEMS["Zipf"], tmp_path / f"t{suffix}")
    before = path.read_bytes()

    def half(_, file, **__):
        Path(file).write_bytes(before[: len(before) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, method, half)
    with pytest.raises(ValueError, match=r"^[^:]*t\.(csv|parquet) cannot be written: No space left on device$"):
        tables.write_teacher(PROBLEMS["Dirichlet"], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_name_that_is_no_text_is_not_written(suffix, tmp_path):
    problem = kt.Problem([1.0], [[1.0]], states=["\ud800"])
    with pytest.raises(ValueError) as error:
        tables.write_teacher(problem, tmp_path / f"t{suffix}")
    one_sentence(error, f"t{suffix}", repr("\ud800"), "UTF-8")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_made_and_an_old_file_replaced(tmp_path):
    path = tmp_path / "new" / "t.csv"
    tables.write_teacher(PROBLEMS["Zipf"], path)
    assert tables.write_teacher(PROBLEMS["smallest"], str(path)) == path
    assert path.read_text() == "state,action,probability,rho\n0,0,1.0,1.0\n"


@pytest.mark.parametrize(
    ("students", "words"),
    [
        ({}, ["students", "at least one"]),
        (np.ones((1, 2)), ["students", "at least one"]),
        ({"CE_sgl": [[0.5, 0.5], [0.5, 0.5]]}, ["students['CE_sgl']", "(2, 2)", "(1, 2)"]),
        ({"CE_sgl": [0.5, 0.5]}, ["students['CE_sgl']", "2 dimension"]),
        ({"CE_sgl": [[np.nan, 0.5]]}, ["students['CE_sgl'][0, 0]", "nan"]),
        ({"CE_sgl": [[1.5, -0.5]]}, ["students['CE_sgl'][0, 0]", "1.5"]),
        ({"count": [[0.5, 0.5]]}, ["'count'", "another column"]),
    ],
)
def test_bad_students(students, words, tmp_path):
    data = kt.TransferSet.from_counts([[1, 0]])
    with pytest.raises(ValueError) as error:
        tables.write_students(students, data, tmp_path / "students.csv")
    one_sentence(error, *words)
    assert not list(tmp_path.iterdir())


def test_an_initial_table_is_read_in_the_order_of_the_transfer_set(tmp_path):
    # Oracle: enumeration by hand
    file = tmp_path / "init.csv"
    file.write_text("state,x,y\nb,0.25,0.75\na,1,0\n", encoding="utf-8")
    data = kt.TransferSet.from_counts([[1, 0], [0, 2]], states=["a", "b"], actions=["y", "x"])
    assert kt.tables.read_init(file, data).tolist() == [[0.0, 1.0], [0.75, 0.25]]
    for names, words in (
        ({"states": ["a", "c"], "actions": ["y", "x"]}, "has no input c"),
        ({"states": ["a", "b"], "actions": ["y", "z"]}, "has no label z"),
    ):
        with pytest.raises(ValueError, match=words):
            kt.tables.read_init(file, kt.TransferSet.from_counts([[1, 0], [0, 2]], **names))
    fewer = kt.TransferSet.from_counts([[1, 0]], states=["a"], actions=["y", "x"])
    with pytest.raises(ValueError, match="has input b, which is not in the alphabet of the records"):
        kt.tables.read_init(file, fewer)
