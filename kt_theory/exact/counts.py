r"""CE_ptl on rows of any probabilities, total variation: count by count.

As in `kt_theory.exact.ptl`, :math:`M = \sum_b n_b p_b`. As the student's row sums to 1, only labels whose value is too
small count:

.. math:: \mathrm{E}[D;\ \text{visited}] = \sum_a p_a \Pr(n_a = 0, \text{visited})
          + \sum_a p_a \sum_{k \ge 1} \Pr(n_a = k)\, \mathrm{E}[(1 - k/M)^+ \mid n_a = k].

**M below 1.** Nothing of the second sum is left: the risk is the missing mass, but for :math:`\Pr(M > 1)`, for which
Chernoff's bound stands. Rows of many labels and few draws are computed in this way; so are inputs that are hardly ever
visited, since k < M takes three visits, which have a probability below :math:`(n \rho)^3 / 6`.

**A cosine series** of :math:`(1 - k/x)^+` on a window of M, which is outside with a probability below
:math:`e^{-45}` (Chernoff), and the function and its even continuation are at most 1. With :math:`\omega = j\pi/L`,
:math:`\theta = \omega(k - l)` on :math:`[l, h]`, :math:`L = h - l`, and the auxiliary functions f, g of the sine and
cosine integrals,

.. math:: c_j(k) = \frac 2L \Big( k\, (-1)^j g(\omega h) - k\, g(\omega k) \cos\theta
          - \frac{1 - \omega k f(\omega k)}{\omega} \sin\theta \Big),

in which nothing cancels; for k < l the function has no kink, and :math:`c_j(k)` is a multiple of k. Given that
:math:`n_a = k`, M is a sum of independent parts:

.. math:: \mathrm{E}[e^{i\omega M} \mid n_a = k] = e^{i \omega k p_a}
          \Big(\frac{\psi(\omega) - w_a e^{i\omega p_a}}{1 - w_a}\Big)^{n - k},
          \qquad \psi(\omega) = 1 - \rho + \sum_b w_b e^{i \omega p_b},\ w_b = \rho p_b.

One :math:`\psi` serves all labels and counts: O(A + counts) a harmonic. All exponents are taken about the mean of M,
with :math:`e^{ix} - 1 - ix` and :math:`\log(1 + z) - z` from their series, so that no digit is lost at n = 10^12.

**Counts by strides.** Where the largest frequency that is used and the law of the count leave no alias (sums over every
h-th count, h times over, differ from those over all by frequencies 2 pi / h and above), every h-th count does.

**Labels alike**, as in `kt_theory.exact.levels`, are replaced by Chebyshev points, once for :math:`\psi` and once for
the outer sum, whose terms are functions of p that bend on the scale of a standard deviation of the count.

**Errors** are estimates, with `proved` False: of harmonics left out, :math:`7 / (L k \omega^2)` times moduli of
characteristic functions, followed to thirty times the last frequency that matters; of those beyond, the mean of the
last half and eight times the scatter about it, and what they would add if all phases agreed again from there on, as
they do where all p are multiples of one number; the last Chebyshev coefficients; and rounding. Where M is below 1 the
error is proved.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from kt_theory.exact import alike
from kt_theory.exact.rows import Estimate, OutOfReach, Row
from kt_theory.numerics import binomials
from kt_theory.numerics.powers import log_lag, product

EPS = 2.0**-52

#: The probability outside of windows, as exponent.
LEAST = 45.0

#: Evaluations of e^(ix) for the characteristic function, and products of the sum over counts, at most; 3 ns each.
MOST_TURNS = 6e7
MOST_PRODUCTS = 3e7

#: Counts of all labels together, at most.
MOST_COUNTS = 5_000_000

#: Numbers in the tables of all counts and harmonics, at most: 160 MB.
MOST_STORED = 20_000_000

#: Harmonics that are looked at first, and how many times as far as the last that counts.
FIRST, SCANNED = 256, 30

#: How large the last harmonic is that matters, what those that were not looked at may add together as a rule, and what
#: they may add if all phases agree again; relative.
LEFT, AIM, AGAIN = 1e-13, 1e-9, 1e-7

#: Labels of which each is followed, and groups of others; what following one costs, in evaluations of e^(ix).
WATCHED, DEAR = 8, 30.0

#: Points for an interval of labels: of the characteristic function, of the outer sum.
TURN_POINTS, POINTS = 14, 12

#: From this variance of a count on sums over counts cancel as integrals do.
OFTEN = 50.0

#: The largest relative errors that are shown, before any other route is tried and after; how many times what was seen
#: to be left.
FINE, COARSE = 1e-6, 1e-4
SAFETY = 3.0

ROUTE = "counts"


def estimate(row: Row, n: int) -> Estimate:
    """What visited students add to the TV risk of CE_ptl, rho E[TV; visited], after n >= 1 draws; with any error.

    Parameters
    ----------
    row : Row
    n : int

    Returns
    -------
    Estimate
        Its error is an estimate, or proved where M is below 1.

    Raises
    ------
    OutOfReach
        If all labels have one probability, or too many counts are needed.
    """
    law = _Draws(row, n)
    if law.sd == 0:
        raise OutOfReach("CE_ptl, count by count: all draws show labels of one probability")
    missed = law.missed()
    low, high, above = law.window()
    if above <= 1e-9 * missed:
        return Estimate(row.rho * missed, row.rho * (above + 64 * EPS * missed), ROUTE)
    seen = _Seen(law, low, high)
    value = missed + seen.value
    error = SAFETY * seen.error + 4 * math.exp(-LEAST) + EPS * (64 * value + seen.rounding)
    return Estimate(row.rho * value, row.rho * error, ROUTE, proved=False)


def within(found: Estimate, largest: float) -> Estimate:
    """An estimate as it is, or `OutOfReach` if its error is above `largest`, relative."""
    if not found.error <= largest * found.value:
        raise OutOfReach(
            f"CE_ptl, count by count: the error is {found.error:.2g} of {found.value:.3g}: use kt_theory.simulate"
        )
    return found


class _Draws:
    """n draws of a row of distinct labels p, `times` each: w = rho p, 1 - w, and p less the mean of a draw."""

    def __init__(self, row: Row, n: int) -> None:
        self.n, self.rho = n, row.rho
        p, times = np.unique(row.p[row.p > 0], return_counts=True)
        whole = math.fsum(row.p)
        self.p, self.times = p, times.astype(np.float64)
        self.w = row.rho * p / whole
        mass = self.w * self.times
        # Not 1 - w, and not rho - w, which a row that is nearly sure leaves no digits of. Only the heaviest label can
        # have more than half of rho.
        self.elsewhere = 1.0 - row.rho
        self.others = row.rho - self.w
        self.others[-1] = math.fsum(mass[:-1]) + (times[-1] - 1) * self.w[-1]
        self.rest = np.where(self.w < 0.5, 1 - self.w, self.others + self.elsewhere)
        # p - mean, from the heaviest label, whose distance may be small.
        gap = p[-1] - p
        self.last = math.fsum(mass * gap) + self.elsewhere * float(p[-1])
        self.d = self.last - gap
        self.mean = float(p[-1]) - self.last
        self.sd = math.sqrt(n * (float(mass @ self.d**2) + self.elsewhere * self.mean**2))

    def missed(self) -> float:
        """E of the missing mass, visited, with a relative error below 64 roundings where M is below 1."""
        n, among = self.n, self.others / self.rest
        with np.errstate(divide="ignore"):
            log = np.where(self.w < 0.5, np.log1p(-np.minimum(self.w, 0.5)), np.log(self.rest))
            never = np.log1p(-self.rho) if self.rho < 1 else -math.inf
            # The logarithm of the probability of no visit, given that this label is not drawn.
            lag = np.where(among < 0.5, np.log1p(-np.minimum(among, 0.5)), never - log)
        return math.fsum(self.times * self.p * np.exp(n * log) * -np.expm1(n * lag))

    def window(self) -> tuple[float, float, float]:
        """Where M lies but with probability 2 e^-LEAST, and a bound on the probability that a value is too small."""
        p, weight, _ = alike.replaced(self.p, self.times * self.w, lambda x: 0.02 * x + 1e-3 * float(self.p[-1]), 8)
        d, n, m = p - self.mean, self.n, self.n * self.mean
        ends = []
        least, theta_one = math.inf, 0.0
        # In few visits the exponent is about 1 / p where it counts, and not yet at 1 / sd.
        reach = self.sd / float(self.p[-1])
        for sign in (1, -1):
            scales = np.geomspace(min(1.0, reach), max(60.0, 200 * reach), 60) / self.sd
            for _ in range(2):
                with np.errstate(over="ignore", invalid="ignore"):
                    theta = sign * np.outer(scales, d)
                    lag = _lag(theta) @ weight + self.elsewhere * _lag(-sign * scales * self.mean)
                    log = n * np.log1p(lag)
                    log = np.where(np.isfinite(log), log, np.inf)
                far = (log + LEAST) / scales
                best = int(np.argmin(far))
                if sign == 1 and m < 1:
                    one = log - scales * (1 - m)
                    if one.min() < least:
                        least, theta_one = float(one.min()), float(scales[int(np.argmin(one))])
                scales = np.geomspace(scales[max(best - 1, 0)], scales[min(best + 1, scales.size - 1)], 12)
            ends.append(max(float(far.min()), 1e-12 * m))
        high = min(m + 1.0001 * ends[0], n * float(self.p[-1]) * (1 + 1e-12))
        low = max(m - 1.0001 * ends[1], 0.0)
        return low, high, self._above_one(theta_one)

    def _above_one(self, theta: float) -> float:
        """A bound on the probability of k < M for some count k >= 1, which takes M > 1 and three visits.

        Chernoff's at theta, from all labels, or that of three visits.

        Two visits of labels a and b that differ give M = p_a + p_b <= 1; of one label, M = 2 p_a <= 2, its count.
        """
        n, m = self.n, self.n * self.mean
        if n * float(self.p[-1]) * (1 + 1e-12) <= 1:
            return 0.0
        lag = float(_lag(theta * self.d) @ (self.times * self.w)) + self.elsewhere * _lag(-theta * self.mean)
        chernoff = math.exp(min(0.0, n * math.log1p(lag) - theta * (1 - m)))
        return min(1.0, chernoff, (n * self.rho) ** 3 / 6) * (1 + 1e-9)


def _constant(value: float, x: float) -> float:
    return value


def _lag(x: Any) -> Any:
    """The exponential of x, less 1 + x."""
    return np.expm1(x) - x


class _Seen:
    """The sum over counts k >= 1, an estimate of its error, and roundings in it."""

    def __init__(self, law: _Draws, low: float, high: float) -> None:
        self.of, self.low, self.high = law, low, high
        self.L = high - low
        n = law.n
        # How far counts reach: labels whose counts are above the window add nothing.
        spread = np.sqrt(n * law.w * law.rest)
        live = n * law.w - 9 * spread - 30 <= high
        self.p, self.weight, self.intervals = alike.replaced(
            law.p[live], (law.times * law.p)[live], self._width, POINTS
        )
        whole = law.w[-1] / law.p[-1]
        self.w = np.minimum(whole * self.p, 1.0)
        self.d = law.last - (law.p[-1] - self.p)
        exact = np.searchsorted(law.p, self.p)
        exact = np.minimum(exact, law.p.size - 1)
        self.rest = np.where(law.p[exact] == self.p, law.rest[exact], 1 - self.w)
        self._ranges()
        self._scan()
        self._sum()

    def _width(self, x: float) -> float:
        law = self.of
        count = law.n * law.w[-1] / law.p[-1]  # mean count of a label over its probability
        mean = count * x
        step = (1.2 * math.sqrt(mean) + 0.36) / count
        most = min(self.high, mean + 9 * math.sqrt(mean) + 10)
        step = min(step, 1.2 * law.sd / max(most, 1.0))
        # Below all kinks, and where the label is surely seen, what remains is nearly linear.
        free = (math.sqrt(self.low + 25) - 5) ** 2 / count - x if self.low > 0 else 0.0
        return max(step, min(free, 0.5 * x)) if mean > 60 else step

    def _ranges(self) -> None:
        """The first and the last count of each label, and how much its harmonics weigh."""
        n, high = self.of.n, self.high
        ends = np.array([binomials.window(n, float(x)) for x in self.w.tolist()])
        self.k1, self.k2 = np.maximum(ends[:, 0], 1), np.minimum(ends[:, 1], math.floor(high))
        mean = n * self.w
        # E[1/k; low < k < high] about, and below: two ends of the window, k times over.
        typical = np.clip(mean, self.k1, np.maximum(self.k2, self.k1))
        kink = 7 / self.L / np.maximum(np.maximum(typical, self.low), 1.0)
        seen = -np.expm1(-mean)
        smooth = 4 / self.L * typical / max(self.low, 1e-300) ** 2 if self.low > 1 else 0.0
        self.size = np.abs(self.weight) * np.where(self.k2 >= self.k1, seen * (kink + smooth), 0.0)

    def _scan(self) -> None:
        """The harmonics that count, psi there, and what the others may add."""
        from kt_theory.exact import loops_counts

        law, unit = self.of, math.pi / self.L
        scale = self._floor()
        w, rest, d, most = self._watched()
        drifts, bounds = [], []
        done, last, turns = 0, 0, 0.0
        # At least as far as the normal law of M reaches.
        least = min(9 / (unit * law.sd), 4.0 * FIRST)
        while True:
            block = np.arange(done + 1, max(2 * done, FIRST) + 1)
            omega = block * unit
            width = partial(_constant, 2.0 / float(omega[-1]))
            x, weight, _ = alike.replaced(law.p, law.times * law.w, width, TURN_POINTS)
            gaps, weight = np.append(law.last - (law.p[-1] - x), -law.mean), np.append(weight, law.elsewhere)
            drift, bound = np.empty(block.size, dtype=np.complex128), np.empty(block.size)
            loops_counts.drifts(float(omega[0]), unit, weight, gaps, drift)
            loops_counts.envelope(float(law.n), omega, drift, w, rest, d, most, OFTEN, bound)
            bound /= omega**2
            drifts.append(drift)
            bounds.append(bound)
            turns += (gaps.size + DEAR * w.size) * block.size
            done = int(block[-1])
            large = np.flatnonzero(bound > LEFT * scale)
            last = int(block[large[-1]]) if large.size else last
            level = float(np.mean(bound * block**2)) / done
            # Were all phases to agree again from here on, at all multiples of some frequency.
            again = 1.65 * math.sqrt(2 * math.pi) / (unit * law.sd) * float(self.size.sum()) / omega[-1] ** 2
            enough = SCANNED * (last if level > AIM * scale else min(last, least))
            if (done >= enough and again <= AGAIN * scale) or 3 * turns > MOST_TURNS:
                break
        bound = np.concatenate(bounds)
        order = np.argsort(bound)
        small = int(np.searchsorted(np.cumsum(bound[order]), AIM / 100 * scale))
        chosen = np.sort(order[small:])
        self.done, self.beyond, self.skipped = done, level, again + float(bound[order[:small]].sum())
        self.bound, self.drift, self.number = bound[chosen], np.concatenate(drifts)[chosen], chosen + 1
        self.omega = self.number * unit

    def _watched(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Labels whose characteristic functions are followed: the heavy ones, and one for others alike."""
        order = np.flatnonzero(self.size > 0)
        order = order[np.argsort(-self.w[order])]
        # The heaviest of a group stands for it: the more a label weighs, the less is left without it.
        groups = np.linspace(WATCHED, order.size, WATCHED).astype(int)
        edges = np.unique(np.concatenate((np.arange(WATCHED), groups)))
        edges = edges[edges < order.size]
        some = order[edges]
        size = np.add.reduceat(self.size[order], edges) if some.size else np.zeros(0)
        bend = np.zeros(some.size)
        for end in np.clip([round(self.low), round(self.high)], 1, self.of.n).tolist():
            bend += 2 * binomials.binomial(np.full(some.size, float(end)), float(self.of.n), self.w[some])
        most = np.column_stack((self.k2[some].astype(np.float64), size, bend))
        return self.w[some], self.rest[some], self.d[some], most

    def _floor(self) -> float:
        """About what the sum over counts is at least: harmonic 0, from the mean count."""
        law = self.of
        return max(1e-300, law.missed() + 1e-3 * float(np.minimum(1.0, law.sd / max(law.n * law.mean, 1.0))))

    def _strides(self) -> np.ndarray:
        spread = np.sqrt(self.of.n * self.w * self.rest)
        top = float(self.omega[-1]) if self.omega.size else 0.0
        content = top * (1 + np.abs(self.d) / self.rest) + 12 / np.maximum(spread, 1e-9)
        step = np.floor(2 * math.pi / content)
        step = np.where(spread**2 > OFTEN, np.maximum(step, 1.0), 1.0)
        return 2.0 ** np.floor(np.log2(step))

    def _sum(self) -> None:
        from kt_theory.exact import loops_counts

        law, n = self.of, self.of.n
        step = self._strides()
        kept = np.flatnonzero(self.size > 0)
        first = np.ceil(self.k1 / step) * step
        number = np.maximum(0, np.floor((self.k2 - first) / step) + 1).astype(np.int64)
        kept = kept[number[kept] > 0]
        first, step, number = first[kept], step[kept], number[kept]
        w, rest, d = self.w[kept], self.rest[kept], self.d[kept]
        work = float(number.sum()) * self.omega.size
        if work > MOST_PRODUCTS:
            most = int(MOST_PRODUCTS / max(1.0, float(number.sum())))
            order = np.sort(np.argsort(-self.bound)[:most])
            self.skipped += float(self.bound.sum() - self.bound[order].sum())
            self.bound = self.bound[order]
            self.number, self.omega, self.drift = self.number[order], self.omega[order], self.drift[order]
        if number.sum() > MOST_COUNTS:
            raise OutOfReach(f"CE_ptl, count by count: {number.sum():.2g} counts: use kt_theory.simulate")
        start = np.concatenate(([0], np.cumsum(number)))
        which = np.repeat(np.arange(kept.size), number)
        k = first[which] + (np.arange(start[-1]) - start[which]) * step[which]
        pmf = step[which] * binomials.binomial(k, float(n), w[which])
        inside = k >= self.low
        least = np.add.reduceat(~inside, start[:-1]).astype(np.int64) if kept.size else np.zeros(0, np.int64)
        # Harmonic 0.
        u = (self.high - k) / k
        zero = np.where(inside, k * log_lag(u), 0.0) / self.L
        if self.low > 1:
            zero = np.where(inside, zero, 1 - k * (math.log(self.high / self.low) / self.L))
        R = np.zeros(kept.size)
        by_harmonic = np.zeros(self.omega.size)
        np.add.at(R, which, pmf * zero)
        if self.omega.size:
            place = np.zeros((kept.size, 2), dtype=np.int64)
            tables: list[np.ndarray] = []
            filled = 0
            for h in np.unique(step).tolist():
                mine = np.flatnonzero(step == h)
                bottom = math.ceil(max(self.low, 1.0) / h) * h
                bottom = max(bottom, float(first[mine].min()))
                top = float((first[mine] + (number[mine] - 1) * h).max())
                if top < bottom:
                    continue
                if filled + self.omega.size * ((top - bottom) / h + 1) > MOST_STORED:
                    raise OutOfReach(
                        f"CE_ptl, count by count: tables of more than {MOST_STORED:.0e} numbers: use kt_theory.simulate"
                    )
                at = np.arange(bottom, top + h / 2, h)
                table = np.empty((self.omega.size, at.size))
                loops_counts.coefficients(self.number, self.omega, at, self.low, self.high, table)
                place[mine, 0] = filled + np.round((first[mine] - bottom) / h).astype(np.int64)
                place[mine, 1] = at.size
                tables.append(table.ravel())
                filled += table.size
            g = np.array([loops_counts.auxiliary(x * self.high)[1] for x in self.omega.tolist()])
            under = np.where(self.number % 2 == 1, 1.0, -1.0) * g
            if self.low > 1:
                under = under + np.array([loops_counts.auxiliary(x * self.low)[1] for x in self.omega.tolist()])
            big, small = product(float(n), w)
            loops_counts.sums(
                float(n),
                self.omega,
                self.drift,
                n * law.mean - self.low,
                w,
                rest,
                d,
                first,
                (first - big) - small,
                step,
                start,
                pmf,
                least,
                place,
                np.concatenate(tables) if tables else np.zeros(1),
                under * (2 / self.L),
                self.weight[kept],
                by_harmonic,
                R,
            )
        self.value = float(self.weight[kept] @ R)
        self.rounding = 64 * float(np.abs(self.weight[kept]) @ np.abs(R))
        whole = np.zeros(self.p.size)
        whole[kept] = R
        bent = 0.0
        for interval in self.intervals:
            coefficients = alike.to_coefficients(POINTS) @ whole[interval]
            bent += float(np.abs(coefficients[-2:]).max() * np.abs(self.weight[interval]).sum())
        self.error = self.skipped + bent + min(self.beyond, self._rest(by_harmonic))

    def _rest(self, terms: np.ndarray) -> float:
        """What harmonics may add that were not looked at: the mean of those of the last half, and their scatter."""
        late = self.number > self.done // 2
        scaled = np.zeros(self.done - self.done // 2)
        scaled[self.number[late] - self.done // 2 - 1] = terms[late] * self.number[late].astype(np.float64) ** 2
        mean = float(scaled.mean())
        scatter = math.sqrt(float(np.mean((scaled - mean) ** 2)) / (3.0 * self.done**3))
        return abs(mean) / self.done + 8 * scatter
