"""Teachers, transfer records and students as tables: CSV files, Parquet files, DataFrames.

A teacher is a table in one of two shapes:

long   columns ``state``, ``action`` and either ``probability`` or ``count``; optionally ``rho``, the law of the inputs,
       repeated on every row of its state. A pair that is not listed has probability 0.
wide   first column ``state``, optionally ``rho``; every other column is a label and holds its probabilities.

States and labels come in the order of their first appearance. Short column names (``s``, ``a``, ``p``) are understood
as in `kt_theory.TransferSet.from_records`; columns beyond these are left alone in a long table.

Names are text whatever they look like ("007", "nan"), and numbers are read and written to the last bit. A CSV file is
UTF-8 text with commas, double quotes and one header line. Errors count lines from 1, the first below the header.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.files import write_whole
from kt_theory.problem import Problem
from kt_theory.protocol import COLUMNS, TOLERANCE, TransferSet

#: Formats, by the file's suffix.
SUFFIXES = (".csv", ".parquet")

#: Names under which a teacher's columns are understood.
TEACHER_COLUMNS = {role: COLUMNS[role] for role in ("state", "action", "probability")} | {
    "count": ("count",),
    "rho": ("rho",),
}

_NAME_COLUMNS = frozenset(COLUMNS["state"] + COLUMNS["action"])
_NUMBER_COLUMNS = frozenset(COLUMNS["probability"] + COLUMNS["log-probability"] + ("count", "rho"))

# Narrower than Python's float(): "nan", "inf" and "1_000" are no measurements, and a label may well be called "nan".
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_WHOLE = re.compile(r"[0-9]{1,18}")


# --- Tables ---------------------------------------------------------------------------------------------


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table from a CSV or Parquet file, by its suffix.

    Parameters
    ----------
    path : path_like
        A file whose name ends in .csv or .parquet.

    Returns
    -------
    DataFrame
        The columns of states and actions (``state``, ``s``, ``action``, ``a``) are text. A column of a known number
        (probabilities, log-probabilities, ``count``, ``rho``) is numeric and has no gaps. In a CSV file any other
        column is numeric if all its filled cells are numbers, with NaN in the gaps, and text otherwise.

    Raises
    ------
    ValueError
        In one sentence that names the file: another suffix; no such file, a folder, a file that may not be read; an
        empty file; text that is not UTF-8; a line with too few or too many cells; a quote that is never closed; a
        single column; a column name that occurs twice; an empty or non-numeric cell where a number is needed; a
        damaged Parquet file; pyarrow not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_table(pd.DataFrame({"state": ["007"], "p": [0.1]}), Path(folder) / "table.csv")
    ...     read_table(path).to_dict("list")
    {'state': ['007'], 'p': [0.1]}
    """
    source = Path(path)
    with _speaking_of(source):
        suffix = _suffix(source)
        content = _content(source)
        return _parsed_csv(content) if suffix == ".csv" else _parsed_parquet(content)


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a table to a CSV or Parquet file, by its suffix; whole or not at all.

    Parameters
    ----------
    frame : DataFrame
        Columns of text and numbers; NaN becomes an empty cell. Its index is not written.
    path : path_like
        A name that ends in .csv or .parquet. A missing folder is made, an existing file is replaced in one step.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the suffix is another one, pyarrow is not installed, or a text cannot be encoded in UTF-8.

    Examples
    --------
    >>> write_table(pd.DataFrame({"state": ["x"], "p": [1.0]}), "teacher.xlsx")
    Traceback (most recent call last):
    ...
    ValueError: teacher.xlsx: its name must end in .csv or .parquet
    """
    target = Path(path)
    with _speaking_of(target):
        if _suffix(target) == ".parquet":
            _pyarrow()
            return write_whole(target, lambda file: frame.to_parquet(file, engine="pyarrow", index=False))
        # Python before 3.13 leaves a carriage return unquoted, and no reader would then find it inside its cell.
        texts = [*frame.columns, *frame.select_dtypes(exclude="number").to_numpy().ravel()]
        quoting = csv.QUOTE_NONNUMERIC if any("\r" in str(text) for text in texts) else csv.QUOTE_MINIMAL
        return write_whole(
            target, lambda file: frame.to_csv(file, index=False, lineterminator="\n", encoding="utf-8", quoting=quoting)
        )


# --- Teachers -------------------------------------------------------------------------------------------


def teacher_from_frame(frame: pd.DataFrame, *, normalise: bool = False, name: str = "teacher") -> Problem:
    """The problem that a long or wide table describes.

    Parameters
    ----------
    frame : DataFrame
        A long table (it has an ``action`` or ``a`` column next to probabilities or counts) or a wide one, as
        described at the head of this module. If rho is not given it follows from the counts as the natural frequency
        of each state; beside probabilities it is uniform.
    normalise : bool
        Divide each state's probabilities, and rho, by their sums. Without it, sums off 1 by more than 1e-12 are an
        error. Counts are always divided by their sums.
    name : str
        Name of the problem.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        For a missing, repeated or ambiguous column, a missing name, a pair or a state that is listed twice, a value
        that is not a probability or not a count, a state without mass, a sum off 1, or a rho that differs within a
        state; the message names the line or the state, and the value.

    Examples
    --------
    >>> long = pd.DataFrame({"state": ["x", "x", "y"], "action": ["yes", "no", "no"], "count": [1, 3, 4]})
    >>> problem = teacher_from_frame(long)
    >>> problem.actions, problem.rho.tolist(), problem.teacher.tolist()
    (('yes', 'no'), [0.5, 0.5], [[0.25, 0.75], [0.0, 1.0]])
    >>> wide = pd.DataFrame({"state": ["x", "y"], "yes": [0.25, 0.0], "no": [0.75, 0.9]})
    >>> teacher_from_frame(wide)
    Traceback (most recent call last):
    ...
    ValueError: the probabilities of state 'y' sum to 0.9, off 1 by -0.1; normalise=True divides by the sum
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"frame is a {type(frame).__name__}: it must be a DataFrame")
    frame = _with_distinct_columns(frame)
    if frame.empty:
        raise ValueError("the table has no lines below its header")
    present = {role: [column for column in names if column in frame] for role, names in TEACHER_COLUMNS.items()}
    weighted = present["probability"] or present["count"]
    if "action" in frame or (present["action"] and weighted):
        return _from_long(frame, present, normalise, name)
    return _from_wide(frame, normalise, name)


