"""What each command reads of its words, the limits of each option, and what it hands to the function that answers."""

import math
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.cli.fit import NAMES_MAX
from kt_theory.cli.options import LARGEST, WORKERS_MAX
from kt_theory.cli.printing import count, print_json, terminal_width

LOG_OPTIONS = {"input": None, "label": None, "requests": None, "format": None, "logprobs_are": None}
LOG_WORDS = "--input prompt --label all --requests q.jsonl --format openai --logprobs-are logarithms"
LOG_GIVEN = {
    "input": "prompt",
    "label": "all",
    "requests": "q.jsonl",
    "format": "openai",
    "logprobs_are": "logarithms",
}
COLUMNS = {"columns": {"state": "q", "action": ["a", "b", "c"]}}
COLUMN_WORDS = "--columns state=q action=a action=b action=c"
STORAGE_WORDS = "storage --numbers 3 --visits 1"

#: A command with nothing but what it needs -> what it reads of that.
LEAST = {
    "reproduce": {"study": "all", "simulate": False, "quick": False, "out": None, "seed": None, "workers": None}
    | {"json": False},
    "verify": {"level": "quick", "statement": None, "file": None, "report": None, "no_planted": False, "seed": 1}
    | {"out": None, "junit": None, "json": False, "json_schema": False},
    "simulate --bundled x --n 1": {"instance": None, "teacher": None, "bundled": "x", "S": None, "A": None}
    | {"normalise": False, "columns": None, "add_repeats": False, "other": None, "n": [1], "learners": None}
    | {"protocol": None, "divergence": "tv", "reps": 1000, "target_mcse": None, "relative": False, "max_reps": None}
    | {"control": False, "seed": 0, "out": None, "workers": None, "json": False},
    "convert x --out y": {"logs": ["x"], "out": "y", "json": False} | LOG_OPTIONS,
    "fit x": {"records": ["x"], "columns": None, "skip_bad": None, "states": None, "actions": None, "S": None}
    | {"A": None, "other": None, "drop_untold": False, "told_as": None, "init": None, "normalise": False}
    | {"tolerance": None, "out": None, "json": False, **LOG_OPTIONS},
    "check-log x": {"logs": ["x"], "columns": None, "level": 0.01, "temperature": None, "seed": 0, "in_order": False}
    | {"json": False, **LOG_OPTIONS},
    "audit-student x": {"records": "x", "sampled": "teacher", "delta": 0.05, "seed": 0, "json": False},
    "plan --S 2 --A 3 --target 0.5": {"pilot": None, "teacher": None, "bundled": None, "S": 2, "A": 3, "target": 0.5}
    | {"acceptance": None, "confidence": 0.9, "on_average": False, "protocols": None, "cost": (), "annotations": None}
    | {"out": None, "states": None, "actions": None, "normalise": False, "columns": None, "other": None, "seed": 0}
    | {"plot": None, "json": False, **LOG_OPTIONS},
    STORAGE_WORDS: {"log": [], "columns": None, "teacher": None, "bundled": None, "numbers": 3}
    | {"visits": [1], "storages": None, "method": "auto", "normalise": False, "other": None, "seed": 0, "json": False}
    | LOG_OPTIONS,
    "minimax --protocol soft --S 1 --A 2 --n 3": {"protocol": "soft", "S": 1, "A": 2, "n": 3, "out": None}
    | {"json": False},
    "losses": {"protocol": None, "consistent": False, "json": False},
    "limit brier --p 0.5": {"loss": "brier", "set": [], "p": [0.5], "json": False},
    "audit brier": {"loss": "brier", "set": [], "protocol": None, "p": None, "n": None, "seed": 0, "figure": None}
    | {"require": None, "json": False},
    "playground": {"out": "playground.html"},
    "help": {"about": []},
    "study run x": {"design": "x", "out": None, "workers": None, "processes": None, "scheduler": None, "share": None}
    | {"seed": None, "json": False},
    "study status x": {"folder": "x", "json": False},
    "study check x": {"folder": "x", "dry_run": False, "workers": None, "json": False},
    "study merge x y": {"into": "x", "others": ["y"], "json": False},
    "study export x": {"folder": "x", "out": "-"},
    "study plot x": {"folder": "x", "out": None},
    "study replay x y": {"folder": "x", "batch": "y"},
}

