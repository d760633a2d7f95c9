"""From DataFrames to files, whole or not at all."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pandas as pd

from kt_theory.files import write_whole
from kt_theory.tables.sources import load_pyarrow, speaking_of, suffix_of


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a table to a CSV or Parquet file, by its suffix; whole or not at all.

    Parameters
    ----------
    frame : DataFrame
        Columns of text and numbers; NaN becomes an empty cell. Its index is not written.
    path : path_like
        A name that ends in .csv or .parquet. A missing folder is made, an existing file is replaced in one step.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the suffix is another one, pyarrow is not installed, or a text cannot be encoded in UTF-8.

    Examples
    --------
    >>> write_table(pd.DataFrame({"state": ["x"], "p": [1.0]}), "teacher.xlsx")
    Traceback (most recent call last):
    ...
    ValueError: teacher.xlsx: its name must end in .csv or .parquet
    """
    target = Path(path)
    with speaking_of(target):
        if suffix_of(target) == ".parquet":
            load_pyarrow()
            return write_whole(target, lambda file: frame.to_parquet(file, engine="pyarrow", index=False))
        # Python before 3.13 leaves a carriage return unquoted, and no reader would then find it inside its cell.
        texts = [*frame.columns, *frame.select_dtypes(exclude="number").to_numpy().ravel()]
        quoting = csv.QUOTE_NONNUMERIC if any("\r" in str(text) for text in texts) else csv.QUOTE_MINIMAL
        return write_whole(
            target, lambda file: frame.to_csv(file, index=False, lineterminator="\n", encoding="utf-8", quoting=quoting)
        )
