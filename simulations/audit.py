"""Auditing a student: how many samples tell its distance from a teacher whose table is out of reach.

The teacher is the next word of English (50 inputs, 100 labels), so that the truth is known here. Three students:
SEL_ptl fitted to 1,000 log-probabilities; counting from 10,000 labels; and a softmax of rank 3, a function of three
numbers for each input and each label, which no record was counted for. Left: the root mean square error of the audit;
lines are exact, from the table, markers are simulated. Right: the share of 95 % intervals that hold; the grey band is
three standard errors of such a share.

What to see: the error falls like 1/sqrt(m) whatever the student and however many inputs and labels, and below the
1/(2 (1 + sqrt m)) that can be guaranteed for all. Half of the samples from the student help where it is good. Whole
rows help more, and change neither the rate nor what can be guaranteed. Hard labels certify nothing on fresh inputs.

`audit_language_model` audits four students of the package's language model, 64 prompts and 19,538 labels, with 1,000
sampled tokens, and lets SEL_ptl's own records audit it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

import kt_theory as kt

TEACHER = kt.tables.bundled_teacher("next_word")
GRID = (30, 100, 300, 1000, 3000, 10_000)
CHECKED = (100, 1000, 10_000)
DELTA = 0.05
MODEL = kt.tables.bundled_teacher("language_model")
MODEL_N, MODEL_M = 10_000, 1000
COLOURS = {"SEL_ptl": "#0072B2", "counting": "#D55E00", "rank 3": "#009E73"}
LEVELS = {"teacher": "-", "both": "--", "rows": ":"}


def students() -> dict[str, np.ndarray]:
    """The rows of each student at each input of the teacher."""
    logits = np.log(TEACHER.teacher + 1e-3)
    left, size, right = np.linalg.svd(logits - logits.mean(axis=1, keepdims=True), full_matrices=False)
    rank_3 = np.exp((left[:, :3] * size[:3]) @ right[:3])
    return {
        "SEL_ptl": np.asarray(kt.fit(kt.draw(TEACHER, "partial", 1000, seed=1), "SEL_ptl")),
        "counting": np.asarray(kt.fit(kt.draw(TEACHER, "hard", 10_000, seed=1), "CE_sgl")),
        "rank 3": rank_3 / rank_3.sum(axis=1, keepdims=True),
    }


def deviations(q: np.ndarray) -> dict[str, float]:
    """The standard deviation of one sample's estimate, by what is sampled, from the whole table."""
    rho, p = TEACHER.rho[:, None], TEACHER.teacher
    gap, larger = np.abs(p - q), np.maximum(p - q, 0.0)
    tv = 0.5 * float((rho * gap).sum())

    def variance(z: np.ndarray, law: np.ndarray) -> float:
        return float((rho * law * z**2).sum()) - float((rho * law * z).sum()) ** 2

    refused = np.divide(larger, p, out=np.zeros_like(p), where=p > 0)
    apart = np.divide(gap, p + q, out=np.zeros_like(p), where=p + q > 0)
    rows = 0.5 * gap.sum(axis=1)
    spread = {
        "teacher": variance(refused, p),
        # Half of the samples come from each side, and the two halves have means of their own.
        "both": 0.5 * (variance(apart, p) + variance(apart, q)),
        "rows": float(TEACHER.rho @ rows**2) - tv**2,
    }
    return {level: max(value, 0.0) ** 0.5 for level, value in spread.items()}


def samples(q: np.ndarray, m: int, rng: np.random.Generator, sampled: str) -> dict[str, np.ndarray]:
    """Records for `kt.audit_student`: m samples of fresh inputs."""
    s = rng.choice(TEACHER.S, size=m, p=TEACHER.rho)
    from_teacher = np.arange(m) % 2 == 0 if sampled == "both" else np.ones(m, dtype=bool)
    law = np.where(from_teacher[:, None], TEACHER.teacher[s], q[s])
    a = (law.cumsum(axis=1) < rng.random((m, 1)) * law.sum(axis=1, keepdims=True)).sum(axis=1)
    found = {"p": TEACHER.teacher[s, a], "q": q[s, a]}
    return found | ({"source": np.where(from_teacher, "teacher", "student")} if sampled == "both" else {})


