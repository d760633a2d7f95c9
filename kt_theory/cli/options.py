"""How a command is declared, the options that several of them share, and what an option's value must be.

A value is checked where it is read, so that the sentence names the option. What depends on several options, or on a
file, is checked where it is used.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from kt_theory.files import check_writable, refuse_overwriting
from kt_theory.showing import sentence, shown

#: The largest number that is understood: the largest 64-bit integer.
LARGEST = 2**63 - 1

#: The most threads or processes.
WORKERS_MAX = 1024


class Parser(argparse.ArgumentParser):
    """A parser whose sentences are escaped, as those of the commands are."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        for action in self._actions:
            # Until Python 3.12, `--out=--` gives the empty list that stands for no value at all.
            if action.nargs is None and getattr(found, action.dest, None) == []:
                self.error(f"argument {'/'.join(action.option_strings) or action.metavar}: expected one argument")
        return found, rest

    def error(self, message: str) -> NoReturn:
        super().error(sentence(message))


#: The label of `--other` without a name: `records.samples.OTHER`, whose import would slow --help down.
OTHER = "<other>"


def add_command(
    commands: Any, name: str, run: Callable[..., int] | None, brief: str, text: str, example: str
) -> argparse.ArgumentParser:
    """Declare a command; one that has actions of its own shows its help if none is given."""
    parser = commands.add_parser(
        name,
        help=brief,
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run or shows_help(parser))
    return parser


def shows_help(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """A command that prints the help of a parser."""

    def command(_: argparse.Namespace) -> int:
        parser.print_help()
        return 0

    return command


def common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=workers, help="threads (default: all processors); they change no number")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def add_other(parser: argparse.ArgumentParser, about: str) -> None:
    """The option of a reader of tables that adds a label for what the others leave."""
    parser.add_argument("--other", nargs="?", const=OTHER, metavar="NAME", help=f"{about} (default of NAME: {OTHER})")


class _Roles(argparse.Action):
    """Collect words such as state=prompt; a role that is given several columns keeps all of them."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        roles: dict[str, Any] = dict(getattr(namespace, self.dest) or {})
        for word in values:
            role, equals, name = word.partition("=")
            if not equals or not role or not name:
                raise argparse.ArgumentError(self, f"it is {shown(word)}: it must be a role and a column, role=column")
            roles[role] = name if role not in roles else [*_as_list(roles[role]), name]
        setattr(namespace, self.dest, roles)


def _as_list(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def add_columns(parser: argparse.ArgumentParser) -> None:
    """The option of a reader of tables that says which column has which role."""
    about = "which column has which role, as state=prompt action=answer; several of action are those of annotators"
    parser.add_argument("--columns", nargs="+", action=_Roles, metavar="ROLE=COLUMN", help=about)


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """The options of a reader of logs."""
    parser.add_argument(
        "--input",
        metavar="FIELD",
        help="the input of a record: prompt (default), a field of the line such as metadata.id, or, for every token, "
        "prefix or position",
    )
    about = "the label of a record: the first token (default), the reply, or all tokens"
    parser.add_argument("--label", choices=("first", "reply", "all"), help=about)
    parser.add_argument("--requests", type=path, metavar="FILE", help="requests, whose prompts are joined on custom_id")
    parser.add_argument("--format", metavar="NAME", help="the format of the logs (default: by their keys)")
    parser.add_argument(
        "--logprobs-are", choices=("logarithms", "probabilities"), help="what the fields of log-probabilities hold"
    )


def log_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of logs that were given."""
    given = {name: getattr(arguments, name) for name in ("input", "label", "requests", "format", "logprobs_are")}
    return {name: value for name, value in given.items() if value is not None}


# --- What a value must be -------------------------------------------------------------------------------


def whole(minimum: int = 0, maximum: int = LARGEST) -> Callable[[str], int]:
    """The type of an option that is a whole number; 1e9 and 12345678901234567 are both exact."""

    def read(text: str) -> int:
        number = _number(text)
        if isinstance(number, float):
            if not number.is_integer():  # neither are nan and the infinities
                raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must be a whole number")
            number = int(number)
        if number < minimum:
            raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must be at least {minimum}")
        if number > maximum:
            raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must be at most {maximum}")
        return number

    return read


def workers(text: str) -> int:
    """The type of an option that is a number of threads or processes."""
    return whole(1, WORKERS_MAX)(text)


def positive(text: str) -> float:
    """The type of an option that is a finite number above 0."""
    number = _finite(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must be above 0")
    return number


def not_negative(text: str) -> float:
    """The type of an option that is a finite number, 0 or above."""
    number = _finite(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must be at least 0")
    return number


def between_0_and_1(text: str) -> float:
    """The type of an option that is a number between 0 and 1, neither of them."""
    number = _finite(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must lie between 0 and 1")
    return number


def path(text: str) -> str:
    """The type of an option that names a file or a folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"it is {text!r}: it must be the name of a file or folder")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"it is {shown(text)}: a name has no NUL character")
    return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shown(text)!r} is not a number") from None


def _finite(text: str) -> float:
    number = _number(text)
    try:
        if math.isfinite(number):
            return float(number)
    except OverflowError:
        pass
    raise argparse.ArgumentTypeError(f"it is {shown(text)}: it must be a finite number")


# --- Outputs --------------------------------------------------------------------------------------------


def check_output(out: str, *suffixes: str, inputs: Mapping[str, str | None], argument: str = "out") -> None:
    """Refuse an output that cannot be written, or that is one of the inputs, before any work is done.

    `inputs` maps what a sentence calls an input to its path, or to None if it was not given.
    """
    refuse_overwriting(argument, out, inputs)
    check_writable(out, *suffixes)
