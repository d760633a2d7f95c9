r"""The folder of a study: a manifest, a file for every finished batch, and nothing that was half written.

::

    manifest.json                     what is to be run, with the seed, the versions and the licence of the data
    problems/<identity>.npz           teachers that are not instances of the paper
    batches/<cell>/<seed>-<stage>-<index>-<repeats>.json
    failures/<cell>-...json           batches that raised: the exception, and how to see it again
    damaged/...                       files that were found damaged, moved out of the way
    lock                              who is at work on what

A batch is named by what it is: the cell (SHA-256 of the problem and n), the seed, the stage (run, or the pilot that
plans one), its number and its repeats. So whatever is asked for, a finished batch is found again or not needed, and no
design can change its numbers. Its file holds the moments of all learners to the last digit, and the SHA-256 of itself:
it is read only if every byte is as it was written. Files are written under a temporary name, flushed to the disk and
renamed in one step.

Several processes may work in one folder. Each holds a lock, which the system takes back when the process ends, however
it ends: shared on byte 0 of the file ``lock`` as long as it works, exclusive on a byte per batch while it draws that
batch. Whoever is alone removes the temporary files that a killed process left behind. (Locks are those of POSIX; where
the system has none, two processes may draw the same batch, with the same result.)
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shlex
import shutil
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from kt_theory import __version__, kernels
from kt_theory.files import write_whole
from kt_theory.montecarlo import PILOT, RUN, Moments
from kt_theory.problem import Problem

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

#: The format of the folder; a folder of another one is refused.
FORMAT = 1

STAGES = {RUN: "run", PILOT: "pilot"}


class Damaged(ValueError):
    """A file of the folder is not what was written; the message names it and what is wrong."""


@dataclass(frozen=True)
class Batch:
    """What a batch is: it determines its numbers.

    Attributes
    ----------
    cell : str
        Identity of the problem and n, see `kt_theory.montecarlo.Cell`.
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
            cell, rest = name.removesuffix(".json").split("/")[-2:]
            seed, stage, index, reps = rest.split("-")
            return cls(cell, int(seed), stages[stage], int(index), int(reps))
        except (ValueError, KeyError):
            raise ValueError(f"{name!r} is no batch: cell/seed-stage-index-repeats is needed") from None


@dataclass(frozen=True)
class Drawn:
    """The moments of a batch, and the versions that drew it.

    Attributes
    ----------
    moments : Moments
        Of all learners, columns as in `kernels.COLUMNS`.
    version, numpy : str
        Of kt_theory and of NumPy.
    """

    moments: Moments
    version: str
    numpy: str

    @classmethod
    def now(cls, moments: Moments) -> Drawn:
        """Drawn by what is running."""
        return cls(moments, __version__, np.__version__)


