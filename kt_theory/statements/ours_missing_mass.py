"""What is said of the statements that are tried in `ledger.entries.ours_missing_mass`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N1-cell",
        source="ours, N1",
        theorem="N1",
        origin=Origin.OURS,
        words="A cell adds at most 1/(en) to the expected missing mass.",
        formula="p (1 - p)^n <= 1/(e n)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$p  (1 - p )^n  \le  1/(e  n )$",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="ours-N1-mean",
        source="ours, N1",
        theorem="N1",
        origin=Origin.OURS,
        words=("The expected missing mass of K letters is at most K times the concave majorant of one at 1/K."),
        formula="E m0 <= (1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(r"$\mathbb{E}\,  m_0  \le  (1 - 1/K )^n $ if $n  \le  K $, $(K  - 1) \phi (n  - 1)$ if $n  \ge  K $"),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N2-deviation",
        source="ours, N2",
        theorem="N2",
        origin=Origin.OURS,
        words=(
            "With probability 1 - delta the missing mass exceeds the bound on its mean by a deviation of order "
            "sqrt(K)/n at most."
        ),
        formula="m0 <= M(K) + (2/n) (L + sqrt(2 K L) / e), L = log(1/delta)",
        regime="n >= 1, 0 < delta < 1",
        applies=regimes.with_delta,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$m_0  \le  M (K ) + (2/n ) (L  + \sqrt{2 K  L } / e )$, $L  = \log (1/\delta )$",
        regime_latex=r"$n  \ge  1$, $0 < \delta  < 1$",
    ),
)
