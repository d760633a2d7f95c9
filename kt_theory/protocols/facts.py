"""The class `Protocol`: what is told at each visit, as facts. `protocol.py` has the protocols by name."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from kt_theory import checks
from kt_theory.protocols import lists
from kt_theory.protocols.races import further_labels
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
        The probabilities of how many of the most likely labels are told, drawn or not; None: of all labels. It must be
        0 where `mass` or `at_least` says which.
    lists_last : bool
        Whether the last label may be one of these. It may not where it stands for many labels, such as ``<other>``,
        which no list of an API names; it may still be drawn.
    listed : bool
        Whether further labels are told that only the records know.
    draws : int
        How many labels a visit draws, at least 1, independently of one another or without replacement.
    replacing : bool
        Whether these are independent. If not, each further one is drawn from the labels that were not, in proportion to
        their probabilities; a row of fewer labels of positive probability shows all of them.
    mass : float or None
        P in (0, 1): told are the most likely labels, as few as have the probability P together, drawn or not.
    at_least : float or None
        T in (0, 1]: told are the labels of probability T or more, drawn or not; there may be none.
    digits : int or None
        The number of decimal digits, 0 to 15, to which natural log-probabilities are rounded before they are told;
        None: told as they are.
    temperature : float
        T: told are the probabilities of the law that is proportional to p^(1/T). In (0, infinity); not together with
        `digits`.
    ordered : bool
        Whether the probabilities of all labels are told in descending order, without their labels, and nothing else.
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
    replacing: bool = True
    mass: float | None = None
    at_least: float | None = None
    ordered: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not self.name.isprintable():
            raise ValueError(f"the name of a protocol is {checks.shown(self.name)}: it must be a line of text")
        for fact in ("shows_label", "tells_drawn", "lists_last", "listed", "replacing", "ordered"):
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
        for fact, most in (("mass", math.nextafter(1.0, 0.0)), ("at_least", 1.0)):
            if (value := getattr(self, fact)) is not None:
                value = checks.number(f"{fact} of protocol {self.name}", value)
                if not 0 < value <= most:
                    ends = "above 0 and below 1" if fact == "mass" else "above 0 and at most 1"
                    raise ValueError(f"{fact} of protocol {self.name} is {value}: it must be {ends}")
                object.__setattr__(self, fact, value)
        if sum((self.top != 0, self.mass is not None, self.at_least is not None)) > 1:
            raise ValueError(f"protocol {self.name} has more than one of top, mass and at_least: one list is told")
        if not self.replacing and not (self.draws > 1 and self.tells_drawn):
            raise ValueError(
                f"replacing of protocol {self.name} is False: draws must be at least 2, and tells_drawn set"
            )
        inexact = self.digits is not None or hot != 1
        if self.ordered and (self.tells_drawn or self.lists or self.listed or inexact):
            raise ValueError(f"ordered of protocol {self.name} is True, and it tells more than the values in order")
        if self.digits is not None and hot != 1:
            raise ValueError(f"protocol {self.name} has digits and a temperature: one of them can be given")
        if inexact and ((not self.tells_drawn and not self.lists) or self.listed):
            raise ValueError(f"protocol {self.name} has digits or a temperature: tells_drawn or top must be set")

    def __str__(self) -> str:
        return self.name

    def reveals_at_least(self, other: Protocol) -> bool:
        """Whether what `other` reveals is a function of what this protocol reveals."""
        tops = lists.holds(self, other)
        told = self.listed >= other.listed or self.top is None
        alike = (self.digits, self.temperature) == (other.digits, other.temperature)
        # Rounding is a function of the probability, a temperature of the whole row; neither can be undone. Rounded
        # twice is not rounded once.
        values = alike or other.tells_nothing or (self.exact and (other.temperature == 1 or self.top is None))
        order = self.ordered >= other.ordered or (self.exact and self.top is None)
        # Independent draws, or fewer, can be made of those without replacement: repeats are of labels that are told.
        drawn = self.draws >= other.draws and (not self.replacing or other.replacing or other.draws == 1)
        labels = self.shows_label >= other.shows_label and drawn
        return labels and self.tells_drawn >= other.tells_drawn and tops and told and values and order

    @property
    def exact(self) -> bool:
        """Whether probabilities are told as they are: of their labels, neither rounded nor at another temperature."""
        return self.digits is None and self.temperature == 1 and not self.ordered

    @property
    def lists(self) -> bool:
        """Whether the most likely labels are told, drawn or not: some of them, or all."""
        return self.top != 0 or self.mass is not None or self.at_least is not None

    def tells_all(self, A: int) -> bool:
        """Whether all of A labels are told, whatever their probabilities."""
        return self.top is None or (self.top >= A and self.lists_last)

    def list_length(self, p: np.ndarray) -> int:
        """How many labels of one row are told in any case."""
        return int(lists.lengths(self, p[None])[0])

    @property
    def tells_nothing(self) -> bool:
        """Whether no probability is told."""
        return not self.tells_drawn and not self.lists and not self.listed and not self.ordered

    def values(self, teacher: np.ndarray) -> np.ndarray:
        """What is told in the place of each probability of rows, shape (..., A); rows of NaN stay so."""
        if self.exact:
            return teacher
        if self.ordered:
            return -np.sort(-teacher, axis=-1)
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
        named = [fact for fact in self.facts if fact not in ("tells_drawn", "top")]
        facts = {fact: self.facts[fact] for fact in named}
        return tuple(f"{fact}={value}" for fact, value in facts.items() if value != defaults[fact])

    def refuse_lists(self) -> None:
        """Refuse a protocol of which only records know what is told."""
        if self.listed:
            raise checks.Unsupported(
                f"{self} is the protocol of records that list what is told: nothing is drawn or computed with it; "
                "top_k:K tells lists of one length"
            )

    def told_anyway(self, teacher: np.ndarray, reps: int, rng: np.random.Generator | None) -> np.ndarray | None:
        """The labels whose probability is told at every visit, for every draw.

        Parameters
        ----------
        teacher : ndarray, shape (S, A)
        reps : int
            How many data sets; each breaks its ties anew.
        rng : Generator or None
            Draws the ties; not used where there are none. Needed by a protocol that lists some labels.

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
        if not self.lists:
            return None
        if not self.lists_last:
            listed = replace(self, lists_last=True).told_anyway(teacher[:, :-1], reps, rng)
            return None if listed is None else np.pad(listed, ((0, 0), (0, 0), (0, 1)))
        S, A = teacher.shape
        if self.tells_all(A):
            return np.ones((1, S, A), dtype=np.int8)
        assert rng is not None
        lengths, least = lists.ends(self, teacher)
        sure, tied = teacher > least[:, None], teacher == least[:, None]
        places = lengths - sure.sum(axis=1)
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

    def told_cells(self, teacher: SparseTable, reps: int, rng: np.random.Generator | None) -> np.ndarray | None:
        """The same for the stored cells of a sparse teacher: int8, shape (reps, P) or (1, P), or None.

        Where a row uses fewer labels than are told, all that it uses are told; which of those of probability 0 are told
        besides is not drawn, since the teacher is known without them.
        """
        self.refuse_lists()
        if not self.lists:
            return None
        p, rows = teacher.values, teacher.rows
        listed = np.full(p.size, True) if self.lists_last else teacher.columns != teacher.shape[1] - 1
        if self.top is None or self.top >= teacher.shape[1] - (not self.lists_last):
            return listed[None].astype(np.int8)
        assert rng is not None
        p = np.where(listed, p, -1.0)
        used = np.bincount(rows[p > 0], minlength=teacher.shape[0])
        ordered = p[np.lexsort((-p, rows))]
        lengths = lists.cell_lengths(self, ordered, teacher.offsets)
        # A row may use the last label only, or have no label on its list: nothing of it is told then.
        some = np.minimum(lengths, used)
        least = np.where(some > 0, ordered[np.maximum(teacher.offsets[:-1] + some - 1, 0)], 2.0)[rows]
        sure, tied = p > least, p == least
        places = lengths - np.bincount(rows[sure], minlength=used.size)
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
        length = self.list_length(p)
        if length in (0, p.size):
            yield 1.0, np.full(p.size, length > 0)
            return
        sure, tied, places = self._ties(p, length)
        choices = math.comb(tied.size, places)
        for some in itertools.combinations(tied, places):
            told = sure.copy()
            told[list(some)] = True
            yield 1.0 / choices, told

    def choices(self, p: np.ndarray) -> int:
        """How many sets `told_sets` goes through."""
        if not self.lists_last:
            return replace(self, lists_last=True).choices(p[:-1])
        length = self.list_length(p)
        if length in (0, p.size):
            return 1
        _, tied, places = self._ties(p, length)
        return math.comb(tied.size, places)

    @staticmethod
    def _ties(p: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray, int]:
        """The labels on the list whatever the choice, those of which some are, and how many of them are."""
        least = np.sort(p)[-top]
        sure = p > least
        return sure, np.flatnonzero(p == least), top - int(sure.sum())

    def drawn_sets(self, p: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Every set of labels that a visit without replacement may draw of one row p, shape (A,): how likely, a mask.

        The last one of a set S of k labels is a with the probability of S - {a} times p_a / (1 - p(S - {a})).
        """
        used = np.flatnonzero(p)
        sets: dict[frozenset[int], float] = {frozenset(): 1.0}
        for _ in range(min(self.draws, used.size)):
            larger: dict[frozenset[int], float] = {}
            for some, chance in sets.items():
                others = [int(a) for a in used if a not in some]
                mass = math.fsum(p[others])
                for a in others:
                    key = some | {a}
                    larger[key] = larger.get(key, 0.0) + chance * float(p[a]) / mass
            sets = larger
        return [(chance, np.isin(np.arange(p.size), list(some))) for some, chance in sets.items()]

    def further(
        self, first: np.ndarray, visits: np.ndarray, teacher: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """How often each label was drawn besides the first label of each visit.

        Parameters
        ----------
        first : ndarray of int64, shape (reps, S, A)
            How often each label was the first of a visit.
        visits : ndarray of int64, shape (reps, S)
            How often each input was visited in each data set.
        teacher : ndarray, shape (S, A)
        rng : Generator
            More data sets change none of the earlier ones.

        Returns
        -------
        ndarray of int64, shape (reps, S, A)
            Counts that add up to ``draws - 1`` for each visit, or less without replacement, where a row has fewer
            labels.

        Raises
        ------
        Unsupported
            For more than `FURTHER_MAX` labels at an input, or in all without replacement.
        """
        most = int(visits.max(initial=0))
        if (self.draws - 1) * (most if self.replacing else int(visits.sum())) > FURTHER_MAX:
            raise checks.Unsupported(
                f"{self} draws {self.draws} labels at each of {most} visits of an input: at most {FURTHER_MAX:.0e} are "
                "drawn there; kt_theory.expected_risk(..., method='exact') draws none"
            )
        if not self.replacing:
            return further_labels(first, teacher, self.draws - 1, rng)
        # The last label takes what the others leave, rounding included: the most likely one, never one that is not
        # drawn.
        order = np.argsort(teacher, axis=1, kind="stable")
        drawn = rng.multinomial((self.draws - 1) * visits, np.take_along_axis(teacher, order, axis=1))
        counts = np.empty_like(drawn)
        np.put_along_axis(counts, np.broadcast_to(order, counts.shape), drawn, axis=2)
        return counts

    def further_cells(
        self, first: np.ndarray, visits: np.ndarray, teacher: SparseTable, rng: np.random.Generator
    ) -> np.ndarray:
        """The same for the stored cells of a sparse teacher: int64, shape (reps, P)."""
        counts = np.zeros((visits.shape[0], teacher.stored), dtype=np.int64)
        if not self.replacing:
            # A stream for each input: more data sets change none of the earlier ones.
            seeds = rng.integers(np.full(visits.shape[1], 2**63 - 1))
            for s in np.flatnonzero(visits.any(axis=0)):
                cells = slice(teacher.offsets[s], teacher.offsets[s + 1])
                own = np.random.default_rng(int(seeds[s]))
                row = self.further(first[:, None, cells], visits[:, s : s + 1], teacher.values[None, cells], own)
                counts[:, cells] = row[:, 0]
            return counts
        for r, s in zip(*np.nonzero(visits), strict=True):
            cells = slice(teacher.offsets[s], teacher.offsets[s + 1])
            one = first[r : r + 1, None, cells]
            row = self.further(one, visits[r : r + 1, s : s + 1], teacher.values[None, cells], rng)
            counts[r, cells] = row[0, 0]
        return counts

    def visits_of(self, sums: np.ndarray, largest: np.ndarray, used: np.ndarray) -> np.ndarray:
        """How often inputs were visited, from their counts: sums, largest ones, and how many are above 0, shape (S,).

        Raises
        ------
        ValueError
            If the counts of an input are not those of whole visits.
        """
        if self.draws == 1:
            return sums
        whole = (sums % self.draws == 0) & (self.replacing | (largest <= sums // self.draws))
        # Of a row of fewer labels each visit shows all of them.
        few = ~whole & (not self.replacing) & (used < self.draws) & (largest * used == sums)
        split = ~whole & ~few
        if split.any():
            s = int(np.argmax(split))
            raise ValueError(
                f"counts[{s}] adds up to {int(sums[s])}: {self} draws {self.draws} labels at each visit, and "
                "all of a visit are counted"
            )
        return np.where(few, largest, sums // self.draws)

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
        if self.ordered:
            return np.where((visits > 0)[..., None], self.values(teacher), np.nan)
        if told is None and not self.tells_drawn:
            return np.full(counts.shape, np.nan)
        shown = counts > 0 if self.tells_drawn else np.zeros(counts.shape, dtype=bool)
        if told is not None:
            shown = shown | ((told != 0) & (visits > 0)[..., None])
        return np.where(shown, self.values(teacher), np.nan)
