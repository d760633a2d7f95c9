"""From DataFrames to files, whole or not at all."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pandas as pd

from kt_theory import checks
from kt_theory.files import write_whole
from kt_theory.records.columns import COLUMNS
from kt_theory.tables.sources import checked_path, load_pyarrow, speaking_of, suffix_to_write


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a table to a CSV or Parquet file, by its suffix; whole or not at all.

    Parameters
    ----------
    frame : DataFrame
        Columns of text and numbers; NaN becomes an empty cell. Its index is not written. Cells are written as they are:
        a spreadsheet may run a name that begins with ``=`` as a formula.
    path : path_like
        A name that ends in .csv or .parquet. A missing folder is made, an existing file is replaced in one step.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the suffix is another one, pyarrow is not installed, a text cannot be encoded in UTF-8, or a name of an input
        or label is missing.

    Examples
    --------
    >>> write_table(pd.DataFrame({"state": ["x"], "p": [1.0]}), "teacher.xlsx")
    Traceback (most recent call last):
    ...
    ValueError: teacher.xlsx: its name must end in .csv or .parquet
    """
    checks.instance_of("frame", frame, pd.DataFrame)
    target = checked_path(path)
    checks.frame("frame", frame)
    with speaking_of(target):
        _refuse_missing_names(frame)
        parquet = suffix_to_write(target) == ".parquet"
        if parquet:
            load_pyarrow()
    if parquet:
        return write_whole(target, lambda file: frame.to_parquet(file, engine="pyarrow", index=False))
    # In quotes: the empty text, which is a missing name without them, and a carriage return, which Python before 3.13
    # leaves alone, so that no reader would find it inside its cell.
    texts = map(str, [*frame.columns, *frame.select_dtypes(exclude="number").to_numpy().ravel()])
    quoting = csv.QUOTE_NONNUMERIC if any(not text or "\r" in text for text in texts) else csv.QUOTE_MINIMAL
    return write_whole(
        target, lambda file: frame.to_csv(file, index=False, lineterminator="\n", encoding="utf-8", quoting=quoting)
    )


def _refuse_missing_names(frame: pd.DataFrame) -> None:
    for column in frame.columns:
        if str(column).casefold() in COLUMNS["state"] + COLUMNS["action"] and frame[column].isna().any():
            row = int(frame[column].isna().to_numpy().argmax()) + 1
            raise ValueError(f"row {row}: {column} is missing: every row needs a name")
