"""The exact expected risk of SEL_ptl: three routes, and the family of the least favourable teachers."""

from __future__ import annotations

import inspect
import itertools
import math
import tracemalloc
from fractions import Fraction
from functools import partial
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from scipy import special

import oracles
from kt_theory.exact import circles, loops_sel, many, sel
from kt_theory.exact.rows import OutOfReach, Row, distinct_rows
from kt_theory.numerics import powers
from kt_theory.problem import Problem, instance, tv_risk, uniform_table

ROUTES = [sel.subsets, sel.classes]
BOTH = pytest.mark.parametrize("route", ROUTES, ids=["subsets", "classes"])
MANY_N = (0, 1, 2, 3, 5, 10, 30, 100, 1000, 10**5, 10**9, 10**12)


def uniform_row(rho: float, p: np.ndarray) -> Row:
    p = np.sort(np.asarray(p, dtype=np.float64))
    return Row(rho, p, np.full(p.size, 1 / p.size), 1)


def summed(route, rho, teacher, n, init, divergence="tv"):
    rows = distinct_rows(*(np.array(x, dtype=np.float64) for x in (rho, teacher, init)))
    return math.fsum(row.times * route(row, n, divergence).value for row in rows)


def random_row(rng: np.random.Generator, n: int, most: int) -> tuple[float, np.ndarray]:
    """Rows with zeros, with ties, with labels of mass about 1/n, near-deterministic ones."""
    A = int(rng.integers(1, most + 1))
    rho = float(rng.choice([1.0, 0.5, min(1.0, 2 / (n + 1)), rng.random()]))
    p = rng.dirichlet(np.full(A, 0.5)) * (rng.random(A) < 0.8)
    if rng.random() < 0.5:
        p = np.round(p * 6)
    if rng.random() < 0.3:
        p = np.minimum(p, 3 / (n + 1))
        p[0] += 1
    p[0] += p.sum() == 0
    return rho, p / p.sum()


# --- Against enumeration -----------------------------------------------------------------------------------


@BOTH
def test_small_problems_are_exact_to_13_digits(route):
    # Oracle: enumeration, every count table in fractions; zeros in rows and in init tables
    rng = np.random.default_rng(1)
    for _ in range(120):
        S, A, n = int(rng.integers(1, 3)), int(rng.integers(1, 4)), int(rng.integers(0, 6))
        rho = oracles.rational_law(rng, S)
        teacher = [oracles.rational_law(rng, A, zeros=True) for _ in range(S)]
        init = [oracles.rational_law(rng, A, zeros=True) for _ in range(S)]
        truth = float(oracles.enumerate_risks(rho, teacher, n, init)["SEL_ptl"])
        # atol: a cost of exactly 0 between thirds that float64 cannot hold
        assert summed(route, rho, teacher, n, init) == pytest.approx(truth, rel=1e-13, abs=1e-17)


def literal_divergence(divergence, p, q):
    if divergence == "l2":
        return sum((x - y) ** 2 for x, y in zip(p, q, strict=True))
    return sum(float(x) * math.log(x / y) if y else math.inf for x, y in zip(p, q, strict=True) if x)


@BOTH
@pytest.mark.parametrize("divergence", ["kl", "l2"])
def test_other_divergences(route, divergence):
    # Oracle: enumeration, all sequences of draws at one input, students from their definition in fractions
    rng = np.random.default_rng(2)
    infinite = 0
    for _ in range(100):
        A, n = int(rng.integers(1, 4)), int(rng.integers(0, 5))
        rho = Fraction(int(rng.integers(1, 4)), 3)
        p = oracles.rational_law(rng, A, zeros=True)
        init = oracles.rational_law(rng, A, zeros=True)
        truth = 0.0
        cells = [rho * x for x in p] + [1 - rho]
        for counts in oracles._compositions(n, A + 1):
            chance = Fraction(math.factorial(n))
            for count, mass in zip(counts, cells, strict=True):
                chance *= mass**count / math.factorial(count)
            if chance:
                student = oracles.student_rows(counts[:A], p, init)["SEL_ptl"]
                truth += float(rho * chance) * float(literal_divergence(divergence, p, student))
        infinite += math.isinf(truth)
        row = Row(float(rho), np.array(p, dtype=float), np.array(init, dtype=float), 1)
        value = route(row, n, divergence).value
        # atol: float sums of logarithms that cancel to 0 in the oracle
        assert value == truth or value == pytest.approx(truth, rel=1e-12, abs=1e-15)
    assert (infinite > 0) == (divergence == "kl")


