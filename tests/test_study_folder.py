"""The folder of a study, piece by piece: sealed files, locks, names, shares, lines of progress."""

import errno
import json
import os
import re
import struct
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.learners import LEARNERS
from kt_theory.simulation.cells import PILOT, RUN, TV, Cell
from kt_theory.simulation.moments import Moments
from kt_theory.simulation.workers import thread_pool
from kt_theory.study import engine, locks
from kt_theory.study.engine import Memory, Progress, Share, Tally
from kt_theory.study.manifest import keep_design
from kt_theory.study.names import Batch
from kt_theory.study.records import Damaged, write_sealed
from kt_theory.study.store import Drawn, Store, keys_of, remove

PROBLEM = kt.instance(0, S=2, A=3)
CELL = Cell(PROBLEM, 20)
BATCH = Batch(CELL.identity, 7, RUN, 0, 50)


ALL = list(LEARNERS.values())
KEYS = keys_of(ALL, TV)


def drawn():
    return Drawn.now(KEYS, CELL.batch(ALL, 7, RUN, 0, 50))


def made_up(reps, mean, squares=0.0):
    """Moments of all learners, all alike."""
    numbers = np.full(5, mean), np.full(5, squares), np.full(5, reps), np.zeros(5, dtype=np.int64)
    return Drawn.now(KEYS, Moments(tuple(LEARNERS), reps, *numbers))


def test_a_batch_is_the_moments_of_its_blocks():
    # Oracle: second algorithm, the risks themselves
    assert CELL.batch_size % CELL.block_size == 0
    reps = CELL.block_size * 2 + 10
    risks = kt.sample_risks(PROBLEM, list(kt.LEARNERS), 20, reps=reps, seed=7)
    moments = CELL.batch(ALL, 7, RUN, 0, reps)
    assert moments.mean == pytest.approx(risks.mean(axis=0), rel=1e-12, abs=0)
    assert moments.squares == pytest.approx(risks.var(axis=0) * reps, rel=1e-9, abs=1e-20)
    assert (moments.nonzero == (risks > 0).sum(axis=0)).all()
    assert sum(size for _, size in CELL.batches(3 * CELL.batch_size + 1)) == 3 * CELL.batch_size + 1


def test_what_is_written_is_read_to_the_last_digit(tmp_path):
    # Oracle: identity
    with Store(tmp_path / "s") as store:
        assert not store.has(BATCH)
        store.save(BATCH, drawn())
        back = store.load(BATCH)
        assert (back.moments.mean == drawn().moments.mean).all()
        assert (back.moments.squares == drawn().moments.squares).all()
        assert set(back.versions) == {(kt.__version__, np.__version__)}
        assert list(store.batches()) == [BATCH]
        assert Batch.named(BATCH.name) == BATCH


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b[:-1],
        lambda b: b + b" ",
        lambda b: b"",
        lambda b: b"[]",
        lambda b: b.replace(b'"reps": 50', b'"reps": 51'),
        lambda b: b.replace(b"  ", b" ", 1),
        lambda b: b.replace(b'"sha256"', b'"sha257"'),
        lambda b: b"\xff" + b[1:],
    ],
)
def test_no_changed_byte_is_read(tmp_path, change):
    # Oracle: definition
    with Store(tmp_path / "s") as store:
        store.save(BATCH, drawn())
        path = store.path(BATCH)
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(Damaged, match=r"s/batches/.*\.json is damaged"):
            store.load(BATCH)


def test_a_sound_file_under_another_name_is_not_read(tmp_path):
    # Oracle: definition
    other = Batch(CELL.identity, 8, PILOT, 3, 50)
    with Store(tmp_path / "s") as store:
        store.save(BATCH, drawn())
        os.replace(store.path(BATCH), store.path(other))
        with pytest.raises(Damaged, match="holds another batch than its name says"):
            store.load(other)
        with pytest.raises(Damaged, match="is missing"):
            store.load(BATCH)


def test_claims_exclude_one_another_and_end_with_their_owner(tmp_path):
    # Oracle: definition
    first, second = Store(tmp_path / "s"), Store(tmp_path / "s")
    first.__enter__(), second.__enter__()
    assert first.claim(BATCH)
    assert not second.claim(BATCH)
    assert second.claim(Batch(CELL.identity, 7, RUN, 1, 50))
    first.release(BATCH)
    assert second.claim(BATCH)
    second.__exit__(None, None, None)
    assert first.claim(BATCH)
    first.__exit__(None, None, None)


