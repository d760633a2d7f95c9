"""What is said of the statements that are tried in `ledger.entries.tempered`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="level-tempered-mass",
        source="ours, N13 c",
        theorem="N13",
        origin=Origin.OURS,
        words="If labels are drawn from another law q than the teacher's, the expected missing mass has a closed form.",
        formula="E m0 = sum_a p_a (1 - q_a)^n",
        regime="one input, n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  m_0  = \textstyle\sum_{a}  p_{a}  (1 - q_{a} )^n $",
        regime_latex=r"one input, $n  \ge  0$",
    ),
    Metadata(
        id="level-tempered-optimal",
        source="ours, N13 c",
        theorem="N13",
        origin=Origin.OURS,
        words=(
            "The sampling law that leaves the least missing mass is flatter than the teacher: water-filling in "
            "logarithms."
        ),
        formula="q_a = (1 - (lambda/p_a)^(1/(n-1)))_+",
        regime="one input, n >= 2",
        applies=lambda n: n >= 2,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$q_{a} = (1 - (\lambda/p_{a})^{1/(n - 1)})_+$",
        regime_latex=r"one input, $n  \ge  2$",
    ),
    Metadata(
        id="level-tempered-value",
        source="ours, N13 c",
        theorem="N13",
        origin=Origin.OURS,
        words="With the best sampling law the missing mass decays exponentially.",
        formula="min_q sum p_a (1 - q_a)^n <= A GM(p) (1 - 1/A)^n, GM the geometric mean",
        regime="one input, n >= 2, the best sampling law uses every label",
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\min_{q}  \textstyle\sum  p_{a}  (1 - q_{a} )^n  \le  A  \mathrm{GM} (p ) (1 - 1/A )^n $, "
            r"$\mathrm{GM} $ the geometric mean"
        ),
        regime_latex=r"one input, $n  \ge  2$, the best sampling law uses every label",
    ),
    Metadata(
        id="level-tempered-warmer",
        source="ours, N13 c",
        theorem="N13",
        origin=Origin.OURS,
        words=(
            "The sign of the derivative tells whether a temperature a little above 1 lowers the expected missing mass."
        ),
        formula=("d/dT sum_a p_a (1 - q_a)^n = n sum_a p_a^2 (1 - p_a)^(n-1) (log p_a + H) at T = 1, q ~ p^(1/T)"),
        regime="one input, n >= 1",
        applies=regimes.some,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\frac{d}{dT} \textstyle\sum_{a} p_{a} (1 - q_{a})^n = n \textstyle\sum_{a} p_{a}^2 (1 - p_{a})^{n "
            r"- 1} (\log p_{a} + H)$ at $T = 1$, $q \sim p^{1/T}$"
        ),
        regime_latex=r"one input, $n  \ge  1$",
    ),
    Metadata(
        id="level-tempered-crossing",
        source="ours, N13 c",
        theorem="N13",
        origin=Origin.OURS,
        words=(
            "A temperature a little above 1 raises the expected missing mass up to some number of samples, and "
            "lowers it from there on."
        ),
        formula="sum_a p_a^2 (1 - p_a)^(n-1) (log p_a + H) > 0 for n < n0(p), < 0 for n > n0(p)",
        regime="one input, p not constant on its support",
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\textstyle\sum_{a} p_{a}^2 (1 - p_{a})^{n - 1} (\log p_{a} + H) > 0$ for $n < n_0(p)$, $< 0$ for "
            "$n > n_0(p)$"
        ),
        regime_latex="one input, $p $ not constant on its support",
    ),
    Metadata(
        id="level-tempered-uniform",
        source="ours, N13 d",
        theorem="N13",
        origin=Origin.OURS,
        words=(
            "Labels drawn uniformly, each shown with its probability: the exact minimax risk, which decays "
            "exponentially."
        ),
        formula="minimax = (1 - 1/A)^n - P(not all labels seen) / A",
        regime="one input, n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathrm{minimax} = (1 - 1/A)^n - \mathrm{P}(\mathrm{not\ all\ labels\ seen})/A$",
        regime_latex=r"one input, $n  \ge  0$",
    ),
)
