"""`kt-theory verify`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import BROKEN, HELD
from kt_theory.cli.options import add_command, path, whole
from kt_theory.cli.printing import rows_of
from kt_theory.files import check_writable
from kt_theory.showing import sentence


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "verify",
        _verify,
        "attack every statement of the theory, and print each verdict",
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
    parser.add_argument("--report", type=path, metavar="FILE", help="write one self-contained HTML page")
    parser.add_argument("--no-planted", action="store_true", help="do not try the planted errors")
    parser.add_argument("--seed", type=whole(), default=1, help="seed of problems, searches and draws (default: 1)")
    parser.add_argument("--out", type=path, metavar="FILE", help="write the table as CSV")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON; what is not finite is null")


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.out:
        check_writable(arguments.out, ".csv")
    if arguments.report:
        check_writable(arguments.report, ".html")
    tried = kt.ledger.effort(arguments.level, arguments.seed)
    statements = kt.ledger.chosen(arguments.statement)
    verdicts = list(kt.ledger.try_all(statements, tried, planted=not arguments.no_planted, progress=True))
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
            "statements": rows_of(board.drop(columns="seconds")),
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
        surprise = f"not as expected: {verdict.statement.id}: {'; '.join(kt.ledger.surprises(verdict))}"
        print(sentence(surprise), file=sys.stderr)
    return BROKEN if wrong else HELD
