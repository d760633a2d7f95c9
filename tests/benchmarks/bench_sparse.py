"""How the cost of sparse problems grows with the stored pairs and with n: ``python bench_sparse.py``.

Processor seconds of one thread, the least of some rounds, of one repeat of the four learners (``sample_risks``), of
one exact risk of CE_ful, of one fit of SEL_ptl, and of making the problem. The growth exponent is the slope of log
seconds against log size, with its standard error: 1 is linear. The problems have S = pairs / 16 inputs, A = S + 16
labels, and 16 positive labels of Zipf's law in each row.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

import kt_theory as kt
from kt_theory.simulation.cells import RUN, Cell

LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful")

#: Positive labels of a row.
EACH = 16

#: Stored pairs, and samples at 65,536 pairs: those drawn one by one, and those beyond 16 a pair drawn as binomials.
PAIRS = tuple(2**k for k in range(12, 19))
ONE_BY_ONE, BINOMIAL = tuple(10**k for k in range(3, 7)), tuple(10**k for k in (7, 8, 9, 10, 12, 15))

#: Pairs at which n is varied.
AT = 2**16


def entries(pairs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """rho, rows, columns, values and A of a problem."""
    S = pairs // EACH
    zipf = 1 / np.arange(1, S + 1)
    row = 1 / np.arange(1, EACH + 1)
    rows = np.repeat(np.arange(S), EACH)
    columns = np.tile(np.arange(EACH), S) + rows
    return zipf / zipf.sum(), rows, columns, np.tile(row / row.sum(), S), S + EACH


def problem_of(pairs: int) -> kt.Problem:
    rho, rows, columns, values, A = entries(pairs)
    return kt.Problem.from_cells(rho, rows, columns, values, A=A)


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The least processor time of some rounds, after one that compiles."""
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def repeat(problem: kt.Problem, n: int, rounds: int, budget: float = 0.1) -> float:
    """Seconds of one repeat of the four learners, the making of tables not counted."""
    cell = Cell(problem, n)
    learners = [kt.LEARNERS[name] for name in LEARNERS]
    once = seconds(lambda: cell.risks(learners, 0, RUN, 0, 1), 1)
    reps = max(1, min(int(budget / max(once, 1e-9)), 1000))
    return seconds(lambda: cell.risks(learners, 0, RUN, 0, reps), rounds) / reps


def fitting(data: kt.TransferSet) -> float:
    """Seconds of a fit."""
    return seconds(lambda: kt.fit(data, "SEL_ptl"), 3)


def growth(sizes: Sequence[int], times: Sequence[float]) -> str:
    """The exponent of a fit, as text."""
    (slope, _), covariance = np.polyfit(np.log(sizes), np.log(times), 1, cov=True)
    return f"{slope:.2f} +- {covariance[0, 0] ** 0.5:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the least counts (default: 5)")
    rounds = parser.parse_args().rounds
    works: dict[str, Callable[[int, kt.Problem], float]] = {
        "one repeat, n = 4 pairs": lambda pairs, problem: repeat(problem, 4 * pairs, rounds),
        "one repeat, n = 1000 pairs": lambda pairs, problem: repeat(problem, 1000 * pairs, rounds),
        "exact risk of CE_ful": lambda pairs, problem: seconds(lambda: kt.expected_risk(problem, "CE_ful", pairs), 3),
        "fit of SEL_ptl, n = pairs": lambda pairs, problem: fitting(kt.draw(problem, "partial", n=pairs)),
        "making the problem": lambda pairs, problem: seconds(lambda: problem_of(pairs), 3),
    }
    problems = {pairs: problem_of(pairs) for pairs in PAIRS}
    print("| in pairs, from 4,096 to 262,144 | smallest | largest | exponent |\n|---|---|---|---|")
    for name, work in works.items():
        times = [work(pairs, problem) for pairs, problem in problems.items()]
        print(f"| {name} | {times[0] * 1e3:.3g} ms | {times[-1] * 1e3:.3g} ms | {growth(PAIRS, times)} |", flush=True)
    print(f"\n| in n, one repeat at {AT:,} pairs | smallest | largest | exponent |\n|---|---|---|---|")
    for name, grid in (("n = 10^3 to 10^6", ONE_BY_ONE), ("n = 10^7 to 10^15", BINOMIAL)):
        times = [repeat(problems[AT], n, rounds) for n in grid]
        print(f"| {name} | {times[0] * 1e3:.3g} ms | {times[-1] * 1e3:.3g} ms | {growth(grid, times)} |", flush=True)


if __name__ == "__main__":
    main()
