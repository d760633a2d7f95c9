"""Objects from words of the command line: losses by id and parameters, functions and statements in Python files."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import kt_theory as kt
from kt_theory.showing import shown


def made(name: str, words: list[str]) -> Any:
    """The loss of an id and of words NAME=VALUE."""
    known = kt.losses.LOSSES.get(name)
    given: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key or not value:
            raise ValueError(f"--set has {word!r}: a parameter is given as NAME=VALUE")
        if key in given:
            raise ValueError(f"--set gives {key} twice")
        parameter = getattr(known, key, None)
        given[key] = parameter.read(value) if parameter is not None and hasattr(parameter, "read") else value
    return kt.losses.make(name, **given)


def function_of(place: str) -> Any:
    """The function of FILE.py:NAME."""
    file, _, name = (place, "", "") if place.endswith(".py") else place.rpartition(":")
    module = _module_of(file, "a function is given as FILE.py:NAME")
    if not callable(getattr(module, name, None)):
        has = ", ".join(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        said = f"has no function {shown(name)}" if name else "is a file: a function is given as FILE.py:NAME"
        raise ValueError(f"{shown(file)} {said}; it has {has or 'none'}")
    return getattr(module, name)


def statements_of(file: str) -> list[Any]:
    """Every `kt_theory.ledger.Statement` at the top level of a Python file, in the order in which it names them."""
    module = _module_of(file, "statements are given as a Python file, --file FILE.py")
    named = [value for value in vars(module).values() if isinstance(value, kt.ledger.Statement)]
    if not named:
        raise ValueError(
            f"{shown(file)} has no statement: name at its top level what kt_theory.ledger.upper_bound, lower_bound or "
            "Statement gives"
        )
    return list({id(statement): statement for statement in named}.values())  # one of two names is one


def _module_of(file: str, given: str) -> ModuleType:
    """A Python file of the user's, executed."""
    if not Path(file).is_file():
        raise ValueError(f"there is no file {shown(file)}: {given}")
    if Path(file).suffix != ".py":
        raise ValueError(f"{shown(file)} is no Python file: {given}")
    module = ModuleType(Path(file).stem)
    module.__file__ = os.fspath(file)
    try:
        # Not by an import: it keeps bytecode beside the user's file, and takes that for a file of one size and second.
        exec(compile(Path(file).read_bytes(), os.fspath(file), "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:  # whatever a file of the user's raises
        raise ValueError(f"{shown(file)} does not import: {type(error).__name__}: {error}") from error
    return module
