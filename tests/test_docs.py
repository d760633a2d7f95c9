"""The guide keeps its promises: its Python runs and prints what it says, its commands parse, its links exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import kt_theory as kt
from kt_theory.bounds import evaluation
from kt_theory.ledger.entries.registry import STATEMENTS

#: One process, which keeps the pools of problems that bounds are tried on.
pytestmark = pytest.mark.xdist_group("ledger")

DOCS = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
#: What the page on training needs, and `make test-torch` installs.
LIBRARIES = {"torch", "transformers", "trl"}
SNIPPETS = [
    pytest.param(code, output, id=f"{path.stem}-{i}")
    for path in DOCS
    for i, (code, output) in enumerate(
        re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


@pytest.mark.parametrize(("code", "output"), SNIPPETS)
def test_snippets_print_what_the_guide_says(code, output):
    for library in LIBRARIES.intersection(re.findall(r"^(?:from|import) (\w+)", code, flags=re.MULTILINE)):
        pytest.importorskip(library, reason="runs with `make test-torch`")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs", "exec"), {})
    assert printed.getvalue() == output


def test_every_python_snippet_is_run():
    assert len(SNIPPETS) == sum(path.read_text(encoding="utf-8").count("```python") for path in DOCS)
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_links_exist(path):
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (path.parent / name).exists(), name


def test_the_map_names_what_exists():
    # Oracle: the package and the ledger themselves
    text = (Path(__file__).parents[1] / "docs" / "map.md").read_text(encoding="utf-8")
    functions = re.findall(r"`kt\.([A-Za-z_.]+)`", text)
    assert len(functions) > 40
    for name in functions:
        value = kt
        for part in name.split("."):
            value = getattr(value, part)
        assert callable(value), name
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    ids = re.findall(r"`([^`]+)`", " ".join(row.split(" | ")[2] for row in rows))
    assert len(ids) > 60
    assert set(ids) <= set(STATEMENTS)
    # A bound and the statements that it states are on one row.
    for name, stated in evaluation.STATED.items():
        for row in rows:
            assert f"`kt.bounds.{name}`" not in row or all(f"`{id}`" in row for id in stated), (name, stated)
    # Every statement of the paper and every slip is on the map, but for second forms.
    main = {id for id in STATEMENTS if id.startswith(("zz-", "slip-"))} - {"zz-E.5-simple", "zz-E.8-bound"}
    assert main <= set(ids), main - set(ids)


def test_the_guide_lists_its_pages():
    listed = re.findall(r"\]\(([a-z_]+\.md)\)", (DOCS[0].parent / "README.md").read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in DOCS} - {"README.md"}
