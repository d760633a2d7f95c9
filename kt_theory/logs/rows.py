"""Records as they are collected: codes of names, counts and log-probabilities, to be handed on block by block.

Rows of one list share their input, count and line: these are kept once for each run of rows, and spelled out, as
columns, when a block is handed on.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from kt_theory.records.columns import Coded, Columns, Places

#: Rows of a block that is written: with names, some ten megabytes.
BLOCK = 200_000


class Names(dict[str, int]):
    """Codes of names; a name that is not among them yet gets the next one."""

    def __missing__(self, name: str) -> int:
        if not name.isascii():
            # JSON may hold half a character, which no file of text can: it is spelled in escapes.
            spelled = name.encode("utf-8", "backslashreplace").decode()
            if spelled != name:
                return self[spelled]
        self[name] = code = len(self)
        return code


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
        self.files.append((len(self), path))

    def draw_at(self, fingerprint: str | None, temperature: Any) -> None:
        """Set the fingerprint and the temperature of the rows that follow, if they are kept."""
        if self.details:
            known = type(temperature) in (int, float) and 0 <= temperature < math.inf
            self.drawn_at = (fingerprint or "", float(temperature) if known else None)

    def clear(self) -> None:
        """Remove all rows and names."""
        self.files = self.files[-1:] and [(0, self.files[-1][1])]
        self.states, self.actions = Names(), Names()
        self.fingerprints: dict[str, int] = {}
        # Of each row.
        self.a, self.logprobs = array("i"), array("d")
        # Of each run of rows, and how many rows it has.
        self.s, self.counts, self.lines, self.sizes = array("i"), array("q"), array("q"), array("q")
        self.f, self.temperatures = array("i"), array("d")

    def __len__(self) -> int:
        return len(self.a)

    def add(self, state: str, action: str, count: int, logprob: float | None, line: int) -> None:
        """Append a row."""
        self._begin(state, count, line, 1)
        self.a.append(self.actions[action])
        self.logprobs.append(math.nan if logprob is None else logprob)

    def tell(self, state: str, told: Mapping[str, float], line: int) -> None:
        """Append a row of count 0 for each label whose log-probability is told."""
        self._begin(state, 0, line, len(told))
        self.a.fromlist(list(map(self.actions.__getitem__, told)))
        self.logprobs.fromlist(list(told.values()))

    def _begin(self, state: str, count: int, line: int, size: int) -> None:
        self.s.append(self.states[state])
        self.counts.append(count)
        self.lines.append(line)
        self.sizes.append(size)
        if self.details:
            fingerprint, temperature = self.drawn_at
            self.f.append(self.fingerprints.setdefault(fingerprint, len(self.fingerprints)))
            self.temperatures.append(math.nan if temperature is None else temperature)

    def columns(self) -> Columns:
        """The rows as columns of records, whose places are the lines."""
        sizes = np.array(self.sizes)

        def spelled_out(runs: array[int] | array[float], kind: type[np.generic]) -> np.ndarray:
            return np.repeat(np.array(runs, dtype=kind), sizes)

        values: list[Any] = [
            Coded(list(self.states), spelled_out(self.s, np.int64)),
            Coded(list(self.actions), np.array(self.a, dtype=np.int64)),
            spelled_out(self.counts, np.int64),
            np.array(self.logprobs, dtype=np.float64),
        ]
        names = ["state", "action", "count", "logprob"]
        if any(self.fingerprints):
            names.append("fingerprint")
            values.append(Coded(list(self.fingerprints), spelled_out(self.f, np.int64)))
        temperatures = np.array(self.temperatures, dtype=np.float64)
        if not np.isnan(temperatures).all():
            names.append("temperature")
            values.append(spelled_out(self.temperatures, np.float64))
        lines = array("q", spelled_out(self.lines, np.int64).tobytes())
        return Columns(names, values, Places("line", lines, self.files))
