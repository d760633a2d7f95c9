"""The simulation as a reader of the paper would write it, twice: what the package's speed is measured against.

Both return risks of shape (reps, 4), columns CE_sgl, CE_ptl, SEL_ptl, CE_ful, with uniform initialisation; the second
has others where they are named, ADD_sgl at two labels or more among them. They share no code with the package, and are
compared with enumeration in tests/test_montecarlo.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def per_sample(rho: np.ndarray, teacher: np.ndarray, n: int, reps: int, rng: np.random.Generator) -> np.ndarray:
    """Sample by sample: draw s, draw a, count; then a loop over the inputs, one learner after the other."""
    S, A = teacher.shape
    risks = np.zeros((reps, 4))
    for r in range(reps):
        counts = np.zeros((S, A), dtype=np.int64)
        for s in rng.choice(S, size=n, p=rho):
            counts[s, rng.choice(A, p=teacher[s])] += 1
        for s in range(S):
            p, n_sa = teacher[s], counts[s]
            if n_sa.sum() == 0:
                students = [np.full(A, 1 / A)] * 4
            else:
                seen = n_sa > 0
                sel = np.where(seen, p, 0.0)
                if not seen.all():
                    sel[~seen] = (1 - p[seen].sum()) / (~seen).sum()
                students = [n_sa / n_sa.sum(), n_sa * p / (n_sa * p).sum(), sel, p]
            for j, student in enumerate(students):
                risks[r, j] += rho[s] * 0.5 * np.abs(student - p).sum()
    return risks


def vectorised(
    rho: np.ndarray, teacher: np.ndarray, n: int, reps: int, rng: np.random.Generator,
    learners: Sequence[str] = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful"),
) -> np.ndarray:  # fmt: skip
    """All repeats at once: one multinomial over the S A cells, then array expressions of shape (reps, S, A)."""
    S, A = teacher.shape
    w = rho[:, None] * teacher
    counts = rng.multinomial(n, w.ravel() / w.sum(), size=reps).reshape(reps, S, A)
    visits = counts.sum(axis=2, keepdims=True)
    visited = visits > 0

    def student(learner: str) -> np.ndarray:
        if learner == "CE_sgl":
            return counts / np.maximum(visits, 1)
        if learner == "ADD_sgl":
            c = 0.4 * np.sqrt(visits / (A - 1))
            return (counts + c) / np.where(visited, visits + A * c, 1.0)
        if learner == "CE_ptl":
            weighted = counts * teacher
            return weighted / np.where(visited, weighted.sum(axis=2, keepdims=True), 1.0)
        if learner == "SEL_ptl":
            seen = counts > 0
            missing = np.where(seen, 0.0, teacher).sum(axis=2, keepdims=True)
            unseen = A - seen.sum(axis=2, keepdims=True)
            return np.where(seen, teacher, missing / np.maximum(unseen, 1))
        return teacher

    rows = [0.5 * np.abs(np.where(visited, student(one), 1 / A) - teacher).sum(axis=2) for one in learners]
    return np.stack([row @ rho for row in rows], axis=1)
