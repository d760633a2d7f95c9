r"""The most frequent label of one input, exactly: what it costs after n samples.

With independent Poisson counts, P(label a is named) = sum_j P(N_a = j) int_0^1 prod_{b != a} [P(N_b < j) +
u P(N_b = j)] du, since int u^t du = 1 / (1 + t) shares a tie of t + 1 labels. The integrand is a polynomial of degree
min(A, n) - 1 where it counts: t + 1 labels with counts j >= 1 are min(A, n) at most. Gauss's rule is exact for it. The
number of samples is fixed by `contour`; labels of equal probability are one class.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit
from kt_theory.decoding.contour import points, poisson_factor, unit
from kt_theory.exact.rows import OutOfReach
from kt_theory.numerics.binomials import stirling
from kt_theory.numerics.powers import deviance

#: The most nodes of Gauss's rule: exact for ties of up to 96 labels.
NODES_MAX = 48

#: The most elementary steps: some 20 seconds.
STEPS_MAX = 1e9


def named_cost(p: np.ndarray, times: np.ndarray, cost: np.ndarray, rho: float, n: int) -> tuple[float, float, bool]:
    """The expected cost of the named label, on visited inputs, of one input.

    Parameters
    ----------
    p : ndarray, shape (G,)
        The probabilities of the classes of labels, above 0.
    times : ndarray of int64, shape (G,)
        How many labels each class has.
    cost : ndarray, shape (G,)
        What naming a label of each class costs, between 0 and 1.
    rho : float
        Mass of the input.
    n : int
        Number of samples, at least 1.

    Returns
    -------
    value, error : float
    proved : bool
        Whether the error is proved, not estimated.

    Raises
    ------
    OutOfReach
        If it would take too long.
    """
    if not cost.any():
        return 0.0, 0.0, True
    means = n * rho * p
    # The named label has at least the count of the likeliest one, which is in its window but for 1e-15.
    first, last = max(1, math.floor(_low(means.max()))), math.ceil(_high(means.max()))
    far = np.array([_high(mean) < first for mean in means])
    near = ~far
    size = int(times.sum())
    wanted = -(-min(size, n) // 2)
    nodes = min(wanted, NODES_MAX)
    # The means add up to n whatever their rounding: this one may be a rounding below 0.
    elsewhere = n - float(times[near] @ means[near])
    k, K, weights = points(n, elsewhere)
    steps = float(k.size) * (last - first + 1) * int(near.sum()) * nodes
    if steps > STEPS_MAX:
        raise OutOfReach(
            f"greedy choices from hard labels: {steps:.1g} steps for {size} labels and n = {n}; at most "
            f"{STEPS_MAX:.0g} are taken: use kt_theory.simulate with the divergence top1"
        )
    j = np.arange(first, last + 1, dtype=np.float64)
    masses = np.stack([_poisson(j, mean) for mean in means[near]])
    turns = unit(np.arange(K), K)
    whole = np.stack([poisson_factor(float(mean), k, K) for mean in means[near]], axis=1)
    price, many = cost[near], times[near].astype(np.int64)

    def total(nodes: int) -> float:
        x, w = np.polynomial.legendre.leggauss(nodes)
        return _named(k, K, weights, first, masses, whole, many, price, turns, 0.5 * (x + 1), 0.5 * w)

    value = total(nodes)
    rounding = 2.0**-52 * (40 + last - first + 4 * int(near.sum())) + 2e-15 * size
    if wanted <= NODES_MAX:
        return max(value, 0.0), rounding, True
    return max(value, 0.0), rounding + 10 * abs(value - total(nodes - 12)), False


def _low(mean: float) -> float:
    return mean - 8.3 * math.sqrt(mean)


def _high(mean: float) -> float:
    return mean + 8.3 * math.sqrt(mean) + 23


def _poisson(j: np.ndarray, mean: float) -> np.ndarray:
    """P(Poisson(mean) = j) for j >= 1, by Loader's saddle-point form."""
    with np.errstate(under="ignore"):
        return np.exp(-stirling(j) - deviance(j, np.full_like(j, mean), j - mean)) / np.sqrt(2 * math.pi * j)


@jit
def _power(x: complex, times: int) -> complex:
    result = x
    times -= 1
    while times > 0:
        if times % 2 == 1:
            result *= x
        x *= x
        times //= 2
    return result


@jit
def _named(k, K, weights, first, masses, whole, times, cost, turns, nodes, shares):  # type: ignore[no-untyped-def]
    """Sum over points, counts and nodes; see the module."""
    G, J = masses.shape
    total = 0.0
    factors = np.empty(G, dtype=np.complex128)
    before = np.empty(G + 1, dtype=np.complex128)
    ahead = np.empty(G + 1, dtype=np.complex128)
    for i in range(k.size):
        under = whole[i].copy()
        point = 0.0 + 0.0j
        step = k[i] % K
        turn = (first * step) % K
        for j in range(J):  # what lies below the window; above it is nothing
            for g in range(G):
                under[g] -= masses[g, j] * turns[turn]
            turn += step
            if turn >= K:
                turn -= K
        turn = (first * step) % K
        for j in range(J):
            here = turns[turn]
            for q in range(nodes.size):
                u = nodes[q]
                before[0] = 1.0
                ahead[0] = 1.0
                for g in range(G):
                    factors[g] = under[g] + u * masses[g, j] * here
                    ahead[g + 1] = ahead[g] * factors[g]
                    before[g + 1] = before[g]
                    if times[g] > 1:
                        before[g + 1] *= _power(factors[g], times[g] - 1)
                # before[G] has all labels but one of each class; what is left is a product over the other classes.
                behind = 1.0 + 0.0j
                named = 0.0 + 0.0j
                for g in range(G - 1, -1, -1):
                    if cost[g] > 0.0:
                        named += cost[g] * times[g] * masses[g, j] * here * ahead[g] * behind
                    behind *= factors[g]
                point += shares[q] * named * before[G]
            for g in range(G):
                under[g] += masses[g, j] * here
            turn += step
            if turn >= K:
                turn -= K
        value = point * weights[i]
        total += value.real
    return total
