"""What is said of the statements that are tried in `ledger.entries.auditing`."""

from __future__ import annotations

from kt_theory.statements import regimes
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-audit-mean",
        source="ours, N22",
        theorem="N22",
        origin=Origin.OURS,
        words="The part of a sampled label's probability that a student falls short of has the total variation as its "
        "mean, whoever draws the label.",
        formula="TV = E_p (1 - q/p)_+ = E_q (1 - p/q)_+ = E_b |p - q|/(p + q), b = (p + q)/2",
        regime="every teacher and student",
        applies=regimes.always,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=(
            r"$\mathrm{TV} = \mathbb{E}_p (1 - q/p)_+ = \mathbb{E}_q (1 - p/q)_+ = \mathbb{E}_{(p + q)/2} |p - "
            "q|/(p + q)$"
        ),
        regime_latex="every teacher and student",
    ),
    Metadata(
        id="ours-audit-both",
        source="ours, N22",
        theorem="N22",
        origin=Origin.OURS,
        words="Audit samples of which half come from the student have a second moment between a quarter and a half of "
        "the sum of those from either alone.",
        formula="(M_t + M_s)/4 <= M_b <= (M_t + M_s)/2",
        regime="every teacher and student",
        applies=regimes.always,
        grade=Grade.UPPER,
        status=Status.PROVED,
        latex=r"$(M_t + M_s)/4 \le M_b \le (M_t + M_s)/2$",
        regime_latex="every teacher and student",
    ),
    Metadata(
        id="ours-false-coins",
        source="ours, after N22 (a tempting claim that is false)",
        theorem="N22",
        origin=Origin.OURS,
        words="Coins of bias Z make a binomial number of rejections also where half of the samples come from each of "
        "teacher and student.",
        formula="P(a rejection in m samples) = 1 - (1 - TV)^m",
        regime="m even, half of the samples from each",
        applies=lambda m: m % 2 == 0,
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\mathrm{P}$(a rejection in $m$ samples) $= 1 - (1 - TV)^m$",
        regime_latex=r"$m$ even, half of the samples from each",
    ),
    Metadata(
        id="ours-audit-minimax",
        source="ours, N23",
        theorem="N23",
        origin=Origin.OURS,
        words="A total variation is estimated from m audit samples with a root mean square error that depends on m "
        "alone.",
        formula="E (tv^ - TV)^2 <= 1/(4 (1 + sqrt m)^2), tv^ = (sum Z + sqrt(m)/2)/(m + sqrt m)",
        regime="m >= 1",
        applies=lambda m: m >= 1,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, (\widehat{\mathrm{tv}} - \mathrm{TV})^2 \le 1/(4 (1 + \sqrt m)^2)$",
        regime_latex=r"$m \ge 1$",
    ),
    Metadata(
        id="ours-audit-hard",
        source="ours, N23",
        theorem="N23",
        origin=Origin.OURS,
        words="Hard labels certify nothing on inputs that do not recur.",
        formula="sup E |t - TV| >= (1 - m(m - 1)/(2S)) (1 - mean_s sum_a q(a|s)^2)/2 for every estimate t of m labels",
        regime="rho uniform, every student q",
        applies=regimes.always,
        grade=Grade.LOWER,
        status=Status.PROVED,
        latex=(
            r"$\sup \mathbb{E}\, |t - \mathrm{TV}| \ge (1 - m(m - 1)/(2S)) (1 - \mathrm{mean}_s \textstyle\sum_a "
            "q(a|s)^2)/2$ for every estimate $t$ of $m$ labels"
        ),
        regime_latex=r"$\rho$ uniform, every student $q$",
    ),
    Metadata(
        id="ours-audit-self",
        source="ours, N24",
        theorem="N24",
        origin=Origin.OURS,
        words="The leave-one-out estimate from n training records has the risk of the student of n - 1 records as its "
        "expectation.",
        formula="E tau^(n) = E R(SEL_ptl, n - 1)",
        regime="n >= 1",
        applies=regimes.some,
        grade=Grade.EXACT,
        status=Status.PROVED,
        latex=r"$\mathbb{E}\, \hat\tau(n) = \mathbb{E}\, R(\textsf{SEL\_ptl}, n - 1)$",
        regime_latex=r"$n \ge 1$",
    ),
    Metadata(
        id="ours-audit-free",
        source="ours, N25",
        theorem="N25",
        origin=Origin.OURS,
        words="At a visited input SEL_ptl is off by less than the missing mass, by a part that depends on the number "
        "of unseen labels.",
        formula="TV(SEL_ptl(.|s), pi*(.|s)) <= M_s (1 - 1/|U_s|)",
        regime="u >= 1; uniform init, u = |U_s| labels unseen",
        applies=lambda u: u >= 1,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=r"$\mathrm{TV}(\textsf{SEL\_ptl}(\cdot|s), \pi^*(\cdot|s)) \le M_s (1 - 1/|U_s|)$",
        regime_latex=r"$u \ge 1$; uniform init, $u = |U_s|$ labels unseen",
    ),
)
