"""Balls against fractions, floats and other algorithms; certificates that must hold, must fail, or cannot tell."""

import dataclasses
import itertools
import math
import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import kt_theory as kt
import oracles
from kt_theory import bounds, certificates
from kt_theory.certificates import CERTIFIED, certify_minimax
from kt_theory.exact import balls, unrounded
from kt_theory.exact.balls import expected_risk, risk_at
from kt_theory.exact.unrounded import ball, exact_instance, exact_problem, rational

flint = pytest.importorskip("flint")

LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful")
PAPER = [
    "hard_lower_mean",
    "hard_upper_mean",
    "hard_upper_mean_instance",
    "partial_lower_mean",
    "partial_lower_mean_simple",
    "partial_upper_mean",
    "soft_lower_mean",
    "soft_lower_mean_simple",
    "soft_upper_mean",
    "soft_upper_mean_at",
]


@pytest.fixture(autouse=True)
def _sharp():
    """What a test converts and compares itself, it does at 512 bits."""
    with flint.ctx.workprec(512):
        yield


def fraction(q):
    return Fraction(int(q.p), int(q.q))


def holds_number(x, number):
    """Whether the ball contains a Fraction, asked at a precision at which the answer is sharp."""
    with flint.ctx.workprec(8192):
        return x.contains(ball(number))


def dirac_init(S, A, label):
    init = np.zeros((S, A))
    init[:, label] = 1
    return init


# --- Expected risks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("init", [[[0.5, 0.6]], [[1.5, -0.5]], [[0.5, 0.5]] * 2, [[0.2, 0.3, 0.5]]])
def test_an_initial_table_that_is_none_is_refused(init):
    # Oracle: identity, the definition of an initial table: a law of two labels for the one input
    with pytest.raises(ValueError, match="init"):
        exact_problem([1], [[0.25, 0.75]], init)


@pytest.mark.parametrize(
    ("S", "A", "n"), [(1, 1, 0), (1, 1, 3), (1, 2, 4), (2, 2, 3), (2, 3, 3), (1, 3, 5), (3, 2, 2), (2, 3, 0), (1, 4, 1)]
)
@pytest.mark.parametrize("own_init", [False, True])
def test_balls_and_fractions_against_every_count_table(S, A, n, own_init):
    # Oracle: enumeration, oracles.enumerate_risks, in fractions: equality, and containment in a ball of 1e-15
    rng = np.random.default_rng([S, A, n])
    rho = oracles.rational_law(rng, S, zeros=True)
    teacher, init = ([oracles.rational_law(rng, A, zeros=True) for _ in range(S)] for _ in range(2))
    init = init if own_init else None
    problem = exact_problem(rho, teacher, init)
    truth = oracles.enumerate_risks(rho, teacher, n, init)
    for learner in LEARNERS:
        assert fraction(risk_at(problem, learner, n, rational)) == truth[learner]
        value = expected_risk(problem, learner, n)
        assert holds_number(value, truth[learner])
        assert value.rad() <= 1e-15 * abs(value)
        assert truth[learner] == 0 or not holds_number(value, truth[learner] * (1 + Fraction(1, 10**14)))


def test_labels_alike_are_counted_once_without_changing_the_risk():
    # Oracle: enumeration, a teacher with equal labels
    half, sixth = Fraction(1, 2), Fraction(1, 6)
    rho, teacher = (
        [Fraction(1, 3), Fraction(2, 3)],
        [[sixth, half, sixth, sixth], [half, half, Fraction(0), Fraction(0)]],
    )
    truth = oracles.enumerate_risks(rho, teacher, 3)
    problem = exact_problem(rho, teacher)
    assert [[c.times for c in row.labels] for row in problem.inputs] == [[3, 1], [2, 2]]
    for learner in LEARNERS:
        assert fraction(risk_at(problem, learner, 3, rational)) == truth[learner]


INSTANCES = [
    (0, 10, 10, 300),
    (0, 1, 100, 10**5),
    (1, 10, 10, 1000),
    (1, 1, 2, 7),
    (1, 4, 7, 40),
    (1, 100, 25, 25_000),
    (2, 10, 11, 2000),
    (2, 1, 3, 10**6),
    (2, 3, 4, 2),
    (3, 10, 11, 2000),
    (3, 5, 2, 4),
    (3, 100, 11, 10**12),
]


@pytest.mark.parametrize(("k", "S", "A", "n"), INSTANCES)
def test_instances_against_the_float_oracles(k, S, A, n):
    # Oracle: second algorithm, float64 closed forms (1e-12 relative; at n = 10^12 the pmf has 1e-12 left: 1e-11)
    problem, exact = kt.instance(k, S, A, n), exact_instance(k, S, A, n)
    rtol = 1e-12 if n < 10**9 else 1e-11
    truth = {
        "CE_sgl": oracles.exact_ce_sgl(problem.rho, problem.teacher, n),
        "CE_ful": oracles.exact_ce_ful(problem.rho, problem.teacher, n),
    }
    if n <= 2000:
        truth["SEL_ptl"] = oracles.exact_sel_ptl_classes(problem.rho, *oracles.label_classes(problem.teacher[0]), n)
    for learner, value in truth.items():
        # Risks of 1e-40 feel the last bit of rho n times.
        tolerance = rtol if value > 1e-15 else 1e-9
        assert float(expected_risk(exact, learner, n)) == pytest.approx(value, rel=tolerance, abs=1e-300)


