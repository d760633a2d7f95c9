"""Transfer sets: what each protocol shows, what it hides, and what records are refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt_theory.learners import LEARNERS
from kt_theory.learners.fitting import fit
from kt_theory.problem import Problem, dirichlet_problem, tv_risk
from kt_theory.protocols import PROTOCOLS, TransferSet
from kt_theory.simulation.means import draw

from_counts, from_records = TransferSet.from_counts, TransferSet.from_records
TEACHER = np.array([[0.5, 0.3, 0.2], [0.1, 0.0, 0.9]])
COUNTS = np.array([[2, 0, 1], [0, 0, 0]])

# --- What is shown --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "shown"),
    [
        ("hard", [[0, 0, 0], [0, 0, 0]]),
        ("partial", [[1, 0, 1], [0, 0, 0]]),
        ("soft", [[1, 1, 1], [0, 0, 0]]),
    ],
)
def test_masks(protocol: str, shown: list[list[int]]) -> None:
    # Oracle: published, the table of protocols in Z&Z section 2
    data = from_counts(COUNTS, TEACHER, protocol)
    np.testing.assert_array_equal(data.revealed, np.where(shown, TEACHER, np.nan))
    assert (data.n, data.protocol.name) == (3, protocol)


def hidden_entry_changed(problem: Problem, data: TransferSet, rng: np.random.Generator) -> np.ndarray | None:
    """Another teacher that agrees with all that `data` shows; None if nothing is left to change.

    Rows must still sum to 1, so hidden mass moves between two hidden labels of a row, or all of a hidden row is new.
    """
    teacher = problem.teacher.copy()
    hidden = np.isnan(data.revealed)
    changed = False
    for s in range(problem.S):
        labels = np.flatnonzero(hidden[s])
        if labels.size >= 2:
            mass = teacher[s, labels].sum()
            teacher[s, labels] = mass * rng.dirichlet(np.ones(labels.size))
            changed = True
    return teacher if changed else None


def students_of(counts: np.ndarray, teacher: np.ndarray, protocol: str, init: np.ndarray) -> dict[str, np.ndarray]:
    data = from_counts(counts, teacher, protocol)
    able = [name for name, entry in LEARNERS.items() if PROTOCOLS[protocol].reveals_at_least(entry.protocol)]
    return {name: fit(data, name, init) for name in able}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(derandomize=True, max_examples=100, deadline=None)
@given(S=st.integers(1, 4), A=st.integers(1, 5), n=st.integers(0, 12), seed=st.integers(0, 10**6))
def test_hidden_entries_change_nothing(protocol: str, S: int, A: int, n: int, seed: int) -> None:
    # Oracle: identity, a student cannot depend on what it was not shown; bit for bit
    rng = np.random.default_rng(seed)
    problem = dirichlet_problem(S, A, rng, rho_alpha=1.0)
    init = rng.dirichlet(np.ones(A), size=S)
    data = draw(problem, protocol, n, seed)
    other = hidden_entry_changed(problem, data, rng)
    if other is None:
        return
    assert protocol == "hard" or np.array_equal(
        from_counts(data.counts, other, protocol).revealed, data.revealed, equal_nan=True
    )
    before = students_of(data.counts, problem.teacher, protocol, init)
    after = students_of(data.counts, other, protocol, init)
    for name, student in before.items():
        np.testing.assert_array_equal(student, after[name], err_msg=name)


def test_planted_peeking_learner_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, a learner that reads one unseen entry turns its own row into NaN
    def peeking(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
        student = LEARNERS["SEL_ptl"].fit(counts, revealed, init)
        student[0, 1] += 0.01 * revealed[0, 1]
        return student

    monkeypatch.setitem(LEARNERS, "peeking", replace(LEARNERS["SEL_ptl"], name="peeking", fit=peeking))
    student = fit(from_counts(COUNTS, TEACHER, "partial"), "peeking")
    assert np.isnan(student).any()
    with pytest.raises(ValueError, match=r"^student\[0, 1\] is nan"):
        tv_risk(student, Problem([0.5, 0.5], TEACHER))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(S=st.integers(1, 4), A=st.integers(1, 5), n=st.integers(0, 30), seed=st.integers(0, 10**6))
def test_risks_lie_in_the_unit_interval_and_do_not_see_names(protocol: str, S: int, A: int, n: int, seed: int) -> None:
    # Oracle: identity, relabelling invariance of the risk
    rng = np.random.default_rng(seed)
    problem = dirichlet_problem(S, A, rng, alpha=0.3, rho_alpha=0.5)
    init = rng.dirichlet(np.ones(A), size=S)
    counts = draw(problem, protocol, n, seed).counts
    s, a = rng.permutation(S), rng.permutation(A)
    moved = Problem(problem.rho[s], problem.teacher[s][:, a])
    relabelled = students_of(counts[s][:, a], moved.teacher, protocol, init[s][:, a])
    for name, student in students_of(counts, problem.teacher, protocol, init).items():
        risk = tv_risk(student, problem)
        assert 0 <= risk <= 1
        assert tv_risk(relabelled[name], moved) == pytest.approx(risk, rel=1e-13, abs=1e-15)


def test_missing_mass() -> None:
    # Oracle: identity, 1 - the seen labels' probabilities; 1 on an unvisited input; NaN where it is not known
    np.testing.assert_allclose(from_counts(COUNTS, TEACHER, "partial").missing_mass, [0.3, 1.0], rtol=1e-15)
    np.testing.assert_allclose(from_counts(COUNTS, TEACHER, "soft").missing_mass, [0.3, 1.0], rtol=1e-15)
    np.testing.assert_array_equal(from_counts(COUNTS).missing_mass, [np.nan, 1.0])
    assert from_counts([[1, 1, 1]], [[0.1, 0.2, 0.7]], "partial").missing_mass[0] <= 2e-16


def test_transfer_sets_are_frozen() -> None:
    counts = COUNTS.copy()
    data = from_counts(counts, TEACHER, "soft")
    counts[0, 0] = 99
    assert data.n == 3
    for array in (data.counts, data.revealed):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


@pytest.mark.parametrize("counts", [[[2**63 - 1]], [[2**63 - 1, 0]], [[2**61, 3 * 2**61 - 1]]])
def test_a_total_of_2_to_the_63_minus_1_is_kept(counts: list[list[int]]) -> None:
    # Oracle: identity, the largest n there is; in float64 it would round up to 2^63
    data = from_counts(counts)
    assert data.n == 2**63 - 1
    assert data.counts.tolist() == counts


def test_drawing_the_largest_n() -> None:
    # Oracle: identity
    for problem in (Problem([1.0], [[1.0]]), Problem([0.5, 0.5], [[0.5, 0.5], [0.2, 0.8]])):
        assert draw(problem, "soft", 10**17).n == 10**17


def test_draw_gives_one_data_set_per_seed_whatever_the_protocol() -> None:
    # Oracle: identity
    problem = dirichlet_problem(3, 4, seed=0)
    tables = [draw(problem, protocol, 50, seed=7).counts for protocol in PROTOCOLS]
    np.testing.assert_array_equal(tables[0], tables[1])
    np.testing.assert_array_equal(tables[0], tables[2])
    assert not np.array_equal(tables[0], draw(problem, "hard", 50, seed=8).counts)
    assert draw(problem, "hard", 0).n == 0


# --- Records --------------------------------------------------------------------------------------------

SEEN = [("x", "no", 0.25), ("y", "yes", 0.5), ("x", "yes", 0.75), ("x", "no", 0.25)]
S_COLUMN, A_COLUMN, P_COLUMN = (list(column) for column in zip(*SEEN, strict=True))


@pytest.mark.parametrize(
    "records",
    [
        {"s": S_COLUMN, "a": A_COLUMN, "p": P_COLUMN},
        {"state": np.array(S_COLUMN), "action": np.array(A_COLUMN), "probability": np.array(P_COLUMN)},
        {"s": tuple(S_COLUMN), "a": np.array(A_COLUMN, dtype=object), "logp": np.log(P_COLUMN)},
        pd.DataFrame({"s": S_COLUMN, "a": A_COLUMN, "prob": P_COLUMN, "time": range(4)}),
        pd.DataFrame({"s": pd.Categorical(S_COLUMN), "a": A_COLUMN, "log_prob": np.log(P_COLUMN)}, index=[3, 1, 4, 1]),
    ],
    ids=["lists", "arrays", "log-probabilities", "DataFrame", "categories"],
)
def test_records_of_any_kind(records: Any) -> None:
    # Oracle: enumeration, four records by hand; exp(log p) is within an ulp
    data = from_records(records)
    assert (data.protocol.name, data.states, data.actions) == ("partial", ("x", "y"), ("no", "yes"))
    assert data.counts.tolist() == [[2, 1], [0, 1]]
    np.testing.assert_allclose(data.revealed, [[0.25, 0.75], [np.nan, 0.5]], rtol=3e-16)


def test_integers_sort_as_integers_and_hard_records_reveal_nothing() -> None:
    # Oracle: enumeration
    data = from_records({"s": [10, 9, 10], "a": np.array([1, 0, 1])})
    assert (data.protocol.name, data.states, data.actions) == ("hard", ("9", "10"), ("0", "1"))
    assert data.counts.tolist() == [[1, 0], [0, 2]]
    assert np.isnan(data.revealed).all()


def test_whole_floats_are_integers() -> None:
    # Oracle: identity, a column of integers that once had gaps comes back as 1.0, 2.0
    data = from_records({"s": [1.0, 2.0], "a": pd.Series([1, 2], dtype="Int64")}, states=[1, 2])
    assert (data.states, data.actions) == (("1", "2"), ("1", "2"))


def test_alphabets_set_the_order_and_may_hold_more() -> None:
    # Oracle: enumeration
    data = from_records({"s": [1, 1], "a": ["u", "v"], "p": [0.5, 0.125]}, states=[2, 1], actions=["w", "v", "u"])
    assert (data.states, data.actions) == (("2", "1"), ("w", "v", "u"))
    assert data.counts.tolist() == [[0, 0, 0], [0, 1, 1]]
    np.testing.assert_array_equal(fit(data, "SEL_ptl"), [[1 / 3] * 3, [0.375, 0.125, 0.5]])
    nothing = from_records({"s": [], "a": []}, states=["x"], actions=["no", "yes"])
    assert (nothing.n, nothing.counts.shape) == (0, (1, 2))


@pytest.mark.parametrize("protocol", ["hard", "partial"])
@pytest.mark.parametrize("seed", range(10))
def test_records_and_counts_meet(protocol: str, seed: int) -> None:
    # Oracle: second algorithm, from_counts on the same sample
    problem = dirichlet_problem(3, 4, seed)
    counts = draw(problem, protocol, 25, seed).counts
    s, a = np.nonzero(counts)
    order = np.random.default_rng(seed).permutation(25)
    s, a = np.repeat(s, counts[s, a])[order], np.repeat(a, counts[s, a])[order]
    records = {"s": s, "a": a} | ({"p": problem.teacher[s, a]} if protocol == "partial" else {})
    got = from_records(records, states=range(3), actions=range(4))
    wanted = from_counts(counts, problem.teacher, protocol)
    np.testing.assert_array_equal(got.counts, wanted.counts)
    np.testing.assert_array_equal(got.revealed, wanted.revealed)


def test_agreeing_probabilities_may_differ_by_the_tolerance() -> None:
    # Oracle: identity, of agreeing values the first is kept
    records = {"s": ["x", "x"], "a": ["u", "u"], "p": [0.5, np.float32(0.5000001)]}
    with pytest.raises(ValueError, match=r"on row 2, .* which tolerance=2\.4e-07 accepts"):
        from_records(records, actions=["u", "v"])
    assert from_records(records, actions=["u", "v"], tolerance=1e-6).revealed[0, 0] == 0.5


# --- Bad input ------------------------------------------------------------------------------------------


def xy(**columns: Any) -> dict[str, Any]:
    """Two records, with columns replaced or added."""
    return {"s": ["x", "y"], "a": ["u", "v"], **columns}


HARD, PARTIAL = from_counts(COUNTS), from_counts(COUNTS, TEACHER, "partial")

BAD: list[tuple[str, Callable[[], Any], str]] = [
    (
        "no state",
        lambda: from_records({"a": ["u"]}),
        "the table has no state column: name it s or state, .* its columns are a",
    ),
    ("no action", lambda: from_records({"s": ["x"]}), "the table has no action column"),
    ("two states", lambda: from_records(xy(state=["x", "y"])), "the table has 2 state columns, s and state"),
    ("p and logp", lambda: from_records(xy(p=[1, 1], logp=[0, 0])), "both a probability and a log-probability column"),
    (
        "ragged",
        lambda: from_records(xy(a=["u"])),
        "the columns differ in length: 2 values of state, 1 values of action",
    ),
    ("ragged p", lambda: from_records(xy(p=[0.5])), "the columns differ in length: .* 1 values of probability"),
    ("empty", lambda: from_records({"s": [], "a": []}), "the table has no rows: .* must be given, states and actions"),
    ("2-D", lambda: from_records(xy(s=[["x"], ["y"]])), r"row 1: s is .*'x'.*, a list"),
    ("irregular", lambda: from_records(xy(s=[["x"], ["y", "z"]])), r"2 rows are bad: row 1: s is .*, a list"),
    ("scalar", lambda: from_records(xy(s="x")), r"column s is 'x': it must be a sequence"),
    ("None", lambda: from_records(xy(s=["x", None])), "row 2: s is missing"),
    ("NaN", lambda: from_records(xy(s=[1.0, math.nan])), "row 2: s is missing"),
    ("pandas missing", lambda: from_records(pd.DataFrame(xy(a=["u", None]))), "row 2: a is missing"),
    ("pandas NA", lambda: from_records(xy(s=pd.array([1, None], dtype="Int64"))), "row 2: s is missing"),
    ("mixed", lambda: from_records(xy(a=np.array(["u", 1], dtype=object))), "action column mixes numbers and text"),
    ("outside", lambda: from_records(xy(), states=["x"]), "row 2: s 'y' is not among the 1 states given"),
    ("float label", lambda: from_records(xy(a=[1.0, 1.5]), actions=[1, 2]), r"row 2: a '1\.5' is not among"),
    ("repeated", lambda: from_records(xy(), actions=["u", "v", "u"]), "actions has 'u' twice"),
    ("1 and '1'", lambda: from_records(xy(), states=[1, "1"]), "states has '1' twice"),
    ("no alphabet", lambda: from_records({"s": [], "a": []}, states=[], actions=["u"]), "states is empty"),
    ("p = 0", lambda: from_records(xy(p=[0.5, 0.0])), r"row 2: p is 0\.0: the probability of a drawn label is above 0"),
    (
        "p > 1",
        lambda: from_records(xy(p=[1.5, 0.5])),
        r"row 1: p is 1\.5: a probability is at most 1",
    ),
    ("p < 0", lambda: from_records(xy(p=[0.5, -0.25])), r"row 2: p is -0\.25"),
    (
        "p text",
        lambda: from_records(xy(p=["high", "low"])),
        "2 rows are bad: row 1: p is 'high', not a number; row 2: p is 'low', not a number$",
    ),
    (
        "logp > 0",
        lambda: from_records(xy(logp=[-1.0, 0.5])),
        r"row 2: logp is 0\.5: a log-probability is at most 0",
    ),
    ("logp -inf", lambda: from_records(xy(logp=[-math.inf, -1.0])), "row 1: logp is -inf: this is no log-probability"),
    (
        "logp marked",
        lambda: from_records(xy(logp=[-1.0, -9999.0])),
        r"row 2: logp is -9999\.0: .* without the column logp these are hard labels",
    ),
    (
        "contradiction",
        lambda: from_records({"s": ["x"] * 3, "a": ["u", "v", "u"], "p": [0.5, 0.25, 0.4]}),
        r"\('x', 'u'\) has probability 0\.4 on row 3, 0\.5 on row 1; .* is 0\.2, which tolerance=0\.2 accepts",
    ),
    (
        "more than 1",
        lambda: from_records({"s": ["x", "x"], "a": ["u", "v"], "p": [0.5, 0.75]}),
        r"given for input 'x' sum to 1\.25, more than 1",
    ),
    (
        "less than 1",
        lambda: from_records({"s": ["x", "x"], "a": ["u", "v"], "p": [0.5, 0.25]}),
        r"every label of input 'x' is told, .* sum to 0\.75: .* with other='<other>'",
    ),
    ("tolerance", lambda: from_records(xy(p=[0.5, 0.5]), tolerance=-1), r"tolerance is -1\.0"),
    ("tolerance, hard", lambda: from_records(xy(), tolerance=-1), r"tolerance is -1\.0"),
    ("protocol", lambda: from_counts(COUNTS, TEACHER, "semi"), "protocol is 'semi': it must be one of hard, partial"),
    ("no teacher", lambda: from_counts(COUNTS, None, "soft"), "teacher is missing: the soft protocol"),
    ("negative", lambda: from_counts([[1, -2]]), r"counts\[0, 1\] is -2: a count is not negative"),
    ("half", lambda: from_counts([[1, 0.5]]), r"counts\[0, 1\] is 0\.5: a count is a whole number"),
    ("NaN count", lambda: from_counts([[math.nan]]), r"counts\[0, 0\] is nan"),
    ("text count", lambda: from_counts([["many"]]), "counts is not an array of numbers"),
    ("1-D", lambda: from_counts([1, 2]), r"counts must be a table .* got shape \(2,\)"),
    ("no column", lambda: from_counts([[]]), r"counts must be a table .* got shape \(1, 0\)"),
    ("2^63", lambda: from_counts([[2**62, 2**62]]), r"counts has a total of 9\.22337e\+18"),
    ("shape", lambda: from_counts(COUNTS, TEACHER[:, :2], "soft"), r"teacher has shape \(2, 2\), \(2, 3\) is needed"),
    ("teacher", lambda: from_counts([[1, 0]], [[0.5, 0.6]], "soft"), r"teacher\[0\] sums to 1\.1"),
    (
        "impossible",
        lambda: from_counts([[0, 3]], [[1.0, 0.0]], "partial"),
        r"counts\[0, 1\] is 3, but teacher\[0, 1\] is 0",
    ),
    ("names", lambda: from_counts(COUNTS, states=["x"]), "states has 1 names, 2 are needed"),
    ("learner", lambda: fit(HARD, "MLE"), "learner is 'MLE': it must be one of CE_sgl"),
    ("learner None", lambda: fit(HARD, None), "learner is None"),  # type: ignore[arg-type]
    ("hard < partial", lambda: fit(HARD, "SEL_ptl"), "SEL_ptl needs partial labels, the transfer set has hard ones"),
    ("partial < soft", lambda: fit(PARTIAL, "CE_ful"), "CE_ful needs soft labels, the transfer set has partial ones"),
    ("init shape", lambda: fit(HARD, "CE_sgl", init=[[1.0]]), r"init has shape \(1, 1\), \(2, 3\) is needed"),
    ("init sum", lambda: fit(HARD, "CE_sgl", init=np.full((2, 3), 0.3)), r"init\[0\] sums to 0\.8999"),
    ("draw protocol", lambda: draw(Problem([1.0], [[1.0]]), "all", 1), "protocol is 'all'"),
    ("draw n", lambda: draw(Problem([1.0], [[1.0]]), "hard", 2**63), "n is 9223372036854775808: it exceeds"),
]


@pytest.mark.parametrize(("call", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_missing_mass_over_the_samples_and_its_estimate() -> None:
    # Oracle: enumeration by hand, of five samples at two inputs; hard labels tell no mass, the estimate needs none
    counts, teacher = [[2, 1, 0], [0, 1, 1], [0, 0, 0]], [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]
    partial = TransferSet.from_counts(counts, teacher, "partial")
    assert partial.mean_missing_mass == pytest.approx((3 * 0.25 + 2 * 0.5) / 5, rel=1e-15, abs=0)
    assert partial.good_turing == 3 / 5
    hard = TransferSet.from_counts(counts)
    assert math.isnan(hard.mean_missing_mass)
    assert hard.good_turing == 3 / 5
    nothing = TransferSet.from_counts([[0, 0]])
    assert math.isnan(nothing.mean_missing_mass)
    assert math.isnan(nothing.good_turing)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_good_turing_is_the_missing_mass_of_one_sample_less(n: int) -> None:
    # Oracle: enumeration, E estimate at n = E missing mass at n - 1 (Good 1953), over all count tables of one input
    p = np.array([0.6, 0.3, 0.1])
    mean = 0.0
    for draws in itertools.product(range(3), repeat=n):
        counts = np.bincount(draws, minlength=3)[None]
        mean += math.prod(p[list(draws)]) * TransferSet.from_counts(counts).good_turing
    assert mean == pytest.approx(float(p @ (1 - p) ** (n - 1)), rel=1e-12, abs=0)
