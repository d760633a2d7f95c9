"""The command `kt-theory`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import kt_theory as kt
from kt_theory.cli import fit, minimax, playground, reproduce, simulate, study, verify
from kt_theory.cli.exits import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = parser().parse_args(words)
    arguments.words = words
    return guarded(lambda: arguments.command(arguments))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kt-theory",
        description="The statistics of knowledge transfer over finite domains: what hard labels, partial soft labels\n"
        "(the probability of the sampled label) and soft labels (the whole distribution) teach a student.",
        epilog="example:\n  kt-theory reproduce --quick      # all figures and the table of slopes, in a minute",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kt_theory {kt.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    reproduce.add_parser(commands)
    verify.add_parser(commands)
    simulate.add_parser(commands)
    fit.add_parser(commands)
    minimax.add_parser(commands)
    study.add_parser(commands)
    playground.add_parser(commands)
    return parser
