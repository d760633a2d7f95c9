r"""The whole law of the risk, for small problems, not its mean alone.

The risk is a sum over inputs, R = sum_s rho(s) TV(student(.|s), pi*(.|s)), and given the numbers of visits
:math:`(n_s) \sim \mathrm{Multinomial}(n, \rho)` the terms are independent. So the inputs are taken one after the other:

1. the law of a term given m visits, by going through every table of m counts on the labels that the teacher uses, the
   students being those of `kt_theory.learners`;
2. the joint law of (visits so far, risk so far), convolved with it: given k visits so far the next input has
   Bin(n - k, its share of the mass that is left), and the last input has all that is left.

Values of the risk that are equal but for rounding are merged as they arise, which keeps the second step small and
leaves the mean unchanged. Every step adds and multiplies positive numbers: nothing cancels.

Accuracy: values that differ by less than `TIE` = 1e-13 are taken for one, once per input, which moves none by more than
that; the probabilities add up to 1 within 1e-12. An exact 0 is 0: a total variation below A units of rounding is what a
student's own rounding leaves of it.

Cost: sum_s C(n + k, k) tables of A counts, k being the labels that the teacher uses at s (one input: C(n + k - 1, n);
CE_ful, which depends only on whether there was a visit, as if k were 1), each once for every list that ties allow, and
as many sums of two values as the convolution has; `CAP` each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.divergences import Divergence, resolve_divergence
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners.learner import Learner
from kt_theory.learners.registry import LEARNERS, resolve_learner
from kt_theory.numerics.binomials import binomial
from kt_theory.problem import Problem, checked_problem, initial_table

#: The most counts in the tables of single inputs, and the most sums of two values, that are gone through: seconds.
CAP = 2_000_000

#: Values of the risk closer than this are one value.
TIE = 1e-13

#: Visits, values of the risk, probabilities: one entry for each pair that may occur, sorted.
Joint = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class RiskLaw:
    """The law of the risk: finitely many values, ascending, and their probabilities.

    A number within 1e-13 of a value counts as that value, so that ``tail(0.25)`` does not depend on rounding.

    Attributes
    ----------
    values : ndarray
        The values that the risk can take.
    probabilities : ndarray
        How likely each is; they sum to 1 within 1e-12.
    """

    values: np.ndarray
    probabilities: np.ndarray

    def mean(self) -> float:
        """The expected risk; infinite if an infinite risk has positive probability."""
        met = self.probabilities > 0
        return math.fsum(self.values[met] * self.probabilities[met])

    def tail(self, x: float) -> float:
        """P(R > x)."""
        return math.fsum(self.probabilities[self._up_to(x) :])

    def cdf(self, x: float) -> float:
        """P(R <= x)."""
        return math.fsum(self.probabilities[: self._up_to(x)])

    def quantile(self, q: float) -> float:
        """The least value v with P(R <= v) >= q, a number in (0, 1]; probabilities that fall short by 1e-12 will do."""
        q = checks.half_open_unit("q", q)
        below = np.cumsum(self.probabilities)
        return float(self.values[min(int(np.searchsorted(below, q - 1e-12)), self.values.size - 1)])

    def _up_to(self, x: float) -> int:
        x = checks.array_of_floats("x", x, ndim=0).item()
        if math.isnan(x):
            raise ValueError("x is nan: it must be a number")
        return int(np.searchsorted(self.values, x + TIE, side="right"))


def risk_law(
    problem: Problem, learner: str | Learner, n: int, init: Any = None, *, divergence: str | Divergence = "tv"
) -> RiskLaw:
    """The exact law of a learner's risk after n samples.

    Parameters
    ----------
    problem : Problem
        A small problem: at most 2e6 counts in all tables of single inputs, see `kt_theory.exact.law`.
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"}, a name such as "SEL@top_k:2", or Learner
        A name in `kt_theory.LEARNERS`, the natural learner of a protocol, or a learner of one's own, which must answer
        each input from its own row.
    n : int
        Number of samples, at least 0.
    init : array_like, shape (S, A), optional
        The student before any data; uniform if not given.
    divergence : {"tv", "kl", "reverse_kl", "l2", "hellinger", "top1"} or Divergence
        What the risk averages under rho; values may be infinite where the divergence may.

    Returns
    -------
    RiskLaw
        Values within 1e-13, probabilities that sum to 1 within 1e-12.

    Raises
    ------
    Unsupported
        A ValueError, if the learner or the divergence is unknown, or the learner couples inputs.
    ValueError
        If n is no whole number, or `init` no row-stochastic table of the problem's shape.
    OutOfReach
        If there are too many count tables.

    Examples
    --------
    >>> law = risk_law(Problem([1.0], [[0.5, 0.5]]), "CE_sgl", n=2)
    >>> law.values.tolist(), law.probabilities.round(12).tolist()
    ([0.0, 0.5], [0.5, 0.5])
    >>> law.mean(), law.tail(0.25), law.quantile(0.5)
    (0.25, 0.5, 0.0)
    """
    entry = resolve_learner(learner)
    averaged = resolve_divergence(divergence)
    if entry.couples_inputs:
        raise checks.Unsupported(f"{entry.name} couples inputs: its risk has no exact law; use kt_theory.sample_risks")
    n = checks.whole_number("n", n)
    start = initial_table(init, checked_problem(problem))
    inputs = np.flatnonzero(problem.rho > 0)
    lone = inputs.size == 1
    blind = _told_all(entry) or not entry.protocol.shows_label
    used = [1 if blind else int(k) for k in np.count_nonzero(problem.teacher[inputs], axis=1)]
    entry.protocol.refuse_lists()
    tables = zip(used, problem.teacher[inputs], strict=True)
    draws = entry.protocol.draws
    if entry.protocol.replacing:
        number = sum(problem.A * _count_tables(n, k, lone, draws) * entry.protocol.choices(p) for k, p in tables)
    else:
        number = sum(problem.A * _set_tables(n, k, lone, draws) * entry.protocol.choices(p) for k, p in tables)
    within_reach(number, n, "counts in the tables of single inputs")
    left = np.cumsum(problem.rho[inputs][::-1])[::-1]  # the mass of this input and of those to come
    so_far: Joint = np.zeros(1), np.zeros(1), np.ones(1)
    for s, of in zip(inputs, left, strict=True):
        rho = float(problem.rho[s])
        share = 1.0 if s == inputs[-1] else rho / float(of)
        numbers = np.array([n]) if lone else np.arange(n + 1)
        so_far = convolved(so_far, term_law(entry, numbers, problem.teacher[s], start[s], rho, averaged), share, n)
    _, values, probabilities = so_far
    values.flags.writeable = probabilities.flags.writeable = False
    return RiskLaw(values, probabilities)


def convolved(so_far: Joint, terms: Joint, share: float, n: int) -> Joint:
    """The law of (visits, risk) with one input more, which is visited Bin(n - visits, share) times."""
    visits, risks, probabilities = so_far
    more, costs, likely = terms
    free = n - visits
    first = np.searchsorted(more, free) if share == 1.0 else np.zeros(free.size, dtype=np.int64)
    many = np.searchsorted(more, free, side="right") - first
    within_reach(int(many.sum()), n, "sums of two values")
    i = np.repeat(np.arange(free.size), many)
    j = np.arange(i.size) - np.repeat(np.cumsum(many) - many - first, many)
    chance = binomial(more[j], free[i], share)
    return merged(visits[i] + more[j], risks[i] + costs[j], probabilities[i] * chance * likely[j])


def term_law(
    learner: Learner, m: np.ndarray, p: np.ndarray, init: np.ndarray, rho: float, divergence: Divergence
) -> Joint:
    """The law of rho times the divergence of student and p, given each of the numbers of visits `m`, ascending."""
    if not learner.protocol.shows_label:
        counts, visits, likely = np.zeros((m.size, p.size), dtype=np.int64), m, np.ones(m.size)
    elif _told_all(learner):  # which labels were drawn does not matter: as if always the same
        counts, visits, likely = m[:, None] * (np.arange(p.size) == np.argmax(p)), m, np.ones(m.size)
    elif learner.protocol.replacing:
        counts, likely = count_tables(m * learner.protocol.draws, p)
        visits = counts.sum(axis=1) // learner.protocol.draws
    else:
        tables = [set_tables(visit, learner.protocol.drawn_sets(p)) for visit in m.tolist()]
        visits = np.repeat(m, [chances.size for _, chances in tables])
        counts, likely = (np.concatenate(parts) for parts in zip(*tables, strict=True))
    protocol = learner.protocol
    costs, chances = [], []
    for chance, told in protocol.told_sets(p):
        revealed = protocol.reveal(counts, visits, p, np.broadcast_to(told, counts.shape))
        student = learner.fit(counts, revealed, np.broadcast_to(init, counts.shape).copy())
        if not _known(learner):
            checks.stochastic_table(f"what {learner.name} answers", student, counts.shape, checks.STUDENT_TOLERANCE)
            _refuse_coupled(learner, counts, revealed, init, student)
        cost = divergence.between(student, np.broadcast_to(p, student.shape))
        equal = 0.5 * np.abs(student - p).sum(axis=1) < p.size * np.finfo(np.float64).eps
        costs.append(np.where(equal, 0.0, cost))
        chances.append(likely * chance)
    probabilities = np.concatenate(chances)
    return merged(np.tile(visits, len(chances)), rho * np.concatenate(costs), probabilities)


def _refuse_coupled(
    learner: Learner, counts: np.ndarray, revealed: np.ndarray, init: np.ndarray, student: np.ndarray
) -> None:
    """Refuse a learner whose answer to a row depends on the rows that stand beside it: compared on some of them."""
    for t in np.unique(np.linspace(0, counts.shape[0] - 1, 16).astype(int)):
        alone = learner.fit(counts[t : t + 1], revealed[t : t + 1], init[None].copy())
        if not np.abs(np.asarray(alone) - student[t]).max() <= 1e-9:
            raise ValueError(
                f"{learner.name} answers a row differently when other rows stand beside it: it couples inputs, and has "
                "no exact law"
            )


def _count_tables(n: int, labels: int, lone: bool, draws: int) -> int:
    """How many count tables of an input there are: after n visits if it is the only one, else after each of 0 to n."""
    if draws == 1:
        return math.comb(n + labels - lone, n)
    largest = math.comb(n * draws + labels - 1, labels - 1)
    return largest if lone else (n + 1) * largest


def _set_tables(n: int, labels: int, lone: bool, draws: int) -> int:
    """The same, at most, where a visit draws a set of different labels."""
    sets = math.comb(labels, min(draws, labels))
    return math.comb(n + sets - lone, n)


def set_tables(m: int, sets: list[tuple[float, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Every count table of m visits that draw one of these sets each, and how likely it is: (T, A) and (T,)."""
    chances, masks = np.array([chance for chance, _ in sets]), np.array([mask for _, mask in sets], dtype=np.int64)
    counts: np.ndarray = np.zeros((1, masks.shape[1]), dtype=np.int64)
    likely: np.ndarray = np.ones(1)
    for _ in range(m):
        longer = (counts[:, None] + masks).reshape(-1, masks.shape[1])
        counts, places = np.unique(longer, axis=0, return_inverse=True)
        likely = np.bincount(places.ravel(), (likely[:, None] * chances).ravel())
    return counts, likely