def read_teacher(path: str | os.PathLike[str], *, normalise: bool = False) -> Problem:
    r"""A problem from a CSV or Parquet file that holds a long or wide table.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads; its stem becomes the problem's name.
    normalise : bool
        As in `teacher_from_frame`.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        Whatever `read_table` and `teacher_from_frame` refuse; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "coin.csv"
    ...     _ = path.write_text("state,heads,tails\nfair,0.5,0.5\n")
    ...     read_teacher(path).actions
    ('heads', 'tails')
    """
    frame = read_table(path)
    with _speaking_of(path):
        return teacher_from_frame(frame, normalise=normalise, name=Path(path).stem)


def write_teacher(problem: Problem, path: str | os.PathLike[str]) -> Path:
    """Write a problem as a long table with columns state, action, probability and rho.

    `read_teacher` gives back the same numbers to the last bit, and the same names in the same order. The first state's
    row is written in full, which fixes the labels and their order; of the other rows only what is not 0.

    Parameters
    ----------
    problem : Problem
    path : path_like
        A name that ends in .csv or .parquet.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        As `write_table`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_teacher(Problem([0.5, 0.5], [[0.0, 1.0], [0.0, 1.0]]), Path(folder) / "teacher.csv")
    ...     print(path.read_text(), end="")
    state,action,probability,rho
    0,0,0.0,0.5
    0,1,1.0,0.5
    1,1,1.0,0.5
    """
    written = (problem.teacher != 0) | np.signbit(problem.teacher)  # -0.0 is another float than 0.0
    written[0] = True
    s, a = np.nonzero(written)
    with _speaking_of(path):
        columns = {"state": _texts(problem.states)[s], "action": _texts(problem.actions)[a]}
    frame = pd.DataFrame(columns | {"probability": problem.teacher[s, a], "rho": problem.rho[s]})
    return write_table(frame, path)


