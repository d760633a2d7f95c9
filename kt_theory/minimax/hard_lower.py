r"""Hard labels, the lower end: Bayes risks under Dirichlet priors, and Assouad's bound.

**Lower end, a Dirichlet prior (proved).** Let rho be uniform and the rows independent Dirichlet(alpha, ..., alpha).
Given the m visits of an input, a label seen x times has p ~ Beta(a, b), a = alpha + x, b = (A-1) alpha + m - x, N = a +
b. The student's row q sums to 1, so for every mu in (-1, 1) and all data,

    sum_a E|p_a - q_a| = mu + sum_a (E|p_a - q_a| - mu q_a) >= mu + sum_a min_q (E|p_a - q| - mu q),

and the least is at the quantile q of Beta(a, b) of level u = (1 + mu)/2. From E|p - q| = q (2 I_q(a, b) - 1) + (a/N)(1
- 2 I_q(a+1, b)) and I_q(a, b) - I_q(a+1, b) = q^a (1-q)^b / (a B(a, b)), and since the posterior means of all labels
add up to 1, mu cancels:

.. math:: \mathrm{minimax}(1, A, m) \ge L(m) = A \sum_x \mathrm{BetaBin}(x; m, \alpha, (A-1)\alpha)\,
          \frac{q_x^{a} (1-q_x)^{b}}{N\, B(a, b)}

for every alpha > 0 and u in (0, 1) (u = 1/2: posterior medians). Without data the best row is uniform, by symmetry and
convexity: there q = 1/A. With S inputs the bound is E L(Bin(n, 1/S)). As alpha grows with alpha A = o(n) it tends to
sqrt(S (A-1) / (2 pi n)), which is sharp. alpha and u are searched for, starting from sqrt(n)/(2 sqrt(A-1)) and 1/2. Any
part of the sum is a bound, for nothing in it is negative: far tails are left out. L(m) does not increase in m >= 1 for
fixed alpha and u: it is the Bayes risk of students free of the simplex under the loss (sum_a |p_a - q_a| - mu (sum_a
q_a - 1))/2, and data may be ignored. So of a run of numbers of visits only the last is computed. Beyond 30 per label,
where the terms are a smooth bell of x at least 16 steps wide, every h-th x stands for h of them: a trapezoidal rule
whose error is below 1e-15 for bells; the result is lowered by 1e-9 for this and for rounding.

**Many samples.** From `MEDIANS` samples per label on, u = 1/2 and the median gives way to the mean a/N, where E|p -
a/N| is twice the peak q^a (1-q)^b / (N B(a, b)) at q = a/N. E|p - q| is convex in q with the slope 2 I_q - 1, so its
least is lower by at most 2 d^2 max f, with d the distance from mean to median and f the density. Median and mean lie on
one side of the mode (a-1)/(N-2), the median between (Groeneveld & Meeden 1977), so d <= |N - 2a|/(N (N-2)) < 1/(N-2),
and max f <= N peak / (mode (1 - mode)): relatively at most N/((a-1)(b-1)). The mean over the visits is summed by parts,
L not increasing, with P(Bin(n, r) <= k) >= normal - 0.4748 (r^2 + (1-r)^2)/sd (Berry & Esseen; the constant: Shevtsova
2011), and its upper tail by Bernstein's inequality.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from kt_theory.numerics import binomials

#: What lower ends are lowered by, relatively.
SAFETY = 1e-9

#: From so many samples per label on, posterior means stand for posterior medians.
MEDIANS = 1e7

#: From this variance of the visits on, their law is taken from the normal one less the error of Berry and Esseen.
NORMAL = 1e8


def dirichlet_bound(S: int, A: int, n: int) -> float:
    """The best lower bound found from Dirichlet priors, for A >= 2 and n >= 1; proved for each alpha and u.

    Examples
    --------
    >>> round(dirichlet_bound(1, 25, 2500), 6)  # the minimax risk is at most 0.037658
    0.037186
    """
    from scipy.optimize import minimize, minimize_scalar

    m = max(1, round(n / S))
    start = math.log(math.sqrt(m) / (2 * math.sqrt(A - 1)))
    small = n <= 200

    def value(log_alpha: float, logit: float) -> float:
        alpha, u = math.exp(log_alpha), special.expit(logit)
        return _average(S, A, n, alpha, u) if small else _dirichlet(A, m, alpha, u)

    if m > 100 * A:
        best = minimize_scalar(
            lambda x: -value(x, 0.0), bounds=(start - 2, start + 2), method="bounded", options={"xatol": 0.02}
        )
        log_alpha, logit = float(best.x), 0.0
    else:
        best = minimize(
            lambda z: -value(*np.clip(z, -12, 12)),
            [start, 0.0],
            method="Nelder-Mead",
            options={"xatol": 1e-3, "fatol": 1e-7},
        )
        log_alpha, logit = np.clip(best.x, -12, 12).tolist()
    return _average(S, A, n, math.exp(log_alpha), float(special.expit(logit))) * (1 - SAFETY)


def _average(S: int, A: int, n: int, alpha: float, u: float) -> float:
    """E L(Bin(n, 1/S)), or a part of it."""
    if S == 1:
        return _dirichlet(A, n, alpha, u)
    mean = n / S
    if mean * (1 - 1 / S) >= NORMAL:
        return _average_normal(S, A, n, alpha, u)
    reach = 7 * math.sqrt(mean) + 25
    first, last = max(0, math.floor(mean - reach)), min(n, math.ceil(mean + reach))
    # Short runs of visits while these are few: at most about 60 runs.
    width = max(1, (last - first + 1) // 60)
    total = 0.0
    for m in range(first, last + 1, width):
        run = np.arange(m, min(m + width, last + 1), dtype=np.float64)
        total += float(binomials.binomial(run, n, 1 / S).sum()) * _dirichlet(A, int(run[-1]), alpha, u)
    return total


def _average_normal(S: int, A: int, n: int, alpha: float, u: float) -> float:
    """The same from 61 values of L: P(Bin <= k) is at least the normal one less 0.4748/sd, L does not increase."""
    sd = math.sqrt(n / S * (1 - 1 / S))
    ends = np.floor(n / S + sd * np.linspace(-7, 7, 61))
    below = np.maximum(special.ndtr((ends - n / S) / sd) - 0.4748 / sd, 0.0)
    below[-1] = 1 - math.exp(-(6.9**2) / (2 + 14 / (3 * sd)))  # Bernstein
    L = np.array([_dirichlet(A, int(m), alpha, u) for m in ends])
    return float(below[:-1] @ (L[:-1] - L[1:]) + below[-1] * L[-1])


def _dirichlet(A: int, m: int, alpha: float, u: float) -> float:
    """L(m); a lower bound of it from `MEDIANS` samples per label on."""
    beta = (A - 1) * alpha
    if m == 0:
        return A * float(_peak(np.array([alpha]), np.array([beta]), np.array([1 / A]))[0])
    mean = m / A
    sd = math.sqrt(mean * (1 - 1 / A) * (1 + (m - 1) / (A * alpha + 1)))
    step = max(1, int(sd / 16)) if alpha >= 30 and mean >= 30 else 1
    reach = 10 * sd if step > 1 else 12 * sd + 45 * (mean / alpha + 1)
    x = np.arange(max(0, math.floor(mean - reach)), min(m, math.ceil(mean + reach)) + 1, step, dtype=np.float64)
    a, b = alpha + x, beta + (m - x)
    # BetaBin(x) by logarithms whose deviances are small, so that the digits do not go with the size of m.
    weight = np.exp(_log_beta_binomial(x, float(m), alpha, beta))
    if mean >= MEDIANS and u == 0.5:
        # What the median saves against the mean is below N / ((a - 1) (b - 1)), relatively.
        least = np.maximum(1 - (a + b) / ((a - 1) * (b - 1)), 0.0)
        return A * step * float(weight @ (_peak(a, b, a / (a + b)) * least))
    return A * step * float(weight @ _peak(a, b, special.betaincinv(a, b, u)))


def _peak(a: np.ndarray, b: np.ndarray, q: np.ndarray) -> np.ndarray:
    """q^a (1-q)^b / (N B(a, b)), N = a + b."""
    N = a + b
    q = np.clip(q, 1e-300, 1 - 1e-16)
    fit = _deviance(a, N * q) + _deviance(b, N * (1 - q))
    return np.exp(_remainder(N) - _remainder(a) - _remainder(b) - fit) * np.sqrt(a * b / (2 * math.pi * N)) / N


def _log_beta_binomial(x: np.ndarray, m: float, alpha: float, beta: float) -> np.ndarray:
    """Return log C(m, x) B(x + alpha, m - x + beta) / B(alpha, beta), all gamma functions by `_remainder`."""
    y, a, b, N = m - x, alpha + x, beta + m - x, alpha + beta + m
    v, w = a / N, b / N
    fit = _deviance(x, m * v) + _deviance(y, m * w) + _deviance(alpha, (N - m) * v) + _deviance(beta, (N - m) * w)
    ways = math.log(m) / 2 + _factorial(m) - np.where(x > 0, 0.5 * np.log(np.maximum(x, 1)) + _factorial(x), 0.0)
    ways = ways - np.where(y > 0, 0.5 * np.log(np.maximum(y, 1)) + _factorial(y), 0.0)
    ways -= 0.5 * math.log(2 * math.pi) * (1.0 * (x > 0) + 1.0 * (y > 0) - 1)
    posterior = 0.5 * np.log(N / (a * b)) + _remainder(a) + _remainder(b) - _remainder(np.array(N))
    prior = 0.5 * math.log((N - m) / (alpha * beta)) + (
        _remainder(np.array(alpha)) + _remainder(np.array(beta)) - _remainder(np.array(N - m))
    )
    return ways + posterior - prior - fit


def _factorial(k: np.ndarray | float) -> np.ndarray:
    """Return log k! - log(sqrt(2 pi k) (k/e)^k); anything at 0."""
    return _remainder(np.maximum(k, 1.0))


def _remainder(z: np.ndarray) -> np.ndarray:
    """Return log Gamma(z) - ((z - 1/2) log z - z + log(2 pi)/2), z > 0."""
    z = np.asarray(z, dtype=np.float64)
    t = 1 / np.maximum(z, 1) ** 2
    series = (1 / 12 - t * (1 / 360 - t * (1 / 1260 - t * (1 / 1680 - t / 1188)))) / np.maximum(z, 1)
    low = np.minimum(z, 20)
    return np.where(
        z < 20, special.gammaln(low) - (low - 0.5) * np.log(low) + low - 0.5 * math.log(2 * math.pi), series
    )


def _deviance(x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray:
    """Return x log(x/y) - x + y, without cancellation."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    v = (x - y) / (x + y)
    # log(x/y) = 2 artanh(v)
    square = v * v
    tail = (
        square / 3 * (1 + square * (3 / 5 + square * (3 / 7 + square * (3 / 9 + square * (3 / 11 + square * 3 / 13)))))
    )
    near = (x - y) * v + 2 * x * v * tail
    return np.where(np.abs(v) < 0.02, near, special.rel_entr(x, y) - x + y)


