"""The files of evaluation harnesses: lm-eval's samples, inspect_ai's logs, HELM's scenario states."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kt_theory.logs.openai import FILTERED, tokens_of
from kt_theory.logs.reply import Counted, LeftOut, Reply, each, found, list_at, object_at, text_at, text_of


class LMEval:
    """lm-eval's ``samples_*.jsonl``: log-likelihoods of given choices, of which none was sampled, or generated texts.

    A document stands once per filter, and is read once.
    """

    name = "lm-eval"
    words = "lm-eval samples"

    def __init__(self) -> None:
        self._read: set[tuple[str, str]] = set()

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "resps"), list) and "doc_id" in line

    def replies(self, line: Mapping[str, Any]) -> Iterator[Counted]:
        """The choices or the texts of a document."""
        key = (str(line.get("doc_id")), str(line.get("doc_hash")))
        if key in self._read:
            raise LeftOut("the document stands here once more, with another filter")
        arguments, replies = _arguments(line.get("arguments")), list_at(line, "resps")
        if not arguments or not replies:
            raise LeftOut("no arguments, or no replies")
        contexts = [argument[0] for argument in arguments]
        # Newer versions write the replies of a generation without a list around them.
        flat = [reply for entry in replies for reply in (entry if isinstance(entry, list) else [entry])]
        if all(isinstance(reply, str) for reply in flat) and not isinstance(arguments[0][1], str):
            settings = object_at(arguments, 0, 1)
            item = Counted(line, contexts[0], [(label, n, None) for label, n in Counter(flat).items()], settings)
        elif len(arguments) == len(replies) and all(isinstance(argument[1], str) for argument in arguments):
            if len(set(contexts)) > 1:
                raise LeftOut("the choices have different contexts")
            values = [_likelihood(entry) for entry in replies]
            labels = [(argument[1], 0, value) for argument, value in zip(arguments, values, strict=True)]
            if len({label for label, _, _ in labels}) < len(labels):
                raise LeftOut("a choice stands twice")
            item = Counted(line, contexts[0], labels, {}, _prefixes(labels))
        else:
            raise LeftOut("replies that are neither texts nor the likelihoods of choices")
        self._read.add(key)
        yield item


def _prefixes(labels: Iterable[tuple[str, int, Any]]) -> tuple[str, ...]:
    names = sorted(label for label, _, _ in labels)
    if any(after.startswith(before) for before, after in itertools.pairwise(names)):
        return ("a choice is the beginning of another: their probabilities may sum above 1",)
    return ()


def _arguments(value: Any) -> list[list[Any]]:
    """The arguments of each request: lists, or dictionaries of newer versions."""
    if isinstance(value, dict):
        value = [list(entry.values()) if isinstance(entry, dict) else entry for entry in value.values()]
    if not isinstance(value, list):
        return []
    pairs = [entry for entry in value if isinstance(entry, list) and len(entry) >= 2 and isinstance(entry[0], str)]
    return pairs if len(pairs) == len(value) else []


def _likelihood(entry: Any) -> float:
    """The log-likelihood in [[ll, greedy]] or [ll, greedy], a number or the text of one."""
    while isinstance(entry, list) and entry:
        entry = entry[0]
    if type(entry) in (int, float):
        return float(entry)
    try:
        if isinstance(entry, str):
            return float(entry)
    except ValueError:
        pass
    raise LeftOut("a log-likelihood is no number")


class Inspect:
    """inspect_ai's logs in JSON: ``samples[].output.choices[]``, one per epoch."""

    name = "inspect"
    words = "inspect_ai logs in JSON"

    def recognises(self, line: Any) -> bool:
        """Whether a value is one of these."""
        return isinstance(found(line, "samples"), list) and "eval" in line

    def replies(self, line: Mapping[str, Any]) -> Iterable[Reply | Counted | LeftOut]:
        """The replies of all samples."""
        configs = [found(line, key, "config") for key in ("plan", "eval")]
        settings = {key: value for config in configs if isinstance(config, dict) for key, value in config.items()}
        samples = list_at(line, "samples")
        pairs = ((sample, choice) for sample in samples for choice in list_at(sample, "output", "choices") or [None])
        return each(lambda pair: self._reply(pair[0], pair[1], settings), pairs)

    def _reply(self, sample: Any, choice: Any, settings: Mapping[str, Any]) -> Reply:
        if choice is None:
            raise LeftOut(_why(sample))
        reason = found(choice, "stop_reason")
        if reason == FILTERED:
            raise LeftOut(FILTERED)
        text = text_of(found(choice, "message", "content"))
        tokens = tokens_of(found(choice, "logprobs"), asked=False)
        return Reply(sample, found(sample, "input"), text, tokens, reason == "max_tokens", settings)


def _why(sample: Any) -> str:
    """Why a sample has no reply."""
    for path in (("error", "message"), ("error",), ("result", "error"), ("output", "error")):
        said = text_at(sample, *path)
        if said:
            return said[:100]
    return "no choice"


class HELM:
    """HELM's ``scenario_state.json``: a first log-probability of exactly 0 may stand for null."""

    name = "helm"
    words = "HELM scenario states"

    def recognises(self, line: Any) -> bool:
        """Whether a value is one of these."""
        return isinstance(found(line, "request_states"), list)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Reply | LeftOut]:
        """The completions of all requests."""
        for state in list_at(line, "request_states"):
            request = object_at(state, "request")
            if not list_at(state, "result", "completions"):
                yield LeftOut(_why(state))
            for completion in list_at(state, "result", "completions"):
                tokens, notes = [], []
                for i, token in enumerate(list_at(completion, "tokens")):
                    value = found(token, "logprob")
                    if i == 0 and value == 0:
                        value = None
                        notes.append("the first log-probability is exactly 0, which may stand for none: not told")
                    tokens.append({"token": found(token, "text"), "logprob": value})
                prompt = text_at(request, "prompt")
                if prompt is None:
                    prompt = text_at(state, "instance", "input", "text")
                cut = text_at(completion, "finish_reason", "reason") == "length"
                yield Reply(state, prompt, text_at(completion, "text"), tokens, cut, request, None, notes)
