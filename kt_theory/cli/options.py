"""How a command is declared, and the options that several of them share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

#: The label of `--other` without a name: `records.samples.OTHER`, whose import would slow --help down.
OTHER = "<other>"


def add_command(
    commands: Any, name: str, run: Callable[..., int] | None, brief: str, text: str, example: str
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


def common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=number, help="threads (default: all processors); they change no number")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def add_other(parser: argparse.ArgumentParser, about: str) -> None:
    """The option of a reader of tables that adds a label for what the others leave."""
    parser.add_argument("--other", nargs="?", const=OTHER, metavar="NAME", help=f"{about} (default of NAME: {OTHER})")


def number(text: str) -> int | float:
    """A number as typed; what it may be is checked where it is used. 1e9 and 12345678901234567 are both exact."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
