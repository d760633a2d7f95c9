r"""Soft labels: the exact minimax risk for all S, A, n.

.. math::

    \inf_{\hat\pi} \sup_{\rho, \pi^*} E R = (1 - 1/A) V(S, n), \quad V(S, n) = \max_\rho \sum_s \rho_s (1 - \rho_s)^n .

Upper: CE_ful with uniform initialisation is exact on visited inputs, and TV(Uniform(A), p) <= 1 - 1/A for every p.
Lower: fix rho, let the rows of the teacher be Diracs at independent uniform labels. At an unvisited input TV(student,
Dirac_a) averaged over a is 1 - 1/A for every student.

The maximum over rho. g(x) = x (1 - x)^n has g'(x) = (1 - x)^(n-1) (1 - (n+1) x), is concave on [0, 2/(n+1)], where it
starts with its largest slope (so no coordinate is 0 if another is not), and convex beyond. So at a maximum the
coordinates in the concave part are equal, x, and at most one, y = 1 - (S-1) x, lies beyond. If one does, then
g'(x) = g'(y) < 0, that is 1/(n+1) < x < min(1/S, 2/(n+1)): one interval, cut finely, the best cell bisected for the
root of g'(x) - g'(y). Else all are equal: (1 - 1/S)^n. Both are local maxima for some n; V is the larger one.

Error: at a stationary point an error in x counts twice over, powers are exp(n log1p(-x)) with n x <= 2, and the
heavy input's (1 - y)^n is taken of (S-1) x itself: relative error about 1e-15, for all S and n.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory import checks
from kt_theory.minimax.result import End, MinimaxRisk, sizes
from kt_theory.problem import Problem


def minimax_soft(S: int, A: int, n: int) -> MinimaxRisk:
    """The exact minimax risk from soft labels, (1 - 1/A) max_rho sum_s rho(s) (1 - rho(s))^n.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1; S * A at most 2e7, since the teacher comes as a table (the factor
        `largest_unvisited_mass` has no such limit).
    n : int
        Number of samples, 0 or more.

    Returns
    -------
    MinimaxRisk
        `lower` and `upper` are equal. `instance` has the least favourable rho and a Dirac at label ``s mod A``: the
        risk of CE_ful is the same for all labels; what no student can beat is the average over all of them.

    Raises
    ------
    ValueError
        If a size is not a whole number in its range.

    Examples
    --------
    >>> risk = minimax_soft(2, 2, 3)
    >>> round(risk.lower, 12), risk.exact
    (0.0625, True)
    >>> print(minimax_soft(10, 5, 1000))
    minimax risk, soft labels, S=10, A=5, n=1000: = 0.002647408382 (CE_ful)
    """
    S, A, n = sizes(S, A, n)
    mass, x = largest_unvisited_mass(S, n)
    value = (A - 1) / A * mass
    rho = np.full(S, x)
    if x < 1 / S:
        rho[-1] = 1 - (S - 1) * x
    teacher = np.zeros((S, A))
    teacher[np.arange(S), np.arange(S) % A] = 1.0
    problem = Problem(rho, teacher, name=f"least favourable for soft labels (S={S}, A={A}, n={n})")
    return MinimaxRisk(
        protocol="soft", S=S, A=A, n=n,
        lower_end=End(value, "Dirac rows at uniform labels", "proved"),
        upper_end=End(value, "CE_ful with uniform initialisation", "proved"),
        exact=True, instance=problem, student="CE_ful",
        remark="The maximum over rho is one-dimensional; relative rounding error below 1e-14.",
    )  # fmt: skip


def largest_unvisited_mass(S: int, n: int) -> tuple[float, float]:
    """V(S, n) = max_rho sum_s rho(s) (1 - rho(s))^n: the largest expected mass of what n draws never visit.

    Parameters
    ----------
    S : int
        Number of cells of the law, at least 1.
    n : int
        Number of draws, 0 or more.

    Returns
    -------
    value : float
    x : float
        The mass of S - 1 cells of the best law; the last has 1 - (S-1) x.

    Raises
    ------
    ValueError
        If an argument is not a whole number in its range.

    Examples
    --------
    >>> largest_unvisited_mass(2, 2)
    (0.25, 0.5)
    >>> value, x = largest_unvisited_mass(2, 10**12)
    >>> round(value * 10**12, 9), round(x * 10**12, 9)
    (0.367879441, 1.0)
    """
    S, n = checks.whole_number("S", S, minimum=1), checks.whole_number("n", n)
    if n == 0 or S == 1:
        return float(n == 0), 1 / S
    equal = math.exp(n * math.log1p(-1 / S))
    if n < S:
        return equal, 1 / S

    def law(t: float) -> tuple[float, float, float]:
        """The light mass x = t / (n + 1), all light cells together, and the heavy cell, never below x."""
        lights = (S - 1) / (n + 1) * t
        return t / (n + 1), lights, max((n + 1 - (S - 1) * t) / (n + 1), t / (n + 1))

    def value(t: float) -> float:
        x, lights, y = law(t)
        return lights * _unvisited(x, 1 - x, n) + y * _unvisited(y, lights, n)

    def slope(t: float) -> float:
        x, lights, y = law(t)
        return (1 - t) * _unvisited(x, 1 - x, n - 1) - (1 - (n + 1) * y) * _unvisited(y, lights, n - 1)

    cuts = np.linspace(1.0, min((n + 1) / S, 2.0), 201).tolist()
    best = max(range(len(cuts)), key=lambda i: value(cuts[i]))
    low, high = cuts[max(best - 1, 0)], cuts[min(best + 1, len(cuts) - 1)]
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    top = value(low)
    return (top, low / (n + 1)) if top > equal else (equal, 1 / S)


def _unvisited(x: float, rest: float, n: int) -> float:
    """(1 - x)^n, where `rest` is 1 - x: the logarithm is taken of whichever of the two has its digits."""
    if n == 0:
        return 1.0
    return math.exp(n * (math.log1p(-x) if x < 0.5 else math.log(rest))) if rest > 0 else 0.0
