"""Learners, protocols and divergences of a user's own, wherever one is taken; `test_public` has what is refused."""

import shutil
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.learners import sel_ptl
from kt_theory.learners.partial import renormalised_at, sel_at, sel_told
from kt_theory.simulation import cells
from kt_theory.study import engine
from kt_theory.study.manifest import kept_design
from kt_theory.study.store import StudyFiles

PROBLEM = kt.Problem([0.5, 0.3, 0.2], [[0.7, 0.2, 0.1], [0.2, 0.4, 0.4], [1.0, 0.0, 0.0]], name="three rows")
DATA = Path(__file__).parent / "data"


def add_half(counts, revealed, init):
    """Counts raised by a half, everywhere: a learner with `fit` alone."""
    raised = counts + 0.5
    return raised / raised.sum(axis=1, keepdims=True)


HALF = kt.Learner("half", "hard", add_half)


def exact_mean(learner, n, divergence="tv"):
    return kt.risk_law(PROBLEM, learner, n, divergence=divergence).mean()


@pytest.mark.parametrize("divergence", ["tv", "kl", "l2", "hellinger", "top1"])
def test_means_of_a_learner_with_fit_alone_are_those_of_its_exact_law(divergence):
    # Oracle: enumeration of all count tables, kt.risk_law; |z| <= 4 at a fixed seed
    frame = kt.simulate(PROBLEM, [HALF, "CE_sgl"], [1, 6], 4000, seed=3, divergence=divergence)
    for row in frame.itertuples():
        learner = HALF if row.learner == "half" else row.learner
        truth = exact_mean(learner, row.n, divergence)
        assert row.mean == truth or abs(row.mean - truth) <= 4 * row.mcse


def test_a_wrong_law_would_be_seen():
    # Oracle: enumeration; a learner that adds 1 is planted in the place of the one that adds a half
    wrong = kt.Learner("wrong", "hard", lambda c, r, i: (c + 1.0) / (c + 1.0).sum(axis=1, keepdims=True))
    row = kt.simulate(PROBLEM, wrong, 6, 4000, seed=3).iloc[0]
    assert abs(row["mean"] - exact_mean(HALF, 6)) > 4 * row["mcse"]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_top_k_is_simulated_by_its_law(k, n):
    # Oracle: enumeration of count tables and of ties, kt.risk_law; row 1 has a tie at rank 1 and 2
    name = f"SEL@top_k:{k}"
    row = kt.simulate(PROBLEM, name, n, 4000, seed=k).iloc[0]
    truth = exact_mean(name, n)
    assert (row["protocol"], row["learner"]) == (f"top_k:{k}", name)
    assert abs(row["mean"] - truth) <= 4 * row["mcse"] + 1e-15
    by_fit = kt.Learner("stacked", kt.top_k(k), kt.learners.sel_told)
    both = kt.sample_risks(PROBLEM, [name, by_fit], n, 300, seed=k)
    np.testing.assert_allclose(both[:, 0], both[:, 1], atol=1e-15)


def test_the_law_of_top_k_by_hand():
    # Oracle: enumeration by hand; p = (1/2, 1/4, 1/4), n = 1, k = 1: label 0 is told, and one of the others or none
    problem = kt.Problem([1.0], [[0.5, 0.25, 0.25]])
    law = kt.risk_law(problem, "SEL@top_k:1", 1)
    assert law.values.tolist() == [0.0]
    law = kt.risk_law(kt.Problem([1.0], [[0.5, 0.3, 0.2]]), "SEL@top_k:1", 1)
    # Label 0 drawn: the rest, 1/2, is halved, which is 0.05 off; otherwise all is known.
    assert law.values == pytest.approx([0.0, 0.05])
    assert law.probabilities == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("n", [1, 5])
def test_a_natural_learner_knows_no_probability_that_is_not_told(n):
    # Oracle: enumeration of count tables, kt.risk_law; the drawn label is shown, its probability is not
    keep = kt.learners.sel_at(kt.Protocol("top_1_label", top=1))
    row = kt.simulate(PROBLEM, [keep, "SEL@top_k:1"], n, 4000, seed=3).iloc[0]
    assert abs(row["mean"] - exact_mean(keep, n)) <= 4 * row["mcse"]
    assert exact_mean(keep, n) > exact_mean("SEL@top_k:1", n) + 1e-3