class Store:
    """The folder of a study, open for work; a context manager, which gives up its locks at the end.

    Parameters
    ----------
    folder : path_like
        Made if it does not exist.

    Raises
    ------
    ValueError
        If `folder` exists and is not a folder, or not that of a study.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is not a folder")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not is_study(self.folder):
            raise ValueError(f"{self.folder} is not empty and not the folder of a study: choose another one")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ValueError(f"{self.folder} cannot be written: {error.strerror}") from None

    def __enter__(self) -> Store:
        self._enter_alone_or_together()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    # --- Locks ----------------------------------------------------------------------------------------------

    def _enter_alone_or_together(self) -> None:
        """Take a shared lock on the folder; sweep it first if nobody else has one."""
        if _lock(self._lock, "exclusive", 0):
            self._sweep()
        while not _lock(self._lock, "shared", 0):  # somebody sweeps
            time.sleep(0.01)

    def _sweep(self) -> None:
        """Remove the temporary files that killed processes left."""
        for part in ("batches", "problems", "failures", "."):
            pattern = "*/.*" if part == "batches" else ".*"
            for leftover in (self.folder / part).glob(pattern):
                if leftover.is_file():
                    leftover.unlink(missing_ok=True)

    def claim(self, batch: Batch) -> bool:
        """Whether this process may draw the batch: nobody else is at it."""
        return _lock(self._lock, "exclusive", _byte(batch))

    def release(self, batch: Batch) -> None:
        """Give a claim back."""
        _lock(self._lock, "none", _byte(batch))

    # --- Batches --------------------------------------------------------------------------------------------

    def path(self, batch: Batch) -> Path:
        return self.folder / "batches" / f"{batch.name}.json"

    def has(self, batch: Batch) -> bool:
        """Whether there is a file for the batch; whether it is sound, `load` says."""
        return self.path(batch).is_file()

    def load(self, batch: Batch) -> Drawn:
        """The moments of a batch, if every byte of its file is as it was written; raises `Damaged` otherwise."""
        path = self.path(batch)
        content = _read_sealed(path)
        try:
            if content["batch"] != asdict(batch):
                raise Damaged(f"{path} holds another batch than its name says")
            columns = content["moments"]
            moments = Moments(
                batch.reps,
                np.array([columns[name]["mean"] for name in kernels.COLUMNS]),
                np.array([columns[name]["squares"] for name in kernels.COLUMNS]),
                np.array([columns[name]["nonzero"] for name in kernels.COLUMNS], dtype=np.int64),
            )
            return Drawn(moments, content["drawn_by"]["kt_theory"], content["drawn_by"]["numpy"])
        except (KeyError, TypeError) as error:
            raise Damaged(f"{path} lacks {error}: it was written by another version") from None

    def save(self, batch: Batch, drawn: Drawn) -> None:
        """Write a batch, whole or not at all; what was known of its failures is forgotten."""
        moments = drawn.moments
        columns = {
            name: {"mean": mean, "squares": squares, "nonzero": nonzero}
            for name, mean, squares, nonzero in zip(
                kernels.COLUMNS,
                moments.mean.tolist(),
                moments.squares.tolist(),
                moments.nonzero.tolist(),
                strict=True,
            )
        }
        drawn_by = {"kt_theory": drawn.version, "numpy": drawn.numpy}
        _write_sealed(self.path(batch), {"batch": asdict(batch), "drawn_by": drawn_by, "moments": columns})
        self._failure_path(batch).unlink(missing_ok=True)

    def batches(self) -> Iterator[Batch]:
        """All batches that there are files of, sound or not, in the order of their names."""
        for path in sorted((self.folder / "batches").glob("*/*.json")):
            if not path.name.startswith("."):
                with contextlib.suppress(ValueError):
                    yield Batch.named(f"{path.parent.name}/{path.name}")

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

    # --- Failures -------------------------------------------------------------------------------------------

    def _failure_path(self, batch: Batch) -> Path:
        return self.folder / "failures" / f"{batch.name.replace('/', '-')}.json"

    def fail(self, batch: Batch, error: str, trace: str) -> None:
        """Record that a batch raised, with a command that shows it again."""
        replay = shlex.join(["kt-theory", "study", "replay", str(self.folder), batch.name])
        content = {"batch": asdict(batch), "error": error, "traceback": trace, "replay": replay}
        _write_sealed(self._failure_path(batch), content)

    def failures(self) -> list[dict[str, Any]]:
        """What failed and was not mended since: batch, error, traceback, replay."""
        found = []
        for path in sorted((self.folder / "failures").glob("[!.]*.json")):
            with contextlib.suppress(Damaged):  # `check` says so
                found.append(self.failure(path))
        return found

    def failure(self, path: Path) -> dict[str, Any]:
        """One record of a failure; raises `Damaged`."""
        return _read_sealed(path)

    # --- The manifest and the problems ----------------------------------------------------------------------

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        """What is to be run; raises `Damaged` if the file is, ValueError if there is none."""
        if not self.manifest_path.is_file():
            raise ValueError(f"{self.folder} has no manifest.json: no study was run there")
        content = _read_sealed(self.manifest_path)
        if content.get("format") != FORMAT:
            raise ValueError(f"{self.folder} is of format {content.get('format')}: this version reads format {FORMAT}")
        return content

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        _write_sealed(self.manifest_path, {"format": FORMAT, **content})

    def keep_problem(self, problem: Problem) -> None:
        """Keep a problem that cannot be made again from a few numbers."""
        path = self.folder / "problems" / f"{problem.identity}.npz"
        if path.is_file():
            try:
                self.problem(problem.identity, problem.name)
                return
            except Damaged:
                self.set_aside(path)

        def write(file: Path) -> None:
            with open(file, "wb") as handle:
                np.savez(handle, rho=problem.rho, teacher=problem.teacher)

        write_whole(path, write)

    def problem(self, identity: str, name: str) -> Problem:
        """A problem that was kept; raises `Damaged` if it is not the one that its identity names."""
        path = self.folder / "problems" / f"{identity}.npz"
        try:
            with np.load(path) as tables:
                problem = Problem(tables["rho"], tables["teacher"], name=name)
        except FileNotFoundError:
            raise Damaged(f"{path} is missing: run the study again from its design") from None
        except Exception as error:
            raise Damaged(f"{path} cannot be read ({type(error).__name__}: {error})") from None
        if problem.identity != identity:
            raise Damaged(f"{path} is not the problem that its name says")
        return problem


def _lock(handle: int, kind: str, byte: int) -> bool:
    """Lock one byte of an open file without waiting: shared, exclusive or none; whether that was possible."""
    if fcntl is None:
        return True
    try:
        if sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK"):
            # Locks of the open file: one process may open a folder twice, and closing one leaves the other's alone.
            wanted = {"shared": fcntl.F_RDLCK, "exclusive": fcntl.F_WRLCK, "none": fcntl.F_UNLCK}[kind]
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", wanted, os.SEEK_SET, byte, 1, 0))
        else:
            wanted = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX, "none": fcntl.LOCK_UN}[kind]
            fcntl.lockf(handle, wanted | (0 if kind == "none" else fcntl.LOCK_NB), 1, byte)
    except OSError as error:
        # Held by another process; or a file system without locks, on which nobody can hold one.
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True


def _byte(batch: Batch) -> int:
    """The byte of the lock file that stands for a batch: 1 and beyond, 2^60 of them."""
    return 1 + int(hashlib.sha256(batch.name.encode()).hexdigest()[:15], 16)


# --- Sealed files: JSON that carries the SHA-256 of itself ---------------------------------------------------


def _sealed(content: Mapping[str, Any]) -> bytes:
    body = json.dumps(content, indent=1)
    seal = hashlib.sha256(body.encode()).hexdigest()
    return json.dumps({**content, "sha256": seal}, indent=1).encode() + b"\n"


def _write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    write_whole(path, lambda file: file.write_bytes(_sealed(content)))


def _read_sealed(path: Path) -> dict[str, Any]:
    """The content of a sealed file; raises `Damaged` unless its bytes are exactly those of its content and seal."""
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}") from None
    try:
        content = json.loads(written)
        seal = content.pop("sha256")
    except (ValueError, AttributeError, KeyError, TypeError):
        raise Damaged(f"{path} is damaged: {len(written)} bytes that are no sealed record") from None
    if _sealed(content) != written:
        raise Damaged(f"{path} is damaged: its SHA-256 is not {str(seal)[:12]}...")
    return content


def is_study(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is that of a study; the empty lock file may have been lost when it was copied."""
    return any((Path(folder) / name).is_file() for name in ("lock", "manifest.json"))


def remove(folder: str | os.PathLike[str]) -> None:
    """Remove the folder of a study, and nothing that is not one; its parent too, if that is left empty."""
    path = Path(folder)
    if is_study(path):
        shutil.rmtree(path)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
