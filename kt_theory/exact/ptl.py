r"""Expected risk of CE_ptl: a ratio of two linear forms in the counts, averaged exactly.

One input of mass rho, positive labels with probabilities p_b, counts n_b after n draws, M = sum_b n_b p_b. The student
says n_a p_a / M, so the input adds

.. math:: \rho\, E D = \rho (1-\rho)^n D(p, \mathrm{init})
          + \rho\, \tfrac12 \sum_a p_a E\Big[\frac{|n_a - M|}{M};\ M > 0\Big].

Three roads to the second term; all of them thin, so that no sum over the number of visits n_s is needed.

**Enumeration** (`by_enumeration`). All count vectors, multinomial weights. Nothing is left out.

**Label classes** (`by_classes`). Labels of equal probability v are exchangeable: M depends on the class totals L alone,
and given these a label of a class of k labels has count Bin(L, 1/k), for which, with mu = L/k and j = floor(M) + 1,

.. math:: E|c - M| = (M - \mu)(1 - 2 P(c \ge j)) + 2 j (1 - 1/k) P(c = j)     \qquad (de Moivre, 1730).

The totals are binomials in a chain. Each is a window around its mode, by ratios of neighbours and one division
(no factorials: no digits lost at large n), cut where a term is below 1e-22 of the whole; binomials are log-concave, so
what is cut is below a geometric series, which is added up and reported. Cost: the product of the windows,
17 standard deviations each, about 1e8 terms a second.

**Fourier** (`by_fourier`). Any row. With 1/M = int_0^inf exp(-yM) dy and the triangle wave, which is |x| on [-L, L],

.. math:: |x| = \frac L2 - \frac{4L}{\pi^2} \sum_{k\ \mathrm{odd}} \frac{\cos(k\pi x/L)}{k^2},

all that is needed is E[exp(-yM + itX); M > 0], X = n_a - M, which is an n-th power:
(1 - rho + rho sum_b p_b z_b)^n - (1 - rho)^n with z_b = exp(-y p_b + it([a = b] - p_b)). Errors, all reported:

* |X| > L: both |X| and the wave are at most |X|, and p_a |X| / M <= 1 + p_a, so the error is at most
  (1 + p_a) P(|X| > L); L is chosen by Chernoff's bound to make that 1e-19.
* the integral over y: y = exp(u - exp(-u)) / E M, trapezoid in u (the integrand is analytic for Re y > 0); the
  difference from every second node is reported.
* harmonics above K: the mean over the last half of the harmonics stands for them (exact for an atom at X = 0); the
  error is how far that mean has moved since the quarter before, and eight times the scatter about it. An estimate.
* revivals, frequencies beyond the last where the phases t p_b of all heavy labels agree again: the mean of
  |E exp(itX)| over independent phases, prod_b (2 pi n w_b)^(-1/2), times the tail of the integral of 2 / (pi t^2), and
  the peaks at t = 2 pi N, N < 4096. An estimate; or, for large n, a proof: two outcomes of masses w, w' and phases
  t d, t d' give |E| <= exp(-n w w' (1 - cos tD)), D = |d - d'|, which integrates to at most
  (D / (12 pi)) sqrt(2 pi / (n w w')), here half as much again, from the first trough on.
* labels with P(X <= 0) or P(X >= 0) below 1e-19 have no kink, and need only E[X / M], an integral over y alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
from scipy.special import gammaln

from kt_theory.exact import ful
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess, first_sound, flushed

EPS = 2.0**-52

#: Terms of `by_enumeration` at most, and those that are done without waking numba.
ENUMERATION_CAP = 2_000_000
ENUMERATION_SMALL = 20_000

#: Terms of `by_classes`: done without asking further; done where no other road is good to 5e-11; done at all.
CLASSES_QUICK = 100_000_000
CLASSES_CAP = 2_000_000_000

#: Evaluations of the characteristic function by `by_fourier`, 0.1 microseconds each.
FOURIER_WORK = 20_000_000

#: Most distinct probabilities for `by_fourier`, whose cost grows with their square: 400 take 10 s, 1000 a minute.
WIDEST_ROW = 400

#: Harmonics of `by_fourier` taken at a time.
BLOCK = 2048

#: The error of the Fourier route is so many times what two resolutions and the size of what was cut say.
SAFETY = 5.0

#: Probability at which windows are cut.
LEAST = 1e-22

#: An input computed less well than this, as a fraction of its mass, is out of reach.
WORST = 1e-5

#: So is one with a larger relative error than this.
USELESS = 0.01


def row_risk(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of CE_ptl.

    Parameters
    ----------
    row : Row
        The input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}

    Returns
    -------
    Estimate
        rho times the expected divergence, unvisited case included, by the best route. "kl" is infinite exactly where
        a label of positive probability can be unseen at a visited input (or is refused by `init`).

    Raises
    ------
    OutOfReach
        If the row has too many distinct probabilities for the label classes and the Fourier route is too coarse.

    Examples
    --------
    >>> row = Row(1.0, np.array([0.25, 0.75]), np.array([0.5, 0.5]), times=1)
    >>> row_risk(row, 1).value  # one label was seen: 1/4 x 3/4 + 3/4 x 1/4
    0.375
    """
    row, moved = flushed(row, n)
    unvisited = _unvisited(row, n, divergence)
    labels = np.count_nonzero(row.p)
    if n == 0 or labels == 1:
        # A single label is all that a visited input can show, and the student says it with certainty.
        alone = ful.row_risk(row, n, divergence)
        return replace(alone, error=alone.error + moved)
    if divergence == "kl":
        return _infinite()
    low, high = bracket(row, n, divergence)
    routes: list[Callable[[], Estimate]] = [partial(_best, row, n, divergence)]
    if divergence == "tv":
        routes += [partial(_without_unseen, row, n, low - unvisited, share) for share in (1e-12, 1e-8)]

    def whole(route: Callable[[], Estimate]) -> Estimate:
        visited = route()
        error = visited.error + (8 + n * row.rho) * EPS * unvisited + moved
        error += row.rho * (2 * excess(row.p) + excess(row.init)) + 4 * math.ulp(0.0)
        return replace(visited, value=unvisited + visited.value, error=error)

    return first_sound([partial(whole, route) for route in routes], low, high)