@pytest.mark.parametrize("seed", range(6))
def test_floats_stand_for_the_law_they_are_proportional_to(seed):
    # Oracle: second algorithm, float64 closed forms, and Moebius inversion over sets of labels in integers
    problem = kt.dirichlet_problem(3, 6, seed, alpha=0.5, rho_alpha=1.0)
    init = kt.dirichlet_problem(3, 6, seed + 100).teacher
    for n in (0, 1, 7, 60):
        assert float(expected_risk(problem, "CE_sgl", n, init)) == pytest.approx(
            oracles.exact_ce_sgl(problem.rho, problem.teacher, n, init), rel=1e-12, abs=0
        )
        assert float(expected_risk(problem, "CE_ful", n, init)) == pytest.approx(
            oracles.exact_ce_ful(problem.rho, problem.teacher, n, init), rel=1e-12, abs=0
        )
        assert float(expected_risk(problem, "SEL_ptl", n)) == pytest.approx(
            oracles.exact_sel_ptl_small(problem.rho, problem.teacher, n), rel=1e-12, abs=0
        )


def test_equal_floats_stay_equal():
    # Oracle: identity, 49 x fl(1/49) does not sum to 1, and still is the uniform law
    problem = unrounded.from_problem(kt.Problem([1.0], np.full((1, 49), 1 / 49)))
    assert problem.inputs[0].labels == (unrounded.Labels(Fraction(1, 49), Fraction(1, 49), 49),)


@pytest.mark.parametrize(("k", "S", "A", "n"), [i for i in INSTANCES if i[3] < 10**5])
def test_exact_instances_are_the_rounded_ones_before_rounding(k, S, A, n):
    # Oracle: identity, kt_theory.instance, to 2 units in the last place
    problem, exact = kt.instance(k, S, A, n), exact_instance(k, S, A, n)
    rho = sorted(float(row.rho) for row in exact.inputs for _ in range(row.times))
    row = sorted(float(ball(c.p)) for c in exact.inputs[0].labels for _ in range(c.times))
    assert rho == pytest.approx(sorted(problem.rho[problem.rho > 0]), rel=1e-14, abs=0)
    assert row == pytest.approx(np.sort(problem.teacher[0]).tolist(), rel=1e-13, abs=1e-17)


@pytest.mark.parametrize(
    ("k", "S", "A", "n"), [(1, 2, 1, 9), (1, 100, 9, 49), (2, 1, 2, 9), (2, 5, 5, 8), (3, 9, 3, 7)]
)
def test_instances_exist_where_the_rounded_ones_do(k, S, A, n):
    for make in (kt.instance, exact_instance):
        with pytest.raises(ValueError, match="instance"):
            make(k, S, A, n)
        if A > 2:
            make(k, S, A, n + 1)


def test_the_tails_that_are_left_out_are_in_the_radius(monkeypatch):
    # Oracle: second algorithm, all terms in fractions
    problem, n = exact_problem([Fraction(1, 50), Fraction(49, 50)], [[Fraction(1, 3), Fraction(2, 3)]] * 2), 800
    truth = fraction(risk_at(problem, "CE_sgl", n, rational))
    first, last, _ = balls._window(Fraction(1, 50), n, ball)
    assert 1 <= first < last < n
    with flint.ctx.workprec(64):
        assert holds_number(risk_at(problem, "CE_sgl", n, ball), truth)
        window = balls._window
        monkeypatch.setattr(
            balls,
            "_window",
            lambda rho, n, number: (first, n * 3 // 100, ball(0)) if rho < 0.5 else window(rho, n, number),
        )
        assert not holds_number(risk_at(problem, "CE_sgl", n, ball), truth)


def test_what_is_exactly_nothing_is_zero():
    # Oracle: identity, with one input and two labels a single sample shows the row, also an irrational one
    for problem in (exact_instance(1, 1, 2, 7), exact_problem([1.0], [[0.3, 0.7]])):
        assert expected_risk(problem, "SEL_ptl", 3) == 0
    assert expected_risk(exact_problem([1.0], [[0.0, 1.0]]), "CE_sgl", 10**15) == 0


def test_large_problems_cost_little():
    # Oracle: limit, 1/(e n) of mass for each light input, at TV 0.9 - 1/3; the other number was seen at 2048 bits
    risk = expected_risk(exact_instance(2, 10, 1001, 10**5), "SEL_ptl", 10**5)
    assert 0.0134379 < float(risk) < 0.0134380
    assert float(expected_risk(exact_instance(3, 10**6, 3, 10**7), "CE_ful", 10**7)) == pytest.approx(
        (0.9 - 1 / 3) * (10**6 - 1) / 10**7 / math.e, rel=1e-6, abs=0
    )


def test_limits_are_named():
    row = np.arange(1.0, 16) / 120
    with pytest.raises(balls.OutOfReach, match="SEL_ptl at a row with 15 classes"):
        expected_risk(kt.Problem([1.0], [row]), "SEL_ptl", 5)
    with pytest.raises(balls.OutOfReach, match="CE_ptl at n=1000"):
        expected_risk(kt.Problem([1.0], [row]), "CE_ptl", 1000)
    with pytest.raises(balls.OutOfReach, match="CE_sgl at n=1000000000000000"):
        expected_risk(exact_instance(0, 2, 3), "CE_sgl", 10**15)
    with pytest.raises(balls.OutOfReach, match="SEL_ptl at a row with 2 classes"):
        expected_risk(exact_instance(2, 1, 10_001, 10**6), "SEL_ptl", 1)
    with pytest.raises(ValueError, match="init is given twice"):
        expected_risk(exact_instance(0, 1, 2), "CE_sgl", 1, init=[[0.5, 0.5]])
    with pytest.raises(ValueError, match="learner is 'MLE'"):
        expected_risk(exact_instance(0, 1, 2), "MLE", 1)


# --- Minimax risks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("S", "n"), [(2, 1), (2, 3), (2, 4), (3, 5), (5, 8), (10, 14), (10, 15), (24, 30), (100, 1000), (7, 3)]
)
def test_the_soft_maximum_against_a_dense_search(S, n):
    # Oracle: second algorithm, float64 on a grid of 400,001 points: below, and within 1e-6
    x = np.concatenate([np.linspace(0, 1 / (S - 1), 400_001), [1 / S, min(1 / (n + 1), 1 / (S - 1))]])
    y = np.maximum(1 - (S - 1) * x, 0)
    best = float(np.max((S - 1) * x * (1 - x) ** n + y * (1 - y) ** n))
    lower, upper = certificates.soft_maximum(S, n)
    assert lower.lower() <= upper.upper()
    assert float(upper / lower) - 1 <= 1e-10
    assert best * (1 - 1e-13) <= float(upper)
    assert float(lower) <= best * (1 + 1e-6)


