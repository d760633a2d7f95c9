"""The README keeps its promises: its Python runs and prints what it says, its commands and its links exist."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import kt_theory as kt

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


def mean_risks(teacher, n, reps=150):
    """The three learners' mean risks and their errors, by plain NumPy: counting, exact on what was seen, whole rows."""
    rng, p, spread = np.random.default_rng(1), teacher.teacher, np.full((teacher.S, teacher.A), 1 / teacher.A)
    risks = []
    for _ in range(reps):
        counts = rng.multinomial(n, (teacher.rho[:, None] * p).ravel()).reshape(p.shape)
        visits, seen = counts.sum(axis=1, keepdims=True), counts > 0
        missing, unseen = 1 - (p * seen).sum(axis=1, keepdims=True), (~seen).sum(axis=1, keepdims=True)
        counting = np.where(visits > 0, counts / np.maximum(visits, 1), spread)
        exact = np.where(seen, p, missing / np.maximum(unseen, 1))
        whole = np.where(visits > 0, p, spread)
        risks.append([teacher.rho @ np.abs(q - p).sum(axis=1) / 2 for q in (counting, exact, whole)])
    return np.mean(risks, axis=0), np.std(risks, axis=0) / reps**0.5


def test_the_headline_is_true():
    # Oracle: second algorithm, count tables drawn by NumPy; three digits of n move a risk of 0.1 by 0.001 at most
    sizes = re.search(r"about ([\d,]+) plain answers, ([\d,]+)\s+answers.*?, or ([\d,]+) whole", README, re.DOTALL)
    teacher = kt.tables.bundled_teacher("next_word")
    for learner, words in enumerate(sizes.groups()):
        mean, error = mean_risks(teacher, int(words.replace(",", "")))
        assert abs(mean[learner] - 0.1) <= 0.0011 + 4 * error[learner], words
    # Shown red: a tenth more samples are seen.
    assert abs(mean_risks(teacher, 20_500)[0][0] - 0.1) > 0.003
