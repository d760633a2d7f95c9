"""Log-probabilities that are rounded, or told at another temperature: what is told, and the learners of it."""

from __future__ import annotations

import itertools
import json
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.optimize import minimize

import kt_theory as kt
from kt_theory.cli.commands import main
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import clipped_at, inexact, resolve_learner, sel_at, sel_rounded, told_at
from kt_theory.learners.inexact import Clipped, Untempered
from kt_theory.planning import promises
from kt_theory.protocols import PROTOCOLS, Protocol, resolve_protocol

LEARNERS = ("SEL@rounded:0", "SEL@rounded:1", "CLIP@rounded:0", "CLIP@rounded:1", "SEL@tempered:2", "SEL@tempered:0.5")

# --- What is told ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_rounded_values(digits: int) -> None:
    # Oracle: second algorithm, Python's decimals
    p = np.random.default_rng(1).dirichlet(np.full(6, 0.3))
    with localcontext(prec=40):
        logs = [Decimal(x).ln().quantize(Decimal(1).scaleb(-digits)) for x in p.tolist()]
        expected = [float(log.exp()) for log in logs]
    np.testing.assert_allclose(kt.rounded(digits).values(p), expected, rtol=1e-14)
    assert kt.rounded(digits).values(np.array([1.0, 0.0])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("temperature", "power"), [(0.5, 2), (0.25, 4), (1 / 3, 3)])
def test_tempered_values(temperature: float, power: int) -> None:
    # Oracle: enumeration in fractions, p^(1/T) scaled to one at whole 1/T; back at T' = 1/T
    rows = [[Fraction(1, 2), Fraction(3, 8), Fraction(1, 8)], [Fraction(1), Fraction(0), Fraction(0)]]
    teacher = np.array(rows, dtype=float)
    expected = [[float(p**power / sum(x**power for x in row)) for p in row] for row in rows]
    there = kt.tempered(temperature)
    np.testing.assert_allclose(there.values(teacher), expected, rtol=1e-14)
    np.testing.assert_allclose(kt.tempered(1 / temperature).values(there.values(teacher)), teacher, rtol=1e-14)
    tiny = np.array([[1.0, 1e-300]])
    assert np.isfinite(kt.tempered(0.01).values(tiny)).all()
    assert kt.tempered(100.0).values(tiny)[0, 1] == pytest.approx(1e-3 / (1 + 1e-3))


def test_names_say_the_facts() -> None:
    # Oracle: identity, a name is read back; none needed for what is no name
    for name in ("rounded:2", "rounded:0", "tempered:0.7", "tempered:2.0"):
        found = resolve_protocol(name)
        assert found.name == name.removesuffix(".0")
        assert found.named_in_full
        assert resolve_protocol(found.name) == found == Protocol(found.name, **found.facts)  # type: ignore[arg-type]
    for wrong in ("rounded:", "rounded:1.5", "rounded:16", "rounded:-1", "rounded: 1", "tempered:1", "tempered:0",
                  "tempered:nan", "tempered:inf", "tempered:1_0", "tempered:-2"):  # fmt: skip
        with pytest.raises(kt.Unsupported, match=r"the [DT] of (rounded|tempered):[DT] is a"):
            resolve_protocol(wrong)
    for facts, words in (
        ({"digits": 1}, "tells_drawn or top must be set"),
        ({"digits": 16, "top": 1}, "at most 15"),
        ({"temperature": 0.0, "top": 1}, "above 0"),
        ({"temperature": 2.0, "digits": 1, "top": 1}, "one of them"),
    ):
        with pytest.raises(ValueError, match=words):
            Protocol("mine", **facts)  # type: ignore[arg-type]


def test_the_order() -> None:
    # Oracle: enumeration, whether what one protocol tells determines what the other does, by hand
    hard, partial, soft = PROTOCOLS.values()
    one, two, hot = kt.rounded(1), kt.rounded(2), kt.tempered(2)
    order = [hard, partial, soft, one, two, hot]
    above = {hard: [hard], partial: [hard, partial, one, two], soft: order, one: [hard, one], two: [hard, two],
             hot: [hard, hot]}  # fmt: skip
    for mine, theirs in itertools.product(order, order):
        assert mine.reveals_at_least(theirs) == (theirs in above[mine]), (mine, theirs)
    # Rounded twice is not rounded once: 0.46 -> 0.5 -> 0 or 1, and 0.46 -> 0.
    assert np.round(np.round(1.46, 1), 0) != np.round(1.46, 0)


