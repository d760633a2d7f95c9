"""Count tables: both routes against the multinomial law, as a whole and in its first two moments."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats

from kt_theory.problem import Problem, dirichlet_problem, instance, near_deterministic_problem, zipf_problem
from kt_theory.simulation import pcg64, sampling
from kt_theory.simulation.sampling import CountSampler, alias_table

#: Samples per cell up to which draws are tallied one by one: this forces either route.
ROUTES = {"tally": 10**18, "multinomial": -1}


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sampling, "DRAWS_PER_CELL", ROUTES[request.param])
    return request.param


def draws(problem: Problem, n: int, reps: int, seed: int) -> np.ndarray:
    chunks = CountSampler(problem).draw(n, reps, np.random.default_rng(seed))
    return np.concatenate(list(chunks))


# --- The uniforms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_uniforms_are_those_of_numpy(seed: int) -> None:
    # Oracle: second algorithm, NumPy's own PCG64 from the same place, some numbers behind the seed; to the last bit
    ours, theirs = (np.random.Generator(np.random.PCG64(seed)) for _ in range(2))
    for rng in (ours, theirs):
        rng.random(seed)
    copies, got = pcg64.copies_of(ours), np.full((3, 8 * (1 + 7 * seed)), np.nan)
    for row in got:
        pcg64.fill(copies, row)
    np.testing.assert_array_equal(got.ravel(), theirs.random(got.size))


def test_copies_that_start_a_step_late_are_caught() -> None:
    # Oracle: second algorithm, NumPy's own PCG64: one step further no number is the same
    rng = np.random.Generator(np.random.PCG64(0))
    copies, got = pcg64.copies_of(rng), np.empty(64)
    first = rng.random()
    pcg64.fill(copies, got)
    assert got[0] == first
    assert not (got == rng.random(64)).any()


@pytest.mark.parametrize(("cells", "left"), [(2500, 83), (2500, 20), (2500, 47), (2500, 48), (1, 4096), (10**6, 5)])
def test_chunks_leave_no_small_rest(cells: int, left: int) -> None:
    # Oracle: identity, all repeats are drawn, at least one at a time and no fewer than 16 where that many fit
    sizes = []
    while left > 0:
        sizes.append(sampling.rows_at_once(cells, left))
        left -= sizes[-1]
    assert left == 0
    assert min(sizes) >= (16 if cells <= 4096 else 1)


# --- The alias table ------------------------------------------------------------------------------------


def laws() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    yield np.array([1.0])
    yield np.array([0.0, 1.0, 0.0])
    yield np.full(7, 1 / 7)
    yield np.array([1e-300, 0.0, 1e-17, 1 - 1e-17])
    for problem in (
        instance(0, 100, 25),
        instance(1, 10, 11, 1000),
        instance(2, 100, 8, 2000),
        instance(3, 10, 11, 10**12),
        zipf_problem(30, 40, seed=1),
        near_deterministic_problem(20, 20, seed=2, epsilon=1e-9),
    ):
        yield problem.w.ravel() / problem.w.sum()
    for K in range(1, 200):
        masses = rng.dirichlet(np.full(K, rng.choice([0.05, 1, 20])))
        masses *= rng.random(K) < rng.choice([0.3, 1.0])
        if masses.any():
            yield masses / masses.sum()


def shares(keep: np.ndarray, own: np.ndarray, other: np.ndarray, cells: int) -> list[Fraction]:
    """The law that a table draws from: slot k has mass 1/K, of which keep[k] is its own cell's."""
    mass = [Fraction(0)] * cells
    for part, first, second in zip(keep.tolist(), own.tolist(), other.tolist(), strict=True):
        mass[first] += Fraction(part) / keep.size
        mass[second] += (1 - Fraction(part)) / keep.size
    return mass


def test_alias_table_is_the_law() -> None:
    # Oracle: enumeration, the slots' shares added up in fractions; each is filled by subtractions of numbers of the
    # size of a slot, 1/K, which leaves far less than 1e-15 in absolute terms
    for masses in laws():
        keep, own, other = alias_table(masses)
        assert ((keep >= 0) & (keep <= 1)).all()
        got = shares(keep, own, other, masses.size)
        assert sum(got) == 1
        assert max(abs(x - Fraction(p)) for x, p in zip(got, masses.tolist(), strict=True)) < Fraction(1, 10**15)
        assert (masses[own] > 0).all()
        assert (masses[other] > 0).all()


