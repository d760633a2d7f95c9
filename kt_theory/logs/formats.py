"""All formats, in the order in which they are tried, and which one a file has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from kt_theory import checks
from kt_theory.logs.annotations import Annotators, Counters
from kt_theory.logs.completions import Completions
from kt_theory.logs.evaluations import HELM, Inspect, LMEval
from kt_theory.logs.openai import Chat, Chunks, Responses
from kt_theory.logs.reply import Counted, LeftOut, Reply
from kt_theory.logs.servers import TGI, VLLM, Anthropic, Gemini, LlamaCpp, Ollama, SGLang
from kt_theory.logs.stored import Probabilities, TopK
from kt_theory.refusals import Argument, Refusal


class Format(Protocol):
    """A format of lines; an object of it reads one file, and may keep state of it."""

    name: str
    words: str

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these, by its keys."""
        ...

    def replies(self, line: Any) -> Iterable[Reply | Counted | LeftOut]:
        """What a line holds; `LeftOut`, raised or as an item, where there is no sample."""
        ...


#: Name -> what makes a format, the more particular ones first.
FORMATS: dict[str, type[Format]] = {
    kind.name: kind
    for kind in (
        Chunks,
        Chat,
        Responses,
        Completions,
        VLLM,
        LMEval,
        Counters,
        Annotators,
        TopK,
        Probabilities,
        Gemini,
        SGLang,
        LlamaCpp,
        TGI,
        Ollama,
        Inspect,
        HELM,
        Anthropic,
    )
}


def format_of(values: Iterable[Any], name: str | None) -> Format:
    """The format of that name, or the one that recognises the first of some values that any of them does.

    Raises
    ------
    Refusal
        If there is none.
    """
    if name is not None:
        return FORMATS[name]()
    seen: list[str] = []
    for value in values:
        for kind in FORMATS.values():
            if kind().recognises(value):
                return kind()
        if isinstance(value, dict) and not seen:
            seen = [str(key) for key in value][:12]
    keys = f"; the first object has the keys {', '.join(map(checks.shown, seen))}" if seen else ""
    raise Refusal(
        f"its lines have the shape of no known format{keys}: ",
        Argument("format"),
        f" names one of {', '.join(FORMATS)}",
    )
