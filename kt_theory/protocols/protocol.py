r"""A protocol: what a student is told at each visit of an input.

A visit of input s draws a label from pi*(.|s). A protocol defines three facts: whether the drawn label is shown,
whether its probability is told, and of how many of the most likely labels the probability is told whether they were
drawn or not. These three facts order the protocols: one reveals at least as much as another if it does so in each of
them (a partial order). At each visit one label is drawn, or several that are independent of one another (``draws``).
Under a protocol that shows none (``shows_label=False``) a student knows which inputs were visited, how often, and what
is told in any case.

Records may tell of more labels than were drawn, in lists that follow no rule: of 20 labels here and of 17 there. Their
protocol is ``told``: at least partial, with lists that the records hold and no law gives (``listed=True``). It has
transfer sets and learners, and is not simulated.

==================  =====  ====================  =======================
protocol            label  its probability       told in any case
==================  =====  ====================  =======================
``hard``            yes    no                    nothing
``partial``         yes    yes                   nothing
``sampled:M``       M      yes                   nothing
``top_k_only:K``    no     no                    the K most likely labels
``top_k_label:K``   yes    if it is among them   the K most likely labels
``top_k:K``         yes    yes                   the K most likely labels
``told``            yes    yes                   what the records list
``soft``            yes    yes                   every label
==================  =====  ====================  =======================

Equal probabilities at rank K are ties. Which of the tied labels are told is drawn once per input and data set, every
choice as likely as another: never by the order of the labels, which would carry information, and never anew at each
visit, which would tell all of them in the end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from kt_theory import checks
from kt_theory.sparse import SparseTable

#: The most labels beyond the first of each visit that are drawn at an input: by NumPy's binomials, whose rounding was
#: not looked into beyond.
FURTHER_MAX = 10**9


@dataclass(frozen=True)
class Protocol:
    """What is told at each visit; made by its name, see `resolve_protocol`, or by `top_k`.

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
    """

    name: str
    shows_label: bool = True
    tells_drawn: bool = False
    top: int | None = 0
    lists_last: bool = True
    listed: bool = False
    draws: int = 1

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

    def __str__(self) -> str:
        return self.name

    def reveals_at_least(self, other: Protocol) -> bool:
        """Whether what `other` reveals is a function of what this protocol reveals."""
        mine, theirs = (math.inf if p.top is None else p.top for p in (self, other))
        # A longer list without the last label need not hold a shorter one that may name it, nor the other way round.
        tops = other.top == 0 or self.top is None or (mine >= theirs and self.lists_last == other.lists_last)
        lists = self.listed >= other.listed or self.top is None
        labels = self.shows_label >= other.shows_label and self.draws >= other.draws
        return labels and self.tells_drawn >= other.tells_drawn and tops and lists

    @property
    def facts(self) -> dict[str, bool | int | None]:
        """All that it is but its name: ``Protocol(name, **facts)`` is the same protocol."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "name"}

    @property
    def named_in_full(self) -> bool:
        """Whether its name says its facts, as the name of every protocol of the package does."""
        return _named(self.name) == self

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """What tells it apart from others of its name, `tells_drawn` and `top`; empty if its name says its facts."""
        if self.named_in_full:
            return ()
        defaults = {field.name: field.default for field in fields(self)}
        facts = {fact: self.facts[fact] for fact in ("shows_label", "lists_last", "listed", "draws")}
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
        """What is revealed of the teacher, NaN where it is hidden.

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
        return np.where(shown, teacher, np.nan)


#: The paper's protocols, from the least to the most revealing.
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("hard"),
        Protocol("partial", tells_drawn=True),
        Protocol("soft", tells_drawn=True, top=None),
    )
}


#: The protocol of records that tell of labels that were not drawn, in lists that follow no rule.
TOLD = Protocol("told", tells_drawn=True, listed=True)


def top_k(k: int, *, lists_last: bool = True) -> Protocol:
    """The protocol that tells the sampled label and the k most likely ones, all with their probabilities.

    Parameters
    ----------
    k : int
        At least 1. From the number of labels on it is the soft protocol.
    lists_last : bool
        False where the last label stands for many, such as ``<other>``, and is never on the list; the name then ends in
        ``:but_last``.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> top_k(20).name
    'top_k:20'
    >>> PROTOCOLS["soft"].reveals_at_least(top_k(20)), PROTOCOLS["partial"].reveals_at_least(top_k(20))
    (True, False)
    """
    return _list("top_k", k, lists_last, tells_drawn=True)


def top_k_label(k: int, *, lists_last: bool = True) -> Protocol:
    """The protocol that tells the k most likely labels with their probabilities, and shows the sampled label alone.

    The log of an API whose list of alternatives lacks the sampled label's probability.

    Parameters
    ----------
    k : int
        At least 1. From the number of labels on it is the soft protocol.
    lists_last : bool
        False where the last label stands for many, such as ``<other>``, and is never on the list; the name then ends in
        ``:but_last``.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> top_k(5).reveals_at_least(top_k_label(5)), top_k_label(5).reveals_at_least(PROTOCOLS["partial"])
    (True, False)
    """
    return _list("top_k_label", k, lists_last)


def top_k_only(k: int, *, lists_last: bool = True) -> Protocol:
    """The protocol that tells the k most likely labels with their probabilities, and shows no sampled label.

    A stored row of k numbers: what is known of an input does not grow after its first visit.

    Parameters
    ----------
    k : int
        At least 1. From the number of labels on it is the soft protocol without its draws.
    lists_last : bool
        As in `top_k`.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> top_k_label(5).reveals_at_least(top_k_only(5)), top_k_only(5).reveals_at_least(PROTOCOLS["hard"])
    (True, False)
    """
    return _list("top_k_only", k, lists_last, shows_label=False)


def sampled(m: int) -> Protocol:
    """The protocol that draws m labels at each visit, independently, and tells each with its probability.

    A row that is stored as m numbers: of ``sampled:1`` the name is ``partial`` as well.

    Parameters
    ----------
    m : int
        At least 1.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If m is no whole number, or below 1.

    Examples
    --------
    >>> sampled(5).name, sampled(5).reveals_at_least(PROTOCOLS["partial"])
    ('sampled:5', True)
    """
    m = checks.whole_number("m", m, minimum=1)
    return Protocol(f"sampled:{m}", tells_drawn=True, draws=m)


def _list(family: str, k: int, lists_last: bool, **facts: bool) -> Protocol:
    k = checks.whole_number("k", k, minimum=1)
    ends = "" if checks.flag("lists_last", lists_last) else BUT_LAST
    return Protocol(f"{family}:{k}{ends}", top=k, lists_last=lists_last, **facts)


def one_of_the_paper(protocol: object, what: str, argument: str = "protocol") -> str:
    """The name of one of the paper's protocols, which `what` answers for; refuses every other one.

    Raises
    ------
    Unsupported
        For an unknown protocol, and for one that is none of hard, partial and soft.
    """
    found = resolve_protocol(protocol, argument)
    if PROTOCOLS.get(found.name) != found:
        raise checks.Unsupported(f"{argument} is {found}: {what} answers for {', '.join(PROTOCOLS)} only")
    return found.name


#: How a name ends whose list never has the last label.
BUT_LAST = ":but_last"

#: Families of protocols: name -> the function of the whole number behind the colon.
FAMILIES: dict[str, Callable[..., Protocol]] = {
    "top_k": top_k,
    "top_k_label": top_k_label,
    "top_k_only": top_k_only,
    "sampled": sampled,
}


def _named(name: str) -> Protocol | None:
    """The protocol of a name, if there is one."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if name == TOLD.name:
        return TOLD
    family, _, number = name.removesuffix(BUT_LAST).partition(":")
    if family in FAMILIES and number.isascii() and number.isdecimal() and len(number) < 19 and int(number) > 0:
        made = FAMILIES[family](int(number))
        if not name.endswith(BUT_LAST):
            return made
        return FAMILIES[family](int(number), lists_last=False) if made.top else None
    return None


def resolve_protocol(protocol: object, argument: str = "protocol") -> Protocol:
    """The protocol of a name such as ``partial`` or ``top_k:20``, or the object itself.

    Raises
    ------
    Unsupported
        If it is neither a known name nor a `Protocol`.
    """
    if isinstance(protocol, Protocol):
        if type(protocol) is not Protocol:
            raise checks.Unsupported(
                f"{argument} is {protocol}, of the class {type(protocol).__name__}: it must be a Protocol itself, "
                "since what is told follows from its facts alone"
            )
        if (_named(protocol.name) or protocol) != protocol:
            raise checks.Unsupported(f"{argument} is another one named {protocol}: that name is the package's")
        return protocol
    if isinstance(protocol, str) and (known_as := _named(protocol)) is not None:
        return known_as
    family = protocol.partition(":")[0] if isinstance(protocol, str) else ""
    if family in FAMILIES:
        raise checks.Unsupported(
            f"{argument} is {checks.shown(protocol)}: the K of {family}:K is a whole number of labels, 1 or more"
        )
    known = ", ".join([*PROTOCOLS, *(f"{family}:K" for family in FAMILIES)])
    raise checks.Unsupported(f"{argument} is {checks.shown(protocol)}: it must be one of {known}, or a Protocol")
