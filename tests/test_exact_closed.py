"""Closed forms of CE_ful and CE_sgl, and the limits: against count tables in fractions, and against many digits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special

import oracles
from kt_theory import Problem, dirichlet_problem, instance, near_deterministic_problem
from kt_theory.exact import ful, limits, loops_kinks, loops_sgl, risk, sgl
from kt_theory.exact.rows import Row, distinct_rows
from kt_theory.numerics import binomials, powers

REL = 1e-13  # what the module promises; mpmath and fractions add nothing to it

ROUTES = {"CE_ful": ful.row_risk, "CE_sgl": sgl.row_risk}


def total(learner: str, rho, teacher, n: int, init=None, divergence: str = "tv") -> float:
    rho, teacher = np.array(rho, dtype=float), np.array(teacher, dtype=float)
    init = np.full(teacher.shape, 1 / teacher.shape[1]) if init is None else np.array(init, dtype=float)
    rows = distinct_rows(rho, teacher, init)
    estimates = [(row.times, ROUTES[learner](row, n, divergence)) for row in rows]
    # and what the rounding of rows moves
    assert all(e.error <= REL * e.value + 4e-15 * row.rho for row, (_, e) in zip(rows, estimates, strict=True))
    return math.fsum(times * e.value for times, e in estimates)


def near(truth, rel: float, abs: float = 0):
    """As `pytest.approx`, whose own absolute tolerance of 1e-12 would hide everything that is small."""
    return pytest.approx(truth, rel=rel, abs=abs)


def row(rho: float, p, init=None) -> Row:
    p = np.array(p, dtype=float)
    return Row(rho, p, np.full(p.size, 1 / p.size) if init is None else np.array(init, dtype=float), times=1)


# --- Fractions: every count table -----------------------------------------------------------------------

SHAPES = [(S, A, n) for S in (1, 2, 3) for A in (1, 2, 3) for n in (0, 1, 2, 4)] + [(1, 4, 6), (1, 5, 5), (2, 2, 8)]


@pytest.mark.parametrize(("S", "A", "n"), SHAPES)
@pytest.mark.parametrize("seed", range(8))
def test_small_problems(S, A, n, seed):
    # Oracle: enumeration, all count tables in fractions; zeros in rho, rows and init
    rng = np.random.default_rng([seed, S, A, n])
    rho = oracles.rational_law(rng, S, zeros=seed % 2 == 1)
    teacher, init = ([oracles.rational_law(rng, A, zeros=seed % 3 > 0) for _ in range(S)] for _ in range(2))
    init = None if seed % 4 == 0 else init
    truth = oracles.enumerate_risks(rho, teacher, n, init)
    for learner in ROUTES:
        value = total(learner, rho, teacher, n, init)
        assert value == near(float(truth[learner]), rel=1e-14), learner


def divergence_of(name: str, p, q) -> mpmath.mpf:
    pairs = [(mpmath.mpf(x), mpmath.mpf(y)) for x, y in zip(p, q, strict=True)]
    if name == "tv":
        return mpmath.fsum(abs(x - y) for x, y in pairs) / 2
    if name == "l2":
        return mpmath.fsum((x - y) ** 2 for x, y in pairs)
    # For laws the same as sum x log(x/y); of floats, which sum to 1 but for rounding, the sum that cannot be negative.
    return mpmath.fsum((x * mpmath.log(x / y) if x else 0) - x + y for x, y in pairs)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(6))
def test_squared_error_by_every_sample(n, seed):
    # Oracle: enumeration, one input, all counts of A = 3 labels given every number of visits, in fractions
    rng = np.random.default_rng([seed, n])
    p, init = (oracles.rational_law(rng, 3, zeros=True) for _ in range(2))
    rho = Fraction(int(rng.integers(1, 13)), 12)
    truth = Fraction(0)
    for m in range(n + 1):
        visits = math.comb(n, m) * rho**m * (1 - rho) ** (n - m)
        for c in ((i, j, m - i - j) for i in range(m + 1) for j in range(m - i + 1)):
            ways = math.factorial(m) // math.prod(map(math.factorial, c))
            likely = ways * math.prod((x**k for x, k in zip(p, c, strict=True)), start=Fraction(1))
            student = [Fraction(k, m) for k in c] if m else init
            truth += rho * visits * likely * sum((x - y) ** 2 for x, y in zip(student, p, strict=True))
    value = sgl.row_risk(row(float(rho), p, init), n, "l2").value
    assert value == near(float(truth), rel=1e-14, abs=1e-33)  # 0: a squared rounding of 1/12ths


# --- CE_ful ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [1e-300, 3e-17, 1e-13, 2.0**-20, 9.5e-7, 1e-3, 0.3, 0.5, 0.75, 1 - 1e-15, 1.0])
@pytest.mark.parametrize("n", [0, 1, 2, 1000, 999_999_937, 10**12, 2**53 + 1, 2**63 - 1])
def test_the_power_keeps_its_digits(rho, n):
    # Oracle: mpmath, (1 - rho)^n at 60 digits
    with mpmath.workdps(60):
        truth = float((1 - mpmath.mpf(rho)) ** n)
    assert powers.unseen(n, rho) == near(truth, rel=1e-15, abs=1e-307)  # below: subnormal, fewer digits


def test_the_power_at_random():
    # Oracle: mpmath, (1 - rho)^n at 60 digits, n rho up to 700
    rng = np.random.default_rng(1)
    for _ in range(500):
        n = int(10 ** rng.uniform(0, 18.9))
        rho = min(10 ** rng.uniform(-4, math.log10(700)) / n, 0.999)
        with mpmath.workdps(60):
            truth = (1 - mpmath.mpf(rho)) ** n
            assert abs(powers.unseen(n, rho) / truth - 1) < 1e-15 or truth < 1e-300
    naive = math.exp(10**12 * math.log1p(-6e-10))  # planted: what the compensation is for
    with mpmath.workdps(60):
        assert abs(naive / (1 - mpmath.mpf(6e-10)) ** 10**12 - 1) > 1e-15


@pytest.mark.parametrize("divergence", ful.DIVERGENCES)
@pytest.mark.parametrize("seed", range(20))
def test_divergences(divergence, seed):
    # Oracle: mpmath, the definition at 50 digits; laws far apart, close, with zeros, with subnormal masses
    rng = np.random.default_rng(seed)
    A = int(rng.integers(1, 30))
    p = rng.dirichlet(np.full(A, 10 ** rng.uniform(-2.5, 1)))
    q = rng.dirichlet(np.ones(A)) if seed % 2 else p * (1 + 10.0 ** -rng.integers(1, 12) * rng.uniform(-1, 1, A))
    q /= q.sum()
    n = int(10 ** rng.uniform(0, 6))
    rho = rng.uniform(0, 5) / (n + 5)
    with mpmath.workdps(50):
        truth = float(rho * (1 - mpmath.mpf(rho)) ** n * divergence_of(divergence, p, q))
    estimate = ful.row_risk(row(rho, p, q), n, divergence)
    assert abs(estimate.value - truth) <= estimate.error
    rounded = 1e-14 * rho * (1 + truth if divergence == "kl" else 1)  # what the rounding of the laws moves
    assert estimate.error <= 1e-14 * truth + rounded + 5e-324


def test_kullback_leibler_at_its_edges():
    # Oracle: identity, log of a ratio of masses, worked on paper
    assert ful.row_risk(row(0.5, [0.5, 0.5], [1.0, 0.0]), 3, "kl").value == math.inf
    assert ful.row_risk(row(1.0, [0.5, 0.5], [1.0, 0.0]), 3, "kl").value == 0.0  # certain to be visited
    far = row(1.0, [1.0, 0.0], [1e-310, 1.0])
    assert ful.row_risk(far, 0, "kl").value == near(-math.log(1e-310), rel=1e-15)
    assert ful.row_risk(row(1.0, [0.3, 0.7], [0.3, 0.7]), 0, "kl").value == 0.0
    assert ful.row_risk(row(1.0, [1.0, 0.0], [0.5, 0.5]), 0, "kl").value == near(math.log(2), rel=1e-15)


@pytest.mark.parametrize("route", ROUTES.values())
def test_unknown_divergence(route):
    with pytest.raises(ValueError, match="divergence is 'hellinger': it must be one of tv, kl, l2"):
        route(row(1.0, [0.5, 0.5]), 10, "hellinger")


# --- The binomial ---------------------------------------------------------------------------------------


def binomial_in_digits(x: int, n: int, p: float) -> mpmath.mpf:
    p = mpmath.mpf(p)
    return mpmath.binomial(n, x) * p**x * (1 - p) ** (n - x)


@pytest.mark.parametrize("p", [0.0, 1e-300, 1e-5, 0.2, 0.5, 0.7, 1 - 1e-10, 1.0])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 17, 40])
def test_binomial_over_its_whole_range(n, p):
    # Oracle: mpmath, the definition at 60 digits
    with mpmath.workdps(60):
        truth = [float(binomial_in_digits(x, n, p)) for x in range(n + 1)]
    # 3e-13: the error grows with the exponent, here down to -700
    assert binomials.binomial(np.arange(n + 1), n, p) == near(truth, rel=3e-13, abs=1e-300)


def test_binomial_at_random():
    # Oracle: mpmath, log-gamma at 60 digits, n up to 1e12, up to 4 sd from the mean
    rng = np.random.default_rng(2)
    for _ in range(400):
        n = int(10 ** rng.uniform(0, 12))
        p = 10 ** rng.uniform(-13, 0)
        p = 1 - p / 2 if rng.random() < 0.3 else p
        x = int(np.clip(round(n * p + rng.uniform(-4, 4) * math.sqrt(n * p * (1 - p))), 0, n))
        with mpmath.workdps(60):
            truth = binomial_in_digits(x, n, p)
            assert abs(float(binomials.binomial(x, n, p)) / truth - 1) < 3e-14


@pytest.mark.parametrize("k", [1, 2, 7, 15, 16, 17, 100, 10**6, 10**12])
def test_stirling(k):
    # Oracle: mpmath, log-gamma at 60 digits
    with mpmath.workdps(60):
        truth = float(mpmath.loggamma(k + 1) - mpmath.log(2 * mpmath.pi * k) / 2 - k * mpmath.log(k) + k)
    assert float(binomials.stirling(np.array(float(k)))) == near(truth, rel=1e-15, abs=4e-16)


# --- De Moivre ------------------------------------------------------------------------------------------


def mean_deviation_in_digits(m: int, p: float) -> mpmath.mpf:
    """De Moivre in its usual form, v = floor(mp) + 1, on p as it is."""
    v = int(mpmath.floor(m * mpmath.mpf(p))) + 1
    return 2 * v * binomial_in_digits(v, m, p) * (1 - mpmath.mpf(p)) / m if v <= m else mpmath.mpf(0)


def mean_deviation(m: float, p: float, series: bool = False) -> float:
    """As the loops have it: one input that is certain, m samples."""
    out = np.zeros(1)
    loops_sgl.add_deviations(m, 1.0, m, m, np.array([p]), np.array([series]), out)
    return out.item()


def de_moivre(m, p):
    """From NumPy's binomials."""
    return 2 * p * (1 - p) * binomials.binomial(np.maximum(np.ceil(m * p), 1) - 1, m - 1, p)


