r"""Hard labels: the minimax risk as an interval, proved but for the games of the smallest sizes.

**Lower end, a Dirichlet prior (proved).** Let rho be uniform and the rows independent Dirichlet(alpha, ..., alpha).
Given the m visits of an input, a label seen x times has p ~ Beta(a, b), a = alpha + x, b = (A-1) alpha + m - x, N = a +
b. The student's row q sums to 1, so for every mu in (-1, 1), whatever the data,

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

**Upper end, one input (proved up to rounding).** The student says (n_a + c)/(n + Ac). Its risk is the sum of h(p_a),
h(p) = E|X + c - p T| / (2T) with T = n + Ac (`kt_theory.exact.add`), so that its worst risk is at most min over lambda
of lambda + A max_p (h(p) - lambda p), whatever lambda is; the slope of the concave envelope at 1/A is taken. For the
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
frequencies after m visits or fewer, V(0) = 1 - 1/A. A student that treats each input on its own pays at most sum_s
rho_s E V(Bin(n, rho_s)). For r in [r0, r1] a term is at most r E V(Bin(n, r0)), and a concave envelope in r does the
rest. The frequencies alone also give (sqrt((S-1)/n) + sqrt((SA-1)/n))/2, and no minimax risk exceeds that of the
uniform student, 1 - 1/A.

**Small sizes** are solved as games, by cutting planes: `kt_theory.minimax.hard_game`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import special

from kt_theory.exact import add, sgl
from kt_theory.minimax import hard_game
from kt_theory.minimax.result import MinimaxRisk, sizes
from kt_theory.problem import Problem

#: What lower ends are lowered by, relatively.
SAFETY = 1e-9

#: From this variance on a binomial's distribution function is taken from its expansion.
WIDE = 1e5

#: What upper ends are raised by, relatively, where that expansion is used.
EXPANSION = 1e-5

#: Relative slack of the maximum over p.
SLACK = 1e-4


def minimax_hard(S: int, A: int, n: int) -> MinimaxRisk:
    """The minimax risk from hard labels, as an interval.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1; S * A at most 2e7.
    n : int
        Number of samples, 0 or more.

    Returns
    -------
    MinimaxRisk
        `instance` is the teacher that is worst, among those tried, for the student that gives the upper end (for the
        games: the worst found). The prior behind `lower` is a mixture of teachers; no single one gives it.

    Raises
    ------
    ValueError
        If a size is not a whole number in its range.

    Examples
    --------
    >>> print(minimax_hard(1, 2, 1))
    minimax risk, hard labels, S=1, A=2, n=1: in [0.24999999, 0.25] (linear program)
    >>> risk = minimax_hard(1, 25, 2500)
    >>> 0.037 < risk.lower < risk.upper < 0.039
    True
    """
    S, A, n = sizes(S, A, n)
    if n == 0 or A == 1:
        value = 1 - 1 / A
        instance = Problem(np.full(S, 1 / S), np.tile(np.eye(A)[0], (S, 1)), name="least favourable, hard labels")
        note = "Proved: without data, or with one label, the uniform student is best; every Dirac is worst."
        return MinimaxRisk("hard", S, A, n, value, value, True, instance, "uniform" if n == 0 else "CE_sgl", note)
    if hard_game.in_reach(S, A, n):
        lower, upper, rho, teacher = hard_game.solve(S, A, n)
        instance = _problem(rho, teacher)
        note = (
            "Lower: value of a linear program on finitely many teachers, a proved bound up to the solver's tolerance. "
            "Upper: worst risk of its rule, by grid and local search (numerical), attained at the instance."
        )
        return MinimaxRisk("hard", S, A, n, lower, upper, False, instance, "linear program", note)
    lower = max(dirichlet_bound(S, A, n), assouad_bound(S, A, n))
    upper, student, note = _upper(S, A, n)
    kappa = float(student.split()[1]) if student.startswith("add") else add.KAPPA
    if n / 4 >= WIDE:
        note += " and an expansion whose error is estimated and added"
    note = f"Lower: Dirichlet prior, proved. Upper: {note}. The instance is the worst tried for the student."
    return MinimaxRisk("hard", S, A, n, lower, max(lower, upper), False, _worst_tried(S, A, n, kappa), student, note)


# --- Lower end ------------------------------------------------------------------------------------------


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
    reach = 7 * math.sqrt(mean) + 25
    first, last = max(0, math.floor(mean - reach)), min(n, math.ceil(mean + reach))
    # Short runs of visits while these are few: at most about 60 runs.
    width = max(1, (last - first + 1) // 60)
    total = 0.0
    for m in range(first, last + 1, width):
        run = np.arange(m, min(m + width, last + 1), dtype=np.float64)
        total += float(sgl.binomial(run, n, 1 / S).sum()) * _dirichlet(A, int(run[-1]), alpha, u)
    return total


def _dirichlet(A: int, m: int, alpha: float, u: float) -> float:
    """L(m)."""
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
    first, last = (
        max(0, math.floor(mean - 7 * math.sqrt(mean) - 20)),
        min(n, math.ceil(mean + 7 * math.sqrt(mean) + 20)),
    )
    width = max(1, (last - first + 1) // 400)
    ends = np.minimum(np.arange(first, last + 1, width) + width - 1, last).astype(np.float64)
    runs = [sgl.binomial(np.arange(e - width + 1, e + 1).clip(first), n, share) for e in ends[:-1]]
    weight = np.array(
        [r.sum() for r in runs] + [sgl.binomial(np.arange(first + width * len(runs), last + 1), n, share).sum()]
    )
    # An even number of flips is as good as the odd number before it.
    half = np.maximum(np.ceil(ends / 2), 1)
    D = np.minimum(1.0, np.concatenate((np.linspace(0.3, 2.0, 40) / math.sqrt(max(mean, 1)), [1.0])))
    errors = np.where(ends > 0, special.betainc(half, half, (1 - D[:, None]) / 2), 0.5)
    return float((D * (errors @ weight)).max()) * (1 - SAFETY)


# --- Upper end ------------------------------------------------------------------------------------------


def _upper(S: int, A: int, n: int) -> tuple[float, str, str]:
    """The least upper bound found, its student, and what it rests on."""
    frequencies = (math.sqrt((S - 1) / n) + math.sqrt((S * A - 1) / n)) / 2
    found = [
        (1 - 1 / A, "uniform", "the uniform student's worst risk, proved"),
        (frequencies, "CE_sgl", "the frequencies' deviations of rho and of the joint law, proved"),
    ]
    if S == 1:
        from scipy.optimize import minimize_scalar

        found.append((worst_risk(A, n, add.KAPPA), "ADD_sgl", "worst risk of ADD_sgl, proved up to rounding"))
        best = minimize_scalar(
            lambda k: worst_risk(A, n, k, 1e-3), bounds=(0.25, 0.8), method="bounded", options={"xatol": 2e-3}
        )
        kappa = round(float(best.x), 4)
        found.append(
            (worst_risk(A, n, kappa), f"add {kappa} sqrt(n/(A-1))", "worst risk of the student, proved up to rounding")
        )
    else:
        found.append((_inputs_apart(S, A, n), "ADD_sgl", "worst risk of ADD_sgl input by input, proved up to rounding"))
    return min(found)


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
    h = _label_risk(p, m, c, A)
    slope = _slope(p, h, 1 / A)
    gain = h - slope * p
    left, right, g_left, g_right = p[:-1], p[1:], gain[:-1], gain[1:]
    for _ in range(60):
        best = max(float(gain.max()), float(max(g_left.max(), g_right.max())))
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


def _label_risk(p: np.ndarray, m: int, c: float, A: int) -> np.ndarray:
    """h(p), by `add.add_constant_risk`, but for a variance of 1e5 and more with the distribution of `_below`."""
    wide = m * p * (1 - p) >= WIDE
    h = np.empty_like(p)
    if not wide.all():
        h[~wide] = add.add_constant_risk(p[~wide], m, c, A)
    if wide.any():
        q = p[wide]
        d = c * (1 - A * q)
        k = np.clip(np.floor(m * q - d), -1, m - 1.0)
        spread = 2 * (k + 1) * (1 - q) * sgl.binomial(k + 1, m, q)
        h[wide] = (d * (1 - 2 * _below(k, m, q)) + spread) / (2 * (m + A * c))
    return h


def _below(k: np.ndarray, m: int, p: np.ndarray) -> np.ndarray:
    """P(Bin(m, p) <= k); for a variance of 1e5 and more by Edgeworth's first term, off by less than 1e-6.

    The incomplete beta function costs 0.4 ms each where m is 1e9.
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
    F[inner] = special.betaincc(k[inner] + 1, m - k[inner], p[inner])
    return F


