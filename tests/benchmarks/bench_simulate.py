"""How fast the simulation is, as ratios to two plain NumPy programs in the same run: ``python bench_simulate.py``.

Every round times all routes one after the other; the median over the rounds is reported. "cores" is how many processors
the two threads really got: well below 2, something else was running, and the row is not worth reading. All routes
simulate the same thing, which is checked: z is the largest difference of two routes' mean risks, over the learners, in
standard errors. Start-up times are those of fresh processes.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import references

import kt_theory as kt
from kt_theory.problem import Problem, instance
from kt_theory.simulation.means import sample_risks

LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful")
#: Other sets of learners, which pay for other parts of a repeat.
SETS = {"five learners": (*LEARNERS, "ADD_sgl"), "CE_sgl alone": ("CE_sgl",)}
CELLS = [(100, 25, n) for n in (100, 2500, 10**5, 10**9)] + [(1, 100, n) for n in (100, 2500, 10**5)]

#: Samples up to which the per-sample program is patient enough, and the seconds that a route may take in a round.
PATIENCE, BUDGET = 2500, 0.25

Route = Callable[[int, int], np.ndarray]


def routes(problem: Problem, n: int) -> dict[str, Route]:
    """Name -> (reps, seed) -> risks, shape (reps, 4)."""

    def package(threads: int) -> Route:
        return lambda reps, seed: sample_risks(problem, LEARNERS, n, reps=reps, seed=seed, workers=threads)

    def reference(function: Callable[..., np.ndarray]) -> Route:
        return lambda reps, seed: function(problem.rho, problem.teacher, n, reps, np.random.default_rng(seed))

    found = {"1 thread": package(1), "2 threads": package(2), "vectorised": reference(references.vectorised)}
    if n <= PATIENCE:
        found["per sample"] = reference(references.per_sample)
    return found


def fitting_reps(route: Route) -> int:
    """Repeats that take about `BUDGET` seconds; compiles and warms up on the way."""
    route(2, 0)
    reps, seconds = 2, 0.0
    while True:
        start = time.perf_counter()
        route(reps, 0)
        seconds = time.perf_counter() - start
        if seconds > BUDGET / 4 or reps >= 200_000:
            break
        reps *= 2
    return max(2, min(int(reps * BUDGET / seconds), 200_000))


def measure(problem: Problem, n: int, rounds: int) -> tuple[dict[str, float], float, float]:
    """Median seconds per repeat of each route, processors that two threads got, largest |z| between two means."""
    table = routes(problem, n)
    reps = {name: fitting_reps(route) for name, route in table.items()}
    # The vectorised program holds a dozen arrays of all repeats: with more of them it would only measure the memory.
    reps["vectorised"] = min(reps["vectorised"], max(2, 1_250_000 // (problem.S * problem.A)))
    seconds: dict[str, list[float]] = {name: [] for name in table}
    risks: dict[str, list[np.ndarray]] = {name: [] for name in table}
    cores = []
    for turn in range(rounds):
        for name, route in table.items():
            start, busy = time.perf_counter(), time.process_time()
            values = route(reps[name], 1 + turn)
            elapsed = time.perf_counter() - start
            if name == "2 threads":
                cores.append((time.process_time() - busy) / elapsed)
            seconds[name].append(elapsed / reps[name])
            risks[name].append(values)
    # One and two threads give the same bytes: only one of them is compared.
    samples = [np.concatenate(values) for name, values in risks.items() if name != "1 thread"]
    z = max(largest_z(a, b) for i, a in enumerate(samples) for b in samples[:i])
    return {name: statistics.median(values) for name, values in seconds.items()}, statistics.median(cores), z


def measure_set(problem: Problem, n: int, learners: tuple[str, ...], rounds: int) -> tuple[dict[str, float], float]:
    """Median seconds per repeat of the package and of plain NumPy, for these learners, and the largest |z|."""
    table: dict[str, Route] = {
        "1 thread": lambda reps, seed: sample_risks(problem, learners, n, reps=reps, seed=seed, workers=1),
        "vectorised": lambda reps, seed: references.vectorised(
            problem.rho, problem.teacher, n, reps, np.random.default_rng(seed), learners
        ),
    }
    reps = {name: fitting_reps(route) for name, route in table.items()}
    reps["vectorised"] = min(reps["vectorised"], max(2, 1_250_000 // (problem.S * problem.A)))
    seconds: dict[str, list[float]] = {name: [] for name in table}
    risks: dict[str, list[np.ndarray]] = {name: [] for name in table}
    for turn in range(rounds):
        for name, route in table.items():
            start = time.perf_counter()
            risks[name].append(route(reps[name], 1 + turn))
            seconds[name].append((time.perf_counter() - start) / reps[name])
    z = largest_z(*(np.concatenate(values) for values in risks.values()))
    return {name: statistics.median(values) for name, values in seconds.items()}, z


def largest_z(a: np.ndarray, b: np.ndarray) -> float:
    # One law, one variance: that of both together, since a short sample may miss what is rare and show none.
    error = np.concatenate([a, b]).std(axis=0, ddof=1) * math.sqrt(1 / len(a) + 1 / len(b))
    gap = np.abs(a.mean(axis=0) - b.mean(axis=0))
    # A risk that does not vary must agree up to the rounding of 1 - sum.
    varies = error > 1e-15
    assert (gap[~varies] < 1e-13).all()
    return float(np.max(gap[varies] / error[varies], initial=0.0))


def half(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Counts raised by a half: a learner that is only a formula."""
    return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)


