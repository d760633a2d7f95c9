"""Fingerprints: what tells apart two functions of one name, the same in every process and for every run."""

from __future__ import annotations

import functools
import hashlib
import inspect
import pickle
import types
from collections.abc import Callable, Mapping
from typing import Any

from kt_theory import checks


def fingerprint(owner: str, *functions: Callable[..., Any] | None, facts: Any = ()) -> str:
    """The digest of what functions consist of: their code, default arguments, what they close over and the globals
    that they read; functions among these the same way, other values by their bytes.

    Parameters
    ----------
    owner : str
        Whose functions they are, for the message.
    functions : callable or None
    facts : object
        What else belongs to it, of plain values.

    Returns
    -------
    str
        16 hexadecimal digits. Byte code differs between versions of Python, and so do fingerprints.

    Raises
    ------
    ValueError
        For a value whose content cannot be told from another's.
    """
    content = [None if function is None else _content(owner, function, ()) for function in functions]
    return hashlib.sha256(repr((content, facts)).encode()).hexdigest()[:16]


def _content(owner: str, value: Any, above: tuple[int, ...]) -> Any:
    value = getattr(value, "py_func", value)  # a function that numba compiled
    if id(value) in above:
        return "itself"
    above = (*above, id(value))
    inside = functools.partial(_content, owner, above=above)
    if isinstance(value, functools.partial):
        return "partial", inside(value.func), inside(list(value.args)), inside(value.keywords)
    if inspect.ismethod(value):
        return "method", inside(value.__func__), inside(value.__self__)
    if isinstance(value, types.FunctionType):
        if (value.__module__ or "").partition(".")[0] in ("numpy", "scipy", "math", "numba"):
            return value.__module__, value.__qualname__
        closed = {}
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            try:
                closed[name] = inside(cell.cell_contents)
            except ValueError as error:
                if "empty" not in str(error):
                    raise
                closed[name] = "empty"
        # Not by inspect.getclosurevars, which raises where a variable that is closed over is not set yet.
        known = value.__globals__
        read = {name: inside(known[name]) for name in value.__code__.co_names if name in known}
        defaults = inside(list(value.__defaults__ or ())), inside(value.__kwdefaults__ or {})
        return "function", _code(value.__code__), closed, sorted(read.items()), defaults
    if inspect.ismodule(value) or isinstance(value, (types.BuiltinFunctionType, type)):
        return type(value).__name__, getattr(value, "__module__", ""), value.__name__
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(repr(inside(entry)) for entry in value)
    if isinstance(value, Mapping):
        return type(value).__name__, sorted((repr(key), repr(inside(entry))) for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [inside(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return type(value).__name__, repr(value)
    if type(value).__module__ == "numpy":
        try:
            return type(value).__name__, hashlib.sha256(pickle.dumps(value, protocol=5)).hexdigest()
        except (pickle.PicklingError, AttributeError, TypeError):  # an array of objects that have no content to compare
            pass
    raise ValueError(
        f"{owner} uses {checks.shown(value)}, whose content cannot be told from another's: "
        "give a fingerprint, a text that changes when its functions do"
    )


def _code(code: types.CodeType) -> Any:
    constants = [
        _code(constant) if isinstance(constant, types.CodeType) else _constant(constant) for constant in code.co_consts
    ]
    return code.co_code.hex(), code.co_names, code.co_varnames, code.co_freevars, constants


def _constant(constant: Any) -> str:
    return repr(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)
