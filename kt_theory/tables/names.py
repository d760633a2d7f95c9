"""Names of inputs and labels: alphabets from files, and columns of names for files."""

from __future__ import annotations

import os

import numpy as np

from kt_theory import checks
from kt_theory.records.columns import Faults, Places
from kt_theory.tables.sources import checked_path, content_of, decoded, speaking_of


def read_names(path: str | os.PathLike[str]) -> list[str]:
    r"""An alphabet from a text file, one name on each line.

    Parameters
    ----------
    path : path_like
        A file of UTF-8 text, or "-" for standard input. Names are taken as they stand, blanks and commas included.

    Returns
    -------
    list of str
        The names, in the order of the file.

    Raises
    ------
    ValueError
        In one sentence that names the file: no such file, a folder, a pipe or a device, a file that may not be read; an
        empty file; text that is not UTF-8; empty lines before the last name and names that occur twice, told together.

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
        text = decoded(content_of(path)).replace("\r\n", "\n").rstrip("\n")
        names = text.split("\n")
        first: dict[str, int] = {}
        for row, name in enumerate(names):
            first.setdefault(name, row)
        faults = Faults(Places("line", range(1, len(names) + 1)))
        faults.add([row for row, name in enumerate(names) if not name], lambda _: "empty, and a name is needed")
        repeated = [row for row, name in enumerate(names) if first[name] != row]
        faults.add(
            repeated, lambda row: f"the name {checks.shown(names[row])} stands on line {first[names[row]] + 1} already"
        )
        faults.refuse()
        return names


def texts(names: tuple[str, ...]) -> np.ndarray:
    """Names as a column; a lone surrogate, which no file can hold, would fail deep inside pandas."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the name {checks.shown(name)} cannot be encoded in UTF-8") from None
    return np.array(names, dtype=object)
