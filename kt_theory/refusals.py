"""Refusals and notes whose sentence names an argument, as the caller spells it.

A function writes ``tolerance=0.004``, the command that calls it writes ``--tolerance 0.004``. The sentence is kept in
parts, so that no text is parsed to make one of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Argument:
    """An argument that a sentence names, with the value it might have, if the sentence gives one."""

    name: str
    value: Any = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value!r}"

    @property
    def option(self) -> str:
        """The argument as an option of a command."""
        flag = f"--{self.name.replace('_', '-')}"
        if isinstance(self.value, dict):
            return " ".join([flag, *(f"{key}={value}" for key, value in self.value.items())])
        return flag if self.value is None or self.value is True else f"{flag} {self.value}"


class _Sentence(Exception):
    """A sentence in parts; its text spells the arguments as Python does."""

    parts: tuple[str | Argument, ...]

    def __init__(self, *parts: str | Argument) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    @property
    def with_options(self) -> str:
        """The sentence with every argument spelled as an option of a command."""
        return "".join(part.option if isinstance(part, Argument) else part for part in self.parts)


class Refusal(_Sentence, ValueError):
    """A ValueError whose sentence names arguments."""


class Note(_Sentence, UserWarning):
    """A warning of a reader: something was left alone, or changed as it was asked to."""


def spelled_with_options(error: Exception | Warning) -> str:
    """The text of any error or warning, as a command should print it."""
    return error.with_options if isinstance(error, _Sentence) else str(error)
