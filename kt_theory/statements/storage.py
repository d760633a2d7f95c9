"""What is said of the statements that are tried in `ledger.entries.storage`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-store-draws",
        source="ours, N29",
        theorem="N29",
        origin=Origin.OURS,
        words="Several draws a visit, each with its probability, leave the labels of a set B unseen with a probability "
        "that gives the whole risk of the learner that is exact on what was drawn and shares the rest.",
        formula="P(B unseen at s) = (1 - rho (1 - (1 - p(B))^m))^n",
        regime="m >= 1",
        applies=lambda m: m >= 1,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathrm{P}(B \ \mathrm{unseen\ at}\ s) = (1 - \rho (1 - (1 - p(B))^m))^n$",
        regime_latex=r"$m \ge 1$",
    ),
    Metadata(
        id="ours-store-draws-limit",
        source="ours, N29",
        theorem="N29",
        origin=Origin.OURS,
        words=(
            "Under m = mu A draws a visit, n times the part of the risk of an input of mass r/n, with a share w "
            "of its labels at y/A each and the rest of its mass on few, tends to a closed form as n and then A "
            "grow."
        ),
        formula="r sum_v Poi(v; r) T_v, T_0 = E|y - 1|/2 + (1 - u)/2, T_v = E exp(-v mu y) |y - q_v| / 2",
        regime="n to infinity, then A to infinity; u = w y <= 1",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$r \sum_v \mathrm{Poi}(v; r) T_v$, $T_0 = \frac12 \mathbb{E}|y - 1| + \frac12 (1 - u)$, "
        r"$T_v = \frac12 \mathbb{E}\, e^{-v \mu y} |y - q_v|$",
        regime_latex=r"$n \to \infty$, then $A \to \infty$; $u = w y \le 1$",
    ),
    Metadata(
        id="ours-store-list",
        source="ours, N28",
        theorem="N28",
        origin=Origin.OURS,
        words="Under a list of the k most likely labels alone, ties at random, an input of mass r costs most if its "
        "row is uniform on some m labels; the minimax risk is the largest sum of that over the masses.",
        formula="f(r) = max_m r ((1-r)^n (1 - m/A) + (1 - (1-r)^n) ((m-k)_+/m) (1 - (m-k)_+/(A-k)))",
        regime="1 <= k < A, n >= 0",
        applies=lambda A, k, n: (k >= 1) & (k < A) & (n >= 0),
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$f(r) = \max_m r \,((1-r)^n (1 - m/A) + (1 - (1-r)^n) \frac{(m-k)_+}{m} (1 - \frac{(m-k)_+}{A-k}))$",
        regime_latex=r"$1 \le k < A$, $n \ge 0$",
    ),
    Metadata(
        id="ours-store-floor",
        source="ours, N28",
        theorem="N28",
        origin=Origin.OURS,
        words=(
            "With equal shares of the tail, what a list of the k most likely labels costs at its worst row is at "
            "most (sqrt A - sqrt k)/(sqrt A + sqrt k), at any n."
        ),
        formula="max_m ((m - k)/m) (1 - (m - k)/(A - k)) <= (sqrt A - sqrt k)/(sqrt A + sqrt k)",
        regime="1 <= k < A",
        applies=lambda A, k: 1 <= k < A,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\max_m \frac{m-k}{m} (1 - \frac{m-k}{A-k}) \le (\sqrt A - \sqrt k)/(\sqrt A + \sqrt k)$",
        regime_latex=r"$1 \le k < A$",
    ),
    Metadata(
        id="ours-store-tail",
        source="ours, N27",
        theorem="N27",
        origin=Origin.OURS,
        words="A list of the k most likely labels whose tail has mass t is off by t if it is renormalised, and by less "
        "if the tail has equal shares.",
        formula="TV(row, renormalised) = t, TV(row, equal tail) <= t (1 - 1/(A - k))",
        regime="0 <= t <= 1, 1 <= k < A",
        applies=lambda A, k, t: 0 <= t <= 1 and 1 <= k < A,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\mathrm{TV}(\mathrm{row}, \mathrm{renormalised}) = t$, $\mathrm{TV}(\mathrm{row}, \mathrm{equal\ "
            r"tail}) \le t (1 - 1/(A - k))$"
        ),
        regime_latex=r"$0 \le t \le 1$, $1 \le k < A$",
    ),
    Metadata(
        id="ours-store-rule",
        source="ours, N26",
        theorem="N26",
        origin=Origin.OURS,
        words="Whatever lists and draws show labels with their probabilities: no student is better on average over all "
        "relabellings of a row than the one that is exact on the labels named and shares the rest equally.",
        formula="E TV of equal shares on the unseen labels = the Bayes risk over the relabellings",
        regime="every equivariant protocol; tried for lists and draws",
        applies=regimes.always,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\mathbb{E}\, \mathrm{TV}$ of equal shares on the unseen labels is the Bayes risk over the "
            "relabellings"
        ),
        regime_latex="every equivariant protocol; tried for lists and draws",
    ),
    Metadata(
        id="ours-store-upper",
        source="ours, N30",
        theorem="N30",
        origin=Origin.OURS,
        words=(
            "From a list of k labels and m draws a visit, each with its probability, the risk is bounded at "
            "every n: rows label by label, inputs rank by rank."
        ),
        formula="E R <= v + sum_i max over cells of (r_j h(r_(j-1)) - v r)",
        regime="k >= 0, m >= 1, n >= 1",
        applies=lambda k, m, n: k >= 0 and m >= 1 and n >= 1,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, R \le v + \textstyle\sum_i \max (r_j h(r_{j-1}) - v r)$ over cells",
        regime_latex=r"$k \ge 0$, $m \ge 1$, $n \ge 1$",
    ),
    Metadata(
        id="ours-store-two-left",
        source="ours, N30",
        theorem="N30",
        origin=Origin.OURS,
        words=(
            "For one input and a list that leaves two labels out, the minimax risk of the list with m draws a "
            "visit has a closed form."
        ),
        formula="w (1 - w)^(n m) / 2, w = min(1/(n m + 1), 1/(k + 1))",
        regime="S = 1, A = k + 2, k >= 1, n >= 1",
        applies=lambda S, A, k, n: S == 1 and k + 2 == A and k >= 1 and n >= 1,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\frac12 w (1 - w)^{nm}$, $w = \min(\frac1{nm + 1}, \frac1{k + 1})$",
        regime_latex=r"$S = 1$, $A = k + 2$, $k \ge 1$, $n \ge 1$",
    ),
    Metadata(
        id="ours-store-counted",
        source="ours, N31",
        theorem="N31",
        origin=Origin.OURS,
        words="From a list of k labels with their probabilities and the sampled label without: counting the tail has "
        "the least worst risk in the limit.",
        formula="lim sqrt(n) minimax = sqrt(S (A - k) (A - k - 1)/(2 pi A))",
        regime="n to infinity; tried with the relative remainder 2 A sqrt(S/n)",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\lim \sqrt n \,\mathrm{minimax} = \sqrt{S (A - k)(A - k - 1)/(2 \pi A)}$",
        regime_latex=r"$n \to \infty$; tried with the relative remainder $2 A \sqrt{S/n}$",
    ),
    Metadata(
        id="ours-store-counted-at",
        source="ours, N31",
        theorem="N31",
        origin=Origin.OURS,
        words=(
            "At a fixed problem sqrt(n) times the risk of a student that is exact on a list and counts the tail "
            "tends to a closed form."
        ),
        formula="sqrt(n) E R -> sum_s sqrt(rho(s)) sum over the tail of sqrt(p (1 - p/t)/(2 pi))",
        regime="n to infinity; tried with the relative remainder 1e-3",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\sqrt n \,\mathbb{E} R \to \textstyle\sum_s \sqrt{\rho(s)} \sum_b \sqrt{p_b (1 - p_b/t_s)/(2 \pi)}$, "
        r"$b$ off the list",
        regime_latex=r"$n \to \infty$; tried with the relative remainder $10^{-3}$",
    ),
    Metadata(
        id="ours-store-one-visit",
        source="ours, after N30",
        theorem="N30",
        origin=Origin.OURS,
        words="At one visit k draws without replacement, such as Gumbel top-k, cost at their worst row what a list of "
        "k labels does.",
        formula="max over rows of E TV of k draws without replacement = max_j j/(k + j) (1 - j/(A - k))",
        regime="1 <= k < A, one visit",
        applies=lambda A, k: 1 <= k < A,
        grade=Grade.TIGHT,
        status=Status.NUMERICAL,
        latex=(
            r"$\max \mathbb{E}\, \mathrm{TV}$ of $k$ draws without replacement is $\max_j \frac{j}{k + j} (1 - "
            r"\frac{j}{A - k})$"
        ),
        regime_latex=r"$1 \le k < A$, one visit",
    ),
    Metadata(
        id="ours-false-convex-visit",
        source="ours, after N30 (a tempting claim that is false)",
        theorem="N30",
        origin=Origin.OURS,
        words="The cost of one visit of k draws without replacement is convex along rows in descending order, as that "
        "of a list is.",
        formula="cost((p + q)/2) <= (cost(p) + cost(q))/2 for descending p and q",
        regime="p and q in descending order",
        applies=regimes.always,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\mathrm{cost}(\frac{p + q}2) \le \frac12 (\mathrm{cost}(p) + \mathrm{cost}(q))$ for descending "
        r"$p$ and $q$",
        regime_latex="$p$ and $q$ in descending order",
    ),
    Metadata(
        id="ours-false-half",
        source="ours, after N30 (a tempting claim that is false)",
        theorem="N30",
        origin=Origin.OURS,
        words="To store half of the numbers as a list and half as draws is never the worst of the three: the list, the "
        "draws, half of each.",
        formula="cost(half of each) <= max(cost(list), cost(draws))",
        regime="every row and number of visits",
        applies=regimes.always,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\mathrm{cost}(\mathrm{half\ of\ each}) \le "
        r"\max(\mathrm{cost}(\mathrm{list}), \mathrm{cost}(\mathrm{draws}))$",
        regime_latex="every row and number of visits",
    ),
    Metadata(
        id="ours-false-many-visits",
        source="ours, after N29 (a tempting claim that is false)",
        theorem="N29",
        origin=Origin.OURS,
        words="Up to m = A/2 draws a visit the worst input is one that is visited twice or more often on average.",
        formula="Gamma(mu) = sup over r >= 2 and laws of two atoms",
        regime="0 < mu <= 1/2",
        applies=lambda mu: 0 < mu <= 0.5,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\Gamma(\mu) = \sup$ over $r \ge 2$ and laws of two atoms",
        regime_latex=r"$0 < \mu \le \frac12$",
    ),
    Metadata(
        id="ours-false-ties-by-index",
        source="ours, after N26 (a tempting claim that is false)",
        theorem="N26",
        origin=Origin.OURS,
        words="Equal shares of the tail are Bayes over the relabellings also where a list breaks ties by index.",
        formula="E TV of equal shares = the Bayes risk over the relabellings, ties by index",
        regime="lists of fewer labels than there are",
        applies=regimes.always,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\mathbb{E}\, TV$ of equal shares is the Bayes risk over the relabellings, ties by index",
        regime_latex="lists of fewer labels than there are",
    ),
)
