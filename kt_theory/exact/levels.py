r"""SEL_ptl on rows of dozens to many thousands of different labels, total variation, uniform init: level by level.

As in `kt_theory.exact.sel`, U is the set of unseen labels and :math:`m = p(U)/|U|` the student's value on each of them.
As :math:`D(U) = \sum_{a \in U} (p_a - m)^+`,

.. math:: \mathrm{E} D = \int_0^\infty \sum_{a : p_a > \tau} \Pr(a \in U, m \le \tau)\, d\tau,
          \qquad m \le \tau \iff X_\tau = \sum_{b \in U} (p_b - \tau) \le 0 .

**A circle**, as in `kt_theory.exact.many`: at the Poisson rate t labels are unseen independently, with "probability"
:math:`q_b = e^{-w_b t}`, and the n-th coefficient in t is the mean after n draws. Many labels may be unseen here, so
that the radius is n, and some ten nodes near the real axis do. The trapezium rule with N nodes adds the coefficients
n +- N, ...; as E D is at most the missing mass, that is bounded.

**A square wave.** :math:`1\{x \le 0\} = \tfrac12 + \sum_{k\ \mathrm{odd}} \tfrac{i}{\pi k} e^{i \pi k x / L}` for
:math:`0 < |x| < L`, over odd k of both signs. What is needed is one product for all labels,
:math:`\prod_b (1 - q_b + q_b e^{i \xi (p_b - \tau)})`, and for a label its own factor in place of one of them:
O(A) a node. Where dozens of labels may be unseen or not, the product falls like that of a normal law, and some twenty
harmonics do. Below and above the levels that m can take (Chernoff, e^-30) the probability is 0 or that of a in U.

**Levels.** The probability is a smooth function of the level, and is integrated up to :math:`p_a` as a polynomial
through Chebyshev points.

**Labels alike.** Every sum over labels is one of a smooth function of p: in a short interval, many labels are
replaced by Chebyshev points that bear the weights of the polynomial through them, which may be negative. The kinks, at
the first and the last level, end intervals; between them intervals are shorter. So 50,000 labels cost as much as some
hundreds.

Labels of few distinct probabilities, or of probabilities that are multiples of one number, as counts over their sum
are, come into phase again at some high harmonic. The modulus of the product at the rate n, :math:`\prod_b (1 - 4 q_b (1
- q_b) \sin^2(\xi (p_b - \tau) / 2))^{1/2}`, is followed for a million phases, harmonic by harmonic, each at the
level where it is about largest. Up to p_a a harmonic integrates to its modulus over :math:`\xi |U|`, and it counts
for labels between the first and the last level only: beyond, neighbouring harmonics cancel. Harmonics that were not
followed count as if all labels were in phase at multiples of the first of them; those that are used and turn faster
than a polynomial through the levels follows count whole.

**Cost** in processor seconds (2 GHz), at any n, and relative error shown, on rows of the flat Dirichlet law, of Zipf's
law and of a softmax: 0.1 s, 1e-6 to 1e-8 for 100 labels; 0.3 s, 1e-8 for 400 and 1,000; 1.3 s, 1e-9 for 50,000.

**Errors** are estimates, with `proved` False: the last Chebyshev coefficients, the last harmonics and the last nodes
that were used, what the logarithm of the product moves when labels are replaced, and the bounds above, added up.
Where few labels may be unseen the product does not fall, and the row is out of reach.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from kt_theory.exact import alike
from kt_theory.exact.rows import Estimate, OutOfReach, Row
from kt_theory.numerics.powers import powers_of

#: Labels whose phases are followed, and phases of all labels and harmonics.
MOST_WATCHED, MOST_PHASES = 200, 1_000_000

#: Chebyshev points of the levels, and of an interval of labels that are replaced.
LEVELS, POINTS = 64, 10

EPS = 2.0**-52

#: The least number of unseen labels in the mean: with fewer the product hardly falls.
FEWEST = 8.0

#: Intervals, at least, of the levels between the first and the last.
STEPS = 9

#: The least weight, as exponent: levels, period.
LEAST = 30.0

#: The largest relative error that is shown.
COARSEST = 1e-6

#: Frequencies beyond which levels are too few to see what is there, and those that are used at most, in units of the
#: inverse standard deviation of the sum over unseen labels.
FAST_SPREADS, MOST_SPREADS = 10.0, 60.0

#: The error is so many times what was seen to be left.
SAFETY = 4.0

ROUTE = "levels"


def risk(row: Row, n: int) -> Estimate:
    """What one input adds to the expected TV risk of SEL_ptl after n >= 1 samples, for a uniform init.

    Parameters
    ----------
    row : Row
    n : int

    Returns
    -------
    Estimate
        Its error is an estimate.

    Raises
    ------
    OutOfReach
        If the error is above `COARSEST`, relative: where few labels may be unseen or not.
    """
    from kt_theory.exact import loops_levels

    p = row.p
    whole = math.fsum(p)
    w = row.rho * p / whole
    q = np.exp(-w * n)
    unseen = float(q.sum())
    if unseen < FEWEST:
        raise _out(f"{unseen:.2g} labels are unseen in the mean")
    centre = float(q @ p) / unseen
    # Standard deviation of the sum over unseen labels of p - centre.
    spread = math.sqrt(float((q * -np.expm1(-w * n)) @ (p - centre) ** 2))
    if spread <= 1e-9 * unseen * centre:
        raise _out("the labels that may be unseen hardly differ")
    low, high = _window(p, q, centre, spread / unseen)
    half_period = 1.02 * unseen * (high - low) + float(p[q > 1e-14].max(initial=0.0))
    x, c, moved = _replaced(p, w, n, (low, high), 7 / spread)
    if moved > COARSEST:
        raise _out("labels alike cannot be replaced")
    rates = row.rho * x / whole
    never = powers_of(n, rates)
    t, factor, left = _circle(w, p, n)
    levels = _points(low, high)
    # What a mistake in each probability comes to, and one for labels between the kinks; how large one is too large.
    share = SAFETY * (high - low) * float(np.abs(c) @ np.where(x > low, never, 0.0))
    between = SAFETY * (high - low) * float(np.abs(c) @ np.where((x > low) & (x < high), never, 0.0))
    hopeless = COARSEST * float(c @ (never * np.maximum(x - centre, 0.0))) / share
    law = np.zeros((x.size, levels.size))
    per_spread = half_period / (math.pi * spread)
    slow, most, quiet = max(LEVELS, int(FAST_SPREADS * per_spread)), int(MOST_SPREADS * per_spread), 1e-5 * hopeless
    cut, first = loops_levels.below_levels(
        t, factor, rates, x, c, levels, half_period, quiet, slow, most, hopeless, law
    )
    again = _revivals(p, q, high - low, half_period, first) if cut <= hopeless else 0.0
    if max(cut, again * between / share) > hopeless:
        raise _out(f"too few of the {unseen:.3g} labels unseen in the mean vary")
    inside, bent = _integrals(x, law, low, high)
    value = float(c @ (never * np.maximum(x - high, 0.0) + inside))
    error = left + SAFETY * float(np.abs(c) @ bent) + share * (cut + quiet) + between * again + value * (moved + 1e-12)
    error += 2 * math.exp(-LEAST) * float(never @ (np.abs(c) * x))
    if not error <= COARSEST * abs(value):
        raise _out(f"the error is {error:.2g} of {value:.3g}")
    return Estimate(row.rho * value, row.rho * error, ROUTE, proved=False)


def _out(why: str) -> OutOfReach:
    return OutOfReach(f"SEL_ptl, level by level: {why}: use kt_theory.simulate")


def _window(p: np.ndarray, q: np.ndarray, centre: float, step: float) -> tuple[float, float]:
    """Levels below and above which the mean of the unseen labels does not lie, but with probability e^-LEAST."""
    ends = []
    scales = np.geomspace(2.0, 24.0, 12)
    spread = step * float(q.sum())
    live = q > 1e-16
    p, q = p[live], q[live]
    for sign in (-1, 1):
        for far in np.arange(6.0, 40.0, 0.5):
            level = centre + sign * far * step
            # P(sign X >= 0) <= E exp(theta sign X), X = sum over U of p - level
            tilt = np.expm1(np.minimum(sign * np.outer(scales / spread, p - level), 700.0))
            if float(np.log1p(q * tilt).sum(axis=1).min()) <= -LEAST:
                ends.append(level)
                break
        else:
            raise _out("the mean of the unseen labels is spread too far")
    return max(ends[0], 0.0), ends[1]


def _circle(w: np.ndarray, p: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Nodes, factors (those off the axis twice), and a bound on what aliases and nodes left out add."""
    from kt_theory.exact.loops_sel import from_poisson, sine_lag

    N = math.ceil(7 * math.sqrt(n) + 24)
    log_scale = from_poisson(n, float(n))
    last = min(N // 2, math.ceil(6.6 / math.sqrt(n) * N / (2 * math.pi)) if n > 60 else N // 2)
    angle = 2 * math.pi / N * np.arange(last + 1)
    back = -2 * np.sin(angle / 2) ** 2 * n
    lag = np.array([sine_lag(float(x)) for x in angle])
    times = np.where((angle == 0) | (2 * np.arange(last + 1) == N), 1.0, 2.0)
    factor = times / N * np.exp(log_scale + back + 1j * n * lag)
    t = n + back + 1j * n * np.sin(angle)
    left = 0.0
    for m in (n - 2 * N, n - N, n + N, n + 2 * N):
        if m >= 0:
            left += math.exp(_log_ratio(n, m)) * float(powers_of(m, w) @ p)
    if 2 * last < N:
        left += 4 * float(np.abs(factor[-1])) * float(powers_of(n, w) @ p)
    return t, factor, left


def _revivals(p: np.ndarray, q: np.ndarray, width: float, half_period: float, first: int) -> float:
    """What harmonics from `first` on may add, where the phases of all labels agree again: their moduli at the rate n.

    As a part of `width`, the distance of the last level from the first. Of many labels as many as `MOST_WATCHED` stand
    for all.
    """
    v = q * (1 - q)
    live = np.flatnonzero(v > 1e-9)
    some = live[np.linspace(0, live.size - 1, min(live.size, MOST_WATCHED)).round().astype(int)]
    k = np.arange(first, first + 2 * max(1, MOST_PHASES // max(1, some.size)), 2)
    turns = np.exp(1j * np.outer(k * (math.pi / half_period), p[some]))
    # The level at which the phases agree best is about that of their mean.
    mean = turns @ v[some]
    away = 1 - (turns * (mean.conj() / np.maximum(np.abs(mean), 1e-300))[:, None]).real
    log = 0.5 * np.log1p(-np.minimum(2 * v[some] * away, 1 - EPS)).sum(axis=1)
    unseen = float(q.sum())
    once = half_period / (math.pi * unseen * width)  # 1 / (xi |U|) at the first harmonic, as a part of the width
    followed = 2 / math.pi * once * float((np.exp(log * (live.size / some.size)) / k.astype(np.float64) ** 2).sum())
    # In phase at all multiples of the last, each time for as many odd harmonics as a normal law of the sum over U has.
    spread = math.sqrt(float(v @ (p - float(q @ p) / unseen) ** 2))
    odd = 1 + half_period / (math.sqrt(2 * math.pi) * spread)
    return followed + 2 / math.pi * once * odd * (math.pi**2 / 6) / float(k[-1]) ** 2


def _log_ratio(n: int, m: int) -> float:
    """The logarithm of n^m / m! over n^n / n!."""
    if n < 10_000:
        return (m - n) * math.log(n) + math.lgamma(n + 1) - math.lgamma(m + 1)
    far = (m - n) / n  # Stirling, for m near n
    return -n * ((1 + far) * math.log1p(far) - far) - 0.5 * math.log1p(far)


def _points(low: float, high: float) -> np.ndarray:
    """Chebyshev points of the levels."""
    return low + (high - low) * (1 + np.cos(math.pi * (np.arange(LEVELS) + 0.5) / LEVELS)) / 2


def _integrals(x: np.ndarray, law: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The integral of each row of `law`, given at the points, from `low` to x or `high`; and what may miss in it."""
    k = np.arange(LEVELS)
    angle = math.pi * (k + 0.5) / LEVELS
    coefficients = law @ (np.cos(np.outer(angle, k)) * np.where(k == 0, 1.0, 2.0) / LEVELS)
    u = np.arccos(np.clip((2 * x - low - high) / (high - low), -1.0, 1.0))
    # The integral of T_j from -1 to cos u.
    whole = np.empty((x.size, LEVELS))
    whole[:, 0] = np.cos(u) + 1
    whole[:, 1] = (np.cos(u) ** 2 - 1) / 2
    for j in range(2, LEVELS):
        whole[:, j] = (np.cos((j + 1) * u) - (-1) ** (j + 1)) / (2 * j + 2)
        whole[:, j] -= (np.cos((j - 1) * u) - (-1) ** (j - 1)) / (2 * j - 2)
    half = (high - low) / 2
    bent = np.where(x > low, np.abs(coefficients[:, -4:]).max(axis=1), 0.0) * half / 4
    return half * (coefficients * whole).sum(axis=1), bent


def _replaced(
    p: np.ndarray, w: np.ndarray, n: int, kinks: tuple[float, float], frequency: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Labels and how often each counts; and how far replacing moves the logarithm of the product."""
    x, c = np.unique(p, return_counts=True)
    c = c.astype(np.float64)
    ratio = float(w[-1] / p[-1])
    # Labels that are seen for sure go by themselves: they are not needed.
    live = x * ratio * n < 60
    x, c = x[live], c[live]
    if x.size <= 20 * POINTS:
        return x, c, 0.0
    width = min(1.0 / (ratio * n), 1.0 / frequency)
    ends = np.array(kinks)

    def interval(start: float) -> float:
        # Between the kinks the integral over levels bends within a step of the mean of the unseen labels.
        stop = start + (min(width, (ends[1] - ends[0]) / STEPS) if ends[0] <= start < ends[1] else width)
        return float(min([stop, *ends[ends > start]])) - start

    y, d, _ = alike.replaced(x, c, interval, POINTS)
    # How far sums move: of the integrals over levels, were the mean of the unseen labels a normal law; of logarithms.
    centre, step = ends.mean(), (ends[1] - ends[0]) / 14

    def integral(z: np.ndarray) -> np.ndarray:
        far = (z - centre) / step
        inside = far * ndtr(far) + np.exp(-(far**2) / 2) / math.sqrt(2 * math.pi)
        return np.exp(-ratio * n * z) * np.where(z <= ends[0], 0.0, np.where(z >= ends[1], far, inside))

    off = abs(float(c @ integral(x) / (d @ integral(y))) - 1)
    for part in (0.3, 0.6, 1.0):
        for t in (complex(n, 0.0), complex(n, 5 * math.sqrt(n))):
            for level in kinks:

                def log(z: np.ndarray, t: complex = t, level: float = level, part: float = part) -> np.ndarray:
                    return np.log(1 + np.exp(-ratio * z * t) * np.expm1(1j * part * frequency * (z - level)))

                one, two = c @ log(x), d @ log(y)
                off = max(off, float(abs(one - two) * min(1.0, math.exp(max(one.real, two.real)))))
    return y, d, off
