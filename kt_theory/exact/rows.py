"""What the exact routes share: a problem as its distinct rows, and a number that knows its error and its origin.

The expected risk is a sum over inputs, and what an input adds depends on its own mass, its own row and its own init
alone, up to the order of the labels. So problems with equal rows (instances 0 to 3) cost as much as one input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Row:
    """One input, up to the order of its labels.

    Attributes
    ----------
    rho : float
        Mass of the input, above 0.
    p : ndarray, shape (A,)
        The teacher's row, sorted (ties by `init`).
    init : ndarray, shape (A,)
        What the student says before any data, in the same order.
    times : int
        How many inputs are like this one.
    """

    rho: float
    p: np.ndarray
    init: np.ndarray
    times: int


def distinct_rows(rho: np.ndarray, teacher: np.ndarray, init: np.ndarray) -> list[Row]:
    """The inputs of positive mass, those that are equal up to the order of their labels counted once.

    Parameters
    ----------
    rho : ndarray, shape (S,)
    teacher, init : ndarray, shape (S, A)
    """
    found: dict[bytes, list[int]] = {}
    sorted_rows = []
    for s in range(rho.size):
        order = np.lexsort((init[s], teacher[s]))
        row = np.concatenate(([rho[s]], teacher[s][order], init[s][order])) + 0.0
        sorted_rows.append(row)
        if rho[s] > 0:
            found.setdefault(row.tobytes(), []).append(s)
    A = teacher.shape[1]
    rows = []
    for members in found.values():
        row = sorted_rows[members[0]]
        rows.append(Row(float(row[0]), row[1 : A + 1], row[A + 1 :], len(members)))
    return rows


@dataclass(frozen=True)
class Estimate:
    """A computed number, a bound on its absolute error, and the route that gave it.

    Attributes
    ----------
    value : float
    error : float
        Bound on abs(value - truth); for routes that estimate their error, that estimate.
    route : str
        What computed it, such as "closed form" or "label classes".
    """

    value: float
    error: float
    route: str


class OutOfReach(ValueError):
    """No exact route applies; the message names the limit that was met and points to `kt_theory.simulate`."""
