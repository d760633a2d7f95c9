"""What is said of the statements that are tried in `ledger.entries.storage`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-store-tail",
        source="ours, storage",
        origin=Origin.OURS,
        words="A list of the k most likely labels whose tail has mass t is off by t if it is renormalised, and by less "
        "if the tail has equal shares.",
        formula="TV(row, renormalised) = t, TV(row, equal tail) <= t (1 - 1/(A - k))",
        regime="0 <= t <= 1, 1 <= k < A",
        applies=lambda A, k, t: 0 <= t <= 1 and 1 <= k < A,
        grade=Grade.TIGHT,
        status=Status.EXPERIMENTAL,
        latex=r"$TV(\mathrm{row}, \mathrm{renormalised}) = t$, $TV(\mathrm{row}, \mathrm{equal\ tail}) \le "
        r"t (1 - 1/(A - k))$",
        regime_latex=r"$0 \le t \le 1$, $1 \le k < A$",
    ),
)
