"""The numba loops of `kt_theory.exact.sel`; the mathematics is told there. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.numerics.loops_binomial import stirling

#: What is left out of a sum of positive terms, relative to its largest.
NEGLIGIBLE = 1e-19


@jit
def zero_truncated(rate: float) -> tuple[float, float]:
    """The excess rate / (e^rate - 1), and its derivative by log rate: what "at least one" adds to mean and variance."""
    if rate < 1e-8:
        return 1.0 - 0.5 * rate, -0.5 * rate
    excess = rate / math.expm1(rate)
    return excess, excess * (1.0 - rate - excess)


@jit
def sine_lag(angle: float) -> float:
    """sin(angle) - angle without cancellation."""
    if angle > 0.5:
        return math.sin(angle) - angle
    s = angle * angle
    tail = 1 - s / 110 * (1 - s / 156 * (1 - s / 210 * (1 - s / 272)))
    return -angle * s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * tail)))


@jit
def from_poisson(n: int, rate: float) -> float:
    """- log P(Poisson(rate) = n), n >= 1."""
    lead = rate - n
    tilt = n * math.log(rate / n) if abs(lead) > 0.5 * n else n * math.log1p(lead / n)
    return lead - tilt + stirling(float(n)) + 0.5 * math.log(2 * math.pi * n)


@jit
def power_log(n: int, kept: float, absent: float) -> float:
    """The log of kept^n, kept = 1 - absent; from the one that is known to more digits."""
    return n * (math.log1p(-absent) if absent < 0.5 else math.log(kept))


@jit
def log_seen(z: complex) -> complex:
    """log(1 - e^-z), whatever the sign of the real part."""
    sign = -1.0 if z.real > 0 else 1.0
    x, y = sign * z.real, sign * z.imag
    half = math.sin(0.5 * y)
    value = np.log(complex(sign * (math.expm1(x) * math.cos(y) - 2 * half * half), sign * math.exp(x) * math.sin(y)))
    return value if z.real > 0 else value - z


@jit
def _tilt(radius: float, rest: float, k: int, x: float, heavy: float, cost: np.ndarray, W: np.ndarray) -> tuple:
    """Fill W with cost_j P(j of k unseen) at a Poisson rate; scale W by its maximum.

    Returns the log of that scale, and mean and variance of the number of draws under W. `heavy` is the mass of the
    heavy label if it is seen, 0 if it is not there to be seen.
    """
    tau = x * radius
    q = math.exp(-tau)
    s = -math.expm1(-tau)
    mode = min(k, int((k + 1) * q))
    log_total = 0.0
    if mode == 0 and cost[0] == 0.0:
        # none unseen costs nothing: start at one unseen, for q may be below the smallest float
        if k == 0:
            return -np.inf, 0.0, 0.0
        mode = 1
        W[0] = 0.0
        log_total = tau - math.log(k) - (k - 1) * math.log1p(-q)
    W[mode] = 1.0
    total = 1.0
    for j in range(mode, k):
        W[j + 1] = W[j] * ((k - j) * q / ((j + 1) * s))
        total += W[j + 1]
    if log_total == 0.0:
        for j in range(mode, 0, -1):
            W[j - 1] = W[j] * (j * s / ((k - j + 1) * q))
            total += W[j - 1]
        log_total = math.log(total)
    top = 0.0
    if rest + heavy <= 0.0:
        W[k] = 0.0  # all k unseen: nothing is left to be drawn
    for j in range(k + 1):
        W[j] *= cost[j]
        top = max(top, W[j])
    if top == 0.0:
        return -np.inf, 0.0, 0.0
    phi, slope = zero_truncated(tau)
    phi_h, slope_h = zero_truncated(heavy * radius)
    if heavy == 0.0:
        phi_h = 0.0
    weight = first = 0.0
    for j in range(k + 1):
        W[j] /= top
        if W[j] > NEGLIGIBLE:
            linear = radius * (rest + (k - j) * x + heavy)
            weight += W[j]
            first += W[j] * (linear + (k - j) * phi + phi_h)
    mean = first / weight
    spread = inner = 0.0  # between and within the j: a second moment about 0 would cancel
    for j in range(k + 1):
        if W[j] > NEGLIGIBLE:
            linear = radius * (rest + (k - j) * x + heavy)
            spread += W[j] * (linear + (k - j) * phi + phi_h - mean) ** 2
            inner += W[j] * (linear + (k - j) * slope + slope_h)
    return math.log(top) - log_total, mean, (spread + inner) / weight


@jit
def _component(n: int, rest: float, k: int, x: float, heavy: float, absent: float, cost: np.ndarray) -> float:
    """E[cost_J; heavy label seen if heavy > 0] when mass `absent` is known to be unseen; n >= 1."""
    possible = rest + k * x + heavy
    if possible <= 0.0:
        return 0.0
    W = np.empty(k + 1)
    radius = (n + 0.5) / possible
    below, above = 1e-300, np.inf
    scale = -np.inf
    variance = 0.0
    for _ in range(100):
        scale, mean, variance = _tilt(radius, rest, k, x, heavy, cost, W)
        if scale == -np.inf:
            return 0.0
        gap = n + 0.25 - mean
        if abs(gap) <= 0.05 * math.sqrt(variance) + 0.25:
            break
        if gap > 0:
            below = radius
        else:
            above = radius
        # Newton where the mean grows like the radius; halving where that leaves the bracket
        radius *= 1 + gap / variance if gap > -0.5 * variance else 0.5
        if not below < radius < above:
            radius = math.sqrt(below * above) if above < np.inf else 4 * below
    low, high = 0, k
    while W[low] < NEGLIGIBLE:
        low += 1
    while W[high] < NEGLIGIBLE:
        high -= 1
    log_s = math.log(-math.expm1(-x * radius))
    log_s_heavy = math.log(-math.expm1(-heavy * radius)) if heavy > 0.0 else 0.0
    step = 2 * math.pi / (12 * math.sqrt(variance) + 40)
    nodes = math.ceil(2 * math.pi / step)
    step = 2 * math.pi / nodes
    # Modulus of every term <= its value at angle 0 times exp(-decay (1 - cos angle)), angles up to pi / 2.
    decay = radius * (rest + 0.5 * ((k - high) * x + heavy))
    reach = 4.0 if decay < 45.0 else math.acos(1.0 - 45.0 / decay)
    total = 0.0
    for j in range(low, high + 1):
        total += W[j]
    angle = step
    i = 1
    while 2 * i <= nodes and angle < reach:
        half = math.sin(0.5 * angle)
        back = -2 * half * half * radius  # Re(t) - radius
        up = radius * math.sin(angle)
        # sum_j W_j e^(j unseen + (k - j) seen), from the end whose power is the larger
        unseen = complex(-x * back, -x * up)
        seen = complex(0.0, 0.0)
        if k > 0:
            seen = log_seen(complex(x * (radius + back), x * up)) - log_s
        value = complex(0.0, 0.0)
        if unseen.real < seen.real:
            ratio = np.exp(unseen - seen)
            for j in range(high, low - 1, -1):
                value = value * ratio + W[j]
            power = low * unseen + (k - low) * seen
        else:
            ratio = np.exp(seen - unseen)
            for j in range(low, high + 1):
                value = value * ratio + W[j]
            power = high * unseen + (k - high) * seen
        if heavy > 0.0:
            power += log_seen(complex(heavy * (radius + back), heavy * up)) - log_s_heavy
        power += complex(possible * back, (possible * radius - n) * angle + possible * radius * sine_lag(angle))
        term = (np.exp(power) * value).real
        total += term if 2 * i == nodes else 2 * term
        i += 1
        angle = i * step
    power = scale + from_poisson(n, possible * radius) + power_log(n, possible, absent)
    if heavy > 0.0:
        power += log_s_heavy
    return math.exp(power) * total / nodes


@jit
def _family_at(n: int, A: int, r: float, k: int, light: float, cost: np.ndarray) -> float:
    """What an input of k labels of mass `light`, one of r - k `light` and A - k - 1 of mass 0 adds; `cost`: room."""
    zeros = A - k - 1
    heavy = max(r - k * light, 0.0)
    if n == 0:
        mean = r / A
        return 0.5 * (k * abs(light - mean) + zeros * mean + abs(heavy - mean))
    value = 0.0
    if heavy > 0.0 and zeros > 0 and k > 0 and light > 0.0:
        for j in range(k + 1):
            cost[j] = light * (j * zeros / (j + zeros))
        value += _component(n, 1 - r, k, light, heavy, 0.0, cost)
    for j in range(k + 1):
        u = j + zeros + 1
        tilted = abs(light * (zeros + 1) - heavy) * j + (j * light + heavy) * zeros
        cost[j] = 0.5 * (tilted + abs(heavy * (j + zeros) - j * light)) / u
    if light > 0.0:
        return value + _component(n, 1 - r, k, light, 0.0, heavy, cost)
    # k labels of mass 0 are never seen: 1 - heavy = 1 - r draws elsewhere
    return value + cost[k] * (math.exp(n * math.log1p(-heavy)) if heavy < 1.0 else 0.0)


@jit
def family(n: int, A: int, r: float, k: int, x: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` with what an input of k labels of mass x[i], one of r - k x[i] and A - k - 1 of mass 0 adds."""
    cost = np.empty(k + 1)
    for i in range(x.size):
        out[i] = _family_at(n, A, r, k, x[i], cost)


