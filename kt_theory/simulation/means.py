"""Monte Carlo: from a problem to the mean risk of each learner, with its standard error.

Counts are a sufficient statistic: a repeat costs O(min(n, S A) + S A), however large n is.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import numpy as np

from kt_theory import __version__, checks
from kt_theory.divergences import Divergence, resolve_divergence
from kt_theory.learners.learner import Learner
from kt_theory.learners.registry import resolve_learners
from kt_theory.problem import Problem, checked_problem
from kt_theory.progress import watched
from kt_theory.protocols.protocol import Protocol, resolve_protocol
from kt_theory.protocols.transfer import TransferSet
from kt_theory.simulation.cells import PILOT, RUN, Cell, sample_size
from kt_theory.simulation.controls import coefficients
from kt_theory.simulation.moments import Moments, merged
from kt_theory.simulation.precision import Precision
from kt_theory.simulation.sampling import CountSampler
from kt_theory.simulation.workers import in_order, thread_pool
from kt_theory.sparse import SparseTable

if TYPE_CHECKING:
    import pandas as pd

#: A problem for each n: what the paper's hard instances are.
Family = Callable[[int], Problem]

#: The most risks that `sample_risks` keeps: 0.8 GB.
RISKS_MAX = 10**8

#: Repeats of the pilot that control variates are fitted to, where no error is aimed at.
CONTROL_PILOT = 200


def run_cell(cell: Cell, learners: Sequence[Learner], precision: Precision, seed: int, pool: Executor) -> Moments:
    """The moments of one cell, blocks spread over `pool` and merged in their order."""

    def stage(which: int, reps: int) -> Moments:
        return _moments(cell, learners, reps, pool, lambda task: cell.risks(learners, seed, which, *task))

    if precision.target_mcse is None:
        return stage(RUN, precision.reps)
    return stage(RUN, _planned(cell, precision, stage(PILOT, precision.reps)))


def run_controlled(
    cell: Cell, learners: Sequence[Learner], precision: Precision, seed: int, pool: Executor
) -> tuple[Moments, np.ndarray]:
    """As `run_cell`, with control variates: the moments, and by how much the variance of each learner was divided."""
    L = len(learners)
    reps = CONTROL_PILOT if precision.target_mcse is None else precision.reps
    blocks = in_order(pool, lambda task: cell.risks(learners, seed, PILOT, *task, controls=True), cell.blocks(reps))
    pilot = np.concatenate(list(blocks))
    multiples = coefficients(pilot[:, :L], pilot[:, L:])

    def adjusted(values: np.ndarray) -> np.ndarray:
        return np.hstack([values[:, :L] - values[:, L:] @ multiples, values[:, :L]])

    if precision.target_mcse is None:
        reps = precision.reps
    else:
        both = Moments.of([learner.name for learner in [*learners, *learners]], adjusted(pilot))
        left = _with_rare_events(both.at(range(L)), both.at(range(L, 2 * L)))
        # The multiples were fitted to these repeats: what is left of their variance is too small by that.
        freedom = max(reps - 1 - multiples.shape[0], 1)
        reps = _planned(cell, precision, dataclasses.replace(left, squares=left.squares * (reps - 1) / freedom))
    both = _moments(
        cell,
        [*learners, *learners],
        reps,
        pool,
        lambda task: adjusted(cell.risks(learners, seed, RUN, *task, controls=True)),
    )
    plain = both.at(range(L, 2 * L))
    found = _with_rare_events(both.at(range(L)), plain)
    with np.errstate(divide="ignore", invalid="ignore"):
        divided = np.where(plain.squares == found.squares, 1.0, plain.squares / found.squares)
    return dataclasses.replace(found, nonzero=plain.nonzero), divided


def _with_rare_events(found: Moments, plain: Moments) -> Moments:
    """The moments with controls, and in their variance what an event adds that no repeat may have shown.

    Controls can leave nothing but such an event, and then the repeats show a variance of rounding. Of probability 1/R
    and of the size of the standard deviation without controls it moves the mean by that over R.
    """
    moved = found.squares != plain.squares
    return dataclasses.replace(found, squares=found.squares + np.where(moved, plain.squares, 0.0) / found.reps)


def _moments(
    cell: Cell,
    learners: Sequence[Learner],
    reps: int,
    pool: Executor,
    values: Callable[[tuple[int, int]], np.ndarray],
) -> Moments:
    """Moments of what `values` gives for each block of a run."""
    names = [learner.name for learner in learners]
    # Workers take blocks, which there are enough of for all; the order of merging is that of batches.
    parts = in_order(pool, lambda task: Moments.of(names, values(task)), cell.blocks(reps))
    return merged(merged(itertools.islice(parts, math.ceil(size / cell.block_size))) for _, size in cell.batches(reps))


def _planned(cell: Cell, precision: Precision, pilot: Moments) -> int:
    """Number of fresh repeats that a pilot calls for, at most the cap; a warning says where that was met."""
    wanted = precision.wanted(pilot, cell.divergence.upper)
    if wanted > precision.max_reps:
        # The reader of the warning is the caller of `simulate` or `study.run`, which called what called this.
        warnings.warn(
            f"{cell.problem.name}, n={cell.n}: stopped at the cap of {precision.max_reps} repeats, "
            "the error aimed at may be missed",
            stacklevel=4,
        )
    return math.ceil(min(wanted, precision.max_reps))


def receipts(
    cell: Cell,
    learners: Sequence[Learner],
    moments: Moments,
    seed: int,
    seconds: float,
    divided: np.ndarray | None = None,
) -> Iterator[dict[str, Any]]:
    """One row per learner: what was estimated, how well, and how to do it again; `divided` as by `run_controlled`."""
    expected, mcse = moments.expected, moments.mcse
    for j, learner in enumerate(learners):
        row = {
            "problem": cell.problem.name,
            "S": cell.problem.S,
            "A": cell.problem.A,
            "n": cell.n,
            "protocol": learner.protocol.name,
            "learner": learner.name,
            "mean": float(expected[j]),
            "mcse": float(mcse[j]),
            "reps": moments.reps,
            "nonzero": int(moments.nonzero[j]),
        }
        if cell.divergence.name != "tv":
            row |= {"divergence": cell.divergence.name, "infinite": int(moments.infinite[j])}
        if divided is not None:
            row["control"] = float(divided[j])
        yield row | {
            "seed": seed,
            "cell": cell.identity,
            "seconds": seconds,
            "version": __version__,
            "numpy": np.__version__,
        }


def simulate(
    problem: Problem | Family,
    learners: str | Learner | Sequence[str | Learner],
    n: Any,
    reps: int = 1000,
    seed: int = 0,
    *,
    divergence: str | Divergence = "tv",
    target_mcse: float | None = None,
    relative: bool = False,
    max_reps: int = 1_000_000,
    control: bool = False,
    init: Any = None,
    workers: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Mean risks of learners by Monte Carlo, at one or several n.

    Parameters
    ----------
    problem : Problem, or callable n -> Problem
        A problem, or a family of problems that moves with n, such as ``lambda n: kt.instance(1, 10, 10, n)``.
    learners : str or Learner, or a sequence of these
        Names in `LEARNERS`, names such as ``SEL@top_k:20``, or learners of one's own. All of them get the same draws,
        each as its own protocol reveals them. A learner without a `row` is simulated by its `fit`, many repeats at
        once.
    n : int or sequence of int
        Numbers of samples, each from 0 to 10**17.
    reps : int
        Number of repeats; with `target_mcse`, of the pilot, and the least number of the run.
    seed : int
        One seed gives the same numbers at any number of threads, in all columns but `seconds`. Repeats, learners and n
        may be added later without changing a draw.
    divergence : {"tv", "kl", "reverse_kl", "l2", "hellinger", "top1"} or Divergence
        What the risk averages under rho, see `kt_theory.divergences`.
    target_mcse : float, optional
        Monte Carlo standard error to aim at, for every learner. A pilot plans the number of repeats and is thrown
        away, so that the mean stays exactly unbiased (see `Precision`).
    relative : bool
        Whether the target is a fraction of the mean risk.
    max_reps : int
        Cap on the repeats of a run with a target; a warning says where it was reached.
    control : bool
        Use control variates: sums over the labels whose means are known exactly (`kt_theory.simulation.controls`), less
        these means, times multiples fitted to a pilot. The pilot, of `reps` repeats with a target and of 200 without,
        is thrown away, so that the mean stays exactly unbiased; it may be below 0 where the risk is smaller than its
        error.
    init : array_like, shape (S, A), optional
        The students before any data, rows that sum to 1 within 1e-6; uniform if not given.
    workers : int, optional
        Number of threads, at most 1024; as many as there are processors if not given.
    progress : bool
        Show how far it is: a bar on a terminal, a line every ten seconds elsewhere.

    Returns
    -------
    DataFrame
        A row per (n, learner), in that order: problem, S, A, n, protocol, learner, mean (of the risk), mcse (its Monte
        Carlo standard error), reps, nonzero (repeats of non-zero risk: where they are few, mcse is unreliable),
        seed, cell (identity of the draws), seconds, version, numpy. For another divergence than "tv" also divergence,
        and infinite (repeats of infinite risk: with one of them, mean and mcse are infinite). With `control` also
        control: by how much the variance of a repeat was divided, as measured in the run, but never by more than their
        number: an event that no repeat shows may be all that is left. All columns but
        `seconds`, which are measured and differ from run to run, are the same for the same call.

    Raises
    ------
    Unsupported
        A ValueError, for an unknown learner or divergence.
    ValueError
        For n or reps that are not whole numbers in range (reps and max_reps: at most 10**9), an `init` that is no
        table, or a learner whose answer is no row-stochastic table, or depends on rows that stand beside its own
        without `Learner.couples_inputs`.

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

    found = resolve_learners(learners)
    of = resolve_divergence(divergence)
    grid = checks.whole_numbers("n", n).tolist()
    precision = Precision(reps, target_mcse, relative, max_reps)
    seed = checks.whole_number("seed", seed)
    controlled = checks.flag("control", control)
    rows: list[dict[str, Any]] = []
    with thread_pool(workers) as pool:
        for size in watched(grid, "n", "simulate", show=checks.flag("progress", progress)):
            cell = Cell(problem_at(problem, size), size, init, of)
            start = time.perf_counter()
            divided = None
            if controlled:
                moments, divided = run_controlled(cell, found, precision, seed, pool)
            else:
                moments = run_cell(cell, found, precision, seed, pool)
            rows.extend(receipts(cell, found, moments, seed, time.perf_counter() - start, divided))
    return pd.DataFrame(rows)


def sample_risks(
    problem: Problem,
    learners: str | Learner | Sequence[str | Learner],
    n: int,
    reps: int = 1000,
    seed: int = 0,
    *,
    divergence: str | Divergence = "tv",
    init: Any = None,
    workers: int | None = None,
) -> np.ndarray:
    """The risks themselves, repeat by repeat: for histograms, quantiles and statements with high probability.

    Parameters
    ----------
    problem, learners, n, reps, seed, divergence, init, workers
        As in `simulate`, for one problem and one n; the draws are the same as there.

    Returns
    -------
    ndarray, shape (reps, number of learners)
        Risks, a column per learner; infinite where the divergence is.

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
    found = resolve_learners(learners)
    cell = Cell(problem, n, init, resolve_divergence(divergence))
    seed = checks.whole_number("seed", seed)
    reps = checks.whole_number("reps", reps, minimum=1)
    if reps * len(found) > RISKS_MAX:
        raise ValueError(
            f"reps is {reps}: at most {RISKS_MAX:.0e} risks, repeats times learners, can be kept; "
            "kt_theory.simulate keeps their moments only"
        )
    out = np.empty((reps, len(found)))
    with thread_pool(workers) as pool:
        blocks = in_order(pool, lambda block: cell.risks(found, seed, RUN, *block), cell.blocks(reps))
        for start, risks in zip(range(0, reps, cell.block_size), blocks, strict=True):
            out[start : start + len(risks)] = risks
    return out


