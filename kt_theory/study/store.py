r"""The folder of a study: a manifest, a file for every finished batch, and no file that is partly written.

::

    manifest.json                     what is to be run, with the seed, the versions and the licence of the data
    problems/<identity>.npz           teachers that are not instances of the paper, as tables or by their stored cells
    batches/<cell>/<seed>-<stage>-<index>-<repeats>.json
    failures/<cell>-...json           batches that raised: the exception, and how to see it again
    damaged/...                       files that were found damaged, moved out of the way
    lock                              which process draws which batch

The name of a batch determines its numbers: the cell (SHA-256 of the problem and n), the seed, the stage (run, or the
pilot that plans one), its number and its repeats. So every design finds a finished batch again or does not need it, and
none changes its numbers. Its file holds the moments of the learners that were asked for to the last digit, each under
the learner's name, its fingerprint and the divergence, and the SHA-256 of the file: it is read only if every byte is as
it was written. A learner that is added later is drawn alone and put beside them. Files are written under a temporary
name, flushed to the disk and renamed in one step. (Format 1, of kt_theory 0.1, had the moments of five learners in
every file; such folders are read and continued.)

A folder is that of a study if its manifest is sealed, or, where the manifest was lost or damaged, if a batch in it is.
Any other folder that is not empty is refused. Only files are moved or removed whose place and name are those of the
list above, or of the temporary neighbours of such files; other files in the folder of a study are left alone.
`StudyFiles` reads and writes nothing, not even a lock; `Store` writes.

Several processes may work in one folder. Each holds a lock, which the system releases when the process ends, also when
it is killed: shared on byte 0 of the file ``lock`` as long as it works, exclusive on a byte per batch while it draws
that batch. A process that is alone removes the temporary files that a killed process left. (Locks are those of POSIX;
where the system has none, two processes may draw the same batch, with the same result.)
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from kt_theory import __version__, checks
from kt_theory.divergences import Divergence
from kt_theory.learners import Learner
from kt_theory.problem import Problem
from kt_theory.simulation.cells import REVISION
from kt_theory.simulation.moments import Moments
from kt_theory.simulation.precision import REPS_MAX
from kt_theory.study.locks import lock
from kt_theory.study.names import CELL, PROBLEM, STAGES, Batch, is_own, is_own_temporary
from kt_theory.study.problems import read_problem, write_problem
from kt_theory.study.records import (
    FIELDS,
    FLAG,
    LATER_FACTS,
    LIST,
    PROTOCOL_FACTS,
    TEXT,
    Damaged,
    Kind,
    number,
    read_sealed,
    require,
    whole,
    write_sealed,
)

#: The format of folders that are written, and those that are read; a folder of another one is refused.
FORMAT, FORMATS = 2, (1, 2)

# --- What the fields of each file must be -------------------------------------------------------------------

_BATCH = {
    "cell": CELL,
    "seed": whole(),
    "stage": Kind(f"one of {', '.join(map(str, STAGES))}", lambda value: type(value) is int and value in STAGES),
    "index": whole(),
    "reps": whole(1, REPS_MAX),
}

_MANIFEST = {
    "name": TEXT,
    "seed": whole(),
    "reps": whole(1, REPS_MAX),
    "target_mcse": number().or_null(),
    "relative": FLAG,
    "max_reps": whole(1),
    "slope_se": number().or_null(),
    "licence": TEXT,
    "versions": Kind(
        "texts by name",
        lambda value: isinstance(value, dict) and all(isinstance(version, str) for version in value.values()),
    ),
    "divergence": FIELDS,
    "cells": LIST,
    "design": TEXT,
}

_MANIFEST_CELL = {
    "panel": TEXT,
    "n": whole(),
    "learners": Kind("a list of learners", lambda value: isinstance(value, list) and value != []),
    "problem": TEXT,
    "cell": CELL,
    "reference": FIELDS,
}

_INSTANCE = {"instance": whole(), "S": whole(1), "A": whole(1)}

_LEARNER = {"name": TEXT, "protocol": TEXT, "fingerprint": TEXT}

_DRAWN = {"format": whole(2, 2), "batch": FIELDS, "revision": whole(1), "moments": LIST}

_DRAWN_1 = {"batch": FIELDS, "moments": FIELDS, "drawn_by": FIELDS}

_COLUMN = {
    "learner": TEXT,
    "fingerprint": TEXT,
    "divergence": TEXT,
    "divergence_fingerprint": TEXT,
    # A mean or a square that float64 cannot hold is not stored as finite.
    "mean": number(),
    "squares": number(),
    "kt_theory": TEXT,
    "numpy": TEXT,
}

_FAILURE = {"batch": FIELDS, "error": TEXT, "traceback": TEXT, "replay": TEXT}


class Key(NamedTuple):
    """The key of a column of moments: a learner and a divergence, with fingerprints beside their names."""

    learner: str
    fingerprint: str
    divergence: str
    divergence_fingerprint: str


def keys_of(learners: Sequence[Learner], divergence: Divergence) -> list[Key]:
    """The keys of some learners in one divergence."""
    return [Key(own.name, own.fingerprint, divergence.name, divergence.fingerprint) for own in learners]


class Versions(NamedTuple):
    """The versions that drew a column."""

    kt_theory: str
    numpy: str


@dataclass(frozen=True)
class Drawn:
    """The moments of a batch, and the versions that drew it.

    Attributes
    ----------
    keys : tuple of Key
        What the columns of the moments are of.
    moments : Moments
        In the order of the keys.
    versions : tuple of Versions
        In the order of the keys.
    revision : int
        Of what draws and computes, see `kt_theory.simulation.cells.REVISION`; batches of two are never in one result.
    """

    keys: tuple[Key, ...]
    moments: Moments
    versions: tuple[Versions, ...]
    revision: int = 1

    @classmethod
    def now(cls, keys: Sequence[Key], moments: Moments) -> Drawn:
        """Drawn by what is running."""
        return cls(tuple(keys), moments, (Versions(__version__, np.__version__),) * len(keys), REVISION)

    def lacks(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the keys that it has no moments of."""
        return [key for key in keys if key not in self.keys]

    def of(self, keys: Sequence[Key]) -> Drawn:
        """The columns of some keys, in this order."""
        at = [self.keys.index(key) for key in keys]
        return Drawn(tuple(keys), self.moments.at(at), tuple(self.versions[i] for i in at), self.revision)

    def beside(self, other: Drawn) -> Drawn:
        """These columns, and after them those of another drawing of the batch that are not among them."""
        if other.revision != self.revision:
            both = f"revisions {self.revision} and {other.revision} of one batch"
            raise ValueError(f"{both}: their numbers are not mixed")
        new = other.of(self.lacks(other.keys))
        return Drawn(
            self.keys + new.keys, self.moments.beside(new.moments), self.versions + new.versions, self.revision
        )


