"""Build ``kt_theory/teachers/next_word.csv``: what follows the commonest English words, in counts of web pages.

The source is the list of common two-word phrases in the package wordsegment (in a checkout ``pip install '.[data]'``).
Inputs are the words that begin, labels the words that end the most phrases by total count. The counts of all pairs of
an input and a label are kept as they are; a pair below the source's cut-off is not in the list, and so has probability
0 here. The package's file is read, in which 27,914 pairs stand twice or more: their counts are added.

    python simulations/make_next_word_teacher.py --out kt_theory/teachers/next_word.csv
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from bigrams import counts_of, source

import kt_theory as kt

DEFAULT_OUT = Path(__file__).resolve().parents[1] / "kt_theory" / "teachers" / "next_word.csv"


def next_word_counts(S: int, A: int) -> pd.DataFrame:
    """The positive counts of the S commonest first and A commonest second words: columns state, action, count."""
    with open(source(), encoding="utf-8") as lines:
        counts = counts_of(lines)
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (state, action), count in counts.items():
        first[state] += count
        second[action] += count
    states, actions = commonest(first, S), commonest(second, A)
    rows = [(s, a, count) for (s, a), count in counts.items() if s in states and a in actions]
    rows.sort(key=lambda row: (states[row[0]], actions[row[1]]))
    return pd.DataFrame(rows, columns=["state", "action", "count"])


def commonest(totals: Counter[str], size: int) -> dict[str, int]:
    """The `size` words of largest total, ties in alphabetical order, each with its rank."""
    ranked = sorted(totals, key=lambda word: (-totals[word], word))
    return {word: rank for rank, word in enumerate(ranked[:size])}


def summary(problem: kt.Problem, size: int) -> str:
    """A few figures of a teacher, as text."""
    p = problem.teacher
    entropies = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)
    most, least = problem.rho.max(), problem.rho.min()
    lines = {
        "inputs, labels": f"{problem.S}, {problem.A}",
        "pairs of probability 0": f"{(p == 0).mean():.1%}",
        "largest and smallest rho": f"{most:.4f}, {least:.5f} (ratio {most / least:.0f})",
        "entropy of a row, in nats": (
            f"{problem.rho @ entropies:.3f} on average, {entropies.min():.3f} to {entropies.max():.3f}; "
            f"log A = {np.log(problem.A):.3f}"
        ),
        "largest probability": f"{p.max():.3f}",
        "file": f"{size / 1000:.1f} kB",
    }
    return "\n".join(f"{name:27}{value}" for name, value in lines.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="the file to write (default: %(default)s)")
    parser.add_argument("--S", type=int, default=50, help="number of inputs, the previous words (default: 50)")
    parser.add_argument("--A", type=int, default=100, help="number of labels, the next words (default: 100)")
    wanted = parser.parse_args()
    out = kt.tables.write_table(next_word_counts(wanted.S, wanted.A), wanted.out)
    problem = kt.tables.read_teacher(out)
    if wanted.S != problem.S or wanted.A != problem.A:
        raise SystemExit(f"some of the words never meet: {problem.S} inputs and {problem.A} labels are left")
    print(summary(problem, out.stat().st_size))


if __name__ == "__main__":
    main()
