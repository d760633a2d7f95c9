"""The proofs of N8 and N10 to N13 of the report in paper/, line by line: hard labels, KL, CE_ptl, other information.

Each test carries the numbers of the steps that it checks. Nothing of the package is imported: a step is a statement of
mathematics, tried on random inputs, at its edges and where it is tight, in fractions wherever it is rational. At the
tight inputs a wrong constant (most often 3% off) is planted and must be seen: those lines say `red`. Where a step is
never tight, the least factor that was seen stands beside the check, and what is planted lies beyond it.

Names: n draws, m visits of one input, S inputs, A labels, rho the law of the inputs, p a row of the teacher, w its
joint masses, U the labels unseen, T what SEL_ptl pays; in N8.16 to N8.18 T is m + A c instead, as in the proof.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats

import oracles

OFF = Fraction(97, 100)  # a planted constant is off by 3%
HALF = Fraction(1, 2)
Row = Sequence[Fraction]


def binomial(n: int, p: Any) -> list[Any]:
    """Probabilities of 0 .. n, of the type of p."""
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def multinomial(n: int, p: Row) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    """Every vector of counts that has a chance, with its probability."""
    for counts in oracles._compositions(n, len(p)):
        chance = Fraction(math.factorial(n))
        for count, mass in zip(counts, p, strict=True):
            chance *= mass**count / math.factorial(count)
        if chance:
            yield chance, counts


def tv(p: Sequence[Any], q: Sequence[Any]) -> Any:
    return sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def frequencies_tv(p: Row, m: int) -> Fraction:
    """E TV(p, frequencies after m draws), from the binomial law of each count."""
    return sum((c * abs(Fraction(k, m) - x) for x in p for k, c in enumerate(binomial(m, x))), Fraction(0)) / 2


def problems(seed: int, times: int, S: int = 3, A: int = 4) -> Iterator[tuple[list[Fraction], list[list[Fraction]]]]:
    rng = np.random.default_rng(seed)
    for _ in range(times):
        inputs, labels = int(rng.integers(1, S + 1)), int(rng.integers(1, A + 1))
        rho = oracles.rational_law(rng, inputs, zeros=True)
        yield rho, [oracles.rational_law(rng, labels, zeros=True) for _ in range(inputs)]


def hostile(teacher: Sequence[Row]) -> list[list[Fraction]]:
    """Initially sure of the label that the teacher says least."""
    return [[Fraction(int(a == row.index(min(row)))) for a in range(len(row))] for row in teacher]


# --- N8 (a) to (d): the frequencies -------------------------------------------------------------------------


@pytest.mark.step("N8.1")
def test_the_risk_of_the_frequencies_is_at_most_two_deviations() -> None:
    # Oracle: enumeration, random samples in fractions, the student from its definition in oracles.student_rows
    rng = np.random.default_rng(1)
    needed = 0
    for rho, teacher in problems(1, 300):
        S, A = len(rho), len(teacher[0])
        w = [r * p for r, row in zip(rho, teacher, strict=True) for p in row]
        for n in (1, int(rng.integers(2, 9))):
            counts = rng.multinomial(n, np.array(w, dtype=float) / float(sum(w))).reshape(S, A).tolist()
            visits = tv(rho, [Fraction(sum(row), n) for row in counts])
            joint = tv(w, [Fraction(k, n) for row in counts for k in row])
            for init in (hostile(teacher), [oracles.rational_law(rng, A, zeros=True)] * S):
                rows = [oracles.student_rows(*one)["CE_sgl"] for one in zip(counts, teacher, init, strict=True)]
                risk = sum(r * tv(row, p) for r, row, p in zip(rho, rows, teacher, strict=True))
                assert risk <= visits + joint
                needed += risk > joint
                if S == 1:
                    assert risk == joint
                    assert joint == 0 or risk > OFF * (visits + joint)  # red
    assert needed > 10  # red: without the deviation of the visits


@pytest.mark.step("N8.2")
def test_the_expected_deviation_of_frequencies() -> None:
    # Oracle: enumeration, every vector of counts, then binomial laws, in fractions; roots at 40 digits
    with mp.workdps(40):

        def root(x: Fraction) -> mp.mpf:
            return mp.sqrt(mp.mpf(x.numerator) / x.denominator)

        def chain(p: Row, n: int) -> list[mp.mpf]:
            mean, variances = frequencies_tv(p, n), [x * (1 - x) / n for x in p]
            roots = mp.fsum(root(v) for v in variances) / 2
            return [root(mean**2), roots, root(len(p) * sum(variances)) / 2, root(Fraction(len(p) - 1, n)) / 2]

        for p in oracles.rational_laws(2, 60, 6, 24):
            if len(p) <= 3:
                for n in (1, 2, 4):
                    assert frequencies_tv(p, n) == sum(
                        chance * tv(p, [Fraction(k, n) for k in counts]) for chance, counts in multinomial(n, p)
                    )
            for n in (1, 2, 3, 9, 40):
                assert all(a <= b + mp.mpf("1e-37") for a, b in itertools.pairwise(chain(p, n)))
        for value in chain([HALF, HALF], 1):
            assert value > 0.97 * chain([HALF, HALF], 1)[-1]  # red: all four are 1/2
        for K in (2, 5):
            _, roots, cauchy, last = chain([Fraction(1, K)] * K, 7)
            assert roots > 0.97 * cauchy  # red
            assert cauchy > 0.97 * last  # red
        assert chain([Fraction(1)], 5) == [0, 0, 0, 0]  # K = 1
    # Far out Jensen loses sqrt(2/pi) and no more: no smaller constant than that will do.
    far = oracles.exact_ce_sgl([1.0], [[0.5, 0.5]], 10**6) * 2 * math.sqrt(10**6)
    assert 0.97 * math.sqrt(2 / math.pi) < far < 1


@pytest.mark.step("N8.3")
def test_changing_one_draw_moves_the_two_deviations_little() -> None:
    # Oracle: enumeration, random samples and every change of one draw, in fractions
    rng = np.random.default_rng(2)
    for rho, teacher in [*problems(2, 60), ([HALF, HALF], [[1, 0], [1, 0]])]:
        S, A = len(rho), len(teacher[0])
        w = [r * p for r, row in zip(rho, teacher, strict=True) for p in row]

        def deviations(sample: list[int], rho: Row = rho, w: Row = w, A: int = A) -> Fraction:
            n, visits = len(sample), [cell // A for cell in sample]
            return tv(rho, [Fraction(visits.count(s), n) for s in range(len(rho))]) + tv(
                w, [Fraction(sample.count(i), n) for i in range(len(w))]
            )

        for n in (1, 2, 5):
            # Any cells, those without mass too: the bound of McDiarmid's inequality is for every sample.
            for sample in [rng.integers(0, S * A, n).tolist(), [0] * n]:
                moved = [
                    abs(deviations([*sample[:i], new, *sample[i + 1 :]]) - deviations(sample))
                    for i, new in itertools.product(range(n), range(S * A))
                ]
                assert max(moved) <= Fraction(2 if S > 1 else 1, n)
    # The last problem has sure rows, so that both deviations are the same: one of five draws of one input is changed.
    assert max(moved) == Fraction(2, 5)
    assert max(moved) > OFF * Fraction(2, 5)  # red
    coin = [tv([HALF, HALF], [Fraction(k, 4), 1 - Fraction(k, 4)]) for k in (4, 3)]
    assert coin[0] - coin[1] == Fraction(1, 4) > OFF * Fraction(1, 4)  # red, S = 1


@pytest.mark.step("N8.4")
def test_what_a_row_costs_after_m_visits() -> None:
    # Oracle: enumeration, exact expected costs in fractions; squares of both sides
    for A, m in itertools.product((1, 2, 3, 10, 1000), (1, 2, 3, 50, 10**6)):
        assert Fraction(A - 1, 4 * m) <= Fraction(A - 1, 2 * (m + 1))
        assert A == 1 or (Fraction(A - 1, 4 * m) == Fraction(A - 1, 2 * (m + 1))) == (m == 1)
    for p in oracles.rational_laws(3, 60, 5, 24):
        A = len(p)
        assert tv(p, [Fraction(1, A)] * A) <= 1 - Fraction(1, A)
        for m in (1, 2, 3, 8):
            assert frequencies_tv(p, m) ** 2 <= Fraction(A - 1, 2 * (m + 1))
    assert frequencies_tv([HALF, HALF], 1) ** 2 > OFF**2 * Fraction(1, 4)  # red
    for A in range(1, 200):
        assert (1 - Fraction(1, A)) ** 2 <= Fraction(A - 1, 2)
        assert A == 1 or Fraction(A - 1, 2) >= 2 * (1 - Fraction(1, A)) ** 2  # the least factor is sqrt 2, at A = 2
    assert Fraction(70, 100) ** 2 * HALF < (1 - HALF) ** 2  # red, beyond it


@pytest.mark.step("N8.5")
def test_the_mean_inverse_root_of_the_visits() -> None:
    # Oracle: enumeration, sums over the binomial law, the mean of 1/(X+1) in fractions; roots at 40 digits
    with mp.workdps(40):
        for n in (0, 1, 2, 5, 30, 200):
            for rho in (Fraction(1), Fraction(999, 1000), HALF, Fraction(1, 7), Fraction(1, 1000)):
                chances = binomial(n, rho)
                inverse = sum(c / (k + 1) for k, c in enumerate(chances))
                assert inverse == (1 - (1 - rho) ** (n + 1)) / (rho * (n + 1))
                assert inverse <= 1 / (rho * (n + 1))
                mean = mp.fsum(mp.mpf(c.numerator) / c.denominator / mp.sqrt(k + 1) for k, c in enumerate(chances))
                mid, top = (mp.sqrt(mp.mpf(x.numerator) / x.denominator) for x in (inverse, 1 / (rho * (n + 1))))
                assert mean <= mid + mp.mpf("1e-37")
                assert mid <= top
                if rho == 1:
                    assert mean > 0.97 * top  # red: nothing is lost
                    assert n == 0 or mean > mp.mpf(n + 2) ** -0.5  # red: n + 2 for n + 1
    for rho in oracles.rational_laws(4, 50, 6, 24):
        assert sum(math.sqrt(r) for r in rho) <= math.sqrt(len(rho)) * (1 + 1e-15)
        assert len(set(rho)) > 1 or sum(math.sqrt(r) for r in rho) > 0.97 * math.sqrt(len(rho))  # red


@pytest.mark.step("N8.6")
def test_more_draws_do_not_make_the_frequencies_worse() -> None:
    # Oracle: enumeration, exact expected deviations in fractions; the leave-one-out average of every sequence
    for sequence in itertools.product(range(3), repeat=4):
        left_out = [[x for j, x in enumerate(sequence) if j != i] for i in range(4)]
        for a in range(3):
            assert sum(Fraction(rest.count(a), 3) for rest in left_out) / 4 == Fraction(sequence.count(a), 4)
    for p in oracles.rational_laws(5, 60, 5, 24):
        A = len(p)
        means = [frequencies_tv(p, m) for m in range(1, 10)]
        assert all(more <= less for less, more in itertools.pairwise(means))
        assert means[0] == sum(x * (1 - x) for x in p)
        assert means[0] <= 1 - Fraction(1, A)
    assert frequencies_tv([HALF, HALF], 3) > OFF * frequencies_tv([HALF, HALF], 2)  # red: they are equal
    for A in (2, 3, 7):
        assert frequencies_tv([Fraction(1, A)] * A, 1) > OFF * (1 - Fraction(1, A))  # red
    # In expectation only: a teacher of (1/10, 9/10) and one draw of the rare label.
    assert tv([Fraction(1, 10), Fraction(9, 10)], [1, 0]) > 1 - HALF


# --- N8 (e): pairs of labels and tests of coins --------------------------------------------------------------


def majority_error(m: int, D: Any) -> Any:
    """The error of the majority of m flips, each wrong with probability (1 - D)/2; a tie is a fair guess."""
    wrong = binomial(m, (1 - D) / 2)
    return sum(c if 2 * k > m else c / 2 for k, c in enumerate(wrong) if 2 * k >= m)


def simplex_bayes(rows: np.ndarray, weights: np.ndarray) -> float:
    """The least of sum_i weights_i TV(rows_i, q) over laws q, by a linear program."""
    count, A = rows.shape
    found = scipy.optimize.linprog(
        np.concatenate((np.zeros(A), np.repeat(weights, A) / 2)),
        A_ub=np.vstack(
            (
                np.hstack((np.tile(-np.eye(A), (count, 1)), -np.eye(count * A))),
                np.hstack((np.tile(np.eye(A), (count, 1)), -np.eye(count * A))),
            )
        ),
        b_ub=np.concatenate((-rows.ravel(), rows.ravel())),
        A_eq=[np.concatenate((np.ones(A), np.zeros(count * A)))],
        b_eq=[1],
    )
    return found.fun


@pytest.mark.step("N8.7")
@pytest.mark.parametrize(("S", "A", "n"), [(1, 2, 0), (1, 2, 3), (1, 3, 2), (1, 4, 0), (1, 4, 2), (2, 2, 3)])
@pytest.mark.parametrize("D", [Fraction(1, 3), Fraction(1)])
def test_the_bayes_risk_of_pairs_is_what_their_tests_err(S: int, A: int, n: int, D: Fraction) -> None:
    # Oracle: second algorithm, a linear program over all answers for every table of counts; D E e_m in fractions
    even = A - A % 2
    signs = list(itertools.product((1, -1), repeat=S * even // 2))
    teachers, joint = [], []
    for sign in signs:
        masses = [(1 + side * t * D) / even for t in sign for side in (1, -1)]
        teachers.append([masses[s * even : (s + 1) * even] + [Fraction(0)] * (A % 2) for s in range(S)])
        joint.append([p / S for row in teachers[-1] for p in row])
    bayes = 0.0
    for counts in oracles._compositions(n, S * A):
        ways = math.factorial(n) // math.prod(map(math.factorial, counts))
        chances = [ways * math.prod(w**k for w, k in zip(table, counts, strict=True)) for table in joint]
        weights = np.array(chances, dtype=float) / len(signs)
        live = weights > 0
        if live.any():
            for s in range(S):
                rows = np.array([t[s] for t in teachers], dtype=float)
                bayes += simplex_bayes(rows[live], weights[live]) / S
    law = binomial(n, Fraction(2, S * even))
    value = float(D * sum(c * majority_error(m, D) for m, c in enumerate(law)))
    assert bayes == pytest.approx(value, abs=1e-9)  # the solver's tolerance
    assert value == 0 or abs(1.03 * value - bayes) > 1e-6  # red
    # One pair: what any answer costs, in fractions, and what the likelier sign's own answer does.
    rng = np.random.default_rng(6)
    high, low = (1 + D) / even, (1 - D) / even
    for _ in range(50):
        u, v, share = (Fraction(int(k), 40) for k in rng.integers(0, 41, size=3))

        def paid(u: Fraction, v: Fraction, share: Fraction = share) -> Fraction:
            plus, minus = abs(u - high) + abs(v - low), abs(u - low) + abs(v - high)
            return (share * plus + (1 - share) * minus) / (2 * S)

        least = Fraction(1, S) * HALF * 2 * (2 * D / even) * min(share, 1 - share)
        assert paid(u, v) >= least
        best = paid(high, low) if share >= HALF else paid(low, high)
        assert best == least
        assert least == 0 or best < least / OFF  # red


@pytest.mark.step("N8.8")
def test_no_test_of_flips_is_better_than_the_majority() -> None:
    # Oracle: enumeration, every sequence of flips and the smaller of its two chances, in fractions; mpmath for I
    for D in (Fraction(1, 10), Fraction(1, 2), Fraction(1)):
        right, wrong = (1 + D) / 2, (1 - D) / 2
        for m in range(9):
            smaller = Fraction(0)
            for flips in itertools.product((0, 1), repeat=m):
                heads = sum(flips)
                plus, minus = right**heads * wrong ** (m - heads), wrong**heads * right ** (m - heads)
                smaller += min(plus, minus) / 2
            error = majority_error(m, D)
            assert smaller == error
            r = (m + 1) // 2
            if m == 0:
                assert error == HALF
                continue
            assert error == majority_error(2 * r - 1, D) == majority_error(2 * r, D)
            with mp.workdps(40):
                x = mp.mpf(wrong.numerator) / wrong.denominator
                truth = mp.mpf(error.numerator) / error.denominator
                assert abs(mp.betainc(r, r, 0, x, regularized=True) - truth) < mp.mpf("1e-35")
                if D < 1:  # red: D 3% off, and the odd number after in place of the one before
                    assert abs(mp.betainc(r, r, 0, x / mp.mpf(0.97), regularized=True) - truth) > 0.005 * truth
                    assert abs(mp.betainc(r + 1, r + 1, 0, x, regularized=True) - truth) > 0.001 * truth


@pytest.mark.step("N8.9")
def test_the_errors_of_tests_are_convex_and_jensen_applies() -> None:
    # Oracle: enumeration, binomial tails in fractions
    biases = (Fraction(1, 50), Fraction(1, 4), Fraction(7, 10), Fraction(1))
    for D in biases:
        e = [HALF] + [majority_error(2 * r - 1, D) for r in range(1, 26)]  # e[r] is e_{2r-1}, and e_{-1} = 1/2
        drops = [a - b for a, b in itertools.pairwise(e)]
        assert drops[0] == D / 2
        for r in range(1, 25):
            assert drops[r] == D * math.comb(2 * r - 1, r) * ((1 - D * D) / 4) ** r
            assert drops[r] <= drops[r - 1]  # decreasing differences: convex; the first pair is D (1-D^2)/4 <= D/2
            ratio = Fraction(2 * (2 * r + 1), r + 1) * (1 - D * D) / 4
            assert ratio < 1
            assert r == 24 or drops[r + 1] == ratio * drops[r]
            assert D == 1 or drops[r] > OFF * D * math.comb(2 * r - 1, r) * ((1 - D * D) / 4) ** r  # red
            assert D == 1 or drops[r] != D * math.comb(2 * r, r) * ((1 - D * D) / 4) ** r  # red: the wrong binomial

        def line(m: int, e: list[Fraction] = e) -> Fraction:
            below, odd = divmod(m + 1, 2)
            return (e[below] + e[below + odd]) / 2

        assert all(line(m) <= majority_error(m, D) for m in range(48))
        for n, share in itertools.product((0, 1, 2, 5, 9, 20), (Fraction(1), Fraction(2, 3), Fraction(1, 7))):
            mean = sum(c * majority_error(m, D) for m, c in enumerate(binomial(n, share)))
            r = math.ceil((n * share + 1) / 2)
            assert 2 * r - 1 >= n * share > 2 * r - 3
            assert mean >= e[r]
            if share == 1 and n % 2 and D < 1:
                assert mean < e[r] / OFF  # red
                assert mean < e[r - 1]  # red: r - 1 for r


@pytest.mark.step("N8.10")
def test_the_error_of_a_test_as_an_integral_and_below_it() -> None:
    # Oracle: mpmath, binomial tails in fractions against quadrature at 30 digits
    with mp.workdps(30):
        for r in (1, 2, 3, 10, 40):
            factor = mp.gamma(r + mp.mpf(1) / 2) / mp.gamma(r)
            assert factor <= mp.sqrt(r)
            assert factor > mp.sqrt(r - mp.mpf(1) / 2)  # red: r - 1/2 for r
            for D in (Fraction(1, 1000), Fraction(1, 20), Fraction(1, 3), Fraction(9, 10), Fraction(1)):
                error = majority_error(2 * r - 1, D)
                truth, d = mp.mpf(error.numerator) / error.denominator, mp.mpf(D.numerator) / D.denominator
                integral = mp.quad(lambda u, r=r: (1 - u * u) ** (r - 1), [0, d])
                assert abs(mp.mpf(1) / 2 - factor / mp.sqrt(mp.pi) * integral - truth) < mp.mpf("1e-25")
                assert abs(mp.mpf(1) / 2 - factor / mp.sqrt(mp.pi) * integral * 0.97 - truth) > mp.mpf("1e-5")  # red
                if r >= 2:
                    erf = mp.erf(d * mp.sqrt(r - 1))
                    assert truth >= (1 - mp.sqrt(mp.mpf(r) / (r - 1)) * erf) / 2
                    if r * D * D < Fraction(1, 10):
                        assert truth < (1 - erf) / 2  # red: without the root
        # Far out nothing is lost: z = D sqrt(2r - 1) fixed.
        z = mp.mpf("0.75")
        lost = []
        for r in (10**2, 10**4, 10**6):
            d = z / mp.sqrt(2 * r - 1)
            scale = mp.gamma(r + mp.mpf(1) / 2) / (mp.sqrt(mp.pi) * mp.gamma(r))
            truth = mp.mpf(1) / 2 - scale * mp.quad(lambda u, r=r: (1 - u * u) ** (r - 1), [0, d])
            lost.append(truth - (1 - mp.sqrt(mp.mpf(r) / (r - 1)) * mp.erf(d * mp.sqrt(r - 1))) / 2)
            assert 0 < lost[-1] < mp.mpf(1) / r
        assert lost[0] > 90 * lost[1] > 8000 * lost[2]


@pytest.mark.step("N8.11")
def test_the_limit_of_the_method_of_pairs() -> None:
    # Oracle: limit, binomial sums of incomplete beta functions at growing n; the maximum of z Phi(-z) by mpmath
    with mp.workdps(30):
        z = mp.findroot(lambda t: mp.ncdf(-t) - t * mp.npdf(t), 0.75)
        top = z * mp.ncdf(-z)
        assert abs(z - mp.mpf("0.7518")) < 5e-5
        assert abs(top / mp.sqrt(2) - mp.mpf("0.12019")) < 5e-6
        assert max(t * mp.ncdf(-t) for t in mp.linspace(0, 5, 501)) <= top
        assert abs(mp.exp(-0.5) / 16 - mp.mpf("0.03791")) < 5e-6  # Z&Z Thm 3.1
    for pairs in (1, 3):  # S A'/2
        off = []
        for n in (300, 3000, 30_000):
            D = float(z) * math.sqrt(pairs / n)
            m = np.arange(1, n + 1)
            r = (m + 1) // 2
            errors = scipy.special.betainc(r, r, (1 - D) / 2)
            chances = scipy.stats.binom.pmf(m, n, 1 / pairs)
            value = D * (chances @ errors + 0.5 * scipy.stats.binom.pmf(0, n, 1 / pairs))
            off.append(abs(value / math.sqrt(pairs / n) - float(top)))
            assert off[-1] < pairs / n
        assert off[0] > 5 * off[1] > 25 * off[2]
        assert abs(value / math.sqrt(pairs / n) - 1.03 * float(top)) > off[0]  # red


# --- N8 (f): Dirichlet prior ---------------------------------------------------------------------------------


def whole_beta_mean(a: int, b: int, low: Fraction, high: Fraction, power: int) -> Fraction:
    """E[p^power; low < p < high] for Beta(a, b), a and b whole: a polynomial's integral."""
    total = Fraction(0)
    for j in range(b):
        degree = a + power + j
        total += (-1) ** j * math.comb(b - 1, j) * (high**degree - low**degree) / degree
    return total * a * math.comb(a + b - 1, a)


