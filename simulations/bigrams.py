"""A teacher at its natural size: all pairs of a list of English two-word phrases, 18,336 inputs and 19,252 labels.

The list is the file ``bigrams.txt`` of the package wordsegment (in a checkout ``pip install '.[data]'``): counts on web
pages, after Peter Norvig's Natural Language Corpus Data. The file is read, not the package's dictionary: 27,914 pairs
stand in it twice or more, and the dictionary keeps the last count of each, which loses 9.5 % of all occurrences. Here
the counts of a pair are added. The input ``<s>`` is the start of a sentence; no pair ends with it. A pair that is not
in the list, found less than 100,000 times, has probability 0 here.

Of the 3.5e8 cells 258,437 are positive, and only these are stored. Left: what the four learners make of n samples.
Right: how many hard labels one sample with its label's probability is worth, and one with the whole distribution. Lines
of CE_ful and CE_sgl are exact; markers are simulated, with error bars of two standard errors, which are smaller than
the markers; the other lines join them.

What to see: up to n = 10^5 most pairs of the list were not seen, and the probability of a label makes one sample worth
two. Beyond, CE_sgl has the rate 1/2, while SEL_ptl and CE_ful fall below the axes: a list that is cut off at
100,000 occurrences has no pair rarer than 4e-7, and after 10^7 samples nearly every pair was seen. CE_ptl stays at its
bias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

import kt_theory as kt

#: Numbers of samples.
GRID = tuple(10**k for k in range(3, 10))

#: Repeats of each: the risk of so many inputs hardly varies from one data set to the next.
REPS = 100


def source() -> Path:
    """The list in the package that is installed."""
    import wordsegment

    return Path(wordsegment.__file__).with_name("bigrams.txt")


def counts_of(lines: Iterable[str]) -> Counter[tuple[str, str]]:
    """The counts of the pairs of a list of lines "first second<tab>count"; those of a pair that stands twice added."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        phrase, count = line.rstrip("\n").split("\t")
        first, second = phrase.split(" ")
        counts[first, second] += int(count)
    return counts


def teacher() -> kt.Problem:
    """The whole list as a sparse problem: rho and the rows are the natural frequencies of the counts."""
    with open(source(), encoding="utf-8") as lines:
        counts = counts_of(lines)
    table = pd.DataFrame([(*pair, count) for pair, count in counts.items()], columns=["state", "action", "count"])
    return kt.tables.teacher_from_frame(table, name="bigrams")


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `bigrams`, and return its scoreboard; two of its curves have to be simulated."""
    problem = teacher()
    name = f"next word of English (S={problem.S}, A={problem.A})"
    grid = list(GRID[::2] if options.quick else GRID)
    exact = kt.study.exact([kt.study.Panel(name, problem, grid, ["CE_sgl", "CE_ful"])], progress=options.progress)
    kt.study.write_receipts(exact, options.path("bigrams_exact.csv"))
    reps = 10 if options.quick else REPS
    panel = kt.study.Panel(name, problem, grid)
    receipts = kt.study.run([panel], reps, options.seed, workers=options.workers, progress=options.progress)
    kt.study.write_receipts(receipts, options.path("bigrams.csv"))

    draw(options, exact, receipts)
    return kt.claims.scoreboard(receipts, {}, exact)


def draw(options: kt.study.Options, exact: pd.DataFrame, receipts: pd.DataFrame) -> None:
    """The figure, from its tables."""
    title = "18,336 inputs: a probability is worth little until most pairs were seen, then far more"
    name = str(receipts["panel"].iloc[0])
    kt.plots.draw_teacher(options.path("bigrams"), name, exact, receipts, floor=1e-4, title=title)


if __name__ == "__main__":
    kt.cli.run_script(main)
