"""Drawing the batches of a study on any executor, into a folder or into memory.

The engine is one thread that hands out batches and takes them back: it claims a batch, submits it, writes its moments,
and keeps nothing of it. Workers only draw; so any `concurrent.futures.Executor` will do: threads by default, a
cluster's as well. The choice changes no number. Results are merged from the store at the end, in the order of the
batches and not in that of their arrival.

A batch that raises is recorded, and the rest goes on. A batch whose worker is lost is submitted again, up to `ATTEMPTS`
times.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import traceback
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from kt_theory import __version__, checks, progress
from kt_theory.divergences import Divergence
from kt_theory.learners import Learner
from kt_theory.problem import Problem
from kt_theory.showing import shown
from kt_theory.simulation.cells import PILOT, REVISION, RUN, Cell
from kt_theory.simulation.means import receipts
from kt_theory.simulation.moments import Moments, merged
from kt_theory.study import plan
from kt_theory.study.design import Design, Planned
from kt_theory.study.names import Batch
from kt_theory.study.portable import portable
from kt_theory.study.records import Damaged
from kt_theory.study.store import Drawn, Key, Store, Versions, keys_of

#: How often a batch is submitted before its loss is taken for its failure.
ATTEMPTS = 5

#: Seconds between two lines of progress where there is no terminal, and between two looks at what others draw.
LOG_EVERY, LOOK_EVERY = 30.0, 0.2


class Interrupted(KeyboardInterrupt):
    """Work was stopped from outside; what was finished is stored."""


@dataclass(frozen=True)
class Failed:
    """A batch that raised."""

    error: str
    trace: str


# --- What a worker does -------------------------------------------------------------------------------------

_CELLS: OrderedDict[tuple[str, str], Cell] = OrderedDict()
_CELLS_LOCK = threading.Lock()


def draw(problem: Problem, n: int, batch: Batch, learners: Sequence[Learner], divergence: Divergence) -> Drawn | Failed:
    """The moments of some learners in a batch, or the error of one learner, which is that of the batch."""
    try:
        cell = _cell(problem, n, batch.cell, divergence)
        moments = cell.batch(learners, batch.seed, batch.stage, batch.index, batch.reps)
        return Drawn.now(keys_of(learners, divergence), moments)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}", traceback.format_exc())


def _cell(problem: Problem, n: int, identity: str, divergence: Divergence) -> Cell:
    """The cell; the last few are kept, since making one costs as much as many draws."""
    key = identity, divergence.fingerprint
    with _CELLS_LOCK:
        if key in _CELLS:
            _CELLS.move_to_end(key)
            return _CELLS[key]
    cell = Cell(problem, n, divergence=divergence)
    with _CELLS_LOCK:
        _CELLS[key] = cell
        while len(_CELLS) > 8:
            _CELLS.popitem(last=False)
    return cell


# --- Where batches go ---------------------------------------------------------------------------------------


class Stored(Protocol):
    """What it takes to merge batches."""

    def has(self, batch: Batch, keys: Sequence[Key] = ()) -> bool: ...
    def load(self, batch: Batch) -> Drawn: ...


class Shelf(Stored, Protocol):
    """What it takes to draw batches: a place to store them, too."""

    def save(self, batch: Batch, drawn: Drawn) -> None: ...
    def fail(self, batch: Batch, error: str, trace: str) -> None: ...
    def claim(self, batch: Batch) -> bool: ...
    def release(self, batch: Batch) -> None: ...


class Memory:
    """Batches kept in memory: a study that is not to be resumed. What fails is raised."""

    def __init__(self) -> None:
        self._kept: dict[Batch, Drawn] = {}

    def has(self, batch: Batch, keys: Sequence[Key] = ()) -> bool:
        return batch in self._kept and not self._kept[batch].lacks(keys)

    def load(self, batch: Batch) -> Drawn:
        return self._kept[batch]

    def save(self, batch: Batch, drawn: Drawn) -> None:
        self._kept[batch] = drawn

    def fail(self, batch: Batch, error: str, trace: str) -> None:
        raise RuntimeError(f"batch {batch.name} raised {error}\n{trace}")

    def claim(self, batch: Batch) -> bool:
        return True

    def release(self, batch: Batch) -> None:
        pass


# --- Progress -----------------------------------------------------------------------------------------------


class Progress(progress.Progress):
    """The batches of a study that are drawn, with those that were stored and the cells that are left."""

    def __init__(self, show: bool, what: str = "study") -> None:
        super().__init__(shown(what), "batch", "batches", show=show, every=LOG_EVERY)
        self._stored = 0
        self._cells: Counter[str] = Counter()

    def plan(self, todo: Iterable[Batch], stored: int) -> None:
        """Batches to come, and the number of those that are there already."""
        cells = Counter(batch.cell for batch in todo)
        self._cells += cells
        self._stored += stored
        self.expect(cells.total())

    def drawn(self, batch: Batch) -> None:
        """One batch is done."""
        self._cells[batch.cell] -= 1
        left = sum(count > 0 for count in self._cells.values())
        self.advance(f"{self._stored} more were stored, {left} cell{'' if left == 1 else 's'} left")


# --- Handing out and taking back ----------------------------------------------------------------------------


@dataclass
class Tally:
    """What happened in a run.

    Attributes
    ----------
    drawn : int
        Batches drawn here.
    stored : int
        Batches that were there already.
    failed : int
        Batches that raised.
    damaged : list of Path
        Files that were found damaged, and where they were moved to.
    seconds : mapping of str to float
        Per cell, from submission to arrival, added up.
    """

    drawn: int = 0
    stored: int = 0
    failed: int = 0
    damaged: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A batch to draw for some learners.

    Attributes
    ----------
    batch : Batch
    planned : Planned
        A cell that it belongs to: two panels may share it.
    learners : tuple of Learner
    """

    batch: Batch
    planned: Planned
    learners: tuple[Learner, ...]

    @property
    def keys(self) -> list[Key]:
        """What its moments are stored under."""
        return keys_of(self.learners, self.planned.divergence)

    def only(self, keys: Sequence[Key]) -> Task:
        """The same batch for those learners alone whose keys are named."""
        learners = tuple(own for own, key in zip(self.learners, self.keys, strict=True) if key in keys)
        return replace(self, learners=learners)


