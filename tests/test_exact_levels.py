"""SEL_ptl level by level: rows of dozens to 50,000 labels against two other routes and against simulation."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import kt_theory as kt
import oracles
from kt_theory.exact import levels, many, sel
from kt_theory.exact.rows import Estimate, OutOfReach, Row


def row_of(A: int, kind: str, rho: float = 1.0, seed: int = 0) -> Row:
    rng = np.random.default_rng(seed)
    p = {
        "flat": lambda: rng.dirichlet(np.ones(A)),
        "zipf": lambda: 1 / np.arange(1.0, A + 1),
        "softmax": lambda: np.exp(3 * rng.normal(size=A)),
    }[kind]()
    p = np.sort(p / p.sum())
    return Row(rho, p, np.full(A, 1 / A), 1)


def near(one: Estimate, two: Estimate) -> bool:
    return abs(one.value - two.value) <= one.error + two.error


@pytest.mark.parametrize(
    ("A", "kind", "rho", "n"), [(100, "flat", 1.0, 25), pytest.param(100, "flat", 0.7, 60, marks=pytest.mark.slow)]
)
def test_levels_against_a_fourier_series_in_the_unseen_mass(A, kind, rho, n):
    # Oracle: second algorithm, the series of kt_theory.exact.many, which goes label by label; to 1e-6 and better
    row = row_of(A, kind, rho)
    low = many.bracket(row, n)[0]
    series = many._by_levels(row, n, low, 1e-9, lambda *of: many.series(*of, rtol=1e-9), many.SERIES)
    found = levels.risk(row, n)
    assert found.route == "levels"
    assert near(found, series)
    assert series.error < 1e-8 * series.value
    assert abs(found.value / series.value - 1) < 1e-8


@pytest.mark.parametrize(
    ("A", "kind", "n"),
    [(1000, "zipf", 700), (50_000, "softmax", 10**5), pytest.param(100, "flat", 30, marks=pytest.mark.slow)],
)
def test_levels_against_simulation(A, kind, n):
    # Oracle: Monte Carlo, 3000 repeats with control variates at a fixed seed (60 at 50,000 labels), |z| <= 4
    row = row_of(A, kind)
    found = sel.row_risk(row, n)
    assert found.route == "levels"
    reps = 3000 if A <= 1000 else 60
    frame = kt.simulate(kt.Problem([1.0], [row.p]), "SEL_ptl", n, reps, 5, control=True, workers=1)
    mean, error = frame["mean"][0], frame["mcse"][0]
    # What no repeat shows is bounded by a part of 1 / reps.
    assert error < (1e-4 if reps > 1000 else 3e-4) * mean
    assert abs(mean - found.value) <= 4 * error + found.error


def test_a_wrong_circle_is_seen(monkeypatch):
    # Oracle: second algorithm, as above; the planted factors are 1e-5 too large
    right = levels._circle

    def wrong(w, p, n):
        t, factor, left = right(w, p, n)
        return t, factor * (1 + 1e-5), left

    monkeypatch.setattr(levels, "_circle", wrong)
    with pytest.raises(AssertionError):
        test_levels_against_a_fourier_series_in_the_unseen_mass(100, "flat", 1.0, 25)


def test_labels_alike_are_replaced_without_a_change(monkeypatch):
    # Oracle: second algorithm, every label by itself; rows of 300 labels
    for kind, n in (("flat", 300), ("softmax", 2000)):
        row = row_of(300, kind)
        short = levels.risk(row, n)
        with monkeypatch.context() as patch:
            patch.setattr(levels, "_replaced", lambda p, w, n, *rest: (p, np.ones(p.size), 0.0))
            whole = levels.risk(row, n)
        assert near(short, whole)
        assert abs(short.value / whole.value - 1) < 1e-8


def test_too_few_intervals_of_labels_are_seen(monkeypatch):
    # Oracle: second algorithm, as above; one interval between the first and the last level moved risks by 2e-4
    monkeypatch.setattr(levels, "STEPS", 1)
    with pytest.raises((AssertionError, OutOfReach)):
        test_labels_alike_are_replaced_without_a_change(monkeypatch)


def test_labels_in_phase_are_out_of_reach_or_right():
    # Oracle: second algorithm, label classes with a proved error; sums over few classes are in phase again and again,
    # and without `_revivals` these rows were shown with 1e-9 where they were off by 5e-6
    for sizes, n in (((30, 30, 30), 30), ((36, 36, 36), 100), ((200, 200), 100), ((12, 12, 12, 12), 30)):
        values = np.array([1.0, 3**0.5, 2.414, 3.3])[: len(sizes)]
        p = np.repeat(values, sizes) / (values @ sizes)
        row = Row(0.7, p, np.full(p.size, 1 / p.size), 1)
        truth = sel.classes(row, n)
        with contextlib.suppress(OutOfReach):
            assert near(levels.risk(row, n), truth)


def test_revivals_are_what_keeps_rows_in_phase_out(monkeypatch):
    # Oracle: second algorithm, label classes; with the revivals taken for 0 the check above fails
    monkeypatch.setattr(levels, "_revivals", lambda *of: 0.0)
    with pytest.raises(AssertionError):
        test_labels_in_phase_are_out_of_reach_or_right()


# --- Enumeration ----------------------------------------------------------------------------------------


def by_seen_labels(whole: list[int], n: int, rho: float) -> float:
    """The risk for labels `whole` / sum(whole), over all counts: by how many labels were seen, their sum, their draws.

    An unseen label costs what it is above the mean of the unseen ones, and that depends on these numbers for the other
    labels alone. No term is negative. The tables without one label share what they have in common.
    """
    values, times = np.unique(whole, return_counts=True)
    mass = rho / sum(whole)

    def with_label(table, x):
        out = table.copy()
        for c in range(1, n + 1):
            out[1:, x:, c:] += table[:-1, :-x, :-c] * ((mass * x) ** c / math.factorial(c))
        return out

    def without_one(first, last, table):
        if last - first == 1:
            for _ in range(times[first] - 1):
                table = with_label(table, values[first])
            yield int(values[first]), int(times[first]), table
            return
        middle = (first + last) // 2
        for kept, others in (((first, middle), (middle, last)), ((middle, last), (first, middle))):
            grown = table
            for i in range(*others):
                for _ in range(times[i]):
                    grown = with_label(grown, values[i])
            yield from without_one(*kept, grown)

    none = np.zeros((n + 1, sum(sorted(whole)[-n:]) + 1, n + 1))
    none[0, 0, 0] = 1.0
    elsewhere = np.array([(1 - rho) ** (n - k) / math.factorial(n - k) for k in range(n + 1)])
    seen, weight = np.arange(n + 1)[:, None], np.arange(none.shape[1])[None, :]
    mean = (sum(whole) - weight) / np.maximum(len(whole) - seen, 1)
    paid = [
        many * ((table @ elsewhere) * np.maximum(x - mean, 0)).sum()
        for x, many, table in without_one(0, len(values), none)
    ]
    return math.factorial(n) * mass * math.fsum(paid)


def whole_row(whole: list[int], rho: float) -> Row:
    p = np.array(whole) / sum(whole)
    return Row(rho, p, np.full(p.size, 1 / p.size), 1)


def test_the_enumeration_by_seen_labels():
    # Oracle: enumeration, all count tables in fractions
    whole = [1, 2, 4, 7, 7]
    fractions = [Fraction(x, sum(whole)) for x in whole]
    init = [Fraction(1, 5)] * 5
    truth = oracles.enumerate_risks([Fraction(1)], [fractions], 4, [init])["SEL_ptl"]
    assert by_seen_labels(whole, 4, 1.0) == pytest.approx(float(truth), rel=1e-14, abs=0)
    half = oracles.enumerate_risks([Fraction(1, 2)] * 2, [fractions, fractions], 4, [init, init])["SEL_ptl"]
    assert 2 * by_seen_labels(whole, 4, 0.5) == pytest.approx(float(half), rel=1e-14, abs=0)


#: Row, n, rho: counts over their sum, whose labels are in phase at the frequency 2 pi / unit.
LATTICES = [
    (np.random.default_rng(k).integers(low, high, A).tolist(), n, rho)
    for k, A, low, high, n, rho in ((0, 40, 8, 25, 10, 1.0), (1, 60, 4, 13, 10, 1.0), (3, 40, 8, 25, 12, 0.7))
]


def compared_with_enumeration(monkeypatch) -> list[float]:
    """How far off the rows are that are in reach if errors of 1e-3 may be shown."""
    monkeypatch.setattr(levels, "COARSEST", 1e-3)
    off = []
    for whole, n, rho in LATTICES:
        with contextlib.suppress(OutOfReach):
            found, truth = levels.risk(whole_row(whole, rho), n), by_seen_labels(whole, n, rho)
            assert abs(found.value - truth) <= 0.25 * found.error
            off.append(abs(found.value / truth - 1))
    return off


def test_levels_against_enumeration(monkeypatch):
    # Oracle: enumeration, merged by what was seen; at a coarser limit, which rows of 40 labels and coarse counts meet
    off = compared_with_enumeration(monkeypatch)
    assert len(off) >= 2
    assert max(off) < 2e-5


def test_levels_against_enumeration_sees_a_wrong_circle(monkeypatch):
    # Oracle: enumeration, as above; planted: factors 1e-3 too large
    right = levels._circle

    def wrong(*given):
        t, factor, left = right(*given)
        return t, factor * (1 + 1e-3), left

    monkeypatch.setattr(levels, "_circle", wrong)
    monkeypatch.setattr(sys.modules[__name__], "LATTICES", LATTICES[:1])
    with pytest.raises(AssertionError):
        compared_with_enumeration(monkeypatch)


def test_counts_over_their_sum_are_out_of_reach_or_right():
    # Oracle: enumeration, merged by what was seen: this row was off by 6.6e-7 where 4.4e-7 was stated, as the frequency
    # at which its labels are in phase lies beyond thirty times the harmonics that are used
    times = [2, 2, 0, 2, 3, 1, 2, 3, 1, 0, 0, 0, 0, 0, 1, 0, 4, 2, 1, 2]
    times += [2, 0, 1, 1, 1, 2, 0, 2, 0, 2, 1, 1, 2, 0, 2, 1, 1, 1, 3, 1]
    whole = np.repeat(np.arange(21, 61), times).tolist()
    with contextlib.suppress(OutOfReach):
        found = levels.risk(whole_row(whole, 1.0), 24)
        assert abs(found.value - by_seen_labels(whole, 24, 1.0)) <= found.error


@pytest.mark.slow
def test_levels_against_enumeration_at_its_limit():
    # Oracle: enumeration, merged by what was seen; about the smallest row in reach, 56 labels, half a minute
    whole = np.random.default_rng(0).integers(70, 210, 56).tolist()
    found, truth = levels.risk(whole_row(whole, 1.0), 20), by_seen_labels(whole, 20, 1.0)
    assert abs(found.value - truth) <= 0.25 * found.error <= 0.25 * levels.COARSEST * found.value


def test_labels_of_probability_0_count_by_their_number():
    # Oracle: second algorithm, simulation with control variates, |z| <= 4: 400 labels, half of them never seen
    p = np.concatenate([np.zeros(200), row_of(200, "flat").p])
    row = Row(1.0, p, np.full(400, 1 / 400), 1)
    found = levels.risk(row, 150)
    frame = kt.simulate(kt.Problem([1.0], [p]), "SEL_ptl", 150, 3000, 2, control=True, workers=1)
    assert abs(frame["mean"][0] - found.value) <= 4 * frame["mcse"][0] + found.error


def test_the_ratio_of_coefficients():
    # Oracle: mpmath, logarithms of gamma functions; near n, on both sides of where Stirling takes over, which is off by
    # (m - n) / (12 n m), 6e-7 at most
    for n in (30, 9_999, 10_000, 10**8):
        for m in (n - round(7 * n**0.5) if n > 100 else 1, n + round(7 * n**0.5)):
            with mpmath.workdps(40):
                truth = (m - n) * mpmath.log(n) + mpmath.loggamma(n + 1) - mpmath.loggamma(m + 1)
            assert levels._log_ratio(n, m) == pytest.approx(float(truth), abs=1e-6)


@pytest.mark.parametrize("n", [1, 10**6, 10**12])
def test_sizes_at_both_ends(n):
    # Oracle: identity, proved bounds on the risk; or out of reach in one sentence
    row = row_of(2000, "softmax")
    if n > 1:
        found = sel.row_risk(row, n)
        low, high = sel.bracket(row, n)
        assert low - found.error <= found.value <= high + found.error
    else:
        with pytest.raises(OutOfReach, match=r"use kt_theory\.simulate"):
            sel.row_risk(row, n)


def test_where_few_labels_vary_auto_simulates_with_controls():
    # Oracle: Monte Carlo, the plain run, |z| <= 4; the warning says what was done and what to do
    row = row_of(500, "zipf")
    problem = kt.Problem([1.0], [row.p])
    with pytest.raises(OutOfReach, match="SEL_ptl"):
        kt.expected_risk(problem, "SEL_ptl", 10**4, method="exact")
    with pytest.warns(UserWarning, match="with control variates, .*call kt_theory.simulate with control=True"):
        risk = kt.expected_risk(problem, "SEL_ptl", 10**4)
    assert risk.route.startswith("Monte Carlo with control variates, ")
    assert risk.error <= 1.5e-3 * risk
    plain = kt.simulate(problem, "SEL_ptl", 10**4, 5000, 3).iloc[0]
    assert abs(risk - plain["mean"]) <= 4 * math.hypot(risk.error, plain["mcse"])


def test_every_value_says_whether_its_error_is_proved():
    # Oracle: identity, the routes whose docstrings estimate their error; sums are proved if all parts are
    wide, narrow = row_of(100, "flat"), kt.Problem([1.0], [[0.25, 0.75]])
    problem = kt.Problem([1.0], [wide.p])
    assert not kt.expected_risk(problem, "SEL_ptl", 25).proved
    assert not kt.expected_risk(problem, "CE_ptl", 10**6).proved
    assert not kt.expected_risk(narrow, "CE_sgl", 5, method="montecarlo").proved
    for learner in ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"):
        assert kt.expected_risk(narrow, learner, [0, 1, 5]).proved.all()
    assert not kt.expected_risk(narrow, "ADD_sgl", 10**4).proved  # measured, not bounded
    assert not kt.expected_risk(narrow, "CE_ptl", 10**6).proved  # label classes: roundings do not all agree
    mixed = kt.Problem([0.5, 0.5], [wide.p, [0.5, 0.5] + [0.0] * 98])
    assert not kt.expected_risk(mixed, "SEL_ptl", 50).proved
    assert kt.expected_risk(mixed, "CE_ful", [1, 2])[1:].proved is None


@pytest.mark.parametrize(("A", "kind", "n"), [(24, "zipf", 300), (24, "flat", 2000), (28, "flat", 500)])
def test_small_sets_against_halves(A, kind, n):
    # Oracle: second algorithm, all sets in two halves with a proved error
    row = row_of(A, kind)
    low = many.bracket(row, n)[0]
    found, truth = many._by_levels(row, n, low, 1e-8, many.small, many.SMALL), many.risk(row, n)
    assert truth.route == "halves"
    assert near(found, truth)
    assert found.error <= 1e-6 * found.value


def test_larger_sets_left_out_are_counted(monkeypatch):
    # Oracle: second algorithm, as above: with single labels alone the error says what larger sets add
    monkeypatch.setattr(many, "SMALL_PRODUCTS", 300.0)
    row = row_of(24, "flat")
    low = many.bracket(row, 2000)[0]
    found, truth = many._by_levels(row, 2000, low, 1e-8, many.small, many.SMALL), many.risk(row, 2000)
    assert near(found, truth)
    assert abs(found.value - truth.value) > 0.5 * truth.value


def test_auto_takes_no_seconds_where_few_labels_vary():
    # Oracle: identity, proved bounds on the risk; processor time, and what is still computed rather than simulated
    rows = {(100, "zipf", 10**5): "small sets", (40, "zipf", 1200): "small sets", (40, "flat", 10**9): "halves"}
    for (A, kind, n), route in rows.items():
        row = row_of(A, kind)
        sel.row_risk(row, n, patient=False)
        start = time.process_time()
        found = sel.row_risk(row, n, patient=False)
        assert time.process_time() - start < 0.5
        assert found.route == route
        low, high = sel.bracket(row, n)
        assert low <= found.value <= high
    with pytest.raises(OutOfReach, match="small sets"):
        sel.row_risk(row_of(40, "zipf"), 40, patient=False)
