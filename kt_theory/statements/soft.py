"""What is said of the statements that are tried in `ledger.entries.soft`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="zz-5.1",
        source="Z&Z Thm 5.1 (before the power is bounded)",
        theorem="Theorem 5.1",
        origin=Origin.PAPER,
        words="Soft labels: no student's worst expected risk is below a constant times S/n.",
        formula="inf sup E R >= ((S - 1) / (2 (n + 1))) (1 - 1/(n + 1))^n",
        regime="S >= 2, A >= 2, n >= S",
        applies=regimes.as_many_as_inputs,
        grade=Grade.LOWER,
        status=Status.PUBLISHED,
        latex=r"$\inf  \sup  \mathbb{E}\,  R  \ge  ((S  - 1) / (2 (n  + 1))) (1 - 1/(n  + 1))^n $",
        regime_latex=r"$S  \ge  2$, $A  \ge  2$, $n  \ge  S $",
    ),
    Metadata(
        id="zz-5.1-simple",
        source="Z&Z Thm 5.1",
        theorem="Theorem 5.1",
        origin=Origin.PAPER,
        words=("Soft labels: no student's worst expected risk is below a constant times S/n, with 1/e for a power."),
        formula="inf sup E R >= (S - 1) / (2 e (n + 1))",
        regime="S >= 2, A >= 2, n >= S",
        applies=regimes.as_many_as_inputs,
        grade=Grade.LOWER,
        status=Status.PUBLISHED,
        latex=r"$\inf  \sup  \mathbb{E}\,  R  \ge  (S  - 1) / (2 e  (n  + 1))$",
        regime_latex=r"$S  \ge  2$, $A  \ge  2$, $n  \ge  S $",
    ),
    Metadata(
        id="zz-5.1-at",
        source="Z&Z Thm 5.1 (any law of the inputs)",
        theorem="Theorem 5.1",
        origin=Origin.PAPER,
        words=(
            "Soft labels: for every law of the inputs, known to the student, no student's worst expected risk "
            "is below half the expected mass of the unvisited inputs."
        ),
        formula="inf sup over pi* of E R >= (1/2) sum_s rho(s) (1 - rho(s))^n",
        regime="S >= 2, A >= 2, n >= 0",
        applies=lambda S, A, n: (S >= 2) & (A >= 2) & (n >= 0),
        grade=Grade.TIGHT,
        status=Status.PUBLISHED,
        latex=(
            r"$\inf  \sup $ over ${\pi^{*}}$ of $\mathbb{E}\,  R  \ge  (1/2) \textstyle\sum_{s}  \rho (s ) (1 - "
            r"\rho (s ))^n $"
        ),
        regime_latex=r"$S  \ge  2$, $A  \ge  2$, $n  \ge  0$",
    ),
    Metadata(
        id="zz-5.2-mean-at",
        source="Z&Z Thm 5.2 (mean, any law of the inputs)",
        theorem="Theorem 5.2",
        origin=Origin.PAPER,
        words=("Soft labels: the expected risk of CE_ful is at most the expected mass of the unvisited inputs."),
        formula="E R(CE_ful) <= sum_s rho(s) (1 - rho(s))^n",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PUBLISHED,
        latex=(r"$\mathbb{E}\,  R (\textsf{CE\_ful} ) \le  \textstyle\sum_{s}  \rho (s ) (1 - \rho (s ))^n $"),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="zz-5.2-mean",
        source="Z&Z Thm 5.2 (mean)",
        theorem="Theorem 5.2",
        origin=Origin.PAPER,
        words="Soft labels: the expected risk of CE_ful is of order S/n.",
        formula="E R(CE_ful) <= 4S/(9n)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathbb{E}\,  R (\textsf{CE\_ful} ) \le  4S /(9n )$",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="zz-5.2-whp",
        source="Z&Z Thm 5.2 (high probability)",
        theorem="Theorem 5.2",
        origin=Origin.PAPER,
        words="Soft labels: the risk of CE_ful is of order S/n with probability 1 - delta.",
        formula="R(CE_ful) <= 4S/(9n) + 3 sqrt(S) log(1/delta)/n",
        regime="n >= 1, delta <= 1/10",
        applies=regimes.seldom,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$R (\textsf{CE\_ful} ) \le  4S /(9n ) + 3 \sqrt{S } \log (1/\delta )/n $",
        regime_latex=r"$n  \ge  1$, $\delta  \le  1/10$",
    ),
    Metadata(
        id="zz-6.1-soft",
        source="Z&Z Remark 6.1 (soft labels)",
        theorem="Remark 6.1",
        origin=Origin.PAPER,
        words=("If the mass of every input is bounded below, the expected risk of CE_ful decays exponentially."),
        formula="E R(CE_ful) <= (1 - c_S)^n if rho >= c_S where positive",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PUBLISHED,
        latex=(r"$\mathbb{E}\,  R (\textsf{CE\_ful} ) \le  (1 - c_{S} )^n $ if $\rho  \ge  c_{S} $ where positive"),
        regime_latex=r"$n  \ge  0$",
    ),
)
