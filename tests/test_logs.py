"""Logs of language models and of annotators: each format by hand, its traps, and lines that are broken at random."""

import copy
import gc
import gzip
import io
import json
import math
import random
import sys

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import logs
from kt_theory.cli import main
from kt_theory.logs import labels, reading
from kt_theory.logs import lines as json_lines
from kt_theory.logs.reply import Reply
from kt_theory.logs.report import Report
from kt_theory.logs.rows import Rows
from kt_theory.refusals import Refusal

HALF, FIFTH, TENTH = math.log(0.5), math.log(0.2), math.log(0.1)


def token(name, logprob, top=None):
    """A token of a chat completion."""
    listed = None if top is None else [{"token": other, "logprob": value} for other, value in top.items()]
    return {"token": name, "logprob": logprob, "top_logprobs": listed}


def chat(text, tokens, prompt="Good?", reason="stop", **more):
    logprobs = None if tokens is None else {"content": tokens}
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": reason, "message": message, "logprobs": logprobs}
    asked = {"messages": [{"role": "user", "content": prompt}], "temperature": 1}
    return {"request": asked, "response": {"object": "chat.completion", "choices": [choice], **more}}


def chunk(name, text, logprob=None, reason=None):
    content = [] if logprob is None else [token(text, logprob)]
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason, "logprobs": {"content": content}}
    return {"id": name, "object": "chat.completion.chunk", "prompt": name, "choices": [choice]}


def completion(text, tokens, values, tops=None, offsets=None, prompt="Good?"):
    logprobs = {"tokens": tokens, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets}
    return {"prompt": prompt, "choices": [{"text": text, "finish_reason": "stop", "logprobs": logprobs}]}


def vllm(ids, positions, **more):
    decoded = [
        {key: {"logprob": value, "rank": 1, "decoded_token": text} for key, (text, value) in position.items()}
        for position in positions
    ]
    return {"prompt": "Good?", "outputs": [{"index": 0, "token_ids": ids, "logprobs": decoded}], **more}


def harness(doc, resps, arguments, which="none"):
    return {"doc_id": doc, "doc_hash": f"h{doc}", "resps": resps, "arguments": arguments, "filter": which}


def batch(name, kind="succeeded", text="yes", **more):
    message = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    return {"custom_id": name, "result": {"type": kind, "message": message, **more}}


def response(text, tokens, *before):
    part = {"type": "output_text", "text": text, "logprobs": tokens}
    message = {"type": "message", "content": [part]}
    return {"object": "response", "input": "Good?", "temperature": 1.0, "output": [*before, message]}


def gemini(text, chosen, top):
    result = {"chosenCandidates": [chosen], "topCandidates": [{"candidates": top}]}
    candidate = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP", "logprobsResult": result}
    return {
        "request": {"contents": [{"role": "user", "parts": [{"text": "Good?"}]}]},
        "response": {"candidates": [candidate]},
    }


def candidate(name, value):
    return {"token": name, "tokenId": 1, "logProbability": value}


YES = [("Good?", "yes", 1, HALF), ("Good?", "no", 0, FIFTH)]

#: Format -> some lines, options, and the records by hand: (state, action, count, log-probability or None).
FORMATS = {
    "openai-chat": ([chat("yes", [token("yes", HALF, {"yes": HALF, "no": FIFTH})])], {}, YES),
    "openai-stream": (
        [chunk("a", "", None), chunk("b", "no", FIFTH), chunk("a", "yes", HALF), chunk("b", "", None, "stop"),
         chunk("a", ".", TENTH, "length")],
        {},
        [("b", "no", 1, FIFTH), ("a", "yes", 1, HALF)],
    ),
    "openai-responses": (
        [response("yes", [token("yes", HALF, {"yes": HALF, "no": FIFTH})], {"type": "reasoning"})], {}, YES
    ),
    "completions": ([completion("yes", ["yes"], [HALF], [{"yes": HALF, "no": FIFTH}], [5])], {}, YES),
    "vllm": ([vllm([9], [{"7": ("no", FIFTH), "9": ("yes", HALF)}])], {}, YES),
    "lm-eval": (
        [harness(0, [[[HALF, True]], [["-2.5", "False"]]], [["Good?", " yes"], ["Good?", " no"]])],
        {},
        [("Good?", " yes", 0, HALF), ("Good?", " no", 0, -2.5)],
    ),
    "label-counter": (
        [{"uid": "i1", "label_counter": {"e": 3, "n": 1}}], {}, [("i1", "e", 3, None), ("i1", "n", 1, None)]
    ),
    "annotator-labels": (
        [{"pairID": "i1", "gold_label": "-", "annotator_labels": ["e", "n", "", "e", "-", None]}],
        {},
        [("i1", "e", 2, None), ("i1", "n", 1, None)],
    ),
    "stored-top-k": (
        [{"input_ids": [3, 4], "target_token_ids": [[7, 8], [9, 0]], "target_mask": [[1, 1], [1, 0]],
          "target_logprobs": [[HALF, FIFTH], [TENTH, -100.0]]}],
        {},
        [("3", "7", 0, HALF), ("3", "8", 0, FIFTH), ("3 4", "9", 0, TENTH)],
    ),
    "stored-probabilities": (
        [[{"7": 0.5, "8": 0.2}, {"9": 0.1}], [{"7": 1.0}]],
        {},
        [("0/0", "7", 0, HALF), ("0/0", "8", 0, FIFTH), ("0/1", "9", 0, TENTH), ("1/0", "7", 0, 0.0)],
    ),
    "gemini": ([gemini("yes", candidate("yes", HALF), [candidate("yes", HALF), candidate("no", FIFTH)])], {}, YES),
    "sglang": (
        [{"prompt": "Good?", "text": "yes", "meta_info": {"output_token_logprobs": [[HALF, 9, "yes"]],
          "output_top_logprobs": [[[HALF, 9, "yes"], [FIFTH, 7, "no"]]]}}],
        {},
        YES,
    ),
    "llama.cpp": (
        [{"prompt": "Good?", "content": "yes",
          "completion_probabilities": [token("yes", HALF, {"yes": HALF, "no": FIFTH})]}],
        {},
        YES,
    ),
    "tgi": (
        [{"inputs": "Good?", "generated_text": "yes", "details": {"tokens": [{"id": 9, "text": "yes", "logprob": HALF}],
          "top_tokens": [[{"id": 9, "text": "yes", "logprob": HALF}, {"id": 7, "text": "no", "logprob": FIFTH}]]}}],
        {},
        YES,
    ),
    "ollama": (
        [{"prompt": "Good?", "response": "yes", "done": True,
          "logprobs": [token("yes", HALF, {"yes": HALF, "no": FIFTH})]}],
        {},
        YES,
    ),
    "inspect": (
        [{"eval": {"config": {"temperature": 1}}, "samples": [
            {"input": "Good?", "output": {"choices": [{"message": {"content": "yes"}, "stop_reason": "stop",
             "logprobs": {"content": [token("yes", HALF)]}}]}}, {"input": "Bad?", "output": {"choices": [
                 {"message": {"content": "no"}, "stop_reason": "stop", "logprobs": None}]}}]}],
        {},
        [("Good?", "yes", 1, HALF), ("Bad?", "no", 1, None)],
    ),
    "helm": (
        [{"request_states": [{"request": {"prompt": "Good?"}, "result": {"completions": [
            {"text": "yes", "tokens": [{"text": "yes", "logprob": HALF}]}]}}]}],
        {},
        [("Good?", "yes", 1, HALF)],
    ),
    "anthropic": ([batch("i1")], {"input": "custom_id"}, [("i1", "yes", 1, None)]),
}  # fmt: skip