def test_fit_and_draw_show_what_top_k_tells():
    # Oracle: enumeration by hand
    data = kt.draw(PROBLEM, "top_k:1", n=50, seed=2)
    assert data.protocol == kt.top_k(1)
    assert data.visits.tolist() == data.counts.sum(axis=1).tolist()
    told = ~np.isnan(data.revealed)
    assert told[0, 0]
    assert (told >= (data.counts > 0)).all()
    student = kt.fit(data, "SEL@top_k:1")
    assert (student[told] == PROBLEM.teacher[told]).all()
    with pytest.raises(kt.Unsupported, match="CE_ful needs soft labels, the transfer set has top_k:1 ones"):
        kt.fit(data, "CE_ful")


def test_expected_risk_simulates_what_has_no_exact_route_and_says_so():
    # Oracle: enumeration, kt.risk_law
    with pytest.warns(UserWarning, match=r"half has no exact route .*; simulated instead"):
        risk = kt.expected_risk(PROBLEM, HALF, 6)
    assert "Monte Carlo" in risk.route
    assert abs(risk - exact_mean(HALF, 6)) <= 4 * risk.error
    with pytest.raises(ValueError, match="half has no exact route"):
        kt.expected_risk(PROBLEM, HALF, 6, method="exact")
    with pytest.warns(UserWarning, match="divergence hellinger has no exact route"):
        kt.expected_risk(PROBLEM, "CE_sgl", 6, divergence="hellinger")


@pytest.mark.slow
def test_a_bound_on_a_learner_of_ones_own_is_attacked():
    # Oracle: identity, no risk exceeds 1, and the risk of `half` at n = 1 exceeds a tenth somewhere
    claims = {"one": lambda n, S, A: 1.0, "tenth": lambda n, S, A: 0.1}
    board = kt.verify(statements=[kt.ledger.upper_bound(name, HALF, bound) for name, bound in claims.items()])
    assert board["verdict"].tolist() == ["holds", "refuted"]


# --- Learners that couple inputs ------------------------------------------------------------------------


def pooled(counts, revealed, init):
    """The frequencies of the whole table, at every input."""
    total = counts.sum(axis=0, keepdims=True) + 1.0
    return np.broadcast_to(total / total.sum(), counts.shape)


def test_a_learner_that_couples_inputs_is_found_out_or_given_whole_tables():
    # Oracle: second algorithm, a loop over repeats in plain NumPy
    with pytest.raises(ValueError, match="pooled answers a row differently when other rows stand beside it"):
        kt.simulate(PROBLEM, kt.Learner("pooled", "hard", pooled), 6, 50)
    coupled = kt.Learner("pooled", "hard", pooled, couples_inputs=True)
    risks = kt.sample_risks(PROBLEM, coupled, 6, 40, seed=1)[:, 0]
    freqs = kt.sample_risks(PROBLEM, "CE_sgl", 6, 40, seed=1)[:, 0]
    assert risks.shape == freqs.shape
    with pytest.raises(kt.Unsupported, match="pooled couples inputs"):
        kt.risk_law(PROBLEM, coupled, 3)


@pytest.mark.parametrize(
    ("fit", "match"),
    [
        (lambda c, r, i: c + 1.0, r"what odd answers\[0, 0\] is|what odd answers\[0\] sums to"),
        (lambda c, r, i: i[:, :1], "what odd answers has shape"),
        (lambda c, r, i: np.full(c.shape, np.nan), r"what odd answers\[0, 0\] is nan"),
        (lambda c, r, i: np.where(np.isnan(r), r, r), r"what odd answers\[.*\] is nan"),
    ],
)
def test_an_answer_that_is_no_student_is_refused(fit, match):
    # Oracle: none needed, one sentence
    odd = kt.Learner("odd", "hard", fit)
    with pytest.raises(ValueError, match=match):
        kt.simulate(PROBLEM, odd, 6, 50)


def test_learners_are_told_apart_by_what_they_do():
    # Oracle: identity
    def raising(c):
        return kt.Learner("plus", "hard", lambda counts, revealed, init: add_half(counts + c, revealed, init))

    assert raising(1).fingerprint == raising(1).fingerprint
    assert raising(1).fingerprint != raising(2).fingerprint
    with pytest.raises(ValueError, match="two different learners of the name plus"):
        kt.simulate(PROBLEM, [raising(1), raising(2)], 6, 50)
    assert kt.Learner("x", "partial", sel_ptl, fingerprint="v2").fingerprint == "v2"


