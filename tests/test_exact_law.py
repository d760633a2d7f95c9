"""The law of the risk: against every count table of the whole problem, in fractions."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import kt_theory as kt
import oracles
from kt_theory import Problem, instance
from kt_theory.exact import ful, law, sgl
from kt_theory.exact.law import RiskLaw, risk_law
from kt_theory.exact.rows import OutOfReach, distinct_rows
from kt_theory.learners import Learner
from kt_theory.protocols import top_k, top_k_only

LEARNERS = oracles.LEARNERS


def laws_in_fractions(rho, teacher, n: int, init=None) -> dict[str, Counter[Fraction]]:
    """Every count table of the whole problem, drawn label by label: risk -> probability, per learner."""
    S, A = len(teacher), len(teacher[0])
    init = [[Fraction(1, A)] * A] * S if init is None else init
    cells = [(s, a) for s in range(S) for a in range(A) if rho[s] * teacher[s][a] > 0]
    found: dict[str, Counter[Fraction]] = {name: Counter() for name in LEARNERS}
    for drawn in itertools.combinations_with_replacement(cells, n):
        counts = Counter(drawn)
        ways = Fraction(math.factorial(n), math.prod(math.factorial(k) for k in counts.values()))
        likely = ways * math.prod((rho[s] * teacher[s][a] for s, a in drawn), start=Fraction(1))
        risk = dict.fromkeys(LEARNERS, Fraction(0))
        for s in range(S):
            students = oracles.student_rows([counts[s, a] for a in range(A)], teacher[s], init[s])
            for name, student in students.items():
                risk[name] += rho[s] * sum(abs(x - y) for x, y in zip(student, teacher[s], strict=True)) / 2
        for name in LEARNERS:
            found[name][risk[name]] += likely
    return found


def check(got: RiskLaw, truth: Counter[Fraction]) -> None:
    values = sorted(truth)
    assert got.values.size == len(values)
    assert np.abs(got.values - np.array(values, dtype=float)).max() <= 1e-13
    assert got.probabilities == pytest.approx([float(truth[v]) for v in values], rel=1e-13, abs=0)
    assert (got.values[0] == 0) == (values[0] == 0)
    for x in (-0.1, 0.0, *map(float, values[:: max(1, len(values) // 7)]), 0.5, 1.0):
        above = sum((w for v, w in truth.items() if v > Fraction(x) + Fraction(1, 10**12)), Fraction(0))
        assert got.tail(x) == pytest.approx(float(above), rel=1e-12, abs=0)
        assert got.cdf(x) == pytest.approx(float(1 - above), rel=1e-12, abs=0)


SHAPES = [(1, 1, 3), (1, 2, 7), (1, 3, 5), (2, 1, 4), (2, 2, 5), (2, 3, 3), (3, 2, 4), (3, 2, 0), (2, 3, 1), (1, 4, 5)]


@pytest.mark.parametrize(("S", "A", "n"), SHAPES)
@pytest.mark.parametrize("seed", range(5))
def test_law_of_small_problems(S, A, n, seed):
    # Oracle: enumeration, all count tables of the whole problem in fractions; zeros in rho, rows and init
    rng = np.random.default_rng([seed, S, A, n])
    rho = oracles.rational_law(rng, S, zeros=seed % 2 == 1)
    teacher, init = ([oracles.rational_law(rng, A, zeros=seed % 3 > 0) for _ in range(S)] for _ in range(2))
    init = None if seed == 0 else init
    problem = Problem(np.array(rho, dtype=float), np.array(teacher, dtype=float))
    start = None if init is None else np.array(init, dtype=float)
    truth = laws_in_fractions(rho, teacher, n, init)
    for learner in LEARNERS:
        check(risk_law(problem, learner, n, start), truth[learner])


def test_the_check_can_fail():
    # Oracle: enumeration, planted: one sample fewer, another learner, a value that is off, a weight that is off
    rho, teacher = [Fraction(1, 4), Fraction(3, 4)], [[Fraction(1, 3), Fraction(2, 3)], [Fraction(1, 2)] * 2]
    problem = Problem(np.array(rho, dtype=float), np.array(teacher, dtype=float))
    truth = laws_in_fractions(rho, teacher, 3)
    right = risk_law(problem, "CE_sgl", 3)
    check(right, truth["CE_sgl"])
    wrong = [
        risk_law(problem, "CE_sgl", 2),
        risk_law(problem, "CE_ptl", 3),
        RiskLaw(right.values + 1e-12, right.probabilities),
        RiskLaw(right.values, right.probabilities[::-1]),
    ]
    for candidate in wrong:
        with pytest.raises(AssertionError):
            check(candidate, truth["CE_sgl"])


@pytest.mark.parametrize(
    "problem", [instance(0, 3, 3), instance(2, 2, 5, 8), instance(3, 3, 4, 8)], ids=lambda p: p.name
)
def test_mean_is_the_expected_risk(problem):
    # Oracle: second algorithm, the closed forms and Moebius inversion over the unseen sets
    n = 8
    rows = distinct_rows(problem.rho, problem.teacher, np.full(problem.teacher.shape, 1 / problem.A))
    truth = {
        "CE_ful": sum(row.times * ful.row_risk(row, n).value for row in rows),
        "CE_sgl": sum(row.times * sgl.row_risk(row, n).value for row in rows),
        "SEL_ptl": oracles.exact_sel_ptl_small(problem.rho, problem.teacher, n),
    }
    for learner, mean in truth.items():
        got = risk_law(problem, learner, n)
        assert got.mean() == pytest.approx(mean, rel=1e-12, abs=0), learner
        assert math.fsum(got.probabilities) == pytest.approx(1, rel=1e-14, abs=0)


def test_one_input_and_many_samples():
    # Oracle: mpmath, binomial tail at 40 digits: |Bin(n, p)/n - p| > x for two labels
    n, p, x = 20_000, 0.3, 0.01
    got = risk_law(Problem([1.0], [[p, 1 - p]]), "CE_sgl", n)
    with mpmath.workdps(40):
        exact = mpmath.mpf(p)
        chance = lambda k: mpmath.binomial(n, k) * exact**k * (1 - exact) ** (n - k)  # noqa: E731
        inside = mpmath.fsum(chance(k) for k in range(5801, 6200))
        truth = float(1 - inside - chance(5800) - chance(6200))  # a risk of 0.01 but for rounding is not above 0.01
    assert got.tail(x) == pytest.approx(truth, rel=1e-11, abs=0)
    assert got.tail(x - 1e-12) > got.tail(x)
    assert math.fsum(got.probabilities) == pytest.approx(1, rel=1e-12, abs=0)


def test_number_of_unvisited_inputs():
    # Oracle: enumeration, inclusion-exclusion in fractions over 20 equal inputs: P(k empty boxes)
    S, n = 20, 45
    got = risk_law(instance(0, S, 2), "CE_ful", n)
    one = 0.25 / S
    for k in range(4):
        empty = sum(
            (-1) ** j * math.comb(S - k, j) * Fraction(S - k - j, S) ** n * math.comb(S, k) for j in range(S - k + 1)
        )
        assert got.cdf(k * one) - got.cdf((k - 0.5) * one) == pytest.approx(float(empty), rel=1e-11, abs=0)


def test_quantiles_by_hand():
    # Oracle: identity, a coin thrown twice: the risk is 0 or 1/2, equally likely
    got = risk_law(Problem([1.0], [[0.5, 0.5]]), "CE_sgl", 2)
    assert [got.quantile(q) for q in (1e-9, 0.5, 0.5 + 1e-9, 1.0)] == [0.0, 0.0, 0.5, 0.5]
    assert (got.tail(0.5), got.tail(0.5 - 1e-12), got.tail(-1), got.cdf(-1)) == pytest.approx(
        (0.0, 0.5, 1.0, 0.0), rel=1e-15, abs=0
    )


@pytest.mark.parametrize("learner", LEARNERS)
def test_near_deterministic_rows(learner):
    # Oracle: second algorithm, the risk after one draw of either label, written down
    p = 1e-9
    got = risk_law(Problem([1.0], [[p, 1 - p]]), learner, 1)
    costs = {"CE_sgl": (1 - p, p), "CE_ptl": (1 - p, p), "SEL_ptl": (0.0, 0.0), "CE_ful": (0.0, 0.0)}[learner]
    truth = Counter()
    for cost, likely in zip(costs, (p, 1 - p), strict=True):
        truth[cost] += likely
    assert got.values == pytest.approx(sorted(truth), rel=0, abs=1e-15)
    assert got.probabilities == pytest.approx([truth[v] for v in sorted(truth)], rel=1e-14, abs=0)


def test_chance_of_an_error_is_not_rounding():
    # Oracle: identity, SEL_ptl of three labels errs if and only if one label alone was drawn
    seen_all = risk_law(Problem([1.0], [[0.1, 0.2, 0.7]]), "SEL_ptl", 40)  # 1 - (0.1 + 0.2 + 0.7) is 1.1e-16
    with mpmath.workdps(30):
        one_label_only = sum(mpmath.mpf(x) ** 40 for x in (0.1, 0.2, 0.7))
    assert seen_all.tail(0.0) == pytest.approx(float(one_label_only), rel=1e-13, abs=0)


def test_relabelling_changes_nothing():
    # Oracle: identity, inputs and labels in another order
    problem = instance(3, 3, 4, 8)
    turned = Problem(problem.rho[::-1].copy(), problem.teacher[::-1, ::-1].copy())
    for learner in LEARNERS:
        one, other = risk_law(problem, learner, 6), risk_law(turned, learner, 6)
        assert one.values == pytest.approx(other.values, rel=0, abs=1e-13)
        assert one.probabilities == pytest.approx(other.probabilities, rel=1e-12, abs=0)


def test_out_of_reach_says_what_to_do():
    for problem, n in (
        (instance(0, 3, 30), 10),
        (Problem([0.5, 0.5], [[1.0], [1.0]]), 10**9),
        (instance(0, 40, 3), 60),
    ):
        with pytest.raises(OutOfReach, match=r"exceed the cap of 2000000 .* kt_theory.sample_risks"):
            risk_law(problem, "CE_sgl", n)


def test_choices_among_ties_count():
    # Oracle: enumeration, the sets that a protocol tells; C(100, 50) and C(50_000, 25_000) of them end nothing
    rng = np.random.default_rng(1)
    for protocol in (top_k(2), top_k(5), top_k_only(1), top_k(2, lists_last=False)):
        for p in (rng.dirichlet(np.ones(5)), np.full(5, 0.2), np.array([0.3, 0.3, 0.2, 0.2, 0.0])):
            assert protocol.choices(p) == sum(1 for _ in protocol.told_sets(p))
    for A in (100, 50_000):
        with pytest.raises(OutOfReach, match=r"more than 10\^\d+ counts .* exceed the cap of 2000000"):
            risk_law(instance(0, 1, A), f"SEL@top_k:{A // 2}", 1)


def test_bad_arguments():
    problem = instance(0, 2, 2)
    for arguments, words in (
        ((problem, "MLE", 2), "learner is 'MLE'"),
        ((problem, "CE_sgl", -1), "n is -1"),
        ((problem, "CE_sgl", 2, [[1.0, 0.5]] * 2), r"init\[0\] sums to 1.5"),
        ((problem, "CE_sgl", 2, [[0.5, 0.5]]), "init has shape"),
    ):
        with pytest.raises(ValueError, match=words):
            risk_law(*arguments)
    got = risk_law(problem, "CE_sgl", 2)
    for q in (0, 1.1, math.nan):
        with pytest.raises(ValueError, match="q"):
            got.quantile(q)
    with pytest.raises(ValueError, match="x is nan"):
        got.tail(math.nan)
    with pytest.raises(ValueError, match="read-only"):
        got.values[0] = 1.0


def test_merging_keeps_the_mean_and_the_zero():
    # Oracle: identity
    visits = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
    values = np.array([0.3, 2e-14, 0.3 + 1e-14, 0.0, 0.4])
    _, values, likely = law.merged(visits, values, np.array([0.1, 0.2, 0.3, 0.1, 0.3]))
    assert values.tolist() == [0.0, pytest.approx(0.3, rel=1e-13, abs=0), 0.4]
    assert likely == pytest.approx([0.3, 0.4, 0.3], rel=1e-15, abs=0)


def test_a_learner_of_ones_own_has_a_law():
    # Oracle: identity, add-one smoothing of a fair coin: after n tosses it says (1 + k) / (n + 2)
    add_one = Learner("add one", "hard", lambda counts, revealed, init: (counts + 1) / (counts.sum(1) + 2)[:, None])
    law = risk_law(kt.Problem([1.0], [[0.5, 0.5]]), add_one, n=2)
    assert law.values.tolist() == [0.0, 0.25]
    assert law.probabilities == pytest.approx([0.5, 0.5], rel=1e-14, abs=0)
    data = kt.TransferSet.from_counts([[2, 0]])
    assert kt.fit(data, add_one).tolist() == [[0.75, 0.25]]


def test_a_learner_of_ones_own_sees_no_more_than_its_protocol_shows():
    # Oracle: identity, a copy of a learner under another name has the same law
    problem = kt.dirichlet_problem(2, 3, seed=4, rho_alpha=1.0)
    for name, entry in kt.LEARNERS.items():
        copy = Learner(f"copy of {name}", entry.protocol, entry.fit)
        own, law = risk_law(problem, copy, 3), risk_law(problem, name, 3)
        assert own.values == pytest.approx(law.values, rel=1e-14, abs=1e-15)
        assert own.mean() == pytest.approx(law.mean(), rel=1e-12, abs=0)
    peeking = Learner("peeking", "hard", lambda counts, revealed, init: revealed)
    with pytest.raises(ValueError, match=r"what peeking answers\[0, 0\] is nan"):
        risk_law(problem, peeking, 1)
    with pytest.raises(ValueError, match=r"what heavy answers\[0\] sums to 2"):
        kt.fit(kt.TransferSet.from_counts([[1, 0]]), Learner("heavy", "hard", lambda c, r, i: np.ones(c.shape)))
