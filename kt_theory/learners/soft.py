"""The learner of soft labels: definition, and the loop over one visited row."""

from __future__ import annotations

import numpy as np

from kt_theory.learners.learner import Learner


def ce_ful(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Cross-entropy on soft labels: the teacher's row on a visited input, elsewhere `init`.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        pi*(.|s) on every visited input; elsewhere not read.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (5.2).
    """
    return np.where(counts.any(axis=1, keepdims=True), revealed, init)


def ce_ful_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """The teacher's row."""
    for a in range(counts.size):
        student[a] = teacher[a]


def ce_ful_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """The teacher's row."""
    for a in range(counts.size):
        student[a] = teacher[a]
    return 0.0


def ce_ful_lanes(visits, counts, teacher, init, student, work) -> None:  # type: ignore[no-untyped-def]
    """The teacher's row in each repeat."""
    for a in range(counts.shape[0]):
        p = teacher[a]
        for r in range(counts.shape[1]):
            student[a, r] = p


CE_FUL = Learner(
    "CE_ful",
    "soft",
    ce_ful,
    -1.0,
    "Z&Z Thm 5.2",
    row=ce_ful_row,
    cells=ce_ful_cells,
    lanes=ce_ful_lanes,
    loss="sum_i KL(pi*(.|s_i), pi(.|s_i))",
    fingerprint="CE_ful 1",
)

#: What `kt_theory.learners.registry` lists.
LEARNERS = (CE_FUL,)