# --- Studies --------------------------------------------------------------------------------------------


def test_a_study_draws_only_the_learners_that_it_lacks(tmp_path):
    # Oracle: identity, the same study in memory
    panel = kt.study.Panel("p", PROBLEM, [5, 50], ["CE_sgl", HALF])
    first = kt.study.run_in_folder(kt.study.Design("d", [panel], 200, seed=4), tmp_path / "s")
    assert first.tally.drawn == 2
    before = {path: path.read_text() for path in (tmp_path / "s").glob("batches/*/*.json")}
    more = kt.study.Design(
        "d", [kt.study.Panel("p", PROBLEM, [5, 50], ["CE_sgl", HALF, "SEL@top_k:1", "CE_ful"])], 200, seed=4
    )
    second = kt.study.run_in_folder(more, tmp_path / "s")
    assert second.tally.drawn == 2
    in_memory = kt.study.run(more.panels, 200, 4)
    assert second.receipts.drop(columns="seconds").equals(in_memory.drop(columns="seconds"))
    old = second.receipts[second.receipts["learner"].isin(["CE_sgl", "half"])].reset_index(drop=True)
    assert old.drop(columns="seconds").equals(first.receipts.drop(columns="seconds"))
    for path, text in before.items():
        assert text.split('"moments": [')[1].rsplit("]", 1)[0].rstrip() in path.read_text()
    assert kt.study.run_in_folder(more, tmp_path / "s").tally.drawn == 0
    assert (
        kt.study.export(tmp_path / "s").receipts.drop(columns="seconds").equals(in_memory.drop(columns="seconds"))
    )  # by name: the folder does not have the function


def test_a_folder_is_read_again_whose_learners_have_protocols_of_ones_own(tmp_path):
    # Oracle: identity, the same study in memory, by threads
    protocols = [kt.Protocol("mine", top=2), kt.Protocol("hidden", shows_label=False, top=1, lists_last=False)]
    own = [kt.Learner(f"keep {p}", p, lambda c, revealed, init: sel_told(c, revealed, init)) for p in protocols]
    design = kt.study.Design("d", [kt.study.Panel("p", PROBLEM, [5], ["CE_sgl", *own])], 100, seed=4)
    there = kt.study.run(design.panels, 100, 4).drop(columns="seconds")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        kt.study.run_in_folder(design, tmp_path / "s", executor=pool)
    assert kt.study.status(tmp_path / "s").done
    assert kt.study.check(tmp_path / "s").done
    assert kt.study.export(tmp_path / "s").receipts.drop(columns="seconds").equals(there)
    again = kt.study.run_in_folder(design, tmp_path / "s")
    assert again.tally.drawn == 0
    assert again.receipts.drop(columns="seconds").equals(there)
    (planned,) = kept_design(StudyFiles(tmp_path / "s"))[1]
    assert [learner.protocol for learner in planned.learners[1:]] == protocols


def test_a_manifest_of_named_protocols_says_no_more_than_their_names(tmp_path):
    # Oracle: identity, the three fields of a learner of format 2
    panel = kt.study.Panel("p", PROBLEM, [5], ["SEL_ptl", HALF, "SEL@top_k:1:but_last", "RENORM@top_k_only:1"])
    kt.study.run_in_folder(kt.study.Design("d", [panel], 10, seed=4), tmp_path / "s")
    for cell in StudyFiles(tmp_path / "s").manifest()["cells"]:
        assert all(list(learner) == ["name", "protocol", "fingerprint"] for learner in cell["learners"])


def test_another_function_of_the_same_name_is_drawn_anew(tmp_path):
    # Oracle: identity, the other study in memory
    def design(c):
        own = kt.Learner("plus", "hard", lambda counts, revealed, init: add_half(counts + c, revealed, init))
        return kt.study.Design("d", [kt.study.Panel("p", PROBLEM, [5], [own])], 200, seed=4)

    one = kt.study.run_in_folder(design(1), tmp_path / "s")
    two = kt.study.run_in_folder(design(2), tmp_path / "s")
    assert (one.tally.drawn, two.tally.drawn) == (1, 1)
    assert one.receipts["mean"].item() != two.receipts["mean"].item()
    assert two.receipts["mean"].item() == kt.study.run(design(2).panels, 200, 4)["mean"].item()


