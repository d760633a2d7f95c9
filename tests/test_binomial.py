"""The compiled binomial: its parts against high precision, the two inequalities it rests on, and its law."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.stats

from kt_theory.problem import Problem
from kt_theory.simulation import binomial, sampling
from kt_theory.simulation.sampling import CountSampler

#: Means n p, from one success in a thousand draws to far beyond what NumPy's own tests see.
MEANS = (1e-3, 0.1, 1.0, 5.0, 9.99, 10.0, 12.0, 16.0, 30.0, 100.0, 1e3, 1e5, 1e7, 1e9, 1e12, 1e15)


def laws() -> Iterator[tuple[int, float]]:
    """(n, p) with p <= 1/2: half, a fifth, and rare."""
    for mean in MEANS:
        for p in (0.5, 0.2, 1e-3):
            n = round(mean / p)
            if 1 <= n <= 10**17:
                yield n, min(mean / n, 0.5)
        if mean < 1:
            yield 10**6, mean / 10**6


LAWS = sorted(set(laws()))
BTRS = [(n, p) for n, p in LAWS if n * p >= binomial.INVERSION] + [(20, 0.5), (10**17, 0.5), (10**17, 1e-16)]


def draws(n: int, p: float, reps: int, seed: int) -> np.ndarray:
    """Draws of Bin(n, p): the first of two cells."""
    stream = sampling.Uniforms(np.random.default_rng(seed), n, reps)
    counts = np.zeros((reps, 2), dtype=np.int64)
    shares, odds, log_rest = np.array([p, 1.0]), np.array([p / (1 - p), 0.0]), np.array([math.log1p(-p), 0.0])
    known = binomial.foreseen(n, shares, np.array([1.0, 1 - p]))
    law = (np.array([0, 1]), shares, odds, log_rest, known)
    while not binomial.multinomial(stream.ahead, stream.state, n, *law, counts):
        stream.refill()
    assert (counts.sum(axis=1) == n).all()
    assert counts.min() >= 0
    return counts[:, 0]


# --- The parts of the acceptance test -----------------------------------------------------------------------


def offsets(n: int, p: float, m: int, sizes: tuple[float, ...]) -> list[int]:
    deviation = math.sqrt(n * p * (1 - p))
    found = {int(sign * size * deviation) for size in sizes for sign in (-1, 1)} | {-17, -16, -3, -1, 0, 1, 2, 16, 17}
    return sorted(x for x in found if 0 <= m + x <= n)


def exact_log_ratio(n: int, p: float, m: int, x: int) -> mpmath.mpf:
    """The logarithm of f(m + x) / f(m), 60 digits."""
    with mpmath.workdps(60):
        q = 1 - mpmath.mpf(p)
        k = m + x
        sizes = [mpmath.loggamma(i + 1) for i in (m, n - m, k, n - k)]
        return sizes[0] + sizes[1] - sizes[2] - sizes[3] + x * mpmath.log(mpmath.mpf(p) / q)


def tilt_of_rounding(n: int, p: float, x: int) -> float:
    """What rounding n p and p by a relative 2**-53 each may change."""
    return 4 * abs(x) * 2.0**-53 / (1 - p)


@pytest.mark.parametrize(("n", "p"), BTRS)
def test_ratios_of_probabilities(n: int, p: float) -> None:
    # Oracle: mpmath, log gamma functions at 60 digits
    m = int(n * p + p)
    for x in offsets(n, p, m, (0.1, 0.5, 1, 2, 4, 7, 9)):
        exact = exact_log_ratio(n, p, m, x)
        if exact < -50:
            continue
        bound = 2e-12 + tilt_of_rounding(n, p, x)
        assert abs(binomial.log_ratio(n, p, m, x) - exact) < bound
        if abs(x) <= binomial.NEAR:
            near = binomial.near_ratio(n, p / (1 - p), m, x)
            assert abs(near / mpmath.exp(exact) - 1) < 1e-13 + tilt_of_rounding(n, p, x)


@pytest.mark.parametrize(("n", "p"), BTRS)
def test_bounds_that_spare_a_ratio(n: int, p: float) -> None:
    # Oracle: mpmath, log gamma functions at 60 digits: a share just off the ratio is judged as the ratio judges it
    m, variance = int(n * p + p), n * p * (1 - p)
    for x in offsets(n, p, m, (0.3, 1, 2, 3, 4, 5, 6)):
        exact = exact_log_ratio(n, p, m, x)
        slack = 1e-11 + tilt_of_rounding(n, p, x)
        if exact > -50:
            odds = p / (1 - p)
            assert binomial.accepted(n, p, odds, m, x, float(mpmath.exp(exact - slack)), variance)
            assert not binomial.accepted(n, p, odds, m, x, float(mpmath.exp(exact + slack)), variance)


def acceptance(n: int, p: float, u: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """G'(u) f(k) / (alpha f(m)) of the proposals at u; `scale` divides alpha."""
    mean, deviation = n * p, math.sqrt(n * p * (1 - p))
    a, b, alpha, _ = binomial.hat(deviation, p)
    m, us = int(mean + p), 0.5 - np.abs(u)
    x = np.floor((2 * a / us + b) * u + (mean - m + 0.5))
    inside = (x >= -m) & (x <= n - m) & (np.abs(x) < 40 * deviation)
    ratio = [math.exp(binomial.log_ratio(n, p, m, int(y))) if ok else 0.0 for y, ok in zip(x, inside, strict=True)]
    return scale * (a / us**2 + b) * np.array(ratio) / alpha


