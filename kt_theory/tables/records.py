"""Transfer sets from files of records."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kt_theory import checks
from kt_theory.files import refuse_overwriting
from kt_theory.protocols import Protocol, TransferSet, resolve_form
from kt_theory.records.columns import Columns, sequence_of
from kt_theory.records.samples import TOLERANCE
from kt_theory.tables.reading import read_columns
from kt_theory.tables.sources import checked_path, name_of_source, speaking_of, suffix_to_write
from kt_theory.tables.writing import write_table


def read_records(
    path: str | os.PathLike[str],
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float = TOLERANCE,
    other: str | None = None,
    drop_untold: bool = False,
    columns: Mapping[str, Any] | None = None,
    told_as: str | Protocol | None = None,
    skip_bad: str | os.PathLike[str] | None = None,
) -> TransferSet:
    r"""A transfer set from a text or Parquet file of records.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads, or "-" for standard input, with the columns of
        `kt_theory.TransferSet.from_records`.
    states, actions, tolerance, other, drop_untold, columns, told_as
        As in `kt_theory.TransferSet.from_records`.
    skip_bad : path_like, optional
        A name that ends in .csv or .parquet. Bad lines are left out, and written to this file with what is wrong with
        each; a warning says how many. Without it they are refused.

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
    if skip_bad is not None:
        target = checked_path(skip_bad)
        with speaking_of(target):
            suffix_to_write(target)
        refuse_overwriting("skip_bad", target, {"the file of records": checked_path(path)})
    options: dict[str, Any] = {"states": states, "actions": actions, "tolerance": tolerance, "other": other}
    options |= {"drop_untold": drop_untold, "told_as": None if told_as is None else resolve_form(told_as)}
    with speaking_of(checked_path(path)):
        table = read_columns(path, columns)
        data, table, skipped = _without_faults(table, options) if skip_bad is not None else (None, table, [])
        data = TransferSet.from_columns(table, **options) if data is None else data
    if skip_bad is not None and skipped:
        frame = pd.DataFrame(skipped, columns=[table.places.unit, "fault", *table.names])
        write_table(frame, skip_bad)
        number = f"{len(skipped)} {table.places.unit}{'s are' if len(skipped) > 1 else ' is'}"
        table.notes.append((f"{number} left out as bad, and listed in {os.fspath(skip_bad)}",))
    table.tell(name_of_source(path))
    return data


def _without_faults(table: Columns, options: dict[str, Any]) -> tuple[TransferSet, Columns, list[list[Any]]]:
    """The transfer set of the rows without a fault; the others with their place, what is wrong, and their cells."""
    skipped: list[list[Any]] = []
    while True:
        try:
            return TransferSet.from_columns(table, **options), table, sorted(skipped, key=lambda row: row[0])
        except ValueError:
            bad = table.faults.told()
            if not bad:
                raise
        cells = [sequence_of(table[name]) for name in table.names]
        numbers = table.places.of(bad).numbers or ()
        for row, number in zip(bad, numbers, strict=True):
            values = (column[row] for column in cells)
            skipped.append([number, bad[row], *("" if checks.is_missing(value) else str(value) for value in values)])
        table = table.without(bad)
