"""Names of inputs and labels: alphabets from files, and columns of names for files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from kt_theory.tables.sources import content_of, decoded, speaking_of


def read_names(path: str | os.PathLike[str]) -> list[str]:
    r"""An alphabet from a text file, one name on each line.

    Parameters
    ----------
    path : path_like
        A file of UTF-8 text. Names are taken as they stand, blanks and commas included.

    Returns
    -------
    list of str
        The names, in the order of the file.

    Raises
    ------
    ValueError
        In one sentence that names the file: no such file, a folder, a file that may not be read; an empty file; text
        that is not UTF-8; an empty line before the last name; a name that occurs twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "actions.txt"
    ...     _ = path.write_text("yes\nno\n")
    ...     read_names(path)
    ['yes', 'no']
    """
    source = Path(path)
    with speaking_of(source):
        text = decoded(content_of(source)).replace("\r\n", "\n").rstrip("\n")
        names = text.split("\n")
        lines: dict[str, int] = {}
        for i, name in enumerate(names, start=1):
            if not name:
                raise ValueError(f"line {i} is empty: a name is needed")
            if name in lines:
                raise ValueError(f"line {i} repeats the name {name!r} of line {lines[name]}")
            lines[name] = i
        return names


def texts(names: tuple[str, ...]) -> np.ndarray:
    """Names as a column; a lone surrogate, which no file can hold, would fail deep inside pandas."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the name {name!r} cannot be encoded in UTF-8") from None
    return np.array(names, dtype=object)
