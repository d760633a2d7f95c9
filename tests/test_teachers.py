"""The teachers that travel inside the package: where their numbers come from, and that they arrive."""

import csv
import importlib.util
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wordsegment

import kt_theory as kt

ROOT = Path(__file__).parents[1]
FOLDER = resources.files("kt_theory") / "teachers"
COMMITTED = FOLDER / "next_word.csv"


@pytest.fixture(scope="module")
def teacher():
    return kt.tables.bundled_teacher("next_word")


@pytest.fixture(scope="module")
def rows():
    with COMMITTED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rebuilding_gives_the_committed_bytes(tmp_path, monkeypatch, capsys):
    file = ROOT / "simulations/make_next_word_teacher.py"
    monkeypatch.syspath_prepend(file.parent)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    rebuilt = tmp_path / "next_word.csv"
    monkeypatch.setattr("sys.argv", ["make_next_word_teacher.py", "--out", str(rebuilt)])
    script.main()
    assert rebuilt.read_bytes() == COMMITTED.read_bytes()
    assert "50, 100" in capsys.readouterr().out
    assert script.DEFAULT_OUT == ROOT / "kt_theory/teachers/next_word.csv"


def test_every_count_is_that_of_the_source(rows):
    # Oracle: published, the phrase counts of wordsegment 1.3.1; sums by pandas
    file = Path(wordsegment.__file__).with_name("bigrams.txt")
    lines = pd.read_csv(file, sep="\t", names=["phrase", "count"], keep_default_na=False)
    total = lines["count"].groupby(lines["phrase"]).sum()
    assert all(total[f"{row['state']} {row['action']}"] == int(row["count"]) for row in rows)
    listed = {(row["state"], row["action"]) for row in rows}
    states, actions = {s for s, _ in listed}, {a for _, a in listed}
    phrases = {tuple(phrase.split()) for phrase in total.index}
    # A pair that is left out is not in the source either.
    assert listed == {(s, a) for s, a in phrases if s in states and a in actions}
    # Red: the package's dictionary keeps the last count of a pair that stands twice.
    wordsegment.load()
    assert wordsegment.BIGRAMS["if you"] < total["if you"]


def test_rho_and_rows_are_the_natural_frequencies(teacher, rows):
    # Oracle: second algorithm, sums over the lines of the file in whole numbers
    assert (teacher.S, teacher.A, len(rows)) == (50, 100, 3429)
    total = sum(int(row["count"]) for row in rows)
    for s, state in enumerate(teacher.states):
        counts = {row["action"]: int(row["count"]) for row in rows if row["state"] == state}
        visits = sum(counts.values())
        assert teacher.rho[s] == visits / total
        assert teacher.teacher[s].tolist() == [counts.get(action, 0) / visits for action in teacher.actions]


def test_it_is_an_instructive_teacher(teacher):
    assert np.abs(teacher.teacher.sum(axis=1) - 1).max() < 1e-14
    assert 0.3 < (teacher.teacher == 0).mean() < 0.35
    assert (teacher.teacher > 0).any(axis=0).all()
    assert 100 < teacher.rho.max() / teacher.rho.min() < 200
    assert teacher.rho.min() > 0
    assert teacher.name == "next_word"


def test_the_package_carries_the_data_its_story_and_its_licence():
    assert {"next_word.csv", "README.md", "LICENSE-wordsegment"} <= {entry.name for entry in FOLDER.iterdir()}
    assert len(COMMITTED.read_bytes()) < 300_000
    licence = (FOLDER / "LICENSE-wordsegment").read_text(encoding="utf-8")
    for words in ("Copyright 2018 Grant Jenks", "Apache License", "END OF TERMS AND CONDITIONS"):
        assert words in licence


@pytest.mark.parametrize("name", ["last_word", "next_word.csv", "../next_word", "", None])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=r"^name is .*: it must be one of language_model, next_word$"):
        kt.tables.bundled_teacher(name)