def bracket(row: Row, n: int, divergence: str = "tv") -> tuple[float, float]:
    """Proved bounds on what one input adds; for TV, a visited student errs by the mass of unseen labels at least."""
    unvisited = _unvisited(row, n, divergence)
    if n == 0 or divergence == "kl":
        return unvisited * (1 - 1e-9), unvisited * (1 + 1e-9) if n == 0 else math.inf
    with np.errstate(divide="ignore"):
        missed = np.exp(n * np.log1p(-np.minimum(row.rho * row.p, 1.0)))
    never = math.exp(n * math.log1p(-row.rho)) if row.rho < 1 else 0.0
    least = max(0.0, float(missed @ row.p) * (1 - 1e-9) - never) if divergence == "tv" else 0.0
    most = (1 - never) * (1.0 if divergence == "tv" else 2.0)
    return (unvisited + row.rho * least) * (1 - 1e-9), unvisited + row.rho * most + 1e-15 * row.rho


def _without_unseen(row: Row, n: int, low: float, share: float) -> Estimate:
    """The visited part without the labels that are hardly ever seen: their number makes the other routes long.

    That they are not drawn changes the law of the draws by n w(L) at most, and that the others take their mass moves
    every distance by p(L) at most. Both are as much as `share` of `low` at most.
    """
    rare = np.cumsum(row.p) * (n + 1) * row.rho <= share * low  # p is sorted
    kept = row.p[~rare]
    if kept.size == row.p.size or np.count_nonzero(kept) < 2:
        raise OutOfReach(
            f"CE_ptl at an input with {np.unique(row.p[row.p > 0]).size} distinct positive probabilities and "
            f"{n * row.rho:.3g} expected visits: label classes and the Fourier route do not reach, and no label is "
            "unseen nearly surely; use kt_theory.simulate"
        )
    less = Row(row.rho, kept / math.fsum(kept), row.init[~rare], 1)
    found = _best(less, n, "tv")
    return replace(found, error=found.error + row.rho * (n + 1) * float(row.p[rare].sum()))


def _infinite() -> Estimate:
    return Estimate(math.inf, 0.0, "closed form")


