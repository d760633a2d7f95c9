"""Sending learners and divergences of a user's own to other processes."""

from __future__ import annotations

import pickle
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any


def portable(value: Any, pool: Executor) -> Any:
    """`value`, in a form that the workers of `pool` can be sent.

    Functions of a module are sent by name. Those of a design or of a prompt have none that a worker could import, and
    are sent by their content, which takes cloudpickle (it comes with the extra ``cluster``).

    Raises
    ------
    ValueError
        If they have to be sent by their content and cloudpickle is not installed.
    """
    if isinstance(pool, ThreadPoolExecutor):
        return value
    try:
        if pickle.loads(pickle.dumps(value)) == value:
            return value
    except Exception:  # pickling or comparing a user's object may raise anything: it is then sent by its content
        pass
    try:
        import cloudpickle
    except ImportError:
        raise ValueError(
            "a learner or divergence of one's own is sent to other processes by cloudpickle, which is not installed: "
            "install the extra cluster, draw in threads, or define it in a module that the workers import"
        ) from None
    return _ByContent(cloudpickle.dumps(value))


class _ByContent:
    """Bytes that become the value again where they are unpickled."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return pickle.loads, (self._content,)
