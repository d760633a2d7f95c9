"""Checks of arguments: what each returns, and what it refuses in which words, on both sides of every limit."""

import datetime
import math
import pathlib

import numpy as np
import pandas as pd
import pytest

from kt_theory import checks

BIG = 2**63


class Mute:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2**64 - 1, str(2**64 - 1)),
        (2**64, "a whole number of about 20 digits"),
        (-(10**50), "a whole number of about 51 digits"),
        (10**99, "a whole number of about 100 digits"),
        (Mute(), "a Mute"),
        ("x" * 58, "'" + "x" * 58 + "'"),
        ("x" * 59, "'" + "x" * 56 + "..."),
        (np.array([[1, 2], [3, 4]]), "array([[1, 2], [3, 4]])"),
        ("\u202e", r"'\u202e'"),
        (type("T", (), {"__repr__": lambda self: " a\t\nb\x07 "})(), r"a b\x07"),
    ],
)
def test_how_a_value_is_shown(value, said):
    # Oracle: definition, by hand; 60 characters at most, on one line
    assert checks.shown(value) == said


def refused(check, *arguments, **options):
    """The sentence of an error."""
    with pytest.raises(ValueError) as caught:
        check("x", *arguments, **options)
    return str(caught.value)


TABLE = pd.DataFrame({"a": [1]})
MASKED = np.ma.masked_array([1.0], mask=[True])
NO_MASK = "x is a masked array: leave out what is masked, or fill it with `filled`"


@pytest.mark.parametrize(
    ("check", "arguments", "found"),
    [
        (checks.instance_of, (3, int), 3),
        (checks.flag, (True,), True),
        (checks.flag, (np.False_,), False),
        (checks.text, ("",), ""),
        (checks.function, (len,), len),
        (checks.path, (pathlib.Path("a") / "b",), "a/b"),
        (checks.entries, ((1, 2), "names"), [1, 2]),
        (checks.entries, (np.arange(2), "names"), [0, 1]),
        (checks.entries, ({1: 2}.keys(), "names"), [1]),
        (checks.number, (3,), 3.0),
        (checks.number, (np.array(2),), 2.0),
        (checks.number, (math.inf,), math.inf),
        (checks.whole_number, (0,), 0),
        (checks.whole_number, (1e9,), 10**9),
        (checks.whole_number, (np.float32(2),), 2),
        (checks.whole_number, (np.array(2),), 2),
        (checks.whole_number, (np.array(2.0),), 2),
        (checks.whole_number, (np.array(2, dtype=np.uint8),), 2),
        (checks.whole_number, (BIG - 1,), BIG - 1),
        (checks.whole_number, (2, 2), 2),
        (checks.open_unit, (0.5,), 0.5),
        (checks.open_unit, (5e-324,), 5e-324),
        (checks.open_unit, (1 - 2.0**-53,), 1 - 2.0**-53),
        (checks.half_open_unit, (1,), 1.0),
        (checks.half_open_unit, (5e-324,), 5e-324),
        (checks.positive, (5e-324,), 5e-324),
        (checks.positive, (1.7e308,), 1.7e308),
        (checks.one_of, ("b", ("a", "b")), "b"),
        (checks.callable_or_none, (None,), None),
        (checks.callable_or_none, (len,), len),
        (checks.names, (None, 2), ("0", "1")),
        (checks.names, ([], 2), ("0", "1")),
        (checks.names, ([1.0, "a", 2.5], 3), ("1", "a", "2.5")),
        (checks.names, ([datetime.date(2024, 1, 2), np.int64(3)], 2), ("2024-01-02", "3")),
        (checks.names, ([True], 1), ("True",)),
    ],
)
def test_what_a_check_returns(check, arguments, found):
    # Oracle: definition, the value and its type
    got = check("x", *arguments)
    assert got == found
    assert type(got) is type(found)


def test_what_a_frame_is():
    # Oracle: identity, the frame itself
    assert checks.frame("x", TABLE, ["a"]) is TABLE
    assert checks.frame("x", TABLE) is TABLE


