"""Sparse problems: the same numbers as dense ones, at the cost of what is stored, and refused where they must be."""

from __future__ import annotations

import pickle
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import kt_theory as kt
from kt_theory.problem import initial_cells
from kt_theory.simulation.cells import RUN, Cell
from kt_theory.simulation.controls import Controls
from kt_theory.simulation.sampling import CHUNK, CountSampler
from kt_theory.sparse import SparseTable, aligned, sparse_counts, sparse_law_table

#: Learners with a form for stored cells, one of each kind of protocol.
LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl", "SEL@top_k:2")


def random_pair(seed: int) -> tuple[kt.Problem, kt.Problem, np.ndarray | None]:
    """A problem, dense and sparse, and an initial table: zeros, inputs of no mass, unused labels, S = 1, A = 1."""
    rng = np.random.default_rng(seed)
    S, A = int(rng.integers(1, 6)), int(rng.integers(1, 9))
    teacher = rng.dirichlet(np.full(A, 0.7), size=S) * (rng.random((S, A)) < 0.5)
    teacher[np.arange(S), rng.integers(A, size=S)] += 0.3
    if A > 2:
        teacher[:, rng.integers(A)] = 0.0
        teacher[teacher.sum(axis=1) == 0, 0] = teacher[teacher.sum(axis=1) == 0, 1] = 1.0
    teacher /= teacher.sum(axis=1, keepdims=True)
    rho = rng.dirichlet(np.ones(S))
    if S > 2:
        rho[rng.integers(S)] = 0.0
        rho /= rho.sum()
    init = (None, rng.dirichlet(np.ones(A), size=S), np.eye(A)[rng.integers(A, size=S)])[seed % 3]
    return kt.Problem(rho, teacher), kt.Problem(rho, sp.coo_array(teacher)), init


@pytest.mark.parametrize("seeds", [range(100), pytest.param(range(100, 300), marks=pytest.mark.slow)])
def test_dense_and_sparse_problems_give_the_same_exact_risks(seeds: range) -> None:
    # Oracle: second algorithm, the routes of dense problems on the same numbers
    for seed in seeds:
        dense, sparse, init = random_pair(seed)
        n = seed % 13
        # The routes of partial labels are slow, and are handed the listed row.
        for learner in ("CE_sgl", "CE_ful", "ADD_sgl", *(("CE_ptl", "SEL_ptl") if seed % 10 == 0 else ())):
            divergence = ("tv", "kl", "l2")[seed % 3 if learner in ("CE_sgl", "CE_ful", "ADD_sgl") else 0]
            how: dict[str, Any] = {"method": "exact", "divergence": divergence, "init": init}
            expected = kt.expected_risk(dense, learner, n, **how)
            found = kt.expected_risk(sparse, learner, n, **how)
            assert found == expected or abs(found - expected) <= 1e-15, (seed, learner, divergence)
            assert found.error <= expected.error + 1e-15 or expected == np.inf


@pytest.mark.parametrize("seeds", [range(75), pytest.param(range(75, 300), marks=pytest.mark.slow)])
def test_dense_and_sparse_problems_give_the_same_simulated_risks(seeds: range) -> None:
    # Oracle: second algorithm, the loop over dense rows on the same draws
    for seed in seeds:
        dense, sparse, init = random_pair(seed)
        # Drawn one by one in both forms; beyond, a dense problem draws its cells of probability 0, too.
        n = seed % (16 * sparse.pairs.stored + 1)
        expected = kt.sample_risks(dense, LEARNERS, n, reps=12, seed=seed, init=init, workers=1)
        found = kt.sample_risks(sparse, LEARNERS, n, reps=12, seed=seed, init=init, workers=1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
        assert ((found == 0) == (expected == 0)).all()


# Each compiles loops of its own for five seconds: infinite values stay.
@pytest.mark.parametrize(
    "divergence",
    ["kl", *(pytest.param(name, marks=pytest.mark.slow) for name in ("top1", "reverse_kl", "l2", "hellinger"))],
)
def test_dense_and_sparse_problems_pay_the_same_in_every_divergence(divergence: str) -> None:
    # Oracle: second algorithm, the loop over dense rows on the same draws
    for seed in range(24):
        dense, sparse, init = random_pair(seed)
        learners = ("SEL_ptl", "ADD_sgl")
        expected = kt.sample_risks(dense, learners, 5, 8, seed, init=init, divergence=divergence, workers=1)
        found = kt.sample_risks(sparse, learners, 5, 8, seed, init=init, divergence=divergence, workers=1)
        # A root makes 1e-8 of a rounding of 1e-16.
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=3e-8 if divergence == "hellinger" else 1e-14)


