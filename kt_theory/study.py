"""A study: panels of cells, run in memory on one pool of threads, and summed up as receipts.

A panel is one problem, or one family of problems that moves with n, on a grid of n. A receipt is one row of the result:
panel, problem, learner, n, mean risk, its Monte Carlo standard error, and what it takes to compute it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kt_theory import __version__, checks
from kt_theory.exact.risk import exact_risk
from kt_theory.files import check_writable, write_whole
from kt_theory.learners import LEARNERS, PAPER_LEARNERS
from kt_theory.montecarlo import (
    Cell,
    Family,
    Precision,
    learner_names,
    problem_at,
    progress_bar,
    receipts,
    run_cell,
    thread_pool,
)
from kt_theory.problem import Problem


@dataclass(frozen=True)
class Panel:
    """One curve per learner: a problem, or a family of problems, on a grid of n.

    Attributes
    ----------
    name : str
        How receipts and figures call it; unique within a study.
    problem : Problem, or callable n -> Problem
    n : sequence of int
        Numbers of samples.
    learners : sequence of str
        Names in `LEARNERS`; the paper's four if not given.
    """

    name: str
    problem: Problem | Family
    n: Sequence[int]
    learners: Sequence[str] = PAPER_LEARNERS


def run(
    panels: Sequence[Panel],
    reps: int = 1000,
    seed: int = 0,
    *,
    target_mcse: float | None = None,
    relative: bool = False,
    max_reps: int = 1_000_000,
    workers: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Run every cell of every panel.

    Parameters
    ----------
    panels : sequence of Panel
    reps, seed, target_mcse, relative, max_reps, workers
        As in `kt_theory.simulate`. A cell's numbers depend on the seed and on the cell alone: adding panels, learners,
        n or repeats changes no earlier draw.
    progress : bool
        Show a progress bar over cells, if there is a terminal to show it on.

    Returns
    -------
    DataFrame
        Receipts: the columns of `kt_theory.simulate`, with the panel's name in front.

    Raises
    ------
    ValueError
        If two panels share a name, or for anything that `kt_theory.simulate` refuses.

    Examples
    --------
    >>> from kt_theory import instance
    >>> frame = run([Panel("bandit", instance(0, S=1, A=4), n=[1, 10], learners=["CE_ful"])], reps=10)
    >>> frame[["panel", "n", "mean"]].values.tolist()
    [['bandit', 1, 0.0], ['bandit', 10, 0.0]]
    """
    taken: set[str] = set()
    for panel in panels:
        if not isinstance(panel, Panel):
            raise ValueError(f"panels holds {panel!r}: it must be a sequence of Panel")
        if len(set(panel.n)) < len(panel.n):
            raise ValueError(f"panel {panel.name!r} has the same n twice")
        if panel.name in taken:
            raise ValueError(f"panels has {panel.name!r} twice: names must differ")
        taken.add(panel.name)
    precision = Precision(reps, target_mcse, relative, max_reps)
    seed = checks.whole_number("seed", seed)
    cells = [(panel, n) for panel in panels for n in checks.whole_numbers("n", panel.n).tolist()]
    rows: list[dict[str, Any]] = []
    with thread_pool(workers) as pool:
        for panel, n in progress_bar(cells, "cell", progress):
            names = learner_names(panel.learners)
            start = time.perf_counter()
            cell = Cell(problem_at(panel.problem, n), n)
            moments = run_cell(cell, names, precision, seed, pool)
            for row in receipts(cell, names, moments, seed, time.perf_counter() - start):
                rows.append({"panel": panel.name, **row})
    return pd.DataFrame(rows)


def exact(panels: Sequence[Panel], *, progress: bool = False) -> pd.DataFrame:
    """The expected risks of every cell of every panel, without simulation.

    Parameters
    ----------
    panels : sequence of Panel
    progress : bool
        Show a progress bar over cells, if there is a terminal to show it on.

    Returns
    -------
    DataFrame
        Receipts as those of `run`, with the expected risk as mean, mcse 0 and reps 0, and two columns more: error
        (bound on or estimate of the absolute error) and route.

    Raises
    ------
    OutOfReach
        A ValueError: if no exact route reaches a cell; it names the limit.

    Examples
    --------
    >>> from kt_theory import instance
    >>> frame = exact([Panel("bandit", instance(0, S=1, A=2), n=[0], learners=["CE_ful"])])
    >>> frame[["panel", "n", "mean", "route"]].values.tolist()
    [['bandit', 0, 0.25, 'closed form']]
    """
    cells = [(panel, n) for panel in panels for n in checks.whole_numbers("n", panel.n).tolist()]
    rows: list[dict[str, Any]] = []
    for panel, n in progress_bar(cells, "cell", progress):
        problem = problem_at(panel.problem, n)
        for learner in learner_names(panel.learners):
            start = time.perf_counter()
            estimate = exact_risk(problem, learner, n)
            rows.append(
                {
                    "panel": panel.name,
                    "problem": problem.name,
                    "S": problem.S,
                    "A": problem.A,
                    "n": n,
                    "protocol": LEARNERS[learner].protocol,
                    "learner": learner,
                    "mean": estimate.value,
                    "mcse": 0.0,
                    "reps": 0,
                    "error": estimate.error,
                    "route": estimate.route,
                    "seconds": time.perf_counter() - start,
                    "version": __version__,
                }
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Options:
    """How a study in simulations/ is to be run: what its command line says.

    Attributes
    ----------
    simulate : bool
        Simulate too; the exact curves are always computed.
    quick : bool
        Fewer repeats: the same figures with larger error bars.
    out : path_like
        Folder of the results.
    seed : int
        Seed of all draws.
    workers : int, optional
        Number of threads.
    progress : bool
        Show progress bars, if there is a terminal to show them on.
    """

    simulate: bool = False
    quick: bool = False
    out: str | os.PathLike[str] = "figures"
    seed: int = 20231011
    workers: int | None = None
    progress: bool = True

    def path(self, name: str) -> Path:
        """A file in the folder of the results."""
        return Path(self.out) / name


def exact_and_simulated(
    stem: str, panels: Sequence[Panel], reps: int, options: Options
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The exact curves of a study and, if asked for, its receipts; written as `stem`_exact.csv and `stem`.csv."""
    curves = exact(panels, progress=options.progress)
    write_receipts(curves, options.path(f"{stem}_exact.csv"))
    if not options.simulate:
        return curves, None
    receipts = run(panels, reps, options.seed, workers=options.workers, progress=options.progress)
    write_receipts(receipts, options.path(f"{stem}.csv"))
    return curves, receipts


def write_receipts(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write receipts as CSV, whole or not at all.

    Numbers are written to their last digit. The seconds are left out: the same command gives the same bytes.
    """
    check_writable(path, ".csv")
    table = frame.drop(columns="seconds", errors="ignore")
    return write_whole(path, lambda file: table.to_csv(file, index=False, lineterminator="\n"))
