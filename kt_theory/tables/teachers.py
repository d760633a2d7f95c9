"""Teachers: from long and wide tables, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.problem import Problem
from kt_theory.records.columns import COLUMNS, Columns, listed
from kt_theory.records.samples import OTHER, with_other
from kt_theory.refusals import Argument, Refusal
from kt_theory.sparse import SPARSE_FROM, SparseTable, aligned
from kt_theory.tables.names import texts
from kt_theory.tables.reading import read_columns
from kt_theory.tables.sources import checked_path, name_of_source, speaking_of, stem_of
from kt_theory.tables.writing import write_table

#: Names under which a teacher's columns are understood.
TEACHER_COLUMNS = {
    role: COLUMNS[role] for role in ("state", "action", "probability", "log-probability", "count", "rho")
}

#: The teachers that travel inside the package.
Bundled = Literal["language_model", "next_word"]
BUNDLED: tuple[Bundled, ...] = get_args(Bundled)


def teacher_from_frame(
    frame: pd.DataFrame,
    *,
    normalise: bool = False,
    other: str | None = None,
    columns: Mapping[str, Any] | None = None,
    add_repeats: bool = False,
    name: str = "teacher",
) -> Problem:
    """The problem that a long or wide table describes.

    Parameters
    ----------
    frame : DataFrame
        A long table (it has an ``action`` or ``a`` column next to probabilities, log-probabilities or counts) or a wide
        one, as described at the head of this module. A wide table of whole numbers, one of them above 1, holds counts.
        If rho is not given it follows from the counts as the natural frequency of each state; beside probabilities it
        is uniform. An index that has a name is a column.
    normalise : bool
        Divide each state's probabilities, and rho, by their sums; a warning says how much that moved. Without it, sums
        off 1 by more than 1e-12 are an error. Counts are always divided by their sums.
    other : str, optional
        The name of one more label, the last, whose probability is what each state's probabilities lack.
    columns : mapping of str to str, optional
        Which column has which role, where its name does not say, as in `kt_theory.TransferSet.from_records`.
    add_repeats : bool
        Add the counts of a pair that is listed several times. Without it such a pair is an error.
    name : str
        Name of the problem.

    Returns
    -------
    Problem
        A sparse one (`Problem.sparse`) if a long table has names for more than 1e7 cells, 80 MB.

    Raises
    ------
    ValueError
        For a missing, repeated or ambiguous column, or one that may be a weight; a missing name, a pair or a state that
        is listed twice, a value that is not a probability or not a count, a state without mass, a sum off 1, or a rho
        that differs within a state; `other` beside counts or `normalise`. Bad rows are reported together, counted from
        1.

    Examples
    --------
    >>> long = pd.DataFrame({"state": ["x", "x", "y"], "action": ["yes", "no", "no"], "count": [1, 3, 4]})
    >>> problem = teacher_from_frame(long)
    >>> problem.actions, problem.rho.tolist(), problem.teacher.tolist()
    (('yes', 'no'), [0.5, 0.5], [[0.25, 0.75], [0.0, 1.0]])
    >>> wide = pd.DataFrame({"state": ["x", "y"], "yes": [0.25, 0.0], "no": [0.75, 0.875]})
    >>> teacher_from_frame(wide, other="<other>").teacher.tolist()
    [[0.25, 0.75, 0.0], [0.0, 0.875, 0.125]]
    >>> teacher_from_frame(wide)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    kt_theory.refusals.Refusal: the probabilities of state 'y' sum to 0.875, off 1 by -0.125; normalise=True divides...
    """
    checks.instance_of("frame", frame, pd.DataFrame)
    table = Columns.of(frame).named(columns)
    problem = _problem(table, normalise, other, name, add_repeats)
    table.tell()
    return problem


def read_teacher(
    path: str | os.PathLike[str],
    *,
    normalise: bool = False,
    other: str | None = None,
    columns: Mapping[str, Any] | None = None,
    add_repeats: bool = False,
) -> Problem:
    r"""A problem from a text or Parquet file that holds a long or wide table.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads, or "-"; its name without suffix becomes the problem's name.
    normalise, other, columns, add_repeats
        As in `teacher_from_frame`.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        Whatever `read_table` and `teacher_from_frame` refuse; the message names the file and, if it is text, its lines,
        the header counted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "coin.csv"
    ...     _ = path.write_text("state,heads,tails\nfair,0.5,0.5\n")
    ...     read_teacher(path).actions
    ('heads', 'tails')
    """
    with speaking_of(checked_path(path)):
        table = read_columns(path, columns)
        problem = _problem(table, normalise, other, stem_of(path), add_repeats)
    table.tell(name_of_source(path))
    return problem


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
    ...     path = write_teacher(Problem([0.5, 0.5], [[0.0, 1.0], [0.0, 1.0]]), f"{folder}/teacher.csv")
    ...     print(path.read_text(), end="")
    state,action,probability,rho
    0,0,0.0,0.5
    0,1,1.0,0.5
    1,1,1.0,0.5
    """
    checks.instance_of("problem", problem, Problem)
    if problem.sparse:
        pairs, first = problem.pairs, np.arange(problem.A)
        keys = np.union1d(pairs.keys, first)
        _, cells = aligned(SparseTable.of_keys(keys, np.zeros(keys.size), pairs.shape, pairs.rest), pairs)
        s, a, p = cells.rows, cells.columns, cells.values
    else:
        written = (problem.teacher != 0) | np.signbit(problem.teacher)  # -0.0 is another float than 0.0
        written[0] = True
        s, a = np.nonzero(written)
        p = problem.teacher[s, a]
    with speaking_of(checked_path(path)):
        columns = {"state": texts(problem.states)[s], "action": texts(problem.actions)[a]}
    frame = pd.DataFrame(columns | {"probability": p, "rho": problem.rho[s]})
    return write_table(frame, path)


