r"""SEL_ptl on rows of many different labels, total variation, uniform init: sets of unseen labels in two halves.

As in `kt_theory.exact.sel`, U is the set of unseen labels and :math:`m = p(U)/|U|` what the student says on each of
them, so that :math:`D(U) = \sum_{a \in U} (p_a - m)^+`.

**Labels that are nearly sure.** A label that is seen but with probability :math:`u_h = (1 - w_h)^n` is left out of U:
as :math:`D(U) \le p(U)`, that moves E D by at most :math:`u_h (p_h + \mathrm{E}\, p(U))`. A set L of labels that are
hardly ever seen is put into U: that moves E D by at most :math:`n\, w(L)\, \mathrm{E}_{n-1}\, p(U \cup L)`, the mean
after one draw less. Both are added to the error. A sharp row, such as that of a teacher at low temperature, keeps few
other labels.

**Heavy labels.** A label of more than a quarter of the mass is looked at by itself: seen, or unseen, which leaves n
draws of the others and is the same question again.

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

**Cost** of a row at the n that costs most, in processor seconds (2 GHz), measured on rows of the flat Dirichlet law and
of a softmax at temperature 1/5; labels of equal probability go by `kt_theory.exact.sel` and cost less:

======  =======  =======================================================================================
labels  seconds  relative error
======  =======  =======================================================================================
10      < 0.01   1e-13 (subsets)
15      0.1      1e-13 (subsets)
18      0.8      1e-13 (subsets)
19, 20  0.1      1e-11, proved (halves)
25      0.1      1e-11, proved
28      0.4      2e-11, proved
30      0.7      2e-11, proved
32      2.4      3e-11, proved
40      5        1e-7 where all labels may be seen or not (series), else as above
60      9        1e-6, or out of reach on some sharp rows
100     9        1e-6, or out of reach on sharp rows of which more than 60 labels may be seen or not
200     12       1e-6, or out of reach
400     15       1e-6, or out of reach for n between 2 and some thousands
======  =======  =======================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from kt_theory.exact.rows import Estimate, OutOfReach, Row

#: Halves: products that are added up at most, some 5e8 a second; sets of a half.
WORK = 1e9
MOST_SETS = 2**19

#: Nodes of a circle.
MOST_NODES = 2000

#: Series: products for sets gone through one by one, harmonics, steps in all (some 10 ns each); the largest relative
#: error that is shown; times the last change that is taken for the error of what was not added.
MOST_PRODUCTS = 5e7
MOST_HARMONICS = 32768
MOST_STEPS = 4e8
COARSEST = 1e-6
SAFETY = 3.0

#: A label of more than this part of the mass is looked at by itself: seen, or not.
HEAVY = 0.25

#: Labels of a row that are paired for the lower bound.
MOST_PAIRED = 64

#: Numbers of one table of weights.
BLOCK = 2_000_000

EPS = 2.0**-52

HALVES, SERIES = "halves", "Fourier series"


def risk(row: Row, n: int, rtol: float = 1e-9) -> Estimate:
    """What one input adds to the expected TV risk of SEL_ptl after n >= 1 samples, for a uniform init.

    Parameters
    ----------
    row : Row
    n : int
    rtol : float
        Relative accuracy at which the series stops to refine.

    Returns
    -------
    Estimate
        Of the route "halves", with an error that is a bound, or "Fourier series", with one that is an estimate.

    Raises
    ------
    OutOfReach
        If no circle of at most `MOST_NODES` nodes suits the row, or the error is above `COARSEST`.
    """
    low, high = bracket(row, n)
    if high < 1e-280:
        return Estimate(0.0, row.rho * high, HALVES)
    low = max(low, 1e-290)
    for least in (1e-17, 1e-12, 1e-9):
        try:
            return _by_levels(row, n, low, least, partial(in_halves, most=WORK), HALVES)
        except OutOfReach:
            continue
    coarse = replace(_by_levels(row, n, low, 1e-9, partial(series, rtol=rtol), SERIES), proved=False)
    if coarse.error <= COARSEST * coarse.value:
        return coarse
    return _by_levels(row, n, low, 1e-7, partial(in_halves, most=WORK), HALVES)


def _by_levels(
    row: Row, n: int, low: float, least: float, mean: Callable[[_Labels, _Circle], tuple[float, float]], route: str
) -> Estimate:
    """By the first heavy label that was seen; the means by one of the two routes.

    In each of the ways of the module's docstring as much as `least` may be left out, relative to `low`.
    """
    p, w, rest, total, power = row.p, row.rho * row.p / math.fsum(row.p), 1 - row.rho, 1.0, 1.0
    value = error = 0.0
    unseen: list[float] = []  # heavy labels that no draw showed
    while True:
        heavy = float(w[-1]) if w.size and w[-1] > HEAVY * total else 0.0
        light = w.size - (heavy > 0)
        labels = _split(p[:light], w[:light] / total, heavy / total, np.array(unseen), n, 100 * least * low / power)
        here, off = 0.0, labels.error
        if labels.pairs[0].size:
            here, off = mean(labels, _circle(labels, n, least * low / power))
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


def _powers_of(n: int, w: np.ndarray) -> np.ndarray:
    """(1 - w)^n."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(w < 1, np.exp(n * np.log1p(-np.minimum(w, 1.0))), float(n == 0))


