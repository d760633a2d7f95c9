"""Columns of a table: which of them are understood, where their rows stand, and what is wrong with them.

One rule for teachers and for records, for files and for tables in memory. A **name** (of an input or a label) is text
in every form ("", "nan" and "<NA>" are names), a number (1.0 is "1") or a date; bytes are the text that they spell in
UTF-8, or what is no UTF-8 in escapes. None, NaN, NaT and pandas' NA are missing, and so is an empty cell of a CSV file
that is not in quotes. A **number** is a finite decimal; "nan", "1_000" and True are none.

Rows are named by their place: a line of a text file, the header counted, or a row counted from 1. All faults of the
rows of a table are reported in one sentence.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.refusals import Argument, Note, Refusal

#: Names under which a column is understood, in small or capital letters.
COLUMNS = {
    "state": ("s", "state"),
    "action": ("a", "action"),
    "probability": ("p", "prob", "probability"),
    "log-probability": ("logp", "logprob", "log_prob", "log_probability"),
    "count": ("count", "counts"),
    "revealed": ("revealed",),
    "rho": ("rho",),
    "student probability": ("q", "student_p", "student_prob", "student_probability"),
    "student log-probability": (
        *("logq", "student_logp", "student_logprob", "student_log_prob", "student_log_probability"),
    ),
    "sequence": ("sequence",),
    "source": ("source",),
}

#: What a role is called where a user names its column.
ROLES = {"state": "state", "action": "action", "probability": "probability", "logprob": "log-probability"}
ROLES |= {"count": "count", "rho": "rho"}

#: Names of columns that may say how much a row counts. They are refused: left alone, they would change the answer.
WEIGHTS = frozenset(
    {"weight", "weights", "sample_weight", "importance", "importance_weight", "freq", "frequency", "multiplicity"}
    | {"repeats", "times", "num", "n"}
)

#: How many rows with a fault are listed before the rest is only counted.
FAULTS_LISTED = 5

# Narrower than Python's float(): "nan", "inf" and "1_000" are no measurements, and a label may well be called "nan".
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
MINUS_INFINITY = ("-inf", "-infinity")
WHOLE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Places:
    """Where rows stand: on the lines of a text file, or as rows counted from 1.

    Of rows that come from several files, `files` has the first row of each, and its name.
    """

    unit: str = "row"
    numbers: Sequence[int] | None = None
    files: Sequence[tuple[int, str]] = ()

    def __getitem__(self, row: int) -> str:
        place = f"{self.unit} {row + 1 if self.numbers is None else self.numbers[row]}"
        names = [name for first, name in self.files if first <= row]
        return f"{place} of {names[-1]}" if len(self.files) > 1 else place

    def of(self, rows: Iterable[int]) -> Places:
        """The places of some of the rows."""
        return Places(self.unit, [row + 1 if self.numbers is None else self.numbers[row] for row in rows])

    @property
    def advice(self) -> str:
        """What a message on a missing name adds."""
        return '; the empty name is written "" in quotes' if self.unit == "line" else ""


class Faults:
    """What is wrong with the rows of a table: the first fault of each row, reported together."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._of_row: dict[int, Callable[[int], str]] = {}
        self.advice: tuple[str | Argument, ...] = ()  # what the sentence ends with

    def __contains__(self, row: int) -> bool:
        return row in self._of_row

    def add(self, rows: Iterable[int] | np.ndarray, sentence: Callable[[int], str]) -> None:
        """Record a fault of each of some rows; `sentence` makes its words for a row."""
        for row in rows:
            self._of_row.setdefault(int(row), sentence)

    def told(self) -> dict[int, str]:
        """For each row with a fault what is wrong with it."""
        return {row: self._of_row[row](row) for row in sorted(self._of_row)}

    def good(self, size: int) -> np.ndarray:
        """Which of `size` rows have no fault."""
        good = np.ones(size, dtype=bool)
        good[list(self._of_row)] = False
        return good

    def refuse(self) -> None:
        """Raise if there is a fault: how many rows have one, and what is wrong with the first of them."""
        if not self._of_row:
            return
        told = [f"{self.places[row]}: {self._of_row[row](row)}" for row in sorted(self._of_row)[:FAULTS_LISTED]]
        total = len(self._of_row)
        if total == 1:
            raise Refusal(told[0], *self.advice)
        rest = f"; and {total - FAULTS_LISTED} more" if total > FAULTS_LISTED else ""
        raise Refusal(f"{total} {self.places.unit}s are bad: {'; '.join(told)}{rest}", *self.advice)


