"""Rate fits: against other fitting programs, exact identities, their own noise, and the slopes of Z&Z Figure 2."""

from __future__ import annotations

import dataclasses
import math

import mpmath
import numpy as np
import pandas as pd
import pytest
import scipy.stats

import oracles
from kt_theory.rates import RateComparison, RateFit, fit_rate

#: An uneven grid with uneven noise, so that a wrong weight or a wrong centre shows.
SIZES = np.array([10, 15, 40, 100, 130, 400, 1000, 3000])
NOISE = np.array([0.002, 0.004, 0.001, 0.02, 0.005, 0.01, 0.003, 0.03])


def bent(sizes: np.ndarray) -> np.ndarray:
    return 1.3 * sizes**-0.5 + 4.0 / sizes


def even_grid(lo: int, hi: int, points: int) -> np.ndarray:
    return np.unique(np.geomspace(lo, hi, points).round().astype(int))


# --- Against other programs -----------------------------------------------------------------------------


def by_normal_equations(sizes, risk, sigma, degree):
    """Coefficients in powers of log n, and their covariance, from the normal equations at 60 digits."""
    with mpmath.workdps(60):
        x = [mpmath.log(int(k)) for k in sizes]
        y = [mpmath.log(mpmath.mpf(float(r))) for r in risk]
        w = [1 / mpmath.mpf(float(s)) ** 2 for s in sigma]
        powers = [mpmath.matrix([xi**i for xi in x]) for i in range(degree + 1)]
        weights = mpmath.diag(w)
        gram = mpmath.matrix([[(p.T * weights * q)[0] for q in powers] for p in powers])
        right = mpmath.matrix([(p.T * weights * mpmath.matrix(y))[0] for p in powers])
        covariance = gram**-1
        return covariance * right, covariance, x


@pytest.mark.parametrize("noisy", [True, False])
def test_every_number_of_the_fit(noisy):
    # Oracle: mpmath, normal equations at 60 digits
    risk = bent(SIZES)
    mcse = NOISE * risk if noisy else None
    sigma = mcse / risk if noisy else np.ones(SIZES.size)
    fit = fit_rate(SIZES, risk, mcse)
    line, line_cov, x = by_normal_equations(SIZES, risk, sigma, 1)
    quadratic, quadratic_cov, _ = by_normal_equations(SIZES, risk, sigma, 2)
    cubic, cubic_cov, _ = by_normal_equations(SIZES, risk, sigma, 3)
    length = x[-1] - x[0]
    residuals = [float(mpmath.log(float(r)) - line[0] - line[1] * xi) for r, xi in zip(risk, x, strict=True)]
    expected = {
        "slope": line[1],
        "intercept": line[0],
        "drift": 2 * quadratic[2] * length,
        "wave": 3 * cubic[3] * (length / 2) ** 2,
        "lack_of_fit": math.sqrt(np.mean(np.square(residuals))),
        "slope_se": noisy * mpmath.sqrt(line_cov[1, 1]),
        "drift_se": noisy * mpmath.sqrt(quadratic_cov[2, 2]) * 2 * length,
        "wave_se": noisy * mpmath.sqrt(cubic_cov[3, 3]) * 3 * (length / 2) ** 2,
    }
    for name, value in expected.items():
        assert getattr(fit, name) == pytest.approx(float(value), rel=1e-12, abs=0), name
    if noisy:
        assert fit.chi2 == pytest.approx(np.sum(np.square(residuals / sigma)), rel=1e-12, abs=0)
    else:
        assert math.isnan(fit.chi2)
    assert (fit.dof, fit.points, fit.window) == (6, 8, (10, 3000))


def test_weighted_line_and_standard_error():
    # Oracle: second algorithm, numpy.polyfit with weights 1/sigma and the unscaled covariance
    risk = bent(SIZES)
    fit = fit_rate(SIZES, risk, NOISE * risk)
    (slope, intercept), cov = np.polyfit(np.log(SIZES), np.log(risk), 1, w=1 / NOISE, cov="unscaled")
    assert fit.slope == pytest.approx(slope, rel=1e-12, abs=0)
    assert fit.intercept == pytest.approx(intercept, rel=1e-12, abs=0)
    assert fit.slope_se == pytest.approx(math.sqrt(cov[0, 0]), rel=1e-12, abs=0)