GRID = np.concatenate([np.linspace(-0.4999, 0.4999, 1999), 0.5 - np.logspace(-9, -2, 200)])


@pytest.mark.parametrize(("n", "p"), [*BTRS, (33, 0.305), (101, 0.1), (1000, 0.0105), (40, 0.5), (10**6, 1.3e-5)])
def test_hat_lies_above_and_squeeze_below(n: int, p: float) -> None:
    # Oracle: identity, the two inequalities under which BTRS is exact
    values = acceptance(n, p, GRID)
    sure = binomial.hat(math.sqrt(n * p * (1 - p)), p)[3]
    assert values.max() <= 1
    assert values[0.5 - np.abs(GRID) >= 0.07].min() >= sure


@pytest.mark.parametrize(("n", "p"), BTRS)
def test_what_is_accepted_without_a_test_is_a_count(n: int, p: float) -> None:
    # Oracle: identity, the outermost proposals with 1/2 - |u| >= .07 lie from 0 to n, and within 1.9 sd + 2 of n p
    deviation = math.sqrt(n * p * (1 - p))
    a, b, *_ = binomial.hat(deviation, p)
    for u in (-0.43, 0.43):
        k = n * p + 0.5 + (2 * a / 0.07 + b) * u
        assert 0 <= k < n + 1
        assert abs(k - n * p) <= 1.9 * deviation + 1
    # Planted: at 1/2 - |u| = .001 some would not be.
    assert n * p > 20 or n * p - (2 * a / 0.001 + b) * 0.499 < 0


def test_planted_lower_hat_is_caught() -> None:
    # Oracle: identity, the same inequalities must be red somewhere for a hat lower by a tenth, a squeeze higher by .03
    assert max(acceptance(n, p, GRID, scale=1 / 0.9).max() for n, p in BTRS) > 1
    assert acceptance(10**9, 0.5, GRID)[0.5 - np.abs(GRID) >= 0.07].min() < 0.95


# --- The law ------------------------------------------------------------------------------------------------


def cdf(n: int, p: float, k: np.ndarray) -> np.ndarray:
    """P(N <= k); beyond 10**10 successes the normal law with its first correction, off by less than 1e-9."""
    if n * p < 1e10:
        return np.asarray(scipy.stats.binom.cdf(k, n, p))
    deviation = math.sqrt(n * p * (1 - p))
    z = (k + 0.5 - n * p) / deviation
    skew = (1 - 2 * p) / deviation
    return np.asarray(scipy.stats.norm.cdf(z) - skew / 6 * (z**2 - 1) * scipy.stats.norm.pdf(z))