def written(folder, values, name="log.jsonl"):
    path = folder / name
    path.write_text("".join((v if isinstance(v, str) else json.dumps(v)) + "\n" for v in values))
    return path


def rows_of(columns):
    found = zip(*(columns[name].tolist() for name in ("state", "action", "count", "logprob")), strict=True)
    return [(s, a, n, None if p != p else p) for s, a, n, p in found]


def read(folder, values, **options):
    columns, report = logs.read(written(folder, values), **options)
    return rows_of(columns), report


def test_every_format_is_tried():
    # Oracle: enumeration
    assert set(FORMATS) == set(logs.FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_recognised_by_its_keys_and_read(name, tmp_path):
    # Oracle: enumeration, by hand
    values, options, wanted = FORMATS[name]
    found, report = read(tmp_path, values, **options)
    assert report.formats == [name]
    assert [row[:3] for row in found] == [row[:3] for row in wanted]
    for row, right in zip(found, wanted, strict=True):
        assert row[3] == (None if right[3] is None else pytest.approx(right[3], rel=1e-15, abs=0))
    assert report.samples == sum(n for _, _, n, _ in wanted)
    assert not report.left_out
    again, _ = read(tmp_path, values, format=name, **options)
    assert again == found


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.filterwarnings("ignore::kt_theory.refusals.Note")
def test_written_and_read_a_log_is_the_same_set(name, suffix, tmp_path, monkeypatch):
    # Oracle: identity; in blocks of two rows, too
    monkeypatch.setattr(reading, "BLOCK", 2)
    values, options, _ = FORMATS[name]
    path = written(tmp_path, values)
    out = tmp_path / f"records{suffix}"
    report = logs.convert(path, out, **options)
    direct, account = logs.transfer_set(path, other="?", **options)
    assert report.as_dict() == account.as_dict()
    back, _ = logs.transfer_set(out, other="?", states=direct.states, actions=direct.actions[:-1])
    assert (back.protocol, back.states, back.actions) == (direct.protocol, direct.states, direct.actions)
    np.testing.assert_array_equal(back.counts, direct.counts)
    np.testing.assert_array_equal(back.revealed, direct.revealed)
    np.testing.assert_array_equal(kt.fit(back, "CE_sgl"), kt.fit(direct, "CE_sgl"))
    np.testing.assert_array_equal(back.log_told.values, direct.log_told.values)


# --- Traps ----------------------------------------------------------------------------------------------

INF = json.loads("-Infinity")
TWO = {"yes": HALF, "no": FIFTH}

#: What goes wrong -> lines, options, the records, words of the account.
TRAPS = {
    "a mark for what was not listed": (
        [chat("zebra", [token("zebra", -9999.0, TWO)]), chat("", [token("", -9999.0, {})])],
        {},
        [("Good?", "zebra", 1, None), ("Good?", "yes", 0, HALF), ("Good?", "no", 0, FIFTH), ("Good?", "", 1, None)],
        "the mark of a label that was not listed",
    ),
    "no logprobs": (
        [chat("yes", [token("yes", HALF)]), chat("no", None), chat("maybe", [])],
        {},
        [("Good?", "yes", 1, HALF), ("Good?", "no", 1, None), ("Good?", "maybe", 1, None)],
        "a reply lists no tokens: its label is its text",
    ),
    "a reply of several tokens that lists none": (
        [chat("yes", [token("yes", HALF)]), chat("not sure", None)],
        {},
        [("Good?", "yes", 1, HALF)],
        "its first one is not known",
    ),
    "a filter": (
        [chat("yes", [token("yes", HALF)]), chat(None, None, reason="content_filter"),
         {"state": "q", "response": {"error": {"message": "filtered", "code": "content_filter"}}}],
        {},
        [("Good?", "yes", 1, HALF)],
        "not drawn from the teacher alone",
    ),
    "a status of 4xx in the body, with no error beside it": (
        [{"error": None, **chat("yes", [token("yes", HALF)])},
         {"error": None, "response": {"status_code": 400, "body": {"error": {"type": "bad_request"}}}},
         {"error": None, "response": {"status_code": 429, "body": {"choices": []}}}],
        {},
        [("Good?", "yes", 1, HALF)],
        ["bad_request", "status 429"],
    ),
    "a refusal": (
        [chat("yes", [token("yes", HALF)]),
         {"prompt": "q", "choices": [{"message": {"content": None, "refusal": "no"}}]}],
        {},
        [("Good?", "yes", 1, HALF)],
        "'refusal': {'number': 1",
    ),
    "k + 1 entries, the sample twice": (
        [{"prompt": "q", "choices": [{"message": {"content": "yes"}, "logprobs": {"content": [{"token": "yes",
          "logprob": HALF, "top_logprobs": [{"token": "yes", "logprob": HALF}, {"token": "yes", "logprob": HALF},
                                            {"token": "no", "logprob": FIFTH}]}]}}]}],
        {},
        [("q", "yes", 1, HALF), ("q", "no", 0, FIFTH)],
        f"[{math.exp(HALF) + math.exp(FIFTH)}",
    ),
    "ids as names": (
        [chat("yes", [token("token_id:9", HALF, {"token_id:9": HALF, "token_id:7": FIFTH})])],
        {},
        [("Good?", "token_id:9", 1, HALF), ("Good?", "token_id:7", 0, FIFTH)],
        "'notes': {}",
    ),
    "one name for many tokens": (
        [{"prompt": "q", "response": "\U0001f600", "done": True, "logprobs": [{"token": "\ufffd", "logprob": HALF,
          "top_logprobs": [{"token": "\ufffd", "logprob": HALF}, {"token": "\ufffd", "logprob": FIFTH},
                           {"token": "no", "logprob": TENTH}]}]}],
        {},
        [("q", "\ufffd", 1, HALF), ("q", "no", 0, TENTH)],
        "stands for several tokens",
    ),
    "a name of two tokens of a list, neither of them drawn": (
        [{"prompt": "q", "choices": [{"message": {"content": "yes"}, "logprobs": {"content": [{"token": "yes",
          "logprob": HALF, "top_logprobs": [{"token": "no", "logprob": FIFTH}, {"token": "no", "logprob": TENTH},
                                            {"token": "so", "logprob": TENTH}]}]}}]}],
        {},
        [("q", "yes", 1, HALF), ("q", "so", 0, TENTH)],
        "two tokens of a list share a name",
    ),
    "hidden thoughts before the answer": (
        [chat("yes", [token("<think>", -0.1), token("yes?", -0.2), token("</think>", -0.1), token(" yes", HALF, TWO)])],
        {},
        [("Good?", " yes", 1, HALF), ("Good?", "yes", 0, HALF), ("Good?", "no", 0, FIFTH)],
        "3 before it are left out",
    ),
    "several choices, one of them filtered": (
        [{"prompt": "q", "choices": [{"message": {"content": "yes"}, "logprobs": {"content": [token("yes", HALF)]}},
                                     {"message": {"content": None}, "finish_reason": "content_filter"},
                                     {"message": {"content": "no"}, "logprobs": {"content": [token("no", FIFTH)]}}]}],
        {},
        [("q", "yes", 1, HALF), ("q", "no", 1, FIFTH)],
        "content_filter",
    ),
    "fillers in a list": (
        [vllm([9], [{"7": ("no", INF), "8": ("so", -3.4e38), "9": ("yes", HALF)}])],
        {},
        [("Good?", "yes", 1, HALF)],
        "not told, and not 0",
    ),
    "several fingerprints": (
        [chat("yes", [token("yes", HALF)], system_fingerprint=f"fp{i}") for i in (1, 2)],
        {},
        [("Good?", "yes", 1, HALF)] * 2,
        "'fingerprints': {'fp1': 1, 'fp2': 1}",
    ),
    "the whole reply, its end token included": (
        [chat("not sure", [token("not", HALF), token(" sure", FIFTH), token("<|end|>", -0.125)])],
        {"label": "reply"},
        [("Good?", "not sure", 1, HALF + FIFTH - 0.125)],
        "'notes': {}",
    ),
    "a reply that was cut": (
        [chat("not", [token("not", HALF)], reason="length")],
        {"label": "reply"},
        [("Good?", "not", 1, HALF)],
        "the beginning of others",
    ),
    "every token after its prefix": (
        [chat("ab", [token("a", HALF), token("b", FIFTH, {"b": FIFTH, "c": HALF})])],
        {"input": "prefix"},
        [("Good?", "a", 1, HALF), ("Good?a", "b", 1, FIFTH), ("Good?a", "c", 0, HALF)],
        "'notes': {}",
    ),
    "every token by its position": (
        [chat("ab", [token("a", HALF), token("b", FIFTH)])],
        {"input": "position"},
        [("0", "a", 1, HALF), ("1", "b", 1, FIFTH)],
        "'notes': {}",
    ),
    "ids without the sample": (
        [vllm([9], [{"9": ("yes", HALF)}]), {"prompt": "q", "outputs": [{"logprobs": [{"7": -0.3, "9": -1.0}]}]}],
        {},
        [("Good?", "yes", 1, HALF)],
        "token_ids is missing",
    ),
    "prompt_logprobs that begin with null": (
        [vllm([9], [{"9": ("yes", HALF)}], prompt_logprobs=[None, {"5": {"logprob": -3.0}}])],
        {},
        [("Good?", "yes", 1, HALF)],
        "'left out': {}",
    ),
    "two ids with one text": (
        [vllm([9], [{"9": ("yes", HALF), "10": ("yes", FIFTH)}]), vllm([10], [{"10": ("yes", FIFTH)}])],
        {},
        [("Good?", "yes", 1, HALF), ("Good?", "yes token_id:10", 0, FIFTH), ("Good?", "yes token_id:10", 1, FIFTH)],
        "'notes': {}",
    ),
    "a document once per filter": (
        [harness(0, [["4", "5", "4"]], [["2+2?", {"do_sample": True}]], which) for which in ("strict", "flexible")]
        + [harness(1, ["3", "3"], [["1+2?", {}]])],
        {},
        [("2+2?", "4", 2, None), ("2+2?", "5", 1, None), ("1+2?", "3", 2, None)],
        "another filter",
    ),
    "choices that begin others": (
        [harness(0, [[[HALF, True]], [[HALF, False]]], [["q", "1"], ["q", "10"]])],
        {},
        [("q", "1", 0, HALF), ("q", "10", 0, HALF)],
        "the beginning of another",
    ),
    "an echo": (
        [completion("The sky is", ["The", " sky", " is"], [None, -6.0, HALF],
                    [None, {"x": -1.0}, {" is": HALF, " was": FIFTH}], [0, 3, 7], "The sky")],
        {},
        [("The sky", " is", 1, HALF), ("The sky", " was", 0, FIFTH)],
        "'notes': {'tokens of the prompt are listed first (echo): they were not sampled': 1}",
    ),
    "two ids behind one string": (
        [completion("yes", ["yes"], [HALF], [{"yes": -7.9, "no": FIFTH}], [5])],
        {},
        [("Good?", "yes", 1, HALF)],
        "one hides the other",
    ),
    "a first value above 0": (
        [{"state": "q", "choices": [{"message": {"content": "yes it"}, "logprobs": {"tokens": ["yes", " it"],
          "token_logprobs": [0.7, -0.04]}}]}],
        {},
        [("q", "yes", 1, None)],
        "above 0: it is none",
    ),
    "a mean over tokens": (
        [gemini("yes", candidate("yes", HALF), [candidate("no", FIFTH)]),
         {"state": "Good?", "candidates": [{"content": {"parts": [{"text": "no"}]}, "avgLogprobs": -0.3}]}],
        {},
        [*YES, ("Good?", "no", 1, None)],
        "a mean over tokens",
    ),
    "a null that became 0": (
        [{"request_states": [{"request": {"prompt": "q"}, "result": {"completions": [{"text": "yes",
          "tokens": [{"text": "y", "logprob": 0}, {"text": "es", "logprob": HALF}]}]}}]}],
        {"label": "reply"},
        [("q", "yes", 1, None)],
        "exactly 0",
    ),
    "probabilities of llama.cpp": (
        [{"prompt": "q", "content": "yes", "completion_probabilities": [
            {"content": "yes", "probs": [{"tok_str": "yes", "prob": 0.5}, {"tok_str": "no", "prob": 0.2}]}]}],
        {},
        [("q", "yes", 1, HALF), ("q", "no", 0, FIFTH)],
        "'notes': {}",
    ),
    "triples without texts": (
        [{"prompt": "q", "text": "yes", "meta_info": {"output_token_logprobs": [[HALF, 9, None]],
          "output_top_logprobs": [[[HALF, 9, None], [FIFTH, 7, None]]]}}],
        {},
        [("q", "9", 1, HALF), ("q", "7", 0, FIFTH)],
        "'notes': {}",
    ),
    "batches that failed": (
        [batch("a"), batch("b", "errored", error={"type": "overloaded_error"}), batch("c", "expired")],
        {"input": "custom_id"},
        [("a", "yes", 1, None)],
        ["errored: overloaded_error", "expired"],
    ),
    "half a character": (
        ['{"uid": "a", "label_counter": {"\\ud83d": 2}}'], {}, [("a", "\\ud83d", 2, None)], "'left out': {}"
    ),
    "a line that is no JSON": (
        [{"uid": "a", "label_counter": {"x": 1}}, "{", "[1]", '"text"', {"uid": "b"}],
        {},
        [("a", "x", 1, None)],
        ["no JSON", "'no object'", "label_counter is no object"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("values", "options", "wanted", "said"), TRAPS.values(), ids=TRAPS)
def test_a_trap(values, options, wanted, said, tmp_path):
    # Oracle: enumeration, by hand
    found, report = read(tmp_path, values, **options)
    assert [row[:3] for row in found] == [row[:3] for row in wanted]
    for row, right in zip(found, wanted, strict=True):
        assert row[3] == (None if right[3] is None else pytest.approx(right[3], rel=1e-14, abs=0))
    for words in [said] if isinstance(said, str) else said:
        assert words in str(report.as_dict())


def test_values_that_are_all_above_zero_are_probabilities(tmp_path):
    # Oracle: enumeration, ln 0.75 and ln 0.2
    line = {"prompt": "q", "content": "to", "completion_probabilities": [token("to", 0.75, {"to": 0.75, "not": 0.2})]}
    with pytest.raises(Refusal, match=r"above 0, as probabilities are: logprobs_are='probabilities' takes them"):
        read(tmp_path, [line])
    found, _ = read(tmp_path, [line], logprobs_are="probabilities")
    assert found == [("q", "to", 1, math.log(0.75)), ("q", "not", 0, math.log(0.2))]


def test_what_is_asked_stands_in_a_file_of_requests(tmp_path):
    # Oracle: enumeration, by hand; a system message makes another input
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Shipped?"}]
    written(tmp_path, [{"custom_id": "a", "body": {"messages": asked, "temperature": 0.5}}], "in.jsonl")
    line = {"custom_id": "a", "response": {"status_code": 200, "body": chat("yes", [token("yes", HALF)])["response"]}}
    found, report = read(tmp_path, [line, line | {"custom_id": "b"}], requests=tmp_path / "in.jsonl")
    assert found == [('[["system", "Be brief."], ["user", "Shipped?"]]', "yes", 1, HALF)]
    assert report.left_out == {"no request has its custom_id": 1}
    assert report.as_dict()["temperature"] == {"0.5": 1}
    with pytest.raises(Refusal, match=r"no prompt \(1\); requests joins prompts on custom_id, input names a field$"):
        read(tmp_path, [line])


def test_whether_values_are_raw_is_stated_inferred_or_unknown(tmp_path):
    # Oracle: enumeration
    for settings, said in (
        ({"temperature": 1, "top_p": 1.0}, "inferred"),
        ({"temperature": 0.5}, "unknown"),
        ({"temperature": 1, "top_p": 0.9}, "unknown"),
        ({"top_p": 1}, "unknown"),
        ({"temperature": 2, "logprobs_mode": "raw_logprobs"}, "stated: raw_logprobs"),
    ):
        line = chat("yes", [token("yes", HALF)])
        line["request"] = {"messages": line["request"]["messages"], **settings}
        _, report = read(tmp_path, [line])
        assert report.values.startswith(said)


def test_values_are_inferred_if_every_reply_states_its_sampler(tmp_path):
    # Oracle: enumeration; one of three states temperature 1
    line = chat("yes", [token("yes", HALF)])
    bare = {"state": "q", "response": line["response"]}
    assert read(tmp_path, [line, line])[1].values.startswith("inferred")
    assert read(tmp_path, [line, bare, bare])[1].values == "unknown"


def test_samples_without_a_choice_are_told(tmp_path):
    # Oracle: enumeration, by hand
    inspect, helm = (copy.deepcopy(FORMATS[name][0][0]) for name in ("inspect", "helm"))
    whole = len(read(tmp_path, [inspect])[0])
    inspect["samples"] += [{"input": "q", "error": {"message": "boom"}}, {"input": "q", "output": {"choices": []}}]
    found, report = read(tmp_path, [inspect])
    assert (len(found), report.left_out) == (whole, {"boom": 1, "no choice": 1})
    helm["request_states"] += [{"result": {"success": False, "error": "boom", "completions": []}}, {}]
    found, report = read(tmp_path, [helm])
    assert (len(found), report.left_out) == (1, {"boom": 1, "no choice": 1})


ECHO = {"tokens": ["Good?"], "token_logprobs": [None], "top_logprobs": None, "text_offset": [0]}


@pytest.mark.parametrize(
    ("name", "line", "why"),
    [
        ("completions", {"prompt": "q", "choices": [{"logprobs": None}]}, "a choice has no text"),
        ("completions", {"prompt": "Good?", "choices": [{"text": "Good?", "logprobs": ECHO}]},
         "nothing was sampled after the prompt"),
        ("openai-chat", {"prompt": "q", "choices": [{"index": 0}]}, "a choice has no message"),
        ("openai-chat", chat("yes", [{"logprob": HALF}]), "a token has no text"),
        ("openai-stream", {**chunk("c", "x"), "choices": [{"index": 0}]}, "a choice has no delta"),
        ("openai-stream", {**chunk("c", "x"), "choices": [{"delta": {"content": 3}}]},
         "the content of a chunk is no text"),
        ("lm-eval", harness(0, [[[HALF, True]]], [["Good?", " yes"]], "more"),
         "the document stands here once more, with another filter"),
        ("lm-eval", harness(1, [[[HALF, True]]] * 2, [["q", "a"], ["Q", "b"]]), "the choices have different contexts"),
        ("lm-eval", harness(1, [[[HALF, True]]] * 2, [["q", "a"], ["q", "a"]]), "a choice stands twice"),
        ("sglang", {"prompt": "q", "text": "x", "meta_info": {"output_token_logprobs": [[HALF, 9]]}},
         "a token is no triple of log-probability, id and text"),
        ("stored-top-k", {"input_ids": [3], "target_token_ids": [[7, 7]], "target_logprobs": [[HALF, HALF]]},
         "an id stands twice in a position"),
    ],
)  # fmt: skip
def test_a_line_that_holds_no_sample_is_left_out_and_says_why(name, line, why, tmp_path):
    # Oracle: enumeration, one fault each; the line before it stays what it is
    values, options, _ = FORMATS[name]
    alone, _ = read(tmp_path, values, **options)
    found, report = read(tmp_path, [*values, line], **options)
    assert (found, report.left_out) == (alone, {why: 1})


def test_what_is_read_of_tokens_alone_is_said(tmp_path):
    # Oracle: enumeration, by hand: a first log-probability of 0 is none in HELM; all tokens of a reply that has none
    state = copy.deepcopy(FORMATS["helm"][0][0])
    state["request_states"][0]["result"]["completions"][0]["tokens"][0]["logprob"] = 0
    found, report = read(tmp_path, [state])
    assert found == [("Good?", "yes", 1, None)]
    assert report.notes == {"the first log-probability is exactly 0, which may stand for none: not told": 1}
    lines = [chat("yes", [token("yes", HALF)]), chat("yes", None)]
    found, report = read(tmp_path, lines, input="prefix", label="all")
    assert (len(found), report.left_out) == (1, {"no tokens are listed": 1})


def test_probabilities_after_sampling(tmp_path):
    # Oracle: enumeration, ln 0.7 and ln 0.3
    listed = [{"token": "y", "prob": 0.7}, {"token": "n", "prob": 0.3}]
    line = {"prompt": "q", "content": "y", "completion_probabilities": [{**listed[0], "top_probs": listed}]}
    assert read(tmp_path, [line])[0] == [("q", "y", 1, math.log(0.7)), ("q", "n", 0, math.log(0.3))]


def test_what_is_kept_of_inputs_is_bounded(monkeypatch):
    # Oracle: enumeration; beyond the pairs that are kept, no input is either
    monkeypatch.setattr(labels, "PAIRS_KEPT", 10)
    recorder = labels.Recorder(Rows(), Report())
    for i in range(50):
        recorder.add(Reply({}, f"q{i}", "yes", [token("yes", HALF)]), i)
    assert (len(recorder._told), recorder._pairs, len(recorder.rows)) == (10, 10, 50)


def test_the_largest_disagreement_and_what_is_told_again(tmp_path):
    # Oracle: enumeration; a value that was told is not written again, a sample is
    line = chat("yes", [token("yes", HALF, TWO)])
    other = chat("yes", [token("yes", HALF - 0.25, {"no": FIFTH, "so": TENTH})])
    found, report = read(tmp_path, [line, line, other])
    assert [row[:3] for row in found] == [
        ("Good?", "yes", 1),
        ("Good?", "no", 0),
        ("Good?", "yes", 1),
        ("Good?", "yes", 1),
        ("Good?", "so", 0),
    ]
    assert report.largest_disagreement == pytest.approx(0.25)
    assert (report.samples, report.with_logprob, report.told_besides) == (3, 3, 2)


# --- Files ----------------------------------------------------------------------------------------------


def test_files_folders_and_compression(tmp_path, monkeypatch):
    # Oracle: enumeration, the same line five times over
    line = json.dumps({"uid": "a", "label_counter": {"x": 1}}).encode()
    (tmp_path / "more").mkdir()
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line))
    (tmp_path / "more" / "c.json").write_bytes(json.dumps([json.loads(line)] * 2, indent=1).encode())
    (tmp_path / "more" / "d.json").write_bytes(json.dumps(json.loads(line), indent=1).encode())
    columns, report = logs.read(tmp_path)
    assert (sum(columns["count"]), len(report.files)) == (5, 4)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(line))))
    assert rows_of(logs.read("-")[0]) == [("a", "x", 1, None)]


