"""How results are printed."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kt_theory.showing import escaped, table

if TYPE_CHECKING:
    import pandas as pd

#: How many names or rows are listed before the rest is only counted.
LISTED = 8


def terminal_width() -> int | None:
    """Characters that a line of standard output may have: COLUMNS, or those of the terminal; None if it is a file."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_json(answer: Any) -> None:
    """Print an answer as JSON, numbers to their last digit."""
    print(json.dumps(_finite(answer), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    """What JSON can hold: NumPy's numbers as Python's, and null for what is not finite, as JSON has no such number."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def frame_as_text(frame: pd.DataFrame, number: Callable[[float], str] = "{:.6g}".format) -> str:
    """The rows of a frame as a table that fits the terminal."""
    cells = [
        [number(value) if isinstance(value, float) else escaped(str(value)) for value in row]
        for row in frame.astype(object).itertuples(index=False)
    ]
    return table([[*map(str, frame.columns)], *cells], width=terminal_width())


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def self_audit_found(audit: Any) -> dict[str, Any]:
    """What is told of an answer of `kt_theory.self_audit`."""
    return {name: getattr(audit, name) for name in ("learner", "risk", "standard_error")}


def self_audit_as_text(found: dict[str, Any]) -> str:
    return (
        f"risk of {found['learner']}, by leaving out one record at a time: {found['risk']:.4g} "
        f"(standard error {found['standard_error']:.2g})"
    )


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
