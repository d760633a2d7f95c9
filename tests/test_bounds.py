"""The published bounds against literal formulas, and against the exact laws and risks that they speak of.

Four questions, for every statement. Is the float the right number, on its side, in its regime and nowhere else
(`LITERAL`)? Is the statement true (exact risks, exact laws)? Is it as tight as its docstring says (`TRUTH`)? And would
these tests have noticed a wrong constant (the mutants in `LITERAL`, the shrunk bounds in `TRUTH`)?
"""

from __future__ import annotations

import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import oracles
from kt_theory import bounds
from kt_theory.bounds import evaluation
from kt_theory.statements import STATEMENTS

#: Those with a statement: what chooses among them has none.
STATED = [name for name in bounds.__all__ if "Statement: " in (inspect.getdoc(getattr(bounds, name)) or "")]

#: The paper's bounds; ours are held in `test_bounds_sharper.py`.
PAPER = [name for name in STATED if "Statement: Z&Z" in inspect.getdoc(getattr(bounds, name))]

#: Quantities that the paper's statements are about; the others state a statement of `kt_theory.statements`.
QUANTITIES = ("cell_missing_mass", "xi")


def asked(name: str, *arguments: Any) -> Any:
    """A bound by its name, n first and then the others in the order of its signature: each is passed by keyword."""
    bound = getattr(bounds, name)
    parameters = sorted(inspect.signature(bound).parameters, key=lambda parameter: parameter != "n")
    return bound(**dict(zip(parameters, arguments, strict=True)))


def label(name: str, key: str) -> str:
    """The words after `key` in the docstring of a bound."""
    (line,) = re.findall(rf"^{key}: (\S.*)$", inspect.getdoc(getattr(bounds, name)), flags=re.MULTILINE)
    return line


def side(name: str) -> str:
    """On which side of the truth a bound is: upper or lower, by its name, or exact."""
    exact = label(name, "Grade") == "exact"
    (found,) = ["exact"] if exact else {"upper", "lower"} & set(name.split("_"))
    return found


# --- The numbers: literal formulas at 50 digits ---------------------------------------------------------

N = (0, 1, 2, 3, 7, 10, 100, 12345, 10**12, 2**63 - 1)
S_AND_A = list(itertools.product((1, 2, 3, 5, 10, 1000), (1, 2, 3, 4, 7, 10)))
DELTAS = (1e-300, 0.01, 0.1, 0.15, 0.39, 0.4, 0.9999)
MASSES = (1e-300, 3e-17, 1e-12, 1e-5, 0.1, 0.5, 0.7, 1 - 1e-10, 1.0)


def laws(S: int) -> list[list[float]]:
    """Uniform, geometric to the last float, and one heavy input."""
    halves = [0.5**k for k in range(1, S)] + [0.5 ** (S - 1)]
    return [[1 / S] * S, halves, [1e-9] * (S - 1) + [1 - (S - 1) * 1e-9]]


