"""Each part of both ends of the minimax risks against its definition, as near as its digits or its promise allow."""

from __future__ import annotations

import dataclasses
import itertools
import math

import mpmath
import numpy as np
import pytest
from scipy import special, stats

from kt_theory import minimax
from kt_theory.exact import add
from kt_theory.minimax import (
    constants,
    hard,
    hard_apart_game,
    hard_game,
    hard_lower,
    hard_row_game,
    hard_upper,
    lists,
    partial,
    told_lower,
    told_upper,
)
from kt_theory.minimax.result import End


def envelope_at(x: np.ndarray, y: np.ndarray, at: float) -> float:
    """The concave envelope of points at a place: the highest chord over it."""
    left, right = x <= at, x > at
    share = (x[right][None] - at) / (x[right][None] - x[left][:, None])
    return float((share * y[left][:, None] + (1 - share) * y[right][None]).max())


# --- Hard labels, the lower end -------------------------------------------------------------------------


@pytest.mark.parametrize("z", [0.02, 0.3, 1.0, 1.5, 5.0, 19.999, 20.0, 20.5, 25.0, 60.0, 1e3, 1e6, 1e12])
def test_what_stirling_leaves_of_a_gamma_function(z: float) -> None:
    # Oracle: mpmath, 40 digits; up to 20 from gammaln, whose rounding is that of numbers near 40
    with mpmath.workdps(40):
        x = mpmath.mpf(z)
        truth = mpmath.loggamma(x) - ((x - 0.5) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2)
    found = float(hard_lower._remainder(np.array(z)))
    assert found == pytest.approx(float(truth), rel=1e-14 if z >= 20 or z < 1 else 5e-12, abs=0)


@pytest.mark.parametrize("y", [1.0, 1.0001, 0.98, 1.0399, 1.0407, 0.9608, 0.9609, 0.5, 3.0, 1e-9, 1e9])
@pytest.mark.parametrize("x", [0.0, 1.0, 7.0, 1e6])
def test_deviances_keep_their_digits(x: float, y: float) -> None:
    # Oracle: mpmath, 60 digits; both sides of where the series ends
    y *= max(x, 1.0)
    with mpmath.workdps(60):
        a, b = mpmath.mpf(x), mpmath.mpf(y)
        truth = (a * mpmath.log(a / b) if x else 0) - a + b
    assert float(hard_lower._deviance(x, y)) == pytest.approx(float(truth), rel=3e-13, abs=0)