def test_plain_line():
    # Oracle: second algorithm, scipy.stats.linregress
    risk = bent(SIZES)
    fit = fit_rate(SIZES, risk)
    line = scipy.stats.linregress(np.log(SIZES), np.log(risk))
    assert fit.slope == pytest.approx(line.slope, rel=1e-12, abs=0)
    assert fit.intercept == pytest.approx(line.intercept, rel=1e-12, abs=0)
    assert fit.slope_se == 0.0


@pytest.mark.parametrize("power", [0, 1, -1])
def test_planted_weights_are_caught(power):
    # Oracle: second algorithm, numpy.polyfit with the weight sigma^power instead of sigma^-2 (a weight squared there)
    risk = bent(SIZES)
    slope, _ = np.polyfit(np.log(SIZES), np.log(risk), 1, w=NOISE ** (power / 2))
    assert fit_rate(SIZES, risk, NOISE * risk).slope != pytest.approx(slope, rel=1e-3, abs=0)


# --- Identities -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.parametrize("beta", [0.5, 1.0, 0.0, -0.25])
def test_a_power_law_is_a_line(beta, noisy):
    # Oracle: identity, risk = 0.7 n^-beta
    risk = 0.7 * SIZES**-beta
    fit = fit_rate(SIZES, risk, 1e-4 * risk if noisy else None)
    assert fit.slope == pytest.approx(-beta, rel=1e-13, abs=1e-14)  # beta may be 0
    assert fit.intercept == pytest.approx(math.log(0.7), rel=1e-13, abs=0)
    assert fit.local_slopes == pytest.approx(np.full(7, -beta), rel=1e-12, abs=1e-14)
    assert [fit.drift, fit.wave, fit.lack_of_fit] == pytest.approx([0, 0, 0], abs=1e-13)
    assert fit.resolved
    assert fit.predict(1e6) == pytest.approx(0.7 * 1e6**-beta, rel=1e-12, abs=0)
    assert fit.predict([[2, 3]]).shape == (1, 2)
    assert isinstance(fit.predict(2), float)


@pytest.mark.parametrize("noisy", [True, False])
def test_drift_of_a_parabola_and_wave_of_a_cubic(noisy):
    # Oracle: identity, log risk a polynomial in log n, its slope known at the ends and in the middle
    x = np.log(SIZES)
    first, last, middle = x[0], x[-1], (x[0] + x[-1]) / 2
    parabola = np.polynomial.Polynomial([-0.3, -0.4, -0.03])
    cubic = np.polynomial.Polynomial([-0.3, -0.4, -0.03, 0.004])
    mcse = NOISE if noisy else None

    risk = np.exp(parabola(x))
    fit = fit_rate(SIZES, risk, None if mcse is None else mcse * risk)
    assert fit.drift == pytest.approx(parabola.deriv()(last) - parabola.deriv()(first), rel=1e-12, abs=0)
    assert fit.wave == pytest.approx(0, abs=1e-12)

    risk = np.exp(cubic(x))
    fit = fit_rate(SIZES, risk, None if mcse is None else mcse * risk)
    slope = cubic.deriv()
    assert fit.wave == pytest.approx((slope(first) + slope(last)) / 2 - slope(middle), rel=1e-11, abs=0)


def test_local_slopes_by_hand():
    # Oracle: identity, three points worked on paper; independent errors add in squares
    fit = fit_rate([100, 200, 800], [0.8, 0.4, 0.2], [0.008, 0.004, 0.004])
    assert fit.local_slopes == pytest.approx([-1.0, -0.5], rel=1e-14, abs=0)
    assert fit.local_n == pytest.approx([math.sqrt(20_000), 400.0], rel=1e-14, abs=0)
    log2 = math.log(2)
    assert fit.local_slopes_se == pytest.approx([math.hypot(0.01, 0.01) / log2, math.hypot(0.01, 0.02) / (2 * log2)])