def _unvisited(row: Row, n: int, divergence: str) -> float:
    never = 1.0 if n == 0 else math.exp(n * math.log1p(-row.rho)) if row.rho < 1 else 0.0
    if never == 0 and row.rho == 1:
        return 0.0
    p, q = row.p, row.init
    if divergence == "tv":
        cost = 0.5 * math.fsum(np.abs(p - q))
    elif divergence == "l2":
        cost = math.fsum((p - q) ** 2)
    else:
        live = p > 0
        if not q[live].all():
            return math.inf
        # Not below 0 by a rounding.
        cost = max(0.0, math.fsum(p[live] * np.log(p[live] / q[live])))
    return row.rho * never * cost


def _best(row: Row, n: int, divergence: str) -> Estimate:
    values, sizes = label_classes(row)
    labels = int(sizes.sum())
    if _vectors(n, labels, row.rho) * labels <= ENUMERATION_SMALL:
        return by_enumeration(row, n, divergence)
    cost = classes_cost(row, n)
    if values.size == 1 and divergence == "tv" and cost > CLASSES_QUICK:
        from kt_theory.exact import sgl

        # M = n_s v: the student is the empirical law.
        whole = sgl.row_risk(row, n, divergence)
        value = whole.value - _unvisited(row, n, divergence)
        return replace(whole, value=value, error=whole.error + 4 * EPS * whole.value)
    if cost <= CLASSES_QUICK:
        return by_classes(row, n, divergence)
    coarse = None
    if divergence == "tv" and values.size <= WIDEST_ROW:
        coarse = by_fourier(row, n)
        if coarse.error <= 5e-11 * row.rho:
            return coarse
    if cost <= CLASSES_CAP:
        return by_classes(row, n, divergence)
    if coarse is not None and coarse.error <= WORST * row.rho and coarse.error <= USELESS * coarse.value:
        return coarse
    reached = f", and the Fourier route is for {WIDEST_ROW} of them at most" if divergence == "tv" else ""
    if coarse is not None:
        reached = f", and the Fourier route reaches {coarse.error / row.rho:.1g} only"
    raise OutOfReach(
        f"CE_ptl at an input with {values.size} distinct positive probabilities and {n * row.rho:.3g} expected visits: "
        f"label classes need {cost:.2g} terms{reached}; use kt_theory.simulate"
    )