@pytest.mark.parametrize(("m", "alpha", "beta"), [(1, 0.7, 1.4), (9, 0.3, 2.0), (50, 31.0, 93.0), (40_000, 25.0, 25.5)])
def test_weights_of_counts_and_peaks_of_posteriors(m: int, alpha: float, beta: float) -> None:
    # Oracle: mpmath, gamma functions in 40 digits; no count and all counts among them
    counts = sorted({0, 1, m // 3, m // 2, m - 1, m})
    x = np.array(counts, dtype=float)
    found = hard_lower._log_beta_binomial(x, float(m), alpha, beta)
    a, b = alpha + x, beta + m - x
    for scale in (0.9, 1.0, 1.05):
        q = np.minimum(scale * a / (a + b), 0.5 + 0.5 * a / (a + b))
        peaks = hard_lower._peak(a, b, q)
        with mpmath.workdps(40):
            for i, k in enumerate(counts):
                A, B, Q = mpmath.mpf(a[i]), mpmath.mpf(b[i]), mpmath.mpf(q[i])
                weight = mpmath.mpf(math.comb(m, k)) * mpmath.beta(A, B) / mpmath.beta(alpha, beta)
                assert found[i] == pytest.approx(float(mpmath.log(weight)), rel=0, abs=1e-11 if m < 1000 else 1e-9)
                truth = Q**A * (1 - Q) ** B / ((A + B) * mpmath.beta(A, B))
                assert peaks[i] == pytest.approx(float(truth), rel=1e-10 if m < 1000 else 1e-8, abs=0)


@pytest.mark.parametrize(("S", "A", "n", "slack"), [(3, 2, 40, 1e-12), (2, 4, 7, 1e-12), (3, 3, 900, 5e-3)])
def test_the_mean_over_the_visits(S: int, A: int, n: int, slack: float) -> None:
    # Oracle: second algorithm, every number of visits by SciPy's binomial law; of runs the last, so never too high
    mean = n / S
    alpha = 0.5 * math.sqrt(mean / (A - 1))
    visits = np.arange(max(0, int(mean - 9 * math.sqrt(mean))), min(n, int(mean + 9 * math.sqrt(mean) + 9)) + 1)
    kept = stats.binom.pmf(visits, n, 1 / S) > 1e-16
    L = np.array(
        [hard_lower._dirichlet(A, int(m), alpha, 0.5) if keep else 0.0 for m, keep in zip(visits, kept, strict=True)]
    )
    truth = float(stats.binom.pmf(visits, n, 1 / S) @ L)
    assert (1 - slack) * truth <= hard_lower._average(S, A, n, alpha, 0.5) <= truth * (1 + 1e-12)


def test_no_data_leaves_the_uniform_row() -> None:
    # Oracle: SciPy, A/2 E|p - 1/A| of a symmetric Dirichlet law, by quadrature of its first marginal
    for A, alpha in ((2, 1.0), (3, 0.6), (5, 2.0)):
        law = stats.beta(alpha, (A - 1) * alpha)
        mad = 2 * law.expect(lambda p, A=A: 1 / A - p, lb=0, ub=1 / A)
        assert hard_lower._dirichlet(A, 0, alpha, 0.3) == pytest.approx(A / 2 * mad, rel=1e-8, abs=0)


@pytest.mark.parametrize(("S", "A", "n"), [(1, 3, 5), (2, 2, 2), (1, 2, 250)])
def test_the_best_prior_is_found(S: int, A: int, n: int) -> None:
    # Oracle: enumeration, a grid of alpha and of the quantile
    m = n / S
    centre = 0.5 * math.sqrt(m / (A - 1))
    best = max(
        hard_lower._average(S, A, n, centre * scale, u) for scale in np.geomspace(0.3, 4, 7) for u in (0.45, 0.5, 0.6)
    )
    found = hard_lower.dirichlet_bound(S, A, n)
    assert found >= best * (1 - 2e-4)
    # One part in 10^9 is given away for rounding, and no more than the grid misses is gained.
    assert found <= best * 1.03


@pytest.mark.parametrize(("S", "A", "n"), [(1, 2, 1), (1, 2, 2), (1, 3, 9), (2, 4, 40), (3, 3, 500), (1, 2, 20_000)])
def test_assouads_bound_is_the_error_of_the_best_tests(S: int, A: int, n: int) -> None:
    # Oracle: enumeration, every number of samples of a pair, the majority's error by SciPy's binomial law, 400 gaps
    share = 2 / (S * (A - A % 2))
    mean = n * share
    m = np.arange(n + 1)
    weight = stats.binom.pmf(m, n, share)
    m, weight = m[weight > 1e-13], weight[weight > 1e-13]
    gaps = np.minimum(np.geomspace(0.2, 3, 400 if n < 1000 else 60) / math.sqrt(max(mean, 1.0)), 1.0)

    def error(D: float) -> float:
        p = (1 - D) / 2  # of the other label; a tie is broken by a coin
        wrong = stats.binom.sf(np.floor(m / 2), m, p) + 0.5 * (m % 2 == 0) * stats.binom.pmf(m // 2, m, p)
        return float(weight @ wrong)

    best = max(float(D) * error(float(D)) for D in [*gaps, 1.0])
    assert best * (1 - 2e-3) <= hard_lower.assouad_bound(S, A, n) <= best * (1 + 2e-4)


def test_assouads_bound_is_left_out_where_a_prior_gives_more() -> None:
    # Oracle: definition, 10^6 samples of a pair of labels
    assert hard_lower.assouad_bound(1, 2, 10**6) > 0
    assert hard_lower.assouad_bound(1, 2, 10**6 + 1) == 0
    assert hard_lower.assouad_bound(1, 3, 10**6) > 0
    assert hard_lower.assouad_bound(2, 3, 2 * 10**6 + 1) == 0


# --- Hard labels, the upper end -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("A", "m", "kappa"),
    [
        (2, 1, 0.5),
        (2, 7, 0.4),
        (3, 40, 0.4),
        (25, 2500, 0.3989),
        (10, 6, 0.25),
        (2, 50_000, 0.4),
        (100, 3, 0.4),
        (4, 2, 0.0),
    ],
)
def test_the_worst_risk_of_a_student_is_a_concave_envelope(A: int, m: int, kappa: float) -> None:
    # Oracle: second algorithm, the highest chord over 1/A of what a label costs, times A, on a grid; promised: 1e-4
    c = kappa * math.sqrt(m / (A - 1))
    p = np.unique(
        np.concatenate((np.sin(np.linspace(0, math.pi / 2, 700)) ** 2, np.linspace(0, 3 / A, 700).clip(0, 1), [1 / A]))
    )
    truth = A * envelope_at(p, add.add_constant_risk(p, m, c, A), 1 / A)
    found = hard_upper.worst_risk(A, m, kappa)
    assert truth * (1 - 1e-12) <= found <= truth * (1 + 3e-4)


@pytest.mark.parametrize(("A", "m", "kappa"), [(3, 40, 0.4), (25, 300, 0.3989), (2, 9, 0.2), (6, 700, 0.4)])
def test_the_worst_risk_is_found_as_near_as_is_asked_for(
    A: int, m: int, kappa: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Oracle: second algorithm, the Lagrangian of the multiplier that is used, on a grid refined at its top; 1e-8
    slopes, right = [], hard_upper._corners

    def corners(*of):
        slopes.append(right(*of)[0])
        return right(*of)

    monkeypatch.setattr(hard_upper, "_corners", corners)
    found = hard_upper._worst_risk.__wrapped__(A, m, kappa, 1e-8)
    c, v = kappa * math.sqrt(m / (A - 1)), slopes[-1]
    p = np.sin(np.linspace(0, math.pi / 2, 3000)) ** 2
    for _ in range(4):
        gain = add.add_constant_risk(p, m, c, A) - v * p
        tops = np.argsort(-gain)[:6].tolist()
        p = np.unique(np.concatenate([np.linspace(p[max(i - 1, 0)], p[min(i + 1, p.size - 1)], 40) for i in tops]))
    truth = v + A * float((add.add_constant_risk(p, m, c, A) - v * p).max())
    assert truth * (1 - 1e-12) <= found <= truth * (1 + 3e-8)


@pytest.mark.parametrize(("S", "A", "n"), [(1, 2, 1), (3, 5, 7), (1, 2, 10**12), (10**3, 7, 10**5), (2, 2, 0)])
def test_the_bound_of_the_frequencies_is_its_formula_rounded_up(S: int, A: int, n: int) -> None:
    # Oracle: mpmath, 40 digits
    with mpmath.workdps(40):
        main = mpmath.sqrt(mpmath.mpf(S) * (A - 1) / (2 * mpmath.pi * (n + 1)))
        truth = main + S * (mpmath.mpf(A) / 2 + mpmath.mpf(1) / 16) / (n + 1)
    assert float(truth) < hard_upper.frequencies_bound(S, A, n) < float(truth) * (1 + 5e-15)


@pytest.mark.parametrize(
    ("size", "student"),
    [
        ((5, 2000, 3), "uniform"),
        ((2, 10**6, 4 * 10**6), "CE_sgl"),
        ((1, 2, 10**9), "CE_sgl"),
        ((50, 2000, 10**7), "CE_sgl"),
        ((3, 4, 60), "CE_sgl"),
    ],
)
def test_the_least_of_the_upper_ends_in_closed_form(
    size: tuple[int, int, int], student: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Oracle: arithmetic, three bounds typed anew, without the searches for the worst risk of a student
    S, A, n = size
    monkeypatch.setattr(hard_upper, "_inputs_apart", lambda *_: 2.0)
    monkeypatch.setattr(hard_upper, "_one_input", lambda *_: [])
    joint = 0.5 * (math.sqrt((S - 1) / n) + math.sqrt((S * A - 1) / n))
    means = math.sqrt(S * (A - 1) / (2 * math.pi * (n + 1))) + S * (A / 2 + 1 / 16) / (n + 1)
    found = hard_upper.least_upper(*size)
    assert found.value == pytest.approx(min(1 - 1 / A, joint, means), rel=1e-13, abs=0)
    assert (found.student, found.grade) == (student, "proved")
    assert found.kappa == (math.inf if student == "uniform" else 0.0)


@pytest.mark.parametrize(("A", "n"), [(2, 6), (5, 40)])
def test_the_best_added_constant_is_found(A: int, n: int) -> None:
    # Oracle: enumeration, a grid of factors
    ends = hard_upper._one_input(A, n)
    best = min(hard_upper.worst_risk(A, n, k) for k in np.linspace(0.25, 0.8, 23))
    assert ends[0].value == hard_upper.worst_risk(A, n, 0.4)
    assert ends[1].value == hard_upper.worst_risk(A, n, ends[1].kappa) <= best * (1 + 2e-3)
    assert f"add {ends[1].kappa} sqrt" in ends[1].student
    assert hard_upper._one_input(1001, 1)[1].kappa == 0.3989


def test_statements_of_wide_laws_are_estimated() -> None:
    # Oracle: definition, a variance of 10^5 at p = 1/2
    assert hard_upper._said("x", 4 * 10**5 - 1) == ("x", "proved")
    text, grade = hard_upper._said("x", 4 * 10**5)
    assert (text[:6], grade) == ("x and ", "estimated")


@pytest.mark.parametrize("m", [5, 401, 10**6, 10**8])
def test_distribution_functions_at_and_beyond_their_ends(m: int) -> None:
    # Oracle: second algorithm, the incomplete beta function; before the first count 0, from the last on 1
    p = np.array([1e-3, 0.2, 0.5, 0.77, 0.999])
    sd = np.sqrt(m * p * (1 - p))
    for z in (-30, -9.9, -3, -0.4, 0.0, 1.1, 9.9, 30):
        k = np.floor(m * p + z * sd)
        inside = (k >= 0) & (k < m)
        known = np.where(k < 0, 0.0, 1.0)
        known[inside] = special.betaincc(k[inside] + 1, m - k[inside], p[inside])
        np.testing.assert_allclose(hard_upper._below(k, m, p), known, rtol=0, atol=2e-7 if m >= 10**6 else 1e-12)


@pytest.mark.parametrize(("S", "A", "n"), [(2, 3, 12), (3, 2, 9), (5, 2, 30)])
def test_inputs_apart_are_a_concave_envelope(S: int, A: int, n: int) -> None:
    # Oracle: second algorithm, the highest chord over 1/S of r E V(Bin(n, r)), times S, on a grid; the promise is 1e-3
    V = [1 - 1 / A]
    for m in range(1, n + 1):
        ends = (
            hard_upper.worst_risk(A, m),
            math.sqrt((A - 1) / m) / 2,
            math.sqrt((A - 1) / (2 * math.pi * m)) + A / (2 * m),
        )
        V.append(min(V[-1], *ends))
    r = np.unique(np.append(np.linspace(0, 1, 801), 1 / S))
    y = r * (stats.binom.pmf(np.arange(n + 1), n, r[:, None]) @ np.array(V))
    truth = S * envelope_at(r, y, 1 / S)
    assert truth * (1 - 1e-9) <= hard_upper._inputs_apart(S, A, n) <= truth * (1 + 2e-3)


@pytest.mark.parametrize(("centre", "step", "low", "high"), [(5.0, 0.01, 1, 40), (0.25, 1e-3, 1e-6, 1.0)])
def test_points_are_dense_around_their_centre(centre: float, step: float, low: float, high: float) -> None:
    # Oracle: definition, neighbours at the distance t are step + t^2/40 apart, in logarithms, t being the nearer one's
    points = hard_upper._spread(centre, step, low, high)
    assert (points[0], points[-1]) == (low, high)
    assert centre in points
    logs = np.log(points / centre)[1:-1]
    t = np.minimum(np.abs(logs[1:]), np.abs(logs[:-1]))
    np.testing.assert_allclose(np.diff(logs), step + t**2 / 40, rtol=1e-9)


# --- Hard labels, games ---------------------------------------------------------------------------------


def test_which_games_are_in_reach() -> None:
    # Oracle: enumeration, tables of counts C(n + SA - 1, n) up to 300, or two cells and 50 samples
    for S, A in itertools.product((1, 2, 3), (2, 3, 4, 5)):
        for n in (*range(1, 60), 298, 299, 300, 1000, 1001):
            tables = math.comb(n + S * A - 1, n)
            assert hard_game.in_reach(S, A, n) == (S * A <= 4 and n <= 1000 and tables <= 300), (S, A, n)
    most = {n: hard_row_game.most_labels(n) for n in range(8)}
    assert most == {0: 0, 1: 30, 2: 30, 3: 26, 4: 20, 5: 16, 6: 13, 7: 0}
    reach = {n: [A for A in range(1, 33) if hard_row_game.in_reach(1, A, n)] for n in range(8)}
    assert {n: (found[0], found[-1]) for n, found in reach.items() if found} == {
        1: (5, 30), 2: (5, 30), 3: (5, 26), 4: (5, 20), 5: (6, 16), 6: (7, 13),
    }  # fmt: skip
    apart = {
        (S, n): [A for A in range(1, 40) if hard_apart_game.in_reach(S, A, n)]
        for S in range(1, 10)
        for n in range(1, 6)
    }
    assert {at for at, found in apart.items() if found} == set(itertools.product(range(2, 9), range(1, 5)))
    assert {n: (apart[2, n][0], apart[2, n][-1]) for n in range(1, 5)} == {1: (2, 20), 2: (2, 10), 3: (2, 6), 4: (2, 5)}


def test_a_game_goes_on_until_it_is_closed_enough() -> None:
    # Oracle: definition, 1e-5 in the first four rounds and of two cells, 1e-3 after them
    two, three = hard_game.Game(1, 2, 1), hard_game.Game(1, 3, 1)
    assert [hard_game._wanted(turn, two) for turn in (0, 3, 4, 19)] == [1e-5] * 4
    assert [hard_game._wanted(turn, three) for turn in (0, 3, 4, 19)] == [1e-5, 1e-5, 1e-3, 1e-3]


@pytest.mark.parametrize(("S", "A", "n"), [(1, 2, 4), (1, 3, 3), (2, 2, 2)])
def test_laws_of_tables_and_risks_of_rules(S: int, A: int, n: int) -> None:
    # Oracle: enumeration, every sequence of cells; a rule that is drawn at random, rows without mass among the teachers
    rng = np.random.default_rng([S, A, n])
    game = hard_game.Game(S, A, n)
    w = rng.dirichlet(np.full(S * A, 0.7), size=3).reshape(3, S, A)
    w[2, 0] = [1.0, *[0.0] * (A - 1)] if S == 1 else 0.0
    w[2] /= w[2].sum()
    rule = rng.random(game.entries)
    for theta in w:
        total, chances = 0.0, np.zeros(len(game.tables))
        for drawn in itertools.product(range(S * A), repeat=n):
            counts = np.bincount(drawn, minlength=S * A).reshape(S, A)
            i = next(i for i, table in enumerate(game.tables) if (table == counts).all())
            chance = float(np.prod(theta.ravel()[list(drawn)]))
            chances[i] += chance
            for s in range(S):
                q = rule[game.entry[i, s]]
                total += chance * 0.5 * float(np.abs(theta[s] - theta[s].sum() * q / q.sum()).sum())
        assert game.laws(theta[None])[0] == pytest.approx(chances, rel=1e-12, abs=1e-15)
        assert game.risk(rule, theta[None])[0] == pytest.approx(total, rel=1e-12, abs=1e-15)
        # What the linear program minimises, at the same rule scaled to laws.
        laws = rule.copy()
        for row in game.rows:
            laws[list(set(row))] = rule[list(set(row))] / rule[list(row)].sum()
        loss = game._loss(theta, game.laws(theta[None])[0])
        linear = loss.constant + loss.linear @ laws + loss.weight @ np.maximum(loss.bar - laws[loss.entry], 0.0)
        assert linear == pytest.approx(total, rel=1e-9, abs=1e-9)


def test_grids_of_teachers_are_all_up_to_order() -> None:
    # Oracle: enumeration, every joint table of whole numbers of steps, its labels sorted, its inputs sorted
    assert sorted(hard_game._compositions(3, 2)) == [(0, 3), (1, 2), (2, 1), (3, 0)]
    for parts, cells in itertools.product((1, 4, 7), (1, 2, 3)):
        every = set(itertools.product(range(parts + 1), repeat=cells))
        assert set(hard_game._compositions(parts, cells)) == {c for c in every if sum(c) == parts}
        assert list(hard_game._partitions(parts, cells)) == sorted({tuple(sorted(c)) for c in every if sum(c) == parts})
    grid = hard_game.Game(2, 2, 1).grid(4)
    assert len(grid) == 3 * 3 * 3
    assert grid.sum(axis=(1, 2)) == pytest.approx(1, rel=1e-15, abs=0)
    assert {tuple(np.round(w.sum(axis=1), 9)) for w in grid} == {(0, 1), (0.25, 0.75), (0.5, 0.5)}


def test_the_worst_teacher_tried_for_a_student() -> None:
    # Oracle: enumeration, the same student at rows of one heavy label and of equal ones, by add_constant_risk
    for S, A, n, kappa in ((1, 3, 4, 0.4), (2, 5, 60, 0.3), (1, 4, 9, 0.0), (3, 4, 9, math.inf)):
        m = max(1, round(n / S))

        def risk(row: np.ndarray) -> float:
            if math.isinf(kappa):  # noqa: B023
                return 0.5 * float(np.abs(row - 1 / A).sum())  # noqa: B023
            return float(add.add_constant_risk(row, m, kappa * math.sqrt(m / (A - 1)), A).sum())  # noqa: B023

        rows = [np.append(np.full(A - 1, x / (A - 1)), 1 - x) for x in np.linspace(0, 1 - 1 / A, 25)]
        rows += [np.append(np.zeros(A - k), np.full(k, 1 / k)) for k in (1, 2, A // 2, A - 1) if k]
        found = hard._worst_tried(S, A, n, kappa)
        assert found.rho == pytest.approx(np.full(S, 1 / S), rel=1e-15, abs=0)
        assert (found.teacher == found.teacher[0]).all()
        assert risk(found.teacher[0]) == pytest.approx(max(map(risk, rows)), rel=1e-12, abs=0)


# --- Lists ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "A", "n"), [(1, 4, 3), (2, 9, 1), (3, 12, 40), (1, 30, 200)])
def test_what_lists_cost_and_the_most_above_a_line(k: int, A: int, n: int) -> None:
    # Oracle: definition, all m and a fine grid of masses
    rows = lists.Rows(k, A, n)
    m = np.arange(1, A + 1)
    alpha, beta = 1 - m / A, np.maximum(m - k, 0) / m * (1 - np.maximum(m - k, 0) / (A - k))
    r = np.unique(np.concatenate((np.linspace(0, 1, 4001), np.linspace(0, 4 / (n + 1), 4001).clip(0, 1))))
    f = (r[:, None] * (alpha * (1 - r[:, None]) ** n + beta * (1 - (1 - r[:, None]) ** n))).max(axis=1)
    assert [float(rows.costs(float(x)).max()) for x in r[::97]] == pytest.approx(f[::97].tolist(), rel=1e-11, abs=1e-15)
    assert rows.floor == pytest.approx(beta.max(), rel=1e-14, abs=0)
    for x in (0.01, 0.5 / (n + 1), 2 / (n + 1), 0.9, 1.0):
        of = x * (alpha * (1 - x) ** n + beta * (1 - (1 - x) ** n))
        assert of[rows.worst(x) - 1] == pytest.approx(of.max(), rel=1e-12, abs=0)
    for end, multiplier in itertools.product((0.5, 1.0), (0.0, 0.1, 0.5 * rows.floor, rows.floor, 0.9)):
        above = (f - multiplier * r)[r <= end].max()
        found = rows.most(multiplier, end)
        assert above * (1 - 1e-12) <= found <= above * (1 + 1e-5) + 2e-8, (end, multiplier)


@pytest.mark.parametrize(("k", "S", "A", "n"), [(1, 2, 3, 1), (1, 3, 5, 20), (3, 10, 10, 40)])
def test_both_ends_of_lists_are_the_best_of_their_kind(k: int, S: int, A: int, n: int) -> None:
    # Oracle: enumeration, a grid of masses of the light inputs; a grid of multipliers
    rows = lists.Rows(k, A, n)
    masses = np.linspace(0, 1 / S, 80)
    best = max(lists._total(rows, S, float(x)) for x in masses)
    light = lists._worst_light_mass(rows, S)
    assert best * (1 - 1e-12) <= lists._total(rows, S, light) <= best * (1 + 2e-2)
    bound = min(v + (S - 1) * rows.most(v, 0.5) + rows.most(v, 1.0) for v in np.linspace(0, 1, 31).tolist())
    assert bound * (1 - 5e-2) <= lists._dual(rows, S) <= bound * (1 + 1e-12)


# --- Partial labels, constants --------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 10, 77, 10**4, 10**9])
def test_the_worst_cell(n: int) -> None:
    # Oracle: mpmath, golden section in 30 digits of one peak
    with mpmath.workdps(30):

        def value(w: mpmath.mpf) -> mpmath.mpf:
            return w / (1 + (1 - w) ** (-mpmath.mpf(n) / 2)) ** 2

        low, high, ratio = mpmath.mpf(0), min(mpmath.mpf(1), mpmath.mpf(8) / n), (mpmath.sqrt(5) - 1) / 2
        for _ in range(70):
            left, right = high - ratio * (high - low), low + ratio * (high - low)
            low, high = (left, high) if value(left) < value(right) else (low, right)
        truth = float(value(low if low > 0 else high))
    assert partial._worst_cell(n) == pytest.approx(truth, rel=1e-13, abs=0)


@pytest.mark.parametrize("v", [1e-6, 0.01, 0.3, 0.75, 0.999999, 1.0, 2.5])
def test_the_curve_of_many_labels(v: float) -> None:
    # Oracle: mpmath, the largest of 1 / (e^(v/k) + k/(1-k)) over k in 30 digits; c_inf / v from v = 1 on
    with mpmath.workdps(30):
        q = 2 * mpmath.lambertw(1 / (2 * mpmath.sqrt(mpmath.e)))
        truth = q**2 / (1 + q) / v
        if v < 1:

            def value(k: mpmath.mpf) -> mpmath.mpf:
                return 1 / (mpmath.exp(v / k) + k / (1 - k))

            low, high, ratio = mpmath.mpf("1e-9"), mpmath.mpf(1) - mpmath.mpf("1e-9"), (mpmath.sqrt(5) - 1) / 2
            for _ in range(100):
                left, right = high - ratio * (high - low), low + ratio * (high - low)
                low, high = (left, high) if value(left) < value(right) else (low, right)
            truth = value(low)
    assert constants.curve(v) == pytest.approx(float(truth), rel=2e-14, abs=0)


@pytest.mark.parametrize("m", [2, 3, 4, 7, 12, 40])
def test_gamma_is_the_best_number_of_light_labels(m: int) -> None:
    # Oracle: enumeration, every number of light labels, rates by steps of 1/2000, SciPy's binomial law
    x = np.linspace(0.5, 2, 3001 if m < 10 else 301)
    best = 0.0
    for k in range(1, m):
        j = np.arange(k + 1)
        law = stats.binom.pmf(j, k, np.exp(-x)[:, None])
        best = max(best, float((x * (law @ (j * (m - k) / (j + m - k)))).max()))
    found, k, rate = constants.gamma(m)
    assert best * (1 - 1e-14) <= found <= best * (1 + 2e-6)
    j = np.arange(k + 1)
    assert found == pytest.approx(
        rate * float(stats.binom.pmf(j, k, math.exp(-rate)) @ (j * (m - k) / (j + m - k))), rel=1e-12, abs=0
    )


@pytest.mark.parametrize(("k", "u"), [(0, 0.3), (1, 0.5), (7, 0.05), (30, 0.6), (400, 0.24)])
def test_a_binomial_law_from_its_mode_outwards(k: int, u: float) -> None:
    # Oracle: SciPy
    assert constants._binomial(k, u) == pytest.approx(stats.binom.pmf(np.arange(k + 1), k, u), rel=1e-10, abs=1e-290)


def test_limits_of_lists_that_may_name_a_label() -> None:
    # Oracle: arithmetic, sqrt(S (A-k)(A-k-1) / (2 pi A)); 0 of a list of all labels but one
    for k, S, A in ((1, 2, 5), (3, 1, 9), (4, 3, 5), (9, 2, 5)):
        truth = math.sqrt(S * (A - k) * (A - k - 1) / (2 * math.pi * A)) if k < A else 0.0
        assert constants.minimax_constant(f"top_k_label:{k}", S, A) == pytest.approx(truth, rel=1e-14, abs=0)


# --- Lists and draws ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "r"), [(50, 0.3), (3000, 0.4), (10**5, 0.9), (7, 1.0), (9, 0.01)])
def test_blocks_of_visits(n: int, r: float) -> None:
    # Oracle: SciPy's binomial law of each block; one by one up to 100, a hundredth wide beyond
    visits = told_lower.Visits(1, 2, 6, n)
    starts, ends, chances = visits.blocks(r)
    assert (starts[1:] == ends[:-1] + 1).all()
    known = stats.binom.cdf(ends, n, r) - stats.binom.cdf(starts - 1, n, r)
    np.testing.assert_allclose(chances, known, rtol=1e-9, atol=1e-13)
    assert chances.sum() == pytest.approx(1 - (1 - r) ** n, rel=1e-12, abs=0)
    wide = (ends - starts + 1)[:-1]
    assert (wide == np.where(starts[:-1] < 100, 1, starts[:-1] // 100)).all()
    assert visits.never(r) == pytest.approx((1 - r) ** n, rel=1e-12, abs=0)


def test_the_labels_that_a_list_lacks() -> None:
    # Oracle: enumeration of rows: the label with the rest is the likeliest, so that it is on a list of one or more
    for K, k, equal in itertools.product(range(4), range(1, 6), (True, False)):
        visits = told_lower.Visits(K, 1, 9, 5)
        row = sorted([0.1] * k + ([] if equal else [1.0]), reverse=True)
        assert visits.unlisted(k, equal) == sum(x == 0.1 for x in row[K:]), (K, k, equal)
    visits, x = told_lower.Visits(1, 1, 6, 3), 0.2
    for k in (1, 3, 5):
        row = np.append([x] * k, [1 - k * x, *[0.0] * (5 - k)])
        assert visits.start(k, x) == pytest.approx(0.5 * np.abs(row - 1 / 6).sum(), rel=1e-14, abs=0)
        assert told_lower.Row(0.0, k, x).labels(6) == pytest.approx(row, rel=1e-15, abs=0)
    assert told_lower.Row(0.0, 5, 0.2).equal
    assert not told_lower.Row(0.0, 4, 0.2).equal


@pytest.mark.parametrize(("n", "a", "b"), [(1, 0.0, 1.0), (9, 0.02, 0.4), (40, 0.3, 0.3), (1000, 0.0, 1e-4)])
@pytest.mark.parametrize("q", [0.0, 0.3, 1.0])
def test_the_largest_mass_without_a_hit(n: int, a: float, b: float, q: float) -> None:
    # Oracle: enumeration, a fine grid of masses
    r = np.linspace(a, b, 20_001)
    best = float((r * (1 - r * q) ** n).max())
    with np.errstate(divide="ignore", invalid="ignore"):
        found = float(told_upper._largest(n, a, b, q))
    assert best * (1 - 1e-12) <= found <= best * (1 + 1e-5)


def test_numbers_of_visits_are_shortened_to_two_digits() -> None:
    # Oracle: arithmetic
    given = [1, 9, 10, 99, 100, 109, 110, 12_345, 999_999]
    assert [told_upper._shortened(N) for N in given] == [1, 9, 10, 99, 100, 100, 110, 12_000, 990_000]


@pytest.mark.parametrize(("K", "A", "draws"), [(1, 6, 3), (3, 9, 1), (2, 7, 50), (1, 12, 10**4), (5, 8, 2)])
def test_what_a_visited_input_costs_at_most(K: int, A: int, draws: int) -> None:
    # Oracle: arithmetic, the four bounds typed anew
    w = np.linspace(0, 1 / (K + 1), 20_001)
    seldom = float(((A - K - 1) * w * (1 - w) ** draws).max())
    floor = max((m - K) / m * (1 - (m - K) / (A - K)) for m in range(K + 1, A + 1))
    rest = (partial.proved_upper(1, A, draws), constants.C_INF * (A - K) / draws, floor, seldom)
    found = told_upper._one_input.__wrapped__(K, A, draws)
    assert min(rest) * (1 - 1e-12) <= found <= min(rest) * (1 + 1e-6)


def test_cells_that_may_hold_a_maximum() -> None:
    # Oracle: definition, by hand: of the ranks that reach cell i, those cells up to i above the best point up to i
    cells, points = np.array([1.0, 3.0, 2.0, 2.5]), np.array([0.5, 2.0, 1.9, 1.0])
    assert told_upper.undecided(cells, points, np.array([0, 0, 0, 1])).tolist() == [1, 3]
    assert told_upper.undecided(cells, points, np.array([1, 0, 0, 0])).tolist() == [0]
    assert told_upper.undecided(cells, points, np.array([0, 1, 0, 0])).tolist() == [1]
    assert told_upper.undecided(points, points, np.array([1, 1, 1, 1])).tolist() == []


@pytest.mark.parametrize(
    ("K", "M", "A", "n", "r", "most"),
    [(0, 1, 40, 30, 1.0, 1.2), (3, 1, 60, 50, 0.4, 1.3), (0, 1, 30, 9, 0.1, 1.1), (2, 2, 8, 6, 0.2, 1.9)],
)
def test_the_bound_of_an_input_is_near_its_cost(K: int, M: int, A: int, n: int, r: float, most: float) -> None:
    # Oracle: the exact cost of the worst row found: the bound is 2 to 15 percent above for tens of labels and more
    visits = told_lower.Visits(K, M, A, n)
    cost = visits.polished(r, visits.rough(r)).cost
    bound = told_upper.input_bound(visits, r)
    assert cost <= bound <= most * cost
    assert told_upper.input_bound(visits, 0.0) == 1 - 1 / A


# --- What is made of the parts --------------------------------------------------------------------------


def test_a_game_is_lowered_by_what_its_solver_may_be_off() -> None:
    # Oracle: closed form, 1/4 for one draw of two labels; the promise is 1e-8, at tolerances of 1e-9
    lower, upper, rho, teacher = hard_game.solve(1, 2, 1)
    assert 0.25 - 1.2e-8 <= lower <= 0.25 - 0.8e-8
    assert 0.25 <= upper <= 0.25 * (1 + 1e-5)
    assert (rho.shape, teacher.sum()) == ((1,), pytest.approx(1, rel=1e-12, abs=0))


@pytest.mark.parametrize(
    ("dirichlet", "assouad", "one", "game", "said", "grade"),
    [
        (0.3, 0.2, 0.1, 0.1, "Dirichlet prior", "proved"),
        (0.2, 0.3, 0.1, 0.1, "pairs of labels", "proved"),
        (0.2, 0.1, 0.3, 0.1, "a linear program for one of 2 equally likely inputs, A=5", "estimated"),
        (0.2, 0.1, 0.1, 0.3, "a linear program for S=1, A=5, which is a part", "estimated"),
        (0.3, 0.3, 0.3, 0.3, "Dirichlet prior", "proved"),
        (0.2, 0.3, 0.3, 0.3, "pairs of labels", "proved"),
    ],
)
def test_the_largest_of_the_lower_ends_is_taken(
    dirichlet: float, assouad: float, one: float, game: float, said: str, grade: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Oracle: definition, the largest; of equal ones the first, which is proved
    monkeypatch.setattr(hard, "dirichlet_bound", lambda *_: dirichlet)
    monkeypatch.setattr(hard, "assouad_bound", lambda *_: assouad)
    monkeypatch.setattr(hard, "_one_of", lambda *_: one)
    monkeypatch.setattr(hard, "worst_risk", lambda *_: 1.0)
    monkeypatch.setattr(hard, "frequencies_bound", lambda *_: 1.0)
    asked = []
    monkeypatch.setattr(hard, "_game", lambda *place: asked.append(place[:3]) or (game,))
    found = hard._lower(2, 5, 2, None)
    assert (found.value, found.grade) == (max(dirichlet, assouad, one, game), grade)
    assert found.statement.startswith(said)
    assert asked == [(1, 5, 2), (1, 4, 2), (1, 3, 2), (2, 2, 2)]
    # Parts that cannot be better are left out: all of them where the uniform student of two labels costs less.
    asked.clear()
    monkeypatch.setattr(hard, "dirichlet_bound", lambda *_: 0.9)
    assert hard._lower(2, 5, 2, None).value == 0.9
    assert not asked
    # One input is no part of itself, and after many samples no game is in reach.
    monkeypatch.setattr(hard, "dirichlet_bound", lambda *_: 0.0)
    hard._lower(1, 4, 2, None)
    assert asked == [(1, 3, 2)]
    asked.clear()
    hard._lower(2, 5, 2000, None)
    assert not asked


@pytest.mark.parametrize(("n", "taken"), [(0, False), (1, True), (5, True), (6, False), (7, False)])
def test_partial_labels_bound_hard_ones_where_samples_are_few(
    n: int, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Oracle: definition, 0 < n < S A
    low, high = (End(value, "x", "proved") for value in (0.2, 0.3))
    here = minimax.minimax_soft(2, 3, 4)
    monkeypatch.setattr(
        minimax,
        "minimax_hard",
        lambda S, A, n, shown: dataclasses.replace(here, protocol="hard", n=n, lower_end=low, upper_end=high),
    )
    monkeypatch.setattr(minimax, "minimax_partial", lambda S, A, n: dataclasses.replace(here, lower_end=high))
    found = minimax.minimax_risk("hard", 2, 3, n)
    assert (found.lower, "SEL_ptl" in found.lower_end.statement) == ((0.3, True) if taken else (0.2, False))
    monkeypatch.setattr(minimax, "minimax_partial", lambda S, A, n: dataclasses.replace(here, lower_end=low))
    assert minimax.minimax_risk("hard", 2, 3, n).lower_end is low


def test_a_game_that_is_not_closed_is_held_against_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: definition, a relative gap of 1e-3, and the least of the upper ends
    rho, row = np.ones(1), np.array([[0.4, 0.6]])
    upper = hard_upper.Upper(0.35, "CE_sgl", "means", "proved", 0.0)
    monkeypatch.setattr(hard, "_lower", lambda *_: End(0.25, "prior", "proved"))
    monkeypatch.setattr(hard, "least_upper", lambda *_: upper)
    for game, low, high, student in (
        ((0.3, 0.3002), 0.3, 0.3002, "linear program"),
        ((0.2, 0.2002), 0.2, 0.2002, "linear program"),
        ((0.3, 0.34), 0.3, 0.34, "linear program"),
        ((0.2, 0.34), 0.25, 0.34, "linear program"),
        ((0.2, 0.4), 0.25, 0.35, "CE_sgl"),
    ):
        monkeypatch.setattr(hard, "_game", lambda *_, game=game: (*game, rho, row))
        found = hard.minimax_hard(1, 2, 3)
        assert (found.lower, found.upper, found.student, found.exact) == (low, high, student, False)
    assert hard.CLOSED == 1e-3


@pytest.mark.parametrize("off", [-4, 4])
def test_a_row_is_polished_from_either_side(off: int) -> None:
    # Oracle: enumeration of the numbers of equal labels; a step of the light mass either way
    visits = told_lower.Visits(0, 1, 30, 12)
    best = max((visits.exact(1.0, k, 1 / k) for k in range(1, 30)), key=lambda row: row.cost)
    start = told_lower.Row(0.0, best.k + off, 1 / (best.k + off))
    assert visits.polished(1.0, start) == best
    mixed = visits.polished(0.3, told_lower.Row(0.0, 5, 0.09))
    for scale in (0.5, 0.8, 1.25, 1.6):
        again = visits.polished(0.3, told_lower.Row(0.0, mixed.k, min(mixed.x * scale, 1 / (mixed.k + 1))))
        assert again.cost == pytest.approx(mixed.cost, rel=1e-4, abs=0)


@pytest.mark.parametrize(("K", "M", "A", "n", "a", "b"), [(1, 2, 7, 40, 0.1, 0.3), (0, 3, 9, 500, 0.0, 0.2)])
def test_the_bound_of_an_input_between_two_masses_is_its_formula(
    K: int, M: int, A: int, n: int, a: float, b: float
) -> None:
    # Oracle: arithmetic, no visit by a grid of masses, and c_inf (A-K) E[r / (N+1); N >= 1] by SciPy's binomial law
    found = told_upper.mass_bound(told_lower.Visits(K, M, A, n), a, b)
    r = np.linspace(a, b, 200_001)
    never = (1 - 1 / A) * float((r * (1 - r) ** n).max())
    N = np.arange(1, n + 1)
    share = b * float(stats.binom.pmf(N, n, b) @ (1 / (N + 1)))
    seen = max(told_upper.window(n, a)[0], 1) if a > 0 else 1
    truth = never + constants.C_INF * (A - K) / M * (1 + 1 / seen) * share
    assert truth * (1 - 1e-12) <= found <= truth * (1 + 1e-9 / 4)
