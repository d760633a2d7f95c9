"""The command line: `kt-theory reproduce`, `verify`, `simulate`, `fit`, `minimax`, `study` and `playground`.

Exit code 0: done, and every bound that was checked holds. 1: a checked bound is broken, a verdict is not the expected
one, or a study lacks something. 2: the input was refused, in one sentence. 130: interrupted. Heavy modules are imported
by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import math
import os
import runpy
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kt_theory as kt
from kt_theory.files import check_writable

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pandas as pd

#: What `reproduce` draws: name on the command line -> script in simulations/.
STUDIES = {
    "figure1": "figure1_classic",
    "figure2": "figure2_rates",
    "curves": "exact_curves",
    "minimax": "minimax_gap",
    "real": "real_teacher",
}

HELD, BROKEN, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser().parse_args(words)
    arguments.words = words
    return _guarded(lambda: arguments.command(arguments))


def run_script(study: Callable[..., pd.DataFrame]) -> None:
    """The command line of one script in simulations/: run its `main`, print its table, exit as `kt-theory` does."""
    stem = Path(sys.argv[0]).stem
    doc = sys.modules[study.__module__].__doc__
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    _study_options(parser)
    arguments = parser.parse_args()
    sys.exit(_guarded(lambda: _run_studies({stem: study}, arguments)))


def _guarded(command: Callable[[], int]) -> int:
    try:
        return command()
    except BrokenPipeError:
        # The reader has seen enough, as `| head` does. Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return HELD
    except MemoryError:
        print("kt-theory: error: not enough memory for tables of this size", file=sys.stderr)
        return REFUSED
    except (ValueError, OSError) as error:
        print(f"kt-theory: error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("kt-theory: interrupted; nothing was half written", file=sys.stderr)
        return INTERRUPTED


# --- What the commands accept ---------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kt-theory",
        description="The statistics of knowledge transfer over finite domains: what hard labels, partial soft labels\n"
        "(the probability of the sampled label) and soft labels (the whole distribution) teach a student.",
        epilog="example:\n  kt-theory reproduce --quick      # all figures and the table of slopes, in a minute",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kt_theory {kt.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _reproduce_parser(commands)
    _verify_parser(commands)
    _simulate_parser(commands)
    _fit_parser(commands)
    _minimax_parser(commands)
    _study_parser(commands)
    _playground_parser(commands)
    return parser


def _reproduce_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "reproduce",
        _reproduce,
        "draw the rate plots and check every point against the bounds",
        "Run the studies, write their numbers (CSV) and pictures (PNG, PDF), and print one table: panel, learner,\n"
        "theoretical slope, fitted slope +- standard error, whether the slope has settled over the window, the slope\n"
        "of the exact curve, and how the risk compares with the lower and upper bounds. The curves are exact;\n"
        "--simulate adds Monte Carlo points. Exit code 1 if a bound is broken.",
        "kt-theory reproduce figure2 --simulate --quick",
    )
    choices = [*STUDIES, "all"]
    parser.add_argument("study", nargs="?", choices=choices, default="all", help="what to draw (default: all)")
    _study_options(parser)


def _verify_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "verify",
        _verify,
        "attack every statement of the theory, and say what stands",
        "Try to break each statement of the ledger: the paper's theorems and lemmas, its slips of print, our sharper\n"
        "bounds, the conjectures. Print a row per statement: the verdict; the worst ratio of left to right side (1:\n"
        "attained, above 1: broken) and where it was met; how many trials of each kind of evidence; how many of the\n"
        "errors planted beside it the same trials caught. Exit code 1 if a verdict is not the expected one, if the\n"
        "mended form of a slip breaks, or if a planted error was not caught.",
        "kt-theory verify --statement zz-3.2 zz-E --report ledger.html",
    )
    levels = ("quick", "full")
    parser.add_argument("--level", choices=levels, default="quick", help="about a minute (default), or about twenty")
    parser.add_argument("--statement", nargs="+", metavar="ID", help="ids or beginnings of ids (default: all)")
    parser.add_argument("--report", metavar="FILE", help="write one self-contained HTML page")
    parser.add_argument("--no-twins", action="store_true", help="do not try the planted errors")
    parser.add_argument("--seed", type=_number, default=1, help="seed of problems, searches and draws (default: 1)")
    parser.add_argument("--out", metavar="FILE", help="write the table as CSV")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON; what is not finite is null")


def _study_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--simulate", action="store_true", help="add Monte Carlo to the exact curves, and compare")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: the same figures with larger error bars")
    parser.add_argument("--out", help="folder for the results (default: figures/quick; at full size figures)")
    parser.add_argument("--seed", type=_number, help="seed of all draws (default: the one of the committed figures)")
    _common_options(parser)


def _simulate_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "simulate",
        _simulate,
        "mean risk of the learners on one teacher",
        "Monte Carlo estimates of the mean risk, each with its standard error (mcse). The teacher is an instance of\n"
        "the paper (it moves with n for 1, 2 and 3), a file, or one that ships with the package.\n"
        "A teacher file is CSV or Parquet: columns state, action, probability (or count), and optionally rho.",
        "kt-theory simulate --instance 1 --S 10 --A 10 --n 1e3 1e4 1e5 --reps 4000",
    )
    teacher = parser.add_mutually_exclusive_group(required=True)
    teacher.add_argument("--instance", type=int, choices=(0, 1, 2, 3), help="instance of the paper; needs --S and --A")
    teacher.add_argument("--teacher", metavar="FILE", help="teacher table, CSV or Parquet")
    teacher.add_argument("--bundled", metavar="NAME", help="a teacher that ships with the package, such as next_word")
    parser.add_argument("--S", type=_number, help="number of inputs, for --instance")
    parser.add_argument("--A", type=_number, help="number of labels, for --instance")
    parser.add_argument("--normalise", action="store_true", help="divide the rows of the teacher file by their sums")
    parser.add_argument("--n", type=_number, nargs="+", required=True, help="numbers of samples; 1e9 is understood")
    parser.add_argument("--learners", nargs="+", default=None, metavar="NAME", help="(default: the four of the paper)")
    parser.add_argument("--reps", type=_number, default=1000, help="repeats, or pilot of --target-mcse (default: 1000)")
    parser.add_argument("--target-mcse", type=float, metavar="E", help="repeat until the standard error is about E")
    parser.add_argument("--relative", action="store_true", help="E is a fraction of the mean risk")
    parser.add_argument("--max-reps", type=_number, help="cap on the repeats of --target-mcse (default: 1000000)")
    parser.add_argument("--seed", type=_number, default=0, help="seed of all draws (default: 0)")
    parser.add_argument("--out", metavar="FILE", help="write the receipts as CSV")
    _common_options(parser)


def _fit_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "fit",
        _fit,
        "make a student from a file of transfer records",
        "Read records, one sample a row: columns state (or s), action (or a), and for partial soft labels the\n"
        "teacher's probability of the sampled label (p, prob, probability) or its natural logarithm (logp, logprob,\n"
        "log_prob, log_probability). Say what was never seen, how much mass that is, and write what each learner\n"
        "makes of it.",
        "kt-theory fit records.csv --out students.csv",
    )
    parser.add_argument("records", metavar="FILE", help="transfer records, CSV or Parquet")
    parser.add_argument("--states", metavar="FILE", help="the full input alphabet, one name a line")
    parser.add_argument("--actions", metavar="FILE", help="the full label alphabet, one name a line")
    parser.add_argument("--S", type=_number, help="the inputs are the numbers 0..S-1")
    parser.add_argument("--A", type=_number, help="the labels are the numbers 0..A-1")
    parser.add_argument("--init", metavar="FILE", help="the student before any data, a table (default: uniform)")
    parser.add_argument("--normalise", action="store_true", help="divide the rows of the init by their sums")
    parser.add_argument("--tolerance", type=float, help="disagreement of probabilities to accept (default: 1e-9)")
    parser.add_argument("--out", metavar="FILE", help="write the students, CSV or Parquet: a column per learner")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def _minimax_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "minimax",
        _minimax,
        "the smallest worst-case risk that any student can have",
        "Print the minimax risk of a protocol as an interval, with the statements that give its ends, the best\n"
        "student known, and the least favourable teacher. The truth lies in the interval; where it is known exactly,\n"
        "one number is printed.",
        "kt-theory minimax --protocol partial --S 10 --A 5 --n 100",
    )
    parser.add_argument("--protocol", required=True, help="what is revealed with each sample: hard, partial or soft")
    parser.add_argument("--S", type=_number, required=True, help="number of inputs")
    parser.add_argument("--A", type=_number, required=True, help="number of labels")
    parser.add_argument("--n", type=_number, required=True, help="number of samples; 1e9 is understood")
    parser.add_argument("--out", metavar="FILE", help="write the least favourable teacher, CSV or Parquet")
    parser.add_argument("--json", action="store_true", help="print the interval as JSON")


def _playground_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "playground",
        _playground,
        "write the page to play with: one HTML file that needs no network",
        "Write one self-contained HTML page. It reveals a teacher sample by sample, as hard, partial soft and soft\n"
        "labels side by side, and shows what each student makes of it, with exact risks and the bounds of the paper.\n"
        "It opens from disk and computes its own numbers; every setting is in its address, to be sent to others.",
        "kt-theory playground --out page.html",
    )
    parser.add_argument("--out", metavar="FILE", default="playground.html", help="(default: playground.html)")


def _study_parser(commands: Any) -> None:
    parser = _command(
        commands,
        "study",
        None,
        "sweep a grid of cells, in a folder that survives whatever stops the work",
        "A study is a design (TOML or Python: instances or teachers, S, A, n, learners, repeats or a target) and a\n"
        "folder in which every finished batch is kept. Stop it as you like: the same command goes on where it\n"
        "was, and the numbers are the same bytes whatever was interrupted and wherever they were drawn.\n"
        "docs/studies.md is the guide.",
        "kt-theory study run rates        # one of the designs that ship: rates, next_word, own_family\n"
        "  kt-theory study status rates     # how far the folder `rates` is\n"
        "  kt-theory study export rates --out rates.csv",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    _study_run_parser(actions)
    _study_folder_parsers(actions)


def _study_run_parser(actions: Any) -> None:
    parser = _command(
        actions,
        "run",
        _study_run,
        "draw what a design asks for and the folder lacks",
        "Draw every batch that the design asks for and the folder does not have; then say what is there, what failed,\n"
        "and how to see a failure again. Exit code 1 if a cell that was to be drawn here is not complete.\n"
        "Ctrl-C stores what is being drawn and says how to go on. Where batches are drawn (threads, processes, a\n"
        "cluster, several machines that share the cells) changes no number.",
        "kt-theory study run rates --out rates --workers 2\n"
        "  kt-theory study run my_design.toml --share 1/2     # half of the cells; 2/2 on another machine, then merge\n"
        "  kt-theory study run my_design.py --scheduler tcp://10.0.0.1:8786",
    )
    parser.add_argument("design", metavar="DESIGN", help="a .toml or .py file, or the name of a design that ships")
    parser.add_argument("--out", metavar="FOLDER", help="folder of the study (default: the design's name, here)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_number, metavar="N", help="draw in N threads (default: all processors)")
    where.add_argument("--processes", type=_number, metavar="N", help="draw in N processes")
    where.add_argument("--scheduler", metavar="ADDRESS", help="draw on a Dask cluster: tcp://HOST:PORT (extra cluster)")
    parser.add_argument("--share", metavar="I/K", help="draw the I-th of K shares of the cells only, such as 1/2")
    parser.add_argument("--seed", type=_number, help="seed of all draws (default: the design's)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def _study_folder_parsers(actions: Any) -> None:
    parser = _command(
        actions,
        "status",
        _study_status,
        "how far a study is",
        "Cells and batches that are there, cells that are missing, batches that raised. Batches are counted by name;\n"
        "`check` reads them.",
        "kt-theory study status rates",
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of a study")
    parser.add_argument("--json", action="store_true", help="print it as JSON")

    parser = _command(
        actions,
        "check",
        _study_check,
        "read every byte of a study, and draw again what is missing or damaged",
        "Read every file and compare it with its checksum. What is damaged is moved to FOLDER/damaged; that, and what\n"
        "is missing, is drawn again: the same numbers. Exit code 0 if all is sound, or is so now.",
        "kt-theory study check rates --dry-run",
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of a study")
    parser.add_argument("--dry-run", action="store_true", help="change nothing; exit code 1 if anything was found")
    parser.add_argument("--workers", type=_number, metavar="N", help="threads (default: all processors)")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")

    parser = _command(
        actions,
        "merge",
        _study_merge,
        "join folders that were filled on several machines",
        "Copy into INTO the batches of the other folders that it lacks, and give it the cells of all. They must have\n"
        "the same seed and repeats or target. A batch that two of them have must be the same in both.",
        "kt-theory study merge rates rates-of-the-other-machine",
    )
    parser.add_argument("into", metavar="INTO", help="the folder that receives; made if it does not exist")
    parser.add_argument("others", metavar="FROM", nargs="+", help="folders of studies; they are not changed")
    parser.add_argument("--json", action="store_true", help="print the status of INTO as JSON")

    parser = _command(
        actions,
        "export",
        _study_export,
        "write the receipts of a study as a table",
        "Write a row per cell and learner: mean risk, standard error, repeats, and what it takes to draw it again.\n"
        "Cells that are not complete are named and left out; the exit code is 1 then.",
        "kt-theory study export rates --out rates.csv",
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of a study")
    parser.add_argument("--out", metavar="FILE", required=True, help="CSV or Parquet, by the name's ending")

    parser = _command(
        actions,
        "replay",
        _study_replay,
        "draw one batch here and now, and see what it raises",
        "Draw one batch and print its moments for each learner: mean risk, sum of squared deviations, repeats of\n"
        "non-zero risk. If it raises, print the traceback; the exit code is 1 then. Nothing is stored. `status` and\n"
        "`run` print the command for each batch that failed.",
        "kt-theory study replay rates 0f3e0c2d11ab4c6e9d0f3e0c2d11ab4c/1-run-000000-4000",
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder of a study")
    parser.add_argument("batch", metavar="BATCH", help="its name: cell/seed-stage-index-repeats")


def _command(
    commands: Any, name: str, run: Callable[..., int] | None, brief: str, text: str, example: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=brief,
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    return parser


def _common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=_number, help="threads (default: all processors); they change no number")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def _number(text: str) -> int | float:
    """A number as typed; what it may be is checked where it is used. 1e9 and 12345678901234567 are both exact."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


