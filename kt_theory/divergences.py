r"""Divergences between a student's row q and a teacher's row p: what a risk averages under rho.

==============  ======================================================  ========  =========
name            value                                                   range     infinite
==============  ======================================================  ========  =========
``tv``          sum_a \|q(a) - p(a)\| / 2                               [0, 1]    never
``kl``          sum_a p(a) log(p(a) / q(a)), in nats                    [0, inf]  q = 0 < p
``reverse_kl``  sum_a q(a) log(q(a) / p(a)), in nats                    [0, inf]  p = 0 < q
``l2``          sum_a (q(a) - p(a))^2                                   [0, 2]    never
``hellinger``   sqrt(sum_a (sqrt q(a) - sqrt p(a))^2 / 2)               [0, 1]    never
``top1``        1 - \|argmax q and argmax p in common\| / \|argmax q\|  [0, 1]    never
==============  ======================================================  ========  =========

``tv`` is the paper's risk. In ``top1`` a student breaks its own ties at random, and any of the teacher's most likely
labels is right; values within a relative 1e-12 are ties, so that rounding breaks none. Each divergence is defined here
twice: over arrays, and for one row in the form that numba compiles; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.fingerprints import fingerprint as fingerprint_of


@dataclass(frozen=True)
class Divergence:
    """A divergence between rows; an entry of `DIVERGENCES`, or one of a user's own.

    Attributes
    ----------
    name : str
        A word: letters, digits, ``_``.
    rows : callable
        ``rows(student, teacher) -> values`` over arrays of shape (..., A), giving shape (...): one value a row, at
        least 0, and 0 where both rows are equal.
    row : callable, optional
        The same for one row, ``row(student, teacher) -> float`` over arrays of shape (A,), in the subset of Python that
        numba compiles. Without it a simulation uses `rows`.
    cells : callable, optional
        The same for the stored cells of one row of a sparse table, ``cells(student, teacher, others, rest) -> float``:
        the row has `others` more labels, on which the teacher is 0 and the student `rest`. Only the package's have one.
    lanes : callable, optional
        The same for one row of R students side by side, ``lanes(student, teacher, out)`` with student, shape (A, R),
        teacher, shape (A,), and the values, shape (R,), filled. Only the package's may have one.
    upper : float
        No value is larger; ``inf`` if there is no bound.
    may_be_infinite : bool
        Whether single values can be infinite.
    words : str
        What it is called in a sentence and on an axis.
    fingerprint : str
        Tells apart two divergences of one name in a stored study; made of the functions if not given.
    """

    name: str
    rows: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(repr=False)
    row: Callable[[np.ndarray, np.ndarray], float] | None = field(default=None, repr=False)
    upper: float = math.inf
    may_be_infinite: bool = False
    words: str = ""
    fingerprint: str = field(default="", repr=False)
    cells: Callable[..., float] | None = field(default=None, repr=False, kw_only=True)
    lanes: Callable[..., None] | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            given = checks.shown(self.name)
            raise ValueError(f"the name of a divergence is {given}: it must be a word of letters, digits and _")
        if not callable(self.rows):
            given = checks.shown(self.rows)
            raise ValueError(f"rows of divergence {self.name} is {given}: it must be a function of two arrays")
        if self.row is not None and not callable(self.row):
            given = checks.shown(self.row)
            raise ValueError(f"row of divergence {self.name} is {given}: it must be a function of two rows")
        upper = checks.number(f"upper of divergence {self.name}", self.upper)
        if not upper > 0:
            raise ValueError(f"upper of divergence {self.name} is {upper}: it must be above 0, infinity allowed")
        object.__setattr__(self, "upper", upper)
        checks.flag(f"may_be_infinite of divergence {self.name}", self.may_be_infinite)
        for argument in ("words", "fingerprint"):
            checks.text(f"{argument} of divergence {self.name}", getattr(self, argument))
        if not self.fingerprint:
            owner = f"divergence {self.name}"
            object.__setattr__(self, "fingerprint", fingerprint_of(owner, self.rows, self.row))

    def __str__(self) -> str:
        return self.name

    def between(self, student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
        """`rows`, checked: one value a row, from 0 to `upper`, finite where it has to be."""
        values = np.asarray(self.rows(student, teacher), dtype=np.float64)
        shape = np.broadcast_shapes(student.shape, teacher.shape)[:-1]
        if values.shape != shape:
            raise ValueError(f"divergence {self} answers with shape {values.shape}: {shape}, a value a row, is needed")
        return self.checked(values)

    def checked(self, values: np.ndarray) -> np.ndarray:
        """Values of the divergence, or averages of them, if they can be such."""
        most = self.upper * (1 + 1e-9)
        wrong = ~((values >= 0) & (values <= most)) | (np.isinf(values) & (not self.may_be_infinite))
        if wrong.any():
            allowed = "infinity allowed" if self.may_be_infinite else "finite"
            value = values[wrong].flat[0]
            raise ValueError(
                f"what divergence {self} answers is {value}: it must be from 0 to {self.upper:g}, {allowed}"
            )
        return values


# --- Total variation ------------------------------------------------------------------------------------


def _tv(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    off = q - p
    return 0.5 * np.abs(off, out=off).sum(axis=-1)


def _tv_row(q: np.ndarray, p: np.ndarray) -> float:
    total = 0.0
    for a in range(q.size):
        total += abs(q[a] - p[a])
    return 0.5 * total


def _tv_lanes(q, p, out) -> None:  # type: ignore[no-untyped-def]
    out[:] = 0.0
    for a in range(p.size):
        right = p[a]
        for r in range(out.size):
            out[r] += abs(q[a, r] - right)
    for r in range(out.size):
        out[r] *= 0.5


def _tv_cells(q, p, others, rest):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(q.size):
        total += abs(q[a] - p[a])
    return 0.5 * (total + others * rest)


# --- Kullback-Leibler -----------------------------------------------------------------------------------


def _kl(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    q, p = np.broadcast_arrays(q, p)
    used = p > 0
    with np.errstate(divide="ignore"):
        # Each term p log(p/q) - p + q is at least 0 and vanishes at q = p; the sum is the same, as both rows sum to 1.
        terms = np.where(used, p * (np.log(np.where(used, p, 1.0)) - np.log(np.where(used, q, 1.0))), 0.0)
    return np.maximum(terms.sum(axis=-1) + (q - p).sum(axis=-1), 0.0)


def _kl_row(q: np.ndarray, p: np.ndarray) -> float:
    total = 0.0
    off = 0.0
    for a in range(q.size):
        if p[a] > 0.0:
            if q[a] == 0.0:
                return np.inf
            total += p[a] * (np.log(p[a]) - np.log(q[a]))
        off += q[a] - p[a]
    return max(total + off, 0.0)


def _kl_cells(q, p, others, rest):  # type: ignore[no-untyped-def]
    total = 0.0
    off = others * rest
    for a in range(q.size):
        if p[a] > 0.0:
            if q[a] == 0.0:
                return np.inf
            total += p[a] * (np.log(p[a]) - np.log(q[a]))
        off += q[a] - p[a]
    return max(total + off, 0.0)


def _reverse_kl(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    return _kl(p, q)


def _reverse_kl_row(q: np.ndarray, p: np.ndarray) -> float:
    total = 0.0
    off = 0.0
    for a in range(q.size):
        if q[a] > 0.0:
            if p[a] == 0.0:
                return np.inf
            total += q[a] * (np.log(q[a]) - np.log(p[a]))
        off += p[a] - q[a]
    return max(total + off, 0.0)


def _reverse_kl_cells(q, p, others, rest):  # type: ignore[no-untyped-def]
    if others > 0 and rest > 0.0:
        return np.inf
    total = 0.0
    off = 0.0
    for a in range(q.size):
        if q[a] > 0.0:
            if p[a] == 0.0:
                return np.inf
            total += q[a] * (np.log(q[a]) - np.log(p[a]))
        off += p[a] - q[a]
    return max(total + off, 0.0)


# --- Squares --------------------------------------------------------------------------------------------


def _l2(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    return ((q - p) ** 2).sum(axis=-1)


def _l2_row(q: np.ndarray, p: np.ndarray) -> float:
    total = 0.0
    for a in range(q.size):
        total += (q[a] - p[a]) * (q[a] - p[a])
    return total


def _l2_cells(q, p, others, rest):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(q.size):
        total += (q[a] - p[a]) * (q[a] - p[a])
    return total + others * (rest * rest)


def _hellinger(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.sqrt(0.5 * ((np.sqrt(q) - np.sqrt(p)) ** 2).sum(axis=-1))


def _hellinger_row(q: np.ndarray, p: np.ndarray) -> float:
    total = 0.0
    for a in range(q.size):
        step = np.sqrt(q[a]) - np.sqrt(p[a])
        total += step * step
    return np.sqrt(0.5 * total)


def _hellinger_cells(q, p, others, rest):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(q.size):
        step = np.sqrt(q[a]) - np.sqrt(p[a])
        total += step * step
    return np.sqrt(0.5 * (total + others * rest))


#: Values above this share of the largest one are ties.
TIED = 1 - 1e-12

# --- The most likely label ------------------------------------------------------------------------------


def most_likely(rows: np.ndarray) -> np.ndarray:
    """Which labels are the most likely ones of each row, ties among them: booleans of shape (..., A)."""
    return rows >= rows.max(axis=-1, keepdims=True) * TIED


def _top1(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    said, right = most_likely(q), most_likely(p)
    return 1.0 - (said & right).sum(axis=-1) / said.sum(axis=-1)


def _top1_row(q: np.ndarray, p: np.ndarray) -> float:
    highest = q[0]
    best = p[0]
    for a in range(q.size):
        highest = max(highest, q[a])
        best = max(best, p[a])
    said = 0
    right = 0
    for a in range(q.size):
        said += 1 if q[a] >= highest * TIED else 0
        right += 1 if (q[a] >= highest * TIED) & (p[a] >= best * TIED) else 0
    return 1.0 - right / said


def _top1_cells(q, p, others, rest):  # type: ignore[no-untyped-def]
    highest = rest if others > 0 else 0.0
    best = 0.0
    for a in range(q.size):
        highest = max(highest, q[a])
        best = max(best, p[a])
    said = others if rest >= highest * TIED else 0
    right = 0
    for a in range(q.size):
        said += 1 if q[a] >= highest * TIED else 0
        right += 1 if (q[a] >= highest * TIED) & (p[a] >= best * TIED) else 0
    return 1.0 - right / said


#: All divergences, by name.
DIVERGENCES: dict[str, Divergence] = {
    divergence.name: divergence
    for divergence in (
        Divergence("tv", _tv, _tv_row, 1.0, False, "total variation", "tv 1", cells=_tv_cells, lanes=_tv_lanes),
        Divergence(
            "kl",
            _kl,
            _kl_row,
            math.inf,
            True,
            "Kullback-Leibler divergence from teacher to student",
            "kl 1",
            cells=_kl_cells,
        ),
        Divergence(
            "reverse_kl",
            _reverse_kl,
            _reverse_kl_row,
            math.inf,
            True,
            "Kullback-Leibler divergence from student to teacher",
            "reverse_kl 1",
            cells=_reverse_kl_cells,
        ),
        Divergence("l2", _l2, _l2_row, 2.0, False, "squared l2 distance", "l2 1", cells=_l2_cells),
        Divergence(
            "hellinger",
            _hellinger,
            _hellinger_row,
            1.0,
            False,
            "Hellinger distance",
            "hellinger 1",
            cells=_hellinger_cells,
        ),
        Divergence(
            "top1", _top1, _top1_row, 1.0, False, "disagreement on the most likely label", "top1 1", cells=_top1_cells
        ),
    )
}


def resolve_divergence(divergence: Any, argument: str = "divergence") -> Divergence:
    """The divergence of a name, or the object itself.

    Raises
    ------
    Unsupported
        If it is neither a name in `DIVERGENCES` nor a `Divergence`.
    """
    if isinstance(divergence, Divergence):
        if DIVERGENCES.get(divergence.name, divergence) is not divergence:
            raise checks.Unsupported(f"{argument} is another one named {divergence}: that name is the package's")
        return divergence
    if isinstance(divergence, str) and divergence in DIVERGENCES:
        return DIVERGENCES[divergence]
    raise checks.Unsupported(
        f"{argument} is {checks.shown(divergence)}: it must be one of {', '.join(DIVERGENCES)}, or a Divergence"
    )
