"""The own shapes of servers: vLLM's Python output, SGLang, llama.cpp, TGI, Ollama, Gemini, Anthropic's batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kt_theory.logs.reply import (
    Counted,
    LeftOut,
    Reply,
    each,
    found,
    list_at,
    object_at,
    text_at,
    text_of,
    with_message,
)

NUMBERS = (int, float)


class VLLM:
    """vLLM's ``RequestOutput`` as JSON: per position a dictionary of token ids, the sampled one k-th or beyond.

    Ids are the labels. A label is called by its text; where several ids have one text, those after the first carry
    theirs in the name, in all files of one read.
    """

    name = "vllm"
    words = "vLLM Python output"

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def follow(self, before: VLLM) -> None:
        """Name ids as in the files before."""
        self._ids = before._ids

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        output = found(line, "outputs", 0)
        return isinstance(output, dict) and ("token_ids" in output or isinstance(found(output, "logprobs", 0), dict))

    def replies(self, line: Mapping[str, Any]) -> Iterable[Reply | Counted | LeftOut]:
        """The replies of a line."""
        outputs = list_at(line, "outputs")
        if not outputs:
            raise LeftOut("no outputs")
        prompt = line.get("prompt")
        if prompt is None:
            prompt = line.get("prompt_token_ids")
        settings = object_at(line, "sampling_params")
        return each(lambda output: self._reply(line, prompt, settings, output), outputs)

    def _reply(self, line: Any, prompt: Any, settings: Any, output: Any) -> Reply:
        positions, ids = found(output, "logprobs"), found(output, "token_ids")
        cut = found(output, "finish_reason") == "length"
        if positions is None:
            return Reply(line, prompt, text_at(output, "text"), None, cut, settings)
        if not isinstance(positions, list) or not all(isinstance(position, dict) for position in positions):
            raise LeftOut("logprobs is no list of dictionaries")
        if not isinstance(ids, list):
            raise LeftOut("which of the listed tokens was sampled is not told: token_ids is missing")
        if len(ids) != len(positions):
            raise LeftOut("token_ids and logprobs differ in length")
        tokens = [self._token(str(key), position) for key, position in zip(ids, positions, strict=True)]
        return Reply(line, prompt, None, tokens, cut, settings)

    def _token(self, key: str, position: Mapping[str, Any]) -> dict[str, Any]:
        listed = []
        for other, entry in position.items():
            value = entry.get("logprob") if isinstance(entry, dict) else entry
            text = entry.get("decoded_token") if isinstance(entry, dict) else None
            listed.append({"token": self._name(other, text), "logprob": value})
        if key not in position:
            return {"token": self._name(key, None), "logprob": None, "top_logprobs": listed}
        own = position[key]
        own = own.get("decoded_token") if isinstance(own, dict) else None
        return {"token": self._name(key, own), "logprob": None, "top_logprobs": listed}

    def _name(self, key: str, text: Any) -> str:
        if not isinstance(text, str) or "\ufffd" in text:
            return f"token_id:{key}"
        return text if self._ids.setdefault(text, key) == key else f"{text} token_id:{key}"


class SGLang:
    """SGLang's /generate: ``meta_info.output_token_logprobs`` as triples [log-probability, id, text or null]."""

    name = "sglang"
    words = "SGLang /generate"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "meta_info", "output_token_logprobs"), list)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply of a line."""
        drawn = list_at(line, "meta_info", "output_token_logprobs")
        tops = list_at(line, "meta_info", "output_top_logprobs") or [None] * len(drawn)
        if len(tops) != len(drawn):
            raise LeftOut("output_token_logprobs and output_top_logprobs differ in length")
        named = all(isinstance(triple, list) and len(triple) == 3 and triple[2] is not None for triple in drawn)
        tokens = []
        for triple, top in zip(drawn, tops, strict=True):
            if top is not None and not isinstance(top, list):
                raise LeftOut("a list of most likely labels is none")
            listed = None if top is None else [_of_triple(other) for other in top]
            tokens.append(_of_triple(triple) | {"top_logprobs": listed})
        prompt = next((line[key] for key in ("prompt", "text_input") if isinstance(line.get(key), str)), None)
        reason = text_at(line, "meta_info", "finish_reason", "type")
        text = text_at(line, "text") if named else None  # token ids do not spell it
        settings = object_at(line, "sampling_params")
        yield Reply(line, prompt, text, tokens, reason == "length", settings)


def _of_triple(triple: Any) -> dict[str, Any]:
    if not isinstance(triple, list) or len(triple) != 3 or not (isinstance(triple[2], str) or type(triple[1]) is int):
        raise LeftOut("a token is no triple of log-probability, id and text")
    value, number, text = triple
    return {"token": text if isinstance(text, str) else str(number), "logprob": value}


class LlamaCpp:
    """llama.cpp's /completion: ``completion_probabilities`` with ``probs`` (older) or ``top_logprobs``."""

    name = "llama.cpp"
    words = "llama.cpp /completion"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "completion_probabilities"), list)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply of a line."""
        tokens = []
        for position in list_at(line, "completion_probabilities"):
            probs = found(position, "probs")
            if not isinstance(probs, list):
                listed = found(position, "top_logprobs")
                if listed is None and isinstance(found(position, "top_probs"), list):
                    listed = [_of_probability(entry) for entry in position["top_probs"]]
                tokens.append({**_of_probability(position), "top_logprobs": listed})
                continue
            listed = [{"token": found(entry, "tok_str"), "logprob": _log(found(entry, "prob"))} for entry in probs]
            tokens.append({"token": found(position, "content"), "logprob": None, "top_logprobs": listed})
        settings = object_at(line, "generation_settings") or line
        cut = line.get("stopped_limit") is True or line.get("stop_type") == "limit"
        yield Reply(line, line.get("prompt"), text_at(line, "content"), tokens, cut, settings)


def _of_probability(entry: Any) -> dict[str, Any]:
    """A token, whose probability stands in ``prob`` where sampling changed it, else its logarithm in ``logprob``."""
    value = found(entry, "logprob")
    if value is None and found(entry, "prob") is not None:
        value = _log(entry["prob"])
    return {"token": found(entry, "token"), "logprob": value}


def _log(p: Any) -> float | None:
    if type(p) not in NUMBERS or not 0 <= p <= 1:
        raise LeftOut("a probability is no number in [0, 1]")
    return math.log(p) if p else None


class TGI:
    """TGI's /generate: ``details.tokens`` and ``details.top_tokens``."""

    name = "tgi"
    words = "TGI /generate"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "details", "tokens"), list)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply of a line."""
        drawn = list_at(line, "details", "tokens")
        tops = list_at(line, "details", "top_tokens") or [None] * len(drawn)
        if len(tops) != len(drawn):
            raise LeftOut("tokens and top_tokens differ in length")
        tokens = []
        for token, top in zip(drawn, tops, strict=True):
            listed = None
            if isinstance(top, list):
                listed = [{"token": found(entry, "text"), "logprob": found(entry, "logprob")} for entry in top]
            tokens.append({"token": found(token, "text"), "logprob": found(token, "logprob"), "top_logprobs": listed})
        reason = text_at(line, "details", "finish_reason")
        settings = object_at(line, "parameters")
        yield Reply(line, line.get("inputs"), text_at(line, "generated_text"), tokens, reason == "length", settings)


class Ollama:
    """Ollama's /api/generate and /api/chat: ``response`` or ``message``, with ``logprobs`` beside it."""

    name = "ollama"
    words = "Ollama"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        answered = isinstance(found(line, "response"), str) or isinstance(found(line, "message", "content"), str)
        return answered and isinstance(found(line, "done"), bool)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply of a line."""
        text = text_at(line, "response")
        text = text_at(line, "message", "content") if text is None else text
        tokens = line.get("logprobs")
        if text is None or (tokens is not None and not isinstance(tokens, list)):
            raise LeftOut("no text, or logprobs that are no list")
        if tokens and any("\ufffd" in str(found(token, "token")) for token in tokens):
            text = None  # partial characters do not spell it
        prompt = next((line[key] for key in ("prompt", "messages") if line.get(key)), None)
        prompt = with_message("suffix", line.get("suffix"), prompt)
        prompt = with_message("system", line.get("system"), prompt)
        settings = object_at(line, "options")
        yield Reply(line, prompt, text, tokens, line.get("done_reason") == "length", settings)


class Gemini:
    """Gemini: ``candidates[].logprobsResult``; ``avgLogprobs`` is a mean over tokens, and no label's."""

    name = "gemini"
    words = "Gemini"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        answer = found(line, "response") or line
        return isinstance(found(answer, "candidates", 0), dict)

    def replies(self, line: Mapping[str, Any]) -> Iterable[Reply | Counted | LeftOut]:
        """The replies of a line."""
        answer = line.get("response") or line
        candidates = list_at(answer, "candidates")
        if not candidates:
            raise LeftOut("no candidates")
        request = found(line, "request") or {}
        asked = list_at(request, "contents")
        prompt = None
        if asked:
            prompt = [{"role": found(part, "role"), "content": found(part, "parts")} for part in asked]
            prompt = with_message("system", _instruction(request), prompt)
        config = found(request, "generationConfig") or {}
        settings = {name: found(config, key) for name, key in _GEMINI.items()}
        return each(lambda candidate: self._reply(line, prompt, settings, candidate), candidates)

    def _reply(self, line: Any, prompt: Any, settings: Any, candidate: Any) -> Reply:
        reason = found(candidate, "finishReason")
        if reason in ("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST"):
            raise LeftOut("content_filter")
        text = text_of(found(candidate, "content", "parts"))
        result = found(candidate, "logprobsResult")
        notes: list[str] = []
        if result is None and found(candidate, "avgLogprobs") is not None:
            notes.append("a reply has only avgLogprobs, a mean over tokens: it is not used as a label's")
        tokens = _gemini_tokens(result) if result is not None else []
        return Reply(line, prompt, text, tokens, reason == "MAX_TOKENS", settings, None, notes)