@jit
def family_peak(
    n: int, A: int, r: float, k: int, left: float, right: float, close: float, turns: int
) -> tuple[float, float]:
    """Where in [left, right], up to `close`, `family` is largest if it has one maximum there, and that value.

    Brent's search: golden sections, and steps to the top of a parabola through the last three points where that lies
    well inside.
    """
    cost = np.empty(k + 1)
    golden = 0.5 * (3.0 - math.sqrt(5.0))
    best = second = third = left + golden * (right - left)
    f_best = f_second = f_third = _family_at(n, A, r, k, min(best, r / k), cost)
    step = before = 0.0
    for _ in range(turns):
        middle = 0.5 * (left + right)
        least = 1.5e-8 * abs(best) + close / 3.0
        if abs(best - middle) <= 2.0 * least - 0.5 * (right - left):
            break
        parabola = False
        if abs(before) > least:
            one = (best - second) * (f_best - f_third)
            two = (best - third) * (f_best - f_second)
            above = (best - third) * two - (best - second) * one
            below = 2.0 * (two - one)
            if below > 0.0:
                above = -above
            below = abs(below)
            if abs(above) < abs(0.5 * below * before) and below * (left - best) < above < below * (right - best):
                parabola = True
                before = step
                step = above / below
                at = best + step
                if at - left < 2.0 * least or right - at < 2.0 * least:
                    step = least if middle >= best else -least
        if not parabola:
            before = left - best if best >= middle else right - best
            step = golden * before
        at = best + (step if abs(step) >= least else math.copysign(least, step))
        value = _family_at(n, A, r, k, min(at, r / k), cost)
        if value >= f_best:
            if at >= best:
                left = best
            else:
                right = best
            third, f_third, second, f_second, best, f_best = second, f_second, best, f_best, at, value
        else:
            if at < best:
                left = at
            else:
                right = at
            if value >= f_second or second == best:
                third, f_third, second, f_second = second, f_second, at, value
            elif value >= f_third or third in (best, second):
                third, f_third = at, value
    return best, f_best


