"""The oracles against one another: roads that share no step must meet before they are used to judge anything else."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import oracles

# (S, A, n, teacher with zero labels), small enough for every count table
SMALL = [(1, 3, 5, False), (2, 3, 4, False), (2, 2, 6, True), (3, 2, 4, True), (1, 4, 5, True), (1, 1, 3, False)]
SMALL += [(2, 3, 0, True), (2, 3, 1, False), (1, 5, 4, True)]


def rational_problem(seed: int, S: int, A: int, zeros: bool):
    rng = np.random.default_rng(seed)
    rho = oracles.rational_law(rng, S, denominator=12)
    return rho, [oracles.rational_law(rng, A, denominator=12, zeros=zeros) for _ in range(S)]


def row_from_classes(values, multiplicities):
    return np.repeat(values, multiplicities)


def half_even(S: int, A: int, n: int) -> np.ndarray:
    """A row of instance 2 for odd A: every second of the first A - 1 labels light, the last one heavy."""
    row = np.zeros(A)
    row[0 : A - 1 : 2] = S / (n + 1)
    row[-1] = 1 - row.sum()
    return row


@pytest.mark.parametrize(("S", "A", "n", "zeros"), SMALL)
@pytest.mark.parametrize("seed", [1, 2])
def test_closed_forms_meet_enumeration(S, A, n, zeros, seed):
    # Oracle: enumeration, all count tables in fractions; uniform initialisation
    rho, teacher = rational_problem(seed, S, A, zeros)
    truth = oracles.enumerate_risks(rho, teacher, n)
    law, table = np.array(rho, dtype=float), np.array(teacher, dtype=float)
    closed = {
        "CE_sgl": oracles.exact_ce_sgl(law, table, n),
        "CE_ful": oracles.exact_ce_ful(law, table, n),
        "SEL_ptl": oracles.exact_sel_ptl_small(law, table, n),
    }
    for learner, value in closed.items():
        assert value == pytest.approx(float(truth[learner]), rel=2e-15, abs=0), learner


@pytest.mark.parametrize(("S", "A", "n", "zeros"), SMALL)
def test_closed_forms_meet_enumeration_when_the_student_has_an_opinion(S, A, n, zeros):
    # Oracle: enumeration, all count tables in fractions; random initialisation with zeros
    rho, teacher = rational_problem(3, S, A, zeros)
    init = rational_problem(4, S, A, zeros=True)[1]
    truth = oracles.enumerate_risks(rho, teacher, n, init)
    law, table, say = (np.array(x, dtype=float) for x in (rho, teacher, init))
    assert oracles.exact_ce_sgl(law, table, n, say) == pytest.approx(float(truth["CE_sgl"]), rel=2e-15, abs=0)
    assert oracles.exact_ce_ful(law, table, n, say) == pytest.approx(float(truth["CE_ful"]), rel=2e-15, abs=0)


def test_enumeration_by_hand():
    # Oracle: identity, S = 1, A = 2, one draw, worked on paper: the seen label is known, so SEL_ptl knows the row
    p = Fraction(1, 4)
    risks = oracles.enumerate_risks([Fraction(1)], [[p, 1 - p]], 1)
    assert risks == {"CE_sgl": 2 * p * (1 - p), "CE_ptl": 2 * p * (1 - p), "SEL_ptl": 0, "CE_ful": 0}


def test_enumeration_of_draws_one_by_one():
    # Oracle: second algorithm, all (SA)^n ordered samples instead of count tables
    rho, teacher = rational_problem(5, 2, 2, zeros=False)
    cells = [(s, a) for s in range(2) for a in range(2)]
    total = dict.fromkeys(oracles.LEARNERS, Fraction(0))
    for sample in itertools.product(cells, repeat=4):
        probability = math.prod((rho[s] * teacher[s][a] for s, a in sample), start=Fraction(1))
        for s in range(2):
            counts = [sample.count((s, a)) for a in range(2)]
            for name, row in oracles.student_rows(counts, teacher[s], [Fraction(1, 2)] * 2).items():
                tv = sum(abs(x - y) for x, y in zip(row, teacher[s], strict=True)) / 2
                total[name] += probability * rho[s] * tv
    assert total == oracles.enumerate_risks(rho, teacher, 4)


def test_missing_mass_follows_the_initialisation():
    # Oracle: identity, the definition of SEL_ptl on two rows worked on paper
    teacher = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]
    pulled = oracles.student_rows([1, 0, 0], teacher, [Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)])["SEL_ptl"]
    assert pulled == [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    silent = oracles.student_rows([1, 0, 0], teacher, [Fraction(1), Fraction(0), Fraction(0)])["SEL_ptl"]
    assert silent == teacher  # init is 0 on both unseen labels: shared equally


def test_enumeration_refuses_laws_that_are_not_exact():
    with pytest.raises(ValueError, match="not to exactly 1"):
        oracles.enumerate_risks([Fraction(1)], [[0.1, 0.9]], 1)


@pytest.mark.parametrize(("m", "p"), [(1, 0.3), (7, 3 / 7), (50, 0.02), (50, 0.98), (1000, 0.25), (12, 0.0), (12, 1.0)])
def test_ce_sgl_of_one_input(m, p):
    # Oracle: mpmath, the defining sum of E|Bin(m, p)/m - p| at 50 digits
    with mpmath.workdps(50):
        p = mpmath.mpf(p)
        terms = (mpmath.binomial(m, k) * p**k * (1 - p) ** (m - k) * abs(mpmath.mpf(k) / m - p) for k in range(m + 1))
        truth = float(mpmath.fsum(terms))
    assert oracles.exact_ce_sgl([1.0], [[float(p), 1 - float(p)]], m) == pytest.approx(truth, rel=1e-12, abs=0)


@pytest.mark.parametrize(("mass", "n"), [(0.001, 3000), (0.3, 3000), (0.9995, 3000), (1e-5, 200_000)])
def test_ce_sgl_loses_nothing_by_its_window(mass, n):
    # Oracle: mpmath, the sum over every number of visits, down to 1e-40, de Moivre at 30 digits
    row = np.array([0.2, 0.3, 0.5])
    with mpmath.workdps(30):
        weight = mpmath.power(1 - mpmath.mpf(mass), n)
        total = weight * np.abs(row - 1 / 3).sum() / 2
        for m in range(1, n + 1):
            weight *= mpmath.mpf(n - m + 1) / m * mpmath.mpf(mass) / (1 - mpmath.mpf(mass))
            if weight < 1e-40:
                if m > n * mass:
                    break
                continue
            for p in map(mpmath.mpf, row.tolist()):
                v = int(mpmath.floor(m * p)) + 1
                log = mpmath.loggamma(m + 1) - mpmath.loggamma(v) - mpmath.loggamma(m - v + 1)
                total += weight * mpmath.exp(log + v * mpmath.log(p) + (m - v + 1) * mpmath.log1p(-p)) / m
        truth = float(total * mass)
    rest = 1 - mass  # a second input whose row costs nothing: a Dirac that init names
    risk = oracles.exact_ce_sgl([mass, rest], [row, [1, 0, 0]], n, [[1 / 3] * 3, [1, 0, 0]])
    assert risk == pytest.approx(truth, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("values", "multiplicities"),
    [([0.25], [4]), ([0.02, 0.0, 0.9], [5, 4, 1]), ([0.05, 0.1, 0.5], [4, 3, 1]), ([0.5, 0.0], [2, 3]), ([1.0], [1])],
)
@pytest.mark.parametrize("n", [0, 1, 3, 30, 1000])
def test_classes_meet_sets(values, multiplicities, n):
    # Oracle: second algorithm, inversion over all 2^A sets of unseen labels instead of the numbers per class
    rho = [0.5, 0.3, 0.2, 0.0]
    table = np.tile(row_from_classes(values, multiplicities), (4, 1))
    by_classes = oracles.exact_sel_ptl_classes(rho, values, multiplicities, n)
    assert by_classes == pytest.approx(oracles.exact_sel_ptl_small(rho, table, n), rel=1e-15, abs=0)


@pytest.mark.parametrize("n", [5, 60, 600])
def test_classes_meet_the_occupancy_chain(n):
    # Oracle: second algorithm, the chain (light labels seen, heavy seen) draw by draw: sums of positive terms only
    light, zero, v, mass = 20, 17, 0.03, 0.4
    heavy = 1 - light * v
    law = np.zeros((light + 1, 2))
    law[0, 0] = 1.0
    for _ in range(n):
        seen = np.arange(light + 1)[:, None] * v + np.array([0.0, heavy])
        step = law * (1 - mass + mass * seen)
        step[1:] += law[:-1] * (mass * v * (light - np.arange(light)))[:, None]
        step[:, 1] += law[:, 0] * mass * heavy
        law = step
    expected = 0.0
    for i, h in np.ndindex(law.shape):
        row = np.array([v] * (light - i) + [0.0] * zero + [heavy] * (1 - h))
        expected += law[i, h] * 0.5 * np.abs(row - row.sum() / row.size).sum()
    by_classes = oracles.exact_sel_ptl_classes([mass, 0.6], [v, 0.0, heavy], [light, zero, 1], n)
    other = oracles.exact_sel_ptl_classes([0.6], [v, 0.0, heavy], [light, zero, 1], n)
    assert by_classes - other == pytest.approx(mass * expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("n", [1000, 2400])
def test_instance_two_in_closed_form(n):
    # Oracle: second algorithm, the cost of the missing light mass alone: the heavy label is all but sure to be seen
    S, A = 10, 7
    row = half_even(S, A, n)
    values, multiplicities = oracles.label_classes(row)
    risk = oracles.exact_sel_ptl_classes(np.full(S, 1 / S), values, multiplicities, n)
    # given j light labels unseen among 3 (+ 3 of mass 0): missing mass j S/(n+1), cost that mass times 3/(j+3)
    light, cost = S / (n + 1), 0.0
    for j in range(4):
        ways = sum((-1) ** i * math.comb(3 - j, i) * (1 - (j + i) * light / S) ** n for i in range(4 - j))
        cost += math.comb(3, j) * ways * j * light * 3 / (j + 3)
    heavy_unseen = (1 - (1 - 3 * light) / S) ** n
    assert heavy_unseen < 1e-40
    assert risk == pytest.approx(cost, rel=1e-12, abs=0)  # the alternating sum here is in float64


def test_exponentially_small_risks_keep_their_digits():
    # Oracle: limit, of the terms only the two with the lightest pair matter: labels p, p' < the rest, both unseen
    row = [0.3, 0.3, 0.25, 0.1, 0.05]
    n = 2000
    pair = 0.5 * abs(0.1 - 0.05) * mpmath.power(1 - mpmath.mpf("0.15"), n)
    risk = oracles.exact_sel_ptl_small([1.0], [row], n)
    assert 0 < risk < 1e-100
    assert risk == pytest.approx(float(pair), rel=1e-12, abs=0)
    assert oracles.exact_sel_ptl_small([1.0], [row], 10**6) == 0.0  # 1e-70000 is no float64


def test_small_refuses_many_labels():
    with pytest.raises(ValueError, match="15 labels"):
        oracles.exact_sel_ptl_small([1.0], [[1 / 15] * 15], 3)


def test_planted_spread_over_positive_labels_only_is_caught():
    # Oracle: enumeration of one input's count vectors; the plant forgets that labels of mass 0 take their share
    row = [0.7, 0.2, 0.1, 0.0]
    truth = float(oracles.enumerate_risks([Fraction(1)], [[Fraction(str(p)) for p in row]], 6)["SEL_ptl"])
    assert oracles.exact_sel_ptl_small([1.0], [row], 6) == pytest.approx(truth, rel=1e-14, abs=0)
    assert oracles.exact_sel_ptl_small([1.0], [row[:3]], 6) != pytest.approx(truth, rel=1e-2, abs=0)
