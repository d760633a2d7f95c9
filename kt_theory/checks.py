"""Checks of arguments: what each must be, and the sentence of the error if it is not.

Every public function checks its arguments here first. A check either returns the value in the
form that the mathematics needs (float64, int64, C-contiguous, read-only where it will be kept) or raises
``ValueError`` with one sentence that names the argument, the offending value and its place.
Nothing is renormalised, clipped or dropped here: the caller mends a table whose rows are off.
Values are shown on one line, without control characters, at most `SHOWN` characters of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Number
from typing import Any, TypeVar

import numpy as np

from kt_theory.files import path_of

#: How far from 1 the rows of a student may sum: one made of records is off by what their probabilities are off.
STUDENT_TOLERANCE = 1e-6

#: How far from 1 the sum of a law may lie. Rows divided by their own float64 sum are within a few 1e-16;
#: a float32 softmax is off by about 1e-7 and is refused, since exact results to 12 digits would be lost.
SUM_TOLERANCE = 1e-12

INT64_MAX = int(np.iinfo(np.int64).max)

#: The most entries of a table that the package makes from sizes alone: 0.8 GB.
TABLE_MAX = 10**8

#: The most characters of a value in a message.
SHOWN = 60

T = TypeVar("T")
Word = TypeVar("Word", bound=str)


def shown(value: Any) -> str:
    """`value` as a message shows it: ``repr`` on one line, cut to `SHOWN` characters, for every value."""
    if isinstance(value, int) and value.bit_length() > 64:
        # 0.30103 = log10(2); repr would be long, and is refused by Python itself beyond 4300 digits.
        return f"a whole number of about {int(value.bit_length() * 0.30103) + 1} digits"
    try:
        text = repr(value)
    except Exception:  # an object of the caller's whose repr raises
        text = f"a {type(value).__name__}"
    text = "".join(c if c.isprintable() else " " if c.isspace() else f"\\x{ord(c):02x}" for c in text)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def instance_of(name: str, value: Any, kind: type[T], remedy: str = "") -> T:
    """`value` if it is a `kind`; `remedy` says how one is made."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        needed = f"{article} {kind.__name__} is needed" + (f"; {remedy}" if remedy else "")
        raise ValueError(f"{name} is {_kind_of(value)}: {needed}")
    return value


def _kind_of(value: Any) -> str:
    article = "an" if type(value).__name__[0] in "aeiouAEIOU" else "a"
    return "None" if value is None else f"{article} {type(value).__name__}"


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; "false", 0 and 1 are none."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} is {shown(value)}: it must be True or False")
    return bool(value)


