"""Soft labels, exactly: the maximum over rho against brute force, and the limits of all three protocols."""

from __future__ import annotations

import dataclasses
import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.optimize
import scipy.special

import oracles
from kt_theory.minimax.constants import C_INF, RATIO, gamma, minimax_constant
from kt_theory.minimax.result import MinimaxRisk
from kt_theory.minimax.soft import largest_unvisited_mass, minimax_soft


def unvisited(rho, n):
    return float(np.sum(np.asarray(rho) * (1 - np.asarray(rho)) ** n))


def phi(n):
    """max_x x (1 - x)^n."""
    return math.exp(-n * math.log1p(1 / n)) / (n + 1)


def compositions(total, parts):
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in compositions(total - first, parts - 1):
            yield (first, *rest)


# --- The maximum over rho -------------------------------------------------------------------------------


@pytest.mark.step("N9.4")
@pytest.mark.parametrize("S", [3, *(pytest.param(S, marks=pytest.mark.slow) for S in (2, 4))])
def test_no_law_of_the_inputs_is_worse(S):
    # Oracle: second algorithm, all laws on a grid of the simplex, the best refined by ascent in all S coordinates
    grid = np.array(list(compositions({2: 400, 3: 60, 4: 28}[S], S)), dtype=np.float64)
    grid /= grid[0].sum()
    for n in (0, 1, 2, 3, 4, 5, 8, 12, 25, 60):
        value, x = largest_unvisited_mass(S, n)
        values = np.sum(grid * (1 - grid) ** n, axis=1)
        assert values.max() <= value * (1 + 1e-14)
        ends = []
        for start in grid[np.argsort(-values)[:20]]:
            free = scipy.optimize.minimize(
                lambda u, n=n: -unvisited(u * u / (u @ u), n), np.sqrt(start + 1e-6), method="BFGS", tol=1e-12
            )
            ends.append(-free.fun)
        # A minimiser that stops at a gradient of about 1e-8 is off by its square.
        assert max(ends) == pytest.approx(value, rel=1e-12, abs=0)
        rho = np.append(np.full(S - 1, x), 1 - (S - 1) * x)
        assert unvisited(rho, n) == pytest.approx(value, rel=1e-14, abs=0)


def by_mpmath(S, n):
    """V(S, n) at 40 digits: every stationary point in (1/(n+1), 1/S) that a fine cut shows, and the even law."""
    with mpmath.workdps(40):

        def total(x):
            y = 1 - (S - 1) * x
            return (S - 1) * x * (1 - x) ** n + y * (1 - y) ** n

        def slope(x):
            y = 1 - (S - 1) * x
            return (1 - x) ** (n - 1) * (1 - (n + 1) * x) - (1 - y) ** (n - 1) * (1 - (n + 1) * y)

        best = (1 - mpmath.mpf(1) / S) ** n
        left, right = mpmath.mpf(1) / (n + 1), min(mpmath.mpf(1) / S, mpmath.mpf(2) / (n + 1))
        cuts = [left + (right - left) * i / 300 for i in range(301)]
        for a, b in itertools.pairwise(cuts):
            if slope(a) > 0 >= slope(b):
                for _ in range(110):
                    a, b = ((a + b) / 2, b) if slope((a + b) / 2) > 0 else (a, (a + b) / 2)
                best = max(best, total(a))
        return best


SIZES = [(2, 3), (2, 4), (3, 5), (5, 8), (10, 14), (10, 15), (23, 30), (24, 30), (1000, 1040), (1000, 1100), (7, 10**6)]
SIZES += [(2, 10**12), (3, 10**18), (10**9, 10**9 + 10**3), (10**9, 10**9 + 10**5), (10**9, 2 * 10**9)]


@pytest.mark.parametrize(("S", "n"), SIZES)
def test_fourteen_digits_at_any_size(S, n):
    # Oracle: mpmath, 40 digits
    assert largest_unvisited_mass(S, n)[0] == pytest.approx(float(by_mpmath(S, n)), rel=1e-14, abs=0)


@pytest.mark.parametrize("S", [2, 3, 5, 10, 40])
def test_between_two_closed_forms(S):
    # Oracle: identity, (S-1) phi(n) <= V <= (S-1) phi(n-1) for 2 <= S <= n
    for n in [*range(S, 4 * S), 100 * S, 10**5 * S]:
        value, _ = largest_unvisited_mass(S, n)
        assert (S - 1) * phi(n) <= value * (1 + 1e-14)
        assert value <= (S - 1) * phi(n - 1) * (1 + 1e-14)
    # Without the shift by one the upper form would be false.
    assert largest_unvisited_mass(S, S)[0] > (S - 1) * phi(S) * 1.001


