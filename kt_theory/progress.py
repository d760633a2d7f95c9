"""How far a long computation is: a bar on a terminal, elsewhere a line on standard error now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds between two lines where there is no terminal.
LINE_EVERY = 10.0


class Lines:
    """Lines on standard error: one is shown if `every` seconds have passed since the last one, and none before."""

    def __init__(self, every: float | None = None) -> None:
        self.every = LINE_EVERY if every is None else every
        self.begun = self._last = time.monotonic()

    def __call__(self, line: str) -> None:
        if self.due() is not None:
            self.show(line)

    def due(self) -> float | None:
        """Seconds since the beginning if a line is to be shown now, else None."""
        now = time.monotonic()
        if now - self._last < self.every:
            return None
        self._last = now
        return now - self.begun

    def show(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Progress:
    """A count of what is done.

    Parameters
    ----------
    what : str
        What is done, in a word or two.
    unit, units : str
        What one of the things that are counted is called, and several.
    show : bool
        Whether to show anything.
    every : float, optional
        Seconds between two lines where there is no terminal; `LINE_EVERY` if not given.
    """

    def __init__(self, what: str, unit: str, units: str = "", *, show: bool = True, every: float | None = None) -> None:
        self._what, self._unit, self._units = what, unit, units or f"{unit}s"
        self._show, self._lines = show, Lines(every)
        self._bar: Any = None
        self.total = self.done = 0

    def expect(self, more: int) -> None:
        """Things to come."""
        self.total += more
        if self._show and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            if self._bar is None:
                self._bar = tqdm(total=self.total, unit=self._unit, desc=self._what, leave=False)
            self._bar.total = self.total
            self._bar.refresh()

    def advance(self, note: str = "") -> None:
        """One thing is done; `note` is printed with it."""
        self.done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update()
        elif self._show and sys.stderr is not None and (passed := self._lines.due()) is not None:
            left = passed / self.done * (self.total - self.done)
            said = f"{self._what}: {self.done} of {self.total} {self._units}"
            self._lines.show(f"{said}{', ' if note else ''}{note}, about {left:.0f} s left")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def watched(items: Sequence[T], unit: str, what: str, *, show: bool = True) -> Iterator[T]:
    """`items`, counted while they are worked on.

    Parameters
    ----------
    items : sequence
    unit : str
        What one of them is called, in the singular.
    what : str
        What is done, in a word or two.
    show : bool
        Whether to show anything.

    Yields
    ------
    object
        The items, in order.

    Examples
    --------
    >>> list(watched([1, 2], "cell", "exact"))
    [1, 2]
    """
    progress = Progress(what, unit, show=show)
    progress.expect(len(items))
    try:
        for item in items:
            yield item
            progress.advance()
    finally:
        progress.close()
