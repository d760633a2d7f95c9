"""What the student may see: a transfer set, from records or from counts, and fitting a learner on it.

Whatever the protocol hides is NaN in `TransferSet.revealed`, so that a learner which peeks poisons its own answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.learners import Learner, entry_of
from kt_theory.problem import PROTOCOLS, uniform_table

#: Names under which a column of records is understood.
COLUMNS = {
    "state": ("s", "state"),
    "action": ("a", "action"),
    "probability": ("p", "prob", "probability"),
    "log-probability": ("logp", "logprob", "log_prob", "log_probability"),
}

#: Default of how far two revealed probabilities of one pair may differ, relatively, and a row's sum lie off 1.
#: A float64 log-probability survives the trip through exp and a decimal file to within 1e-14; float32 needs 1e-6.
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class TransferSet:
    """What a student is given: how often each pair was seen, and what was revealed of the teacher.

    Made by `TransferSet.from_records`, `TransferSet.from_counts` or `kt_theory.draw`.

    Attributes
    ----------
    protocol : {"hard", "partial", "soft"}
    counts : ndarray of int64, shape (S, A)
        n_sa, how often label a was seen at input s.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where the protocol shows it, NaN elsewhere.
    states, actions : tuple of str
        Names of the inputs and labels.
    """

    protocol: str
    counts: np.ndarray
    revealed: np.ndarray = field(repr=False)
    states: tuple[str, ...] = field(repr=False)
    actions: tuple[str, ...] = field(repr=False)

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    @property
    def missing_mass(self) -> np.ndarray:
        """Per input, the teacher's mass on labels not seen there, shape (S,): 1 on unvisited inputs.

        NaN on visited inputs under hard labels, which do not tell.
        """
        seen = self.counts > 0
        visited = seen.any(axis=1)
        known = np.where(seen, self.revealed, 0.0).sum(axis=1)
        return np.where(visited, np.maximum(1.0 - known, 0.0), 1.0)

    @classmethod
    def from_counts(
        cls,
        counts: Any,
        teacher: Any = None,
        protocol: str = "hard",
        *,
        states: Sequence[Any] | None = None,
        actions: Sequence[Any] | None = None,
    ) -> TransferSet:
        """A transfer set from a count table.

        Parameters
        ----------
        counts : array_like of int, shape (S, A)
            How often each pair was seen.
        teacher : array_like, shape (S, A), optional
            The teacher's table, needed for the partial and soft protocols. Only what the protocol shows is kept.
        protocol : {"hard", "partial", "soft"}
            What the student is shown.
        states, actions : sequence, optional
            Names; 0, 1, 2, ... if not given.

        Returns
        -------
        TransferSet

        Raises
        ------
        ValueError
            For counts that are negative or not whole, a teacher that is no row-stochastic table of the same shape, or
            a pair that was seen although the teacher gives it probability 0.

        Examples
        --------
        >>> TransferSet.from_counts([[2, 0]], [[0.9, 0.1]], "partial").revealed
        array([[0.9, nan]])
        """
        counts = checks.count_table("counts", counts)
        protocol = checks.one_of("protocol", protocol, PROTOCOLS)
        S, A = counts.shape
        state_names = checks.names("states", states, S)
        action_names = checks.names("actions", actions, A)
        revealed = np.full((S, A), np.nan)
        if protocol != "hard":
            if teacher is None:
                raise ValueError(f"teacher is missing: the {protocol} protocol reveals some of it")
            table = checks.stochastic_table("teacher", teacher, shape=(S, A))
            seen = counts > 0
            impossible = seen & (table == 0)
            if impossible.any():
                s, a = np.unravel_index(int(np.argmax(impossible)), counts.shape)
                raise ValueError(f"counts[{s}, {a}] is {counts[s, a]}, but teacher[{s}, {a}] is 0: it is never drawn")
            shown = seen if protocol == "partial" else seen.any(axis=1, keepdims=True)
            revealed = np.where(shown, table, np.nan)
        return cls(protocol, _frozen(counts), _frozen(revealed), state_names, action_names)

    @classmethod
    def from_records(
        cls,
        records: Mapping[str, Any],
        *,
        states: Sequence[Any] | None = None,
        actions: Sequence[Any] | None = None,
        tolerance: float = TOLERANCE,
    ) -> TransferSet:
        """A transfer set from records, one per sample: a DataFrame, or a mapping of columns.

        Parameters
        ----------
        records : mapping of str to array_like
            Columns ``s`` or ``state``, ``a`` or ``action``, and at most one of a probability (``p``, ``prob``,
            ``probability``) and a natural log-probability (``logp``, ``logprob``, ``log_prob``, ``log_probability``).
            With one of these the protocol is "partial", without it is "hard". Other columns are left alone.
        states, actions : sequence, optional
            The full alphabets, in the order of the student's rows and columns. If not given, the values that occur,
            sorted: then an input or label that never occurred is unknown to the student.
        tolerance : float
            How far two probabilities of one pair may differ, relatively, and the probabilities of one input exceed 1
            in sum (or fall short of it when every label was seen). Of agreeing values the first is kept; nothing is
            renormalised, so a student's row may then be off 1 by as much.

        Returns
        -------
        TransferSet

        Raises
        ------
        ValueError
            For a missing, ambiguous or ragged column, an empty value, a value outside the alphabet, a probability
            outside (0, 1], a log-probability above 0, probabilities of one pair that contradict each other, or
            probabilities of one input that cannot belong to one law. The message names the record, counted from 0.

        Examples
        --------
        >>> data = TransferSet.from_records({"s": ["x", "x"], "a": ["yes", "no"], "p": [0.75, 0.25]})
        >>> data.protocol, data.actions, data.counts.tolist()
        ('partial', ('no', 'yes'), [[1, 1]])
        """
        tolerance = checks.positive("tolerance", tolerance)
        if not hasattr(records, "__contains__") or not hasattr(records, "__getitem__"):
            raise ValueError(f"records is {records!r}: it must be a DataFrame or a mapping of columns")
        columns = {role: _column(records, role) for role in COLUMNS}
        state_column, action_column = columns["state"], columns["action"]
        if state_column is None or action_column is None:
            absent = "state" if state_column is None else "action"
            raise ValueError(f"records have no {absent} column: name it {' or '.join(COLUMNS[absent])}")
        if columns["probability"] is not None and columns["log-probability"] is not None:
            raise ValueError("records have both a probability and a log-probability column: keep one of them")
        sizes = {role: values.size for role, values in columns.items() if values is not None}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{size} values of {role}" for role, size in sizes.items())
            raise ValueError(f"records are ragged: {listed}")
        if sizes["state"] == 0 and (states is None or actions is None):
            raise ValueError("records are empty: with no record, both alphabets, states and actions, must be given")
        state_names, s = _encode("state", state_column, states)
        action_names, a = _encode("action", action_column, actions)
        S, A = len(state_names), len(action_names)
        counts = np.bincount(s * A + a, minlength=S * A).reshape(S, A)
        given = _given_probabilities(columns)
        revealed = np.full((S, A), np.nan)
        if given is not None:
            revealed = _reconcile(s, a, given, state_names, action_names, tolerance)
        protocol = "hard" if given is None else "partial"
        return cls(protocol, _frozen(counts.astype(np.int64)), _frozen(revealed), state_names, action_names)


def fit(transfer_set: TransferSet, learner: str | Learner, init: Any = None) -> np.ndarray:
    """The student that a learner makes of a transfer set.

    Parameters
    ----------
    transfer_set : TransferSet
        What the student was shown.
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"} or Learner
        A name in `LEARNERS`, or a learner of one's own.
    init : array_like, shape (S, A), optional
        The student before any data, a row-stochastic table; uniform if not given. Every learner answers it on
        unvisited inputs. SEL_ptl also spreads the missing mass of a visited input over the unseen labels in
        proportion to it, uniformly where it is 0 on all of them.

    Returns
    -------
    ndarray, shape (S, A)
        A row-stochastic table, as exactly as what was revealed: records accepted with a tolerance, or an `init` that is
        off, leave rows off 1 by as much.

    Raises
    ------
    ValueError
        If the learner is unknown, needs to be shown more than the transfer set holds, or answers with something that is
        no row-stochastic table (one of one's own), or `init` is no row-stochastic table of the right shape.

    Examples
    --------
    >>> data = TransferSet.from_counts([[2, 0, 0]], [[0.5, 0.3, 0.2]], "partial")
    >>> fit(data, "SEL_ptl")
    array([[0.5 , 0.25, 0.25]])
    >>> fit(data, "SEL_ptl", init=[[0.0, 0.8, 0.2]])
    array([[0.5, 0.4, 0.1]])
    """
    entry = entry_of(learner)
    if not isinstance(transfer_set, TransferSet):
        raise ValueError(f"transfer_set is a {type(transfer_set).__name__}: a TransferSet is needed")
    if PROTOCOLS.index(transfer_set.protocol) < PROTOCOLS.index(entry.protocol):
        shown = transfer_set.protocol
        raise ValueError(f"{entry.name} needs {entry.protocol} labels, the transfer set has {shown} ones")
    shape = transfer_set.counts.shape
    start = uniform_table(*shape)
    if init is not None:
        start = checks.stochastic_table("init", init, shape, tolerance=checks.STUDENT_TOLERANCE)
    student = entry.fit(transfer_set.counts, transfer_set.revealed, start)
    if isinstance(learner, Learner):
        name = f"what {entry.name} answers"
        return checks.stochastic_table(name, student, shape, tolerance=checks.STUDENT_TOLERANCE)
    return student


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _column(records: Mapping[str, Any], role: str) -> np.ndarray | None:
    present = [name for name in COLUMNS[role] if name in records]
    if len(present) > 1:
        raise ValueError(f"records have {len(present)} {role} columns, {' and '.join(present)}: keep one of them")
    if not present:
        return None
    try:
        values = np.asarray(records[present[0]])
    except ValueError:
        raise ValueError(f"column {present[0]} of the records holds lists of different lengths") from None
    if values.ndim != 1:
        raise ValueError(f"column {present[0]} of the records must be one-dimensional, got shape {values.shape}")
    return values


def _encode(role: str, values: np.ndarray, alphabet: Sequence[Any] | None) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the alphabet, and for each record the index of its value in it."""
    kept = values.tolist()
    for i, value in enumerate(kept):
        if value is None or str(value) in ("", "<NA>") or value != value:
            raise ValueError(f"record {i} has no {role}")
        kept[i] = int(value) if isinstance(value, float) and value.is_integer() else value
    if alphabet is None:
        try:
            alphabet = sorted(set(kept))
        except TypeError:
            raise ValueError(f"the {role} column mixes numbers and text: give the alphabet, or use one type") from None
    names = checks.names(f"{role}s", alphabet, len(alphabet))
    if not names:
        raise ValueError(f"{role}s is empty: an alphabet needs at least one name")
    position = {name: index for index, name in enumerate(names)}
    codes = np.empty(len(kept), dtype=np.int64)
    for i, value in enumerate(kept):
        code = position.get(checks.name_of(value))
        if code is None:
            raise ValueError(f"record {i} has {role} {value!r}, which is not among the {len(names)} {role}s given")
        codes[i] = code
    return names, codes


def _given_probabilities(columns: Mapping[str, np.ndarray | None]) -> np.ndarray | None:
    if columns["probability"] is not None:
        given = checks.array_of_floats("probability column", columns["probability"], ndim=1)
        bad = ~((given > 0) & (given <= 1))
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(f"record {i} has probability {given[i]}: a drawn label has one in (0, 1]")
        return given
    if columns["log-probability"] is not None:
        logs = checks.array_of_floats("log-probability column", columns["log-probability"], ndim=1)
        bad = ~((logs <= 0) & (logs > -np.inf))
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(f"record {i} has log-probability {logs[i]}: a drawn label has a finite one, at most 0")
        given = np.exp(logs)
        if (given == 0).any():
            i = int(np.argmax(given == 0))
            raise ValueError(f"record {i} has log-probability {logs[i]}: its exponential is below the smallest float64")
        return given
    return None


def _reconcile(
    s: np.ndarray,
    a: np.ndarray,
    given: np.ndarray,
    states: tuple[str, ...],
    actions: tuple[str, ...],
    tolerance: float,
) -> np.ndarray:
    """The revealed table: the first probability given for each pair, after checking that the others agree with it."""
    S, A = len(states), len(actions)
    cells, first = np.unique(s * A + a, return_index=True)
    revealed = np.full(S * A, np.nan)
    revealed[cells] = given[first]
    expected = revealed[s * A + a]
    contradicts = np.abs(given - expected) > tolerance * expected
    if contradicts.any():
        i = int(np.argmax(contradicts))
        j = int(first[np.searchsorted(cells, s[i] * A + a[i])])
        pair = f"({states[s[i]]}, {actions[a[i]]})"
        raise ValueError(f"record {i} gives {pair} probability {float(given[i])!r}, record {j} {float(given[j])!r}")
    table = revealed.reshape(S, A)
    known = np.nansum(table, axis=1)
    if (known > 1 + tolerance).any():
        row = int(np.argmax(known > 1 + tolerance))
        raise ValueError(f"the probabilities given for input {states[row]} sum to {float(known[row])!r}, more than 1")
    complete = ~np.isnan(table).any(axis=1)
    short = complete & (known < 1 - tolerance)
    if short.any():
        row = int(np.argmax(short))
        raise ValueError(
            f"input {states[row]} was seen with every label, but their probabilities sum to {float(known[row])!r}: "
            "the label alphabet (actions) must be missing some"
        )
    return table
