"""The exact risk of CE_ptl: its routes against fractions, mpmath, each other and published values."""

import math
import time
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import oracles
from kt_theory.exact import counts, ptl
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import Estimate, OutOfReach, Row, distinct_rows
from kt_theory.problem import Problem, instance
from kt_theory.risk import expected_risk

EPS = 2.0**-52


def a_row(p, rho=1.0, init=None):
    p = np.sort(np.asarray(p, dtype=np.float64))
    return Row(rho, p, np.full(p.size, 1 / p.size) if init is None else np.asarray(init), times=1)


def risk(problem, n):
    rows = distinct_rows(problem.rho, problem.teacher, np.full(problem.teacher.shape, 1 / problem.A))
    return math.fsum(row.times * ptl.row_risk(row, n).value for row in rows)


def limit(row):
    square = row.p**2
    return row.rho * 0.5 * np.abs(square / square.sum() - row.p).sum()


def agrees(estimate, truth, ulps=0):
    """The error that a route states covers what it is off by; `ulps`: of a truth that is summed in floats."""
    assert np.isfinite(estimate.error)
    padded = Estimate(estimate.value, estimate.error + ulps * EPS * abs(truth), estimate.route)
    oracles.honest(padded, truth)


def one_input(rng, labels=5, draws=7):
    """A row of small fractions, its mass, a number of draws, and the fractions again."""
    A = int(rng.integers(2, labels))
    p = sorted(oracles.rational_law(rng, A, 12, zeros=True))
    init = oracles.rational_law(rng, A, 12, zeros=True)
    mass = Fraction(int(rng.integers(1, 13)), 12)
    row = Row(float(mass), np.array(p, dtype=np.float64), np.array(init, dtype=np.float64), times=1)
    return row, int(rng.integers(0, draws)), (mass, p, init)


def literal(fractions, n):
    """What one input adds: beside it an input that costs nothing."""
    mass, p, init = fractions
    sure = [Fraction(1)] + [Fraction(0)] * (len(p) - 1)
    if mass == 1:
        return oracles.enumerate_risks([mass], [p], n, [init])["CE_ptl"]
    return oracles.enumerate_risks([mass, 1 - mass], [p, sure], n, [init, sure])["CE_ptl"]


def unvisited(row, n):
    return row.rho * (1 - row.rho) ** n * 0.5 * np.abs(row.p - row.init).sum()


ROUTES = {
    "enumeration": ptl.by_enumeration,
    "classes": ptl.by_classes,
    "counts": counts.estimate,
}


@pytest.fixture
def short(monkeypatch):
    """Where few labels give M atoms the series is followed for long: not here, at the price of larger errors."""
    monkeypatch.setattr(counts, "MOST_TURNS", 3e6)
    monkeypatch.setattr(counts, "MOST_PRODUCTS", 1e6)


# --- Small problems, literally --------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("mass", [5e-324, 1e-320, 1e-310])
def test_an_input_of_subnormal_mass_is_enumerated(mass, n):
    # Oracle: enumeration, in fractions; rho * p is 0 in float64 for some labels of these masses
    p = [Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)]
    row = a_row([float(x) for x in p], mass, [1 / 4, 1 / 4, 1 / 2])
    truth = literal((Fraction(mass), p, [Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)]), n)
    found = ptl.row_risk(row, n)
    assert abs(Fraction(found.value) - truth) <= 4 * Fraction(5e-324)  # products of subnormals have no more digits
    enumerated = ptl.by_enumeration(row, n)
    assert np.isfinite([enumerated.value, enumerated.error]).all()
    assert abs(Fraction(enumerated.value) - (truth - Fraction(unvisited(row, n)))) <= 4 * Fraction(5e-324)


def test_every_route_meets_the_enumeration(short):
    # Oracle: enumeration, all count tables in fractions
    rng = np.random.default_rng(1)
    done = 0
    while done < 200:
        row, n, fractions = one_input(rng)
        truth = literal(fractions, n)
        whole = ptl.row_risk(row, n)
        assert abs(whole.value - truth) <= 1e-12 * truth
        agrees(whole, truth)
        if n == 0 or np.count_nonzero(row.p) == 1:
            continue
        done += 1
        visited = truth - unvisited(row, n)
        for name, route in ROUTES.items():
            if name == "counts" and np.unique(row.p[row.p > 0]).size == 1:
                continue
            if name != "counts":
                assert abs(route(row, n).value - visited) <= 1e-12 * truth
                agrees(route(row, n), visited, ulps=16)
            elif done <= 20:
                agrees(route(row, n), visited, ulps=16)