@pytest.mark.parametrize(("S", "n"), [(2, 4), (3, 5), (5, 8), (10, 15)])
def test_where_equal_inputs_stop_being_worst(S, n):
    # Oracle: published, thresholds by brute force over rho
    assert largest_unvisited_mass(S, n - 1)[1] == pytest.approx(1 / S, rel=1e-12, abs=0)
    assert largest_unvisited_mass(S, n)[1] < 1 / S - 1e-3


def test_small_values():
    # Oracle: identity, S = 2: x (1-x) ((1-x)^(n-1) + x^(n-1)), in fractions of u = x (1-x)
    expected = {0: 1, 1: Fraction(1, 2), 2: Fraction(1, 4), 3: Fraction(1, 8), 4: Fraction(1, 12)}
    for n, value in expected.items():  # n = 4: u (1 - 3u) at u = 1/6
        assert largest_unvisited_mass(2, n)[0] == pytest.approx(float(value), rel=1e-15, abs=0)


# --- The risk -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("S", "A", "n"), [(1, 3, 0), (1, 3, 1), (4, 1, 3), (2, 2, 5), (5, 4, 3), (3, 7, 40)])
def test_the_instance_has_the_risk(S, A, n):
    # Oracle: second algorithm, the closed form of CE_ful's risk, in tests/oracles.py
    risk = minimax_soft(S, A, n)
    assert risk.exact
    assert risk.lower == risk.upper
    value = oracles.exact_ce_ful(risk.instance.rho, risk.instance.teacher, n)
    assert value == pytest.approx(risk.lower, rel=1e-13, abs=0)


def game_value(S, A, n, rho):
    """Value of the game for a known rho and Dirac rows: what a student can reach against uniform labels, by an LP.

    Data: which inputs were visited, and with soft labels the visited rows in full. So unvisited rows are all there is
    to choose: a distribution over A labels for each (data, unvisited input); by linear programming over all of them.
    """
    teachers = list(itertools.product(range(A), repeat=S))
    columns: dict = {}
    cost = []
    rows, limits = [], []
    for labels in teachers:
        for visited in itertools.product((False, True), repeat=S):
            # P(visited set), by inclusion and exclusion over its subsets
            p = 0.0
            inside = [s for s in range(S) if visited[s]]
            for size in range(len(inside) + 1):
                for subset in itertools.combinations(inside, size):
                    p += (-1) ** (len(inside) - size) * sum(rho[s] for s in subset) ** n
            seen = tuple(labels[s] if visited[s] else None for s in range(S))
            for s in range(S):
                if not visited[s] and p > 0:
                    key = (seen, s)
                    for a in range(A):
                        columns.setdefault((key, a), len(columns))
                    cost.append((columns[key, labels[s]], p * rho[s] / len(teachers)))
    c = np.zeros(len(columns))
    constant = 0.0
    for column, weight in cost:  # TV to a Dirac is 1 - the probability of its label
        constant += weight
        c[column] -= weight
    for key in {key for key, _ in columns}:
        line = np.zeros(len(columns))
        line[[columns[key, a] for a in range(A)]] = 1.0
        rows.append(line)
        limits.append(1.0)
    found = scipy.optimize.linprog(c, A_eq=np.array(rows), b_eq=limits, bounds=(0, 1))
    return constant + found.fun


@pytest.mark.step("N9.3")
@pytest.mark.parametrize(("S", "A", "n"), [(1, 2, 0), (2, 2, 1), (2, 2, 4), (2, 3, 2), (2, 3, 5), (3, 2, 3)])
def test_no_student_does_better(S, A, n):
    # Oracle: second algorithm, a linear programme over all students that know rho, against Diracs at uniform labels
    risk = minimax_soft(S, A, n)
    assert game_value(S, A, n, risk.instance.rho.tolist()) == pytest.approx(risk.lower, rel=1e-9, abs=0)  # LP tolerance


def test_more_samples_never_hurt_and_the_edges():
    # Oracle: identity, monotonicity in n, S, A
    values = [minimax_soft(6, 3, n).lower for n in range(40)]
    assert all(a > b for a, b in itertools.pairwise(values))
    assert minimax_soft(6, 1, 3).lower == 0.0
    assert minimax_soft(1, 6, 1).lower == 0.0
    assert minimax_soft(1, 6, 0).lower == pytest.approx(5 / 6, rel=1e-15, abs=0)
    assert minimax_soft(5, 3, 7).lower < minimax_soft(6, 3, 7).lower < minimax_soft(6, 4, 7).lower


def test_what_is_refused():
    with pytest.raises(ValueError, match="S is 0"):
        minimax_soft(0, 2, 1)
    with pytest.raises(ValueError, match="n is -1"):
        largest_unvisited_mass(2, -1)
    with pytest.raises(ValueError, match="cells at most"):
        minimax_soft(10**9, 2, 1)