def test_a_refusal_names_the_line_and_of_several_files_the_file(tmp_path):
    # Oracle: enumeration
    line = chat("yes", [token("yes", HALF)])
    one = written(tmp_path, [line], "a.jsonl")
    two = written(tmp_path, [line, chat("yes", [token("yes", FIFTH)])], "b.jsonl")
    with pytest.raises(Refusal, match=rf"^{two}: .* on line 2, 0\.5 on line 1; "):
        logs.transfer_set(two)
    with pytest.raises(Refusal, match=rf"^\('Good\?', 'yes'\) .* on line 2 of {two}, 0\.5 on line 1 of {one}; "):
        logs.transfer_set([one, two])


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.jsonl", "the file is empty"),
        (b"\n\n", "a.jsonl", "the file is empty"),
        (b'{"x": 1}\n', "a.jsonl", "shape of no known format; the first object has the keys 'x': format names one of"),
        (b"x", "a.jsonl", "shape of no known format: "),
        (b'{"x":\n1,\n', "a.json", "line 1 is no JSON value"),
        (b"x", "a.jsonl.gz", "not a gzip file"),
        (gzip.compress(b"[1]\n[1]", mtime=0)[:-9], "a.jsonl.gz", "not a gzip file"),
        (None, "a.jsonl", "no such file"),
    ],
)
def test_files_that_are_no_logs(content, name, said, tmp_path):
    # Oracle: enumeration
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path}: .*{said}"):
        logs.read(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has no file that ends in"):
        logs.read(tmp_path / "empty")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": "last"}, "label is 'last'"),
        ({"label": "all"}, "all tokens go with prefix or position"),
        ({"label": "first", "input": "prefix"}, "all tokens go with"),
        ({"format": "csv"}, "format is 'csv'"),
        ({"logprobs_are": "bits"}, "logprobs_are is 'bits'"),
        ({"input": 3}, "input is 3"),
        ({"input": "nothing.there"}, r"no line holds a sample: no field 'nothing\.there'"),
    ],
)
def test_bad_options(options, said, tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=said):
        read(tmp_path, FORMATS["openai-chat"][0], **options)
    if "no line" not in said:  # the others are refused before a file is looked for
        with pytest.raises(ValueError, match=said):
            logs.read(tmp_path / "of no file.jsonl", **options)