#: Words that give every option, as far as they go together -> what differs from the least.
MOST = [
    (
        "reproduce figure1 --simulate --quick --out x --seed 7 --workers 2 --json",
        "reproduce",
        {"study": "figure1", "simulate": True, "quick": True, "out": "x", "seed": 7, "workers": 2, "json": True},
    ),
    (
        "verify --level full --statement a b --file f.py --report r.html --no-planted --seed 4 --out t.csv "
        "--junit j.xml --json --json-schema",
        "verify",
        {"level": "full", "statement": ["a", "b"], "file": "f.py", "report": "r.html", "no_planted": True, "seed": 4}
        | {"out": "t.csv", "junit": "j.xml", "json": True, "json_schema": True},
    ),
    (
        f"simulate --teacher t.csv --S 1 --A 2 --normalise {COLUMN_WORDS} --add-repeats --other --n 1 1e9 "
        "--learners a b --protocol top_k:2 --protocol rounded:2 --divergence kl --reps 5 --target-mcse 0.5 --relative "
        "--max-reps 9 --control --seed 3 --out o.csv --workers 1024 --json",
        "simulate --bundled x --n 1",
        {"teacher": "t.csv", "bundled": None, "S": 1, "A": 2, "normalise": True, **COLUMNS, "add_repeats": True}
        | {"other": "<other>", "n": [1, 10**9], "learners": ["a", "b"], "protocol": ["top_k:2", "rounded:2"]}
        | {"divergence": "kl", "reps": 5, "target_mcse": 0.5, "relative": True, "max_reps": 9, "control": True}
        | {"seed": 3, "out": "o.csv", "workers": 1024, "json": True},
    ),
    *(
        (f"simulate --instance {i} --n 0", "simulate --bundled x --n 1", {"instance": i, "bundled": None, "n": [0]})
        for i in range(4)
    ),
    (f"convert a b {LOG_WORDS} --out y --json", "convert x --out y", {"logs": ["a", "b"], "json": True, **LOG_GIVEN}),
    (
        f"fit a b {LOG_WORDS} {COLUMN_WORDS} --skip-bad bad.csv --states s --actions c --S 1 --A {NAMES_MAX} "
        "--other rest --drop-untold --told-as rounded:2 --init i.csv --normalise --tolerance 0 --out o.csv --json",
        "fit x",
        {"records": ["a", "b"], **COLUMNS, "skip_bad": "bad.csv", "states": "s", "actions": "c", "S": 1}
        | {"A": NAMES_MAX, "other": "rest", "drop_untold": True, "told_as": "rounded:2", "init": "i.csv"}
        | {"normalise": True, "tolerance": 0.0, "out": "o.csv", "json": True, **LOG_GIVEN},
    ),
    (
        f"check-log a b {LOG_WORDS} {COLUMN_WORDS} --level 0.5 --temperature 0.7 --seed 2 --in-order --json",
        "check-log x",
        {"logs": ["a", "b"], "level": 0.5, "temperature": 0.7, "seed": 2, "in_order": True, "json": True}
        | COLUMNS
        | LOG_GIVEN,
    ),
    (
        "audit-student a --sampled both --delta 0.5 --seed 5 --json",
        "audit-student x",
        {"records": "a", "sampled": "both", "delta": 0.5, "seed": 5, "json": True},
    ),
    (
        f"plan --pilot a b --A 1 --acceptance 0.8 --confidence 0.5 --on-average --protocols hard soft --cost hard=1 "
        f"--annotations per-item --out o.csv --states s --actions c --normalise {COLUMN_WORDS} {LOG_WORDS} --other "
        "--seed 6 --plot p.png --json",
        "plan --S 2 --A 3 --target 0.5",
        {"pilot": ["a", "b"], "S": None, "A": 1, "target": None, "acceptance": 0.8, "confidence": 0.5}
        | {"on_average": True, "protocols": ["hard", "soft"], "cost": ["hard=1"], "annotations": "per-item"}
        | {"out": "o.csv", "states": "s", "actions": "c", "normalise": True, "other": "<other>", "seed": 6}
        | {"plot": "p.png", "json": True, **COLUMNS, **LOG_GIVEN},
    ),
    *(
        (f"plan --{source} x --target 0.5", "plan --S 2 --A 3 --target 0.5", {"S": None, "A": None, source: "x"})
        for source in ("teacher", "bundled")
    ),
    (f"{STORAGE_WORDS} --bundled x", STORAGE_WORDS, {"bundled": "x"}),
    (
        f"storage a b {LOG_WORDS} {COLUMN_WORDS} --teacher t --numbers 1 --visits 1 2 --storages list half "
        "--method exact --normalise --other rest --seed 8 --json",
        STORAGE_WORDS,
        {"log": ["a", "b"], "teacher": "t", "numbers": 1, "visits": [1, 2], "storages": ["list", "half"]}
        | {"method": "exact", "normalise": True, "other": "rest", "seed": 8, "json": True, **COLUMNS, **LOG_GIVEN},
    ),
    (
        "minimax --protocol hard --S 1 --A 1 --n 0 --out o.csv --json",
        "minimax --protocol soft --S 1 --A 2 --n 3",
        {"protocol": "hard", "A": 1, "n": 0, "out": "o.csv", "json": True},
    ),
    ("losses --protocol soft --consistent --json", "losses", {"protocol": "soft", "consistent": True, "json": True}),
    (
        "limit focal --set gamma=1 --p 0.5 0.5 --json",
        "limit brier --p 0.5",
        {"loss": "focal", "set": ["gamma=1"], "p": [0.5, 0.5], "json": True},
    ),
    (
        "audit focal --set gamma=1 --protocol soft --p 0.5 0.5 --n 1 2 --seed 9 --figure f.png --require consistent "
        "--json",
        "audit brier",
        {"loss": "focal", "set": ["gamma=1"], "protocol": "soft", "p": [0.5, 0.5], "n": [1, 2], "seed": 9}
        | {"figure": "f.png", "require": "consistent", "json": True},
    ),
    ("playground --out p.html", "playground", {"out": "p.html"}),
    ("help study run", "help", {"about": ["study", "run"]}),
    (
        "study run d.toml --out o --workers 1 --share 1/2 --seed 1 --json",
        "study run x",
        {"design": "d.toml", "out": "o", "workers": 1, "share": "1/2", "seed": 1, "json": True},
    ),
    ("study run x --processes 2", "study run x", {"processes": 2}),
    ("study run x --scheduler tcp://h:1", "study run x", {"scheduler": "tcp://h:1"}),
    ("study status x --json", "study status x", {"json": True}),
    ("study check x --dry-run --workers 3 --json", "study check x", {"dry_run": True, "workers": 3, "json": True}),
    ("study merge x y z --json", "study merge x y", {"others": ["y", "z"], "json": True}),
    ("study export x --out o.csv", "study export x", {"out": "o.csv"}),
    ("study plot x --out o.png", "study plot x", {"out": "o.png"}),
]


