"""The times in the report in paper/, measured: writes figures/timings.csv, a duration or a ratio a row.

The long commands (`--commands`) run in a scratch folder and take some fifteen minutes; without that flag only the short
measurements are taken, and the seconds of the commands in the file are kept. Times are medians over five rounds, after
one that compiles, and commands are timed once: read them to one digit. The file states the processors and the version
of Python.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import kt_theory as kt

ROOT = Path(__file__).resolve().parents[1]
FILE = Path("figures/timings.csv")

#: Name -> command, run from the root of the checkout, whose environment exists.
COMMANDS = {
    "seconds-reproduce": "kt-theory reproduce all --simulate --quick --out {scratch}/quick",
    "seconds-full": "kt-theory reproduce all --simulate --out {scratch}/full",
    "seconds-verify": "kt-theory verify --out {scratch}/ledger.csv",
    "seconds-test": "make test",
    "seconds-paper": "python paper/build.py --out {scratch}/paper.pdf",
}

#: n and the size of the generic problem of the single means.
FAR, GENERIC = 10**12, (100, 25)

#: Labels and samples of the single generic row: at smaller n it takes longer.
LABELS, ROW_N = 40, 1000


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Median over the rounds, after one that compiles; a single round is not repeated."""
    times = []
    for _ in range(rounds + (rounds > 1)):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times[rounds > 1 :])


def short() -> Iterator[tuple[str, float, str]]:
    """Exact risks, and simulation over them."""
    classic = kt.instance(0, 100, 25)
    grid = np.unique(np.geomspace(10, 2500, 30).round().astype(int)).tolist()
    curves = seconds(lambda: [kt.expected_risk(classic, name, grid) for name in kt.PAPER_LEARNERS])
    yield "points-curves", len(grid), "values of n of each curve"
    yield "seconds-curves", curves, f"exact curves of four learners at {len(grid)} n, instance 0, S=100, A=25"
    generic = kt.dirichlet_problem(*GENERIC, seed=1)
    yield "S-generic", GENERIC[0], "inputs of the generic problem"
    yield "A-generic", GENERIC[1], "labels of the generic problem"
    yield "seconds-generic", seconds(lambda: kt.expected_risk(generic, "CE_sgl", FAR), 1), f"CE_sgl there, n={FAR}"
    row = kt.dirichlet_problem(1, LABELS, seed=1)
    yield "A-row", LABELS, "labels of the generic row"
    yield "n-row", ROW_N, "samples at the generic row"
    for learner in ("SEL_ptl", "CE_ptl"):
        yield (
            f"seconds-row-{learner}",
            seconds(lambda learner=learner: kt.expected_risk(row, learner, ROW_N)),
            f"{learner}, one input with {LABELS} generic labels, n={ROW_N}",
        )
    n = 100
    yield "n-mc", n, "n of the comparison with simulation"
    for learner in ("CE_sgl", "SEL_ptl"):
        exact = seconds(lambda learner=learner: kt.expected_risk(classic, learner, n), 20)
        drawn = seconds(lambda learner=learner: kt.expected_risk(classic, learner, n, method="montecarlo"), 3)
        yield f"mc-over-exact-{learner}", drawn / exact, f"{learner}, instance 0, S=100, A=25, n={n}"


def commands(scratch: str) -> Iterator[tuple[str, float, str]]:
    """The long commands, each once."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for name, template in COMMANDS.items():
        words = template.format(scratch=scratch).split()
        print(*words, file=sys.stderr, flush=True)
        start = time.perf_counter()
        subprocess.run(words, cwd=ROOT, env={**os.environ, "PATH": path}, check=True, stdout=subprocess.DEVNULL)
        yield name, time.perf_counter() - start, template.format(scratch="FOLDER")


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", action="store_true", help="run the long commands, too")
    arguments = parser.parse_args()
    where = f"{os.cpu_count()} processors, Python {platform.python_version()}"
    old = pd.read_csv(FILE) if FILE.exists() else pd.DataFrame(columns=["name", "value", "words", "where"])
    rows = [(*row, where) for row in short()]
    if arguments.commands:
        with tempfile.TemporaryDirectory() as scratch:
            rows += [(*row, where) for row in commands(scratch)]
    new = pd.DataFrame(rows, columns=old.columns)
    kept = old[~old["name"].isin(new["name"])]
    kt.study.write_receipts(pd.concat([new, kept], ignore_index=True), FILE)
    print(new.to_string(index=False))


if __name__ == "__main__":
    main()
