"""Studies: panels of cells, and receipts that can be compared byte for byte."""

import os

import pandas as pd
import pytest

import kt_theory as kt

PANELS = [
    kt.study.Panel("fixed", kt.instance(0, S=3, A=4), n=[5, 50]),
    kt.study.Panel("moving", lambda n: kt.instance(1, 2, 4, n), n=[10, 10**9], learners=["CE_sgl", "SEL_ptl"]),
]


def test_receipts_have_a_row_per_cell_and_learner():
    frame = kt.study.run(PANELS, reps=20, seed=3)
    assert frame[["panel", "n", "learner"]].drop_duplicates().shape[0] == len(frame) == 2 * 4 + 2 * 2
    assert list(frame["panel"].unique()) == ["fixed", "moving"]
    assert set(frame["problem"]) == {
        "instance 0 (S=3, A=4)",
        "instance 1 (S=2, A=4, n=10)",
        "instance 1 (S=2, A=4, n=1000000000)",
    }


def test_a_study_is_its_cells():
    # Oracle: identity, a panel of a study is `simulate` of the same problem with the same seed
    frame = kt.study.run(PANELS, reps=20, seed=3)
    alone = kt.simulate(PANELS[1].problem, ["CE_sgl", "SEL_ptl"], [10, 10**9], 20, 3)
    part = frame[frame["panel"] == "moving"].drop(columns=["panel", "seconds"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(part, alone.drop(columns="seconds"), check_exact=True)


def test_same_bytes_at_any_number_of_threads(tmp_path):
    files = []
    for workers in (1, 2, 5):
        frame = kt.study.run(PANELS, reps=300, seed=1, workers=workers)
        files.append(kt.study.write_receipts(frame, tmp_path / f"{workers}.csv").read_bytes())
    assert files[0] == files[1] == files[2]
    other = kt.study.run(PANELS, reps=300, seed=2)
    assert kt.study.write_receipts(other, tmp_path / "other.csv").read_bytes() != files[0]


def test_receipts_survive_the_file(tmp_path):
    frame = kt.study.run(PANELS, reps=20)
    kept = frame.drop(columns="seconds")
    back = pd.read_csv(kt.study.write_receipts(frame, tmp_path / "r.csv"), dtype=str).astype(kept.dtypes)
    pd.testing.assert_frame_equal(back, kept, check_exact=True)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "r.csv"
    frame = kt.study.run(PANELS, reps=20)
    before = kt.study.write_receipts(frame, path).read_bytes()

    def full_disk(file, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ValueError, match=r"r\.csv cannot be written: No space left on device"):
        kt.study.write_receipts(frame, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.csv"]


def test_two_panels_of_one_name_are_refused():
    with pytest.raises(ValueError, match="panels has 'fixed' twice"):
        kt.study.run([PANELS[0], PANELS[0]])


def test_target_error_is_met_in_every_cell():
    # Oracle: identity, the reported error is compared with the one asked for
    frame = kt.study.run(PANELS[:1], reps=500, target_mcse=0.002, max_reps=10**5)
    assert (frame["mcse"] <= 0.002).all()
    assert frame["reps"].nunique() > 1
