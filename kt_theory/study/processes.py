"""Worker processes on this machine as an executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

#: How a worker ends whose parent was killed.
ORPHANED = 1


def process_executor(number: int) -> ProcessPoolExecutor:
    """`number` worker processes, which end with this one, even if killed; spawned: a fork with threads may hang."""
    return ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), initializer=_as_worker)


def _as_worker() -> None:
    """Make this process a worker: it ignores Ctrl-C, which a terminal sends to all, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(ORPHANED)  # it will never close the queue that this process waits at

    threading.Thread(target=follow, daemon=True).start()
