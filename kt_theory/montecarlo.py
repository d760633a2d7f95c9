"""Monte Carlo: from a problem to the mean risk of each learner, with its standard error.

A cell is one (problem, n). Its repeats come in blocks, and every block has its own random stream, a child of the seed
that is keyed by (cell, stage, block). Hence one seed gives the same numbers at any number of threads, and asking for
more repeats, learners or cells changes none of the earlier draws. Within a repeat all learners see the same counts
(common random numbers), so that differences between learners are estimated better than the learners themselves.

Blocks are short, a millisecond or two. Some hundreds of them, a batch, are what a study stores and what a worker is
sent. The moments of a batch are those of its blocks, merged in their order, and those of a cell those of its batches.

Counts are a sufficient statistic: a repeat costs O(min(n, S A) + S A), however large n is.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import itertools
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kt_theory import __version__, checks, kernels
from kt_theory.learners import LEARNERS
from kt_theory.problem import PROTOCOLS, Problem, checked_problem, initial_table
from kt_theory.progress import watched
from kt_theory.protocol import TransferSet
from kt_theory.sampling import N_MAX, CountSampler

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
R = TypeVar("R")

#: A problem for each n: what the paper's hard instances are.
Family = Callable[[int], Problem]

#: Streams of a cell: the pilot that plans a run, and the run itself.
RUN, PILOT = 0, 1

#: Version of what draws and computes. Raise it when one (seed, cell, stage, block) comes to give other moments: stored
#: batches of before are then not mixed with new ones.
REVISION = 1

#: The most repeats of a cell: their blocks are planned in memory.
REPS_MAX = 10**9

#: The most risks that `sample_risks` keeps: 0.8 GB.
RISKS_MAX = 10**8

#: The most threads.
WORKERS_MAX = 1024

#: Blocks handed out ahead of the one that is waited for.
AHEAD = 1024

#: Margin on the pilot's variance, so that the error aimed at is usually met and not only met half of the time.
VARIANCE_MARGIN = 1.1


class Cell:
    """One problem at one n, ready to be repeated.

    Parameters
    ----------
    problem : Problem
    n : int
        Number of samples, from 0 to 10**17.
    init : array_like, shape (S, A), optional
        The students before any data; uniform if not given.
    """

    def __init__(self, problem: Problem, n: int, init: Any = None) -> None:
        self.problem = checked_problem(problem)
        self.n = sample_size(n)
        self._init = initial_table(init, problem)
        self._unvisited = 0.5 * np.abs(self._init - problem.teacher).sum(axis=1)
        self.identity = hashlib.sha256(f"{problem.identity} {self.n}".encode()).hexdigest()[:32]
        # A block takes a millisecond or two: long against the cost of starting it, short against a run.
        cells = problem.S * problem.A
        cost = min(self.n, 16 * cells) + 4 * cells
        self.block_size = min(max(2**20 // cost, 16), 4096)
        # A batch takes about half a second: short against what may be lost, long against writing a file.
        self.batch_size = self.block_size * max(2**28 // (max(cost, 256) * self.block_size), 1)

    @functools.cached_property
    def _sampler(self) -> CountSampler:
        # Made when first drawn from: a study asks thousands of cells for their names and sizes only.
        return CountSampler(self.problem)

    def blocks(self, reps: int) -> Iterator[tuple[int, int]]:
        """The blocks of a run, as (index, repeats in it)."""
        return _cut(reps, self.block_size)

    def batches(self, reps: int) -> list[tuple[int, int]]:
        """The batches of a run, as (index, repeats in it); all but the last are of `batch_size`."""
        return list(_cut(reps, self.batch_size))

    def batch(self, seed: int, stage: int, index: int, reps: int) -> Moments:
        """The moments of all learners in one batch, columns as in `kernels.COLUMNS`."""
        first = index * self.batch_size // self.block_size
        parts = (Moments.of(self.risks(seed, stage, first + block, size)) for block, size in self.blocks(reps))
        return merged(parts)

    def risks(self, seed: int, stage: int, block: int, reps: int) -> np.ndarray:
        """Risks of `reps` repeats of one block, shape (reps, 5), columns as in `kernels.COLUMNS`."""
        key = (int(self.identity, 16), stage, block)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
        out = np.empty((reps, len(kernels.COLUMNS)))
        done = 0
        for counts in self._sampler.draw(self.n, reps, rng):
            rows = out[done : done + counts.shape[0]]
            kernels.risks(counts, self.problem.rho, self.problem.teacher, self._init, self._unvisited, rows)
            done += counts.shape[0]
        return out


def _cut(reps: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start // size, min(size, reps - start)) for start in range(0, reps, size))


@dataclass(frozen=True)
class Moments:
    """Repeats, and per learner the mean risk, the sum of squared deviations and the repeats of non-zero risk."""

    reps: int
    mean: np.ndarray
    squares: np.ndarray
    nonzero: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """The moments of risks of shape (R, L)."""
        L = values.shape[1]
        result = cls(values.shape[0], np.empty(L), np.empty(L), np.empty(L, dtype=np.int64))
        kernels.moments(values, result.mean, result.squares, result.nonzero)
        return result

    def merge(self, other: Moments) -> Moments:
        """The moments of both together (Chan, Golub and LeVeque 1983)."""
        reps = self.reps + other.reps
        step = other.mean - self.mean
        return Moments(
            reps,
            self.mean + step * (other.reps / reps),
            self.squares + other.squares + step**2 * (self.reps * other.reps / reps),
            self.nonzero + other.nonzero,
        )

    def of_learners(self, learners: Sequence[str]) -> Moments:
        """The columns of some learners, of moments that have all of `kernels.COLUMNS`."""
        columns = [kernels.COLUMNS.index(name) for name in learners]
        return Moments(self.reps, self.mean[columns], self.squares[columns], self.nonzero[columns])

    @property
    def variance(self) -> np.ndarray:
        """Unbiased variance of one repeat; NaN from a single one."""
        return self.squares / (self.reps - 1) if self.reps > 1 else np.full_like(self.squares, np.nan)

    @property
    def mcse(self) -> np.ndarray:
        """Monte Carlo standard error of the mean."""
        return np.sqrt(self.variance / self.reps)


def merged(parts: Iterable[Moments]) -> Moments:
    """The moments of all parts together, merged one after the other."""
    return functools.reduce(Moments.merge, parts)


@dataclass(frozen=True)
class Precision:
    """How long to repeat: a fixed number of repeats, or a Monte Carlo standard error to aim at.

    With a target the run has two stages. A pilot of `reps` repeats estimates the variance (and, for a relative target,
    the mean) and plans R repeats; then R fresh repeats, from streams of their own, make the estimate, and the pilot is
    thrown away. R is independent of the repeats that are averaged, so the mean is exactly unbiased, which no rule that
    stops on the average it reports can claim. The price is the pilot, and that the error is met with the pilot's luck
    only: R is planned with a margin of 10 % on the variance, and the error reported is that of the run itself.

    Attributes
    ----------
    reps : int
        Number of repeats; with a target, of the pilot, and the least number of the run.
    target_mcse : float or None
        Standard error aimed at, for every learner asked for.
    relative : bool
        Whether the target is a fraction of the mean risk.
    max_reps : int
        Cap on the repeats of the run.
    """

    reps: int = 1000
    target_mcse: float | None = None
    relative: bool = False
    max_reps: int = 1_000_000

    def __post_init__(self) -> None:
        for name in ("reps", "max_reps"):
            number = checks.whole_number(name, getattr(self, name), minimum=1)
            if number > REPS_MAX:
                raise ValueError(f"{name} is {number}: at most {REPS_MAX} can be run")
            object.__setattr__(self, name, number)
        object.__setattr__(self, "relative", checks.flag("relative", self.relative))
        if self.target_mcse is not None:
            object.__setattr__(self, "target_mcse", checks.positive("target_mcse", self.target_mcse))
            if self.reps < 2:
                raise ValueError("reps is 1: a pilot that estimates a variance needs at least 2 repeats")
            if self.max_reps < self.reps:
                raise ValueError(f"max_reps is {self.max_reps}: it must be at least reps, {self.reps}")

    def wanted(self, pilot: Moments) -> float:
        """Number of fresh repeats that a pilot calls for, at least `reps`.

        A learner whose risk was 0 in the whole pilot gives a relative target nothing to scale by, and is left out of
        it. For an absolute one its variance is taken as 3 / reps: the risk is at most 1, and not 0 in at most a share
        of 3 / reps, with 95 % confidence (the rule of three).
        """
        assert self.target_mcse is not None
        wanted = float(self.reps)
        for mean, variance in zip(pilot.mean.tolist(), pilot.variance.tolist(), strict=True):
            if mean == 0 and self.relative:
                continue
            target = self.target_mcse * (mean if self.relative else 1.0)
            needed, square = VARIANCE_MARGIN * (3 / self.reps if mean == 0 else variance), target * target
            if needed > 0:  # the square of a small target may be 0, that of a large one infinite
                wanted = max(wanted, needed / square if square > 0 else math.inf)
        return wanted


def in_order(pool: Executor, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
    """``map(function, tasks)`` by the workers of `pool`, no more than `AHEAD` tasks handed out at a time.

    ``pool.map`` would hand out all of them at once: gigabytes for the blocks of 10**9 repeats.
    """
    waiting: collections.deque[Future[R]] = collections.deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def run_cell(cell: Cell, learners: Sequence[str], precision: Precision, seed: int, pool: Executor) -> Moments:
    """The moments of one cell, blocks spread over `pool` and merged in their order."""

    def stage(which: int, reps: int) -> Moments:
        def block(task: tuple[int, int]) -> Moments:
            index, size = task
            return Moments.of(cell.risks(seed, which, index, size))

        # Workers take blocks, which there are enough of for all; the order of merging is that of batches.
        parts = in_order(pool, block, cell.blocks(reps))
        per_batch = (
            merged(itertools.islice(parts, math.ceil(size / cell.block_size))) for _, size in cell.batches(reps)
        )
        return merged(per_batch).of_learners(learners)

    if precision.target_mcse is None:
        return stage(RUN, precision.reps)
    pilot = stage(PILOT, precision.reps)
    wanted = precision.wanted(pilot)
    if wanted > precision.max_reps:
        # The reader of the warning is the caller of `simulate` or `study.run`, which called this.
        warnings.warn(
            f"{cell.problem.name}, n={cell.n}: stopped at the cap of {precision.max_reps} repeats, "
            "the error aimed at may be missed",
            stacklevel=3,
        )
    return stage(RUN, math.ceil(min(wanted, precision.max_reps)))


def receipts(
    cell: Cell, learners: Sequence[str], moments: Moments, seed: int, seconds: float
) -> Iterator[dict[str, Any]]:
    """One row per learner: what was estimated, how well, and how to do it again."""
    for j, name in enumerate(learners):
        yield {
            "problem": cell.problem.name,
            "S": cell.problem.S,
            "A": cell.problem.A,
            "n": cell.n,
            "protocol": LEARNERS[name].protocol,
            "learner": name,
            "mean": float(moments.mean[j]),
            "mcse": float(moments.mcse[j]),
            "reps": moments.reps,
            "nonzero": int(moments.nonzero[j]),
            "seed": seed,
            "cell": cell.identity,
            "seconds": seconds,
            "version": __version__,
            "numpy": np.__version__,
        }


def simulate(
    problem: Problem | Family,
    learners: str | Sequence[str],
    n: Any,
    reps: int = 1000,
    seed: int = 0,
    *,
    target_mcse: float | None = None,
    relative: bool = False,
    max_reps: int = 1_000_000,
    init: Any = None,
    workers: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Mean risks of learners by Monte Carlo, at one or several n.

    Parameters
    ----------
    problem : Problem, or callable n -> Problem
        A problem, or a family of problems that moves with n, such as ``lambda n: kt.instance(1, 10, 10, n)``.
    learners : str or sequence of str
        Names in `LEARNERS`. All of them see the same draws.
    n : int or sequence of int
        Numbers of samples, each from 0 to 10**17.
    reps : int
        Number of repeats; with `target_mcse`, of the pilot, and the least number of the run.
    seed : int
        One seed gives the same numbers at any number of threads, in all columns but `seconds`. Repeats, learners and n
        may be added later without changing a draw.
    target_mcse : float, optional
        Monte Carlo standard error to aim at, for every learner. A pilot plans the number of repeats and is thrown
        away, so that the mean stays exactly unbiased (see `Precision`).
    relative : bool
        Whether the target is a fraction of the mean risk.
    max_reps : int
        Cap on the repeats of a run with a target; a warning says where it was reached.
    init : array_like, shape (S, A), optional
        The students before any data, rows that sum to 1 within 1e-6; uniform if not given.
    workers : int, optional
        Number of threads, at most 1024; as many as there are processors if not given.
    progress : bool
        Show how far it is: a bar on a terminal, a line every ten seconds elsewhere.

    Returns
    -------
    DataFrame
        A row per (n, learner), in that order: problem, S, A, n, protocol, learner, mean (risk, in [0, 1]), mcse (its
        Monte Carlo standard error), reps, nonzero (repeats of non-zero risk: where they are few, mcse is not to be
        trusted), seed, cell (identity of the draws), seconds, version, numpy. All columns but `seconds`, which are
        measured and differ from run to run, are the same for the same call.

    Raises
    ------
    ValueError
        For an unknown learner, n or reps that are not whole numbers in range (reps and max_reps: at most 10**9), or an
        `init` that is no table.

    Examples
    --------
    >>> from kt_theory import instance
    >>> frame = simulate(instance(0, S=2, A=3), ["CE_sgl", "SEL_ptl"], n=[0, 10], reps=200, seed=1)
    >>> frame[["n", "learner", "reps"]].values.tolist()
    [[0, 'CE_sgl', 200], [0, 'SEL_ptl', 200], [10, 'CE_sgl', 200], [10, 'SEL_ptl', 200]]
    >>> bool(frame.loc[3, "mean"] < frame.loc[2, "mean"])
    True
    """
    import pandas as pd

    names = learner_names(learners)
    grid = checks.whole_numbers("n", n).tolist()
    precision = Precision(reps, target_mcse, relative, max_reps)
    seed = checks.whole_number("seed", seed)
    rows: list[dict[str, Any]] = []
    with thread_pool(workers) as pool:
        for size in watched(grid, "n", "simulate", show=checks.flag("progress", progress)):
            cell = Cell(problem_at(problem, size), size, init)
            start = time.perf_counter()
            moments = run_cell(cell, names, precision, seed, pool)
            rows.extend(receipts(cell, names, moments, seed, time.perf_counter() - start))
    return pd.DataFrame(rows)