@pytest.mark.parametrize("protocol", ["rounded:1", "tempered:2", "tempered:0.3"])
def test_transfer_sets_hold_what_is_told(protocol: str) -> None:
    # Oracle: identity, dense and sparse; the labels are those of the partial protocol
    problem = kt.zipf_problem(S=4, A=6, seed=2)
    teacher = problem.teacher.copy()
    teacher[:, 0] = 0.0
    problem = kt.Problem(problem.rho, teacher / teacher.sum(axis=1, keepdims=True))
    data, plain = (kt.draw(problem, name, 9, seed=3) for name in (protocol, "partial"))
    told = data.counts > 0
    np.testing.assert_array_equal(data.counts, plain.counts)
    np.testing.assert_array_equal(np.isnan(data.revealed), ~told)
    values = resolve_protocol(protocol).values(problem.teacher)
    np.testing.assert_array_equal(data.revealed[told], values[told])
    sparse = kt.TransferSet.from_counts(scipy.sparse.csr_array(data.counts), problem.teacher, protocol)
    np.testing.assert_allclose(sparse.dense().revealed, data.revealed, rtol=1e-14)
    assert np.isnan(data.missing_mass[data.visits > 0]).all()
    for learner in (f"SEL@{protocol}", "CE_sgl"):
        np.testing.assert_allclose(kt.fit(sparse, learner).dense(), kt.fit(data, learner), rtol=1e-13)
    with pytest.raises(kt.Unsupported, match="needs partial labels"):
        kt.fit(data, "SEL_ptl")
    with pytest.raises(kt.Unsupported, match="self_audit answers for partial"):
        kt.self_audit(data)
    with pytest.raises(kt.Unsupported, match="not told as they are"):
        kt.plan(pilot=data, target=0.1)


def test_a_learner_of_less_is_shown_less() -> None:
    # Oracle: identity, the student of a set of its own protocol
    problem = kt.zipf_problem(S=4, A=6, seed=2)
    for more, less in (("partial", "rounded:1"), ("soft", "rounded:1"), ("soft", "tempered:2")):
        own, other = (kt.fit(kt.draw(problem, name, 12, seed=3), f"SEL@{less}") for name in (less, more))
        np.testing.assert_allclose(other, own, rtol=1e-13)
        counts = scipy.sparse.csr_array(kt.draw(problem, more, 12, seed=3).counts)
        sparse = kt.TransferSet.from_counts(counts, problem.teacher, more)
        np.testing.assert_allclose(kt.fit(sparse, f"SEL@{less}").dense(), own, rtol=1e-13)


# --- The learners ---------------------------------------------------------------------------------------


def told_by_hand(p: list[Fraction], protocol: str) -> list[float]:
    kind, number = protocol.split(":")
    if kind == "rounded":
        return [math.exp(round(math.log(x), int(number))) for x in p]
    powers = [float(x) ** (1 / float(number)) for x in p]
    return [x / sum(powers) for x in powers]


def student_by_hand(learner: str, counts: tuple[int, ...], p: list[Fraction]) -> list[float]:
    """By the words of the definitions, label by label; the lambda of a clipped row by trying each of its kinks."""
    kind, protocol = learner.split("@")
    A, n = len(p), sum(counts)
    if n == 0:
        return [1 / A] * A
    told = {a: told_by_hand(p, protocol)[a] for a in range(A) if counts[a]}
    if kind == "CLIP":
        half = 10.0 ** -int(protocol.split(":")[1]) / 2
        ends = {a: (v * math.exp(-half), min(v * math.exp(half), 1.0)) for a, v in told.items()}

        def at(lam: float) -> dict[int, float]:
            return {a: min(max(counts[a] / lam, low), high) for a, (low, high) in ends.items()}

        told = at(n)
        if sum(told.values()) > 1 or len(told) == A:
            kinks = sorted(counts[a] / end for a, pair in ends.items() for end in pair)
            for left, right in itertools.pairwise([kinks[0] / 2, *kinks, kinks[-1] * 2]):
                free = [a for a, (low, high) in ends.items() if low < 2 * counts[a] / (left + right) < high]
                fixed = sum(x for a, x in at((left + right) / 2).items() if a not in free)
                if free and left <= sum(counts[a] for a in free) / (1 - fixed) <= right:
                    told = at(sum(counts[a] for a in free) / (1 - fixed))
    elif sum(told.values()) > 1 or (protocol.startswith("rounded") and len(told) == A):
        told = {a: v / sum(told.values()) for a, v in told.items()}
    rest = max(1 - sum(told.values()), 0.0) / max(A - len(told), 1)
    student = [told.get(a, rest) for a in range(A)]
    if protocol.startswith("tempered"):
        powers = [x ** float(protocol.split(":")[1]) for x in student]
        student = [x / sum(powers) for x in powers]
    return student