def bundled_teacher(name: Bundled = "next_word") -> Problem:
    """A real teacher that travels inside the package; ``kt_theory/teachers/README.md`` states its source.

    Parameters
    ----------
    name : {"next_word", "language_model"}
        "next_word": the law of the next English word given the previous one, from counts of web pages.
        "language_model": the law of the next token of a small language model after each of 64 prompts, 19,537 tokens
        and ``<other>``, a sparse problem.

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
    ('than', 0.345)
    >>> bundled_teacher("language_model").pairs.stored
    64064
    """
    folder = resources.files("kt_theory") / "teachers"
    files = {Path(entry.name).stem: entry.name for entry in folder.iterdir() if entry.name.endswith((".csv", ".npz"))}
    name = checks.one_of("name", name, BUNDLED)
    with resources.as_file(folder / files[name]) as path:
        return read_teacher(path) if path.suffix == ".csv" else _language_model(path)


def _language_model(path: Path) -> Problem:
    """The teacher that ``simulations/make_language_model_teacher.py`` wrote: tokens that a row does not list are 0.

    Its logarithms are float32 numbers, and leave the sums off 1 by 1.5e-7: rows are divided by their sums.
    """
    with np.load(path) as stored:
        arrays = dict(stored)
    token, other = arrays["token"].astype(np.int64), arrays["other"]
    spelled, ends = arrays["token_bytes"].tobytes(), arrays["token_ends"].tolist()
    tokens = [spelled[a:b].decode("utf-8", "backslashreplace") for a, b in zip([0, *ends], ends, strict=False)]
    S, A = other.size, len(tokens) + 1
    p = np.column_stack([np.exp(arrays["logprob"].astype(np.float64)), other])
    p /= p.sum(axis=1, keepdims=True)
    columns = np.column_stack([token, np.full(S, A - 1)])
    keys = (np.arange(S)[:, None] * A + columns).ravel()
    table = SparseTable.of_keys(keys, p.ravel(), (S, A), np.zeros(S))
    law: Any = table  # the field takes one, and is an array or a table afterwards
    return Problem(np.full(S, 1 / S), law, path.stem, arrays["prompt"].tolist(), (*tokens, OTHER))


# --- From columns to problems ---------------------------------------------------------------------------


def _problem(table: Columns, normalise: bool, other: str | None, name: str, add_repeats: bool) -> Problem:
    normalise, add_repeats = checks.flag("normalise", normalise), checks.flag("add_repeats", add_repeats)
    if other is not None and normalise:
        both = (Argument("normalise"), " and ", Argument("other"))
        raise Refusal(*both, " both say what becomes of a row that is off 1: keep one of them")
    if len(table) == 0:
        table.faults.refuse()
        raise ValueError("the table has no rows")
    long = "action" in table.roles or _is_long(table)
    law = _from_long(table, normalise, add_repeats) if long else _from_wide(table, normalise)
    teacher, actions = law.weights, law.actions
    if other is not None:
        teacher, actions = _completed(law, other), with_other(actions, other)
    elif not law.counted:
        teacher = _divided(table, law, normalise)
    return Problem(law.rho, teacher, name, law.states, actions)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Law:
    """A table of weights whose rows are to be laws, and the law of the inputs, which is one."""

    rho: np.ndarray
    weights: np.ndarray | SparseTable
    states: tuple[str, ...]
    actions: tuple[str, ...]
    counted: bool = False


