"""What the files of a study are called: batches, and every name that a store writes."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import PurePath

from kt_theory import checks
from kt_theory.files import written_for
from kt_theory.simulation.cells import PILOT, RUN
from kt_theory.study.records import hexadecimal

STAGES = {RUN: "run", PILOT: "pilot"}

#: Identities of cells and of problems.
CELL, PROBLEM = hexadecimal(32), hexadecimal(64)


@dataclass(frozen=True)
class Batch:
    """What a batch is: it determines its numbers.

    Attributes
    ----------
    cell : str
        Identity of the problem and n, see `kt_theory.simulation.cells.Cell`.
    seed : int
    stage : int
        `RUN` or `PILOT`.
    index : int
        Number of the batch in its run.
    reps : int
        Repeats in it.
    """

    cell: str
    seed: int
    stage: int
    index: int
    reps: int

    @property
    def name(self) -> str:
        """Folder and file name, without suffix: ``cell/seed-stage-index-repeats``."""
        return f"{self.cell}/{self.seed}-{STAGES[self.stage]}-{self.index:06d}-{self.reps}"

    @classmethod
    def named(cls, name: str) -> Batch:
        """The batch of a name."""
        stages = {word: stage for stage, word in STAGES.items()}
        try:
            cell, rest = checks.text("name", name).removesuffix(".json").split("/")[-2:]
            seed, stage, index, reps = rest.split("-")
            return cls(cell, int(seed), stages[stage], int(index), int(reps))
        except (ValueError, KeyError):
            raise ValueError(f"{checks.shown(name)} is no batch: cell/seed-stage-index-repeats is needed") from None


def is_own(relative: PurePath) -> bool:
    """Whether a path, relative to the folder, is one that a store writes a file at."""
    match relative.parts:
        case ("manifest.json",) | ("lock",):
            return True
        case ("problems", name):
            return name.endswith(".npz") and PROBLEM.holds(name.removesuffix(".npz"))
        case ("batches", cell, name):
            return name.endswith(".json") and _is_batch(f"{cell}/{name.removesuffix('.json')}")
        case ("failures", name):
            return name.endswith(".json") and _is_batch(name.removesuffix(".json").replace("-", "/", 1))
        case ("damaged", *inner) if inner:
            first = PurePath(*inner)
            return is_own(first) or is_own(first.with_name(re.sub(r"\.[0-9]+(\.[a-z]+)$", r"\1", first.name)))
    return False


def is_own_temporary(relative: PurePath) -> bool:
    """Whether a path, relative to the folder, is that of a temporary neighbour of a file that a store writes."""
    target = written_for(relative.name)
    return target is not None and is_own(relative.with_name(target))


def _is_batch(name: str) -> bool:
    """Whether a name is, letter by letter, that of a batch."""
    with contextlib.suppress(ValueError):
        batch = Batch.named(name)
        return batch.name == name and CELL.holds(batch.cell)
    return False
