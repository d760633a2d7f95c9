"""Ours, under trial: which k numbers of a teacher's row to store. The proofs are sketched in docs/storage.md."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from kt_theory.ledger.attacks.problems import generator
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated


def lists(effort: Effort) -> Iterator[tuple[str, np.ndarray, int]]:
    """Rows, and how many of their labels are on the list."""
    rng = generator(effort, "lists")
    for i, A in itertools.product(range(4 * effort.problems), (2, 3, 7, 60)):
        k = int(rng.integers(1, A))
        yield f"random row {i}, A={A}, k={k}", rng.dirichlet(np.full(A, (0.1, 1.0)[i % 2])), k
    for A, k in ((2, 1), (3, 1), (9, 4), (100, 20)):
        flat = np.zeros(A)
        flat[: k + 1] = 1 / (k + 1)
        yield f"equal on k + 1 of {A} labels, k={k}", flat, k


def tail_by_definition(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, k, t)``, a pair: the cost of a renormalised list, and the largest one of equal shares."""
    for where, row, k in lists(effort):
        A, ordered = row.size, np.sort(row)[::-1]
        t = float(ordered[k:].sum())
        scaled = np.where(np.arange(A) < k, ordered / ordered[:k].sum(), 0.0)
        shared = np.where(np.arange(A) < k, ordered, t / (A - k))
        whole, most = claim(A=A, k=k, t=t)
        gap = abs(0.5 * float(np.abs(scaled - ordered).sum()) - whole)
        yield Trial(f"renormalised, {where}", gap, 1e-15 + 1e-12 * t, "exact")
        yield Trial(f"equal shares, {where}", 0.5 * float(np.abs(shared - ordered).sum()), most, "exact", error=1e-15)


STATEMENTS = (
    stated(
        "ours-store-tail",
        claim=lambda A, k, t: (t, t * (1 - 1 / (A - k))),
        check=tail_by_definition,
        note="Equal shares cost most where one label has the whole tail.",
        planted=(
            PlantedError("t becomes t / 2", lambda A, k, t: (t / 2, t * (1 - 1 / (A - k)))),
            PlantedError("A - k becomes A - k - 1/2", lambda A, k, t: (t, t * (1 - 1 / (A - k - 0.5)))),
            PlantedError("1/(A - k) becomes 1/k", lambda A, k, t: (t, t * (1 - 1 / k))),
        ),
    ),
)
