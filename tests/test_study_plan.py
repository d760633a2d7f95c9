"""How many repeats a cell gets: enough, no more than that takes, and without biasing what is averaged."""

import math

import numpy as np
import pytest
from scipy import optimize

import kt_theory as kt
from kt_theory.simulation.moments import Moments
from kt_theory.simulation.precision import VARIANCE_MARGIN, Precision
from kt_theory.simulation.workers import thread_pool
from kt_theory.study import plan

PANEL = kt.study.Panel("bandit", kt.instance(0, S=1, A=2), n=[10, 100, 1000], learners=["CE_sgl"])


def pilot(mean, variance, reps=100):
    """A pilot of one learner with a given mean and variance of one repeat."""
    numbers = np.array([mean]), np.array([variance * (reps - 1)]), np.array([reps if mean else 0])
    return Moments(("a",), reps, *numbers, np.array([0]))


def slope_error(n, pilots, reps):
    """Standard error of the unweighted slope of log(mean) on log(n), by the delta method."""
    x = np.log(n)
    c = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    relative = np.array([VARIANCE_MARGIN * p.variance[0] / p.mean[0] ** 2 for p in pilots])
    return math.sqrt(float((c**2 * relative / np.array(reps)).sum()))


def test_repeats_for_a_slope_meet_the_target_with_the_least_work():
    # Oracle: second algorithm, a general minimiser of the total under the same constraint
    n = [10, 30, 100, 1000, 3000]
    pilots = [pilot(0.3, 0.01), pilot(0.2, 0.04), pilot(0.1, 0.001), pilot(0.05, 0.002), pilot(0.01, 0.0003)]
    reps = plan.for_slope(0.001, Precision(2, max_reps=10**9), n, pilots)
    assert 0.999 * 0.001 < slope_error(n, pilots, reps) <= 0.001
    best = optimize.minimize(
        lambda log_reps: np.exp(log_reps).sum() / sum(reps),
        np.log(np.full(5, max(reps))),
        constraints={"type": "ineq", "fun": lambda r: 1 - slope_error(n, pilots, np.exp(r)) / 0.001},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert best.success
    assert sum(reps) == pytest.approx(best.fun * sum(reps), rel=1e-3, abs=0)
    # Shown red: the same repeats everywhere cost more.
    level = max(reps)
    while slope_error(n, pilots, [level] * 5) < 0.001:
        level = int(level * 0.99)
    assert 5 * level > 1.05 * sum(reps)


def test_edges_of_the_plan():
    # Oracle: definition
    few = Precision(50, max_reps=10**6)
    assert plan.for_slope(0.1, few, [10], [pilot(0.1, 0.01)]) == [50]
    assert plan.for_slope(0.1, few, [10, 100], [pilot(0.1, 0.01), pilot(0.0, 0.0)]) == [50, 50]
    assert plan.for_slope(0.1, few, [0, 100], [pilot(0.1, 0.01), pilot(0.1, 0.01)]) == [50, 50]
    assert plan.for_slope(1e-9, few, [10, 100], [pilot(0.1, 0.01), pilot(0.1, 0.01)]) == [10**6, 10**6]
    assert plan.for_slope(0.1, few, [10, 100], [pilot(0.1, 0.0), pilot(0.1, 0.0)]) == [50, 50]


def test_a_learner_without_risk_in_the_pilots_does_not_end_the_plan():
    # Oracle: closed form, pull_i = |off_i| / sum off^2 sqrt(v) / mean, R_i = pull_i sum(pull) / target^2
    n = [10, 100, 1000]
    pilots = [
        Moments(("a", "b"), 100, np.array([0.0, 0.5]), np.array([0.0, 0.01 * 99]), np.array([0, 100]), np.zeros(2))
        for _ in n
    ]
    assert plan.for_slope(0.001, Precision(reps=100), n, pilots) == [4150, 100, 4150]
    other = [p.at([1, 0]) for p in pilots]
    assert plan.for_slope(0.001, Precision(reps=100), n, other) == [4150, 100, 4150]
    step = math.log(10)
    pull = step / (2 * step**2) * math.sqrt(VARIANCE_MARGIN * 0.01) / 0.5
    assert math.ceil(2 * pull**2 / 0.001**2) == 4150


def test_a_study_reaches_the_slope_error_it_aims_at():
    # Oracle: identity, the standard error that the weighted fit reports
    design = kt.study.Design("slope", [PANEL], reps=200, seed=2, slope_se=0.004)
    with thread_pool(2) as pool:
        result = kt.study.engine.run_design(design, kt.study.engine.Memory(), pool)
    rows = result.receipts
    fit = kt.fit_rate(rows["n"], rows["mean"], rows["mcse"])
    assert fit.slope_se <= 0.004 * 1.03
    assert rows["reps"].nunique() > 1
    exact = [kt.expected_risk(PANEL.problem, "CE_sgl", n) for n in rows["n"]]
    assert abs(fit.slope - kt.fit_rate(rows["n"], exact, rows["mcse"]).slope) <= 4 * fit.slope_se


@pytest.mark.parametrize(
    "target",
    [{"slope_se": 0.02}, pytest.param({"target_mcse": 0.02, "relative": True}, marks=pytest.mark.slow)],
)
def test_stopping_biases_nothing(target):
    # Oracle: second algorithm, the exact expected risk; 400 studies whose repeats are planned from pilots of 20
    exact = np.array([kt.expected_risk(PANEL.problem, "CE_sgl", n) for n in PANEL.n])
    means, reps = [], []
    with thread_pool(1) as pool:
        for seed in range(400):
            design = kt.study.Design("stopping", [PANEL], reps=20, seed=seed, **target)
            rows = kt.study.engine.run_design(design, kt.study.engine.Memory(), pool).receipts
            means.append(rows["mean"].to_numpy())
            reps.append(rows["reps"].to_numpy())
    assert np.std(reps, axis=0)[[0, 2]].min() > 10  # the plan does depend on the pilot
    z = (np.mean(means, axis=0) - exact) / (np.std(means, axis=0, ddof=1) / math.sqrt(len(means)))
    assert np.abs(z).max() <= 4


def test_the_naive_rule_is_biased():
    # Oracle: closed form, a label of mass 0.02 is unseen after 50 samples with probability 0.98^50, and then half of it
    # is lost; averaging until the average looks precise enough stops early where many were not 0
    problem, exact = kt.Problem([1.0], [[0.02, 0.0, 0.98]]), 0.01 * 0.98**50
    assert kt.expected_risk(problem, "SEL_ptl", 50) == pytest.approx(exact, rel=1e-9, abs=0)
    stopped = []
    for seed in range(1000):
        risks = kt.sample_risks(problem, "SEL_ptl", 50, reps=1000, seed=seed)[:, 0]
        k = np.arange(1, risks.size + 1)
        mean = np.cumsum(risks) / k
        spread = np.sqrt(np.maximum(np.cumsum(risks**2) / k - mean**2, 0) / k)
        first = 5 + int(np.argmax(spread[5:] <= 0.3 * mean[5:]))
        stopped.append(mean[first])
    z = (np.mean(stopped) - exact) / (np.std(stopped, ddof=1) / math.sqrt(len(stopped)))
    assert abs(z) > 4


def test_targets_exclude_one_another():
    with pytest.raises(ValueError, match="slope_se and target_mcse are both given"):
        kt.study.Design("both", [PANEL], slope_se=0.1, target_mcse=0.1)
    with pytest.raises(ValueError, match="reps is 1: the pilot of slope_se needs at least 2"):
        kt.study.Design("one", [PANEL], reps=1, slope_se=0.1)
    with pytest.raises(ValueError, match="slope_se is -1"):
        kt.study.Design("negative", [PANEL], slope_se=-1)


def test_a_target_out_of_reach_is_said():
    with pytest.warns(UserWarning, match="stopped at the cap of 300 repeats") as said:
        kt.study.run([PANEL], reps=100, target_mcse=1e-6, max_reps=300)
    assert [str(warning.message).split(":")[0] for warning in said] == [f"bandit, n={n}" for n in (10, 100, 1000)]
