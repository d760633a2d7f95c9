r"""Expected risks, proved digit by digit: ball arithmetic (python-flint, the extra ``exact``) on exact problems.

A ball is an interval with a midpoint; every operation widens it by its own rounding error, so that what comes out
contains the truth whatever cancelled on the way. Hence the shortest identities may be used here, also those that lose
all digits in float64; the answer says how many digits it has, and the precision is doubled until there are enough.

Problems are exact as well: rational, or with one square root (instance 1). A float64 is a rational number, but laws of
floats sum to 1 only nearly: what is certified is the law that the floats are proportional to, each table row and rho
divided by its exact sum, as equal floats then stay equal. That moves no probability by more than 1e-12, relative.
Labels of one input that share probability and init are exchangeable and kept as a class, equal inputs likewise, so
size costs nothing by itself.

Identities, for one input of mass rho; TV_0 = TV(init, p); "1 - x" powers are exact powers of balls.

CE_ful
    rho (1 - rho)^n TV_0.
CE_sgl
    The visits are M ~ Bin(n, rho), and given M = m >= 1 a label of mass p costs (1/2) E|Bin(m, p)/m - p|, by de Moivre
    v (1 - p) C(m, v) p^v (1 - p)^(m-v) / m with v = floor(m p) + 1. Both binomial terms go from m to m + 1 by one
    multiplication. Only m in a window about n rho are summed; each tail left out adds to the radius its Bernstein
    bound, exp(-t^2 / (2 (n rho (1 - rho) + t/3))), as the cost is at most 1. Cost: window times classes.
SEL_ptl
    If u_c labels of each class c are unseen, the cost is a function C(u). The chance that v given labels are all unseen
    is (1 - rho w(v))^n with w(v) their mass, and inclusion-exclusion, summed by parts, leaves Newton's formula

    .. math:: E\,R = \rho \sum_v \Big(\prod_c \binom{k_c}{v_c}\Big) (\Delta^v C)(0) \, (1 - \rho\, w(v))^n,

    with forward differences of the cost. They do not depend on n and are rational if the row is. Labels of mass 0 are
    always unseen and enter C alone. Cost: prod_c (k_c + 1) terms, 2^14 at most: 14 arbitrary labels, or hundreds of
    labels in two classes. Differences of rational rows are kept from one n to the next.
CE_ptl
    A label a of class c pays (1/2) p_a |N_a / M - 1|, where M sums count times probability over all labels and depends
    on N_a, on the total of the rest of its class, and on the totals of the others: all counts of these few groups are
    gone through. Cost: C(n + groups, groups) terms for each class.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import Learner, resolve_learner
from kt_theory.problem import Problem

#: How many terms a sum may have: ten seconds.
TERMS = 5_000_000
#: How many numbers of unseen labels SEL_ptl goes through (14 labels without equals), and how many differences it takes.
UNSEEN, DIFFERENCES = 2**14, 2**22
#: How many bits the fractions of a sum may have together.
FRACTION_BITS = 2**22
#: Where the doubling of the precision ends.
MAX_BITS = 2**14


def flint() -> Any:
    """The module python-flint, or one sentence that says how to get it."""
    try:
        import flint as library
    except ImportError:
        remedy = "in a checkout of kt_theory, pip install '.[exact]'"
        raise ImportError(f"certificates need python-flint: {remedy}") from None
    return library


# --- Exact numbers and problems -------------------------------------------------------------------------


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


@dataclass(frozen=True)
class Labels:
    """So many labels of one input, alike in probability and in what the student says before any data."""

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
    """A problem whose numbers are exact, with the student's start; inputs of mass 0 are left out."""

    S: int
    A: int
    inputs: tuple[Input, ...]

    @property
    def uniform_start(self) -> bool:
        """Whether the student says Uniform(A) before any data."""
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
    """`problem` as an exact one; an exact problem already knows its init."""
    if isinstance(problem, ExactProblem):
        if init is not None:
            raise ValueError("init is given twice: an exact problem has its own")
        return problem
    if init is not None:
        checks.names_from_frames(problem.states, problem.actions, init=init)
    return exact_problem(problem.rho, problem.teacher, init)


# --- Expected risks -------------------------------------------------------------------------------------


