r"""Every lower and upper bound of Zhao and Zhu, each with the constants that its proof gives.

Setting (`kt_theory.problem`): n samples, S inputs, A labels; R is the total variation between student and teacher,
averaged under rho. A lower bound holds for every student, at the worst problem; an upper bound holds for the named
learner on every problem, whatever the learner says where the data leave it free (`init`). "mean" bounds E R over the
sample; "whp" bounds R itself with probability at least 1 - delta. A' is the number of labels that a construction uses.

==================  ==================================================================================================
statement           functions
==================  ==================================================================================================
Thm 3.1, hard       `hard_lower_mean_at`, `hard_lower_mean`
Thm 4.1, partial    `partial_lower_mean`, `partial_lower_mean_simple`
Thm 5.1, soft       `soft_lower_mean_at`, `soft_lower_mean`, `soft_lower_mean_simple`
Thm 3.2, CE_sgl     `hard_upper_mean`, `hard_upper_whp`, `hard_upper_mean_instance` with `xi`
Thm 4.4, SEL_ptl    `partial_upper_mean`, `partial_upper_whp`
Thm 5.2, CE_ful     `soft_upper_mean_at`, `soft_upper_mean`, `soft_upper_whp`
Remark 6.1          `partial_upper_mean_floor`, `soft_upper_mean_floor`
Lemma E.2           `bretagnolle_huber_upper`
Lemmas E.3, E.4     `empirical_tv_upper_mean`, `empirical_tv_upper_whp`
Lemma E.5           `cell_missing_mass`, `cell_missing_upper`, `cell_missing_upper_simple`
Lemmas E.6, E.7     `missing_mass_excess_upper_whp`, `missing_mass_upper_whp`
Lemmas E.8 to E.10  `inverse_visits_mean`, `inverse_visits_upper_mean`, `low_visits_upper`, `inverse_visits_upper_whp`
Lemma H.2           `log_linear_tv_upper`
==================  ==================================================================================================

Lemma E.1 (frequencies converge), Lemma 4.2 and Theorem 4.3 (where CE_ptl converges to) bound nothing at finite n.

Outside its regime a bound is NaN, never a trivial 1; inside it is not clipped, and may exceed 1. Malformed arguments
raise. Grades: exact (an equality), tight (one-sided, and attained for every argument), upper, lower.

Rounding. Upper bounds are rounded up and lower bounds down, so that the float is never on the wrong side of the real
number it stands for. The formulas are products, quotients, roots and sums of positive terms, a dozen roundings of
eps/2 each, for which 16 eps is ample; a power or exponential e^x multiplies the few roundings of x by abs(x), at most
8 eps/2, for which 4 abs(x) eps is added. Since e^x underflows at -745, a bound is within 1e-12 of the truth, relative,
and within 1e-14 where no large exponent is in play; below 1e-300 only the side is promised. Exact values are not
rounded to a side.

Source: Zhao and Zhu, "Towards the Fundamental Limits of Knowledge Transfer over Finite Domains", ICLR 2024,
arXiv 2310.07838 (Z&Z). Where a printed constant is a slip, the one that the proof gives is used and the Notes say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kt_theory import checks

__all__ = [
    "bretagnolle_huber_upper",
    "cell_missing_mass",
    "cell_missing_upper",
    "cell_missing_upper_simple",
    "empirical_tv_upper_mean",
    "empirical_tv_upper_whp",
    "hard_lower_mean",
    "hard_lower_mean_at",
    "hard_upper_mean",
    "hard_upper_mean_instance",
    "hard_upper_whp",
    "inverse_visits_mean",
    "inverse_visits_upper_mean",
    "inverse_visits_upper_whp",
    "log_linear_tv_upper",
    "low_visits_upper",
    "missing_mass_excess_upper_whp",
    "missing_mass_upper_whp",
    "partial_lower_mean",
    "partial_lower_mean_simple",
    "partial_upper_mean",
    "partial_upper_mean_floor",
    "partial_upper_whp",
    "soft_lower_mean",
    "soft_lower_mean_at",
    "soft_lower_mean_simple",
    "soft_upper_mean",
    "soft_upper_mean_at",
    "soft_upper_mean_floor",
    "soft_upper_whp",
    "xi",
]

EPS = float(np.finfo(np.float64).eps)

#: A few units of the least positive float64: rounding to a side where relative error has lost its meaning.
LEAST = 4 * math.ulp(0.0)

#: The largest delta of Lemma E.6. As a float it exceeds 1/10 by 6e-18, which the rounding up of the bound covers.
DELTA_MAX = 0.1


# --- How a statement is evaluated -----------------------------------------------------------------------


def _from(first: float, n: Any, formula: Callable[[np.ndarray], np.ndarray]) -> Any:
    """`formula` of those n (as float64) that are at least `first`, NaN for the others; a scalar n gives a float."""
    counts = checks.whole_numbers("n", n)
    inside = counts >= first
    out = np.full(counts.shape, np.nan)
    with np.errstate(divide="ignore", over="ignore"):  # rho = 1 or p = 1: log1p(-1) = -inf is right
        out[inside] = formula(counts[inside].astype(np.float64))
    return out if np.ndim(n) else out.item()


def _sizes(S: Any, A: Any) -> tuple[int, int]:
    return checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)


def _half_open_unit(name: str, value: Any) -> float:
    """`value` as a float in (0, 1]."""
    number = checks.positive(name, value)
    if number > 1:
        raise ValueError(f"{name} is {number}: it must lie above 0 and not above 1")
    return number


def _not_negative(name: str, value: Any) -> np.ndarray:
    """`value` as float64 with no entry negative or NaN; infinity is allowed."""
    array = checks.array_of_floats(name, value)
    if not (array >= 0).all():
        raise ValueError(f"{name} is {value}: it must be 0 or more")
    return array


def _scalar_or_array(value: Any) -> Any:
    return value if np.ndim(value) else float(value)


def _up(value: Any, exponent: Any = 0.0) -> Any:
    """`value`, whose formula contains e to the `exponent`, moved up past its rounding error."""
    return np.where(np.isneginf(exponent), value, value * (1 + _slack(exponent)) + LEAST)


def _down(value: Any, exponent: Any = 0.0) -> Any:
    """`value`, whose formula contains e to the `exponent`, moved down past its rounding error."""
    return np.maximum(value * (1 - _slack(exponent)) - LEAST, 0.0)


def _slack(exponent: Any) -> Any:
    return EPS * (16 + 4 * np.minimum(np.abs(exponent), 750.0))


def _log_unseen(n: Any, p: Any) -> Any:
    """The exponent n log(1 - p); 0 at n = 0, even if p = 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(n, 0), 0.0, n * np.log1p(-p))