# --- reproduce ------------------------------------------------------------------------------------------


def _reproduce(arguments: argparse.Namespace) -> int:
    names = list(STUDIES) if arguments.study == "all" else [arguments.study]
    return _run_studies({STUDIES[name]: _load_study(STUDIES[name]) for name in names}, arguments)


def _load_study(stem: str) -> Callable[..., pd.DataFrame]:
    """`main` of a script in simulations/: beside the package in a checkout, inside it when installed from a wheel."""
    path = _shipped(f"{stem}.py")
    if path is None:
        raise ValueError(f"simulations/{stem}.py was not found beside the package")
    return runpy.run_path(str(path))["main"]


def _shipped(name: str) -> Path | None:
    """A file of simulations/, if there is one of that name."""
    package = Path(__file__).parent
    places = (package.parent / "simulations" / name, package / "simulations" / name)
    return next((path for path in places if path.is_file()), None)


def _run_studies(studies: dict[str, Callable[..., pd.DataFrame]], arguments: argparse.Namespace) -> int:
    import pandas as pd

    # The committed figures are those at full size with simulation: only the same job overwrites them.
    full = arguments.simulate and not arguments.quick
    out = Path(arguments.out or ("figures" if full else "figures/quick"))
    seed = {} if arguments.seed is None else {"seed": arguments.seed}
    options = kt.study.Options(arguments.simulate, arguments.quick, out, workers=arguments.workers, **seed)
    check_writable(out / "probe.csv")
    boards = []
    for stem, study in studies.items():
        print(f"{stem} ...", file=sys.stderr, flush=True)
        boards.append(study(options))
    board = pd.concat(boards, ignore_index=True)
    if arguments.json:
        print(_as_json(board))
    else:
        print(kt.claims.as_text(board))
        bound = board[board["checked"] > 0]
        held = f"{bound['held'].sum()} of {len(bound)} curves keep all of theirs"
        print(f"\nbounds: {bound['checked'].sum()} checks at single n; {held}")
        print("figures:")
        for picture in sorted(out.glob("*.png")):
            print(f"  {picture.resolve()}  (.pdf, .csv)")
    return HELD if board["held"].all() else BROKEN