def read(words):
    """What the parser reads, without the function that answers."""
    found = vars(cli.parser().parse_args(words.split()))
    assert callable(found.pop("command"))
    return found


@pytest.mark.parametrize(("words", "least", "changes"), [*((words, words, {}) for words in LEAST), *MOST])
def test_what_a_command_reads(words, least, changes):
    # Oracle: definition, each option and each default by hand
    assert read(words) == LEAST[least] | changes


def test_every_command_is_read_with_all_its_options():
    """The lists above give every command, and every option of it."""
    given = {least: set() for least in LEAST}
    for words, least, _ in MOST:
        given[least] |= {word.partition("=")[0] for word in words.split() if word.startswith("--")}

    def below(parser, name=""):
        inner = [action for action in parser._actions if isinstance(action.choices, dict)]
        for action in inner:
            for word, child in action.choices.items():
                yield from below(child, f"{name} {word}".strip())
        if not inner:
            yield name, {action.option_strings[-1] for action in parser._actions if action.option_strings}

    for name, options in below(cli.parser()):
        (least,) = [least for least in LEAST if f"{least} ".startswith(f"{name} ")]
        needed = {word for word in least.split() if word.startswith("--")}
        assert options - {"--help", "-h"} == given[least] | needed, name


SIMULATE, PLAN = "simulate --bundled x --n 1", "plan --S 1 --A 1 --target 0.1"
MINIMAX = "minimax --protocol soft --S 1 --A 1 --n 0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *((f"{SIMULATE} --{option} 0", "it must be at least 1") for option in ("S", "A", "reps", "max-reps")),
        *((f"{SIMULATE} --{option}=-1", "it must be at least 0") for option in ("n", "seed")),
        *((f"{SIMULATE} --instance {i}", "invalid choice") for i in (4, -1)),
        *((f"{PLAN} --{option}=-1", "it must be at least") for option in ("S", "A", "seed")),
        *((f"{PLAN} --{option} 0", "it must be at least 1") for option in ("S", "A")),
        *((f"plan --S 1 --A 1 --{option} 0", "it must be above 0") for option in ("target", "acceptance")),
        (f"{PLAN} --confidence 0", "it must be above 0"),
        *((f"{STORAGE_WORDS} --{option} 0", "it must be at least 1") for option in ("numbers", "visits")),
        (f"{STORAGE_WORDS} --storages all", "invalid choice: 'all'"),
        (f"{STORAGE_WORDS} --method any", "invalid choice: 'any'"),
        *((f"{MINIMAX} --{option} 0", "it must be at least 1") for option in ("S", "A")),
        (f"{MINIMAX} --n=-1", "it must be at least 0"),
        *((f"fit x --{option} 0", "it must be at least 1") for option in ("S", "A")),
        *((f"fit x --{option} {NAMES_MAX + 1}", "it must be at most 10000000") for option in ("S", "A")),
        ("fit x --tolerance=-1e-300", "it must be at least 0"),
        ("fit x --label second", "invalid choice"),
        *((f"check-log x --level {level}", "it must lie between 0 and 1") for level in (0, 1)),
        ("check-log x --temperature 0", "it must be above 0"),
        ("audit-student x --delta 0", "it must be above 0"),
        ("audit brier --n 0", "it must be at least 1"),
        ("audit brier --require unique", "invalid choice"),
        *((f"study run x --{option} 0", "it must be at least 1") for option in ("workers", "processes")),
        *((f"study run x --{option} 1025", "it must be at most 1024") for option in ("workers", "processes")),
        ("study check x --workers 0", "it must be at least 1"),
        (f"verify --seed {LARGEST + 1}", f"it must be at most {2**63 - 1}"),
        ("verify --seed 0.5", "it must be a whole number"),
        ("verify --level slow", "invalid choice"),
        ("reproduce figure3", "invalid choice"),
        *((f"check-log x --columns {word}", "it must be a role and a column") for word in ("=b", "a=", "a")),
        # What is needed, and what excludes another.
        ("simulate --n 1", "one of the arguments --instance --teacher --bundled is required"),
        ("simulate --bundled x", "the following arguments are required: --n"),
        ("simulate --bundled x --teacher y --n 1", "not allowed with argument"),
        ("simulate --bundled x --instance 1 --n 1", "not allowed with argument"),
        ("plan --A 1 --target 0.1", "one of the arguments --pilot --teacher --bundled --S is required"),
        ("plan --S 1 --A 1", "one of the arguments --target --acceptance is required"),
        *((f"{PLAN} --{option} x", "not allowed with argument") for option in ("pilot", "teacher", "bundled")),
        (f"{PLAN} --acceptance 0.5", "not allowed with argument"),
        ("storage --visits 1", "the following arguments are required: --numbers"),
        ("storage --numbers 1", "the following arguments are required: --visits"),
        (f"{STORAGE_WORDS} --teacher x --bundled y", "not allowed with argument"),
        ("minimax", "the following arguments are required: --protocol, --S, --A, --n"),
        ("limit brier", "the following arguments are required: --p"),
        ("convert x", "the following arguments are required: --out"),
        ("convert --out x", "the following arguments are required: LOG"),
        ("fit", "the following arguments are required: FILE"),
        ("check-log", "the following arguments are required: LOG"),
        ("audit-student", "the following arguments are required: FILE"),
        ("study merge x", "the following arguments are required: FROM"),
        ("study replay x", "the following arguments are required: BATCH"),
        *((f"study {action}", "the following arguments are required: FOLDER") for action in ("status", "check")),
        *((f"study {action}", "the following arguments are required: FOLDER") for action in ("export", "plot")),
        ("study run", "the following arguments are required: DESIGN"),
        ("study run x --workers 1 --scheduler y", "not allowed with argument"),
        ("study run x --processes 1 --scheduler y", "not allowed with argument"),
    ],
)
def test_what_no_command_reads(words, said, capsys):
    # Oracle: definition, the sentence on standard error and exit code 2
    with pytest.raises(SystemExit) as stopped:
        cli.parser().parse_args(words.split())
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_the_largest_numbers_that_are_read():
    # Oracle: definition, the ends themselves are read
    assert (LARGEST, WORKERS_MAX, NAMES_MAX) == (9223372036854775807, 1024, 10_000_000)
    assert read(f"verify --seed {LARGEST}")["seed"] == LARGEST
    assert read("verify --seed 0")["seed"] == 0
    assert read("verify --seed 1e3")["seed"] == 1000
    assert isinstance(read("verify --seed 1e3")["seed"], int)
    assert read("check-log x --level 1e-300")["level"] == 1e-300
    assert isinstance(read("check-log x --temperature 2")["temperature"], float)


