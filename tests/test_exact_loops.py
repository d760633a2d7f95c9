"""The loops of the exact routes, function by function: mpmath and sums term by term, to nearly all digits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import oracles
from kt_theory.exact import (
    loops_add,
    loops_counts,
    loops_kinks,
    loops_levels,
    loops_many,
    loops_ptl,
    loops_sel,
    loops_sgl,
)
from kt_theory.numerics import binomials, loops_binomial, powers

EPS = 2.0**-52


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(50):
        yield


def off(found, truth) -> float:
    """How far a number is from the truth, relatively."""
    return float(abs(mpmath.mpmathify(found) - truth) / abs(truth))


def chance(x, n, p):
    """P(Bin(n, p) = x), n real."""
    x, n, p = mpf(x), mpf(n), mpf(p)
    ways = mpmath.loggamma(n + 1) - mpmath.loggamma(x + 1) - mpmath.loggamma(n - x + 1)
    return mpmath.exp(ways + x * mpmath.log(p) + (n - x) * mpmath.log1p(-p))


# --- Numbers that lose no digits ------------------------------------------------------------------------------


def bernoulli(k):
    """Stirling's series by Bernoulli's numbers, as far as it is used."""
    return mpmath.fsum(mpmath.bernoulli(2 * i) / (2 * i * (2 * i - 1) * mpf(k) ** (2 * i - 1)) for i in range(1, 6))


@pytest.mark.parametrize("k", [1, 2, 3, 14, 15, 16, 17, 20.5, 33, 1e3, 1e8])
def test_stirling(k):
    # Oracle: mpmath, log gamma to 4e-16; Bernoulli's numbers for the terms of the series
    truth = mpmath.loggamma(k + 1) - (mpmath.log(2 * mpmath.pi * k) / 2 + k * mpmath.log(k) - k)
    for found in (loops_binomial.stirling(float(k)), float(binomials.stirling(np.array([float(k)]))[0])):
        assert abs(found - truth) < 4e-16
        if k >= 16:
            assert off(found, bernoulli(k)) < 6e-16


def test_stirling_of_small_and_large_numbers_together():
    # Oracle: second algorithm, the same numbers one by one
    k = np.array([3.0, 15.0, 16.0, 400.0])
    assert binomials.stirling(k).tolist() == [float(binomials.stirling(k[i : i + 1])[0]) for i in range(4)]


@pytest.mark.parametrize("t", [1e-9, 3e-3, 9.99e-3, 1.001e-2, 0.05, 0.0999, 0.1001, 0.3, 0.8])
@pytest.mark.parametrize("sign", [1, -1])
def test_deviances(t, sign):
    # Oracle: mpmath, x log(x / mean) - x + mean at 50 digits, on both sides of where algorithms change
    x = 200.0
    excess = sign * t * 2 * x / (1 + sign * t)  # t = excess / (x + mean)
    mean = mpf(x) - mpf(excess)
    truth = x * mpmath.log(x / mean) - x + mean
    slack = 3e-15 if t < 0.1 else 4 * EPS * float(abs(excess) / truth) + 4 * EPS
    assert off(loops_binomial.deviance(x, float(mean), excess), truth) < slack
    found = powers.deviance(np.array([x]), np.array([float(mean)]), np.array([excess]))
    assert off(float(found[0]), truth) < slack


def test_deviances_side_by_side_and_at_the_ends():
    # Oracle: mpmath at 50 digits; a mean of 0 is infinitely far, one that x / mean overflows for is not
    x, mean = np.array([10.0, 1e10, 5.0, 7.0]), np.array([10.5, 1e-300, 0.0, 7.0])
    found = powers.deviance(x, mean, x - mean)
    truth = [a * mpmath.log(a / mpf(b)) - a + b for a, b in zip(x[:2].tolist(), mean[:2].tolist(), strict=True)]
    assert off(found[0], truth[0]) < 3e-15
    assert off(found[1], truth[1]) < 3e-15
    assert found[2] == math.inf
    assert found[3] == 0.0
    assert loops_binomial.deviance(5.0, 0.0, 5.0) == math.inf


@pytest.mark.parametrize(("x", "y"), [(3.7, 0.1), (1e17 + 3, 1 / 3), (123456789.123, 1e-9), (1.0, 1.0), (-5.3, 0.7)])
def test_products_are_exact(x, y):
    # Oracle: enumeration, products in fractions
    for of in (powers.product, loops_binomial.product, loops_sel._two_prod):
        high, low = of(x, y)
        assert high == x * y
        assert Fraction(high) + Fraction(low) == Fraction(x) * Fraction(y)


@pytest.mark.parametrize(
    ("n", "rho"),
    [
        (0, 0.3),
        (0, 1.0),
        (1, 1.0),
        (5, 1.0),
        (1, 2.0 ** (-20)),
        (10**6, 2.0 ** (-20)),
        (10**6, 0.999 * 2.0 ** (-20)),
        (700, 0.6),
        (10**9, 1e-07),
        (10**17 + 3, 3e-16),
        (10**12, 2e-10),
        (10, 1e-09),
        (799, 0.99),
        (10**9, 9.5e-07),
        (40, 1e-06),
    ],
)
def test_chances_of_no_visit(n, rho):
    # Oracle: mpmath, (1 - rho)^n at 50 digits
    truth = (1 - mpf(rho)) ** n
    found = powers.unseen(n, rho)
    assert found == 0.0 if truth < 1e-320 else off(found, truth) < 2e-15


def test_powers_of_several():
    # Oracle: mpmath, (1 - w)^n; nothing to the power 0 is 1, also where w is 1
    w = np.array([0.0, 0.1, 0.5, 1.0])
    for n in (0, 1, 7):
        truth = [float((1 - mpf(x)) ** n) for x in w.tolist()]
        np.testing.assert_allclose(powers.powers_of(n, w), truth, rtol=3e-15, atol=0)


def test_the_lag_of_a_logarithm():
    # Oracle: mpmath, u - log(1 + u) at 50 digits, on both sides of 0.4
    u = np.array([-0.9, -0.401, -0.399, -0.1, -1e-9, 1e-12, 1e-3, 0.2, 0.399, 0.401, 3.0])
    for x, found in zip(u.tolist(), powers.log_lag(u).tolist(), strict=True):
        assert off(found, x - mpmath.log1p(x)) < 3e-15


@pytest.mark.parametrize(("n", "rho"), [(1000, 0.3), (10**6, 1e-3), (50, 0.5), (10**9, 0.9), (20, 1e-3)])
def test_windows_end_where_bernstein_says(n, rho):
    # Oracle: identity, t^2 / (2 (variance + t / 3)) is 35 + log(mean + 50) at t = the reach of the window
    first, last = binomials.window(n, rho)
    mean, wanted = n * rho, 35 + math.log(n * rho + 50)
    for t in (mean - first, last - mean):
        cut = first > 1 if t == mean - first else last < n
        below, above = ((s * s / (2 * (mean * (1 - rho) + s / 3))) for s in (t - 1, t))
        if cut:
            assert below <= wanted * (1 + 1e-12)
            assert above >= wanted * (1 - 1e-12)
        else:
            assert below <= wanted
    assert 1 <= first <= last <= n


CHANCES = [(0, 5, 0.3), (5, 5, 0.3), (2, 5, 0.3), (30, 100, 0.31), (1, 100, 1e-3), (99, 100, 0.5), (16, 32, 0.5)]
CHANCES += [
    (300_000, 10**6, 0.3),
    (90, 10**6, 1e-4),
    (0, 1, 0.5),
    (1, 1, 0.5),
    (17, 40, 0.2),
    (10**6 - 3, 10**6, 0.999999),
]


@pytest.mark.parametrize(("x", "n", "p"), CHANCES)
def test_binomial_probabilities(x, n, p):
    # Oracle: mpmath, log gamma functions at 50 digits
    truth = chance(x, n, p)
    assert off(loops_binomial.probability(float(x), float(n), p), truth) < 4e-15
    assert off(float(binomials.binomial(np.array([x]), n, p)[0]), truth) < 4e-15
    if 0 < x < n:
        assert off(loops_binomial.inner(float(x), float(n), p), truth) < 4e-15


def test_binomial_probabilities_at_the_ends():
    # Oracle: limit, counts outside of 0 .. n do not occur; p = 0, p = 1 and n = 0 are certain
    assert [loops_binomial.probability(x, 5.0, 0.3) for x in (-1.0, 6.0)] == [0.0, 0.0]
    x = np.array([0.0, 1.0, 2.0])
    assert binomials.binomial(x, 2.0, 0.0).tolist() == [1.0, 0.0, 0.0]
    assert binomials.binomial(x, 2.0, 1.0).tolist() == [0.0, 0.0, 1.0]
    assert binomials.binomial(np.zeros(1), 0.0, np.array([1.0])).tolist() == [1.0]
    both = binomials.binomial(x, 2.0, 0.25)
    np.testing.assert_allclose(both, [0.5625, 0.375, 0.0625], rtol=1e-15, atol=0)


BELOW = [(0, 5, 0.3), (1, 5, 0.3), (2, 5, 0.3), (4, 5, 0.3), (30, 100, 0.31), (31, 100, 0.31), (32, 100, 0.31)]
BELOW += [(60, 100, 0.31), (3, 100, 0.31), (99, 100, 0.9), (0, 1, 0.2), (150, 300, 0.5), (89, 100, 0.9), (90, 100, 0.9)]


@pytest.mark.parametrize(("k", "m", "p"), BELOW)
def test_distribution_functions(k, m, p):
    # Oracle: mpmath, probabilities added up at 50 digits
    truth = mpmath.fsum(math.comb(m, x) * mpf(p) ** x * (1 - mpf(p)) ** (m - x) for x in range(k + 1))
    assert off(loops_binomial.below(float(k), float(m), p), truth) < 6e-15


def test_distribution_functions_at_the_ends():
    # Oracle: limit, none below 0, all at m, all where p is 0
    found = [loops_binomial.below(*of) for of in ((-1.0, 5.0, 0.3), (5.0, 5.0, 0.3), (7.0, 5.0, 0.3), (0.0, 5.0, 0.0))]
    assert found == [0.0, 1.0, 1.0, 1.0]
    assert loops_binomial.below(-1.0, 5.0, 0.0) == 0.0


# --- Loops of SEL_ptl -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e-12, 9.9e-9, 1.01e-8, 1e-5, 0.3, 1.0, 1.5, 20.0])
def test_what_at_least_one_adds(rate):
    # Oracle: mpmath, r / (e^r - 1) and its derivative by log r
    excess, slope = loops_sel.zero_truncated(rate)
    r = mpf(rate)
    assert off(excess, r / mpmath.expm1(r)) < 4e-16
    truth = r * (mpmath.expm1(r) - r * mpmath.exp(r)) / mpmath.expm1(r) ** 2
    assert abs(slope - truth) < min(6e-16, 1e-15 + rate)
    if rate < 1e-8:
        assert off(slope, truth) < rate


@pytest.mark.parametrize("angle", [1e-5, 0.1, 0.3, 0.499, 0.4999999, 0.5, 0.5000001, 0.51, 2.0, 3.1])
def test_the_lag_of_a_sine(angle):
    # Oracle: mpmath, sin x - x at 50 digits
    assert off(loops_sel.sine_lag(angle), mpmath.sin(mpf(angle)) - mpf(angle)) < (4e-16 if angle <= 0.5 else 5e-15)


@pytest.mark.parametrize(
    ("n", "rate"),
    [(1, 0.3), (1, 1.4), (1, 1.6), (5, 2.4), (5, 2.6), (5, 7.4), (5, 7.6), (40, 41.3), (10**6, 1e6 + 3.3), (20, 3e-5)],
)
def test_logarithms_of_poisson_probabilities(n, rate):
    # Oracle: mpmath, - log(e^-r r^n / n!) at 50 digits
    r = mpf(rate)
    assert off(loops_sel.from_poisson(n, rate), r - n * mpmath.log(r) + mpmath.loggamma(n + 1)) < 1e-15


def test_powers_from_what_is_known_to_more_digits():
    # Oracle: mpmath, n log(1 - absent) and n log(kept)
    assert off(loops_sel.power_log(7, 0.9, 0.1), 7 * mpmath.log1p(-mpf(0.1))) < 4e-16
    assert off(loops_sel.power_log(7, 1e-20, 1.0), 7 * mpmath.log(mpf(1e-20))) < 4e-16
    assert off(loops_sel.power_log(7, 1.0, 1e-20), 7 * mpmath.log1p(-mpf(1e-20))) < 4e-16
    for absent, kept in ((0.1, 0.9), (0.9, 0.1), (1e-20, 1.0), (1.0, 1e-20)):
        truth = (mpf(1) - absent if absent < 0.5 else mpf(kept)) ** 9
        assert off(loops_many._power(9.0, absent, kept), truth) < 1e-13
    assert loops_many._power(9.0, 1.0, 0.0) == 0.0
    assert loops_many._power(9.0, 1.0, -1e-17) == 0.0


@pytest.mark.parametrize(
    "z", [0.3 + 0.4j, 1e-9 + 2j, -0.5 + 0.7j, -30 + 3j, 40 - 1.5j, 1e-7 + 1e-7j, -1e-6 - 3j, 2 + 0j]
)
def test_logarithms_of_having_been_seen(z):
    # Oracle: mpmath, e^ of it is 1 - e^-z; its imaginary part may turn by 2 pi
    found = loops_sel.log_seen(z)
    truth = -mpmath.expm1(-mpmath.mpmathify(z))
    assert abs(mpmath.exp(mpmath.mpmathify(found)) / truth - 1) < 5e-15 * max(1, abs(z))
    assert abs(mpmath.re(mpmath.log(truth)) - found.real) < 5e-15 * max(1, abs(z))


def pair(high, low):
    return Fraction(high) + Fraction(low)


PAIRS = [(1.0, 1e-17, 3.0, -2e-17), (0.1, 3e-18, -0.7, 1e-18), (1e5, 1e-12, 1e-5, 1e-23), (1 / 3, 1e-17, 2 / 3, -4e-17)]


@pytest.mark.parametrize(("a", "b", "c", "d"), PAIRS)
def test_pairs_of_floats(a, b, c, d):
    # Oracle: enumeration, sums, products and quotients in fractions, to 2^-102
    one, two = pair(a, b), pair(c, d)
    assert pair(*loops_sel._two_sum(a, c)) == Fraction(a) + Fraction(c)
    assert pair(*loops_sel._two_sum(c, a)) == Fraction(a) + Fraction(c)
    for found, truth in (
        (loops_sel._add(a, b, c, d), one + two),
        (loops_sel._times(a, b, c, d), one * two),
        (loops_sel._over(a, b, c), one / Fraction(c)),
    ):
        assert abs(pair(*found) - truth) <= abs(truth) * Fraction(1, 2**101)
        assert abs(found[1]) <= math.ulp(found[0]) / 2


@pytest.mark.parametrize("a", [0.0, 1e-20, 0.1, 0.349, 0.351, -0.349, -0.351, 1.0, -1.04, 7.3, -20.0, 300.0, -699.0])
def test_exponentials_of_pairs(a):
    # Oracle: mpmath, e^(a + b) at 50 digits, to 29; of e^x - 1 where x is small, which is what is kept
    b = 0.3 * math.ulp(a)
    high, low, k = loops_sel._exponential(a, b)
    truth = mpmath.exp(mpf(a) + mpf(b)) / mpf(2) ** k - 1
    assert abs(mpf(high) + mpf(low) - truth) <= mpf(10) ** -29 * max(abs(truth), mpf(2) ** -10 * (k != 0))
    assert (k == 0) == (abs(a) < 0.35)
    assert abs(truth) < 0.43


@pytest.mark.parametrize("absent", [1e-12, 0.1, 0.29, 0.31, 0.499, 0.501, 0.7, 0.999, 1 - 1e-12])
def test_logarithms_of_pairs(absent):
    # Oracle: mpmath, log(1 - absent) at 50 digits, to 28
    gone = pair(absent, 0.3 * math.ulp(absent) / 2)
    kept = 1 - gone
    split = [(float(x), float(x - Fraction(float(x)))) for x in (kept, gone)]
    high, low = loops_sel._logarithm(*split[0], *split[1])
    exact = sum(Fraction(x) for x in split[0 if absent >= 0.5 else 1])
    exact = exact if absent >= 0.5 else 1 - exact
    truth = mpmath.log(mpf(exact.numerator) / exact.denominator)
    assert abs(mpf(high) + mpf(low) - truth) <= mpf(10) ** -28 * abs(truth)


@pytest.mark.parametrize(("n", "m"), [(1, 3), (5, 3), (60, 4), (4000, 4)])
@pytest.mark.parametrize("spare", [0.0, 0.25])
def test_laws_of_sets(n, m, spare):
    # Oracle: mpmath, inclusion and exclusion of the sets of unseen labels at 50 digits, to 27
    raw = [Fraction(x) for x in (1, 3, 4, 9)][:m]
    masses = [x * (1 - Fraction(spare)) / sum(raw) for x in raw]
    split = np.array([(float(x), float(x - Fraction(float(x)))) for x in masses])
    exact = [pair(*x) for x in split.tolist()]
    left = 1 - sum(exact)
    rest = np.array([float(left), float(left - Fraction(float(left)))])
    law, low = np.empty(2**m), np.empty(2**m)
    scale = loops_sel.set_laws(n, rest, split, np.ones(2**m, dtype=bool), law, low)
    contains = [left + sum(x for a, x in enumerate(exact) if not U >> a & 1) for U in range(2**m)]
    contains = [mpf(x.numerator) / x.denominator for x in contains]
    if not spare:
        contains[-1] = mpf(0)
    assert abs(scale - max(n * mpmath.log(x) for x in contains if x > 0)) < 1e-12 * n
    largest = max(float(abs(x) ** n) for x in contains)
    for U in range(2**m):
        more = [V for V in range(2**m) if V & U == U]
        truth = mpmath.fsum((-1) ** (V ^ U).bit_count() * contains[V] ** n for V in more)
        found = (mpf(law[U]) + mpf(low[U])) * mpmath.exp(mpf(scale))
        assert abs(found - truth) <= mpf(10) ** -26 * n * largest


def test_laws_of_sets_that_are_not_relevant():
    # Oracle: identity, sets that are skipped have no law, and the scale is that of the others
    w = np.array([[0.25, 0.0], [0.25, 0.0], [0.5, 0.0]])
    law, low = np.empty(8), np.empty(8)
    relevant = np.array([False] * 3 + [True] + [False] * 3 + [True])
    scale = loops_sel.set_laws(3, np.zeros(2), w, relevant, law, low)
    assert scale == pytest.approx(3 * math.log(0.5), rel=1e-15, abs=0)
    assert law[3] + low[3] == pytest.approx(1.0, rel=1e-15, abs=0)
    assert law[7] == low[7] == 0.0
    assert loops_sel.set_laws(3, np.zeros(2), w, np.zeros(8, dtype=bool), law, low) == -math.inf
    assert not law.any()


def exactly(n, rest, sizes, unseen, w, heavy=0.0):
    """P(exactly so many given labels of each class unseen, heavy seen if there), by inclusion and exclusion."""
    seen = [k - u for k, u in zip(sizes, unseen, strict=True)]
    total = mpf(0)
    for gone in itertools.product(*(range(s + 1) for s in seen)):
        ways = math.prod(math.comb(s, i) for s, i in zip(seen, gone, strict=True))
        left = mpf(rest) + mpmath.fsum((s - i) * mpf(x) for s, i, x in zip(seen, gone, w, strict=True))
        power = (left + mpf(heavy)) ** n - (left**n if heavy else 0)
        total += (-1) ** sum(gone) * ways * power
    return total


COMPONENTS = [
    (1, 0.0, 3, 0.2, 0.4), (1, 0.5, 4, 0.125, 0.0), (7, 0.1, 5, 0.1, 0.4), (7, 0.1, 5, 0.18, 0.0),
    (30, 0.0, 6, 0.1, 0.4), (30, 0.9, 6, 0.001, 0.0), (200, 0.5, 8, 0.01, 0.42), (5000, 0.952, 12, 0.004, 0.0),
    (600, 0.3, 12, 4e-3, 0.652), (20, 0.0, 30, 1 / 30, 0.0), (3, 0.0, 0, 0.1, 0.5), (4, 0.0, 3, 1 / 3, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("n", "rest", "k", "x", "heavy"), COMPONENTS)
@pytest.mark.parametrize("first", [0.0, 1.0])
def test_components(n, rest, k, x, heavy, first):
    # Oracle: mpmath, inclusion and exclusion at 120 digits; costs 0 or 1, 2, 3, ... of the numbers unseen
    cost = first + np.arange(k + 1.0)
    absent = max(0.0, 1 - rest - k * x - heavy)
    with mpmath.workdps(120):
        truth = mpmath.fsum(
            c * math.comb(k, j) * exactly(n, rest, [k], [j], [x], heavy) for j, c in enumerate(cost.tolist())
        )
    found = loops_sel._component(n, rest, k, x, heavy, absent, cost)
    if truth <= 0:
        assert found == 0.0
    else:
        slack = n * EPS * abs(float(mpf(rest) + k * mpf(x) + mpf(heavy) + mpf(absent)) - 1) + 3e-14 + 3 * n * EPS
        assert off(found, truth) < slack


def test_components_of_nothing():
    # Oracle: limit, no mass is left that could be seen
    assert loops_sel._component(3, 0.0, 2, 0.0, 0.0, 1.0, np.ones(3)) == 0.0
    assert loops_sel._component(3, 0.5, 0, 0.1, 0.0, 0.5, np.zeros(1)) == 0.0


@pytest.mark.parametrize(
    ("radius", "rest", "k", "x", "heavy"), [(9.0, 0.1, 5, 0.1, 0.4), (40.0, 0.2, 4, 0.2, 0.0), (3.0, 0.0, 3, 0.2, 0.0)]
)
@pytest.mark.parametrize("first", [0.0, 0.5])
def test_tilted_laws(radius, rest, k, x, heavy, first):
    # Oracle: mpmath, sums over the numbers unseen: scale, mean and variance of the draws under the law that is tilted
    cost, W = first + np.arange(k + 1.0), np.empty(k + 1)
    log, mean, variance = loops_sel._tilt(radius, rest, k, x, heavy, cost, W)
    q = mpmath.exp(-mpf(x) * radius)
    law = [c * math.comb(k, j) * q**j * (1 - q) ** (k - j) for j, c in enumerate(cost.tolist())]
    if rest + heavy == 0:
        law[k] = mpf(0)
    top, total = max(law), mpmath.fsum(law)

    def moments(rate):  # of a Poisson variable that is not 0
        m = rate / -mpmath.expm1(-rate)
        return m, m * (1 + rate - m)

    one = moments(mpf(x) * radius)
    other = moments(mpf(heavy) * radius) if heavy else (mpf(0), mpf(0))
    means = [mpf(rest) * radius + (k - j) * one[0] + other[0] for j in range(k + 1)]
    spreads = [mpf(rest) * radius + (k - j) * one[1] + other[1] for j in range(k + 1)]
    mu = mpmath.fsum(a * b for a, b in zip(law, means, strict=True)) / total
    sigma = mpmath.fsum(a * (s + (b - mu) ** 2) for a, b, s in zip(law, means, spreads, strict=True)) / total
    assert abs(log - mpmath.log(top)) < 1e-14
    assert off(mean, mu) < 1e-14
    assert off(variance, sigma) < 1e-13
    np.testing.assert_allclose(W, [float(a / top) for a in law], rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("n", "A", "r", "k"),
    [(0, 5, 0.5, 3), (1, 5, 0.5, 3), (9, 6, 0.9, 3), (9, 4, 1.0, 3), (60, 7, 0.3, 5), (4, 3, 0.6, 1)],
)
def test_families(n, A, r, k):
    # Oracle: mpmath, by classes of labels (inclusion and exclusion in integers)
    x = np.array([0.0, 0.1 * r / k, 0.7 * r / k, r / k])
    out = np.empty(4)
    loops_sel.family(n, A, r, k, x, out)
    for light, found in zip(x.tolist(), out.tolist(), strict=True):
        heavy = max(r - k * light, 0.0)
        sizes = [k, 1, A - k - 1]
        of = [(v / r, s) for v, s in zip((light, heavy, 0.0), sizes, strict=True) if s]
        values, sizes = zip(*of, strict=True)
        # Shares of the input, not of all: the family says r E TV.
        truth = oracles.exact_sel_ptl_classes([r], values, sizes, n)
        assert found == pytest.approx(truth, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("n", "A", "r", "k", "right"),
    [(9, 6, 0.9, 3, 0.3), (40, 7, 0.5, 5, 0.1), (2, 3, 1.0, 1, 1.0), (300, 20, 0.8, 12, 0.02)],
)
@pytest.mark.parametrize("close", [1e-3, 1e-9])
def test_peaks_of_families(n, A, r, k, right, close):
    # Oracle: second algorithm, a ladder of places: none is higher, and the highest is the next one
    left = 0.05 * right
    at, value = loops_sel.family_peak(n, A, r, k, left, right, close * right, 200)
    x = np.linspace(left, right, 101)
    out, here = np.empty(101), np.empty(3)
    loops_sel.family(n, A, r, k, np.minimum(x, r / k), out)
    assert value >= out.max() * (1 - close)
    assert abs(at - x[np.argmax(out)]) <= 1.01 * right / 100
    near = np.clip(np.array([at - 2 * close * right, at, at + 2 * close * right]), 0.0, right)
    loops_sel.family(n, A, r, k, np.minimum(near, r / k), here)
    assert value == here[1]
    assert max(here[0], here[2]) <= value * (1 + 1e-13)
    few = [loops_sel.family_peak(n, A, r, k, left, right, 1e-9 * right, turns)[1] for turns in (0, 1, 30)]
    loops_sel.family(n, A, r, k, np.array([left + (1.5 - math.sqrt(1.25)) * (right - left)] * 3), here)
    assert few[0] == pytest.approx(here[0], rel=1e-12, abs=0)
    assert few[0] <= few[1] <= few[2]
    assert few[2] == pytest.approx(value, rel=max(close**1.5, 1e-12), abs=0)


def cell_arguments(n, rest, w, sizes, cells, cost):
    ways = [sum(math.log(math.comb(k, u)) for k, u in zip(sizes, cell, strict=True)) for cell in cells]
    return (
        n, rest, np.array(w), np.array(sizes), np.array(cells), np.array(ways), np.array(cost)
    )  # fmt: skip


CELLS = [
    (9, 0.125, [0.125, 0.25], [3, 2], [(0, 1), (1, 1), (3, 1), (3, 2)]),
    (60, 0.0, [0.0625, 0.25], [8, 2], [(0, 1), (4, 0), (7, 1), (8, 0)]),
    (3000, 0.48046875, [2.0**-10, 0.0625], [20, 8], [(5, 0), (19, 0), (10, 1)]),
    (4, 0.0, [0.25], [4], [(0,), (1,), (3,)]),
]


def errors_of_cells(n, rest, w, sizes, cells, cost):
    """The declared error of each cell as it is derived, within a few per cent, from its saddle point by mpmath."""
    total = 0.0
    for cell, c in zip(cells, cost, strict=True):
        seen = [k - u for k, u in zip(sizes, cell, strict=True)]

        def mean(R, seen=seen):
            return rest * R + mpmath.fsum(s * x * R / -mpmath.expm1(-x * R) for s, x in zip(seen, w, strict=True)) - n

        kept = rest + sum(s * x for s, x in zip(seen, w, strict=True))
        if n == sum(seen):
            return math.nan
        R = mpmath.findroot(mean, (1e-6, 2 * n / kept), solver="anderson", tol=1e-10)
        ways = sum(math.log(math.comb(k, u)) for k, u in zip(sizes, cell, strict=True))
        logs = mpmath.fsum(s * mpmath.log(-mpmath.expm1(-x * R)) for s, x in zip(seen, w, strict=True))
        truth = c * math.exp(ways) * exactly(n, rest, sizes, cell, w)
        bound = mpmath.log(truth)
        total += 8.8e-16 * float((40 + ways + abs(bound) - logs) * truth)
    return total


@pytest.mark.parametrize("given", CELLS)
def test_cells(given):
    # Oracle: mpmath, inclusion and exclusion at 150 digits; the error as derived from a saddle point, within 10 %
    n, rest, w, sizes, cells = given
    for some in ([i] for i in range(len(cells))):
        cost = [0.5 + i for i in some]
        mine = [cells[i] for i in some]
        with mpmath.workdps(150):
            truth = mpmath.fsum(
                c
                * math.prod(math.comb(k, u) for k, u in zip(sizes, cell, strict=True))
                * exactly(n, rest, sizes, cell, w)
                for c, cell in zip(cost, mine, strict=True)
            )
            derived = errors_of_cells(n, rest, w, sizes, mine, cost)
        value, error = loops_sel.cells(*cell_arguments(n, rest, w, sizes, mine, cost))
        oracles.honest(SimpleNamespace(value=value, error=error), truth, 1e-12)
        if not math.isnan(derived):
            assert error == pytest.approx(derived, rel=0.1, abs=0)


def test_cells_add_up():
    # Oracle: identity, cells together are the sum of cells alone, values and errors
    n, rest, w, sizes, cells = CELLS[0]
    cost = [1.0, 2.0, 0.5, 0.25]
    one_by_one = [
        loops_sel.cells(*cell_arguments(n, rest, w, sizes, [c], [x])) for c, x in zip(cells, cost, strict=True)
    ]
    value, error = loops_sel.cells(*cell_arguments(n, rest, w, sizes, cells, cost))
    assert value == pytest.approx(math.fsum(x for x, _ in one_by_one), rel=1e-15, abs=0)
    assert error == pytest.approx(math.fsum(x for _, x in one_by_one), rel=1e-13, abs=0)


@pytest.mark.parametrize(("small", "kept"), [(1e-15, True), (1e-22, False)])
def test_cells_that_are_left_out_are_in_the_error(small, kept):
    # Oracle: mpmath, inclusion and exclusion: a cell that costs so little is in the value, or else in the error
    n, rest, w, sizes, cells = CELLS[0]
    alone, error = loops_sel.cells(*cell_arguments(n, rest, w, sizes, cells[1:2], [1.0]))
    value, more = loops_sel.cells(*cell_arguments(n, rest, w, sizes, cells[:2], [small, 1.0]))
    truth = float(small * exactly(n, rest, sizes, cells[0], w) * 2)
    assert (value != alone) == kept
    if not kept:
        assert more > error or truth < math.ulp(error)


# --- Loops of CE_ptl ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.0, 1e-6, 0.1, 0.3, 0.499, 0.5, 0.501, 1.0, 3.0, -0.2, -0.7])
def test_turned(x):
    # Oracle: mpmath, e^(ix) - 1 - ix at 50 digits, both parts
    found = loops_counts._turned(x)
    real, imag = mpmath.cos(mpf(x)) - 1, mpmath.sin(mpf(x)) - mpf(x)
    slack = 4e-16 if abs(x) <= 0.5 else 1e-14
    assert abs(found.real - real) <= slack * abs(real)
    assert abs(found.imag - imag) <= slack * abs(imag)


@pytest.mark.parametrize(
    "z",
    [0j, 1e-9 + 1e-9j, 0.05 + 0.049j, -0.05 - 0.049j, 0.06 + 0.05j, -0.6 + 0.1j, -0.2 - 0.9j, 2 + 1j, -0.9 + 0j, 0.3j],
)
def test_the_complex_lag_of_a_logarithm(z):
    # Oracle: mpmath, log(1 + z) - z at 50 digits, both parts
    found = loops_counts._log_lag(z)
    truth = mpmath.log1p(mpmath.mpmathify(z)) - mpmath.mpmathify(z)
    assert abs(mpmath.mpmathify(found) - truth) <= 4e-14 * abs(truth)


@pytest.mark.parametrize("size", [64, 65, 150])
def test_drifts(size):
    # Oracle: mpmath, sums of e^(ix) - 1 - ix at 50 digits; x small, and large from some omega on
    weight, d, first, step = np.array([0.2, 0.5, 0.3]), np.array([1e-4, -0.03, 0.4]), 0.7, 0.05
    out = np.full(size, 9.0 + 9j)
    loops_counts.drifts(first, step, weight, d, out)
    for j in (0, 1, 5, 40, 62, 63, size - 1):
        omega = mpf(first) + j * mpf(step)
        truth = mpmath.fsum(
            mpf(a) * (mpmath.expj(omega * mpf(b)) - 1 - 1j * omega * mpf(b))
            for a, b in zip(weight.tolist(), d.tolist(), strict=True)
        )
        assert abs(mpmath.mpmathify(complex(out[j])) - truth) <= 3e-14 * abs(truth)


@pytest.mark.parametrize("z", [1e-6, 1e-3, 0.5, 1.0, 1.99, 2.0, 2.01, 3.0, 7.0, 20.0, 39.9, 40.0, 40.1, 60.0, 1e3, 1e8])
def test_auxiliary_functions_to_nearly_all_digits(z):
    # Oracle: mpmath, from the sine and the cosine integral at 60 digits
    with mpmath.workdps(60):
        si, ci = mpmath.si(z) - mpmath.pi / 2, mpmath.ci(z)
        f = ci * mpmath.sin(z) - si * mpmath.cos(z)
        g = -ci * mpmath.cos(z) - si * mpmath.sin(z)
        one, two = loops_counts.auxiliary(z)
        # 1 - z f cancels up to 40, where its series begins
        assert off(one, 1 - z * f) < (1e-15 + 6e-15 * z * z if z <= 40 else 1e-15 if z > 50 else 3e-13)
        assert off(two, g) < (3e-15 if z <= 2 else 1e-15 if z > 50 else 3e-14)


@pytest.mark.parametrize(("low", "high"), [(7.25, 11.5), (0.5, 2.75), (900.0, 1100.5)])
def test_coefficients_of_the_cosine_series(low, high):
    # Oracle: mpmath, the integral of (1 - k/x) cos(j pi (x - low) / (high - low)) by the sine and cosine integrals
    k = np.array([math.ceil(low), math.ceil(low) + 1.0, math.floor(high)])
    number = np.array([1, 2, 7, 400])
    out, L = np.empty((4, 3)), mpf(high) - mpf(low)
    loops_counts.coefficients(number, number * (math.pi / (high - low)), k, low, high, out)
    for j, row in zip(number.tolist(), out.tolist(), strict=True):
        o = j * mpmath.pi / L
        for count, found in zip(k.tolist(), row, strict=True):
            sines = [mpmath.sin(o * (x - low)) / o for x in (count, mpf(high))]
            c, d = mpmath.cos(o * low), mpmath.sin(o * low)
            tilted = [c * mpmath.ci(o * x) + d * mpmath.si(o * x) for x in (count, mpf(high))]
            truth = 2 / L * (sines[1] - sines[0] - count * (tilted[1] - tilted[0]))
            assert abs(found - truth) < 2e-13 * float(2 / L / o) + 4e-16 * j


def counts_of(n=30, rho=0.8):
    """A row of three labels and what the loops take of it."""
    p = np.array([0.2, 0.3, 0.5])
    w = rho * p
    mean = float(w @ p)
    d, rest = p - mean, 1 - w
    omega = np.array([0.6, 1.7, 4.1])
    psi = [
        mpmath.fsum(mpf(a) * mpmath.expj(mpf(o) * mpf(b)) for a, b in zip(w.tolist(), p.tolist(), strict=True))
        + 1
        - rho
        for o in omega.tolist()
    ]
    drift = np.array(
        [complex(x * mpmath.expj(-mpf(o) * mpf(mean)) - 1) for x, o in zip(psi, omega.tolist(), strict=True)]
    )
    return p, w, mean, d, rest, omega, psi, drift


@pytest.mark.parametrize("step", [1.0, 2.0])
def test_sums_over_counts(step):
    # Oracle: mpmath, the characteristic function of M given each count, from its definition
    n = 30
    p, w, mean, d, rest, omega, psi, drift = counts_of(n)
    low, number, least = 2.5, [4, 3, 5], [1, 0, 2]
    first = np.array([1.0, 2.0, 1.0])
    start = np.concatenate(([0], np.cumsum(number)))
    rng = np.random.default_rng(0)
    law, table, under = rng.random(start[-1]), rng.normal(size=60), np.array([0.3, -0.2, 0.1])
    place, weight = np.array([[0, 5], [15, 4], [30, 6]]), np.array([1.0, 2.0, -0.5])
    by, out = np.full(3, 0.25), np.full(3, 0.5)
    loops_counts.sums(
        float(n), omega, drift, n * mean - low, w, rest, d, first, first - n * w, np.full(3, step), start, law,
        np.array(least), place, table, under, weight, by, out,
    )  # fmt: skip
    rows, columns = np.full(3, 0.5), np.full(3, 0.25)
    for i in range(3):
        for j in range(3):
            for r in range(number[i]):
                k = first[i] + r * step
                c = -k * under[j] if r < least[i] else table[place[i, 0] + j * place[i, 1] + r]
                o = mpf(omega[j])
                left = (psi[j] - mpf(w[i]) * mpmath.expj(o * mpf(p[i]))) / (1 - mpf(w[i]))
                value = mpmath.expj(o * (k * mpf(p[i]) - low)) * left ** int(n - k)
                rows[i] += float(law[start[i] + r] * c * mpmath.re(value))
                columns[j] += float(weight[i] * law[start[i] + r] * c * mpmath.re(value))
    np.testing.assert_allclose(out, rows, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(by, columns, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("many", [1e9, 0.0])
@pytest.mark.parametrize("bend", [1e-3, 0.0, 9.0])
def test_envelopes(many, bend):
    # Oracle: mpmath, moduli of characteristic functions from their definition
    n = 30
    p, w, _, d, rest, omega, psi, drift = counts_of(n)
    most = np.array([[4.0, 1.0, bend], [9.0, 0.5, bend], [14.0, 2.0, bend]])
    out = np.empty(3)
    loops_counts.envelope(float(n), omega, drift, w, rest, d, most, many, out)
    for j, found in enumerate(out.tolist()):
        o, total = mpf(omega[j]), mpf(0)
        whole = abs(psi[j]) ** n
        for i in range(3):
            own = mpf(w[i]) * mpmath.expj(o * mpf(p[i]))
            here = abs((psi[j] - own) / (1 - mpf(w[i]))) ** int(n - most[i, 0])
            if n * w[i] * rest[i] > many and here > whole:
                both = max(abs(psi[j] + own * (mpmath.expj(s * o) - 1)) ** n for s in (1, -1))
                here = min(here, max(whole, both) + most[i, 2] * (1 + 1 / o))
            total += most[i, 1] * here
        assert off(found, total) < 1e-12


def test_windows_of_a_binomial_are_its_law():
    # Oracle: mpmath, probabilities at 50 digits; what is left out lies below the mass that is returned
    for n, p, least in (
        (0, 0.3, 1e-9),
        (7, 0.0, 1e-9),
        (7, 1.0, 1e-9),
        (40, 0.3, 1e-9),
        (40, 0.5, 1e-3),
        (9, 0.97, 1e-30),
    ):
        pmf = np.full(64, 7.0)
        lo, hi, dropped = loops_ptl.window(n, p, least, pmf)
        truth = [chance(k, n, p) if 0 < p < 1 else mpf(k == n * p) for k in range(n + 1)]
        largest = max(truth)
        inside = mpmath.fsum(truth[lo : hi + 1])
        for k in range(lo, hi + 1):
            assert off(pmf[k - lo], truth[k] / inside) < 1e-14
        assert 1 - inside <= dropped * (1 + 1e-9) + 1e-40
        assert dropped <= 4 * (1 - inside) + 1e-40
        assert all(truth[k] >= largest * least * (1 - 1e-9) for k in range(lo, hi + 1))
        assert all(truth[k] < largest * least * (1 + 1e-9) for k in (lo - 1, hi + 1) if 0 <= k <= n)


@pytest.mark.parametrize("singles", [True, False])
@pytest.mark.parametrize(
    "classes", [[(0.25, 2), (0.5, 1)], [(0.2, 1), (0.3, 1), (0.5, 1)], [(0.1, 3), (0.2, 2), (0.3, 1)], [(0.25, 4)]]
)
def test_passes_over_classes(classes, singles):
    # Oracle: enumeration, every vector of counts of the labels
    n, rho = 5, 0.75
    value, size = np.array([v for v, _ in classes]), np.array([s for _, s in classes])
    out = np.array([0.5, 0.25, 0.0])
    rooms = np.empty((size.size + 1, 64))
    loops_ptl.class_pass(n, rho * size * value, 1 - rho, value, size, singles, 1e-18, rooms, out)
    labels = [(v, c) for c, (v, s) in enumerate(classes) for _ in range(s)]
    counted = [a for a, (_, c) in enumerate(labels) if c == 0 or (singles and size[c] == 1)]
    tv = l2 = 0.0
    for counts in itertools.product(range(n + 1), repeat=len(labels)):
        if not 0 < sum(counts) <= n:
            continue
        ways = math.factorial(n) / math.prod(map(math.factorial, (*counts, n - sum(counts))))
        law = ways * math.prod((rho * v) ** k for (v, _), k in zip(labels, counts, strict=True))
        law *= (1 - rho) ** (n - sum(counts))
        M = sum(v * k for (v, _), k in zip(labels, counts, strict=True))
        gaps = [labels[a][0] * (counts[a] - M) / M for a in counted]
        tv += law * sum(map(abs, gaps))
        l2 += law * sum(x * x for x in gaps)
    assert out[0] - 0.5 == pytest.approx(tv, rel=1e-13, abs=0)
    assert out[1] - 0.25 == pytest.approx(l2, rel=1e-13, abs=0)
    assert 0 <= out[2] < 1e-14


# --- Loops of CE_sgl and ADD_sgl ------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "n", "d"), [(3e5, 1e6, 0.0), (3e5 + 900.25, 1e6, 900.25), (1e5 - 777.5, 2e5, -777.5)])
def test_visits_of_real_numbers(m, n, d):
    # Oracle: mpmath, log gamma functions at 50 digits
    truth = mpmath.log(mpmath.sqrt(2 * mpmath.pi * m * (n - m) / n) * chance(m, n, (mpf(m) - d) / n))
    assert abs(loops_kinks._visits(m, d, n) - truth) < 2e-15 * (1 + abs(truth))


@pytest.mark.parametrize(
    ("v", "m", "p"), [(0, 1e5, 1e-6), (1, 1e5, 1e-6), (2, 1e5, 1e-5), (7, 1e5 + 0.3, 5e-5), (120, 1.3e5, 1e-3)]
)
def test_labels_of_real_numbers_of_visits(v, m, p):
    # Oracle: mpmath, log gamma functions at 50 digits, and their derivatives
    truth = chance(v, m, p)
    assert off(loops_kinks._label(float(v), m, p), truth) < 1e-14
    slope = mpmath.digamma(mpf(m) + 1) - mpmath.digamma(mpf(m) - v + 1) + mpmath.log1p(-mpf(p))
    assert abs(loops_kinks._slope(float(v), m, p) - slope) < 1e-15 + abs(slope) * 1e-9
    if v >= 2:
        series = loops_binomial.stirling(float(v))
        root = mpmath.sqrt(2 * mpmath.pi * v * (mpf(m) - v) / m)
        assert abs(loops_kinks._labels(float(v), series, m, p) - mpmath.log(root * truth)) < 1e-14


def by_visits(n, rho, first, last, p, e=0.0, s=0.0):
    """Sum over first <= m <= last of P(m) E|X - t| / T, from distribution functions of NumPy's longest floats."""
    import scipy.special

    m = np.arange(first, last + 1)
    t = m * p - e * np.sqrt(m)
    k = np.clip(np.floor(t), -1, m)
    F = np.zeros(m.size)
    if e != 0.0:
        F = scipy.special.betaincc(np.maximum(k, 0) + 1, np.maximum(m - k, 1), p)
        F = np.where(k < 0, 0.0, np.where(k >= m, 1.0, F))
    inside = (k + 1 >= 0) & (k + 1 <= m)
    b = np.where(inside, binomials.binomial(np.clip(k + 1, 0, m), m, p), 0.0)
    cost = (e * np.sqrt(m) * (1 - 2 * F) + 2 * (k + 1) * (1 - p) * b) / (m + s * np.sqrt(m))
    weight = binomials.binomial(m, n, rho) if rho < 1 else np.where(m == n, 1.0, 0.0)
    return math.fsum(weight * cost)


