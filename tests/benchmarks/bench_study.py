"""What studies cost beyond drawing, as ratios measured in one run: ``python bench_study.py``.

The study is figure 2 at full size: the panels of simulations/figure2_rates.py. Every round times all routes one after
the other, and the median of the ratios within a round is reported, since another load would slow both. "cores" is how
many processors a route really got: well below its number of threads, something else was running, and the row is not
worth reading. Peak memory is that of fresh processes.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from kt_theory.simulation.cells import RUN
from kt_theory.simulation.moments import merged
from kt_theory.study import Design
from kt_theory.study.engine import Memory, run_design
from kt_theory.study.store import Store

ROOT = Path(__file__).parents[2]


def figure2(reps: int) -> Design:
    """The study of figure 2."""
    spec = importlib.util.spec_from_file_location("figure2_rates", ROOT / "simulations" / "figure2_rates.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return Design("figure 2", script.panels(), reps=reps, seed=20231011)


def bare(design: Design) -> None:
    """A loop over the batches, and nothing else: what a study costs at least in one thread."""
    for planned in design.planned():
        cell = planned.cell
        merged(cell.batch(planned.learners, design.seed, RUN, index, size) for index, size in cell.batches(design.reps))


def in_memory(design: Design, pool: Executor) -> None:
    run_design(design, Memory(), pool)


def in_folder(design: Design, pool: Executor) -> None:
    with tempfile.TemporaryDirectory() as home, Store(Path(home) / "study") as store:
        run_design(design, store, pool)


Route = Callable[[Design], None]


def routes(stack: ExitStack, cluster: bool) -> Iterator[tuple[str, Route]]:
    """Name -> a way to run the study, all executors open until the end."""
    pools: dict[str, Executor] = {
        f"{threads} thread{'s' * (threads > 1)}": stack.enter_context(ThreadPoolExecutor(threads)) for threads in (1, 2)
    }
    if cluster:
        from distributed import LocalCluster

        from kt_theory.study.cluster import cluster_executor

        for workers in (1, 2):
            local = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    silence_logs="CRITICAL",
                )
            )
            name = f"Dask, {workers} worker{'s' * (workers > 1)}"
            pools[name] = stack.enter_context(cluster_executor(local.scheduler_address))
    yield "bare loop", bare
    for name, pool in pools.items():
        yield f"memory, {name}", lambda design, pool=pool: in_memory(design, pool)  # type: ignore[misc]
        yield f"folder, {name}", lambda design, pool=pool: in_folder(design, pool)  # type: ignore[misc]


#: What is compared with what: (what it tells, numerator, denominator, target).
RATIOS = (
    ("engine over bare loop, 1 thread", "memory, 1 thread", "bare loop", "< 1.05"),
    ("engine and store over bare loop, 1 thread", "folder, 1 thread", "bare loop", "< 1.05"),
    ("store over memory, 1 thread", "folder, 1 thread", "memory, 1 thread", "< 1.05"),
    ("store over memory, 2 threads", "folder, 2 threads", "memory, 2 threads", "< 1.05"),
    ("speed of 2 threads against 1, with store", "folder, 1 thread", "folder, 2 threads", ">= 1.8"),
    ("speed of 2 Dask workers against 1, with store", "folder, Dask, 1 worker", "folder, Dask, 2 workers", ">= 1.8"),
    ("1 Dask worker over 1 thread, with store", "folder, Dask, 1 worker", "folder, 1 thread", ""),
    ("2 Dask workers over 2 threads, with store", "folder, Dask, 2 workers", "folder, 2 threads", ""),
)


def measure(reps: int, rounds: int, cluster: bool) -> None:
    """Print the seconds of each route, and their ratios."""
    design, short = figure2(reps), figure2(200)
    seconds: dict[str, list[float]] = {}
    cores: dict[str, list[float]] = {}
    with ExitStack() as stack:
        table = dict(routes(stack, cluster))
        for route in table.values():
            route(short)  # compiles and warms up
        for _ in range(rounds):
            for name, route in table.items():
                begun, busy = time.perf_counter(), time.process_time()
                route(design)
                elapsed = time.perf_counter() - begun
                seconds.setdefault(name, []).append(elapsed)
                cores.setdefault(name, []).append((time.process_time() - busy) / elapsed)
    batches = sum(len(planned.cell.batches(reps)) for planned in design.planned())
    print(f"figure 2, {reps} repeats a cell, {batches} batches; {os.cpu_count()} processors, {rounds} rounds")
    print(f"{'':32}{'seconds':>9}{'cores':>8}")
    for name, times in seconds.items():
        got = "" if "Dask" in name else f"{statistics.median(cores[name]):8.2f}"
        print(f"{name:32}{statistics.median(times):9.2f}{got}")
    print()
    for told, above, below, target in RATIOS:
        if above in seconds and below in seconds:
            ratios = [a / b for a, b in zip(seconds[above], seconds[below], strict=True)]
            spread = f"({min(ratios):.3f} to {max(ratios):.3f})"
            print(f"{told:48}{statistics.median(ratios):7.3f} {spread:18} {target}")


#: Prints the peak memory of a process that runs one cell, in MB.
PEAK = """
import resource, sys
import kt_theory as kt
import kt_theory.study
panel = kt.study.Panel("cell", kt.instance(0, S=100, A=25), [2500])
design = kt.study.Design("one cell", [panel], reps=int(sys.argv[1]))
kt.study.run_in_folder(design, sys.argv[2], workers=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(reps: int) -> float:
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, "-c", PEAK, str(reps), f"{home}/study"]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median is taken")
    parser.add_argument("--reps", type=int, default=64_000, help="repeats of a cell")
    options = parser.parse_args()
    measure(options.reps, options.rounds, importlib.util.find_spec("distributed") is not None)
    print("\npeak memory of one cell (S=100, A=25, n=2500) in a folder, 2 threads")
    for reps in (10**3, 10**6):
        print(f"  {reps:>9,} repeats {peak(reps):8.0f} MB")


if __name__ == "__main__":
    # Workers are new processes that import this file: nothing runs there.
    main()
