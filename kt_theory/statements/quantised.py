"""What is said of the statements that are tried in `ledger.entries.quantised`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="level-quantised-plateau",
        source="ours, N13 b",
        theorem="N13",
        origin=Origin.OURS,
        words=(
            "Log-probabilities rounded to cells of width delta leave an error that more samples do not remove, "
            "if the middles of the cells are all that is used."
        ),
        formula="sup TV(scaled middles, law in the same cells) = tanh(delta / 4)",
        regime="delta > 0",
        applies=lambda delta: delta > 0,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\sup \mathrm{TV}(\mathrm{scaled\ middles}, \mathrm{law\ in\ the\ same\ cells}) = \tanh (\delta/4)$",
        regime_latex=r"$\delta  > 0$",
    ),
)