def bundled_teacher(name: str = "next_word") -> Problem:
    """A real teacher that travels inside the package; ``kt_theory/teachers/README.md`` tells where it comes from.

    Parameters
    ----------
    name : {"next_word"}
        "next_word": the law of the next English word given the previous one, from counts of web pages.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If there is no teacher of that name; the message lists those that there are.

    Examples
    --------
    >>> problem = bundled_teacher()
    >>> problem.S, problem.A
    (50, 100)
    >>> row = problem.teacher[problem.states.index("more")]
    >>> problem.actions[row.argmax()], float(row.max().round(3))
    ('than', 0.367)
    """
    folder = resources.files("kt_theory") / "teachers"
    available = sorted(entry.name.removesuffix(".csv") for entry in folder.iterdir() if entry.name.endswith(".csv"))
    checks.one_of("name", name, available)
    with resources.as_file(folder / f"{name}.csv") as path:
        return read_teacher(path)


# --- Records and students -------------------------------------------------------------------------------


def read_records(
    path: str | os.PathLike[str],
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float = TOLERANCE,
) -> TransferSet:
    r"""A transfer set from a CSV or Parquet file of records, one per line.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads, with the columns of `kt_theory.TransferSet.from_records`.
    states, actions : sequence, optional
        The full alphabets. If not given, the names that occur, sorted: as numbers if all of them are whole numbers
        in plain digits, else as text.
    tolerance : float
        As in `kt_theory.TransferSet.from_records`.

    Returns
    -------
    TransferSet

    Raises
    ------
    ValueError
        Whatever `read_table` and `kt_theory.TransferSet.from_records` refuse; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "records.csv"
    ...     _ = path.write_text("s,a,p\n2,yes,0.75\n10,no,0.5\n")
    ...     data = read_records(path)
    >>> data.protocol, data.states, data.counts.tolist()
    ('partial', ('2', '10'), [[0, 1], [1, 0]])
    """
    frame = read_table(path)
    for column in _NAME_COLUMNS & set(frame.columns):
        values = frame[column].tolist()
        if values and all(_is_plain_number(value) for value in values):
            frame[column] = np.array([int(value) for value in values], dtype=np.int64)
    with _speaking_of(path):
        return TransferSet.from_records(frame, states=states, actions=actions, tolerance=tolerance)


def read_names(path: str | os.PathLike[str]) -> list[str]:
    r"""An alphabet from a text file, one name on each line.

    Parameters
    ----------
    path : path_like
        A file of UTF-8 text. Names are taken as they stand, blanks and commas included.

    Returns
    -------
    list of str
        The names, in the order of the file.

    Raises
    ------
    ValueError
        In one sentence that names the file: no such file, a folder, a file that may not be read; an empty file; text
        that is not UTF-8; an empty line before the last name; a name that occurs twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "actions.txt"
    ...     _ = path.write_text("yes\nno\n")
    ...     read_names(path)
    ['yes', 'no']
    """
    source = Path(path)
    with _speaking_of(source):
        text = _decoded(_content(source)).replace("\r\n", "\n").rstrip("\n")
        names = text.split("\n")
        lines: dict[str, int] = {}
        for i, name in enumerate(names, start=1):
            if not name:
                raise ValueError(f"line {i} is empty: a name is needed")
            if name in lines:
                raise ValueError(f"line {i} repeats the name {name!r} of line {lines[name]}")
            lines[name] = i
        return names


