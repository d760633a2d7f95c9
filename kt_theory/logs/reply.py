"""The content of a line of a log, the same for all formats: replies with their tokens, or labels with counts.

Formats make one of the other two of each line: a `Reply`, whose tokens are those of an OpenAI chat completion, and a
`Counted`, whose labels stand as they are. `labels` makes records of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class LeftOut(Exception):
    """A line, or a reply of it, that holds no sample; the text says why, in words that lines share."""


@dataclass(slots=True)
class Reply:
    """One reply of a teacher to one input.

    Attributes
    ----------
    line : Mapping
        The JSON object that it stands in, where named fields are looked up.
    prompt : Any
        The prompt: a text, a list of messages, or None if the line does not have it.
    text : str or None
        The reply without what came before it, such as hidden reasoning.
    tokens : sequence of Mapping, or None
        Of each token ``token``, ``logprob`` (None: not told) and ``top_logprobs`` (a list of the same, or None).
    cut : bool
        Whether the reply was cut at a limit.
    settings : Mapping
        ``temperature``, ``top_p``, ``top_k`` and the like, where they are stated.
    fingerprint : str or None
        The provider's name of the model's state.
    notes : sequence of str
        Notes on the reply; equal words are counted.
    ids : bool
        Whether tokens have ids, and one text may stand for several of them.
    """

    line: Mapping[str, Any]
    prompt: Any = None
    text: str | None = None
    tokens: Sequence[Mapping[str, Any]] | None = None
    cut: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None
    notes: Sequence[str] = ()
    ids: bool = False


@dataclass(slots=True)
class Counted:
    """Labels of one input as they stand: how often each was drawn, and its natural log-probability, if it is told."""

    line: Mapping[str, Any]
    prompt: Any
    labels: Sequence[tuple[str, int, float | None]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def each(make: Callable[[Any], Reply | Counted], items: Iterable[Any]) -> Iterator[Reply | Counted | LeftOut]:
    """What is made of each of some items; one that holds no sample gives its reason, and leaves the others alone."""
    for item in items:
        try:
            made = make(item)
        except LeftOut as reason:
            yield reason
        else:
            yield made


def found(value: Any, *path: str | int) -> Any:
    """What stands at a path inside JSON, or None."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
        elif not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def text_at(value: Any, *path: str | int) -> str | None:
    """The text at a path, or None."""
    text = found(value, *path)
    return text if isinstance(text, str) else None


def list_at(value: Any, *path: str | int) -> list[Any]:
    """The list at a path, empty if there is none."""
    items = found(value, *path)
    return items if isinstance(items, list) else []


def text_of(content: Any) -> str | None:
    """The text of a message's content: a text, or the texts of its parts."""
    if isinstance(content, str) or content is None:
        return content
    if isinstance(content, list):
        parts = [part if isinstance(part, str) else text_at(part, "text") for part in content]
        kept = [part for part in parts if part is not None]
        return "".join(kept) if kept else None
    return None


def whole_text_of(content: Any) -> str | None:
    """The text of a content that is nothing but text; None if a part of it, such as an image, is not."""
    parts = content if isinstance(content, list) else []
    if any(not isinstance(part, str) and (text_at(part, "text") is None or not _is_text(part)) for part in parts):
        return None
    return text_of(content)


def _is_text(part: Any) -> bool:
    kind = part.get("type")
    return kind is None or (isinstance(kind, str) and kind.endswith("text"))


def with_message(role: str, content: Any, prompt: Any) -> Any:
    """A prompt as messages behind one more that stands beside it, if one does: with another, the law is another."""
    if not content or not isinstance(content, (str, list)) or not prompt:
        return prompt
    messages = prompt if isinstance(prompt, list) and isinstance(prompt[0], dict) else None
    if messages is None:
        messages = [{"role": "user", "content": prompt}]
    message = {"role": role, "content": content}
    return messages if messages[0] == message else [message, *messages]


def object_at(value: Any, *path: str | int) -> Mapping[str, Any]:
    """The object at a path, empty if there is none."""
    inner = found(value, *path)
    return inner if isinstance(inner, dict) else {}


#: Two values of one token in one list that differ by more are those of two tokens with one name.
SAME_NAME = 1e-3


def tokens_of_lists(logprobs: Any, notes: list[str] | None = None) -> list[dict[str, Any]]:
    """Three lists as tokens; a dictionary in which two tokens share a name is not used."""
    names, values = list_at(logprobs, "tokens"), list_at(logprobs, "token_logprobs")
    tops = list_at(logprobs, "top_logprobs") or [None] * len(names)
    if not len(names) == len(values) == len(tops):
        raise LeftOut("tokens, token_logprobs and top_logprobs differ in length")
    tokens = []
    for name, value, top in zip(names, values, tops, strict=True):
        listed = None
        if isinstance(top, dict):
            own = top.get(name) if isinstance(name, str) else None
            numbers = type(own) in (int, float) and type(value) in (int, float)
            if numbers and abs(own - value) > SAME_NAME:
                if notes is not None:
                    notes.append("two tokens share a name: the list in which one hides the other is not used")
            else:
                listed = [{"token": other, "logprob": number} for other, number in top.items()]
        elif top is not None:
            raise LeftOut("a list of most likely labels is none")
        tokens.append({"token": name, "logprob": value, "top_logprobs": listed})
    return tokens