def test_the_exit_codes():
    # Oracle: published, the table of docs and of `kt-theory verify --help`
    assert (cli.HELD, cli.BROKEN, cli.REFUSED, cli.INTERRUPTED) == (0, 1, 2, 130)


# --- What is handed to the function that answers ----------------------------------------------------------


class Asked(Exception):
    """Raised in the place of an answer: what a function was asked."""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Run a command up to a function of the package: what it is called with."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("state,action,probability\nx,yes,0.25\nx,no,0.75\n")
    Path("r.csv").write_text("s,a,p\nx,yes,0.25\nx,no,0.75\n")
    Path("names.txt").write_text("no\nyes\n")
    Path("x").write_text("")
    Path("own.py").write_text("def loss(logits, label, teacher): return 0.0\n")
    Path("tiny.toml").write_text("seed = 3\nreps = 5\n[[panel]]\ninstance = 0\nS = 2\nA = 3\nn = [3]\n")

    def ask(words, place):
        def record(*args, **kwargs):
            raise Asked(args, kwargs)

        owner, _, name = place.rpartition(".")
        monkeypatch.setattr(attrgetter(owner)(kt) if owner else kt, name, record)
        with pytest.raises(Asked) as found:
            cli.main(words.split())
        return found.value.args

    return ask


OF_LOG = {"label": "all", "format": "openai"}
OF_LOG_WORDS = "--label all --format openai --columns state=q action=a"
OF_COLUMNS = {"columns": {"state": "q", "action": "a"}}


