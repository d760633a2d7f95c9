"""A log as arrays: inputs, labels, counts and told probabilities, row by row in the order of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kt_theory import checks
from kt_theory.records.columns import Coded, Columns
from kt_theory.records.samples import MARK, MARKS_BELOW

#: Columns of a log beyond those of records: what each is for, and the names under which it is understood.
EXTRA = {
    "fingerprint": ("fingerprint", "system_fingerprint", "model"),
    "temperature": ("temperature",),
    "annotator": ("annotator", "annotator_id", "worker", "worker_id", "rater", "rater_id"),
}

#: What the columns of records may be called beside one of annotators.
CROWD = {"state": ("task", "item"), "action": ("label",)}

#: The most records that are looked at one by one; a count is as many records.
RECORDS_MAX = 10**8


@dataclass(frozen=True)
class Log:
    """The rows of a log.

    Attributes
    ----------
    states, actions : tuple of str
        Names.
    s, a : ndarray of int64, shape (rows,)
        Their indices, row by row.
    count : ndarray of int64, shape (rows,)
        How many records the row stands for; 0: the label is told without being drawn.
    logp : ndarray, shape (rows,)
        Natural log-probabilities, NaN where none is told, or where probability 0 is.
    digits : int or None
        To how many decimal digits the column of probabilities is rounded; None: to more than eight.
    logarithms : bool
        Whether that column has logarithms.
    fingerprint, annotator : ndarray of int64, shape (rows,), or None
        Codes of the further columns.
    fingerprints, annotators : tuple of str
        Names of the codes.
    temperature : ndarray, shape (rows,), or None
        The stated temperatures, NaN where none is stated.
    zero : ndarray of bool, shape (rows,), or None
        Where probability 0 is told; None: nowhere.
    """

    states: tuple[str, ...]
    actions: tuple[str, ...]
    s: np.ndarray
    a: np.ndarray
    count: np.ndarray
    logp: np.ndarray
    digits: int | None = None
    logarithms: bool = True
    fingerprint: np.ndarray | None = None
    fingerprints: tuple[str, ...] = ()
    annotator: np.ndarray | None = None
    annotators: tuple[str, ...] = ()
    temperature: np.ndarray | None = None
    zero: np.ndarray | None = None

    @property
    def n(self) -> int:
        """The number of records."""
        return int(self.count.sum())

    @property
    def told(self) -> bool:
        """Whether any probability is told."""
        return not np.isnan(self.logp).all()


def log_of(table: Columns) -> Log:
    """The log that columns hold. Faults of rows are refused together; disagreements are left to the checks."""
    roles = table.understood(("state", "action", "probability", "log-probability", "count"))
    extra = {role: next((n for n in table.names if n.casefold() in names), None) for role, names in EXTRA.items()}
    for role in ("state", "action"):
        if roles[role] is None and extra["annotator"]:
            roles[role] = next((n for n in table.names if n.casefold() in CROWD[role]), None)
        if roles[role] is None:
            raise table.lacks(role)
    if roles["probability"] and roles["log-probability"]:
        raise ValueError("the table has both a probability and a log-probability column: keep one of them")
    size = len(table)
    states, s = _coded(table, roles["state"])
    actions, a = _coded(table, roles["action"])
    count = np.ones(size, dtype=np.int64) if roles["count"] is None else table.column_of_counts(roles["count"])
    logp, digits, zero = _logarithms(table, roles["probability"], roles["log-probability"], size)
    fingerprints, fingerprint = _coded(table, extra["fingerprint"], gaps=True)
    annotators, annotator = _coded(table, extra["annotator"], gaps=True)
    temperature = table.column_of_numbers(extra["temperature"], gaps=True) if extra["temperature"] else None
    if temperature is not None:
        with np.errstate(invalid="ignore"):
            good = ~(temperature < 0)
        table.refuse_numbers(extra["temperature"] or "", temperature, good, "a temperature is not negative")
    table.faults.refuse()
    table.leave_alone([*roles.values(), *extra.values()])
    total = float(count.sum(dtype=np.float64))
    if total > RECORDS_MAX:
        raise checks.Unsupported(
            f"the log holds {total:.4g} records: {RECORDS_MAX:.0e} at most are looked at one by one; check a part of it"
        )
    return Log(
        states,
        actions,
        s,
        a,
        count,
        logp,
        digits,
        roles["log-probability"] is not None,
        fingerprint if extra["fingerprint"] else None,
        fingerprints,
        annotator if extra["annotator"] else None,
        annotators,
        temperature,
        zero if zero.any() else None,
    )


def _coded(table: Columns, column: str | None, *, gaps: bool = False) -> tuple[tuple[str, ...], np.ndarray]:
    """The names in a column in the order of their first appearance, and the index of each row's."""
    if column is None:
        return (), np.zeros(len(table), dtype=np.int64)
    values = table[column]
    if isinstance(values, Coded) and (values.codes >= 0).all():
        return tuple(values.names), values.codes
    names: Sequence[str] = table.column_of_names(column, gaps=gaps)
    position: dict[str, int] = {}
    codes = np.fromiter((position.setdefault(name, len(position)) for name in names), np.int64, len(names))
    return tuple(position), codes


def _logarithms(
    table: Columns, probability: str | None, logarithm: str | None, size: int
) -> tuple[np.ndarray, int | None, np.ndarray]:
    """The log-probability of each row, NaN where no p > 0 is told; its rounding in digits; where p = 0 is told.

    Marks are those of records: -9999 stands for what is not told, and what is below `MARKS_BELOW` for probability 0.
    """
    name = probability or logarithm
    if name is None:
        return np.full(size, np.nan), None, np.zeros(size, dtype=bool)
    given = table.column_of_numbers(name, gaps=True, logarithms=name == logarithm).astype(np.float64)
    silent = np.isnan(given)
    if probability:
        table.refuse_numbers(name, given, silent | (given >= 0), "a probability is at least 0")
        table.refuse_numbers(name, given, silent | (given <= 1 + 1e-3), "a probability is at most 1")
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(given)
    else:
        table.refuse_numbers(name, given, silent | (given <= 1e-3), "a log-probability is at most 0")
        values = given.copy()
        silent |= values == MARK
    above = int((values > 0).sum())
    if above:
        table.notes.append((f"{above} values of column {name} are above {1 if probability else 0}, and taken for it",))
    values = np.minimum(values, 0.0)
    zero = values < MARKS_BELOW
    values[zero | silent] = np.nan
    return values, _digits(given[~silent & ~zero], logarithms=name == logarithm), zero


#: Of fewer different values it is not told whether they are rounded, or short by themselves, as 0.25 is; and of fewer
#: different logarithms, of which only that of 1 is short by itself.
ROUNDED_FROM, LOGARITHMS_FROM = 20, 3


def _digits(values: np.ndarray, logarithms: bool) -> int | None:
    """To how many decimal digits, eight at most, all values are rounded; logarithms perhaps to none."""
    seen = np.unique(values)
    if np.count_nonzero(seen) < (LOGARITHMS_FROM if logarithms else ROUNDED_FROM):
        return None
    for digits in range(0 if logarithms else 1, 9):
        if (np.abs(seen - np.round(seen, digits)) <= 1e-12 * np.maximum(np.abs(seen), 1)).all():
            return digits
    return None
