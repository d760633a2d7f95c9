"""`kt-theory study`, run as a user runs it: what it prints and writes, its exit codes, and what stops it."""

import contextlib
import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.cli.study_text import slopes_as_text
from kt_theory.simulation.cells import Cell
from kt_theory.study import cluster, engine, store

DESIGNS = Path(kt.__file__).parents[1] / "simulations" / "designs"

TINY = """
seed = 3
reps = 50
[[panel]]
instance = 0
S = 2
A = [3, 4]
n = [5, 10]
learners = ["CE_sgl", "SEL_ptl"]
"""

#: Several batches to a cell, of a quarter of a second or so each.
LONG = """
reps = 1500000
[[panel]]
instance = 0
S = 2
A = 3
n = [3, 4]
learners = ["CE_sgl"]
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of one's own to work in, with a tiny design."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


@pytest.fixture
def study(capsys):
    """`kt-theory study ...` in this process: exit code, standard output, standard error."""

    def run(*words):
        capsys.readouterr()
        code = cli.main(["study", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def broken_cell():
    """Batches at n = 10 raise until the patch is undone."""
    patch = pytest.MonkeyPatch()
    draw = Cell.batch

    def raising(self, *batch):
        if self.n == 10:
            raise ValueError("planted")
        return draw(self, *batch)

    patch.setattr(Cell, "batch", raising)
    yield patch
    patch.undo()


def batches(folder="tiny"):
    return sorted(Path(folder, "batches").glob("*/*.json"))


def table(study, folder="tiny"):
    assert study("export", folder, "--out", "table.csv")[0] == cli.HELD
    return Path("table.csv").read_bytes()


# --- run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["", "run", "status", "check", "merge", "export", "plot", "replay"])
def test_help_teaches(action, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["study", *action.split(), "--help"])
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert said.isascii()
    (example,) = [text.splitlines() for text in said.split("example:\n")[1:]]
    for line in example:
        assert cli.parser().parse_args(line.split("  #")[0].split()[1:]).command


def test_a_run_fills_a_folder_and_says_so(study):
    # Oracle: identity, the export is what kt.study.run gives in memory
    code, out, err = study("run", "tiny.toml")
    assert (code, err) == (cli.HELD, "")
    assert out.splitlines() == [
        "tiny: 4 of 4 cells complete",
        "batches: 4 drawn here, 0 were stored",
        "export: kt-theory study export tiny --out tiny.csv",
    ]
    panels = [kt.study.Panel(f"instance 0, S=2, A={A}", kt.instance(0, 2, A), [5, 10], kt.LEARNERS) for A in (3, 4)]
    panels = [replace(panel, learners=["CE_sgl", "SEL_ptl"]) for panel in panels]
    kt.study.write_receipts(kt.study.run(panels, 50, 3), "memory.csv")
    assert table(study) == Path("memory.csv").read_bytes()


def test_a_run_goes_on(study):
    study("run", "tiny.toml")
    batches()[0].unlink()
    code, out, _ = study("run", "tiny.toml")
    assert code == cli.HELD
    assert "batches: 1 drawn here, 3 were stored" in out
    Path("tiny.toml").write_text(TINY.replace("n = [5, 10]", "n = [1, 5, 10]"))
    assert "batches: 2 drawn here, 4 were stored" in study("run", "tiny.toml")[1]


def test_a_seed_of_the_command_line(study):
    assert study("run", "tiny.toml", "--seed", "1e3", "--out", "other")[0] == cli.HELD
    assert study("status", "other")[1].startswith("tiny, seed 1000: 4 of 4 cells complete\n")
    study("run", "tiny.toml")
    assert table(study) != table(study, "other")


def test_the_summary_and_the_status_as_json(study):
    code, out, _ = study("run", "tiny.toml", "--json", "--workers", 1)
    found = json.loads(out)
    assert code == cli.HELD
    assert (found["cells"], found["complete"], found["drawn_here"], found["were_stored"]) == (4, 4, 4, 0)
    assert found["missing"] == found["failures"] == found["capped"] == found["missing_here"] == []
    assert found["numpy_of_batches"] == [np.__version__]
    status = json.loads(study("status", "tiny", "--json")[1])
    assert status == {key: found[key] for key in status}
    assert status["batches"] == status["batches_wanted"] == 4
    assert status["licence"] == "none: computed"


def test_status_in_words(study):
    study("run", "tiny.toml", "--share", "1/2")
    code, out, _ = study("status", "tiny")
    assert code == cli.HELD
    assert out.splitlines() == [
        "tiny, seed 3: 2 of 4 cells complete",
        "batches: 2 of 4 stored",
        "missing: 2 cells",
        "  instance 0, S=2, A=3, n=10",
        "  instance 0, S=2, A=4, n=10",
        f"last run with kt_theory {kt.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}",
        "licence of the data: none: computed",
    ]


def test_at_most_ten_missing_cells_are_listed(study):
    Path("wide.toml").write_text(TINY.replace("[5, 10]", "[1, 2, 3, 4, 5, 6, 7]"))
    study("run", "wide.toml", "--share", "1/14")
    out = study("status", "wide")[1]
    assert out.count(", n=") == 10
    assert "missing: 13 cells\n" in out
    assert "  and 3 more\n" in out


def test_processes_and_a_cluster_draw_the_same_bytes(study, monkeypatch):
    # Oracle: identity, where a batch is drawn changes no byte
    asked = []

    @contextlib.contextmanager
    def local(address):
        asked.append(address)
        with ThreadPoolExecutor(2) as pool:
            yield pool

    monkeypatch.setattr(cluster, "cluster_executor", local)
    study("run", "tiny.toml")
    assert study("run", "tiny.toml", "--out", "processes", "--processes", 2)[0] == cli.HELD
    assert study("run", "tiny.toml", "--out", "cluster", "--scheduler", "tcp://10.0.0.1:8786")[0] == cli.HELD
    assert asked == ["tcp://10.0.0.1:8786"]
    assert table(study) == table(study, "processes") == table(study, "cluster")


def test_a_cluster_without_the_extra_is_refused(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = study("run", "tiny.toml", "--scheduler", "tcp://10.0.0.1:8786")
    assert code == cli.REFUSED
    remedy = "in a checkout of kt_theory, pip install '.[cluster]'"
    assert err == f"kt-theory: error: a cluster needs the extra of that name: {remedy}\n"


def test_two_places_to_draw_are_refused(study):
    with pytest.raises(SystemExit) as stopped:
        study("run", "tiny.toml", "--workers", 2, "--processes", 2)
    assert stopped.value.code == cli.REFUSED


def test_a_cap_is_named(study):
    Path("capped.toml").write_text(TINY.replace("reps = 50", "reps = 50\ntarget_mcse = 1e-4\nmax_reps = 60"))
    code, out, _ = study("run", "capped.toml")
    assert code == cli.HELD
    assert "at the cap on repeats, the error aimed at may be missed: 4 cells\n  instance 0, S=2, A=3, n=5\n" in out


def test_batches_of_another_numpy_are_named(study, monkeypatch):
    study("run", "tiny.toml", "--out", "before")  # what is imported on first use does not see the version below
    with monkeypatch.context() as patch:
        patch.setattr(np, "__version__", "1.0.old")
        assert "note:" not in study("run", "tiny.toml", "--share", "1/2")[1]
    out = study("run", "tiny.toml")[1]
    assert f"note: some batches were drawn by NumPy 1.0.old, and this is {np.__version__}: another" in out


# --- Two machines -----------------------------------------------------------------------------------------


def test_shares_are_merged(study):
    # Oracle: identity, two shares joined are the whole
    study("run", "tiny.toml", "--out", "whole")
    code, out, _ = study("run", "tiny.toml", "--out", "a", "--share", "1/2")
    assert code == cli.HELD, "what was to be drawn here is complete"
    assert "a: 2 of 4" not in out
    assert "tiny: 2 of 4 cells complete" in out
    assert "left to the other shares: 2 cells\n" in out
    study("run", "tiny.toml", "--out", "b", "--share", "2/2")
    code, out, _ = study("merge", "a", "b")
    assert code == cli.HELD
    assert out.startswith("tiny, seed 3: 4 of 4 cells complete\n")
    assert json.loads(study("merge", "new", "a", "b", "--json")[1])["complete"] == 4
    assert table(study, "whole") == table(study, "a") == table(study, "new")


def test_folders_of_other_seeds_are_not_merged(study):
    study("run", "tiny.toml", "--out", "a")
    study("run", "tiny.toml", "--out", "b", "--seed", 4)
    code, _, err = study("merge", "a", "b")
    assert code == cli.REFUSED
    assert "seed is 3 in a and 4 in b: no one study" in err


@pytest.mark.parametrize("share", ["1", "1/", "a/b", "-1/2", "0/2", "3/2", "1/0", "1/2/3"])
def test_a_bad_share_is_refused(share, study):
    code, _, err = study("run", "tiny.toml", f"--share={share}")
    assert code == cli.REFUSED
    assert "share" in err
    assert err.count("\n") == 1
    assert not Path("tiny").exists()


# --- Failures ---------------------------------------------------------------------------------------------


def test_a_failure_is_recorded_and_replayed(study, broken_cell):
    folder = "a folder"
    code, out, _ = study("run", "tiny.toml", "--out", folder)
    assert code == cli.BROKEN
    assert "tiny: 2 of 4 cells complete" in out
    assert "missing: 2 cells\n  instance 0, S=2, A=3, n=10\n" in out
    assert "failed: 2 batches; the command below each shows it again\n  ValueError: planted\n" in out
    assert "other shares" not in out
    assert "failed: 2 batches" in study("status", folder)[1]
    lines = [shlex.split(line) for line in out.splitlines() if line.lstrip().startswith("kt-theory study replay")]
    recorded = json.loads(study("status", folder, "--json")[1])["failures"]
    assert [shlex.split(failure["replay"]) for failure in recorded] == lines
    kept = json.loads(next(Path(folder, "failures").iterdir()).read_text())
    assert shlex.split(kept["replay"]) in lines

    code, _, err = study(*lines[0][2:])
    assert code == cli.BROKEN
    assert "Traceback" in err
    assert "ValueError: planted" in err

    broken_cell.undo()
    os.rename(folder, "moved")
    folder = "moved"
    code, out, _ = study("replay", folder, lines[0][-1])
    assert code == cli.HELD
    # The columns of the moments and nothing in front of them: four words to a row.
    assert [len(line.split()) for line in out.splitlines()] == [4] * 3
    assert out.split()[:4] == ["learner", "mean", "squares", "nonzero"]
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["CE_sgl", "SEL_ptl"]
    code, out, _ = study("run", "tiny.toml", "--out", folder)
    assert code == cli.HELD
    assert "batches: 2 drawn here, 2 were stored" in out
    assert "failed" not in out


def test_the_failures_of_the_other_share_do_not_count(study, broken_cell):
    assert study("run", "tiny.toml", "--share", "1/2")[0] == cli.HELD
    assert study("run", "tiny.toml", "--share", "2/2")[0] == cli.BROKEN


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "is no batch: cell/seed-stage-index-repeats is needed"),
        ("0123/3-run-000000-50", "its cell is not in the manifest"),
    ],
)
def test_a_batch_that_is_none_is_refused(name, sentence, study):
    study("run", "tiny.toml")
    code, _, err = study("replay", "tiny", name)
    assert code == cli.REFUSED
    assert sentence in err


@pytest.mark.parametrize("words", [["status"], ["check"], ["replay", "a/b"], ["plot"], ["export", "--out", "x.csv"]])
def test_a_folder_of_something_else_is_refused(words, study, here):
    (here / "other").mkdir()
    (here / "other" / "precious").write_text("")
    for name in ("other", "absent"):
        code, _, err = study(words[0], name, *words[1:])
        assert code == cli.REFUSED
        assert err == f"kt-theory: error: {name} is not the folder of a study\n"
    code, _, err = study("run", "tiny.toml", "--out", "other")
    assert code == cli.REFUSED
    assert "choose another one" in err
    assert os.listdir(here / "other") == ["precious"]


# --- Damage -----------------------------------------------------------------------------------------------


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_check_finds_and_mends(study):
    # Oracle: identity, what is drawn again is what was there
    study("run", "tiny.toml")
    before = table(study)
    assert study("check", "tiny") == (
        cli.HELD,
        "tiny: sound; 4 cells, 4 batches, every byte as it was written\n",
        "",
    )
    first, second, third, _ = batches()
    flip(first)
    second.unlink()
    third.write_bytes(third.read_bytes()[:100])
    code, out, _ = study("check", "tiny", "--dry-run")
    assert code == cli.BROKEN
    assert "damaged: 2 files\n" in out
    assert f"{first} is damaged" in out
    assert "missing: 3 cells\n" in out
    assert "nothing was changed; without --dry-run it is drawn again" in out
    assert len(batches()) == 3
    found = json.loads(study("check", "tiny", "--dry-run", "--json")[1])
    assert (found["sound"], len(found["damaged"]), len(found["missing"])) == (False, 2, 3)

    code, out, _ = study("export", "tiny", "--out", "damaged.csv")[:3]
    assert code == cli.BROKEN
    assert not Path("damaged.csv").exists()

    code, out, _ = study("check", "tiny")
    assert code == cli.HELD
    assert "drawn again: all 4 cells are complete and sound now; the damaged files are in tiny/damaged" in out
    assert study("check", "tiny", "--dry-run")[0] == cli.HELD
    assert table(study) == before


def test_check_that_cannot_mend_exits_one(study, broken_cell):
    study("run", "tiny.toml")
    code, out, _ = study("check", "tiny")
    assert code == cli.BROKEN
    assert "not all of it could be drawn again: 2 of 4 cells complete" in out
    assert "ValueError: planted" in out


def test_a_run_moves_damage_aside(study):
    study("run", "tiny.toml")
    flip(batches()[0])
    code, out, _ = study("run", "tiny.toml")
    assert code == cli.HELD
    assert "batches: 1 drawn here, 3 were stored" in out
    assert "damaged files, moved aside and drawn again: 1\n  tiny/damaged/" in out


@pytest.mark.parametrize("words", [["status"], ["check"], ["export", "--out", "x.csv"]])
def test_a_damaged_manifest_has_a_remedy(words, study):
    study("run", "tiny.toml")
    flip(Path("tiny/manifest.json"))
    code, _, err = study(words[0], "tiny", *words[1:])
    assert code == cli.BROKEN
    assert "`kt-theory study run` the manifest and the problems" in err
    code, out, _ = study("run", "tiny.toml")
    assert code == cli.HELD
    assert "batches: 0 drawn here, 4 were stored" in out
    assert study("check", "tiny")[0] == cli.HELD


def test_a_folder_of_another_format_is_refused(study, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "FORMAT", 99)
        study("run", "tiny.toml")
    before = Path("tiny/manifest.json").read_bytes()
    for words in (["run", "tiny.toml"], ["status", "tiny"]):
        code, _, err = study(*words)
        assert code == cli.REFUSED
        assert "tiny is of format 99: this version reads formats 1 and 2" in err
    assert Path("tiny/manifest.json").read_bytes() == before


# --- Export -----------------------------------------------------------------------------------------------


def test_export_names_what_is_missing_and_writes_the_rest(study):
    study("run", "tiny.toml", "--share", "1/2")
    code, out, err = study("export", "tiny", "--out", "part.csv")
    assert code == cli.BROKEN
    assert "missing: 2 cells\n  instance 0, S=2, A=3, n=10\n" in err
    assert out.startswith("4 rows of 2 cells: ")
    assert len(pd.read_csv("part.csv")) == 4


def test_export_of_nothing_writes_nothing(study):
    study("run", "tiny.toml", "--share", "9/9")
    code, _, err = study("export", "tiny", "--out", "none.csv")
    assert code == cli.BROKEN
    assert "no cell is complete: none.csv was not written" in err
    assert not Path("none.csv").exists()


def test_a_plot_draws_the_receipts_and_prints_their_slopes(study, monkeypatch):
    # Oracle: identity, the slopes of kt.fit_rate for the exported table
    Path("tiny.toml").write_text(TINY.replace("n = [5, 10]", "n = [5, 10, 20]"), encoding="utf-8")
    study("run", "tiny.toml")
    code, out, _ = study("plot", "tiny")
    assert code == cli.HELD
    assert Path("tiny.png").stat().st_size > 5000
    assert Path("tiny.pdf").exists()
    table(study)
    rows = kt.fit_rate(pd.read_csv("table.csv"))
    said = out.splitlines()
    assert len(said) == len(rows) + 2
    for line, row in zip(said[1:], rows.itertuples(), strict=False):
        assert row.learner in line
        assert f"{row.points} of {row.points + row.left_out}" in line
        assert (f"{row.slope:.3f} +- {row.slope_se:.3f}" in line) == (row.points > 0)
    assert said[-1] == f"figure: {Path('tiny.png').resolve()}"
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, slopes_as_text(rows).splitlines())) <= 40
    study("run", "tiny.toml", "--share", "9/9", "--out", "none")
    code, out, err = study("plot", "none", "--out", "absent.png")
    assert (code, out) == (cli.BROKEN, "")
    assert "no cell is complete: absent.png was not written" in err
    assert study("plot", "tiny", "--out", "x.gif")[0] == cli.REFUSED


@pytest.mark.parametrize("words", [(), ("--out", "-")])
def test_export_to_standard_output(words, study):
    # Oracle: identity, the bytes of the file
    study("run", "tiny.toml", "--share", "1/2")
    study("export", "tiny", "--out", "part.csv")
    before = sorted(os.listdir())
    code, out, err = study("export", "tiny", *words)
    assert code == cli.BROKEN
    assert out.encode() == Path("part.csv").read_bytes()
    assert err.startswith("kt-theory: missing: 2 cells\n")
    study("run", "tiny.toml")
    code, out, err = study("export", "tiny", *words)
    assert (code, err) == (cli.HELD, "")
    assert out.encode() == table(study)
    study("run", "tiny.toml", "--share", "9/9", "--out", "none")
    assert study("export", "none", *words)[1:] == ("", study("export", "none", *words)[2])
    assert "no cell is complete: nothing written" in study("export", "none", *words)[2]
    assert sorted(os.listdir()) == sorted([*before, "none", "table.csv"])


def test_a_refused_export_makes_no_folder(study):
    assert study("export", "absent", "--out", "new/table.csv")[0] == cli.REFUSED
    assert not Path("new").exists()


def test_export_as_parquet(study):
    # Oracle: identity, the two formats hold the same table
    study("run", "tiny.toml")
    table(study)
    assert study("export", "tiny", "--out", "table.parquet")[0] == cli.HELD
    frame = pd.read_parquet("table.parquet")
    back = pd.read_csv("table.csv", dtype=str).astype(frame.dtypes)
    pd.testing.assert_frame_equal(frame, back, check_exact=True)


def test_parquet_without_pyarrow_is_refused(study, monkeypatch):
    study("run", "tiny.toml")
    table(study)  # pandas, which is loaded with pyarrow, loads the rest of it with the first frame that it changes
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = study("export", "tiny", "--out", "table.parquet")
    assert code == cli.REFUSED
    assert "Parquet files need pyarrow: in a checkout of kt_theory, pip install '.[parquet]'" in err


def test_an_export_of_another_kind_is_refused(study):
    code, _, err = study("export", "tiny", "--out", "table.xlsx")
    assert code == cli.REFUSED
    assert "table.xlsx: its name must end in .csv or .parquet" in err


# --- What stops a run -------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["fsync", "mkstemp"])
@pytest.mark.parametrize("after", [0, 3])
def test_a_full_disk_is_told_in_a_sentence(where, after, study, monkeypatch):
    # Oracle: identity, the run that goes on ends in the table of an uninterrupted one
    calls = []
    module = os if where == "fsync" else tempfile
    real = getattr(module, where)

    def full(*args, **named):
        calls.append(args)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, where, full)
        code, _, err = study("run", "tiny.toml", "--workers", 1)
    assert code == cli.REFUSED
    stored = "nothing is stored yet" if after == 0 else "2 of 4 batches are stored"
    assert err == (
        f"kt-theory: error: no space left for tiny; {stored}; free some space and run the same command to go on: "
        "kt-theory study run tiny.toml --workers 1\n"
    )
    assert not [path for path in Path("tiny").rglob(".*") if path.is_file()]
    assert study("run", "tiny.toml")[0] == cli.HELD
    study("run", "tiny.toml", "--out", "other")
    assert table(study) == table(study, "other")


def test_workers_that_are_gone_are_told_in_a_sentence(study, monkeypatch):
    class Gone(ThreadPoolExecutor):
        def submit(self, *_, **__):
            future = Future()
            future.set_exception(BrokenExecutor("a worker died."))
            return future

    monkeypatch.setattr(cli.study, "_executor", lambda arguments: Gone(1))
    code, _, err = study("run", "tiny.toml")
    assert code == cli.BROKEN
    assert err == (
        "kt-theory: error: a worker died; 0 of 4 batches are stored; go on with: kt-theory study run tiny.toml\n"
    )


def test_an_interrupt_before_the_first_batch(study, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(kt.study, "run_in_folder", interrupted)
    code, _, err = study("run", "tiny.toml", "--out", "a folder")
    assert code == cli.INTERRUPTED
    again = "kt-theory study run tiny.toml --out 'a folder'"
    assert err == f"kt-theory: interrupted; nothing is stored yet; go on with: {again}\n"


def test_other_handlers_of_sigterm_are_put_back(study):
    before = signal.getsignal(signal.SIGTERM)
    study("run", "tiny.toml")
    assert signal.getsignal(signal.SIGTERM) is before


def started(*words):
    """`kt-theory study run long.toml ...` in a process of its own, which has stored a batch."""
    Path("long.toml").write_text(LONG)
    command = [sys.executable, "-m", "kt_theory", "study", "run", "long.toml", *words]
    # Whoever starts the tests in the background may have SIGINT ignored, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60
    while not batches("long") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert batches("long")
    return running


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        pytest.param(signal.SIGINT, ("--workers", "1"), marks=pytest.mark.slow),
        (signal.SIGTERM, ("--processes", "1")),
    ],
)
def test_a_signal_stores_what_is_drawn_and_says_how_to_go_on(sent, words, study):
    # Oracle: identity, the run that goes on ends in the table of an uninterrupted one
    running = started(*words)
    running.send_signal(sent)
    _, err = running.communicate(timeout=60)
    assert running.returncode == cli.INTERRUPTED, err
    stored = len(batches("long"))
    status = json.loads(study("status", "long", "--json")[1])
    again = shlex.join(["kt-theory", "study", "run", "long.toml", *words])
    wanted = status["batches_wanted"]
    assert err == f"kt-theory: interrupted; {stored} of {wanted} batches are stored; go on with: {again}\n"
    assert 1 <= stored < wanted
    code, out, _ = study(*shlex.split(again)[2:])
    assert code == cli.HELD
    assert f"batches: {wanted - stored} drawn here, {stored} were stored" in out
    panel = kt.study.Panel("instance 0, S=2, A=3", kt.instance(0, 2, 3), [3, 4], ["CE_sgl"])
    kt.study.write_receipts(kt.study.run([panel], 1_500_000), "memory.csv")
    assert table(study, "long") == Path("memory.csv").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_killed_run_leaves_no_workers():
    running = started("--processes", "1")
    workers = children(running.pid)
    assert workers
    running.kill()
    running.wait()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def children(parent):
    """Processes that are children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def alive(process):
    """Whether a process is there and not only waiting to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- Designs ----------------------------------------------------------------------------------------------

PANEL = "[[panel]]\ninstance = 1\nS = 2\nA = 4\nn = [100]\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it has no [[panel]]: name at least one"),
        ("panel = 3", "it has no [[panel]]: name at least one"),
        ("repeats = 5\n" + PANEL, "the design has 'repeats', which is not one of divergence, licence, max_reps, name"),
        (PANEL + "B = 3\n", "panel 0 has 'B', which is not one of A, S, bundled, instance"),
        (PANEL + PANEL, "panels has 'instance 1, S=2, A=4' twice: names must differ"),
        (PANEL + 'teacher = "t.csv"\n', "panel 0: give one of instance, teacher and bundled"),
        ("[[panel]]\nn = [1]\n", "panel 0: give one of instance, teacher and bundled"),
        ("[[panel]]\ninstance = 1\nS = 2\nn = [1]\n", "panel 0: A is missing: an instance needs"),
        (PANEL.replace("instance = 1", 'bundled = "next_word"'), "panel 0: S goes with instance only"),
        ('[[panel]]\nbundled = "nothing"\nn = [1]\n', "nothing"),
        ("[[panel]]\nbundled = 3\nn = [1]\n", "panel 0: bundled is 3: it must be a string"),
        ('[[panel]]\nteacher = "absent.csv"\nn = [1]\n', "absent.csv: there is no such file"),
        (PANEL + "normalise = true\n", "panel 0: normalise goes with teacher only"),
        (PANEL + "normalise = 1\n", "panel 0: normalise is 1: it must be true or false"),
        (PANEL.replace("S = 2", "S = [2, 3]") + 'name = "x"\n', "panel 0: name is 'x' for 2 panels: a grid names its"),
        (PANEL.replace("n = [100]", ""), "panel 0: n is missing: give a list, or { from ="),
        (PANEL.replace("[100]", "100"), "panel 0: n is 100: give a list, or { from ="),
        (PANEL.replace("[100]", "[]"), "panel 0: n is []: give a list, or { from ="),
        (PANEL.replace("[100]", "[1.5]"), "1.5"),
        (PANEL.replace("[100]", "[100, 100]"), "has the same n twice"),
        (PANEL.replace("[100]", "[1e18]"), "at most 1e+17 samples can be drawn"),
        (PANEL.replace("[100]", "{ from = 1, to = 9 }"), "n must be a list, or { from = ..., to = ..., points = ... }"),
        (PANEL.replace("[100]", "{ from = 9, to = 1, points = 2 }"), "n.to is 1: it must not be below n.from, 9"),
        (PANEL.replace("[100]", "{ from = 0, to = 1, points = 2 }"), "n.from is 0"),
        (PANEL + 'learners = ["CE_none"]\n', "learners is 'CE_none': it must be one of"),
        (PANEL + "learners = []\n", "learners is empty: name at least one"),
        (PANEL + 'outside = "ignore"\n', "outside is 'ignore': it must be one of refuse, skip"),
        (PANEL.replace("[100]", "{ from = 1e3, to = 1e17, points = 2000000000 }"), "n.points is 2000000000: at most"),
        (
            PANEL.replace("S = 2", f"S = {list(range(1, 3001))}").replace("A = 4", f"A = {list(range(2, 3002))}"),
            "panel 0: its grid has 9000000 cells: at most 100000 are run as one study",
        ),
        (
            PANEL.replace("S = 2", "S = 1000000").replace("A = 4", "A = 1000000"),
            "panel 0: its tables have 1e+12 entries in all: at most 2.68e+08 are held in memory",
        ),
        (
            (PANEL.replace("[100]", "{ from = 1e3, to = 1e17, points = 60000 }"))
            + PANEL.replace("instance = 1", "instance = 0").replace(
                "[100]", "{ from = 1e3, to = 1e17, points = 60000 }"
            ),
            "cells: at most 100000 are run as one study",
        ),
        (PANEL.replace("[100]", "[0]"), "n is 0"),
        (PANEL.replace("S = 2", "S = 1000"), "needs n >="),
        (PANEL.replace("S = 2", "S = 1000") + 'outside = "skip"\n', "it has no cells: nothing is inside"),
        ("target_mcse = 0.1\nslope_se = 0.1\n" + PANEL, "slope_se and target_mcse are both given"),
        ("target_mcse = -1\n" + PANEL, "target_mcse"),
        ("slope_se = 0\n" + PANEL, "slope_se"),
        ("slope_se = 0.1\nreps = 1\n" + PANEL, "the pilot of slope_se needs at least 2"),
        ("reps = 0\n" + PANEL, "reps is 0"),
        ('reps = "many"\n' + PANEL, "reps is 'many'"),
        ("seed = -1\n" + PANEL, "seed is -1"),
        ("licence = 4\n" + PANEL, "the design: licence is 4: it must be a string"),
        ('relative = "no"\n' + PANEL, "the design: relative is 'no': it must be true or false"),
        ("reps == 4\n", "bad.toml is no TOML: "),
        ("[[panel]\n", "bad.toml is no TOML: "),
    ],
)
def test_a_bad_design_is_refused_in_a_sentence(text, sentence, study):
    Path("bad.toml").write_text(text)
    code, out, err = study("run", "bad.toml")
    assert code == cli.REFUSED
    assert out == ""
    assert err.startswith("kt-theory: error: bad.toml")
    assert err.count("\n") == 1
    assert sentence in err
    assert not Path("bad").exists(), "a refused design leaves no folder"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.toml", None, "absent.toml cannot be read: No such file or directory"),
        ("absent", None, "absent: a design is a .toml or a .py file"),
        ("design.json", b"{}", "design.json: a design is a .toml or a .py file"),
        ("latin.toml", "name = 'café'".encode("latin-1"), "latin.toml cannot be read: it is no UTF-8 text"),
        ("empty.py", b"", "empty.py: it must set `design` to a kt_theory.study.Design"),
        ("other.py", b"design = 3", "other.py: it must set `design` to a kt_theory.study.Design"),
        ("wrong.py", b"design = 1 / 0", "wrong.py raised ZeroDivisionError: division by zero"),
        ("syntax.py", b"design = (", "syntax.py raised SyntaxError: "),
        (
            "family.py",
            b"import kt_theory as kt\n"
            b"family = lambda n: kt.instance(0, 2, 3 // n)\n"
            b"design = kt.study.Design('f', [kt.study.Panel('p', family, [1, 0])])\n",
            "family.py raised ZeroDivisionError: ",
        ),
        (
            "twice.py",
            b"import kt_theory as kt\n"
            b"design = kt.study.Design('f', [kt.study.Panel('p', kt.instance(0, 2, 3), [1])] * 2)\n",
            "twice.py: panels has 'p' twice: names must differ",
        ),
    ],
)
def test_a_file_that_is_no_design_is_refused(name, content, sentence, study):
    if content is not None:
        Path(name).write_bytes(content)
    code, _, err = study("run", name, "--out", "folder")
    assert code == cli.REFUSED
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("folder").exists()


def test_cells_outside_a_domain_are_skipped_if_so_wanted(study):
    Path("skip.toml").write_text(PANEL.replace("S = 2", "S = [2, 1000]") + 'outside = "skip"\nname = "p"\n')
    assert "name is 'p' for 2 panels" in study("run", "skip.toml")[2]
    Path("skip.toml").write_text("reps = 5\n" + PANEL.replace("S = 2", "S = [2, 1000]") + 'outside = "skip"\n')
    assert study("run", "skip.toml")[1].startswith("skip: 1 of 1 cells complete\n")


def test_a_teacher_beside_the_design_and_its_licence(study, here):
    (here / "designs").mkdir()
    (here / "designs" / "coin.csv").write_text("state,heads,tails\nfair,0.5,0.5\nbent,0.9,0.1\n")
    (here / "designs" / "coin.toml").write_text('reps = 5\n[[panel]]\nteacher = "coin.csv"\nn = [10]\n')
    assert study("run", "designs/coin.toml")[0] == cli.HELD
    assert study("status", "coin")[1].endswith("licence of the data: coin.csv: not stated\n")
    (here / "designs" / "coin.toml").write_text(
        'reps = 5\nlicence = "CC0-1.0"\n[[panel]]\nteacher = "coin.csv"\nn = [10]\n'
    )
    assert "batches: 0 drawn here" in study("run", "designs/coin.toml")[1]
    assert study("status", "coin")[1].endswith("licence of the data: CC0-1.0\n")


@pytest.mark.parametrize(("stem", "cells"), [("rates.toml", 100), ("next_word.toml", 4), ("own_family.py", 4)])
def test_the_designs_that_ship_run(stem, cells, tmp_path):
    design = kt.study.read_design(DESIGNS / stem)
    assert len(list(design.planned())) == cells
    assert design.name == Path(stem).stem
    quick = replace(design, reps=20, target_mcse=None, slope_se=None)
    assert not kt.study.run_in_folder(quick, tmp_path / "out").missing


def test_the_command_that_is_printed_goes_on(study, monkeypatch):
    # Oracle: identity, the folder `own_family` that the first run makes has the name of the design
    take, drawn = engine.take_back, []

    def once(*arguments):
        if drawn:
            raise KeyboardInterrupt
        drawn.append(take(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(engine, "take_back", once)
        patch.setattr(engine, "_finish", lambda *_: None)
        code, _, err = study("run", "own_family", "--workers", 1)
    assert code == cli.INTERRUPTED
    assert Path("own_family").is_dir()
    said, again = err.rstrip("\n").split("go on with: ")
    assert said.startswith("kt-theory: interrupted; 1 of ")
    assert cli.main(shlex.split(again)[1:]) == cli.HELD
    assert kt.study.status("own_family").done


@pytest.mark.parametrize(
    "line",
    ["rates --processes 8", "rates --scheduler tcp://10.0.0.1:8786", "rates --share 1/2", "next_word", "own_family"],
)
def test_a_folder_of_its_name_does_not_hide_a_design(line, study, monkeypatch):
    # Oracle: definition
    asked = []

    def stopped(design, folder, **_):
        asked.append((design.name, str(folder)))
        raise KeyboardInterrupt

    monkeypatch.setattr(kt.study, "run_in_folder", stopped)
    monkeypatch.setattr(cli.study, "_executor", lambda arguments: contextlib.nullcontext())
    name = line.split()[0]
    Path(name).mkdir()
    for _ in range(2):
        assert study("run", *line.split())[0] == cli.INTERRUPTED
    assert asked == [(name, name)] * 2


@pytest.mark.parametrize("name", ["rate", "rates/", "./rates", "designs/rates", "../designs/rates", ".", "README"])
def test_an_unknown_design_lists_those_that_ship(name, study):
    code, _, err = study("run", name)
    assert code == cli.REFUSED
    ships = "next_word, own_family, rates"
    assert err == f"kt-theory: error: {name}: a design is a .toml or a .py file, or one that ships: {ships}\n"


def test_an_empty_folder_name_is_refused(study):
    with pytest.raises(SystemExit) as stopped:
        study("run", "tiny.toml", "--out", "")
    assert stopped.value.code == cli.REFUSED


def test_a_design_that_ships_is_found_by_its_name(study):
    code, out, _ = study("run", "own_family")
    assert code == cli.HELD
    assert out.startswith("own_family: 4 of 4 cells complete\n")
    frame = kt.study.export("own_family").receipts
    for _, rows in frame.groupby("learner"):
        assert kt.fit_rate(rows["n"], rows["mean"], rows["mcse"]).slope_se < 0.0006


def test_names_reach_the_terminal_escaped(study, broken_cell):
    # Oracle: definition, a name may hold an escape sequence, a line feed or a mark that turns the text around
    name, panel = r"\u001b]0;x\u0007\u001b[2J", r"one\ntwo \u202e"
    Path("hostile.toml").write_text(
        f'name = "{name}"\nlicence = "{name}"\n'
        + TINY.replace("A = [3, 4]", "A = 3").replace("[[panel]]", f'[[panel]]\nname = "{panel}"')
    )
    for words in (
        ("run", "hostile.toml"),
        ("status", "hostile"),
        ("check", "hostile"),
        ("export", "hostile", "--out", "x.csv"),
    ):
        _, out, err = study(*words)
        for line in (out + err).splitlines():
            assert line.isprintable(), words
        assert r"one\ntwo" in out + err, words
    # The file keeps the name as it is.
    assert pd.read_csv("x.csv")["panel"].unique().tolist() == ["one\ntwo \u202e"]
