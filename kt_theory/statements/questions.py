"""What is said of the statements that are tried in `ledger.entries.questions`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="level-quantised-clipped",
        source="ours",
        theorem="Other levels, open",
        origin=Origin.OURS,
        words=(
            "If log-probabilities are rounded, the frequencies clipped into the cells learn where the middles "
            "of the cells do not."
        ),
        formula="minimax of order min(delta, sqrt(SA/n)) + SA/n",
        regime="cells of width delta in log-probability, the sampled label's cell revealed",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=r"minimax of order $\min (\delta , \sqrt{SA /n }) + SA /n $",
        regime_latex=r"cells of width $\delta$ in log-probability, the cell of the sampled label revealed",
    ),
    Metadata(
        id="level-noisy",
        source="ours",
        theorem="Other levels, open",
        origin=Origin.OURS,
        words=(
            "If log-probabilities have independent Gaussian noise of variance sigma^2, each is worth 1/sigma^2 "
            "hard labels more."
        ),
        formula="lim sqrt(n) minimax = sqrt(sigma^2 / (1 + sigma^2)) sqrt(S (A - 1) / (2 pi))",
        regime="noise of variance sigma^2, independent for each sample",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=r"$\lim \sqrt{n}\, \mathrm{minimax} = \sqrt{\sigma^2/(1 + \sigma^2)} \sqrt{S (A - 1)/(2 \pi)}$",
        regime_latex=r"noise of variance $\sigma^2$, independent for each sample",
    ),
    Metadata(
        id="level-hidden",
        source="ours",
        theorem="Other levels, open",
        origin=Origin.OURS,
        words="If probabilities below tau are hidden, their labels are learnt at the rate of hard labels.",
        formula="lim sqrt(n) minimax = sqrt(S A min(1, A tau) / (2 pi)), to leading order",
        regime="n tau >= 1; before that the rate is SA/n",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=r"$\lim \sqrt{n}\, \mathrm{minimax} = \sqrt{S A \min (1, A \tau)/(2 \pi)}$, to leading order",
        regime_latex=r"$n \tau \ge 1$; before that the rate is $SA/n$",
    ),
    Metadata(
        id="level-tempered-inputs",
        source="ours",
        theorem="Other levels, open",
        origin=Origin.OURS,
        words="If the inputs are random, choosing the labels that are scored keeps the rate SA/n.",
        formula="inf sup E R >= (S - 1) A / (4 n) (1 - o(1))",
        regime="S >= 2, inputs drawn from rho, the student chooses the label that is scored",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=r"$\inf  \sup  \mathbb{E}\,  R  \ge  (S  - 1) A  / (4 n ) (1 - o (1))$",
        regime_latex=r"$S  \ge  2$, inputs drawn from $\rho $, the student chooses the label that is scored",
    ),
    Metadata(
        id="level-designed-inputs",
        source="ours",
        theorem="Other levels, open",
        origin=Origin.OURS,
        words=(
            "If the student chooses the inputs, soft labels have the minimax risk (1 - 1/A)(1 - n/S)_+ "
            "(proved, not tried)."
        ),
        formula=(
            "soft: (1 - 1/A) (1 - n/S)_+; scored labels, S | n: (1 - (n/S + 1)/A)_+; partial: S gamma_(A-1) / "
            "n; hard: sqrt(S (A - 1) / (2 pi n))"
        ),
        regime="rho unknown; partial and hard in the limit",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=(
            r"soft: $(1 - 1/A) (1 - n/S)_+$; scored labels, $S \mid n$: $(1 - (n/S + 1)/A)_+$; partial: $S "
            r"\gamma_{A - 1}/n$; hard: $\sqrt{S (A - 1)/(2 \pi n)}$"
        ),
        regime_latex=r"$\rho $ unknown; partial and hard in the limit",
    ),
    Metadata(
        id="conj-Q2",
        source="Z&Z Appendix H.2 (conjecture)",
        theorem="Appendix H.2",
        origin=Origin.PAPER,
        words="Log-linear teachers are learnt at rates sqrt(d/n) (hard) and d/n (partial).",
        formula=("|theta^ - theta*| at least of order sqrt(d/n) from hard labels, d/n from partial soft labels"),
        regime="pi* proportional to exp(<phi, theta>), |phi| <= M, dimension d",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=(
            r"$|\hat\theta - \theta^{*}|$ at least of order $\sqrt{d/n}$ from hard labels, $d/n$ from partial "
            "soft labels"
        ),
        regime_latex=r"$\pi^{*}$ proportional to $\exp (\phi \cdot \theta)$, $|\phi| \le M$, dimension $d$",
    ),
    Metadata(
        id="open-Q3",
        source="Z&Z Remark D.1",
        theorem="Remark D.1",
        origin=Origin.PAPER,
        words="The squared error of logarithms is open for students that are not laws.",
        formula="argmin over unnormalised tables of sum_i (log pi(a_i|s_i) - log pi*(a_i|s_i))^2 / 2",
        regime="partial soft labels",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=(
            r"$\arg\min\, $ over unnormalised tables of $\textstyle\sum_{i}  (\log  \pi (a_{i} \vert s_{i} ) - "
            r"\log  {\pi^{*}}(a_{i} \vert s_{i} ))^2 / 2$"
        ),
        regime_latex="partial soft labels",
    ),
    Metadata(
        id="open-Q4",
        source="Z&Z Remark D.1",
        theorem="Remark D.1",
        origin=Origin.PAPER,
        words="It is open which relative entropy, forward or reverse, suits soft labels.",
        formula="argmin sum_i KL(pi*, pi) against argmin sum_i KL(pi, pi*)",
        regime="soft labels",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=(
            r"$\arg\min\,  \textstyle\sum_{i}  \mathrm{KL} ({\pi^{*}}, \pi )$ against $\arg\min\,  "
            r"\textstyle\sum_{i}  \mathrm{KL} (\pi , {\pi^{*}})$"
        ),
        regime_latex="soft labels",
    ),
    Metadata(
        id="open-Q5",
        source="Z&Z, conclusion",
        theorem="Conclusion",
        origin=Origin.PAPER,
        words="It is open how much a student gains by an initial table near the teacher.",
        formula="soft labels, TV(init, pi*) <= eps in each row: minimax = eps max_rho sum rho (1 - rho)^n",
        regime="init can be split into two sets of mass eps at least",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=(
            r"soft labels, $\mathrm{TV}(\mathrm{init}, \pi^{*}) \le \varepsilon$ in each row: $\mathrm{minimax} = "
            r"\varepsilon \max_{\rho} \textstyle\sum \rho (1 - \rho)^n$"
        ),
        regime_latex=r"init can be split into two sets of mass $\varepsilon $ at least",
    ),
    Metadata(
        id="open-Q6",
        source="Z&Z Appendix G",
        theorem="Appendix G",
        origin=Origin.PAPER,
        words="It is open how the risk falls with dependent samples, as in sequences.",
        formula="E R(CE_ful) = sum_s mu(s) P(tau_s > n) TV(init, pi*); <= (1 - 1/A) S phi(n - 1) / gap",
        regime="one trajectory of a stationary chain of inputs; reversible and lazy for the bound",
        grade=Grade.OPEN,
        status=Status.OPEN,
        latex=(
            r"$\mathbb{E}\, R(\textsf{CE\_ful}) = \textstyle\sum_{s} \mu(s)\, \mathrm{P}(\tau_{s} > n)\, "
            r"\mathrm{TV}(\mathrm{init}, \pi^{*})$; $\le (1 - 1/A) S \phi(n - 1)/\mathrm{gap}$"
        ),
        regime_latex="one trajectory of a stationary chain of inputs; reversible and lazy for the bound",
    ),
)
