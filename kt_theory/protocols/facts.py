"""The class `Protocol`: what is told at each visit, as facts. `protocol.py` has the protocols by name."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from kt_theory import checks
from kt_theory.sparse import SparseTable

#: The most decimal digits of a rounded log-probability.
DIGITS_MOST = 15

#: The most labels beyond the first of each visit that are drawn at an input: by NumPy's binomials, whose rounding was
#: not looked into beyond.
FURTHER_MAX = 10**9


@dataclass(frozen=True)
class Protocol:
    """What is told at each visit; made by its name, see `resolve_protocol`, or by `top_k`, `rounded`, `tempered`.

    Attributes
    ----------
    name : str
        As on the command line, such as ``partial`` or ``top_k:20``.
    shows_label : bool
        Whether the drawn label is shown.
    tells_drawn : bool
        Whether the probability of the drawn label is told.
    top : int or None
        The probabilities of how many of the most likely labels are told, drawn or not; None: of all labels.
    lists_last : bool
        Whether the last label may be one of these. It may not where it stands for many labels, such as ``<other>``,
        which no list of an API names; it may still be drawn.
    listed : bool
        Whether further labels are told that only the records know.
    draws : int
        How many labels a visit draws, at least 1, independently of one another.
    digits : int or None
        The number of decimal digits, 0 to 15, to which natural log-probabilities are rounded before they are told;
        None: told as they are.
    temperature : float
        T: told are the probabilities of the law that is proportional to p^(1/T). In (0, infinity); not together with
        `digits`.
    """

    name: str
    shows_label: bool = True
    tells_drawn: bool = False
    top: int | None = 0
    lists_last: bool = True
    listed: bool = False
    draws: int = 1
    digits: int | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not self.name.isprintable():
            raise ValueError(f"the name of a protocol is {checks.shown(self.name)}: it must be a line of text")
        for fact in ("shows_label", "tells_drawn", "lists_last", "listed"):
            object.__setattr__(self, fact, checks.flag(f"{fact} of protocol {self.name}", getattr(self, fact)))
        if self.top is not None:
            object.__setattr__(self, "top", checks.whole_number(f"top of protocol {self.name}", self.top))
        object.__setattr__(self, "draws", checks.whole_number(f"draws of protocol {self.name}", self.draws, minimum=1))
        if self.draws > 1 and (self.listed or not self.shows_label):
            why = "only its records know what is told" if self.listed else "it shows no label"
            raise ValueError(f"draws of protocol {self.name} is {self.draws}, and {why}: it must be 1")
        if not self.lists_last and not self.top:
            raise ValueError(f"lists_last of protocol {self.name} is False, and it has no list: top must be at least 1")
        if self.digits is not None:
            digits = checks.whole_number(f"digits of protocol {self.name}", self.digits)
            if digits > DIGITS_MOST:
                raise ValueError(f"digits of protocol {self.name} is {digits}: a float64 has at most {DIGITS_MOST}")
            object.__setattr__(self, "digits", digits)
        hot = checks.number(f"temperature of protocol {self.name}", self.temperature)
        if not 0 < hot < math.inf:
            raise ValueError(f"temperature of protocol {self.name} is {hot}: it must be finite and above 0")
        object.__setattr__(self, "temperature", hot)
        if self.digits is not None and hot != 1:
            raise ValueError(f"protocol {self.name} has digits and a temperature: one of them can be given")
        if not self.exact and ((not self.tells_drawn and self.top == 0) or self.listed):
            raise ValueError(f"protocol {self.name} has digits or a temperature: tells_drawn or top must be set")

    def __str__(self) -> str:
        return self.name

    def reveals_at_least(self, other: Protocol) -> bool:
        """Whether what `other` reveals is a function of what this protocol reveals."""
        mine, theirs = (math.inf if p.top is None else p.top for p in (self, other))
        # A longer list without the last label need not hold a shorter one that may name it, nor the other way round.
        tops = other.top == 0 or self.top is None or (mine >= theirs and self.lists_last == other.lists_last)
        lists = self.listed >= other.listed or self.top is None
        alike = (self.digits, self.temperature) == (other.digits, other.temperature)
        # Rounding is a function of the probability, a temperature of the whole row; neither can be undone. Rounded
        # twice is not rounded once.
        values = alike or other.tells_nothing or (self.exact and (other.temperature == 1 or self.top is None))
        labels = self.shows_label >= other.shows_label and self.draws >= other.draws
        return labels and self.tells_drawn >= other.tells_drawn and tops and lists and values

    @property
    def exact(self) -> bool:
        """Whether probabilities are told as they are, neither rounded nor at another temperature."""
        return self.digits is None and self.temperature == 1

    @property
    def tells_nothing(self) -> bool:
        """Whether no probability is told."""
        return not self.tells_drawn and self.top == 0 and not self.listed

    def values(self, teacher: np.ndarray) -> np.ndarray:
        """What is told in the place of each probability of rows, shape (..., A)."""
        if self.exact:
            return teacher
        with np.errstate(divide="ignore"):
            logs = np.log(teacher)
        if self.digits is not None:
            return np.exp(np.round(logs, self.digits))
        powers = np.exp((logs - logs.max(axis=-1, keepdims=True)) / self.temperature)
        return powers / powers.sum(axis=-1, keepdims=True)

    def cell_values(self, teacher: SparseTable) -> np.ndarray:
        """The same on the stored cells of a sparse teacher, whose other labels have probability 0."""
        if self.temperature == 1:
            return self.values(teacher.values)
        largest = np.zeros(teacher.shape[0])
        np.maximum.at(largest, teacher.rows, teacher.values)
        powers = (teacher.values / largest[teacher.rows]) ** (1 / self.temperature)
        return powers / np.bincount(teacher.rows, powers, minlength=largest.size)[teacher.rows]

    @property
    def facts(self) -> dict[str, bool | int | float | None]:
        """All that it is but its name: ``Protocol(name, **facts)`` is the same protocol."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "name"}

    @property
    def named_in_full(self) -> bool:
        """Whether its name says its facts, as the name of every protocol of the package does."""
        from kt_theory.protocols.protocol import named  # names are made of protocols

        return named(self.name) == self

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """What tells it apart from others of its name, `tells_drawn` and `top`; empty if its name says its facts."""
        if self.named_in_full:
            return ()
        defaults = {field.name: field.default for field in fields(self)}
        named = ("shows_label", "lists_last", "listed", "draws", "digits", "temperature")
        facts = {fact: self.facts[fact] for fact in named}
        return tuple(f"{fact}={value}" for fact, value in facts.items() if value != defaults[fact])

    def refuse_lists(self) -> None:
        """Refuse a protocol of which only records know what is told."""
        if self.listed:
            raise checks.Unsupported(
                f"{self} is the protocol of records that list what is told: nothing is drawn or computed with it; "
                "top_k:K tells lists of one length"
            )

    def told_anyway(self, teacher: np.ndarray, reps: int, rng: np.random.Generator) -> np.ndarray | None:
        """The labels whose probability is told at every visit, for every draw.

        Parameters
        ----------
        teacher : ndarray, shape (S, A)
        reps : int
            How many data sets; each breaks its ties anew.
        rng : Generator
            Draws the ties; not used where there are none.

        Returns
        -------
        ndarray of int8, shape (reps, S, A) or (1, S, A), or None
            1 where told. One table serves all data sets where there are no ties. None: no label is.

        Raises
        ------
        Unsupported
            If only records know what is told.
        """
        self.refuse_lists()
        if self.top == 0:
            return None
        if not self.lists_last:
            listed = replace(self, lists_last=True).told_anyway(teacher[:, :-1], reps, rng)
            return None if listed is None else np.pad(listed, ((0, 0), (0, 0), (0, 1)))
        S, A = teacher.shape
        if self.top is None or self.top >= A:
            return np.ones((1, S, A), dtype=np.int8)
        least = -np.partition(-teacher, self.top - 1, axis=1)[:, self.top - 1, None]
        sure, tied = teacher > least, teacher == least
        places = self.top - sure.sum(axis=1)
        drawn = np.flatnonzero(tied.sum(axis=1) > places)
        told = np.repeat((sure | tied)[None].astype(np.int8), reps if drawn.size else 1, axis=0)
        # All numbers of a data set are drawn together: more data sets change none of the earlier ones.
        numbers = rng.random((reps, int(tied[drawn].sum())))
        used = 0
        for s in drawn:
            labels = np.flatnonzero(tied[s])
            # A random order of the tied labels: the first of them fill the places that are left.
            order = numbers[:, used : used + labels.size].argsort(axis=1).argsort(axis=1)
            told[:, s, labels] = order < places[s]
            used += labels.size
        return told

    def told_cells(self, teacher: SparseTable, reps: int, rng: np.random.Generator) -> np.ndarray | None:
        """The same for the stored cells of a sparse teacher: int8, shape (reps, P) or (1, P), or None.

        Where a row uses fewer labels than are told, all that it uses are told; which of those of probability 0 are told
        besides is not drawn, since the teacher is known without them.
        """
        self.refuse_lists()
        if self.top == 0:
            return None
        p, rows = teacher.values, teacher.rows
        listed = np.full(p.size, True) if self.lists_last else teacher.columns != teacher.shape[1] - 1
        if self.top is None or self.top >= teacher.shape[1] - (not self.lists_last):
            return listed[None].astype(np.int8)
        p = np.where(listed, p, -1.0)
        used = np.bincount(rows[p > 0], minlength=teacher.shape[0])
        ordered = p[np.lexsort((-p, rows))]
        # A row may use the last label only: nothing of it is told then.
        ends = np.maximum(teacher.offsets[:-1] + np.minimum(self.top, used) - 1, 0)
        least = np.where(used > 0, ordered[ends], 2.0)[rows]
        sure, tied = p > least, p == least
        places = self.top - np.bincount(rows[sure], minlength=used.size)
        drawn = np.bincount(rows[tied], minlength=used.size) > places
        told = np.repeat((sure | tied)[None].astype(np.int8), reps if drawn.any() else 1, axis=0)
        cells = np.flatnonzero(tied & drawn[rows])
        numbers = rng.random((reps, cells.size))
        starts = np.searchsorted(rows[cells], rows[cells])
        for r in range(told.shape[0]):
            rank = np.empty(cells.size, dtype=np.int64)
            rank[np.lexsort((numbers[r], rows[cells]))] = np.arange(cells.size)
            told[r, cells] = rank - starts < places[rows[cells]]
        return told

    def told_sets(self, p: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
        """Every set of labels that `told_anyway` may give for one row p, shape (A,): its probability, and its mask."""
        self.refuse_lists()
        if not self.lists_last:
            for weight, told in replace(self, lists_last=True).told_sets(p[:-1]):
                yield weight, np.append(told, False)
            return
        if self.top == 0 or self.top is None or self.top >= p.size:
            yield 1.0, np.full(p.size, self.top != 0)
            return
        sure, tied, places = self._ties(p, self.top)
        choices = math.comb(tied.size, places)
        for some in itertools.combinations(tied, places):
            told = sure.copy()
            told[list(some)] = True
            yield 1.0 / choices, told

    def choices(self, p: np.ndarray) -> int:
        """How many sets `told_sets` goes through."""
        if not self.lists_last:
            return replace(self, lists_last=True).choices(p[:-1])
        if self.top == 0 or self.top is None or self.top >= p.size:
            return 1
        _, tied, places = self._ties(p, self.top)
        return math.comb(tied.size, places)

    @staticmethod
    def _ties(p: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray, int]:
        """The labels on the list whatever the choice, those of which some are, and how many of them are."""
        least = np.sort(p)[-top]
        sure = p > least
        return sure, np.flatnonzero(p == least), top - int(sure.sum())

    def further(self, visits: np.ndarray, teacher: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """How often each label was drawn besides the first label of each visit.

        Parameters
        ----------
        visits : ndarray of int64, shape (reps, S)
            How often each input was visited in each data set.
        teacher : ndarray, shape (S, A)
        rng : Generator
            More data sets change none of the earlier ones.

        Returns
        -------
        ndarray of int64, shape (reps, S, A)
            Counts that add up to ``draws - 1`` for each visit.

        Raises
        ------
        Unsupported
            For more than `FURTHER_MAX` labels at an input.
        """
        most = int(visits.max(initial=0))
        if (self.draws - 1) * most > FURTHER_MAX:
            raise checks.Unsupported(
                f"{self} draws {self.draws} labels at each of {most} visits of an input: at most {FURTHER_MAX:.0e} are "
                "drawn there; kt_theory.expected_risk(..., method='exact') draws none"
            )
        # The last label takes what the others leave, rounding included: the most likely one, never one that is not
        # drawn.
        order = np.argsort(teacher, axis=1, kind="stable")
        drawn = rng.multinomial((self.draws - 1) * visits, np.take_along_axis(teacher, order, axis=1))
        counts = np.empty_like(drawn)
        np.put_along_axis(counts, np.broadcast_to(order, counts.shape), drawn, axis=2)
        return counts

    def further_cells(self, visits: np.ndarray, teacher: SparseTable, rng: np.random.Generator) -> np.ndarray:
        """The same for the stored cells of a sparse teacher: int64, shape (reps, P)."""
        counts = np.zeros((visits.shape[0], teacher.stored), dtype=np.int64)
        for r, s in zip(*np.nonzero(visits), strict=True):
            cells = slice(teacher.offsets[s], teacher.offsets[s + 1])
            row = self.further(visits[r : r + 1, s : s + 1], teacher.values[None, cells], rng)
            counts[r, cells] = row[0, 0]
        return counts

    def reveal(
        self, counts: np.ndarray, visits: np.ndarray, teacher: np.ndarray, told: np.ndarray | None
    ) -> np.ndarray:
        """What is revealed of the teacher, as its `values`, NaN where it is hidden.

        Parameters
        ----------
        counts : ndarray of int64, shape (..., A)
            How often each label was shown; zeros under a protocol that shows none.
        visits : ndarray of int64, shape (...)
            How often each input was visited.
        teacher : ndarray, shape (..., A)
        told : ndarray, shape (..., A), or None
            As from `told_anyway`.

        Returns
        -------
        ndarray, shape (..., A)
        """
        if told is None and not self.tells_drawn:
            return np.full(counts.shape, np.nan)
        shown = counts > 0 if self.tells_drawn else np.zeros(counts.shape, dtype=bool)
        if told is not None:
            shown = shown | ((told != 0) & (visits > 0)[..., None])
        return np.where(shown, self.values(teacher), np.nan)