def sample_risks(
    problem: Problem,
    learners: str | Sequence[str],
    n: int,
    reps: int = 1000,
    seed: int = 0,
    *,
    init: Any = None,
    workers: int | None = None,
) -> np.ndarray:
    """The risks themselves, repeat by repeat: for histograms, quantiles and statements with high probability.

    Parameters
    ----------
    problem, learners, n, reps, seed, init, workers
        As in `simulate`, for one problem and one n; the draws are the same as there.

    Returns
    -------
    ndarray, shape (reps, number of learners)
        Risks in [0, 1], a column per learner.

    Raises
    ------
    ValueError
        As in `simulate`; and for more than 10**8 risks, repeats times learners, which would not be kept in memory.

    Examples
    --------
    >>> from kt_theory import instance
    >>> sample_risks(instance(0, S=2, A=3), ["CE_sgl", "CE_ful"], n=10, reps=5).shape
    (5, 2)
    """
    names = learner_names(learners)
    columns = [kernels.COLUMNS.index(name) for name in names]
    cell = Cell(problem, n, init)
    seed = checks.whole_number("seed", seed)
    reps = checks.whole_number("reps", reps, minimum=1)
    if reps * len(columns) > RISKS_MAX:
        raise ValueError(
            f"reps is {reps}: at most {RISKS_MAX:.0e} risks, repeats times learners, can be kept; "
            "kt_theory.simulate keeps their moments only"
        )
    out = np.empty((len(columns), reps)).T  # a column is what is averaged: NumPy adds contiguous numbers pairwise
    with thread_pool(workers) as pool:
        blocks = in_order(pool, lambda block: cell.risks(seed, RUN, *block)[:, columns], cell.blocks(reps))
        for start, risks in zip(range(0, reps, cell.block_size), blocks, strict=True):
            out[start : start + len(risks)] = risks
    return out


