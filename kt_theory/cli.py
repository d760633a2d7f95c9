"""The command line: `kt-theory reproduce`, `verify`, `simulate`, `fit` and `minimax`.

Exit code 0: done, and every bound that was checked holds. 1: a checked bound is broken, or a verdict is not the
expected one. 2: the input was refused, in one sentence. Heavy modules are imported by the command that needs them, so
that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kt_theory as kt
from kt_theory.files import check_writable

if TYPE_CHECKING:
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
    arguments = _parser().parse_args(argv)
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


def _command(
    commands: Any, name: str, run: Callable[..., int], brief: str, text: str, example: str
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
    package = Path(__file__).parent
    for folder in (package.parent / "simulations", package / "simulations"):
        path = folder / f"{stem}.py"
        if path.is_file():
            return runpy.run_path(str(path))["main"]
    raise ValueError(f"simulations/{stem}.py was not found beside the package")


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
