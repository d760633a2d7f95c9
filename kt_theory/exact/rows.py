"""What the exact routes share: a problem as its distinct rows, and a number with its error and its route.

The expected risk is a sum over inputs, and what an input adds depends on its own mass, its own row and its own init
alone, up to the order of the labels. So problems with equal rows (instances 0 to 3) cost as much as one input.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kt_theory.sparse import SparseTable

#: Divergences between the teacher's row p and the student's q: total variation, forward Kullback-Leibler
#: sum p log(p / q), squared l2 distance.
DIVERGENCES = ("tv", "kl", "l2")


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
        The student's row before any data, in the same order.
    times : int
        How many inputs are like this one.
    zeros : int
        How many more labels of probability 0 the row has, in a sparse problem; `p` and `init` do not list them.
    start : float
        The student's value before any data on each of these.
    last : float
        The probability of the row's last label, which no list may name; NaN where it is like any other.
    """

    rho: float
    p: np.ndarray
    init: np.ndarray
    times: int
    zeros: int = 0
    start: float = 0.0
    last: float = math.nan

    def full(self) -> Row:
        """The same row with all its labels listed."""
        if not self.zeros:
            return self
        p = np.concatenate((np.zeros(self.zeros), self.p))
        init = np.concatenate((np.full(self.zeros, self.start), self.init))
        order = np.lexsort((init, p))
        return Row(self.rho, p[order], init[order], self.times, last=self.last)


def distinct_rows(rho: np.ndarray, teacher: np.ndarray, init: np.ndarray, keep_last: bool = False) -> list[Row]:
    """The inputs of positive mass, those that are equal up to the order of their labels counted once.

    Parameters
    ----------
    rho : ndarray, shape (S,)
    teacher, init : ndarray, shape (S, A)
    keep_last : bool
        Whether the last label is apart from the others.
    """
    # Adding 0 makes -0.0 a 0.0, whose bytes differ although the numbers are equal.
    table = np.empty((rho.size, 2 + 2 * teacher.shape[1]))
    table[:, 0] = rho + 0.0
    table[:, 1] = teacher[:, -1] + 0.0 if keep_last else math.nan
    p, start = np.split(table[:, 2:], 2, axis=1)
    if (init == init[:, :1]).all():
        p[:], start[:] = np.sort(teacher + 0.0, axis=1), init
    else:
        order = np.lexsort((init, teacher), axis=-1)
        p[:], start[:] = np.take_along_axis(teacher, order, axis=1), np.take_along_axis(init, order, axis=1)
        table += 0.0
    found: dict[bytes, list[int]] = {}
    for s, content in enumerate(table.view(f"V{table.shape[1] * 8}").ravel().tolist()):
        found.setdefault(content, []).append(s)
    alike = [members for members in found.values() if rho[members[0]] > 0]
    return [Row(float(rho[m[0]]), p[m[0]], start[m[0]], len(m), last=float(table[m[0], 1])) for m in alike]


def distinct_stored_rows(
    rho: np.ndarray, teacher: SparseTable, init: SparseTable, keep_last: bool = False
) -> list[Row]:
    """The same for a sparse problem, from two tables that store the same cells: labels of no cell are only counted."""
    bounds, others = teacher.offsets.tolist(), teacher.others.tolist()
    order = np.lexsort((init.values, teacher.values, teacher.rows))
    values, starts = teacher.values[order] + 0.0, init.values[order] + 0.0
    last = np.full(rho.size, math.nan)
    if keep_last:
        stored = teacher.columns == teacher.shape[1] - 1
        last = np.bincount(teacher.rows[stored], teacher.values[stored], minlength=rho.size)
    found: dict[tuple[object, ...], list[int]] = {}
    for s in np.flatnonzero(rho > 0).tolist():
        cells = slice(bounds[s], bounds[s + 1])
        of = (float(rho[s]), others[s], float(init.rest[s]), last[s].tobytes())
        key = (*of, values[cells].tobytes(), starts[cells].tobytes())
        found.setdefault(key, []).append(s)
    rows = []
    for members in found.values():
        s = members[0]
        cells = slice(bounds[s], bounds[s + 1])
        rest = float(init.rest[s]) if others[s] else 0.0
        rows.append(Row(float(rho[s]), values[cells], starts[cells], len(members), others[s], rest, float(last[s])))
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
    proved : bool
        Whether the error is a proved bound rather than an estimate.
    """

    value: float
    error: float
    route: str
    proved: bool = field(default=True, repr=False)


class OutOfReach(ValueError):
    """No exact route applies; the message names the limit that was met and points to `kt_theory.simulate`."""


#: A probability below this is taken for 0: products of such floats lose their digits.
SMALLEST = 1e-290


def flushed(row: Row, n: int) -> tuple[Row, float]:
    """The row with probabilities below `SMALLEST` made 0, and how much that may move an expected risk.

    Such a label is seen with probability n SMALLEST at most, and moves a distance by no more than its probability.
    """
    tiny = (row.p > 0) & (row.p < SMALLEST)
    if not tiny.any():
        return row, 0.0
    return Row(row.rho, np.where(tiny, 0.0, row.p), row.init, row.times), (n + 1.0) * row.p.size * SMALLEST


def excess(law: np.ndarray, more: float = 0.0) -> float:
    """How far a law of floats, and `more` mass, is from 1: dividing it by its sum moves it so far, as may roundings."""
    return abs(math.fsum([*law.tolist(), more, -1.0]))


def sound(estimate: Estimate, low: float, high: float) -> Estimate:
    """The estimate, if it can be true; where it leaves its range by no more than its error, the nearest value in it.

    Parameters
    ----------
    estimate : Estimate
    low, high : float
        Proved bounds on the truth; `high` may be infinite.

    Raises
    ------
    OutOfReach
        If the value or the error is no number, or if value +- error does not meet [low, high].
    """
    value, error = estimate.value, estimate.error
    if math.isinf(value) and value > 0 and math.isinf(high):
        return estimate
    if not (math.isfinite(value) and math.isfinite(error) and error >= 0):
        raise OutOfReach(f"{estimate.route}: {value!r} with error {error!r} is no number: use kt_theory.simulate")
    if value + error < low or value - error > high:
        raise OutOfReach(
            f"{estimate.route}: {value!r} with error {error!r} lies outside of its proved range, "
            f"{low!r} to {high!r}: use kt_theory.simulate"
        )
    return replace(estimate, value=min(max(value, low), high))


def first_sound(routes: Sequence[Callable[[], Estimate]], low: float, high: float) -> Estimate:
    """The answer of the first route that reaches, and whose answer can be true (`sound`).

    Raises
    ------
    OutOfReach
        If there is none; the message is that of the last route.
    """
    limit = OutOfReach("no route applies: use kt_theory.simulate")
    for route in routes:
        try:
            return sound(route(), low, high)
        except OutOfReach as found:
            limit = found
        except ArithmeticError as broken:
            limit = OutOfReach(f"a route met {type(broken).__name__}, {broken}: use kt_theory.simulate")
    raise limit
