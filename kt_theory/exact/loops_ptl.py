"""The loop of the label-class route of CE_ptl: windows of class totals, binomials by recurrence. See `exact.ptl`.

Rules as in `kt_theory.compiled`: arrays in, `out` last, nothing validated, nothing drawn, no ``fastmath``.
"""

from __future__ import annotations

import numpy as np

from kt_theory.compiled import jit


@jit
def window(n: int, p: float, least: float, pmf: np.ndarray) -> tuple[int, int, float]:
    """Fill `pmf[: hi - lo + 1]` with Bin(n, p) on lo..hi: all entries above about `least` times the largest.

    Ratios of neighbours from the mode outwards, then divided by their sum: no factorial, relative error a few eps per
    step. The ratios fall on both sides, so what is left out is below a geometric series: the mass returned.

    Returns
    -------
    lo, hi : int
    dropped : float
        Bound on the mass outside lo..hi.
    """
    if p <= 0.0 or p >= 1.0 or n == 0:
        pmf[0] = 1.0
        fixed = n if p >= 1.0 else 0
        return fixed, fixed, 0.0
    odds = p / (1.0 - p)
    mode = min(n, int((n + 1) * p))
    room = pmf.size
    # Downwards from the mode, written backwards from the middle of the array, then moved to its start.
    x = 1.0
    lo = mode
    dropped = 0.0
    steps = 0
    while lo > 0:
        ratio = lo / ((n - lo + 1) * odds)
        if x * ratio < least:
            dropped += x * ratio / max(1.0 - ratio, 1e-9)
            break
        x *= ratio
        lo -= 1
        steps += 1
        pmf[room - steps] = x
    for i in range(steps):
        pmf[i] = pmf[room - steps + i]
    pmf[steps] = 1.0
    x = 1.0
    hi = mode
    while hi < n:
        ratio = (n - hi) * odds / (hi + 1)
        if x * ratio < least:
            dropped += x * ratio / max(1.0 - ratio, 1e-9)
            break
        x *= ratio
        hi += 1
        pmf[hi - lo] = x
    total = 0.0
    for i in range(hi - lo + 1):
        total += pmf[i]
    for i in range(hi - lo + 1):
        pmf[i] /= total
    return lo, hi, min(1.0, dropped / total)


@jit
def class_pass(
    n: int,
    mass: np.ndarray,
    rest: float,
    value: np.ndarray,
    size: np.ndarray,
    singles: bool,
    least: float,
    rooms: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add E[sum_a p_a |n_a - M| / M] and E[sum_a p_a^2 (n_a - M)^2 / M^2], visited, over class 0 and the singletons.

    Parameters
    ----------
    n : int
    mass : float64, shape (C,)
        rho times size times value of each class; positive.
    rest : float
        1 - rho.
    value : float64, shape (C,)
        Probability of each label of the class.
    size : int64, shape (C,)
        Labels in the class.
    singles : bool
        Whether to add the classes of size 1 among 1..C-1 too; class 0 is always added.
    least : float
        Terms below it are left out.
    rooms : float64, shape (C + 1, W)
        Work space: one window per class, one for a label within class 0.
    out : float64, shape (3,)
        Added to: the two expectations, and a bound on the probability left out.
    """
    C = mass.size
    lo = np.zeros(C, np.int64)
    hi = np.zeros(C, np.int64)
    at = np.zeros(C, np.int64)  # current class totals
    left = np.zeros(C + 1, np.int64)  # draws not yet given to classes 0..d-1
    weight = np.ones(C + 1)
    partial = np.zeros(C + 1)  # sum over classes 0..d-1 of total times value
    share = np.ones(C)
    behind = rest
    for d in range(C - 1, -1, -1):
        # Conditional probability of class d given that the draw is in none of the earlier classes.
        share[d] = mass[d] / (mass[d] + behind)
        behind += mass[d]
    tail = rooms[C]
    upper = np.zeros(tail.size)
    lag = np.zeros(2)
    tlo, thi = 0, 0
    k = size[0]
    mean = 0.0
    left[0] = n
    d = 0
    lo[0], hi[0], lost = window(n, share[0], least, rooms[0])
    out[2] += lost
    at[0] = lo[0] - 1
    while d >= 0:
        at[d] += 1
        if at[d] > hi[d]:
            d -= 1
            continue
        w = weight[d] * rooms[d, at[d] - lo[d]]
        if d == 0:
            mean = at[0] / k
            if k > 1:
                tlo, thi, lost = window(at[0], 1.0 / k, least, tail)
                out[2] += w * lost
                mass_above = 0.0
                for i in range(thi - tlo, -1, -1):
                    mass_above += tail[i]
                    upper[i] = mass_above  # P(count >= tlo + i)
        if d < C - 1:
            weight[d + 1] = w
            partial[d + 1] = partial[d] + at[d] * value[d]
            left[d + 1] = left[d] - at[d]
            d += 1
            lo[d], hi[d], lost = window(left[d], share[d], least / max(w, least), rooms[d])
            out[2] += w * lost
            at[d] = lo[d] - 1
            if d < C - 1:
                continue
            # The innermost class, in one sweep.
            first, last = lo[d], hi[d]
        else:
            first, last = at[d], at[d]
        base = partial[d]
        scale = weight[d]
        tv = 0.0
        l2 = 0.0
        for inner in range(first, last + 1):
            M = base + inner * value[d]
            if M == 0.0:
                continue
            at[d] = inner
            gap = M - mean
            if k == 1:
                sum1 = value[0] * abs(gap)
                sum2 = value[0] * value[0] * gap * gap
            else:
                # E|count - M| = gap (1 - 2 P(count >= j)) + 2 E(count - mean)^+ from j = floor(M) + 1 on;
                # the latter is j (1 - 1/k) P(count = j), as de Moivre found.
                whole = int(M) + 1 - tlo
                if whole <= 0:
                    away = -gap
                elif whole > thi - tlo:
                    away = gap
                else:
                    away = gap * (1.0 - 2.0 * upper[whole]) + 2.0 * (tlo + whole) * (1.0 - 1.0 / k) * tail[whole]
                sum1 = k * value[0] * away
                sum2 = k * value[0] * value[0] * (mean * (1.0 - 1.0 / k) + gap * gap)
            if singles:
                for c in range(1, C):
                    if size[c] == 1:
                        off = value[c] * (at[c] - M)
                        sum1 += abs(off)
                        sum2 += off * off
            x = rooms[d, inner - lo[d]] / M
            tv += x * sum1
            l2 += x * sum2 / M
        # Millions of short sweeps: their sum is compensated (Kahan), or it would lose three digits.
        for i, x in enumerate((scale * tv, scale * l2)):
            x -= lag[i]
            raised = out[i] + x
            lag[i] = (raised - out[i]) - x
            out[i] = raised
        if C > 1:
            d -= 1
