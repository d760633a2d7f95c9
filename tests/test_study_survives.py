"""Studies in a folder survive: killed processes, full disks, damaged files, company, and changes of mind.

A run that nothing happened to is made once; whatever happens to another one, its folder must end up the same, file by
file and byte by byte, and nothing that was finished may have been drawn twice.

Each way to be killed, damaged or filled up is tried a few times on every change; behind the marker `slow` it is tried
at all the places and some ten times as often.
"""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.simulation.cells import Cell
from kt_theory.study.names import Batch
from kt_theory.study.records import Damaged
from kt_theory.study.store import Store, StudyFiles

#: One process, whose undisturbed run all tests compare with.
pytestmark = pytest.mark.xdist_group("survivor")

#: A design with instances, a table of its own, and pilots: some dozens of batches of some milliseconds each.
DESIGN = """
from functools import partial

import kt_theory as kt
from kt_theory.simulation.cells import Cell

table = kt.Problem([0.5, 0.25, 0.25], [[0.5, 0.5, 0.0], [0.1, 0.2, 0.7], [0.0, 1.0, 0.0]], name="table")
panels = [
    kt.study.Panel("moving", partial(kt.instance, 1, 10, 8), [500, 1000, 2000, 4000, 8000, 16000]),
    kt.study.Panel("table", table, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120], ["CE_sgl", "SEL_ptl"]),
]
design = kt.study.Design("survivor", panels, reps=1500, seed=5, target_mcse=6e-4, max_reps=500_000)
"""

#: What the subprocesses run: the design into the folder, then its receipts; prints what it drew itself.
RUN = """
import sys
import kt_theory as kt
from kt_theory.simulation.cells import Cell
import kt_theory.study

design = kt.study.read_design(sys.argv[1])
print("ready", flush=True)
done = kt.study.run_in_folder(design, sys.argv[2], workers=2)
kt.study.write_receipts(done.receipts, sys.argv[3])
print(done.tally.drawn, done.tally.stored, flush=True)
"""


@pytest.fixture(scope="module")
def design_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("design") / "design.py"
    path.write_text(DESIGN)
    return path


@pytest.fixture(scope="module")
def design(design_file):
    return kt.study.read_design(design_file)


@pytest.fixture(scope="module")
def drawn(design, tmp_path_factory):
    """The folder of a run that nothing happened to, and what the run returned; nobody writes there again."""
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    return folder, kt.study.run_in_folder(design, folder)


@pytest.fixture(scope="module")
def undisturbed(drawn):
    """The files, the receipts and the number of batches of a run that nothing happened to."""
    folder, done = drawn
    receipts = kt.study.write_receipts(done.receipts, folder.with_name("receipts.csv"))
    assert not done.missing
    assert not done.capped
    return contents(folder), receipts.read_bytes(), done.tally.drawn


@pytest.fixture
def copied(drawn, tmp_path):
    """A finished folder to be spoilt."""
    return Path(shutil.copytree(drawn[0], tmp_path / "study"))


def contents(folder):
    """Every file of a folder but those set aside, hidden ones included."""
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return {
        name: path.read_bytes()
        for path in paths
        if not (name := path.relative_to(folder).as_posix()).startswith("damaged/")
    }


def finished(folder):
    """Which batches are there, and since when: a batch that is drawn again is another file."""
    stats = {path: path.stat() for path in Path(folder).glob("batches/*/[!.]*.json")}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}


