"""Which k numbers of a row to store: what a list of the most likely labels costs by itself."""

from __future__ import annotations

import json
import math
import runpy
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import kt_theory as kt
from kt_theory.cli import main
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import OutOfReach
from kt_theory.ledger import effort, judge
from kt_theory.ledger.entries.registry import STATEMENTS
from kt_theory.storage import STORAGES, choosing, tails

ROOT = Path(__file__).parents[1]


def students(row: list[Fraction], k: int, back_off: list[Fraction]) -> dict[str, list[Fraction]]:
    """The four students, labels in falling order."""
    order = sorted(range(len(row)), key=lambda a: -row[a])
    p, b = [row[a] for a in order], [back_off[a] for a in order]
    t, A = sum(p[k:], Fraction(0)), len(row)
    return {
        "renormalised": [x / (1 - t) if t < 1 else Fraction(1, A) for x in p[:k]] + [Fraction(0)] * (A - k),
        "zero": p[:k] + [Fraction(0)] * (A - k),
        "equal": p[:k] + [t / (A - k)] * (A - k),
        "back_off": p[:k] + [t * x / sum(b[k:]) for x in b[k:]],
    }


def divergence(p: list[Fraction], q: list[Fraction]) -> float:
    """KL in 60 digits."""
    if any(x > 0 and y == 0 for x, y in zip(p, q, strict=True)):
        return math.inf
    with mpmath.workdps(60):
        pairs = [(x, x / y) for x, y in zip(p, q, strict=True) if x > 0]
        return float(mpmath.fsum(exact(x) * mpmath.log(exact(ratio)) for x, ratio in pairs))


def exact(x: Fraction) -> mpmath.mpf:
    return mpmath.mpf(x.numerator) / x.denominator


@pytest.mark.step("N27.1")
def test_the_cost_of_a_tail_is_that_of_its_student():
    # Oracle: enumeration, half the l1 distance in fractions, and KL by mpmath, of students written out
    rng = np.random.default_rng(3)
    for i in range(120):
        A = int(rng.integers(2, 9))
        k = int(rng.integers(1, A))
        row, law = (rng.permutation(np.arange(1, A + 1) ** 2) + (0, 90)[i % 2] * np.eye(A)[0] for _ in range(2))
        p, b = ([Fraction(int(x), int(v.sum())) for x in v] for v in (row, law))
        found = kt.tail_cost([float(x) for x in p], k, [float(x) for x in b])
        ordered = sorted(p, reverse=True)
        for name, student in students(p, k, b).items():
            cost = getattr(found, name)
            truth = sum(abs(x - y) for x, y in zip(ordered, student, strict=True)) / 2
            assert abs(cost.tv - float(truth)) < 1e-15 + 1e-13 * float(truth), (name, p, k)
            kl = divergence(ordered, student)
            assert cost.kl == kl or abs(cost.kl - kl) < 1e-15 + 1e-12 * kl, (name, p, k)


@pytest.mark.parametrize(("way", "factor"), [("equal", 1 + 1e-9), ("equal", 1 - 1e-9), ("back_off", 1 + 1e-9)])
def test_a_share_that_is_off_is_seen(way, factor, monkeypatch):
    # Oracle: as above, which sees a total variation that is 1e-9 off
    right = tails._within

    def planted(tail, weights, mass):
        found = right(tail, weights, mass)
        return tails.Cost(found.tv * factor, found.kl)

    monkeypatch.setattr(tails, "_within", planted)
    with pytest.raises(AssertionError, match=way if way == "equal" else None):
        test_the_cost_of_a_tail_is_that_of_its_student()