# --- Against Moebius inversion with as many digits as it takes --------------------------------------------------


@BOTH
def test_rows_of_up_to_nine_labels(route):
    # Oracle: second algorithm, Moebius inversion over sets in integers, to 1e-15
    rng = np.random.default_rng(3)
    for i in range(150):
        n = MANY_N[i % len(MANY_N)]
        rho, p = random_row(rng, n, 9)
        truth = rho * oracles._row_by_sets(rho, p.tolist(), n)
        estimate = route(uniform_row(rho, p), n)
        if truth < 1e-290:
            assert estimate.value < 1e-280
        else:
            # a probability u of being unseen holds about log(1/u) roundings of its masses
            assert estimate.value == pytest.approx(truth, rel=1e-13 + 2e-16 * abs(math.log(truth)), abs=0)
            oracles.honest(estimate, truth)


def test_fourteen_labels():
    # Oracle: second algorithm, Moebius inversion over sets in integers, to 1e-15
    p = np.random.default_rng(4).dirichlet(np.full(13, 0.7))
    p = np.append(p, 0.0)
    for n in (7, 400):
        truth = 0.4 * oracles._row_by_sets(0.4, p.tolist(), n)
        assert sel.subsets(uniform_row(0.4, p), n).value == pytest.approx(truth, rel=1e-13, abs=0)


def test_twelve_labels_by_both_routes():
    # Oracle: second algorithm, double-double against contour integrals
    p = np.random.default_rng(4).dirichlet(np.full(12, 0.7))
    for n in (7, 400, 10**6):
        pair = [route(uniform_row(0.4, p), n).value for route in ROUTES]
        assert pair[0] == pytest.approx(pair[1], rel=1e-13, abs=0)


@pytest.mark.parametrize(
    ("k", "S", "A", "n"),
    [
        (0, 100, 25, 1000),
        (0, 100, 25, 100_000),
        (0, 1, 100, 30),
        (1, 10, 10, 1000),
        (1, 100, 8, 2400),
        (1, 3, 41, 500),
        (2, 10, 11, 2000),
        (2, 1, 401, 10**5),
        (2, 1, 31, 10**12),
        (3, 10, 11, 2000),
        (3, 100, 11, 10**12),
    ],
)
def test_the_instances_of_the_paper(k, S, A, n):
    # Oracle: second algorithm, Moebius inversion over class counts in integers, to 1e-15
    problem = instance(k, S, A, n)
    truth = oracles.exact_sel_ptl_classes(problem.rho, *oracles.label_classes(problem.teacher[0]), n)
    value = summed(sel.classes, problem.rho, problem.teacher, n, uniform_table(S, A))
    assert value == pytest.approx(truth, rel=1e-12, abs=0)


def test_thousands_of_labels_in_a_class():
    # Oracle: second algorithm, Moebius inversion over class counts in integers, to 1e-15
    p = np.array([0.5] + [0.5 / 1200] * 1200)
    truth = 0.3 * oracles._row_by_classes(0.3, [0.5, 0.5 / 1200], [1, 1200], 20_000)
    assert sel.classes(uniform_row(0.3, p), 20_000).value == pytest.approx(truth, rel=1e-12, abs=0)


