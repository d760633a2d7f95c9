"""(1 - rho)^n, products of two floats without rounding, u - log(1 + u), and the deviance x log(x / mean) - x + mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)


def unseen(n: int, rho: float) -> float:
    """(1 - rho)^n to a few units in the last place, 0 where that underflows.

    exp(n log1p(-rho)) alone would lose n |log(1 - rho)| of them, up to 745. Instead 1 - rho is split into the float
    next to it and the little that was lost; below 2^-20, where the float next to it has few digits of rho, the product
    n rho is split into its float and the rest, exactly, and the remaining terms of the logarithm are 2^20 times less.
    """
    if rho >= 2.0**-20:
        left = 1.0 - rho
        lost = (1.0 - left) - rho  # exactly: (1 - rho) = left + lost
        return left**n * math.exp(n * math.log1p(lost / left)) if left > 0 and n * rho < 800 else float(n == 0)
    high, low = product(float(n), rho)
    low += float(n - int(float(n))) * rho + n * rho * rho * (1 / 2 + rho / 3 + rho * rho / 4)
    return math.exp(-high) * math.exp(-low)


def product(x: Any, y: Any) -> tuple[Any, Any]:
    """The product x y as an unevaluated sum of two floats, exactly (Veltkamp and Dekker)."""
    high = x * y
    x_high = 134217729.0 * x - (134217729.0 * x - x)
    y_high = 134217729.0 * y - (134217729.0 * y - y)
    x_low, y_low = x - x_high, y - y_high
    return high, ((x_high * y_high - high) + x_high * y_low + x_low * y_high) + x_low * y_low


def powers_of(n: int, w: np.ndarray) -> np.ndarray:
    """(1 - w)^n."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(w < 1, np.exp(n * np.log1p(-np.minimum(w, 1.0))), float(n == 0))


def log_lag(u: np.ndarray) -> np.ndarray:
    """The lag of log(1 + u) behind u, u - log(1 + u), to full relative accuracy."""
    r = u / (2 + u)
    y = r * r
    series = np.zeros_like(y)
    for i in range(31, 1, -2):
        series = y * (1 / i + series)
    return np.where(np.abs(u) < 0.4, r * (u - 2 * series), u - np.log1p(u))


def deviance(x: np.ndarray, mean: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """The deviance x log(x / mean) - x + mean, at least 0, for x > 0 and excess = x - mean.

    A term of a Kullback-Leibler divergence, and of the exponent of a binomial or Poisson probability (Loader 2000).
    With t = excess / (x + mean), x log(x / mean) = 2 x artanh t, and what is left of its series after subtracting the
    excess is excess t + 2 x (t^3/3 + t^5/5 + ...), which does not cancel; used for t^2 < 0.01.
    """
    t = excess / (x + mean)
    square = t * t
    close = square < 0.01
    largest = float(np.max(square, where=close, initial=1e-40))
    terms = math.ceil(math.log(EPS / 4) / math.log(largest))
    tail = np.full_like(square, 1 / (2 * terms + 1))
    for j in range(terms - 1, 0, -1):
        tail = tail * square + 1 / (2 * j + 1)
    series = t * (excess + 2 * x * square * tail)
    if close.all():
        return series
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = np.log(x / mean)
        ratio = np.where(np.isfinite(ratio), ratio, np.log(x) - np.log(mean))  # x / mean overflowed, or mean is 0
        return np.where(close, series, x * ratio - excess)