def test_dense_and_sparse_problems_have_the_same_control_variates() -> None:
    # Oracle: second algorithm, the controls of all labels on the same draws; those not stored are in no difference
    for seed in range(300):
        dense, sparse, init = random_pair(seed)
        n = seed % (16 * sparse.pairs.stored + 1)
        both = [Cell(problem, n, init).risks([], seed, RUN, 0, 12, controls=True) for problem in (dense, sparse)]
        np.testing.assert_allclose(both[1], both[0], rtol=0, atol=1e-15)
    # Red: a row that forgets its other labels centres the unseen mass elsewhere.
    cell = Cell(sparse, n := 3, init)
    right = cell.risks([], 0, RUN, 0, 12, controls=True)
    stored, teacher = cell._stored, cell._stored.teacher
    narrow = SparseTable((sparse.S, int(np.diff(teacher.offsets).max())), *(
        getattr(teacher, name) for name in ("offsets", "columns", "values", "rest")
    ))  # fmt: skip
    cell._controls = Controls(sparse.rho, narrow, stored._sampler.masses, n)
    assert np.abs(cell.risks([], 0, RUN, 0, 12, controls=True) - right).max() > 1e-4


def test_controls_move_no_mean_of_a_sparse_problem() -> None:
    # Oracle: second algorithm, the exact expected risk
    _, sparse, init = random_pair(4)
    frame = kt.simulate(sparse, ["SEL_ptl", "CE_ptl"], [5, 50], 2000, init=init, control=True, workers=1)
    for n, learner, mean, mcse, divided in frame[["n", "learner", "mean", "mcse", "control"]].itertuples(index=False):
        assert abs(mean - kt.expected_risk(sparse, learner, n, init)) <= 4.5 * mcse + 1e-15
        assert divided >= 1
    wide = kt.Problem.from_cells([1.0], np.zeros(500, int), np.arange(500), np.arange(1, 501) / 125250, A=10**6)
    with pytest.warns(UserWarning, match="with control variates"):
        risk = kt.expected_risk(wide, "CE_ptl", 300, divergence="l2")
    assert risk.route.startswith("Monte Carlo with control variates")
    assert risk.error <= 1.2e-3 * risk
    exact = kt.expected_risk(wide, "CE_ptl", 300)
    assert exact.route == "counts"
    assert exact.error <= 1e-6 * exact


def test_both_forms_draw_from_one_law_where_they_draw_otherwise() -> None:
    # Oracle: second algorithm, the exact expected risk
    _, sparse, init = random_pair(4)
    frame = kt.simulate(sparse, ["CE_sgl", "SEL_ptl"], [1000], reps=4000, init=init, workers=1)
    for learner, mean, mcse in frame[["learner", "mean", "mcse"]].itertuples(index=False):
        assert abs(mean - kt.expected_risk(sparse, learner, 1000, init)) <= 5 * mcse


@pytest.mark.parametrize("share", [0.5, 1.5, 3.0])
def test_wide_problems_are_drawn_from_their_law_by_either_route(share: float) -> None:
    # Oracle: closed form, the expected missing mass and number of unseen pairs, |z| <= 4 over 40 data sets
    S, each = 1200, 60
    rng = np.random.default_rng(8)
    rows, columns = np.repeat(np.arange(S), each), np.tile(np.arange(each), S)
    teacher = rng.dirichlet(np.full(each, 0.3), size=S)
    problem = kt.Problem.from_cells(rng.dirichlet(np.ones(S)), rows, columns, teacher.ravel(), A=each)
    sampler = CountSampler(problem)
    n = int(share * sampler.masses.size)
    assert sampler.masses.size > CHUNK
    assert (n > sampler._one_by_one) == (share > 1)
    counts = np.concatenate(list(sampler.draw(n, 40, np.random.default_rng(1))))
    assert (counts.sum(axis=1) == n).all()
    q = (1 - sampler.masses) ** n
    for weights in (sampler.masses, np.ones_like(q)):
        found = (counts == 0) @ weights
        error = found.std(ddof=1) / np.sqrt(40)
        assert abs(found.mean() - q @ weights) <= 4 * error
        assert abs(found.mean() - ((1 - sampler.masses) ** (n * 0.98)) @ weights) > 4 * error  # red: 2 % fewer draws


