"""Receipts held against the theory: what holds is said to hold, and what is broken is seen."""

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import bounds, claims


@pytest.fixture(scope="module")
def hard():
    """Receipts of instances 1, 2 and 3, each with its claims."""
    panels = [
        kt.study.Panel(f"instance {k}", lambda n, k=k: kt.instance(k, 10, 11, n), [1000, 10**4, 10**5, 10**6])
        for k in (1, 2, 3)
    ]
    return kt.study.run(panels, reps=400), {f"instance {k}": claims.INSTANCE_CLAIMS[k] for k in (1, 2, 3)}


def test_the_bounds_hold_on_the_hard_instances(hard):
    board = claims.scoreboard(*hard)
    assert len(board) == 12
    assert board["held"].all()
    own = board[board["theory"].notna()].set_index("learner")
    assert set(own.index) == {"CE_sgl", "SEL_ptl", "CE_ful"}
    assert (own["checked"] == 8).all()
    assert ((own["slope"] - own["theory"]).abs() < 0.03).all()
    assert (own["above_lower"] >= 1).all()
    assert (own["below_upper"] <= 1).all()


def test_a_lower_bound_binds_the_students_of_its_protocol_only(hard):
    board = claims.scoreboard(*hard).set_index(["panel", "learner"])["above_lower"]
    assert board["instance 1"].notna().to_dict() == {"CE_sgl": True, "CE_ptl": False, "SEL_ptl": False, "CE_ful": False}
    assert board["instance 2"].notna().to_dict() == {"CE_sgl": True, "CE_ptl": True, "SEL_ptl": True, "CE_ful": False}
    assert board["instance 3"].notna().all()


@pytest.mark.parametrize("factor", [0.05, 0.3])
def test_a_wrong_upper_bound_is_broken(hard, monkeypatch, factor):
    wrong = {**claims.UPPER, "SEL_ptl": lambda n, S, A: factor * 0.15 * bounds.partial_upper_mean(S=S, A=A, n=n)}
    monkeypatch.setattr(claims, "UPPER", wrong)
    board = claims.scoreboard(*hard).set_index(["panel", "learner"])["held"]
    assert not board["instance 2", "SEL_ptl"]
    assert board["instance 2", "CE_ful"]


def test_a_wrong_lower_bound_is_broken(hard, monkeypatch):
    monkeypatch.setattr(
        claims, "LOWER", {**claims.LOWER, "soft": lambda n, S, A: 2.5 * bounds.soft_lower_mean(S=S, A=A, n=n)}
    )
    assert not claims.scoreboard(*hard).set_index(["panel", "learner"]).loc[("instance 3", "CE_ful"), "held"]


def test_a_bound_outside_its_regime_is_not_checked():
    n = [1, 2, 4]
    receipts = kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 8), n, ["CE_sgl"])], reps=50)
    inside = ~np.isnan(bounds.hard_upper_mean(S=2, A=8, n=n))
    assert claims.scoreboard(receipts, {})["checked"].item() == inside.sum()
    lowered = claims.scoreboard(receipts, {"p": claims.Claims(lower="hard")})
    assert lowered["checked"].item() == inside.sum() + (~np.isnan(bounds.hard_lower_mean(S=2, A=8, n=n))).sum()


def test_a_risk_of_zero_is_not_fitted():
    receipts = kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 2), [10**4, 10**5, 10**6])], reps=20)
    board = claims.scoreboard(receipts, {}).set_index("learner")
    assert board.loc["CE_ful", "points"] == 0
    assert np.isnan(board.loc["CE_ful", "slope"])
    assert board.loc["CE_sgl", "points"] == 3


def test_one_repeat_has_no_error_and_breaks_nothing():
    receipts = kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 8), [10, 100])], reps=1)
    assert receipts["mcse"].isna().all()
    assert claims.scoreboard(receipts, {})["held"].all()


