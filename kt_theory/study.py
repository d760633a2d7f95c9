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

from kt_theory import checks
from kt_theory.files import write_whole
from kt_theory.learners import PAPER_LEARNERS
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


def write_receipts(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write receipts as CSV, whole or not at all.

    Numbers are written to their last digit. The seconds are left out: the same command gives the same bytes.
    """
    table = frame.drop(columns="seconds", errors="ignore")
    return write_whole(path, lambda file: table.to_csv(file, index=False, lineterminator="\n"))