def whole_below(a: int, b: int, q: Fraction) -> Fraction:
    """I_q(a, b), a and b whole: a binomial tail."""
    return sum(binomial(a + b - 1, q)[a:], Fraction(0))


def beta_deviation(a: float, b: float, q: float) -> float:
    """E|p - q| for Beta(a, b) by quadrature."""
    law = scipy.stats.beta(a, b)
    parts = [
        scipy.integrate.quad(lambda p: abs(p - q) * law.pdf(p), low, high, epsabs=1e-13, epsrel=1e-11, limit=200)[0]
        for low, high in ((0, q), (q, 1))
        if low < high
    ]
    return sum(parts)


def peak(a: Any, b: Any, q: Any) -> Any:
    """q^a (1-q)^b / (N B(a, b)), N = a + b."""
    return np.exp(a * np.log(q) + b * np.log1p(-q) - scipy.special.betaln(a, b)) / (a + b)


def L(A: int, m: int, alpha: float, u: float) -> float:
    """The lower bound of quantiles of level u after m visits of one input."""
    x = np.arange(m + 1)
    a, b = alpha + x, (A - 1) * alpha + m - x
    q = scipy.special.betaincinv(a, b, u) if m else np.array([1 / A])
    return A * float(scipy.stats.betabinom.pmf(x, m, alpha, (A - 1) * alpha) @ peak(a, b, q))