KINKS = [
    (1e-6, 0.0, 0.0),
    (4e-5, 0.0, 0.0),
    (2e-3, 0.0, 0.0),
    (4e-5, 0.02, 0.3),
    (2e-3, 0.1, 0.5),
    (1e-5, -0.01, 0.2),
    (2e-3, -0.3, 2.0),
]
KINKS += [(6e-3, 0.0, 0.0), (2e-3, 0.0, 0.7), (2e-3, 0.05, 0.0)]


@pytest.mark.parametrize(("p", "e", "s"), KINKS)
def test_sums_between_kinks(p, e, s):
    # Oracle: second algorithm, visit by visit
    n, rho = 300_000, 0.4
    first, last = binomials.window(n, rho)
    k = max(math.floor(first * p - e * math.sqrt(first)), -1)
    F = loops_binomial.below(float(k), float(first), p)
    found = loops_kinks.by_pieces(float(n), rho, float(first), float(last), p, e, s, F)
    assert found == pytest.approx(by_visits(n, rho, first, last, p, e, s), rel=4e-13, abs=0)


@pytest.mark.parametrize(("n", "rho"), [(90, 0.3), (4000, 0.02), (300_000, 0.4), (40, 0.99)])
def test_visits_by_ratios(n, rho):
    # Oracle: mpmath, log gamma functions at 50 digits; nothing beyond the last
    first, last = binomials.window(n, rho)
    last = min(last, first + 300)
    at = np.array([float(first), float(first + 32), float(last - 5), float(last + 1)])
    weight = np.full((32, 4), 9.0)
    loops_sgl.fill_visits(float(n), rho, float(last), at, weight)
    for i, m in enumerate(at.tolist()):
        for j in (0, 1, 5, 6, 30, 31):
            if m + j > last:
                assert weight[j, i] == 0.0
            else:
                assert off(weight[j, i], chance(m + j, n, rho)) < 2e-14