def expected(learner: str, rows: list[list[Fraction]], rho: list[Fraction], n: int) -> float:
    """The expected risk over all sequences of pairs, their probabilities in fractions."""
    S, A = len(rows), len(rows[0])
    pairs = list(itertools.product(range(S), range(A)))
    chances: dict[tuple[tuple[int, ...], ...], Fraction] = {}
    for sequence in itertools.product(pairs, repeat=n):
        chance = math.prod((rho[s] * rows[s][a] for s, a in sequence), start=Fraction(1))
        table = tuple(tuple(sequence.count((s, a)) for a in range(A)) for s in range(S))
        chances[table] = chances.get(table, Fraction(0)) + chance
    risk = 0.0
    for table, chance in chances.items():
        for s in range(S):
            student = student_by_hand(learner, table[s], rows[s])
            risk += float(chance * rho[s]) * 0.5 * sum(abs(x - float(p)) for x, p in zip(student, rows[s], strict=True))
    return risk


ROWS = [[Fraction(5, 8), Fraction(1, 4), Fraction(1, 8)], [Fraction(3, 8), Fraction(5, 16), Fraction(5, 16)]]
RHO = [Fraction(3, 4), Fraction(1, 4)]


@pytest.mark.parametrize("learner", LEARNERS)
def test_expected_risks(learner: str) -> None:
    # Oracle: enumeration of all sequences of samples, probabilities in fractions, students by hand; law and simulation
    problem = kt.Problem([float(x) for x in RHO], [[float(p) for p in row] for row in ROWS])
    for n in (0, 1, 2, 4):
        exact = expected(learner, ROWS, RHO, n)
        assert kt.risk_law(problem, learner, n).mean() == pytest.approx(exact, abs=1e-12), n
    row = kt.simulate(problem, learner, 4, reps=4000, seed=1).iloc[0]
    assert abs(row["mean"] - exact) <= 4 * row["mcse"]
    assert row["protocol"] == learner.split("@")[1]


def test_a_wrong_cell_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: as above; planted: the probability itself for the rounded one, a cell of twice the width, T for 1/T
    problem = kt.Problem([float(x) for x in RHO], [[float(p) for p in row] for row in ROWS])

    def off(learner: str) -> float:
        return abs(kt.risk_law(problem, learner, 4).mean() - expected(learner, ROWS, RHO, 4))

    with monkeypatch.context() as planted:
        planted.setattr(Protocol, "values", lambda self, teacher: teacher)
        assert all(off(learner) > 1e-4 for learner in LEARNERS)
    right = Clipped.__call__
    with monkeypatch.context() as planted:
        planted.setattr(Clipped, "__call__", lambda self, *given: right(Clipped(self.digits - 1), *given))
        assert off("CLIP@rounded:1") > 1e-4
    back = Untempered.__call__
    with monkeypatch.context() as planted:
        planted.setattr(Untempered, "__call__", lambda self, *given: back(Untempered(1 / self.temperature), *given))
        assert off("SEL@tempered:2") > 1e-4


def test_no_exact_route_answers_for_them() -> None:
    # Oracle: none needed; the routes of SEL take told values for the probabilities
    problem = kt.zipf_problem(S=2, A=3, seed=1)
    for learner in LEARNERS:
        with pytest.raises(OutOfReach, match="no exact route"):
            kt.expected_risk(problem, learner, 5, method="exact")


