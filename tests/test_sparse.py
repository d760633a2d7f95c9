"""Sparse problems: the same numbers as dense ones, at the cost of what is stored, and refused where they must be."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import kt_theory as kt
from kt_theory.problem import initial_cells
from kt_theory.sparse import aligned

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


def test_dense_and_sparse_problems_give_the_same_exact_risks() -> None:
    # Oracle: second algorithm, the routes of dense problems on the same numbers
    for seed in range(300):
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


def test_dense_and_sparse_problems_give_the_same_simulated_risks() -> None:
    # Oracle: second algorithm, the loop over dense rows on the same draws
    for seed in range(300):
        dense, sparse, init = random_pair(seed)
        # Drawn one by one in both forms; beyond, a dense problem draws its cells of probability 0, too.
        n = seed % (16 * sparse.pairs.stored + 1)
        expected = kt.sample_risks(dense, LEARNERS, n, reps=12, seed=seed, init=init, workers=1)
        found = kt.sample_risks(sparse, LEARNERS, n, reps=12, seed=seed, init=init, workers=1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
        assert ((found == 0) == (expected == 0)).all()


@pytest.mark.parametrize("divergence", ["kl", "reverse_kl", "l2", "hellinger", "top1"])
def test_dense_and_sparse_problems_pay_the_same_in_every_divergence(divergence: str) -> None:
    # Oracle: second algorithm, the loop over dense rows on the same draws
    for seed in range(24):
        dense, sparse, init = random_pair(seed)
        learners = ("SEL_ptl", "ADD_sgl")
        expected = kt.sample_risks(dense, learners, 5, 8, seed, init=init, divergence=divergence, workers=1)
        found = kt.sample_risks(sparse, learners, 5, 8, seed, init=init, divergence=divergence, workers=1)
        # A root makes 1e-8 of a rounding of 1e-16.
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=3e-8 if divergence == "hellinger" else 1e-14)


def test_both_forms_draw_from_one_law_where_they_draw_otherwise() -> None:
    # Oracle: second algorithm, the exact expected risk
    _, sparse, init = random_pair(4)
    frame = kt.simulate(sparse, ["CE_sgl", "SEL_ptl"], [1000], reps=4000, init=init, workers=1)
    for learner, mean, mcse in frame[["learner", "mean", "mcse"]].itertuples(index=False):
        assert abs(mean - kt.expected_risk(sparse, learner, 1000, init)) <= 5 * mcse


def test_the_risk_of_a_student_is_the_same_in_all_four_combinations_of_forms() -> None:
    # Oracle: second algorithm, the sum over dense arrays
    for seed in range(300):
        dense, sparse, init = random_pair(seed)
        start = initial_cells(init, dense)
        expected = kt.tv_risk(start.dense(), dense)
        assert kt.tv_risk(start.dense(), sparse) == expected
        assert abs(kt.tv_risk(start, sparse) - expected) <= 1e-15
        assert abs(kt.tv_risk(start, dense) - expected) <= 1e-15


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
        lambda: kt.simulate(sparse, "CE_sgl", 3, reps=2, control=True),
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
