"""All routes meet: enumeration, closed forms, classes, balls and Monte Carlo give one expected risk."""

import pickle
import time
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy import special, stats

import kt_theory as kt
import oracles
from kt_theory import risk
from kt_theory.exact import risk as exact
from kt_theory.exact.risk import ROUTES, exact_risk
from kt_theory.exact.rows import OutOfReach, distinct_rows


def random_laws(seed):
    """A random small problem in fractions: zeros, inputs of no mass, S = 1, A = 1 and 2, near-deterministic rows."""
    rng = np.random.default_rng(seed)
    S, A = [(1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 2), (1, 4)][seed % 7]
    n = int(rng.integers(0, 5 if S * A > 4 else 7))
    rho = oracles.rational_law(rng, S, zeros=seed % 3 == 0)
    teacher = [oracles.rational_law(rng, A, zeros=seed % 2 == 0) for _ in range(S)]
    if seed % 5 == 0 and A > 1:
        teacher[0] = [1 - Fraction(1, 2**20)] + [Fraction(1, 2**20)] + [Fraction(0)] * (A - 2)
    init = [oracles.rational_law(rng, A, zeros=True) for _ in range(S)] if seed % 4 == 1 else None
    return rho, teacher, init, n


def as_floats(table):
    return np.array([[float(x) for x in row] for row in table])


@pytest.mark.parametrize("block", range(10))
def test_every_route_agrees_with_enumeration_to_twelve_digits(block):
    # Oracle: enumeration, all count tables in exact fractions; 31 problems a block
    for seed in range(31 * block, 31 * block + 31):
        rho, teacher, init, n = random_laws(seed)
        problem = kt.Problem([float(x) for x in rho], as_floats(teacher))
        start = None if init is None else as_floats(init)
        true = oracles.enumerate_risks(rho, teacher, n, init)
        for learner, value in true.items():
            risk = kt.expected_risk(problem, learner, n, start, method="exact")
            # Decimal rows are off the rational ones by half a unit in the last place: that is what atol covers.
            np.testing.assert_allclose(risk, float(value), rtol=1e-12, atol=1e-15, err_msg=f"{seed} {learner}")
            assert abs(risk - float(value)) <= risk.error + 1e-15


def test_a_wrong_route_is_seen(monkeypatch):
    # Oracle: enumeration, all count tables in exact fractions; the planted route forgets one part in 1e11
    right = ROUTES["CE_ful"]

    def wrong(row, n, divergence):
        estimate = right(row, n, divergence)
        return type(estimate)(estimate.value * (1 + 1e-11), estimate.error, estimate.route)

    monkeypatch.setitem(ROUTES, "CE_ful", wrong)
    with pytest.raises(AssertionError):
        test_every_route_agrees_with_enumeration_to_twelve_digits(0)


@pytest.mark.parametrize(("cells", "least"), [(100, 190), pytest.param(400, 760, marks=pytest.mark.slow)])
def test_monte_carlo_is_standard_normal_about_the_exact_risk(cells, least):
    # Oracle: second algorithm, simulation with its standard error, on 4 learners and so many cells
    scores = []
    for seed in range(cells):
        problem = [kt.dirichlet_problem, kt.zipf_problem][seed % 2](2 + seed % 4, 2 + seed % 3, seed)
        n = [3, 20, 200, 10**6][seed % 4]
        # CE_ptl's exact risk takes half a second a row: it is scored in every tenth cell.
        learners = [learner for learner in kt.PAPER_LEARNERS if learner != "CE_ptl" or seed % 10 == 0]
        frame = kt.simulate(problem, learners, n, reps=1500, seed=seed)
        for row in frame.itertuples():
            if row.nonzero < 30 or row.mcse < 1e-12 * row.mean:
                continue
            scores.append((row.mean - kt.expected_risk(problem, row.learner, n, method="exact")) / row.mcse)
    scores = np.array(scores)
    assert scores.size >= least
    assert np.abs(scores).max() <= 4
    # Learners of one cell share their draws, so the test is on a third of the scores, which hardly depend.
    assert stats.kstest(scores[::3], "norm").pvalue > 1e-3


