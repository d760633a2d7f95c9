"""Legacy completions: three lists, ``tokens``, ``token_logprobs`` and ``top_logprobs``, with ``text_offset``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kt_theory.logs.openai import FILTERED, answer_of, bare_prompt_of, in_context, refuse_errors, settings_of
from kt_theory.logs.reply import Counted, LeftOut, Reply, each, found, list_at, text_at, tokens_of_lists


class Completions:
    """Completions: ``choices[].text`` with ``logprobs.tokens``; with ``echo`` the prompt's own tokens stand first."""

    name = "completions"
    words = "legacy completions (also Together)"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        choice = found(answer_of(line), "choices", 0)
        return isinstance(choice, dict) and isinstance(choice.get("text"), str) and "message" not in choice

    def replies(self, line: Mapping[str, Any]) -> Iterable[Reply | Counted | LeftOut]:
        """The replies of a line."""
        answer = answer_of(line)
        refuse_errors(line, answer)
        choices = list_at(answer, "choices")
        if not choices:
            raise LeftOut("no choices")
        settings = settings_of(line, answer)
        prompt = bare_prompt_of(settings, line)

        def reply(choice: Any) -> Reply:
            own = in_context(_own(prompt, choice, choices), settings, line)
            return self._reply(line, own, settings, choice)

        return each(reply, choices)

    def _reply(self, line: Any, prompt: Any, settings: Any, choice: Any) -> Reply:
        text = text_at(choice, "text")
        if text is None:
            raise LeftOut("a choice has no text")
        reason = found(choice, "finish_reason")
        if reason == FILTERED:
            raise LeftOut(FILTERED)
        notes: list[str] = []
        logprobs = found(choice, "logprobs")
        tokens: list[dict[str, Any]] = [] if logprobs is None else tokens_of_lists(logprobs, notes)
        offsets = list_at(logprobs, "text_offset")
        if isinstance(prompt, str) and prompt and text.startswith(prompt) and offsets[:1] == [0]:
            if len(offsets) != len(tokens) or not all(type(offset) is int for offset in offsets):
                raise LeftOut("text_offset does not say which tokens are those of the prompt")
            echoed = sum(offset < len(prompt) for offset in offsets)
            tokens, text = tokens[echoed:], text[len(prompt) :]
            notes.append("tokens of the prompt are listed first (echo): they were not sampled")
            if not tokens:
                raise LeftOut("nothing was sampled after the prompt")
        return Reply(line, prompt, text, tokens, reason == "length", settings, None, notes)


def _own(prompt: Any, choice: Any, choices: Sequence[Any]) -> Any:
    """The prompt of a choice: of several, each has equally many choices, in the order of ``index``."""
    if not isinstance(prompt, list) or len(prompt) < 2 or not all(isinstance(one, (str, list)) for one in prompt):
        return prompt
    each_has, rest = divmod(len(choices), len(prompt))
    index = found(choice, "index")
    indices = [found(other, "index") for other in choices]
    if rest or type(index) is not int or not 0 <= index < len(choices) or indices.count(index) > 1:
        raise LeftOut("of several prompts, it is not told which one a choice answers")
    own = prompt[index // each_has]
    return own if isinstance(own, str) else [own]