def a_sparse_teacher(rng: np.random.Generator, S: int, A: int) -> tuple[np.ndarray, np.ndarray]:
    """A teacher with labels of no use and an input of one label, and an initial table with zeros."""
    teacher, init = rng.dirichlet(np.full(A, 0.8), size=S), rng.dirichlet(np.ones(A), size=S)
    teacher[:, -2:] = 0.0
    teacher[0, :-3] = 0.0
    init[0, -1], init[1, : A - 1] = 0.0, 0.0
    return teacher / teacher.sum(axis=1, keepdims=True), init / init.sum(axis=1, keepdims=True)


STORED = ["SEL@rounded:1", "SEL@rounded:0", "CLIP@rounded:0", "CLIP@rounded:2", "SEL@tempered:0.5", "SEL@tempered:3"]


@pytest.mark.parametrize("name", STORED)
def test_stored_cells_are_answered_as_tables_are(name: str) -> None:
    # Oracle: second algorithm, the definition over tables, where what is missing is 1 less a sum; the loop as Python
    learner, rng = resolve_learner(name), np.random.default_rng(7)
    assert learner.cells is not None
    for A, n in ((7, 12), (5, 60), (4, 1)):
        for row, begun in zip(*a_sparse_teacher(rng, 4, A), strict=True):
            counts = rng.multinomial(n, row)
            for init in (begun, np.full(A, 1 / A)):
                # One value stands for what init says of the labels that no cell is stored for.
                cells = (row > 0) | (init != init[-1])
                revealed = np.where(counts > 0, learner.protocol.values(row[None])[0], np.nan)
                wanted = learner.fit(counts[None], revealed[None], init[None])[0]
                student = np.empty(int(cells.sum()))
                others = int((~cells).sum())
                rest = learner.cells(n, counts[cells], None, row[cells], init[cells], others, init[-1], student)
                np.testing.assert_allclose(student, wanted[cells], rtol=1e-9, atol=1e-13)
                np.testing.assert_allclose(np.full(others, rest), wanted[~cells], rtol=1e-9, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORED)
def test_sparse_problems_have_the_risks_of_dense_ones(name: str) -> None:
    # Oracle: second algorithm, the definition over tables on the same draws; ten seconds of compiling each
    rng = np.random.default_rng(7)
    for S, A, n in ((4, 7, 12), (3, 5, 4000), (2, 4, 1)):
        teacher, init = a_sparse_teacher(rng, S, A)
        rho = rng.dirichlet(np.ones(S))
        dense, sparse = kt.Problem(rho, teacher), kt.Problem(rho, scipy.sparse.csr_array(teacher))
        for begun in (None, init):
            one = kt.sample_risks(dense, name, n, 40, seed=2, init=begun)
            other = kt.sample_risks(sparse, name, n, 40, seed=2, init=begun)
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-14)


def test_lists_of_rounded_values_have_no_form_for_stored_cells() -> None:
    # Oracle: identity; a list may tell labels of probability 0, and which of them no cell says
    lists = kt.Protocol("rounded list", tells_drawn=True, top=2, digits=1)
    sparse = kt.Problem([1.0], scipy.sparse.csr_array([[0.5, 0.5, 0.0]]))
    with pytest.raises(kt.Unsupported, match="is not simulated on sparse problems"):
        kt.sample_risks(sparse, told_at(lists), 5, 3)


def test_clipped_rows_are_the_most_likely_in_their_cells() -> None:
    # Oracle: second algorithm, SciPy's minimiser of the likelihood under the cells; every label told
    rng = np.random.default_rng(2)
    for digits in (0, 1):
        for _ in range(8):
            p, counts = rng.dirichlet(np.full(4, 2.0)), rng.integers(1, 30, 4)
            told = kt.rounded(digits).values(p)
            half = 0.5 * 10.0**-digits
            low, high = told * math.exp(-half), np.minimum(told * math.exp(half), 1.0)
            found = Clipped(digits)(counts[None], told[None], np.full((1, 4), 0.25))[0]
            best = minimize(
                lambda q, counts=counts: -(counts / counts.sum()) @ np.log(q),
                p,
                bounds=list(zip(low, high, strict=True)),
                constraints={"type": "eq", "fun": lambda q: q.sum() - 1.0},
                options={"ftol": 1e-14},
            ).x
            np.testing.assert_allclose(found, best, atol=2e-6)
            assert found.sum() == pytest.approx(1.0, abs=1e-14)
            assert ((found >= low * (1 - 1e-14)) & (found <= high * (1 + 1e-14))).all()