def _is_long(table: Columns) -> bool:
    """Whether a table is long. A capital letter names a label, unless S, A and P all stand there, and no state."""
    names = set(table.names)
    words = {name.casefold() for name in names if len(name) > 1} | (names & {"s", "a", "p"})
    words |= {"s", "a", "p"} if {"S", "A", "P"} <= names and "state" not in words else set()
    weighted = words.intersection(COLUMNS["probability"] + COLUMNS["log-probability"] + COLUMNS["count"])
    return "action" in words or ("a" in words and bool(weighted))


def _from_long(table: Columns, normalise: bool, add_repeats: bool) -> _Law:
    columns = table.understood(TEACHER_COLUMNS)
    if columns["state"] is None:
        raise table.lacks("state")
    assert columns["action"] is not None
    if any(name.casefold() in COLUMNS["revealed"] for name in table.names):
        raise ValueError(
            "column revealed: this is a table of students; keep the columns state, action and that of one student, "
            "named probability"
        )
    told = [role for role in ("probability", "log-probability", "count") if columns[role] is not None]
    if not told:
        raise Refusal(
            "the table has neither a probability nor a log-probability nor a count column, and ",
            Argument("columns"),
            f" names none; its columns are {listed(table.names)}",
        )
    if len(told) > 1:
        raise ValueError(f"the table has both a {told[0]} and a {told[1]} column: one of them is needed")
    states, s = _coded(table, columns["state"])
    actions, a = _coded(table, columns["action"])
    weight = columns[told[0]]
    assert weight is not None
    counted = told[0] == "count"
    values = table.column_of_counts(weight) if counted else _weights(table, weight, normalise, told[0])
    law = None if columns["rho"] is None else _weights(table, columns["rho"], normalise)
    good = np.flatnonzero(table.faults.good(len(table)) & (s >= 0) & (a >= 0))
    pairs = s[good] * len(actions) + a[good]
    _, first, again = np.unique(pairs, return_index=True, return_inverse=True)
    earlier = dict(zip(good.tolist(), good[first[again]].tolist(), strict=True))

    if add_repeats and not counted:
        raise Refusal(Argument("add_repeats"), " goes with counts: probabilities of one pair do not add up")

    def repeats(row: int) -> str:
        pair = f"({checks.shown(states[s[row]])}, {checks.shown(actions[a[row]])})"
        return f"the pair {pair} stands on {table.places[earlier[row]]} already"

    if not add_repeats:
        listed_again = [row for row, before in earlier.items() if before != row]
        if listed_again and counted:
            table.faults.advice = ("; ", Argument("add_repeats", True), " adds the counts of each pair")
        table.faults.add(listed_again, repeats)
    rho = None if law is None or columns["rho"] is None else _law_of_states(table, law, s, states, columns["rho"])
    table.faults.refuse()
    S, A = len(states), len(actions)
    if counted:
        checks.count_table(weight, values[None])  # refuses a total of 2**63 or more
    keys = s * A + a
    if add_repeats:
        keys, places = np.unique(keys, return_inverse=True)
        added = np.zeros(keys.size, dtype=np.int64)
        np.add.at(added, places, values)
        values = added
    weights: np.ndarray | SparseTable
    if S * A > SPARSE_FROM:
        weights = SparseTable.of_keys(keys, values, (S, A), np.zeros(S))
    else:
        weights = np.zeros((S, A), dtype=values.dtype)
        weights.ravel()[keys] = values
    uniform = np.full(S, 1 / S)
    if counted:
        weights, uniform = _frequencies(weights, states)
    table.leave_alone(columns.values())
    return _Law(uniform if rho is None else _law(table, rho, normalise), weights, states, actions, counted)


