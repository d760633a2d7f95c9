"""The numba loops of `kt_theory.exact.many`; the mathematics is told there. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.exact.loops_sel import log_seen


@jit
def kinks(
    at: np.ndarray,
    which: np.ndarray,
    times: np.ndarray,
    members: np.ndarray,
    mass: np.ndarray,
    weight: tuple[np.ndarray, np.ndarray],
    other: np.ndarray,
    sum0: tuple[np.ndarray, np.ndarray],
    sum1: tuple[np.ndarray, np.ndarray],
) -> float:
    """Re sum over labels a, sets i and j, and nodes of times_a W_i V_j max(0, at_a - mass_i - other_j).

    Sets i of one half, sorted by `mass`, of weights W, shape (sets, nodes); `members` says which labels they have. A
    label that is number `which` of this half counts for its own sets only, one of number -1 for all. Sets j of the
    other half, sorted by `other`; sum0 and sum1 are the sums of V and V other over the first sets, shape
    (sets + 1, nodes). Real and imaginary parts are apart.
    """
    real, imag = weight
    here = np.empty(real.shape[1])  # node by node: a sum over nodes would have to keep its order, and be slow
    total = 0.0
    for a in range(at.size):
        first = other.size
        here[:] = 0.0
        for i in range(mass.size):
            if which[a] >= 0 and not members[i, which[a]]:
                continue
            left = at[a] - mass[i]
            while first > 0 and other[first - 1] >= left:
                first -= 1
            if first == 0:
                break
            for v in range(real.shape[1]):
                here[v] += real[i, v] * (left * sum0[0][first, v] - sum1[0][first, v]) - imag[i, v] * (
                    left * sum0[1][first, v] - sum1[1][first, v]
                )
        total += times[a] * here.sum()
    return total


@jit
def poisson_risk(
    t: complex,
    w: np.ndarray,
    p: np.ndarray,
    idle: np.ndarray,
    times: np.ndarray,
    least: int,
    most: int,
    period: float,
    harmonics: np.ndarray,
    weights: np.ndarray,
) -> complex:
    """E[TV; from `least` to `most` of the labels w, p unseen] at the Poisson rate t, for some harmonics of |x|.

    Labels are unseen independently, with "probability" e^(-w t); `times` more labels of each of `idle` are never seen.
    """
    m = w.size
    always = int(times.sum())
    idle_mass = (idle * times).sum()
    q = np.exp(-w * t)
    s = np.empty(m, dtype=np.complex128)
    for c in range(m):
        z = w[c] * t
        half = math.sin(0.5 * z.imag)
        s[c] = -complex(math.expm1(-z.real) * math.cos(z.imag) - 2 * half * half, -math.exp(-z.real) * math.sin(z.imag))
    share = 1 / (always + np.arange(1.0, most + 2))
    law = np.empty(most + 1, dtype=np.complex128)
    part = np.empty(most + 1, dtype=np.complex128)
    total = complex(0.0, 0.0)
    for i in range(harmonics.size):
        xi = harmonics[i] * math.pi / period
        law[:] = 0.0
        law[0] = np.exp(complex(0.0, xi * idle_mass))
        for c in range(m):
            step = q[c] * np.exp(complex(0.0, xi * p[c]))
            for j in range(min(c + 1, most), 0, -1):
                law[j] = s[c] * law[j] + step * law[j - 1]
            law[0] *= s[c]
        here = complex(0.0, 0.0)
        for a in range(idle.size):
            for j in range(least, most + 1):
                here += law[j] * np.exp(complex(0.0, -xi * idle[a] * (always + j))) * (times[a] / (always + j))
        for c in range(m):
            turn = np.exp(complex(0.0, -xi * p[c]))
            step = q[c] / turn
            # law = (s + step z) part, divided from the side that damps errors
            if abs(s[c]) >= abs(step):
                over = 1 / s[c]
                part[0] = law[0] * over
                for j in range(1, most + 1):
                    part[j] = (law[j] - step * part[j - 1]) * over
            else:
                over = 1 / step
                part[most] = 0.0
                for j in range(most, 0, -1):
                    part[j - 1] = (law[j] - s[c] * part[j]) * over
            inner = complex(0.0, 0.0)
            phase = np.exp(complex(0.0, -xi * p[c] * (always + least - 1)))
            for j in range(least - 1, most):
                inner += part[j] * phase * share[j]
                phase *= turn
            here += q[c] * inner
        total += 0.5 * weights[i] * here
    return total


@jit
def small_sets(
    w: np.ndarray,
    p: np.ndarray,
    idle: np.ndarray,
    times: np.ndarray,
    most: int,
    rates: np.ndarray,
    powers: np.ndarray,
) -> float:
    """Re sum over rates t of powers(t) E[TV; at most `most` of the labels unseen], set by set."""
    m = w.size
    always = int(times.sum())
    nodes = rates.size
    ratio = np.empty((m, nodes), dtype=np.complex128)
    product = np.empty((most + 1, nodes), dtype=np.complex128)
    for i in range(nodes):
        logs = np.log(powers[i])
        for c in range(m):
            seen = log_seen(w[c] * rates[i])
            logs += seen
            ratio[c, i] = np.exp(-w[c] * rates[i] - seen)
        product[0, i] = np.exp(logs)
    chosen = np.empty(most + 1, dtype=np.int64)
    chosen[0] = -1
    mass = np.zeros(most + 1)
    mass[0] = (idle * times).sum()
    total = 0.0
    if always > 1:
        for a in range(idle.size):
            total += times[a] * abs(always * idle[a] - mass[0])
        total *= product[0].real.sum() / (2 * always)
    depth, label = 0, 0
    while True:
        if label < m and depth < most:
            depth += 1
            chosen[depth] = label
            mass[depth] = mass[depth - 1] + p[label]
            law = 0.0
            for i in range(nodes):
                product[depth, i] = product[depth - 1, i] * ratio[label, i]
                law += product[depth, i].real
            unseen = always + depth
            cost = 0.0
            for a in range(idle.size):
                cost += times[a] * abs(unseen * idle[a] - mass[depth])
            for j in range(1, depth + 1):
                cost += abs(unseen * p[chosen[j]] - mass[depth])
            total += law * cost / (2 * unseen)
            label += 1
        else:
            if depth == 0:
                return total
            label = chosen[depth] + 1
            depth -= 1


@jit
def _power(n: float, absent: float, kept: float) -> float:
    """kept^n, kept = 1 - absent; from the one that is known to more digits."""
    if kept <= 0.0:
        return 0.0
    return math.exp(n * (math.log1p(-absent) if absent < 0.5 else math.log(kept)))


@jit
def bracket(
    n: float, p: np.ndarray, w: np.ndarray, rest: float, init: np.ndarray, some: np.ndarray
) -> tuple[float, float]:
    """The most of (what unseen {a, b} costs) (1 - w_a - w_b)^n over pairs of `some` labels; sum of p_a (1 - w_a)^n.

    Labels are in increasing order of p; all w and the rest are 1 together.
    """
    before = np.zeros(p.size + 1)
    after = np.zeros(p.size + 1)
    for a in range(p.size):
        before[a + 1] = before[a] + w[a]
        after[p.size - 1 - a] = after[p.size - a] + w[p.size - 1 - a]
    high = 0.0
    for a in range(p.size):
        high += p[a] * _power(n, w[a], before[a] + after[a + 1] + rest)
    low = 0.0
    for j in range(some.size):
        b = some[j]
        for a in some[:j]:
            both = init[a] + init[b]
            share = init[a] / both if both > 0.0 else 0.5
            apart = abs(p[b] * share - p[a] * (1.0 - share))
            if apart > 1e-9 * (p[a] + p[b]):
                # From what is left, which may be far below a rounding of 1 where b is the heaviest label.
                kept = before[a] + (before[b] - before[a + 1]) + after[b + 1] + rest
                low = max(low, apart * _power(n, w[a] + w[b], kept))
    return low, high