def test_rounding_leaves_a_plateau_and_counts_leave_it() -> None:
    # Oracle: published, level-quantised-plateau: the scaled middles cost at most tanh(d/4); CE_sgl's rate
    plateau = math.tanh(1 / 4)

    def cost(p: np.ndarray) -> float:
        told = kt.rounded(0).values(p)[None]
        student = sel_rounded(np.ones(told.shape), told, np.full(told.shape, 1 / p.size))
        return 0.5 * float(np.abs(student[0] - p).sum())

    rng = np.random.default_rng(3)
    assert max(cost(rng.dirichlet(np.full(A, 0.7))) for A in (2, 3, 8, 50) for _ in range(200)) <= plateau
    # One cell, a share 1 / (1 + e^(1/2)) of its labels at the top, the others at the bottom; one in the middle.
    crowded = np.repeat(np.exp([-3.5 - 1e-9, -4.5 + 1e-9]), [20, 34])
    assert 0.97 * plateau <= cost(np.append(crowded, 1 - crowded.sum())) <= plateau
    problem = kt.Problem([1.0], [[0.61, 0.39]])
    means = kt.simulate(problem, ["CE_sgl", "SEL@rounded:0", "CLIP@rounded:0"], 10**6, reps=200, seed=1)
    mean = means.set_index("learner")["mean"]
    assert mean["SEL@rounded:0"] == pytest.approx(1 / (1 + math.exp(-1)) - 0.61)
    assert mean["CLIP@rounded:0"] == pytest.approx(mean["CE_sgl"], rel=1e-6, abs=0)


def test_at_another_temperature_nothing_is_left_once_all_was_seen() -> None:
    # Oracle: limit, all labels seen; what is told taken for the teacher would leave its distance at any n
    problem = kt.zipf_problem(S=3, A=5, seed=1)
    for T in ("0.5", "3"):
        risks = kt.sample_risks(problem, f"SEL@tempered:{T}", 10**5, 20)
        assert risks.max() < 1e-14
        told = resolve_protocol(f"tempered:{T}").values(problem.teacher)
        assert kt.tv_risk(told, problem) > 0.05


def test_streams_and_learners_are_those_of_their_protocol() -> None:
    # Oracle: identity, counts are common to all protocols; learners are told apart, and come by name elsewhere
    problem = kt.zipf_problem(S=3, A=5, seed=1)
    together = kt.sample_risks(problem, ["SEL_ptl", *LEARNERS], 7, 50, seed=3)
    for j, learner in enumerate(LEARNERS, 1):
        np.testing.assert_array_equal(kt.sample_risks(problem, learner, 7, 50, seed=3)[:, 0], together[:, j])
    assert len({resolve_learner(name).fingerprint for name in LEARNERS}) == len(LEARNERS)
    with pytest.raises(kt.Unsupported, match="SEL@rounded:1"):
        sel_at(kt.rounded(1))
    with pytest.raises(kt.Unsupported, match="name rounded:D"):
        clipped_at(kt.top_k(2))


def test_lists_and_rows_may_be_rounded_too() -> None:
    # Oracle: identity, top-2 and soft labels of a protocol of one's own; the whole row scaled
    problem = kt.Problem([1.0], [[0.5, 0.3, 0.2]])
    for top in (2, None):
        mine = Protocol("mine", tells_drawn=True, top=top, digits=1)
        data = kt.draw(problem, mine, 3, seed=1)
        student = kt.fit(data, inexact.inexact_sel(mine))
        values = mine.values(problem.teacher)[0]
        seen = (data.counts[0] > 0) | (np.arange(3) < (3 if top is None else top))
        if seen.all():
            np.testing.assert_allclose(student[0], values / values.sum(), rtol=1e-14)
        else:
            np.testing.assert_allclose(student[0, :2], values[:2], rtol=1e-14)


# --- Doors ----------------------------------------------------------------------------------------------


