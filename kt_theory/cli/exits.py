"""Exit codes, and the sentence that stands for each error."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from kt_theory.refusals import spelled_with_options
from kt_theory.showing import sentence

HELD, BROKEN, REFUSED, INTERRUPTED = 0, 1, 2, 130


def guarded(command: Callable[[], int]) -> int:
    """Run a command; what it raises becomes a sentence and an exit code, its warnings become notes."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is escaped: output never stops half way.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _note
            code = command()
        return _printed(code)
    except BrokenPipeError:
        # The reader closed the pipe, as `| head` does. Python would raise once more when it closes its own end.
        _drop_output()
        return HELD
    except MemoryError:
        return refused("there is not enough memory for tables of this size")
    except OSError as error:
        named = None if error.filename is None else os.fspath(error.filename)
        return refused(f"{named or 'standard output or a temporary file'}: {error.strerror or error}")
    except ValueError as error:
        return refused(spelled_with_options(error))
    except KeyboardInterrupt:
        say("interrupted; no file is partly written")
        return INTERRUPTED


def say(text: str) -> None:
    """A sentence on standard error; each of its lines is escaped."""
    print("kt-theory: " + "\n".join(map(sentence, text.split("\n"))), file=sys.stderr)


def refused(sentence: str) -> int:
    """Print why a command failed."""
    say(f"error: {sentence}")
    return REFUSED


def _printed(code: int) -> int:
    """Flush standard output while a failure to write can still be reported."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        return refused(f"standard output cannot be written: {error.strerror}")
    return code


def _drop_output() -> None:
    """Discard what is left in the buffer: Python would flush it at exit, and raise."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Print a warning as a note."""
    said = spelled_with_options(message) if isinstance(message, Warning) else message
    say(f"note: {said}" if issubclass(category, UserWarning) else f"note: {category.__name__}: {said}")
