"""What an argument must be, and the one sentence said when it is not.

Every public function hands its arguments to this room first. A check either returns the value in the
form that the mathematics needs (float64, int64, C-contiguous, read-only where it will be kept) or raises
``ValueError`` with one sentence that names the argument, the offending value and its place.
Nothing is renormalised, clipped or dropped here: a table whose rows are off is the caller's to mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: How far from 1 the rows of a student may sum: one made of records is off by what their probabilities are off.
STUDENT_TOLERANCE = 1e-6

#: How far from 1 the sum of a law may lie. Rows divided by their own float64 sum are within a few 1e-16;
#: a float32 softmax is off by about 1e-7 and is refused, since exact results to 12 digits would be lost.
SUM_TOLERANCE = 1e-12

INT64_MAX = int(np.iinfo(np.int64).max)


def place(index: Sequence[Any]) -> str:
    """The text of an index, as it would be typed: ``[2, 5]``."""
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def array_of_floats(name: str, value: Any, ndim: int | None = None) -> np.ndarray:
    """`value` as a fresh float64 array of `ndim` dimensions, NaN and infinities allowed."""
    try:
        given = np.asarray(value)
        # What is complex goes the way of text: NumPy would drop its imaginary part with no more than a warning.
        array = np.array(given, dtype=object if given.dtype.kind == "c" else None).astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not an array of numbers: {_first_other(value)}") from None
    if ndim is not None and array.ndim != ndim:
        shape = "x".join(str(d) for d in array.shape) or "scalar"
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {shape}")
    return array


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
            float(entry)
        except (TypeError, ValueError):
            return f"it holds {entry!r}"
    return "its shape is irregular"


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
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return whole_number(name, value.item(), minimum)
        raise ValueError(f"{name} is {value!r}: it must be one whole number")
    if isinstance(value, (float, np.floating)) and not float(value).is_integer():
        raise ValueError(f"{name} is {value!r}: it must be a whole number")
    number = int(value)
    if number < minimum:
        raise ValueError(f"{name} is {number}: it must be at least {minimum}")
    if number > INT64_MAX:
        raise ValueError(f"{name} is {number}: it exceeds the largest 64-bit integer, {INT64_MAX}")
    return number


def whole_numbers(name: str, value: Any, minimum: int = 0) -> np.ndarray:
    """`value` (a scalar or a sequence) as a 1-D int64 array, each entry a `whole_number`."""
    entries = np.asarray(value, dtype=object)
    if entries.ndim == 0:
        return np.array([whole_number(name, entries.item(), minimum)], dtype=np.int64)
    if entries.ndim != 1:
        raise ValueError(f"{name} must be a number or a list of numbers, got shape {entries.shape}")
    if entries.size == 0:
        raise ValueError(f"{name} is empty")
    return np.array([whole_number(f"{name}[{i}]", v, minimum) for i, v in enumerate(entries)], dtype=np.int64)


def count_table(name: str, value: Any, shape: tuple[int, int] | None = None) -> np.ndarray:
    """`value` as a table of counts, int64, shape (S, A), whose total is below 2**63."""
    array = np.asarray(value)
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
    number = array_of_floats(name, value, ndim=0).item()
    if not 0 < number < 1:
        raise ValueError(f"{name} is {number}: it must lie strictly between 0 and 1")
    return number


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    number = array_of_floats(name, value, ndim=0).item()
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} is {number}: it must be a finite number above 0")
    return number


def one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    """`value` if it is one of the `allowed` names."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}: it must be one of {', '.join(allowed)}")
    return str(value)


def name_of(value: Any) -> str:
    """The text of a name; 1.0 is "1", since a column of whole numbers turns into floats where it once had gaps."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def names(name: str, value: Any, size: int) -> tuple[str, ...]:
    """`value` as a tuple of `size` distinct strings; 0, 1, 2, ... if it is None or empty."""
    if isinstance(value, str):
        raise ValueError(f"{name} is {value!r}: it must be a sequence of names")
    entries = tuple(name_of(v) for v in (() if value is None else value)) or tuple(str(i) for i in range(size))
    if len(entries) != size:
        raise ValueError(f"{name} has {len(entries)} names, {size} are needed")
    if len(set(entries)) != size:
        repeated = next(v for i, v in enumerate(entries) if v in entries[:i])
        raise ValueError(f"{name} has {repeated!r} twice: names must differ")
    return entries


def half_open_unit(name: str, value: Any) -> float:
    """`value` as a float in (0, 1]."""
    number = positive(name, value)
    if number > 1:
        raise ValueError(f"{name} is {number}: it must lie above 0 and not above 1")
    return number


def not_negative(name: str, value: Any) -> np.ndarray:
    """`value` as float64 with no entry negative or NaN; infinity is allowed."""
    array = array_of_floats(name, value)
    if not (array >= 0).all():
        raise ValueError(f"{name} is {value}: it must be 0 or more")
    return array