@pytest.mark.parametrize(("first", "last"), [(1, 40), (3, 34), (2, 33), (5, 5)])
def test_mean_inverses(first, last):
    # Oracle: mpmath, the sum itself
    truth = mpmath.fsum(chance(m, 60, 0.3) / m for m in range(first, last + 1))
    assert off(loops_sgl.mean_inverse(60.0, 0.3, float(first), float(last)), truth) < 1e-14


@pytest.mark.parametrize(
    ("n", "rho", "goal"), [(60, 0.3, 1e-14), (4000, 0.02, 1e-14), (300_000, 0.4, 4e-14), (10**6, 0.3, 1e-11)]
)
def test_mean_deviations(n, rho, goal):
    # Oracle: second algorithm, visit by visit; labels that are light, middling and heavy take different routes
    first, last = binomials.window(n, rho)
    p = np.array([1e-5, 4e-4, 0.01, 0.1, 0.25, 0.3, 1 / 3, 0.41, 0.5])
    out = np.empty(p.size)
    loops_sgl.mean_deviations(float(n), rho, float(first), float(last), p, goal, out)
    for x, found in zip(p.tolist(), out.tolist(), strict=True):
        assert found == pytest.approx(by_visits(n, rho, first, last, x), rel=max(2e-13, goal), abs=0)


