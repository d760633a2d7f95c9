"""The figures: the committed receipts are true, and the slopes are those of the exact curves."""

import runpy
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
import oracles

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "figures"
SCRIPT = runpy.run_path(str(ROOT / "simulations" / "figure2_rates.py"))


def exact_curve(problem, learner, grid):
    """Exact mean risks, for the learners that the oracles know; all rows of these teachers hold the same numbers."""
    risks = []
    for n in map(int, grid):
        at_n = problem(n)
        if learner == "CE_sgl":
            risks.append(oracles.exact_ce_sgl(at_n.rho, at_n.teacher, n))
        elif learner == "CE_ful":
            risks.append(oracles.exact_ce_ful(at_n.rho, at_n.teacher, n))
        else:
            values, multiplicities = oracles.label_classes(at_n.teacher[0])
            risks.append(oracles.exact_sel_ptl_classes(at_n.rho, values, multiplicities, n))
    return np.array(risks, dtype=np.float64)


@pytest.fixture(scope="module")
def full():
    return pd.read_csv(FIGURES / "figure2_rates.csv")


@pytest.mark.parametrize("setting", SCRIPT["SETTINGS"], ids=lambda s: f"instance {s[1]}, {s[0]}")
def test_slopes_are_those_of_the_exact_curves(full, setting):
    # Oracle: second algorithm, exact risks by closed forms and label classes, fitted with the same weights
    window, k, S, A, *_ = setting
    learner = SCRIPT["HARD_FOR"][k]
    rows = full[(full["panel"] == f"instance {k}, S={S}, A={A}, {window}") & (full["learner"] == learner)]
    grid = rows["n"].to_numpy()
    exact = exact_curve(partial(kt.instance, k, S, A), learner, grid)
    drawn = kt.fit_rate(grid, rows["mean"].to_numpy(), rows["mcse"].to_numpy())
    true = kt.fit_rate(grid, exact, rows["mcse"].to_numpy())
    assert abs(drawn.slope - true.slope) <= 4 * drawn.slope_se
    assert abs(drawn.slope - kt.fit_rate(grid, exact).slope) <= 0.02
    if window == "three decades":
        assert true.resolved
        assert abs(true.slope - kt.LEARNERS[learner].rate) <= 0.01


def test_published_slopes():
    # Oracle: published, the slopes that Z&Z report in figure 2, to the two digits that their grids allow
    upper_row = zip(SCRIPT["SETTINGS"][:3], (-0.532, -1.004, -0.977), strict=True)
    for (window, k, S, A, first, last, points), published in upper_row:
        grid = np.geomspace(first, last, points).round()
        exact = kt.fit_rate(grid, exact_curve(partial(kt.instance, k, S, A), SCRIPT["HARD_FOR"][k], grid))
        assert window == "paper's window"
        assert exact.slope == pytest.approx(published, abs=0.002)


@pytest.mark.parametrize("learner", ["CE_sgl", "SEL_ptl", "CE_ful"])
def test_committed_points_are_true(full, learner):
    # Oracle: second algorithm, exact risks by closed forms and label classes
    z = []
    for window, k, S, A, *_ in SCRIPT["SETTINGS"]:
        rows = full[(full["panel"] == f"instance {k}, S={S}, A={A}, {window}") & (full["learner"] == learner)]
        # An error estimated from fewer than 30 repeats of non-zero risk is no error to divide by.
        rows = rows[rows["nonzero"] >= 30]
        exact = exact_curve(partial(kt.instance, k, S, A), learner, rows["n"])
        z.extend((rows["mean"] - exact) / rows["mcse"])
    z = np.array(z)
    assert z.size >= 18
    assert np.abs(z).max() <= 4
    # The sum of squares of z.size standard normal numbers, within 4 of its standard deviations.
    assert abs((z**2).sum() - z.size) <= 4 * np.sqrt(2 * z.size)
    # Shown red: a mean that is off by 1 % is seen.
    assert np.abs(z + 0.01 * exact.mean() / rows["mcse"].median()).max() > 4


def test_committed_receipts_are_what_the_scripts_draw(full):
    # Oracle: identity; NumPy's versions may draw other multinomials, so the version in the receipts must be this one
    if set(full["numpy"]) != {np.__version__}:
        pytest.skip("the committed receipts were drawn with another NumPy")
    rows = full[(full["panel"] == "instance 3, S=10, A=10, paper's window") & (full["n"] == 1000)]
    seed = int(rows["seed"].iloc[0])
    again = kt.simulate(kt.instance(3, 10, 10, 1000), list(rows["learner"]), 1000, int(rows["reps"].iloc[0]), seed)
    np.testing.assert_array_equal(again["mean"], rows["mean"])
    np.testing.assert_array_equal(again["mcse"], rows["mcse"])
    assert again["cell"].tolist() == rows["cell"].tolist()


def test_figure1_panel_a_ends_where_the_paper_says():
    # Oracle: published and limit, CE_ptl tends to 0.445714 and is 0.44296 at n = 2500; CE_sgl is 0.33172 there
    rows = pd.read_csv(FIGURES / "figure1_classic.csv")
    last = rows[(rows["panel"] == "(a) S=100, A=25") & (rows["n"] == 2500)].set_index("learner")
    for learner, value in (("CE_sgl", 0.33172), ("CE_ptl", 0.44296)):
        assert abs(last.loc[learner, "mean"] - value) <= 4 * last.loc[learner, "mcse"] + 5e-6
    far = kt.simulate(kt.instance(0, 100, 25), "CE_ptl", 10**9, reps=100).iloc[0]
    assert far["mean"] == pytest.approx(0.445714, abs=5e-6)


def test_points_of_the_exact_curves_are_standard_normal_about_them():
    # Oracle: second algorithm, exact curves against simulated points, on 8 panels up to n = 10^9
    receipts, curves = pd.read_csv(FIGURES / "exact_curves.csv"), []
    instances = {panel: int(panel[9]) for panel in receipts["panel"]}
    for panel, rows in receipts.groupby("panel"):
        S, A = int(rows["S"].iloc[0]), int(rows["A"].iloc[0])
        grid = sorted(set(rows["n"]))
        curves.append(kt.study.Panel(panel, partial(kt.instance, instances[panel], S, A), grid))
    z = kt.claims.z_scores(receipts, kt.study.exact(curves))
    assert z.size >= 150
    assert np.abs(z).max() <= 4
    # Learners of one cell share their draws: the mean square is allowed the spread of a third as many numbers.
    assert abs(np.mean(z**2) - 1) <= 4 * np.sqrt(2 / (z.size / 3))


@pytest.mark.slow
def test_the_committed_figures_are_what_the_scripts_draw(tmp_path):
    # Oracle: identity, every byte of every receipt
    options = kt.study.Options(simulate=True, out=tmp_path, progress=False)
    for name in ("figure1_classic", "figure2_rates", "exact_curves", "real_teacher"):
        runpy.run_path(str(ROOT / "simulations" / f"{name}.py"))["main"](options)
        for file in (f"{name}.csv", f"{name}_exact.csv"):
            assert (tmp_path / file).read_bytes() == (FIGURES / file).read_bytes()