@pytest.mark.parametrize(
    ("words", "place", "args", "options"),
    [
        (
            "audit focal --set gamma=3 --p 0.25 0.75 --n 5 6 --seed 4",
            "audit",
            (kt.losses.make("focal", gamma=3), {"the teacher": [0.25, 0.75]}),
            {"protocol": None, "n": [5, 6], "seed": 4},
        ),
        ("audit brier", "audit", (kt.losses.make("brier"), None), {"protocol": None, "n": None, "seed": 0}),
        (
            "audit-student x --sampled both --delta 0.1 --seed 2",
            "tables.audit_file",
            ("x",),
            {"sampled": "both", "delta": 0.1, "seed": 2},
        ),
        (
            f"check-log x y {OF_LOG_WORDS} --level 0.1 --temperature 0.5 --seed 2 --in-order",
            "check_log",
            (["x", "y"],),
            {"level": 0.1, "temperature": 0.5, "seed": 2, "in_order": True, **OF_LOG, **OF_COLUMNS},
        ),
        (
            "check-log x",
            "check_log",
            (["x"],),
            {"level": 0.01, "temperature": None, "seed": 0, "in_order": False, "columns": None},
        ),
        ("convert x y --label all --format openai --out o.csv", "logs.convert", (["x", "y"], "o.csv"), OF_LOG),
        (
            f"fit x y {OF_LOG_WORDS} --skip-bad b.csv --states names.txt --A 3 --other z --drop-untold "
            "--told-as rounded:2 --tolerance 0.5",
            "logs.transfer_set",
            (["x", "y"],),
            {"states": ["no", "yes"], "actions": ["0", "1", "2"], "other": "z", "drop_untold": True}
            | {"told_as": kt.protocols.resolve_form("rounded:2", "x"), "skip_bad": "b.csv", "tolerance": 0.5}
            | {**OF_LOG, **OF_COLUMNS},
        ),
        (
            "fit x --actions names.txt --S 1",
            "logs.transfer_set",
            (["x"],),
            {"states": ["0"], "actions": ["no", "yes"], "other": None, "drop_untold": False, "columns": None}
            | {"told_as": None, "skip_bad": None},
        ),
        (
            "minimax --protocol top_k:2 --S 1 --A 4 --n 7",
            "minimax_risk",
            ("top_k:2", 1, 4, 7),
            {"progress": True},
        ),
        (
            "plan --S 2 --A 30 --acceptance 0.75 --confidence 0.8 --on-average --cost hard=1 top_k:2=2.5 --seed 5",
            "plan",
            (),
            {"S": 2, "A": 30, "target": 0.25, "confidence": 0.8, "on_average": True, "curves": False, "seed": 5}
            | {"protocols": ["hard", "partial", "soft"], "cost": {"hard": 1.0, "top_k:2": 2.5}, "progress": True},
        ),
        (
            f"plan --pilot x y {OF_LOG_WORDS} --states names.txt --other --target 0.5",
            "logs.transfer_set",
            (["x", "y"],),
            {"states": ["no", "yes"], "actions": None, "other": "<other>", **OF_LOG, **OF_COLUMNS},
        ),
        (
            "plan --teacher t.csv --normalise --other z --target 0.5",
            "logs.read_teacher",
            ("t.csv",),
            {"normalise": True, "other": "z"},
        ),
        ("plan --bundled next_word --target 0.5", "tables.bundled_teacher", ("next_word",), {}),
        (
            "simulate --teacher t.csv --normalise --other z --columns state=q --add-repeats --n 1",
            "logs.read_teacher",
            ("t.csv",),
            {"normalise": True, "other": "z", "columns": {"state": "q"}, "add_repeats": True},
        ),
        ("simulate --bundled next_word --n 1", "tables.bundled_teacher", ("next_word",), {}),
        (
            f"storage x y {OF_LOG_WORDS} --other z --numbers 1 --visits 2",
            "logs.transfer_set",
            (["x", "y"],),
            {"other": "z", **OF_LOG, **OF_COLUMNS},
        ),
        (
            "storage --teacher t.csv --normalise --other z --numbers 1 --visits 2",
            "logs.read_teacher",
            ("t.csv",),
            {"normalise": True, "other": "z"},
        ),
        ("study check x --workers 3", "study.check", ("x",), {"repair": True, "workers": 3, "progress": True}),
        ("study check x --dry-run", "study.check", ("x",), {"repair": False, "workers": None, "progress": True}),
        ("study merge x y z", "study.merge", ("x", ["y", "z"]), {}),
        ("study export x", "study.export", ("x",), {}),
        ("study status x", "study.status", ("x",), {}),
    ],
)
def test_what_a_command_asks_of_the_package(words, place, args, options, asked):
    # Oracle: definition, each argument of the function by hand
    assert asked(words, place) == (args, options)


