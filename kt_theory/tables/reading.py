"""From files to columns and DataFrames: text and Parquet, with names as text and numbers to the last bit."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.records.columns import COLUMNS, NUMBER, WHOLE, Coded, Columns, Places, sequence_of
from kt_theory.tables.sources import checked_path, decoded, load_pyarrow, source_of, speaking_of

_NAMES = frozenset(COLUMNS["state"] + COLUMNS["action"])
_NUMBERS = frozenset(COLUMNS["count"] + COLUMNS["rho"])
_LOGARITHMS = frozenset(COLUMNS["log-probability"])
_WITH_GAPS = frozenset(COLUMNS["probability"] + COLUMNS["revealed"]) | _LOGARITHMS


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table from a text or Parquet file, by the end of its name.

    Parameters
    ----------
    path : path_like
        A file whose name ends in .csv (commas), .tsv (tabs), .csv.gz, .tsv.gz or .parquet. "-" is standard input, whose
        format is told by its first bytes: Parquet, or text with the tabs or commas of its first line, compressed or
        not.

    Returns
    -------
    DataFrame
        The columns of states and actions (``state``, ``s``, ``action``, ``a``, in small or capital letters) are text,
        None where a name is missing. A column of a known number is numeric: ``count`` and ``rho`` without gaps,
        probabilities and log-probabilities with NaN where nothing is told. In a text file any other column is numeric
        if all its filled cells are numbers, with NaN in the gaps, and text otherwise. An index that a Parquet file has
        names for is a column.

    Raises
    ------
    ValueError
        In one sentence that names the file: another suffix; no such file, a folder, a pipe or a device, a file that may
        not be read; an empty file; text that is not UTF-8; a quote that is never closed; a single column; a column name
        that occurs twice; a damaged file; pyarrow not installed. Lines with too few or too many cells, and with an
        empty or non-numeric cell where a number is needed, are reported together. Lines are those of the file, the
        header counted; rows of a Parquet file are counted from 1.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/table.csv"
    ...     pd.DataFrame({"state": ["007"], "p": [0.1]}).to_csv(path, index=False)
    ...     read_table(path).to_dict("list")
    {'state': ['007'], 'p': [0.1]}
    """
    with speaking_of(checked_path(path)):
        table = read_columns(path)
        typed = {name: _typed(table, name) for name in table.names}
        table.faults.refuse()
        return pd.DataFrame(typed, columns=table.names)


def read_columns(
    path: str | os.PathLike[str], columns: Mapping[str, Any] | None = None, alone: Collection[str] = ()
) -> Columns:
    """The columns of a file as they stand; what is wrong with its lines is among their faults.

    `columns` gives roles to them, as in `kt_theory.TransferSet.from_records`. A text of a single column is refused, but
    of those that may stand `alone`, in small or capital letters.
    """
    source = source_of(path)
    if source.kind == "npy":
        return _matrix_columns(source.content).named(columns)
    if source.kind == "parquet":
        return _parquet_columns(source.content).named(columns)
    given = [columns.get("state"), columns.get("action")] if isinstance(columns, Mapping) else []
    names = {name for name in given if isinstance(name, str)}
    return text_columns(decoded(source.content), source.separator, names, alone).named(columns)


def _matrix_columns(content: bytes) -> Columns:
    """A matrix of NumPy as a wide table; inputs and labels are numbers."""
    try:
        matrix = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise ValueError("it is not a .npy file of numbers, or a damaged one") from None
    if matrix.ndim != 2 or matrix.dtype.kind not in "iuf":
        raise ValueError(
            f"it holds an array of shape {matrix.shape} and type {matrix.dtype}: a matrix of numbers is needed"
        )
    states = [str(i) for i in range(matrix.shape[0])]
    return Columns(["state", *map(str, range(matrix.shape[1]))], [states, *matrix.T])


def text_columns(text: str, separator: str = ",", names: Collection[str] = (), alone: Collection[str] = ()) -> Columns:
    """The columns of a text: cells are text, or None for an empty name that is not in quotes.

    `names` are columns of names beside those that are known by their own, `alone` those that may be the only one.
    """
    # The csv module rather than pandas.read_csv, which pads short lines and renames a column that occurs twice.
    lines = list(io.StringIO(text, newline=""))
    records = list(_records(lines, separator))
    if not records:
        raise ValueError("the file is empty")
    (first, end, header), *rows = records
    if len(header) == 1 and header[0].casefold() not in alone:
        raise ValueError(_single_column(header[0], separator))
    quoted = _in_quotes("".join(lines[first - 1 : end]), separator)
    unnamed = frozenset(j for j, name in enumerate(header) if name == "" and not quoted[j])
    size = len(header)
    cells = [row if len(row) == size else [""] * size for _, _, row in rows]
    columns: list[Any] = list(zip(*cells, strict=True)) if cells else [()] * size
    for j, name in enumerate(header):
        if (name.casefold() in _NAMES or name in names) and "" in columns[j]:
            columns[j] = [cell or _empty_name(lines, rows[i], j, separator) for i, cell in enumerate(columns[j])]
    table = Columns(header, columns, Places("line", [start for start, _, _ in rows]), unnamed=unnamed)
    ragged = [i for i, (_, _, row) in enumerate(rows) if len(row) != size]
    torn = " (a carriage return in a cell without quotes?)" if ragged and re.search(r"\r(?!\n)", text) else ""
    table.faults.add(ragged, lambda i: f"{len(rows[i][2])} cells, the header has {size}{torn}")
    return table