@pytest.mark.parametrize(("first", "last"), [(9001, 9001), (9000, 9031), (9000, 9100)])
@pytest.mark.parametrize("close", [True, False])
def test_deviations_visit_by_visit(first, last, close):
    # Oracle: second algorithm, by distribution functions, a window that is cut anywhere; both routes
    n, rho, p = 30_000, 0.3, np.array([0.2, 0.31, 0.5])
    out = np.full(3, 0.25)
    loops_sgl.add_deviations(float(n), rho, float(first), float(last), p, np.full(3, close), out)
    for x, found in zip(p.tolist(), out.tolist(), strict=True):
        truth = by_visits(n, rho, first, last, x)
        assert found == pytest.approx(0.25 + truth, rel=1e-15 + 1e-12 * truth, abs=0)


@pytest.mark.parametrize(("p", "goal"), [(0.13, 1e-13), (0.31, 1e-13), (0.4, 1e-10), (0.25, 1e-10)])
def test_waves_are_the_sum(p, goal):
    # Oracle: second algorithm, visit by visit; and no more work than is allowed
    n, rho = 10**6, 0.3
    first, last = binomials.window(n, rho)
    found = loops_sgl.waves(float(n), rho, p, goal, 1e9)
    assert found == pytest.approx(by_visits(n, rho, first, last, p), rel=2e-13 + goal, abs=0)
    assert math.isnan(loops_sgl.waves(float(n), rho, p, goal, 1.0))


