"""Every command that the README, the guide and `--help` show is run here, each page in a folder of its own, in order.

What a command reads is made before: teachers, records, designs, a Dask cluster on this machine. What takes long, and
what names a place that does not exist here, has a quick form in `QUICK` or `HERE`; as it stands it runs behind the
marker ``slow``.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.cli import commands as cli_commands

pytest.importorskip("distributed", reason="extra cluster")

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

#: Commands that take long, and what is run in their place on every change.
QUICK = {
    "kt-theory verify": "kt-theory verify --statement zz-E.2 zz-E.5",
    "kt-theory verify --level full --report ledger.html": "kt-theory verify --statement zz-E.2 --report ledger.html",
    "kt-theory verify --report ledger.html --junit ledger.xml": (
        "kt-theory verify --statement zz-E.2 --report ledger.html --junit ledger.xml"
    ),
    "kt-theory verify --statement zz-3.2 zz-4.4": "kt-theory verify --statement zz-E.2 zz-E.5",
    "kt-theory verify --statement zz-5.2": "kt-theory verify --statement zz-E.2",
    "kt-theory verify --statement zz-3.2 --report ledger.html": (
        "kt-theory verify --statement zz-E.2 --report ledger.html"
    ),
    "kt-theory verify --statement zz-3.2 zz-E --report ledger.html": (
        "kt-theory verify --statement zz-E.2 zz-E.5 --report ledger.html"
    ),
    # A study is drawn here and in test_cli.py; that the others are known is seen before their help is shown.
    "kt-theory reproduce figure2": "kt-theory reproduce figure1",
    "kt-theory reproduce figure2 --simulate --quick": "kt-theory reproduce figure2 --simulate --quick --help",
    "kt-theory reproduce --quick": "kt-theory reproduce --quick --help",
    "kt-theory reproduce annotations --simulate": "kt-theory reproduce annotations --simulate --help",
    "kt-theory reproduce greedy --simulate": "kt-theory reproduce greedy --simulate --help",
    "kt-theory reproduce audit --simulate": "kt-theory reproduce audit --simulate --help",
    "kt-theory reproduce llm --simulate": "kt-theory reproduce llm --simulate --help",
    "kt-theory reproduce storage --simulate": "kt-theory reproduce storage --simulate --help",
    "kt-theory reproduce atlas": "kt-theory reproduce atlas --help",
    "kt-theory plan --pilot records.csv --other --target 0.05 --cost hard=1 partial=1 soft=5 --plot plan.png": (
        "kt-theory plan --pilot records.csv --other --target 0.3 --protocols hard --plot plan.png"
    ),
    "kt-theory plan --bundled next_word --target 0.1 --on-average --protocols hard partial soft": (
        "kt-theory plan --bundled next_word --target 0.1 --on-average --protocols soft"
    ),
    "kt-theory storage --bundled next_word --numbers 10 --visits 1 3 10": (
        "kt-theory storage --bundled next_word --numbers 10 --visits 3"
    ),
    "kt-theory plan --pilot records.parquet --other --target 0.05 --cost hard=1 partial=1 soft=5 --plot plan.png": (
        "kt-theory plan --pilot records.parquet --other --target 0.3 --protocols soft --plot plan.png"
    ),
}
#: A study for the designs that a reader would write, and for `rates` on every change.
STUDY = """
name = "rates"
seed = 1
reps = 50
[[panel]]
instance = [1, 2]
S = [2, 4]
A = 4
n = [100, 1000]
learners = ["CE_sgl", "SEL_ptl"]
"""
STUDY_IN_PYTHON = """
import kt_theory as kt
design = kt.study.Design("my_design", [kt.study.Panel("coins", kt.instance(0, 2, 2), n=[10], learners=["CE_sgl"])])
"""
#: A loss of a user's own, under the name that the guide gives it.
LOSS = """
import numpy as np

def nkd(logits, label, teacher):
    log_q = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -log_q[np.arange(len(label)), label]
