"""From files to DataFrames: CSV and Parquet, with names as text and numbers to the last bit."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.protocol import COLUMNS
from kt_theory.tables.sources import content_of, decoded, load_pyarrow, speaking_of, suffix_of

#: Columns of names, which are text whatever they look like, and columns of numbers, which have no gaps.
NAME_COLUMNS = frozenset(COLUMNS["state"] + COLUMNS["action"])
NUMBER_COLUMNS = frozenset(COLUMNS["probability"] + COLUMNS["log-probability"] + ("count", "rho"))

# Narrower than Python's float(): "nan", "inf" and "1_000" are no measurements, and a label may well be called "nan".
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
WHOLE = re.compile(r"[0-9]{1,18}")


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table from a CSV or Parquet file, by its suffix.

    Parameters
    ----------
    path : path_like
        A file whose name ends in .csv or .parquet.

    Returns
    -------
    DataFrame
        The columns of states and actions (``state``, ``s``, ``action``, ``a``) are text. A column of a known number
        (probabilities, log-probabilities, ``count``, ``rho``) is numeric and has no gaps. In a CSV file any other
        column is numeric if all its filled cells are numbers, with NaN in the gaps, and text otherwise.

    Raises
    ------
    ValueError
        In one sentence that names the file: another suffix; no such file, a folder, a file that may not be read; an
        empty file; text that is not UTF-8; a line with too few or too many cells; a quote that is never closed; a
        single column; a column name that occurs twice; an empty or non-numeric cell where a number is needed; a
        damaged Parquet file; pyarrow not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_table(pd.DataFrame({"state": ["007"], "p": [0.1]}), Path(folder) / "table.csv")
    ...     read_table(path).to_dict("list")
    {'state': ['007'], 'p': [0.1]}
    """
    source = Path(path)
    with speaking_of(source):
        suffix = suffix_of(source)
        content = content_of(source)
        return _parsed_csv(content) if suffix == ".csv" else _parsed_parquet(content)


def _parsed_csv(content: bytes) -> pd.DataFrame:
    # The csv module rather than pandas.read_csv, which pads short lines and renames a column that occurs twice.
    reader = csv.reader(io.StringIO(decoded(content), newline=""), strict=True)
    try:
        lines = [cells for cells in reader if cells]
    except csv.Error as error:
        raise ValueError(f"it is not a CSV file ({error})") from None
    if not lines:
        raise ValueError("the file is empty")
    header, *lines = lines
    if len(header) == 1:
        raise ValueError(f"its only column is {header[0][:40]!r}: a table needs two or more, separated by commas")
    for i, cells in enumerate(lines, start=1):
        if len(cells) != len(header):
            raise ValueError(f"line {i} has {len(cells)} cells, the header has {len(header)}")
    with_distinct_columns(pd.DataFrame(columns=header))
    columns = zip(*lines, strict=True) if lines else ((),) * len(header)
    return pd.DataFrame({name: _typed(name, cells) for name, cells in zip(header, columns, strict=True)})


def _typed(column: str, cells: Sequence[str]) -> np.ndarray:
    """The cells of a CSV column as text or as numbers."""
    text = np.array(cells, dtype=object)
    if column in NAME_COLUMNS:
        return text
    others = [i for i, cell in enumerate(cells) if not _NUMBER.fullmatch(cell)]
    if column in NUMBER_COLUMNS and others:
        value = cells[others[0]]
        raise ValueError(f"line {others[0] + 1}: {column} is {f'{value!r}, not a number' if value else 'empty'}")
    if others and (len(others) == len(cells) or any(cells[i] for i in others)):
        return text
    if all(WHOLE.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    return np.array([float(cell) if cell else np.nan for cell in cells])


def _parsed_parquet(content: bytes) -> pd.DataFrame:
    pyarrow = load_pyarrow()
    try:
        frame = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except (pyarrow.ArrowException, OSError, ValueError):
        raise ValueError("it is not a Parquet file, or a damaged one") from None
    frame = with_distinct_columns(frame)
    for column in frame.columns:
        gaps = frame[column].isna()
        if column in NAME_COLUMNS:
            frame[column] = frame[column].astype(object).map(checks.name_of).mask(gaps, None)
        elif column in NUMBER_COLUMNS and gaps.any():
            raise ValueError(f"line {int(np.argmax(gaps)) + 1}: {column} is empty")
    return frame


def with_distinct_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its column names as text, if no two are equal."""
    columns = [str(column) for column in frame.columns]
    if len(set(columns)) < len(columns):
        repeated = next(column for i, column in enumerate(columns) if column in columns[:i])
        raise ValueError(f"the table has two columns named {repeated!r}")
    return frame.set_axis(columns, axis="columns")