def _as_json(frame: pd.DataFrame) -> str:
    """The rows of a frame, numbers to their last digit; what is not finite is null: JSON has no word for it."""
    return json.dumps(_rows(frame), indent=2, default=lambda value: value.item())


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


# --- verify ---------------------------------------------------------------------------------------------


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.out:
        check_writable(arguments.out, ".csv")
    if arguments.report:
        check_writable(arguments.report, ".html")
    tried = kt.ledger.effort(arguments.level, kt.checks.whole_number("seed", arguments.seed))
    statements = kt.ledger.chosen(arguments.statement)
    watched = sys.stderr.isatty()
    verdicts = list(kt.ledger.try_all(statements, tried, twins=not arguments.no_twins, progress=watched))
    board = kt.ledger.as_frame(verdicts)
    summary = kt.ledger.summarise(verdicts)
    if arguments.out:
        kt.study.write_receipts(board, arguments.out)
    if arguments.report:
        kt.ledger.write_report(verdicts, tried, arguments.report)
    if arguments.json:
        found = {
            "level": tried.level,
            "seed": tried.seed,
            "versions": kt.ledger.versions(),
            "statements": _rows(board.drop(columns="seconds")),
            "statements_by_kind": {kind: summary.statements[kind] for kind in kt.ledger.KINDS},
            "mutation_score": summary.mutation_score if summary.planted else None,
            "false_alarm": summary.false_alarm,
        }
        print(json.dumps(found, indent=2, allow_nan=False, default=lambda value: value.item()))
    else:
        print(kt.ledger.as_text(verdicts))
        for path, what in ((arguments.report, "report"), (arguments.out, "table")):
            if path:
                print(f"{what}: {Path(path).resolve()}")
    wrong = kt.ledger.unexpected(verdicts)
    for verdict in wrong:
        print(f"not as expected: {verdict.statement.id}: {'; '.join(kt.ledger.surprises(verdict))}", file=sys.stderr)
    return BROKEN if wrong else HELD