STEADY = [
    (1000.0, 1200.0, 0.3, 0.1, True), (1000.0, 1127.0, 0.3, 0.1, False), (1000.0, 1128.0, 0.3, 0.1, True),
    (1000.0, 1200.0, 0.3, 9.4, True), (1000.0, 1200.0, 0.3, 9.6, False), (1000.0, 1200.0, 0.5, -12.0, True),
    (10.0, 300.0, 0.5, -2.2, False), (10.0, 300.0, 0.5, -0.5, True), (10.0, 300.0, 0.5, -0.7, False),
    (1000.0, 1200.0, 0.02, 0.7, False), (1000.0, 1200.0, 0.02, 0.6, True), (10.0, 300.0, 0.45, -2.8, False),
]  # fmt: skip


@pytest.mark.parametrize(("first", "last", "p", "e", "steady"), STEADY)
def test_where_thresholds_are_steady(first, last, p, e, steady):
    # Oracle: enumeration of floor(t) visit by visit: where it is said to be steady it stays, or grows by one
    assert loops_add._steady(first, last, p, e) == steady
    m = np.arange(first, last + 1)
    k = np.floor(m * p - e * np.sqrt(m))
    if steady:
        assert set(np.diff(k).tolist()) <= {0.0, 1.0}
        assert (k >= 0).all()
        assert (k < m - 1).all()