"""
#: Words that name a place or a number of processors, and what stands for them here.
HERE = {"--processes 8": "--processes 2", "--nworkers 8": "--nworkers 1", " ID": " zz-E.2"}
TEACHER = "state,action,probability\nweather,sun,0.7\nweather,rain,0.3\ncoin,heads,0.5\ncoin,tails,0.5\n"


def commands_of(text):
    """The commands of a page, in order: of its blocks for a shell, of its workflow, and in its running text."""
    found = []
    for block, inline in re.findall(r"```(?:sh|yaml)\n(.*?)```|`(kt-theory [^`]+)`", text, flags=re.DOTALL):
        lines = block.splitlines() if block else [" ".join(inline.split())]
        for line in lines:
            line = re.sub(r"\s+#.*$", "", line).removeprefix("      - run: ").strip()
            # In running text a pattern such as [figure1|figure2], or a name without arguments, is no command.
            is_name = not block and (len(line.split()) == 2 or "[" in line)
            if line.startswith(("kt-theory ", "dask ")) and not is_name:
                found.append(line)
    return found


def examples_of_help(parser):
    """The examples below the help of every command."""
    found = re.findall(r"^  (kt-theory .*?)(?:  +#.*)?$", parser.epilog or "", flags=re.MULTILINE)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found += examples_of_help(inner)
    return found


def block_of(page, kind):
    """The first block of a kind of a page of the guide."""
    return blocks_of(page, kind)[0]


def blocks_of(page, kind):
    """The blocks of a kind of a page of the guide."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL)


def prepared(folder):
    """Make the files that the commands name."""
    for name in ("teacher.csv", "my_teacher.csv"):
        (folder / name).write_text(TEACHER, encoding="utf-8")
    records(folder, complete=False)
    log = block_of("logs.md", "json")
    (folder / "log.jsonl").write_text(log, encoding="utf-8")
    batch = [{"custom_id": f"r{i}", **json.loads(line)} for i, line in enumerate(log.splitlines())]
    asked = [{"custom_id": line["custom_id"], "body": line.pop("request")} for line in batch]
    items = [{"uid": "i1", "label_counter": {"yes": 9, "no": 1}}]
    (folder / "crowd.csv").write_text("task,worker,label\nt1,ann,yes\nt1,bob,no\nt2,ann,yes\n", encoding="utf-8")
    for name, lines in {"batch_input": asked, "batch_output": batch, "items": items}.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "rounded.csv").write_text("state,action,logp\nq1,yes,-0.69\nq1,no,-0.69\n", encoding="utf-8")
    (folder / "labels.txt").write_text("yes\nno\nperhaps\n", encoding="utf-8")
    (folder / "samples.csv").write_text(block_of("auditing.md", "csv"), encoding="utf-8")
    (folder / "my_loss.py").write_text(LOSS, encoding="utf-8")
    own = [block for block in blocks_of("verify.md", "python") if "lower_bound" in block]
    (folder / "my_bounds.py").write_text(own[0], encoding="utf-8")
    for name in ("rates.toml", "my_design.toml"):
        (folder / name).write_text(STUDY, encoding="utf-8")
    (folder / "my_design.py").write_text(STUDY_IN_PYTHON, encoding="utf-8")


def records(folder, *, complete):
    """The guide's own records, at one input of which a label of mass 0.05 was not seen; complete, it was."""
    seen = "q1,perhaps,-2.995732273553991\n" if complete else ""
    (folder / "records.csv").write_text(block_of("your_own.md", "csv") + seen, encoding="utf-8")


class Cluster:
    """The commands of a Dask cluster, on this machine: started when they are met, ended at the end of the page."""

    def __init__(self):
        self.running = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"

    def start(self, words):
        environment = {**os.environ, "DASK_DISTRIBUTED__DASHBOARD__LINK": ""}
        extra = ["--no-dashboard"] + (["--host", "127.0.0.1"] if words[1] == "scheduler" else [])
        command = [sys.executable, "-m", "dask", *words[1:], *extra]
        self.running.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        give_up = time.monotonic() + 60
        while words[1] == "scheduler":  # until it answers; a worker waits for it by itself
            assert self.running[-1].poll() is None
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < give_up
            time.sleep(0.1)

    def end(self):
        for process in reversed(self.running):
            process.terminate()
            process.wait(30)


def exit_code(words):
    """What a command ends with; showing the help ends it from within."""
    try:
        return cli.main(words)
    except SystemExit as end:
        return end.code


#: Quick forms that read and write no file and have run: they need not run again on another page.
DONE = set()


def alone(words):
    """Whether a command reads and writes no file that stands in its words."""
    computing = words[1] in ("limit", "losses", "minimax", "plan", "simulate", "storage", "verify")
    return computing and not any(Path(word).suffix[1:].isalpha() for word in words)


