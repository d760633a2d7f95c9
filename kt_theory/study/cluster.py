"""Drawing the batches of a study on a Dask cluster: an executor like any other, with its threads on other machines.

The scheduler gives the tasks of a worker that is gone to another one, a few times; then it gives up on them, and the
engine submits them again. While there is no worker, the study waits for one. The scheduler's end loses the batches
being drawn: the folder of the study has the rest, and the same command goes on.

A task contains a small problem itself, and of a large one the identity: a worker that lacks the problem reports it,
receives and keeps it, and receives the task again. So a problem is sent once to each worker, whenever that joins, and
no task depends on data that are lost with another worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import pickle
import socket
import sys
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from kt_theory import __version__
from kt_theory.problem import Problem

#: Problems of more bytes are not sent with each task.
LARGE = 2**16

#: How many problems a worker keeps, the last ones that it drew from.
KEPT = 4

#: Seconds to wait for a scheduler.
PATIENCE = 5

#: Parameters of glibc's mallopt, as in its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

#: Loggers of distributed whose long messages repeat what is reported here in a sentence.
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
        call = functools.partial(function, *arguments, **named)
        self._send(call, _by_name(call), future)
        return future

    def _send(
        self, call: functools.partial[Any], sent: functools.partial[Any], future: Future[Any], **where: Any
    ) -> None:
        """Send a call, as it is or with its large problems named."""
        task = self._client.submit(_on_worker, sent, **where, pure=False)
        task.add_done_callback(lambda done: self._deliver(done, call, bool(where), future))

    def _deliver(self, task: Any, call: functools.partial[Any], again: bool, future: Future[Any]) -> None:
        # Called from one thread of the client: a problem that two tasks lack on one worker is sent there once.
        try:
            if task.status == "finished":
                result = task.result()
                if isinstance(result, _Lacks):
                    self._provide(result, call)
                    # A worker keeps few problems and may have dropped this one: the second time the task contains it.
                    sent = call if again else _by_name(call)
                    self._send(call, sent, future, workers=[result.worker], allow_other_workers=True)
                else:
                    future.set_result(result)
            elif task.status == "error":
                future.set_exception(task.exception())
            else:
                # No code here cancels tasks: the scheduler is gone, and no task that is sent will arrive.
                future.set_exception(self._lost())
        except Exception as error:  # the result was lost on its way: a future that never ends would hang the study
            future.set_exception(error)

    def _provide(self, lack: _Lacks, call: functools.partial[Any]) -> None:
        """Send a worker the problem that it lacks, unless it came in the meantime or the worker is gone."""
        with contextlib.suppress(OSError):
            if not self._client.run(_has, lack.key, workers=[lack.worker])[lack.worker]:
                problem = next(a for a in call.args if isinstance(a, Problem) and _key_of(a) == lack.key)
                self._client.run(_keep, lack.key, pickle.dumps(problem, protocol=5), workers=[lack.worker])

    def _lost(self) -> BrokenExecutor:
        return BrokenExecutor(f"the scheduler at {self._address} is gone; the same command goes on from what is stored")


def _knock(address: str) -> None:
    """Raise unless the address sends bytes: a scheduler sends first, and a client would wait without end."""
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
    """Silence the loggers of distributed within the context."""
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in _LOUD}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


# --- Large problems by name ---------------------------------------------------------------------------------

_KEYS: weakref.WeakKeyDictionary[Problem, str | None] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class _Named:
    """Stands for a problem that a worker keeps."""

    key: str


def _by_name(call: functools.partial[Any]) -> functools.partial[Any]:
    """The call with a name in the place of each large problem."""
    keys = [_key_of(argument) if isinstance(argument, Problem) else None for argument in call.args]
    arguments = (_Named(key) if key else argument for key, argument in zip(keys, call.args, strict=True))
    return functools.partial(call.func, *arguments, **call.keywords)


def _key_of(problem: Problem) -> str | None:
    """The key of a large problem on the workers, from its numbers and form; None for a small one."""
    if problem not in _KEYS:
        arrays = [problem.pairs.values, problem.pairs.columns] if problem.sparse else [problem.teacher]
        large = sum(array.nbytes for array in arrays) > LARGE
        _KEYS[problem] = f"{problem.identity} {'sparse' if problem.sparse else 'dense'}" if large else None
    return _KEYS[problem]


# --- What a worker does -------------------------------------------------------------------------------------

_PROBLEMS: OrderedDict[str, Problem] = OrderedDict()
_PROBLEMS_LOCK = threading.Lock()


@dataclass(frozen=True)
class _Lacks:
    """The answer of a worker that lacks a problem: its address, and the key of the problem."""

    worker: str
    key: str


def _on_worker(call: functools.partial[Any]) -> Any:
    """Run a call on a worker, if that has the problems named."""
    from distributed import get_worker

    _keep_freed_memory()
    arguments = []
    for argument in call.args:
        if isinstance(argument, _Named):
            with _PROBLEMS_LOCK:
                if argument.key not in _PROBLEMS:
                    return _Lacks(get_worker().address, argument.key)
                _PROBLEMS.move_to_end(argument.key)
                argument = _PROBLEMS[argument.key]
        arguments.append(argument)
    return call.func(*arguments, **call.keywords)


def _has(key: str) -> bool:
    """Whether this worker has a problem."""
    return key in _PROBLEMS


def _keep(key: str, content: bytes) -> None:
    """Keep a problem on this worker."""
    problem = pickle.loads(content)
    with _PROBLEMS_LOCK:
        _PROBLEMS[key] = problem
        while len(_PROBLEMS) > KEPT:
            _PROBLEMS.popitem(last=False)


@functools.cache
def _keep_freed_memory() -> None:
    """Let this process keep up to 32 MB that it frees, once; with glibc only.

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
