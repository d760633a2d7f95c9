"""The text of each command, line by line, of answers that are typed by hand."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.auditing.certificate import StudentAudit
from kt_theory.auditing.training import SelfAudit
from kt_theory.logcheck.finding import QUESTIONS, Finding, LogCheck
from kt_theory.logs.report import Report
from kt_theory.planning.annotations import AnnotationPlan
from kt_theory.planning.promises import Plan


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def said(capsys):
    """Run a command: its exit code and the lines on standard output."""

    def run(words):
        capsys.readouterr()
        code = cli.main(words.split())
        return code, capsys.readouterr().out.splitlines()

    return run


def answer(monkeypatch, place, found):
    """Let a function of the package answer by `found`."""
    owner, _, name = f"kt_theory.{place}".rpartition(".")
    monkeypatch.setattr(f"{owner}.{name}", lambda *_, **__: found)


# --- audit-student, check-log, convert --------------------------------------------------------------------

AUDIT = {"tv": 0.25, "standard_error": 0.0625, "rejections": 1, "clopper_pearson": (0.125, 0.5), "minimax": 0.3}
AUDIT |= {"bernstein": (0.0, 1.0), "rmse": 0.2, "delta": 0.001}


@pytest.mark.parametrize(
    ("m", "sampled", "first"),
    [
        (1, "teacher", "1 sample, drawn by the teacher"),
        (2, "student", "2 samples, drawn by the student"),
        (40, "both", "40 samples, drawn by both, half each"),
    ],
)
def test_audit_student(m, sampled, first, said, monkeypatch):
    # Oracle: definition, by hand; an acceptance rate is 1 less a total variation
    answer(monkeypatch, "tables.audit_file", StudentAudit(m=m, sampled=sampled, **AUDIT))
    assert said("audit-student x") == (
        0,
        [
            first,
            "total variation     0.25, standard error 0.062",
            "acceptance rate     0.75 of speculative decoding",
            "99.9 % interval, Bernstein: total variation 0 to 1, acceptance rate 0 to 1",
            "99.9 % interval, Clopper-Pearson: total variation 0.125 to 0.5, acceptance rate 0.5 to 0.875",
            "minimax estimate    0.3, root mean square error at most 0.2 for every student",
        ],
    )
    code, lines = said("audit-student x --json")
    found = {"m": m, "sampled": sampled} | AUDIT | {"bernstein": [0.0, 1.0], "clopper_pearson": [0.125, 0.5]}
    assert (code, json.loads("\n".join(lines))) == (0, found | {"acceptance": 0.75})


@pytest.mark.parametrize("alarm", [False, True])
def test_check_log(alarm, said, monkeypatch):
    # Oracle: definition, a line a finding, in their order; exit code 1 if one is an alarm
    first, second = list(QUESTIONS)[:2]
    findings = Finding(second, "yes", "a\nb", alarm=alarm), Finding(first, "cannot tell", "c", needed=7)
    answer(monkeypatch, "check_log", LogCheck(findings))
    assert said("check-log x") == (
        int(alarm),
        [
            rf"{QUESTIONS[second]}  yes: a\nb",
            f"{QUESTIONS[first]}  cannot tell: c; about 7 records like these would settle it",
        ],
    )
    code, lines = said("check-log x --json")
    assert code == int(alarm)
    assert [entry["question"] for entry in json.loads("\n".join(lines))] == [second, first]


def report(**changes):
    found = Report(files=["a", "b"], formats=["openai_chat"], lines=3, replies=3)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


FORMAT = kt.logs.FORMATS[next(iter(kt.logs.FORMATS))]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"files": ["a"], "lines": 1}, ["0 samples in 1 line of 1 file: {}"]),
        (
            {"samples": 8, "with_logprob": 1, "largest_disagreement": 0.001234},
            [
                *("8 samples in 3 lines of 2 files: {}", "with a log-probability of their own: 1 (12.5%)"),
                "raw or processed values: unknown",
                "two log-probabilities of one pair differ by at most 0.00123",
            ],
        ),
        (
            {"samples": 1, "told_besides": 5, "list_mass": [0.5, 0.75, 1.0], "fingerprints": {"f": 3}},
            [
                *("1 sample in 3 lines of 2 files: {}", "with a log-probability of their own: 0 (0.0%)"),
                *("told without being drawn: 5", "mass of the lists of labels: 0.75 on average, 0.5 to 1"),
            ],
        ),
        (
            {"samples": 2, "fingerprints": {"f": 3, "g": 1}, "notes": {"a note": 2}},
            [
                *("2 samples in 3 lines of 2 files: {}", "with a log-probability of their own: 0 (0.0%)"),
                *("several states of the model: f (3), g (1)", "a note: 2"),
            ],
        ),
    ],
)
def test_convert(changes, lines, said, monkeypatch):
    # Oracle: definition, by hand
    found = report(formats=[next(iter(kt.logs.FORMATS))], **changes)
    answer(monkeypatch, "logs.convert", found)
    lines[0] = lines[0].format(FORMAT.words)
    assert said("convert x --out o.csv") == (0, [*lines, "the records are in o.csv"])
    code, told = said("convert x --out o.csv --json")
    assert (code, json.loads("\n".join(told))) == (0, {**found.as_dict(), "out": "o.csv"})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        *(
            (words, f"--out is t.csv, which is {which} too: it would be overwritten; choose another name")
            for words, which in (
                ("x t.csv --out t.csv", "the log t.csv"),
                ("x --requests t.csv --out t.csv", "--requests"),
            )
        ),
        ("x --out o.jsonl", "o.jsonl: its name must end in .csv or .parquet"),
    ],
)
def test_what_convert_refuses(words, sentence, monkeypatch, capsys):
    # Oracle: definition, one sentence, before any log is read
    monkeypatch.setattr(kt.logs, "convert", lambda *_, **__: pytest.fail("a log was read"))
    Path("t.csv").write_text("")
    assert cli.main(["convert", *words.split()]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


def test_convert_counts_the_settings_and_what_is_left_out():
    # Oracle: enumeration by hand
    found = report(formats=[], samples=4)
    for temperature in (1, 1.0, 0.7):
        found.add_settings({"temperature": temperature, "top_k": 5})
    for i in range(4):
        found.leave_out("no label", f"x:{i}")
    assert cli.convert.report_as_text(found).splitlines() == [
        "4 samples in 3 lines of 2 files: ",
        "with a log-probability of their own: 0 (0.0%)",
        "temperature: 1.0 (2), 0.7 (1)",
        "top_k: 5.0 (3)",
        "left out, no label: 4 (x:0, x:1, x:2, ...)",
    ]


# --- losses, limit, audit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [None, "hard", "partial", "soft"])
@pytest.mark.parametrize("consistent", [False, True])
def test_losses(protocol, consistent, said):
    # Oracle: definition, of every loss of the list, in its order
    level = None if protocol is None else kt.protocols.resolve_protocol(protocol)
    wanted = []
    for name, kind in kt.losses.LOSSES.items():
        own = kt.losses.make(name).protocol
        seen = level is None or (own is not None and level.reveals_at_least(own))
        if seen and (not consistent or kind.consistent == "yes"):
            wanted.append((name, kind.level if own is None else own.name, kind.consistent, kind.title))
    words = "losses" + (f" --protocol {protocol}" if protocol else "") + (" --consistent" if consistent else "")
    code, lines = said(words)
    assert code == 0
    assert lines[-1] == f"{len(wanted)} entries"
    assert [line.split()[0] for line in lines[1:-1]] == [name for name, *_ in wanted]
    for line, (_, sees, limit, title) in zip(lines[1:-1], wanted, strict=True):
        assert line.endswith(title)
        assert [word for word in line.removesuffix(title).split("  ") if word.strip()][1:] == [
            *(f"{word}".strip() for word in (sees, limit.partition(" ")[0]) if word),
        ] or sees in line
    code, lines = said(f"{words} --json")
    entries = json.loads("\n".join(lines))
    assert [tuple(entry[key] for key in ("id", "sees", "consistent", "title")) for entry in entries] == wanted
    for entry in entries:
        kind = kt.losses.LOSSES[entry["id"]]
        assert (entry["rate"], entry["paper"]) == (kind.rate, kind.paper)
        assert entry["parameters"] == json.loads(json.dumps(kt.losses.make(entry["id"]).parameters))
        assert list(entry) == ["id", "sees", "consistent", "rate", "title", "parameters", "paper"]


@pytest.mark.parametrize(
    ("student", "facts", "lines"),
    [
        ([0.5, 0.5], {}, ["teacher   at the teacher, total variation 0.000000", "minimum   unique"]),
        (
            [0.5000009, 0.4999991],
            {"note": "n"},
            ["teacher   at the teacher, total variation 0.000001", "minimum   unique", "note      n"],
        ),
        (
            [0.500002, 0.499998],
            {"unique": False, "attained": False, "local_only": True},
            [
                "teacher   not at the teacher, total variation 0.000002",
                "minimum   not unique: what descent from the uniform law returns; not attained by finite logits; "
                "a local minimum, no more is known",
            ],
        ),
        (
            [0.25, 0.75],
            {"attained": False},
            [
                "teacher   not at the teacher, total variation 0.250000",
                "minimum   unique; not attained by finite logits",
            ],
        ),
    ],
)
def test_limit(student, facts, lines, said, monkeypatch):
    # Oracle: definition, by hand
    found = {"unique": True, "attained": True, "local_only": False, "note": ""} | facts
    solution = SimpleNamespace(student=np.array(student), **found)
    loss = SimpleNamespace(name="l", formula="f", source="s", limit=lambda p: solution)
    monkeypatch.setattr(cli.losses, "made", lambda name, words: loss)
    at = len(lines)
    assert said("limit x --p 0.5 0.5") == (
        0,
        ["l: f", "limit     " + " ".join(f"{q:.6f}" for q in student), *lines[:at], "source    s"],
    )
    code, told = said("limit x --p 0.5 0.5 --json")
    answered = json.loads("\n".join(told))
    assert (code, list(answered)) == (0, ["loss", "student", "tv", "unique", "attained", "local_only", "note"])
    assert answered.pop("tv") == pytest.approx(abs(student[0] - 0.5), rel=1e-9, abs=0)
    assert answered == {"loss": "l", "student": student, **found}


@pytest.mark.parametrize(("inverse", "word"), [(None, "no inverse"), ("one", "invertible")])
def test_the_limit_of_a_channel(inverse, word, said, monkeypatch):
    # Oracle: definition, by hand
    channel = SimpleNamespace(name="c", formula="f", apply=lambda p: np.array([0.875, 0.125]), inverse=lambda: inverse)
    monkeypatch.setattr(cli.losses, "made", lambda name, words: channel)
    lines = ["c: f", "makes     0.875000 0.125000", f"teacher   total variation 0.375000, {word}"]
    assert said("limit x --p 0.5 0.5") == (0, lines)
    code, told = said("limit x --p 0.5 0.5 --json")
    assert (code, json.loads("\n".join(told))) == (0, {"channel": "c", "law": [0.875, 0.125], "tv": 0.375})


@pytest.mark.parametrize(
    ("words", "verdict", "code"),
    [
        ("", "not consistent", 0),
        ("", "consistent", 0),
        ("--require consistent", "consistent", 0),
        ("--require consistent", "not consistent", 1),
        ("--figure f.png", "consistent", 0),
    ],
)
def test_audit(words, verdict, code, said, monkeypatch):
    # Oracle: definition, by hand; numbers as JSON to their last digit
    drawn = []
    third = 1 / 3
    table = pd.DataFrame({"teacher": ["a"], "limit_tv": [third], "slope": [float("nan")], "unique": [True]})
    found = SimpleNamespace(verdict=verdict, text="two\nlines", table=table, loss=SimpleNamespace(name="brier"))
    found.figure = drawn.append
    answer(monkeypatch, "audit", found)
    assert said(f"audit brier {words}") == (code, ["two", "lines"])
    assert drawn == (["f.png"] if "--figure" in words else [])
    got, lines = said(f"audit brier --json {words}")
    rows = [{"teacher": "a", "limit_tv": third, "slope": None, "unique": True}]
    assert (got, json.loads("\n".join(lines))) == (code, {"loss": "brier", "verdict": verdict, "teachers": rows})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("f.py --protocol soft", "f.py is a file: a function is given as FILE.py:NAME; it has g"),
        ("f.py:h --protocol soft", "f.py has no function h; it has g"),
        ("f.py:g", "--protocol is missing: say what the function is shown, such as --protocol soft"),
        ("f.py:g --set a=1 --protocol soft", "--set goes with a loss of the list: a function has its own defaults"),
        ("brier --protocol soft", "--protocol goes with a function: a loss of the list has its own"),
        ("focal --set gamma", "--set has 'gamma': a parameter is given as NAME=VALUE"),
        ("focal --set =1", "--set has '=1': a parameter is given as NAME=VALUE"),
        ("focal --set gamma=", "--set has 'gamma=': a parameter is given as NAME=VALUE"),
        ("focal --set gamma=1 gamma=2", "--set gives gamma twice"),
        ("none.py:g --protocol soft", "there is no file none.py: a function is given as FILE.py:NAME"),
        ("f.txt.py:g --protocol soft", "there is no file f.txt.py: a function is given as FILE.py:NAME"),
        ("e.py:g --protocol soft", "e.py has no function g; it has none"),
        ("r.py:g --protocol soft", "r.py does not import: ZeroDivisionError: division by zero"),
        ("q.py:g --protocol soft", "q.py does not import: SystemExit: 3"),
        ("n.py:g --protocol soft", "n.py does not import: NameError: name 'nothing' is not defined"),
    ],
)
def test_what_audit_refuses(words, sentence, capsys):
    # Oracle: definition, one sentence
    Path("f.py").write_text("x = 3\ndef _h(): pass\ndef g(): pass\n")
    Path("e.py").write_text("")
    Path("r.py").write_text("1 / 0\n")
    Path("q.py").write_text("raise SystemExit(3)\n")
    Path("n.py").write_text("def g(x: nothing): pass\n")
    assert cli.main(["audit", *words.split()]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


def test_designs_that_ship(monkeypatch):
    # Oracle: enumeration: those of a checkout before those of the package, by their endings
    for place in ("one/designs/a.toml", "one/designs/b.txt", "two/designs/a.py", "two/designs/c.py", "two/x.py"):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_text("")
    monkeypatch.setattr(cli.shipped, "_folders", lambda: (Path("one"), Path("two"), Path("three")))
    found = cli.shipped.shipped_designs()
    assert found == {"a": Path("one/designs/a.toml"), "c": Path("two/designs/c.py")}
    assert cli.shipped.shipped("x.py") == Path("two/x.py")
    assert cli.shipped.shipped("designs") is None
    assert cli.shipped.shipped("y.py") is None


# --- plan -------------------------------------------------------------------------------------------------

PROMISES = {
    "protocol": ["hard", "top_k:20", "soft"],
    "learner": ["CE_sgl", "SEL", "CE_ful"],
    "n": [1234567, None, None],
    "floor": [None, 0.5, 0.0625],
    "cost": [1234567.5, None, None],
}


def plan(**changes):
    table = pd.DataFrame(PROMISES | changes.pop("columns", {})).astype({"n": "Int64"})
    given = {"curves": pd.DataFrame(), "target": 0.125, "confidence": 0.9, "on_average": False, "source": "teacher"}
    return Plan(**{"table": table, "notes": ("one", "two"), "pilot_audit": None, **given, **changes})


ROWS = [
    "  protocol  learner               n         cost",
    "      hard   CE_sgl       1,234,567  1.23457e+06",
    "  top_k:20      SEL  never: 0.5 stays            -",
    "      soft   CE_ful    beyond 10^12            -",
]


@pytest.mark.parametrize(
    ("changes", "first", "extra"),
    [
        ({}, "samples for a risk of at most 0.125 with probability 0.9, for this teacher:", []),
        ({"on_average": True}, "samples for an expected risk of at most 0.125, for this teacher:", []),
        (
            {"source": "worst case"},
            "samples for a risk of at most 0.125 with probability 0.9, for every teacher of this size:",
            [],
        ),
        (
            {"source": "worst case", "on_average": True},
            "samples for an expected risk of at most 0.125, for every teacher of this size:",
            [],
        ),
        (
            {"source": "pilot", "on_average": True, "pilot_audit": SelfAudit(0.25, 0.0125, "SEL_ptl", 7)},
            "samples for an expected risk of at most 0.125 with probability 0.9, for the teachers that the "
            "pilot leaves possible:",
            [
                "from the pilot's records alone: risk of SEL_ptl, by leaving out one record at a time: 0.25 (standard "
                "error 0.013)"
            ],
        ),
    ],
)
def test_plan(changes, first, extra, said, monkeypatch):
    # Oracle: definition, by hand; a floor of the target or below hinders nothing
    answer(monkeypatch, "plan", plan(**changes))
    code, lines = said("plan --S 1 --A 1 --target 0.5")
    assert code == 0
    assert [lines[0], *lines[5:]] == [first, *extra, "- one", "- two"]
    assert [line.split() for line in lines[1:5]] == [row.split() for row in ROWS]
    code, told = said("plan --S 1 --A 1 --target 0.5 --json")
    found = json.loads("\n".join(told))
    names = ["target", "confidence", "on_average", "source", "notes"]
    assert list(found) == [*names, *(["self-audit"] if extra else []), "protocols"]
    assert [row["n"] for row in found["protocols"]] == [1234567, None, None]


def test_a_plan_whose_floor_is_the_target(said, monkeypatch):
    # Oracle: definition, what stays is the target itself
    answer(monkeypatch, "plan", plan(columns={"floor": [None, 0.125, None], "impossible_below": [1000, 5, None]}))
    lines = said("plan --S 1 --A 1 --target 0.5")[1]
    assert lines[1].split() == ["protocol", "learner", "n", "cost", "impossible", "below"]
    assert lines[3].split() == ["top_k:20", "SEL", "beyond", "10^12", "-", "5"]
    assert lines[2].split()[-1] == "1,000"


def annotated(more, per_item=True, confidence=0.9):
    items = {"item": [f"i{i}" for i in range(len(more))], "annotations": range(1000, 1000 + len(more))}
    items |= {"tv": 0.25, "mcse": 0.001, "more": pd.array(more, dtype="Int64")}
    items["tv_then"] = [None if number is None else 0.125 for number in more]
    return AnnotationPlan(pd.DataFrame(items), pd.DataFrame(), 0.125, confidence, per_item, ("a note",))


def test_plan_of_annotations(said, monkeypatch):
    # Oracle: definition, by hand: those that need most first, those without a number before them, ties in their order
    Path("r.csv").write_text("s,a\nx,y\n")
    answer(monkeypatch, "plan_annotations", annotated([3, 0, 2000, 3, 1]))
    assert said("plan --pilot r.csv --annotations per-item --target 0.5") == (
        0,
        [
            "more annotations for a total variation of at most 0.125 of each item with probability 0.9:",
            "  2,007, of 4 of 5 items, which have 5,010; expected total variation 0.250 now, 0.125 then",
            "  item  annotations     expected TV   more  TV then",
            "    i2        1,002  0.250 +- 0.001  2,000    0.125",
            "    i0        1,000  0.250 +- 0.001      3    0.125",
            "    i3        1,003  0.250 +- 0.001      3    0.125",
            "    i4        1,004  0.250 +- 0.001      1    0.125",
            "- a note",
        ],
    )
    answer(monkeypatch, "plan_annotations", annotated([7, None], per_item=False, confidence=0.75))
    lines = said("plan --pilot r.csv --annotations mean --target 0.5")[1]
    assert lines[:2] == [
        "more annotations for a total variation of at most 0.125 averaged over the items with probability 0.75:",
        "  a number beyond 10^9, of 2 of 2 items, which have 2,001; expected total variation 0.250 now, 0.125 then",
    ]
    assert [line.split() for line in lines[3:5]] == [
        ["i1", "1,001", "0.250", "+-", "0.001", "beyond", "10^9", "-"],
        ["i0", "1,000", "0.250", "+-", "0.001", "7", "0.125"],
    ]


@pytest.mark.parametrize(("number", "rest"), [(20, []), (21, ["  and 1 more items: --out FILE or --json lists all"])])
def test_plan_lists_twenty_items(number, rest, said, monkeypatch):
    # Oracle: enumeration
    Path("r.csv").write_text("s,a\nx,y\n")
    answer(monkeypatch, "plan_annotations", annotated([1] * number))
    lines = said("plan --pilot r.csv --annotations per-item --target 0.5 --out o.csv")[1]
    assert [line.split()[0] for line in lines[3:23]] == [f"i{i}" for i in range(20)]
    assert lines[23:] == [*rest, "- a note"]
    assert pd.read_csv("o.csv")["more"].tolist() == [1] * number
    found = json.loads("\n".join(said("plan --pilot r.csv --annotations mean --target 0.5 --json")[1]))
    assert list(found) == ["target", "confidence", "per_item", "more", "notes", "items"]
    assert (found["more"], len(found["items"])) == (number, number)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        *((f"--S 1 --A 1 --target {x}", f"--target is {float(x)}: it must be between 0 and 1") for x in ("1", "2")),
        ("--S 1 --A 1 --acceptance 1", "--acceptance is 1.0: it must be between 0 and 1"),
        ("--S 1 --target 0.5", "--S and --A go together, for the worst case"),
        ("--bundled next_word --A 1 --target 0.5", "--S and --A go together, for the worst case"),
        *(
            (f"--bundled next_word --target 0.5 --{option} t.csv", f"--{option} goes with --pilot only")
            for option in ("states", "actions", "requests")
        ),
        ("--bundled next_word --target 0.5 --columns state=a", "--columns goes with --pilot only"),
        *(
            (f"--teacher t.csv --target 0.5 --{option}", f"--{option.split()[0]} goes with --pilot only")
            for option in ("logprobs-are logarithms", "input a", "label all", "format x", "annotations mean")
        ),
        ("--pilot t.csv --target 0.5 --normalise", "--normalise goes with --teacher only"),
        ("--bundled next_word --target 0.5 --other", "--other goes with --pilot and --teacher only"),
        ("--pilot t.csv --target 0.5 --out o.csv", "--out goes with --annotations only"),
        ("--S 1 --A 1 --target 0.5 --plot p.png", "--plot goes with --pilot, --teacher and --bundled only"),
        *(
            (
                f"--pilot t.csv --annotations mean --target 0.5 --{option}",
                f"--{option.split()[0]} does not go with --annotations, which are hard labels of every item",
            )
            for option in ("on-average", "protocols hard", "cost hard=1", "plot p.png")
        ),
        *(
            (
                f"--S 1 --A 1 --target 0.5 --cost {word}",
                f"--cost has {word!r}: write PROTOCOL=PRICE, such as partial=1.5",
            )
            for word in ("hard", "hard=", "hard=x")
        ),
        (
            "--teacher t.png --target 0.5 --plot t.png",
            "--plot is t.png, which is --teacher too: it would be overwritten; choose another name",
        ),
        (
            "--pilot t.png --target 0.5 --plot t.png",
            "--plot is t.png, which is --pilot t.png too: it would be overwritten; choose another name",
        ),
        (
            "--pilot t.csv --annotations mean --target 0.5 --out t.csv",
            "--out is t.csv, which is --pilot t.csv too: it would be overwritten; choose another name",
        ),
        (
            "--pilot t.png --states t.csv --annotations mean --target 0.5 --out t.csv",
            "--out is t.csv, which is --states too: it would be overwritten; choose another name",
        ),
        ("--pilot t.csv --annotations mean --target 0.5 --out o.txt", "o.txt: its name must end in .csv or .parquet"),
        ("--bundled next_word --target 0.5 --plot o.txt", "o.txt: its name must end in .png"),
    ],
)
def test_what_plan_refuses(words, sentence, capsys):
    # Oracle: definition, one sentence, before any file is read
    Path("t.csv").write_text("")
    Path("t.png").write_text("")
    assert cli.main(["plan", *words.split()]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


def test_a_target_of_one_end_to_the_other(monkeypatch, said):
    # Oracle: definition, both ends are excluded and what lies between is not
    answer(monkeypatch, "plan", plan())
    for words in ("--target 1e-300", "--target 0.9999999", "--acceptance 1e-10", "--acceptance 0.9999999"):
        assert said(f"plan --S 1 --A 1 {words}")[0] == 0


# --- minimax, storage -------------------------------------------------------------------------------------


def test_the_rows_of_a_least_favourable_teacher():
    # Oracle: enumeration by hand: rows equal up to the order of labels and to 12 digits are one, frequent ones first
    rho = [0.125, 0.125 + 1e-14, 0.25, 0.5]
    teacher = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25 + 1e-14], [1.0, 0.0, 0.0], [0.625, 0.375, 0.0]]
    problem = SimpleNamespace(rho=np.array(rho), teacher=np.array(teacher))
    assert cli.minimax._teacher_as_text(problem).splitlines() == [
        "  2 inputs of mass 0.125: labels 0.5, 2 x 0.25",
        "  1 input of mass 0.25: labels 1, 2 x 0",
        "  1 input of mass 0.5: labels 0.625, 0.375, 0",
    ]
    near = SimpleNamespace(rho=np.array([0.5, 0.5 + 3e-12]), teacher=np.array([[0.5, 0.5 - 3e-12], [0.5, 0.5]]))
    assert cli.minimax._teacher_as_text(near).splitlines() == [
        "  1 input of mass 0.5: labels 0.5, 0.5",
        "  1 input of mass 0.5: labels 2 x 0.5",
    ]


@pytest.mark.parametrize(("number", "rest"), [(8, []), (9, ["  and 1 rows more"]), (11, ["  and 3 rows more"])])
def test_at_most_eight_rows_of_a_teacher_are_listed(number, rest):
    # Oracle: enumeration
    problem = SimpleNamespace(rho=np.arange(1.0, number + 1), teacher=np.tile([0.5, 0.5], (number, 1)))
    lines = cli.minimax._teacher_as_text(problem).splitlines()
    assert lines == [*(f"  1 input of mass {i}: labels 2 x 0.5" for i in range(1, 9)), *rest]


def stored(routes=("exact",) * 4):
    rows = {"storage": ["list", "list", "half", "half"], "visits": [1, 3, 1, 3], "risk": [0.5, 0.0, 5e-7, 6e-7]}
    rows |= {"best": [False, True, True, False], "route": list(routes), "error": [1e-3, 2e-3, 3e-3, 4e-3]}
    return pd.DataFrame(rows)


TABLE = ["visits of every input         1          3 ", "list                   0.500000   0.000000*"]
TABLE.append("half                    5.0e-07*  0.000001 ")
KEPT = ["list: the most likely labels, equal shares for the others", "half: half of each"]


@pytest.mark.parametrize(
    ("routes", "rest"),
    [
        (("exact",) * 4, []),
        (
            ("exact", "Monte Carlo", "Monte Carlo", "exact"),
            ["2 of 4 risks are simulated, standard error 0.003 at most"],
        ),
    ],
)
def test_storage(routes, rest, said, monkeypatch):
    # Oracle: definition, by hand; a risk that six decimals would show as 0 has two digits
    answer(monkeypatch, "best_storage", stored(routes))
    code, lines = said("storage --bundled next_word --numbers 7 --visits 1 3")
    assert code == 0
    assert lines[0] == "7 numbers of a row at each visit; expected total variation of the student"
    assert [line.split() for line in lines[1:4]] == [line.split() for line in TABLE]
    assert lines[4:] == [*KEPT, *rest]
    found = json.loads("\n".join(said("storage --bundled next_word --numbers 7 --visits 1 3 --json")[1]))
    assert found == stored(routes).to_dict("records")


@pytest.mark.parametrize(
    ("row", "filled"),
    [
        (",p\nx,y,0.5\n", "equal shares of what is missing, for which lists and draws seem better than they are"),
        ("\nx,y\n", "frequencies of its labels, for which storages seem better or worse than they are"),
    ],
)
def test_storage_of_a_log(row, filled, said, monkeypatch):
    # Oracle: definition, by hand; the share is that of kt.storage.plug_in
    Path("r.csv").write_text(f"s,a{row}")
    answer(monkeypatch, "best_storage", stored())
    plug_in = "kt_theory.storage.plug_in"
    monkeypatch.setattr(plug_in, lambda data: (SimpleNamespace(S=4), 0.125, 3))
    lines = said("storage r.csv --other --numbers 1 --visits 1 3")[1]
    assert lines[6:] == [
        f"plug-in: the log does not tell 3 of 4 rows whole, 12.5% of the mass; they are filled in by {filled}"
    ]
    found = json.loads("\n".join(said("storage r.csv --other --numbers 1 --visits 1 3 --json")[1]))
    assert [entry["plug_in"] for entry in found] == [0.125] * 4
    monkeypatch.setattr(plug_in, lambda data: (SimpleNamespace(S=4), 0.0, 0))
    assert said("storage r.csv --other --numbers 1 --visits 1 3")[1][4:] == KEPT


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        *(
            (words, "give one of LOG, --teacher and --bundled: whose rows are stored")
            for words in ("", "x --teacher y", "x y --bundled y")
        ),
        *((f"{words} --normalise", "--normalise goes with --teacher only") for words in ("x", "--bundled y")),
        ("--bundled y --other", "--other goes with --teacher and LOG only"),
        *(
            (f"{words} --{option}", f"--{option.split()[0]} goes with LOG only")
            for option in ("columns state=a", "logprobs-are logarithms", "input a", "label all")
            for words in ("--teacher y", "--bundled y")
        ),
    ],
)
def test_what_storage_refuses(words, sentence, capsys):
    # Oracle: definition, one sentence
    assert cli.main(["storage", *words.split(), "--visits", "1", "--numbers", "1"]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


# --- fit --------------------------------------------------------------------------------------------------


LABELS_ALONE, SAMPLED = ["CE_sgl", "ADD_sgl"], ["CE_sgl", "CE_ptl", "SEL_ptl", "ADD_sgl"]


@pytest.mark.parametrize(
    ("records", "words", "protocol", "learners"),
    [
        ("s,a\n0,0\n", "", "hard", LABELS_ALONE),
        ("s,a,p\n0,0,0.5\n", "", "partial", SAMPLED),
        ("s,a,p,count\n0,0,0.5,1\n0,1,0.25,0\n", "", "told", [*SAMPLED, "SEL@told"]),
        (
            "s,a,p,count\n0,0,0.5,1\n0,1,0.25,0\n0,2,0.25,0\n",
            "",
            "soft",
            ["CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"],
        ),
        (
            "s,a,logp\n0,0,-0.69\n",
            "--told-as rounded:2",
            "rounded:2",
            [*LABELS_ALONE, "SEL@rounded:2", "CLIP@rounded:2"],
        ),
        ("s,a,logp\n0,0,-0.69\n", "--told-as tempered:0.5", "tempered:0.5", [*LABELS_ALONE, "SEL@tempered:0.5"]),
    ],
)
def test_the_learners_of_records(records, words, protocol, learners, said):
    # Oracle: definition, those whose protocol the records reveal, and the natural ones of their own protocol
    Path("r.csv").write_text(records)
    code, lines = said(f"fit r.csv --A 3 {words} --json")
    found = json.loads("\n".join(lines))
    assert (code, found["protocol"], found["learners"]) == (0, protocol, learners)
    facts = ["protocol", "n", "S", "A", "inputs never seen", "labels never seen at any input", "pairs seen"]
    facts += ["inputs by records", *(["records of untold labels"] if protocol == "hard" else [])]
    if protocol in ("partial", "told", "soft"):
        facts += ["missing mass on visited inputs", "missing mass per input"]
    else:
        facts += ["missing mass (Good-Turing estimate)"]
    facts += ["mass not told, averaged over the inputs told of"] if protocol == "told" else []
    facts += ["self-audit"] if protocol in ("partial", "soft") else []
    assert list(found) == [*facts, "learners", "out"]


def test_fit_counts_the_mass_that_is_not_told(said):
    # Oracle: enumeration by hand: 0.25 and 0.5 at the inputs told of; the third is told of by no row
    Path("r.csv").write_text("s,a,p,count\n0,0,0.5,1\n0,1,0.25,0\n1,1,0.5,3\n")
    found = json.loads("\n".join(said("fit r.csv --A 3 --S 3 --json")[1]))
    assert found["mass not told, averaged over the inputs told of"] == 0.375
    assert found["inputs by records"] == {"1": 1, "2": 0, "more": 1}
    assert found["inputs never seen"] == ["2"]
    assert found["labels never seen at any input"] == ["2"]
    assert found["pairs seen"] == 2


def test_fit_counts_inputs_by_their_records(said):
    # Oracle: enumeration by hand: i records of each of i inputs, for i from 1 to 4
    Path("r.csv").write_text("s,a,count\n" + "".join(f"{i}{j},0,{i}\n" for i in range(1, 5) for j in range(i)))
    assert "records an input: 1 record at 1 input, 2 at 2, more at 7" in said("fit r.csv")[1]
    found = json.loads("\n".join(said("fit r.csv --json")[1]))
    assert found["inputs by records"] == {"1": 1, "2": 2, "more": 7}


@pytest.mark.parametrize("words", ["--A 12", "--other"])
def test_fit_lists_the_eight_pairs_seen_most_often(words, said):
    # Oracle: enumeration: by counts, ties in the order of the names; a sparse table lists its stored cells alike
    counts = [3, 1, 2, 3, 1, 2, 3, 1, 2, 3]
    Path("r.csv").write_text("s,a,p,count\n" + "".join(f"0,{a},0.05,{count}\n" for a, count in enumerate(counts)))
    lines = said(f"fit r.csv {words}")[1]
    at = lines.index("what each learner gives, on the pairs seen most often:") + 2
    wanted = sorted(range(10), key=lambda a: (-counts[a], a))[:8]
    assert [line.split()[:3] for line in lines[at : at + 8]] == [["0", str(a), str(counts[a])] for a in wanted]
    assert lines[at + 8].startswith("write all rows")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("r.csv --normalise", "--normalise goes with --init only"),
        *(
            (f"r.csv --states t.csv --S {i}", "--states and --S both give the alphabet: keep one of them")
            for i in (1, 2)
        ),
        ("r.csv --actions t.csv --A 1", "--actions and --A both give the alphabet: keep one of them"),
        *(
            (
                f"r.csv --{option} o.csv --{given} t.csv --{option} t.csv",
                f"--{option} is t.csv, which is --{given} too: it would be overwritten; choose another name",
            )
            for given in ("states", "actions", "init", "requests")
            for option in ("out", "skip-bad")
        ),
        *(
            (
                f"r.csv t.csv --{option} t.csv",
                f"--{option} is t.csv, which is the file of records t.csv too: it would be overwritten; choose another "
                "name",
            )
            for option in ("out", "skip-bad")
        ),
        (
            "r.csv --out o.csv --skip-bad o.csv",
            "--skip-bad is o.csv, which is --out too: it would be overwritten; choose another name",
        ),
        *(
            (f"r.csv --{option} o.txt", "o.txt: its name must end in .csv or .parquet")
            for option in ("out", "skip-bad")
        ),
    ],
)
def test_what_fit_refuses(words, sentence, capsys):
    # Oracle: definition, one sentence
    Path("r.csv").write_text("s,a\nx,y\n")
    Path("t.csv").write_text("x\ny\n")
    assert cli.main(["fit", *words.split()]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


# --- verify, reproduce ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [[], ["x", "y"]])
@pytest.mark.parametrize("as_json", [False, True])
def test_verify(wrong, as_json, monkeypatch, capsys):
    # Oracle: definition, each line by hand; the table and the conclusion on standard output, surprises beside it
    verdicts, written = [SimpleNamespace(statement=SimpleNamespace(id=name)) for name in wrong or ["x"]], []
    answer(monkeypatch, "ledger.try_all", iter(verdicts))
    answer(monkeypatch, "ledger.as_text", "TABLE")
    answer(monkeypatch, "ledger.unexpected", verdicts if wrong else [])
    answer(monkeypatch, "ledger.surprises", ["one", "two"])
    answer(monkeypatch, "ledger.conclusion", "FAIL" if wrong else "PASS")
    answer(monkeypatch, "ledger.as_frame", pd.DataFrame({"id": ["x"], "seconds": [3.0], "worst": [float("inf")]}))
    summary = SimpleNamespace(
        statements=dict.fromkeys(kt.ledger.KINDS, 5), mutation_score=0.5, planted=0, false_alarm=0
    )
    answer(monkeypatch, "ledger.summarise", summary)
    monkeypatch.setattr(kt.ledger, "write_report", lambda *given: written.append(("report", *given[2:])))
    monkeypatch.setattr(kt.ledger, "write_junit", lambda *given: written.append(("junit", *given[2:])))
    words = ["verify", "--statement", "zz-3.1", "--report", "r.html", "--junit", "j.xml", "--out", "t.csv"]
    assert cli.main([*words, *(["--json"] if as_json else [])]) == (1 if wrong else 0)
    said = capsys.readouterr()
    surprises = [f"not as expected: {name}: one; two" for name in wrong]
    files = [("report", "r.html"), ("JUnit XML", "j.xml"), ("table", "t.csv")]
    if as_json:
        found = json.loads(said.out)
        assert said.err.splitlines() == [*surprises, "FAIL" if wrong else "PASS"]
        assert (found["format"], found["passed"], found["level"], found["seed"]) == (1, not wrong, "quick", 1)
        assert found["statements"] == [{"id": "x", "worst": None}]
        assert found["statements_by_kind"] == dict.fromkeys(kt.ledger.KINDS, 5)
        assert (found["mutation_score"], found["false_alarm"]) == (None, 0)
    else:
        assert said.out.splitlines() == [
            "TABLE",
            *(f"{what}: {Path(name).resolve()}" for what, name in files),
            "FAIL" if wrong else "PASS",
        ]
        assert said.err.splitlines() == surprises
    assert written == [("report", "r.html"), ("junit", "j.xml")]
    assert pd.read_csv("t.csv")["id"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("option", "name", "suffix"), [("out", "o.txt", ".csv"), ("report", "r.htm", ".html"), ("junit", "j.txt", ".xml")]
)
def test_what_verify_refuses(option, name, suffix, capsys):
    # Oracle: definition, one sentence
    assert cli.main(["verify", f"--{option}", name]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {name}: its name must end in {suffix}\n")


@pytest.mark.parametrize(("words", "ids"), [("", ["b", "a"]), ("--statement zz-3.1", ["b", "a", "zz-3.1"])])
def test_verify_of_a_file(words, ids, monkeypatch):
    # Oracle: definition: each statement once, in the order of the file, then those of the ledger that are named
    made = "kt.ledger.upper_bound({!r}, 'CE_ful', lambda *, S, A, n: 1.0)"
    Path("own.py").write_text(
        "import kt_theory as kt\n"
        f"b = {made.format('b')}\na = {made.format('a')}\nagain = b\nrest = 3\nplace = __file__\n"
    )
    asked = []
    monkeypatch.setattr(kt.ledger, "try_all", lambda statements, *_, **__: asked.extend(statements) or iter(()))
    cli.main(["verify", "--file", "own.py", *words.split()])
    assert [statement.id for statement in asked] == ids


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (
            "none.py",
            "none.py has no statement: name at its top level what kt_theory.ledger.upper_bound, lower_bound or "
            "Statement gives",
        ),
        ("absent.py", "there is no file absent.py: statements are given as a Python file, --file FILE.py"),
        ("none.txt", "none.txt is no Python file: statements are given as a Python file, --file FILE.py"),
    ],
)
def test_files_without_statements(file, sentence, capsys):
    # Oracle: definition, one sentence
    for name in ("none.py", "none.txt"):
        Path(name).write_text("x = 3\n")
    assert cli.main(["verify", "--file", file]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


def test_verify_does_not_overwrite_the_file_of_statements(capsys):
    # Oracle: definition, one sentence
    Path("o.csv").write_text("")
    assert cli.main(["verify", "--file", "o.csv", "--out", "o.csv"]) == 2
    said = "--out is o.csv, which is --file too: it would be overwritten; choose another name"
    assert capsys.readouterr() == ("", f"kt-theory: error: {said}\n")


@pytest.mark.parametrize("held", [(True, True), (True, False), (False, True)])
def test_reproduce(held, monkeypatch, capsys):
    # Oracle: definition, by hand: two studies, of which the first has a curve without a bound
    columns = {"panel": ["p"], "learner": ["CE_sgl"], "points": 0, "resolved": True}
    numbers = (
        "theory",
        "published",
        "slope",
        "slope_se",
        "n_min",
        "n_max",
        "exact_slope",
        "above_lower",
        "below_upper",
    )
    columns |= dict.fromkeys(numbers, float("nan"))

    def board(checked, kept):
        return lambda options: pd.concat([pd.DataFrame({**columns, "checked": n, "held": kept}) for n in checked])

    boards = {"figure1_classic": board([0, 2], held[0]), "figure2_rates": board([1, 4], held[1])}
    monkeypatch.setattr(cli.reproduce, "STUDIES", {"a": "figure1_classic", "b": "figure2_rates"})
    monkeypatch.setattr(cli.reproduce, "_load_study", boards.get)
    answer(monkeypatch, "claims.as_text", "BOARD")
    monkeypatch.setattr("kt_theory.claims.beside_the_paper", lambda stem, own: [f"{stem}: {len(own)}", "more"])
    clock = iter([0.0, 2.0, 10.0, 13.4])
    monkeypatch.setattr(cli.reproduce, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert cli.main(["reproduce", "--out", "o"]) == (0 if all(held) else 1)
    said = capsys.readouterr()
    kept = (1 if held[0] else 0) + (2 if held[1] else 0)
    assert said.out.splitlines() == [
        *("BOARD", "", f"bounds: 7 checks at single n; {kept} of 3 curves keep all of theirs", "written:"),
        *("beside the paper:", "  figure1_classic: 2", "  more", "  figure2_rates: 2", "  more"),
    ]
    assert said.err.splitlines() == [
        *("1 of 2: figure1_classic ...", "1 of 2: figure1_classic: 2 s"),
        *("2 of 2: figure2_rates ...", "2 of 2: figure2_rates: 3 s"),
    ]
    clock = iter([0.0] * 4)
    assert cli.main(["reproduce", "--out", "o", "--json"]) == (0 if all(held) else 1)
    rows = json.loads(capsys.readouterr().out)
    assert [row["checked"] for row in rows] == [0, 2, 1, 4]
    assert rows[0]["slope"] is None


# --- Errors and warnings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "there is not enough memory for tables of this size"),
        (OSError(2, "gone", "f.csv"), "f.csv: gone"),
        (OSError(2, "gone"), "standard output or a temporary file: gone"),
        (OSError("odd"), "standard output or a temporary file: odd"),
        (ValueError("two\nlines"), "two\nkt-theory: lines"),
    ],
)
def test_an_error_is_a_sentence(error, sentence, monkeypatch, capsys):
    # Oracle: definition, by hand
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(kt, "check_log", fail)
    assert cli.main(["check-log", "x"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.replace("\n", " ").strip().startswith("kt-theory: error: " + sentence.split("\n")[0])


def test_a_warning_is_a_note(monkeypatch, capsys):
    # Oracle: definition: each warning of ours once more each time, others with their kind
    import warnings

    def warn(*_, **__):
        for _ in range(2):
            warnings.warn("beware", UserWarning, stacklevel=1)
        warnings.warn("odd", RuntimeWarning, stacklevel=1)
        return LogCheck(())

    monkeypatch.setattr(kt, "check_log", warn)
    assert cli.main(["check-log", "x"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[:2] == ["kt-theory: note: beware"] * 2
    assert said.err.splitlines()[2:] in ([], ["kt-theory: note: RuntimeWarning: odd"])


# --- study ------------------------------------------------------------------------------------------------


def exported(missing=(), rows=((5, "CE_sgl"), (5, "CE_ful"), (10, "CE_sgl"))):
    receipts = pd.DataFrame([{"panel": "p", "n": n, "learner": name, "mean": 0.25, "seconds": 3.0} for n, name in rows])
    return SimpleNamespace(missing=list(missing), receipts=receipts)


@pytest.mark.parametrize("missing", [[], [("q", 7)]])
@pytest.mark.parametrize(("name", "written"), [("o.csv", "receipts"), ("o.PARQUET", "table")])
def test_study_export(name, written, missing, said, monkeypatch, capsys):
    # Oracle: definition: rows and distinct cells are counted; Parquet has no times; exit code 1 if cells lack
    calls = []
    monkeypatch.setattr(kt.study, "export", lambda folder: exported(missing))
    monkeypatch.setattr(kt.study, "write_receipts", lambda frame, out: calls.append(("receipts", out, list(frame))))
    monkeypatch.setattr(kt.tables, "write_table", lambda frame, out: calls.append(("table", out, list(frame))))
    code = cli.main(["study", "export", "x", "--out", name])
    printed = capsys.readouterr()
    assert code == (1 if missing else 0)
    assert printed.out == f"3 rows of 2 cells: {Path(name).resolve()}\n"
    assert printed.err.startswith("kt-theory: missing: 1 cell") == bool(missing)
    columns = ["panel", "n", "learner", "mean", *(["seconds"] if written == "receipts" else [])]
    assert calls == [(written, name, columns)]


@pytest.mark.parametrize(("out", "what"), [("-", "nothing written"), ("o.csv", "o.csv was not written")])
def test_study_export_of_nothing(out, what, monkeypatch, capsys):
    # Oracle: definition
    monkeypatch.setattr(kt.study, "export", lambda folder: exported(rows=()))
    assert cli.main(["study", "export", "x", "--out", out]) == 1
    assert capsys.readouterr() == ("", f"kt-theory: no cell is complete: {what}\n")


def test_study_plot(monkeypatch, capsys):
    # Oracle: definition: a figure of the folder's name, or of the one given; exit code 1 if cells lack
    drawn = []
    monkeypatch.setattr(kt.plots, "draw_receipts", lambda frame, stem: drawn.append((len(frame), stem)))
    monkeypatch.setattr(kt, "fit_rate", lambda frame: None)
    monkeypatch.setattr(cli.study, "slopes_as_text", lambda fits: "SLOPES")
    for missing in ([], [("q", 7)]):
        monkeypatch.setattr(kt.study, "export", lambda folder, missing=missing: exported(missing))
        for words, name in (([], "x.png"), (["--out", "a.b.png"], "a.b.png")):
            assert cli.main(["study", "plot", "x", *words]) == len(missing)
            printed = capsys.readouterr()
            assert printed.out == f"SLOPES\nfigure: {Path(name).resolve()}\n"
            assert printed.err.startswith("kt-theory: missing: 1 cell") == bool(missing)
            assert drawn.pop() == (3, Path(name).with_suffix(""))
    monkeypatch.setattr(kt.study, "export", lambda folder: exported([("q", 7)], rows=()))
    assert cli.main(["study", "plot", "x"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("no cell is complete: x.png was not written")
    assert drawn == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("plot x --out o.gif", "o.gif: its name must end in .png"),
        ("export x --out o.xlsx", "o.xlsx: its name must end in .csv or .parquet"),
    ],
)
def test_outputs_of_a_study_are_refused_before_it_is_read(words, sentence, monkeypatch, capsys):
    # Oracle: definition, one sentence
    monkeypatch.setattr(kt.study, "export", lambda folder: pytest.fail("the study was read"))
    assert cli.main(["study", *words.split()]) == 2
    assert capsys.readouterr() == ("", f"kt-theory: error: {sentence}\n")


def test_slopes_of_a_study():
    # Oracle: definition, by hand
    columns = {"panel": ["a", "bb"], "learner": ["x", "y"], "slope": [-0.51234, 0.0], "slope_se": [0.0126, 0.0]}
    columns |= {"points": [3, 0], "left_out": [2, 4], "n_min": [10.0, 0], "n_max": [1e6, 0], "resolved": [True, False]}
    fits = pd.DataFrame(columns)
    lines = cli.study_text.slopes_as_text(fits).splitlines()
    assert [line.split() for line in lines] == [
        ["panel", "learner", "slope", "over", "n", "fitted", "settled"],
        ["a", "x", "-0.512", "+-", "0.013", "10..1e+06", "3", "of", "5", "yes"],
        ["bb", "y", "-", "-", "0", "of", "4", "-"],
    ]
    assert [line.index(word) for line, word in zip(lines, ("learner", "x", "y"), strict=True)] == [7, 7, 7]
    assert "no" in cli.study_text.slopes_as_text(fits.assign(resolved=False)).splitlines()[1]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(28, "x"), True),
        (OSError(122, "x"), True),
        (OSError(2, "x"), False),
        (ValueError("x"), False),
        (None, False),
    ],
)
def test_whether_a_disk_is_full(error, full):
    # Oracle: definition: at the root, as a cause or as a context
    assert cli.study._is_full(error) is full
    if error is None:
        return
    for link in ("__cause__", "__context__"):
        outer, middle = ValueError("outer"), ValueError("middle")
        setattr(outer, link, middle)
        setattr(middle, link, error)
        assert cli.study._is_full(outer) is full


@pytest.mark.parametrize(
    ("share", "said"),
    [
        ("1", "I/K"),
        ("/2", "I/K"),
        ("1/", "I/K"),
        ("a/2", "I/K"),
        ("1/b", "I/K"),
        ("1 2", "I/K"),
        (None, None),
        ("2/3", None),
    ],
)
def test_shares(share, said):
    # Oracle: definition
    if said:
        with pytest.raises(ValueError, match=rf"^share is {share!r}: it must be I/K, such as 1/2$"):
            cli.study._share(share)
    else:
        found = cli.study._share(share)
        assert found is None if share is None else (found == kt.study.Share(2, 3) and type(found.of) is int)


def test_status_as_json():
    # Oracle: definition, each field by hand
    batch = {"cell": "c" * 64, "seed": 3, "stage": 1, "index": 0, "reps": 5}
    found = SimpleNamespace(name="t", seed=3, cells=4, complete=2, batches=5, wanted=9, others=1, missing=(("p", 7),))
    found.damaged, found.versions, found.licence = ("x",), {"numpy": "2"}, "CC0"
    found.failures = [{"batch": batch, "error": "e"}]
    replay = f"kt-theory study replay 'a b' {kt.study.names.Batch(**batch).name}"
    assert cli.study_text.status_fields(found, Path("a b")) == {
        "name": "t",
        "folder": "a b",
        "seed": 3,
        "cells": 4,
        "complete": 2,
        "batches": 5,
        "batches_wanted": 9,
        "batches_of_other_designs": 1,
        "missing": [{"panel": "p", "n": 7}],
        "damaged": ["x"],
        "failures": [{**batch, "error": "e", "replay": replay}],
        "versions": {"numpy": "2"},
        "licence": "CC0",
    }
    tally = SimpleNamespace(drawn=2, stored=3, damaged=(Path("d/x"),))
    drawn_by = [SimpleNamespace(kt_theory=v, numpy=v) for v in ("b", "a", "b")]
    outcome = SimpleNamespace(tally=tally, capped=(("p", 1),), missing_here=(("q", 2),), drawn_by=drawn_by)
    more = cli.study_text.run_fields(outcome, found, Path("a b"))
    assert {key: more[key] for key in list(more)[13:]} == {
        "drawn_here": 2,
        "were_stored": 3,
        "moved_aside": ["d/x"],
        "capped": [{"panel": "p", "n": 1}],
        "missing_here": [{"panel": "q", "n": 2}],
        "kt_theory_of_batches": ["a", "b"],
        "numpy_of_batches": ["a", "b"],
    }
