"""Partial soft labels: the worst teacher found, against arbitrary teachers, all students, printed values and bounds."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize

import oracles
from kt_theory import bounds
from kt_theory.exact import loops_sel
from kt_theory.exact.sel import family_risk
from kt_theory.minimax.constants import C_INF, curve, minimax_constant
from kt_theory.minimax.partial import minimax_partial, search_arbitrary, worst_row
from kt_theory.minimax.soft import largest_unvisited_mass, minimax_soft


def risk_of(problem, n):
    """SEL_ptl's risk, by subsets of labels in integers or, beyond 14 labels, by classes of equal labels."""
    if problem.A <= 14:
        return oracles.exact_sel_ptl_small(problem.rho, problem.teacher, n)
    total = []
    for rho, row in zip(problem.rho, problem.teacher, strict=True):
        total.append(oracles.exact_sel_ptl_classes([rho], *oracles.label_classes(row), n))
    return math.fsum(total)


# --- Values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("S", "A", "n", "value"),
    [
        (1, 3, 1, Fraction(1, 4)),
        (1, 3, 2, Fraction(1, 8)),
        (1, 3, 3, Fraction(1, 16)),
        (1, 4, 1, Fraction(1, 3)),
        (1, 4, 2, Fraction(5, 27)),
        (1, 4, 3, Fraction(11, 81)),
        (2, 3, 1, Fraction(1, 3)),
        (2, 3, 2, Fraction(23, 96)),
    ],
)
def test_small_values_are_fractions(S, A, n, value):
    # Oracle: published, linear programmes over all students
    assert minimax_partial(S, A, n).lower == pytest.approx(float(value), rel=1e-13, abs=0)


@pytest.mark.parametrize(
    ("S", "A", "n", "value", "digits"),
    [
        (1, 10, 5, 0.245032, 6),
        (1, 10, 10, 0.132124, 6),
        (1, 10, 20, 0.060605, 6),
        (1, 10, 100, 0.012265, 6),
        (1, 25, 12, 0.267703, 6),
        (1, 25, 25, 0.145728, 6),
        (1, 25, 50, 0.070421, 6),
        (1, 25, 250, 0.014146, 6),
        (1, 100, 50, 0.268159, 6),
        (1, 100, 100, 0.152309, 6),
        (1, 100, 200, 0.075493, 6),
        (1, 100, 1000, 0.015114, 6),
        (2, 3, 10, 0.04884, 5),
        (10, 10, 100, 0.136605, 6),
        (10, 10, 1000, 0.013581, 6),
        (100, 3, 3000, 0.010809, 6),
        (1, 3, 10, 0.0175247, 7),
    ],
)
def test_printed_values(S, A, n, value, digits):
    # Oracle: published, a multi-start search over teachers; to the digits printed
    assert minimax_partial(S, A, n).lower == pytest.approx(value, abs=0.51 * 10.0**-digits)


def test_inputs_need_not_be_equal():
    # Oracle: published, rho = (0.7924, 0.2076)
    assert sorted(minimax_partial(2, 3, 10).instance.rho) == pytest.approx([0.2076, 0.7924], abs=5e-5)


def test_two_kinds_of_light_inputs():
    # Oracle: second algorithm, two groups of inputs with so many equal labels each, by classes in integers
    def risk(a, r, labels1, labels2):
        rows = [(r, a, labels1), ((1 - a * r) / (10 - a), 10 - a, labels2)]
        return sum(
            times * oracles.exact_sel_ptl_classes([mass], [1 / m, 0.0], [m, 10 - m], 30) for mass, times, m in rows
        )

    value = minimax_partial(10, 10, 30).lower
    assert risk(5, 0.0889132, 4, 5) == pytest.approx(value, rel=1e-9, abs=0)  # 1e-7 in r, squared
    # Ten inputs alike, and nine alike with one apart, are not as bad.
    assert max(risk(5, 0.1, m, m) for m in (3, 4, 5, 6)) < value * (1 - 1e-3)
    assert max(risk(9, r, *m) for r in np.linspace(0.094, 0.105, 9) for m in ((4, 5), (5, 4))) < value * (1 - 1e-3)


SIZES = [(1, 3, 5), (1, 4, 1), (1, 5, 7), (2, 3, 3), (2, 4, 9), (3, 3, 4), (3, 6, 11), (4, 2, 9), (7, 5, 500)]
SIZES += [(2, 4, 10**6), (3, 5, 10**12), (1, 30, 20), (2, 16, 60)]


