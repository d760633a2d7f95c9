"""Lists of the most likely labels: what practice does with them, and the exact risks."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory.exact import sel, told
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach, Row

LISTS = (
    *("SEL@top_k:{}", "SEL@top_k_label:{}", "SEL@top_k_only:{}", "RENORM@top_k_label:{}", "RENORM@top_k_only:{}"),
    *("SEL@top_k:{}:but_last", "SEL@top_k_only:{}:but_last", "RENORM@top_k_only:{}:but_last"),
)


def problems(number: int, seed: int) -> list[kt.Problem]:
    """Small problems: ties, zeros, one input, inputs of hardly any mass, two labels."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(number):
        S, A = int(rng.integers(1, 4)), int(rng.integers(2, 6))
        teacher = rng.dirichlet(np.full(A, 0.5), S)
        if i % 3 == 0:
            teacher[:, :2] = teacher[:, :2].mean(axis=1, keepdims=True)
        if i % 4 == 0:
            teacher[:, 0] = 0.0
            teacher /= teacher.sum(axis=1, keepdims=True)
        rho = rng.dirichlet(np.full(S, 0.3))
        found.append(kt.Problem(rho, teacher))
    return found


def off(problem: kt.Problem, learner: str, n: int) -> float:
    """How far the exact risk is from the mean of the law, beyond what both state."""
    found = exact_risk(problem, learner, n)
    return abs(found.value - kt.risk_law(problem, learner, n).mean()) - found.error - 2e-13 * problem.S


@pytest.mark.parametrize("learner", LISTS)
def test_exact_risks_of_lists(learner: str) -> None:
    # Oracle: enumeration, the law of the risk from every count table and every choice among ties (kt_theory.risk_law)
    for i, problem in enumerate(problems(25, seed=5)):
        for k in (1, 2, 5):
            assert off(problem, learner.format(k), i % 6) <= 0.0, (i, k)


def test_a_wrong_tail_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: as above, which sees an init that the tail shares in other proportions
    right = told._tail

    def planted(row: Row, top: int, tied: bool = False) -> tuple[np.ndarray, np.ndarray]:
        tail, start = right(row, top, tied)
        return tail, start + 1e-9 * (np.arange(start.size) - (start.size - 1) / 2)

    problem = kt.Problem([0.6, 0.4], [[0.4, 0.3, 0.2, 0.1], [0.7, 0.1, 0.15, 0.05]])
    assert off(problem, "SEL@top_k:1", 3) <= 0.0
    monkeypatch.setattr(told, "_tail", planted)
    assert off(problem, "SEL@top_k:1", 3) > 0.0


@pytest.mark.parametrize("learner", ["RENORM@top_k_label:2", "RENORM@top_k_only:2", "RENORM@top_k_only:2:but_last"])
def test_a_wrong_tail_of_a_renormalised_list_is_seen(monkeypatch: pytest.MonkeyPatch, learner: str) -> None:
    # Oracle: as above, which sees a tail whose mass is 1e-9 too large
    right = told._tail

    def planted(row: Row, top: int, tied: bool = False) -> tuple[np.ndarray, np.ndarray]:
        tail, start = right(row, top, tied)
        return tail * (1 + 1e-9), start

    problem = kt.Problem([0.6, 0.4], [[0.4, 0.3, 0.2, 0.1], [0.7, 0.1, 0.15, 0.05]])
    assert off(problem, learner, 3) <= 0.0
    monkeypatch.setattr(told, "_tail", planted)
    assert off(problem, learner, 3) > 0.0


def test_an_init_that_differs_among_ties_is_out_of_reach() -> None:
    # Oracle: none needed, one sentence; the law has the answer
    problem = kt.Problem([1.0], [[0.4, 0.3, 0.3]])
    init = [[0.2, 0.3, 0.5]]
    with pytest.raises(OutOfReach, match="differ in init"):
        exact_risk(problem, "SEL@top_k:2", 3, init)
    found = exact_risk(problem, "SEL@top_k:1", 3, init)
    assert abs(found.value - kt.risk_law(problem, "SEL@top_k:1", 3, init).mean()) < 1e-13