def loops(learner: kt.Learner, problem: Problem, n: int) -> dict[str, Route]:
    """A learner with `fit` alone: on stacked rows, and one repeat after the other."""

    def stacked(reps: int, seed: int) -> np.ndarray:
        return kt.sample_risks(problem, learner, n, reps, seed, workers=1)

    def public(reps: int, seed: int) -> np.ndarray:
        found = (kt.fit(kt.draw(problem, "hard", n, seed=seed * 10**6 + r), learner) for r in range(reps))
        return np.array([kt.tv_risk(student, problem) for student in found])

    def bare(reps: int, seed: int) -> np.ndarray:
        rng, law = np.random.default_rng(seed), (problem.rho[:, None] * problem.teacher).ravel()
        draws = (rng.multinomial(n, law / law.sum()).reshape(problem.teacher.shape) for _ in range(reps))
        off = (0.5 * np.abs(half(counts, counts, counts) - problem.teacher).sum(axis=1) for counts in draws)
        return np.array([problem.rho @ rows for rows in off])

    return {"stacked": stacked, "public functions": public, "bare NumPy": bare}


def fresh_process(*words: str, **environment: str) -> float:
    """Median seconds of three runs of a new interpreter."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True, env=os.environ | environment)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


#: Prints the seconds of the first call, compilation included, imports not.
FIRST_CALL = """
import time
from kt_theory.problem import instance
from kt_theory.simulation.means import sample_risks
problem, start = instance(0, 4, 3), time.perf_counter()
sample_risks(problem, ["CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful"], 10, reps=10)
print(time.perf_counter() - start)
"""


def first_call(cache: str) -> float:
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALL], check=True, capture_output=True, text=True, env=environment
    )
    return float(done.stdout)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds of which the median is taken")
    rounds = parser.parse_args().rounds

    print(f"numpy {np.__version__}, {os.cpu_count()} processors, median of {rounds} rounds; microseconds per repeat")
    head = (
        "S",
        "A",
        "n",
        "1 thread",
        "2 threads",
        "vectorised",
        "per sample",
        "x vector.",
        "x sample",
        "cores",
        "max |z|",
    )
    print("".join(f"{word:>11}" for word in head))
    for S, A, n in CELLS:
        seconds, cores, z = measure(instance(0, S, A), n, rounds)
        cells = [f"{S}", f"{A}", f"{n:g}"]
        for name in ("1 thread", "2 threads", "vectorised", "per sample"):
            cells.append(f"{1e6 * seconds[name]:.2f}" if name in seconds else "-")
        for name in ("vectorised", "per sample"):
            cells.append(f"{seconds[name] / seconds['2 threads']:.1f}" if name in seconds else "-")
        print("".join(f"{word:>11}" for word in [*cells, f"{cores:.2f}", f"{z:.2f}"]), flush=True)

    print("\nother sets of learners, microseconds per repeat of one thread, and of plain NumPy (vectorised)")
    for words, learners in SETS.items():
        for S, A, n in ((100, 25, 100), (100, 25, 2500), (1, 100, 10**5)):
            seconds, z = measure_set(instance(0, S, A), n, learners, rounds)
            ours, plain = seconds["1 thread"], seconds["vectorised"]
            size = f"S={S}, A={A}, n={n:g}"
            print(
                f"  {words}, {size}: {1e6 * ours:.2f}, {1e6 * plain:.2f} (x {plain / ours:.1f}), |z| {z:.2f}",
                flush=True,
            )

    print("\na learner with fit alone, microseconds per repeat: stacked, and a loop over repeats")
    for S, A, n in ((100, 25, 2500), (10, 10, 100), (1, 10, 50)):
        table = loops(kt.Learner("half", "hard", half), instance(0, S, A), n)
        taken = {name: BUDGET / fitting_reps(route) for name, route in table.items()}
        cells = (f"{name} {1e6 * value:.1f} (x {value / taken['stacked']:.1f})" for name, value in taken.items())
        print(f"  S={S}, A={A}, n={n}: {', '.join(cells)}", flush=True)

    bare = fresh_process("-c", "pass")
    print(f"\nseconds of a fresh process, beyond a bare interpreter's {bare:.3f}")
    print(f"  import kt_theory          {fresh_process('-c', 'import kt_theory') - bare:.3f}")
    print(f"  import kt_theory.simulation.means {fresh_process('-c', 'import kt_theory.simulation.means') - bare:.3f}")
    if importlib.util.find_spec("kt_theory.cli") and importlib.util.find_spec("kt_theory.__main__"):
        print(f"  kt-theory --help          {fresh_process('-m', 'kt_theory', '--help') - bare:.3f}")
    with tempfile.TemporaryDirectory() as cache:
        print(f"seconds of the first call: cold cache {first_call(cache):.2f}, warm cache {first_call(cache):.3f}")


if __name__ == "__main__":
    main()