def test_equal_shares_are_never_worse_than_renormalising():
    # Oracle: identity, TV(tail law, uniform) <= 1 - 1/(A - k); 10,000 random rows, and all rows of the shipped teachers
    rng = np.random.default_rng(8)
    rows = [rng.dirichlet(np.full(int(rng.integers(2, 12)), rng.choice([0.05, 0.3, 1.0, 20.0]))) for _ in range(10_000)]
    rows += list(kt.tables.bundled_teacher("next_word").teacher)
    model = kt.tables.bundled_teacher("language_model").pairs
    for s in range(model.shape[0]):
        rows.append(np.zeros(model.shape[1]))
        cells = slice(model.offsets[s], model.offsets[s + 1])
        rows[-1][model.columns[cells]] = model.values[cells]
    for i, row in enumerate(rows):
        k = 1 + i % (row.size - 1)
        cost = kt.tail_cost(row / row.sum(), k)
        assert cost.renormalised.tv == cost.mass
        assert cost.equal.tv <= cost.mass * (1 - 1 / (row.size - k)) * (1 + 1e-12) + 1e-16
        assert cost.zero.tv == cost.mass / 2


def test_a_zipf_row_of_a_thousand_labels():
    # Oracle: mpmath, sums of 1/a; renormalising costs .5194 and equal shares .2125
    with mpmath.workdps(30):
        H = [mpmath.harmonic(k) for k in range(1001)]
        t = 1 - H[20] / H[1000]
        above = sum(max(1 / (mpmath.mpf(a) * H[1000]) - t / 980, 0) for a in range(21, 1001))
    row = 1 / np.arange(1.0, 1001.0)
    cost = kt.tail_cost(row / row.sum(), 20)
    assert abs(cost.renormalised.tv - float(t)) < 1e-13
    assert round(float(t), 4) == 0.5194
    assert abs(cost.equal.tv - float(above)) < 1e-13
    assert round(float(above), 4) == 0.2125


def test_a_tail_costs_what_the_learners_of_a_list_do():
    # Oracle: second algorithm, the exact expected risk of the learners once the input was visited
    row = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    law = np.array([0.1, 0.1, 0.2, 0.2, 0.4])
    problem = kt.Problem([1.0], row[None])
    for k in (1, 2, 4):
        cost = kt.tail_cost(row, k, law)
        assert abs(cost.equal.tv - exact_risk(problem, f"SEL@top_k_only:{k}", 1).value) < 1e-15
        assert abs(cost.back_off.tv - exact_risk(problem, f"SEL@top_k_only:{k}", 1, law[None]).value) < 1e-15
        assert abs(cost.renormalised.tv - exact_risk(problem, f"RENORM@top_k_only:{k}", 1).value) < 1e-15


def test_edges_of_a_tail():
    # Oracle: by hand
    for k in (3, 7):
        cost = kt.tail_cost([0.5, 0.3, 0.2], k)
        assert cost.renormalised == cost.zero == cost.equal == tails.Cost(0.0, 0.0)
        assert (cost.k, cost.mass, cost.back_off) == (3, 0.0, None)
    cost = kt.tail_cost([1.0, 0.0, 0.0], 0)
    assert cost.renormalised.tv == cost.equal.tv == pytest.approx(2 / 3)
    assert cost.equal.kl == pytest.approx(math.log(3))
    assert kt.tail_cost([0.6, 0.4, 0.0], 1, [1.0, 0.0, 0.0]).back_off == kt.tail_cost([0.6, 0.4, 0.0], 1).equal
    assert kt.tail_cost([0.6, 0.4, 0.0], 1, [0.5, 0.0, 0.5]).back_off == tails.Cost(pytest.approx(0.4), math.inf)
    with pytest.raises(ValueError, match=r"2 labels of probability 0\.25 for the last places of the list of k = 2"):
        kt.tail_cost([0.5, 0.25, 0.25], 2, [0.2, 0.3, 0.5])
    assert kt.tail_cost([0.5, 0.25, 0.25], 2, [0.2, 0.4, 0.4]).back_off == tails.Cost(0.0, 0.0)
    with pytest.raises(ValueError, match="back_off has 2 entries, 3 are needed"):
        kt.tail_cost([0.5, 0.25, 0.25], 1, [0.5, 0.5])


ROW = [0.4, 0.2, 0.15, 0.1, 0.08, 0.07]


