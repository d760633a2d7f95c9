"""What a verdict rests on: witnesses, flat directions, rays, gradients, functions that look where they must not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kt_theory.losses.constants import curvature
from kt_theory.losses.loss import Limit, Loss
from kt_theory.losses.own import OwnLoss
from kt_theory.losses.row import Row, softmax
from kt_theory.protocols.protocol import resolve_protocol

#: A total variation up to this is none: "consistent" is at most that on every teacher.
AT = 1e-6

#: A student's law that moves by more along a direction in which the loss does not is another minimiser.
MOVED = 1e-3

#: How far the level of logits is searched for.
GAUGES = 30.0

#: Times by which a student's logits are multiplied in the search for a ray.
ALONG = (1.0, 2.0, 4.0, 8.0, 16.0)


def tv(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Total variation along the last axis."""
    return 0.5 * np.abs(q - p).sum(axis=-1)


def row_of(loss: Limit, p: np.ndarray) -> Row:
    """What a loss is shown of a teacher in the population."""
    return Row.population(p, loss.protocol or resolve_protocol("soft"))


def distances(loss: Limit, table: np.ndarray) -> np.ndarray:
    """Total variation of limit and teacher for each row of a table, each an input of its own."""
    if loss.couples_inputs:
        return np.array([tv(loss.limit(p).student, p) for p in table])
    return tv(loss.limit(table).student, table)


@dataclass(frozen=True, eq=False)
class Flat:
    """Two students of one loss."""

    first: np.ndarray
    second: np.ndarray
    gap: float


def flat_direction(loss: Limit, p: np.ndarray) -> Flat | None:
    """Another student with the loss of the limit, along a direction in which the loss does not bend."""
    if not isinstance(loss, Loss) or not loss.smooth:
        return None
    row = row_of(loss, p)
    found = loss.solve(row)
    z = found.scores
    if not np.isfinite(z).all():
        return None
    bend = curvature(loss, z, row)
    if not np.isfinite(bend).all():
        return None
    value, here = float(loss.score_value(z, row)), loss.link(z)
    _, sizes, ways = np.linalg.svd(0.5 * (bend + bend.T))
    for size, way in zip(sizes, ways, strict=True):
        if size > 1e-6 * max(float(sizes[0]), 1e-3):
            continue
        for step in (0.3, -0.3):
            there = loss.link(z + step * way)
            gap = abs(float(loss.score_value(z + step * way, row)) - value)
            if tv(there, here) > MOVED and gap <= 1e-9 * (1 + abs(value)):
                return Flat(here, there, gap)
    return None


@dataclass(frozen=True)
class Ray:
    """A ray of logits along which a loss falls without end, and whether to minus infinity."""

    way: tuple[float, ...]
    label: int
    unbounded: bool


def falls_along_a_ray(loss: Limit, p: np.ndarray) -> Ray | None:
    """Whether the loss has no minimum at finite logits of sampled labels: the ray, and the label that runs away."""
    if not isinstance(loss, Loss):
        return None
    row = row_of(loss, p)
    q = loss.solve(row).student
    away = (p > 0) & (q < 1e-6 * p)
    if not away.any():
        return None
    label = int(np.argmin(np.where(away, q, np.inf)))
    z = np.where(away, -3.0, 0.0)
    z = z - z.mean()
    with np.errstate(all="ignore"):
        values = np.array([float(loss.score_value(t * z, row)) for t in ALONG])
    falls = np.diff(values)
    lower = bool(np.isfinite(values).all() and (falls < 0).all() and abs(falls[-1]) > 1.5 * abs(falls[-2]) > 0)
    return Ray(tuple(z.tolist()), label, lower)


def is_convex(loss: Limit, p: np.ndarray, seed: int) -> bool | None:
    """False if negative curvature in the logits was found, True if none at 20 places, None if unknown."""
    if not isinstance(loss, Loss) or not loss.smooth or loss.detached or type(loss).link is not Loss.link:
        return None
    row, rng = row_of(loss, p), np.random.default_rng(seed)
    for _ in range(20):
        bend = curvature(loss, loss.scores(softmax(rng.normal(size=p.size) * 1.5)), row)
        if not np.isfinite(bend).all():
            return None
        least = np.linalg.eigvalsh(0.5 * (bend + bend.T))[0]
        if least < -1e-6 * max(1.0, np.abs(bend).max()):
            return False
    return True


def pull(loss: Limit, p: np.ndarray) -> str:
    """Why a biased loss leaves the teacher: what its gradient does at q = p."""
    if not isinstance(loss, Loss) or not loss.smooth:
        return ""
    with np.errstate(all="ignore"):
        g = _in_best_gauge(loss, p, row_of(loss, p))
    if not np.isfinite(g).all() or np.abs(g).max() < 1e-9:
        return ""
    top, up = int(np.argmax(p)), g < 0
    if up[top] and (~up | (np.arange(p.size) == top)).all():
        return "at q = p the gradient still pulls the most likely label up, the others down"
    if not up[top] and up.sum() == p.size - 1:
        return "at q = p the gradient still pushes the most likely label down, the others up"
    raised = ", ".join(str(a) for a in np.flatnonzero(up))
    return f"at q = p the gradient still raises label {raised} and lowers the others"


def _in_best_gauge(loss: Loss, p: np.ndarray, row: Row) -> np.ndarray:
    """The gradient at scores of the law p, at the level that is best for the loss where absolute logits count."""
    z = loss.scores(p)
    low, high = -GAUGES, GAUGES
    ends = [float(loss.score_gradient(z + level, row).sum()) for level in (low, high)]
    if not ends[0] < -1e-9 or not ends[1] > 1e-9:  # no level counts, or none is the best
        return loss.score_gradient(z, row)
    for _ in range(60):
        level = 0.5 * (low + high)
        if loss.score_gradient(z + level, row).sum() > 0:
            high = level
        else:
            low = level
    return loss.score_gradient(z + level, row)


def looks_at_neighbours(loss: Limit, p: np.ndarray) -> tuple[float, int] | None:
    """The largest difference of a sample's value alone and among others, and that sample; None if there is none."""
    if not isinstance(loss, OwnLoss) or loss.__dict__["per"] != "sample":
        return None
    A = p.size
    rng = np.random.default_rng(0)
    z, label = rng.normal(size=(6, A)), np.arange(6) % A
    row = row_of(loss, np.broadcast_to(p, (6, A)))
    told = row.shown.copy()
    if loss.protocol.tells_drawn and loss.protocol.top == 0:
        told[np.arange(A) != label[:, None]] = np.nan
    together = loss.called(z, label, told)
    alone = np.array([float(loss.called(z[i : i + 1], label[i : i + 1], told[i : i + 1])[0]) for i in range(6)])
    gap = np.abs(together - alone)
    if np.isfinite(gap).all() and gap.max() > 1e-9 * (1 + np.abs(alone).max()):
        return float(gap.max()), int(np.argmax(gap))
    return None


def largest(loss: Limit, A: int, start: np.ndarray, seed: int, rounds: int = 4, each: int = 10) -> float:
    """The largest total variation of limit and teacher that hill climbing over teachers of A labels finds."""
    rng = np.random.default_rng(seed)
    best = start
    height = float(distances(loss, start[None])[0])
    size = 1.0
    for _ in range(rounds):
        table = softmax(np.log(best) + size * rng.normal(size=(each, A)))
        table = np.maximum(table, 1e-6)
        table /= table.sum(axis=-1, keepdims=True)
        found = distances(loss, table)
        top = int(np.argmax(found))
        if found[top] > height:
            best, height = table[top], float(found[top])
        else:
            size *= 0.6
    return height
