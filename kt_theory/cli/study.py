"""`kt-theory study`: run, status, check, merge, export, plot, replay."""

from __future__ import annotations

import argparse
import contextlib
import errno
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kt_theory as kt
from kt_theory.cli.exits import BROKEN, HELD, INTERRUPTED, refused, say
from kt_theory.cli.options import add_command, check_output, path, whole, workers
from kt_theory.cli.printing import count, frame_as_text, print_json
from kt_theory.cli.shipped import shipped_designs
from kt_theory.cli.study_text import (
    check_as_text,
    missing_as_text,
    run_as_text,
    run_fields,
    slopes_as_text,
    status_as_text,
    status_fields,
)
from kt_theory.files import check_suffix

if TYPE_CHECKING:
    from concurrent.futures import Executor


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "study",
        None,
        "run a grid of cells into a folder, and go on after any interruption",
        "A study is a design (TOML or Python: instances or teachers, S, A, n, learners, repeats or a target) and a\n"
        "folder in which every finished batch is kept. After an interruption the same command goes on from what\n"
        "is stored. The numbers are the same bytes wherever they are drawn, and after any interruption.\n"
        "docs/studies.md is the guide.",
        "kt-theory study run rates        # one of the designs that ship: rates, next_word, own_family\n"
        "  kt-theory study status rates     # how far the folder `rates` is\n"
        "  kt-theory study export rates --out rates.csv",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _study_run_parser(actions)
    _study_folder_parsers(actions)


