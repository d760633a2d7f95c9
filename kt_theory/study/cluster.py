"""Drawing the batches of a study on a Dask cluster: an executor like any other, with its threads on other machines.

The scheduler gives the tasks of a worker that is gone to another one, a few times; then it gives up on them, and the
engine submits them again. A task carries its problem with it rather than a reference to data on a worker, so that no
worker is needed but the one that draws; while there is none, the study waits for one. What is lost with the scheduler
is what was being drawn: the folder of the study has the rest, and the same command goes on.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from kt_theory import __version__

#: Seconds to wait for a scheduler.
PATIENCE = 5

#: Parameters of glibc's mallopt, as in its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

#: Loggers of distributed that tell at length what is told here in a sentence.
_LOUD = ("distributed", "distributed.client", "distributed.core", "distributed.comm")


@contextlib.contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """Connect to a Dask cluster, and draw batches there.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Yields
    ------
    Executor
        For `kt_theory.study.run` and `run_in_folder`.

    Raises
    ------
    ImportError
        Without the extra ``cluster``.
    ValueError
        If no scheduler answers, or a worker has no kt_theory.

    Warns
    -----
    UserWarning
        If workers run another version of kt_theory or NumPy: they may draw other numbers.
    """
    try:
        from distributed import Client
    except ImportError:
        remedy = "in a checkout of kt_theory, pip install '.[cluster]'"
        raise ImportError(f"a cluster needs the extra of that name: {remedy}") from None
    _knock(address)
    with _quiet():
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except OSError as error:
            raise ValueError(f"no scheduler answers at {address} ({error})") from None
        try:
            _compare_versions(client)
            yield ClusterExecutor(client, address)
        finally:
            client.close(timeout=PATIENCE)


class ClusterExecutor(Executor):
    """The executor of a connected client.

    Parameters
    ----------
    client : distributed.Client
    address : str
        Of its scheduler, as messages name it.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address

    @property
    def _max_workers(self) -> int:
        """Threads of all workers, as executors of the standard library call it."""
        return max(sum(self._client.nthreads().values()), 1)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Send one call to the scheduler. It cannot be called back: on Ctrl-C what was sent is waited for."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        if self._client.status != "running":
            raise self._lost()
        task = self._client.submit(_on_worker, function, *arguments, **named, pure=False)
        task.add_done_callback(lambda done: self._deliver(done, future))
        return future

    def _deliver(self, task: Any, future: Future[Any]) -> None:
        try:
            if task.status == "finished":
                future.set_result(task.result())
            elif task.status == "error":
                future.set_exception(task.exception())
            else:
                # Nobody here cancels tasks: the scheduler is gone, and nothing that is sent will arrive.
                future.set_exception(self._lost())
        except Exception as error:  # the result was lost on its way: a future that never ends would hang the study
            future.set_exception(error)

    def _lost(self) -> BrokenExecutor:
        return BrokenExecutor(f"the scheduler at {self._address} is gone; the same command goes on from what is stored")


def _knock(address: str) -> None:
    """Raise unless something speaks at the address: a scheduler does so first, and a client would wait for ever."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None or parts.scheme not in ("tcp", "tls"):
        raise ValueError(f"{address!r} is no address of a scheduler: tcp://host:port is needed")
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as line:
            if parts.scheme == "tcp" and not line.recv(1):
                raise ConnectionError("it hung up")
    except TimeoutError:
        raise ValueError(f"no scheduler answers at {address} within {PATIENCE} seconds") from None
    except OSError as error:
        raise ValueError(f"no scheduler answers at {address}: {error.strerror or error}") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let distributed be silent for a while."""
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in _LOUD}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _on_worker(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run a call on a worker."""
    _keep_freed_memory()
    return function(*arguments, **named)


@functools.cache
def _keep_freed_memory() -> None:
    """Let this process keep up to 32 MB that it frees, once; only glibc knows how.

    Workers of Dask give every freed page back to the system. Blocks take and free some megabytes each millisecond, and
    would spend half of their time on getting the same pages again.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            mallopt(parameter, 2**25)


def _versions() -> tuple[str, str]:
    """What decides the numbers that a process draws."""
    return __version__, np.__version__


def _compare_versions(client: Any) -> None:
    """Warn if a worker might draw other numbers, raise if one can draw none."""
    here = _versions()
    others: dict[tuple[str, str], int] = {}
    for worker, there in client.run(_versions, on_error="return").items():
        if isinstance(there, BaseException):
            raise ValueError(f"the worker at {worker} cannot run kt_theory ({type(there).__name__}: {there})")
        if there != here:
            others[there] = others.get(there, 0) + 1
    if others:
        told = ", ".join(f"{count} with kt_theory {v} and NumPy {np_v}" for (v, np_v), count in others.items())
        warnings.warn(
            f"workers run other versions than kt_theory {here[0]} and NumPy {here[1]}: {told}; "
            "they may draw other numbers",
            stacklevel=4,
        )