def test_units_change_nothing_but_the_intercept():
    # Oracle: identity, c r(n) and r(k n) are the same line moved
    risk = bent(SIZES)
    fit = fit_rate(SIZES, risk, NOISE * risk)
    moved = fit_rate(7 * SIZES, 0.01 * risk, 0.01 * NOISE * risk)
    for name in ("slope", "slope_se", "drift", "drift_se", "wave", "wave_se", "chi2", "lack_of_fit"):
        assert getattr(moved, name) == pytest.approx(getattr(fit, name), rel=1e-11, abs=0), name
    assert moved.intercept == pytest.approx(fit.intercept + math.log(0.01) - fit.slope * math.log(7), rel=1e-12, abs=0)


def test_neighbours_at_a_thousand_million():
    # Oracle: identity, a power law; log risk rounds at 4e-15, over a window of length 3e-6
    sizes = 10**9 + np.arange(4) * 1000
    assert fit_rate(sizes, 1 / sizes).slope == pytest.approx(-1, abs=1e-8)


def test_window_is_the_same_as_leaving_the_rest_out():
    # Oracle: identity; what lies outside may even have no logarithm
    risk = bent(SIZES)
    mcse = NOISE * risk
    risk[[0, -1]] = 0.0, math.nan
    mcse[[0, -1]] = 0.0, -1.0
    inner = fit_rate(SIZES, risk, mcse, window=(15, 1000))
    alone = fit_rate(SIZES[1:-1], risk[1:-1], mcse[1:-1])
    for field in dataclasses.fields(RateFit):
        np.testing.assert_array_equal(getattr(inner, field.name), getattr(alone, field.name))
    assert inner.window == (15, 1000)
    assert fit_rate(SIZES, risk, mcse, window=(11, 2999)).window == (15, 1000)


# --- The noise ------------------------------------------------------------------------------------------

CURVES = 3000


@pytest.fixture(scope="module")
def noisy_fits():
    """Fits to noisy copies of one power law, each with the parabola and cubic that it did not need."""
    rng = np.random.default_rng(20240501)
    truth = 0.9 * SIZES**-0.5
    mcse = NOISE * truth
    draws = rng.normal(truth, mcse, size=(CURVES, SIZES.size))
    return [fit_rate(SIZES, risk, mcse) for risk in draws], draws, mcse


def is_standard(z: np.ndarray) -> bool:
    """Mean 0 and variance 1, both within four standard errors of a sample of that size."""
    return abs(z.mean()) * math.sqrt(z.size) <= 4 and abs(z.var() - 1) <= 4 * math.sqrt(2 / z.size)


def test_standard_errors_are_the_scatter(noisy_fits):
    # Oracle: Monte Carlo, 3000 noisy copies of a power law at a fixed seed; z-scores of slope, drift and wave
    fits, _, _ = noisy_fits
    assert is_standard(np.array([(f.slope + 0.5) / f.slope_se for f in fits]))
    assert is_standard(np.array([f.drift / f.drift_se for f in fits]))
    assert is_standard(np.array([f.wave / f.wave_se for f in fits]))
    steps = np.array([(f.local_slopes + 0.5) / f.local_slopes_se for f in fits])
    assert all(is_standard(column) for column in steps.T)
    assert abs(np.mean([f.chi2 for f in fits]) - 6) <= 4 * math.sqrt(2 * 6 / CURVES)


def test_drift_and_wave_are_uncorrelated(noisy_fits):
    # Oracle: Monte Carlo, the same curves; identity, top coefficients of nested fits are uncorrelated
    fits, _, _ = noisy_fits
    correlation = np.corrcoef([f.drift for f in fits], [f.wave for f in fits])[0, 1]
    assert abs(correlation) <= 4 / math.sqrt(CURVES)


def test_planted_fits_fail_the_same_check(noisy_fits):
    # Oracle: Monte Carlo, the same curves; three wrong slopes or standard errors, none of them standard
    fits, draws, _ = noisy_fits
    x, y = np.log(SIZES), np.log(draws)
    claimed = fits[0].slope_se

    def slopes(weights):
        centred = x - np.average(x, weights=weights)
        return y @ (weights * centred) / np.sum(weights * centred**2)

    assert not is_standard((slopes(np.ones_like(x)) + 0.5) / claimed)  # unweighted
    assert not is_standard((slopes(NOISE) + 0.5) / claimed)  # weights sigma
    assert not is_standard((slopes(1 / NOISE) + 0.5) / claimed)  # weights 1/sigma
    uncentred = 1 / math.sqrt(np.sum(x**2 / NOISE**2))  # as if the line passed through the origin
    assert not is_standard(np.array([(f.slope + 0.5) / uncentred for f in fits]))


