"""`kt-theory convert`."""

from __future__ import annotations

import argparse
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.options import add_command, add_log_options, check_output, log_options, path
from kt_theory.cli.printing import count, print_json
from kt_theory.showing import sentence, shown


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "convert",
        _convert,
        "make a table of records of the logs of language models and annotators",
        "Read logs (JSON Lines or JSON, also .gz; folders; - is standard input), whose shape is recognised by its\n"
        "keys, and write records: columns state, action, count and logprob. A row of count 0 tells the probability of\n"
        "a label that was not drawn. Print what was found, and which lines hold no sample and why. Memory is bounded.",
        "kt-theory convert log.jsonl --out records.parquet",
    )
    parser.add_argument("logs", type=path, metavar="LOG", nargs="+", help="logs, or folders of them")
    add_log_options(parser)
    parser.add_argument("--out", type=path, metavar="FILE", required=True, help="write the records, CSV or Parquet")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def _convert(arguments: argparse.Namespace) -> int:
    inputs = {**{f"the log {file}": file for file in arguments.logs}, "--requests": arguments.requests}
    check_output(arguments.out, ".csv", ".parquet", inputs=inputs)
    report = kt.logs.convert(arguments.logs, arguments.out, **log_options(arguments))
    if arguments.json:
        print_json({**report.as_dict(), "out": arguments.out})
    else:
        print(report_as_text(report))
        print(f"the records are in {arguments.out}")
    return HELD


def report_as_text(report: Any) -> str:
    """An account of logs, a line a fact."""
    words = [kt.logs.FORMATS[name].words for name in report.formats]
    lines = [
        f"{count(report.samples, 'sample')} in {count(report.lines, 'line')} of {count(len(report.files), 'file')}: "
        + "; ".join(words)
    ]
    if report.samples:
        share = report.with_logprob / report.samples
        lines.append(f"with a log-probability of their own: {report.with_logprob} ({share:.1%})")
    if report.told_besides:
        lines.append(f"told without being drawn: {report.told_besides}")
    if report.list_mass:
        least, mean, most = report.list_mass
        lines.append(f"mass of the lists of labels: {mean:.4g} on average, {least:.4g} to {most:.4g}")
    for name, values in report.settings.items():
        lines.append(f"{name}: {', '.join(f'{shown(value)} ({number})' for value, number in values.items())}")
    if report.with_logprob:
        lines.append(f"raw or processed values: {report.values}")
        lines.append(f"two log-probabilities of one pair differ by at most {report.largest_disagreement:.3g}")
    if len(report.fingerprints) > 1:
        told = ", ".join(f"{shown(name)} ({number})" for name, number in report.fingerprints.items())
        lines.append(f"several states of the model: {told}")
    lines += map(sentence, report.sentences())
    return "\n".join(lines)
