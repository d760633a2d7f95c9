"""Learners of hard labels: counts go in, and nothing of the teacher is revealed.

A learner stands here twice, as a definition over tables and as loops that numba compiles: over one visited row, over
its stored cells, and over one row of many repeats side by side.
"""

from __future__ import annotations

import numpy as np

from kt_theory.learners.learner import Learner


def ce_sgl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Cross-entropy on hard labels: on a visited input the empirical frequencies, elsewhere `init`.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        Not used: hard labels reveal nothing of the teacher.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (3.3).
    """
    student = init.copy()
    visited = counts.any(axis=1)
    student[visited] = scaled_to_one(counts[visited].astype(np.float64))
    return student


def ce_sgl_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """The frequencies of one visited input."""
    for a in range(counts.size):
        student[a] = counts[a] / visits


def ce_sgl_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """The frequencies of one visited input on its stored cells, and 0 on its other labels."""
    for a in range(counts.size):
        student[a] = counts[a] / visits
    return 0.0


def ce_sgl_lanes(visits, counts, teacher, init, student, work) -> None:  # type: ignore[no-untyped-def]
    """The frequencies of one input in each repeat."""
    for a in range(counts.shape[0]):
        for r in range(counts.shape[1]):
            student[a, r] = counts[a, r] / visits[r]


def add_sgl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Hard labels, every count raised by the same c = 0.4 sqrt(n_s / (A - 1)): nearly minimax over all teachers.

    The worst teacher of the empirical frequencies is close to uniform; pulling them towards uniform lowers the risk
    there and raises it near the vertices of the simplex, which do not bind as long as c stays below
    sqrt(n_s / (2 pi (A - 1))) = 0.39894 sqrt(n_s / (A - 1)) in the limit. With a single label nothing is added.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        Not used: hard labels reveal nothing of the teacher.
    init : ndarray, shape (S, A)
        The student on unvisited inputs. What is added on visited ones is uniform for every `init`.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: ours; its worst risk is within 1.2 of the minimax risk for one input (numerical).
    """
    A = counts.shape[1]
    visits = counts.sum(axis=1, keepdims=True).astype(np.float64)
    c = added(visits, A)
    total = visits + A * c
    return np.divide(counts + c, total, out=init.copy(), where=visits > 0)


def add_sgl_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """The raised frequencies of one visited input."""
    A = counts.size
    c = 0.4 * np.sqrt(visits / (A - 1)) if A > 1 else 0.0
    total = visits + A * c
    for a in range(A):
        student[a] = (counts[a] + c) / total


def add_sgl_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """The raised frequencies of one visited input on its stored cells, and of its other labels."""
    A = counts.size + others
    c = 0.4 * np.sqrt(visits / (A - 1)) if A > 1 else 0.0
    total = visits + A * c
    for a in range(counts.size):
        student[a] = (counts[a] + c) / total
    return c / total


def add_sgl_lanes(visits, counts, teacher, init, student, work) -> None:  # type: ignore[no-untyped-def]
    """The raised frequencies of one input in each repeat."""
    A = counts.shape[0]
    c, total = work[0], work[1]
    for r in range(counts.shape[1]):
        c[r] = 0.4 * np.sqrt(visits[r] / (A - 1)) if A > 1 else 0.0
        total[r] = visits[r] + A * c[r]
    for a in range(A):
        for r in range(counts.shape[1]):
            student[a, r] = (counts[a, r] + c[r]) / total[r]


def added(visits: np.ndarray, A: int) -> np.ndarray:
    """What ADD_sgl adds to each of A counts after so many visits: 0.4 sqrt(visits / (A - 1)), nothing if A = 1."""
    return 0.4 * np.sqrt(visits / (A - 1)) if A > 1 else np.zeros_like(visits)


def scaled_to_one(weights: np.ndarray) -> np.ndarray:
    """Rows divided by their sums."""
    # The largest weight is divided out first: weights as small as 1e-310 still give a row that sums to 1.
    weights = weights / weights.max(axis=1, keepdims=True, initial=0.0)
    return weights / weights.sum(axis=1, keepdims=True)


CE_SGL = Learner(
    "CE_sgl",
    "hard",
    ce_sgl,
    -0.5,
    "Z&Z Thm 3.2",
    row=ce_sgl_row,
    cells=ce_sgl_cells,
    lanes=ce_sgl_lanes,
    loss="- sum_i log pi(a_i|s_i)",
    fingerprint="CE_sgl 1",
)
ADD_SGL = Learner(
    "ADD_sgl",
    "hard",
    add_sgl,
    -0.5,
    "within 1.2 of the minimax risk for S = 1 (ours, numerical)",
    row=add_sgl_row,
    cells=add_sgl_cells,
    lanes=add_sgl_lanes,
    loss="- sum_i log pi(a_i|s_i) - c sum_{a, visited s} log pi(a|s)",
    fingerprint="ADD_sgl 1",
)

#: What `kt_theory.learners.registry` lists.
LEARNERS = (CE_SGL, ADD_SGL)
