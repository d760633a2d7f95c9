"""Labels that may be seen or not, split from those that are nearly sure, and the circle for Poisson many draws.

For `kt_theory.exact.many`, where the mathematics is derived.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kt_theory.exact.rows import OutOfReach
from kt_theory.numerics.powers import powers_of

#: Nodes of a circle.
MOST_NODES = 2000

EPS = 2.0**-52


@dataclass(frozen=True)
class Labels:
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


def split(
    p: np.ndarray, w: np.ndarray, heavy: float, unseen: np.ndarray, n: int, negligible: float, most_labels: int = 10**9
) -> Labels:
    never, before = powers_of(n, w), powers_of(n - 1, w)
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
    if np.count_nonzero(middle) > most_labels:
        raise OutOfReach(
            f"SEL_ptl: {np.count_nonzero(middle)} labels may be seen or not, too many for halves, and too few vary for "
            "the levels: use kt_theory.simulate"
        )
    most = float(p[middle].sum() + p[idle].sum()) + known
    always, times = np.unique(np.concatenate((p[idle], unseen)), return_counts=True)
    mid_w, mid_p = w[middle], p[middle]
    pairs = _pairs(mid_w, mid_p, always, times)
    if not always.size and mid_p.size and mid_p[-1] <= 2 * mid_p[0]:
        mid_p = mid_p - mid_p[mid_p.size // 2]  # exact, and all that counts is in the differences
    return Labels(mid_w, mid_p, always, times, heavy, most, error, pairs)


def _pairs(w: np.ndarray, p: np.ndarray, idle: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.triu_indices(w.size, 1)
    c: list[Any] = [np.abs(p[a] - p[b])]
    k: list[Any] = [1 - w[a] - w[b]]
    if idle.size:
        from_idle, among_idle = _distances(p, idle, times)
        c += [from_idle, [among_idle]]
        k += [1 - w, [1.0]]
    apart, kept = np.concatenate(c) / max(2, int(times.sum())), np.concatenate(k)
    useful = (apart > 0) & (kept > 0)
    return apart[useful], kept[useful]


def _distances(p: np.ndarray, idle: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, float]:
    """The sum of all times abs(p - idle), for each p; that of all pairs of the sorted `idle`, each counted once.

    By sums of gaps from either end, none negative, for there may be 50,000 of them.
    """
    gap = np.diff(idle)
    up_to, from_on = np.cumsum(times), np.cumsum(times[::-1])[::-1]
    # To the labels below idle[i], and to those above it.
    below = np.concatenate(([0.0], np.cumsum(up_to[:-1] * gap)))
    above = np.concatenate((np.cumsum((from_on[1:] * gap)[::-1])[::-1], [0.0]))
    here = np.searchsorted(idle, p, side="right")
    under, over = np.maximum(here - 1, 0), np.minimum(here, idle.size - 1)
    to_below = np.where(here > 0, below[under] + up_to[under] * (p - idle[under]), 0.0)
    to_above = np.where(here < idle.size, above[over] + from_on[over] * (idle[over] - p), 0.0)
    return to_below + to_above, float((up_to[:-1] * from_on[1:]) @ gap)


@dataclass(frozen=True)
class Circle:
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


def rounding(labels: Labels, circle: Circle, roundings: float) -> float:
    """What rounding moves: so many roundings of a term, all of one sign, of the sum of all terms at t = R."""
    roundings += 100 + 4 * labels.p.size + abs(circle.log_scale) + abs(circle.R - circle.n) * circle.reach
    return EPS * (roundings - math.log(circle.negligible)) * circle.weight * labels.spread(circle.R)


def circle_of(labels: Labels, n: int, negligible: float) -> Circle:
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
        factor *= -expm1(-labels.heavy * t)
    weight = float(times.sum()) / N * math.exp(log_scale)
    skipped = 0.0 if last == N // 2 else negligible
    return Circle(R, t, factor, n, negligible, log_scale, weight, float(angle[-1]), alias + skipped)


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


def expm1(z: np.ndarray) -> np.ndarray:
    """e^z - 1."""
    half = np.sin(z.imag / 2)
    return np.expm1(z.real) * np.cos(z.imag) - 2 * half * half + 1j * np.exp(z.real) * np.sin(z.imag)