def _from_wide(table: Columns, normalise: bool) -> _Law:
    head = table.roles.get("state", table.names[0])
    others = [name for name in table.names if name != head]
    padded = [name for name in table.names if name != name.strip() and name.strip().casefold() in _ROLES]
    if padded:
        bare = padded[0].strip()
        raise ValueError(f"column {checks.shown(padded[0])} has blanks around its name: name it {bare}")
    if "state" not in table.roles and head.casefold() not in COLUMNS["state"]:
        raise Refusal(
            f"the first column of a wide table is {checks.shown(head)}: name it state or s, or give an action "
            "column, or say what is what with ",
            Argument("columns", {"state": head}),
            f"; the columns are {listed(table.names)}",
        )
    laws = [table.roles["rho"]] if "rho" in table.roles else [n for n in others if n.casefold() in COLUMNS["rho"]]
    actions = tuple(name for name in others if name not in laws[:1])
    if not actions:
        raise ValueError("the table has no column of labels: it needs an action column or one column per label")
    if table.unnamed:
        place = min(table.unnamed) + 1
        raise ValueError(f"column {place} of the table has no name: it must be a label{table.places.advice}")
    states, s = _coded(table, head)
    first = {int(code): row for row, code in reversed(list(enumerate(s)))}
    repeats = [row for row, code in enumerate(s) if code >= 0 and first[int(code)] != row]
    again = "the state {} stands on {} already"
    table.faults.add(repeats, lambda i: again.format(checks.shown(states[s[i]]), table.places[first[int(s[i])]]))
    weights: np.ndarray | SparseTable
    numbers = [table.column_of_numbers(action) for action in actions]
    counted = all(column.dtype.kind in "iu" for column in numbers) and any((column > 1).any() for column in numbers)
    if counted:
        weights = np.column_stack([table.column_of_counts(action) for action in actions])
    else:
        weights = np.column_stack([_weights(table, action, normalise) for action in actions])
    rho = _weights(table, laws[0], normalise) if laws else None
    table.faults.refuse()
    law = np.full(len(states), 1 / len(states))
    if counted:
        checks.count_table("the table", weights)  # refuses a total of 2**63 or more
        weights, law = _frequencies(weights, states)
    law = law if rho is None else _law(table, rho, normalise)
    return _Law(law, weights, states, actions, counted)


_ROLES = frozenset(name for names in TEACHER_COLUMNS.values() for name in names)


