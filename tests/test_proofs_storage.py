"""Steps of N26 to N29 of the report that no test of the package's own functions is for: lists and draws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.exact.risk import exact_risk
from kt_theory.minimax.constants import C_INF
from kt_theory.minimax.draws import cost


def visited(row: np.ndarray, m: int, visits: int, k: int = 0) -> float:
    """What equal shares cost at one input after so many visits of a list of k labels and m draws."""
    learner = kt.learners.sel_at(kt.Protocol("both", tells_drawn=True, top=k, draws=m))
    return exact_risk(kt.Problem(np.ones(1), row[None]), learner, visits).value


@pytest.mark.step("N26.3")
def test_more_visits_cost_no_more_on_average() -> None:
    # Oracle: exact risks of one input at 0 to 6 visits, random rows
    rng = np.random.default_rng(1)
    for k, m in ((0, 1), (0, 3), (1, 1), (2, 2)):
        for alpha in (0.2, 1.0):
            row = rng.dirichlet(np.full(5, alpha))
            costs = [visited(row, m, visits, k) for visits in range(7)]
            assert all(later <= before + 1e-13 for before, later in itertools.pairwise(costs))
            assert costs[-1] < costs[0]


@pytest.mark.step("N29.2")
def test_light_inputs_have_poisson_visits_and_heavy_ones_the_limit_of_partial_labels() -> None:
    # Oracle: limit, the Poisson sum of exact costs by number of visits; gamma of two labels is 1/(2e)
    m, n = 2, 10**6
    row = np.array([0.6, 0.3, 0.1, 0.0])
    for r in (0.3, 1.5, 6.0):
        problem = kt.Problem(np.array([r / n, 1 - r / n]), np.array([row, np.eye(4)[0]]))
        found = n * exact_risk(problem, f"SEL@sampled:{m}", n).value
        weights = [math.exp(-r) * r**v / math.factorial(v) for v in range(40)]
        limit = r * sum(weight * visited(row, m, v) for v, weight in enumerate(weights))
        assert found == pytest.approx(limit, rel=1e-4, abs=0)
    # Three labels, one of which is surely seen; the others' rates 1 and 0 are the worst for gamma_2.
    for visits in (200, 2000):
        x = 1 / (m * visits)
        scaled = m * visits * visited(np.array([1 - x, x, 0.0]), m, visits)
        assert scaled == pytest.approx(1 / (2 * math.e), rel=2 / visits, abs=0)


@pytest.mark.step("N29.3")
@pytest.mark.parametrize(("mu", "y", "w"), [(0.5, 1.5, 0.5), (1.0, 0.5, 0.25)])
def test_the_cost_of_many_labels_after_some_visits(mu: float, y: float, w: float) -> None:
    # Oracle: limit, exact costs at A and 2A labels against T_v; their errors of order 1/A cancel
    for visits in (0, 1, 3):
        found = []
        for A in (80, 160):
            light = round(w * A)
            row = np.repeat([y / A, 0.0], [light, A - light])
            row[light] = 1 - light * y / A
            found.append(visited(row, round(mu * A), visits))
        weights, values = np.array([w, 1 - w]), np.array([y, 0.0])
        if visits == 0:
            limit = 0.5 * float(weights @ np.abs(values - 1)) + 0.5 * (1 - w * y)
        else:
            unseen = weights * np.exp(-visits * mu * values)
            mean = float(unseen @ values) / float(unseen.sum())
            limit = 0.5 * float(unseen @ np.abs(values - mean))
        assert 2 * found[1] - found[0] == pytest.approx(limit, rel=2e-3, abs=0)
        assert 2 * found[1] - found[0] != pytest.approx(1.02 * limit, rel=2e-3, abs=0)  # planted


@pytest.mark.step("N29.4")
def test_inputs_of_many_visits_have_the_constant_of_partial_labels() -> None:
    # Oracle: limit, r to infinity with a share 1/(1 + q) of the labels at (1 + q)/(r mu); and the bound for large r
    q = 0.47767006
    for mu in (0.1, 0.5, 2.0):
        gaps = [C_INF / mu - cost(mu, r, (1 + q) / (r * mu), 1 / (1 + q)) for r in (30.0, 300.0, 3000.0)]
        assert abs(gaps[-1]) * mu < 2e-3 * C_INF
        assert abs(gaps[0]) > abs(gaps[1]) > abs(gaps[2])
        gamma = kt.draws_constant(2, mu) - kt.draws_constant(1, mu)
        assert gamma >= C_INF / mu * (1 - 1e-9)
        for r in (50.0, 400.0):
            v = np.arange(1, 1000)
            logs = v * math.log(r) - r - np.array([math.lgamma(i + 1) for i in v])
            most = r * (math.exp(-r) + float(np.exp(logs) @ (C_INF / (v * mu))))
            assert most == pytest.approx(C_INF / mu, rel=2 / r, abs=0)
            assert cost(mu, r, 1.5 / (r * mu), 0.6) <= most


@pytest.mark.step("N30.5")
def test_a_list_beside_draws_leaves_the_limit_of_the_labels_that_it_lacks() -> None:
    # Oracle: limit, gamma of two labels is 1/(2e), of more the package's; exact risks of lists with one and two draws
    for k, A, m in ((1, 3, 1), (2, 4, 2), (1, 5, 1)):
        limit = 1 / (2 * math.e) if k + 2 == A else kt.minimax_constant("partial", 1, A - k + 1)
        n = 10**4
        found = []
        for light in range(1, A - k):
            for rate in np.linspace(0.9, 1.7, 17):
                x = rate / (n * m)
                row = np.array([*[(1 - light * x) / k] * k, *[x] * light, *[0.0] * (A - k - light)])
                found.append(n * m * visited(row, m, n, k))
        assert max(found) == pytest.approx(limit, rel=2e-3, abs=0)
        assert max(found) <= limit
        # Planted: a label fewer on the list would leave more.
        assert max(found) < 0.9 * kt.minimax_constant("partial", 1, A - k + 2)


@pytest.mark.step("N31.1")
def test_a_counted_tail_costs_what_counting_costs_there() -> None:
    # Oracle: identity, the sum over T of the exact risk of CE_sgl at the tail's law; and the limit in closed form
    row, k, n = np.array([0.4, 0.3, 0.2, 0.1]), 1, 12
    t, tail = 0.6, np.array([0.5, 1 / 3, 1 / 6])
    total = 0.0
    for T in range(n + 1):
        likely = math.comb(n, T) * t**T * (1 - t) ** (n - T)
        total += likely * t * exact_risk(kt.Problem(np.ones(1), tail[None]), "CE_sgl", T).value
    problem = kt.Problem(np.ones(1), row[None])
    assert exact_risk(problem, f"CE@top_k_label:{k}", n).value == pytest.approx(total, rel=1e-11, abs=0)
    limit = float(np.sqrt(row[1:] * (1 - row[1:] / t) / (2 * math.pi)).sum())
    assert 1000 * exact_risk(problem, f"CE@top_k_label:{k}", 10**6).value == pytest.approx(limit, rel=1e-3, abs=0)


@pytest.mark.step("N31.2", "N31.3")
def test_uniform_tails_below_the_list_are_the_worst() -> None:
    # Oracle: enumeration, random descending rows; the mean over Dirichlet tails tends to the value at the uniform one
    rng = np.random.default_rng(3)
    for A, k in ((3, 1), (6, 2), (9, 4)):
        most = math.sqrt((A - k) * (A - k - 1) / A)
        for i in range(300):
            p = np.sort(rng.dirichlet(np.full(A, (0.3, 1.0, 30.0)[i % 3])))[: A - k]
            t = p.sum()
            assert np.sqrt(p * (1 - p / t)).sum() <= math.sqrt(t * (A - k - 1)) * (1 + 1e-12)
            assert t <= (A - k) / A * (1 + 1e-12)
        eps = 1e-3
        t = 1 - k / A * (1 + eps)
        means, kept = [], []
        for alpha in (10.0, 1e3, 1e9):
            p = t * rng.dirichlet(np.full(A - k, alpha), 400)
            below = (p < (1 + eps) / A).all(axis=1)
            kept.append(below.mean())
            means.append(float(np.sqrt(p * (1 - p / t)).sum(axis=1).mean()))
        assert kept[-1] == 1
        assert means == sorted(means)
        assert means[-1] == pytest.approx(math.sqrt(t * (A - k - 1)), rel=1e-6, abs=0)
        assert means[-1] == pytest.approx(most, rel=2 * eps, abs=0)
        assert means[-1] != pytest.approx(math.sqrt((A - 1) * (1 - k / A)), rel=2 * eps, abs=0)  # planted: A - 1 labels
