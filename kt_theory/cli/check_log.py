"""`kt-theory check-log`."""

from __future__ import annotations

import argparse
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import BROKEN, HELD
from kt_theory.cli.options import (
    add_columns,
    add_command,
    add_log_options,
    between_0_and_1,
    log_options,
    path,
    positive,
    whole,
)
from kt_theory.showing import sentence


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "check-log",
        _check_log,
        "test whether a log was sampled as it states, and look for other faults",
        "Read records as fit does, and answer one question a line: verdict, evidence, and how many records like these\n"
        "would settle it. Was the log sampled from the probabilities that it states, greedily, from the likeliest\n"
        "labels only, at another temperature? Do probabilities of an input exceed 1 in sum, has a pair two values,\n"
        "are lines repeated, does a name stand for several labels, do annotators agree too often? Further columns are\n"
        "understood: fingerprint (or model), temperature, annotator (or worker, rater). Nothing is written. The exit\n"
        "code is 1 if a verdict is an alarm: the log should not be used as it is.",
        "kt-theory check-log records.csv",
    )
    about = "a table of records, or logs as convert reads them; - is standard input"
    parser.add_argument("logs", type=path, metavar="LOG", nargs="+", help=about)
    add_columns(parser)
    add_log_options(parser)
    parser.add_argument(
        "--level", type=between_0_and_1, default=0.01, help="probability of a false alarm, at most (default: 0.01)"
    )
    parser.add_argument("--temperature", type=positive, help="the stated temperature of the draws")
    parser.add_argument("--seed", type=whole(), default=0, help="seed of the order of the records (default: 0)")
    parser.add_argument(
        "--in-order", action="store_true", help="the records stand in the order of the draws: check a growing log again"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _check_log(arguments: argparse.Namespace) -> int:
    found = kt.check_log(
        arguments.logs,
        level=arguments.level,
        temperature=arguments.temperature,
        seed=arguments.seed,
        in_order=arguments.in_order,
        columns=arguments.columns,
        **log_options(arguments),
    )
    if arguments.json:
        print(found.to_json())
    else:
        for finding in found:
            print(sentence(str(finding)))
    return BROKEN if found.alarms else HELD
