"""The linters of the package, and what a type checker sees of it in a program of its user: real types, and errors."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import kt_theory as kt

pytest.importorskip("mypy")

#: One process: the user's program is checked with what mypy has kept of the package.
pytestmark = pytest.mark.xdist_group("mypy")

ROOT = Path(kt.__file__).parents[1]

PROGRAM = """
import numpy as np
import kt_theory as kt

problem = kt.Problem(np.ones(1), np.array([[0.5, 0.5]]))
sample = kt.draw(problem, "hard", 5)
bound = kt.ledger.upper_bound("mine", "CE_sgl", lambda S, A, n: S * A / n)
reveal_type(problem)
reveal_type(sample)
reveal_type(kt.fit(sample, "CE_sgl"))
reveal_type(kt.bounds.hard_upper_mean(S=1, A=2, n=10))
reveal_type(kt.bounds.best_upper("hard", S=1, A=2, n=10))
reveal_type(kt.simulate(problem, "CE_sgl", 10, 100))
reveal_type(kt.sample_risks(problem, "CE_sgl", 10, 100))
reveal_type(kt.minimax_risk("soft", 2, 2, 10))
reveal_type(kt.certify("hard_upper_mean", n=10, problem=problem))
reveal_type(kt.LEARNERS)
reveal_type(kt.Protocol("partial"))
reveal_type(kt.DIVERGENCES)
reveal_type(bound)
reveal_type(kt.ledger.PlantedError("2 becomes 3", lambda n: 3.0))
reveal_type(kt.verify(statements=bound))
reveal_type(kt.bounds.best_upper("hard", S=1, A=2, n=10).value)
reveal_type(kt.fit_rate([1, 2], [2, 1]).predict(3))
"""

#: In the order of the program. A DataFrame is Any where pandas has no stubs;
#: a student is as sparse as its sample, which only a run can tell.
SEEN = (
    r"kt_theory\.problem\.Problem",
    r"kt_theory\.protocols\.transfer\.TransferSet",
    r"numpy\.ndarray\[.*\] \| kt_theory\.sparse\.Student",
    r"float \| numpy\.ndarray\[.*\]",
    r"kt_theory\.bounds\.best\.Best",
    r"Any|pandas\..*DataFrame",
    r"numpy\.ndarray\[.*\]",
    r"kt_theory\.minimax\.result\.MinimaxRisk",
    r"kt_theory\.certificates\.comparing\.Certificate",
    r"dict\[str, kt_theory\.learners\.learner\.Learner\]",
    r"kt_theory\.protocols\.facts\.Protocol",
    r".*\[str, kt_theory\.divergences\.Divergence\]",
    r"kt_theory\.ledger\.statement\.Statement",
    r"kt_theory\.ledger\.statement\.PlantedError",
    r"Any|pandas\..*DataFrame",
    r"float \| numpy\.ndarray\[.*\]",
    r"float \| numpy\.ndarray\[.*\]",
)

#: Each line is an error, and the word that tells it.
WRONG = {
    "kt.bounds.hard_upper_mean(10, 1, 2)": "positional arguments",
    "kt.bounds.hard_upper_mean(S=1, A=2)": "Missing named argument",
    "kt.simulate(problem, 5, 10, 100)": "incompatible type",
    'kt.expected_risk(problem, "CE_sgl", 10, method="monte carlo")': 'expected "Literal',
    'kt.tables.bundled_teacher("last_word")': 'expected "Literal',
    'kt.ledger.PlantedError("2 becomes 3", lambda n: 3.0, "wrong")': 'expected "Literal',
}


@pytest.mark.parametrize("linter", ["mypy", "ruff"])
def test_the_linters_find_nothing(linter: str) -> None:
    # Oracle: second algorithm, mypy and ruff: `make check`, here so that it runs beside other tests
    command = {"mypy": ["mypy"], "ruff": ["ruff", "check"]}[linter]
    pytest.importorskip(linter)
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_users_program_is_seen_with_real_types(tmp_path: Path) -> None:
    # Oracle: second algorithm, mypy: a line for every reveal_type, and an error for every planted one
    program = tmp_path / "program.py"
    program.write_text(PROGRAM + "\n".join(WRONG) + "\n", encoding="utf-8")
    # The package is seen as `make check` sees it, and is not analysed again.
    command = [sys.executable, "-m", "mypy", "--no-error-summary", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert len(revealed) == len(SEEN), done.stdout + done.stderr
    for found, pattern in zip(revealed, SEEN, strict=True):
        assert re.fullmatch(pattern, found), (found, pattern)
    first = PROGRAM.count("\n") + 1
    errors = {int(line): words for line, words in re.findall(r"program\.py:(\d+): error: (.*)", done.stdout)}
    assert set(errors) == set(range(first, first + len(WRONG))), done.stdout
    for line, words in enumerate(WRONG.values(), start=first):
        assert words in errors[line]
