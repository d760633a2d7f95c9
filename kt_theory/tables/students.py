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
from kt_theory.sparse import SparseTable, aligned
from kt_theory.tables.names import texts
from kt_theory.tables.sources import checked_path, speaking_of
from kt_theory.tables.teachers import read_teacher
from kt_theory.tables.writing import write_table


def write_students(students: Mapping[str, Any], transfer_set: TransferSet, path: str | os.PathLike[str]) -> Path:
    """Write students beside the data they were fitted on: one line per (state, action), one column per student.

    Parameters
    ----------
    students : mapping of str to array_like, shape (S, A), or Student
        Student tables by name, usually the learner's; of a sparse transfer set each a `Student`. Then one line is
        written per stored cell, and for an input without one the line of its first label; beside the column of each
        student stands one named ``... rest``: the student's value on every label of that input without a line.
    transfer_set : TransferSet
        The data of the students. It gives the columns state, action, count and revealed (empty where hidden).
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
        `Unsupported` for a transfer set of values without their labels; and as `write_table`.

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
    if transfer_set.protocol.ordered:
        raise checks.Unsupported(
            f"transfer_set has {transfer_set.protocol} labels: its values belong to no label, and the file has a line "
            "for each pair of an input and a label"
        )
    if transfer_set.sparse:
        return write_table(_sparse_frame(students, transfer_set, checked_path(path)), path)
    S, A = transfer_set.shape
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


def read_init(
    path: str | os.PathLike[str], transfer_set: TransferSet, *, normalise: bool = False
) -> np.ndarray | SparseTable:
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
    ndarray, shape (S, A), or SparseTable
        A `SparseTable` where `read_teacher` gives a sparse problem.

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
    if not table.sparse:
        return table.teacher[order[0]][:, order[1]]
    pairs = table.pairs
    rows, columns = (np.argsort(places) for places in order)  # where each input and label of the table goes
    keys = rows[pairs.rows] * pairs.shape[1] + columns[pairs.columns]
    return SparseTable.of_keys(keys, pairs.values, pairs.shape, pairs.rest)


def _sparse_frame(students: Mapping[str, Any], transfer_set: TransferSet, path: Path | str) -> pd.DataFrame:
    """The told cells and those that students store, a line each, with the rest of each student beside its value."""
    S, A = transfer_set.shape
    tables = {str(learner): student for learner, student in students.items()}
    for learner, student in tables.items():
        checks.instance_of(f"students[{learner!r}]", student, SparseTable, "kt_theory.fit makes one of a sparse set")
        if student.shape != (S, A):
            raise ValueError(f"students[{learner!r}] has shape {student.shape}, {(S, A)} is needed")
    counts = transfer_set.told_counts
    keys = np.unique(np.concatenate([table.keys for table in (counts, transfer_set.told, *tables.values())]))
    without = np.flatnonzero(np.bincount(keys // A, minlength=S) == 0)
    keys = np.sort(np.concatenate([keys, without * A]))
    lines = SparseTable.of_keys(keys, np.zeros(keys.size), (S, A), np.zeros(S))
    _, counts, revealed, *students_there = aligned(lines, counts, transfer_set.told, *tables.values())
    rows = lines.rows
    with speaking_of(path):
        columns = {"state": texts(transfer_set.states)[rows], "action": texts(transfer_set.actions)[lines.columns]}
    columns |= {"count": counts.values, "revealed": revealed.values}
    for learner, student in zip(tables, students_there, strict=True):
        for name, values in ((learner, student.values), (f"{learner} rest", student.rest[rows])):
            if name in columns:
                raise ValueError(f"students has the name {learner!r}, whose columns are those of others")
            columns[name] = values
    return pd.DataFrame(columns)
