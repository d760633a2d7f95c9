"""Tables of which few cells are stored: each row keeps some cells, and one value that stands in all its other cells.

A teacher of 100,000 inputs and 30,000 labels has 3e9 cells, and a row of it uses some hundred. Its table stores the
positive cells, and the other value is 0. An initial table, and the student that is fitted on few cells, have another
value there, such as 1 / A: the stored cells and one number per row determine the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kt_theory import checks

#: The most cells of a table that is made dense on request: 0.8 GB.
DENSE_MAX = checks.TABLE_MAX

#: Tables that are read from files and frames are sparse if they have more cells: 80 MB.
SPARSE_FROM = 10**7

#: The most rows, and columns, of a sparse table: each may have a name.
SIDE_MAX = 10**7


@dataclass(frozen=True, eq=False)
class SparseTable:
    """A table of shape (S, A) by its stored cells, row by row, and one value per row for all other cells.

    Made by `SparseTable.from_cells`, from a ``scipy.sparse`` array by the functions that take one, and by
    `kt_theory.fit`.

    Attributes
    ----------
    shape : (int, int)
        S and A.
    offsets : ndarray of int64, shape (S + 1,)
        The stored cells of row s are those from ``offsets[s]`` to ``offsets[s + 1]``.
    columns : ndarray of int64, shape (P,)
        The columns of the stored cells, ascending within a row.
    values : ndarray, shape (P,)
        The values of the stored cells.
    rest : ndarray, shape (S,)
        The value of every other cell of a row.

    Examples
    --------
    >>> table = SparseTable.from_cells([0, 1], [2, 0], [0.5, 1.0], shape=(2, 3), rest=[0.25, 0.0])
    >>> table.dense().tolist()
    [[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]]
    """

    shape: tuple[int, int]
    offsets: np.ndarray = field(repr=False)
    columns: np.ndarray = field(repr=False)
    values: np.ndarray = field(repr=False)
    rest: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        for array in (self.offsets, self.columns, self.values, self.rest):
            array.flags.writeable = False

    @classmethod
    def from_cells(cls, s: Any, a: Any, values: Any, shape: tuple[int, int], rest: Any = None) -> SparseTable:
        """The table that holds `values` at the cells (s, a) and `rest` elsewhere.

        Parameters
        ----------
        s, a : sequence of int, shape (P,)
            Row and column of each cell, in any order; no cell may stand twice.
        values : array_like, shape (P,)
        shape : (int, int)
            S and A.
        rest : array_like, shape (S,), optional
            The value of all other cells of each row; 0 if not given.

        Returns
        -------
        SparseTable

        Raises
        ------
        ValueError
            For a cell outside of the table or that stands twice, or arrays whose sizes disagree.
        """
        S, A = _shape("shape", shape)
        none = np.empty(0, dtype=np.int64)  # a table may store no cell
        s, a = (checks.whole_numbers(name, i) if np.size(i) else none for name, i in (("s", s), ("a", a)))
        values = checks.array_of_floats("values", values, ndim=1)
        rest = np.zeros(S) if rest is None else checks.array_of_floats("rest", rest, ndim=1)
        if not s.size == a.size == values.size:
            raise ValueError(f"s, a and values have {s.size}, {a.size} and {values.size} entries: they must be as many")
        if rest.size != S:
            raise ValueError(f"rest has {rest.size} entries, {S} are needed, one a row")
        for name, index, size in (("s", s, S), ("a", a, A)):
            if index.size and index.max() >= size:
                i = int(np.argmax(index >= size))
                raise ValueError(f"{name}[{i}] is {index[i]}: the shape is {S} x {A}")
        return cls.of_keys(s * A + a, values, (S, A), rest)

    @classmethod
    def of_keys(cls, keys: np.ndarray, values: np.ndarray, shape: tuple[int, int], rest: np.ndarray) -> SparseTable:
        """The table of cells that are known by ``s A + a``, in any order, each once."""
        S, A = shape
        if keys.size and not (np.diff(keys) > 0).all():
            order = np.argsort(keys, kind="stable")
            keys, values = keys[order], values[order]
            twice = np.flatnonzero(np.diff(keys) == 0)
            if twice.size:
                s, a = divmod(int(keys[twice[0]]), A)
                raise ValueError(f"the cell [{s}, {a}] stands twice: add up what belongs together")
        offsets = np.searchsorted(keys, np.arange(S + 1, dtype=np.int64) * A)
        return cls((S, A), offsets, keys % A, values, rest)

    @property
    def stored(self) -> int:
        """The number of stored cells, P."""
        return self.columns.size

    @property
    def rows(self) -> np.ndarray:
        """The row of each stored cell, shape (P,)."""
        return np.repeat(np.arange(self.shape[0], dtype=np.int64), np.diff(self.offsets))

    @property
    def keys(self) -> np.ndarray:
        """``s A + a`` of each stored cell, ascending, shape (P,)."""
        return self.rows * self.shape[1] + self.columns

    @property
    def others(self) -> np.ndarray:
        """How many cells of each row are not stored, shape (S,)."""
        return self.shape[1] - np.diff(self.offsets)

    def dense(self) -> np.ndarray:
        """All cells, shape (S, A).

        Raises
        ------
        Unsupported
            A ValueError, for more than 1e8 cells, 0.8 GB.
        """
        S, A = self.shape
        if S * A > DENSE_MAX:
            raise checks.Unsupported(
                f"the table is {S} x {A}, {8e-9 * S * A:.3g} GB if made dense: at most {8e-9 * DENSE_MAX:.1f} GB are; "
                "dense_rows makes some rows dense"
            )
        return self.dense_rows(0, S)

    def dense_rows(self, first: int, last: int) -> np.ndarray:
        """All cells of the rows from `first` to before `last`, shape (last - first, A)."""
        A = self.shape[1]
        some = slice(self.offsets[first], self.offsets[last])
        rows = np.repeat(np.arange(last - first), np.diff(self.offsets[first : last + 1]))
        table = np.repeat(self.rest[first:last, None].astype(self.values.dtype), A, axis=1)
        table[rows, self.columns[some]] = self.values[some]
        return table

    def at(self, s: np.ndarray, a: np.ndarray) -> np.ndarray:
        """The values of some cells (s, a), stored or not."""
        keys, wanted = self.keys, np.asarray(s) * self.shape[1] + np.asarray(a)
        places = np.minimum(np.searchsorted(keys, wanted), max(keys.size - 1, 0))
        there = keys[places] == wanted if keys.size else np.zeros(wanted.shape, dtype=bool)
        return np.where(there, self.values[places] if keys.size else 0.0, self.rest[np.asarray(s)])

    def totals(self) -> np.ndarray:
        """The sum of each row, shape (S,), correct to the last bits for any number of cells."""
        bounds, values = self.offsets.tolist(), self.values.tolist()
        others = (self.others * self.rest).tolist()
        return np.array([math.fsum([*values[bounds[s] : bounds[s + 1]], others[s]]) for s in range(self.shape[0])])


@dataclass(frozen=True, eq=False)
class Student(SparseTable):
    """A student of a sparse transfer set: its told cells, and one value per input for all other labels.

    `kt_theory.fit` makes it, `kt_theory.tv_risk` evaluates it, and `kt_theory.tables.write_students` writes it; as an
    ``init`` it is where another student starts. ``dense()`` gives the array of shape (S, A), where that is small.
    """


def aligned(*tables: SparseTable) -> tuple[SparseTable, ...]:
    """The same tables, each with the cells stored that any of them stores."""
    first, S, A = tables[0], *tables[0].shape
    if all(np.array_equal(t.offsets, first.offsets) and np.array_equal(t.columns, first.columns) for t in tables):
        return tables
    keys = np.unique(np.concatenate([table.keys for table in tables]))
    offsets = np.searchsorted(keys, np.arange(S + 1, dtype=np.int64) * A)
    rows, columns = keys // A, keys % A
    widened = []
    for table in tables:
        values = table.rest[rows].astype(table.values.dtype) if table.values.dtype.kind == "i" else table.rest[rows]
        values[np.searchsorted(keys, table.keys)] = table.values
        widened.append(SparseTable((S, A), offsets, columns, values, table.rest))
    return tuple(widened)


def descending(table: SparseTable) -> SparseTable:
    """The stored values of each row in descending order, in its first cells; the rest of a row may not be above them.

    What `numpy.sort` does to the rows of a dense table.
    """
    order = np.lexsort((-table.values, table.rows))
    places = np.arange(table.stored) - table.offsets[table.rows]
    return SparseTable.of_keys(table.rows * table.shape[1] + places, table.values[order], table.shape, table.rest)


def is_sparse(value: Any) -> bool:
    """Whether `value` is a `SparseTable` or a ``scipy.sparse`` array or matrix; found without importing SciPy."""
    return isinstance(value, SparseTable) or hasattr(value, "tocoo")


def sparse_law_table(
    name: str, value: Any, shape: tuple[int, int] | None = None, tolerance: float = checks.SUM_TOLERANCE
) -> SparseTable:
    """`value` as a sparse row-stochastic table: every row sums to 1 within `tolerance`. Cells of the rest are left out.

    Raises
    ------
    ValueError
        For entries outside of [0, 1], a row that is off, another shape, or a cell that stands twice.
    """
    table = value if isinstance(value, SparseTable) else _of_scipy(name, value)
    S, A = table.shape
    if shape is not None and table.shape != shape:
        raise ValueError(f"{name} has shape {table.shape}, {shape} is needed")
    bad = ~((table.values >= 0) & (table.values <= 1))
    if bad.any():
        i = int(np.argmax(bad))
        at = checks.place([table.rows[i], table.columns[i]])
        raise ValueError(f"{name}{at} is {table.values[i]}: a probability is a number in [0, 1]")
    checks.probabilities(f"the rest of {name}", table.rest)
    totals = table.totals()
    off = np.abs(totals - 1) > tolerance
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"{name}[{row}] sums to {float(totals[row])!r}, off 1 by {float(totals[row] - 1):.3g}; "
            "divide each row by its sum, in float64, if that is what you mean"
        )
    needed = table.values != table.rest[table.rows]
    if needed.all():
        return table
    return SparseTable.of_keys(table.keys[needed], table.values[needed], (S, A), table.rest)


def sparse_counts(name: str, value: Any) -> SparseTable:
    """`value` as a sparse table of counts: whole numbers that are not negative, int64; zeros are left out."""
    table = value if isinstance(value, SparseTable) else _of_scipy(name, value)
    counts = checks.count_table(name, table.values[None])[0]
    if table.rest.any():
        raise ValueError(f"{name} has a rest above 0: counts are 0 in the cells that are not stored")
    kept = counts > 0
    return SparseTable.of_keys(table.keys[kept], counts[kept], table.shape, np.zeros(table.shape[0]))


def of_dense(array: np.ndarray, rest: float | None = None) -> SparseTable:
    """A dense table as a sparse one; of each row the middle value is taken for the rest, which most cells may have."""
    S, A = array.shape
    fill = np.partition(array, A // 2, axis=1)[:, A // 2] if rest is None else np.full(S, rest)
    rows, columns = np.nonzero(array != fill[:, None])
    return SparseTable.of_keys(rows * A + columns, array[rows, columns], (S, A), fill)


def _of_scipy(name: str, value: Any) -> SparseTable:
    if not (hasattr(value, "tocoo") and getattr(value, "ndim", 0) == 2):
        raise ValueError(f"{name} is {checks.shown(value)}: a two-dimensional scipy.sparse array is needed")
    cells = value.tocoo()
    S, A = _shape(f"the shape of {name}", value.shape)
    rows, columns = cells.coords if hasattr(cells, "coords") else (cells.row, cells.col)
    keys = rows.astype(np.int64) * A + columns.astype(np.int64)
    try:
        return SparseTable.of_keys(keys, checks.array_of_floats(name, cells.data, ndim=1), (S, A), np.zeros(S))
    except ValueError as error:
        if "stands twice" in str(error):
            raise ValueError(f"{name}: {error}; sum_duplicates() does") from None
        raise


def _shape(name: str, value: Any) -> tuple[int, int]:
    sizes = checks.entries(name, value, "two whole numbers")
    if len(sizes) != 2:
        raise ValueError(f"{name} is {checks.shown(value)}: a table has two sizes")
    S, A = (checks.whole_number(name, size, minimum=1) for size in sizes)
    if max(S, A) > SIDE_MAX:
        raise ValueError(f"{name} is {S} x {A}: a sparse table has at most {SIDE_MAX:.0e} rows and as many columns")
    return S, A
