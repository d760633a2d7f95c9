"""Kernels against the definitions that they compile."""

from __future__ import annotations

import types
from fractions import Fraction

import numpy as np
import pytest

from kt_theory import compiled
from kt_theory.divergences import DIVERGENCES
from kt_theory.learners import LEARNERS, listed
from kt_theory.learners.fitting import fit
from kt_theory.problem import Problem, tv_risk, uniform_table
from kt_theory.protocols import TransferSet
from kt_theory.simulation import kernels


def row_of_kind(rng: np.random.Generator, A: int, kind: int) -> np.ndarray:
    """Dirichlet, with zeros, near-deterministic, or a Dirac."""
    row = rng.dirichlet(np.full(A, (0.3, 1.0, 3.0)[kind % 3]))
    favourite = rng.integers(A)
    if kind == 3:
        row *= (rng.random(A) < 0.5) | (np.arange(A) == favourite)
    elif kind == 4:
        row *= 1e-9
        row[favourite] = 1
    elif kind == 5:
        row = np.eye(A)[favourite]
    return row / row.sum()


def random_case(seed: int) -> tuple[Problem, np.ndarray, np.ndarray]:
    """A problem with its oddities, an init, and count tables of several repeats."""
    rng = np.random.default_rng(seed)
    S, A = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    teacher = np.stack([row_of_kind(rng, A, int(rng.integers(6))) for _ in range(S)])
    rho = row_of_kind(rng, S, int(rng.integers(6)))
    init = np.stack([row_of_kind(rng, A, int(rng.integers(6))) for _ in range(S)]) if seed % 2 else uniform_table(S, A)
    n = (0, 1, 2, 5, 20, 1000, 10**12)[seed % 7]
    w = (rho[:, None] * teacher).ravel()
    cells = np.flatnonzero(w)
    counts = np.zeros((8, S * A), dtype=np.int64)
    counts[:, cells] = rng.multinomial(n, w[cells] / w[cells].sum(), size=8)
    return Problem(rho, teacher), init, counts.reshape(8, S, A)


def kernel_risks(problem: Problem, init: np.ndarray, counts: np.ndarray) -> np.ndarray:
    tv = DIVERGENCES["tv"]
    visits = np.full(counts.shape[:2], -1)
    kernels.visits_of(counts, visits)
    out = np.full((counts.shape[0], len(LEARNERS)), np.nan)
    for j, learner in enumerate(LEARNERS.values()):
        column = np.full(counts.shape[0], np.nan)
        given = counts, visits, None, problem.rho, problem.teacher, init, tv.rows(init, problem.teacher)
        kernels.risks_of(learner.row, tv.row)(*given, column)
        out[:, j] = column
    return out


