"""Writing files whole: a reader finds the old file or the new one, never half of one."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from kt_theory.refusals import Argument, Refusal

#: Names of temporary neighbours: those that `tempfile.mkstemp` makes of the prefix and the suffix in `_neighbour`.
_NEIGHBOUR = re.compile(r"\.(?P<stem>.+)-[a-z0-9_]{8}(?P<suffix>\.[^.]+)?")


def path_of(path: object, name: str = "path") -> Path:
    """`path` as a Path, if it can be one: text or path_like, not empty, without NUL, which no file system takes."""
    spelled = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(spelled, str):
        raise ValueError(f"{name} is of type {type(path).__name__}: it must be a path, text or a pathlib.Path")
    if not spelled or any(c < " " or c == "\x7f" for c in spelled):
        raise ValueError(f"{name} is {ascii(spelled)[:60]}: it must not be empty, nor hold control characters")
    if max(len(part.encode("utf-8", "surrogatepass")) for part in spelled.split("/")) > 255:
        raise ValueError(f"{name} is {ascii(path)[:60]}...: no name of a file or folder has more than 255 bytes")
    return Path(spelled)


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary neighbour of `path`, then put it in the place of `path` in one step.

    The neighbour has the same suffix, since writers choose their format by it. If `write` raises, `path` is as before
    and the neighbour is gone. A missing folder is made; a link stays a link, and what it points to is replaced.
    """
    target = _target(path)
    neighbour = _neighbour(target)
    try:
        write(neighbour)
        with open(neighbour, "rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        neighbour.chmod(0o666 & ~umask)
        os.replace(neighbour, target)
    except OSError as error:
        neighbour.unlink(missing_ok=True)
        raise ValueError(f"{target} cannot be written: {error.strerror or error}") from error
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise
    return Path(path)


def refuse_overwriting(
    argument: str, out: str | os.PathLike[str], inputs: Mapping[str, str | os.PathLike[str] | None]
) -> None:
    """Refuse an output, given as `argument`, that is one of the inputs.

    `inputs` maps what a sentence calls an input to its path, or to None if it was not given.
    """
    for name, given in inputs.items():
        if given is not None and _same_file(out, given):
            said = f" is {os.fspath(out)}, which is {name} too: it would be overwritten; choose another name"
            raise Refusal(Argument(argument), said)


def _same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them does not exist yet
        return Path(one).absolute() == Path(other).absolute()


def check_writable(path: str | os.PathLike[str], *suffixes: str) -> None:
    """Raise now what `write_whole` would raise after the work is done; a missing folder is made."""
    check_suffix(path, *suffixes)
    _neighbour(_target(path)).unlink()


def check_suffix(path: str | os.PathLike[str], *suffixes: str) -> None:
    """Raise unless the name of a file ends in one of the suffixes, if there are any."""
    if suffixes and path_of(path).suffix.lower() not in suffixes:
        raise ValueError(f"{os.fspath(path)}: its name must end in {' or '.join(suffixes)}")


def written_for(name: str) -> str | None:
    """The name of the file that a temporary neighbour of this name was to become; None if it is no such name."""
    match = _NEIGHBOUR.fullmatch(name)
    return None if match is None else match["stem"] + (match["suffix"] or "")


def _target(path: str | os.PathLike[str]) -> Path:
    """What a path means, links followed."""
    try:
        target = path_of(path).resolve()
        circle = target.is_symlink()
    except RuntimeError:  # until Python 3.12; later the link itself comes back
        circle = True
    if circle:
        raise ValueError(f"{os.fspath(path)} is a link that leads back to itself")
    return target


def _neighbour(target: Path) -> Path:
    try:
        if target.exists() and not target.is_file():
            raise ValueError(f"{target} is not a regular file: it cannot be replaced")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise ValueError(f"{target} cannot be written: {error.strerror}") from error
    os.close(handle)
    return Path(name)