@pytest.mark.slow
def test_processes_draw_a_learner_of_ones_own_to_the_same_bytes(tmp_path):
    # Oracle: identity, threads
    own = kt.Learner("closure", "hard", lambda counts, revealed, init: add_half(counts, revealed, init))
    panels = [kt.study.Panel("p", PROBLEM, [5, 50], ["SEL_ptl", own])]
    threads = kt.study.run(panels, 100, 4)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        processes = kt.study.run(panels, 100, 4, executor=pool, folder=tmp_path / "s")
    assert threads.drop(columns="seconds").equals(processes.drop(columns="seconds"))


def test_another_divergence_is_kept_apart(tmp_path):
    # Oracle: identity, kt.simulate
    def design(divergence):
        panel = kt.study.Panel("p", PROBLEM, [5], ["CE_sgl", "SEL_ptl"])
        return kt.study.Design("d", [panel], 200, seed=4, divergence=divergence)

    for divergence in ("tv", "kl", "tv"):
        done = kt.study.run_in_folder(design(divergence), tmp_path / "s").receipts
        direct = kt.simulate(PROBLEM, ["CE_sgl", "SEL_ptl"], 5, 200, 4, divergence=divergence)
        assert done["mean"].tolist() == direct["mean"].tolist()
    assert kt.simulate(PROBLEM, "CE_sgl", 5, 200, 4, divergence="kl")["infinite"].item() > 0


def test_a_folder_of_format_1_goes_on_and_keeps_its_numbers(tmp_path):
    # Oracle: frozen, written by kt_theory 0.1.0: an alarm for the reader of format 1
    # Its draws are of revision 1, which differs from today's beyond 16 samples a pair only: more than it has.
    assert cells.REVISION == 2
    folder = shutil.copytree(DATA / "study_format_1", tmp_path / "old")
    (folder / "lock").touch()
    assert kt.study.status(folder).done
    kt.study.write_receipts(kt.study.export(folder).receipts, tmp_path / "old.csv")
    assert (tmp_path / "old.csv").read_text() == (DATA / "study_format_1.csv").read_text()
    design = kt.study.read_design(DATA / "study_format_1.toml")
    again = kt.study.run_in_folder(design, folder)
    assert (again.tally.drawn, again.tally.stored) == (0, 2)
    (panel,) = design.panels
    learners = ["CE_sgl", "SEL_ptl", "SEL@top_k:2", HALF]
    more = kt.study.Design(
        design.name, [kt.study.Panel(panel.name, panel.problem, panel.n, learners)], design.reps, design.seed
    )
    added = kt.study.run_in_folder(more, folder)
    assert added.tally.drawn == 2
    kept = added.receipts[added.receipts["learner"].isin(["CE_sgl", "SEL_ptl"])]
    kt.study.write_receipts(kept, tmp_path / "kept.csv")
    assert (tmp_path / "kept.csv").read_text() == (DATA / "study_format_1.csv").read_text()
    whole = kt.study.run(more.panels, more.reps, more.seed)
    whole["version"], whole["numpy"] = added.receipts["version"], added.receipts["numpy"]
    assert added.receipts.drop(columns="seconds").equals(whole.drop(columns="seconds"))
    files = StudyFiles(folder)
    assert {len(files.load(batch).keys) for batch in files.batches()} == {7}  # five of format 1, and two


# --- What a user's objects may get wrong ----------------------------------------------------------------


def peek_row(visits, counts, told, teacher, init, student):
    """A row function that does not do what its `fit` does."""
    for a in range(counts.size):
        student[a] = teacher[a]


def half_row(visits, counts, told, teacher, init, student):
    """The row function of `add_half`."""
    for a in range(counts.size):
        student[a] = (counts[a] + 0.5) / (visits + 0.5 * counts.size)


