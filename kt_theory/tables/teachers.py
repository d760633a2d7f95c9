"""Teachers: from long and wide tables, and back."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.problem import Problem
from kt_theory.protocol import COLUMNS
from kt_theory.tables.names import texts
from kt_theory.tables.reading import read_table, with_distinct_columns
from kt_theory.tables.sources import speaking_of
from kt_theory.tables.writing import write_table

#: Names under which a teacher's columns are understood.
TEACHER_COLUMNS = {role: COLUMNS[role] for role in ("state", "action", "probability")} | {
    "count": ("count",),
    "rho": ("rho",),
}


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
    frame = with_distinct_columns(frame)
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
    with speaking_of(path):
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
    with speaking_of(path):
        columns = {"state": texts(problem.states)[s], "action": texts(problem.actions)[a]}
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
