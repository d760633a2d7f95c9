"""Odd values in every option of every command: a result, or one sentence and exit code 2; never a traceback."""

import inspect
import os
import re

import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import cli

#: What scripts, spreadsheets, unset variables and attackers put in the place of a value.
ODD = [
    *("", " ", "-", "--", "nan", "inf", "-inf", "-1", "0", "1", "1.5", "1e400", "-1e400", "1e-300", "1e200", "1e18"),
    *("9223372036854775807", "9223372036854775808", "9" * 5000, "0x10", "1_000", "\u0661", "True", "None", "1,2"),
    *("../nowhere/\u202e\u001b[31m.csv", "nul\0.csv", "/dev/full", "a" * 300 + ".csv", "."),
]

TEACHER = ["simulate", "--teacher", "teacher.csv", "--n", "3", "--reps", "5"]
INSTANCE = ["simulate", "--instance", "1", "--S", "2", "--A", "2", "--n", "10", "--reps", "5"]
MINIMAX = ["minimax", "--protocol", "soft", "--S", "2", "--A", "2", "--n", "3"]
FIT = ["fit", "records.csv", "--A", "3"]
RUN = ["study", "run", "tiny.toml"]

#: A command that works -> the options to put odd values into, beside or in the place of those that it has.
COMMANDS = {
    "simulate a teacher": (TEACHER, ["--teacher", "--n", "--reps", "--seed", "--out", "--workers", "--learners"]),
    "simulate an instance": (INSTANCE, ["--instance", "--S", "--A", "--protocol", "--divergence"]),
    "simulate to an error": ([*INSTANCE, "--max-reps", "10", "--target-mcse", "0.1"], ["--target-mcse", "--max-reps"]),
    "simulate what ships": (["simulate", "--bundled", "next_word", "--n", "3", "--reps", "5"], ["--bundled"]),
    "fit": (FIT, ["--states", "--actions", "--S", "--A", "--init", "--tolerance", "--told-as", "--out", "--other"]),
    "fit a log": (
        ["fit", "log.jsonl"],
        ["--input", "--label", "--requests", "--format", "--logprobs-are", "--columns", "--skip-bad"],
    ),
    "convert": (["convert", "log.jsonl", "--out", "records.parquet"], ["--out"]),
    "check a log": (["check-log", "records.csv"], ["--level", "--temperature", "--seed"]),
    "audit a student": (["audit-student", "audit.csv"], ["--sampled", "--delta", "--seed"]),
    "plan": (
        ["plan", "--S", "2", "--A", "2", "--target", "0.3", "--protocols", "soft"],
        ["--target", "--acceptance", "--confidence", "--protocols", "--cost"],
    ),
    "plan from a pilot": (
        ["plan", "--pilot", "records.csv", "--A", "3", "--target", "0.9", "--protocols", "soft"],
        ["--pilot", "--annotations", "--out", "--plot"],
    ),
    "storage": (
        ["storage", "--teacher", "teacher.csv", "--numbers", "1", "--visits", "1"],
        ["--numbers", "--visits", "--method", "--storages"],
    ),
    "losses": (["losses"], ["--protocol"]),
    "limit": (["limit", "focal", "--p", "0.5", "0.5"], ["--set", "--p"]),
    "audit": (
        ["audit", "brier", "--p", "0.5", "0.5"],
        ["--set", "--p", "--protocol", "--n", "--seed", "--figure", "--require"],
    ),
    "minimax": (MINIMAX, ["--protocol", "--S", "--A", "--n", "--out"]),
    "verify": (
        ["verify", "--statement", "zz-3.1"],
        ["--level", "--statement", "--file", "--report", "--junit", "--seed", "--out"],
    ),
    "playground": (["playground"], ["--out"]),
    "reproduce": (["reproduce", "figure1", "--out", "figures"], ["--out", "--seed", "--workers"]),
    "study run": (RUN, ["--out", "--workers", "--processes", "--scheduler", "--share", "--seed"]),
    "study check": (["study", "check", "tiny"], ["--workers"]),
    "study export": (["study", "export", "tiny", "--out", "tiny.csv"], ["--out"]),
}

