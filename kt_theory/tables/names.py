"""Names of inputs and labels: alphabets from files, and columns of names for files."""

from __future__ import annotations

import csv
import io
import json
import os

import numpy as np

from kt_theory import checks
from kt_theory.records.columns import Faults, Places
from kt_theory.tables.sources import checked_path, content_of, decoded, speaking_of


def read_names(path: str | os.PathLike[str]) -> list[str]:
    r"""An alphabet from a text file with a name on each line, a JSON list, or a CSV file of one column.

    Parameters
    ----------
    path : path_like
        A file of UTF-8 text, or "-" for standard input. Names are taken as they stand, blanks and commas included. In
        a file that ends in .json they are the texts of a list; in one that ends in .csv the cells below the header
        ``state``, ``action`` or ``name``. These two can hold a name with a line feed.

    Returns
    -------
    list of str
        The names, in the order of the file.

    Raises
    ------
    ValueError
        In one sentence that names the file: no such file, a folder, a pipe or a device, a file that may not be read; an
        empty file; text that is not UTF-8; empty lines before the last name and names that occur twice, reported
        together; JSON that is no list of texts, or a CSV file with another header or several columns.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "actions.txt"
    ...     _ = path.write_text("yes\nno\n")
    ...     read_names(path)
    ['yes', 'no']
    """
    with speaking_of(checked_path(path)):
        suffix = os.path.splitext(os.fspath(path))[1].lower()
        text = decoded(content_of(path))
        if suffix == ".json":
            names, places = _of_json(text)
        elif suffix == ".csv":
            names, places = _of_csv(text)
        else:
            names = text.replace("\r\n", "\n").rstrip("\n").split("\n")
            places = Places("line", range(1, len(names) + 1))
        first: dict[str, int] = {}
        for row, name in enumerate(names):
            first.setdefault(name, row)
        faults = Faults(places)
        if suffix != ".json":
            faults.add([row for row, name in enumerate(names) if not name], lambda _: "empty, and a name is needed")
        repeated = [row for row, name in enumerate(names) if first[name] != row]
        faults.add(
            repeated, lambda row: f"the name {checks.shown(names[row])} stands on {places[first[names[row]]]} already"
        )
        faults.refuse()
        return names


def _of_json(text: str) -> tuple[list[str], Places]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("an alphabet in JSON is a list of texts")
    return names, Places("entry")


def _of_csv(text: str) -> tuple[list[str], Places]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        while (row := next(reader, None)) is not None:
            rows += [(reader.line_num, row)] if row else []
    except csv.Error as error:
        raise ValueError(f"it is not a table of text: line {reader.line_num}: {error}") from None
    if not rows or len(rows[0][1]) != 1 or rows[0][1][0].casefold() not in _HEADERS:
        raise ValueError(f"an alphabet in CSV has one column, whose header is {', '.join(_HEADERS)}")
    wide = [line for line, row in rows if len(row) != 1]
    if wide:
        raise ValueError(f"line {wide[0]} has several cells: a name with a comma stands in quotes")
    return [row[0] for _, row in rows[1:]], Places("line", [line for line, _ in rows[1:]])


_HEADERS = ("state", "action", "name")


def texts(names: tuple[str, ...]) -> np.ndarray:
    """Names as a column; a lone surrogate, which no file can hold, would fail deep inside pandas."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the name {checks.shown(name)} cannot be encoded in UTF-8") from None
    return np.array(names, dtype=object)
