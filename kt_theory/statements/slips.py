"""What is said of the statements that are tried in `ledger.entries.slips`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="slip-1",
        source="Z&Z Lemma E.5, as printed",
        theorem="Lemma E.5",
        origin=Origin.PAPER,
        words=(
            "The bound x (1 - x)^n <= (4/9) n, as printed, is true and vacuous: from n = 3 on it exceeds 1. "
            "The proof gives 4/(9n)."
        ),
        formula="(4/9) n",
        mended_formula="4/(9n)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.SLIP,
        status=Status.VACUOUS,
        latex="$(4/9) n $",
        regime_latex=r"$n  \ge  1$",
        mended_latex="$4/(9n )$",
    ),
    Metadata(
        id="slip-2",
        source="Z&Z Thm 3.2, the definition of xi",
        theorem="Theorem 3.2",
        origin=Origin.PAPER,
        words=(
            "The total variation between a row and the nearest Dirac is printed as 2 min_a (1 - pi*(a|s)). "
            "That is the l1 distance, twice the total variation."
        ),
        formula="2 min_a (1 - p_a)",
        mended_formula="min_a (1 - p_a)",
        regime="every row",
        grade=Grade.SLIP,
        status=Status.FALSE,
        latex=r"$2 \min_{a}  (1 - p_{a} )$",
        regime_latex="every row",
        mended_latex=r"$\min_{a}  (1 - p_{a} )$",
    ),
    Metadata(
        id="slip-3",
        source="Z&Z proof of Thm 4.4, its events",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words=(
            "The deviation of the missing mass in the events of the proof is printed as 3 sqrt(A "
            "log(1/delta))/n. Lemma E.7 has 3 sqrt(A) log(1/delta)/n."
        ),
        formula="4A/(9n) + 3 sqrt(A L)/n",
        mended_formula="4A/(9n) + 3 sqrt(A) L/n, L = log(1/delta)",
        regime="n >= 1, delta <= 1/10",
        applies=regimes.seldom,
        grade=Grade.SLIP,
        status=Status.FALSE,
        latex=r"$4A /(9n ) + 3 \sqrt{A  L }/n $",
        regime_latex=r"$n  \ge  1$, $\delta  \le  1/10$",
        mended_latex=r"$4A /(9n ) + 3 \sqrt{A } L /n $, $L  = \log (1/\delta )$",
    ),
    Metadata(
        id="slip-4a",
        source="Z&Z (D.20)",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words=(
            "In the bound (D.20) on the missing mass the whole bracket is printed as divided by 9. Only its "
            "first term is."
        ),
        formula="(4A + 3 sqrt(A) L)/(9n)",
        mended_formula="4A/(9n) + 3 sqrt(A) L/n",
        regime="n >= 1, delta <= 1/10",
        applies=regimes.seldom,
        grade=Grade.SLIP,
        status=Status.FALSE,
        latex=r"$(4A  + 3 \sqrt{A } L )/(9n )$",
        regime_latex=r"$n  \ge  1$, $\delta  \le  1/10$",
        mended_latex=r"$4A /(9n ) + 3 \sqrt{A } L /n $",
    ),
    Metadata(
        id="slip-4b",
        source="Z&Z (D.21)",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words="In (D.21) 1/n_s is bounded by 1/(n_s + 1) in both sums. A factor 2 is missing.",
        formula="1/X <= 1/(X + 1)",
        mended_formula="1/X <= 2/(X + 1)",
        regime="X >= 1",
        applies=lambda X: X >= 1,
        grade=Grade.SLIP,
        status=Status.FALSE,
        latex=r"$1/X  \le  1/(X  + 1)$",
        regime_latex=r"$X  \ge  1$",
        mended_latex=r"$1/X  \le  2/(X  + 1)$",
    ),
    Metadata(
        id="slip-5",
        source="Z&Z Thm 4.3, as printed",
        theorem="Theorem 4.3",
        origin=Origin.PAPER,
        words=(
            "CE_ptl is printed to be asymptotically right only on rows that are Uniform(A) or a Dirac. It is "
            "right on every row that is constant on its support."
        ),
        formula="right only where p is uniform or sure",
        mended_formula="right where p is constant on its support",
        regime="every row",
        grade=Grade.SLIP,
        status=Status.FALSE,
        latex="right only where $p $ is uniform or sure",
        regime_latex="every row",
        mended_latex="right where $p $ is constant on its support",
    ),
    Metadata(
        id="slip-6",
        source="Z&Z (D.31) and (D.32)",
        theorem="Theorem 4.4",
        origin=Origin.PAPER,
        words=(
            "The constant of E R(SEL_ptl) <= const SA/n is not named, so the bound is vacuous at every single "
            "n. It is no error: the proof gives 8/9 + n/(n + 1)."
        ),
        formula="const SA/n",
        mended_formula="(8/9) SA/n + SA/(n + 1)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.SLIP,
        status=Status.VACUOUS,
        latex="const $SA /n $",
        regime_latex=r"$n  \ge  1$",
        mended_latex="$(8/9) SA /n  + SA /(n  + 1)$",
    ),
    Metadata(
        id="slip-7",
        source="Z&Z proof of Thm 5.1, and instance 3",
        theorem="Theorem 5.1",
        origin=Origin.PAPER,
        words=(
            "The heavy input of instance 3 is printed with mass 1 - S^-1/(n + 1), and its teacher as that of "
            "instance 3. The masses sum to 1 with 1 - (S - 1)/(n + 1); the teacher is that of instance 2."
        ),
        formula="1 - 1/(S (n + 1))",
        mended_formula="1 - (S - 1)/(n + 1)",
        regime="n >= S - 1",
        applies=lambda S, n: n >= S - 1,
        grade=Grade.SLIP,
        status=Status.FALSE,
        latex="$1 - 1/(S  (n  + 1))$",
        regime_latex=r"$n  \ge  S  - 1$",
        mended_latex="$1 - (S  - 1)/(n  + 1)$",
    ),
    Metadata(
        id="slip-8",
        source="Z&Z proof of Thm 3.2, the line after (D.11)",
        theorem="Theorem 3.2",
        origin=Origin.PAPER,
        words=(
            "The bound sqrt(A/(2n)) sum_s sqrt(rho(s)), as printed, is true and too weak: (1/2) sqrt(SA/n), "
            "which the paper draws from it, does not follow. It follows from (1/2) sqrt(A/n) sum_s "
            "sqrt(rho(s))."
        ),
        formula="sqrt(A/(2n)) sum sqrt(rho)",
        mended_formula="(1/2) sqrt(A/n) sum sqrt(rho)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.SLIP,
        status=Status.TOO_WEAK,
        latex=r"$\sqrt{A /(2n )} \textstyle\sum  \sqrt{\rho }$",
        regime_latex=r"$n  \ge  1$",
        mended_latex=r"$(1/2) \sqrt{A /n } \textstyle\sum  \sqrt{\rho }$",
    ),
)
