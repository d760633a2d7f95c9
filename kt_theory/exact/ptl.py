r"""Expected risk of CE_ptl: a ratio of two linear forms in the counts, averaged exactly.

One input of mass rho, positive labels with probabilities p_b, counts n_b after n draws, M = sum_b n_b p_b. The
student's value is n_a p_a / M, so the input adds

.. math:: \rho\, E D = \rho (1-\rho)^n D(p, \mathrm{init})
          + \rho\, \tfrac12 \sum_a p_a E\Big[\frac{|n_a - M|}{M};\ M > 0\Big].

Three routes to the second term; all of them thin, so that no sum over the number of visits n_s is needed.

**Enumeration** (`by_enumeration`). All count vectors, multinomial weights. Nothing is left out.

**Label classes** (`by_classes`). Labels of equal probability v are exchangeable: M depends on the class totals L alone,
and given these a label of a class of k labels has count Bin(L, 1/k), for which, with mu = L/k and j = floor(M) + 1,

.. math:: E|c - M| = (M - \mu)(1 - 2 P(c \ge j)) + 2 j (1 - 1/k) P(c = j)     \qquad (de Moivre, 1730).

The totals are binomials in a chain. Each is a window around its mode, by ratios of neighbours and one division
(no factorials: no digits lost at large n), cut where a term is below 1e-22 of the whole; binomials are log-concave, so
what is cut is below a geometric series, which is added up and reported. Cost: the product of the windows,
17 standard deviations each, about 1e8 terms a second, and fewer if there are many classes.

**Count by count** (`kt_theory.exact.counts`). Any row, TV; by a cosine series in M.

Label classes are tried first where they take less than a fifth of a second, as they have more digits, and again, for a
second, or with patience for twenty, where the counts do not reach. Their error bounds what is cut, and estimates
rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
from scipy.special import gammaln

from kt_theory.exact import counts, ful
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess, first_sound, flushed

EPS = 2.0**-52

#: Terms of `by_enumeration` at most, and those that are done without numba.
ENUMERATION_CAP = 2_000_000
ENUMERATION_SMALL = 20_000

#: Terms of `by_classes`, 10 ns each: done before other routes are tried; done at all, without patience and with it.
CLASSES_QUICK = 20_000_000
CLASSES_HASTY = 100_000_000
CLASSES_CAP = 2_000_000_000

#: Seconds that a row takes count by count, as a rule.
BY_COUNTS = 0.2

#: Classes whose terms are not counted: they are too many.
MANY_CLASSES = 400

#: Probability at which windows are cut.
LEAST = 1e-22


def row_risk(row: Row, n: int, divergence: str = "tv", *, patient: bool = True) -> Estimate:
    """What one input adds to the expected risk of CE_ptl.

    Parameters
    ----------
    row : Row
        The input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}
    patient : bool
        Whether label classes may take twenty seconds, rather than one, where the counts do not reach.

    Returns
    -------
    Estimate
        rho times the expected divergence, unvisited case included, by the best route. "kl" is infinite exactly where
        a label of positive probability can be unseen at a visited input (or is refused by `init`).

    Raises
    ------
    OutOfReach
        If the row has too many distinct probabilities for the label classes, and the error count by count is above
        1e-4, relative.

    Examples
    --------
    >>> row = Row(1.0, np.array([0.25, 0.75]), np.array([0.5, 0.5]), times=1)
    >>> row_risk(row, 1).value  # one label was seen: 1/4 x 3/4 + 3/4 x 1/4
    0.375
    """
    row, moved = flushed(row, n)
    unvisited = _unvisited(row, n, divergence)
    labels = np.count_nonzero(row.p)
    if n == 0 or labels == 1:
        # A single label is all that a visited input can show, and the student is a Dirac on it.
        alone = ful.row_risk(row, n, divergence)
        return replace(alone, error=alone.error + moved)
    if divergence == "kl":
        return _infinite()
    low, high = bracket(row, n, divergence)

    def whole(route: Callable[[], Estimate]) -> Estimate:
        visited = route()
        error = visited.error + (8 + n * row.rho) * EPS * unvisited + moved
        error += row.rho * (2 * excess(row.p) + excess(row.init)) + 4 * math.ulp(0.0)
        return replace(visited, value=unvisited + visited.value, error=error)

    return first_sound([partial(whole, route) for route in _routes(row, n, divergence, patient)], low, high)


def bracket(row: Row, n: int, divergence: str = "tv") -> tuple[float, float]:
    """Proved bounds on what one input adds; for TV, a visited student errs by the mass of unseen labels at least."""
    unvisited = _unvisited(row, n, divergence)
    if n == 0 or divergence == "kl":
        return unvisited * (1 - 1e-9), unvisited * (1 + 1e-9) if n == 0 else math.inf
    with np.errstate(divide="ignore"):
        missed = np.exp(n * np.log1p(-np.minimum(row.rho * row.p, 1.0)))
    never = math.exp(n * math.log1p(-row.rho)) if row.rho < 1 else 0.0
    least = max(0.0, float(missed @ row.p) * (1 - 1e-9) - never) if divergence == "tv" else 0.0
    most = (1 - never) * (1.0 if divergence == "tv" else 2.0)
    return (unvisited + row.rho * least) * (1 - 1e-9), unvisited + row.rho * most + 1e-15 * row.rho


def _infinite() -> Estimate:
    return Estimate(math.inf, 0.0, "closed form")


def _unvisited(row: Row, n: int, divergence: str) -> float:
    never = 1.0 if n == 0 else math.exp(n * math.log1p(-row.rho)) if row.rho < 1 else 0.0
    if never == 0 and row.rho == 1:
        return 0.0
    p, q = row.p, row.init
    if divergence == "tv":
        cost = 0.5 * math.fsum(np.abs(p - q))
    elif divergence == "l2":
        cost = math.fsum((p - q) ** 2)
    else:
        live = p > 0
        if not q[live].all():
            return math.inf
        # Not below 0 by a rounding.
        cost = max(0.0, math.fsum(p[live] * np.log(p[live] / q[live])))
    return row.rho * never * cost


def _routes(row: Row, n: int, divergence: str, patient: bool) -> list[Callable[[], Estimate]]:
    """The routes to the visited part, the best first."""
    values, sizes = label_classes(row)
    labels = int(sizes.sum())
    if _vectors(n, labels, row.rho) * labels <= ENUMERATION_SMALL:
        return [partial(by_enumeration, row, n, divergence)]
    quick = classes_cost(row, n) <= CLASSES_QUICK
    classes = partial(by_classes, row, n, divergence, most=CLASSES_CAP if patient else CLASSES_HASTY)
    if divergence != "tv":
        return [classes]
    if values.size == 1:
        alike = partial(_alike, row, n, divergence)
        return [classes, alike] if quick else [alike]
    # Computed once, and held to the coarser limit where label classes do not reach either.
    estimate = cache(partial(counts.estimate, row, n))
    roughly = partial(_by_counts, estimate, counts.COARSE)
    return [classes, roughly] if quick else [partial(_by_counts, estimate, counts.FINE), classes, roughly]


def _by_counts(estimate: Callable[[], Estimate], largest: float) -> Estimate:
    return counts.within(estimate(), largest)


def _alike(row: Row, n: int, divergence: str) -> Estimate:
    """The visited part where all labels have one probability v: M = n_s v, the student is the empirical law."""
    from kt_theory.exact import sgl

    whole = sgl.row_risk(row, n, divergence)
    value = whole.value - _unvisited(row, n, divergence)
    return replace(whole, value=value, error=whole.error + 4 * EPS * whole.value)


def label_classes(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """The distinct positive probabilities of a row, and how many labels have each."""
    return np.unique(row.p[row.p > 0], return_counts=True)


# --- Enumeration ----------------------------------------------------------------------------------------


def _vectors(n: int, labels: int, rho: float) -> float:
    """Number of count vectors of the positive labels, those not at this input counted as one more."""
    boxes = labels + (rho < 1)
    size = math.lgamma(n + boxes) - math.lgamma(boxes) - math.lgamma(n + 1)
    # With two cells there are n + 1, which the logarithms do not resolve at n = 1e18.
    return max(math.exp(size), (n + 1.0) * (boxes > 1)) if size < 700 else math.inf


def by_enumeration(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """The visited part, rho E[D; visited], over all count vectors.

    Parameters
    ----------
    row : Row
    n : int
    divergence : {"tv", "l2"}

    Returns
    -------
    Estimate

    Raises
    ------
    OutOfReach
        Beyond `ENUMERATION_CAP` vectors.
    """
    p = row.p[row.p > 0]
    terms = _vectors(n, p.size, row.rho)
    if terms * p.size > 8 * ENUMERATION_CAP or terms > ENUMERATION_CAP:
        raise OutOfReach(f"CE_ptl by enumeration: {terms:.3g} count vectors, {ENUMERATION_CAP} at most")
    counts = np.zeros((1, 0), dtype=np.int64)
    left = np.array([n])
    for box in range(p.size):
        # Each vector so far goes on with every count that is left; the last label takes all if there is no elsewhere.
        if box == p.size - 1 and row.rho == 1:
            counts = np.column_stack((counts, left))
            left = np.zeros_like(left)
            break
        parent = np.repeat(np.arange(left.size), left + 1)
        start = np.cumsum(left + 1) - (left + 1)
        new = np.arange(parent.size) - start[parent]
        counts = np.column_stack((counts[parent], new))
        left = left[parent] - new
    log_factorial = gammaln(np.arange(n + 1) + 1.0)
    log_weight = log_factorial[n] + counts @ (math.log(row.rho) + np.log(p)) - log_factorial[counts].sum(axis=1)
    if row.rho < 1:
        log_weight += left * math.log1p(-row.rho) - log_factorial[left]
    weight = np.exp(log_weight)
    weight /= weight.sum()  # what the logarithms of the factorials lose is mostly common to all
    M = counts @ p
    live = M > 0
    share = counts[live] * p / M[live, None]
    paid = 0.5 * np.abs(share - p).sum(axis=1) if divergence == "tv" else ((share - p) ** 2).sum(axis=1)
    value = row.rho * float(weight[live] @ paid)
    return Estimate(value, EPS * (32 + 4 * n * math.log(n + 2)) * value, "enumeration")


# --- Label classes --------------------------------------------------------------------------------------


def _spread(n: float, p: float) -> float:
    """Width of a window of Bin(n, p) that `loops_ptl.window` cannot exceed: Bernstein's inequality, exponent 100."""
    reach = 34 + math.sqrt(34**2 + 200 * n * p * (1 - p))
    return min(n, 2 * reach) + 2


