"""Locks on single bytes of a file; the system releases them when their process ends, also when it is killed."""

from __future__ import annotations

import errno
import os
import struct
import sys

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


def lock(handle: int, kind: str, byte: int) -> bool:
    """Lock one byte of an open file without waiting: shared, exclusive or none; whether that was possible."""
    if fcntl is None:
        return True
    try:
        if sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK"):
            # Locks of the open file: one process may open a folder twice, and closing one leaves the other's alone.
            wanted = {"shared": fcntl.F_RDLCK, "exclusive": fcntl.F_WRLCK, "none": fcntl.F_UNLCK}[kind]
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", wanted, os.SEEK_SET, byte, 1, 0))
        else:
            wanted = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX, "none": fcntl.LOCK_UN}[kind]
            fcntl.lockf(handle, wanted | (0 if kind == "none" else fcntl.LOCK_NB), 1, byte)
    except OSError as error:
        # Held by another process; or a file system without locks, on which no process holds one.
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True