@pytest.mark.parametrize("p", [Fraction(1, 2), Fraction(1, 3), Fraction(1, 25), Fraction(5, 12)])
@pytest.mark.parametrize("m", [1, 2, 3, 12, 25, 50])
def test_mean_deviation_by_its_definition(m, p):
    # Oracle: enumeration, sum over the counts in fractions; mp whole for some
    terms = (math.comb(m, k) * p**k * (1 - p) ** (m - k) * abs(Fraction(k, m) - p) for k in range(m + 1))
    assert mean_deviation(float(m), float(p)) == near(float(sum(terms)), rel=2e-15)


def test_mean_deviation_at_random():
    # Oracle: mpmath, de Moivre at 60 digits, m up to 1e13; mp whole or next to it for a third of them
    rng = np.random.default_rng(3)
    series = 0
    for _ in range(400):
        m = int(10 ** rng.uniform(0, 13))
        p = 10 ** rng.uniform(-14, math.log10(0.5))
        if rng.random() < 0.35:
            q = int(rng.integers(2, 60))
            m, p = m - m % q + q, int(rng.integers(1, q // 2 + 1)) / q
        with mpmath.workdps(60):
            truth = mean_deviation_in_digits(m, p)
            assert abs(mean_deviation(float(m), p) / truth - 1) < 2e-15
            if m * p * (1 - p) >= 1e3:
                series += 1
                assert abs(mean_deviation(float(m), p, True) / truth - 1) < 5e-15
    assert series > 50


@pytest.mark.parametrize("p", [0.5, 1 / 3, 0.04, 3e-6, 1e-200, 0.25 + 2.0**-54])
@pytest.mark.parametrize("first", [1, 700, 10**9 + 1])
def test_mean_deviations_by_ratios(first, p):
    # Oracle: second algorithm, de Moivre's terms one by one; mp whole for some
    steps = loops_sgl.STEPS
    at = first + steps * np.arange(31.0)
    truth = de_moivre(at + np.arange(steps)[:, None], p)
    f, v, total = np.empty((3, at.size))
    for j in range(steps):
        one = np.zeros(truth.shape)
        one[j] = 3.0
        loops_sgl._by_ratios(at, one, p, f, v, total)
        assert np.abs(total / truth[j] / 3 - 1).max() < 1e-14
    # planted: v kept where it grows
    if p == 1 / 3:
        m = at[0] + np.arange(15)
        kept = truth[0, 0] * np.cumprod(np.append(1.0, m * (2 / 3) / (m - np.ceil(m[0] / 3) + 1)))
        assert np.abs(kept / truth[:16, 0] - 1).max() > 1e-9


def test_series_needs_its_third_term():
    # Oracle: mpmath, planted: without the h^3 terms the promise is not met at h = 1e-3
    p = 0.1
    c = p * (1 - p)
    for m in np.arange(11_112.0, 11_122.0):
        with mpmath.workdps(40):
            truth = float(mean_deviation_in_digits(int(m), p))
        x = np.ceil(m * p) - m * p
        y, h = x * (1 - x), 1 / (m * c)
        first = y / 2 - (1 - c) / 12
        short = 1 + h * first + h * h * (first**2 / 2 + y * (1 - 2 * x) * (1 - 2 * p) / 12)
        assert abs(np.sqrt(2 * c / np.pi / m) * short / truth - 1) > 3e-13
        assert abs(mean_deviation(m, p, True) / truth - 1) < 5e-15


# --- CE_sgl ---------------------------------------------------------------------------------------------


def ce_sgl_in_digits(rho: float, p, init, n: int, reach: float = 14) -> mpmath.mpf:
    """The defining sum at 40 digits over all visits within `reach` sd + 60 of the mean; left out: below 1e-40."""
    rho = mpmath.mpf(rho)
    mean = float(n * rho)
    sd = math.sqrt(mean * float(1 - rho))
    first, last = max(1, int(mean - reach * sd - 60)), min(n, int(mean + reach * sd + 60))
    labels, times = np.unique(p, return_counts=True)
    answer = (1 - rho) ** n * divergence_of("tv", p, init)
    visits = binomial_in_digits(first, n, rho)
    for m in range(first, last + 1):
        if m > first:
            visits *= mpmath.mpf(n - m + 1) / m * rho / (1 - rho)
        deviation = mpmath.fsum(int(k) * mean_deviation_in_digits(m, x) for x, k in zip(labels, times, strict=True))
        answer += visits * deviation / 2
    return rho * answer


HARD_ROWS = {
    "instance 0": [0.52] + [0.02] * 24,
    "thirds": [1 / 3, 1 / 3, 1 / 3],
    "one light label": [1e-9, 1 - 1e-9],
    "light labels": [1e-200, 1e-13, 1e-6, 1 - 1e-6 - 1e-13],
    "next to certain": [1 - 2.0**-53, 2.0**-53],
    "certain": [1.0, 0.0],
    "with zeros": [0.0, 0.3, 0.0, 0.7],
}


@pytest.mark.parametrize("p", HARD_ROWS.values(), ids=HARD_ROWS.keys())
@pytest.mark.parametrize(
    ("rho", "n"), [(1.0, 1), (1.0, 1000), (0.3, 300), (0.999, 400), (1e-20, 1000), (1e-12, 10**12), (3e-11, 10**12)]
)
def test_hard_rows(p, rho, n):
    # Oracle: mpmath, the defining sum over all visits at 40 digits; init = teacher, so that visits are all there is
    with mpmath.workdps(40):
        certain = mpmath.fsum(mean_deviation_in_digits(n, x) for x in p) / 2
        truth = float(certain if rho == 1 else ce_sgl_in_digits(rho, p, p, n))
    estimate = sgl.row_risk(row(rho, p, p), n)
    assert estimate.value == near(truth, rel=2e-14)
    oracles.honest(estimate, truth)


@pytest.mark.parametrize(("rho", "n"), [(0.2, 1000), (0.01, 10**5), (3e-4, 10**6), (2e-9, 10**12)])
def test_larger_samples(rho, n):
    # Oracle: mpmath, the defining sum over all visits at 40 digits, uniform init
    p = [0.5, 0.1, 0.1, 0.3]
    with mpmath.workdps(40):
        truth = float(ce_sgl_in_digits(rho, p, [0.25] * 4, n))
    assert sgl.row_risk(row(rho, p), n).value == near(truth, rel=2e-14)


@pytest.mark.parametrize("n", [0, 1, 2, 10, 3000, 10**6, 10**8])
@pytest.mark.parametrize("seed", [1, 2])
def test_whole_problems(n, seed):
    # Oracle: second algorithm, oracles.exact_ce_sgl with SciPy's binomial, itself good to 1e-13
    problem = dirichlet_problem(2, 4, seed, alpha=0.3, rho_alpha=0.5)
    truth = oracles.exact_ce_sgl(problem.rho, problem.teacher, n)
    assert total("CE_sgl", problem.rho, problem.teacher, n) == near(truth, rel=REL)


def mean_by(n: int, rho: float, term) -> float:
    """The mean of a function of the visits over the window, by NumPy's binomials."""
    first, last = binomials.window(n, rho)
    blocks = (np.arange(m, min(m + 2**14, last + 1), dtype=float) for m in range(first, last + 1, 2**14))
    return math.fsum(float(term(m) @ binomials.binomial(m, n, rho)) for m in blocks)


@pytest.mark.parametrize("p", [0.25, 1 / 3, 0.04, 0.381966, 1 / 7 + 1e-9, 0.002 + 1e-6])
@pytest.mark.parametrize(("n", "rho"), [(10**6, 0.3), (10**8, 0.3), (10**9, 0.01), (10**10, 2e-4)])
def test_waves(p, n, rho):
    # Oracle: second algorithm, the windowed sum of de Moivre's terms; p with few and with many resonances
    mean = n * rho
    value = loops_sgl.waves(float(n), rho, p, 1e-14, 3e7)
    if math.isnan(value) or p * (1 - p) * mean < 1e4:
        assert mean < 1e8
        return
    assert value == near(mean_by(n, rho, lambda m: de_moivre(m, p)), rel=4e-14)
    c = p * (1 - p)
    smooth = math.sqrt(2 * c / math.pi / mean) * (1 + (3 * (1 - rho) / 8 + 1 / 12) / mean)
    if p == 0.25:  # planted: the wiggle is needed
        assert value != near(smooth, rel=4e-14)


@pytest.mark.parametrize("p", [0.0049, 0.003, 1 / 512, 1e-4, 3e-6, 1e-8, 1e-200])
@pytest.mark.parametrize(("n", "rho"), [(10**6, 0.4), (4 * 10**5, 0.25), (10**9, 0.01), (10**12, 1e-6)])
def test_integrals_between_kinks(p, n, rho):
    # Oracle: second algorithm, the windowed sum of de Moivre's terms
    first, last = binomials.window(n, rho)
    value = loops_kinks.by_pieces(float(n), rho, float(first), float(last), p, 0.0, 0.0, 0.0)
    truth = mean_by(n, rho, lambda m: de_moivre(m, p))
    assert value == near(truth, rel=1e-14)
    # planted: the integral without what the kinks take, p/(12 n rho) or so: at the place k of m, 2 W b p B_2 / (2 k)
    kinks = np.arange(math.ceil(first * p), math.floor(last * p) + 1)
    if p > 1e-4 and p != 1 / 512:
        m = kinks / p
        u = m % 1
        taken = binomials.binomial(np.rint(m), n, rho) * de_moivre(np.rint(m), p) * p / kinks / (1 - p)
        assert value != near(truth + float(taken @ (u * u - u + 1 / 6)) / 2, rel=1e-14)


def test_integrals_between_kinks_in_digits():
    # Oracle: mpmath, the defining sum over all visits at 40 digits
    n, rho, p = 360_000, 0.3, 0.004
    with mpmath.workdps(40):
        truth = float(2 * ce_sgl_in_digits(rho, [p], [p], n, reach=8) / mpmath.mpf(rho))
    assert loops_kinks.by_pieces(float(n), rho, *sgl._window(n, rho), p, 0.0, 0.0, 0.0) == near(truth, rel=1e-14)


@pytest.mark.parametrize("seed", range(25))
def test_all_routes_at_random(seed):
    # Oracle: second algorithm, the windowed sum of de Moivre's terms, up to 4e5 numbers of visits
    rng = np.random.default_rng([7, seed])
    n = int(10 ** rng.uniform(0, 13))
    rho = min(10 ** rng.uniform(-2, math.log10(3e8)) / n, 0.9999)
    p = np.append(10 ** -rng.uniform(0.3, (2, 6, 10)[seed % 3], size=4), 0.5)
    out = np.empty(p.size)
    loops_sgl.mean_deviations(float(n), rho, *map(float, binomials.window(n, rho)), p, sgl.GOAL, out)
    truth = [mean_by(n, rho, lambda m, x=x: de_moivre(m, x)) for x in p]
    assert out == near(truth, rel=6e-14)


def test_waves_left_out_stay_below_the_goal():
    # Oracle: second algorithm, the windowed sum of de Moivre's terms; rows
    # at random, and rows of multiples of 1/20, whose waves fall slowly, each to the error that it states
    rng = np.random.default_rng(4)
    moved = []
    for p in (*rng.dirichlet(np.ones(5), 3), np.array([0.25, 0.25, 0.2, 0.3]), np.array([0.1, 0.05, 0.85])):
        n, rho = 10**9, float(10 ** rng.uniform(-3.8, -3.3))
        truth = 0.5 * math.fsum(mean_by(n, rho, lambda m, x=x: de_moivre(m, min(x, 1 - x))) for x in p) * rho
        fine, coarse, none = (sgl.row_risk(row(rho, p, p), n, goal=goal) for goal in (sgl.GOAL, sgl.COARSE, 1.0))
        assert abs(fine.value - truth) <= 2e-13 * truth
        assert abs(coarse.value - truth) <= coarse.error <= 1.1e-11 * truth
        moved.append(abs(none.value / truth - 1))
    assert max(moved) > 1.1e-11  # planted: without any wave it would be red


def test_problems_of_very_many_labels_leave_out_more_waves(monkeypatch):
    # Oracle: second algorithm, the same at the fine goal: the value moves by no more than the error that is stated
    problem = dirichlet_problem(3, 5, 1)
    fine = risk.exact_risk(problem, "CE_sgl", 10**9)
    monkeypatch.setattr(risk, "MANY", 14)
    coarse = risk.exact_risk(problem, "CE_sgl", 10**9)
    assert fine.error < 2e-13 * fine.value
    assert 1e-11 * coarse.value < coarse.error < 1.1e-11 * coarse.value
    assert abs(coarse.value - fine.value) <= coarse.error


@pytest.mark.parametrize("rho", [1 - 2.0**-53, 1 - 1e-13, 1 - 1e-9, 0.999999])
@pytest.mark.parametrize("n", [3, 40, 5000, 10**6])
def test_nearly_certain_inputs(rho, n):
    # Oracle: second algorithm, the windowed sum of de Moivre's terms; ratios of probabilities start from 0
    for p in (0.5, 0.3, 0.01):
        out = np.empty(1)
        loops_sgl.mean_deviations(float(n), rho, *sgl._window(n, rho), np.array([p]), sgl.GOAL, out)
        assert out.item() == near(mean_by(n, rho, lambda m, p=p: de_moivre(m, p)), rel=6e-14)


@pytest.mark.parametrize("rho", [1e-3, 0.3, 0.99])
@pytest.mark.parametrize("n", [10**4, 10**7])
def test_the_window_holds_all(n, rho):
    # Oracle: identity, probabilities of m >= 1 sum to 1 - (1 - rho)^n
    assert mean_by(n, rho, np.ones_like) == near(1 - (1 - rho) ** n, rel=1e-14)
    last = binomials.window(n, rho)[1]
    narrow = np.arange(max(1, n * rho - 5 * math.sqrt(n * rho)), min(last, n * rho + 5 * math.sqrt(n * rho)))
    if rho < 0.9:  # planted: a window of 5 sd
        assert binomials.binomial(np.floor(narrow), n, rho).sum() != near(1 - (1 - rho) ** n, rel=1e-14)


@pytest.mark.parametrize("n", [10**6, 10**12, 10**15, 2**63 - 1])
def test_huge_samples_of_instance_0(n):
    # Oracle: limit, sqrt(n) E R -> the asymptotic constant, relative error (1/12 + 3/8)/mu, plus 1/(12 mu c) of wiggle
    problem = instance(0, 100, 25)
    value = total("CE_sgl", problem.rho, problem.teacher, n) * math.sqrt(n)
    assert value == near(limits.asymptotic_constant(problem), rel=100 / n * (1 + 1 / (12 * 0.0196)) + 1e-13)


@pytest.mark.parametrize(("rho", "n"), [(0.3, 10**9), (0.3, 40_000), (1e-4, 10**8 + 1), (0.3, 30_000), (0.5, 17)])
def test_squared_error_of_many_visits(rho, n):
    # Oracle: second algorithm, E(1/m) by the windowed sum
    inverse = mean_by(n, rho, lambda m: 1 / m)
    value = sgl.row_risk(row(rho, [0.25, 0.75], [0.25, 0.75]), n, "l2").value
    assert value == near(rho * 0.375 * inverse, rel=1e-14)
    mean = n * rho
    if mean < 1e6:  # planted: 1/mu^3 left out
        short = 1 + (1 - rho) / mean
        assert rho * 0.375 * short / mean != near(rho * 0.375 * inverse, rel=1e-14)


def test_squared_error_of_one_input():
    # Oracle: identity, sum p (1 - p) / n when there is one input
    p = [0.2, 0.3, 0.5]
    assert sgl.row_risk(row(1.0, p), 1000, "l2").value == near(0.62 / 1000, rel=1e-15)
    assert sgl.row_risk(row(1.0, p), 1001, "l2").value != near(0.62 / 1000, rel=1e-13)  # planted


def test_kullback_leibler_of_frequencies_is_infinite():
    # Oracle: identity, after one visit a label that the teacher uses is unseen
    for n in (1, 2, 10**6):
        assert sgl.row_risk(row(0.1, [0.5, 0.5]), n, "kl").value == math.inf
    assert sgl.row_risk(row(0.1, [0.5, 0.5], [0.25, 0.75]), 0, "kl") == ful.row_risk(
        row(0.1, [0.5, 0.5], [0.25, 0.75]), 0, "kl"
    )
    certain = row(0.1, [0.0, 1.0])
    assert sgl.row_risk(certain, 7, "kl").value == near(0.1 * 0.9**7 * math.log(2), rel=1e-15)


def test_a_light_label_after_many_visits():
    # Oracle: limit, mean deviation of a Poisson variable, 2 e^-x x^(v) / (v - 1)! with v = floor(x) + 1; x = 922
    visits, poisson = 2**63 / 10, 0.0
    for p in (1e-15, 1 - (1 - 1e-15)):  # of floats
        x = visits * p
        v = math.floor(x) + 1
        with mpmath.workdps(30):
            poisson += float(mpmath.exp(-x) * mpmath.mpf(x) ** v / mpmath.factorial(v - 1) / visits)
    value = sgl.row_risk(row(1e-1, [1e-15, 1 - 1e-15]), 2**63 - 1).value
    assert value == near(0.1 * poisson, rel=1e-12)  # 1e-15 of its variance is not Poisson's
    assert value != near(0.1 * poisson * (1 + 1e-11), rel=1e-12)


def test_a_wide_row_at_huge_n():
    # Oracle: limit, the asymptotic constant; the wiggle of a label is at most 1/(8 mu c) of it, mu c above 1e6
    p = 1 / np.arange(1, 5001)
    p /= p.sum()
    values = [sgl.row_risk(row(0.05, p), n).value * math.sqrt(n) for n in (10**12, 10**15)]
    constant = math.sqrt(0.05) * float(np.sqrt(p * (1 - p)).sum()) / math.sqrt(2 * math.pi)
    assert values == near([constant] * 2, rel=1.3e-7)
    assert values[0] != near(constant * (1 + 5e-7), rel=1.3e-7)


def test_risk_never_rises_with_n():
    # Oracle: identity, one sample more never hurts the frequencies on average, once the input was visited
    p = np.array([0.05, 0.2, 0.75])
    values = [sgl.row_risk(row(1.0, p), n).value for n in range(1, 200)]
    assert all(b <= a * (1 + 1e-15) for a, b in itertools.pairwise(values))


# --- Limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_bias_limit_by_definition(seed):
    # Oracle: enumeration, TV to the squared table in fractions
    rng = np.random.default_rng(seed)
    rho = oracles.rational_law(rng, 3, zeros=True)
    teacher = [oracles.rational_law(rng, 4, zeros=True) for _ in range(3)]
    truth = Fraction(0)
    for mass, p in zip(rho, teacher, strict=True):
        square = sum(x * x for x in p)
        truth += mass * sum(abs(x - x * x / square) for x in p) / 2
    problem = Problem(np.array(rho, dtype=float), np.array(teacher, dtype=float))
    value = limits.bias_limit(problem, "CE_ptl")
    assert value == near(float(truth), rel=1e-14)
    wrong = sum(m * sum(abs(x - x**2) for x in p) / 2 for m, p in zip(rho, teacher, strict=True))
    assert truth == 0 or value != near(float(wrong), rel=1e-6)  # planted: the squares not scaled to one


@pytest.mark.parametrize("A", [1, 2, 3, 7, 10, 49, 100])
def test_no_bias_on_rows_that_are_constant_on_their_support(A):
    # Oracle: identity, p^2 scaled to one is p; exactly 0 in floats, zeros beside it or not
    rows = [[1 / A] * A + [0.0] * 3, [0.0] * (A + 2) + [1.0]]
    assert limits.bias_limit(Problem([0.5, 0.5], rows), "CE_ptl") == 0.0


def test_published_limits():
    # Oracle: published, figure 1 (a) of Z&Z flattens near 0.4457; sharp l1 constant of Kamath et al. 2015
    problem = instance(0, 100, 25)
    assert limits.bias_limit(problem, "CE_ptl") == near(0.445714, rel=1e-6)
    for learner in ("CE_sgl", "SEL_ptl", "CE_ful"):
        assert limits.bias_limit(problem, learner) == 0.0
    flat = Problem(np.full(7, 1 / 7), np.full((7, 5), 1 / 5))
    assert limits.asymptotic_constant(flat) == near(math.sqrt(7 * 4 / (2 * math.pi)), rel=1e-15)


def test_inputs_without_mass_do_not_count():
    # Oracle: identity
    seen, row_ = [0.25, 0.75], [0.9, 0.1]
    for limit in (lambda p: limits.bias_limit(p, "CE_ptl"), limits.asymptotic_constant):
        assert limit(Problem([0.0, 1.0], [row_, seen])) == limit(Problem([1.0], [seen]))


def test_asymptotic_constant_of_near_deterministic_teachers():
    # Oracle: second algorithm, scipy.special in place of the product, and the exact risk at n = 1e12
    problem = near_deterministic_problem(4, 5, seed=1, epsilon=1e-3)
    p = problem.teacher
    truth = float((np.sqrt(problem.rho)[:, None] * np.exp(0.5 * (np.log(p) + scipy.special.log1p(-p)))).sum())
    constant = limits.asymptotic_constant(problem)
    assert constant == near(truth / math.sqrt(2 * math.pi), rel=1e-14)
    assert total("CE_sgl", problem.rho, p, 10**12) * 1e6 == near(constant, rel=1e-8)


def test_unknown_learner():
    with pytest.raises(ValueError, match="learner is 'MLE'"):
        limits.bias_limit(instance(0, 2, 2), "MLE")
