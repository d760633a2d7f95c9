"""Records: samples as rows of columns, and the counts and told probabilities that they amount to.

A row is one sample, or as many as its ``count`` says. One table serves every protocol, which follows from
what is there:

* count above 0, no probability: a hard label;
* count above 0 and a probability: a partial soft label;
* count 0 and a probability: a label that was told without being drawn, as in a list of the most likely ones;
* count 0 alone: a name, for labels that do not occur.

A drawn label whose probability no row tells keeps its count. One of them makes the records hard labels for every
learner, since an average over the others would be one over another law.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.records.columns import WHOLE, Coded, Columns, sequence_of
from kt_theory.refusals import Argument, Refusal
from kt_theory.sparse import SparseTable

#: Default of how far two revealed probabilities of one pair may differ, relatively, and a row's sum lie off 1.
#: A float64 log-probability survives the trip through exp and a decimal file to within 1e-14; float32 needs 1e-6.
TOLERANCE = 1e-9

#: The label that takes what a row lacks, where one is asked for and not named.
OTHER = "<other>"

#: The roles of columns of records.
ROLES = ("state", "action", "probability", "log-probability", "count", "revealed")


#: Numbers in a column of log-probabilities that stand for none: -9999 is written for a label that was not among those
#: listed, and numbers below the other by servers that mask a label. The sum over a reply of a million tokens is above.
MARK, MARKS_BELOW = -9999.0, -1e7


@dataclass(frozen=True)
class Samples:
    """What records amount to: counts and told probabilities of their pairs, NaN where nothing was told.

    `logarithms` holds the natural log-probabilities of the same cells, if the records gave them.
    """

    protocol: str
    counts: SparseTable
    revealed: SparseTable
    logarithms: SparseTable | None
    states: tuple[str, ...]
    actions: tuple[str, ...]


def samples_of(
    table: Columns,
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float = TOLERANCE,
    other: str | None = None,
    drop_untold: bool = False,
    digits: int | None = None,
) -> Samples:
    """The samples that rows of columns hold; the arguments are those of `kt_theory.TransferSet.from_records`.

    `digits` is that of a protocol that rounds log-probabilities.
    """
    tolerance = checks.positive("tolerance", tolerance)
    drop_untold = checks.flag("drop_untold", drop_untold)
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
    S, A = len(state_names), len(action_names)
    given = _given(table, columns, multiplicity > 0)
    pairs = s * np.int64(A) + a
    if given is not None:
        given = _at_most_one(table, given, pairs, tolerance)
    if given is not None and digits is not None:
        given = _of_digits(table, given, digits)
    table.faults.refuse()
    keys, places = _distinct(pairs, S * A)
    del pairs  # of fifty million rows each array counts
    cells = SparseTable.of_keys(keys, _tallied(places, multiplicity, keys.size), (S, A), np.zeros(S))
    values = np.full(keys.size, np.nan)
    if given is not None:
        values = _reconciled(table, given, s, places, cells, (state_names, action_names), tolerance, digits)
    told, drawn = ~np.isnan(values), cells.values > 0
    untold = int(cells.values[drawn & ~told].sum())
    if given is not None and (columns["revealed"] is None or told.any()):
        silent = int(multiplicity[np.isnan(given.values)].sum())
        _say_what_is_untold(table, given, silent, untold, drop_untold)
    if drop_untold and untold and told.any():
        drawn, untold = drawn & told, 0
    probabilities = values if given is None else given.probabilities(values)
    protocol = "hard" if given is None or untold else _level(cells, drawn, told, probabilities)
    if columns["revealed"] is not None and not told.any():
        protocol = "hard"  # a table of students of hard labels has the column, too
    kept = np.flatnonzero(drawn | told)
    rest = np.full(S, np.nan)
    if protocol == "soft":
        rest[np.unique(cells.rows[drawn])] = 0.0  # a row that is told whole leaves nothing for its other labels
    keys, values = keys[kept], values[kept]
    counts = SparseTable.of_keys(keys, np.where(drawn, cells.values, 0)[kept], (S, A), np.zeros(S))
    revealed = SparseTable.of_keys(keys, probabilities[kept], (S, A), rest)
    logarithms = None
    if given is not None and given.logarithms:
        with np.errstate(divide="ignore"):
            known = ~np.isnan(values)
            logarithms = SparseTable.of_keys(keys[known], values[known], (S, A), np.log(rest))
    table.leave_alone(columns.values())
    return Samples(protocol, counts, revealed, logarithms, state_names, action_names)


def _level(cells: SparseTable, drawn: np.ndarray, told: np.ndarray, p: np.ndarray) -> str:
    """The protocol that tells what cells hold, if it tells what was drawn; `p` is NaN where nothing is told."""
    if not (told & ~drawn).any():
        return "partial"
    S, A = cells.shape
    rows = cells.rows
    visited = np.bincount(rows[drawn], minlength=S) > 0
    listed = np.bincount(rows[told], minlength=S)
    mass = np.bincount(rows[told], p[told], minlength=S)
    complete = (listed == A) | (mass >= 1 - checks.SUM_TOLERANCE)
    return "soft" if (visited == (listed > 0)).all() and complete[visited].all() else "told"


#: What leaving out the records of untold labels does, in the words of every sentence that offers it.
UNTOLD_BIAS = "what is left overstates the labels that are told, unless probabilities are missing whatever the label"


def _say_what_is_untold(table: Columns, given: _Given, silent: int, untold: int, drop_untold: bool) -> None:
    """Note how many records lack a probability, and what follows from it."""
    if not silent:
        return
    said = f"{silent} {'record has' if silent == 1 else 'records have'} no {given.column}"
    if np.isnan(given.values).all():
        table.notes.append((f"{said}, and no row tells one: these are hard labels",))
    elif not untold:
        table.notes.append((f"{said}: other rows tell those of their pairs",))
    elif drop_untold:
        table.notes.append((f"{said}; left out are {untold}, of labels that no row tells: {UNTOLD_BIAS}",))
    else:
        of = "is of a label" if untold == 1 else "are of labels"
        said += f"; {untold} {of} that no row tells, so that these are hard labels to every learner; "
        table.notes.append((said, Argument("drop_untold", True), f" leaves those out: {UNTOLD_BIAS}"))


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
        return np.broadcast_to(np.int64(1), size)
    return table.column_of_counts(name)


def _encoded(
    table: Columns, role: str, column: str | None, alphabet: Sequence[Any] | None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the alphabet, and for each row the index of its name in it."""
    assert column is not None
    names, codes = table.column_of_codes(column)
    if alphabet is None:
        alphabet = _found(table, role, column, names, codes)
        if not alphabet:
            table.faults.refuse()
    listed = checks.entries(f"{role}s", alphabet, "names")
    spelled = checks.names(f"{role}s", listed, len(listed))
    if not spelled:
        raise Refusal(Argument(f"{role}s"), " is empty: an alphabet needs at least one name")
    position = {name: i for i, name in enumerate(spelled)}
    places = np.array([position.get(name, -1) for name in [*names, ""]], dtype=np.int32)
    places[-1] = -1
    found = places[codes]
    outside = f"is not among the {len(spelled)} {role}s given"
    table.faults.add(
        np.flatnonzero((found < 0) & (codes >= 0)),
        lambda row: f"{column} {checks.shown(names[codes[row]])} {outside}",
    )
    return spelled, found


