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


# --- Each comparison at its limit -------------------------------------------------------------------------


def receipts_of(**columns):
    """Receipts of one learner at S = 2, A = 3, with these columns in the place of what is usual."""
    size = max(len(value) for value in columns.values())
    usual = {"panel": "p", "learner": "CE_sgl", "S": 2, "A": 3, "mcse": 0.0, "reps": 100, "nonzero": 100}
    return pd.DataFrame({**{name: [value] * size for name, value in usual.items()}, **columns})


def test_a_mean_may_lie_four_errors_beyond_a_bound():
    # Oracle: arithmetic: the bounds are 1/2, an error is 1/64, so that the limits are 9/16 and 7/16 without rounding
    rows = receipts_of(n=[10] * 4, mean=[0.5625, 0.5626, 0.4375, 0.4374], mcse=[1 / 64] * 4)

    def half(S, A, n):
        return 0.5

    below, above = claims._ratios(rows, half, sign=-1), claims._ratios(rows, half, sign=+1)
    assert below["held"].tolist() == [True, False, True, True]
    assert above["held"].tolist() == [True, True, True, False]
    assert below["ratio"].tolist() == pytest.approx([1.125, 1.1252, 0.875, 0.8748], rel=1e-14, abs=0)
    sure = receipts_of(n=[10] * 3, mean=[0.5, 0.5001, 0.4999])
    assert claims._ratios(sure, half, sign=-1)["held"].tolist() == [True, False, True]
    assert claims._ratios(sure, half, sign=+1)["held"].tolist() == [True, True, False]
    assert claims._ratios(rows, None, sign=-1).empty


def test_thirty_repeats_are_enough_and_an_exact_risk_has_none():
    # Oracle: definition; a lower bound asks for thirty repeats that are not 0 as well
    rows = receipts_of(n=[1, 2, 3, 4, 5], mean=[0.5] * 5, reps=[0, 1, 29, 30, 100], nonzero=[30, 30, 30, 30, 29])
    heard = []

    def bound(S, A, n):
        heard.append((S, A, n))
        return np.nan if n == 4 else 1.0

    assert claims._ratios(rows, bound, sign=-1).index.size == 2
    assert heard == [(2, 3, n) for n in range(1, 6)]
    assert claims._ratios(rows, lambda S, A, n: 1.0, sign=-1).index.size == 3
    assert claims._ratios(rows, lambda S, A, n: 1.0, sign=+1).index.size == 2
    assert claims._ratios(rows.drop(columns="nonzero"), lambda S, A, n: 1.0, sign=+1).index.size == 3


def test_a_lower_bound_is_claimed_from_its_first_n_on():
    # Oracle: definition, from n = 2 S A on, and for learners that are given no more
    claim = claims.INSTANCE_CLAIMS[3]
    bound = claim.lower_bound("SEL_ptl")
    assert np.isnan(bound(S=3, A=4, n=23))
    assert bound(S=3, A=4, n=24) == bounds.soft_lower_mean(S=3, A=4, n=24)
    assert np.isnan(bound(S=3, A=4, n=np.array([23, 24]))).tolist() == [True, False]
    assert claims.Claims(lower="hard").lower_bound("CE_sgl")(S=1, A=2, n=1) == bounds.hard_lower_mean(S=1, A=2, n=1)
    assert claims.Claims(lower="hard").lower_bound("CE_ful") is None
    assert claims.Claims(lower="hard").lower_bound("my own") is None
    assert claims.Claims().lower_bound("CE_sgl") is None
    with pytest.raises(ValueError, match="lower"):
        claims.Claims(lower="firm")
    slopes = {k: (claim.slopes, claim.lower, claim.lower_from) for k, claim in claims.INSTANCE_CLAIMS.items()}
    assert slopes == {
        1: ({"CE_sgl": -0.5}, "hard", 0),
        2: ({"SEL_ptl": -1}, "partial", 0),
        3: ({"CE_ful": -1}, "soft", 2),
    }