def test_two_large_classes():
    # Oracle: mpmath, inclusion-exclusion over class counts with 200 digits
    k, n, rho = 25, 400, 0.5
    light, heavy = 0.25 / k, 0.75 / k
    with mpmath.workdps(200):
        a, b, r = mpmath.mpf(light), mpmath.mpf(heavy), mpmath.mpf(rho)
        power = [[(1 - r * (i * a + j * b)) ** n for j in range(k + 1)] for i in range(k + 1)]
        for last in range(k, 0, -1):
            for i in range(last):
                power[i] = [x - y for x, y in zip(power[i], power[i + 1], strict=True)]
        for i in range(k + 1):
            for last in range(k, 0, -1):
                for j in range(last):
                    power[i][j] -= power[i][j + 1]
        truth = mpmath.mpf(0)
        for i in range(k + 1):
            for j in range(k + 1):
                if i + j:
                    q = (i * a + j * b) / (i + j)
                    cost = (i * abs(a - q) + j * abs(b - q)) / 2
                    truth += math.comb(k, i) * math.comb(k, j) * power[i][j] * cost
        truth = float(r * truth)
    row = uniform_row(rho, [light] * k + [heavy] * k)
    assert sel.classes(row, n).value == pytest.approx(truth, rel=1e-12, abs=0)


def test_a_planted_fault_is_seen():
    # Oracle: identity, the route with one cell's cost off by 1e-9 of itself must not pass at 1e-12
    row = uniform_row(0.5, [0.1, 0.2, 0.3, 0.4])
    right = sel.subsets(row, 6).value
    wrong = sel.subsets(uniform_row(0.5, [0.1, 0.2, 0.3 + 1e-9, 0.4 - 1e-9]), 6).value
    assert right == pytest.approx(sel.classes(row, 6).value, rel=1e-12, abs=0)
    assert wrong != pytest.approx(right, rel=1e-12, abs=0)


@pytest.mark.parametrize("seed", range(3))
def test_sums_and_products_of_two_floats_lose_nothing(seed):
    # Oracle: enumeration, in fractions: the two parts of a sum and of a product add up to it
    rng = np.random.default_rng(seed)
    for a, b in (rng.standard_normal((200, 2)) * 10.0 ** rng.integers(-6, 7, size=(200, 2))).tolist():
        for exact, (high, low) in (
            (Fraction(a) + Fraction(b), loops_sel._two_sum(a, b)),
            (Fraction(a) * Fraction(b), loops_sel._two_prod(a, b)),
        ):
            assert Fraction(high) + Fraction(low) == exact
            assert abs(low) <= 2.0**-53 * abs(high)


def test_products_of_four_floats_keep_thirty_digits():
    # Oracle: enumeration, in fractions
    rng = np.random.default_rng(4)
    for a, b, c, d in rng.standard_normal((200, 4)).tolist():
        exact = (Fraction(a) + Fraction(b) / 2**55) * (Fraction(c) + Fraction(d) / 2**55)
        high, low = loops_sel._times(a, b * 2.0**-55, c, d * 2.0**-55)
        assert abs(Fraction(high) + Fraction(low) - exact) <= abs(exact) / 10**30 + Fraction(1, 10**31)


# --- Edges ---------------------------------------------------------------------------------------------------


@BOTH
def test_edges(route):
    # Oracle: identity, no data means init, one label costs nothing, two labels are known from one
    row = Row(0.3, np.array([0.2, 0.8]), np.array([0.6, 0.4]), 1)
    assert route(row, 0).value == pytest.approx(0.3 * 0.4, rel=1e-15, abs=0)
    assert route(row, 5).value == pytest.approx(0.3 * 0.7**5 * 0.4, rel=1e-13, abs=0)
    assert route(Row(0.3, np.ones(1), np.ones(1), 1), 4).value == 0
    sure = Row(1.0, np.array([0.0, 0.0, 1.0]), np.full(3, 1 / 3), 1)
    assert route(sure, 0).value == pytest.approx(2 / 3, rel=1e-15, abs=0)
    assert route(sure, 1).value == 0


