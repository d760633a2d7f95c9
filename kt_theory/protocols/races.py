"""Draws without replacement: the labels of a visit after its first one."""

from __future__ import annotations

import numpy as np

#: Visits whose labels are drawn together.
CHUNK = 256

#: Independent draws, for each label that is wanted, from which the first different ones are taken.
TRIES = 4


def further_labels(first: np.ndarray, teacher: np.ndarray, more: int, rng: np.random.Generator) -> np.ndarray:
    """How often each label was drawn after the first one of a visit, `more` a visit, without replacement.

    Parameters
    ----------
    first : ndarray of int64, shape (reps, S, A)
        How often each label was the first of a visit.
    teacher : ndarray, shape (S, A)
    more : int
        At least 1; all labels of positive probability are drawn if they are fewer.
    rng : Generator
        More data sets change none of the earlier ones: visits are drawn in their order, in chunks of one size.

    Returns
    -------
    ndarray of int64, shape (reps, S, A)

    Notes
    -----
    The different labels of a sequence of independent draws, in the order of their first places, are drawn without
    replacement. Where a sequence is too short, the others are those that win a race: label a arrives at an exponential
    time of rate p_a.
    """
    counts = np.zeros_like(first)
    inputs, labels = np.nonzero(first.reshape(-1, first.shape[2]))
    times = first.reshape(-1, first.shape[2])[inputs, labels]
    inputs, labels = np.repeat(inputs, times), np.repeat(labels, times)
    S, A = teacher.shape
    ends = np.cumsum(teacher, axis=1)
    used = np.count_nonzero(teacher, axis=1)
    last = np.array([np.flatnonzero(row)[-1] for row in teacher])
    length = TRIES * more
    flat = counts.reshape(-1, A)
    for start in range(0, inputs.size, CHUNK):
        at, given = inputs[start : start + CHUNK], labels[start : start + CHUNK]
        uniform = rng.random((CHUNK, length))[: at.size]
        tried = np.empty((at.size, length + 1), dtype=np.int64)
        tried[:, 0] = given
        for s in np.unique(at % S):
            of = at % S == s
            found = np.searchsorted(ends[s], uniform[of] * ends[s, -1], side="right")
            tried[of, 1:] = np.minimum(found, last[s])
        order = np.argsort(tried, axis=1, kind="stable")
        ordered = np.take_along_axis(tried, order, axis=1)
        new = np.ones(tried.shape, dtype=bool)
        np.put_along_axis(new, order[:, 1:], ordered[:, 1:] != ordered[:, :-1], axis=1)
        rank = np.cumsum(new, axis=1) - 1
        taken = new & (rank >= 1) & (rank <= more)
        visit, place = np.nonzero(taken)
        np.add.at(flat, (at[visit], tried[visit, place]), 1)
        wanted = np.minimum(more, used[at % S] - 1)
        short = np.flatnonzero(rank[:, -1] < wanted)
        if short.size:
            p = teacher[at[short] % S]
            np.put_along_axis(p, tried[short], 0.0, axis=1)
            with np.errstate(divide="ignore"):
                arrivals = rng.standard_exponential(p.shape) / p
            few = (wanted - rank[:, -1])[short]
            winners = np.argpartition(arrivals, few.max() - 1, axis=1)[:, : few.max()]
            winners = np.take_along_axis(winners, np.take_along_axis(arrivals, winners, axis=1).argsort(axis=1), axis=1)
            visit, place = np.nonzero(np.arange(few.max()) < few[:, None])
            np.add.at(flat, (at[short][visit], winners[visit, place]), 1)
    return counts
