r"""Hard labels, the upper end: the worst risk of students that add a constant to each count, and of the frequencies.

**The frequencies (proved), A >= 2, n >= 0.** CE_sgl with uniform init has everywhere

.. math:: \mathrm{E} R \le \sqrt{\frac{S (A-1)}{2 \pi (n+1)}} + \frac{S (A/2 + 1/16)}{n+1} .

(1) One input, m >= 1 visits. A sum of independent centred xi_i is within sum E|xi_i|^3 / sum E xi_i^2 of its normal law
in Wasserstein's distance (Goldstein, "Bounds on the constant in the mean central limit theorem", Ann. Probab. 38,
2010). For coins this is p^2 + q^2, q = 1 - p, so |E|Bin(m, p) - mp| - sqrt(2 m p q / pi)| <= p^2 + q^2 <= 1. Half the
sum over the labels over m, by sum_a sqrt(p_a q_a) <= sqrt(A - 1): E TV <= alpha/sqrt(m) + A/(2m), alpha = sqrt((A-1)/(2
pi)). By variances, too, E TV <= sqrt((A-1)/m)/2. (2) Let K = A/2 + 1/16. Then E TV <= alpha/sqrt(m+1) + K/(m+1) for all
m >= 0. For m = 0, 1 - 1/A <= A/2. The two bounds meet at m' = A^2 / (4 (1/2 - 1/sqrt(2 pi))^2 (A-1)) > 24.47 A^2/(A-1)
>= 97. For m >= m', by the first: (m+1) times the difference is at most A/2 + A/(2m) + alpha (m+1)/(2 m^(3/2)) <= A/2 +
1/48 + 0.0409 < K. For m <= m', by the second: sqrt(A-1) psi(m), psi(m) = (m+1)/(2 sqrt m) - sqrt((m+1)/(2 pi)); psi'
has the sign of (1 - 1/m) sqrt(1 + 1/m) - sqrt(2/pi), which increases in m, so psi is largest at an end: at m = 1, where
it is 0.436 and sqrt(A-1) <= A/2, or at m', as before. (3) m ~ Bin(n, rho_s): E 1/(m+1) <= 1/((n+1) rho_s), E
1/sqrt(m+1) <= the root of that; sum_s rho_s of both, with sum_s sqrt(rho_s) <= sqrt S.

**Upper end, one input (proved up to rounding).** The student is (n_a + c)/(n + Ac). Its risk is the sum of h(p_a),
h(p) = E|X + c - p T| / (2T) with T = n + Ac (`kt_theory.exact.add`), so that its worst risk is at most min over lambda
of lambda + A max_p (h(p) - lambda p), for every lambda; the slope of the concave envelope at 1/A is taken. For the
maximum over p: the second derivative of h is at least -M(p), M(p) = 2n min(1, (2e (n-1) pq)^(-1/2)), but for kinks
where t = pT - c is whole, which are convex: T h'' = n (n-1) E D^2 f(Y)/2 - 2nT P(X' = k), with k = floor(t), f(x) =
|x - t|, D^2 f(x) = f(x+2) - 2 f(x+1) + f(x) >= 0, Y ~ Bin(n-2, p), X' ~ Bin(n-1, p), and no probability of a Bin(N, p)
exceeds (2e N pq)^(-1/2). (For fixed k, sqrt(Npq) times it is largest at p = (k + 1/2)/(N + 1), and is then sqrt(N) N!
(N + 1)^(-N-1) u(k) u(N - k), u(k) = (k + 1/2)^(k + 1/2)/k!. log u is convex, so k = 0 is worst, and there it is
sqrt(N/2) (N + 1/2)^(N + 1/2) (N + 1)^(-N-1) <= (2e)^(-1/2).) In a cell let M be the largest M(p), at an end since pq is
concave: h + M p^2/2 is convex, and h exceeds its chord by at most M/8 times the width squared; cells are halved until
this is within 1e-4. (From a variance of 1e5 on, F is taken from Edgeworth's expansion, off by an estimated 1e-6; the
bound is raised by 1e-5 of itself for this.)

**Upper end, several inputs (proved up to rounding).** Let V(m) be the least worst risk of this student and of the
frequencies after m visits or fewer, V(0) = 1 - 1/A. A student that treats each input on its own has a risk of at most
sum_s rho_s E V(Bin(n, rho_s)). For r in [r0, r1] a term is at most r E V(Bin(n, r0)), and a concave envelope in r does
the rest. The frequencies alone also give (sqrt((S-1)/n) + sqrt((SA-1)/n))/2, and no minimax risk exceeds that of the
uniform student, 1 - 1/A.

**Cost.** An incomplete beta function costs 0.1 ms and more; from a variance of `NARROW` on, the terms of the shorter
tail are added up instead, in microseconds, with rounding errors of 1e-12. Still most of the time goes there. So a first
look at h takes the normal value plus (p^2 + q^2)/(2T), an upper bound by (1), and h itself is computed only where the
envelope or the maximum may lie: the results are the same. V, likewise, starts from the frequencies' bounds. Where
(1)-(3) is within `SLACK` (one input) or `STEP` (several) of its limit, nothing else is tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from kt_theory.exact import add
from kt_theory.minimax.result import Grade
from kt_theory.numerics import binomials, loops_binomial

#: From this variance on a binomial's distribution function is taken from its expansion.
WIDE = 1e5

#: Up to this variance it is an incomplete beta function; beyond, its terms are added up.
NARROW = 100.0

#: What upper ends are raised by, relatively, where that expansion is used.
EXPANSION = 1e-5

#: Relative slack of the maximum over p.
SLACK = 1e-4

#: What the steps between numbers of visits cost, relatively, with several inputs.
STEP = 1e-3

#: The same with more than a thousand labels, where each number of visits takes a second.
MANY_LABELS = 0.1

#: Up to so many samples per label, and a thousand labels, the best factor of the added constant is searched for.
SEARCHED = 20_000


class Upper(NamedTuple):
    """An upper end: the worst risk of a student that adds kappa sqrt(m/(A-1)) to each count of a row of m visits.

    kappa is infinite for the uniform student, 0 for the frequencies.
    """

    value: float
    student: str
    statement: str
    grade: Grade
    kappa: float


def least_upper(S: int, A: int, n: int, progress: Callable[[str], None] | None = None) -> Upper:
    """The least upper bound found, for A >= 2 and n >= 1."""
    joint = (math.sqrt((S - 1) / n) + math.sqrt((S * A - 1) / n)) / 2
    found = [
        Upper(1 - 1 / A, "uniform", "the uniform student's worst risk, proved", "proved", math.inf),
        Upper(joint, "CE_sgl", "the frequencies' deviations of rho and of the joint law, proved", "proved", 0.0),
        Upper(frequencies_bound(S, A, n), "CE_sgl", "the frequencies' mean deviations, proved", "proved", 0.0),
    ]
    # How far the frequencies' bound is above its limit, relatively.
    excess = S * (A / 2 + 1 / 16) / (n + 1) / math.sqrt(S * (A - 1) / (2 * math.pi * (n + 1)))
    if S == 1 and excess > SLACK:
        found += _one_input(A, n)
    if S > 1 and excess > (STEP if A <= 1000 else MANY_LABELS):
        value = _inputs_apart(S, A, n, progress)
        found.append(
            Upper(value, "ADD_sgl", *_said("worst risk of ADD_sgl input by input, proved up to rounding", n), add.KAPPA)
        )
    return min(found, key=lambda end: end.value)


def _one_input(A: int, n: int) -> list[Upper]:
    """The add-constant students, with 0.4 and with the best factor found."""
    from scipy.optimize import minimize_scalar

    said = _said("worst risk of the student, proved up to rounding", n)
    value = worst_risk(A, n, add.KAPPA)
    found = [Upper(value, "ADD_sgl", *_said("worst risk of ADD_sgl, proved up to rounding", n), add.KAPPA)]
    if n <= SEARCHED * A and A <= 1000:
        best = minimize_scalar(
            lambda k: worst_risk(A, n, k, 1e-3), bounds=(0.25, 0.8), method="bounded", options={"xatol": 2e-3}
        )
        kappa = round(float(best.x), 4)
    else:
        kappa = 0.3989  # its limit, 1/sqrt(2 pi)
    return [*found, Upper(worst_risk(A, n, kappa), f"add {kappa} sqrt(n/(A-1))", *said, kappa)]


def _said(statement: str, n: int) -> tuple[str, Grade]:
    """A statement and its grade, where a distribution function may be taken from its expansion."""
    if n / 4 < WIDE:
        return statement, "proved"
    return f"{statement} and an expansion whose error is estimated and added", "estimated"


def frequencies_bound(S: int, A: int, n: int) -> float:
    """sqrt(S (A-1) / (2 pi (n+1))) + S (A/2 + 1/16) / (n+1): CE_sgl with uniform init, everywhere; A >= 2, n >= 0.

    Examples
    --------
    >>> round(frequencies_bound(1, 2, 10**6) * 10**3, 6)  # the limit is 0.398942
    0.400005
    """
    bound = math.sqrt(S * (A - 1) / (2 * math.pi * (n + 1))) + S * (A / 2 + 1 / 16) / (n + 1)
    return bound * (1 + 1e-15)


def worst_risk(A: int, m: int, kappa: float = add.KAPPA, slack: float = SLACK) -> float:
    """An upper bound on the worst risk, S = 1, of adding c = kappa sqrt(m/(A-1)) to each of A >= 2 counts, m >= 1.

    At most about `slack` too large, relatively, for the Lagrangian with one multiplier; proved, up to rounding.

    Examples
    --------
    >>> round(worst_risk(2, 1, 0.5), 3)
    0.25
    """
    return _worst_risk(A, m, float(kappa), slack)


@lru_cache(maxsize=4096)
def _worst_risk(A: int, m: int, kappa: float, slack: float) -> float:
    c = kappa * math.sqrt(m / (A - 1))
    p = np.sin(np.linspace(0, math.pi / 2, 301)) ** 2
    p = np.unique(np.concatenate((p, np.linspace(0, 2 / A, 101), np.geomspace(1e-3 / (m + A), 1, 60))))
    h, known = _first_look(p, m, c, A)

    def settle(some: np.ndarray) -> None:
        some = some & ~known
        h[some] = _label_risk(p[some], m, c, A)
        known[some] = True

    # Points that are not known are too high by `loose` at most: what is highest among all, once known, is the truth.
    loose = (p * p + (1 - p) ** 2) / (m + A * c) * (1 + 1e-9)
    while True:
        slope, corners = _corners(p, h, 1 / A)
        if known[corners].all():
            break
        gain = h - slope * p
        settle((gain >= (gain - loose)[corners].min()) | np.isin(np.arange(p.size), corners))
    gain = h - slope * p
    while not known[highest := int(gain.argmax())]:
        settle(gain >= gain[highest] - loose[highest])
        gain = h - slope * p
    best = float(gain.max())
    spread = np.minimum(p[:-1] * (1 - p[:-1]), p[1:] * (1 - p[1:])) * (m - 1)
    high = np.maximum(gain[:-1], gain[1:]) + m * np.diff(p) ** 2 / 4 / np.maximum(1.0, np.sqrt(2 * math.e * spread))
    open_ = high > best + slack * max((slope + A * best) / A, 0.0)
    settle(np.append(open_, False) | np.append(False, open_))
    gain = h - slope * p
    left, right, g_left, g_right = p[:-1][open_], p[1:][open_], gain[:-1][open_], gain[1:][open_]
    for _ in range(60):
        best = max(float(gain.max()), float(np.concatenate((g_left, g_right)).max(initial=-math.inf)))
        # pq is concave: its least in a cell is at an end.
        spread = np.minimum(left * (1 - left), right * (1 - right)) * (m - 1)
        curvature = 2 * m / np.maximum(1.0, np.sqrt(2 * math.e * spread))
        top = np.maximum(g_left, g_right) + curvature * (right - left) ** 2 / 8
        goal = slack * max((slope + A * best) / A, 0.0)
        open_ = top > best + goal
        if not open_.any() or left.size > 2 * 10**6:
            break
        left, right, g_left, g_right = left[open_], right[open_], g_left[open_], g_right[open_]
        middle = (left + right) / 2
        g_middle = _label_risk(middle, m, c, A) - slope * middle
        left, right = np.concatenate((left, middle)), np.concatenate((middle, right))
        g_left, g_right = np.concatenate((g_left, g_middle)), np.concatenate((g_middle, g_right))
        gain = np.append(gain, g_middle.max())
    bound = max(best + goal, float(top.max()) if open_.any() else 0.0)
    return (slope + A * bound) * (1 + EXPANSION if m / 4 >= WIDE else 1)


def _first_look(p: np.ndarray, m: int, c: float, A: int) -> tuple[np.ndarray, np.ndarray]:
    """The values of h where they cost little, an upper bound elsewhere, and where it is h.

    E|X - t| is within p^2 + q^2 of its normal value (Goldstein 2010: |x - t| is 1-Lipschitz).
    """
    variance = m * p * (1 - p)
    known = (variance >= WIDE) | (variance * m < 1e4) | (m < 2000)
    h = np.empty_like(p)
    h[known] = _label_risk(p[known], m, c, A)
    q = p[~known]
    d, sd = c * (1 - A * q), np.sqrt(m * q * (1 - q))
    normal = 2 * sd * np.exp(-0.5 * (d / sd) ** 2) / math.sqrt(2 * math.pi) + d * (2 * special.ndtr(d / sd) - 1)
    h[~known] = (normal + q * q + (1 - q) ** 2) / (2 * (m + A * c)) * (1 + 1e-12)
    return h, known


def _label_risk(p: np.ndarray, m: int, c: float, A: int) -> np.ndarray:
    """h(p), by `add.add_constant_risk` up to a variance of `NARROW`, with the distribution of `_below` beyond."""
    wide = m * p * (1 - p) >= NARROW
    h = np.empty_like(p)
    if not wide.all():
        h[~wide] = add.add_constant_risk(p[~wide], m, c, A)
    if wide.any():
        q = p[wide]
        d = c * (1 - A * q)
        k = np.clip(np.floor(m * q - d), -1, m - 1.0)
        after = binomials.binomial(k + 1, m, q)
        h[wide] = (d * (1 - 2 * _below(k, m, q, after)) + 2 * (k + 1) * (1 - q) * after) / (2 * (m + A * c))
    return h


def _below(k: np.ndarray, m: int, p: np.ndarray, after: np.ndarray | None = None) -> np.ndarray:
    """P(Bin(m, p) <= k); for a variance of 1e5 and more by Edgeworth's first term, off by less than 1e-6.

    `after` is P(Bin(m, p) = k + 1), if it is known.
    """
    k, p = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(p, dtype=np.float64))
    variance = m * p * (1 - p)
    sd = np.sqrt(np.maximum(variance, 1e-300))
    z = np.clip((k + 0.5 - m * p) / sd, -40, 40)
    F = special.ndtr(z) - (1 - 2 * p) / (6 * sd) * (z * z - 1) * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    narrow = variance < WIDE
    # Ten sd off, at a variance of 400 and more, Bernstein's inequality leaves 1e-18.
    far = (k < 0) | (k >= m) | ((variance >= 400) & (np.abs(z) > 10))
    inner = narrow & ~far
    F = np.where(narrow, np.where(z < 0, 0.0, 1.0), F)
    if inner.any():
        j, at = k[inner], p[inner]
        next_ = binomials.binomial(j + 1, m, at) if after is None else after[inner]
        found = np.empty_like(j)
        # P(k) = P(k + 1) (k + 1) (1 - p) / ((m - k) p)
        loops_binomial.fill_below(j, float(m), at, next_ * (j + 1) / (m - j) * ((1 - at) / at), next_, found)
        F[inner] = found
    return F


def _corners(x: np.ndarray, y: np.ndarray, at: float) -> tuple[float, np.ndarray]:
    """A slope at `at` of the concave envelope of the points (x, y), x increasing, and the indices that it is made of.

    At a corner, the mean of the two slopes. `at` is above x[0] and below x[-1].
    """
    edges = [_edge(x, y, int(np.searchsorted(x, at, side))) for side in ("left", "right")]
    slopes = [float((y[j] - y[i]) / (x[j] - x[i])) for i, j in edges]
    return (slopes[0] + slopes[1]) / 2, np.unique(edges)


def _edge(x: np.ndarray, y: np.ndarray, first: int) -> tuple[int, int]:
    """The edge of the concave envelope from a point before number `first` to one from `first` on.

    With one end fixed, the other end is where the line is highest; each turn raises the line between the two sides.
    The number of turns is limited: points on one line up to rounding could alternate without end.
    """
    left, right = first - 1, first
    for _ in range(x.size):
        new_right = first + int(np.argmax((y[first:] - y[left]) / (x[first:] - x[left])))
        new_left = int(np.argmin((y[new_right] - y[:first]) / (x[new_right] - x[:first])))
        if (new_left, new_right) == (left, right):
            break
        left, right = new_left, new_right
    return left, right


def _inputs_apart(S: int, A: int, n: int, progress: Callable[[str], None] | None = None) -> float:
    """An upper bound on max over rho of sum_s rho_s E V(Bin(n, rho_s))."""
    # Both grids are finest where they matter, at n / S visits and at r = 1 / S, since the envelope is smooth there.
    m = np.unique(np.concatenate((np.arange(min(n, 24) + 1), _spread(n / S, 4e-3, 1, n).astype(np.int64), [n])))
    visits = np.maximum(m, 1)
    # First the frequencies' bounds, everywhere; then the student's, where the envelope turns out to lie.
    V = np.minimum(np.sqrt((A - 1) / visits) / 2, np.sqrt((A - 1) / (2 * math.pi * visits)) + A / (2 * visits))
    V[0] = 1 - 1 / A
    known = m == 0
    r = _spread(1 / S, 1e-3, 1e-3 / n, 1.0)
    above = 1 - _below(m[1:] - 1.0, n, r[:, None])  # P(Bin(n, r) >= m)
    right = np.append(r[1:], 1.0)
    reach = 0.02 + 10 / math.sqrt(n / S)
    while True:
        wanted = np.flatnonzero((np.abs(np.log(visits * S / n)) <= reach) & ~known)
        for done, i in enumerate(wanted.tolist()):
            V[i] = min(worst_risk(A, int(m[i])), V[i])
            if progress is not None:
                progress(f"worst risk of one input, {done + 1} of {wanted.size} numbers of visits")
        known[wanted] = True
        # E V = sum of the drops times P(Bin >= m); more data than the last number computed are not used.
        EV = V[0] + above @ np.diff(np.minimum.accumulate(V))
        # Below the first r, V(0) r.
        x = np.concatenate(([0.0], r, right))
        y = np.concatenate(([0.0], r * EV, right * EV))
        y[x == r[0]] = V[0] * r[0]
        order = np.lexsort((y, x))
        x, y = x[order], y[order]
        last = np.append(np.diff(x) > 0, True)
        x, y = x[last], y[last]
        slope, corners = _corners(x, y, 1 / S)
        excess = y - slope * x
        touched = x[np.append(corners, excess.argmax())]
        # V was too large, if anything, where it is not known: what the envelope touches has to be known.
        low, high = float(r[max(np.searchsorted(r, touched.min()) - 1, 0)]), float(touched.max())
        within = (m >= n * low - 8 * math.sqrt(n * low) - 20) & (m <= n * high + 8 * math.sqrt(n * high) + 20)
        if known[within].all():
            return slope + S * float(excess.max())
        reach *= 2


def _spread(centre: float, step: float, low: float, high: float) -> np.ndarray:
    """Points from `low` to `high`: at the distance t from `centre`, in logarithms, step + t^2/40 apart."""
    t = [0.0]
    while t[-1] < math.log(high / low) + 1:
        t.append(t[-1] + step + t[-1] ** 2 / 40)
    points = centre * np.exp(np.concatenate((-np.array(t), t)))
    return np.unique(np.concatenate((points[(points > low) & (points < high)], [low, high])))
