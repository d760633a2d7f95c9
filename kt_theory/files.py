"""Writing files whole: a reader finds the old file or the new one, never half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary neighbour of `path`, then put it in the place of `path` in one step.

    The neighbour has the same suffix, since writers choose their format by it. If `write` raises, `path` is as before
    and the neighbour is gone. A missing folder is made.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    neighbour = Path(name)
    try:
        write(neighbour)
        with open(neighbour, "rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        neighbour.chmod(0o666 & ~umask)
        os.replace(neighbour, target)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise
    return target