def test_claims_of_an_unknown_panel_are_refused(hard):
    with pytest.raises(ValueError, match="claims names panel 'elsewhere'"):
        claims.scoreboard(hard[0], {"elsewhere": claims.Claims()})


def test_the_table_for_people(hard):
    text = claims.as_text(claims.scoreboard(*hard))
    assert len({line.index("  ") for line in text.splitlines()[:1]}) == 1
    assert "BROKEN" not in text
    broken = claims.scoreboard(*hard).assign(held=False)
    assert "BROKEN" in claims.as_text(broken)
    assert "nan" not in text


def test_a_learner_without_a_bound_is_not_said_to_be_within_one():
    # Oracle: definition, no bound of the scoreboard is about ADD_sgl; CE_sgl has one, which held
    receipts = kt.study.run([kt.study.Panel("p", kt.instance(0, 2, 8), [200], ["ADD_sgl", "CE_sgl"])], reps=50)
    board = claims.scoreboard(receipts, {})
    assert board["checked"].tolist() == [0, 1]
    ends = [line.rpartition("  ")[2] for line in claims.as_text(board).splitlines()[1:]]
    assert ends == ["no bound", "held"]


def test_receipts_can_come_from_a_file(hard, tmp_path):
    path = kt.study.write_receipts(hard[0], tmp_path / "r.csv")
    back = claims.scoreboard(pd.read_csv(path, dtype=str).astype(hard[0].dtypes.drop("seconds")), hard[1])
    pd.testing.assert_frame_equal(back, claims.scoreboard(*hard), check_exact=True)


def test_rounding_noise_is_no_evidence_about_a_risk_of_nothing():
    # Oracle: closed form, the bandit's SEL_ptl is exact once its heavy label was seen: a risk of 2^-n
    panel = kt.study.Panel("bandit", kt.instance(0, 1, 100), [5, 220], ["SEL_ptl"])
    drawn, exact = kt.study.run([panel], reps=2000), kt.study.exact([panel])
    assert drawn["mean"].tolist()[1] < 1e-15
    assert exact["mean"].tolist()[1] < 1e-60
    z = claims.z_scores(drawn, exact)
    assert len(z) == 1
    assert abs(z[0]) < 4


def test_slopes_stand_beside_the_papers() -> None:
    # Oracle: enumeration, by hand: one that agrees, one that is off, one with an exponent alone, a figure with none
    columns = ["panel", "learner", "theory", "published", "slope", "slope_se", "points", "resolved"]
    nan = float("nan")
    rows = [
        ("short", "CE_sgl", -0.5, -0.532, -0.5321, 0.0001, 8, False),
        ("off", "CE_ful", -1.0, -0.977, -0.95, 0.001, 8, False),
        ("long", "SEL_ptl", -1.0, nan, -0.9999, 0.0001, 9, True),
        ("drift", "SEL_ptl", -1.0, nan, -0.9, 0.001, 9, False),
        ("other", "CE_ptl", nan, nan, -0.1, 0.1, 9, False),
    ]
    lines = claims.beside_the_paper("figure", pd.DataFrame(rows, columns=columns))
    assert lines == [
        "figure: short, CE_sgl: the paper -0.532, ours -0.53210 +- 0.00010, agrees; not the exponent -0.5: the window "
        "is too short",
        "figure: off, CE_ful: the paper -0.977, ours -0.9500 +- 0.0010, off by 0.027, more than 4 errors and the "
        "paper's rounding; not the exponent -1: the window is too short",
        "figure: long, SEL_ptl: the paper prints none, ours -0.99990 +- 0.00010, agrees with the exponent -1",
        "figure: drift, SEL_ptl: the paper prints none, ours -0.9000 +- 0.0010, off the exponent -1 by 0.100: the "
        "slope still drifts over this window",
    ]
    (none,) = claims.beside_the_paper("figure", pd.DataFrame(rows[4:], columns=columns))
    assert none == "figure: the paper prints no slope of it, and its panels have no rate to compare"
