"""Lists and draws, each label with its probability: the minimax risk as an interval with proved ends."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import kt_theory as kt
from kt_theory.exact.risk import exact_risk
from kt_theory.minimax import told, told_lower, told_upper

BOTH = kt.Protocol("list of 1, 2 draws", tells_drawn=True, top=1, draws=2)

#: (protocol, S, A, n) -> the interval; made once, since the upper ends take a second each.
CASES = (
    ("sampled:2", 2, 3, 4), ("top_k:2", 2, 5, 7), (BOTH, 2, 5, 4), ("top_k:2", 1, 6, 7),
)  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return {case: kt.minimax_risk(*case) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_lower_end_is_the_risk_at_the_instance(case, found):
    # Oracle: second algorithm, the exact expected risk
    risk = found[case]
    learner = kt.learners.sel_at(case[0]) if case[0] is BOTH else risk.student
    assert exact_risk(risk.instance, learner, case[3]).value == pytest.approx(risk.lower, rel=1e-11, abs=0)
    assert risk.lower <= risk.upper < 2 * risk.lower


@pytest.mark.step("N30.3")
@pytest.mark.parametrize("case", CASES[:3], ids=str)
def test_no_problem_is_above_the_upper_end(case, found):
    # Oracle: search, exact risks of random problems and of those near the instance
    protocol, S, A, n = case
    learner = kt.learners.sel_at(kt.protocols.resolve_protocol(protocol))
    rng = np.random.default_rng(2)
    instance = found[case].instance
    worst, at = 0.0, (instance.rho, instance.teacher)
    for i in range(100):
        if i < 60:
            rho, teacher = rng.dirichlet(np.full(S, (0.3, 1.0, 5.0)[i % 3])), rng.dirichlet(np.full(A, 0.3), S)
        else:
            rho, teacher = (np.abs(x + 0.02 * rng.normal(size=x.shape)) for x in at)
        problem = kt.Problem(rho / rho.sum(), teacher / teacher.sum(axis=1, keepdims=True))
        value = exact_risk(problem, learner, n).value
        worst = max(worst, value)
    assert worst <= found[case].upper
    assert worst <= found[case].lower * (1 + 1e-6)  # nor was a worse one than the instance found
    assert worst > 0.8 * found[case].lower


def test_one_input_of_draws_is_partial():
    # Oracle: identity, n visits are nM partial labels
    for M, A, n in ((2, 3, 2), (5, 3, 7), (3, 8, 4)):
        one, partial = kt.minimax_risk(f"sampled:{M}", 1, A, n), kt.minimax_risk("partial", 1, A, n * M)
        assert (one.lower, one.upper, one.exact, one.n) == (partial.lower, partial.upper, partial.exact, n)
    one, partial = kt.minimax_risk("sampled:1", 4, 5, 9), kt.minimax_risk("partial", 4, 5, 9)
    assert (one.lower, one.upper, one.protocol) == (partial.lower, partial.upper, "sampled:1")


def cost_in_fractions(row, K, draws):
    """One input: the list has the K first labels, each set of the others is unseen with (1 - its mass)^draws."""
    tail = row[K:]
    total = Fraction(0)
    sets = [frozenset(U) for k in range(len(tail) + 1) for U in itertools.combinations(range(len(tail)), k)]
    contains = {B: (1 - sum((tail[b] for b in B), Fraction(0))) ** draws for B in sets}
    for U in sets:
        likely = sum((-1) ** (len(B) - len(U)) * contains[B] for B in sets if B >= U)
        mean = sum((tail[b] for b in U), Fraction(0)) / max(len(U), 1)
        total += likely * sum(abs(tail[b] - mean) for b in U) / 2
    return total


@pytest.mark.step("N30.4")
@pytest.mark.parametrize("K", [1, 2, 3])
def test_two_labels_left_by_the_list(K):
    # Oracle: fractions, all descending rows on a grid that has the worst row
    for n, draws in ((1, 1), (4, 1), (6, 1), (3, 2)):
        protocol = kt.top_k(K) if draws == 1 else kt.Protocol("list and 2 draws", tells_drawn=True, top=K, draws=2)
        value = kt.minimax_risk(protocol, 1, K + 2, n)
        assert value.exact
        parts = (n * draws + 1) * (K + 1)
        best = Fraction(0)
        for w, v in itertools.product(range(parts), repeat=2):
            if v <= w and (K + 1) * w + v <= parts:
                row = [Fraction(parts - K * w - v, parts), *[Fraction(w, parts)] * K, Fraction(v, parts)]
                best = max(best, cost_in_fractions(row, K, n * draws))
        assert value.lower == pytest.approx(float(best), rel=1e-14, abs=0)
        learner = kt.learners.sel_at(protocol)
        assert exact_risk(value.instance, learner, n).value == pytest.approx(value.lower, rel=1e-12, abs=0)


def test_what_tells_the_whole_row_is_soft():
    # Oracle: identity
    for protocol, A in (("top_k:2", 3), ("top_k:7", 3), ("sampled:4", 2), ("sampled:4", 1)):
        for n in (0, 9):
            one, soft = kt.minimax_risk(protocol, 4, A, n), kt.minimax_risk("soft", 4, A, n)
            assert (one.lower, one.upper, one.exact) == (soft.lower, soft.upper, True)
    assert kt.minimax_risk("sampled:3", 2, 5, 0).lower == pytest.approx(0.8)


@pytest.mark.step("N30.1")
def test_a_set_costs_at_most_the_sum_over_its_labels():
    # Oracle: random sets and t, the cost from its definition; 0.9 times the sum is exceeded
    rng = np.random.default_rng(4)
    closest = math.inf
    for _ in range(4000):
        p = rng.dirichlet(np.full(int(rng.integers(2, 9)), rng.choice([0.1, 1.0]))) * rng.random()
        p[rng.random(p.size) < 0.3] = 0.0
        t = p.max() * rng.random() ** 3
        cost = np.maximum(p - p.mean(), 0.0).sum()
        bound = np.maximum(t, np.maximum(np.sqrt(p) - math.sqrt(t), 0.0) ** 2).sum()
        assert cost <= bound + 1e-15
        if cost > 0:
            closest = min(closest, bound / cost)
    assert closest < 1 / 0.9


@pytest.mark.step("N30.2")
def test_the_bound_of_an_input_holds_at_random_rows():
    # Oracle: exact expected risks of random rows beside an input that costs nothing
    rng = np.random.default_rng(6)
    for K, M, A, n, r in ((0, 2, 6, 8, 0.3), (2, 1, 7, 12, 0.2), (1, 3, 6, 5, 0.5)):
        visits = told_lower.Visits(K, M, A, n)
        bound = told_upper.input_bound(visits, r)
        row = visits.polished(r, visits.rough(r))
        learner = kt.learners.sel_at(kt.Protocol("both", tells_drawn=True, top=K, draws=M))
        for i in range(12):
            p = rng.dirichlet(np.full(A, rng.choice([0.1, 0.5, 2.0]))) if i else row.labels(A)
            init = np.full((2, A), 1 / A)
            init[1] = np.arange(A) == 0
            problem = kt.Problem([r, 1 - r], np.array([p, np.arange(A) == 0]))
            cost = exact_risk(problem, learner, n, init).value / r
            assert cost <= bound
            assert i or cost == pytest.approx(row.cost, rel=1e-9, abs=0)
        assert bound < 2 * row.cost


def test_two_labels_left_are_bounded_to_a_percent():
    # Oracle: second algorithm, the cost of a row from its definition, visit by visit, over a grid of rows and masses
    for K, M, A, n in ((1, 1, 3, 9), (2, 3, 4, 5)):
        visits = told_lower.Visits(K, M, A, n)
        for a, b in ((0.0, 0.02), (0.1, 0.3), (0.4, 0.4), (0.5, 1.0)):
            worst = 0.0
            w = np.linspace(0, 1 / (K + 1), 200)
            apart = (1 - K * w - 1 / A) + K * np.maximum(w - 1 / A, 0.0)
            visited = [(1 - w) ** (N * M) * w / 2 for N in range(1, n + 1)]
            for r in np.linspace(a, b, 9):
                chances = [math.comb(n, N) * r**N * (1 - r) ** (n - N) for N in range(1, n + 1)]
                worst = max(worst, float((r * ((1 - r) ** n * apart + np.dot(chances, visited))).max()))
            assert worst <= told_upper.mass_bound(visits, a, b) <= 1.3 * worst, (K, a, b)
            assert a != b or told_upper.mass_bound(visits, a, b) <= 1.01 * worst


@pytest.mark.step("N30.6")
def test_an_input_between_two_masses(monkeypatch):
    # Oracle: exact expected risks of random rows beside an input that costs nothing
    rng = np.random.default_rng(16)
    cases = []
    for K, M, A, n, a, b in ((0, 2, 4, 8, 0.0, 0.1), (2, 1, 5, 12, 0.1, 0.4), (1, 2, 3, 6, 0.2, 0.9)):
        visits = told_lower.Visits(K, M, A, n)
        learner = kt.learners.sel_at(kt.Protocol("both", tells_drawn=True, top=K, draws=M))
        init = np.full((2, A), 1 / A)
        init[1] = np.arange(A) == 0
        for _ in range(15):
            r, p = rng.uniform(a, b), rng.dirichlet(np.full(A, rng.choice([0.1, 0.5, 2.0])))
            problem = kt.Problem([r, 1 - r], np.array([p, init[1]]))
            assert exact_risk(problem, learner, n, init).value <= told_upper.mass_bound(visits, a, b)
    for K, A in ((0, 40), (1, 30)):  # a heavy input, whose bound does not grow with the width of the masses
        visits = told_lower.Visits(K, 2, A, 10**5)
        cases.append((visits, 0.9 * visits.polished(0.9, visits.rough(0.9)).cost))
        assert cases[-1][1] <= told_upper.mass_bound(visits, 0.1, 1.0) <= 1.2 * cases[-1][1]
    # Planted: 0.8 of the constant.
    right = told_upper.curve
    monkeypatch.setattr(told_upper, "curve", lambda v: 0.8 * right(v))
    assert all(cost > told_upper.mass_bound(visits, 0.1, 1.0) for visits, cost in cases)


@pytest.mark.parametrize("n", [10**3, 10**6, 10**12, 10**15])
def test_ends_at_many_visits(n):
    # Oracle: limit, an input of mass 1/n that is sure of a label beside one of two labels left: 2/(3e) + 1/(2e) over n
    rules = told_lower.Visits(1, 1, 3, n)
    assert told_upper.least(rules, 2) * n == pytest.approx(7 / (6 * math.e), rel=0.03, abs=0)


@pytest.mark.parametrize("v", [3e-13, -2e-12, 0.0, 0.7, -0.9])
def test_a_minimum_of_any_size_is_found(v):
    # Oracle: identity, a convex function whose smallest value is known
    at, value = told_upper.minimum(lambda x: 1e-12 + max(x - v, 2 * (v - x)), 1.0, 10**12)
    assert at == pytest.approx(v, rel=1e-6, abs=1e-17)
    assert value <= 1e-12 + 1e-6 * abs(v) + 1e-18


@pytest.mark.parametrize(
    ("K", "M", "A", "n", "r"), [(0, 1, 100, 50, 1.0), (0, 2, 100, 50, 1.0), (3, 1, 100, 50, 1.0), (0, 1, 100, 200, 0.5)]
)
def test_of_rows_of_equal_labels_the_worst_is_found(K, M, A, n, r):
    # Oracle: enumeration, the cost of every number of equal labels
    visits = told_lower.Visits(K, M, A, n)
    row = visits.polished(r, visits.rough(r))
    best = max(visits.exact(r, k, 1 / k) for k in range(1, A))
    assert (row.k, row.cost) == (best.k, pytest.approx(best.cost, rel=1e-13, abs=0))


def test_a_bound_that_is_off_is_seen(monkeypatch):
    # Oracle: as above; chances of visits that add up to 0.9
    right = told_lower.Visits.blocks
    monkeypatch.setattr(told_upper, "_one_input", lambda K, A, draws: 1.0)
    monkeypatch.setattr(told_upper, "undecided", lambda *_: np.zeros(0, dtype=int))

    def planted(self, r):
        starts, ends, chances = right(self, r)
        return starts, ends, 0.8 * chances

    visits = told_lower.Visits(0, 1, 40, 400)
    cost = visits.polished(0.9, visits.rough(0.9)).cost
    assert cost <= told_upper.input_bound(visits, 0.9)
    monkeypatch.setattr(told_lower.Visits, "blocks", planted)
    assert cost > told_upper.input_bound(visits, 0.9)


@pytest.mark.slow
def test_the_limit_for_many_samples_and_labels():
    # Oracle: published and second algorithm, the limit constants of draws; the lower end within 10 % of it
    risk = kt.minimax_risk("sampled:20", 2, 20, 200)
    limit = kt.draws_constant(2, 1.0)
    assert risk.lower * 200 == pytest.approx(limit, rel=0.1, abs=0)
    assert risk.lower <= risk.upper <= 1.3 * risk.lower


def test_what_reveals_more_costs_no_more(found):
    # Oracle: order of the protocols
    for protocol, S, A, n in CASES:
        risk = found[protocol, S, A, n]
        assert kt.minimax_risk("soft", S, A, n).lower <= risk.upper
        assert risk.lower <= kt.minimax_risk("partial", S, A, n).upper


def test_protocols_without_an_answer():
    # Oracle: none needed, one sentence
    for protocol in ("top_k_label:2", "rounded:2", "top_k:2:but_last"):
        with pytest.raises(kt.Unsupported, match="minimax_risk answers for"):
            kt.minimax_risk(protocol, 2, 4, 4)
    assert not told.answers_for(kt.top_k_only(2))


@pytest.mark.parametrize("n", [10**4, 10**6, 10**8])
def test_the_worst_heavy_input_is_found_at_any_number_of_visits(n):
    # Oracle: limit, n times the risk of an input of mass 1/n that is sure of a label, and of one of two labels left:
    # 2/(3e) + 1/(2e)
    rules = told_lower.Visits(1, 1, 3, n)
    assert n * told_lower.worst(rules, 2)[2] > 0.99 * (2 / 3 + 1 / 2) / math.e


@pytest.mark.parametrize("n", [3, 10**6, 10**12])
def test_two_labels_left_at_any_number_of_visits(n):
    # Oracle: mpmath, w (1 - w)^(2n) / 2 with w = 1/(2n + 1); 1 - w as a float is off by 1e-4 at 10^12
    found = kt.minimax_risk(BOTH, 1, 3, n)
    with mpmath.workdps(40):
        w = mpmath.mpf(1) / (2 * n + 1)
        truth = w * (1 - w) ** (2 * n) / 2
    assert found.exact
    assert found.lower == pytest.approx(float(truth), rel=1e-14, abs=0)


def test_visits_beyond_count_are_not_summed(monkeypatch):
    # Oracle: second algorithm, the sum of the binomial probabilities of the window; that of 10^15 samples has 4e8 terms
    starts, ends, chances = told_lower.Visits(0, 2, 3, 10**7).blocks(0.5)
    assert starts.size == 1
    summed = math.fsum(told_lower.binomial(np.arange(starts[0], ends[0] + 1), 1e7, 0.5))
    assert chances[0] < 1
    assert summed == pytest.approx(chances[0], rel=1e-12, abs=0)

    def refuse(*_):
        raise AssertionError("a sum over the window")

    monkeypatch.setattr(told_lower, "binomial", refuse)
    assert told_lower.Visits(0, 2, 3, 10**15).blocks(0.5)[2].tolist() == chances.tolist()
    with pytest.raises(AssertionError, match="over the window"):
        told_lower.Visits(0, 2, 3, 10**5).blocks(0.5)  # of several blocks, each is summed
