# Oracle: identity, the tree of a folder before a command and after it
"""No command moves, changes or removes what the program did not write; commands that look write nothing at all.

Every command of the command line is run in folders of other programs, and in folders of studies that hold files of
their user, too; names, bytes, modes and times of all files are compared before and after.
"""

import argparse
import errno
import json
import os
import shutil
from pathlib import Path

import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.files import written_for
from kt_theory.study import folders
from kt_theory.study.names import Batch, is_own, is_own_temporary
from kt_theory.study.store import Store, remove

TINY = 'reps = 20\n[[panel]]\ninstance = 0\nS = 2\nA = 3\nn = [5, 10]\nlearners = ["CE_sgl"]\n'

#: Files of a user, by folder: none of them is the program's, whatever it is called.
STRANGERS = {
    "web app": {"manifest.json": '{"name": "My web app"}', ".env": "SECRET=1", ".gitignore": "x", "app/main.js": ""},
    "web app with our folders": {
        "manifest.json": '{"name": "My web app"}',
        "lock": "",
        "batches/x/.env": "SECRET=1",
        "problems/.gitignore": "x",
        "failures/.hidden": "x",
    },
    "lock alone": {"lock": "pid 7", ".profile": "x"},
    "empty lock": {"lock": "", ".profile": "x"},
    "broken manifest": {"manifest.json": "{", ".env": "SECRET=1"},
    "empty manifest": {"manifest.json": "", ".env": "SECRET=1"},
    "deep manifest": {"manifest.json": "[" * 200_000, ".env": "SECRET=1"},
    "list": {"manifest.json": "[1, 2]", "batches/notes.txt": "x"},
    "dot files": {".env": "SECRET=1", ".manifest-abcdefgh.json": "{}", ".nfs000012": "x"},
}

#: What a user keeps in the folder of a study.
GUESTS = {
    ".gitignore": "*",
    ".nfs0000000123": "x",
    "notes.txt": "x",
    "batches/.gitattributes": "x",
    "batches/notes.json": "{}",
    "problems/.hidden": "x",
    "problems/mine.npz": "x",
    "failures/.swp": "x",
    "failures/mine.json": "{}",
    "damaged/.keep": "",
}