def test_leftovers_are_swept_only_by_who_is_alone(tmp_path):
    # Oracle: definition
    with Store(tmp_path / "s") as store:
        store.save(BATCH, drawn())
        leftover = store.path(BATCH).with_name(".7-run-000000-50-ab_cd3fg.json")
        leftover.write_text("half")
        with Store(tmp_path / "s", sweep=True):
            assert leftover.exists()  # it may be somebody's at this moment
    with Store(tmp_path / "s"):
        assert leftover.exists()  # who merges sweeps nothing
    with Store(tmp_path / "s", sweep=True) as store:
        assert not leftover.exists()
        assert store.has(BATCH)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="is not empty and not the folder of a study"):
        Store(tmp_path)
    with pytest.raises(ValueError, match=r"mine\.txt is not a folder"):
        Store(tmp_path / "mine.txt")
    with pytest.raises(ValueError, match="is not the folder of a study"):
        kt.study.status(tmp_path)
    remove(tmp_path)
    assert (tmp_path / "mine.txt").exists()
    with (
        Store(tmp_path / "s") as store,
        pytest.raises(ValueError, match=r"has no manifest\.json: no study was run there"),
    ):
        store.manifest()


def test_another_format_is_refused(tmp_path):
    with Store(tmp_path / "s") as store:
        store.write_manifest({"name": "x"})
        path = store.manifest_path
        content = json.loads(path.read_text()) | {"format": 3}
        del content["sha256"]
        write_sealed(path, content)
        with pytest.raises(ValueError, match="is of format 3: this version reads formats 1 and 2"):
            store.manifest()


@pytest.mark.parametrize("name", ["x", "a/b", "a/1-run-0-x", "a/1-walk-0-5", "a/1-run-0-5-6"])
def test_what_is_no_batch_is_said(name):
    with pytest.raises(ValueError, match="is no batch: cell/seed-stage-index-repeats is needed"):
        Batch.named(name)


def test_shares_cut_a_study_into_parts():
    # Oracle: definition
    parts = [{i for i in range(10) if Share(part, 3).has(i)} for part in (1, 2, 3)]
    assert set().union(*parts) == set(range(10))
    assert sum(map(len, parts)) == 10
    for part, of in ((0, 2), (3, 2), (1, 0)):
        with pytest.raises(ValueError, match="share"):
            Share(part, of)


