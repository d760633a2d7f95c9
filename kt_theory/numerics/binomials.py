"""Binomial probabilities whose relative error does not grow with n, and where a binomial variable nearly surely is."""

from __future__ import annotations

import math

import numpy as np

from kt_theory.numerics.powers import deviance, product


def window(n: int, rho: float) -> tuple[int, int]:
    """The first and last number of visits, at least 1, that is summed."""
    mean = n * rho
    log = 35 + math.log(mean + 50)
    reach = log / 3 + math.sqrt(log**2 / 9 + 2 * log * mean * (1 - rho))
    return min(n, max(1, math.floor(mean - reach))), min(n, math.ceil(mean + reach))


def binomial(x: np.ndarray, n: np.ndarray | float, p: np.ndarray | float) -> np.ndarray:
    """P(Bin(n, p) = x) for whole 0 <= x <= n, by Loader's saddle-point form.

    With y = n - x, d = x - np, and D the deviance (`kt_theory.numerics.powers`), the probability is

        sqrt(n / (2 pi x y)) exp(stirling(n) - stirling(x) - stirling(y) - D(x, np) - D(y, nq)).

    Large terms of the exponent do not cancel: the error is a few units in the last place times one plus the
    exponent. The product np is exact to twice the digits, so that d = -(y - nq) is. At x = 0 and x = n, powers.
    Source: C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
    """
    x, n, p = (np.asarray(part, dtype=np.float64) for part in (x, n, p))
    high, low = product(n, p)
    d = (x - high) - low
    y = n - x
    none, all_ = x == 0, y == 0
    edges = bool(none.any() or all_.any())
    inner_x, inner_y = (np.maximum(x, 1), np.maximum(y, 1)) if edges else (x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = stirling(np.maximum(n, 1)) - stirling(inner_x) - stirling(inner_y)
        exponent = exponent - deviance(inner_x, high, d) - deviance(inner_y, n * (1 - p), -d)
        inner = np.sqrt(n / (2 * math.pi * inner_x) / inner_y) * np.exp(exponent)
        if not edges:
            return inner
        # p = 1 and n = 0: 0 log 0 = 0
        return np.where(none, np.where(n > 0, np.exp(n * np.log1p(-p)), 1.0), np.where(all_, p**n, inner))


def stirling(k: np.ndarray) -> np.ndarray:
    """log(k!) - log(sqrt(2 pi k) (k/e)^k) for whole k >= 1, error below 4e-16."""
    z = 1 / (k * k)
    series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / k
    if k.min() >= 16:
        return series
    return np.where(k < 16, _STIRLING[np.minimum(k, 15).astype(np.int64)], series)


_STIRLING = np.array(
    [0.0]  # k = 0 is not used
    + [math.log(math.factorial(k) / k**k * math.exp(k) / math.sqrt(2 * math.pi * k)) for k in range(1, 16)]
)