@pytest.mark.parametrize(("S", "n"), [(2, 2), (10, 15), (1000, 1000), (50, 10**6), (3, 10**12), (10**9, 10**12)])
def test_the_soft_maximum_between_two_closed_forms(S, n):
    # Oracle: identity, (S-1) phi(n) <= V <= (S-1) phi(n-1) for 2 <= S <= n; V = (1 - 1/S)^n for S >= n
    with flint.ctx.workprec(128):
        lower, upper = certificates.soft_maximum(S, n)
        assert (1 - ball(Fraction(1, 10**20))) * (S - 1) * certificates.phi(n, ball) <= upper
        assert lower.lower() <= ((S - 1) * certificates.phi(n - 1, ball)).upper()
        assert upper - lower <= ball(Fraction(1, 10**10)) * lower
        if n == S:
            assert (lower - ball(1 - Fraction(1, S)) ** n) <= ball(Fraction(1, 10**30))


#: (S, A, n) -> the minimax risk, from linear programs over all students.
PARTIAL = {
    (1, 3, 1): Fraction(1, 4),
    (1, 3, 2): Fraction(1, 8),
    (1, 3, 3): Fraction(1, 16),
    (1, 4, 1): Fraction(1, 3),
    (1, 4, 2): Fraction(5, 27),
    (1, 4, 3): Fraction(11, 81),
    (2, 3, 1): Fraction(1, 3),
    (2, 3, 2): Fraction(23, 96),
}
HARD = {
    (1, 2, 1): (0.25, 0.25),
    (1, 2, 2): (0.191602, 0.191604),
    (1, 2, 5): (0.130984, 0.130986),
    (1, 2, 50): (0.049607, 0.049609),
    (1, 3, 2): (0.259259, 0.259260),
    (1, 3, 15): (0.115947, 0.115955),
    (1, 4, 8): (0.182105, 0.182170),
    (2, 2, 4): (0.196759, 0.196957),
    (2, 2, 10): (0.131477, 0.131834),
}


@pytest.mark.parametrize(("place", "value"), PARTIAL.items())
def test_partial_minimax_against_linear_programs(place, value):
    # Oracle: second algorithm, linear programs over all students, rational
    lower, upper = certify_minimax("partial", *place)
    assert lower.lower() <= ball(value)
    assert ball(value) <= upper.upper()
    assert 2 * lower >= ball(value)


@pytest.mark.parametrize(("place", "ends"), HARD.items())
def test_hard_minimax_against_linear_programs(place, ends):
    # Oracle: second algorithm, linear programs over all students on a grid of teachers, to the digits given
    lower, upper = certify_minimax("hard", *place)
    assert float(lower) <= ends[1]
    assert ends[0] <= float(upper)
    assert float(lower) >= 0.75 * ends[0]


@pytest.mark.parametrize(("S", "A", "n"), [(1000, 1000, 1000), (10**6, 10**6, 10), (10, 10, 10**12), (1, 2, 2**63 - 1)])
def test_minimax_enclosures_far_out(S, A, n):
    # Oracle: identity, ends in order and not far apart, where inclusion-exclusion cancels or is out of reach
    for protocol in kt.PROTOCOLS:
        lower, upper = certify_minimax(protocol, S, A, n)
        assert lower.lower() <= upper.upper()
        assert upper <= 8 * lower or upper <= 1e-18


