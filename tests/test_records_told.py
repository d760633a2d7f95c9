"""One table for every protocol: what counts and probabilities of rows amount to, and what learners make of it."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import tables
from kt_theory.checks import Unsupported
from kt_theory.cli import main
from kt_theory.protocols import PROTOCOLS, TOLD, transfer
from kt_theory.refusals import Argument, Note, Refusal

from_records = kt.TransferSet.from_records
GAP = math.nan


def xs(actions, p, count, **more):
    return {"s": ["x"] * len(actions), "a": list(actions), "p": p, "count": count, **more}


@pytest.fixture(params=["dense", "sparse"])
def form(request, monkeypatch):
    """Both forms of a transfer set from records."""
    if request.param == "sparse":
        monkeypatch.setattr(transfer, "SPARSE_FROM", 0)
    return request.param


def dense(table):
    return table if isinstance(table, np.ndarray) else table.dense()


LEVELS = {
    "no probability": (xs("uv", [GAP, GAP], [2, 1]), "hard"),
    "each drawn label told": (xs("uv", [0.5, 0.25], [2, 1]), "partial"),
    "another row tells it": (xs("uu", [GAP, 0.5], [1, 1]), "partial"),
    "a name alone": (xs("uv", [0.5, GAP], [1, 0]), "partial"),
    "a list": (xs("uvw", [0.5, 0.25, GAP], [1, 0, 0]), "told"),
    "every label": (xs("uvw", [0.5, 0.25, 0.25], [1, 0, 0]), "soft"),
    "all the mass": (xs("uvw", [0.75, 0.25, GAP], [1, 0, 0]), "soft"),
    "every label, never drawn": (xs("uv", [0.75, 0.25], [0, 0]), "told"),
    "one drawn label untold": (xs("uvw", [0.5, 0.25, GAP], [1, 0, 1]), "hard"),
}


@pytest.mark.parametrize(("records", "protocol"), LEVELS.values(), ids=LEVELS)
@pytest.mark.filterwarnings("ignore::kt_theory.refusals.Note")
def test_the_level_follows_from_what_is_there(records, protocol, form):
    # Oracle: enumeration, by hand; the label "z" occurs in no row unless all labels are told
    other = None if protocol == "soft" else "z"
    data = from_records(records, other=other)
    assert (data.protocol.name, data.sparse) == (protocol, form == "sparse")
    counts = [sum(c for a, c in zip(records["a"], records["count"], strict=True) if a == b) for b in data.actions]
    assert dense(data.told_counts if data.sparse else data.counts).tolist() == [counts]


def test_two_inputs_make_soft_records_only_if_both_are_told_whole(form):
    # Oracle: enumeration
    whole = {"s": list("xxyy"), "a": list("uvuv"), "p": [0.5, 0.5, 0.25, 0.75], "count": [1, 0, 1, 0]}
    assert from_records(whole).protocol.name == "soft"
    assert from_records(whole | {"count": [1, 0, 0, 0]}).protocol.name == "told"
    assert from_records(whole | {"p": [0.5, 0.5, 0.25, GAP]}).protocol.name == "told"


def told_sets(seed, sizes=(4, 6)):
    """Counts and lists of random lengths, as records, with the law that they come from."""
    rng = np.random.default_rng(seed)
    S, A = sizes
    law = rng.dirichlet(np.ones(A), size=S)
    counts = rng.integers(0, 3, (S, A)) * (rng.random((S, A)) < 0.4)
    told = (counts > 0) | (rng.random((S, A)) < 0.3)
    s, a = np.nonzero(told)
    return {"s": s, "a": a, "p": law[s, a], "count": counts[s, a]}, law, counts, told


@pytest.mark.parametrize("seed", range(8))
def test_the_natural_learner_is_exact_on_what_is_told_and_even_on_the_rest(seed, form):
    # Oracle: second algorithm, label by label
    records, law, counts, told = told_sets(seed)
    S, A = law.shape
    data = from_records(records, states=range(S), actions=range(A))
    assert data.protocol == TOLD
    student = dense(kt.fit(data, "SEL@told"))
    for s in range(S):
        unknown = [a for a in range(A) if not told[s, a]]
        lacking = 1 - math.fsum(law[s, a] for a in range(A) if told[s, a])
        for a in range(A):
            wanted = law[s, a] if told[s, a] else lacking / len(unknown)
            assert student[s, a] == pytest.approx(wanted, rel=1e-13, abs=1e-15)
        assert data.untold_mass[s] == pytest.approx(lacking, abs=1e-15)
    frequencies = dense(kt.fit(data, "CE_sgl"))
    for s in range(S):
        wanted = counts[s] / counts[s].sum() if counts[s].any() else np.full(A, 1 / A)
        np.testing.assert_allclose(frequencies[s], wanted, rtol=1e-15)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("learner", ["CE_ptl", "SEL_ptl", "ADD_sgl"])
def test_a_learner_is_shown_what_its_protocol_tells_and_no_more(learner, seed, form):
    # Oracle: identity, the same student as from the rows of drawn labels alone
    records, law, _, _ = told_sets(seed)
    alphabets = {"states": range(law.shape[0]), "actions": range(law.shape[1])}
    drawn = records["count"] > 0
    partial = from_records({name: values[drawn] for name, values in records.items()}, **alphabets)
    assert partial.protocol.name == "partial"
    more = from_records(records, **alphabets)
    np.testing.assert_array_equal(dense(kt.fit(more, learner)), dense(kt.fit(partial, learner)))


def test_soft_records_teach_the_whole_law(form):
    # Oracle: identity, the rows of the teacher; a label without a row has probability 0
    law = [[0.5, 0.25, 0.25, 0.0], [0.0, 1.0, 0.0, 0.0]]
    records = {"s": list("xxxy"), "a": list("uvwv"), "p": [0.5, 0.25, 0.25, 1.0], "count": [0, 7, 0, 1]}
    data = from_records(records, actions=list("uvwz"))
    for learner in ("CE_ful", "SEL@told", "SEL@soft"):
        np.testing.assert_array_equal(dense(kt.fit(data, learner)), law)


# --- Labels that are drawn and not told -----------------------------------------------------------------

SOME = xs(["yes", "no", "zebra"], [0.75, 0.125, GAP], [2, 1, 3])


def test_one_untold_label_makes_hard_labels_of_all(form):
    # Oracle: enumeration, 3 of 6 samples
    said = (
        r"^3 records have no p; 3 are of labels that no row tells, .* hard labels .*drop_untold=True leaves those out"
    )
    with pytest.warns(Note, match=said):
        data = from_records(SOME)
    assert (data.protocol.name, data.untold, data.n) == ("hard", 3, 6)
    assert dense(kt.fit(data, "CE_sgl")).tolist() == [[1 / 6, 2 / 6, 3 / 6]]
    for learner in ("SEL_ptl", "SEL@told", "CE_ful", "SEL@top_k:2"):
        with pytest.raises(Unsupported, match=r"3 of its 6 records .* not told; .*drop_untold=True.* overstates"):
            kt.fit(data, learner)
    seen = []
    spy = kt.Learner("spy", "hard", lambda c, r, i: seen.append(r.copy()) or i, fingerprint="spy")
    kt.fit(data, spy)
    assert np.isnan(seen[0]).all()  # what some rows tell is kept, and no learner of hard labels is shown it
    assert data.log_told.at(np.array([0]), np.array([1])).tolist() == [math.log(0.75)]
    assert np.isnan(data.missing_mass).all()


def test_dropping_the_untold_leaves_what_is_told_and_says_what_that_does(form):
    # Oracle: enumeration; of all samples a sixth said "no", of those that are left a third
    with pytest.warns(Note, match=r"^3 records have no p; left out are 3, .*: what is left overstates the labels"):
        data = from_records(SOME, drop_untold=True)
    assert (data.protocol.name, data.n, data.actions) == ("partial", 3, ("no", "yes", "zebra"))
    np.testing.assert_allclose(dense(kt.fit(data, "CE_sgl")), [[1 / 3, 2 / 3, 0]], rtol=1e-15)
    np.testing.assert_allclose(dense(kt.fit(data, "SEL_ptl")), [[0.125, 0.75, 0.125]], rtol=1e-15)


def test_dropping_has_nothing_to_drop_of_hard_and_of_partial_labels():
    # Oracle: identity
    for p in ([GAP] * 3, [0.5, 0.25, 0.25]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Note)
            one, other = (from_records(SOME | {"p": p}, drop_untold=drop) for drop in (False, True))
        np.testing.assert_array_equal(one.counts, other.counts)
        assert one.protocol == other.protocol


# --- Logarithms -----------------------------------------------------------------------------------------


def test_logarithms_are_kept_where_probabilities_underflow(form):
    # Oracle: limit; exp(-2000) is 0 in float64, and the rest is 1 - exp(-1)
    records = {"s": ["x", "x"], "a": ["long", "u"], "logprob": [-2000.0, -1.0]}
    data = from_records(records, other="<other>")
    assert data.protocol.name == "partial"
    assert data.log_told.at(np.zeros(2, int), np.arange(2)).tolist() == [-2000.0, -1.0]
    np.testing.assert_allclose(dense(kt.fit(data, "SEL_ptl")), [[0, math.exp(-1), 1 - math.exp(-1)]], rtol=1e-15)
    with pytest.raises(Refusal, match="has probability"):  # though both are 0 in float64
        from_records({"s": ["x"] * 2, "a": ["u"] * 2, "logprob": [-2000.0, -2000.1]})


@pytest.mark.parametrize("zero", [-math.inf, -3.14e100, "-inf", "-Infinity"])
def test_a_label_that_was_not_drawn_may_have_the_logarithm_of_zero(zero, form):
    # Oracle: enumeration; of a drawn label it is a mark
    records = {"s": ["x"] * 3, "a": list("uvw"), "logp": np.array([math.log(0.5)] * 2 + [zero], dtype=object)}
    with pytest.raises(ValueError, match=r"^row 3: logp is .*: this is no log-probability of a label"):
        from_records(records)
    data = from_records(records | {"count": [1, 0, 0]})
    assert data.protocol.name == "soft"
    np.testing.assert_allclose(dense(kt.fit(data, "CE_ful")), [[0.5, 0.5, 0.0]], rtol=1e-15)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("records", [records for records, _ in LEVELS.values()], ids=LEVELS)
@pytest.mark.filterwarnings("ignore::kt_theory.refusals.Note")
def test_what_students_saw_is_read_back_at_every_level(records, suffix, form, tmp_path):
    # Oracle: identity, reading undoes writing
    data = from_records(
        records, states=["x", "y"], other="<other>" if sum(filter(math.isfinite, records["p"])) < 1 else None
    )
    path = tables.write_students({"CE_sgl": kt.fit(data, "CE_sgl")}, data, tmp_path / f"students{suffix}")
    back = tables.read_records(path, states=data.states, actions=data.actions)
    assert (back.protocol, back.untold) == (data.protocol, data.untold)
    for one, other in (
        ((back.told_counts, data.told_counts), (back.told, data.told))
        if data.sparse
        else (
            (back.counts, data.counts),
            (back.revealed, data.revealed),
        )
    ):
        np.testing.assert_array_equal(dense(one), dense(other))


# --- The protocol ---------------------------------------------------------------------------------------


def test_told_is_at_least_partial_and_below_soft():
    # Oracle: enumeration, and the laws of a partial order
    order = [PROTOCOLS["hard"], PROTOCOLS["partial"], TOLD, kt.top_k(2), PROTOCOLS["soft"]]
    above = {(p.name, q.name) for p in order for q in order if p.reveals_at_least(q)}
    assert {pair for pair in above if "told" in pair} == {
        ("told", "told"),
        ("told", "hard"),
        ("told", "partial"),
        ("soft", "told"),
    }
    for p, q in above:
        assert p == q or (q, p) not in above
        assert all((p, r) in above for q2, r in above if q2 == q)


PROBLEM = kt.Problem([0.5, 0.5], [[0.5, 0.5], [0.25, 0.75]])


@pytest.mark.parametrize(
    "call",
    [
        lambda: kt.draw(PROBLEM, "told", n=3),
        lambda: kt.draw(kt.Problem.from_cells([1.0], [0], [0], [1.0], A=3), "told", n=3),
        lambda: kt.TransferSet.from_counts([[1, 0], [0, 0]], PROBLEM.teacher, "told"),
        lambda: kt.simulate(PROBLEM, "SEL@told", n=3, reps=2),
        lambda: kt.sample_risks(PROBLEM, "SEL@told", n=3, reps=2),
        lambda: kt.risk_law(PROBLEM, "SEL@told", n=3),
        lambda: kt.expected_risk(PROBLEM, "SEL@told", 3),
    ],
)
def test_what_only_records_know_is_not_drawn(call):
    # Oracle: enumeration of what would need a law of lists
    with pytest.raises(Unsupported, match="told"):
        call()


# --- Tolerance, sizes, the command line -----------------------------------------------------------------


def test_one_run_says_which_tolerance_will_do():
    # Oracle: identity, the value that the first refusal names is accepted
    records = {"s": ["x"] * 2 + ["y"] * 2, "a": ["u", "u", "v", "v"], "logp": [1e-7, 0.0, -0.105, -0.109]}
    with pytest.raises(Refusal) as error:
        from_records(records, other="?")
    (argument,) = [part for part in error.value.parts if isinstance(part, Argument)]
    assert argument.value == pytest.approx(math.expm1(0.004), rel=0.1, abs=0)
    with pytest.warns(Note, match="differ by up to"):
        from_records(records, other="?", tolerance=argument.value)


def test_lists_of_a_large_alphabet_cost_what_is_told():
    # Oracle: identity; the table has 3e9 cells, and what is stored and answered has one per told pair
    rng = np.random.default_rng(1)
    s = np.repeat(np.arange(2000), 5)
    a = np.concatenate([rng.choice(30_000, 5, replace=False) for _ in range(2000)])
    records = {"s": s, "a": a, "p": np.tile([0.5, 0.2, 0.1, 0.05, 0.05], 2000), "count": np.tile([3, 0, 0, 0, 0], 2000)}
    data = from_records(records, states=range(100_000), actions=range(30_000))
    student = kt.fit(data, "SEL@told")
    assert (data.protocol, data.told.stored, student.stored) == (TOLD, 10_000, 10_000)
    np.testing.assert_allclose(student.totals(), 1, rtol=1e-12)
    np.testing.assert_allclose(student.rest[:2000], 0.1 / 29_995, rtol=1e-9)


def test_the_command_fits_told_records_and_drops_the_untold(tmp_path, capsys):
    # Oracle: enumeration, by hand
    path = tmp_path / "r.csv"
    path.write_text("state,action,count,logprob\nq,yes,3,-0.25\nq,no,0,-2\nq,maybe,1,\n")
    assert main(["fit", str(path), "--other"]) == 0
    out, err = capsys.readouterr()
    assert "4 records of hard labels" in out
    assert "1 record has no logprob; 1 is of a label that no row tells" in err
    assert "--drop-untold leaves those out" in err
    students = tmp_path / "students.csv"
    assert main(["fit", str(path), "--other", "--drop-untold", "--out", str(students)]) == 0
    out, err = capsys.readouterr()
    assert "3 records of partial soft labels, with labels told that were not drawn" in out
    table = pd.read_csv(students).set_index("action")["SEL@told"]
    rest = (1 - math.exp(-0.25) - math.exp(-2)) / 2
    np.testing.assert_allclose(
        table[["yes", "no", "maybe", "<other>"]], [math.exp(-0.25), math.exp(-2), rest, rest], rtol=1e-12
    )