ADDED = [(60, 0.3, 0.3), (60, 0.9, 2.0), (3000, 0.5, 0.4), (300_000, 0.4, 0.5)]


@pytest.mark.parametrize(("n", "rho", "s"), ADDED)
def test_deviations_of_added_counts(n, rho, s):
    # Oracle: second algorithm, visit by visit; biases of both signs, none, and labels of probability 0
    first, last = binomials.window(n, rho)
    p = np.array([0.0, 1e-3, 0.02, 0.1, 0.1, 0.3, 0.5, 0.5, 0.05])
    e = np.array([0.3, 0.2, 0.1, -0.05, 0.0, -0.4, -0.5, 0.4, 1.5])
    out = np.full(p.size, 7.0)
    loops_add.fill_deviations(float(n), rho, float(first), float(last), s, p, e, np.zeros(p.size, dtype=bool), out)
    for x, bias, found in zip(p.tolist(), e.tolist(), out.tolist(), strict=True):
        assert found == pytest.approx(by_visits(n, rho, first, last, x, bias, s), rel=3e-12, abs=0)


# --- Loops over sets of unseen labels -------------------------------------------------------------------------

T = 3.0 + 1.5j


def complex_laws(t, w):
    """(labels unseen, "probability") of every set at a complex Poisson rate."""
    for bits in itertools.product((False, True), repeat=len(w)):
        weight = 1.0
        for b, x in zip(bits, w, strict=True):
            weight = weight * (np.exp(-x * t) if b else 1 - np.exp(-x * t))
        yield [a for a, b in enumerate(bits) if b], weight


