r"""Certificates: a bound and what it bounds, both enclosed rigorously, and the comparison only if it is certain.

`certify` asks whether one statement holds at one place; `certify_minimax` encloses the best worst-case risk. All
numbers are balls (`kt_theory.exact.balls`), and where balls cannot tell two equal numbers apart, exact fractions if
these are not too long. The bounds are typed here a second time, from rationals: `kt_theory.bounds` is not imported, so
that a slip in either shows as a difference.

An upper bound says something of its learner at every problem, so its certificate needs a problem: the learner's exact
expected risk is compared with the bound. A lower bound says something of the minimax risk, over all students and all
problems, so it is compared with proved lower bounds of another make (``holds`` is True if one of these is larger) and
with proved upper bounds (False if one of these is smaller). Between students that see more and students that see less,
soft <= partial <= hard, and at each level:

soft
    The minimax risk is (1 - 1/A) max_rho sum_s rho(s) (1 - rho(s))^n: a Dirac at a random label costs 1 - 1/A on
    average wherever s was not visited, and Uniform(A) costs no more on any row. For g(x) = x (1 - x)^n, concave up to
    2/(n+1) and convex beyond, some maximiser has S - 1 equal coordinates x and one y = 1 - (S-1) x. That leaves
    f(x) = (S-1) g(x) + g(y) on [0, 1/(S-1)], which branch-and-bound encloses: g is largest at 1/(n+1) and g' is
    monotone on either side of 2/(n+1), so that both have exact ranges over a box; a box on which f' has one sign is
    its better end, and any other has f <= f(middle) + max abs(f') times half its width.
partial
    Lower: the exact risk of SEL_ptl with uniform init at any problem. No student beats it on average over all
    relabellings of the labels of that problem, even if told rho and the rows up to relabelling. Upper: SEL_ptl pays at
    most 1 - 1/A of the mass of an unvisited input and 1 - 1/(A-1) of the missing mass of a visited one; and K letters
    have a missing mass of at most M(K) on average, K times the least concave function above g, taken at 1/K. That
    function is g up to 1/n and then the tangent through (1, 0), whose slope is -phi(n-1) with phi(n) = max g: so M(K)
    is (1 - 1/K)^n for n <= K, and (K - 1) phi(n-1) beyond.
hard
    Lower: (a) pairs of labels (1 +- D)/A', fair signs, uniform rho, each pair read off its own counts: D times the
    chance that the majority among Bin(n, 2/(S A')) tosses of a coin of bias D/2 errs, ties counted half, where
    err(2k) = err(2k-1) and err(2k+1) = err(2k-1) - D C(2k-1, k) ((1-D^2)/4)^k. Where there are many tosses, there are
    at most 2r - 1 but for a Bernstein tail, and the error is at least err(2r-1) = 1/2 - int_0^(D/2) (1/4 - u^2)^(r-1)
    du / B(r, r), with 1/4 - u^2 <= exp(-4 u^2) / 4. (b) rho uniform, rows from a symmetric Dirichlet law, the simplex
    constraint dropped: A/2 times the mean of E|p - median| under the Beta posteriors of one label. The median need not
    be known: with F the distribution function, E|p - median| >= E|p - c| - |2 F(c) - 1| for any c, by convexity, and
    E|p - c| is a matter of two incomplete betas. Upper: CE_sgl, R <= TV(rho, visits) + TV(joint law, its frequencies);
    or, with uniform init, at most sqrt((A-1)/(2 (m+1))) for an input visited m times, averaged by the mean of 1/(m+1).

Inside its regime every entry of `CLAIMS` should hold; outside, `certify` refuses.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.exact import balls
from kt_theory.exact.balls import ExactProblem, Number, ball, rational
from kt_theory.exact.rows import OutOfReach
from kt_theory.problem import PROTOCOLS, Problem

#: Incomplete beta functions that a Dirichlet lower bound may need: half a second.
BETAS = 600
#: Tosses that the sign test goes through one by one.
TOSSES = 20_000
#: Boxes of the branch-and-bound before it settles for what it has.
BOXES = 20_000


# --- The bounds, a second time --------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """A statement that can be certified.

    Attributes
    ----------
    protocol : {"hard", "partial", "soft"}
    learner : str or None
        Whose expected risk the bound is above; None for a lower bound on every student's worst case.
    valid : str
        The regime, in words.
    regime : callable
        ``regime(n, S, A) -> bool``.
    bound : callable
        ``bound(n, S, A, problem, number)``, in the arithmetic of `number`.
    uniform : bool
        Whether the statement is about uniform init only.
    """

    protocol: str
    learner: str | None
    valid: str
    regime: Callable[[int, int, int], bool]
    bound: Callable[[int, int, int, ExactProblem | None, Number], Any]
    uniform: bool = False


def phi(n: int, number: Number) -> Any:
    """The largest x (1 - x)^n, which is n^n / (n+1)^(n+1)."""
    return number(Fraction(n, n + 1)) ** n * number(Fraction(1, n + 1))


def root(x: Fraction, number: Number) -> Any:
    """The square root of a rational."""
    if number is ball:
        return ball(x).sqrt()
    top, bottom = math.isqrt(x.numerator), math.isqrt(x.denominator)
    if top * top != x.numerator or bottom * bottom != x.denominator:
        raise OutOfReach(f"the square root of {x} is irrational: only balls can hold it")
    return number(Fraction(top, bottom))


def exponential(x: Fraction, number: Number) -> Any:
    """e^x, for rational x other than 0."""
    if number is rational:
        raise OutOfReach(f"e^{x} is irrational: only balls can hold it")
    return ball(x).exp()


def majorant(n: int, K: int, number: Number) -> Any:
    """M(K): no law on K letters has a larger expected missing mass after n draws."""
    return number(1 - Fraction(1, K)) ** n if n <= K else (K - 1) * phi(n - 1, number)


def c_inf(number: Number) -> Any:
    """q^2 / (1 + q), q = 2 W(1 / (2 sqrt(e))): the constant of partial soft labels."""
    q = 2 * (exponential(Fraction(-1, 2), number) / 2).lambertw()
    return q * q / (1 + q)


def xi(problem: ExactProblem, number: Number) -> Any:
    """max_s sum_a min(pi*(a|s), 1 - pi*(a|s))."""
    if number is rational:
        exact = (sum(c.times * min(number(c.p), 1 - number(c.p)) for c in row.labels) for row in problem.inputs)
        return max(exact)
    largest = balls.flint().arb(0)
    for row in problem.inputs:
        largest = largest.max(sum((c.times * ball(c.p).min(1 - ball(c.p)) for c in row.labels), ball(0)))
    return largest


def unvisited(problem: ExactProblem, n: int, number: Number) -> Any:
    """The expected mass never visited, sum_s rho(s) (1 - rho(s))^n."""
    return sum((row.times * number(row.rho) * number(1 - row.rho) ** n for row in problem.inputs), number(Fraction(0)))


def unseen_cells(problem: ExactProblem, n: int, number: Number) -> Any:
    """The sum of w (1 - w)^n over the joint masses w = rho(s) pi*(a|s)."""
    total = number(Fraction(0))
    for row in problem.inputs:
        for c in row.labels:
            w = number(row.rho) * number(c.p)
            total += row.times * c.times * w * (1 - w) ** n
    return total


def _even(A: int) -> int:
    return A - A % 2


def _pairs(S: int, A: int) -> int:
    return S * ((A - 1) // 2)


def _given(problem: ExactProblem | None) -> ExactProblem:
    if problem is None:
        raise ValueError("problem is missing: this bound depends on it")
    return problem


_MINUS_1 = Fraction(-1)
_SOME = "n >= 1"
_PAIRS = "A >= 3 and n >= S (A' - 1) / 2 - 1, A' the odd one of A and A - 1"
_INPUTS = "S >= 2, A >= 2 and n >= S"


def _some(n: int, S: int, A: int) -> bool:
    return n >= 1


def _always(n: int, S: int, A: int) -> bool:
    return n >= 0


def _room_for_pairs(n: int, S: int, A: int) -> bool:
    return A >= 3 and n + 1 >= _pairs(S, A)


def _more_than_inputs(n: int, S: int, A: int) -> bool:
    return S >= 2 and A >= 2 and n >= S


#: Name of the bound, as in `kt_theory.bounds` -> the statement.
CLAIMS: dict[str, Claim] = {
    "hard_lower_mean": Claim(
        "hard",
        None,
        "A >= 2 and n >= S A' / 4, A' the even one of A and A - 1",
        lambda n, S, A: A >= 2 and 4 * n >= S * _even(A),
        lambda n, S, A, _, number: exponential(Fraction(-1, 2), number) / 16 * root(Fraction(S * _even(A), n), number),
    ),
    "hard_upper_mean": Claim(
        "hard",
        "CE_sgl",
        _SOME,
        _some,
        lambda n, S, A, _, number: root(Fraction(S * A, n), number) / 2 + root(Fraction(S, n), number),
    ),
    "hard_upper_mean_instance": Claim(
        "hard",
        "CE_sgl",
        _SOME,
        _some,
        lambda n, S, A, problem, number: (
            _root_of(xi(_given(problem), number) * number(Fraction(S * A, 2 * (n + 1))), number)
            + number(Fraction(4 * S, 9 * n))
        ),
    ),
    "partial_lower_mean": Claim(
        "partial",
        None,
        _PAIRS,
        _room_for_pairs,
        lambda n, S, A, _, number: number(Fraction(_pairs(S, A), 2)) * phi(n, number),
    ),
    "partial_lower_mean_simple": Claim(
        "partial",
        None,
        _PAIRS,
        _room_for_pairs,
        lambda n, S, A, _, number: number(Fraction(_pairs(S, A), 2 * (n + 1))) * exponential(_MINUS_1, number),
    ),
    "partial_upper_mean": Claim(
        "partial",
        "SEL_ptl",
        _SOME,
        _some,
        lambda n, S, A, _, number: number(Fraction(8 * S * A, 9 * n) + Fraction(S * A, n + 1)),
    ),
    "soft_lower_mean": Claim(
        "soft",
        None,
        _INPUTS,
        _more_than_inputs,
        lambda n, S, A, _, number: number(Fraction(S - 1, 2)) * phi(n, number),
    ),
    "soft_lower_mean_simple": Claim(
        "soft",
        None,
        _INPUTS,
        _more_than_inputs,
        lambda n, S, A, _, number: number(Fraction(S - 1, 2 * (n + 1))) * exponential(_MINUS_1, number),
    ),
    "soft_upper_mean": Claim("soft", "CE_ful", _SOME, _some, lambda n, S, A, _, number: number(Fraction(4 * S, 9 * n))),
    "soft_upper_mean_at": Claim(
        "soft",
        "CE_ful",
        "n >= 0",
        _always,
        lambda n, S, A, problem, number: unvisited(_given(problem), n, number),
    ),
    "soft_lower_mean_at": Claim(
        "soft",
        None,
        "S >= 2 and A >= 2",
        lambda n, S, A: S >= 2 and A >= 2,
        lambda n, S, A, problem, number: unvisited(_given(problem), n, number) / 2,
    ),
    # Beside the paper's.
    "hard_upper_mean_joint": Claim(
        "hard",
        "CE_sgl",
        _SOME,
        _some,
        lambda n, S, A, _, number: (root(Fraction(S - 1, n), number) + root(Fraction(S * A - 1, n), number)) / 2,
    ),
    "hard_upper_mean_uniform": Claim(
        "hard",
        "CE_sgl",
        "n >= 0",
        _always,
        lambda n, S, A, _, number: root(Fraction(S * (A - 1), 2 * (n + 1)), number),
        uniform=True,
    ),
    "hard_upper_mean_conjecture": Claim(
        "hard",
        "CE_sgl",
        _SOME,
        _some,
        lambda n, S, A, _, number: root(Fraction(S * (A - 1), 4 * n), number),
        uniform=True,
    ),
    "partial_upper_mean_at": Claim(
        "partial",
        "SEL_ptl",
        "n >= 0",
        _always,
        lambda n, S, A, problem, number: unseen_cells(_given(problem), n, number),
    ),
    "partial_upper_mean_missing": Claim(
        "partial", "SEL_ptl", "n >= 0", _always, lambda n, S, A, _, number: majorant(n, S * A, number)
    ),
    "partial_upper_mean_uniform": Claim(
        "partial",
        "SEL_ptl",
        "n >= 0",
        _always,
        lambda n, S, A, _, number: _uniform_spread(n, S, A, number),
        uniform=True,
    ),
    "partial_upper_mean_uniform_simple": Claim(
        "partial",
        "SEL_ptl",
        _SOME,
        _some,
        lambda n, S, A, _, number: number(Fraction(S * (A - 1), n)) * exponential(_MINUS_1, number),
        uniform=True,
    ),
    "partial_upper_mean_lambert": Claim(
        "partial",
        "SEL_ptl",
        _SOME,
        _some,
        lambda n, S, A, _, number: (
            number(Fraction(S, n)) * (A * c_inf(number) + root(Fraction(2 * A), number) * exponential(_MINUS_1, number))
        ),
        uniform=True,
    ),
    "partial_upper_mean_conjecture": Claim(
        "partial",
        "SEL_ptl",
        _SOME,
        _some,
        lambda n, S, A, _, number: number(Fraction(S * A, n)) * c_inf(number),
        uniform=True,
    ),
    "soft_upper_mean_missing": Claim(
        "soft", "CE_ful", "n >= 0", _always, lambda n, S, A, _, number: majorant(n, S, number)
    ),
    "soft_upper_mean_uniform": Claim(
        "soft",
        "CE_ful",
        "n >= 0",
        _always,
        lambda n, S, A, _, number: number(1 - Fraction(1, A)) * majorant(n, S, number),
        uniform=True,
    ),
}


def _uniform_spread(n: int, S: int, A: int, number: Number) -> Any:
    """SEL_ptl, uniform: 1 - 1/(A-1) of the missing mass of visited inputs, 1 - 1/A of the others."""
    if A == 1:
        return number(Fraction(0))
    visited, more = number(1 - Fraction(1, A - 1)), number(Fraction(1, A * (A - 1)))
    return visited * majorant(n, S * A, number) + more * majorant(n, S, number)


def _root_of(x: Any, number: Number) -> Any:
    """The square root of a number of the arithmetic in use."""
    return x.sqrt() if number is ball else root(Fraction(int(x.p), int(x.q)), number)


# --- Certificates ---------------------------------------------------------------------------------------


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
    n, S, A : int
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
    n: int
    S: int
    A: int
    lhs: Enclosure
    rhs: Enclosure
    holds: bool | None
    bits: int
    seconds: float


def certify(
    claim: str,
    n: int,
    S: int | None = None,
    A: int | None = None,
    problem: Problem | ExactProblem | int | None = None,
    init: Any = None,
    max_bits: int = 1024,
) -> Certificate:
    """Prove, or refute, that a bound holds at one place.

    Parameters
    ----------
    claim : str
        A name in `CLAIMS`; the names are those of `kt_theory.bounds`.
    n : int
        Number of samples.
    S, A : int, optional
        Number of inputs and labels; not needed if `problem` has them.
    problem : Problem, ExactProblem or int, optional
        Where an upper bound is tried; an int is the paper's instance of that number, without rounding. For a lower
        bound, the problem that is to witness it: the minimax risk is at least what SEL_ptl (soft: CE_ful) has to pay
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
        If an argument is malformed or missing, or the statement says nothing at (n, S, A); as `OutOfReach` where no
        exact risk is available.
    ImportError
        Without python-flint.

    Examples
    --------
    >>> certify("hard_upper_mean", n=1000, S=10, A=10, problem=1).holds
    True
    >>> certificate = certify("soft_lower_mean", n=100, S=2, A=2)
    >>> certificate.holds, certificate.lhs.digits[:12]
    (True, '[0.001830253')
    """
    started = time.perf_counter()
    library = balls.flint()
    statement = CLAIMS[checks.one_of("claim", claim, tuple(CLAIMS))]
    n, max_bits = checks.whole_number("n", n), checks.whole_number("max_bits", max_bits, minimum=64)
    exact = _problem(problem, S, A, n, init)
    if exact is not None:
        S, A = exact.S, exact.A
    if S is None or A is None:
        raise ValueError("S and A are missing: give both, or a problem that has them")
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    if not statement.regime(n, S, A):
        raise ValueError(f"{claim} says nothing at n={n}, S={S}, A={A}: it is valid for {statement.valid}")
    if statement.learner is not None and exact is None:
        raise ValueError(f"problem is missing: {claim} bounds the risk of {statement.learner} at a problem")
    if exact is not None and (statement.uniform or statement.learner is None) and not exact.uniform_start:
        raise ValueError(f"init is not uniform: {claim} is certified for uniform init only")
    compare = _compare_lower if statement.learner is None else _compare_upper
    bits = 64
    while True:
        with library.ctx.workprec(bits):
            lhs, rhs, holds = compare(statement, n, S, A, exact)
            sides = _enclose(*lhs), _enclose(*rhs)
        if holds is None and (bits == 256 or (bits < 256 and 2 * bits > max_bits)):
            holds = _holds_in_fractions(statement, n, S, A, exact)
            bits = bits if holds is None else 0
        if holds is not None or 2 * bits > max_bits:
            break
        bits *= 2
    return Certificate(claim, n, S, A, *sides, holds, bits, time.perf_counter() - started)


def _problem(
    problem: Problem | ExactProblem | int | None, S: int | None, A: int | None, n: int, init: Any
) -> ExactProblem | None:
    if problem is None:
        if init is not None:
            raise ValueError("problem is missing: init belongs to one")
        return None
    if isinstance(problem, (Problem, ExactProblem)):
        exact = balls.from_problem(problem, init)
    elif S is None or A is None:
        raise ValueError(f"S and A are missing: instance {problem} of the paper needs both")
    elif init is not None:
        raise ValueError("init is given for an instance of the paper: give the problem itself, kt_theory.instance")
    else:
        exact = balls.exact_instance(problem, S, A, n)
    for name, wanted, has in (("S", S, exact.S), ("A", A, exact.A)):
        if wanted is not None and wanted != has:
            raise ValueError(f"{name} is {wanted}, but the problem has {has}")
    return exact


def _compare_upper(statement: Claim, n: int, S: int, A: int, problem: ExactProblem | None) -> tuple[Any, Any, Any]:
    risk = balls.risk_at(_given(problem), str(statement.learner), n, ball)
    bound = statement.bound(n, S, A, problem, ball)
    holds = True if risk <= bound else False if risk > bound else None
    return (risk, risk), (bound, bound), holds


def _compare_lower(statement: Claim, n: int, S: int, A: int, problem: ExactProblem | None) -> tuple[Any, Any, Any]:
    bound = statement.bound(n, S, A, problem, ball)
    best, holds = ball(0), None
    for witness in _witnesses(statement.protocol, S, A, n, problem):
        value = witness(ball)
        best = best.max(value.lower()) if value.is_finite() else best
        if bound <= best:
            holds = True
            break
    highest = _highest(statement.protocol, S, A, n)
    if holds is None and bound > highest:
        holds = False
    return (bound, bound), (best, highest), holds


def _holds_in_fractions(statement: Claim, n: int, S: int, A: int, problem: ExactProblem | None) -> bool | None:
    """What fractions say where balls could not tell; None if they would be too long, or do not show it."""
    if n * (n + 1).bit_length() > balls.FRACTION_BITS:
        return None
    try:
        bound = statement.bound(n, S, A, problem, rational)
        if statement.learner is None:
            witnesses = _witnesses(statement.protocol, S, A, n, problem)
            return True if any(bound <= witness(rational) for witness in witnesses) else None
        exact = _given(problem)
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


# --- Minimax risks --------------------------------------------------------------------------------------


def certify_minimax(
    protocol: str, S: int, A: int, n: int, problem: Problem | ExactProblem | None = None
) -> tuple[Any, Any]:
    """Two balls with the minimax risk between them.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft"}
        What the student may see.
    S, A : int
        Number of inputs and labels, at least 1.
    n : int
        Number of samples.
    problem : Problem or ExactProblem, optional
        A problem to take the lower bound from (partial: from the risk of SEL_ptl there), such as the least favourable
        one that an optimiser has found; without one, a few that are known to be bad.

    Returns
    -------
    tuple of two flint.arb
        ``lower, upper``: the minimax risk is at least ``lower.lower()`` and at most ``upper.upper()``. For soft labels
        they are 1e-10 apart, relative; for partial labels up to a factor of about 3 (A = 2: 1e-10); for hard labels 2
        while inputs are visited a few hundred times, 6 beyond.

    Raises
    ------
    ValueError
        For malformed arguments, or as `OutOfReach` where the sums would be too long.
    ImportError
        Without python-flint.

    Examples
    --------
    >>> lower, upper = certify_minimax("soft", S=2, A=2, n=10)
    >>> round(float(lower), 12), round(float(upper), 9)
    (0.017524694992, 0.017524695)
    """
    library = balls.flint()
    checks.one_of("protocol", protocol, PROTOCOLS)
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    n = checks.whole_number("n", n)
    exact = _problem(problem, S, A, n, None)
    if exact is not None and not exact.uniform_start:
        raise ValueError("init is not uniform: a witness of the minimax risk has uniform init")
    with library.ctx.workprec(96):
        lower = ball(0)
        for witness in _witnesses(protocol, S, A, n, exact, thorough=True):
            lower = lower.max(balls.sharpened(witness, 1e-12).lower())
        if protocol == "soft" and exact is None:
            lower, upper = (ball(1 - Fraction(1, A)) * end for end in soft_maximum(S, n))
            return lower, upper
        return lower, _highest(protocol, S, A, n)


Witness = Callable[[Number], Any]


def _witnesses(
    protocol: str, S: int, A: int, n: int, problem: ExactProblem | None, thorough: bool = False
) -> Iterator[Witness]:
    """Proved lower bounds on the minimax risk, the cheap ones first."""
    off = 1 - Fraction(1, A)
    if n == 0:
        yield partial(_constant, off)  # no data, and a Dirac at a random label
    elif problem is not None:
        yield partial(_missed, problem, n) if protocol == "soft" else partial(balls.risk_at, problem, "SEL_ptl", n)
    else:
        if protocol == "hard" and A >= 2:
            gap = Fraction(min(1.0, 0.751792 * math.sqrt(S * _even(A) / (2 * n))))
            yield partial(_sign_test, S, A, n, gap)
        if protocol != "soft":
            for bad in _bad_problems(S, A, n):
                yield partial(balls.risk_at, bad, "SEL_ptl", n)
        if S >= 2:
            for x in (Fraction(1, S), min(Fraction(1, n + 1), Fraction(1, S - 1))):
                yield partial(_two_masses, S, n, x, off)
        if protocol == "hard" and A >= 2 and thorough:
            yield partial(_dirichlet, S, A, n)


def _constant(x: Fraction, number: Number) -> Any:
    return number(x)


def _missed(problem: ExactProblem, n: int, number: Number) -> Any:
    """The risk that no student can avoid under the rho of `problem` with soft labels."""
    return number(1 - Fraction(1, problem.A)) * unvisited(problem, n, number)


def _bad_problems(S: int, A: int, n: int) -> Iterator[ExactProblem]:
    """Problems at which SEL_ptl pays much: uniform rho, k light labels, zeros, one label with what is left."""
    light = []
    if _room_for_pairs(n, S, A):
        light.append(((A - 1) // 2, Fraction(S, n + 1)))  # instance 2
    if A >= 2:
        # In the limit of many labels, the worst share is 0.6767 and the worst mass 1.4777 S/n.
        k = min(max(1, round(0.6767 * A - 0.4)), A - 1)
        light.append((k, min(Fraction(1478 * S, 1000 * n), Fraction(1, k))))
    for k, mass in light:
        row = [(mass, k), (1 - k * mass, 1), (Fraction(0), A - k - 1)]
        problem = balls.from_classes(A, [(Fraction(1, S), S)], row)
        if balls.within_reach(problem.inputs[0].labels):
            yield problem


def _two_masses(S: int, n: int, x: Fraction, scale: Fraction, number: Number) -> Any:
    """`scale` sum_s rho(s) (1 - rho(s))^n for S - 1 masses x and one that has the rest."""
    y = 1 - (S - 1) * x
    return number(scale) * ((S - 1) * number(x) * number(1 - x) ** n + number(y) * number(1 - y) ** n)


def _highest(protocol: str, S: int, A: int, n: int) -> Any:
    """The least of the proved upper bounds on the minimax risk."""
    off = ball(1 - Fraction(1, A))
    known = [off]
    if n >= 1 and protocol == "hard":
        for name in ("hard_upper_mean_joint", "hard_upper_mean_uniform"):
            known.append(CLAIMS[name].bound(n, S, A, None, ball))
    if protocol == "partial":
        known.append(_uniform_spread(n, S, A, ball))
    if protocol == "soft" or (protocol == "partial" and A == 2):
        known.append(off * soft_maximum(S, n)[1])
    return _least(known)


def _least(values: list[Any]) -> Any:
    least = values[0]
    for value in values[1:]:
        least = least.min(value)
    return least


def soft_maximum(S: int, n: int, width: float = 1e-10) -> tuple[Any, Any]:
    """Two balls with max_rho sum_s rho(s) (1 - rho(s))^n between them, `width` apart, relative."""
    if n == 0 or S == 1:
        value = ball(Fraction(int(n == 0)))
        return value, value
    top, peak, turn = Fraction(1, S - 1), Fraction(1, n + 1), Fraction(2, n + 1)
    best = ball(0)

    def f(x: Fraction) -> Any:
        nonlocal best
        value = _two_masses(S, n, x, Fraction(1), ball)
        best = best.max(value)
        return value

    def g(x: Fraction) -> Any:
        return ball(x) * ball(1 - x) ** n

    def slopes(a: Fraction, b: Fraction) -> tuple[Any, Any]:
        """The range of g' on [a, b]."""

        def slope(x: Fraction) -> Any:
            return ball(1 - x) ** (n - 1) * ball(1 - (n + 1) * x)

        return slope(min(max(turn, a), b)), slope(a).max(slope(b))

    def box(a: Fraction, b: Fraction) -> Any:
        """An upper bound of f on [a, b]; None if f is monotone there: its ends, both tried, are enough."""
        below, above = 1 - (S - 1) * b, 1 - (S - 1) * a
        (x_low, x_high), (y_low, y_high) = slopes(a, b), slopes(below, above)
        low, high = x_low - y_high, x_high - y_low
        middle = f((a + b) / 2)
        if low > 0 or high < 0:
            return None
        steepest = (S - 1) * (-low).max(high)
        plain = (S - 1) * g(min(max(peak, a), b)) + g(min(max(peak, below), above))
        return plain.min(middle + steepest * ball((b - a) / 2))

    for x in (Fraction(0), Fraction(1, S), min(peak, top), top):
        f(x)
    heap: list[tuple[float, Fraction, Fraction, Any]] = [(-1.0, Fraction(0), top, ball(1))]
    tolerance = 1 + ball(Fraction(width) / 2)
    for _ in range(BOXES):
        if not heap or heap[0][3] <= best * tolerance:
            break
        _, a, b, _ = heapq.heappop(heap)
        for left, right in ((a, (a + b) / 2), ((a + b) / 2, b)):
            f(left), f(right)
            upper = box(left, right)
            if upper is not None and not upper <= best:
                heapq.heappush(heap, (-float(upper.upper()), left, right, upper))
    highest = best
    for *_, upper in heap:
        highest = highest.max(upper)
    return best, highest