def draw(problem: Problem, protocol: str | Protocol, n: int, seed: int = 0) -> TransferSet:
    """Draw one data set, and reveal what the protocol allows.

    Parameters
    ----------
    problem : Problem
    protocol : {"hard", "partial", "soft"}, a name such as "top_k:20", or Protocol
    n : int
        Number of samples, from 0 to 10**17.
    seed : int
        One seed gives one data set for all protocols; it also breaks the ties of top_k.

    Returns
    -------
    TransferSet

    Raises
    ------
    Unsupported
        A ValueError, for an unknown protocol.
    ValueError
        For an n that is not a whole number in range.

    Examples
    --------
    >>> from kt_theory import instance
    >>> draw(instance(0, S=2, A=3), "partial", n=100, seed=1).n
    100
    """
    shown = resolve_protocol(protocol)
    problem = checked_problem(problem)
    n = sample_size(n)
    seed = checks.whole_number("seed", seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    if problem.sparse:
        pairs = problem.pairs
        (cells,) = CountSampler(problem).draw(n, 1, rng)
        if shown.draws > 1:
            visits = np.bincount(pairs.rows, cells[0], minlength=problem.S).astype(np.int64)
            cells = cells + shown.further_cells(cells, visits[None], pairs, _further(seed))
        drawn = SparseTable(pairs.shape, pairs.offsets, pairs.columns, cells[0], np.zeros(problem.S))
        return TransferSet.from_counts(drawn, pairs, shown, states=problem.states, actions=problem.actions, seed=seed)
    (counts,) = CountSampler(problem).draw(n, 1, rng)
    if shown.draws > 1:
        counts = counts + shown.further(counts, counts.sum(axis=2), problem.teacher, _further(seed))
    names = {"states": problem.states, "actions": problem.actions}
    return TransferSet.from_counts(counts[0], problem.teacher, shown, seed=seed, **names)


def _further(seed: int) -> np.random.Generator:
    """The stream of the further labels of visits: those of the first ones and of ties are others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))


def problem_at(problem: Problem | Family, n: int) -> Problem:
    """`problem` itself, or the member of a family at n."""
    if isinstance(problem, Problem):
        return problem
    if not callable(problem):
        raise ValueError(f"problem is {checks.shown(problem)}: it must be a Problem, or a function of n that gives one")
    member = problem(n)
    if not isinstance(member, Problem):
        raise ValueError(f"problem({n}) is {checks.shown(member)}: the function must give a Problem")
    return member