@pytest.mark.parametrize("coupled", [False, True])
def test_a_learner_may_answer_with_the_same_array_each_time(coupled):
    # Oracle: identity, the same learner with a new array each time
    kept = np.empty(10**6)

    def again(counts, revealed, init):
        student = kept[: counts.size].reshape(counts.shape)
        student[...] = add_half(counts, revealed, init)
        return student

    own, new = (kt.Learner("half", "hard", fit, couples_inputs=coupled) for fit in (again, add_half))
    risks = [kt.sample_risks(PROBLEM, learner, 30, 200, 5, workers=1) for learner in (own, new)]
    assert risks[0].tobytes() == risks[1].tobytes()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda table: table.__setitem__((2, 1), np.nan), r"\[2, 1\] is nan"),
        (lambda table: table.__setitem__((2, 1), -0.1), r"\[2, 1\] is -0.1"),
        (lambda table: table.__setitem__(2, 0.9), r"\[2, |\[2\] sums to"),
        (lambda table: table.__setitem__((2, 0), table[2, 0] - 2e-6), r"\[2\] sums to"),
    ],
)
def test_what_a_learner_answers_is_checked_on_stacked_rows(wrong, said):
    # Oracle: definition, one entry of a table planted
    def fit(counts, revealed, init):
        student = add_half(counts, revealed, init)
        if len(student) > 2:
            wrong(student)
        return student

    with pytest.raises(ValueError, match="what half answers" + said):
        kt.sample_risks(PROBLEM, kt.Learner("half", "hard", fit), 30, 20, 5, workers=1)


def test_a_row_function_is_held_against_fit():
    # Oracle: second algorithm, the same learner by its fit alone; it answers init nowhere, so all inputs are visited
    problem = kt.Problem([1.0], [[0.7, 0.2, 0.1]])
    fast = kt.Learner("fast", "hard", add_half, row=half_row)
    both = kt.sample_risks(problem, [fast, HALF], 6, 200, seed=1)
    np.testing.assert_allclose(both[:, 0], both[:, 1], atol=1e-15)
    with pytest.raises(ValueError, match="wrong has a row function that gives risk"):
        kt.simulate(problem, kt.Learner("wrong", "hard", add_half, row=peek_row), 6, 50)


def test_a_row_function_that_closes_over_a_value_is_compiled_anew_for_another():
    # Oracle: second algorithm, fit
    def raised_by(c):
        def fit(counts, revealed, init):
            return (counts + c) / (counts + c).sum(axis=1, keepdims=True)

        def row(visits, counts, told, teacher, init, student):
            for a in range(counts.size):
                student[a] = (counts[a] + c) / (visits + c * counts.size)

        return kt.Learner(f"plus {c}", "hard", fit, row=row)

    problem = kt.Problem([1.0], [[0.7, 0.2, 0.1]])
    one, five = kt.sample_risks(problem, [raised_by(1.0), raised_by(5.0)], 6, 100, seed=1).mean(axis=0)
    assert one != five


def test_a_learner_that_writes_into_its_arguments_changes_no_other():
    # Oracle: identity
    def writing(counts, revealed, init):
        np.maximum(counts, 1, out=counts)
        return counts / counts.sum(axis=1, keepdims=True)

    with pytest.raises(ValueError, match="read-only"):
        kt.simulate(PROBLEM, [kt.Learner("writing", "hard", writing), "CE_sgl"], 6, 50)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (lambda q, p: np.full(q.shape[:-1], np.nan), "what divergence odd answers is nan"),
        (lambda q, p: np.full(q.shape[:-1], -1.0), "what divergence odd answers is -1.0"),
        (lambda q, p: np.float64(1.0), r"divergence odd answers with shape \(\)"),
        (lambda q, p: np.abs(q - p), r"divergence odd answers with shape"),
    ],
)
def test_what_a_divergence_answers_is_checked(rows, match):
    # Oracle: definition, a value of at least 0 a row
    odd = kt.Divergence("odd", rows)
    for work in (
        lambda: kt.simulate(PROBLEM, "CE_sgl", 6, 50, divergence=odd),
        lambda: kt.risk_law(PROBLEM, "CE_sgl", 2, divergence=odd),
    ):
        with pytest.raises(ValueError, match=match):
            work()


