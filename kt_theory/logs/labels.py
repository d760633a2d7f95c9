"""From replies to records: which token, or tokens, are the label, and what is told beside it.

The **label** is the ``first`` token of a reply, the whole ``reply`` (its log-probability is the sum over its tokens,
the end token included, without which "yes" and "yes, but" would share mass), or ``all`` tokens, each a record of its
own. The **input** is the ``prompt``, a named field of the line, or, for all tokens, the ``prefix`` (the prompt and the
tokens so far) or the ``position``.

What stands for no log-probability is not told, and never 0: -9999, -inf and the fillers below -1e7; a value above 0 by
more than rounding; a name that two tokens of one list share.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from typing import Any

from kt_theory import checks
from kt_theory.logs.openai import prompt_of
from kt_theory.logs.reply import Counted, LeftOut, Reply, found, whole_text_of
from kt_theory.logs.report import PAIRS_KEPT, Report
from kt_theory.logs.rows import Rows
from kt_theory.records.samples import MARK, MARKS_BELOW

LABELS = ("first", "reply", "all")
PREFIX, POSITION, PROMPT = "prefix", "position", "prompt"

#: A log-probability above 0 by more than this is none: float32 rounds by 1e-7.
ABOVE_ZERO = 1e-3

#: Two log-probabilities in one list that differ by less are those of one token.
SAME = 1e-6

#: What programs print in the place of bytes that are no UTF-8: one name for many tokens.
REPLACEMENT = "\ufffd"

#: The types of the values of a list in which nothing is special.
FLOATS = {float}


class Recorder:
    """Makes records of replies, into `rows` and `report`."""

    def __init__(
        self,
        rows: Rows,
        report: Report,
        *,
        input: str = PROMPT,
        label: str | None = None,
        probabilities: bool = False,
        requests: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.rows, self.report = rows, report
        self.input = input
        self.label = label or ("all" if input in (PREFIX, POSITION) else "first")
        self.probabilities = probabilities
        self.requests = requests or {}
        self.path = tuple(input.split("."))
        self.above_zero, self.below_zero = 0, False  # whether the told values can be logarithms
        self._told: dict[Any, dict[str, float]] = {}
        self._asked: Mapping[str, Any] | None = None  # the request that was joined last
        self._pairs = 0

    # --- Replies -----------------------------------------------------------------------------------------

    def add(self, item: Reply | Counted, line: int) -> None:
        """Append the records of a reply or of counted labels.

        Raises
        ------
        LeftOut
            If it holds no sample; nothing is appended then.
        """
        self._asked = None
        if self.rows.details:
            self.rows.draw_at(getattr(item, "fingerprint", None), item.settings.get("temperature"))
        if isinstance(item, Counted):
            self._add_counted(item, line)
        elif self.label == "all":
            self._add_all(item, line)
        else:
            self._add_one(item, line)
        report = self.report
        report.replies += 1
        for note in item.notes:
            report.notes[note] += 1
        if self._asked is not None:
            report.add_settings({**item.settings, **self._asked})
        elif item.settings:
            report.add_settings(item.settings)

    def _add_counted(self, item: Counted, line: int) -> None:
        if self.input == POSITION:
            raise LeftOut("counted labels have no position")
        state = self._state(item)
        rows = [(label, count, self._number(value)) for label, count, value in item.labels]
        if not rows:
            raise LeftOut("no label")
        for label, count, _ in rows:
            if type(label) is not str or type(count) is not int or not 0 <= count <= checks.INT64_MAX:
                raise LeftOut("a label is no text, or its count no whole number")
        if any(value is not None for _, _, value in rows):
            self.report.add_list(math.fsum(math.exp(value) for _, _, value in rows if value is not None))
        for told, run in itertools.groupby(rows, lambda row: not row[1] and row[2] is not None):
            if told:
                self._tell(state, {label: value for label, _, value in run if value is not None}, line)
            else:
                for label, count, logprob in run:
                    self._row(state, label, count, logprob, line)

    def _add_one(self, reply: Reply, line: int) -> None:
        tokens = reply.tokens
        state = self._state(reply)
        if not tokens:
            self._row(state, self._text_without_tokens(reply), 1, None, line)
        elif self.label == "first":
            self._add_token(state, *self._read(tokens[self._start(reply)]), line)
            if self.above_zero and not self.below_zero:
                beside = [token.get("logprob") for token in tokens if isinstance(token, dict)]
                self.below_zero = any(type(value) is float and value < 0 for value in beside)
        else:
            start = self._start(reply)
            spoken = [(_name(token), self._number(token.get("logprob"))) for token in tokens[start:]]
            values = [value for _, value in spoken if value is not None]
            whole = math.fsum(values) if len(values) == len(spoken) else None
            text = reply.text if reply.text is not None else "".join(name for name, _ in spoken)
            if reply.cut:
                self.report.notes["a reply was cut at a limit: its label is the beginning of others"] += 1
            self._row(state, text, 1, whole, line)
        if reply.fingerprint is not None:
            self.report.fingerprints[reply.fingerprint] += 1

    def _add_all(self, reply: Reply, line: int) -> None:
        if not reply.tokens:
            raise LeftOut("no tokens are listed")
        before = self._state(reply) if self.input == PREFIX else ""
        read = [self._read(token) for token in reply.tokens]
        for i, token in enumerate(read):
            self._add_token(str(i) if self.input == POSITION else before, *token, line)
            before += token[0]
        if reply.fingerprint is not None:
            self.report.fingerprints[reply.fingerprint] += 1

    def _read(self, token: Mapping[str, Any]) -> tuple[str, float | None, dict[str, float], dict[str, float]]:
        """The name of a drawn token, its log-probability, those of the other labels of its list, and which are told.

        A name with U+FFFD in it stands for several tokens: its value adds to the mass of the list, and is told of none.
        """
        name, notes = _name(token), self.report.notes
        logprob = self._number(token.get("logprob"))
        shared: set[str] = set()
        top = token.get("top_logprobs")
        fillers = 0
        plain = self._listed_plainly(top) if top is not None else {}
        listed = plain
        if listed is None:
            listed, fillers = self._listed(top, shared)
        if listed:
            self.below_zero = True
        if name in listed:
            own = listed.pop(name)
            if token.get("logprob") is None and name not in shared:
                logprob = own
            elif logprob is None or abs(own - logprob) > SAME:
                shared.add(name)
        if shared:
            notes["two tokens of a list share a name: what is listed of it is left out"] += 1
            for other in shared:
                listed.pop(other, None)
        if fillers:
            notes["a listed label has no log-probability, or a filler such as -inf: not told, and not 0"] += 1
        if REPLACEMENT in name:
            notes["a label has U+FFFD in it, which stands for several tokens: its probability is not its own"] += 1
        told = listed
        if plain is None:
            told = {other: value for other, value in listed.items() if REPLACEMENT not in other}
        return name, logprob, listed, told

    def _listed_plainly(self, top: Any) -> dict[str, float] | None:
        """A list of most likely labels in which nothing is special, as nearly all are; None if something is."""
        try:
            listed = {entry["token"]: entry["logprob"] for entry in top}
            values = listed.values()
            plain = len(listed) == len(top) and {*map(type, values)} == FLOATS and REPLACEMENT not in "".join(listed)
        except (TypeError, KeyError, IndexError):
            return None
        if self.probabilities or not plain or not (min(values) > -9000.0 and max(values) <= 0.0 and sum(values) <= 0.0):
            return None  # the sum is no number if an entry is none
        return listed

    def _listed(self, top: Any, shared: set[str]) -> tuple[dict[str, float], int]:
        """What a list tells, entry by entry, and how many are fillers; `shared` gets names that two tokens share."""
        if type(top) is not list:
            raise LeftOut("a list of most likely labels is none")
        listed: dict[str, float] = {}
        fillers = 0
        for entry in top:
            name = _name(entry)
            value = self._number(entry.get("logprob"))
            if value is None:
                fillers += 1
                continue
            if name in listed and abs(listed[name] - value) > SAME:
                shared.add(name)
            listed[name] = value
        return listed, fillers

    def _add_token(
        self,
        state: str,
        name: str,
        logprob: float | None,
        listed: Mapping[str, float],
        told: Mapping[str, float],
        line: int,
    ) -> None:
        """Append a drawn token, and what its list tells."""
        self._row(state, name, 1, logprob, line)
        if listed:
            own = 0.0 if logprob is None else math.exp(logprob)
            self.report.add_list(math.fsum(map(math.exp, listed.values())) + own)
            self._tell(state, told, line)

    # --- Rows --------------------------------------------------------------------------------------------

    def _row(self, state: str, label: str, count: int, logprob: float | None, line: int) -> None:
        """Append a row of a label that was drawn, or of which nothing is told."""
        report = self.report
        report.samples += count
        if logprob is not None:
            report.with_logprob += count
            key = self._key(state)
            before = self._told.get(key, _NOTHING).get(label)
            if before is None:
                self._keep(key, {label: logprob})
            elif before != logprob:
                report.largest_disagreement = max(report.largest_disagreement, abs(before - logprob))
        self.rows.add(state, label, count, logprob, line)

    def _tell(self, state: str, listed: Mapping[str, float], line: int) -> None:
        """Append rows of labels that were not drawn, but for what was told before."""
        key, report = self._key(state), self.report
        told = self._told.get(key, _NOTHING)
        new = first = listed
        if not told.keys().isdisjoint(listed):
            if listed.items() <= told.items():
                return
            new = {label: value for label, value in listed.items() if told.get(label) != value}
            first = {label: value for label, value in new.items() if label not in told}
            apart = [abs(told[label] - value) for label, value in new.items() if label in told]
            report.largest_disagreement = max([report.largest_disagreement, *apart])
        self._keep(key, first)
        report.told_besides += len(new)
        self.rows.tell(state, new, line)

    def _keep(self, key: Any, first: Mapping[str, float]) -> None:
        """Remember the first value of pairs, while there is room."""
        room = PAIRS_KEPT - self._pairs
        if len(first) > room:
            first = dict(itertools.islice(first.items(), room))
        if first:
            self._told.setdefault(key, {}).update(first)
            self._pairs += len(first)

    def _key(self, state: str) -> Any:
        """The input, and where rows are kept by the state of the model, that: one law each."""
        return (state, self.rows.drawn_at) if self.rows.details else state

    def _number(self, value: Any) -> float | None:
        """A log-probability, or None where nothing is told."""
        if value is None:
            return None
        if type(value) not in (float, int) or value != value:
            raise LeftOut("a log-probability is no number")
        try:
            value = float(value)
        except OverflowError:
            raise LeftOut("a log-probability is no number") from None
        if self.probabilities:
            if not 0 <= value <= 1 + ABOVE_ZERO:
                raise LeftOut("a probability is outside of [0, 1]")
            return math.log(value) if value else None
        if value > ABOVE_ZERO:
            self.above_zero += 1
            self.report.notes["a log-probability is above 0: it is none, and its label is used without"] += 1
            return None
        if value == MARK:
            self.report.notes["a log-probability is -9999, the mark of a label that was not listed: not told"] += 1
            return None
        self.below_zero |= value < 0
        return value if value > MARKS_BELOW else None

    # --- Inputs and texts --------------------------------------------------------------------------------

    def _state(self, item: Reply | Counted) -> str:
        if self.input == POSITION:
            return ""
        if self.input not in (PROMPT, PREFIX):
            value = found(item.line, *self.path)
            if type(value) in (int, float):
                if not abs(value) <= checks.INT64_MAX:
                    raise LeftOut(f"field {checks.shown(self.input)} is a number beyond 64 bits")
                return str(value)
            if not isinstance(value, str):
                raise LeftOut(f"no field {checks.shown(self.input)}")
            return value
        prompt = item.prompt
        if prompt is None and self.requests:
            request = self.requests.get(str(item.line.get("custom_id")))
            if request is None:
                raise LeftOut("no request has its custom_id")
            self._asked = request
            self.rows.draw_at(getattr(item, "fingerprint", None), request.get("temperature"))
            prompt = prompt_of(request)
        if prompt is None:
            prompt = item.line.get("state")
        text = text_of_prompt(prompt)
        if text is None:
            raise LeftOut("no prompt")
        return text

    def _text_without_tokens(self, reply: Reply) -> str:
        """The label of a reply whose tokens are not listed."""
        if reply.text is None:
            raise LeftOut("no text")
        if self.label == "first" and reply.tokens is not None and len(reply.text.split()) > 1:
            raise LeftOut("no tokens are listed, and the reply has several: its first one is not known")
        if reply.tokens is not None:
            self.report.notes["a reply lists no tokens: its label is its text"] += 1
        return reply.text

    def _start(self, reply: Reply) -> int:
        """How many tokens stand before the reply's own: those of hidden reasoning."""
        tokens, text = reply.tokens, reply.text
        assert tokens is not None
        names = [_name(token) for token in tokens]
        if not text or names == [text]:
            return 0
        spelled = "".join(names)
        if spelled.startswith(text) or (text == text.strip() and spelled.lstrip().startswith(text)):
            return 0
        place = spelled.rfind(text)
        offset = 0
        for i, name in enumerate(names):
            if place > 0 and offset <= place < offset + len(name) and not spelled[offset:place].strip():
                self.report.notes[f"the tokens do not spell the reply from the start: {i} before it are left out"] += 1
                return i
            offset += len(name)
        if not text.startswith(names[0]) and not names[0].startswith("token_id:"):
            self.report.notes["the tokens do not spell the reply: the first one is taken as it stands"] += 1
        return 0


#: Stands for the pairs of an input that are not kept.
_NOTHING: dict[str, float] = {}


def _name(token: Any) -> str:
    name = token.get("token") if isinstance(token, dict) else None
    if type(name) is not str:
        raise LeftOut("a token has no text")
    return name


def text_of_prompt(prompt: Any) -> str | None:
    """The input of a prompt: a text, the text of a single message, or several messages, or parts, as JSON."""
    if isinstance(prompt, str) or prompt is None:
        return prompt
    if isinstance(prompt, list) and prompt:
        if all(type(part) is int for part in prompt):
            return " ".join(map(str, prompt))  # token ids
        if len(prompt) == 1 and isinstance(prompt[0], str):
            return prompt[0]
        texts = [whole_text_of(message.get("content")) if isinstance(message, dict) else None for message in prompt]
        if len(prompt) == 1 and texts[0] is not None and prompt[0].get("role") in (None, "user"):
            return texts[0]
        if all(text is not None for text in texts):
            roles = [message.get("role") for message in prompt]
            return json.dumps(list(zip(roles, texts, strict=True)), ensure_ascii=False)
        return json.dumps(prompt, ensure_ascii=False, sort_keys=True)
    return None