@pytest.mark.step("N8.12")
def test_mean_absolute_deviations_of_beta_laws() -> None:
    # Oracle: enumeration, polynomials' integrals and binomial tails in fractions; mpmath where a, b are not whole
    for a, b in itertools.product((1, 2, 3, 7), repeat=2):
        share = Fraction(a, a + b)
        for q in [Fraction(k, 12) for k in range(13)]:
            below = [whole_beta_mean(a, b, Fraction(0), q, power) for power in (0, 1)]
            above = [whole_beta_mean(a, b, q, Fraction(1), power) for power in (0, 1)]
            assert below[0] + above[0] == 1
            truth = q * below[0] - below[1] + above[1] - q * above[0]
            inner, outer = whole_below(a, b, q), whole_below(a + 1, b, q)
            assert below[1] == share * outer
            assert truth == q * (2 * inner - 1) + share * (1 - 2 * outer)
            assert truth != q * (2 * inner - 1) + OFF * share * (1 - 2 * outer) or 2 * outer == 1  # red
            ways = Fraction(math.factorial(a + b - 1), math.factorial(a) * math.factorial(b - 1))  # 1/(a B(a, b))
            assert inner - outer == ways * q**a * (1 - q) ** b
    for a, b in ((0.5, 0.5), (0.3, 2.0), (4.5, 1.25), (2.0, 2.0)):
        law = scipy.stats.beta(a, b)
        median = law.median()
        closed = a / (a + b) * (1 - 2 * scipy.special.betainc(a + 1, b, median))
        assert closed == pytest.approx(
            beta_deviation(a, b, median), rel=1e-7, abs=0
        )  # singular densities, by quadrature
        assert closed == pytest.approx(2 * peak(a, b, median), rel=1e-10, abs=0)
        assert abs(0.97 * closed - beta_deviation(a, b, median)) > 0.02 * closed  # red
        assert abs(a / (a + b) * (1 - 2 * scipy.special.betainc(a, b + 1, median)) - closed) > 0.02 * closed  # red


