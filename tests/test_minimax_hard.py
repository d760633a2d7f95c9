"""The minimax risk from hard labels: games, bounds on both sides, and how they meet."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from scipy import special
from scipy.optimize import linprog

from kt_theory.exact import add
from kt_theory.minimax import hard_game, hard_lower, hard_upper
from kt_theory.minimax.hard import assouad_bound, dirichlet_bound, minimax_hard, worst_risk

#: (S, A, n): value, and the worst risk of the frequencies over it.
BINARY = {
    (1, 2, 1): (0.250000, 2.000),
    (1, 2, 2): (0.191603, 1.546),
    (1, 2, 5): (0.130985, 1.432),
    (1, 2, 10): (0.098265, 1.311),
    (1, 2, 20): (0.073640, 1.225),
    (1, 2, 30): (0.061980, 1.184),
    (1, 2, 50): (0.049608, 1.143),
    (1, 3, 1): (1 / 3, 2.0),
    (1, 3, 2): (7 / 27, 1.714),
    (2, 2, 1): (1 / 3, None),
}
OTHERS = [(1, 3, 5), (1, 4, 5), (2, 2, 4)]
SLOW = [(1, 3, 10), (1, 3, 15), (1, 4, 8), (2, 2, 6), (2, 2, 10)]


@pytest.mark.parametrize("size", BINARY)
def test_games_of_the_smallest_sizes(size: tuple[int, int, int]) -> None:
    # Oracle: second algorithm, linear programs and posterior medians done beforehand, printed to six digits
    risk = minimax_hard(*size)
    value = BINARY[size][0]
    assert risk.lower <= value + 6e-7
    assert value - 6e-7 <= risk.upper
    assert risk.upper - risk.lower <= 1e-5 * risk.upper
    assert abs(1.00002 * value - risk.upper) > 6e-7


@pytest.mark.parametrize(("S", "A", "parts"), [(1, 2, 4000), (1, 3, 80), (1, 4, 24), (2, 2, 12)])
def test_the_search_for_a_worst_teacher_starts_from_the_finest_grid_for_its_size(monkeypatch, S, A, parts):
    # Oracle: identity, steps of 1/parts: the number of cells fixes them, and one input of four labels takes half those
    steps = []
    grid = hard_game.Game.grid

    def seen(game, parts):
        steps.append(parts)
        return grid(game, parts)

    monkeypatch.setattr(hard_game.Game, "grid", seen)
    hard_game.solve(S, A, 1)
    assert max(steps) == parts


@pytest.mark.parametrize(("A", "n", "parts"), [(2, 9, 5), (2, 20, 7)])
def test_the_local_search_climbs_from_a_coarse_grid_to_the_worst_teacher(A, n, parts):
    # Oracle: second algorithm, the same rule on a grid of 1/3000; the best of the coarse grid is a quarter below it
    game = hard_game.Game(1, A, n)
    coarse = game.grid(parts)
    rule = game.best_rule(coarse)[1]
    teachers, risks = game.worst_teachers(rule, coarse)
    assert risks[0] == pytest.approx(game.risk(rule, game.grid(3000)).max(), rel=1e-6, abs=0)
    assert risks[0] > 1.3 * game.risk(rule, coarse).max()
    assert teachers.sum(axis=(1, 2)) == pytest.approx(1, rel=1e-14, abs=0)


def test_the_local_search_stays_among_joint_masses():
    # Oracle: identity, what is moved between four cells of two inputs still adds up to 1
    game = hard_game.Game(2, 2, 3)
    rule = game.best_rule(game.grid(3))[1]
    teachers, risks = game.worst_teachers(rule, game.grid(3))
    assert teachers.sum(axis=(1, 2)) == pytest.approx(1, rel=1e-14, abs=0)
    assert risks == pytest.approx(game.risk(rule, teachers), rel=1e-12, abs=0)
    assert risks[0] > 1.1 * game.risk(rule, game.grid(3)).max()


@pytest.mark.parametrize(("part", "whole"), [((1, 4, 1), (1, 5, 1)), ((2, 2, 2), (3, 2, 2)), ((1, 3, 2), (2, 3, 2))])
def test_a_larger_problem_has_no_smaller_lower_end(part, whole):
    # Oracle: identity, monotonicity in S and A: a problem contains every problem of fewer inputs or labels
    assert minimax_hard(*whole).lower >= minimax_hard(*part).lower


@pytest.mark.parametrize("size", [size for size in BINARY if size[0] == 1])
def test_how_far_the_frequencies_are_from_minimax(size: tuple[int, int, int]) -> None:
    # Oracle: published, ratios to three digits; the worst teacher of the frequencies on a grid of 1/600
    _, A, n = size
    value, ratio = BINARY[size]
    p = np.linspace(0, 1, 601)
    h = add.add_constant_risk(p, n, 0.0, A)
    if A == 2:
        worst = (h + h[::-1]).max()
    else:
        i, j = np.triu_indices(601)
        worst = (h[i] + h[j - i] + h[600 - j]).max()
    assert worst / value == pytest.approx(ratio, abs=6e-4)


def bayes_risk(prior: list[tuple[float, np.ndarray]], n: int) -> float:
    """The Bayes risk, S = 1: for each table of counts, the least posterior mean of TV over the simplex."""
    A = prior[0][1].size
    total = 0.0
    for counts in compositions(n, A):
        ways = math.factorial(n) / math.prod(map(math.factorial, counts))
        weight = np.array(
            [w * ways * math.prod(float(p) ** k for p, k in zip(row, counts, strict=True)) for w, row in prior]
        )
        rows = np.array([row for _, row in prior])[weight > 1e-14]
        weight = weight[weight > 1e-14]
        if weight.size:
            found = linprog(
                np.concatenate((np.zeros(A), np.repeat(weight, A))),
                A_ub=np.hstack((np.tile(-np.eye(A), (weight.size, 1)), -np.eye(weight.size * A))),
                b_ub=-rows.ravel(),
                A_eq=[np.concatenate((np.ones(A), np.zeros(weight.size * A)))],
                b_eq=[1],
            )
            total += found.fun
    return total


def compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    for bars in itertools.combinations(range(total + parts - 1), parts - 1):
        ends = (-1, *bars, total + parts - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(ends))


def test_value_of_the_program_is_a_bayes_risk() -> None:
    # Oracle: second algorithm, the least worst risk over the relabellings of one teacher is a Bayes risk, since the
    # uniform prior on them is least favourable (a transitive group, convex loss); solver tolerances 1e-9
    row = np.array([0.1, 0.25, 0.65])
    prior = [(1 / 6, row[list(order)]) for order in itertools.permutations(range(3))]
    for n in (1, 2, 4):
        value, rule, active, _ = hard_game.Game(1, 3, n).best_rule(row[None, None, :])
        assert active.all()
        assert value == pytest.approx(bayes_risk(prior, n), abs=1e-8)
        assert abs(1.0001 * value - bayes_risk(prior, n)) > 1e-8
        assert hard_game.Game(1, 3, n).risk(rule, row[None, None, :])[0] == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("size", OTHERS + [pytest.param(s, marks=pytest.mark.slow) for s in SLOW])
def test_games_close(size: tuple[int, int, int]) -> None:
    # Oracle: identity, both ends of one game, and what lies below it
    risk = minimax_hard(*size)
    assert risk.lower <= risk.upper <= 1.005 * risk.lower
    assert dirichlet_bound(*size) <= risk.lower
    assert risk.instance.teacher.shape == size[:2]


def test_one_sample_and_no_sample() -> None:
    # Oracle: identity; no data: 1 - 1/A, one label: 0
    assert minimax_hard(3, 4, 0).lower == minimax_hard(3, 4, 0).upper == 0.75
    assert minimax_hard(3, 1, 5).upper == 0
    assert minimax_hard(3, 4, 0).exact


@pytest.mark.parametrize("size", [s for s in BINARY if s[2] <= 20])
def test_dirichlet_and_assouad_below_the_games(size: tuple[int, int, int]) -> None:
    # Oracle: second algorithm, a prior's Bayes risk is at most the value of the game
    value = BINARY[size][0]
    assert 0.8 * value < dirichlet_bound(*size) <= value + 1e-6
    assert assouad_bound(*size) <= value + 1e-6


def literal_dirichlet(A: int, m: int, alpha: float, u: float) -> float:
    """Sum over x of half of A E(|p - q| - mu q) + mu, 40 digits, quantiles by bisection, integrals by quadrature."""
    with mpmath.workdps(25):
        beta, mu, total = (A - 1) * mpmath.mpf(alpha), 2 * mpmath.mpf(u) - 1, mpmath.mpf(0)
        for x in range(m + 1):
            a, b = alpha + mpmath.mpf(x), beta + m - x
            q = mpmath.findroot(
                lambda t, a=a, b=b: mpmath.betainc(a, b, 0, t, regularized=True) - u, (0.001, 0.999), solver="anderson"
            )
            deviation = mpmath.quad(
                lambda p, a=a, b=b, q=q: abs(p - q) * p ** (a - 1) * (1 - p) ** (b - 1), [0, q, 1]
            ) / mpmath.beta(a, b)
            weight = mpmath.binomial(m, x) * mpmath.beta(a, b) / mpmath.beta(alpha, beta)
            total += weight * (deviation - mu * q)
        return float((mu + A * total) / 2)


@pytest.mark.parametrize(("A", "m", "alpha", "u"), [(2, 3, 1.3, 0.5), (3, 5, 2.0, 0.6), (5, 2, 1.5, 0.7)])
def test_dirichlet_sum_equals_its_definition(A: int, m: int, alpha: float, u: float) -> None:
    # Oracle: mpmath, the Lagrangian literally; quadrature of kinked densities is good to 1e-10
    wanted = literal_dirichlet(A, m, alpha, u)
    assert hard_lower._dirichlet(A, m, alpha, u) == pytest.approx(wanted, rel=1e-9, abs=0)
    assert hard_lower._dirichlet(A, m, 1.01 * alpha, u) != pytest.approx(wanted, rel=1e-9, abs=0)


@pytest.mark.parametrize(("A", "m"), [(2, 20_000), (5, 60_000)])
def test_every_hth_term_is_enough(A: int, m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, the full sum; rounding of 1e4 terms
    alpha = math.sqrt(m / (A - 1)) / 2
    coarse = hard_lower._dirichlet(A, m, alpha, 0.5)
    monkeypatch.setattr(hard_lower, "int", lambda x: 1 if isinstance(x, float) and x < 1000 else int(x), raising=False)
    full = hard_lower._dirichlet(A, m, alpha, 0.5)
    assert coarse == pytest.approx(full, rel=1e-11, abs=0)


@pytest.mark.parametrize(
    ("times", "most", "two"),
    [(1, 1.16, 1.19), (4, 1.068, 1.085), (20, 1.027, 1.0345), (100, 1.014, 1.0165), (1000, 1.0065, 1.0075)],
)
def test_adding_four_tenths_of_a_root_is_nearly_minimax(times: int, most: float, two: float) -> None:
    # Oracle: published, the ratios that were found with posterior medians; quantiles can only bring the ends closer
    for A in (2, 5, 25, 100):
        ratio = worst_risk(A, times * A) / dirichlet_bound(1, A, times * A)
        assert 1 <= ratio <= (two if A == 2 else most)


@pytest.mark.parametrize(("S", "A"), [(1, 2), (1, 25), (4, 3)])
def test_dirichlet_bound_is_sharp(S: int, A: int) -> None:
    # Oracle: limit, sqrt(S (A-1) / (2 pi n)); the second term is A sqrt(S) / (2 sqrt((A-1) n)), up to a factor
    for n in (10**4 * S, 10**6 * S, 10**9 * S):
        ratio = dirichlet_bound(S, A, n) / math.sqrt(S * (A - 1) / (2 * math.pi * n))
        second = A * math.sqrt(S) / (2 * math.sqrt((A - 1) * n))
        assert 1 - 1.3 * second - 1e-4 < ratio < 1


def test_dirichlet_bound_beats_the_published_one() -> None:
    # Oracle: published, Z&Z Thm 3.1: exp(-1/2)/16 sqrt(SA/n) for A even, n >= SA/4
    for S, A, n in [(1, 2, 1), (2, 4, 10), (10, 10, 300), (3, 8, 10**5)]:
        assert dirichlet_bound(S, A, n) > 3 * math.exp(-0.5) / 16 * math.sqrt(S * A / n)


def test_lower_end_stays_below_the_upper_end() -> None:
    # Oracle: identity, on a grid
    for S, A, n in itertools.product((1, 7), (2, 10), (1, 9, 300)):
        if not hard_game.in_reach(S, A, n):
            assert max(dirichlet_bound(S, A, n), assouad_bound(S, A, n)) <= hard_upper.least_upper(S, A, n).value, (
                S,
                A,
                n,
            )


def test_worst_risk_holds_for_all_teachers_tried() -> None:
    # Oracle: second algorithm, exact risks of 3000 teachers, uniform ones among them; the bound is not far off
    rng = np.random.default_rng(0)
    for A, m in [(2, 7), (3, 40), (6, 5), (10, 1000)]:
        c = add.KAPPA * math.sqrt(m / (A - 1))
        rows = [rng.dirichlet(np.full(A, a)) for a in (0.1, 1.0, 30.0) for _ in range(1000)] + [np.full(A, 1 / A)]
        risks = add.add_constant_risk(np.array(rows), m, c, A).sum(axis=1)
        assert risks.max() <= worst_risk(A, m) <= 1.02 * risks.max()


def test_label_risk_by_expansion() -> None:
    # Oracle: second algorithm, the incomplete beta function
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.95, 50)
    m, A = 10**7, 4
    c = 0.4 * math.sqrt(m / 3)
    np.testing.assert_allclose(hard_upper._label_risk(p, m, c, A), add.add_constant_risk(p, m, c, A), rtol=1e-6)


def test_slope_of_an_envelope() -> None:
    # Oracle: identity, a tent: 1 up, 1 down; at the top their mean; a dent changes nothing
    x = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    y = np.array([0.0, 0.2, 1.0, 0.5, 0.0])
    assert hard_upper._corners(x, y, 0.3)[0] == 1
    assert hard_upper._corners(x, y, 1.0)[0] == 0
    assert hard_upper._corners(x, y, 1.7)[0] == -1


def test_an_envelope_lies_above_all_points_and_touches_its_corners() -> None:
    # Oracle: identity, the line through the corners on either side of a place is above all points
    rng = np.random.default_rng(3)
    for _ in range(50):
        x = np.sort(np.concatenate(([0.0, 1.0], rng.random(40))))
        y = np.sqrt(x * (1 - x)) * (1 - 0.2 * rng.random(x.size))
        at = float(x[20]) if rng.random() < 0.5 else float(rng.uniform(0.01, 0.99))
        for first in (int(np.searchsorted(x, at, side)) for side in ("left", "right")):
            i, j = hard_upper._edge(x, y, first)
            assert i < first <= j
            line = y[i] + (y[j] - y[i]) / (x[j] - x[i]) * (x - x[i])
            assert (y <= line + 1e-12).all()


@pytest.mark.parametrize("m", [101, 3000, 390_000])
def test_a_distribution_function_added_up(m: int) -> None:
    # Oracle: second algorithm, the incomplete beta function, up to nine deviations off the mean on either side
    p = np.linspace(0.3 / m, 1 - 0.3 / m, 401)
    sd = np.sqrt(m * p * (1 - p))
    k = np.clip(np.floor(m * p + np.linspace(-9, 9, 401)[np.argsort(np.sin(np.arange(401)))] * sd), 0, m - 1)
    known = special.betaincc(k + 1, m - k, p)
    np.testing.assert_allclose(hard_upper._below(k, m, p), known, rtol=1e-11, atol=1e-13)


def test_label_risk_from_sums() -> None:
    # Oracle: second algorithm, the incomplete beta function
    p = np.linspace(1e-3, 0.999, 301)
    for m, A in ((2000, 4), (300_000, 100)):
        c = 0.4 * math.sqrt(m / (A - 1))
        np.testing.assert_allclose(hard_upper._label_risk(p, m, c, A), add.add_constant_risk(p, m, c, A), rtol=1e-11)


@pytest.mark.parametrize("size", [(1, 3, 300), (2, 3, 1000), pytest.param((5, 4, 100), marks=pytest.mark.slow)])
def test_sizes_of_which_no_part_is_a_game_in_reach(size: tuple[int, int, int]) -> None:
    # Oracle: limit, sqrt(S (A-1) / (2 pi n)), reached from below: three quarters of it, and the Assouad bound
    S, A, n = size
    risk = minimax_hard(S, A, n)
    assert max(assouad_bound(S, A, n), 0.75 * math.sqrt(S * (A - 1) / (2 * math.pi * n))) <= risk.lower <= risk.upper


def test_many_samples() -> None:
    # Oracle: limit, sqrt((A-1) / (2 pi n)); at n = 1e9 both ends are within 3e-4 of it
    risk = minimax_hard(1, 25, 10**9)
    sharp = math.sqrt(24 / (2 * math.pi * 1e9))
    assert 0.9997 * sharp < risk.lower < risk.upper < 1.0003 * sharp


@pytest.mark.slow
@pytest.mark.parametrize(("size", "width"), [((1, 2, 100), 2e-6), ((2, 2, 10), 1.1e-3), ((1, 3, 15), 1.1e-3)])
def test_games_end_with_ends_that_are_close(size: tuple[int, int, int], width: float) -> None:
    # Oracle: limit, the widths at which the search for cuts ends where no limit on its work does so before
    lower, upper, *_ = hard_game.solve(*size)
    assert 0 < upper - lower <= width * upper