def sizes(*extras: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [(S, A, *more) for S, A in S_AND_A for more in itertools.product(*extras)]


def counts_near_boundaries(*sizes: Any) -> list[int]:
    """The grid of n, and a few n around every multiple of S A that a regime could name."""
    S, A = [*(x for x in sizes if isinstance(x, int)), 1, 1][:2]
    edges = {S, S * A // 4, S * (A - 1) // 4, S * (A - 1) // 2 - 1, S * (A - 2) // 2 - 1}
    return sorted({*N, *(max(0, edge + k) for edge in edges for k in (-1, 0, 1))})


def is_at_most(delta: float, limit: Fraction) -> bool:
    return Fraction(repr(delta)) <= limit  # the decimal that the caller typed


def even(A: int) -> int:
    return A if A % 2 == 0 else A - 1


def odd(A: int) -> int:
    return A if A % 2 == 1 else A - 1


def hard_regime(n: int, S: int, A: int) -> bool:
    return A > 1 and n >= Fraction(S * even(A), 4)


def partial_regime(n: int, S: int, A: int) -> bool:
    return A > 2 and n >= Fraction(S * (odd(A) - 1), 2) - 1


def soft_regime(n: int, S: int, A: int) -> bool:
    return S > 1 and A > 1 and n > S - 1


def power(x: Any, n: int) -> mp.mpf:
    return mp.mpf(1) if n == 0 else mp.mpf(x) ** n


def literal_partial_whp(n: int, S: int, A: int, delta: float, lost_factor: int = 2) -> Any:
    """Z&Z (D.18)-(D.23), kept as 2 (11 S + (200/99) S log(S (S+2) / delta)); the print drops that 2."""
    d = mp.mpf(delta)
    if n < 1:
        return None
    if S == 1:
        inside = is_at_most(delta, Fraction(1, 10))
        return mp.mpf(4) * A / (9 * n) + 3 * mp.sqrt(A) * mp.log(1 / d) / n if inside else None
    if not Fraction(repr(delta)) < min(1, Fraction(S + 2, 10)):
        return None
    per_row = mp.mpf(4) * A / 9 + 3 * mp.sqrt(A) * mp.log((S + 2) / d)
    visits = lost_factor * (11 * S + mp.mpf(200) / 99 * S * mp.log(S * (S + 2) / d))
    return per_row * visits / n + mp.mpf(4) * S / (9 * n) + 3 * mp.sqrt(S) / n * mp.log((S + 2) / d)


def literal_hard_whp(n: int, S: int, A: int, delta: float, events: int = 1) -> Any:
    d, log2 = mp.mpf(delta), mp.log(2)
    if n < 1:
        return None
    if S == 1:
        return mp.sqrt((A * log2 + mp.log(events / d)) / (2 * n))
    first = mp.sqrt((A * log2 + mp.log((S + events) / d)) / 2) * mp.sqrt(mp.mpf(S) / n)
    return first + mp.sqrt((mp.mpf(2) / n) * (S * log2 + mp.log((S + events) / d)))


def eta(n: int, p: float, delta: float) -> mp.mpf:
    return mp.sqrt(2 * mp.log(1 / mp.mpf(delta)) / (n * mp.mpf(p)))


@dataclass(frozen=True)
class Literal:
    """A statement typed once more: `formula` (None outside the regime), a wrong `mutant`, what follows n."""

    formula: Callable[..., Any]
    mutant: Callable[..., Any]
    rests: list[tuple[Any, ...]]


LITERAL = {
    "hard_lower_mean": Literal(
        lambda n, S, A: mp.exp(-0.5) / 16 * mp.sqrt(mp.mpf(S) * even(A) / n) if hard_regime(n, S, A) else None,
        lambda n, S, A: mp.exp(-0.5) / 16 * mp.sqrt(mp.mpf(S) * A / n) if hard_regime(n, S, A) else None,
        sizes(),
    ),
    "hard_lower_mean_at": Literal(
        lambda n, S, A, D: (
            mp.mpf(D) / 4 * mp.exp(-2 * n * mp.mpf(D) / (S * even(A)) * mp.log((1 + mp.mpf(D)) / (1 - mp.mpf(D))))
            if A > 1
            else None
        ),
        lambda n, S, A, D: (
            mp.mpf(D) / 4 * mp.exp(-n * mp.mpf(D) / (S * even(A)) * mp.log((1 + mp.mpf(D)) / (1 - mp.mpf(D))))
            if A > 1
            else None
        ),
        sizes((1e-9, 0.05, 0.5, 1 - 1e-12)),
    ),
    "partial_lower_mean": Literal(
        lambda n, S, A: (
            mp.mpf(S) * (odd(A) - 1) / (4 * (n + 1)) * power(mp.mpf(n) / (n + 1), n)
            if partial_regime(n, S, A)
            else None
        ),
        lambda n, S, A: (
            mp.mpf(S) * (odd(A) - 1) / (4 * (n + 1)) * power(mp.mpf(n) / (n + 1), n + 1)
            if partial_regime(n, S, A)
            else None
        ),
        sizes(),
    ),
    "partial_lower_mean_simple": Literal(
        lambda n, S, A: mp.mpf(S) * (odd(A) - 1) / (4 * mp.e * (n + 1)) if partial_regime(n, S, A) else None,
        lambda n, S, A: mp.mpf(S) * (A - 1) / (4 * mp.e * (n + 1)) if partial_regime(n, S, A) else None,
        sizes(),
    ),
    "soft_lower_mean_at": Literal(
        lambda n, S, A, rho: mp.fsum(r * power(1 - mp.mpf(r), n) for r in rho) / 2 if min(S, A) > 1 else None,
        lambda n, S, A, rho: mp.fsum(r * power(1 - mp.mpf(r), n) for r in rho[:-1]) / 2 if min(S, A) > 1 else None,
        [(S, A, rho) for S, A in ((1, 2), (2, 1), (2, 2), (3, 7), (40, 3)) for rho in laws(S)],
    ),
    "soft_lower_mean": Literal(
        lambda n, S, A: mp.mpf(S - 1) / (2 * (n + 1)) * power(mp.mpf(n) / (n + 1), n) if soft_regime(n, S, A) else None,
        lambda n, S, A: mp.mpf(S) / (2 * (n + 1)) * power(mp.mpf(n) / (n + 1), n) if soft_regime(n, S, A) else None,
        sizes(),
    ),
    "soft_lower_mean_simple": Literal(
        lambda n, S, A: mp.mpf(S - 1) / (2 * mp.e * (n + 1)) if soft_regime(n, S, A) else None,
        lambda n, S, A: mp.mpf(S - 1) / (2 * mp.e * n) if soft_regime(n, S, A) else None,
        sizes(),
    ),
    "hard_upper_mean": Literal(
        lambda n, S, A: mp.sqrt(mp.mpf(S) * A / n) / 2 + mp.sqrt(mp.mpf(S) / n) if n >= 1 else None,
        lambda n, S, A: mp.sqrt(mp.mpf(S) * A / (2 * n)) + mp.sqrt(mp.mpf(S) / n) if n >= 1 else None,  # slip 8
        sizes(),
    ),
    "hard_upper_whp": Literal(
        literal_hard_whp, lambda n, S, A, delta: literal_hard_whp(n, S, A, delta, events=2), sizes(DELTAS)
    ),
    "hard_upper_mean_instance": Literal(
        lambda n, S, A, xi: mp.sqrt(mp.mpf(xi) * S * A / (2 * (n + 1))) + mp.mpf(4) * S / (9 * n) if n >= 1 else None,
        lambda n, S, A, xi: mp.sqrt(mp.mpf(xi) * S * A / (n + 1)) + mp.mpf(4) * S / (9 * n) if n >= 1 else None,
        sizes((0.0, 1e-12, 0.3, 1.0)),
    ),
    "partial_upper_mean": Literal(
        lambda n, S, A: mp.mpf(8) * S * A / (9 * n) + mp.mpf(S) * A / (n + 1) if n >= 1 else None,
        lambda n, S, A: mp.mpf(4) * S * A / (9 * n) + mp.mpf(S) * A / (n + 1) if n >= 1 else None,
        sizes(),
    ),
    "partial_upper_whp": Literal(
        literal_partial_whp,
        lambda n, S, A, delta: literal_partial_whp(n, S, A, delta, lost_factor=1),  # slip 4
        sizes(DELTAS),
    ),
    "partial_upper_mean_floor": Literal(
        lambda n, S, A, c_S, c_A: power(1 - mp.mpf(c_S) * mp.mpf(c_A), n),
        lambda n, S, A, c_S, c_A: power(1 - mp.mpf(c_S), n) * power(1 - mp.mpf(c_A), n),
        [(2, 3, c_S, c_A) for c_S in MASSES for c_A in MASSES],
    ),
    "soft_upper_mean_at": Literal(
        lambda n, S, A, rho: mp.fsum(r * power(1 - mp.mpf(r), n) for r in rho),
        lambda n, S, A, rho: mp.fsum(r * power(1 - mp.mpf(r), n + 1) for r in rho),
        [(S, A, rho) for S, A in ((1, 2), (2, 1), (2, 2), (3, 7), (40, 3)) for rho in laws(S)],
    ),
    "soft_upper_mean": Literal(
        lambda n, S, A: mp.mpf(4) * S / (9 * n) if n >= 1 else None,
        lambda n, S, A: mp.mpf(4) * S / (9 * (n + 1)) if n >= 1 else None,
        sizes(),
    ),
    "soft_upper_whp": Literal(
        lambda n, S, A, delta: (
            mp.mpf(4) * S / (9 * n) + 3 * mp.sqrt(S) * mp.log(1 / mp.mpf(delta)) / n
            if n >= 1 and is_at_most(delta, Fraction(1, 10))
            else None
        ),
        lambda n, S, A, delta: (
            mp.mpf(4) * S / (9 * n) + 3 * mp.sqrt(S * mp.log(1 / mp.mpf(delta))) / n
            if n >= 1 and is_at_most(delta, Fraction(1, 10))
            else None
        ),
        sizes(DELTAS),
    ),
    "soft_upper_mean_floor": Literal(
        lambda n, S, A, c_S: power(1 - mp.mpf(c_S), n),
        lambda n, S, A, c_S: mp.exp(-n * mp.mpf(c_S)),
        [(2, 3, c_S) for c_S in MASSES],
    ),
    "empirical_tv_upper_mean": Literal(
        lambda n, A: mp.sqrt(mp.mpf(A) / n) / 2 if n >= 1 else None,
        lambda n, A: mp.sqrt(mp.mpf(A) / (2 * n)) if n >= 1 else None,
        [(A,) for A in (1, 2, 3, 7, 1000)],
    ),
    "empirical_tv_upper_whp": Literal(
        lambda n, A, delta: mp.sqrt((A * mp.log(2) + mp.log(1 / mp.mpf(delta))) / (2 * n)) if n >= 1 else None,
        lambda n, A, delta: mp.sqrt(((A - 1) * mp.log(2) + mp.log(1 / mp.mpf(delta))) / (2 * n)) if n >= 1 else None,
        [(A, delta) for A in (1, 2, 3, 7, 1000) for delta in DELTAS],
    ),
    "cell_missing_mass": Literal(
        lambda n, p: p * power(1 - mp.mpf(p), n),
        lambda n, p: p * power(1 - mp.mpf(p), n + 1),
        [(p,) for p in (0.0, *MASSES)],
    ),
    "cell_missing_upper": Literal(
        lambda n: mp.mpf(1) / (n + 1) * power(mp.mpf(n) / (n + 1), n),
        lambda n: mp.mpf(1) / (mp.e * (n + 1)),
        [()],
    ),
    "cell_missing_upper_simple": Literal(
        lambda n: mp.mpf(4) / (9 * n) if n >= 1 else None,
        lambda n: mp.mpf(4) / 9 * n if n >= 1 else None,  # slip 1
        [()],
    ),
    "missing_mass_excess_upper_whp": Literal(
        lambda n, size, delta: (
            3 * mp.sqrt(size) * mp.log(1 / mp.mpf(delta)) / n if n >= 1 and is_at_most(delta, Fraction(1, 10)) else None
        ),
        lambda n, size, delta: (
            3 * mp.sqrt(size * mp.log(1 / mp.mpf(delta))) / n if n >= 1 and is_at_most(delta, Fraction(1, 10)) else None
        ),
        [(size, delta) for size in (1, 2, 1000) for delta in DELTAS],
    ),
    "missing_mass_upper_whp": Literal(
        lambda n, size, delta: (
            mp.mpf(4) * size / (9 * n) + 3 * mp.sqrt(size) * mp.log(1 / mp.mpf(delta)) / n
            if n >= 1 and is_at_most(delta, Fraction(1, 10))
            else None
        ),
        lambda n, size, delta: (
            (mp.mpf(4) * size + 3 * mp.sqrt(size) * mp.log(1 / mp.mpf(delta))) / (9 * n)  # as in slip 4
            if n >= 1 and is_at_most(delta, Fraction(1, 10))
            else None
        ),
        [(size, delta) for size in (1, 2, 1000) for delta in DELTAS],
    ),
    "inverse_visits_mean": Literal(
        lambda n, p: (1 - power(1 - mp.mpf(p), n + 1)) / (p * mp.mpf(n + 1)),
        lambda n, p: (1 - power(1 - mp.mpf(p), n)) / (p * mp.mpf(n + 1)),
        [(p,) for p in MASSES],
    ),
    "inverse_visits_upper_mean": Literal(
        lambda n, p: 1 / (p * mp.mpf(n + 1)), lambda n, p: 1 / (p * mp.mpf(n) + 1), [(p,) for p in MASSES]
    ),
    "low_visits_upper": Literal(
        lambda n, p, eta: mp.exp(-(mp.mpf(eta) ** 2) * n * p / 2),
        lambda n, p, eta: mp.exp(-(mp.mpf(eta) ** 2) * n * p / 3),
        [(p, eta) for p in MASSES for eta in (1e-9, 0.1, 0.5, 0.999)],
    ),
    "inverse_visits_upper_whp": Literal(
        lambda n, p, delta: 1 / ((1 - eta(n, p, delta)) * n * p + 1) if n >= 1 and eta(n, p, delta) < 1 else None,
        lambda n, p, delta: 1 / ((1 - eta(n, p, delta)) * n * p) if n >= 1 and eta(n, p, delta) < 1 else None,
        [(p, delta) for p in MASSES for delta in DELTAS],
    ),
}


def assert_agrees(name: str, formula: Callable[..., Any], rests: list[tuple[Any, ...]]) -> None:
    """The bound is NaN where `formula` is None, elsewhere within its tolerance and on its side of it."""
    grade = side(name)
    for rest in rests:
        ns = counts_near_boundaries(*rest)
        for n, value in zip(ns, asked(name, ns, *rest).tolist(), strict=True):
            with mp.workdps(360 if 1e-300 in rest else 50):
                truth = formula(n, *rest)
                where = f"{name}{(n, *rest)} = {value!r}, literally {truth}"
                if truth is None:
                    assert math.isnan(value), where
                    continue
                # Above 1e-300 1e-12; exact values 1e-14, plus eps n p where p is too small for better.
                small = name == "cell_missing_mass" and rest[0] < 1e-12
                tolerance = (1e-14 + (2.3e-16 * n * rest[0] if small else 0)) if grade == "exact" else 1e-12
                assert abs(value - truth) <= tolerance * truth + (mp.mpf("1e-312") if truth < 1e-300 else 0), where
                if grade == "upper":
                    assert value >= truth, where
                if grade == "lower":
                    assert value <= truth, where


@pytest.mark.parametrize("name", LITERAL)
def test_the_float_is_the_formula_rounded_to_its_side_in_its_regime_only(name):
    # Oracle: mpmath, the formulas of Z&Z typed literally at 50 digits, slips mended; regimes in fractions
    assert_agrees(name, LITERAL[name].formula, LITERAL[name].rests)


@pytest.mark.parametrize("name", LITERAL)
def test_a_wrong_constant_would_be_seen(name):
    # Oracle: mpmath, the same comparison with one constant changed, several of them slips of the paper
    with pytest.raises(AssertionError):
        assert_agrees(name, LITERAL[name].mutant, LITERAL[name].rests)


@pytest.mark.parametrize("name", [name for name in LITERAL if side(name) != "exact"])
def test_rounding_to_the_wrong_side_would_be_seen(name, monkeypatch):
    # Oracle: mpmath, the same comparison with upper bounds rounded down and lower bounds rounded up
    monkeypatch.setattr(bounds.evaluation, "EPS", -bounds.evaluation.EPS)
    with pytest.raises(AssertionError):
        assert_agrees(name, LITERAL[name].formula, LITERAL[name].rests)


@pytest.mark.parametrize("name", LITERAL)
def test_a_regime_that_starts_one_sample_late_would_be_seen(name):
    # Oracle: mpmath, the same comparison with the first n of the regime taken out
    formula = LITERAL[name].formula

    def late(n: int, *rest: Any) -> Any:
        return None if n == 0 or formula(n - 1, *rest) is None else formula(n, *rest)

    with pytest.raises(AssertionError):
        assert_agrees(name, late, LITERAL[name].rests)


def test_random_arguments_stay_on_their_side():
    # Oracle: mpmath, 300 random arguments of each statement whose formula has a large exponent
    rng = np.random.default_rng(7)
    for _ in range(300):
        n = int(10 ** rng.uniform(0, 18))
        p = min(1.0, 10 ** rng.uniform(-18, 0))
        D, gap = rng.uniform(0, 1, 2)
        for name, rest in (
            ("hard_lower_mean_at", (3, 5, D)),
            ("soft_upper_mean_floor", (3, 5, p)),
            ("partial_upper_mean_floor", (3, 5, gap, p)),
            ("soft_upper_mean_at", (2, 2, [p, 1 - p])),
            ("soft_lower_mean_at", (2, 2, [p, 1 - p])),
            ("low_visits_upper", (p, gap)),
            ("cell_missing_mass", (p,)),
            ("inverse_visits_upper_whp", (p, gap)),
        ):
            value = asked(name, n, *rest)
            with mp.workdps(50):
                truth = LITERAL[name].formula(n, *rest)
                if truth is None:
                    assert math.isnan(value)
                    continue
                kept = {"upper": value >= truth, "lower": value <= truth, "exact": True}[side(name)]
                assert kept, (name, n, rest)
                assert truth < 1e-300 or abs(value - truth) <= 1e-12 * truth, (name, n, rest)


def test_delta_of_one_tenth_is_safe_as_a_decimal_too():
    # Oracle: mpmath, 0.1 as a float exceeds 1/10, where the regime ends; the bound at 1/10 proper must be covered
    with mp.workdps(50):
        assert (
            bounds.missing_mass_upper_whp(size=5, n=7, delta=0.1) >= (mp.mpf(20) / 9 + 3 * mp.sqrt(5) * mp.log(10)) / 7
        )
        assert bounds.missing_mass_excess_upper_whp(size=5, n=7, delta=0.1) >= 3 * mp.sqrt(5) * mp.log(10) / 7


# --- The lemmas without n, and xi -----------------------------------------------------------------------


def assert_kl_bound(bound: Callable[[float], float]) -> None:
    for kl in (0.0, 1e-20, 1e-9, 0.1, 1.0, 30.0, 800.0):
        with mp.workdps(500):
            truth = 1 - mp.exp(-mp.mpf(kl)) / 2
        assert truth <= bound(kl) <= truth * (1 + mp.mpf("1e-12")), kl


def test_bretagnolle_huber():
    # Oracle: mpmath, the formula; and its truth on random pairs of laws
    assert_kl_bound(lambda kl: bounds.bretagnolle_huber_upper(kl=kl))
    with pytest.raises(AssertionError):
        assert_kl_bound(lambda kl: math.sqrt(1 - math.exp(-kl)))  # the other inequality of that name
    assert 1 <= bounds.bretagnolle_huber_upper(kl=math.inf) <= 1 + 1e-14
    rng = np.random.default_rng(1)
    P, Q = rng.dirichlet(np.full(3, 0.3), size=(2, 500)) + 1e-12
    P, Q = P / P.sum(axis=1, keepdims=True), Q / Q.sum(axis=1, keepdims=True)
    kl, tv = np.sum(P * np.log(P / Q), axis=1), np.abs(P - Q).sum(axis=1) / 2
    assert np.all(tv <= bounds.bretagnolle_huber_upper(kl=np.maximum(kl, 0)))


def assert_log_linear_bound(bound: Callable[[float, float], float]) -> None:
    for M, distance in itertools.product((1e-9, 0.3, 1.0, 1e9), (0.0, 1e-12, 0.7, 1e5)):
        truth = Fraction(M) * Fraction(distance)
        assert truth <= Fraction(bound(M, distance)) <= truth * (1 + Fraction(1, 10**12)), (M, distance)


def test_log_linear():
    # Oracle: mpmath, the product in fractions; and its truth on random features
    assert_log_linear_bound(lambda M, distance: bounds.log_linear_tv_upper(M=M, distance=distance))
    with pytest.raises(AssertionError):
        assert_log_linear_bound(lambda M, distance: M * distance / 2)
    rng = np.random.default_rng(2)
    for _ in range(300):
        phi = rng.normal(size=(4, 3)) * rng.uniform(0, 3)
        theta = rng.normal(size=(2, 3)) * rng.uniform(0, 3)
        p, q = (np.exp(phi @ t - np.max(phi @ t)) for t in theta)
        tv = np.abs(p / p.sum() - q / q.sum()).sum() / 2
        M = np.linalg.norm(phi, axis=1).max()
        assert tv <= bounds.log_linear_tv_upper(M=M, distance=np.linalg.norm(theta[0] - theta[1]))


def assert_xi(xi: Callable[[Any], float]) -> None:
    rng = np.random.default_rng(3)
    for S, A in itertools.product((1, 2, 5), (1, 2, 3, 8)):
        rows = [oracles.rational_law(rng, A, denominator=2 * A + 3, zeros=True) for _ in range(S)]
        truth = max(sum(min(p, 1 - p) for p in row) for row in rows)
        value = xi([[float(p) for p in row] for row in rows])
        assert value == pytest.approx(float(truth), rel=1e-14, abs=1e-15)  # 1 - p is 0 up to the rounding of p
        nearest = 2 * max(1 - max(row) for row in rows)
        assert truth <= nearest
        assert truth == nearest or nearest > 1


def test_xi():
    # Oracle: enumeration, fractions; twice the TV to the nearest Dirac row bounds it, with equality below 1
    assert_xi(bounds.xi)
    with pytest.raises(AssertionError):
        assert_xi(lambda teacher: bounds.xi(teacher) / 2)  # slip 2: the TV, not the l1, distance
    assert bounds.xi(np.eye(4)) == 0
    assert bounds.hard_upper_mean_instance(S=1, A=3, n=5, xi=bounds.xi([[1 / 3, 1 / 3, 1 / 3 + 3e-13]])) > 0


# --- The statements: exact risks and exact laws ---------------------------------------------------------


def small_problems() -> Iterator[tuple[list[Fraction], list[list[Fraction]]]]:
    rng = np.random.default_rng(11)
    for S, A in ((1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (3, 2)):
        for zeros in (False, True):
            rho = oracles.rational_law(rng, S, denominator=7)
            yield rho, [oracles.rational_law(rng, A, denominator=9, zeros=zeros) for _ in range(S)]


def worst_init(teacher: list[list[Fraction]]) -> list[list[Fraction]]:
    """All mass on the least likely label of each row: for a label of mass 0, the worst initial table."""
    return [[Fraction(a == row.index(min(row))) for a in range(len(row))] for row in teacher]


def test_mean_upper_bounds_hold_on_small_problems():
    # Oracle: enumeration, every count table in fractions, for uniform and for the worst initialisation
    for rho, teacher in small_problems():
        S, A = len(rho), len(teacher[0])
        law, xi = [float(r) for r in rho], bounds.xi([[float(p) for p in row] for row in teacher])
        c_S, c_A = min(law), min(float(p) for row in teacher for p in row if p > 0)
        for n, init in itertools.product(range(1, 5), (None, worst_init(teacher))):
            risk = oracles.enumerate_risks(rho, teacher, n, init)
            assert risk["CE_sgl"] <= bounds.hard_upper_mean(S=S, A=A, n=n)
            assert risk["CE_sgl"] <= bounds.hard_upper_mean_instance(S=S, A=A, n=n, xi=xi)
            assert risk["SEL_ptl"] <= bounds.partial_upper_mean(S=S, A=A, n=n)
            assert risk["SEL_ptl"] <= bounds.partial_upper_mean_floor(S=S, A=A, n=n, c_S=c_S, c_A=c_A)
            assert risk["CE_ful"] <= bounds.soft_upper_mean_at(S=S, A=A, n=n, rho=law)
            assert risk["CE_ful"] <= bounds.soft_upper_mean_floor(S=S, A=A, n=n, c_S=c_S)
            assert risk["CE_ful"] <= bounds.soft_upper_mean(S=S, A=A, n=n)
            if S == 1:
                assert risk["CE_sgl"] <= bounds.empirical_tv_upper_mean(A=A, n=n)


def test_hard_upper_means_hold_up_to_large_n():
    # Oracle: second algorithm, de Moivre's mean deviation, on random teachers and on the hardest rows
    rng = np.random.default_rng(5)
    for S, A in itertools.product((1, 3, 20), (2, 3, 10)):
        for teacher in (np.full((S, A), 1 / A), rng.dirichlet(np.full(A, 0.2), size=S), np.eye(A)[np.zeros(S, int)]):
            rho = rng.dirichlet(np.ones(S))
            for n in (1, 10, 100, 3000):
                risk = oracles.exact_ce_sgl(rho, teacher, n)
                assert risk <= bounds.hard_upper_mean(S=S, A=A, n=n)
                assert risk <= bounds.hard_upper_mean_instance(S=S, A=A, n=n, xi=bounds.xi(teacher))


def paired_bayes_risk(n: int, S: int, A: int, Delta: float) -> float:
    """The Bayes risk of Z&Z 3.1's construction: a likelihood-ratio test for each of its S A' / 2 coins.

    A coin is worth 2 Delta / (S A') in risk and is guessed from the m ~ Bin(n, 2 / (S A')) visits of its pair.
    """
    pair = 2 / (S * even(A))
    total = []
    for m in range(n + 1):
        visits = math.comb(n, m) * pair**m * (1 - pair) ** (n - m)
        for k in range(m + 1):
            heads = ((1 + Delta) / 2) ** k * ((1 - Delta) / 2) ** (m - k)
            tails = ((1 - Delta) / 2) ** k * ((1 + Delta) / 2) ** (m - k)
            total.append(visits * math.comb(m, k) * min(heads, tails) / 2)
    return Delta * math.fsum(total)


def coin_risk(rows: list[list[list[Fraction]]], rho: list[Fraction], n: int) -> Fraction:
    """No student's average risk is below this, if each input's row is drawn fairly from its list in `rows`.

    Every sequence of n draws is gone through; given the data each entry of the table is answered with a posterior
    median, the best there is for its own absolute error, whether or not the answers form a table.
    """
    S, A = len(rho), len(rows[0][0])
    cells = list(itertools.product(range(S), range(A)))
    tables = list(itertools.product(*rows))
    risk = Fraction(0)
    for data in itertools.combinations_with_replacement(cells, n):
        ways = Fraction(math.factorial(n), math.prod(math.factorial(data.count(c)) for c in set(data)))
        joint = [ways * math.prod(rho[s] * table[s][a] for s, a in data) / len(tables) for table in tables]
        for s, a in cells:
            entries = sorted((table[s][a], weight) for table, weight in zip(tables, joint, strict=True))
            below = itertools.accumulate(weight for _, weight in entries)
            median = next(x for (x, _), mass in zip(entries, below, strict=True) if mass >= sum(joint) / 2)
            risk += rho[s] / 2 * sum(weight * abs(x - median) for x, weight in entries)
    return risk


@pytest.mark.parametrize(("S", "A", "n", "Delta"), [(1, 2, 5, 0.3), (2, 2, 3, 0.5), (1, 4, 3, 0.25), (1, 3, 4, 0.7)])
def test_hard_lower_bounds_hold_on_their_construction(S, A, n, Delta):
    # Oracle: enumeration, the Bayes risk of the construction from all data, in fractions; and by tests of its coins
    D, even_A = Fraction(repr(Delta)), even(A)
    coins = itertools.product((1, -1), repeat=even_A // 2)
    row = [[(1 + sign * D) / even_A for t in tau for sign in (t, -t)] + [Fraction(0)] * (A - even_A) for tau in coins]
    bayes = coin_risk([row] * S, [Fraction(1, S)] * S, n)
    assert float(bayes) == pytest.approx(paired_bayes_risk(n, S, A, Delta), rel=1e-13, abs=0)
    assert bounds.hard_lower_mean_at(S=S, A=A, n=n, Delta=Delta) <= bayes


def test_hard_lower_bounds_hold_on_their_construction_at_larger_n():
    # Oracle: second algorithm, likelihood-ratio tests of the coins; every Delta, and the Delta of the theorem
    for S, A in ((1, 2), (1, 5), (3, 4), (10, 2)):
        for n in (0, 1, 4, 15, 60):
            for Delta in (0.01, 0.1, 0.3, 0.6, 0.99):
                assert bounds.hard_lower_mean_at(S=S, A=A, n=n, Delta=Delta) <= paired_bayes_risk(n, S, A, Delta)
            bound = bounds.hard_lower_mean(S=S, A=A, n=n)
            if not math.isnan(bound):
                assert bound <= paired_bayes_risk(n, S, A, math.sqrt(S * even(A) / n) / 4)


@pytest.mark.parametrize(("S", "A", "n"), [(1, 3, 0), (1, 3, 2), (1, 4, 3), (1, 5, 2), (2, 3, 2)])
def test_partial_lower_bounds_hold_on_their_construction(S, A, n):
    # Oracle: enumeration, the Bayes risk of the construction from all data, in fractions; the sharper form attains it
    light, pairs = Fraction(S, n + 1), (odd(A) - 1) // 2
    coins = itertools.product(((light, Fraction(0)), (Fraction(0), light)), repeat=pairs)
    idle = [Fraction(0)] * (A - odd(A))
    row = [[*itertools.chain(*tau), 1 - pairs * light, *idle] for tau in coins]
    bayes = coin_risk([row] * S, [Fraction(1, S)] * S, n)
    assert bounds.partial_lower_mean(S=S, A=A, n=n) == pytest.approx(float(bayes), rel=1e-13, abs=0)
    assert bounds.partial_lower_mean(S=S, A=A, n=n) <= bayes
    assert bounds.partial_lower_mean_simple(S=S, A=A, n=n) <= bayes


@pytest.mark.parametrize(
    ("S", "A", "n"), [(2, 2, 2), (2, 3, 3), (3, 2, 3), pytest.param(3, 3, 4, marks=pytest.mark.slow)]
)
def test_soft_lower_bounds_hold_on_their_construction(S, A, n):
    # Oracle: enumeration, the Bayes risk of the construction from all data, in fractions
    rho = [Fraction(1, n + 1)] * (S - 1) + [1 - Fraction(S - 1, n + 1)]
    dirac = [[Fraction(a == b) for a in range(A)] for b in range(A)]
    bayes = coin_risk([dirac] * S, rho, n)  # keeps 1/2 of the 1 - 1/A: the medians do not form a table
    at = bounds.soft_lower_mean_at(S=S, A=A, n=n, rho=[float(r) for r in rho])
    assert at == pytest.approx(float(bayes), rel=1e-13, abs=0)
    assert at <= float(bayes) * (1 + 1e-15)  # rho itself was rounded to floats
    assert bounds.soft_lower_mean_simple(S=S, A=A, n=n) <= bounds.soft_lower_mean(S=S, A=A, n=n) <= at


def occupied(boxes: int, balls: int) -> np.ndarray:
    """Law of the number of occupied boxes after 0, 1, ..., `balls` balls: one row for each."""
    law = np.zeros((balls + 1, boxes + 1))
    law[0, 0] = 1
    k = np.arange(boxes + 1)
    for t in range(balls):
        law[t + 1] = law[t] * k / boxes
        law[t + 1, 1:] += law[t, :-1] * (1 - k[:-1] / boxes)
    return law


Law = tuple[np.ndarray, np.ndarray]  # values, probabilities


def uniform_missing_mass(size: int, n: int) -> Law:
    return 1 - np.arange(size + 1) / size, occupied(size, n)[n]


def any_missing_mass(masses: Sequence[Fraction], n: int) -> Law:
    """Missing mass of any law on a few letters, by inclusion and exclusion over the sets of unseen letters."""
    law: dict[Fraction, Fraction] = {}
    letters = range(len(masses))
    for r in range(len(masses) + 1):
        for unseen in itertools.combinations(letters, r):
            seen = [a for a in letters if a not in unseen]
            chance = sum(
                (-1) ** k * (sum((masses[a] for a in seen), Fraction(0)) - sum(masses[a] for a in dropped)) ** n
                for k in range(len(seen) + 1)
                for dropped in itertools.combinations(seen, k)
            )
            mass = sum((masses[a] for a in unseen), Fraction(0))
            law[mass] = law.get(mass, Fraction(0)) + chance
    assert sum(law.values()) == 1
    return np.array([float(v) for v in law]), np.array([float(p) for p in law.values()])


def binomial_law(n: int, p: float) -> np.ndarray:
    k = np.arange(n + 1)
    log = np.array([math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) for j in k])
    with np.errstate(divide="ignore", invalid="ignore"):
        log = log + np.where(k > 0, k * np.log(p), 0.0) + np.where(k < n, (n - k) * np.log1p(-p), 0.0)
    return np.exp(log)


def bernoulli_tv(n: int, p: float) -> Law:
    """TV of the empirical frequencies of two labels."""
    return np.abs(np.arange(n + 1) / n - p), binomial_law(n, p)


def two_inputs_ce_sgl(n: int, p: float, q: float, r: float) -> Law:
    """Risk of CE_sgl with rho = (r, 1 - r), rows (p, 1 - p) and (q, 1 - q), uniform where it was never asked."""
    values, chances = [], []
    for m, visits in enumerate(binomial_law(n, r)):
        first, P = bernoulli_tv(m, p) if m else (np.array([abs(0.5 - p)]), np.ones(1))
        second, Q = bernoulli_tv(n - m, q) if m < n else (np.array([abs(0.5 - q)]), np.ones(1))
        values.append(np.add.outer(r * first, (1 - r) * second).ravel())
        chances.append(visits * np.multiply.outer(P, Q).ravel())
    return np.concatenate(values), np.concatenate(chances)


def two_inputs_sel_ptl(n: int, labels: int) -> Law:
    """Risk of SEL_ptl, rho and rows uniform but for one label of mass 0, on which all that is missing is put."""
    table = occupied(labels, n)
    law = sum(visits * np.convolve(table[m], table[n - m]) for m, visits in enumerate(binomial_law(n, 0.5)))
    return 1 - np.arange(2 * labels + 1) / (2 * labels), law


def tails(law: Law) -> tuple[np.ndarray, np.ndarray]:
    """Values in increasing order, and the probability of reaching each: P(X >= value)."""
    order = np.argsort(law[0])
    return law[0][order], np.cumsum(law[1][order][::-1])[::-1]


def quantile(law: Law, delta: float) -> float:
    """The least q with P(X > q) <= delta."""
    values, tail = tails(law)
    return float(values[tail > delta * (1 + 1e-12)].max())


def assert_covers(bound: Callable[[float], float], law: Law, largest: float) -> None:
    """P(X > bound(delta)) <= delta for all delta up to `largest` at once: it can only fail just below a tail."""
    values, tail = tails(law)
    for value, chance in dict(zip(tail.tolist(), values.tolist(), strict=True)).items():
        if value > 1e-290:
            assert bound(min(value * (1 - 1e-9), largest)) >= chance * (1 - 1e-12), (value, chance)


SMALL_LAWS = [[Fraction(k, 60) for k in ks] for ks in ((30, 30), (1, 59), (20, 20, 20), (1, 2, 57), (9, 13, 17, 21))]


@pytest.mark.parametrize("n", [1, 2, 5, 30, 200])
def test_missing_mass_bounds_hold_for_every_delta(n):
    # Oracle: enumeration, exact laws of the missing mass: inclusion and exclusion, and the occupancy recursion
    everything = [(len(masses), any_missing_mass(masses, n)) for masses in SMALL_LAWS]
    everything += [(size, uniform_missing_mass(size, n)) for size in (1, 3, 20, 100, 400)]
    for size, law in everything:
        mean = float(law[0] @ law[1])
        assert mean <= size * bounds.cell_missing_upper(n=n)
        assert mean <= bounds.soft_upper_mean(S=size, A=2, n=n)
        assert_covers(lambda d, size=size: bounds.missing_mass_upper_whp(size=size, n=n, delta=d), law, 0.1)
        assert_covers(lambda d, size=size: bounds.soft_upper_whp(S=size, A=2, n=n, delta=d), law, 0.1)
        assert_covers(lambda d, size=size: bounds.partial_upper_whp(S=1, A=size + 1, n=n, delta=d), law, 0.1)
        excess = (law[0] - mean, law[1])
        assert_covers(lambda d, size=size: bounds.missing_mass_excess_upper_whp(size=size, n=n, delta=d), excess, 0.1)


def test_the_two_laws_of_the_missing_mass_agree():
    # Oracle: second algorithm, the occupancy recursion against inclusion and exclusion
    for size, n in ((2, 3), (3, 5), (4, 4)):
        by_sets = any_missing_mass([Fraction(1, size)] * size, n)
        by_boxes = uniform_missing_mass(size, n)
        for value, chance in zip(*by_boxes, strict=True):
            assert by_sets[1][np.isclose(by_sets[0], value)].sum() == pytest.approx(chance, rel=1e-13, abs=1e-16)


@pytest.mark.parametrize("n", [1, 2, 10, 100, 1000])
def test_empirical_tv_bounds_hold_for_every_delta(n):
    # Oracle: enumeration, the binomial law of two frequencies
    for p in (0.5, 0.3, 0.05, 1e-3):
        law = bernoulli_tv(n, p)
        assert law[0] @ law[1] <= bounds.empirical_tv_upper_mean(A=2, n=n)
        assert_covers(lambda d: bounds.empirical_tv_upper_whp(A=2, n=n, delta=d), law, 0.999)
        assert_covers(lambda d: bounds.hard_upper_whp(S=1, A=2, n=n, delta=d), law, 0.999)


def test_two_input_bounds_hold_for_many_deltas():
    # Oracle: enumeration, exact laws of the risk for two inputs, conditioned on their visits
    for n, p, q, r in ((150, 0.5, 0.5, 0.5), (150, 0.3, 0.5, 0.1), (60, 0.01, 0.9, 0.5)):
        law = two_inputs_ce_sgl(n, p, q, r)
        for delta in (1e-6, 0.01, 0.1, 0.5, 0.99):
            assert quantile(law, delta) <= bounds.hard_upper_whp(S=2, A=2, n=n, delta=delta)
        assert law[0] @ law[1] <= bounds.hard_upper_mean(S=2, A=2, n=n)
    for n, labels in ((40, 2), (200, 3), (400, 100)):
        law = two_inputs_sel_ptl(n, labels)
        assert_covers(lambda d, n=n, A=labels + 1: bounds.partial_upper_whp(S=2, A=A, n=n, delta=d), law, 0.39)
        assert law[0] @ law[1] <= bounds.partial_upper_mean(S=2, A=labels + 1, n=n)


def test_cells_never_exceed_their_bounds():
    # Oracle: enumeration, p (1 - p)^n in fractions; equality at p = 1/(n + 1)
    for n in (1, 2, 5, 40):
        for k in range(0, 4 * n + 5):
            p = Fraction(k, 4 * n + 4)
            assert p * (1 - p) ** n <= bounds.cell_missing_upper(n=n) <= bounds.cell_missing_upper_simple(n=n)
        assert bounds.cell_missing_mass(n=n, p=1 / (n + 1)) == pytest.approx(
            bounds.cell_missing_upper(n=n), rel=1e-14, abs=0
        )


def test_visit_lemmas_hold_for_binomial_counts():
    # Oracle: enumeration, the binomial law in fractions
    for n, p in itertools.product((1, 3, 20, 150), (Fraction(1, 50), Fraction(1, 4), Fraction(9, 10), Fraction(1))):
        law = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
        mean = sum(chance / (k + 1) for k, chance in enumerate(law))
        assert bounds.inverse_visits_mean(n=n, p=float(p)) == pytest.approx(float(mean), rel=1e-14, abs=0)
        assert mean <= bounds.inverse_visits_upper_mean(n=n, p=float(p)) * (1 + 1e-15)  # float(p) may exceed p
        for eta in (0.1, 0.5, 0.9):
            low = sum(chance for k, chance in enumerate(law) if k <= (1 - Fraction(eta)) * n * p)
            assert low <= bounds.low_visits_upper(n=n, p=float(p), eta=eta)
        for delta in (1e-9, 0.01, 0.3, 0.9):
            bound = bounds.inverse_visits_upper_whp(n=n, p=float(p), delta=delta)
            if not math.isnan(bound):
                assert sum(chance for k, chance in enumerate(law) if 1 / (k + 1) > bound) <= delta


# --- How tight: the factor that each docstring states ---------------------------------------------------


def worst_ce_sgl(n: int) -> float:
    """The largest expected risk of CE_sgl over the teachers of one input and two labels, on a grid of 1/1000."""
    ks = range(1, 1000)
    return max(oracles.exact_ce_sgl([1.0], [[k / 1000, 1 - k / 1000]], n) for k in ks)


def worst_sel_ptl_two_samples() -> float:
    """The same for SEL_ptl with uniform spreading, three labels and n = 2, on a grid of 1/60.

    Two different labels seen: the third is known. One label a seen twice: half of |p_b - p_c| / 2 on each other label.
    """
    grid = [(i / 60, j / 60, 1 - (i + j) / 60) for i in range(61) for j in range(61 - i)]
    return max(sum(p[a] ** 2 * abs(p[a - 1] - p[a - 2]) / 2 for a in range(3)) for p in grid)


def worst_two_input_ce_ful(n: int) -> float:
    """The largest (1/2) sum_s rho(s) (1 - rho(s))^n over two inputs: A = 2, uniform initialisation."""
    x = np.append(np.linspace(0, 0.5, 100_001), 1 / (n + 1))
    return float(np.max(x * (1 - x) ** n + (1 - x) * x**n) / 2)


def uniform_ce_sgl(n: int, A: int) -> float:
    return oracles.exact_ce_sgl([1.0], [[1 / A] * A], n)


def paid_on_a_dead_label(w: Any, n: int) -> float:
    """Expected missing mass: all of it is paid if the student puts it where the teacher has no mass."""
    w = np.asarray(w)
    return float(np.sum(w * (1 - w) ** n))


def rational_floor_risk(learner: str, S: int, A: int, n: int, dead: int) -> float:
    row = [Fraction(1, A - dead)] * (A - dead) + [Fraction(0)] * dead
    init = [[Fraction(0)] * (A - 1) + [Fraction(1)]] * S
    return float(oracles.enumerate_risks([Fraction(1, S)] * S, [row] * S, n, init)[learner])


def light_cells(cells: int, n: int) -> list[float]:
    return [1 / (n + 1)] * cells + [1 - cells / (n + 1)]


#: For each one-sided bound its stated instances: arguments, and what the bound should be close to there.
TRUTH: dict[str, list[tuple[tuple[Any, ...], Callable[[], float]]]] = {
    "hard_lower_mean": [((100, 1, 2), lambda: worst_ce_sgl(100))],
    "hard_lower_mean_at": [((100, 1, 2, 0.05), lambda: worst_ce_sgl(100))],
    "partial_lower_mean": [((2, 1, 3), worst_sel_ptl_two_samples)],
    "partial_lower_mean_simple": [((2, 1, 3), worst_sel_ptl_two_samples)],
    "soft_lower_mean_at": [((5, 2, 2, [0.3, 0.7]), lambda: oracles.exact_ce_ful([0.3, 0.7], np.eye(2), 5))],
    "soft_lower_mean": [((100, 2, 2), lambda: worst_two_input_ce_ful(100))],
    "soft_lower_mean_simple": [((100, 2, 2), lambda: worst_two_input_ce_ful(100))],
    "hard_upper_mean": [((10**6, 1, 100), lambda: uniform_ce_sgl(10**6, 100))],
    "hard_upper_whp": [
        ((1000, 1, 2, 0.01), lambda: quantile(bernoulli_tv(1000, 0.5), 0.01)),
        ((200, 2, 2, 0.01), lambda: quantile(two_inputs_ce_sgl(200, 0.5, 0.5, 0.5), 0.01)),
    ],
    "hard_upper_mean_instance": [((10**6, 1, 100, 1.0), lambda: uniform_ce_sgl(10**6, 100))],
    "partial_upper_mean": [((1000, 1, 102), lambda: paid_on_a_dead_label(light_cells(100, 1000), 1000))],
    "partial_upper_whp": [
        ((400, 1, 401, 0.1), lambda: quantile(uniform_missing_mass(400, 400), 0.1)),
        ((400, 2, 201, 0.1), lambda: quantile(two_inputs_sel_ptl(400, 200), 0.1)),
    ],
    "partial_upper_mean_floor": [((4, 2, 3, 0.5, 0.5), lambda: rational_floor_risk("SEL_ptl", 2, 3, 4, dead=1))],
    "soft_upper_mean_at": [
        ((5, 2, 2, [0.3, 0.7]), lambda: oracles.exact_ce_ful([0.3, 0.7], np.eye(2), 5, np.eye(2)[::-1]))
    ],
    "soft_upper_mean": [((1000, 100, 2), lambda: paid_on_a_dead_label(light_cells(99, 1000), 1000))],
    "soft_upper_whp": [((400, 400, 2, 0.1), lambda: quantile(uniform_missing_mass(400, 400), 0.1))],
    "soft_upper_mean_floor": [((10, 4, 2, 0.25), lambda: rational_floor_risk("CE_ful", 4, 2, 10, dead=1))],
    "bretagnolle_huber_upper": [((math.log(10),), lambda: 0.9)],
    "empirical_tv_upper_mean": [((10**6, 100), lambda: uniform_ce_sgl(10**6, 100))],
    "empirical_tv_upper_whp": [((1000, 2, 0.01), lambda: quantile(bernoulli_tv(1000, 0.5), 0.01))],
    "cell_missing_upper": [((17,), lambda: 17**17 / 18**18)],
    "cell_missing_upper_simple": [((1000,), lambda: paid_on_a_dead_label([1 / 1001], 1000))],
    "missing_mass_excess_upper_whp": [
        # The light letter is unseen with probability 0.99^1000, the heavy one never: 1e-2000.
        ((1000, 2, 0.99**1000 * (1 - 1e-9)), lambda: 0.01 - 0.01 * 0.99**1000)
    ],
    "missing_mass_upper_whp": [((400, 400, 0.1), lambda: quantile(uniform_missing_mass(400, 400), 0.1))],
    "inverse_visits_upper_mean": [((100, 0.1), lambda: float(1 / (1 + np.arange(101)) @ binomial_law(100, 0.1)))],
    "low_visits_upper": [((100, 0.1, 0.1), lambda: float(binomial_law(100, 0.1)[:10].sum()))],
    "inverse_visits_upper_whp": [
        ((1000, 0.1, 0.05), lambda: quantile((1 / (1 + np.arange(1001)), binomial_law(1000, 0.1)), 0.05))
    ],
    "log_linear_tv_upper": [((1.0, 0.2), lambda: math.tanh(0.1))],
}


def holds(name: str, bound: float, truth: float) -> bool:
    """Whether the bound is on its side of the truth, up to the rounding of the truth."""
    upper = side(name) != "lower"
    return bound >= truth * (1 - 1e-13) if upper else bound <= truth * (1 + 1e-13)


@pytest.mark.parametrize("name", TRUTH)
def test_the_stated_factor_is_the_looseness_and_a_bound_moved_by_it_is_seen_to_be_false(name):
    # Oracle: enumeration, exact risks, quantiles and suprema on a grid at the instance that the docstring names
    claims = [float(x) for x in re.findall(r"[Ww]ithin\s+a\s+factor\s+(\d+\.?\d*)", getattr(bounds, name).__doc__)]
    for claim, (arguments, truth_of) in zip(claims, TRUTH[name], strict=True):
        bound, truth = asked(name, *arguments), truth_of()
        assert holds(name, bound, truth)
        factor = max(bound / truth, truth / bound)
        assert factor <= claim * (1 + 1e-12)
        assert factor > 0.97 * claim  # the claim is not padded
        inward = 1 / (1.04 * claim) if side(name) == "upper" else 1.04 * claim
        assert not holds(name, bound * inward, truth)


# --- Broadcasting, order, bad arguments, docstrings -----------------------------------------------------

#: For each bound with an n, arguments in its regime at n = 200.
SAMPLE = {
    "hard_lower_mean": (3, 4),
    "hard_lower_mean_at": (3, 4, 0.1),
    "partial_lower_mean": (3, 5),
    "partial_lower_mean_simple": (3, 5),
    "soft_lower_mean_at": (2, 3, [0.25, 0.75]),
    "soft_lower_mean": (3, 4),
    "soft_lower_mean_simple": (3, 4),
    "hard_upper_mean": (3, 4),
    "hard_upper_whp": (3, 4, 0.05),
    "hard_upper_mean_instance": (3, 4, 0.5),
    "partial_upper_mean": (3, 4),
    "partial_upper_whp": (3, 4, 0.05),
    "partial_upper_mean_floor": (3, 4, 0.1, 0.2),
    "soft_upper_mean_at": (2, 3, [0.25, 0.75]),
    "soft_upper_mean": (3, 4),
    "soft_upper_whp": (3, 4, 0.05),
    "soft_upper_mean_floor": (3, 4, 0.1),
    "empirical_tv_upper_mean": (4,),
    "empirical_tv_upper_whp": (4, 0.05),
    "cell_missing_mass": (0.1,),
    "cell_missing_upper": (),
    "cell_missing_upper_simple": (),
    "missing_mass_excess_upper_whp": (4, 0.05),
    "missing_mass_upper_whp": (4, 0.05),
    "inverse_visits_mean": (0.1,),
    "inverse_visits_upper_mean": (0.1,),
    "low_visits_upper": (0.1, 0.5),
    "inverse_visits_upper_whp": (0.1, 0.5),
}


def test_every_bound_is_in_every_table():
    # Oracle: identity, names
    assert {*STATED} - {*evaluation.STATED} == {*QUANTITIES}
    assert {*evaluation.STATED} <= {*bounds.__all__}
    assert set(PAPER) == set(LITERAL) | {"xi", "bretagnolle_huber_upper", "log_linear_tv_upper"}
    assert set(SAMPLE) == set(LITERAL)
    assert set(TRUTH) == {name for name in PAPER if side(name) != "exact"}


@pytest.mark.parametrize("name", SAMPLE)
def test_n_broadcasts_and_no_bound_grows_with_it(name):
    rest = SAMPLE[name]
    ns = [0, 1, 7, 100, 200, 12345, 10**12]
    many = asked(name, ns, *rest)
    assert isinstance(many, np.ndarray)
    assert many.dtype == np.float64
    assert many.shape == (7,)
    np.testing.assert_array_equal(many, asked(name, np.array(ns), *rest))
    np.testing.assert_array_equal(many, asked(name, np.array(ns, dtype=float), *rest))
    for n, value in zip(ns, many, strict=True):
        one = asked(name, n, *rest)
        assert type(one) is float
        np.testing.assert_array_equal(one, value)
        assert type(asked(name, np.int64(n), *rest)) is float
        assert type(asked(name, np.array(n), *rest)) is float
    inside = many[np.isfinite(many)]
    assert inside.size >= 3
    assert np.all(np.diff(inside) <= 0)


@pytest.mark.parametrize("name", [name for name in bounds.__all__ if name not in ("Best", "xi")])
def test_an_old_positional_call_is_a_type_error_and_never_another_number(name):
    # Oracle: definition, S, A, n is their order, and arguments have names
    parameters = inspect.signature(getattr(bounds, name)).parameters
    by_position = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
    assert by_position == (["protocol"] if name.startswith("best_") else [])
    sizes_in_order = [size for size in ("S", "A", "n") if size in parameters]
    assert [parameter for parameter in parameters if parameter in sizes_in_order] == sizes_in_order
    with pytest.raises(TypeError, match="positional argument"):
        getattr(bounds, name)("hard" if name.startswith("best_") else 100, *[2] * (len(parameters) - 1))


def test_bounds_without_n_broadcast():
    assert type(bounds.bretagnolle_huber_upper(kl=1.0)) is float
    assert bounds.bretagnolle_huber_upper(kl=[[0.0, 1.0]]).shape == (1, 2)
    assert type(bounds.log_linear_tv_upper(M=1.0, distance=2)) is float
    assert bounds.log_linear_tv_upper(M=1.0, distance=[0.0, 2.0]).tolist()[0] == 0
    assert type(bounds.xi([[0.3, 0.7]])) is float


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("n", [-1, 1.5, math.nan, math.inf, 2**63, True, "7", None, [], [1, -1], [[1, 2]]])
def test_a_bad_n_is_refused(name, n):
    with pytest.raises(ValueError, match=r"^n"):
        asked(name, n, *SAMPLE[name])


BAD = {
    "S": (0, -1, 1.5, math.nan, 2**63, "a", [2]),
    "A": (0, -1, 1.5, math.nan, 2**63, "a", [2]),
    "size": (0, -1, 1.5, math.nan, 2**63),
    "delta": (0, 1, -0.1, 1.1, math.nan, "a", [0.1]),
    "Delta": (0, 1, -0.1, 1.1, math.nan, "a", [0.1]),
    "eta": (0, 1, -0.1, math.nan),
    "p": (-0.1, 1.1, math.nan, "a", [0.1]),
    "xi": (-0.1, 1.1, math.nan, "a", [0.1]),
    "rho": ([0.5, 0.6], [1.0], [-0.5, 1.5], [math.nan, 1], [[0.5, 0.5]], []),
    "c_S": (0, -0.1, 1.1, math.nan),
    "c_A": (0, -0.1, 1.1, math.nan),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_other_bad_arguments_are_refused_in_one_sentence(name):
    parameters = [parameter for parameter in inspect.signature(getattr(bounds, name)).parameters if parameter != "n"]
    for place, parameter in enumerate(parameters):
        for bad in BAD[parameter]:
            rest = list(SAMPLE[name])
            rest[place] = bad
            with pytest.raises(ValueError, match=f"^{parameter}\\b") as caught:
                asked(name, 200, *rest)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bounds.bretagnolle_huber_upper(kl=-0.1), "kl"),
        (lambda: bounds.bretagnolle_huber_upper(kl=[1.0, math.nan]), "kl"),
        (lambda: bounds.log_linear_tv_upper(M=0, distance=1.0), "M"),
        (lambda: bounds.log_linear_tv_upper(M=math.inf, distance=1.0), "M"),
        (lambda: bounds.log_linear_tv_upper(M=1.0, distance=-1.0), "distance"),
        (lambda: bounds.xi([[0.5, 0.6]]), "teacher"),
        (lambda: bounds.inverse_visits_mean(n=5, p=0.0), "p"),
        (lambda: bounds.low_visits_upper(n=5, p=0.0, eta=0.5), "p"),
    ],
)
def test_bad_arguments_without_n_are_refused(call, words):
    with pytest.raises(ValueError, match=f"^{words}\\b"):
        call()


@pytest.mark.parametrize("name", STATED)
def test_docstrings_say_what_the_statements_say(name):
    # Oracle: identity, kt_theory.statements
    assert label(name, "Units")
    assert label(name, "Outside") == "nan"
    if name not in QUANTITIES:
        said = [STATEMENTS[id] for id in evaluation.STATED[name]]
        assert label(name, "Statement") == "; ".join(f"{one.source} ({one.id})" for one in said)
        assert label(name, "Valid for") == "; or ".join(one.regime for one in said)
        for one in said:
            assert (label(name, "Grade"), label(name, "Status")) == (one.grade, one.status)
            assert one.origin == ("paper" if name in PAPER else "ours")
            assert one.grade in ("exact", "tight", "conjecture", side(name))
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in inspect.getdoc(getattr(bounds, name))