@pytest.mark.parametrize(("labels", "lists"), [(20, []), (21, ["top_k:20"])])
def test_what_plan_asks_of_a_teacher(labels, lists, asked, capsys):
    # Oracle: definition, lists of 20 where there are more labels than that; curves where there is a plot
    rows = "".join(f"x,{a},{1 / labels}\n" for a in range(labels))
    Path("wide.csv").write_text(f"state,action,probability\n{rows}")
    args, options = asked("plan --teacher wide.csv --normalise --target 0.5 --plot p.png", "plan")
    teacher = options.pop("teacher")
    assert (args, teacher.A) == ((), labels)
    assert options == {"target": 0.5, "confidence": 0.9, "on_average": False, "curves": True, "seed": 0, "cost": {}} | {
        "protocols": ["hard", "partial", *lists, "soft"],
        "progress": True,
    }


@pytest.mark.parametrize(("aim", "per_item"), [("per-item", True), ("mean", False)])
def test_what_plan_asks_of_annotations(aim, per_item, asked):
    # Oracle: definition
    (pilot,), options = asked(
        f"plan --pilot r.csv --annotations {aim} --target 0.5 --confidence 0.75 --seed 3", "plan_annotations"
    )
    assert (pilot.n, pilot.states) == (2, ("x",))
    assert options == {"target": 0.5, "confidence": 0.75, "per_item": per_item, "seed": 3, "progress": True}