def chi_square(n: int, p: float, sample: np.ndarray) -> float:
    """p-value of the sample in up to 60 bins, of at least 20 expected draws each."""
    deviation = math.sqrt(n * p * (1 - p))
    low, high = math.floor(n * p - 5 * deviation) - 1, math.ceil(n * p + 5 * deviation) + 1
    step = max((high - low) // 60, 1)
    edges = np.array([k for k in range(low, high + 1, step) if 0 <= k < n], dtype=np.int64)
    law = np.diff(np.concatenate([[0.0], cdf(n, p, edges), [1.0]]))
    seen = np.bincount(np.searchsorted(edges, sample), minlength=law.size)
    expected, observed = [0.0], [0]
    for e, o in zip(law * sample.size, seen, strict=True):
        if expected[-1] >= 20:
            expected.append(0.0)
            observed.append(0)
        expected[-1] += e
        observed[-1] += o
    if expected[-1] < 20 and len(expected) > 1:
        e, o = expected.pop(), observed.pop()
        expected[-1] += e
        observed[-1] += o
    if len(expected) == 1:
        return 1.0
    return float(scipy.stats.chisquare(observed, np.array(expected) * sample.size / sum(expected)).pvalue)


REPS = 100_000


@pytest.mark.parametrize(("n", "p"), LAWS)
def test_law_moments_and_tails(n: int, p: float) -> None:
    # Oracle: published, distribution and moments of the binomial law (SciPy), at a fixed seed
    sample = draws(n, p, REPS, seed=5)
    assert chi_square(n, p, sample) > 1e-4
    variance = n * p * (1 - p)
    centred = (sample - math.floor(n * p)).astype(float) - (n * p - math.floor(n * p))
    assert abs(centred.mean()) <= 5 * math.sqrt(variance / REPS)
    kurtosis = (1 - 6 * p * (1 - p)) / variance
    error = variance * math.sqrt((2 + kurtosis) / REPS)
    assert abs((centred**2).mean() - variance) <= 5 * error
    for side in (-3.0, 3.0):
        k = math.floor(n * p + side * math.sqrt(variance))
        below = float(cdf(n, p, np.array([k]))[0])
        tail, seen = (below, (sample <= k).sum()) if side < 0 else (1 - below, (sample > k).sum())
        assert abs(seen - REPS * tail) <= 5 * math.sqrt(REPS * tail * (1 - tail)) + 2


def test_planted_wrong_law_is_caught() -> None:
    # Oracle: published, the same chi-square must be red for a mean off by 5 % of a standard deviation
    for n, p in [(100, 0.2), (10**6, 0.2), (10**9, 1e-3)]:
        other = p + 0.05 * math.sqrt(p * (1 - p) / n)
        assert chi_square(n, other, draws(n, p, REPS, seed=5)) < 1e-6


def test_counts_beyond_2_to_53_are_odd_as_often_as_even() -> None:
    # Oracle: limit, parity of a count of many standard deviations is a fair coin; float64 has no odd number there
    odd = (draws(10**17, 0.4, 40_000, seed=1) % 2).mean()
    assert abs(odd - 0.5) <= 4 * 0.5 / math.sqrt(40_000)


@pytest.mark.parametrize("n", [100, 10**6])
def test_uniforms_drawn_ahead_change_nothing(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    # Oracle: identity, the draws are a function of the generator's uniforms in their order
    problem = Problem([0.25, 0.75], [[0.1, 0.2, 0.7, 0.0], [1e-4, 0.5, 0.25, 0.2499]])
    whole = list(CountSampler(problem).draw(n, 50, np.random.default_rng(0)))
    monkeypatch.setattr(sampling, "AHEAD", 3)
    monkeypatch.setattr(sampling, "A_FEW", 3)
    for a, b in zip(whole, CountSampler(problem).draw(n, 50, np.random.default_rng(0)), strict=True):
        np.testing.assert_array_equal(a, b)


def tables(sampler: CountSampler, n: int, reps: int, known: np.ndarray) -> np.ndarray:
    """Multinomial draws with what is given as foreseen."""
    sampler._known = n, known
    return np.concatenate(list(sampler.draw(n, reps, np.random.default_rng(n % 1009))))


NOTHING = np.empty((0, 7))


@pytest.mark.parametrize("n", [2500, 10**4, 10**5, 10**7, 10**9, 10**12 + 7, 2**40])
@pytest.mark.parametrize("alpha", [0.05, 1.0, 50.0])
def test_what_is_foreseen_changes_no_draw(n: int, alpha: float) -> None:
    # Oracle: identity, the draws are those of the loop that foresees nothing; any number may be taken for what is left
    masses = np.random.default_rng(7).dirichlet(np.full(40, alpha))
    sampler = CountSampler(Problem([1.0], [masses]))
    expected = tables(sampler, n, 300, NOTHING)
    for taken in (n, round(1.003 * n), round(1.05 * n), round(0.97 * n), 2 * n):
        known = binomial.foreseen(min(taken, binomial.FORESEEN_N), sampler._shares, sampler._behind)
        np.testing.assert_array_equal(tables(sampler, n, 300, known), expected)


@pytest.mark.parametrize(
    ("column", "factor"),
    [(0, 1.0001), (1, 1.1), (2, 1.0001), (3, 1.01), (3, 0.99), (4, 2.0), (5, 1.1)],
    ids=["left", "inverse", "mean", "deviation up", "deviation down", "fixed", "sure"],
)
def test_planted_errors_of_what_is_foreseen_are_caught(column: int, factor: float) -> None:
    # Oracle: identity, as above; each column matters to a draw
    sampler = CountSampler(Problem([1.0], [np.full(40, 1 / 40)]))
    known = binomial.foreseen(10**7, sampler._shares, sampler._behind)
    known[:, column] *= factor
    assert (tables(sampler, 10**5 * 100, 2000, known) != tables(sampler, 10**7, 2000, NOTHING)).any()


@pytest.mark.parametrize("n", [10**4, 10**9])
def test_foreseeing_from_the_ends_of_the_uniforms_changes_no_draw(n: int) -> None:
    # Oracle: identity, as above; at U = -1/2 the proposal is infinite, and next to 1/2 - |U| = .07 V decides nothing
    edges = np.array([0.0, 2.0**-53, 0.07 - 2.0**-50, 0.07, 0.5, 0.93, 0.93 + 2.0**-50, 1 - 2.0**-53])
    uniforms = np.random.default_rng(5).choice(edges, size=4000)
    sampler = CountSampler(Problem([1.0], [np.full(40, 1 / 40)]))
    law = (sampler._cells, sampler._shares, sampler._odds, sampler._log_rest)
    drawn = []
    for known in (NOTHING, binomial.foreseen(n, sampler._shares, sampler._behind)):
        counts = np.zeros((10, 40), dtype=np.int64)
        assert binomial.multinomial(uniforms, np.array([0, 0, 0, n]), n, *law, known, counts)
        drawn.append(counts)
    np.testing.assert_array_equal(*drawn)


def test_most_draws_are_foreseen() -> None:
    # Oracle: identity, a cell whose least v_r is -1 foresees nothing; Hormann's v_r is .8 and more from n p = 60 on
    sampler = CountSampler(Problem([1.0], [np.full(100, 0.01)]))
    known = binomial.foreseen(10**6, sampler._shares, sampler._behind)
    assert known[:-1, 5].min() > 0.8
    assert (binomial.foreseen(1060, sampler._shares, sampler._behind)[:, 5] == -1)[:-1].all()
    assert (binomial.foreseen(1070, sampler._shares, sampler._behind)[:-1, 5] > 0).all()


def test_where_nothing_is_foreseen() -> None:
    # Oracle: limit, floats of 53 bits beyond n = 2^40, and a table of at most 2^18 cells
    two = np.array([0.5, 1.0]), np.array([1.0, 0.5])
    assert binomial.foreseen(2**40, *two).shape == (2, 7)
    assert binomial.foreseen(2**40 + 1, *two).shape == (0, 7)
    assert binomial.foreseen(10, np.full(2**18, 0.5), np.ones(2**18)).shape == (2**18, 7)
    assert binomial.foreseen(10, np.full(2**18 + 1, 0.5), np.ones(2**18 + 1)).shape == (0, 7)


@pytest.mark.parametrize("h", [-1 / 16, -0.01, 1e-4, 0.01, 1 / 16])
def test_remainder_of_what_is_foreseen(h: float) -> None:
    """mpmath: G(U) - n p - 1/2 with the standard deviation of (1 + h) E against the polynomial in h."""
    with mpmath.workdps(40):
        h_, root = mpmath.mpf(h), mpmath.sqrt(1 + mpmath.mpf(h))
        gap = abs(root - (1 + h_ / 2 - h_**2 / 8))
        steepest = max(
            (2 * mpmath.mpf("0.0248") * mpmath.mpf("2.53") / us + mpmath.mpf("2.53")) * (0.5 - us)
            for us in (0.07, 0.1, 0.3)
        )
        assert gap <= 0.074 * abs(h_) ** 3
        assert steepest <= 1.86
        assert gap * steepest <= 0.14 * abs(h_) ** 3


def test_conditional_shares_are_at_most_one_half() -> None:
    # Oracle: enumeration, sums of the masses behind a cell in fractions
    masses = np.random.default_rng(3).dirichlet(np.full(300, 0.1))
    sampler = CountSampler(Problem([1.0], [masses]))
    ordered = [Fraction(x) for x in sampler.masses[sampler._cells].tolist()]
    behind = sum(ordered)
    for mass, share in zip(ordered, sampler._shares.tolist(), strict=True):
        assert abs(Fraction(share) / (mass / behind) - 1) < 1e-13
        behind -= mass
    assert sampler._shares[:-1].max() <= 0.5