# --- simulate -------------------------------------------------------------------------------------------


def _simulate(arguments: argparse.Namespace) -> int:
    from functools import partial

    if arguments.out:
        check_writable(arguments.out, ".csv")
    if arguments.target_mcse is None and (arguments.relative or arguments.max_reps is not None):
        raise ValueError("--relative and --max-reps go with --target-mcse only")
    if arguments.normalise and arguments.teacher is None:
        raise ValueError("--normalise goes with --teacher only")
    if arguments.instance is None:
        for option in ("S", "A"):
            if getattr(arguments, option) is not None:
                raise ValueError(f"--{option} is {getattr(arguments, option)}: it goes with --instance only")
        if arguments.bundled is not None:
            problem = kt.tables.bundled_teacher(arguments.bundled)
        else:
            problem = kt.tables.read_teacher(arguments.teacher, normalise=arguments.normalise)
    else:
        for option in ("S", "A"):
            if getattr(arguments, option) is None:
                raise ValueError(f"--{option} is missing: --instance needs the numbers of inputs and labels")
        problem = partial(kt.instance, arguments.instance, arguments.S, arguments.A)
    frame = kt.simulate(
        problem,
        list(kt.PAPER_LEARNERS) if arguments.learners is None else arguments.learners,
        arguments.n,
        arguments.reps,
        arguments.seed,
        target_mcse=arguments.target_mcse,
        relative=arguments.relative,
        max_reps=1_000_000 if arguments.max_reps is None else arguments.max_reps,
        workers=arguments.workers,
        progress=True,
    )
    if arguments.out:
        kt.study.write_receipts(frame, arguments.out)
    if arguments.json:
        print(_as_json(frame.drop(columns="seconds")))
    else:
        columns = ["n", "learner", "protocol", "mean", "mcse", "reps", "nonzero"]
        print(frame[columns].to_string(index=False, float_format="{:.6g}".format))
    return HELD