def test_a_row_of_the_scoreboard_by_hand():
    # Oracle: closed form, risks n^-1/2 / 4 and twice that: the slope is -1/2; ratios to the bounds, typed anew
    n = [100, 1000, 10**4, 10**5]
    rows = receipts_of(n=n, mean=[0.25 * m**-0.5 for m in n], reps=[0] * 4)
    twice = rows.assign(mean=2 * rows["mean"], panel="p")
    claim = {"p": claims.Claims({"CE_sgl": -0.5}, published={"CE_sgl": -0.49})}
    (row,) = claims.scoreboard(rows, claim, exact=twice).itertuples()
    assert (row.theory, row.published, row.points, row.n_min, row.n_max) == (-0.5, -0.49, 4, 100, 10**5)
    assert (row.slope, row.exact_slope) == pytest.approx((-0.5, -0.5), abs=1e-12)
    over = [0.25 * m**-0.5 / bounds.hard_upper_mean(S=2, A=3, n=m) for m in n]
    assert row.below_upper == pytest.approx(max(over), rel=1e-13, abs=0)
    assert np.isnan(row.above_lower)
    assert (row.checked, row.held, row.resolved) == (4, True, True)
    short = claims.scoreboard(rows, claim, exact=twice.iloc[1:])
    assert np.isnan(short["exact_slope"].item())
    assert np.isnan(claims.scoreboard(rows, claim)["exact_slope"].item())
    both = claims.scoreboard(rows, {"p": claims.Claims(lower="hard")})
    assert (both["checked"].item(), both["held"].item()) == (8, True)
    assert both["above_lower"].item() == pytest.approx(
        min(0.25 * m**-0.5 / bounds.hard_lower_mean(S=2, A=3, n=m) for m in n), rel=1e-13, abs=0
    )
    assert np.isnan(both["theory"].item())
    # Two points are no fit.
    few = claims.scoreboard(rows.iloc[:2], claim)
    assert (few["points"].item(), few["resolved"].item(), few["checked"].item()) == (0, False, 2)
    assert few[["slope", "slope_se", "n_min", "n_max"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("lower", "upper", "paper_lower", "paper_upper", "held"),
    [
        (0.2, 0.3, 0.3, 0.2, True), (0.2, 0.3, 0.3001, 0.9, False), (0.2, 0.3, 0.1, 0.1999, False),
        (0.2, 0.2, np.nan, np.nan, True), (0.2, 0.1999, 0.01, 0.9, False),
    ],
)  # fmt: skip
def test_an_interval_is_held_against_the_bounds_of_the_paper(lower, upper, paper_lower, paper_upper, held):
    # Oracle: arithmetic, both claims at and beyond equality, and an interval that is empty
    gaps = pd.DataFrame([("hard", 2, 3, 5, lower, upper, paper_lower, paper_upper)] * 2, columns=[
        "protocol", "S", "A", "n", "lower", "upper", "paper_lower", "paper_upper"])  # fmt: skip
    gaps.loc[1, ["lower", "upper", "paper_lower", "paper_upper"]] = [0.2, 0.4, 0.1, 0.8]
    (row,) = claims.gap_scoreboard(gaps).itertuples()
    assert row.held is held
    assert (row.panel, row.learner) == ("minimax risk, hard labels, S=2, A=3", "any")
    assert row.above_lower == pytest.approx(np.nanmin([upper / paper_lower, 4.0]), rel=1e-14, abs=0)
    assert row.below_upper == pytest.approx(np.nanmax([lower / paper_upper, 0.25]), rel=1e-14, abs=0)
    assert row.checked == (6 if paper_lower == paper_lower else 4)
    assert (row.points, row.resolved) == (0, False)
    assert all(np.isnan(getattr(row, name)) for name in ("theory", "published", "slope", "slope_se", "n_min", "n_max"))


def test_errors_that_are_none_have_no_z():
    # Oracle: arithmetic; left out: 29 repeats that are not 0, no error, a mean of 1e-15
    n = [1, 2, 3, 4, 5]
    drawn = receipts_of(
        n=n, mean=[0.5, 0.25, 0.5, 1e-15, 1.1e-15], mcse=[0.25, 0.25, 0.0, 0.25, 0.25], nonzero=[30, 29, 99, 99, 99]
    )
    exact = pd.DataFrame({"panel": "p", "learner": "CE_sgl", "n": n, "mean": [1.0, 1.0, 1.0, 1.0, 0.5]})
    assert claims.z_scores(drawn, exact) == pytest.approx([-2.0, -2.0], rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("theory", "published", "slope", "error", "said"),
    [
        (-0.5, -0.5, -0.5049, 0.0, "agrees"), (-0.5, -0.5, -0.5051, 0.0, "off by 0.005"),
        (-1, -1.005, -1.0135, 1e-3, "agrees; not"), (-1, -1.0, -1.009, 1e-3, "agrees"),
        (-1, np.nan, -1.0099, 0.0, "agrees with"), (-1, np.nan, -1.0101, 0.0, "off the exponent -1 by 0.010"),
        (-1, np.nan, -1.0499, 0.01, "agrees with"), (-1, np.nan, -1.0501, 0.01, "off the exponent"),
    ],
)  # fmt: skip
def test_slopes_agree_within_four_errors_and_what_is_printed(theory, published, slope, error, said):
    # Oracle: arithmetic: 0.005 of the print or 0.01 of the exponent, beside four errors
    row = pd.DataFrame(
        [{"theory": theory, "published": published, "slope": slope, "slope_se": error, "resolved": True}]
    )
    (of,) = row.itertuples()
    text = claims._agreement(of)
    assert f", {said}" in text
    assert ("; not the exponent" in text) == ("; not" in said)
    assert text.endswith("the slope has settled") == ("off the" in said)


FULL = pd.DataFrame(
    columns=[
        "panel", "learner", "n", "S", "A", "mean", "mcse", "reps", "nonzero", "theory", "published", "slope",
        "slope_se", "points", "resolved", "checked", "held", "protocol", "lower", "upper", "paper_lower", "paper_upper",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "name", "needs"),
    [
        (lambda frame: claims.scoreboard(frame, {}), "receipts", "learner n S A mean mcse reps"),
        (lambda frame: claims.scoreboard(FULL, {}, frame), "exact", "panel learner n mean"),
        (lambda frame: claims.z_scores(frame, FULL), "receipts", "panel learner n mean mcse nonzero"),
        (lambda frame: claims.z_scores(FULL, frame), "exact", "panel learner n mean"),
        (claims.gap_scoreboard, "gaps", "protocol S A n lower upper paper_lower paper_upper"),
        (claims.as_text, "board", "panel learner theory slope points checked held"),
        (
            lambda frame: claims.beside_the_paper("2a", frame),
            "board",
            "panel learner theory published slope slope_se points resolved",
        ),
    ],
)
def test_what_a_frame_lacks_is_named(call, name, needs):
    # Oracle: the columns that each call reads, written out
    for column in needs.split():
        with pytest.raises(ValueError, match=f"^{name} has no column '{column}'$"):
            call(FULL.drop(columns=column))
    with pytest.raises(ValueError, match=f"^{name} is .*: a DataFrame is needed$"):
        call([1.0])
