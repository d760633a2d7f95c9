"""Records: samples as rows of columns, and the counts and revealed probabilities that they amount to.

A row is one sample, or as many as its ``count`` says. A row of count 0 is no sample: it adds its names to the alphabets
and nothing else, which is how a table of students is read back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.records.columns import WHOLE, Columns, sequence_of
from kt_theory.refusals import Argument, Refusal
from kt_theory.sparse import SparseTable

#: Default of how far two revealed probabilities of one pair may differ, relatively, and a row's sum lie off 1.
#: A float64 log-probability survives the trip through exp and a decimal file to within 1e-14; float32 needs 1e-6.
TOLERANCE = 1e-9

#: The label that takes what a row lacks, where one is asked for and not named.
OTHER = "<other>"

#: The roles of columns of records.
ROLES = ("state", "action", "probability", "log-probability", "count", "revealed")


@dataclass(frozen=True)
class Samples:
    """What records amount to: counts and revealed probabilities of their pairs, NaN where nothing was revealed."""

    protocol: str
    counts: SparseTable
    revealed: SparseTable
    states: tuple[str, ...]
    actions: tuple[str, ...]


def samples_of(
    table: Columns,
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float = TOLERANCE,
    other: str | None = None,
) -> Samples:
    """The samples that rows of columns hold; the arguments are those of `kt_theory.TransferSet.from_records`."""
    tolerance = checks.positive("tolerance", tolerance)
    columns = table.understood(ROLES)
    size = _size(table, columns)
    if size == 0 and (states is None or actions is None):
        raise Refusal(
            "the table has no rows: with none, both alphabets must be given, ", Argument("states"), " and ", _ACTIONS
        )
    multiplicity = _multiplicity(table, columns["count"], size)
    state_names, s = _encoded(table, "state", columns["state"], states)
    action_names, a = _encoded(table, "action", columns["action"], actions)
    if other is not None:
        action_names = with_other(action_names, other)
    given = _given(table, columns, multiplicity, tolerance)
    table.faults.refuse()
    S, A = len(state_names), len(action_names)
    cells, places = np.unique(s * A + a, return_inverse=True)
    counts = SparseTable.of_keys(cells, _tallied(places, multiplicity, cells.size), (S, A), np.zeros(S))
    values = np.full(cells.size, np.nan)
    if given is not None:
        drawn = np.flatnonzero(multiplicity > 0)
        values = _reconciled(table, drawn, s, places, counts, given, (state_names, action_names), tolerance)
    revealed = SparseTable.of_keys(cells, values, (S, A), np.full(S, np.nan))
    table.leave_alone(columns.values())
    protocol = "hard" if given is None else "partial"
    return Samples(protocol, counts, revealed, state_names, action_names)


_ACTIONS = Argument("actions")


def with_other(actions: tuple[str, ...], other: str) -> tuple[str, ...]:
    """An alphabet of labels with one more, which takes what a row lacks."""
    name = checks.text("other", other)
    if name in actions:
        shown = checks.shown(name)
        raise Refusal(f"the table has the label {shown} already: give another name with ", Argument("other"))
    return (*actions, name)


def _size(table: Columns, columns: dict[str, str | None]) -> int:
    """The number of rows, once it is known that the columns are those of records."""
    for role in ("state", "action"):
        if columns[role] is None:
            raise table.lacks(role)
    told = [role for role in ("probability", "log-probability", "revealed") if columns[role] is not None]
    if len(told) > 1:
        both = f"both a {told[0]} and a {told[1]} column"
        raise ValueError(f"the table has {both}: keep one of them")
    sizes = {}
    for role, name in columns.items():
        if name is not None:
            values = table[name]
            scalar = isinstance(values, (str, bytes)) or not hasattr(values, "__len__")
            if scalar or getattr(values, "ndim", 1) != 1:
                raise ValueError(f"column {name} is {checks.shown(values)}: it must be a sequence, one entry a record")
            sizes[role] = len(values)
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{size} values of {role}" for role, size in sizes.items())
        raise ValueError(f"the columns differ in length: {listed}")
    return sizes["state"]


def _multiplicity(table: Columns, name: str | None, size: int) -> np.ndarray:
    """How many samples each row stands for; 0 where that is not known."""
    if name is None:
        return np.ones(size, dtype=np.int64)
    return table.column_of_counts(name)


def _encoded(
    table: Columns, role: str, column: str | None, alphabet: Sequence[Any] | None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the alphabet, and for each row the index of its name in it."""
    assert column is not None
    names = table.column_of_names(column)
    if alphabet is None:
        alphabet = _found(table, role, column, names)
        if not alphabet:
            table.faults.refuse()
    listed = checks.entries(f"{role}s", alphabet, "names")
    spelled = checks.names(f"{role}s", listed, len(listed))
    if not spelled:
        raise Refusal(Argument(f"{role}s"), " is empty: an alphabet needs at least one name")
    position = {name: i for i, name in enumerate(spelled)}
    codes = np.array([position.get(name, -1) for name in names], dtype=np.int64)
    outside = f"is not among the {len(spelled)} {role}s given"
    table.faults.add(np.flatnonzero(codes < 0), lambda row: f"{column} {checks.shown(names[row])} {outside}")
    return spelled, codes