def simplex_row(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
    """The law q that is best for beta marginals, found by Lagrange's level, and the level."""
    u = scipy.optimize.brentq(lambda t: scipy.special.betaincinv(a, b, t).sum() - 1, 1e-9, 1 - 1e-9, xtol=1e-14)
    return scipy.special.betaincinv(a, b, u), u


@pytest.mark.step("N8.13")
@pytest.mark.parametrize(
    ("A", "n", "alpha"),
    [
        *((2, 3, 0.7), (3, 0, 1.0), (3, 1, 0.6)),
        *(pytest.param(*of, marks=pytest.mark.slow) for of in ((3, 3, 1.5), (4, 2, 1.0))),
    ],
)
def test_the_dirichlet_bounds_are_below_the_bayes_risk(A: int, n: int, alpha: float) -> None:
    # Oracle: second algorithm, the posterior's best law on the simplex for each vector of counts, quadrature
    rng = np.random.default_rng(7)
    bayes, medians, by_level = 0.0, 0.0, {0.4: 0.0, 0.5: 0.0, 0.62: 0.0}
    deviation = {}

    def paid(a: float, b: float, q: float) -> float:
        key = round(a, 6), round(b, 6), round(q, 13)
        if key not in deviation:
            deviation[key] = beta_deviation(a, b, q)
        return deviation[key]

    for counts in oracles._compositions(n, A):
        a = alpha + np.array(counts)
        b = a.sum() - a
        chance = math.exp(
            scipy.special.gammaln(n + 1)
            - scipy.special.gammaln(np.array(counts) + 1).sum()
            + scipy.special.gammaln(a).sum()
            - A * scipy.special.gammaln(alpha)
            + scipy.special.gammaln(A * alpha)
            - scipy.special.gammaln(A * alpha + n)
        )
        row, level = simplex_row(a, b)
        posterior = sum(map(paid, a, b, row)) / 2
        other = rng.dirichlet(200 * row + 1)  # any other law costs more
        assert sum(map(paid, a, b, other)) / 2 >= posterior - 1e-10
        bayes += chance * posterior
        medians += chance * sum(map(paid, a, b, scipy.special.betaincinv(a, b, 0.5))) / 2
        assert peak(a, b, row).sum() == pytest.approx(
            posterior, rel=1e-8, abs=0
        )  # at its own level the bound is the risk
        for u in by_level:
            q, mu = scipy.special.betaincinv(a, b, u), 2 * u - 1
            lagrangian = (mu + sum(map(paid, a, b, q)) - mu * q.sum()) / 2
            assert lagrangian <= posterior + 1e-10
            assert peak(a, b, q).sum() == pytest.approx(lagrangian, rel=1e-8, abs=0)  # mu cancels
            assert abs(u - level) < 0.05 or lagrangian < posterior - 1e-5
            by_level[u] += chance * lagrangian
    for u, value in by_level.items():
        assert value <= bayes + 1e-10
        if n:  # at n = 0 the level of the uniform row is taken instead
            assert L(A, n, alpha, u) == pytest.approx(value, rel=1e-8, abs=0)
    assert medians == pytest.approx(by_level[0.5], rel=1e-8, abs=0)
    assert L(A, 0, alpha, 0.5) >= by_level[0.5] - 1e-10 or n
    best = max(L(A, n, alpha, u) for u in np.linspace(0.3, 0.7, 81))
    assert best <= bayes * (1 + 1e-8)
    assert best > 0.985 * bayes
    assert best > 0.97 * bayes  # red: 3% more would be above the Bayes risk
    # Some student's worst risk is at least the Bayes risk: adding alpha, the posterior means.
    rows = rng.dirichlet(np.full(A, 0.7), size=400)
    rows = np.vstack((rows, np.eye(A), np.full((1, A), 1 / A)))
    x = np.arange(n + 1)
    costs = np.abs((x + alpha) / (n + A * alpha) - rows[..., None])
    risks = (scipy.stats.binom.pmf(x, n, rows[..., None]) * costs).sum(axis=(1, 2)) / 2
    assert risks.max() >= best


@pytest.mark.step("N8.13")
def test_inputs_are_learnt_apart_under_independent_rows() -> None:
    # Oracle: enumeration, S = 2 with every table of counts in fractions, rows of two values each with weight 1/2
    values = (Fraction(1, 4), Fraction(2, 3))

    def posterior_cost(weights: dict[Fraction, Fraction]) -> Fraction:
        """The least of sum weight |p - q|: at one of the values, as it is piecewise linear."""
        return min(sum(c * abs(p - q) for p, c in weights.items()) for q in values)

    def alone(m: int) -> Fraction:
        return sum(posterior_cost({p: binomial(m, p)[k] / 2 for p in values}) for k in range(m + 1))

    for n in range(5):
        joint = Fraction(0)
        for counts in oracles._compositions(n, 4):
            ways = math.factorial(n) // math.prod(map(math.factorial, counts))
            chance = {
                (p, q): ways
                * math.prod(x**k for x, k in zip((p / 2, (1 - p) / 2, q / 2, (1 - q) / 2), counts, strict=True))
                / 4
                for p in values
                for q in values
            }
            for s in range(2):
                joint += posterior_cost({v: sum(c for pq, c in chance.items() if pq[s] == v) for v in values}) / 2
        assert joint == sum(c * alone(m) for m, c in enumerate(binomial(n, HALF)))
        assert joint != alone(n) or n == 0  # red: n visits each, in place of Bin(n, 1/2)


# --- N8 (g): the sharp limit -----------------------------------------------------------------------------------


@pytest.mark.step("N8.14")
def test_the_dirichlet_bound_reaches_the_limit() -> None:
    # Oracle: limit, closed beta densities at their medians for growing N, and the bound's own sum for growing n
    for A, alpha, p in ((2, 1.0, 0.5), (3, 2.5, 0.1), (5, 0.5, 0.9)):
        target = math.sqrt(2 / math.pi * p * (1 - p))
        off = []
        for N in (10**2, 10**4, 10**6):
            a, b = alpha + N * p, (A - 1) * alpha + N * (1 - p)
            scaled = math.sqrt(N) * 2 * float(peak(a, b, scipy.special.betaincinv(a, b, 0.5)))
            off.append(abs(scaled - target))
        assert off[0] > 50 * off[1] > 2000 * off[2]
        assert off[0] < 0.1
        assert abs(0.97 * scaled - target) > 0.02 * target  # red
    for A, alpha, N in itertools.product((2, 5), (0.2, 1.0, 10.0), (1, 7, 100)):  # boundedly
        x = np.arange(N + 1)
        a, b = alpha + x, (A - 1) * alpha + N - x
        assert np.all(math.sqrt(N) * 2 * peak(a, b, scipy.special.betaincinv(a, b, 0.5)) <= 0.5)
    for S, A in itertools.product((1, 3), (2, 3, 10)):
        end = A / 2 * math.sqrt(2 / math.pi) * math.sqrt((1 - 1 / A) / A) * math.sqrt(S)
        assert end == pytest.approx(math.sqrt(S * (A - 1) / (2 * math.pi)), rel=1e-14, abs=0)
        # E sqrt(p(1-p)) under Beta(alpha, (A-1) alpha), closed; its limit as alpha grows is that at p = 1/A.
        mean = [
            math.exp(scipy.special.betaln(al + 0.5, (A - 1) * al + 0.5) - scipy.special.betaln(al, (A - 1) * al))
            for al in (1, 10, 100, 1000)
        ]
        gap = [math.sqrt(A - 1) / A - x for x in mean]
        assert all(g > 8 * h > 0 for g, h in itertools.pairwise(gap[1:]))
        assert mean[-1] > 0.97 * math.sqrt(A - 1) / A  # red
    for A in (2, 4):  # the bound itself, u = 1/2, alpha of the order of sqrt n
        ratio = []
        for n in (10**2, 10**3, 10**4, 10**5):
            alpha = math.sqrt(n / (A - 1)) / 2
            ratio.append(math.sqrt(n) * L(A, n, alpha, 0.5) / math.sqrt((A - 1) / (2 * math.pi)))
        gap = [1 - x for x in ratio]
        assert all(2.8 * h < g for g, h in itertools.pairwise(gap))  # 1/sqrt n: root 10 is 3.16
        assert 0.995 < ratio[-1] < 1
    for A, alpha, u in itertools.product((2, 3, 6), (0.1, 1.0, 8.0, 300.0), (0.3, 0.5, 0.6)):
        run = [L(A, m, alpha, u) for m in range(13)]
        assert all(more <= less * (1 + 1e-11) for less, more in itertools.pairwise(run))
        assert alpha < 300 or u != 0.5 or run[12] > 0.97 * run[1]  # red: a strong prior learns little from a visit


@pytest.mark.step("N8.15")
def test_the_mean_inverse_root_tends_to_that_of_the_mean() -> None:
    # Oracle: limit, sums over the binomial law for growing means; the constant of a problem by de Moivre's sum

    def inverse(n: int, rho: float, power: float = 0.5) -> float:
        k = np.arange(1, n + 1)
        return float((n * rho) ** power * scipy.stats.binom.pmf(k, n, rho) @ k**-power)

    for rho in (1.0, 0.5, 0.01):
        off = []
        for mean in (10, 100, 1000):
            value = inverse(round(mean / rho), rho)
            off.append(value - 1)
            assert value == pytest.approx(1 + 3 / 8 * (1 - rho) / mean, abs=2 / mean**2)
        assert rho == 1 or off[0] > 8 * off[1] > 64 * off[2] > 0  # red: 1 alone is too little
    # An explicit 1 + epsilon, by Chernoff: below (1 - d) mu the visits have probability exp(-d^2 mu/2) at most.
    for mean, rho in itertools.product((1, 3, 10, 100, 1000), (1.0, 0.5, 0.01)):
        n = round(mean / rho)
        assert inverse(n, rho, 1.0) <= 2  # E[1/m; m >= 1] <= 2/(n rho)
        for power in (0.5, 0.75):
            d = mean ** (-1 / 3) if mean > 1 else 0.5
            epsilon = (1 - d) ** -power - 1 + mean**power * math.exp(-d * d * mean / 2)
            assert inverse(n, rho, power) <= 1 + epsilon
    assert inverse(500, 0.01) > 1.08  # red: at a mean of 5 an epsilon of 8% is too little
    assert abs(inverse(10**5, 0.01) - 1.03) > 0.02  # red
    rng = np.random.default_rng(8)
    for S, A in ((1, 2), (2, 3), (3, 5)):
        rho, teacher = rng.dirichlet(np.full(S, 4.0)), rng.dirichlet(np.full(A, 1.0), size=S)
        limit = float(np.sum(np.sqrt(rho)[:, None] * np.sqrt(teacher * (1 - teacher) / (2 * math.pi))))
        assert limit <= math.sqrt(S * (A - 1) / (2 * math.pi))
        off = [abs(math.sqrt(n) * oracles.exact_ce_sgl(rho, teacher, n) - limit) for n in (10**3, 10**5, 10**7)]
        assert off[2] < 1e-3 * limit
        assert off[0] > 5 * off[2]
    flat = [math.sqrt(n) * oracles.exact_ce_sgl([0.5] * 2, [[0.25] * 4] * 2, n) for n in (10**4, 10**6)]
    assert flat[1] > 0.97 * math.sqrt(2 * 3 / (2 * math.pi))  # red: the worst problem reaches the constant


@pytest.mark.step("N8.19")
def test_a_binomial_deviates_like_a_normal_variable_but_for_one() -> None:
    # Oracle: enumeration, de Moivre's mean deviation by the binomial law; the distance of distribution functions too
    largest = 0.0
    for m, p in itertools.product((1, 2, 3, 10, 100, 3000), (0.0, 1e-6, 1e-3, 0.1, 0.3, 0.5, 0.77, 1.0)):
        k = np.arange(m + 1)
        law = scipy.stats.binom.pmf(k, m, p)
        off = abs(float(law @ np.abs(k - m * p)) - math.sqrt(2 * m * p * (1 - p) / math.pi))
        assert off <= p**2 + (1 - p) ** 2 <= 1
        largest = max(largest, off)
        third = p * (1 - p) ** 3 + (1 - p) * p**3
        assert third == pytest.approx(p * (1 - p) * (p**2 + (1 - p) ** 2), abs=1e-16)
    assert 0.1 < largest < 0.1012  # far below 1: at one draw of p = 1/2 it is 1/2 - 1/sqrt(2 pi)
    for m, p in ((1, 0.5), (3, 0.2), (40, 0.05)):  # Goldstein's theorem, between the jumps by quadrature
        sd = math.sqrt(m * p * (1 - p))
        z = np.linspace(-12, 40, 400_001)
        apart = np.abs(scipy.stats.binom.cdf(np.floor(z * sd + m * p + 1e-9), m, p) - scipy.stats.norm.cdf(z))
        distance = float(apart.sum() * (z[1] - z[0]))
        assert distance <= (p**2 + (1 - p) ** 2) / sd
        mean = float(scipy.stats.binom.pmf(np.arange(m + 1), m, p) @ np.abs(np.arange(m + 1) - m * p)) / sd
        assert abs(mean - math.sqrt(2 / math.pi)) <= distance + 1e-4  # the grid's width


@pytest.mark.step("N8.20")
def test_frequencies_are_near_the_sharp_limit_at_every_number_of_visits() -> None:
    # Oracle: second algorithm, de Moivre's sums for random and uniform rows
    rng = np.random.default_rng(9)
    closest = 0.0
    for A, m in itertools.product((2, 3, 10, 60), (1, 2, 7, 100, 10**5)):
        for row in (np.full(A, 1 / A), *rng.dirichlet(np.full(A, 0.5), size=4)):
            assert np.sqrt(row * (1 - row)).sum() <= math.sqrt(A - 1) * (1 + 1e-12)
            risk = oracles.exact_ce_sgl([1.0], [row.tolist()], m)
            sharp = math.sqrt((A - 1) / (2 * math.pi * m))
            assert risk <= sharp + A / (2 * m)
            closest = max(closest, risk / sharp)
    assert closest > 1.1  # red: without a remainder it is false


# --- N8, the upper end: a student that adds c to every count ------------------------------------------------------


def add_risk(p: Any, n: int, c: Any, A: int) -> Any:
    """h(p) = E|X + c - p T| / (2 T), X ~ Bin(n, p), T = n + A c."""
    T = n + A * c
    return sum(chance * abs(x + c - p * T) for x, chance in enumerate(binomial(n, p))) / (2 * T)


@pytest.mark.step("N8.16")
def test_the_worst_risk_of_adding_a_constant_is_below_its_lagrangian() -> None:
    # Oracle: enumeration, every vector of counts in fractions; random rows against the maximum over a grid they lie on
    rng = np.random.default_rng(9)
    for p in oracles.rational_laws(9, 25, 4, 12):
        A = len(p)
        for n, c in ((0, Fraction(1)), (1, HALF), (3, Fraction(2, 5)), (4, Fraction(0))):
            risk = Fraction(0)
            for chance, counts in multinomial(n, p):
                student = [(k + c) / (n + A * c) for k in counts]
                assert sum(student) == 1
                risk += chance * tv(p, student)
            assert risk == sum(add_risk(x, n, c, A) for x in p)
    grid = [Fraction(k, 24) for k in range(25)]
    for A, n, c in ((2, 1, HALF), (2, 6, Fraction(1)), (3, 5, Fraction(2, 3)), (5, 2, Fraction(1, 3))):
        h = {p: add_risk(p, n, c, A) for p in grid}
        rows = [p for p in oracles.rational_laws(10, 300, A, 24) if len(p) == A and all(x in h for x in p)]
        worst = max(sum(h[x] for x in p) for p in rows)
        for slope in (Fraction(0), *(Fraction(int(k), 50) for k in rng.integers(-20, 21, size=8))):
            assert worst <= slope + A * max(h[p] - slope * p for p in grid)
    # A = 2, n = 1, c = 1/2: the bound with slope 0 is attained at (1/2, 1/2), and at (0, 1).
    h = {p: add_risk(p, 1, HALF, 2) for p in grid}
    for p in ((HALF, HALF), (0, 1)):
        assert h[p[0]] + h[p[1]] == 2 * max(h.values()) == Fraction(1, 4)
        assert h[p[0]] + h[p[1]] > OFF * 2 * max(h.values())  # red


def curvature(p: float, n: int) -> float:
    """M(p)."""
    return 2 * n * min(1.0, (2 * math.e * (n - 1) * p * (1 - p)) ** -0.5 if n > 1 and 0 < p < 1 else 1.0)


@pytest.mark.step("N8.17")
def test_no_binomial_probability_exceeds_its_bound() -> None:
    # Oracle: mpmath, the exact maximum over p, at (k + 1/2)/(N + 1), 30 digits
    with mp.workdps(30):
        bound = 1 / mp.sqrt(2 * mp.e)

        def highest(N: int, k: int) -> mp.mpf:
            p = (k + mp.mpf(1) / 2) / (N + 1)
            return mp.sqrt(N * p * (1 - p)) * mp.binomial(N, k) * p**k * (1 - p) ** (N - k)

        for N in (1, 2, 3, 10, 50, 300):
            values = [highest(N, k) for k in range(N // 2 + 1)]
            assert all(b < a for a, b in itertools.pairwise(values))  # k = 0 is the worst
            assert values[0] < bound
            for k, p in itertools.product(range(0, N + 1, max(1, N // 7)), mp.linspace(0, 1, 41)):
                chance = mp.binomial(N, k) * p**k * (1 - p) ** (N - k)
                assert mp.sqrt(N * p * (1 - p)) * chance <= highest(N, k) * (1 + mp.mpf("1e-25"))
        near = [bound - highest(N, 0) for N in (10, 100, 1000)]
        assert near[0] > 9 * near[1] > 81 * near[2] > 0
        assert highest(100, 0) > 0.97 * bound  # red
        assert highest(100, 0) > 1 / mp.sqrt(2 * mp.pi)  # red: the normal law's own peak is too little


@pytest.mark.step("N8.17")
def test_the_curvature_of_the_risk_of_a_label() -> None:
    # Oracle: mpmath, numerical second derivatives of the defining sum at 50 digits, one-sided slopes at kinks
    rng = np.random.default_rng(10)
    nearest = {"one": 0.0, "many": 0.0}
    with mp.workdps(50):
        cases = [(1, 2, 0.5), (1, 3, 0.25), (2, 2, 0.3), (3, 4, 0.7), (9, 2, 1.1), (9, 2, 60.0), (25, 3, 2.0)]
        for n, A, c in cases:
            c_mp = mp.mpf(c)
            T = n + A * c_mp
            middles = [0.5, (c + n // 2 + 0.5) / float(T)]
            for p in map(mp.mpf, [*middles, *rng.uniform(0.001, 0.999, 12)]):
                t = p * T - c_mp
                k = int(mp.floor(t))
                if abs(t - mp.nint(t)) < 1e-6:
                    continue
                h2 = mp.diff(lambda x, n=n, c=c_mp, A=A: add_risk(x, n, c, A), p, 2)
                second = sum(
                    chance * (abs(x + 2 - t) - 2 * abs(x + 1 - t) + abs(x - t))
                    for x, chance in enumerate(binomial(n - 2, p) if n > 1 else [])
                )
                assert second >= 0
                inside = binomial(n - 1, p)[k] if 0 <= k <= n - 1 else mp.mpf(0)
                assert abs(T * h2 - (n * (n - 1) * second / 2 - 2 * n * T * inside)) < mp.mpf("1e-15")
                M = curvature(float(p), n)
                assert h2 >= -M * (1 + 1e-12)
                kind = "one" if n == 1 else "many"
                nearest[kind] = max(nearest[kind], float(-h2 / M))
            for k in range(n + 1):  # kinks: the slope jumps up by b(k; n, p)
                p = (k + c_mp) / T
                step = mp.mpf("1e-15")
                left, here, right = (add_risk(p + i * step, n, c_mp, A) for i in (-1, 0, 1))
                jump = (right - 2 * here + left) / step
                assert abs(jump - binomial(n, p)[k]) < mp.mpf("1e-10")
                assert jump > 0
    assert nearest["one"] > 0.9999  # red: at n = 1, h'' = -2 n where 0 < t < 1
    assert nearest["many"] > 0.85  # c = 60: what is lost is that 0.399 is less than 0.429
    # In a cell h is above its chord by at most the greatest M times width^2 / 8; pq is concave: that is at an end.
    tight = 0.0
    for n, A, c in ((1, 2, 0.5), (1, 2, 3.0), (4, 3, 0.5), (30, 5, 1.0)):
        for _ in range(60):
            left, right = np.sort(rng.uniform(0, 1, 2))
            if rng.random() < 0.5:
                right = left + (right - left) / 20
            M = max(curvature(left, n), curvature(right, n))
            h = [add_risk(x, n, c, A) for x in (left, (left + right) / 2, right)]
            room = M * (right - left) ** 2 / 8
            assert all(curvature(x, n) <= M * (1 + 1e-12) for x in np.linspace(left, right, 9))
            for v in np.linspace(0, 1, 9):
                assert add_risk(left + v * (right - left), n, c, A) <= h[0] + v * (h[2] - h[0]) + room + 1e-14
            tight = max(tight, (h[1] - (h[0] + h[2]) / 2) / room)
    assert tight > 0.97  # red


@pytest.mark.step("N8.18")
def test_inputs_apart_cost_at_most_the_mean_of_V() -> None:
    # Oracle: enumeration, two inputs with every table of counts in fractions, against one input's worst cost
    rows = [
        [HALF, HALF],
        [Fraction(1, 4), Fraction(3, 4)],
        [Fraction(1), Fraction(0)],
        [Fraction(1, 3), Fraction(2, 3)],
    ]
    uniform = [HALF, HALF]
    for n in (0, 1, 2, 4):
        cost = {i: [tv(row, uniform)] + [frequencies_tv(row, m) for m in range(1, n + 1)] for i, row in enumerate(rows)}
        V = [max(cost[i][m] for i in cost) for m in range(n + 1)]
        assert all(b <= a for a, b in itertools.pairwise(V))

        def mean(values: Sequence[Fraction], r: Fraction, n: int = n) -> Fraction:
            return sum(c * v for c, v in zip(binomial(n, r), values, strict=True))

        for r in (Fraction(0), Fraction(1, 5), HALF, Fraction(1)):
            rho = [r, 1 - r]
            for i, j in itertools.product(cost, repeat=2):
                risk = oracles.enumerate_risks(rho, [rows[i], rows[j]], n)["CE_sgl"]
                assert risk == r * mean(cost[i], r) + (1 - r) * mean(cost[j], 1 - r)
                assert risk <= r * mean(V, r) + (1 - r) * mean(V, 1 - r)
            risk = oracles.enumerate_risks(rho, [rows[0], rows[0]], n)["CE_sgl"]
            own = r * mean(cost[0], r) + (1 - r) * mean(cost[0], 1 - r)
            assert own == 0 or risk > OFF * own  # red: with one row V is its cost, and nothing is lost
        # In a cell [r0, r1] a term is at most r E V(Bin(n, r0)).
        for r0, r1 in ((Fraction(1, 10), Fraction(1, 5)), (HALF, HALF), (Fraction(3, 5), Fraction(1))):
            for r in (r0, (r0 + r1) / 2, r1):
                assert r * mean(V, r) <= r * mean(V, r0)
            assert V[n] == V[0] or r0 == r1 or r0 * mean(V, r0) > r0 * mean(V, r1)  # red: r1 for r0
            # By the drops of V: V(0) + sum of (V(m) - V(m-1)) P(Bin >= m).
            tails = [sum(binomial(n, r0)[m:]) for m in range(1, n + 1)]
            assert mean(V, r0) == V[0] + sum(
                (b - a) * t for (a, b), t in zip(itertools.pairwise(V), tails, strict=True)
            )


# --- N10: forward KL -----------------------------------------------------------------------------------------------


def d(x: Any, q: Any) -> mp.mpf:
    """Return x log(x/q) - x + q, where 0 log 0 = 0."""
    return (x * mp.log(x / q) if x > 0 else mp.mpf(0)) - x + q


def saddle() -> tuple[mp.mpf, mp.mpf]:
    """(q*, x*): the level at which the maxima at 0 and inside are equal, and where the inner one is."""

    def top(q: mp.mpf) -> mp.mpf:
        return mp.findroot(lambda x: mp.log(x / q) - d(x, q), 1.84)  # the derivative of exp(-x) d(x|q), times exp(x)

    q = mp.findroot(lambda q: mp.exp(-top(q)) * d(top(q), q) - q, 0.292)
    return q, top(q)


@pytest.mark.step("N10.1")
def test_what_is_paid_in_kl_is_a_minimum_over_q() -> None:
    # Oracle: identity, both sides at 40 digits on random unseen sets, zeros and single labels among them
    rng = np.random.default_rng(11)
    with mp.workdps(40):
        for _ in range(200):
            size = int(rng.integers(1, 7))
            w = [mp.mpf(x) * (rng.random() < 0.7) for x in rng.exponential(size=size) / 10]
            mean = mp.fsum(w) / size
            if mean == 0:
                assert mp.fsum(d(x, mp.mpf("1e-30")) for x in w) < mp.mpf("1e-29")  # the infimum, at q -> 0, is 0 = T
                continue
            paid = mp.fsum(x * mp.log(x / mean) for x in w if x > 0)
            assert abs(mp.fsum(d(x, mean) for x in w) - paid) < mp.mpf("1e-36")
            assert mp.fsum(d(x, mean * mp.mpf("1.03")) for x in w) > paid  # red: the minimiser is the mean
            for q in map(mp.mpf, rng.exponential(size=3)):
                whole = mp.fsum(d(x, q) for x in w)
                assert abs(whole - paid - size * d(mean, q)) < mp.mpf("1e-36")
                assert whole >= paid
                assert abs(whole - paid - mp.mpf("0.97") * size * d(mean, q)) > mp.mpf("1e-12")  # red


@pytest.mark.step("N10.2")
def test_the_two_maxima_are_equal_at_the_best_q() -> None:
    # Oracle: mpmath, grids of x and of q at 30 digits
    with mp.workdps(30):
        q, x = saddle()
        assert abs(q - mp.mpf("0.292037")) < mp.mpf("5e-7")
        assert abs(x - mp.mpf("1.8414")) < mp.mpf("5e-5")
        grid = [mp.mpf(k) / 100 for k in range(3000)]
        for level in (q, q / 2, q * mp.mpf("0.97"), q * mp.mpf("1.03"), q * 2, mp.mpf(1)):
            highest = max(mp.exp(-t) * d(t, level) for t in [*grid, x])
            assert highest >= level  # x = 0
            assert highest <= q * (1 + mp.mpf("1e-25")) if level == q else highest > q * mp.mpf("1.005")
        assert abs(mp.exp(-x) * d(x, q) - d(mp.mpf(0), q)) < mp.mpf("1e-25")
        assert mp.exp(-x) * d(x, q) > mp.mpf("0.97") * q  # red


def light_unseen(n: int, k: int, x: mp.mpf) -> list[mp.mpf]:
    """The law of how many of k labels of mass x are unseen after n draws, by inclusion and exclusion."""
    at_least = [(1 - j * x) ** n for j in range(k + 1)]
    for step in range(k, 0, -1):  # differences, k times: entry j ends as the chance that j given ones alone are unseen
        for j in range(step):
            at_least[j] -= at_least[j + 1]
    return [mp.binomial(k, j) * chance for j, chance in enumerate(at_least)]


@pytest.mark.step("N10.3")
def test_the_expected_kl_of_sel_ptl_is_below_its_constant() -> None:
    # Oracle: enumeration, every vector of counts of one row and the other inputs' draws; 30 digits
    with mp.workdps(30):
        c, x_light = saddle()
        rng = np.random.default_rng(12)
        for trial in range(25):
            A, n = int(rng.integers(1, 5)), int(rng.integers(1, 6))
            w = oracles.rational_law(rng, A + (trial % 2), denominator=24, zeros=True)  # S = 1, or the rest elsewhere
            w, rest = (w[:A], w[A:]) if trial % 2 else (w, [])
            mean = mp.mpf(0)
            for chance, counts in multinomial(n, [*w, *rest]):
                U = [mp.mpf(x.numerator) / x.denominator for x, k in zip(w, counts[:A], strict=True) if k == 0]
                level = mp.fsum(U) / len(U) if U else mp.mpf(0)
                paid = mp.fsum(x * mp.log(x / level) for x in U if x > 0)
                mean += mp.mpf(chance.numerator) / chance.denominator * paid
            masses = [mp.mpf(x.numerator) / x.denominator for x in w]
            for q in (c / n, mp.mpf(1) / A, mp.mpf("0.01")):
                linear = mp.fsum((1 - x) ** n * d(x, q) for x in masses)
                poisson = mp.fsum(mp.exp(-n * x) * d(n * x, n * q) for x in masses) / n
                assert mean <= linear * (1 + mp.mpf("1e-25"))
                assert linear <= poisson
                assert abs(sum(d(n * x, n * q) / n - d(x, q) for x in masses)) < mp.mpf("1e-25")
            assert mp.fsum(mp.exp(-n * x) * d(n * x, c) for x in masses) <= c * A * (1 + mp.mpf("1e-25"))
            assert n * mean <= c * A
    with mp.workdps(120):  # k light labels, Z zeros: the constant is nearly reached
        n, k, Z = 10**6, 130, 109
        law = light_unseen(n, k, x_light / n)
        assert abs(mp.fsum(law) - 1) < mp.mpf("1e-40")
        mean = mp.fsum(chance * j * x_light * mp.log(mp.mpf(j + Z) / j) for j, chance in enumerate(law) if j)
        assert mp.mpf("0.97") * c * (k + Z) < mean < c * (k + Z)  # red


@pytest.mark.step("N10.4")
def test_the_constant_of_kl_is_the_limit() -> None:
    # Oracle: limit, binomial sums over the unseen light labels for growing A; the saddle point at 30 digits
    with mp.workdps(30):
        q, x = saddle()
        share = 1 / (1 + mp.exp(-x) * (x / q - 1))
        assert abs(share - mp.mpf("0.5431")) < mp.mpf("5e-5")
        assert abs(share - 1 / x) < mp.mpf("1e-25")  # so the light labels take one draw per label in all

        def value(level: mp.mpf, share: mp.mpf = share) -> mp.mpf:
            return share * mp.exp(-x) * d(x, level) + (1 - share) * level

        assert abs(mp.diff(value, q)) < mp.mpf("1e-20")
        assert abs(value(q) - q) < mp.mpf("1e-25")
        for factor in (0.5, 0.97, 1.03, 2):
            assert value(q * factor) > value(q)
            assert abs(mp.diff(lambda t, f=factor: value(t, share * f if f < 1 else share / f), q)) > 0.01  # red
    x, c, kappa = float(x), float(q), float(share)
    off = []
    for A in (100, 1000, 10_000):
        k = round(kappa * A)
        j = np.arange(1, k + 1)
        Z = A - 1 - k
        value = scipy.stats.binom.pmf(j, k, math.exp(-x)) @ (x * j * np.log1p(Z / j)) / A
        off.append(c - value)
        assert np.all(x * j * np.log1p(Z / j) <= x * Z)
    assert off[0] > 8 * off[1] > 64 * off[2] > 0
    assert value > 0.97 * c  # red


@pytest.mark.step("N10.5")
def test_soft_labels_in_kl() -> None:
    # Oracle: enumeration, every sequence of inputs for the learner's risk; random answers for the Bayes cost
    rng = np.random.default_rng(13)
    for A in (1, 2, 3, 10):
        for concentration in (0.1, 1.0, 30.0):
            p, v = rng.dirichlet(np.full(A, concentration)), rng.dirichlet(np.full(A, concentration)) + 1e-12
            v /= v.sum()
            assert scipy.special.rel_entr(p, 1 / A).sum() <= math.log(A) + 1e-14
            assert -np.log(v).mean() >= math.log(A) - 1e-11
        dirac, flat = np.eye(A)[0], np.full(A, 1 / A)
        assert scipy.special.rel_entr(dirac, flat).sum() == pytest.approx(math.log(A), rel=1e-14, abs=0)
        assert A == 1 or scipy.special.rel_entr(dirac, flat).sum() > 0.97 * math.log(A)  # red
        assert A == 1 or -np.log(flat).mean() < 1.03 * math.log(A)  # red
    # CE_ful, uniform, on Diracs: log A times the probability of the unvisited, from every sequence of visits.
    A = 3
    for S, n in ((1, 0), (1, 2), (2, 0), (2, 3), (3, 4)):
        best = Fraction(0)
        for weights in oracles._compositions(12, S):
            rho = [Fraction(k, 12) for k in weights]
            unvisited = sum(
                math.prod(rho[s] for s in visits) * sum(rho[s] for s in range(S) if s not in visits)
                for visits in itertools.product(range(S), repeat=n)
            )
            assert unvisited == sum(r * (1 - r) ** n for r in rho)
            best = max(best, unvisited)
        if n <= S:
            assert best == (1 - Fraction(1, S)) ** n  # V(S, n), attained at the uniform law
        assert (S == 1 and n > 0) == (best == 0)


# --- N11: the bias of CE_ptl ---------------------------------------------------------------------------------------


def squared(p: Sequence[Any]) -> list[Any]:
    D = sum(x * x for x in p)
    return [x * x / D for x in p]


@pytest.mark.step("N11.1")
def test_the_bias_is_at_most_what_is_not_likeliest() -> None:
    # Oracle: enumeration, random rows in fractions; mpmath for A up to 1e30
    for p in oracles.rational_laws(14, 300, 7, 60):
        q, top = squared(p), max(p)
        assert sum(x * x for x in p) <= top
        assert max(q) >= top
        assert q[p.index(top)] >= top
        assert tv(p, q) <= 1 - top <= 1 - Fraction(1, len(p))
    with mp.workdps(60):
        for A in (3, 10, 10**3, 10**9, 10**18, 10**30):
            heavy = (mp.mpf(2) / A) ** (mp.mpf(1) / 3)
            light = (1 - heavy) / (A - 1)
            D = heavy**2 + (A - 1) * light**2
            bias = heavy**2 / D - heavy  # only the heavy label gains
            assert bias <= 1 - heavy
            assert 1 - bias <= mp.mpf("1.5") * heavy + mp.mpf(1) / A  # tends to 1
            for other in (heavy * mp.mpf("0.8"), heavy * mp.mpf("1.25")):  # the exponent and the 2 are the best
                rest = (1 - other) ** 2 / (A - 1)
                assert A < 10**3 or other**2 / (other**2 + rest) - other < bias
        assert bias > mp.mpf("0.97") * (1 - heavy)  # red


@pytest.mark.step("N11.2")
def test_the_distance_of_ce_ptl_to_its_limit() -> None:
    # Oracle: enumeration, every vector of counts of random rows in fractions, the student by its definition
    for p in itertools.chain(
        oracles.rational_laws(15, 60, 4, 12), [[Fraction(k, 40), Fraction(40 - k, 40)] for k in range(1, 40)]
    ):
        D = sum(x * x for x in p)
        uniform = [Fraction(1, len(p))] * len(p)
        for m in (1, 2, 4):
            for _, counts in multinomial(m, p):
                f = [Fraction(k, m) for k in counts]
                e = [a - b for a, b in zip(f, p, strict=True)]
                along = sum(a * b for a, b in zip(e, p, strict=True))
                seen = D + along  # <f, p>
                assert seen > 0
                student = oracles.student_rows(list(counts), p, uniform)["CE_ptl"]
                distance = tv(student, squared(p))
                moved = sum(x * abs(y) for x, y in zip(p, e, strict=True))
                # TV is the excess on either side; the proof takes the one that 1/D only enlarges.
                sides = [sum(x * max(sign * y, 0) for x, y in zip(p, e, strict=True)) for sign in (1, -1)]
                assert distance <= (sides[0] if seen >= D else sides[1]) / D <= moved / D
    # A label that is rare against the heaviest gains, very light ones lose, and <f, p> hardly moves.
    p = [HALF, Fraction(1, 50)] + [Fraction(48, 100) / 2400] * 2400
    f = [HALF, Fraction(1, 40)] + [Fraction(48, 100) / 2400 - Fraction(1, 200) / 2400] * 2400
    D, seen = sum(x * x for x in p), sum(x * y for x, y in zip(p, f, strict=True))
    moved = sum(x * abs(y - x) for x, y in zip(p, f, strict=True))
    distance = tv([x * y / seen for x, y in zip(p, f, strict=True)], squared(p))
    assert OFF * moved / D < distance <= moved / D  # red


@pytest.mark.step("N11.3")
def test_the_moments_of_the_frequencies_against_the_row() -> None:
    # Oracle: enumeration, every vector of counts in fractions
    near_root = 0.0
    rows = itertools.chain(
        oracles.rational_laws(16, 25, 4, 12), [[Fraction(k, 40), Fraction(40 - k, 40)] for k in (1, 3, 8)]
    )
    for p in rows:
        D = sum(x**2 for x in p)
        for m in (1, 2, 5):
            moved = square = Fraction(0)
            for chance, counts in multinomial(m, p):
                e = [Fraction(k, m) - x for k, x in zip(counts, p, strict=True)]
                weighted = sum(x * abs(y) for x, y in zip(p, e, strict=True))
                length = sum(y * y for y in e)
                assert weighted**2 <= D * length
                moved, square = moved + chance * weighted, square + chance * length
            assert square == (1 - D) / m <= Fraction(1, m)
            assert moved**2 <= D * square <= D / m
            near_root = max(near_root, math.sqrt(moved**2 * m / D))
            if p == [HALF, HALF] and m == 1:
                assert moved**2 > OFF * D * square  # red: Jensen and Cauchy lose nothing at (1/2, 1/2)
    # E|e|^2 = 1/m needs many labels, Jensen loses sqrt(2/pi) where they are: about 0.795 of sqrt(D/m) was seen.
    assert 0.79 < near_root < 0.8  # red: a bound 0.79 times as large is violated


@pytest.mark.step("N11.4")
def test_how_fast_the_risk_of_ce_ptl_tends_to_its_bias() -> None:
    # Oracle: enumeration, exact risks of CE_ptl from every table of counts; binomial sums for two labels and large n

    def room(rho: Sequence[Any], teacher: Sequence[Sequence[Any]], n: int) -> float:
        return sum(
            math.sqrt(2 * float(r) / (float(sum(x * x for x in p)) * (n + 1)))
            for r, p in zip(rho, teacher, strict=True)
        )

    least = math.inf
    for rho, teacher in problems(17, 60, S=2, A=3):
        bias = sum(r * tv(p, squared(p)) for r, p in zip(rho, teacher, strict=True))
        for n, init in itertools.product((0, 1, 3), (None, hostile(teacher))):
            off = abs(float(oracles.enumerate_risks(rho, teacher, n, init)["CE_ptl"] - bias))
            assert off <= room(rho, teacher, n)
            least = min(least, room(rho, teacher, n) / off) if off else least
    # A sure row and an initialisation that is wrong, n = 0: 1 against sqrt 2.
    sure = [Fraction(1), Fraction(0)]
    off = oracles.enumerate_risks([Fraction(1)], [sure], 0, [sure[::-1]])["CE_ptl"]
    assert off == 1
    assert off > 0.7 * room([1], [sure], 0)  # red, beyond the least factor of sqrt 2
    assert least >= math.sqrt(2) * (1 - 1e-12)
    for p in (0.5, 0.3, 0.05):
        q = squared([p, 1 - p])[0]
        for n in (10, 1000, 10**5):
            f = np.arange(n + 1) / n
            risk = scipy.stats.binom.pmf(np.arange(n + 1), n, p) @ np.abs(f * p / (f * p + (1 - f) * (1 - p)) - p)
            gap = abs(risk - abs(p - q))
            assert gap <= room([1], [[p, 1 - p]], n)
            if p == 0.5 and n == 10**5:  # no bias: the gap, 0.4/sqrt n, is of the order of the bound
                assert gap > room([1], [[p, 1 - p]], n) / 5.1


# --- N12: three labels ----------------------------------------------------------------------------------------------


@pytest.mark.step("N12.1")
def test_one_input_with_three_labels() -> None:
    # Oracle: enumeration, every vector of counts in fractions, three initialisations
    for p in (p for p in oracles.rational_laws(18, 200, 3, 12) if len(p) == 3):
        for n, init in itertools.product((1, 2, 5), (None, hostile([p]), [[Fraction(0), Fraction(1), Fraction(0)]])):
            bound = sum(x**n * (1 - x) for x in p)
            assert oracles.enumerate_risks([Fraction(1)], [p], n, init)["SEL_ptl"] <= bound
            assert bound <= 2 * max(p) ** n
    p, wrong = [HALF, HALF, Fraction(0)], [[Fraction(0), Fraction(0), Fraction(1)]]
    for n in (1, 2, 5):
        risk = oracles.enumerate_risks([Fraction(1)], [p], n, wrong)["SEL_ptl"]
        assert risk == sum(x**n * (1 - x) for x in p)
        assert risk > OFF * sum(x**n * (1 - x) for x in p)  # red
        assert risk > sum(x ** (n + 1) * (1 - x) for x in p)  # red: n + 1 for n
    # Hard labels at the rate n^(-1/2) need 1 - max p >= epsilon: half the sum of roots is at most (1+sqrt 2)/2 of it.
    for p in oracles.rational_laws(19, 200, 3, 60):
        roots = sum(math.sqrt(x * (1 - x)) for x in p) / 2
        assert roots <= (1 + math.sqrt(2)) / 2 * math.sqrt(1 - max(p)) + 1e-15


# --- N13: other levels of information ---------------------------------------------------------------------------------


@pytest.mark.step("N13.1")
def test_the_worst_row_for_the_k_largest() -> None:
    # Oracle: enumeration, random rows in fractions, the student by its definition

    def cost(row: Row, k: int) -> Fraction:
        kept = sorted(row, reverse=True)
        rest = sum(kept[k:]) / (len(row) - k)
        return tv(kept, kept[:k] + [rest] * (len(row) - k))

    for A in (2, 3, 6, 9):
        for k in range(1, A):
            worst = max(Fraction(j, k + j) * (1 - Fraction(j, A - k)) for j in range(A - k + 1))
            rows = [p for p in oracles.rational_laws(20, 400, A, 60) if len(p) == A]
            assert all(cost(p, k) <= worst for p in rows)
            vertices = [[Fraction(1, size)] * size + [Fraction(0)] * (A - size) for size in range(1, A + 1)]
            assert [cost(p, k) for p in vertices[:k]] == [0] * k
            for j in range(1, A - k + 1):
                assert cost(vertices[k + j - 1], k) == Fraction(j, k + j) * (1 - Fraction(j, A - k))
            assert worst == 0 or max(cost(p, k) for p in vertices) > OFF * worst  # red
            assert worst == 0 or worst > max(
                Fraction(j, k + j + 1) * (1 - Fraction(j, A - k)) for j in range(A - k)
            )  # red
            # Every row in descending order is a mixture of the vertices, with weights size times its drops.
            for p in rows[:20]:
                down = [*sorted(p, reverse=True), Fraction(0)]
                weights = [(size + 1) * (down[size] - down[size + 1]) for size in range(A)]
                assert sum(weights) == 1
                assert cost(p, k) <= sum(c * cost(v, k) for c, v in zip(weights, vertices, strict=True))
        assert cost([Fraction(1, A)] * A, A - 1) == 0  # one label left over is known


@pytest.mark.step("N13.2")
def test_quantised_log_probabilities() -> None:
    # Oracle: enumeration, random rows and errors; rows on one grid of cells, at the ends of their cells
    rng = np.random.default_rng(21)
    for delta in (1e-6, 0.1, 1.0, 8.0):
        for _ in range(200):
            A = int(rng.integers(1, 7))
            p = rng.dirichlet(np.full(A, rng.choice([0.3, 1.0, 10.0])))
            v = rng.uniform(-delta / 2, delta / 2, A) if rng.random() < 0.5 else rng.choice([-1, 1], A) * delta / 2
            q = p * np.exp(v)
            q /= q.sum()
            assert tv(p, q) <= math.tanh(delta / 4) + 1e-15
            B, r = q > p, math.exp(delta)
            alpha = p[B].sum()
            assert q[B].sum() <= alpha * r / (alpha * r + 1 - alpha) + 1e-15
        alpha = 1 / (1 + math.exp(delta / 2))
        q = np.array([alpha, 1 - alpha]) * np.exp([delta / 2, -delta / 2])
        q /= q.sum()
        assert q[0] - alpha == pytest.approx(math.tanh(delta / 4), rel=1e-8, abs=0)
        assert q[0] - alpha > 0.97 * math.tanh(delta / 4)  # red
        grid = np.linspace(0, 1, 2001)[1:]
        assert np.max(grid * r / (grid * r + 1 - grid) - grid) <= math.tanh(delta / 4) * (1 + 1e-9)
    # One grid of cells [i delta, (i+1) delta) for all labels: two groups, lower ends and (nearly) upper ends. Two
    # labels alone are not enough, as their masses would have to be exp(delta/2) apart.
    delta, reach = 1.0, []
    for i in (-4, -8, -12):
        low, high = math.exp(i * delta), math.exp((i + 1) * delta) * (1 - 1e-9)
        k = round(1 / (1 + math.exp(delta / 2)) / low)
        times = np.array([k, math.floor((1 - k * low) / high)])
        p = np.array([low, high])
        rest = 1 - float(times @ p)  # a last label, itself at the middle of its cell or anywhere
        middles = np.exp((np.floor(np.log(np.append(p, max(rest, 1e-300))) / delta) + 0.5) * delta)
        q = middles / (times @ middles[:2] + middles[2])
        reach.append(float((times * np.abs(q[:2] - p)).sum() + abs(q[2] - rest)) / 2)
        assert reach[-1] <= math.tanh(delta / 4)
    assert reach[-1] > 0.999 * math.tanh(delta / 4)
    assert math.tanh(delta / 4) - reach[0] > math.tanh(delta / 4) - reach[1] > math.tanh(delta / 4) - reach[2]


def best_draws(p: np.ndarray, n: int) -> tuple[np.ndarray, float]:
    """The law q of the proof, and lambda, by bisection; n >= 2."""

    def draws(level: float) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.maximum(1 - (level / p) ** (1 / (n - 1)), 0)

    level = scipy.optimize.brentq(lambda t: draws(t).sum() - 1, 1e-280, p.max(), xtol=1e-300, rtol=1e-15)
    return draws(level), level


@pytest.mark.step("N13.3")
def test_the_best_law_of_the_draws() -> None:
    # Oracle: second algorithm, SciPy's minimiser and random laws; the mean missing mass by enumeration
    rng = np.random.default_rng(22)
    p, q = [HALF, Fraction(1, 3), Fraction(1, 6)], [Fraction(1, 4), Fraction(1, 4), HALF]
    for n in (0, 1, 3):
        missing = sum(c * sum(x for x, k in zip(p, counts, strict=True) if k == 0) for c, counts in multinomial(n, q))
        assert missing == sum(x * (1 - y) ** n for x, y in zip(p, q, strict=True))
    left_out = 0
    for A, n in itertools.product((2, 3, 6), (2, 3, 10, 60)):
        for concentration in (0.2, 1.0, 5.0):
            p = rng.dirichlet(np.full(A, concentration))
            q, level = best_draws(p, n)

            def value(q: np.ndarray, p: np.ndarray = p, n: int = n) -> float:
                return float(p @ (1 - q) ** n)

            left_out += int(np.sum(q == 0))
            assert q.sum() == pytest.approx(1, abs=1e-12)
            slopes = p * (1 - q) ** (n - 1)
            assert np.all(slopes[q > 0] <= level * (1 + 1e-9))
            assert np.all(slopes[q > 0] >= level * (1 - 1e-9))
            assert np.all(p[q == 0] <= level)
            others = [rng.dirichlet(np.full(A, 1.0)) for _ in range(20)] + [p, np.full(A, 1 / A)]
            others += [0.9 * q + 0.1 * other for other in others]
            assert all(value(q) <= value(other) + 1e-15 for other in others)
            found = scipy.optimize.minimize(
                value, np.full(A, 1 / A), bounds=[(0, 1)] * A, constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
                options={"ftol": 1e-14},
            )  # fmt: skip
            assert found.fun >= value(q) - 1e-12
            assert found.fun <= value(q) + 1e-4 * (1 - 1 / A)  # SLSQP stops early where all is flat
    assert left_out > 5
    p = np.array([0.7, 0.2, 0.1])
    q, level = best_draws(p, 3)
    wrong = np.maximum(1 - (level / p) ** (1 / 3), 0)
    assert p @ (1 - wrong / wrong.sum()) ** 3 > (p @ (1 - q) ** 3) * 1.001  # red
    q, _ = best_draws(np.array([0.6, 0.4, 0.0]), 5)  # a label that the teacher never says is never drawn
    assert q[2] == 0


@pytest.mark.step("N13.4")
def test_the_value_of_the_best_draws() -> None:
    # Oracle: identity, the value by its definition at the q of bisection
    rng = np.random.default_rng(23)
    full = 0
    for A, n in itertools.product((2, 3, 8), (2, 5, 40)):
        for p in [rng.dirichlet(np.full(A, 20.0)) for _ in range(10)] + [np.full(A, 1 / A)]:
            q, level = best_draws(p, n)
            if np.any(q == 0):
                continue
            full += 1
            value = float(p @ (1 - q) ** n)
            assert value == pytest.approx(level * (A - 1), rel=1e-9, abs=0)
            assert level ** (1 / (n - 1)) == pytest.approx((A - 1) / np.sum(p ** (-1 / (n - 1))), rel=1e-12, abs=0)
            mean = math.exp(np.log(p).mean())
            assert value <= A * mean * (1 - 1 / A) ** n * (1 + 1e-9)
    assert full > 60
    assert value > 0.97 * A * mean * (1 - 1 / A) ** n  # red: the uniform row, with equality
    assert value > A * mean * (1 - 1 / A) ** (n + 1)  # red: n + 1 for n
    # Full support is needed: a light label that is never drawn.
    p = np.array([0.5, 0.5 - 1e-9, 1e-9])
    q, _ = best_draws(p, 5)
    assert q[2] == 0
    assert p @ (1 - q) ** 5 > 3 * math.exp(np.log(p).mean()) * (2 / 3) ** 5


def warmer(p: Sequence[mp.mpf], n: int, weight: Any = 1) -> mp.mpf:
    """The sum of p^2 (1-p)^(n-1) (log p + weight H): times n the derivative at T = 1."""
    H = -mp.fsum(x * mp.log(x) for x in p)
    return mp.fsum(x * x * (1 - x) ** (n - 1) * (mp.log(x) + weight * H) for x in p)


@pytest.mark.step("N13.5")
def test_the_derivative_in_the_temperature() -> None:
    # Oracle: mpmath, numerical derivatives at 40 digits
    rng = np.random.default_rng(24)
    with mp.workdps(40):
        for A, n in itertools.product((1, 2, 5), (1, 2, 10, 100)):
            for concentration in (0.5, 3.0):
                p = [mp.mpf(x) for x in rng.dirichlet(np.full(A, concentration))]
                p = [x / mp.fsum(p) for x in p]

                def drawn(T: mp.mpf, p: list[mp.mpf] = p) -> list[mp.mpf]:
                    powers = [x ** (1 / T) for x in p]
                    return [x / mp.fsum(powers) for x in powers]

                H = -mp.fsum(x * mp.log(x) for x in p)
                for a in range(A):
                    slope = mp.diff(lambda T, a=a, drawn=drawn: drawn(T)[a], 1)
                    assert abs(slope + p[a] * (mp.log(p[a]) + H)) < mp.mpf("1e-15")
                missing = mp.diff(
                    lambda T, p=p, n=n, drawn=drawn: mp.fsum(
                        x * (1 - q) ** n for x, q in zip(p, drawn(T), strict=True)
                    ),
                    1,
                )
                assert abs(missing - n * warmer(p, n)) < mp.mpf("1e-15")
                if abs(missing) > mp.mpf("1e-9"):
                    assert abs(missing - mp.mpf("0.97") * n * warmer(p, n)) > mp.mpf("1e-12")  # red


@pytest.mark.step("N13.6")
def test_the_derivative_changes_sign_once() -> None:
    # Oracle: enumeration, signs for n = 1 .. 3000 at 40 digits
    rng = np.random.default_rng(25)
    ns = [*range(1, 40), *(int(x) for x in np.geomspace(40, 3000, 30)), 10**6]
    with mp.workdps(40):
        for A, concentration in itertools.product((2, 3, 6), (0.7, 2.0, 30.0)):
            for _ in range(3):
                p = [mp.mpf(x) + mp.mpf("1e-4") for x in rng.dirichlet(np.full(A, concentration))]
                p = [x / mp.fsum(p) for x in p]
                signs = [mp.sign(warmer(p, n)) for n in ns]
                assert signs[0] == 1  # the covariance of p and log p
                assert signs[-1] == -1  # the least likely label
                assert sum(a != b for a, b in itertools.pairwise(signs)) == 1
        p = [mp.mpf("0.49"), mp.mpf("0.51")]
        assert warmer(p, 10**6, mp.mpf("1.03")) > 0  # red: with 3% more entropy it never changes
        for p in ([mp.mpf(1)], [mp.mpf(1) / 3] * 3):  # constant on its support: nothing changes with T
            assert all(abs(warmer(p, n)) < mp.mpf("1e-38") for n in ns)


@pytest.mark.step("N13.7")
def test_uniform_draws() -> None:
    # Oracle: enumeration, every vector of counts under uniform draws in fractions
    for A in (1, 2, 3, 4):
        dirac = [Fraction(1)] + [Fraction(0)] * (A - 1)
        flat = [Fraction(1, A)] * A
        for n in (0, 1, 2, 3, 5):
            table = list(multinomial(n, flat))

            def risk(p: Row, table: Any = table, flat: Any = flat) -> Fraction:
                total = Fraction(0)
                for chance, counts in table:
                    U = [x for x, k in zip(p, counts, strict=True) if k == 0]
                    total += chance * tv(U, [sum(U) / len(U)] * len(U)) if U else 0
                return total

            not_all = sum(c for c, counts in table if 0 in counts)
            by_signs = 1 - sum((-1) ** j * math.comb(A, j) * Fraction(A - j, A) ** n for j in range(A + 1))
            assert not_all == by_signs
            formula = (1 - Fraction(1, A)) ** n - not_all / A
            unseen = sum(c * counts.count(0) for c, counts in table)
            assert unseen == A * (1 - Fraction(1, A)) ** n
            assert formula == (unseen - not_all) / A
            assert risk(dirac) == formula
            assert formula == 0 or risk(dirac) > OFF * formula  # red
            assert A == 1 or n == 0 or risk(dirac) != formula + not_all / A  # red: without the second term
            for p in (p for p in oracles.rational_laws(26, 30, A, 12) if len(p) == A):
                assert risk(p) <= formula
