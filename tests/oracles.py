"""Expected risks by other roads: slow, literal or differently derived. Imports nothing of the package under test.

============================  ==========================================================  ======================
oracle                        road                                                        good to
============================  ==========================================================  ======================
`enumerate_risks`             every count table, fractions, multinomial weights           exact; tiny n, S, A
`exact_ce_ful`                closed form                                                 1e-15 relative
`exact_ce_sgl`                de Moivre's mean deviation, summed over the visits n_s      1e-12 relative
`exact_sel_ptl_small`         Moebius inversion over the sets of unseen labels            1e-15 relative; A <= 14
`exact_sel_ptl_classes`       Moebius inversion over the numbers unseen in each class     1e-15 relative
============================  ==========================================================  ======================

Conventions: ``rho`` has S entries, ``teacher`` and ``init`` are S x A; an input never visited is answered with
``init``, uniform unless given. Expected risk is sum_s rho(s) E TV(student(.|s), teacher(.|s)), TV half the l1 distance.

Thinning, used throughout: among n draws the event "no label of U was seen at input s" has probability
(1 - rho(s) p(U))^n, p(U) being the teacher's mass on U. No sum over the number of visits is needed, and "s was never
visited" is the case U = all labels.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import scipy.stats


def honest(estimate: Any, truth: Any, relative: float | None = None) -> None:
    """Assert that a declared error covers what the value is off by: no slack, no other tolerance.

    ``estimate`` has a value and an error (or is a float with an error); ``truth`` is a Fraction, an mpmath number, or
    a float that is right to its last digit. ``relative``: how large a fraction of the truth the error may be at most.
    """
    value, error = float(getattr(estimate, "value", estimate)), estimate.error
    exact = truth if isinstance(truth, Fraction) else Fraction(*mpmath.mpf(truth).as_integer_ratio())
    assert error >= 0, estimate
    assert abs(Fraction(value) - exact) <= Fraction(float(error)), (estimate, float(exact), value / float(exact) - 1)
    if relative is not None:
        assert Fraction(float(error)) <= Fraction(relative) * exact, (estimate, float(exact))


def fractions_of(law: Any) -> list[Fraction]:
    """A law of floats as fractions, divided by their sum."""
    exact = [Fraction(float(x)) for x in law]
    total = sum(exact)
    return [x / total for x in exact]


def one_input(learner: str, rho: float, p: Any, n: int, init: Any = None) -> Fraction:
    """What one input of mass rho adds to the expected TV risk, by every count table of its labels, in fractions.

    The floats are taken as they are, divided by their sums. Labels of probability 0 and the other inputs cost nothing.
    """
    mass, law = Fraction(rho), fractions_of(p)
    start = [Fraction(1, len(law))] * len(law) if init is None else fractions_of(init)
    live = [a for a, x in enumerate(law) if x]
    powers = [[(mass * law[a]) ** k / math.factorial(k) for k in range(n + 1)] for a in live]
    total = Fraction(0)
    for counts in _compositions(n, len(live) + 1):
        weight = math.factorial(n) * (1 - mass) ** counts[-1] / math.factorial(counts[-1])
        if not weight:
            continue
        table = [0] * len(law)
        for a, k, power in zip(live, counts, powers, strict=False):
            weight *= power[k]
            table[a] = k
        total += weight * _tv(student_rows(table, law, start)[learner], law)
    return mass * total


def sel_by_seen_sets(rho: float, p: Any, n: int, digits: int = 60) -> mpmath.mpf:
    """What one input adds to the expected risk of SEL_ptl, uniform init, set by set of seen labels: for few draws.

    P(exactly V is seen) = sum over W in V of (-1)^|V - W| (rest + w(W))^n, which cancels: `digits` more than it takes.
    Sets of more than n labels are never seen.
    """
    with mpmath.workdps(digits):
        law = [mpmath.mpf(x.numerator) / x.denominator for x in fractions_of(p)]
        mass = mpmath.mpf(rho)
        live = [a for a, x in enumerate(law) if x]
        memo: dict[tuple[int, ...], mpmath.mpf] = {}
        total = mpmath.mpf(0)
        for size in range(min(n, len(live)) + 1):
            for seen in itertools.combinations(live, size):
                memo[seen] = (1 - mass + mass * mpmath.fsum(law[a] for a in seen)) ** n
                chance = mpmath.mpf(0)
                for k in range(size + 1):
                    sign = (-1) ** (size - k)
                    chance += sign * mpmath.fsum(memo[part] for part in itertools.combinations(seen, k))
                unseen = [x for a, x in enumerate(law) if a not in seen]
                if unseen:
                    mean = mpmath.fsum(unseen) / len(unseen)
                    total += chance * mpmath.fsum(abs(x - mean) for x in unseen) / 2
        return mass * total


LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful")


# --- Closed forms in float64 ----------------------------------------------------------------------------


def exact_ce_ful(rho: Any, teacher: Any, n: int, init: Any = None) -> float:
    """Expected risk of CE_ful: sum_s rho(s) (1 - rho(s))^n TV(init(.|s), teacher(.|s)).

    Derivation: a visited row is the teacher's own, at no cost; an unvisited one, probability (1 - rho(s))^n, is init.
    The power is taken as exp(n log1p(-rho)), which keeps its digits when rho is small and n large.
    """
    rho, teacher, init = _tables(rho, teacher, init)
    return float(math.fsum(rho * _never_visited(rho, n) * _tv_rows(init, teacher)))


def exact_ce_sgl(rho: Any, teacher: Any, n: int, init: Any = None) -> float:
    """Expected risk of CE_sgl: de Moivre's mean absolute deviation, averaged over the number of visits.

    Derivation: n_s ~ Bin(n, rho(s)); given n_s = m >= 1 the count of label a is Bin(m, p), so row s costs on average
    (1/2) sum_a E|Bin(m, p_a) - m p_a| / m, and de Moivre (1730) has E|Bin(m, p) - m p| = 2 v (1 - p) P(Bin(m, p) = v)
    with v = floor(m p) + 1. A floor that lands one too low because of rounding is harmless: it can only happen at
    integer m p, where v and v - 1 give the same value. The sum over m leaves out what lies further than
    10 sd + 60 from the mean: a mass below 1e-20. Inputs of equal rho and labels of equal probability are done once.
    """
    rho, teacher, init = _tables(rho, teacher, init)
    total = [float(math.fsum(rho * _never_visited(rho, n) * _tv_rows(init, teacher)))]
    for mass in np.unique(rho[rho > 0]):
        values, multiplicity = np.unique(teacher[rho == mass], return_counts=True)
        reach = 10 * math.sqrt(n * mass * (1 - mass)) + 60
        m = np.arange(max(1, math.floor(n * mass - reach)), min(n, math.ceil(n * mass + reach)) + 1)
        visits = scipy.stats.binom.pmf(m, n, mass)
        for p, times in zip(values, multiplicity, strict=True):
            v = np.floor(m * p) + 1  # v > m only if p = 1: pmf 0, and indeed nothing is paid
            deviation = 2 * v * (1 - p) * scipy.stats.binom.pmf(v, m, p)
            total.append(float(mass * times * 0.5 * np.sum(visits * deviation / m)))
    return math.fsum(total)


def _tables(rho: Any, teacher: Any, init: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rho = np.asarray(rho, dtype=np.float64)
    teacher = np.asarray(teacher, dtype=np.float64)
    S, A = teacher.shape
    init = np.full((S, A), 1 / A) if init is None else np.asarray(init, dtype=np.float64)
    assert rho.shape == (S,)
    assert init.shape == (S, A)
    return rho, teacher, init


def _never_visited(rho: np.ndarray, n: int) -> np.ndarray:
    if n == 0:
        return np.ones_like(rho)
    with np.errstate(divide="ignore"):  # rho = 1: log1p(-1) = -inf, and exp(-inf) = 0 is right
        return np.exp(n * np.log1p(-rho))


def _tv_rows(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return 0.5 * np.abs(p - q).sum(axis=1)


# --- SEL_ptl, uniform initialisation, by Moebius inversion ----------------------------------------------


def exact_sel_ptl_small(rho: Any, teacher: Any, n: int) -> float:
    """Expected risk of SEL_ptl with uniform initialisation, any teacher of at most 14 labels.

    Derivation: if U is the set of labels unseen at s, the learner is exact off U and says p(U)/|U| on each label of U,
    so it pays (1/2) sum_{a in U} |p_a - p(U)/|U||; U = all labels is the unvisited input. By thinning
    P(unseen contains U) = (1 - rho p(U))^n, and Moebius inversion over the supersets gives P(unseen = U).
    That inversion cancels, hence integers in units of 2^-bits, and twice the bits until two answers agree. Costs are
    ratios of integers (each row is an integer vector over its own sum), so an exact 0 stays 0.
    """
    rho, teacher, _ = _tables(rho, teacher, None)
    S, A = teacher.shape
    if A > 14:
        raise ValueError(f"teacher has {A} labels: 2^A sets are visited, 14 labels at most")
    rows = Counter((float(rho[s]), tuple(sorted(teacher[s].tolist()))) for s in range(S) if rho[s] > 0)
    return math.fsum(times * mass * _row_by_sets(mass, row, n) for (mass, row), times in rows.items())


def exact_sel_ptl_classes(rho: Any, row_values: Sequence[float], multiplicities: Sequence[int], n: int) -> float:
    """Expected risk of SEL_ptl with uniform initialisation, every row with few distinct probabilities.

    All rows have ``multiplicities[c]`` labels of probability ``row_values[c]`` each, in any order (`label_classes`
    finds the two); instances 2 and 3 are (k light, z of mass zero, one heavy).

    Derivation: labels of a class are exchangeable, so only the numbers u_c unseen in each class matter. The probability
    that u_c given labels of each class, and no others, are unseen is the finite difference
    sum_j prod_c (-1)^(j_c) C(k_c - u_c, j_c) (1 - rho sum_c (u_c + j_c) v_c)^n, taken class by class; there are
    prod_c C(k_c, u_c) such choices. Labels of mass 0 are always unseen. Bits as in `exact_sel_ptl_small`.
    """
    rho = np.asarray(rho, dtype=np.float64)
    values, sizes = _merged_classes(row_values, multiplicities)
    masses = Counter(rho[rho > 0].tolist())
    return math.fsum(times * mass * _row_by_classes(mass, values, sizes, n) for mass, times in masses.items())


def label_classes(row: Any) -> tuple[list[float], list[int]]:
    """The distinct probabilities of a row and how many labels have each: arguments for `exact_sel_ptl_classes`."""
    values, multiplicities = np.unique(np.asarray(row, dtype=np.float64), return_counts=True)
    return values.tolist(), multiplicities.tolist()


def _merged_classes(values: Sequence[float], multiplicities: Sequence[int]) -> tuple[list[float], list[int]]:
    merged: Counter[float] = Counter()
    for value, size in zip(values, multiplicities, strict=True):
        merged[float(value)] += int(size)
    return list(merged), list(merged.values())


def _integer_row(row: Sequence[float]) -> tuple[list[int], int]:
    """The law as integers over their sum: floats are dyadic, so nothing is rounded, and the row sums to exactly 1."""
    exact = [Fraction(p) for p in row]
    common = math.lcm(*(p.denominator for p in exact))
    weights = [int(p * common) for p in exact]
    return weights, sum(weights)


def _doubling_digits(value: Callable[[int], Fraction]) -> float:
    """`value(bits)`, absolute error about 2^-bits, for more and more bits until the answer has settled to 1e-17.

    A value below 2^-1200, less than the smallest float64, settles as 0.
    """
    bits, previous = 128, Fraction(0)
    while True:
        current = value(bits)
        settled = current != 0 and abs(current - previous) <= abs(current) * Fraction(1, 10**17)
        if settled or (bits > 1500 and abs(current) < Fraction(1, 2**1200)):
            return float(current)
        if bits > 100_000:
            raise ArithmeticError(f"no agreement at {bits} bits")
        bits, previous = 2 * bits, current


def _fixed_point_power(mass: float, weight: int, whole: int, n: int, bits: int) -> int:
    """(1 - mass weight / whole)^n as a multiple of 2^-bits; differences of such integers round nothing."""
    with mpmath.workprec(bits + 32):
        return int(mpmath.ldexp((1 - mpmath.mpf(mass) * weight / whole) ** n, bits))


def _row_by_sets(mass: float, row: Sequence[float], n: int) -> float:
    weights, whole = _integer_row(row)
    A = len(weights)
    sets = np.arange(2**A)
    member = (sets[:, None] >> np.arange(A)) & 1 == 1
    size = member.sum(axis=1).astype(object)
    weight = member.astype(object) @ np.array(weights, dtype=object)  # p(U) whole, an integer
    # 2 |U| whole TV(U) = sum_{a in U} | |U| w_a - w(U) |, in integers
    cost = sum(np.abs(size * weights[a] - weight) * member[:, a] for a in range(A))
    if not np.any(cost):
        return 0.0

    def value(bits: int) -> Fraction:
        power = {w: _fixed_point_power(mass, w, whole, n, bits) for w in set(weight.tolist())}
        law = np.array([power[w] for w in weight.tolist()], dtype=object)
        for a in range(A):
            law[~member[:, a]] -= law[member[:, a]]  # sets without a, minus the same sets with a, in the same order
        by_size = [sum((law * cost)[size == u]) for u in range(1, A + 1)]
        return sum((Fraction(x, 2 * u * whole) for u, x in enumerate(by_size, start=1)), Fraction(0)) / 2**bits

    return _doubling_digits(value)


def _row_by_classes(mass: float, values: list[float], sizes: list[int], n: int) -> float:
    weights, _ = _integer_row(values)
    whole = sum(w * k for w, k in zip(weights, sizes, strict=True))
    idle = sum(k for w, k in zip(weights, sizes, strict=True) if w == 0)
    live = [(w, k) for w, k in zip(weights, sizes, strict=True) if w > 0]
    grid = list(np.ndindex(tuple(k + 1 for _, k in live)))
    mass_unseen = [sum(i * w for i, (w, _) in zip(u, live, strict=True)) for u in grid]
    ways_times_cost = []
    for u, weight in zip(grid, mass_unseen, strict=True):
        unseen = sum(u) + idle
        cost = idle * weight + sum(i * abs(unseen * w - weight) for i, (w, _) in zip(u, live, strict=True))
        ways = math.prod(math.comb(k, i) for i, (_, k) in zip(u, live, strict=True))
        ways_times_cost.append(Fraction(ways * cost, 2 * unseen * whole) if cost else Fraction(0))
    if not any(ways_times_cost):
        return 0.0

    def value(bits: int) -> Fraction:
        power = {w: _fixed_point_power(mass, w, whole, n, bits) for w in set(mass_unseen)}
        law = np.array([power[w] for w in mass_unseen], dtype=object).reshape([k + 1 for _, k in live])
        for axis in range(len(live)):
            # The entry u is differenced k - u times: step by step, one entry fewer from the top.
            along = np.moveaxis(law, axis, 0)
            for last in range(along.shape[0] - 1, 0, -1):
                along[:last] = along[:last] - along[1 : last + 1]
        by_denominator: Counter[int] = Counter()
        for x, c in zip(law.ravel(), ways_times_cost, strict=True):
            by_denominator[c.denominator] += int(x) * c.numerator
        return sum((Fraction(x, d) for d, x in by_denominator.items()), Fraction(0)) / 2**bits

    return _doubling_digits(value)


# --- All count tables -----------------------------------------------------------------------------------


def enumerate_risks(
    rho: Sequence[Fraction], teacher: Sequence[Sequence[Fraction]], n: int, init: Any = None
) -> dict[str, Fraction]:
    """Expected risk of the four learners by going through every count table of n draws, in fractions.

    Derivation: none. Each S x A table of counts with total n has its multinomial probability; the four students are
    written down from their definitions and their TV distances added up. ``rho`` and the rows of ``teacher`` (and of
    ``init``, if given) are Fractions that sum to exactly 1. There are C(n + SA - 1, n) tables at most: keep
    (S, A, n) to about (2, 3, 6).
    """
    rho = [Fraction(r) for r in rho]
    teacher = [[Fraction(p) for p in row] for row in teacher]
    S, A = len(rho), len(teacher[0])
    init = [[Fraction(1, A)] * A] * S if init is None else [[Fraction(p) for p in row] for row in init]
    for law in (rho, *teacher, *init):
        if sum(law) != 1:
            raise ValueError(f"{law} sums to {sum(law)}, not to exactly 1")
    cells = [(s, a) for s in range(S) for a in range(A) if rho[s] * teacher[s][a] > 0]
    risks = dict.fromkeys(LEARNERS, Fraction(0))
    rows: dict[tuple[int, tuple[int, ...]], dict[str, Fraction]] = {}
    mass_of_all = Fraction(0)
    for counts in _compositions(n, len(cells)):
        probability = Fraction(math.factorial(n))
        table = [[0] * A for _ in range(S)]
        for (s, a), count in zip(cells, counts, strict=True):
            probability *= (rho[s] * teacher[s][a]) ** count / math.factorial(count)
            table[s][a] = count
        mass_of_all += probability
        for s in range(S):
            key = (s, tuple(table[s]))
            if key not in rows:  # the same row of counts comes back in many tables
                students = student_rows(table[s], teacher[s], init[s])
                rows[key] = {name: _tv(student, teacher[s]) for name, student in students.items()}
            for name in LEARNERS:
                risks[name] += probability * rho[s] * rows[key][name]
    assert mass_of_all == 1
    return risks


def student_rows(
    counts: Sequence[int], teacher_row: Sequence[Fraction], init_row: Sequence[Fraction]
) -> dict[str, list[Fraction]]:
    """What each of the four learners says at one input, from the counts of its labels, in fractions."""
    visits = sum(counts)
    if visits == 0:
        return {name: list(init_row) for name in LEARNERS}
    labels = range(len(counts))
    weighted = [count * p for count, p in zip(counts, teacher_row, strict=True)]
    unseen = [a for a in labels if counts[a] == 0]
    missing = 1 - sum(teacher_row[a] for a in labels if counts[a] > 0)
    free = sum(init_row[a] for a in unseen)
    spread = list(teacher_row)
    for a in unseen:
        spread[a] = missing * (init_row[a] / free if free > 0 else Fraction(1, len(unseen)))
    return {
        "CE_sgl": [Fraction(count, visits) for count in counts],
        "CE_ptl": [w / sum(weighted) for w in weighted],
        "SEL_ptl": spread,
        "CE_ful": list(teacher_row),
    }


def rational_law(rng: np.random.Generator, size: int, denominator: int = 12, zeros: bool = False) -> list[Fraction]:
    """A random law of small fractions: `denominator` balls in `size` boxes, no box empty unless `zeros`."""
    least = 0 if zeros else 1
    balls = rng.multinomial(denominator - least * size, np.full(size, 1 / size)) + least
    return [Fraction(int(b), denominator) for b in balls]


def rational_laws(seed: int, times: int, largest: int, denominator: int) -> Iterator[list[Fraction]]:
    """The sure letter and the uniform law on 1 to `largest` letters, and random laws, zeros among their masses."""
    rng = np.random.default_rng(seed)
    for K in range(1, largest + 1):
        yield [Fraction(1)] + [Fraction(0)] * (K - 1)
        yield [Fraction(1, K)] * K
    for _ in range(times):
        weights = rng.dirichlet(np.full(int(rng.integers(1, largest + 1)), rng.choice([0.3, 1.0, 5.0])))
        yield [Fraction(int(k), denominator) for k in rng.multinomial(denominator, weights)]


def _tv(p: Sequence[Fraction], q: Sequence[Fraction]) -> Fraction:
    return sum((abs(x - y) for x, y in zip(p, q, strict=True)), Fraction(0)) / 2


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All tuples of `parts` non-negative integers that add up to `total`."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)