def write_students(students: Mapping[str, Any], transfer_set: TransferSet, path: str | os.PathLike[str]) -> Path:
    """Write students beside the data they were fitted on: one line per (state, action), one column per student.

    Parameters
    ----------
    students : mapping of str to array_like, shape (S, A)
        Student tables by name, usually the learner's.
    transfer_set : TransferSet
        What the students saw. It gives the columns state, action, count and revealed (empty where hidden).
    path : path_like
        A name that ends in .csv or .parquet.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If there is no student, one has another shape, an entry outside [0, 1] or the name of a column that is taken;
        and as `write_table`.

    Examples
    --------
    >>> import tempfile
    >>> data = TransferSet.from_counts([[2, 0]], [[0.75, 0.25]], "partial")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_students({"SEL_ptl": [[0.75, 0.25]]}, data, Path(folder) / "students.csv")
    ...     print(path.read_text(), end="")
    state,action,count,revealed,SEL_ptl
    0,0,2,0.75,0.75
    0,1,0,,0.25
    """
    if not isinstance(students, Mapping) or not students:
        raise ValueError("students must map at least one name to a table")
    S, A = transfer_set.counts.shape
    with _speaking_of(path):
        states, actions = _texts(transfer_set.states), _texts(transfer_set.actions)
    columns = {"state": np.repeat(states, A), "action": np.tile(actions, S)}
    columns |= {"count": transfer_set.counts.ravel(), "revealed": transfer_set.revealed.ravel()}
    for learner, student in students.items():
        # Rows are not checked to sum to 1 within 1e-12: a transfer set read with a tolerance may leave them off by it.
        table = checks.probabilities(f"students[{learner!r}]", student, ndim=2)
        if table.shape != (S, A):
            raise ValueError(f"students[{learner!r}] has shape {table.shape}, {(S, A)} is needed")
        if str(learner) in columns:
            raise ValueError(f"students has the name {learner!r}, which is that of another column")
        columns[str(learner)] = table.ravel()
    return write_table(pd.DataFrame(columns), path)


# --- From frames to problems ----------------------------------------------------------------------------


def _from_long(frame: pd.DataFrame, present: dict[str, list[str]], normalise: bool, name: str) -> Problem:
    for role, columns in present.items():
        if len(columns) > 1:
            raise ValueError(f"the table has {len(columns)} {role} columns, {' and '.join(columns)}: keep one of them")
    if not present["state"]:
        raise ValueError(f"the table has no state column: name it {' or '.join(TEACHER_COLUMNS['state'])}")
    if bool(present["probability"]) == bool(present["count"]):
        found = "both a probability and" if present["count"] else "neither a probability nor"
        raise ValueError(f"the table has {found} a count column: one of them is needed")
    states, s = _coded(frame, present["state"][0])
    actions, a = _coded(frame, present["action"][0])
    S, A = len(states), len(actions)
    _, first, pair = np.unique(s * A + a, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[pair] != np.arange(len(frame)))
    if repeats.size:
        i = int(repeats[0])
        again = f"({states[s[i]]!r}, {actions[a[i]]!r})"
        raise ValueError(f"line {i + 1} repeats the pair {again} of line {int(first[pair[i]]) + 1}")

    rho = np.full(S, 1 / S)
    if present["count"]:
        counts = np.zeros((S, A), dtype=np.int64)
        counts[s, a] = _counts(frame, present["count"][0])
        teacher, rho = _frequencies(counts, states)
    else:
        weights = np.zeros((S, A))
        weights[s, a] = _weights(frame, present["probability"][0], normalise)
        teacher = _rows_that_sum_to_one(weights, states, normalise)
    if present["rho"]:
        rho = _law_of_states(_weights(frame, "rho", normalise), s, states, normalise)
    return Problem(rho, teacher, name, states, actions)


