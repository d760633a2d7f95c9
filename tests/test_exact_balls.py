"""Balls and fractions, function by function: fractions, the definitions of windows and limits from both sides."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

import kt_theory as kt
import oracles
from kt_theory.exact import balls, unrounded
from kt_theory.exact.balls import risk_at
from kt_theory.exact.rows import OutOfReach
from kt_theory.exact.unrounded import Surd, ball, exact_instance, exact_problem, rational

flint = pytest.importorskip("flint")


@pytest.fixture(autouse=True)
def _sharp():
    with flint.ctx.workprec(256):
        yield


def fraction(q) -> Fraction:
    return Fraction(int(q.p), int(q.q))


def test_numbers_with_a_root_are_held_by_balls():
    # Oracle: identity, (a + b sqrt(d) - a)^2 is b^2 d; no fraction holds one; rational roots are fractions
    for a, b, d in ((1, 2, 3), (-2, 5, 2), (0, -1, 7)):
        x = ball(Surd(Fraction(a), Fraction(b), Fraction(d)))
        assert ((x - a) ** 2).contains(b * b * d)
        assert (x > a) == (b > 0)
        assert x.rad() < 1e-60
    with pytest.raises(OutOfReach, match="irrational probability"):
        rational(Surd(Fraction(1), Fraction(1), Fraction(2)))
    assert fraction(unrounded.root(Fraction(9, 16), rational)) == Fraction(3, 4)
    assert (unrounded.root(Fraction(1, 2), ball) ** 2).contains(flint.fmpq(1, 2))
    for x in (Fraction(1, 2), Fraction(2), Fraction(8, 9), Fraction(9, 8)):
        with pytest.raises(OutOfReach, match="the square root of"):
            unrounded.root(x, rational)
    assert [fraction(rational(x)) for x in (Fraction(2, 6), 4)] == [Fraction(1, 3), Fraction(4)]


@pytest.mark.parametrize(
    ("k", "S", "A", "n"),
    [(1, 2, 4, 8), (1, 2, 5, 8), (1, 1, 2, 8), (1, 1, 2, 7), (2, 1, 5, 9), (2, 1, 6, 9), (3, 3, 4, 8)],
)
def test_instances_by_hand(k, S, A, n):
    # Oracle: kt_theory.instance, label by label in floats; roots that are rational are fractions
    exact, rounded = exact_instance(k, S, A, n), kt.instance(k, S, A, n)
    assert (exact.S, exact.A, exact.uniform_start) == (S, A, True)
    assert all(isinstance(c.p, Fraction) == (n != 7) for row in exact.inputs for c in row.labels if c.p)
    found = sorted(float(ball(c.p)) for c in exact.inputs[0].labels for _ in range(c.times))
    assert found == pytest.approx(np.sort(rounded.teacher[0]).tolist(), rel=1e-14, abs=1e-17)
    masses = sorted(float(row.rho) for row in exact.inputs for _ in range(row.times))
    assert masses == pytest.approx(np.sort(rounded.rho[rounded.rho > 0]).tolist(), rel=1e-14, abs=0)
    assert sum(c.times * ball(c.p) for c in exact.inputs[0].labels).contains(1)
    assert all(c.times > 0 for row in exact.inputs for c in row.labels)


def test_a_start_is_uniform_or_not():
    # Oracle: enumeration by hand: one label of one input is enough
    third = [Fraction(1, 3)] * 3
    assert exact_problem([Fraction(1)], [third], [third]).uniform_start
    for start in ([Fraction(1, 3), Fraction(1, 6), Fraction(1, 2)], [Fraction(1, 2), Fraction(1, 2), Fraction(0)]):
        assert not exact_problem([Fraction(1)], [third], [start]).uniform_start
        assert not exact_problem([Fraction(1, 2)] * 2, [third] * 2, [third, start]).uniform_start


INITS = [
    ([Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)], [Fraction(0), Fraction(0), Fraction(1)]),
    ([Fraction(0), Fraction(1, 4), Fraction(3, 4)], [Fraction(1, 2), Fraction(0), Fraction(1, 2)]),
    ([Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)], [Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)]),
    ([Fraction(1, 8), Fraction(1, 8), Fraction(1, 4), Fraction(1, 2)], [Fraction(1, 4)] * 4),
]


@pytest.mark.parametrize(("p", "init"), INITS)
@pytest.mark.parametrize("rho", [Fraction(1), Fraction(1, 3)])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_shares_of_an_init_with_zeros(p, init, rho, n):
    # Oracle: enumeration, every count table in fractions
    mass, problem = [rho, 1 - rho], exact_problem([rho, 1 - rho], [p, p], [init, init])
    truth = oracles.enumerate_risks(mass, [p, p], n, [init, init])
    for learner, value in truth.items():
        assert fraction(risk_at(problem, learner, n, rational)) == value
        assert abs(risk_at(problem, learner, n, ball) - ball(value)) < 1e-60


@pytest.mark.parametrize(
    ("n", "k"), [(5, 0), (5, 2), (5, 5), (500, 199), (500, 200), (500, 300), (500, 301), (500, 499)]
)
def test_binomial_probabilities_of_balls(n, k):
    # Oracle: fractions
    p = Fraction(3, 7)
    truth = math.comb(n, k) * p**k * (1 - p) ** (n - k)
    found = balls._binomial(n, k, ball(p), ball(1 - p), ball)
    assert found.contains(ball(truth)) or abs(found - ball(truth)) <= 1e-60 * ball(truth)
    assert found.rad() <= 1e-60 * found
    assert fraction(balls._binomial(n, k, rational(p), rational(1 - p), rational)) == truth


@pytest.mark.parametrize(
    ("rho", "n"), [(Fraction(1, 2), 10**6), (Fraction(1, 2), 100), (Fraction(1, 1000), 10**6), (Fraction(9, 10), 5000)]
)
def test_windows_of_balls(rho, n):
    # Oracle: definition, the half-width by Bernstein for 0.7 bits; what is cut is bounded in fractions and exponentials
    first, last, tail = balls._window(rho, n, ball)
    mean, variance, nats = n * rho, n * rho * (1 - rho), 0.7 * 256 + 10
    width = math.ceil(nats / 3 + math.sqrt(nats**2 / 9 + 2 * nats * float(variance)))
    assert (first, last) == (max(1, math.floor(mean) - width), min(n, math.ceil(mean) + width))
    bound = 0.0
    for cut, t in ((first > 1, mean - (first - 1)), (last < n, last + 1 - mean)):
        bound += math.exp(-float(t * t / (2 * (variance + t / 3)))) if cut else 0.0
    assert float(tail.abs_upper()) == pytest.approx(bound, rel=1e-7, abs=0)
    assert tail.contains(0)
    assert not (tail < 0)
    assert balls._window(rho, n, rational) == (1, n, 0)
    assert balls._window(Fraction(1), n, ball) == (n, n, 0)


def test_floors_and_nearest_whole_numbers():
    # Oracle: definition, in fractions and by whole roots
    for m in (1, 7, 100, 12345):
        assert balls._floor(m, Fraction(3, 7)) == m * 3 // 7
        assert balls._floor(m, Surd(Fraction(0), Fraction(1), Fraction(2))) == math.isqrt(2 * m * m)
        assert balls._floor(m, Surd(Fraction(1), Fraction(-1, 2), Fraction(2))) == m - math.isqrt(m * m // 2) - 1
    for x in (Fraction(-7, 3), Fraction(5, 2), Fraction(12, 5), Fraction(0), Fraction(13, 5)):
        assert balls._nearest(rational(x)) == math.floor(x + Fraction(1, 2))
        assert abs(balls._nearest(ball(x)) - x) < 1


def test_how_far_the_precision_is_doubled():
    # Oracle: definition, 64, 128, ... bits until the radius is small, or twice as many are more than allowed
    used = []

    def value(number, enough=10**9):
        used.append((flint.ctx.prec, number))
        return flint.arb(1) if flint.ctx.prec >= enough else flint.arb(1, 0.5)

    for most, enough, bits in (
        (512, 10**9, [64, 128, 256, 512]),
        (511, 10**9, [64, 128, 256]),
        (2**14, 128, [64, 128]),
    ):
        used.clear()
        balls.sharpened(partial(value, enough=enough), 1e-15, most)
        assert used == [(x, ball) for x in bits]
    assert balls._narrow(flint.arb(4, 0.25), 0.0667)
    assert not balls._narrow(flint.arb(4, 0.25), 0.0666)
    assert balls._narrow(flint.arb(-4, 0.25), 0.0667)
    assert not balls._narrow(flint.arb(0, 1e-30), 0.5)
    assert balls._narrow(flint.arb(0), 0.5)


def test_what_is_short_in_fractions(monkeypatch):
    # Oracle: definition, samples times bits times terms of each learner, from both sides
    problem = exact_problem(
        [Fraction(1, 4), Fraction(3, 4)], [[Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)], [Fraction(1, 2)] * 2 + [0]]
    )
    bits = 3 + 4  # of 4 and of 8
    for n in (1, 5):
        terms = {"CE_ful": 2, "SEL_ptl": 8 + 3, "CE_sgl": 2 * n * n, "CE_ptl": 2 * n**3}
        for learner, many in terms.items():
            monkeypatch.setattr(balls, "FRACTION_BITS", n * bits * many)
            assert balls.short(problem, learner, n)
            monkeypatch.setattr(balls, "FRACTION_BITS", n * bits * many - 1)
            assert not balls.short(problem, learner, n)
    monkeypatch.setattr(balls, "FRACTION_BITS", 2**22)
    assert not balls.short(problem, "ADD_sgl", 1)
    assert balls.short(problem, "ADD_sgl", 0)
    assert balls.short(exact_problem([Fraction(1)], [[Fraction(1)]]), "ADD_sgl", 5)
    assert not balls.short(exact_instance(1, 1, 2, 7), "CE_ful", 1)


def test_sums_that_are_too_long(monkeypatch):
    # Oracle: definition, the terms of each learner from both sides
    problem = exact_problem([Fraction(1, 4), Fraction(3, 4)], [[Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)]] * 2)
    n, row = 5, problem.inputs[0]
    below = sum(int(c.p) + 1 for c in row.labels)
    for learner, terms in (("CE_sgl", 5 * 3), ("ADD_sgl", 10 * (5 * 3 + below))):
        monkeypatch.setattr(balls, "TERMS", terms)
        risk_at(problem, learner, n, ball)
        monkeypatch.setattr(balls, "TERMS", terms - 1)
        with pytest.raises(OutOfReach, match=f"{learner} at n=5 needs {terms} terms, {terms - 1} at most"):
            risk_at(problem, learner, n, ball)
    alike = exact_problem([Fraction(1)], [[Fraction(1, 4), Fraction(1, 4), Fraction(1, 2), 0]])
    for of, groups, classes in ((problem, 4, 3), (alike, 4, 2)):
        terms = classes * math.comb(n + groups, groups)
        monkeypatch.setattr(balls, "TERMS", 10 * terms)
        risk_at(of, "CE_ptl", n, ball)
        monkeypatch.setattr(balls, "TERMS", 10 * terms - 1)
        with pytest.raises(OutOfReach, match=f"all counts of {classes} classes"):
            risk_at(of, "CE_ptl", n, ball)
        risk_at(of, "CE_ptl", 0, ball)
    labels = alike.inputs[0].labels
    for unseen, differences, reach in ((6, 18, True), (5, 18, False), (6, 17, False)):
        monkeypatch.setattr(balls, "UNSEEN", unseen)
        monkeypatch.setattr(balls, "DIFFERENCES", differences)
        assert balls.within_reach(labels) == reach


def test_differences_are_merged_by_their_mass():
    # Oracle: enumeration in fractions: the cost of all unseen sets by Newton's formula, at masses that coincide
    quarter, half = Fraction(1, 4), Fraction(1, 2)
    row = exact_problem([Fraction(1)], [[quarter, quarter, half]]).inputs[0]
    found = balls._differences(row.labels)
    masses = [mass for _, mass in found]
    assert len(set(masses)) == len(masses)
    assert all(w for w, _ in found)
    for n in range(4):
        truth = oracles.one_input("SEL_ptl", 1.0, [0.25, 0.25, 0.5], n)
        assert sum((w * (1 - mass) ** n for w, mass in found), Fraction(0)) == truth


def test_masses_of_unseen_labels():
    # Oracle: by hand, sums with and without the root
    one = unrounded.Labels(Surd(Fraction(1, 4), Fraction(1, 8), Fraction(2)), Fraction(1, 4), 2)
    two = unrounded.Labels(Surd(Fraction(1, 4), Fraction(-1, 8), Fraction(2)), Fraction(1, 4), 2)
    plain = unrounded.Labels(Fraction(1, 8), Fraction(1, 4), 2)
    assert balls._mass((2, 1, 0), [one, two, plain]) == Surd(Fraction(3, 4), Fraction(1, 8), Fraction(2))
    assert balls._mass((1, 1, 2), [one, two, plain]) == Fraction(3, 4)
    assert balls._mass((0, 0, 2), [one, two, plain]) == Fraction(1, 4)


def test_limits_of_balls():
    # No oracle, an alarm: a limit that moves changes what is answered, in which time, and is to be wanted
    assert (balls.UNSEEN, balls.MAX_BITS, balls.DIFFERENCES, balls.FRACTION_BITS) == (2**14, 2**14, 2**22, 2**22)
    assert balls.TERMS == 5_000_000


@pytest.mark.parametrize(
    ("rho", "teacher", "words"),
    [
        ([0.5, 0.6], [[1.0], [1.0]], "rho sums to"),
        ([0.5, 0.5], [[1.0]], "rho"),
        ([1.0], [[0.5, 0.6]], r"teacher\[0\] sums to"),
    ],
)
def test_laws_that_are_none(rho, teacher, words):
    # Oracle: definition, a law sums to 1 and has an entry for each input
    with pytest.raises(ValueError, match=words):
        exact_problem(rho, teacher)


def test_problems_are_keys():
    # Oracle: definition, equal problems are one key, and nothing of one can be set
    one, two = (exact_problem([0.5, 0.5], [[0.25, 0.75]] * 2) for _ in range(2))
    assert len({one, two}) == 1
    for of, name in ((one, "S"), (one.inputs[0], "rho"), (one.inputs[0].labels[0], "p")):
        with pytest.raises(AttributeError):
            setattr(of, name, 1)


@pytest.mark.parametrize(
    "p",
    [[Fraction(1, 4), Fraction(3, 4)], [Fraction(1, 8), Fraction(1, 8), Fraction(3, 4)], [Fraction(0), Fraction(1)]],
)
@pytest.mark.parametrize("first", [1, 4])
def test_added_counts_visit_by_visit(p, first):
    # Oracle: fractions, every count after each number of visits, with planted rational additions
    A, scales = len(p), [Fraction(k, 7) for k in (3, 9, 1)]
    for x in p:
        found = list(balls._away(x, A, first, [rational(c) for c in scales], rational))
        wide = list(balls._away(x, A, first, [ball(c) for c in scales], ball))
        for m, c, one, two in zip(range(first, first + 3), scales, found, wide, strict=True):
            T = m + A * c
            truth = sum(math.comb(m, k) * x**k * (1 - x) ** (m - k) * abs((k + c) / T - x) for k in range(m + 1)) / 2
            assert fraction(one) == truth
            assert abs(two - ball(truth)) < 1e-60


@pytest.mark.parametrize(
    ("k", "S", "A", "least"),
    [(1, 16, 2, 2), (1, 8, 5, 2), (2, 4, 7, 11), (2, 3, 6, 5), (3, 6, 2, 4), (3, 5, 7, 14)],
    ids=[
        "root 1",
        "root 1, A odd",
        "no mass for the rest",
        "S light = n + 1",
        "no mass for the last input",
        "no rest, three light labels",
    ],
)
def test_the_least_number_of_samples_of_an_instance(k, S, A, least):
    # Oracle: definition, a mass may be 0: S A' <= 16 n, S (A' - 1) / 2 <= n + 1, S <= n + 2
    found = exact_instance(k, S, A, n=least)
    assert sum(mass.rho * mass.times for mass in found.inputs) == 1
    with pytest.raises(ValueError, match=f"n is {least - 1}: instance {k} with S={S}, A={A} needs a larger n"):
        exact_instance(k, S, A, n=least - 1)
    assert kt.instance(k, S, A, n=least).rho.sum() == pytest.approx(1, rel=1e-15, abs=0)
    with pytest.raises(ValueError, match=f"n is {least - 1}: instance {k} with S={S}, A={A} needs n >= {least}$"):
        kt.instance(k, S, A, n=least - 1)
