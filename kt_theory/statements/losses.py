"""What is said of the statements that are tried in `ledger.entries.losses`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-loss-map",
        source="ours, N32a",
        theorem="N32a",
        origin=Origin.OURS,
        words="A loss on hard labels is a map of the simplex: with phi(p) its limit at the teacher p, the student on "
        "frequencies e is phi(e). Hence every consistent one is the MLE.",
        formula="argmin_q sum_y e_y loss(q; y) = phi(e), phi(p) = argmin_q sum_y p_y loss(q; y)",
        regime="one input, visited",
        applies=regimes.always,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\arg\min_q \textstyle\sum_y e_y \ell(q; y) = \varphi(e)$, "
        r"$\varphi(p) = \arg\min_q \textstyle\sum_y p_y \ell(q; y)$",
        regime_latex="one input, visited",
    ),
    Metadata(
        id="ours-loss-partial",
        source="ours, N32b",
        theorem="N32b",
        origin=Origin.OURS,
        words="A loss that sums, over seen labels, terms that are least at q_a = p_a alone has one student: the "
        "teacher on seen labels, the missing mass in proportion to the initial table.",
        formula="q_a = p_a on seen labels, q_b = (1 - p(seen)) init_b / init(unseen) on the others",
        regime="one input, visited",
        applies=regimes.always,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$q_a = p_a$ on seen labels, $q_b = (1 - p(\mathrm{seen})) u_b / u(\mathrm{unseen})$ on the others, "
        r"$u$ the initial row",
        regime_latex="one input, visited",
    ),
    Metadata(
        id="ours-loss-truncated",
        source="ours, N32c",
        theorem="N32c",
        origin=Origin.OURS,
        words="Truncated to a list K of mass P, q f(p/q) with f >= 0, f(1) = 0 keeps the list; t log t scales it to "
        "one, -log t divides it by e.",
        formula="argmin sum_K q_a f(p_a/q_a) = p_K; p_K / P for f = t log t; p_K / e for f = -log t",
        regime="0 < P < 1, the tail unconstrained",
        applies=lambda P: 0 < P < 1,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\arg\min \textstyle\sum_K q_a f(p_a/q_a) = p_K$; $p_K / P$ for $f = t \log t$; $p_K / e$ for "
        r"$f = -\log t$",
        regime_latex=r"$0 < P < 1$, the tail unconstrained",
    ),
    Metadata(
        id="ours-loss-constant",
        source="ours, N32d",
        theorem="N32d",
        origin=Origin.OURS,
        words="A mixture of hard cross-entropy and distillation at temperature T learns at the rate of the MLE, times "
        "a constant: the weight of the hard term at T = 1.",
        formula="E TV / E TV(MLE) -> sum_a sqrt((J V J^T)_aa) / sum_a sqrt(V_aa), "
        "J = alpha V (alpha V + (1 - alpha) V_T)^+",
        regime="0 <= alpha <= 1, T > 0; p > 0",
        applies=lambda alpha, T: 0 <= alpha <= 1 and T > 0,
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, TV / \mathbb{E}\, TV(\mathrm{MLE}) \to \textstyle\sum_a \sqrt{(J V J^\top)_{aa}} / "
        r"\textstyle\sum_a \sqrt{V_{aa}}$, $J = \alpha V (\alpha V + (1 - \alpha) V_T)^+$",
        regime_latex=r"$0 \le \alpha \le 1$, $T > 0$, $p > 0$",
    ),
    Metadata(
        id="ours-loss-scale",
        source="ours, N32e",
        theorem="N32e",
        origin=Origin.OURS,
        words="Standardised logits and correlations ignore a scale, which is learnt from hard labels: however small "
        "their weight, the error stays a share of the MLE's.",
        formula="sum p |log p + H| / (sd_p(log p) sum sqrt(p(1-p))), "
        "sum |p - U| / (sqrt(sum (p-U)^2/p) sum sqrt(p(1-p)))",
        regime="p > 0, not uniform; the weight of the hard term to 0",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\textstyle\sum p\, \vert \log p + H \vert / (\mathrm{sd}_p(\log p) \textstyle\sum \sqrt{p(1-p)})$, "
        r"$\textstyle\sum \vert p - U \vert / (\sqrt{\textstyle\sum (p-U)^2/p} \textstyle\sum \sqrt{p(1-p)})$",
        regime_latex=r"$p > 0$, not uniform; the weight of the hard term to $0$",
    ),
    Metadata(
        id="ours-loss-preference",
        source="ours, N32f",
        theorem="N32f",
        origin=Origin.OURS,
        words="Preferences for the teacher's label over a reference's, under a logistic loss of beta log(q/ref): the "
        "limit is a power of the teacher, and the teacher itself at beta = 1 only.",
        formula="q = ref^(1 - 1/beta) p^(1/beta) / Z",
        regime="beta > 0; p, ref > 0",
        applies=lambda beta: beta > 0,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$q = \mathrm{ref}^{1 - 1/\beta} p^{1/\beta} / Z$",
        regime_latex=r"$\beta > 0$; $p, \mathrm{ref} > 0$",
    ),
)