@pytest.mark.parametrize("times", [[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 1.0, 1.0]])
@pytest.mark.parametrize("most", [3, 8])
def test_labels_below_levels(times, most):
    # Oracle: enumeration, every set of unseen labels; the square wave by the same harmonics, 1, 3, 5, ... below `most`
    p = np.array([0.1, 0.2, 0.3, 0.4])
    w = 0.9 * p
    t, factor = np.array([T, 2.0 + 0j]), np.array([0.3 - 0.2j, 0.5 + 0j])
    levels, half = np.array([0.17, 0.26]), 1.7
    out = np.full((4, 2), 0.125)
    cut, first = loops_levels.below_levels(
        t, factor, w, p, np.array(times), levels, half, 0.0, 10**6, most, math.inf, out
    )
    labels = [i for i, k in enumerate(times) for _ in range(int(k))]
    truth = np.full((4, 2), 0.125)
    largest = np.zeros(2)
    for j, level in enumerate(levels.tolist()):
        sums = {h: [0j, 0j] for h in range(1, most, 2)}
        for k in range(2):
            for unseen, law in complex_laws(t[k], w[labels]):
                # P(sum of p - level <= 0): 1/2 less half a square wave
                x = sum(p[labels[a]] - level for a in unseen)
                wave = 0.5 - sum(2 / (math.pi * h) * math.sin(h * math.pi * x / half) for h in range(1, most, 2))
                for i in range(4):
                    inside = labels.index(i) in unseen
                    truth[i, j] += inside * (factor[k] * law).real * wave
                for h in sums:
                    for sign in (0, 1):
                        sums[h][sign] += (
                            factor[k] * law * np.exp(1j * (1 - 2 * sign) * h * math.pi * x / half) / (math.pi * h)
                        )
        largest[j] = max(abs(x) for x in sums[max(sums)])
    np.testing.assert_allclose(out, truth, rtol=1e-12, atol=1e-14)
    assert first == most
    assert cut == pytest.approx(max(largest) * math.sqrt(most + 1 - most % 2), rel=1e-12, abs=0)