def label_classes(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """The distinct positive probabilities of a row, and how many labels have each."""
    return np.unique(row.p[row.p > 0], return_counts=True)


# --- Enumeration ----------------------------------------------------------------------------------------


def _vectors(n: int, labels: int, rho: float) -> float:
    """Number of count vectors of the positive labels, those not at this input counted as one more."""
    boxes = labels + (rho < 1)
    size = math.lgamma(n + boxes) - math.lgamma(boxes) - math.lgamma(n + 1)
    # With two boxes there are n + 1, which the logarithms no longer know at n = 1e18.
    return max(math.exp(size), (n + 1.0) * (boxes > 1)) if size < 700 else math.inf


def by_enumeration(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """The visited part, rho E[D; visited], over all count vectors.

    Parameters
    ----------
    row : Row
    n : int
    divergence : {"tv", "l2"}

    Returns
    -------
    Estimate

    Raises
    ------
    OutOfReach
        Beyond `ENUMERATION_CAP` vectors.
    """
    p = row.p[row.p > 0]
    terms = _vectors(n, p.size, row.rho)
    if terms * p.size > 8 * ENUMERATION_CAP or terms > ENUMERATION_CAP:
        raise OutOfReach(f"CE_ptl by enumeration: {terms:.3g} count vectors, {ENUMERATION_CAP} at most")
    counts = np.zeros((1, 0), dtype=np.int64)
    left = np.array([n])
    for box in range(p.size):
        # Each vector so far goes on with every count that is left; the last label takes all if there is no elsewhere.
        if box == p.size - 1 and row.rho == 1:
            counts = np.column_stack((counts, left))
            left = np.zeros_like(left)
            break
        parent = np.repeat(np.arange(left.size), left + 1)
        start = np.cumsum(left + 1) - (left + 1)
        new = np.arange(parent.size) - start[parent]
        counts = np.column_stack((counts[parent], new))
        left = left[parent] - new
    log_factorial = gammaln(np.arange(n + 1) + 1.0)
    log_weight = log_factorial[n] + counts @ (math.log(row.rho) + np.log(p)) - log_factorial[counts].sum(axis=1)
    if row.rho < 1:
        log_weight += left * math.log1p(-row.rho) - log_factorial[left]
    weight = np.exp(log_weight)
    weight /= weight.sum()  # what the logarithms of the factorials lose is mostly common to all
    M = counts @ p
    live = M > 0
    share = counts[live] * p / M[live, None]
    paid = 0.5 * np.abs(share - p).sum(axis=1) if divergence == "tv" else ((share - p) ** 2).sum(axis=1)
    value = row.rho * float(weight[live] @ paid)
    return Estimate(value, EPS * (32 + 4 * n * math.log(n + 2)) * value, "enumeration")


# --- Label classes --------------------------------------------------------------------------------------


def _spread(n: float, p: float) -> float:
    """Width of a window of Bin(n, p) that `loops_ptl.window` cannot exceed: Bernstein's inequality, exponent 100."""
    reach = 34 + math.sqrt(34**2 + 200 * n * p * (1 - p))
    return min(n, 2 * reach) + 2


def _orders(sizes: np.ndarray) -> list[np.ndarray]:
    """The order of the classes in each pass: every class of several labels comes first once."""
    several = np.flatnonzero(sizes > 1)
    firsts = several if several.size else np.array([0])
    return [np.concatenate(([f], np.delete(np.arange(sizes.size), f))) for f in firsts]


def classes_cost(row: Row, n: int) -> float:
    """Terms that `by_classes` adds up, roughly."""
    values, sizes = label_classes(row)
    mass = row.rho * sizes * values
    width = np.array([min(n + 1.0, 20 * math.sqrt(n * m * (1 - m)) + 10) for m in mass.clip(max=1.0)])
    total = 0.0
    for order in _orders(sizes):
        used = width[order[:-1]] if row.rho == 1 and order.size > 1 else width[order]
        # A window that starts far out is short: the product is a simplex for few draws.
        terms = min(math.exp(min(700.0, float(np.log(used).sum()))), _vectors(n, order.size, row.rho))
        within = float(used[0]) * min(n + 1.0, 20 * math.sqrt(n * mass[order[0]] / sizes[order[0]]) + 10)
        total += terms + within
    return total


def by_classes(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """The visited part, rho E[D; visited], over the totals of the label classes.

    Parameters
    ----------
    row : Row
    n : int
    divergence : {"tv", "l2"}

    Returns
    -------
    Estimate

    Raises
    ------
    OutOfReach
        Beyond `CLASSES_CAP` terms.
    """
    cost = classes_cost(row, n)
    if cost > CLASSES_CAP:
        raise OutOfReach(f"CE_ptl by label classes: {cost:.2g} terms, {CLASSES_CAP:.2g} at most")
    from kt_theory.exact import loops_ptl

    values, sizes = label_classes(row)
    out = np.zeros(3)
    for turn, order in enumerate(_orders(sizes)):
        value, size = values[order], sizes[order].astype(np.int64)
        # For rho = 1 the masses, not 1 - rho, decide what the last class gets: all that is left.
        mass = row.rho * size * value
        rest = 1 - row.rho
        before = np.concatenate(([0.0], np.cumsum(mass)[:-1])).clip(max=1.0)
        widest = 2.0
        for m, b in zip(mass, before, strict=True):
            left = min(n, n * (1 - b) + 15 * math.sqrt(n * b * (1 - b)) + 100)
            widest = max(widest, _spread(left, min(1.0, m / max(1 - b, m))))
        reach = min(n, n * mass[0] + 15 * math.sqrt(n * mass[0]) + 100)
        widest = max(widest, _spread(reach, 1 / size[0])) + 1
        rooms = np.zeros((order.size + 1, int(widest)))
        loops_ptl.class_pass(n, mass, rest, value, size, turn == 0, LEAST, rooms, out)
    paid = 0.5 * out[0] if divergence == "tv" else out[1]
    # A window is W steps of three roundings; typically two deviations are walked, and roundings do not all agree.
    steps = math.sqrt(n * min(1.0, row.rho))
    return Estimate(row.rho * paid, row.rho * (EPS * (32 + 2 * steps) * paid + 2 * out[2]), "label classes")


# --- Fourier --------------------------------------------------------------------------------------------


def by_fourier(row: Row, n: int, work: int = FOURIER_WORK) -> Estimate:
    """The visited part, rho E[TV; visited], by characteristic functions.

    Parameters
    ----------
    row : Row
    n : int
    work : int
        Evaluations of the characteristic function, about, at most.

    Returns
    -------
    Estimate
        Its error is an estimate, from two resolutions and the size of what was cut, five times over.
    """
    v, k = label_classes(row)
    law = _Thinned(row.rho, v, k, n)
    value = error = 0.0
    kinks: list[tuple[float, int]] = []
    for a in range(v.size):
        reach, sign = law.reach(a)
        if sign:
            x, e = law.smooth(a)
            value += sign * k[a] * v[a] * x
            error += k[a] * (v[a] * e + 4e-19)
        else:
            kinks.append((reach, a))
    kinks.sort()
    harmonics = int(np.clip(work / (law.y.size * max(1, len(kinks))), 256, 40_000))
    while kinks:
        # Labels whose windows are alike share their frequencies.
        group = [item for item in kinks if item[0] <= 1.5 * kinks[0][0]]
        kinks = kinks[len(group) :]
        for a, x, e in law.kinked([a for _, a in group], group[-1][0], harmonics):
            value += k[a] * v[a] * x
            error += k[a] * (v[a] * e + 2e-19)
    error = 0.5 * error + 16 * EPS * value
    return Estimate(row.rho * 0.5 * value, row.rho * error, "Fourier", proved=False)


class _Thinned:
    """Counts of n draws at one input of mass rho, with k_c labels of probability v_c each."""

    #: Step in u = where the trapezoid of y is taken; every second node gives the error.
    STEP = 1 / 8

    def __init__(self, rho: float, v: np.ndarray, k: np.ndarray, n: int) -> None:
        self.rho, self.v, self.k, self.n = rho, v, k, n
        self.w = k * v
        self.square = float(self.w @ v)
        self.log_never = n * math.log1p(-rho) if rho < 1 else -math.inf
        mean = n * rho * self.square
        longest = max(0.0, math.log(mean) - math.log(v[0]))
        u = np.arange(-3.625, math.log(45) + longest + 0.5, self.STEP)
        self.y = np.exp(u - np.exp(-u)) / mean
        self.dy = self.STEP * self.y * (1 + np.exp(-u))
        # With nothing but heavy visits the integrand is gone long before y p_min = 45.
        alive = self.power(np.zeros_like(self.y) + self.drift(self.y)) > 1e-40
        last = int(np.flatnonzero(alive)[-1]) + 2
        self.y, self.dy = self.y[:last], self.dy[:last]
        self.coarse = np.where(np.arange(self.y.size) % 2 == 0, 2 * self.dy, 0.0)
        # From here on the spread of M alone has quenched E exp(itX), but for revivals.
        self.variance = n * rho * max(0.0, float(self.w @ v**2) - rho * self.square**2)
        self.settled = 13 / math.sqrt(self.variance + 1e-300)
        self.minus = np.expm1(-np.outer(self.y, v))  # exp(-y v) - 1

    def drift(self, y: np.ndarray) -> np.ndarray:
        """sum_b p_b (exp(-y p_b) - 1)."""
        return np.expm1(-np.outer(y, self.v)) @ self.w

    def power(self, drift: np.ndarray) -> np.ndarray:
        """Real part of (1 + rho drift)^n - (1 - rho)^n, for drift = sum_b p_b z_b - 1.

        As a difference where the power is the larger, and otherwise as (1 - rho)^n expm1(...), so that the
        long tail in y of labels that are hardly ever seen keeps its digits.
        """
        x, b = self.rho * np.real(drift), self.rho * np.imag(drift)
        size = 0.5 * self.n * _log_square(x, b)
        full = np.exp(size) * np.cos(self.n * np.arctan2(b, 1 + x))
        if self.rho == 1:
            return full
        never = math.exp(self.log_never)
        if never < 1e-30:
            return full - never
        odds = self.rho / (1 - self.rho)
        x, b = odds * (1 + np.real(drift)), odds * np.imag(drift)
        close = np.hypot(x, b) * self.n < 1
        size, angle = 0.5 * self.n * _log_square(x, b), self.n * np.arctan2(b, 1 + x)
        with np.errstate(over="ignore", invalid="ignore"):
            near = never * (np.expm1(size) * np.cos(angle) - 2 * np.sin(angle / 2) ** 2)
        return np.where(close, near, full - never)

    def integral(self, f: np.ndarray) -> tuple[float, float]:
        """The integral over y of values at the nodes, and its error."""
        fine = float(self.dy @ f)
        coarse = float(self.coarse @ f)
        scale = float(self.dy @ np.abs(f))
        return fine, abs(fine - coarse) + 64 * EPS * scale

    def square_of_step(self, a: int) -> float:
        """The mean square of what one draw adds to X, given that it is at the input; no term is negative."""
        others = self.w * self.v**2
        others[a] -= self.v[a] ** 3
        return float(self.v[a] * (1 - self.v[a]) ** 2 + others.clip(min=0.0).sum())

    def reach(self, a: int) -> tuple[float, int]:
        """L with P(|X| > L) <= 1e-19, X = n_a - M, and the sign of X if that is sure to the same degree."""
        n, rho, v, w = self.n, self.rho, self.v, self.w
        sd = math.sqrt(n * rho * self.square_of_step(a) + 1e-300)
        theta = np.geomspace(0.02 / sd, max(60.0, 60 / sd), 400)
        found, sign = 0.0, 0
        for s in (1, -1):
            with np.errstate(all="ignore"):
                up = np.expm1(-s * np.outer(theta, v)) @ w
                up += v[a] * np.exp(-s * theta * v[a]) * np.expm1(s * theta)
                log_mgf = n * np.log1p(rho * up)
            log_mgf = np.where(np.isfinite(log_mgf), log_mgf, np.inf)
            found = max(found, float(np.min((log_mgf + 45.0) / theta)))
            if log_mgf.min() <= -45.0:
                sign = -s
        return min(found, float(n)), sign

    def smooth(self, a: int) -> tuple[float, float]:
        """E[X / M; M > 0]."""
        at = self.rho * self.drift(self.y)
        hit = self.n * self.rho * self.v[a] * np.exp(-self.y * self.v[a] + (self.n - 1) * np.log1p(at))
        # With no more than rounding left of P(M = 0), which is below e^-45 where a sign is sure.
        ratio, error = self.integral(hit)
        return ratio - 1, error

    def kinked(self, labels: list[int], L: float, harmonics: int) -> list[tuple[int, float, float]]:
        """E[|X| / M; M > 0] and its error for each of the labels, from the triangle wave of half width L."""
        v, w = self.v, self.w
        weighted = self.minus * w
        constant = self.power(self.drift(self.y))
        nodes = np.column_stack((self.dy, self.coarse))
        inverse, inverse2 = constant @ nodes  # E[1 / M; M > 0], from all nodes and from every second
        waves: dict[int, list[np.ndarray]] = {a: [] for a in labels}
        # Past the first agreement of all phases (t near 2 pi / |p|^2 if the labels are alike), where that can be had.
        past = 4 * math.pi / self.square
        enough = max(self.settled, past if past * L < math.pi * harmonics else 0.0)
        done, t = 0, self.y[:0]
        while done < harmonics:
            block = min(max(32, done // 2), BLOCK, harmonics - done)
            t = (2 * np.arange(done, done + block) + 1) * (math.pi / L)
            turn = -2 * np.sin(np.outer(v, t) / 2) ** 2 - 1j * np.sin(np.outer(v, t))  # exp(-itv) - 1
            shared = weighted.sum(axis=1)[:, None] + (w @ turn)[None, :] + _times(weighted, turn)
            jump = -2 * np.sin(t / 2) ** 2 + 1j * np.sin(t)  # exp(it) - 1
            for a in labels:
                drift = shared + v[a] * (1 + self.minus[:, a, None]) * ((1 + turn[a]) * jump)[None, :]
                waves[a].append(self.power(drift).T @ nodes)
            done += block
            if t[-1] > enough and all(np.abs(waves[a][-1]).max() < 1e-17 * inverse for a in labels):
                break
        c = 4 * L / math.pi**2 / (2 * np.arange(done) + 1.0) ** 2
        rest = L / math.pi**2 / done  # sum of c over the harmonics not taken, and the root of the sum of squares
        scatter = 4 * L / math.pi**2 / math.sqrt(6.0 * (2 * done) ** 3)
        results = []
        for a in labels:
            h = np.concatenate(waves[a])
            late, middle = h[done // 2 :, 0], h[done // 4 : done // 2, 0]
            level = float(late.mean())
            value = L / 2 * inverse - math.fsum(c * h[:, 0]) - rest * level
            second = L / 2 * inverse2 - math.fsum(c * h[:, 1]) - rest * float(h[done // 2 :, 1].mean())
            cut = rest * abs(level - float(middle.mean())) + 8 * scatter * float(np.sqrt(np.mean((late - level) ** 2)))
            proved, start = self.far(a)
            unseen = self.revivals(a, float(t[-1])) if t[-1] > self.settled else rest
            cut += inverse * (min(proved, unseen) if t[-1] > start else unseen)
            rounding = EPS * (8 * L * inverse + 4 * math.sqrt(self.n * self.rho) * abs(value))
            results.append((a, value, SAFETY * (abs(value - second) + cut) + rounding))
        return results

    def revivals(self, a: int, start: float) -> float:
        """What |E exp(itX)| adds beyond t = start: the mean over equidistributed phases, and peaks at t = 2 pi N.

        Three and five times over: the peaks lie near those places, not on them.
        """
        # Labels within a quarter of each other turn together for long: they count as one.
        groups: list[list[float]] = []
        for value, weight in zip(self.v, self.w - np.eye(self.v.size)[a] * self.v[a], strict=True):
            if groups and value < 1.25 * groups[-1][0]:
                groups[-1][1] += weight
            else:
                groups.append([value, weight])
        mass = np.array([1 - self.rho, self.rho * self.v[a], *(self.rho * weight for _, weight in groups)])
        mass = np.sort(mass)[:-1]  # the heaviest is the one that the others are in phase with
        level = float(np.prod(1 / np.sqrt(np.maximum(1.0, 2 * math.pi * self.n * mass))))
        N, phase, one, two, with_v = self.lattice
        # The phases at t = 2 pi N, less the part that a slightly different t would mend; 1 - cos x >= 0.2 x^2.
        d1 = self.rho * (self.v[a] - self.square)
        d2 = max(self.rho * self.square_of_step(a) - d1**2, 1e-300)  # not below 0 by a rounding
        mended = (self.rho * (self.v[a] * phase[:, a] - with_v) - one * d1) ** 2 / d2
        peak = np.exp(-0.2 * self.n * np.maximum(two - one**2 - mended, 0.0))
        width = min(2 * math.pi, 15 / math.sqrt(self.n * d2))
        late = 2 * math.pi * N > start - math.pi
        peaks = float(np.sum((2 * width / math.pi * peak / (2 * math.pi * N) ** 2)[late]))
        return 3 * 2 / (math.pi * start) * level + peaks

    @cached_property
    def lattice(self) -> tuple[np.ndarray, ...]:
        """N, the phases 2 pi N v in (-pi, pi), and their moments."""
        N = np.arange(1, 4096)
        phase = 2 * math.pi * ((N[:, None] * self.v + 0.5) % 1.0 - 0.5)
        moments = (phase @ self.w, phase**2 @ self.w, phase @ (self.w * self.v))
        return N, phase, self.rho * moments[0], self.rho * moments[1], moments[2]

    def far(self, a: int) -> tuple[float, float]:
        """Bound on what harmonics beyond some frequency add to E|X|, and that frequency; see the module docstring."""
        mass = np.concatenate(([1 - self.rho], self.rho * (self.w - np.eye(self.v.size)[a] * self.v[a])))
        phase = np.concatenate(([0.0], -self.v))
        mass, phase = np.append(mass, self.rho * self.v[a]), np.append(phase, 1 - self.v[a])
        gap = np.abs(phase[:, None] - phase)
        both = self.n * np.outer(mass, mass)
        useful = (both > 50) & (gap > 0)
        if not useful.any():
            return math.inf, math.inf
        bound = np.where(useful, gap / (12 * math.pi) * np.sqrt(2 * math.pi / np.where(useful, both, 1.0)), np.inf)
        best = np.unravel_index(int(np.argmin(bound)), bound.shape)
        return 1.5 * float(bound[best]), math.sqrt(90 / float(both[best])) / float(gap[best])


def _times(real: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A real matrix times a complex one, without making the first complex."""
    return real @ other.real + 1j * (real @ other.imag)


def _log_square(x: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The logarithm of |1 + x + ib|^2, with all digits near 0."""
    with np.errstate(divide="ignore"):
        return np.log1p(np.maximum(x * (2 + x) + b * b, -1.0))
