"""What is said of the statements that are tried in `ledger.entries.ours_partial`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status


def rows_fit(S: int, A: int, k: int, x: float) -> bool:
    """Whether k light labels of joint mass x and a label of none fit into each row: beside a heavy label, or alone."""
    alone = abs(S * k * x - 1) <= 2.0**-52
    return A >= 2 and (k <= A - 1 if alone else k <= A - 2 and S * (k + 1) * x <= 1)


STATEMENTS = (
    Metadata(
        id="ours-N3-at",
        source="ours, N3",
        theorem="N3",
        origin=Origin.OURS,
        words=(
            "The expected risk of SEL_ptl is at most the expected missing mass of the joint law, for every "
            "initial table."
        ),
        formula="E R(SEL_ptl) <= sum over (s, a) of w (1 - w)^n, w = rho pi*",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  \textstyle\sum $ over $(s , a )$ of $w  (1 - w )^n $, "
            r"$w  = \rho  {\pi^{*}}$"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N3-missing",
        source="ours, N3 and N1",
        theorem="N3",
        origin=Origin.OURS,
        words=(
            "The expected risk of SEL_ptl is at most the expected missing mass of the worst joint law, for "
            "every initial table."
        ),
        formula="E R(SEL_ptl) <= M(SA), M(K) = (1 - 1/K)^n if n <= K, (K - 1) phi(n - 1) if n >= K",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  M (SA )$, $M (K ) = (1 - 1/K )^n $ if $n  \le  K $, "
            r"$(K  - 1) \phi (n  - 1)$ if $n  \ge  K $"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N4-uniform",
        source="ours, N4",
        theorem="N4",
        origin=Origin.OURS,
        words=("Spread evenly, the mass of u unseen labels adds at most 1 - 1/u of itself to the risk of SEL_ptl."),
        formula="E R(SEL_ptl) <= ((A - 2)/(A - 1)) M(SA) + M(S) / (A (A - 1)), uniform",
        regime="n >= 0; 0 if A = 1",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  ((A  - 2)/(A  - 1)) M (SA ) + M (S ) / (A  (A  - 1))$, "
            r"uniform"
        ),
        regime_latex=r"$n  \ge  0$; $0$ if $A  = 1$",
    ),
    Metadata(
        id="ours-N4-simple",
        source="ours, N4",
        theorem="N4",
        origin=Origin.OURS,
        words="The expected risk of SEL_ptl from the uniform table is at most S (A - 1)/(e n).",
        formula="E R(SEL_ptl) <= S (A - 1) / (e n), uniform",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  S  (A  - 1) / (e  n )$, uniform",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="ours-N6-sharp",
        source="ours, N6",
        theorem="N6",
        origin=Origin.OURS,
        words=(
            "n times the expected risk of SEL_ptl is at most the limit constant times SA, for all S, A and n: no "
            "correction is needed."
        ),
        formula="E R(SEL_ptl) <= c_inf SA/n, c_inf = 0.154411, uniform",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  c_{\inf}  SA /n $, $c_{\inf}  = 0.154411$, uniform"),
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="ours-N15-finite",
        source="ours, N15",
        theorem="N15",
        origin=Origin.OURS,
        words="The constant of N6 at a finite n: the chance that a label is unseen is not replaced by an exponential.",
        formula="E R(SEL_ptl) <= SA max over w of w / (1 + (1 - w)^(-n/2))^2, uniform",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  SA  \max $ over $w $ of "
            r"$w  / (1 + (1 - w )^{-n /2})^2$, uniform"
        ),
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="ours-N16-curve",
        source="ours, N16",
        theorem="N16",
        origin=Origin.OURS,
        words="One curve in n/(SA) bounds the expected risk of SEL_ptl at every n, few samples included.",
        formula=(
            "E R(SEL_ptl) <= Psi(n/(SA)), Psi(v) = c_inf/v for v >= 1, e^-x/(1 + x - v) with "
            "x = v + sqrt(v) e^(-x/2) for v < 1, uniform"
        ),
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  \Psi (n /(SA ))$, $\Psi (v ) = c_{\inf} /v $ for $v  \ge  1$, "
            r"$e ^{-x }/(1 + x  - v )$ with $x  = v  + \sqrt{v } e ^{-x /2}$ for $v  < 1$, uniform"
        ),
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="ours-N15-chain",
        source="ours, N15",
        theorem="N15",
        origin=Origin.OURS,
        words=(
            "Inputs from a stationary reversible chain count as 1 + gap (n - 1) independent ones in the bound on the "
            "expected risk of SEL_ptl."
        ),
        formula="E R(SEL_ptl) <= c_inf SA / (1 + gap (n - 1)), uniform",
        regime="n >= 1, 0 < gap <= 1, no eigenvalue of the chain is negative",
        applies=lambda n, gap: (n >= 1) & (0 < gap <= 1),
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  c_{\inf}  SA  / (1 + \gamma  (n  - 1))$, $\gamma $ the "
            r"spectral gap, uniform"
        ),
        regime_latex=r"$n  \ge  1$, $0 < \gamma  \le  1$, no eigenvalue of the chain is negative",
    ),
    Metadata(
        id="ours-N3-whp",
        source="ours, N3 with Z&Z Lemma E.7",
        theorem="N3",
        origin=Origin.OURS,
        words=(
            "Lemma E.7 on the pairs of input and label bounds the risk of SEL_ptl with probability 1 - delta, "
            "without a union bound over inputs."
        ),
        formula="R(SEL_ptl) <= 4SA/(9n) + 3 sqrt(SA) log(1/delta) / n for every initial table",
        regime="n >= 1, 0 < delta <= 1/10",
        applies=regimes.seldom,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$R (\textsf{SEL\_ptl} ) \le  4SA /(9n ) + 3 \sqrt{SA } \log (1/\delta ) / n $ for every "
            r"initial table"
        ),
        regime_latex=r"$n  \ge  1$, $0 < \delta  \le  1/10$",
    ),
    Metadata(
        id="ours-N2-whp",
        source="ours, N2 and N3",
        theorem="N3",
        origin=Origin.OURS,
        words="The deviation of the missing mass of the joint law bounds that of the risk of SEL_ptl.",
        formula=("R(SEL_ptl) <= M(SA) + (2/n) (L + sqrt(2 SA L) / e), L = log(1/delta), for every initial table"),
        regime="n >= 1, 0 < delta < 1",
        applies=regimes.with_delta,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$R (\textsf{SEL\_ptl} ) \le  M (SA ) + (2/n ) (L  + \sqrt{2 SA  L } / e )$, $L  = \log (1/\delta "
            r")$, for every initial table"
        ),
        regime_latex=r"$n  \ge  1$, $0 < \delta  < 1$",
    ),
    Metadata(
        id="ours-N15-whp",
        source="ours, N15",
        theorem="N15",
        origin=Origin.OURS,
        words="With high probability, too, the risk of SEL_ptl has the limit constant before SA/n.",
        formula="R(SEL_ptl) <= (c_inf SA + 2 L + (2/e) sqrt(2 SA L)) / n, L = log(1/delta), uniform",
        regime="n >= 1, 0 < delta < 1",
        applies=regimes.with_delta,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$R (\textsf{SEL\_ptl} ) \le  (c_{\inf}  SA  + 2 L  + (2/e ) \sqrt{2 SA  L }) / n $, "
            r"$L  = \log (1/\delta )$, uniform"
        ),
        regime_latex=r"$n  \ge  1$, $0 < \delta  < 1$",
    ),
    Metadata(
        id="ours-N7-at",
        source="ours, N7a",
        theorem="N7a",
        origin=Origin.OURS,
        words=(
            "Partial soft labels: rows of light labels, zeros and one heavy label bound the minimax risk from below."
        ),
        formula="inf sup E R >= S x E[j Z / (j + Z)], j ~ Bin(k, (1 - x)^n)",
        regime="A >= 2; Z = A - 1 - k >= 1 if (k + 1) x <= 1/S, Z = A - k if k x = 1/S",
        applies=rows_fit,
        grade=Grade.LOWER,
        status=Status.PROVED,
        latex=(
            r"$\inf  \sup  \mathbb{E}\,  R  \ge  S  x  \mathbb{E}\, [j  Z  / (j  + Z )]$, $j  \sim  "
            r"\mathrm{Bin} (k , (1 - x )^n )$"
        ),
        regime_latex=(
            r"$A  \ge  2$; $Z  = A  - 1 - k  \ge  1$ if $(k  + 1) x  \le  1/S $, $Z  = A  - k $ if $k  x  = 1/S "
            r"$"
        ),
    ),
    Metadata(
        id="ours-N7-light",
        source="ours, N7a",
        theorem="N7a",
        origin=Origin.OURS,
        words=(
            "Partial soft labels: the best of the rows of light labels gives a lower bound that tends to the "
            "limit constant."
        ),
        formula="inf sup E R >= max over k and x of S x E[j Z / (j + Z)]",
        regime="A >= 2, n >= 0",
        applies=lambda A, n: (A >= 2) & (n >= 0),
        grade=Grade.LOWER,
        status=Status.PROVED,
        latex=(
            r"$\inf  \sup  \mathbb{E}\,  R  \ge  \max $ over $k $ and $x $ of $S  x  \mathbb{E}\, [j  Z  / (j  "
            r"+ Z )]$"
        ),
        regime_latex=r"$A  \ge  2$, $n  \ge  0$",
    ),
    Metadata(
        id="ours-N10-partial",
        source="ours, N10",
        theorem="N10",
        origin=Origin.OURS,
        words=(
            "Partial soft labels: the expected forward KL is at most a constant times SA/n, the rate of hard labels."
        ),
        formula="E KL(SEL_ptl) <= c_KL SA/n, c_KL = 0.292037, uniform",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\,  \mathrm{KL} (\textsf{SEL\_ptl} ) \le  c_{\mathrm{KL}}  SA /n $, $c_{\mathrm{KL}}  "
            r"= 0.292037$, uniform"
        ),
        regime_latex=r"$n  \ge  1$",
    ),
)
