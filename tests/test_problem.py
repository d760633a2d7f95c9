"""Problems, the paper's instances, and the risk."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kt_theory as kt
import oracles
from kt_theory.problem import (
    Problem,
    dirichlet_problem,
    instance,
    near_deterministic_problem,
    tv_risk,
    uniform_table,
    zipf_problem,
)

# --- Problem --------------------------------------------------------------------------------------------


def test_problem_is_frozen_and_its_own() -> None:
    rho, teacher = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.3, 0.7]])
    problem = Problem(rho, teacher)
    rho[0], teacher[0, 0] = 0, 0
    assert problem.rho.tolist() == [0.5, 0.5]
    assert problem.teacher[0, 0] == 0.9
    for array in (problem.rho, problem.teacher):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        problem.rho = rho  # type: ignore[misc]


def test_problem_takes_lists_fractions_and_integers() -> None:
    # Oracle: identity, the same numbers whatever holds them
    expected = Problem([0.25, 0.75], [[1.0, 0.0], [0.5, 0.5]]).identity
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    assert Problem((quarter, 3 * quarter), [[1, 0], [half, half]]).identity == expected
    assert (
        Problem(np.array([0.25, 0.75], dtype=np.float32), np.array([[1, 0], [0.5, 0.5]]).T.copy().T).identity
        == expected
    )


def test_names_and_shape() -> None:
    problem = Problem([1.0], [[0.5, 0.5, 0.0]], states=["x"], actions=["a", "b", "c"])
    assert (problem.S, problem.A, problem.states, problem.actions) == (1, 3, ("x",), ("a", "b", "c"))
    assert Problem([1.0], [[0.5, 0.5]]).actions == ("0", "1")


def test_identity_changes_exactly_with_the_numbers() -> None:
    # Oracle: enumeration of one-number changes
    rho, teacher = [0.5, 0.5], [[0.5, 0.5], [0.25, 0.75]]
    base = Problem(rho, teacher).identity
    assert base == Problem(rho, teacher, name="other", states=["x", "y"], actions=["a", "b"]).identity
    ulp = 2.0**-53
    others = [
        Problem([0.5 - ulp, 0.5 + 2 * ulp], teacher),
        Problem(rho, [[0.5 - ulp, 0.5 + 2 * ulp], [0.25, 0.75]]),
        Problem(rho, [[0.25, 0.75], [0.5, 0.5]]),
        Problem([0.5, 0.5, 0.0], [*teacher, [0.5, 0.5]]),
        Problem(rho, [[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]]),
        Problem([1.0], [[0.25] * 4]),
        Problem([0.25] * 4, [[1.0]] * 4),
    ]
    identities = [problem.identity for problem in others]
    assert len({base, *identities}) == len(others) + 1
    assert len(base) == 64


def test_identity_does_not_see_the_sign_of_zero() -> None:
    # Oracle: identity, -0.0 == 0.0: equal numbers, one cell, one stream of draws
    assert Problem([1.0], [[1.0, -0.0]]).identity == Problem([1.0], [[1.0, 0.0]]).identity


# --- tv_risk --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50))
def test_tv_risk_equals_fractions(seed: int) -> None:
    # Oracle: second algorithm, sum_s rho(s) sum_a max(0, p - q) in fractions, the other form of total variation
    rng = np.random.default_rng(seed)
    S, A = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    rho = oracles.rational_law(rng, S, 20, zeros=True)
    p, q = ([oracles.rational_law(rng, A, 20, zeros=True) for _ in range(S)] for _ in range(2))
    exact = sum(
        r * sum(max(x - y, Fraction(0)) for x, y in zip(a, b, strict=True)) for r, a, b in zip(rho, p, q, strict=True)
    )
    problem = Problem(rho, q)
    assert tv_risk(p, problem) == pytest.approx(float(exact), rel=1e-15, abs=1e-16)
    assert tv_risk(problem.teacher, problem) == 0


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_tv_risk_is_a_convex_distance_in_the_unit_interval(S: int, A: int, seed: int) -> None:
    # Oracle: identity, bounds, triangle inequality and relabelling
    rng = np.random.default_rng(seed)
    problem = dirichlet_problem(S, A, rng, alpha=0.3, rho_alpha=1.0)
    other = dirichlet_problem(S, A, rng, alpha=0.3).teacher
    risk = tv_risk(other, problem)
    assert 0 <= risk <= 1
    middle = 0.5 * (other + problem.teacher)
    assert tv_risk(middle, problem) == pytest.approx(risk / 2, rel=1e-14, abs=1e-16)
    s, a = rng.permutation(S), rng.permutation(A)
    moved = Problem(problem.rho[s], problem.teacher[s][:, a])
    assert tv_risk(other[s][:, a], moved) == pytest.approx(risk, rel=1e-14, abs=1e-16)


def test_tv_risk_of_opposite_students() -> None:
    # Oracle: limit, disjoint supports are at distance 1
    assert tv_risk([[0.0, 1.0]], Problem([1.0], [[1.0, 0.0]])) == 1.0


# --- Instances ------------------------------------------------------------------------------------------


def literal_instance(k: int, S: int, A: int, n: int) -> tuple[list[Any], list[list[Any]]]:
    """Instance k as Z&Z print it, labels counted from 1; the square root to 50 digits, all else in fractions."""
    rho: list[Any] = [Fraction(1, S)] * S
    if k == 0:
        dirac = [[Fraction(1, 2) if a == s % A else 0 for a in range(A)] for s in range(S)]
        return rho, [[Fraction(1, 2 * A) + d for d in row] for row in dirac]
    if k == 1:
        even = A if A % 2 == 0 else A - 1
        with localcontext(prec=50):
            gap = Fraction((Decimal(S * even) / Decimal(n)).sqrt()) / 4
        row = [0 if a > even else (1 + gap) / even if a % 2 == 1 else (1 - gap) / even for a in range(1, A + 1)]
        return rho, [row] * S
    odd = A if A % 2 == 1 else A - 1
    light = Fraction(S, n + 1)
    row = [light if a < odd and a % 2 == 1 else 0 for a in range(1, A + 1)]
    row[odd - 1] = 1 - Fraction(S * (odd - 1), 2 * (n + 1))
    if k == 3:
        rho = [Fraction(1, n + 1)] * (S - 1) + [1 - Fraction(S - 1, n + 1)]
    return rho, [row] * S


def smallest_n(k: int, S: int, A: int) -> int:
    if k == 0:
        return 1
    if k == 1:
        return max(1, math.ceil(Fraction(S * (A - A % 2), 16)))
    odd = A if A % 2 == 1 else A - 1
    return max(1, math.ceil(Fraction(S * (odd - 1), 2)) - 1, S - 2 if k == 3 else 0)


SIZES = [(S, A) for S in (1, 2, 5, 16, 100) for A in (1, 2, 3, 4, 8, 9, 25)]


@pytest.mark.parametrize("k", range(4))
def test_instances_equal_their_formulas(k: int) -> None:
    # Oracle: published, Z&Z section 6 (Delta of instance 1: proof of Theorem 3.1), in fractions
    for S, A in SIZES:
        if (k == 1 and A < 2) or (k == 2 and A < 3) or (k == 3 and A < 2):
            continue
        least = smallest_n(k, S, A)
        for n in (least, least + 1, 10 * least + 7, 10**6, 10**12):
            problem = instance(k, S, A, n)
            rho, teacher = literal_instance(k, S, A, n)
            np.testing.assert_allclose(problem.rho, np.array(rho, dtype=float), rtol=1e-15, atol=1e-16)
            np.testing.assert_allclose(problem.teacher, np.array(teacher, dtype=float), rtol=1e-15, atol=2e-16)
            zero = np.array([[entry == 0 for entry in row] for row in teacher])
            np.testing.assert_array_equal(problem.teacher == 0, zero)


def test_planted_wrong_instance_is_caught() -> None:
    # Oracle: published, the comparison must be red for instance 2 with n in place of n + 1
    problem = instance(2, 10, 9, 10**6)
    _, wrong = literal_instance(2, 10, 9, 10**6 - 1)
    assert not np.allclose(problem.teacher, np.array(wrong, dtype=float), rtol=1e-15, atol=2e-16)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_instances_end_where_a_mass_turns_negative(k: int) -> None:
    # Oracle: enumeration, the smallest n is the first at which all masses of the literal formula are >= 0
    for S, A in SIZES:
        if (k == 1 and A < 2) or (k == 2 and A < 3) or (k == 3 and A < 2):
            continue
        least = smallest_n(k, S, A)
        instance(k, S, A, least)
        rho, teacher = literal_instance(k, S, A, least)
        assert min(*rho, *teacher[0], 1) >= 0
        if least > 1:
            rho, teacher = literal_instance(k, S, A, least - 1)
            assert min(*rho, *teacher[0]) < 0
            with pytest.raises(
                ValueError, match=rf"^n is {least - 1}: instance {k} with S={S}, A={A} needs n >= {least}$"
            ):
                instance(k, S, A, least - 1)


def test_instance_zero_ignores_n_and_wraps_its_labels() -> None:
    # Oracle: identity
    assert instance(0, 5, 3).identity == instance(0, 5, 3, 10).identity == instance(0, 5, 3, 10**9).identity
    assert instance(0, 5, 3).teacher.argmax(axis=1).tolist() == [0, 1, 2, 0, 1]
    assert instance(0, 1, 1).teacher.tolist() == [[1.0]]


# --- Random problems ------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[int, int, Any], Problem]] = {
    "dirichlet": dirichlet_problem,
    "sparse dirichlet": lambda S, A, seed: dirichlet_problem(S, A, seed, alpha=0.01, rho_alpha=0.01),
    "zipf": zipf_problem,
    "near-deterministic": lambda S, A, seed: near_deterministic_problem(S, max(A, 2), seed),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_random_problems_hang_on_their_seed_alone(maker: str) -> None:
    # Oracle: identity
    make = MAKERS[maker]
    for S, A in ((1, 1), (1, 7), (6, 1), (5, 8), (40, 30)):
        identity = make(S, A, 3).identity
        assert make(S, A, 3).identity == make(S, A, np.random.default_rng(3)).identity == identity
        if S * A > 30:
            assert make(S, A, 4).identity != identity


def test_zipf_rows_are_zipfs_law_in_some_order() -> None:
    # Oracle: published, mass proportional to rank^-exponent, in fractions for exponent 2
    weights = [Fraction(1, rank**2) for rank in range(1, 7)]
    law = sorted(float(w / sum(weights)) for w in weights)
    problem = zipf_problem(4, 6, seed=0, exponent=2.0)
    np.testing.assert_allclose(np.sort(problem.teacher, axis=1), np.tile(law, (4, 1)), rtol=1e-15)
    assert len({tuple(row) for row in problem.teacher.tolist()}) > 1


def test_dirichlet_rows_have_their_mean_and_variance() -> None:
    # Oracle: identity, Dirichlet(alpha, ..., alpha) on A labels: mean 1/A, variance (A - 1) / (A^2 (A alpha + 1))
    x = dirichlet_problem(20_000, 4, seed=1, alpha=0.5).teacher[:, 0]
    variance = 3 / (16 * 3)
    assert abs(x.mean() - 0.25) <= 4 * math.sqrt(variance / x.size)
    spread = (x - 0.25) ** 2
    assert abs(spread.mean() - variance) <= 4 * spread.std() / math.sqrt(x.size)


def test_near_deterministic_rows() -> None:
    # Oracle: identity
    problem = near_deterministic_problem(50, 3, seed=1, epsilon=0.25)
    np.testing.assert_array_equal(np.sort(problem.teacher, axis=1), np.tile([0.125, 0.125, 0.75], (50, 1)))
    assert len(set(problem.teacher.argmax(axis=1).tolist())) == 3


def test_uniform_table() -> None:
    # Oracle: identity
    assert uniform_table(2, 4).tolist() == [[0.25] * 4] * 2


# --- Bad input ------------------------------------------------------------------------------------------

TABLE = [[0.5, 0.5], [0.25, 0.75]]
OK = Problem([0.5, 0.5], TABLE)

BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: Problem([0.5, 0.6], TABLE), r"^rho sums to 1\.1, off 1 by 0\.1;"),
    (lambda: Problem([0.5, 0.5 + 3e-12], TABLE), r"^rho sums to 1\.0000000000\d+, off 1 by 3e-12"),
    (lambda: Problem(np.array([0.1, 0.9], dtype=np.float32), TABLE), r"^rho sums to 0\.99999\d+, off 1"),
    (lambda: Problem([-0.5, 1.5], TABLE), r"^rho\[0\] is -0\.5"),
    (lambda: Problem([math.nan, 1.0], TABLE), r"^rho\[0\] is nan"),
    (lambda: Problem([0.0, math.inf], TABLE), r"^rho\[1\] is inf"),
    (lambda: Problem([], TABLE), r"^rho is empty"),
    (lambda: Problem([[1.0]], TABLE), r"^rho must have 1 dimension\(s\), got shape 1x1"),
    (lambda: Problem(1.0, TABLE), r"^rho must have 1 dimension\(s\), got shape scalar"),
    (lambda: Problem("half", TABLE), r"^rho is not an array of numbers"),
    (lambda: Problem(None, TABLE), r"^rho "),
    (lambda: Problem([1.0], TABLE), r"^teacher has 2 rows, rho has 1 entries"),
    (lambda: Problem([0.5, 0.5], [[0.5, 0.5], [0.5, 0.6]]), r"^teacher\[1\] sums to 1\.1, off 1 by 0\.1"),
    (lambda: Problem([0.5, 0.5], [[0.5, 0.5], [-0.1, 1.1]]), r"^teacher\[1, 0\] is -0\.1"),
    (lambda: Problem([0.5, 0.5], [[0.5, 0.5], [1.0, math.nan]]), r"^teacher\[1, 1\] is nan"),
    (lambda: Problem([0.5, 0.5], [[0.5, 0.5], [1.0]]), r"^teacher is not an array of numbers"),
    (lambda: Problem([0.5, 0.5], [[0.5, 0.5], [1j, 1]]), r"^teacher "),
    (lambda: Problem([1.0], [[1.0]], states="x"), r"^states is 'x': it must be a sequence of names"),
    (lambda: Problem([0.5, 0.5], [0.5, 0.5]), r"^teacher must have 2 dimension\(s\), got shape 2"),
    (lambda: Problem([1.0], [[]]), r"^teacher has shape \(1, 0\)"),
    (lambda: Problem([1.0], [[1.0]], states=["a", "b"]), r"^states has 2 names, 1 are needed"),
    (lambda: Problem([1.0], [[0.5, 0.5]], actions=["a", "a"]), r"^actions has 'a' twice"),
    (lambda: instance(4, 2, 2, 10), r"^k is 4"),
    (lambda: instance(-1, 2, 2, 10), r"^k is -1"),
    (lambda: instance("1", 2, 2, 10), r"^k is '1'"),
    (lambda: instance(1, 0, 2, 10), r"^S is 0: it must be at least 1"),
    (lambda: instance(1, 2.5, 2, 10), r"^S is 2\.5"),
    (lambda: instance(1, 2, 0, 10), r"^A is 0"),
    (lambda: instance(1, 2, True, 10), r"^A is True"),
    (lambda: instance(1, 2, 2), r"^n is missing: instance 1"),
    (lambda: instance(1, 2, 2, 0), r"^n is 0: it must be at least 1"),
    (lambda: instance(1, 2, 2, math.nan), r"^n is nan"),
    (lambda: instance(1, 2, 2, [10]), r"^n is \[10\]"),
    (lambda: instance(1, 2, 2, 2**63), r"^n is 9223372036854775808"),
    (lambda: instance(1, 2, 1, 10), r"^A is 1: instance 1 needs at least 2 labels"),
    (lambda: instance(1, 10, 10, 6), r"^n is 6: instance 1 with S=10, A=10 needs n >= 7"),
    (lambda: instance(2, 2, 2, 10), r"^A is 2: instance 2 needs at least 3 labels"),
    (lambda: instance(2, 10, 9, 38), r"^n is 38: instance 2 with S=10, A=9 needs n >= 39"),
    (lambda: instance(3, 2, 1, 10), r"^A is 1: instance 3 needs at least 2 labels"),
    (lambda: instance(3, 100, 2, 97), r"^n is 97: instance 3 with S=100, A=2 needs n >= 98"),
    (lambda: dirichlet_problem(0, 2, 0), r"^S is 0"),
    (lambda: dirichlet_problem(2, 2, 0, alpha=0), r"^alpha is 0\.0"),
    (lambda: dirichlet_problem(2, 2, 0, rho_alpha=-1), r"^rho_alpha is -1\.0"),
    (lambda: zipf_problem(2, 2, 0, exponent=math.inf), r"^exponent is inf"),
    (lambda: near_deterministic_problem(2, 1, 0), r"^A is 1: it must be at least 2"),
    (lambda: near_deterministic_problem(2, 2, 0, epsilon=1), r"^epsilon is 1\.0"),
    (lambda: tv_risk([[0.5, 0.5]], OK), r"^student has shape \(1, 2\), \(2, 2\) is needed"),
    (lambda: tv_risk([[0.5, 0.5], [0.5, 0.4]], OK), r"^student\[1\] sums to 0\.9"),
    (lambda: tv_risk([[0.5, 0.5], [math.nan, 1.0]], OK), r"^student\[1, 0\] is nan"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_whole_floats_are_numbers_of_samples() -> None:
    # Oracle: identity, 1e9 is how one writes a thousand million
    assert instance(2, 3, 5, 1e9).identity == instance(2, 3, 5, 10**9).identity
    assert instance(2, 3, 5, np.int32(10**9)).identity == instance(2, 3, 5, 10**9).identity


def test_a_random_law_on_one_point_is_exactly_one():
    # Oracle: definition; NumPy draws 1 - 2^-53 now and then
    for seed in range(60):
        assert kt.dirichlet_problem(1, 3, seed, rho_alpha=0.7).rho.tolist() == [1.0]
        assert (kt.dirichlet_problem(3, 1, seed, alpha=0.7).teacher == 1).all()


def test_three_worlds_that_do_not_fit_say_so_and_nothing_else():
    # Oracle: definition
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="n is 1: with S=3, A=4 the light labels do not fit"):
            kt.three_worlds(3, 4, 1)


def test_defaults_are_those_of_the_docstrings():
    # Oracle: identity, a default asked for by name gives the same numbers, and another one does not
    for call, defaults in (
        (lambda **more: dirichlet_problem(3, 4, 1, **more), {"alpha": 1.0, "rho_alpha": None}),
        (lambda **more: zipf_problem(3, 4, 1, **more), {"exponent": 1.0}),
        (lambda **more: near_deterministic_problem(3, 4, 1, **more), {"epsilon": 0.01}),
        (lambda **more: kt.three_worlds(9, 12, 1000, **more), {"phi": math.sqrt(0.5), "psi": math.sqrt(2) - 1}),
    ):
        assert call().identity == call(**defaults).identity
        for name in defaults:
            assert call().identity != call(**{name: 0.77 if name != "phi" else 0.3}).identity
    assert Problem([1.0], [[1.0]]).name == "problem"


def test_a_generator_goes_on_and_a_seed_begins_anew():
    # Oracle: identity
    assert dirichlet_problem(2, 3, 1).identity == dirichlet_problem(2, 3, 1).identity
    rng = np.random.default_rng(1)
    first, second = dirichlet_problem(2, 3, rng), dirichlet_problem(2, 3, rng)
    assert first.identity == dirichlet_problem(2, 3, 1).identity != second.identity


@pytest.mark.parametrize("call", [dirichlet_problem, zipf_problem, near_deterministic_problem])
def test_sizes_beyond_memory_are_refused_before_work(call):
    # Oracle: identity, 10**8 entries are the most of a table
    for S, A in ((2**63 - 1, 2), (2, 2**63 - 1), (10**8 + 1, 2)):
        with pytest.raises(ValueError, match=rf"^S x A is {S} x {A}: a table has at most 1e\+08 entries"):
            call(S, A, 1)


@pytest.mark.parametrize(
    ("S", "A", "n", "shares"),
    [
        (3, 5, 100, {}),
        (9, 20, 1000, {}),
        (2, 4, 50, {}),
        (3, 4, 1000, {"phi": 0.99}),
        (3, 4, 1000, {"phi": 0.01}),
        (6, 12, 500, {"psi": 0.999}),
        (6, 12, 500, {"psi": 1e-3}),
        (6, 12, 500, {"phi": 0.25, "psi": 0.6}),
    ],
)
def test_three_worlds_is_what_its_page_says(S: int, A: int, n: int, shares: dict[str, float]) -> None:
    # Oracle: second algorithm, row by row and label by label, from the words of the docstring
    phi, psi = shares.get("phi", 1 / math.sqrt(2)), shares.get("psi", math.sqrt(2) - 1)
    problem = kt.three_worlds(S, A, n, **shares)
    rare = [s for s in range(S) if problem.rho[s] == 1 / (n + 1)]
    assert rare == list(range(len(rare)))
    assert len(rare) == sorted([1, round(psi * (S - 1)), S - 1])[1]
    for s in range(S):
        row = problem.teacher[s]
        if s in rare:
            assert row.tolist() == [1.0] + [0.0] * (A - 1)
            continue
        assert problem.rho[s] == pytest.approx((1 - len(rare) / (n + 1)) / (S - len(rare)), rel=1e-14, abs=0)
        block = sorted([2, round(phi * A), A - 1])[1]
        light = max(1, round(0.676741 * block))
        mass = 1.477670 / (n * problem.rho[s])
        wanted = [mass] * light + [0.0] * (block - light) + [(1 - light * mass) / (A - block)] * (A - block)
        np.testing.assert_allclose(row, wanted, rtol=1e-13, atol=0)


def test_three_worlds_need_room_for_the_light_labels() -> None:
    # Oracle: enumeration of n; 1 of 3 inputs is rare, 4 labels are light: 4 x 1.47767 < n (1 - 1 / (n + 1)) / 3
    for n in range(1, 60):
        if n >= 3 and 4 * 1.477670 * 3 * (n + 1) < n * n:
            assert kt.three_worlds(4, 8, n).S == 4
        else:
            with pytest.raises(ValueError, match=f"n is {n}: with S=4, A=8 the light labels do not fit"):
                kt.three_worlds(4, 8, n)
