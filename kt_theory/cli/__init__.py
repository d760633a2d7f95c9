"""The command line: `kt-theory reproduce`, `verify`, `simulate`, `fit`, `check-log`, `minimax`, `study`, `playground`.

Exit code 0: done, and every bound that was checked holds. 1: a checked bound is broken, a verdict is not the expected
one, a study lacks something, or a log should not be used as it is. 2: the input was refused, in one sentence. 130:
interrupted. Heavy modules are imported by the command that needs them, so that `--help` is instant.
"""

from kt_theory.cli.commands import main, parser
from kt_theory.cli.exits import BROKEN, HELD, INTERRUPTED, REFUSED
from kt_theory.cli.reproduce import run_script

__all__ = ["BROKEN", "HELD", "INTERRUPTED", "REFUSED", "main", "parser", "run_script"]
