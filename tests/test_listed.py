"""A list of the most likely labels and sampled labels without probabilities: the tail is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory.exact import told
from kt_theory.exact.risk import exact_risk

PROBLEM = kt.Problem([0.6, 0.3, 0.1], [[0.4, 0.3, 0.2, 0.1, 0.0], [0.7, 0.1, 0.1, 0.05, 0.05], [1.0, 0, 0, 0, 0]])


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_exact_risk_of_a_counted_tail(k):
    # Oracle: enumeration, the law of the risk from every count table
    learner = f"CE@top_k_label:{k}"
    for n in (0, 1, 2, 5):
        found = exact_risk(PROBLEM, learner, n)
        assert abs(found.value - kt.risk_law(PROBLEM, learner, n).mean()) <= found.error + 1e-13
        assert found.error < 1e-13
    init = np.tile([0.1, 0.2, 0.3, 0.15, 0.25], (3, 1))
    if k == 1:  # ties at the other ranks have different init
        assert exact_risk(PROBLEM, learner, 3, init).value == pytest.approx(
            kt.risk_law(PROBLEM, learner, 3, init).mean(), abs=1e-13
        )


def test_a_tail_of_another_mass_is_seen(monkeypatch):
    # Oracle: as above; the tail counts as an input of all the mass
    right = told.sgl.row_risk
    monkeypatch.setattr(told.sgl, "row_risk", lambda row, n, *rest: right(row, n + 1, *rest))
    with pytest.raises(AssertionError):
        test_the_exact_risk_of_a_counted_tail(1)


def test_simulations_and_students():
    # Oracle: the exact risk at |z| <= 4, dense and sparse; by hand
    sparse = kt.Problem(PROBLEM.rho, scipy.sparse.csr_array(PROBLEM.teacher))
    for problem in (PROBLEM, sparse):
        row = kt.simulate(problem, "CE@top_k_label:1", 6, 3000, seed=2).iloc[0]
        assert abs(row["mean"] - exact_risk(PROBLEM, "CE@top_k_label:1", 6).value) <= 4 * row["mcse"]
    for counts in ([[3, 2, 1, 1, 0]], scipy.sparse.csr_array([[3, 2, 1, 1, 0]])):
        data = kt.TransferSet.from_counts(counts, PROBLEM.teacher[:1], "top_k_label:2")
        student = kt.fit(data, "CE@top_k_label:2")
        np.testing.assert_allclose(
            student if isinstance(student, np.ndarray) else student.dense(), [[0.4, 0.3, 0.15, 0.15, 0]]
        )
        data = kt.TransferSet.from_counts([[3, 2, 0, 0, 0]], PROBLEM.teacher[:1], "top_k_label:2")
        np.testing.assert_allclose(kt.fit(data, "CE@top_k_label:2"), [[0.4, 0.3, 0.1, 0.1, 0.1]])
    for protocol in ("top_k:2", "top_k_only:2", "hard", "sampled:2", "soft"):
        with pytest.raises(kt.Unsupported, match="CE@"):
            kt.simulate(PROBLEM, f"CE@{protocol}", 2, 10)


def test_the_limit_for_many_samples():
    # Oracle: limit, in closed form; the constant that no row exceeds, and hard labels at k = 0
    n, k = 10**8, 2
    for problem in (PROBLEM, kt.zipf_problem(S=3, A=9, seed=2)):
        limit = 0.0
        for rho, row in zip(problem.rho, problem.teacher, strict=True):
            tail = np.sort(row)[: row.size - k]
            t = tail.sum()
            limit += math.sqrt(rho) * np.sqrt(tail * (1 - tail / t) / (2 * math.pi)).sum() if t > 0 else 0.0
        assert exact_risk(problem, f"CE@top_k_label:{k}", n).value * math.sqrt(n) == pytest.approx(
            limit, rel=1e-3, abs=0
        )
        assert limit <= kt.minimax_constant(f"top_k_label:{k}", problem.S, problem.A)
    S, A = 3, 8
    worst = kt.Problem(
        np.full(S, 1 / S), np.tile(np.r_[np.full(k, 1 / A + 3e-6), np.full(A - k, 1 / A - 1e-6)], (S, 1))
    )
    constant = kt.minimax_constant("top_k_label:2", S, A)
    assert exact_risk(worst, "CE@top_k_label:2", n).value * math.sqrt(n) == pytest.approx(constant, rel=1e-3, abs=0)
    assert constant / kt.minimax_constant("hard", S, A) == pytest.approx(math.sqrt(6 * 5 / (8 * 7)))
    assert kt.minimax_constant("top_k_label:2", 4, 3) == kt.minimax_constant("top_k_label:5", 4, 3) == 0.0


TOP = np.array([[0.4, 0.3, 0.15, 0.1, 0.05], [0.02, 0.15, 0.03, 0.2, 0.6]])


@pytest.mark.parametrize("asks", ["top_k:2", "top_k_label:2", "top_k_only:2", "top_k_label:1"])
@pytest.mark.parametrize("has", ["soft", "top_k:3", "top_k_label:3"])
def test_a_list_is_read_from_a_set_that_tells_more(asks, has):
    # Oracle: identity, the student of the same counts told as the learner asks; planted: all that is told, kept
    counts = np.array([[3, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    learner = kt.learners.resolve_learner(f"SEL@{asks}")
    more = kt.TransferSet.from_counts(counts, TOP, has)
    if not more.protocol.reveals_at_least(learner.protocol):
        with pytest.raises(kt.Unsupported, match="needs top_k:2 labels"):
            kt.fit(more, learner)
        return
    own = kt.TransferSet.from_counts(counts, TOP, asks)
    np.testing.assert_array_equal(kt.fit(more, learner), kt.fit(own, learner))
    assert np.abs(kt.fit(more, learner) - kt.fit(more, f"SEL@{has}" if has != "soft" else "CE_ful")).max() > 0.01


def test_a_loss_runs_on_every_list_that_tells_at_least_its_own():
    # Oracle: identity, the student on its own protocol
    counts = np.array([[3, 0, 1, 2, 0], [0, 1, 0, 0, 4]])
    for name in ("top_k_pointwise", "top_k_exact_tail", "top_k_missing_to_label"):
        learner = kt.losses.make(name, k=2).learner()
        own = kt.fit(kt.TransferSet.from_counts(counts, TOP, learner.protocol), learner)
        for has in ("soft", "top_k:2", "top_k:3", "top_k_label:3"):
            np.testing.assert_array_equal(kt.fit(kt.TransferSet.from_counts(counts, TOP, has), learner), own)


def test_a_tie_at_the_end_of_a_list_is_refused():
    # Oracle: definition, a protocol breaks ties at random and a set that tells more has not
    data = kt.TransferSet.from_counts([[1, 1, 0]], [[0.4, 0.3, 0.3]], "soft")
    with pytest.raises(kt.Unsupported, match="told the 2 most likely labels, and at input 0 more are as likely"):
        kt.fit(data, "SEL@top_k_label:2")
    assert kt.fit(data, "SEL@top_k_label:1").tolist() == [[0.4, 0.3, 0.3]]