@jit
def cells(
    n: int,
    rest: float,
    w: np.ndarray,
    size: np.ndarray,
    unseen: np.ndarray,
    log_ways: np.ndarray,
    cost: np.ndarray,
) -> tuple[float, float]:
    """Sum over cells of cost P(unseen[i, c] of the size[c] labels of mass w[c] are unseen, for every c), and its error.

    Every cost is positive, n at least 1, every cell possible: at least as many draws as labels seen, and something to
    draw.
    """
    classes = w.size
    radii = np.empty(cost.size)
    spreads = np.empty(cost.size)
    bounds = np.empty(cost.size)
    best = -np.inf
    for i in range(cost.size):
        kept, absent = rest, 0.0
        for c in range(classes):
            kept += (size[c] - unseen[i, c]) * w[c]
            absent += unseen[i, c] * w[c]
        radius = (n + 0.25) / kept
        below, above = 1e-300, np.inf
        variance = 0.0
        for _ in range(100):
            mean = variance = radius * kept
            for c in range(classes):
                if unseen[i, c] < size[c]:
                    extra, slope = zero_truncated(w[c] * radius)
                    mean += (size[c] - unseen[i, c]) * extra
                    variance += (size[c] - unseen[i, c]) * slope
            gap = n + 0.25 - mean
            if abs(gap) <= 0.05 * math.sqrt(variance) + 0.2:
                break
            if gap > 0:
                below = radius
            else:
                above = radius
            radius *= 1 + gap / variance if gap > -0.5 * variance else 0.5
            if not below < radius < above:
                radius = math.sqrt(below * above) if above < np.inf else 4 * below
        bound = math.log(cost[i]) + log_ways[i] + from_poisson(n, kept * radius) + power_log(n, kept, absent)
        for c in range(classes):
            if unseen[i, c] < size[c]:
                bound += (size[c] - unseen[i, c]) * math.log(-math.expm1(-w[c] * radius))
        radii[i], spreads[i], bounds[i] = radius, variance, bound
        best = max(best, bound - 0.5 * math.log(2 * math.pi * (variance + 1)))
    floor = best - 41.0 - math.log(cost.size)
    value = error = 0.0
    log_s = np.zeros(classes)
    for i in range(cost.size):
        if bounds[i] < floor:
            error += math.exp(bounds[i])
            continue
        radius = radii[i]
        kept, decay = rest, rest
        magnitude = 40.0 + log_ways[i] + abs(bounds[i])
        for c in range(classes):
            seen = size[c] - unseen[i, c]
            kept += seen * w[c]
            decay += 0.5 * seen * w[c]
            log_s[c] = math.log(-math.expm1(-w[c] * radius))
            magnitude -= seen * log_s[c]
        decay *= radius
        nodes = math.ceil(12 * math.sqrt(spreads[i]) + 40)
        step = 2 * math.pi / nodes
        reach = 4.0 if decay < 45.0 else math.acos(1.0 - 45.0 / decay)
        total = 1.0
        j = 1
        angle = step
        while 2 * j <= nodes and angle < reach:
            half = math.sin(0.5 * angle)
            back = -2 * half * half * radius
            up = radius * math.sin(angle)
            power = complex(kept * back, (kept * radius - n) * angle + kept * radius * sine_lag(angle))
            for c in range(classes):
                if unseen[i, c] < size[c]:
                    z = complex(w[c] * (radius + back), w[c] * up)
                    power += (size[c] - unseen[i, c]) * (log_seen(z) - log_s[c])
            term = (np.exp(power)).real
            total += term if 2 * j == nodes else 2 * term
            j += 1
            angle = j * step
        share = math.exp(bounds[i]) / nodes
        value += share * total
        error += share * (8.8e-16 * magnitude * abs(total) + 1e-17 * nodes * math.exp(-40.0))
    return value, error