def lane_risks(problem: Problem, init: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The same by the loops over repeats side by side."""
    R, S, A = counts.shape
    tv = DIVERGENCES["tv"]
    tables, turned = np.full((S, A, R + 3), np.nan), np.full((S, R + 3), np.nan)
    kernels.turn(counts, tables, turned)
    out = np.full((R, len(LEARNERS)), np.nan)
    for j, learner in enumerate(LEARNERS.values()):
        column = np.full(R, np.nan)
        given = tables, turned, problem.rho, problem.teacher, init, tv.rows(init, problem.teacher)
        kernels.lane_risks_of(learner.lanes, tv.lanes)(*given, column)
        out[:, j] = column
    return out


def defined_risks(problem: Problem, init: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The learners' definitions, each fed what its protocol shows, judged by `tv_risk`."""
    return np.array(
        [
            [
                tv_risk(fit(TransferSet.from_counts(table, problem.teacher, "soft"), name, init), problem)
                for name in LEARNERS
            ]
            for table in counts
        ]
    )


@pytest.mark.parametrize("block", [0, *(pytest.param(block, marks=pytest.mark.slow) for block in range(1, 6))])
def test_risks_equal_the_definitions(block: int) -> None:
    # Oracle: second algorithm, readable NumPy learners and tv_risk; 100 problems, 800 count tables, slow 600 and 4800;
    # risks are below 1 and sums have at most 24 terms, so that 1e-15 is a handful of roundings
    for seed in range(100 * block, 100 * block + 100):
        problem, init, counts = random_case(seed)
        np.testing.assert_allclose(
            kernel_risks(problem, init, counts),
            defined_risks(problem, init, counts),
            rtol=0,
            atol=1e-15,
            err_msg=f"seed {seed}",
        )


def test_repeats_side_by_side_have_the_same_bytes() -> None:
    # Oracle: second algorithm, the rows one by one: the same sums in the same order, hence equal to the last bit;
    # 100 problems of all kinds with counts up to 10^12, and one with counts beyond 2^53
    for seed in range(100):
        problem, init, counts = random_case(seed)
        np.testing.assert_array_equal(
            lane_risks(problem, init, counts), kernel_risks(problem, init, counts), err_msg=f"seed {seed}"
        )
    problem, counts = Problem([1.0], [[0.25, 0.75]]), np.array([[[2**61 + 1, 3 * 2**61 - 1]], [[0, 2**53 + 1]]])
    one, other = (of(problem, uniform_table(1, 2), counts) for of in (lane_risks, kernel_risks))
    np.testing.assert_array_equal(one, other)


def test_planted_wrong_init_differs_side_by_side() -> None:
    # Oracle: second algorithm, the comparison above must be red for an init that is off by 1e-15 where it is read
    problem, init = Problem([1.0], [[0.5, 0.3, 0.2]]), np.array([[0.5, 0.25, 0.25]])
    counts = np.array([[[2, 0, 0]]])
    assert (lane_risks(problem, init, counts) == kernel_risks(problem, init, counts)).all()
    off = init + np.array([[0.0, 1e-15, -1e-15]])
    assert (lane_risks(problem, off, counts) != kernel_risks(problem, init, counts)).any()


def test_planted_wrong_teacher_is_caught() -> None:
    # Oracle: second algorithm, the same comparison must be red for a teacher that is off by 1e-13
    problem = Problem([0.5, 0.5], [[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]])
    wrong = Problem(problem.rho, problem.teacher + np.array([1e-13, 0, -1e-13]))
    counts = np.array([[[3, 1, 0], [0, 2, 1]]])
    right = defined_risks(problem, uniform_table(2, 3), counts)
    assert np.abs(kernel_risks(problem, uniform_table(2, 3), counts) - right).max() <= 1e-15
    assert np.abs(kernel_risks(wrong, uniform_table(2, 3), counts) - right).max() > 1e-14


def test_missing_mass_is_exactly_zero_once_every_label_was_seen() -> None:
    # Oracle: identity; one minus the seen mass, 1 - (0.1 + 0.2 + 0.7), would be 1.1e-16
    problem = Problem([1.0], [[0.1, 0.2, 0.7, 0.0]])
    assert kernel_risks(problem, uniform_table(1, 4), np.array([[[1, 1, 1, 0]]]))[0, 2] == 0


def test_counts_of_64_bits_do_not_overflow() -> None:
    # Oracle: identity, frequencies equal to the teacher's: only CE_ptl pays, |1/10 - 1/4| by hand
    problem = Problem([1.0], [[0.25, 0.75]])
    counts = np.array([[[2**61, 3 * 2**61 - 1]]])
    np.testing.assert_allclose(kernel_risks(problem, uniform_table(1, 2), counts)[:, :4], [[0, 0.15, 0, 0]], atol=1e-15)


def test_init_of_denormal_numbers_gives_finite_risks() -> None:
    # Oracle: second algorithm, the definition; a pre-trained softmax holds such numbers, exp(-710) = 4e-309
    problem = Problem([1.0], [[0.5, 0.3, 0.2]])
    init, counts = np.array([[1.0, 1e-310, 0.0]]), np.array([[[2, 0, 0]]])
    np.testing.assert_allclose(
        kernel_risks(problem, init, counts), defined_risks(problem, init, counts), rtol=0, atol=1e-15
    )


# --- moments --------------------------------------------------------------------------------------------


def kernel_moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    L = values.shape[1]
    mean, squares, nonzero = np.full(L, np.nan), np.full(L, np.nan), np.full(L, -1, dtype=np.int64)
    infinite = np.full(L, -1, dtype=np.int64)
    kernels.moments(values, mean, squares, nonzero, infinite)
    assert infinite.tolist() == [0] * L
    return mean, squares, nonzero


@pytest.mark.parametrize("R", [1, 2, 3, 17, 1000])
@pytest.mark.parametrize("spread", [1.0, 1e-9])
def test_moments_equal_fractions(R: int, spread: float) -> None:
    # Oracle: second algorithm, sums in fractions; R additions of numbers below 1 lose R ulps at worst, and a centre
    # that is off by half an ulp of 1 adds R times its square to the sum of squares
    rng = np.random.default_rng(R)
    values = np.where(rng.random((R, 3)) < 0.3, 0.0, 0.5 + spread * (rng.random((R, 3)) - 0.5))
    mean, squares, nonzero = kernel_moments(values)
    for j, column in enumerate(values.T.tolist()):
        exact = [Fraction(x) for x in column]
        centre = sum(exact) / R
        assert mean[j] == pytest.approx(float(centre), rel=1e-16 * max(R, 10), abs=0)
        true = float(sum((x - centre) ** 2 for x in exact))
        assert squares[j] == pytest.approx(true, rel=1e-15 * max(R, 10), abs=R * 2.0**-106)
        assert nonzero[j] == sum(x != 0 for x in exact)
    np.testing.assert_allclose(mean, values.mean(axis=0), rtol=1e-16 * max(R, 10))
    np.testing.assert_allclose(squares, R * values.var(axis=0), rtol=1e-15 * max(R, 10))


def test_infinite_values_are_counted_and_left_out_of_the_moments() -> None:
    # Oracle: second algorithm, numpy over the finite values
    values = np.array([[np.inf, 1.0, np.inf], [2.0, np.inf, np.inf], [4.0, 5.0, np.inf], [np.inf, 0.0, np.inf]])
    mean, squares = np.full(3, np.nan), np.full(3, np.nan)
    nonzero, infinite = np.full(3, -1), np.full(3, -1)
    kernels.moments(values, mean, squares, nonzero, infinite)
    finite = [column[np.isfinite(column)] for column in values.T]
    assert infinite.tolist() == [2, 1, 4]
    assert nonzero.tolist() == [4, 3, 4]
    np.testing.assert_allclose(mean, [finite[0].mean(), finite[1].mean(), 0.0], rtol=1e-15)
    np.testing.assert_allclose(squares, [((f - f.mean()) ** 2).sum() if f.size else 0.0 for f in finite], rtol=1e-15)


def test_moments_keep_the_digits_of_a_tiny_variance() -> None:
    # Oracle: enumeration, half of the values at 1/2, half 2^-40 above: deviations 2^-41, exactly
    values = np.array([[0.5], [0.5 + 2.0**-40]] * 512)
    mean, squares, _ = kernel_moments(values)
    assert mean[0] == 0.5 + 2.0**-41
    assert squares[0] == 1024 * 2.0**-82
    # Planted: a difference of sums has lost them all.
    naive = (values**2).sum() - 1024 * values.mean() ** 2
    assert abs(naive / (1024 * 2.0**-82) - 1) > 0.1


def test_moments_of_columns_in_any_memory_order() -> None:
    # Oracle: identity, the same numbers in C and in Fortran order
    values = np.random.default_rng(0).random((50, 4))
    picked = values[:, [2, 0]]
    for got, wanted in zip(kernel_moments(picked), kernel_moments(np.ascontiguousarray(picked)), strict=True):
        np.testing.assert_array_equal(got, wanted)


# --- tally ----------------------------------------------------------------------------------------------


def paired(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The two cells of each slot, as `tally` takes them."""
    return np.stack([own, other], axis=1).astype(np.int32).ravel()


def tally(uniforms: np.ndarray, keep: np.ndarray, pairs: np.ndarray, counts: np.ndarray) -> None:
    """`kernels.tally` of these uniforms, a row of them for each row of counts, none of them drawn by itself."""
    place = np.array([0])
    kernels.tally(np.empty((3, 8), np.uint64), uniforms.ravel(), place, uniforms.shape[1], keep, pairs, counts)
    assert place == uniforms.size


@pytest.mark.parametrize("seed", range(30))
def test_tally_equals_a_plain_loop(seed: int) -> None:
    # Oracle: second algorithm, Walker's rule one draw at a time in Python floats, which round as numba's do
    rng = np.random.default_rng(seed)
    K, cells, R, m = int(rng.integers(1, 9)), 9, 5, int(rng.integers(0, 40))
    keep = np.where(rng.random(K) < 0.3, 1.0, rng.random(K))
    own, other = rng.integers(cells, size=K), rng.integers(cells, size=K)
    uniforms = rng.random((R, m))
    uniforms[:, :1] = 1 - 2.0**-53
    uniforms[:, 1:2] = 0.0
    counts = rng.integers(5, size=(R, cells))
    expected = np.zeros((R, cells), dtype=np.int64).tolist()
    for r in range(R):
        for u in uniforms[r].tolist():
            slot = int(u * K)
            expected[r][int(own[slot]) if u * K - slot < keep[slot] else int(other[slot])] += 1
    tally(uniforms, keep, paired(own, other), counts)
    assert counts.tolist() == expected


def test_planted_wrong_table_is_caught() -> None:
    # Oracle: second algorithm, a share off by 1 % must move some of 10000 draws
    uniforms = np.random.default_rng(0).random((1, 10_000))
    pairs = paired(np.array([0, 1]), np.array([1, 2]))
    right, wrong = np.zeros((1, 3), dtype=np.int64), np.zeros((1, 3), dtype=np.int64)
    tally(uniforms, np.array([0.5, 0.5]), pairs, right)
    tally(uniforms, np.array([0.51, 0.5]), pairs, wrong)
    assert right.tolist() != wrong.tolist()


def test_the_largest_uniform_stays_in_the_table() -> None:
    # Oracle: identity, (1 - 2^-53) K rounds to less than K for every K, so no slot K is looked up
    K = np.arange(1, 10**6)
    np.testing.assert_array_equal(((1 - 2.0**-53) * K).astype(np.int64), K - 1)


def test_a_row_function_that_calls_another_is_known_by_both(monkeypatch) -> None:
    # Oracle: identity, compiled code is kept under the name of its content: another callee is other content
    content = compiled._content(listed.list_ce_row)
    assert [name for name, _ in content[-1]] == ["told_row"]
    monkeypatch.setattr(listed, "told_row", listed.list_ce_cells)
    assert compiled._content(listed.list_ce_row) != content


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("max(x, y)", "min(x, y)"),  # of one byte code, by other names
        ("np.log(x) + y", "np.exp(x) + y"),
        ("x * SCALE + y", "x * SHIFT + y"),
        ("x + y", "x - y"),
        ("x + 1", "x + 2"),
    ],
)
def test_row_functions_that_differ_are_kept_apart(one, other) -> None:
    # Oracle: identity, other names are other content, and so is another value of a number that is read by its name
    def content(text, scale=2.0):
        space = {"np": np, "SCALE": scale, "SHIFT": 3.0}
        exec(f"def row(x, y):\n    return {text}", space)
        return compiled._content(space["row"])

    assert content(one) == content(one) != content(other)
    assert ("SCALE" in one) == (content(one) != content(one, scale=2.5))


@pytest.mark.parametrize(
    ("rows", "sure"),
    [
        ([[0.5, 0.5], [0.0, 1.0]], True),
        ([[0.5, 0.5 + 2**-7]], True),
        ([[0.5, 0.5 - 2**-7]], True),
        ([[0.5, 0.5 + 2**-7 + 2**-40]], False),
        ([[0.5, 0.5 - 2**-7 - 2**-40]], False),
        ([[0.5, 0.5], [0.5, 0.25]], False),
        ([[1.0 + 2**-52, 0.0]], False),
        ([[1.0, -(2**-60)]], False),
        ([[1.0, np.nan]], False),
        ([[np.inf, 0.0]], False),
        ([[-np.inf, 1.0]], False),
        ([[1.0]], True),
        (np.empty((0, 3)), True),
    ],
)
def test_a_table_is_surely_stochastic_within_half_the_tolerance(rows, sure):
    # Oracle: definition, in numbers whose sums are exact, on both sides of each limit
    assert kernels.surely_stochastic(np.array(rows, dtype=np.float64), 2**-6) is sure


def test_visits_of_stored_cells_are_sums_between_offsets():
    # Oracle: Python's sum
    counts = np.array([[1, 2, 0, 5, 7], [4, 0, 3, 0, 9]])
    visits = np.full((2, 3), -1)
    kernels.sparse_visits_of(counts, np.array([0, 2, 3, 5]), visits)
    assert visits.tolist() == [[sum(row[:2]), row[2], sum(row[3:])] for row in counts.tolist()]


@pytest.mark.parametrize("tables", [0, 1, 2, 3])
def test_stored_cells_get_their_own_part_of_what_is_told(tables):
    # Oracle: second algorithm, the sums in Python, of a row function and a cost that tell all their arguments apart
    counts = np.array([[3, 1, 4], [1, 5, 0], [2, 6, 5]])[: max(tables, 2)]
    visits = np.array([[4, 4], [6, 0], [8, 5]])[: len(counts)]
    told = None if tables == 0 else np.array([[1, 0, 2], [3, 5, 1], [7, 0, 4]])[:tables]
    rho, offsets = np.array([0.25, 0.75]), np.array([0, 2, 3])
    teacher, init = np.array([0.5, 0.25, 1.0]), np.array([0.125, 0.5, 0.25])
    others, start, unvisited = np.array([2, 7]), np.array([0.5, 0.25]), np.array([11.0, 13.0])

    def row(visits, seen, told, p, init, others, start, said):
        said[:] = visits * seen + (0 if told is None else 100 * told) + 3 * p + 5 * init
        return others + 7 * start

    def cost(said, p, others, rest):
        return float(said @ p) + 17 * others + 19 * rest

    loop = types.FunctionType(kernels._sparse_risks.__code__, {**vars(kernels), "row": row, "cost": cost})
    found = np.empty(len(counts))
    loop(counts, visits, told, rho, offsets, teacher, init, others, start, unvisited, found)
    for r, value in enumerate(found.tolist()):
        total = 0.0
        for s, cells in enumerate(([0, 1], [2])):
            if visits[r, s] == 0:
                total += rho[s] * unvisited[s]
                continue
            said = [visits[r, s] * counts[r, i] + 3 * teacher[i] + 5 * init[i] for i in cells]
            if tables:
                said = [x + 100 * told[r if tables > 1 else 0, i] for x, i in zip(said, cells, strict=True)]
            own = sum(x * teacher[i] for x, i in zip(said, cells, strict=True))
            total += rho[s] * (own + 17 * others[s] + 19 * (others[s] + 7 * start[s]))
        assert value == pytest.approx(total, rel=1e-14, abs=0)
    costs = types.FunctionType(kernels._sparse_costs.__code__, {**vars(kernels), "cost": cost})
    found = np.empty(2)
    costs(init, offsets, teacher, others, start, found)
    expected = [0.125 * 0.5 + 0.5 * 0.25 + 17 * 2 + 19 * 0.5, 0.25 + 17 * 7 + 19 * 0.25]
    assert found.tolist() == pytest.approx(expected, rel=1e-14, abs=0)