def _to_the(n: int, kept: float, absent: float) -> float:
    """kept^n, kept = 1 - absent; from the one that is known to more digits."""
    if kept <= 0:
        return 0.0
    return math.exp(n * (math.log1p(-absent) if absent < 0.5 else math.log(kept)))


@dataclass(frozen=True)
class _Labels:
    """The labels that may be seen or not (w, p), and those that are in U always (distinct `idle`, `times` each).

    A label of mass `heavy`, if above 0, must be seen. All masses and the rest are 1 together.

    `p` and `idle` are less a constant where that is exact; `most` bounds p(U); `error` is what the split moves.
    `pairs` are weights c and masses k, with E_m D <= sum c k^m for every m.
    """

    w: np.ndarray
    p: np.ndarray
    idle: np.ndarray
    times: np.ndarray
    heavy: float
    most: float
    error: float
    pairs: tuple[np.ndarray, np.ndarray]

    @property
    def idle_mass(self) -> float:
        return math.fsum(self.idle * self.times)

    @property
    def always(self) -> int:
        return int(self.times.sum())

    def spread(self, R: float) -> float:
        """The mean of sum over U of abs(p), for U of two labels or more: one unseen label costs exactly 0."""
        q = np.exp(-self.w * R)
        with np.errstate(divide="ignore"):
            log_seen = np.where(q < 0.5, np.log1p(-q), np.log(-np.expm1(-self.w * R)))
        before, after = np.cumsum(log_seen) - log_seen, np.cumsum(log_seen[::-1])[::-1] - log_seen
        others = before + after if self.always == 0 else -np.inf
        mean = float(np.abs(self.p) @ (q * -np.expm1(others)))
        return mean + abs(self.idle_mass) * (1.0 if self.always > 1 else -math.expm1(float(log_seen.sum())))


