"""The minimax risk from hard labels of one input after fewer samples than labels: the game by partitions."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from kt_theory.minimax import hard_apart_game, hard_game, hard_row_game
from kt_theory.minimax.hard import dirichlet_bound, minimax_hard, worst_risk
from kt_theory.minimax.hard_row_game import RowGame


def tables(A: int, n: int) -> Counter[tuple[int, ...]]:
    """All tables of counts, and in how many orders each is drawn: by every sequence of n labels."""
    return Counter(tuple(drawn.count(a) for a in range(A)) for drawn in itertools.product(range(A), repeat=n))


def literal_risk(game: RowGame, rule: np.ndarray, p: np.ndarray) -> float:
    """The risk of a rule, table by table."""
    total = 0.0
    for counts, ways in tables(p.size, game.n).items():
        part = tuple(sorted((c for c in counts if c), reverse=True))
        q = np.array([rule[game.keys.index((part, c))] for c in counts])
        chance = ways * math.prod(float(x) ** c for x, c in zip(p, counts, strict=True))
        total += chance * float(np.abs(p - q / q.sum()).sum()) / 2
    return total


@pytest.mark.parametrize(("A", "n"), [(3, 1), (5, 2), (4, 3), (4, 5), (6, 4)])
def test_risks_of_rules(A: int, n: int) -> None:
    # Oracle: enumeration, every sequence of labels; teachers with zeros and with equal labels
    rng = np.random.default_rng([A, n])
    game = RowGame(A, n)
    rows = rng.dirichlet(np.full(A, 0.5), size=4)
    rows[1] = np.eye(A)[0]
    rows[2] = 1 / A
    rows[3, 0], rows[3] = 0.0, rows[3] / rows[3, 1:].sum() * (np.arange(A) > 0)
    rule = rng.random(game.entries)
    truth = [literal_risk(game, rule, row) for row in rows]
    np.testing.assert_allclose(game.risk(rule, rows[:, None, :]), truth, rtol=1e-12)
    np.testing.assert_allclose(game.laws(rows[:, None, :]).sum(axis=2), 1, rtol=1e-13)
    assert abs(literal_risk(game, rule * (1 + 1e-6 * np.arange(game.entries)), rows[0]) / truth[0] - 1) > 1e-12


@pytest.mark.parametrize(("S", "A", "n"), [(2, 3, 2), (3, 2, 3), (2, 4, 3)])
def test_risks_of_rules_at_one_of_several_inputs(S: int, A: int, n: int) -> None:
    # Oracle: enumeration, every sequence of inputs and labels, of which those at the first input are counted
    rng = np.random.default_rng([S, A, n])
    game = RowGame(A, n, S)
    rule, p = rng.random(game.entries), rng.dirichlet(np.ones(A))
    truth = 0.0
    for drawn in itertools.product(range(S), range(A), repeat=n):
        seen = [a for s, a in zip(drawn[::2], drawn[1::2], strict=True) if s == 0]
        counts = [seen.count(a) for a in range(A)]
        part = tuple(sorted((c for c in counts if c), reverse=True))
        q = np.array([rule[game.keys.index((part, c))] for c in counts])
        # Labels at other inputs are drawn from any row: here uniform.
        chance = math.prod(float(p[a]) if s == 0 else 1 / A for s, a in zip(drawn[::2], drawn[1::2], strict=True))
        truth += chance / S**n * float(np.abs(p - q / q.sum()).sum()) / 2
    assert game.risk(rule, p[None, None])[0] == pytest.approx(truth, rel=1e-12, abs=0)
    assert RowGame(A, n, S + 1).risk(rule, p[None, None])[0] != pytest.approx(truth, rel=1e-3, abs=0)  # planted


@pytest.mark.parametrize(("S", "A", "n"), [(2, 2, 1), (2, 2, 3)])
def test_one_of_several_inputs_is_a_lower_end(S: int, A: int, n: int) -> None:
    # Oracle: second algorithm, the game of all inputs by tables of counts, whose rho is any
    lower, upper, *_ = hard_game.play(RowGame(A, n, S))
    whole = hard_game.solve(S, A, n)
    assert dirichlet_bound(S, A, n) - 1e-8 <= lower <= upper <= whole[1] * 1.0001
    assert hard_game.play(RowGame(A, n))[0] < lower  # one input alone is easier


def test_fewer_samples_than_labels_at_several_inputs() -> None:
    # Oracle: identity, ends of the same risk; the interval was [.384, .529]
    risk = minimax_hard(2, 5, 2)
    assert dirichlet_bound(2, 5, 2) + 0.02 < risk.lower <= risk.upper < 1.08 * risk.lower
    assert (risk.lower_end.grade, risk.upper_end.grade) == ("estimated", "numerical")
    assert "one of 2 equally likely inputs" in risk.lower_end.statement


def test_inputs_apart() -> None:
    # Oracle: enumeration, the rule's risk at two inputs, by every sequence of inputs and labels; random rho and rows
    S, A, n = 2, 3, 2
    apart, game = hard_apart_game.solve(S, A, n), RowGame(A, n, S)
    number = {key: i for i, key in enumerate(game.keys)}
    rng = np.random.default_rng(4)
    teachers = [(rng.dirichlet([1, 1]), rng.dirichlet(np.full(A, 0.5), size=S)) for _ in range(4)]
    teachers.append((np.array([0.5, 0.5]), np.tile(apart.row, (S, 1))))
    found = []
    for rho, rows in teachers:
        risk = 0.0
        for drawn in itertools.product(range(S), range(A), repeat=n):
            pairs = list(zip(drawn[::2], drawn[1::2], strict=True))
            chance = math.prod(float(rho[s] * rows[s, a]) for s, a in pairs)
            for s in range(S):
                counts = [pairs.count((s, a)) for a in range(A)]
                part = tuple(sorted((c for c in counts if c), reverse=True))
                q = np.array([apart.rule[number[part, c]] for c in counts])
                risk += chance * rho[s] * float(np.abs(rows[s] - q / q.sum()).sum()) / 2
        assert risk <= apart.upper + 1e-9
        found.append(risk)
    assert found[-1] >= 0.9 * apart.upper  # and a bound a tenth smaller would be broken


@pytest.mark.slow
def test_inputs_apart_against_all_tables() -> None:
    # Oracle: second algorithm, the game of two inputs by tables of counts, whose student need not keep inputs apart
    lower, upper, *_ = hard_game.solve(2, 2, 3)
    apart = hard_apart_game.solve(2, 2, 3).upper
    assert lower <= apart <= 1.1 * upper


@pytest.mark.parametrize(("A", "n"), [(3, 2), (4, 1), (4, 3), (4, 5)])
def test_values_of_linear_programs(A: int, n: int) -> None:
    # Oracle: second algorithm, the game by tables of counts, on the same teachers; solver tolerances 1e-9
    rows = np.random.default_rng([A, n, 1]).dirichlet(np.ones(A), size=7)[:, None, :]
    value = RowGame(A, n).best_rule(rows)[0]
    assert value == pytest.approx(hard_game.Game(1, A, n).best_rule(rows)[0], abs=1e-8)
    other = RowGame(A, n).best_rule(0.999 * rows + 0.001 / A)[0]  # planted: teachers that are nearer to uniform
    assert other != pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("A", "n"), [(3, 1), (3, 2), (4, 2)])
def test_the_same_games_by_tables(A: int, n: int) -> None:
    # Oracle: second algorithm, the game by tables of counts
    lower, upper, *_ = hard_game.play(RowGame(A, n))
    low, high, *_ = hard_game.solve(1, A, n)
    assert max(lower, low) <= min(upper, high) <= 1.00002 * max(lower, low)


@pytest.mark.filterwarnings("error")
def test_a_size_of_many_cells_is_searched_from_the_coarse_grid() -> None:
    # Oracle: second algorithm, the game by partitions; no finer grid of four-dimensional teachers is gone through
    lower, upper, *_ = hard_game.solve(1, 5, 1)
    low, high, *_ = hard_game.play(RowGame(5, 1))
    assert max(lower, low) <= min(upper, high) <= 1.0001 * max(lower, low)


def test_one_sample_of_five_labels() -> None:
    # Oracle: second algorithm, the student is one number x, its share of the label seen: x by x, rows of steps of 1/30
    rows = np.array([row for row in itertools.product(range(31), repeat=4) if sum(row) <= 30 and sorted(row) == [*row]])
    rows = np.column_stack((rows, 30 - rows.sum(axis=1))) / 30
    worst = []
    for x in np.linspace(0.2, 0.6, 81):
        off = np.abs(rows - (1 - x) / 4)
        risks = (rows * (np.abs(rows - x) + off.sum(axis=1, keepdims=True) - off)).sum(axis=1) / 2
        worst.append(risks.max())
    risk = minimax_hard(1, 5, 1)
    assert risk.lower <= min(worst) <= 1.003 * risk.lower
    assert risk.upper <= risk.lower * (1 + 1e-6)
    assert worst[0] > 1.01 * risk.upper  # planted: another share


@pytest.mark.parametrize(
    ("A", "n"), [(5, 2), (8, 3), (30, 1), *(pytest.param(*of, marks=pytest.mark.slow) for of in ((5, 4), (12, 2)))]
)
def test_the_interval_is_closed(A: int, n: int) -> None:
    # Oracle: identity, both ends of one game; the ends without it lie outside; the ends of fewer labels below
    risk = minimax_hard(1, A, n)
    assert dirichlet_bound(1, A, n) <= risk.lower <= risk.upper <= worst_risk(A, n)
    assert risk.upper <= 1.001 * risk.lower
    assert minimax_hard(1, A - 1, n).lower <= risk.lower * (1 + 1e-4)
    assert (risk.lower_end.grade, risk.upper_end.grade) == ("estimated", "numerical")
    assert risk.instance.teacher.shape == (1, A)


def test_five_labels_two_samples() -> None:
    # Oracle: published, a game on a grid of teachers gives .352, printed to three digits
    risk = minimax_hard(1, 5, 2)
    assert abs(risk.lower - 0.352) < 5e-4
    # Oracle: second algorithm, 300 teachers at random against the best rule on the teachers that bind, table by table
    game = RowGame(5, 2)
    rule = game.best_rule(game.grid(6))[1]
    rng = np.random.default_rng(5)
    risks = [literal_risk(game, rule, rng.dirichlet(np.full(5, a))) for a in (0.1, 0.5, 2.0) for _ in range(100)]
    assert 0.9 * risk.upper < max(risks) <= 1.002 * risk.upper


def test_more_labels_than_are_in_reach_have_the_end_of_fewer() -> None:
    # Oracle: identity, a problem contains those of fewer labels
    most = hard_row_game.most_labels(1)
    assert minimax_hard(1, most + 3, 1).lower >= minimax_hard(1, most, 1).lower
    assert not hard_row_game.in_reach(1, most + 3, 1)
    assert not any(hard_row_game.in_reach(*size) for size in [(2, 5, 1), (1, 5, 5), (1, 4, 2), (1, 9, 0), (1, 20, 7)])
