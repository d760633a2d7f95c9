r"""Bounds beside those of Zhao and Zhu: sharper, each proved in the report, `paper/` (N1, N2, ...), or marked as not.

A line Status follows the Grade: proved (for every n, S, A of the regime), limit, or conjectured; what is conjectured
is used by nothing. "uniform" bounds the learner that says Uniform(A) where it was never asked and, SEL_ptl, spreads
the missing mass uniformly over the unseen labels; the other upper bounds hold for every `init`.

Two functions carry most of it. The largest expected mass that n draws from K letters leave unseen is at most

    E m0 <= (1 - 1/K)^n for n <= K (attained),    (K - 1) phi(n - 1) for n >= K,    phi(n) = n^n / (n + 1)^(n + 1),

K times the least concave majorant of w (1 - w)^n, taken at 1/K (N1). It is below K phi(n), K / (e n), 4 K / (9 n) and,
for n >= 1, (K - 1) phi(n - 1). And the unseen letters are negatively dependent, P(all of I unseen) <= product of
P(i unseen), from which come the deviation of m0 (N2), the constant c_inf (N6) and the binomial lower bound (N7).

Constants: q = 2 W(1 / (2 sqrt(e))) = 0.477670, W Lambert's function, solves q^2 e^(q + 1) = 1; c_inf = q^2 / (1 + q) =
0.154411; c_pairs = 0.159974 (N6b); c_KL = min_q max_x e^-x (x log(x / q) - x + q) = 0.292037. They are rounded up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from kt_theory import checks
from kt_theory.bounds.evaluation import EPS, all_unseen, down, from_first, log_unseen, sizes, unseen, up
from kt_theory.bounds.lemmas import missing_mass_upper_whp

#: q^2 / (1 + q) = 0.15441111937605244..., rounded up.
C_INF = 0.1544111193760525
#: The root of log L + 3/2 + 2 L + L^2 / 2 = 0, 0.15997401624242498..., rounded up.
C_PAIRS = 0.159974016242425
#: min_q max_x e^-x (x log(x / q) - x + q) = 0.29203651458464209..., rounded up.
C_KL = 0.2920365145846422

#: Candidates for (n + 1) times the mass of a light label: 1 for one label, up to 1 + q for many.
SCALES = (1.0, 1.125, 1.25, 1.375, 1.46875)

#: Beyond this many light labels the binomial sum of N7 gives way to a closed form.
LIGHT_LABELS = 10**6

#: Beyond this many visits on average `hard_lower_mean_assouad` leaves the sum for a closed form.
VISITS = 300

# --- Missing mass ---------------------------------------------------------------------------------------


def cell_missing_upper_e(*, n: Any) -> Any:
    """For every p, p (1 - p)^n <= 1 / (e n).

    Statement: The least constant of the form c / n in Lemma E.5
    Grade: upper
    Status: proved
    Units: missing mass
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N1: phi(n) n increases to 1/e. Z&Z have 4 / (9 n).

    Within a factor 1.002 of the truth at p = 1 / (n + 1), n = 1000.

    Examples
    --------
    >>> round(cell_missing_upper_e(n=1), 12)
    0.367879441171
    """
    return from_first(1, n, lambda n: up(1 / (math.e * n)))


def missing_mass_upper_mean(*, size: int, n: Any) -> Any:
    """Expected missing mass of any law on K letters: (1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K.

    Statement: Concave majorant of the missing mass
    Grade: upper
    Status: proved
    Units: missing mass
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    size : int
        Number of letters of the alphabet, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N1, K = size. An equality for n <= K, at the uniform law; for n > K too large by about one part in n.

    Within a factor 1 of the truth at size = 5, n = 4, uniform law; within a factor 1.011 at size = 5, n = 100, four
    letters of mass 1 / (n + 1).

    Examples
    --------
    >>> missing_mass_upper_mean(size=1, n=[0, 1, 2]).round(12)
    array([1., 0., 0.])
    >>> round(missing_mass_upper_mean(size=2, n=2), 12)
    0.25
    """
    size = checks.whole_number("size", size, minimum=1)
    return from_first(0, n, lambda n: up(_majorant(n, size)))


def _majorant(n: np.ndarray, size: int) -> np.ndarray:
    """Bound N1 on the expected missing mass, to a few units in the last place."""
    few = unseen(n, 1 / size)
    later = np.maximum(n, 2.0)
    many = (size - 1) * unseen(later - 1, 1 / later) / later
    return np.where(n <= size, few, many if size > 1 else 0.0)


def missing_mass_upper_whp_sqrt(*, size: int, n: Any, delta: float) -> Any:
    """Missing mass, with probability >= 1 - delta: m0 <= `missing_mass_upper_mean` + (2/n) (L + sqrt(2 size L) / e).

    Statement: Deviation of the missing mass, of order sqrt(size log(1/delta)) + log(1/delta) over n
    Grade: upper
    Status: proved
    Units: missing mass
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    size : int
        Number of letters of the alphabet, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    delta : float
        Probability of failure, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N2, L = log(1 / delta): the moment generating function of m0 - E m0, by negative dependence. Holds for every delta,
    and is below Lemma E.7 wherever that holds.

    Within a factor 1.19 of the truth, the 1 - delta quantile of m0, at size = n = 400, delta = 0.1, uniform law.

    Examples
    --------
    >>> round(missing_mass_upper_whp_sqrt(size=9, n=1000, delta=0.1), 9)
    0.012286419
    """
    size = checks.whole_number("size", size, minimum=1)
    delta = checks.open_unit("delta", delta)
    L = -math.log(delta)
    deviation = 2 * (L + math.sqrt(2 * size * L) / math.e)
    return from_first(1, n, lambda n: up(_majorant(n, size) + deviation / n))


# --- Partial soft labels --------------------------------------------------------------------------------


def partial_upper_mean_at(*, S: int, A: int, n: Any, w: Any) -> Any:
    """SEL_ptl on a given problem: E R <= sum over (s, a) of w (1 - w)^n, w the joint masses rho(s) pi*(a|s).

    Statement: The risk of SEL_ptl is at most the missing mass of the joint law
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    w : array_like, shape (S, A)
        Joint masses rho(s) pi*(a|s), a law.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    masses = checks.probabilities("w", w, ndim=2)
    if masses.shape != (S, A):
        raise ValueError(f"w has shape {masses.shape}, {(S, A)} is needed")
    masses = checks.law("w", masses.ravel())

    def formula(n: np.ndarray) -> np.ndarray:
        total = all_unseen(n, masses, up)
        return np.where(total > 0, up(total), 0.0)

    return from_first(0, n, formula)


def partial_upper_mean_missing(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl: E R <= (1 - 1/(SA))^n if n <= SA, (SA - 1) phi(n - 1) if n >= SA.

    Statement: The risk of SEL_ptl is at most the missing mass of the joint law (mean, every problem)
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: up(_majorant(n, S * A)))


def partial_upper_mean_uniform(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl, uniform: E R <= ((A - 2)/(A - 1)) M(SA) + M(S) / (A (A - 1)), M(K) = `missing_mass_upper_mean` of K.

    Statement: A uniform spread pays (1 - 1/u) of what u unseen labels hold
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0; 0 if A = 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N4: an unvisited input pays at most 1 - 1/A of its mass, a visited one at most 1 - 1/(A - 1) of its missing mass. At
    most (1 - 1/A) M(SA), hence at most (1 - 1/A) (SA - 1) phi(n - 1) and S (A - 1) / (e n).

    Within a factor 1 of the truth at S = 3, A = 2, n = 3, Dirac rows and uniform rho.

    Examples
    --------
    >>> round(partial_upper_mean_uniform(S=3, A=2, n=3), 12)
    0.148148148148
    >>> partial_upper_mean_uniform(S=3, A=1, n=5)
    0.0
    """
    S, A = sizes(S, A)
    if A == 1:
        return from_first(0, n, np.zeros_like)
    every, whole = (A - 2) / (A - 1), 1 / (float(A) * (A - 1))
    return from_first(0, n, lambda n: up(every * _majorant(n, S * A) + whole * _majorant(n, S)))


def partial_upper_mean_uniform_simple(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl, uniform: E R <= S (A - 1) / (e n).

    Statement: A uniform spread pays (1 - 1/A) of the missing mass
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N4: (1 - 1/A) SA phi(n).

    Within a factor 2.44 of the truth at S = 1, A = 101, n = 10^5: 68 labels of mass 1.4625/n, 32 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_uniform_simple(S=1, A=2, n=100), 9)
    0.003678794
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(float(S * (A - 1)) / (math.e * n)))


def partial_upper_mean_lambert(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl, uniform: E R <= S (c_inf A + (sqrt(2) / e) sqrt(A)) / n, c_inf = 0.154411.

    Statement: The limit constant of partial soft labels, with a correction for finite A
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N6. Below S (A - 1) / (e n) from A = 10 on; c_inf is the constant of the exact minimax risk as A grows, n >> SA.

    Within a factor 1.38 of the truth at S = 1, A = 101, n = 10^5: 68 labels of mass 1.4625/n, 32 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_lambert(S=1, A=100, n=1000), 9)
    0.020643713
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(S * (C_INF * A + math.sqrt(2 * A) / math.e) / n))


def partial_upper_mean_pairs(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl, uniform: E R <= c_pairs S A / n, c_pairs = 0.159974.

    Statement: The spread of the unseen labels, two by two
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N6b, 1.036 c_inf: below `partial_upper_mean_lambert` for A up to 8,000 and more.

    Within a factor 1.07 of the truth at S = 1, A = 101, n = 10^5: 68 labels of mass 1.4625/n, 32 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_pairs(S=1, A=100, n=1000), 6)
    0.015997
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(C_PAIRS * float(S * A) / n))


def partial_upper_mean_conjecture(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl, uniform: E R <= c_inf S A / n, conjectured.

    Statement: The limit constant of partial soft labels, without a correction
    Grade: conjectured
    Status: conjectured
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The largest ratio to the exact minimax risk that was found is below 1. N6 proves it but for a term of order sqrt(A).

    Within a factor 1.04 of the truth at S = 1, A = 101, n = 10^5: 68 labels of mass 1.4625/n, 32 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_mean_conjecture(S=1, A=100, n=1000), 9)
    0.015441112
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(C_INF * float(S * A) / n))


def partial_upper_whp_missing(*, S: int, A: int, n: Any, delta: float) -> Any:
    """SEL_ptl, with probability >= 1 - delta: R <= 4 S A / (9 n) + 3 sqrt(S A) log(1 / delta) / n.

    Statement: Lemma E.7 on the joint alphabet: no union bound over inputs
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    delta : float
        Probability of failure, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    return missing_mass_upper_whp(size=S * A, n=n, delta=delta)


def partial_upper_whp_sqrt(*, S: int, A: int, n: Any, delta: float) -> Any:
    """SEL_ptl, with probability >= 1 - delta: R <= M(SA) + (2/n) (L + sqrt(2 SA L) / e), L = log(1/delta).

    Statement: Deviation of the missing mass of the joint law
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    delta : float
        Probability of failure, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    return missing_mass_upper_whp_sqrt(size=S * A, n=n, delta=delta)


def partial_lower_mean_at(*, S: int, A: int, n: Any, k: int, x: float) -> Any:
    """Partial soft labels: S x E[j Z / (j + Z)], j ~ Bin(k, (1 - x)^n), for k labels of mass x and Z of mass 0.

    Statement: Uniform spreading on k light and Z empty labels, with independent labels
    Grade: lower
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, 1 <= k <= A - 1; Z = A - 1 - k >= 1 if (k + 1) x <= 1/S, Z = A - k if k x = 1/S
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    k : int
        Number of light labels of each input, from 1 to A - 1.
    x : float
        Joint mass of a light label, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    k = checks.whole_number("k", k, minimum=1)
    x = checks.half_open_unit("x", x)
    full = S * k * x
    alone = abs(full - 1) <= 2.0**-52  # no heavy label
    x = 1 / (float(S) * k) if alone else x
    empty = A - k - (0 if alone else 1)
    inside = empty >= 1 and (alone or S * (k + 1) * x <= 1)
    return from_first(0 if inside else math.inf, n, lambda n: np.array([_light_rows(m, S, k, empty, x) for m in n]))


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


def partial_lower_mean_light(*, S: int, A: int, n: Any) -> Any:
    """Partial soft labels: the largest `partial_lower_mean_at` over a grid of k and x.

    Statement: The best of the rows with k light labels
    Grade: lower
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

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
    S, A = sizes(S, A)
    ks = np.unique(np.linspace(1, A - 1, min(A - 1, 48)).round().astype(int)).tolist() if A >= 2 else []

    def best(n: float) -> float:
        rows = [(k, A - 1 - k, t / (n + 1)) for k in ks if k <= A - 2 for t in SCALES if S * (k + 1) * t <= n + 1]
        rows += [(k, A - k, 1 / (float(S) * k)) for k in ks]
        return max(_light_rows(n, S, k, empty, x) for k, empty, x in rows)

    return from_first(0 if A >= 2 else math.inf, n, lambda n: np.array([best(m) for m in n]))


def partial_upper_kl_mean(*, S: int, A: int, n: Any) -> Any:
    """SEL_ptl, uniform: the expected forward KL, sum_s rho(s) KL(pi*, student), is at most c_KL S A / n.

    Statement: The limit constant of partial soft labels in forward KL
    Grade: upper
    Status: proved
    Units: forward KL in nats, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N10, c_KL = 0.292037: the constant of the exact minimax KL as A grows, n >> SA. Partial labels gain no rate in KL.

    Within a factor 1.04 of the truth at S = 1, A = 101, n = 10^5: 54 labels of mass 1.84/n, 46 of none, one the rest.

    Examples
    --------
    >>> round(partial_upper_kl_mean(S=1, A=10, n=1000), 9)
    0.002920365
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(C_KL * float(S * A) / n))


# --- Soft labels ----------------------------------------------------------------------------------------


def soft_upper_mean_missing(*, S: int, A: int, n: Any) -> Any:
    """CE_ful: E R <= (1 - 1/S)^n if n <= S, (S - 1) phi(n - 1) if n >= S.

    Statement: The risk of CE_ful is at most the mass of the inputs never visited (mean, every problem)
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N1, for every `init`.

    Within a factor 1.002 of the truth at S = 100, n = 1000, any A >= 2, mass 1/(n + 1) on all inputs but one, if
    the initial table is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_missing(S=2, A=2, n=1000), 9)
    0.000368063
    """
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: up(_majorant(n, S)))