# --- minimax --------------------------------------------------------------------------------------------


def _minimax(arguments: argparse.Namespace) -> int:
    if arguments.out:
        check_writable(arguments.out, ".csv", ".parquet")
    risk = kt.minimax_risk(arguments.protocol, arguments.S, arguments.A, arguments.n)
    if arguments.out:
        kt.tables.write_teacher(risk.instance, arguments.out)
    if arguments.json:
        names = ("protocol", "S", "A", "n", "lower", "upper", "exact", "student", "note")
        print(json.dumps({name: getattr(risk, name) for name in names}, indent=2))
        return HELD
    print(f"{risk}\n{risk.note}")
    best = (kt.bounds.best_lower(*_claim(risk)), kt.bounds.best_upper(*_claim(risk)))
    print(f"proved closed forms: {best[0].value:.6g} ({best[0].statement}), {best[1].value:.6g} ({best[1].statement})")
    print("\nleast favourable teacher found, inputs that are alike up to the order of their labels together:")
    print(_teacher_as_text(risk.instance))
    if arguments.out:
        print(f"the whole table is in {arguments.out}")
    return HELD


def _playground(arguments: argparse.Namespace) -> int:
    from kt_theory.playground import write_playground

    check_writable(arguments.out, ".html")
    print(f"the playground is in {write_playground(arguments.out)}: open it in a browser")
    return HELD


def _claim(risk: Any) -> tuple[str, int, int, int]:
    return risk.protocol, risk.n, risk.S, risk.A


def _teacher_as_text(problem: kt.Problem) -> str:
    """The distinct rows of a teacher, their labels by decreasing probability, equal ones together."""
    from collections import Counter

    def grouped(row: np.ndarray) -> str:
        classes = sorted(Counter(row.round(12).tolist()).items(), reverse=True)
        return ", ".join(f"{p:.6g}" if times == 1 else f"{times} x {p:.6g}" for p, times in classes)

    rows = Counter((round(float(rho), 12), grouped(row)) for rho, row in zip(problem.rho, problem.teacher, strict=True))
    lines = [
        f"  {times} input{'s' if times > 1 else ''} of mass {rho:.6g}: labels {row}"
        for (rho, row), times in rows.most_common(LISTED)
    ]
    return "\n".join(lines) + (f"\n  and {len(rows) - LISTED} rows more" if len(rows) > LISTED else "")


# --- fit ------------------------------------------------------------------------------------------------

#: How many names or rows are listed before the rest is only counted.
LISTED = 8


def _fit(arguments: argparse.Namespace) -> int:
    data = kt.tables.read_records(
        arguments.records,
        states=_alphabet("states", arguments.states, "S", arguments.S),
        actions=_alphabet("actions", arguments.actions, "A", arguments.A),
        **({} if arguments.tolerance is None else {"tolerance": arguments.tolerance}),
    )
    if arguments.out:
        check_writable(arguments.out, ".csv", ".parquet")
    if arguments.normalise and arguments.init is None:
        raise ValueError("--normalise goes with --init only")
    init = None
    if arguments.init is not None:
        init = _aligned_init(kt.tables.read_teacher(arguments.init, normalise=arguments.normalise), data)
    usable = [name for name, entry in kt.LEARNERS.items() if _shows_enough(data.protocol, entry.protocol)]
    students = {name: kt.fit(data, name, init) for name in usable}
    found = _findings(data)
    if arguments.out:
        kt.tables.write_students(students, data, arguments.out)
    if arguments.json:
        print(json.dumps({**found, "learners": usable, "out": arguments.out}, indent=2))
    else:
        print(_findings_as_text(found))
        print(_students_as_text(students, data, arguments.out))
    return HELD


def _shows_enough(shown: str, needed: str) -> bool:
    return kt.PROTOCOLS.index(shown) >= kt.PROTOCOLS.index(needed)


def _alphabet(name: str, file: str | None, size_name: str, size: Any) -> list[str] | None:
    if file is not None and size is not None:
        raise ValueError(f"--{name} and --{size_name} both give the alphabet: keep one of them")
    if file is not None:
        return kt.tables.read_names(file)
    if size is not None:
        return [str(i) for i in range(kt.checks.whole_number(f"--{size_name}", size, minimum=1))]
    return None