def _found(table: Columns, role: str, column: str, names: list[str]) -> list[str]:
    """The names that occur, in order: as numbers if all are numbers or whole numbers in plain digits, else as text."""
    good = table.faults.good(len(names)).tolist()
    kept = {name: value for name, value, fine in zip(names, sequence_of(table[column]), good, strict=True) if fine}
    numbers = [isinstance(value, Real) for value in kept.values()]
    if all(numbers):
        return sorted(kept, key=kept.__getitem__)
    if any(numbers):
        raise ValueError(f"the {role} column mixes numbers and text: give the alphabet, or use one type")
    plain = all(WHOLE.fullmatch(name) and str(int(name)) == name for name in kept)
    return sorted(kept, key=int if plain else None)


def _tallied(pairs: np.ndarray, multiplicity: np.ndarray, size: int) -> np.ndarray:
    """How often each pair was seen, in exact integers."""
    total = sum(map(int, multiplicity.tolist())) if multiplicity.size else 0
    if total > checks.INT64_MAX:
        raise ValueError(f"the counts have a total of {total:.6g}: it exceeds the largest 64-bit integer")
    counts = np.zeros(size, dtype=np.int64)
    np.add.at(counts, pairs, multiplicity)
    return counts


def _given(
    table: Columns, columns: dict[str, str | None], multiplicity: np.ndarray, tolerance: float
) -> np.ndarray | None:
    """The probability that each row gives, NaN where it gives none; None if the records are hard labels."""
    name = columns["revealed"] or columns["probability"] or columns["log-probability"]
    if name is None:
        return None
    numbers = table.column_of_numbers(name, gaps=True).astype(np.float64)
    drawn, told = multiplicity > 0, ~np.isnan(numbers)
    if columns["revealed"] is not None and not (told & drawn).any():
        return None  # a table of students of hard labels
    table.faults.add(np.flatnonzero(~told & drawn), lambda _: f"{name} is empty")
    undrawn = int((told & ~drawn).sum())
    if undrawn:
        said = f"{name} is left out where count is 0 (rows: {undrawn}): only a draw reveals a probability"
        table.notes.append((said,))
    numbers[~drawn] = np.nan
    return _as_probabilities(table, name, numbers, tolerance, logarithms=columns["log-probability"] is not None)


def _as_probabilities(
    table: Columns, name: str, numbers: np.ndarray, tolerance: float, *, logarithms: bool
) -> np.ndarray:
    """Numbers of a column as probabilities in (0, 1]; what exceeds 1 by no more than the tolerance is 1."""
    known = ~np.isnan(numbers)
    top = math.log1p(tolerance) if logarithms else 1 + tolerance
    above = np.expm1(np.minimum(numbers, 1)) if logarithms else numbers - 1
    excess = float(np.where(known, above, 0.0).max(initial=0.0))
    if tolerance < excess < _NOISE:
        table.faults.advice = ("; ", Argument("tolerance", _rounded_up(excess)), " takes what is above for 1")
    table.refuse_numbers(
        name,
        numbers,
        ~known | (numbers <= top),
        "the log-probability of a drawn label is at most 0"
        if logarithms
        else "the probability of a drawn label is at most 1",
    )
    if not logarithms:
        table.refuse_numbers(name, numbers, ~known | (numbers > 0), "the probability of a drawn label is above 0")
        return np.minimum(numbers, 1.0)
    with np.errstate(over="ignore"):
        given = np.minimum(np.exp(numbers), 1.0)
    table.refuse_numbers(
        name,
        numbers,
        ~known | (given > 0),
        "its exponential is 0 in float64, so that it is no log-probability of a drawn label but most likely a mark, as "
        f"-9999 is for a label that was not among those listed; without the column {name} the records are hard labels",
    )
    return given


