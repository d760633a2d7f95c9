"""What is said of the statements that are tried in `ledger.entries.lemmas`."""

from __future__ import annotations

import math

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="zz-E.1",
        source="Z&Z Lemma E.1",
        theorem="Lemma E.1",
        origin=Origin.PAPER,
        words="The frequencies of the labels converge almost surely, for all labels at once.",
        formula=("max_a |n_a / n - p_a| -> 0; tried as <= sqrt(log(2 A / alarm) / (2 n)) but for a chance alarm"),
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.LIMIT,
        status=Status.PUBLISHED,
        latex=(
            r"$\max_{a}  \vert n_{a}  / n  - p_{a} \vert  \to  0$; tried as $\le  \sqrt{\log (2 A  / "
            r"\mathrm{alarm} ) / (2 n )}$ but for a chance $\mathrm{alarm} $"
        ),
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="zz-E.2",
        source="Z&Z Lemma E.2",
        theorem="Lemma E.2",
        origin=Origin.PAPER,
        words="Two laws whose relative entropy is finite overlap (Bretagnolle and Huber).",
        formula="TV(P, Q) <= 1 - exp(-KL(P, Q)) / 2",
        regime="all laws",
        applies=regimes.always,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathrm{TV} (P , Q ) \le  1 - \exp (-\mathrm{KL} (P , Q )) / 2$",
        regime_latex="all laws",
    ),
    Metadata(
        id="zz-E.3",
        source="Z&Z Lemma E.3",
        theorem="Lemma E.3",
        origin=Origin.PAPER,
        words=("The expected total variation between empirical frequencies and their law is of order sqrt(A/n)."),
        formula="E TV(p^, p) <= (1/2) sqrt(A / n)",
        regime="n >= 1; one law",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathbb{E}\,  \mathrm{TV} (\hat p, p ) \le  (1/2) \sqrt{A  / n }$",
        regime_latex=r"$n  \ge  1$; one law",
    ),
    Metadata(
        id="zz-E.4",
        source="Z&Z Lemma E.4",
        theorem="Lemma E.4",
        origin=Origin.PAPER,
        words=(
            "The total variation between empirical frequencies and their law is of order sqrt(A/n) with "
            "probability 1 - delta."
        ),
        formula="TV(p^, p) <= sqrt((A log 2 + log(1/delta)) / (2 n))",
        regime="n >= 1, 0 < delta < 1; one law",
        applies=regimes.with_delta,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathrm{TV} (\hat p, p ) \le  \sqrt{(A  \log  2 + \log (1/\delta )) / (2 n )}$",
        regime_latex=r"$n  \ge  1$, $0 < \delta  < 1$; one law",
    ),
    Metadata(
        id="zz-E.5",
        source="Z&Z Lemma E.5 (first form)",
        theorem="Lemma E.5",
        origin=Origin.PAPER,
        words="A cell of mass x adds x (1 - x)^n to the expected missing mass, which is of order 1/n.",
        formula="x (1 - x)^n <= (1 / (n + 1)) (n / (n + 1))^n",
        regime="n >= 0",
        applies=regimes.any_n,
        grade=Grade.TIGHT,
        status=Status.PUBLISHED,
        latex=r"$x  (1 - x )^n  \le  (1 / (n  + 1)) (n  / (n  + 1))^n $",
        regime_latex=r"$n  \ge  0$",
    ),
    Metadata(
        id="zz-E.5-simple",
        source="Z&Z Lemma E.5 (second form)",
        theorem="Lemma E.5",
        origin=Origin.PAPER,
        words="A cell of mass x adds at most 4/(9n) to the expected missing mass.",
        formula="x (1 - x)^n <= 4 / (9 n)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$x  (1 - x )^n  \le  4 / (9 n )$",
        regime_latex=r"$n  \ge  1$",
    ),
    Metadata(
        id="zz-E.6",
        source="Z&Z Lemma E.6 (Rajaraman et al. 2020, Thm A.2)",
        theorem="Lemma E.6",
        origin=Origin.PAPER,
        words=(
            "With probability 1 - delta the missing mass of a sample exceeds its mean by a deviation of order "
            "sqrt(K)/n at most."
        ),
        formula="m0 - E m0 <= 3 sqrt(K) log(1/delta) / n",
        regime="n >= 1, 0 < delta <= 1/10; K letters",
        applies=regimes.seldom,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$m_0  - \mathbb{E}\,  m_0  \le  3 \sqrt{K } \log (1/\delta ) / n $",
        regime_latex=r"$n  \ge  1$, $0 < \delta  \le  1/10$; $K $ letters",
    ),
    Metadata(
        id="zz-E.7",
        source="Z&Z Lemma E.7",
        theorem="Lemma E.7",
        origin=Origin.PAPER,
        words="The missing mass of a sample is of order K/n, with probability 1 - delta.",
        formula="m0 <= 4 K / (9 n) + 3 sqrt(K) log(1/delta) / n",
        regime="n >= 1, 0 < delta <= 1/10; K letters",
        applies=regimes.seldom,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$m_0  \le  4 K  / (9 n ) + 3 \sqrt{K } \log (1/\delta ) / n $",
        regime_latex=r"$n  \ge  1$, $0 < \delta  \le  1/10$; $K $ letters",
    ),
    Metadata(
        id="zz-E.8",
        source="Z&Z Lemma E.8 (equality)",
        theorem="Lemma E.8",
        origin=Origin.PAPER,
        words="The mean of one over the number of visits plus one has a closed form.",
        formula="E 1/(X + 1) = (1 - (1 - p)^(n + 1)) / (p (n + 1)), X ~ Bin(n, p)",
        regime="n >= 0, 0 < p <= 1",
        applies=regimes.visits,
        grade=Grade.EXACT,
        status=Status.PUBLISHED,
        latex=(
            r"$\mathbb{E}\,  1/(X  + 1) = (1 - (1 - p )^{n  + 1}) / (p  (n  + 1))$, $X  \sim  \mathrm{Bin} (n , "
            r"p )$"
        ),
        regime_latex=r"$n  \ge  0$, $0 < p  \le  1$",
    ),
    Metadata(
        id="zz-E.8-bound",
        source="Z&Z Lemma E.8 (bound)",
        theorem="Lemma E.8",
        origin=Origin.PAPER,
        words="The mean of one over the number of visits plus one is at most 1/(p (n + 1)).",
        formula="E 1/(X + 1) <= 1 / (p (n + 1)), X ~ Bin(n, p)",
        regime="n >= 0, 0 < p <= 1",
        applies=regimes.visits,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=r"$\mathbb{E}\,  1/(X  + 1) \le  1 / (p  (n  + 1))$, $X  \sim  \mathrm{Bin} (n , p )$",
        regime_latex=r"$n  \ge  0$, $0 < p  \le  1$",
    ),
    Metadata(
        id="zz-E.9",
        source="Z&Z Lemma E.9",
        theorem="Lemma E.9",
        origin=Origin.PAPER,
        words="An input is seldom visited much less often than expected (Chernoff).",
        formula="P(X <= (1 - eta) n p) <= exp(-eta^2 n p / 2), X ~ Bin(n, p)",
        regime="n >= 0, 0 < p <= 1, 0 < eta < 1",
        applies=lambda n, p, eta: regimes.visits(n, p) & (0 < eta < 1),
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(r"$P (X  \le  (1 - \eta ) n  p ) \le  \exp (-\eta ^2 n  p  / 2)$, $X  \sim  \mathrm{Bin} (n , p )$"),
        regime_latex=r"$n  \ge  0$, $0 < p  \le  1$, $0 < \eta  < 1$",
    ),
    Metadata(
        id="zz-E.10",
        source="Z&Z Corollary E.10",
        theorem="Corollary E.10",
        origin=Origin.PAPER,
        words="One over the number of visits plus one is of order 1/(n p) with probability 1 - delta.",
        formula="1/(X + 1) <= 1 / ((1 - eta) n p + 1), eta = sqrt(2 log(1/delta) / (n p)), X ~ Bin(n, p)",
        regime="n >= 1, 0 < p <= 1, eta < 1",
        applies=lambda n, p, delta: (n >= 1) & (0 < p <= 1) & (n * p > -2 * math.log(delta)),
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(
            r"$1/(X  + 1) \le  1 / ((1 - \eta ) n  p  + 1)$, $\eta  = \sqrt{2 \log (1/\delta ) / (n  p )}$, $X  "
            r"\sim  \mathrm{Bin} (n , p )$"
        ),
        regime_latex=r"$n  \ge  1$, $0 < p  \le  1$, $\eta  < 1$",
    ),
    Metadata(
        id="zz-H.2",
        source="Z&Z Proposition H.2",
        theorem="Proposition H.2",
        origin=Origin.PAPER,
        words="Log-linear teachers whose parameters are near are near in total variation.",
        formula="TV(pi_theta, pi_theta' | nu) <= M |theta - theta'|, |phi(x, y)| <= M",
        regime="M > 0",
        applies=lambda M: M > 0,
        grade=Grade.UPPER,
        status=Status.PUBLISHED,
        latex=(
            r"$\mathrm{TV} (\pi_{\theta} , \pi_{\theta'}  \vert  \nu ) \le  M  \vert \theta  - \theta' \vert $, "
            r"$\vert \phi (x , y )\vert  \le  M $"
        ),
        regime_latex="$M  > 0$",
    ),
)