def text(name: str, value: Any) -> str:
    """`value` if it is text."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is {shown(value)}: it must be text")
    return value


def function(name: str, value: Any) -> Any:
    """`value` if it can be called."""
    if not callable(value):
        raise ValueError(f"{name} is {shown(value)}: it must be a function")
    return value


def path(name: str, value: Any) -> str:
    """`value` as the text of a path."""
    return str(path_of(value, name))


def frame(name: str, value: Any, columns: Iterable[str] = ()) -> Any:
    """`value` if it is a DataFrame that has these columns; found without importing pandas."""
    if not (hasattr(value, "columns") and hasattr(value, "itertuples")):
        raise ValueError(f"{name} is {_kind_of(value)}: a DataFrame is needed")
    for column in columns:
        if column not in value.columns:
            raise ValueError(f"{name} has no column {column!r}")
    return value


def entries(name: str, value: Any, of: str) -> list[Any]:
    """`value` as a list of its entries; text, sets and mappings are no sequences."""
    _refuse_masked(name, value)
    if isinstance(value, (str, bytes, set, frozenset, Mapping)) or not isinstance(value, Iterable):
        raise ValueError(f"{name} is {shown(value)}: it must be a sequence of {of}")
    if isinstance(value, np.ndarray) and value.ndim != 1:
        raise ValueError(f"{name} has shape {value.shape}: it must be a sequence of {of}")
    return list(value)


def place(index: Sequence[Any]) -> str:
    """The text of an index, as it would be typed: ``[2, 5]``."""
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def array_of_floats(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """`value` as a fresh float64 array of `ndim` dimensions, NaN and infinities allowed."""
    _refuse_masked(name, value)
    try:
        given = np.asarray(value)
        # Complex numbers and dates are refused as text is: NumPy would drop an imaginary part with no more than a
        # warning, and make a date the number of its days or nanoseconds.
        array = np.array(given, dtype=object if given.dtype.kind in "cmM" else None).astype(np.float64)
        if given.dtype.kind in "mM":
            raise TypeError
    except OverflowError:
        raise ValueError(f"{name} holds a number beyond 1.8e308, the largest float64") from None
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not an array of numbers: {_first_other(value)}") from None
    if ndim is not None and array.ndim != ndim:
        shape = "x".join(str(d) for d in array.shape) or "scalar"
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {shape}")
    return array


def _refuse_masked(name: str, value: Any) -> None:
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array: leave out what is masked, or fill it with `filled`")


def _first_other(value: Any) -> str:
    """What keeps `value` from being an array of numbers, in a few words."""
    try:
        entries = np.asarray(value, dtype=object).ravel().tolist()
    except ValueError:
        return "its rows differ in length"
    for entry in entries:
        if isinstance(entry, (list, tuple, np.ndarray)):
            return "its rows differ in length"
        try:
            if isinstance(entry, (np.datetime64, np.timedelta64)):
                raise TypeError
            float(entry)
        except (TypeError, ValueError, OverflowError):
            return f"it holds {shown(entry)}"
    return f"it holds {shown(value)}"


def number(name: str, value: Any) -> float:
    """`value` as one float, NaN and infinities allowed; True and "1" are no numbers here."""
    if isinstance(value, (str, bytes, bool, np.bool_)):
        raise ValueError(f"{name} is {shown(value)}: it must be one number")
    return array_of_floats(name, value, ndim=0).item()


def _refuse_first(name: str, array: np.ndarray, bad: np.ndarray, wanted: str) -> None:
    if bad.any():
        index = np.unravel_index(int(np.argmax(bad)), array.shape)
        where = place(index) if array.ndim else ""
        raise ValueError(f"{name}{where} is {array[index]}: {wanted}")


def probabilities(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """`value` as float64 with every entry a finite number in [0, 1]."""
    array = array_of_floats(name, value, ndim)
    _refuse_first(name, array, ~((array >= 0) & (array <= 1)), "a probability is a number in [0, 1]")
    return array


def law(name: str, value: Any, size: int | None = None) -> np.ndarray:
    """`value` as a probability vector, shape (size,), summing to 1 within `SUM_TOLERANCE`."""
    array = probabilities(name, value, ndim=1)
    if array.size == 0:
        raise ValueError(f"{name} is empty: a law needs at least one entry")
    if size is not None and array.size != size:
        raise ValueError(f"{name} has {array.size} entries, {size} are needed")
    total = float(array.sum())
    if abs(total - 1) > SUM_TOLERANCE:
        raise ValueError(
            f"{name} sums to {total!r}, off 1 by {total - 1:.3g}; "
            "divide it by its sum, in float64, if that is what you mean"
        )
    return array


def stochastic_table(
    name: str, value: Any, shape: tuple[int, int] | None = None, tolerance: float = SUM_TOLERANCE
) -> np.ndarray:
    """`value` as a row-stochastic table, shape (S, A), every row summing to 1 within `tolerance`."""
    array = probabilities(name, value, ndim=2)
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: a table needs at least one row and one column")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, {shape} is needed")
    totals = array.sum(axis=1)
    off = np.abs(totals - 1) > tolerance
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"{name}[{row}] sums to {float(totals[row])!r}, off 1 by {float(totals[row] - 1):.3g}; "
            "divide each row by its sum, in float64, if that is what you mean"
        )
    return array


def whole_number(name: str, value: Any, minimum: int = 0) -> int:
    """`value` as a Python int with ``minimum <= value < 2**63``; 1e9 is whole, 1.5 and True are not."""
    _refuse_masked(name, value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
            return whole_number(name, value.item(), minimum)
        raise ValueError(f"{name} is {shown(value)}: it must be one whole number")
    if isinstance(value, np.timedelta64):  # NumPy counts it among its integers
        raise ValueError(f"{name} is {shown(value)}: it must be one whole number")
    if isinstance(value, (float, np.floating)) and not float(value).is_integer():
        raise ValueError(f"{name} is {value!r}: it must be a whole number")
    number = int(value)
    if number < minimum:
        raise ValueError(f"{name} is {_spelled(number)}: it must be at least {minimum}")
    if number > INT64_MAX:
        raise ValueError(f"{name} is {_spelled(number)}: it exceeds the largest 64-bit integer, {INT64_MAX}")
    return number


def _spelled(number: int) -> str:
    return str(number) if abs(number) < 10**40 else shown(number)


def table_size(S: int, A: int) -> None:
    """Refuse sizes of a table that memory would not hold, before any of it is made."""
    if S * A > TABLE_MAX:
        raise ValueError(f"S x A is {S} x {A}: a table has at most {TABLE_MAX:.0e} entries")


def whole_numbers(name: str, value: Any, minimum: int = 0) -> np.ndarray:
    """`value` (a scalar or a sequence) as a 1-D int64 array, each entry a `whole_number`."""
    _refuse_masked(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        raise ValueError(f"{name} holds dates or times: it must be a number or a list of numbers")
    try:
        given = np.asarray(value, dtype=object)
    except ValueError:
        raise ValueError(f"{name} is {shown(value)}: it must be a number or a list of numbers") from None
    if given.ndim == 0:
        return np.array([whole_number(name, value if np.isscalar(value) else given.item(), minimum)], dtype=np.int64)
    if given.ndim != 1:
        raise ValueError(f"{name} must be a number or a list of numbers, got shape {given.shape}")
    if given.size == 0:
        raise ValueError(f"{name} is empty")
    return np.array([whole_number(f"{name}[{i}]", v, minimum) for i, v in enumerate(given)], dtype=np.int64)


def count_table(name: str, value: Any, shape: tuple[int, int] | None = None) -> np.ndarray:
    """`value` as a table of counts, int64, shape (S, A), whose total is below 2**63."""
    _refuse_masked(name, value)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is not an array of numbers: {_first_other(value)}") from None
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be a table with at least one row and one column, got shape {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, {shape} is needed")
    if array.dtype.kind not in "iu":
        array = array_of_floats(name, array)
        _refuse_first(name, array, ~(np.isfinite(array) & (array == np.floor(array))), "a count is a whole number")
    _refuse_first(name, array, array < 0, "a count is not negative")
    # Exact integers where a sum of floats could not tell.
    total = array.sum(dtype=np.float64)
    if total >= 2.0**62 and sum(map(int, array.ravel().tolist())) > INT64_MAX:
        raise ValueError(f"{name} has a total of {total:.6g}: it exceeds the largest 64-bit integer, {INT64_MAX}")
    return array.astype(np.int64)


def open_unit(name: str, value: Any) -> float:
    """`value` as a float strictly between 0 and 1."""
    x = number(name, value)
    if not 0 < x < 1:
        raise ValueError(f"{name} is {x}: it must lie strictly between 0 and 1")
    return x


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    x = number(name, value)
    if not (math.isfinite(x) and x > 0):
        raise ValueError(f"{name} is {x}: it must be a finite number above 0")
    return x


def one_of(name: str, value: Any, allowed: Collection[Word]) -> Word:
    """`value` if it is one of the `allowed` names."""
    found = [word for word in allowed if isinstance(value, str) and value == word]
    if not found:
        raise ValueError(f"{name} is {shown(value)}: it must be one of {', '.join(allowed)}")
    return found[0]


def is_missing(value: Any) -> bool:
    """Whether `value` stands for no value: None, NaN, NaT, pandas' NA. Text never does, "" and "<NA>" included."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and bool(value != value)