def test_curves_are_arrays_that_know_their_errors_and_routes():
    problem = kt.instance(0, 5, 4)
    curve = kt.expected_risk(problem, "SEL_ptl", [0, 1, 100])
    assert curve.shape == curve.error.shape == (3,)
    assert len(curve.route) == 3
    assert (curve * 2).route is None
    single = kt.expected_risk(problem, "SEL_ptl", 100)
    assert isinstance(single, float)
    assert single == curve[2]
    assert single.route == curve.route[2]


def test_a_risk_travels_to_other_processes():
    # Oracle: identity
    risk = kt.expected_risk(kt.instance(0, S=2, A=3), "CE_sgl", 5)
    back = pickle.loads(pickle.dumps(risk))
    assert (back, back.error, back.route, back.proved) == (risk, risk.error, risk.route, risk.proved)


def test_out_of_reach_is_said_and_simulated_only_when_allowed(monkeypatch):
    def nowhere(row, n, divergence):
        raise OutOfReach("more than 3 labels: use kt_theory.simulate")

    monkeypatch.setitem(ROUTES, "SEL_ptl", nowhere)
    problem = kt.instance(0, 2, 4)
    with pytest.raises(ValueError, match="more than 3 labels"):
        kt.expected_risk(problem, "SEL_ptl", 3, method="exact")
    with pytest.warns(UserWarning, match=r"n=3: more than 3 labels.*simulated instead") as caught:
        risk = kt.expected_risk(problem, "SEL_ptl", 3)
    assert caught[0].filename == __file__
    assert risk.route.startswith("Monte Carlo")
    assert 0 < risk.error < 2e-3 * risk


def test_monte_carlo_on_request():
    # Oracle: second algorithm, the exact route
    problem = kt.instance(0, 2, 4)
    risk = kt.expected_risk(problem, "CE_sgl", 10, method="montecarlo", seed=4)
    assert abs(risk - kt.expected_risk(problem, "CE_sgl", 10)) <= 4 * risk.error


@pytest.mark.parametrize("learner", kt.PAPER_LEARNERS)
def test_relabelling_changes_nothing(learner):
    # Oracle: identity, labels permuted input by input, inputs permuted
    rng = np.random.default_rng(1)
    problem = kt.dirichlet_problem(4, 5, 3, rho_alpha=1.0)
    order = rng.permutation(4)
    teacher = np.stack([rng.permutation(row) for row in problem.teacher])[order]
    other = kt.Problem(problem.rho[order], teacher)
    for n in (0, 1, 17, 400):
        first, second = (float(kt.expected_risk(p, learner, n)) for p in (problem, other))
        assert first == pytest.approx(second, rel=1e-13, abs=0)


def test_equal_rows_are_counted_once():
    problem = kt.instance(0, 100, 25)
    rows = distinct_rows(problem.rho, problem.teacher, np.full((100, 25), 1 / 25))
    assert [row.times for row in rows] == [100]
    signed = distinct_rows(
        np.full(2, 0.5), np.array([[0.0, 0.4, 0.6], [-0.0, 0.4, 0.6]]), np.array([[0.2, 0.3, 0.5]] * 2)
    )
    assert [row.times for row in signed] == [2]
    massless = distinct_rows(np.array([0.0, 1.0]), np.eye(2), np.eye(2))
    assert len(massless) == 1


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("divergence", ["kl", "l2"])
def test_other_divergences_are_finite_where_they_should_be(k, divergence):
    problem = kt.instance(k, 3, 5, 50)
    for learner in ("SEL_ptl", "CE_ful"):
        assert 0 <= exact_risk(problem, learner, 50, divergence=divergence).value < 1
    assert exact_risk(problem, "CE_sgl", 50, divergence="kl").value == np.inf


