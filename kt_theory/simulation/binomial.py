r"""Binomial draws whose set-up is cheap: a multinomial over many cells needs one binomial per cell, each of another n.

Two methods, both exact but for the rounding stated below:

- below `INVERSION` expected successes: inversion, by adding up probabilities from 0;
- beyond: the transformed rejection BTRS of W. Hormann (The generation of binomial random variates, Journal of
  Statistical Computation and Simulation 46, 1993). Six draws of seven are accepted after one square root and three
  divisions.

BTRS takes U uniform on (-1/2, 1/2), proposes :math:`k = \lfloor G(U) \rfloor`,
:math:`G(u) = (2 a / (1/2 - |u|) + b) u + n p + 1/2`, and accepts it with probability
:math:`G'(u) f(k) / (\alpha f(m))`, where f is the law, m its mode, and :math:`G'(u)` is taken as
:math:`a / (1/2 - |u|)^2 + b`. That is at most 1, and at least :math:`v_r` where 1/2 - |u| >= .07, so that V <= v_r
accepts without it. Since G' integrates to 1 over the proposals of one k, k is drawn with probability f(k).

A draw waits for the one before, which says how many samples are left. So that little of the work waits, `foreseen` has
the law of each cell where as many are left as on average, E. With (1 + h) E left, n p is linear in h, the standard
deviation is that at E times :math:`1 + h / 2 - h^2 / 8`, and G(U) becomes a polynomial in h whose coefficients wait for
nothing. For :math:`|h| \le 1/16` and 1/2 - |U| >= .07 it is off by less than :math:`.14 s |h|^3` and rounding: that
square root is off by a relative :math:`.074 |h|^3`, and G(U) - n p is at most 1.86 s. V is compared with the least v_r
that is possible. Where G(U) may lie on the other side of an integer, or V decides nothing, the draw is made from the
same uniforms as if nothing was foreseen: `foreseen` changes no draw.

Rounding, for n up to 10**17:

- k is m plus an integer offset of some standard deviations, in 64-bit integers. No k beyond 2**53 is left out.
- :math:`\log f(k) / f(m)` never takes a difference of large numbers. With M = m + 1, R = n - m + 1, x = k - m,
  :math:`\varphi(t) = (1 + t) \log(1 + t) - t`, and Stirling's correction c, :math:`\log k! = (k + 1/2) \log(k + 1) -
  (k + 1) + \log \sqrt{2 \pi} + c(k)`, it is :math:`-M \varphi(x / M) - R \varphi(-x / R)
  + (\log(1 + x / M) + \log(1 - x / R)) / 2 + x \log(p R / (q M)) - c(k) + c(m) - c(n - k) + c(n - m)`.
  :math:`\varphi` is a series for small t, c is a table up to 9 and four terms of its series from there, with a
  remainder below 4e-13. All terms are at most some tens where f(k) > e**-50 f(m): the logarithm is off by less than
  2e-12.
- n p is rounded by a relative 2**-53, as p is: the mean is off by less than 4e-8 standard deviations at 10**17.
- A uniform has 53 bits. The proposals of one k are some 2**53 / b of them, b about 2.5 standard deviations: their
  number is off by a relative 5e-8 at 10**17, 5e-12 at 10**9.
- Inversion adds up probabilities that are off by a relative 1e-14, and cannot see a probability below 2**-53.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit

#: Expected successes below which probabilities are added up. BTRS is proved from 10 on.
INVERSION = 10.0

#: Distance from the mode up to which a ratio of probabilities is a quotient of products: 16 factors of at most 10**17.
NEAR = 16

#: The largest n, and the most cells, for which means are foreseen: with more samples floats are too coarse, and with
#: more cells their table takes more memory than the rest.
FORESEEN_N, FORESEEN_CELLS = 2**40, 2**18

#: Relative distance from its mean up to which what is left is foreseen.
NEARLY = 1 / 16

#: The largest count that inversion gives: more have a probability below 1e-26 where it is used.
MOST = 63
RECIPROCALS = 1.0 / np.maximum(np.arange(MOST + 1), 1)

#: Stirling's correction of log k!, k = 0..9.
CORRECTIONS = np.array(
    [
        math.log(math.factorial(k)) - (k + 0.5) * math.log(k + 1) + (k + 1) - 0.5 * math.log(2 * math.pi)
        for k in range(10)
    ]
)


@jit
def correction(k: int) -> float:
    """Stirling's correction of log k!, within 4e-13."""
    if k < 10:
        return CORRECTIONS[k]
    y = 1.0 / (k + 1.0)
    z = y * y
    return (1 / 12 - (1 / 360 - (1 / 1260 - z / 1680) * z) * z) * y