@pytest.mark.parametrize(
    ("check", "arguments", "sentence"),
    [
        (checks.instance_of, (None, int), "x is None: a int is needed"),
        (checks.instance_of, ([], type("Open", (), {})), "x is a list: an Open is needed"),
        (checks.instance_of, (3, dict, "dict() makes one"), "x is an int: a dict is needed; dict() makes one"),
        (checks.flag, (1,), "x is 1: it must be True or False"),
        (checks.flag, ("false",), "x is 'false': it must be True or False"),
        (checks.text, (b"a",), "x is b'a': it must be text"),
        (checks.function, (3,), "x is 3: it must be a function"),
        (checks.callable_or_none, (3,), "x is 3: it must be a function, or None"),
        (checks.callable_or_none, (0,), "x is 0: it must be a function, or None"),
        (checks.path, (3,), "x is of type int: it must be a path, text or a pathlib.Path"),
        (checks.frame, ({"columns": 1},), "x is a dict: a DataFrame is needed"),
        (checks.frame, (type("C", (), {"columns": ()})(),), "x is a C: a DataFrame is needed"),
        (checks.frame, (TABLE, ["a", "b"]), "x has no column 'b'"),
        (checks.entries, (MASKED, "names"), NO_MASK),
        *(
            (checks.entries, (value, "names"), f"x is {value!r}: it must be a sequence of names")
            for value in ("ab", b"ab", {1}, frozenset({1}), {1: 2}, 3, None)
        ),
        (checks.entries, (np.zeros((2, 3)), "names"), "x has shape (2, 3): it must be a sequence of names"),
        (checks.array_of_floats, (MASKED,), NO_MASK),
        (checks.array_of_floats, ([1, "a"],), "x is not an array of numbers: it holds 'a'"),
        (checks.array_of_floats, ([[1], [2, 3]],), "x is not an array of numbers: its rows differ in length"),
        (checks.array_of_floats, ([[1], 2],), "x is not an array of numbers: its rows differ in length"),
        (checks.array_of_floats, ([1, 2j],), "x is not an array of numbers: it holds 2j"),
        (
            checks.array_of_floats,
            (np.array(["2024-01-02"], dtype="M8[D]"),),
            "x is not an array of numbers: it holds datetime.date(2024, 1, 2)",
        ),
        (
            checks.array_of_floats,
            (np.array([3], dtype="m8[ns]"),),
            "x is not an array of numbers: it holds array([3], dtype='timedelta64[ns]')",
        ),
        (checks.array_of_floats, ([1.0, 10**400],), "x holds a number beyond 1.8e308, the largest float64"),
        (checks.array_of_floats, (3, 1), "x must have 1 dimension(s), got shape scalar"),
        (checks.array_of_floats, ([[1, 2, 3]], 1), "x must have 1 dimension(s), got shape 1x3"),
        *((checks.number, (value,), f"x is {value!r}: it must be one number") for value in ("1", b"1", True)),
        (checks.number, ([1],), "x must have 0 dimension(s), got shape 1"),
        *(
            (checks.probabilities, ([[0.5, bad]],), f"x[0, 1] is {bad}: a probability is a number in [0, 1]")
            for bad in (1 + 2.0**-52, -5e-324, math.nan, math.inf)
        ),
        (checks.probabilities, (1.5,), "x is 1.5: a probability is a number in [0, 1]"),
        (checks.law, ([],), "x is empty: a law needs at least one entry"),
        (checks.law, ([0.5, 0.5], 3), "x has 2 entries, 3 are needed"),
        (
            checks.law,
            ([0.5, 0.25],),
            "x sums to 0.75, off 1 by -0.25; divide it by its sum, in float64, if that is what you mean",
        ),
        (
            checks.stochastic_table,
            ([[0.5, 0.5], [0.5, 0.25]],),
            "x[1] sums to 0.75, off 1 by -0.25; divide each row by its sum, in float64, if that is what you mean",
        ),
        (
            checks.stochastic_table,
            (np.zeros((2, 0)),),
            "x has shape (2, 0): a table needs at least one row and one column",
        ),
        (checks.stochastic_table, ([[1.0]], (1, 2)), "x has shape (1, 1), (1, 2) is needed"),
        (checks.whole_number, (MASKED,), NO_MASK),
        *(
            (checks.whole_number, (value,), f"x is {value!r}: it must be one whole number")
            for value in ("1", True, np.False_, None, [1], np.timedelta64(3), np.array([1]), np.array("a"))
        ),
        (checks.whole_number, (1.5,), "x is 1.5: it must be a whole number"),
        (checks.whole_number, (math.nan,), "x is nan: it must be a whole number"),
        (checks.whole_number, (-1,), "x is -1: it must be at least 0"),
        (checks.whole_number, (1, 2), "x is 1: it must be at least 2"),
        (checks.whole_number, (BIG,), f"x is {BIG}: it exceeds the largest 64-bit integer, {BIG - 1}"),
        (
            checks.whole_number,
            (10**40 - 1,),
            f"x is {10**40 - 1}: it exceeds the largest 64-bit integer, {BIG - 1}",
        ),
        (
            checks.whole_number,
            (10**40,),
            f"x is a whole number of about 41 digits: it exceeds the largest 64-bit integer, {BIG - 1}",
        ),
        (checks.whole_number, (-(10**40),), "x is a whole number of about 41 digits: it must be at least 0"),
        (checks.whole_numbers, (MASKED,), NO_MASK),
        (
            checks.whole_numbers,
            (np.array([1], dtype="m8[s]"),),
            "x holds dates or times: it must be a number or a list of numbers",
        ),
        (
            checks.whole_numbers,
            (np.array(["2024"], dtype="M8[Y]"),),
            "x holds dates or times: it must be a number or a list of numbers",
        ),
        (checks.whole_numbers, ([[1, 2]],), "x must be a number or a list of numbers, got shape (1, 2)"),
        (checks.whole_numbers, ([],), "x is empty"),
        (checks.whole_numbers, ([0, -1],), "x[1] is -1: it must be at least 0"),
        (checks.whole_numbers, ([1, 0], 1), "x[1] is 0: it must be at least 1"),
        (checks.whole_numbers, ("a",), "x is 'a': it must be one whole number"),
        (checks.count_table, (MASKED,), NO_MASK),
        (checks.count_table, ([[1], [2, 3]],), "x is not an array of numbers: its rows differ in length"),
        (checks.count_table, ([1],), "x must be a table with at least one row and one column, got shape (1,)"),
        (
            checks.count_table,
            (np.zeros((1, 0), dtype=int),),
            "x must be a table with at least one row and one column, got shape (1, 0)",
        ),
        (checks.count_table, ([[1]], (1, 2)), "x has shape (1, 1), (1, 2) is needed"),
        (checks.count_table, ([[1.0, 1.5]],), "x[0, 1] is 1.5: a count is a whole number"),
        (checks.count_table, ([[1.0, math.inf]],), "x[0, 1] is inf: a count is a whole number"),
        (checks.count_table, ([[1.0, math.nan]],), "x[0, 1] is nan: a count is a whole number"),
        (checks.count_table, ([[1], [-1]],), "x[1, 0] is -1: a count is not negative"),
        (
            checks.count_table,
            ([[BIG - 1, 1]],),
            f"x has a total of 9.22337e+18: it exceeds the largest 64-bit integer, {BIG - 1}",
        ),
        *(
            (checks.open_unit, (value,), f"x is {float(value)}: it must lie strictly between 0 and 1")
            for value in (0, 1, -1, 2, math.nan)
        ),
        *(
            (checks.positive, (value,), f"x is {float(value)}: it must be a finite number above 0")
            for value in (0, -1, math.inf, math.nan)
        ),
        (checks.half_open_unit, (0,), "x is 0.0: it must be a finite number above 0"),
        (
            checks.half_open_unit,
            (1 + 2.0**-52,),
            f"x is {1 + 2.0**-52}: it must lie above 0 and not above 1",
        ),
        (checks.not_negative, ([1, -1],), "x is [1, -1]: it must be 0 or more"),
        (checks.not_negative, ([math.nan],), "x is [nan]: it must be 0 or more"),
        *((checks.one_of, (value, ("a", "b")), f"x is {value!r}: it must be one of a, b") for value in ("c", 3, ["a"])),
        (checks.names, ("ab", 2), "x is 'ab': it must be a sequence of names"),
        *(
            (checks.names, (["a", value], 2), f"x[1] is {value!r}: a name is text, a number or a date")
            for value in (None, math.nan, b"a", 1j, [1])
        ),
        (checks.names, (["a"], 2), "x has 1 names, 2 are needed"),
        (checks.names, (["a", "b", "a"], 3), "x has 'a' twice: names must differ"),
        (checks.names, ([1, "1"], 2), "x has '1' twice: names must differ"),
    ],
)
def test_what_a_check_refuses(check, arguments, sentence):
    # Oracle: definition, the sentence by hand
    assert refused(check, *arguments) == sentence