def _slope(x: np.ndarray, y: np.ndarray, at: float) -> float:
    """A slope at `at` of the concave envelope of the points (x, y), x increasing: at a corner, the mean of the two."""
    hull: list[int] = []
    for i in range(x.size):
        while len(hull) > 1:
            j, k = hull[-2:]
            if (y[k] - y[j]) * (x[i] - x[k]) > (y[i] - y[k]) * (x[k] - x[j]):
                break
            hull.pop()
        hull.append(i)
    corners, heights = x[hull], y[hull]
    slopes = np.diff(heights) / np.diff(corners)
    edges = [int(np.searchsorted(corners, at, side)) - 1 for side in ("left", "right")]
    return float(slopes[np.clip(edges, 0, slopes.size - 1)].mean())


def _inputs_apart(S: int, A: int, n: int) -> float:
    """An upper bound on max over rho of sum_s rho_s E V(Bin(n, rho_s))."""
    # Both grids are finest where they matter, at n / S visits and at r = 1 / S, since the envelope is smooth there.
    m = np.unique(np.concatenate((np.arange(min(n, 24) + 1), _spread(n / S, 4e-3, 1, n).astype(np.int64), [n])))
    V = np.array([1 - 1 / A] + [min(worst_risk(A, int(k)), 0.5 * math.sqrt((A - 1) / k)) for k in m[1:]])
    # More data than the last number computed are not used: V does not increase.
    V = np.minimum.accumulate(V)
    r = _spread(1 / S, 1e-3, 1e-3 / n, 1.0)
    # E V = sum of the drops times P(Bin >= m).
    EV = V[0] + (1 - _below(m[1:] - 1.0, n, r[:, None])) @ np.diff(V)
    right = np.append(r[1:], 1.0)
    # Below the first r, V(0) r.
    x = np.concatenate(([0.0], r, right))
    y = np.concatenate(([0.0], r * EV, right * EV))
    y[x == r[0]] = V[0] * r[0]
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    last = np.append(np.diff(x) > 0, True)
    x, y = x[last], y[last]
    slope = _slope(x, y, 1 / S)
    return slope + S * float((y - slope * x).max())