def test_ten_per_cent_noise_is_still_covered():
    # Oracle: Monte Carlo, noise from 5 % to 10 %, mcse known: the bias of logarithms and weights stays below the noise
    rng = np.random.default_rng(7)
    noise = np.linspace(0.05, 0.1, SIZES.size)
    mcse = noise * SIZES**-0.5
    fits = [fit_rate(SIZES, rng.normal(SIZES**-0.5, mcse), mcse) for _ in range(2000)]
    z = np.array([(f.slope + 0.5) / f.slope_se for f in fits])
    assert np.mean(np.abs(z) <= 2) >= 0.9545 - 4 * math.sqrt(0.9545 * 0.0455 / z.size)


def test_drift_is_less_noisy_than_comparing_halves():
    # Oracle: limit, variances 720 and 768 sigma^2 / (k L^2) on a fine even grid
    sizes = (10**7 * np.exp(np.linspace(0, 3, 400))).round().astype(int)
    risk = 1 / sizes
    whole = fit_rate(sizes, risk, 0.01 * risk)
    early = fit_rate(sizes[:200], risk[:200], 0.01 * risk[:200])
    late = fit_rate(sizes[200:], risk[200:], 0.01 * risk[200:])
    by_halves = 2 * math.hypot(early.slope_se, late.slope_se)
    assert (whole.drift_se / by_halves) ** 2 == pytest.approx(720 / 768, rel=0.02, abs=0)  # 1/k effects
    assert whole.drift_se == pytest.approx(math.sqrt(720 / 400) * 0.01 / 3, rel=0.01, abs=0)


# --- Resolved -------------------------------------------------------------------------------------------


def test_resolved_needs_little_noise():
    # Oracle: identity, the rule |drift| + 2 se <= tolerance on a power law, where only se matters
    risk = SIZES**-0.5
    quiet, loud = fit_rate(SIZES, risk, 1e-4 * risk), fit_rate(SIZES, risk, 0.05 * risk)
    assert quiet.resolved
    assert not loud.resolved
    assert loud.drift == pytest.approx(0, abs=1e-12)
    assert fit_rate(SIZES, risk, 0.05 * risk, tolerance=1.0).resolved
    rule = abs(loud.drift) / 2 + abs(loud.wave) + 2 * math.hypot(loud.drift_se / 2, loud.wave_se)
    rule = max(rule, abs(loud.drift) + 2 * loud.drift_se)
    assert fit_rate(SIZES, risk, 0.05 * risk, tolerance=rule * 1.0001).resolved
    assert not fit_rate(SIZES, risk, 0.05 * risk, tolerance=rule * 0.9999).resolved


@pytest.mark.parametrize("noisy", [True, False])
def test_a_rate_that_drifts_is_not_resolved(noisy):
    # Oracle: identity, n^-1/2 + 30/n has local slopes from -0.95 to -0.74
    sizes = even_grid(10, 1000, 9)
    risk = sizes**-0.5 + 30 / sizes
    fit = fit_rate(sizes, risk, 1e-5 * risk if noisy else None)
    assert not fit.resolved
    assert fit.drift > 0.2


@pytest.mark.parametrize("noisy", [True, False])
def test_plateau_fall_plateau_is_not_resolved(noisy):
    # Oracle: identity, 1/(1 + n/30) + 1/1000 levels off on both sides: no drift end to end, all of it wave
    sizes = even_grid(1, 10**6, 25)
    risk = 1 / (1 + sizes / 30) + 1e-3
    fit = fit_rate(sizes, risk, 1e-5 * risk if noisy else None, tolerance=0.5)
    assert abs(fit.drift) < 0.05
    assert abs(fit.wave) > 0.5
    assert not fit.resolved