def _unseen(n: Any, p: Any) -> Any:
    """(1 - p)^n to a few units in the last place: exp(n log1p(-p)) alone would lose n |log(1 - p)| of them."""
    left = 1.0 - p
    lost = (1.0 - left) - p  # exactly (1 - p) - left, and 0 where left is below 1/2
    power = left**n * np.exp(n * np.log1p(lost / np.maximum(left, 0.5)))
    # Below 2^-40, n may be so large that the correction outgrows left^n; exp alone loses what `_slack` grants it.
    return np.where(p < 2.0**-40, np.exp(_log_unseen(n, p)), power)


def _all_unseen(n: np.ndarray, rho: np.ndarray, side: Callable[..., Any]) -> np.ndarray:
    """sum_s rho(s) (1 - rho(s))^n for each n, every term moved to its `side`; the sum adds one rounding."""
    return np.array([math.fsum(side(rho * _unseen(m, rho), _log_unseen(m, rho))) for m in n])


def _log_ratio(size: int, delta: float) -> float:
    """log(size / delta), without forming a quotient that could overflow."""
    return math.log(size) - math.log(delta)


# --- Lower bounds: every student, at its worst problem -------------------------------------------------


def hard_lower_mean(n: Any, S: int, A: int) -> Any:
    """Hard labels: no student's worst expected risk is below exp(-1/2)/16 sqrt(S A' / n).

    Statement: Z&Z Thm 3.1
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, n >= S A' / 4, where A' = A if A is even and A - 1 if it is odd
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    `hard_lower_mean_at` with Delta = sqrt(S A' / n) / 4, at most 1/2 in this regime, where log((1 + Delta) / (1 -
    Delta)) is at most 4 Delta, so that the exponent is at least -1/2. The paper asks n >= S A / 4; with A odd its proof
    uses A - 1 labels throughout.

    Within a factor 7.46 of the truth at S = 1, A = 2, n = 100: the largest expected risk of CE_sgl, over all teachers.

    Examples
    --------
    >>> round(hard_lower_mean(100, 1, 4), 12)
    0.007581633246
    >>> hard_lower_mean([1, 2], S=2, A=3).round(6)
    array([0.075816, 0.05361 ])
    """
    S, A = _sizes(S, A)
    even = S * (A - A % 2)
    first = -(-even // 4) if A >= 2 else math.inf
    return _from(first, n, lambda n: _down(math.exp(-0.5) / 16 * np.sqrt(float(even) / n)))


def hard_lower_mean_at(n: Any, S: int, A: int, Delta: float) -> Any:
    """Hard labels: Delta/4 exp(-(2 n Delta / (S A')) log((1 + Delta) / (1 - Delta))) for a chosen Delta.

    Statement: Z&Z Thm 3.1 (general form)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 2, n >= 0, 0 < Delta < 1, where A' = A if A is even and A - 1 if it is odd
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
    Delta : float
        Half the relative gap between the two labels of a pair, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Assouad's lemma over S A' / 2 fair coins, one per pair of labels (1 +- Delta) / A', with the Bretagnolle-Huber
    inequality; see Z&Z, proof of Theorem 3.1.

    Within a factor 5.28 of the truth at S = 1, A = 2, n = 100, Delta = 0.05: the largest expected risk of CE_sgl, over
    all teachers.

    Examples
    --------
    >>> round(hard_lower_mean_at(100, 1, 2, Delta=0.05), 9)
    0.00757847
    """
    S, A = _sizes(S, A)
    Delta = checks.open_unit("Delta", Delta)
    even = S * (A - A % 2)
    log_odds = math.log1p(Delta) - math.log1p(-Delta)

    def formula(n: np.ndarray) -> np.ndarray:
        exponent = -(n / float(even)) * (2 * Delta) * log_odds
        return _down(Delta / 4 * np.exp(exponent), exponent)

    return _from(0 if A >= 2 else math.inf, n, formula)


def partial_lower_mean(n: Any, S: int, A: int) -> Any:
    """Partial soft labels: no student's worst expected risk is below S (A' - 1) / (4 (n + 1)) (1 - 1/(n + 1))^n.

    Statement: Z&Z Thm 4.1 (before the power is bounded by 1/e)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 3, n >= S (A' - 1) / 2 - 1, where A' = A if A is odd and A - 1 if it is even
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Exactly the best possible against the construction of the proof: S (A' - 1) / 2 pairs of labels, of which a fair
    coin says which one has joint mass 1/(n + 1) and which has none.

    Within a factor 1.69 of the truth at S = 1, A = 3, n = 2: the largest expected risk of SEL_ptl, over all teachers.

    Examples
    --------
    >>> round(partial_lower_mean(2, 1, 3), 12)
    0.074074074074
    >>> partial_lower_mean(3, S=5, A=3)
    nan
    """
    S, A = _sizes(S, A)
    pairs = S * ((A - 1) // 2)
    return _from(_first_with_pairs(A, pairs), n, lambda n: _down(pairs / (2 * (n + 1)) * _unseen(n, 1 / (n + 1))))


def partial_lower_mean_simple(n: Any, S: int, A: int) -> Any:
    """Partial soft labels: no student's worst expected risk is below S (A' - 1) / (4 e (n + 1)).

    Statement: Z&Z Thm 4.1
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: A >= 3, n >= S (A' - 1) / 2 - 1, where A' = A if A is odd and A - 1 if it is even
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    `partial_lower_mean`, since (1 - 1/(n + 1))^n decreases to 1/e.

    Within a factor 2.04 of the truth at S = 1, A = 3, n = 2: the largest expected risk of SEL_ptl, over all teachers.

    Examples
    --------
    >>> round(partial_lower_mean_simple(2, 1, 3), 12)
    0.061313240195
    """
    S, A = _sizes(S, A)
    pairs = S * ((A - 1) // 2)
    return _from(_first_with_pairs(A, pairs), n, lambda n: _down(pairs / (2 * math.e * (n + 1))))


def _first_with_pairs(A: int, pairs: int) -> float:
    """The first n at which `pairs` labels of joint mass 1/(n + 1) fit."""
    return max(pairs - 1, 0) if A >= 3 else math.inf


def soft_lower_mean_at(n: Any, S: int, A: int, rho: Any) -> Any:
    """Soft labels: no student's worst expected risk under this rho is below (1/2) sum_s rho(s) (1 - rho(s))^n.

    Statement: Z&Z Thm 5.1 (any law of the inputs)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: S >= 2, A >= 2, n >= 0
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
    rho : array_like, shape (S,)
        Law of the inputs.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The rows of the teacher are Diracs at independent uniform labels; an input never visited costs 1 - 1/A, of which the
    paper keeps 1/2. The regime n > S - 1 of the theorem belongs to its choice of rho, not to this form.

    Within a factor 1 of the truth at S = A = 2, n = 5, rho = (0.3, 0.7): the largest expected risk of CE_ful with
    uniform initialisation. For more labels the factor is 2 (1 - 1/A).

    Examples
    --------
    >>> round(soft_lower_mean_at(5, 2, 2, rho=[0.3, 0.7]), 12)
    0.026061
    """
    S, A = _sizes(S, A)
    rho = checks.law("rho", rho, size=S)
    return _from(0 if min(S, A) >= 2 else math.inf, n, lambda n: _down(_all_unseen(n, rho, _down) / 2))


def soft_lower_mean(n: Any, S: int, A: int) -> Any:
    """Soft labels: no student's worst expected risk is below (S - 1) / (2 (n + 1)) (1 - 1/(n + 1))^n.

    Statement: Z&Z Thm 5.1 (before the power is bounded by 1/e)
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: S >= 2, A >= 2, n >= S
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    `soft_lower_mean_at` with mass 1/(n + 1) on S - 1 inputs, the last input left out of the sum.

    Within a factor 1.0001 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean(2, 2, 2), 12)
    0.074074074074
    >>> soft_lower_mean(100, S=1, A=2)
    nan
    """
    S, A = _sizes(S, A)
    first = S if min(S, A) >= 2 else math.inf
    return _from(first, n, lambda n: _down((S - 1) / (2 * (n + 1)) * _unseen(n, 1 / (n + 1))))


def soft_lower_mean_simple(n: Any, S: int, A: int) -> Any:
    """Soft labels: no student's worst expected risk is below (S - 1) / (2 e (n + 1)).

    Statement: Z&Z Thm 5.1
    Grade: lower
    Units: total variation risk, averaged under rho
    Valid for: S >= 2, A >= 2, n >= S
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    `soft_lower_mean`, since (1 - 1/(n + 1))^n decreases to 1/e.

    Within a factor 1.005 of the truth at S = A = 2, n = 100: the largest expected risk of CE_ful with uniform
    initialisation, over all problems.

    Examples
    --------
    >>> round(soft_lower_mean_simple(2, 2, 2), 12)
    0.061313240195
    """
    S, A = _sizes(S, A)
    first = S if min(S, A) >= 2 else math.inf
    return _from(first, n, lambda n: _down((S - 1) / (2 * math.e * (n + 1))))


# --- Upper bounds, hard labels: CE_sgl -----------------------------------------------------------------


def hard_upper_mean(n: Any, S: int, A: int) -> Any:
    """CE_sgl: E R <= (1/2) sqrt(S A / n) + sqrt(S / n).

    Statement: Z&Z Thm 3.2 (mean)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The first term averages Lemma E.3 over the visits; the paper prints an intermediate step with sqrt(A / (2 n)) where
    (1/2) sqrt(A / n) is meant. The second is the l1 distance between rho and the visit frequencies.

    Within a factor 1.52 of the truth at S = 1, A = 100, n = 10^6, uniform teacher.

    Examples
    --------
    >>> round(hard_upper_mean(100, 1, 4), 12)
    0.2
    >>> hard_upper_mean([0, 100], S=1, A=4)
    array([nan, 0.2])
    """
    S, A = _sizes(S, A)
    return _from(1, n, lambda n: _up(0.5 * np.sqrt(float(S * A) / n) + np.sqrt(S / n)))


def hard_upper_whp(n: Any, S: int, A: int, delta: float) -> Any:
    """CE_sgl, with probability >= 1 - delta: sqrt((A log 2 + L) / 2) sqrt(S / n) + sqrt((2 / n) (S log 2 + L)).

    Statement: Z&Z Thm 3.2 (high probability)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
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
    Here L = log((S + 1) / delta). For S = 1 the bound is that of `empirical_tv_upper_whp`.

    Within a factor 1.34 of the truth, the 1 - delta quantile of R, at S = 1, A = 2, n = 1000, delta = 0.01, teacher
    (1/2, 1/2); within a factor 4.57 at S = 2, n = 200, the rest alike and rho uniform.

    Examples
    --------
    >>> round(hard_upper_whp(1000, 1, 2, delta=0.01), 9)
    0.054733283
    """
    S, A = _sizes(S, A)
    delta = checks.open_unit("delta", delta)
    if S == 1:
        return empirical_tv_upper_whp(n, A, delta)
    L = _log_ratio(S + 1, delta)
    rows, inputs = A * math.log(2) + L, S * math.log(2) + L
    return _from(1, n, lambda n: _up(np.sqrt(rows / 2) * np.sqrt(S / n) + np.sqrt(2 / n * inputs)))


def hard_upper_mean_instance(n: Any, S: int, A: int, xi: float) -> Any:
    """CE_sgl on teachers of a given `xi`: E R <= sqrt(xi S A / (2 (n + 1))) + 4 S / (9 n).

    Statement: Z&Z Thm 3.2 (instance dependent)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 <= xi <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
    xi : float
        What the function `xi` says of the teacher, in [0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Near-deterministic teachers, xi of order 1/n, get the rate 1/n.

    Within a factor 1.79 of the truth at S = 1, A = 100, n = 10^6, uniform teacher (xi = 1).

    Examples
    --------
    >>> round(hard_upper_mean_instance(99, 1, 2, xi=1.0), 9)
    0.104489338
    """
    S, A = _sizes(S, A)
    number = checks.array_of_floats("xi", xi, ndim=0).item()
    if not 0 <= number <= 1 + checks.SUM_TOLERANCE:  # a row may sum to that much
        raise ValueError(f"xi is {number}: it must lie in [0, 1]")
    return _from(1, n, lambda n: _up(np.sqrt(number * float(S * A) / (2 * (n + 1))) + 4 * S / (9 * n)))


def xi(teacher: Any) -> float:
    """How far the teacher is from deterministic: max_s sum_a min(pi*(a|s), 1 - pi*(a|s)).

    Statement: Z&Z Thm 3.2 (the quantity of its instance-dependent bound)
    Grade: exact
    Units: none; twice a total variation, in [0, 1]
    Valid for: every teacher
    Outside: nan

    Parameters
    ----------
    teacher : array_like, shape (S, A)
        A row-stochastic table.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `teacher` is not a row-stochastic table.

    Notes
    -----
    At most 2 max_s (1 - max_a pi*(a|s)), with equality if every row has a label of mass 1/2 or more: that is the l1
    distance to the nearest deterministic row. The paper speaks of the TV distance, half of that; the l1 distance is
    meant.

    Examples
    --------
    >>> xi([[0.75, 0.25], [0.0, 1.0]])
    0.5
    """
    table = checks.stochastic_table("teacher", teacher)
    return max(math.fsum(row) for row in np.minimum(table, 1 - table))


# --- Upper bounds, partial soft labels: SEL_ptl --------------------------------------------------------


def partial_upper_mean(n: Any, S: int, A: int) -> Any:
    """SEL_ptl: E R <= (8/9) S A / n + S A / (n + 1).

    Statement: Z&Z Thm 4.4 (mean)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The paper states the order S A / n only; these constants are what its proof gives.

    Within a factor 5.24 of the truth at S = 1, A = 102, n = 1000, if SEL_ptl spreads on a label of mass 0 what is
    missing: 100 labels have mass 1/(n + 1), one has none, and one the rest.

    Examples
    --------
    >>> round(partial_upper_mean(9, 1, 1), 9)
    0.198765432
    """
    S, A = _sizes(S, A)
    cells = float(S * A)
    return _from(1, n, lambda n: _up(8 * cells / (9 * n) + cells / (n + 1)))


def partial_upper_whp(n: Any, S: int, A: int, delta: float) -> Any:
    """SEL_ptl, with probability >= 1 - delta: of order S (A + sqrt(A) log(S / delta)) log(S / delta) / n.

    Statement: Z&Z Thm 4.4 (high probability)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1; S = 1: delta <= 1/10; S >= 2: delta < min(1, (S + 2) / 10)
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
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
    >>> round(partial_upper_whp(1000, 1, 9, delta=0.1), 9)
    0.024723266
    >>> partial_upper_whp(1000, 1, 9, delta=0.2)
    nan
    """
    S, A = _sizes(S, A)
    delta = checks.open_unit("delta", delta)
    if S == 1:
        return missing_mass_upper_whp(n, A, delta)
    L = _log_ratio(S + 2, delta)
    row = 4 * A / 9 + 3 * math.sqrt(A) * L
    visits = 22 * S + 400 / 99 * S * (math.log(S) + L)
    inputs = 4 * S / 9 + 3 * math.sqrt(S) * L
    return _from(1 if delta < (S + 2) / 10 else math.inf, n, lambda n: _up((row * visits + inputs) / n))


def partial_upper_mean_floor(n: Any, S: int, A: int, c_S: float, c_A: float) -> Any:
    """SEL_ptl, if rho >= c_S and pi* >= c_A on their supports: E R <= (1 - c_S c_A)^n.

    Statement: Z&Z Remark 6.1 (partial soft labels)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 0, 0 < c_S <= 1, 0 < c_A <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
    c_S, c_A : float
        The least positive mass of an input, and of a label given an input; in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The paper states only that the decay is exponential. The constant follows from R <= sum of the joint masses w never
    seen, and sum w (1 - w)^n <= (1 - min w)^n as the w sum to 1.

    Within a factor 1 of the truth at S = 2, A = 3, n = 4, rho uniform and rows (1/2, 1/2, 0), if SEL_ptl puts on the
    label of mass 0 what it does not know.

    Examples
    --------
    >>> partial_upper_mean_floor(2, 1, 2, c_S=1.0, c_A=1.0)
    0.0
    >>> round(partial_upper_mean_floor(2, 2, 2, c_S=0.5, c_A=0.5), 12)
    0.5625
    """
    _sizes(S, A)
    c_S, c_A = _half_open_unit("c_S", c_S), _half_open_unit("c_A", c_A)
    product = c_S * c_A
    # 1 - c_S c_A from the rounded product would lose its digits when both are near 1.
    rate = math.log1p(-product) if product <= 0.5 else _log_or_minus_inf((1 - c_S) + c_S * (1 - c_A))

    def formula(n: np.ndarray) -> np.ndarray:
        exponent = np.multiply(n, rate, out=np.zeros_like(n), where=n > 0)
        return _up(np.exp(exponent), exponent)

    return _from(0, n, formula)


def _log_or_minus_inf(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


# --- Upper bounds, soft labels: CE_ful -----------------------------------------------------------------


def soft_upper_mean_at(n: Any, S: int, A: int, rho: Any) -> Any:
    """CE_ful under a given rho: E R <= sum_s rho(s) (1 - rho(s))^n, the expected mass of the inputs never visited.

    Statement: Z&Z Thm 5.2 (mean, any law of the inputs)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 0
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
    rho : array_like, shape (S,)
        Law of the inputs.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Within a factor 1 of the truth at S = A = 2, n = 5, rho = (0.3, 0.7), if what CE_ful says unasked is disjoint from
    the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_at(5, 2, 2, rho=[0.3, 0.7]), 12)
    0.052122
    """
    S, A = _sizes(S, A)
    rho = checks.law("rho", rho, size=S)

    def formula(n: np.ndarray) -> np.ndarray:
        total = _all_unseen(n, rho, _up)
        return np.where(total > 0, _up(total), 0.0)  # 0 only if every term is exactly 0, as for S = 1

    return _from(0, n, formula)


def soft_upper_mean(n: Any, S: int, A: int) -> Any:
    """CE_ful: E R <= 4 S / (9 n).

    Statement: Z&Z Thm 5.2 (mean)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Within a factor 1.23 of the truth at S = 100, n = 1000, any A >= 2, mass 1/(n + 1) on all inputs but one, if what
    CE_ful says unasked is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_mean(1000, 9, 2), 12)
    0.004
    """
    S, A = _sizes(S, A)
    return _from(1, n, lambda n: _up(4 * S / (9 * n)))


def soft_upper_whp(n: Any, S: int, A: int, delta: float) -> Any:
    """CE_ful, with probability >= 1 - delta: R <= 4 S / (9 n) + 3 sqrt(S) log(1 / delta) / n.

    Statement: Z&Z Thm 5.2 (high probability)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
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
    Within a factor 2.04 of the truth, the 1 - delta quantile of R, at S = n = 400, A = 2, delta = 0.1, rho uniform, if
    what CE_ful says unasked is disjoint from the teacher.

    Examples
    --------
    >>> round(soft_upper_whp(1000, 9, 2, delta=0.1), 9)
    0.024723266
    """
    S, A = _sizes(S, A)
    return missing_mass_upper_whp(n, S, delta)


def soft_upper_mean_floor(n: Any, S: int, A: int, c_S: float) -> Any:
    """CE_ful, if rho >= c_S on its support: E R <= (1 - c_S)^n.

    Statement: Z&Z Remark 6.1 (soft labels)
    Grade: upper
    Units: total variation risk, averaged under rho
    Valid for: n >= 0, 0 < c_S <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    S, A : int
        Number of inputs and of labels, at least 1.
    c_S : float
        The least positive mass of an input, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    The paper states only that the decay is exponential. The constant follows from sum_s rho(s) (1 - rho(s))^n <= (1 -
    min rho)^n as rho sums to 1.

    Within a factor 1 of the truth at S = 4, A = 2, n = 10, rho uniform, if what CE_ful says unasked is disjoint from
    the teacher.

    Examples
    --------
    >>> round(soft_upper_mean_floor(2, 4, 2, c_S=0.25), 12)
    0.5625
    """
    _sizes(S, A)
    c_S = _half_open_unit("c_S", c_S)
    return _from(0, n, lambda n: _up(_unseen(n, c_S), _log_unseen(n, c_S)))


# --- Lemmas --------------------------------------------------------------------------------------------


def bretagnolle_huber_upper(kl: Any) -> Any:
    """Bretagnolle and Huber: TV(P, Q) <= 1 - exp(-KL(P, Q)) / 2.

    Statement: Z&Z Lemma E.2
    Grade: upper
    Units: total variation
    Valid for: kl >= 0, infinity included
    Outside: nan

    Parameters
    ----------
    kl : float or array_like
        Relative entropy, natural logarithm.

    Returns
    -------
    float, or ndarray of float64

    Raises
    ------
    ValueError
        If `kl` is negative or not a number.

    Notes
    -----
    Within a factor 1.06 of the truth at P = (1, 0), Q = (1/10, 9/10).

    Examples
    --------
    >>> round(bretagnolle_huber_upper(0.0), 12)
    0.5
    """
    return _scalar_or_array(_up(1 - np.exp(-_not_negative("kl", kl)) / 2))


def empirical_tv_upper_mean(n: Any, A: int) -> Any:
    """Expected total variation between a law on A labels and its empirical frequencies: <= (1/2) sqrt(A / n).

    Statement: Z&Z Lemma E.3
    Grade: upper
    Units: total variation
    Valid for: n >= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    A : int
        Number of labels, at least 1.

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Within a factor 1.26 of the truth at A = 100, n = 10^6, uniform law.

    Examples
    --------
    >>> round(empirical_tv_upper_mean(100, 4), 12)
    0.1
    """
    A = checks.whole_number("A", A, minimum=1)
    return _from(1, n, lambda n: _up(0.5 * np.sqrt(A / n)))


def empirical_tv_upper_whp(n: Any, A: int, delta: float) -> Any:
    """The same, with probability >= 1 - delta: TV <= sqrt((A log 2 + log(1 / delta)) / (2 n)).

    Statement: Z&Z Lemma E.4
    Grade: upper
    Units: total variation
    Valid for: n >= 1, 0 < delta < 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    A : int
        Number of labels, at least 1.
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
    Within a factor 1.34 of the truth, the 1 - delta quantile, at A = 2, n = 1000, delta = 0.01, law (1/2, 1/2).

    Examples
    --------
    >>> round(empirical_tv_upper_whp(1000, 2, delta=0.01), 9)
    0.054733283
    """
    A = checks.whole_number("A", A, minimum=1)
    delta = checks.open_unit("delta", delta)
    return _from(1, n, lambda n: _up(np.sqrt((A * math.log(2) - math.log(delta)) / (2 * n))))


def cell_missing_mass(n: Any, p: float) -> Any:
    """What a cell of mass p adds to the expected missing mass: p (1 - p)^n.

    Statement: Z&Z Lemma E.5 (the quantity bounded)
    Grade: exact
    Units: missing mass
    Valid for: n >= 0, 0 <= p <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Mass of the cell, in [0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Good to 1e-14, relative, except that for p below 1e-12 the error may reach eps times the exponent n p.

    Examples
    --------
    >>> cell_missing_mass([0, 1, 2], 0.5)
    array([0.5  , 0.25 , 0.125])
    """
    p = checks.probabilities("p", p, ndim=0).item()
    return _from(0, n, lambda n: p * _unseen(n, p))


def cell_missing_upper(n: Any) -> Any:
    """The largest that p (1 - p)^n can be: (1 / (n + 1)) (n / (n + 1))^n, at p = 1 / (n + 1).

    Statement: Z&Z Lemma E.5 (first form)
    Grade: tight
    Units: missing mass
    Valid for: n >= 0
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
    Within a factor 1 of the truth at p = 1 / (n + 1), every n.

    Examples
    --------
    >>> round(cell_missing_upper(1), 12)
    0.25
    """
    return _from(0, n, lambda n: _up(_unseen(n, 1 / (n + 1)) / (n + 1)))


def cell_missing_upper_simple(n: Any) -> Any:
    """For every p, p (1 - p)^n <= 4 / (9 n).

    Statement: Z&Z Lemma E.5 (second form)
    Grade: upper
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
    Printed as (4/9) n; the proof gives 4 / (9 n).

    Within a factor 1.21 of the truth at p = 1 / (n + 1), n = 1000.

    Examples
    --------
    >>> round(cell_missing_upper_simple(4), 12)
    0.111111111111
    """
    return _from(1, n, lambda n: _up(4 / (9 * n)))


def missing_mass_excess_upper_whp(n: Any, size: int, delta: float) -> Any:
    """Missing mass m0 of a sample, with probability >= 1 - delta: m0 - E m0 <= 3 sqrt(size) log(1 / delta) / n.

    Statement: Z&Z Lemma E.6 (Rajaraman et al. 2020, Theorem A.2)
    Grade: upper
    Units: missing mass
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    size : int
        Number of letters of the alphabet, at least 1.
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
    Within a factor 4.27 of the truth, the 1 - delta quantile of m0 - E m0, at size = 2, n = 1000, law (0.01, 0.99),
    delta just below 0.99^1000.

    Examples
    --------
    >>> round(missing_mass_excess_upper_whp(1000, 9, delta=0.1), 9)
    0.020723266
    """
    size = checks.whole_number("size", size, minimum=1)
    delta = checks.open_unit("delta", delta)
    deviation = -3 * math.sqrt(size) * math.log(delta)
    return _from(1 if delta <= DELTA_MAX else math.inf, n, lambda n: _up(deviation / n))


def missing_mass_upper_whp(n: Any, size: int, delta: float) -> Any:
    """Missing mass of a sample, with probability >= 1 - delta: m0 <= 4 size / (9 n) + 3 sqrt(size) log(1 / delta) / n.

    Statement: Z&Z Lemma E.7
    Grade: upper
    Units: missing mass
    Valid for: n >= 1, 0 < delta <= 1/10
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    size : int
        Number of letters of the alphabet, at least 1.
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
    Within a factor 2.04 of the truth, the 1 - delta quantile of m0, at size = n = 400, delta = 0.1, uniform law.

    Examples
    --------
    >>> round(missing_mass_upper_whp(1000, 9, delta=0.1), 9)
    0.024723266
    """
    size = checks.whole_number("size", size, minimum=1)
    delta = checks.open_unit("delta", delta)
    total = 4 * size / 9 - 3 * math.sqrt(size) * math.log(delta)
    return _from(1 if delta <= DELTA_MAX else math.inf, n, lambda n: _up(total / n))


def inverse_visits_mean(n: Any, p: float) -> Any:
    """For X ~ Bin(n, p): E 1/(X + 1) = (1 - (1 - p)^(n + 1)) / (p (n + 1)).

    Statement: Z&Z Lemma E.8 (equality)
    Grade: exact
    Units: none; one over a count
    Valid for: n >= 0, 0 < p <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Examples
    --------
    >>> inverse_visits_mean(1, 0.5)
    0.75
    """
    p = _half_open_unit("p", p)
    return _from(0, n, lambda n: -np.expm1(_log_unseen(n + 1, p)) / (p * (n + 1)))


def inverse_visits_upper_mean(n: Any, p: float) -> Any:
    """For X ~ Bin(n, p): E 1/(X + 1) <= 1 / (p (n + 1)).

    Statement: Z&Z Lemma E.8 (bound)
    Grade: upper
    Units: none; one over a count
    Valid for: n >= 0, 0 < p <= 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Within a factor 1.0001 of the truth at n = 100, p = 0.1.

    Examples
    --------
    >>> round(inverse_visits_upper_mean(1, 0.5), 12)
    1.0
    """
    p = _half_open_unit("p", p)
    return _from(0, n, lambda n: _up(1 / (p * (n + 1))))


def low_visits_upper(n: Any, p: float, eta: float) -> Any:
    """For X ~ Bin(n, p): P(X <= (1 - eta) n p) <= exp(-eta^2 n p / 2).

    Statement: Z&Z Lemma E.9
    Grade: upper
    Units: probability
    Valid for: n >= 0, 0 < p <= 1, 0 < eta < 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].
    eta : float
        Relative shortfall, in (0, 1).

    Returns
    -------
    float, or ndarray of float64 for a sequence of n

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Notes
    -----
    Within a factor 2.11 of the truth at n = 100, p = 0.1, eta = 0.1.

    Examples
    --------
    >>> round(low_visits_upper(100, 0.1, eta=0.1), 9)
    0.951229425
    """
    p, eta = _half_open_unit("p", p), checks.open_unit("eta", eta)

    def formula(n: np.ndarray) -> np.ndarray:
        exponent = -(eta * eta) * (n * p) / 2
        return _up(np.exp(exponent), exponent)

    return _from(0, n, formula)


def inverse_visits_upper_whp(n: Any, p: float, delta: float) -> Any:
    """For X ~ Bin(n, p), with probability >= 1 - delta: 1/(X + 1) <= 1 / ((1 - eta) n p + 1).

    Statement: Z&Z Lemma E.10
    Grade: upper
    Units: none; one over a count
    Valid for: n >= 1, 0 < p <= 1, eta = sqrt(2 log(1/delta) / (n p)) < 1
    Outside: nan

    Parameters
    ----------
    n : int or sequence of int
        Number of samples, 0 or more.
    p : float
        Probability of a visit, in (0, 1].
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
    Within a factor 1.13 of the truth, the 1 - delta quantile, at n = 1000, p = 0.1, delta = 0.05.

    Examples
    --------
    >>> round(inverse_visits_upper_whp(1000, 0.1, delta=0.05), 9)
    0.013068046
    >>> inverse_visits_upper_whp(59, 0.1, delta=0.05)
    nan
    """
    p, delta = _half_open_unit("p", p), checks.open_unit("delta", delta)
    L = -math.log(delta)

    def formula(n: np.ndarray) -> np.ndarray:
        visits = n * p
        below = visits - np.sqrt(2 * L * visits) + 1
        # The difference loses digits near eta = 1, as many as a logarithm of visits / below would.
        return np.where(visits > 2 * L, _up(1 / below, visits / below), np.nan)

    return _from(1, n, formula)


def log_linear_tv_upper(M: float, distance: Any) -> Any:
    """Log-linear teachers exp(<phi, theta>) with norm of phi at most M: TV(pi_theta, pi_theta') <= M |theta - theta'|.

    Statement: Z&Z Lemma H.2
    Grade: upper
    Units: total variation, averaged under any law of the inputs
    Valid for: M > 0, distance >= 0
    Outside: nan

    Parameters
    ----------
    M : float
        Bound on the Euclidean norm of every phi(x, y).
    distance : float or array_like
        Euclidean distance between the two parameters.

    Returns
    -------
    float, or ndarray of float64

    Raises
    ------
    ValueError
        If `M` is not a finite number above 0, or `distance` is negative or not a number.

    Notes
    -----
    Within a factor 2.01 of the truth at M = 1, distance = 0.2: two labels, phi = +-1, theta = +-0.1.

    Examples
    --------
    >>> round(log_linear_tv_upper(1.0, 0.2), 12)
    0.2
    """
    M = checks.positive("M", M)
    apart = _not_negative("distance", distance)
    with np.errstate(over="ignore"):
        return _scalar_or_array(np.where(apart == 0, 0.0, _up(M * apart)))