def test_harmonics_end_after_two_that_are_negligible():
    # Oracle: identity, with everything negligible two harmonics are used; beyond `slow` they count as errors
    p = np.array([0.1, 0.2, 0.3])
    given = (np.array([T]), np.ones(1, dtype=complex), p, p, np.ones(3), np.array([0.15, 0.25]), 1.0)
    cut, first = loops_levels.below_levels(*given, 1e9, 10**6, 50, math.inf, np.zeros((3, 2)))
    assert (cut, first) == (0.0, 5)
    cut, first = loops_levels.below_levels(*given, 1e9, 1, 50, math.inf, np.zeros((3, 2)))
    assert first == 5
    one, _ = loops_levels.below_levels(*given, 1e9, 0, 50, math.inf, np.zeros((3, 2)))
    assert 0 < cut < one
    out = np.zeros((3, 2))
    gave_up, _ = loops_levels.below_levels(*given, 1e9, 0, 50, 0.0, out)
    assert 0 < gave_up <= one
    assert not out[:, 1].any()


@pytest.mark.parametrize("half", [0, 1])
def test_kinks_of_pairs_of_sets(half):
    # Oracle: enumeration, every label, pair of sets and node
    rng = np.random.default_rng(half)
    mass, other = np.sort(rng.random(6)), np.sort(rng.random(5))
    V, W = (
        rng.normal(size=(5, 3)) + 1j * rng.normal(size=(5, 3)),
        rng.normal(size=(6, 3)) + 1j * rng.normal(size=(6, 3)),
    )
    members = rng.random((6, 2)) < 0.6
    at, which, times = np.array([0.9, 1.2, 1.0, 0.05]), np.array([0, 1, -1, 0]), np.array([1.0, 1.0, 3.0, 1.0])
    zero = np.zeros((1, 3))
    sums = [np.concatenate((zero, np.cumsum(x, axis=0))) for x in (V, V * other[:, None])]
    parts = [(np.ascontiguousarray(x.real), np.ascontiguousarray(x.imag)) for x in (W, *sums)]
    found = loops_many.kinks(at, which, times, members, mass, parts[0], other, parts[1], parts[2])
    truth = 0.0
    for a in range(4):
        for i in range(6):
            if which[a] >= 0 and not members[i, which[a]]:
                continue
            for j in range(5):
                truth += times[a] * max(0.0, at[a] - mass[i] - other[j]) * float((W[i] * V[j]).sum().real)
    assert found == pytest.approx(truth, rel=1e-12, abs=0)


IDLE = [
    (np.array([0.0]), np.array([2.0])),
    (np.array([0.02, 0.05]), np.array([1.0, 1.0])),
    (np.array([0.02, 0.05]), np.array([1.0, 2.0])),
    (np.zeros(0), np.zeros(0)),
]


@pytest.mark.parametrize(("idle", "times"), IDLE)
@pytest.mark.parametrize(("p", "most"), [((0.05, 0.1, 0.3, 0.5), 4), ((0.4, 0.5, 0.7, 0.9), 3)])
def test_series_in_the_unseen_mass(idle, times, p, most):
    # Oracle: enumeration, every set of unseen labels; the same harmonics of abs(x); the second row is divided upwards
    p = np.array(p)
    w, period = 0.8 * p, 3.0
    harmonics = np.array([1.0, 3.0, -1.0, -3.0, 0.0])
    weights = np.array([-0.3, -0.1, -0.3, -0.1, 0.9])
    least = 2 if idle.size else 1
    found = loops_many.poisson_risk(T, w, p, idle, times, least, most, period, harmonics, weights)
    always, truth = int(times.sum()), 0j
    for unseen, law in complex_laws(T, w):
        if not least <= len(unseen) <= most:
            continue
        size, mass = always + len(unseen), float(idle @ times) + sum(p[a] for a in unseen)
        for value, count in [*zip(idle.tolist(), times.tolist(), strict=True), *((p[a], 1.0) for a in unseen)]:
            wave = sum(
                c * np.exp(1j * h * math.pi / period * (mass - size * value))
                for h, c in zip(harmonics, weights, strict=True)
            )
            truth += law * 0.5 * count * wave / size
    assert abs(found - truth) <= 1e-12 * abs(truth)


@pytest.mark.parametrize(("idle", "times"), IDLE)
@pytest.mark.parametrize("most", [0, 1, 2, 4])
def test_small_sets(idle, times, most):
    # Oracle: enumeration, every set of unseen labels of that size at most
    p = np.array([0.05, 0.1, 0.3, 0.5])
    w = 0.8 * p
    rates, factors = np.array([T, 2.0 + 0j]), np.array([0.3 - 0.2j, 0.5 + 0.1j])
    found = loops_many.small_sets(w, p, idle, times, most, rates, factors)
    always, truth = int(times.sum()), 0.0
    for t, factor in zip(rates.tolist(), factors.tolist(), strict=True):
        for unseen, law in complex_laws(t, w):
            size, mass = always + len(unseen), float(idle @ times) + sum(p[a] for a in unseen)
            if size and len(unseen) <= most:
                cost = sum(abs(p[a] - mass / size) for a in unseen) + float(times @ np.abs(idle - mass / size))
                truth += (factor * law).real * cost / 2
    assert found == pytest.approx(truth, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("gap", [0.0, 1e-10, 1e-8])
@pytest.mark.parametrize("n", [1, 7, 400])
@pytest.mark.parametrize("init", [[0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.5, 0.5]])
def test_brackets(n, init, gap):
    # Oracle: mpmath, every pair of labels at 50 digits
    p, init = np.array([0.1, 0.2, 0.2 + gap, 0.5]), np.array(init)
    w = 0.875 * p
    for some in (np.arange(4), np.array([0, 1, 3]), np.array([1, 2])):
        low, high = loops_many.bracket(float(n), p, w, 1 - math.fsum(w), init, some)
        most = mpf(0)
        for a, b in itertools.combinations(some.tolist(), 2):
            both = init[a] + init[b]
            share = init[a] / both if both > 0 else 0.5
            apart = abs(p[b] * share - p[a] * (1 - share))
            if apart > 1e-9 * (p[a] + p[b]):
                most = max(most, apart * (1 - mpf(w[a]) - mpf(w[b])) ** n)
        assert (low == 0.0) if most == 0 else off(low, most) < (1e-12 if gap == 0 else 1e-7)
        truth = mpmath.fsum(mpf(x) * (1 - mpf(y)) ** n for x, y in zip(p.tolist(), w.tolist(), strict=True))
        assert off(high, truth) < 1e-12
