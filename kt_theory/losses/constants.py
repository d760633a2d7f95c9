"""How fast: the constant c of lemma L7, the error of a student as a multiple of the MLE's on the same labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.losses.loss import Limit, Loss, checked_teacher
from kt_theory.losses.readouts import ReadLabels
from kt_theory.losses.row import Row

#: Step of the differences, whose error is of its fourth power.
STEP = 1e-3


def along(f: Callable[[np.ndarray], np.ndarray], way: np.ndarray, step: float = STEP) -> np.ndarray:
    """The derivative of f at 0 along a direction, from differences at one and two steps either way."""
    near, far = f(step * way) - f(-step * way), f(2 * step * way) - f(-2 * step * way)
    return (8 * near - far) / (12 * step)


def curvature(loss: Loss, z: np.ndarray, row: Row) -> np.ndarray:
    """The derivatives of the gradient of one row by its scores, shape (A, A)."""
    columns = [along(lambda move: loss.score_gradient(z + move, row), way) for way in np.eye(z.size)]
    return np.stack(columns, axis=-1)


def mle_constant(p: np.ndarray) -> float:
    """sqrt(m) times the expected risk of the MLE after m visits, as m grows: sum sqrt(p (1 - p) / (2 pi))."""
    return float(np.sqrt(p * (1 - p) / (2 * np.pi)).sum())


def constant(loss: Loss, p: Any) -> float:
    """The constant c of lemma L7: sqrt(m) E TV(student, limit) after m visits, as m grows, over that of the MLE.

    The student solves F(z, e) = 0 with e the law of the sampled labels, so that q - limit = J (e - p) + o(.), with J
    from the derivatives of F.

    Parameters
    ----------
    loss : Loss
        Smooth at its limit, on a transfer set of one input.
    p : array_like, shape (A,)
        The teacher.

    Returns
    -------
    float
        0 for a loss that is exact on what it is shown. NaN where the limit is not attained, the loss has a kink there,
        or couples inputs.

    Examples
    --------
    >>> from kt_theory.losses import make
    >>> round(constant(make("kd_mix", alpha=0.1, T=4), [0.5, 0.3, 0.2]), 4)
    0.0964
    """
    checks.instance_of("loss", loss, Limit, "kt_theory.losses.make('focal') makes one")
    p = checked_teacher(p)
    if p.ndim != 1:
        raise ValueError(f"p has shape {p.shape}: the constant is that of one input, (A,)")
    if not isinstance(loss, Loss) or loss.couples_inputs or not loss.smooth or loss.protocol is None:
        return float("nan")
    row = Row.population(p, loss.protocol)
    found = loss.solve(row)
    if not found.attained or not (found.student > 0).all():
        return float("nan")
    if isinstance(loss, ReadLabels):
        return float("nan") if found.note else 1.0  # the frequencies themselves
    z = found.scores
    # Directions in which nothing bends, such as the gauge of the logits, are left out.
    bend = np.linalg.pinv(curvature(loss, z, row), rcond=1e-9)
    moved = np.zeros((p.size, p.size))
    for y in np.flatnonzero(p > 0):
        way = np.eye(p.size)[y] - p
        step = min(STEP, 0.25 * p[p > 0].min())
        turn = -bend @ along(lambda move: loss.score_gradient(z, row.with_labels(p + move)), way, step)
        size = max(float(np.abs(turn).max()), 1e-300)
        moved[y] = size * along(lambda move: loss.link(z + move), turn / size)
    spread = np.sqrt((p[:, None] * moved**2).sum(axis=0))
    return float(spread.sum() / np.sqrt(p * (1 - p)).sum())
