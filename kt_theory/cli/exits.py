"""Exit codes, and the sentence that stands for each error."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from kt_theory.refusals import spelled_with_options

HELD, BROKEN, REFUSED, INTERRUPTED = 0, 1, 2, 130


def guarded(command: Callable[[], int]) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _note
            return command()
    except BrokenPipeError:
        # The reader has seen enough, as `| head` does. Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return HELD
    except MemoryError:
        print("kt-theory: error: not enough memory for tables of this size", file=sys.stderr)
        return REFUSED
    except (ValueError, OSError) as error:
        print(f"kt-theory: error: {spelled_with_options(error)}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("kt-theory: interrupted; nothing was half written", file=sys.stderr)
        return INTERRUPTED


def _note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Print a warning as a note."""
    said = spelled_with_options(message) if isinstance(message, Warning) else message
    print(f"kt-theory: note: {said}", file=sys.stderr)
