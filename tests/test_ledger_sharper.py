"""What our entries of the ledger compute for themselves, held against slow second routes."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from kt_theory import bounds
from kt_theory.exact.law import risk_law
from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.comparing import equal, within
from kt_theory.ledger.attacks.problems import one_row, start_table
from kt_theory.ledger.entries import limits_partial, minimax_hard, minimax_partial, ours_missing_mass
from kt_theory.ledger.statement import effort
from kt_theory.minimax import minimax_risk
from kt_theory.problem import Problem

QUICK = effort("quick")


def test_the_unseen_mass_is_what_enumeration_says():
    # Oracle: enumeration, every sequence of draws in fractions.
    law, n = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6), Fraction(0)], 3
    total = Fraction(0)
    for draws in itertools.product(range(4), repeat=n):
        chance = math.prod(law[i] for i in draws)
        total += chance * sum(law[i] for i in range(4) if i not in draws)
    assert ours_missing_mass.unseen_mass(np.array(law, dtype=float), n) == pytest.approx(float(total), rel=1e-14, abs=0)
    assert ours_missing_mass.unseen_mass(np.array([1.0, 0.0]), 0) == 1
    assert ours_missing_mass.unseen_mass(np.array([1.0, 0.0]), 5) == 0


@pytest.mark.parametrize("n", [1, 5, 30])
def test_the_quantile_of_two_letters_is_that_of_the_law(n):
    # Oracle: second algorithm, the exact law of the risk of SEL_ptl that is sure of a label never said.
    heard: list[tuple[float, float]] = []

    def claim(S, A, n, delta):
        heard.append((n, delta))
        return math.inf

    for trial in ours_missing_mass.two_letters(dead=1)(claim, QUICK):
        m, delta = heard[-1]
        if m != n or delta < 1e-9:
            continue
        problem = one_row(trial.lhs, 1 - trial.lhs, 0.0)
        law = risk_law(problem, "SEL_ptl", n, start_table(problem, "hostile"))
        assert law.quantile(1 - delta) >= trial.lhs - 1e-13
    assert any(m == n for m, _ in heard)


@pytest.mark.parametrize(("K", "n"), [(3, 2), (3, 9), (7, 7)])
def test_the_majorant_of_the_planted_errors_is_that_of_the_bound(K, n):
    # Oracle: identity, the bound itself: the planted errors differ from it by what they say and nothing else.
    assert ours_missing_mass.majorant(K, n) == pytest.approx(
        bounds.missing_mass_upper_mean(size=K, n=n), rel=1e-13, abs=0
    )
    true = bounds.missing_mass_upper_whp_sqrt(size=K, n=n, delta=0.05)
    assert ours_missing_mass.deviation(K, n, 0.05) == pytest.approx(true, rel=1e-13, abs=0)
    assert ours_missing_mass.lemma_e7(K, n, 0.05, 3.0, 1.0) == pytest.approx(
        bounds.missing_mass_upper_whp(size=K, n=n, delta=0.05), rel=1e-13, abs=0
    )


def test_sequences_up_to_names_are_as_many_as_set_partitions():
    # Oracle: published, Bell's numbers 1, 1, 2, 5, 15, and 14 of the 15 with three blocks at most.
    assert [len(list(minimax_partial.patterns(n, 9))) for n in range(5)] == [1, 1, 2, 5, 15]
    assert len(list(minimax_partial.patterns(4, 3))) == 14


@pytest.mark.parametrize("n", [1, 2])
def test_the_bayes_risk_is_that_of_the_best_of_all_rules(n):
    """No reduction by names, no grouping: one vector of answers per data set, found by descent on the average risk."""
    # Oracle: second algorithm, every sequence and every arrangement, posterior costs minimised by Nelder and Mead.
    row = (0.6, 0.3, 0.1)
    arrangements = list(itertools.permutations(row))
    total = 0.0
    for sequence in itertools.product(range(3), repeat=n):
        told: dict[tuple[float, ...], list[tuple[float, ...]]] = {}
        for order in arrangements:
            told.setdefault(tuple(order[i] for i in sequence), []).append(order)
        for revealed, orders in told.items():
            chance = math.prod(revealed) / len(arrangements)

            def cost(z, orders=orders):
                q = np.abs(z) / np.abs(z).sum()
                return sum(0.5 * np.abs(q - np.array(order)).sum() for order in orders)

            starts = [np.mean(orders, axis=0), np.array(orders[0]), np.array([0.5, 0.3, 0.2])]
            best = min(
                optimize.minimize(cost, s, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}).fun
                for s in starts
            )
            total += chance * best
    # Nelder and Mead's simplex ends within 1e-8 on costs of order 1.
    assert minimax_partial.bayes_risk(row, n) == pytest.approx(total, rel=1e-7, abs=0)
    assert minimax_partial.bayes_risk(row, n) == pytest.approx(
        exact_risk(one_row(*row), "SEL_ptl", n).value, rel=1e-9, abs=0
    )


@pytest.mark.step("N8.12")
def test_the_deviation_from_the_median_is_the_integral():
    # Oracle: second algorithm, quadrature of abs(p - median) under the Beta law, summed over scipy's beta-binomial.
    A, n, alpha = 3, 4, 0.8
    total = 0.0
    for x in range(n + 1):
        a, b = alpha + x, (A - 1) * alpha + n - x
        law = stats.beta(a, b)
        cuts = (0.0, law.median(), 1.0)
        mad = sum(
            integrate.quad(lambda p, law=law, m=cuts[1]: abs(p - m) * law.pdf(p), *ends, epsabs=1e-12)[0]
            for ends in itertools.pairwise(cuts)
        )
        total += stats.betabinom(n, alpha, (A - 1) * alpha).pmf(x) * mad
    assert minimax_hard.lb_dirichlet(A, n, alpha) == pytest.approx(
        A / 2 * total, rel=1e-8, abs=0
    )  # the quadrature's own


def test_constants_are_those_of_their_equations():
    # Oracle: identity, q^2 e^(q + 1) = 1, and the two maxima of N10 are equal.
    q = 0.4776704
    for _ in range(5):
        q -= (2 * math.log(q) + q + 1) / (2 / q + 1)
    assert limits_partial.lambert() == pytest.approx(q * q / (1 + q), rel=1e-14, abs=0)
    assert limits_partial.mean_field() == pytest.approx(q * q / (1 + q), rel=1e-12, abs=0)
    c = limits_partial.kl_saddle()
    x = np.linspace(1.5, 2.2, 200_001)
    assert np.max(np.exp(-x) * (x * np.log(x / c) - x + c)) == pytest.approx(c, rel=1e-10, abs=0)


@pytest.mark.step("N5.4")
def test_an_input_is_worth_the_same_in_every_problem():
    # Oracle: identity, the row of input 1 moved into a problem of three inputs.
    rho, row = 0.3, [0.2, 0.5, 0.3]
    sure = [1.0, 0.0, 0.0]
    problem = Problem(np.array([rho, 0.7]), np.array([row, [0.1, 0.1, 0.8]]))
    other = Problem(np.array([0.5, rho, 0.2]), np.array([sure, row, sure]))
    n = 4
    rest = sum(2 / 3 * r * (1 - r) ** n for r in (0.5, 0.2))
    moved = exact_risk(other, "SEL_ptl", n).value - rest
    assert minimax_partial.input_alone(problem, 0, n) == pytest.approx(moved, rel=1e-12, abs=0)


def test_two_kinds_of_inputs_are_worse_than_alike_but_one():
    # Oracle: second algorithm, the search over both kinds in `kt_theory.minimax.partial`.
    two, error = minimax_partial.two_kinds_of_inputs()
    assert error < 1e-12
    assert two == pytest.approx(minimax_risk("partial", *minimax_partial.TWO_KINDS).lower, rel=1e-9, abs=0)
    # six digits are printed
    assert minimax_partial.alike_but_one(*minimax_partial.TWO_KINDS) == pytest.approx(0.339972, rel=1e-5, abs=0)


def test_a_limit_is_held_to_its_remainder():
    # Oracle: identity, by hand.
    assert not within("", 1.009, 1.0, 0.01).broken
    assert within("", 0.989, 1.0, 0.01).broken
    assert not equal("", math.nan, 1.0, 1e-9).applies