def test_tables_of_floats():
    # Oracle: definition: a fresh array of float64
    given = np.array([1.0, 2.0])
    found = checks.array_of_floats("x", given)
    assert found is not given
    assert not np.shares_memory(found, given)
    assert checks.array_of_floats("x", np.array([1, 2], dtype=np.float32)).dtype == np.float64
    assert checks.array_of_floats("x", [], 1).shape == (0,)
    assert checks.array_of_floats("x", [[1, 2]], 2).tolist() == [[1.0, 2.0]]
    assert checks.array_of_floats("x", 3, 0).shape == ()
    assert checks.probabilities("x", [0, 1, 0.5], 1).tolist() == [0.0, 1.0, 0.5]
    assert checks.not_negative("x", [0, math.inf]).tolist() == [0.0, math.inf]


@pytest.mark.parametrize("off", [0.9e-12, -0.9e-12])
def test_sums_off_one_by_less_than_the_tolerance(off):
    # Oracle: definition, 1e-12 on both sides
    assert checks.law("x", [0.5, 0.5 + off], 2).tolist() == [0.5, 0.5 + off]
    assert checks.stochastic_table("x", [[0.5, 0.5 + off]], (1, 2)).tolist() == [[0.5, 0.5 + off]]
    assert refused(checks.law, [0.5, 0.5 + 1.2 * off]).startswith("x sums to ")
    assert refused(checks.stochastic_table, [[1.0, 0.0], [0.5, 0.5 + 1.2 * off]]).startswith("x[1] sums to ")
    assert checks.stochastic_table("x", [[0.5, 0.5 + 1e3 * off]], tolerance=1e-8).tolist() == [[0.5, 0.5 + 1e3 * off]]


