"""What is said of the statements that are tried in `ledger.entries.top_k`."""

from __future__ import annotations

from kt_theory.statements.statement import Grade, Metadata, Origin, Status

STATEMENTS = (
    Metadata(
        id="level-topk-floor",
        source="ours, N13 a",
        theorem="N13",
        origin=Origin.OURS,
        words=(
            "If only the k largest probabilities of each row are revealed, the risk has a lower bound that "
            "does not fall with n."
        ),
        formula="sup over rows TV(row, top k with uniform rest) = max_j j/(k + j) (1 - j/(A - k))",
        regime="0 <= k <= A; 0 if k = A",
        applies=lambda A, k: 0 <= k <= A,
        grade=Grade.TIGHT,
        status=Status.PROVED,
        latex=(
            r"$\sup$ over rows of $\mathrm{TV}(\mathrm{row}, \mathrm{top}\ k\ \mathrm{with\ uniform\ rest}) = "
            r"\max_{j} j/(k + j)\, (1 - j/(A - k))$"
        ),
        regime_latex=r"$0 \le  k  \le  A $; $0$ if $k  = A $",
    ),
    Metadata(
        id="level-topk-minimax",
        source="ours, N30",
        theorem="N30",
        origin=Origin.OURS,
        words=(
            "From a list of the k most likely labels and the sampled one, each with its probability, one input: the "
            "limit of n times the minimax risk is that of partial labels without the list's."
        ),
        formula="lim n minimax = gamma_(A - k), gamma as in N7",
        regime="S = 1, k >= 1, ties of the list at random",
        grade=Grade.LIMIT,
        status=Status.PROVED,
        latex=r"$\lim n \,\mathrm{minimax} = \gamma_{A - k}$, $\gamma$ as in N7",
        regime_latex=r"$S = 1$, $k \ge 1$, ties of the list at random",
    ),
    Metadata(
        id="ours-false-list-inputs",
        source="ours, after N30 (a tempting claim that is false)",
        theorem="N30",
        origin=Origin.OURS,
        words=(
            "From a list of the k most likely labels and the sampled one, each of several inputs costs at most in the "
            "limit what the only input does."
        ),
        formula="lim n minimax <= S gamma_(A - k), gamma as in N7",
        regime="k >= 1, ties of the list at random",
        grade=Grade.CONJECTURE,
        status=Status.FALSE,
        latex=r"$\lim n \,\mathrm{minimax} \le S \gamma_{A - k}$, $\gamma$ as in N7",
        regime_latex=r"$k \ge 1$, ties of the list at random",
    ),
)
