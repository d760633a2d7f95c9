"""ADD_sgl: its definition, its kernel, its exact risk."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy import special

from kt_theory.exact import add, loops_add, loops_kinks
from kt_theory.exact.rows import OutOfReach, Row, distinct_rows
from kt_theory.learners import LEARNERS, PAPER_LEARNERS, add_sgl
from kt_theory.learners.fitting import fit
from kt_theory.numerics import binomials
from kt_theory.problem import Problem, instance, tv_risk, uniform_table
from kt_theory.protocols import TransferSet
from kt_theory.simulation.cells import SIDE_BY_SIDE, Cell, Repeats
from kt_theory.simulation.means import simulate


def test_definition_by_hand() -> None:
    # Oracle: identity; 8 visits of 3 labels: c = 0.4 sqrt(8/2) = 0.8, total 10.4
    student = add_sgl(np.array([[5, 3, 0], [0, 0, 0]]), np.full((2, 3), np.nan), np.array([[1, 0, 0], [0.5, 0.5, 0]]))
    np.testing.assert_allclose(student[0], np.array([5.8, 3.8, 0.8]) / 10.4, rtol=1e-15)
    np.testing.assert_array_equal(student[1], [0.5, 0.5, 0])
    np.testing.assert_array_equal(add_sgl(np.array([[3]]), np.ones((1, 1)), np.ones((1, 1))), [[1.0]])


def test_registry() -> None:
    # Oracle: definition, from counts alone; after the paper's learners, whose order receipts of old have
    assert LEARNERS["ADD_sgl"].protocol.name == "hard"
    assert tuple(LEARNERS) == (*PAPER_LEARNERS, "ADD_sgl")


def test_kernel_equals_definition() -> None:
    # Oracle: second algorithm, the NumPy learner and tv_risk
    rng = np.random.default_rng(0)
    for seed in range(200):
        S, A = int(rng.integers(1, 4)), int(rng.integers(1, 6))
        problem = Problem(rng.dirichlet(np.ones(S)), rng.dirichlet(np.full(A, 0.5), size=S))
        counts = rng.multinomial((0, 1, 7, 10**12)[seed % 4], problem.w.ravel() / problem.w.sum()).reshape(1, S, A)
        init = rng.dirichlet(np.ones(A), size=S)
        cell = Cell(problem, 1, init)
        (risk,) = cell._learner_risks(LEARNERS["ADD_sgl"], Repeats(counts), None)
        side_by_side = Repeats(np.repeat(counts, SIDE_BY_SIDE, axis=0))
        assert cell._learner_risks(LEARNERS["ADD_sgl"], side_by_side, None).tolist() == [risk] * SIDE_BY_SIDE
        student = fit(TransferSet.from_counts(counts[0], problem.teacher, "hard"), "ADD_sgl", init)
        np.testing.assert_allclose(student.sum(axis=1), 1, rtol=1e-15 * A)
        assert risk == pytest.approx(tv_risk(student, problem), rel=0, abs=1e-15)


# --- The exact risk -------------------------------------------------------------------------------------

mp = mpmath.mp.clone()
mp.dps = 40


def literal(row: Row, n: int, divergence: str, kappa: str = "0.4") -> mpmath.mpf:
    """Every number of visits, every count, 40 digits."""
    rho, A, total = mp.mpf(row.rho), row.p.size, mp.mpf(0)
    cost = {
        "tv": lambda p, q: abs(p - q) / 2,
        "l2": lambda p, q: (p - q) ** 2,
        "kl": lambda p, q: p * mp.log(p / q) if p else mp.mpf(0),
    }[divergence]
    for m in range(n + 1):
        c = mp.mpf(kappa) * mp.sqrt(mp.mpf(m) / max(A - 1, 1)) if A > 1 else mp.mpf(0)
        for p_, start in zip(row.p.tolist(), row.init.tolist(), strict=True):
            p = mp.mpf(p_)
            if m == 0:
                mean = cost(p, mp.mpf(start))
            else:
                laws = [mp.binomial(m, x) * p**x * (1 - p) ** (m - x) for x in range(m + 1)]
                mean = sum(b * cost(p, (x + c) / (m + A * c)) for x, b in enumerate(laws) if b)
            total += mp.binomial(n, m) * rho**m * (1 - rho) ** (n - m) * mean
    return rho * total


def random_row(seed: int) -> tuple[Row, int]:
    rng = np.random.default_rng(seed)
    A = int(rng.integers(1, 5))
    p = rng.dirichlet(np.full(A, (0.1, 1.0, 10.0)[seed % 3]))
    if seed % 4 == 0:
        p[0] = 0.0 if A > 1 else 1.0
    rho = (1.0, 0.3, 1e-3, float(rng.random()))[seed % 4]
    return Row(rho, p / p.sum(), rng.dirichlet(np.ones(A)), 1), (0, 1, 2, 9, 25)[seed % 5]


@pytest.mark.parametrize("divergence", ["tv", "l2", "kl"])
@pytest.mark.parametrize("seed", range(20))
def test_row_risk_equals_the_literal_sum(seed: int, divergence: str) -> None:
    # Oracle: mpmath, all visits and counts at 40 digits; rows sum to 1 within 2e-16 only, which KL notices
    row, n = random_row(seed)
    exact, wanted = add.row_risk(row, n, divergence), literal(row, n, divergence)
    assert abs(exact.value - wanted) <= 1e-13 * wanted + (1e-15 if divergence == "kl" else 1e-18)
    assert abs(exact.value - wanted) <= exact.error + (1e-15 if divergence == "kl" else 0)
    if n and row.p.size > 1 and divergence == "tv":
        assert abs(exact.value - literal(row, n, divergence, "0.4001")) > exact.error


@pytest.mark.parametrize("p", [0.5, 0.3, 1e-3, 0.999])
@pytest.mark.parametrize("m", [1000, 10**5])
def test_large_visits_equal_the_sum_over_counts(m: int, p: float) -> None:
    # Oracle: mpmath, the sum over all counts within 15 sd, by the ratio of neighbours, 40 digits
    A, c = 3, 0.4 * math.sqrt(m / 2)
    P, T = mp.mpf(p), m + 3 * mp.mpf(c)
    sd = math.sqrt(m * p * (1 - p))
    first, last = max(0, int(m * p - 15 * sd - 60)), min(m, int(m * p + 15 * sd + 60))
    b = mp.exp(
        mp.loggamma(m + 1)
        - mp.loggamma(first + 1)
        - mp.loggamma(m - first + 1)
        + first * mp.log(P)
        + (m - first) * mp.log(1 - P)
    )
    total = mp.mpf(0)
    for x in range(first, last + 1):
        total += b * abs((x + mp.mpf(c)) / T - P)
        b *= (m - x) * P / ((x + 1) * (1 - P))
    assert float(add.add_constant_risk(np.array([p]), m, c, A)[0]) == pytest.approx(float(total / 2), rel=1e-13, abs=0)


def windowed(n: int, rho: float, p: np.ndarray, A: int) -> np.ndarray:
    """What each label costs, all visits of the window by incomplete beta functions."""
    first, last = binomials.window(n, rho) if rho < 1 else (n, n)
    out = np.zeros(p.size)
    for start in range(first, last + 1, 2**12):
        m = np.arange(start, min(start + 2**12, last + 1), dtype=float)[:, None]
        c = 0.4 * np.sqrt(m / (A - 1))
        k = add._threshold(m, p, c, A)
        cost = add._deviation(m, p, c, A, k, add._distribution(k, m, p)) / (2 * (m + A * c))
        out += binomials.binomial(m[:, 0], n, rho) @ cost
    return out


@pytest.mark.parametrize(
    ("n", "rho", "A"),
    [(1, 1.0, 2), (7, 0.9, 50), (40, 0.5, 1000), (300, 1e-3, 3), (5000, 0.3, 20_000), (10**6, 0.01, 4), (10**7, 1, 3)],
)
def test_visits_one_by_one(n: int, rho: float, A: int) -> None:
    # Oracle: second algorithm, incomplete beta functions at each number of visits; 1e-13 is what either is good to
    p = np.array([0.0, 1e-300, 1e-9, 1 / A, 0.01, 0.3, 0.5, 0.7, 0.999, 1 - 1e-12, 1.0])
    found = [add._deviations(n, rho, p[i : i + 1], np.array([1]), A) for i in range(p.size)]
    truth = windowed(n, rho, p, A)
    np.testing.assert_allclose(found, truth, rtol=1e-12)
    assert found[5] != pytest.approx(windowed(n, rho, np.array([0.3 + 1e-9]), A)[0], rel=1e-12, abs=0)  # planted


@pytest.mark.parametrize(
    ("n", "rho", "A"), [(10**6, 0.4, 2), (10**6, 0.2, 20_000), (10**8, 0.002, 300), (10**12, 3e-7, 10**5)]
)
def test_integrals_between_kinks(n: int, rho: float, A: int) -> None:
    # Oracle: second algorithm, incomplete beta functions at each number of visits
    p = np.array([0.004, 0.0011, 1e-4, 3e-6, 1e-8, 0.0])
    a = 0.4 / math.sqrt(A - 1)
    first, last = map(float, binomials.window(n, rho))
    e, found = a * (1 - A * p), np.empty(p.size)
    loops_add.fill_deviations(float(n), rho, first, last, A * a, p, e, np.full(p.size, True), found)
    truth = 2 * windowed(n, rho, p, A)
    np.testing.assert_allclose(found, truth, rtol=1e-12)
    # planted: F off by 1e-9 at the first number of visits
    kept = loops_kinks.by_pieces(float(n), rho, first, last, p[0], e[0], A * a, 1e-9)
    assert kept != pytest.approx(truth[0], rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("n", "rho", "A", "p"),
    [
        (10**6, 0.1, 2, [0.3, 0.5]),
        (10**9, 1e-5, 20_000, [0.003, 0.02, 0.2, 0.4]),  # t grows by up to 0.5 a visit
        (10**9, 1.3e-6, 19_252, [0.01, 0.38]),  # the last is beyond all counts: not side by side
        (10**8, 1e-4, 300, [0.0034, 1 / 300, 0.49]),
    ],
)
def test_numbers_of_visits_side_by_side(n: int, rho: float, A: int, p: list[float]) -> None:
    # Oracle: second algorithm, one number of visits after the other, and incomplete beta functions
    a, probabilities = 0.4 / math.sqrt(A - 1), np.array(p)
    first, last = map(float, binomials.window(n, rho))
    e, found, chain = a * (1 - A * probabilities), np.empty(len(p)), np.empty(len(p))
    given = (float(n), rho, first, last, A * a, probabilities, e, np.full(len(p), False))
    loops_add.fill_deviations(*given, found)
    with pytest.MonkeyPatch.context() as patch:
        # As Python: what is compiled has its constants and functions in it.
        patch.setattr(loops_add, "_steady", lambda *_: False)
        loops_add.fill_deviations.py_func(*given, chain)
    np.testing.assert_allclose(found, chain, rtol=1e-13)
    truth = 2 * windowed(n, rho, probabilities, A)
    np.testing.assert_allclose(found, truth, rtol=3e-13)
    assert loops_add._steady(first, last, p[0], e[0])
    # planted: one label's t a millionth off
    moved = np.empty(len(p))
    loops_add.fill_deviations(*given[:6], e * (1 + 1e-6), given[7], moved)
    assert not np.allclose(moved, truth, rtol=3e-13, atol=0)


@pytest.mark.parametrize("n", [1, 30, 10**4, 10**7])
def test_labels_that_are_not_listed(n: int) -> None:
    # Oracle: identity, zeros listed and counted cost the same
    p = np.array([0.001, 0.199, 0.8])
    counted = Row(0.3, p, np.full(3, 0.01), 1, zeros=97, start=0.01)
    for divergence in ("tv", "l2"):
        one, other = (add.row_risk(row, n, divergence).value for row in (counted, counted.full()))
        assert one == pytest.approx(other, rel=1e-14, abs=0)


def test_a_wide_row() -> None:
    # Oracle: limit, normal: E|Z sd + d|, d = c (1 - A p), and Edgeworth's term, at 5e7 visits; then off by 1/(10 m p)
    p = 1 / np.arange(1, 3001)
    p /= p.sum()
    m, A, n = 5e7, 3000, 10**9
    sd, c = np.sqrt(m * p * (1 - p)), 0.4 * math.sqrt(m / (A - 1))
    d = c * (1 - A * p)
    cost = d * (2 * special.ndtr(d / sd) - 1) + 2 * sd * np.exp(-((d / sd) ** 2) / 2) / math.sqrt(2 * math.pi)
    cost -= (1 - 2 * p) * (d / sd) * np.exp(-((d / sd) ** 2) / 2) / math.sqrt(2 * math.pi) / 3
    limit = 0.05 * float(cost.sum()) / (2 * (m + A * c))
    value = add.row_risk(Row(0.05, p, np.full(A, 1 / A), 1), n).value
    assert value == pytest.approx(limit, rel=1e-4, abs=0)
    assert value != pytest.approx(1.001 * limit, rel=1e-4, abs=0)


def test_risk_against_monte_carlo() -> None:
    # Oracle: second algorithm, simulation, |z| <= 4
    problem = instance(0, S=3, A=4)
    init = uniform_table(3, 4)
    for n in (0, 5, 200):
        exact = sum(row.times * add.row_risk(row, n).value for row in distinct_rows(problem.rho, problem.teacher, init))
        frame = simulate(problem, ["ADD_sgl"], n, reps=20_000, seed=1)
        mean, error = float(frame["mean"].iloc[0]), float(frame["mcse"].iloc[0])
        assert abs(mean - exact) <= 4 * error + 1e-14
        if n:
            assert abs(mean - 1.02 * exact) > 4 * error


def test_large_n_and_the_cap() -> None:
    row = Row(0.5, np.array([0.2, 0.3, 0.5]), np.full(3, 1 / 3), 1)
    # Oracle: limit, CE_sgl's sqrt(rho) sum sqrt(p q / (2 pi n)), times half the mean of |Z + d| in units of sd
    for n, value in ((10**9, add.row_risk(row, 10**9)),):
        m = n * row.rho
        limit = sum(
            float(add.add_constant_risk(np.array([p]), int(m), 0.4 * math.sqrt(m / 2), 3)[0]) for p in row.p.tolist()
        )
        assert value.value == pytest.approx(row.rho * limit, rel=1e-8, abs=0)
    with pytest.raises(OutOfReach, match=r"cap of 2000000000 "):
        add.row_risk(row, 10**18)
