"""Studies on a Dask cluster: the same bytes as from threads, whoever is killed, and plain words when nobody answers."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor
from functools import partial

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.study import cluster
from kt_theory.study.cluster import cluster_executor

dask = pytest.importorskip("dask", reason="the extra `cluster` is not installed")
distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

#: One process, one cluster.
pytestmark = pytest.mark.xdist_group("cluster")

DESIGN = """
from functools import partial

import kt_theory as kt

table = kt.Problem([0.5, 0.5], [[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]], name="table")
panels = [
    kt.study.Panel("moving", partial(kt.instance, 1, 10, 8), list(range(500, 500 + 100 * {cells}, 100))),
    kt.study.Panel("table", table, [10, 100, 1000]),
]
design = kt.study.Design("far away", panels, reps=15_000, seed=7)
"""

#: A coordinator that may be killed: the design into the folder, on the cluster at an address.
COORDINATE = """
import sys
import kt_theory as kt
import kt_theory.study
from kt_theory.study.cluster import cluster_executor

design = kt.study.read_design(sys.argv[1])
with cluster_executor(sys.argv[3]) as executor:
    print("ready", flush=True)
    print(kt.study.run_in_folder(design, sys.argv[2], executor=executor).tally.drawn, flush=True)
"""


def local_cluster(n_workers):
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs="CRITICAL"
    )


@pytest.fixture(scope="module")
def workers():
    """Two worker processes, which come back when they are killed."""
    with local_cluster(2) as found:
        yield found


def design_of(cells, home):
    path = home / "design.py"
    path.write_text(DESIGN.format(cells=cells))
    return path, kt.study.read_design(path)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finished(folder):
    stats = {path: path.stat() for path in folder.glob("batches/*/[!.]*.json")}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}


def test_same_bytes_as_from_threads(workers, tmp_path, capfd):
    # Oracle: identity, the folder that threads write
    _, design = design_of(12, tmp_path)
    kt.study.run_in_folder(design, tmp_path / "threads")
    with warnings.catch_warnings(action="error"), cluster_executor(workers.scheduler_address) as executor:
        assert executor._max_workers == 2
        done = kt.study.run_in_folder(design, tmp_path / "cluster", executor=executor)
    assert done.tally.drawn == len(finished(tmp_path / "threads"))
    assert contents(tmp_path / "cluster") == contents(tmp_path / "threads")
    assert capfd.readouterr() == ("", "")


def test_a_learner_of_ones_own_is_drawn_on_the_cluster(workers, tmp_path):
    # Oracle: identity, the folder that threads write; enumeration, the exact law of the learner, |z| <= 4
    def fit(counts, revealed, init):
        return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)

    problem = kt.Problem([0.5, 0.3, 0.2], [[0.7, 0.2, 0.1], [0.2, 0.4, 0.4], [1.0, 0.0, 0.0]])
    half = kt.Learner("half", "hard", fit)
    design = kt.study.Design("own", [kt.study.Panel("p", problem, [1, 6], [half, "SEL@top_k:1"])], reps=4000, seed=3)
    kt.study.run_in_folder(design, tmp_path / "threads")
    with cluster_executor(workers.scheduler_address) as executor:
        done = kt.study.run_in_folder(design, tmp_path / "cluster", executor=executor)
    assert not done.tally.failed
    assert contents(tmp_path / "cluster") == contents(tmp_path / "threads")
    for row in done.receipts.itertuples():
        truth = kt.risk_law(problem, half if row.learner == "half" else row.learner, row.n).mean()
        assert abs(row.mean - truth) <= 4 * row.mcse


def test_a_large_problem_is_sent_once_to_each_worker(workers, tmp_path, monkeypatch):
    # Oracle: identity, the folder that threads write; enumeration of what was sent
    rng = np.random.default_rng(1)
    rows, columns = np.repeat(np.arange(40), 3), np.tile([0, 5, 9], 40) + np.repeat(np.arange(40), 3) % 7
    sparse = kt.Problem.from_cells(np.full(40, 1 / 40), rows, columns, rng.dirichlet(np.ones(3), 40).ravel(), A=500)
    dense = kt.dirichlet_problem(6, 9, seed=2)
    grid = [*range(60, 70), 6000]
    panels = [kt.study.Panel(name, table, grid) for name, table in (("sparse", sparse), ("dense", dense))]
    design = kt.study.Design("large", panels, reps=300, seed=3)
    kt.study.run_in_folder(design, tmp_path / "threads")
    monkeypatch.setattr(cluster, "LARGE", 0)
    cluster._KEYS.clear()
    with cluster_executor(workers.scheduler_address) as executor:
        run, sent = executor._client.run, []

        def counted(function, *arguments, **named):
            if function is cluster._keep:
                sent.append((arguments[0], *named["workers"]))
            return run(function, *arguments, **named)

        monkeypatch.setattr(executor._client, "run", counted)
        done = kt.study.run_in_folder(design, tmp_path / "cluster", executor=executor)
    cluster._KEYS.clear()
    assert done.tally.drawn == 22
    assert 2 <= len(sent) == len(set(sent)) <= 4
    assert {key.split()[1] for key, _ in sent} == {"sparse", "dense"}
    assert contents(tmp_path / "cluster") == contents(tmp_path / "threads")


def test_a_task_takes_its_problem_along_where_that_was_driven_out(workers, monkeypatch):
    # Oracle: identity, the call made here
    problem = kt.dirichlet_problem(6, 9, seed=4)
    monkeypatch.setattr(cluster, "LARGE", 0)
    with cluster_executor(workers.scheduler_address) as executor:
        monkeypatch.setattr(executor, "_provide", lambda lack, call: None)
        assert executor.submit(kt.expected_risk, problem, "CE_sgl", 5).result(timeout=60) == kt.expected_risk(
            problem, "CE_sgl", 5
        )
        assert not any(executor._client.run(cluster._has, cluster._key_of(problem)).values())


@pytest.mark.parametrize("kills", [1, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_workers(kills, workers, tmp_path):
    # Oracle: identity, the folder that threads write
    _, design = design_of(20 * kills, tmp_path)
    kt.study.run_in_folder(design, tmp_path / "threads")
    moments, killed, over = random.Random(2), [], threading.Event()

    def hunt():
        idle = 0
        while not over.wait(moments.uniform(0.1, 0.8)):
            nannies = list(workers.workers.values())
            alive = [nanny.pid for nanny in nannies if nanny.process and nanny.process.status.name == "running"]
            idle = 0 if alive else idle + 1
            if alive and len(killed) < kills:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim := moments.choice(alive), signal.SIGKILL)
                    killed.append(victim)
            elif idle > 10:
                # A nanny gives up for good on a worker that is killed while it starts: somebody brings another one.
                workers.scale(len(workers.worker_spec) + 1)
                idle = 0

    hunter = threading.Thread(target=hunt)
    with cluster_executor(workers.scheduler_address) as executor:
        hunter.start()
        done = kt.study.run_in_folder(design, tmp_path / "cluster", executor=executor)
        over.set()
        hunter.join()
    print(f"{len(killed)} workers killed during {done.tally.drawn} batches")
    assert len(killed) >= min(kills, 2)
    assert not done.missing
    assert not done.tally.failed
    assert done.tally.drawn == len(finished(tmp_path / "threads"))
    assert contents(tmp_path / "cluster") == contents(tmp_path / "threads")


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 20])
def test_killed_coordinators(kills, workers, tmp_path):
    # Oracle: identity, the folder that threads write
    path, design = design_of(20 * kills, tmp_path)
    batches = kt.study.run_in_folder(design, tmp_path / "threads").tally.drawn
    words = [sys.executable, "-c", COORDINATE, path, tmp_path / "cluster", workers.scheduler_address]
    moments, known, in_the_middle = random.Random(3), {}, 0
    for kill in range(kills + 1):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        if kill < kills:
            while process.poll() is None and len(finished(tmp_path / "cluster")) == len(known):
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        said = process.communicate(timeout=300)[0]
        now = finished(tmp_path / "cluster")
        assert known.items() <= now.items()
        if kill < kills:
            in_the_middle += len(known) < len(now) < batches
            known = now
    assert in_the_middle > 0 or kills == 1  # a single kill may come too late on a busy machine
    print(f"{kills} kills, {in_the_middle} of them with some of {batches} batches newly finished, {len(known)} at last")
    assert int(said) == batches - len(known)
    assert contents(tmp_path / "cluster") == contents(tmp_path / "threads")


@pytest.mark.slow
def test_what_the_scheduler_gives_up_is_submitted_again(tmp_path):
    # Oracle: identity, the folder that threads write
    _, design = design_of(20, tmp_path)
    kt.study.run_in_folder(design, tmp_path / "threads")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster(1) as cluster_of_its_own,
        cluster_executor(cluster_of_its_own.scheduler_address) as executor,
    ):
        victim = next(iter(cluster_of_its_own.workers.values())).pid
        killer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
        killer.start()
        done = kt.study.run_in_folder(design, tmp_path / "cluster", executor=executor)
        killer.join()
    assert not done.tally.failed
    assert contents(tmp_path / "cluster") == contents(tmp_path / "threads")


@pytest.mark.slow
def test_a_scheduler_that_goes_away_stops_the_study(tmp_path):
    _, design = design_of(20, tmp_path)
    short_lived = local_cluster(1)

    def close_once_something_is_stored():
        while not finished(tmp_path / "study"):
            time.sleep(0.005)
        short_lived.close()

    with cluster_executor(short_lived.scheduler_address) as executor:
        closer = threading.Thread(target=close_once_something_is_stored)
        closer.start()
        with pytest.raises(BrokenExecutor, match="is gone; the same command goes on"):
            kt.study.run_in_folder(design, tmp_path / "study", executor=executor)
        closer.join()
        with pytest.raises(BrokenExecutor, match="is gone"):
            executor.submit(max, 1, 2)
    found = kt.study.status(tmp_path / "study")
    assert 0 < found.batches < found.wanted
    assert not found.failures
    assert kt.study.check(tmp_path / "study").wanted == found.wanted
    assert kt.study.status(tmp_path / "study").done


def test_what_a_batch_raises_is_a_failure_and_not_a_loss(workers, tmp_path):
    with cluster_executor(workers.scheduler_address) as executor:
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result(timeout=30)
        assert executor.submit(partial(max, 2), 3).result(timeout=30) == 3


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "127.0.0.1:8786", "http://127.0.0.1:1", "tcp://a:b", ""])
def test_an_address_that_is_none(address):
    with pytest.raises(ValueError, match="is no address of a scheduler"), cluster_executor(address):
        pass


def test_nobody_answers(capfd, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        words = rf"no scheduler answers at {address} within 0.3 seconds"
        with pytest.raises(ValueError, match=words), cluster_executor(address):
            pass
    begun = time.monotonic()
    words = rf"no scheduler answers at {address}: Connection refused"
    with pytest.raises(ValueError, match=words), cluster_executor(address):
        pass
    assert time.monotonic() - begun < 5
    assert capfd.readouterr() == ("", "")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install '\.\[cluster\]'"), cluster_executor("tcp://a:1"):
        pass


def test_other_versions_are_told(workers, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "0.0.1")
    words = r"other versions than kt_theory 0\.0\.1 .*: 2 with kt_theory"
    with pytest.warns(UserWarning, match=words), cluster_executor(workers.scheduler_address):
        pass


def test_a_worker_that_cannot_run_it_is_refused():
    class Client:
        def run(self, *_, **__):
            return {"tcp://10.0.0.1:4000": ModuleNotFoundError("No module named 'kt_theory'")}

    with pytest.raises(ValueError, match=r"worker at tcp://10\.0\.0\.1:4000 cannot run kt_theory"):
        cluster._compare_versions(Client())