def soft_upper_mean_uniform(*, S: int, A: int, n: Any) -> Any:
    """CE_ful, uniform: E R <= (1 - 1/A) (1 - 1/S)^n if n <= S, (1 - 1/A) (S - 1) phi(n - 1) if n >= S.

    Statement: Upper half of the soft minimax sandwich
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N1 and N9: (1 - 1/A) times the largest expected mass of the inputs never visited is the minimax risk of soft labels.
    An equality for n <= S.

    Within a factor 1.011 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_upper_mean_uniform(S=2, A=2, n=2), 12)
    0.125
    """
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: up((A - 1) / A * _majorant(n, S)))


def soft_lower_mean_dirac(*, S: int, A: int, n: Any) -> Any:
    """Soft labels: (1 - 1/A) max{(1 - 1/S)^n, (S - 1) phi(n) + h (1 - h)^n}, h = 1 - (S - 1)/(n + 1), if h >= 0.

    Statement: Lower half of the soft minimax sandwich
    Grade: lower
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N9: Dirac rows at random labels; rho uniform, or, for S <= n + 2, 1/(n + 1) on all inputs but one. Exact for n <= S.

    Within a factor 1 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean_dirac(S=2, A=2, n=2), 12)
    0.125
    """
    S, A = sizes(S, A)

    def formula(n: np.ndarray) -> np.ndarray:
        level = down(unseen(n, 1 / S), log_unseen(n, 1 / S))
        h = np.maximum(n + 2 - S, 0.0) / (n + 1)
        last = down(h * unseen(n, h), log_unseen(n, h))
        uneven = np.where(n + 2 >= S, (S - 1) * unseen(n, 1 / (n + 1)) / (n + 1) + last, 0.0)
        return down((A - 1) / A * np.maximum(level, uneven))

    return from_first(0, n, formula)