@jit
def excess(t: float) -> float:
    """(1 + t) log(1 + t) - t for t > -1."""
    if abs(t) > 0.02:
        return (1.0 + t) * math.log1p(t) - t
    series = 1 / 30 - t * (1 / 42 - t * (1 / 56 - t * (1 / 72 - t / 90)))
    return t * t * (1 / 2 - t * (1 / 6 - t * (1 / 12 - t * (1 / 20 - t * series))))


@jit
def log_ratio(n: int, p: float, m: int, x: int) -> float:
    """The logarithm of f(m + x) / f(m), f = Bin(n, p), for 0 <= m + x <= n and m next to n p."""
    k, r = m + x, n - m
    M, R = m + 1.0, r + 1.0
    up, down = x / M, -x / R
    tilt = math.log1p((n * p - m + 2.0 * p - 1.0) / ((1.0 - p) * M))
    return (
        x * tilt
        - M * excess(up)
        - R * excess(down)
        + 0.5 * (math.log1p(up) + math.log1p(down))
        + (correction(m) - correction(k))
        + (correction(r) - correction(n - k))
    )


@jit
def near_ratio(n: int, odds: float, m: int, x: int) -> float:
    """f(m + x) / f(m) of f = Bin(n, p), as a quotient of two products, odds = p / (1 - p); |x| at most `NEAR`."""
    above, below = 1.0, 1.0
    for j in range(min(m, m + x) + 1, max(m, m + x) + 1):
        above *= (n + 1 - j) * odds
        below *= j
    return above / below if x >= 0 else below / above


@jit
def accepted(n: int, p: float, odds: float, m: int, x: int, share: float, variance: float) -> bool:
    """Whether share <= f(m + x) / f(m) of f = Bin(n, p), by the cheapest test that decides; odds is p / (1 - p), and
    variance n p (1 - p).
    """
    far = float(abs(x))
    if far <= NEAR:
        return share <= near_ratio(n, odds, m, x)
    if share <= 0.0:
        return True
    log_share = math.log(share)
    if far < variance / 2.0 - 1.0:
        # log f(m + x) / f(m) lies between these two (Kachitvichyanukul and Schmeiser 1988).
        normal = -far * far / (2.0 * variance)
        width = far / variance * ((far * (far / 3.0 + 0.625) + 1 / 6) / variance + 0.5)
        if log_share <= normal - width:
            return True
        if log_share > normal + width:
            return False
    return log_share <= log_ratio(n, p, m, x)


@jit
def hat(deviation: float, p: float) -> tuple[float, float, float, float]:
    """Hormann's a, b, alpha and v_r, of a law of this standard deviation."""
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    return a, b, (2.83 + 5.1 / b) * deviation, 0.92 - 4.2 / b


@jit
def inversion(uniforms: np.ndarray, at: int, n: int, odds: float, log_q: float) -> tuple[int, int]:
    """A draw of Bin(n, p) by adding up probabilities, from the uniforms from place `at` on, for n p <= 10.

    odds = p / (1 - p), log_q = log(1 - p). The draw is -1 where there are too few uniforms; with it comes the place
    behind those that were used.
    """
    none = math.exp(n * log_q)
    top = min(n, MOST)
    while at < uniforms.size:
        u = uniforms[at]
        at += 1
        k, mass = 0, none
        while u >= mass and k < top:
            u -= mass
            k += 1
            mass *= odds * (n - k + 1) * RECIPROCALS[k]
        if u < mass:
            return k, at
        # Rounding left u above the sum of all probabilities, once in some 10**15 draws: the next uniform is taken.
    return -1, at