def _aligned_init(problem: kt.Problem, data: kt.TransferSet) -> np.ndarray:
    """The rows and columns of an init table in the order of the transfer set."""
    order = []
    for role, have, want in (("input", problem.states, data.states), ("label", problem.actions, data.actions)):
        position = {name: i for i, name in enumerate(have)}
        for name in want:
            if name not in position:
                raise ValueError(f"the init table has no {role} {name}")
        if len(have) > len(want):
            extra = next(name for name in have if name not in set(want))
            raise ValueError(f"the init table has {role} {extra}, which is not in the alphabet of the records")
        order.append([position[name] for name in want])
    return problem.teacher[order[0]][:, order[1]]


def _findings(data: kt.TransferSet) -> dict[str, Any]:
    """What the records hold and what they leave unknown."""
    visits = data.counts.sum(axis=1)
    never = data.counts.sum(axis=0) == 0
    n = data.n
    found: dict[str, Any] = {
        "protocol": data.protocol,
        "n": n,
        "S": len(data.states),
        "A": len(data.actions),
        "inputs never seen": [name for name, v in zip(data.states, visits, strict=True) if v == 0],
        "labels never seen at any input": [name for name, absent in zip(data.actions, never, strict=True) if absent],
        "pairs seen": int((data.counts > 0).sum()),
    }
    if data.protocol == "hard":
        # Good (1953): the share of samples whose pair was seen just once estimates the mass of the unseen pairs.
        found["missing mass (Good-Turing estimate)"] = float((data.counts == 1).sum() / n) if n else None
    else:
        found["missing mass on visited inputs"] = float((visits * data.missing_mass).sum() / n) if n else None
        found["missing mass per input"] = dict(zip(data.states, data.missing_mass.tolist(), strict=True))
    return found


def _findings_as_text(found: dict[str, Any]) -> str:
    words = {"hard": "hard labels", "partial": "partial soft labels"}[found["protocol"]]
    cells = found["S"] * found["A"]
    lines = [
        f"{found['n']} records of {words}: {found['S']} inputs, {found['A']} labels, "
        f"{found['pairs seen']} of {cells} pairs seen",
        f"inputs never seen: {_listed(found['inputs never seen'])}",
        f"labels never seen at any input: {_listed(found['labels never seen at any input'])}",
    ]
    if found["protocol"] == "hard":
        estimate = found["missing mass (Good-Turing estimate)"]
        shown = "no records" if estimate is None else f"about {estimate:.4g} (Good-Turing estimate)"
        lines.append(f"missing mass: not told by hard labels; {shown}")
    else:
        mass = found["missing mass on visited inputs"]
        shown = "no records" if mass is None else f"{mass:.6g}"
        lines.append(f"missing mass on visited inputs, averaged over the records: {shown}")
        heaviest = sorted(found["missing mass per input"].items(), key=lambda item: -item[1])[:LISTED]
        lines.append("  largest: " + ", ".join(f"{name} {value:.4g}" for name, value in heaviest))
    return "\n".join(lines)


def _listed(names: list[str]) -> str:
    if not names:
        return "none"
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{len(names)} ({', '.join(names[:LISTED])}{rest})"


