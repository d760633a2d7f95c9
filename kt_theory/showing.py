"""Names and sentences as a terminal may show them: one line each, no control characters, not too long.

A name is data: a label may be a line feed, an escape sequence that repaints the terminal, a mark that turns the text
around, or a prompt of 5,600 characters. Files keep names as they are; what is shown is escaped as in a Python string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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


def listed(names: Iterable[str], count: int, most: int) -> str:
    """`count` names in one line: at most `most` of them, and no more than fit."""
    parts: list[str] = []
    for name in names:
        if len(parts) == most or (parts and sum(map(len, parts)) + len(name) > LIST_WIDTH):
            break
        parts.append(name)
    rest = f" and {count - len(parts)} more" if count > len(parts) else ""
    return ", ".join(parts) + rest
