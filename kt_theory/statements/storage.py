"""What is said of the statements that are tried in `ledger.entries.storage`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="ours-store-draws",
        source="ours, storage",
        origin=Origin.OURS,
        words="Several draws a visit, each with its probability, leave the labels of a set B unseen with a probability "
        "that gives the whole risk of the learner that is exact on what was drawn and shares the rest.",
        formula="P(B unseen at s) = (1 - rho (1 - (1 - p(B))^m))^n",
        regime="m >= 1",
        applies=lambda m: m >= 1,
        grade=Grade.EXACT,
        status=Status.EXPERIMENTAL,
        latex=r"$\mathrm{P}(B \ \mathrm{unseen\ at}\ s) = (1 - \rho (1 - (1 - p(B))^m))^n$",
        regime_latex=r"$m \ge 1$",
    ),
    Metadata(
        id="ours-store-draws-limit",
        source="ours, storage",
        origin=Origin.OURS,
        words="What an input of mass r/n costs under m = mu A draws a visit, a share w of its labels at y/A each and "
        "the rest of its mass on few: the limit of n times its part of the risk, many samples and then many labels.",
        formula="r sum_v Poi(v; r) T_v, T_0 = E|y - 1|/2 + (1 - u)/2, T_v = E exp(-v mu y) |y - q_v| / 2",
        regime="n to infinity, then A to infinity; u = w y <= 1",
        grade=Grade.LIMIT,
        status=Status.EXPERIMENTAL,
        latex=r"$r \sum_v \mathrm{Poi}(v; r) T_v$, $T_0 = \frac12 \mathbb{E}|y - 1| + \frac12 (1 - u)$, "
        r"$T_v = \frac12 \mathbb{E}\, e^{-v \mu y} |y - q_v|$",
        regime_latex=r"$n \to \infty$, then $A \to \infty$; $u = w y \le 1$",
    ),
    Metadata(
        id="ours-store-list",
        source="ours, storage",
        origin=Origin.OURS,
        words="Under a list of the k most likely labels alone, ties at random, an input of mass r costs most if its "
        "row is uniform on some m labels; the minimax risk is the largest sum of that over the masses.",
        formula="f(r) = max_m r ((1-r)^n (1 - m/A) + (1 - (1-r)^n) ((m-k)_+/m) (1 - (m-k)_+/(A-k)))",
        regime="1 <= k < A, n >= 0",
        applies=lambda A, k, n: (k >= 1) & (k < A) & (n >= 0),
        grade=Grade.TIGHT,
        status=Status.EXPERIMENTAL,
        latex=r"$f(r) = \max_m r \,((1-r)^n (1 - m/A) + (1 - (1-r)^n) \frac{(m-k)_+}{m} (1 - \frac{(m-k)_+}{A-k}))$",
        regime_latex=r"$1 \le k < A$, $n \ge 0$",
    ),
    Metadata(
        id="ours-store-floor",
        source="ours, storage",
        origin=Origin.OURS,
        words="What a list of the k most likely labels can cost at any n, with equal shares of the tail.",
        formula="max_m ((m - k)/m) (1 - (m - k)/(A - k)) <= (sqrt A - sqrt k)/(sqrt A + sqrt k)",
        regime="1 <= k < A",
        applies=lambda A, k: 1 <= k < A,
        grade=Grade.TIGHT,
        status=Status.EXPERIMENTAL,
        latex=r"$\max_m \frac{m-k}{m} (1 - \frac{m-k}{A-k}) \le (\sqrt A - \sqrt k)/(\sqrt A + \sqrt k)$",
        regime_latex=r"$1 \le k < A$",
    ),
    Metadata(
        id="ours-store-tail",
        source="ours, storage",
        origin=Origin.OURS,
        words="A list of the k most likely labels whose tail has mass t is off by t if it is renormalised, and by less "
        "if the tail has equal shares.",
        formula="TV(row, renormalised) = t, TV(row, equal tail) <= t (1 - 1/(A - k))",
        regime="0 <= t <= 1, 1 <= k < A",
        applies=lambda A, k, t: 0 <= t <= 1 and 1 <= k < A,
        grade=Grade.TIGHT,
        status=Status.EXPERIMENTAL,
        latex=r"$TV(\mathrm{row}, \mathrm{renormalised}) = t$, $TV(\mathrm{row}, \mathrm{equal\ tail}) \le "
        r"t (1 - 1/(A - k))$",
        regime_latex=r"$0 \le t \le 1$, $1 \le k < A$",
    ),
)
