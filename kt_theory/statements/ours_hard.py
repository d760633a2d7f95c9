"""What is said of the statements that are tried in `ledger.entries.ours_hard`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N8-joint",
        source="ours, N8a",
        theorem="N8a",
        origin=Origin.OURS,
        words=(
            "The risk of CE_sgl is at most the sum of the empirical deviations of the inputs and of the pairs, "
            "for every initial table."
        ),
        formula="E R(CE_sgl) <= (1/2) sqrt((S - 1)/n) + (1/2) sqrt((SA - 1)/n)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(r"$\mathbb{E}\,  R (\textsf{CE\_sgl} ) \le  (1/2) \sqrt{(S  - 1)/n } + (1/2) \sqrt{(SA  - 1)/n }$"),
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="ours-N8-uniform",
        source="ours, N8a",
        theorem="N8a",
        origin=Origin.OURS,
        words=(
            "The expected risk of CE_sgl from the uniform table is at most one square root, for rows, visits "
            "and unvisited inputs together."
        ),
        formula="E R(CE_sgl) <= sqrt(S (A - 1) / (2 (n + 1))), uniform",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  R (\textsf{CE\_sgl} ) \le  \sqrt{S  (A  - 1) / (2 (n  + 1))}$, uniform",
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N8-conjecture",
        source="ours, after N8a",
        theorem="N8a",
        origin=Origin.OURS,
        words=(
            "The expected risk of CE_sgl from the uniform table is at most sqrt(S (A - 1)/n)/2, as proved for "
            "one input."
        ),
        formula="E R(CE_sgl) <= (1/2) sqrt(S (A - 1) / n), uniform",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.CONJECTURE,
        status=Status.CONJECTURED,
        latex=r"$\mathbb{E}\,  R (\textsf{CE\_sgl} ) \le  (1/2) \sqrt{S  (A  - 1) / n }$, uniform",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="ours-N8-remainder",
        source="ours, N8e",
        theorem="N8e",
        origin=Origin.OURS,
        words="For one input the expected risk of CE_sgl exceeds the sharp limit by at most A/(2n), whatever the row.",
        formula="E R(CE_sgl) <= sqrt((A - 1) / (2 pi n)) + A / (2 n)",
        regime="S = 1, n >= 1",
        applies=lambda S, n: (S == 1) & (n >= 1),
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  R (\textsf{CE\_sgl} ) \le  \sqrt{(A  - 1) / (2 \pi  n )} + A / (2 n )$",
        regime_latex=r"$S  = 1$, $n  \ge  1$",
    ),
    Metadata(
        id="ours-N8-whp",
        source="ours, N8a",
        theorem="N8a",
        origin=Origin.OURS,
        words=(
            "With probability 1 - delta the risk of CE_sgl exceeds the bound on its mean by the bounded "
            "differences of two empirical laws."
        ),
        formula=("R(CE_sgl) <= (1/2) sqrt((S - 1)/n) + (1/2) sqrt((SA - 1)/n) + sqrt(2 L/n), L = log(1/delta)"),
        regime="n >= 1, 0 < delta < 1; S = 1: sqrt(L/(2n))",
        applies=regimes.with_delta,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$R (\textsf{CE\_sgl} ) \le  (1/2) \sqrt{(S  - 1)/n } + (1/2) \sqrt{(SA  - 1)/n } + \sqrt{2 L /n "
            r"}$, $L  = \log (1/\delta )$"
        ),
        regime_latex=r"$n  \ge  1$, $0 < \delta  < 1$; $S  = 1$: $\sqrt{L /(2n )}$",
    ),
    Metadata(
        id="ours-N8-assouad",
        source="ours, N8b",
        theorem="N8b",
        origin=Origin.OURS,
        words=(
            "Hard labels: Assouad's lemma, with the exact error of its two-point tests, bounds the minimax "
            "risk from below."
        ),
        formula="inf sup E R >= max over D of D P_err(D), majority of Bin(n, 2/(S A')) flips of bias D",
        regime="A >= 2, n >= 0; A' = A if even, A - 1 if odd",
        applies=lambda A, n: (A >= 2) & (n >= 0),
        grade=Grade.LOWER,
        status=Status.PROVED,
        latex=(
            r"$\inf \sup \mathbb{E}\, R \ge \max_{D} D\, P_{\mathrm{err}}(D)$, majority of $\mathrm{Bin}(n, 2/(S "
            "A'))$ flips of bias $D$"
        ),
        regime_latex=r"$A  \ge  2$, $n  \ge  0$; $A'  = A $ if even, $A  - 1$ if odd",
    ),
    Metadata(
        id="ours-N4-every",
        source="ours, N4",
        theorem="N4",
        origin=Origin.OURS,
        words=(
            "Uniform(A) is within 1 - 1/A of every row, and the expected risk of no learner exceeds that after data."
        ),
        formula="E R <= 1 - 1/A for CE_sgl, SEL_ptl and CE_ful, uniform",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R  \le  1 - 1/A $ for $\textsf{CE\_sgl} $, $\textsf{SEL\_ptl} $ and "
            r"$\textsf{CE\_ful} $, uniform"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
)
