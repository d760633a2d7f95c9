"""What is said of the statements that are tried in `ledger.entries.greedy`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-greedy-oracle",
        source="ours, N18",
        theorem="N18",
        origin=Origin.OURS,
        words="No student that names one label has a smaller regret, on average over all relabellings of the rows, "
        "than the greedy choice of the level, even if told rho and the multiset of each row.",
        formula="E D of the greedy choice = the Bayes regret over the relabellings",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, D$ of the greedy choice is the Bayes regret over the relabellings",
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-soft",
        source="ours, N19",
        theorem="N19",
        origin=Origin.OURS,
        words="The minimax regret of greedy decoding from soft labels is exactly that of a random label where nothing "
        "was seen.",
        formula="inf sup E D = (1 - 1/A) V(S, n), V(S, n) = max over rho of sum_s rho(s) (1 - rho(s))^n",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\inf \sup \mathbb{E}\, D = (1 - 1/A) V(S, n)$, $V(S, n) = \max$ over $\rho$ of "
            r"$\textstyle\sum_s \rho(s) (1 - \rho(s))^n$"
        ),
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-partial-at",
        source="ours, N19",
        theorem="N19",
        origin=Origin.OURS,
        words="The greedy regret of SEL_ptl is at most the joint mass of the likeliest labels that were never seen.",
        formula="E D(SEL_ptl) <= (1 - 1/A) sum_s x_s (1 - x_s)^n, x_s = rho(s) max_a pi*(a|s)",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\, D(\textsf{SEL\_ptl}) \le (1 - 1/A) \textstyle\sum_s x_s (1 - x_s)^n$, "
            r"$x_s = \rho(s) \max_a \pi^*(a|s)$"
        ),
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-partial",
        source="ours, N19",
        theorem="N19",
        origin=Origin.OURS,
        words="The greedy regret of SEL_ptl falls as S/(e n), free of the number of labels.",
        formula="E D(SEL_ptl) <= (1 - 1/A) S phi(n), phi(n) = n^n / (n + 1)^(n + 1)",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, D(\textsf{SEL\_ptl}) \le (1 - 1/A) S \phi(n)$, $\phi(n) = n^n / (n + 1)^{n + 1}$",
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-partial-few",
        source="ours, N19",
        theorem="N19",
        origin=Origin.OURS,
        words="With fewer samples than inputs the minimax regret of greedy decoding is the same from partial soft "
        "labels and from soft labels.",
        formula="inf sup E D = (1 - 1/A) (1 - 1/S)^n",
        regime="n <= S - 1",
        applies=lambda S, n: n <= S - 1,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\inf \sup \mathbb{E}\, D = (1 - 1/A) (1 - 1/S)^n$",
        regime_latex=r"$n \le S - 1$",
    ),
    Metadata(
        id="ours-greedy-disagreement",
        source="ours, N19",
        theorem="N19",
        origin=Origin.OURS,
        words="SEL_ptl names none of the likeliest labels with a probability of SA/(e n) at most, whatever the margin.",
        formula="E E(SEL_ptl) <= S A phi(n)",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, E(\textsf{SEL\_ptl}) \le S A \phi(n)$",
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-often",
        source="ours, N19",
        theorem="N19",
        origin=Origin.OURS,
        words=(
            "From partial soft labels the chance that a student names no likeliest label has a lower bound at "
            "rows that are uniform but for one label."
        ),
        formula="inf sup E E >= sum_s rho(s) ((1 - rho(s)/A)^n - P(some label of s is unseen)/A), rows uniform",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.LOWER,
        status=Status.PROVED,
        latex=(
            r"$\inf \sup \mathbb{E}\, E \ge \textstyle\sum_s \rho(s) ((1 - \rho(s)/A)^n - "
            r"\mathrm{P}(U_s \ne \emptyset)/A)$, rows uniform"
        ),
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-hard",
        source="ours, N20",
        theorem="N20",
        origin=Origin.OURS,
        words="The regret of the most frequent label falls as sqrt(S/n), free of the number of labels.",
        formula="E D(CE_sgl) <= (1 - 1/A) sqrt(2 S / (n + 1))",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, D(\textsf{CE\_sgl}) \le (1 - 1/A) \sqrt{2 S / (n + 1)}$",
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-hard-limit",
        source="ours, N20",
        theorem="N20",
        origin=Origin.OURS,
        words="Rows of at most six nearly equal labels, one of which leads, cost the most frequent label a regret "
        "whose constant has a closed form.",
        formula="sqrt(n) sup E D(CE_sgl) >= sqrt(S) kappa_A in the limit; kappa_A = 0.2396507875 for A >= 6",
        regime="n to infinity; tried with the relative remainder sqrt(S/n)",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=(
            r"$\sqrt{n} \sup \mathbb{E}\, D(\textsf{CE\_sgl}) \ge \sqrt{S} \kappa_A$ in the limit; "
            r"$\kappa_A = 0.2396507875$ for $A \ge 6$"
        ),
        regime_latex=r"$n$ to infinity; tried with the relative remainder $\sqrt{S/n}$",
    ),
    Metadata(
        id="ours-greedy-hard-often",
        source="ours, N20",
        theorem="N20",
        origin=Origin.OURS,
        words="From hard labels it cannot be guaranteed at any n that a likeliest label is named more often than one "
        "time in A.",
        formula="inf sup E E = 1 - 1/A",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\inf \sup \mathbb{E}\, E = 1 - 1/A$",
        regime_latex=r"$n \ge 0$",
    ),
    Metadata(
        id="ours-greedy-margin",
        source="ours, N21",
        theorem="N21",
        origin=Origin.OURS,
        words="The most frequent label is wrong with a probability that falls exponentially in the margin of square "
        "roots.",
        formula="E E(CE_sgl) <= sum_s rho(s) sum_{a not likeliest} (1 - rho(s) (sqrt max pi* - sqrt pi*(a|s))^2)^n",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\, E(\textsf{CE\_sgl}) \le \textstyle\sum_s \rho(s) \sum_a "
            r"(1 - \rho(s) (\sqrt{\max \pi^*} - \sqrt{\pi^*(a|s)})^2)^n$, $a$ not likeliest"
        ),
        regime_latex=r"$n \ge 0$",
    ),
)
