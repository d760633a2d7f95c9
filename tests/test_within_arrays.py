"""Compiled loops run as plain Python, where an index behind the end of an array is an error: compiled code reads on.

`python tests/test_within_arrays.py FILE` runs the tests named below without numba and writes the functions that were
entered to the file, one a line.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import numba
import numpy as np
import pytest

from kt_theory.problem import Problem
from kt_theory.simulation import kernels
from kt_theory.simulation.sampling import CountSampler

PACKAGE = Path(__file__).parent.parent / "kt_theory"

#: Files whose tests call loops on a few numbers each, and tests of others, by parts of their names.
FILES = ("exact_loops", "exact_parts", "losses_loops", "learners_rows", "within_arrays")
OTHERS = {
    "controls": "exact[0] or exact[1]",
    "binomial": "drawn_ahead_change",
    "greedy": "count_tables[2",
    "kernels": "tally_equals or infinite_values or planted_wrong_init or surely_stochastic or stored_cells",
    "logcheck": "sums_are_those_of_the_definitions or maximum_of_its_likelihood or stated_law_forbids",
    "pairs": "one_seed_gives_one_number",
}

#: Python refuses to divide by 0 what compiled code divides.
DIVIDES = (
    "test_the_error_of_added_counts_term_by_term[1.0-5-tv]",
    "test_added_counts_by_all_counts_of_a_label[1.0-3-tv]",
)


def compiled() -> set[str]:
    """The functions of the package under `jit`, as file and name."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "jit" for d in node.decorator_list):
                found.add(f"{path.relative_to(PACKAGE).as_posix()} {node.name}")
    return found


def test_every_loop_stays_within_its_arrays(tmp_path: Path) -> None:
    """Second algorithm: NumPy's own check of each index, in every compiled function of the package."""
    script, entered = Path(__file__), tmp_path / "entered.txt"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    call = subprocess.run(
        [sys.executable, script, entered], env=environment, capture_output=True, text=True, check=False
    )
    assert call.returncode == 0, call.stdout[-3000:] + call.stderr[-1000:]
    assert compiled() - set(entered.read_text(encoding="utf-8").splitlines()) == set()


def test_rare_and_common_cells_share_all_samples() -> None:
    # Oracle: identity, the sum of a table; a cell of mean 1, drawn by adding up, is within 6 standard deviations of it
    sampler = CountSampler(Problem([1.0], [[1e-4, 0.3, 0.6999]]))
    counts = np.concatenate(list(sampler.draw(10**4, 20, np.random.default_rng(0))))[:, 0]
    assert (counts.sum(axis=1) == 10**4).all()
    assert 0 < counts[:, 0].sum() < 20 + 6 * 20**0.5


@pytest.mark.skipif(not numba.config.DISABLE_JIT, reason="compiled code reads on")
def test_planted_index_behind_the_end_is_caught() -> None:
    # Oracle: definition, a third row of offsets is not there
    with pytest.raises(IndexError):
        kernels.sparse_visits_of(np.ones((1, 2), np.int64), np.array([0, 1, 2]), np.ones((1, 3), np.int64))


class Entered:
    """The functions of the package that tests enter."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None]:
        sys.settrace(self.note)
        try:
            yield
        finally:
            sys.settrace(None)

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(PACKAGE)):
            self.names.add(f"{Path(code.co_filename).relative_to(PACKAGE).as_posix()} {code.co_name}")


def main(out: Path) -> int:
    entered = Entered()
    tests = Path(__file__).parent
    chosen = [f"{tests / f'test_{name}.py'}" for name in (*FILES, *OTHERS)]
    # Names of files are keywords, too.
    words = " or ".join(
        [*(f"test_{name}.py" for name in FILES), *(f"(test_{f}.py and ({k}))" for f, k in OTHERS.items())]
    )
    left_out = " and ".join(f"not {name}" for name in (*DIVIDES, "test_every_loop_stays_within_its_arrays"))
    options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", "-k", f"({words}) and {left_out}"]
    code = pytest.main([*options, *chosen], plugins=[entered])
    out.write_text("\n".join(sorted(entered.names)) + "\n", encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