def _joined(tasks: Iterable[Task]) -> list[Task]:
    """One task a batch, with the learners of all."""
    found: dict[Batch, Task] = {}
    for task in tasks:
        known = found.setdefault(task.batch, task)
        if known is not task:
            new = task.only([key for key in task.keys if key not in known.keys])
            found[task.batch] = replace(known, learners=known.learners + new.learners)
    return list(found.values())


def in_flight(pool: Executor) -> int:
    """How many batches to have submitted at once: twice as many as there are workers."""
    return 2 * int(getattr(pool, "_max_workers", None) or os.cpu_count() or 1)


def draw_all(tasks: Sequence[Task], shelf: Shelf, pool: Executor, progress: Progress, tally: Tally) -> None:
    """Draw what is not stored yet, in any order of arrival."""
    tasks = _joined(tasks)
    todo = deque(left for task in tasks if (left := task.only(lacking(task, shelf, tally))).learners)
    progress.plan((task.batch for task in todo), len(tasks) - len(todo))
    tally.stored += len(tasks) - len(todo)
    elsewhere: deque[Task] = deque()
    waiting: dict[Future[Drawn | Failed], tuple[Task, int, float]] = {}
    window = in_flight(pool)

    def submit(task: Task, attempt: int) -> None:
        planned = task.planned
        what = portable(task.learners, pool), portable(planned.divergence, pool)
        future = pool.submit(draw, planned.problem, planned.n, task.batch, *what)
        waiting[future] = (task, attempt, time.perf_counter())

    try:
        while todo or waiting or elsewhere:
            while todo and len(waiting) < window:
                task = todo.popleft()
                if not shelf.claim(task.batch):
                    elsewhere.append(task)
                elif shelf.has(task.batch, task.keys):  # another process finished it in the meantime
                    shelf.release(task.batch)
                    progress.drawn(task.batch)
                    tally.stored += 1
                else:
                    submit(task, 1)
            if not waiting:
                # Only batches that other processes claim are left: drawn there, or here once those processes end.
                time.sleep(LOOK_EVERY)
                todo, elsewhere = elsewhere, deque()
                continue
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                task, attempt, begun = waiting.pop(future)
                lost = future.exception()
                if isinstance(lost, BrokenExecutor):
                    raise lost
                if lost is not None and attempt < ATTEMPTS:
                    submit(task, attempt + 1)
                    continue
                result = future.result() if lost is None else Failed(f"{type(lost).__name__}: {lost}", "")
                take_back(task, result, shelf, progress, tally, time.perf_counter() - begun)
    except KeyboardInterrupt:
        _finish(waiting, shelf, progress, tally)
        raise Interrupted from None
    except BaseException:
        for future in waiting:
            future.cancel()
        raise


def take_back(task: Task, result: Drawn | Failed, shelf: Shelf, progress: Progress, tally: Tally, took: float) -> None:
    """Store what a worker returns, or why it returns nothing."""
    batch = task.batch
    if isinstance(result, Drawn) and result.revision != REVISION:  # from a worker of another version
        raise ValueError(other_revision(task, result))
    if isinstance(result, Failed):
        shelf.fail(batch, result.error, result.trace)
        tally.failed += 1
    else:
        if shelf.has(batch):
            known = shelf.load(batch)
            if task.planned.cell.drawn_alike(known.revision, result.revision):
                result = replace(result, revision=known.revision)
            result = known.beside(result)
        shelf.save(batch, result)
        tally.drawn += 1
        tally.seconds[batch.cell] = tally.seconds.get(batch.cell, 0.0) + took
    shelf.release(batch)
    progress.drawn(batch)