def test_a_wrong_answer_is_seen():
    # Oracle: enumeration, planted wrong constants
    row, n = a_row([0.25, 0.25, 0.5], 0.5), 5
    mass = [Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)]
    truth = literal((Fraction(1, 2), mass, [Fraction(1, 3)] * 3), n)
    right = ptl.row_risk(row, n)
    agrees(right, truth)
    for planted in (truth * (1 + 1e-12), ptl.row_risk(row, n + 1).value, ptl.by_classes(row, n).value):
        with pytest.raises(AssertionError):
            agrees(Estimate(planted, right.error, "planted"), truth)


def test_l2_meets_a_literal_sum():
    # Oracle: enumeration, binomial weights of two labels
    p, n = 0.3, 9
    expected = 0.0
    for c in range(n + 1):
        share = c * p / (c * p + (n - c) * (1 - p))
        expected += math.comb(n, c) * p**c * (1 - p) ** (n - c) * 2 * (share - p) ** 2
    row = a_row([p, 1 - p])
    for route in (ptl.by_enumeration, ptl.by_classes):
        agrees(route(row, n, "l2"), expected, ulps=64)
    # equal labels, in classes of several
    row = a_row([0.1, 0.1, 0.1, 0.35, 0.35], 0.4)
    left, right = ptl.by_enumeration(row, 12, "l2"), ptl.by_classes(row, 12, "l2")
    assert abs(left.value - right.value) <= left.error + right.error


# --- Moderate n -----------------------------------------------------------------------------------------


def long_sum(p, n):
    """E TV for rho = 1 and three labels, every count vector, 40 digits."""
    with mpmath.workdps(40):
        p = [mpmath.mpf(float(x)) for x in p]
        total = weight_of_all = mpmath.mpf(0)
        powers = [[x**i / mpmath.factorial(i) for i in range(n + 1)] for x in p]
        for i in range(n + 1):
            for j in range(n + 1 - i):
                c = (i, j, n - i - j)
                weight = powers[0][i] * powers[1][j] * powers[2][c[2]]
                M = sum(x * y for x, y in zip(c, p, strict=True))
                weight_of_all += weight
                total += weight * sum(x * abs(y - M) for x, y in zip(p, c, strict=True)) / (2 * M)
        return float(total / weight_of_all)


@pytest.mark.parametrize("p", [[0.2, 0.3, 0.5], [0.1, 0.45, 0.45], [0.331, 0.333, 0.336], [0.001, 0.01, 0.989]])
def test_three_labels_by_mpmath(p, short):
    # Oracle: mpmath, all count vectors of 60 draws at 40 digits
    truth = long_sum(p, 60)
    row = a_row(p)
    for route in (ptl.row_risk, ptl.by_enumeration, ptl.by_classes):
        estimate = route(row, 60)
        agrees(estimate, truth)
        assert abs(estimate.value - truth) <= 2e-14 * truth
    agrees(counts.estimate(row, 60), truth)


