"""Teachers stored as their most likely labels: nothing was drawn, and what a row lacks is told by no label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from kt_theory.logs.reply import Counted, LeftOut, found, list_at


class TopK:
    """``target_token_ids``, ``target_logprobs`` and ``target_mask`` per position; the input is the prefix of ids."""

    name = "stored-top-k"
    words = "stored top-k arrays (target_token_ids, target_logprobs, target_mask)"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "target_token_ids"), list) and isinstance(found(line, "target_logprobs"), list)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Counted]:
        """What is told at each position."""
        ids, values = list_at(line, "target_token_ids"), list_at(line, "target_logprobs")
        masks = list_at(line, "target_mask") or [None] * len(ids)
        prefix = list_at(line, "input_ids")
        start = len(prefix) - len(ids)
        if not len(ids) == len(values) == len(masks) or start < 0:
            raise LeftOut("ids, log-probabilities, masks and input_ids differ in length")
        items = []
        for i, (names, numbers, mask) in enumerate(zip(ids, values, masks, strict=True)):
            if not (isinstance(names, list) and isinstance(numbers, list) and len(names) == len(numbers)):
                raise LeftOut("the ids and log-probabilities of a position differ in length")
            kept = mask if isinstance(mask, list) and len(mask) == len(names) else [1] * len(names)
            labels = [(str(name), 0, number) for name, number, keep in zip(names, numbers, kept, strict=True) if keep]
            if len({label for label, _, _ in labels}) < len(labels):
                raise LeftOut("an id stands twice in a position")
            items.append(Counted(line, prefix[: start + i + 1], labels))
        yield from items


class Probabilities:
    """A line a document: a list over positions of {token id: probability}; the input is document/position."""

    name = "stored-probabilities"
    words = "lists of {token id: probability}, a line a document"
    lists = True  # a line is one

    def __init__(self) -> None:
        self._document = -1

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(line, list) and bool(line) and all(_is_law(position) for position in line)

    def replies(self, line: Any) -> Iterator[Counted]:
        """What is told at each position."""
        self._document += 1
        if not self.recognises(line):
            raise LeftOut("no list of {token id: probability}")
        for i, position in enumerate(line):
            labels = [(str(name), 0, math.log(p) if p else None) for name, p in position.items()]
            yield Counted({}, f"{self._document}/{i}", labels)


def _is_law(value: Any) -> bool:
    return (
        isinstance(value, dict) and bool(value) and all(type(p) in (int, float) and 0 <= p <= 1 for p in value.values())
    )
