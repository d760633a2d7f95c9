"""`kt-theory audit`."""

from __future__ import annotations

import argparse
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import BROKEN, HELD
from kt_theory.cli.making import function_of, made
from kt_theory.cli.options import add_command, path, whole
from kt_theory.cli.printing import print_json, rows_of


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "audit",
        _audit,
        "what a student becomes under a loss, one of the list or a pasted function",
        "Audit a loss: what its student converges to, whether that is the teacher, whether it is unique, how fast,\n"
        "what mends it. LOSS is an id of `kt-theory losses`, or FILE.py:NAME, a function of logits, label and teacher\n"
        "of shapes (N, A), (N,), (N, A) that returns one value a sample; --protocol says what it is shown.",
        "kt-theory audit kd_mix --set alpha=0.1 T=4",
    )
    parser.add_argument("loss", metavar="LOSS", help="an id, or FILE.py:NAME")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="parameters of a loss of the list")
    parser.add_argument("--protocol", metavar="NAME", help="what a function is shown, such as soft")
    parser.add_argument("--p", type=float, nargs="+", metavar="P", help="the teacher's law (default: three examples)")
    parser.add_argument("--n", type=whole(1), nargs="+", metavar="N", help="simulate at these numbers of samples")
    parser.add_argument("--seed", type=whole(), default=0, help="seed of teachers and simulations (default: 0)")
    parser.add_argument("--figure", type=path, metavar="FILE", help="draw the limit, as FILE.png and FILE.pdf")
    parser.add_argument("--require", choices=("consistent",), help="exit with 1 if the loss is not consistent")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def _audit(arguments: argparse.Namespace) -> int:
    if ".py:" in arguments.loss or arguments.loss.endswith(".py"):
        if arguments.set:
            raise ValueError("--set goes with a loss of the list: a function has its own defaults")
        if arguments.protocol is None:
            raise ValueError("--protocol is missing: say what the function is shown, such as --protocol soft")
        loss = function_of(arguments.loss)
    else:
        if arguments.protocol is not None:
            raise ValueError("--protocol goes with a function: a loss of the list has its own")
        loss = made(arguments.loss, arguments.set)
    options = {"protocol": arguments.protocol, "n": arguments.n, "seed": arguments.seed}
    teachers = None if arguments.p is None else {"the teacher": arguments.p}
    found = kt.audit(loss, teachers, **options)
    if arguments.figure is not None:
        found.figure(arguments.figure)
    if arguments.json:
        print_json({"loss": found.loss.name, "verdict": found.verdict, "teachers": rows_of(found.table)})
    else:
        print(found.text)
    return BROKEN if arguments.require and found.verdict != arguments.require else HELD
