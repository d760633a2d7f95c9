"""Parts of the exact routes that are plain Python, function by function: enumeration, mpmath, identities."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from kt_theory.exact import add, alike, circles, counts, ful, kinks, levels, ptl, sel, sets, sgl, told
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess, first_sound, flushed, sound
from kt_theory.numerics import binomials


def row_of(p, rho=1.0, init=None) -> Row:
    p = np.sort(np.asarray(p, dtype=float))
    return Row(rho, p, np.full(p.size, 1 / p.size) if init is None else np.asarray(init), 1)


# --- Labels alike ---------------------------------------------------------------------------------------------


def test_chebyshev_points_and_coefficients():
    # Oracle: second algorithm, NumPy's Chebyshev polynomials
    for points in (1, 2, 5, 12):
        x = alike.nodes(points)
        assert (np.diff(x) < 0).all()
        np.testing.assert_allclose(np.cos(points * np.arccos(x)), 0.0, atol=1e-14)
        basis = np.polynomial.chebyshev.chebvander(x, points - 1)
        np.testing.assert_allclose(alike.to_coefficients(points) @ basis, np.eye(points), atol=1e-14)


def test_replaced_labels_keep_the_sums_of_polynomials():
    # Oracle: identity, polynomials of lower degree than there are points; short intervals stay as they are
    x = np.concatenate((np.linspace(0, 1, 21), [1.5, 2.0, 3.0], np.linspace(5, 5.5, 9), [7.0]))
    weight = 1 + np.sin(np.arange(x.size)) ** 2
    y, w, intervals = alike.replaced(x, weight, lambda start: 1.25 if start < 4 else 1.0, 6)
    assert intervals == [slice(0, 6), slice(9, 15)]
    assert y[6:9].tolist() == [1.5, 2.0, 3.0]
    assert (y.size, y[-1], w[-1]) == (16, 7.0, weight[-1])
    for some in intervals:
        assert (np.diff(y[some]) < 0).all()
    for first, last, mine in ((0, 21, slice(0, 6)), (21, 24, slice(6, 9)), (24, 33, slice(9, 15))):
        for degree in range(6):
            truth = float(weight[first:last] @ x[first:last] ** degree)
            assert float(w[mine] @ y[mine] ** degree) == pytest.approx(truth, rel=1e-13, abs=0)
    same, kept, none = alike.replaced(x, weight, lambda start: 0.0, 6)
    assert np.array_equal(same, x)
    assert np.array_equal(kept, weight)
    assert none == []


# --- Sets of labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.5])
def test_sums_over_subsets(sign):
    # Oracle: enumeration, every pair of sets
    values = np.random.default_rng(0).normal(size=16)
    kept = values.copy()
    truth = [sum(sign ** (B ^ U).bit_count() * values[U] for U in range(16) if U & B == U) for B in range(16)]
    np.testing.assert_allclose(sets._over_subsets(values, sign), truth, rtol=1e-13, atol=1e-14)
    assert np.array_equal(values, kept)


@pytest.mark.parametrize("draws", [1, 2, 3])
def test_sets_that_a_visit_meets(draws):
    # Oracle: enumeration, every sequence of draws, with and without replacement
    p = np.array([0.1, 0.2, 0.3, 0.4])
    member = (np.arange(16)[:, None] & (1 << np.arange(4))) != 0
    mass = member @ p
    without, independent = np.zeros(16), np.zeros(16)
    for order in itertools.product(range(4), repeat=draws):
        chance = math.prod(p[list(order)])
        other, left = (1.0, 1.0) if len(set(order)) == draws else (0.0, 1.0)
        for a in order:
            other, left = other * p[a] / left if other else 0.0, left - p[a]
        for B in range(16):
            met = any(B >> a & 1 for a in order)
            without[B] += other * met
            independent[B] += chance * met
    np.testing.assert_allclose(sets._met(p, mass, member, draws), without, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(sets._met_independently(mass, draws), independent, rtol=1e-13, atol=1e-15)


def test_rules_of_gauss_and_legendre():
    # Oracle: identity, integrals of monomials from -1 to 1 and to each node
    for nodes in (6, 8, 16):
        x, w, inside = kinks.rule(nodes)
        for degree in range(nodes):
            whole = (1 - (-1.0) ** (degree + 1)) / (degree + 1)
            assert float(w @ x**degree) == pytest.approx(whole, rel=1e-13, abs=1e-15)
            np.testing.assert_allclose(
                inside @ x**degree, (x ** (degree + 1) - (-1.0) ** (degree + 1)) / (degree + 1), atol=1e-13
            )
        assert inside.flags.c_contiguous


# --- Circles --------------------------------------------------------------------------------------------------


def test_distances_from_labels_that_are_always_unseen():
    # Oracle: enumeration, every pair
    idle, times = np.array([0.0, 0.1, 0.25, 0.7]), np.array([3, 1, 2, 1])
    p = np.array([0.0, 0.05, 0.1, 0.2, 0.25, 0.69, 0.7, 0.9])
    found, among = circles._distances(p, idle, times)
    np.testing.assert_allclose(found, [float(times @ np.abs(x - idle)) for x in p], rtol=1e-14, atol=1e-16)
    each = np.repeat(idle, times)
    assert among == pytest.approx(sum(abs(a - b) for a, b in itertools.combinations(each, 2)), rel=1e-14, abs=0)


def labels_of(p, rho=0.9, idle=(), times=(), heavy=0.0):
    p = np.array(p)
    w, idle, times = rho * p, np.array(idle), np.array(times, dtype=int)
    most = float(p.sum() + idle @ times)
    return circles.Labels(w, p, idle, times, heavy, most, 0.0, circles._pairs(w, p, idle, times))


CIRCLES = [
    labels_of([0.1, 0.2, 0.3, 0.4]),
    labels_of([0.1, 0.2, 0.3], idle=[0.0, 0.02], times=[2, 1]),
    labels_of([0.1, 0.2, 0.3], idle=[0.0], times=[1]),
    labels_of([0.1, 0.2, 0.3], idle=[0.02], times=[1]),
]


@pytest.mark.parametrize("labels", CIRCLES)
@pytest.mark.parametrize("R", [0.5, 6.0, 30.0])
def test_what_unseen_labels_have_together(labels, R):
    # Oracle: enumeration, every set of unseen labels, two of them or more with those that are always unseen
    truth = 0.0
    for unseen in itertools.product((False, True), repeat=labels.p.size):
        law = math.prod(math.exp(-x * R) if u else -math.expm1(-x * R) for u, x in zip(unseen, labels.w, strict=True))
        if sum(unseen) + labels.always >= 2:
            truth += law * (float(labels.p @ np.array(unseen)) + labels.idle_mass)
    assert labels.spread(R) == pytest.approx(truth, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("labels", CIRCLES)
@pytest.mark.parametrize("n", [1, 4, 40])
def test_pairs_bound_what_unseen_labels_cost(labels, n):
    # Oracle: enumeration, every set of unseen labels by inclusion and exclusion: the bound holds, and is near for pairs
    def cost(unseen):
        values = [*labels.p[list(unseen)], *np.repeat(labels.idle, labels.times)]
        return sum(abs(x - np.mean(values)) for x in values) / 2 if values else 0.0

    size, truth = labels.p.size, 0.0
    every = [U for k in range(size + 1) for U in itertools.combinations(range(size), k)]
    for U in every:
        chance = sum((-1) ** (len(V) - len(U)) * (1 - labels.w[list(V)].sum()) ** n for V in every if set(U) <= set(V))
        truth += chance * cost(U)
    c, k = labels.pairs
    assert truth <= float(c @ k**n) * (1 + 1e-12)
    assert float(c @ k**n) <= 3.5 * truth
    assert (c > 0).all()
    assert (k > 0).all()


@pytest.mark.parametrize("heavy", [0.0, 0.3])
@pytest.mark.parametrize("n", [1, 3, 40, 5000])
def test_circles_give_powers(n, heavy):
    # Oracle: identity, the mean of e^(-m t) over Poisson many draws is (1 - m)^n after n; the heavy label seen
    p = np.array([0.1, 0.2, 0.3, 0.4]) * (1.5 / n if n > 40 else 0.5)
    labels = labels_of(p, rho=1.0, heavy=heavy)
    negligible = 1e-13 * float(labels.pairs[0] @ labels.pairs[1] ** n)
    circle = circles.circle_of(labels, n, negligible)
    for m in (labels.w[0] + labels.w[1], float(labels.w.sum()), labels.w[3] + labels.w[2]):
        found = float((circle.factor * np.exp(-m * circle.t)).real.sum())
        truth = (1 - m) ** n - ((1 - m - heavy) ** n if heavy else 0.0)
        assert found == pytest.approx(truth, rel=1e-9, abs=1e-11 * circle.weight * math.exp(-m * circle.R))
    assert circle.error >= 0
    assert circle.error <= 3 * negligible
    assert circle.t[0] == pytest.approx(circle.R, rel=1e-15, abs=0)
    assert circle.reach == pytest.approx(float(np.angle(circle.t[-1])) % (2 * math.pi), rel=1e-12, abs=0)
    np.testing.assert_allclose(np.abs(circle.t), circle.R, rtol=1e-13)
    # As many roundings as are asked for, and those of its own, of all terms at t = R.
    one, two = (circles.rounding(labels, circle, x) for x in (0.0, 1000.0))
    assert two - one == pytest.approx(1000 * 2.0**-52 * circle.weight * labels.spread(circle.R), rel=1e-9, abs=0)
    own = 100 + 16 + abs(circle.log_scale) + abs(circle.R - n) * circle.reach - math.log(negligible)
    assert one / (two - one) == pytest.approx(own / 1000, rel=1e-9, abs=0)


def test_exponentials_less_one_of_complex_numbers():
    # Oracle: mpmath, e^z - 1 at 30 digits
    z = np.array([1e-9 + 1e-9j, 0.5 - 2j, -3 + 1j, 2 + 3j])
    for x, found in zip(z.tolist(), circles.expm1(z).tolist(), strict=True):
        truth = mpmath.expm1(mpmath.mpmathify(x))
        assert abs(mpmath.mpmathify(found) - truth) <= 1e-15 * abs(truth) * 4


# --- Levels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 30, 60, 61, 900, 10**5])
def test_the_circle_of_levels_gives_powers(n):
    # Oracle: identity, as above, on |t| = n; within what is said to be left
    p = np.full(3, 1 / 3)
    t, factor, left = levels._circle(p, p, n)
    np.testing.assert_allclose(np.abs(t), n, rtol=1e-12)
    for m in (0.0, 0.3 / n, 2.0 / n):
        found = float((factor * np.exp(-m * t)).real.sum())
        assert found == pytest.approx((1 - m) ** n, rel=2e-9, abs=0)
    assert left >= 0
    # Aliases: m!/n! n^(n-m) (1 - w)^m of the coefficients n + N, n + 2 N and n - N.
    N = math.ceil(7 * math.sqrt(n) + 24)
    assert t.size - 1 == (N // 2 if n <= 60 else math.ceil(6.6 / math.sqrt(n) * N / (2 * math.pi)))
    alias = sum(
        math.exp(levels._log_ratio(n, m)) * (2 / 3) ** m for m in (n - 2 * N, n - N, n + N, n + 2 * N) if m >= 0
    )
    skipped = 4 * abs(factor[-1]) * (2 / 3) ** n if 2 * (t.size - 1) < N else 0.0
    assert left == pytest.approx(alias + skipped, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("n", "m"), [(5, 3), (5, 9), (9999, 9800), (10_000, 9_700), (10**6, 10**6 + 3000), (10**6, 10**6)]
)
def test_ratios_of_coefficients(n, m):
    # Oracle: mpmath, n^m / m! over n^n / n!
    truth = (m - n) * mpmath.log(n) + mpmath.loggamma(n + 1) - mpmath.loggamma(m + 1)
    assert abs(levels._log_ratio(n, m) - truth) < 2e-5


def test_integrals_over_levels():
    # Oracle: identity, integrals of polynomials from the low end to a place, or to the high end
    low, high = 0.3, 0.9
    at = levels._points(low, high)
    assert at.size == levels.LEVELS
    assert (np.diff(at) < 0).all()
    assert low < at[-1] < at[0] < high
    x = np.array([0.1, 0.3, 0.55, 0.9, 1.4])
    for degree in (0, 1, 2, 5, levels.LEVELS - 1):
        law = np.tile(at**degree, (x.size, 1))
        found, bent = levels._integrals(x, law, low, high)
        truth = (np.clip(x, low, high) ** (degree + 1) - low ** (degree + 1)) / (degree + 1)
        np.testing.assert_allclose(found, truth, rtol=1e-12, atol=1e-15)
        if degree < levels.LEVELS - 4:
            assert (bent < 1e-15).all()
    wave = np.cos((levels.LEVELS - 1) * np.arccos((2 * at - low - high) / (high - low)))
    _, bent = levels._integrals(x, np.tile(wave, (x.size, 1)), low, high)
    np.testing.assert_allclose(bent, [0.0, 0.0] + [(high - low) / 8] * 3, rtol=1e-12, atol=1e-15)


def test_windows_of_levels_end_where_chernoff_says():
    # Oracle: second algorithm, Chernoff's bound by SciPy's minimum; one step nearer it does not hold
    import scipy.optimize

    p = np.random.default_rng(1).dirichlet(np.ones(300))
    q = np.exp(-p * 300)
    centre = float(q @ p) / q.sum()
    spread = math.sqrt(float((q * (1 - q)) @ (p - centre) ** 2))
    step = spread / q.sum()
    low, high = levels._window(p, q, centre, step)

    def bound(level, sign):
        def log(theta):
            return float(np.log1p(q * np.expm1(sign * theta * (p - level))).sum())

        return scipy.optimize.minimize_scalar(log, bounds=(0.1 / spread, 60 / spread), method="bounded").fun

    assert bound(low, -1) <= bound(high, 1) * 0 - levels.LEAST + 0.5
    assert bound(high, 1) <= -levels.LEAST + 0.5
    assert bound(low + 0.5 * step, -1) > -levels.LEAST - 2
    assert bound(high - 0.5 * step, 1) > -levels.LEAST - 2
    for end in (low, high):
        assert abs((end - centre) / step * 2 - round((end - centre) / step * 2)) < 1e-6


# --- Counts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [[0.1, 0.2, 0.3, 0.4], [0.001, 0.001, 0.998], [0.25, 0.25, 0.5], [1e-9, 1 - 1e-9]])
@pytest.mark.parametrize("rho", [1.0, 0.7, 1e-3])
def test_draws_of_a_row(p, rho):
    # Oracle: mpmath, the moments of a draw and the missing mass at 40 digits
    n, row = 50, row_of(p, rho)
    law = counts._Draws(row, n)
    with mpmath.workdps(40):
        exact = [mpf(x) for x in row.p.tolist()]
        exact = [x / mpmath.fsum(exact) for x in exact]
        mean = mpf(rho) * mpmath.fsum(x * x for x in exact)
        second = mpf(rho) * mpmath.fsum(x**3 for x in exact)
        missed = mpmath.fsum(x * ((1 - rho * x) ** n - (1 - mpf(rho)) ** n) for x in exact)
        assert law.mean == pytest.approx(float(mean), rel=1e-14, abs=2e-16 * float(row.p[-1]))
        assert law.sd == pytest.approx(float(mpmath.sqrt(n * (second - mean**2))), rel=1e-12, abs=0)
        assert abs(law.missed() - missed) <= 64 * 2.0**-52 * abs(missed)
        values = np.unique(row.p).tolist()
        for i, x in enumerate(values):
            w = mpf(rho) * mpf(x) / mpmath.fsum(mpf(y) for y in row.p.tolist())
            assert law.w[i] == pytest.approx(float(w), rel=1e-15, abs=0)
            assert law.rest[i] == pytest.approx(float(1 - w), rel=1e-14, abs=0)
            assert law.others[i] == pytest.approx(float(rho - w), rel=1e-14, abs=1e-300)
            assert law.d[i] == pytest.approx(float(mpf(x) - mean), rel=1e-13, abs=1e-16)
    assert law.times.tolist() == [float(np.count_nonzero(row.p == x)) for x in values]


@pytest.mark.parametrize(
    ("p", "rho", "n"), [([0.1, 0.2, 0.3, 0.4], 1.0, 400), ([0.05] * 10 + [0.5], 0.4, 100), ([0.3, 0.7], 0.9, 5000)]
)
def test_windows_of_the_sum_hold_all_but_little(p, rho, n):
    # Oracle: second algorithm, Chernoff's bound by SciPy's minimum is e^-45 at the ends, within a per cent of distance
    import scipy.optimize

    row = row_of(p, rho)
    law = counts._Draws(row, n)
    low, high, above = law.window()
    mean = n * law.mean
    w = np.append(rho * row.p / row.p.sum(), 1 - rho)
    x = np.append(row.p, 0.0) - law.mean

    def ends(sign):
        def far(scale):
            return (n * math.log(float(w @ np.exp(sign * scale * x))) + counts.LEAST) / scale

        top = 60 / law.sd
        return scipy.optimize.minimize_scalar(far, bounds=(1e-3 * top, top), method="bounded").fun

    assert high == pytest.approx(min(mean + ends(1), n * row.p[-1]), rel=1e-3, abs=0)
    assert max(mean - ends(-1), 0.0) - 1e-3 * mean <= low <= max(mean - ends(-1), 0.0) + 0.01 * mean
    assert above == pytest.approx(1.0, rel=1e-8, abs=0)


def test_the_chance_of_a_value_that_is_too_small():
    # Oracle: enumeration, all draws: the bound holds, is the one of three visits where these are rare, and 0 below 1
    row = row_of([0.1, 0.2, 0.3, 0.4], 0.01)
    law = counts._Draws(row, 4)
    _, _, above = law.window()
    assert above == pytest.approx((4 * 0.01) ** 3 / 6, rel=1e-6, abs=0)
    assert counts._Draws(row, 2).window()[2] == 0.0
    few = counts._Draws(row_of(np.full(100, 0.01) + 1e-4 * np.arange(100) / 99, 1.0), 40)
    assert few.window()[2] == 0.0


def test_an_error_that_is_too_large_is_out_of_reach():
    # Oracle: definition, relative to the value; equality is within
    found = Estimate(2.0, 2e-6, "counts", proved=False)
    assert counts.within(found, 1e-6) is found
    with pytest.raises(OutOfReach, match=r"the error is 2e-06 of 2: use"):
        counts.within(found, 0.999e-6)
    with pytest.raises(OutOfReach, match="count by count"):
        counts.within(Estimate(1.0, math.nan, "counts"), 1.0)


# --- Closed forms and label classes ---------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "rho"), [(50, 0.3), (30_000, 0.5), (10**6, 0.02), (10**9, 0.9)])
def test_means_of_inverse_visits(n, rho):
    # Oracle: mpmath, the sum where it is short, else the series of E(1/m) by the binomial law's cumulants
    found = sgl._mean_inverse(n, rho)
    mean = n * rho
    if n <= 50:
        truth = mpmath.fsum(math.comb(n, m) * mpf(rho) ** m * (1 - mpf(rho)) ** (n - m) / m for m in range(1, n + 1))
        assert found == pytest.approx(float(truth), rel=1e-14, abs=0)
        return
    # E(1/m; m >= 1) obeys f(n + 1) = f(n) + (P(m >= 1 among n + 1)) / (n + 1) backwards; by moments here
    q, r = 1 - mpf(rho), mpf(rho)
    m2, m3 = n * r * q, n * r * q * (q - r)
    m4 = 3 * m2**2 + m2 * (1 - 6 * r * q)
    m5 = m3 * (10 * m2 + 1 - 12 * r * q)
    m6 = 15 * m2**3 + 5 * m2**2 * (5 - 26 * r * q)
    series = (
        1 + m2 / mpf(mean) ** 2 - m3 / mpf(mean) ** 3 + m4 / mpf(mean) ** 4 - m5 / mpf(mean) ** 5 + m6 / mpf(mean) ** 6
    )
    assert found == pytest.approx(float(series / mean), rel=max(300 / mean**4, 4e-15), abs=0)


def test_what_dividing_a_row_by_its_sum_moves():
    # Oracle: definition, twice the excess times the visited risk and its slope, which a heavy label makes steep
    flat = row_of([0.25, 0.25, 0.5])
    assert sgl._rounded(flat, 0.1) == 0.0
    off = SimpleNamespace(rho=0.5, p=np.array([0.25, 0.25, 0.5 + 2.0**-40]))
    e = 2.0**-40
    steep = 0.1 * off.p[-1] / (1 - off.p[-1])
    assert sgl._rounded(off, 0.1) == pytest.approx(0.5 * 2 * e * (0.1 + steep), rel=1e-9, abs=0)
    sharp = SimpleNamespace(rho=1.0, p=np.array([0.125, 0.875 + e]))
    assert sgl._rounded(sharp, 0.15) == pytest.approx(2 * e * (0.15 + 1.0), rel=1e-9, abs=0)
    assert sgl._rounded(sharp, 0.1) == pytest.approx(2 * e * (0.1 + 0.1 * 7), rel=1e-6, abs=0)
    even = SimpleNamespace(rho=1.0, p=np.array([0.25, 0.25, 0.5 - e]))
    assert sgl._rounded(even, 0.1) == pytest.approx(2 * e * 0.1, rel=1e-9, abs=0)


@pytest.mark.parametrize(("n", "labels", "rho"), [(5, 3, 0.5), (5, 3, 1.0), (1, 1, 1.0), (40, 2, 0.3), (7, 1, 0.5)])
def test_numbers_of_count_vectors(n, labels, rho):
    # Oracle: enumeration, binomial coefficients; elsewhere is one label more
    boxes = labels + (rho < 1)
    assert ptl._vectors(n, labels, rho) == pytest.approx(math.comb(n + boxes - 1, boxes - 1), rel=1e-12, abs=0)
    assert ptl._vectors(10**18, 2, 1.0) == 10**18 + 1.0


def test_orders_of_classes():
    # Oracle: definition, every class of several labels comes first once, else the first
    assert [x.tolist() for x in ptl._orders(np.array([1, 2, 1, 3]))] == [[1, 0, 2, 3], [3, 0, 1, 2]]
    assert [x.tolist() for x in ptl._orders(np.array([1, 1]))] == [[0, 1]]


def test_the_cost_of_label_classes_is_that_of_their_windows():
    # Oracle: second algorithm, the product of the windows' widths, class by class; never more than count vectors
    n, row = 2000, row_of([0.1, 0.1, 0.3, 0.5], 0.5)
    width = {m: ptl._width(n, m) for m in (0.1, 0.15, 0.25)}
    for m, found in width.items():
        assert found == pytest.approx(20 * math.sqrt(n * m * (1 - m)) + 10, rel=1e-12, abs=0)
    terms = math.prod(width.values())
    within = width[0.1] * (20 * math.sqrt(n * 0.1 / 2) + 10)
    assert ptl.classes_cost(row, n) == pytest.approx(terms * (1 + 2 / 3) + within, rel=1e-12, abs=0)
    sure = row_of([0.1, 0.1, 0.3, 0.5], 1.0)
    used = ptl._width(n, 0.2) * ptl._width(n, 0.3)
    within = ptl._width(n, 0.2) * (20 * math.sqrt(n * 0.1) + 10)
    assert ptl.classes_cost(sure, n) == pytest.approx(used * (1 + 2 / 3) + within, rel=1e-12, abs=0)
    two = row_of([0.2, 0.2, 0.3, 0.3], 1.0)
    passes = ptl._width(n, 0.4) + ptl._width(n, 0.6)
    within = sum(ptl._width(n, 2 * v) * (20 * math.sqrt(n * v) + 10) for v in (0.2, 0.3))
    assert ptl.classes_cost(two, n) == pytest.approx(passes + within, rel=1e-12, abs=0)
    assert ptl.classes_cost(row_of(np.arange(1.0, 402) / np.arange(1.0, 402).sum()), 10) == math.inf
    few = ptl.classes_cost(row_of([0.1, 0.2, 0.3, 0.4], 1.0), 3)
    assert few == pytest.approx(20 * (1 + 4 / 3) + min(4.0, ptl._width(3, 0.1)) * 4, rel=1e-12, abs=0)


def test_logarithms_of_binomial_coefficients():
    # Oracle: enumeration, math.comb
    for k in (0, 1, 7, 60):
        assert sel._log_binomials(k).tolist() == [math.log(math.comb(k, j)) for j in range(k + 1)]


def test_the_seconds_of_a_row():
    # Oracle: definition, the formulas of the page: sets, cells by the labels that may be unseen, others
    few = row_of([0.1, 0.2, 0.3, 0.4])
    assert sel.seconds(few, 0) == 1e-3
    assert sel.seconds(few, 10) == pytest.approx(1e-3 + 3e-6 * 16, rel=1e-12, abs=0)
    classes = row_of([0.01] * 50 + [0.5], 1.0)
    assert sel.seconds(classes, 100) == pytest.approx(1e-3 + 1e-5 * 102 * 50 / 51, rel=1e-12, abs=0)
    assert sel.seconds(classes, 10) == pytest.approx(1e-3 + 1e-5 * 102, rel=1e-12, abs=0)
    many = row_of(np.arange(1.0, 41) / 820)
    assert sel.seconds(many, 100) == pytest.approx(1e-3 + 0.5, rel=1e-12, abs=0)
    unseen = int(np.count_nonzero(3000 * many.p < 36))
    assert 0 < unseen < 30
    assert sel.seconds(many, 3000) == pytest.approx(1e-3 + 0.5 * math.exp(0.4 * (unseen - 30)), rel=1e-12, abs=0)


# --- Added counts, closed forms, and what bounds an answer ----------------------------------------------------


def test_distinct_labels_and_those_that_are_not_listed():
    # Oracle: enumeration by hand; labels that a sparse row does not list have probability 0
    def alike_of(p, zeros):
        labels, times = add._alike(Row(1.0, np.array(p), np.full(len(p), 0.1), 1, zeros=zeros))
        return labels.tolist(), times.tolist()

    assert alike_of([0.5, 0.25, 0.25], 0) == ([0.25, 0.5], [2, 1])
    assert alike_of([0.5, 0.25, 0.25], 3) == ([0.0, 0.25, 0.5], [3, 2, 1])
    assert alike_of([0.0, 0.5, 0.5], 3) == ([0.0, 0.5], [4, 2])
    assert alike_of([0.0, 0.5, 0.5], 0) == ([0.0, 0.5], [1, 2])


@pytest.mark.parametrize(
    ("n", "rho"), [(100, 1.0), (100, 0.3), (40_000, 0.5), (40_100, 0.5), (10**7, 0.5), (10**9, 0.01)]
)
def test_windows_of_visits_leave_out_little(n, rho):
    # Oracle: identity, t^2 / (2 (variance + t / 3)) is 33 at the reach of the shorter window, within a visit
    first, last = add._window(n, rho)
    if rho == 1:
        assert (first, last) == (n, n)
        return
    wide, mean, variance = binomials.window(n, rho), n * rho, n * rho * (1 - rho)
    if variance < 1e4:
        assert (first, last) == wide
        return
    assert wide[0] < first < last < wide[1]
    for t in (mean - first, last - mean):
        assert (t - 1) ** 2 / (2 * (variance + (t - 1) / 3)) <= 33 * (1 + 1e-9)
        assert t**2 / (2 * (variance + t / 3)) >= 33 * (1 - 1e-9)


@pytest.mark.parametrize(
    ("m", "p", "c"), [(1, 0.3, 0.2), (5, 0.5, 0.4), (40, 0.01, 0.1), (40, 0.99, 0.3), (3, 0.0, 0.5)]
)
def test_relative_entropies_of_added_counts(m, p, c):
    # Oracle: mpmath, the sum over all counts at 30 digits
    T = m + 3 * c
    truth = mpf(0)
    for x in range(m + 1):
        q = (x + mpf(c)) / mpf(T)
        term = (p * mpmath.log(p / q) if p else 0) - p + q
        truth += math.comb(m, x) * mpf(p) ** x * (1 - mpf(p)) ** (m - x) * term
    assert add._relative_entropy(m, c, T, p) == pytest.approx(float(truth), rel=1e-12, abs=0)


@pytest.mark.parametrize("divergence", ["tv", "l2", "kl"])
@pytest.mark.parametrize(("rho", "n"), [(1.0, 5), (0.4, 6), (0.4, 40)])
def test_the_error_of_added_counts_term_by_term(divergence, rho, n):
    # Oracle: definition, 1e-12 of the value, the unvisited part's own, and what dividing the row by its sum moves
    row = row_of([0.25, 0.25, 0.5], rho)
    found = add.row_risk(row, n, divergence)
    own = ful.row_risk(row, n, divergence).error
    assert found.error == pytest.approx(own + 1e-12 * found.value, rel=1e-6, abs=0)
    assert found.proved == (n <= 32)
    e = 2.0**-38
    off = Row(rho, np.array([0.25, 0.25, 0.5 + e]), np.full(3, 1 / 3), 1)
    moved = add.row_risk(off, n, divergence)
    own = ful.row_risk(off, n, divergence).error
    rounded = 2 * rho * e * (1 + moved.value / rho if divergence == "kl" else 1)
    assert moved.error == pytest.approx(own + 1e-12 * moved.value + rounded, rel=1e-6, abs=0)


def test_what_is_too_long_for_added_counts(monkeypatch):
    # Oracle: definition, each cap from both sides
    for divergence, cap in add.CAPS.items():
        add._check(divergence, 7, cap)
        with pytest.raises(OutOfReach, match=f"n is 7: {cap + 1} numbers exceed the cap of {cap}"):
            add._check(divergence, 7, cap + 1)
    assert add.CAPS == {"tv": 2 * 10**9, "l2": 10**9, "kl": 10**8}
    monkeypatch.setattr(add, "BLOCK", 4)
    assert [block.tolist() for block in add._blocks(3, 11)] == [[3, 4, 5, 6], [7, 8, 9, 10], [11]]
    assert [block.tolist() for block in add._blocks(3, 6)] == [[3, 4, 5, 6]]


@pytest.mark.parametrize("divergence", ["tv", "kl", "l2"])
@pytest.mark.parametrize("n", [0, 1, 9])
def test_the_error_of_unvisited_inputs_term_by_term(divergence, n):
    # Oracle: definition, 16 roundings of the value, and what dividing both laws by their sums moves
    p, init, e = np.array([0.125, 0.375, 0.5]), np.array([0.25, 0.25, 0.5]), 2.0**-36
    exact = ful.row_risk(Row(0.5, p, init, 1), n, divergence)
    assert exact.error == pytest.approx(16 * 2.0**-52 * exact.value, rel=1e-12, abs=0)
    distance = exact.value / (0.5 * 0.5**n)
    slope = {"tv": 1.0, "l2": 2.0, "kl": 2 + distance}[divergence]
    last, first, middle = np.array([0, 0, e]), np.array([e, 0, 0]), np.array([0, e, 0])
    for law, start in ((p + last, init), (p, init - middle), (p + last, init + first)):
        excess = (law.sum() - 1) + abs(start.sum() - 1)
        found = ful.row_risk(Row(0.5, law, start, 1), n, divergence)
        own = found.error - 16 * 2.0**-52 * found.value
        assert own == pytest.approx(0.5 * 0.5**n * excess * slope, rel=1e-4, abs=0)
    two = ful.row_risk(Row(0.5, p, np.array([0.25, 0.25, 0.25]), 1, zeros=2, start=0.125), n, divergence)
    assert two.error == pytest.approx(16 * 2.0**-52 * two.value, rel=1e-12, abs=0)


def test_labels_that_are_nearly_impossible_are_flushed():
    # Oracle: definition, from 1e-290 on; such a label is seen in n draws with a probability of n times that at most
    row = row_of([0.0, 1e-320, 9.9e-291, 1e-290, 1.0])
    kept, moved = flushed(row, 6)
    assert kept.p.tolist() == [0.0, 0.0, 0.0, 1e-290, 1.0]
    assert moved == pytest.approx(7 * 5 * 1e-290, rel=1e-12, abs=0)
    assert np.array_equal(kept.init, row.init)
    same, nothing = flushed(row_of([0.0, 1e-290, 1.0]), 6)
    assert nothing == 0.0
    assert same.p.tolist() == [0.0, 1e-290, 1.0]


def test_what_an_answer_must_be():
    # Oracle: definition, a number with an error that meets its range, moved into it
    def near(value, error):
        return sound(Estimate(value, error, "r"), 1.0, 2.0).value

    assert [near(0.9, 0.1), near(1.5, 0.0), near(2.2, 0.25)] == [1.0, 1.5, 2.0]
    for value, error in ((0.9, 0.05), (2.2, 0.1), (math.nan, 0.0), (1.5, math.nan), (1.5, -1e-9), (math.inf, 0.0)):
        with pytest.raises(OutOfReach, match=r"^r: "):
            near(value, error)
    endless = Estimate(math.inf, 0.0, "r")
    assert sound(endless, 1.0, math.inf) is endless
    with pytest.raises(OutOfReach, match="no number"):
        sound(Estimate(-math.inf, 0.0, "r"), 1.0, math.inf)

    def broken():
        raise ZeroDivisionError("division")

    def refused():
        raise OutOfReach("too long")

    good = Estimate(1.5, 0.0, "good")
    assert first_sound([broken, refused, lambda: good, refused], 1.0, 2.0) == good
    with pytest.raises(OutOfReach, match="a route met ZeroDivisionError, division"):
        first_sound([refused, broken], 1.0, 2.0)
    with pytest.raises(OutOfReach, match="too long"):
        first_sound([broken, refused], 1.0, 2.0)
    with pytest.raises(OutOfReach, match="no route applies"):
        first_sound([], 1.0, 2.0)


def test_how_far_a_law_is_from_one():
    # Oracle: enumeration in exact binary fractions
    assert excess(np.array([0.5, 0.25])) == 0.25
    assert excess(np.array([0.5, 0.25]), 0.5) == 0.25
    assert excess(np.array([0.5, 0.5 + 2.0**-50])) == 2.0**-50
    assert excess(np.array([0.5, 0.5])) == 0.0


# --- Lists and several draws ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rho", "n", "draws"), [(0.4, 6, 2), (0.4, 40, 3), (0.05, 3, 2), (0.9, 400, 1)])
def test_numbers_of_visits_that_count(rho, n, draws):
    # Oracle: second algorithm, visit by visit: the window of the binomial law, up to a missing mass of 1e-17
    row = row_of([0.0, 0.25, 0.25, 0.5], rho)
    first, number = told._visits(row, n, SimpleNamespace(draws=draws))
    low, high = binomials.window(n, rho)
    missing = [float(row.p @ (1 - row.p) ** (draws * N)) for N in range(low, high + 1)]
    assert first == low
    assert number == sum(x > 1e-17 for x in missing)
    assert told._visits(row, 0, SimpleNamespace(draws=draws)) == (1, 0)


def test_the_tail_of_a_list():
    # Oracle: enumeration by hand: all but the end of the sorted row; the last label apart; ties whose init differs
    p, init = np.array([0.1, 0.2, 0.2, 0.5]), np.array([0.4, 0.1, 0.1, 0.4])

    def tail(top, init=init, last=math.nan, tied=False):
        labels, start = told._tail(Row(1.0, p, init, 1, last=last), top, tied)
        return labels.tolist(), start.tolist()

    assert tail(1) == ([0.1, 0.2, 0.2], pytest.approx([2 / 3, 1 / 6, 1 / 6], rel=1e-15, abs=0))
    assert tail(2) == ([0.1, 0.2], pytest.approx([0.8, 0.2], rel=1e-15, abs=0))
    assert tail(3) == ([0.1], [1.0])
    assert tail(9) == ([0.1], [1.0])
    assert tail(1, last=0.5) == ([0.1, 0.2, 0.5], pytest.approx([4 / 9, 1 / 9, 4 / 9], rel=1e-15, abs=0))
    assert tail(2, last=0.5) == ([0.1, 0.5], pytest.approx([0.5, 0.5], rel=1e-15, abs=0))
    uneven = np.array([0.4, 0.1, 0.2, 0.3])
    assert tail(1, uneven)[0] == [0.1, 0.2, 0.2]
    assert tail(3, uneven)[0] == [0.1]
    assert tail(2, uneven, tied=True)[0] == [0.1, 0.2]
    with pytest.raises(OutOfReach, match="end of the list differ in init"):
        tail(2, uneven)
    with pytest.raises(OutOfReach, match="last one's probability differ in init"):
        tail(1, uneven, last=0.2)
    assert tail(1, uneven, last=0.2, tied=True)[0] == [0.1, 0.2, 0.2]


@pytest.mark.parametrize(("rho", "n"), [(1.0, 5), (0.4, 6)])
def test_what_a_tail_adds_term_by_term(rho, n):
    # Oracle: definition, the tail's own error, the unvisited part's, and 8 roundings of all three parts
    row = row_of([0.125, 0.375, 0.5], rho)
    missed, unvisited = Estimate(0.25, 1e-9, "r", proved=False), Estimate(0.0625, 1e-10, "s")
    found = told._with_list(row, n, 0.5, missed, unvisited, 1e-11)
    replaced = rho * (1 - rho) ** n * 0.5
    assert found.value == pytest.approx(0.25 - replaced + 0.0625, rel=1e-15, abs=0)
    assert found.error == pytest.approx(1e-9 + 1e-10 + 1e-11, rel=1e-4, abs=0)
    assert (found.route, found.proved) == ("r", False)
    exact = told._with_list(row, n, 0.5, Estimate(0.25, 0.0, "r"), Estimate(0.0625, 0.0, "s"), 0.0)
    assert exact.error == pytest.approx(8 * 2.0**-52 * (0.25 + replaced + 0.0625), rel=1e-12, abs=0)
    none = told._with_list(row, n, 9.0, Estimate(1e-30, 0.0, "r"), Estimate(0.5, 0.0, "s"), 0.0)
    assert none.value == 0.5 + 1e-30 * (rho == 1)


@pytest.mark.parametrize("labels", CIRCLES)
@pytest.mark.parametrize("n", [1, 40])
def test_circles_go_through_the_saddle_point(labels, n):
    # Oracle: enumeration of the pairs of labels; the mean of R k in the law c e^(R k) is n + 1/2 at the best R
    each = [*labels.p.tolist(), *np.repeat(labels.idle, labels.times).tolist()]
    seen = [*labels.w.tolist(), *[0.0] * labels.always]
    truth: dict[float, float] = {}
    for a, b in itertools.combinations(range(len(each)), 2):
        kept = round(1 - seen[a] - seen[b], 12)
        truth[kept] = truth.get(kept, 0.0) + abs(each[a] - each[b]) / max(2, labels.always)
    c, k = labels.pairs
    found: dict[float, float] = {}
    for weight, mass in zip(c.tolist(), k.tolist(), strict=True):
        found[round(mass, 12)] = found.get(round(mass, 12), 0.0) + weight
    assert found == pytest.approx({mass: weight for mass, weight in truth.items() if weight > 1e-15}, rel=1e-12, abs=0)
    R = circles.circle_of(labels, n, 1e-13 * float(c @ k**n)).R
    share = c * np.exp(R * (k - k.max()))
    assert float(share @ (R * k)) / float(share.sum()) == pytest.approx(n + 0.5, rel=1e-12, abs=0)


@pytest.mark.parametrize("divergence", ["tv", "l2", "kl"])
@pytest.mark.parametrize(("rho", "n"), [(1.0, 3), (0.4, 6)])
def test_added_counts_by_all_counts_of_a_label(divergence, rho, n):
    # Oracle: enumeration, visits and counts of each label, costs as they are defined
    p = [0.1, 0.2, 0.2, 0.5]
    found = add.row_risk(row_of(p, rho), n, divergence)
    truth = rho * (1 - rho) ** n * ful.between(np.array(p), np.full(4, 0.25), divergence)
    for m, x in itertools.product(range(1, n + 1), range(n + 1)):
        if x > m:
            continue
        visits = math.comb(n, m) * rho**m * (1 - rho) ** (n - m)
        c = 0.4 * math.sqrt(m / 3)
        for a in p:
            q, chance = (x + c) / (m + 4 * c), math.comb(m, x) * a**x * (1 - a) ** (m - x)
            cost = {"tv": abs(q - a) / 2, "l2": (q - a) ** 2, "kl": a * math.log(a / q)}[divergence]
            truth += rho * visits * chance * cost
    assert found.value == pytest.approx(truth, rel=1e-12, abs=0)
