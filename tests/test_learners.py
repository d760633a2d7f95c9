"""Learners against direct minimisation of the losses that define them, and their invariances."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles
from kt_theory.learners import LEARNERS, PAPER_LEARNERS, ce_sgl, sel_ptl
from kt_theory.learners.fitting import fit
from kt_theory.problem import uniform_table
from kt_theory.protocols import TransferSet

#: The learners whose loss is written down in the paper; ADD_sgl has a file of its own.
NAMES = PAPER_LEARNERS


class Data(NamedTuple):
    """A data set as the sampler would hand it over, and what the student said before."""

    counts: np.ndarray
    teacher: np.ndarray
    init: np.ndarray | None

    def revealed(self, protocol: str) -> np.ndarray:
        return TransferSet.from_counts(self.counts, self.teacher, protocol).revealed

    @property
    def start(self) -> np.ndarray:
        return uniform_table(*self.counts.shape) if self.init is None else self.init


def rows(rng: np.random.Generator, S: int, A: int, zeros: bool) -> np.ndarray:
    """A random table; with `zeros`, about a third of the entries are 0."""
    table = rng.dirichlet(np.full(A, 1.5), size=S)
    if zeros:
        table *= (rng.random((S, A)) < 2 / 3) | (np.arange(A) == rng.integers(A, size=(S, 1)))
    return table / table.sum(axis=1, keepdims=True)


def random_data(seed: int) -> Data:
    rng = np.random.default_rng(seed)
    S, A, n = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(0, 15))
    teacher = rows(rng, S, A, zeros=seed % 3 == 0)
    joint = rng.dirichlet(np.ones(S))[:, None] * teacher
    cells = np.flatnonzero(joint)
    counts = np.zeros(S * A, dtype=np.int64)
    counts[cells] = rng.multinomial(n, joint.ravel()[cells] / joint.sum())
    init = rows(rng, S, A, zeros=seed % 4 == 1) if seed % 2 else None
    return Data(counts.reshape(S, A), teacher, init)


# --- The losses, literally: a sum over records, and its gradient in the table ---------------------------

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


def loss_of(name: str, data: Data) -> Loss:
    s, a = np.nonzero(data.counts)
    s, a = np.repeat(s, data.counts[s, a]), np.repeat(a, data.counts[s, a])
    p = data.teacher[s, a]

    def loss(table: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.zeros_like(table)
        pi = table[s, a]
        if name == "CE_sgl":
            value = -np.log(pi).sum()
            np.add.at(gradient, (s, a), -1 / pi)
        elif name == "CE_ptl":
            value = -(p * np.log(pi)).sum()
            np.add.at(gradient, (s, a), -p / pi)
        elif name == "SEL_ptl":
            residual = np.log(pi) - np.log(p)
            value = 0.5 * (residual**2).sum()
            np.add.at(gradient, (s, a), residual / pi)
        else:
            law, model = data.teacher[s], table[s]
            value = scipy.special.rel_entr(law, model).sum()
            np.add.at(gradient, s, -np.divide(law, model, out=np.zeros_like(law), where=law > 0))
        return float(value), gradient

    return loss


def minimiser(loss: Loss, shape: tuple[int, int]) -> np.ndarray:
    """The table that minimises `loss`. Rows are z^2 / |z|^2: smooth, and a zero is reached at a finite z."""

    def table_of(z: np.ndarray) -> np.ndarray:
        square = z.reshape(shape) ** 2
        return square / square.sum(axis=1, keepdims=True)

    def objective(z: np.ndarray) -> tuple[float, np.ndarray]:
        table = table_of(z)
        value, gradient = loss(table)
        tangent = gradient - (gradient * table).sum(axis=1, keepdims=True)
        z = z.reshape(shape)
        return value, (2 * z / (z**2).sum(axis=1, keepdims=True) * tangent).ravel()

    found = scipy.optimize.minimize(
        objective, np.ones(shape).ravel(), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 5000}
    )
    return table_of(found.x)


def determined(name: str, data: Data) -> np.ndarray:
    """The entries that the loss pins down: all of a visited row, but for SEL_ptl with mass left for several labels."""
    seen = data.counts > 0
    visited = np.broadcast_to(seen.any(axis=1, keepdims=True), seen.shape)
    if name != "SEL_ptl":
        return visited
    missing = np.where(seen, 0.0, data.teacher).sum(axis=1, keepdims=True)
    unseen = (~seen).sum(axis=1, keepdims=True)
    return visited & (seen | (unseen <= 1) | (missing == 0))


def deviation(name: str, data: Data, student: np.ndarray) -> float:
    """How far `student` is from the minimiser, over the entries that the loss determines."""
    optimum = minimiser(loss_of(name, data), data.counts.shape)
    return float(np.max(np.abs(student - optimum), where=determined(name, data), initial=0.0))


def student_of(name: str, data: Data) -> np.ndarray:
    return LEARNERS[name].fit(data.counts, data.revealed(LEARNERS[name].protocol), data.start)


# A minimiser with gradient 1e-10 is as far from the optimum as its curvature (about 1e-2 at least) lets it be. Where
# SEL_ptl has seen all the mass but not every label, its loss is flat to fourth order in z: half the digits.
TOLERANCE = {"CE_sgl": 1e-7, "CE_ptl": 1e-7, "SEL_ptl": 1e-6, "CE_ful": 1e-7}
DATA_SETS = [random_data(seed) for seed in range(500)]


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(50, 500, 50))])
@pytest.mark.parametrize("name", NAMES)
def test_learner_minimises_its_loss(name: str, first: int) -> None:
    # Oracle: second algorithm, BFGS on the loss as it is written in Z&Z section 3.1, 500 random data sets
    for seed, data in enumerate(DATA_SETS[first : first + 50], first):
        student = student_of(name, data)
        assert deviation(name, data, student) < TOLERANCE[name], f"data set {seed}"
        assert student.min() >= 0
        np.testing.assert_allclose(student.sum(axis=1), 1, rtol=1e-15 * student.shape[1])
        unvisited = ~data.counts.any(axis=1)
        np.testing.assert_array_equal(student[unvisited], data.start[unvisited])


def test_data_sets_cover_the_edges() -> None:
    counts = [data.counts for data in DATA_SETS]
    assert {table.shape[1] for table in counts} == {1, 2, 3, 4, 5}
    assert sum(not table.any() for table in counts) > 10
    assert sum((~table.any(axis=1)).any() and table.any() for table in counts) > 50
    assert sum((table > 0).all() for table in counts) > 10
    assert sum((data.teacher == 0).any() for data in DATA_SETS) > 50
    assert sum(data.init is not None and (data.init == 0).any() for data in DATA_SETS) > 50
    assert sum(not determined("SEL_ptl", data).all() for data in DATA_SETS) > 100


@pytest.mark.parametrize("seed", range(0, 500, 10))
def test_sel_ptl_reaches_loss_zero_where_it_is_not_unique(seed: int) -> None:
    # Oracle: identity, a sum of squares is least at 0, and there every seen label is the teacher's
    data = DATA_SETS[seed]
    student = student_of("SEL_ptl", data)
    seen = data.counts > 0
    assert loss_of("SEL_ptl", data)(student)[0] == 0
    np.testing.assert_array_equal(student[seen], data.teacher[seen])


def test_planted_wrong_learners_are_caught() -> None:
    # Oracle: second algorithm, the same check must be red for a learner that minimises another loss
    def worst(name: str, wrong: Callable[[Data], np.ndarray]) -> float:
        return max(deviation(name, data, wrong(data)) for data in DATA_SETS[:60])

    assert worst("CE_ptl", lambda data: ce_sgl(data.counts, data.teacher, data.start)) > 0.01  # not weighted
    assert worst("CE_sgl", lambda data: ce_sgl(np.minimum(data.counts, 1), data.teacher, data.start)) > 0.01
    assert worst("SEL_ptl", lambda data: student_of("CE_ptl", data)) > 0.01
    # Weights in the loss of SEL_ptl would not move its minimum, a teacher slightly off does.
    off = 0.999
    assert worst("SEL_ptl", lambda data: sel_ptl(data.counts, off * data.teacher, data.start)) > 1e-4
    assert worst("CE_ful", lambda data: student_of("SEL_ptl", data)) > 0.01


@pytest.mark.parametrize("seed", range(200))
def test_learners_equal_fractions(seed: int) -> None:
    # Oracle: second algorithm, student_rows in fractions; it decides the rows that no loss determines, too
    rng = np.random.default_rng(seed)
    A = int(rng.integers(1, 6))
    teacher = oracles.rational_law(rng, A, 24, zeros=True)
    init = oracles.rational_law(rng, A, 24, zeros=True)
    p = np.array(teacher, dtype=np.float64)
    counts = rng.multinomial(rng.integers(0, 9), p / p.sum())
    expected = oracles.student_rows(counts.tolist(), teacher, init)
    data = Data(counts[None, :], p[None, :], np.array([init], dtype=np.float64))
    for name in NAMES:
        np.testing.assert_allclose(student_of(name, data)[0], np.array(expected[name], dtype=float), rtol=0, atol=3e-16)


# --- Edge cases -----------------------------------------------------------------------------------------


def test_every_label_seen_leaves_sel_ptl_nothing_to_spread() -> None:
    # Oracle: identity, the row is the teacher's own bit for bit, although 1 - (0.1 + 0.2 + 0.7) is not 0 in float64
    teacher = np.array([[0.1, 0.2, 0.7]])
    np.testing.assert_array_equal(sel_ptl(np.array([[1, 4, 2]]), teacher, uniform_table(1, 3)), teacher)


def test_labels_of_probability_zero_get_their_share() -> None:
    # Oracle: published, theory 1.2: never sampled, they stay unseen and share the missing mass
    data = Data(np.array([[3, 0, 0, 0]]), np.array([[0.4, 0.6, 0.0, 0.0]]), None)
    np.testing.assert_allclose(student_of("SEL_ptl", data), [[0.4, 0.2, 0.2, 0.2]], rtol=1e-15)


def test_sel_ptl_spreads_uniformly_where_init_is_silent() -> None:
    # Oracle: identity, init has all its mass on the label that was seen
    data = Data(np.array([[3, 0, 0]]), np.array([[0.4, 0.5, 0.1]]), np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(student_of("SEL_ptl", data), [[0.4, 0.3, 0.3]], rtol=1e-15)


@pytest.mark.parametrize("name", LEARNERS)
def test_one_label_is_no_choice(name: str) -> None:
    # Oracle: identity, the only law on one label
    for counts in ([[0], [3]], [[0], [0]]):
        data = Data(np.array(counts), np.ones((2, 1)), None)
        np.testing.assert_array_equal(student_of(name, data), np.ones((2, 1)))


def test_ce_ptl_survives_weights_near_the_smallest_float() -> None:
    # Oracle: identity, both labels have the same weight, whatever its size
    counts, revealed = np.array([[1, 1, 0]]), np.array([[1e-310, 1e-310, np.nan]])
    np.testing.assert_array_equal(LEARNERS["CE_ptl"].fit(counts, revealed, uniform_table(1, 3)), [[0.5, 0.5, 0.0]])


@pytest.mark.parametrize("name", NAMES)
def test_counts_of_64_bits_do_not_overflow(name: str) -> None:
    # Oracle: identity, counts proportional to the teacher: a student that has seen it all is exact, but for CE_ptl
    teacher = np.array([[0.25, 0.75]])
    student = LEARNERS[name].fit(np.array([[2**61, 3 * 2**61 - 1]]), teacher, uniform_table(1, 2))
    expected = teacher**2 / (teacher**2).sum() if name == "CE_ptl" else teacher
    np.testing.assert_allclose(student, expected, rtol=1e-15)


# --- Properties -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEARNERS)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.randoms(use_true_random=False))
def test_relabelling_inputs_and_labels_relabels_the_student(name: str, seed: int, order: object) -> None:
    # Oracle: identity, equivariance under permutations of inputs and labels; sums run in another order: 1e-15
    data = random_data(seed)
    S, A = data.counts.shape
    s, a = order.sample(range(S), S), order.sample(range(A), A)
    moved = Data(data.counts[s][:, a], data.teacher[s][:, a], data.start[s][:, a])
    np.testing.assert_allclose(student_of(name, moved), student_of(name, data)[s][:, a], rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", LEARNERS)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_learners_leave_their_arguments_alone_and_read_no_nan(name: str, seed: int) -> None:
    # Oracle: identity, NaN stands wherever the protocol hides the teacher and must not reach the student
    data = random_data(seed)
    transfer_set = TransferSet.from_counts(data.counts, data.teacher, LEARNERS[name].protocol)
    start = data.start.copy()
    student = fit(transfer_set, name, init=start)
    assert np.isfinite(student).all()
    np.testing.assert_array_equal(start, data.start)
    student[...] = -1
    again = fit(transfer_set, name, init=start)
    assert (again >= 0).all()


def test_registry_names_the_least_revealing_protocol() -> None:
    assert {name: learner.protocol.name for name, learner in LEARNERS.items()} == {
        "CE_sgl": "hard",
        "CE_ptl": "partial",
        "SEL_ptl": "partial",
        "CE_ful": "soft",
        "ADD_sgl": "hard",
    }
    assert all(learner.name == name for name, learner in LEARNERS.items())