def test_records_of_rounded_log_probabilities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Oracle: identity, the set that was drawn; sums above 1 are those of rounding, and no more
    problem = kt.Problem([0.5, 0.5], [[0.61, 0.38, 0.01], [0.2, 0.7, 0.1]])
    data = kt.draw(problem, "rounded:0", 30, seed=2)
    s, a = np.nonzero(data.counts)
    records = {"s": s, "a": a, "logp": np.log(data.revealed[s, a]), "count": data.counts[s, a]}
    with pytest.raises(ValueError, match=r"sum to 1\.3.*, more than 1: these are rounded, as told_as='rounded:0' says"):
        kt.TransferSet.from_records(records, actions=[0, 1, 2])
    again = kt.TransferSet.from_records(records, actions=[0, 1, 2], told_as="rounded:0")
    assert again.protocol == kt.rounded(0)
    np.testing.assert_array_equal(again.counts, data.counts)
    np.testing.assert_allclose(again.revealed, data.revealed, rtol=1e-14)
    with pytest.raises(ValueError, match="by more than rounding"):
        kt.TransferSet.from_records({"s": [0, 0], "a": [0, 1], "logp": [0.0, 0.0]}, told_as="rounded:0")
    with pytest.raises(ValueError, match="rounded to 1 digits"):
        kt.TransferSet.from_records({"s": [0], "a": [0], "logp": [-0.25]}, told_as="rounded:1")
    with pytest.raises(ValueError, match="is of partial labels"):
        kt.TransferSet.from_records({"s": [0], "a": [0]}, told_as="rounded:1")
    with pytest.raises(ValueError, match="must be rounded:D or tempered:T"):
        kt.TransferSet.from_records(records, told_as="partial")
    log, out = tmp_path / "log.csv", tmp_path / "students.csv"
    rows = zip(*(column.tolist() for column in records.values()), strict=True)
    log.write_text("s,a,logp,count\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    words = ["fit", str(log), "--A", "3", "--told-as", "rounded:0"]
    assert main([*words, "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["learners"] == ["CE_sgl", "ADD_sgl", "SEL@rounded:0", "CLIP@rounded:0"]
    assert main(words) == 0
    assert "told as rounded:0" in capsys.readouterr().out
    assert main([*words[:-1], "soft"]) == 2
    assert "--told-as is soft: it must be rounded:D" in capsys.readouterr().err


def test_the_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, the receipts of the same names; which learner a plan counts on, by the plateau tanh(d/4)
    words = ["simulate", "--instance", "0", "--S", "2", "--A", "3", "--n", "9", "--reps", "50", "--learners", "CE_sgl"]
    assert main([*words, "--protocol", "rounded:1", "--protocol", "tempered:0.5", "--json"]) == 0
    said = [row["learner"] for row in json.loads(capsys.readouterr().out)]
    assert said == ["CE_sgl", "SEL@rounded:1", "CLIP@rounded:1", "SEL@tempered:0.5"]
    monkeypatch.setattr(promises, "REPS_KNOWN", 60)
    problem = kt.zipf_problem(S=2, A=4, seed=1)
    for target, learner in ((0.05, "SEL@rounded:1"), (0.02, "CLIP@rounded:1")):
        table = kt.plan(problem, target=target, protocols=["rounded:1", "tempered:2"]).table
        assert table["learner"].tolist() == [learner, "SEL@tempered:2"]
        assert (table["n"] > 0).all()


def test_a_study_keeps_the_form_of_a_protocol(tmp_path: Path) -> None:
    # Oracle: identity, the receipts of kt.simulate's learners by name; a protocol of one's own by its facts
    problem = kt.zipf_problem(S=2, A=3, seed=1)
    mine = Protocol("mine", tells_drawn=True, digits=1)
    learners = ["SEL@rounded:1", "CLIP@rounded:1", "SEL@tempered:0.5", inexact.inexact_sel(mine)]
    panels = [kt.study.Panel("one", problem, [5], learners)]
    frames = [kt.study.run(panels, reps=40, folder=tmp_path / "study").drop(columns="seconds") for _ in range(2)]
    pd.testing.assert_frame_equal(frames[0], frames[1])
    assert frames[0]["protocol"].tolist() == ["rounded:1", "rounded:1", "tempered:0.5", "mine"]
    assert frames[0]["mean"][0] == frames[0]["mean"][3]
