r"""Several draws a visit, each with its probability: the limit of the minimax risk for many labels.

m = mu A draws a visit, n to infinity and then A to infinity:

.. math:: n \cdot \text{minimax} \to (S - 1) \, \Gamma(\mu) + c_\infty / \mu .

The rule is exactly minimax at every n, so that only the worst teacher is left to find. S - 1 inputs of mass r/n are
visited v ~ Poisson(r) times. In the limit a row has a share nu(dy) of its labels at the probability y/A each, of mean
u <= 1, and the mass 1 - u on few labels, which one visit shows. A label at y/A is unseen after v visits with
probability e^(-v mu y), and the unseen labels have the mean q_v/A:

.. math:: \Gamma(\mu) = \sup_{r, \nu} \; r \Big[ e^{-r} T_0 + \sum_{v \ge 1} e^{-r} \frac{r^v}{v!} T_v \Big], \quad
          T_0 = \tfrac12 E|y - 1| + \tfrac12 (1 - u), \quad T_v = \tfrac12 E e^{-v \mu y} |y - q_v| .

The input with the rest of the mass has n m draws, as many single ones: c_inf A / (n m).

**How the supremum is found.** Laws of two atoms, 0 and y with the weight w; three and four atoms gave no more in
searches. So the value is a proved lower limit, and numerical as the supremum. There are two branches, and each is
climbed from its own start: r near 1/mu with y near 1.5, where the number n m of draws is what counts, and r near 1 with
few light labels, where a visit shows nearly all of the row. They cross near mu = 0.49984.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from kt_theory import checks
from kt_theory.minimax.constants import C_INF

#: Between these ends of mu the two branches were followed; beyond them the limits are c_inf / mu and 1/e.
LEAST, MOST = 1e-2, 1e3


class Light(NamedTuple):
    """An input of mass r/n, a share w of its labels at y/A each: n times what it costs, in the limit."""

    cost: float
    r: float
    y: float
    w: float


def draws_constant(S: int, mu: float) -> float:
    """The limit of n times the minimax risk from m = mu A draws a visit, for many samples and then many labels.

    Parameters
    ----------
    S : int
        Number of inputs, at least 1.
    mu : float
        Draws a visit over labels, m/A: from 0.01 to 1000.

    Returns
    -------
    float
        (S - 1) Gamma(mu) + c_inf / mu, relative rounding error below 1e-9.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    A limit from below, proved; that no law of more than two atoms is worse is numerical. Statement:
    ours-store-draws-limit. Up to m = A/2 only the number n m of probabilities counts, 0.155 to 0.187 SA/(nm); from
    there on a visit's draws are worth the whole row within 1.7 percent, (S - 1)/(en).

    Examples
    --------
    >>> round(draws_constant(2, 1.0) - draws_constant(1, 1.0), 9)
    0.369917074
    """
    S = checks.whole_number("S", S, minimum=1)
    mu = checks.positive("mu", mu)
    if not LEAST <= mu <= MOST:
        raise ValueError(f"mu is {mu:g}: it must be from {LEAST:g} to {MOST:g}")
    return (S - 1) * worst_light(mu).cost + C_INF / mu


def cost(mu: float, r: float, y: float, w: float) -> float:
    """The limit of n times what an input of mass r/n costs, a share w of its labels at y/A, mass 1 - w y on few."""
    reach = 12 * math.sqrt(r) + 40
    v = np.arange(max(1, math.floor(r - reach)), math.ceil(r + reach) + 1.0)
    poisson = np.exp(v * math.log(r) - r - gammaln(v + 1))
    seen_less = w * np.exp(-v * mu * y)
    q = seen_less * y / (1 - w + seen_less)
    after = 0.5 * ((1 - w) * q + seen_less * np.abs(y - q))
    before = 0.5 * (1 - w + w * abs(y - 1)) + 0.5 * (1 - w * y)
    return r * (math.exp(-r) * before + float(poisson @ after))


@lru_cache(maxsize=256)
def worst_light(mu: float) -> Light:
    """Gamma(mu), and the input that attains it among laws of two atoms."""

    def light(x: np.ndarray) -> Light:
        r, w = math.exp(min(x[0], 50.0)), 1 / (1 + math.exp(min(max(-x[2], -50.0), 50.0)))
        y = math.exp(min(x[1], 50.0))
        return Light(cost(mu, r, y, w) if w * y <= 1 and r < 20 / min(mu, 1.0) else 0.0, r, y, w)

    best = Light(0.0, 1.0, 1.0, 0.5)
    # Near c_inf / mu, and near 1/e: the sizes of y and w of either branch as they were found.
    for r, y, w in ((1 / mu, 1.48, 0.67), (1 + 1 / mu, 1.3, 0.6), (1.1, min(0.15 / mu, 3.0), 0.2), (1.3, 0.45, 0.26)):
        x = np.array([math.log(r), math.log(y), math.log(w / (1 - w))])
        for _ in range(3):  # a simplex may shrink before it is at the top
            options = {"xatol": 1e-9, "fatol": 1e-15, "maxiter": 1500}
            x = minimize(lambda x: -light(x).cost, x, method="Nelder-Mead", options=options).x
        best = max(best, light(x))
    return best
