"""Running panels: in memory, in a folder, and as the scripts in simulations/ do, exactly and by simulation."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kt_theory import checks
from kt_theory.divergences import Divergence
from kt_theory.simulation.workers import thread_pool
from kt_theory.study import engine, store
from kt_theory.study.design import Design
from kt_theory.study.folders import run_in_folder
from kt_theory.study.panels import Panel, exact, write_receipts


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
    folder: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    divergence: str | Divergence = "tv",
) -> pd.DataFrame:
    """Run every cell of every panel.

    Parameters
    ----------
    panels : sequence of Panel
    reps, seed, target_mcse, relative, max_reps, workers
        As in `kt_theory.simulate`. A cell's numbers depend on the seed and on the cell alone: adding panels, learners,
        n or repeats changes no earlier draw.
    progress : bool
        A progress bar on a terminal, a line every 30 seconds elsewhere.
    folder : path_like, optional
        Where finished batches are kept, so that the study can be stopped and goes on where it was; in memory if not
        given. Cells that could not be drawn are then left out, with a warning; without a folder they raise.
    executor : Executor, optional
        Where batches are drawn, such as a ProcessPoolExecutor or a cluster's; `workers` threads if not given. The
        numbers are the same.

    divergence : str or Divergence
        As in `kt_theory.simulate`.

    Returns
    -------
    DataFrame
        Receipts: the columns of `kt_theory.simulate`, with the panel's name in front.

    Raises
    ------
    ValueError
        If two panels share a name, or for anything that `kt_theory.simulate` refuses.
    RuntimeError
        Without a folder, if a batch raises.

    Examples
    --------
    >>> from kt_theory import instance
    >>> frame = run([Panel("bandit", instance(0, S=1, A=4), n=[1, 10], learners=["CE_ful"])], reps=10)
    >>> frame[["panel", "n", "mean"]].values.tolist()
    [['bandit', 1, 0.0], ['bandit', 10, 0.0]]
    """
    if executor is not None:
        checks.instance_of("executor", executor, Executor)
    progress = checks.flag("progress", progress)
    design = Design("study", panels, reps, seed, target_mcse, relative, max_reps, divergence=divergence)
    if folder is not None:
        result = run_in_folder(design, folder, executor=executor, workers=workers, progress=progress)
    else:
        show = engine.Progress(progress)
        if executor is not None:
            result = engine.run_design(design, engine.Memory(), executor, progress=show)
        else:
            with thread_pool(workers) as pool:
                result = engine.run_design(design, engine.Memory(), pool, progress=show)
    for panel, n in result.capped:
        warnings.warn(
            f"{panel}, n={n}: stopped at the cap of {max_reps} repeats, the error aimed at may be missed", stacklevel=2
        )
    if result.missing:
        warnings.warn(f"{len(result.missing)} cells could not be drawn; kt-theory study status says why", stacklevel=2)
    return result.receipts


@dataclass(frozen=True)
class Options:
    """How a study in simulations/ is to be run: the options of its command line.

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
        Show how far it is: a bar on a terminal, lines elsewhere.
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
    """The exact curves of a study and, if asked for, its receipts; written as `stem`_exact.csv and `stem`.csv.

    What is simulated is kept in the folder ``unfinished`` beside them until the receipts are written, so that the same
    command goes on where it was stopped.
    """
    checks.instance_of("options", options, Options)
    curves = exact(panels, progress=options.progress)
    write_receipts(curves, options.path(f"{stem}_exact.csv"))
    if not options.simulate:
        return curves, None
    unfinished = options.path("unfinished") / stem
    receipts = run(panels, reps, options.seed, workers=options.workers, progress=options.progress, folder=unfinished)
    write_receipts(receipts, options.path(f"{stem}.csv"))
    store.remove(unfinished)
    return curves, receipts