@pytest.mark.parametrize("n", [0, 1, 10**12, *(pytest.param(n, marks=pytest.mark.slow) for n in (10**3, 10**6))])
def test_sparse_and_dense_lists_have_one_risk(n: int) -> None:
    # Oracle: identity, a sparse problem of the same numbers
    rng = np.random.default_rng(2)
    teacher = np.where(rng.random((6, 40)) < 0.3, rng.random((6, 40)), 0.0)
    teacher[:, 0] += 0.5
    teacher /= teacher.sum(axis=1, keepdims=True)
    dense = kt.Problem(np.full(6, 1 / 6), teacher)
    sparse = kt.Problem(dense.rho, scipy.sparse.csr_array(teacher))
    for learner in LISTS:
        for k in (1, 4, 20):
            values = [exact_risk(problem, learner.format(k), n).value for problem in (dense, sparse)]
            assert abs(values[0] - values[1]) < 1e-15, (learner, k)


def test_a_list_is_not_waited_for_unless_asked() -> None:
    # Oracle: identity, the tail's own risk by SEL_ptl, which takes seconds; with patience, the bracket of that risk
    tail = 1 / np.arange(1.0, 41.0)
    problem = kt.Problem([1.0], [[0.2, 0.3, *(tail / tail.sum() * 0.5)]])
    with pytest.raises(OutOfReach, match="small sets"):
        exact_risk(problem, "SEL@top_k:2", 80, patient=False)
    patient = exact_risk(problem, "SEL@top_k:2", 80)
    low, high = sel.bracket(Row(0.5, tail / tail.sum(), np.full(40, 1 / 40), 1), 80)
    assert low <= patient.value <= high
    assert exact_risk(problem, "SEL@top_k_only:2", 80, patient=False) == exact_risk(problem, "SEL@top_k_only:2", 80)


