"""`kt-theory storage`."""

from __future__ import annotations

import argparse
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.options import (
    add_columns,
    add_command,
    add_log_options,
    add_other,
    log_options,
    path,
    whole,
)
from kt_theory.cli.printing import print_json, rows_of, terminal_width
from kt_theory.showing import table

#: What each storage keeps, in words.
WORDS = {
    "list": "the most likely labels, equal shares for the others",
    "draws": "drawn labels with their probabilities, equal shares for the others",
    "gumbel": "labels drawn without replacement, with their probabilities, equal shares for the others",
    "half": "half of each",
    "renormalised": "the most likely labels, scaled to one",
    "frequencies": "drawn labels without their probabilities",
}


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "storage",
        _storage,
        "compare ways to store a teacher's rows with few numbers",
        "Print the expected risk (total variation, over the inputs) of a student whose rows are stored with\n"
        "--numbers numbers at each visit: a list of the most likely labels, draws with their probabilities, with and\n"
        "without replacement, half of each, a renormalised list, draws without probabilities. Every input is visited\n"
        "--visits times. A star marks the best. The rows are those of a teacher, or of a log, as far as it tells them.",
        "kt-theory storage --bundled next_word --numbers 10 --visits 1 3 10",
    )
    about = "a log, or a table of records, in the place of a teacher; - is standard input"
    parser.add_argument("log", type=path, metavar="LOG", nargs="*", help=about)
    add_log_options(parser)
    add_columns(parser)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--teacher", type=path, metavar="FILE", help="teacher table; - reads standard input")
    source.add_argument("--bundled", metavar="NAME", help="a teacher that ships with the package, such as next_word")
    parser.add_argument("--numbers", type=whole(1), required=True, help="how many numbers of a row a visit stores")
    parser.add_argument("--visits", type=whole(1), nargs="+", required=True, help="how often every input is visited")
    parser.add_argument(
        "--storages", nargs="+", choices=tuple(WORDS), metavar="NAME", help=f"of {', '.join(WORDS)} (default: all)"
    )
    parser.add_argument(
        "--method",
        choices=("auto", "exact", "montecarlo"),
        default="auto",
        help="how the risks of draws are found (default: auto, exactly for a few inputs)",
    )
    parser.add_argument("--normalise", action="store_true", help="divide the rows of the teacher file by their sums")
    add_other(parser, "one more label of the teacher file or the log, for what the others leave")
    parser.add_argument("--seed", type=whole(), default=0, help="seed of the simulations (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def _storage(arguments: argparse.Namespace) -> int:
    if bool(arguments.log) + (arguments.teacher is not None) + (arguments.bundled is not None) != 1:
        raise ValueError("give one of LOG, --teacher and --bundled: whose rows are stored")
    if arguments.normalise and arguments.teacher is None:
        raise ValueError("--normalise goes with --teacher only")
    if arguments.other and arguments.bundled is not None:
        raise ValueError("--other goes with --teacher and LOG only")
    of_log = log_options(arguments) | ({} if arguments.columns is None else {"columns": arguments.columns})
    if of_log and not arguments.log:
        raise ValueError(f"--{next(iter(of_log)).replace('_', '-')} goes with LOG only")
    partly = 0
    if arguments.log:
        data, _ = kt.logs.transfer_set(arguments.log, other=arguments.other, **of_log)
        teacher, share, partly = kt.storage.plug_in(data)
    elif arguments.teacher is not None:
        options = {"normalise": arguments.normalise, "other": arguments.other}
        teacher = kt.logs.read_teacher(arguments.teacher, **options)
    else:
        teacher = kt.tables.bundled_teacher(arguments.bundled)
    options = {"method": arguments.method, "seed": arguments.seed, "progress": True, "storages": arguments.storages}
    frame = kt.best_storage(teacher, arguments.numbers, arguments.visits, **options)
    if arguments.log:
        frame["plug_in"] = share
    if arguments.json:
        print_json(rows_of(frame))
        return HELD
    print(f"{arguments.numbers} numbers of a row at each visit; expected total variation of the student")
    lines = [["visits of every input", *(f"{visits} " for visits in arguments.visits)]]
    for name, rows in frame.groupby("storage", sort=False):
        pairs = zip(rows["risk"], rows["best"], strict=True)
        lines.append([name, *(f"{_decimals(risk)}{'*' if best else ' '}" for risk, best in pairs)])
    print(table(lines, left=[0], width=terminal_width()))
    for name in frame["storage"].unique():
        print(f"{name}: {WORDS[name]}")
    if partly:
        filled = "equal shares of what is missing, for which lists and draws seem better than they are"
        if data.protocol.tells_nothing:
            filled = "frequencies of its labels, for which storages seem better or worse than they are"
        print(
            f"plug-in: the log does not tell {partly} of {teacher.S} rows whole, {share:.1%} of the mass; they are "
            f"filled in by {filled}"
        )
    drawn = frame["route"].str.contains("Monte Carlo")
    if drawn.any():
        most = frame["error"][drawn].max()
        print(f"{int(drawn.sum())} of {len(frame)} risks are simulated, standard error {most:.1g} at most")
    return HELD


def _decimals(risk: float) -> str:
    """Six decimals, or two digits of what they would show as 0."""
    decimals = f"{risk:.6f}"
    return decimals if risk == 0 or float(decimals) else f"{risk:.1e}"