def by_tables(row, storage, k, v):
    """The expected risk of a storage from every count table of the draws, of protocols that say what it keeps."""
    problem = kt.Problem([1.0], [row])
    draws = {"draws": k, "gumbel": k, "half": k // 2, "frequencies": k}.get(storage, 1)
    protocol = {
        "list": kt.Protocol("a list", shows_label=False, top=k),
        "renormalised": kt.Protocol("a list", shows_label=False, top=k),
        "draws": kt.Protocol("draws", tells_drawn=True, draws=k),
        "gumbel": kt.Protocol("different draws", tells_drawn=True, draws=k, replacing=k == 1),
        "half": kt.Protocol("both", tells_drawn=True, top=k - k // 2, draws=draws),
        "frequencies": kt.Protocol("labels", draws=k),
    }[storage]
    if storage == "frequencies":
        learner = kt.Learner("frequencies", protocol, kt.learners.ce_sgl)
    else:
        learner = (kt.learners.renormalised_at if storage == "renormalised" else kt.learners.sel_at)(protocol)
    return kt.risk_law(problem, learner, v).mean()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_risk_of_each_storage(k):
    # Oracle: enumeration, the law of the risk from count tables under protocols that draw k labels at a visit
    frame = kt.best_storage(ROW, k, [1, 2, 4], method="exact")
    assert set(frame["storage"]) == set(STORAGES) - ({"half", "gumbel"} if k == 1 else set())
    for found in frame.itertuples():
        assert abs(found.risk - by_tables(ROW, found.storage, k, found.visits)) <= found.error + 1e-13, found
    for _, rows in frame.groupby("visits"):
        assert rows["storage"][rows["best"]].tolist() == [rows["storage"][rows["risk"].idxmin()]]


@pytest.mark.parametrize("storage", ["draws", "gumbel", "half", "frequencies"])
def test_a_storage_of_another_number_of_draws_is_seen(storage, monkeypatch):
    # Oracle: as above, which sees one draw more
    right = STORAGES[storage]
    monkeypatch.setitem(STORAGES, storage, lambda k, v: (right(k, v)[0], right(k, v)[1] + 1))
    with pytest.raises(AssertionError):
        test_the_risk_of_each_storage(2)


def test_storages_of_a_problem_and_simulated_ones():
    # Oracle: identity, the mean of the rows; the exact risk of a sparse form; |z| <= 4 at a fixed seed
    rng = np.random.default_rng(4)
    problem = kt.Problem([0.5, 0.3, 0.2, 0.0], rng.dirichlet(np.full(12, 0.4), 4))
    exact = kt.best_storage(problem, 4, [1, 5])
    rows = [kt.best_storage(row, 4, [1, 5])["risk"] for row in problem.teacher]
    np.testing.assert_allclose(exact["risk"], problem.rho @ np.array(rows), rtol=1e-13)
    sparse = kt.Problem(problem.rho, scipy.sparse.csr_array(problem.teacher))
    np.testing.assert_allclose(kt.best_storage(sparse, 4, [1, 5])["risk"], exact["risk"], rtol=1e-12)
    drawn = kt.best_storage(problem, 4, [1, 5], method="montecarlo", seed=2)
    by_simulation = drawn["route"].str.startswith("Monte Carlo")
    assert drawn["storage"][by_simulation].tolist() == ["draws", "gumbel", "half"] * 2
    assert (np.abs(drawn["risk"] - exact["risk"])[by_simulation] <= 4 * drawn["error"][by_simulation]).all()
    assert (drawn["risk"] == exact["risk"])[~by_simulation].all()


def test_storages_that_are_refused(capsys):
    # Oracle: none needed, one sentence
    for visits, words in (([], "visits is empty"), ([3, 3], "no number twice"), (10**12, "at most 1e\\+12 labels")):
        with pytest.raises(ValueError, match=words):
            kt.best_storage(ROW, 2, visits)
    assert main(["storage", "--bundled", "next_word", "--numbers", "3", "--visits", "1", "--normalise"]) == 2
    assert "--normalise goes with --teacher only" in capsys.readouterr().err


def test_half_of_each_may_be_the_worst_of_three():
    # Oracle: by_tables; two numbers of a row of seven labels at three visits
    row = [0.4, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05]
    costs = {storage: by_tables(row, storage, 2, 3) for storage in ("list", "draws", "half")}
    assert costs["half"] > costs["list"] > costs["draws"]
    frame = kt.best_storage(row, 2, 3).set_index("storage")
    assert frame["risk"]["half"] == pytest.approx(costs["half"], abs=1e-13)


def test_draws_out_of_reach_are_simulated_unless_exactly_asked(monkeypatch):
    # Oracle: the exact risk, |z| <= 4 at a fixed seed, of a row whose route is taken away
    exact = kt.best_storage(ROW, 3, 2)

    def planted(row, learner, n, **options):
        raise OutOfReach("too far")

    monkeypatch.setattr(choosing, "exact_risk", planted)
    with pytest.raises(OutOfReach, match="too far"):
        kt.best_storage(ROW, 3, 2, method="exact")
    drawn = kt.best_storage(ROW, 3, 2)
    assert (np.abs(drawn["risk"] - exact["risk"]) <= 4 * drawn["error"] + 1e-13).all()


def test_the_command_prints_what_the_function_answers(tmp_path, capsys):
    # Oracle: identity
    kt.tables.write_teacher(kt.Problem([1.0], [ROW]), tmp_path / "teacher.csv")
    words = ["storage", "--teacher", str(tmp_path / "teacher.csv"), "--numbers", "2", "--visits", "1", "10"]
    frame = kt.best_storage(ROW, 2, [1, 10])
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == frame.to_dict("records")
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, rows in frame.groupby("storage"):
        line = next(line for line in lines if line.split()[0] == name)
        stars = [f"{risk:.6f}" + "*" * best for risk, best in zip(rows["risk"], rows["best"], strict=True)]
        assert line.split()[1:] == stars
    assert main([*words[:-2], "400", "--storages", "draws", "gumbel"]) == 0  # not 0.000000, a star beside one of two
    risks = kt.best_storage(ROW, 2, 400, storages=["draws", "gumbel"])["risk"]
    assert 0 < risks.min() < risks.max() < 5e-7
    said = capsys.readouterr().out
    assert f"{risks.max():.1e}\n" in said.replace(" ", "")
    assert f"{risks.min():.1e}*" in said
    names = frame["storage"].unique()
    assert lines[0] == "2 numbers of a row at each visit; expected total variation of the student"
    assert lines[1].split() == ["visits", "of", "every", "input", "1", "10"]
    assert [line.split()[0] for line in lines[2:]] == [*names, *(f"{name}:" for name in names)]
    assert main([*words, "--method", "montecarlo", "--storages", "list", "draws"]) == 0
    drawn = kt.best_storage(ROW, 2, [1, 10], method="montecarlo", storages=["list", "draws"])
    error = drawn["error"][drawn["route"].str.startswith("Monte Carlo")]
    assert len(error) == 2
    last = f"2 of 4 risks are simulated, standard error {error.max():.1g} at most"
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_the_rows_of_a_log(tmp_path, capsys):
    # Oracle: the teacher itself where rows are told whole; by hand where they are not
    problem = kt.Problem([0.5, 0.5], [ROW, [0.6, 0.4, 0.0, 0.0, 0.0, 0.0]])
    soft = kt.draw(problem, "soft", 40, seed=1)
    known = kt.Problem(soft.visits / 40, problem.teacher)
    found, of_teacher = (kt.best_storage(of, 2, [1, 3]) for of in (soft, known))
    np.testing.assert_allclose(found["risk"], of_teacher["risk"], rtol=1e-12)
    assert set(found["plug_in"]) == set(of_teacher["plug_in"]) == {0.0}
    records = {"s": ["x", "x", "y"], "a": ["u", "v", "w"], "p": [0.5, 0.2, 0.9], "count": [1, 0, 3]}
    made = kt.storage.plug_in(kt.TransferSet.from_records(records))
    np.testing.assert_allclose(made.problem.teacher, [[0.5, 0.2, 0.3], [0.05, 0.05, 0.9]])
    np.testing.assert_allclose(made.problem.rho, [0.25, 0.75])
    assert (made.partly, made.share) == (2, pytest.approx(0.25 * 0.3 + 0.75 * 0.1))
    frame = kt.best_storage(records, 1, 2, storages=["draws", "list"])
    assert frame["storage"].tolist() == ["list", "draws"]
    assert frame["plug_in"].tolist() == [pytest.approx(made.share)] * 2
    assert frame["risk"].tolist() == kt.best_storage(made.problem, 1, 2)["risk"].tolist()[:2]
    hard = kt.storage.plug_in(kt.TransferSet.from_records({"s": ["x"] * 4, "a": ["u", "u", "u", "v"]}))
    assert (hard.problem.teacher.tolist(), hard.share, hard.partly) == ([[0.75, 0.25]], 1.0, 1)
    with pytest.raises(ValueError, match="the log has no visit"):
        kt.storage.plug_in(kt.TransferSet.from_counts([[0, 0]], [[0.5, 0.5]], "partial"))
    pd.DataFrame(records).to_csv(tmp_path / "log.csv", index=False)
    assert main(["storage", str(tmp_path / "log.csv"), "--numbers", "1", "--visits", "2"]) == 0
    said = capsys.readouterr().out
    assert "plug-in: the log does not tell 2 of 2 rows whole, 15.0% of the mass" in said
    assert f"{frame['risk'][1]:.6f}" in said
    for words in (["--bundled", "next_word", "--label", "reply"], [str(tmp_path / "log.csv"), "--normalise"], []):
        assert main(["storage", *words, "--numbers", "1", "--visits", "2"]) == 2


def test_the_committed_figure_is_true():
    # Oracle: second algorithm, the exact expected risk of the learners by name; closed forms of lists
    script = runpy.run_path(str(ROOT / "simulations" / "storage.py"))
    risks, lists = (pd.read_csv(ROOT / "figures" / f"{name}.csv") for name in ("storage", "storage_lists"))
    pd.testing.assert_frame_equal(lists, script["tails"](), rtol=1e-12)
    row = kt.Problem([1.0], [script["zipf"]()])
    of_zipf = risks[risks["teacher"] == "Zipf's law"].set_index(["storage", "visits"])["risk"]
    for storage, learner in (("list", "SEL@top_k_only:20"), ("renormalised", "RENORM@top_k_only:20")):
        assert of_zipf[storage, 3] == pytest.approx(exact_risk(row, learner, 3).value, rel=1e-12, abs=0)
    assert of_zipf["draws", 100] == pytest.approx(exact_risk(row, "SEL@sampled:20", 100).value, abs=1e-9)
    assert of_zipf["frequencies", 5] == pytest.approx(exact_risk(row, "CE_sgl", 100).value, rel=1e-11, abs=0)
    # Half of each is the worst of the three at five visits, and draws are the best then or from ten on.
    for name, first in (("Zipf's law", 5), ("language model", 10)):
        of = risks[risks["teacher"] == name].pivot(index="visits", columns="storage", values="risk")
        assert of.loc[5, "half"] > max(of.loc[5, "list"], of.loc[5, "draws"])
        assert (of["draws"] < of[["list", "half"]].min(axis=1)).tolist() == (of.index >= first).tolist()
        # Without replacement draws are better at every number of visits, and the best from three or five on.
        assert (of["gumbel"] < of["draws"]).all()
        assert (of["gumbel"] == of.min(axis=1)).tolist() == (of.index >= (5 if first == 5 else 3)).tolist()


@pytest.mark.parametrize("id", [id for id in STATEMENTS if id.startswith("ours-store")])
def test_planted_errors_of_storage_are_caught(id):
    # Oracle: identity, each statement holds and each planted error is refuted by the same trials
    verdict = judge(STATEMENTS[id], effort("quick"))
    assert (verdict.verdict, verdict.survivors) == ("holds", ())