def test_the_result_prints_an_interval_or_a_number():
    exact = minimax_soft(2, 2, 2)
    assert str(exact) == "minimax risk, soft labels, S=2, A=2, n=2: = 0.125 (CE_ful)"
    fields = {f: getattr(exact, f) for f in exact.__dataclass_fields__}
    upper = dataclasses.replace(exact.upper_end, value=0.25)
    open_one = MinimaxRisk(**{**fields, "upper_end": upper, "exact": False})
    assert "in [0.125, 0.25]" in str(open_one)
    with pytest.raises(AttributeError):
        exact.lower = 0.0


# --- Limit constants ------------------------------------------------------------------------------------


@pytest.mark.step("N6.2")
def test_c_inf():
    # Oracle: mpmath, Lambert's function; scipy's too
    q = 2 * mpmath.lambertw(1 / (2 * mpmath.sqrt(mpmath.e)))
    assert pytest.approx(float(q), rel=1e-15, abs=0) == RATIO
    assert pytest.approx(2 * scipy.special.lambertw(0.5 * math.exp(-0.5)).real, rel=1e-15, abs=0) == RATIO
    assert pytest.approx(float(q**2 / (1 + q)), rel=1e-15, abs=0) == C_INF
    x = np.linspace(0, 20, 200001)
    assert np.max(x / (1 + np.exp(x / 2)) ** 2) == pytest.approx(C_INF, rel=1e-8, abs=0)  # grid: off by (1e-4)^2


@pytest.mark.parametrize(
    ("A", "value", "k", "x"),
    [
        (3, 0.183940, 1, 1.000000),
        (4, 0.325728, 2, 1.136159),
        (5, 0.447583, 2, 1.099851),
        (6, 0.620618, 3, 1.185624),
        (10, 1.230307, 6, 1.318303),
        (25, 3.540498, 16, 1.404137),
        (100, 15.118354, 67, 1.462469),
        (1000, 154.087923, 676, 1.476053),
    ],
)
def test_the_table_of_gamma(A, value, k, x):
    # Oracle: published, six printed decimals
    found = gamma(A - 1)
    assert found[0] == pytest.approx(value, abs=6e-7)
    assert found[1] == k
    assert found[2] == pytest.approx(x, abs=6e-7)
    assert minimax_constant("partial", 1, A) == found[0]


@pytest.mark.parametrize("m", [2, 3, 5, 9, 40])
def test_gamma_over_all_k_and_a_grid_of_x(m):
    # Oracle: mpmath, the binomial sum term by term, maximised over all k by golden section
    def mean(k, x):
        u = mpmath.e**-x
        return x * sum(
            mpmath.binomial(k, j) * u**j * (1 - u) ** (k - j) * mpmath.mpf(j * (m - k)) / (j + m - k)
            for j in range(1, k + 1)
        )

    best = 0.0
    for k in range(1, m):
        found = scipy.optimize.minimize_scalar(lambda x, k=k: -float(mean(k, x)), bounds=(0.1, 3), method="bounded")
        best = max(best, -found.fun)
    assert gamma(m)[0] == pytest.approx(best, rel=1e-9, abs=0)  # the bounded search stops at 1e-5 in x
    assert gamma(m)[0] >= best * (1 - 1e-14)


@pytest.mark.step("N7.5")
def test_gamma_of_many_labels():
    # Oracle: limit, gamma_m = c_inf m - q (1-q) / (1+q) + O(1/m)
    assert C_INF * 10**4 - gamma(10**4)[0] == pytest.approx(RATIO * (1 - RATIO) / (1 + RATIO), abs=2e-5)
    assert gamma(0)[0] == gamma(1)[0] == 0.0
    assert gamma(2)[0] == pytest.approx(1 / (2 * math.e), rel=1e-15, abs=0)


def test_the_soft_limit():
    # Oracle: limit, n * minimax -> (1 - 1/A) (S - 1) / e with error 1/(2n)
    for S, A in ((2, 2), (5, 3), (40, 10)):
        limit = minimax_constant("soft", S, A)
        assert minimax_soft(S, A, 10**9).lower * 10**9 == pytest.approx(limit, rel=1e-9, abs=0)
        assert minimax_soft(S, A, 10**9).lower * 10**9 != pytest.approx(limit * S / (S - 1), rel=1e-2, abs=0)


def test_constants_at_the_edges():
    # Oracle: identity, A = 2: partial soft labels are soft labels
    for S in (1, 2, 9):
        assert minimax_constant("partial", S, 2) == pytest.approx(minimax_constant("soft", S, 2), rel=1e-14, abs=0)
        assert all(minimax_constant(protocol, S, 1) == 0 for protocol in ("hard", "partial", "soft"))
    assert minimax_constant("hard", 3, 4) == pytest.approx(math.sqrt(9 / (2 * math.pi)), rel=1e-15, abs=0)
    with pytest.raises(ValueError, match="protocol is 'none'"):
        minimax_constant("none", 2, 2)
