"""Monte Carlo against enumeration, published values and limits; the same bytes whatever the threads."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import oracles
from benchmarks import references
from kt_theory.learners import LEARNERS, PAPER_LEARNERS
from kt_theory.problem import Problem, dirichlet_problem, instance, tv_risk, uniform_table
from kt_theory.risk import expected_risk
from kt_theory.simulation import means
from kt_theory.simulation.cells import RUN, Cell
from kt_theory.simulation.means import draw, sample_risks, simulate
from kt_theory.simulation.moments import Moments
from kt_theory.simulation.precision import Precision
from kt_theory.simulation.workers import AHEAD, in_order

ALL = PAPER_LEARNERS

# --- Against enumeration --------------------------------------------------------------------------------


@cache
def small_cells() -> tuple[dict[str, Any], ...]:
    """Problems of a few fractions, with their exact risks and a Monte Carlo run of 20000 repeats each."""
    rng = np.random.default_rng(2024)
    cells = []
    for i in range(96):
        S, A = [(1, 2), (1, 4), (2, 2), (2, 3), (3, 2), (1, 1), (3, 1), (1, 5)][i % 8]
        n = i % 6
        rho = oracles.rational_law(rng, S, 12, zeros=i % 3 == 1)
        teacher = [oracles.rational_law(rng, A, 12, zeros=i % 3 == 2) for _ in range(S)]
        init = [oracles.rational_law(rng, A, 12, zeros=True) for _ in range(S)] if i % 2 else None
        exact = oracles.enumerate_risks(rho, teacher, n, init)
        problem = Problem(np.array(rho, dtype=float), np.array(teacher, dtype=float))
        table = None if init is None else np.array(init, dtype=float)
        frame = simulate(problem, ALL, n, reps=20_000, seed=i, init=table).set_index("learner")
        cells.append({"problem": problem, "n": n, "init": table, "exact": exact, "frame": frame})
    return tuple(cells)


#: Standard errors below this are rounding: the risk does not vary from repeat to repeat.
CONSTANT = 1e-14


def z_scores(name: str, exact_of: Callable[[dict[str, Fraction]], float]) -> np.ndarray:
    rows = [(cell["frame"].loc[name], exact_of(cell["exact"])) for cell in small_cells()]
    return np.array([(row["mean"] - exact) / row["mcse"] for row, exact in rows if row["mcse"] > CONSTANT])


@pytest.mark.parametrize("name", ALL)
def test_means_equal_enumeration(name: str) -> None:
    # Oracle: enumeration, all count tables of 96 problems in fractions
    constant = [cell for cell in small_cells() if cell["frame"].loc[name, "mcse"] <= CONSTANT]
    for cell in constant:
        # A block adds up 4096 equal numbers: as many roundings.
        assert cell["frame"].loc[name, "mean"] == pytest.approx(float(cell["exact"][name]), rel=4096 * 1e-16, abs=1e-16)
    z = z_scores(name, lambda exact: float(exact[name]))
    assert len(z) + len(constant) == 96
    assert len(z) >= 25
    assert np.abs(z).max() <= 4
    assert scipy.stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(np.sum(z**2) - z.size) <= 4 * math.sqrt(2 * z.size)


@pytest.mark.parametrize("name", ALL)
def test_planted_wrong_means_are_caught(name: str) -> None:
    # Oracle: enumeration, the same z-scores must be red for a risk that is 3 % too large
    z = z_scores(name, lambda exact: 1.03 * float(exact[name]))
    assert np.abs(z).max() > 4
    assert scipy.stats.kstest(z, "norm").pvalue < 1e-3


@pytest.mark.parametrize("name", ALL)
def test_variances_of_certain_risks_are_zero(name: str) -> None:
    # Oracle: identity, no data, or one label, or a Dirac teacher with one input: nothing varies
    for problem, n in (
        (dirichlet_problem(3, 4, seed=1, rho_alpha=1.0), 0),
        (Problem([0.5, 0.5], [[1.0], [1.0]]), 10),
        (Problem([1.0], [[0.0, 1.0, 0.0]]), 10),
    ):
        row = simulate(problem, name, n, reps=500).iloc[0]
        expected = tv_risk(uniform_table(problem.S, problem.A), problem) if n == 0 else 0.0
        assert row["mean"] == pytest.approx(expected, rel=1e-15, abs=0)
        assert row["mcse"] <= CONSTANT
        assert row["nonzero"] == (500 if expected else 0)


# --- The benchmark's references -------------------------------------------------------------------------


def test_the_reference_of_other_sets_of_learners_is_exact_on_average() -> None:
    # Oracle: second algorithm, expected_risk, which draws nothing; and the same draws whatever set is asked for
    problem = instance(0, 3, 4)

    def reference(learners: tuple[str, ...]) -> np.ndarray:
        rng = np.random.default_rng(2)
        return references.vectorised(problem.rho, problem.teacher, 6, 20_000, rng, learners)

    both = reference(("ADD_sgl", "CE_sgl"))
    wanted = np.array([float(expected_risk(problem, name, 6)) for name in ("ADD_sgl", "CE_sgl")])
    error = both.std(axis=0) / math.sqrt(20_000)
    assert (np.abs(both.mean(axis=0) - wanted) <= 4 * error).all()
    assert (np.abs(both.mean(axis=0) - wanted[::-1]) > 4 * error).all()
    np.testing.assert_array_equal(reference(("CE_sgl",))[:, 0], both[:, 1])


@pytest.mark.parametrize(("reference", "reps"), [(references.per_sample, 1500), (references.vectorised, 20_000)])
def test_benchmark_references_equal_enumeration(reference: Callable[..., np.ndarray], reps: int) -> None:
    # Oracle: enumeration, 2 inputs, 3 labels, one of them of probability 0, 4 samples
    rho = [Fraction(1, 3), Fraction(2, 3)]
    teacher = [[Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)], [Fraction(3, 4), Fraction(0), Fraction(1, 4)]]
    exact = oracles.enumerate_risks(rho, teacher, 4)
    arrays = np.array(rho, dtype=float), np.array(teacher, dtype=float)
    risks = reference(*arrays, 4, reps, np.random.default_rng(1))
    wanted = np.array([float(exact[name]) for name in oracles.LEARNERS])
    error = risks.std(axis=0) / math.sqrt(reps)
    assert (np.abs(risks.mean(axis=0) - wanted) <= 4 * error).all()
    assert (np.abs(risks.mean(axis=0) - 1.5 * wanted) > 4 * error).all()


# --- Published values and limits ------------------------------------------------------------------------


def test_instance_zero_at_2500_samples() -> None:
    # Oracle: published, theory 1.5 (Z&Z Figure 1a), five digits; CE_sgl and CE_ful also in closed form
    problem = instance(0, 100, 25)
    frame = simulate(problem, ALL, 2500, reps=4000, seed=0).set_index("learner")
    for name, value in (("CE_sgl", 0.33172), ("CE_ptl", 0.44296)):
        assert abs(frame.loc[name, "mean"] - value) <= 4 * frame.loc[name, "mcse"] + 5e-6
    exact = oracles.exact_ce_sgl(problem.rho, problem.teacher, 2500)
    assert abs(frame.loc["CE_sgl", "mean"] - exact) <= 4 * frame.loc["CE_sgl", "mcse"]
    assert abs(1.001 * exact - frame.loc["CE_sgl", "mean"]) > 4 * frame.loc["CE_sgl", "mcse"]


def test_instance_zero_early() -> None:
    # Oracle: second algorithm, Moebius inversion over label classes, and closed forms
    problem = instance(0, 100, 25)
    frame = simulate(problem, ALL, 200, reps=4000, seed=0).set_index("learner")
    exact = {
        "CE_sgl": oracles.exact_ce_sgl(problem.rho, problem.teacher, 200),
        "SEL_ptl": oracles.exact_sel_ptl_classes(problem.rho, *oracles.label_classes(problem.teacher[0]), 200),
        "CE_ful": oracles.exact_ce_ful(problem.rho, problem.teacher, 200),
    }
    for name, value in exact.items():
        assert abs(frame.loc[name, "mean"] - value) <= 4 * frame.loc[name, "mcse"], name


def test_ce_ptl_tends_to_its_bias() -> None:
    # Oracle: limit, Z&Z Lemma 4.2: sum_s rho(s) TV(p, p^2 / |p|^2), here in fractions; published 0.445714
    p = [Fraction(1, 2) + Fraction(1, 50)] + [Fraction(1, 50)] * 24
    norm = sum(x * x for x in p)
    limit = float(sum(abs(x - x * x / norm) for x in p) / 2)
    assert round(limit, 6) == 0.445714
    frame = simulate(instance(0, 100, 25), ["CE_ptl", "SEL_ptl", "CE_ful"], 10**9, reps=50, seed=0)
    # No label is near the kink p = p^2 / |p|^2, so that the approach is of order S / n = 1e-7.
    assert abs(frame.loc[0, "mean"] - limit) <= 4 * frame.loc[0, "mcse"] + 1e-6
    assert frame.loc[1:, "mean"].tolist() == [0, 0]


@pytest.mark.parametrize("n", [10**9, 10**12, 10**17])
def test_ce_sgl_tends_to_its_normal_limit(n: int) -> None:
    # Oracle: limit, sqrt(n) E R -> sum_s sqrt(rho) sum_a sqrt(p (1 - p) / (2 pi)); the next term is 1e-4 of it or less
    problem = dirichlet_problem(3, 4, seed=3, alpha=3.0)
    limit = (np.sqrt(problem.rho)[:, None] * np.sqrt(problem.teacher * (1 - problem.teacher) / (2 * math.pi))).sum()
    row = simulate(problem, "CE_sgl", n, reps=3000, seed=1).iloc[0]
    assert abs(row["mean"] * math.sqrt(n) - limit) <= 4 * row["mcse"] * math.sqrt(n) + 1e-4 * limit


@pytest.mark.parametrize("n", [10**12, 2**53 + 1, 10**17])
def test_nothing_overflows_at_large_n(n: int) -> None:
    # Oracle: limit, all labels are seen: SEL_ptl and CE_ful are exact, CE_sgl is off by 1 / sqrt(n), CE_ptl biased
    problem = dirichlet_problem(3, 4, seed=3, alpha=3.0)
    square = problem.teacher**2 / (problem.teacher**2).sum(axis=1, keepdims=True)
    risks = sample_risks(problem, ALL, n, reps=200, seed=1)
    assert (risks[:, 2:] == 0).all()
    np.testing.assert_allclose(risks[:, 1], tv_risk(square, problem), rtol=1e-4)
    assert ((risks[:, 0] > 0.01 / math.sqrt(n)) & (risks[:, 0] < 10 / math.sqrt(n))).all()


# --- Reproducibility ------------------------------------------------------------------------------------

PROBLEM = dirichlet_problem(4, 6, seed=1, rho_alpha=1.0)


def bytes_of(frame: pd.DataFrame) -> str:
    """Every column but the time it took, floats to the last bit."""
    return frame.drop(columns="seconds").map(lambda x: x.hex() if isinstance(x, float) else x).to_csv()


@pytest.mark.parametrize("precision", [{"reps": 20_000}, {"reps": 300, "target_mcse": 5e-4}], ids=["reps", "target"])
def test_same_bytes_for_any_number_of_threads(precision: dict[str, Any]) -> None:
    # Oracle: identity, blocks have streams of their own and are merged in order
    runs = {bytes_of(simulate(PROBLEM, ALL, [5, 70, 10**4], seed=3, workers=w, **precision)) for w in (1, 2, 3, 8)}
    runs.add(bytes_of(simulate(PROBLEM, ALL, [5, 70, 10**4], seed=3, **precision)))
    assert len(runs) == 1
    assert len(list(Cell(PROBLEM, 70).blocks(20_000))) > 3


def test_same_samples_for_any_number_of_threads() -> None:
    # Oracle: identity
    runs = [sample_risks(PROBLEM, ALL, 70, reps=9000, seed=3, workers=w) for w in (1, 2, 3, 8)]
    assert all(run.tobytes() == runs[0].tobytes() for run in runs)


@pytest.mark.parametrize("n", [0, 5, 70, 10**4])
def test_more_repeats_change_no_earlier_one(n: int) -> None:
    # Oracle: identity, across blocks of at most 4096 repeats
    long = sample_risks(PROBLEM, ALL, n, reps=10_000, seed=3)
    for reps in (1, 17, 4096, 4097, 9999):
        np.testing.assert_array_equal(sample_risks(PROBLEM, ALL, n, reps=reps, seed=3), long[:reps])


def test_learners_see_common_draws_and_adding_one_changes_none() -> None:
    # Oracle: identity, columns of one call equal calls alone
    together = sample_risks(PROBLEM, ALL, 20, reps=5000, seed=3)
    frame = simulate(PROBLEM, ALL, 20, reps=5000, seed=3)
    for j, name in enumerate(ALL):
        np.testing.assert_array_equal(sample_risks(PROBLEM, name, 20, reps=5000, seed=3)[:, 0], together[:, j])
        assert bytes_of(simulate(PROBLEM, name, 20, reps=5000, seed=3)) == bytes_of(
            frame.iloc[[j]].reset_index(drop=True)
        )
    backwards = simulate(PROBLEM, ALL[::-1], 20, reps=5000, seed=3)
    assert bytes_of(backwards) == bytes_of(frame.iloc[::-1].reset_index(drop=True))


def test_adding_sample_sizes_changes_none() -> None:
    # Oracle: identity, a cell's stream hangs on the cell alone
    grid = simulate(PROBLEM, ALL, [3, 20, 500], reps=500, seed=3)
    for n in (3, 20, 500):
        alone = simulate(PROBLEM, ALL, n, reps=500, seed=3)
        assert bytes_of(grid[grid["n"] == n].reset_index(drop=True)) == bytes_of(alone)
    family = simulate(lambda n: instance(1, 2, 4, n), "CE_sgl", [20, 500], reps=500, seed=3)
    alone = simulate(instance(1, 2, 4, 500), "CE_sgl", 500, reps=500, seed=3)
    assert bytes_of(family.iloc[[1]].reset_index(drop=True)) == bytes_of(alone)


def test_seeds_and_cells_have_draws_of_their_own() -> None:
    # Oracle: identity; correlation of 4000 independent pairs is N(0, 1/4000)
    base = sample_risks(PROBLEM, "CE_sgl", 50, reps=4000, seed=3)[:, 0]
    neighbour = Problem(PROBLEM.rho, PROBLEM.teacher[:, ::-1])
    others = [
        sample_risks(PROBLEM, "CE_sgl", 50, reps=4000, seed=4)[:, 0],
        sample_risks(PROBLEM, "CE_sgl", 51, reps=4000, seed=3)[:, 0],
        sample_risks(neighbour, "CE_sgl", 50, reps=4000, seed=3)[:, 0],
        sample_risks(PROBLEM, "CE_sgl", 50, reps=4000, seed=2**63 - 1)[:, 0],
    ]
    for other in others:
        assert abs(np.corrcoef(base, other)[0, 1]) * math.sqrt(4000) <= 4
    common = sample_risks(PROBLEM, "CE_ful", 50, reps=4000, seed=3)[:, 0]
    assert abs(np.corrcoef(base, common)[0, 1]) * math.sqrt(4000) > 4


def test_blocks_have_draws_of_their_own() -> None:
    # Oracle: identity, no block repeats another
    cell = Cell(PROBLEM, 50)
    size = cell.block_size
    risks = sample_risks(PROBLEM, "CE_sgl", 50, reps=3 * size, seed=3)[:, 0].reshape(3, size)
    assert len({block.tobytes() for block in risks}) == 3


@pytest.mark.parametrize("sparse", [False, True])
def test_a_cell_at_another_n_is_a_new_one(sparse: bool) -> None:
    # Oracle: identity, the cell made anew; controls and all that it names itself and its blocks by
    problem = PROBLEM
    if sparse:
        cells = np.indices(PROBLEM.teacher.shape).reshape(2, -1)
        problem = Problem.from_cells(PROBLEM.rho, *cells, PROBLEM.teacher.ravel(), A=PROBLEM.A)
    first = Cell(problem, 3)
    learners = [LEARNERS[name] for name in ("CE_sgl", "SEL_ptl")]
    first.risks(learners, 1, RUN, 0, 2, controls=True)
    for n in (70, 0, 10**4, 3):
        again, new = first.at(n), Cell(problem, n)
        assert (again.n, again.identity, again.block_size, again.batch_size) == (
            new.n, new.identity, new.block_size, new.batch_size,
        )  # fmt: skip
        drawn = [cell.risks(learners, 1, RUN, 2, 5, controls=True) for cell in (again, new)]
        assert drawn[0].tobytes() == drawn[1].tobytes()


def test_init_changes_no_draw() -> None:
    # Oracle: identity, CE_sgl and init meet on unvisited inputs only, and at n = 1000 there are none
    init = np.full((4, 6), 1 / 6)
    init[:, 0] += 0.1
    init[:, 1] -= 0.1
    one_input = Problem([1.0], PROBLEM.teacher[:1])
    np.testing.assert_array_equal(
        sample_risks(one_input, "CE_sgl", 1000, reps=100),
        sample_risks(one_input, "CE_sgl", 1000, reps=100, init=init[:1]),
    )


@pytest.mark.parametrize("n", [4, 100, 5000])
def test_simulate_is_the_mean_of_the_samples(n: int) -> None:
    # Oracle: second algorithm, correctly rounded sums of the samples themselves
    frame = simulate(PROBLEM, ALL, n, reps=10_000, seed=5)
    risks = sample_risks(PROBLEM, ALL, n, reps=10_000, seed=5)
    np.testing.assert_allclose(frame["mean"], [math.fsum(column) / 10_000 for column in risks.T], rtol=1e-14)
    np.testing.assert_allclose(frame["mcse"], risks.std(axis=0, ddof=1) / 100, rtol=1e-12)
    assert frame["nonzero"].tolist() == (risks != 0).sum(axis=0).tolist()


def test_merged_moments_equal_a_single_pass() -> None:
    # Oracle: second algorithm, numpy over all values at once
    rng = np.random.default_rng(0)
    values = rng.random((1000, 3)) * [1, 1e-8, 0] + [0, 0.5, 0.25]
    for cuts in ([1], [999], [1, 2, 3], [10, 500, 501], list(range(1, 1000))):
        parts = [Moments.of("abc", part) for part in np.split(values, cuts)]
        total = parts[0]
        for part in parts[1:]:
            total = total.merge(part)
        assert (total.reps, total.nonzero.tolist()) == (1000, [1000] * 3)
        np.testing.assert_allclose(total.mean, values.mean(axis=0), rtol=1e-14)
        # The second column's variance is 1e-17 of its square: merging means loses eight digits of it at most.
        np.testing.assert_allclose(total.variance, values.var(axis=0, ddof=1), rtol=1e-7, atol=1e-32)


def test_one_repeat_has_no_standard_error() -> None:
    # Oracle: identity
    row = simulate(PROBLEM, "CE_sgl", 10, reps=1).iloc[0]
    assert math.isnan(row["mcse"])
    assert 0 < row["mean"] < 1


def test_receipts() -> None:
    # Oracle: identity
    frame = simulate(PROBLEM, ["SEL_ptl", "CE_sgl"], [7, 3], reps=10, seed=9)
    assert frame["n"].tolist() == [7, 7, 3, 3]
    assert frame["learner"].tolist() == ["SEL_ptl", "CE_sgl"] * 2
    assert frame["protocol"].tolist() == ["partial", "hard"] * 2
    assert set(frame["seed"]) == {9}
    assert set(frame["reps"]) == {10}
    assert frame["cell"].nunique() == 2
    assert (frame["seconds"] > 0).all()


# --- A standard error to aim at -------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "relative"), [(2e-3, False), (0.01, True)])
def test_target_is_planned_by_a_pilot_and_met(target: float, relative: bool) -> None:
    # Oracle: identity, R repeats planned are the first R of any run; the margin is 10 %
    names = ["CE_sgl", "SEL_ptl"]
    frame = simulate(PROBLEM, names, 20, reps=100, seed=2, target_mcse=target, relative=relative)
    reps = int(frame["reps"][0])
    assert 100 < reps < 1_000_000
    assert bytes_of(frame) == bytes_of(simulate(PROBLEM, names, 20, reps=reps, seed=2))
    assert (frame["mcse"] <= target * (frame["mean"] if relative else 1)).all()
    # No learner is left far more precise than asked for: the worst is near the target.
    assert (frame["mcse"] / (frame["mean"] if relative else 1)).max() > 0.8 * target


def test_target_met_by_the_pilot_size_costs_no_more() -> None:
    # Oracle: identity, reps is the least number of a run
    assert simulate(PROBLEM, "CE_sgl", 20, reps=500, target_mcse=1.0)["reps"].tolist() == [500]


def test_cap_is_kept_and_warned_about() -> None:
    # Oracle: identity
    with pytest.warns(UserWarning, match=r"n=20: stopped at the cap of 2000 repeats"):
        frame = simulate(PROBLEM, ["CE_sgl", "CE_ful"], 20, reps=100, seed=2, target_mcse=1e-6, max_reps=2000)
    assert set(frame["reps"]) == {2000}
    assert bytes_of(frame) == bytes_of(simulate(PROBLEM, ["CE_sgl", "CE_ful"], 20, reps=2000, seed=2))


def test_pilot_of_zeros() -> None:
    # Oracle: enumeration by hand, the rule of three: 1.1 (3 / 50) / 0.01^2 = 660 repeats
    sure = Problem([1.0], [[0.5, 0.5]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = simulate(sure, "CE_ful", 5, reps=50, target_mcse=0.01)
        assert frame["reps"].tolist() == [660]
        assert frame["mean"].tolist() == [0]
        assert simulate(sure, ["CE_ful"], 5, reps=50, target_mcse=0.1, relative=True)["reps"].tolist() == [50]


@pytest.mark.parametrize("seeds", [range(5), pytest.param(range(5, 20), marks=pytest.mark.slow)])
def test_rare_risks_are_not_taken_for_zeros(seeds: range) -> None:
    # Oracle: identity, an error aimed at is met or a warning says that it may not be, whatever the pilot saw. More than
    # half of all pilots see a risk of 0 only; of the first five seeds some do and some do not.
    nothing = [(sample_risks(instance(0, 30, 3), "CE_ful", 250, 100, seed) == 0).all() for seed in seeds]
    assert any(nothing)
    assert not all(nothing)
    for seed in seeds:
        frame = simulate(instance(0, 30, 3), "CE_ful", 250, reps=100, target_mcse=2e-4, seed=seed)
        assert frame["mcse"].item() <= 2e-4


def test_a_constant_risk_meets_its_target_without_a_warning() -> None:
    # Oracle: identity, no data, no variance: mcse is 0 after the pilot's number of repeats, cap or not
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(Problem([1.0], [[0.9, 0.1]]), "CE_sgl", 0, reps=50, target_mcse=0.01, max_reps=50)


def test_cap_warning_points_at_the_caller() -> None:
    # Oracle: identity, a warning that shows the package's own line helps nobody
    with pytest.warns(UserWarning, match="cap") as caught:
        simulate(PROBLEM, "CE_sgl", 20, reps=10, target_mcse=1e-9, max_reps=20)
    assert caught[0].filename == __file__


#: A skewed risk: an input that 1 in 8 samples of size 20 misses, and nothing to pay elsewhere.
SKEWED, SAMPLES, TARGET, RUNS = Problem([0.9, 0.1], [[0.5, 0.5], [1.0, 0.0]]), 20, 2e-3, 700


def z_of_runs(means: list[float]) -> float:
    exact = oracles.exact_ce_ful(SKEWED.rho, SKEWED.teacher, SAMPLES)
    return float((np.mean(means) - exact) / (np.std(means, ddof=1) / math.sqrt(len(means))))


def test_a_planned_number_of_repeats_leaves_the_mean_unbiased() -> None:
    # Oracle: identity, closed form of CE_ful; 700 runs, each with a pilot of 20 that often sees nothing
    runs = [simulate(SKEWED, "CE_ful", SAMPLES, reps=20, seed=s, target_mcse=TARGET, workers=1) for s in range(RUNS)]
    assert len({int(run["reps"][0]) for run in runs}) > 3
    assert abs(z_of_runs([float(run["mean"][0]) for run in runs])) <= 4


def test_stopping_on_the_reported_mean_is_biased_and_caught() -> None:
    # Oracle: identity, planted: repeats are added until their own standard error is below the target
    means = []
    for seed in range(RUNS):
        risks = sample_risks(SKEWED, "CE_ful", SAMPLES, reps=400, seed=seed, workers=1)[:, 0]
        m = np.arange(1, 401)
        mean = np.cumsum(risks) / m
        variance = np.maximum(np.cumsum(risks**2) - m * mean**2, 0) / np.maximum(m - 1, 1)
        stop = np.flatnonzero((np.sqrt(variance / m) < TARGET) & (m >= 20))
        means.append(float(mean[stop[0] if stop.size else -1]))
    assert z_of_runs(means) < -4


def test_plan_takes_the_most_demanding_learner() -> None:
    # Oracle: enumeration, R = 1.1 variance / target^2 by hand
    pilot = Moments(("a", "b"), 11, np.array([0.5, 0.25]), np.array([0.1, 0.4]), np.array([11, 11]), np.array([0, 0]))
    assert Precision(11, 0.01).wanted(pilot) == pytest.approx(440, rel=1e-14, abs=0)
    assert Precision(11, 0.02, relative=True).wanted(pilot) == pytest.approx(1760, rel=1e-14, abs=0)
    assert Precision(11, 1.0).wanted(pilot) == 11
    easy = Moments(("a",), 11, np.array([0.5]), np.array([0.1]), np.array([11]), np.array([0]))
    assert Precision(11, 0.01).wanted(easy) == pytest.approx(110, rel=1e-14, abs=0)
    silent = Moments(("a",), 11, np.array([0.0]), np.array([0.0]), np.array([0]), np.array([0]))
    assert Precision(11, 0.01).wanted(silent) == pytest.approx(1.1 * 3 / 11 / 1e-4, rel=1e-14, abs=0)
    assert Precision(11, 0.01, relative=True).wanted(silent) == 11


# --- The front door -------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["draw", "sample_risks", "simulate", "Problem"])
def test_names_of_the_package_are_what_they_say(first: str) -> None:
    # Oracle: identity; importing a module of the package must not put it in the place of the function
    code = f"import kt_theory as kt; kt.{first}; assert callable(kt.simulate), kt.simulate; assert callable(kt.draw)"
    subprocess.run([sys.executable, "-c", code], check=True)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: simulate(PROBLEM, "MLE", 10), r"^learners is 'MLE': it must be one of CE_sgl"),
    (lambda: simulate(PROBLEM, ["CE_sgl", "ce_ful"], 10), r"^learners is 'ce_ful'"),
    (lambda: simulate(PROBLEM, [], 10), r"^learners is empty"),
    (lambda: simulate(PROBLEM, "CE_sgl", -1), r"^n\[?0?\]? is -1"),
    (lambda: simulate(PROBLEM, "CE_sgl", [10, 0.5]), r"^n\[1\] is 0\.5"),
    (lambda: simulate(PROBLEM, "CE_sgl", []), r"^n is empty"),
    (lambda: simulate(PROBLEM, "CE_sgl", [[1, 2]]), r"^n must be a number or a list of numbers, got shape \(1, 2\)"),
    (lambda: simulate(PROBLEM, "CE_sgl", "many"), r"^n is 'many'"),
    (lambda: simulate(PROBLEM, "CE_sgl", True), r"^n is True"),
    (lambda: simulate(PROBLEM, "CE_sgl", math.nan), r"^n is nan"),
    (lambda: simulate(PROBLEM, "CE_sgl", 2**63), r"^n is 9223372036854775808: it exceeds"),
    (lambda: simulate(PROBLEM, "CE_sgl", 2.0**63), r"^n is 9223372036854775808: it exceeds"),
    (lambda: simulate(PROBLEM, "CE_sgl", np.uint64(2**63)), r"^n is 9223372036854775808: it exceeds"),
    (lambda: simulate(PROBLEM, "CE_sgl", [1, 10**30]), r"^n\[1\] is 1" + "0" * 30),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, reps=0), r"^reps is 0: it must be at least 1"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, reps=10.5), r"^reps is 10\.5"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, seed=-1), r"^seed is -1"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, seed=None), r"^seed is None"),  # type: ignore[arg-type]
    (lambda: simulate(PROBLEM, "CE_sgl", 10, workers=0), r"^workers is 0"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, init=np.full((4, 6), 0.2)), r"^init\[0\] sums to 1\.2"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, init=np.full((6, 4), 0.25)), r"^init has shape \(6, 4\), \(4, 6\)"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, target_mcse=0), r"^target_mcse is 0\.0"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, target_mcse=math.nan), r"^target_mcse is nan"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, reps=1, target_mcse=0.1), r"^reps is 1: a pilot .* at least 2"),
    (lambda: simulate(PROBLEM, "CE_sgl", 10, target_mcse=0.1, max_reps=5), r"^max_reps is 5: .* at least reps, 1000"),
    (lambda: simulate(lambda n: instance(1, 10, 10, n), "CE_sgl", 3), r"^n is 3: instance 1 .* needs n >= 7"),
    (lambda: sample_risks(PROBLEM, "MLE", 10), r"^learners is 'MLE'"),
    (lambda: sample_risks(PROBLEM, "CE_sgl", 2**63), r"^n is 9223372036854775808"),
    (lambda: sample_risks(PROBLEM, "CE_sgl", 10**17 + 1), r"^n is 100000000000000001: at most 1e\+17 samples"),
    (lambda: sample_risks(lambda n: PROBLEM, "CE_sgl", 1), r"^problem is a function: a Problem is needed"),
    (lambda: simulate(PROBLEM, "CE_sgl", 1, reps=10**15), r"^reps is 1000000000000000: at most 1000000000"),
    (lambda: simulate(PROBLEM, 3, 1), r"^learners is 3: it must be a name, a Learner, or a list"),
    (lambda: simulate("PROBLEM", "CE_sgl", 1), r"^problem is 'PROBLEM': it must be a Problem, or a function of n"),
    (lambda: simulate(PROBLEM, None, 1), r"^learners is None: it must be a name"),
    (lambda: sample_risks(PROBLEM, "CE_sgl", 10, reps=-5), r"^reps is -5"),
    (lambda: draw(PROBLEM, "none", 10), r"^protocol is 'none'"),
    (lambda: draw(PROBLEM, "hard", 1.5), r"^n is 1\.5"),
    (lambda: draw(PROBLEM, "hard", 10, seed=-3), r"^seed is -3"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# --- Defaults and caps ----------------------------------------------------------------------------------


def test_defaults_are_those_of_the_docstrings() -> None:
    # Oracle: identity, a default asked for by name gives the same bytes, and another one does not
    assert draw(PROBLEM, "hard", 10).counts.tolist() == draw(PROBLEM, "hard", 10, seed=0).counts.tolist()
    assert draw(PROBLEM, "hard", 10).counts.tolist() != draw(PROBLEM, "hard", 10, seed=1).counts.tolist()
    assert bytes_of(simulate(PROBLEM, ALL, 5)) == bytes_of(simulate(PROBLEM, ALL, 5, reps=1000, seed=0))
    risks = sample_risks(PROBLEM, ALL, 5)
    assert risks.tobytes() == sample_risks(PROBLEM, ALL, 5, reps=1000, seed=0).tobytes()
    assert Precision() == Precision(1000, None, False, 1_000_000)


def test_a_pilot_needs_two_repeats() -> None:
    # Oracle: identity, a variance is estimated from two repeats, not from one
    assert Precision(reps=2, target_mcse=0.1).reps == 2
    with pytest.raises(ValueError, match=r"^reps is 1: a pilot"):
        Precision(reps=1, target_mcse=0.1)


@pytest.mark.parametrize("target", [1e-300, 1e-170, 1e200, 5e-324, 1.7e308])
@pytest.mark.parametrize("relative", [False, True])
def test_any_positive_target_runs_to_the_cap_or_to_the_pilot(target: float, relative: bool) -> None:
    # Oracle: limit, no number of repeats meets a tiny target, and the pilot's own meets a huge one
    pilot = Moments(("a", "b"), 11, np.array([0.5, 0.0]), np.array([0.1, 0.0]), np.array([11, 0]), np.array([0, 0]))
    wanted = Precision(11, target, relative).wanted(pilot)
    assert wanted == (math.inf if target < 1 else 11)
    certain = Moments(("a",), 11, np.array([0.5]), np.array([0.0]), np.array([11]), np.array([0]))
    assert Precision(11, target, relative).wanted(certain) == 11
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        frame = simulate(PROBLEM, "CE_sgl", 10, 5, target_mcse=target, relative=relative, max_reps=50)
    assert frame["reps"].item() == (50 if target < 1 else 5)
    assert len(told) == (target < 1)


@pytest.mark.parametrize("name", ["reps", "max_reps"])
def test_repeats_are_capped_before_work(name: str) -> None:
    # Oracle: identity, 10**9 is the most, and is accepted without drawing anything
    assert getattr(Precision(**{name: 10**9}), name) == 10**9
    with pytest.raises(ValueError, match=rf"^{name} is 1000000001: at most 1000000000"):
        Precision(**{name: 10**9 + 1})


def test_samples_and_threads_are_capped_before_work() -> None:
    # Oracle: identity
    with pytest.raises(ValueError, match=r"^reps is 10000000000000: at most 1e\+08 risks"):
        sample_risks(PROBLEM, "CE_sgl", 10, 10**13)
    with pytest.raises(ValueError, match=r"^workers is 1025: at most 1024 threads"):
        simulate(PROBLEM, "CE_sgl", 10, 5, workers=1025)


def test_as_many_risks_as_the_limit_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: definition, the limit from both sides
    monkeypatch.setattr(means, "RISKS_MAX", 6)
    learners = ["CE_sgl", "CE_ful"]
    assert sample_risks(PROBLEM, learners, 10, 3).shape == (3, 2)
    with pytest.raises(ValueError, match=r"^reps is 4: at most 6e\+00 risks, repeats times learners"):
        sample_risks(PROBLEM, learners, 10, 4)


def test_tasks_are_handed_out_a_thousand_at_a_time_and_come_back_in_order() -> None:
    # Oracle: identity, no task is taken before there is a place for it: endless tasks cost no memory
    taken: list[int] = []

    def tasks() -> Any:
        for i in itertools.count():
            taken.append(i)
            yield i

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda i: -i, tasks())
        assert [next(results) for _ in range(50)] == [-i for i in range(50)]
        results.close()
    assert len(taken) <= AHEAD + 50


# --- Sizes, moments and limits, number by number ------------------------------------------------------------


@pytest.mark.parametrize(
    ("S", "A", "n", "block", "batch"),
    [
        # cost = min(n, 16 S A) + 4 S A; block = 2^20 / cost, from 16 to 4096; batch = block times 2^28 / (cost block)
        (2, 3, 3, 4096, 4096 * (2**28 // (256 * 4096))),
        (10, 10, 50, 2330, 2330 * (2**28 // (450 * 2330))),
        (10, 10, 10**6, 524, 524 * (2**28 // (2000 * 524))),
        (100, 25, 2499, 83, 83 * (2**28 // (12_499 * 83))),
        (100, 100, 10**17, 16, 16 * (2**28 // (200_000 * 16))),
    ],
)
def test_blocks_and_batches_take_as_long_as_is_said(S, A, n, block, batch):
    # Oracle: definition, by hand; streams are numbered by blocks, so that other sizes would be other draws
    cell = Cell(instance(0, S, A), n)
    assert (cell.block_size, cell.batch_size) == (block, batch)
    assert list(cell.blocks(2 * block + 1)) == [(0, block), (1, block), (2, 1)]
    assert list(cell.blocks(block)) == [(0, block)]
    assert cell.batches(batch + 2) == [(0, batch), (1, 2)]


def test_moments_of_risks_that_are_infinite_or_nothing():
    # Oracle: second algorithm, NumPy's moments of all repeats of finite risk
    values = np.array([[0.5, np.inf, 0.0], [0.25, np.inf, 0.0], [0.0, 1.0, 0.0], [1.5, 2.0, 0.0], [0.75, np.inf, 0.0]])
    for cut in (1, 2, 4):
        both = Moments.of("abc", values[:cut]).merge(Moments.of("abc", values[cut:]))
        assert (both.learners, both.reps) == (("a", "b", "c"), 5)
        assert (both.finite.tolist(), both.infinite.tolist()) == ([5, 2, 5], [0, 3, 0])
        assert both.nonzero.tolist() == [4, 5, 0]
        np.testing.assert_allclose(both.mean, [0.6, 1.5, 0.0], rtol=1e-15)
        np.testing.assert_allclose(both.squares, [np.var(values[:, 0]) * 5, 0.5, 0.0], rtol=1e-14)
        np.testing.assert_allclose(both.expected, [0.6, np.inf, 0.0], rtol=1e-15)
        np.testing.assert_allclose(both.variance, [np.var(values[:, 0], ddof=1), np.inf, 0.0], rtol=1e-14)
        np.testing.assert_allclose(both.mcse, [np.std(values[:, 0], ddof=1) / math.sqrt(5), np.inf, 0.0], rtol=1e-14)
    some = both.at([2, 0])
    assert (some.learners, some.mean.tolist()) == (("c", "a"), [both.mean[2], both.mean[0]])
    assert (some.nonzero.tolist(), some.infinite.tolist(), some.reps) == ([0, 4], [0, 0], 5)
    beside = some.beside(both.at([1]))
    assert (beside.learners, beside.infinite.tolist(), beside.reps) == (("c", "a", "b"), [0, 0, 3], 5)
    assert beside.squares.tolist() == [both.squares[i] for i in (2, 0, 1)]
    one = Moments.of("a", values[:1, :1])
    assert np.isnan(one.variance).all()
    assert one.squares.tolist() == [0.0]


def test_the_limits_of_a_precision():
    # Oracle: definition, the defaults of the page, and each limit from both sides
    plain = Precision()
    assert (plain.reps, plain.target_mcse, plain.relative, plain.max_reps) == (1000, None, False, 1_000_000)
    assert Precision(reps=10**9, max_reps=10**9).reps == 10**9
    assert Precision(reps=1).reps == 1
    assert Precision(reps=2, target_mcse=0.1, max_reps=2).max_reps == 2
    for given, words in (
        ({"reps": 10**9 + 1}, "reps is 1000000001: at most 1000000000 can be run"),
        ({"max_reps": 10**9 + 1}, "max_reps is 1000000001"),
        ({"reps": 0}, "reps"),
        ({"relative": 2}, "relative"),
        ({"target_mcse": 0.0}, "target_mcse"),
        ({"reps": 1, "target_mcse": 0.1}, "reps is 1: a pilot"),
        ({"reps": 3, "target_mcse": 0.1, "max_reps": 2}, "max_reps is 2: it must be at least reps, 3"),
    ):
        with pytest.raises(ValueError, match=words):
            Precision(**given)
    pilot = Moments(("a", "b"), 11, np.array([0.0, 1.0]), np.zeros(2), np.array([0, 11]), np.array([0, 2]))
    assert Precision(11, 0.1).wanted(pilot, upper=2.0) == pytest.approx(1.1 * 4 * 3 / 11 / 0.01, rel=1e-13, abs=0)
    assert Precision(11, 0.1, True).wanted(pilot) == 11


def test_revisions_that_draw_the_same():
    # Oracle: definition, up to 16 draws a cell both revisions draw one by one
    cell = Cell(instance(0, 2, 3), 96)
    more = Cell(instance(0, 2, 3), 97)
    assert [cell.drawn_alike(*pair) for pair in ((1, 2), (2, 1), (2, 2), (2, 3))] == [True, True, True, False]
    assert [more.drawn_alike(*pair) for pair in ((1, 2), (2, 2), (3, 3))] == [False, True, True]
