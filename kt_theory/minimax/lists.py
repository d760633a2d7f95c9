r"""Lists of the k most likely labels and nothing else: the minimax risk of ``top_k_only:k``, all but exactly.

**Equal shares of the tail are exactly minimax.** Ties are broken at random, so that relabelling a row relabels what is
told and changes nothing else. A student that is told rho and every row up to the order of its labels knows the list,
and that the other probabilities lie on the other labels in a uniformly random order: averaging its answer over the
permutations of those loses nothing, since TV is convex, and what is left is best at equal shares of the mass that is
missing. Its risk does not depend on the order of the labels, so that it is Bayes and minimax, and its risk at any
problem is a lower bound.

**One input at a time.** An input of mass r and row p costs r [(1-r)^n TV(uniform, p) + (1 - (1-r)^n) TV(tail, its
mean)]. Both are convex on the cone of descending rows, whose vertices are the uniform laws on m labels: the largest
cost is

.. math:: f(r) = \max_m r\, [\alpha_m (1-r)^n + \beta_m (1 - (1-r)^n)], \quad \alpha_m = 1 - \frac mA, \quad
          \beta_m = \frac{(m-k)_+}{m} \Big(1 - \frac{(m-k)_+}{A-k}\Big),

and minimax = max over rho of sum_s f(rho_s). alpha_m >= beta_m, with equality at m = A. alpha falls with m, and beta
grows up to the best m, near sqrt(k A): larger ones, and those from 2 to k, are never worst. The floor, max_m beta_m, is
at most (sqrt A - sqrt k)/(sqrt A + sqrt k), with equality if and only if sqrt(k A) is whole: with j = m - k real,
j (A-k-j) / ((k+j)(A-k)) has its only maximum at j = sqrt(k A) - k.

**Lower end**: S - 1 inputs of one mass and one with the rest, or all equal. **Upper end**: at most one mass exceeds
1/2, so for every multiplier l the maximum is at most l + (S-1) max_(r <= 1/2) (f(r) - l r) + max_r (f(r) - l r). Each
piece beta r + (alpha - beta) r (1-r)^n is concave up to 2/(n+1) and convex beyond, so its maximum is at its one
stationary point there or at an end. The two ends meet up to rounding where equal masses are worst, as for one input
and for n below S; else the upper end counts an input of mass near 1 as one of mass 1, which moves it by some percent
at n near S and by far less as n grows. A list of A labels is a whole row.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kt_theory.minimax.result import End, MinimaxRisk, sizes
from kt_theory.minimax.soft import minimax_soft
from kt_theory.problem import Problem

#: Relative distance of the ends that is rounding: they are one number then.
ROUNDING = 1e-12


def minimax_lists(k: int, S: int, A: int, n: int) -> MinimaxRisk:
    """The minimax risk from lists of the k most likely labels, ties broken at random.

    Parameters
    ----------
    k : int
        Labels on the list, at least 1.
    S, A, n : int
        Number of inputs and labels, at least 1, and of samples, at least 0.

    Returns
    -------
    MinimaxRisk

    Examples
    --------
    >>> print(minimax_lists(1, 1, 100, 5))
    minimax risk, top_k_only:1, S=1, A=100, n=5: = 0.8181818182 (SEL@top_k_only:1)
    """
    S, A, n = sizes(S, A, n)
    name = f"top_k_only:{k}"
    if k >= A:  # the whole row
        return replace(minimax_soft(S, A, n), protocol=name, student=f"SEL@{name}")
    rows = Rows(k, A, n)
    light = _worst_light_mass(rows, S)
    rho = np.full(S, light)
    rho[-1] = 1 - (S - 1) * light
    labels = [rows.worst(r) for r in rho[[0, -1]]]
    teacher = np.zeros((S, A))
    teacher[:-1, : labels[0]], teacher[-1, : labels[1]] = 1 / labels[0], 1 / labels[1]
    lower = _total(rows, S, light)
    upper = max(_dual(rows, S), lower)
    exact = upper - lower <= ROUNDING * upper
    return MinimaxRisk(
        protocol=name, S=S, A=A, n=n,
        lower_end=End(lower, "the exact risk of equal shares at the instance, best against its relabellings", "proved"),
        upper_end=End(lower if exact else upper, "Lagrangian bound over rho, uniform rows", "proved"),
        exact=exact,
        instance=Problem(rho / rho.sum(), teacher, name=f"least favourable for lists of {k} (S={S}, A={A}, n={n})"),
        student=f"SEL@{name}",
        remark=f"As n grows a list keeps the floor {rows.floor:.10g}.",
    )  # fmt: skip


class Rows:
    """The uniform laws on m labels that can be worst, and what each costs.

    Attributes
    ----------
    m : ndarray of int64
    unvisited, visited : ndarray
        alpha_m and beta_m.
    floor : float
        The largest beta_m.
    """

    def __init__(self, k: int, A: int, n: int) -> None:
        best = min(math.isqrt(k * A) + 2, A)
        self.n = n
        self.m = np.unique([1, *range(k + 1, best + 1)])
        over = np.maximum(self.m - k, 0)
        self.unvisited = 1 - self.m / A
        self.visited = over / self.m * ((A - self.m) / (A - k))
        self.floor = float(self.visited.max())

    def costs(self, r: float) -> np.ndarray:
        """What each row costs at an input of mass r."""
        missed = math.exp(self.n * math.log1p(-r)) if r < 1 else float(self.n == 0)
        return r * (self.visited + (self.unvisited - self.visited) * missed)

    def worst(self, r: float) -> int:
        """On how many labels the worst row of an input of mass r is uniform."""
        return int(self.m[np.argmax(self.costs(r))])

    def most(self, multiplier: float, end: float) -> float:
        """The maximum of f(r) - multiplier r over r up to `end`."""
        peak = min(2 / (self.n + 1), end)
        gain = self.unvisited - self.visited
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(gain > 0, (multiplier - self.visited) / gain, np.inf)
        low, high = np.zeros(self.m.size), np.full(self.m.size, peak)
        for _ in range(60):
            middle = 0.5 * (low + high)
            missed = np.exp((self.n - 1) * np.log1p(-np.minimum(middle, 1 - 1e-16)))
            rising = missed * (1 - (self.n + 1) * middle) > slope
            low, high = np.where(rising, middle, low), np.where(rising, high, middle)
        inner = low * (self.visited - multiplier + gain * np.exp(self.n * np.log1p(-np.minimum(low, 1 - 1e-16))))
        last = float(self.costs(end).max()) - multiplier * end
        return max(0.0, float(inner.max()), last)


def _total(rows: Rows, S: int, light: float) -> float:
    heavy = 1 - (S - 1) * light
    return (S - 1) * float(rows.costs(light).max()) + float(rows.costs(heavy).max())


def _worst_light_mass(rows: Rows, S: int) -> float:
    """The mass of S - 1 inputs for which they and one with the rest cost most."""
    if S == 1 or rows.n == 0:
        return 1 / S
    grid = np.concatenate((np.linspace(0, min(3 / (rows.n + 1), 1 / S), 400), np.linspace(0, 1 / S, 200)))
    best = float(max(grid, key=lambda r: _total(rows, S, float(r))))
    step = min(3 / (rows.n + 1), 1 / S) / 399
    low, high = max(best - step, 0.0), min(best + step, 1 / S)
    # Golden section: between two points of the grid there is one maximum.
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(80):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (left, high) if _total(rows, S, left) < _total(rows, S, right) else (low, right)
    return max((best, 0.5 * (low + high), 1 / S), key=lambda r: _total(rows, S, r))


def _dual(rows: Rows, S: int) -> float:
    """An upper bound on the maximum of sum f(rho_s), by the best multiplier: it is convex in that."""
    if S == 1 or rows.n == 0:
        return _total(rows, S, 1 / S)

    def bound(multiplier: float) -> float:
        return multiplier + (S - 1) * rows.most(multiplier, 0.5) + rows.most(multiplier, 1.0)

    low, high = 0.0, 1.0
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(70):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (left, high) if bound(left) > bound(right) else (low, right)
    return min(bound(low), bound(0.5 * (low + high)), bound(high), bound(rows.floor)) * (1 + 1e-14)
