"""The compiled loops that Monte Carlo spends its time in: tallying draws, risks and controls of repeats, moments.

The loop over repeats and inputs stands here once. For each learner and divergence it is compiled with their row
functions in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from kt_theory.compiled import jit, specialised
from kt_theory.simulation.pcg64 import fill


@jit
def surely_stochastic(student: np.ndarray, tolerance: float) -> bool:
    """Whether every entry lies in [0, 1], and every row sums to 1 by half the tolerance, shape (rows, A)."""
    for r in range(student.shape[0]):
        total = 0.0
        for a in range(student.shape[1]):
            x = student[r, a]
            if not 0.0 <= x <= 1.0:
                return False
            total += x
        if not abs(total - 1.0) <= tolerance / 2:
            return False
    return True


@jit
def tally(
    copies: np.ndarray,
    ahead: np.ndarray,
    state: np.ndarray,
    n: int,
    keep: np.ndarray,
    pairs: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Fill the rows of `counts` with n draws each, one per uniform, by Walker's alias method.

    Parameters
    ----------
    copies : uint64, shape (3, 8)
        Where `pcg64.fill` goes on.
    ahead : float64, shape (m,)
        Uniforms, filled anew when they are used up. Few of them, so that they stay in the processor's first cache.
    state : int64, shape (1,)
        The place in them.
    n : int
    keep : float64, shape (K,)
        Share of slot k that stays with its own cell.
    pairs : int32, shape (2 K,)
        The two cells that share slot k, at 2 k its own and at 2 k + 1 the other.
    counts : int64, shape (R, cells)
    """
    slots, at = keep.size, state[0]
    for r in range(counts.shape[0]):
        row, left = counts[r], n
        row[:] = 0
        while left > 0:
            if at == ahead.size:
                fill(copies, ahead)
                at = 0
            end = min(at + left, ahead.size)
            left -= end - at
            for i in range(at, end):
                # Unsigned: numba takes a negative index to count from the end, and looks. And no branch on what is
                # random.
                x = ahead[i] * slots
                k = np.uint32(x)
                row[np.uint32(pairs[np.uint32(2) * k + np.uint32(x - k >= keep[k])])] += 1
            at = end
    state[0] = at


@jit
def share_slots(keep: np.ndarray, own: np.ndarray, other: np.ndarray) -> None:
    """Build Walker's alias table in place, by Vose's construction: every slot is settled once, O(K) in all.

    Parameters
    ----------
    keep : float64, shape (K,)
        In: K times the mass of cell ``own[k]``. Out: the share of slot k that stays with it.
    own : int64, shape (K,)
        The cells.
    other : int64, shape (K,)
        In: as `own`. Out: the cell that the rest of slot k goes to.
    """
    slots = keep.size
    # Two stacks of slots: those whose cell has too little to fill them, and the others.
    small, large = np.empty(slots, np.int64), np.empty(slots, np.int64)
    poor, rich = 0, 0
    for k in range(slots):
        if keep[k] < 1.0:
            small[poor] = k
            poor += 1
        else:
            large[rich] = k
            rich += 1
    while poor > 0 and rich > 0:
        k, giver = small[poor - 1], large[rich - 1]
        poor -= 1
        other[k] = own[giver]
        keep[giver] -= 1.0 - keep[k]
        if keep[giver] < 1.0:
            rich -= 1
            small[poor] = giver
            poor += 1
    # What rounding leaves on either stack is a whole slot up to 1e-16.
    for i in range(poor):
        keep[small[i]] = 1.0
    for i in range(rich):
        keep[large[i]] = 1.0


@jit
def visits_of(counts: np.ndarray, visits: np.ndarray) -> None:
    """Fill `visits`, shape (R, S), with the sums of `counts`, shape (R, S, A), over the labels."""
    for r in range(counts.shape[0]):
        for s in range(counts.shape[1]):
            total = 0
            for a in range(counts.shape[2]):
                total += counts[r, s, a]
            visits[r, s] = total