def test_both_parsers_of_json_read_the_same(monkeypatch):
    # Oracle: second algorithm, and json.loads of what stands there
    pytest.importorskip("orjson")
    texts = [b"NaN", b"-Infinity", b'{"a": 1e400}', b"9223372036854775807", b'"\\ud83d"', b"\xff", b"{", b""]
    texts += [json.dumps(value).encode() for values, _, _ in FORMATS.values() for value in values]
    texts += [b"[" * 5000, b" 1", b"1 \r\n", b"1\x0b", b"1\xc2\xa0", b"1 2"]
    texts += [b'"\xed\xa0\xbd"', b'"\x00"', b'"\xc3\xa9"\n']
    texts += ['{"a": "\u00e9"}'.encode(code) for code in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32-be")]
    fast = [json_lines.parsed(text) for text in texts]
    monkeypatch.setattr(json_lines, "orjson", None)
    slow = [json_lines.parsed(text) for text in texts]
    assert [repr(value) for value in fast] == [repr(value) for value in slow]
    for text, value in zip(texts, slow, strict=True):
        if isinstance(value, json_lines.NoJSON):
            with pytest.raises((ValueError, RecursionError)):
                json.loads(text)
        else:
            assert repr(value) == repr(json.loads(text))


@pytest.mark.parametrize("faster", [True, False])
def test_a_number_beyond_64_bits_is_no_name(faster, tmp_path, monkeypatch):
    # Oracle: enumeration; one parser makes a float of it, the other a whole number
    if not faster:
        monkeypatch.setattr(json_lines, "orjson", None)
    lines = [{"uid": 10**30, "label_counter": {"x": 1}}, {"uid": 7, "label_counter": {"x": 10**30, "y": 1}}]
    lines += [{"uid": 8, "label_counter": {"x": 2}}]
    found, report = read(tmp_path, lines)
    assert (found, report.left_out.total()) == ([("8", "x", 2, None)], 2)
    with pytest.raises(ValueError, match=r"beyond 64 bits \(1\)"):
        read(tmp_path, lines[:1], input="uid")


# --- Broken lines ---------------------------------------------------------------------------------------

ODD = [
    None,
    True,
    -1,
    0,
    7.5,
    1e400,
    -9999.0,
    INF,
    math.nan,
    "",
    "x",
    "\ud83d",
    [],
    [None],
    {},
    {"token": 1},
    [[]],
    10**30,
]


def places_of(value):
    """Every place inside a JSON value that can be changed, as (container, key)."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places_of(inner)


def mutated(line, rng):
    """A line with one to three things changed: a value, a key, a piece of its text."""
    value = json.loads(json.dumps(line))
    for _ in range(rng.randint(1, 3)):
        container, key = rng.choice(list(places_of(value)))
        kind = rng.randrange(4)
        if kind == 0:
            del container[key]
        elif kind == 1 and isinstance(container, dict):
            container[rng.choice(["", "token", "logprob", "x"])] = container.pop(key)
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))
        if not list(places_of(value)):
            break
    text = json.dumps(value)
    if rng.random() < 0.2:
        at = rng.randrange(len(text))
        text = rng.choice([text[:at], text[:at] + rng.choice('"{}[],:\\0') + text[at + 1 :]])
    return text.replace("\n", " ") or "?"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "number", [pytest.param(150, id="quick"), pytest.param(10_000, id="many", marks=pytest.mark.slow)]
)
def test_broken_lines_are_read_or_reported_and_change_no_other(name, number, tmp_path):
    # Oracle: identity, the records of the whole lines are those of a log without the broken ones
    values, options, _ = FORMATS[name]
    rng = random.Random(f"{name} {number}")
    lines = []
    for _ in range(number // len(values)):
        for value in values:
            lines.append(mutated(value, rng))
        lines += [json.dumps(value) for value in _as_of_their_own(name, values, len(lines))]
    lines = [json.dumps(value) for value in values] + lines  # the first line says what the format is
    columns, report = logs.read(written(tmp_path, lines), **options)
    where, counts = np.array(columns.places.numbers), columns["count"]
    step = len(values)
    good = [line for line in range(1, len(lines) + 1) if (line - 1) // step % 2 == 0]
    wanted = sum(n for _, _, n, _ in logs_rows(tmp_path, values, options)) * (len(good) // step)
    assert counts[np.isin(where, good)].sum() == wanted
    told = {place for places in report.left_lines.values() for place in places}
    # What was told before is not written again, and only the first thousand places of a reason are kept.
    counted = name not in ("openai-stream", "lm-eval", "stored-top-k", "stored-probabilities") and number < 1000
    for line in range(1, len(lines) + 1) if counted else ():
        assert line in where or f"line {line}" in told, lines[line - 1]
    assert name == "openai-stream" or report.replies + report.left_out.total() >= len(lines)
    assert counts.min() >= 0
    assert not (columns["logprob"] > 1e-3).any()


def _as_of_their_own(name, values, at):
    """The same lines; what is remembered by a name across lines gets another one."""
    if name == "openai-stream":
        return [{**value, "id": f"{value['id']} {at}"} for value in values]
    return [{**value, "doc_id": at} for value in values] if name == "lm-eval" else values


def logs_rows(folder, values, options):
    return rows_of(logs.read(written(folder, values, "good.jsonl"), **options)[0])


# --- Different inputs are not pooled --------------------------------------------------------------------


def asked(ask, answer):
    return {"request": ask, "object": "response", "output": [
        {"type": "message", "content": [{"type": "output_text", "text": answer}]}
    ]}  # fmt: skip


def looked_at(url, *, text="what?"):
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return chat(url, None) | {"request": {"messages": [{"role": "user", "content": parts}]}}


def gemini_with(system):
    line = gemini("yes", candidate("yes", HALF), [])
    return {**line, "request": {"contents": [{"role": "user", "parts": [{"text": "q"}]}], **system}}


def ollama(**more):
    return {"prompt": "q", "response": "yes", "done": True, **more}


#: Lines of one text that ask for different things -> the inputs.
TOLD_APART = {
    "instructions": (
        [asked({"input": "q", "instructions": told}, "yes") for told in ("Say yes", "Say no", "")],
        ['[["system", "Say yes"], ["user", "q"]]', '[["system", "Say no"], ["user", "q"]]', "q"],
    ),
    "a system text of Ollama": (
        [ollama(system="Say yes"), ollama()],
        ['[["system", "Say yes"], ["user", "q"]]', "q"],
    ),
    "a system instruction of Gemini": (
        [gemini_with({"systemInstruction": {"parts": [{"text": "Say yes"}]}}), gemini_with({})],
        ['[["system", "Say yes"], ["user", "q"]]', "q"],
    ),
    "system messages stand once": (
        [chat("yes", None) | {"request": {"system": "A", "messages": [
            {"role": "system", "content": "A"}, {"role": "user", "content": "q"}]}}],
        ['[["system", "A"], ["user", "q"]]'],
    ),
    "instructions before a message of a developer": (
        [asked({"input": [{"role": "developer", "content": "A"}, {"role": "user", "content": "q"}],
                "instructions": told}, "yes") for told in ("B", "C")],
        [f'[["system", "{told}"], ["developer", "A"], ["user", "q"]]' for told in "BC"],
    ),
    "an answer before": (
        [asked({"input": "q", **before}, "yes") for before in ({"previous_response_id": "r1"}, {})],
        ['[["previous_response_id", "r1"], ["user", "q"]]', "q"],
    ),
    "a text behind the gap": (
        [ollama(suffix="end"), ollama(suffix="")],
        ['[["suffix", "end"], ["user", "q"]]', "q"],
    ),
    "texts behind the gaps of several prompts": (
        [{"request": {"prompt": ["a", "b"], "suffix": "end"},
          "choices": [{"text": "x", "index": 0}, {"text": "y", "index": 1}]}],
        [f'[["suffix", "end"], ["user", "{one}"]]' for one in "ab"],
    ),
    "images": (
        [looked_at("u1"), looked_at("u2")],
        [json.dumps(looked_at(url)["request"]["messages"], sort_keys=True) for url in ("u1", "u2")],
    ),
    "texts in parts are a text": (
        [chat("yes", None) | {"request": {"messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]}]}}],
        ["ab"],
    ),
    "several prompts": (
        [{"request": {"prompt": ["a", "b"]},
          "choices": [{"text": text, "index": i} for i, text in ((3, "w"), (0, "x"), (1, "y"), (2, "z"))]}],
        ["b", "a", "a", "b"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("values", "inputs"), TOLD_APART.values(), ids=TOLD_APART)
def test_different_inputs_are_told_apart(values, inputs, tmp_path):
    # Oracle: enumeration, by hand
    assert [row[0] for row in read(tmp_path, values)[0] if row[2]] == inputs


def test_the_system_text_of_a_file_of_requests(tmp_path):
    # Oracle: enumeration, by hand
    asks = [
        {"custom_id": name, "params": {"system": told, "messages": [{"role": "user", "content": "q"}]}}
        for name, told in (("a", "Say yes"), ("b", [{"type": "text", "text": "Say no"}]))
    ]
    requests = written(tmp_path, asks, "in.jsonl")
    found, _ = read(tmp_path, [batch("a"), batch("b")], requests=requests)
    assert [row[0] for row in found] == [f'[["system", "Say {word}"], ["user", "q"]]' for word in ("yes", "no")]
    with pytest.raises(ValueError, match=r"in\.jsonl: lines 1 and 3 have one custom_id, 'a'"):
        read(tmp_path, [batch("a")], requests=written(tmp_path, [*asks, asks[0]], "in.jsonl"))


def test_a_choice_that_does_not_tell_its_prompt_is_left_out(tmp_path):
    # Oracle: enumeration
    good = completion("yes", ["yes"], [HALF])
    for choices in (
        [{"text": "x"}, {"text": "y"}],
        [{"text": "x", "index": 0}, {"text": "y", "index": 0}],
        [{"text": "x", "index": 0}, {"text": "y", "index": 1}, {"text": "z", "index": 2}],
    ):
        found, report = read(tmp_path, [good, {"prompt": ["a", "b"], "choices": choices}])
        assert len(found) == 1
        assert report.left_out == {"of several prompts, it is not told which one a choice answers": len(choices)}


def test_a_reply_that_is_left_out_has_no_note(tmp_path):
    # Oracle: enumeration; the first token of two words is not known
    _, report = read(tmp_path, [chat(text, None) for text in ("yes it is", "no")])
    assert report.left_out.total() == 1
    assert report.notes == {"a reply lists no tokens: its label is its text": 1}


def test_no_file_and_no_option_of_another_name(tmp_path):
    # Oracle: enumeration
    path = written(tmp_path, [{"uid": "a", "label_counter": {"x": 1}}])
    for call in (logs.read, logs.transfer_set, lambda paths: logs.convert(paths, tmp_path / "o.csv")):
        with pytest.raises(ValueError, match=r"^paths is empty: it must name a file"):
            call([])
    with pytest.raises(ValueError, match=r"^log is empty: it must name a file"):
        kt.check_log([])
    for call in (logs.transfer_set, logs.read_teacher, lambda p, **o: logs.convert(p, tmp_path / "o.csv", **o)):
        for value in (None, 1):
            with pytest.raises(TypeError, match=r"^labels is no option of logs: these are input, label, format"):
                call(path, labels=value)


def test_counted_labels_have_no_position(tmp_path):
    # Oracle: enumeration
    with pytest.raises(ValueError, match=r"counted labels have no position \(1\)"):
        read(tmp_path, [{"uid": "a", "label_counter": {"x": 1}}], input="position")


def test_an_id_has_one_name_in_all_files(tmp_path):
    # Oracle: enumeration, ids 5 and 9 have one text, and the second file begins with the other one
    one = {"5": ("the", HALF), "9": ("the", FIFTH)}
    two = {"9": ("the", FIFTH), "5": ("the", HALF)}
    paths = [
        written(tmp_path, [vllm([number], [position])], f"{number}.jsonl") for number, position in ((5, one), (9, two))
    ]
    columns, _ = logs.read(paths)
    assert [row[1] for row in rows_of(columns) if row[2]] == ["the", "the token_id:9"]


def test_a_choice_that_ends_in_a_chunk_leaves_the_others_alone(tmp_path):
    # Oracle: enumeration, by hand
    def choice(index, text, reason=None):
        tokens = {"content": [token(text, HALF)]}
        return {"index": index, "delta": {"content": text}, "finish_reason": reason, "logprobs": tokens}

    def line(*choices):
        return {"id": "x", "prompt": "q", "object": "chat.completion.chunk", "choices": list(choices)}

    for first in (choice(0, "", "content_filter"), {"index": 0}, choice(0, 7)):
        values = [line(choice(0, "a"), choice(1, "b")), line(first, choice(1, "c")), line(choice(1, "d", "stop"))]
        found, _ = read(tmp_path, values, label="reply")
        assert found == [("q", "bcd", 1, pytest.approx(3 * HALF, rel=1e-15, abs=0))]


#: A format -> where it keeps the settings of the sampler.
SETTINGS = {
    "vllm": "sampling_params",
    "ollama": "options",
    "tgi": "parameters",
    "llama.cpp": "generation_settings",
    "sglang": "sampling_params",
    "anthropic": "params",
    "gemini": "request",
    "openai-chat": "request",
    "completions": "request",
    "inspect": "plan",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_or_a_setting_of_another_shape(name, tmp_path):
    # Oracle: identity, the other lines are read; nothing but a sentence comes of the odd ones
    values, options, _ = FORMATS[name]
    whole = rows_of(logs.read(written(tmp_path, values), **options)[0])
    lines = [json.dumps(value) for value in [*values, *ODD, [1, 2], [{}], [[values[0]]]]]
    found, report = read(tmp_path, lines, **options)
    assert found[: len(whole)] == whole
    assert report.left_out.total() >= len(ODD)
    field = SETTINGS.get(name)
    if field is not None:
        odd = [{**values[0], field: value} for value in [*ODD, [1, 2]]]
        found, report = read(tmp_path, [*values, *odd], **options)
        assert found[: len(whole)] == whole
        report.as_dict()
    if name == "lm-eval":
        odd = [{**value, "doc_id": 99, "resps": [["x"]], "arguments": [["q", [1]]]} for value in values]
        assert read(tmp_path, [*values, *odd], **options)[0][: len(whole)] == whole


# --- The command line -----------------------------------------------------------------------------------


def test_the_commands_convert_and_fit_read_logs(tmp_path, capsys):
    # Oracle: enumeration, by hand
    values = [chat("yes", [token("yes", HALF, TWO)], system_fingerprint=f"fp{i}") for i in (1, 2)] + [chat(None, None)]
    path, out = written(tmp_path, values), tmp_path / "records.parquet"
    assert main(["convert", str(path), "--out", str(out)]) == 0
    first, *said = capsys.readouterr().out.splitlines()
    assert first.startswith("2 samples in 3 lines of 1 file: OpenAI chat completions")
    assert said == [
        "with a log-probability of their own: 2 (100.0%)",
        "told without being drawn: 1",
        "mass of the lists of labels: 0.7 on average, 0.7 to 0.7",
        "temperature: 1.0 (2)",
        "raw or processed values: inferred: at temperature 1 without truncation, raw and processed values agree",
        "two log-probabilities of one pair differ by at most 0",
        "several states of the model: fp1 (1), fp2 (1)",
        "left out, no content: 1 (line 3)",
        f"the records are in {out}",
    ]
    assert pd.read_parquet(out)["count"].tolist() == [1, 0, 1]
    for file in (path, out):
        assert main(["fit", str(file), "--other"]) == 0
        said = capsys.readouterr()
        assert "2 records of partial soft labels, with labels told that were not drawn" in said.out
        assert ("left out, no content: 1 (line 3)" in said.err) == (file == path)  # nothing is left out in silence
    assert main(["convert", str(path), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprints"] == {"fp1": 1, "fp2": 1}
    assert main(["fit", str(out), "--label", "reply"]) == 2
    assert "--label goes with logs" in capsys.readouterr().err
    assert main(["convert", str(path), "--out", str(path)]) == 2


def test_a_log_may_be_a_teacher(tmp_path, capsys):
    # Oracle: enumeration, natural frequencies; and the mass that is not told goes where it is asked to
    counters = [{"uid": "a", "label_counter": {"x": 3, "y": 1}}, {"uid": "b", "label_counter": {"y": 4, "z": 8}}]
    problem = logs.read_teacher(written(tmp_path, counters))
    assert (problem.states, problem.actions) == (("a", "b"), ("x", "y", "z"))
    np.testing.assert_allclose(problem.rho, [0.25, 0.75])
    np.testing.assert_allclose(problem.teacher, [[0.75, 0.25, 0], [0, 1 / 3, 2 / 3]], rtol=1e-15)
    stored = [[{"7": 0.5, "8": 0.25}, {"9": 0.75}]]
    path = written(tmp_path, stored, "stored.jsonl")
    with pytest.raises(Refusal, match=r"by 0\.25 at most; normalise=True .*other='<other>'"):
        logs.read_teacher(path)
    problem = logs.read_teacher(path, other="<other>")
    np.testing.assert_allclose(problem.teacher, [[0.5, 0.25, 0, 0.25], [0, 0, 0.75, 0.25]], rtol=1e-15)
    assert main(["simulate", "--teacher", str(path), "--other", "--n", "10", "--reps", "5"]) == 0
    assert "CE_ful" in capsys.readouterr().out
    with pytest.raises(ValueError, match="1 records are of labels whose probability is not told"):
        logs.read_teacher(written(tmp_path, [chat("yes", [token("yes", None, {"no": HALF})])]))


@pytest.mark.parametrize(
    ("paths", "options", "words"),
    [
        (["t.csv", "t.csv"], {}, "several files are read if all of them are logs"),
        ([], {}, "paths is empty: it must name a file"),
        ("t.csv", {"input": "uid"}, "input goes with logs, and t.csv is a table"),
        ("t.csv", {"tolerance": 0.1}, "tolerance goes with logs, and t.csv is a table"),
        ("items.jsonl", {"columns": {"state": "uid"}}, "columns goes with tables: input names the field of a log"),
        ("items.jsonl", {"add_repeats": True}, "add_repeats goes with tables"),
    ],
)
def test_a_teacher_of_arguments_that_do_not_fit(paths, options, words, tmp_path, monkeypatch):
    # Oracle: enumeration, the sentence names what is not used
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("state,action,probability\na,x,1\n")
    written(tmp_path, [{"uid": "a", "label_counter": {"x": 3}}], "items.jsonl")
    with pytest.raises(ValueError, match=words):
        logs.read_teacher(paths, **options)
    assert logs.read_teacher("t.csv", format=None).teacher.tolist() == [[1.0]]
    with pytest.raises(ValueError, match="paths is empty"):
        logs.transfer_set([])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_log_without_samples_leaves_no_open_file(suffix, tmp_path):
    # Oracle: identity, a refusal in one sentence, no file, and nothing that is closed too late
    (tmp_path / "log.jsonl").write_text('{"uid": "a", "label_counter": {}}\n')
    with pytest.raises(ValueError, match="no line holds a sample"):
        logs.convert(tmp_path / "log.jsonl", tmp_path / f"records{suffix}")
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
