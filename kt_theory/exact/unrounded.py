"""Numbers and problems without rounding: what `kt_theory.exact.balls` calculates with.

Problems are rational, or have one square root (instance 1). A float64 is a rational number, but laws of floats sum to 1
only nearly: they stand for the law that the floats are proportional to, each table row and rho divided by its exact
sum, as equal floats then stay equal. That moves no probability by more than 1e-12, relative. Labels of one input that
share probability and init are exchangeable and kept as a class, equal inputs likewise, so size costs nothing by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.exact.rows import OutOfReach
from kt_theory.problem import Problem


def flint() -> Any:
    """The module python-flint, or one sentence that says how to get it."""
    try:
        import flint as library
    except ImportError:
        remedy = "in a checkout of kt_theory, pip install '.[exact]'"
        raise ImportError(f"certificates need python-flint: {remedy}") from None
    return library


@dataclass(frozen=True)
class Surd:
    """The irrational number a + b sqrt(d), all three rational; one d in a problem."""

    a: Fraction
    b: Fraction
    d: Fraction


Exact = Fraction | Surd
#: How an exact number becomes one to calculate with: `ball` or `rational`.
Number = Callable[[Exact], Any]


def ball(x: Exact | int) -> Any:
    """The smallest ball about `x` at the current precision."""
    library = flint()
    if isinstance(x, Surd):
        return ball(x.a) + ball(x.b) * ball(x.d).sqrt()
    x = Fraction(x)
    return library.arb(library.fmpq(x.numerator, x.denominator))


def rational(x: Exact | int) -> Any:
    """`x` itself, in the arithmetic of fractions, where comparisons are always certain."""
    if isinstance(x, Surd):
        raise OutOfReach("the problem has an irrational probability: only balls can hold it")
    x = Fraction(x)
    return flint().fmpq(x.numerator, x.denominator)


def root(x: Fraction, number: Number) -> Any:
    """The square root of a rational."""
    if number is ball:
        return ball(x).sqrt()
    top, bottom = math.isqrt(x.numerator), math.isqrt(x.denominator)
    if top * top != x.numerator or bottom * bottom != x.denominator:
        raise OutOfReach(f"the square root of {x} is irrational: only balls can hold it")
    return number(Fraction(top, bottom))


@dataclass(frozen=True)
class Labels:
    """So many labels of one input, alike in probability and in the student's value before any data."""

    p: Exact
    init: Exact
    times: int


@dataclass(frozen=True)
class Input:
    """So many inputs alike, each of mass rho, with the same classes of labels."""

    rho: Fraction
    labels: tuple[Labels, ...]
    times: int


@dataclass(frozen=True)
class ExactProblem:
    """A problem whose numbers are exact, with the initial table; inputs of mass 0 are left out."""

    S: int
    A: int
    inputs: tuple[Input, ...]

    @property
    def uniform_start(self) -> bool:
        """Whether the initial table is uniform."""
        return all(c.init == Fraction(1, self.A) for row in self.inputs for c in row.labels)


def exact_problem(rho: Any, teacher: Any, init: Any = None) -> ExactProblem:
    """The exact problem that floats or fractions are proportional to.

    Parameters
    ----------
    rho : array_like, shape (S,)
    teacher, init : array_like, shape (S, A)
        Floats, or Fractions. `rho` and every row are divided by their exact sums. `init` is uniform if not given.

    Returns
    -------
    ExactProblem

    Raises
    ------
    ValueError
        If a law is no law (its sum may be off 1 by 1e-12) or the shapes disagree.

    Examples
    --------
    >>> problem = exact_problem([0.5, 0.5], [[0.25, 0.75], [0.75, 0.25]])
    >>> [(row.times, [str(c.p) for c in row.labels]) for row in problem.inputs]
    [(2, ['1/4', '3/4'])]
    """
    S, A = checks.stochastic_table("teacher", teacher).shape
    checks.law("rho", rho, size=S)
    rows = _laws(teacher)
    if init is None:
        starts = [[Fraction(1, A)] * A] * S
    else:
        checks.stochastic_table("init", init, shape=(S, A))
        starts = _laws(np.asarray(init, dtype=object))  # a DataFrame is a sequence of its columns
    found: Counter[tuple[Fraction, tuple[Labels, ...]]] = Counter()
    for mass, row, start in zip(_laws([rho])[0], rows, starts, strict=True):
        if mass:
            alike = sorted(Counter(zip(row, start, strict=True)).items())
            found[mass, tuple(Labels(p, i, times) for (p, i), times in alike)] += 1
    return ExactProblem(S, A, tuple(Input(mass, labels, times) for (mass, labels), times in found.items()))


