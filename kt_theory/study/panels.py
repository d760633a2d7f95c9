"""Panels of cells, their exact risks, and receipts as files.

A panel is one problem, or one family of problems that moves with n, on a grid of n. A receipt is one row of a result:
panel, problem, learner, n, mean risk, its Monte Carlo standard error, and what it takes to compute it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kt_theory import __version__, checks
from kt_theory.exact.risk import exact_risk
from kt_theory.files import check_writable, write_whole
from kt_theory.learners import PAPER_LEARNERS, Learner, resolve_learners
from kt_theory.problem import Problem
from kt_theory.progress import watched
from kt_theory.simulation.means import Family, problem_at

#: The most cells of a study: each is kept in memory, with the table of its problem.
CELLS_MAX = 100_000


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
    learners : sequence of str or Learner
        As in `kt_theory.simulate`; the paper's four if not given.

    Raises
    ------
    Unsupported
        A ValueError, for an unknown learner.
    """

    name: str
    problem: Problem | Family
    n: Sequence[int]
    learners: Sequence[str | Learner] = PAPER_LEARNERS

    def __post_init__(self) -> None:
        resolve_learners(self.learners)


def checked_panels(panels: Sequence[Panel]) -> Sequence[Panel]:
    """`panels`, if each is one, no two share a name, none has an n twice, and there are at most `CELLS_MAX` cells."""
    panels = checks.entries("panels", panels, "Panel")
    taken: set[str] = set()
    cells = 0
    for panel in panels:
        if not isinstance(panel, Panel):
            raise ValueError(f"panels holds {checks.shown(panel)}: it must be a sequence of Panel")
        checks.text("the name of a panel", panel.name)
        cells += len(panel.n) if isinstance(panel.n, Sized) else 1
        if cells > CELLS_MAX:
            raise ValueError(f"panel {panel.name!r} makes it {cells} cells: at most {CELLS_MAX} are run as one study")
        n = checks.whole_numbers("n", panel.n).tolist()
        if len(set(n)) < len(n):
            raise ValueError(f"panel {panel.name!r} has the same n twice")
        if panel.name in taken:
            raise ValueError(f"panels has {panel.name!r} twice: names must differ")
        taken.add(panel.name)
    return panels


def exact(panels: Sequence[Panel], *, progress: bool = False) -> pd.DataFrame:
    """The expected risks of every cell of every panel, without simulation.

    Parameters
    ----------
    panels : sequence of Panel
    progress : bool
        Show how far it is: a bar on a terminal, a line every ten seconds elsewhere.

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
    cells = [(panel, n) for panel in checked_panels(panels) for n in checks.whole_numbers("n", panel.n).tolist()]
    rows: list[dict[str, Any]] = []
    for panel, n in watched(cells, "cell", "exact", show=checks.flag("progress", progress)):
        problem = problem_at(panel.problem, n)
        for learner in resolve_learners(panel.learners):
            start = time.perf_counter()
            estimate = exact_risk(problem, learner, n)
            rows.append(
                {
                    "panel": panel.name,
                    "problem": problem.name,
                    "S": problem.S,
                    "A": problem.A,
                    "n": n,
                    "protocol": learner.protocol.name,
                    "learner": learner.name,
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


def write_receipts(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write receipts as CSV, whole or not at all.

    Numbers are written to their last digit. The seconds are left out: the same command gives the same bytes.
    """
    checks.instance_of("frame", frame, pd.DataFrame)
    check_writable(checks.path("path", path), ".csv")
    return write_whole(path, lambda file: file.write_text(receipts_as_csv(frame), encoding="utf-8", newline="\n"))


def receipts_as_csv(frame: pd.DataFrame) -> str:
    """The text that `write_receipts` writes."""
    table = checks.frame("frame", frame).drop(columns="seconds", errors="ignore")
    return str(table.to_csv(index=False, lineterminator="\n"))