def draw(problem: Problem, protocol: str, n: int, seed: int = 0) -> TransferSet:
    """Draw one data set and show the student what the protocol allows.

    Parameters
    ----------
    problem : Problem
    protocol : {"hard", "partial", "soft"}
    n : int
        Number of samples, from 0 to 10**17.
    seed : int
        One seed gives one data set, whatever the protocol.

    Returns
    -------
    TransferSet

    Raises
    ------
    ValueError
        For an unknown protocol or an n that is not a whole number in range.

    Examples
    --------
    >>> from kt_theory import instance
    >>> draw(instance(0, S=2, A=3), "partial", n=100, seed=1).n
    100
    """
    checks.one_of("protocol", protocol, PROTOCOLS)
    problem = checked_problem(problem)
    n = sample_size(n)
    rng = np.random.default_rng(checks.whole_number("seed", seed))
    (counts,) = CountSampler(problem).draw(n, 1, rng)
    return TransferSet.from_counts(counts[0], problem.teacher, protocol, states=problem.states, actions=problem.actions)


def sample_size(n: Any) -> int:
    """`n` as a number of samples that can be drawn, at most `N_MAX`."""
    number = checks.whole_number("n", n)
    if number > N_MAX:
        raise ValueError(f"n is {number}: at most {N_MAX:.0e} samples can be drawn")
    return number


