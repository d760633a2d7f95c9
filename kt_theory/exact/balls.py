r"""Expected risks, proved digit by digit: ball arithmetic (python-flint, the extra ``exact``) on exact problems.

A ball is an interval with a midpoint; every operation widens it by its own rounding error, so that the result contains
the truth, for any cancellation on the way. Hence the shortest identities may be used here, also those that lose all
digits in float64; the answer is a ball, too, and the precision is doubled until its radius is small enough.

Problems are exact as well (`kt_theory.exact.unrounded`): floats stand for the law that they are proportional to.

Identities, for one input of mass rho; TV_0 = TV(init, p); "1 - x" powers are exact powers of balls.

CE_ful
    rho (1 - rho)^n TV_0.
CE_sgl
    The visits are M ~ Bin(n, rho), and given M = m >= 1 a label of mass p costs (1/2) E|Bin(m, p)/m - p|, by de Moivre
    v (1 - p) C(m, v) p^v (1 - p)^(m-v) / m with v = floor(m p) + 1. Both binomial terms go from m to m + 1 by one
    multiplication. Only m in a window about n rho are summed; each tail left out adds to the radius its Bernstein
    bound, exp(-t^2 / (2 (n rho (1 - rho) + t/3))), as the cost is at most 1. Cost: window times classes.
ADD_sgl
    Visits as above. After m of them a label costs E|X - t| / (2 T), X ~ Bin(m, p), with c = (2/5) sqrt(m/(A-1)), T = m
    + A c and t = p T - c = m p - d, d = c (1 - A p). For any whole j less than 1 from t, which need not be its floor,

    .. math:: \mathrm{E}|X - t| = d + 2\,(j q\, b(j) - d\, F(j - 1) + (t - j)_+\, b(j)), \qquad q = 1 - p,

    b and F the probabilities and the distribution function of X, 0 and 1 beyond the ends. F goes from m to m + 1 and
    from j to j + 1 by one probability each. Cost: window plus m p, times classes.
SEL_ptl
    If u_c labels of each class c are unseen, the cost is a function C(u). The chance that v given labels are all unseen
    is (1 - rho w(v))^n with w(v) their mass, and inclusion-exclusion, summed by parts, leaves Newton's formula

    .. math:: E\,R = \rho \sum_v \Big(\prod_c \binom{k_c}{v_c}\Big) (\Delta^v C)(0) \, (1 - \rho\, w(v))^n,

    with forward differences of the cost. They do not depend on n and are rational if the row is. Labels of mass 0 are
    always unseen and enter C alone. Cost: prod_c (k_c + 1) terms, 2^14 at most: 14 arbitrary labels, or hundreds of
    labels in two classes. Differences of rational rows are kept from one n to the next.
CE_ptl
    A label a of class c costs (1/2) p_a |N_a / M - 1|, where M sums count times probability over all labels and depends
    on N_a, on the total of the rest of its class, and on the totals of the others: all counts of these few groups are
    gone through. Cost: C(n + groups, groups) terms for each class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.exact.rows import OutOfReach
from kt_theory.exact.unrounded import (
    Exact,
    ExactProblem,
    Input,
    Labels,
    Number,
    Surd,
    ball,
    flint,
    from_problem,
    rational,
    root,
)
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


def expected_risk(
    problem: Problem | ExactProblem, learner: str | Learner, n: int, init: Any = None, target: float = 1e-15
) -> Any:
    """The expected risk of a learner, proved: a ball that contains it.

    Parameters
    ----------
    problem : Problem or ExactProblem
        Floats stand for the law that they are proportional to, see the module's text.
    learner : {"CE_sgl", "ADD_sgl", "CE_ptl", "SEL_ptl", "CE_ful"}
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
        A ValueError, for an unknown learner, those of other lists, and those of a user's own.
    ValueError
        For malformed arguments; as `OutOfReach` where the sums would be too long.
    ImportError
        Without python-flint.

    Examples
    --------
    >>> from kt_theory.exact.unrounded import exact_instance
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
    if learner == "ADD_sgl" and n > 0 and problem.A > 1:
        return False  # what it adds is a square root
    longest = terms = 0
    for row in problem.inputs:
        for c in row.labels:
            if not isinstance(c.p, Fraction):
                return False
            longest = max(longest, row.rho.denominator.bit_length() + c.p.denominator.bit_length())
        terms += math.prod(c.times + 1 for c in row.labels if c.p != 0) if learner == "SEL_ptl" else 1
    terms *= {"CE_ful": 1, "SEL_ptl": 1, "CE_sgl": n * n, "ADD_sgl": n * n, "CE_ptl": n**3}[learner]
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
    _refuse_long("CE_sgl", n, (last - first + 1) * len(open_labels))
    visits = _visits(row.rho, n, first, last, number)
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