def _found(table: Columns, role: str, column: str, names: Sequence[str], codes: np.ndarray) -> list[str]:
    """The names that occur, in order: as numbers if all are numbers or whole numbers in plain digits, else as text."""
    values = table[column]
    if isinstance(values, Coded):
        kept: dict[str, Any] = {name: name for name in names}
    else:
        good = (codes >= 0).tolist()
        spelled = (names[code] for code in codes.tolist())
        kept = {name: value for name, value, fine in zip(spelled, sequence_of(values), good, strict=True) if fine}
    numbers = [isinstance(value, Real) for value in kept.values()]
    if all(numbers):
        return sorted(kept, key=kept.__getitem__)
    if any(numbers):
        raise ValueError(f"the {role} column mixes numbers and text: give the alphabet, or use one type")
    plain = all(WHOLE.fullmatch(name) and str(int(name)) == name for name in kept)
    return sorted(kept, key=int if plain else None)


def _tallied(pairs: np.ndarray, multiplicity: np.ndarray, size: int) -> np.ndarray:
    """How often each pair was seen, in exact integers."""
    if multiplicity.strides == (0,):  # every row counts once
        return np.bincount(pairs, minlength=size)
    total = (int((multiplicity >> 32).sum()) << 32) + int((multiplicity & 0xFFFFFFFF).sum())
    if total > checks.INT64_MAX:
        raise ValueError(f"the counts have a total of {total:.6g}: it exceeds the largest 64-bit integer")
    if total < 2**53:  # sums of whole numbers are exact in floating point
        return np.bincount(pairs, multiplicity, minlength=size).astype(np.int64)
    counts = np.zeros(size, dtype=np.int64)
    np.add.at(counts, pairs, multiplicity)
    return counts