@jit
def controls(
    counts: np.ndarray,
    offsets: np.ndarray,
    unseen: np.ndarray,
    level: np.ndarray,
    short: np.ndarray,
    slope: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill `out`, shape (R, C), with the control variates of `kt_theory.simulation.controls`.

    Parameters
    ----------
    counts : int64, shape (R, P)
    offsets : int64, shape (S + 1,)
        Where the stored cells of each row begin.
    unseen : float64, shape (C - 1, P)
        What an unseen label adds to all but the last control. To that a label of count k adds
    level : float64, shape (S,)
    short, slope : float64, shape (P,)
        short max(0, 1 - k / level) + slope k.
    """
    last = unseen.shape[0]
    out[:] = 0.0
    for r in range(counts.shape[0]):
        for s in range(level.size):
            for i in range(offsets[s], offsets[s + 1]):
                k = counts[r, i]
                if k == 0:
                    for c in range(last):
                        out[r, c] += unseen[c, i]
                    out[r, last] += short[i]
                else:
                    out[r, last] += slope[i] * k
                    if k < level[s]:
                        out[r, last] += short[i] * (1.0 - k / level[s])


def _risks(counts, visits, told, rho, teacher, init, unvisited, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (R,), with the risks of one learner; see `risks_of`. `row` and `cost` are put in its place."""
    S, A = teacher.shape
    student = np.empty(A)
    for r in range(counts.shape[0]):
        total = 0.0
        for s in range(S):
            if visits[r, s] == 0:
                total += rho[s] * unvisited[s]
                continue
            if told is None:  # one of the two calls is dropped when this is compiled
                row(visits[r, s], counts[r, s], None, teacher[s], init[s], student)  # type: ignore[name-defined] # noqa: F821
            else:
                t = r if told.shape[0] > 1 else 0
                row(visits[r, s], counts[r, s], told[t, s], teacher[s], init[s], student)  # type: ignore[name-defined] # noqa: F821
            total += rho[s] * cost(student, teacher[s])  # type: ignore[name-defined] # noqa: F821
        out[r] = total


@functools.lru_cache(maxsize=256)
def risks_of(row: Callable[..., None], cost: Callable[..., float], name: str = "risks") -> Callable[..., None]:
    """The compiled loop that gives the risks of a learner in a divergence, from their row functions.

    Parameters
    ----------
    row, cost : callable
        As `Learner.row` and `Divergence.row`.
    name : str
        What the compiled loop is called on disk.

    Returns
    -------
    callable
        ``(counts, visits, told, rho, teacher, init, unvisited, out)``: count tables, int64, shape (R, S, A); visits,
        int64, shape (R, S); told, int8, shape (R, S, A) or (1, S, A), or None; rho, shape (S,); teacher and init, shape
        (S, A); what an unvisited input adds, shape (S,); the risks, shape (R,), filled.
    """
    return specialised(_risks, {"row": row, "cost": cost}, name)


@jit
def turn(counts: np.ndarray, tables: np.ndarray, visits: np.ndarray) -> None:
    """Lay repeats side by side: `counts`, shape (R, S, A), as floats, shape (S, A, L), and the visits, shape (S, L).

    L is at least R. The lanes behind R hold the last repeat, so that L may be a multiple of what a processor takes at a
    time: a rest is taken one by one, with a branch on what is random.
    """
    R, S, A = counts.shape
    for s in range(S):
        for lane in range(tables.shape[2]):
            r = min(lane, R - 1)
            total = 0
            for a in range(A):
                c = counts[r, s, a]
                total += c
                tables[s, a, lane] = c
            visits[s, lane] = total


def _lane_risks(tables, visits, rho, teacher, init, unvisited, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (R,), with the risks of one learner; see `lane_risks_of`."""
    S, A, L = tables.shape
    student, apart, work, total = np.empty((A, L)), np.empty(L), np.empty((4, L)), np.zeros(L)
    for s in range(S):
        lanes(visits[s], tables[s], teacher[s], init[s], student, work)  # type: ignore[name-defined] # noqa: F821
        cost(student, teacher[s], apart)  # type: ignore[name-defined] # noqa: F821
        for r in range(L):
            total[r] += rho[s] * (unvisited[s] if visits[s, r] == 0.0 else apart[r])
    out[:] = total[: out.size]


@functools.lru_cache(maxsize=64)
def lane_risks_of(
    lanes: Callable[..., None], cost: Callable[..., None], name: str = "lane_risks"
) -> Callable[..., None]:
    """As `risks_of` for repeats side by side, from `Learner.lanes` and `Divergence.lanes`: the same bytes.

    Returns
    -------
    callable
        ``(tables, visits, rho, teacher, init, unvisited, out)``: counts and visits as `turn` gives them, the others as
        in `risks_of`.
    """
    return specialised(_lane_risks, {"lanes": lanes, "cost": cost}, name)


def _sparse_risks(counts, visits, told, rho, offsets, teacher, init, others, start, unvisited, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (R,), with the risks of one learner on a sparse problem; see `sparse_risks_of`."""
    student = np.empty(teacher.size)
    for r in range(counts.shape[0]):
        total = 0.0
        for s in range(rho.size):
            if visits[r, s] == 0:
                total += rho[s] * unvisited[s]
                continue
            first, last = offsets[s], offsets[s + 1]
            p, said, seen = teacher[first:last], student[first:last], counts[r, first:last]
            if told is None:
                rest = row(visits[r, s], seen, None, p, init[first:last], others[s], start[s], said)  # type: ignore[name-defined] # noqa: F821
            else:
                t = r if told.shape[0] > 1 else 0
                rest = row(visits[r, s], seen, told[t, first:last], p, init[first:last], others[s], start[s], said)  # type: ignore[name-defined] # noqa: F821
            total += rho[s] * cost(said, p, others[s], rest)  # type: ignore[name-defined] # noqa: F821
        out[r] = total


@functools.lru_cache(maxsize=256)
def sparse_risks_of(
    row: Callable[..., float], cost: Callable[..., float], name: str = "sparse_risks"
) -> Callable[..., None]:
    """As `risks_of` for a sparse problem, from `Learner.cells` and `Divergence.cells`.

    Returns
    -------
    callable
        ``(counts, visits, told, rho, offsets, teacher, init, others, start, unvisited, out)``: counts of the stored
        cells, int64, shape (R, P); visits, int64, shape (R, S); told, int8, shape (R, P) or (1, P), or None; rho, shape
        (S,); where the cells of a row begin, shape (S + 1,); teacher and init on the cells, shape (P,); the number of
        other labels of a row, and what init says there, shape (S,); what an unvisited input adds, shape (S,); the
        risks, shape (R,), filled.
    """
    return specialised(_sparse_risks, {"row": row, "cost": cost}, name)


def _sparse_costs(student, offsets, teacher, others, rest, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (S,), with the divergence of each row of a sparse table from the teacher's."""
    for s in range(out.size):
        first, last = offsets[s], offsets[s + 1]
        out[s] = cost(student[first:last], teacher[first:last], others[s], rest[s])  # type: ignore[name-defined] # noqa: F821


@functools.lru_cache(maxsize=64)
def sparse_costs_of(cost: Callable[..., float], name: str = "sparse_costs") -> Callable[..., None]:
    """The compiled loop ``(student, offsets, teacher, others, rest, out)`` over the rows of a sparse table."""
    return specialised(_sparse_costs, {"cost": cost}, name)


@jit
def sparse_visits_of(counts: np.ndarray, offsets: np.ndarray, visits: np.ndarray) -> None:
    """Fill `visits`, shape (R, S), with the sums of `counts`, shape (R, P), over the stored cells of each row."""
    for r in range(counts.shape[0]):
        for s in range(visits.shape[1]):
            total = 0
            for i in range(offsets[s], offsets[s + 1]):
                total += counts[r, i]
            visits[r, s] = total


@jit
def moments(
    values: np.ndarray, mean: np.ndarray, squares: np.ndarray, nonzero: np.ndarray, infinite: np.ndarray
) -> None:
    """Mean and sum of squared deviations of the finite entries of each column, and how many are non-zero and infinite.

    Two passes: a variance from a difference of sums would lose all its digits when the risk hardly varies. Both start
    from the first finite value, so that a risk that does not vary has that mean and no deviations, exactly. A column
    without a finite entry has mean 0.
    """
    R, L = values.shape
    for j in range(L):
        first = 0.0
        finite = 0
        hits = 0
        for r in range(R):
            if values[r, j] < np.inf:
                first = values[r, j] if finite == 0 else first
                finite += 1
            hits += 1 if values[r, j] != 0.0 else 0
        total = 0.0
        for r in range(R):
            total += values[r, j] - first if values[r, j] < np.inf else 0.0
        centre = first + total / max(finite, 1)
        deviations = 0.0
        for r in range(R):
            deviations += (values[r, j] - centre) ** 2 if values[r, j] < np.inf else 0.0
        mean[j] = centre
        squares[j] = deviations
        nonzero[j] = hits
        infinite[j] = R - finite
