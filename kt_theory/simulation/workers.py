"""Threads to spread blocks over."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

from kt_theory import checks

T = TypeVar("T")
R = TypeVar("R")

#: The most threads.
WORKERS_MAX = 1024

#: Blocks handed out ahead of the one that is waited for.
AHEAD = 1024


def in_order(pool: Executor, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
    """``map(function, tasks)`` by the workers of `pool`, no more than `AHEAD` tasks handed out at a time.

    ``pool.map`` would hand out all of them at once: gigabytes for the blocks of 10**9 repeats.
    """
    waiting: collections.deque[Future[R]] = collections.deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def thread_pool(workers: int | None) -> ThreadPoolExecutor:
    """Threads to spread blocks over: `workers`, or as many as there are processors."""
    if workers is not None and checks.whole_number("workers", workers, minimum=1) > WORKERS_MAX:
        raise ValueError(f"workers is {workers}: at most {WORKERS_MAX} threads can be started")
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(int(workers))
