"""How fast logs become records: ``python bench_logs.py``; ``--megabytes 1000`` for the size of a real log.

Processor seconds of one thread. The reference is what any reader does at least: ``json.loads`` of each line, and a loop
over the listed tokens. Each round runs both in a process of its own, without orjson and with it, on three logs of chat
completions with the 20 most likely tokens: 500 prompts that return with the values told before, a new prompt on each
line, and replies of 200 tokens of which every one is a record. The median round counts; the peak of memory is that of
the process.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

#: Log -> the number of different prompts, tokens of a reply, and options of `convert`.
LOGS: dict[str, tuple[int, int, dict[str, str]]] = {
    "prompts that return": (500, 1, {}),
    "a new prompt a line": (10**9, 1, {}),
    "all of 200 tokens": (10**9, 200, {"input": "prefix"}),
}
TOP = 20


def _token(name: str, logprob: float) -> dict[str, Any]:
    return {"token": name, "logprob": logprob, "bytes": list(name.encode())}


def _position(law: random.Random, draw: random.Random) -> dict[str, Any]:
    """A drawn token and the most likely ones, by a law of some words."""
    names = [f"tok{i}" for i in law.sample(range(30_000), TOP)]
    weights = sorted((law.random() ** 3 + 1e-3 for _ in names), reverse=True)
    top = [_token(name, math.log(w / sum(weights) / 1.1)) for name, w in zip(names, weights, strict=True)]
    return {**draw.choices(top, weights)[0], "top_logprobs": top}


def lines_of(prompts: int, tokens: int) -> Iterator[str]:
    """The lines of a log."""
    draw, number = random.Random(0), 0
    while True:
        prompt = number % prompts
        law = random.Random(prompt)
        spoken = [_position(law, draw) for _ in range(tokens)]
        text = "".join(position["token"] for position in spoken)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "logprobs": {"content": spoken}, "finish_reason": "length"}
        body = {"id": f"chatcmpl-{number}", "object": "chat.completion", "model": "m", "choices": [choice]}
        body |= {"usage": {"prompt_tokens": 10, "completion_tokens": tokens}, "system_fingerprint": "fp_1"}
        answer = {"status_code": 200, "body": body}
        yield json.dumps({"custom_id": f"r{number}", "prompt": f"prompt {prompt}", "response": answer, "error": None})
        number += 1


def write_log(path: Path, megabytes: float, prompts: int, tokens: int) -> None:
    """Write a log of a size."""
    size = 0
    with open(path, "w") as file:
        for line in lines_of(prompts, tokens):
            size += file.write(line + "\n")
            if size >= megabytes * 1e6:
                return


def loop(path: Path) -> int:
    """The reference: the number of listed tokens."""
    number, triple = 0, None
    with open(path) as file:
        for line in file:
            value = json.loads(line)
            for position in value["response"]["body"]["choices"][0]["logprobs"]["content"]:
                for entry in position["top_logprobs"]:
                    triple = (value["prompt"], entry["token"], entry["logprob"])
                    number += triple is not None
    return number


def measured(path: Path, options: dict[str, str], faster: bool) -> tuple[float, float, float]:
    """Seconds of the reference and of `convert`, and the peak of memory in megabytes."""
    import kt_theory as kt
    from kt_theory.logs import lines
    from kt_theory.tables.sources import load_pyarrow

    load_pyarrow()
    if not faster:
        lines.orjson = None  # type: ignore[assignment]
    start = time.process_time()
    loop(path)
    middle = time.process_time()
    kt.logs.convert(path, path.with_suffix(".parquet"), **options)
    end = time.process_time()
    return middle - start, end - middle, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=20, help="size of each log (default: 20)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    chosen = parser.parse_args()
    print("log; parser of JSON: MB/s, ratio to json.loads and a loop, peak of memory in MB")
    with tempfile.TemporaryDirectory() as folder:
        for name, (prompts, tokens, options) in LOGS.items():
            path = Path(folder) / "log.jsonl"
            write_log(path, chosen.megabytes, prompts, tokens)
            size = path.stat().st_size / 1e6
            found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
            with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
                for _ in range(chosen.rounds):
                    for faster, rounds in found.items():
                        rounds.append(pool.apply(measured, (path, options, faster)))
            for faster, rounds in found.items():
                speed = median(size / seconds for _, seconds, _ in rounds)
                ratio = median(reference / seconds for reference, seconds, _ in rounds)
                peak = max(memory for _, _, memory in rounds)
                parser_name = "orjson" if faster else "json"
                print(f"{name}; {parser_name}: {speed:.0f} MB/s, {ratio:.2f}, {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
