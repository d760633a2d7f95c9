"""Control variates: their exact means, what they leave of the variance, and that no mean moves."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats

import kt_theory as kt
from kt_theory.exact.rows import OutOfReach
from kt_theory.problem import Problem, dirichlet_problem
from kt_theory.simulation import controls
from kt_theory.simulation.cells import RUN, Cell

PAPER = ["CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful"]


def by_definition(cell: Cell, table: np.ndarray) -> np.ndarray:
    """The controls of one count table, label by label, about the centres that their definitions name."""
    rho, p, n = cell.problem.rho, cell.problem.teacher, cell.n
    out = np.zeros(5)
    for s, counts in enumerate(table):
        w = rho[s] * p[s]
        q = (1 - w) ** n
        m = float(q @ p[s] / q.sum())
        share = float(q[p[s] > m].sum() / q.sum())
        M = n * float(w @ p[s])
        laws = [scipy.stats.binom.pmf(np.arange(n + 1), n, x) for x in w]
        early = [math.fsum(law[k] * k for k in range(n + 1) if k < M) for law in laws]
        slope = float(p[s] @ early) / M**2 if M > 0 else 0.0
        for a, k in enumerate(counts):
            if k == 0:
                out[:4] += rho[s] * np.array(
                    [p[s, a], 1 / p.shape[1], p[s, a] ** 2, max(p[s, a] - m, 0) - share * (p[s, a] - m)]
                )
            if M > 0:
                out[4] += rho[s] * p[s, a] * (max(0.0, 1 - k / M) + slope * k)
    return out


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_the_means_of_the_controls_are_exact(n):
    # Oracle: enumeration, all count tables of a problem of 2 x 3 cells, one of them of probability 0
    problem = Problem([0.3, 0.7], [[0.2, 0.8, 0.0], [0.5, 0.1, 0.4]])
    cell = Cell(problem, n)
    tables = np.array([counts for counts in itertools.product(range(n + 1), repeat=6) if sum(counts) == n])
    weights = scipy.stats.multinomial.pmf(tables, n, problem.w.ravel())
    centred = cell._controls.of(tables)
    assert abs(weights.sum() - 1) < 1e-13
    assert np.abs(weights @ centred).max() < 1e-14
    for table, found in zip(tables[::7], centred[::7], strict=True):
        truth = by_definition(cell, table.reshape(2, 3))
        np.testing.assert_allclose(found + cell._controls.means, truth, atol=1e-14)


@pytest.mark.parametrize("n", [30, 3000, 10**6, 10**12, 10**17])
def test_the_means_of_the_controls_after_many_draws(n):
    # Oracle: Monte Carlo, 2000 repeats at a fixed seed, |z| <= 4.5 on each of the five controls
    cell = Cell(dirichlet_problem(3, 12, seed=5), n)
    risks = np.concatenate([cell.risks([], 3, RUN, block, 500, controls=True) for block in range(4)])
    error = risks.std(axis=0) / math.sqrt(len(risks))
    assert (np.abs(risks.mean(axis=0)) <= 4.5 * error + 1e-15).all()


def bias(runs: int, reps: int) -> tuple[float, int]:
    """The z of the mean over runs of SEL_ptl and CE_ptl, the larger one, and of how many intervals hold the truth."""
    problem = Problem([1.0], [np.array([0.3, 0.2, 0.15, 0.12, 0.09, 0.07, 0.04, 0.03])])
    n, learners = 12, ["SEL_ptl", "CE_ptl"]
    truth = np.array([kt.expected_risk(problem, learner, n, method="exact") for learner in learners])
    means, errors = np.empty((runs, 2)), np.empty((runs, 2))
    for seed in range(runs):
        frame = kt.simulate(problem, learners, n, reps, seed, control=True, workers=1)
        means[seed], errors[seed] = frame["mean"], frame["mcse"]
    z = (means.mean(axis=0) - truth) / (means.std(axis=0, ddof=1) / math.sqrt(runs))
    held = np.abs(means - truth) <= scipy.stats.t.ppf(0.975, reps - 1) * errors
    return float(np.abs(z).max()), int(held.sum(axis=0).min())


def unbiased_and_honest(runs: int, reps: int) -> bool:
    z, held = bias(runs, reps)
    low = scipy.stats.binom.ppf(1e-4, runs, 0.95)
    return z <= 4 and held >= low


def test_controls_move_no_mean():
    # Oracle: second algorithm, the exact risks of one row; 100 runs of 100 repeats, |z| <= 4, coverage at 95 %
    assert unbiased_and_honest(100, 100)


@pytest.mark.slow
def test_controls_move_no_mean_over_a_thousand_runs():
    # Oracle: second algorithm, the exact risks of one row; 1000 runs of 200 repeats, |z| <= 4, coverage at 95 %
    assert unbiased_and_honest(1000, 200)


def test_a_wrong_mean_of_a_control_is_seen(monkeypatch):
    # Oracle: second algorithm, as above; the planted mean of the missing mass is 5 % too large
    right = controls.Controls.of

    def wrong(self, counts):
        return right(self, counts) - 0.05 * np.eye(5)[0] * self.means

    monkeypatch.setattr(controls.Controls, "of", wrong)
    assert not unbiased_and_honest(100, 100)


def test_multiples_fitted_to_the_repeats_that_are_averaged_would_be_seen():
    # Oracle: identity, least squares leaves residuals that are orthogonal to the controls it was given
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 3)) @ np.diag([1.0, 1e-6, 1e6])
    y = np.column_stack([x @ [1.0, 2e6, -3e-6] + rng.normal(size=300), np.full(300, 0.25), np.full(300, np.inf)])
    multiples = controls.coefficients(y, x)
    left = y[:, 0] - x @ multiples[:, 0]
    assert abs(np.corrcoef(left, x[:, 1])[0, 1]) < 1e-12
    np.testing.assert_allclose(multiples[:, 0], [1.0, 2e6, -3e-6], rtol=0.2)
    assert not multiples[:, 1:].any()  # a risk that does not vary, one that is infinite
    assert not controls.coefficients(y[:11], x[:11]).any()  # too few to tell


def test_controls_that_are_multiples_of_one_another():
    # Oracle: identity, two equal controls do what one does
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 1))
    y = 2 * x + rng.normal(size=(200, 1))
    one, two = controls.coefficients(y, x), controls.coefficients(y, np.hstack([x, 3 * x]))
    np.testing.assert_allclose(x @ one, np.hstack([x, 3 * x]) @ two, rtol=1e-10)


def test_what_controls_leave_of_the_variance_of_a_real_teacher():
    # Oracle: second algorithm, the plain run of the same draws: equal means, the ratio of the variances
    teacher = kt.tables.bundled_teacher("next_word")
    for n, least in ((100, 500), (10_000, 200)):
        with_controls = kt.simulate(teacher, PAPER, n, 2000, 1, control=True, workers=1)
        plain = kt.simulate(teacher, PAPER, n, 2000, 1, workers=1)
        z = (with_controls["mean"] - plain["mean"]) / np.maximum(plain["mcse"], 1e-15)
        assert np.abs(z).max() <= 4
        ratio = (plain["mcse"] / with_controls["mcse"]) ** 2
        assert ratio[2] > least
        assert ratio[1] > 3
        np.testing.assert_allclose(with_controls["control"][:3], ratio[:3], rtol=1e-6)
        assert (with_controls["nonzero"] == plain["nonzero"]).all()


def test_controlled_receipts_are_the_same_at_any_number_of_threads():
    # Oracle: identity, one thread and three; the column is there only where it was asked for
    problem = dirichlet_problem(4, 6, seed=1)
    how = {"n": [0, 40], "reps": 3000, "seed": 7}
    one = kt.simulate(problem, PAPER, **how, control=True, workers=1)
    three = kt.simulate(problem, PAPER, **how, control=True, workers=3)
    assert one.drop(columns="seconds").equals(three.drop(columns="seconds"))
    assert "control" not in kt.simulate(problem, PAPER, **how)
    before = one[one["n"] == 0]
    assert before[["control", "mcse"]].values.tolist() == [[1.0, 0.0]] * 4


def test_a_target_is_met_with_fewer_repeats():
    # Oracle: second algorithm, the plain run, which needs at least twenty times as many repeats for one error
    problem = dirichlet_problem(1, 60, seed=4)
    how = {"n": 60, "reps": 500, "target_mcse": 1e-3, "relative": True, "workers": 1}
    plain, less = (kt.simulate(problem, "SEL_ptl", control=c, **how).iloc[0] for c in (False, True))
    assert less["mcse"] <= 1.3e-3 * less["mean"]
    assert plain["reps"] > 20 * less["reps"] or less["reps"] == 500
    assert abs(plain["mean"] - less["mean"]) <= 4 * math.hypot(plain["mcse"], less["mcse"])


def test_infinite_risks_stay_infinite():
    # Oracle: identity, a student that says 0 where the teacher does not is infinitely far in kl
    problem = Problem([1.0], [[0.5, 0.5]])
    row = kt.simulate(problem, "CE_ptl", 2, 100, control=True, divergence="kl").iloc[0]
    assert math.isinf(row["mean"])
    assert row["infinite"] > 0


def test_the_cap_is_said_to_the_caller():
    # Oracle: identity, the warning names the caller's line
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        problem = dirichlet_problem(1, 20, seed=4)
        kt.simulate(problem, "CE_sgl", 20, 50, target_mcse=1e-9, max_reps=60, control=True)
        kt.simulate(problem, "CE_sgl", 20, 50, target_mcse=1e-9, max_reps=60)
    assert [w.filename for w in caught] == [__file__, __file__]


@pytest.mark.parametrize("control", [1, "yes", None])
def test_control_is_true_or_false(control):
    # Oracle: identity, anything else is refused by name
    with pytest.raises(ValueError, match="control is"):
        kt.simulate(dirichlet_problem(1, 3, seed=0), "CE_sgl", 3, control=control)


def test_wide_rows_of_ce_ptl_are_simulated_with_controls():
    # Oracle: Monte Carlo, the plain run, |z| <= 4; no exact route reaches the squared distance of 600 probabilities
    problem = dirichlet_problem(1, 600, seed=8)
    with pytest.raises(OutOfReach, match="600 distinct positive probabilities and 500 expected visits"):
        kt.expected_risk(problem, "CE_ptl", 500, method="exact", divergence="l2")
    with pytest.warns(UserWarning, match="simulated instead, with control variates"):
        risk = kt.expected_risk(problem, "CE_ptl", 500, divergence="l2")
    plain = kt.simulate(problem, "CE_ptl", 500, 2000, 3, divergence="l2", workers=1).iloc[0]
    assert risk.error <= 1e-3 * risk
    assert abs(risk - plain["mean"]) <= 4 * math.hypot(risk.error, plain["mcse"])


def rare(runs: int) -> int:
    """Of how many runs the interval holds the truth, where M > 1, which no repeat shows, is all that controls leave."""
    p = np.random.default_rng(0).integers(1, 40, 100).astype(float)
    problem = Problem([1.0], [p / p.sum()])
    truth = kt.expected_risk(problem, "CE_ptl", 68, method="exact")
    assert truth.error < 1e-7 * truth
    means = [kt.simulate(problem, "CE_ptl", 68, 200, seed, control=True, workers=1).iloc[0] for seed in range(runs)]
    return sum(abs(row["mean"] - truth) <= 1.97 * row["mcse"] + truth.error for row in means)


def test_rare_events_that_no_repeat_shows_are_in_the_error():
    # Oracle: second algorithm, the exact risk
    assert rare(10) == 10


def test_without_what_rare_events_add_the_error_is_seen_to_be_too_small(monkeypatch):
    # Oracle: second algorithm, as above; the standard error was 1e-17
    monkeypatch.setattr("kt_theory.simulation.means._with_rare_events", lambda found, plain: found)
    assert rare(5) < 5


@pytest.mark.parametrize("w", [0.0, 0.125, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("n", range(6))
def test_means_of_a_short_count_are_those_of_its_law(n, w):
    # Oracle: enumeration in fractions of the binomial law, at counts below, at and above both of its ends
    law = [math.comb(n, k) * Fraction(w) ** k * (1 - Fraction(w)) ** (n - k) for k in range(n + 1)]
    assert controls._never(n, np.array([w])).item() == pytest.approx(float(law[0]), rel=1e-13, abs=0)
    k = np.arange(-2, n + 3)
    below = [float(sum(law[: max(last + 1, 0)])) for last in k.tolist()]
    assert controls._at_most(k, n, np.array(w)).tolist() == pytest.approx(below, rel=1e-13, abs=0)
    assert controls._at_most(k[:3], n, np.array(w))[:2].tolist() == [0.0, 0.0]
    for m in (0.25, 1.0, 1.5, 2.0, 4.75, 5.0, 9.0):
        short = sum(max(1 - k / Fraction(m), 0) * mass for k, mass in enumerate(law))
        count = sum(k * mass for k, mass in enumerate(law) if k < m)
        found = controls._below(n, np.array([w]), np.array([m]))
        assert [one.item() for one in found] == pytest.approx([float(short), float(count)], rel=1e-12, abs=1e-15), m


def test_a_fit_needs_four_repeats_for_each_control_and_a_risk_that_varies():
    # Oracle: definition, and a risk that is a sum of two controls
    rng = np.random.default_rng(5)
    x = rng.normal(size=(9, 2))
    y = np.column_stack([3 * x[:, 0] - x[:, 1], np.full(9, 0.25), np.where(np.arange(9) < 8, x[:, 0], np.inf)])
    assert controls.coefficients(y[:7], x[:7]).tolist() == [[0.0] * 3] * 2
    assert controls.coefficients(y[:8], x[:8])[:, 0].tolist() == pytest.approx([3.0, -1.0], rel=1e-12, abs=0)
    assert controls.coefficients(y, x)[:, 1:].tolist() == [[0.0, 0.0]] * 2
    # A control that does not vary has no multiple, and takes none from the other one.
    still = np.column_stack([x[:, 0], np.full(9, 7.0)])
    found = controls.coefficients(2 * x[:, :1], still)
    assert found.ravel().tolist() == pytest.approx([2.0, 0.0], rel=1e-12, abs=0)