def _sign_test(S: int, A: int, n: int, gap: Fraction, number: Number) -> Any:
    """`gap` times the chance that the majority of Bin(n, 2/(S A')) tosses of a coin of bias gap/2 errs."""
    if number is rational:
        raise OutOfReach("the sum over the tosses is left to balls")
    share = Fraction(2, S * _even(A))
    last = n if share == 1 else min(n, math.ceil(n * share + 8 * math.sqrt(n * share) + 20))
    if last > TOSSES:
        return _sign_test_many(n, share, last, gap)
    chance = ball(1 - share) ** n  # of m = 0 tosses; those beyond `last` are left out, which only lowers the bound
    error, step = ball(Fraction(1, 2)), ball(gap) / 2
    mean, tosses, both = chance * error, ball(share), ball((1 - gap * gap) / 4)
    for m in range(1, last + 1):
        if m % 2:
            # With step(1) = D/2, as err(1) = 1/2 - D/2, and step(2k+1) = D C(2k-1, k) both^k.
            error -= step
            k = (m + 1) // 2
            step = ball(gap) * both if m == 1 else step * both * (2 * (2 * k - 1)) / k
        if share < 1:
            chance = chance * (n - m + 1) / m * tosses / ball(1 - share)
            mean += chance * error
    return ball(gap) * (error if share == 1 else mean)