def problem_at(problem: Problem | Family, n: int) -> Problem:
    """`problem` itself, or the member of a family at n."""
    if isinstance(problem, Problem):
        return problem
    if not callable(problem):
        raise ValueError(
            f"problem is {checks.shown(problem)}: it must be a Problem, or a function of n that gives one"
        )
    member = problem(n)
    if not isinstance(member, Problem):
        raise ValueError(f"problem({n}) is {checks.shown(member)}: the function must give a Problem")
    return member


def learner_names(learners: str | Sequence[str]) -> list[str]:
    """`learners` as a list of names in `LEARNERS`."""
    if not isinstance(learners, (str, list, tuple)) and learners is not None:
        raise ValueError(f"learners is {checks.shown(learners)}: it must be a name or a list of names")
    names = [learners] if isinstance(learners, str) else list(learners or ())
    if not names:
        raise ValueError("learners is empty: name at least one")
    return [checks.one_of("learners", name, tuple(LEARNERS)) for name in names]


def thread_pool(workers: int | None) -> ThreadPoolExecutor:
    """Threads to spread blocks over: `workers`, or as many as there are processors."""
    if workers is not None and checks.whole_number("workers", workers, minimum=1) > WORKERS_MAX:
        raise ValueError(f"workers is {workers}: at most {WORKERS_MAX} threads can be started")
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(int(workers))