def test_tolerances_and_limits():
    # Oracle: definition, the documented figures
    assert (checks.STUDENT_TOLERANCE, checks.SUM_TOLERANCE) == (1e-6, 1e-12)
    assert (checks.INT64_MAX, checks.TABLE_MAX) == (BIG - 1, 10**8)
    checks.table_size(10**4, 10**4)
    with pytest.raises(ValueError, match=r"^S x A is 10001 x 10000: a table has at most 1e\+08 entries$"):
        checks.table_size(10_001, 10_000)


@pytest.mark.parametrize(
    ("value", "found"),
    [(3, [3]), (np.int64(3), [3]), (np.array(3), [3]), ([1, 2.0], [1, 2]), ((0,), [0]), (np.array([4, 5]), [4, 5])],
)
def test_whole_numbers(value, found):
    # Oracle: definition
    got = checks.whole_numbers("x", value)
    assert (got.tolist(), got.dtype) == (found, np.int64)


def test_tables_of_counts():
    # Oracle: definition: the largest total is 2^63 - 1, to the unit
    assert checks.count_table("x", [[1.0, 2.0]], (1, 2)).dtype == np.int64
    assert checks.count_table("x", [[0, 2]]).tolist() == [[0, 2]]
    for total in (BIG - 1, 2**62, 2**62 + 1):
        assert checks.count_table("x", [[total - 1, 1]]).tolist() == [[total - 1, 1]]


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        *((value, True) for value in (None, math.nan, np.float32("nan"), pd.NaT, pd.NA, np.datetime64("NaT"))),
        *((value, False) for value in ("", "nan", "<NA>", 0.0, np.datetime64("2024"), np.timedelta64(1), b"")),
        (np.timedelta64("NaT"), True),
    ],
)
def test_what_is_missing(value, missing):
    # Oracle: enumeration
    assert checks.is_missing(value) is missing


@pytest.mark.parametrize(
    ("value", "can"),
    [
        *((value, True) for value in ("", "a", 1, 1.5, True, np.int8(1), np.str_("a"), datetime.date(2024, 1, 1))),
        *((value, False) for value in (None, math.nan, b"a", 1j, np.complex64(1), np.void(b"a"), [1], object())),
        (np.datetime64("2024"), True),
    ],
)
def test_what_can_be_a_name(value, can):
    # Oracle: enumeration
    assert checks.can_be_a_name(value) is can


@pytest.mark.parametrize(
    ("value", "name"),
    [(1.0, "1"), (np.float32(2), "2"), (1.5, "1.5"), ("1.0", "1.0"), (-0.0, "0"), (math.inf, "inf"), (3, "3")],
)
def test_the_text_of_a_name(value, name):
    # Oracle: definition
    assert checks.name_of(value) == name


def test_names_of_frames():
    # Oracle: enumeration: names of an index and of columns, unless they are 0, 1, 2, ...
    named = pd.DataFrame([[1, 2]], index=["x"], columns=["y", "n"])
    plain = pd.DataFrame([[1, 2]])
    both = checks.names_from_frames
    assert both(None, None, a=plain, b=[[1, 2]], c=np.zeros((1, 2))) == (None, None)
    assert both(None, None, a=plain, b=named) == (["x"], ["y", "n"])
    assert both(None, None, a=named, b=named) == (["x"], ["y", "n"])
    assert both(["x"], ("y", "n"), a=named) == (["x"], ("y", "n"))
    assert both(["0"], None, a=named) == (["x"], ["y", "n"])  # names 0, 1, ... are none
    assert both(["z"], ["a", "b"], a=plain) == (["z"], ["a", "b"])
    assert both([1.0], None, a=pd.Series([3], index=["1"])) == ([1.0], None)
    assert both(None, None, a=pd.DataFrame([[1]], index=["1"], columns=[0.0])) == (["1"], None)
    with pytest.raises(ValueError, match=r"^the index of a and states differ, in names or in order: use the same, or "):
        both(["z"], None, a=named)
    with pytest.raises(ValueError, match=r"^the columns of b and the columns of a differ, in names or in order: use "):
        both(None, None, a=named, b=named[["n", "y"]])
    assert both("text", 3, a=plain) == ("text", 3)
    assert both(None, np.zeros((2, 2)), a=named)[1] == ["y", "n"]