def _study_run_parser(actions: Any) -> None:
    parser = add_command(
        actions,
        "run",
        _study_run,
        "draw what a design asks for and the folder lacks",
        "Draw every batch that the design asks for and the folder does not have; then print what is stored, what\n"
        "failed, and the command that repeats a failure. Exit code 1 if a cell that was to be drawn here is not\n"
        "complete. Ctrl-C stores the batches being drawn and prints the command that goes on. The place of the draws\n"
        "(threads, processes, a cluster, several machines that share the cells) changes no number.",
        "kt-theory study run rates --out rates --workers 2\n"
        "  kt-theory study run my_design.toml --share 1/2     # half of the cells; 2/2 on another machine, then merge\n"
        "  kt-theory study run my_design.py --scheduler tcp://10.0.0.1:8786",
    )
    parser.add_argument(
        "design", type=path, metavar="DESIGN", help="a .toml or .py file, or the name of a design that ships"
    )
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help="folder of the study (default: the design's name, here)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=workers, metavar="N", help="draw in N threads (default: all processors)")
    where.add_argument("--processes", type=workers, metavar="N", help="draw in N processes")
    where.add_argument(
        "--scheduler", type=path, metavar="ADDRESS", help="draw on a Dask cluster: tcp://HOST:PORT (extra cluster)"
    )
    parser.add_argument("--share", metavar="I/K", help="draw the I-th of K shares of the cells only, such as 1/2")
    parser.add_argument("--seed", type=whole(), help="seed of all draws (default: the design's)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def _study_folder_parsers(actions: Any) -> None:
    parser = add_command(
        actions,
        "status",
        _study_status,
        "print how much of a study is complete",
        "Print the cells and batches that are stored, missing cells, and batches that raised. Batches are counted by\n"
        "name; `check` reads them.",
        "kt-theory study status rates",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER", help="folder of a study")
    parser.add_argument("--json", action="store_true", help="print the status as JSON")

    parser = add_command(
        actions,
        "check",
        _study_check,
        "read every byte of a study, and draw again what is missing or damaged",
        "Read every file and compare it with its checksum. What is damaged is moved to FOLDER/damaged; that, and what\n"
        "is missing, is drawn again: the same numbers. Exit code 0 if all is sound, or is so now.",
        "kt-theory study check rates --dry-run",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER", help="folder of a study")
    parser.add_argument("--dry-run", action="store_true", help="change nothing; exit code 1 if anything was found")
    parser.add_argument("--workers", type=workers, metavar="N", help="threads (default: all processors)")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")

    parser = add_command(
        actions,
        "merge",
        _study_merge,
        "join folders that were filled on several machines",
        "Copy into INTO the batches of the other folders that it lacks, and give it the cells of all. They must have\n"
        "the same seed and repeats or target. A batch that two of them have must be the same in both.",
        "kt-theory study merge rates rates-of-the-other-machine",
    )
    parser.add_argument("into", type=path, metavar="INTO", help="the folder that receives; made if it does not exist")
    parser.add_argument("others", type=path, metavar="FROM", nargs="+", help="folders of studies; they are not changed")
    parser.add_argument("--json", action="store_true", help="print the status of INTO as JSON")

    parser = add_command(
        actions,
        "export",
        _study_export,
        "write the receipts of a study as a table",
        "Write a row per cell and learner: mean risk, standard error, repeats, and what it takes to draw it again.\n"
        "Cells that are not complete are named and left out; the exit code is 1 then. --out - is standard output.",
        "kt-theory study export rates --out rates.csv",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER", help="folder of a study")
    parser.add_argument(
        "--out",
        type=path,
        metavar="FILE",
        default="-",
        help="CSV or Parquet, by its ending (default: CSV to standard output)",
    )

    parser = add_command(
        actions,
        "plot",
        _study_plot,
        "draw the receipts of a study, and print its slopes",
        "Draw mean risk against n for each panel and learner, with error bars of two standard errors, and print the\n"
        "fitted slope of each. Cells that are not complete are named and left out; the exit code is 1 then.",
        "kt-theory study plot rates --out rates.png",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER", help="folder of a study")
    about = "a .png; a .pdf of the same name is written beside it (default: FOLDER.png)"
    parser.add_argument("--out", type=path, metavar="FILE", help=about)

    parser = add_command(
        actions,
        "replay",
        _study_replay,
        "draw one batch in this process, and print what it raises",
        "Draw one batch and print its moments for each learner: mean risk, sum of squared deviations, repeats of\n"
        "non-zero risk. If it raises, print the traceback; the exit code is 1 then. Nothing is stored. `status` and\n"
        "`run` print the command for each batch that failed.",
        "kt-theory study replay rates 0f3e0c2d11ab4c6e9d0f3e0c2d11ab4c/1-run-000000-4000",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER", help="folder of a study")
    parser.add_argument("batch", metavar="BATCH", help="its name: cell/seed-stage-index-repeats")


def _study_run(arguments: argparse.Namespace) -> int:
    design = kt.study.read_design(_design_file(arguments.design))
    design = kt.study.folders.with_seed(design, arguments.seed)
    share = _share(arguments.share)
    if arguments.out == "":
        raise ValueError("--out is empty: name a folder, or leave --out away")
    folder = Path(arguments.out or Path(arguments.design).stem)

    def work() -> int:
        with _executor(arguments) as executor:
            outcome = kt.study.run_in_folder(
                design, folder, executor=executor, workers=arguments.workers, share=share, progress=True
            )
        found = kt.study.status(folder)
        if arguments.json:
            print_json(run_fields(outcome, found, folder))
        else:
            print(run_as_text(outcome, found, folder))
        return BROKEN if outcome.missing_here else HELD

    return _stoppable(work, folder, arguments)


def _study_status(arguments: argparse.Namespace) -> int:
    return _soundly(lambda: _print_status(kt.study.status(arguments.folder), arguments.folder, arguments))


def _print_status(found: Any, folder: str, arguments: argparse.Namespace) -> int:
    if arguments.json:
        print_json(status_fields(found, folder))
    else:
        print(status_as_text(found, folder))
    return HELD


def _study_check(arguments: argparse.Namespace) -> int:
    folder = arguments.folder

    def work() -> int:
        found = kt.study.check(folder, repair=not arguments.dry_run, workers=arguments.workers, progress=True)
        after = found if arguments.dry_run or found.done else kt.study.status(folder)
        if arguments.json:
            print_json({**status_fields(found, folder), "dry_run": arguments.dry_run, "sound": after.done})
        else:
            print(check_as_text(found, after, folder, dry_run=arguments.dry_run))
        return HELD if after.done else BROKEN

    return _stoppable(work, folder, arguments)


def _study_merge(arguments: argparse.Namespace) -> int:
    def work() -> int:
        return _print_status(kt.study.merge(arguments.into, arguments.others), arguments.into, arguments)

    return _soundly(work)


def _study_export(arguments: argparse.Namespace) -> int:
    if arguments.out != "-":
        check_suffix(arguments.out, ".csv", ".parquet")
    return _soundly(lambda: _write_export(kt.study.export(arguments.folder), arguments))


def _write_export(outcome: Any, arguments: argparse.Namespace) -> int:
    receipts = outcome.receipts
    if outcome.missing:
        say(f"{missing_as_text(outcome.missing)}")
    if receipts.empty:
        what = "nothing" if arguments.out == "-" else f"{arguments.out} was not"
        say(f"no cell is complete: {what} written")
        return BROKEN
    if arguments.out == "-":
        print(kt.study.receipts_as_csv(receipts), end="")
        return BROKEN if outcome.missing else HELD
    if Path(arguments.out).suffix.lower() == ".parquet":
        kt.tables.write_table(receipts.drop(columns="seconds"), arguments.out)
    else:
        kt.study.write_receipts(receipts, arguments.out)
    cells = len(receipts[["panel", "n"]].drop_duplicates())
    print(f"{len(receipts)} rows of {count(cells, 'cell')}: {Path(arguments.out).resolve()}")
    return BROKEN if outcome.missing else HELD


def _study_plot(arguments: argparse.Namespace) -> int:
    out = arguments.out or f"{Path(arguments.folder).resolve().name}.png"
    check_output(out, ".png", inputs={}, argument="out")
    return _soundly(lambda: _plot(kt.study.export(arguments.folder), out))


def _plot(outcome: Any, out: str) -> int:
    if outcome.missing:
        say(missing_as_text(outcome.missing))
    if outcome.receipts.empty:
        say(f"no cell is complete: {out} was not written")
        return BROKEN
    kt.plots.draw_receipts(outcome.receipts, Path(out).with_suffix(""))
    print(slopes_as_text(kt.fit_rate(outcome.receipts)))
    print(f"figure: {Path(out).resolve()}")
    return BROKEN if outcome.missing else HELD


def _study_replay(arguments: argparse.Namespace) -> int:
    return _soundly(lambda: _replay(arguments.folder, arguments.batch))


def _replay(folder: str, batch: str) -> int:
    kt.study.folders.cell_of(folder, batch)  # an error here is bad input; an error below is the batch's own
    try:
        frame = kt.study.replay(folder, batch)
    except Exception:
        import traceback

        traceback.print_exc()
        return BROKEN
    print(frame_as_text(frame, lambda value: repr(float(value))))
    return HELD


def _design_file(name: str) -> Path:
    """The file of a design; a name without an ending is that of one that ships, even beside a folder of that name."""
    path = Path(name)
    if path.suffix in (".toml", ".py"):
        return path
    ship = shipped_designs()
    if name not in ship:
        raise ValueError(f"{name}: a design is a .toml or a .py file, or one that ships: {', '.join(sorted(ship))}")
    return ship[name]


def _share(text: str | None) -> Any:
    if text is None:
        return None
    part, slash, of = text.partition("/")
    if not (slash and part.isdecimal() and of.isdecimal()):
        raise ValueError(f"share is {text!r}: it must be I/K, such as 1/2")
    return kt.study.Share(int(part), int(of))


@contextlib.contextmanager
def _executor(arguments: argparse.Namespace) -> Iterator[Executor | None]:
    """Where batches are to be drawn; None: in threads."""
    if arguments.processes is not None:
        from kt_theory.study.processes import process_executor

        with process_executor(arguments.processes) as pool:
            yield pool
    elif arguments.scheduler is not None:
        from kt_theory.study.cluster import cluster_executor

        try:
            with cluster_executor(arguments.scheduler) as executor:
                yield executor
        except ImportError as error:
            raise ValueError(str(error)) from None
    else:
        yield None


def _soundly(work: Callable[[], int]) -> int:
    """Run `work`; the message on a damaged file names the command that repairs it."""
    try:
        return work()
    except kt.study.records.Damaged as error:
        remedy = "`kt-theory study check` mends batches, `kt-theory study run` the manifest and the problems"
        say(f"error: {error}; {remedy}")
        return BROKEN


def _stoppable(work: Callable[[], int], folder: str | Path, arguments: argparse.Namespace) -> int:
    """Run what draws batches; a stop from outside is reported in one sentence, with the command that goes on."""
    from concurrent.futures import BrokenExecutor

    again = shlex.join(["kt-theory", *arguments.words])
    try:
        with _terminated_as_interrupted():
            return _soundly(work)
    except KeyboardInterrupt:
        say(f"interrupted; {_stored(folder)}; go on with: {again}")
        return INTERRUPTED
    except BrokenExecutor as error:
        say(f"error: {str(error).rstrip('.')}; {_stored(folder)}; go on with: {again}")
        return BROKEN
    except (ValueError, OSError) as error:
        if not _is_full(error):
            raise
        return refused(
            f"no space left for {folder}; {_stored(folder)}; free some space and run the same command to go on: {again}"
        )


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM, by which batch systems and containers end a job, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # which alone receives signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk or a quota is at the root of an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def _stored(folder: str | Path) -> str:
    """How much of a study is stored, in a few words."""
    try:
        found = kt.study.status(folder)
    except ValueError:  # stopped before there was a manifest
        return "nothing is stored yet"
    return f"{found.batches} of {found.wanted} batches are stored"