def test_a_better_witness_raises_the_partial_lower_bound():
    # Oracle: second algorithm, a search over all teachers found 0.04884 at S = 2, A = 3, n = 10
    rho = 0.7924
    light = 0.0886
    problem = kt.Problem([rho, 1 - rho], [[light / rho, 1 - light / rho, 0], [0.5, 0.5, 0.0]])
    given, _ = certify_minimax("partial", 2, 3, 10, problem)
    assert float(given) == pytest.approx(float(expected_risk(problem, "SEL_ptl", 10)), rel=1e-14, abs=0)
    assert float(given) <= 0.04885


@pytest.mark.parametrize("S", [1, 7, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("A", "n"), list(itertools.product((1, 2, 3, 8), (0, 1, 2, 20, 1000, 10**6))))
def test_more_information_cannot_hurt_and_ends_are_in_order(S, A, n):
    # Oracle: identity, soft <= partial <= hard <= 1 - 1/A, and equality at n = 0
    lower, upper = {}, {}
    for protocol in kt.PROTOCOLS:
        lower[protocol], upper[protocol] = certify_minimax(protocol, S, A, n)
        assert lower[protocol].lower() <= upper[protocol].upper()
        assert float(upper[protocol]) <= 1 - 1 / A + 1e-15
        if n == 0:
            assert float(lower[protocol]) == pytest.approx(1 - 1 / A, rel=1e-15, abs=0)
    assert lower["soft"].lower() <= upper["partial"].upper()
    assert lower["partial"].lower() <= upper["hard"].upper()


@pytest.mark.parametrize(("A", "m", "alpha"), [(2, 3, Fraction(1)), (3, 4, Fraction(1, 4)), (5, 2, Fraction(3, 2))])
def test_the_dirichlet_bound_against_quadrature(A, m, alpha):
    # Oracle: mpmath, E|p - median| by quadrature at 30 digits
    with mpmath.workdps(30):
        a0, b0 = (
            mpmath.mpf(alpha.numerator) / alpha.denominator,
            (A - 1) * mpmath.mpf(alpha.numerator) / alpha.denominator,
        )
        total = mpmath.mpf(0)
        for x in range(m + 1):
            a, b = a0 + x, b0 + m - x

            def cdf(c, a=a, b=b):
                return mpmath.betainc(a, b, 0, c, regularized=True)

            median = mpmath.findroot(
                lambda c: cdf(c) - 0.5, (mpmath.mpf("1e-9"), 1 - mpmath.mpf("1e-9")), solver="anderson"
            )
            mad = 2 * (median * cdf(median) - a / (a + b) * mpmath.betainc(a + 1, b, 0, median, regularized=True))
            mad += a / (a + b) - median
            weight = mpmath.binomial(m, x) * mpmath.beta(a, b) / mpmath.beta(a0, b0)
            total += weight * mad
        found = float(certificates.witnesses.dirichlet_row(A, m, alpha))
        assert found == pytest.approx(float(A * total / 2), rel=1e-12, abs=0)


def test_the_sign_test_against_every_toss(monkeypatch):
    # Oracle: enumeration, binomial probabilities of tosses and of heads in fractions
    S, A, n, gap = 2, 3, 9, Fraction(1, 3)
    share, heads = Fraction(2, 4), (1 + gap) / 2
    total = Fraction(0)
    for m in range(n + 1):
        wrong = Fraction(0)
        for k in range(m + 1):
            chance = math.comb(m, k) * heads**k * (1 - heads) ** (m - k)
            wrong += chance * (1 if 2 * k < m else Fraction(1, 2) if 2 * k == m else 0)
        total += math.comb(n, m) * share**m * (1 - share) ** (n - m) * wrong
    assert holds_number(certificates.witnesses.sign_test(S, A, n, gap, ball), gap * total)
    one_by_one = certificates.witnesses.sign_test(1, 4, 15_000, Fraction(1, 200), ball)
    monkeypatch.setattr(certificates.witnesses, "TOSSES", 100)
    in_one_go = certificates.witnesses.sign_test(1, 4, 15_000, Fraction(1, 200), ball)
    assert in_one_go <= one_by_one
    assert 0.97 * one_by_one <= in_one_go


# --- The bounds, typed twice ----------------------------------------------------------------------------

SIZES = list(itertools.product((1, 2, 10, 60), (1, 2, 3, 10)))


@pytest.mark.parametrize("name", CERTIFIED)
def test_both_typings_agree_and_round_to_their_sides(name):
    # Oracle: second algorithm, kt_theory.bounds in float64: 1e-12, on the safe side, and NaN outside the same regime
    claim, function = CERTIFIED[name], getattr(bounds, name)
    lower = claim.learner is None
    seen = 0
    for (S, A), n in itertools.product(SIZES, (0, 1, 2, 40, 1000, 10**6)):
        problem = kt.dirichlet_problem(S, A, seed=7, rho_alpha=2.0)
        exact = unrounded.from_problem(problem)
        extra = {
            "hard_upper_mean_instance": {"xi": float(certificates.xi(exact, ball))},
            "partial_upper_mean_at": {"w": problem.w},
        }.get(name, {"rho": problem.rho} if name.startswith("soft") and name.endswith("_at") else {})
        value = function(S=S, A=A, n=n, **extra)
        assert math.isnan(value) == (not claim.regime(S, A, n)), (n, S, A)
        if math.isnan(value):
            continue
        with flint.ctx.workprec(128):
            truth = claim.bound(S, A, n, exact, ball)
        # The balls' rho is rho over its exact sum: n times its last bit is felt.
        rtol = 1e-12 if not extra else 1e-9
        assert value == pytest.approx(float(truth), rel=rtol, abs=1e-290)
        if not extra:
            assert flint.arb(value) <= truth if lower else flint.arb(value) >= truth, (n, S, A)
        seen += 1
    assert seen >= 20


def every_certificate(places, names):
    """Every upper bound at every place; every lower bound, which needs no instance, once for each (S, A, n)."""
    seen = set()
    for (k, S, A, n), name in itertools.product(places, names):
        at = k if CERTIFIED[name].learner else None
        if CERTIFIED[name].regime(S, A, n) and (name, at, S, A, n) not in seen:
            seen.add((name, at, S, A, n))
            yield name, certificates.certify(name, S=S, A=A, n=n, problem=at)


def places(sizes, ns):
    """All (k, S, A, n) at which the paper's instance k exists."""
    for (S, A), n, k in itertools.product(sizes, ns, range(4)):
        try:
            exact_instance(k, S, A, n)
        except ValueError:
            continue
        yield k, S, A, n


def test_every_bound_of_the_paper_on_a_grid():
    # Oracle: second algorithm, balls; ours on the same grid
    grid = list(places(itertools.product((1, 2, 30), (2, 3, 11)), (1, 3, 10, 60, 400, 3000)))
    assert len(grid) >= 140
    names = [*PAPER, *(name for name in CERTIFIED if name not in PAPER and not name.endswith("lower_mean_at"))]
    bad = [(name, c) for name, c in every_certificate(grid, names) if c.holds is not True]
    assert not bad, bad[:3]


@pytest.mark.slow
def test_every_bound_of_the_paper_on_a_large_grid():
    # Oracle: second algorithm, balls
    sizes = itertools.product((1, 2, 3, 5, 10, 30, 100), (2, 3, 4, 6, 11, 26))
    grid = list(places(sizes, (1, 2, 3, 10, 30, 60, 100, 200, 400, 1000, 3000, 10_000, 40_000, 100_000, 150_000)))
    assert len(grid) >= 2000
    undecided = [(name, c) for name, c in every_certificate(grid, PAPER) if c.holds is None]
    assert not any(c.holds is False for _, c in undecided)
    assert not undecided, undecided[:3]


# --- Certificates that must not hold --------------------------------------------------------------------


def planted(monkeypatch, name, factor, **changes):
    claim = CERTIFIED[name]
    scaled = dataclasses.replace(claim, bound=lambda *a: a[-1](Fraction(factor)) * claim.bound(*a), **changes)
    monkeypatch.setitem(CERTIFIED, name, scaled)


@pytest.mark.parametrize(
    ("name", "factor", "n", "problem", "init"),
    [
        ("hard_upper_mean", "1/2", 10**6, ([1.0], np.full((1, 100), 0.01)), None),
        ("hard_upper_mean_instance", "1/2", 10**6, ([1.0], np.full((1, 100), 0.01)), None),
        ("hard_upper_mean_joint", "3/4", 10**6, ([1.0], np.full((1, 100), 0.01)), None),
        ("soft_upper_mean", "4/5", 1000, (np.append(np.full(99, 1 / 1001), 902 / 1001), dirac_init(100, 2, 0)), 1),
        (
            "soft_upper_mean_missing",
            "99/100",
            1000,
            (np.append(np.full(99, 1 / 1001), 902 / 1001), dirac_init(100, 2, 0)),
            1,
        ),
        ("partial_upper_mean", "1/6", 1000, ([1.0], [[*[1 / 1001] * 100, 0.0, 1 - 100 / 1001]]), 100),
        ("partial_upper_mean_missing", "97/100", 1000, ([1.0], [[*[1 / 1001] * 100, 0.0, 1 - 100 / 1001]]), 100),
        ("soft_upper_mean_at", "999999999/1000000000", 5, ([0.3, 0.7], [[0, 1], [0, 1]]), 0),
    ],
)
def test_an_upper_bound_with_a_wrong_constant_is_refuted(monkeypatch, name, factor, n, problem, init):
    # Oracle: identity, planted wrong constants at places where the right ones are nearly attained
    problem = kt.Problem(*problem)
    init = None if init is None else dirac_init(problem.S, problem.A, init)
    assert certificates.certify(name, n=n, problem=problem, init=init).holds is True
    planted(monkeypatch, name, factor)
    certificate = certificates.certify(name, n=n, problem=problem, init=init)
    assert certificate.holds is False
    assert certificate.lhs.lower > certificate.rhs.upper


@pytest.mark.parametrize(
    ("name", "factor", "n", "S", "A"),
    [
        ("hard_lower_mean", 14, 100, 1, 2),
        ("partial_lower_mean", 4, 50, 1, 3),
        ("partial_lower_mean_simple", 4, 50, 1, 3),
        ("soft_lower_mean", "10001/10000", 100, 2, 2),
        ("soft_lower_mean_simple", "101/100", 100, 2, 2),
    ],
)
def test_a_lower_bound_with_a_wrong_constant_is_refuted(monkeypatch, name, factor, n, S, A):
    # Oracle: identity, planted wrong constants
    assert certificates.certify(name, S=S, A=A, n=n).holds is True
    planted(monkeypatch, name, factor)
    assert certificates.certify(name, S=S, A=A, n=n).holds is False


def test_outside_its_regime_a_bound_says_nothing_and_may_be_wrong(monkeypatch):
    # Oracle: identity, the formula is above 1 there
    for name, n, S, A in (
        ("soft_lower_mean", 1, 100, 2),
        ("partial_lower_mean", 3, 50, 3),
        ("hard_lower_mean", 1, 10**4, 2),
    ):
        with pytest.raises(ValueError, match=f"{name} says nothing at S={S}, A={A}, n={n}: it is valid for"):
            certificates.certify(name, S=S, A=A, n=n)
        planted(monkeypatch, name, 1, statement=dataclasses.replace(CERTIFIED[name].statement, applies=lambda: True))
        assert certificates.certify(name, S=S, A=A, n=n).holds is False


def test_equality_is_settled_by_fractions_or_left_open(monkeypatch):
    # Oracle: identity, CE_ful that says the wrong label pays exactly the mass never visited
    problem = exact_problem([Fraction(1, 3), Fraction(2, 3)], [[0, 1], [0, 1]], [[1, 0], [1, 0]])
    settled = certificates.certify("soft_upper_mean_at", n=50, problem=problem)
    assert (settled.holds, settled.bits) == (True, 0)
    # A hair too small: refuted, by fractions if balls are kept too coarse to see it.
    planted(monkeypatch, "soft_upper_mean_at", 1 - Fraction(1, 10**60))
    assert certificates.certify("soft_upper_mean_at", n=50, problem=problem).holds is False
    assert certificates.certify("soft_upper_mean_at", n=50, problem=problem, max_bits=64).holds is False
    monkeypatch.undo()
    monkeypatch.setattr(balls, "FRACTION_BITS", 0)
    left_open = certificates.certify("soft_upper_mean_at", n=50, problem=problem, max_bits=256)
    assert (left_open.holds, left_open.bits) == (None, 256)
    assert left_open.lhs.digits == left_open.rhs.digits


def test_fractions_are_tried_at_256_bits_or_where_no_more_are_left(monkeypatch):
    # Oracle: identity, balls of 128 bits see what is 1e-30 too small, those of 64 do not; bits 0 stands for fractions
    problem = exact_problem([Fraction(1, 3), Fraction(2, 3)], [[0, 1], [0, 1]], [[1, 0], [1, 0]])
    planted(monkeypatch, "soft_upper_mean_at", 1 - Fraction(1, 10**30))
    for max_bits, bits in ((64, 0), (128, 128), (1024, 128)):
        found = certificates.certify("soft_upper_mean_at", n=50, problem=problem, max_bits=max_bits)
        assert (found.holds, found.bits) == (False, bits)


def test_equality_of_a_lower_bound_is_settled_by_fractions():
    # Oracle: identity, at A = 2 the paper's lower bound is the minimax risk but for less than 1e-3000
    certificate = certificates.certify("soft_lower_mean", S=2, A=2, n=1000)
    assert (certificate.holds, certificate.bits) == (True, 0)


# --- Arguments ------------------------------------------------------------------------------------------


def test_missing_flint_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    for call in (
        lambda: certificates.certify("soft_upper_mean", S=2, A=2, n=5, problem=0),
        lambda: certify_minimax("soft", 2, 2, 5),
        lambda: expected_risk(exact_instance(0, 1, 2), "CE_ful", 1),
    ):
        with pytest.raises(ImportError, match=r"pip install '\.\[exact\]'"):
            call()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"claim": "nothing", "n": 1}, "claim is 'nothing'"),
        ({"claim": "hard_upper_mean", "n": 1.5}, "n is 1.5"),
        ({"claim": "hard_upper_mean", "n": 1}, "S and A are missing"),
        ({"claim": "hard_upper_mean", "n": 1, "S": 1, "A": 2}, "problem is missing: hard_upper_mean bounds"),
        ({"claim": "hard_upper_mean", "n": 1, "problem": 0}, "S and A are missing: instance 0"),
        ({"claim": "hard_upper_mean", "n": 1, "S": 1, "A": 2, "problem": 7}, "k is 7"),
        ({"claim": "soft_lower_mean_at", "n": 1, "S": 2, "A": 2}, "problem is missing: this bound depends on it"),
        ({"claim": "soft_lower_mean", "n": 9, "S": 2, "A": 2, "init": [[1, 0]]}, "init belongs to one"),
        (
            {"claim": "hard_upper_mean", "n": 1, "S": 3, "problem": exact_instance(0, 2, 2)},
            "S is 3, but the problem has 2",
        ),
        (
            {"claim": "hard_upper_mean_uniform", "n": 1, "problem": exact_problem([1], [[0, 1]], [[1, 0]])},
            "init is not uniform",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        certificates.certify(**arguments)


def test_a_certificate_is_rounded_outwards():
    # Oracle: identity, the float ends contain the balls
    certificate = certificates.certify("hard_upper_mean", S=10, A=10, n=1000, problem=1)
    for side in (certificate.lhs, certificate.rhs):
        assert side.lower < side.upper
        assert side.upper - side.lower < 1e-15
    value = expected_risk(exact_instance(1, 10, 10, 1000), "CE_sgl", 1000)
    assert flint.arb(certificate.lhs.lower) <= value
    assert value <= flint.arb(certificate.lhs.upper)


# --- What may not be taken for granted ------------------------------------------------------------------


def test_a_wrong_median_lowers_the_bound(monkeypatch):
    # Oracle: identity, E|p - median| >= E|p - c| - |2 F(c) - 1| for any c: a wrong c may only lower the bound
    from scipy import special

    right = float(certificates.witnesses.dirichlet_row(3, 20, Fraction(1, 2)))
    assert right == pytest.approx(0.08658, abs=1e-5)
    exact = special.betaincinv
    for factor in (0.9, 1.1):
        monkeypatch.setattr(special, "betaincinv", lambda a, b, u, f=factor: f * exact(a, b, u))
        assert float(certificates.witnesses.dirichlet_row(3, 20, Fraction(1, 2))) < right


def test_defaults_are_what_the_docstrings_say(monkeypatch):
    # Oracle: identity, precision ends at 1024 bits, and the soft maximum is 1e-10 wide
    problem = exact_problem([Fraction(1, 3), Fraction(2, 3)], [[0, 1], [0, 1]], [[1, 0], [1, 0]])
    monkeypatch.setattr(balls, "FRACTION_BITS", 0)
    assert certificates.certify("soft_upper_mean_at", n=50, problem=problem).bits == 1024
    best, highest = certificates.soft_maximum(10, 30)
    assert 1e-13 < float(highest / best - 1) <= 1e-10


def test_the_default_radius_of_a_ball():
    # Oracle: identity, what the docstring says
    ball = expected_risk(exact_instance(2, S=3, A=61, n=3000), "CE_sgl", 3000)
    assert float(ball.rad()) <= 1e-15 * float(ball.mid())


# --- ADD_sgl ---------------------------------------------------------------------------------------------


def decimal(x):
    return mpmath.mpf(x.numerator) / x.denominator


def root_of(x):
    return mpmath.sqrt(decimal(x))


def raised_frequencies(problem, n, scale="2/5"):
    """The expected risk of ADD_sgl by all visits and counts of one label, in 60 digits; the constant may be wrong."""
    with mpmath.workdps(60):
        total = mpmath.mpf(0)
        for row in problem.inputs:
            rho = decimal(row.rho)
            for c in row.labels:
                p = decimal(c.p) if isinstance(c.p, Fraction) else decimal(c.p.a) + decimal(c.p.b) * root_of(c.p.d)
                start = decimal(c.init)
                cost = (1 - rho) ** n * abs(start - p)
                for m in range(1, n + 1):
                    add = decimal(Fraction(scale)) * root_of(Fraction(m, problem.A - 1)) if problem.A > 1 else 0
                    visits = mpmath.binomial(n, m) * rho**m * (1 - rho) ** (n - m)
                    cost += visits * sum(
                        mpmath.binomial(m, x) * p**x * (1 - p) ** (m - x) * abs((x + add) / (m + problem.A * add) - p)
                        for x in range(m + 1)
                    )
                total += row.times * rho * c.times * cost / 2
        return total


@pytest.mark.parametrize("n", [0, 1, 2, 7, 20])
@pytest.mark.parametrize(
    "problem",
    [
        exact_instance(0, S=2, A=3),
        exact_instance(1, S=1, A=4, n=50),
        exact_problem([0.2, 0.8], [[1, 0], [0.25, 0.75]], [[0, 1], [0.5, 0.5]]),
        exact_problem([0.1, 0.9], [[0.9, 0.06, 0.04], [0.2, 0.8, 0]]),
        exact_problem([Fraction(1, 3), Fraction(2, 3)], [[1], [1]]),
    ],
)
def test_raised_frequencies_lie_in_their_ball(problem, n):
    # Oracle: enumeration, all visits and all counts of a label at 60 digits
    found, truth = expected_risk(problem, "ADD_sgl", n), raised_frequencies(problem, n)
    digits = flint.arb(mpmath.nstr(truth, 55)).union(flint.arb(mpmath.nstr(truth + mpmath.mpf(10) ** -52, 55)))
    assert found.overlaps(digits)
    assert float(found) == pytest.approx(float(truth), rel=1e-14, abs=1e-300)
    # Another constant would be seen.
    if n and problem.A > 1:
        wrong = raised_frequencies(problem, n, "41/100")
        assert abs(wrong - truth) < 1e-12 or not found.overlaps(flint.arb(mpmath.nstr(wrong, 55)))


def test_raised_frequencies_are_fractions_where_the_root_is_rational_and_balls_meet_the_floats():
    # Oracle: second algorithm, fractions by hand after one visit; and kt_theory.expected_risk in float64
    problem = exact_problem([Fraction(1)], [[Fraction(1, 4), Fraction(3, 4)]])
    # One visit, c = 2/5, T = 9/5: the student says 7/9 and 2/9.
    exact = Fraction(1, 4) * (Fraction(7, 9) - Fraction(1, 4)) + Fraction(3, 4) * (Fraction(7, 9) - Fraction(3, 4))
    assert Fraction(str(risk_at(problem, "ADD_sgl", 1, rational))) == exact
    assert expected_risk(problem, "ADD_sgl", 1).contains(flint.fmpq(exact.numerator, exact.denominator))
    with pytest.raises(balls.OutOfReach, match="the square root of 8/25 is irrational"):
        risk_at(problem, "ADD_sgl", 2, rational)
    for n in (10, 300, 4000):
        dense = kt.dirichlet_problem(2, 5, seed=n)
        value = kt.expected_risk(dense, "ADD_sgl", n, method="exact")
        assert value == pytest.approx(float(expected_risk(dense, "ADD_sgl", n)), rel=1e-11, abs=0)
    with pytest.raises(balls.OutOfReach, match=r"ADD_sgl at n=10\*\*9|ADD_sgl at n=1000000000 needs"):
        expected_risk(exact_instance(0, S=1, A=3), "ADD_sgl", 10**9)


# --- Witnesses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("S", "A", "n"), [(1, 3, 20), (2, 2, 6), (1, 2, 700)])
def test_a_dirichlet_prior_after_any_number_of_visits(S, A, n):
    # Oracle: second algorithm, rows by hard_lower in floats: of runs of visits the last, within three deviations
    from kt_theory.certificates import witnesses
    from kt_theory.minimax import hard_lower

    found = float(witnesses._dirichlet(S, A, n, ball))
    alpha = max(1, round(2 * math.sqrt(n / S / (A - 1)))) / 4
    mean, reach = n / S, 3 * math.sqrt(n / S * (1 - 1 / S))
    first, last = max(0, math.ceil(mean - reach)), min(n, math.floor(mean + reach))
    parts = min(600 // (last + 1), last - first + 1)
    if parts == 0:
        assert found == 0
        return
    cuts = [first + (last - first + 1) * i // parts for i in range(parts + 1)]
    chance = [math.comb(n, m) * (1 / S) ** m * (1 - 1 / S) ** (n - m) for m in range(n + 1)]
    truth = sum(sum(chance[a:b]) * hard_lower._dirichlet(A, b - 1, alpha, 0.5) for a, b in itertools.pairwise(cuts))
    assert found == pytest.approx(truth, rel=1e-9, abs=0)
    assert found >= 0.85 * hard_lower.dirichlet_bound(S, A, n)


@pytest.mark.parametrize(("S", "A", "n", "gap"), [(1, 2, 40, "1/5"), (2, 4, 4000, "1/40"), (3, 2, 900, "1/30")])
def test_many_tosses_in_one_go_are_a_few_per_cent_below(monkeypatch, S, A, n, gap):
    # Oracle: second algorithm, toss by toss
    from kt_theory.certificates import witnesses

    one_by_one = witnesses.sign_test(S, A, n, Fraction(gap), ball)
    monkeypatch.setattr(witnesses, "TOSSES", 1)
    in_one_go = witnesses.sign_test(S, A, n, Fraction(gap), ball)
    assert in_one_go <= one_by_one
    assert float(in_one_go / one_by_one) >= (0.9 if S * A == 2 else 0.8)


def test_the_witnesses_of_each_protocol():
    # Oracle: enumeration: a constant without data; a sign test of hard labels, two bad problems but for soft ones
    from kt_theory.certificates.witnesses import two_masses, witnesses

    def number_of(*place, **options):
        return len(list(witnesses(*place, None, **options)))

    assert [number_of(p, 2, 3, 0) for p in kt.PROTOCOLS] == [1, 1, 1]
    assert number_of("soft", 2, 3, 9) == 2
    assert number_of("soft", 1, 3, 9) == 0
    assert number_of("partial", 1, 2, 9) == 1
    assert number_of("partial", 2, 3, 9) == 2 + 2
    assert number_of("hard", 2, 3, 9) == 1 + 2 + 2
    assert number_of("hard", 2, 3, 9, thorough=True) == 1 + 2 + 2 + 1
    assert number_of("hard", 2, 1, 9, thorough=True) == 2
    # Three cells of mass x and one with the rest, in fractions.
    x = Fraction(1, 5)
    truth = Fraction(2, 3) * (3 * x * (1 - x) ** 7 + (1 - 3 * x) * (3 * x) ** 7)
    assert fraction(two_masses(4, 7, x, Fraction(2, 3), rational)) == truth


def test_bad_problems_are_worse_than_most():
    # Oracle: the minimax risk from partial labels, which the worst of these problems comes near to
    from kt_theory.certificates.witnesses import _bad_problems

    for S, A, n in ((1, 10, 100), (2, 3, 10), (1, 2, 5)):
        problems = list(_bad_problems(S, A, n))
        worst = max((float(expected_risk(bad, "SEL_ptl", n)) for bad in problems), default=0.0)
        assert worst <= kt.minimax_risk("partial", S, A, n).lower * (1 + 1e-9)
        assert worst >= (0.0 if A == 2 else 0.75) * kt.minimax_risk("partial", S, A, n).lower
        assert all(sum(c.times for c in bad.inputs[0].labels) == A for bad in problems)
    # k labels of 1.478 S/n, k near 0.6767 A - 0.4.
    (bad,) = [bad for bad in _bad_problems(1, 100, 2000) if any(c.times == 67 for c in bad.inputs[0].labels)]
    assert {c.p for c in bad.inputs[0].labels if c.times == 67} == {Fraction(1478, 2_000_000)}