def is_study(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is that of a study: its manifest is sealed or, if that is lost or damaged, one of its batches.

    A manifest that some other program wrote is none that is damaged.
    """
    path = Path(checks.path("folder", folder))
    try:
        return "format" in read_sealed(path / "manifest.json")
    except Damaged:
        pass
    return not _is_foreign(path / "manifest.json") and any(_is_sealed(batch) for batch in _files_of_batches(path))


def _is_foreign(manifest: Path) -> bool:
    """Whether a file is JSON that has nothing of a manifest of ours."""
    try:
        content = json.loads(manifest.read_bytes()) if manifest.is_file() else None
    except (ValueError, OSError, RecursionError):
        return False
    return content is not None and not (isinstance(content, dict) and {"format", "seed", "cells"} & set(content))


def _is_sealed(path: Path) -> bool:
    with contextlib.suppress(Damaged):
        read_sealed(path)
        return True
    return False


def _files_of_batches(folder: Path) -> list[Path]:
    """The files that are named as batches, sound or not, in the order of their names."""
    return [path for path in sorted((folder / "batches").glob("*/*.json")) if is_own(path.relative_to(folder))]


def _is_barely_begun(folder: Path) -> bool:
    """Whether a folder is empty, or holds no more than what is left of a run or merge that had no manifest yet."""
    parts = {"lock", "problems", "batches", "failures", "damaged"}
    if any(path.name not in parts and not is_own_temporary(PurePath(path.name)) for path in folder.iterdir()):
        return False
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return all(_may_be_written(path, folder) for path in files)


def _may_be_written(path: Path, folder: Path) -> bool:
    """Whether a file is of a name and place that a store writes; its lock is empty."""
    relative = path.relative_to(folder)
    if relative.parts == ("lock",):
        return path.stat().st_size == 0
    return is_own(relative) or is_own_temporary(relative)


# --- Reading ------------------------------------------------------------------------------------------------


class StudyFiles:
    """The folder of a study, to be read: nothing in it or beside it is written, and no lock is taken.

    Parameters
    ----------
    folder : path_like

    Raises
    ------
    ValueError
        If `folder` is not that of a study, or of another format.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(checks.path("folder", folder))
        if not is_study(self.folder):
            other = self.folder / "manifest.json"
            why = f": {other} is none that kt_theory wrote" if other.exists() else ""
            raise ValueError(f"{self.folder} is not the folder of a study{why}")

    # --- Batches --------------------------------------------------------------------------------------------

    def path(self, batch: Batch) -> Path:
        """The file of a batch, whether it is there or not."""
        return self.folder / "batches" / f"{batch.name}.json"

    def has(self, batch: Batch, keys: Sequence[Key] = ()) -> bool:
        """Whether there is a file for the batch that has these moments; a damaged file counts, `load` refuses it."""
        if not self.path(batch).is_file():
            return False
        try:
            return not keys or not self.load(batch).lacks(keys)
        except Damaged:
            return True

    def load(self, batch: Batch) -> Drawn:
        """The moments of a batch, if every byte of its file is as it was written; raises `Damaged` otherwise."""
        path = self.path(batch)
        content = read_sealed(path)
        old = "format" not in content
        require(path, content, _DRAWN_1 if old else _DRAWN)
        if content["batch"] != asdict(batch):
            raise Damaged(f"{path} holds another batch than its name says")
        columns, revision = _columns_of_format_1(path, content) if old else (content["moments"], content["revision"])
        counts = {"nonzero": whole(0, batch.reps), "infinite": whole(0, batch.reps)}
        for i, column in enumerate(columns):
            where = f"moments[{i}]"
            require(path, {where: column}, {where: FIELDS})
            require(path, column, {**_COLUMN, **counts}, f"{where}.")
            if column["divergence"] == "tv":
                require(path, column, {"mean": number(0, 1 + 1e-6)}, f"{where}.")
        keys = tuple(Key(*(column[name] for name in Key._fields)) for column in columns)
        if len(set(keys)) < len(keys):
            raise Damaged(f"{path} has the moments of one learner twice")
        moments = Moments(
            tuple(key.learner for key in keys),
            batch.reps,
            *(np.array([column[name] for column in columns], dtype=np.float64) for name in ("mean", "squares")),
            *(np.array([column[name] for column in columns], dtype=np.int64) for name in ("nonzero", "infinite")),
        )
        versions = tuple(Versions(column["kt_theory"], column["numpy"]) for column in columns)
        return Drawn(keys, moments, versions, revision)

    def batches(self) -> Iterator[Batch]:
        """All batches that there are files of, sound or not, in the order of their names."""
        for path in _files_of_batches(self.folder):
            yield Batch.named(f"{path.parent.name}/{path.name}")

    # --- Failures -------------------------------------------------------------------------------------------

    def failure_paths(self) -> list[Path]:
        """The records of failures, sound or not, in the order of their names."""
        paths = sorted((self.folder / "failures").glob("*.json"))
        return [path for path in paths if is_own(path.relative_to(self.folder))]

    def failures(self) -> list[dict[str, Any]]:
        """What failed and was not mended since: batch, error, traceback, replay."""
        found = []
        for path in self.failure_paths():
            with contextlib.suppress(Damaged):  # `check` reports it
                found.append(self.failure(path))
        return found

    def failure(self, path: Path) -> dict[str, Any]:
        """One record of a failure; raises `Damaged`."""
        content = read_sealed(path)
        require(path, content, _FAILURE)
        require(path, content["batch"], _BATCH, "batch.")
        batch = Batch(**{name: content["batch"][name] for name in _BATCH})
        if path != self._failure_path(batch):
            raise Damaged(f"{path} holds another batch than its name says")
        return {**content, "batch": asdict(batch)}

    def _failure_path(self, batch: Batch) -> Path:
        return self.folder / "failures" / f"{batch.name.replace('/', '-')}.json"

    # --- The manifest and the problems ----------------------------------------------------------------------

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        """What is to be run; raises ValueError if there is none or of another format, `Damaged` if it is."""
        if not self.manifest_path.exists():
            raise ValueError(f"{self.folder} has no manifest.json: no study was run there")
        content = read_sealed(self.manifest_path)
        if content.get("format") not in FORMATS:
            known = " and ".join(map(str, FORMATS))
            raise ValueError(f"{self.folder} is of format {content.get('format')}: this version reads formats {known}")
        if content["format"] == 1:
            content = _manifest_of_format_1(content)
        require(self.manifest_path, content, _MANIFEST)
        require(self.manifest_path, content["divergence"], {"name": TEXT, "fingerprint": TEXT}, "divergence.")
        places: set[tuple[str, int]] = set()
        for i, entry in enumerate(content["cells"]):
            where = f"cells[{i}]"
            require(self.manifest_path, {where: entry}, {where: FIELDS})
            require(self.manifest_path, entry, _MANIFEST_CELL, f"{where}.")
            for j, learner in enumerate(entry["learners"]):
                require(self.manifest_path, {f"{where}.learners[{j}]": learner}, {f"{where}.learners[{j}]": FIELDS})
                require(self.manifest_path, learner, _LEARNER, f"{where}.learners[{j}].")
                if "protocol_facts" in learner:
                    inside = f"{where}.learners[{j}].protocol_facts"
                    require(self.manifest_path, {inside: learner["protocol_facts"]}, {inside: FIELDS})
                    written = {fact: kind for fact, kind in LATER_FACTS.items() if fact in learner["protocol_facts"]}
                    require(self.manifest_path, learner["protocol_facts"], PROTOCOL_FACTS | written, f"{inside}.")
            reference = entry["reference"]
            kinds = {"table": PROBLEM} if "table" in reference else _INSTANCE
            form = {"sparse": FLAG} if "sparse" in reference else {}
            require(self.manifest_path, reference, kinds | form, f"{where}.reference.")
            if (entry["panel"], entry["n"]) in places:
                raise Damaged(f"{self.manifest_path}: panel {entry['panel']!r} has n={entry['n']} twice")
            places.add((entry["panel"], entry["n"]))
        return content

    def problem(self, identity: str, name: str, sparse: bool = False) -> Problem:
        """A problem that was kept; raises `Damaged` if it is not the one that its identity names."""
        return read_problem(self._problem_path(identity), identity, name, sparse)

    def _problem_path(self, identity: str) -> Path:
        return self.folder / "problems" / f"{identity}.npz"


# --- Writing ------------------------------------------------------------------------------------------------


class Store(StudyFiles):
    """The folder of a study, open for work; a context manager, which releases its locks at the end.

    Parameters
    ----------
    folder : path_like
        Made if it does not exist.
    sweep : bool
        Whether to remove the temporary files that killed processes left, if no other process works in the folder.

    Raises
    ------
    ValueError
        If `folder` exists and is not a folder, or is neither empty nor that of a study, or is of another format.
    """

    def __init__(self, folder: str | os.PathLike[str], *, sweep: bool = False) -> None:
        path = Path(checks.path("folder", folder))
        if path.exists() and not path.is_dir():
            raise ValueError(f"{path} is not a folder")
        if is_study(path):
            super().__init__(path)
            with contextlib.suppress(Damaged):  # which the process that opened it repairs
                if self.manifest_path.exists():
                    self.manifest()
        elif path.is_dir() and not _is_barely_begun(path):
            raise ValueError(f"{path} is not empty and not the folder of a study: choose another one")
        self.folder, self._sweeps = path, sweep
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ValueError(f"{self.folder} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Store:
        """Take a shared lock on the folder; sweep it first if that is wanted and no other process has one."""
        if self._sweeps and lock(self._lock, "exclusive", 0):
            self._sweep()
        while not lock(self._lock, "shared", 0):  # another process sweeps
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def _sweep(self) -> None:
        """Remove the temporary files that killed processes left."""
        for pattern in (".*", "problems/.*", "failures/.*", "batches/*/.*"):
            for leftover in self.folder.glob(pattern):
                if is_own_temporary(leftover.relative_to(self.folder)) and leftover.is_file():
                    leftover.unlink(missing_ok=True)

    def claim(self, batch: Batch) -> bool:
        """Whether this process may draw the batch: no other process does."""
        return lock(self._lock, "exclusive", _byte(batch))

    def release(self, batch: Batch) -> None:
        """Give a claim back."""
        lock(self._lock, "none", _byte(batch))

    def save(self, batch: Batch, drawn: Drawn) -> None:
        """Write a batch, whole or not at all, and remove the records of its failures."""
        moments = drawn.moments
        numbers = zip(
            drawn.keys,
            drawn.versions,
            moments.mean.tolist(),
            moments.squares.tolist(),
            moments.nonzero.tolist(),
            moments.infinite.tolist(),
            strict=True,
        )
        columns = [
            {
                **key._asdict(),
                "mean": mean,
                "squares": squares,
                "nonzero": nonzero,
                "infinite": infinite,
                **versions._asdict(),
            }
            for key, versions, mean, squares, nonzero, infinite in numbers
        ]
        content = {"format": FORMAT, "batch": asdict(batch), "revision": drawn.revision, "moments": columns}
        write_sealed(self.path(batch), content)
        self._failure_path(batch).unlink(missing_ok=True)

    def fail(self, batch: Batch, error: str, trace: str) -> None:
        """Record that a batch raised, with a command that shows it again."""
        replay = shlex.join(["kt-theory", "study", "replay", str(self.folder), batch.name])
        content = {"batch": asdict(batch), "error": error, "traceback": trace, "replay": replay}
        write_sealed(self._failure_path(batch), content)

    def set_aside(self, path: Path) -> Path:
        """Move a damaged file out of the way; nothing is lost."""
        target = self.folder / "damaged" / path.relative_to(self.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        number = 0
        while target.exists():
            number += 1
            target = target.with_name(f"{path.stem}.{number}{path.suffix}")
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            os.replace(path, target)
        return target

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Write what is to be run."""
        write_sealed(self.manifest_path, {"format": FORMAT, **content})

    def keep_problem(self, problem: Problem) -> None:
        """Keep a problem that cannot be made again from a few numbers."""
        path = self._problem_path(problem.identity)
        if path.is_file():
            try:
                read_problem(path, problem.identity, problem.name, problem.sparse)
                return
            except Damaged:
                self.set_aside(path)
        write_problem(path, problem)


# --- Format 1: the folders of kt_theory 0.1 -----------------------------------------------------------------

#: The learners of format 1, in the order of its files, and their protocols.
_LEARNERS_1 = {"CE_sgl": "hard", "CE_ptl": "partial", "SEL_ptl": "partial", "CE_ful": "soft", "ADD_sgl": "hard"}


def _columns_of_format_1(path: Path, content: Mapping[str, Any]) -> tuple[list[Any], int]:
    """The moments of a batch of format 1 as columns of format 2, and its revision, which was not written at first."""
    require(path, content["drawn_by"], {"kt_theory": TEXT, "numpy": TEXT}, "drawn_by.")
    revision = content["drawn_by"].get("revision", 1)
    require(path, {"revision": revision}, {"revision": whole(1)}, "drawn_by.")
    require(path, content["moments"], dict.fromkeys(_LEARNERS_1, FIELDS), "moments.")
    versions = {name: content["drawn_by"][name] for name in ("kt_theory", "numpy")}
    columns = [
        {
            **content["moments"][name],
            "learner": name,
            "fingerprint": f"{name} 1",
            "divergence": "tv",
            "divergence_fingerprint": "tv 1",
            "infinite": 0,
            **versions,
        }
        for name in _LEARNERS_1
    ]
    return columns, revision


def _manifest_of_format_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest of format 1 as one of format 2; fields that are not as they must be are left for `require` to name."""

    def learner(name: Any) -> Any:
        known = isinstance(name, str) and name in _LEARNERS_1
        return {"name": name, "protocol": _LEARNERS_1[name], "fingerprint": f"{name} 1"} if known else name

    def cell(entry: Any) -> Any:
        if not isinstance(entry, dict) or not isinstance(entry.get("learners"), list):
            return entry
        return {**entry, "learners": [learner(name) for name in entry["learners"]]}

    cells = content.get("cells")
    listed = [cell(entry) for entry in cells] if isinstance(cells, list) else cells
    divergence = {"name": "tv", "fingerprint": "tv 1"}
    return {"divergence": divergence, **content, **({"cells": listed} if "cells" in content else {})}


def _byte(batch: Batch) -> int:
    """The byte of the lock file that stands for a batch: 1 and beyond, 2^60 of them."""
    return 1 + int(hashlib.sha256(batch.name.encode()).hexdigest()[:15], 16)


def remove(folder: str | os.PathLike[str]) -> None:
    """Remove what a store wrote into a folder, and the folder and its parent if that leaves them empty."""
    path = Path(folder)
    if not is_study(path):
        return
    for file in list(path.rglob("*")):
        if file.is_file() and _may_be_written(file, path):
            file.unlink()
    parts = [path / part for part in ("problems", "batches", "failures", "damaged")]
    inside = [found for part in parts for found in part.rglob("*") if found.is_dir()]
    for emptied in [*sorted(inside, reverse=True), *parts, path, path.parent]:
        with contextlib.suppress(OSError):
            emptied.rmdir()