#: Commands whose words without a name are odd.
POSITIONS = {
    "fit": ["fit", None],
    "limit": ["limit", None, "--p", "0.5", "0.5"],
    "audit": ["audit", None, "--p", "0.5", "0.5"],
    "help": ["help", None],
    "reproduce": ["reproduce", None],
    "study run": ["study", "run", None],
    "study status": ["study", "status", None],
    "study check": ["study", "check", None],
    "study merge": ["study", "merge", "into", None],
    "study merge into": ["study", "merge", None, "tiny"],
    "study export": ["study", "export", None, "--out", "tiny.csv"],
    "study replay": ["study", "replay", None, "x"],
    "study replay a batch": ["study", "replay", "tiny", None],
    "nothing": [None],
}

TINY = "reps = 5\n[[panel]]\ninstance = 0\nS = 2\nA = 3\nn = [3]\nlearners = ['CE_sgl']\n"


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """A folder with what the commands read, and a `reproduce` and a `verify` that cost nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teacher.csv").write_text("state,action,probability\nx,yes,0.5\nx,no,0.5\n")
    (tmp_path / "records.csv").write_text("s,a,p\n0,0,0.5\n0,1,0.25\n")
    (tmp_path / "log.jsonl").write_text('{"uid": "a", "label_counter": {"x": 2, "y": 1}}\n')
    (tmp_path / "audit.csv").write_text("p,q\n0.5,0.25\n0.25,0.5\n")
    (tmp_path / "tiny.toml").write_text(TINY)

    def nothing(options):
        columns = {"panel": ["p"], "learner": ["CE_sgl"], "points": 0, "checked": 0, "held": True, "resolved": True}
        numbers = ("theory", "published", "slope", "slope_se", "n_min", "n_max", "exact_slope")
        numbers = (*numbers, "above_lower", "below_upper")
        return pd.DataFrame({**columns, **dict.fromkeys(numbers, float("nan"))})

    monkeypatch.setattr(cli.reproduce, "_load_study", lambda stem: nothing)
    monkeypatch.setattr(kt.ledger, "try_all", lambda *_, **__: iter(()))
    assert cli.main(RUN) == cli.HELD
    capsys.readouterr()
    return tmp_path


def check_said(words, capsys):
    """Run a command; it must end well, or in one sentence and exit code 2."""
    try:
        code = cli.main(words)
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    *before, last = said.err.strip().splitlines() or [""]
    assert code in (cli.HELD, cli.BROKEN, cli.REFUSED), (words, code)
    assert "Traceback" not in said.err, words
    assert said.err.replace("\n", "").isprintable(), words
    assert len(last) < 1000, words
    if code == cli.REFUSED:
        assert "error: " in last, (words, said.err)
        assert said.out == "", words
        assert sum("error: " in line for line in [*before, last]) == 1, (words, said.err)
    return code


@pytest.mark.parametrize(
    ("command", "option"), [(c, option) for c, (_, options) in COMMANDS.items() for option in options]
)
def test_an_odd_value_of_an_option_is_no_traceback(command, option, here, capsys):
    words, _ = COMMANDS[command]
    if option in words:
        at = words.index(option)
        words = [*words[:at], *words[at + 2 :]]
    for value in ODD:
        check_said([*words, f"{option}={value}"], capsys)
    assert (here / "teacher.csv").read_text().startswith("state,action")


@pytest.mark.parametrize("command", POSITIONS)
def test_an_odd_word_is_no_traceback(command, here, capsys):
    for value in ODD:
        check_said([value if word is None else word for word in POSITIONS[command]], capsys)


#: A command -> the function that answers it.
ANSWERED_BY = {
    "audit": kt.audit,
    "audit-student": kt.audit_student,
    "check-log": kt.check_log,
    "plan": kt.plan,
    "simulate": kt.simulate,
    "storage": kt.best_storage,
    "verify": kt.verify,
}


@pytest.mark.parametrize("command", ANSWERED_BY)
def test_a_command_and_its_function_have_the_same_defaults(command):
    # Oracle: second door, typed in two places: the option's default, its help, and the function's default
    (commands,) = (action.choices for action in cli.parser()._actions if isinstance(action.choices, dict))
    parameters, compared = inspect.signature(ANSWERED_BY[command]).parameters, set()
    for action in commands[command]._actions:
        if action.option_strings and action.dest in parameters and action.default not in (None, ()):
            assert action.default == parameters[action.dest].default, action.dest
            if said := re.search(r"\(default: ([^,)]+)", action.help):
                assert said[1] == str(action.default), action.dest
            compared.add(action.dest)
    assert compared & {"seed", "level", "delta", "confidence"}


def test_every_option_is_tried():
    """No command has an option that takes a value and is not in the lists above."""
    tried = {option for _, options in COMMANDS.values() for option in options}

    def options(parser):
        for action in parser._actions:
            if isinstance(action.choices, dict):
                for name, below in action.choices.items():
                    yield from ((f"{name} {path}".strip(), option) for path, option in options(below))
            elif action.option_strings and action.nargs != 0:
                yield "", action.option_strings[-1]

    assert {option for _, option in options(cli.parser())} == tried


# --- What must be refused before any work --------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "records.csv", "--A", "3", "--out", "records.csv"],
        ["fit", "records.csv", "--A", "3", "--out", "./records.csv"],
        ["fit", "records.csv", "--A", "3", "--out", "link.csv"],
        ["fit", "records.csv", "--actions", "names.csv", "--out", "names.csv"],
        ["fit", "records.csv", "--A", "3", "--states", "names.csv", "--out", "names.csv"],
        ["fit", "records.csv", "--A", "3", "--init", "teacher.csv", "--out", "teacher.csv"],
        ["simulate", "--teacher", "teacher.csv", "--n", "3", "--reps", "5", "--out", "teacher.csv"],
    ],
)
def test_an_output_that_is_an_input_is_refused(words, here, capsys):
    (here / "link.csv").symlink_to("records.csv")
    (here / "names.csv").write_text("0\n1\n2\n")
    before = {path.name: path.read_bytes() for path in here.iterdir() if path.is_file()}
    assert check_said(words, capsys) == cli.REFUSED
    assert {path.name: path.read_bytes() for path in here.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([*INSTANCE, "--out="], "argument --out: it is ''"),
        (["reproduce", "figure1", "--out="], "argument --out: it is ''"),
        (["reproduce", "figure1", "--workers", "0"], "argument --workers: it is 0: it must be at least 1"),
        ([*RUN, "--processes", "1e9"], "argument --processes: it is 1e9: it must be at most 1024"),
        (["fit", "records.csv", "--S", "1e9"], "argument --S: it is 1e9: it must be at most 10000000"),
        ([*INSTANCE, "--target-mcse", "0.1", "--max-reps", "1e18"], "1000000000000000000"),
        ([*INSTANCE, "--out", "loop.csv"], "loop.csv is a link that leads back to itself"),
        (["study", "export", "tiny", "--out", "loop.csv"], "loop.csv is a link that leads back to itself"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(words, named, here, capsys, monkeypatch):
    os.symlink("loop.csv", "loop.csv")
    monkeypatch.setattr(kt.tables, "read_records", lambda *_, **__: pytest.fail("work was begun"))
    try:
        code = cli.main(words)
    except SystemExit as stopped:
        code = stopped.code
    assert code == cli.REFUSED
    assert named in capsys.readouterr().err


def test_a_number_is_exact():
    # Oracle: enumeration, of the spellings of one number
    read = cli.options.whole()
    assert read("12345678901234567") == 12345678901234567
    assert read("1e9") == read("1000000000.0") == read("1_000_000_000") == 10**9
    assert isinstance(read("1e9"), int)