@BOTH
def test_kl_to_an_init_that_hardly_knows_a_label(route):
    # Oracle: mpmath, sum p log(p/q) at n = 0 with 40 digits; zeros of init that the teacher uses make it infinite
    p, q = np.array([0.1, 0.3, 0.6]), np.array([1e-12, 0.4, 0.6])
    with mpmath.workdps(40):
        truth = float(sum(mpmath.mpf(x) * mpmath.log(mpmath.mpf(x) / mpmath.mpf(y)) for x, y in zip(p, q, strict=True)))
    # the float laws are off 1 by 1e-12 and 1e-16
    assert route(Row(1.0, p, q / q.sum(), 1), 0, "kl").value == pytest.approx(truth, rel=2e-12, abs=0)
    assert route(Row(0.5, p, np.array([0.0, 0.4, 0.6]), 1), 0, "kl").value == math.inf


@BOTH
def test_a_good_init_costs_nothing(route):
    # Oracle: identity, init in proportion to the teacher is right however little was seen
    p = np.array([0.0, 0.1, 0.3, 0.6])
    for n in (0, 1, 7):
        assert route(Row(0.9, p, p, 1), n).value == 0


def test_tiny_risks_keep_their_digits():
    # Oracle: identity, instance 0 pays only while the heavy label is unseen: value at an exponent of -500
    heavy, light = 0.5 + 0.5 / 25, 0.5 / 25
    n, rho = 100_000, 0.01
    value = sel.classes(uniform_row(rho, [heavy] + [light] * 24), n).value
    # sets with the heavy label and j others: (1 - rho heavy)^n is at most all of it, one other unseen at least
    assert 0 < value <= rho * math.exp(n * math.log1p(-rho * heavy))


def test_row_risk_takes_the_route_that_applies():
    # Oracle: second algorithm, the routes themselves
    spread = np.random.default_rng(5).dirichlet(np.ones(30))
    assert sel.row_risk(uniform_row(0.5, [0.2, 0.3, 0.5]), 5).route == "subsets"
    assert sel.row_risk(uniform_row(0.5, [0.01] * 50 + [0.5]), 5).route == "label classes"
    assert sel.row_risk(uniform_row(0.5, spread), 500).route == "halves"
    with pytest.raises(OutOfReach, match=r"kt_theory\.simulate"):
        sel.row_risk(Row(0.5, spread, spread, 1), 5)
    with pytest.raises(OutOfReach, match=r"kt_theory\.simulate"):
        sel.row_risk(uniform_row(0.5, spread), 5, "kl")
    with pytest.raises(ValueError, match="divergence"):
        sel.row_risk(uniform_row(0.5, [0.5, 0.5]), 5, "hellinger")


def test_relabelling_and_hand_made_students():
    # Oracle: enumeration, one draw: the student after each label, written down
    teacher = np.array([[0.5, 0.2, 0.3]])
    problem = Problem([1.0], teacher)
    students = [[0.5, 0.25, 0.25], [0.4, 0.2, 0.4], [0.35, 0.35, 0.3]]
    truth = sum(p * tv_risk([q], problem) for p, q in zip(teacher[0], students, strict=True))
    for order in ([0, 1, 2], [2, 0, 1]):
        value = summed(sel.subsets, [1.0], teacher[:, order], 1, uniform_table(1, 3))
        assert value == pytest.approx(truth, rel=1e-14, abs=0)


# --- Many different labels ------------------------------------------------------------------------------------


def by_series(row, n, rtol):
    low = max(many.bracket(row, n)[0], 1e-290)
    return many._by_levels(row, n, low, 1e-12, partial(many.series, rtol=rtol), many.SERIES)


