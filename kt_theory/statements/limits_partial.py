"""What is said of the statements that are tried in `ledger.entries.limits_partial`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N7-limit",
        source="ours, N7b",
        theorem="N7b",
        origin=Origin.OURS,
        words=("n times the minimax risk of partial soft labels tends to a sum of Poisson limits, one for each input."),
        formula="n minimax -> (S - 1) gamma_A + gamma_{A-1}",
        regime="fixed S and A; tried with the relative remainder SA/n",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$n\, \mathrm{minimax} \to (S - 1) \gamma_{A} + \gamma_{A - 1}$",
        regime_latex="fixed $S $ and $A $; tried with the relative remainder $SA /n $",
    ),
    Metadata(
        id="ours-N7-c-inf",
        source="ours, N7b",
        theorem="N7b",
        origin=Origin.OURS,
        words="Per label the worst Poisson limit of partial soft labels tends to c_inf.",
        formula="gamma_m / m -> c_inf = q^2/(1 + q) = 0.154411, q = 2 W(1/(2 sqrt(e)))",
        regime="m to infinity; tried with the relative remainder 1.3/m",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\gamma_{m}/m \to c_{\inf} = q^2/(1 + q) = 0.154411$, $q = 2 W(1/(2 \sqrt{e}))$",
        regime_latex="$m $ to infinity; tried with the relative remainder $1.3/m $",
    ),
    Metadata(
        id="ours-N7-second",
        source="ours, after N7b",
        theorem="N7b",
        origin=Origin.OURS,
        words="The worst Poisson limit of partial labels is c_inf m less a constant.",
        formula="gamma_m = c_inf m - q (1 - q)/(1 + q) + O(1/m)",
        regime="m >= 3; tried with the remainder 0.15/m",
        grade=Grade.LIMIT,
        status=Status.NUMERICAL,
        latex=r"$\gamma_{m} = c_{\inf} m - q (1 - q)/(1 + q) + O(1/m)$",
        regime_latex=r"$m  \ge  3$; tried with the remainder $0.15/m $",
    ),
    Metadata(
        id="ours-N6-c-inf",
        source="ours, N6",
        theorem="N6",
        origin=Origin.OURS,
        words="The limit constant of partial labels by Lambert's function equals the maximum that it solves.",
        formula="q^2/(1 + q) at q = 2 W(1/(2 sqrt(e))) = max over x of x / (1 + e^(x/2))^2",
        regime="a number",
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(r"$q ^2/(1 + q )$ at $q  = 2 W (1/(2 \sqrt{e })) = \max $ over $x $ of $x  / (1 + e ^{x /2})^2$"),
        regime_latex="a number",
    ),
    Metadata(
        id="ours-N16-limit",
        source="ours, N16",
        theorem="N16",
        origin=Origin.OURS,
        words="The curve of N16 is the limit of the minimax risk of partial soft labels as the number of labels grows.",
        formula="minimax -> Psi(v) as A grows and n/(SA) -> v, for any S",
        regime="A to infinity; tried with the relative remainder 6/A",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\mathrm{minimax} \to \Psi(v)$ as $A \to \infty$ and $n/(SA) \to v$, for any $S$",
        regime_latex="$A $ to infinity; tried with the relative remainder $6/A $",
    ),
    Metadata(
        id="ours-N10-limit",
        source="ours, N10",
        theorem="N10",
        origin=Origin.OURS,
        words="The constant of partial labels in forward KL is attained as the number of labels grows.",
        formula=("n minimax KL / (SA) -> c_KL = min over q of max over x of e^-x (x log(x/q) - x + q) = 0.292037"),
        regime="A to infinity after n; tried with the relative remainder 4/A",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=(
            r"$n\, \mathrm{minimax}\ \mathrm{KL}/(SA) \to c_{\mathrm{KL}} = \min_{q} \max_{x}\, e^{-x} (x \log "
            "(x/q) - x + q) = 0.292037$"
        ),
        regime_latex="$A $ to infinity after $n $; tried with the relative remainder $4/A $",
    ),
    Metadata(
        id="ours-4.3-bias",
        source="ours, N11 a",
        theorem="N11",
        origin=Origin.OURS,
        words="The bias of CE_ptl is below 1, and its supremum over teachers is 1.",
        formula=("sum_s rho(s) TV(p, p^2/|p|^2) <= 1 - sum_s rho(s) max_a pi*(a|s) < 1; the supremum over A is 1"),
        regime="every problem; from below with the remainder 3 A^(-1/3)",
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\textstyle\sum_{s}  \rho (s ) \mathrm{TV} (p , p ^2/\vert p \vert ^2) \le  1 - "
            r"\textstyle\sum_{s}  \rho (s ) \max_{a}  {\pi^{*}}(a \vert s ) < 1$; the supremum over $A $ is $1$"
        ),
        regime_latex="every problem; from below with the remainder $3 A ^{-1/3}$",
    ),
)
