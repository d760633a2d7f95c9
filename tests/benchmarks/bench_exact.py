"""How cheap mathematics is against simulation: ``python bench_exact.py``. Ratios are taken within one run.

Prints the seconds of an exact curve of 30 n for the four learners, of all of exact figure 2, of one minimax risk, and
at instance 0, (100, 25), how many times cheaper the exact mean is than a simulation that aims at a relative standard
error of 1e-3, as a user would ask for either: `kt.expected_risk` with method "exact" and "montecarlo".
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import kt_theory as kt


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Median over the rounds, after one that compiles."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the figures."""
    problem = kt.instance(0, 100, 25)
    grid = np.unique(np.geomspace(10, 10**5, 30).round().astype(int)).tolist()
    print(f"exact curves, 4 learners x {len(grid)} n at (100, 25): ", end="", flush=True)
    print(f"{seconds(lambda: [kt.expected_risk(problem, name, grid) for name in kt.PAPER_LEARNERS]):.3f} s")

    settings = [(1, 100, 8), (2, 100, 8), (3, 10, 10), (1, 10, 10), (2, 10, 11), (3, 10, 11)]
    panels = [
        kt.study.Panel(f"{k} {S} {A}", partial(kt.instance, k, S, A), np.geomspace(1000, 10**6, 9).round().astype(int))
        for k, S, A in settings
    ]
    print(f"exact figure 2, 6 panels x 9 n x 4 learners: {seconds(lambda: kt.study.exact(panels), 3):.2f} s")
    print("minimax risk, partial labels, S=10, A=100, n=1000: ", end="", flush=True)
    print(f"{seconds(lambda: kt.minimax_risk('partial', 10, 100, 1000), 1):.2f} s")

    print("\nn      learner   exact, s   Monte Carlo at 1e-3, s    ratio")
    for n in (100, 2500):
        for name in kt.PAPER_LEARNERS:
            exact = seconds(lambda name=name, n=n: kt.expected_risk(problem, name, n), 50)
            if kt.simulate(problem, name, n, 1000)["mean"].item() == 0:
                print(f"{n:<6} {name:8}  {exact:8.2e}   never: the risk was 0 in 1,000 repeats")
                continue
            cost = seconds(lambda name=name, n=n: kt.expected_risk(problem, name, n, method="montecarlo"), 3)
            print(f"{n:<6} {name:8}  {exact:8.2e}   {cost:8.2e}                  {cost / exact:8.0f}")


if __name__ == "__main__":
    main()