@pytest.mark.parametrize(
    ("words", "learners", "cap"),
    [
        ("", kt.PAPER_LEARNERS, 1_000_000),
        ("--max-reps 7 --target-mcse 0.5", kt.PAPER_LEARNERS, 7),
        ("--learners CE_ful", ["CE_ful"], 1_000_000),
        (
            "--learners CE_ful --protocol top_k:2 --protocol rounded:2",
            ["CE_ful", "SEL@top_k:2", "SEL@rounded:2", "CLIP@rounded:2"],
            1_000_000,
        ),
        ("--protocol top_k:2", [*kt.PAPER_LEARNERS, "SEL@top_k:2"], 1_000_000),
    ],
)
def test_what_simulate_asks(words, learners, cap, asked):
    # Oracle: definition; an instance is asked for at each n
    given = "--instance 1 --S 2 --A 4 --n 100 50 --reps 9 --seed 2 --divergence kl --control --workers 3"
    (problem, names, *rest), options = asked(f"simulate {given} {words}", "simulate")
    assert problem(100).identity == kt.instance(1, 2, 4, 100).identity
    assert (names, rest) == (list(learners), [[100, 50], 9, 2])
    assert options == {"divergence": "kl", "relative": False, "max_reps": cap, "control": True, "workers": 3} | {
        "target_mcse": 0.5 if "--target-mcse" in words else None,
        "progress": True,
    }


def test_what_storage_asks(asked):
    # Oracle: definition
    words = "storage --teacher t.csv --numbers 2 --visits 1 3 --storages list half --method exact --seed 4"
    (teacher, *rest), options = asked(words, "best_storage")
    assert (teacher.S, teacher.A, rest) == (1, 2, [2, [1, 3]])
    assert options == {"method": "exact", "seed": 4, "progress": True, "storages": ["list", "half"]}


@pytest.mark.parametrize(
    ("words", "ids", "effort", "planted"),
    [
        ("--statement zz-3.1", ["zz-3.1"], ("quick", 1), True),
        ("--statement zz-3.1 --level full --seed 3 --no-planted", ["zz-3.1"], ("full", 3), False),
    ],
)
def test_what_verify_asks(words, ids, effort, planted, asked):
    # Oracle: definition
    (statements, tried), options = asked(f"verify {words}", "ledger.try_all")
    assert [statement.id for statement in statements] == ids
    assert (tried.level, tried.seed) == effort
    assert options == {"planted": planted, "progress": True}


