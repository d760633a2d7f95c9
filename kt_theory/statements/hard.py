"""What is said of the statements that are tried in `ledger.entries.hard`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="zz-3.1",
        source="Z&Z Thm 3.1",
        theorem="Theorem 3.1",
        origin=Origin.PAPER,
        words="Hard labels: no student's worst expected risk is below a constant times sqrt(SA/n).",
        formula="inf sup E R >= exp(-1/2)/16 sqrt(S A' / n)",
        regime="A >= 2, n >= S A' / 4; A' = A if even, A - 1 if odd",
        applies=regimes.even_labels,
        grade=Grade.LOWER,
        status=Status.PUBLISHED,
        latex=r"$\inf  \sup  \mathbb{E}\,  R  \ge  e ^{-1/2}/16 \sqrt{S  A'  / n }$",
        regime_latex=r"$A  \ge  2$, $n  \ge  S  A'  / 4$; $A'  = A $ if even, $A  - 1$ if odd",
    ),
    Metadata(
        id="zz-3.1-at",
        source="Z&Z Thm 3.1 (general form)",
        theorem="Theorem 3.1",
        origin=Origin.PAPER,
        words=(
            "Hard labels: paired teachers at any gap Delta bound the worst expected risk of every student from below."
        ),
        formula="inf sup E R >= Delta/4 exp(-(2 n Delta / (S A')) log((1 + Delta)/(1 - Delta)))",
        regime="A >= 2, 0 < Delta < 1",
        applies=lambda A, Delta: (A >= 2) & (0 < Delta < 1),
        grade=Grade.LOWER,
        status=Status.PUBLISHED,
        latex=(
            r"$\inf  \sup  \mathbb{E}\,  R  \ge  \Delta /4 \exp (-(2 n  \Delta  / (S  A' )) \log ((1 + \Delta "
            r")/(1 - \Delta )))$"
        ),
        regime_latex=r"$A  \ge  2$, $0 < \Delta  < 1$",
    ),
    Metadata(
        id="zz-3.2-mean",
        source="Z&Z Thm 3.2 (mean)",
        theorem="Theorem 3.2",
        origin=Origin.PAPER,
        words="Hard labels: the expected risk of CE_sgl is of order sqrt(SA/n) for every initial table.",
        formula="E R(CE_sgl) <= (1/2) sqrt(SA/n) + sqrt(S/n)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathbb{E}\,  R (\textsf{CE\_sgl} ) \le  (1/2) \sqrt{SA /n } + \sqrt{S /n }$",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="zz-3.2-instance",
        source="Z&Z Thm 3.2 (instance dependent)",
        theorem="Theorem 3.2",
        origin=Origin.PAPER,
        words=("Hard labels: at teachers near deterministic ones the expected risk of CE_sgl is of order 1/n."),
        formula="E R(CE_sgl) <= sqrt(xi SA / (2 (n + 1))) + 4 S / (9 n), xi = max_s sum_a min(pi*, 1 - pi*)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{CE\_sgl} ) \le  \sqrt{\xi  SA  / (2 (n  + 1))} + 4 S  / (9 n )$, $\xi  "
            r"= \max_{s}  \textstyle\sum_{a}  \min ({\pi^{*}}, 1 - {\pi^{*}})$"
        ),
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="zz-3.2-whp",
        source="Z&Z Thm 3.2 (high probability)",
        theorem="Theorem 3.2",
        origin=Origin.PAPER,
        words="Hard labels: the risk of CE_sgl is of order sqrt(SA/n) with probability 1 - delta.",
        formula=("R(CE_sgl) <= sqrt((A log 2 + L)/2) sqrt(S/n) + sqrt((2/n)(S log 2 + L)), L = log((S + 1)/delta)"),
        regime="n >= 1, 0 < delta < 1; for S = 1 the first term only, with L = log(1/delta)",
        applies=regimes.with_delta,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(
            r"$R (\textsf{CE\_sgl} ) \le  \sqrt{(A  \log  2 + L )/2} \sqrt{S /n } + \sqrt{(2/n )(S  \log  2 + L "
            r")}$, $L  = \log ((S  + 1)/\delta )$"
        ),
        regime_latex=(
            r"$n  \ge  1$, $0 < \delta  < 1$; for $S  = 1$ the first term only, with $L  = \log (1/\delta )$"
        ),
    ),
)
