"""Students beside the data that they were fitted on, and the student before any data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.protocols import TransferSet
from kt_theory.showing import shown
from kt_theory.tables.names import texts
from kt_theory.tables.sources import checked_path, speaking_of
from kt_theory.tables.teachers import read_teacher
from kt_theory.tables.writing import write_table


def write_students(students: Mapping[str, Any], transfer_set: TransferSet, path: str | os.PathLike[str]) -> Path:
    """Write students beside the data they were fitted on: one line per (state, action), one column per student.

    Parameters
    ----------
    students : mapping of str to array_like, shape (S, A)
        Student tables by name, usually the learner's.
    transfer_set : TransferSet
        What the students saw. It gives the columns state, action, count and revealed (empty where hidden).
    path : path_like
        A name that ends in .csv or .parquet.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there is no student, one has another shape, an entry outside [0, 1] or the name of a column that is taken;
        and as `write_table`.

    Examples
    --------
    >>> import tempfile
    >>> data = TransferSet.from_counts([[2, 0]], [[0.75, 0.25]], "partial")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_students({"SEL_ptl": [[0.75, 0.25]]}, data, f"{folder}/students.csv")
    ...     print(path.read_text(), end="")
    state,action,count,revealed,SEL_ptl
    0,0,2,0.75,0.75
    0,1,0,,0.25
    """
    if not isinstance(students, Mapping) or not students:
        raise ValueError("students must map at least one name to a table")
    checks.instance_of("transfer_set", transfer_set, TransferSet)
    S, A = transfer_set.counts.shape
    with speaking_of(checked_path(path)):
        states, actions = texts(transfer_set.states), texts(transfer_set.actions)
    columns = {"state": np.repeat(states, A), "action": np.tile(actions, S)}
    columns |= {"count": transfer_set.counts.ravel(), "revealed": transfer_set.revealed.ravel()}
    for learner, student in students.items():
        # Rows are not checked to sum to 1 within 1e-12: a transfer set read with a tolerance may leave them off by it.
        table = checks.probabilities(f"students[{learner!r}]", student, ndim=2)
        if table.shape != (S, A):
            raise ValueError(f"students[{learner!r}] has shape {table.shape}, {(S, A)} is needed")
        if str(learner) in columns:
            raise ValueError(f"students has the name {learner!r}, which is that of another column")
        columns[str(learner)] = table.ravel()
    return write_table(pd.DataFrame(columns), path)


def read_init(path: str | os.PathLike[str], transfer_set: TransferSet, *, normalise: bool = False) -> np.ndarray:
    r"""The student before any data, from a file, its rows and columns in the order of a transfer set.

    Parameters
    ----------
    path : path_like
        A table as `read_teacher` reads it.
    transfer_set : TransferSet
        What the students will be fitted on.
    normalise : bool
        As in `read_teacher`.

    Returns
    -------
    ndarray, shape (S, A)

    Raises
    ------
    ValueError
        As `read_teacher`; and where the table lacks an input or label of the transfer set, or has another one.

    Examples
    --------
    >>> import tempfile
    >>> data = TransferSet.from_counts([[2, 0]], states=["coin"], actions=["heads", "tails"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "init.csv"
    ...     _ = path.write_text("state,tails,heads\ncoin,0.25,0.75\n")
    ...     read_init(path, data).tolist()
    [[0.75, 0.25]]
    """
    checks.instance_of("transfer_set", transfer_set, TransferSet)
    table = read_teacher(path, normalise=normalise)
    order = []
    for role, have, want in (
        ("input", table.states, transfer_set.states),
        ("label", table.actions, transfer_set.actions),
    ):
        position = {name: i for i, name in enumerate(have)}
        for name in want:
            if name not in position:
                raise ValueError(f"the init table has no {role} {shown(name)}")
        if len(have) > len(want):
            extra = next(name for name in have if name not in set(want))
            raise ValueError(f"the init table has {role} {shown(extra)}, which is not in the alphabet of the records")
        order.append([position[name] for name in want])
    return table.teacher[order[0]][:, order[1]]