@pytest.mark.parametrize("products", [0, 2000, 10**8])
@pytest.mark.parametrize(("n", "alpha"), [(3, 1.0), (20, 1.0), (20, 0.5), (300, 0.5)])
def test_series_against_subsets(monkeypatch, products, n, alpha):
    # Oracle: second algorithm, subsets in double-double
    monkeypatch.setattr(many, "MOST_PRODUCTS", products)
    monkeypatch.setattr(many, "MOST_STEPS", 1e7)
    rng = np.random.default_rng(6)
    p = rng.dirichlet(np.full(13, alpha)) * (rng.random(13) < 0.9)
    row = uniform_row(0.7, p / p.sum())
    truth = sel.subsets(row, n).value
    estimate = by_series(row, n, 1e-5)
    oracles.honest(estimate, truth)
    if products == 10**8:
        assert estimate.value == pytest.approx(truth, rel=1e-9, abs=0)


@pytest.mark.parametrize("rho", [0.5, 1.0])
@pytest.mark.parametrize("n", [1, 3, 10])
def test_heavy_labels_that_no_draw_showed(rho, n):
    # Oracle: second algorithm, subsets in double-double
    light = np.arange(1.0, 12.0)
    row = uniform_row(rho, [0.55, 0.25, *(0.2 * light / light.sum())])
    truth = sel.subsets(row, n).value
    for estimate in (by_series(row, n, 1e-7), many.risk(row, n)):
        oracles.honest(estimate, truth)
        assert estimate.value == pytest.approx(truth, rel=1e-6, abs=0)


def test_halves_and_series_against_classes():
    # Oracle: second algorithm, label classes
    row = uniform_row(0.9, [0.004] * 40 + [0.01] * 40 + [0.0] * 5 + [0.44])
    truth = sel.classes(row, 100)
    estimate = by_series(row, 100, 1e-7)
    assert abs(estimate.value - truth.value) <= estimate.error + truth.error
    row = uniform_row(0.5, [0.002] * 12 + [0.03] * 12 + [0.0] * 3 + [0.616])
    truth, estimate = sel.classes(row, 100), many.risk(row, 100)
    assert estimate.route == "halves"
    assert abs(estimate.value - truth.value) <= estimate.error + truth.error
    assert estimate.error <= 1e-10 * estimate.value


def test_many_labels_say_what_they_cannot_do(monkeypatch):
    # Oracle: identity, no room for sets and few harmonics cannot reach the digits asked for
    for name, value in (("WORK", 0), ("MOST_PRODUCTS", 0), ("MOST_HARMONICS", 32)):
        monkeypatch.setattr(many, name, value)
    row = uniform_row(0.7, np.random.default_rng(7).dirichlet(np.full(30, 0.3)))
    with pytest.raises(OutOfReach, match="simulate"):
        many.risk(row, 300)


def test_the_brackets_of_many_labels():
    # Oracle: second algorithm, subsets in double-double
    rng = np.random.default_rng(9)
    for i in range(60):
        z = rng.normal(size=int(rng.integers(2, 11))) * (1, 5, 30)[i % 3]
        p = np.exp(z - z.max())
        init = rng.dirichlet(np.full(p.size, 0.3)) if i % 2 else np.full(p.size, 1 / p.size)
        order = np.argsort(p)
        row, n = Row((1.0, 0.4)[i % 2], p[order] / p.sum(), init, 1), int(10 ** rng.uniform(0, 3))
        low, high = many.bracket(row, n)
        truth = sel.subsets(row, n)
        assert row.rho * low <= truth.value + truth.error
        assert truth.value - truth.error <= row.rho * high