def assouad_bound(S: int, A: int, n: int) -> float:
    """Assouad's lower bound with the exact error of each two-point test: max_D D P_err(D), A >= 2.

    rho is uniform, and each pair of labels has masses (1 + D)/A', (1 - D)/A' in either order, A' = A or A - 1,
    even. Of n samples m ~ Bin(n, 2/(S A')) fall on a pair, each the likelier label with probability (1 + D)/2;
    the sign test is the best. Proved for each D. Z&Z Thm 3.1 is the same construction with a cruder test error.
    """
    share = 2 / (S * (A - A % 2))
    mean = n * share
    if mean > 1e6:
        return 0.0  # a Dirichlet prior gives twice as much; sums over so many numbers of flips are left out
    first, last = (
        max(0, math.floor(mean - 7 * math.sqrt(mean) - 20)),
        min(n, math.ceil(mean + 7 * math.sqrt(mean) + 20)),
    )
    width = max(1, (last - first + 1) // 400)
    ends = np.minimum(np.arange(first, last + 1, width) + width - 1, last).astype(np.float64)
    runs = [binomials.binomial(np.arange(e - width + 1, e + 1).clip(first), n, share) for e in ends[:-1]]
    weight = np.array(
        [r.sum() for r in runs] + [binomials.binomial(np.arange(first + width * len(runs), last + 1), n, share).sum()]
    )
    # An even number of flips is as good as the odd number before it.
    half = np.maximum(np.ceil(ends / 2), 1)
    D = np.minimum(1.0, np.concatenate((np.linspace(0.3, 2.0, 40) / math.sqrt(max(mean, 1)), [1.0])))
    errors = np.where(ends > 0, special.betainc(half, half, (1 - D[:, None]) / 2), 0.5)
    return float((D * (errors @ weight)).max()) * (1 - SAFETY)