@pytest.mark.parametrize(
    ("words", "folder", "seed", "share"),
    [
        ("tiny.toml --workers 2", "tiny", 3, None),
        ("tiny.toml --workers 2 --share 2/3 --seed 9 --out o", "o", 9, kt.study.Share(2, 3)),
    ],
)
def test_what_study_run_asks(words, folder, seed, share, asked):
    # Oracle: definition
    (design, place), options = asked(f"study run {words}", "study.run_in_folder")
    assert (design.name, design.seed, str(place)) == ("tiny", seed, folder)
    assert options == {"executor": None, "workers": 2, "share": share, "progress": True}


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--quick --workers 2", (False, True, Path("figures/quick"), 2)),
        ("--simulate --seed 5 --out mine", (True, False, Path("mine"), None)),
    ],
)
def test_what_reproduce_asks(words, options, asked, monkeypatch):
    # Oracle: definition; without a seed each script has its own
    def study(given):
        raise Asked(given)

    monkeypatch.setattr(cli.reproduce, "_load_study", lambda stem: study)
    with pytest.raises(Asked) as found:
        cli.main(["reproduce", "figure1", *words.split()])
    (given,) = found.value.args
    assert (given.simulate, given.quick, given.out, given.workers) == options
    assert given.seed == (5 if "--seed" in words else kt.study.Options(False, False, Path("x")).seed)


@pytest.mark.parametrize(
    ("study", "stems"),
    [
        ("all", ["figure1_classic", "figure2_rates", "exact_curves", "minimax_gap", "real_teacher"]),
        ("figure2", ["figure2_rates"]),
        ("llm", ["llm_teacher"]),
        ("annotations", ["annotations"]),
        ("storage", ["storage"]),
        ("greedy", ["greedy"]),
        ("audit", ["audit"]),
        ("atlas", ["atlas"]),
    ],
)
def test_which_scripts_reproduce_runs(study, stems, monkeypatch):
    # Oracle: enumeration; what is drawn by name only is not among all
    monkeypatch.setattr(cli.reproduce, "_load_study", lambda stem: stem)
    monkeypatch.setattr(cli.reproduce, "run_studies", lambda studies, arguments: list(studies.items()))
    assert cli.main(["reproduce", study]) == [(stem, stem) for stem in stems]


# --- What is printed in more than one place ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "terminal", "width"),
    [("80", False, 80), ("1", True, 1), ("0", False, None), ("", False, None), ("x", True, 33), ("-5", True, 33)],
)
def test_the_width_of_a_terminal(columns, terminal, width, monkeypatch):
    # Oracle: definition, COLUMNS if it is a number above 0, else the terminal's, else none
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: SimpleNamespace(columns=33))
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: terminal))
    assert terminal_width() == width


def test_the_width_without_columns(monkeypatch):
    # Oracle: definition
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: False))
    assert terminal_width() is None


def test_json_has_no_number_that_is_not_finite(capsys):
    # Oracle: definition, by hand; two spaces a level, NumPy's numbers as Python's
    print_json({"a": [math.inf, -math.inf, math.nan, 1.5], "b": {"c": np.float32("nan"), "d": np.int64(3)}, "e": (1,)})
    assert capsys.readouterr().out == (
        '{\n  "a": [\n    null,\n    null,\n    null,\n    1.5\n  ],\n'
        '  "b": {\n    "c": null,\n    "d": 3\n  },\n  "e": [\n    1\n  ]\n}\n'
    )


@pytest.mark.parametrize(("number", "said"), [(0, "0 cells"), (1, "1 cell"), (2, "2 cells")])
def test_a_count(number, said):
    # Oracle: enumeration
    assert count(number, "cell") == said