@pytest.mark.parametrize("top", [0, 1, 2])
def test_a_list_beside_several_draws_costs_the_start_without_samples(top: int) -> None:
    # Oracle: by hand, the uniform law is 0.45 and 0.5 from the rows; a sure row costs 3/4 until its first visit
    learner = kt.learners.sel_at(kt.Protocol("list and draws", tells_drawn=True, top=top, draws=2))
    problem = kt.Problem([0.75, 0.25], [[0.65, 0.3, 0.05, 0.0], [0.5, 0.5, 0.0, 0.0]])
    for method in ("auto", "exact"):
        assert kt.expected_risk(problem, learner, 0, method=method) == pytest.approx(0.75 * 0.45 + 0.25 * 0.5)
    sure = kt.Problem([0.75, 0.25], [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    assert kt.expected_risk(sure, learner, 5) == pytest.approx(0.75 * (0.75 * 0.25**5 + 0.25 * 0.75**5))


def test_renormalising_costs_the_tail_for_ever() -> None:
    # Oracle: identity, the total variation of a renormalised list is the mass that it lacks; never below an equal tail
    problem = kt.tables.bundled_teacher("next_word")
    lacking = np.sort(problem.teacher, axis=1)[:, :-5].sum(axis=1) @ problem.rho
    renormalised = exact_risk(problem, "RENORM@top_k_only:5", 10**9).value
    assert abs(renormalised - lacking) < 1e-12
    assert exact_risk(problem, "SEL@top_k_only:5", 10**9).value <= renormalised


@pytest.mark.parametrize("learner", LISTS)
def test_simulated_lists_agree_with_their_exact_risk(learner: str) -> None:
    # Oracle: the exact risk, |z| <= 4 at a fixed seed; dense and sparse on the same draws
    problem = kt.Problem([0.7, 0.3], [[0.35, 0.3, 0.2, 0.1, 0.05], [0.2, 0.2, 0.2, 0.2, 0.2]])
    name = learner.format(2)
    for n in (1, 7):
        row = kt.simulate(problem, name, n, 4000, seed=3).iloc[0]
        assert abs(row["mean"] - exact_risk(problem, name, n).value) <= 4 * row["mcse"] + 1e-15
        sparse = kt.Problem(problem.rho, scipy.sparse.csr_array(problem.teacher))
        assert abs(kt.simulate(sparse, name, n, 4000, seed=3)["mean"][0] - row["mean"]) < 1e-14


def test_fit_of_lists_on_dense_and_sparse_sets() -> None:
    # Oracle: identity of the two forms; by hand where one list is renormalised
    problem = kt.Problem([0.5, 0.5], [[0.5, 0.3, 0.2, 0.0], [0.4, 0.4, 0.1, 0.1]])
    sparse = kt.Problem(problem.rho, scipy.sparse.csr_array(problem.teacher))
    for learner in LISTS:
        name = learner.format(2)
        protocol = name.partition("@")[2]
        students = [kt.fit(kt.draw(p, protocol, 3, seed=1), name) for p in (problem, sparse)]
        np.testing.assert_allclose(students[0], students[1].dense(), atol=1e-15)
    data = kt.TransferSet.from_counts([[0, 0, 3, 0]], [[0.5, 0.3, 0.2, 0.0]], "top_k_only:2")
    assert (data.n, data.counts.tolist(), data.visits.tolist()) == (3, [[0, 0, 0, 0]], [3])
    np.testing.assert_allclose(data.missing_mass, [0.2])
    np.testing.assert_allclose(kt.fit(data, "RENORM@top_k_only:2"), [[0.625, 0.375, 0.0, 0.0]])
    np.testing.assert_allclose(kt.fit(data, "SEL@top_k_only:2"), [[0.5, 0.3, 0.1, 0.1]])


def test_learners_of_lists_that_are_refused() -> None:
    # Oracle: none needed, one sentence
    with pytest.raises(kt.Unsupported, match="RENORM@top_k:2 scales a list"):
        kt.simulate(kt.instance(0, 2, 3), "RENORM@top_k:2", 3)
    with pytest.raises(kt.Unsupported, match="tells no probability to keep"):
        kt.simulate(kt.instance(0, 2, 3), "SEL@hard", 3)
    own = kt.Learner("SEL@top_k:2", "top_k:2", lambda counts, revealed, init: init)
    with pytest.raises(OutOfReach, match="no exact route"):
        exact_risk(kt.instance(0, 2, 3), own, 3)


def test_a_last_label_that_is_never_listed() -> None:
    # Oracle: by hand; the last label has the most mass, and the list of two names the two next ones
    table = [[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 1.0]]
    for protocol in ("top_k:2:but_last", "top_k_only:2:but_last"):
        for counts in (np.array([[1, 0, 0, 0], [0, 0, 0, 1]]), scipy.sparse.csr_array([[1, 0, 0, 0], [0, 0, 0, 1]])):
            data = kt.TransferSet.from_counts(counts, table, protocol).dense()
            told = ~np.isnan(data.revealed[0])
            assert told.tolist() == [protocol.startswith("top_k:"), True, True, False]
    assert kt.top_k(2, lists_last=False).name == "top_k:2:but_last"
    assert kt.top_k(3).reveals_at_least(kt.top_k(2))
    assert not kt.top_k(3).reveals_at_least(kt.top_k(2, lists_last=False))
    assert kt.top_k(3, lists_last=False).reveals_at_least(kt.PROTOCOLS["partial"])
    one = kt.Problem([1.0], [[1.0]])
    assert all(exact_risk(one, learner.format(1), n).value == 0.0 for learner in LISTS for n in (0, 1))
    with pytest.raises(ValueError, match="has no list"):
        kt.Protocol("partial but the last", tells_drawn=True, lists_last=False)
