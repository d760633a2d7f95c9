"""The numba loops of `kt_theory.exact.counts`; the mathematics is told there. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit

EULER = 0.5772156649015329

#: Steps of a turning exponential, which gathers a rounding in each.
ANEW = 64


@jit
def _turned(x: float) -> complex:
    """e^(ix) - 1 - ix."""
    if abs(x) > 0.5:
        half = math.sin(0.5 * x)
        return complex(-2 * half * half, math.sin(x) - x)
    s = x * x
    cosine = 1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132 * (1 - s / 182))))
    sine = 1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156 * (1 - s / 210))))
    return complex(-0.5 * s * (1 - s / 12 * cosine), -x * s / 6 * (1 - s / 20 * sine))


@jit
def _log_lag(z: complex) -> complex:
    """log(1 + z) - z."""
    if abs(z.real) + abs(z.imag) > 0.1:
        square = z.real * (2 + z.real) + z.imag * z.imag
        real = 0.5 * (math.log1p(square) if square > -0.5 else math.log(max((1 + z.real) ** 2 + z.imag**2, 1e-320)))
        return complex(real - z.real, math.atan2(z.imag, 1 + z.real) - z.imag)
    total = complex(0.0, 0.0)
    for i in range(18, 1, -1):
        total = 1.0 / i - z * total
    return -z * z * total


@jit
def drifts(first: float, step: float, weight: np.ndarray, d: np.ndarray, out: np.ndarray) -> None:
    """The sum of weight (e^(ix) - 1 - ix), x = omega d, for out.size equidistant omega.

    Where x is not small, by turning on, anew every `ANEW` steps.
    """
    out[:] = 0.0
    for start in range(0, out.size, ANEW):
        stop = min(start + ANEW, out.size)
        for b in range(d.size):
            if abs((first + (stop - 1) * step) * d[b]) <= 0.5:
                for j in range(start, stop):
                    out[j] += weight[b] * _turned((first + j * step) * d[b])
                continue
            x, move = (first + start * step) * d[b], step * d[b]
            at = complex(math.cos(x), math.sin(x))
            turn = complex(math.cos(move), math.sin(move))
            for j in range(start, stop):
                out[j] += weight[b] * complex(at.real - 1, at.imag - x)
                at *= turn
                x += move


@jit
def auxiliary(z: float) -> tuple[float, float]:
    """1 - z f(z) and g(z), f and g the auxiliary functions of the sine and the cosine integral, z > 0."""
    if z > 40.0:
        y = 1.0 / (z * z)
        one, two, term = 0.0, 0.0, 1.0
        # g = (1 - 3! y + 5! y^2 - ...) y, z f = 1 - 2! y + 4! y^2 - ...
        for i in range(1, 14):
            two += term
            term *= -(2.0 * i) * y
            one -= term
            term *= 2.0 * i + 1
        return one, two * y
    if z > 2.0:
        # The continued fraction of e^(iz) E_1(iz) = g - i f (Lentz).
        b = complex(1.0, z)
        c = complex(1e300, 0.0)
        d = 1.0 / b
        h = d
        for i in range(1, 200):
            a = -float(i * i)
            b += 2.0
            d = 1.0 / (a * d + b)
            c = b + a / c
            step = c * d
            h *= step
            if abs(step.real - 1) + abs(step.imag) < 1e-16:
                break
        return 1 + z * h.imag, h.real
    sine, cosine = 0.0, EULER + math.log(z)
    term = 1.0
    for i in range(1, 60):
        term *= z / i
        part = term / i
        if i % 2 == 0:
            cosine += part if i % 4 == 0 else -part
        else:
            sine += part if i % 4 == 1 else -part
        if part < 1e-18:
            break
    sine -= 0.5 * math.pi
    f = cosine * math.sin(z) - sine * math.cos(z)
    return 1 - z * f, -cosine * math.cos(z) - sine * math.sin(z)


@jit
def coefficients(
    number: np.ndarray, omega: np.ndarray, k: np.ndarray, low: float, high: float, out: np.ndarray
) -> None:
    """The cosine coefficients of (1 - k/x)^+ on [low, high], for low <= k <= high: out[j, k]."""
    scale = 2 / (high - low)
    for j in range(omega.size):
        end = auxiliary(omega[j] * high)[1]
        if number[j] % 2 == 1:
            end = -end
        for i in range(k.size):
            one, g = auxiliary(omega[j] * k[i])
            angle = omega[j] * (k[i] - low)
            out[j, i] = scale * (k[i] * (end - g * math.cos(angle)) - math.sin(angle) * one / omega[j])


@jit
def _power(n: float, drift: complex) -> float:
    """|1 + drift|^n."""
    return math.exp(n * (_log_lag(drift).real + drift.real))


@jit
def envelope(
    n: float,
    omega: np.ndarray,
    drift: np.ndarray,
    w: np.ndarray,
    rest: np.ndarray,
    d: np.ndarray,
    most: np.ndarray,
    many: float,
    out: np.ndarray,
) -> None:
    """out[j]: the sum over labels of most[i, 1] times what bounds the characteristic function at omega[j].

    That is its modulus given the largest count, most[i, 0]. Sums over the counts of a label that is often seen cancel:
    the larger of the moduli for the sum, and for the sum and the count together, if that is less; and most[i, 2] for
    the ends of the window, where the coefficients bend.
    """
    for j in range(omega.size):
        whole = _power(n, drift[j])
        jump = complex(math.cos(omega[j]), math.sin(omega[j])) - 1
        total = 0.0
        for i in range(w.size):
            x = omega[j] * d[i]
            turned = _turned(x)
            left = (drift[j] - w[i] * complex(turned.real, turned.imag + x)) / rest[i]
            here = _power(n - most[i, 0], left)
            if n * w[i] * rest[i] > many and here > whole:
                own = w[i] * complex(1 + turned.real, turned.imag + x)
                both = max(_power(n, drift[j] + own * jump), _power(n, drift[j] + own * jump.conjugate()))
                here = min(here, max(whole, both) + most[i, 2] * (1 + 1 / omega[j]))
            total += most[i, 1] * here
        out[j] = total


@jit
def sums(
    n: float,
    omega: np.ndarray,
    drift: np.ndarray,
    below: float,
    w: np.ndarray,
    rest: np.ndarray,
    d: np.ndarray,
    first: np.ndarray,
    lead: np.ndarray,
    step: np.ndarray,
    start: np.ndarray,
    law: np.ndarray,
    least: np.ndarray,
    place: np.ndarray,
    table: np.ndarray,
    under: np.ndarray,
    weight: np.ndarray,
    by_harmonic: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add to out[i] the sum over omega and over counts k of label i of law(k) c(k) Re E[e^(i omega (M - low)) | k].

    Label i has the counts first[i] + r step[i], r = 0, 1, ..., of which law[start[i] : start[i + 1]] are the
    probabilities; lead[i] is first[i] less its mean count, below the mean of M less low. For r < least[i], c is
    - k under[j], and from there on table[place[i, 0] + j place[i, 1] + r]. The sums over labels, `weight` times over,
    are added to `by_harmonic`.
    """
    for i in range(w.size):
        counts = start[i + 1] - start[i]
        for j in range(omega.size):
            x = omega[j] * d[i]
            z = (drift[j] - w[i] * _turned(x)) / rest[i]
            turn = w[i] * x / rest[i]
            power = z + _log_lag(complex(z.real, z.imag - turn))
            value = np.exp(complex(0.0, x * lead[i] / rest[i] + omega[j] * below) + (n - first[i]) * power)
            ratio = np.exp(step[i] * (complex(0.0, x / rest[i]) - power))
            total = 0.0
            k = first[i]
            for r in range(least[i]):
                total -= law[start[i] + r] * k * value.real
                value *= ratio
                k += step[i]
            total *= under[j]
            at = place[i, 0] + j * place[i, 1]
            for r in range(least[i], counts):
                total += law[start[i] + r] * table[at + r] * value.real
                value *= ratio
            out[i] += total
            by_harmonic[j] += weight[i] * total
