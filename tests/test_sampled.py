"""Several labels a visit, each with its probability: the protocol, its draws, its learner, its exact risk."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory.exact import told
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach

SMALL = [
    ([1], [[5, 3, 2]]),
    ([1, 1], [[4, 1, 0], [2, 2, 1]]),
    ([7, 2, 1], [[1, 1, 1, 1], [9, 0, 1, 0], [6, 2, 1, 1]]),
]


def laws(numbers):
    return [Fraction(x, sum(numbers)) for x in numbers]


def risk_in_fractions(rho, rows, n, draws):
    """sum_s rho sum_U TV(U) P(unseen = U), P(unseen contains B) = (1 - rho (1 - (1 - p(B))^draws))^n, exactly."""
    total = Fraction(0)
    for r, row in zip(laws(rho), map(laws, rows), strict=True):
        sets = [frozenset(U) for k in range(len(row) + 1) for U in itertools.combinations(range(len(row)), k)]
        contains = {B: (1 - r * (1 - (1 - sum(row[a] for a in B)) ** draws)) ** n for B in sets}
        for U in sets:
            likely = sum((-1) ** (len(B) - len(U)) * contains[B] for B in sets if B >= U)
            mean = sum((row[a] for a in U), Fraction(0)) / max(len(U), 1)
            total += r * likely * sum(abs(row[a] - mean) for a in U) / 2
    return total


@pytest.mark.step("N29.1")
@pytest.mark.parametrize("draws", [1, 2, 5])
@pytest.mark.parametrize(("rho", "rows"), SMALL)
def test_the_exact_risk_of_draws(rho, rows, draws):
    # Oracle: enumeration, unseen sets by inclusion and exclusion, in fractions
    problem = kt.Problem([float(x) for x in laws(rho)], [[float(x) for x in laws(row)] for row in rows])
    for n in (0, 1, 2, 3, 7):
        truth = risk_in_fractions(rho, rows, n, draws)
        found = exact_risk(problem, f"SEL@sampled:{draws}", n)
        assert abs(found.value - float(truth)) <= found.error + 2**-52, (n, found)
        assert found.error < 1e-14


@pytest.mark.parametrize("draws", [2, 3])
def test_a_number_of_draws_that_is_off_is_seen(draws, monkeypatch):
    # Oracle: as above, which sees one label less at each visit
    right = told.natural_risk

    def planted(protocol, row, n, *rest, **options):
        return right(protocol, row, n - 1 if protocol.draws == 1 and n else n, *rest, **options)

    monkeypatch.setattr(told, "natural_risk", planted)
    with pytest.raises(AssertionError):
        test_the_exact_risk_of_draws(*SMALL[1], draws)


def test_the_law_of_the_risk_of_draws():
    # Oracle: second algorithm, the exact expected risk; the law goes through count tables of all draws
    rng = np.random.default_rng(5)
    for i in range(12):
        S, A = int(rng.integers(1, 4)), int(rng.integers(2, 5))
        problem = kt.Problem(rng.dirichlet(np.full(S, 0.5)), rng.dirichlet(np.full(A, 0.5), S))
        for protocol in ("sampled:2", "sampled:3"):
            found = exact_risk(problem, f"SEL@{protocol}", i % 4)
            assert abs(found.value - kt.risk_law(problem, f"SEL@{protocol}", i % 4).mean()) <= found.error + 1e-13
    with pytest.raises(OutOfReach, match="exceed the cap"):
        kt.risk_law(kt.instance(0, 1, 9), "SEL@sampled:4", 20)


def test_draws_beside_a_list():
    # Oracle: second algorithm, the law of the risk from count tables; a protocol of a user's own
    both = kt.Protocol("list of 1, 2 draws", tells_drawn=True, top=1, draws=2)
    problem = kt.Problem([0.6, 0.4], [[0.4, 0.3, 0.2, 0.1], [0.7, 0.1, 0.15, 0.05]])
    learner = kt.learners.sel_at(both)
    for n in (0, 1, 3):
        found = exact_risk(problem, learner, n)
        assert abs(found.value - kt.risk_law(problem, learner, n).mean()) <= found.error + 1e-13
    row = kt.simulate(problem, learner, 3, 4000, seed=2).iloc[0]
    assert abs(row["mean"] - exact_risk(problem, learner, 3).value) <= 4 * row["mcse"]


@pytest.mark.parametrize("n", [1, 6, 40])
def test_simulated_draws_agree_with_their_exact_risk(n):
    # Oracle: the exact risk, |z| <= 4 at a fixed seed; dense and sparse on the same draws
    problem = kt.Problem([0.7, 0.2, 0.1], [[0.35, 0.3, 0.2, 0.1, 0.05], [0.2] * 5, [0.9, 0.0, 0.0, 0.05, 0.05]])
    frame = kt.simulate(problem, ["SEL@sampled:3", "SEL_ptl"], n, 4000, seed=3)
    for learner, row in zip(("SEL@sampled:3", "SEL_ptl"), frame.itertuples(), strict=True):
        assert abs(row.mean - exact_risk(problem, learner, n).value) <= 4 * row.mcse
    sparse = kt.Problem(problem.rho, scipy.sparse.csr_array(problem.teacher))
    assert abs(kt.simulate(sparse, "SEL@sampled:3", n, 4000, seed=3)["mean"][0] - frame["mean"][0]) < 1e-14
    one = kt.simulate(problem, ["SEL@sampled:1", "SEL_ptl"], n, 500, seed=3)["mean"]
    assert one[0] == one[1]


def test_more_repeats_change_no_draw():
    # Oracle: identity, the first repeats of a longer run; a chunk holds other numbers of them
    problem = kt.Problem([0.5, 0.5], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    short, long = (kt.sample_risks(problem, "SEL@sampled:3", 5, reps, seed=1) for reps in (7, 9000))
    assert (short == long[:7]).all()


def test_a_data_set_of_draws():
    # Oracle: by hand, and identity of the dense and the sparse form
    problem = kt.Problem([0.5, 0.5], [[0.5, 0.3, 0.2, 0.0], [0.4, 0.4, 0.1, 0.1]])
    data = kt.draw(problem, "sampled:3", 5, seed=1)
    assert (data.n, data.counts.sum()) == (5, 15)
    assert (data.counts.sum(axis=1) == 3 * data.visits).all()
    assert (data.counts >= kt.draw(problem, "partial", 5, seed=1).counts).all()
    assert np.isnan(data.good_turing)
    sparse = kt.draw(kt.Problem(problem.rho, scipy.sparse.csr_array(problem.teacher)), "sampled:3", 5, seed=1)
    assert (sparse.dense().counts == data.counts).all()
    assert sparse.visits.tolist() == data.visits.tolist()
    data = kt.TransferSet.from_counts([[2, 1, 0, 0]], problem.teacher[:1], "sampled:3")
    np.testing.assert_allclose(kt.fit(data, "SEL@sampled:3"), [[0.5, 0.3, 0.1, 0.1]])
    assert (data.n, data.visits.tolist()) == (1, [1])


def test_draws_that_are_refused():
    # Oracle: none needed, one sentence
    for counts in ([[2, 0]], scipy.sparse.csr_array([[2, 0]])):
        with pytest.raises(ValueError, match=r"counts\[0\] adds up to 2: sampled:3 draws 3 labels at each visit"):
            kt.TransferSet.from_counts(counts, [[0.5, 0.5]], "sampled:3")
    data = kt.draw(kt.instance(0, 2, 3), "sampled:3", 4)
    for learner in ("CE_sgl", "SEL_ptl", "SEL@sampled:2"):
        with pytest.raises(kt.Unsupported, match=r"the transfer set those of sampled:3: draw it with"):
            kt.fit(data, learner)
    with pytest.raises(kt.Unsupported, match="needs sampled:4 labels"):
        kt.fit(data, "SEL@sampled:4")
    with pytest.raises(kt.Unsupported, match="at most 1e\\+09 are drawn there"):
        kt.draw(kt.instance(0, 2, 3), "sampled:3", 10**10)
    with pytest.raises(kt.Unsupported, match="the K of sampled:K is a whole number"):
        kt.draw(kt.instance(0, 2, 3), "sampled:x", 1)
    with pytest.raises(kt.Unsupported):
        kt.draw(kt.instance(0, 2, 3), "sampled:3:but_last", 1)
    with pytest.raises(ValueError, match="draws of protocol quiet is 2, and it shows no label: it must be 1"):
        kt.Protocol("quiet", shows_label=False, top=1, draws=2)
    with pytest.raises(kt.Unsupported, match="self_audit answers for"):
        kt.self_audit(data)


def test_the_order_of_draws():
    # Oracle: enumeration by hand
    assert kt.sampled(5).reveals_at_least(kt.sampled(2))
    assert kt.sampled(5).reveals_at_least(kt.PROTOCOLS["partial"])
    assert not kt.sampled(2).reveals_at_least(kt.sampled(5))
    assert not kt.PROTOCOLS["soft"].reveals_at_least(kt.sampled(2))
    assert not kt.sampled(9).reveals_at_least(kt.top_k(2))


def test_a_stored_study_of_draws(tmp_path):
    # Oracle: identity, the receipts of a run in memory
    both = kt.Protocol("list of 1, 2 draws", tells_drawn=True, top=1, draws=2)
    problem = kt.Problem([0.5, 0.5], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    learners = ["SEL@sampled:3", kt.learners.sel_at(both)]
    panels = [kt.study.Panel("p", problem, [4], learners)]
    design = kt.study.Design("draws", panels, reps=50)
    kt.study.run_in_folder(design, tmp_path / "study", workers=1)
    again = kt.study.export(tmp_path / "study").receipts
    fresh = kt.study.run(panels, 50, 0, workers=1)
    assert again["mean"].tolist() == fresh["mean"].tolist()
