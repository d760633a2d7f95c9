r"""Partial soft labels: what no student can beat, and what SEL_ptl reaches.

The paper's are Z&Z Thm 4.1, Thm 4.4 and Remark 6.1; ours, below them, are proved in the report (N3 to N7, N10, N15,
N16).

Constants: q = 2 W(1 / (2 sqrt(e))) = 0.477670, W Lambert's function, solves q^2 e^(q + 1) = 1; c_inf = q^2 / (1 + q) =
0.154411; c_KL = min_q max_x e^-x (x log(x / q) - x + q) = 0.292037. They are rounded up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory.bounds.evaluation import (
    EPS,
    all_unseen,
    down,
    log_ratio,
    log_unseen,
    stating,
    unseen,
    up,
)
from kt_theory.bounds.missing_mass import majorant, missing_with_deviation, missing_with_sqrt

#: q^2 / (1 + q) = 0.15441111937605244..., rounded up.
C_INF = 0.1544111193760525
#: min_q max_x e^-x (x log(x / q) - x + q) = 0.29203651458464209..., rounded up.
C_KL = 0.2920365145846422
#: Candidates for (n + 1) times the mass of a light label: 1 for one label, up to 1 + q for many.
SCALES = (1.0, 1.125, 1.25, 1.375, 1.46875)
#: Beyond this many light labels the binomial sum of N7 gives way to a closed form.
LIGHT_LABELS = 10**6


@stating("zz-4.1")
def partial_lower_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Partial soft labels: no student's worst expected risk is below S (A' - 1) / (4 (n + 1)) (1 - 1/(n + 1))^n.

    Notes
    -----
    Exactly the best possible against the construction of the proof: S (A' - 1) / 2 pairs of labels, of which a fair
    coin says which one has joint mass 1/(n + 1) and which has none.

    Within a factor 1.69 of the truth at S = 1, A = 3, n = 2: the largest expected risk of SEL_ptl, over all teachers.

    Examples
    --------
    >>> round(partial_lower_mean(S=1, A=3, n=2), 12)
    0.074074074074
    >>> partial_lower_mean(S=5, A=3, n=3)
    nan
    """
    pairs = S * ((A - 1) // 2)
    return down(pairs / (2 * (n + 1)) * unseen(n, 1 / (n + 1)))


@stating("zz-4.1-simple")
def partial_lower_mean_simple(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Partial soft labels: no student's worst expected risk is below S (A' - 1) / (4 e (n + 1)).

    Notes
    -----
    `partial_lower_mean`, since (1 - 1/(n + 1))^n decreases to 1/e.

    Within a factor 2.04 of the truth at S = 1, A = 3, n = 2: the largest expected risk of SEL_ptl, over all teachers.

    Examples
    --------
    >>> round(partial_lower_mean_simple(S=1, A=3, n=2), 12)
    0.061313240195
    """
    pairs = S * ((A - 1) // 2)
    return down(pairs / (2 * math.e * (n + 1)))


@stating("zz-4.4-mean")
def partial_upper_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl: E R <= (8/9) S A / n + S A / (n + 1).

    Notes
    -----
    The paper states the order S A / n only; these constants are what its proof gives.

    Within a factor 5.24 of the truth at S = 1, A = 102, n = 1000, if SEL_ptl spreads on a label of mass 0 what is
    missing: 100 labels have mass 1/(n + 1), one has none, and one the rest.

    Examples
    --------
    >>> round(partial_upper_mean(S=1, A=1, n=9), 9)
    0.198765432
    """
    cells = float(S * A)
    return up(8 * cells / (9 * n) + cells / (n + 1))


@stating("zz-4.4-whp", "zz-4.4-whp-1")
def partial_upper_whp(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """SEL_ptl, with probability >= 1 - delta: of order S (A + sqrt(A) log(S / delta)) log(S / delta) / n.

    Notes
    -----
    For S >= 2, with L = log((S + 2) / delta), the bound is (1/n) (4 A / 9 + 3 sqrt(A) L) (22 S + (400/99) S log(S (S +
    2) / delta)) + 4 S / (9 n) + 3 sqrt(S) L / n; for S = 1 it is that of `missing_mass_upper_whp` on A labels. Three
    slips of the printed proof are mended: the event of Lemma E.7 has sqrt(A) L, not sqrt(A L); 1/9 belongs to its first
    term only; and both sums of (D.21) lack a factor 2. The factor 22 S + ... is safe but loose: an input with n rho(s)
    above 22 + (400/99) log(S (S + 2) / delta) is visited at least 0.29 n rho(s) times, but for a chance delta / (S (S +
    2)) (Lemma E.9), and one below has rho(s) / n_s <= rho(s).

    Within a factor 2.05 of the truth, the 1 - delta quantile of R, at S = 1, A = 401, n = 400, delta = 0.1, if SEL_ptl
    spreads on a label of mass 0 what is missing and the others are uniform; within a factor 127 at S = 2, A = 201, the
    rest alike and rho uniform.

    Examples
    --------
    >>> round(partial_upper_whp(S=1, A=9, n=1000, delta=0.1), 9)
    0.024723266
    >>> partial_upper_whp(S=1, A=9, n=1000, delta=0.2)
    nan
    """
    if S == 1:
        return up(missing_with_sqrt(A, n, delta))
    L = log_ratio(S + 2, delta)
    row = 4 * A / 9 + 3 * math.sqrt(A) * L
    visits = 22 * S + 400 / 99 * S * (math.log(S) + L)
    inputs = 4 * S / 9 + 3 * math.sqrt(S) * L
    return up((row * visits + inputs) / n)


@stating("zz-6.1-partial")
def partial_upper_mean_floor(*, S: int, A: int, n: Any, c_S: float, c_A: float) -> float | np.ndarray:
    """SEL_ptl, if rho >= c_S and pi* >= c_A on their supports: E R <= (1 - c_S c_A)^n.

    Notes
    -----
    The paper states only that the decay is exponential. The constant follows from R <= sum of the joint masses w never
    seen, and sum w (1 - w)^n <= (1 - min w)^n as the w sum to 1.

    Within a factor 1 of the truth at S = 2, A = 3, n = 4, rho uniform and rows (1/2, 1/2, 0), if SEL_ptl puts on the
    label of mass 0 what it does not know.

    Examples
    --------
    >>> partial_upper_mean_floor(S=1, A=2, n=2, c_S=1.0, c_A=1.0)
    0.0
    >>> round(partial_upper_mean_floor(S=2, A=2, n=2, c_S=0.5, c_A=0.5), 12)
    0.5625
    """
    product = c_S * c_A
    # 1 - c_S c_A from the rounded product would lose its digits when both are near 1.
    rate = math.log1p(-product) if product <= 0.5 else _log_or_minus_inf((1 - c_S) + c_S * (1 - c_A))
    exponent = np.multiply(n, rate, out=np.zeros_like(n), where=n > 0)
    return up(np.exp(exponent), exponent)


def _log_or_minus_inf(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


@stating("ours-N3-at")
def partial_upper_mean_at(*, S: int, A: int, n: Any, w: Any) -> float | np.ndarray:
    """SEL_ptl on a given problem: E R <= sum over (s, a) of w (1 - w)^n, w the joint masses rho(s) pi*(a|s).

    Notes
    -----
    N3, for every `init`: R <= m0 for every sample.

    Within a factor 1 of the truth at S = 1, A = 3, n = 4, row (1/2, 1/2, 0), if SEL_ptl puts on the label of mass 0
    what it does not know.

    Examples
    --------
    >>> round(partial_upper_mean_at(S=1, A=3, n=4, w=[[0.5, 0.5, 0.0]]), 12)
    0.0625
    """
    total = all_unseen(n, w, up)
    return np.where(total > 0, up(total), 0.0)


@stating("ours-N3-missing")
def partial_upper_mean_missing(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl: E R <= (1 - 1/(SA))^n if n <= SA, (SA - 1) phi(n - 1) if n >= SA.

    Notes
    -----
    N3 and `missing_mass_upper_mean`, for every `init`. Below SA phi(n), SA / (e n) and the paper's bound.

    Within a factor 1.02 of the truth at S = 1, A = 102, n = 1000, if SEL_ptl spreads on a label of mass 0 what is
    missing: 100 labels have mass 1/(n + 1), one has none, and one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_missing(S=1, A=102, n=1000), 9)
    0.037174412
    """
    return up(majorant(n, S * A))


@stating("ours-N4-uniform")
def partial_upper_mean_uniform(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl, uniform: E R <= ((A - 2)/(A - 1)) M(SA) + M(S) / (A (A - 1)), M(K) = `missing_mass_upper_mean` of K.

    Notes
    -----
    N4: an unvisited input costs at most 1 - 1/A of its mass, a visited one at most 1 - 1/(A - 1) of its missing mass.
    At most (1 - 1/A) M(SA), hence at most (1 - 1/A) (SA - 1) phi(n - 1) and S (A - 1) / (e n).

    Within a factor 1 of the truth at S = 3, A = 2, n = 3, Dirac rows and uniform rho.

    Examples
    --------
    >>> round(partial_upper_mean_uniform(S=3, A=2, n=3), 12)
    0.148148148148
    >>> partial_upper_mean_uniform(S=3, A=1, n=5)
    0.0
    """
    if A == 1:
        return np.zeros_like(n)
    every, whole = (A - 2) / (A - 1), 1 / (float(A) * (A - 1))
    return up(every * majorant(n, S * A) + whole * majorant(n, S))


@stating("ours-N4-simple")
def partial_upper_mean_uniform_simple(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl, uniform: E R <= S (A - 1) / (e n).

    Notes
    -----
    N4: (1 - 1/A) SA phi(n).

    Within a factor 2.44 of the truth at S = 1, A = 101, n = 10^5: 68 labels of mass 1.4625/n, 32 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_uniform_simple(S=1, A=2, n=100), 9)
    0.003678794
    """
    return up(float(S * (A - 1)) / (math.e * n))


@stating("ours-N6-sharp")
def partial_upper_mean_sharp(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl, uniform: E R <= c_inf S A / n, c_inf = 0.154411.

    Notes
    -----
    N6. c_inf is the constant of the exact minimax risk as A grows, n >= SA: no smaller constant holds for all S, A, n.

    Within a factor 1.04 of the truth at S = 1, A = 101, n = 10^5: 68 labels of mass 1.4625/n, 32 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_sharp(S=1, A=100, n=1000), 9)
    0.015441112
    """
    return up(C_INF * float(S * A) / n)


@stating("ours-N15-finite")
def partial_upper_mean_finite(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl, uniform: E R <= S A max over w of w / (1 + (1 - w)^(-n/2))^2.

    Notes
    -----
    N15: N6 without (1 - w)^n <= e^(-n w). With z = (1 - w)^(n/2) at the maximum, w = (1 + z) / (n + 1 + z), and the
    maximum is z^2 / ((1 + z) (n + 1 + z)), below c_inf / n and asymptotically equal to it.

    Within a factor 1.08 of the truth at S = 1, A = 25, n = 30: 16 labels of mass 1.43/n, 8 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_finite(S=1, A=100, n=1000), 9)
    0.015429713
    """
    # y = -log z is a fixed point of a map whose slope is at most 1/4 in size.
    y = np.ones_like(n)
    for _ in range(40):
        y = n / 2 * np.log1p((1 + np.exp(-y)) / n)
    z = np.exp(-y)
    return up(float(S * A) * (z / (1 + z)) * (z / (n + 1 + z)), 1.0)


@stating("ours-N16-curve")
def partial_upper_mean_curve(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl, uniform: E R <= Psi(n / (S A)), Psi(v) = c_inf / v for v >= 1, e^-x / (1 + x - v) for v < 1.

    Notes
    -----
    N16, x = v + 2 W(sqrt(v) e^(-v/2) / 2), W Lambert's function. Below v = 1 Psi(v) is also the maximum over k of
    1 / (e^(v/k) + k/(1 - k)). The minimax risk tends to Psi(v) as A grows and n / (S A) tends to v, for any S.

    Within a factor 1.005 of the truth at S = 1, A = 200, n = 100: 107 labels of mass 1/107 each, 93 of none.

    Examples
    --------
    >>> round(partial_upper_mean_curve(S=1, A=100, n=50), 9)
    0.270538832
    >>> round(partial_upper_mean_curve(S=3, A=3, n=0), 12)
    1.0
    """
    from scipy.special import lambertw

    v = n / float(S * A)
    early = np.minimum(v, 1.0)
    omega = lambertw(0.5 * np.sqrt(early) * np.exp(-0.5 * early)).real
    below = np.exp(-early - 2 * omega) / (1 + 2 * omega)
    return up(np.where(v < 1, below, C_INF / np.maximum(v, 1.0)), early + 2 * omega)


@stating("ours-N15-chain")
def partial_upper_mean_chain(*, S: int, A: int, n: Any, gap: float) -> float | np.ndarray:
    """SEL_ptl, uniform, inputs a stationary reversible chain: E R <= c_inf S A / (1 + gap (n - 1)).

    Notes
    -----
    N15. The eigenvalues of the chain but for 1 lie between 0 and 1 - gap (a lazy chain has none below 0); given the
    inputs, labels are independent draws from their rows; R is averaged under the stationary law. The gap of independent
    inputs is 1.

    Within a factor 1.04 of the truth at S = 1, A = 101, n = 10^5, gap = 1: 68 labels of mass 1.4625/n, 32 of none, one
    the rest.

    Examples
    --------
    >>> round(partial_upper_mean_chain(S=1, A=100, n=1001, gap=0.5), 9)
    0.030820583
    """
    return up(C_INF * float(S * A) / (1 + gap * (n - 1)))


@stating("ours-N3-whp")
def partial_upper_whp_missing(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """SEL_ptl, with probability >= 1 - delta: R <= 4 S A / (9 n) + 3 sqrt(S A) log(1 / delta) / n.

    Notes
    -----
    N3 and Z&Z Lemma E.7, for every `init`; N2 proves Lemma E.6, on which that rests, anew.

    Within a factor 2.05 of the truth, the 1 - delta quantile of R, at S = 1, A = 401, n = 400, delta = 0.1, if SEL_ptl
    spreads on a label of mass 0 what is missing and the others are uniform.

    Examples
    --------
    >>> round(partial_upper_whp_missing(S=3, A=3, n=1000, delta=0.1), 9)
    0.024723266
    """
    return up(missing_with_sqrt(S * A, n, delta))


@stating("ours-N2-whp")
def partial_upper_whp_sqrt(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """SEL_ptl, with probability >= 1 - delta: R <= M(SA) + (2/n) (L + sqrt(2 SA L) / e), L = log(1/delta).

    Notes
    -----
    N3 and `missing_mass_upper_whp_sqrt`, for every `init`; M(K) is `missing_mass_upper_mean` of K.

    Within a factor 1.19 of the truth, the 1 - delta quantile of R, at S = 1, A = 401, n = 400, delta = 0.1, if SEL_ptl
    spreads on a label of mass 0 what is missing and the others are uniform.

    Examples
    --------
    >>> round(partial_upper_whp_sqrt(S=3, A=3, n=1000, delta=0.1), 9)
    0.012286419
    """
    return up(missing_with_deviation(S * A, n, delta))


@stating("ours-N15-whp")
def partial_upper_whp_sharp(*, S: int, A: int, n: Any, delta: float) -> float | np.ndarray:
    """SEL_ptl, uniform, with probability >= 1 - delta: R <= (c_inf S A + 2 L + (2/e) sqrt(2 S A L)) / n.

    Notes
    -----
    N15, L = log(1 / delta): the leading constant is that of the mean; `partial_upper_whp_sqrt`, which holds for every
    `init`, has 1/e.

    Within a factor 1.53 of the truth, the 1 - delta quantile of R, at S = 1, A = 401, n = 400, delta = 0.1: 240 labels
    of mass 1/240.

    Examples
    --------
    >>> round(partial_upper_whp_sharp(S=10, A=100, n=10**4, delta=0.1), 9)
    0.020894592
    """
    cells, L = float(S * A), log_ratio(1, delta)
    return up((C_INF * cells + 2 * L + 2 / math.e * math.sqrt(2 * cells * L)) / n)


@stating("ours-N7-at")
def partial_lower_mean_at(*, S: int, A: int, n: Any, k: int, x: float) -> float | np.ndarray:
    """Partial soft labels: S x E[j Z / (j + Z)], j ~ Bin(k, (1 - x)^n), for k labels of mass x and Z of mass 0.

    Notes
    -----
    N7: with uniform rho and one heavy label for the rest of each row, the risk of SEL_ptl, which no student beats over
    the relabellings of the teacher (N5), is at least this: the number of light labels unseen is less spread than the
    binomial. With k x = 1/S there is no heavy label.

    Within a factor 1.001 of the truth at S = 1, A = 3, n = 10, k = 1, x = 1/11: the risk of SEL_ptl, 0.0175247.

    Examples
    --------
    >>> round(partial_lower_mean_at(S=1, A=3, n=10, k=1, x=1 / 11), 6)
    0.017525
    """
    full = S * k * x
    alone = abs(full - 1) <= 2.0**-52  # no heavy label
    x = 1 / (float(S) * k) if alone else x
    empty = A - k - (0 if alone else 1)
    return np.array([_light_rows(m, S, k, empty, x) for m in n])


def _light_rows(n: float, S: int, k: int, empty: int, x: float) -> float:
    """S x E[j empty / (j + empty)], j ~ Bin(k, (1 - x)^n), rounded down."""
    p = float(unseen(n, x))
    if k > LIGHT_LABELS:  # the concave function is above its value at the mean less Z Var(j) / (mean + Z)^2
        both = k * p + empty
        return float(down(S * x * (k * p) * (empty / both) * (1 - (1 - p) / both), log_unseen(n, x)))
    j, chances = _binomial(k, p)
    value = S * x * float(chances @ (j * (empty / (j + empty))))
    # An error of p enters at most in proportion; the weights are products of as many factors as the window is wide.
    return float(down(value * (1 - 8 * math.sqrt(k) * EPS), log_unseen(n, x)))


def _binomial(k: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Where Bin(k, p) has its mass, and that mass: ratios outward from the mode, divided by their sum.

    What lies 9 sd + 40 beyond the mode, less than 1e-17 in all, is left out.
    """
    mode = min(k, math.floor((k + 1) * p))
    reach = math.ceil(9 * math.sqrt(k * p * (1 - p))) + 40
    low, high = max(0, mode - reach), min(k, mode + reach)
    above = np.arange(mode, high, dtype=np.float64)
    below = np.arange(mode, low, -1, dtype=np.float64)
    odds = p / (1 - p) if p < 1 else math.inf
    rising = np.cumprod((k - above) / (above + 1) * odds)
    falling = np.cumprod(below / (k - below + 1) / odds) if odds > 0 else below
    weights = np.concatenate([falling[::-1], [1.0], rising])
    return np.arange(low, high + 1, dtype=np.float64), weights / weights.sum()


@stating("ours-N7-light")
def partial_lower_mean_light(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """Partial soft labels: the largest `partial_lower_mean_at` over a grid of k and x.

    Notes
    -----
    N7. At most 48 values of k, evenly spaced from 1 to A - 1; for each, x = t / (n + 1) with those t of 1, 1.125, 1.25,
    1.375, 1.46875 that leave room for a heavy label, and x = 1 / (S k). As A grows, n >> SA, the best row has k / A =
    0.6767 and x = 1.4777 / n, and the bound comes to more than 0.999 c_inf S A / n.

    Within a factor 1.003 of the truth at S = 1, A = 25, n = 10^6: the risk of SEL_ptl with 16 labels of mass 1.404/n, 8
    of none and one with the rest.

    Examples
    --------
    >>> round(partial_lower_mean_light(S=1, A=100, n=1000), 4)
    0.0151
    """
    ks = np.unique(np.linspace(1, A - 1, min(A - 1, 48)).round().astype(int)).tolist() if A >= 2 else []

    def best(n: float) -> float:
        rows = [(k, A - 1 - k, t / (n + 1)) for k in ks if k <= A - 2 for t in SCALES if S * (k + 1) * t <= n + 1]
        rows += [(k, A - k, 1 / (float(S) * k)) for k in ks]
        return max(_light_rows(n, S, k, empty, x) for k, empty, x in rows)

    return np.array([best(m) for m in n])


@stating("ours-N10-partial", units="forward KL in nats, averaged under rho")
def partial_upper_kl_mean(*, S: int, A: int, n: Any) -> float | np.ndarray:
    """SEL_ptl, uniform: the expected forward KL, sum_s rho(s) KL(pi*, student), is at most c_KL S A / n.

    Notes
    -----
    N10, c_KL = 0.292037: the constant of the exact minimax KL as A grows, n >> SA. Partial labels gain no rate in KL.

    Within a factor 1.04 of the truth at S = 1, A = 101, n = 10^5: 54 labels of mass 1.84/n, 46 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_kl_mean(S=1, A=10, n=1000), 9)
    0.002920365
    """
    return up(C_KL * float(S * A) / n)
