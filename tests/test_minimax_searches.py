"""Each search behind the minimax risks against a grid, and each part that it adds up against its definition."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import special

from kt_theory.exact.sel import family_risk
from kt_theory.minimax import (
    constants,
    hard,
    hard_apart_game,
    hard_lower,
    hard_upper,
    lists,
    partial,
    told,
    told_lower,
    told_upper,
)
from kt_theory.minimax.result import End
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.protocols.protocol import resolve_protocol

# --- Partial labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("S", "n"), [(2, 2), (2, 3), (2, 9), (3, 3), (3, 7), (5, 40), (10, 12), (4, 10**6)])
def test_where_the_unvisited_mass_is_largest(S: int, n: int) -> None:
    # Oracle: mpmath, the root of the derivative in x of (S-1) x (1-x)^n + y (1-y)^n, y = 1 - (S-1) x, in 40 digits
    value, x = largest_unvisited_mass(S, n)
    with mpmath.workdps(40):

        def total(x: mpmath.mpf) -> mpmath.mpf:
            y = 1 - (S - 1) * x
            return (S - 1) * x * (1 - x) ** n + y * (1 - y) ** n

        def slope(x: mpmath.mpf) -> mpmath.mpf:
            y = 1 - (S - 1) * x
            return (1 - x) ** (n - 1) * (1 - (n + 1) * x) - (1 - y) ** (n - 1) * (1 - (n + 1) * y)

        near = (x * (1 - 1e-5), x * (1 + 1e-5))
        root = mpmath.findroot(slope, near, solver="anderson") if x < 1 / S else mpmath.mpf(1) / S
        truth = total(root)
        best = max(total(mpmath.mpf(k) / (200 * S)) for k in range(201))
    assert value == pytest.approx(float(truth), rel=1e-13, abs=0)
    assert x == pytest.approx(float(root), rel=1e-9, abs=0)
    assert value >= float(best) * (1 - 1e-13)


@pytest.mark.parametrize(("S", "apart"), [(2, 0.1), (3, 0.05), (5, 0.03), (6, 0.2)])
def test_splits_of_the_inputs_are_the_best_of_a_table(S: int, apart: float) -> None:
    # Oracle: enumeration, for every number of light inputs all pairs of masses, one by one
    rng = np.random.default_rng(S)
    grid = np.unique(np.append(np.linspace(0, 1, 41), rng.random(9)))
    g = np.sqrt(grid) * np.exp(-3 * grid) * (1 + 0.02 * rng.random(grid.size)) * (grid > 0)
    inner = [(float(r), float(v)) for r, v in zip(grid, g, strict=True) if 0 < r <= 1 / (S - 1)]
    found = []
    for a in range(math.ceil((S - 1) / 2 - 0.5), S):
        b, best = S - 1 - a, (-1.0, a, 0.0, 0.0)
        for (r1, v1), (r2, v2) in itertools.product(inner, repeat=2):
            rest = 1 - a * r1 - b * r2
            if rest >= -1e-15 and (not b or abs(r1 - r2) >= apart):
                best = max(best, (a * v1 + b * v2 + float(np.interp(rest, grid, g)), a, r1, r2), key=lambda x: x[0])
        if a in {round(x) for x in np.linspace(S - 1, (S - 1) / 2, S)}:
            found.append(best)
    found.sort(reverse=True)
    wanted = [(a, r1) for value, a, r1, _ in found[:4] if value > found[0][0] * (1 - 1e-3)]
    splits = partial._splits(S, grid, g, apart)
    assert [(a, r1) for a, r1, _ in splits] == wanted
    for a, r1, r2 in splits:  # of one kind only, the second mass stands for nothing
        assert a == S - 1 or (a, r1, r2) in [of[1:] for of in found]


@pytest.mark.parametrize(("high", "peak"), [(1, 1), (2, 2), (9, 1), (9, 9), (1000, 1), (1000, 617), (1000, 1000)])
def test_a_climb_finds_the_top_in_few_steps(high: int, peak: int) -> None:
    # Oracle: definition, rows whose value has one peak; from anywhere
    asked = []

    def row(k: int) -> partial.LightRow:
        assert 1 <= k <= high
        asked.append(k)
        return partial.LightRow(-abs(k - peak) / high, 1.0, k, 0.0)

    assert partial._climb(row, 1, high, None).k == peak
    assert len(asked) == len(set(asked)) <= 40
    for start in {1, max(1, peak - 3), min(high, peak + 3)}:
        assert partial._climb(row, 1, high, partial.LightRow(0.0, 1.0, start, 0.0)).k == peak or abs(start - peak) > 3


@pytest.mark.parametrize(
    ("n", "A", "r", "k"), [(5, 6, 1.0, 2), (20, 9, 0.7, 5), (20, 9, 0.2, 3), (200, 14, 0.3, 8), (7, 4, 0.9, 1)]
)
def test_the_best_mass_of_light_labels(n: int, A: int, r: float, k: int) -> None:
    # Oracle: enumeration, the exact risk at a grid of masses, refined about its top
    x = np.linspace(1e-9, min(2.5 / n, r / (k + 1)), 400)
    for _ in range(4):
        risks = family_risk(n, A, r, k, x)
        i = int(np.argmax(risks))
        x = np.linspace(x[max(i - 1, 0)], x[min(i + 1, x.size - 1)], 40)
    found = partial._mixed_row(n, A, r, k, 0.0, 1e-8)
    assert found.value == pytest.approx(risks.max(), rel=1e-12, abs=0)
    assert found.value == pytest.approx(float(family_risk(n, A, r, k, found.x)), rel=1e-13, abs=0)
    assert (found.r, found.k) == (r, k)
    # What cannot beat another row is not refined.
    rough = partial._mixed_row(n, A, r, k, 2 * found.value, 1e-8)
    assert 0.9 * found.value < rough.value <= found.value * (1 + 1e-15)


@pytest.mark.parametrize(("k", "x", "r"), [(1, 0.2, 0.2), (2, 0.05, 0.2), (4, 0.05, 0.2), (3, 0.1, 1.0), (5, 0.2, 1.0)])
def test_the_labels_of_a_row(k: int, x: float, r: float) -> None:
    # Oracle: definition, k labels of x / r, one with the rest, zeros
    row = partial.LightRow(0.0, r, k, x).labels(6)
    rest = [] if k * x > r - 1e-12 else [1 - k * x / r]
    assert row == pytest.approx([*[x / r] * k, *rest, *[0.0] * (6 - k - len(rest))], rel=1e-14, abs=0)
    assert partial.LightRow(0.0, 0.0, 2, 0.0).labels(3).tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(("S", "A", "n"), [(2, 3, 10), (3, 3, 9), (3, 5, 4)])
def test_the_worst_law_of_the_inputs(S: int, A: int, n: int) -> None:
    # Oracle: enumeration, every law of the inputs in steps of 1/120, the worst row of each mass
    steps = 120
    g = [partial.worst_row(n, A, k / steps).value for k in range(steps + 1)]
    laws = [of for of in itertools.product(range(steps + 1), repeat=S - 1) if sum(of) <= steps and [*of] == sorted(of)]
    best = max(sum(g[k] for k in of) + g[steps - sum(of)] for of in laws)
    inputs = partial._worst_inputs(S, A, n)
    assert sum(times for _, times in inputs) == S
    assert sum(times * row.r for row, times in inputs) == pytest.approx(1, rel=1e-14, abs=0)
    assert best * (1 - 1e-9) <= partial._total(inputs) <= best * (1 + 2e-3)


def test_without_data_every_input_is_sure_of_a_label() -> None:
    # Oracle: definition, Dirac rows cost 1 - 1/A
    for S, A in ((1, 2), (3, 4), (2, 1)):
        found = partial.minimax_partial(S, A, 0)
        assert found.instance.teacher.max(axis=1).tolist() == [1.0] * S
        assert found.instance.rho == pytest.approx(np.full(S, 1 / S), rel=1e-15, abs=0)
        assert found.lower == found.upper == (A - 1) / A
        assert partial._total(partial._worst_inputs(S, A, 0)) == pytest.approx((A - 1) / A, rel=1e-14, abs=0)


@pytest.mark.parametrize(("S", "A", "n"), [(1, 3, 1), (1, 9, 2), (2, 3, 4), (4, 4, 7), (7, 3, 500), (3, 40, 60)])
def test_each_upper_bound_of_partial_labels(S: int, A: int, n: int) -> None:
    # Oracle: arithmetic, the three bounds typed anew; the sharp constant over a grid of masses
    missing = (1 - 1 / (A - 1)) * largest_unvisited_mass(S * A, n)[0]
    missing += largest_unvisited_mass(S, n)[0] / (A * (A - 1))
    w = np.linspace(0, min(1.0, 4 / n), 200_001)[1:-1]
    sharp = S * A * float((w / (1 + (1 - w) ** (-n / 2)) ** 2).max())
    bounds = {
        "expected missing mass": missing,
        "the limit for many labels": constants.curve(n / (S * A)),
        "the sharp constant at n samples": sharp,
    }
    value, name = partial._upper(S, A, n)
    assert name == min(bounds, key=bounds.__getitem__)
    assert value == pytest.approx(min(bounds.values()), rel=1e-8, abs=0)
    if (S, A) != (1, 3):
        assert partial.proved_upper(S, A, n) == value


@pytest.mark.parametrize(
    ("S", "A", "n", "value"),
    [
        (1, 3, 2, Fraction(1, 8)),
        (2, 3, 2, Fraction(23, 96)),
        (1, 4, 3, Fraction(11, 81)),
        (2, 2, 1, Fraction(1, 4)),
        (2, 3, 0, Fraction(2, 3)),
        (3, 1, 2, Fraction(0)),
    ],
)
def test_any_teacher_of_few_labels_is_searched(S: int, A: int, n: int, value: Fraction) -> None:
    # Oracle: published, linear programmes over all students, and closed forms
    assert partial.search_arbitrary(S, A, n, starts=6) == pytest.approx(float(value), rel=1e-7, abs=1e-300)


# --- Constants ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("A", [2, 3, 4, 5, 6, 7])
def test_the_lead_that_decoding_loses_most_at(A: int) -> None:
    # Oracle: second algorithm, P(another label is ahead) of independent normal scores by Gauss and Hermite's rule
    z, weight = np.polynomial.hermite_e.hermegauss(90)
    d = np.linspace(0.2, 3, 1401)
    best = (0.0, 0, 0.0)
    for k in range(2, min(A, 6) + 1):
        ahead = 1 - special.ndtr(z + d[:, None]) ** (k - 1) @ weight / math.sqrt(2 * math.pi)
        lost = d * ahead / math.sqrt(k)
        i = int(np.argmax(lost))
        best = max(best, (float(lost[i]), k, float(d[i])))
    value, k, lead = constants.kappa(A)
    assert (value, k) == (pytest.approx(best[0], rel=3e-6, abs=0), best[1])
    assert lead == pytest.approx(best[2], rel=0, abs=3e-3)


# --- Hard labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("S", "A", "n"), [(2, 2, 4 * 10**8), (5, 3, 10**9), (3, 4, 10**12)])
def test_a_normal_law_of_the_visits_by_its_parts(S: int, A: int, n: int) -> None:
    # Oracle: second algorithm, steps of the law from below: each run of visits at its last number, by math.erfc
    alpha = math.sqrt(n / S / (A - 1)) / 2
    mean, sd = n / S, math.sqrt(n / S * (1 - 1 / S))
    total, before = 0.0, 0.0
    for i in range(61):
        end = math.floor(mean + sd * (-7 + 14 * i / 60))
        below = max(math.erfc((mean - end) / sd / math.sqrt(2)) / 2 - 0.4748 / sd, 0.0)
        if i == 60:
            below = 1 - math.exp(-(6.9**2) / 2 / (1 + 7 / (3 * sd)))
        total += (below - before) * hard_lower._dirichlet(A, end, alpha, 0.5)
        before = below
    assert hard_lower._average_normal(S, A, n, alpha, 0.5) == pytest.approx(total, rel=1e-12, abs=0)


@pytest.mark.parametrize(("S", "A", "n"), [(10**5, 3, 5), (10**4, 2, 3), (10**6, 4, 1)])
def test_many_more_inputs_than_samples_leave_the_uniform_row(S: int, A: int, n: int) -> None:
    # Oracle: limit, uniform rho: all inputs but n / S of the mass are never visited, and no student does worse
    found = hard_upper._inputs_apart(S, A, n)
    assert (1 - 1 / A) * (1 - n / S) <= found <= (1 - 1 / A) * (1 + 1e-12)


def test_of_equal_upper_ends_the_proved_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: definition, the best rule inputs apart counts where it is below the student's bound, and not at it
    upper = hard_upper.Upper(0.5, "ADD_sgl", "input by input", "proved", 0.4)
    monkeypatch.setattr(hard, "_lower", lambda *_: End(0.25, "prior", "proved"))
    monkeypatch.setattr(hard, "least_upper", lambda *_: upper)
    row = np.array([0.5, 0.3, 0.2])
    for value, grade, end in ((0.5, "proved", 0.5), (0.4, "numerical", 0.4), (0.2, "numerical", 0.25)):
        monkeypatch.setattr(hard, "_apart", lambda *_, v=value: hard_apart_game.Apart(v, np.zeros(0), row))
        found = hard.minimax_hard(3, 3, 2)
        assert (found.upper, found.upper_end.grade) == (end, grade)
        if grade == "numerical":
            assert found.instance.teacher == pytest.approx(np.tile(row, (3, 1)), rel=1e-15, abs=0)
            assert found.student == "linear program, inputs apart"


# --- Lists ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "S", "A", "n"), [(1, 2, 5, 9), (1, 3, 5, 20), (3, 10, 10, 40), (2, 4, 9, 100)])
def test_no_mass_of_light_inputs_near_the_worst_is_worse(k: int, S: int, A: int, n: int) -> None:
    # Oracle: enumeration, masses in steps of a 200th of 1/n, and of 1e-6 of the mass found about it
    rows = lists.Rows(k, A, n)
    light = lists._worst_light_mass(rows, S)
    value = lists._total(rows, S, light)
    coarse, fine = np.arange(0, 1 / S, 0.005 / n)[:400], light * (1 + 1e-4 * np.linspace(-1, 1, 81))
    for r in [*coarse, *fine[fine <= 1 / S], 1 / S]:
        assert lists._total(rows, S, float(r)) <= value * (1 + 1e-12)


@pytest.mark.parametrize(("k", "A", "n"), [(1, 5, 20), (1, 5, 300), (2, 9, 40)])
@pytest.mark.parametrize("below", [1e-2, 1e-4, 1e-6])
def test_the_peak_of_light_inputs_counts_where_heavy_ones_gain_a_little(k: int, A: int, n: int, below: float) -> None:
    # Oracle: enumeration, all m and a fine grid of masses: beyond the peak the gain falls, and rises again to the end
    m = np.arange(1, A + 1)
    alpha, beta = 1 - m / A, np.maximum(m - k, 0) / m * (1 - np.maximum(m - k, 0) / (A - k))
    r = np.unique(np.concatenate((np.linspace(0, 1, 2001), np.linspace(0, 4 / n, 4001).clip(0, 1))))
    f = (r[:, None] * (beta + (alpha - beta) * (1 - r[:, None]) ** n)).max(axis=1)
    rows = lists.Rows(k, A, n)
    multiplier = rows.floor * (1 - below)
    for end in (0.5, 1.0):
        above = (f - multiplier * r)[r <= end].max()
        assert above * (1 - 1e-12) <= rows.most(multiplier, end) <= above * (1 + 1e-5)


# --- Lists and draws ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("K", "M", "A", "n", "r"), [(0, 1, 9, 6, 0.4), (2, 1, 12, 30, 0.1), (0, 3, 7, 5, 0.3), (1, 2, 20, 9, 1.0)]
)
@pytest.mark.parametrize("equal", [True, False])
def test_what_rows_cost_to_second_order(K: int, M: int, A: int, n: int, r: float, equal: bool) -> None:
    # Oracle: mpmath, Taylor's expansion of j z / (j + z) about the mean of j, its curvature numerically
    visits = told_lower.Visits(K, M, A, n)
    for k, share in ((3, 0.2), (5, 0.9)):
        x = 1 / k if equal else share / (k + 1)
        row = sorted([x] * k + ([] if equal else [1 - k * x]), reverse=True)
        row += [0.0] * (A - len(row))
        light = sum(p == x for p in row[K:])
        zeros = A - K - light if equal or K else A - k - 1
        cost = (1 - r) ** n * sum(max(p - 1 / A, 0.0) for p in row)
        for N in range(1, n + 1):
            q = (1 - x) ** (N * M)
            mean = light * q
            if light and zeros:
                curved = float(mpmath.diff(lambda j, z=zeros: j * z / (j + z), mean, 2))
                spread = mean * zeros / (mean + zeros) + curved / 2 * mean * (1 - q)
                cost += math.comb(n, N) * r**N * (1 - r) ** (n - N) * x * max(spread, 0.0)
        found = visits._nearly(r, np.array([[k]]), np.array([[x]]), equal)
        assert float(found[0, 0]) == pytest.approx(cost, rel=1e-9, abs=0)


def left_by_a_list(row: list[Fraction], K: int, draws: int) -> Fraction:
    """What a visited input costs whose list has the first K labels: by every set of the others that is unseen."""
    tail, total = row[K:], Fraction(0)
    for size in range(1, len(tail) + 1):
        for U in itertools.combinations(range(len(tail)), size):
            seen = [b for b in range(len(tail)) if b not in U]
            likely = Fraction(0)
            for more in range(len(seen) + 1):
                for B in itertools.combinations(seen, more):
                    likely += (-1) ** more * (1 - sum((tail[b] for b in (*U, *B)), Fraction(0))) ** draws
            mean = sum(tail[b] for b in U) / size
            total += likely * sum(abs(tail[b] - mean) for b in U) / 2
    return total


@pytest.mark.parametrize(
    ("K", "M", "A", "n", "r", "k", "x"),
    [
        (0, 1, 5, 4, Fraction(1, 3), 2, Fraction(1, 6)),
        (0, 2, 5, 3, Fraction(1, 4), 3, Fraction(1, 3)),
        (1, 1, 6, 3, Fraction(1, 2), 3, Fraction(1, 8)),
        (2, 1, 6, 4, Fraction(1, 5), 4, Fraction(1, 4)),
        (1, 3, 5, 2, Fraction(2, 3), 2, Fraction(1, 9)),
        (2, 2, 6, 3, Fraction(1, 1), 3, Fraction(1, 7)),
        (3, 1, 5, 3, Fraction(1, 2), 2, Fraction(1, 2)),
        (1, 2, 4, 3, Fraction(1, 2), 3, Fraction(1, 5)),
    ],
)
def test_what_a_row_costs_is_exact(K: int, M: int, A: int, n: int, r: Fraction, k: int, x: Fraction) -> None:
    # Oracle: fractions, every number of visits and every set of unseen labels
    row = sorted([x] * k + ([1 - k * x] if k * x < 1 else []), reverse=True)
    row += [Fraction(0)] * (A - len(row))
    cost = (1 - r) ** n * sum(max(p - Fraction(1, A), Fraction(0)) for p in row)
    for N in range(1, n + 1):
        cost += math.comb(n, N) * r**N * (1 - r) ** (n - N) * left_by_a_list(row, K, N * M)
    found = told_lower.Visits(K, M, A, n).exact(float(r), k, float(x))
    assert (found.k, found.x) == (k, float(x))
    assert found.cost == pytest.approx(float(cost), rel=1e-12, abs=0)


@pytest.mark.parametrize(("K", "M", "A", "n", "S"), [(0, 2, 4, 4, 2), (1, 2, 6, 3, 2)])
def test_the_worst_mass_of_light_inputs_with_draws(K: int, M: int, A: int, n: int, S: int) -> None:
    # Oracle: enumeration, masses in steps of 1/(5 S), the row of each polished; the first was 7 percent low
    visits = told_lower.Visits(K, M, A, n)
    rho, rows, risk = told_lower.worst(visits, S)
    assert rho.sum() == pytest.approx(1, rel=1e-14, abs=0)
    assert [times for _, times in rows] == [S - 1, 1]
    assert all(row.shape == (A,) and abs(row.sum() - 1) < 1e-14 for row, _ in rows)

    def cost(r: float) -> float:
        return r * visits.polished(r, visits.rough(r)).cost if r > 0 else 0.0

    best = max((S - 1) * cost(i / (5 * S)) + cost(1 - (S - 1) * i / (5 * S)) for i in range(1, 6))
    assert best * (1 - 1e-3) <= risk <= best * 1.01
    assert (S - 1) * cost(float(rho[0])) + cost(float(rho[-1])) == pytest.approx(risk, rel=1e-6, abs=0)


@pytest.mark.parametrize(("K", "M", "A", "n", "r"), [(0, 1, 30, 20, 0.6), (2, 2, 25, 9, 0.3), (1, 1, 15, 40, 1.0)])
def test_the_bound_of_a_row_is_a_sum_over_ranks(K: int, M: int, A: int, n: int, r: float) -> None:
    # Oracle: second algorithm, the largest G(p) - v p up to 1/i for each rank i, over a fine grid of p and of v
    visits = told_lower.Visits(K, M, A, n)
    starts, _, chances = visits.blocks(r)
    t = 0.15 / (starts * M)
    p = np.unique(np.concatenate((np.geomspace(1e-4 / A, 1, 1500), 1 / np.arange(1, A + 1), [0.0])))
    c = np.maximum(t, np.maximum(np.sqrt(p)[:, None] - np.sqrt(t), 0.0) ** 2)
    listed = (1 - r) ** n * np.maximum(p - 1 / A, 0.0)
    other = listed + ((1 - p[:, None]) ** (starts * M) * c) @ chances

    def total(v: float) -> float:
        tops = [np.maximum.accumulate(cost - v * p) for cost in (listed, other)]
        at = np.searchsorted(p, 1 / np.arange(1, A + 1), side="right") - 1
        return v + float(tops[0][at[:K]].sum() + tops[1][at[K:]].sum())

    truth = min(total(float(v)) for v in np.linspace(-1, 1.5, 251))
    v = min(np.linspace(-1, 1.5, 251), key=lambda v: total(float(v)))
    truth = min(total(float(x)) for x in np.linspace(v - 0.01, v + 0.01, 101))
    found = told_upper._row_bound(visits, r, t)
    assert truth * (1 - 1e-4) <= found <= truth * (1 + 2e-2)


@pytest.mark.parametrize(("S", "n"), [(2, 9), (5, 40), (30, 12)])
def test_the_bound_over_the_inputs_is_a_sum_over_ranks(S: int, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: second algorithm, inputs whose cost is known: the largest of it above a line up to 1/i for each rank i
    monkeypatch.setattr(told_upper, "input_bound", lambda visits, r: 0.2 / (1 + n * r) + 0.3 * math.exp(-n * r))
    monkeypatch.setattr(told_upper, "mass_bound", lambda visits, a, b: math.inf)
    r = np.unique(np.concatenate((np.linspace(0, 1, 4001), np.geomspace(1e-4 / n, 1, 4001), 1 / np.arange(1, S + 1))))
    f = r * (0.2 / (1 + n * r) + 0.3 * np.exp(-n * r))
    at = np.searchsorted(r, 1 / np.arange(1, S + 1), side="right") - 1

    def total(v: float) -> float:
        return v + float(np.maximum.accumulate(f - v * r)[at].sum())

    v = min(np.linspace(-0.5, 1, 151), key=lambda v: total(float(v)))
    truth = min(total(float(x)) for x in np.linspace(v - 0.01, v + 0.01, 101))
    found = told_upper.least(told_lower.Visits(0, 2, 9, n), S)
    assert truth * (1 - 1e-6) <= found <= truth * (1 + 3e-2)


@pytest.mark.parametrize(("K", "M", "n", "a", "b"), [(1, 1, 9, 0.2, 0.2), (2, 3, 5, 0.0, 0.1), (1, 2, 40, 0.01, 0.9)])
def test_the_bound_of_two_labels_left_by_the_list(K: int, M: int, n: int, a: float, b: float) -> None:
    # Oracle: arithmetic, the largest r (1-r)^n and r (1 - r h)^n by a grid of masses, rows by a grid of w
    visits = told_lower.Visits(K, M, K + 2, n)
    r = np.linspace(a, b, 2001)
    missed = float((r * (1 - r) ** n).max())
    w = np.linspace(0, 1 / (K + 1), 401)
    apart = np.maximum(1 - K * w - 1 / (K + 2), 0) + K * np.maximum(w - 1 / (K + 2), 0)
    unseen = np.array([float((r * (1 - r * (1 - (1 - x) ** M)) ** n).max()) for x in w])
    truth = float((missed * (apart - w / 2) + w / 2 * unseen).max())
    assert truth * (1 - 1e-5) <= told_upper._two_left(visits, a, b) <= truth * (1 + 5e-3)
    assert told_upper.mass_bound(visits, a, b) == told_upper._two_left(visits, a, b)


def test_remarks_of_draws() -> None:
    # Oracle: definition, one visit tells a row of which one label at most is left out; one input of draws is partial
    def remark(name: str, S: int, A: int, n: int) -> str:
        return told.minimax_told(resolve_protocol(name), S, A, n).remark

    assert remark("sampled:2", 1, 3, 2) == "With one input 2 visits are 4 partial labels."
    assert remark("top_k:2", 4, 3, 1) == "One visit tells the whole row."
    assert remark("top_k:2", 4, 3, 0) == ""
    for S, A, n in ((2, 3, 4), (3, 4, 2)):
        assert remark("sampled:1", S, A, n) == partial.minimax_partial(S, A, n).remark
