"""What is said of the statements that are tried in `ledger.entries.minimax_soft`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N9-value",
        source="ours, N9a",
        theorem="N9a",
        origin=Origin.OURS,
        words=("The minimax risk of soft labels is exactly the risk of CE_ful at its worst law of the inputs."),
        formula="inf sup E R = (1 - 1/A) V(S, n), V(S, n) = max over rho of sum_s rho(s) (1 - rho(s))^n",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\inf  \sup  \mathbb{E}\,  R  = (1 - 1/A ) V (S , n )$, $V (S , n ) = \max $ over $\rho $ of "
            r"$\textstyle\sum_{s}  \rho (s ) (1 - \rho (s ))^n $"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N9-sandwich",
        source="ours, N9b",
        theorem="N9b",
        origin=Origin.OURS,
        words=("The largest expected mass of unvisited inputs lies between S - 1 cells of n and of n - 1 samples."),
        formula="(S - 1) phi(n) <= V(S, n) <= (S - 1) phi(n - 1)",
        regime="2 <= S <= n",
        applies=lambda S, n: (S >= 2) & (n >= S),
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$(S  - 1) \phi (n ) \le  V (S , n ) \le  (S  - 1) \phi (n  - 1)$",
        regime_latex=r"$2 \le  S  \le  n $",
    ),
    Metadata(
        id="ours-N1-equal",
        source="ours, N1",
        theorem="N1",
        origin=Origin.OURS,
        words="With no more samples than inputs, equal inputs have the largest expected mass unvisited.",
        formula="V(S, n) = (1 - 1/S)^n",
        regime="n <= S",
        applies=lambda S, n: n <= S,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex="$V (S , n ) = (1 - 1/S )^n $",
        regime_latex=r"$n  \le  S $",
    ),
    Metadata(
        id="ours-N10-value",
        source="ours, N9a",
        theorem="N9a",
        origin=Origin.OURS,
        words="The minimax forward KL of soft labels is exactly log(A) V(S, n).",
        formula="inf sup E KL = log(A) V(S, n)",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\inf  \sup  \mathbb{E}\,  \mathrm{KL}  = \log (A ) V (S , n )$",
        regime_latex=r"$n  \ge  0$",
    ),
)