def _coded(table: Columns, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The names in a column, in order of first appearance, and for each row the index of its name; -1 at a fault."""
    names = table.column_of_names(column)
    good = table.faults.good(len(names))
    position: dict[str, int] = {}
    codes = [position.setdefault(name, len(position)) if fine else -1 for name, fine in zip(names, good, strict=True)]
    return tuple(position), np.array(codes, dtype=np.int64)


def _weights(table: Columns, column: str, normalise: bool, role: str = "probability") -> np.ndarray:
    """A column of probabilities; if they are to be normalised, of numbers that are finite and not negative."""
    values = table.column_of_numbers(column, logarithms=role == "log-probability").astype(np.float64)
    if role == "log-probability":
        with np.errstate(over="ignore"):
            weights = np.exp(values)
        table.refuse_numbers(column, values, weights <= 1, "a log-probability is at most 0")
        return weights
    good = (values >= 0) & ((values < np.inf) if normalise else (values <= 1))
    wanted = "a weight is a finite number, at least 0" if normalise else "a probability is a number in [0, 1]"
    table.refuse_numbers(column, values, good, wanted)
    return values


def _frequencies(
    counts: np.ndarray | SparseTable, states: tuple[str, ...]
) -> tuple[np.ndarray | SparseTable, np.ndarray]:
    """The rows of the teacher and the law of the inputs that counts stand for."""
    visits = _totals(counts)
    if not visits.all():
        state = checks.shown(states[int(np.argmin(visits))])
        raise ValueError(f"the counts of state {state} are all 0: no law follows from them")
    return _divided_by(counts, visits), visits / visits.sum()


def _totals(weights: np.ndarray | SparseTable) -> np.ndarray:
    """The sums of the rows; of counts exact."""
    if isinstance(weights, np.ndarray):
        return weights.sum(axis=1)
    if weights.values.dtype.kind == "i":
        sums = np.concatenate(([0], np.cumsum(weights.values)))
        return sums[weights.offsets[1:]] - sums[weights.offsets[:-1]]
    return weights.totals()


def _divided_by(weights: np.ndarray | SparseTable, totals: np.ndarray) -> np.ndarray | SparseTable:
    if isinstance(weights, np.ndarray):
        return weights / totals[:, None]
    values = weights.values / totals[weights.rows]
    return SparseTable(weights.shape, weights.offsets, weights.columns, values, weights.rest)


def _law_of_states(
    table: Columns, values: np.ndarray, s: np.ndarray, states: tuple[str, ...], column: str
) -> np.ndarray:
    """The law of the inputs from a column that repeats each entry on every row of its state."""
    good = table.faults.good(len(s))
    first = {int(code): row for row, code in reversed(list(enumerate(s))) if good[row]}

    def differs(row: int) -> str:
        start = first[int(s[row])]
        said = f"{column} of state {checks.shown(states[s[row]])} is {float(values[row])!r}"
        return f"{said}, but {float(values[start])!r} on {table.places[start]}"

    table.faults.add(
        [row for row in np.flatnonzero(good).tolist() if values[row] != values[first[int(s[row])]]], differs
    )
    return values[[first[code] for code in range(len(states)) if code in first]]


# --- Sums -----------------------------------------------------------------------------------------------


def _completed(law: _Law, other: str) -> np.ndarray | SparseTable:
    """The rows with one more label, whose probability is what each of them lacks."""
    if law.counted:
        raise Refusal(Argument("other"), " goes with probabilities: counts lack nothing")
    totals = _totals(law.weights)
    if (totals > 1 + checks.SUM_TOLERANCE).any():
        i = int(np.argmax(totals))
        said = f"the probabilities of state {checks.shown(law.states[i])} sum to {float(totals[i])!r}"
        raise Refusal(f"{said}, more than 1: nothing is left for ", Argument("other", other))
    lacking = np.where(totals >= 1 - checks.SUM_TOLERANCE, 0.0, 1 - totals)
    if isinstance(law.weights, np.ndarray):
        return np.column_stack([law.weights, lacking])
    (S, A), weights = law.weights.shape, law.weights
    keys = np.concatenate([weights.rows * (A + 1) + weights.columns, np.arange(1, S + 1) * (A + 1) - 1])
    return SparseTable.of_keys(keys, np.concatenate([weights.values, lacking]), (S, A + 1), weights.rest)


def _divided(table: Columns, law: _Law, normalise: bool) -> np.ndarray | SparseTable:
    """The rows as laws: divided by their sums if they are to be normalised, else as they are."""
    totals = _totals(law.weights)
    off = np.abs(totals - 1)
    bad = ~((totals > 0) & (totals < np.inf)) if normalise else ~(off <= checks.SUM_TOLERANCE)
    if bad.any():
        i = int(np.argmax(bad))
        said = f"the probabilities of state {checks.shown(law.states[i])} sum to {float(totals[i])!r}"
        if normalise:
            raise ValueError(f"{said}: no law follows from that")
        most = f"; {int(bad.sum())} of {bad.size} states are off, by {off.max():.3g} at most"
        several = most if bad.sum() > 1 else ""
        completes = totals.max() <= 1 + checks.SUM_TOLERANCE
        way = (", ", Argument("other", OTHER), " makes a label of what is lacking") if completes else ()
        by = f"off 1 by {float(totals[i]) - 1:.3g}"
        raise Refusal(f"{said}, {by}{several}; ", Argument("normalise", True), " divides by the sum", *way)
    if not normalise:
        return law.weights
    moved = off[off > checks.SUM_TOLERANCE]
    if moved.size:
        said = f"{moved.size} of {off.size} rows were divided by their sums, {totals.min():.10g} to {totals.max():.10g}"
        if moved.max() < 1:
            said += f": this moved at most {moved.max():.3g} of a row's mass, on average {off.mean():.3g}"
        table.notes.append((said,))
    return _divided_by(law.weights, totals)


def _law(table: Columns, rho: np.ndarray, normalise: bool) -> np.ndarray:
    """The law of the inputs, divided by its sum if it is to be normalised."""
    total = float(rho.sum())
    off = abs(total - 1)
    if normalise:
        if not 0 < total < np.inf:
            raise ValueError(f"rho sums to {total!r}: no law follows from that")
        if off > checks.SUM_TOLERANCE:
            table.notes.append((f"rho was divided by its sum, {total:.6g}",))
        return rho / total
    if not off <= checks.SUM_TOLERANCE:
        by = f"off 1 by {total - 1:.3g}"
        raise Refusal(f"rho sums to {total!r}, {by}; ", Argument("normalise", True), " divides by the sum")
    return rho