def _sign_test_many(n: int, share: Fraction, last: int, gap: Fraction) -> Any:
    """Below `_sign_test` by a few per cent: as if there were `last` tosses, and no error where there are more."""
    pi, r = balls.flint().arb.pi(), last // 2 + 1
    beta = 2 * ball(r).lgamma() - ball(2 * r).lgamma()
    density = (-beta - 2 * (r - 1) * ball(2).log()).exp()
    right = density * pi.sqrt() / (4 * ball(r - 1).sqrt()) * (ball(gap) * ball(r - 1).sqrt()).erf()
    chance = ball(1)
    if share < 1:
        t = last + 1 - n * share
        chance -= (-ball(t * t / (2 * (n * share * (1 - share) + t / 3)))).exp()
    return ball(gap) * chance * (ball(Fraction(1, 2)) - right)


def _dirichlet(S: int, A: int, n: int, number: Number) -> Any:
    """The Bayes risk under uniform rho and Dirichlet rows, without the simplex constraint; 0 if it takes too long."""
    if number is rational:
        raise OutOfReach("incomplete beta functions are left to balls")
    share = Fraction(1, S)
    reach = 3 * math.sqrt(n * share * (1 - share))
    first, last = max(0, math.ceil(n * share - reach)), min(n, math.floor(n * share + reach))
    parts = min(BETAS // (last + 1), last - first + 1)
    if parts == 0:
        return ball(0)
    alpha = Fraction(max(1, round(2 * math.sqrt(n / S / (A - 1)))), 4)
    total, below = ball(0), first
    for i in range(1, parts + 1):
        # More visits cannot raise a Bayes risk: m = above stands for all of below..above.
        above = first + (last - first + 1) * i // parts - 1
        visits = (math.comb(n, m) * ball(share) ** m * ball(1 - share) ** (n - m) for m in range(below, above + 1))
        total += sum(visits, ball(0)) * _dirichlet_row(A, above, alpha)
        below = above + 1
    return total


def _dirichlet_row(A: int, m: int, alpha: Fraction) -> Any:
    """(A/2) sum_x BetaBin(x; m, alpha, beta) E|p - median|, p ~ Beta(alpha + x, beta + m - x), beta = (A-1) alpha."""
    from scipy import special

    library = balls.flint()
    beta = (A - 1) * alpha
    chance = ball(1)  # BetaBin(0) = prod_i (beta + i) / (alpha + beta + i)
    for i in range(m):
        chance = chance * ball((beta + i) / (alpha + beta + i))
    total = ball(0)
    for x in range(m + 1):
        a, b = alpha + x, beta + m - x
        c = library.arb(float(np.clip(special.betaincinv(float(a), float(b), 0.5), 1e-300, 1 - 1e-16)))
        with library.ctx.workprec(64):  # four times as fast as at 96, and as good: c is a float
            below = c.beta_lower(ball(a), ball(b), regularized=True)
        # I_c(a+1, b) = I_c(a, b) - c^a (1-c)^b / (a B(a, b))
        drop = (ball(a) * c.log() + ball(b) * (1 - c).log()).exp() * ball(a + b).gamma()
        drop = drop / (ball(a + 1).gamma() * ball(b).gamma())
        spread = ball(a / (a + b)) * (1 - 2 * (below - drop)) + c * (2 * below - 1)
        total += chance * (spread - abs(2 * below - 1))
        if x < m:
            chance = chance * ball(Fraction(m - x, x + 1) * a / (b - 1))
    return ball(Fraction(A, 2)) * total
