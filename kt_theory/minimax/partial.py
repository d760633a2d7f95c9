r"""Partial soft labels: the minimax risk as an interval, its lower end the exact risk of the worst teacher found.

**SEL_ptl with uniform spreading is exactly minimax.** Relabelling the labels of each input apart changes nothing in the
problem, so some minimax student is equivariant; it has equal values on any two unseen labels, whose exchange does not
change the data; and among those, exact values on seen labels and equal shares of the missing mass are best for every
data set. Hence minimax = max over (rho, pi*) of its risk R, and every teacher's R is a lower bound.

**One input at a time.** R = sum_s G(w_s), w_s the joint masses of input s, so minimax = max sum_s g(r_s) over laws r,
g(r) the largest G of mass r. For g, rows of k light labels of mass x each, one label with the rest, and zeros are
searched: proved to hold the worst row for A <= 3 (below); no arbitrary row was found worse (`search_arbitrary`).
g is a maximum of smooth pieces, one per k, so the best law of the inputs may have two kinds of light inputs (five of
each at S = A = 10, n = 30), and at most one input is beyond g's concave parts: the search is over a inputs of mass r1,
S - 1 - a of mass r2 and one with the rest.

**Proved upper bounds** for n >= 1; the smaller counts.

1. An input with u unseen labels costs at most its missing mass times 1 - 1/u, and u = A only if it was never visited.
   Hence minimax <= (1 - 1/(A-1)) V(SA, n) + V(S, n) / (A (A-1)), V(K, n) the largest expected missing mass of a law on
   K cells (`soft.largest_unvisited_mass`). At A = 2 this is V(S, n) / 2: partial soft labels are soft labels.
2. Let an input have unseen masses x_b / n, of mean m / n, and l = min(1, t/m) for any t > 0. As the differences from
   the mean add up to 0, its cost is n T = sum of (x - m)_+ - l (x - m): at most t for a label with x < m, and for x >=
   m > t at most x + t - m - t x / m <= (sqrt(x) - sqrt(t))^2. So n T is at most a sum over unseen labels of
   max(t, (sqrt(x) - sqrt(t))_+^2), and a label is unseen with probability (1 - x/n)^n <= e^-x. With t = C_INF each
   label's term is at most C_INF e^x: **minimax <= C_INF SA/n for all S, A, n**. Below n = SA the masses add up to less,
   and the best t and slope give `constants.curve`: **minimax <= Psi(n/(SA))**, the limit for many labels.
3. The same with (1 - w)^n in place of e^-x: minimax <= SA max_w w / (1 + (1 - w)^(-n/2))^2.

**S = 1, A = 3, n >= 1: exactly V(2, n) / 2.** Only one label seen costs anything, so 2G = sum_a w_a^n |w_b - w_c|. For
w1 >= w2 >= w3 = z this is w1^n w2 + w2^n w1 - z (w1^n + w2^n) + z^n (w1 - w2) <= w1^n w2 + w2^n w1, since z^n w1 <=
z w1^n; w1 and w2 add up to 1 - z, so it is at most (1 - z)^(n+1) V(2, n). (Inputs of mass r < 1: moving mass from w3
to w2 has slope 2 w1^n + w2^n - w3^n + n w2^(n-1) (w1 - w3) - n w3^(n-1) (w1 - w2), not negative, and the same for
(1 - r + w_a)^n - (1-r)^n in place of w_a^n, convex and increasing: at A = 3 one label has mass 0.)

**n = 0** is TV(Uniform(A), Dirac) = 1 - 1/A.

Error of `lower`: that of the risk of the family, about 1e-12 relative; that it is the largest risk is not proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kt_theory import checks
from kt_theory.minimax.constants import curve
from kt_theory.minimax.result import End, MinimaxRisk, sizes
from kt_theory.minimax.soft import largest_unvisited_mass
from kt_theory.problem import Problem

#: Points at which g is tabulated around its likely argument, and over the rest of (0, 1].
DENSE, COARSE = 96, 32

#: How many of the best splits of the inputs into two kinds are searched on.
POLISHED = 4


class LightRow(NamedTuple):
    """An input of mass r: k labels of joint mass x, one of r - k x, zeros; and what it adds to the risk."""

    value: float
    r: float
    k: int
    x: float

    def labels(self, A: int) -> np.ndarray:
        row = np.zeros(A)
        share = self.x / self.r if self.r > 0 else 0.0
        row[: self.k] = share
        row[self.k] += max(1 - self.k * share, 0.0) if self.k * share < 1 - 1e-13 else 0.0
        return row / row.sum()


#: Each kind of input with its number.
Inputs = list[tuple[LightRow, int]]


def minimax_partial(S: int, A: int, n: int) -> MinimaxRisk:
    """The minimax risk from partial soft labels: SEL_ptl's risk at the worst teacher found, and a proved upper bound.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1; S * A at most 2e7, since the teacher comes as a table.
    n : int
        Number of samples, 0 or more.

    Returns
    -------
    MinimaxRisk
        `exact` for A <= 2, for S = 1 with A = 3, and for n = 0. Else `lower` is believed to be the minimax risk itself.

    Raises
    ------
    ValueError
        If a size is not a whole number in its range.

    Examples
    --------
    >>> print(minimax_partial(1, 3, 3))
    minimax risk, partial labels, S=1, A=3, n=3: = 0.0625 (SEL_ptl)
    >>> risk = minimax_partial(2, 3, 10)
    >>> round(risk.lower, 6), risk.exact
    (0.048843, False)
    """
    S, A, n = sizes(S, A, n)
    inputs = _worst_inputs(S, A, n)
    closed = _closed_form(S, A, n)
    if closed is None:
        lower = End(_total(inputs), "the exact risk of SEL_ptl at the instance", "proved")
        upper = End(*_upper(S, A, n), "proved")
        remark = (
            "SEL_ptl with uniform spreading is minimax, so that the lower end is the minimax risk if no teacher is "
        )
        remark += "worse than the instance: none was found (numerical)."
    else:
        lower = upper = End(closed, "the largest risk of SEL_ptl in closed form", "proved")
        remark = "SEL_ptl with uniform spreading is minimax; relative rounding error below 1e-14."
    rho = np.concatenate([np.full(times, row.r) for row, times in inputs])
    teacher = np.concatenate([np.tile(row.labels(A), (times, 1)) for row, times in inputs])
    problem = Problem(rho / rho.sum(), teacher, name=f"least favourable for partial labels (S={S}, A={A}, n={n})")
    return MinimaxRisk(
        protocol="partial", S=S, A=A, n=n, lower_end=lower, upper_end=upper,
        exact=closed is not None, instance=problem, student="SEL_ptl", remark=remark,
    )  # fmt: skip


def _closed_form(S: int, A: int, n: int) -> float | None:
    """The minimax risk where it is proved in closed form."""
    if A == 1 or n == 0:
        return (A - 1) / A
    if A == 2:
        return largest_unvisited_mass(S, n)[0] / 2
    if (S, A) == (1, 3):
        return largest_unvisited_mass(2, n)[0] / 2
    return None


def proved_upper(S: int, A: int, n: int) -> float:
    """The least proved upper bound on the minimax risk from partial soft labels."""
    closed = _closed_form(S, A, n)
    return _upper(S, A, n)[0] if closed is None else closed


def _upper(S: int, A: int, n: int) -> tuple[float, str]:
    """The least of the three proved upper bounds, A >= 3 and n >= 1, rounded up, and which it is."""
    by_missing_mass = (A - 2) / (A - 1) * largest_unvisited_mass(S * A, n)[0]
    by_missing_mass += largest_unvisited_mass(S, n)[0] / (A * (A - 1))
    value, name = min(
        (by_missing_mass, "expected missing mass"),
        (curve(n / (S * A)), "the limit for many labels"),
        (S * A * _worst_cell(n), "the sharp constant at n samples"),
    )
    return value * (1 + 1e-13), name


def _worst_cell(n: int) -> float:
    """The largest w / (1 + (1 - w)^(-n/2))^2, by bisection of its logarithm's derivative in w."""
    low, high = 0.0, 1.0
    for _ in range(120):
        w = 0.5 * (low + high)
        # 1/w against n / ((1 - w) (1 + (1 - w)^(n/2))), the second increasing
        falls = n * w > (1 - w) * (1 + math.exp(0.5 * n * math.log1p(-w)))
        low, high = (low, w) if falls else (w, high)
    return low / (1 + math.exp(-0.5 * n * math.log1p(-low))) ** 2