def test_progress_says_where_things_stand_every_so_often(monkeypatch, capsys):
    monkeypatch.setattr(engine, "LOG_EVERY", 0.0)
    design = kt.study.Design("two cells", [kt.study.Panel("p", PROBLEM, n=[5, 6])], reps=10)
    with thread_pool(1) as pool:
        engine.run_design(design, Memory(), pool, progress=Progress(True, "two cells"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("two cells: 1 of 2 batches, 0 more were stored, 1 cell left, ")
    assert lines[-1].startswith("two cells: 2 of 2 batches, 0 more were stored, 0 cells left, ")
    assert lines[-1].endswith(" 0 s left")


def test_without_a_folder_what_raises_is_raised(monkeypatch):
    def broken(*_):
        raise ArithmeticError("nothing adds up")

    monkeypatch.setattr(Cell, "batch", broken)
    with pytest.raises(RuntimeError, match="-run-000000-10 raised ArithmeticError: nothing adds up"):
        kt.study.run([kt.study.Panel("p", PROBLEM, n=[5])], reps=10)


def test_a_stored_batch_is_not_looked_at_twice(tmp_path):
    # Oracle: definition
    memory, tally = Memory(), Tally()
    (planned,) = kt.study.Design("one", [kt.study.Panel("p", PROBLEM, n=[20])]).planned()
    task = engine.Task(BATCH, planned, tuple(ALL))
    assert engine.lacking(task, memory, tally) == KEYS
    memory.save(BATCH, made_up(50, 0.0).of(KEYS[:2]))
    assert engine.lacking(task, memory, tally) == KEYS[2:]
    memory.save(BATCH, made_up(50, 0.0))
    assert engine.lacking(task, memory, tally) == []
    assert tally.damaged == []


def test_a_merge_joins_the_learners_of_a_panel_and_leaves_nothing_if_refused(tmp_path):
    # Oracle: identity, the panel run as a whole
    def design(n, learners, seed=1):
        return kt.study.Design("parts", [kt.study.Panel("p", PROBLEM, n=n, learners=learners)], reps=20, seed=seed)

    for name, n, learners in (("a", [5], ["CE_sgl"]), ("b", [50], ["SEL_ptl"])):
        kt.study.run_in_folder(design(n, learners), tmp_path / name)
    kt.study.run_in_folder(design([5], ["CE_sgl"], seed=2), tmp_path / "other seed")
    with pytest.raises(ValueError, match=r"seed is 1 in .*a and 2 in .*other seed: no one study"):
        kt.study.merge(tmp_path / "c", [tmp_path / "a", tmp_path / "other seed"])
    assert not (tmp_path / "c").exists()
    assert kt.study.merge(tmp_path / "c", [tmp_path / "a", tmp_path / "b"]).missing == (("p", 5), ("p", 50))
    both = design([5, 50], ["CE_sgl", "SEL_ptl"])
    assert kt.study.run_in_folder(both, tmp_path / "c").tally.drawn == 2
    whole = kt.study.run(design([5, 50], ["CE_sgl", "SEL_ptl"]).panels, reps=20, seed=1)
    joined = kt.study.export(tmp_path / "c").receipts
    assert joined.drop(columns="seconds").equals(whole.drop(columns="seconds"))


def test_a_merge_refuses_two_parts_that_disagree(tmp_path):
    # Oracle: definition
    design = kt.study.Design("parts", [kt.study.Panel("p", PROBLEM, n=[5])], reps=20)
    for name in "ab":
        kt.study.run_in_folder(design, tmp_path / name)
    with Store(tmp_path / "b") as store:
        (batch,) = store.batches()
        there = store.load(batch)
        store.save(batch, replace(there, moments=replace(there.moments, mean=there.moments.mean + 1e-9)))
    with pytest.raises(ValueError, match="have different numbers for one batch"):
        kt.study.merge(tmp_path / "c", [tmp_path / "a", tmp_path / "b"])
    assert not (tmp_path / "c").exists()


def test_a_folder_that_was_copied_without_its_empty_lock_is_a_study(tmp_path):
    # Oracle: definition
    design = kt.study.Design("copied", [kt.study.Panel("p", PROBLEM, n=[5])], reps=20)
    kt.study.run_in_folder(design, tmp_path / "s")
    (tmp_path / "s" / "lock").unlink()
    assert kt.study.status(tmp_path / "s").done
    assert kt.study.run_in_folder(design, tmp_path / "s").tally.stored == 1


def test_the_size_of_a_batch():
    # Oracle: definition, 2^28 entries of work, in whole blocks; a cell of 3 samples on 2 x 3 counts as 256 a repeat
    cell = Cell(kt.instance(0, S=2, A=3), 3)
    assert (cell.block_size, cell.batch_size) == (4096, 2**20)
    assert cell.batches(2**20 + 1) == [(0, 2**20), (1, 1)]


@pytest.mark.parametrize("target", [{}, {"target_mcse": 1e-9, "max_reps": 2_300_000}])
def test_a_cell_that_lacks_one_of_its_batches_is_not_complete(target, tmp_path):
    # Oracle: definition; three batches to a cell, and with a target three to its pilot
    problem = kt.instance(0, S=2, A=2)
    design = kt.study.Design("three", [kt.study.Panel("p", problem, n=[1])], reps=2_300_000, **target)
    cell = Cell(problem, 1)
    with Store(tmp_path / "s") as store:
        keep_design(design, store)
        for stage in (RUN, PILOT) if target else (RUN,):
            for index, size in cell.batches(2_300_000):
                store.save(Batch(cell.identity, 0, stage, index, size), made_up(size, 0.5, 1.0))
        assert len(list(store.batches())) == (6 if target else 3)
    assert kt.study.export(tmp_path / "s").missing == ()
    for path in sorted((tmp_path / "s").glob("batches/*/*.json")):
        content = path.read_bytes()
        path.unlink()
        assert kt.study.export(tmp_path / "s").missing == (("p", 1),), path.name
        status = kt.study.status(tmp_path / "s")
        assert (status.complete, status.missing) == (0, (("p", 1),))
        path.write_bytes(content)
    assert kt.study.status(tmp_path / "s").done


def test_arguments_of_another_kind_are_refused_in_a_sentence(tmp_path):
    # Oracle: definition
    panel = kt.study.Panel("p", PROBLEM, [5])
    for panels, sentence in (
        (None, "panels is None: it must be a sequence of Panel"),
        ("p", "panels is 'p': it must be a sequence of Panel"),
        ([5], "panels holds 5"),
        ([kt.study.Panel(3, PROBLEM, [5])], "the name of a panel is 3: it must be text"),
        (
            [kt.study.Panel("p", PROBLEM, range(10**9))],
            "makes it 1000000000 cells: at most 100000 are run as one study",
        ),
        ([kt.study.Panel("p", PROBLEM, [5, 5.0])], "has the same n twice"),
        ([kt.study.Panel("p", PROBLEM, "5")], "n is '5'"),
    ):
        for make in (kt.study.exact, lambda panels: kt.study.Design("d", panels)):
            with pytest.raises(ValueError, match=re.escape(sentence)):
                make(panels)
    for wrong, sentence in (
        ({"name": 3}, "the name of a design is 3: it must be text"),
        ({"name": "d", "licence": None}, "the licence of a design is None: it must be text"),
        ({"name": "d", "text": b""}, "the text of a design is b''"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            kt.study.Design(panels=[panel], **wrong)
    for call, sentence in (
        (lambda: kt.study.merge(tmp_path / "into", []), "others is empty: name at least one folder of a study"),
        (lambda: kt.study.merge(tmp_path / "into", "folder"), "others is 'folder': it must be a sequence of folders"),
        (lambda: kt.study.merge(tmp_path / "into", tmp_path), "it must be a sequence of folders of studies"),
        (lambda: kt.study.status(None), "folder is of type NoneType: it must be a path"),
        (lambda: kt.study.export(""), "folder is '': it must not be empty"),
        (lambda: kt.study.check(5), "folder is of type int: it must be a path"),
        (lambda: kt.study.read_design(None), "path is of type NoneType: it must be a path"),
        (lambda: kt.study.run_in_folder(None, tmp_path / "into"), "design is None: a Design is needed"),
        (
            lambda: kt.study.run_in_folder(kt.study.Design("d", [panel]), b"x"),
            "folder is of type bytes: it must be a path",
        ),
        (lambda: kt.study.write_receipts(None, tmp_path / "x.csv"), "frame is None: a DataFrame is needed"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            call()
    assert not (tmp_path / "into").exists()
    kt.study.run_in_folder(kt.study.Design("d", [panel], reps=2), tmp_path / "s")
    with pytest.raises(ValueError, match="name is None: it must be text"):
        kt.study.replay(tmp_path / "s", None)


def test_nothing_of_a_study_stays_behind(tmp_path):
    # Oracle: enumeration; a damaged batch was moved aside, two folders deep, and a problem is kept
    design = kt.study.Design("tiny", [kt.study.Panel("p", PROBLEM, [5], ["CE_ful"])], reps=10)
    kt.study.run_in_folder(design, tmp_path / "more" / "s")
    (batch,) = (tmp_path / "more" / "s").glob("batches/*/*.json")
    batch.write_text("{}")
    assert kt.study.run_in_folder(design, tmp_path / "more" / "s").tally.damaged
    assert list((tmp_path / "more" / "s").glob("damaged/batches/*/*.json"))
    remove(tmp_path / "more" / "s")
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_folder_is_for_whom_the_umask_leaves_it(tmp_path):
    # Oracle: definition of a mode
    before = os.umask(0o026)
    try:
        with Store(tmp_path / "s") as store:
            assert (store.folder / "lock").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_one_byte_is_locked_without_waiting(monkeypatch, platform):
    # Oracle: definition, what the system is asked for: a type of lock on one byte, counted from the start of the file
    asked = []
    names = {"F_RDLCK": 10, "F_WRLCK": 11, "F_UNLCK": 12, "F_OFD_SETLK": 37}
    names |= {"LOCK_SH": 1, "LOCK_EX": 2, "LOCK_NB": 4, "LOCK_UN": 8}
    system = SimpleNamespace(**names, fcntl=lambda *call: asked.append(call), lockf=lambda *call: asked.append(call))
    monkeypatch.setattr(locks, "fcntl", system)
    monkeypatch.setattr(locks.sys, "platform", platform)
    kinds = ("shared", "exclusive", "none")
    assert all(locks.lock(5, kind, 2**40 + 3) for kind in kinds)
    if platform == "linux":
        assert [call[:2] for call in asked] == [(5, 37)] * 3
        assert [struct.unpack("@hhqqi4x", call[2]) for call in asked] == [
            (kind, os.SEEK_SET, 2**40 + 3, 1, 0) for kind in (10, 11, 12)
        ]
        # Without locks of open files, as elsewhere.
        del system.F_OFD_SETLK
        asked.clear()
        assert all(locks.lock(5, kind, 2**40 + 3) for kind in kinds)
    assert asked == [(5, 1 | 4, 1, 2**40 + 3), (5, 2 | 4, 1, 2**40 + 3), (5, 8, 1, 2**40 + 3)]


@pytest.mark.parametrize(
    ("number", "free"), [(errno.EAGAIN, False), (errno.EACCES, False), (errno.ENOLCK, True), (errno.EINVAL, True)]
)
def test_a_file_system_without_locks_holds_none(monkeypatch, number, free):
    # Oracle: POSIX, EAGAIN and EACCES say that another process holds the lock
    def refuse(*call):
        raise OSError(number, "no")

    names = dict.fromkeys(
        ("F_RDLCK", "F_WRLCK", "F_UNLCK", "F_OFD_SETLK", "LOCK_SH", "LOCK_EX", "LOCK_NB", "LOCK_UN"), 0
    )
    monkeypatch.setattr(locks, "fcntl", SimpleNamespace(**names, fcntl=refuse, lockf=refuse))
    assert locks.lock(5, "exclusive", 0) is free
    monkeypatch.setattr(locks, "fcntl", None)
    assert locks.lock(5, "exclusive", 0) is True
