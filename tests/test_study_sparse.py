"""Studies of sparse problems: in memory, in a folder, stopped and gone on with; the same bytes whoever draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import kt_theory as kt
from kt_theory.simulation.cells import Cell
from kt_theory.study.records import Damaged
from kt_theory.study.store import StudyFiles

#: Around the n where 16 samples per stored cell are met, so that both ways to draw occur.
GRID = [40, 700, 4000]


def sparse_problem() -> kt.Problem:
    rng = np.random.default_rng(3)
    teacher = rng.dirichlet(np.full(12, 0.5), size=5) * (rng.random((5, 12)) < 0.4)
    teacher[:, 0] += 0.2
    teacher /= teacher.sum(axis=1, keepdims=True)
    return kt.Problem(rng.dirichlet(np.ones(5)), sp.csr_array(teacher), name="thin")


def design_of(problem: kt.Problem, reps: int = 3000) -> kt.study.Design:
    return kt.study.Design("thin rows", [kt.study.Panel("thin", problem, GRID)], reps=reps, seed=5)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_in_memory_and_one_in_a_folder_are_what_simulate_gives(tmp_path: Path) -> None:
    # Oracle: identity, simulate of the same problem, seed and repeats, at one thread and at two
    problem = sparse_problem()
    panels = design_of(problem).panels
    here = kt.study.run(panels, 3000, 5, workers=1, progress=False)
    for other in (
        kt.study.run(panels, 3000, 5, workers=2, progress=False),
        kt.study.run_in_folder(design_of(problem), tmp_path / "study").receipts,
    ):
        assert other.drop(columns="seconds").equals(here.drop(columns="seconds"))
    alone = kt.simulate(problem, list(kt.learners.PAPER_LEARNERS), GRID, 3000, 5, workers=1)
    assert here["mean"].tolist() == alone["mean"].tolist()
    assert here["cell"].tolist() == alone["cell"].tolist()


def test_a_stopped_study_of_a_sparse_problem_goes_on_from_its_folder(tmp_path: Path) -> None:
    # Oracle: identity, the folder of a study that was not stopped
    problem = sparse_problem()
    kt.study.run_in_folder(design_of(problem), tmp_path / "whole")
    kt.study.run_in_folder(design_of(problem), tmp_path / "stopped")
    whole, lost = contents(tmp_path / "whole"), sorted((tmp_path / "stopped" / "batches").glob("*/*.json"))[::2]
    for path in lost:
        path.unlink()
    kt.study.check(tmp_path / "stopped")  # the problem comes from the folder
    assert contents(tmp_path / "stopped") == whole
    for path in lost:
        path.unlink()
    kt.study.run_in_folder(design_of(problem), tmp_path / "stopped")
    assert contents(tmp_path / "stopped") == whole
    kept = StudyFiles(tmp_path / "stopped").problem(problem.identity, "thin", sparse=True)
    assert kept.sparse
    assert (kept.pairs.columns == problem.pairs.columns).all()
    assert (kept.pairs.values == problem.pairs.values).all()
    assert (kept.rho == problem.rho).all()


def test_both_forms_of_a_problem_are_two_cells_of_one_file(tmp_path: Path) -> None:
    # Oracle: identity, each form drawn alone: where one has 16 samples a cell they draw other numbers
    sparse = sparse_problem()
    dense = sparse.dense()
    assert Cell(sparse, 4000).identity != Cell(dense, 4000).identity
    panels = [kt.study.Panel("thin", sparse, GRID), kt.study.Panel("full", dense, GRID)]
    both = kt.study.Design("both", panels, reps=500, seed=5)
    found = kt.study.run_in_folder(both, tmp_path / "both").receipts
    for panel in panels:
        alone = kt.study.run([panel], 500, 5, workers=1, progress=False)
        assert found[found["panel"] == panel.name]["mean"].tolist() == alone["mean"].tolist()
    assert found["mean"][4] != found["mean"][16]
    (path,) = (tmp_path / "both" / "problems").iterdir()
    batch = sorted((tmp_path / "both" / "batches").glob("*/*.json"))[0]
    expected = batch.read_bytes()
    batch.unlink()
    kt.study.check(tmp_path / "both")
    assert batch.read_bytes() == expected
    manifest = json.loads((tmp_path / "both" / "manifest.json").read_text())
    forms = {entry["panel"]: entry["reference"] for entry in manifest["cells"]}
    assert forms == {"thin": {"table": path.stem, "sparse": True}, "full": {"table": path.stem}}


@pytest.mark.parametrize("change", ["values", "columns", "offsets", "labels", "rho"])
def test_no_changed_array_of_a_kept_problem_is_read(tmp_path: Path, change: str) -> None:
    # Oracle: identity, the digest of the problem
    problem = sparse_problem()
    kt.study.run_in_folder(design_of(problem, reps=10), tmp_path)
    path = tmp_path / "problems" / f"{problem.identity}.npz"
    with np.load(path) as arrays:
        kept = dict(arrays)
    if change == "values":
        kept["values"][:2] = kept["values"][1::-1]
    elif change == "columns":
        kept["columns"][0] += 1
    elif change == "offsets":
        del kept["offsets"]
    elif change == "labels":
        kept["labels"] += 1
    else:
        kept["rho"] = kept["rho"][::-1]
    np.savez(path, **kept)
    with pytest.raises(Damaged, match=r"is not the problem that its name says|cannot be read"):
        StudyFiles(tmp_path).problem(problem.identity, "thin", sparse=True)
    kt.study.run_in_folder(design_of(problem, reps=10), tmp_path)  # writes it anew
    assert StudyFiles(tmp_path).problem(problem.identity, "thin", sparse=True).identity == problem.identity