def _instruction(request: Any) -> Any:
    """The system instruction, in either spelling: a text, or the parts of a content."""
    for key in ("systemInstruction", "system_instruction"):
        content = found(request, key)
        if content:
            return content if isinstance(content, str) else list_at(content, "parts")
    return None


_GEMINI = {"temperature": "temperature", "top_p": "topP", "top_k": "topK"}


def _gemini_tokens(result: Any) -> list[dict[str, Any]]:
    chosen, tops = list_at(result, "chosenCandidates"), list_at(result, "topCandidates")
    if tops and len(tops) != len(chosen):
        raise LeftOut("chosenCandidates and topCandidates differ in length")
    tokens = []
    for i, token in enumerate(chosen):
        listed = None
        if tops:
            entries = list_at(tops[i], "candidates")
            listed = [{"token": found(e, "token"), "logprob": found(e, "logProbability")} for e in entries]
        tokens.append(
            {"token": found(token, "token"), "logprob": found(token, "logProbability"), "top_logprobs": listed}
        )
    return tokens


class Anthropic:
    """Anthropic's message batches: no log-probabilities; the input is joined on ``custom_id``."""

    name = "anthropic"
    words = "Anthropic message batches, hard labels"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "result", "type"), str) and "custom_id" in line

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply]:
        """The reply of a line."""
        kind = text_at(line, "result", "type")
        if kind != "succeeded":
            error = found(line, "result", "error")
            inner = found(error, "error")
            told = text_at(inner, "type") or text_at(error, "type")
            raise LeftOut(f"{kind}: {told}" if told else str(kind))
        message = found(line, "result", "message")
        if found(message, "stop_reason") == "refusal":
            raise LeftOut("refusal")
        text = text_of([part for part in list_at(message, "content") if found(part, "type") == "text"])
        if text is None:
            raise LeftOut("no text")
        yield Reply(line, None, text, None, found(message, "stop_reason") == "max_tokens", object_at(line, "params"))
