"""Fitting a learner on a transfer set."""

from __future__ import annotations

from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.learners.learner import Learner
from kt_theory.learners.registry import LEARNERS, resolve_learner
from kt_theory.learners.told import ON_CELLS, Told
from kt_theory.problem import uniform_table
from kt_theory.protocols.transfer import TransferSet
from kt_theory.records.samples import UNTOLD_BIAS
from kt_theory.sparse import (
    DENSE_MAX,
    SparseTable,
    Student,
    aligned,
    descending,
    is_sparse,
    of_dense,
    sparse_law_table,
)


def fit(transfer_set: TransferSet, learner: str | Learner, init: Any = None) -> np.ndarray | Student:
    """The student that a learner makes of a transfer set.

    Parameters
    ----------
    transfer_set : TransferSet
        What the student was shown.
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"}, a name such as "SEL@top_k:20", or Learner
        A name in `LEARNERS`, the natural learner of a protocol, or a learner of one's own.
    init : array_like, shape (S, A), or SparseTable, optional
        The student before any data, a row-stochastic table; uniform if not given. Every learner of the package answers
        it on unvisited inputs. SEL_ptl also spreads the missing mass of a visited input over the unseen labels in
        proportion to it, uniformly where it is 0 on all of them.

    Returns
    -------
    ndarray, shape (S, A), or Student
        A row-stochastic table, as exactly as what was revealed: records accepted with a tolerance, or an `init` that is
        off, leave rows off 1 by as much. Of a sparse transfer set a `Student`: its told cells and one value per input.

    Raises
    ------
    Unsupported
        A ValueError, if the learner is unknown or needs to be shown more than the transfer set holds; for a learner of
        one's own on a sparse set, which is handed blocks of rows made dense, if it couples inputs, or its students
        store more than 1e8 cells.
    ValueError
        If `transfer_set` is none, a learner of one's own answers with something that is no row-stochastic table, or
        `init` is no row-stochastic table of the right shape.

    Examples
    --------
    >>> data = TransferSet.from_counts([[2, 0, 0]], [[0.5, 0.3, 0.2]], "partial")
    >>> fit(data, "SEL_ptl")
    array([[0.5 , 0.25, 0.25]])
    >>> fit(data, "SEL_ptl", init=[[0.0, 0.8, 0.2]])
    array([[0.5, 0.4, 0.1]])
    """
    entry = resolve_learner(learner)
    checks.instance_of("transfer_set", transfer_set, TransferSet, "kt_theory.TransferSet.from_counts makes one")
    shown = transfer_set.protocol
    if not shown.reveals_at_least(entry.protocol):
        _refuse(transfer_set, entry)
    if transfer_set.sparse:
        return _fit_cells(transfer_set, entry, init)
    shape = transfer_set.counts.shape
    start = uniform_table(*shape)
    if is_sparse(init):
        init = sparse_law_table("init", init, shape, checks.STUDENT_TOLERANCE).dense()
    if init is not None:
        checks.names_from_frames(transfer_set.states, transfer_set.actions, init=init)
        start = checks.stochastic_table("init", init, shape, tolerance=checks.STUDENT_TOLERANCE)
    revealed = transfer_set.revealed
    if _is_shown_less(transfer_set, entry):
        told = revealed if shown == entry.protocol else entry.protocol.values(revealed)
        kept = (transfer_set.counts > 0) & entry.protocol.tells_drawn
        kept |= _listed(transfer_set, entry) if entry.protocol.lists else entry.protocol.ordered
        revealed = np.where(kept, told, np.nan)
    counts = transfer_set.counts if entry.protocol.shows_label else np.zeros_like(transfer_set.counts)
    student = entry.fit(counts, revealed, start)
    if LEARNERS.get(entry.name) is not entry:
        name = f"what {entry.name} answers"
        return checks.stochastic_table(name, student, shape, tolerance=checks.STUDENT_TOLERANCE)
    return student


def _refuse(data: TransferSet, entry: Learner) -> None:
    said = f"{entry.name} needs {entry.protocol} labels, the transfer set has {data.protocol} ones"
    if data.protocol.name == "hard" and 0 < data.untold < data.n:
        said += (
            f", since {data.untold} of its {data.n} records are of labels whose probability is not told; "
            f"from_records(..., drop_untold=True) leaves these out: {UNTOLD_BIAS}"
        )
    raise checks.Unsupported(said)


def _is_shown_less(data: TransferSet, entry: Learner) -> bool:
    """Whether a learner is shown only part of what the set tells: the student is then that of a set of its protocol."""
    if entry.protocol.listed:
        return False
    if entry.protocol == data.protocol:
        return data.untold < data.n and entry.protocol.tells_nothing
    drawn = [(protocol.draws, protocol.replacing) for protocol in (entry.protocol, data.protocol)]
    of_a_list = not entry.protocol.lists or (entry.protocol.top and entry.protocol.exact and not data.sparse)
    if not of_a_list or drawn[0] != drawn[1]:
        raise checks.Unsupported(
            f"{entry.name} is told the labels of {entry.protocol}, the transfer set those of {data.protocol}: "
            f"draw it with {entry.protocol}"
        )
    return True