def _finish(
    waiting: Mapping[Future[Drawn | Failed], tuple[Task, int, float]], shelf: Shelf, progress: Progress, tally: Tally
) -> None:
    """Store what is being drawn at this moment, and start nothing more."""
    running = [future for future in waiting if not future.cancel()]
    for future in wait(running, timeout=60).done:
        if future.exception() is None:
            take_back(waiting[future][0], future.result(), shelf, progress, tally, 0.0)


def lacking(task: Task, shelf: Shelf, tally: Tally) -> list[Key]:
    """What a task asks for and is not stored, every byte of it right; a damaged file is moved out of the way.

    Raises
    ------
    ValueError
        If the batch was drawn by another revision, which drew other repeats: what is drawn now may not be merged with
        it.
    """
    batch = task.batch
    if not shelf.has(batch):
        return task.keys
    try:
        drawn = shelf.load(batch)
    except Damaged:
        assert isinstance(shelf, Store)
        tally.damaged.append(shelf.set_aside(shelf.path(batch)))
        return task.keys
    if not task.planned.cell.drawn_alike(drawn.revision, REVISION):
        raise ValueError(other_revision(task, drawn))
    return drawn.lacks(task.keys)


def other_revision(task: Task, drawn: Drawn) -> str:
    """Why a batch of another revision cannot be used."""
    before = f"{drawn.versions[0].kt_theory} (revision {drawn.revision} of its draws)"
    return (
        f"batch {task.batch.name} was drawn by kt_theory {before}, this is {__version__} (revision {REVISION}): "
        f"their numbers are not mixed, which differ at n={task.planned.n} of panel {task.planned.panel!r}; "
        "go on with that version, or run into another folder"
    )


# --- From a design to receipts ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """Which cells are drawn here, where several machines share a study: the i-th of k parts, i from 1.

    Attributes
    ----------
    part, of : int
    """

    part: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        checks.whole_number("the parts of a share", self.of, minimum=1)
        if not 1 <= checks.whole_number("the part of a share", self.part) <= self.of:
            raise ValueError(f"share is {self.part}/{self.of}: the part must be from 1 to {self.of}")

    def has(self, position: int) -> bool:
        """Whether the unit at a position is drawn here."""
        return position % self.of == self.part - 1


@dataclass(frozen=True, eq=False)
class Outcome:
    """A study after a run.

    Attributes
    ----------
    receipts : DataFrame
        As of `kt_theory.study.run`: the cells that are complete.
    missing : tuple of (str, int)
        Panel and n of the cells that are not.
    tally : Tally
    capped : tuple of (str, int)
        Cells whose target was out of reach of max_reps.
    missing_here : tuple of (str, int)
        Of those missing, the cells that were to be drawn here; the rest belong to other shares.
    drawn_by : frozenset of Versions
        What drew the batches of the receipts.
    """

    receipts: pd.DataFrame
    missing: tuple[tuple[str, int], ...]
    tally: Tally
    capped: tuple[tuple[str, int], ...]
    missing_here: tuple[tuple[str, int], ...] = ()
    drawn_by: frozenset[Versions] = frozenset()


def run_design(
    design: Design, shelf: Shelf, pool: Executor, *, share: Share | None = None, progress: Progress | None = None
) -> Outcome:
    """Draw what a design asks for and is not stored, and merge it.

    Parameters
    ----------
    design : Design
    shelf : Store or Memory
    pool : Executor
    share : Share, optional
        The cells to draw here (with a target for slopes, the panels); everything if not given.
    progress : Progress, optional

    Returns
    -------
    Outcome

    Raises
    ------
    Interrupted
        On Ctrl-C, once what was being drawn is stored.
    OSError
        If the store cannot be written, such as on a full disk; what was stored stays.
    """
    cells = list(design.planned())
    identities = [planned.cell.identity for planned in cells]
    tally, progress = Tally(), progress or Progress(False)
    try:
        mine = _mine(cells, design, share or Share())
        precision = design.precision
        targeted = precision.target_mcse is not None or design.slope_se is not None
        if targeted:
            tasks = [task for i in mine for task in _tasks(cells[i], identities[i], design.seed, PILOT, precision.reps)]
            draw_all(tasks, shelf, pool, progress, tally)
        wanted = repeats(design, cells, identities, shelf)
        tasks = [
            task
            for i in mine
            if (reps := wanted[i])
            for task in _tasks(cells[i], identities[i], design.seed, RUN, reps)
        ]
        draw_all(tasks, shelf, pool, progress, tally)
    finally:
        progress.close()
    result = outcome(design, cells, identities, shelf, tally)
    here = {(cells[i].panel, cells[i].n) for i in mine}
    return replace(result, missing_here=tuple(cell for cell in result.missing if cell in here))


def _mine(cells: Sequence[Planned], design: Design, share: Share) -> list[int]:
    """Positions of the cells to draw here: whole panels where slopes are planned, which takes all pilots of a panel."""
    units = [planned.panel for planned in cells] if design.slope_se is not None else list(range(len(cells)))
    number = {unit: i for i, unit in enumerate(dict.fromkeys(units))}
    return [i for i, unit in enumerate(units) if share.has(number[unit])]


def _tasks(planned: Planned, identity: str, seed: int, stage: int, reps: int) -> Iterator[Task]:
    for index, size in planned.cell.batches(reps):
        yield Task(Batch(identity, seed, stage, index, size), planned, planned.learners)


def stored(planned: Planned, identity: str, seed: int, stage: int, reps: int, shelf: Stored) -> list[Drawn] | None:
    """The batches of a cell, in their order, of the learners asked for; None unless all are there."""
    tasks = list(_tasks(planned, identity, seed, stage, reps))
    if not all(shelf.has(task.batch, task.keys) for task in tasks):
        return None
    return [shelf.load(task.batch).of(task.keys) for task in tasks]


def repeats(design: Design, cells: Sequence[Planned], identities: Sequence[str], shelf: Stored) -> list[int | None]:
    """Repeats of each cell's run; None while the pilots that decide it are incomplete."""
    precision = design.precision
    if precision.target_mcse is None and design.slope_se is None:
        return [precision.reps] * len(cells)
    pilots: list[Moments | None] = []
    for planned, identity in zip(cells, identities, strict=True):
        drawn = stored(planned, identity, design.seed, PILOT, precision.reps, shelf)
        pilots.append(None if drawn is None else merged(d.moments for d in drawn))
    if design.slope_se is None:
        return [None if pilot is None else plan.for_means(precision, pilot, design.of.upper) for pilot in pilots]
    wanted: list[int | None] = [None] * len(cells)
    for _, group in itertools.groupby(range(len(cells)), key=lambda i: cells[i].panel):
        members = list(group)
        known = [pilot for i in members if (pilot := pilots[i]) is not None]
        if len(known) == len(members):
            grid = [cells[i].n for i in members]
            for i, reps in zip(members, plan.for_slope(design.slope_se, precision, grid, known), strict=True):
                wanted[i] = reps
    return wanted


