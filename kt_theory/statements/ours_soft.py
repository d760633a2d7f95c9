"""What is said of the statements that are tried in `ledger.entries.ours_soft`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N1-soft",
        source="ours, N3 and N1",
        theorem="N3",
        origin=Origin.OURS,
        words=(
            "The expected risk of CE_ful is at most the expected mass of the unvisited inputs, for every initial table."
        ),
        formula="E R(CE_ful) <= M(S), M(K) = (1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{CE\_ful} ) \le  M (S )$, $M (K ) = (1 - 1/K )^n $ if $n  \le  K $, $(K  "
            r"- 1) \phi (n  - 1)$ if $n  \ge  K $"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N9-upper",
        source="ours, N9a",
        theorem="N9a",
        origin=Origin.OURS,
        words=(
            "Soft labels: the expected risk of CE_ful from the uniform table, and so the minimax risk, has an "
            "upper bound in closed form."
        ),
        formula="E R(CE_ful) <= (1 - 1/A) M(S), uniform",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  R (\textsf{CE\_ful} ) \le  (1 - 1/A ) M (S )$, uniform",
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N9-lower",
        source="ours, N9b",
        theorem="N9b",
        origin=Origin.OURS,
        words="Soft labels: deterministic rows at random labels give a lower bound on the minimax risk in closed form.",
        formula=("inf sup E R >= (1 - 1/A) max{(1 - 1/S)^n, (S - 1) phi(n) + h (1 - h)^n}, h = 1 - (S - 1)/(n + 1)"),
        regime="n >= 0; the second only if h >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\inf \sup \mathbb{E}\, R \ge (1 - 1/A) \max ((1 - 1/S)^n, (S - 1) \phi(n) + h (1 - h)^n)$, $h = 1 "
            "- (S - 1)/(n + 1)$"
        ),
        regime_latex=r"$n  \ge  0$; the second only if $h  \ge  0$",
    ),
    Metadata(
        id="ours-N10-soft",
        source="ours, N9a",
        theorem="N9a",
        origin=Origin.OURS,
        words="Soft labels: the expected forward KL is of order S/n.",
        formula="E KL(CE_ful) <= log(A) M(S), uniform",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  \mathrm{KL} (\textsf{CE\_ful} ) \le  \log (A ) M (S )$, uniform",
        regime_latex=r"$n  \ge  0$",
    ),
)
