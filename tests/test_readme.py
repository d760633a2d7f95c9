"""The README keeps its promises: its Python runs and prints what it says, its commands and its links exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize(("code", "output"), SNIPPETS)
def test_snippets_print_what_the_readme_says(code, output):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    # Drawn numbers are those of the tested NumPy to the last digit; another NumPy may draw others.
    same_digits = (ROOT / "constraints.txt").read_text().find(f"numpy=={__import__('numpy').__version__}\n") >= 0
    assert (printed.getvalue() == output) or not same_digits
    assert len(printed.getvalue().splitlines()) == len(output.splitlines())


def test_there_are_snippets():
    assert len(SNIPPETS) == len(re.findall("```python", README)) == 2


def test_links_and_named_files_exist():
    names = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    names += re.findall(r"`((?:tests|simulations|kt_theory)/\S+?\.py)`", README)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_ci_runs_the_readmes_test_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in README
