"""What the commands of `kt-theory study` print."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import kt_theory as kt
from kt_theory.cli.printing import count, terminal_width
from kt_theory.showing import escaped, shown, table

#: How many missing cells and failures of a study are listed before the rest is only counted.
CELLS_LISTED = 10


def run_as_text(outcome: Any, found: Any, folder: Path) -> str:
    tally = outcome.tally
    complete = found.cells - len(outcome.missing)
    lines = [
        f"{shown(found.name)}: {complete} of {found.cells} cells complete",
        f"batches: {tally.drawn} drawn here, {tally.stored} were stored",
    ]
    if tally.damaged:
        lines.append(f"damaged files, moved aside and drawn again: {len(tally.damaged)}")
        lines += [f"  {escaped(str(path))}" for path in tally.damaged]
    if outcome.capped:
        lines.append(f"at the cap on repeats, the error aimed at may be missed: {_cells_as_text(outcome.capped)}")
    if outcome.missing_here:
        lines.append(missing_as_text(outcome.missing_here))
    elsewhere = len(outcome.missing) - len(outcome.missing_here)
    if elsewhere:
        lines.append(f"left to the other shares: {count(elsewhere, 'cell')}")
    lines += _failures_as_text(found.failures, folder)
    lines += _versions_as_text(outcome.drawn_by)
    lines.append(f"export: {shlex.join(['kt-theory', 'study', 'export', str(folder), '--out', f'{folder.name}.csv'])}")
    return "\n".join(lines)


def run_fields(outcome: Any, found: Any, folder: Path) -> dict[str, Any]:
    return {
        **status_fields(found, folder),
        "drawn_here": outcome.tally.drawn,
        "were_stored": outcome.tally.stored,
        "moved_aside": [str(path) for path in outcome.tally.damaged],
        "capped": _cell_fields(outcome.capped),
        "missing_here": _cell_fields(outcome.missing_here),
        "kt_theory_of_batches": sorted({one.kt_theory for one in outcome.drawn_by}),
        "numpy_of_batches": sorted({one.numpy for one in outcome.drawn_by}),
    }


def status_fields(found: Any, folder: str | Path) -> dict[str, Any]:
    return {
        "name": found.name,
        "folder": str(folder),
        "seed": found.seed,
        "cells": found.cells,
        "complete": found.complete,
        "batches": found.batches,
        "batches_wanted": found.wanted,
        "batches_of_other_designs": found.others,
        "missing": _cell_fields(found.missing),
        "damaged": list(found.damaged),
        "failures": [
            {**failure["batch"], "error": failure["error"], "replay": _replay_command(failure, folder)}
            for failure in found.failures
        ],
        "versions": found.versions,
        "licence": found.licence,
    }


def _cell_fields(cells: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"panel": panel, "n": n} for panel, n in cells]


def status_as_text(found: Any, folder: str) -> str:
    others = f", and {found.others} of other designs" if found.others else ""
    lines = [
        f"{shown(found.name)}, seed {found.seed}: {found.complete} of {found.cells} cells complete",
        f"batches: {found.batches} of {found.wanted} stored{others}",
    ]
    if found.missing:
        lines.append(missing_as_text(found.missing))
    lines += _failures_as_text(found.failures, folder)
    lines.append(
        "last run with "
        + ", ".join(f"{escaped(name)} {escaped(str(version))}" for name, version in found.versions.items())
    )
    lines.append(f"licence of the data: {escaped(found.licence)}")
    return "\n".join(lines)


def check_as_text(found: Any, after: Any, folder: str, *, dry_run: bool) -> str:
    if found.done:
        counted = f"{count(found.cells, 'cell')}, {found.batches + found.others} batches"
        return f"{shown(found.name)}: sound; {counted}, every byte as it was written"
    lines = []
    if found.damaged:
        lines.append(f"damaged: {count(len(found.damaged), 'file')}")
        lines += [f"  {escaped(sentence)}" for sentence in found.damaged]
    if found.missing:
        lines.append(missing_as_text(found.missing))
    if dry_run:
        lines.append("nothing was changed; without --dry-run it is drawn again")
    elif after.done:
        moved = f"; the damaged files are in {Path(folder) / 'damaged'}" if found.damaged else ""
        lines.append(f"drawn again: all {count(after.cells, 'cell')} are complete and sound now{moved}")
    else:
        lines.append(f"not all of it could be drawn again: {after.complete} of {after.cells} cells complete")
        lines += _failures_as_text(after.failures, folder)
    return "\n".join(lines)


def slopes_as_text(fits: Any) -> str:
    """What `kt_theory.fit_rate` gives for receipts: a row per panel and learner."""
    rows = [["panel", "learner", "slope", "over n", "fitted", "settled"]]
    for fit in fits.itertuples():
        slope = f"{fit.slope:.3f} +- {fit.slope_se:.3f}" if fit.points else "-"
        over = f"{fit.n_min:.3g}..{fit.n_max:.3g}" if fit.points else "-"
        settled = ("yes" if fit.resolved else "no") if fit.points else "-"
        fitted = f"{fit.points} of {fit.points + fit.left_out}"
        rows.append([shown(fit.panel), shown(fit.learner), slope, over, fitted, settled])
    return table(rows, left=(0, 1), width=terminal_width())


def missing_as_text(cells: Sequence[tuple[str, int]]) -> str:
    return f"missing: {_cells_as_text(cells)}"


def _cells_as_text(cells: Sequence[tuple[str, int]]) -> str:
    rest = f"\n  and {len(cells) - CELLS_LISTED} more" if len(cells) > CELLS_LISTED else ""
    listed = "".join(f"\n  {shown(panel)}, n={n}" for panel, n in cells[:CELLS_LISTED])
    return count(len(cells), "cell") + listed + rest


def _failures_as_text(failures: Sequence[Mapping[str, Any]], folder: str | Path) -> list[str]:
    if not failures:
        return []
    several = "es" if len(failures) > 1 else ""
    lines = [f"failed: {len(failures)} batch{several}; the command below each shows it again"]
    for failure in failures[:CELLS_LISTED]:
        lines += [f"  {shown(failure['error'], 200)}", f"    {_replay_command(failure, folder)}"]
    return lines + ([f"  and {len(failures) - CELLS_LISTED} more"] if len(failures) > CELLS_LISTED else [])


def _replay_command(failure: Mapping[str, Any], folder: str | Path) -> str:
    """Made anew: the folder may have been moved since the batch failed."""
    return shlex.join(["kt-theory", "study", "replay", str(folder), kt.study.names.Batch(**failure["batch"]).name])


def _versions_as_text(drawn_by: Iterable[Any]) -> list[str]:
    """Notes on batches of other versions: those of NumPy may draw other numbers, ours of one revision do not."""
    import numpy as np

    notes = []
    if others := {one.numpy for one in drawn_by} - {np.__version__}:
        drawn = f"some batches were drawn by NumPy {', '.join(sorted(others))}, and this is {np.__version__}"
        notes.append(f"note: {drawn}: another version may draw other numbers from the same seed, as good as these")
    if others := {one.kt_theory for one in drawn_by} - {kt.__version__}:
        drawn = f"some batches were drawn by kt_theory {', '.join(sorted(others))}, and this is {kt.__version__}"
        notes.append(f"note: {drawn}: both draw the same numbers from the same seed")
    return notes