def _students_as_text(students: dict[str, np.ndarray], data: kt.TransferSet, out: str | None) -> str:
    """The cells seen most often, with what each learner gives them."""
    import numpy as np

    columns = ["state", "action", "seen", "revealed", *students]
    order = np.argsort(-data.counts, axis=None, kind="stable")[:LISTED]
    rows = [columns]
    for s, a in zip(*np.unravel_index(order, data.counts.shape), strict=True):
        revealed = data.revealed[s, a]
        rows.append(
            [data.states[s], data.actions[a], str(data.counts[s, a]), "-" if np.isnan(revealed) else f"{revealed:.6f}"]
            + [f"{student[s, a]:.6f}" for student in students.values()]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    table = "\n".join("  " + "  ".join(map(str.rjust, row, widths)) for row in rows)
    where = f"all {data.counts.size} rows are in {out}" if out else "write all rows with --out students.csv"
    return f"\nwhat each learner gives, on the pairs seen most often:\n{table}\n{where}"


# --- study ----------------------------------------------------------------------------------------------

#: How many missing cells and failures of a study are listed before the rest is only counted.
CELLS_LISTED = 10


def _study_run(arguments: argparse.Namespace) -> int:
    design = kt.study.read_design(_design_file(arguments.design))
    design = kt.study.folders.with_seed(design, arguments.seed)
    share = _share(arguments.share)
    folder = Path(arguments.out or Path(arguments.design).stem)

    def work() -> int:
        with _executor(arguments) as executor:
            outcome = kt.study.run_in_folder(
                design, folder, executor=executor, workers=arguments.workers, share=share, progress=True
            )
        found = kt.study.status(folder)
        print(_run_as_json(outcome, found, folder) if arguments.json else _run_as_text(outcome, found, folder))
        return BROKEN if outcome.missing_here else HELD

    return _stoppable(work, folder, arguments)


def _study_status(arguments: argparse.Namespace) -> int:
    return _soundly(lambda: _print_status(kt.study.status(arguments.folder), arguments.folder, arguments))


def _print_status(found: Any, folder: str, arguments: argparse.Namespace) -> int:
    print(json.dumps(_status_fields(found, folder), indent=2) if arguments.json else _status_as_text(found, folder))
    return HELD


def _study_check(arguments: argparse.Namespace) -> int:
    folder = arguments.folder

    def work() -> int:
        found = kt.study.check(folder, repair=not arguments.dry_run, workers=arguments.workers, progress=True)
        after = found if arguments.dry_run or found.done else kt.study.status(folder)
        if arguments.json:
            report = {**_status_fields(found, folder), "dry_run": arguments.dry_run, "sound": after.done}
            print(json.dumps(report, indent=2))
        else:
            print(_check_as_text(found, after, folder, dry_run=arguments.dry_run))
        return HELD if after.done else BROKEN

    return _stoppable(work, folder, arguments)


def _study_merge(arguments: argparse.Namespace) -> int:
    def work() -> int:
        return _print_status(kt.study.merge(arguments.into, arguments.others), arguments.into, arguments)

    return _soundly(work)


def _study_export(arguments: argparse.Namespace) -> int:
    check_writable(arguments.out, ".csv", ".parquet")
    return _soundly(lambda: _write_export(kt.study.export(arguments.folder), arguments))


def _write_export(outcome: Any, arguments: argparse.Namespace) -> int:
    receipts = outcome.receipts
    if outcome.missing:
        print(f"kt-theory: {_missing_as_text(outcome.missing)}", file=sys.stderr)
    if receipts.empty:
        print(f"kt-theory: no cell is complete: {arguments.out} was not written", file=sys.stderr)
        return BROKEN
    if Path(arguments.out).suffix.lower() == ".parquet":
        kt.tables.write_table(receipts.drop(columns="seconds"), arguments.out)
    else:
        kt.study.write_receipts(receipts, arguments.out)
    cells = len(receipts[["panel", "n"]].drop_duplicates())
    print(f"{len(receipts)} rows of {_count(cells, 'cell')}: {Path(arguments.out).resolve()}")
    return BROKEN if outcome.missing else HELD


def _study_replay(arguments: argparse.Namespace) -> int:
    return _soundly(lambda: _replay(arguments.folder, arguments.batch))


def _replay(folder: str, batch: str) -> int:
    kt.study.folders.cell_of(folder, batch)  # what it refuses is bad input; what is raised below is the batch's own
    try:
        frame = kt.study.replay(folder, batch)
    except Exception:
        import traceback

        traceback.print_exc()
        return BROKEN
    print(frame.to_string(index=False, float_format=repr))
    return HELD


def _design_file(name: str) -> Path:
    """The file of a design; a name without an ending may be that of one that ships."""
    path = Path(name)
    if not path.suffix and not path.exists():
        for suffix in (".toml", ".py"):
            shipped = _shipped(f"designs/{name}{suffix}")
            if shipped is not None:
                return shipped
    return path


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
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        number = kt.checks.whole_number("processes", arguments.processes, minimum=1)
        # Spawned: a fork of a process with threads may hang.
        with ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), initializer=_as_worker) as pool:
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


