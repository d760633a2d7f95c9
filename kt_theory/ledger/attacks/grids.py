"""Sizes and numbers of samples at which statements are tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from kt_theory.ledger.statement import Effort

#: Pairs (S, A).
Sizes = Sequence[tuple[int, int]]

#: Sizes at which the instances are tried, and numbers of samples.
SIZES = [(1, 1), (5, 1), (100, 2), (2, 200), *itertools.product((1, 2, 5, 10, 40), (2, 3, 4, 8, 25, 100))]

N = (0, 1, 2, 3, 5, 10, 30, 100, 1000, 10**4, 10**6, 10**9)

#: Sizes at which the instances are tried as far as n goes.
FAR, N_FAR = [(1, 2), (1, 100), (3, 4)], (10**12,)

#: Where hill climbing goes: small enough that a step takes a millisecond or less.
CLIMBED = [(S, A, n) for S, A in ((1, 2), (1, 3), (1, 6), (2, 2), (3, 3)) for n in (1, 3, 10, 100)]

#: Where a learner that is only a formula can be tried exactly, by going through every count table: sizes, and n.
ENUMERATED = (
    ([(1, 1), (1, 2)], (0, 1, 2, 4, 10, 30, 100, 1000)),
    ([(1, 3)], (0, 1, 2, 4, 10, 30)),
    ([(2, 2), (2, 3)], (0, 1, 2, 4, 8)),
)

#: Where minimax risks are asked for, at each level: hard labels are the slow ones.
ALL_N = (0, 1, 2, 3, 5, 8, 30, 100, 1000, 10**4, 10**6, 10**9, 10**12)

GAMES = {
    ("hard", "quick"): ([(1, 2), (1, 3), (2, 2), (5, 4), (1, 25), (40, 100)], (0, 1, 2, 5, 30, 1000, 10**6, 10**12)),
    ("hard", "full"): (
        [(1, 2), (1, 3), (1, 4), (2, 2), (5, 4), (10, 10), (1, 25), (40, 100)],
        (0, 1, 2, 3, 5, 8, 30, 100, 1000, 10**6, 10**12),
    ),
    ("partial", "quick"): ([(1, 2), (1, 3), (1, 5), (2, 3), (10, 10), (1, 100)], (0, 1, 2, 3, 100, 10**4, 10**12)),
    ("partial", "full"): (
        [(1, 2), (1, 3), (1, 4), (1, 5), (2, 3), (3, 2), (10, 10), (1, 100), (40, 25)],
        ALL_N,
    ),
    ("soft", "quick"): ([(1, 3), (2, 2), (3, 2), (5, 3), (10, 10), (40, 25), (100, 100)], ALL_N),
    ("soft", "full"): ([(1, 3), (2, 2), (2, 9), (3, 2), (5, 3), (10, 10), (40, 25), (100, 100), (1000, 2)], ALL_N),
}


def games(protocol: str, effort: Effort) -> Iterator[tuple[int, int, int]]:
    """Sizes and numbers of samples (S, A, n) at which the minimax risk of a protocol is bounded from above."""
    sizes, grid = GAMES[protocol, effort.level]
    for (S, A), n in itertools.product(sizes, grid):
        yield S, A, n