@pytest.mark.parametrize(("S", "A", "n"), SIZES)
def test_the_instance_has_the_risk(S, A, n):
    # Oracle: second algorithm, subsets or classes of labels in integers, in tests/oracles.py
    risk = minimax_partial(S, A, n)
    assert risk_of(risk.instance, n) == pytest.approx(risk.lower, rel=1e-11, abs=0)  # the masses are rounded once more


# --- No teacher is worse --------------------------------------------------------------------------------

SMALL = [(1, 3, 4), (1, 4, 2), (1, 4, 12), (1, 5, 6), (1, 6, 3), (1, 6, 25)]
SMALL += [(2, 3, 2), (2, 3, 12), (2, 4, 5), (2, 5, 9), (3, 3, 5), (3, 4, 2)]


@pytest.mark.parametrize(("S", "A", "n"), SMALL)
def test_no_arbitrary_teacher_is_worse(S, A, n):
    # Oracle: second algorithm, ascent over all (rho, teacher), no structure assumed
    found = search_arbitrary(S, A, n, starts=5, seed=1)
    value = minimax_partial(S, A, n).lower
    assert found <= value + 1e-10
    assert found >= value * 0.9  # the search does climb


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_no_arbitrary_teacher_is_worse_at_random_sizes(seed):
    # Oracle: second algorithm, ascent over all (rho, teacher), no structure assumed
    rng = np.random.default_rng(seed)
    S, A, n = int(rng.integers(1, 4)), int(rng.integers(3, 7)), int(rng.integers(1, 40))
    assert search_arbitrary(S, A, n, starts=60, seed=seed) <= minimax_partial(S, A, n).lower + 1e-10


def test_the_search_knows_the_risk():
    # Oracle: identity, A = 2 in closed form
    assert search_arbitrary(2, 2, 6, starts=10) == pytest.approx(minimax_soft(2, 2, 6).lower, rel=1e-8, abs=0)
    with pytest.raises(ValueError, match="8 labels at most"):
        search_arbitrary(1, 9, 1)


# --- No student is better -------------------------------------------------------------------------------


def game_value(rho, row, n):
    """The best that any student can do when the teacher is a uniformly random relabelling of `row` at each input.

    Data are what partial soft labels show: the ordered samples are summed up by the set of (input, label, probability)
    seen; the law of that set given the teacher is enumerated. One linear programme over all students.
    """
    S, A = len(rho), len(row)
    teachers = list(itertools.product(sorted(set(itertools.permutations(row))), repeat=S))
    law: dict = {}
    for index, teacher in enumerate(teachers):
        cells = [(s, a) for s in range(S) for a in range(A) if rho[s] * teacher[s][a] > 0]
        for draws in itertools.product(cells, repeat=n):
            p = math.prod(rho[s] * teacher[s][a] for s, a in draws)
            data = frozenset((s, a, teacher[s][a]) for s, a in draws)
            law.setdefault(data, {}).setdefault(index, 0.0)
            law[data][index] += p
    total = 0.0
    for weights in law.values():
        for s in range(S):
            # variables: q_1..q_A, and |q_a - p_a| for each teacher that is still possible
            options: dict = {}
            for index, p in weights.items():
                options[teachers[index][s]] = options.get(teachers[index][s], 0.0) + p / len(teachers)
            c = np.concatenate([np.zeros(A)] + [np.full(A, 0.5 * rho[s] * p) for p in options.values()])
            upper, limits = [], []
            for i, p in enumerate(options):
                for a in range(A):
                    for sign in (1.0, -1.0):
                        line = np.zeros(c.size)
                        line[a], line[A + i * A + a] = sign, -1.0
                        upper.append(line)
                        limits.append(sign * p[a])
            equal = np.concatenate((np.ones(A), np.zeros(c.size - A)))[None]
            total += scipy.optimize.linprog(c, upper, limits, equal, [1.0], bounds=(0, None)).fun
    return total


@pytest.mark.step("N5.3")
@pytest.mark.parametrize(("S", "A", "n"), [(1, 3, 1), (1, 3, 2), (1, 4, 1), (1, 4, 2), (2, 3, 1), (2, 3, 2), (2, 2, 2)])
def test_no_student_does_better(S, A, n):
    # Oracle: second algorithm, a linear programme over all students that know rho and the row up to its order
    risk = minimax_partial(S, A, n)
    row = tuple(risk.instance.teacher[0].tolist())
    value = game_value(risk.instance.rho.tolist(), row, n)
    assert value == pytest.approx(risk.lower, rel=1e-9, abs=0)  # LP tolerance
    assert value <= risk.upper * (1 + 1e-9)
    # Off the worst teacher the students gain.
    tilted = np.append(np.array(row[:-1]) * 0.9, 1 - 0.9 * sum(row[:-1]))
    assert game_value(risk.instance.rho.tolist(), tuple(tilted.tolist()), n) < risk.lower * (1 - 1e-6)