def test_exact_local_slopes_must_agree_as_well():
    # Oracle: identity, a power law with a saw-tooth that neither parabola nor cubic sees
    sizes = even_grid(100, 10_000, 21)
    tooth = np.exp(0.01 * (-1.0) ** np.arange(sizes.size))
    fit = fit_rate(sizes, tooth / sizes)
    assert abs(fit.drift) + abs(fit.wave) < 0.05
    assert np.ptp(fit.local_slopes) > 0.1
    assert not fit.resolved


def test_two_points_resolve_nothing_and_three_something():
    # Oracle: identity, a power law
    two = fit_rate([10, 1000], [0.1, 0.001], [0.001, 0.00001])
    assert two.slope == pytest.approx(-1, rel=1e-14, abs=0)
    assert two.slope_se == pytest.approx(math.hypot(0.01, 0.01) / math.log(100), rel=1e-13, abs=0)
    assert not two.resolved
    assert math.isnan(two.drift)
    assert math.isnan(two.drift_se)
    assert (two.dof, two.chi2) == (0, pytest.approx(0, abs=1e-20))
    three = fit_rate([10, 100, 1000], [0.1, 0.01, 0.001])
    assert three.resolved
    assert math.isnan(three.wave)


# --- Comparison -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slope", "slope_se", "agrees", "differs"),
    [
        (-0.532, 0.003, True, False),
        (-0.532, 0.009, True, False),
        (-0.532, 0.01, False, False),  # too noisy to say
        (-0.532, 0.5, False, False),  # far too noisy: no reason to agree
        (-0.56, 0.004, False, True),
        (-0.56, 0.006, False, False),
        (-0.55, 0.0, True, False),
    ],
)
def test_comparison_rule(slope, slope_se, agrees, differs):
    # Oracle: identity, |slope + 1/2| +- 2 se against 0.0500001
    comparison = RateComparison(slope, slope_se, -0.5, 0.0500001, resolved=True)
    assert (comparison.agrees, comparison.differs) == (agrees, differs)


def test_comparison_z_and_words():
    # Oracle: identity, worked on paper
    assert RateComparison(-0.532, 0.004, -0.5, 0.05, True).z == pytest.approx(-8, rel=1e-12, abs=0)
    assert RateComparison(-0.532, 0.0, -0.5, 0.05, True).z == -math.inf
    assert RateComparison(-0.5, 0.0, -0.5, 0.05, True).z == 0.0
    assert str(RateComparison(-0.5321, 0.0031, -0.5, 0.05, True)) == "-0.5321 +- 0.0031 (theory -0.5)"
    assert str(RateComparison(-0.53211, 0.0, -1, 0.05, True)) == "-0.5321 (theory -1)"
    assert str(RateComparison(-5.4321, 13.0, -0.5, 0.05, True)) == "-5 +- 13 (theory -0.5)"


def test_compare_carries_the_fit():
    # Oracle: identity
    risk = bent(SIZES)
    fit = fit_rate(SIZES, risk, NOISE * risk)
    comparison = fit.compare(-0.5)
    assert comparison == RateComparison(fit.slope, fit.slope_se, -0.5, 0.05, fit.resolved)
    assert comparison.difference == fit.slope + 0.5
    assert fit.compare(-0.5, tolerance=0.3).tolerance == 0.3
    assert not fit.resolved
    assert str(fit).endswith("over n = 10..3000 (8 points, not resolved)")


def test_results_are_frozen():
    fit = fit_rate([1, 2], [1.0, 0.5])
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.slope = 0.0
    with pytest.raises(ValueError, match="read-only"):
        fit.local_slopes[0] = 0.0


# --- The slopes of the paper's second figure ------------------------------------------------------------


def sparse_row(S: int, A: int, n: int) -> np.ndarray:
    """A row of instance 2: light, 0, light, 0, ..., heavy; with A even the last label has mass 0."""
    odd = A - (A + 1) % 2
    row = np.zeros(A)
    row[0 : odd - 1 : 2] = S / (n + 1)
    row[odd - 1] = 1 - S * (odd - 1) / 2 / (n + 1)
    return row


