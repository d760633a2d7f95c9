"""`kt-theory audit-student`."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.options import add_command, path, positive, whole
from kt_theory.cli.printing import count, print_json


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "audit-student",
        _audit_student,
        "certify any student by samples that its teacher scores",
        "Read samples that show two probabilities of the sampled label, the teacher's (p, prob, probability; logp,\n"
        "logprob, log_prob, log_probability) and the student's (q, student_p, ...; logq, ...). Print the\n"
        "total variation between the two with intervals that hold for every student, table or not. Rows with the same\n"
        "sequence are the tokens of one sample. The samples must be fresh, not those that the student was fitted on.\n"
        "Files are .csv, .tsv, both also .gz, or .parquet; - is standard input.",
        "kt-theory audit-student samples.csv --delta 0.01",
    )
    parser.add_argument("records", type=path, metavar="FILE", help="samples with both probabilities")
    parser.add_argument(
        "--sampled",
        default="teacher",
        metavar="SOURCE",
        help="where the labels come from: teacher (default), student, or both, half each (column source)",
    )
    parser.add_argument(
        "--delta", type=positive, default=0.05, help="probability with which each interval may miss (default: 0.05)"
    )
    parser.add_argument("--seed", type=whole(), default=0, help="seed of the Clopper-Pearson coins (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the audit as JSON")


def _audit_student(arguments: argparse.Namespace) -> int:
    audit = kt.tables.audit_file(
        arguments.records, sampled=arguments.sampled, delta=arguments.delta, seed=arguments.seed
    )
    if arguments.json:
        print_json({**dataclasses.asdict(audit), "acceptance": audit.acceptance})
        return HELD
    level = f"{100 * (1 - audit.delta):.6g} %"
    drew = {"teacher": "the teacher", "student": "the student", "both": "both, half each"}[audit.sampled]
    print(f"{count(audit.m, 'sample')}, drawn by {drew}")
    print(f"total variation     {audit.tv:.6g}, standard error {audit.standard_error:.2g}")
    print(f"acceptance rate     {audit.acceptance:.6g} of speculative decoding")
    for name, (low, high) in (("Bernstein", audit.bernstein), ("Clopper-Pearson", audit.clopper_pearson)):
        accepted = f"acceptance rate {1 - high:.6g} to {1 - low:.6g}"
        print(f"{level} interval, {name}: total variation {low:.6g} to {high:.6g}, {accepted}")
    print(f"minimax estimate    {audit.minimax:.6g}, root mean square error at most {audit.rmse:.4g} for every student")
    return HELD