def test_the_risk_of_a_student_is_the_same_in_all_four_combinations_of_forms() -> None:
    # Oracle: second algorithm, the sum over dense arrays
    for seed in range(300):
        dense, sparse, init = random_pair(seed)
        start = initial_cells(init, dense)
        expected = kt.tv_risk(start.dense(), dense)
        assert kt.tv_risk(start.dense(), sparse) == expected
        assert abs(kt.tv_risk(start, sparse) - expected) <= 1e-15
        assert abs(kt.tv_risk(start, dense) - expected) <= 1e-15


def test_a_table_may_store_no_cell() -> None:
    # Oracle: identity, the uniform student is the initial table that is not given
    dense, sparse, _ = random_pair(3)
    uniform = kt.SparseTable.from_cells([], [], [], (sparse.S, sparse.A), np.full(sparse.S, 1 / sparse.A))
    assert (uniform.dense() == initial_cells(None, sparse).dense()).all()
    assert kt.expected_risk(sparse, "CE_ful", 2, uniform) == kt.expected_risk(sparse, "CE_ful", 2)
    assert kt.tv_risk(uniform, sparse) == pytest.approx(kt.tv_risk(uniform.dense(), dense), abs=1e-15)


def test_both_forms_are_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, equal numbers have one identity, also beyond the size at which it changes its form
    for seed in range(20):
        dense, sparse, _ = random_pair(seed)
        assert dense.identity == sparse.identity == pickle.loads(pickle.dumps(sparse)).identity
        assert (sparse.dense().teacher == dense.teacher).all()
        assert (dense.pairs.columns == sparse.pairs.columns).all()
    monkeypatch.setattr("kt_theory.problem.IDENTITY_CELLS", 10)
    wide = sp.csr_array(([1.0], ([0], [5])), shape=(1, 11))
    sparse = kt.Problem([1.0], wide)
    assert sparse.identity == sparse.dense().identity
    assert sparse.identity != kt.Problem([1.0], wide[:, ::-1][:, [*range(1, 11), 0]]).identity


def test_a_sparse_problem_is_refused_where_a_dense_table_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, one sentence that says how large the table would be and how to ask for it
    _, sparse, _ = random_pair(5)
    own = kt.Learner("own", "hard", lambda counts, revealed, init: init)
    wavy = kt.Divergence("wavy", lambda q, p: np.abs(q - p).sum(axis=-1))
    calls = (
        lambda: sparse.teacher,
        lambda: sparse.w,
        lambda: kt.risk_law(sparse, "CE_sgl", 3),
        lambda: kt.bias_limit(sparse, "CE_sgl"),
        lambda: kt.certify("hard_upper_mean_instance", problem=sparse, n=3),
        lambda: kt.simulate(sparse, own, 3, reps=2),
        lambda: kt.simulate(sparse, "CE_sgl", 3, reps=2, divergence=wavy),
    )
    for call in calls:
        with pytest.raises(kt.Unsupported, match=r"dense\(\)") as refused:
            call()
        assert "\n" not in str(refused.value)
    huge = kt.Problem.from_cells([0.5, 0.5], [0, 1], [0, 10**5], [1.0, 1.0], A=10**5 + 1)
    monkeypatch.setattr("kt_theory.sparse.DENSE_MAX", 2 * 10**5)
    with pytest.raises(kt.Unsupported, match=r"0\.0016 GB if made dense"):
        huge.dense()


@pytest.mark.parametrize(
    ("s", "a", "values", "said"),
    [
        ([0, 0], [1, 1], [0.5, 0.5], r"the cell \[0, 1\] stands twice"),
        ([0], [7], [1.0], r"a\[0\] is 7: the shape is 1 x 5"),
        ([0], [1], [0.5], r"teacher\[0\] sums to 0.5"),
        ([0, 0], [1, 2], [1.5, -0.5], r"teacher\[0, 1\] is 1.5: a probability"),
        ([0], [1, 2], [1.0], "s, a and values have 1, 2 and 1 entries"),
    ],
)
def test_bad_entries_are_refused_by_place(s: list[int], a: list[int], values: list[float], said: str) -> None:
    # Oracle: identity, the message names the place and the value
    with pytest.raises(ValueError, match=said):
        kt.Problem.from_cells([1.0], s, a, values, A=5)


