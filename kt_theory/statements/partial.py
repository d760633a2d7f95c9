"""What is said of the statements that are tried in `ledger.entries.partial`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="zz-4.1",
        source="Z&Z Thm 4.1 (before the power is bounded)",
        theorem="Theorem 4.1",
        origin=Origin.PAPER,
        words="Partial soft labels: no student's worst expected risk is below a constant times SA/n.",
        formula="inf sup E R >= S (A' - 1) / (4 (n + 1)) (1 - 1/(n + 1))^n",
        regime="A >= 3, n >= S (A' - 1) / 2 - 1; A' = A if odd, A - 1 if even",
        applies=regimes.odd_labels,
        grade=Grade.LOWER,
        status=Status.PUBLISHED,
        latex=r"$\inf  \sup  \mathbb{E}\,  R  \ge  S  (A'  - 1) / (4 (n  + 1)) (1 - 1/(n  + 1))^n $",
        regime_latex=r"$A  \ge  3$, $n  \ge  S  (A'  - 1) / 2 - 1$; $A'  = A $ if odd, $A  - 1$ if even",
    ),
    Metadata(
        id="zz-4.1-simple",
        source="Z&Z Thm 4.1",
        theorem="Theorem 4.1",
        origin=Origin.PAPER,
        words=(
            "Partial soft labels: no student's worst expected risk is below a constant times SA/n, with 1/e "
            "for a power."
        ),
        formula="inf sup E R >= S (A' - 1) / (4 e (n + 1))",
        regime="A >= 3, n >= S (A' - 1) / 2 - 1; A' = A if odd, A - 1 if even",
        applies=regimes.odd_labels,
        grade=Grade.LOWER,
        status=Status.PUBLISHED,
        latex=r"$\inf  \sup  \mathbb{E}\,  R  \ge  S  (A'  - 1) / (4 e  (n  + 1))$",
        regime_latex=r"$A  \ge  3$, $n  \ge  S  (A'  - 1) / 2 - 1$; $A'  = A $ if odd, $A  - 1$ if even",
    ),
    Metadata(
        id="zz-4.4-mean",
        source="Z&Z Thm 4.4 (mean)",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words="Partial soft labels: the expected risk of SEL_ptl is of order SA/n.",
        formula="E R(SEL_ptl) <= (8/9) SA/n + SA/(n + 1)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  (8/9) SA /n  + SA /(n  + 1)$",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="zz-4.4-whp",
        source="Z&Z Thm 4.4 (high probability, S > 1)",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words=(
            "Partial soft labels: the risk of SEL_ptl is of order SA/n, times logarithms, with probability 1 - delta."
        ),
        formula=(
            "R(SEL_ptl) <= (1/n)(4A/9 + 3 sqrt(A) L)(22 S + (400/99) S log(S(S+2)/delta)) + 4S/(9n) + 3 "
            "sqrt(S) L/n, L = log((S + 2)/delta)"
        ),
        regime="S > 1, n >= 1, delta < min(1, (S + 2)/10)",
        applies=lambda S, n, delta: (S > 1) & (n >= 1) & (0 < delta < min(1, (S + 2) / 10)),
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(
            r"$R (\textsf{SEL\_ptl} ) \le  (1/n )(4A /9 + 3 \sqrt{A } L )(22 S  + (400/99) S  \log (S (S "
            r"+2)/\delta )) + 4S /(9n ) + 3 \sqrt{S } L /n $, $L  = \log ((S  + 2)/\delta )$"
        ),
        regime_latex=r"$S  > 1$, $n  \ge  1$, $\delta  < \min (1, (S  + 2)/10)$",
    ),
    Metadata(
        id="zz-4.4-whp-1",
        source="Z&Z Thm 4.4 (high probability, S = 1)",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words=(
            "Partial soft labels at a single input: the risk of SEL_ptl is of order A/n with probability 1 - delta."
        ),
        formula="R(SEL_ptl) <= 4A/(9n) + 3 sqrt(A) log(1/delta)/n",
        regime="S = 1, n >= 1, delta <= 1/10",
        applies=lambda S, n, delta: (S == 1) & regimes.seldom(n, delta),
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$R (\textsf{SEL\_ptl} ) \le  4A /(9n ) + 3 \sqrt{A } \log (1/\delta )/n $",
        regime_latex=r"$S  = 1$, $n  \ge  1$, $\delta  \le  1/10$",
    ),
    Metadata(
        id="zz-6.1-partial",
        source="Z&Z Remark 6.1 (partial soft labels)",
        theorem="Remark 6.1",
        origin=Origin.PAPER,
        words="If every joint mass is bounded below, the expected risk of SEL_ptl decays exponentially.",
        formula="E R(SEL_ptl) <= (1 - c_S c_A)^n if rho >= c_S and pi* >= c_A where positive",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  (1 - c_{S}  c_{A} )^n $ if $\rho  \ge  c_{S} $ and "
            r"${\pi^{*}} \ge  c_{A} $ where positive"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
)
