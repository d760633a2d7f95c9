"""OpenAI's shapes, which many servers speak: chat completions, batch output, streams, Responses, completions.

An answer stands bare, under ``response``, or under ``response.body``; what was asked under ``request``, ``body`` or
beside it, or in a file of requests that shares the ``custom_id``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kt_theory.logs.reply import (
    Counted,
    LeftOut,
    Reply,
    each,
    found,
    list_at,
    text_at,
    text_of,
    tokens_of_lists,
    with_message,
)

#: Why a reply that was filtered is left out.
FILTERED = "content_filter"


#: Keys of what stands beside a prompt.
BESIDE = frozenset(("suffix", "previous_response_id", "instructions", "system"))


def answer_of(line: Any) -> Any:
    """The object that holds ``choices``, ``output`` or ``error``, or None."""
    if not isinstance(line, dict):
        return None
    response, body = line.get("response"), line.get("body")
    for candidate in (response.get("body") if isinstance(response, dict) else None, response, body, line):
        if isinstance(candidate, dict) and ("choices" in candidate or "output" in candidate or "error" in candidate):
            return candidate
    return None


def settings_of(line: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request beside the answer, or what the answer repeats of it."""
    request = line.get("request")
    for candidate in (request.get("body") if isinstance(request, dict) else None, request, line.get("params")):
        if isinstance(candidate, dict):
            return candidate
    return answer if "temperature" in answer or line is answer else line


def prompt_of(*places: Mapping[str, Any]) -> Any:
    """The prompt in the first place that has it, behind what stands beside it or in another place."""
    return in_context(bare_prompt_of(*places), *places)


def bare_prompt_of(*places: Mapping[str, Any]) -> Any:
    """The prompt alone."""
    return _first(places, "messages", "prompt", "input")


def in_context(prompt: Any, *places: Mapping[str, Any]) -> Any:
    """A prompt behind the instructions, the answer before it, and the text that follows the reply."""
    if all(map(BESIDE.isdisjoint, places)):
        return prompt
    for key in ("suffix", "previous_response_id"):
        prompt = with_message(key, _first(places, key), prompt)
    return with_message("system", _first(places, "instructions", "system"), prompt)


def _first(places: Iterable[Mapping[str, Any]], *keys: str) -> Any:
    for place in places:
        for key in keys:
            value = place.get(key)
            if value and isinstance(value, (str, list)):
                return value
    return None


def refuse_errors(line: Mapping[str, Any], answer: Any) -> None:
    """Leave out what is an error in the place of an answer, wherever it stands."""
    response = line.get("response")
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error or line.get("error") or (response.get("error") if isinstance(response, dict) else None)
    if isinstance(error, dict):
        raise LeftOut(str(error.get("code") or error.get("type") or error.get("message") or "error")[:100])
    if error:
        raise LeftOut(str(error)[:100])
    code = response.get("status_code") if isinstance(response, dict) else None
    if isinstance(code, int) and code >= 400:
        raise LeftOut(f"status {code}")


class Chat:
    """Chat completions: ``choices[].message`` with ``logprobs.content[]``, one reply per choice."""

    name = "openai-chat"
    words = "OpenAI chat completions (also vLLM, SGLang, llama.cpp, TGI, Ollama, Azure, Fireworks and Together servers)"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(answer_of(line), "choices", 0, "message"), dict)

    def replies(self, line: Mapping[str, Any]) -> Iterable[Reply | Counted | LeftOut]:
        """The replies of a line."""
        answer = answer_of(line)
        refuse_errors(line, answer)
        choices = list_at(answer, "choices")
        if not choices:
            raise LeftOut("no choices")
        settings = settings_of(line, answer)
        prompt, fingerprint = prompt_of(settings, line), text_at(answer, "system_fingerprint")
        return each(lambda choice: self._reply(line, prompt, settings, fingerprint, choice), choices)

    def _reply(self, line: Any, prompt: Any, settings: Any, fingerprint: str | None, choice: Any) -> Reply:
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise LeftOut("a choice has no message")
        reason = choice.get("finish_reason")
        if reason == FILTERED:
            raise LeftOut(FILTERED)
        if message.get("refusal"):
            raise LeftOut("refusal")
        text = text_of(message.get("content"))
        if text is None:
            raise LeftOut("a tool call" if message.get("tool_calls") else "no content")
        reasoned = message.get("reasoning_content") or message.get("reasoning")
        tokens = tokens_of(choice.get("logprobs"), asked=settings.get("logprobs") is not False)
        notes = (REASONED,) if reasoned else ()
        return Reply(line, prompt, text, tokens, reason == "length", settings, fingerprint, notes)