def _orders(sizes: np.ndarray) -> list[np.ndarray]:
    """The order of the classes in each pass: every class of several labels comes first once."""
    several = np.flatnonzero(sizes > 1)
    firsts = several if several.size else np.array([0])
    return [np.concatenate(([f], np.delete(np.arange(sizes.size), f))) for f in firsts]


def _width(n: int, p: float) -> float:
    """About how many counts a window of Bin(n, p) has."""
    wide = min(n + 1.0, 20 * math.sqrt(n * p * (1 - p)) + 10)
    if n * p > 30:
        return wide
    # Of a label that is rarely seen, counts up to the first that has a probability below `LEAST`.
    counts, term = 0.0, 1.0
    while term >= LEAST and counts < wide:
        counts += 1.0
        term *= n * p / counts
    return min(wide, counts)


def classes_cost(row: Row, n: int) -> float:
    """Terms that `by_classes` adds up, roughly."""
    values, sizes = label_classes(row)
    if values.size > MANY_CLASSES:
        return math.inf
    mass = row.rho * sizes * values
    width = np.array([_width(n, m) for m in mass.clip(max=1.0).tolist()])
    total, singles = 0.0, int(np.count_nonzero(sizes == 1))
    for order in _orders(sizes):
        used = width[order[:-1]] if row.rho == 1 and order.size > 1 else width[order]
        # A window that starts far out is short: the product is a simplex for few draws.
        terms = min(math.exp(min(700.0, float(np.log(used).sum()))), _vectors(n, order.size, row.rho))
        within = float(used[0]) * min(n + 1.0, 20 * math.sqrt(n * mass[order[0]] / sizes[order[0]]) + 10)
        # A term of the first pass is a sum over the classes of one label.
        total += terms * (1 + singles / 3) + within
        singles = 0
    return total


