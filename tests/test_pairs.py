"""SEL_ptl's risk by pairs of unseen labels: mean, standard error, and where it answers."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory import pairs
from kt_theory.exact.many import bracket
from kt_theory.exact.risk import exact_risk, rows_of
from kt_theory.exact.rows import OutOfReach, Row

PROBLEMS = [
    (kt.zipf_problem(3, 6, 1), 12),
    (kt.dirichlet_problem(4, 8, 1), 40),
    (kt.zipf_problem(1, 12, 1), 300),
    (kt.zipf_problem(1, 2, 1), 1),
    (kt.instance(0, 4, 5), 30),
    (kt.Problem([0.75, 0.25], [[0.0, 0.0, 0.25, 0.75], [0.0, 0.5, 0.25, 0.25]]), 7),
    (kt.Problem([1.0], [[1e-310, 1e-12, 0.5, 0.5 - 1e-12]]), 50),
    (kt.Problem([1.0, 0.0], [[0.0, 1.0], [0.5, 0.5]]), 3),
]


@pytest.mark.parametrize(("problem", "n"), PROBLEMS)
def test_the_mean_is_that_of_the_exact_route(problem: kt.Problem, n: int) -> None:
    # Oracle: second algorithm, the exact route; 20 seeds, each |z| <= 4 and their mean square as of a normal law
    true = exact_risk(problem, "SEL_ptl", n)
    scores = []
    for seed in range(20):
        found = pairs.risk(rows_of(problem), n, 1e-2, seed)
        assert found.error <= 2e-2 * found.value + math.ulp(0.0)
        assert not found.proved
        scores.append((found.value - true.value) / (found.error + true.error) if found.error else 0.0)
    assert np.abs(scores).max() <= 4
    # The error includes draws that the sample lacks, so that it may be too large, and not too small.
    assert np.mean(np.square(scores)) <= 1 + 4 * math.sqrt(2 / 20)


def test_a_wrong_weight_of_pairs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: second algorithm, as above; planted: one draw less keeps a pair unseen
    right = pairs._pairs_of
    monkeypatch.setattr(pairs, "_pairs_of", lambda labels, n: right(labels, n - 1))
    with pytest.raises(AssertionError):
        test_the_mean_is_that_of_the_exact_route(*PROBLEMS[1])


def test_the_ratio_lies_between_its_bounds() -> None:
    # Oracle: enumeration, all sets of unseen labels in exact fractions
    rng = np.random.default_rng(4)
    for _ in range(30):
        p = [Fraction(int(x), 1000) for x in rng.integers(0, 1000, size=5)]
        for size in range(2, 6):
            for some in combinations(p, size):
                mean = sum(some) / size
                cost = sum(abs(x - mean) for x in some) / 2
                apart = sum(abs(x - y) for x, y in combinations(some, 2))
                assert apart / (2 * (size - 1)) <= cost <= apart / size


def test_rare_events_cost_no_more() -> None:
    # Oracle: limit, of n on: the pair that is most likely unseen; the risk is 1e-95 at n = 10^8
    problem = kt.tables.bundled_teacher("next_word")
    found = pairs.risk(rows_of(problem), 10**8, 1e-3, 0)
    assert found.error <= 1e-3 * found.value
    p, w = problem.teacher, problem.rho[:, None] * problem.teacher
    zeros = (p == 0).sum(axis=1)[:, None]
    with np.errstate(divide="ignore"):
        alone = problem.rho[:, None] * zeros / (zeros + 1) * p * np.exp(1e8 * np.log1p(-w))
    assert found.value == pytest.approx(alone[(p > 0) & (zeros > 0)].sum(), rel=2e-3, abs=0)


def test_the_error_of_a_tiny_risk_does_not_underflow() -> None:
    # Oracle: limit, two labels: the rarer one is unseen with probability (1 - w)^n, some 1e-217
    problem = kt.Problem([1.0], [[0.25, 0.75]])
    uneven = kt.Problem([1.0], [[0.0, 0.25, 0.75]])
    assert pairs.risk(rows_of(problem), 10**4, 1e-2, 0).value == 0.0  # one of two labels is always seen
    found = pairs.risk(rows_of(uneven), 1740, 1e-2, 0)
    assert found.value == pytest.approx(0.125 * 0.75**1740, rel=1e-3, abs=0)
    assert 1e-5 * found.value < found.error < 1e-2 * found.value


def test_sparse_rows_and_many_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, the same labels stored and not; a limit on what is listed
    dense = kt.Problem([0.5, 0.5], [[0.0, 0.0, 0.25, 0.75], [0.5, 0.0, 0.5, 0.0]])
    sparse = kt.Problem([0.5, 0.5], scipy.sparse.csr_array(np.asarray(dense.teacher)))
    assert sparse.sparse
    one, other = (pairs.risk(rows_of(problem), 30, 1e-2, 1) for problem in (dense, sparse))
    assert abs(one.value - other.value) <= 4 * math.hypot(one.error, other.error)
    monkeypatch.setattr(pairs, "MOST_PAIRS", 3)
    with pytest.raises(OutOfReach, match="more than 3 pairs"):
        pairs.risk(rows_of(sparse), 30, 1e-2, 1)


def test_auto_keeps_a_pair_unseen_where_few_labels_are() -> None:
    # Oracle: second algorithm, whole data sets to 3 %; |z| <= 4
    problem = kt.zipf_problem(1, 100, 1)
    with pytest.warns(UserWarning, match="pairs of unseen labels"):
        found = kt.expected_risk(problem, "SEL_ptl", 1500, seed=3)
    assert "pairs of unseen labels" in found.route
    assert not found.proved
    row = kt.simulate(problem, "SEL_ptl", 1500, 20_000, seed=1).iloc[0]
    assert abs(found - row["mean"]) <= 4 * math.hypot(found.error, row["mcse"])


def test_what_it_does_not_answer() -> None:
    # Oracle: none needed, the limits that the module states
    many = kt.zipf_problem(1, 50, 1)
    with pytest.raises(OutOfReach, match="many labels are unseen"):
        pairs.risk(rows_of(many), 10, 1e-3, 0)
    with pytest.raises(OutOfReach, match="uniform init"):
        pairs.risk(rows_of(many, many.teacher), 1000, 1e-3, 0)
    with pytest.raises(OutOfReach, match="too many"):
        pairs.risk(rows_of(many), 500, 1e-9, 0)


def test_one_seed_gives_one_number() -> None:
    # Oracle: identity
    problem = kt.zipf_problem(2, 20, 1)
    first, again = (pairs.risk(rows_of(problem), 1000, 1e-2, 5) for _ in range(2))
    assert first == again
    assert first.value != pairs.risk(rows_of(problem), 1000, 1e-2, 6).value


@pytest.mark.parametrize(
    ("n", "rho", "p", "zeros"),
    [
        (40, 1.0, [0.0, 0.0, 0.02, 0.08, 0.2, 0.7], 0),
        (300, 0.5, [0.001, 0.009, 0.04, 0.15, 0.8], 0),
        (6, 0.25, [0.1, 0.2, 0.7], 3),
        (2000, 1.0, [0.0, 0.001, 0.012, 0.027, 0.16, 0.8], 2),
        (3, 1.0, [1.0], 0),
    ],
)
def test_labels_that_are_seen_almost_surely_are_left_out(n: int, rho: float, p: list[float], zeros: int) -> None:
    # Oracle: fractions: the labels from which on 2 (1 - w)^n add to no more than a millionth of the lower bound
    size = len(p) + zeros
    row = Row(rho, np.array(p), np.full(len(p), 1 / size), 2, zeros, 1 / size if zeros else 0.0)
    w = [Fraction(rho) * Fraction(q) / sum(map(Fraction, p)) for q in p if q]
    never = [(1 - x) ** n for x in w]
    left_out = [2 * sum(never[first:]) for first in range(len(w) + 1)]
    keep = next(first for first, most in enumerate(left_out) if most <= Fraction(1e-6) * Fraction(bracket(row, n)[0]))
    found = pairs._labels_of(row, n)
    assert found.p.tolist() == [q for q in p if q][:keep]
    assert found.w.tolist() == pytest.approx([float(x) for x in w[:keep]], rel=1e-15, abs=0)
    assert found.mass == 2 * rho
    assert found.zeros == p.count(0.0) + zeros
    assert found.unseen == pytest.approx(float(sum(never[:keep])), rel=1e-12, abs=0)
    assert found.omitted == pytest.approx(float(2 * Fraction(rho) * left_out[keep]), rel=1e-12, abs=0)
    together = math.comb(keep, 2) + (keep if found.zeros else 0)
    assert found.size == together
    # The weight of the row: each pair's difference times the probability that both are unseen, times its mass.
    kept = [(Fraction(q), x) for q, x in zip([q for q in p if q][:keep], w, strict=False)]
    weight = sum((b - a) * (1 - v - x) ** n for (a, v), (b, x) in combinations(kept, 2))
    weight += found.zeros * sum(q * (1 - x) ** n for q, x in kept)
    assert pairs._pairs_of(found, n).weight == pytest.approx(float(2 * Fraction(rho) * weight), rel=1e-12, abs=0)
    # The fewest labels that are unseen together: all of probability 0 and another one, two at least.
    assert pairs._pairs_of(found, n).spread == 1 / max(2, found.zeros + 1)