BAD = {
    "learner": (lambda p: kt.expected_risk(p, "MLE", 1), "learner is 'MLE'"),
    "n": (lambda p: kt.expected_risk(p, "CE_sgl", -1), r"n is -1"),
    "n in a list": (lambda p: kt.expected_risk(p, "CE_sgl", [1, 1.5]), r"n\[1\] is 1.5"),
    "method": (lambda p: kt.expected_risk(p, "CE_sgl", 1, method="guess"), "method is 'guess'"),
    "divergence": (lambda p: kt.expected_risk(p, "CE_sgl", 1, divergence="js"), "divergence is 'js'"),
    "init": (lambda p: kt.expected_risk(p, "CE_sgl", 1, init=[[1, 0]]), "init has shape"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused(case):
    call, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        call(kt.instance(0, 2, 4))


def test_no_warning_on_the_exact_path():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for learner in kt.PAPER_LEARNERS:
            kt.expected_risk(kt.instance(1, 3, 5, 100), learner, [0, 1, 100, 10**6])


@pytest.mark.step("N14.1")
def test_three_worlds_tends_to_its_shares():
    # Oracle: published constants of the minimax limits, and the limit sqrt(2) - 1 of all three shares
    limit = np.sqrt(2) - 1
    rates = {"hard": 0.5, "partial": 1.0, "soft": 1.0}
    for protocol, learner in (("hard", "CE_sgl"), ("partial", "SEL_ptl"), ("soft", "CE_ful")):
        gaps = []
        for size, n in ((20, 10**9), (200, 10**10)):
            risk = kt.expected_risk(kt.three_worlds(size, size, n), learner, n)
            gaps.append(abs(risk / (kt.minimax_constant(protocol, size, size) * n ** -rates[protocol]) - limit))
        assert gaps[1] < gaps[0]
        assert gaps[1] < 0.006
        # Red: other shares of labels and inputs even out nothing.
        other = kt.expected_risk(kt.three_worlds(200, 200, 10**10, phi=0.5, psi=0.5), learner, 10**10)
        assert abs(other / (kt.minimax_constant(protocol, 200, 200) * 10**10 ** -rates[protocol]) - limit) > 0.06


@pytest.mark.step("N14.1")
def test_three_worlds_tends_to_its_limit_at_every_size():
    # Oracle: closed form, the three limits of the proof for the whole numbers of inputs and labels of the instance
    n, q = 10**13, 2 * special.lambertw(1 / (2 * np.sqrt(np.e))).real
    for S, A in ((2, 10), (7, 12), (30, 40)):
        problem = kt.three_worlds(S, A, n)
        rare = int((problem.teacher.max(axis=1) == 1).sum())
        row = problem.teacher[-1]
        even, light = int((row > 1e-6).sum()), int(((row > 0) & (row <= 1e-6)).sum())
        zeros = A - even - light
        mean = sum(p * j * zeros / (j + zeros) for j, p in enumerate(stats.binom.pmf(range(light + 1), light, q**2)))
        limits = {
            "CE_ful": (1 - 1 / A) * rare / np.e / n,
            "CE_sgl": np.sqrt((S - rare) * (even - 1) / (2 * np.pi * n)),
            "SEL_ptl": ((S - rare) * (1 + q) * mean + (1 - 1 / A) * rare / np.e) / n,
        }
        for learner, limit in limits.items():
            assert kt.expected_risk(problem, learner, n) == pytest.approx(limit, rel=2e-5, abs=0), (S, A, learner)


def test_three_worlds_has_its_parts_and_its_domain():
    # Oracle: identity, q = 2 W(1 / (2 sqrt(e))) gives light share 1 / (1 + q) and light mass 1 + q
    import mpmath as mp

    q = 2 * mp.lambertw(1 / (2 * mp.sqrt(mp.e))).real
    from kt_theory.problem import LIGHT_MASS, LIGHT_SHARE

    assert pytest.approx(float(1 / (1 + q)), abs=5e-7) == LIGHT_SHARE
    assert pytest.approx(float(1 + q), abs=5e-7) == LIGHT_MASS
    problem = kt.three_worlds(11, 10, 10**6)
    assert (problem.teacher.max(axis=1) == 1).sum() == round((np.sqrt(2) - 1) * 10)
    with pytest.raises(ValueError, match="n is 100: with S=20, A=20 the light labels do not fit"):
        kt.three_worlds(20, 20, 100)
    with pytest.raises(ValueError, match="S is 1"):
        kt.three_worlds(1, 20, 100)


def of_many_inputs(S: int, A: int) -> kt.Problem:
    return kt.Problem(np.full(S, 1 / S), np.random.default_rng(S).dirichlet(np.ones(A), S))


def test_auto_spends_minutes_on_a_problem_not_on_each_input(monkeypatch):
    # Oracle: identity, processor time, and which of two routes is taken; cheap inputs are computed, however many
    many = of_many_inputs(700, 30)
    for learner in ("CE_ptl", "SEL@top_k:2"):
        start = time.process_time()
        with pytest.raises(OutOfReach, match="of 700 different inputs take about 120 s"):
            exact_risk(many, learner, 21_000, patient=False)
        assert time.process_time() - start < 5
    for learner, n in (("CE_sgl", 21_000), ("RENORM@top_k_label:2", 21_000), ("SEL_ptl", 0)):
        assert exact_risk(many, learner, n, patient=False) == exact_risk(many, learner, n)
    few = of_many_inputs(6, 20)
    with monkeypatch.context() as less:
        less.setattr(exact, "HASTY", 0.5)
        with pytest.warns(UserWarning, match="different inputs take about 0.5 s.*simulated"):
            assert "Monte Carlo" in kt.expected_risk(few, "CE_ptl", 60).route
        known = exact_risk(few, "CE_ptl", 60)
        assert known.route == "counts"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kt.expected_risk(few, "CE_ptl", 60) == known.value


@pytest.mark.parametrize(
    ("control", "wide", "sparse", "pilot", "means"),
    [
        (None, 3, False, 1000, "Monte Carlo"),
        (False, 3, False, 1000, "Monte Carlo"),
        (True, 3, False, 600 // 6, "Monte Carlo with control variates"),
        (True, 1, False, 600 // 2, "Monte Carlo with control variates"),
        (True, 40, False, 100, "Monte Carlo with control variates"),
        (True, 40, True, 600 // 2, "Monte Carlo with control variates"),
    ],
)
@pytest.mark.parametrize("nonzero", [0, 7])
def test_what_is_asked_of_a_simulation_and_said_of_it(monkeypatch, control, wide, sparse, pilot, means, nonzero):
    # Oracle: definition, with a simulation that keeps what it is asked
    asked = []

    def simulate(*place, **how):
        asked.append((place, how))
        row = {"learner": "CE_sgl", "mean": 0.25, "mcse": 0.125, "reps": 48, "nonzero": nonzero}
        return pd.DataFrame([row])

    monkeypatch.setattr(risk, "simulate", simulate)
    monkeypatch.setattr(risk, "PILOT_CELLS", 600)
    table = np.eye(wide)[[0, -1]]
    problem = kt.Problem([0.5, 0.5], scipy.sparse.csr_array(table) if sparse else table)
    more = {} if control is None else {"control": control}
    found = risk._simulated(problem, "CE_sgl", 9, "init", "l2", 5, **more)
    how = {"target_mcse": 1e-3, "relative": True, "init": "init", "divergence": "l2", "control": bool(control)}
    assert asked == [((problem, "CE_sgl", 9, pilot, 5), how)]
    # Of an event that was never met, the rule of three.
    assert (found.value, found.error) == (0.25, 0.125 if nonzero else 3 / 48)
    assert (found.route, found.proved) == (f"{means}, 48 repeats", False)