def _distinct(pairs: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The different ones of some numbers below `size`, ascending, and for each number which of them it is."""
    if size > 4 * pairs.size:
        return np.unique(pairs, return_inverse=True)
    there = np.zeros(size, dtype=bool)
    there[pairs] = True
    keys = np.flatnonzero(there)
    place = np.empty(size, dtype=np.int32 if size < 2**31 else np.int64)
    place[keys] = np.arange(keys.size)
    return keys, place[pairs]


#: Rows that are looked at together where an array of all of them would cost memory.
_BLOCK = 10**6


@dataclass(frozen=True)
class _Given:
    """What a column tells of each row, NaN where it tells nothing: probabilities, or their natural logarithms."""

    column: str
    values: np.ndarray
    logarithms: bool

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        return np.exp(values) if self.logarithms else values

    def apart(self, values: np.ndarray, others: np.ndarray) -> np.ndarray:
        """How far `values` are from `others`, relatively to these, as probabilities."""
        equal = values == others
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            distance = np.abs(np.expm1(values - others) if self.logarithms else (values - others) / others)
        return np.where(equal, 0.0, distance)


def _given(table: Columns, columns: dict[str, str | None], drawn: np.ndarray) -> _Given | None:
    """What each row tells; None if the records have no column for it."""
    name = columns["revealed"] or columns["probability"] or columns["log-probability"]
    if name is None:
        return None
    logarithms = columns["log-probability"] is not None
    numbers = table.column_of_numbers(name, gaps=True, logarithms=logarithms).astype(np.float64, copy=False)
    silent = np.isnan(numbers)
    if not logarithms:
        table.refuse_numbers(
            name, numbers, silent | ~drawn | (numbers > 0), "the probability of a drawn label is above 0"
        )
        table.refuse_numbers(name, numbers, silent | (numbers >= 0), "a probability is at least 0")
        return _Given(name, numbers, logarithms)
    table.refuse_numbers(
        name,
        numbers,
        silent | ((numbers != MARK) & (~drawn | (numbers >= MARKS_BELOW))),
        "this is no log-probability of a label but most likely a mark, as -9999 is for a label that was not among "
        f"those listed: an empty cell says that it is not told; without the column {name} these are hard labels",
    )
    # What is below the marks is 0, as in a teacher: servers write -inf or -3e100 for it.
    zero = numbers < MARKS_BELOW
    return _Given(name, np.where(zero, -np.inf, numbers) if zero.any() else numbers, logarithms)


#: How far a told log-probability may be from one of so many digits: what float32 leaves of numbers up to 16.
_OF_DIGITS = 1e-6


def _of_digits(table: Columns, given: _Given, digits: int) -> _Given:
    """The same as rounded to digits; a value that was not is a fault."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = given.values if given.logarithms else np.log(given.values)
        rounded = np.round(logs, digits)
        fine = np.isnan(logs) | (logs == rounded) | (np.abs(logs - rounded) <= _OF_DIGITS)
    table.refuse_numbers(given.column, given.values, fine, f"log-probabilities are rounded to {digits} digits")
    return _Given(given.column, rounded if given.logarithms else np.exp(rounded), given.logarithms)


def _at_most_one(table: Columns, given: _Given, pairs: np.ndarray, tolerance: float) -> _Given:
    """Record a fault of probabilities above 1; what exceeds 1 by no more than the tolerance becomes 1."""
    known, name = given.values, given.column
    values = known.copy() if (known > (0 if given.logarithms else 1)).any() else known
    if values is known:
        return given
    with np.errstate(over="ignore", invalid="ignore"):
        above = np.expm1(np.minimum(values, 1)) if given.logarithms else values - 1
        noise = (above > 0) & (above < _NOISE)
        most = float(np.where(noise, above, 0.0).max(initial=0.0))
        fine = ~(above > tolerance)
    values[noise] = 0.0 if given.logarithms else 1.0
    if most > tolerance:
        good = np.flatnonzero(table.faults.good(pairs.size) & ~np.isnan(values) & (fine | noise))
        _, first, places = np.unique(pairs[good], return_index=True, return_inverse=True)
        spread = float(given.apart(values[good], values[good][first][places]).max(initial=0.0))
        enough = _rounded_up(max(most, spread))
        table.faults.advice = ("; ", Argument("tolerance", enough), " takes what is above for 1")
    wanted = "a log-probability is at most 0" if given.logarithms else "a probability is at most 1"
    table.refuse_numbers(name, known, fine, wanted)
    return _Given(name, values, given.logarithms)


# --- Probabilities of one law ---------------------------------------------------------------------------


def _reconciled(
    table: Columns,
    given: _Given,
    s: np.ndarray,
    places: np.ndarray,
    cells: SparseTable,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    tolerance: float,
    digits: int | None,
) -> np.ndarray:
    """The first value told for each cell, after checking that the others agree with it; NaN where none is.

    `places` gives the cell of each row of the table.
    """
    states, actions = names
    A, pairs, values = len(actions), places, given.values
    telling: Sequence[int] | np.ndarray = range(values.size)
    if np.isnan(values).any():
        telling = np.flatnonzero(~np.isnan(values))
        pairs, values = pairs[telling], values[telling]
    first = np.full(cells.stored, -1)
    # Block by block, from the last: memory does not hold arrays of the places of fifty million rows.
    blocks = [slice(i, min(i + _BLOCK, values.size)) for i in range(0, values.size, _BLOCK)]
    for block in reversed(blocks):
        first[pairs[block][::-1]] = np.arange(block.stop - 1, block.start - 1, -1)  # the first row about a cell stays
    told = np.flatnonzero(first >= 0)
    first = first[told]
    kept = np.full(cells.stored, np.nan)
    kept[told] = values[first]
    rows = cells.rows[told]
    known = np.bincount(rows, given.probabilities(kept[told]), minlength=len(states))
    complete = np.bincount(rows, minlength=len(states)) == A
    spread = max((float(given.apart(values[block], kept[pairs[block]]).max()) for block in blocks), default=0.0)
    enough = _rounded_up(max(spread, *(x for x in (known - 1).tolist() if x < _NOISE), 0.0))
    if spread > tolerance:
        apart = given.apart(values, kept[pairs])
        i = int(np.argmax(apart > tolerance))
        j = int(first[np.searchsorted(told, pairs[i])])
        pair = f"({checks.shown(states[s[telling[i]]])}, {checks.shown(actions[cells.columns[pairs[i]]])})"
        one, other = given.probabilities(values[[i, j]]).tolist()
        said = f"{pair} has probability {one!r} on {table.places[telling[i]]}"
        before = f"{other!r} on {table.places[telling[j]]}"
        times = int((apart > tolerance).sum())
        several = f" ({times} rows disagree)" if times > 1 else ""
        apartness = f"the largest relative difference in the table is {spread:.3g}"
        raise Refusal(f"{said}, {before}{several}; {apartness}, which ", Argument("tolerance", enough), " accepts")
    if spread > TOLERANCE:
        table.notes.append((f"probabilities of one pair differ by up to {spread:.3g}, relatively: the first is kept",))
    # Rounded values are off by a factor of at most e^half.
    half = 0.0 if digits is None else 0.5 * 10.0**-digits
    seeming = _seeming_digits(given, kept) if (known > 1).any() else None
    _refuse_sums(complete, known, states, tolerance, math.exp(half), seeming)
    return kept


def _seeming_digits(given: _Given, told: np.ndarray) -> int | None:
    """The number of digits, up to 3, to which all of these logarithms are rounded; None if they are not."""
    known = told[~np.isnan(told) & np.isfinite(told)]
    if not given.logarithms:
        return None
    fine = (digits for digits in range(4) if (np.abs(known - np.round(known, digits)) <= _OF_DIGITS).all())
    return next(fine, None)


#: A sum that is off 1 by less than this is taken for one that is rounded; beyond it, for another law.
_NOISE = 1e-3


def _refuse_sums(
    complete: np.ndarray,
    known: np.ndarray,
    states: tuple[str, ...],
    tolerance: float,
    factor: float,
    digits: int | None,
) -> None:
    """Refuse rows that no law can have: above 1, or short of 1 though every label is known, by more than a factor."""
    above = known / factor - 1
    if (above > tolerance).any():
        row = int(np.argmax(above > tolerance))
        said = (
            f"the probabilities given for input {checks.shown(states[row])} sum to {float(known[row])!r}, more than 1"
            f"{' by more than rounding' if factor > 1 else ''}"
        )
        if above.max() < _NOISE:
            raise Refusal(f"{said}: ", Argument("tolerance", _rounded_up(float(above.max()))), " accepts it")
        if digits is not None and (known <= math.exp(0.5 * 10.0**-digits)).all():
            raise Refusal(f"{said}: these are rounded, as ", Argument("told_as", f"rounded:{digits}"), " says")
        raise ValueError(
            f"{said}: they belong to no law; probabilities after truncation to the most probable labels, or of a "
            "greedy run, are of this kind, and check-log tells which"
        )
    short = np.where(complete, 1 - known * factor, 0.0)
    if (short > tolerance).any():
        row = int(np.argmax(short > tolerance))
        said = (
            f"every label of input {checks.shown(states[row])} is told, but their probabilities sum to "
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