def soft_upper_kl_mean(*, S: int, A: int, n: Any) -> Any:
    """CE_ful, uniform: the expected forward KL is at most log(A) `missing_mass_upper_mean` of S.

    Statement: Soft labels in forward KL
    Grade: upper
    Status: proved
    Units: forward KL in nats, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N10: KL(p, Uniform(A)) <= log A, with equality at Dirac rows, where log(A) V(S, n) is the minimax KL.

    Within a factor 1.011 of the truth at S = A = 2, n = 100, Dirac rows and the worst rho.

    Examples
    --------
    >>> round(soft_upper_kl_mean(S=2, A=2, n=2), 9)
    0.173286795
    """
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: up(math.log(A) * _majorant(n, S)))


# --- Hard labels ----------------------------------------------------------------------------------------


def hard_upper_mean_joint(*, S: int, A: int, n: Any) -> Any:
    """CE_sgl: E R <= (1/2) sqrt((S - 1) / n) + (1/2) sqrt((SA - 1) / n).

    Statement: The risk of CE_sgl is at most the empirical TV of the inputs plus that of the pairs
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N8, for every `init`; never above Z&Z Thm 3.2.

    Within a factor 1.26 of the truth at S = 1, A = 100, n = 10^6, uniform teacher.

    Examples
    --------
    >>> round(hard_upper_mean_joint(S=1, A=5, n=100), 12)
    0.1
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up((np.sqrt((S - 1) / n) + np.sqrt(float(S * A - 1) / n)) / 2))


def hard_upper_mean_uniform(*, S: int, A: int, n: Any) -> Any:
    """CE_sgl, uniform: E R <= sqrt(S (A - 1) / (2 (n + 1))).

    Statement: One square root for rows, visits and unvisited inputs together
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N8. Below `hard_upper_mean_joint` for few labels and many inputs.

    Within a factor 1 of the truth at S = 1, A = 2, n = 1, teacher (1/2, 1/2).

    Examples
    --------
    >>> round(hard_upper_mean_uniform(S=1, A=2, n=1), 12)
    0.5
    """
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: up(np.sqrt(float(S * (A - 1)) / (2 * (n + 1)))))


def hard_upper_mean_conjecture(*, S: int, A: int, n: Any) -> Any:
    """CE_sgl, uniform: E R <= (1/2) sqrt(S (A - 1) / n), conjectured.

    Statement: The one-input bound with S (A - 1) degrees of freedom
    Grade: conjectured
    Status: conjectured
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Proved for S = 1 (N8); for S >= 2 tested only. False for other `init`.

    Within a factor 1 of the truth at S = 1, A = 2, n = 1, teacher (1/2, 1/2).

    Examples
    --------
    >>> round(hard_upper_mean_conjecture(S=2, A=3, n=100), 12)
    0.1
    """
    S, A = sizes(S, A)
    return from_first(1, n, lambda n: up(np.sqrt(float(S * (A - 1)) / n) / 2))


def hard_upper_whp_joint(*, S: int, A: int, n: Any, delta: float) -> Any:
    """CE_sgl, with probability >= 1 - delta: R <= `hard_upper_mean_joint` + sqrt(2 L / n); S = 1: sqrt(L / (2 n)).

    Statement: Bounded differences of the two empirical TVs
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.
    delta : float
        Probability of failure, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N8, L = log(1 / delta): McDiarmid; one sample moves each of the two TVs by at most 1/n; for S = 1 the first is 0.

    Within a factor 1.56 of the truth, the 1 - delta quantile of R, at S = 1, A = 2, n = 1000, delta = 0.01, teacher
    (1/2, 1/2); within a factor 3.13 at S = 2, n = 200, the rest alike and rho uniform.

    Examples
    --------
    >>> round(hard_upper_whp_joint(S=1, A=2, n=1000, delta=0.01), 9)
    0.063796647
    """
    S, A = sizes(S, A)
    delta = checks.open_unit("delta", delta)
    moved = 2.0 if S > 1 else 0.5
    deviation = math.sqrt(-moved * math.log(delta))
    mean = (math.sqrt(S - 1) + math.sqrt(S * A - 1)) / 2
    return from_first(1, n, lambda n: up((mean + deviation) / np.sqrt(n)))


def hard_lower_mean_assouad(*, S: int, A: int, n: Any) -> Any:
    """Hard labels: max over D of D P_err(D), P_err the error of testing D against -D on Bin(n, 2 / (S A')) flips.

    Statement: Assouad's lemma with the exact error of its two-point tests
    Grade: lower
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, n >= 0, where A' = A if A is even and A - 1 if it is odd
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N8: rows (1 +- D) / A' as in Z&Z Thm 3.1, without the Bretagnolle-Huber inequality: 3.17 times that for large n. The
    maximum is over 64 values of D; with more than 300 flips on average the error is replaced by a lower bound,
    (1 - sqrt(r / (r - 1)) erf(D sqrt(r - 1))) / 2 at 2 r - 1 >= 2 n / (S A'), less than one per cent below.

    Within a factor 2.36 of the truth at S = 1, A = 2, n = 100: the largest expected risk of CE_sgl, over all teachers.

    Examples
    --------
    >>> round(hard_lower_mean_assouad(S=1, A=2, n=100), 6)
    0.017015
    """
    S, A = sizes(S, A)
    pairs = S * (A // 2)
    return from_first(0 if A >= 2 else math.inf, n, lambda n: np.array([_assouad(m, pairs) for m in n]))


def _assouad(n: float, pairs: int) -> float:
    """Best D P_err(D) over a grid of D, each of `pairs` fair coins flipped Bin(n, 1 / pairs) times, rounded down."""
    mean = n / pairs
    q = (1 - np.arange(1, 65) / 64 * min(1.0, 2 / math.sqrt(max(mean, 4.0)))) / 2
    D = 1 - 2 * q  # exactly: q is the float, and D is made to fit it
    if mean > VISITS:
        r = math.ceil((mean * (1 + 1e-15) + 1) / 2)
        error = (1 - math.sqrt(r / (r - 1)) * special.erf(D * math.sqrt(r - 1))) / 2
        return float(np.max(down(D * np.maximum(error, 0.0), 100.0)))
    if pairs == 1:
        return float(np.max(down(D * _coin_error(np.array([n]), q)[0], 100.0)))
    m = np.arange(min(n, mean + 12 * math.sqrt(mean) + 40) // 1 + 1)
    ratios = (n - m[:-1]) / ((m[:-1] + 1) * (pairs - 1))
    never = n * math.log1p(-1 / pairs)
    visits = math.exp(never) * np.concatenate([[1.0], np.cumprod(ratios)])
    return float(np.max(down(D * (visits @ _coin_error(m, q)), 750.0)))


def _coin_error(m: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Error of the majority of m flips, fair if tied, each wrong with probability q: I_q(r, r), r = ceil(m / 2)."""
    r = np.ceil(m / 2)[:, None]
    return np.where(r > 0, special.betainc(np.maximum(r, 1), np.maximum(r, 1), q), 0.5)


# --- Every protocol -------------------------------------------------------------------------------------


def uniform_upper_mean(*, S: int, A: int, n: Any) -> Any:
    """Every protocol, every n: E R <= 1 - 1/A, for CE_sgl, SEL_ptl and CE_ful, uniform.

    Statement: Uniform(A) is within 1 - 1/A of every row
    Grade: upper
    Status: proved
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    N4, N8: for SEL_ptl and CE_ful R <= 1 - 1/A for every sample too; for CE_sgl in expectation only. Attained at n = 0.

    Within a factor 1 of the truth at S = 1, A = 2, n = 0, a Dirac row.

    Examples
    --------
    >>> round(uniform_upper_mean(S=1, A=4, n=0), 12)
    0.75
    """
    S, A = sizes(S, A)
    return from_first(0, n, lambda n: np.full_like(n, up((A - 1) / A) if A > 1 else 0.0))