def test_divergences_of_one_name_are_told_apart(tmp_path, monkeypatch):
    # Oracle: identity, twice the divergence is twice the mean
    def scaled(c):
        return kt.Divergence("mine", lambda q, p: c * np.abs(q - p).sum(axis=-1))

    panels = [kt.study.Panel("p", PROBLEM, [5], ["CE_sgl"])]
    one, two = (kt.study.run(panels, 50, 4, folder=tmp_path / "s", divergence=scaled(c)) for c in (1.0, 2.0))
    assert two["mean"].item() == pytest.approx(2 * one["mean"].item(), rel=1e-12, abs=0)
    for path in (tmp_path / "s").glob("batches/*/*.json"):
        path.unlink()
    monkeypatch.setattr(engine, "_CELLS", OrderedDict())  # as in a new process, which has no divergence of a user's
    found = kt.study.check(tmp_path / "s")
    assert not found.done
    (failure,) = kt.study.status(tmp_path / "s").failures
    assert "only its design has it" in failure["error"]


def test_names_of_the_package_are_taken():
    # Oracle: definition
    for work in (
        lambda: kt.simulate(PROBLEM, kt.Learner("CE_sgl", "hard", add_half), 6, 50),
        lambda: kt.draw(PROBLEM, kt.Protocol("partial"), 5),
        lambda: kt.draw(PROBLEM, kt.Protocol("top_k:3"), 5),
    ):
        with pytest.raises(kt.Unsupported, match="that name is the package's"):
            work()


def test_risk_law_refuses_a_learner_that_couples_inputs_without_saying_so():
    # Oracle: definition
    with pytest.raises(ValueError, match="pooled answers a row differently"):
        kt.risk_law(PROBLEM, kt.Learner("pooled", "hard", pooled), 3)


def test_more_data_sets_change_no_tie():
    # Oracle: identity, the first repeats
    flat = kt.Problem([0.5, 0.5], np.full((2, 12), 1 / 12))
    few = kt.sample_risks(flat, "SEL@top_k:5", 3, 4, seed=1)
    many = kt.sample_risks(flat, "SEL@top_k:5", 3, 10, seed=1)
    assert (few == many[:4]).all()


def test_top1_is_the_same_by_rows_and_by_arrays():
    # Oracle: enumeration, kt.risk_law; shares that are equal but for rounding are ties
    problem = kt.Problem([1.0], [[0.33333333, 0.33347619, 0.33319048]])
    row = kt.simulate(problem, "SEL_ptl", 1, 4000, seed=2, divergence="top1").iloc[0]
    assert abs(row["mean"] - kt.risk_law(problem, "SEL_ptl", 1, divergence="top1").mean()) <= 4 * row["mcse"]


def test_fingerprints_see_what_a_function_reads():
    # Oracle: identity
    def learner(fit, protocol="hard"):
        return kt.Learner("m", protocol, fit).fingerprint

    one, two = (lambda c, r, i: i), (lambda c, r, i: i**1 / 1)
    assert learner(one) != learner(two)
    assert learner(one) != learner(one, "partial")
    thing = object()
    with pytest.raises(ValueError, match="give a fingerprint"):
        learner(lambda c, r, i: i if thing else c)


@pytest.mark.parametrize("fact", ["shows_label", "lists_last", "listed"])
def test_fingerprints_see_each_fact_of_a_protocol(fact):
    # Oracle: identity, a learner of the same functions whose protocol differs in one fact
    one, two = (kt.Protocol("mine", top=2, **{fact: value}) for value in (False, True))
    for learner in (lambda protocol: kt.Learner("m", protocol, add_half), sel_at, renormalised_at):
        assert learner(one).fingerprint != learner(two).fingerprint


def test_fingerprints_of_the_packages_learners_are_those_of_stored_studies():
    # Oracle: frozen, as folders hold them: an alarm for whoever changes what is stored under them
    five = {name: f"{name} 1" for name in ("CE_sgl", "ADD_sgl", "CE_ptl", "SEL_ptl", "CE_ful")}
    named = {
        "SEL@top_k:20": "SEL@ 1, top_k:20, True, 20",
        "SEL@top_k:20:but_last": "SEL@ 1, top_k:20:but_last, True, 20",
        "SEL@top_k_only:3": "SEL@ 1, top_k_only:3, False, 3",
        "SEL@told": "SEL@ 1, told, True, 0",
        "RENORM@top_k_only:3": "RENORM@ 1, top_k_only:3, False, 3",
        "RENORM@top_k_label:3:but_last": "RENORM@ 1, top_k_label:3:but_last, True, 3",
    }
    assert {name: kt.learners.resolve_learner(name).fingerprint for name in five | named} == five | named