def foreseen(n: int, p: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """What `multinomial` can know of a cell before it knows what is left of n: float64, shape (K, 7), or (0, 7).

    Parameters
    ----------
    n : int
        Sum of a row.
    p : float64, shape (K,)
        Mass of a cell over that of itself and those behind it.
    behind : float64, shape (K,)
        Mass of a cell and those behind it.

    Returns
    -------
    ndarray
        Per cell: what is left on average, E; 1 / E; the mean of the draw; its standard deviation; the part of Hormann's
        a that does not grow with it; the least v_r, or -1 where the mean may be below `INVERSION`; and what rounding
        may move. No rows for n or K beyond `FORESEEN_N` and `FORESEEN_CELLS`.
    """
    if n > FORESEEN_N or p.size > FORESEEN_CELLS:
        return np.empty((0, 7))
    left = n * behind
    mean = left * p
    deviation = np.sqrt(mean * (1.0 - p))
    fixed = 0.0248 * 1.15 - 0.0873 + 0.01 * p
    least_b = 1.15 + 2.53 * math.sqrt(1 - NEARLY) * deviation
    sure = np.where((1 - NEARLY) * mean > INVERSION, 0.92 - 4.2 / least_b, -1.0)
    with np.errstate(divide="ignore", over="ignore"):  # of means that are far below
        return np.stack([left, 1.0 / left, mean, deviation, fixed, sure, 1e-6 + mean * 2.0**-48], axis=1)


@jit
def multinomial(
    uniforms: np.ndarray,
    state: np.ndarray,
    n: int,
    cells: np.ndarray,
    p: np.ndarray,
    odds: np.ndarray,
    log_q: np.ndarray,
    known: np.ndarray,
    counts: np.ndarray,
) -> bool:
    """Fill the rows of `counts` with multinomial draws, one conditional binomial per cell; False if uniforms run out.

    Parameters
    ----------
    uniforms : float64, shape (m,)
        Numbers in [0, 1), used in their order.
    state : int64, shape (4,)
        Place in the uniforms, row, place in the cells, and what the row has left. In: where to go on. Out: where to go
        on with more uniforms; a draw that was cut short begins again with the same ones.
    n : int
        Sum of a row.
    cells : int64, shape (K,)
        The cells of positive mass; the last one gets what the others leave over.
    p, odds, log_q : float64, shape (K,)
        Mass of a cell over that of itself and those behind it, at most 1/2 but for the last one; p / (1 - p); and
        log(1 - p).
    known : float64, shape (K, 7) or (0, 7)
        By `foreseen`.
    counts : int64, shape (R, cells)
        Zero at first.
    """
    at, r, i, rest = state[0], state[1], state[2], state[3]
    last = cells.size - 1
    while r < counts.shape[0]:
        while i < last and rest > 0:
            k, first, share = -1, at, p[i]
            if known.shape[0] > 0 and at + 2 <= uniforms.size:
                left, inverse, mean, deviation = known[i, 0], known[i, 1], known[i, 2], known[i, 3]
                fixed, sure, rounding = known[i, 4], known[i, 5], known[i, 6]
                u = uniforms[at] - 0.5
                us = 0.5 - abs(u)
                # a = fixed + .0248 * 2.53 s and b = 1.15 + 2.53 s: the parts of G that stay, and that grow with s.
                still = (fixed * (2.0 / us) + 1.15) * u
                spread = (0.0248 * 2.53 * (2.0 / us) + 2.53) * u * deviation
                half = 0.5 * inverse
                more = rest - left
                place = mean + 0.5 + still + spread + more * (share + spread * half - spread * half * half * 0.5 * more)
                k = int(place)
                part = place - k
                h = abs(more) * inverse
                slack = rounding + deviation * (h * h * h)
                # One condition joined by & would take more time: what comes next would wait for it.
                if us >= 0.07 and uniforms[at + 1] <= sure and h <= NEARLY and slack < part and part < 1.0 - slack:
                    counts[r, cells[i]] = k
                    rest -= k
                    i += 1
                    at += 2
                    continue
                k = -1
            mean = rest * share
            if mean < INVERSION:
                k, at = inversion(uniforms, at, rest, odds[i], log_q[i])
            else:
                # BTRS. Called as a function it takes a tenth more time.
                variance = mean * (1.0 - share)
                a, b, alpha, sure = hat(math.sqrt(variance), share)
                m = int(mean + share)
                centre = mean - m + 0.5
                while at + 2 <= uniforms.size:
                    u = uniforms[at] - 0.5
                    v = uniforms[at + 1]
                    at += 2
                    us = 0.5 - abs(u)
                    place = (a * (2.0 / us) + b) * u + centre
                    # Most draws end here: within 1.9 standard deviations + 2 of the mean, so that 0 <= k <= rest.
                    if us >= 0.07 and v <= sure:
                        k = m + math.floor(place)
                        break
                    # G is infinite at us = 0; so near to it, k is 10**13 standard deviations from its mean.
                    if us < 1e-15 or place < -float(m) or place >= rest - m + 1.0:
                        continue
                    x = math.floor(place)
                    if accepted(rest, share, odds[i], m, x, v * alpha / (a / (us * us) + b), variance):
                        k = m + x
                        break
            if k < 0:
                state[0], state[1], state[2], state[3] = first, r, i, rest
                return False
            counts[r, cells[i]] = k
            rest -= k
            i += 1
        counts[r, cells[last]] = rest
        r, i, rest = r + 1, 0, n
    state[0], state[1], state[2], state[3] = at, 0, 0, n
    return True