# --- Probabilities of one law ---------------------------------------------------------------------------


def _reconciled(
    table: Columns,
    drawn: np.ndarray,
    s: np.ndarray,
    places: np.ndarray,
    cells: SparseTable,
    given: np.ndarray,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    tolerance: float,
) -> np.ndarray:
    """The first probability given for each cell, after checking that the others agree with it; NaN where none is.

    `places` says which of the cells each row of the table is about.
    """
    states, actions = names
    A, pairs, values = len(actions), places[drawn], given[drawn]
    told, first = np.unique(pairs, return_index=True)
    revealed = np.full(cells.stored, np.nan)
    revealed[told] = values[first]
    rows = cells.rows[told]
    known = np.bincount(rows, revealed[told], minlength=len(states))
    complete = np.bincount(rows, minlength=len(states)) == A
    apart = np.abs(values - revealed[pairs]) / revealed[pairs]
    spread = float(apart.max(initial=0.0))
    enough = _rounded_up(max(spread, *(x for x in (known - 1).tolist() if x < _NOISE), 0.0))
    if spread > tolerance:
        i = int(np.argmax(apart > tolerance))
        j = int(first[np.searchsorted(told, pairs[i])])
        pair = f"({checks.shown(states[s[drawn[i]]])}, {checks.shown(actions[cells.columns[pairs[i]]])})"
        said = f"{pair} has probability {float(values[i])!r} on {table.places[drawn[i]]}"
        before = f"{float(values[j])!r} on {table.places[drawn[j]]}"
        times = int((apart > tolerance).sum())
        several = f" ({times} rows disagree)" if times > 1 else ""
        apartness = f"the largest relative difference in the table is {spread:.3g}"
        raise Refusal(f"{said}, {before}{several}; {apartness}, which ", Argument("tolerance", enough), " accepts")
    if spread > TOLERANCE:
        table.notes.append((f"probabilities of one pair differ by up to {spread:.3g}, relatively: the first is kept",))
    _refuse_sums(complete, known, states, tolerance)
    return revealed


#: A sum that is off 1 by less than this is taken for one that is rounded; beyond it, for another law.
_NOISE = 1e-3


def _refuse_sums(complete: np.ndarray, known: np.ndarray, states: tuple[str, ...], tolerance: float) -> None:
    """Refuse rows that no law can have: above 1, or short of 1 though every label is known."""
    above = known - 1
    if (above > tolerance).any():
        row = int(np.argmax(above > tolerance))
        said = (
            f"the probabilities given for input {checks.shown(states[row])} sum to {float(known[row])!r}, more than 1"
        )
        if above.max() < _NOISE:
            raise Refusal(f"{said}: ", Argument("tolerance", _rounded_up(float(above.max()))), " accepts it")
        raise ValueError(
            f"{said}: they belong to no law; probabilities after truncation to the most probable labels, or of a "
            "greedy run, are of this kind"
        )
    short = np.where(complete, 1 - known, 0.0)
    if (short > tolerance).any():
        row = int(np.argmax(short > tolerance))
        said = (
            f"input {checks.shown(states[row])} was seen with every label, but their probabilities sum to "
            f"{float(known[row])!r}"
        )
        if short.max() < _NOISE:
            raise Refusal(f"{said}: ", Argument("tolerance", _rounded_up(float(short.max()))), " accepts it")
        raise Refusal(
            f"{said}: labels are missing; give all of them with ",
            _ACTIONS,
            ", or one more that takes the rest with ",
            Argument("other", OTHER),
        )


def _rounded_up(x: float) -> float:
    """`x` with two significant digits, not below it."""
    if x <= 0:
        return 0.0
    power = 10.0 ** (math.floor(math.log10(x)) - 1)
    digits = math.floor(x / power)
    candidates = (float(f"{(digits + more) * power:.2g}") for more in (0, 1, 2))
    return next(rounded for rounded in candidates if rounded >= x)
