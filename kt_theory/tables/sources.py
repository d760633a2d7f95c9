"""Files as bytes and as text, and the sentences said of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Formats, by the file's suffix.
SUFFIXES = (".csv", ".parquet")


@contextmanager
def speaking_of(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file's name in front of the sentence of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def suffix_of(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"its name must end in {' or '.join(SUFFIXES)}")
    return suffix


def content_of(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except IsADirectoryError:
        raise ValueError("it is a folder, not a file") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from None
    if not content:
        raise ValueError("the file is empty")
    return content


def decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # spreadsheets put a byte order mark in front
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is {content[error.start]:#04x}"
        raise ValueError(f"{where}, which is not UTF-8: save the file as UTF-8 text") from None


def load_pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError("Parquet files need pyarrow: pip install 'kt_theory[parquet]'") from None
    return pyarrow
