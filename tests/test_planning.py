"""Plans: the least n that keeps a promise, in the worst case, for a teacher, and from a pilot."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import kt_theory as kt
from kt_theory import bounds
from kt_theory.cli.commands import main
from kt_theory.learners import LEARNERS
from kt_theory.planning import promises, searching, worlds
from kt_theory.planning.worlds import GRID, Worlds


@pytest.fixture(autouse=True)
def fewer_trials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer teachers and data sets than a plan takes, but for what runs behind `slow`."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(promises, "WORLDS", 30)
        monkeypatch.setattr(promises, "REPS", 5)
        monkeypatch.setattr(promises, "REPS_KNOWN", 400)


def test_the_worst_case_is_where_the_bounds_cross_the_target() -> None:
    # Oracle: identity, the bounds at n and beside it
    table = kt.plan(S=10, A=10, target=0.1, on_average=True).table.set_index("protocol")
    for protocol in ("hard", "partial", "soft"):
        n, below = int(table["n"][protocol]), int(table["impossible_below"][protocol])
        upper = bounds.best_upper(protocol, S=10, A=10, n=[n - 1, n]).value
        assert upper[1] <= 0.1 < upper[0]
        assert bounds.best_lower(protocol, S=10, A=10, n=below).value <= 0.1
        assert bounds.best_lower(protocol, S=10, A=10, n=below - 1).value > 0.1
    sure = kt.plan(S=10, A=10, target=0.1, confidence=0.95).table.set_index("protocol")["n"]
    assert bounds.hard_upper_whp_joint(S=10, A=10, n=int(sure["hard"]), delta=0.05) <= 0.1 + 1e-12
    assert (sure > table["n"]).all()


def test_a_known_teacher_on_average() -> None:
    # Oracle: the exact expected risk, at n and 5 % below
    problem = kt.zipf_problem(S=3, A=6, seed=1)
    table = kt.plan(problem, target=0.05, on_average=True, protocols=["hard", "partial", "top_k:2", "soft"]).table
    for protocol, learner, n in table[["protocol", "learner", "n"]].itertuples(index=False):
        assert kt.expected_risk(problem, learner, n) <= 0.05 * 1.03, protocol
        assert kt.expected_risk(problem, learner, math.floor(n / 1.06) - 1) > 0.05 * 0.98, protocol


def test_a_floor_is_told() -> None:
    # Oracle: the exact risk of a list at n = 10^12
    problem = kt.zipf_problem(S=3, A=6, seed=1)
    row = kt.plan(problem, target=0.01, protocols=["top_k_only:1"]).table.iloc[0]
    assert row.isna()["n"]
    assert row["floor"] == pytest.approx(kt.expected_risk(problem, "SEL@top_k_only:1", 10**12), rel=1e-9, abs=0)


def test_shares_of_interchangeable_labels_are_dirichlet() -> None:
    # Oracle: published, the second moment of a symmetric Dirichlet law; |z| <= 4 at a fixed seed
    rng = np.random.default_rng(4)
    for others, alpha in ((1, 0.3), (2, 1.0), (7, 0.5), (40, 0.05)):
        squares = []
        for _ in range(3000):
            shares = worlds._shares(others, alpha, 0.5, rng)
            assert shares.size <= others
            assert abs(shares.sum() - 0.5) < 1e-12
            squares.append((shares**2).sum())
        expected = 0.25 * (1 + alpha) / (1 + others * alpha)
        error = np.std(squares) / math.sqrt(len(squares))
        assert abs(np.mean(squares) - expected) <= 4 * error + 1e-9


def test_shares_are_the_same_law_however_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: second algorithm, shares drawn one by one; mean of the largest, |z| <= 4
    found = []
    for at_once in (1, 64):
        monkeypatch.setattr(worlds, "AT_ONCE", at_once)
        rng = np.random.default_rng(6)
        found.append(np.array([worlds._shares(30, 0.2, 1.0, rng).max() for _ in range(1000)]))
    error = math.sqrt(found[0].var() / 1000 + found[1].var() / 1000)
    assert abs(found[0].mean() - found[1].mean()) <= 4 * error


def test_a_pilot_that_leaves_too_large_teachers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: none needed, one sentence that names the way out
    monkeypatch.setattr(worlds, "CELLS_MOST", 50)
    pilot = kt.draw(kt.zipf_problem(S=40, A=30, seed=2), "hard", 60, seed=1)
    with pytest.raises(kt.Unsupported, match="name a column with the class of each input as the state"):
        kt.plan(pilot=pilot, target=0.3, protocols=["soft"])


def test_teachers_keep_what_was_told() -> None:
    # Oracle: identity, of the pilot's own probabilities; rows sum to 1
    problem = kt.zipf_problem(S=4, A=30, seed=2)
    for sparse in (False, True):
        pilot = kt.draw(problem, "partial", 60, seed=1)
        told = ~np.isnan(pilot.revealed)
        if sparse:
            cells = (*np.nonzero(pilot.counts), pilot.counts[pilot.counts > 0])
            counts = kt.SparseTable.from_cells(*cells, (4, 30))
            pilot = kt.TransferSet.from_counts(counts, problem.teacher, "partial")
        teacher = Worlds(pilot).draw(np.random.default_rng(3)).teacher
        np.testing.assert_allclose(teacher[told], problem.teacher[told], rtol=1e-12)
        np.testing.assert_allclose(teacher.sum(axis=1), 1.0, rtol=1e-12)


def test_a_concentration_is_found() -> None:
    # Oracle: identity, the law that the rows were drawn from; 400 rows say c = A alpha to within a step of the grid
    rng = np.random.default_rng(1)
    teacher = rng.dirichlet(np.full(10, 0.3), 400)
    pilot = kt.draw(kt.Problem(np.full(400, 1 / 400), teacher), "hard", 40_000, seed=2)
    found = Worlds(pilot)
    mean = math.exp(float(found._law_odds @ found._laws @ np.log(found.concentrations)))
    assert 3.0 / 1.5 <= mean <= 3.0 * 1.5


def test_the_posterior_of_the_law_of_concentrations() -> None:
    # Oracle: second algorithm, Polya's urn for the likelihood of each concentration, record by record, in fractions
    counts = [[2, 1, 0], [0, 0, 3], [0, 0, 0]]
    found = Worlds(kt.TransferSet.from_counts(counts, [[1 / 3] * 3] * 3, "hard"))

    def urn(row: list[int], c: float) -> Fraction:
        """The probability of one order of the records of a row."""
        alpha, chance, before = Fraction(c) / 3, Fraction(1), 0
        for number in row:
            for i in range(number):
                chance *= (i + alpha) / (before + Fraction(c))
                before += 1
        return chance

    likely = [[urn(row, c) for c in found.concentrations] for row in counts]
    weights = []
    for spread, mean in itertools.product(worlds.SPREADS, np.log(found.concentrations)):
        law = np.exp(-0.5 * ((np.log(found.concentrations) - mean) / spread) ** 2)
        given = [sum(Fraction(x) * p for x, p in zip(law, row, strict=True)) / Fraction(law.sum()) for row in likely]
        weights.append(worlds.ODDS ** worlds.SPREADS.index(spread) * float(math.prod(given)))
    np.testing.assert_allclose(found._law_odds, np.array(weights) / sum(weights), rtol=1e-10)
    # Shown red: every deviation as likely before the pilot.
    even = [w / worlds.ODDS ** (i // GRID) for i, w in enumerate(weights)]
    assert np.abs(found._law_odds - np.array(even) / sum(even)).max() > 1e-3


@pytest.mark.parametrize("on_average", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_promise_holds_or_not_as_all_risks_say(sparse: bool, on_average: bool) -> None:
    # Oracle: second algorithm, the risks of kt_theory.sample_risks, all of them, and the share that is kept
    rng = np.random.default_rng(8)
    dense = [kt.dirichlet_problem(2, 4, rng) for _ in range(8)]
    teachers = [
        kt.Problem.from_cells(one.rho, *np.indices((2, 4)).reshape(2, -1), one.teacher.ravel(), A=4) if sparse else one
        for one in dense
    ]
    learner, found, stopped = LEARNERS["SEL_ptl"], set(), 0
    cells = [searching.cells_of(one) for one in teachers]
    for n in (0, 5):
        every = np.array([kt.sample_risks(one, learner, n, 7, seed=3, workers=1)[:, 0] for one in teachers])
        for size, target, confidence in itertools.product((8, 1), (0.05, 0.3), (0.4, 0.7, 0.9)):
            risks = every[:size]
            good = (risks.mean(axis=1, keepdims=True) if on_average else risks) <= target
            shares = good.mean(axis=1) if size > 1 else good[0]
            trials = searching.Trials(cells[:size], learner, 7, 3)
            holds = trials.hold(n, target, confidence, on_average)
            assert holds == (shares.mean() - shares.std() / math.sqrt(shares.size) >= confidence)
            assert (trials.risks(n) == risks).all()
            found.add(holds)
            stopped += (~good[:-1]).sum() > (1 - confidence) * good.size
    assert found == {False, True}
    assert stopped > 3  # before the last teacher


def test_a_promise_that_is_given_up_too_early_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: planted, as above: given up once half of what may be missed is
    teachers = [kt.dirichlet_problem(2, 4, np.random.default_rng(i)) for i in range(12)]
    trials = searching.Trials([searching.cells_of(one) for one in teachers], LEARNERS["SEL_ptl"], 7, 3)
    targets = np.quantile(trials.risks(20), [0.75, 0.8, 0.85])
    assert all(trials.hold(20, target, 0.6, False) for target in targets)
    monkeypatch.setattr(searching, "SLACK", -0.3 * 12 * 7)
    assert not any(trials.hold(20, target, 0.6, False) for target in targets)


def kept(problem: kt.Problem, protocol: str, pilot_size: int, target: float, runs: int) -> tuple[float, float]:
    """The share of promises that fresh samples keep, and the median promise, as a multiple of what is needed."""
    learner = promises.COUNTED_ON[protocol]
    need = int(kt.plan(problem, target=target, protocols=[protocol]).table["n"][0])
    promised, good = [], 0.0
    for run in range(runs):
        pilot = kt.draw(problem, protocol, pilot_size, seed=1000 + run)
        n = int(kt.plan(pilot=pilot, target=target, protocols=[protocol], seed=run).table["n"][0])
        promised.append(n)
        # Many students of each promise: what is left of its error is that of the pilots.
        good += float(np.mean(kt.sample_risks(problem, learner, n, 500, seed=9000 + run) <= target))
    return good / runs, float(np.median(promised)) / need


@pytest.mark.parametrize("protocol", ["partial", pytest.param("hard", marks=pytest.mark.slow)])
def test_promises_are_kept(protocol: str) -> None:
    # Oracle: Monte Carlo, fresh students of the promised size; 0.9 less 3 binomial errors of 16 runs
    problem = kt.dirichlet_problem(3, 5, np.random.default_rng(3))
    share, ratio = kept(problem, protocol, 60, 0.15, 16)
    assert share >= 0.9 - 3 * math.sqrt(0.09 / 16)
    assert ratio <= 1.5


def test_promises_from_frequencies_alone_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: as above, planted: the frequencies of the pilot taken for the teacher, which lack the rare labels
    problem = kt.dirichlet_problem(3, 12, np.random.default_rng(3))

    def frequencies(self: Worlds, rng: np.random.Generator) -> kt.Problem:
        counts = np.zeros((self.S, self.A))
        rows = np.repeat(np.arange(self.S), np.diff(self._offsets))
        counts[rows, self._columns] = self._counts
        return kt.Problem(self._visits / self._visits.sum(), counts / counts.sum(axis=1, keepdims=True))

    monkeypatch.setattr(promises, "WORLDS", 1)
    monkeypatch.setattr(promises, "REPS", 100)
    monkeypatch.setattr(Worlds, "draw", frequencies)
    share, _ = kept(problem, "hard", 40, 0.15, 16)
    assert share < 0.9 - 3 * math.sqrt(0.09 / 16)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["hard", "partial"])
@pytest.mark.parametrize("rows", ["dirichlet", "zipf", "sharp"])
def test_promises_are_kept_as_in_500_runs(protocol: str, rows: str) -> None:
    # Oracle: Monte Carlo, 500 fresh students of each promise, from 400 records of 8 x 12; 0.9 less 3 binomial errors of
    # 500 runs. The share of 80 pilots has half the error of 500 runs of a student each, at a sixth of their time.
    problem = {
        "dirichlet": kt.dirichlet_problem(8, 12, np.random.default_rng(0)),
        "zipf": kt.zipf_problem(8, 12, seed=1),
        "sharp": kt.Problem(np.full(8, 1 / 8), np.random.default_rng(5).dirichlet(np.full(12, 0.2), 8)),
    }[rows]
    share, ratio = kept(problem, protocol, 400, 0.1, 80)
    print(f"{rows}, {protocol}: {share} kept, median promise {ratio} times what is needed")
    assert share >= 0.9 - 3 * math.sqrt(0.09 / 500)
    assert ratio <= 1.5


def test_a_small_pilot_promises_little() -> None:
    # Oracle: none needed; four records do not say that the uniform student is good enough, and the notes say so
    pilot = kt.TransferSet.from_records({"s": ["a", "a", "b", "a"], "a": ["x", "y", "x", "x"]})
    found = kt.plan(pilot=pilot, target=0.3, protocols=["soft"])
    assert found.table["n"][0] > 0
    assert "fewer than five records an input" in found.notes[0]


@pytest.mark.parametrize(("protocol", "learner"), [("hard", None), ("partial", "SEL_ptl"), ("soft", "CE_ful")])
def test_the_pilot_audits_its_own_student(
    protocol: str, learner: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # Oracle: identity, kt_theory.self_audit of the pilot
    monkeypatch.setattr(promises, "WORLDS", 5)
    monkeypatch.setattr(promises, "REPS", 2)
    rows = [["x", "a", 2, 0.5, 0.3, 0.2], ["x", "b", 1, 0.5, 0.3, 0.2], ["y", "c", 1, 0.1, 0.1, 0.8]]
    counts, teacher = [[2, 1, 0], [0, 0, 1]], np.array([rows[0][3:], rows[2][3:]])
    pilot = kt.TransferSet.from_counts(counts, teacher, protocol, states=["x", "y"], actions=["a", "b", "c"])
    found = kt.plan(pilot=pilot, target=0.5, protocols=["soft"])
    if learner is None:
        assert found.pilot_audit is None
    else:
        assert found.pilot_audit == kt.self_audit(pilot)
        assert found.pilot_audit.learner == learner
    if protocol != "partial":
        return
    log = tmp_path / "log.csv"
    log.write_text("state,action,count,p\nx,a,2,0.5\nx,b,1,0.3\ny,c,1,0.8\n", encoding="utf-8")
    words = ["plan", "--pilot", str(log), "--target", "0.5", "--protocols", "soft"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "samples for a risk of at most 0.5 with probability 0.9, for the teachers that the pilot leaves possible:\n"
    )
    audit = kt.self_audit(pilot)
    said = "from the pilot's records alone: risk of SEL_ptl, by leaving out one record at a time: "
    assert f"{said}{audit.risk:.4g} (standard error" in printed
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["self-audit"]
    assert told == {"learner": "SEL_ptl", "risk": audit.risk, "standard_error": audit.standard_error}


@pytest.mark.parametrize(("n", "centre"), [(None, 10_000), (500, 500), (3, 10)])
def test_a_curve_goes_from_a_hundredth_of_the_answer_to_ten_times_it(n: int | None, centre: int) -> None:
    # Oracle: definition, of risks that are 1/n and 3/n: their mean and their quantile
    trials = SimpleNamespace(risks=lambda size: np.array([1.0, 3.0]) / max(size, 1))
    points = promises._curve("soft", trials, n, 0.75)  # type: ignore[arg-type]
    sizes = sorted({round(centre * 10 ** (k / 4 - 2)) for k in range(13)})
    assert [(protocol, size) for protocol, size, *_ in points] == [("soft", size) for size in sizes]
    for _, size, mean, high in points:
        assert (mean, high) == pytest.approx((2 / max(size, 1), 2.5 / max(size, 1)))


TABLE = "a table learns nothing across inputs"
CLASS = "name a column with the class of each input as the state"
FEW = "the pilot has 14 records of 3 inputs, fewer than five records an input: what its teachers look like is mostly "
FEW += "the prior law's"
MANY = "and on teachers with many rare labels, such as language models, it can be eight times worse than counting"


def test_what_a_plan_takes_for_granted_is_said() -> None:
    # Oracle: none needed, the notes by hand
    hard = {"hard": LEARNERS["CE_sgl"], "soft": LEARNERS["CE_ful"]}
    table = f"{TABLE}: on unvisited inputs the student is uniform"
    for source, words in (
        ("worst case", "has nearly the least risk over all teachers"),
        ("pilot", "is made for the worst teacher"),
    ):
        counted = f"hard labels are counted with CE_sgl; ADD_sgl {words}, {MANY}"
        assert promises._always(hard, source) == [counted, table]
    assert promises._always({"soft": LEARNERS["CE_ful"]}, "pilot") == [table]


@pytest.mark.parametrize(
    ("visits", "states", "said"),
    [
        ([1, 1, 3], 3, [f"2 of 3 inputs of the pilot were visited once: {TABLE}; {CLASS}"]),
        ([1, 6, 8], 3, []),  # one input alone is no sign of it
        ([1, 6, 7], 3, [FEW]),
        ([15], 3, []),
        ([14], 3, [FEW]),
    ],
)
def test_what_a_pilot_leaves_open_is_said(visits: list[int], states: int, said: list[str]) -> None:
    # Oracle: none needed, the notes by hand at their thresholds
    records = {"s": np.repeat([f"q{i}" for i in range(len(visits))], visits), "a": ["yes"] * sum(visits)}
    names = [f"q{i}" for i in range(states)]
    assert promises._about(kt.TransferSet.from_records(records, states=names)) == said


def test_one_visit_a_prompt_is_said() -> None:
    # Oracle: none needed, the note
    pilot = kt.TransferSet.from_records({"s": [f"prompt {i}" for i in range(30)], "a": ["yes", "no"] * 15})
    notes = kt.plan(pilot=pilot, target=0.2, protocols=["soft"]).notes
    assert "a table learns nothing across inputs" in notes[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": 0.1}, "nothing given"),
        ({"S": 2, "target": 0.1}, "give a teacher, or S and A, or a pilot"),
        ({"S": 2, "A": 2, "target": 1.5}, "target is 1.5"),
        ({"S": 2, "A": 2, "target": 0.1, "protocols": ["top_k:2"]}, "the worst case has hard, partial and soft"),
        ({"S": 2, "A": 2, "target": 0.1, "protocols": ["hard", "hard"]}, "protocols names hard twice"),
        ({"S": 2, "A": 2, "target": 0.1, "protocols": []}, "protocols is empty"),
        ({"S": 2, "A": 2, "target": 0.1, "cost": {"top_k:5": 1}}, "not in this plan"),
        ({"S": 2, "A": 2, "target": 0.1, "cost": {"hard": -1}}, "cost of hard is -1"),
    ],
)
def test_plans_that_are_refused(arguments: dict[str, object], words: str) -> None:
    # Oracle: none needed, one sentence
    with pytest.raises(ValueError, match=words):
        kt.plan(**arguments)  # type: ignore[arg-type]


def test_the_command(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    # Oracle: identity, kt.plan's table
    from pathlib import Path

    folder = Path(str(tmp_path))
    log = folder / "log.csv"
    log.write_text("state,action,p,count\nx,a,0.5,9\nx,b,0.3,4\ny,a,0.9,8\n")
    figure = folder / "plan.png"
    assert main(["plan", "--pilot", str(log), "--other", "--acceptance", "0.8", "--protocols", "hard", "soft",
                 "--cost", "hard=2", "--plot", str(figure), "--json"]) == 0  # fmt: skip
    said = json.loads(capsys.readouterr().out)
    pilot = kt.tables.read_records(log, other="<other>")
    table = kt.plan(pilot=pilot, target=0.2, protocols=["hard", "soft"], cost={"hard": 2.0}).table
    assert [row["n"] for row in said["protocols"]] == table["n"].tolist()
    assert said["protocols"][0]["cost"] == 2 * said["protocols"][0]["n"]
    assert figure.stat().st_size > 10_000
    assert main(["plan", "--S", "10", "--A", "10", "--target", "0.1", "--on-average"]) == 0
    printed = capsys.readouterr().out.splitlines()
    found = kt.plan(S=10, A=10, target=0.1, on_average=True)
    assert printed[0] == "samples for an expected risk of at most 0.1, for every teacher of this size:"
    assert printed[1].split() == ["protocol", "learner", "n", "impossible", "below"]
    assert [row.split() for row in printed[2:5]] == [
        [row.protocol, row.learner, f"{row.n:,}", f"{row.impossible_below:,}"] for row in found.table.itertuples()
    ]
    assert len({len(row) for row in printed[1:5]}) == 1
    assert printed[5:] == [f"- {note}" for note in found.notes]
    assert "ADD_sgl" in printed[6]
    for words in (
        "--S 2 --target 0.1",
        "--bundled next_word --target 0.1 --states x",
        "--S 2 --A 2 --target 2",
        "--S 2 --A 2 --target 0.1 --cost hard",
    ):
        assert main(["plan", *words.split()]) == 2
        assert capsys.readouterr().err.count("\n") == 1