def _laws(table: Any) -> list[list[Fraction]]:
    exact = [[Fraction(x) for x in row] for row in table]
    sums = [sum(row, Fraction(0)) for row in exact]
    return [[x / total for x in row] for row, total in zip(exact, sums, strict=True)]


def exact_instance(k: int, S: int, A: int, n: int | None = None) -> ExactProblem:
    """Instance k of the paper (`kt_theory.instance`), without rounding, for any S and A.

    Parameters
    ----------
    k : {0, 1, 2, 3}
    S, A : int
        Number of inputs and labels, at least 1.
    n : int
        The number of samples that the instance is hard for. Instance 0 ignores it.

    Returns
    -------
    ExactProblem
        With uniform init.

    Raises
    ------
    ValueError
        If the instance does not exist at (S, A, n).

    Examples
    --------
    >>> exact_instance(3, S=1000, A=2, n=1999).inputs[0].times
    999
    """
    k = checks.whole_number("k", k)
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    if k not in (0, 1, 2, 3):
        raise ValueError(f"k is {k}: the paper has instances 0, 1, 2 and 3")
    least = (1, 2, 3, 2)[k]
    if least > A:
        raise ValueError(f"A is {A}: instance {k} needs at least {least} labels")
    row: list[tuple[Exact, int]]
    if k == 0:
        row = [(Fraction(A + 1, 2 * A), 1), (Fraction(1, 2 * A), A - 1)]
        return from_classes(A, [(Fraction(1, S), S)], row)
    if n is None:
        raise ValueError(f"n is missing: instance {k} moves with the number of samples")
    n = checks.whole_number("n", n, minimum=1)
    if k == 1:
        even = A - A % 2
        square = Fraction(S * even, 16 * n)
        enough = square <= 1
        row = [(_with_root(even, sign, square), even // 2) for sign in (1, -1)] + [(Fraction(0), A - even)]
    else:
        light = (A - (A + 1) % 2 - 1) // 2
        rest = 1 - Fraction(S * light, n + 1)
        enough = rest >= 0
        row = [(Fraction(S, n + 1), light), (rest, 1), (Fraction(0), A - light - 1)]
    masses = [(Fraction(1, S), S)]
    if k == 3:
        last = 1 - Fraction(S - 1, n + 1)
        enough = enough and last >= 0
        masses = [(Fraction(1, n + 1), S - 1), (last, 1)]
    if not enough:
        raise ValueError(f"n is {n}: instance {k} with S={S}, A={A} needs a larger n, or a mass would be negative")
    return from_classes(A, masses, row)


def _with_root(even: int, sign: int, square: Fraction) -> Exact:
    """(1 + sign sqrt(square)) / even, a Fraction if the root is rational."""
    top, bottom = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if top * top == square.numerator and bottom * bottom == square.denominator:
        return (1 + sign * Fraction(top, bottom)) / even
    return Surd(Fraction(1, even), Fraction(sign, even), square)


def from_classes(A: int, masses: Sequence[tuple[Fraction, int]], row: Sequence[tuple[Exact, int]]) -> ExactProblem:
    """All inputs with one row; masses and probabilities with how often each occurs, equal ones merged."""
    merged: Counter[Exact] = Counter()
    for p, times in row:
        merged[p] += times
    labels = tuple(Labels(p, Fraction(1, A), times) for p, times in merged.items() if times)
    inputs: Counter[Fraction] = Counter()
    for rho, times in masses:
        inputs[rho] += times
    S = sum(inputs.values())
    return ExactProblem(S, A, tuple(Input(rho, labels, times) for rho, times in inputs.items() if rho and times))


def from_problem(problem: Problem | ExactProblem, init: Any = None) -> ExactProblem:
    """`problem` as an exact one; an exact problem has its own init."""
    if isinstance(problem, ExactProblem):
        if init is not None:
            raise ValueError("init is given twice: an exact problem has its own")
        return problem
    if init is not None:
        checks.names_from_frames(problem.states, problem.actions, init=init)
    return exact_problem(problem.rho, problem.teacher, init)
