"""The operations on the folder of a study: run, status, check, export, merge, replay."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from kt_theory import checks
from kt_theory.simulation.cells import PILOT, RUN
from kt_theory.simulation.workers import thread_pool
from kt_theory.study import engine
from kt_theory.study import manifest as manifest_of
from kt_theory.study.design import Design, Planned
from kt_theory.study.engine import Outcome, Progress, Share
from kt_theory.study.names import Batch
from kt_theory.study.records import Damaged
from kt_theory.study.store import Drawn, Key, Store, StudyFiles, is_study, keys_of

Folder = str | os.PathLike[str]


def run_in_folder(
    design: Design,
    folder: Folder,
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    share: Share | None = None,
    progress: bool = False,
) -> Outcome:
    """Run a design into a folder, or go on where it stopped.

    Parameters
    ----------
    design : Design
    folder : path_like
        Made if it does not exist. Batches that are there are not drawn again, for whichever design they were drawn.
    executor : Executor, optional
        Where batches are drawn; threads if not given. The functions sent to it are importable, so processes will do.
    workers : int, optional
        Number of threads, if no executor is given.
    share : Share, optional
        The cells to draw here, if several machines share the study.
    progress : bool
        A bar on a terminal, a line every 30 seconds elsewhere, on standard error.

    Returns
    -------
    Outcome

    Raises
    ------
    Interrupted
        On Ctrl-C, when what was being drawn is stored.
    OSError, ValueError
        If the folder cannot be written, or is none of a study.

    Examples
    --------
    >>> import tempfile
    >>> from kt_theory import instance
    >>> from kt_theory.study.panels import Panel
    >>> design = Design("bandit", [Panel("bandit", instance(0, S=1, A=4), n=[1, 10], learners=["CE_ful"])], reps=10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = run_in_folder(design, folder)
    ...     again = run_in_folder(design, folder)
    >>> first.tally.drawn, again.tally.drawn, first.receipts["mean"].tolist()
    (2, 0, [0.0, 0.0])
    """
    checks.instance_of("design", design, Design)
    if share is not None:
        checks.instance_of("share", share, Share)
    progress = checks.flag("progress", progress)
    with Store(folder, sweep=True) as store:
        manifest_of.keep_design(design, store)
        return _with_pool(
            executor,
            workers,
            lambda pool: engine.run_design(
                design, store, pool, share=share, progress=Progress(progress, what=design.name)
            ),
        )


def _with_pool(executor: Executor | None, workers: int | None, work: Any) -> Any:
    if executor is not None:
        return work(executor)
    with thread_pool(workers) as pool:
        return work(pool)


@dataclass(frozen=True)
class Status:
    """How far a study is.

    Attributes
    ----------
    name : str
    seed : int
    cells, complete : int
        Cells of the design, and those whose every batch is stored.
    batches, wanted : int
        Batches of the design that are stored, and those it needs (of the pilots alone, while they decide the rest).
    others : int
        Sound or unsound batches that the design does not need: of earlier designs.
    missing : tuple of (str, int)
        Panel and n of the cells that are not complete.
    failures : tuple of dict
        batch, error, traceback, replay.
    damaged : tuple of str
        What is wrong with files, a sentence each; found only if looked for, see `check`.
    versions : dict
    licence : str
    """

    name: str
    seed: int
    cells: int
    complete: int
    batches: int
    wanted: int
    others: int
    missing: tuple[tuple[str, int], ...]
    failures: tuple[dict[str, Any], ...]
    damaged: tuple[str, ...]
    versions: dict[str, str]
    licence: str

    @property
    def done(self) -> bool:
        """Whether everything is there and sound."""
        return not self.missing and not self.damaged


def status(folder: Folder) -> Status:
    """How far the study of a folder is; reads the manifest and the names of the batches.

    Parameters
    ----------
    folder : path_like

    Returns
    -------
    Status

    Raises
    ------
    ValueError
        If the folder is none of a study, or its manifest is damaged.
    """
    return _status(StudyFiles(folder), {})


def check(folder: Folder, *, repair: bool = True, workers: int | None = None, progress: bool = False) -> Status:
    """Read every file of a study, and draw again what is missing or not as it was written.

    Parameters
    ----------
    folder : path_like
    repair : bool
        Whether to move damaged files to ``damaged/`` and draw them again, or only to say so.
    workers, progress
        As in `run_in_folder`.

    Returns
    -------
    Status
        Before the repair; `missing` and `damaged` are what was found.

    Raises
    ------
    ValueError
        If the folder is none of a study; as `Damaged` if its manifest or a problem is: then run the study again from
        its design, which writes new ones and draws nothing that is there.
    """
    repair, progress = checks.flag("repair", repair), checks.flag("progress", progress)
    files = StudyFiles(folder)  # refuses what is no study before a lock is made
    if not repair:
        return _status(files, _unsound(files))
    with Store(folder, sweep=True) as store:
        unsound = _unsound(store)
        found = _status(store, unsound)
        if not found.done:
            design, _ = manifest_of.kept_design(store)
            for path in unsound:
                store.set_aside(path)
            show = Progress(progress, what=f"{design.name}, repair")
            _with_pool(None, workers, lambda pool: engine.run_design(design, store, pool, progress=show))
    return found


def _status(store: StudyFiles, unsound: Mapping[Path, str]) -> Status:
    manifest = store.manifest()
    design, cells = manifest_of.kept_design(store)
    identities = [planned.cell.identity for planned in cells]
    precision = design.precision
    targeted = precision.target_mcse is not None or design.slope_se is not None
    shelf = _Sound(store, unsound)
    repeats = engine.repeats(design, cells, identities, shelf)
    needed: dict[Batch, list[Key]] = {}
    missing: list[tuple[str, int]] = []
    for planned, identity, reps in zip(cells, identities, repeats, strict=True):
        pilot = [Batch(identity, design.seed, PILOT, *b) for b in planned.cell.batches(precision.reps) if targeted]
        run = [] if reps is None else [Batch(identity, design.seed, RUN, *b) for b in planned.cell.batches(reps)]
        keys = keys_of(planned.learners, planned.divergence)
        for batch in (*pilot, *run):
            needed.setdefault(batch, []).extend(keys)
        if reps is None or not all(shelf.has(batch, keys) for batch in [*pilot, *run]):
            missing.append((planned.panel, planned.n))
    there = set(store.batches())
    return Status(
        manifest["name"],
        manifest["seed"],
        len(cells),
        len(cells) - len(missing),
        sum(shelf.has(batch, keys) for batch, keys in needed.items()),
        len(needed),
        len(there - set(needed)),
        tuple(missing),
        tuple(store.failures()),
        tuple(unsound.values()),
        manifest["versions"],
        manifest["licence"],
    )


class _Sound:
    """The batches of a folder without its damaged files."""

    def __init__(self, files: StudyFiles, unsound: Mapping[Path, str]) -> None:
        self._files, self._unsound = files, unsound

    def has(self, batch: Batch, keys: Sequence[Key] = ()) -> bool:
        return self._files.path(batch) not in self._unsound and self._files.has(batch, keys)

    def load(self, batch: Batch) -> Drawn:
        return self._files.load(batch)


def _unsound(files: StudyFiles) -> dict[Path, str]:
    """The files of batches and of failures that are not as they were written, and what is wrong with each."""
    found = {}
    for batch in files.batches():
        try:
            files.load(batch)
        except Damaged as error:
            found[files.path(batch)] = str(error)
    for path in files.failure_paths():
        try:
            files.failure(path)
        except Damaged as error:
            found[path] = str(error)
    return found


def export(folder: Folder) -> Outcome:
    """The receipts of a study, as far as it is complete.

    Parameters
    ----------
    folder : path_like

    Returns
    -------
    Outcome
        Receipts of the complete cells, and which are missing.

    Raises
    ------
    ValueError
        If the folder is none of a study; as `Damaged` if a file of it is: no damaged file is read into a result.
    """
    files = StudyFiles(folder)
    design, cells = manifest_of.kept_design(files)
    identities = [planned.cell.identity for planned in cells]
    return engine.outcome(design, cells, identities, files, engine.Tally())


def merge(into: Folder, others: Sequence[Folder]) -> Status:
    """Join the folders of one study that was run on several machines, or of several with the same seed.

    Parameters
    ----------
    into : path_like
        The folder that receives; made if it does not exist.
    others : sequence of path_like
        Folders of studies. They are not changed.

    Returns
    -------
    Status
        Of `into`, afterwards. Its design has the cells of all.

    Raises
    ------
    ValueError
        If a batch is damaged, two folders have different numbers for one batch, or the designs differ in more than
        their cells. Nothing is changed then.
    """
    sources = [StudyFiles(folder) for folder in checks.entries("others", others, "folders of studies")]
    if not sources:
        raise ValueError("others is empty: name at least one folder of a study")
    checks.path("into", into)
    has_design = is_study(into) and (Path(into) / "manifest.json").exists()
    known = [StudyFiles(into), *sources] if has_design else sources
    joined = _joined([source.manifest() for source in known], [str(source.folder) for source in known])
    first: dict[Batch, StudyFiles] = {}
    new: dict[Batch, Drawn] = {}
    revisions: dict[int, StudyFiles] = {}
    for source in known:
        for batch in source.batches():
            drawn = source.load(batch)
            revisions.setdefault(drawn.revision, source)
            if len(revisions) > 1:
                said = " and ".join(f"{number} in {source.folder}" for number, source in sorted(revisions.items()))
                raise ValueError(f"batches were drawn by revision {said}: their numbers are not mixed")
            where = first.setdefault(batch, source)
            there = new[batch] if batch in new else where.load(batch)
            if where is not source and not _alike(there, drawn):
                raise ValueError(f"{where.path(batch)} and {source.path(batch)} have different numbers for one batch")
            if source in sources:
                new[batch] = there.beside(drawn)
    problems = [
        manifest_of.kept_problem(entry, source.problem)()
        for source in sources
        for entry in source.manifest()["cells"]
        if "table" in entry["reference"]
    ]
    # Nothing is written before everything was read.
    with Store(into) as store:
        for problem in problems:
            store.keep_problem(problem)
        for batch, content in new.items():
            store.save(batch, content)
        store.write_manifest(joined)
        return _status(store, {})


def _alike(a: Drawn, b: Drawn) -> bool:
    """Whether two drawings of one batch have the same numbers for the learners that both have."""
    common = [key for key in a.keys if key in b.keys]
    one, other = a.of(common).moments, b.of(common).moments
    pairs = ((one.mean, other.mean), (one.squares, other.squares), (one.nonzero, other.nonzero))
    return all((x == y).all() for x, y in (*pairs, (one.infinite, other.infinite)))


def _joined(manifests: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """One manifest with the cells of all."""
    first = manifests[0]
    cells: dict[tuple[str, int], dict[str, Any]] = {}
    learners: dict[str, list[dict[str, str]]] = {}
    for manifest, name in zip(manifests, names, strict=True):
        for key in ("seed", "reps", "target_mcse", "relative", "max_reps", "slope_se", "divergence"):
            if manifest[key] != first[key]:
                raise ValueError(f"{key} is {first[key]} in {names[0]} and {manifest[key]} in {name}: no one study")
        for entry in manifest["cells"]:
            known = cells.setdefault((entry["panel"], entry["n"]), entry)
            if known["cell"] != entry["cell"]:
                raise ValueError(f"panel {entry['panel']!r}, n={entry['n']} is another problem in {name}")
            asked = learners.setdefault(entry["panel"], [])
            asked += [learner for learner in entry["learners"] if learner not in asked]
            if len({learner["name"] for learner in asked}) < len(asked):
                raise ValueError(f"panel {entry['panel']!r} has another learner of one name in {name}: no one study")
    licences = "; ".join(dict.fromkeys(manifest["licence"] for manifest in manifests))
    content = {key: value for key, value in first.items() if key != "format"}
    # What a part lacks of the learners that another asked for, a run of the joined study draws.
    joined = [{**entry, "learners": learners[entry["panel"]]} for entry in cells.values()]
    return {**content, "licence": licences, "cells": joined}


def replay(folder: Folder, name: str) -> pd.DataFrame:
    """Draw one batch in this process; its exceptions are not caught.

    Parameters
    ----------
    folder : path_like
    name : str
        Of the batch, as failures and files name it: cell/seed-stage-index-repeats.

    Returns
    -------
    DataFrame
        A row per learner: mean, squares (sum of squared deviations), nonzero. Nothing is stored.

    Raises
    ------
    ValueError
        If the batch is none, or its cell is not in the study.
    """
    planned, batch = cell_of(folder, name)
    moments = planned.cell.batch(planned.learners, batch.seed, batch.stage, batch.index, batch.reps)
    return pd.DataFrame(
        {
            "learner": moments.learners,
            "mean": moments.mean,
            "squares": moments.squares,
            "nonzero": moments.nonzero,
        }
    )


def cell_of(folder: Folder, name: str) -> tuple[Planned, Batch]:
    """A batch by its name, and its cell; raises ValueError as `replay` does, but draws nothing."""
    files = StudyFiles(folder)
    batch = Batch.named(checks.text("name", name))
    manifest = files.manifest()
    for entry in manifest["cells"]:
        if entry["cell"] == batch.cell:
            learners = tuple(manifest_of.kept_learner(learner) for learner in entry["learners"])
            of = manifest_of.kept_divergence(manifest["divergence"])
            problem = manifest_of.kept_problem(entry, files.problem)()
            return Planned(entry["panel"], entry["n"], learners, problem, entry["reference"], of), batch
    raise ValueError(f"{name} is no batch of {Path(folder)}: its cell is not in the manifest")


def with_seed(design: Design, seed: int | None) -> Design:
    """The design with another seed."""
    return design if seed is None else replace(design, seed=seed)