def _split(p: np.ndarray, w: np.ndarray, heavy: float, unseen: np.ndarray, n: int, negligible: float) -> _Labels:
    never, before = _powers_of(n, w), _powers_of(n - 1, w)
    known = float(unseen.sum())
    # Seen nearly surely.
    loss = never * (p + known + float(never @ p))
    order = np.argsort(loss)
    cut = int(np.searchsorted(np.cumsum(loss[order]), 0.5 * negligible, side="right"))
    seen = np.zeros(p.size, dtype=bool)
    seen[order[:cut]] = (p > 0)[order[:cut]]
    # Unseen nearly surely: p is sorted, so these come first.
    gain = n * np.cumsum(w) * (known + float(before @ p))
    idle = (gain <= 0.5 * negligible) & ~seen
    error = float(loss[seen].sum()) + float(gain[idle].max(initial=0.0))
    middle = ~seen & ~idle
    most = float(p[middle].sum() + p[idle].sum()) + known
    always, times = np.unique(np.concatenate((p[idle], unseen)), return_counts=True)
    mid_w, mid_p = w[middle], p[middle]
    pairs = _pairs(mid_w, mid_p, always, times)
    if not always.size and mid_p.size and mid_p[-1] <= 2 * mid_p[0]:
        mid_p = mid_p - mid_p[mid_p.size // 2]  # exact, and all that counts is in the differences
    return _Labels(mid_w, mid_p, always, times, heavy, most, error, pairs)


def _pairs(w: np.ndarray, p: np.ndarray, idle: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.triu_indices(w.size, 1)
    c: list[Any] = [np.abs(p[a] - p[b])]
    k: list[Any] = [1 - w[a] - w[b]]
    if idle.size:
        c += [np.abs(p[:, None] - idle) @ times, [0.5 * float(times @ np.abs(idle[:, None] - idle) @ times)]]
        k += [1 - w, [1.0]]
    apart, kept = np.concatenate(c) / max(2, int(times.sum())), np.concatenate(k)
    useful = (apart > 0) & (kept > 0)
    return apart[useful], kept[useful]


@dataclass(frozen=True)
class _Circle:
    """Nodes t and the factors by which their terms count; both on half the circle, twice where there are two.

    `weight` is the sum of the absolute values of the factors at most, `reach` the largest angle, `error` what aliases
    and the nodes left out add.
    """

    R: float
    t: np.ndarray
    factor: np.ndarray
    n: int
    negligible: float
    log_scale: float
    weight: float
    reach: float
    error: float


def _rounding(labels: _Labels, circle: _Circle, roundings: float) -> float:
    """What rounding moves: so many roundings of a term, all of one sign, of the sum of all terms at t = R."""
    roundings += 100 + 4 * labels.p.size + abs(circle.log_scale) + abs(circle.R - circle.n) * circle.reach
    return EPS * (roundings - math.log(circle.negligible)) * circle.weight * labels.spread(circle.R)


def _circle(labels: _Labels, n: int, negligible: float) -> _Circle:
    """A circle whose aliases and nodes left out add no more than what is negligible, if one of few nodes does that."""
    from kt_theory.exact import loops_sel

    c, k = labels.pairs
    log_c = np.log(c)

    def tilted(R: float) -> tuple[float, float]:
        """Mean and variance of the number of draws, in the law that is proportional to the coefficients."""
        share = log_c + R * k
        share = np.exp(share - share.max())
        share /= share.sum()
        mean = float(share @ (R * k))
        return mean, mean + float(share @ (R * k - mean) ** 2)

    below, above = math.log(n + 0.5), math.log((n + 0.5) / float(k.min()))
    for _ in range(60):
        middle = 0.5 * (below + above)
        if tilted(math.exp(middle))[0] < n + 0.5:
            below = middle
        else:
            above = middle
    R = math.exp(above)
    log_scale = loops_sel.from_poisson(n, R)
    if log_scale > 600:
        raise OutOfReach("SEL_ptl, many labels: no circle suits all sets of this row: use kt_theory.simulate")

    def aliases(N: int) -> float:
        total = 0.0
        for j in (3, 2, 1, -1, -2, -3):
            m = n + j * N
            if m >= 0:
                log = log_c + m * np.log(k)
                ratio = j * N * math.log(R) + math.lgamma(n + 1) - math.lgamma(m + 1)
                total += float(np.exp(np.minimum(log + ratio, 700.0)).sum())
        return total

    N = math.ceil(8 * math.sqrt(tilted(R)[1]) + 20)
    for _ in range(60):
        alias = aliases(N)
        if alias <= negligible:
            break
        N = math.ceil(1.15 * N)
    smallest = math.log(negligible) - log_scale - math.log(labels.most)
    step = 2 * math.pi / N
    rates = np.append(labels.w, labels.heavy) * R
    reach = _reach(rates, R - float(rates.sum()), smallest)
    last = min(N // 2, int(reach / step) + 1)
    if last >= MOST_NODES:
        raise OutOfReach(f"SEL_ptl, many labels: {last} nodes, {MOST_NODES} at most: use kt_theory.simulate")
    angle = step * np.arange(last + 1)
    back = -2 * np.sin(angle / 2) ** 2 * R
    lag = np.array([loops_sel.sine_lag(float(x)) for x in angle])
    times = np.where((angle == 0) | (2 * np.arange(last + 1) == N), 1.0, 2.0)
    factor = times / N * np.exp(log_scale + back + 1j * ((R - n) * angle + R * lag))
    t = back + R + 1j * R * np.sin(angle)
    if labels.heavy:
        factor *= -_expm1(-labels.heavy * t)
    weight = float(times.sum()) / N * math.exp(log_scale)
    skipped = 0.0 if last == N // 2 else negligible
    return _Circle(R, t, factor, n, negligible, log_scale, weight, float(angle[-1]), alias + skipped)


def _reach(rates: np.ndarray, rest: float, negligible: float) -> float:
    """The angle from which on no term has more than e^negligible of its value at 0."""

    def log_modulus(x: float) -> float:
        # log((1 + y phi(u)) e^-y), u = y cos(x); for large u, 1 + y phi(u) is at most y e^u / u.
        u = rates * math.cos(x)
        near = np.clip(u, -700.0, 30.0)
        slope = np.where(np.abs(near) < 1e-8, 1.0, np.expm1(near) / np.where(near == 0, 1.0, near))
        large = u + np.log(np.maximum(rates, 1.0) / np.maximum(u, 1.0)) + 1e-12
        each = np.where(u < 30, np.log1p(rates * slope), large)
        return max(rest, 0.0) * (math.cos(x) - 1) + float((each - rates).sum())

    if log_modulus(math.pi) > negligible:
        return math.pi
    low, high = 0.0, math.pi
    for _ in range(40):
        middle = 0.5 * (low + high)
        if log_modulus(middle) > negligible:
            low = middle
        else:
            high = middle
    return high


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
            out *= np.where(self.sets[:, b, None], np.exp(-w * t), -_expm1(-w * t))
        return out

    def of_size(self, k: int) -> slice:
        start = int(self.sizes[:k].sum())
        return slice(start, start + int(self.sizes[k]))


def _half(labels: _Labels, circle: _Circle, start: int) -> _Half:
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


def _work(labels: _Labels, circle: _Circle, halves: list[_Half]) -> float:
    """Products that `in_halves` adds up."""
    one, two = (half.sizes.astype(np.float64) for half in halves)
    seen = labels.p.size - np.add.outer(np.arange(one.size), np.arange(two.size))
    pairs = float(((one[:, None] + two) * (seen <= circle.n - (labels.heavy > 0))).sum()) / 2
    # One that is always in U counts where it may be above the mean.
    idle = np.count_nonzero((labels.always + labels.p.size) * labels.idle > labels.idle_mass)
    return circle.t.size * (labels.p.size + idle) * pairs


def in_halves(labels: _Labels, circle: _Circle, most: float) -> tuple[float, float]:
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
    return value, circle.error + dropped + _rounding(labels, circle, 8 * math.sqrt(largest))


def _summed(labels: _Labels, circle: _Circle, halves: list[_Half], nodes: np.ndarray) -> float:
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


def _expm1(z: np.ndarray) -> np.ndarray:
    """e^z - 1."""
    half = np.sin(z.imag / 2)
    return np.expm1(z.real) * np.cos(z.imag) - 2 * half * half + 1j * np.exp(z.real) * np.sin(z.imag)


# --- A Fourier series in the unseen mass --------------------------------------------------------------------


def series(labels: _Labels, circle: _Circle, rtol: float) -> tuple[float, float]:
    """The mean by a Fourier series of abs(x), and an estimate of its error."""
    from kt_theory.exact import loops_many

    w, p = labels.w, labels.p
    idle, times = labels.idle, labels.times.astype(np.float64)
    law = np.ones(1)
    for x in np.exp(-w * circle.R):
        law = np.convolve(law, [1 - x, x])
    most = min(p.size, int(np.nonzero(law > 1e-13 * law.max())[0].max()) + 1)
    dropped = float(law[most + 1 :].sum()) * circle.weight * labels.most
    few = _affordable(p.size, most, circle.t.size)
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
    rounding = _rounding(labels, circle, 8.0 * (most + 1))
    return value, circle.error + dropped + rounding + SAFETY * gap


def _affordable(labels: int, most: int, nodes: int) -> int:
    """The largest size, at most `most`, such that all smaller sets of the labels can be gone through."""
    size = sets = 0
    while size < most and (sets + math.comb(labels, size + 1)) * nodes <= MOST_PRODUCTS:
        size += 1
        sets += math.comb(labels, size)
    return size
