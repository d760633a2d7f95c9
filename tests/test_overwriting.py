"""No output of a reader or a command takes the place of one of its inputs."""

import json
import os

import pytest

from kt_theory import logs, tables
from kt_theory.cli import main

RECORDS = "s,a,p\nx,u,1\nx,v,2\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.csv").write_text(RECORDS)
    (tmp_path / "s.csv").write_text("x\n")
    for name in ("c1.jsonl", "c2.csv"):
        (tmp_path / name).write_text(json.dumps({"uid": "a", "label_counter": {"x": 3, "y": 1}}) + "\n")
    (tmp_path / "q.csv").write_text("{}\n")
    os.symlink("r.csv", "link.csv")
    return tmp_path


COMMANDS = [
    "fit r.csv --skip-bad r.csv",
    "fit r.csv --skip-bad ./r.csv",
    "fit r.csv --skip-bad link.csv",
    "fit r.csv --states s.csv --skip-bad s.csv",
    "fit r.csv --skip-bad o.csv --out o.csv",
    "fit c1.jsonl --requests q.csv --out q.csv",
    "convert c1.jsonl c2.csv --out c2.csv",
    "plan --annotations per-item --target 0.5 --pilot c1.jsonl --states s.csv --out s.csv",
    "plan --annotations per-item --target 0.5 --pilot c1.jsonl --requests q.csv --out q.csv",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_overwrites_no_input(command, folder, capsys):
    # Oracle: identity, the folder is as it was
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(command.split()) == 2
    assert "would be overwritten; choose another name" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        pytest.param(lambda: tables.read_records("r.csv", skip_bad="r.csv"), "skip_bad", id="a table"),
        pytest.param(lambda: tables.read_records("r.csv", skip_bad="link.csv"), "skip_bad", id="a link"),
        pytest.param(lambda: logs.transfer_set("r.csv", skip_bad="r.csv"), "skip_bad", id="a table or logs"),
        pytest.param(
            lambda: logs.transfer_set(["c1.jsonl", "c2.csv"], format="label-counter", skip_bad="c2.csv"),
            "skip_bad",
            id="a second log",
        ),
        pytest.param(
            lambda: logs.transfer_set("c1.jsonl", requests="q.csv", skip_bad="q.csv"), "skip_bad", id="requests"
        ),
        pytest.param(lambda: logs.convert(["c1.jsonl", "c2.csv"], "c2.csv"), "out", id="convert"),
    ],
)
def test_a_reader_overwrites_no_input(call, argument, folder):
    # Oracle: identity, the folder is as it was
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match=f"^{argument} is .* would be overwritten"):
        call()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_name_is_written(folder):
    # Oracle: enumeration, by hand: line 3 has a probability above 1
    with pytest.warns(UserWarning, match="1 line is left out as bad"):
        data = tables.read_records("r.csv", skip_bad="bad.csv")
    assert (data.n, (folder / "r.csv").read_text()) == (1, RECORDS)
    assert [line.split(",")[0] for line in (folder / "bad.csv").read_text().splitlines()] == ["line", "3"]
