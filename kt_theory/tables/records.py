"""Transfer sets from files of records."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from kt_theory.protocols import TransferSet
from kt_theory.records.samples import TOLERANCE
from kt_theory.tables.reading import read_columns
from kt_theory.tables.sources import checked_path, name_of_source, speaking_of


def read_records(
    path: str | os.PathLike[str],
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float = TOLERANCE,
    other: str | None = None,
    drop_untold: bool = False,
) -> TransferSet:
    r"""A transfer set from a text or Parquet file of records.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads, or "-" for standard input, with the columns of
        `kt_theory.TransferSet.from_records`.
    states, actions, tolerance, other, drop_untold
        As in `kt_theory.TransferSet.from_records`.

    Returns
    -------
    TransferSet

    Raises
    ------
    ValueError
        Whatever `read_table` and `kt_theory.TransferSet.from_records` refuse; the message names the file and, if it is
        text, its lines, the header counted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "records.csv"
    ...     _ = path.write_text("s,a,p\n2,yes,0.75\n10,no,0.5\n")
    ...     data = read_records(path)
    >>> data.protocol.name, data.states, data.counts.tolist()
    ('partial', ('2', '10'), [[0, 1], [1, 0]])
    """
    with speaking_of(checked_path(path)):
        table = read_columns(path)
        data = TransferSet.from_columns(
            table, states=states, actions=actions, tolerance=tolerance, other=other, drop_untold=drop_untold
        )
    table.tell(name_of_source(path))
    return data