def _records(lines: Iterable[str], separator: str) -> Iterable[tuple[int, int, list[str]]]:
    """The first and the last line of each record that is not empty, and its cells."""
    reader = csv.reader(lines, strict=True, delimiter=separator)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            where = f"line {start}" if reader.line_num <= start else f"lines {start} to {reader.line_num}"
            raise ValueError(f"it is not a table of text: {where}: {error}") from None
        if cells is None:
            return
        if cells:
            yield start, reader.line_num, cells


def _empty_name(lines: list[str], record: tuple[int, int, list[str]], j: int, separator: str) -> str | None:
    """What an empty cell of names stands for: the empty name if it is in quotes, else none."""
    start, end, cells = record
    quoted = _in_quotes("".join(lines[start - 1 : end]), separator)
    return "" if j < len(cells) and quoted[j] else None


def _in_quotes(record: str, separator: str) -> list[bool]:
    """Which cells of a record are in quotes; the csv module does not tell."""
    cell = re.compile(rf'("(?:[^"]|"")*"|[^{separator}\r\n]*)({separator}|\r|\n|$)')
    quoted, at, more = [], 0, True
    while more:
        found = cell.match(record, at)
        assert found is not None  # the csv module has read it
        quoted.append(found[1].startswith('"'))
        at, more = found.end(), found[2] == separator
    return quoted


def _single_column(name: str, separator: str) -> str:
    message = f"its only column is {checks.shown(name)}: a table needs two or more, separated by "
    if separator == "," and "\t" in name:
        return f"{message}commas; one with tabs is named .tsv"
    return message + ("commas" if separator == "," else "tabs")


def _typed(table: Columns, name: str) -> np.ndarray:
    """The cells of a column as text or as numbers."""
    key, values = name.casefold(), table[name]
    values = sequence_of(values) if isinstance(values, Coded) else values
    if key in _NAMES:
        present = [not checks.is_missing(value) for value in values]
        names = table.column_of_names(name, gaps=True)
        texts = [text if there else None for text, there in zip(names, present, strict=True)]
        return np.array([*texts, None], dtype=object)[:-1]
    if key in _NUMBERS | _WITH_GAPS:
        return table.column_of_numbers(name, gaps=key in _WITH_GAPS, logarithms=key in _LOGARITHMS)
    if table.places.unit == "row":
        return np.array([*values, None], dtype=object)[:-1] if isinstance(values, list) else values
    text = np.array([*values, None], dtype=object)[:-1]
    filled = [cell for cell in values if cell]
    if values and (not filled or not all(NUMBER.fullmatch(cell) for cell in filled)):
        return text
    if all(WHOLE.fullmatch(cell) for cell in values):
        return np.array([int(cell) for cell in values], dtype=np.int64)
    return np.array([float(cell) if cell else np.nan for cell in values])


def _parquet_columns(content: bytes) -> Columns:
    """The columns of a Parquet file; texts as distinct names and codes, which is how it may keep them."""
    pyarrow = load_pyarrow()
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        fields = [file.schema_arrow.field(i) for i in range(len(file.schema_arrow))]
        texts = [field.name for field in fields if _is_text(pyarrow, field.type)]
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content), read_dictionary=texts)
        kept = [field.name for field in fields if not re.fullmatch(r"__index_level_[0-9]+__", field.name)]
        parts = {name: _parquet_column(pyarrow, file, name, name in texts) for name in kept}
    except (pyarrow.ArrowException, OSError, ValueError):
        raise ValueError("it is not a Parquet file, or a damaged one") from None
    return Columns(kept, [parts[name] for name in kept])


def _is_text(pyarrow: Any, kind: Any) -> bool:
    inner = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    return bool(pyarrow.types.is_string(inner) or pyarrow.types.is_large_string(inner))


def _parquet_column(pyarrow: Any, file: Any, name: str, text: bool) -> Any:
    """One column of a Parquet file, read by itself: a file of many rows is in memory once."""
    column = file.read([name], use_threads=False).column(name)
    if not text:
        return column.to_pandas()
    if not pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    if column.num_chunks == 0:
        return Coded([], np.empty(0, dtype=np.int64))
    names = column.chunk(0).dictionary.to_pylist()
    codes = np.empty(len(column), dtype=np.int32)
    row = 0
    for chunk in column.chunks:
        codes[row : row + len(chunk)] = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        row += len(chunk)
    used = np.zeros(len(names) + 1, dtype=bool)
    used[codes] = True
    if None in names or not used[:-1].all():  # a dictionary may hold values that no row has
        places = np.full(len(names) + 1, -1, dtype=np.int32)
        there = [i for i, label in enumerate(names) if used[i] and label is not None]
        places[there] = np.arange(len(there))
        names, codes = [names[i] for i in there], places[codes]
    return Coded(names, codes)
