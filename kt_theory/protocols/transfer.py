"""What is revealed to a student: a transfer set, from records or from counts.

What the protocol hides is NaN in `TransferSet.revealed`, so that a learner that reads it answers NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.protocols.protocol import Protocol, resolve_form, resolve_protocol
from kt_theory.records.columns import Columns
from kt_theory.records.samples import TOLERANCE, samples_of
from kt_theory.refusals import Argument, Refusal
from kt_theory.sparse import (
    SPARSE_FROM,
    SparseTable,
    aligned,
    descending,
    is_sparse,
    of_dense,
    sparse_counts,
    sparse_law_table,
)


@dataclass(frozen=True, eq=False, repr=False)
class TransferSet:
    """What a student is given: how often each pair was seen, and what was revealed of the teacher.

    Made by `TransferSet.from_records`, `TransferSet.from_counts` or `kt_theory.draw`.

    Attributes
    ----------
    protocol : Protocol
        What was revealed with each sample.
    counts : ndarray of int64, shape (S, A)
        n_sa, how often label a was shown at input s; zeros under a protocol that shows no label.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where the protocol shows it, NaN elsewhere; as `Protocol.values` has it, if the protocol rounds it or
        tells it at another temperature. Under ``sorted`` the values of a visited input in descending order: column i
        has the i-th largest one, whichever its label is.
    states, actions : tuple of str
        Names of the inputs and labels.
    visits : ndarray of int64, shape (S,)
        n_s, how often input s was visited: the sums of the counts, if not given, over the draws of a visit. Under a
        protocol that shows no label they are all that is known of the draws.
    told_counts, told : SparseTable
        Of a sparse transfer set, what `counts` and `revealed` are of a dense one, on the cells that were drawn or told;
        `counts` and `revealed` are refused then, see `dense`.
    logarithms : SparseTable or None
        The natural log-probabilities of the told cells as records gave them; see `log_told`.
    """

    protocol: Protocol
    counts: np.ndarray
    revealed: np.ndarray = field(repr=False)
    states: tuple[str, ...] = field(repr=False)
    actions: tuple[str, ...] = field(repr=False)
    visits: np.ndarray = field(default=None, repr=False)  # type: ignore[arg-type]
    logarithms: SparseTable | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.counts, SparseTable):
            if self.visits is None:
                object.__setattr__(self, "visits", _frozen(_cell_visits(self.counts, self.protocol)))
            for dense, sparse in (("counts", "told_counts"), ("revealed", "told")):
                object.__setattr__(self, sparse, getattr(self, dense))
                object.__delattr__(self, dense)
        if self.visits is None:
            object.__setattr__(self, "visits", _frozen(_visits(self.counts, self.protocol)))

    def __getattr__(self, attribute: str) -> Any:
        # Only what is not there is looked up here: the arrays of a sparse transfer set.
        if attribute in ("counts", "revealed") and self.sparse:
            S, A = self.told_counts.shape
            raise checks.Unsupported(
                f"the transfer set is sparse, {S} x {A}: what was asked for needs dense tables of {8e-9 * S * A:.3g} "
                "GB each; its dense() makes them up to 0.8 GB"
            )
        raise AttributeError(f"'TransferSet' object has no attribute {attribute!r}")

    def __repr__(self) -> str:
        if not self.sparse:
            return f"TransferSet(protocol={self.protocol!r}, counts={self.counts!r})"
        S, A = self.told_counts.shape
        return f"TransferSet(protocol={self.protocol!r}, S={S}, A={A}, stored cells: {self.told_counts.stored})"

    @property
    def sparse(self) -> bool:
        """Whether only the cells that were drawn or told are kept."""
        return "told_counts" in self.__dict__

    @property
    def shape(self) -> tuple[int, int]:
        """S and A."""
        return len(self.states), len(self.actions)

    def dense(self) -> TransferSet:
        """The same transfer set as arrays of shape (S, A); itself if it is so already.

        Raises
        ------
        Unsupported
            A ValueError, for more than 1e8 cells, 0.8 GB a table.
        """
        if not self.sparse:
            return self
        arrays = (_frozen(self.told_counts.dense()), _frozen(self.told.dense()))
        return TransferSet(self.protocol, *arrays, self.states, self.actions, self.visits, logarithms=self.logarithms)

    @property
    def pairs(self) -> SparseTable:
        """The pairs that were drawn, and how often, in either form."""
        if self.sparse:
            return sparse_counts("counts", self.told_counts)
        return sparse_counts("counts", of_dense(self.counts, rest=0))

    @property
    def log_told(self) -> SparseTable:
        """The natural log-probabilities of the told pairs, NaN elsewhere, in either form.

        As records gave them, so that the sum over a long reply is kept where its probability is below the smallest
        float64; else the logarithms of what is revealed. Zeros are -inf.
        """
        if self.logarithms is not None:
            return self.logarithms
        if self.protocol.ordered:
            none = np.empty(0, dtype=np.int64)
            return SparseTable.of_keys(none, np.empty(0), self.shape, np.full(self.shape[0], math.nan))
        table = self.told if self.sparse else of_dense(self.revealed, rest=math.nan)
        with np.errstate(divide="ignore"):
            told = ~np.isnan(table.values)
            return SparseTable.of_keys(table.keys[told], np.log(table.values[told]), table.shape, np.log(table.rest))

    @property
    def n(self) -> int:
        """Number of samples: of visits."""
        return int(self.visits.sum())

    @property
    def untold(self) -> int:
        """Number of samples of labels whose probability is not told: all under hard labels."""
        if self.protocol.ordered:
            return int(self.pairs.values.sum())
        if self.sparse:
            return int(self.told_counts.values[np.isnan(self.told.values)].sum())
        return int(self.counts[np.isnan(self.revealed)].sum())

    @property
    def untold_mass(self) -> np.ndarray:
        """Per input, one minus the mass of the told labels, drawn or not, shape (S,); NaN if not told exactly."""
        if not self.protocol.exact:
            return np.full(self.visits.size, np.nan)
        if self.sparse:
            known = np.bincount(self.told.rows, np.nan_to_num(self.told.values), minlength=self.visits.size)
        else:
            known = np.nansum(self.revealed, axis=1)
        return np.maximum(1.0 - known, 0.0)

    @property
    def missing_mass(self) -> np.ndarray:
        """Per input, the teacher's mass on labels not seen there, shape (S,): 1 on unvisited inputs.

        NaN on visited inputs where a drawn label's probability is not told exactly, as under hard labels. Under a
        protocol that shows no label, the mass of the labels that were not told.
        """
        visited = self.visits > 0
        if not self.protocol.exact:
            return np.where(visited, np.nan, 1.0)
        if self.sparse:
            seen = self.told_counts.values > 0 if self.protocol.shows_label else ~np.isnan(self.told.values)
            known = np.bincount(self.told.rows, np.where(seen, self.told.values, 0.0), minlength=visited.size)
        else:
            seen = self.counts > 0 if self.protocol.shows_label else ~np.isnan(self.revealed)
            known = np.where(seen, self.revealed, 0.0).sum(axis=1)
        return np.where(visited, np.maximum(1.0 - known, 0.0), 1.0)

    @property
    def mean_missing_mass(self) -> float:
        """`missing_mass` averaged over the samples; NaN without any, and under hard labels, which do not tell."""
        return float((self.visits * self.missing_mass).sum() / self.n) if self.n else math.nan

    @property
    def good_turing(self) -> float:
        """Good and Turing's estimate of the mass of the pairs not seen: the share of samples whose pair was seen once.

        NaN without samples, and where a visit draws several labels, of which none can be left out without the others.
        It needs no probabilities. Source: I. J. Good, Biometrika 40 (1953).
        """
        return float((self.pairs.values == 1).sum() / self.n) if self.n and self.protocol.draws == 1 else math.nan

    @classmethod
    def from_counts(
        cls,
        counts: Any,
        teacher: Any = None,
        protocol: str | Protocol = "hard",
        *,
        states: Sequence[Any] | None = None,
        actions: Sequence[Any] | None = None,
        seed: int = 0,
    ) -> TransferSet:
        """A transfer set from a count table.

        Parameters
        ----------
        counts : array_like of int or scipy.sparse array, shape (S, A), or SparseTable
            How often each pair was drawn; under ``sampled:M`` the counts of an input add up to a multiple of M. From a
            sparse one the transfer set is `sparse`: it keeps the cells that were drawn or told. The index and the
            columns of a DataFrame are the names, if none are given.
        teacher : array_like or scipy.sparse array, shape (S, A), or SparseTable, optional
            The teacher's table, needed for the partial and soft protocols. Only what the protocol shows is kept.
        protocol : {"hard", "partial", "soft"}, a name such as "top_k:20", or Protocol
            What the student is shown.
        states, actions : sequence, optional
            Names; 0, 1, 2, ... if not given.
        seed : int
            Breaks the ties of ``top_k``: which of several equally likely labels are told.

        Returns
        -------
        TransferSet

        Raises
        ------
        Unsupported
            A ValueError, for an unknown protocol.
        ValueError
            For counts that are negative or not whole, a teacher that is no row-stochastic table of the same shape, a
            pair that was seen although the teacher gives it probability 0, DataFrames whose names differ, or counts
            that are not those of whole visits.

        Examples
        --------
        >>> TransferSet.from_counts([[2, 0]], [[0.9, 0.1]], "partial").revealed
        array([[0.9, nan]])
        """
        if is_sparse(counts):
            return cls._from_sparse_counts(counts, teacher, protocol, states, actions, seed)
        teacher = sparse_law_table("teacher", teacher).dense() if is_sparse(teacher) else teacher
        states, actions = checks.names_from_frames(states, actions, counts=counts, teacher=teacher)
        counts = checks.count_table("counts", counts)
        shown = resolve_protocol(protocol)
        S, A = counts.shape
        visits = _frozen(_visits(counts, shown))
        state_names = checks.names("states", states, S)
        action_names = checks.names("actions", actions, A)
        revealed = np.full((S, A), np.nan)
        if not shown.tells_nothing:
            if teacher is None:
                raise ValueError(f"teacher is missing: the {shown} protocol reveals some of it")
            table = checks.stochastic_table("teacher", teacher, shape=(S, A))
            impossible = (counts > 0) & (table == 0)
            if impossible.any():
                s, a = np.unravel_index(int(np.argmax(impossible)), counts.shape)
                raise ValueError(f"counts[{s}, {a}] is {counts[s, a]}, but teacher[{s}, {a}] is 0: it is never drawn")
            # A stream of its own: the counts may have been drawn with the same seed.
            ties = np.random.default_rng(np.random.SeedSequence(checks.whole_number("seed", seed), spawn_key=(1,)))
            _refuse_parts(counts.sum(axis=1), visits, np.count_nonzero(table, axis=1), shown)
            told = shown.told_anyway(table, 1, ties)
            revealed = shown.reveal(counts, visits, table, None if told is None else told[0])
        kept = counts if shown.shows_label else np.zeros_like(counts)
        return cls(shown, _frozen(kept), _frozen(revealed), state_names, action_names, visits)

    @classmethod
    def _from_sparse_counts(
        cls, counts: Any, teacher: Any, protocol: str | Protocol, states: Any, actions: Any, seed: int
    ) -> TransferSet:
        shown = resolve_protocol(protocol)
        drawn = sparse_counts("counts", counts)
        visits = _frozen(_cell_visits(drawn, shown))
        S, A = drawn.shape
        names = (checks.names("states", states, S), checks.names("actions", actions, A))
        hidden = np.full(S, np.nan)
        if shown.tells_nothing:
            nothing = np.full(drawn.stored, np.nan)
            hides = SparseTable(drawn.shape, drawn.offsets, drawn.columns, nothing, hidden)
            return cls(shown, drawn, hides, *names, visits)  # type: ignore[arg-type]
        if teacher is None:
            raise ValueError(f"teacher is missing: the {shown} protocol reveals some of it")
        if not is_sparse(teacher):
            teacher = of_dense(checks.stochastic_table("teacher", teacher, (S, A)), rest=0.0)
        law = sparse_law_table("teacher", teacher, (S, A))
        if law.rest.any():
            raise ValueError("teacher has a rest above 0: give one that is 0 in the cells that are not stored")
        both, law = aligned(drawn, law)
        impossible = (both.values > 0) & (law.values == 0)
        if impossible.any():
            i = int(np.argmax(impossible))
            at = checks.place([both.rows[i], both.columns[i]])
            raise ValueError(f"counts{at} is {int(both.values[i])}, but teacher{at} is 0: it is never drawn")
        _refuse_parts(_row_sums(both), visits, np.bincount(law.rows[law.values > 0], minlength=S), shown)
        visited = visits > 0
        if shown.ordered:
            at = visited[law.rows]
            told = SparseTable.of_keys(law.keys[at], law.values[at], (S, A), np.where(visited, 0.0, np.nan))
            some = slice(None) if shown.shows_label else slice(0)
            counted = SparseTable.of_keys(drawn.keys[some], drawn.values[some], (S, A), np.zeros(S))
            counted, told = aligned(counted, descending(told))
            return cls(shown, counted, told, *names, visits)  # type: ignore[arg-type]
        ties = np.random.default_rng(np.random.SeedSequence(checks.whole_number("seed", seed), spawn_key=(1,)))
        anyway = shown.told_cells(law, 1, ties)
        tells = (both.values > 0) & shown.tells_drawn
        if anyway is not None:
            tells |= (anyway[0] != 0) & visited[both.rows]
        kept = tells | ((both.values > 0) & shown.shows_label)
        keys = both.keys[kept]
        # A protocol that tells every label tells of those without a cell that their probability is 0.
        if shown.top is None or shown.top >= A:
            hidden = np.where(visited, 0.0, np.nan)
        revealed = np.where(tells, shown.cell_values(law), np.nan)[kept]
        values = both.values[kept] if shown.shows_label else np.zeros_like(both.values[kept])
        stored = SparseTable.of_keys(keys, values, (S, A), np.zeros(S))
        return cls(shown, stored, SparseTable.of_keys(keys, revealed, (S, A), hidden), *names, visits)  # type: ignore[arg-type]

    @classmethod
    def from_records(
        cls,
        records: Mapping[str, Any],
        *,
        states: Sequence[Any] | None = None,
        actions: Sequence[Any] | None = None,
        tolerance: float = TOLERANCE,
        other: str | None = None,
        drop_untold: bool = False,
        columns: Mapping[str, Any] | None = None,
        told_as: str | Protocol | None = None,
    ) -> TransferSet:
        """A transfer set from records: a DataFrame, or a mapping of columns. A row is one sample, or `count` of them.

        Parameters
        ----------
        records : mapping of str to array_like
            Columns ``s`` or ``state``, ``a`` or ``action``, and at most one of a probability (``p``, ``prob``,
            ``probability``, ``revealed``) and a natural log-probability (``logp``, ``logprob``, ``log_prob``,
            ``log_probability``), in small or capital letters, empty where nothing is told. A column ``count`` or
            ``counts`` says how often each row was seen. A row of count 0 is no sample: with a probability it tells of
            a label that was not drawn, without one it adds its names to the alphabets. A column that may be a weight
            is refused. A warning names the other columns, which are left alone.
        states, actions : sequence, optional
            The full alphabets, in the order of the student's rows and columns. If not given, the names that occur: in
            the order of numbers if all are numbers or whole numbers in plain digits, else of text. Then an input or
            label that never occurred is unknown to the student.
        tolerance : float
            How far two probabilities of one pair may differ, relatively, one probability exceed 1, and the
            probabilities of one input exceed 1 in sum (or fall short of it when every label was seen). Of agreeing
            values the first is kept (a warning says how far apart they are, if beyond 1e-9) and what exceeds 1 is 1;
            nothing is renormalised, so a student's row may be off 1 by as much.
        other : str, optional
            The name of one more label, the last, which is never seen: it takes what the labels that occur leave.
        drop_untold : bool
            Leave out the records of labels whose probability no row tells, where other labels have one. It changes the
            law of what is left: labels that are told are overstated, unless probabilities are missing whatever the
            label is.
        columns : mapping of str to str, optional
            Which column has which role, where its name does not say: ``{"state": "prompt", "action": "answer"}``, with
            the roles state, action, probability, logprob and count. Several columns of labels, as a list, are those of
            annotators: each cell that is not empty is a sample.
        told_as : str or Protocol, optional
            The form in which probabilities of drawn labels were told: ``rounded:D`` for natural log-probabilities of D
            digits, whose sums may exceed 1 by as much as rounding does; ``tempered:T`` for those at temperature T of
            the law that labels were drawn from.

        Returns
        -------
        TransferSet
            Its protocol follows from the records: "hard" if a drawn label is not told (the told ones are kept, and
            learners are not shown them); "partial" if the drawn labels are told and no others; "soft" if the inputs
            that are told of were all visited and every label of theirs is told; else ``told``. A `sparse` one if the
            alphabets make more than 1e7 cells, 80 MB a table.

        Raises
        ------
        ValueError
            For a missing, ambiguous or ragged column, a missing name, a value that is no name, a name outside the
            alphabet, a probability outside [0, 1] or, of a drawn label, 0, a log-probability above 0 or one that is a
            mark such as -9999, a count that is negative or not whole, probabilities of one pair that contradict each
            other, or probabilities of one input that cannot belong to one law. All bad rows are told at once, the first
            five of them in words; rows are counted from 1.

        Notes
        -----
        A name is text whatever it looks like, the empty text and "<NA>" included, a number or a date, or bytes that
        spell a text. None, NaN, NaT, pandas' NA and what a masked array hides are missing.

        Examples
        --------
        >>> data = TransferSet.from_records({"s": ["x", "x"], "a": ["yes", "no"], "p": [0.75, 0.25]})
        >>> data.protocol.name, data.actions, data.counts.tolist()
        ('partial', ('no', 'yes'), [[1, 1]])
        >>> data = TransferSet.from_records({"s": ["x"], "a": ["yes"], "p": [0.75], "count": [9]}, other="<other>")
        >>> data.n, data.actions, data.missing_mass.tolist()
        (9, ('yes', '<other>'), [0.25])
        >>> top = {"s": ["x", "x", "x"], "a": ["yes", "no", "maybe"], "p": [0.75, 0.125, None], "count": [3, 0, 0]}
        >>> data = TransferSet.from_records(top)
        >>> data.protocol.name, data.untold_mass.tolist()
        ('told', [0.125])
        """
        if not (isinstance(records, Mapping) or hasattr(records, "columns")):
            raise ValueError(f"records is {checks.shown(records)}: it must be a DataFrame or a mapping of columns")
        table = Columns.of(records).named(columns)
        data = cls.from_columns(
            table,
            states=states,
            actions=actions,
            tolerance=tolerance,
            other=other,
            drop_untold=drop_untold,
            told_as=told_as,
        )
        table.tell()
        return data

    @classmethod
    def from_columns(cls, table: Columns, *, told_as: str | Protocol | None = None, **options: Any) -> TransferSet:
        """A transfer set from columns that know their places, options as in `from_records`; notes are left to tell."""
        form = None if told_as is None else resolve_form(told_as)
        samples = samples_of(table, digits=form.digits if form else None, **options)
        names = (samples.states, samples.actions)
        if form is not None and samples.protocol != "partial":
            but = f" is of partial labels, and these records are {samples.protocol}"
            raise Refusal(Argument("told_as", form.name), but)
        shown = form or resolve_protocol(samples.protocol)
        tables = (samples.counts, samples.revealed)
        data = cls(shown, *tables, *names, logarithms=samples.logarithms)  # type: ignore[arg-type]
        return data if len(samples.states) * len(samples.actions) > SPARSE_FROM else data.dense()


def _visits(counts: np.ndarray, protocol: Protocol) -> np.ndarray:
    """How often inputs were visited whose labels have these counts, shape (S,)."""
    return protocol.visits_of(counts.sum(axis=1), counts.max(axis=1, initial=0), np.count_nonzero(counts, axis=1))


def _cell_visits(counts: SparseTable, protocol: Protocol) -> np.ndarray:
    """The same of a sparse table."""
    S = counts.shape[0]
    largest = np.zeros(S, dtype=np.int64)
    np.maximum.at(largest, counts.rows, counts.values.astype(np.int64))
    used = np.bincount(counts.rows[counts.values > 0], minlength=S)
    return protocol.visits_of(_row_sums(counts), largest, used)


def _refuse_parts(sums: np.ndarray, visits: np.ndarray, used: np.ndarray, protocol: Protocol) -> None:
    """Refuse counts that are not those of whole visits of rows that use so many labels."""
    drawn = np.minimum(used, protocol.draws) if not protocol.replacing else protocol.draws
    if (off := sums != visits * drawn).any():
        s = int(np.argmax(off))
        raise ValueError(
            f"counts[{s}] adds up to {int(sums[s])}: {protocol} draws {protocol.draws} labels at each visit, all "
            "different, and all of a visit are counted"
        )


def _row_sums(table: SparseTable) -> np.ndarray:
    """The sums of the stored cells of each row."""
    starts = np.concatenate(([0], np.cumsum(table.values)))
    return starts[table.offsets[1:]] - starts[table.offsets[:-1]]


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