def test_aligned_tables_keep_every_value() -> None:
    # Oracle: second algorithm, the dense tables
    for seed in range(50):
        _, sparse, init = random_pair(seed)
        start = initial_cells(init, sparse)
        p, q = aligned(sparse.pairs, start)
        assert (p.offsets == q.offsets).all()
        assert (p.columns == q.columns).all()
        assert (p.dense() == sparse.pairs.dense()).all()
        assert (q.dense() == start.dense()).all()


def test_a_problem_of_many_cells_costs_what_it_stores() -> None:
    # Oracle: limit, memory per stored entry
    S, A, each = 20_000, 200_000, 5
    rng = np.random.default_rng(0)
    columns = (rng.integers(0, A // each, size=(S, each)) + np.arange(each) * (A // each)).ravel()
    tracemalloc.start()
    entries = (np.repeat(np.arange(S), each), columns, np.full(S * each, 0.2))
    problem = kt.Problem.from_cells(np.full(S, 1 / S), *entries, A=A)
    kt.simulate(problem, ["CE_sgl", "SEL_ptl", "ADD_sgl"], 10_000, reps=4, workers=1)
    exact = kt.expected_risk(problem, "CE_ful", 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6  # 4e9 cells
    assert abs(exact - (1 - 5 / A) * (1 - 1 / S) ** 10_000) <= 1e-12


# --- Transfer sets and students -------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["hard", "partial", "top_k:2", "soft"])
def test_a_sparse_transfer_set_gives_the_same_students(protocol: str) -> None:
    # Oracle: second algorithm, the definitions over dense arrays on the same counts
    learners = list(kt.LEARNERS) + [f"SEL@{protocol}"] * (protocol != "hard")
    half = kt.Learner("half", "hard", lambda counts, revealed, init: np.where(counts > 0, init, init))
    for seed in range(75):
        dense, sparse, init = random_pair(seed)
        drawn = kt.draw(sparse, protocol, n=seed % 11, seed=seed)
        counts = drawn.told_counts.dense()
        expected = kt.TransferSet.from_counts(counts, dense.teacher, protocol, seed=seed)
        assert drawn.sparse
        assert drawn.n == expected.n == seed % 11
        assert (drawn.visits == expected.visits).all()
        np.testing.assert_allclose(drawn.missing_mass, expected.missing_mass, atol=1e-15)
        found = drawn.dense().revealed
        # top_k says nothing of labels of probability 0 in a sparse set, which the student knows to be so.
        assert ((found == expected.revealed) | (np.isnan(found) & ~(expected.revealed > 0))).all()
        for learner in (*learners, half):
            if not expected.protocol.reveals_at_least(kt.learners.resolve_learner(learner).protocol):
                with pytest.raises(kt.Unsupported, match="labels, the transfer set has"):
                    kt.fit(drawn, learner)
                continue
            if learner == "CE_ful" and protocol != "soft":
                continue
            student = kt.fit(drawn, learner, init)
            assert isinstance(student, kt.Student)
            table = kt.fit(expected, learner, init)
            np.testing.assert_allclose(student.dense(), table, rtol=0, atol=1e-15)
            assert abs(kt.tv_risk(student, sparse) - kt.tv_risk(table, dense)) <= 1e-15


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("protocol", ["partial", "top_k_only:1"])
def test_a_sparse_student_survives_an_init_near_the_smallest_float(protocol: str) -> None:
    # Oracle: second algorithm, the definition over a dense array; by hand, label 1 has all of the init and the rest
    teacher = np.array([[0.5, 0.25, 0.25, 0.0]])
    for init in ([[1.0, 1e-310, 0.0, 0.0]], [[1.0, 0.0, 0.0, 1e-310]]):
        counts = np.array([[2, 0, 0, 0]])
        sparse = kt.TransferSet.from_counts(sp.csr_array(counts), sp.csr_array(teacher), protocol, seed=1)
        dense = kt.TransferSet.from_counts(counts, teacher, protocol, seed=1)
        learner = f"SEL@{protocol}"
        found = kt.fit(sparse, learner, sp.csr_array(np.array(init))).dense()
        np.testing.assert_array_equal(found, [[0.5, *(0.5 * (x > 0) for x in init[0][1:])]])
        np.testing.assert_array_equal(found, kt.fit(dense, learner, init))


def test_a_sparse_transfer_set_is_made_dense_on_request_only() -> None:
    # Oracle: identity, one sentence
    _, sparse, _ = random_pair(7)
    data = kt.draw(sparse, "partial", n=5)
    for attribute in ("counts", "revealed"):
        with pytest.raises(kt.Unsupported, match=r"dense\(\)"):
            getattr(data, attribute)
    assert pickle.loads(pickle.dumps(data)).n == 5
    coupled = kt.Learner("coupled", "hard", lambda counts, revealed, init: init, couples_inputs=True)
    wide = kt.TransferSet.from_counts(sp.csr_array(([3], ([0], [5])), shape=(200, 100_000)))
    with pytest.raises(kt.Unsupported, match="coupled couples inputs"):
        kt.fit(wide, coupled)


@pytest.mark.parametrize("value", [-1, 0.5, np.nan])
def test_bad_sparse_counts_are_refused(value: float) -> None:
    # Oracle: identity, the message names the value
    with pytest.raises(ValueError, match="a count is"):
        kt.TransferSet.from_counts(sp.csr_array(([value], ([0], [1])), shape=(1, 3)))


# --- Files and frames -----------------------------------------------------------------------------------


@pytest.fixture
def read_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table that is read is a sparse one."""
    monkeypatch.setattr("kt_theory.tables.teachers.SPARSE_FROM", 0)
    monkeypatch.setattr("kt_theory.protocols.transfer.SPARSE_FROM", 0)


def long_table(seed: int, weight: str) -> pd.DataFrame:
    """A long table of a teacher in any order, of probabilities that lack some mass, or of counts."""
    rng = np.random.default_rng(seed)
    s, a = np.nonzero(rng.random((5, 7)) < 0.4)
    s, a = np.append(s, np.arange(5)), np.append(a, np.full(5, 7))
    order = rng.permutation(s.size)
    values = rng.integers(1, 9, size=s.size) if weight == "count" else rng.random(s.size) / 9
    return pd.DataFrame({"state": s[order], "action": a[order], weight: values})


@pytest.mark.parametrize(
    ("weight", "options"), [("count", {}), ("probability", {"normalise": True}), ("probability", {"other": "else"})]
)
def test_a_sparse_teacher_is_read_and_written_as_a_dense_one(
    request: pytest.FixtureRequest, tmp_path: Path, weight: str, options: dict[str, Any]
) -> None:
    # Oracle: second algorithm, the reader of dense tables
    tables = [long_table(seed, weight) for seed in range(20)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [kt.tables.teacher_from_frame(table, **options) for table in tables]
        request.getfixturevalue("read_sparse")
        found = [kt.tables.teacher_from_frame(table, **options) for table in tables]
    for dense, sparse in zip(expected, found, strict=True):
        assert sparse.sparse
        assert (sparse.states, sparse.actions) == (dense.states, dense.actions)
        np.testing.assert_allclose(sparse.dense().teacher, dense.teacher, rtol=0, atol=1e-15)
        assert (sparse.rho == dense.rho).all()
        again = kt.tables.read_teacher(kt.tables.write_teacher(sparse, tmp_path / "teacher.csv"))
        assert again.sparse
        assert again.identity == sparse.identity
        assert (tmp_path / "teacher.csv").read_bytes() == kt.tables.write_teacher(
            sparse.dense(), tmp_path / "dense.csv"
        ).read_bytes()


def test_sparse_records_give_the_same_students_and_a_file_of_told_cells(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    # Oracle: second algorithm, the reader of dense records and the definitions over arrays
    rng = np.random.default_rng(1)
    teacher = rng.dirichlet(np.ones(6), size=4)
    s, a = rng.integers(4, size=30), rng.integers(6, size=30)
    records = pd.DataFrame({"s": s, "a": a, "p": teacher[s, a]})
    alphabets: dict[str, Any] = {"states": range(5), "actions": range(6)}
    expected = kt.TransferSet.from_records(records, **alphabets)
    request.getfixturevalue("read_sparse")
    found = kt.TransferSet.from_records(records, **alphabets)
    assert found.sparse
    students = {learner: kt.fit(found, learner) for learner in ("CE_sgl", "CE_ptl", "SEL_ptl", "ADD_sgl")}
    for learner, student in students.items():
        np.testing.assert_allclose(student.dense(), kt.fit(expected, learner), rtol=0, atol=1e-15)
    written = pd.read_csv(kt.tables.write_students(students, found, tmp_path / "students.csv"))
    assert len(written) == len(set(zip(s.tolist(), a.tolist(), strict=True))) + 1  # input 4 was not visited
    table = np.full((5, 6), np.nan)
    table[written["state"], :] = written["SEL_ptl rest"].to_numpy()[:, None]
    table[written["state"], written["action"]] = written["SEL_ptl"]
    assert (table == students["SEL_ptl"].dense()).all()
    assert written["count"].sum() == 30
    init = pd.DataFrame(rng.dirichlet(np.ones(6), size=5), columns=list("524301")).assign(state=list("30421"))
    path = kt.tables.write_table(init.melt("state", var_name="action", value_name="p"), tmp_path / "init.csv")
    starts = [kt.tables.read_init(path, data, normalise=True) for data in (found, expected)]
    assert isinstance(starts[0], kt.SparseTable)
    ordered = init.set_index("state").loc[list("01234"), list("012345")].to_numpy()
    np.testing.assert_allclose(starts[0].dense(), ordered, rtol=0, atol=1e-15)
    student, table = kt.fit(found, "SEL_ptl", starts[0]), kt.fit(expected, "SEL_ptl", ordered)
    np.testing.assert_allclose(student.dense(), table, rtol=0, atol=1e-15)


def test_the_command_fit_says_the_same_of_sparse_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Oracle: second algorithm, the command on dense records
    path = tmp_path / "records.csv"
    for content in ("s,a,p\n0,1,0.5\n0,2,0.25\n1,2,0.75\n1,2,0.75\n2,0,1\n2,0,1\n", "s,a\n0,1\n2,0\n2,0\n0,1\n1,2\n"):
        path.write_text(content)
        assert kt.cli.main(["fit", str(path), "--json"]) == 0
        expected = capsys.readouterr().out
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kt_theory.protocols.transfer.SPARSE_FROM", 0)
            assert kt.cli.main(["fit", str(path), "--json"]) == 0
            assert capsys.readouterr().out == expected
            assert kt.cli.main(["fit", str(path), "--out", str(tmp_path / "students.csv")]) == 0
            assert "all told cells, and the rest of each input, are in" in capsys.readouterr().out


@pytest.mark.usefixtures("read_sparse")
def test_faults_of_sparse_records_are_told_as_those_of_dense_ones() -> None:
    # Oracle: identity, the sentences name pair, row and value
    for records, said in (
        ({"s": [0, 0], "a": [1, 1], "p": [0.5, 0.25]}, r"\('0', '1'\) has probability 0.25 on row 2, 0.5 on row 1"),
        ({"s": [0, 0, 1], "a": [1, 2, 1], "p": [0.75, 0.5, 1.0]}, "given for input '0' sum to 1.25, more than 1"),
        ({"s": [0, 0], "a": [1, 2], "p": [0.25, 0.5]}, "every label of input '0' is told"),
    ):
        with pytest.raises(ValueError, match=said):
            kt.TransferSet.from_records(records)


TWO = (2, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SparseTable.from_cells([0], [0], [1.0], TWO, rest=[0.0]), "rest has 1 entries, 2 are needed"),
        (lambda: SparseTable.from_cells([0, 1], [0], [1.0], TWO), "s, a and values have 2, 1 and 1 entries"),
        (lambda: SparseTable.from_cells([0, 1], [0, 1], [1.0], TWO), "s, a and values have 2, 2 and 1 entries"),
        (lambda: SparseTable.from_cells([0, 2], [0, 0], [1.0, 1.0], TWO), r"s\[1\] is 2: the shape is 2 x 2"),
        (lambda: SparseTable.from_cells([0, 1], [2, 0], [1.0, 1.0], TWO), r"a\[0\] is 2: the shape is 2 x 2"),
        (lambda: SparseTable.from_cells([1, 1], [0, 0], [1.0, 1.0], TWO), r"the cell \[1, 0\] stands twice"),
        (lambda: SparseTable.from_cells([0], [0], [1.0], (2, 2, 2)), "a table has two sizes"),
        (lambda: SparseTable.from_cells([0], [0], [1.0], (0, 2)), "shape"),
        (
            lambda: sparse_law_table("t", SparseTable.from_cells([0, 1], [0, 0], [1.0, 0.5], TWO)),
            r"t\[1\] sums to 0.5, off 1 by -0.5; divide",
        ),
        (
            lambda: sparse_law_table("t", SparseTable.from_cells([0, 1], [0, 1], [1.0, 2.0], TWO)),
            r"t\[1, 1\] is 2.0: a probability",
        ),
        (
            lambda: sparse_law_table("t", SparseTable.from_cells([0, 1], [0, 1], [1.0, -0.5], TWO)),
            r"t\[1, 1\] is -0.5: a probability",
        ),
        (
            lambda: sparse_law_table("t", SparseTable.from_cells([0, 1], [0, 0], [1.0, 1.0], TWO), (2, 3)),
            r"t has shape \(2, 2\), \(2, 3\) is needed",
        ),
        (
            lambda: kt.Problem([0.5, 0.5], SparseTable.from_cells([0, 1], [0, 0], [1.0, 0.5], TWO, rest=[0, 0.5])),
            "teacher has a rest above 0",
        ),
        (
            lambda: sparse_counts("c", SparseTable.from_cells([0, 1], [0, 0], [1.0, 2.0], TWO, rest=[0, 1.0])),
            "c has a rest above 0",
        ),
        (lambda: kt.Problem([0.25] * 4, SparseTable.from_cells([0, 1], [0, 0], [1.0, 1.0], TWO)), "rho has 4 entries"),
    ],
)
def test_what_makes_no_sparse_table_is_named(make, words):
    # Oracle: none needed, one sentence that names the place and the value; one row, cell or index of two is wrong
    with pytest.raises(ValueError, match=words):
        make()


def test_cells_that_are_the_rest_are_left_out():
    # Oracle: enumeration by hand
    table = SparseTable.from_cells([0, 0, 1], [0, 1, 2], [0.5, 0.25, 1.0], (2, 3), rest=[0.25, 0.0])
    short = sparse_law_table("t", table)
    assert (short.keys.tolist(), short.values.tolist()) == ([0, 5], [0.5, 1.0])
    assert np.array_equal(short.dense(), table.dense())
    assert sparse_law_table("t", short) is short
    counts = sparse_counts("c", SparseTable.from_cells([1, 0, 1], [0, 1, 1], [3.0, 0.0, 2.0], (2, 2)))
    assert (counts.keys.tolist(), counts.values.tolist(), counts.values.dtype.kind) == ([2, 3], [3, 2], "i")


def test_tables_of_the_same_cells_are_aligned_as_they_are():
    # Oracle: identity; one cell more in one of three, and the same number of cells elsewhere
    one = SparseTable.from_cells([0, 1], [0, 0], [1.0, 2.0], (2, 3), rest=[0.5, 0.0])
    two = SparseTable.from_cells([0, 1], [0, 0], [3.0, 4.0], (2, 3))
    assert all(a is b for a, b in zip(aligned(one, two), (one, two), strict=True))
    for cells in (([0, 0], [0, 1]), ([0, 1], [0, 1])):
        other = SparseTable.from_cells(*cells, [7, 8], (2, 3), rest=[9.0, 9.0])
        both = aligned(one, two, other)
        assert [table.stored for table in both] == [3, 3, 3]
        for table, wide in zip((one, two, other), both, strict=True):
            assert np.array_equal(table.dense(), wide.dense())


def test_a_table_is_shown_by_its_shape_alone():
    # Oracle: definition, whatever number of cells it stores
    table = kt.SparseTable.from_cells([0, 1], [2, 0], [0.5, 1.0], shape=(2, 3), rest=[0.25, 0.0])
    assert repr(table) == "SparseTable(shape=(2, 3))"