def audits(q: np.ndarray, true: float, m: int, runs: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Root mean square error and coverage over `runs` audits, by what is sampled."""
    rows = []
    for sampled in ("teacher", "both"):
        found = [kt.audit_student(samples(q, m, rng, sampled), sampled=sampled, delta=DELTA) for _ in range(runs)]
        errors = np.array([audit.tv - true for audit in found])
        held = {
            name: np.mean([low <= true <= high for low, high in (getattr(audit, name) for audit in found)])
            for name in ("clopper_pearson", "bernstein")
        }
        rows.append({"sampled": sampled, "m": m, "runs": runs, "rmse": np.sqrt(np.mean(errors**2)), **held})
    return rows


def students_of_model() -> dict[str, kt.Student | np.ndarray]:
    """Students of the language model: two fitted to 10,000 samples, and two that no sample was counted for."""
    p = MODEL.dense().teacher
    warm = p ** (1 / 1.2)
    listed = np.where(np.argsort(np.argsort(-p, axis=1, kind="stable"), axis=1) < 20, p, 0.0)
    return {
        "SEL_ptl, 10,000 log-probabilities": kt.fit(kt.draw(MODEL, "partial", MODEL_N, seed=1), "SEL_ptl"),
        "counting, 10,000 labels": kt.fit(kt.draw(MODEL, "hard", MODEL_N, seed=1), "CE_sgl"),
        "the model at temperature 1.2": warm / warm.sum(axis=1, keepdims=True),
        "its 20 likeliest tokens, renormalised": listed / listed.sum(axis=1, keepdims=True),
    }


def audits_of_model(seed: int) -> pd.DataFrame:
    """One audit of each student of the language model, its distance in truth, and what 1,000 samples leave open.

    Columns student, tv, sd (of one sample, from the whole table), m, estimate, low, high (Clopper and Pearson's
    interval), self (the estimate from its own records, where there is one) and self_error.
    """
    p = MODEL.dense().teacher
    rows = []
    for place, (name, student) in enumerate(students_of_model().items()):
        q = student if isinstance(student, np.ndarray) else student.dense()
        true = kt.tv_risk(q, MODEL)
        refused = np.divide(np.maximum(p - q, 0.0), p, out=np.zeros_like(p), where=p > 0)
        sd = math.sqrt(float(MODEL.rho @ (p * refused**2).sum(axis=1)) - true**2)
        # Fresh samples of the teacher, which the student was not fitted to.
        drawn = kt.draw(MODEL, "hard", MODEL_M, seed=seed + place).pairs
        s, a = drawn.rows, drawn.columns
        audit = kt.audit_student({"p": p[s, a], "q": q[s, a], "count": drawn.values.astype(np.int64)}, seed=seed)
        own = kt.self_audit(kt.draw(MODEL, "partial", MODEL_N, seed=1)) if name.startswith("SEL") else None
        low, high = audit.clopper_pearson
        self_risk, self_error = (own.risk, own.standard_error) if own else (math.nan, math.nan)
        rows.append((name, true, sd, MODEL_M, audit.tv, low, high, self_risk, self_error))
    columns = ["student", "tv", "sd", "m", "estimate", "low", "high", "self", "self_error"]
    return pd.DataFrame(rows, columns=columns)


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `audit`, and return the scoreboard of counting at the same teacher."""
    runs = 50 if options.quick else 400
    rng = np.random.default_rng(options.seed)
    found, lines = [], []
    for name, q in students().items():
        true = kt.tv_risk(q, TEACHER)
        lines += [{"student": name, "tv": true, "sampled": level, "sd": sd} for level, sd in deviations(q).items()]
        for m in CHECKED:
            found += [{"student": name, "tv": true, **row} for row in audits(q, true, m, runs, rng)]
    numbers, exact = pd.DataFrame(found), pd.DataFrame(lines)
    kt.study.write_receipts(audits_of_model(options.seed), options.path("audit_language_model.csv"))
    kt.study.write_receipts(numbers, options.path("audit.csv"))
    kt.study.write_receipts(exact, options.path("audit_exact.csv"))
    draw(options, numbers, exact, runs)
    panel = kt.study.Panel("next word of English, counting", TEACHER, [1000, 10_000], ["CE_sgl"])
    board = kt.study.exact([panel], progress=options.progress)
    return kt.claims.scoreboard(board, {}, board)


def draw(options: kt.study.Options, numbers: pd.DataFrame, exact: pd.DataFrame, runs: int) -> None:
    """The figure, from its tables."""
    title = "1,000 samples tell any student's distance to 0.016 or better, and the intervals hold"
    with kt.plots.drawing(options.path("audit"), 1, 2, title=title, width=9.2, height=3.9) as axes:
        left, right = axes.flat
        _draw_errors(left, numbers, exact)
        _draw_coverage(right, numbers, runs)


def _draw_errors(axes: Any, numbers: pd.DataFrame, exact: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    m = np.array(GRID, dtype=float)
    for row in exact.itertuples():
        axes.plot(m, row.sd / np.sqrt(m), color=COLOURS[row.student], linestyle=LEVELS[row.sampled], linewidth=1.2)
    for row in numbers.itertuples():
        marker = "o" if row.sampled == "teacher" else "s"
        axes.plot([row.m], [row.rmse], marker, color=COLOURS[row.student], markersize=4)
    axes.plot(m, 0.5 / (1 + np.sqrt(m)), color="0.3", linewidth=0.8)
    axes.text(1.3e3, 1.7e-2, "guaranteed", color="0.3", fontsize="small")
    for i, row in enumerate(exact[exact["sampled"] == "teacher"].itertuples()):
        axes.text(32, 3.2e-3 / 1.6**i, f"{row.student}: TV {row.tv:.2f}", color=COLOURS[row.student], fontsize="small")
    axes.text(0.98, 0.98, "— teacher's samples\n- - half the student's\n··· whole rows", transform=axes.transAxes,
              ha="right", va="top", fontsize="small")  # fmt: skip
    axes.set_xlabel("m, samples")
    axes.set_ylabel("root mean square error")
    axes.set_title("a distance is known to 1/sqrt(m)", fontsize="medium")


def _draw_coverage(axes: Any, numbers: pd.DataFrame, runs: int) -> None:
    axes.set_xscale("log")
    shift = {"SEL_ptl": 0.85, "counting": 1.0, "rank 3": 1.18}
    for row in numbers[numbers["sampled"] == "teacher"].itertuples():
        at = row.m * shift[row.student]
        axes.plot([at], [row.clopper_pearson], "o", color=COLOURS[row.student])
        axes.plot([at], [row.bernstein], "o", color=COLOURS[row.student], fillstyle="none")
    axes.axhline(1 - DELTA, color="0.3", linewidth=0.8)
    spread = 3 * (DELTA * (1 - DELTA) / runs) ** 0.5
    axes.axhspan(1 - DELTA - spread, 1 - DELTA, color="0.85", linewidth=0)
    axes.text(70, 0.923, "filled: Clopper-Pearson, hollow: Bernstein", fontsize="small")
    axes.set_ylim(0.92, 1.003)
    axes.set_xlabel("m, samples of the teacher")
    axes.set_ylabel("share of intervals that hold")
    axes.set_title(f"95 % intervals, {runs:,} audits each", fontsize="medium")


if __name__ == "__main__":
    kt.cli.run_script(main)
