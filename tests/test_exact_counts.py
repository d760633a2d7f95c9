"""CE_ptl count by count: small rows against enumeration in fractions, any row against simulation, parts by mpmath."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import kt_theory as kt
import oracles
from kt_theory.exact import counts, loops_counts, ptl, risk
from kt_theory.exact.rows import OutOfReach, Row


def row_of(A: int, kind: str, rho: float = 1.0, seed: int = 0) -> Row:
    rng = np.random.default_rng(seed)
    p = {
        "flat": lambda: rng.dirichlet(np.ones(A)),
        "zipf": lambda: 1 / np.arange(1.0, A + 1),
        "softmax": lambda: np.exp(3 * rng.normal(size=A)),
        "whole": lambda: rng.integers(1, 40, A).astype(float),
        "alike": lambda: 1 + 1e-3 * rng.random(A),
    }[kind]()
    p = np.sort(p / p.sum())
    return Row(rho, p, np.full(A, 1 / A), 1)


@pytest.fixture
def short(monkeypatch):
    """Where few labels give M atoms the series is followed for long: not here, at the price of larger errors."""
    monkeypatch.setattr(counts, "MOST_TURNS", 3e6)
    monkeypatch.setattr(counts, "MOST_PRODUCTS", 1e6)


def enumerated(fractions: list[Fraction], n: int) -> Fraction:
    init = [Fraction(1, len(fractions))] * len(fractions)
    return oracles.enumerate_risks([Fraction(1)], [fractions], n, [init])["CE_ptl"]


def small_rows() -> list[tuple[list[Fraction], int]]:
    rng = np.random.default_rng(3)
    rows = []
    for A, n in ((2, 9), (3, 7), (4, 5), (5, 4), (6, 4), (8, 3)):
        whole = rng.integers(1, 30, A)
        rows.append(([Fraction(int(x), int(whole.sum())) for x in sorted(whole)], n))
    return rows


def test_counts_meet_the_enumeration(short):
    # Oracle: enumeration, all count vectors in fractions, up to 8 labels; the route is called by itself
    for fractions, n in small_rows():
        p = np.array([float(x) for x in fractions])
        if np.unique(p).size == 1:
            continue
        found = counts.estimate(Row(1.0, p, np.full(p.size, 1 / p.size), 1), n)
        truth = enumerated(fractions, n)
        assert abs(found.value - float(truth)) <= found.error
        assert found.error < 1e-3 * found.value


def test_a_wrong_coefficient_is_seen(monkeypatch, short):
    # Oracle: enumeration, as above; the planted cosine coefficients are 1 % too large
    right = loops_counts.coefficients

    def wrong(number, omega, k, low, high, out):
        right(number, omega, k, low, high, out)
        out *= 1.01

    monkeypatch.setattr(loops_counts, "coefficients", wrong)
    with pytest.raises(AssertionError):
        test_counts_meet_the_enumeration(None)


def test_few_draws_of_light_labels_pay_the_missing_mass():
    # Oracle: enumeration, in fractions; three draws of labels below a third: M < 1, and the error is proved
    fractions = [Fraction(x, 60) for x in (3, 5, 7, 8, 8, 9, 10, 10)]
    row = Row(1.0, np.array([float(x) for x in fractions]), np.full(8, 1 / 8), 1)
    found = counts.within(counts.estimate(row, 3), counts.FINE)
    assert found.proved
    assert abs(found.value - float(enumerated(fractions, 3))) <= found.error
    assert found.error < 1e-13


def by_sums_of_draws(weights: np.ndarray, rho: float, n: int) -> float:
    """The visited part of the risk of p = weights / sum, whole weights: the law of M, label by label, count by count.

    Given that a is drawn k times the n - k other draws are independent; the law of the sum of their weights is a power
    of that of one, by convolutions. Every term is positive.
    """
    whole = int(weights.sum())
    p = weights / whole
    total = 0.0
    for a, c in enumerate(weights.tolist()):
        one = np.bincount(weights, rho * p, minlength=int(weights.max()) + 1)
        one[c] -= rho * p[a]
        one[c] = max(one[c], 0.0) if np.count_nonzero(weights == c) > 1 else 0.0
        one[0] += 1 - rho
        law = np.ones(1)  # of the sum of n - k draws
        for k in range(n, -1, -1):
            # Labels are worth c / whole each: k < M is k whole < k c + sum.
            M = (k * c + np.arange(law.size)) / whole
            chance = math.comb(n, k) * (rho * p[a]) ** k * law
            if k:
                total += p[a] * float(chance @ np.maximum(1 - k / np.where(M > 0, M, 1.0), 0.0))
            else:
                total += p[a] * (float(chance.sum()) - (1 - rho) ** n)
            law = np.convolve(law, one)
    return rho * total


@pytest.mark.parametrize(("A", "rho", "n"), [(40, 1.0, 60), (40, 0.6, 40), (12, 1.0, 50)])
def test_counts_meet_the_law_of_sums(A, rho, n, short):
    # Oracle: second algorithm, the law of M from convolutions, rows of different labels; enumeration at 4 labels
    weights = np.random.default_rng(A).permutation(np.arange(1, 2 * A))[:A]
    p = np.sort(weights / weights.sum())
    found = counts.estimate(Row(rho, p, np.full(A, 1 / A), 1), n)
    truth = by_sums_of_draws(weights, rho, n)
    assert abs(found.value - truth) <= found.error
    assert found.error < 1e-4 * truth
    few = np.array([1, 4, 6, 6])
    assert by_sums_of_draws(few, 1.0, 6) == pytest.approx(float(enumerated([Fraction(int(x), 17) for x in few], 6)))


def test_the_law_of_sums_sees_a_wrong_coefficient(monkeypatch, short):
    # Oracle: second algorithm, as above; the planted cosine coefficients are 0.1 % too large
    right = loops_counts.coefficients

    def wrong(number, omega, k, low, high, out):
        right(number, omega, k, low, high, out)
        out *= 1.001

    monkeypatch.setattr(loops_counts, "coefficients", wrong)
    with pytest.raises(AssertionError):
        test_counts_meet_the_law_of_sums(40, 0.6, 40, None)


@pytest.mark.parametrize(("rho", "n"), [(1e-15, 9), (1e-12, 10**6), (1e-6, 6), (1e-3, 6), (0.03, 6), (1e-5, 10**3)])
def test_inputs_that_are_hardly_ever_visited(rho, n):
    # Oracle: enumeration in fractions of up to 6 draws; else the closed form of one and two visits
    fractions = [Fraction(x, 60) for x in (2, 5, 9, 14, 30)]
    row = Row(rho, np.array([float(x) for x in fractions]), np.full(5, 0.2), 1)
    found = counts.estimate(row, n)
    mass = Fraction(rho)
    assert found.error < 1e-6 * found.value
    if n <= 6:
        truth = Fraction(0)
        for visits in range(1, n + 1):
            chance = math.comb(n, visits) * mass**visits * (1 - mass) ** (n - visits)
            truth += mass * chance * enumerated(fractions, visits)
        assert abs(Fraction(found.value) - truth) <= Fraction(found.error)
        return
    # One visit costs 1 - p_a, two 1 - p_a - p_b or 1 - p_a: means 1 - q_2 and 1 - 2 q_2 + q_3, q_i the sum of p^i.
    square, cube = (sum(x**i for x in fractions) for i in (2, 3))
    one, two = n * mass, Fraction(n * (n - 1), 2) * mass**2
    truth = mass * (one * (1 - (n - 1) * mass) * (1 - square) + two * (1 - 2 * square + cube))
    assert abs(Fraction(found.value) - truth) <= Fraction(found.error) + mass * one**3


@pytest.mark.parametrize("rho", [1e-9, 1e-3, 0.25, 0.5, 0.999999999, 1.0])
def test_one_draw_of_a_nearly_sure_row(rho):
    # Oracle: closed form in fractions, rho^2 (1 - sum p^2), of a label that has all but 7e-11
    fractions = [Fraction(1, 2**35), Fraction(3, 2**36), 1 - Fraction(5, 2**36)]
    found = counts.estimate(Row(rho, np.array([float(x) for x in fractions]), np.full(3, 1 / 3), 1), 1)
    truth = Fraction(rho) ** 2 * (1 - sum(x**2 for x in fractions))
    assert found.proved
    assert abs(Fraction(found.value) - truth) <= Fraction(found.error) <= truth / 10**13


def test_what_a_window_leaves_out_is_not_nothing():
    # Oracle: closed form, M > 1 if one label of 0.3 is drawn four times, of ten draws; Chernoff's bound is above
    light = np.linspace(0.02, 0.05, 20)
    p = np.sort(np.append(light / light.sum() * 0.7, 0.3))
    for rho in (1e-6, 1e-4, 1e-2):
        low, high, above = counts._Draws(Row(rho, p, np.full(21, 1 / 21), 1), 10).window()
        truth = sum(math.comb(10, k) * (0.3 * rho) ** k * (1 - 0.3 * rho) ** (10 - k) for k in range(4, 11))
        assert truth <= above <= 1
        assert low == 0.0 < high
    assert counts._Draws(Row(1.0, p, np.full(21, 1 / 21), 1), 3).window()[2] == 0.0


@pytest.mark.parametrize("rho", [1.0, 0.4])
@pytest.mark.parametrize(("sizes", "n"), [((1, 1, 1), 2000), ((2, 1, 1), 400), ((30, 50), 3000), ((4, 3, 2), 100)])
def test_counts_meet_label_classes(sizes, n, rho, short):
    # Oracle: second algorithm, label classes with a proved error, on rows whose phases agree again and again
    values = np.array([1.0, 1.4, 2.2])[: len(sizes)]
    p = np.repeat(values, sizes) / (values @ sizes)
    row = Row(rho, p, np.full(p.size, 1 / p.size), 1)
    found, truth = counts.estimate(row, n), ptl.by_classes(row, n)
    assert abs(found.value - truth.value) <= found.error + truth.error
    assert abs(found.value / truth.value - 1) < 1e-6


def test_phases_that_agree_again_are_counted(monkeypatch, short):
    # Oracle: second algorithm, label classes; a lattice of 1/500 whose phases agree again beyond thirty times the last
    # harmonic that matters is off by 3e-9 where 1e-15 was claimed (at other n by 1e-6)
    p = np.repeat([0.01, 0.014], [30, 50])
    row = Row(0.3, p, np.full(80, 1 / 80), 1)
    truth = ptl.by_classes(row, 300)
    found = counts.estimate(row, 300)
    assert abs(found.value - truth.value) <= found.error + truth.error
    monkeypatch.setattr(counts, "AGAIN", 1e9)
    monkeypatch.setattr(counts, "SAFETY", 0.0)
    found = counts.estimate(row, 300)
    assert abs(found.value - truth.value) > 1e-9


@pytest.mark.parametrize(
    ("A", "kind", "rho", "n"),
    [
        pytest.param(100, "flat", 1.0, 100, marks=pytest.mark.slow),
        (100, "whole", 0.7, 200),
        (300, "zipf", 0.5, 1000),
        (1000, "softmax", 1.0, 10**6),
        (50_000, "zipf", 1.0, 10**5),
    ],
)
def test_counts_against_simulation(A, kind, rho, n):
    # Oracle: Monte Carlo with control variates at a fixed seed, |z| <= 4
    row = row_of(A, kind, rho)
    found = ptl.row_risk(row, n)
    assert found.route == "counts"
    assert found.error < 1e-6 * found.value
    sure = np.append(np.zeros(A - 1), 1.0)
    problem = kt.Problem([rho, 1 - rho], [row.p, sure]) if rho < 1 else kt.Problem([1.0], [row.p])
    init = [row.init, sure] if rho < 1 else None
    reps = 2000 if A <= 1000 else 100
    frame = kt.simulate(problem, "CE_ptl", n, reps, 5, control=True, init=init, workers=1)
    mean, error = frame["mean"][0], frame["mcse"][0]
    assert error < 2e-3 * mean
    assert abs(mean - found.value) <= 4 * error + found.error


@pytest.mark.parametrize("A", [40, 3000])
def test_many_draws_end_in_the_bias(A):
    # Oracle: limit, TV(p, p^2 / |p|^2); what is left is below the labels over n, but where p is near |p|^2
    row = row_of(A, "flat")
    square = row.p**2 / math.fsum(row.p**2)
    bias = 0.5 * float(np.abs(square - row.p).sum())
    found = counts.within(counts.estimate(row, 10**12), counts.FINE)
    assert found.error < 1e-9 * found.value
    kinked = np.isclose(row.p, math.fsum(row.p**2), rtol=1e-4)
    assert abs(found.value - bias) <= 5 * A / 1e12 + float(row.p[kinked].sum()) / math.sqrt(1e12 / A)


def test_labels_alike_are_replaced_without_a_change(monkeypatch):
    # Oracle: second algorithm, every label by itself; 600 labels
    for kind, n in (("flat", 600), ("softmax", 5000), ("alike", 2000)):
        row = row_of(600, kind)
        short = counts.within(counts.estimate(row, n), counts.FINE)
        with monkeypatch.context() as patch:
            patch.setattr(counts.alike, "replaced", lambda x, weight, *rest: (x, weight, []))
            whole = counts.within(counts.estimate(row, n), counts.FINE)
        assert abs(short.value / whole.value - 1) < 1e-10


def test_strides_do_not_matter(monkeypatch):
    # Oracle: second algorithm, every count; 50 labels at n = 10^5, of which strides take every 8th
    row = row_of(50, "flat")
    by_strides = counts.within(counts.estimate(row, 10**5), counts.FINE)
    monkeypatch.setattr(counts._Seen, "_strides", lambda self: np.ones(self.w.size))
    assert abs(counts.within(counts.estimate(row, 10**5), counts.FINE).value / by_strides.value - 1) < 1e-12


def test_too_long_strides_are_seen(monkeypatch):
    # Oracle: second algorithm, as above; strides four times as long have aliases
    right = counts._Seen._strides
    monkeypatch.setattr(counts._Seen, "_strides", lambda self: 4 * right(self))
    with pytest.raises(AssertionError):
        test_strides_do_not_matter(monkeypatch)


def test_the_auxiliary_functions():
    # Oracle: mpmath, from the sine and the cosine integral at 40 digits, on both sides of where algorithms change
    for z in (1e-3, 0.5, 1.99, 2.01, 7.0, 39.9, 40.1, 1e3, 1e8):
        with mpmath.workdps(60):
            si, ci = mpmath.si(z) - mpmath.pi / 2, mpmath.ci(z)
            f = ci * mpmath.sin(z) - si * mpmath.cos(z)
            g = -ci * mpmath.cos(z) - si * mpmath.sin(z)
            one, two = loops_counts.auxiliary(z)
            assert abs(one - (1 - z * f)) <= 1e-12 * (1 - z * f)
            assert abs(two - g) <= 1e-12 * g


def test_the_cosine_coefficients():
    # Oracle: mpmath, quadrature of (1 - k/x)^+ cos(j pi (x - l) / L) at 20 digits
    low, high, k = 7.25, 11.5, np.array([8.0, 9.0, 11.0])
    number = np.array([1, 2, 7])
    out = np.empty((3, 3))
    loops_counts.coefficients(number, number * (math.pi / (high - low)), k, low, high, out)
    for j, row in zip(number.tolist(), out, strict=True):
        for count, found in zip(k.tolist(), row.tolist(), strict=True):

            def inner(x, j=j, count=count):
                return (1 - count / x) * mpmath.cos(j * mpmath.pi * (x - low) / (high - low))

            truth = 2 / (high - low) * mpmath.quad(inner, mpmath.linspace(count, high, 9))
            assert abs(found - float(truth)) < 1e-13


def test_a_rough_answer_is_better_than_none(monkeypatch):
    # Oracle: second algorithm, simulation of the whole problem, |z| <= 4
    problem = kt.tables.bundled_teacher("next_word")
    row = max(risk.rows_of(problem), key=lambda row: row.rho)
    with pytest.raises(OutOfReach, match="count by count"):
        counts.within(counts.estimate(row, 1000), counts.FINE)
    computed, estimate = [], counts.estimate
    monkeypatch.setattr(counts, "estimate", lambda *given: computed.append(given) or estimate(*given))
    found = ptl.row_risk(row, 1000)
    assert len(computed) == 1  # held to two limits
    assert 1e-6 * found.value < found.error <= counts.COARSE * found.value
    alone = kt.Problem([row.rho, 1 - row.rho], np.stack([row.p, np.eye(row.p.size)[0]]))
    rest = ptl.row_risk(risk.rows_of(alone)[1], 1000)
    seen = kt.simulate(alone, "CE_ptl", 1000, 20_000, seed=2).iloc[0]
    assert abs(seen["mean"] - found.value - rest.value) <= 4 * seen["mcse"]


def test_one_probability_is_left_to_the_closed_form():
    row = Row(1.0, np.full(40, 1 / 40), np.full(40, 1 / 40), 1)
    with pytest.raises(OutOfReach, match="one probability"):
        counts.within(counts.estimate(row, 10**4), counts.FINE)
    assert ptl.row_risk(row, 10**12).route != "counts"


@pytest.mark.slow
@pytest.mark.parametrize(("A", "n", "control"), [(100, 100, True), (1000, 1000, True), (50_000, 10_000, False)])
def test_wide_rows_against_a_million_repeats(A, n, control):
    # Oracle: Monte Carlo at a fixed seed, |z| <= 4; controls would take the widest row hours
    problem = kt.Problem([1.0], [row_of(A, "zipf").p])
    drawn = kt.simulate(problem, ["CE_ptl", "SEL_ptl"], n, 10**6, 11, control=control).set_index("learner")
    for learner, one in drawn.iterrows():
        found = kt.expected_risk(problem, learner, n, method="exact")
        assert abs(one["mean"] - found) <= 4 * one["mcse"] + found.error, learner
