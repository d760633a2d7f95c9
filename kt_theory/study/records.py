"""Sealed files: JSON that carries the SHA-256 of itself, read only if every byte and every field is as it must be."""

from __future__ import annotations

import hashlib
import json
import reprlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kt_theory.files import write_whole


class Damaged(ValueError):
    """A file of the folder is not what was written; the message names it and what is wrong."""


# --- Bytes --------------------------------------------------------------------------------------------------


def sealed(content: Mapping[str, Any]) -> bytes:
    """The bytes of a record: its content and the SHA-256 of that."""
    body = json.dumps(content, indent=1)
    seal = hashlib.sha256(body.encode()).hexdigest()
    return json.dumps({**content, "sha256": seal}, indent=1).encode() + b"\n"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all."""
    write_whole(path, lambda file: file.write_bytes(sealed(content)))


def read_sealed(path: Path) -> dict[str, Any]:
    """The content of a sealed file; raises `Damaged` unless its bytes are exactly those of its content and seal."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            raise Damaged(f"{path} is not a regular file")
        written = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}") from None
    try:
        content = json.loads(written)
        seal = content.pop("sha256")
        again = sealed(content)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise Damaged(f"{path} is damaged: {len(written)} bytes that are no sealed record") from None
    if again != written:
        raise Damaged(f"{path} is damaged: its SHA-256 is not {str(seal)[:12]}...")
    return content  # type: ignore[no-any-return]


# --- Fields -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """What a field may be.

    Attributes
    ----------
    words : str
        It, in words.
    holds : callable
        Whether a value is of the kind.
    """

    words: str
    holds: Callable[[Any], bool]

    def or_null(self) -> Kind:
        """The same, or null."""
        return Kind(f"{self.words} or null", lambda value: value is None or self.holds(value))


def whole(minimum: int = 0, maximum: int = 2**63 - 1) -> Kind:
    """Whole numbers of a range."""
    return Kind(
        f"a whole number from {minimum} to {maximum}",
        # type(), since True is an int
        lambda value: type(value) is int and minimum <= value <= maximum,
    )


def number(minimum: float = 0.0, maximum: float = sys.float_info.max) -> Kind:
    """Finite numbers of a range."""
    upper = "" if maximum == sys.float_info.max else f" to {maximum:g}"
    return Kind(
        f"a finite number from {minimum:g}{upper}",
        # NaN fails every comparison, and an int of any size may be compared with a float.
        lambda value: type(value) in (int, float) and minimum <= value <= maximum,
    )


TEXT = Kind("text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
LIST = Kind("a list", lambda value: isinstance(value, list))
FIELDS = Kind("an object", lambda value: isinstance(value, dict))


def hexadecimal(digits: int) -> Kind:
    """Identities: so many hexadecimal digits."""
    return Kind(
        f"{digits} hexadecimal digits",
        lambda value: isinstance(value, str) and len(value) == digits and set(value) <= set("0123456789abcdef"),
    )


def require(path: Path, content: Mapping[str, Any], kinds: Mapping[str, Kind], where: str = "") -> None:
    """Raise `Damaged` unless each field is there and of its kind; unknown fields are not checked.

    The seal shows that the bytes are as they were written, not which version wrote them.
    """
    for name, kind in kinds.items():
        if name not in content:
            raise Damaged(f"{path}: {where}{name} is missing: it was written by another version of kt_theory")
        if not kind.holds(content[name]):
            raise Damaged(
                f"{path}: {where}{name} is {reprlib.repr(content[name])}, not {kind.words}: "
                "it was written by another version of kt_theory"
            )


#: Of a protocol of a user's own, whose name does not say them.
PROTOCOL_FACTS = {
    "shows_label": FLAG,
    "tells_drawn": FLAG,
    "top": whole().or_null(),
    "lists_last": FLAG,
    "listed": FLAG,
}

#: Facts that protocols came to have later: where they are not written they are as if there were none.
LATER_FACTS = {
    "draws": whole(1),
    "digits": whole(0, 15).or_null(),
    "temperature": number(5e-324),
    "replacing": FLAG,
    "mass": number(5e-324, 1.0).or_null(),
    "at_least": number(5e-324, 1.0).or_null(),
    "ordered": FLAG,
}