def seconds(row: Row, n: int) -> float:
    """About how long `row_risk` takes, without patience."""
    labels = int(label_classes(row)[1].sum())
    if n == 0 or labels == 1 or _vectors(n, labels, row.rho) * labels <= ENUMERATION_SMALL:
        return 1e-3
    terms = classes_cost(row, n)
    return 1e-3 + 1e-8 * terms if terms <= CLASSES_QUICK else BY_COUNTS


def by_classes(row: Row, n: int, divergence: str = "tv", *, most: float = CLASSES_CAP) -> Estimate:
    """The visited part, rho E[D; visited], over the totals of the label classes.

    Parameters
    ----------
    row : Row
    n : int
    divergence : {"tv", "l2"}

    Returns
    -------
    Estimate

    Raises
    ------
    OutOfReach
        Beyond `most` terms.
    """
    cost = classes_cost(row, n)
    if cost > most:
        raise OutOfReach(
            f"CE_ptl at an input with {label_classes(row)[0].size} distinct positive probabilities and "
            f"{n * row.rho:.3g} expected visits: label classes need {cost:.2g} terms, {most:.2g} at most: use "
            "kt_theory.simulate"
        )
    from kt_theory.exact import loops_ptl

    values, sizes = label_classes(row)
    out = np.zeros(3)
    for turn, order in enumerate(_orders(sizes)):
        value, size = values[order], sizes[order].astype(np.int64)
        # For rho = 1 the masses, not 1 - rho, decide what the last class gets: all that is left.
        mass = row.rho * size * value
        rest = 1 - row.rho
        before = np.concatenate(([0.0], np.cumsum(mass)[:-1])).clip(max=1.0)
        widest = 2.0
        for m, b in zip(mass, before, strict=True):
            left = min(n, n * (1 - b) + 15 * math.sqrt(n * b * (1 - b)) + 100)
            widest = max(widest, _spread(left, min(1.0, m / max(1 - b, m))))
        reach = min(n, n * mass[0] + 15 * math.sqrt(n * mass[0]) + 100)
        widest = max(widest, _spread(reach, 1 / size[0])) + 1
        rooms = np.zeros((order.size + 1, int(widest)))
        loops_ptl.class_pass(n, mass, rest, value, size, turn == 0, LEAST, rooms, out)
    paid = 0.5 * out[0] if divergence == "tv" else out[1]
    # A window is W steps of three roundings; typically two deviations are walked, and roundings do not all agree.
    steps = math.sqrt(n * min(1.0, row.rho))
    error = EPS * (32 + 2 * steps) * paid + 2 * out[2]
    return Estimate(row.rho * paid, row.rho * error, "label classes", proved=False)
