"""`kt-theory playground`."""

from __future__ import annotations

import argparse
from typing import Any

from kt_theory.cli.exits import HELD
from kt_theory.cli.options import add_command, path
from kt_theory.files import check_writable


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "playground",
        _playground,
        "write the playground: one HTML file that needs no network",
        "Write one self-contained HTML page. It reveals a teacher sample by sample, as hard, partial soft and soft\n"
        "labels side by side, and shows each learner's student, with exact risks and the bounds of the paper.\n"
        "It opens from disk and computes its own numbers; its address holds every setting, to be sent to others.",
        "kt-theory playground --out page.html",
    )
    parser.add_argument(
        "--out", type=path, metavar="FILE", default="playground.html", help="the page (default: playground.html)"
    )


def _playground(arguments: argparse.Namespace) -> int:
    from kt_theory.playground import write_playground

    check_writable(arguments.out, ".html")
    print(f"the playground is in {write_playground(arguments.out)}: open it in a browser")
    return HELD