def start(design_file, home, before=""):
    """A process at work on `home`/study, past its imports and what it is to run `before`."""
    words = [sys.executable, "-c", before + RUN, str(design_file), str(home / "study"), str(home / "receipts.csv")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def drawn_by(process):
    """Wait for the end of a process; the batches that it drew."""
    words = process.communicate(timeout=300)[0].split()
    assert process.returncode == 0
    return int(words[0])


# --- Killed processes ---------------------------------------------------------------------------------------


def wide(home):
    """The file of the same design with 160 cells more, which last for more kills."""
    path = home / "wide.py"
    path.write_text(DESIGN.replace("[500, 1000, 2000, 4000, 8000, 16000]", "list(range(500, 16500, 100))"))
    return path


@pytest.mark.parametrize("kills", [1, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed(kills, design_file, undisturbed, tmp_path):
    # Oracle: identity, the folder and the receipts of an uninterrupted run
    file, (tree, receipts, batches) = design_file, undisturbed
    if kills > 4:
        file = wide(tmp_path)
        (tmp_path / "whole").mkdir()
        batches = drawn_by(start(file, tmp_path / "whole"))
        tree, receipts = contents(tmp_path / "whole" / "study"), (tmp_path / "whole" / "receipts.csv").read_bytes()
    moments, known, in_the_middle = random.Random(1), {}, 0
    for kill in range(kills):
        process = start(file, tmp_path)
        # Every other one while it still looks around, the others while it draws.
        while kill % 2 and process.poll() is None and len(finished(tmp_path / "study")) == len(known):
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        now = finished(tmp_path / "study")
        assert known.items() <= now.items()
        in_the_middle += len(known) < len(now) < batches
        known = now
    assert in_the_middle >= kills // 2 - 1  # one may come too late on a busy machine
    assert drawn_by(start(file, tmp_path)) == batches - len(known)
    assert known.items() <= finished(tmp_path / "study").items()
    assert contents(tmp_path / "study") == tree
    assert (tmp_path / "receipts.csv").read_bytes() == receipts
    print(f"{kills} kills, {in_the_middle} of them with some of {batches} batches newly finished, {len(known)} at last")


#: Makes a process kill itself at its 9th call of a function of `os`, instead of the call or right after it.
SUICIDE = """
import os, signal
calls, function = [], os.{name}
def deadly(*arguments):
    calls.append(arguments)
    if len(calls) < 9:
        return function(*arguments)
    if {after}:
        function(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
os.{name} = deadly
"""


@pytest.mark.parametrize(
    ("name", "after", "left"),
    [
        ("replace", False, 1),
        *(pytest.param(*of, marks=pytest.mark.slow) for of in (("fsync", False, 1), ("replace", True, 0))),
    ],
)
def test_killed_at_the_worst_moments(name, after, left, design_file, undisturbed, tmp_path):
    # Oracle: identity, the folder of an undisturbed run
    process = start(design_file, tmp_path, SUICIDE.format(name=name, after=after))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert sum("/." in file for file in contents(tmp_path / "study")) == left
    known = finished(tmp_path / "study")
    assert 0 < len(known) < 9
    assert drawn_by(start(design_file, tmp_path)) == undisturbed[2] - len(known)
    assert known.items() <= finished(tmp_path / "study").items()
    assert contents(tmp_path / "study") == undisturbed[0]


def test_two_processes_in_one_folder_share_the_work(design_file, undisturbed, tmp_path):
    tree, receipts, batches = undisturbed
    both = [start(design_file, tmp_path) for _ in range(2)]
    drawn = [drawn_by(process) for process in both]
    assert batches <= sum(drawn) <= batches + 2
    assert contents(tmp_path / "study") == tree
    assert (tmp_path / "receipts.csv").read_bytes() == receipts


@pytest.mark.slow
def test_one_of_two_processes_is_killed_and_the_other_finishes(design_file, undisturbed, tmp_path):
    tree, receipts, batches = undisturbed
    victim, other = start(design_file, tmp_path), start(design_file, tmp_path)
    time.sleep(0.1)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert drawn_by(other) <= batches
    # What the victim was writing may lie about until somebody comes alone, and is never taken for a batch.
    written = {name: data for name, data in contents(tmp_path / "study").items() if "/." not in name}
    assert written == tree
    assert drawn_by(start(design_file, tmp_path)) == 0
    assert contents(tmp_path / "study") == tree
    assert (tmp_path / "receipts.csv").read_bytes() == receipts


@pytest.mark.slow
def test_two_processes_find_the_same_damage(design_file, undisturbed, copied):
    for path in finished(copied):
        path.write_bytes(b"{}")
    both = [start(design_file, copied.parent) for _ in range(2)]
    for process in both:
        drawn_by(process)
    kt.study.run_in_folder(kt.study.read_design(design_file), copied)
    assert contents(copied) == undisturbed[0]
    with Store(copied) as one, Store(copied) as two:
        path = next(iter(finished(copied)))
        assert one.set_aside(path).is_file()
        two.set_aside(path)


# --- Full disks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 1, 7, 32, *(pytest.param(room, marks=pytest.mark.slow) for room in (2, 3, 20))])
def test_a_write_that_fails_stops_the_study_and_spoils_nothing(room, design, undisturbed, tmp_path, monkeypatch):
    tree, _, batches = undisturbed
    written, write = [], Path.write_bytes

    def full(path, data):
        if len(written) >= room:
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ValueError, match=r"study/.* cannot be written: No space left on device"):
        kt.study.run_in_folder(design, tmp_path / "study")
    monkeypatch.undo()
    kept = contents(tmp_path / "study")
    assert kept.items() <= tree.items()
    before = finished(tmp_path / "study")
    assert len(before) == max(room - 1, 0)
    if room:
        assert not kt.study.check(tmp_path / "study", repair=False).damaged
    assert kt.study.run_in_folder(design, tmp_path / "study").tally.drawn == batches - len(before)
    assert before.items() <= finished(tmp_path / "study").items()
    assert contents(tmp_path / "study") == tree


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_disk_that_fills_up(design, undisturbed, tmp_path):
    tree, _, batches = undisturbed
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system takes the rights of root")
    try:
        with pytest.raises(ValueError, match=r"cannot be written: No space left on device"):
            kt.study.run_in_folder(design, disk / "study")
        before = finished(disk / "study")
        found = kt.study.check(disk / "study", repair=False)
        assert 0 < len(before) == found.batches < batches
        assert not found.damaged
        assert not [name for name in contents(disk / "study") if "/." in name]
        with pytest.raises(ValueError, match=r"cannot be written: No space left on device"):
            kt.study.run_in_folder(design, disk / "study")
        assert finished(disk / "study") == before
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        assert kt.study.run_in_folder(design, disk / "study").tally.drawn == batches - len(before)
        assert before.items() <= finished(disk / "study").items()
        assert contents(disk / "study") == tree
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


# --- Damaged files ------------------------------------------------------------------------------------------


def spoil(path, how, dice):
    """Damage a file."""
    data = bytearray(path.read_bytes())
    if how == "flip":
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
    elif how == "truncate":
        path.write_bytes(data[: dice.randrange(len(data))])
    else:
        path.unlink()


@pytest.mark.parametrize("number", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_every_corruption_is_found_and_none_is_read(number, undisturbed, copied):
    # Oracle: identity, the folder of an undisturbed run
    tree, dice = undisturbed[0], random.Random(number)
    for turn in range(number):
        path = dice.choice(sorted(finished(copied)))
        how = ("flip", "truncate", "delete")[turn % 3]
        spoil(path, how, dice)
        found = kt.study.check(copied, repair=False)
        assert found.missing
        assert not found.done
        if how == "delete":
            assert not found.damaged
            assert kt.study.export(copied).missing
        else:
            assert [str(path) in sentence for sentence in found.damaged] == [True]
            with pytest.raises(Damaged, match=path.name):
                kt.study.export(copied)
        assert kt.study.check(copied) == found
        assert kt.study.check(copied, repair=False).done
        assert contents(copied) == tree


def test_many_corruptions_at_once(undisturbed, copied):
    # Oracle: identity, the folder of an undisturbed run
    dice = random.Random(3)
    spoilt = dice.sample(sorted(finished(copied)), 24)
    for turn, path in enumerate(spoilt):
        spoil(path, ("flip", "truncate", "delete")[turn % 3], dice)
    before = finished(copied)
    found = kt.study.check(copied)
    assert len(found.damaged) == 16
    assert contents(copied) == undisturbed[0]
    untouched = {path: stamp for path, stamp in before.items() if path not in spoilt}
    assert untouched.items() <= finished(copied).items()
    assert len([path for path in (copied / "damaged").rglob("*") if path.is_file()]) == 16


def test_a_flip_anywhere_in_a_batch_is_seen(copied):
    path = next(iter(finished(copied)))
    data = path.read_bytes()
    with Store(copied) as store:
        batch = Batch.named(f"{path.parent.name}/{path.name}")
        store.load(batch)
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            with pytest.raises(Damaged, match=path.name):
                store.load(batch)


@pytest.mark.parametrize("apart", [211, pytest.param(41, marks=pytest.mark.slow)])
def test_a_damaged_manifest_is_seen_and_written_again(apart, design, undisturbed, copied):
    path = copied / "manifest.json"
    data = path.read_bytes()
    for place in range(0, len(data), apart):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x04]) + data[place + 1 :])
        for look in (kt.study.status, kt.study.check, kt.study.export):
            with pytest.raises(Damaged, match=r"manifest\.json is damaged"):
                look(copied)
    assert kt.study.run_in_folder(design, copied).tally.drawn == 0
    assert contents(copied) == undisturbed[0]


