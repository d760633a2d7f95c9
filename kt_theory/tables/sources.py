"""Files and standard input as bytes and as text, and the messages on them."""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kt_theory.files import path_of
from kt_theory.refusals import Refusal

#: Formats that are written, by the file's suffix.
SUFFIXES = (".csv", ".parquet")

#: Formats that are read, by the end of the file's name. `-` is standard input, whose format its first bytes tell.
READ_SUFFIXES = (".csv", ".tsv", ".parquet", ".npy", ".csv.gz", ".tsv.gz")

#: The name of standard input where a path is asked for.
STANDARD_INPUT = "-"

_GZIP, _PARQUET, _NPY = b"\x1f\x8b", b"PAR1", b"\x93NUMPY"

#: Formats that are not read, by the first bytes of a file, so that what it is can be said.
_ARCHIVES = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}


@dataclass(frozen=True)
class Source:
    """The bytes of a table, and how they are to be read: as "parquet", as "npy", or as "text" with a separator."""

    content: bytes
    kind: str = "text"
    separator: str = ","


@contextmanager
def speaking_of(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file's name in front of the sentence of a ValueError."""
    try:
        yield
    except Refusal as error:
        raise Refusal(f"{name_of_source(path)}: ", *error.parts) from None
    except ValueError as error:
        raise ValueError(f"{name_of_source(path)}: {error}") from None


def name_of_source(path: str | os.PathLike[str]) -> str:
    """What a file is called in a sentence."""
    return "standard input" if os.fspath(path) == STANDARD_INPUT else os.fspath(path)


def stem_of(path: str | os.PathLike[str]) -> str:
    """The name of a table: that of its file, without folder and suffixes."""
    name = Path(path).name
    for suffix in sorted(READ_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name_of_source(path)


def suffix_to_write(path: Path) -> str:
    """The suffix of a file that is to be written."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"its name must end in {' or '.join(SUFFIXES)}")
    return suffix


def source_of(path: str | os.PathLike[str]) -> Source:
    """The table in a file, or on standard input."""
    if os.fspath(path) == STANDARD_INPUT:
        content = content_of(path)
        if content.startswith(_GZIP):
            content = _decompressed(content)
        head = content.partition(b"\n")[0]
        kind = "parquet" if content.startswith(_PARQUET) else "npy" if content.startswith(_NPY) else "text"
        return Source(content, kind, "\t" if b"\t" in head else ",")
    suffixes = [suffix for suffix in READ_SUFFIXES if Path(path).name.lower().endswith(suffix)]
    if not suffixes or Path(path).name.lower() in READ_SUFFIXES:
        raise ValueError(f"its name must end in {', '.join(READ_SUFFIXES[:-1])} or {READ_SUFFIXES[-1]}")
    content = content_of(path)
    if suffixes[-1].endswith(".gz"):
        content = _decompressed(content)
    elif content.startswith(_GZIP):
        raise ValueError("it is compressed: its name must then end in .csv.gz or .tsv.gz")
    if suffixes[-1] != ".parquet" and content.startswith(_PARQUET):
        raise ValueError("it is a Parquet file: its name must then end in .parquet")
    kind = suffixes[-1][1:] if suffixes[-1] in (".parquet", ".npy") else "text"
    return Source(content, kind, "\t" if ".tsv" in suffixes[-1] else ",")


def content_of(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file, or of standard input."""
    try:
        if os.fspath(path) == STANDARD_INPUT:
            content = sys.stdin.buffer.read()
        else:
            refuse_irregular(os.stat(path).st_mode)
            content = Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from None
    if not content:
        raise ValueError("the file is empty")
    return content


def refuse_irregular(mode: int) -> None:
    """Refuse what is no regular file: reading it might not end."""
    if stat.S_ISDIR(mode):
        raise ValueError("it is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise ValueError(f"it is a pipe or a device, not a file: `{STANDARD_INPUT}` reads standard input")


def decoded(content: bytes) -> str:
    """The text of a file."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:2]:
        raise ValueError("it is UTF-16 or UTF-32: save the file as UTF-8 text")
    try:
        return content.decode("utf-8-sig")  # spreadsheets put a byte order mark in front
    except UnicodeDecodeError as error:
        for head, format_ in _ARCHIVES.items():
            if content.startswith(head):
                raise ValueError(f"it is {format_}: save the table in it as UTF-8 text") from None
        where = f"byte {error.start} is {content[error.start]:#04x}"
        raise ValueError(f"{where}, which is not UTF-8: save the file as UTF-8 text") from None


def checked_path(path: Any) -> Path:
    """A path as an argument of a public function."""
    return path_of(path)


def load_pyarrow() -> Any:
    """The library that reads and writes Parquet files, which is an extra."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError("Parquet files need pyarrow: in a checkout of kt_theory, pip install '.[parquet]'") from None
    return pyarrow


def _decompressed(content: bytes) -> bytes:
    try:
        content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise ValueError("it is not a gzip file, or a damaged one") from None
    if not content:
        raise ValueError("the file is empty")
    return content