def expected_risk(
    problem: Problem | ExactProblem, learner: str | Learner, n: int, init: Any = None, target: float = 1e-15
) -> Any:
    """The expected risk of a learner, proved: a ball that contains it.

    Parameters
    ----------
    problem : Problem or ExactProblem
        Floats stand for the law that they are proportional to, see the module's text.
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful"}
    n : int
        Number of samples, 0 or more.
    init : array_like, shape (S, A), optional
        The student before any data, if `problem` is no ExactProblem; uniform if not given.
    target : float
        The radius wanted, relative to the value; the precision is doubled until it is reached.

    Returns
    -------
    flint.arb
        Contains the exact value. Its radius is larger than asked only where 2^14 bits do not suffice.

    Raises
    ------
    Unsupported
        A ValueError, for an unknown learner, ADD_sgl, and those of a user's own.
    ValueError
        For malformed arguments; as `OutOfReach` where the sums would be too long.
    ImportError
        Without python-flint.

    Examples
    --------
    >>> risk = expected_risk(exact_instance(3, S=2, A=2, n=3), "CE_ful", 3)
    >>> risk.contains(flint().fmpq(15, 256)), float(risk)
    (True, 0.05859375)
    """
    name = resolve_learner(learner).name
    if name not in RISKS:
        raise checks.Unsupported(f"learner is {name}: risks are proved in balls for {', '.join(RISKS)} only")
    exact = from_problem(problem, init)
    n, target = checks.whole_number("n", n), checks.positive("target", target)
    risk = partial(risk_at, exact, name, n)
    value = sharpened(risk, target, most=512)
    if value.contains(0) and short(exact, name, n) and risk(rational) == 0:
        return ball(0)  # balls about 0 are never narrow enough
    return value if _narrow(value, target) else sharpened(risk, target)


def sharpened(value: Callable[[Number], Any], target: float, most: int = MAX_BITS) -> Any:
    """`value` in balls, the precision doubled until the relative radius is at most `target`, or `most` is reached."""
    library, bits = flint(), 64
    while True:
        with library.ctx.workprec(bits):
            x = value(ball)
            if _narrow(x, target) or 2 * bits > most:
                return x
        bits *= 2


def _narrow(x: Any, target: float) -> bool:
    return bool(x.rad() <= flint().arb(target) * abs(x).lower())


def short(problem: ExactProblem, learner: str, n: int) -> bool:
    """Whether all numbers are rational, and the expected risk is quickly computed in fractions."""
    longest = terms = 0
    for row in problem.inputs:
        for c in row.labels:
            if not isinstance(c.p, Fraction):
                return False
            longest = max(longest, row.rho.denominator.bit_length() + c.p.denominator.bit_length())
        terms += math.prod(c.times + 1 for c in row.labels if c.p != 0) if learner == "SEL_ptl" else 1
    terms *= {"CE_ful": 1, "SEL_ptl": 1, "CE_sgl": n * n, "CE_ptl": n**3}[learner]
    return n * longest * terms <= FRACTION_BITS


def _fraction(q: Any) -> Fraction:
    return Fraction(int(q.p), int(q.q))


def risk_at(problem: ExactProblem, learner: str, n: int, number: Number) -> Any:
    """The expected risk in one arithmetic: `ball` at the current precision, or `rational`."""
    row_risk = RISKS[learner]
    rows = (number(Fraction(row.times)) * number(row.rho) * row_risk(row, n, number) for row in problem.inputs)
    return sum(rows, number(Fraction(0)))


def _start_cost(row: Input, number: Number) -> Any:
    """TV(init, p)."""
    costs = (number(Fraction(c.times, 2)) * abs(number(c.p) - number(c.init)) for c in row.labels)
    return sum(costs, number(Fraction(0)))


def _ce_ful(row: Input, n: int, number: Number) -> Any:
    return number(1 - row.rho) ** n * _start_cost(row, number)


def _ce_sgl(row: Input, n: int, number: Number) -> Any:
    total = number(1 - row.rho) ** n * _start_cost(row, number)
    open_labels = [c for c in row.labels if c.p not in (0, 1)]
    if n == 0 or not open_labels:
        return total
    first, last, tail = _window(row.rho, n, number)
    if (last - first + 1) * len(open_labels) > TERMS:
        raise OutOfReach(
            f"CE_sgl at n={n} needs {(last - first + 1) * len(open_labels)} terms, {TERMS} at most: "
            "kt_theory.simulate has no such limit"
        )
    rho, unseen = number(row.rho), number(1 - row.rho)
    visits = [_binomial(n, first, rho, unseen, number)]
    for m in range(first, last):
        # The last factor is never formed for rho = 1, whose window is m = n alone.
        visits.append(visits[-1] * (n - m) / (m + 1) * rho / unseen)
    for c in open_labels:
        p, q = number(c.p), number(1 - c.p) if isinstance(c.p, Fraction) else 1 - number(c.p)
        v = _floor(first, c.p) + 1
        term = _binomial(first, v, p, q, number)
        cost = number(Fraction(0))
        for m, weight in enumerate(visits, start=first):
            cost += weight * term * v / m
            if m == last:
                break
            if _floor(m + 1, c.p) + 1 == v:
                term = term * (m + 1) / (m + 1 - v) * q
            else:
                v += 1
                term = term * (m + 1) / v * p
        total += c.times * q * cost
    return total + tail


