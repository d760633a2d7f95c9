"""How far a long computation is: a bar on a terminal, elsewhere a line on standard error every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

#: Seconds between two lines where there is no terminal.
LINE_EVERY = 10.0


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
    if not show:
        yield from items
    elif sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, unit=unit, desc=what, leave=False)
    else:
        begun = said = time.monotonic()
        for done, item in enumerate(items):
            now = time.monotonic()
            if done and now - said >= LINE_EVERY:
                said = now
                left = (now - begun) / done * (len(items) - done)
                print(f"{what}: {done} of {len(items)} {unit}s, about {left:.0f} s left", file=sys.stderr, flush=True)
            yield item
