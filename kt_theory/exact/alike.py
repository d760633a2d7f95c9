"""Labels alike: a sum over many labels of a smooth function of their probability, as a sum over few of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def replaced(
    x: np.ndarray, weight: np.ndarray, width: Callable[[float], float], points: int
) -> tuple[np.ndarray, np.ndarray, list[slice]]:
    """Places and weights with about the same sums, by polynomials through Chebyshev points of short intervals.

    Parameters
    ----------
    x : ndarray, shape (C,)
        Increasing.
    weight : ndarray, shape (C,)
    width : callable
        How long an interval may be that starts at a given x.
    points : int
        Points that stand for an interval of more than so many; others are kept as they are.

    Returns
    -------
    places, weights : ndarray, shape (K,)
        The weights of points may be negative.
    intervals : list of slice
        Where the points of each interval lie that was replaced, from its upper end down.
    """
    places, weights, intervals = [], [], []
    start = size = 0
    while start < x.size:
        stop = max(int(np.searchsorted(x, x[start] + width(float(x[start])), side="left")), start + 1)
        mine, count = x[start:stop], weight[start:stop]
        if mine.size > points:
            middle, half = (mine[0] + mine[-1]) / 2, (mine[-1] - mine[0]) / 2
            basis = np.cos(np.outer(np.arange(points), np.arccos(np.clip((mine - middle) / half, -1, 1))))
            places.append(middle + half * nodes(points))
            weights.append(to_coefficients(points).T @ (basis @ count))
            intervals.append(slice(size, size + points))
        else:
            places.append(mine)
            weights.append(count)
        size += places[-1].size
        start = stop
    return np.concatenate(places), np.concatenate(weights), intervals


def nodes(points: int) -> np.ndarray:
    """Chebyshev points of [-1, 1], from the upper end down."""
    return np.cos(math.pi * (np.arange(points) + 0.5) / points)


def to_coefficients(points: int) -> np.ndarray:
    """The matrix that makes values at `nodes` the Chebyshev coefficients of the polynomial through them."""
    k = np.arange(points)
    return np.cos(np.outer(k, math.pi * (k + 0.5) / points)) * (np.where(k == 0, 1.0, 2.0) / points)[:, None]