def exact_instance_one(n: int) -> float:
    S, A = 100, 8
    gap = 0.25 * math.sqrt(S * A / n)
    row = np.tile([(1 + gap) / A, (1 - gap) / A], A // 2)
    return oracles.exact_ce_sgl(np.full(S, 1 / S), np.tile(row, (S, 1)), n)


def exact_instance_two(n: int) -> float:
    S, A = 100, 8
    return oracles.exact_sel_ptl_classes(np.full(S, 1 / S), *oracles.label_classes(sparse_row(S, A, n)), n)


def exact_instance_three(n: int) -> float:
    S, A = 10, 10
    rho = np.full(S, 1 / (n + 1))
    rho[-1] = 1 - (S - 1) / (n + 1)
    return oracles.exact_ce_ful(rho, np.tile(sparse_row(S, A, n), (S, 1)), n)


@pytest.mark.parametrize(
    ("curve", "hi", "slope", "theory"),
    [
        (exact_instance_one, 2400, -0.5315, -0.5),
        (exact_instance_two, 2400, -1.0042, -1.0),
        (exact_instance_three, 5000, -0.978, -1.0),
    ],
)
@pytest.mark.parametrize("spacing", ["even", "log"])
def test_slopes_of_the_paper(curve, hi, slope, theory, spacing):
    # Oracle: published, Z&Z Figure 2 prints -0.532, -1.004 and -0.977; its n-grid is not printed, hence two and 0.005
    sizes = np.linspace(1000, hi, 15).astype(int) if spacing == "even" else even_grid(1000, hi, 15)
    fit = fit_rate(sizes, [curve(int(n)) for n in sizes])
    assert fit.slope == pytest.approx(slope, abs=0.005)
    assert fit.compare(theory).agrees


def test_the_first_slope_of_the_paper_has_not_settled():
    # Oracle: identity, exact local slopes run from -0.58 near n = 1000 to -0.52 near n = 2400
    sizes = np.linspace(1000, 2400, 15).astype(int)
    fit = fit_rate(sizes, [exact_instance_one(int(n)) for n in sizes])
    assert fit.local_slopes[0] < -0.57
    assert fit.local_slopes[-1] > -0.53
    assert not fit.resolved


# --- Errors ---------------------------------------------------------------------------------------------

GOOD = {"n": [10, 20, 40], "risk": [0.4, 0.2, 0.1], "mcse": [0.01, 0.01, 0.01]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": [10, 20, 20]}, r"n\[2\] is 20 after n\[1\] = 20: n must be strictly increasing"),
        ({"n": [10, 40, 20]}, r"n\[2\] is 20 after n\[1\] = 40"),
        ({"n": [0, 20, 40]}, r"n\[0\] is 0: it must be at least 1"),
        ({"n": [10, 20.5, 40]}, r"n\[1\] is 20.5: it must be a whole number"),
        ({"n": [10, math.nan, 40]}, r"n\[1\] is nan"),
        ({"n": [[10, 20, 40]]}, r"n must be a number or a list of numbers, got shape \(1, 3\)"),
        ({"n": []}, "n is empty"),
        ({"n": [10], "risk": [0.1], "mcse": None}, r"n has 1 point\(s\): a line needs at least two"),
        ({"risk": [0.4, 0.2]}, "risk has 2 entries and n has 3: there must be one per n"),
        ({"mcse": [0.1] * 4}, "mcse has 4 entries and n has 3"),
        ({"risk": 0.4}, r"risk must have 1 dimension\(s\)"),
        ({"risk": ["a", 0.2, 0.1]}, "risk is not an array of numbers"),
        ({"risk": [0.4, 0.2, 0.0]}, r"risk\[2\] is 0.0 at n = 40 and has no logarithm: narrow the window"),
        ({"risk": [0.4, -0.2, 0.1]}, r"risk\[1\] is -0.2 at n = 20 and has no logarithm"),
        ({"risk": [math.nan, 0.2, 0.1]}, r"risk\[0\] is nan at n = 10 and is no positive finite number"),
        ({"risk": [math.inf, 0.2, 0.1]}, r"risk\[0\] is inf at n = 10"),
        ({"mcse": [0.01, 0.0, 0.01]}, r"mcse\[1\] is 0.0 at n = 20 .* leave mcse out if the risks are exact"),
        ({"mcse": [0.01, -0.1, 0.01]}, r"mcse\[1\] is -0.1 at n = 20"),
        ({"mcse": [math.nan, 0.1, 0.01]}, r"mcse\[0\] is nan at n = 10"),
        ({"window": (15, 25)}, r"n has 1 point\(s\) in the window \(15, 25\): a line needs at least two"),
        ({"window": (50, 90)}, r"n has 0 point\(s\) in the window"),
        ({"window": (30, 20)}, r"window is \(30, 20\): it must be a pair \(lo, hi\) with lo <= hi"),
        ({"window": (30, math.nan)}, "it must be a pair"),
        ({"window": (1, 2, 3)}, "it must be a pair"),
        ({"window": 100}, "window must have 1 dimension"),
        ({"tolerance": 0}, "tolerance is 0.0: it must be a finite number above 0"),
        ({"tolerance": math.nan}, "tolerance is nan"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit_rate(**{**GOOD, **change})


def test_what_predict_and_compare_refuse():
    fit = fit_rate(**GOOD)
    with pytest.raises(ValueError, match=r"n\[1\] is 0.0: it must be a finite number above 0"):
        fit.predict([1, 0])
    with pytest.raises(ValueError, match=r"n is -1\.0"):
        fit.predict(-1)
    with pytest.raises(ValueError, match="theory is nan: it must be a finite slope"):
        fit.compare(math.nan)
    with pytest.raises(ValueError, match=r"tolerance is -1\.0"):
        fit.compare(-0.5, tolerance=-1)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_wave_of_either_sign_is_not_resolved(sign):
    # Oracle: identity, log risk = -log n - 1 + 0.3 sign t^3 has no drift and a wave of 3 (0.3) / half a window
    n = np.array([10, 100, 1000, 10**4, 10**5])
    t = (np.log(n) - np.log(1000)) / np.log(100)
    risk = np.exp(-np.log(n) - 1 + 0.3 * sign * t**3)
    fit = fit_rate(n, risk, 1e-4 * risk)
    assert fit.wave == pytest.approx(sign * 0.9 / math.log(100), rel=1e-9, abs=0)
    assert abs(fit.drift) < 1e-9
    assert str(fit).endswith("(5 points, not resolved)")


def test_fits_can_be_compared_and_kept_in_sets():
    # Oracle: identity, a fit is itself and no other one, though arrays are among its fields
    one, two = (fit_rate([10, 100, 1000], [0.5, 0.05, 0.006]) for _ in range(2))
    assert one == one
    assert one != two
    assert len({one, two, one}) == 2


def test_a_comparison_is_frozen_and_equal_by_its_numbers():
    # Oracle: identity
    fit = fit_rate([10, 100, 1000], [0.5, 0.05, 0.006])
    comparison = fit.compare(-1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        comparison.slope = 0.0
    assert comparison == fit.compare(-1) != fit.compare(-0.5)
    assert comparison.tolerance == fit.tolerance == 0.05


# --- Receipts -------------------------------------------------------------------------------------------


def receipts_of(curves, reps=100):
    """Receipts of two panels with these means, and errors of 1 %."""
    rows = [
        {"panel": panel, "learner": learner, "n": n, "mean": mean, "mcse": 0.01 * mean, "reps": reps}
        for panel in ("a", "b")
        for learner, curve in curves.items()
        for n, mean in curve.items()
    ]
    return pd.DataFrame(rows)


def test_receipts_give_a_row_per_panel_and_learner():
    # Oracle: closed form, 3 n^-1/2 has the slope -1/2; second algorithm, the fit of its columns
    curves = {"CE_sgl": {k: 3 * k**-0.5 for k in (10, 100, 1000)}, "CE_ful": {k: 0.5**k for k in (1, 10, 10000)}}
    frame = receipts_of(curves).sample(frac=1, random_state=1)
    rows = fit_rate(frame).set_index(["panel", "learner"]).sort_index()
    assert [*rows.index] == [("a", "CE_ful"), ("a", "CE_sgl"), ("b", "CE_ful"), ("b", "CE_sgl")]
    row, n = rows.loc[("b", "CE_sgl")], [10, 100, 1000]
    alone = fit_rate(n, [curves["CE_sgl"][k] for k in n], [0.01 * curves["CE_sgl"][k] for k in n])
    assert (row["slope"], row["slope_se"], row["resolved"]) == (alone.slope, alone.slope_se, alone.resolved)
    assert row["slope"] == pytest.approx(-0.5, rel=1e-12, abs=0)
    assert (row["n_min"], row["n_max"], row["points"], row["left_out"]) == (10, 1000, 3, 0)
    # A risk of 0 is left out, counted, and fewer than three points are no slope.
    none = rows.loc[("a", "CE_ful")]
    assert math.isnan(none["slope"])
    assert (none["points"], none["left_out"], none["resolved"]) == (0, 3, False)
    inside = fit_rate(frame, window=(50, 2000))
    assert (inside["points"] == 0).all()


def test_a_risk_known_badly_is_left_out_and_counted():
    # Oracle: enumeration, three of four points are known to 20 %
    frame = receipts_of({"CE_sgl": {k: 1 / k for k in (10, 100, 1000, 10000)}})
    frame.loc[frame["n"] == 10000, "mcse"] = 0.3 / 10000
    row = fit_rate(frame).iloc[0]
    assert (row["points"], row["left_out"], row["n_max"]) == (3, 1, 1000)
    assert fit_rate(frame.assign(mcse=0.0, reps=0)).iloc[0]["slope_se"] == 0.0


def test_receipts_that_are_none_are_refused():
    # Oracle: enumeration
    frame = receipts_of({"CE_sgl": {10: 0.5, 100: 0.1}})
    with pytest.raises(ValueError, match="n has no column 'reps'"):
        fit_rate(frame.drop(columns="reps"))
    with pytest.raises(ValueError, match="n has two rows of panel 'a', learner 'CE_sgl' at n = 10"):
        fit_rate(pd.concat([frame, frame[:1]]))
    with pytest.raises(ValueError, match=r"n has no row in the window \(5, 6\)"):
        fit_rate(frame, window=(5, 6))
    with pytest.raises(ValueError, match="risk or mcse is given as well"):
        fit_rate(frame, [1, 2])


def test_which_points_of_receipts_are_fitted():
    # Oracle: enumeration by hand; risks of 0, exact ones among simulated ones, errors of 20 % exactly, panels in order
    sizes = [1, 10, 100, 1000]
    frame = pd.DataFrame({"n": sizes, "mean": [0.5, 0.25, 0.125, 0.0625], "mcse": 0.001, "reps": 100})
    frame.insert(0, "learner", "CE_sgl")

    def fitted(**columns):
        row = fit_rate(frame.assign(**columns)).iloc[0]
        return row["points"], row["left_out"], row["slope_se"] > 0

    assert fitted() == (4, 0, True)
    assert fitted(mcse=0.0, reps=0) == (4, 0, False)
    assert fitted(mcse=[0.0, 0.001, 0.001, 0.001], reps=[0, 100, 100, 100]) == (3, 1, True)
    assert fitted(mcse=0.0, reps=0, mean=[0.5, 0.25, 0.125, 0.0]) == (3, 1, False)
    assert fitted(mcse=[0.1, 0.05, 0.025, 0.0125]) == (4, 0, True)
    assert fitted(mcse=[0.1, 0.05, 0.025, 0.0126]) == (3, 1, True)
    assert fitted(n=[0, 1, 10, 100]) == (3, 1, True)
    two = pd.concat([frame.assign(learner="SEL_ptl"), frame, frame.assign(learner="ADD_sgl")])
    assert fit_rate(two)["learner"].tolist() == ["SEL_ptl", "CE_sgl", "ADD_sgl"]
    backwards = fit_rate(frame[::-1]).iloc[0]
    assert (backwards["n_min"], backwards["n_max"]) == (1, 1000)
    assert fit_rate(frame, window=(10, 1000)).iloc[0]["points"] == 3
    short = fit_rate(frame, window=(100, 1000)).iloc[0]
    assert math.isnan(short["slope"])
    assert (short["points"], short["left_out"], short["resolved"]) == (0, 2, False)
