"""What is said of the statements that are tried in `ledger.entries.minimax_hard`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-N8-dirichlet",
        source="ours, N8c",
        theorem="N8c",
        origin=Origin.OURS,
        words=(
            "Hard labels: a Dirichlet prior and posterior medians bound the minimax risk from below, for every "
            "concentration."
        ),
        formula=("inf sup E R >= (A/2) E MAD(alpha + x, (A - 1) alpha + n - x), x ~ BetaBin(n, alpha, (A - 1) alpha)"),
        regime="S = 1, A >= 2, alpha > 0, n >= 1",
        applies=lambda S, A, n, alpha: (S == 1) & (A >= 2) & (alpha > 0) & (n >= 1),
        grade=Grade.LOWER,
        status=Status.PROVED,
        latex=(
            r"$\inf \sup \mathbb{E}\, R \ge (A/2)\, \mathbb{E}\, \mathrm{MAD}(\alpha + x, (A - 1) \alpha + n - "
            r"x)$, $x \sim \mathrm{BetaBin}(n, \alpha, (A - 1) \alpha)$"
        ),
        regime_latex=r"$S = 1$, $A \ge 2$, $\alpha > 0$, $n \ge 1$",
    ),
    Metadata(
        id="ours-N8-limit",
        source="ours, N8d",
        theorem="N8d",
        origin=Origin.OURS,
        words=(
            "Hard labels: sqrt(n) times the minimax risk tends to a sharp limit in closed form, which CE_sgl attains."
        ),
        formula="sqrt(n) minimax -> sqrt(S (A - 1) / (2 pi))",
        regime="fixed S and A; tried with the relative remainder A sqrt(S / ((A - 1) n))",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\sqrt{n}\, \mathrm{minimax} \to \sqrt{S (A - 1)/(2 \pi)}$",
        regime_latex=r"fixed $S $ and $A $; tried with the relative remainder $A  \sqrt{S  / ((A  - 1) n )}$",
    ),
    Metadata(
        id="ours-N8-frequencies",
        source="ours, N8d",
        theorem="N8d",
        origin=Origin.OURS,
        words="At a fixed problem sqrt(n) times the expected risk of CE_sgl tends to a limit in closed form.",
        formula="sqrt(n) E R(CE_sgl) -> sum_s sqrt(rho(s)) sum_a sqrt(pi* (1 - pi*) / (2 pi))",
        regime="a fixed problem; tried with the relative remainder 1 / (n min rho pi*)",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=(
            r"$\sqrt{n } \mathbb{E}\,  R (\textsf{CE\_sgl} ) \to  \textstyle\sum_{s}  \sqrt{\rho (s )} "
            r"\textstyle\sum_{a}  \sqrt{{\pi^{*}} (1 - {\pi^{*}}) / (2 \pi )}$"
        ),
        regime_latex=r"a fixed problem; tried with the relative remainder $1 / (n  \min  \rho  {\pi^{*}})$",
    ),
    Metadata(
        id="ours-N8-add",
        source="ours",
        theorem="N8d",
        origin=Origin.OURS,
        words=(
            "The risk of ADD_sgl at its worst teacher, one input, is at most 1.2 times the minimax risk of hard labels."
        ),
        formula="sup E R(ADD_sgl) <= 1.2 minimax",
        regime="S = 1",
        applies=lambda S: S == 1,
        grade=Grade.UPPER,
        status=Status.NUMERICAL,
        latex=r"$\sup \mathbb{E}\, R(\textsf{ADD\_sgl}) \le 1.2\, \mathrm{minimax}$",
        regime_latex="$S  = 1$",
    ),
    Metadata(
        id="ours-N8-second",
        source="ours, N8",
        theorem="N8d",
        origin=Origin.OURS,
        words="For one input the hard-label minimax risk has a known second-order term.",
        formula="minimax = sqrt((A - 1)/(2 pi n)) (1 - A / (2 sqrt((A - 1) n)) + o(n^(-1/2)))",
        regime="S = 1; tried with the relative remainder A/n, between the ends of the minimax risk",
        grade=Grade.LIMIT,
        status=Status.NUMERICAL,
        latex=r"$\mathrm{minimax} = \sqrt{(A - 1)/(2 \pi n)} (1 - A/(2 \sqrt{(A - 1) n}) + o(n^{-1/2}))$",
        regime_latex="$S  = 1$; tried with the relative remainder $A /n $, between the ends of the minimax risk",
    ),
)
