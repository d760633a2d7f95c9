"""Records as they are collected: codes of names, counts and log-probabilities, to be handed on block by block."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np

from kt_theory.records.columns import Coded, Columns, Places

#: Rows of a block that is written: with names, some ten megabytes.
BLOCK = 200_000


class Rows:
    """Rows (state, action, count, log-probability) with the line of each; NaN where nothing is told.

    With `details`, the fingerprint of the model and the stated temperature are kept row by row too.
    """

    def __init__(self, details: bool = False) -> None:
        self.details = details
        self.drawn_at: tuple[str, float | None] = ("", None)
        self.files: list[tuple[int, str]] = []
        self.clear()

    def enter(self, path: str) -> None:
        """Set the file that the rows that follow come from."""
        self.files.append((len(self.s), path))

    def draw_at(self, fingerprint: str | None, temperature: Any) -> None:
        """Set the fingerprint and the temperature of the rows that follow, if they are kept."""
        if self.details:
            known = type(temperature) in (int, float) and 0 <= temperature < math.inf
            self.drawn_at = (fingerprint or "", float(temperature) if known else None)

    def clear(self) -> None:
        """Remove all rows and names."""
        self.files = self.files[-1:] and [(0, self.files[-1][1])]
        self.states: dict[str, int] = {}
        self.actions: dict[str, int] = {}
        self.s, self.a, self.lines = array("i"), array("i"), array("q")
        self.counts, self.logprobs = array("q"), array("d")
        self.fingerprints: dict[str, int] = {}
        self.f, self.temperatures = array("i"), array("d")

    def __len__(self) -> int:
        return len(self.s)

    def add(self, state: str, action: str, count: int, logprob: float | None, line: int) -> None:
        """Append a row."""
        s, a = self.states.get(state), self.actions.get(action)
        self.s.append(_new(self.states, state) if s is None else s)
        self.a.append(_new(self.actions, action) if a is None else a)
        self.counts.append(count)
        self.logprobs.append(math.nan if logprob is None else logprob)
        self.lines.append(line)
        if self.details:
            fingerprint, temperature = self.drawn_at
            self.f.append(self.fingerprints.setdefault(fingerprint, len(self.fingerprints)))
            self.temperatures.append(math.nan if temperature is None else temperature)

    def columns(self) -> Columns:
        """The rows as columns of records, whose places are the lines."""
        values: list[Any] = [
            Coded(list(self.states), np.array(self.s, dtype=np.int64)),
            Coded(list(self.actions), np.array(self.a, dtype=np.int64)),
            np.array(self.counts, dtype=np.int64),
            np.array(self.logprobs, dtype=np.float64),
        ]
        names = ["state", "action", "count", "logprob"]
        if any(self.fingerprints):
            names.append("fingerprint")
            values.append(Coded(list(self.fingerprints), np.array(self.f, dtype=np.int64)))
        temperatures = np.array(self.temperatures, dtype=np.float64)
        if not np.isnan(temperatures).all():
            names.append("temperature")
            values.append(temperatures)
        return Columns(names, values, Places("line", self.lines, self.files))


def _new(names: dict[str, int], name: str) -> int:
    """The code of a name that is not among the names as it stands."""
    if not name.isascii():
        # JSON may hold half a character, which no file of text can: it is spelled in escapes.
        name = name.encode("utf-8", "backslashreplace").decode()
    return names.setdefault(name, len(names))
