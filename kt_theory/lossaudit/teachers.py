"""The teachers that a loss is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.losses.loss import checked_teacher

#: What an audit shows unless teachers are given.
EXAMPLES: dict[str, np.ndarray] = {
    "three labels": np.array([0.5, 0.3, 0.2]),
    "five labels": np.array([0.35, 0.25, 0.15, 0.15, 0.1]),
    "nearly sure": np.array([0.94, 0.03, 0.02, 0.01]),
}

#: Numbers of labels of the pool.
SIZES = (2, 3, 5, 10)


def pool(seed: int, sizes: tuple[int, ...] = SIZES, each: int = 15) -> dict[int, np.ndarray]:
    """Random teachers by their number of labels: Dirichlet 1 and 0.2, Zipf, near-deterministic, tied.

    Parameters
    ----------
    seed : int
    sizes : tuple of int
    each : int
        How many of each size.

    Returns
    -------
    dict
        A -> ndarray, shape (each, A); every probability is positive.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for A in sizes:
        rows = []
        for i in range(each):
            kind = i % 5
            if kind == 0:
                row = rng.dirichlet(np.ones(A))
            elif kind == 1:
                row = rng.dirichlet(np.full(A, 0.2))
            elif kind == 2:
                row = rng.permutation(1 / np.arange(1, A + 1) ** rng.uniform(0.5, 1.5))
            elif kind == 3:
                row = np.full(A, rng.uniform(0.001, 0.1) / A)
                row[rng.integers(A)] += 1
            else:
                row = rng.permutation(np.repeat([rng.uniform(1.5, 4), 1.0], [A // 2, A - A // 2]))
            row = np.maximum(row, 1e-6)
            rows.append(row / row.sum())
        found[A] = np.array(rows)
    return found


def named_teachers(teachers: Any) -> dict[str, np.ndarray]:
    """What a user gives as teachers, by name: laws in a mapping, one law, or a table of laws.

    Raises
    ------
    ValueError
        For what is none of these.
    """
    if teachers is None:
        return dict(EXAMPLES)
    if isinstance(teachers, Mapping):
        found = {}
        for name, p in teachers.items():
            try:
                found[checks.text("a name of teachers", name)] = checked_teacher(p)
            except ValueError as error:
                raise ValueError(f"teachers[{checks.shown(name)}]: {error}") from None
            if found[name].ndim != 1:
                raise ValueError(f"teachers[{name!r}] has shape {found[name].shape}: a law of the labels is needed")
    else:
        table = np.atleast_2d(checked_teacher(teachers))
        if table.ndim != 2:
            raise ValueError(f"teachers has shape {table.shape}: a law, or a table of laws, is needed")
        found = {f"teacher {i}": p for i, p in enumerate(table)}
    if not found:
        raise ValueError("teachers is empty: give at least one law")
    return found
