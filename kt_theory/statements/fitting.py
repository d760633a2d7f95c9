"""What is said of the statements that are tried in `ledger.entries.fitting`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="zz-(3.3)",
        source="Z&Z (3.3)",
        theorem="The learners",
        origin=Origin.PAPER,
        words="CE_sgl: the empirical frequencies minimise the cross-entropy on hard labels.",
        formula="n_sa / n_s = argmin - sum_i log pi(a_i|s_i)",
        regime="visited inputs",
        grade=Grade.EXACT,
        status=Status.PUBLISHED,
        latex=r"$n_{sa}  / n_{s}  = \arg\min\,  - \textstyle\sum_{i}  \log  \pi (a_{i} \vert s_{i} )$",
        regime_latex="visited inputs",
    ),
    Metadata(
        id="zz-(4.3)",
        source="Z&Z (4.3)",
        theorem="The learners",
        origin=Origin.PAPER,
        words="CE_ptl: counts times revealed probabilities minimise the weighted cross-entropy.",
        formula="n_sa pi*(a|s) / sum_b n_sb pi*(b|s) = argmin - sum_i pi*(a_i|s_i) log pi(a_i|s_i)",
        regime="visited inputs",
        grade=Grade.EXACT,
        status=Status.PUBLISHED,
        latex=(
            r"$n_{sa}  {\pi^{*}}(a \vert s ) / \textstyle\sum_{b}  n_{sb}  {\pi^{*}}(b \vert s ) = \arg\min\,  "
            r"- \textstyle\sum_{i}  {\pi^{*}}(a_{i} \vert s_{i} ) \log  \pi (a_{i} \vert s_{i} )$"
        ),
        regime_latex="visited inputs",
    ),
    Metadata(
        id="zz-(4.7)",
        source="Z&Z (4.7)",
        theorem="The learners",
        origin=Origin.PAPER,
        words=("SEL_ptl: the revealed probabilities on seen labels minimise the squared error of logarithms."),
        formula=(
            "pi*(a|s) on seen labels, the rest of the mass on unseen ones: argmin sum_i (log pi(a_i|s_i) - log "
            "pi*(a_i|s_i))^2 / 2"
        ),
        regime="visited inputs",
        grade=Grade.EXACT,
        status=Status.PUBLISHED,
        latex=(
            r"${\pi^{*}}(a \vert s )$ on seen labels, the rest of the mass on unseen ones: $\arg\min\,  "
            r"\textstyle\sum_{i}  (\log  \pi (a_{i} \vert s_{i} ) - \log  {\pi^{*}}(a_{i} \vert s_{i} ))^2 / 2$"
        ),
        regime_latex="visited inputs",
    ),
    Metadata(
        id="zz-(5.2)",
        source="Z&Z (5.2)",
        theorem="The learners",
        origin=Origin.PAPER,
        words="CE_ful: the teacher's rows minimise the cross-entropy on soft labels.",
        formula="pi*(.|s) = argmin sum_i KL(pi*(.|s_i), pi(.|s_i))",
        regime="visited inputs",
        grade=Grade.EXACT,
        status=Status.PUBLISHED,
        latex=(
            r"${\pi^{*}}(.\vert s ) = \arg\min\,  \textstyle\sum_{i}  \mathrm{KL} ({\pi^{*}}(.\vert s_{i} ), "
            r"\pi (.\vert s_{i} ))$"
        ),
        regime_latex="visited inputs",
    ),
    Metadata(
        id="zz-4.2",
        source="Z&Z Lemma 4.2",
        theorem="Lemma 4.2",
        origin=Origin.PAPER,
        words="CE_ptl is biased: it tends to the squared teacher, scaled to one.",
        formula=(
            "student(a|s) -> pi*(a|s)^2 / sum_b pi*(b|s)^2 almost surely; D = sum p^2, frequencies within eps: "
            "off by at most eps p_a / (D - eps) + eps p_a^2 / (D (D - eps))"
        ),
        regime="inputs with rho(s) > 0; tried where eps = sqrt(log(2 A / alarm) / (2 n)) < D",
        grade=Grade.LIMIT,
        status=Status.PUBLISHED,
        latex=(
            r"student $(a \vert s ) \to  {\pi^{*}}(a \vert s )^2 / \textstyle\sum_{b}  {\pi^{*}}(b \vert s )^2$ "
            r"almost surely; $D  = \textstyle\sum  p ^2$, frequencies within $\varepsilon $: off by at most "
            r"$\varepsilon  p_{a}  / (D  - \varepsilon ) + \varepsilon  p_{a} ^2 / (D  (D  - \varepsilon ))$"
        ),
        regime_latex=(
            r"inputs with $\rho (s ) > 0$; tried where $\varepsilon  = \sqrt{\log (2 A  / \mathrm{alarm} ) / (2 "
            r"n )} < D $"
        ),
    ),
    Metadata(
        id="zz-4.3",
        source="Z&Z Thm 4.3, its condition mended",
        theorem="Theorem 4.3",
        origin=Origin.PAPER,
        words=(
            "The risk of CE_ptl tends to a positive constant, unless rows with rho > 0 are constant where positive."
        ),
        formula="E R(CE_ptl) -> sum_s rho(s) TV(pi*, pi*^2 / sum pi*^2)",
        regime="a fixed problem",
        grade=Grade.LIMIT,
        status=Status.PUBLISHED,
        latex=(
            r"$\mathbb{E}\,  R (\textsf{CE\_ptl} ) \to  \textstyle\sum_{s}  \rho (s ) \mathrm{TV} ({\pi^{*}}, "
            r"{\pi^{*}}^2 / \textstyle\sum  {\pi^{*}}^2)$"
        ),
        regime_latex="a fixed problem",
    ),
)