def fill(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def tree(folder):
    """Everything in a folder, itself included: kind, mode, time and bytes."""
    found = {}
    for path in [Path(folder), *Path(folder).rglob("*")]:
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished study, to be copied."""
    home = tmp_path_factory.mktemp("finished")
    (home / "tiny.toml").write_text(TINY)
    folder = home / "study"
    kt.study.run_in_folder(kt.study.read_design(home / "tiny.toml"), folder)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, finished):
    """A folder with a design, records and a finished study, and an empty one beside them to work in."""
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "records.csv").write_text("state,action\na,x\nb,y\n")
    (tmp_path / "log.jsonl").write_text('{"uid": "a", "label_counter": {"x": 2, "y": 1}}\n')
    (tmp_path / "audit.csv").write_text("p,q\n0.5,0.25\n0.25,0.5\n")
    (tmp_path / "teacher.csv").write_text("state,action,probability\na,x,0.25\na,y,0.75\n")
    shutil.copytree(finished, tmp_path / "study")
    (tmp_path / "at").mkdir()
    monkeypatch.chdir(tmp_path / "at")
    return tmp_path / "at"


def batch_of(folder):
    path = sorted(Path(folder).glob("batches/*/[!.]*-run-*.json"))[0]
    return f"{path.parent.name}/{path.stem}"


#: Actions of `kt-theory study` on the folder that they are run in; those that only look first.
LOOKING = (
    "study status .",
    "study status . --json",
    "study check . --dry-run",
    "study export .",
    "study export . --out ../table.csv",
    "study replay . BATCH",
    "study merge ../new .",
)
WRITING = ("study run ../tiny.toml --out .", "study check .", "study merge . ../study")

#: Commands that write where they are told to, or into the folder that they are run in: a new file there, no other.
ELSEWHERE = {
    "simulate --instance 0 --S 2 --A 2 --n 5 --reps 5": (),
    "simulate --instance 0 --S 2 --A 2 --n 5 --reps 5 --out new.csv": ("new.csv",),
    "fit ../records.csv": (),
    "fit ../records.csv --out new.csv": ("new.csv",),
    "convert ../log.jsonl --out new.parquet": ("new.parquet",),
    "check-log ../records.csv": (),
    "audit-student ../audit.csv": (),
    "plan --S 2 --A 2 --target 0.1": (),
    "plan --pilot ../records.csv --target 0.3 --protocols soft --plot new.png": ("new.pdf", "new.png"),
    "minimax --protocol soft --S 2 --A 2 --n 5": (),
    "minimax --protocol soft --S 2 --A 2 --n 5 --out new.csv": ("new.csv",),
    "verify --statement slip-1 --no-planted": (),
    "verify --statement slip-1 --no-planted --out new.csv": ("new.csv",),
    "storage --teacher ../teacher.csv --numbers 1 --visits 2": (),
    "losses": (),
    "limit focal --p 0.5 0.5": (),
    "audit cross_entropy": (),
    "audit cross_entropy --figure new.png": ("new.pdf", "new.png"),
    "playground": ("playground.html",),
    "study plot ../study --out new.png": ("new.pdf", "new.png"),
    "reproduce figure1 --quick --out ../figures": (),
}


def run(words, folder="../study"):
    return cli.main([batch_of(folder) if word == "BATCH" else word for word in words.split()])


def test_every_command_is_here():
    def leaves(parser, words=()):
        inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not inner:
            return {words}
        return {leaf for name, below in inner[0].choices.items() for leaf in leaves(below, (*words, name))}

    here = {tuple(words.split()) for words in (*LOOKING, *WRITING, *ELSEWHERE)}
    for leaf in leaves(cli.parser()) - {("help",)}:
        assert any(words[: len(leaf)] == leaf for words in here), leaf


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_folder_of_something_else_is_refused_and_left_as_it_is(kind, here, capsys):
    fill(here, STRANGERS[kind])
    before = tree(here)
    for words in (*LOOKING, *WRITING):
        assert run(words) == cli.REFUSED, words
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "not the folder of a study" in said, words
        assert tree(here) == before, words
    remove(here)
    assert tree(here) == before
    assert not (here.parent / "new").exists()


def test_the_other_commands_change_nothing_that_is_there(here):
    fill(here, STRANGERS["web app"])
    before = tree(here)
    for words, made in ELSEWHERE.items():
        assert run(words) == cli.HELD, words
        after = tree(here)
        assert set(after) - set(before) == set(made), words
        del after["."], made
        assert {name: after[name] for name in before if name != "."} == {
            name: kept for name, kept in before.items() if name != "."
        }, words
        for name in set(after) - set(before):
            (here / name).unlink()


def test_commands_that_look_write_nothing(here, capsys):
    (here / ".git").mkdir()  # a study inside somebody's repository
    shutil.copytree(here.parent / "study", here, dirs_exist_ok=True)
    fill(here, GUESTS)
    (here / "lock").unlink()
    temporary = here / "batches" / batch_of(here).split("/")[0] / f".{batch_of(here).split('/')[1]}-ab_1cd2e.json"
    temporary.write_text("half")  # of a process that may be at work
    before, beside = tree(here), tree(here.parent / "study")
    for words in LOOKING:
        assert run(words, ".") == cli.HELD, words
        assert tree(here) == before, words
    assert tree(here.parent / "study") == beside
    capsys.readouterr()


@pytest.mark.parametrize("spoilt", [False, True])
def test_what_a_user_keeps_in_a_study_stays(spoilt, here, capsys):
    shutil.copytree(here.parent / "study", here, dirs_exist_ok=True)
    fill(here, GUESTS)
    known = batch_of(here)
    temporary = here / "batches" / known.split("/")[0] / f".{known.split('/')[1]}-ab_1cd2e.json"
    for words in ("study check .", "study run ../tiny.toml --out .", "study merge . ../study"):
        if spoilt and "merge" not in words:  # which refuses what is damaged
            (here / "batches" / f"{known}.json").write_text("{}")
        temporary.write_text("half")
        before = tree(here)
        assert run(words, ".") == cli.HELD, words
        after = tree(here)
        for name in GUESTS:
            assert after[name] == before[name], (words, name)
        # What a killed process of ours left goes, in a run and in a check only.
        assert temporary.exists() == ("merge" in words)
    if spoilt:
        assert {path.read_text() for path in here.glob("damaged/batches/*/*.json")} == {"{}"}
        assert len(list(here.glob("damaged/batches/*/*.json"))) == 2
    kept = {name: tree(here)[name] for name in GUESTS}
    remove(here)
    assert {name: state for name, state in tree(here).items() if state[2] is not None} == kept


READ_ONLY = ("open", "mkdir", "replace", "rename", "unlink", "rmdir", "chmod", "remove")


@pytest.fixture
def read_only(monkeypatch):
    """Let every change of a file system fail, as that of a read-only mount does."""
    opened = os.open

    def refuse(*arguments, **named):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def reading(path, flags, *arguments, **named):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse()
        return opened(path, flags, *arguments, **named)

    for name in READ_ONLY:
        monkeypatch.setattr(os, name, reading if name == "open" else refuse)


def test_a_study_that_may_only_be_read_can_be_read(here, capsys, read_only):
    for words in ("status", "status --json", "check --dry-run", "export", "replay"):
        name, *options = words.split()
        batch = [batch_of("../study")] if name == "replay" else []
        assert cli.main(["study", name, "../study", *batch, *options]) == cli.HELD, words
    capsys.readouterr()
    for words in ("study check ../study", "study run ../tiny.toml --out ../study", "study merge ../study ../study"):
        assert run(words) == cli.REFUSED
        assert capsys.readouterr().err == "kt-theory: error: ../study cannot be written: Read-only file system\n"


def test_a_merge_reads_a_read_only_source(here, finished, monkeypatch):
    opened = os.open

    def guarded(path, *arguments, **named):
        assert "study" not in Path(path).parts, "the source of a merge was opened for writing"
        return opened(path, *arguments, **named)

    monkeypatch.setattr(os, "open", guarded)
    assert folders.merge("../new", ["../study"]).done


# --- Which names are the program's --------------------------------------------------------------------------

CELL, PROBLEM = "0f" * 16, "0f" * 32


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "lock",
        f"problems/{PROBLEM}.npz",
        f"batches/{CELL}/1-run-000000-50.json",
        f"batches/{CELL}/1-pilot-000012-50.json",
        f"failures/{CELL}-1-run-000000-50.json",
        f"damaged/batches/{CELL}/1-run-000000-50.json",
        f"damaged/batches/{CELL}/1-run-000000-50.3.json",
        "damaged/manifest.1.json",
    ],
)
def test_names_that_a_store_writes(name):
    # Oracle: definition
    assert is_own(Path(name))
    assert not is_own_temporary(Path(name))
    path = Path(name)
    assert is_own_temporary(path.with_name(f".{path.stem}-a0_bcdef{path.suffix}"))


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".gitignore",
        "notes.json",
        "sub/manifest.json",
        f"batches/{CELL}/1-run-0-50.json",
        f"batches/{CELL}/1-run-000000-50.JSON",
        f"batches/{CELL}/1-run-000000-+50.json",
        f"batches/{CELL}/x/1-run-000000-50.json",
        "batches/x/1-run-000000-50.json",
        f"batches/{CELL.upper()}/1-run-000000-50.json",
        "problems/teacher.npz",
        f"problems/{PROBLEM}.json",
        "failures/mine.json",
        "damaged/notes.txt",
        "damaged",
    ],
)
def test_names_that_are_a_users(name):
    # Oracle: definition
    assert not is_own(Path(name))
    path = Path(name)
    assert not is_own_temporary(path.with_name(f".{path.stem}-a0_bcdef{path.suffix}"))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (".manifest-abcdefgh.json", "manifest.json"),
        (".lock-a_c0efgh", "lock"),
        (".a-b-abcdefgh.csv", "a-b.csv"),
        (".manifest-abcdefg.json", None),
        (".manifest-Abcdefgh.json", None),
        ("manifest-abcdefgh.json", None),
        (".nfs0000000123", None),
        (".env", None),
    ],
)
def test_temporary_names_are_those_of_the_writer(name, target):
    # Oracle: definition, the names of tempfile.mkstemp
    assert written_for(name) == target


def test_the_writer_makes_names_of_that_kind(tmp_path):
    # Oracle: second algorithm, the names that the writer does make
    seen = []
    for i in range(200):
        kt.files.write_whole(tmp_path / "table.x.csv", lambda file: (seen.append(file.name), file.write_text("")))
        assert written_for(seen[i]) == "table.x.csv"


# --- What is a study ----------------------------------------------------------------------------------------


def test_a_manifest_that_was_lost_or_damaged_is_written_again(here, finished):
    # Oracle: identity, the folder of an undisturbed run
    study = here.parent / "study"
    for spoil in (
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:99]),
    ):
        spoil(study / "manifest.json")
        assert run("study run ../tiny.toml --out ../study") == cli.HELD
        assert json.loads((study / "manifest.json").read_text()) == json.loads((finished / "manifest.json").read_text())


def test_a_manifest_of_another_program_is_not_moved_even_beside_batches(here, capsys):
    study = here.parent / "study"
    (study / "manifest.json").write_text('{"name": "My web app"}')
    before = tree(study)
    for words in ("study run ../tiny.toml --out ../study", "study status ../study", "study check ../study"):
        assert run(words) == cli.REFUSED
        assert tree(study) == before
    assert "manifest.json is none that kt_theory wrote" in capsys.readouterr().err


def test_a_start_that_was_killed_goes_on(tmp_path):
    # Oracle: definition
    fill(
        tmp_path / "s",
        {"lock": "", f"problems/{PROBLEM}.npz": "x", f"batches/{CELL}/.1-run-000000-5-abcdefgh.json": ""},
    )
    design = kt.study.Design("d", [kt.study.Panel("p", kt.instance(0, 2, 3), [5])], reps=20)
    assert not kt.study.run_in_folder(design, tmp_path / "s").missing
    assert (tmp_path / "s" / "problems" / f"{PROBLEM}.npz").read_text() == "x"
    assert not list((tmp_path / "s").rglob(".*"))
    fill(tmp_path / "t", {"lock": "7"})
    with pytest.raises(ValueError, match="not empty and not the folder of a study"):
        Store(tmp_path / "t")


def test_a_pipe_or_a_device_is_no_file_of_a_study(tmp_path):
    # Oracle: definition; reading one would not end
    design = kt.study.Design("d", [kt.study.Panel("p", kt.instance(0, 2, 3), [5])], reps=20)
    kt.study.run_in_folder(design, tmp_path / "s")
    (tmp_path / "s" / "manifest.json").unlink()
    (tmp_path / "s" / "manifest.json").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="is not a regular file"):
        kt.study.status(tmp_path / "s")
    os.mkfifo(tmp_path / "d.toml")
    with pytest.raises(ValueError, match=r"d\.toml is not a regular file"):
        kt.study.read_design(tmp_path / "d.toml")


def test_damaged_files_of_one_name_are_all_kept(tmp_path):
    # Oracle: definition
    with Store(tmp_path / "s") as store:
        path = store.path(Batch(CELL, 1, 0, 0, 50))
        path.parent.mkdir(parents=True)
        names = []
        for text in ("a", "b", "c"):
            path.write_text(text)
            names.append(store.set_aside(path).name)
        assert names == ["1-run-000000-50.json", "1-run-000000-50.1.json", "1-run-000000-50.2.json"]
        assert [(tmp_path / "s" / "damaged" / "batches" / CELL / name).read_text() for name in names] == ["a", "b", "c"]
