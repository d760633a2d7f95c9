"""A cell: one problem at one n, ready to be repeated.

The repeats of a cell come in blocks, and every block has its own random stream, a child of the seed that is keyed by
(cell, stage, block). Hence one seed gives the same numbers at any number of threads, and asking for more repeats,
learners or cells changes none of the earlier draws. Within a repeat all learners get the same counts (common random
numbers), so that differences between learners are estimated better than the learners themselves. What a protocol draws
besides, its ties and the further labels of a visit, comes from streams of its own, keyed by the protocol: all learners
of a protocol have the same ones.

Blocks are short, a millisecond or two. Some hundreds of them, a batch, are what a study stores and what a worker is
sent. The moments of a batch are those of its blocks, merged in their order, and those of a cell those of its batches.
"""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.divergences import DIVERGENCES, Divergence
from kt_theory.learners.learner import Learner
from kt_theory.learners.registry import LEARNERS, of_the_package
from kt_theory.problem import Problem, checked_problem, initial_table
from kt_theory.simulation import kernels
from kt_theory.simulation.controls import NAMES as CONTROLS
from kt_theory.simulation.controls import Controls
from kt_theory.simulation.moments import Moments, merged
from kt_theory.simulation.sampling import DRAWS_PER_CELL, N_MAX, CountSampler
from kt_theory.simulation.stored import StoredCells
from kt_theory.sparse import SparseTable

#: Streams of a cell: the pilot that plans a run, and the run itself.
RUN, PILOT = 0, 1

#: Version of what draws and computes. Raise it when one (seed, cell, stage, block) comes to give other moments: stored
#: batches of before are then not mixed with new ones, but where `Cell.drawn_alike` says that both drew the same.
REVISION = 2

#: Repeats of a cell on which the answer to stacked rows is compared with the answer table by table.
COMPARED = 64

#: Of these, repeats on which it is compared row by row as well.
COMPARED_BY_ROWS = 8

#: Pairs of input and label in the repeats on which compiled rows are compared with arrays; of one repeat at least.
COMPARED_PAIRS = 2**15

#: How far these two answers may differ: sums of floats may be taken in another order.
STACKING_TOLERANCE = 1e-9

#: How far the risks of a compiled row may be from those of arrays: a divergence that is a root, such as Hellinger's,
#: makes 1e-8 of a missing mass that is 0 in one of them and a rounding of 1e-16 in the other.
ROW_TOLERANCE = 1e-7

#: Repeats from which on it pays to lay them side by side, and of which whole multiples are laid.
SIDE_BY_SIDE = 8

TV = DIVERGENCES["tv"]


class Repeats:
    """The count tables of some repeats, and what is made of them once for all learners, when first asked for.

    Parameters
    ----------
    counts : ndarray of int64, shape (R, S, A)
    visits : ndarray of int64, shape (R, S), optional
        Their sums over the labels if not given. Further labels of a visit are no further visits.
    """

    def __init__(self, counts: np.ndarray, visits: np.ndarray | None = None) -> None:
        self.counts = counts
        self._visits = visits

    @functools.cached_property
    def visits(self) -> np.ndarray:
        """Visits of each input, shape (R, S)."""
        if self._visits is None:
            visits = np.empty(self.counts.shape[:2], dtype=np.int64)
            kernels.visits_of(self.counts, visits)
            return visits
        return self._visits

    @functools.cached_property
    def turned(self) -> tuple[np.ndarray, np.ndarray]:
        """Repeats side by side, for `kernels.lane_risks_of`: counts, shape (S, A, L), and visits, shape (S, L)."""
        R, S, A = self.counts.shape
        L = R + -R % SIDE_BY_SIDE
        turned = np.empty((S, A, L)), np.empty((S, L))
        kernels.turn(self.counts, *turned)
        if self._visits is not None:
            turned[1][:] = self._visits[np.minimum(np.arange(L), R - 1)].T
        return turned


