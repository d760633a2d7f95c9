"""Columns, records and teachers on both sides of each limit: what is read, and the whole sentence where it is not."""

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory.records import columns, samples
from kt_theory.records.columns import Coded, Columns, Faults, Places
from kt_theory.sparse import SparseTable
from kt_theory.tables import names, reading, sources, teachers


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sentence_of(call, *arguments, **options):
    """What a call refuses its arguments with."""
    with pytest.raises(ValueError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def noted(call, *arguments, **options):
    """The answer of a call, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = call(*arguments, **options)
    return found, [str(warning.message) for warning in caught]


# --- Columns ----------------------------------------------------------------------------------------------


def test_places():
    # Oracle: enumeration
    assert [Places()[0], Places("line", [2, 5])[1]] == ["row 1", "line 5"]
    assert Places().of([0, 3]).numbers == [1, 4]
    assert Places("line", [2, 5, 9]).of([2, 0]).numbers == [9, 2]
    assert Places(files=[(0, "a")])[3] == "row 4"
    several = Places("line", [2, 3, 2, 3], files=[(0, "a"), (2, "b")])
    assert [several[i] for i in range(4)] == ["line 2 of a", "line 3 of a", "line 2 of b", "line 3 of b"]
    assert (Places().advice, Places("line").advice) == ("", '; the empty name is written "" in quotes')


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([3], "row 4: bad 3"),
        ([5, 1], "2 rows are bad: row 2: bad 1; row 6: bad 5"),
        (range(5), "5 rows are bad: " + "; ".join(f"row {i + 1}: bad {i}" for i in range(5))),
        (range(6), "6 rows are bad: " + "; ".join(f"row {i + 1}: bad {i}" for i in range(5)) + "; and 1 more"),
    ],
)
def test_faults_of_rows(rows, sentence):
    # Oracle: enumeration: five are told, in the order of the rows, and the first fault of each
    faults = Faults(Places())
    faults.refuse()
    faults.add(rows, lambda row: f"bad {row}")
    faults.add(rows, lambda row: f"worse {row}")
    assert sentence_of(faults.refuse) == sentence
    assert faults.told() == {row: f"bad {row}" for row in sorted(rows)}
    assert (next(iter(rows)) in faults, 99 in faults) == (True, False)
    assert faults.good(7).tolist() == [row not in rows for row in range(7)]
    faults.advice = ("; mend it",)
    assert sentence_of(faults.refuse) == sentence + "; mend it"


def test_columns_that_are_left_alone():
    # Oracle: definition, the note by hand
    for others, said in (("b", "1 column is left alone: b"), ("bc", "2 columns are left alone: b, c")):
        table = Columns.of({name: [1] for name in f"a{others}"})
        table.leave_alone(["a", None])
        assert table.notes == [(said,)]
    table = Columns.of({"a": [1]})
    table.leave_alone(["a"])
    assert table.notes == []
    said = (
        "column Weight is not understood and may say how much a row counts: name it count if it says how often the row "
    )
    assert sentence_of(Columns.of({"a": [1], "Weight": [1]}).leave_alone, "a") == f"{said}was seen, or remove it"
    nine = list("abcdefghi")
    assert columns.listed(nine[:8]) == "a, b, c, d, e, f, g, h"
    assert columns.listed(nine) == "a, b, c, d, e, f, g, h and 1 more"
    odd = ["", " a", "a,b", "a\n", "x" * 60, "x" * 61]
    assert columns.listed(odd) == f"'', ' a', 'a,b', 'a\\n', {'x' * 60}, '{'x' * 56}..."


@pytest.mark.parametrize(
    ("given", "role", "said"),
    [
        ({"x": [1]}, "state", "name it s or state, or say which it is with columns={'state': 'x'}; its columns are x"),
        ({" S ": [1]}, "state", "name it s or state, without the blanks of ' S '"),
        ({"x": [1]}, "revealed", "name it revealed; its columns are x"),
        ({}, "action", "name it a or action, or say which it is with columns; its columns are "),
    ],
)
def test_a_role_without_a_column(given, role, said):
    # Oracle: definition, by hand
    assert str(Columns.of(given).lacks(role)) == f"the table has no {role} column: {said}"


def test_roles_of_columns():
    # Oracle: definition, by hand
    table = Columns.of({"q": ["x"], "a": ["y"], "b": ["z"], "p": [0.5]})
    for given, said in [
        (3, "columns is 3: it must map roles to names of columns"),
        ({"label": "a"}, "columns names the role 'label': roles are state, action, probability, logprob, count, rho"),
        ({"state": "c"}, "the table has no column 'c'; its columns are q, a, b, p"),
        ({"state": ["q", "a"]}, "columns gives state 2 columns: one is needed"),
        ({"state": []}, "columns gives state 0 columns: one is needed"),
        ({"state": "q", "action": "q"}, "columns gives one column two roles"),
    ]:
        assert sentence_of(table.named, given) == said
    assert table.named(None) is table
    assert table.named({"state": "q", "action": ["b"]}).roles == {"state": "q", "action": "b"}
    assert table.understood(["state", "action", "count"]) == {"state": "q", "action": "b", "count": None}
    crowd = Columns.of({"q": [1, 2, 3], "a": ["y", None, ""], "b": ["n", "n", None]}).named(
        {"state": "q", "action": ["a", "b"]}
    )
    assert (crowd.names, crowd["q"], crowd["annotation"]) == (["q", "annotation"], [1, 1, 2], ["y", "n", "n"])
    assert crowd.places.numbers == [1, 1, 2]
    assert crowd.roles == {"state": "q", "action": "annotation"}
    two = Columns.of({"s": [1], "state": [2]})
    assert sentence_of(two.understood, ["state"]) == "the table has 2 state columns, s and state: keep one of them"
    assert Columns.of({"s": [1], "state": [2]}).named({"action": "s"}).understood(["state"]) == {"state": "state"}
    assert sentence_of(Columns, ["a", "b", "a"], [[], [], []]) == "the table has two columns named 'a'"
    assert len(Columns.of({})) == 0


def test_columns_without_some_rows():
    # Oracle: enumeration
    coded = Coded(["x", "y"], np.array([0, 1, -1, 1]))
    table = Columns(["a", "b", "c"], [coded, np.arange(4), list("pqrs")], Places("line", [2, 3, 5, 6]))
    rest = table.without([1, 2])
    assert (rest["a"].tolist(), rest["b"].tolist(), rest["c"]) == (["x", "y"], [0, 3], ["p", "s"])
    assert (rest.places.unit, rest.places.numbers, len(rest)) == ("line", [2, 6], 2)
    assert (coded.tolist(), len(coded)) == (["x", "y", None, "y"], 4)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(
            ("0", 0),
            ("007", 7),
            ("1" * 18, int("1" * 18)),
            ("1" * 19, float("1" * 19)),
            (" 1.5e3 ", 1500.0),
            (".5", 0.5),
        ),
        *(("+1.", 1.0), ("-2", -2.0), (3, 3), (2**63 - 1, 2**63 - 1), (2**63, 2.0**63), (np.int8(3), 3), (1.5, 1.5)),
    ],
)
def test_cells_that_are_numbers(value, number):
    # Oracle: enumeration
    found, fault = columns._number(value)
    assert (found, type(found), fault) == (number, type(number), "")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        *(("", "is empty"), (None, "is empty"), (math.nan, "is empty"), (" ", "is ' ', not a number")),
        *((value, f"is {value!r}, not a number") for value in ("nan", "1_000", "0x1", "1e", True, b"1", 1j, "-inf")),
        (10**400, "is a whole number of about 401 digits, not a number"),
    ],
)
def test_cells_that_are_none(value, fault):
    # Oracle: enumeration
    assert columns._number(value) == (None, fault)


def test_columns_of_numbers():
    # Oracle: enumeration
    def read(values, **options):
        table = Columns.of({"x": values})
        return table.column_of_numbers("x", **options), table.faults.told()

    found, faults = read(["1", "2"])
    assert (found.tolist(), found.dtype, faults) == ([1, 2], np.int64, {})
    found, faults = read(["1", "2.5", "", "a"], gaps=True)
    assert found[:2].tolist() == [1.0, 2.5]
    assert np.isnan(found[2:]).all()
    assert faults == {3: "x is 'a', not a number"}
    assert read(["1", ""])[1] == {1: "x is empty"}
    assert read(np.array([1.0, math.nan]))[1] == {1: "x is empty"}
    assert read(np.array([1.0, math.nan]), gaps=True)[1] == {}
    found, faults = read(["-inf", " -Infinity ", "inf"], logarithms=True)
    assert (found[:2].tolist(), faults) == ([-math.inf] * 2, {2: "x is 'inf', not a number"})
    assert read(["-inf"])[1] == {0: "x is '-inf', not a number"}
    hidden = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    assert read(hidden)[1] == {1: "x is empty"}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (0, None),
        (2**63 - 1, None),
        (2.0**63 - 1024, None),
        (2.0**63, "x is 9.223372036854775808e+18: it exceeds the largest 64-bit integer"),
        (-1, "x is -1: a count is not negative"),
        (-1.0, "x is -1.0: a count is not negative"),
        (1.5, "x is 1.5: a count is a whole number"),
        (-1.5, "x is -1.5: a count is a whole number"),
        (math.inf, "x is inf: a count is a whole number"),
    ],
)
def test_columns_of_counts(value, fault):
    # Oracle: enumeration
    table = Columns.of({"x": [value, 3]})
    found = table.column_of_counts("x")
    told = table.faults.told()
    if fault is None:
        assert (found.tolist(), found.dtype, told) == ([int(value), 3], np.int64, {})
    else:
        assert found.tolist() == [0, 3]
        assert told.keys() == {0}
        assert told[0].replace("9.223372036854776e+18", "9.223372036854775808e+18") == fault


def test_columns_of_names():
    # Oracle: enumeration
    def read(values, **options):
        table = Columns.of({"x": values})
        return table.column_of_names("x", **options), table.faults.told()

    missing = "x is missing: every row needs a name"
    assert read(["a", None, 1.0, b"b"]) == (["a", "", "1", "b"], {1: missing})
    assert read(["a", None], gaps=True) == (["a", ""], {})
    assert read([None, [1]], gaps=True)[1] == {1: "x is [1], a list: a name is text, a number or a date"}
    clash = "x is '1', as a value of another type is spelled"
    assert read(["1", 1, 1]) == (["1", "1", "1"], {0: clash})
    assert read([1, 2, 1])[1] == {}
    assert read(["b", b"b"])[1] == {}
    assert read(["\\xff", b"\xff"])[1] == {0: "x is '\\\\xff', as a value of another type is spelled"}
    table = Columns(["x"], [Coded(["a"], np.array([0, -1]))], Places("line", [2, 3]))
    found, codes = table.column_of_codes("x")
    assert (found, codes.tolist()) == (["a"], [0, -1])
    assert table.faults.told() == {1: f'{missing}; the empty name is written "" in quotes'}
    table = Columns.of({"x": ["b", "a", None, "b"]})
    found, codes = table.column_of_codes("x")
    assert codes.tolist() == [0, 1, -1, 0]
    assert found[:2] == ["b", "a"]


# --- Records ----------------------------------------------------------------------------------------------

from_records = kt.TransferSet.from_records


def rows(*given, **options):
    """Records (state, action, p or None, count)."""
    s, a, p, count = zip(*((*row, 1)[:4] for row in given), strict=True)
    return from_records({"s": s, "a": a, "p": p, "count": count}, **options)


@pytest.mark.parametrize("far", [0.9e-9, 1.1e-9])
def test_values_of_a_pair_within_the_tolerance(far):
    # Oracle: definition: 1e-9, relatively; the first is kept
    given = [("x", "a", 0.5), ("x", "a", 0.5 * (1 + far)), ("x", "b", 0.25)]
    if far < 1e-9:
        data, notes = noted(rows, *given, other="z")
        assert (data.revealed[0, 0], notes) == (0.5, [])
        return
    said = f"('x', 'a') has probability {0.5 * (1 + far)!r} on row 2, 0.5 on row 1; the largest relative difference in "
    assert sentence_of(rows, *given, other="z") == f"{said}the table is 1.1e-09, which tolerance=1.2e-09 accepts"
    data, notes = noted(rows, *given, other="z", tolerance=1.2e-9)
    assert notes == ["probabilities of one pair differ by up to 1.1e-09, relatively: the first is kept"]
    several = [*given, ("x", "b", 0.5), ("x", "a", 0.75)]
    assert " (3 rows disagree); the largest relative difference in the table is 1, which tolerance=1.0 accepts" in (
        sentence_of(rows, *several, other="z")
    )


@pytest.mark.parametrize(
    ("excess", "said"),
    [
        (0.9e-9, None),
        (1.1e-9, "sum to {!r}, more than 1: tolerance=1.2e-09 accepts it"),
        (0.99e-3, "sum to {!r}, more than 1: tolerance=0.001 accepts it"),
        (
            1.01e-3,
            "sum to {!r}, more than 1: they belong to no law; probabilities after truncation to the most probable "
            "labels, or of a greedy run, are of this kind, and check-log tells which",
        ),
    ],
)
def test_sums_above_one(excess, said):
    # Oracle: definition, on both sides of the tolerance and of what may be rounding
    given = ("x", "a", 0.5), ("x", "b", 0.5 + excess)
    if said is None:
        assert rows(*given, actions=["a", "b", "c"]).protocol.name == "partial"
        return
    found = sentence_of(rows, *given, actions=["a", "b", "c"])
    start = "the probabilities given for input 'x' "
    assert found.startswith(start)
    # The number after tolerance is rounded upwards to two digits; what exceeds 1 is a float64 difference.
    wanted = start + said.format(0.5 + (0.5 + excess))
    assert found == wanted or found.partition("tolerance")[0] == wanted.partition("tolerance")[0]


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (0.9e-9, None),
        (0.99e-3, "tolerance=0.001 accepts it"),
        (
            1.01e-3,
            "labels are missing; give all of them with actions, or one more that takes the rest with other='<other>'",
        ),
    ],
)
def test_sums_below_one(lacking, said):
    # Oracle: definition
    given = ("x", "a", 0.5), ("x", "b", 0.5 - lacking)
    if said is None:
        assert rows(*given).protocol.name in ("partial", "soft")
        return
    start = f"every label of input 'x' is told, but their probabilities sum to {0.5 + (0.5 - lacking)!r}: "
    assert sentence_of(rows, *given) == start + said


@pytest.mark.parametrize(
    ("above", "said"),
    [
        (0.9e-9, None),
        (1.1e-9, "row 1: p is {!r}: a probability is at most 1; tolerance=1.2e-09 takes what is above for 1"),
        (0.5, "row 1: p is 1.5: a probability is at most 1"),
    ],
)
def test_probabilities_above_one(above, said):
    # Oracle: definition
    if said is None:
        assert rows(("x", "a", 1 + above), actions=["a", "b"]).revealed[0, 0] == 1.0
    else:
        assert sentence_of(rows, ("x", "a", 1 + above), actions=["a", "b"]) == said.format(1 + above)


@pytest.mark.parametrize(
    ("given", "protocol"),
    [
        ([("x", "a", 0.5)], "partial"),
        ([("x", "a", 0.5), ("x", "b", 0.25, 0)], "told"),
        ([("x", "a", 0.5), ("x", "b", 0.5, 0)], "soft"),
        ([("x", "a", 0.5), ("x", "b", 0.5 - 0.9e-12, 0)], "soft"),
        ([("x", "a", 0.5), ("x", "b", 0.5 - 1.1e-12, 0)], "told"),
        ([("x", "a", 0.5), ("x", "b", 0.5, 0), ("y", "a", 0.5, 0)], "told"),
        ([("x", "a", 0.5), ("x", "b", 0.5, 0), ("y", "a", 1.0)], "soft"),
        ([("x", "a", 0.5), ("x", "b", 0.5, 0), ("y", "a", 0.9)], "told"),
        ([("x", "a", 0.5), ("x", "b", None)], "hard"),
    ],
)
def test_the_level_of_records(given, protocol):
    # Oracle: definition: soft if every visited input, and no other, is told whole
    data, _ = noted(rows, *given, actions=["a", "b", "c"])
    assert data.protocol.name == protocol


def test_what_is_untold_is_said():
    # Oracle: enumeration by hand
    bias = samples.UNTOLD_BIAS
    for count, records in ((1, "1 record has"), (2, "2 records have")):
        assert noted(rows, ("x", "a", None, count), actions=["a", "b"])[1] == [
            f"{records} no p, and no row tells one: these are hard labels"
        ]
        assert noted(rows, ("x", "a", 0.5), ("x", "a", None, count), actions=["a", "b"])[1] == [
            f"{records} no p: other rows tell those of their pairs"
        ]
        of = "is of a label" if count == 1 else "are of labels"
        given = ("x", "a", 0.5), ("x", "b", None, count)
        data, notes = noted(rows, *given, actions=["a", "b"])
        assert notes == [
            f"{records} no p; {count} {of} that no row tells, so that these are hard labels to every learner; "
            f"drop_untold=True leaves those out: {bias}"
        ]
        assert (data.n, data.protocol.name) == (count + 1, "hard")
        data, notes = noted(rows, *given, actions=["a", "b"], drop_untold=True)
        assert notes == [f"{records} no p; left out are {count}, of labels that no row tells: {bias}"]
        assert (data.n, data.protocol.name) == (1, "partial")
    assert noted(rows, ("x", "a", 0.5), actions=["a", "b"])[1] == []


@pytest.mark.parametrize(
    ("columns_", "said"),
    [
        ({"s": ["x"], "a": ["y"], "p": [1], "logp": [0]}, "both a probability and a log-probability column"),
        ({"s": ["x"], "a": ["y"], "logp": [0], "revealed": [1]}, "both a log-probability and a revealed column"),
        ({"s": ["x"], "a": ["y", "z"]}, "the columns differ in length: 1 values of state, 2 values of action"),
        ({"s": "x", "a": ["y"]}, "column s is 'x': it must be a sequence, one entry a record"),
        ({"s": [[1]], "a": np.zeros((1, 1))}, "column a is array([[0.]]): it must be a sequence, one entry a record"),
        ({"s": [], "a": []}, "the table has no rows: with none, both alphabets must be given, states and actions"),
        (
            {"s": [1, "x"], "a": ["y", "y"]},
            "the state column mixes numbers and text: give the alphabet, or use one type",
        ),
    ],
)
def test_what_no_records_are(columns_, said):
    # Oracle: definition
    assert said in sentence_of(from_records, columns_)


def test_alphabets_of_records():
    # Oracle: enumeration: numbers by size, whole numbers in plain digits too, else text by text
    def states(values, **options):
        return from_records({"s": values, "a": ["y"] * len(values)}, **options).states

    assert states([10, 9, 2.5]) == ("2.5", "9", "10")
    assert states(["10", "9"]) == ("9", "10")
    assert states(["10", "09"]) == ("09", "10")
    assert states(["10", "9", "a"]) == ("10", "9", "a")
    assert states(["b", "a"], states=["a", "c", "b"]) == ("a", "c", "b")
    said = "row 2: s 'b' is not among the 1 states given"
    assert sentence_of(states, ["a", "b"], states=["a"]) == said
    assert sentence_of(states, ["a"], states=[]) == "states is empty: an alphabet needs at least one name"
    empty = from_records({"s": [], "a": []}, states=["x"], actions=["y", "z"])
    assert (empty.n, empty.shape) == (0, (1, 2))
    assert samples.with_other(("a",), "b") == ("a", "b")
    said = "the table has the label 'a' already: give another name with other"
    assert sentence_of(samples.with_other, ("a",), "a") == said


def test_tallies_of_pairs():
    # Oracle: enumeration: exact sums, on each side of 2^53 and of 2^63
    pairs = np.array([0, 2, 0])
    for large in (2**53 - 4, 2**53 - 3, 2**53 + 1, 2**62, 2**63 - 4):
        found = samples._tallied(pairs, np.array([large, 1, 2]), 3)
        assert (found.tolist(), found.dtype) == ([large + 2, 0, 1], np.int64)
    said = "the counts have a total of 9.22337e+18: it exceeds the largest 64-bit integer"
    assert sentence_of(samples._tallied, pairs, np.array([2**63 - 3, 1, 2]), 3) == said
    ones = np.broadcast_to(np.int64(1), 3)
    assert samples._tallied(pairs, ones, 4).tolist() == [2, 0, 1, 0]
    for size in (12, 13, 100):
        keys, places = samples._distinct(np.array([7, 3, 7]), size)
        assert (keys.tolist(), places.tolist()) == ([3, 7], [1, 0, 1])


@pytest.mark.parametrize(
    ("x", "found"),
    [
        (0.0, 0.0),
        (-1.0, 0.0),
        (1.0, 1.0),
        (1.01, 1.1),
        (0.0999, 0.1),
        (1.1e-9, 1.1e-9),
        (1.11e-9, 1.2e-9),
        (1e-300, 1e-300),
    ],
)
def test_a_number_is_rounded_upwards(x, found):
    # Oracle: definition: two digits, not below
    rounded = samples._rounded_up(x)
    assert rounded >= max(x, 0.0)
    if found is not None:
        assert rounded == found


def logs(*values, **options):
    return from_records({"s": ["x"] * len(values), "a": range(len(values)), "logp": values}, **options)


@pytest.mark.parametrize(("off", "fine"), [(0.0, True), (0.9e-6, True), (1.1e-6, False)])
def test_logarithms_of_so_many_digits(off, fine):
    # Oracle: definition: float32 leaves 1e-6
    if fine:
        data = logs(-1.25 + off, -2.5, actions=range(4), told_as="rounded:2")
        assert data.revealed[0, 0] == pytest.approx(math.exp(-1.25), rel=1e-15, abs=0)
    else:
        said = sentence_of(logs, -1.25 + off, -2.5, actions=range(4), told_as="rounded:2")
        assert said == f"row 1: logp is {-1.25 + off}: log-probabilities are rounded to 2 digits"


def test_sums_of_rounded_values():
    # Oracle: definition: a factor of e^(half a unit) either way
    half = 0.005
    fine = [round(math.log(x), 2) for x in (0.5, 0.25, 0.25)]
    assert logs(*fine, told_as="rounded:2").protocol.digits == 2
    high = [-0.5, -0.9, -3.91]  # sums to 1.0330
    assert math.fsum(map(math.exp, high)) > math.exp(half)
    said = sentence_of(logs, *high, told_as="rounded:2", actions=range(4))
    assert "more than 1 by more than rounding: they belong to no law" in said
    near = [-0.69, -0.7, -5.8]  # sums to 1.0012, below e^0.005
    total = math.fsum(map(math.exp, near))
    assert 1 + 1e-3 < total < math.exp(half)
    assert "more than 1: these are rounded, as told_as='rounded:2' says" in sentence_of(logs, *near, actions=range(4))
    assert logs(*near, told_as="rounded:2", actions=range(4)).n == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-9999.0, "this is no log-probability of a label but most likely a mark"),
        (-1e7 - 1, "this is no log-probability of a label but most likely a mark"),
        (0.5, "a log-probability is at most 0"),
        (-9998.0, None),
        (-1e7, None),
    ],
)
def test_marks_in_place_of_logarithms(value, said):
    # Oracle: definition
    if said is None:
        assert logs(value, actions=range(2)).n == 1
    else:
        assert said in sentence_of(logs, value, actions=range(2))


# --- Teachers ---------------------------------------------------------------------------------------------

frame = kt.tables.teacher_from_frame


def long(*given, **columns_):
    s, a, p = zip(*given, strict=True)
    return pd.DataFrame({"state": s, "action": a, "probability": p} | columns_)


@pytest.mark.parametrize("off", [0.9e-12, -0.9e-12, 1.2e-12, -1.2e-12])
def test_rows_of_a_teacher_off_one(off):
    # Oracle: definition: 1e-12; the sentence offers a label for what is lacking where no row is above 1
    table = long(("x", "a", 0.5), ("x", "b", 0.5 + off), ("y", "a", 1.0))
    if abs(off) < 1e-12:
        assert frame(table).teacher[0, 1] == 0.5 + off
        assert frame(table, other="z").teacher[0, 2] == 0.0
        return
    total = 0.5 + (0.5 + off)
    way = ", other='<other>' makes a label of what is lacking" if off < 0 else ""
    said = (
        f"the probabilities of state 'x' sum to {total!r}, off 1 by {total - 1:.3g}; normalise=True divides by the sum"
    )
    assert sentence_of(frame, table) == said + way
    divided, notes = noted(frame, table, normalise=True)
    assert divided.teacher[0].sum() == pytest.approx(1, abs=2e-16)
    assert len(notes) == 1
    assert notes[0].startswith("1 of 2 rows were divided by their sums, ")
    if off > 0:
        said = f"the probabilities of state 'x' sum to {total!r}, more than 1: nothing is left for other='z'"
        assert sentence_of(frame, table, other="z") == said
    else:
        assert frame(table, other="z").teacher[0, 2] == 1 - total


def test_several_rows_off_one():
    # Oracle: enumeration by hand
    table = long(("x", "a", 0.5), ("y", "a", 0.75), ("z", "a", 1.0))
    said = "the probabilities of state 'x' sum to 0.5, off 1 by -0.5; 2 of 3 states are off, by 0.5 at most; "
    assert (
        sentence_of(frame, table)
        == f"{said}normalise=True divides by the sum, other='<other>' makes a label of what is lacking"
    )
    _, notes = noted(frame, table, normalise=True)
    said = "2 of 3 rows were divided by their sums, 0.5 to 1: this moved at most 0.5 of a row's mass, on average 0.25"
    assert notes == [said]
    _, notes = noted(frame, long(("x", "a", 3.0), ("y", "a", 1.0)), normalise=True)
    assert notes == ["1 of 2 rows were divided by their sums, 1 to 3"]
    zero = long(("x", "a", 1.0), ("y", "a", 0.0))
    said = "the probabilities of state 'y' sum to 0.0: no law follows from that"
    assert sentence_of(frame, zero, normalise=True) == said


def test_the_law_of_inputs():
    # Oracle: enumeration by hand
    def of(*rho, **options):
        return frame(long(*((str(i), "a", 1.0) for i in range(len(rho))), rho=rho), **options)

    assert of(0.25, 0.75).rho.tolist() == [0.25, 0.75]
    assert of(0.5, 0.5 + 0.9e-12).rho[1] == 0.5 + 0.9e-12
    said = "rho sums to 0.75, off 1 by -0.25; normalise=True divides by the sum"
    assert sentence_of(of, 0.25, 0.5) == said
    divided, notes = noted(of, 0.25, 0.5, normalise=True)
    assert (divided.rho.tolist(), notes) == ([1 / 3, 2 / 3], ["rho was divided by its sum, 0.75"])
    assert noted(of, 0.5, 0.5 + 0.9e-12, normalise=True)[1] == []
    assert sentence_of(of, 0.0, 0.0, normalise=True) == "rho sums to 0.0: no law follows from that"
    table = long(("x", "a", 0.5), ("x", "b", 0.5), ("x", "c", 0.0), rho=[1.0, 0.5, 0.25])
    said = (
        "2 rows are bad: row 2: rho of state 'x' is 0.5, but 1.0 on row 1; row 3: rho of state 'x' is 0.25, but 1.0 on "
    )
    assert sentence_of(frame, table) == f"{said}row 1"


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (long(("x", "a", 1.0), ("x", "a", 0.5)), {}, "row 2: the pair ('x', 'a') stands on row 1 already"),
        (
            pd.DataFrame({"s": ["x", "x"], "a": ["y", "y"], "count": [1, 2]}),
            {},
            "row 2: the pair ('x', 'y') stands on row 1 already; add_repeats=True adds the counts of each pair",
        ),
        (
            long(("x", "a", 1.0)),
            {"add_repeats": True},
            "add_repeats goes with counts: probabilities of one pair do not add up",
        ),
        (
            long(("x", "a", 1.0)),
            {"other": "z", "normalise": True},
            "normalise and other both say what becomes of a row that is off 1: keep one of them",
        ),
        (
            pd.DataFrame({"s": ["x"], "a": ["y"], "count": [1]}),
            {"other": "z"},
            "other goes with probabilities: counts lack nothing",
        ),
        (
            pd.DataFrame({"s": ["x", "w"], "a": ["y", "y"], "count": [1, 0]}),
            {},
            "the counts of state 'w' are all 0: no law follows from them",
        ),
        (long(("x", "a", 1.0)).iloc[:0], {}, "the table has no rows"),
        (long(("x", "a", 1.5)), {}, "row 1: probability is 1.5: a probability is a number in [0, 1]"),
        (
            long(("x", "a", -0.5)),
            {"normalise": True},
            "row 1: probability is -0.5: a weight is a finite number, at least 0",
        ),
        (
            pd.DataFrame({"s": ["x"], "a": ["y"], "logp": [1e-3]}),
            {},
            "row 1: logp is 0.001: a log-probability is at most 0",
        ),
        (
            pd.DataFrame({"s": ["x"], "a": ["y"], "logp": [0.0], "p": [1.0]}),
            {},
            "the table has both a probability and a log-probability column: one of them is needed",
        ),
        (
            pd.DataFrame({"s": ["x"], "action": ["y"]}),
            {},
            "the table has neither a probability nor a log-probability nor a count column, and columns names none; its "
            "columns are s, action",
        ),
        (
            pd.DataFrame({"state": ["x", "x"], "a": [0.5, 1], "b": [0.5, 0]}),
            {},
            "row 2: the state 'x' stands on row 1 already",
        ),
        (
            pd.DataFrame({"state": ["x"], "rho": [1.0]}),
            {},
            "the table has no column of labels: it needs an action column or one column per label",
        ),
        (
            pd.DataFrame({"q": ["x"], "y": [1.0]}),
            {},
            "the first column of a wide table is 'q': name it state or s, or give an action column, or say what is "
            "what with columns={'state': 'q'}; the columns are q, y",
        ),
    ],
)
def test_what_no_teacher_is(table, options, said):
    # Oracle: definition, the whole sentence
    assert sentence_of(frame, table, **options) == said


def test_wide_tables_of_counts_and_of_probabilities():
    # Oracle: definition: counts if all are whole and one is above 1
    one = frame(pd.DataFrame({"state": ["x", "y"], "a": [1, 0], "b": [0, 1]}))
    assert (one.teacher.tolist(), one.rho.tolist()) == ([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5])
    two = frame(pd.DataFrame({"state": ["x", "y"], "a": [2, 0], "b": [0, 1]}))
    assert (two.teacher.tolist(), two.rho.tolist()) == ([[1.0, 0.0], [0.0, 1.0]], [2 / 3, 1 / 3])
    given = frame(pd.DataFrame({"state": ["x", "y"], "a": [2, 0], "b": [0, 1], "rho": [0.25, 0.75]}))
    assert given.rho.tolist() == [0.25, 0.75]
    added = pd.DataFrame({"s": ["x", "x", "y"], "a": ["u", "u", "v"], "count": [1, 2, 5]})
    found = frame(added, add_repeats=True)
    assert (found.teacher.tolist(), found.rho.tolist()) == ([[1.0, 0.0], [0.0, 1.0]], [0.375, 0.625])


def test_sparse_teachers_are_the_dense_ones(monkeypatch):
    # Oracle: identity, the dense table; counts and probabilities, with and without another label
    counts = pd.DataFrame({"s": [*"xxyz"], "a": [*"uvvw"], "count": [1, 3, 4, 2]})
    given = long(("x", "u", 0.5), ("x", "v", 0.25), ("y", "w", 1.0), ("z", "u", 0.125))
    for table, options in ((counts, {}), (given, {"other": "rest"}), (given, {"normalise": True})):
        dense = noted(frame, table, **options)[0]
        monkeypatch.setattr(teachers, "SPARSE_FROM", 8)
        sparse = noted(frame, table, **options)[0]
        monkeypatch.setattr(teachers, "SPARSE_FROM", 9)
        assert not noted(frame, table, **options)[0].sparse
        assert sparse.sparse
        assert sparse.dense().teacher.tolist() == dense.teacher.tolist()
        assert sparse.rho.tolist() == dense.rho.tolist()
        assert (sparse.states, sparse.actions) == (dense.states, dense.actions)


@pytest.mark.parametrize(
    ("header", "is_long"),
    [
        *(("state action p", True), ("s a p", True), ("s a", False), ("S A P", True), ("S A", False), ("s A p", False)),
        *(
            ("state A B", False),
            ("S Action count", True),
            ("s a logprob", True),
            ("s a Counts", True),
            ("state S A P", False),
        ),
        ("s a b", False),
    ],
)
def test_which_tables_are_long(header, is_long):
    # Oracle: enumeration
    names_ = header.split()
    assert teachers._is_long(Columns(names_, [[] for _ in names_])) is is_long


# --- Files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        *(("a/b.csv", "b"), ("b.CSV.GZ", "b"), ("b.tsv.gz", "b"), ("x.y.parquet", "x.y"), ("-", "standard input")),
        *(("a.npy", "a"), ("b.txt", "b.txt")),
    ],
)
def test_the_name_of_a_table(path, stem):
    # Oracle: enumeration
    assert sources.stem_of(path) == stem


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.txt", b"a", "its name must end in .csv, .tsv, .parquet, .npy, .csv.gz or .tsv.gz"),
        (".csv", b"a", "its name must end in .csv, .tsv, .parquet, .npy, .csv.gz or .tsv.gz"),
        ("x.csv", b"\x1f\x8bx", "it is compressed: its name must then end in .csv.gz or .tsv.gz"),
        ("x.csv.gz", b"abc", "it is not a gzip file, or a damaged one"),
        ("x.csv", b"PAR1", "it is a Parquet file: its name must then end in .parquet"),
        ("x.csv", b"", "the file is empty"),
        ("x.parquet", b"PAR1", "it is not a Parquet file, or a damaged one"),
        ("x.npy", b"abc", "it is not a .npy file of numbers, or a damaged one"),
        ("x.csv", b"\xff\xfea\0", "it is UTF-16 or UTF-32: save the file as UTF-8 text"),
        ("x.csv", b"\xfe\xffa\0", "it is UTF-16 or UTF-32: save the file as UTF-8 text"),
        ("x.csv", b"\0a", "it is UTF-16 or UTF-32: save the file as UTF-8 text"),
        ("x.csv", b"a\0", "it is UTF-16 or UTF-32: save the file as UTF-8 text"),
        ("x.csv", b"PK\x03\x04\xff", "it is a ZIP archive or a spreadsheet: save the table in it as UTF-8 text"),
        ("x.csv", b"BZh\xff", "it is a bzip2 file: save the table in it as UTF-8 text"),
        ("x.csv", b"ab\xe4c", "byte 2 is 0xe4, which is not UTF-8: save the file as UTF-8 text"),
        ("x.csv", b"a\n1\n", "its only column is 'a': a table needs two or more, separated by commas"),
        (
            "x.csv",
            b"a\tb\n1\t2\n",
            "its only column is 'a\\tb': a table needs two or more, separated by commas; one with tabs ",
        ),
        ("x.tsv", b"a\n1\n", "its only column is 'a': a table needs two or more, separated by tabs"),
        (
            "x.csv",
            b"a,b\n1\n1,2,3\n",
            "2 lines are bad: line 2: 1 cells, the header has 2; line 3: 3 cells, the header has 2",
        ),
        ("x.csv", b"a,b\n1\r2\n", "line 2: 1 cells, the header has 2 (a carriage return in a cell without quotes?)"),
        ("x.csv", b'a,b\n"1,2\n3\n', "it is not a table of text: lines 2 to "),
        ("x.csv", b'a,b\n"1"x,2\n', "it is not a table of text: line 2: "),
        ("x.csv", b"a,a\n1,2\n", "the table has two columns named 'a'"),
        ("x.csv", b"s,count\nx,\n", "line 2: count is empty"),
        ("x.csv", b"s,rho\nx,\ny,a\n", "2 lines are bad: line 2: rho is empty; line 3: rho is 'a', not a number"),
        ("x.csv", b"s,p\nx,\ny,a\n", "line 3: p is 'a', not a number"),
        ("x.csv", b"s,logp\nx,-inf\ny,inf\n", "line 3: logp is 'inf', not a number"),
    ],
)
def test_files_that_are_no_tables(name, content, said):
    # Oracle: definition, the sentence behind the name of the file
    Path(name).write_bytes(content)
    assert sentence_of(kt.tables.read_table, name).startswith(f"{name}: {said}") or "carriage" in said


def test_a_table_of_text():
    # Oracle: definition, by hand
    text = 'state,action,p,count,x,y\n"",a,,1,2,u\nz,"",0.5,3,,\n\nz,b,1e-3,4,1.5,v\n'
    Path("x.csv").write_text("\ufeff" + text, encoding="utf-8")
    found = kt.tables.read_table("x.csv")
    assert found["state"].tolist() == ["", "z", "z"]
    assert found["action"].tolist() == ["a", "", "b"]
    assert found["count"].tolist() == [1, 3, 4]
    assert found["count"].dtype == np.int64
    assert found["x"].fillna(-1).tolist() == [2.0, -1.0, 1.5]
    assert found["y"].tolist() == ["u", "", "v"]
    assert found["p"].fillna(-1).tolist() == [-1.0, 0.5, 1e-3]
    assert reading.text_columns("a,\nx,y\n").unnamed == {1}
    assert reading.text_columns('a,""\nx,y\n').unnamed == frozenset()


def test_where_lines_of_a_text_stand():
    # Oracle: enumeration: an empty line and a cell of two lines are counted
    table = reading.text_columns('a,b\n1,2\n\n3,"4\n5"\n6,7\n')
    assert table.places.numbers == [2, 4, 6]
    assert (table["a"], table["b"]) == (("1", "3", "6"), ("2", "4\n5", "7"))
    assert reading._in_quotes('a,"b",,"c""d"', ",") == [False, True, False, True]
    assert reading._in_quotes('"a\nb"\tc', "\t") == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.txt", "a\n\nb\n", "line 2: empty, and a name is needed"),
        ("x.txt", "a\nb\na\n", "line 3: the name 'a' stands on line 1 already"),
        ("x.json", '["a", "a"]', "entry 2: the name 'a' stands on entry 1 already"),
        ("x.json", "[", "it is no JSON"),
        *(("x.json", text, "an alphabet in JSON is a list of texts") for text in ("{}", "[]", '["a", 1]', '"a"')),
        *(
            ("x.csv", text, "an alphabet in CSV has one column, whose header is ")
            for text in ("\n", "a\nb\n", "name,x\na,b\n")
        ),
        ("x.csv", "name\na,b\n", "line 2 has several cells: a name with a comma stands in quotes"),
        ("x.csv", 'name\na\n"b', "it is not a table of text: line 3: "),
        ("x.csv", 'name\n\na\n"a"\n', "line 4: the name 'a' stands on line 3 already"),
    ],
)
def test_what_no_alphabet_is(name, text, said):
    # Oracle: definition
    Path(name).write_text(text)
    assert sentence_of(kt.tables.read_names, name).startswith(f"{name}: {said}")


def test_alphabets():
    # Oracle: enumeration
    for name, text, wanted in [
        ("x.txt", "a \r\n,b\n\n\n", ["a ", ",b"]),
        ("x.json", '["", "a\\n"]', ["", "a\n"]),
        ("x.CSV", 'Name\n\n"a,b"\nc\n', ["a,b", "c"]),
    ]:
        Path(name).write_bytes(text.encode())
        assert kt.tables.read_names(name) == wanted
    assert names.texts(("a", "b")).tolist() == ["a", "b"]
    assert sentence_of(names.texts, ("a", "\ud800")) == r"the name '\ud800' cannot be encoded in UTF-8"


def test_bad_rows_are_listed_in_the_order_of_the_file():
    # Oracle: enumeration: faults that are found in two passes, by line
    Path("r.csv").write_text("s,a,p\nx,a,2\nx,,0.5\nx,b,0.25\nx,c\n")
    data, notes = noted(kt.tables.read_records, "r.csv", skip_bad="bad.csv", other="z")
    assert data.n == 1
    bad = pd.read_csv("bad.csv", dtype=str, keep_default_na=False)
    assert bad["line"].tolist() == ["2", "3", "5"]
    assert list(bad.columns) == ["line", "fault", "s", "a", "p"]
    assert bad["fault"].tolist() == [
        "p is 2.0: a probability is at most 1",
        'a is missing: every row needs a name; the empty name is written "" in quotes',
        "2 cells, the header has 3",
    ]
    assert notes[-1] == "r.csv: 3 lines are left out as bad, and listed in bad.csv"
    Path("r.csv").write_text("s,a,p\nx,a,2\nx,b,0.25\n")
    assert noted(kt.tables.read_records, "r.csv", skip_bad="bad.csv", other="z")[1] == [
        "r.csv: 1 line is left out as bad, and listed in bad.csv"
    ]
    said = "skip_bad is r.csv, which is the file of records too: it would be overwritten; choose another name"
    assert sentence_of(kt.tables.read_records, "r.csv", skip_bad="r.csv") == said


def test_the_student_before_any_data():
    # Oracle: enumeration: rows and columns in the order of the transfer set, dense and sparse
    data = kt.TransferSet.from_counts([[1, 0], [0, 2]], states=["y", "x"], actions=["b", "a"])
    table = pd.DataFrame({"state": ["x", "y"], "a": [0.25, 0.5], "b": [0.75, 0.5]})
    table.to_csv("init.csv", index=False)
    assert kt.tables.read_init("init.csv", data).tolist() == [[0.5, 0.5], [0.75, 0.25]]
    for names_, said in [
        ({"states": ["y", "z"], "actions": ["b", "a"]}, "the init table has no input z"),
        ({"states": ["y", "x"], "actions": ["b", "c"]}, "the init table has no label c"),
    ]:
        other = kt.TransferSet.from_counts([[1, 0], [0, 2]], **names_)
        assert sentence_of(kt.tables.read_init, "init.csv", other) == said
    fewer = kt.TransferSet.from_counts([[1, 0]], states=["y"], actions=["b", "a"])
    said = "the init table has input x, which is not in the alphabet of the records"
    assert sentence_of(kt.tables.read_init, "init.csv", fewer) == said


def test_a_sparse_student_before_any_data(monkeypatch):
    # Oracle: identity, the dense table
    data = kt.TransferSet.from_counts([[1, 0, 1], [0, 2, 0]], states=["y", "x"], actions=["c", "a", "b"])
    long(("x", "a", 0.25), ("x", "b", 0.75), ("y", "c", 1.0)).to_csv("init.csv", index=False)
    dense = kt.tables.read_init("init.csv", data)
    monkeypatch.setattr(teachers, "SPARSE_FROM", 5)
    sparse = kt.tables.read_init("init.csv", data)
    assert isinstance(sparse, SparseTable)
    assert sparse.dense().tolist() == dense.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.25, 0.75]]


def test_the_teacher_of_a_language_model(tmp_path):
    # Oracle: enumeration by hand: what a row does not list is 0, what is left is the label <other>; rows sum to one
    arrays = {"token": np.array([[2, 0], [1, 2]], dtype=np.int32), "other": np.array([0.25, 0.5])}
    arrays |= {"logprob": np.log(np.array([[0.5, 0.25], [0.25, 0.75]])), "prompt": np.array(["x", "y"])}
    arrays |= {"token_bytes": np.frombuffer(b"abb\xff", dtype=np.uint8), "token_ends": np.array([1, 3, 4])}
    np.savez(tmp_path / "model.npz", **arrays)
    found = teachers._language_model(tmp_path / "model.npz")
    assert (found.states, found.actions, found.name) == (("x", "y"), ("a", "bb", "\\xff", "<other>"), "model")
    wanted = [[0.25, 0.0, 0.5, 0.25], [0.0, 0.25 / 1.5, 0.75 / 1.5, 0.5 / 1.5]]
    assert found.dense().teacher == pytest.approx(np.array(wanted), rel=1e-15, abs=0)
    assert found.rho.tolist() == [0.5, 0.5]


# --- Writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns_", "text"),
    [
        ({"a": ["x", "y,z"], "p": [0.5, math.nan]}, 'a,p\nx,0.5\n"y,z",\n'),
        ({"a": ["x", ""], "p": [0.5, 1.0]}, '"a","p"\n"x",0.5\n"",1.0\n'),
        ({"a": ["x\ry"], "p": [1]}, '"a","p"\n"x\ry",1\n'),
        ({"x\r": [1]}, '"x\r"\n1\n'),
        ({"": [1]}, '""\n1\n'),
        ({"n": [1, 2]}, "n\n1\n2\n"),
    ],
)
def test_how_a_table_is_written(columns_, text):
    # Oracle: definition: quotes where they are needed, everywhere if a text is empty or holds a carriage return
    kt.tables.write_table(pd.DataFrame(columns_, index=range(5, 5 + len(next(iter(columns_.values()))))), "x.csv")
    assert Path("x.csv").read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"a": ["x", None]}, "x.csv", "x.csv: row 2: a is missing: every row needs a name"),
        ({"State": [None, "x"]}, "x.csv", "x.csv: row 1: State is missing: every row needs a name"),
        ({"b": [None]}, "x.txt", "x.txt: its name must end in .csv or .parquet"),
    ],
)
def test_what_is_not_written(given, path, said):
    # Oracle: definition, one sentence
    assert sentence_of(kt.tables.write_table, pd.DataFrame(given), path) == said


@pytest.mark.parametrize(
    ("students", "said"),
    [
        ({}, "students must map at least one name to a table"),
        (3, "students must map at least one name to a table"),
        ({"A": [[0.5, 0.5]]}, "students['A'] has shape (1, 2), (2, 2) is needed"),
        ({"count": [[0.5, 0.5]] * 2}, "students has the name 'count', which is that of another column"),
        ({"A": [[1.5, 0.5]] * 2}, "students['A'][0, 0] is 1.5: a probability is a number in [0, 1]"),
    ],
)
def test_what_no_students_are(students, said):
    # Oracle: definition, one sentence
    data = kt.TransferSet.from_counts([[1, 0], [0, 1]])
    assert sentence_of(kt.tables.write_students, students, data, "x.csv") == said