# --- Upper bounds ---------------------------------------------------------------------------------------


def test_the_interval_is_one():
    # Oracle: identity, lower <= upper, both falling in n
    for S, A, sizes in (
        (1, 4, (0, 1, 2, 3, 5, 8, 13, 30, 77, 400, 10**4, 10**9)),
        (1, 60, (0, 1, 2, 3, 5, 8, 13, 30, 77, 400, 10**4, 10**9)),
        (2, 3, (0, 1, 3, 30, 10**4)),
        (12, 8, (1, 77, 400, 10**9)),
    ):
        last = (2.0, 2.0)
        for n in sizes:
            risk = minimax_partial(S, A, n)
            assert risk.lower <= risk.upper
            assert risk.upper < 2.4 * risk.lower
            assert risk.exact == (risk.lower == risk.upper)
            assert risk.lower <= last[0]
            assert risk.upper <= last[1]
            last = (risk.lower, risk.upper)


def test_many_labels_are_almost_exact():
    # Oracle: limit, both ends tend to C_INF SA/n, or to the curve below n = SA
    risk = minimax_partial(1, 3000, 30_000)
    assert risk.upper / risk.lower < 1.001
    assert risk.upper * 10 == pytest.approx(C_INF, rel=1e-3, abs=0)
    assert minimax_partial(1, 1000, 300).upper / minimax_partial(1, 1000, 300).lower < 1.003


def by_pairs(cells: float, n: int) -> float:
    """The bound that the curve replaced, cells/n times the least L(eta) + eta n/cells, by a grid of eta."""

    def square(x: float, a: float, eta: float) -> float:
        """Antiderivative of (1 - (a + eta x) e^x)^2."""
        b, e = a + eta * x, math.exp(x)
        return x - 2 * (b - eta) * e + (b * b / 2 - eta * b / 2 + eta * eta / 4) * e * e

    found = []
    for eta in np.concatenate([[0.0], np.geomspace(1e-4, 0.9999, 200)]):
        x0 = scipy.optimize.brentq(
            lambda x: (
                square(x, math.exp(-x) - eta * x, eta) - square(0.0, math.exp(-x) - eta * x, eta)  # noqa: B023
                - 4 * (math.exp(-x) - eta * x - eta)  # noqa: B023
            ), 0, 3,
        )  # fmt: skip
        found.append(max(math.exp(-x0) - eta * x0 - eta, 0.0) + eta * n / cells)
    return min(found) * cells / n


@pytest.mark.parametrize(
    ("grid", "least"),
    [((1, 3, 20, 10**6), 8), pytest.param((1, 2, 3, 5, 10, 20, 100, 1000, 10**6), 30, marks=pytest.mark.slow)],
)
def test_no_interval_grew_when_the_curve_came(grid, least):
    # Oracle: second algorithm, the bound by pairs of unseen labels, typed anew; every interval is as narrow or narrower
    assert by_pairs(1.0, 50) * 50 == pytest.approx(0.159974016, rel=1e-8, abs=0)
    narrower = 0
    for A, S, n in itertools.product((3, 4), (1, 2, 5), grid):
        if (S, A) == (1, 3):
            continue
        missing = (A - 2) / (A - 1) * largest_unvisited_mass(S * A, n)[0] + largest_unvisited_mass(S, n)[0] / (
            A * (A - 1)
        )
        before = min(missing * (1 + 1e-13), by_pairs(S * A, n))
        now = minimax_partial(S, A, n).upper
        assert now <= before * (1 + 1e-12)
        narrower += now < before * 0.99
        assert curve(n / (S * A)) <= by_pairs(S * A, n)
    assert narrower > least
    # The curve alone would not do: at A = 3 and few samples the expected missing mass is less.
    assert curve(1 / 15) > minimax_partial(5, 3, 1).upper * 1.01


def test_the_upper_end_is_the_least_of_three_and_says_which():
    # Oracle: identity, the public bounds, which are typed apart
    said = set()
    for S, A, n in ((5, 3, 1), (1, 4, 5), (10, 10, 40), (2, 8, 10**5), (1, 300, 100), (4, 3, 10**12)):
        risk = minimax_partial(S, A, n)
        curved, finite = (
            getattr(bounds, f"partial_upper_mean_{name}")(S=S, A=A, n=n) for name in ("curve", "finite")
        )
        missing = (A - 2) / (A - 1) * largest_unvisited_mass(S * A, n)[0] + largest_unvisited_mass(S, n)[0] / (
            A * (A - 1)
        )
        assert risk.upper == pytest.approx(min(curved, finite, missing), rel=1e-12, abs=0)
        assert risk.upper <= bounds.best_upper("partial", S=S, A=A, n=n).value * (1 + 1e-12)
        said.add(risk.upper_end.statement)
    assert len(said) == 3