def test_a_damaged_problem_is_seen_and_written_again(design, undisturbed, copied):
    # Oracle: identity, the tables that were kept
    (path,) = (copied / "problems").glob("*.npz")
    data = path.read_bytes()
    table = next(panel.problem for panel in design.panels if panel.name == "table")
    with Store(copied) as store:
        seen = 0
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            try:
                problem = store.problem(table.identity, "table")
            except Damaged as error:
                assert path.name in str(error)  # noqa: PT017  (most flips raise, those in dates and the like do not)
                seen += 1
            else:
                assert (problem.teacher == table.teacher).all()
                assert (problem.rho == table.rho).all()
    assert seen > len(data) // 2
    for spoilt in (data[:-30], b"", None):
        path.unlink()
        if spoilt is not None:
            path.write_bytes(spoilt)
        for look in (kt.study.check, kt.study.export):
            with pytest.raises(Damaged, match=path.name):
                look(copied)
        assert kt.study.run_in_folder(design, copied).tally.drawn == 0
        assert contents(copied) == undisturbed[0]


# --- Executors, and changes of mind -------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 5])
def test_same_bytes_at_any_number_of_threads(workers, design, undisturbed, tmp_path):
    with ThreadPoolExecutor(workers) as pool:
        done = kt.study.run_in_folder(design, tmp_path / "study", executor=pool)
    assert done.tally.drawn == undisturbed[2]
    assert contents(tmp_path / "study") == undisturbed[0]


