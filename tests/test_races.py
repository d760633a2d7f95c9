"""Labels drawn without replacement, lists of a mass, lists above a threshold: protocols, draws, exact risks."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory.exact import sets, told
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach
from kt_theory.minimax.lists import Rows
from kt_theory.protocols.races import further_labels

ROWS = np.array([[0.5, 0.3, 0.15, 0.05], [0.4, 0.4, 0.1, 0.1], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
NAMES = ("SEL@gumbel_top_k:2", "SEL@top_p:0.7", "SEL@threshold:0.3", "RENORM@top_p:0.7")


def orders(row, k):
    """Every order in which k labels of a row may be drawn without replacement, and how likely it is."""
    used = [a for a, p in enumerate(row) if p]
    for order in itertools.permutations(used, min(k, len(used))):
        likely, left = 1, 1
        for a in order:
            likely, left = likely * row[a] / left, left - row[a]
        yield order, likely


def cost_of(row, seen):
    unseen = [a for a in range(len(row)) if a not in seen]
    mean = sum(row[a] for a in unseen) / max(len(unseen), 1)
    return sum(abs(row[a] - mean) for a in unseen) / 2


@pytest.mark.parametrize("k", [2, 3])
def test_the_exact_risk_without_replacement(k):
    # Oracle: enumeration, every order of the labels of every visit, in fractions
    rho = [Fraction(2, 3), Fraction(1, 3)]
    rows = [[Fraction(x, 10) for x in row] for row in ([4, 3, 2, 1, 0], [6, 2, 2, 0, 0])]
    problem = kt.Problem([float(r) for r in rho], [[float(x) for x in row] for row in rows])
    for n in (0, 1, 2):
        truth = Fraction(0)
        for r, row in zip(rho, rows, strict=True):
            for visited in itertools.product((True, False), repeat=n):
                chance = Fraction(1)
                for here in visited:
                    chance *= r if here else 1 - r
                for several in itertools.product(list(orders(row, k)), repeat=sum(visited)):
                    likely = chance
                    for _, one in several:
                        likely *= one
                    truth += r * likely * cost_of(row, {a for order, _ in several for a in order})
        found = exact_risk(problem, f"SEL@gumbel_top_k:{k}", n)
        assert abs(found.value - float(truth)) <= found.error < 1e-12


def test_independent_draws_by_sets(monkeypatch):
    # Oracle: second algorithm, a route of SEL_ptl for each number of visits
    problem = kt.Problem([0.7, 0.2, 0.1], [[0.4, 0.3, 0.2, 0.1, 0.0], [0.9, 0.05, 0.03, 0.02, 0.0], [0.2] * 5])
    init = np.random.default_rng(1).dirichlet(np.ones(5), 3)
    for n in (12, 40, 300):
        found = exact_risk(problem, "SEL@sampled:2", n, init)
        assert found.route == "sets of unseen labels"
        with monkeypatch.context() as context:
            context.setattr(told, "BEFORE_SETS", 10**9)
            other = exact_risk(problem, "SEL@sampled:2", n, init)
        assert abs(found.value - other.value) <= found.error + other.error
        assert found.error < 1e-12
        assert found.error < 1e-8 * found.value


def test_a_chance_that_is_off_is_seen(monkeypatch):
    # Oracle: as above; one visit less
    right = sets.row_risk
    monkeypatch.setattr(sets, "row_risk", lambda protocol, row, n, *rest: right(protocol, row, max(n - 1, 0), *rest))
    with pytest.raises(AssertionError):
        test_the_exact_risk_without_replacement(2)


@pytest.mark.parametrize("learner", NAMES)
def test_routes_laws_and_simulations_agree(learner):
    # Oracle: second algorithms, the law of the risk from count tables, and simulation at |z| <= 4, dense and sparse
    problem = kt.Problem([0.4, 0.3, 0.2, 0.1], ROWS)
    sparse = kt.Problem(problem.rho, scipy.sparse.csr_array(ROWS))
    init = np.random.default_rng(3).dirichlet(np.ones(4), 4)
    init[1:4, 1] = init[1:4, 0] = init[1:4, 2] = init[1:4, 3] = 0.25
    for n in (0, 1, 3):
        found = exact_risk(problem, learner, n, init)
        assert abs(found.value - kt.risk_law(problem, learner, n, init).mean()) <= found.error + 1e-13
    frame = kt.simulate(problem, learner, 3, 3000, seed=5).iloc[0]
    assert abs(frame["mean"] - exact_risk(problem, learner, 3).value) <= 4 * frame["mcse"] + 1e-15
    again = kt.simulate(sparse, learner, 3, 3000, seed=5).iloc[0]
    assert abs(again["mean"] - exact_risk(problem, learner, 3).value) <= 4 * again["mcse"] + 1e-15
    short, long = (kt.sample_risks(problem, learner, 5, reps, seed=1) for reps in (7, 700))
    assert (short == long[:7]).all()


def test_what_is_out_of_reach():
    # Oracle: none needed, one sentence
    with pytest.raises(OutOfReach, match="a row uses 13 labels: draws without replacement are exact for 12"):
        exact_risk(kt.Problem([1.0], [np.full(13, 1 / 13)]), "SEL@gumbel_top_k:2", 3)
    with pytest.raises(OutOfReach, match="exact for tv only"):
        exact_risk(kt.Problem([1.0], [np.full(3, 1 / 3)]), "SEL@gumbel_top_k:2", 3, divergence="l2")
    estimate = kt.expected_risk(kt.Problem([1.0], [np.full(13, 1 / 13)]), "SEL@gumbel_top_k:2", 3)
    assert "Monte Carlo" in estimate.route
    with pytest.raises(OutOfReach, match="exceed the cap"):
        kt.risk_law(kt.instance(0, 1, 12), "SEL@gumbel_top_k:4", 9)


@pytest.mark.parametrize("row", [(0.5, 0.3, 0.15, 0.05), (0.997, 0.0015, 0.001, 0.0005)])
def test_labels_are_drawn_as_often_as_they_should_be(row):
    # Oracle: probabilities of sets, by orders; the second row needs races, its draws repeat the first label
    p, visits = np.array([row]), 4000
    rng = np.random.default_rng(8)
    for more in (1, 2):
        first = np.zeros((visits, 1, 4), dtype=np.int64)
        first[np.arange(visits), 0, rng.choice(4, size=visits, p=row)] = 1
        drawn = (first + further_labels(first, p, more, rng))[:, 0]
        assert drawn.max() == 1
        assert (drawn.sum(axis=1) == more + 1).all()
        expected = dict.fromkeys(itertools.combinations(range(4), more + 1), 0.0)
        for order, likely in orders(row, more + 1):
            expected[tuple(sorted(order))] += likely
        sets = kt.Protocol("own", tells_drawn=True, draws=more + 1, replacing=False).drawn_sets(p[0])
        for chance, mask in sets:
            key = tuple(np.flatnonzero(mask))
            assert chance == pytest.approx(expected.pop(key), rel=1e-12, abs=0)
            share = float((drawn == mask).all(axis=1).mean())
            assert abs(share - chance) <= 4.5 * np.sqrt(chance * (1 - chance) / visits)
        assert not expected


@pytest.mark.parametrize(("A", "k"), [(4, 2), (5, 1), (5, 2), (6, 3)])
def test_one_visit_costs_no_more_than_a_list_at_its_worst(A, k):
    # Oracle: enumeration and search; uniform rows cost what they cost under a list; independent draws cost more
    floor = Rows(k, A, 1).floor
    protocol = f"SEL@gumbel_top_k:{k}" if k > 1 else "SEL_ptl"

    def cost(row, learner=protocol):
        return exact_risk(kt.Problem([1.0], [row]), learner, 1).value

    uniform = [cost(np.where(np.arange(A) < m, 1 / m, 0.0)) for m in range(1, A + 1)]
    lists = [cost(np.where(np.arange(A) < m, 1 / m, 0.0), f"SEL@top_k_only:{k}") for m in range(1, A + 1)]
    np.testing.assert_allclose(uniform, lists, atol=1e-13)
    assert max(uniform) == pytest.approx(floor, rel=1e-12, abs=0)
    rng = np.random.default_rng(A)
    for i in range(150):
        assert cost(rng.dirichlet(np.full(A, (0.2, 1.0, 5.0)[i % 3]))) <= floor + 1e-12
    if (A, k) == (4, 2):
        assert floor == pytest.approx(1 / 6)
        assert cost(np.array([1, 1, 1, 0]) / 3, "SEL@sampled:2") == pytest.approx(5 / 27, rel=1e-12, abs=0)
        once, twice = (exact_risk(kt.Problem([1.0], [np.array([1, 1, 1, 0]) / 3]), protocol, n).value for n in (1, 2))
        assert twice < once


def test_lists_that_depend_on_the_row():
    # Oracle: by hand; ties by frequency
    def told(protocol, reps=1):
        return protocol.told_anyway(ROWS, reps, np.random.default_rng(1))

    assert told(kt.threshold(0.3)).tolist() == [[[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]]
    assert told(kt.top_p(0.95)).tolist() == [[[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1]]]
    many = told(kt.top_p(0.4), 3000)
    assert many[:, 0].tolist() == [[1, 0, 0, 0]] * 3000
    assert (many[:, 1].sum(axis=1) == 1).all()
    assert (many[:, 1, 2:] == 0).all()
    assert abs(many[:, 1, 0].mean() - 0.5) < 0.04
    assert (many[:, 3].sum(axis=1) == 2).all()
    assert np.abs(many[:, 3].mean(axis=0) - 0.5).max() < 0.04
    sets = {tuple(mask): chance for chance, mask in kt.top_p(0.4).told_sets(ROWS[3])}
    assert len(sets) == kt.top_p(0.4).choices(ROWS[3]) == 6
    assert set(sets.values()) == {1 / 6}
    table = kt.Problem(np.ones(4) / 4, scipy.sparse.csr_array(ROWS)).pairs
    for protocol in (kt.threshold(0.3), kt.top_p(0.95), kt.top_p(0.4)):
        cells = protocol.told_cells(table, 50, np.random.default_rng(2))
        lengths = [int(cells[0][table.offsets[s] : table.offsets[s + 1]].sum()) for s in range(4)]
        used = np.count_nonzero(ROWS, axis=1)
        assert lengths == [min(protocol.list_length(row), u) for row, u in zip(ROWS, used, strict=True)]


def test_data_sets():
    # Oracle: by hand, and identity of the dense and the sparse form
    problem = kt.Problem([0.5, 0.25, 0.125, 0.125], ROWS)
    data = kt.draw(problem, "gumbel_top_k:2", 40, seed=1)
    assert data.n == 40
    assert (data.counts.max(axis=1) <= data.visits).all()
    assert data.counts.sum(axis=1).tolist() == (data.visits * [2, 2, 1, 2]).tolist()
    assert (data.counts >= kt.draw(problem, "partial", 40, seed=1).counts).all()
    sparse = kt.draw(kt.Problem(problem.rho, scipy.sparse.csr_array(ROWS)), "gumbel_top_k:2", 40, seed=1)
    assert (sparse.n, sparse.visits.tolist()) == (40, data.visits.tolist())
    student = kt.fit(kt.TransferSet.from_counts([[1, 0, 1, 0]], ROWS[:1], "gumbel_top_k:2"), "SEL@gumbel_top_k:2")
    np.testing.assert_allclose(student, [[0.5, 0.175, 0.15, 0.175]])
    for name, shown in (("top_p:0.7", [0.5, 0.3, 0.1, 0.1]), ("threshold:0.5", [0.5, 1 / 6, 1 / 6, 1 / 6])):
        data = kt.TransferSet.from_counts([[0, 3, 0, 0]], ROWS[:1], name)
        assert (data.n, data.counts.sum()) == (3, 0)
        np.testing.assert_allclose(kt.fit(data, f"SEL@{name}"), [shown])
    for counts in ([[2, 0, 0, 0]], [[2, 1, 0, 0]]):
        with pytest.raises(ValueError, match=r"counts\[0\] adds up to .: gumbel_top_k:2 draws 2 labels at each visit"):
            kt.TransferSet.from_counts(counts, ROWS[:1], "gumbel_top_k:2")


def test_the_order_of_lists_and_draws():
    # Oracle: by hand; and enumeration, a list that another one holds on 300 rows
    named = [
        "hard", "partial", "soft", "top_k_only:1", "top_k_only:3", "top_p:0.5", "top_p:0.8", "threshold:0.3",
        "threshold:0.15", "sampled:2", "gumbel_top_k:2", "gumbel_top_k:3",
    ]  # fmt: skip
    found = {name: kt.protocols.resolve_protocol(name) for name in named}
    above = {(a, b) for a in named for b in named if a != b and found[a].reveals_at_least(found[b])}
    assert {pair for pair in above if "sampled:2" in pair} == {
        ("sampled:2", "hard"), ("sampled:2", "partial"), ("gumbel_top_k:2", "sampled:2"),
        ("gumbel_top_k:3", "sampled:2"),
    }  # fmt: skip
    lists = [name for name in named if found[name].lists and name != "soft"]
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.dirichlet(np.full(8, a), 100) for a in (0.2, 1.0, 50.0)])
    lengths = {name: [found[name].list_length(row) for row in rows] for name in lists}
    for a, b in itertools.permutations(lists, 2):
        holds = all(x >= y for x, y in zip(lengths[a], lengths[b], strict=True))
        assert ((a, b) in above) == holds, (a, b)
        assert ("soft", b) in above


def test_protocols_that_are_refused():
    # Oracle: none needed, one sentence
    for name, words in (
        ("top_p:1", "a probability above 0 and below 1"), ("top_p:x", "a probability above 0"),
        ("threshold:0", "a probability above 0 and at most 1"), ("gumbel_top_k:0", "is a whole number of labels"),
    ):  # fmt: skip
        with pytest.raises(kt.Unsupported, match=words):
            kt.protocols.resolve_protocol(name)
    with pytest.raises(ValueError, match="more than one of top, mass and at_least"):
        kt.Protocol("two lists", top=3, mass=0.5)
    with pytest.raises(ValueError, match="draws must be at least 2"):
        kt.Protocol("one", tells_drawn=True, replacing=False)
    with pytest.raises(ValueError, match=r"at_least of protocol high is 2\.0: it must be above 0 and at most 1"):
        kt.Protocol("high", at_least=2)
    for protocol in ("gumbel_top_k:2", "top_p:0.5", "threshold:0.1"):
        with pytest.raises(kt.Unsupported, match="minimax_risk answers for"):
            kt.minimax_risk(protocol, 2, 3, 4)
    with pytest.raises(kt.Unsupported, match="RENORM@gumbel_top_k:2 scales a list"):
        kt.simulate(kt.instance(0, 2, 3), "RENORM@gumbel_top_k:2", 1, 10)


def test_a_stored_study(tmp_path):
    # Oracle: identity, the receipts of a run in memory; one protocol is a user's own
    own = kt.Protocol("label and list", tells_drawn=True, mass=0.6)
    problem = kt.Problem([0.5, 0.5], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    learners = ["SEL@gumbel_top_k:2", "SEL@threshold:0.3", kt.learners.sel_at(own)]
    panels = [kt.study.Panel("p", problem, [4], learners)]
    kt.study.run_in_folder(kt.study.Design("lists", panels, reps=50), tmp_path / "study", workers=1)
    again = kt.study.export(tmp_path / "study").receipts
    fresh = kt.study.run(panels, 50, 0, workers=1)
    assert again["mean"].tolist() == fresh["mean"].tolist()
    exact = exact_risk(problem, kt.learners.sel_at(own), 4).value
    assert exact == pytest.approx(kt.risk_law(problem, kt.learners.sel_at(own), 4).mean(), abs=1e-13)