def name_of(value: Any) -> str:
    """The text of a name; 1.0 is "1", since a column of whole numbers turns into floats where it once had gaps."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def can_be_a_name(value: Any) -> bool:
    """Whether `value` is text, a number or a date. Bytes are none here: a reader decides what they spell."""
    if is_missing(value) or isinstance(value, (bytes, complex, np.complexfloating, np.void)):
        return False
    return isinstance(value, (str, Number, np.generic)) or hasattr(value, "isoformat")


def names(name: str, value: Any, size: int) -> tuple[str, ...]:
    """`value` as a tuple of `size` distinct strings; 0, 1, 2, ... if it is None or empty."""
    given = [] if value is None else entries(name, value, "names")
    for i, entry in enumerate(given):
        if not can_be_a_name(entry):
            raise ValueError(f"{name}[{i}] is {shown(entry)}: a name is text, a number or a date")
    spelled = tuple(name_of(v) for v in given) or tuple(str(i) for i in range(size))
    if len(spelled) != size:
        raise ValueError(f"{name} has {len(spelled)} names, {size} are needed")
    if len(set(spelled)) != size:
        repeated = next(v for i, v in enumerate(spelled) if v in spelled[:i])
        raise ValueError(f"{name} has {shown(repeated)} twice: names must differ")
    return spelled


def names_from_frames(states: Any, actions: Any, **tables: Any) -> tuple[Any, Any]:
    """Names of inputs and labels: those given, or those of the DataFrames and Series among some arguments.

    An index or columns 0, 1, 2, ... are no names. Names that differ in text or order are refused, since the numbers
    beside them would then be those of another input or label.
    """
    return _agreed("states", states, "index", tables), _agreed("actions", actions, "columns", tables)


def _agreed(role: str, given: Any, axis: str, tables: dict[str, Any]) -> Any:
    agreed, source = (None, "") if given is None or _is_plain(given) else (given, role)
    for argument, table in tables.items():
        names = getattr(table, axis, None)
        if not hasattr(table, "iloc") or names is None or _is_plain(names):
            continue
        if agreed is None:
            agreed, source = list(names), f"the {axis} of {argument}"
        elif list(map(name_of, names)) != list(map(name_of, agreed)):
            raise ValueError(
                f"the {axis} of {argument} and {source} differ, in names or in order: use the same, or give {argument} "
                "as an array"
            )
    return given if agreed is None else agreed


def _is_plain(names: Any) -> bool:
    """Whether names are none, or 0, 1, 2, ..., which stand for none; what is no sequence is left to checks."""
    if isinstance(names, (str, bytes)) or not hasattr(names, "__len__") or getattr(names, "ndim", 1) != 1:
        return True
    return all(name_of(name) == str(i) for i, name in enumerate(names))


def half_open_unit(name: str, value: Any) -> float:
    """`value` as a float in (0, 1]."""
    x = positive(name, value)
    if x > 1:
        raise ValueError(f"{name} is {x}: it must lie above 0 and not above 1")
    return x


def not_negative(name: str, value: Any) -> np.ndarray:
    """`value` as float64 with no entry negative or NaN; infinity is allowed."""
    array = array_of_floats(name, value)
    if not (array >= 0).all():
        raise ValueError(f"{name} is {shown(value)}: it must be 0 or more")
    return array


def callable_or_none(name: str, value: Any) -> Any:
    """`value` if it can be called, or None."""
    if value is not None and not callable(value):
        raise ValueError(f"{name} is {shown(value)}: it must be a function, or None")
    return value


class Unsupported(ValueError):
    """A protocol, learner or divergence that is unknown, or that a function cannot answer for."""
