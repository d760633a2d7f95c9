"""Compiling loops with numba: the only module that imports it.

A function that is compiled takes arrays and numbers, fills its last argument, validates nothing and draws nothing.
Sums of floats run in the order of the labels (no ``fastmath``), so that a result does not depend on the vector width of
a processor. The interpreter lock is released: threads over blocks of repeats run side by side.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import types
from collections.abc import Callable
from typing import Any

import numba as nb


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use, and keep the result on disk where there is a place for it."""
    try:
        compiled = nb.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # A read-only installation whose user has no home: compile anew in every process.
        return nb.njit(nogil=True, error_model="numpy")(function)
    # With NUMBA_DISABLE_JIT the function comes back as it is.
    if hasattr(compiled, "_cache"):
        compiled._cache = _Kept(compiled._cache)
    return compiled


class _Kept:
    """A dispatcher's files, none of which is needed: one that is damaged or cannot be written costs time only."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def load_overload(self, *signature_and_context: Any) -> Any:
        try:
            return self._files.load_overload(*signature_and_context)
        except Exception:  # what unpickling a truncated file raises may be of any kind
            with contextlib.suppress(OSError):
                self._files.flush()  # empties the index, so that the function is compiled and kept anew
            return None

    def save_overload(self, *signature_and_result: Any) -> None:
        with contextlib.suppress(OSError):  # no space left, a folder that may not be written
            self._files.save_overload(*signature_and_result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)


@functools.lru_cache(maxsize=64)
def row_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """A row function of a learner or of a divergence, compiled; one that is compiled already stays what it is."""
    if isinstance(function, nb.core.dispatcher.Dispatcher):
        return function
    if not _is_own(function):
        return _jit_for_now(function)
    called = _called(function)
    return specialised(function, called, function.__name__) if called else jit(function)


def specialised(loop: Callable[..., Any], parts: dict[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    """The loop compiled with row functions in the place of its global names: they are inlined, not called.

    It is kept on disk only where all parts are the package's: numba does not see a change in what a user's function
    closes over or reads from its module. The name there has the digest of the parts in it, since numba looks at the
    file of the loop only to see whether what it kept is still good.
    """
    compiled = {key: row_function(part) for key, part in parts.items()}
    copy = types.FunctionType(loop.__code__, {**loop.__globals__, **compiled}, name)
    if not all(_is_own(part) for part in parts.values()):
        return _jit_for_now(copy)
    content = [(key, _content(part)) for key, part in sorted(parts.items())]
    copy.__qualname__ = f"{name}_{hashlib.sha256(repr(content).encode()).hexdigest()[:16]}"
    return jit(copy)


def _called(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The row functions of the package that a row function calls by their global names."""
    named = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    return {name: found for name, found in named.items() if isinstance(found, types.FunctionType) and _is_own(found)}


def _content(part: Callable[..., Any]) -> Any:
    """What a row function consists of: its code, the names in it, and the numbers and functions that these stand for.

    The names are needed, since max(x, y) and min(x, y) have one byte code and one list of constants.
    """
    code = part.__code__
    read = {name: part.__globals__.get(name) for name in code.co_names}
    numbers = [(name, repr(found)) for name, found in read.items() if isinstance(found, (int, float))]
    called = [(name, _content(other)) for name, other in sorted(_called(part).items())]
    return code.co_code, code.co_names, repr(code.co_consts), numbers, called


def _jit_for_now(function: Callable[..., Any]) -> Callable[..., Any]:
    return nb.njit(nogil=True, error_model="numpy")(function)


def _is_own(function: Callable[..., Any]) -> bool:
    """Whether a row function is the package's: it closes over nothing, reads numpy and calls others of the package."""
    module = getattr(function, "__module__", None) or ""
    own = module.partition(".")[0] == __name__.partition(".")[0] and isinstance(function, types.FunctionType)
    return own and function.__closure__ is None
