"""Losses from words of the command line: ids with parameters, functions in files."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
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
    file, _, name = place.rpartition(":")
    if not Path(file).is_file():
        raise ValueError(f"there is no file {shown(file)}: a function is given as FILE.py:NAME")
    spec = importlib.util.spec_from_file_location(Path(file).stem, os.fspath(file))
    if spec is None or spec.loader is None:
        raise ValueError(f"{shown(file)} is no Python file: a function is given as FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a file of the user's raises
        raise ValueError(f"{shown(file)} does not import: {type(error).__name__}: {error}") from error
    if not callable(getattr(module, name, None)):
        has = ", ".join(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise ValueError(f"{shown(file)} has no function {shown(name)}; it has {has or 'none'}")
    return getattr(module, name)