# --- Double-double: a pair hi + lo, |lo| <= ulp(hi) / 2, about 31 digits (Dekker, Knuth) -----------------------

LN2_HI, LN2_LO = 0.6931471805599453, 2.3190468138462996e-17


@jit
def _two_sum(a: float, b: float) -> tuple[float, float]:
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@jit
def _two_prod(a: float, b: float) -> tuple[float, float]:
    p = a * b
    t = 134217729.0 * a
    ah = t - (t - a)
    al = a - ah
    t = 134217729.0 * b
    bh = t - (t - b)
    bl = b - bh
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


@jit
def _add(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    s, e = _two_sum(a, c)
    t, f = _two_sum(b, d)
    s, e = _two_sum(s, e + t)
    return _two_sum(s, e + f)


@jit
def _times(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    p, e = _two_prod(a, c)
    return _two_sum(p, e + (a * d + b * c))


@jit
def _over(a: float, b: float, c: float) -> tuple[float, float]:
    q = a / c
    p, e = _two_prod(q, c)
    return _two_sum(q, ((a - p) - e + b) / c)


@jit
def _exponential(a: float, b: float) -> tuple[float, float, int]:
    """(hi, lo, k): e^(a + b) = 2^k (1 + hi + lo). Taylor on 1/512 of the reduced argument, doubled nine times."""
    k = 0 if abs(a) < 0.35 else round(a / LN2_HI)
    p, e = _two_prod(float(k), LN2_HI)
    a, b = _add(a, b, -p, -e - k * LN2_LO)
    a, b = a / 512, b / 512
    hi, lo = 1.0, 0.0
    for i in range(11, 1, -1):
        hi, lo = _times(hi, lo, a, b)
        hi, lo = _over(hi, lo, float(i))
        hi, lo = _add(1.0, 0.0, hi, lo)
    hi, lo = _times(hi, lo, a, b)
    for _ in range(9):
        p, e = _times(hi, lo, hi, lo)
        hi, lo = _add(2 * hi, 2 * lo, p, e)
    return hi, lo, k


@jit
def _logarithm(kept: float, kept_low: float, absent: float, absent_low: float) -> tuple[float, float]:
    """log(kept), kept = 1 - absent: one Newton step from the double."""
    y = math.log1p(-absent) if absent < 0.5 else math.log(kept)
    hi, lo, k = _exponential(-y, 0.0)
    if k == 0 and absent < 0.5:
        p, e = _add(1.0, 0.0, hi, lo)
        p, e = _times(p, e, -absent, -absent_low)
        hi, lo = _add(hi, lo, p, e)
    else:
        hi, lo = _add(1.0, 0.0, hi, lo)
        hi, lo = math.ldexp(hi, k), math.ldexp(lo, k)
        hi, lo = _times(hi, lo, kept, kept_low)
        hi, lo = _add(hi, lo, -1.0, 0.0)
    return _add(y, 0.0, hi, lo - 0.5 * hi * hi)


@jit
def set_laws(n: int, rest: np.ndarray, w: np.ndarray, relevant: np.ndarray, law: np.ndarray, low: np.ndarray) -> float:
    """Fill law + low with P(exactly the labels of U are unseen) e^-scale for every set U, as bits; return scale.

    w, shape (m, 2), and rest, shape (2,), are pairs that add up to 1. Sets that are not relevant, nor any part of
    them, are skipped. n is at least 1.
    """
    m = w.shape[0]
    sets = law.size
    absent = np.zeros((sets, 2))
    for U in range(1, sets):
        a = 0
        while not (U >> a) & 1:
            a += 1
        before = U & (U - 1)
        absent[U, 0], absent[U, 1] = _add(absent[before, 0], absent[before, 1], w[a, 0], w[a, 1])
    scale = -np.inf
    for U in range(sets):
        law[U] = -np.inf
        low[U] = 0.0
        kept, kept_low = _add(absent[sets - 1 - U, 0], absent[sets - 1 - U, 1], rest[0], rest[1])
        if relevant[U] and kept > 0.0:
            y, y_low = _logarithm(kept, kept_low, absent[U, 0], absent[U, 1])
            law[U], low[U] = _times(y, y_low, float(n), 0.0)
            scale = max(scale, law[U])
    for U in range(sets):
        if law[U] - scale < -700.0 or scale == -np.inf:
            law[U] = low[U] = 0.0
            continue
        y, y_low = _add(law[U], low[U], -scale, 0.0)
        hi, lo, k = _exponential(y, y_low)
        hi, lo = _add(1.0, 0.0, hi, lo)
        law[U], low[U] = math.ldexp(hi, k), math.ldexp(lo, k)
    for a in range(m):
        bit = 1 << a
        for U in range(sets):
            if not U & bit:
                law[U], low[U] = _add(law[U], low[U], -law[U | bit], -low[U | bit])
    return scale