def _add_sgl(row: Input, n: int, number: Number) -> Any:
    total = number(1 - row.rho) ** n * _start_cost(row, number)
    A = sum(c.times for c in row.labels)
    if n == 0 or A == 1:
        return total
    first, last, tail = _window(row.rho, n, number)
    below = sum(_floor(first, c.p) + 1 for c in row.labels)
    _refuse_long("ADD_sgl", n, 10 * ((last - first + 1) * len(row.labels) + below))
    visits = _visits(row.rho, n, first, last, number)
    scales = [root(Fraction(4 * m, 25 * (A - 1)), number) for m in range(first, last + 1)]
    for c in row.labels:
        away = _away(c.p, A, first, scales, number)
        total += c.times * sum((w * cost for w, cost in zip(visits, away, strict=True)), number(Fraction(0)))
    return total + tail


def _away(exact: Exact, A: int, first: int, scales: list[Any], number: Number) -> Iterator[Any]:
    """E|X - t| / (2 T) after first, first + 1, ... visits, of a label of this probability."""
    p = number(exact)
    q = number(1 - exact) if isinstance(exact, Fraction) else 1 - p

    def chance(x: int, m: int) -> Any:
        return _binomial(m, x, p, q, number) if 0 <= x <= m else number(Fraction(0))

    j, F = 0, number(Fraction(0))  # F is that of j - 1
    for m, c in enumerate(scales, start=first):
        d = c * (1 - A * p)
        t = m * p - d
        nearest = _nearest(t)
        while j < nearest:
            F, j = F + chance(j, m), j + 1
        while j > nearest:
            j -= 1
            F = F - chance(j, m)
        beyond = (abs(t - j) + (t - j)) / 2
        yield (d + 2 * ((j * q + beyond) * chance(j, m) - d * F)) / (2 * (m + A * c))
        F = F - p * chance(j - 1, m)


def _nearest(t: Any) -> int:
    """A whole number less than 1 away from `t`, which is known to far better than that."""
    if isinstance(t, flint().fmpq):
        return int((2 * t.p + t.q) // (2 * t.q))
    return round(float(t.mid()))


def _refuse_long(learner: str, n: int, terms: int) -> None:
    if terms > TERMS:
        raise OutOfReach(
            f"{learner} at n={n} needs {terms} terms, {TERMS} at most: kt_theory.simulate has no such limit"
        )


def _visits(rho: Fraction, n: int, first: int, last: int, number: Number) -> list[Any]:
    """The chances of `first` to `last` visits."""
    mass, others = number(rho), number(1 - rho)
    visits = [_binomial(n, first, mass, others, number)]
    for m in range(first, last):
        # The last factor is never formed for rho = 1, whose window is m = n alone.
        visits.append(visits[-1] * (n - m) / (m + 1) * mass / others)
    return visits


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
    "ADD_sgl": _add_sgl,
    "CE_ptl": _ce_ptl,
    "SEL_ptl": _sel_ptl,
    "CE_ful": _ce_ful,
}