def _listed(data: TransferSet, entry: Learner) -> np.ndarray:
    """Which labels a list of the most likely ones names where more is told: those of the largest told values."""
    known = np.where(np.isnan(data.revealed), -1.0, data.revealed)
    if not entry.protocol.lists_last:
        known[:, -1] = -1.0
    top = min(entry.protocol.top or 0, known.shape[1] - (not entry.protocol.lists_last))
    least = -np.partition(-known, top - 1, axis=1)[:, top - 1 : top]
    listed = (known >= least) & (known >= 0)
    tied = listed.sum(axis=1) > top
    if tied.any():
        s = int(np.argmax(tied))
        raise checks.Unsupported(
            f"{entry.name} is told the {top} most likely labels, and at input {s} more are as likely, of which "
            f"{entry.protocol} names some at random: draw the transfer set, which has {data.protocol} labels, with it"
        )
    return listed


#: Cells of the rows that are made dense at a time for a learner of one's own: 80 MB a table.
BLOCK_CELLS = 10**7


def _fit_cells(data: TransferSet, entry: Learner, init: Any) -> Student:
    """`fit` on a sparse transfer set."""
    S, A = data.shape
    if init is not None and not is_sparse(init):
        checks.names_from_frames(data.states, data.actions, init=init)
        init = of_dense(checks.stochastic_table("init", init, (S, A), tolerance=checks.STUDENT_TOLERANCE))
    if init is None:
        none = np.empty(0, dtype=np.int64)
        start = SparseTable.of_keys(none, np.empty(0), (S, A), np.full(S, 1.0 / A))
    else:
        start = sparse_law_table("init", init, (S, A), checks.STUDENT_TOLERANCE)
    counts, revealed = data.told_counts, data.told
    if _is_shown_less(data, entry) and entry.protocol.ordered:
        revealed = descending(revealed)
    elif _is_shown_less(data, entry):
        seen = (counts.values > 0) & entry.protocol.tells_drawn
        told = revealed.values if entry.protocol == data.protocol else entry.protocol.cell_values(revealed)
        values = np.where(seen, told, np.nan)
        revealed = SparseTable((S, A), counts.offsets, counts.columns, values, np.full(S, np.nan))
    if entry.fit not in ON_CELLS:
        return _fit_blocks(counts, revealed, start, entry)
    counts, revealed, start = aligned(counts, revealed, start)
    rows = counts.rows
    visited = data.visits > 0
    if entry.protocol.listed:  # an input may be told of without a visit
        visited = visited | (np.bincount(rows, ~np.isnan(revealed.values), minlength=S) > 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # rows without a visit, answered by `start`
        values, rest = ON_CELLS[entry.fit](
            Told(rows, counts.values, revealed.values, start.values, counts.others, revealed.rest, start.rest)
        )
    values, rest = np.where(visited[rows], values, start.values), np.where(visited, rest, start.rest)
    return Student((S, A), counts.offsets, counts.columns, values, rest)


def _fit_blocks(counts: SparseTable, revealed: SparseTable, start: SparseTable, entry: Learner) -> Student:
    """A learner of a user's own on blocks of rows made dense."""
    S, A = counts.shape
    step = BLOCK_CELLS // A
    if step < S and (entry.couples_inputs or step == 0):
        what = "couples inputs" if step else f"is handed rows of {A} labels"
        raise checks.Unsupported(
            f"{entry.name} {what}, and a sparse transfer set of {S} x {A} is made dense in blocks of at most "
            f"{BLOCK_CELLS:.0e} cells"
        )
    blocks: list[SparseTable] = []
    for first in range(0, S, step):
        last = min(first + step, S)
        tables = (counts.dense_rows(first, last), revealed.dense_rows(first, last), start.dense_rows(first, last))
        name = f"what {entry.name} answers"
        answer = checks.stochastic_table(name, entry.fit(*tables), (last - first, A), checks.STUDENT_TOLERANCE)
        blocks.append(of_dense(answer))
        if sum(block.stored for block in blocks) > DENSE_MAX:
            raise checks.Unsupported(f"{entry.name} answers with more than {DENSE_MAX:.0e} cells that are no rest")
    ends = np.cumsum([0, *(block.stored for block in blocks)])
    offsets = [block.offsets[:-1] + end for block, end in zip(blocks, ends, strict=False)]
    parts = [np.concatenate([getattr(block, part) for block in blocks]) for part in ("columns", "values", "rest")]
    return Student((S, A), np.concatenate([*offsets, ends[-1:]]), *parts)
