"""What is said of the statements that are tried in `ledger.entries.storage`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-store-draws",
        source="ours, storage",
        origin=Origin.OURS,
        words="m draws a visit, each with its probability, leave the labels of a set B unseen with a probability that "
        "gives the whole risk of the learner that is exact on what was drawn and shares the rest.",
        formula="P(B unseen at s) = (1 - rho (1 - (1 - p(B))^m))^n",
        regime="m >= 1",
        applies=lambda m: m >= 1,
        grade=Grade.EXACT,
        status=Status.EXPERIMENTAL,
        latex=r"$\mathrm{P}(B \ \mathrm{unseen\ at}\ s) = (1 - \rho (1 - (1 - p(B))^m))^n$",
        regime_latex=r"$m \ge 1$",
    ),
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