@pytest.mark.parametrize("rho", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("n", [30, 300, 3000, 30_000])
def test_classes_and_counts_meet(rho, n, short):
    # Oracle: second algorithm, label classes against a cosine series in M, which is nearly a lattice in the last rows
    rng = np.random.default_rng(n)
    generic = rng.dirichlet(np.ones(3))
    tables = ([0.2, 0.3, 0.5], generic, [0.1] * 5 + [0.5 / 7] * 7, [0.01] * 30 + [0.014] * 50, [0.24, 0.26, 0.25, 0.25])
    for p in tables:
        row = a_row(np.array(p) / np.sum(p), rho)
        if ptl.classes_cost(row, n) > 2e7:
            continue
        left, right = ptl.by_classes(row, n), counts.estimate(row, n)
        assert abs(left.value - right.value) <= left.error + right.error
        assert left.error <= 1e-13 * rho


def test_classes_and_enumeration_meet():
    # Oracle: second algorithm, label classes against all count vectors
    rng = np.random.default_rng(5)
    for _ in range(60):
        p = rng.dirichlet(np.full(rng.integers(2, 5), 0.7))
        p = np.repeat(p, rng.integers(1, 3, p.size))
        row = a_row(p / p.sum(), float(rng.choice([1.0, 0.5, 0.01])))
        n = int(rng.integers(1, 14 if p.size < 5 else 7))
        left, right = ptl.by_classes(row, n), ptl.by_enumeration(row, n)
        assert abs(left.value - right.value) <= left.error + right.error + 4 * EPS * left.value


def test_many_labels_by_sampling():
    # Oracle: second algorithm, 200000 multinomial draws of 40 labels, |z| <= 4
    p = np.random.default_rng(8).dirichlet(np.ones(40))
    row, n = a_row(p, 0.5), 400
    rng = np.random.default_rng(9)
    counts = rng.multinomial(n, np.append(0.5 * row.p, 0.5), size=200_000)[:, :-1]
    weighted = counts * row.p
    tv = 0.5 * 0.5 * np.abs(weighted / weighted.sum(axis=1, keepdims=True) - row.p).sum(axis=1)
    z = (ptl.row_risk(row, n).value - tv.mean()) / (tv.std() / math.sqrt(tv.size))
    assert abs(z) <= 4


# --- Published values and limits ------------------------------------------------------------------------


def test_instance_0_flattens_and_crosses():
    # Oracle: published, Z&Z Figure 1a (plateau near 0.44); the limit is the bias of pi*^2 / |pi*|^2
    problem = instance(0, S=100, A=25)
    assert risk(problem, 2500) == pytest.approx(0.44296, abs=5e-6)
    bias = 0.445714  # below it at n = 2500, and that is right
    assert risk(problem, 2500) < bias
    assert risk(problem, 10**6) == pytest.approx(bias, abs=1e-5)
    assert risk(problem, 1100) < oracles.exact_ce_sgl(problem.rho, problem.teacher, 1100)
    assert risk(problem, 1200) > oracles.exact_ce_sgl(problem.rho, problem.teacher, 1200)


def test_ratios_to_ce_sgl():
    # Oracle: published, CE_ptl over CE_sgl: about 1 on instance 1, 1.80 and 4.31 on instances 2 and 3, S=10, A=11
    for k, low, high in ((1, 0.985, 1.035), (2, 1.795, 1.805), (3, 4.305, 4.315)):
        problem = instance(k, S=10, A=11, n=2000)
        ratio = risk(problem, 2000) / oracles.exact_ce_sgl(problem.rho, problem.teacher, 2000)
        assert low <= ratio <= high


ROWS = ([0.5, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4], [0.02] * 10 + [0.4, 0.4], np.arange(1, 31) / 465)


@pytest.mark.parametrize("p", ROWS)
def test_large_n_is_the_bias(p):
    # Oracle: limit, sum rho TV(p, p^2 / |p|^2); what is left is below (number of labels) / n_s where there is no kink
    row = a_row(p, 0.5)
    for n in (10**9, 10**12):
        estimate = ptl.row_risk(row, n)
        # A label at p = |p|^2 has a kink, which decays as 1 / sqrt(n_s) only.
        kinked = np.isclose(row.p, np.sum(row.p**2), rtol=1e-3)
        slack = row.p.size / (0.5 * n) + np.sum(row.p[kinked]) / math.sqrt(n * 0.5 * np.sum(row.p**2))
        assert abs(estimate.value - limit(row)) <= estimate.error + slack


def test_one_class_is_ce_sgl():
    # Oracle: identity, equal labels make M = n_s v, and the student the empirical law
    for labels, rho, n in ((2, 1.0, 7), (5, 0.3, 50), (25, 0.01, 2500), (2, 0.5, 1)):
        p = np.append(np.full(labels, 1 / labels), 0.0)
        row = a_row(p, rho, init=np.sort(p))  # an init that costs nothing
        other = np.append(np.zeros(labels), 1.0)  # nor does the other input
        rho_all, teacher = ([rho, 1 - rho], [row.p, other]) if rho < 1 else ([rho], [row.p])
        expected = oracles.exact_ce_sgl(rho_all, teacher, n, init=teacher)
        assert ptl.by_classes(row, n).value == pytest.approx(expected, rel=1e-12, abs=0)
        assert ptl.row_risk(row, n).value == pytest.approx(expected, rel=1e-12, abs=0)


# --- Edges ----------------------------------------------------------------------------------------------


def test_edges():
    # Oracle: identity, n = 0 pays the init; one label is never missed; zeros change nothing
    row = a_row([0.2, 0.8], 0.4)
    assert ptl.row_risk(row, 0).value == pytest.approx(0.4 * 0.3, rel=1e-15, abs=0)
    assert ptl.row_risk(a_row([1.0]), 5).value == 0.0
    assert ptl.row_risk(a_row([0.0, 1.0], 0.5), 3).value == pytest.approx(0.5 * 0.5**3 * 0.5, rel=1e-15, abs=0)
    assert ptl.row_risk(a_row([0.2, 0.8]), 1).value == pytest.approx(2 * 0.2 * 0.8, rel=1e-15, abs=0)
    for rho in (1.0, 0.4):
        plain = ptl.row_risk(a_row([0.2, 0.8], rho, init=[0.2, 0.8]), 11).value
        padded = ptl.row_risk(a_row([0.0, 0.0, 0.2, 0.8], rho, init=[0.0, 0.0, 0.2, 0.8]), 11).value
        assert padded == pytest.approx(plain, rel=1e-15, abs=0)


@pytest.mark.parametrize("light", [2.0**-10, 2.0**-30, 2.0**-50])
def test_near_deterministic_rows(light):
    # Oracle: enumeration, two labels, all counts summed; 1 - light is a float
    heavy = 1 - light
    for n in (1, 10, 1000):
        terms = []
        for c in range(min(n, 60) + 1):
            weight = math.comb(n, c) * light**c * heavy ** (n - c)
            terms.append(weight * abs(c * light / (c * light + (n - c) * heavy) - light))
        estimate = ptl.row_risk(a_row([light, heavy]), n)
        agrees(estimate, math.fsum(terms), ulps=64)


def test_kl_is_infinite_where_a_label_can_be_missed():
    # Oracle: identity, log(p / 0) with positive probability
    assert ptl.row_risk(a_row([0.5, 0.5]), 10, "kl").value == math.inf
    assert ptl.row_risk(a_row([0.0, 1.0], 0.5), 3, "kl").value == pytest.approx(0.5**4 * math.log(2))
    assert ptl.row_risk(a_row([0.0, 1.0], 0.5, init=[1.0, 0.0]), 3, "kl").value == math.inf
    assert ptl.row_risk(a_row([0.0, 1.0], 1.0, init=[1.0, 0.0]), 3, "kl").value == 0.0
    assert ptl.row_risk(a_row([0.5, 0.5], init=[0.25, 0.75]), 0, "kl").value == pytest.approx(0.5 * math.log(4 / 3))


def test_out_of_reach_says_so():
    with pytest.raises(OutOfReach, match="vectors"):
        ptl.by_enumeration(a_row([0.2, 0.3, 0.5], 0.5), 10**4)
    with pytest.raises(OutOfReach, match="terms"):
        ptl.by_classes(a_row(np.arange(1, 31) / 465), 10**4)
    with pytest.raises(OutOfReach, match="terms"):
        ptl.by_classes(a_row(np.arange(1, 301) / 45150), 10**6)
    with pytest.raises(OutOfReach, match="simulate"):
        ptl.row_risk(a_row(np.arange(1, 31) / 465), 100, "l2")


@pytest.mark.slow
def test_speed_of_the_figures():
    # Oracle: published, the cells of Figures 1 and 2; processor seconds
    problem = instance(0, S=100, A=25)
    risk(problem, 100)
    start = time.process_time()
    for n in np.unique(np.geomspace(10, 1e5, 30).astype(int)):
        risk(problem, int(n))
    assert time.process_time() - start < 0.5
    start = time.process_time()
    for k in (1, 2, 3):
        for S, A in ((100, 8), (10, 10), (10, 11)):
            for n in np.geomspace(1e3, 1e6, 6).astype(int):
                risk(instance(k, S, A, int(n)), int(n))
    assert time.process_time() - start < 3


# --- Declared errors alone ------------------------------------------------------------------------------


def test_the_error_of_the_unvisited_part():
    # Oracle: identity, three roundings of a product: 8 units of rounding
    row = a_row([0.25, 0.75], 0.1)
    assert ptl.row_risk(row, 1).error >= 8 * EPS * unvisited(row, 1)


@pytest.mark.parametrize(
    ("p", "n", "divergence", "quick", "slow"),
    [
        ([0.2, 0.3, 0.5], 20, "tv", ["by_enumeration"], ["by_enumeration"]),
        ([0.2, 0.3, 0.5], 400, "tv", ["by_classes", counts.COARSE], [counts.FINE, "by_classes", counts.COARSE]),
        ([0.2, 0.3, 0.5], 400, "l2", ["by_classes"], ["by_classes"]),
        ([0.25] * 4, 400, "tv", ["by_classes", "_alike"], ["_alike"]),
    ],
)
def test_routes_are_tried_in_the_order_of_their_cost(p, n, divergence, quick, slow, monkeypatch):
    # Oracle: definition, label classes first where they are quick; of the counts the largest error that is accepted
    row = Row(1.0, np.array(p), np.full(len(p), 1 / len(p)), 1)

    def routes(patient):
        named = ((route.func.__name__, route) for route in ptl._routes(row, n, divergence, patient))
        return [route.args[-1] if name == "_by_counts" else name for name, route in named]

    assert routes(True) == routes(False) == quick
    monkeypatch.setattr(ptl, "CLASSES_QUICK", 0)
    assert routes(True) == routes(False) == slow
    for patient, most in ((True, ptl.CLASSES_CAP), (False, ptl.CLASSES_HASTY)):
        some = [route for route in ptl._routes(row, n, divergence, patient) if route.func is ptl.by_classes]
        assert all(route.keywords == {"most": most} for route in some)


def test_label_classes_take_as_long_as_patience_says(monkeypatch):
    # Oracle: identity, the value without caps; terms between the two caps, where the counts do not reach
    row = a_row([0.1, 0.2, 0.3, 0.4])
    truth = ptl.by_classes(row, 200)

    def out_of_reach(estimate, largest):
        raise OutOfReach("count by count")

    monkeypatch.setattr(ptl, "_by_counts", out_of_reach)
    monkeypatch.setattr(ptl, "CLASSES_QUICK", 0)
    monkeypatch.setattr(ptl, "CLASSES_HASTY", ptl.classes_cost(row, 200) / 2)
    problem = Problem([1.0], [row.p])
    for divergence, limit in (("tv", "count by count"), ("l2", "label classes need")):
        with pytest.raises(OutOfReach, match=limit):
            exact_risk(problem, "CE_ptl", 200, None, divergence, patient=False)
    assert exact_risk(problem, "CE_ptl", 200).value == pytest.approx(truth.value, rel=1e-12, abs=0)
    with pytest.warns(UserWarning, match="count by count.* simulated"):
        assert not expected_risk(problem, "CE_ptl", 200).proved


@pytest.mark.parametrize(("p", "n"), [(1e-9, 100), (0.01, 100), (0.3, 10), (0.3, 99), (0.3, 10**12), (1.0, 50)])
def test_windows_are_as_wide_as_they_are_said_to_be(p, n):
    # Oracle: mpmath, the counts of probability above 1e-22, which is what label classes walk
    if n <= 100:
        with mpmath.workdps(40):
            x = mpmath.mpf(p)
            chance = [mpmath.binomial(n, k) * x**k * (1 - x) ** (n - k) for k in range(n + 1)]
        assert sum(c >= ptl.LEAST for c in chance) <= ptl._width(n, p) + 1
    start = time.process_time()
    assert 1 <= ptl._width(n, p) <= 20 * math.sqrt(n * p * (1 - p)) + 10
    assert time.process_time() - start < 0.01  # not a step for each count
