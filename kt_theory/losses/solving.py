"""Solvers over many rows at once: roots of monotone functions, and descent over logits.

A row leaves a solver when it is done, and never looks at another one: the answer for a row is the same in any company.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kt_theory.losses.loops import downhill, remember
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row, softmax

#: Steps of a solver, beyond which it gives up.
STEPS = 1000

#: Scores beyond which a row is given up: its loss falls along a ray.
FAR = 1000.0

#: The largest change of a score in one step: longer ones end where a softmax is flat.
LEAP = 1.0

#: A largest gradient at which a solver has arrived.
ARRIVED = 1e-8

#: Pairs of steps and gradients that the descent keeps.
MEMORY = 10


def increasing_root(
    f: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The root of an increasing function, element by element: Newton's steps, halving where they do not help.

    Parameters
    ----------
    f : callable
        ``f(x) -> (value, slope)``, shapes as `low`.
    low, high : ndarray
        f is at most 0 at `low` and at least 0 at `high`.

    Returns
    -------
    ndarray
        Within a few units of rounding of the place where f changes its sign.
    """
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    x = 0.5 * (low + high)
    before = high - low
    for _ in range(200):
        value, slope = f(x)
        low, high = np.where(value <= 0, x, low), np.where(value >= 0, x, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = x - value / slope
        step = np.abs(newton - x)
        good = (newton > low) & (newton < high) & (step <= 0.5 * before)
        new = np.where(good, newton, 0.5 * (low + high))
        new = np.where(value == 0, x, new)
        before = np.abs(new - x)
        done = before <= 2e-16 * np.abs(new) + 1e-300
        x = new
        if done.all():
            break
    return x


def descend(
    loss: Loss, row: Row, start: np.ndarray, *, gtol: float = 1e-10, by_slopes: bool = False
) -> tuple[np.ndarray, np.ndarray, int]:
    """A local minimum over scores from a start: limited-memory BFGS on all rows at once, then Newton's steps.

    Parameters
    ----------
    loss : Loss
        Its `score_value` and `score_gradient` are used; of a loss with a stop-gradient a value is compared that the
        gradient does not belong to: use `fixed_point` for these.
    row : Row
        Flat: shape (N, A).
    start : ndarray, shape (N, A)
        Scores; -inf for labels that are left out.
    gtol : float
        The largest absolute gradient of a row that is done.
    by_slopes : bool
        Whether the loss is convex, and a step judged by its gradient alone, which saves half of the work: the loss has
        fallen where it still falls at the end of the step.

    Returns
    -------
    ndarray, shape (N, A)
        Scores.
    ndarray, shape (N,)
        The largest absolute gradients.
    int
        Steps.
    """

    def value_at(z: np.ndarray, row: Row) -> np.ndarray:
        return np.zeros(z.shape[0]) if by_slopes else loss.score_value(z, row)

    def slope_at(z: np.ndarray, row: Row) -> np.ndarray:
        slope = loss.score_gradient(z, row)
        return slope if whole else np.where(np.isfinite(z), slope, 0.0)

    z = np.array(start, dtype=float)
    N, A = z.shape
    whole = bool(np.isfinite(z).all())
    left, here = np.arange(N), row
    value, slope = value_at(z, row), np.ascontiguousarray(slope_at(z, row))
    # The last steps, their changes of the gradient, and 1 over the products of both, by the rows of `row`.
    steps, turns, inverse = np.zeros((MEMORY, N, A)), np.zeros((MEMORY, N, A)), np.zeros((MEMORY, N))
    answer, residual = z.copy(), np.full(N, np.inf)
    stuck = np.zeros(N, dtype=int)
    straight = np.ones(N)  # doubles at each step along which the gradient did not change
    count = -1
    while (count := count + 1) < STEPS:
        size = np.abs(slope).max(axis=1)
        far = np.abs(z if whole else np.where(np.isfinite(z), z, 0.0)).max(axis=1) > FAR
        done = (size <= gtol) | (stuck >= 3) | far
        if done.any():
            answer[left[done]], residual[left[done]] = z[done], size[done]
            keep = ~done
            if not keep.any():
                break
            here = here.take(keep)
            left, z, value, slope, stuck, straight = (x[keep] for x in (left, z, value, slope, stuck, straight))
        way, along, most = np.empty_like(z), np.empty(left.size), np.empty(left.size)
        downhill(slope, left, steps, turns, inverse, count % MEMORY, way, along, most)
        length = np.minimum(straight, LEAP * straight / np.maximum(most, 1e-300))
        accepted = np.zeros(left.size, dtype=bool)
        new_z, new_value, new_slope = z.copy(), value.copy(), slope.copy()
        todo, rows = np.arange(left.size), here
        for _ in range(40):
            all_of_them = todo.size == left.size
            start_z, start_way = (z, way) if all_of_them else (z[todo], way[todo])
            trial = start_z + length[todo, None] * start_way
            f, g = value_at(trial, rows), slope_at(trial, rows)
            before, slow, ahead = value[todo], along[todo], (g * start_way).sum(axis=1)
            if by_slopes:
                falls = ahead <= 0
                near = (ahead <= 0.9 * np.abs(slow)) & ((g * g).sum(axis=1) <= (slope[todo] ** 2).sum(axis=1))
            else:
                falls = f <= before + 1e-4 * length[todo] * slow
                # Where the value no longer tells points apart by its digits the gradient does.
                near = (f <= before + 1e-13 * (1 + np.abs(before))) & (np.abs(ahead) <= 0.9 * np.abs(slow))
            good = (falls | near) & np.isfinite(g).all(axis=1)
            there = todo[good]
            new_z[there], new_value[there], new_slope[there] = trial[good], f[good], g[good]
            accepted[there] = True
            todo = todo[~good]
            if not todo.size:
                break
            rows = here.take(todo)
            length[todo] *= 0.5
        stuck = np.where(accepted, 0, stuck + 1)
        newest = (count + 1) % MEMORY
        remember(left, newest, z, new_z, slope, new_slope, accepted, steps, turns, inverse, straight)
        z, value, slope = new_z, new_value, new_slope
    else:
        answer[left], residual[left] = z, np.abs(slope).max(axis=1)
    return answer, residual, count


def polish(loss: Loss, row: Row, z: np.ndarray, rounds: int = 4) -> np.ndarray:
    """Newton's steps on the gradient, its derivatives from central differences; for few labels."""
    A = z.shape[-1]
    finite = np.isfinite(z)
    slope = np.where(finite, loss.score_gradient(z, row), 0.0)
    for _ in range(rounds):
        if np.abs(slope).max(initial=0.0) <= 1e-13:
            break
        h = 1e-6
        columns = []
        for a in range(A):
            move = np.zeros(A)
            move[a] = h
            up, down = loss.score_gradient(z + move, row), loss.score_gradient(z - move, row)
            columns.append(np.where(finite, up - down, 0.0) / (2 * h))
        hessian = np.stack(columns, axis=-1)
        known = np.isfinite(hessian).all(axis=(1, 2), keepdims=True)
        step = -np.einsum("nab,nb->na", np.linalg.pinv(np.where(known, hessian, 0.0), rcond=1e-10), slope)
        ok = np.isfinite(step).all(axis=1)
        step = step / np.maximum(1.0, 2 * np.abs(np.where(ok[:, None], step, 0.0)).max(axis=1, keepdims=True))
        trial = np.where(finite & ok[:, None], z + np.where(finite, step, 0.0), z)
        new = np.where(finite, loss.score_gradient(trial, row), 0.0)
        better = np.abs(new).max(axis=1) < np.abs(slope).max(axis=1)
        z, slope = np.where(better[:, None], trial, z), np.where(better[:, None], new, slope)
        if not better.any():
            break
    return z


#: Up to so many labels `minimum` polishes with a Hessian; the gradients at which descent stops before that, and else.
POLISHED, ROUGH, FINE = 40, 1e-7, 1e-10


def minimum(loss: Loss, row: Row, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """A local minimum over scores: `descend`, and `polish` where there are few labels."""
    few = start.shape[-1] <= POLISHED
    z, residual, count = descend(loss, row, start, gtol=ROUGH if few else FINE)
    if few:
        z = polish(loss, row, z)
        slope = np.where(np.isfinite(z), loss.score_gradient(z, row), 0.0)
        residual = np.abs(slope).max(axis=1)
    return z, residual, count


def lowest(loss: Loss, row: Row, starts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """The lowest of the local minima from several starts, each of shape (N, A)."""
    best, least, residual, count = starts[0], np.full(starts[0].shape[0], np.inf), np.zeros(0), 0
    for start in starts:
        z, size, steps = minimum(loss, row, start)
        value = loss.score_value(z, row)
        lower = value < least - 1e-12
        best = np.where(lower[:, None], z, best)
        residual = np.where(lower, size, residual) if residual.size else size
        least, count = np.where(lower, value, least), count + steps
    return best, residual, count


def answered(row: Row, z: np.ndarray, residual: np.ndarray, count: int, unique: np.ndarray | bool = True) -> Found:
    """The answer that logits are, shape (N, A), for rows of any leading axes, which `Row.flat` made N of.

    No more than a local minimum is known where the largest gradient is above 1e-8.
    """
    shape = row.labels.shape
    local = (residual > ARRIVED).reshape(shape[:-1])
    alone = np.reshape(np.broadcast_to(unique, residual.shape), shape[:-1])
    return Found(softmax(z).reshape(shape), z.reshape(shape), alone, local_only=local, iterations=count)


def fixed_point(
    advance: Callable[[np.ndarray], np.ndarray], start: np.ndarray, *, damping: float = 0.5, tol: float = 1e-14
) -> tuple[np.ndarray, int, bool]:
    """The fixed point of a map of laws, each step a geometric mean of where it is and where the map leads.

    Parameters
    ----------
    advance : callable
        Laws to laws, shape (..., A).
    start : ndarray, shape (..., A)
    damping : float
        The weight of the new law, in (0, 1].
    tol : float
        The largest change of a step at which it stops.

    Returns
    -------
    ndarray, shape (..., A)
    int
        Steps.
    bool
        Whether it converged.
    """
    q = start
    for count in range(STEPS):
        new = advance(q)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(q > 0, (1 - damping) * np.log(q), 0.0) + damping * np.log(new)
        new = softmax(z)
        if np.abs(new - q).max(initial=0.0) <= tol:
            return new, count + 1, True
        q = new
    return q, STEPS, False


def stationary(gradient: Callable[[np.ndarray], np.ndarray], z: np.ndarray, rounds: int = 30) -> np.ndarray:
    """A zero of a gradient near logits, by Newton's steps with derivatives from central differences."""

    class _Field(Loss):
        def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
            return gradient(z)

    return polish(_Field(), None, z, rounds)  # type: ignore[arg-type]
