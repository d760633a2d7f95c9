r"""The limits of the exact minimax risks: what stands before 1/n or 1/sqrt(n), for fixed S and A.

======== =================== ============================== =====================================================
protocol scaled risk         limit                          why
======== =================== ============================== =====================================================
soft     n * minimax         (1 - 1/A) (S - 1) / e          x (1 - x)^n is 1/(e n) at most, S - 1 times
partial  n * minimax         (S - 1) gamma_A + gamma_{A-1}  S - 1 inputs without, one with a label surely seen
hard     sqrt(n) * minimax   sqrt(S (A - 1) / (2 pi))       n rho(s) pi*(a|s) large: Gaussian deviations
top_k_   sqrt(n) * minimax   sqrt(S (A-k) (A-k-1)           the same of the labels that the list lacks, whose mass is
label:k                      / (2 pi A))                    (A-k)/A at most (`kt_theory.learners.listed`)
======== =================== ============================== =====================================================

gamma_m is the worst Poisson limit of one input: m labels with rates x_b, label b unseen with probability e^(-x_b),

.. math:: \gamma_m = \sup_x E \sum_{b\ \text{unseen}} (x_b - \text{mean of the unseen } x)_+ .

One cell of the joint law has mass 1/(SA) at least, so one input has a label that is surely seen, and only m = A - 1
rates are left to it. The supremum is taken over k equal rates x and m - k zeros: of j unseen light labels each is
overestimated by 0 and the m - k zeros share their mass, x E[j (m-k) / (j + m-k)], j ~ Bin(k, e^-x). That these are
the worst rates is proved for m <= 2 and for m -> infinity; for m from 3 to 7 multi-start searches found none worse.

Large m: gamma_m / m -> c_inf = q^2 / (1 + q), q = 2 W(1 / (2 sqrt e)), a share 1/(1+q) of the labels at the rate 1 + q.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from kt_theory import checks
from kt_theory.protocols.protocol import one_of_the_paper, resolve_protocol, top_k_label


def _worst_ratio() -> float:
    """2 W(1 / (2 sqrt e)), W Lambert's function: the root of 2 log q + q + 1 = 0, by Newton's method."""
    q = 0.4
    for _ in range(6):
        q -= (2 * math.log(q) + q + 1) / (2 / q + 1)
    return q


#: Limit of the spread mass per unseen label, in units of 1/n; the light labels' rate tends to 1 + RATIO.
RATIO = _worst_ratio()

#: Limit of gamma_m / m, 0.154411...: for many labels the minimax risk from partial soft labels is C_INF S A / n.
C_INF = RATIO**2 / (1 + RATIO)


def curve(v: float) -> float:
    """Psi(v): the limit of the minimax risk from partial soft labels as A grows and n / (S A) tends to v, for any S.

    Parameters
    ----------
    v : float
        Samples per pair of an input and a label, at least 0.

    Returns
    -------
    float
        C_INF / v for v >= 1. Below, a share k of the labels at rate v / k and the others at 0 give 1 / (e^(v/k) +
        k/(1 - k)), which is largest where x = v / k has x = v + sqrt(v) e^(-x/2), and is then e^-x / (1 + x - v).
        Relative error below 1e-15.

    Examples
    --------
    >>> round(curve(0.5), 9), curve(0.0)
    (0.270538832, 1.0)
    """
    if v >= 1:
        return C_INF / v
    x = v
    for _ in range(60):  # the slope of the map is below 1/4 in size
        x = v + math.sqrt(v) * math.exp(-x / 2)
    return math.exp(-x) / (1 + x - v)


def minimax_constant(protocol: str, S: int, A: int) -> float:
    """The limit of n (soft, partial) or sqrt(n) (hard) times the minimax risk, for fixed S and A.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft", "greedy"}, or "top_k_label:K"
        "greedy": sqrt(n) times the minimax regret of greedy decoding from hard labels, sqrt(S) kappa_A (`kappa`).
    S, A : int
        Number of inputs and labels, at least 1.

    Returns
    -------
    float
        0 where the minimax risk falls faster (soft: S = 1 or A = 1; partial: S = 1 and A <= 2, or A = 1; a list of
        all labels but one).

    Raises
    ------
    ValueError
        If the protocol is unknown or a size is below 1.

    Notes
    -----
    That of "greedy" is a limit from below, proved; from above it is proved for A = 2 and numerical beyond.

    Examples
    --------
    >>> round(minimax_constant("soft", 2, 2) * 2 * math.e, 12)
    1.0
    >>> round(minimax_constant("partial", 10, 10), 3)
    13.585
    >>> round(minimax_constant("hard", 1, 2), 6)
    0.398942
    >>> round(minimax_constant("greedy", 4, 100), 6)
    0.479302
    """
    decoded = isinstance(protocol, str) and protocol == "greedy"
    found = None if decoded else resolve_protocol(protocol)
    listed = found is not None and bool(found.top) and found == top_k_label(found.top or 1)
    protocol = protocol if decoded or listed else one_of_the_paper(protocol, "minimax_constant")
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    if decoded:
        return math.sqrt(S) * kappa(A)[0]
    if listed and found is not None:
        left = max(A - (found.top or 0), 1)
        return math.sqrt(S * left * (left - 1) / (2 * math.pi * A))
    if protocol == "soft":
        return (1 - 1 / A) * (S - 1) / math.e
    if protocol == "partial":
        return (S - 1) * gamma(A)[0] + gamma(A - 1)[0]
    return math.sqrt(S * (A - 1) / (2 * math.pi))


#: The most labels of a row that is searched for the hardest one: beyond 6 its value falls.
HARDEST = 6


@lru_cache(maxsize=16)
def kappa(A: int) -> tuple[float, int, float]:
    r"""kappa_A = max_{2<=k<=A} R_k / sqrt(k), with the k and the lead d that attain it: (kappa_A, k, d).

    One input of many visits, k labels of probability about 1/k, one of which leads by d / sqrt(k m) after m of them.
    The most frequent label loses R_k / sqrt(k m), d times the probability that another one is ahead:

    .. math:: R_k = \sup_d d \Big(1 - \int \phi(z - d) \Phi(z)^{k-1} dz\Big) .

    That a single leader is the worst row is proved for k = 2, and was not beaten by a search for k = 3, 4, 5. The
    integral is that of an analytic function that falls like a normal density: the trapezoidal rule has all digits.
    """
    best = (0.0, 1, 0.0)
    z = np.arange(-9.0, 9.0, 0.05)

    def lost(d: float, k: int) -> float:
        density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        return d * (1 - 0.05 * float(density @ ndtr(z + d) ** (k - 1)))

    for k in range(2, min(A, HARDEST) + 1):
        found = minimize_scalar(lambda d, k=k: -lost(d, k), bounds=(0.1, 4), method="bounded", options={"xatol": 1e-9})
        value = float(-found.fun) / math.sqrt(k)
        if value > best[0]:
            best = (value, k, float(found.x))
    return best


@lru_cache(maxsize=1024)
def gamma(m: int) -> tuple[float, int, float]:
    """gamma_m with the number k of light labels and their rate x: (gamma_m, k, x), (0, 0, 0) for m <= 1.

    Unimodal in k and in x as far as was seen: k climbs from its limit m / (1 + q), x is bisected in [1/2, 2] for the
    root of the derivative, which is exact for sums of a binomial law: d/dx E f(j) = -e^-x k E[f(j'+1) - f(j')],
    j' ~ Bin(k - 1, e^-x).
    """
    if m <= 1:
        return 0.0, 0, 0.0
    k = max(1, min(m - 1, round(m / (1 + RATIO))))
    best = _best_rate(m, k)
    for step in (1, -1):
        while 1 <= k + step < m and (other := _best_rate(m, k + step))[0] > best[0]:
            k, best = k + step, other
    return best[0], k, best[1]


def _best_rate(m: int, k: int) -> tuple[float, float]:
    """max_x x E[j z / (j + z)], z = m - k, j ~ Bin(k, e^-x), and where it is attained."""
    z = m - k
    harmonic = np.arange(k + 1) * z / (np.arange(k + 1) + z)

    def mean(x: float) -> float:
        return float(_binomial(k, math.exp(-x)) @ harmonic)

    def slope(x: float) -> float:
        u = math.exp(-x)
        return mean(x) - x * u * k * float(_binomial(k - 1, u) @ np.diff(harmonic))

    low, high = 0.5, 2.0
    for _ in range(55):
        x = 0.5 * (low + high)
        low, high = (x, high) if slope(x) > 0 else (low, x)
    return low * mean(low), low


def _binomial(k: int, u: float) -> np.ndarray:
    """The law of Bin(k, u), 0 < u < 1, from its mode outwards, divided by its sum: relative error about k eps."""
    mode = int((k + 1) * u)
    j = np.arange(k, dtype=np.float64)
    ratios = (k - j) / (j + 1) * (u / (1 - u))
    up = np.cumprod(ratios[mode:])
    down = np.cumprod(1 / ratios[:mode][::-1])[::-1]
    weights = np.concatenate((down, [1.0], up))
    return weights / weights.sum()
