# Oracle: definition, what a sealed file of another version must be: read, or refused in one sentence
"""Files of a study that another version of the program sealed: fields missing or more, of wrong kinds, other draws."""

import json
import re

import numpy as np
import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.simulation import cells
from kt_theory.simulation.cells import Cell
from kt_theory.study import engine, store
from kt_theory.study.records import Damaged, number, read_sealed, whole, write_sealed
from kt_theory.study.store import Drawn, Store, StudyFiles, Versions

FIXED = kt.Problem([0.5, 0.5], [[0.5, 0.5], [0.1, 0.9]], name="fixed")
DESIGN = kt.study.Design("d", [kt.study.Panel("p", FIXED, [5, 10], ["CE_sgl"])], reps=20)


@pytest.fixture
def study(tmp_path):
    kt.study.run_in_folder(DESIGN, tmp_path / "s")
    return tmp_path / "s"


def reseal(path, change):
    content = read_sealed(path)
    change(content)
    write_sealed(path, content)


def says_one_sentence(capsys, *words):
    """The exit code of a command, which printed a sentence if it refused, and no traceback."""
    code = cli.main(["study", *map(str, words)])
    err = capsys.readouterr().err
    if code in (cli.REFUSED, cli.BROKEN):
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
    return code, err


FIELDS = [
    "name",
    "seed",
    "reps",
    "target_mcse",
    "relative",
    "max_reps",
    "slope_se",
    "licence",
    "versions",
    "divergence",
    "cells",
    "design",
]
CELL_FIELDS = ["panel", "n", "learners", "problem", "cell", "reference"]


@pytest.mark.parametrize("field", [*FIELDS, *(f"cells.{name}" for name in CELL_FIELDS), "reference.table"])
def test_a_manifest_without_a_field(field, study, capsys):
    def without(content):
        *way, last = field.split(".")
        place = content["cells"][0] if way else content
        del (place["reference"] if way == ["reference"] else place)[last]

    reseal(study / "manifest.json", without)
    for action in (["status"], ["check"], ["check", "--dry-run"], ["export"]):
        code, err = says_one_sentence(capsys, action[0], study, *action[1:])
        assert code == cli.BROKEN
        assert "is missing: it was written by another version of kt_theory" in err
        assert (field.split(".")[-1] if "table" not in field else "instance") in err
    # A run writes it anew, draws nothing that is there, and loses nothing.
    assert kt.study.run_in_folder(DESIGN, study).tally.drawn == 0
    assert (study / "damaged" / "manifest.json").is_file()
    assert kt.study.check(study, repair=False).done


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": "0"},
        {"seed": True},
        {"seed": -1},
        {"reps": 0},
        {"reps": 20.0},
        {"reps": 10**30},
        {"target_mcse": "small"},
        {"target_mcse": float("nan")},
        {"slope_se": float("inf")},
        {"relative": 1},
        {"name": None},
        {"versions": []},
        {"versions": {"numpy": 2}},
        {"cells": {}},
        {"cells": [3]},
        {"cells[0]": {"panel": 1}},
        {"cells[0]": {"n": 1.5}},
        {"cells[0]": {"learners": []}},
        {"cells[0]": {"learners": ["CE_new"]}},
        {"cells[0]": {"learners": "CE_sgl"}},
        {"cells[0]": {"cell": "../../x"}},
        {"cells[0]": {"reference": {"table": "../../x"}}},
        {"cells[0]": {"reference": {"instance": 1, "S": 2}}},
        {"cells[0]": {"reference": []}},
        {"cells[0]": {"n": 10}},
    ],
)
def test_a_manifest_with_a_field_of_another_kind(wrong, study, capsys):
    def change(content):
        for name, value in wrong.items():
            if name == "cells[0]":
                content["cells"][0].update(value)
            else:
                content[name] = value

    reseal(study / "manifest.json", change)
    for action in (["status"], ["check"], ["export"]):
        code, err = says_one_sentence(capsys, action[0], study, *action[1:])
        assert code == cli.BROKEN
        assert "manifest.json" in err