# Of a small study, test_cli_study asks the same.
@pytest.mark.slow
def test_same_bytes_from_processes(design, undisturbed, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        kt.study.run_in_folder(design, tmp_path / "study", executor=pool)
    assert contents(tmp_path / "study") == undisturbed[0]


def test_the_order_of_cells_changes_no_number(design, undisturbed, tmp_path):
    panels = [replace(panel, n=list(panel.n)[::-1]) for panel in design.panels][::-1]
    kt.study.run_in_folder(replace(design, panels=panels), tmp_path / "study")
    kept = contents(tmp_path / "study")
    assert {name: data for name, data in kept.items() if name != "manifest.json"} == {
        name: data for name, data in undisturbed[0].items() if name != "manifest.json"
    }


def test_more_cells_learners_and_repeats_draw_only_what_is_new(tmp_path):
    # Oracle: identity, the receipts and files of the smaller study
    fixed = kt.instance(0, S=3, A=4)
    size = Cell(fixed, 50).batch_size
    small = kt.study.Design("grows", [kt.study.Panel("fixed", fixed, [50], ["CE_sgl"])], reps=size, seed=2)
    first = kt.study.run_in_folder(small, tmp_path)
    assert first.tally.drawn == 1
    learners = replace(small, panels=[replace(small.panels[0], learners=["CE_ful", "CE_sgl"])])
    more = kt.study.run_in_folder(learners, tmp_path)
    assert more.tally.drawn == 1  # CE_ful alone: the numbers of CE_sgl stay
    (batch,) = StudyFiles(tmp_path).batches()
    drawn = StudyFiles(tmp_path).load(batch)
    assert [key[0] for key in drawn.keys] == ["CE_sgl", "CE_ful"]
    assert more.receipts.loc[1, "mean"] == first.receipts.loc[0, "mean"]
    known = finished(tmp_path)

    longer = replace(learners, reps=3 * size + 7)
    assert kt.study.run_in_folder(longer, tmp_path).tally.drawn == 3
    assert known.items() <= finished(tmp_path).items()

    extra = kt.study.Panel("moving", lambda n: kt.instance(1, 2, 4, n), [40, 50], ["SEL_ptl"])
    wider = replace(small, panels=[extra, replace(small.panels[0], n=[50, 60])])
    last = kt.study.run_in_folder(wider, tmp_path)
    assert last.tally.drawn == 3
    assert known.items() <= finished(tmp_path).items()
    for frame in (more.receipts, last.receipts):
        row = frame[(frame["panel"] == "fixed") & (frame["n"] == 50) & (frame["learner"] == "CE_sgl")]
        assert row["mean"].tolist() == first.receipts["mean"].tolist()
        assert row["mcse"].tolist() == first.receipts["mcse"].tolist()
    assert kt.study.status(tmp_path).others == 3


def test_one_cell_in_two_panels_is_drawn_once(tmp_path):
    fixed = kt.instance(0, S=3, A=4)
    panels = [kt.study.Panel(name, fixed, [50], [learner]) for name, learner in (("a", "CE_sgl"), ("b", "CE_ful"))]
    done = kt.study.run_in_folder(kt.study.Design("twins", panels, reps=10), tmp_path, workers=1)
    assert done.tally.drawn == 1
    assert done.receipts["panel"].tolist() == ["a", "b"]


# --- Failures are data --------------------------------------------------------------------------------------


def test_a_batch_that_raises_is_recorded_and_mended(tmp_path, monkeypatch):
    panel = kt.study.Panel("fixed", kt.instance(0, S=3, A=4), [5, 50, 500], ["CE_sgl"])
    small = kt.study.Design("fails", [panel], reps=10)
    draw = Cell.batch

    def flawed(cell, *batch):
        if cell.n == 50:
            raise ArithmeticError("planted")
        return draw(cell, *batch)

    monkeypatch.setattr(Cell, "batch", flawed)
    done = kt.study.run_in_folder(small, tmp_path)
    assert done.missing == (("fixed", 50),)
    assert (done.tally.drawn, done.tally.failed) == (2, 1)
    assert done.receipts["n"].tolist() == [5, 500]
    (failure,) = kt.study.status(tmp_path).failures
    assert failure["error"] == "ArithmeticError: planted"
    assert "in flawed" in failure["traceback"]
    command, folder, name = failure["replay"].rsplit(" ", 2)
    assert (command, folder) == ("kt-theory study replay", str(tmp_path))
    with pytest.raises(ArithmeticError, match="planted"):
        kt.study.replay(tmp_path, name)
    with pytest.raises(RuntimeError, match="planted"):
        kt.study.run([panel], reps=10)

    monkeypatch.undo()
    again = kt.study.run_in_folder(small, tmp_path)
    assert (again.tally.drawn, again.tally.stored, again.missing) == (1, 2, ())
    assert kt.study.status(tmp_path).failures == ()
    assert kt.study.status(tmp_path).done
    assert kt.study.replay(tmp_path, name)["learner"].tolist() == ["CE_sgl"]


# --- Folders of two machines --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halves(design, tmp_path_factory):
    """The folders of two machines that drew half of the cells each; nobody writes there again."""
    home = tmp_path_factory.mktemp("halves")
    for part, name in enumerate(("one", "two"), start=1):
        assert kt.study.run_in_folder(design, home / name, share=kt.study.Share(part, 2)).missing
    return home


@pytest.fixture
def shares(halves, tmp_path):
    """Copies of them, to be merged and spoilt."""
    return [Path(shutil.copytree(halves / name, tmp_path / name)) for name in ("one", "two")]


def test_two_shares_make_the_whole(shares, undisturbed, tmp_path):
    # Oracle: identity, the folder of one machine that drew everything
    before = [contents(folder) for folder in shares]
    assert kt.study.merge(tmp_path / "whole", shares).done
    assert contents(tmp_path / "whole") == undisturbed[0]
    assert [contents(folder) for folder in shares] == before
    receipts = kt.study.write_receipts(kt.study.export(tmp_path / "whole").receipts, tmp_path / "whole.csv")
    assert receipts.read_bytes() == undisturbed[1]
    assert kt.study.merge(shares[0], shares[1:]).done
    assert contents(shares[0]) == undisturbed[0]


def forge(folder):
    """Change the numbers of one batch, under a valid seal."""
    with Store(folder) as store:
        batch = next(store.batches())
        drawn = store.load(batch)
        wrong = replace(drawn.moments, mean=np.nextafter(drawn.moments.mean, 1))
        store.save(batch, replace(drawn, moments=wrong))


@pytest.mark.parametrize("spoilt", ["forged", "seed", "source", "target", "problem"])
def test_a_merge_that_is_refused_changes_nothing(spoilt, design, shares, copied, tmp_path):
    if spoilt == "forged":
        forge(shares[1])
        message = "different numbers for one batch"
    elif spoilt == "seed":
        kt.study.run_in_folder(replace(design, seed=6, reps=2, target_mcse=None), tmp_path / "other")
        shares.append(tmp_path / "other")
        message = "seed is 5 in .* and 6 in"
    elif spoilt == "problem":
        path = next((shares[1] / "problems").glob("*.npz"))
        path.write_bytes(path.read_bytes()[:-40])
        message = "npz cannot be read"
    else:
        path = sorted(finished(shares[1]))[-1]
        if spoilt == "target":
            path = copied / path.relative_to(shares[1])
        path.write_bytes(path.read_bytes()[:-40])
        message = "is damaged"
    before = contents(copied)
    with pytest.raises(ValueError, match=message):
        kt.study.merge(copied, shares)
    assert contents(copied) == before