def _window(rho: Fraction, n: int, number: Number) -> tuple[int, int, Any]:
    """The visits to sum over, and a number or ball that holds what the others can cost together."""
    if rho == 1:
        return n, n, number(Fraction(0))
    if number is rational:
        return 1, n, number(Fraction(0))
    library = flint()
    mean, variance = n * rho, n * rho * (1 - rho)
    # Half-width for a tail of about 2^-bits; float64 is enough to choose it, its bound is then computed in balls.
    nats = 0.7 * library.ctx.prec + 10
    width = math.ceil(nats / 3 + math.sqrt(nats * nats / 9 + 2 * nats * float(variance)))
    first, last = max(1, math.floor(mean) - width), min(n, math.ceil(mean) + width)
    tail = library.arb(0)
    for cut, t in ((first > 1, mean - first + 1), (last < n, last + 1 - mean)):
        if cut:
            left_out = (-ball(t * t / (2 * (variance + t / 3)))).exp()
            tail += library.arb(0).union(left_out)
    return first, last, tail


def _binomial(n: int, k: int, p: Any, q: Any, number: Number) -> Any:
    """C(n, k) p^k q^(n-k)."""
    library = flint()
    if number is rational or min(k, n - k) < 200:
        ways = number(Fraction(math.comb(n, k)))
    else:
        ways = (library.arb(n + 1).lgamma() - library.arb(k + 1).lgamma() - library.arb(n - k + 1).lgamma()).exp()
    return ways * p**k * q ** (n - k)


def _floor(m: int, p: Exact) -> int:
    """floor(m p), exactly."""
    if isinstance(p, Fraction):
        return m * p.numerator // p.denominator
    library = flint()
    bits = library.ctx.prec
    while True:  # ends, since m p is irrational
        with library.ctx.workprec(bits):
            whole = (m * ball(p)).floor().unique_fmpz()
        if whole is not None:
            return int(whole)
        bits *= 2


def _sel_ptl(row: Input, n: int, number: Number) -> Any:
    if all(isinstance(c.p, Fraction) for c in row.labels):
        weights = [(number(w), mass) for w, mass in _differences(row.labels)]
    else:
        grid, live = _unseen_grid(row.labels)
        weights = [(w, _mass(v, live)) for v, w in zip(grid, _newton(row.labels, grid, live, number), strict=True)]
    rho, total = number(row.rho), number(Fraction(0))
    for w, mass in weights:
        # Rational masses are subtracted exactly: 1 - 1 has to be 0.
        left = number(1 - row.rho * mass) if isinstance(mass, Fraction) else 1 - rho * number(mass)
        total += w * left**n
    return total


def _mass(v: tuple[int, ...], live: list[Labels]) -> Exact:
    """The mass of v_c labels of each class c, exactly."""
    a = b = d = Fraction(0)
    for i, c in zip(v, live, strict=True):
        if isinstance(c.p, Surd):
            a, b, d = a + i * c.p.a, b + i * c.p.b, c.p.d
        else:
            a += i * c.p
    return Surd(a, b, d) if b else a


@lru_cache(maxsize=64)
def _differences(labels: tuple[Labels, ...]) -> tuple[tuple[Fraction, Exact], ...]:
    """For a rational row: the weights that are not 0 in Newton's formula, each with its mass w(v)."""
    grid, live = _unseen_grid(labels)
    found: dict[Exact, Fraction] = {}
    for v, w in zip(grid, _newton(labels, grid, live, rational), strict=True):
        mass = _mass(v, live)
        found[mass] = found.get(mass, Fraction(0)) + _fraction(w)
    return tuple((w, mass) for mass, w in found.items() if w)


def _unseen_grid(labels: tuple[Labels, ...]) -> tuple[list[tuple[int, ...]], list[Labels]]:
    """All numbers of unseen labels, class by class, of those that can be seen at all."""
    live = [c for c in labels if c.p != 0]
    if not within_reach(labels):
        raise OutOfReach(
            f"SEL_ptl at a row with {len(live)} classes of labels, the largest of {max(c.times for c in live)}, "
            "has too many sets of unseen labels: kt_theory.simulate has no such limit"
        )
    return list(np.ndindex(*(c.times + 1 for c in live))), live


