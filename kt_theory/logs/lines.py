"""Files, folders and standard input as JSON values, one at a time, each with its place."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from kt_theory.tables.sources import STANDARD_INPUT, checked_path, refuse_irregular

try:  # twice as fast; json parses what it refuses
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

#: Ends of the names of logs; each may be followed by .gz.
LOG_SUFFIXES = (".jsonl", ".ndjson", ".json")

#: A file that is one JSON value is read whole, and is then at most so large, in bytes.
WHOLE_MAX = 2 * 10**9


#: `json.loads` does the same after a search for the encoding: a seventh of its time on a line of 2.5 kB.
_DECODER = json.JSONDecoder()
_BLANKS = " \t\n\r"


class NoJSON(ValueError):
    """A line that is no JSON value."""


def is_log(path: str | os.PathLike[str]) -> bool:
    """Whether the name of a file, or of a folder, is one of logs; a ValueError for what is no path."""
    checked = checked_path(path)
    return os.fspath(checked).lower().removesuffix(".gz").endswith(LOG_SUFFIXES) or checked.is_dir()


def files_of(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The files of paths, a folder giving its logs in the order of their names.

    Raises
    ------
    ValueError
        For a folder without logs.
    """
    found: list[str] = []
    for path in paths:
        if os.fspath(path) != STANDARD_INPUT and Path(path).is_dir():
            inside = sorted(str(file) for file in Path(path).rglob("*") if file.is_file() and is_log(file))
            if not inside:
                raise ValueError(f"{path}: the folder has no file that ends in {', '.join(LOG_SUFFIXES)}")
            found += inside
        else:
            found.append(os.fspath(path))
    return found


def values_of(path: str) -> Iterator[tuple[int, Any]]:
    """The JSON values of a file with the line of each: one a line, or the whole file if its first line is no value.

    A line that is no JSON gives a `NoJSON` in the place of a value.

    Raises
    ------
    ValueError
        For a file that cannot be read, or is empty.
    """
    try:
        with _opened(path) as file:
            yield from _values(file)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ValueError("it is not a gzip file, or a damaged one") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from None


def _opened(path: str) -> Any:
    if path == STANDARD_INPUT:
        stream: Any = sys.stdin.buffer
        stream = stream if hasattr(stream, "peek") else io.BufferedReader(stream)
        return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == b"\x1f\x8b" else stream
    refuse_irregular(os.stat(path).st_mode)
    return gzip.open(path, "rb") if path.lower().endswith(".gz") else open(path, "rb")


def _values(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    lines = ((number, line) for number, line in enumerate(file, 1) if not line.isspace())
    number, line = next(lines, (0, b""))
    if not number:
        raise ValueError("the file is empty")
    line = line.removeprefix(b"\xef\xbb\xbf")  # spreadsheets put a byte order mark in front
    value = parsed(line)
    if isinstance(value, NoJSON):
        second, following = next(lines, (0, b""))
        beneath = parsed(following) if second else value
        if second and not isinstance(beneath, (dict, list)):
            # Printed over several lines, as a single value is.
            whole = parsed(line + following + file.read(WHOLE_MAX))
            if isinstance(whole, NoJSON):
                raise ValueError(f"line {number} is no JSON value ({value}), and the whole file is none")
            yield number, whole
            return
        yield number, value
        if not second:
            return
        number, value = second, beneath
    yield number, value
    for number, line in lines:
        yield number, parsed(line)


def parsed(line: bytes) -> Any:
    """A JSON value, or the `NoJSON` that says why it is none."""
    if orjson is not None:
        try:
            return orjson.loads(line)
        except orjson.JSONDecodeError:
            pass  # NaN, Infinity, half a character; an integer beyond 64 bits is a float there, and nowhere a name
    try:
        text = str(line, "utf-8")
        value, end = _DECODER.raw_decode(text)
        if not text[end:].strip(_BLANKS):
            return value
    except (ValueError, RecursionError):
        pass  # a blank in front, a byte order mark, half a character in bytes, UTF-16; or no JSON
    try:
        return json.loads(line)
    except RecursionError:
        return NoJSON("it is nested too deeply")
    except ValueError as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else "it is not UTF-8"
        return NoJSON(said[:1].lower() + said[1:])
