"""Each learner row by row, on stored cells and on repeats side by side, as plain Python, against its definition."""

import itertools

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.checks import Unsupported
from kt_theory.learners import resolve_learner
from kt_theory.learners.inexact import Clipped, Untempered, rounded_cells, sel_rounded, untempered_cells
from kt_theory.learners.registry import of_the_package, resolve_learners
from kt_theory.learners.told import ON_CELLS, Told

#: Teachers with zeros and ties, and counts of labels that they use: none unseen, some, all but one.
CASES = [
    ([0.4, 0.3, 0.2, 0.1], [2, 1, 3, 1]),
    ([0.4, 0.3, 0.2, 0.1], [0, 5, 0, 1]),
    ([0.4, 0.3, 0.2, 0.1], [1, 0, 0, 0]),
    ([0.5, 0.5, 0.0, 0.0], [3, 4, 0, 0]),
    ([0.5, 0.5, 0.0, 0.0], [0, 2, 0, 0]),
    ([1.0, 0.0, 0.0, 0.0], [7, 0, 0, 0]),
    ([0.25, 0.25, 0.25, 0.25], [0, 0, 1, 1]),
]
INITS = [[0.25] * 4, [0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
NAMES = [*kt.LEARNERS, "SEL@top_k:2", "SEL@top_k_only:2", "RENORM@top_k_only:2", "RENORM@top_k_label:1",
         "CE@top_k_label:2", "CE@top_k_label:1"]  # fmt: skip
ROUNDED = ["SEL@rounded:1", "CLIP@rounded:1", "CLIP@rounded:0", "SEL@tempered:2", "SEL@tempered:0.5"]


def given(learner, p, counts):
    """What a data set of these counts has: the told mask of the row function, what is revealed, and counts shown."""
    protocol = learner.protocol
    told = protocol.told_anyway(p[None], 1, np.random.default_rng(0))
    told = None if told is None else told[0, 0]
    shown = counts if protocol.shows_label else np.zeros_like(counts)
    revealed = protocol.reveal(counts[None], np.array([counts.sum()]), p[None], None if told is None else told[None])
    return told, revealed, shown


@pytest.mark.parametrize("name", NAMES)
def test_rows_answer_as_tables_do(name):
    # Oracle: second algorithm, the definition over tables; every count, teacher and initial table
    learner = resolve_learner(name)
    for (p, counts), init in itertools.product(CASES, INITS):
        p, counts, init = np.array(p), np.array(counts), np.array(init)
        told, revealed, shown = given(learner, p, counts)
        wanted = learner.fit(shown[None], revealed, init[None])[0]
        student = np.full(4, np.nan)
        learner.row(counts.sum(), shown, told, p, init, student)
        assert student == pytest.approx(wanted, rel=1e-14, abs=1e-16), (p, counts, init)


@pytest.mark.parametrize("name", [*NAMES, *ROUNDED])
def test_stored_cells_answer_as_tables_do(name):
    # Oracle: second algorithm, the definition over tables, on which the labels without a cell are never drawn
    learner = resolve_learner(name)
    for (p, counts), (start, inside), stored in itertools.product(
        CASES,
        (
            (0.1, [0.2, 0.3, 0.2, 0.1]),
            (0.0, [0.25] * 4),
            (0.5, [0.0] * 4),
            (0.125, [0.5, 0.0, 0.0, 0.25]),
            (0.0, [1.0, 0.0, 0.0, 0.0]),
            (0.0, [0.0, 0.0, 0.0, 1.0]),
        ),
        (4, 3),
    ):
        keep = np.argsort(-np.array(p), kind="stable")[:stored] if stored == 3 and 0 in p else np.arange(4)
        p, counts = np.array(p)[keep], np.array(counts)[keep]
        wide = np.append(p, [0.0, 0.0])
        first = np.array(inside)[keep]
        init = np.append(first, [start, start])
        if not init.any():
            continue  # no law
        many = np.append(counts, [0, 0])
        told, revealed, shown = given(learner, wide, many)
        wanted = learner.fit(shown[None], revealed, init[None])[0]
        student = np.full(p.size, np.nan)
        rest = learner.cells(
            counts.sum(), shown[: p.size], None if told is None else told[: p.size], p, first, 2, start, student
        )
        assert np.append(student, rest) == pytest.approx(wanted[: p.size + 1], rel=1e-12, abs=1e-15), (p, counts, start)


@pytest.mark.parametrize("name", [*kt.LEARNERS])
def test_repeats_side_by_side_answer_as_tables_do(name):
    # Oracle: second algorithm, the definition over tables
    learner = resolve_learner(name)
    for init, A in itertools.product(INITS, (4, 1)):
        p = np.array([0.4, 0.3, 0.2, 0.1])[:A] / np.array([0.4, 0.3, 0.2, 0.1])[:A].sum()
        many = np.array([counts for q, counts in CASES if q[0] == 0.4])[:, :A]
        start = np.array(init)[:A]
        revealed = learner.protocol.reveal(many, many.sum(axis=1), np.tile(p, (3, 1)), None)
        if learner.protocol.top is None:
            revealed = np.tile(p, (3, 1))
        wanted = learner.fit(many, revealed, np.tile(start, (3, 1)))
        student, work = np.full((A, 3), np.nan), np.full((4, 3), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):  # an input of no visit is computed and not used
            learner.lanes(many.sum(axis=1).astype(float), many.T.astype(float), p, start, student, work)
        visited = many.any(axis=1)
        assert student.T[visited] == pytest.approx(wanted[visited], rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("name", NAMES[:-2])
def test_told_cells_answer_as_tables_do(name):
    # Oracle: second algorithm, the definition over tables; a row whose other labels are hidden, one that tells of them
    learner = resolve_learner(name)
    for (p, counts), init in itertools.product(CASES, INITS[:2]):
        p, counts, init = np.append(p, 0.0), np.append(counts, 0), np.append(np.array(init) * 0.75, 0.25)
        _, revealed, shown = given(learner, p, counts)
        wanted = learner.fit(shown[None], revealed, init[None])[0]
        rows = np.zeros(4, dtype=int)
        cells = Told(rows, shown[:4], revealed[0, :4], init[:4], np.array([1]), revealed[0, 4:], init[4:])
        with np.errstate(invalid="ignore"):
            values, rest = ON_CELLS[learner.fit](cells)
        assert np.append(values, rest) == pytest.approx(wanted, rel=1e-14, abs=1e-16), (p, counts)


@pytest.mark.parametrize("name", ["SEL@top_k_only:2", "CE@top_k_label:2", "RENORM@top_k_only:2"])
def test_no_list_is_a_list_of_none(name):
    # Oracle: identity, a mask of zeros
    learner = resolve_learner(name)
    p, init = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])
    for counts in (np.array([1, 0, 2, 0]), np.zeros(4, int)):
        students = []
        for told in (None, np.zeros(4, np.int8)):
            row, cells = np.empty(4), np.empty(4)
            learner.row(3, counts, told, p, init, row)
            rest = learner.cells(3, counts, told, p, 0.5 * init, 2, 0.25, cells)
            students.append([*row.tolist(), *cells.tolist(), rest])
        assert students[0] == students[1]


@pytest.mark.filterwarnings("ignore:overflow")
def test_tiny_initial_values_overflow_nothing():
    # Oracle: by hand, the shares of equal initial values are equal, whatever their size
    p, counts = np.array([0.5, 0.25, 0.125, 0.125]), np.array([1, 0, 0, 0])
    for init in ([1e-310] * 4, [0.9, 1e-310, 1e-310, 2e-310]):
        student = np.empty(4)
        resolve_learner("SEL_ptl").row(1, counts, None, p, np.array(init), student)
        shares = np.array(init[1:]) / 1e-310
        assert student == pytest.approx([0.5, *(0.5 * shares / shares.sum())], rel=1e-9, abs=0)
        resolve_learner("SEL_ptl").cells(1, counts, None, p, np.array(init), 0, 0.0, student)
        assert student == pytest.approx([0.5, *(0.5 * shares / shares.sum())], rel=1e-9, abs=0)


# --- Rounded and tempered ----------------------------------------------------------------------------------


def test_what_is_told_in_another_form_by_hand():
    # Oracle: by hand: kept and shared, scaled where it comes to more than one or every label is told
    half = np.array([[0.5, 0.25, np.nan, np.nan]])
    init = np.array([[0.25, 0.25, 0.3, 0.1]])
    assert sel_rounded(None, half, init) == pytest.approx(np.array([[0.5, 0.25, 0.1875, 0.0625]]), rel=1e-15, abs=0)
    assert sel_rounded(None, half * 2, init) == pytest.approx(np.array([[2 / 3, 1 / 3, 0, 0]]), rel=1e-15, abs=0)
    full = np.array([[0.5, 0.25, 0.1, 0.1]])
    assert sel_rounded(None, full, init) == pytest.approx(full / 0.95, rel=1e-15, abs=0)
    assert sel_rounded(None, np.full((1, 4), np.nan), init).tolist() == init.tolist()
    told = np.array([[np.exp(-0.7), np.exp(-1.2), np.nan]])
    low, high = told * np.exp(-0.05), told * np.exp(0.05)
    for counts, first in (([1, 9, 0], low[0, 0]), ([9, 1, 0], high[0, 0]), ([50, 31, 19], 0.5)):
        student = Clipped(1)(np.array([counts]), told, np.full((1, 3), 1 / 3))[0]
        assert student[0] == pytest.approx(first, rel=1e-14, abs=0)
        assert student.sum() == pytest.approx(1, rel=1e-15, abs=0)
    none = Clipped(1)(np.array([[1, 1, 0]]), np.full((1, 3), np.nan), np.array([[0.2, 0.3, 0.5]]))
    assert none.tolist() == [[0.2, 0.3, 0.5]]
    unseen = Clipped(0)(np.array([[0, 0, 0]]), np.array([[np.exp(-1), np.nan, np.nan]]), np.full((1, 3), 1 / 3))
    assert unseen[0, 0] == pytest.approx(np.exp(-1.5), rel=1e-14, abs=0)
    # q prop. to p^(1/2) for p = (.64, .32, .04): what is left of q goes so that p's tail is as the init has it
    q = np.sqrt([0.64, 0.32, 0.04]) / np.sqrt([0.64, 0.32, 0.04]).sum()
    whole = Untempered(2.0)(None, q[None], np.full((1, 3), 1 / 3))
    assert whole == pytest.approx(np.array([[0.64, 0.32, 0.04]]), rel=1e-14, abs=0)
    part = Untempered(2.0)(None, np.array([[q[0], np.nan, np.nan]]), np.array([[0.1, 0.6, 0.3]]))[0]
    assert part[1] / part[2] == pytest.approx(2, rel=1e-13, abs=0)
    assert (part[0] / part[1]) ** 0.5 == pytest.approx(q[0] / ((1 - q[0]) * 2**0.5 / (1 + 2**0.5)), rel=1e-13, abs=0)


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_clipped_rows_come_to_one_at_one_lambda(digits):
    # Oracle: definition: counts over one lambda wherever no end of a cell binds, to rounding
    rng = np.random.default_rng(digits)
    bound = 0
    for _ in range(40):
        p = rng.dirichlet(np.ones(4))
        told = np.exp(np.round(np.log(p), digits))[None]
        counts = rng.multinomial(50, p)[None]
        if not counts.all():
            continue
        student = Clipped(digits)(counts, told, np.full((1, 4), 0.25))
        half = 0.5 * 10.0**-digits
        low, high = told * np.exp(-half), np.minimum(told * np.exp(half), 1)
        assert student.sum() == pytest.approx(1, rel=1e-15, abs=0)
        assert ((student >= low * (1 - 1e-12)) & (student <= high * (1 + 1e-12))).all()
        inside = (student > low * (1 + 1e-12)) & (student < high * (1 - 1e-12))
        lambdas = counts[inside] / student[inside]
        if lambdas.size > 1:
            bound += 1
            assert np.ptp(lambdas) <= 1e-12 * lambdas.max()
        scale = lambdas.mean() if lambdas.size else None
        if scale:
            assert (
                counts[student <= low * (1 + 1e-12)] / scale <= low[student <= low * (1 + 1e-12)] * (1 + 1e-9)
            ).all()
    assert bound > 2 or digits == 2
    assert rounded_cells(digits, True) is rounded_cells(digits, True)
    assert untempered_cells(2.0) is untempered_cells(2.0)


# --- Names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SEL@hard", "learner is 'SEL@hard': hard tells no probability to keep"),
        ("SEL@sorted", "sorted tells values without their labels, which SEL@ cannot keep"),
        ("RENORM@top_k:2", "RENORM@top_k:2 scales a list of the most likely labels to one"),
        ("RENORM@partial", "RENORM@partial scales a list"),
        ("CLIP@partial", "CLIP@partial counts labels within rounded log-probabilities: name rounded:D"),
        ("CLIP@tempered:2", "CLIP@tempered:2 counts"),
        ("CE@partial", "CE@partial"),
        ("nobody", "learner is 'nobody': it must be one of CE_sgl, CE_ptl, SEL_ptl, CE_ful, ADD_sgl, SEL@PROTOCOL"),
        (3, "learner is 3: it must be one of"),
    ],
)
def test_names_that_are_no_learners(name, said):
    # Oracle: definition
    with pytest.raises(Unsupported, match=said):
        resolve_learner(name)