def _from_wide(frame: pd.DataFrame, normalise: bool, name: str) -> Problem:
    head, *others = frame.columns
    if head not in TEACHER_COLUMNS["state"]:
        raise ValueError(f"the first column of a wide table is {head!r}: name it state or s, or give an action column")
    actions = tuple(column for column in others if column != "rho")
    if not actions:
        raise ValueError("the table has no column of labels: it needs an action column or one column per label")
    if "" in actions:
        raise ValueError(f"column {frame.columns.get_loc('') + 1} of the table has no name: it must be a label")
    states, s = _coded(frame, head)
    if len(states) < len(frame):
        i = next(i for i, state in enumerate(s) if state != i)
        raise ValueError(f"line {i + 1} repeats the state {states[s[i]]!r} of line {s[i] + 1}")
    weights = np.column_stack([_weights(frame, action, normalise) for action in actions])
    teacher = _rows_that_sum_to_one(weights, states, normalise)
    rho = np.full(len(states), 1 / len(states))
    if "rho" in others:
        rho = _law_of_states(_weights(frame, "rho", normalise), s, states, normalise)
    return Problem(rho, teacher, name, states, actions)


def _coded(frame: pd.DataFrame, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The names in a column, in order of first appearance, and for each line the index of its name."""
    gaps = frame[column].isna().to_numpy()
    if gaps.any():
        raise ValueError(f"line {int(np.argmax(gaps)) + 1} has no {column}")
    codes, names = pd.factorize(np.array([checks.name_of(value) for value in frame[column]], dtype=object))
    return tuple(names), codes


def _weights(frame: pd.DataFrame, column: str, normalise: bool) -> np.ndarray:
    """A column of probabilities; if they are to be normalised, of numbers that are finite and not negative."""
    values = _numbers(frame, column).astype(np.float64)
    good = (values >= 0) & ((values < np.inf) if normalise else (values <= 1))
    wanted = "a weight is a finite number, at least 0" if normalise else "a probability is a number in [0, 1]"
    _refuse_first(column, values, ~good, wanted)
    return values


def _counts(frame: pd.DataFrame, column: str) -> np.ndarray:
    values = _numbers(frame, column)
    _refuse_first(column, values, ~(np.isfinite(values) & (values == np.floor(values))), "a count is a whole number")
    _refuse_first(column, values, values < 0, "a count is not negative")
    return checks.count_table(column, values[None, :])[0]  # refuses a total of 2**63 or more


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    values = frame[column]
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return values.to_numpy()
    numbers = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            numbers[i] = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"line {i + 1}: {column} is {value!r}, not a number") from None
    return numbers


def _refuse_first(column: str, values: np.ndarray, bad: np.ndarray, wanted: str) -> None:
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"line {i + 1}: {column} is {values[i]}: {wanted}")


def _frequencies(counts: np.ndarray, states: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the teacher and the law of the inputs that counts stand for."""
    visits = counts.sum(axis=1)
    if not visits.all():
        raise ValueError(f"the counts of state {states[int(np.argmin(visits))]!r} are all 0: no law follows from them")
    return counts / visits[:, None], visits / visits.sum()


def _rows_that_sum_to_one(weights: np.ndarray, states: tuple[str, ...], normalise: bool) -> np.ndarray:
    subjects = [f"the probabilities of state {state!r} sum" for state in states]
    return weights / _divisors(weights.sum(axis=1), subjects, normalise)[:, None]


def _law_of_states(values: np.ndarray, s: np.ndarray, states: tuple[str, ...], normalise: bool) -> np.ndarray:
    """The law of the inputs from a column that repeats each entry on every line of its state."""
    _, first = np.unique(s, return_index=True)
    rho = values[first]
    differs = values != rho[s]
    if differs.any():
        i = int(np.argmax(differs))
        raise ValueError(
            f"line {i + 1}: rho of state {states[s[i]]!r} is {float(values[i])!r}, "
            f"but {float(rho[s[i]])!r} on line {int(first[s[i]]) + 1}"
        )
    return rho / _divisors(rho.sum(keepdims=True), ["rho sums"], normalise)


def _divisors(totals: np.ndarray, subjects: list[str], normalise: bool) -> np.ndarray:
    """What to divide laws by, given their sums: the sums, or 1 if the laws must be right as they are."""
    good = (totals > 0) & (totals < np.inf) if normalise else np.abs(totals - 1) <= checks.SUM_TOLERANCE
    if not good.all():
        i = int(np.argmin(good))
        total = float(totals[i])
        if normalise:
            raise ValueError(f"{subjects[i]} to {total!r}: no law follows from that")
        raise ValueError(f"{subjects[i]} to {total!r}, off 1 by {total - 1:.3g}; normalise=True divides by the sum")
    return totals if normalise else np.ones_like(totals)


# --- From files to frames -------------------------------------------------------------------------------


@contextmanager
def _speaking_of(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file's name in front of the sentence of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"its name must end in {' or '.join(SUFFIXES)}")
    return suffix


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except IsADirectoryError:
        raise ValueError("it is a folder, not a file") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from None
    if not content:
        raise ValueError("the file is empty")
    return content


def _texts(names: tuple[str, ...]) -> np.ndarray:
    """Names as a column; a lone surrogate, which no file can hold, would fail deep inside pandas."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the name {name!r} cannot be encoded in UTF-8") from None
    return np.array(names, dtype=object)


def _parsed_csv(content: bytes) -> pd.DataFrame:
    # The csv module rather than pandas.read_csv, which pads short lines and renames a column that occurs twice.
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
    try:
        lines = [cells for cells in reader if cells]
    except csv.Error as error:
        raise ValueError(f"it is not a CSV file ({error})") from None
    if not lines:
        raise ValueError("the file is empty")
    header, *lines = lines
    if len(header) == 1:
        raise ValueError(f"its only column is {header[0][:40]!r}: a table needs two or more, separated by commas")
    for i, cells in enumerate(lines, start=1):
        if len(cells) != len(header):
            raise ValueError(f"line {i} has {len(cells)} cells, the header has {len(header)}")
    _with_distinct_columns(pd.DataFrame(columns=header))
    columns = zip(*lines, strict=True) if lines else ((),) * len(header)
    return pd.DataFrame({name: _typed(name, cells) for name, cells in zip(header, columns, strict=True)})


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # spreadsheets put a byte order mark in front
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is {content[error.start]:#04x}"
        raise ValueError(f"{where}, which is not UTF-8: save the file as UTF-8 text") from None


def _typed(column: str, cells: Sequence[str]) -> np.ndarray:
    """The cells of a CSV column as text or as numbers."""
    text = np.array(cells, dtype=object)
    if column in _NAME_COLUMNS:
        return text
    others = [i for i, cell in enumerate(cells) if not _NUMBER.fullmatch(cell)]
    if column in _NUMBER_COLUMNS and others:
        value = cells[others[0]]
        raise ValueError(f"line {others[0] + 1}: {column} is {f'{value!r}, not a number' if value else 'empty'}")
    if others and (len(others) == len(cells) or any(cells[i] for i in others)):
        return text
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    return np.array([float(cell) if cell else np.nan for cell in cells])


def _parsed_parquet(content: bytes) -> pd.DataFrame:
    pyarrow = _pyarrow()
    try:
        frame = pd.read_parquet(io.BytesIO(content), engine="pyarrow")
    except (pyarrow.ArrowException, OSError, ValueError):
        raise ValueError("it is not a Parquet file, or a damaged one") from None
    frame = _with_distinct_columns(frame)
    for column in frame.columns:
        gaps = frame[column].isna()
        if column in _NAME_COLUMNS:
            frame[column] = frame[column].astype(object).map(checks.name_of).mask(gaps, None)
        elif column in _NUMBER_COLUMNS and gaps.any():
            raise ValueError(f"line {int(np.argmax(gaps)) + 1}: {column} is empty")
    return frame


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError("Parquet files need pyarrow: pip install 'kt_theory[parquet]'") from None
    return pyarrow


def _with_distinct_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its column names as text, if no two are equal."""
    columns = [str(column) for column in frame.columns]
    if len(set(columns)) < len(columns):
        repeated = next(column for i, column in enumerate(columns) if column in columns[:i])
        raise ValueError(f"the table has two columns named {repeated!r}")
    return frame.set_axis(columns, axis="columns")


def _is_plain_number(name: Any) -> bool:
    return isinstance(name, str) and _WHOLE.fullmatch(name) is not None and str(int(name)) == name