@pytest.mark.step("N7.4")
@pytest.mark.parametrize(("S", "A"), [(1, 3), (1, 4), (2, 3), (5, 6), (3, 20)])
def test_the_limit(S, A):
    # Oracle: limit, n * minimax -> (S-1) gamma_A + gamma_{A-1}, error of order A/n
    n = 10**9
    assert n * minimax_partial(S, A, n).lower == pytest.approx(minimax_constant("partial", S, A), rel=1e-7, abs=0)


# --- Exact cases and edges ------------------------------------------------------------------------------


@pytest.mark.step("N7.6")
@pytest.mark.parametrize(("S", "n"), [(1, 1), (2, 3), (2, 7), (4, 30), (9, 11)])
def test_two_labels_are_soft_labels(S, n):
    # Oracle: identity, one seen label reveals the other
    risk = minimax_partial(S, 2, n)
    assert risk.exact
    assert risk.lower == minimax_soft(S, 2, n).lower
    assert risk_of(risk.instance, n) == pytest.approx(risk.lower, rel=1e-12, abs=0)


def test_three_labels_of_one_input():
    # Oracle: second algorithm, every row on a grid of the simplex
    grid = np.array([(a, b, 60 - a - b) for a in range(61) for b in range(61 - a)]) / 60
    for n in (1, 2, 3, 4, 7, 20):
        w = grid.T
        risks = 0.5 * sum(w[a] ** n * np.abs(w[a - 1] - w[a - 2]) for a in range(3))
        risk = minimax_partial(1, 3, n)
        assert risk.exact
        assert risks.max() <= risk.lower * (1 + 1e-14)
        assert np.all(risks[np.argsort(-risks)[:1]] > 0.97 * risk.lower)
        assert risk.lower == pytest.approx(largest_unvisited_mass(2, n)[0] / 2, rel=1e-15, abs=0)
        assert risk_of(risk.instance, n) == pytest.approx(risk.lower, rel=1e-12, abs=0)


def test_the_edges():
    # Oracle: identity, no sample: TV(Uniform, Dirac); one label: nothing to learn
    for S, A in ((1, 1), (1, 5), (4, 3)):
        risk = minimax_partial(S, A, 0)
        assert risk.exact
        assert risk.lower == pytest.approx(1 - 1 / A, rel=1e-15, abs=0)
        assert risk_of(risk.instance, 0) == pytest.approx(risk.lower, rel=1e-14, abs=1e-300)
    assert minimax_partial(3, 1, 7).lower == 0.0
    assert minimax_partial(1, 2, 7).lower == 0.0
    with pytest.raises(ValueError, match="A is 0"):
        minimax_partial(1, 0, 1)


def test_every_k_was_looked_at():
    # Oracle: second algorithm, all k and a fine grid of x
    from kt_theory.exact.sel import family_risk

    for A, n, r in ((5, 6, 1.0), (9, 20, 0.7), (9, 20, 0.1), (14, 9, 1.0), (14, 200, 0.08), (14, 200, 0.3)):
        best = max(family_risk(n, A, r, k, np.linspace(1e-9, r / k * (1 - 1e-9), 1501)).max() for k in range(1, A))
        assert worst_row(n, A, r).value >= best * (1 - 1e-13)
        assert worst_row(n, A, r).value == pytest.approx(best, rel=1e-3, abs=0)


@pytest.mark.parametrize(("n", "A", "r", "k"), [(5, 4, 1.0, 1), (32, 10, 0.1, 4), (1000, 100, 0.3, 40)])
def test_the_compiled_search_for_a_peak_is_brents(n: int, A: int, r: float, k: int) -> None:
    # Oracle: second algorithm, scipy's bounded search on the same function
    left, right = 0.2 / n, min(2.5 / n, r / (k + 1))
    at, value = loops_sel.family_peak(n, A, r, k, left, right, 1e-8 * right, 500)
    found = scipy.optimize.minimize_scalar(
        lambda x: -float(family_risk(n, A, r, k, x)), bounds=(left, right), method="bounded",
        options={"xatol": 1e-8 * right},
    )  # fmt: skip
    assert value == pytest.approx(-found.fun, rel=1e-13, abs=0)
    assert at == pytest.approx(found.x, rel=1e-6, abs=0)
    assert value == float(family_risk(n, A, r, k, at))
