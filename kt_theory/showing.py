"""Names and sentences as a terminal may show them: one line each, no control characters, not too long.

A name is data: a label may be a line feed, an escape sequence that repaints the terminal, a mark that turns the text
around, or a prompt of 5,600 characters. Files keep names as they are; what is shown is escaped as in a Python string.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Sequence

#: The most characters of a name that are shown.
NAME_WIDTH = 40

#: The most characters of a word in a sentence, and of a sentence.
WORD_WIDTH, SENTENCE_WIDTH = 300, 900

#: The most characters of a list of names.
LIST_WIDTH = 120


def escaped(text: str) -> str:
    r"""`text` with what is not printable written as in a Python string; its backslashes are left alone.

    Examples
    --------
    >>> print(escaped("two\nlines, \u202eturned around, \x1b[31mred"))
    two\nlines, \u202eturned around, \x1b[31mred
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def sentence(text: str) -> str:
    """A sentence in one line: escaped, long words and what is still too long cut in the middle."""
    text = re.sub(rf"\S{{{WORD_WIDTH + 1},}}", lambda word: _cut(word.group(), WORD_WIDTH), text)
    return escaped(_cut(text, SENTENCE_WIDTH))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width // 2]}...{text[-(width // 3) :]}"


def shown(name: object, width: int = NAME_WIDTH) -> str:
    r"""A name on one line: escaped, cut in the middle beyond `width`, quoted where its ends could not be seen.

    Examples
    --------
    >>> shown("yes"), shown(" yes"), shown(""), shown("\n")
    ('yes', "' yes'", "''", '\\n')
    >>> shown("You are a careful assistant. " * 200 + "Hello?")
    'You are a careful as...ant. Hello? (5806 characters)'
    """
    name = str(name)
    if len(name) <= width:
        text = _spelled(name)
        if len(text) <= width:
            return f"'{text}'" if not text or text != text.strip() else text
    head, tail = _spelled(name[:width]), _spelled(name[-width:])  # a long name costs no more than a short one
    return f"{head[: width // 2]}...{tail[-(width // 3) :]} ({len(name)} characters)"


def _spelled(name: str) -> str:
    return escaped(name.replace("\\", "\\\\"))


def table(
    rows: Sequence[Sequence[str]], *, left: Collection[int] = (), indent: str = "", width: int | None = None
) -> str:
    """Rows of words, the first of which is the header, as aligned columns; those in `left` begin at one place.

    Where a line would be longer than `width`, each row becomes a paragraph instead: its first column, and below it what
    the columns are called and hold, without those that hold "-".

    Examples
    --------
    >>> rows = [("learner", "slope", "settled"), ("CE_sgl", "-0.51 +- 0.02", "yes"), ("CE_ful", "-", "no")]
    >>> print(table(rows, left=[0]))
    learner          slope  settled
    CE_sgl   -0.51 +- 0.02      yes
    CE_ful               -       no
    >>> print(table(rows, width=24))
    learner CE_sgl
      slope: -0.51 +- 0.02;
      settled: yes
    learner CE_ful
      settled: no
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if width is None or len(indent) + sum(widths) + 2 * (len(widths) - 1) <= width:
        aligned = (
            "  ".join(
                cell.ljust(size) if i in left else cell.rjust(size)
                for i, (cell, size) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )
        return "\n".join(f"{indent}{line}".rstrip() for line in aligned)
    header, *rest = rows
    lines = []
    for first, *cells in rest:
        pairs = (f"{name}: {cell}" for name, cell in zip(header[1:], cells, strict=True) if cell != "-")
        margin = f"{indent}  "
        lines.append(f"{indent}{header[0]} {first}")
        lines += textwrap.wrap(
            "; ".join(pairs), width, initial_indent=margin, subsequent_indent=margin, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(lines)


def listed(names: Iterable[str], count: int, most: int) -> str:
    """`count` names in one line: at most `most` of them, and no more than fit."""
    parts: list[str] = []
    for name in names:
        if len(parts) == most or (parts and sum(map(len, parts)) + len(name) > LIST_WIDTH):
            break
        parts.append(name)
    rest = f" and {count - len(parts)} more" if count > len(parts) else ""
    return ", ".join(parts) + rest