def _as_worker() -> None:
    """Make this process a worker: Ctrl-C, which a terminal sends to all, is its parent's; it ends with its parent."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(BROKEN)  # killed: it will never close the queue that this process waits at

    threading.Thread(target=follow, daemon=True).start()


def _soundly(work: Callable[[], int]) -> int:
    """Run `work`; a damaged file is no bad input, and there is a remedy."""
    try:
        return work()
    except kt.study.store.Damaged as error:
        remedy = "`kt-theory study check` mends batches, `kt-theory study run` the manifest and the problems"
        print(f"kt-theory: error: {error}; {remedy}", file=sys.stderr)
        return BROKEN


def _stoppable(work: Callable[[], int], folder: str | Path, arguments: argparse.Namespace) -> int:
    """Run what draws batches; whatever stops it from outside is told in a sentence, with the way to go on."""
    from concurrent.futures import BrokenExecutor

    again = shlex.join(["kt-theory", *map(str, arguments.words)])
    try:
        with _terminated_as_interrupted():
            return _soundly(work)
    except KeyboardInterrupt:
        print(f"kt-theory: interrupted; {_stored(folder)}; go on with: {again}", file=sys.stderr)
        return INTERRUPTED
    except BrokenExecutor as error:
        print(f"kt-theory: error: {str(error).rstrip('.')}; {_stored(folder)}; go on with: {again}", file=sys.stderr)
        return BROKEN
    except (ValueError, OSError) as error:
        if not _is_full(error):
            raise
        print(
            f"kt-theory: error: no space left for {folder}; {_stored(folder)}; free some space and run the same "
            f"command to go on: {again}",
            file=sys.stderr,
        )
        return REFUSED


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


def _run_as_text(outcome: Any, found: Any, folder: Path) -> str:
    tally = outcome.tally
    complete = found.cells - len(outcome.missing)
    lines = [
        f"{found.name}: {complete} of {found.cells} cells complete",
        f"batches: {tally.drawn} drawn here, {tally.stored} were stored",
    ]
    if tally.damaged:
        lines.append(f"damaged files, moved aside and drawn again: {len(tally.damaged)}")
        lines += [f"  {path}" for path in tally.damaged]
    if outcome.capped:
        lines.append(f"at the cap on repeats, the error aimed at may be missed: {_cells_as_text(outcome.capped)}")
    if outcome.missing_here:
        lines.append(_missing_as_text(outcome.missing_here))
    elsewhere = len(outcome.missing) - len(outcome.missing_here)
    if elsewhere:
        lines.append(f"left to the other shares: {_count(elsewhere, 'cell')}")
    lines += _failures_as_text(found.failures, folder)
    lines += _versions_as_text(outcome.receipts)
    lines.append(f"export: {shlex.join(['kt-theory', 'study', 'export', str(folder), '--out', f'{folder.name}.csv'])}")
    return "\n".join(lines)


def _run_as_json(outcome: Any, found: Any, folder: Path) -> str:
    summary = {
        **_status_fields(found, folder),
        "drawn_here": outcome.tally.drawn,
        "were_stored": outcome.tally.stored,
        "moved_aside": [str(path) for path in outcome.tally.damaged],
        "capped": _cell_fields(outcome.capped),
        "missing_here": _cell_fields(outcome.missing_here),
        "numpy_of_batches": sorted(_numpy_versions(outcome.receipts)),
    }
    return json.dumps(summary, indent=2)


def _status_fields(found: Any, folder: str | Path) -> dict[str, Any]:
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


def _status_as_text(found: Any, folder: str) -> str:
    others = f", and {found.others} of other designs" if found.others else ""
    lines = [
        f"{found.name}, seed {found.seed}: {found.complete} of {found.cells} cells complete",
        f"batches: {found.batches} of {found.wanted} stored{others}",
    ]
    if found.missing:
        lines.append(_missing_as_text(found.missing))
    lines += _failures_as_text(found.failures, folder)
    lines.append("last run with " + ", ".join(f"{name} {version}" for name, version in found.versions.items()))
    lines.append(f"licence of the data: {found.licence}")
    return "\n".join(lines)


def _check_as_text(found: Any, after: Any, folder: str, *, dry_run: bool) -> str:
    if found.done:
        count = f"{_count(found.cells, 'cell')}, {found.batches + found.others} batches"
        return f"{found.name}: sound; {count}, every byte as it was written"
    lines = []
    if found.damaged:
        lines.append(f"damaged: {_count(len(found.damaged), 'file')}")
        lines += [f"  {sentence}" for sentence in found.damaged]
    if found.missing:
        lines.append(_missing_as_text(found.missing))
    if dry_run:
        lines.append("nothing was changed; without --dry-run it is drawn again")
    elif after.done:
        moved = f"; the damaged files are in {Path(folder) / 'damaged'}" if found.damaged else ""
        lines.append(f"drawn again: all {_count(after.cells, 'cell')} are complete and sound now{moved}")
    else:
        lines.append(f"not all of it could be drawn again: {after.complete} of {after.cells} cells complete")
        lines += _failures_as_text(after.failures, folder)
    return "\n".join(lines)


def _missing_as_text(cells: Sequence[tuple[str, int]]) -> str:
    return f"missing: {_cells_as_text(cells)}"


def _cells_as_text(cells: Sequence[tuple[str, int]]) -> str:
    rest = f"\n  and {len(cells) - CELLS_LISTED} more" if len(cells) > CELLS_LISTED else ""
    listed = "".join(f"\n  {panel}, n={n}" for panel, n in cells[:CELLS_LISTED])
    return _count(len(cells), "cell") + listed + rest


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _failures_as_text(failures: Sequence[Mapping[str, Any]], folder: str | Path) -> list[str]:
    if not failures:
        return []
    several = "es" if len(failures) > 1 else ""
    lines = [f"failed: {len(failures)} batch{several}; the command below each shows it again"]
    for failure in failures[:CELLS_LISTED]:
        lines += [f"  {failure['error']}", f"    {_replay_command(failure, folder)}"]
    return lines + ([f"  and {len(failures) - CELLS_LISTED} more"] if len(failures) > CELLS_LISTED else [])


def _replay_command(failure: Mapping[str, Any], folder: str | Path) -> str:
    """Made anew: the folder may have been moved since the batch failed."""
    return shlex.join(["kt-theory", "study", "replay", str(folder), kt.study.store.Batch(**failure["batch"]).name])


def _versions_as_text(receipts: pd.DataFrame) -> list[str]:
    import numpy as np

    others = _numpy_versions(receipts) - {np.__version__}
    if not others:
        return []
    drawn = f"some batches were drawn by NumPy {', '.join(sorted(others))}, and this is {np.__version__}"
    return [f"note: {drawn}: another version may draw other numbers from the same seed, as good as these"]


def _numpy_versions(receipts: pd.DataFrame) -> set[str]:
    if receipts.empty:
        return set()
    return {version for versions in receipts["numpy"].unique() for version in versions.split("+")}
