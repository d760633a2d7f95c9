r"""What the training records alone show of the student that was fitted on them.

Leave-one-out at the partial level: for record i let Z_i = (1 - q(a_i|s_i) / pi*(a_i|s_i))_+, q the student without
record i. That record is a fresh sample to it, so that the mean of the Z_i has expectation E R of the student from n - 1
records, exactly. SEL_ptl is exact on every label that another record shows, so only pairs seen once count, and with
M_s the missing mass and U_s the unseen labels of all records

    Z = (1 - (1 + M_s / p) / (|U_s| + 1))_+ ,      p = pi*(a|s),

for uniform init, on inputs visited once too (where M_s + p = 1 and |U_s| + 1 = A). With another init the label's share
is init(a|s) over that of U_s and a; on inputs visited once the student without the record answers init itself. At the
soft level Z_i = TV(init, row) on inputs visited once and 0 elsewhere.

The error bar is that of the distance to the risk of the given student: for a cell of Poisson count N and mass w,
1{N=1} z / n - w z 1{N=0} has mean 0 and variance z^2 P(N=1) / n^2 + 2 z^2 P(N=2) / n^2. It is an estimate, not proved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.auditing.hard import HARD_LABELS
from kt_theory.protocols.protocol import PROTOCOLS
from kt_theory.protocols.transfer import TransferSet
from kt_theory.sparse import SparseTable, aligned, is_sparse, of_dense, sparse_law_table

#: The learner whose student is audited, by the protocol of the records.
AUDITED = {"partial": "SEL_ptl", "soft": "CE_ful"}


@dataclass(frozen=True)
class SelfAudit:
    """The risk of a student as its training records estimate it.

    Attributes
    ----------
    risk : float
        The leave-one-out estimate; its expectation is that of the risk of the student from n - 1 records.
    standard_error : float
        Of the distance between `risk` and the risk of the given student; an estimate, not proved.
    learner : {"SEL_ptl", "CE_ful"}
        Whose student it is: SEL_ptl from partial soft labels, CE_ful from soft labels.
    n : int
        Number of records.
    """

    risk: float
    standard_error: float
    learner: str
    n: int

    def __str__(self) -> str:
        return f"risk of {self.learner} {self.risk:.6g} (standard error {self.standard_error:.2g}), {self.n} records"


def self_audit(transfer_set: TransferSet, init: Any = None) -> SelfAudit:
    """The risk of the student of a transfer set, without bias and from the set alone.

    Parameters
    ----------
    transfer_set : TransferSet
        Partial soft labels, of which the student is that of SEL_ptl, or soft labels, of which it is that of CE_ful;
        dense or sparse, with a record at least. Its records are independent draws.
    init : array_like, shape (S, A), or SparseTable, optional
        The student before any data; uniform if not given.

    Returns
    -------
    SelfAudit

    Raises
    ------
    Unsupported
        A ValueError, for hard labels, which certify nothing on inputs that do not recur, and for every other protocol.
    ValueError
        If `transfer_set` is none or has no record, or `init` is no row-stochastic table of its shape.

    Notes
    -----
    One pass over the counts. Source: ours.

    Examples
    --------
    >>> data = TransferSet.from_counts([[2, 1, 0, 0]], [[0.5, 0.3, 0.1, 0.1]], "partial")
    >>> round(self_audit(data).risk, 12)  # a third of 1 - (0.2 + 0.3) / (3 * 0.3)
    0.148148148148
    """
    data = _checked(transfer_set, "self_audit")
    if data.n == 0:
        raise ValueError("transfer_set has no records: nothing can be left out")
    begun = None if init is None else _init_cells(init, data)
    once, twice = (_left_out(data, begun, times) for times in (1, 2))
    error = math.sqrt(float(once @ once) + 2 * float(twice @ twice)) / data.n
    return SelfAudit(float(once.sum()) / data.n, error, AUDITED[data.protocol.name], data.n)


@dataclass(frozen=True)
class FreeBound:
    """A bound on the risk of a student that needs no further answer of the teacher.

    Attributes
    ----------
    bound : float
        The risk is at most this with probability 1 - delta: `mean` + `margin`, or 1 - 1/A if that is less.
    mean : float
        The mean over the inputs of the largest total variation that the training records leave possible there.
    margin : float
        (1 - 1/A) sqrt(log(1/delta) / (2m)).
    m : int
        Number of inputs.
    unvisited : int
        How many of them are not among the training records.
    delta : float
        The probability with which the bound may fail.
    """

    bound: float
    mean: float
    margin: float
    m: int
    unvisited: int
    delta: float


def free_bound(transfer_set: TransferSet, inputs: Sequence[Any], delta: float = 0.05) -> FreeBound:
    """A bound on the risk of the student of a transfer set from fresh unlabelled inputs.

    Parameters
    ----------
    transfer_set : TransferSet
        As in `self_audit`; the student has uniform init.
    inputs : sequence of names
        Independent draws of rho that the records do not hold, as the transfer set names them. A name that it does not
        have is an input that was never visited, on which the student answers 1/A for each label.
    delta : float
        The probability with which the bound may fail, over the draw of the inputs.

    Returns
    -------
    FreeBound

    Raises
    ------
    Unsupported
        A ValueError, for hard labels, and for every protocol that is neither partial nor soft.
    ValueError
        If `transfer_set` is none, `inputs` is no sequence of names or empty, or `delta` is outside (0, 1).

    Notes
    -----
    At a visited input the student is exact on the seen labels, and equal shares of M_s on U_s are off by
    M_s (1 - 1/u) at most, where U_s has u labels; at others by 1 - 1/A at most. The mean of these over fresh inputs has
    Hoeffding's margin. Source: ours.

    Examples
    --------
    >>> data = TransferSet.from_counts([[2, 1, 0, 0]], [[0.5, 0.3, 0.1, 0.1]], "partial", states=["x"])
    >>> found = free_bound(data, ["x"] * 600 + ["y"] * 200)
    >>> round(found.mean, 12), found.unvisited, round(found.bound, 4)
    (0.2625, 200, 0.295)
    """
    data = _checked(transfer_set, "free_bound")
    delta = checks.open_unit("delta", delta)
    given = checks.entries("inputs", inputs, "names of inputs")
    if not given:
        raise ValueError("inputs is empty: a bound needs an input at least")
    for i, name in enumerate(given):
        if not checks.can_be_a_name(name):
            raise ValueError(f"inputs[{i}] is {checks.shown(name)}: a name is text, a number or a date")
    A = data.shape[1]
    cost = _largest_distances(data)
    place = {name: s for s, name in enumerate(data.states)}
    at = np.array([place.get(checks.name_of(name), -1) for name in given], dtype=np.int64)
    visited = (at >= 0) & (data.visits[at] > 0)
    mean = float(np.where(visited, cost[at], 1 - 1 / A).mean())
    margin = (1 - 1 / A) * math.sqrt(math.log(1 / delta) / (2 * len(given)))
    return FreeBound(min(mean + margin, 1 - 1 / A), mean, margin, len(given), int((~visited).sum()), delta)


def _checked(transfer_set: Any, who: str) -> TransferSet:
    data = checks.instance_of("transfer_set", transfer_set, TransferSet, "kt_theory.TransferSet.from_counts makes one")
    protocol = data.protocol
    if protocol.name in AUDITED and PROTOCOLS[protocol.name] == protocol:
        return data
    if not protocol.tells_drawn and not protocol.lists:
        raise checks.Unsupported(f"{who} cannot answer for {protocol} labels: {HARD_LABELS}")
    raise checks.Unsupported(f"{who} answers for {' and '.join(AUDITED)} labels, the transfer set has {protocol} ones")


def _init_cells(init: Any, data: TransferSet) -> SparseTable:
    if is_sparse(init):
        return sparse_law_table("init", init, data.shape, checks.STUDENT_TOLERANCE)
    checks.names_from_frames(data.states, data.actions, init=init)
    return of_dense(checks.stochastic_table("init", init, data.shape, tolerance=checks.STUDENT_TOLERANCE))


def _left_out(data: TransferSet, begun: SparseTable | None, times: int) -> np.ndarray:
    """Z of the pairs (of the inputs, at the soft level) seen so often, as if none of these records were there."""
    if data.protocol.name == "soft":
        return _distances(data, begun)[data.visits == times]
    S, A = data.shape
    pairs = data.pairs
    seen = np.bincount(pairs.rows, minlength=S)
    some = pairs.values == times
    rows, columns = pairs.rows[some], pairs.columns[some]
    p = _log_told(data, rows, columns)
    missing = data.missing_mass[rows]
    with np.errstate(divide="ignore", over="ignore"):
        over_p = np.exp(np.log(missing) - p)  # M_s / p
        if begun is None:
            return np.maximum(1 - (1 + over_p) / (A - seen[rows] + 1), 0.0)
        own, unseen = begun.at(rows, columns), _unseen_share(begun, pairs)[rows]
        nothing = own + unseen == 0
        share = np.where(nothing, 1 / (A - seen[rows] + 1), own / np.where(nothing, 1.0, own + unseen))
        # Without its only visits an input is answered by init itself.
        alone = data.visits[rows] == times
        ratio = np.where(alone, own * np.exp(-p), (1 + over_p) * share)
    return np.maximum(1 - np.nan_to_num(ratio, nan=0.0, posinf=np.inf), 0.0)


def _unseen_share(begun: SparseTable, pairs: SparseTable) -> np.ndarray:
    """What init gives to the labels not seen at each input, shape (S,), added up without a difference."""
    S = begun.shape[0]
    seen = np.isin(begun.keys, pairs.keys, assume_unique=True)
    stored = np.bincount(begun.rows[~seen], begun.values[~seen], minlength=S)
    others = begun.others - (np.diff(pairs.offsets) - np.bincount(begun.rows[seen], minlength=S))
    return stored + begun.rest * others


def _distances(data: TransferSet, begun: SparseTable | None) -> np.ndarray:
    """Total variation between init and the teacher's row at each visited input, which is told whole: shape (S,)."""
    S, A = data.shape
    if begun is None:
        begun = SparseTable.of_keys(np.empty(0, dtype=np.int64), np.empty(0), (S, A), np.full(S, 1 / A))
    if data.sparse:
        told, start = aligned(data.told, begun)
        stored = np.bincount(told.rows, np.abs(told.values - start.values), minlength=S)
        return 0.5 * (stored + told.others * np.abs(told.rest - start.rest))
    return 0.5 * np.abs(data.revealed - begun.dense()).sum(axis=1)


def _log_told(data: TransferSet, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The natural log-probabilities of some pairs that were drawn."""
    if data.logarithms is not None:
        return data.logarithms.at(rows, columns)
    return np.log(data.told.at(rows, columns) if data.sparse else data.revealed[rows, columns])


def _largest_distances(data: TransferSet) -> np.ndarray:
    """Per visited input, how far equal shares of what is missing can be from the teacher: shape (S,)."""
    S, A = data.shape
    if data.protocol.name == "soft":
        return np.zeros(S)
    pairs = data.pairs
    unseen = A - np.bincount(pairs.rows, minlength=S)
    return np.where(unseen > 0, data.missing_mass * (1 - 1 / np.maximum(unseen, 1)), 0.0)