@pytest.mark.parametrize("light", [1.0, 1e-9])
def test_the_brackets_are_those_of_all_pairs_of_labels(light):
    # Oracle: enumeration, pairs of labels and their masses as fractions; `light`: all labels but the last
    rng = np.random.default_rng(10)
    for i in range(20):
        p = np.sort(rng.dirichlet(np.full(int(rng.integers(2, 9)), (1, 0.1)[i % 2])))
        p[:-1] *= light
        p[-1] = 1 - p[:-1].sum()
        init = rng.dirichlet(np.full(p.size, 0.3)) if i % 3 else np.eye(p.size)[0]
        n, rho = int(10 ** rng.uniform(0, 2)), (1.0, 0.4)[i % 2]
        total = sum(map(Fraction, p.tolist()))
        w = [Fraction(rho) * Fraction(x) / total for x in p.tolist()]
        low = 0.0
        for a, b in itertools.combinations(range(p.size), 2):
            share = init[a] / (init[a] + init[b]) if init[a] + init[b] > 0 else 0.5
            apart = abs(p[b] * share - p[a] * (1 - share))
            if apart > 1e-9 * (p[a] + p[b]):
                low = max(low, apart * float((1 - w[a] - w[b]) ** n))
        high = float(sum(Fraction(x) * (1 - y) ** n for x, y in zip(p.tolist(), w, strict=True)))
        found = many.bracket(Row(rho, p, init, 1), n)
        assert found[0] == pytest.approx(0.5 * (1 - 1e-6) * low, rel=1e-11, abs=1e-300)
        assert found[1] == pytest.approx((1 + 1e-9) * high, rel=1e-11, abs=1e-300)


def test_what_a_logarithm_lacks_has_all_its_digits():
    # Oracle: mpmath, u - log(1 + u), which cancels, at 60 digits; powers (1 - w)^n, and 0^0 = 1
    u = np.concatenate((np.geomspace(1e-150, 1e6, 60), -np.geomspace(1e-150, 0.999, 60)))
    with mpmath.workdps(400):
        truth = [float(mpmath.mpf(x) - mpmath.log1p(mpmath.mpf(x))) for x in u.tolist()]
    np.testing.assert_allclose(powers.log_lag(u), truth, rtol=4e-15, atol=0)
    np.testing.assert_allclose(powers.powers_of(3, np.array([0.0, 0.5, 1.0])), [1.0, 0.125, 0.0], rtol=1e-15)
    assert powers.powers_of(0, np.array([0.0, 0.5, 1.0])).tolist() == [1.0, 1.0, 1.0]


