"""The guide keeps its promises: its Python runs and prints what it says, its commands parse, its links exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from kt_theory import cli

DOCS = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
SNIPPETS = [
    pytest.param(code, output, id=f"{path.stem}-{i}")
    for path in DOCS
    for i, (code, output) in enumerate(
        re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


@pytest.mark.parametrize(("code", "output"), SNIPPETS)
def test_snippets_print_what_the_guide_says(code, output):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs", "exec"), {})
    assert printed.getvalue() == output


def test_every_python_snippet_is_run():
    assert len(SNIPPETS) == sum(path.read_text(encoding="utf-8").count("```python") for path in DOCS)
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_commands_parse_and_links_exist(path):
    text = path.read_text(encoding="utf-8")
    for words in re.findall(r"^(?: *- run: )?kt-theory (.+?)(?:  +#.*)?$", text, flags=re.MULTILINE):
        cli._parser().parse_args(words.split())
    for name in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (path.parent / name).exists(), name