@pytest.mark.parametrize("place", ["manifest", "cells", "batch", "moments"])
def test_fields_of_a_later_version_are_let_be(place, study):
    # Oracle: identity, the receipts of before
    before = kt.study.export(study).receipts.drop(columns="seconds")
    if place in ("manifest", "cells"):
        reseal(study / "manifest.json", lambda c: (c if place == "manifest" else c["cells"][0]).update({"later": [1]}))
    else:
        for path in study.glob("batches/*/*.json"):
            reseal(path, lambda c: (c if place == "batch" else c["moments"][0]).update({"later": {"mean": 0.5}}))
    assert kt.study.export(study).receipts.drop(columns="seconds").equals(before)
    assert kt.study.check(study, repair=False).done


def test_a_cell_that_is_not_that_of_its_problem_is_seen(study, capsys):
    reseal(study / "manifest.json", lambda content: content["cells"][0].update(cell="0f" * 16))
    for action in ("status", "check", "export"):
        code, err = says_one_sentence(capsys, action, study)
        assert code == cli.BROKEN
        assert "names another cell for panel 'p', n=5 than its problem makes" in err


FACTS = {"shows_label": True, "tells_drawn": False, "top": 2, "lists_last": True, "listed": True}


@pytest.mark.parametrize(
    ("fact", "right", "wrong"),
    [
        ("shows_label", (True, False), (1, None)),
        ("tells_drawn", (True, False), ("no", None)),
        ("top", (None, 0, 5), (-1, 0.5)),
        ("lists_last", (False,), (0,)),
        ("listed", (False,), ([],)),
        ("draws", (1, 9), (0, 1.5, None)),
        ("digits", (None, 0, 15), (-1, 16)),
        ("temperature", (5e-324, 2.0), (0.0, -1.0, None)),
        ("replacing", (True, False), (1, None)),
        ("mass", (None, 5e-324, 1.0), (0.0, 1.5)),
        ("at_least", (None, 5e-324, 1.0), (0.0, 1.5)),
        ("ordered", (True, False), ("yes", None)),
    ],
)
def test_facts_of_a_protocol_are_of_their_kinds_and_later_ones_may_be_missing(fact, right, wrong, study):
    # Oracle: definition, values on both sides of the limits of each
    def tell(facts):
        reseal(study / "manifest.json", lambda c: c["cells"][0]["learners"][0].update(protocol_facts=facts))

    for value in right:
        tell(FACTS | {fact: value})
        assert StudyFiles(study).manifest()["cells"][0]["learners"][0]["protocol_facts"][fact] == value
    for value in wrong:
        tell(FACTS | {fact: value})
        with pytest.raises(Damaged, match=rf"cells\[0\]\.learners\[0\]\.protocol_facts\.{fact} is "):
            StudyFiles(study).manifest()
    tell({name: value for name, value in FACTS.items() if name != fact})
    if fact in FACTS:
        with pytest.raises(Damaged, match=rf"protocol_facts\.?.*{fact}"):
            StudyFiles(study).manifest()
    else:
        assert fact not in StudyFiles(study).manifest()["cells"][0]["learners"][0]["protocol_facts"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": float("nan")},
        {"mean": "0.5"},
        {"mean": -0.1},
        {"mean": 1.5},
        {"mean": None},
        {"mean": True},
        {"mean": 10**400},
        {"squares": -1.0},
        {"squares": 10**400},
        {"squares": float("inf")},
        {"nonzero": 1.5},
        {"nonzero": 10**30},
        {"nonzero": 21},
        {"nonzero": -1},
    ],
)
def test_moments_that_are_none_are_damage_and_drawn_again(wrong, study):
    # Oracle: identity, the bytes of before
    path = sorted(study.glob("batches/*/*.json"))[0]
    before = path.read_bytes()
    reseal(path, lambda content: content["moments"][0].update(wrong))
    (said,) = kt.study.check(study, repair=False).damaged
    assert f"{path.name}: moments[0].{next(iter(wrong))} is " in said
    assert said.endswith("it was written by another version of kt_theory")
    with pytest.raises(Damaged):
        kt.study.export(study)
    kt.study.check(study)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "lacking", ["batch", "moments", "revision", "moments[0].learner", "moments[0].numpy", "moments[0].mean"]
)
def test_a_batch_without_a_field(lacking, study):
    path = sorted(study.glob("batches/*/*.json"))[0]

    def without(content):
        *way, last = lacking.split(".")
        del (content["moments"][0] if way else content)[last]

    reseal(path, without)
    (said,) = kt.study.check(study, repair=False).damaged
    assert f"{lacking} is missing" in said


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["batch"].update(stage=7),
        lambda content: content["batch"].update(seed="x"),
        lambda content: content["batch"].pop("reps"),
        lambda content: content.pop("batch"),
        lambda content: content.pop("error"),
        lambda content: content.update(error=3),
        lambda content: content["batch"].update(index=5),
    ],
)
def test_the_record_of_a_failure_of_another_version(change, study, capsys):
    with Store(study) as held:
        batch = next(held.batches())
        held.fail(batch, "ValueError: planted", "")
        (path,) = held.failure_paths()
    assert "failed: 1 batch" in "".join([cli.main(["study", "status", str(study)]) * "x", capsys.readouterr().out])
    reseal(path, change)
    assert says_one_sentence(capsys, "status", study)[0] == cli.HELD
    assert [path.name in said for said in kt.study.check(study, repair=False).damaged] == [True]
    assert kt.study.run_in_folder(DESIGN, study).tally.drawn == 0