def test_lists_of_learners():
    # Oracle: definition
    assert [found.name for found in resolve_learners("CE_sgl")] == ["CE_sgl"]
    assert [found.name for found in resolve_learners(["CE_sgl", "SEL@partial"])] == ["CE_sgl", "SEL@partial"]
    for given, said in (([], "learners is empty"), (b"CE", "learners is"), (3, "learners is 3")):
        with pytest.raises(ValueError, match=said):
            resolve_learners(given)
    one, other = (kt.Learner("mine", "hard", lambda c, r, i: i, fingerprint=text) for text in "ab")
    assert len(resolve_learners([one, one])) == 2
    with pytest.raises(ValueError, match="learners has two different learners of the name mine"):
        resolve_learners([one, other])
    assert [of_the_package(resolve_learner(name)) for name in ("CE_sgl", "SEL@top_k:3", "CLIP@rounded:1")] == [True] * 3
    false = kt.Learner("SEL@top_k:3", kt.top_k(3), lambda c, r, i: i)
    bad = kt.Learner("RENORM@partial", "partial", lambda c, r, i: i)
    assert [of_the_package(learner) for learner in (one, false, bad)] == [False] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "the name of a learner is ''"),
        ({"name": "a\nb"}, "the name of a learner is"),
        ({"name": 3}, "the name of a learner is 3"),
        ({"fit": None}, "fit of learner mine is None: it must be a function"),
        ({"row": 3}, "row of learner mine is 3"),
        ({"cells": 3}, "cells of learner mine is 3"),
        ({"lanes": 3}, "lanes of learner mine is 3"),
        ({"statement": 3}, "statement of learner mine is 3"),
        ({"loss": 3}, "loss of learner mine is 3"),
        ({"couples_inputs": 3}, "couples_inputs of learner mine is 3"),
        ({"rate": "x"}, "rate of learner mine is 'x'"),
        ({"protocol": "x"}, "protocol of learner mine is 'x'"),
    ],
)
def test_a_learner_that_cannot_be(change, said):
    # Oracle: definition
    given = {"name": "mine", "protocol": "hard", "fit": lambda c, r, i: i, "fingerprint": "f"} | change
    with pytest.raises(ValueError, match=said):
        kt.Learner(**given)
    plain = kt.Learner("mine", "hard", lambda c, r, i: i, fingerprint="f")
    assert (plain.rate, plain.statement, plain.couples_inputs, plain.row, plain.cells, plain.lanes, plain.loss) == (
        *(None, "", False, None, None, None, ""),
    )
