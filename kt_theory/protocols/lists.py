"""Which of the most likely labels a protocol tells in any case: how many, and down to which probability."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kt_theory.protocols.facts import Protocol

#: How far a probability, or a sum, may be below what a list asks for: as far as the sum of a row may be off 1.
SLACK = 1e-12


def lengths(protocol: Protocol, teacher: np.ndarray) -> np.ndarray:
    """How many labels of each row are on the list, shape (S,), from rows of shape (S, A)."""
    S, A = teacher.shape
    if protocol.at_least is not None:
        return (teacher >= protocol.at_least - SLACK).sum(axis=1)
    if protocol.mass is not None:
        return _enough(-np.sort(-teacher, axis=1), protocol.mass)
    return np.full(S, A if protocol.top is None else min(protocol.top, A))


def _enough(ordered: np.ndarray, mass: float) -> np.ndarray:
    """How many of the first values of each descending row have so much together; all of them if none have."""
    short = (np.cumsum(ordered, axis=1) < mass - SLACK).sum(axis=1)
    return np.minimum(short + 1, ordered.shape[1])


def ends(protocol: Protocol, teacher: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same, and the least probability on each list, above 1 where a list is empty, shapes (S,)."""
    many = lengths(protocol, teacher)
    if protocol.top:
        top = int(many[0])
        return many, -np.partition(-teacher, top - 1, axis=1)[:, top - 1]
    ordered = -np.sort(-teacher, axis=1)
    last = ordered[np.arange(many.size), np.maximum(many - 1, 0)]
    return many, np.where(many > 0, last, 2.0)


def cell_lengths(protocol: Protocol, ordered: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The same lengths from the stored values of each row in descending order, shape (P,); below 0: never listed."""
    if protocol.at_least is None and protocol.mass is None:
        return np.full(offsets.size - 1, protocol.top)
    values = np.maximum(ordered, 0.0)
    many = np.zeros(offsets.size - 1, dtype=np.int64)
    for s in range(many.size):
        row = values[None, offsets[s] : offsets[s + 1]]
        if row.size:
            many[s] = lengths(protocol, row)[0]
    return many


def holds(protocol: Protocol, other: Protocol) -> bool:
    """Whether the list of one protocol holds, for every row, all that the list of another one has."""
    if not other.lists or protocol.top is None:
        return True
    if other.top is None:
        return False
    if other.at_least is not None:
        if protocol.at_least is not None:
            return protocol.at_least <= other.at_least
        if protocol.mass is not None:  # a label that is not listed has at most 1 - mass
            return other.at_least > 1 - protocol.mass + 2 * SLACK
        # so many labels have that probability at most
        return protocol.lists_last and (protocol.top or 0) >= math.floor(1 / (other.at_least - 2 * SLACK))
    if other.mass is not None:
        return protocol.mass is not None and protocol.mass >= other.mass
    if protocol.mass is not None:
        return other.top == 1 and other.lists_last
    # A longer list without the last label need not hold a shorter one that may name it, nor the other way round.
    return (protocol.top or 0) >= other.top and protocol.lists_last == other.lists_last
