"""The teacher of all pairs of a list, which `simulations/bigrams.py` makes: counts added, nothing lost."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt

ROOT = Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "simulations" / "bigrams.py"))


@pytest.fixture(scope="module")
def problem() -> kt.Problem:
    pytest.importorskip("wordsegment", reason="the extra `data` is not installed")
    return SCRIPT["teacher"]()


def test_counts_of_a_pair_that_stands_twice_are_added() -> None:
    # Oracle: enumeration, by hand
    lines = ["of the\t5\n", "<s> the\t7\n", "of a\t1\n", "of the\t20\n"]
    assert SCRIPT["counts_of"](lines) == {("of", "the"): 25, ("<s>", "the"): 7, ("of", "a"): 1}
    with pytest.raises(ValueError, match="unpack"):
        SCRIPT["counts_of"](["of the end\t5\n"])


def test_the_teacher_has_every_occurrence_of_the_source(problem: kt.Problem) -> None:
    # Oracle: second algorithm, totals of the lines of the file by pandas
    import wordsegment

    lines = pd.read_csv(SCRIPT["source"](), sep="\t", names=["phrase", "count"], keep_default_na=False)
    assert problem.sparse
    assert (problem.S, problem.A, problem.pairs.stored) == (18_336, 19_252, 258_437)
    assert lines["phrase"].nunique() == 258_437
    assert (lines["phrase"].value_counts() > 1).sum() == 27_914
    first = lines["phrase"].str.split(" ").str[0]
    visits = lines["count"].groupby(first).sum()
    rho = pd.Series(problem.rho, index=problem.states)
    np.testing.assert_allclose(rho[visits.index], visits / lines["count"].sum(), rtol=1e-13)
    s, a = problem.states.index("of"), problem.actions.index("the")
    expected = lines.loc[lines["phrase"] == "of the", "count"].sum() / visits["of"]
    assert problem.pairs.at(np.array([s]), np.array([a]))[0] == pytest.approx(expected, rel=1e-14, abs=0)
    # Red: the package's dictionary keeps the last count of a pair.
    wordsegment.load()
    assert wordsegment.BIGRAMS["if you"] < lines.loc[lines["phrase"] == "if you", "count"].sum()
    assert 1 - sum(wordsegment.BIGRAMS.values()) / lines["count"].sum() == pytest.approx(0.0955, abs=5e-5)
    assert "<s>" in problem.states
    assert "<s>" not in problem.actions


def test_the_committed_curve_is_that_of_the_closed_form(problem: kt.Problem) -> None:
    # Oracle: second algorithm, sum of rho (1 - rho)^n times the distance of a row from uniform, from the teacher
    p = problem.pairs
    rows = np.bincount(p.rows, np.abs(p.values - 1 / problem.A), minlength=problem.S)
    apart = 0.5 * (rows + p.others / problem.A)
    curve = pd.read_csv(ROOT / "figures" / "bigrams_exact.csv")
    drawn = pd.read_csv(ROOT / "figures" / "bigrams.csv")
    for n, mean in curve.loc[curve["learner"] == "CE_ful", ["n", "mean"]].itertuples(index=False):
        assert mean == pytest.approx((problem.rho * (1 - problem.rho) ** int(n) * apart).sum(), rel=1e-9, abs=0)
    z = kt.claims.z_scores(drawn, curve)
    assert np.abs(z).max() <= 4
