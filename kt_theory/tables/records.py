"""Transfer sets from files of records."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from kt_theory.protocol import TOLERANCE, TransferSet
from kt_theory.tables.reading import NAME_COLUMNS, WHOLE, read_table
from kt_theory.tables.sources import speaking_of


def read_records(
    path: str | os.PathLike[str],
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float = TOLERANCE,
) -> TransferSet:
    r"""A transfer set from a CSV or Parquet file of records, one per line.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads, with the columns of `kt_theory.TransferSet.from_records`.
    states, actions : sequence, optional
        The full alphabets. If not given, the names that occur, sorted: as numbers if all of them are whole numbers
        in plain digits, else as text.
    tolerance : float
        As in `kt_theory.TransferSet.from_records`.

    Returns
    -------
    TransferSet

    Raises
    ------
    ValueError
        Whatever `read_table` and `kt_theory.TransferSet.from_records` refuse; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "records.csv"
    ...     _ = path.write_text("s,a,p\n2,yes,0.75\n10,no,0.5\n")
    ...     data = read_records(path)
    >>> data.protocol, data.states, data.counts.tolist()
    ('partial', ('2', '10'), [[0, 1], [1, 0]])
    """
    frame = read_table(path)
    for column in NAME_COLUMNS & set(frame.columns):
        values = frame[column].tolist()
        if values and all(_is_plain_number(value) for value in values):
            frame[column] = np.array([int(value) for value in values], dtype=np.int64)
    with speaking_of(path):
        return TransferSet.from_records(frame, states=states, actions=actions, tolerance=tolerance)


def _is_plain_number(name: Any) -> bool:
    return isinstance(name, str) and WHOLE.fullmatch(name) is not None and str(int(name)) == name
