"""What is shipped: types, licences, floors that are tried, and no name on an index that is not ours."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: A package's name on an index, as pip is told it: not a path (".", "./kt_theory") and not an option.
FROM_AN_INDEX = re.compile(r"""pip\s+install[^\n]*?[ \t'"]kt[_-]theory\b(?!/)""")


def texts() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    return [ROOT / name for name in listed if Path(name).suffix in {".py", ".md", ".html", ".toml", ".txt"}]


def test_the_package_says_that_it_is_typed() -> None:
    # Oracle: published, PEP 561: an empty file py.typed beside the package's __init__
    assert (ROOT / "kt_theory" / "py.typed").read_bytes() == b""


def test_the_licence_is_an_expression_with_its_files() -> None:
    # Oracle: published, PEP 639: SPDX, and a file for each licence
    assert PROJECT["license"] == "MIT AND Apache-2.0"
    files = [path for pattern in PROJECT["license-files"] for path in ROOT.glob(pattern)]
    assert sorted(path.name for path in files) == ["LICENSE", "LICENSE-smollm2", "LICENSE-wordsegment"]
    mit, *apache = (path.read_text(encoding="utf-8") for path in sorted(files))
    assert mit.startswith("MIT License")
    assert all("Licensed under the Apache License, Version 2.0" in text for text in apache)


def test_nothing_installs_a_name_that_is_not_ours() -> None:
    # Oracle: identity, no text of the project tells pip to look for it on an index
    assert len(texts()) > 100
    others = [path for path in texts() if path != Path(__file__)]
    assert not [path.name for path in others if FROM_AN_INDEX.search(path.read_text(encoding="utf-8"))]
    planted = "pip install 'kt_theory[exact]'"
    assert FROM_AN_INDEX.search(planted)
    assert not FROM_AN_INDEX.search("pip install './kt_theory[exact]'")
    assert not FROM_AN_INDEX.search("in a checkout of kt_theory, pip install '.[exact]'")


def test_the_floors_are_those_of_the_project() -> None:
    # Oracle: identity, every requirement of every extra has a floor, and the script prints it
    done = subprocess.run([sys.executable, ROOT / ".ci" / "floors.py"], capture_output=True, text=True, check=True)
    floors = dict(line.split("==") for line in done.stdout.split())
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    wanted = {line for line in [*PROJECT["dependencies"], *extras] if not line.startswith("kt_theory[")}
    assert {f"{name}>={floor}" for name, floor in floors.items()} == wanted
    # NumPy below 2.4 draws wrongly above 3e15 samples, and numba 0.64 is the first for it.
    for name, least in {"numpy": (2, 4), "numba": (0, 64), "scipy": (1, 17)}.items():
        assert tuple(map(int, floors[name].split("."))) >= least


@pytest.mark.parametrize("command", ["test", "test-core", "test-floors", "test-slow", "test-torch"])
def test_make_says_what_it_tests(command: str) -> None:
    # Oracle: identity, every target of tests is in `make help`, and CI runs the README's command
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f'@echo "make {command} ' in makefile
    assert f"\n{command}:" in makefile
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.xdist_group("together")
def test_groups_reach_the_scheduler(request: pytest.FixtureRequest) -> None:
    # Oracle: published, pytest-xdist names a test after its group; pytest 9.2 with 3.8 does not, and groups are split
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@together")
