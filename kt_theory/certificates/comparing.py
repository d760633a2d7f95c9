"""`certify`: one statement at one place, both sides enclosed, compared only if that is certain."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from kt_theory import checks
from kt_theory.certificates.certified import CERTIFIED, CertifiedBound, given
from kt_theory.certificates.minimax import highest
from kt_theory.certificates.places import exact_problem_of
from kt_theory.certificates.witnesses import witnesses
from kt_theory.exact import balls, unrounded
from kt_theory.exact.rows import OutOfReach
from kt_theory.exact.unrounded import ExactProblem, ball, rational
from kt_theory.problem import Problem


@dataclass(frozen=True)
class Enclosure:
    """A number between two floats, rounded outwards, and in digits: ``[middle +/- radius]``, or the two ends."""

    lower: float
    upper: float
    digits: str


@dataclass(frozen=True)
class Certificate:
    """What was compared, and what is certain.

    Attributes
    ----------
    claim : str
        Name of the bound.
    S, A, n : int
    lhs, rhs : Enclosure
        The statement is ``lhs <= rhs``. For an upper bound, lhs is the learner's expected risk and rhs the bound. For a
        lower bound, lhs is the bound and rhs what is proved of the minimax risk, usually a wide enclosure.
    holds : bool or None
        True or False if certain, None if the precision did not suffice.
    bits : int
        The precision that decided, or the last one tried; 0 if exact fractions decided.
    seconds : float
    """

    claim: str
    S: int
    A: int
    n: int
    lhs: Enclosure
    rhs: Enclosure
    holds: bool | None
    bits: int
    seconds: float


def certify(
    claim: str,
    *,
    S: int | None = None,
    A: int | None = None,
    n: int,
    problem: Problem | ExactProblem | int | None = None,
    init: Any = None,
    max_bits: int = 1024,
) -> Certificate:
    """Prove, or refute, that a bound holds at one place.

    Parameters
    ----------
    claim : str
        A name in `CERTIFIED`; the names are those of `kt_theory.bounds`.
    S, A : int, optional
        Number of inputs and labels; not needed if `problem` has them.
    n : int
        Number of samples.
    problem : Problem, ExactProblem or int, optional
        Where an upper bound is tried; an int is the paper's instance of that number, without rounding. For a lower
        bound, the problem that is to witness it: the minimax risk is at least the risk of SEL_ptl (soft: CE_ful)
        there on average over relabellings. Without one, several witnesses are tried.
    init : array_like, shape (S, A), optional
        The student before any data, for a `Problem`; uniform if not given.
    max_bits : int
        Where the doubling of the precision ends.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If an argument is malformed or missing, or the statement says nothing at (S, A, n); as `OutOfReach` where no
        exact risk is available.
    ImportError
        Without python-flint.

    Examples
    --------
    >>> certify("hard_upper_mean", S=10, A=10, n=1000, problem=1).holds
    True
    >>> certificate = certify("soft_lower_mean", S=2, A=2, n=100)
    >>> certificate.holds, certificate.lhs.digits[:12]
    (True, '[0.001830253')
    """
    started = time.perf_counter()
    library = unrounded.flint()
    statement = CERTIFIED[checks.one_of("claim", claim, tuple(CERTIFIED))]
    n, max_bits = checks.whole_number("n", n), checks.whole_number("max_bits", max_bits, minimum=64)
    S, A = (None if size is None else checks.whole_number(name, size, minimum=1) for name, size in (("S", S), ("A", A)))
    exact = exact_problem_of(problem, S, A, n, init)
    if exact is not None:
        S, A = exact.S, exact.A
    if S is None or A is None:
        raise ValueError("S and A are missing: give both, or a problem that has them")
    if not statement.regime(S, A, n):
        raise ValueError(f"{claim} says nothing at S={S}, A={A}, n={n}: it is valid for {statement.valid}")
    if statement.learner is not None and exact is None:
        raise ValueError(f"problem is missing: {claim} bounds the risk of {statement.learner} at a problem")
    if exact is not None and (statement.uniform or statement.learner is None) and not exact.uniform_start:
        raise ValueError(f"init is not uniform: {claim} is certified for uniform init only")
    compare = _compare_lower if statement.learner is None else _compare_upper
    bits = 64
    while True:
        with library.ctx.workprec(bits):
            lhs, rhs, holds = compare(statement, S, A, n, exact)
            sides = _enclose(*lhs), _enclose(*rhs)
        if holds is None and (bits == 256 or (bits < 256 and 2 * bits > max_bits)):
            holds = _holds_in_fractions(statement, S, A, n, exact)
            bits = bits if holds is None else 0
        if holds is not None or 2 * bits > max_bits:
            break
        bits *= 2
    return Certificate(claim, S, A, n, *sides, holds, bits, time.perf_counter() - started)


def _compare_upper(
    statement: CertifiedBound, S: int, A: int, n: int, problem: ExactProblem | None
) -> tuple[Any, Any, Any]:
    risk = balls.risk_at(given(problem), str(statement.learner), n, ball)
    bound = statement.bound(S, A, n, problem, ball)
    holds = True if risk <= bound else False if risk > bound else None
    return (risk, risk), (bound, bound), holds


def _compare_lower(
    statement: CertifiedBound, S: int, A: int, n: int, problem: ExactProblem | None
) -> tuple[Any, Any, Any]:
    bound = statement.bound(S, A, n, problem, ball)
    best, holds = ball(0), None
    for witness in witnesses(statement.protocol, S, A, n, problem):
        value = witness(ball)
        best = best.max(value.lower()) if value.is_finite() else best
        if bound <= best:
            holds = True
            break
    above = highest(statement.protocol, S, A, n)
    if holds is None and bound > above:
        holds = False
    return (bound, bound), (best, above), holds


def _holds_in_fractions(statement: CertifiedBound, S: int, A: int, n: int, problem: ExactProblem | None) -> bool | None:
    """The comparison in fractions where balls could not decide; None if they would be too long, or do not show it."""
    if n * (n + 1).bit_length() > balls.FRACTION_BITS:
        return None
    try:
        bound = statement.bound(S, A, n, problem, rational)
        if statement.learner is None:
            found = witnesses(statement.protocol, S, A, n, problem)
            return True if any(bound <= witness(rational) for witness in found) else None
        exact = given(problem)
        learner = str(statement.learner)
        return bool(balls.risk_at(exact, learner, n, rational) <= bound) if balls.short(exact, learner, n) else None
    except OutOfReach:
        return None


def _enclose(low: Any, high: Any) -> Enclosure:
    """What lies between two balls."""
    lower, upper = float(low.lower()), float(high.upper())
    if not (low.is_exact() and high.is_exact() and lower == upper and low == lower):
        lower, upper = math.nextafter(lower, -math.inf), math.nextafter(upper, math.inf)
    ends = low.lower().str(20, radius=False), high.upper().str(20, radius=False)
    digits = low.str(20) if low is high else f"[{ends[0]}, {ends[1]}]"
    return Enclosure(lower, upper, digits)
