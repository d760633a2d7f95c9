"""The steps of N18 to N25 of the report: what greedy decoding costs under each protocol, and what audits say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import scipy.integrate
import scipy.special

import kt_theory as kt
import oracles
from kt_theory.minimax.constants import kappa
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.numerics.binomials import binomial


def phi(n: int) -> float:
    return (n / (n + 1)) ** n / (n + 1)


def tables(p: tuple[Fraction, ...], mass: Fraction, n: int) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """Count tables of one input's labels after n samples, with their probabilities."""
    for counts in oracles._compositions(n, len(p) + 1):
        weight = Fraction(math.factorial(n)) * (1 - mass) ** counts[-1] / math.factorial(counts[-1])
        for x, k in zip(p, counts, strict=False):
            weight *= (mass * x) ** k / math.factorial(k)
        if weight:
            yield counts[:-1], weight


def spread_out(counts: tuple[int, ...], p: tuple[Fraction, ...]) -> list[Fraction]:
    """SEL_ptl, uniform, at one input."""
    unseen = [a for a, k in enumerate(counts) if not k]
    share = sum((p[a] for a in unseen), Fraction(0)) / max(len(unseen), 1)
    return [p[a] if k else share for a, k in enumerate(counts)]


def rows(seed: int, count: int, A: int) -> Iterator[tuple[Fraction, ...]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield tuple(oracles.rational_law(rng, A, 12, zeros=True))


# --- N18: the greedy choice is Bayes --------------------------------------------------------------------------


@pytest.mark.step("N18.1")
def test_labels_with_more_counts_have_larger_posterior_means():
    # Oracle: enumeration in fractions, all arrangements of four rows, all count tables of up to five draws
    for row in rows(1, 4, 3):
        arrangements = set(itertools.permutations(row))
        for counts in (c for n in range(6) for c in oracles._compositions(n, 3)):
            weights = {
                p: math.prod((x**k for x, k in zip(p, counts, strict=True)), start=Fraction(1)) for p in arrangements
            }
            mean = [sum(w * p[a] for p, w in weights.items()) for a in range(3)]
            top = [sum((w for p, w in weights.items() if p[a] == max(p)), Fraction(0)) for a in range(3)]
            for a, b in itertools.permutations(range(3), 2):
                if counts[a] > counts[b]:
                    assert mean[a] >= mean[b]
                    assert top[a] >= top[b]
                elif counts[a] == counts[b]:
                    assert (mean[a], top[a]) == (mean[b], top[b])
            for p, weight in weights.items():  # the pairs of the proof
                swapped = (p[1], p[0], p[2])
                if p[0] >= p[1] and counts[0] >= counts[1]:
                    assert weight >= weights[swapped]


@pytest.mark.step("N18.2")
def test_the_posterior_mean_of_partial_soft_labels_is_sel_ptl():
    # Oracle: enumeration in fractions, the posterior over all arrangements given the labels seen and their numbers
    for row in rows(2, 4, 4):
        for seen in itertools.chain.from_iterable(itertools.combinations(range(4), k) for k in range(5)):
            alike = [p for p in itertools.permutations(row) if all(p[a] == row[a] for a in seen)]
            mean = [sum(p[a] for p in alike) / len(alike) for a in range(4)]
            assert mean == spread_out(tuple(a in seen for a in range(4)), row)


# --- N19: soft and partial soft labels ------------------------------------------------------------------------


@pytest.mark.step("N19.1")
def test_the_regret_of_soft_labels_is_that_of_inputs_never_visited():
    # Oracle: enumeration in fractions of Dirac rows at random labels; V by the package, attained
    for S, A, n in ((1, 2, 0), (2, 3, 1), (3, 4, 7), (10, 5, 400)):
        mass, _ = largest_unvisited_mass(S, n)
        game = kt.minimax_greedy("soft", S, A, n)
        assert game.exact
        assert game.lower == pytest.approx((1 - 1 / A) * mass, rel=1e-13, abs=0)
        found = kt.expected_greedy_risk(game.instance, "soft", n).value
        assert found == pytest.approx(game.lower, rel=1e-11, abs=0)
    for A in (2, 3, 5):
        for v in rows(A, 3, A):  # whoever names a with probability v_a is right with probability 1/A on average
            assert sum((1 - v[a] for a in range(A)), Fraction(0)) / A == 1 - Fraction(1, A)


@pytest.mark.step("N19.2")
def test_partial_soft_labels_lose_only_where_the_likeliest_label_was_not_seen():
    # Oracle: enumeration in fractions, each count table: the loss, and what the proof says of it; then their mean
    tops = []
    for row in rows(3, 12, 4):
        A, best, mass, n = 4, max(row), Fraction(2, 3), 4
        first, total = row.index(best), Fraction(0)
        for counts, weight in tables(row, mass, n):
            student = spread_out(counts, row)
            named = [a for a in range(A) if student[a] == max(student)]
            lost = best - sum(row[a] for a in named) / len(named)
            total += weight * lost
            if counts[first]:
                assert lost == 0
            else:
                unseen = [a for a in range(A) if not counts[a]]
                assert best - lost >= sum(row[a] for a in unseen) / len(unseen) >= best / A
        x = mass * best
        assert mass * total <= (1 - Fraction(1, A)) * x * (1 - x) ** n
        tops.append(total)
    assert sum(total > 0 for total in tops) > 6  # not empty


@pytest.mark.step("N19.3")
def test_masses_that_add_up_to_one_are_worst_when_equal():
    # Oracle: enumeration, random masses and those of a search; a slope that falls is a function that is concave
    rng = np.random.default_rng(4)
    for S, n in itertools.product((1, 2, 5, 30), (0, 1, 4, 29, 300)):
        most = (1 - 1 / S) ** n if n <= S - 1 else S * phi(n)
        for _ in range(50):
            x = rng.dirichlet(np.full(S, rng.choice([0.1, 1.0, 20.0]))) * rng.uniform(0.2, 1)
            assert (x * (1 - x) ** n).sum() <= most * (1 + 1e-12)
        x = np.full(S, min(1 / S, 1 / (n + 1)))
        assert (x * (1 - x) ** n).sum() == pytest.approx(most, rel=1e-12, abs=0)
        grid = np.linspace(0, 1 / (n + 1), 200)
        slopes = np.diff(grid * (1 - grid) ** n)
        assert np.all(slopes >= -1e-15)
        assert np.all(np.diff(slopes) <= 1e-15)


@pytest.mark.step("N19.4")
def test_the_disagreement_of_partial_soft_labels():
    # Oracle: enumeration in fractions; the sum over inputs by random masses
    for row in rows(5, 12, 4):
        best, mass, n = max(row), Fraction(1, 2), 4
        missed = Fraction(0)
        for counts, weight in tables(row, mass, n):
            student = spread_out(counts, row)
            named = [a for a in range(4) if student[a] == max(student)]
            missed += weight * Fraction(sum(row[a] < best for a in named), len(named))
        assert missed <= (1 - mass * best) ** n
    rng = np.random.default_rng(6)
    for S, A, n in itertools.product((1, 3, 8), (1, 2, 9), (0, 1, 7, 71, 600)):
        rho = rng.dirichlet(np.ones(S), 40)
        sums = (rho * (1 - rho / A) ** n).sum(axis=1)
        assert np.all(sums <= S * A * phi(n) * (1 + 1e-12))
        if n >= S * A - 1:  # attained, were x_s = 1/(n + 1) = rho/A for all but the masses' sum
            x = 1 / (n + 1)
            assert A * S * x * (1 - x) ** n == pytest.approx(S * A * phi(n), rel=1e-12, abs=0)


@pytest.mark.step("N19.5")
def test_nearly_uniform_rows_leave_a_guess_among_what_was_not_seen() -> None:
    # Oracle: enumeration in fractions: the best guess over all places of the larger label, and the formula's limit
    A, mass, n = 3, Fraction(1, 2), 4
    small = Fraction(1, 10**7)
    p = (Fraction(1, 3) + 2 * small, Fraction(1, 3) - small, Fraction(1, 3) - small)
    missed = inside = some = Fraction(0)
    for counts, weight in tables(p, mass, n):
        unseen = [a for a in range(A) if not counts[a]]
        if 0 in unseen:  # it lies in each place of them alike: one guess of |U| is right
            missed += weight * (1 - Fraction(1, len(unseen)))
            inside += weight / len(unseen)
        some += weight * bool(unseen)
    limit = (1 - mass / A) ** n - some / A
    assert abs(inside - some / A) < 10 * n * small
    assert abs(missed - limit) < 10 * n * small
    problem = kt.Problem([0.5, 0.5], [np.array(p, dtype=float)] * 2)
    found = kt.expected_greedy_risk(problem, "partial", n, "disagreement").value
    assert found == pytest.approx(float(missed), abs=1e-9)


# --- N20: hard labels -----------------------------------------------------------------------------------------


@pytest.mark.step("N20.1")
def test_the_named_label_falls_behind_by_deviations_only():
    # Oracle: enumeration, 2,000 random count tables of up to nine labels; the largest of numbers of sum 0
    rng = np.random.default_rng(7)
    for _ in range(2000):
        A, m = int(rng.integers(2, 10)), int(rng.integers(1, 30))
        p = np.sort(rng.dirichlet(np.full(A, 0.7)))[::-1]
        counts = rng.multinomial(m, p)
        D = counts / m - p
        a = int(rng.choice(np.flatnonzero(counts == counts.max())))
        assert p[0] - p[a] <= D[a] - D[0] + 1e-15 <= D.max() - D[0] + 2e-15
        assert D.max() ** 2 <= (1 - 1 / A) * (D**2).sum() + 1e-15
    D = np.array([3.0, -1.0, -1.0, -1.0])  # attained
    assert D.max() ** 2 == pytest.approx(0.75 * (D**2).sum())


@pytest.mark.step("N20.2")
def test_the_mean_square_deviation_bounds_the_regret():
    # Oracle: enumeration in fractions, all count tables of m visits
    for row in rows(8, 8, 3):
        for m in (1, 2, 5):
            square = regret = Fraction(0)
            for counts, weight in tables(row, Fraction(1), m):
                square += weight * sum((Fraction(k, m) - p) ** 2 for k, p in zip(counts, row, strict=True))
                named = [a for a in range(3) if counts[a] == max(counts)]
                regret += weight * (max(row) - sum(row[a] for a in named) / len(named))
            assert square == sum(p * (1 - p) for p in row) / m <= Fraction(2, 3) / m
            assert regret <= (2 / 3) / math.sqrt(m) <= (2 / 3) * math.sqrt(2 / (m + 1)) + 1e-15


@pytest.mark.step("N20.3")
def test_labels_far_behind_are_hardly_named():
    # Oracle: enumeration of binomials, P(n_a >= n_1) exactly
    for p1, pa, m in itertools.product((0.3, 0.6), (0.0, 0.05, 0.2), (1, 5, 20, 60)):
        both = np.arange(m + 1.0)
        ahead = sum(
            float(binomial(np.array([t]), float(m), p1 + pa)[0])
            * float(binomial(k, t, pa / (p1 + pa))[2 * k >= t].sum() if t else 1.0)
            for t in both
            for k in [np.arange(t + 1)]
        )
        chernoff = (1 - (math.sqrt(p1) - math.sqrt(pa)) ** 2) ** m
        assert ahead <= chernoff * (1 + 1e-12) <= math.exp(-m * (p1 - pa) ** 2 / 4) * (1 + 1e-12)


def density(z: np.ndarray) -> np.ndarray:
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def of_normals(h: np.ndarray) -> float:
    """r(h) = E[max h - h_I], label by label; the trapezium rule is as good as exact for such functions."""
    z = np.arange(h.min() - 9, h.max() + 9, 0.02)
    below = scipy.special.ndtr(z[:, None] - h)
    named = [0.02 * float((density(z - h[a]) * np.delete(below, a, axis=1).prod(axis=1)).sum()) for a in range(h.size)]
    assert sum(named) == pytest.approx(1, abs=1e-13)
    return float(np.array(named) @ (h.max() - h))


@pytest.mark.step("N20.4", "N20.5")
def test_nearly_equal_rows_have_the_regret_of_normals():
    # Oracle: limit, exact regrets of rows 1/k + h/sqrt(km) against a quadrature of normals; slippage by the formula
    for h in ([1.0, -1.0], [0.9, 0.1, -1.0], [1.2, 0.4, -0.6, -1.0]):
        shift = np.array(h) - np.mean(h)
        k, m = shift.size, 40_000
        row = 1 / k + shift / math.sqrt(k * m)
        found = kt.expected_greedy_risk(kt.Problem([1.0], [row]), "hard", m).value * math.sqrt(m)
        limit = of_normals(shift)
        assert found == pytest.approx(limit / math.sqrt(k), rel=0.01, abs=0)
        assert found != pytest.approx(limit / k, rel=0.25, abs=0)  # planted: k in place of its root
        assert of_normals(shift + 3.0) == pytest.approx(limit, rel=1e-9, abs=0)
        assert limit <= math.sqrt(k) * kappa(k)[0] + 1e-9  # numerical for k > 2
        assert limit <= math.sqrt(2 * math.log(k))  # E max of k normals
    for k, d in ((2, 1.1), (3, 1.5), (6, 1.339)):
        first = scipy.integrate.quad(lambda z, k=k, d=d: density(z - d) * scipy.special.ndtr(z) ** (k - 1), -9, 11)[0]
        assert of_normals(np.array([d, *np.zeros(k - 1)])) == pytest.approx(d * (1 - first), abs=1e-8)
    best = max(of_normals(np.array([d, 0.0])) for d in np.linspace(0.9, 1.3, 41))
    assert best / math.sqrt(2) == pytest.approx(kappa(2)[0], rel=1e-3, abs=0)


@pytest.mark.step("N20.6")
def test_several_inputs_have_the_root_of_their_number():
    # Oracle: limit, exact regrets at uniform rho against sqrt(S) kappa; the terms of the upper half by random masses
    for S, A, m in ((3, 2, 20_000), (4, 4, 10_000)):
        constant, k, d = kappa(A)
        lead = d / math.sqrt(k * m)
        row = np.concatenate(([(1 - lead) / k + lead], np.full(k - 1, (1 - lead) / k), np.zeros(A - k)))
        problem = kt.Problem(np.full(S, 1 / S), np.tile(row, (S, 1)))
        found = kt.expected_greedy_risk(problem, "hard", S * m).value * math.sqrt(S * m)
        assert found == pytest.approx(math.sqrt(S) * constant, rel=0.01, abs=0)
    rng = np.random.default_rng(9)
    for n in (50, 2000):
        for x in rng.uniform(0.01, 40, 30):
            some = np.arange(3.0)
            assert (
                x * float(binomial(some, float(n), x / n).sum()) < 3 * (1 + 1e-9) * 1.2
            )  # x P(fewer than 3) is bounded
        rho = rng.dirichlet(np.ones(6))
        visits = np.arange(1.0, n + 1)
        means = [float((binomial(visits, float(n), r) / np.sqrt(visits)).sum()) for r in rho]
        heavy = rho * n > 25
        assert np.all(np.array(means)[heavy] <= 1.05 / np.sqrt(n * rho[heavy]))
        assert np.sqrt(rho).sum() <= math.sqrt(6)


@pytest.mark.step("N20.7")
def test_likelier_labels_are_named_more_often() -> None:
    # Oracle: enumeration in fractions, all count tables: P(label named) in the order of the row; nearly uniform rows
    for row in (*rows(14, 8, 3), (Fraction(34, 100), Fraction(33, 100), Fraction(33, 100))):
        for n in (0, 1, 4):
            named = [Fraction(0)] * 3
            for counts, weight in tables(row, Fraction(3, 4), n):
                top = [a for a in range(3) if counts[a] == max(counts)]
                for a in top:
                    named[a] += weight / len(top)
            for a, b in itertools.permutations(range(3), 2):
                assert row[a] < row[b] or named[a] >= named[b]
            best = [a for a in range(3) if row[a] == max(row)]
            assert sum(named[a] for a in best) >= Fraction(1, 3)
    assert sum(named) == 1
    assert named[0] < Fraction(1, 3) + Fraction(1, 50)


# --- N21: one teacher -----------------------------------------------------------------------------------------


@pytest.mark.step("N21.1")
def test_the_exponential_moment_of_a_difference_of_counts():
    # Oracle: mpmath, E z^(n_a - n_1) by the sum over both counts, at its least z; the union over labels exactly
    p1, pa, rho, n = mp.mpf("0.5"), mp.mpf("0.2"), mp.mpf("0.3"), 7
    z = mp.sqrt(p1 / pa)
    total = ahead = mp.mpf(0)
    for i in range(n + 1):
        for j in range(n + 1 - i):
            weight = mp.factorial(n) / (mp.factorial(i) * mp.factorial(j) * mp.factorial(n - i - j))
            weight *= (rho * p1) ** i * (rho * pa) ** j * (1 - rho * (p1 + pa)) ** (n - i - j)
            total += weight * z ** (j - i)
            ahead += weight * (j >= i)
    assert mp.almosteq(total, (1 - rho * (mp.sqrt(p1) - mp.sqrt(pa)) ** 2) ** n, rel_eps=mp.mpf("1e-13"))
    assert ahead <= total
    assert mp.diff(lambda t: pa * t + p1 / t, z) == pytest.approx(0, abs=1e-9)
    for row in rows(10, 6, 3):
        problem = kt.Problem([0.4, 0.6], [np.array(row, dtype=float), [1.0, 0, 0]])
        top, law = max(row), np.array(row, dtype=float)
        terms = [(1 - 0.4 * (math.sqrt(top) - math.sqrt(x)) ** 2) ** 20 for x in row if x < top]
        missed = kt.expected_greedy_risk(problem, "hard", 20, "disagreement").value
        never = 2 * (1 - 0.6) ** 20  # the other input, sure of one label of three
        assert missed <= 0.4 * sum(terms) + 0.6 * never + 1e-13
        assert law.sum() == pytest.approx(1)


# --- N22 to N25: audits ---------------------------------------------------------------------------------------


@pytest.mark.step("N22.1")
def test_the_second_moments_of_an_audit():
    # Oracle: enumeration in fractions: the sums of the proof against definitions
    rng = np.random.default_rng(11)
    for _ in range(60):
        A = int(rng.integers(2, 6))
        p, q = (oracles.rational_law(rng, A, 16, zeros=True) for _ in range(2))
        pairs = [(x, y) for x, y in zip(p, q, strict=True) if x or y]
        tv = sum(max(x - y, Fraction(0)) for x, y in pairs)
        assert sum(x * max(1 - y / x, Fraction(0)) for x, y in pairs if x) == tv
        assert sum(y * max(1 - x / y, Fraction(0)) for x, y in pairs if y) == tv
        assert sum((x + y) / 2 * abs(x - y) / (x + y) for x, y in pairs) == tv
        m_p = sum(x * max(1 - y / x, Fraction(0)) ** 2 for x, y in pairs if x)
        m_q = sum(y * max(1 - x / y, Fraction(0)) ** 2 for x, y in pairs if y)
        m_b = sum((x + y) / 2 * (abs(x - y) / (x + y)) ** 2 for x, y in pairs)
        assert m_p + m_q == sum((x - y) ** 2 / max(x, y) for x, y in pairs)
        assert m_b == sum((x - y) ** 2 / (2 * (x + y)) for x, y in pairs)
        assert (m_p + m_q) / 4 <= m_b <= (m_p + m_q) / 2


@pytest.mark.step("N23.1")
def test_the_square_error_of_the_minimax_estimate():
    # Oracle: enumeration of coins, whose variance is the largest on [0, 1]; three-valued Z below it
    for m, tau in itertools.product((1, 2, 7, 50), (0.0, 0.1, 0.5, 0.8, 1.0)):
        k = np.arange(m + 1.0)
        estimate = (k + math.sqrt(m) / 2) / (m + math.sqrt(m))
        error = float(binomial(k, float(m), tau) @ (estimate - tau) ** 2)
        assert error == pytest.approx(1 / (4 * (1 + math.sqrt(m)) ** 2), rel=1e-11, abs=0)
    rng = np.random.default_rng(12)
    for _ in range(200):
        z, w = rng.random(4), rng.dirichlet(np.ones(4))
        tau = float(w @ z)
        assert float(w @ z**2) - tau**2 <= tau * (1 - tau) + 1e-15


@pytest.mark.step("N23.2")
def test_the_posterior_mean_of_a_coin_is_the_minimax_estimate():
    # Oracle: mpmath, the posterior of a beta law and its mean square error, integrated
    for m in (1, 4, 9):
        a = mp.sqrt(m) / 2
        total = mp.mpf(0)
        for k in range(m + 1):
            norm = mp.beta(a + k, a + m - k)
            mean = mp.beta(a + k + 1, a + m - k) / norm
            assert mp.almosteq(mean, (k + mp.sqrt(m) / 2) / (m + mp.sqrt(m)))
            square = mp.beta(a + k + 2, a + m - k) / norm
            total += mp.binomial(m, k) * norm / mp.beta(a, a) * (square - mean**2)
        assert mp.almosteq(total, 1 / (4 * (1 + mp.sqrt(m)) ** 2))


@pytest.mark.step("N23.3")
def test_sure_teachers_look_like_the_student_unless_an_input_recurs():
    # Oracle: enumeration in fractions: one law of the data, the mean distance, and the chance that no input recurs
    S, m = 4, 2
    q = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    alike: dict[object, Fraction] = {}
    mean, clear = Fraction(0), Fraction(0)
    for given in itertools.product(range(3), repeat=S):
        weight = math.prod((q[a] for a in given), start=Fraction(1))
        mean += weight * sum(1 - q[a] for a in given) / S
        for s in itertools.permutations(range(S), m):
            key = s, tuple(given[i] for i in s)
            alike[key] = alike.get(key, Fraction(0)) + weight / S**m
    for (_, labels), weight in alike.items():
        assert weight == math.prod((q[a] for a in labels), start=Fraction(1)) / S**m
        clear += weight
    assert mean == 1 - sum(x * x for x in q)
    assert clear == 1 - Fraction(1, 4) >= 1 - Fraction(m * (m - 1), 2 * S)
    for t, tau in itertools.product((-1.0, 0.0, 0.3, 2.0), (0.0, 0.5, 1.0)):
        assert abs(t) + abs(t - tau) >= tau


@pytest.mark.step("N24.1", "N24.2")
def test_each_record_audits_the_student_of_the_others():
    # Oracle: enumeration in fractions, all sequences of n records: the mean term by term, and the closed form
    row, n = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)), 3
    mean = risk = Fraction(0)
    for draws in itertools.product(range(3), repeat=n):
        weight = math.prod((row[a] for a in draws), start=Fraction(1))
        counts = tuple(draws.count(a) for a in range(3))
        total = Fraction(0)
        for i, a in enumerate(draws):
            others = draws[:i] + draws[i + 1 :]
            student = spread_out(tuple(others.count(b) for b in range(3)), row)
            term = max(1 - student[a] / row[a], Fraction(0))
            assert term == 0 or counts[a] == 1
            total += term
        unseen = [b for b in range(3) if not counts[b]]
        M = sum((row[b] for b in unseen), Fraction(0))
        once = [max(1 - (1 + M / row[a]) / (len(unseen) + 1), Fraction(0)) for a in range(3) if counts[a] == 1]
        assert total == sum(once, Fraction(0))
        mean += weight * total / n
    for draws in itertools.product(range(3), repeat=n - 1):
        weight = math.prod((row[a] for a in draws), start=Fraction(1))
        student = spread_out(tuple(draws.count(b) for b in range(3)), row)
        risk += weight * sum(abs(x - y) for x, y in zip(student, row, strict=True)) / 2
    assert mean == risk


@pytest.mark.step("N25.1")
def test_equal_shares_are_off_by_less_than_what_they_share():
    # Oracle: enumeration in fractions; attained by a label that has all of it
    for u in (1, 2, 5):
        for law in [*rows(13 + u, 20, u), (Fraction(1), *[Fraction(0)] * (u - 1))]:
            off = sum(abs(x - Fraction(1, u)) for x in law) / 2
            assert off <= 1 - Fraction(1, u)
            if max(law) == 1:
                assert off == 1 - Fraction(1, u)
