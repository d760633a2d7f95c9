"""Greedy decoding: choices, exact expected risks, minimax regrets, and what a log-probability is worth."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import scipy.stats

import kt_theory as kt
from kt_theory.decoding import contour
from kt_theory.decoding import hard as hard_choices
from kt_theory.decoding import partial as partial_choices
from kt_theory.exact.rows import OutOfReach
from kt_theory.minimax.constants import kappa
from tests import oracles

PROTOCOLS = ("hard", "partial", "soft")
KINDS = ("regret", "disagreement")


# --- Choices ----------------------------------------------------------------------------------------------


def test_ties_and_unvisited_inputs_are_answered_at_random():
    # Oracle: enumeration by hand
    counts = [[2, 2, 1], [0, 0, 0], [1, 0, 0]]
    teacher = [[0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.25, 0.75, 0.0]]
    named = {p: kt.greedy(kt.TransferSet.from_counts(counts, teacher, p)).tolist() for p in PROTOCOLS}
    third = [1 / 3] * 3
    assert named["hard"] == [[0.5, 0.5, 0], third, [1, 0, 0]]
    assert named["partial"] == [[0, 0, 1], third, [0, 0.5, 0.5]]  # 0.25 is below the mean of what is not seen
    assert named["soft"] == [[0, 0, 1], third, [0, 1, 0]]
    sparse = scipy.sparse.coo_array(np.array(counts))
    for protocol in PROTOCOLS:
        data = kt.TransferSet.from_counts(sparse, scipy.sparse.coo_array(np.array(teacher)), protocol)
        assert kt.greedy(data).tolist() == named[protocol]
    tables = np.array(named["partial"])
    assert (kt.greedy(tables) == tables).all()


def test_the_disagreement_is_the_divergence_top1():
    # Oracle: identity, one definition; the regret is at most the largest gap times it
    rng = np.random.default_rng(1)
    for _ in range(30):
        problem = kt.Problem(rng.dirichlet(np.ones(3)), rng.multinomial(8, np.full(4, 0.25), 3) / 8)
        student = rng.multinomial(6, np.full(4, 0.25), 3) / 6
        apart = kt.DIVERGENCES["top1"].rows(student, problem.teacher)
        assert kt.greedy_risk(student, problem, "disagreement") == pytest.approx(float(problem.rho @ apart), abs=1e-15)
        by_hand = 0.0
        for mass, q, p in zip(problem.rho, student, problem.teacher, strict=True):
            best = [a for a in range(4) if q[a] == q.max()]
            by_hand += mass * (p.max() - sum(p[a] for a in best) / len(best))
        assert kt.greedy_risk(student, problem) == pytest.approx(by_hand, abs=1e-15)


# --- Exact expected risks ---------------------------------------------------------------------------------


def in_fractions(protocol: str, kind: str, mass: Fraction, p: list[Fraction], n: int) -> Fraction:
    """What one input of mass `mass` adds, by every count table of its labels."""
    A, best = len(p), max(p)
    total = Fraction(0)
    for counts in oracles._compositions(n, A + 1):
        weight = Fraction(math.factorial(n)) * (1 - mass) ** counts[-1] / math.factorial(counts[-1])
        for x, k in zip(p, counts, strict=False):
            weight *= (mass * x) ** k / math.factorial(k)
        if not weight:
            continue
        learner = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful"}[protocol]
        student = oracles.student_rows(counts[:-1], p, [Fraction(1, A)] * A)[learner]
        named = [a for a in range(A) if student[a] == max(student)]
        if kind == "regret":
            total += weight * (best - sum((p[a] for a in named), Fraction(0)) / len(named))
        else:
            total += weight * Fraction(sum(p[a] < best for a in named), len(named))
    return mass * total


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 29)) for seed in range(60)])
def test_exact_risks_are_those_of_all_count_tables(seed):
    # Oracle: enumeration in fractions, every count table; S <= 3, A <= 5, n <= 6, zeros and ties among them
    rng = np.random.default_rng(seed)
    S, A, n = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(0, 7 if seed % 3 == 0 else 5))
    rho = oracles.rational_law(rng, S, 8)
    teacher = [oracles.rational_law(rng, A, 8, zeros=True) for _ in range(S)]
    problem = kt.Problem(np.array(rho, dtype=float), np.array(teacher, dtype=float))
    for protocol, kind in itertools.product(PROTOCOLS, KINDS):
        truth = sum((in_fractions(protocol, kind, m, p, n) for m, p in zip(rho, teacher, strict=True)), Fraction(0))
        found = kt.expected_greedy_risk(problem, protocol, n, kind)
        assert abs(found.value - truth) <= 1e-13
        oracles.honest(found, truth)
        assert found.proved


def test_a_wrong_tie_or_a_wrong_choice_is_seen():
    # Oracle: enumeration in fractions; planted: ties by the order of the labels, and unseen labels never named
    p, half = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)], Fraction(1, 2)
    problem = kt.Problem([1.0], [[0.5, 0.25, 0.25]])
    first = sum(
        (
            Fraction(math.factorial(2))
            * math.prod(x**k / Fraction(math.factorial(k)) for x, k in zip(p, c, strict=True))
            * (half - p[c.index(max(c))])
            for c in oracles._compositions(2, 3)
        ),
        Fraction(0),
    )
    assert abs(kt.expected_greedy_risk(problem, "hard", 2).value - float(first)) > 0.01
    # After one draw of 1/4 (probability 1/2) an unseen label is named: 1/2 - 3/8. Naming what was seen would cost 1/4.
    assert kt.expected_greedy_risk(problem, "partial", 1).value == pytest.approx(0.5 * 0.125, abs=1e-15)


def test_poisson_counts_give_any_number_of_samples():
    # Oracle: mpmath, the sum over the visits of binomial means; labels of a row of three, n = 300
    p, rho, n = [0.4, 0.35, 0.25], 0.3, 300
    problem = kt.Problem([rho, 1 - rho], [p, [1.0, 0.0, 0.0]])
    log = [math.lgamma(i + 1) for i in range(n + 1)]
    total = 0.0
    for m in range(1, n + 1):
        visits = math.exp(log[n] - log[m] - log[n - m] + m * math.log(rho) + (n - m) * math.log1p(-rho))
        if visits < 1e-18:
            continue
        lost = 0.0
        for a in range(m + 1):
            b = np.arange(m - a + 1)
            c = m - a - b
            weights = np.exp(
                log[m]
                - log[a]
                - np.array(log)[b]
                - np.array(log)[c]
                + a * math.log(p[0])
                + b * math.log(p[1])
                + c * math.log(p[2])
            )
            top = np.maximum(np.maximum(b, c), a)
            ties = (top == a).astype(int) + (b == top) + (c == top)
            lost += float(weights @ ((0.05 * (b == top) + 0.15 * (c == top)) / ties))
        total += visits * lost
    never = 0.7**n * (0.4 - 1 / 3)
    other = (1 - rho) * (1 - rho if n == 0 else rho**n) * (1 - 1 / 3)
    found = kt.expected_greedy_risk(problem, "hard", n)
    assert found.value == pytest.approx(rho * (total + never) + other, abs=3e-13)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("n", [100, 2000])
def test_exact_risks_are_those_of_simulated_students(protocol, n):
    # Oracle: simulation, |z| <= 4; disagreement by the divergence top1 of the package's own simulation
    rng = np.random.default_rng(3)
    teacher = rng.dirichlet(np.full(6, 0.7), 12)
    teacher[::2] = np.round(teacher[::2] * 16 + 0.5) / np.round(teacher[::2] * 16 + 0.5).sum(axis=1, keepdims=True)
    problem = kt.Problem(rng.dirichlet(np.full(12, 0.5)), teacher)
    learner = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful"}[protocol]
    row = kt.simulate(problem, learner, n, 4000, seed=4, divergence="top1").iloc[0]
    exact = kt.expected_greedy_risk(problem, protocol, n, "disagreement")
    assert abs(row["mean"] - exact.value) <= 4 * row["mcse"] + exact.error
    regrets = [kt.greedy_risk(kt.draw(problem, protocol, n, seed=i), problem) for i in range(150)]
    exact = kt.expected_greedy_risk(problem, protocol, n)
    assert abs(np.mean(regrets) - exact.value) <= 4 * np.std(regrets) / math.sqrt(150) + exact.error


@pytest.mark.slow
@pytest.mark.parametrize("n", [10**2, 10**3, 10**4, 10**5, 10**6])
def test_exact_risks_of_many_samples_are_simulated(n):
    # Oracle: simulation of multinomial counts, |z| <= 4: rows whose leader is ahead by a few standard errors
    rng = np.random.default_rng(n)
    for k in (2, 6):
        lead = 1.2 / math.sqrt(k * n)
        p = np.full(k, (1 - lead) / k)
        p[0] += lead
        found = kt.expected_greedy_risk(kt.Problem([1.0], [p]), "hard", n)
        counts = rng.multinomial(n, p, size=200_000)
        best = counts == counts.max(axis=1, keepdims=True)
        lost = lead * (1 - best[:, 0] / best.sum(axis=1))
        assert abs(lost.mean() - found.value) <= 4 * lost.std() / math.sqrt(lost.size)
        assert found.error < 4e-12


def test_two_labels_at_a_million_samples():
    # Oracle: mpmath, the binomial tail and half of its middle
    n, p = 10**6, 0.5005
    found = kt.expected_greedy_risk(kt.Problem([0.01, 0.99], [[p, 1 - p], [0.5, 0.5]]), "hard", n, "disagreement")
    assert found.error < 1e-11
    with mpmath.workdps(30):
        total = mpmath.mpf(0)
        for m in range(9000, 11001):
            low, middle = scipy.stats.binom.cdf((m - 1) // 2, m, p), 0.0
            if m % 2 == 0:
                middle = 0.5 * scipy.stats.binom.pmf(m // 2, m, p)
            total += scipy.stats.binom.pmf(m, n, 0.01) * (low + middle)
    assert found.value == pytest.approx(0.01 * float(total), rel=1e-9, abs=0)


def test_rows_out_of_reach_are_refused():
    # Oracle: identity, the limit is named
    row = np.arange(1, 26.0) / np.arange(1, 26.0).sum()
    with pytest.raises(OutOfReach, match="sets of unseen labels of a row of 25"):
        kt.expected_greedy_risk(kt.Problem([1.0], [row]), "partial", 30)
    close = 1 / 25 + 1e-7 * np.arange(-12, 13.0)
    with pytest.raises(OutOfReach, match="steps for 25 labels"):
        kt.expected_greedy_risk(kt.Problem([1.0], [close]), "hard", 10**9)
    wide = kt.expected_greedy_risk(kt.Problem([1.0], [np.full(300, 1 / 300)]), "hard", 200)
    assert wide.value == 0.0


# --- Bounds for every teacher, and one teacher ------------------------------------------------------------


def test_the_bounds_of_the_regret_hold():
    # Oracle: identity on random problems: partial (1 - 1/A) sum x (1-x)^n and (1 - 1/A) S phi(n); hard by its deviation
    rng = np.random.default_rng(5)
    for i in range(12):
        S, A = int(rng.integers(1, 4)), int(rng.integers(2, 6))
        problem = kt.Problem(rng.dirichlet(np.ones(S)), rng.dirichlet(np.full(A, 0.6), S))
        x = problem.rho * problem.teacher.max(axis=1)
        for n in (1, 3, 10, 40):
            partial, hard = (kt.expected_greedy_risk(problem, p, n).value for p in ("partial", "hard"))
            assert partial <= (1 - 1 / A) * float((x * (1 - x) ** n).sum()) + 1e-13, i
            assert hard <= (1 - 1 / A) * math.sqrt(2 * S / (n + 1)) + 1e-13
            for protocol, value in (("partial", partial), ("hard", hard)):
                assert value <= kt.minimax_greedy(protocol, S, A, n).upper + 1e-13
            wrong = kt.expected_greedy_risk(problem, "partial", n, "disagreement").value
            assert wrong <= float((problem.rho * (1 - x) ** n).sum()) + 1e-13
            wrong = kt.expected_greedy_risk(problem, "hard", n, "disagreement").value
            p = np.sort(problem.teacher, axis=1)[:, ::-1]
            gaps = 1 - problem.rho[:, None] * (np.sqrt(p[:, :1]) - np.sqrt(p[:, 1:])) ** 2
            assert wrong <= float((problem.rho[:, None] * gaps**n).sum()) + 1e-13


def test_the_exchange_rate_is_the_ratio_of_exponents():
    # Oracle: limit, the exponents of exact disagreements of a light input: log of the ratio between n and 2 n
    rho, p = 0.002, np.array([0.6, 0.25, 0.15])
    problem = kt.Problem([rho, 1 - rho], [p, [1.0, 0, 0]])
    slope = {}
    for protocol, n in (("partial", 4000), ("hard", 40_000)):
        here, there = (kt.expected_greedy_risk(problem, protocol, m, "disagreement").value for m in (n, 2 * n))
        slope[protocol] = math.log(here / there) / n
    assert slope["hard"] == pytest.approx(rho * (math.sqrt(0.6) - 0.5) ** 2, rel=0.12, abs=0)
    assert slope["partial"] >= rho * 0.6
    assert slope["partial"] / slope["hard"] >= 0.88 * kt.exchange_rate(p)
    rates = [kt.exchange_rate(np.array([1, x]) / (1 + x)) for x in (0.25, 0.5, 0.75, 0.9, 0.99)]
    assert rates == pytest.approx([4, 11.6568542, 55.7128129, 379.7366, 39_799.75], rel=1e-6, abs=0)
    assert kt.exchange_rate([1.0]) == kt.exchange_rate([0.0, 1.0]) == 1.0
    assert kt.exchange_rate([0.5, 0.5]) == math.inf


# --- Minimax ----------------------------------------------------------------------------------------------

#: S = 1, hard labels: n -> the regret of the hardest row of k labels, one of which leads, for A = 2, 3, 4, 6, 10.
HARDEST = {
    1: (0.1250000000, 0.1666666667, 0.1875000000, 0.2083333333, 0.2250000000),
    2: (0.1250000000, 0.1666666667, 0.1875000000, 0.2083333333, 0.2250000000),
    5: (0.0705528781, 0.0988543942, 0.1096371524, 0.1188532937, 0.1260286825),
    10: (0.0543088931, 0.0691129521, 0.0768608242, 0.0828895072, 0.0865177569),
    50: (0.0240894044, 0.0308090002, 0.0335811553, 0.0354691447, 0.0357845432),
    200: (0.0120252990, 0.0153137164, 0.0165908625, 0.0173449421, 0.0173925664),
}


@pytest.mark.parametrize("n", [1, 2, 5, 10, 50, pytest.param(200, marks=pytest.mark.slow)])
def test_the_hardest_rows_for_hard_labels(n):
    # Oracle: second algorithm, another program's convolutions of truncated Poisson laws and another search
    found = [kt.minimax_greedy("hard", 1, A, n).lower for A in (2, 3, 4, 6, 10)]
    assert found == pytest.approx(HARDEST[n], abs=1e-9)


def test_a_regret_whose_error_is_estimated_is_no_proof():
    # Oracle: identity, the regret at the instance says itself whether its error is proved: 200 labels may tie
    for sizes, grade in (((1, 10, 100), "proved"), ((200, 200, 200), "estimated")):
        found = kt.minimax_greedy("hard", *sizes)
        risk = kt.expected_greedy_risk(found.instance, "hard", sizes[-1])
        assert (found.lower_end.grade, risk.proved) == (grade, grade == "proved")
        assert risk.value == pytest.approx(found.lower, rel=1e-6, abs=0)


def test_kappa():
    # Oracle: mpmath, the same integral to 20 digits; published with the constants, R_k / sqrt k for k = 2 .. 6
    values = {2: 0.1699712075, 3: 0.2150615653, 4: 0.2315644868, 5: 0.2378453631, 6: 0.2396507875, 7: 0.2396507875}
    for A, value in values.items():
        assert kappa(A)[0] == pytest.approx(value, abs=1e-10)
    _, k, d = kappa(10)
    assert k == 6
    with mpmath.workdps(20):
        integral = mpmath.quad(lambda z: mpmath.npdf(z - d) * mpmath.ncdf(z) ** 5, [-8, -2, 0, 2, 4, 10])
        assert kappa(10)[0] == pytest.approx(float(d * (1 - integral) / mpmath.sqrt(6)), abs=1e-14)
    assert kt.minimax_constant("greedy", 4, 1) == 0.0
    assert kt.minimax_constant("greedy", 9, 50) == pytest.approx(3 * 0.2396507875, abs=1e-9)
    late = kt.minimax_greedy("hard", 3, 8, 300_000)
    assert late.lower * math.sqrt(300_000) == pytest.approx(kt.minimax_constant("greedy", 3, 8), rel=2e-3, abs=0)


def unvisited_by_search(S, n):
    """The largest expected mass of unvisited inputs: S - 1 equal masses and one more, by a grid refined five times."""
    low, high = 0.0, 1 / max(S - 1, 1)
    for _ in range(5):
        x = np.linspace(low, high, 2001)
        rest = np.maximum(1 - (S - 1) * x, 0)
        mass = (S - 1) * x * (1 - x) ** n + rest * (1 - rest) ** n
        best = int(mass.argmax())
        low, high = x[max(best - 1, 0)], x[min(best + 1, 2000)]
    return float(mass.max())


def test_intervals_of_the_minimax_regret():
    # Oracle: second algorithm, a grid over two masses; identity, a protocol that reveals more has the smaller value,
    # n < S is exact, the factor S / (S - 1)
    for S, A, n in ((1, 3, 2), (3, 4, 2), (3, 4, 3), (10, 10, 1000), (2, 2, 0)):
        soft, partial, hard = (kt.minimax_greedy(p, S, A, n) for p in ("soft", "partial", "hard"))
        assert soft.exact
        assert soft.lower == pytest.approx((1 - 1 / A) * unvisited_by_search(S, n), rel=1e-8, abs=0)
        # A share for every label, or one of another n, would be seen.
        assert S == 1 < n or soft.lower != pytest.approx(unvisited_by_search(S, n), rel=1e-8, abs=0)
        assert (
            S == 1
            or n == 0
            or soft.lower != pytest.approx((1 - 1 / A) * unvisited_by_search(S, n + 1), rel=1e-8, abs=0)
        )
        assert soft.lower <= partial.lower <= partial.upper
        assert partial.lower <= hard.upper
        assert hard.lower <= hard.upper
        if n < S:
            assert partial.exact
            assert partial.lower == pytest.approx((1 - 1 / A) * (1 - 1 / S) ** n, rel=1e-14, abs=0)
        elif S > 1:
            assert partial.upper / partial.lower <= S / (S - 1) + 1e-12
    wide = kt.minimax_greedy("partial", 10, 10, 1000)
    assert wide.upper / wide.lower < 1.12
    hard = kt.minimax_greedy("hard", 2, 5, 40)
    assert kt.expected_greedy_risk(hard.instance, "hard", 40).value == pytest.approx(hard.lower, rel=1e-9, abs=0)
    partial = kt.minimax_greedy("partial", 4, 3, 50)
    assert kt.expected_greedy_risk(partial.instance, "partial", 50).value <= partial.upper


@pytest.mark.parametrize(("A", "n"), [(3, 1), (3, 5), (5, 5), (20, 30)])
def test_one_input_of_partial_soft_labels(A, n):
    # Oracle: search, exact regrets of random rows; after one draw of three labels in fractions
    found = kt.minimax_greedy("partial", 1, A, n)
    assert 0 < found.lower <= found.upper
    instance = kt.expected_greedy_risk(found.instance, "partial", n)
    assert instance.value == pytest.approx(found.lower, rel=1e-9, abs=0)
    rng = np.random.default_rng(A)
    for i in range(60 if A < 8 else 0):
        row = rng.dirichlet(np.full(A, (0.3, 1.0, 4.0)[i % 3]))
        assert kt.expected_greedy_risk(kt.Problem([1.0], [row]), "partial", n).value <= found.lower * (1 + 1e-6)
    if (A, n) == (3, 1):
        # (p, 1 - p, 0), p > 1/2: after 1 - p one of two is named at random if p/2 is more, else 1 - p is: at p = 2/3,
        # 1/3 * 1/3.
        assert found.lower == pytest.approx(1 / 9, abs=1e-7)


@pytest.mark.parametrize(("A", "n"), [(5, 3000), (5, 3160), (5, 3170), (5, 10**6), (40, 10**15)])
def test_ends_that_underflow_are_no_exact_zero(A, n):
    # Oracle: mpmath, (1 - 1/A)^(n+1) / A, the upper end of one input
    found = kt.minimax_greedy("partial", 1, A, n)
    with mpmath.workdps(40):
        truth = (1 - mpmath.mpf(1) / A) ** (n + 1) / A
        assert mpmath.mpf(found.upper) * (1 + mpmath.mpf(10) ** -12) >= truth
        assert found.upper < truth * (1 + mpmath.mpf(10) ** -11) or found.upper < 2.3e-308
    assert found.lower < found.upper
    assert not found.exact
    if n >= 3170:
        assert str(found).endswith("in [0, 2.225073859e-308]")


def test_regrets_that_underflow_have_an_error():
    # Oracle: mpmath, (0.7 - 1/3) 2^-n; what is exactly 0 has no error
    half = kt.Problem([0.5, 0.5], [[0.7, 0.3, 0.0], [0.7, 0.3, 0.0]])
    for n in (1000, 1060, 10**6):
        found = kt.expected_greedy_risk(half, "soft", n)
        with mpmath.workdps(30):
            assert abs(found.value - (mpmath.mpf(0.7) - mpmath.mpf(1) / 3) * mpmath.mpf(2) ** -n) <= found.error
        assert 0 < found.error < 1e-290
        assert 0 < kt.expected_greedy_risk(half, "partial", 10**6).error < 1e-290
    assert kt.expected_greedy_risk(kt.Problem([1.0], [[0.7, 0.3]]), "soft", 1).error == 0.0
    assert kt.expected_greedy_risk(kt.Problem([0.5, 0.5], np.full((2, 4), 0.25)), "soft", 3).error == 0.0


def test_one_label_of_two_tells_the_other():
    # Oracle: identity, soft labels
    for S, n in ((1, 1), (1, 9), (5, 30)):
        partial, soft = (kt.minimax_greedy(p, S, 2, n) for p in ("partial", "soft"))
        assert (partial.lower, partial.upper, partial.exact) == (soft.lower, soft.upper, True)


def test_the_choices_are_bayes_over_the_relabellings():
    # Oracle: enumeration in fractions: for each data set the best label of the posterior over all relabellings
    for p, n in (([5, 2, 1], 3), ([4, 4, 0], 2), ([3, 3, 2], 3)):
        row = [Fraction(x, sum(p)) for x in p]
        problem = kt.Problem([1.0], [np.array(row, dtype=float)])
        for protocol in ("hard", "partial"):
            posterior: dict[Any, list[Fraction]] = {}
            orders = list(itertools.permutations(row))
            for order in orders:
                for draws in itertools.product(range(3), repeat=n):
                    weight = math.prod((order[a] for a in draws), start=Fraction(1)) / len(orders)
                    shown = draws if protocol == "hard" else (draws, tuple(order[a] for a in draws))
                    mean = posterior.setdefault(shown, [Fraction(0)] * 3)
                    for a in range(3):
                        mean[a] += weight * order[a]
            best = max(row) - sum((max(mean) for mean in posterior.values()), Fraction(0))
            assert kt.expected_greedy_risk(problem, protocol, n).value == pytest.approx(float(best), abs=1e-14)


def test_the_figure_shows_what_the_functions_find():
    # Oracle: identity, both ends of the games in order and the bounds of the guide; exact regrets computed again
    figures = Path(kt.__file__).parents[1] / "figures"
    games = pd.read_csv(figures / "greedy_minimax.csv")
    assert (games["lower"] <= games["upper"]).all()
    far = games[games["n"] == 10**6].set_index("protocol")
    assert far.loc["hard", "lower"] == pytest.approx(0.2396508 * math.sqrt(10 / 1e6), rel=2e-3, abs=0)
    assert far.loc["soft", "lower"] == pytest.approx(0.9 * 9 / (math.e * 1e6), rel=1e-3, abs=0)
    problem = kt.zipf_problem(S=20, A=8, seed=1)
    for row in pd.read_csv(figures / "greedy.csv").iloc[::9].itertuples():
        found = kt.expected_greedy_risk(problem, row.protocol, row.n)
        assert found.value == pytest.approx(row.mean, rel=1e-12, abs=found.error)
    rates = pd.read_csv(figures / "greedy_exchange.csv")
    p, q = (rates["top_two"] + rates["margin"]) / 2, (rates["top_two"] - rates["margin"]) / 2
    np.testing.assert_allclose(rates["rate"], 1 / (1 - np.sqrt(q / p)) ** 2, rtol=1e-9)


# --- What the exact risks are made of ---------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0.0, 1e-3, 0.5, 7.3, 30.5])
def test_factors_on_the_circle_keep_their_digits(mean):
    # Oracle: mpmath, exp(mean (e^{i theta} - 1)) in 40 digits; on both sides of theta = 0.05, where the series ends
    K = 240
    k = np.arange(K // 2 + 1)
    found = contour.poisson_factor(mean, k, K)
    with mpmath.workdps(40):
        for i in (0, 1, 2, 3, 40, 77, 120):
            truth = mpmath.exp(mpmath.mpf(mean) * (mpmath.expjpi(mpmath.mpf(2 * i) / K) - 1))
            assert abs(complex(truth) - found[i]) <= 1e-14 * abs(complex(truth)) * (1 + mean)
    assert contour.unit(np.array([0, 60, -60, 3 * K + 120]), K) == pytest.approx([1, 1j, -1j, -1], abs=1e-15)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (2, 0.9), (17, 0.5), (300, 0.02), (5000, 0.4)])
def test_a_contour_gives_a_binomial_law(n, p):
    # Oracle: SciPy's binomial law, whose counts of one label are Poisson under the integral
    k, K, weights = contour.points(n, n * (1 - p))
    assert K % 2 == 0
    assert 9 * math.sqrt(n) + 30 <= K <= 9 * math.sqrt(n) + 32
    for j in sorted({0, 1, round(n * p), min(n, round(n * p) + 3), n}):
        poisson = scipy.stats.poisson.pmf(j, n * p)
        value = float((weights * poisson * contour.unit(j * k, K)).real.sum())
        assert value == pytest.approx(scipy.stats.binom.pmf(j, n, p), rel=1e-9, abs=1e-14)


def test_poisson_laws_by_loaders_form():
    # Oracle: SciPy
    for mean in (1e-3, 0.7, 12.0, 4000.0):
        j = np.arange(1.0, mean + 9 * math.sqrt(mean) + 20)
        assert hard_choices._poisson(j, mean) == pytest.approx(scipy.stats.poisson.pmf(j, mean), rel=1e-10, abs=1e-290)
    # All but 1e-15 lies between the two ends.
    for mean in (0.01, 3.0, 700.0, 1e6):
        assert scipy.stats.poisson.cdf(hard_choices._low(mean), mean) < 2e-16
        assert scipy.stats.poisson.sf(hard_choices._high(mean), mean) < 2e-16
        assert scipy.stats.poisson.cdf(hard_choices._low(mean) * (1 + 2 / math.sqrt(mean + 1)), mean) < 1e-7
    assert (hard_choices._low(100.0), hard_choices._high(100.0)) == pytest.approx((17, 206), rel=1e-14, abs=0)


def test_powers_of_complex_numbers():
    # Oracle: identity
    for times in range(1, 20):
        assert hard_choices._power.py_func(0.9 + 0.2j, times) == pytest.approx((0.9 + 0.2j) ** times, rel=1e-13, abs=0)


def test_terms_of_many_equal_labels():
    # Oracle: mpmath, C(t, u) h^u s^(t-u); beyond 1000 labels by gamma functions
    for t in (3, 1000, 1001):
        found = partial_choices._binomial(t, 0.3, np.array([0.4 + 0.1j, 0.7 + 0j]))
        assert found.shape == (2, t + 1)
        for u in (0, 1, t // 3, t - 1, t):
            for i, s in enumerate((0.4 + 0.1j, 0.7 + 0j)):
                with mpmath.workdps(30):
                    truth = complex(mpmath.binomial(t, u) * mpmath.mpf(0.3) ** u * mpmath.mpc(s) ** (t - u))
                assert abs(found[i, u] - truth) <= 1e-10 * abs(truth)


def test_errors_of_exact_regrets_are_small_and_cover_the_truth():
    # Oracle: SciPy, two labels, half of a tie; a declared error is some 1e-14 and is kept
    for n in (1, 4, 31):
        p = 0.55
        found = kt.expected_greedy_risk(kt.Problem([1.0], [[p, 1 - p]]), "hard", n)
        tie = 0.5 * scipy.stats.binom.pmf(n // 2, n, p) if n % 2 == 0 else 0.0
        truth = (2 * p - 1) * (scipy.stats.binom.cdf((n - 1) // 2, n, p) + tie)
        assert found.value == pytest.approx(truth, rel=0, abs=2e-15)
        assert 2.0**-52 * 40 <= found.error <= 1e-12
        assert found.proved
    for n in (1, 5, 60):
        found = kt.expected_greedy_risk(kt.Problem([0.5, 0.5], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), "partial", n)
        assert 0 < found.error <= 2e-13 * 0.75**n + 2e-15 * found.value + 1e-300


@pytest.mark.parametrize(
    ("p", "q", "rate"), [(0.5, 0.5, math.inf), (0.6, 0.6 * (1 - 5e-13), math.inf), (0.8, 0.2, 4.0)]
)
def test_two_labels_within_rounding_are_the_most_likely_ones(p, q, rate):
    # Oracle: definition, 1 / (1 - sqrt(q / p))^2; of labels that tie none is found
    assert kt.exchange_rate(np.array([p, q]) / (p + q)) == pytest.approx(rate, rel=1e-13, abs=0)


@pytest.mark.parametrize(("fine", "coarse"), [(0.1, 0.3), (0.3, 0.1)])
def test_an_error_that_is_estimated_is_ten_times_what_fewer_nodes_change(fine, coarse, monkeypatch):
    # Oracle: definition, 48 and 36 nodes of Gauss's rule, of either sign; 97 labels may tie
    monkeypatch.setattr(hard_choices, "_named", lambda *of: fine if of[9].size == 48 else coarse)
    p, times = np.array([0.01, 0.03]), np.array([97, 1])
    value, error, proved = hard_choices.named_cost(p, times, np.array([0.02, 0.0]), 1.0, 200)
    assert (value, error, proved) == (fine, pytest.approx(2.0, abs=1e-11), False)
    assert hard_choices.named_cost(p, times - [2, 0], np.array([0.02, 0.0]), 1.0, 200)[2]


def test_more_samples_than_are_gone_through_are_refused():
    # Oracle: definition, 10^9 at most
    problem = kt.Problem([1.0], [[1.0, 0.0]])
    assert kt.expected_greedy_risk(problem, "soft", 10**9).value == 0.0
    with pytest.raises(ValueError, match=r"n is 1000000001: at most 1000000000 samples"):
        kt.expected_greedy_risk(problem, "soft", 10**9 + 1)