@dataclass(frozen=True)
class Coded:
    """A column of names as distinct texts and, for each row, the index of its own; -1 where it is missing."""

    names: Sequence[str]
    codes: np.ndarray

    def __len__(self) -> int:
        """The number of rows."""
        return self.codes.size

    def tolist(self) -> list[str | None]:
        """The names of the rows."""
        names = [*self.names, None]
        return [names[code] for code in self.codes.tolist()]


@dataclass
class Columns:
    """Columns by name, and where their rows stand.

    `unnamed` holds the positions of columns without a name; cells of text files are text, or None where a name is
    missing. `roles` says which column has which role, beyond the names. Warnings of a reader are collected in `notes`.
    """

    names: list[str]
    values: Sequence[Any]
    places: Places = field(default_factory=Places)
    faults: Faults = field(init=False)
    unnamed: frozenset[int] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)
    notes: list[tuple[str | Argument, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults = Faults(self.places)
        repeated = [name for i, name in enumerate(self.names) if name in self.names[:i]]
        if repeated:
            raise ValueError(f"the table has two columns named {checks.shown(repeated[0])}")

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.values[0]) if self.values else 0

    def __getitem__(self, name: str) -> Any:
        return self.values[self.names.index(name)]

    @classmethod
    def of(cls, table: Any) -> Columns:
        """The columns of a DataFrame, an index with a name among them, or of a mapping."""
        if hasattr(table, "reset_index"):
            levels = [level for level in table.index.names if level is not None and level not in table.columns]
            table = table.reset_index(level=levels) if levels else table
            return cls([str(name) for name in table.columns], [table.iloc[:, i] for i in range(table.shape[1])])
        names = list(getattr(table, "columns", table))
        return cls([str(name) for name in names], [table[name] for name in names])

    def understood(self, roles: Iterable[str]) -> dict[str, str | None]:
        """For each role the name of its column, or None; two columns of one role are refused."""
        found: dict[str, str | None] = {}
        taken = set(self.roles.values())
        for role in roles:
            if role in self.roles:
                found[role] = self.roles[role]
                continue
            present = [name for name in self.names if name.casefold() in COLUMNS[role] and name not in taken]
            if len(present) > 1:
                listed = " and ".join(present)
                raise ValueError(f"the table has {len(present)} {role} columns, {listed}: keep one of them")
            found[role] = present[0] if present else None
        return found

    def named(self, columns: Any) -> Columns:
        """The same columns with the roles that a user gives them: role -> name of a column, or of several for labels.

        Several columns of labels are the columns of annotators: a row is as many, and an empty cell is no label.
        """
        if columns is None:
            return self
        if not isinstance(columns, Mapping):
            raise ValueError(f"columns is {checks.shown(columns)}: it must map roles to names of columns")
        roles: dict[str, str] = {}
        for role, name in columns.items():
            if role not in ROLES:
                raise ValueError(f"columns names the role {checks.shown(role)}: roles are {', '.join(ROLES)}")
            names = [name] if isinstance(name, str) else checks.entries(f"columns[{role!r}]", name, "names")
            for wanted in names:
                if wanted not in self.names:
                    raise ValueError(
                        f"the table has no column {checks.shown(wanted)}; its columns are {listed(self.names)}"
                    )
            if len(names) > 1 and role == "action":
                rest = {other: of for other, of in columns.items() if other != role}
                return self._of_annotators(names).named({**rest, "action": "annotation"})
            if len(names) != 1:
                raise ValueError(f"columns gives {role} {len(names)} columns: one is needed")
            roles[ROLES[role]] = names[0]
        if len(set(roles.values())) < len(roles):
            raise ValueError("columns gives one column two roles")
        self.roles = roles
        return self

    def _of_annotators(self, names: Sequence[str]) -> Columns:
        """A row for each annotator that labelled, whose label stands in the column "annotation"."""
        rows, labels = [], []
        for i, said in enumerate(zip(*(sequence_of(self[name]) for name in names), strict=True)):
            given = [label for label in said if not checks.is_missing(label) and label != ""]
            rows += [i] * len(given)
            labels += given
        others = [name for name in self.names if name not in names]
        columns = [sequence_of(self[name]) for name in others]  # once: it may copy the column
        values: list[Any] = [[column[i] for i in rows] for column in columns]
        return Columns([*others, "annotation"], [*values, labels], self.places.of(rows))

    def without(self, rows: Iterable[int]) -> Columns:
        """The columns without some rows and the faults of these."""
        kept = np.ones(len(self), dtype=bool)
        kept[list(rows)] = False
        values: list[Any] = []
        for column in self.values:
            if isinstance(column, Coded):
                values.append(Coded(column.names, column.codes[kept]))
            elif isinstance(column, np.ndarray):
                values.append(column[kept])
            else:
                values.append([value for value, keep in zip(sequence_of(column), kept.tolist(), strict=True) if keep])
        return Columns(self.names, values, self.places.of(np.flatnonzero(kept).tolist()), self.unnamed, self.roles)

    def lacks(self, role: str) -> ValueError:
        """The refusal of a table that has no column of a role: how to name one, and what is there."""
        message = f"the table has no {role} column: name it {' or '.join(COLUMNS[role])}"
        padded = [name for name in self.names if name != name.strip() and name.strip().casefold() in COLUMNS[role]]
        if padded:
            return ValueError(f"{message}, without the blanks of {checks.shown(padded[0])}")
        given = next((name for name, of in ROLES.items() if of == role), None)
        if given is None:  # a column that readers of records and teachers do not know
            return ValueError(f"{message}{_there(self.names)}")
        example = {given: self.names[0]} if self.names else None
        return Refusal(f"{message}, or say which it is with ", Argument("columns", example), _there(self.names))

    def leave_alone(self, used: Iterable[str | None]) -> None:
        """Note which columns were not used; refuse those that may say how much a row counts."""
        taken = set(used)
        others = [name for name in self.names if name not in taken]
        for name in others:
            if name.casefold() in WEIGHTS:
                raise ValueError(
                    f"column {name} is not understood and may say how much a row counts: name it count if it says how "
                    "often the row was seen, or remove it"
                )
        if others:
            what = "column is" if len(others) == 1 else "columns are"
            self.notes.append((f"{len(others)} {what} left alone: {listed(others)}",))

    def tell(self, source: str = "") -> None:
        """Warn of what was noted; `source` names the file."""
        for parts in self.notes:
            warnings.warn(Note(*((f"{source}: ",) if source else ()), *parts), stacklevel=4)
        self.notes.clear()

    def column_of_names(self, name: str, *, gaps: bool = False) -> list[str]:
        """The names in a column; "" stands where a fault was found or, with `gaps`, where none is."""
        values = sequence_of(self[name])
        if all(type(value) is str for value in values):
            return values
        names: list[str] = []
        others: dict[str, set[int]] = {}  # what is no text and no bytes that spell one
        for row, value in enumerate(values):
            if type(value) is str:
                names.append(value)
                continue
            text, fault = _spelled(value)
            if text is None and not (gaps and checks.is_missing(value)):
                advice = self.places.advice if checks.is_missing(value) else ""
                self.faults.add([row], _saying(f"{name} {fault}{advice}"))
            elif text is not None and not (isinstance(value, bytes) and text.encode() == value):
                others.setdefault(text, set()).add(row)
            names.append("" if text is None else text)
        clash = [row for row, text in enumerate(names) if row not in others.get(text, {row})] if others else []
        self.faults.add(
            clash, lambda row: f"{name} is {checks.shown(names[row])}, as a value of another type is spelled"
        )
        return names

    def column_of_codes(self, name: str) -> tuple[Sequence[str], np.ndarray]:
        """The distinct names in a column, as they appear, and the index of each row's; -1 at a fault."""
        values = self[name]
        if isinstance(values, Coded):
            missing = np.flatnonzero(values.codes < 0)
            self.faults.add(missing, _saying(f"{name} is missing: every row needs a name{self.places.advice}"))
            return values.names, values.codes
        names = self.column_of_names(name)
        position: dict[str, int] = {}
        codes = np.fromiter((position.setdefault(text, len(position)) for text in names), np.int64, len(names))
        return list(position), np.where(self.faults.good(len(names)), codes, -1)

    def column_of_numbers(self, name: str, *, gaps: bool = False, logarithms: bool = False) -> np.ndarray:
        """The numbers in a column, int64 if all are whole; NaN where a fault was found or, with `gaps`, none.

        Among `logarithms` -inf is one: that of 0.
        """
        values = self[name]
        dtype = getattr(values, "dtype", None)
        if isinstance(dtype, np.dtype) and dtype.kind in "iuf" and not isinstance(values, np.ma.MaskedArray):
            array = np.asarray(values)
            if not gaps:
                self.faults.add(np.flatnonzero(np.isnan(array)), lambda _: f"{name} is empty")
            return array
        numbers: list[Any] = []
        for row, value in enumerate(sequence_of(values)):
            number, fault = _number(value)
            if number is None and logarithms and isinstance(value, str) and value.strip().lower() in MINUS_INFINITY:
                number = -np.inf
            if number is None:
                if not (gaps and fault == _EMPTY):
                    self.faults.add([row], _saying(f"{name} {fault}"))
                number = np.nan
            numbers.append(number)
        if all(type(number) is int for number in numbers):
            return np.array(numbers, dtype=np.int64)
        return np.array(numbers, dtype=np.float64)

    def column_of_counts(self, name: str) -> np.ndarray:
        """The counts in a column, int64; 0 where a fault was found."""
        values = self.column_of_numbers(name)
        if values.dtype == np.int64 and values.min(initial=0) >= 0:
            return values
        with np.errstate(invalid="ignore"):
            whole = np.isfinite(values) & (values == np.floor(values))
        self.refuse_numbers(name, values, whole, "a count is a whole number")
        self.refuse_numbers(name, values, ~whole | (values >= 0), "a count is not negative")
        self.refuse_numbers(name, values, ~whole | (values < 2.0**63), "it exceeds the largest 64-bit integer")
        return np.where(self.faults.good(len(values)), values, 0).astype(np.int64)

    def refuse_numbers(self, name: str, numbers: np.ndarray, good: np.ndarray, wanted: str) -> None:
        """Record a fault of each row whose number is not good; `wanted` is the words of a good one."""
        self.faults.add(np.flatnonzero(~good), lambda row: f"{name} is {numbers[row]}: {wanted}")


def sequence_of(values: Any) -> list[Any]:
    """A column as a list, what a masked array hides as None."""
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(values).ravel().tolist()
        return [None if mask else value for value, mask in zip(sequence_of(values.data), hidden, strict=True)]
    if isinstance(values, np.ndarray):
        # `tolist` makes numbers of dates.
        return list(values) if values.dtype.kind in "mM" and values.ndim else values.tolist()
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _saying(sentence: str) -> Callable[[int], str]:
    return lambda _: sentence


def _there(names: Sequence[str]) -> str:
    return f"; its columns are {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Some names in a sentence; of many the first."""
    rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(_bare(name) for name in names[:8]) + rest


def _bare(name: str) -> str:
    """A column's name as it stands if it is plain, in quotes if not."""
    plain = name and name == name.strip() and name.isprintable() and "," not in name and len(name) <= checks.SHOWN
    return name if plain else checks.shown(name)


def _spelled(value: Any) -> tuple[str | None, str]:
    """The text of a name, or None and what is wrong with it."""
    if checks.is_missing(value):
        return None, "is missing: every row needs a name"
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace"), ""
    if checks.can_be_a_name(value):
        return checks.name_of(value), ""
    value = value.tolist() if isinstance(value, np.ndarray) else value  # a list, as Parquet has it
    return None, f"is {checks.shown(value)}, a {type(value).__name__}: a name is text, a number or a date"


#: The fault of a cell without a number.
_EMPTY = "is empty"


def _number(value: Any) -> tuple[float | int | None, str]:
    """A cell as a number, or None and what is wrong with it."""
    if isinstance(value, str):
        if WHOLE.fullmatch(value):
            return int(value), ""
        if NUMBER.fullmatch(value):
            return float(value), ""
        return None, f"is {checks.shown(value)}, not a number" if value else _EMPTY
    if checks.is_missing(value):
        return None, _EMPTY
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Real, np.number)):
        return None, f"is {checks.shown(value)}, not a number"
    if isinstance(value, (int, np.integer)) and abs(int(value)) <= checks.INT64_MAX:
        return int(value), ""
    try:
        return float(value), ""
    except (OverflowError, TypeError, ValueError):
        return None, f"is {checks.shown(value)}, not a number"