# --- The worst input of a given mass --------------------------------------------------------------------


def worst_row(n: int, A: int, r: float, near: LightRow | None = None, accuracy: float = 1e-8) -> LightRow:
    """g(r): the row of the family that adds most to the risk, for an input of mass r; A >= 2.

    Two climbs in k, for k equal labels and nothing else, and for k light labels, heavy label, zeros; `near` is where to
    start, and `accuracy` the relative one of x. The risk was unimodal in k in all cases that were tried.
    """
    if r <= 0:
        return LightRow(0.0, 0.0, 0, 0.0)
    equal = _climb(lambda k: _equal_row(n, A, r, k), 1, A - 1, near)
    if A == 2 or r * n < 0.8:
        return equal
    mixed = _climb(lambda k: _mixed_row(n, A, r, k, equal.value, accuracy), 1, A - 2, near)
    return max(equal, mixed)


def _climb(row: Callable[[int], LightRow], low: int, high: int, near: LightRow | None) -> LightRow:
    """The best of row(low), ..., row(high), by steps that are halved when neither side is better."""
    start, step = (near.k, 1) if near else (int(0.6 * high), max(1, high // 4))
    seen: dict[int, LightRow] = {}

    def at(k: int) -> LightRow:
        k = min(max(k, low), high)
        if k not in seen:
            seen[k] = row(k)
        return seen[k]

    best = at(start)
    while step:
        better = max(at(best.k - step), at(best.k + step))
        if better.value > best.value:
            best = better
        else:
            step //= 2
    return best


def _equal_row(n: int, A: int, r: float, k: int) -> LightRow:
    if k == 1:  # a Dirac costs (1 - 1/A) r until the input is visited
        return LightRow((A - 1) / A * r * (math.exp(n * math.log1p(-r)) if r < 1 else 0.0), r, 1, r)
    return LightRow(float(_risk(n, A, r, k, np.array([r / k]))[0]), r, k, r / k)


def _mixed_row(n: int, A: int, r: float, k: int, to_beat: float, accuracy: float) -> LightRow:
    """The best light mass strictly between 0 and r / (k+1), where the labels would be equal: about 1 / n to 1.5 / n."""
    high = min(2.5 / n, r / (k + 1))
    x = np.linspace(min(0.4 / n, 0.5 * high), high, 9)
    risks = _risk(n, A, r, k, x)
    best = int(np.argmax(risks))
    if risks[best] < 0.95 * to_beat:
        return LightRow(float(risks[best]), r, k, float(x[best]))
    left, right = x[max(best - 1, 0)], x[min(best + 1, x.size - 1)]
    from kt_theory.exact import loops_sel

    at, value = loops_sel.family_peak(n, A, r, k, float(left), float(right), accuracy * float(right), 500)
    return max(LightRow(value, r, k, at), LightRow(float(risks[best]), r, k, float(x[best])))


def _risk(n: int, A: int, r: float, k: int, x: np.ndarray) -> np.ndarray:
    """`kt_theory.exact.sel.family_risk` without its checks, which cost as much as it does: 1e5 calls are made."""
    from kt_theory.exact import loops_sel

    out = np.empty(x.size)
    loops_sel.family(n, A, r, k, np.minimum(x, r / k), out)
    return out


def _maximise(f: Callable[[float], float], left: float, right: float, accuracy: float) -> tuple[float, float]:
    """Brent's search on an interval: where f is largest, and that value."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda x: -f(float(x)), bounds=(left, right), method="bounded", options={"xatol": accuracy * right}
    )
    return float(found.x), -float(found.fun)


# --- The worst law of the inputs ------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _worst_inputs(S: int, A: int, n: int) -> Inputs:
    """The inputs of the worst teacher found, each kind with its number."""
    if A == 1 or n == 0:
        return [(LightRow(((A - 1) / A) / S, 1 / S, 1 if A > 1 else 0, 1 / S), S)]
    if S == 1:
        return [(worst_row(n, A, 1.0), 1)]
    usual = min(1 / S, A / n)
    # From the largest r down, each row starting near its neighbour's.
    grid = np.unique(np.concatenate((
        np.linspace(0.0, min(2.2 * usual, 1 / (S - 1)), DENSE), np.linspace(0.0, 1.0, COARSE),
        [1 / S, max(1 - (S - 1) * usual, 0.0)],
    )))  # fmt: skip
    table: list[LightRow] = [worst_row(n, A, 1.0, accuracy=1e-3)]
    for r in grid[-2::-1]:
        table.append(worst_row(n, A, float(r), accuracy=1e-3))
    g = np.array([row.value for row in reversed(table)])
    width = 2.2 * usual / DENSE
    found = [_polish(S, A, n, *split, width) for split in _splits(S, grid, g, 2 * width)]
    even = worst_row(n, A, 1 / S)
    best = max(found, key=_total)
    # A tie up to rounding goes to equal inputs.
    return best if _total(best) > S * even.value * (1 + 1e-13) else [(even, S)]


def _total(inputs: Inputs) -> float:
    return math.fsum(times * row.value for row, times in inputs)


def _splits(S: int, grid: np.ndarray, g: np.ndarray, apart: float) -> list[tuple[int, float, float]]:
    """(a, r1, r2), the few best by a table of g: a inputs of mass r1, S - 1 - a of mass r2, one with the rest.

    Two kinds are taken as such only if their masses are `apart`; else they are one.
    """
    inner = (grid > 0) & (grid <= 1 / (S - 1))
    r, value = grid[inner], g[inner]
    found = []
    # All numbers up to 64 inputs, beyond that every so many: a light input more or less then hardly counts.
    for a in sorted({round(a) for a in np.linspace(S - 1, (S - 1) / 2, min(S, 64))}, reverse=True):
        b = S - 1 - a
        rest = 1 - a * r[:, None] - b * r
        total = a * value[:, None] + b * value + np.interp(rest, grid, g)
        total[(rest < -1e-15) | ((b > 0) & (np.abs(r[:, None] - r) < apart))] = -1.0
        i, j = np.unravel_index(int(np.argmax(total)), total.shape)
        found.append((float(total[i, j]), a, float(r[i]), float(r[j])))
    found.sort(reverse=True)
    # The table is coarse: what is within a thousandth of the best may be the best.
    return [(a, r1, r2) for value, a, r1, r2 in found[:POLISHED] if value > found[0][0] * (1 - 1e-3)]


def _polish(S: int, A: int, n: int, a: int, r1: float, r2: float, width: float) -> Inputs:
    """The best masses near r1 and r2: on a line if they are one, else by a simplex; rows start where they last were."""
    near: dict[int, LightRow] = {}

    def inputs(r1: float, r2: float) -> Inputs:
        rest = 1 - a * r1 - (S - 1 - a) * r2
        masses = [(r1, a), (r2, S - 1 - a), (max(rest, 0.0), 1)]
        for kind, (r, times) in enumerate(masses):
            if times and r > 0:
                near[kind] = worst_row(n, A, r, near=near.get(kind), accuracy=1e-6)
        return [(near[kind], times) for kind, (r, times) in enumerate(masses) if times and r > 0]

    if a == S - 1:
        left, right = max(r1 - 1.5 * width, 0.1 * width), min(r1 + 1.5 * width, 1 / a)
        r1, _ = _maximise(lambda r: _total(inputs(r, 0.0)), left, right, 1e-8)
        return inputs(r1, 0.0)

    from scipy.optimize import minimize

    def loss(r: np.ndarray) -> float:
        inside = min(r) > 0 and a * r[0] + (S - 1 - a) * r[1] <= 1
        return -_total(inputs(*r)) if inside else math.inf

    corners = [[r1, r2], [r1 - 0.5 * width, r2], [r1, r2 - 0.5 * width]]
    found = minimize(
        loss, corners[0], method="Nelder-Mead",
        options={"initial_simplex": corners, "xatol": 1e-6 * r1, "fatol": 1e-14, "maxfev": 200},
    )  # fmt: skip
    return inputs(*found.x)


# --- Without the family: any teacher of few labels ------------------------------------------------------


def search_arbitrary(S: int, A: int, n: int, starts: int = 20, seed: Any = 0) -> float:
    """The largest risk of SEL_ptl over all (rho, teacher), by ascent from random starts: a check of the family.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1; A at most 8.
    n : int
        Number of samples, 0 or more.
    starts : int
        Number of random starts.
    seed : int, SeedSequence or Generator
        Source of the starts, handed to ``numpy.random.default_rng``.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a size is not a whole number in its range.

    Notes
    -----
    The law of the set of unseen labels follows from P(unseen contains U) = (1 - w(U))^n by inclusion and exclusion; the
    joint masses are the squares of a vector, divided by their sum, so that zeros are within reach.

    Examples
    --------
    >>> round(search_arbitrary(1, 3, 2, starts=5), 9)
    0.125
    """
    from scipy.optimize import minimize

    S, A, n = sizes(S, A, n)
    if A > 8:
        raise ValueError(f"A is {A}: 2^A sets of labels are visited, 8 labels at most")
    member = (np.arange(2**A)[:, None] >> np.arange(A)) & 1 == 1
    size = np.maximum(member.sum(axis=1, keepdims=True), 1)
    exclude = np.array([[1.0]])
    for _ in range(A):
        exclude = np.block([[exclude, -exclude], [np.zeros_like(exclude), exclude]])

    def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
        norm = u @ u
        w = (u * u / norm).reshape(S, A)
        risk, slope = 0.0, np.zeros((S, A))
        for s in range(S):
            mass = member @ w[s]
            apart = np.where(member, w[s] - (mass / size[:, 0])[:, None], 0.0)
            signs = np.sign(apart)
            law = exclude @ np.maximum(1 - mass, 0.0) ** n
            cost = 0.5 * np.abs(apart).sum(axis=1)
            risk += law @ cost
            towards = np.where(member, signs - signs.sum(axis=1, keepdims=True) / size, 0.0)
            slope[s] = 0.5 * law @ towards
            if n > 0:
                slope[s] -= (n * np.maximum(1 - mass, 0.0) ** (n - 1) * (cost @ exclude)) @ member
        flat = slope.ravel()
        return -risk, -2 * u / norm * (flat - flat @ w.ravel())

    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(f"seed is {seed!r}: it must be what numpy.random.default_rng takes") from None
    best = 0.0
    for _ in range(checks.whole_number("starts", starts, minimum=1)):
        start = np.sqrt(rng.dirichlet(np.full(S * A, rng.choice([0.2, 0.5, 1.0, 3.0]))) + 1e-4)
        best = max(best, -minimize(loss, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-12, "gtol": 1e-9}).fun)
    return float(best)
