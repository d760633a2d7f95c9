r"""The most likely label of SEL_ptl at one input, exactly: what it costs after n samples.

If one of the teacher's most likely labels was seen it is named, and nothing is lost. So all of the cost comes with the
probability (1 - rho p_T)^n that none of them was, p_T their mass; given that, n samples fall on the other labels and
elsewhere. A state is how many labels of each class are unseen. With K seen and U unseen labels, M the mass of U, the
student names its likeliest seen label if that exceeds M / |U|, an unseen one at random if it is below, and one of both
kinds at random where they tie.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from kt_theory.decoding.contour import points, poisson_factor
from kt_theory.divergences import TIED
from kt_theory.exact.rows import OutOfReach
from kt_theory.numerics.powers import unseen

#: The most states: sets of unseen labels, labels of equal probability counted only.
STATES_MAX = 2**20

#: The most states times points of the circle, and factors that are kept: some seconds, 0.5 GB.
STEPS_MAX, KEPT_MAX = 5e8, 3e7


def named_cost(
    p: np.ndarray, times: np.ndarray, top: np.ndarray, zeros: int, rho: float, n: int, kind: str
) -> tuple[float, float]:
    """The expected cost of the named label of one input, unvisited or not.

    Parameters
    ----------
    p : ndarray, shape (G,)
        The probabilities of the classes of labels, above 0.
    times : ndarray of int64, shape (G,)
        How many labels each class has.
    top : ndarray of bool, shape (G,)
        Which classes are the teacher's most likely labels.
    zeros : int
        How many more labels have probability 0.
    rho : float
        Mass of the input.
    n : int
        Number of samples, at least 1.
    kind : {"regret", "disagreement"}

    Returns
    -------
    value, error : float

    Raises
    ------
    OutOfReach
        If there are too many states.
    """
    best = float(p.max())
    mass = float(times[top] @ p[top])
    missed = unseen(n, min(rho * mass, 1.0))
    if missed < 1e-300:
        return 0.0, 1e-300
    order = np.argsort(-p[~top])
    q, many = p[~top][order], times[~top][order]
    states = float(np.prod(many + 1.0))
    if states > STATES_MAX:
        raise OutOfReach(
            f"greedy choices from partial soft labels: {states:.3g} sets of unseen labels of a row of "
            f"{int(times.sum())}, at most {STATES_MAX} are gone through: use kt_theory.simulate with divergence top1"
        )
    cost = _costs(q, many, best, mass, int(times[top].sum()), zeros, kind)
    if not q.size:
        return missed * float(cost), missed * 1e-14
    means = n * rho * q / (1 - rho * mass)
    k, K, weights = points(n, n - float(many @ means))
    if states * k.size > STEPS_MAX or float((many + 1).sum()) * k.size > KEPT_MAX:
        raise OutOfReach(
            f"greedy choices from partial soft labels: {states:.3g} sets of unseen labels at {k.size} points of a "
            "circle take too long: use kt_theory.simulate with divergence top1"
        )
    total = 0.0
    # Labels of one class: u of t unseen, binomial with "probabilities" e^-mean and e^(mean (e^i theta - 1)) - e^-mean.
    factors = []
    for mean, t in zip(means.tolist(), many.tolist(), strict=True):
        hidden = math.exp(-mean)
        seen = poisson_factor(mean, k, K) - hidden
        factors.append(_binomial(t, hidden, seen))
    for i in range(k.size):
        part = cost
        for factor in reversed(factors):
            part = part @ factor[i]
        total += float((weights[i] * part).real)
    return missed * max(total, 0.0), missed * 1e-13 * (1 + float(many.max()) / 100)


def _binomial(t: int, hidden: float, seen: np.ndarray) -> np.ndarray:
    """C(t, u) hidden^u seen^(t-u) for u = 0 .. t and each point: shape (M, t + 1)."""
    u = np.arange(t + 1)
    if t <= 1000:
        choose = np.array([math.comb(t, i) for i in range(t + 1)], dtype=np.float64)
        return choose * hidden**u * seen[:, None] ** (t - u)
    choose = gammaln(t + 1.0) - gammaln(u + 1.0) - gammaln(t - u + 1.0)
    with np.errstate(divide="ignore"):
        log_hidden = np.where(u > 0, u * np.log(hidden), 0.0)
    return np.exp(choose + log_hidden + np.log(seen)[:, None] * (t - u))


def _costs(q: np.ndarray, many: np.ndarray, best: float, mass: float, tops: int, zeros: int, kind: str) -> np.ndarray:
    """What is lost in each state in which none of the most likely labels was seen: shape (t_1 + 1, ..., t_G + 1)."""
    grid = np.indices(tuple(many + 1)) if q.size else np.zeros((0,))
    missing = mass + sum((g * x for g, x in zip(grid, q, strict=True)), np.zeros(()))
    hidden = tops + zeros + sum(grid, np.zeros(()))
    shared = missing / hidden
    likeliest, ties = np.zeros(hidden.shape), np.zeros(hidden.shape)
    for g in range(q.size - 1, -1, -1):  # a class overwrites those that are less likely
        seen = many[g] - grid[g]
        likeliest, ties = np.where(seen > 0, q[g], likeliest), np.where(seen > 0, seen, ties)
    highest = np.maximum(shared, likeliest)
    of_seen = np.where(likeliest >= highest * TIED, ties, 0.0)
    of_hidden = np.where(shared >= highest * TIED, hidden, 0.0)
    named = of_seen + of_hidden
    if kind == "disagreement":
        return 1 - np.where(of_hidden > 0, tops, 0) / named
    return np.maximum(best - (of_seen * likeliest + of_hidden * shared) / named, 0.0)
