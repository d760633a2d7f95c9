"""The shipped language model: what each level of information is worth there, and logs drawn from it read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory.planning import promises

LIST = "20:but_last"


@pytest.fixture(scope="module")
def teacher() -> kt.Problem:
    return kt.tables.bundled_teacher("language_model")


def test_the_table(teacher: kt.Problem) -> None:
    # Oracle: identity; every row is a law of its 1,000 tokens and <other>, every token has one name
    assert (teacher.S, teacher.A, teacher.pairs.stored) == (64, 19_538, 64 * 1001)
    assert teacher.actions[-1] == "<other>"
    assert len(set(teacher.actions)) == teacher.A
    np.testing.assert_allclose(teacher.pairs.totals(), 1.0, rtol=1e-15)
    paris = teacher.pairs.at(np.array([0]), np.array([teacher.actions.index(" Paris")]))
    assert paris[0] == pytest.approx(0.7725319, abs=3e-5)  # what the model says, to its own precision


@pytest.mark.parametrize(
    ("learner", "risks"),
    [
        ("CE_sgl", {10**3: 0.427, 10**4: 0.231, 10**5: 0.104, 10**6: 0.037}),
        (f"RENORM@top_k_only:{LIST}", {10**3: 0.219, 10**6: 0.219}),
        ("CE_ful", {10**3: 0.0, 10**6: 0.0}),
    ],
)
def test_exact_risks(teacher: kt.Problem, learner: str, risks: dict[int, float]) -> None:
    # Oracle: second algorithm, Monte Carlo outside of this package on the same rows, printed to three digits
    for n, risk in risks.items():
        assert abs(kt.expected_risk(teacher, learner, n, method="exact") - risk) < 6e-4, n


@pytest.mark.parametrize(
    ("learner", "risks"),
    [
        ("SEL_ptl", {10**3: 0.357, 10**4: 0.166, 10**5: 0.060, 10**6: 0.0107}),
        (f"SEL@top_k:{LIST}", {10**3: 0.185, 10**4: 0.142, 10**5: 0.060, 10**6: 0.0107}),
    ],
)
def test_simulated_risks(teacher: kt.Problem, learner: str, risks: dict[int, float]) -> None:
    # Oracle: second algorithm, as above, whose error is about 1 %; |z| <= 4 beyond that
    for n, risk in risks.items():
        row = kt.simulate(teacher, learner, n, 20, seed=1).iloc[0]
        assert abs(row["mean"] - risk) <= 0.01 * risk + 6e-4 + 4 * row["mcse"], n


def logs(teacher: kt.Problem, n: int, seed: int, folder: Path) -> tuple[dict[str, Path], int]:
    """One data set as an API, a server and a table would tell it: the sampled token and the 20 most likely ones.

    Draws of ``<other>`` are left out: an API names a token. Also the number of draws that are told.
    """
    data = kt.draw(teacher, f"top_k:{LIST}", n, seed=seed)
    counts, told = data.pairs, data.told
    openai, vllm, table = [], [], []
    for s in np.flatnonzero(data.visits):
        cells = slice(told.offsets[s], told.offsets[s + 1])
        labels = [int(a) for a in told.columns[cells] if a < teacher.A - 1]
        known = {a: float(np.log(p)) for a, p in zip(told.columns[cells].tolist(), told.values[cells], strict=True)}
        top = sorted(labels, key=known.__getitem__, reverse=True)[:20]
        listed = [{"token": teacher.actions[t], "logprob": known[t]} for t in top]
        seen = counts.at(np.full(len(labels), s), np.array(labels)).astype(int)
        times = dict(zip(labels, seen.tolist(), strict=True))
        if not any(times.values()):
            continue
        table += [(teacher.states[s], teacher.actions[a], times[a], known[a]) for a in labels]
        for a in np.repeat(labels, [times[a] for a in labels]).tolist():
            entry = {"token": teacher.actions[a], "logprob": known[a], "top_logprobs": listed}
            asked = {"messages": [{"role": "user", "content": teacher.states[s]}], "temperature": 1}
            answer = {"message": {"content": teacher.actions[a]}, "logprobs": {"content": [entry]}}
            openai.append({"request": asked, "response": {"choices": [answer]}})
            position = {str(t): {"logprob": known[t], "decoded_token": teacher.actions[t]} for t in {*top, a}}
            vllm.append({"prompt": teacher.states[s], "outputs": [{"token_ids": [a], "logprobs": [position]}]})
    paths = {name: folder / f"{name}.jsonl" for name in ("openai", "vllm")}
    for name, lines in (("openai", openai), ("vllm", vllm)):
        paths[name].write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    paths["table"] = folder / "records.parquet"
    pd.DataFrame(table, columns=["state", "action", "count", "logprob"]).to_parquet(paths["table"])
    return paths, len(openai)


def test_logs_of_one_data_set_give_one_student(teacher: kt.Problem, tmp_path: Path) -> None:
    # Oracle: identity, three formats of the same draws, and the probabilities that were told
    paths, n = logs(teacher, 300, 1, tmp_path)
    assert n > 250
    students = {}
    for name, path in paths.items():
        if name != "table":
            kt.logs.convert([path], tmp_path / f"{name}.parquet")
            path = tmp_path / f"{name}.parquet"
        data, _ = kt.logs.transfer_set(path, other="<other>")
        assert data.n == n
        assert data.protocol.name == "told"
        students[name] = pd.DataFrame(kt.fit(data, "SEL@told"), index=data.states, columns=data.actions)
    for name in ("openai", "vllm"):
        one, other = (students[which].sort_index().sort_index(axis=1) for which in (name, "table"))
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    paris = students["table"].loc[teacher.states[0], " Paris"]
    assert paris == pytest.approx(0.7725319, abs=3e-5)


def test_a_log_is_planned_from(teacher: kt.Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: the exact risk of counting at the number that is needed; the promise is within a factor of it
    monkeypatch.setattr(promises, "WORLDS", 15)
    monkeypatch.setattr(promises, "REPS", 3)
    paths, _ = logs(teacher, 3000, 2, tmp_path)
    pilot, _ = kt.logs.transfer_set(paths["openai"], other="<other>")
    table = kt.plan(pilot=pilot, target=0.25, levels=["hard"]).table
    needed = 8_000  # CE_sgl's risk is 0.2465 there
    assert abs(kt.expected_risk(teacher, "CE_sgl", needed) - 0.2465) < 0.01
    assert needed / 2.5 <= table["n"][0] <= 2.5 * needed