def _spread(centre: float, step: float, low: float, high: float) -> np.ndarray:
    """Points from `low` to `high`: at the distance t from `centre`, in logarithms, step + t^2/40 apart."""
    t = [0.0]
    while t[-1] < math.log(high / low) + 1:
        t.append(t[-1] + step + t[-1] ** 2 / 40)
    points = centre * np.exp(np.concatenate((-np.array(t), t)))
    return np.unique(np.concatenate((points[(points > low) & (points < high)], [low, high])))


# --- The instance ---------------------------------------------------------------------------------------


def _worst_tried(S: int, A: int, n: int, kappa: float) -> Problem:
    """The worst, for adding kappa sqrt(m/(A-1)), for rho uniform and rows uniform on some labels or one heavy."""
    m = max(1, round(n / S))
    c = kappa * math.sqrt(m / (A - 1))
    rows = [np.append(np.full(A - 1, x / (A - 1)), 1 - x) for x in np.linspace(0, 1 - 1 / A, 25)]
    rows += [np.append(np.zeros(A - k), np.full(k, 1 / k)) for k in sorted({1, 2, A // 2, A - 1}) if k >= 1]
    risks = [float(add.add_constant_risk(row, m, c, A).sum()) for row in rows]
    worst = rows[int(np.argmax(risks))]
    return _problem(np.full(S, 1 / S), np.tile(worst / worst.sum(), (S, 1)))


def _problem(rho: np.ndarray, teacher: np.ndarray) -> Problem:
    return Problem(rho / rho.sum(), teacher / teacher.sum(axis=1, keepdims=True), name="least favourable, hard labels")
