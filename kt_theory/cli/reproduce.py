"""`kt-theory reproduce`, and the command line of each script in simulations/."""

from __future__ import annotations

import argparse
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kt_theory as kt
from kt_theory.cli.exits import BROKEN, HELD, guarded
from kt_theory.cli.options import add_command, common_options, path, whole
from kt_theory.cli.printing import print_json, rows_of, terminal_width
from kt_theory.cli.shipped import shipped
from kt_theory.files import check_writable

if TYPE_CHECKING:
    import pandas as pd


#: What `reproduce` draws: name on the command line -> script in simulations/.
STUDIES = {
    "figure1": "figure1_classic",
    "figure2": "figure2_rates",
    "curves": "exact_curves",
    "minimax": "minimax_gap",
    "real": "real_teacher",
}
#: What it draws by name only: longer than the rest, or of a package that may be absent.
BY_NAME = {
    "llm": "llm_teacher",
    "annotations": "annotations",
    "storage": "storage",
    "greedy": "greedy",
    "audit": "audit",
    "atlas": "atlas",
}


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "reproduce",
        _reproduce,
        "draw the rate plots and check every point against the bounds",
        "Run the studies, write their numbers (CSV) and pictures (PNG, PDF), and print one table: panel, learner,\n"
        "theoretical slope, fitted slope +- standard error, whether the slope has settled over the window, the slope\n"
        "of the exact curve, and how the risk compares with the lower and upper bounds; then, for each figure, the\n"
        "paper's slope, ours with its error, and whether they agree. The curves are exact; --simulate adds Monte\n"
        "Carlo points. Exit code 1 if a bound is broken.\n\n"
        "Results go to figures/exact, with --quick to figures/quick, and with --simulate at full size to figures,\n"
        "where the committed ones are; --out names another folder.",
        "kt-theory reproduce figure2 --simulate --quick",
    )
    choices = [*STUDIES, *BY_NAME, "all"]
    about = "what to draw (default: all, but for " + ", ".join(BY_NAME) + ")"
    parser.add_argument("study", nargs="?", choices=choices, default="all", help=about)
    study_options(parser)


def study_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--simulate", action="store_true", help="add Monte Carlo to the exact curves, and compare")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: the same figures with larger error bars")
    parser.add_argument("--out", type=path, help="folder for the results (default: below figures, see above)")
    parser.add_argument("--seed", type=whole(), help="seed of all draws (default: the one of the committed figures)")
    common_options(parser)


def run_script(study: Callable[..., pd.DataFrame]) -> None:
    """The command line of one script in simulations/: run its `main`, print its table, exit as `kt-theory` does."""
    stem = Path(sys.argv[0]).stem
    doc = sys.modules[study.__module__].__doc__
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    study_options(parser)
    arguments = parser.parse_args()
    sys.exit(guarded(lambda: run_studies({stem: study}, arguments)))


def _reproduce(arguments: argparse.Namespace) -> int:
    stems = STUDIES.values() if arguments.study == "all" else [(STUDIES | BY_NAME)[arguments.study]]
    return run_studies({stem: _load_study(stem) for stem in stems}, arguments)


def _load_study(stem: str) -> Callable[..., pd.DataFrame]:
    """`main` of a script in simulations/: beside the package in a checkout, inside it when installed from a wheel."""
    path = shipped(f"{stem}.py")
    if path is None:
        raise ValueError(f"simulations/{stem}.py was not found beside the package")
    return runpy.run_path(str(path))["main"]


def run_studies(studies: dict[str, Callable[..., pd.DataFrame]], arguments: argparse.Namespace) -> int:
    import pandas as pd

    out = Path(arguments.out or _default_folder(arguments))
    seed = {} if arguments.seed is None else {"seed": arguments.seed}
    options = kt.study.Options(arguments.simulate, arguments.quick, out, workers=arguments.workers, **seed)
    check_writable(out / "probe.csv")
    before = _stamps(out)
    boards = []
    for number, (stem, study) in enumerate(studies.items(), 1):
        begun = time.monotonic()
        print(f"{number} of {len(studies)}: {stem} ...", file=sys.stderr, flush=True)
        boards.append(study(options))
        print(f"{number} of {len(studies)}: {stem}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    board = pd.concat(boards, ignore_index=True)
    if arguments.json:
        print_json(rows_of(board))
    else:
        print(kt.claims.as_text(board, terminal_width()))
        bound = board[board["checked"] > 0]
        held = f"{bound['held'].sum()} of {len(bound)} curves keep all of theirs"
        print(f"\nbounds: {bound['checked'].sum()} checks at single n; {held}")
        print("written:")
        for path in sorted(name for name, stamp in _stamps(out).items() if before.get(name) != stamp):
            print(f"  {path.resolve()}")
        print("beside the paper:")
        for stem, own in zip(studies, boards, strict=True):
            for line in kt.claims.beside_the_paper(stem, own):
                print(f"  {line}")
    return HELD if board["held"].all() else BROKEN


def _default_folder(arguments: argparse.Namespace) -> str:
    """The committed figures are those at full size with simulation: only the same job overwrites them."""
    if arguments.quick:
        return "figures/quick"
    return "figures" if arguments.simulate else "figures/exact"


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """The files of a folder, each with what changes when it is written anew."""
    found = ((path, path.stat()) for path in folder.iterdir() if path.is_file())
    return {path: (status.st_ino, status.st_mtime_ns) for path, status in found}
