"""`kt-theory minimax`."""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.options import add_command, path, whole
from kt_theory.cli.printing import LISTED, count, print_json
from kt_theory.files import check_writable

if TYPE_CHECKING:
    import numpy as np


#: How an end is known, in words.
GRADES = {
    "proved": "proved",
    "estimated": "proved but for an error that is estimated",
    "numerical": "numerical, not proved",
}


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "minimax",
        _minimax,
        "the smallest worst-case risk that any student can have",
        "Print the minimax risk of a protocol as an interval, with the statements that give its ends, whether each is\n"
        "proved, estimated or numerical, the best student known, and the least favourable teacher. Where the minimax\n"
        "risk is known exactly, one number is printed.",
        "kt-theory minimax --protocol partial --S 10 --A 5 --n 100",
    )
    about = "what is revealed with each sample: hard, partial, soft, top_k_only:20, top_k:20, sampled:5"
    parser.add_argument("--protocol", required=True, help=about)
    parser.add_argument("--S", type=whole(1), required=True, help="number of inputs")
    parser.add_argument("--A", type=whole(1), required=True, help="number of labels")
    parser.add_argument(
        "--n", type=whole(), required=True, help="number of samples; 1e9 is understood; hard labels: up to 1e15"
    )
    parser.add_argument("--out", type=path, metavar="FILE", help="write the least favourable teacher, CSV or Parquet")
    parser.add_argument("--json", action="store_true", help="print the interval as JSON")


def _minimax(arguments: argparse.Namespace) -> int:
    if arguments.out:
        check_writable(arguments.out, ".csv", ".parquet")
    risk = kt.minimax_risk(arguments.protocol, arguments.S, arguments.A, arguments.n, progress=True)
    if arguments.out:
        kt.tables.write_teacher(risk.instance, arguments.out)
    if arguments.json:
        names = ("protocol", "S", "A", "n", "lower", "upper", "exact", "student", "note")
        ends = {name: dataclasses.asdict(getattr(risk, name)) for name in ("lower_end", "upper_end")}
        print_json({name: getattr(risk, name) for name in names} | ends)
        return HELD
    print(risk)
    for name, end in (("lower", risk.lower_end), ("upper", risk.upper_end)):
        print(f"  {name} end {end.value:.10g}, {GRADES[end.grade]}: {end.statement}")
    if risk.remark:
        print(risk.remark)
    if risk.protocol in kt.PROTOCOLS:
        sizes = {"S": risk.S, "A": risk.A, "n": risk.n}
        best = [best(risk.protocol, **sizes) for best in (kt.bounds.best_lower, kt.bounds.best_upper)]
        print("proved closed forms: " + ", ".join(f"{end.value:.6g} ({end.statement})" for end in best))
    print("\nleast favourable teacher found, inputs that are alike up to the order of their labels together:")
    print(_teacher_as_text(risk.instance))
    if arguments.out:
        print(f"the whole table is in {arguments.out}")
    return HELD


def _teacher_as_text(problem: kt.Problem) -> str:
    """The distinct rows of a teacher, their labels by decreasing probability, equal ones together."""

    def grouped(row: np.ndarray) -> str:
        classes = sorted(Counter(row.round(12).tolist()).items(), reverse=True)
        return ", ".join(f"{p:.6g}" if times == 1 else f"{times} x {p:.6g}" for p, times in classes)

    rows = Counter(
        (rho, grouped(row)) for rho, row in zip(problem.rho.round(12).tolist(), problem.teacher, strict=True)
    )
    lines = [
        f"  {count(times, 'input')} of mass {rho:.6g}: labels {row}" for (rho, row), times in rows.most_common(LISTED)
    ]
    return "\n".join(lines) + (f"\n  and {len(rows) - LISTED} rows more" if len(rows) > LISTED else "")