def run(commands, folder, capfd, *, quick):
    """Run the commands of a page in a folder; each must end with the exit code 0."""
    prepared(folder)
    cluster = Cluster()
    try:
        for command in commands:
            form = QUICK.get(command, command) if quick else command
            for there, here in HERE.items():
                form = re.sub(rf"{re.escape(there)}(?!\S)", here, form)
            form = form.replace("tcp://10.0.0.1:8786", cluster.address).replace("--port 8786", f"--port {cluster.port}")
            if quick:
                form = re.sub(r"^kt-theory study run rates(?!\S)", "kt-theory study run rates.toml", form)
            if form.startswith("kt-theory study replay"):  # the name of a batch that is there
                batch = min((folder / "rates" / "batches").glob("*/*.json"))
                form = f"kt-theory study replay rates {batch.parent.name}/{batch.stem}"
            if "rates-of-the-other-machine" in form:
                shutil.copytree(folder / "rates", folder / "rates-of-the-other-machine")
            if cluster.address in form and not cluster.running:  # the page tells how to start one, or another one does
                cluster.start(["dask", "scheduler", "--port", str(cluster.port)])
                cluster.start(["dask", "worker", cluster.address, "--nworkers", "1"])
            if form.startswith("kt-theory fit"):
                records(folder, complete="--actions" not in form)
            words = shlex.split(form)
            if words[0] == "dask":
                cluster.start(words)
            elif words[0] == "kt-theory" and not (quick and form in DONE):
                code = exit_code(words[1:])
                said = capfd.readouterr()
                assert code == 0, f"{command} (run as {form}) ended with {code}: {said.err}"
                if quick and alone(words):
                    DONE.add(form)
    finally:
        cluster.end()


def pages():
    """The commands of each page that has some, and those of the help."""
    shown = {str(path.relative_to(ROOT)): commands_of(path.read_text(encoding="utf-8")) for path in PAGES}
    shown["help"] = ordered(examples_of_help(cli_commands.parser()))
    return [pytest.param(commands, id=name) for name, commands in shown.items() if commands]


def ordered(commands):
    """Examples of the help, with what fills the folder `rates` first."""
    return sorted(commands, key=lambda command: not command.startswith("kt-theory study run rates"))


@pytest.mark.parametrize("commands", pages())
def test_every_command_runs_as_it_stands_or_quickly(commands, tmp_path, monkeypatch, capfd):
    # Oracle: identity, the exit code that the guide promises
    monkeypatch.chdir(tmp_path)
    run(commands, tmp_path, capfd, quick=True)


@pytest.mark.slow
@pytest.mark.parametrize("commands", pages())
def test_every_command_runs_as_it_stands(commands, tmp_path, monkeypatch, capfd):
    # Oracle: identity, the exit code that the guide promises
    monkeypatch.chdir(tmp_path)
    run(commands, tmp_path, capfd, quick=False)


def test_no_command_is_overlooked_and_no_quick_form_is_left_over():
    # Oracle: enumeration, every line of every page that begins a command
    shown = [command for page in pages() for command in page.values[0]]
    assert len(shown) >= 45
    assert set(QUICK) <= set(shown), set(QUICK) - set(shown)
    for path in PAGES:
        text, found = path.read_text(encoding="utf-8"), commands_of(path.read_text(encoding="utf-8"))
        for line in re.findall(r"^(?: *- run: )?((?:kt-theory|dask) [^#\n]+)", text, flags=re.MULTILINE):
            assert line.strip() in found, f"{path.name}: {line}"


def test_a_command_that_fails_is_seen(tmp_path, monkeypatch, capfd):
    # Oracle: identity, a command that names a file which nobody made
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="ended with 2"):
        run(["kt-theory simulate --teacher nobodys.csv --n 10"], tmp_path, capfd, quick=True)


def test_the_guides_records_need_the_list_of_labels(tmp_path, monkeypatch, capfd):
    # Oracle: identity, 0.75 + 0.2 is not 1, as the guide says
    monkeypatch.chdir(tmp_path)
    prepared(tmp_path)
    assert cli.main(["fit", "records.csv", "--out", "students.csv"]) == 2
    assert "sum to 0.95" in capfd.readouterr().err
    assert cli.main(["fit", "records.csv", "--out", "students.csv", "--other"]) == 0
    assert "ADD_sgl is made for the worst teacher" in capfd.readouterr().out


def test_the_workflow_installs_what_this_version_builds():
    # Oracle: identity, the name that the build backend gives a wheel
    assert f"wheels/kt_theory-{kt.__version__}-py3-none-any.whl[exact]" in block_of("verify.md", "yaml")
    names = re.findall(r"pip install ([^\n]*)", "".join(path.read_text(encoding="utf-8") for path in PAGES))
    # Nothing is installed from an index under a name that is not this project's.
    assert all(name.startswith(('"wheels/', "'wheels/", "wheels/", '".', "'.", ".")) for name in names), names