def within_reach(labels: tuple[Labels, ...]) -> bool:
    """Whether SEL_ptl can go through all numbers of unseen labels of such a row."""
    sizes = [c.times for c in labels if c.p != 0]
    grid = math.prod(k + 1 for k in sizes)
    return grid <= UNSEEN and grid * sum(sizes) <= DIFFERENCES


def _newton(labels: tuple[Labels, ...], grid: list[tuple[int, ...]], live: list[Labels], number: Number) -> list[Any]:
    """prod_c C(k_c, v_c) times the differences of the cost at 0, for every v of the grid."""
    dead = [c for c in labels if c.p == 0]
    classes = [(number(c.p), number(c.init), c.init == 0) for c in (*live, *dead)]
    fixed = tuple(c.times for c in dead)
    costs = np.empty(len(grid), dtype=object)
    for j, u in enumerate(grid):
        costs[j] = _sel_cost((*u, *fixed), classes, number)
    table = costs.reshape([c.times + 1 for c in live])
    for axis in range(table.ndim):
        along = np.moveaxis(table, axis, 0)  # a view: what is written here is written to the table
        for start in range(1, along.shape[0]):
            along[start:] = along[start:] - along[start - 1 : -1]
    ways = (math.prod(math.comb(c.times, i) for c, i in zip(live, v, strict=True)) for v in grid)
    return [number(Fraction(w)) * d for w, d in zip(ways, table.ravel(), strict=True)]


def _sel_cost(u: tuple[int, ...], classes: list[tuple[Any, Any, bool]], number: Number) -> Any:
    """Half the l1 distance on the unseen labels, the missing mass shared among them in proportion to init."""
    zero = number(Fraction(0))
    unseen = [(i, p, start, mute) for i, (p, start, mute) in zip(u, classes, strict=True) if i]
    if sum(i for i, *_ in unseen) <= 1:
        return zero  # a single one gets what is missing: its own
    missing = sum((i * p for i, p, _, _ in unseen), zero)
    if all(mute for *_, mute in unseen):
        share = missing / sum(i for i, *_ in unseen)
        return sum((i * abs(p - share) for i, p, _, _ in unseen), zero) / 2
    scale = missing / sum((i * start for i, _, start, _ in unseen), zero)
    return sum((i * abs(p - scale * start) for i, p, start, _ in unseen), zero) / 2


def _ce_ptl(row: Input, n: int, number: Number) -> Any:
    total = number(1 - row.rho) ** n * _start_cost(row, number)
    live = [c for c in row.labels if c.p != 0]
    groups = 1 + sum(1 for c in live if c.times > 1) + len(live)
    if n == 0:
        return total
    if len(live) * math.comb(n + groups, groups) > TERMS // 10:
        raise OutOfReach(
            f"CE_ptl at n={n} needs all counts of {len(live)} classes of labels: kt_theory.simulate has no such limit"
        )
    rho, unvisited = number(row.rho), number(1 - row.rho)
    for c in live:
        others = [(number(d.p), d.times - (d is c)) for d in live if d.times > (d is c)]
        own = number(c.p)
        # Each group with its values: the probability of its labels, and the mass of a draw that lands in it.
        parts = [(own, rho * own)] + [(p, rho * p * times) for p, times in others]
        cost = number(Fraction(0))
        for chance, counts, used in _tables(parts, n, number):
            weight = sum((k * p for k, (p, _) in zip(counts, parts, strict=True)), number(Fraction(0)))
            if used:
                cost += chance * unvisited ** (n - used) * math.comb(n, used) * abs(counts[0] / weight - 1)
        total += number(Fraction(c.times, 2)) * own * cost
    return total


def _tables(parts: list[tuple[Any, Any]], n: int, number: Number) -> Iterator[tuple[Any, tuple[int, ...], int]]:
    """Counts of the groups, at most n in all, with (total)! prod mass^count / count!."""
    one = number(Fraction(1))

    def fill(j: int, used: int, chance: Any, counts: tuple[int, ...]) -> Iterator[tuple[Any, tuple[int, ...], int]]:
        if j == len(parts):
            yield chance, counts, used
            return
        mass = parts[j][1]
        for k in range(n - used + 1):
            yield from fill(j + 1, used + k, chance, (*counts, k))
            chance = chance * mass * (used + k + 1) / (k + 1)

    yield from fill(0, 0, one, ())


#: Learner -> expected cost of one input, before the factor rho.
RISKS: dict[str, Callable[[Input, int, Number], Any]] = {
    "CE_sgl": _ce_sgl,
    "CE_ptl": _ce_ptl,
    "SEL_ptl": _sel_ptl,
    "CE_ful": _ce_ful,
}
