"""How results are printed."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

#: How many names or rows are listed before the rest is only counted.
LISTED = 8


def as_json(frame: pd.DataFrame) -> str:
    """The rows of a frame, numbers to their last digit; what is not finite is null, since JSON has no such number."""
    return json.dumps(rows_of(frame), indent=2, default=lambda value: value.item())


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