def test_planted_wrong_table_is_caught() -> None:
    # Oracle: enumeration, the same sum must be red for a table with one share off by 1e-12
    masses = instance(0, 100, 25).w.ravel()
    keep, own, other = alias_table(masses)
    k = int(np.argmin(keep))
    keep[k] += 1e-11
    assert max(abs(x - Fraction(p)) for x, p in zip(shares(keep, own, other, 2500), masses, strict=True)) > 1e-15


def vose(masses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vose's construction with Python's lists."""
    own = np.flatnonzero(masses)
    keep, other = masses[own] * own.size, own.copy()
    small = [k for k in range(own.size) if keep[k] < 1]
    large = [k for k in range(own.size) if keep[k] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        other[poor] = own[rich]
        keep[rich] -= 1 - keep[poor]
        if keep[rich] < 1:
            small.append(large.pop())
    keep[small + large] = 1.0
    return keep, own, other


def test_compiled_table_is_the_one_of_lists() -> None:
    # Oracle: second algorithm, the same construction in plain Python, to the bit: seeds keep their draws
    for masses in laws():
        for got, expected in zip(alias_table(masses), vose(masses), strict=True):
            np.testing.assert_array_equal(got, expected)


# --- The law of the counts ------------------------------------------------------------------------------

TILTED = Problem([0.7, 0.3, 0.0], [[0.5, 0.0, 0.5], [0.05, 0.9, 0.05], [1.0, 0.0, 0.0]])


def chi_square(problem: Problem, sample: np.ndarray, n: int) -> float:
    """p-value of the count tables in `sample` under Multinomial(n, w), table by table, rare ones pooled."""
    w = problem.w.ravel()
    seen = Counter(map(tuple, sample.reshape(len(sample), -1).tolist()))
    tables = [t for t in np.ndindex(*[n + 1] * int((w > 0).sum())) if sum(t) == n]
    expected, observed = [], []
    for positive in tables:
        table = np.zeros(w.size, dtype=int)
        table[w > 0] = positive
        ways = math.factorial(n) / math.prod(math.factorial(c) for c in positive)
        expected.append(len(sample) * ways * float(np.prod(w**table)))
        observed.append(seen.pop(tuple(table.tolist()), 0))
    assert not seen, f"tables of probability zero: {seen}"
    order = np.argsort(expected)
    x, e = np.array(observed)[order], np.array(expected)[order]
    pooled = int(np.searchsorted(np.cumsum(e), 10)) + 1
    x, e = np.append(x[pooled:], x[:pooled].sum()), np.append(e[pooled:], e[:pooled].sum())
    return float(scipy.stats.chisquare(x, e * x.sum() / e.sum()).pvalue)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_count_tables_have_their_probabilities(route: str, n: int) -> None:
    # Oracle: enumeration, all tables of n draws with their multinomial weights; chi-square of 40000 tables
    sample = draws(TILTED, n, 40_000, seed=n)
    assert chi_square(TILTED, sample, n) > 1e-3
    assert np.all(sample.sum(axis=(1, 2)) == n)


def test_planted_wrong_law_is_caught(route: str) -> None:
    # Oracle: enumeration, the same chi-square must be red for a law with one mass off by 0.02
    wrong = Problem([0.72, 0.28, 0.0], TILTED.teacher)
    sample = draws(TILTED, 3, 40_000, seed=3)
    assert chi_square(wrong, sample, 3) < 1e-6
    assert np.abs(z_of_moments(wrong, sample, 3)).max() > 4


def z_of_moments(problem: Problem, sample: np.ndarray, n: int) -> np.ndarray:
    """Z of every mean and every covariance of the counts against n p and n (diag p - p p')."""
    p = problem.w.ravel()
    p = p[p > 0] / p.sum()
    centred = sample.reshape(len(sample), -1)[:, problem.w.ravel() > 0] - n * p
    products = np.einsum("ri,rj->rij", centred, centred)[:, *np.triu_indices(p.size)]
    exact = (n * (np.diag(p) - np.outer(p, p)))[np.triu_indices(p.size)]
    values = np.hstack([centred, products - exact])
    return values.mean(axis=0) / (values.std(axis=0, ddof=1) / math.sqrt(len(values)))


@pytest.mark.parametrize("n", [1, 7, 60, 3000])
@pytest.mark.parametrize(
    "problem",
    [TILTED, dirichlet_problem(2, 4, seed=5, rho_alpha=1.0), zipf_problem(3, 3, seed=6), instance(1, 2, 3, 10)],
    ids=lambda problem: problem.name,
)
def test_means_and_covariances(route: str, problem: Problem, n: int) -> None:
    # Oracle: identity, moments of the multinomial law; standard errors from the 20000 tables themselves
    sample = draws(problem, n, 20_000, seed=n)
    zero = problem.w == 0
    assert not sample[:, zero].any()
    assert np.all(sample.sum(axis=(1, 2)) == n)
    assert np.abs(z_of_moments(problem, sample, n)).max() <= 4


@pytest.mark.parametrize("n", [10**9, 10**12, 2**53 + 1, 10**17])
def test_means_and_variances_at_large_n(n: int) -> None:
    # Oracle: identity, moments of the multinomial law; the variance of a variance is 2 / reps near the normal law
    problem = dirichlet_problem(2, 3, seed=8, rho_alpha=1.0)
    sample = draws(problem, n, 4000, seed=1).reshape(4000, -1)
    assert all(sum(row) == n for row in sample.tolist())
    p = problem.w.ravel()
    x = (sample - n * p) / np.sqrt(n * p * (1 - p))
    assert np.abs(x.mean(axis=0)).max() * math.sqrt(4000) <= 4
    assert np.abs(x.var(axis=0) - 1).max() / math.sqrt(2 / 4000) <= 4


@pytest.mark.parametrize("n", [10**12, 10**17])
def test_rare_cells_of_large_n_are_poisson(n: int) -> None:
    # Oracle: limit, a cell of mass 1/n is seen Poisson(1) times, P(0) = 1/e up to 1e-12
    problem = Problem([1.0], [[1 / n, 1 - 1 / n]])
    unseen = draws(problem, n, 40_000, seed=2)[:, 0, 0] == 0
    z = (unseen.mean() - math.exp(-1)) / math.sqrt(math.exp(-1) * (1 - math.exp(-1)) / 40_000)
    assert abs(z) <= 4


ZEROS = [
    Problem([1.0], [[0.3, 0.3, 0.4, 0.0]]),
    Problem([0.9, 0.1, 0.0], [[0.1, 0.9, 0.0], [0.7, 0.2, 0.1], [0.0, 1.0, 0.0]]),
    Problem([1.0], [[0.0, 0.1, 0.2, 0.7, 0.0]]),
    Problem(np.full(3, 1 / 3), np.tile([0.0, 1 / 3, 1 / 3, 1 / 3, 0.0], (3, 1))),
    instance(2, 3, 4, 10**6),
]


@pytest.mark.parametrize("n", [1, 50, 10**12, 10**17])
@pytest.mark.parametrize("problem", ZEROS)
def test_cells_of_zero_mass_are_never_drawn(problem: Problem, n: int) -> None:
    # Oracle: identity; 3 / 10 + 3 / 10 + 4 / 10 falls short of 1 in float64, and n = 10^12 draws would find the gap
    sample = draws(problem, n, 2000, seed=n % 1000)
    assert not sample[:, problem.w == 0].any()
    assert sample.min() >= 0


def test_numpy_alone_does_draw_a_cell_of_zero_mass() -> None:
    # Oracle: identity, planted: what is left over by rounding goes to the last cell, mass zero or not
    masses = [0.1] * 10 + [0.0]
    assert math.fsum(masses) == 1
    assert np.random.default_rng(0).multinomial(10**17, masses, size=50)[:, -1].any()


@pytest.mark.parametrize("n", [0, 1, 40, 10**5])
def test_more_repeats_change_no_earlier_one(route: str, n: int) -> None:
    # Oracle: identity, repeats are drawn one after the other from one generator, across chunks
    long = draws(TILTED, n, 300, seed=3)
    for reps in (1, 7, 299):
        np.testing.assert_array_equal(draws(TILTED, n, reps, seed=3), long[:reps])


def test_one_repeat_may_overflow_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, chunks only cut the stream: 9 tables of 1000 draws, whatever is held at once
    whole = draws(TILTED, 140, 9, seed=4)
    monkeypatch.setattr(sampling, "CHUNK", 33)
    np.testing.assert_array_equal(draws(TILTED, 140, 9, seed=4), whole)
