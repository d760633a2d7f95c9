"""`kt-theory verify`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import BROKEN, HELD
from kt_theory.cli.making import statements_of
from kt_theory.cli.options import add_command, check_output, path, whole
from kt_theory.cli.printing import print_json, rows_of, terminal_width
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
        "errors planted beside it the same trials caught. The last line begins with PASS or FAIL.\n\n"
        "exit codes:\n"
        "  0    PASS: every verdict is the expected one\n"
        "  1    FAIL: a verdict is not, the mended form of a slip breaks, or a planted error was not caught\n"
        "  2    refused, in one sentence: a bad option, a file that cannot be read, or one that cannot be written\n"
        "  130  interrupted",
        "kt-theory verify --statement zz-3.2 zz-E --report ledger.html",
    )
    levels = ("quick", "full")
    parser.add_argument("--level", choices=levels, default="quick", help="about a minute (default), or about twenty")
    parser.add_argument("--statement", nargs="+", metavar="ID", help="ids or beginnings of ids (default: all)")
    about = "execute a Python file and try every Statement at its top level, and of the ledger only --statement"
    parser.add_argument("--file", type=path, metavar="FILE.py", help=about)
    parser.add_argument("--report", type=path, metavar="FILE", help="write one self-contained HTML page")
    parser.add_argument("--no-planted", action="store_true", help="do not try the planted errors")
    parser.add_argument("--seed", type=whole(), default=1, help="seed of problems, searches and draws (default: 1)")
    parser.add_argument("--out", type=path, metavar="FILE", help="write the table as CSV")
    parser.add_argument("--junit", type=path, metavar="FILE", help="write a test case per statement as JUnit XML")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON; what is not finite is null")
    parser.add_argument("--json-schema", action="store_true", help="print the JSON Schema of --json; try nothing")


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.json_schema:
        print(files("kt_theory.cli").joinpath("verify.schema.json").read_text("utf-8"), end="")
        return HELD
    for name, suffix in (("out", ".csv"), ("report", ".html"), ("junit", ".xml")):
        if written := getattr(arguments, name):
            check_output(written, suffix, inputs={"--file": arguments.file}, argument=name)
    own = statements_of(arguments.file) if arguments.file else []
    ids = arguments.statement or ([] if own else None)
    tried = kt.ledger.effort(arguments.level, arguments.seed)
    statements = kt.ledger.chosen(ids if ids is None else [*own, *ids])
    verdicts = list(kt.ledger.try_all(statements, tried, planted=not arguments.no_planted, progress=True))
    if arguments.out:
        kt.study.write_receipts(kt.ledger.as_frame(verdicts), arguments.out)
    if arguments.report:
        kt.ledger.write_report(verdicts, tried, arguments.report)
    if arguments.junit:
        kt.ledger.write_junit(verdicts, tried, arguments.junit)
    if arguments.json:
        print_json(_found(verdicts, tried))
    else:
        print(kt.ledger.as_text(verdicts, terminal_width()))
        for path, what in ((arguments.report, "report"), (arguments.junit, "JUnit XML"), (arguments.out, "table")):
            if path:
                print(f"{what}: {Path(path).resolve()}")
    wrong = kt.ledger.unexpected(verdicts)
    sys.stdout.flush()  # what follows on standard error stands after the table in a log of both
    for verdict in wrong:
        surprise = f"not as expected: {verdict.statement.id}: {'; '.join(kt.ledger.surprises(verdict))}"
        print(sentence(surprise), file=sys.stderr)
    print(kt.ledger.conclusion(verdicts), file=sys.stderr if arguments.json else sys.stdout)
    return BROKEN if wrong else HELD


def _found(verdicts: Sequence[kt.ledger.Verdict], tried: kt.ledger.Effort) -> dict[str, Any]:
    """What is printed as JSON; `verify.schema.json` says what each field is."""
    summary = kt.ledger.summarise(verdicts)
    return {
        "format": 1,
        "passed": not kt.ledger.unexpected(verdicts),
        "conclusion": kt.ledger.conclusion(verdicts),
        "level": tried.level,
        "seed": tried.seed,
        "versions": kt.ledger.versions(),
        "statements": rows_of(kt.ledger.as_frame(verdicts).drop(columns="seconds")),
        "statements_by_kind": {kind: summary.statements[kind] for kind in kt.ledger.KINDS},
        "mutation_score": summary.mutation_score if summary.planted else None,
        "false_alarm": summary.false_alarm,
    }
