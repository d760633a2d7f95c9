"""The command line, run as a user runs it: what it prints, what it writes, and its exit code."""

import contextlib
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import cli, minimax


def in_process(*words):
    """Run the command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "kt_theory", *map(str, words)], capture_output=True, text=True)


def kt_theory(*words):
    """Run the command in this process: what it prints and its exit code; the process of its own costs two seconds."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture
def records(tmp_path):
    """Ten records of partial soft labels on two inputs and three labels; input 1 sees a label once."""
    path = tmp_path / "records.csv"
    rows = [(0, 0, 0.5)] * 5 + [(0, 1, 0.3)] * 3 + [(1, 2, 0.9)] * 2
    pd.DataFrame(rows, columns=["s", "a", "p"]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("command", [(), ("reproduce",), ("simulate",), ("fit",)])
def test_help_teaches(command):
    done = in_process(*command, "--help")
    assert done.returncode == 0
    assert "example:" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("study", "stem", "told", "words"),
    [
        ("figure1", "figure1_classic", "the paper prints no slope of it", ()),
        pytest.param("real", "real_teacher", "next word of English", ("--simulate",), marks=pytest.mark.slow),
    ],
)
def test_reproduce_draws_prints_and_a_script_is_the_same_study(
    study, stem, told, words, tmp_path, monkeypatch, capsys
):
    # Oracle: identity, the command and the script write the same bytes
    command, script = tmp_path / "command", tmp_path / "script"
    done = in_process("reproduce", study, *words, "--quick", "--out", command, "--workers", 1)
    assert done.returncode == 0, done.stderr
    names = {f"{stem}{end}" for end in ("_exact.csv", ".png", ".pdf", *([".csv"] if words else []))}
    assert {path.name for path in command.iterdir()} == names
    assert str((command / f"{stem}.png").resolve()) in done.stdout
    assert told in done.stdout
    assert "BROKEN" not in done.stdout
    assert "%|" not in done.stderr, "a progress bar was drawn where there is no terminal"

    file = Path(kt.__file__).parents[1] / "simulations" / f"{stem}.py"
    monkeypatch.setattr(sys, "argv", [str(file), *words, "--quick", "--json", "--out", str(script)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(file), run_name="__main__")
    assert end.value.code == cli.HELD
    rows = json.loads(capsys.readouterr().out)
    assert {row["learner"] for row in rows} >= {"CE_sgl", "SEL_ptl", "CE_ful"}
    assert all(row["held"] for row in rows)
    for name in names:
        assert (command / name).read_bytes() == (script / name).read_bytes(), name


def test_a_broken_bound_exits_one(tmp_path, monkeypatch, capsys):
    wrong = {"CE_ful": lambda n, S, A: 1e-3 * kt.bounds.soft_upper_mean(S=S, A=A, n=n)}
    monkeypatch.setattr(kt.claims, "UPPER", wrong)
    script = tmp_path / "study.py"
    script.write_text(
        "import kt_theory as kt\n"
        "def main(options):\n"
        "    panel = kt.study.Panel('p', lambda n: kt.instance(3, 10, 3, n), [100, 1000])\n"
        "    return kt.claims.scoreboard(kt.study.run([panel], 50, options.seed), {})\n"
    )
    monkeypatch.setattr(cli.reproduce, "_load_study", lambda stem: runpy.run_path(str(script))["main"])
    assert cli.main(["reproduce", "figure1", "--quick", "--out", str(tmp_path)]) == cli.BROKEN
    assert "BROKEN" in capsys.readouterr().out


def test_simulate_prints_and_writes(tmp_path):
    out = tmp_path / "receipts.csv"
    done = kt_theory("simulate", "--instance", 0, "--S", 3, "--A", 4, "--n", 10, "1e9", "--reps", 50, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "1000000000" in done.stdout
    assert len(pd.read_csv(out)) == 8


def test_simulate_is_the_function():
    # Oracle: identity, the command gives what kt.simulate gives
    words = [
        "simulate",
        "--instance",
        "1",
        "--S",
        "2",
        "--A",
        "4",
        "--n",
        "100",
        "--reps",
        "30",
        "--seed",
        "5",
        "--learners",
        "CE_sgl",
        "--json",
    ]
    row = json.loads(kt_theory(*words).stdout)[0]
    expected = kt.simulate(kt.instance(1, 2, 4, 100), "CE_sgl", 100, 30, 5)
    assert row["mean"] == pytest.approx(expected["mean"].item(), rel=1e-14, abs=0)
    assert row["cell"] == expected["cell"].item()


def test_simulate_takes_teachers_from_files_and_from_the_package(tmp_path):
    path = tmp_path / "teacher.csv"
    kt.tables.write_teacher(kt.Problem([0.25, 0.75], [[0.5, 0.5], [1.0, 0.0]]), path)
    assert kt_theory("simulate", "--teacher", path, "--n", 10, "--reps", 10).returncode == 0
    assert kt_theory("simulate", "--bundled", "next_word", "--n", 10, "--reps", 10).returncode == 0


def test_simulate_aims_at_an_error():
    words = [
        "simulate",
        "--instance",
        "0",
        "--S",
        "2",
        "--A",
        "3",
        "--n",
        "20",
        "--target-mcse",
        "0.01",
        "--relative",
        "--learners",
        "CE_sgl",
        "--json",
    ]
    row = json.loads(kt_theory(*words).stdout)[0]
    assert row["mcse"] <= 0.01 * row["mean"]


def test_fit_says_what_was_never_seen_and_writes_the_students(records, tmp_path):
    # Oracle: enumeration by hand. Input 0: 1 - 0.8 = 0.2 missing, one unseen label. Input 1: 0.1 over two labels.
    out = tmp_path / "students.csv"
    done = kt_theory("fit", records, "--S", 3, "--A", 4, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "10 records of partial soft labels: 3 inputs, 4 labels, 3 of 12 pairs seen" in done.stdout
    assert "inputs never seen: 1 (2)" in done.stdout
    assert "labels never seen at any input: 1 (3)" in done.stdout
    assert "averaged over the records: 0.18" in done.stdout
    table = pd.read_csv(out, float_precision="round_trip")  # pandas below 3 is off by some last digits otherwise
    sel = table["SEL_ptl"].to_numpy().reshape(3, 4)
    np.testing.assert_allclose(sel, [[0.5, 0.3, 0.1, 0.1], [0.1 / 3, 0.1 / 3, 0.9, 0.1 / 3], [0.25] * 4], rtol=1e-15)
    sgl = table["CE_sgl"].to_numpy().reshape(3, 4)
    np.testing.assert_allclose(sgl, [[0.625, 0.375, 0, 0], [0, 0, 1, 0], [0.25] * 4], rtol=1e-15)
    ptl = table["CE_ptl"].to_numpy().reshape(3, 4)
    np.testing.assert_allclose(ptl, [[2.5 / 3.4, 0.9 / 3.4, 0, 0], [0, 0, 1, 0], [0.25] * 4], rtol=1e-15)


def test_fit_speaks_json(records):
    found = json.loads(kt_theory("fit", records, "--json", "--A", 3).stdout)
    assert found["n"] == 10
    assert found["learners"] == ["CE_sgl", "CE_ptl", "SEL_ptl", "ADD_sgl"]
    assert found["missing mass per input"] == pytest.approx({"0": 0.2, "1": 0.1})
    assert found["self-audit"]["learner"] == "SEL_ptl"


def test_fit_of_hard_labels_fits_what_it_can(tmp_path):
    path = tmp_path / "hard.csv"
    path.write_text("state,action\nx,yes\nx,no\nx,yes\n")
    done = kt_theory("fit", path)
    assert "3 records of hard labels" in done.stdout
    assert "not told by hard labels; about 0.3333 (Good-Turing estimate)" in done.stdout
    assert "CE_sgl" in done.stdout
    assert "SEL_ptl" not in done.stdout


def test_fit_reads_log_probabilities_parquet_alphabets_and_init(tmp_path):
    # Oracle: enumeration by hand. Missing mass 0.5 is shared 3:1 as the init says.
    path = tmp_path / "records.parquet"
    pd.DataFrame({"state": ["x"], "action": ["yes"], "logprob": [np.log(0.5)]}).to_parquet(path)
    names = tmp_path / "labels.txt"
    names.write_text("no\nyes\nperhaps\n")
    init = tmp_path / "init.csv"
    kt.tables.write_teacher(kt.Problem([1.0], [[0.2, 0.6, 0.2]], states=["x"], actions=["yes", "no", "perhaps"]), init)
    out = tmp_path / "students.parquet"
    done = kt_theory("fit", path, "--actions", names, "--init", init, "--out", out)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    assert table["action"].tolist() == ["no", "yes", "perhaps"]
    np.testing.assert_allclose(table["SEL_ptl"], [0.375, 0.5, 0.125], rtol=1e-15)


GOOD = "s,a,p\n0,0,0.5\n0,1,0.25\n"
TEACHER = "state,action,probability\nx,yes,0.5\nx,no,0.5\n"

#: What a user gets wrong: the words typed, the file "input.csv" beside them, and what the sentence must name.
BAD = {
    "no such file": (["fit", "nowhere.csv"], GOOD, "nowhere.csv"),
    "a folder": (["fit", "."], GOOD, "."),
    "wrong suffix": (["fit", "input.txt"], GOOD, "input.txt"),
    "empty file": (["fit", "input.csv"], "", "input.csv"),
    "header only": (["fit", "input.csv"], "s,a,p\n", "must be given, --states and --actions"),
    "ragged line": (["fit", "input.csv"], GOOD + "0,1,0.25,7\n", "input.csv"),
    "no state column": (["fit", "input.csv"], GOOD.replace("s,", "x,", 1), "no state column"),
    "no action column": (["fit", "input.csv"], GOOD.replace(",a,", ",x,"), "no action column"),
    "two state columns": (["fit", "input.csv"], "s,state,a\n0,0,0\n", "2 state columns, s and state"),
    "probability and logarithm": (["fit", "input.csv"], "s,a,p,logp\n0,0,1,0\n", "both a probability"),
    "probability above 1": (["fit", "input.csv"], GOOD.replace("0.25", "1.25"), "line 3: p is 1.25"),
    "probability 0": (["fit", "input.csv"], GOOD.replace("0.25", "0"), "line 3: p is 0"),
    "negative probability": (["fit", "input.csv"], GOOD.replace("0.25", "-0.25"), "line 3: p is -0.25"),
    "probability nan": (["fit", "input.csv"], GOOD.replace("0.25", "nan"), "nan"),
    "probability in words": (["fit", "input.csv"], GOOD.replace("0.25", "half"), "half"),
    "logarithm above 0": (["fit", "input.csv"], "s,a,logp\n0,0,0.1\n", "line 2: logp is 0.1"),
    "logarithm of 0": (["fit", "input.csv"], "s,a,logp\n0,0,-inf\n", "line 2: logp is -inf: this is no"),
    "contradiction": (
        ["fit", "input.csv"],
        GOOD + "0,1,0.26\n",
        "('0', '1') has probability 0.26 on line 4, 0.25 on line 3",
    ),
    "too much mass": (["fit", "input.csv"], GOOD + "0,2,0.5\n", "input '0' sum to 1.25"),
    "too little mass": (["fit", "input.csv"], GOOD, "or one more that takes the rest with --other <other>"),
    "unknown label": (["fit", "input.csv", "--A", "1"], GOOD, "line 3: a '1' is not among the 1 actions given"),
    "unknown input": (["fit", "input.csv", "--S", "1", "--A", "3"], GOOD + "7,0,0.1\n", "line 4: s '7' is not among"),
    "empty state": (["fit", "input.csv"], GOOD + ",0,0.1\n", "line 4: s is missing"),
    "S of 0": (["fit", "input.csv", "--S", "0"], GOOD, "--S: it is 0"),
    "S of 1.5": (["fit", "input.csv", "--S", "1.5"], GOOD, "--S: it is 1.5"),
    "S in words": (["fit", "input.csv", "--S", "two"], GOOD, "'two' is not a number"),
    "negative tolerance": (["fit", "input.csv", "--A", "3", "--tolerance", "-1"], GOOD, "--tolerance: it is -1"),
    "two alphabets": (["fit", "input.csv", "--A", "3", "--actions", "input.csv"], GOOD, "--actions and --A"),
    "output nowhere to go": (["fit", "input.csv", "--A", "3", "--out", "input.csv/x.csv"], GOOD, "input.csv"),
    "output of unknown kind": (["fit", "input.csv", "--A", "3", "--out", "x.docx"], GOOD, "x.docx"),
    "init of another shape": (["fit", "input.csv", "--A", "3", "--init", "input.csv"], GOOD, "input.csv"),
    "row off 1": (["simulate", "--teacher", "input.csv", "--n", "1"], TEACHER.replace("0.5\n", "0.500001\n", 1), "x"),
    "row of nothing": (["simulate", "--teacher", "input.csv", "--n", "1"], TEACHER.replace("0.5", "0"), "x"),
    "negative mass": (["simulate", "--teacher", "input.csv", "--n", "1"], TEACHER.replace("0.5", "-0.5", 1), "-0.5"),
    "pair twice": (["simulate", "--teacher", "input.csv", "--n", "1"], TEACHER + "x,no,0.5\n", "no"),
    "n negative": (["simulate", "--teacher", "input.csv", "--n=-1"], TEACHER, "--n: it is -1"),
    "n of 1.5": (["simulate", "--teacher", "input.csv", "--n", "1", "1.5"], TEACHER, "--n: it is 1.5"),
    "n above int64": (
        ["simulate", "--teacher", "input.csv", "--n", "9223372036854775808"],
        TEACHER,
        "9223372036854775808",
    ),
    "n infinite": (["simulate", "--teacher", "input.csv", "--n", "inf"], TEACHER, "--n: it is inf"),
    "reps 0": (["simulate", "--teacher", "input.csv", "--n", "1", "--reps", "0"], TEACHER, "--reps: it is 0"),
    "seed negative": (["simulate", "--teacher", "input.csv", "--n", "1", "--seed=-1"], TEACHER, "--seed: it is -1"),
    "workers 0": (["simulate", "--teacher", "input.csv", "--n", "1", "--workers", "0"], TEACHER, "--workers: it is 0"),
    "unknown learner": (["simulate", "--teacher", "input.csv", "--n", "1", "--learners", "CE"], TEACHER, "'CE'"),
    "target 0": (
        ["simulate", "--teacher", "input.csv", "--n", "1", "--target-mcse", "0"],
        TEACHER,
        "--target-mcse: it is 0",
    ),
    "no S": (["simulate", "--instance", "0", "--A", "2", "--n", "1"], "", "--S is missing"),
    "S with a file": (["simulate", "--teacher", "input.csv", "--S", "2", "--n", "1"], TEACHER, "--S is 2"),
    "n too small": (["simulate", "--instance", "1", "--S", "9", "--A", "8", "--n", "1"], "", "needs n >= 5"),
    "A too small": (["simulate", "--instance", "2", "--S", "1", "--A", "2", "--n", "9"], "", "A is 2"),
    "unknown instance": (["simulate", "--instance", "4", "--S", "1", "--A", "2", "--n", "9"], "", "4"),
    "unknown bundled": (["simulate", "--bundled", "nobody", "--n", "1"], "", "nobody"),
    "relative of nothing": (["simulate", "--teacher", "input.csv", "--n", "1", "--relative"], TEACHER, "--relative"),
    "normalise nothing": (["simulate", "--bundled", "next_word", "--n", "1", "--normalise"], "", "--normalise goes"),
    "receipts as Parquet": (
        ["simulate", "--teacher", "input.csv", "--n", "1", "--out", "x.parquet"],
        TEACHER,
        "x.parquet: its name must end in .csv",
    ),
    "folder that is a file": (
        ["simulate", "--teacher", "input.csv", "--n", "1", "--out", "input.txt/x.csv"],
        TEACHER,
        "cannot be written",
    ),
    "too many repeats": (["simulate", "--teacher", "input.csv", "--n", "1", "--reps", "1e15"], TEACHER, "reps is 1000"),
    "minimax of no labels": (["minimax", "--protocol", "soft", "--S", "1", "--A", "0", "--n", "1"], "", "--A: it is 0"),
    "unknown study": (["reproduce", "figure9"], "", "figure9"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_exit_code_two(case, tmp_path, monkeypatch, capsys):
    words, content, named = BAD[case]
    (tmp_path / "input.csv").write_text(content)
    (tmp_path / "input.txt").write_text(content)
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main(words)
    except SystemExit as stopped:
        code = stopped.code
    printed = capsys.readouterr()
    assert code == cli.REFUSED
    assert printed.out == ""
    *usage, last = printed.err.strip().splitlines()
    assert named in last
    assert "error: " in last
    assert not usage or usage[0].startswith("usage: "), "more than one sentence was said"


@pytest.mark.parametrize("cut", [0, 1, 10, 0.5, -1])
def test_a_truncated_parquet_file_is_refused(cut, tmp_path, capsys):
    whole = tmp_path / "whole.parquet"
    pd.DataFrame({"s": range(100), "a": 0}).to_parquet(whole)
    content = whole.read_bytes()
    path = tmp_path / "cut.parquet"
    path.write_bytes(content[: int(cut * len(content)) if isinstance(cut, float) else cut])
    assert cli.main(["fit", str(path)]) == cli.REFUSED
    printed = capsys.readouterr()
    assert len(printed.err.strip().splitlines()) == 1
    assert "cut.parquet" in printed.err


def test_minimax_prints_the_interval_the_teacher_and_the_student(tmp_path):
    # Oracle: published, theory of the exact game: S = 1, A = 3, n = 2 has minimax risk 1/8
    out = tmp_path / "worst.csv"
    done = kt_theory("minimax", "--protocol", "partial", "--S", 1, "--A", 3, "--n", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "minimax risk, partial labels, S=1, A=3, n=2: = 0.125 (SEL_ptl)" in done.stdout
    assert "1 input of mass 1: labels" in done.stdout
    assert kt.tables.read_teacher(out).A == 3
    found = json.loads(kt_theory("minimax", "--protocol", "soft", "--S", 2, "--A", 2, "--n", 2, "--json").stdout)
    assert found["lower"] == found["upper"] == 0.125
    assert found["exact"] is True
    assert found["lower_end"] == {"value": 0.125, "statement": "Dirac rows at uniform labels", "grade": "proved"}


def test_minimax_says_what_is_proved_and_how_far_it_is(monkeypatch, capsys):
    # Oracle: identity, the fields of the result in words; a line on standard error for each round of a game
    monkeypatch.setattr(minimax, "PAUSE", 0.0)
    monkeypatch.setattr(minimax.hard, "_GAMES", {})  # as in a new process
    assert cli.main(["minimax", "--protocol", "hard", "--S", "1", "--A", "3", "--n", "5"]) == 0
    said = capsys.readouterr()
    assert "proved but for an error that is estimated: a linear program" in said.out
    assert "numerical, not proved: worst risk of its rule" in said.out
    assert "game of S=1, A=3, n=5, round 1: between" in said.err


def test_json_keeps_every_digit():
    # Oracle: identity, what is printed is what the function gives, to the last bit
    words = ["--instance", 3, "--S", 2, "--A", 3, "--n", "1e12", "--reps", 50, "--learners", "CE_sgl", "--json"]
    row = json.loads(kt_theory("simulate", *words).stdout)[0]
    assert row["mean"] == kt.simulate(kt.instance(3, 2, 3, 10**12), "CE_sgl", 10**12, 50)["mean"].item()


def test_a_reader_who_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m kt_theory simulate --instance 0 --S 2 --A 2 --n 5 --reps 5 --json | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


def test_an_installation_that_cannot_cache_still_runs():
    code = (
        "import numba.core.caching as caching\n"
        "caching._CacheLocator.from_function = classmethod(lambda *_: None)\n"
        "for locator in caching.CacheImpl._locator_classes:\n"
        "    locator.from_function = classmethod(lambda *_: None)\n"
        "from kt_theory import cli\n"
        "words = ['simulate', '--instance', '0', '--S', '2', '--A', '2', '--n', '5', '--learners', 'CE_ful']\n"
        "raise SystemExit(cli.main(words))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_links_stay_links_and_devices_stay_devices(tmp_path):
    import os

    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    words = ["simulate", "--instance", "0", "--S", "2", "--A", "2", "--n", "5", "--reps", "5", "--out"]
    assert cli.main([*words, str(tmp_path / "link.csv")]) == cli.HELD
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("problem,")
    os.mkfifo(tmp_path / "pipe.csv")
    assert cli.main([*words, str(tmp_path / "pipe.csv")]) == cli.REFUSED


def test_ctrl_c_is_not_a_traceback(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.reproduce, "run_studies", interrupted)
    assert cli.main(["reproduce", "figure1"]) == cli.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err
