"""The numba loops of `kt_theory.exact.levels`; the mathematics is told there. They validate nothing."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit


@jit
def below_levels(
    t: np.ndarray,
    factor: np.ndarray,
    w: np.ndarray,
    p: np.ndarray,
    times: np.ndarray,
    levels: np.ndarray,
    half_period: float,
    negligible: float,
    slow: int,
    most: int,
    hopeless: float,
    out: np.ndarray,
) -> tuple[float, int]:
    """Add Re sum over t of factor(t) P(i in U, mean of U <= level) to out[i, level]; labels unseen at the rate t.

    Label i stands for `times[i]` labels, which may be no whole number, of "probability" e^(-w t) to be unseen. Returns
    what may be wrong with an entry, about: harmonics left out after two that are negligible, or after `most`, and those
    used beyond `slow`, too fast for so many levels; and the first that was not used at every level. Gives up where the
    former is above `hopeless`.
    """
    m = w.size
    q = np.empty((t.size, m), dtype=np.complex128)
    s = np.empty((t.size, m), dtype=np.complex128)
    for k in range(t.size):
        for i in range(m):
            z = w[i] * t[k]
            size = math.exp(-z.real)
            half = math.sin(0.5 * z.imag)
            q[k, i] = complex(size * math.cos(z.imag), -size * math.sin(z.imag))
            s[k, i] = complex(-math.expm1(-z.real) * math.cos(z.imag) + 2 * half * half, size * math.sin(z.imag))
    turn = np.empty(m, dtype=np.complex128)
    part = np.empty(m, dtype=np.complex128)
    cut = 0.0
    first = most
    for j in range(levels.size):
        for i in range(m):
            for k in range(t.size):
                out[i, j] += 0.5 * (factor[k] * q[k, i]).real
        last = fast = 0.0
        quiet = 0
        harmonic = 1
        while harmonic < most and quiet < 2:
            here = 0.0
            for sign in (1, -1):
                x = sign * harmonic * math.pi / half_period
                for i in range(m):
                    angle = x * (p[i] - levels[j])
                    turn[i] = complex(math.cos(angle), math.sin(angle))
                all_t = complex(0.0, 0.0)
                for k in range(t.size):
                    logs = complex(0.0, 0.0)
                    product = complex(1.0, 0.0)
                    for i in range(m):
                        unseen = q[k, i] * turn[i]
                        both = s[k, i] + unseen
                        if times[i] == 1.0:
                            product *= both
                        else:
                            logs += times[i] * np.log(both)
                        part[i] = unseen / both
                    whole = factor[k] * product * np.exp(logs) * complex(0.0, sign / (math.pi * harmonic))
                    all_t += whole
                    for i in range(m):
                        out[i, j] += (whole * part[i]).real
                here = max(here, abs(all_t))
            last = here
            if harmonic > slow:
                fast += here
            # Two in a row: one alone may be a zero of the characteristic function.
            quiet = quiet + 1 if last < negligible else 0
            harmonic += 2
        first = min(first, harmonic)
        cut = max(cut, fast + (last * math.sqrt(harmonic) if quiet < 2 else 0.0))
        if cut > hopeless:
            return cut, first
    return cut, first