def outcome(
    design: Design, cells: Sequence[Planned], identities: Sequence[str], shelf: Stored, tally: Tally
) -> Outcome:
    """Merge what is stored; raises ValueError rather than put draws of two revisions that differ into one result."""
    revisions: dict[int, Drawn] = {}
    drawn_by: set[Versions] = set()
    cells_drawn: set[tuple[Cell, int]] = set()
    rows: list[dict[str, Any]] = []
    missing: list[tuple[str, int]] = []
    capped: list[tuple[str, int]] = []
    targeted = design.target_mcse is not None or design.slope_se is not None
    for planned, identity, reps in zip(cells, identities, repeats(design, cells, identities, shelf), strict=True):
        drawn = None if reps is None else stored(planned, identity, design.seed, RUN, reps, shelf)
        if drawn is None:
            missing.append((planned.panel, planned.n))
            continue
        if targeted and reps == design.precision.max_reps:
            capped.append((planned.panel, planned.n))
        moments = merged(d.moments for d in drawn)
        revisions |= {d.revision: d for d in drawn}
        drawn_by |= {versions for d in drawn for versions in d.versions}
        cells_drawn |= {(planned.cell, d.revision) for d in drawn}
        seconds = tally.seconds.get(identity, 0.0)
        for j, row in enumerate(receipts(planned.cell, planned.learners, moments, design.seed, seconds)):
            versions = {
                "version": "+".join(sorted({d.versions[j].kt_theory for d in drawn})),
                "numpy": "+".join(sorted({d.versions[j].numpy for d in drawn})),
            }
            rows.append({"panel": planned.panel, **row, **versions})
    if revisions and not any(all(cell.drawn_alike(one, r) for cell, one in cells_drawn) for r in revisions):
        said = " and ".join(f"{d.versions[0].kt_theory} (revision {r})" for r, d in sorted(revisions.items()))
        raise ValueError(f"batches were drawn by kt_theory {said}: their numbers are not mixed")
    return Outcome(pd.DataFrame(rows), tuple(missing), tally, tuple(capped), drawn_by=frozenset(drawn_by))