def test_a_manifest_that_is_no_json_of_ours(study, capsys):
    for text in ("[" * 200_000, "{" * 5000, '{"sha256": 1}', '"\\ud800"'):
        (study / "manifest.json").write_text(text)
        assert says_one_sentence(capsys, "status", study)[0] in (cli.BROKEN, cli.REFUSED)


def test_kinds():
    # Oracle: enumeration
    values = [None, True, 0, -1, 1, 1.0, 0.5, 2**63, 10**400, float("nan"), float("inf"), "1", [1]]
    assert [v for v in values if whole().holds(v)] == [0, 1]
    assert [v for v in values if whole(1, 1).holds(v)] == [1]
    assert [v for v in values if number(0, 1).holds(v)] == [0, 1, 1.0, 0.5]
    assert [v for v in values if number().holds(v)] == [0, 1, 1.0, 0.5, 2**63]
    assert number().or_null().holds(None)
    assert not number().holds(None)


# --- Batches that other versions drew -----------------------------------------------------------------------


def test_batches_of_another_version_of_the_package_are_named(study, tmp_path, monkeypatch, capsys):
    # Oracle: definition, a version of a distribution (PEP 440) holds a plus, and is one version
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.py").write_text(
        "import kt_theory as kt\n"
        "fixed = kt.Problem([0.5, 0.5], [[0.5, 0.5], [0.1, 0.9]], name='fixed')\n"
        "design = kt.study.Design('d', [kt.study.Panel('p', fixed, [5, 10], ['CE_sgl'])], reps=20)\n"
    )
    path, *_ = sorted(study.glob("batches/*/*.json"))
    reseal(path, lambda content: content["moments"][0].update(kt_theory="0.0.10", numpy="2.10.0"))
    assert cli.main(["study", "run", "d.py", "--out", "s"]) == cli.HELD
    out = capsys.readouterr().out
    assert f"note: some batches were drawn by kt_theory 0.0.10, and this is {kt.__version__}: both draw the same" in out
    reseal(path, lambda content: content["moments"][0].update(numpy="2.10.0+of.a.distribution"))
    cli.main(["study", "run", "d.py", "--out", "s", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["numpy_of_batches"] == sorted(["2.10.0+of.a.distribution", np.__version__])
    assert found["kt_theory_of_batches"] == ["0.0.10", kt.__version__]


def revised(monkeypatch, revision):
    for module in (store, engine, cells):
        monkeypatch.setattr(module, "REVISION", revision)


def test_an_older_revision_gains_a_learner_where_it_drew_the_same_and_is_refused_where_not(tmp_path):
    # Oracle: identity, draws of both revisions are the same up to 16 samples a pair; definition beyond
    problem = kt.Problem([0.4, 0.6], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])

    def design(*learners, n=(96,)):
        return kt.study.Design("old", [kt.study.Panel("few", problem, list(n), list(learners))], 40, seed=3)

    def aged(folder):
        for batch in sorted(folder.glob("batches/*/*.json")):
            reseal(batch, lambda content: content.update(revision=1))

    kt.study.run_in_folder(design("CE_sgl"), tmp_path / "few")
    aged(tmp_path / "few")
    both = kt.study.run_in_folder(design("CE_sgl", "CE_ful", n=(50, 96)), tmp_path / "few")
    assert both.tally.drawn == 2
    direct = kt.study.run(design("CE_sgl", "CE_ful", n=(50, 96)).panels, 40, 3)
    assert both.receipts.drop(columns="seconds").equals(direct.drop(columns="seconds"))
    revisions = {StudyFiles(tmp_path / "few").load(b).revision for b in StudyFiles(tmp_path / "few").batches()}
    assert revisions == {1, 2}  # what was stored keeps its own
    kt.study.run_in_folder(design("CE_sgl", n=(97,)), tmp_path / "many")
    aged(tmp_path / "many")
    assert not kt.study.export(tmp_path / "many").missing
    with pytest.raises(ValueError, match=r"\(revision 2\): their numbers are not mixed, which differ at n=97 of panel"):
        kt.study.run_in_folder(design("CE_sgl", "CE_ful", n=(97,)), tmp_path / "many")


def test_batches_of_two_revisions_are_never_in_one_result(study, tmp_path, monkeypatch):
    # Oracle: definition
    (one, *_) = sorted(study.glob("batches/*/*.json"))
    old, new = cells.REVISION, cells.REVISION + 1
    revised(monkeypatch, new)
    sentence = (
        rf"batch .* was drawn by kt_theory {kt.__version__} \(revision {old} of its draws\), this is "
        rf"{kt.__version__} \(revision {new}\): their numbers are not mixed"
    )
    assert not kt.study.export(study).missing  # all of one revision
    one.unlink()
    for work in (lambda: kt.study.run_in_folder(DESIGN, study), lambda: kt.study.check(study)):
        with pytest.raises(ValueError, match=sentence):
            work()
        assert not one.exists()
    kt.study.run_in_folder(DESIGN, tmp_path / "new")
    assert {StudyFiles(tmp_path / "new").load(b).revision for b in StudyFiles(tmp_path / "new").batches()} == {new}
    assert kt.study.run_in_folder(DESIGN, tmp_path / "new").tally.drawn == 0
    for folders in ([study, tmp_path / "new"], [tmp_path / "new", study]):
        with pytest.raises(
            ValueError, match=rf"batches were drawn by revision {old} in .*s and {new} in .*new: their numbers are not"
        ):
            kt.study.merge(tmp_path / "both", folders)
    assert not (tmp_path / "both").exists()
    (tmp_path / "new" / one.relative_to(study)).rename(one)
    with pytest.raises(
        ValueError, match=re.escape(f"(revision {old}) and") + rf".*\(revision {new}\): their numbers are not mixed"
    ):
        kt.study.export(study)


def test_a_worker_of_another_revision_is_refused(study, tmp_path, monkeypatch):
    versions = (Versions("0.0.1", "1.0"),)
    monkeypatch.setattr(
        Drawn,
        "now",
        classmethod(lambda cls, keys, moments: cls(tuple(keys), moments, versions * len(keys), cells.REVISION + 1)),
    )
    with pytest.raises(
        ValueError, match=rf"drawn by kt_theory 0\.0\.1 \(revision {cells.REVISION + 1} of its draws\), this is"
    ):
        kt.study.run_in_folder(DESIGN, tmp_path / "new")
    assert not list((tmp_path / "new").glob("batches/*/*.json"))
    assert Cell(FIXED, 5).identity  # the cell itself knows nothing of revisions