class Cell:
    """One problem at one n.

    Parameters
    ----------
    problem : Problem
    n : int
        Number of samples, from 0 to 10**17.
    init : array_like, shape (S, A), optional
        The students before any data; uniform if not given. Of a sparse problem also a `SparseTable`.
    divergence : Divergence
        What the risk averages.
    """

    def __init__(self, problem: Problem, n: int, init: Any = None, divergence: Divergence = TV) -> None:
        self.problem = checked_problem(problem)
        self.divergence = divergence
        self._stored = StoredCells(problem, init, divergence) if problem.sparse else None
        # Not used for a sparse problem.
        self._init = initial_table(init, problem) if self._stored is None else np.empty((0, 0))
        self._numbers = problem.identity
        self._compared: set[object] = set()
        self._begin(n)

    def at(self, n: int) -> Cell:
        """The same problem at another n, with the draws of a new cell; what does not depend on n is made once."""
        if self._stored is None:
            _ = self._sampler, self._unvisited
        cell = copy.copy(self)
        cell.__dict__.pop("_controls", None)
        cell._begin(n)
        return cell

    def _begin(self, n: int) -> None:
        """What depends on n: the streams, and how repeats are cut."""
        self.n = sample_size(n)
        problem = self.problem
        streams = hashlib.sha256(f"{self._numbers} {self.n}".encode()).hexdigest()[:32]
        # Both forms of a problem draw from the same streams, but cut their repeats into other blocks and take the
        # binomials from another n on: the cell is another one.
        of_cells = f"{self._numbers} {self.n} by stored cells"
        self.identity = hashlib.sha256(of_cells.encode()).hexdigest()[:32] if problem.sparse else streams
        self._streams = int(streams, 16)
        # A block takes a millisecond or two: long against the cost of starting it, short against a run.
        cells = problem.S * problem.A if self._stored is None else problem.S + self._stored.teacher.stored
        cost = min(self.n, 16 * cells) + 4 * cells
        self.block_size = min(max(2**20 // cost, 16), 4096)
        # A batch takes about half a second: short against what may be lost, long against writing a file.
        self.batch_size = self.block_size * max(2**28 // (max(cost, 256) * self.block_size), 1)

    @functools.cached_property
    def _unvisited(self) -> np.ndarray:
        """What an input costs as long as it was not visited, shape (S,)."""
        costs = self.divergence.between(self._init, self.problem.teacher).copy()
        costs[self.problem.rho == 0] = 0.0  # adds nothing, even where it is infinite
        return costs

    @functools.cached_property
    def _sampler(self) -> CountSampler:
        # Made when first drawn from: of thousands of cells a study reads the names and sizes only.
        return CountSampler(self.problem)

    @functools.cached_property
    def _controls(self) -> Controls:
        if self._stored is not None:
            return self._stored.controls(self.n)
        S, A = self.problem.S, self.problem.A
        offsets, columns = np.arange(S + 1, dtype=np.int64) * A, np.tile(np.arange(A, dtype=np.int64), S)
        cells = SparseTable((S, A), offsets, columns, self.problem.teacher.ravel(), np.zeros(S))
        return Controls(self.problem.rho, cells, self._sampler.masses, self.n)

    def drawn_alike(self, one: int, other: int) -> bool:
        """Whether two revisions draw the same repeats of this cell: revision 2 came with another way to draw many."""
        few = not self.problem.sparse and self.n <= DRAWS_PER_CELL * self.problem.S * self.problem.A
        return one == other or (few and {one, other} == {1, 2})

    def blocks(self, reps: int) -> Iterator[tuple[int, int]]:
        """The blocks of a run, as (index, repeats in it)."""
        return _cut(reps, self.block_size)

    def batches(self, reps: int) -> list[tuple[int, int]]:
        """The batches of a run, as (index, repeats in it); all but the last are of `batch_size`."""
        return list(_cut(reps, self.batch_size))

    def batch(self, learners: Sequence[Learner], seed: int, stage: int, index: int, reps: int) -> Moments:
        """The moments of the learners in one batch."""
        first = index * self.batch_size // self.block_size
        names = [learner.name for learner in learners]
        return merged(
            Moments.of(names, self.risks(learners, seed, stage, first + block, size))
            for block, size in self.blocks(reps)
        )

    def risks(
        self, learners: Sequence[Learner], seed: int, stage: int, block: int, reps: int, controls: bool = False
    ) -> np.ndarray:
        """Risks of `reps` repeats of one block, shape (reps, L), a column per learner.

        With `controls` also the values of `Controls.of` on the same draws, a column per control after them.
        """
        key = (self._streams, stage, block)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
        protocols = dict.fromkeys(learner.protocol for learner in learners)
        # A stream takes longer to make than a repeat of a small problem: only where ties are drawn from it.
        may_tie = {p: p.lists and not p.tells_all(self.problem.A) for p in protocols}
        ties = {p: _stream(seed, key, p.name) if may_tie[p] else None for p in protocols}
        more = {p: _stream(seed, key, f"{p.name}, further labels") for p in protocols if p.draws > 1}
        if self._stored is not None:
            used = self._controls if controls else None
            return self._stored.risks(learners, self.n, reps, rng, ties, more, used)
        out = np.empty((reps, len(learners) + controls * len(CONTROLS)))
        done = 0
        for counts in self._sampler.draw(self.n, reps, rng, further=bool(more)):
            R = counts.shape[0]
            drawn = Repeats(counts)
            told = {p: p.told_anyway(self.problem.teacher, R, stream) for p, stream in ties.items()}
            seen = {p: drawn if p.shows_label else Repeats(np.zeros_like(counts), drawn.visits) for p in protocols}
            for p, stream in more.items():
                further = p.further(counts, drawn.visits, self.problem.teacher, stream)
                seen[p] = Repeats(counts + further, drawn.visits)
            for j, learner in enumerate(learners):
                shown = seen[learner.protocol]
                out[done : done + R, j] = self._learner_risks(learner, shown, told[learner.protocol])
            if controls:
                out[done : done + R, len(learners) :] = self._controls.of(counts.reshape(R, -1))
            done += R
        return out

    def _learner_risks(self, learner: Learner, drawn: Repeats, told: np.ndarray | None) -> np.ndarray:
        """Risks of one learner on R data sets, shape (R,)."""
        counts, of = drawn.counts, self.divergence
        if learner.row is None or of.row is None:
            return self._stacked_risks(learner, counts, drawn.visits, told)
        problem, key = self.problem, (learner.fingerprint, of.fingerprint)
        out = np.empty(counts.shape[0])
        law = (problem.rho, problem.teacher, self._init, self._unvisited)
        if learner.lanes is not None and of.lanes is not None and len(counts) >= SIDE_BY_SIDE:
            kernels.lane_risks_of(learner.lanes, of.lanes, f"lane_risks_{of.name}")(*drawn.turned, *law, out)
        else:
            kernels.risks_of(learner.row, of.row, f"risks_{of.name}")(counts, drawn.visits, told, *law, out)
        own = LEARNERS.get(learner.name) is learner and DIVERGENCES.get(self.divergence.name) is self.divergence
        if not own and key not in self._compared:
            self._compare_rows(learner, counts, drawn.visits, told, out)
            self._compared.add(key)
        return out if own else self.divergence.checked(out)

    def _compare_rows(
        self, learner: Learner, counts: np.ndarray, visits: np.ndarray, told: np.ndarray | None, risks: np.ndarray
    ) -> None:
        """Refuse compiled rows that do not give what the functions of arrays do."""
        some = slice(0, min(COMPARED, max(1, COMPARED_PAIRS // (counts.shape[1] * counts.shape[2]))))
        told_some = told[some] if told is not None and told.shape[0] > 1 else told
        by_arrays = self._stacked_risks(learner, counts[some], visits[some], told_some, compare=False)
        with np.errstate(invalid="ignore"):
            off = ~(np.abs(risks[some] - by_arrays) <= ROW_TOLERANCE * np.maximum(1.0, by_arrays))
        if (off & (risks[some] != by_arrays)).any():
            r = int(np.argmax(off))
            raise ValueError(
                f"{learner.name} has a row function that gives risk {risks[r]} where its fit, and the divergence's "
                f"function of arrays, give {by_arrays[r]}: they must be the same"
            )

    def _stacked_risks(
        self,
        learner: Learner,
        counts: np.ndarray,
        visits: np.ndarray,
        told: np.ndarray | None,
        *,
        compare: bool = True,
    ) -> np.ndarray:
        """The same by `Learner.fit`, with all data sets under one another; compared with each by itself if asked to."""
        R, S, A = counts.shape
        teacher = self.problem.teacher
        revealed = learner.protocol.reveal(counts, visits, teacher, told)
        counts = counts.view()
        counts.flags.writeable = revealed.flags.writeable = False  # other learners get them, too
        if learner.couples_inputs:
            students = np.empty((R, S, A))
            for r in range(R):
                students[r] = self._fitted(learner, counts[r], revealed[r])
        else:
            stacked = (counts.reshape(R * S, A), revealed.reshape(R * S, A))
            students = self._fitted(learner, *stacked, repeats=R).reshape(R, S, A)
            if compare and learner.fingerprint not in self._compared and not of_the_package(learner):
                students = students.copy()  # a learner may answer with the same array each time
                self._compare(learner, counts, revealed, students)
        costs = self.divergence.between(students, teacher).copy()
        costs[:, self.problem.rho == 0] = 0.0  # infinite perhaps, and not met
        return (costs * self.problem.rho).sum(axis=1)

    def _fitted(self, learner: Learner, counts: np.ndarray, revealed: np.ndarray, repeats: int = 1) -> np.ndarray:
        init = np.tile(self._init, (repeats, 1))
        return _checked(learner, learner.fit(counts, revealed, init), counts.shape)

    def _compare(self, learner: Learner, counts: np.ndarray, revealed: np.ndarray, students: np.ndarray) -> None:
        """Refuse a learner whose rows depend on the rows that stand beside them."""
        for r in range(min(counts.shape[0], COMPARED)):
            gaps = [self._fitted(learner, counts[r], revealed[r]) - students[r]]
            if r < COMPARED_BY_ROWS:
                some = range(min(counts.shape[1], 4))
                gaps += [self._fitted_row(learner, counts[r, s], revealed[r, s], s) - students[r, s] for s in some]
            if not max(np.abs(gap).max() for gap in gaps) <= STACKING_TOLERANCE:
                raise ValueError(
                    f"{learner.name} answers a row differently when other rows stand beside it: "
                    "make it a Learner with couples_inputs=True"
                )
        self._compared.add(learner.fingerprint)

    def _fitted_row(self, learner: Learner, counts: np.ndarray, revealed: np.ndarray, s: int) -> np.ndarray:
        student = learner.fit(counts[None], revealed[None], self._init[s : s + 1].copy())
        return _checked(learner, student, (1, counts.size)).copy()


def _checked(learner: Learner, student: Any, shape: tuple[int, int]) -> np.ndarray:
    """A learner's answer, if it is a table: by a check in one pass; where that fails, by one that names the fault."""
    plain = type(student) is np.ndarray and student.dtype == np.float64 and student.shape == shape
    if plain and student.flags.c_contiguous and kernels.surely_stochastic(student, checks.STUDENT_TOLERANCE):
        return student
    return checks.stochastic_table(f"what {learner.name} answers", student, shape, checks.STUDENT_TOLERANCE)


def _stream(seed: int, key: tuple[int, ...], name: str) -> np.random.Generator:
    """The stream of what a protocol draws besides the first label of each visit, by a name."""
    own = int(hashlib.sha256(name.encode()).hexdigest()[:16], 16)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(*key, own))))


def _cut(reps: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start // size, min(size, reps - start)) for start in range(0, reps, size))


def sample_size(n: Any) -> int:
    """`n` as a number of samples that can be drawn, at most `N_MAX`."""
    number = checks.whole_number("n", n)
    if number > N_MAX:
        raise ValueError(f"n is {number}: at most {N_MAX:.0e} samples can be drawn")
    return number