def _known(learner: Learner) -> bool:
    """Whether the learner is one of the package's, whose answers need no check."""
    return LEARNERS.get(learner.name) is learner


def _told_all(learner: Learner) -> bool:
    """Whether one visit tells the learner everything, with any label."""
    return learner.protocol.top is None and _known(learner)


def count_tables(m: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every way that draws from p may fall, and how likely it is given their number: counts (T, A), probabilities (T,).

    The tables stand in the order of the numbers of draws `m`.
    """
    used = np.flatnonzero(p)
    left = np.cumsum(p[used][::-1])[::-1]
    counts = np.zeros((m.size, p.size), dtype=np.int64)
    likely, rest = np.ones(m.size), m
    for a, of in zip(used[:-1], left[:-1], strict=True):
        parents = np.repeat(np.arange(rest.size), rest + 1)
        count = np.arange(parents.size) - np.repeat(np.cumsum(rest + 1) - rest - 1, rest + 1)
        counts, likely, rest = counts[parents], likely[parents], rest[parents]
        counts[:, a] = count
        likely = likely * binomial(count, rest, min(p[a] / of, 1.0))
        rest = rest - count
    counts[:, used[-1]] = rest
    return counts, likely


def merged(visits: np.ndarray, values: np.ndarray, probabilities: np.ndarray) -> Joint:
    """The law, sorted, with values closer than `TIE` to their neighbour made one: 0 if it is there, else their mean."""
    order = np.lexsort((values, visits))
    visits, values, probabilities = visits[order], values[order], probabilities[order]
    with np.errstate(invalid="ignore"):  # infinite values are one value
        later = (visits[1:] > visits[:-1]) | (values[1:] - values[:-1] > TIE)
    first = np.append(0, np.flatnonzero(later) + 1)
    total = np.add.reduceat(probabilities, first)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.add.reduceat(values * probabilities, first) / total
    least = values[first]
    return visits[first], np.where((least > 0) & (total > 0) & np.isfinite(least), mean, least), total


def within_reach(number: int, n: int, what: str) -> None:
    if number > CAP:
        # Whole numbers of thousands of digits have no decimal form in Python.
        said = str(number) if number < 10**15 else f"more than 10^{int((number.bit_length() - 1) * math.log10(2))}"
        raise OutOfReach(
            f"n is {n}: {said} {what} exceed the cap of {CAP} for the exact law of the risk; "
            "kt_theory.sample_risks draws from it at any size"
        )
