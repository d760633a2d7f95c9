"""What is said of the statements that are tried in `ledger.entries.minimax_partial`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N5-oracle",
        source="ours, N5a",
        theorem="N5a",
        origin=Origin.OURS,
        words=(
            "No student has a lower risk than SEL_ptl on average over relabellings of the labels of each input "
            "separately, even if told the row but for its order."
        ),
        formula="E R(SEL_ptl, uniform) = Bayes risk over the relabellings of (rho, pi*)",
        regime="every problem, n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\, R(\textsf{SEL\_ptl})$, uniform, is the Bayes risk over the relabellings of $(\rho, "
            r"\pi^{*})$"
        ),
        regime_latex=r"every problem, $n  \ge  0$",
    ),
    Metadata(
        id="ours-N5-minimax",
        source="ours, N5b",
        theorem="N5b",
        origin=Origin.OURS,
        words="The minimax risk of partial soft labels is the worst risk of SEL_ptl.",
        formula=("max over (rho, pi*) of E R(SEL_ptl, uniform): attained at the instance, nowhere above the upper end"),
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\max$ over $(\rho, \pi^{*})$ of $\mathbb{E}\, R(\textsf{SEL\_ptl})$, uniform: attained at the "
            "instance, nowhere above the upper end"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N5-three-labels",
        source="ours, N5c",
        theorem="N5c",
        origin=Origin.OURS,
        words=(
            "With one input and three labels the minimax risk of partial soft labels is half the largest expected "
            "missing mass of two letters."
        ),
        formula="minimax(1, 3, n) = V(2, n)/2, V(2, n) = max over p of p (1 - p)^n + (1 - p) p^n",
        regime="S = 1, A = 3, n >= 1",
        applies=lambda S, A, n: (S == 1) & (A == 3) & (n >= 1),
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathrm{minimax}(1, 3, n) = V(2, n)/2$, $V(2, n) = \max_{p}\, (p (1 - p)^n + (1 - p) p^n)$",
        regime_latex=r"$S  = 1$, $A  = 3$, $n  \ge  1$",
    ),
    Metadata(
        id="ours-N5-reduction",
        source="ours, N5b",
        theorem="N5b",
        origin=Origin.OURS,
        words="The risk of SEL_ptl is a sum over inputs, each by its own joint masses.",
        formula="E R(SEL_ptl) = sum_s G(rho(s) pi*(.|s)), G the same for every problem",
        regime="every problem, n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) = \textstyle\sum_{s}  G (\rho (s ) {\pi^{*}}(.\vert s ))$, "
            r"$G $ the same for every problem"
        ),
        regime_latex=r"every problem, $n  \ge  0$",
    ),
    Metadata(
        id="ours-false-equal-inputs",
        source="ours, N5b (a tempting claim that is false)",
        theorem="N5b",
        origin=Origin.OURS,
        words="The worst problem for partial labels has equal inputs, or equal ones but for a single one.",
        formula="max of sum_s g(r_s) = max over r of (S - 1) g(r) + g(1 - (S - 1) r)",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=(
            r"$\max $ of $\textstyle\sum_{s}  g (r_{s} ) = \max $ over $r $ of $(S  - 1) g (r ) + g (1 - (S  - "
            r"1) r )$"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-false-alike",
        source="ours, after N5b (a tempting claim that is false)",
        theorem="N5b",
        origin=Origin.OURS,
        words="No student is better than SEL_ptl on average over relabellings that relabel all rows alike.",
        formula="E R(SEL_ptl) = the Bayes risk over the permutations of the labels, one for all inputs",
        regime="every problem, n >= 0",
        applies=regimes.any_n,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=(
            r"$\mathbb{E}\, R(\textsf{SEL\_ptl})$ is the Bayes risk over the permutations of the labels, one for all "
            r"inputs"
        ),
        regime_latex=r"every problem, $n \ge 0$",
    ),
    Metadata(
        id="ours-N7-rows",
        source="ours, after N7b",
        theorem="N7b",
        origin=Origin.OURS,
        words=("The worst row for partial labels has k equal light labels, zeros, and at most one other label."),
        formula="g(r) = max over k and x of G(x, ..., x, r - k x, 0, ..., 0)",
        regime="0 < r <= 1, n >= 1",
        applies=lambda r, n: (0 < r <= 1) & (n >= 1),
        grade=Grade.EXACT,
        status=Status.NUMERICAL,
        latex=r"$g (r ) = \max $ over $k $ and $x $ of $G (x , ..., x , r  - k  x , 0, ..., 0)$",
        regime_latex=r"$0 < r  \le  1$, $n  \ge  1$",
    ),
    Metadata(
        id="ours-N7-two-labels",
        source="ours, N7b",
        theorem="N7b",
        origin=Origin.OURS,
        words=(
            "With two labels the risks of SEL_ptl from partial soft labels and of CE_ful from soft labels are equal."
        ),
        formula="E R(SEL_ptl) = E R(CE_ful), uniform",
        regime="A = 2",
        applies=lambda A: A == 2,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) = \mathbb{E}\,  R (\textsf{CE\_ful} )$, uniform",
        regime_latex="$A  = 2$",
    ),
)
