"""Records and teachers, from files and from memory, by one set of rules for names, numbers, columns and places."""

import gzip
import io
import math
import os
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory import tables
from kt_theory.cli import main
from kt_theory.records import columns
from kt_theory.records.columns import FAULTS_LISTED, WEIGHTS
from kt_theory.refusals import Argument, Note, Refusal, spelled_with_options

from_records = kt.TransferSet.from_records

#: What one log may come as: the end of the name, and what makes bytes of its text with commas.
FORMATS = {
    ".csv": str.encode,
    ".tsv": lambda text: text.replace(",", "\t").encode(),
    ".csv.gz": lambda text: gzip.compress(text.encode()),
    ".TSV.GZ": lambda text: gzip.compress(text.replace(",", "\t").encode()),
    ".parquet": lambda text: _parquet(pd.read_csv(io.StringIO(text))),
}


def _parquet(frame):
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def written(folder, text, name="records.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def silent(call, *arguments, **options):
    """The answer of a call that must not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return call(*arguments, **options)


# --- Counts and weights ---------------------------------------------------------------------------------

AGGREGATED = "state,action,count\nx,yes,900\nx,no,100\ny,no,7\n"


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_count_column_counts_in_every_format(suffix, tmp_path):
    # Oracle: enumeration, by hand: 1,007 samples and not 3; the student is 0.9 and 0.1 and not 0.5 and 0.5
    data = silent(tables.read_records, written(tmp_path, FORMATS[suffix](AGGREGATED), f"log{suffix}"))
    assert (data.n, data.states, data.actions) == (1007, ("x", "y"), ("no", "yes"))
    assert data.counts.tolist() == [[100, 900], [7, 0]]
    np.testing.assert_allclose(kt.fit(data, "CE_sgl")[0], [0.1, 0.9], rtol=1e-15)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_standard_input_tells_its_format_by_its_first_bytes(suffix, compress, monkeypatch, capsys):
    # Oracle: enumeration, as above
    content = FORMATS[suffix](AGGREGATED)
    content = gzip.compress(content) if compress else content
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert main(["fit", "-"]) == 0
    assert "1007 records of hard labels: 2 inputs, 2 labels" in capsys.readouterr().out


def test_counts_weigh_as_rows_written_out():
    # Oracle: second algorithm, each row repeated as often as its count says
    rng = np.random.default_rng(3)
    s, a, times = rng.integers(0, 3, 40), rng.integers(0, 4, 40), rng.integers(0, 5, 40)
    p = np.full((3, 4), 0.2)
    short = from_records({"s": s, "a": a, "p": p[s, a], "counts": times}, states=range(3), actions=range(4), other="?")
    rows = {"s": np.repeat(s, times), "a": np.repeat(a, times), "p": np.repeat(p[s, a], times)}
    long = from_records(rows, states=range(3), actions=range(4), other="?")
    np.testing.assert_array_equal(short.counts, long.counts)
    np.testing.assert_array_equal(short.revealed, long.revealed)


@pytest.mark.parametrize("protocol", ["hard", "partial"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_students_is_read_back_as_what_they_saw(protocol, suffix, tmp_path):
    # Oracle: identity, reading undoes writing; rows of count 0 are names and no samples
    teacher = [[0.2, 0.05, 0.75], [0.5, 0.25, 0.25]]
    data = kt.TransferSet.from_counts(
        [[1, 0, 2], [0, 0, 0]], teacher, protocol, states=["x", "y"], actions=["a", "b", "c"]
    )
    students = {"CE_sgl": kt.fit(data, "CE_sgl")}
    path = tables.write_students(students, data, tmp_path / f"students{suffix}")
    with pytest.warns(Note, match=rf"students{suffix}: 1 column is left alone: CE_sgl$"):
        back = tables.read_records(path)
    assert (back.protocol.name, back.states, back.actions) == (protocol, data.states, data.actions)
    np.testing.assert_array_equal(back.counts, data.counts)
    np.testing.assert_array_equal(back.revealed, data.revealed)


@pytest.mark.parametrize("name", [*sorted(WEIGHTS), "Weight"])
def test_a_column_that_may_be_a_weight_is_refused(name):
    # Oracle: enumeration, every such name, in records and in teachers
    frame = pd.DataFrame({"s": ["x"], "a": ["u"], "p": [1.0], name: [3]})
    for call in (from_records, tables.teacher_from_frame):
        with pytest.raises(ValueError, match=f"column {name} is not understood .* name it count"):
            call(frame)


def test_columns_left_alone_are_named():
    # Oracle: enumeration
    frame = pd.DataFrame({"s": ["x"], "a": ["u"], "p": [1.0], "time": [3], "two words": [0]})
    for call in (from_records, tables.teacher_from_frame):
        with pytest.warns(Note, match=r"^2 columns are left alone: time, two words$"):
            call(frame)
    silent(from_records, frame[["s", "a", "p"]])


def test_a_table_of_students_is_no_teacher(tmp_path):
    # Oracle: enumeration; its counts would otherwise be taken for the law
    path = written(tmp_path, "state,action,count,revealed,CE_sgl\nx,u,3,0.5,1\nx,v,0,,0\n")
    with pytest.raises(ValueError, match=r"this is a table of students; keep the columns"):
        tables.read_teacher(path)


@pytest.mark.parametrize(
    ("count", "said"),
    [(-1, "is not negative"), (0.5, "whole number"), (math.nan, "empty"), (math.inf, "whole"), (2.0**63, "64-bit")],
)
def test_bad_counts(count, said):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=f"^row 1: count is .*{said}"):
        from_records({"s": ["x"], "a": ["u"], "count": [count]})
    with pytest.raises(ValueError, match=r"exceeds the largest 64-bit integer"):
        from_records({"s": ["x"] * 2, "a": ["u"] * 2, "count": [2**62] * 2})


# --- Names ----------------------------------------------------------------------------------------------

TEXTS = [
    "",
    "<NA>",
    "nan",
    "NA",
    "None",
    "007",
    "7",
    "1e5",
    "True",
    "2024-01-02",
    " 7",
    "\0",
    "\n",
    "\u202e",
    "a,b",
    "\t",
]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_text_is_a_name_in_teachers_and_in_records(suffix, tmp_path):
    # Oracle: identity, one rule for both, from files and from memory
    teacher = kt.Problem([1.0], [np.full(16, 1 / 16)], states=["x"], actions=TEXTS)
    path = tables.write_teacher(teacher, tmp_path / f"t{suffix}")
    assert tables.read_teacher(path).actions == tuple(TEXTS)
    frame = pd.DataFrame({"s": ["x"] * 16, "a": TEXTS})
    for data in (
        tables.read_records(tables.write_table(frame, tmp_path / f"r{suffix}")),
        from_records(frame),
        from_records({"s": ["x"] * 16, "a": np.array(TEXTS, dtype=object)}),
    ):
        assert data.actions == tuple(sorted(TEXTS))


MISSING = {"None": None, "NaN": math.nan, "NaT": pd.NaT, "NA": pd.NA, "NumPy's NaT": np.datetime64("NaT")}


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
def test_what_is_missing_is_no_name(value):
    # Oracle: enumeration, in records, teachers and alphabets
    frame = pd.DataFrame({"s": ["x", "x"], "a": pd.Series(["u", value], dtype=object), "p": [0.5, 0.5]})
    for call in (from_records, tables.teacher_from_frame):
        with pytest.raises(ValueError, match=r"^row 2: a is missing: every row needs a name$"):
            call(frame)
    with pytest.raises(ValueError, match=r"^actions\[1\] is "):
        from_records({"s": ["x"], "a": ["u"]}, actions=["u", value])


def test_what_a_masked_array_hides_is_missing():
    # Oracle: enumeration
    hidden = np.ma.masked_array(["u", "v"], mask=[False, True])
    with pytest.raises(ValueError, match=r"^row 2: a is missing"):
        from_records({"s": ["x", "x"], "a": hidden})
    with pytest.warns(Note, match=r"^1 record has no p, and no row tells one: these are hard labels$"):
        from_records({"s": ["x"], "a": ["u"], "p": np.ma.masked_array([0.5], mask=[True])})


def test_an_empty_cell_is_a_missing_name_unless_it_is_in_quotes(tmp_path):
    # Oracle: enumeration, with cells around it that hold quotes, separators and line feeds
    text = 's,a,note\nx,"",1\n"y ""1"",\nz",u,\nx,,2\n,v,""\n'
    said = '2 lines are bad: line 5: a is missing: .* is written "" in quotes; line 6: s is missing'
    with pytest.raises(ValueError, match=said):
        tables.read_records(written(tmp_path, text))
    good = tables.read_records(written(tmp_path, 's,a\n"x",""\n"y ""1"",\nz",u\n'))
    assert good.actions == ("", "u")
    assert good.states == ("x", 'y "1",\nz')


def test_a_header_may_hold_the_empty_label_in_quotes(tmp_path):
    # Oracle: identity
    wide = pd.DataFrame([["x", 0.25, 0.75]], columns=["state", "", "u"])
    assert tables.read_teacher(tables.write_table(wide, tmp_path / "w.csv")).actions == ("", "u")
    with pytest.raises(ValueError, match=r"column 2 of the table has no name"):
        tables.read_teacher(written(tmp_path, "state,,u\nx,0.25,0.75\n"))


def test_a_missing_name_is_not_written(tmp_path):
    # Oracle: enumeration; in quotes it would come back as the empty name
    with pytest.raises(ValueError, match=r"row 2: state is missing"):
        tables.write_table(pd.DataFrame({"state": ["", None], "p": [1.0, 1.0]}), tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


def test_bytes_are_the_text_that_they_spell(tmp_path):
    # Oracle: enumeration, UTF-8 or escapes
    frame = pd.DataFrame({"s": ["p", "q"], "a": [b" the", b"\xf0\x9f"], "logp": [-1.0, -2.0]})
    path = tmp_path / "bytes.parquet"
    frame.to_parquet(path)
    for data in (from_records(frame), tables.read_records(path)):
        assert data.actions == (" the", r"\xf0\x9f")
    clash = frame.assign(a=[r"\xf0\x9f", b"\xf0\x9f"])
    with pytest.raises(ValueError, match=r"row 1: a is .* as a value of another type is spelled"):
        from_records(clash)


@pytest.mark.parametrize("value", [["x"], ("x",), {"x": 1}, {1, 2}, np.array([1, 2]), 1j, object(), np.void(b"x")])
def test_what_is_no_name_is_refused(value):
    # Oracle: enumeration
    values = pd.Series([value], dtype=object)
    for call in (from_records, tables.teacher_from_frame):
        with pytest.raises(ValueError, match=r"^row 1: a is .*: a name is text, a number or a date$"):
            call(pd.DataFrame({"s": ["x"], "a": values, "p": [1.0]}))


def test_lists_in_parquet_are_refused(tmp_path):
    # Oracle: enumeration
    path = tmp_path / "lists.parquet"
    pd.DataFrame({"s": ["p", "q"], "a": [["x", "y"], ["x"]]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"2 rows are bad: row 1: a is \['x', 'y'\], a list: a name is"):
        tables.read_records(path)


def test_dates_are_names_and_no_numbers():
    # Oracle: enumeration; NumPy would make a number of a date
    days = pd.to_datetime(["2024-01-02", "2024-01-03"])
    assert from_records(pd.DataFrame({"s": days, "a": ["u", "u"]})).states[0].startswith("2024-01-02")
    assert from_records({"s": days.to_numpy().astype("M8[D]"), "a": ["u", "u"]}).states == ("2024-01-02", "2024-01-03")
    for call in (from_records, tables.teacher_from_frame):
        with pytest.raises(ValueError, match=r"row 1: p is .*, not a number"):
            call(pd.DataFrame({"s": ["x"], "a": ["u"], "p": days[:1]}))


def test_numbers_and_text_that_spell_the_same_are_no_single_name():
    # Oracle: enumeration; 1 and "1" would be counted together
    mixed = {"s": np.array([1, "1"], dtype=object), "a": ["u", "u"]}
    with pytest.raises(ValueError, match=r"row 2: s is '1', as a value of another type is spelled"):
        from_records(mixed, states=["1"])


def test_the_order_of_names_is_that_of_numbers_where_all_are_whole(tmp_path):
    # Oracle: enumeration, from memory and from files alike
    for values in (["10", "9"], [10, 9], [10.0, 9.0]):
        assert from_records({"s": values, "a": ["u", "u"]}).states == ("9", "10")
    assert from_records({"s": [-1, -10, 2], "a": ["u"] * 3}).states == ("-10", "-1", "2")
    assert from_records({"s": ["10", "9", "x"], "a": ["u"] * 3}).states == ("10", "9", "x")


# --- Columns --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["State,Action,Probability", "S,A,P", "STATE,a,PROB"])
def test_capitals_are_understood(header, tmp_path):
    # Oracle: enumeration
    path = written(tmp_path, f"{header}\nx,u,0.25\nx,v,0.75\n")
    assert silent(tables.read_records, path).protocol.name == "partial"
    assert tables.read_teacher(path).teacher.tolist() == [[0.25, 0.75]]


def test_one_capital_is_a_label_of_a_wide_table(tmp_path):
    # Oracle: enumeration, amino acids are called A, P and S
    problem = tables.read_teacher(written(tmp_path, "state,A,P,S\nx,0.25,0.25,0.5\n"))
    assert problem.actions == ("A", "P", "S")


@pytest.mark.parametrize("read", [tables.read_records, tables.read_teacher])
def test_blanks_around_the_name_of_a_column_are_named_as_the_cause(read, tmp_path):
    # Oracle: enumeration; blanks are part of a name, so that cells would keep theirs
    with pytest.raises(ValueError, match=r"' action'"):
        read(written(tmp_path, "state, action, probability\nx, u, 1\n"))


@pytest.mark.parametrize("read", [tables.read_records, tables.read_teacher])
def test_columns_that_are_there_are_listed(read, tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=r"columns are task, worker, label$"):
        read(written(tmp_path, "task,worker,label\nt,w,cat\n"))


def test_an_index_with_a_name_is_a_column(tmp_path):
    # Oracle: identity, the same columns without an index
    frame = pd.DataFrame({"s": ["x", "x"], "a": ["u", "v"], "p": [0.25, 0.75]})
    indexed = frame.set_index(["s", "a"])
    indexed.to_parquet(tmp_path / "t.parquet")
    for problem in (tables.teacher_from_frame(indexed), tables.read_teacher(tmp_path / "t.parquet")):
        assert problem.identity == tables.teacher_from_frame(frame).identity
    assert from_records(indexed).counts.tolist() == [[1, 1]]


@pytest.mark.parametrize("records", [None, 5, "s", [1], {1}, np.ones(2), print])
def test_records_must_be_columns(records):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=r"^records is .*: it must be a DataFrame or a mapping of columns$"):
        from_records(records)


def test_names_of_data_frames_are_kept_and_must_agree():
    # Oracle: enumeration
    frame = pd.DataFrame([[0.25, 0.75], [1.0, 0.0]], index=["x", "y"], columns=["u", "v"])
    problem = kt.Problem([0.5, 0.5], frame)
    assert (problem.states, problem.actions) == (("x", "y"), ("u", "v"))
    assert kt.Problem(pd.Series([0.5, 0.5], index=["x", "y"]), frame.to_numpy()).states == ("x", "y")
    assert kt.Problem([0.5, 0.5], pd.DataFrame([[1.0], [1.0]]), states=["x", "y"]).states == ("x", "y")
    data = kt.TransferSet.from_counts(
        pd.DataFrame([[1, 0], [0, 0]], index=["x", "y"], columns=["u", "v"]), frame, "soft"
    )
    assert (data.states, data.actions) == (("x", "y"), ("u", "v"))
    assert kt.fit(data, "CE_ful", init=frame)[1].tolist() == [1.0, 0.0]
    turned = frame.loc[["y", "x"]]
    sparse, names = scipy.sparse.csr_array(frame.to_numpy()), {"states": ["x", "y"], "actions": ["u", "v"]}
    few = kt.Problem([0.5, 0.5], sparse, **names)
    counted = kt.TransferSet.from_counts(scipy.sparse.csr_array([[2, 1], [1, 0]]), sparse, "partial", **names)
    for call in (
        lambda: kt.Problem(pd.Series([0.5, 0.5], index=["y", "x"]), frame),
        lambda: kt.Problem([0.5, 0.5], frame, states=["y", "x"]),
        lambda: kt.TransferSet.from_counts(turned, frame, "soft"),
        lambda: kt.fit(data, "CE_ful", init=turned),
        lambda: kt.fit(counted, "SEL_ptl", init=turned),
        lambda: kt.tv_risk(turned, problem),
        lambda: kt.greedy_risk(turned, problem),
        lambda: kt.simulate(problem, "SEL_ptl", 3, reps=1, init=turned),
        lambda: kt.simulate(few, "SEL_ptl", 3, reps=1, init=turned),
        lambda: kt.expected_risk(problem, "SEL_ptl", 3, init=turned),
        lambda: kt.self_audit(counted, turned),
        lambda: kt.certify("partial_upper_mean", n=3, problem=problem, init=turned),
    ):
        with pytest.raises(ValueError, match=r"the index of .* and .* differ, in names or in order"):
            call()


# --- Places ---------------------------------------------------------------------------------------------


def test_places_are_the_lines_of_the_file(tmp_path):
    # Oracle: enumeration, with blank lines and a cell of three lines
    text = 's,a,p\n\nx,"two\n\nlines",0.5\n\nx,u,2\n'
    for read in (tables.read_records, tables.read_teacher, tables.read_table):
        with pytest.raises(ValueError, match=r"line 7: p is 'oops'"):
            read(written(tmp_path, text.replace("u,2", "u,oops")))
    with pytest.raises(ValueError, match=r"line 7: p is 2\.0"):
        tables.read_records(written(tmp_path, text))


def test_all_bad_lines_are_told_at_once(tmp_path):
    # Oracle: enumeration: lines 3, 4, 6 and 7 are bad, each in another way
    text = "s,a,logp\nx,u,-1\nx,v,0.7\nx,w,oops\ny,u,-2\ny,v,nan\ny,v\n"
    with pytest.raises(ValueError) as error:
        tables.read_records(written(tmp_path, text))
    said = str(error.value)
    assert ": 4 lines are bad: line 3: logp is 0.7: " in said
    assert "; line 4: logp is 'oops', not a number; line 6: logp is 'nan', not a number; line 7: 2 cells" in said


def test_of_many_bad_lines_five_are_told(tmp_path):
    # Oracle: enumeration
    text = "s,a,p\n" + "".join(f"x,{i},bad\n" for i in range(20))
    for read in (tables.read_records, tables.read_teacher, tables.read_table):
        with pytest.raises(ValueError) as error:
            read(written(tmp_path, text))
        said = str(error.value)
        assert "20 lines are bad: line 2: p is 'bad', not a number; line 3: " in said
        assert said.endswith("line 6: p is 'bad', not a number; and 15 more")
        assert said.count("'bad'") == FAULTS_LISTED


def test_bad_lines_of_an_alphabet_are_told_at_once(tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=r"2 lines are bad: line 2: empty.*; line 4: the name 'u' stands on line 1"):
        tables.read_names(written(tmp_path, "u\n\nv\nu\n", "names.txt"))


def test_rows_of_parquet_and_of_memory_count_from_one(tmp_path):
    # Oracle: enumeration
    frame = pd.DataFrame({"s": ["x", "x"], "a": ["u", "v"], "p": [0.5, 1.5]}, index=[7, 8])
    frame.to_parquet(tmp_path / "r.parquet")
    for call in (lambda: from_records(frame), lambda: tables.read_records(tmp_path / "r.parquet")):
        with pytest.raises(ValueError, match=r"row 2: p is 1\.5"):
            call()


def test_a_bare_carriage_return_is_named_as_what_may_have_torn_a_line(tmp_path):
    # Oracle: enumeration
    with pytest.raises(
        ValueError, match=r"2 lines are bad: line 2: 2 cells, .* carriage return in a cell without quotes"
    ):
        tables.read_records(written(tmp_path, b"s,a,logp\np,\r,-1.0\n"))


# --- Probabilities --------------------------------------------------------------------------------------


def test_a_mark_for_no_log_probability_is_no_matter_of_float64():
    # Oracle: enumeration; -9999 says that the label was not among those listed
    with pytest.raises(
        ValueError, match=r"^row 2: logp is -9999\.0: .* a mark, .* without the column logp .* hard labels$"
    ):
        from_records({"s": ["x", "x"], "a": ["u", "v"], "logp": [-0.1, -9999.0]})


@pytest.mark.parametrize(
    "records",
    [
        {"s": ["x"] * 3, "a": ["u", "u", "v"], "logp": [-0.105, -0.109, -2.4]},
        {"s": ["x"] * 3, "a": ["u", "u", "v"], "logp": [-0.105, -0.109, -2.302]},
        {"s": ["x"] * 2, "a": ["u", "v"], "p": [0.5, 0.5001]},
        {"s": ["x"] * 2, "a": ["u", "v"], "p": [0.5, 0.4999]},
        {"s": ["x"], "a": ["u"], "p": [1.0000001]},
        {"s": ["x"], "a": ["u"], "logp": [1.1920929e-07]},
    ],
    ids=["pair", "pair and sum", "sum above", "sum below", "p above", "logp above"],
)
def test_a_disagreement_names_the_tolerance_that_accepts_it(records):
    # Oracle: identity, what the sentence says to do does it, and a tenth less does not
    options = {} if len(records["s"]) == 3 or records["a"] == ["u"] else {"actions": ["u", "v"]}
    with pytest.raises(Refusal) as error:
        from_records(records, **options)
    (argument,) = [part for part in error.value.parts if isinstance(part, Argument)]
    assert argument.name == "tolerance"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        from_records(records, tolerance=argument.value, other="?" if argument.value > 0.001 else None, **options)
    with pytest.raises(Refusal):
        from_records(records, tolerance=0.9 * argument.value, **options)


def test_how_far_values_of_one_pair_differ_is_said():
    # Oracle: identity, 1 - exp(-0.004)
    records = {"s": ["x"] * 2, "a": ["u", "u"], "logp": [-0.105, -0.109]}
    with pytest.warns(Note, match=r"differ by up to 0\.00399, relatively: the first is kept"):
        data = from_records(records, tolerance=0.01, other="?")
    assert data.revealed[0, 0] == math.exp(-0.105)


def test_other_takes_what_the_labels_seen_leave():
    # Oracle: enumeration, by hand: 1 - exp(-0.5) - exp(-2)
    records = {"s": ["x"] * 3, "a": ["yes", "no", "yes"], "logp": [-0.5, -2.0, -0.5]}
    with pytest.raises(Refusal, match=r"or one more that takes the rest with other='<other>'$"):
        from_records(records)
    data = from_records(records, other="<other>")
    assert data.actions == ("no", "yes", "<other>")
    student = kt.fit(data, "SEL_ptl")[0]
    np.testing.assert_allclose(student, [math.exp(-2), math.exp(-0.5), 1 - math.exp(-2) - math.exp(-0.5)], rtol=1e-15)
    assert from_records({"s": ["x"], "a": ["u"]}, actions=["u", "v"], other="w").actions == ("u", "v", "w")
    with pytest.raises(ValueError, match=r"the table has the label 'yes' already"):
        from_records(records, other="yes")


LONG, WIDE = "state,action,p\nx,u,0.4\nx,v,0.22\ny,u,0.99\n", "state,u,v\nx,0.4,0.22\ny,0.99,0\n"


@pytest.mark.parametrize("text", [LONG, WIDE])
def test_other_takes_what_the_rows_of_a_teacher_lack(text, tmp_path):
    # Oracle: enumeration, by hand: 0.38 and 0.01
    path = written(tmp_path, text, "t.csv")
    problem = silent(tables.read_teacher, path, other="<other>")
    assert problem.actions == ("u", "v", "<other>")
    np.testing.assert_allclose(problem.teacher, [[0.4, 0.22, 0.38], [0.99, 0, 0.01]], rtol=1e-14)
    with pytest.raises(
        Refusal, match=r"2 of 2 states are off, by 0\.38 at most; normalise=True .*other='<other>' makes"
    ):
        tables.read_teacher(path)
    with pytest.raises(Refusal, match=r"^.*normalise and other both say"):
        tables.read_teacher(path, normalise=True, other="<other>")
    with pytest.warns(Note, match=r"t\.csv: 2 of 2 rows .* 0\.62 to 0\.99: .* at most 0\.38 of .*, on average 0\.195$"):
        tables.read_teacher(path, normalise=True)


def test_other_has_nothing_to_take_of_counts_and_of_rows_above_one(tmp_path):
    # Oracle: enumeration
    with pytest.raises(Refusal, match=r"counts lack nothing"):
        tables.teacher_from_frame(pd.DataFrame({"s": ["x"], "a": ["u"], "count": [1]}), other="?")
    with pytest.raises(Refusal, match=r"state 'x' sum to 1\.01, more than 1: nothing is left for other='\?'"):
        tables.teacher_from_frame(pd.DataFrame({"state": ["x"], "u": [0.9], "v": [0.11]}), other="?")
    full = pd.DataFrame({"state": ["x"], "u": [0.1 + 9e-13], "v": [0.9]})
    assert tables.teacher_from_frame(full, other="?").teacher[0, 2] == 0


def test_a_teacher_may_be_given_by_log_probabilities():
    # Oracle: identity, exp; what underflows is 0 in a teacher
    frame = pd.DataFrame({"s": ["x"] * 3, "a": list("uvw"), "logp": [math.log(0.25), math.log(0.75), -3.14e100]})
    np.testing.assert_allclose(tables.teacher_from_frame(frame).teacher, [[0.25, 0.75, 0.0]], rtol=1e-15)
    with pytest.raises(ValueError, match=r"row 1: logp is 0\.5: a log-probability is at most 0"):
        tables.teacher_from_frame(frame.assign(logp=[0.5, -1, -1]))


def test_dividing_rho_is_said():
    # Oracle: enumeration
    frame = pd.DataFrame({"s": ["x"], "a": ["u"], "p": [1.0], "rho": [4.0]})
    with pytest.warns(Note, match=r"^rho was divided by its sum, 4$"):
        assert tables.teacher_from_frame(frame, normalise=True).rho.tolist() == [1.0]


# --- Files ----------------------------------------------------------------------------------------------


def test_what_is_no_regular_file_is_refused(tmp_path):
    # Oracle: enumeration: a device that never ends, a pipe that never begins, a loop of links, a folder
    os.symlink("/dev/zero", tmp_path / "zero.csv")
    os.symlink(tmp_path / "loop.csv", tmp_path / "loop.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    said = {
        "zero": "pipe or a device",
        "loop": "symbolic links",
        "pipe": "`-` reads standard input",
        "folder": "folder",
    }
    for stem, words in said.items():
        for read in (tables.read_records, tables.read_teacher, tables.read_table, tables.read_names):
            with pytest.raises(ValueError, match=f"{stem}.csv: .*{words}"):
                read(tmp_path / f"{stem}.csv")


BAD_BYTES = {
    "compressed": (gzip.compress(b"s,a\nx,u\n"), "t.csv", "compressed: its name must then end in .csv.gz"),
    "not compressed": (b"s,a\nx,u\n", "t.csv.gz", "not a gzip file, or a damaged one"),
    "cut": (gzip.compress(b"s,a\nx,u\n")[:-9], "t.csv.gz", "not a gzip file, or a damaged one"),
    "compressed nothing": (gzip.compress(b""), "t.csv.gz", "the file is empty"),
    "Parquet": (_parquet(pd.DataFrame({"s": ["x"], "a": ["u"]})), "t.csv", "Parquet file: its name must then end in"),
    "UTF-16": ("s,a\nx,u\n".encode("utf-16-le"), "t.csv", "UTF-16 or UTF-32"),
    "tabs": (b"s\ta\nx\tu\n", "t.csv", "one with tabs is named .tsv"),
    "commas": (b"s,a\nx,u\n", "t.tsv", "separated by tabs"),
    "another suffix": (b"s,a\nx,u\n", "t.txt", "its name must end in .csv, .tsv, .parquet, .npy, .csv.gz or .tsv.gz"),
}


@pytest.mark.parametrize(("content", "name", "said"), BAD_BYTES.values(), ids=BAD_BYTES)
def test_files_that_are_not_what_their_name_says(content, name, said, tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=said):
        tables.read_records(written(tmp_path, content, name))


@pytest.mark.parametrize("path", [None, 5, "", "a\0b.csv", b"t.csv"])
def test_what_is_no_path(path):
    # Oracle: enumeration
    problem = kt.Problem([1.0], [[1.0]])
    calls = [tables.read_records, tables.read_teacher, tables.read_table, tables.read_names]
    for call in [
        *calls,
        lambda to: tables.write_teacher(problem, to),
        lambda to: tables.write_table(pd.DataFrame(), to),
    ]:
        with pytest.raises(ValueError, match=r"^path is "):
            call(path)


# --- Odd values -----------------------------------------------------------------------------------------

ODD = [None, True, 5, -1, 1.5, 10**400, math.nan, "", "x", "\0", b"x", [], [None], {}, {1: 2}, (), object(), print, 1j]
ODD += [np.array(3), np.array([[1.0]]), np.ma.masked, np.ma.masked_array([1.0], [True]), np.datetime64("2020")]
ODD += [pd.NA, pd.NaT, pd.DataFrame(), pd.Series(dtype=float), iter([1]), kt.Problem([1.0], [[1.0]])]

COUNTED = kt.TransferSet.from_counts([[1, 0]])
FRAME = pd.DataFrame({"s": ["x"], "a": ["u"], "p": [1.0]})
READ = {"path": "r.csv", "states": None, "actions": None, "tolerance": 1e-9, "other": None, "drop_untold": False}
CALLS = {
    "from_records": (from_records, {"records": FRAME, **{k: v for k, v in READ.items() if k != "path"}}),
    "from_counts": (kt.TransferSet.from_counts, {"counts": [[1]], "teacher": [[1.0]], "states": None, "actions": None}),
    "fit": (kt.fit, {"transfer_set": COUNTED, "learner": "CE_sgl", "init": None}),
    "read_records": (tables.read_records, READ),
    "read_teacher": (tables.read_teacher, {"path": "r.csv", "normalise": False, "other": None}),
    "read_table": (tables.read_table, {"path": "r.csv"}),
    "read_names": (tables.read_names, {"path": "r.csv"}),
    "teacher_from_frame": (tables.teacher_from_frame, {"frame": FRAME, "normalise": False, "other": None, "name": "t"}),
    "write_table": (tables.write_table, {"frame": FRAME, "path": "o.csv"}),
    "write_teacher": (tables.write_teacher, {"problem": kt.Problem([1.0], [[1.0]]), "path": "o.csv"}),
    "write_students": (
        tables.write_students,
        {"students": {"y": [[1.0, 0.0]]}, "transfer_set": COUNTED, "path": "o.csv"},
    ),
    "bundled_teacher": (tables.bundled_teacher, {"name": "next_word"}),
    "columns": (lambda **columns: from_records({"s": ["x"], "a": ["u"], **columns}), {key: ["x"] for key in "sap"}),
    "count": (lambda count: from_records({"s": ["x"], "a": ["u"], "count": count}), {"count": [1]}),
}


@pytest.mark.filterwarnings("ignore::kt_theory.refusals.Note")
@pytest.mark.parametrize(("call", "arguments"), CALLS.values(), ids=CALLS)
def test_odd_values_are_accepted_or_refused_in_a_sentence(call, arguments, tmp_path, monkeypatch):
    # Oracle: enumeration, some thirty odd values in each argument and in each cell of a column
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "s,a,p\nx,u,1\n", "r.csv")
    for name, good in arguments.items():
        for value in [*ODD, *([[odd] for odd in ODD] if isinstance(good, list) else ())]:
            try:
                call(**{**arguments, name: value})
            except ValueError as error:
                said = str(error)
                assert "\n" not in said
                assert len(said) < 400 + len(str(tmp_path))


# --- The command line -----------------------------------------------------------------------------------


def test_arguments_are_spelled_as_options_on_the_command_line(tmp_path, capsys, monkeypatch):
    # Oracle: enumeration
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "s,a,p\nx,u,0.5\nx,u,0.6\nx,v,0.1\n", "apart.csv")
    written(tmp_path, "s,a,p\nx,u,0.5\n", "short.csv")
    written(tmp_path, LONG, "t.csv")
    simulate = ["simulate", "--teacher", "t.csv", "--n", "10", "--reps", "10"]
    for words, said in {
        ("fit", "apart.csv"): "which --tolerance 0.2 accepts\n",
        ("fit", "short.csv"): "give all of them with --actions, or one more that takes the rest with --other <other>\n",
        (*simulate,): "; --normalise divides by the sum, --other <other> makes a label of what is lacking\n",
        (*simulate, "--normalise", "--other"): "--normalise and --other both say what becomes of a row",
    }.items():
        assert main(list(words)) == 2
        assert said in capsys.readouterr().err
    assert main(["fit", "short.csv", "--other"]) == 0
    assert "labels never seen at any input: 1 (<other>)" in capsys.readouterr().out
    assert main([*simulate, "--other", "rest"]) == 0
    assert main([*simulate, "--normalise"]) == 0
    assert "kt-theory: note: t.csv: 2 of 2 rows were divided by their sums" in capsys.readouterr().err


def test_an_alphabet_of_numbers_has_a_size_that_memory_holds(tmp_path, capsys):
    # Oracle: enumeration
    with pytest.raises(SystemExit) as stopped:
        main(["fit", str(written(tmp_path, "s,a\n0,0\n")), "--S", "1e9"])
    assert stopped.value.code == 2
    assert "--S: it is 1e9: it must be at most 10000000" in capsys.readouterr().err


def test_a_sentence_keeps_its_arguments_apart():
    # Oracle: enumeration
    error = Refusal("x; ", Argument("max_reps", 5), " or ", Argument("normalise", True), " or ", Argument("states"))
    assert str(error) == "x; max_reps=5 or normalise=True or states"
    assert spelled_with_options(error) == "x; --max-reps 5 or --normalise or --states"
    assert spelled_with_options(ValueError("normalise=True")) == "normalise=True"


def test_a_column_beside_annotators_is_copied_once(monkeypatch):
    # Oracle: enumeration, one copy of each of the three columns that are read, whatever the number of items
    copied = []

    def counting(values, copy=columns.sequence_of):
        copied.append(len(values))
        return copy(values)

    monkeypatch.setattr(columns, "sequence_of", counting)
    found = []
    for items in (10, 100):
        table = columns.Columns.of({"item": range(items), "x": ["a"] * items, "y": ["b"] * items})
        copied.clear()
        table.named({"state": "item", "action": ["x", "y"]})
        found.append(copied.count(items))
    assert found == [3, 3]
