"""The command `kt-theory`."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from typing import Any

import kt_theory as kt
from kt_theory.cli import (
    audit,
    audit_student,
    check_log,
    convert,
    fit,
    losses,
    minimax,
    plan,
    playground,
    reproduce,
    simulate,
    storage,
    study,
    verify,
)
from kt_theory.cli.exits import HELD, guarded
from kt_theory.cli.options import Parser, add_command, shows_help


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args(words)
    arguments.words = words
    return guarded(lambda: arguments.command(arguments))


@functools.cache
def parser() -> argparse.ArgumentParser:
    """The parser of all commands, made once in a process."""
    parser = Parser(
        prog="kt-theory",
        description="The statistics of knowledge transfer over finite domains: what hard labels, partial soft labels\n"
        "(the probability of the sampled label) and soft labels (the whole distribution) teach a student.",
        epilog="example:\n  kt-theory reproduce --quick      # all figures and the table of slopes, in a minute",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kt_theory {kt.__version__}")
    parser.set_defaults(command=shows_help(parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    reproduce.add_parser(commands)
    verify.add_parser(commands)
    simulate.add_parser(commands)
    convert.add_parser(commands)
    fit.add_parser(commands)
    check_log.add_parser(commands)
    audit_student.add_parser(commands)
    plan.add_parser(commands)
    storage.add_parser(commands)
    minimax.add_parser(commands)
    losses.add_parser(commands)
    audit.add_parser(commands)
    study.add_parser(commands)
    playground.add_parser(commands)
    _add_help(commands)
    return parser


def _add_help(commands: Any) -> None:
    parser = add_command(
        commands,
        "help",
        _help,
        "show the help of a command",
        "Show what `kt-theory COMMAND --help` shows; without a command, the list of commands.",
        "kt-theory help study run",
    )
    parser.add_argument("about", metavar="COMMAND", nargs="*", help="a command, and an action of it")


def _help(arguments: argparse.Namespace) -> int:
    parser().parse_args([*arguments.about, "--help"])  # prints, and ends the process
    return HELD
