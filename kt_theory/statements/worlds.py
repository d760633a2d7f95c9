"""What is said of the statements that are tried in `ledger.entries.worlds`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="conj-Q1",
        source="Z&Z Appendix F (conjecture), up to constants",
        theorem="Appendix F",
        origin=Origin.PAPER,
        words=(
            "No single instance exposes the limits of all three learners: on every instance one of the three "
            "risks is below any fixed share of its minimax risk, for large n."
        ),
        formula="min over the protocols of E R(learner)/minimax -> 0; here: it falls below 1/4",
        regime="S >= 2, n >> SA",
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\min$ over the protocols of $\mathbb{E}\, R/\mathrm{minimax} \to 0$; here: it falls below $1/4$",
        regime_latex=r"$S \ge 2$, $n \gg SA$",
    ),
    Metadata(
        id="ours-Q1-worlds",
        source="ours",
        theorem="N14",
        origin=Origin.OURS,
        words=(
            "On one instance, three worlds, each of the three learners has at least a fixed share of its minimax risk."
        ),
        formula="min over the protocols of E R(learner)/minimax >= 0.28 on three_worlds",
        regime="S >= 2, A >= 10, n >> SA",
        grade=Grade.LOWER,
        status=Status.NUMERICAL,
        latex=r"$\min$ over the protocols of $\mathbb{E}\, R/\mathrm{minimax} \ge 0.28$ on three worlds",
        regime_latex=r"$S \ge 2$, $A \ge 10$, $n \gg SA$",
    ),
    Metadata(
        id="ours-Q1-limit",
        source="ours, N14",
        theorem="N14",
        origin=Origin.OURS,
        words=(
            "In the limit the instance three worlds gives each of the three learners the same share of its "
            "minimax risk."
        ),
        formula="lim E R(learner)/minimax = sqrt(2) - 1 on three_worlds, for each of the three",
        regime="S and A to infinity after n; tried with the relative remainder 4/min(S, A)",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\lim \mathbb{E}\, R/\mathrm{minimax} = \sqrt{2} - 1$ on three worlds, for each of the three learners",
        regime_latex=r"$S $ and $A $ to infinity after $n $; tried with the relative remainder $4/\min (S , A )$",
    ),
    Metadata(
        id="ours-Q1-frontier",
        source="ours, N17",
        theorem="N17",
        origin=Origin.OURS,
        words=(
            "No sequence of instances gives all three learners more than the share of their minimax risks that three "
            "worlds gives, in the limit."
        ),
        formula=(
            "h^2 + p + f <= 1 for the limits h, p, f of E R(learner)/minimax of CE_sgl, SEL_ptl, CE_ful; so "
            "min(h, p, f) <= sqrt(2) - 1"
        ),
        regime="S and A to infinity after n; tried with the remainder 4/min(S, A)",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=(
            r"$h^2 + p + f \le 1$ for the limits $h$, $p$, $f$ of $\mathbb{E}\, R/\mathrm{minimax}$ of "
            r"\textsf{CE\_sgl}, \textsf{SEL\_ptl}, \textsf{CE\_ful}; so $\min (h, p, f) \le \sqrt{2} - 1$"
        ),
        regime_latex=r"$S $ and $A $ to infinity after $n $; tried with the remainder $4/\min (S , A )$",
    ),
    Metadata(
        id="ours-Q1-three-labels",
        source="ours, N12",
        theorem="N12",
        origin=Origin.OURS,
        words=(
            "With one input and three labels the conjecture is true: where hard labels are slow, SEL_ptl is "
            "exponentially fast."
        ),
        formula="S = 1, A = 3: E R(SEL_ptl) <= sum_a p_a^n (1 - p_a)",
        regime="S = 1, A = 3, n >= 1",
        applies=lambda S, A, n: (S == 1) & (A == 3) & (n >= 1),
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$S  = 1$, $A  = 3$: $\mathbb{E}\,  R (\textsf{SEL\_ptl} ) \le  \textstyle\sum_{a}  p_{a} ^n  (1 - "
            r"p_{a} )$"
        ),
        regime_latex=r"$S  = 1$, $A  = 3$, $n  \ge  1$",
    ),
)