def peak_of(call) -> float:
    """The most memory that is held at once, in MB."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def distances_by_matrix(p, idle, times):
    return np.abs(p[:, None] - idle) @ times, 0.5 * float(times @ np.abs(idle[:, None] - idle) @ times)


def test_distances_from_idle_labels_are_those_of_all_pairs():
    # Oracle: enumeration, all pairs; labels below, among and above the idle ones
    rng = np.random.default_rng(2)
    for size in (1, 2, 7, 40):
        idle, times = np.sort(rng.random(size)), rng.integers(1, 5, size)
        p = np.concatenate((rng.uniform(-0.5, 1.5, 20), idle[:3]))
        found, truth = circles._distances(p, idle, times), distances_by_matrix(p, idle, times)
        assert found[0] == pytest.approx(truth[0], rel=1e-14, abs=1e-15)
        assert found[1] == pytest.approx(truth[1], rel=1e-14, abs=0)


def sharp_row(A: int) -> Row:
    light = np.linspace(1.0, 2.0, A - 3)
    return uniform_row(1.0, [*(light / light.sum() * 1e-15), 0.2, 0.3, 0.5 - 1e-15])


def test_thousands_of_idle_labels_need_no_matrix(monkeypatch):
    # Oracle: second algorithm, a matrix of all pairs gives the same risk, and takes 8 A^2 bytes
    row = sharp_row(3000)
    found = []
    assert peak_of(lambda: found.append(sel.generic(row, 20, patient=False))) < 20
    monkeypatch.setattr(circles, "_distances", distances_by_matrix)
    assert peak_of(lambda: found.append(sel.generic(row, 20, patient=False))) > 70
    assert found[0].value == pytest.approx(found[1].value, rel=1e-13, abs=0)


def test_idle_labels_cost_time():
    # Oracle: identity, a product for each node and each idle label of every set
    circle = SimpleNamespace(t=np.zeros(10), n=50, heavy=0.0)
    few, many_idle = (
        SimpleNamespace(p=np.zeros(4), heavy=0.0, idle=np.zeros(k), always=k, idle_mass=1.0) for k in (0, 10**6)
    )
    halves = [SimpleNamespace(sizes=np.array([1, 2, 1]))] * 2
    assert many._work(many_idle, circle, halves) - many._work(few, circle, halves) == 10 * 10**6 * 9
    assert many._affordable(100, 100, 10) > many._affordable(100, 100, 10 + 10**6) == 0


@pytest.mark.parametrize("divergence", ["tv", "kl", "l2"])
@pytest.mark.parametrize("route", ROUTES, ids=["subsets", "classes"])
def test_labels_of_probability_zero_are_one_column(route, divergence):
    # Oracle: enumeration, every count table in fractions, at 3 such labels of different init; memory at 4,000 of one
    p, init = [0.0, 0.0, 0.0, 0.25, 0.75], [0.25, 0.125, 0.0, 0.5, 0.125]
    row = distinct_rows(np.ones(1), np.array([p]), np.array([init]))[0]
    truth = 0.0
    for seen, chance in (((1, 0), 0.25**3), ((0, 1), 0.75**3), ((1, 1), 1 - 0.25**3 - 0.75**3)):
        unseen = np.array([True, True, True, *(x == 0 for x in seen)])
        spread = sum(x for x, u in zip(p, unseen, strict=True) if u)
        share = np.where(unseen, init, 0.0)
        q = np.where(unseen, spread * share / share.sum(), p)
        off = np.abs(q - p)
        cost = {"tv": off.sum() / 2, "l2": (off**2).sum(), "kl": special.rel_entr(p, q).sum()}
        truth += chance * cost[divergence]
    assert route(row, 3, divergence).value == pytest.approx(truth, rel=1e-13, abs=0)
    A = 4000
    row = uniform_row(1.0, [*np.zeros(A - 3), 0.25, 0.25, 0.5])
    assert peak_of(lambda: route(row, 3, divergence)) < 2
    if divergence != "l2":
        light = np.arange(1.0, A + 1)
        row = distinct_rows(np.ones(1), row.p[None], light[None] / light.sum())[0]
        assert peak_of(lambda: route(row, 3, divergence)) < 2


def test_labels_of_probability_zero_that_differ_are_refused_for_l2():
    # Oracle: identity, q^2 is no sum of init: 6,000 such labels would need a matrix of 288 MB
    A = 6000
    light = np.arange(1.0, A + 1)
    row = Row(1.0, np.append(np.zeros(A - 2), [0.25, 0.75]), light / light.sum(), 1)
    with pytest.raises(OutOfReach, match="6000 labels or classes that differ"):
        sel.subsets(row, 3, "l2")


def test_the_defaults_of_many_labels():
    assert inspect.signature(many.risk).parameters["rtol"].default == 1e-9
    assert inspect.signature(sel.row_risk).parameters["rtol"].default == 1e-9


def test_the_error_of_classes_counts_what_was_seen():
    # Oracle: second algorithm, Moebius inversion over class counts in integers, to 1e-15
    for p, times, n in (([1 / 12, 0.0], [12, 3], 100), ([1e-4, 1 - 12e-4], [12, 1], 10)):
        truth = oracles._row_by_classes(1.0, p, times, n)
        estimate = sel.classes(uniform_row(1.0, np.repeat(p, times)), n)
        oracles.honest(estimate, truth)
    # four times forty roundings and those of the exponents; without log(1 - e^(-w R)) of seen labels it is 451
    assert 460 <= estimate.error / estimate.value / 2.0**-52 <= 480


# --- The family of the least favourable teachers ------------------------------------------------------------------


def test_family_against_class_inversion():
    # Oracle: second algorithm, Moebius inversion over class counts in integers, to 1e-15
    rng = np.random.default_rng(8)
    for i in range(300):
        n = MANY_N[i % len(MANY_N)]
        A = int(rng.integers(1, 30))
        k = int(rng.integers(0, A))
        r = float(rng.choice([1.0, 0.5, 0.01, 1 / (n + 1), rng.random()]))
        most = r / max(k, 1)
        x = float(rng.choice([rng.random() * most, min(most, 1.4 / (n + 1)), min(most, 30 / (n + 1)), most]))
        heavy = max(r - k * x, 0.0)
        truth = r * oracles._row_by_classes(r, *oracles._merged_classes([x / r, 0.0, heavy / r], [k, A - k - 1, 1]), n)
        value = sel.family_risk(n, A, r, k, x)
        if truth > 1e-285:
            assert value == pytest.approx(truth, rel=1e-12, abs=0), (n, A, r, k, x)
        else:
            assert value < 1e-280


@pytest.mark.parametrize(("A", "k", "n"), [(100, 67, 100), (100, 67, 10**4), (300, 200, 10**9), (300, 299, 5)])
def test_family_with_many_labels(A, k, n):
    # Oracle: second algorithm, Moebius inversion over class counts in integers, to 1e-15
    x = min(1.47 / n, 0.9 / k)
    truth = oracles._row_by_classes(1.0, [x, 0.0, 1 - k * x], [k, A - k - 1, 1], n)
    assert sel.family_risk(n, A, 1.0, k, x) == pytest.approx(truth, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("A", "n", "k", "x", "minimax"),
    [
        (3, 1, 1, 1 / 2, Fraction(1, 4)),
        (3, 2, 1, 1 / 2, Fraction(1, 8)),
        (3, 3, 1, 1 / 2, Fraction(1, 16)),
        (4, 1, 2, 1 / 2, Fraction(1, 3)),
        (4, 2, 2, 1 / 3, Fraction(5, 27)),
        (4, 3, 2, 1 / 3, Fraction(11, 81)),
    ],
)
def test_minimax_values_at_one_input(A, n, k, x, minimax):
    # Oracle: published, linear-programming values of the game over all students, as fractions
    assert sel.family_risk(n, A, 1.0, k, x) == pytest.approx(float(minimax), rel=1e-13, abs=0)
    near = sel.family_risk(n, A, 1.0, k, np.array([0.98 * x, min(1.02 * x, 1 / k)]))
    assert (near <= float(minimax) * (1 + 1e-13)).all()


@pytest.mark.parametrize(("A", "k", "x"), [(3, 1, 1.0), (10, 6, 1.318303), (25, 16, 1.404137)])
def test_poisson_limit(A, k, x):
    # Oracle: limit, x E[J z / (J + z)] with J ~ Bin(k, e^-x); its error is of order 1/n
    zeros = A - 1 - k
    q = math.exp(-x)
    binomial = [math.comb(k, j) * q**j * (1 - q) ** (k - j) for j in range(k + 1)]
    limit = x * sum(b * j * zeros / (j + zeros) for j, b in enumerate(binomial))
    for n in (10**6, 10**9):
        assert n * sel.family_risk(n, A, 1.0, k, x / n) == pytest.approx(limit, rel=20 * A / n + 1e-12, abs=0)


def test_family_refuses_bad_arguments():
    with pytest.raises(ValueError, match="must be left"):
        sel.family_risk(3, 4, 1.0, 4, 0.1)
    with pytest.raises(ValueError, match="exceed"):
        sel.family_risk(3, 4, 1.0, 3, 0.4)
