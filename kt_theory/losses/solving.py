"""Solvers over many rows at once: roots of monotone functions, and descent over logits.

A row leaves a solver when it is done, and never looks at another one: the answer for a row is the same in any company.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kt_theory.losses.loss import Loss
from kt_theory.losses.row import Row, softmax

#: Steps of a solver, beyond which it gives up.
STEPS = 1000

#: Scores beyond which a row is given up: its loss falls along a ray.
FAR = 1000.0

#: The largest change of a score in one step: longer ones end where a softmax is flat.
LEAP = 1.0

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


def descend(loss: Loss, row: Row, start: np.ndarray, *, gtol: float = 1e-10) -> tuple[np.ndarray, np.ndarray, int]:
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

    Returns
    -------
    ndarray, shape (N, A)
        Scores.
    ndarray, shape (N,)
        The largest absolute gradients.
    int
        Steps.
    """
    z = np.array(start, dtype=float)
    finite = np.isfinite(z)
    left = np.arange(z.shape[0])
    here = row
    value, slope = loss.score_value(z, row), np.where(finite, loss.score_gradient(z, row), 0.0)
    steps: list[np.ndarray] = []  # the last ones, their changes of the gradient, and 1 over the products of both
    turns: list[np.ndarray] = []
    inverse: list[np.ndarray] = []
    residual = np.full(z.shape[0], np.inf)
    answer = z.copy()
    stuck = np.zeros(z.shape[0], dtype=int)
    straight = np.ones(z.shape[0])  # doubles at each step along which the gradient did not change
    count = -1
    while (count := count + 1) < STEPS:
        size = np.abs(slope).max(axis=1)
        done = (size <= gtol) | (stuck >= 3) | (np.abs(np.where(finite, z, 0.0)).max(axis=1) > FAR)
        if done.any():
            answer[left[done]], residual[left[done]] = z[done], size[done]
            keep = ~done
            if not keep.any():
                break
            left, here = left[keep], here.take(keep)
            z, value, slope, finite, stuck, straight = (x[keep] for x in (z, value, slope, finite, stuck, straight))
            steps, turns, inverse = ([kept[keep] for kept in memory] for memory in (steps, turns, inverse))
        way = -_scaled_by_memory(slope, steps, turns, inverse)
        along = (way * slope).sum(axis=1)
        uphill = ~(along < 0)
        way = np.where(uphill[:, None], -slope, way)
        along = np.where(uphill, -(slope**2).sum(axis=1), along)
        inverse = [np.where(uphill, 0.0, part) for part in inverse] if uphill.any() else inverse
        most = np.abs(way).max(axis=1)
        length = np.minimum(straight, LEAP * straight / np.maximum(most, 1e-300))
        accepted = np.zeros(z.shape[0], dtype=bool)
        new_z, new_value, new_slope = z.copy(), value.copy(), slope.copy()
        way = np.where(finite, way, 0.0)
        todo, rows = np.arange(z.shape[0]), here
        for _ in range(40):
            trial = np.where(finite[todo], z[todo] + length[todo, None] * way[todo], z[todo])
            f = loss.score_value(trial, rows)
            g = np.where(finite[todo], loss.score_gradient(trial, rows), 0.0)
            before, slow = value[todo], along[todo]
            falls = f <= before + 1e-4 * length[todo] * slow
            # Where the value no longer tells points apart by its digits the gradient does.
            near = (f <= before + 1e-13 * (1 + np.abs(before))) & (
                np.abs((g * way[todo]).sum(axis=1)) <= 0.9 * np.abs(slow)
            )
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
        inverse = inverse if accepted.all() else [np.where(accepted, part, 0.0) for part in inverse]
        step, turn = np.where(finite, new_z - np.where(finite, z, 0.0), 0.0), new_slope - slope
        curved = (step * turn).sum(axis=1)
        useful = curved > 1e-300
        bent = np.abs(turn).max(axis=1) > 1e-12 * (np.abs(slope).max(axis=1) + 1e-300)
        straight = np.where(bent | ~accepted, 1.0, np.minimum(2 * straight, 1e6))
        with np.errstate(divide="ignore"):
            newest = (step, turn, np.where(useful, 1 / curved, 0.0))
        steps, turns, inverse = (
            [*memory[1 - MEMORY :], new] for memory, new in zip((steps, turns, inverse), newest, strict=True)
        )
        z, value, slope = new_z, new_value, new_slope
    else:
        answer[left], residual[left] = z, np.abs(slope).max(axis=1)
    return answer, residual, count


def _scaled_by_memory(
    g: np.ndarray, steps: list[np.ndarray], turns: list[np.ndarray], inverse: list[np.ndarray]
) -> np.ndarray:
    """The gradient times the inverse Hessian that the memory stands for."""
    q = g.copy()
    parts = []
    for step, turn, rho in zip(steps[::-1], turns[::-1], inverse[::-1], strict=True):
        part = rho * np.einsum("na,na->n", step, q)
        parts.append(part)
        q -= part[:, None] * turn
    scale = 1 / np.maximum(1.0, np.abs(g).max(axis=1))
    if turns:
        bend = (turns[-1] ** 2).sum(axis=1)
        known = (inverse[-1] > 0) & (bend > 0)
        scale = np.where(known, 1 / np.maximum(inverse[-1] * bend, 1e-300), scale)
    q *= scale[:, None]
    for step, turn, rho, part in zip(steps, turns, inverse, parts[::-1], strict=True):
        q += step * (part - rho * np.einsum("na,na->n", turn, q))[:, None]
    return q


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