REASONED = "the model reasoned before it answered: the label's probability is given a hidden text, which differs"


def tokens_of(logprobs: Any, asked: bool) -> Any:
    """The tokens under ``logprobs``: of chat completions, or as three lists, which Together writes."""
    content = found(logprobs, "content")
    if isinstance(content, list):
        return content
    if isinstance(found(logprobs, "tokens"), list):
        return tokens_of_lists(logprobs)
    if isinstance(logprobs, list):  # Ollama
        return logprobs
    if logprobs not in (None, {}):
        raise LeftOut("logprobs is none of the known shapes")
    return [] if asked else None


class Chunks:
    """Streams written down: a chunk a line, several lines a reply, replies interleaved."""

    name = "openai-stream"
    words = "chunks of streamed chat completions"

    def __init__(self) -> None:
        self._open: dict[tuple[Any, Any], tuple[list[Any], list[str], Mapping[str, Any]]] = {}

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        answer = answer_of(line)
        kind = text_at(answer, "object")
        return kind == "chat.completion.chunk" or isinstance(found(answer, "choices", 0, "delta"), dict)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply | LeftOut]:
        """The replies that end on a line; a choice without one leaves the others alone."""
        answer = answer_of(line)
        refuse_errors(line, answer)
        for choice in list_at(answer, "choices"):
            delta = found(choice, "delta")
            if not isinstance(delta, dict):
                yield LeftOut("a choice has no delta")
                continue
            if delta.get("content") is not None and not isinstance(delta["content"], str):
                yield LeftOut("the content of a chunk is no text")
                continue
            tokens = list_at(choice, "logprobs", "content")
            key = (str(found(answer, "id")), str(found(choice, "index")))
            spoken, texts, _ = self._open.setdefault(key, ([], [], line))
            spoken += tokens
            texts += [delta["content"]] if delta.get("content") else []
            reason = found(choice, "finish_reason")
            if reason is not None:
                spoken, texts, first = self._open.pop(key)
                if reason == FILTERED:
                    yield LeftOut(FILTERED)
                    continue
                settings, fingerprint = settings_of(first, answer), text_at(answer, "system_fingerprint")
                text, cut = "".join(texts), reason == "length"
                yield Reply(first, prompt_of(settings, first), text, spoken, cut, settings, fingerprint)

    def unfinished(self) -> int:
        """How many replies have no last chunk."""
        return len(self._open)


class Responses:
    """The Responses API: ``output[]`` with messages, whose parts have ``logprobs``."""

    name = "openai-responses"
    words = "OpenAI Responses"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        answer = answer_of(line)
        return isinstance(found(answer, "output"), list) and (
            text_at(answer, "object") == "response" or isinstance(found(answer, "output", 0, "type"), str)
        )

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply of a line."""
        answer = answer_of(line)
        refuse_errors(line, answer)
        output = list_at(answer, "output")
        messages = [item for item in output if found(item, "type") == "message"]
        if not messages:
            raise LeftOut("no message")
        parts = list_at(messages[-1], "content")
        spoken = [part for part in parts if found(part, "type") == "output_text"]
        if not spoken:
            raise LeftOut("refusal" if any(found(part, "type") == "refusal" for part in parts) else "no text")
        text = "".join(text_at(part, "text") or "" for part in spoken)
        tokens = [token for part in spoken for token in list_at(part, "logprobs")]
        notes = [REASONED] if any(found(item, "type") == "reasoning" for item in output) else []
        reason = text_at(answer, "incomplete_details", "reason")
        if reason == FILTERED:
            raise LeftOut(FILTERED)
        settings = settings_of(line, answer)
        prompt = prompt_of(settings, line, answer)
        yield Reply(line, prompt, text, tokens, reason == "max_output_tokens", settings, None, notes)
