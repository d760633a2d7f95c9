r"""SEL_ptl on rows of many different labels, total variation, uniform init: sets of unseen labels in two halves.

As in `kt_theory.exact.sel`, U is the set of unseen labels and :math:`m = p(U)/|U|` the student's value on each of them,
so that :math:`D(U) = \sum_{a \in U} (p_a - m)^+`.

**Labels that are nearly sure.** A label that is seen but with probability :math:`u_h = (1 - w_h)^n` is left out of U:
as :math:`D(U) \le p(U)`, that moves E D by at most :math:`u_h (p_h + \mathrm{E}\, p(U))`. A set L of labels that are
hardly ever seen is put into U: that moves E D by at most :math:`n\, w(L)\, \mathrm{E}_{n-1}\, p(U \cup L)`, the mean
after one draw less. Both are added to the error. A sharp row, such as that of a teacher at low temperature, keeps few
other labels.

**Heavy labels.** A label of more than a quarter of the mass is treated by itself: seen, or unseen, which leaves n draws
of the others and the same problem again.

**A circle.** For Poisson many draws, of mean t, labels are unseen independently, with "probability"
:math:`q_b = e^{-w_b t}`. E D after n draws is n! times the n-th coefficient of the power series
:math:`e^t\, \mathrm{E}_{\mathrm{Poisson}(t)} D`, which the trapezium rule with N nodes on :math:`|t| = R` gives. No
coefficient is negative, so that the best R is where :math:`n!\, e^R R^{-n}\, \mathrm{E}_{\mathrm{Poisson}(R)} D` is
least. As D is not known yet, the bound

.. math:: D(U) \le \frac{1}{|U|} \sum_{\{a, b\} \subseteq U} |p_a - p_b|, \qquad
          \Pr(a, b \in U) = (1 - w_a - w_b)^n,

takes its place there, and bounds what aliases (coefficients n +- N, n +- 2N, ...) add. Any R gives the right value; a
worse one loses digits, and they are counted. At the angle x every term has at most

.. math:: e^{(1 - \sum_b w_b) R (\cos x - 1)} \prod_b (1 + w_b R\, \phi(w_b R \cos x))\, e^{-w_b R}, \qquad
          \phi(u) = (e^u - 1)/u,

of its value at 0. That falls with x; nodes where it is negligible are left out.

**Two halves.** The sets of a half, at most :math:`2^{m/2}`, are sorted by mass for each size. For sizes k, l and a
label a, the pairs of sets with :math:`p(U) < |U| p_a` are, for each set of the one half, the first so and so many of
the other, whose sums of weights were added up beforehand. So :math:`2^m` sets cost :math:`m^2 2^{m/2}`. Sets of more
than n seen labels do not occur. A set whose weight at t = R is negligible is left out; its weight is added to the
error. That is a bound: of labels, aliases, nodes and sets left out, and of rounding, which is 2^-52 times the number of
roundings of a term, times the sum of the absolute values of all terms, which is at most that at t = R.

**Fourier series**, where the halves are too large. Sets of few labels are gone through one by one. For larger ones,
:math:`D(U) = \tfrac12 \sum_b |X_b| / |U|` over b in U, :math:`X_b = \sum_{c \in U} (p_c - p_b)`; on [-L, L], abs(x) is
L/2 less (4 L / pi^2) sum cos(k pi x / L) / k^2 over odd k, and the law of :math:`(|U|, e^{i \xi p(U)})` without b is
the product polynomial of all labels divided by that of b, from the side that damps errors. The number of harmonics is
doubled until nothing changes; three times the last change is added to the error, which is an estimate here and no
bound.

**Cost** at the n that costs most, in processor seconds: halves 0.1 at 25 labels, 2.4 at 32; the series 5 at 40 labels,
9 at 100, 15 at 400, to 1e-6 or out of reach. With patience only: see `risk`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from kt_theory.exact.circles import Circle, Labels, circle_of, expm1, rounding, split
from kt_theory.exact.rows import Estimate, OutOfReach, Row

#: Halves: products that are added up at most, some 5e8 a second; sets of a half.
WORK = 1e9
MOST_SETS = 2**19

#: The same, and labels that may be seen or not, for an answer in less than half a second.
QUICK_WORK = 1e8
QUICK_LABELS = 28

#: Small sets: products; labels; the largest relative error that is shown, which is a bound, and that of a simulation.
SMALL_PRODUCTS = 5e7
MOST_IN_SMALL = 600
COARSE_SMALL = 1e-3

#: Series: products for sets gone through one by one, harmonics, steps in all (some 10 ns each); the largest relative
#: error that is shown; times the last change that is taken for the error of what was not added.
MOST_PRODUCTS = 5e7
MOST_HARMONICS = 32768
MOST_STEPS = 4e8
COARSEST = 1e-6
SAFETY = 3.0

#: A label of more than this part of the mass is treated by itself: seen, or not.
HEAVY = 0.25

#: Labels of a row that are paired for the lower bound.
MOST_PAIRED = 64

#: Numbers of one table of weights.
BLOCK = 2_000_000

EPS = 2.0**-52

HALVES, SERIES, SMALL = "halves", "Fourier series", "small sets"


def risk(row: Row, n: int, rtol: float = 1e-9, patient: bool = True) -> Estimate:
    """What one input adds to the expected TV risk of SEL_ptl after n >= 1 samples, for a uniform init.

    Parameters
    ----------
    row : Row
    n : int
    rtol : float
        Relative accuracy at which the series stops to refine.
    patient : bool
        Whether to take seconds; otherwise halves are tried that take less than half of one, and no series.

    Returns
    -------
    Estimate
        Of the route "halves" or "small sets", with an error that is a bound, or "Fourier series", with one that is an
        estimate.

    Raises
    ------
    OutOfReach
        If no circle of at most `circles.MOST_NODES` nodes suits the row, or the error is above `COARSEST`, for small
        sets above `COARSE_SMALL`, or sets are too many.
    """
    low, high = bracket(row, n)
    if high < 1e-280:
        return Estimate(0.0, row.rho * high, HALVES)
    low = max(low, 1e-290)
    if not patient:
        return _quickly(row, n, low)
    for least in (1e-17, 1e-12, 1e-9):
        try:
            return _by_levels(row, n, low, least, partial(in_halves, most=WORK), HALVES)
        except OutOfReach:
            continue
    coarse = replace(_by_levels(row, n, low, 1e-9, partial(series, rtol=rtol), SERIES), proved=False)
    if coarse.error <= COARSEST * coarse.value:
        return coarse
    return _by_levels(row, n, low, 1e-7, partial(in_halves, most=WORK), HALVES)


def _quickly(row: Row, n: int, low: float) -> Estimate:
    """In halves or small sets, if so few labels may be unseen that either takes less than half a second."""
    halves = partial(in_halves, most=QUICK_WORK)
    for least in (1e-12, 1e-9, 1e-7):
        with contextlib.suppress(OutOfReach):
            found = _by_levels(row, n, low, least, halves, HALVES, QUICK_LABELS)
            if found.error <= COARSEST * found.value:
                return found
    found = _by_levels(row, n, low, 1e-8, small, SMALL, MOST_IN_SMALL)
    if found.error > COARSE_SMALL * found.value:
        raise OutOfReach(f"SEL_ptl in small sets: the error is {found.error:.2g}: use kt_theory.simulate")
    return found


def _by_levels(
    row: Row,
    n: int,
    low: float,
    least: float,
    mean: Callable[[Labels, Circle], tuple[float, float]],
    route: str,
    most: int = 10**9,
) -> Estimate:
    """By the first heavy label that was seen; the means by one of the two routes.

    In each of the ways of the module's docstring as much as `least` may be left out, relative to `low`; of `most`
    labels that may be seen or not, at most.
    """
    p, w, rest, total, power = row.p, row.rho * row.p / math.fsum(row.p), 1 - row.rho, 1.0, 1.0
    value = error = 0.0
    unseen: list[float] = []  # heavy labels that no draw showed
    while True:
        heavy = float(w[-1]) if w.size and w[-1] > HEAVY * total else 0.0
        light = w.size - (heavy > 0)
        labels = split(
            p[:light], w[:light] / total, heavy / total, np.array(unseen), n, 100 * least * low / power, most
        )
        here, off = 0.0, labels.error
        if labels.pairs[0].size:
            here, off = mean(labels, circle_of(labels, n, least * low / power))
            off += labels.error
        value += power * here
        error += power * (off + EPS * (8 + abs(math.log(power))) * here)
        if not heavy:
            break
        unseen.append(float(p[-1]))
        p, w = p[:-1], w[:-1]
        total = rest + math.fsum(w)
        power = _to_the(n, total, row.rho * math.fsum(unseen) / math.fsum(row.p))
        if power <= least * low:
            error += power
            break
    return Estimate(row.rho * value, row.rho * error, route)


def bracket(row: Row, n: int) -> tuple[float, float]:
    """Proved bounds on E D, any init, n >= 1: from pairs of labels, as D(V) <= 2 D(U) for V in U; from D(U) <= p(U).

    A bound on E D of the row, not yet times rho.
    """
    from kt_theory.exact import loops_many

    p = row.p
    some = np.unique(np.linspace(0, p.size - 1, MOST_PAIRED).round().astype(int)) if p.size > MOST_PAIRED else None
    w = row.rho * p / math.fsum(p)
    low, high = loops_many.bracket(float(n), p, w, 1 - row.rho, row.init, np.arange(p.size) if some is None else some)
    return 0.5 * low * (1 - 1e-6), high * (1 + 1e-9)


def _to_the(n: int, kept: float, absent: float) -> float:
    """kept^n, kept = 1 - absent; from the one that is known to more digits."""
    if kept <= 0:
        return 0.0
    return math.exp(n * (math.log1p(-absent) if absent < 0.5 else math.log(kept)))


@dataclass(frozen=True)
class _Half:
    """The sets of a half, sorted by size and mass: whether each label is in them.

    `sizes` counts them by size; `dropped` is the weight of those left out.
    """

    w: np.ndarray
    p: np.ndarray
    sets: np.ndarray
    mass: np.ndarray
    sizes: np.ndarray
    dropped: float

    def weights(self, t: np.ndarray) -> np.ndarray:
        """Shape (sets, nodes)."""
        out = np.ones((self.mass.size, t.size), dtype=np.complex128)
        for b, w in enumerate(self.w.tolist()):
            out *= np.where(self.sets[:, b, None], np.exp(-w * t), -expm1(-w * t))
        return out

    def of_size(self, k: int) -> slice:
        start = int(self.sizes[:k].sum())
        return slice(start, start + int(self.sizes[k]))


def _half(labels: Labels, circle: Circle, start: int) -> _Half:
    """Every second label. No more than n labels are seen, so that sets that leave fewer unseen do not occur."""
    w, p = labels.w[start::2], labels.p[start::2]
    draws = circle.n - (labels.heavy > 0)
    sets, weight, dropped = np.zeros((1, 0), dtype=bool), np.ones(1), 0.0
    seen = np.zeros(1, dtype=np.int64)
    negligible = circle.negligible / circle.weight / max(1, w.size)
    for rate in (w * circle.R).tolist():
        old = np.arange(weight.size)
        weight = np.concatenate((weight * -math.expm1(-rate), weight * math.exp(-rate)))
        seen = np.concatenate((seen + 1, seen))
        order = np.argsort(weight)
        cut = int(np.searchsorted(np.cumsum(weight[order]), negligible, side="right"))
        dropped += float(weight[order[:cut]].sum())
        kept = order[cut:]
        kept = kept[seen[kept] <= draws]
        sets = np.column_stack((sets[np.concatenate((old, old))[kept]], kept >= old.size))
        weight, seen = weight[kept], seen[kept]
        if weight.size > MOST_SETS:
            raise OutOfReach(
                f"SEL_ptl in halves: more than {MOST_SETS} sets of {w.size} labels: use kt_theory.simulate"
            )
    size, mass = sets.sum(axis=1), sets @ p
    order = np.lexsort((mass, size))
    return _Half(w, p, sets[order], mass[order], np.bincount(size, minlength=1), dropped)


def _work(labels: Labels, circle: Circle, halves: list[_Half]) -> float:
    """Products that `in_halves` adds up."""
    one, two = (half.sizes.astype(np.float64) for half in halves)
    seen = labels.p.size - np.add.outer(np.arange(one.size), np.arange(two.size))
    pairs = float(((one[:, None] + two) * (seen <= circle.n - (labels.heavy > 0))).sum()) / 2
    # One that is always in U counts where it may be above the mean.
    idle = np.count_nonzero((labels.always + labels.p.size) * labels.idle > labels.idle_mass)
    # Every other one is looked at once for each pair of sizes.
    return circle.t.size * ((labels.p.size + idle) * pairs + labels.idle.size * one.size * two.size)


def in_halves(labels: Labels, circle: Circle, most: float) -> tuple[float, float]:
    """The mean over pairs of sets, and a bound on what is left out and on rounding; of `most` products at most."""
    halves = [_half(labels, circle, start) for start in (0, 1)]
    work = _work(labels, circle, halves)
    if work > most:
        raise OutOfReach(
            f"SEL_ptl in halves: {labels.p.size} labels that may be seen or not need {work:.1e} products, "
            f"{most:.0e} at most: use kt_theory.simulate"
        )
    largest = max(half.mass.size for half in halves)
    value = 0.0
    for nodes in np.array_split(np.arange(circle.t.size), math.ceil(largest * circle.t.size / BLOCK)):
        value += _summed(labels, circle, halves, nodes)
    dropped = circle.weight * sum(half.dropped for half in halves) * labels.most
    return value, circle.error + dropped + rounding(labels, circle, 8 * math.sqrt(largest))


def _summed(labels: Labels, circle: Circle, halves: list[_Half], nodes: np.ndarray) -> float:
    """What some nodes add."""
    from kt_theory.exact import loops_many

    tables = []
    for half, factor in zip(halves, (circle.factor[nodes], 1.0), strict=True):
        weight = half.weights(circle.t[nodes]) * factor
        tables.append((_apart(weight), [_sums(half, weight, k) for k in range(half.sizes.size)]))
    idle = (labels.idle, np.full(labels.idle.size, -1), labels.times.astype(np.float64))
    total = 0.0
    for mine in (0, 1):
        half, other = halves[mine], halves[1 - mine]
        (real, imag), sums = tables[mine][0], tables[1 - mine][1]
        own = [half.p, np.arange(half.p.size), np.ones(half.p.size)]
        if mine == 0:  # once
            own = [np.concatenate(both) for both in zip(own, idle, strict=True)]
        for k in range(half.sizes.size):
            some = half.of_size(k)
            for j in range(other.sizes.size):
                size = labels.always + k + j
                if size < 2 or half.p.size + other.p.size - k - j > circle.n - (labels.heavy > 0):
                    continue
                there = loops_many.kinks(
                    size * own[0] - labels.idle_mass,
                    own[1],
                    own[2],
                    half.sets[some],
                    half.mass[some],
                    (real[some], imag[some]),
                    other.mass[other.of_size(j)],
                    *sums[j],
                )
                total += there / size
    return total


def _sums(half: _Half, weight: np.ndarray, k: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """The sums over the first sets of size k, none to all, of their weights, and of their weights times masses."""
    some = half.of_size(k)
    zero = np.zeros((1, weight.shape[1]))
    both = weight[some], weight[some] * half.mass[some, None]
    return tuple(_apart(np.concatenate((zero, np.cumsum(x, axis=0)))) for x in both)


def _apart(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.ascontiguousarray(x.real), np.ascontiguousarray(x.imag)


# --- A Fourier series in the unseen mass --------------------------------------------------------------------


def series(labels: Labels, circle: Circle, rtol: float) -> tuple[float, float]:
    """The mean by a Fourier series of abs(x), and an estimate of its error."""
    from kt_theory.exact import loops_many

    w, p = labels.w, labels.p
    idle, times = labels.idle, labels.times.astype(np.float64)
    law = np.ones(1)
    for x in np.exp(-w * circle.R):
        law = np.convolve(law, [1 - x, x])
    most = min(p.size, int(np.nonzero(law > 1e-13 * law.max())[0].max()) + 1)
    dropped = float(law[most + 1 :].sum()) * circle.weight * labels.most
    few = _affordable(p.size, most, circle.t.size + idle.size)
    value = loops_many.small_sets(w, p, idle, times, few, circle.t, circle.factor)
    gap = 0.0
    if few < most:
        ends = np.concatenate((p, idle))
        period = (labels.always + most) * float(ends.max() - ends.min())
        tail, K, gap = 0.0, 8, math.inf
        nodes = np.arange(circle.t.size)
        while K == 8 or (
            min(MOST_HARMONICS, MOST_STEPS / (nodes.size * p.size * most)) > K
            and SAFETY * gap > rtol * abs(value + tail)
        ):
            # harmonic 0 and the odd ones below 16 first, then always twice as many
            fresh = np.arange(1, 16, 2) if K == 8 else np.arange(K + 1, 2 * K, 2)
            harmonics = np.concatenate([fresh, -fresh]).astype(np.float64)
            weights = -2 * period / (np.pi * harmonics) ** 2
            if K == 8:
                harmonics, weights = np.append(harmonics, 0.0), np.append(weights, period / 2)
            terms = np.array(
                [
                    circle.factor[i]
                    * loops_many.poisson_risk(circle.t[i], w, p, idle, times, few + 1, most, period, harmonics, weights)
                    for i in nodes.tolist()
                ]
            )
            step = float(terms.real.sum())
            if K == 8:  # harmonic 0 is the largest: where it is negligible, so are the others
                nodes = nodes[np.abs(terms) > 1e-12 * np.abs(terms).max()]
            gap = math.inf if K == 8 else abs(step)
            tail += step
            K *= 2
        value += tail
    # The polynomial of all labels is divided by that of each: most + 1 steps, of terms of the size of the period.
    lost = rounding(labels, circle, 8.0 * (most + 1))
    return value, circle.error + dropped + lost + SAFETY * gap


def small(labels: Labels, circle: Circle) -> tuple[float, float]:
    """The mean over small sets, and a bound on what is left out and on rounding.

    Larger sets cost D(U) <= p(U), and labels are unseen independently at t = R: label by label, of all others at least
    as many must be unseen.
    """
    from kt_theory.exact import loops_many

    q = np.exp(-labels.w * circle.R)
    law = np.ones(1)
    for x in q:
        law = np.convolve(law, [1 - x, x])
    few = _affordable(q.size, q.size, circle.t.size + labels.idle.size, SMALL_PRODUCTS)
    times = labels.times.astype(np.float64)
    value = loops_many.small_sets(labels.w, labels.p, labels.idle, times, few, circle.t, circle.factor)
    # p may be less a constant, where no label is idle: then p(U) is at most its part of all.
    mass = float(q @ labels.w) * labels.most / float(labels.w.sum()) + labels.idle_mass
    dropped = circle.weight * float(law[few:].sum()) * mass if few < q.size else 0.0
    return value, circle.error + dropped + rounding(labels, circle, 8.0 * (few + 1))


def _affordable(labels: int, most: int, each: int, products: float = MOST_PRODUCTS) -> int:
    """The largest size, at most `most`, such that all smaller sets of the labels can be gone through.

    A set costs `each`, a product for each node and one for each idle label.
    """
    size = sets = 0
    while size < most and (sets + math.comb(labels, size + 1)) * each <= products:
        size += 1
        sets += math.comb(labels, size)
    return size
