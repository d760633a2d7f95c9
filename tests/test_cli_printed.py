"""What each command prints, line by line: every line, every order, on any output."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.compiled import jit
from kt_theory.study.store import Versions

TINY = "reps = 5\n[[panel]]\ninstance = 0\nS = 2\nA = 3\nn = [3]\nlearners = ['CE_sgl', 'SEL_ptl']\n"


#: What `fit` says of a learner last of all.
WORST = "ADD_sgl is made for the worst teacher: where many labels are rare, CE_sgl is far closer"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(capsys, *words, code=cli.HELD):
    """The lines that a command prints."""
    assert cli.main([str(word) for word in words]) == code
    return capsys.readouterr().out.splitlines()


WIDE = [
    "verify --statement zz-E.2 zz-E.5",
    "simulate --instance 1 --S 2 --A 3 --n 100 --reps 20",
    "losses",
]


@pytest.mark.parametrize("command", WIDE)
def test_tables_fit_a_narrow_terminal(command, monkeypatch, capsys):
    # Oracle: definition, no line of a table is longer; every word of the wide table is in the narrow one
    wide = lines(capsys, *command.split())
    monkeypatch.setenv("COLUMNS", "50")
    narrow = lines(capsys, *command.split())
    first = next(i for i, line in enumerate(narrow) if line.startswith("  ") and ":" in line)
    last = max(i for i, line in enumerate(narrow) if line.startswith("  ") and ":" in line)
    assert max(map(len, narrow[first : last + 1])) <= 50
    assert len(narrow) > len(wide)


def process(*words, **options):
    return subprocess.run([sys.executable, "-m", "kt_theory", *words], capture_output=True, text=True, **options)


# --- Whole answers ----------------------------------------------------------------------------------------


def test_fit_of_partial_soft_labels(capsys):
    # Oracle: enumeration by hand; students by identity, those of kt.fit
    Path("r.csv").write_text("s,a,p\n0,0,0.5\n0,0,0.5\n0,1,0.3\n1,2,0.9\n")
    said = lines(capsys, "fit", "r.csv", "--out", "students.csv")
    # By hand: of the pairs seen once, 1 - 0.25 / 0.3 and 1 - (1/3) / 0.9; of the one seen twice, 1 - 0.35 / 0.5.
    assert said[:9] == [
        "4 records of partial soft labels: 2 inputs, 3 labels, 3 of 6 pairs seen",
        "inputs never seen: none",
        "labels never seen at any input: none",
        "records an input: 1 record at 1 input, 2 at 0, more at 1",
        "missing mass on visited inputs, averaged over the records: 0.175",
        "  largest: 0 0.2, 1 0.1",
        "risk of SEL_ptl, by leaving out one record at a time: 0.1991 (standard error 0.19)",
        "",
        "what each learner gives, on the pairs seen most often:",
    ]
    table = [line.split() for line in said[9:-2]]
    learners = ["CE_sgl", "CE_ptl", "SEL_ptl", "ADD_sgl"]
    assert table[0] == ["state", "action", "seen", "revealed", *learners]
    assert [row[:4] for row in table[1:]] == [
        ["0", "0", "2", "0.500000"],
        ["0", "1", "1", "0.300000"],
        ["1", "2", "1", "0.900000"],
        ["0", "2", "0", "-"],
        ["1", "0", "0", "-"],
        ["1", "1", "0", "-"],
    ]
    data = kt.tables.read_records("r.csv")
    for row in table[1:]:
        cell = int(row[0]), int(row[1])
        assert row[4:] == [f"{kt.fit(data, learner)[cell]:.6f}" for learner in learners]
    assert said[-2:] == ["all 6 rows are in students.csv", WORST]
    assert len({len(line) for line in said[9:-2]}) == 1, "the columns are aligned"


def found_by_fit(**changes):
    """What `fit` found of six records of two inputs and three labels, before it is printed."""
    found = {"protocol": "hard", "n": 6, "S": 2, "A": 3, "pairs seen": 4, "inputs never seen": []}
    found |= {"labels never seen at any input": [], "inputs by records": {"1": 0, "2": 1, "more": 1}}
    return found | changes


TOLD_OF = {"missing mass on visited inputs": 0.25, "missing mass per input": {"x": 0.125, "y": 0.5}}
UNSEEN = ["inputs never seen: none", "labels never seen at any input: none"]
OFTEN = "records an input: 1 record at 0 inputs, 2 at 1, more at 1"
ON_VISITED = ["missing mass on visited inputs, averaged over the records: 0.25", "  largest: y 0.5, x 0.125"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"missing mass (Good-Turing estimate)": 0.125},
            [
                *("6 records of hard labels: 2 inputs, 3 labels, 4 of 6 pairs seen", *UNSEEN, OFTEN),
                "missing mass: not told by hard labels; about 0.125 (Good-Turing estimate)",
            ],
        ),
        (
            {"protocol": "partial@3", "missing mass (Good-Turing estimate)": 0.0, "inputs never seen": ["x"]},
            [
                "6 records of partial soft labels, told as partial@3: 2 inputs, 3 labels, 4 of 6 pairs seen",
                *("inputs never seen: 1 (x)", UNSEEN[1], OFTEN),
                "missing mass: not told by partial@3 labels; about 0 (Good-Turing estimate)",
            ],
        ),
        (
            {"protocol": "soft", **TOLD_OF, "labels never seen at any input": ["no", "yes"]},
            [
                "6 records of soft labels: 2 inputs, 3 labels, 4 of 6 pairs seen",
                *(UNSEEN[0], "labels never seen at any input: 2 (no, yes)", OFTEN, *ON_VISITED),
            ],
        ),
        (
            {"protocol": "told", **TOLD_OF, "mass not told, averaged over the inputs told of": 0.0625},
            [
                "6 records of partial soft labels, with labels told that were not drawn: 2 inputs, 3 labels, 4 of 6 "
                "pairs seen",
                *(*UNSEEN, OFTEN, *ON_VISITED),
                "mass of labels that are not told, averaged over the inputs told of: 0.0625",
            ],
        ),
        (
            {"n": 0, "S": 1, "pairs seen": 0, "inputs by records": {"1": 0, "2": 0, "more": 0}}
            | {"missing mass (Good-Turing estimate)": None},
            [
                "0 records of hard labels: 1 input, 3 labels, 0 of 3 pairs seen",
                *(*UNSEEN, "missing mass: not told by hard labels; no records"),
            ],
        ),
    ],
)
def test_what_fit_says_of_records(found, said):
    # Oracle: definition, by hand
    assert cli.fit._findings_as_text(found_by_fit(**found)).splitlines() == said


def test_fit_says_where_most_inputs_have_one_record(capsys):
    # Oracle: none needed, the advice where more inputs have one record than several, and only there
    advice = "a table learns nothing across inputs: name a column with the class of each input, --columns state=CLASS"
    Path("r.csv").write_text("s,a\nq0,no\nq1,yes\nq2,yes\nq0,yes\n")
    said = lines(capsys, "fit", "r.csv")
    at = said.index("records an input: 1 record at 2 inputs, 2 at 1, more at 0")
    assert said[at + 1].strip() == advice
    Path("r.csv").write_text("s,a,topic\nq0,no,x\nq1,yes,x\nq2,yes,y\nq0,yes,x\n")
    said = lines(capsys, "fit", "r.csv", "--columns", "state=topic", "action=a")
    assert "records an input: 1 record at 1 input, 2 at 0, more at 1" in said
    assert advice not in "".join(said)


def test_fit_of_hard_labels(capsys):
    # Oracle: enumeration by hand; one of three records is of a pair seen once
    Path("h.csv").write_text("s,a\nx,yes\nx,no\nx,yes\n")
    said = lines(capsys, "fit", "h.csv")
    assert said[:5] == [
        "3 records of hard labels: 1 input, 2 labels, 2 of 2 pairs seen",
        "inputs never seen: none",
        "labels never seen at any input: none",
        "records an input: 1 record at 0 inputs, 2 at 0, more at 1",
        "missing mass: not told by hard labels; about 0.3333 (Good-Turing estimate)",
    ]
    assert said[-2:] == ["write all rows with --out students.csv", WORST]
    found = json.loads("\n".join(lines(capsys, "fit", "h.csv", "--json")))
    assert list(found)[:6] == ["protocol", "n", "S", "A", "inputs never seen", "labels never seen at any input"]
    assert found["learners"] == ["CE_sgl", "ADD_sgl"]
    assert found["out"] is None


def test_fit_of_labels_that_are_not_told_counts_them(capsys):
    # Oracle: enumeration by hand: of four records one has no probability, and no list tells it; without p none is told
    Path("u.csv").write_text("s,a,p\nx,yes,0.5\nx,no,\nx,yes,0.5\ny,yes,0.25\n")
    found = json.loads("\n".join(lines(capsys, "fit", "u.csv", "--json")))
    assert (found["protocol"], found["n"], found["records of untold labels"]) == ("hard", 4, 1)
    Path("h.csv").write_text("s,a\nx,yes\nx,no\nx,yes\n")
    assert json.loads("\n".join(lines(capsys, "fit", "h.csv", "--json")))["records of untold labels"] == 3


def test_fit_orders_inputs_by_missing_mass_and_counts_the_rest(capsys):
    # Oracle: enumeration, masses 0.01, 0.02, ... of 20 inputs, given in another order
    order = [7 * i % 20 for i in range(20)]
    Path("r.csv").write_text("s,a,p\n" + "".join(f"x{i},0,{1 - (i + 1) / 100}\n" for i in order))
    Path("names.txt").write_text("".join(f"x{i}\n" for i in range(30)))
    said = lines(capsys, "fit", "r.csv", "--A", 2, "--states", "names.txt")
    assert said[1] == "inputs never seen: 10 (x20, x21, x22, x23, x24, x25, x26, x27 and 2 more)"
    assert said[2] == "labels never seen at any input: 1 (1)"
    assert said[6].startswith("  largest: x20 1, x21 1,")
    assert said[6].endswith(" and 22 more")


def test_simulate(capsys):
    # Oracle: identity, the rows of kt.simulate in its order
    said = lines(capsys, "simulate", "--instance", 0, "--S", 2, "--A", 2, "--n", 5, 3, "--reps", 40)
    frame = kt.simulate(kt.instance(0, 2, 2), kt.PAPER_LEARNERS, [5, 3], 40)
    assert said[0].split() == ["n", "learner", "protocol", "mean", "mcse", "reps", "nonzero"]
    assert [line.split() for line in said[1:]] == [
        [str(r.n), r.learner, r.protocol, f"{r.mean:.6g}", f"{r.mcse:.6g}", "40", str(r.nonzero)]
        for r in frame.itertuples()
    ]


def test_simulate_with_controls(capsys):
    # Oracle: identity, kt.simulate with control variates; their column is shown
    said = lines(capsys, "simulate", "--instance", 0, "--S", 2, "--A", 2, "--n", 5, "--reps", 40, "--control")
    frame = kt.simulate(kt.instance(0, 2, 2), kt.PAPER_LEARNERS, [5], 40, control=True)
    assert said[0].split() == ["n", "learner", "protocol", "mean", "mcse", "reps", "nonzero", "control"]
    assert [line.split()[3] for line in said[1:]] == [f"{mean:.6g}" for mean in frame["mean"]]


def test_minimax(capsys):
    # Oracle: published, the risk 1/8 of S = 1, A = 3, n = 2; the closed forms are those of kt.bounds
    said = lines(capsys, "minimax", "--protocol", "partial", "--S", 1, "--A", 3, "--n", 2, "--out", "worst.csv")
    low, high = kt.bounds.best_lower("partial", S=1, A=3, n=2), kt.bounds.best_upper("partial", S=1, A=3, n=2)
    assert said == [
        "minimax risk, partial labels, S=1, A=3, n=2: = 0.125 (SEL_ptl)",
        *(f"  {end} end 0.125, proved: the largest risk of SEL_ptl in closed form" for end in ("lower", "upper")),
        "SEL_ptl with uniform spreading is minimax; relative rounding error below 1e-14.",
        f"proved closed forms: {low.value:.6g} ({low.statement}), {high.value:.6g} ({high.statement})",
        "",
        "least favourable teacher found, inputs that are alike up to the order of their labels together:",
        "  1 input of mass 1: labels 2 x 0.5, 0",
        "the whole table is in worst.csv",
    ]
    found = json.loads(
        "\n".join(lines(capsys, "minimax", *["--protocol", "soft", "--S", "2", "--A", "2", "--n", "2", "--json"]))
    )
    names = ["protocol", "S", "A", "n", "lower", "upper", "exact", "student", "note", "lower_end", "upper_end"]
    assert list(found) == names


def test_limit(capsys):
    # Oracle: stationarity by hand, p_a times the slope of (1 - q) log q at q_a is the same for all labels; a channel by
    # hand, p^(1/2) scaled to one
    p, loss = (0.5, 0.3, 0.2), kt.losses.make("focal", gamma=1)
    said = lines(capsys, "limit", "focal", "--set", "gamma=1", "--p", *p)
    law = [float(x) for x in said.pop(1).removeprefix("limit     ").split(" ")]
    pull = [mass * (math.log(q) + 1 - 1 / q) for mass, q in zip(p, law, strict=True)]
    assert pull == pytest.approx([pull[0]] * 3, abs=1e-5)
    assert sum(law) == pytest.approx(1, abs=2e-6)
    assert said == [
        f"focal(gamma=1): {loss.formula}",
        "teacher   not at the teacher, total variation 0.043271",
        "minimum   unique",
        f"source    {loss.source}",
    ]
    roots = [math.sqrt(x) for x in p]
    said = lines(capsys, "limit", "temperature", "--set", "T=2", "--p", *p)
    assert said[1] == "makes     " + " ".join(f"{x / sum(roots):.6f}" for x in roots)
    listed = lines(capsys, "losses", "--consistent")
    wide = max(len(line.split()[0]) for line in listed[1:-1])
    assert listed[0] == f"{'id':{wide}}  a sample shows  limit = teacher  title"
    brier = next(line for line in listed if line.startswith("brier "))
    assert brier == f"{'brier':{wide}}  {'hard':14}  {'yes':15}  {kt.losses.make('brier').title}"
    assert listed[-1] == f"{len(listed) - 2} entries"


def test_playground(capsys):
    assert lines(capsys, "playground", "--out", "p.html") == ["the playground is in p.html: open it in a browser"]


def test_study_replay(capsys):
    # Oracle: identity, the moments that kt.study.replay gives, to the last digit, and no index before them
    Path("tiny.toml").write_text(TINY)
    lines(capsys, "study", "run", "tiny.toml")
    (batch,) = [f"{path.parent.name}/{path.stem}" for path in Path("tiny/batches").glob("*/*.json")]
    said = [line.split() for line in lines(capsys, "study", "replay", "tiny", batch)]
    frame = kt.study.replay("tiny", batch)
    assert said[0] == list(frame.columns) == ["learner", "mean", "squares", "nonzero"]
    assert said[1:] == [
        [r.learner, repr(float(r.mean)), repr(float(r.squares)), str(r.nonzero)] for r in frame.itertuples()
    ]


def test_study_run_sorts_the_versions_of_its_batches(monkeypatch):
    # Oracle: enumeration; the order of a set is luck, that of twelve names no luck
    versions = [f"2.{i}.0" for i in range(12)]
    drawn_by = frozenset(Versions(version, version) for version in versions)
    outcome = type("", (), {"drawn_by": drawn_by, "capped": [], "missing_here": []})()
    outcome.tally = type("", (), {"drawn": 0, "stored": 0, "damaged": []})()
    monkeypatch.setattr(cli.study_text, "status_fields", lambda found, folder: {})
    assert cli.study_text.run_fields(outcome, None, Path("x"))["numpy_of_batches"] == sorted(versions)


BATCH = {"cell": "c" * 64, "seed": 3, "stage": 1, "index": 0, "reps": 5}
REPLAY = f"    kt-theory study replay here {kt.study.names.Batch(**BATCH).name}"
TWO = (("p", 1), ("q", 10))


def known(**changes):
    """What is known of a study of four cells, all of it drawn and sound."""
    found = {"name": "tiny", "seed": 3, "cells": 4, "complete": 4, "batches": 9, "wanted": 9, "others": 0, "done": True}
    found |= {"missing": (), "damaged": (), "failures": (), "licence": "CC0"}
    return SimpleNamespace(**found | {"versions": {"kt_theory": "1.2", "numpy": "2.4"}} | changes)


def failed(number):
    return [{"batch": BATCH, "error": f"error {i}"} for i in range(number)]


def ended(**changes):
    """What a run of it ended with: nothing to draw."""
    tally = {"drawn": 0, "stored": 9, "damaged": ()} | changes.pop("tally", {})
    found = {"missing": (), "missing_here": (), "capped": (), "drawn_by": ()}
    return SimpleNamespace(tally=SimpleNamespace(**tally), **found | changes)


LAST = ["last run with kt_theory 1.2, numpy 2.4", "licence of the data: CC0"]
HEAD = ["tiny, seed 3: 4 of 4 cells complete", "batches: 9 of 9 stored"]
RAN = ["tiny: 4 of 4 cells complete", "batches: 0 drawn here, 9 were stored"]
MISSING = ["missing: 2 cells", "  p, n=1", "  q, n=10"]
EXPORT = ["export: kt-theory study export here --out here.csv"]
FAILED = ["failed: 1 batch; the command below each shows it again", "  error 0", REPLAY]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, [*HEAD, *LAST]),
        ({"others": 2}, [HEAD[0], "batches: 9 of 9 stored, and 2 of other designs", *LAST]),
        ({"complete": 2, "missing": TWO}, ["tiny, seed 3: 2 of 4 cells complete", HEAD[1], *MISSING, *LAST]),
        ({"failures": failed(1)}, [*HEAD, *FAILED, *LAST]),
        *(
            (
                {"failures": failed(10 + more), "missing": [("p", n) for n in range(10 + more)]},
                [
                    *(*HEAD, f"missing: {10 + more} cells", *(f"  p, n={n}" for n in range(10)), *rest),
                    f"failed: {10 + more} batches; the command below each shows it again",
                    *(line for i in range(10) for line in (f"  error {i}", REPLAY)),
                    *(*rest, *LAST),
                ],
            )
            for more, rest in ((0, []), (2, ["  and 2 more"]))
        ),
    ],
)
def test_what_is_said_of_a_stored_study(changes, said):
    # Oracle: definition, by hand
    assert cli.study_text.status_as_text(known(**changes), "here").splitlines() == said


@pytest.mark.parametrize(
    ("found", "after", "dry_run", "said"),
    [
        ({"others": 1}, {}, False, ["tiny: sound; 4 cells, 10 batches, every byte as it was written"]),
        (
            {"done": False, "damaged": ("x.json: cut",)},
            {},
            False,
            [
                *("damaged: 1 file", "  x.json: cut"),
                f"drawn again: all 4 cells are complete and sound now; the damaged files are in {Path('here/damaged')}",
            ],
        ),
        (
            {"done": False, "missing": TWO},
            {},
            False,
            [*MISSING, "drawn again: all 4 cells are complete and sound now"],
        ),
        (
            {"done": False, "missing": TWO},
            {},
            True,
            [*MISSING, "nothing was changed; without --dry-run it is drawn again"],
        ),
        (
            {"done": False, "missing": TWO},
            {"done": False, "complete": 3, "failures": failed(1)},
            False,
            [*MISSING, "not all of it could be drawn again: 3 of 4 cells complete", *FAILED],
        ),
    ],
)
def test_what_is_said_of_a_study_that_was_checked(found, after, dry_run, said):
    # Oracle: definition, by hand
    text = cli.study_text.check_as_text(known(**found), known(**after), "here", dry_run=dry_run)
    assert text.splitlines() == said


NUMPY = np.__version__


@pytest.mark.parametrize(
    ("outcome", "found", "said"),
    [
        ({}, {}, [*RAN, *EXPORT]),
        (
            {"tally": {"drawn": 3, "stored": 6, "damaged": (Path("x.json"),)}},
            {},
            [
                *(RAN[0], "batches: 3 drawn here, 6 were stored"),
                *("damaged files, moved aside and drawn again: 1", "  x.json", *EXPORT),
            ],
        ),
        (
            {"capped": TWO[:1]},
            {},
            [*RAN, "at the cap on repeats, the error aimed at may be missed: 1 cell", "  p, n=1", *EXPORT],
        ),
        (
            {"missing": (*TWO, ("r", 5)), "missing_here": TWO},
            {},
            ["tiny: 1 of 4 cells complete", RAN[1], *MISSING, "left to the other shares: 1 cell", *EXPORT],
        ),
        ({}, {"failures": failed(1)}, [*RAN, *FAILED, *EXPORT]),
        (
            {"drawn_by": (Versions("0.1", "1.9"), Versions(kt.__version__, NUMPY), Versions("0.1", "1.10"))},
            {},
            [
                *RAN,
                f"note: some batches were drawn by NumPy 1.10, 1.9, and this is {NUMPY}: another version may draw "
                "other numbers from the same seed, as good as these",
                f"note: some batches were drawn by kt_theory 0.1, and this is {kt.__version__}: both draw the same "
                "numbers from the same seed",
                *EXPORT,
            ],
        ),
    ],
)
def test_what_is_said_of_a_study_that_ran(outcome, found, said):
    # Oracle: definition, by hand
    assert cli.study_text.run_as_text(ended(**outcome), known(**found), Path("here")).splitlines() == said


# --- reproduce --------------------------------------------------------------------------------------------


def board(options):
    """A study of two curves, one checked against bounds; it writes three files and leaves one as it was."""
    for name in ("b.png", "a.csv", "c.pdf"):
        kt.study.write_receipts(pd.DataFrame({"x": [1]}), options.path("x.csv"))
        os.replace(options.path("x.csv"), options.path(name))
    panel = kt.study.Panel("p", kt.instance(0, 2, 3), [10, 100], ["CE_sgl", "CE_ptl"])
    return kt.claims.scoreboard(kt.study.exact([panel]), {})


def test_reproduce(monkeypatch, capsys):
    monkeypatch.setattr(cli.reproduce, "_load_study", lambda stem: board)
    Path("out").mkdir()
    Path("out/other.png").write_text("of another study")
    listing = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: sorted(listing(folder), reverse=True))
    # A clock that stands: the first exact risk of a new installation takes seconds to compile.
    monkeypatch.setattr(cli.reproduce, "time", SimpleNamespace(monotonic=lambda: 0.0))
    assert cli.main(["reproduce", "figure1", "--out", "out"]) == cli.HELD
    printed = capsys.readouterr()
    checked = kt.claims.scoreboard(
        kt.study.exact([kt.study.Panel("p", kt.instance(0, 2, 3), [10, 100], ["CE_sgl", "CE_ptl"])]), {}
    )
    bound = checked[checked["checked"] > 0]
    assert printed.out.splitlines() == [
        *kt.claims.as_text(checked).splitlines(),
        "",
        f"bounds: {bound['checked'].sum()} checks at single n; {len(bound)} of {len(bound)} curves keep all of theirs",
        "written:",
        *(f"  {Path('out', name).resolve()}" for name in ("a.csv", "b.png", "c.pdf")),
        "beside the paper:",
        "  figure1_classic: the paper prints no slope of it, and its panels have no rate to compare",
    ]
    assert printed.err.splitlines() == ["1 of 1: figure1_classic ...", "1 of 1: figure1_classic: 0 s"]


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ([], "figures/exact"),
        (["--quick"], "figures/quick"),
        (["--quick", "--simulate"], "figures/quick"),
        (["--simulate"], "figures"),
        (["--simulate", "--out", "mine"], "mine"),
    ],
)
def test_reproduce_writes_where_it_says(words, folder, monkeypatch, capsys):
    monkeypatch.setattr(cli.reproduce, "_load_study", lambda stem: board)
    lines(capsys, "reproduce", "figure1", *words)
    assert {path.parent for path in Path().rglob("*.csv")} == {Path(folder)}


def test_a_script_that_is_not_there_is_named(monkeypatch, capsys):
    monkeypatch.setattr(cli.reproduce, "shipped", lambda name: None)
    lines_of = cli.main(["reproduce", "figure1"])
    assert lines_of == cli.REFUSED
    said = "kt-theory: error: simulations/figure1_classic.py was not found beside the package\n"
    assert capsys.readouterr().err == said


# --- Help -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [[], ["help"], ["help", "fit"], ["help", "study"], ["help", "study", "run"], ["study"]]
)
def test_help_is_shown_without_an_option(words, capsys):
    asked = [word for word in words if word != "help"]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*asked, "--help"])
    assert stopped.value.code == 0
    wanted = capsys.readouterr().out
    try:
        code = cli.main(words)
    except SystemExit as stopped_too:
        code = stopped_too.code
    assert code == cli.HELD
    assert capsys.readouterr().out == wanted
    assert "example:" in wanted


def test_an_unknown_command_is_named(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["help", "nothing"])
    assert stopped.value.code == cli.REFUSED
    assert "invalid choice: 'nothing'" in capsys.readouterr().err


def test_an_unknown_statement_suggests_ids_that_are_alike(capsys):
    assert cli.main(["verify", "--statement", "zz3.1"]) == cli.REFUSED
    assert "zz-3.1" in capsys.readouterr().err


# --- Where it is printed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_encoding_stops_a_table(encoding):
    # Oracle: enumeration, of the labels
    Path("r.csv").write_text("s,a\n\u00e4,\u732b\n\u00e4,\u202ered\n\u00e4,\u00e9\n", encoding="utf-8")
    done = process("fit", "r.csv", env={**os.environ, "PYTHONIOENCODING": encoding}, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == WORST
    wanted = {"ascii": ["\\u732b", "\\xe9"], "latin-1": ["\\u732b", "\u00e9"], "utf-8": ["\u732b", "\u00e9"]}[encoding]
    for word in [*wanted, "\\u202ered"]:
        assert word in done.stdout


def test_names_neither_tear_nor_colour_nor_flood_the_terminal(capsys):
    # Oracle: enumeration, a row for each pair and none longer than a line
    names = ["\n", "\r", "\x1b[31mred", "\u2028", "\u202e", "yes " * 1400]
    rows = pd.DataFrame({"s": ["p"] * 6, "a": names, "logp": [-2.0, -2.5, -1.0, -3.5, -4.0, -5.0]})
    kt.tables.write_table(rows, "r.csv")
    out = lines(capsys, "fit", "r.csv", "--other")
    assert all(line.isprintable() and len(line) <= 200 for line in out)
    assert len(out) == 9 + 1 + 7 + 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_output_is_named():
    with open("/dev/full", "w") as full:
        words = ["minimax", "--protocol", "soft", "--S", "2", "--A", "2", "--n", "5"]  # at once, without progress
        done = subprocess.run(
            [sys.executable, "-m", "kt_theory", *words], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == cli.REFUSED
    assert done.stderr.startswith("kt-theory: error: standard output")
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# --- The files of compiled code ---------------------------------------------------------------------------


def module(folder):
    """A module of one compiled function, and what runs it in a process of its own."""
    Path(folder).mkdir()
    Path(folder, "compiled_once.py").write_text(
        "from kt_theory.compiled import jit\n@jit\ndef double(x):\n    return 2 * x\nprint(double(21))\n"
    )

    def run(cache):
        paths = os.pathsep.join([str(Path(folder).resolve()), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": paths}
        done = subprocess.run(
            [sys.executable, "-c", "import compiled_once"], capture_output=True, text=True, env=environment
        )
        assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
        return sorted(Path(cache).rglob("*.nb[ci]"))

    return run


@pytest.mark.parametrize(
    ("ending", "keep"),
    [(".nbi", 0), *(pytest.param(*cut, marks=pytest.mark.slow) for cut in ((".nbi", -5), (".nbc", 10)))],
)
def test_a_truncated_file_of_compiled_code_is_made_anew(ending, keep):
    # Oracle: identity, the function gives what it gave, and its files are whole again
    run = module("code")
    for path in run(Path("cache").resolve()):
        if path.suffix == ending:
            whole = path.stat().st_size
            path.write_bytes(path.read_bytes()[:keep])
    again = [path for path in run(Path("cache").resolve()) if path.suffix == ending]
    assert again
    assert max(path.stat().st_size for path in again) >= 0.9 * whole


def test_no_space_for_compiled_code_costs_time_only(monkeypatch):
    # Oracle: identity
    def full(*_):
        raise OSError(28, "No space left on device")

    @jit
    def triple(x):
        return 3 * x

    monkeypatch.setattr(triple._cache._files, "save_overload", full)
    assert triple(14) == 42
