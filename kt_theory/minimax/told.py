r"""Lists of the K most likely labels together with M draws a visit, each with its probability: the minimax risk.

``top_k:K`` (M = 1), ``sampled:M`` (K = 0), and every protocol with both, as an interval with proved ends.

**Exact on what is told, equal shares of the missing mass on the rest: exactly minimax**, for the reason that
`kt_theory.minimax.lists` gives for lists alone. Its risk at any problem is a lower bound, and it is the Bayes risk
under uniform relabellings: given the row, it does not increase with the number of visits.

**One number.** A list of A - 1 labels leaves one label out, whose mass is known: a whole row. So does one label of two.
With one input every visit is sure: without a list that is partial labels of n M samples. With one input and K = A - 2
two labels are left, of masses w >= w'. They cost (w - w')/2 if neither was drawn, and nothing else. At w' = 0 this is
largest: **minimax = max w (1 - w)^(nM) / 2 over w <= 1/(K+1)**, at w = min(1/(nM+1), 1/(K+1)), for n >= 1.

**Lower end**: S - 1 inputs of one mass and row, one with the rest, rows of k labels of one probability, one that is
larger, and zeros; the best that was found (`told_lower`).

**Upper end** (`told_upper`): a set U of unseen labels that shares its mean m costs sum_U (p - m)_+. For every t >= 0
that is at most the sum over U of c_t(p) = max(t, (sqrt p - sqrt t)_+^2): subtract l (p - m), l = min(1, t/m), which
adds up to nothing; then p < m gives l (m - p) <= t, and p >= m gives at most p + t - m - t p / m <= (sqrt p - sqrt
t)^2 if m > t, and 0 <= t else. So an input of mass r costs at most r E G, with one t_N for each number of visits N,

.. math:: G(p) = (1-r)^n (p - \tfrac1A)_+ + \sum_{N \ge 1} P(\mathrm{Bin}(n, r) = N) (1 - p)^{NM} c_{t_N}(p)

for a label that the list lacks, the first term alone for one on it; summed over the row. The label of rank i has
p <= 1/i, so that the sum is at most v + sum_i max_{p <= 1/i} (G_i(p) - v p) for every v of either sign. Maxima are
taken over cells, with each factor at the end where it is largest: no maximum is missed. The t_N are those of the row
of the lower end, for which c_t is all but the cost: the ends are 2 to 15 percent apart for tens of labels and more,
and up to a factor of two for a few.

Let h(r) be that bound divided by r. The largest cost divided by r does not increase with r (more visits): between r
and r' > r an input costs at most r' h(r). It costs at most, too, (1 - 1/A) r (1-r)^n without a visit and, as only
labels off the list can be unseen, c_inf (A-K) r E[1/(NM); N >= 1] with one, where r E[1/(N+1); N >= 1] grows with r, up
to 1/(n+1). For K = A - 2 the rows of one label beside K of w <= 1/(K+1) and a zero cost most, with a visit and without:
r (1-r)^n (TV(uniform, row) - w/2) + r (1 - r (1 - (1-w)^M))^n w/2, either term with one maximum in r. These bounds
hardly depend on the mass of a heavy input.

The input of rank i has mass at most 1/i, so that the minimax risk is at most v + sum_i max_{r <= 1/i} (r' h(r) - v r)
for every v of either sign, over cells again. Partial labels and the list alone reveal less: their proved upper bounds
count as well, and for few labels what each number of visits leaves at most.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kt_theory.minimax import told_lower, told_upper
from kt_theory.minimax.lists import minimax_lists
from kt_theory.minimax.partial import minimax_partial, proved_upper
from kt_theory.minimax.result import End, MinimaxRisk, sizes
from kt_theory.minimax.soft import minimax_soft
from kt_theory.numerics.powers import unseen
from kt_theory.problem import Problem
from kt_theory.protocols.protocol import Protocol

#: Relative distance of the ends that is rounding: they are one number then.
ROUNDING = 1e-12


def answers_for(protocol: Protocol) -> bool:
    """Whether `minimax_told` does: drawn labels are shown and told, besides a list of the most likely ones."""
    plain = protocol.shows_label and protocol.tells_drawn and protocol.exact and not protocol.listed
    draws = protocol.replacing and protocol.mass is None and protocol.at_least is None
    return plain and draws and protocol.top is not None and protocol.lists_last


def minimax_told(protocol: Protocol, S: int, A: int, n: int) -> MinimaxRisk:
    """The minimax risk from a list and draws, each label with its probability; ties of the list at random.

    Parameters
    ----------
    protocol : Protocol
        ``top_k:K``, ``sampled:M`` or one that has a list and several draws (`answers_for`).
    S, A, n : int
        Number of inputs and labels, at least 1, and of visits, at least 0.

    Returns
    -------
    MinimaxRisk
        `exact` for n = 0, where one label at most is left out, and for one input with K = A - 2, or with K = 0 where
        partial labels are exact.

    Examples
    --------
    >>> from kt_theory.protocols import sampled, top_k
    >>> print(minimax_told(sampled(2), 1, 3, 2))
    minimax risk, sampled:2, S=1, A=3, n=2: = 0.04166666667 (SEL@sampled:2)
    >>> print(minimax_told(top_k(1), 1, 3, 2))
    minimax risk, top_k:1, S=1, A=3, n=2: = 0.07407407407 (SEL@top_k:1)
    """
    S, A, n = sizes(S, A, n)
    K, M = protocol.top or 0, protocol.draws
    name, student = protocol.name, f"SEL@{protocol.name}"
    if n == 0 or max(K + 1, 2) >= A:
        remark = "One visit tells the whole row." if n > 0 else ""
        return replace(minimax_soft(S, A, n), protocol=name, student=student, remark=remark)
    if K == 0 and (S == 1 or M == 1):
        remark = f"With one input {n} visits are {n * M} partial labels." if S == 1 else ""
        known = minimax_partial(S, A, n * M if S == 1 else n)
        return replace(known, protocol=name, student=student, n=n, remark=remark or known.remark)
    if S == 1 and A == K + 2:
        w = min(1 / (n * M + 1), 1 / (K + 1))
        row = np.array([1 - K * w, *[w] * K, 0.0])
        value = 0.5 * w * unseen(n * M, w)
        end = End(value, "the largest cost of two labels that the list lacks", "proved")
        problem = Problem(np.ones(1), row[None] / row.sum(), name=_named(protocol, S, A, n))
        return MinimaxRisk(name, 1, A, n, end, end, exact=True, instance=problem, student=student)
    rules = told_lower.Visits(K, M, A, n)
    rho, rows, lower = told_lower.worst(rules, S)
    upper, statement = told_upper.least(rules, S), "rows label by label, inputs rank by rank"
    more = [(proved_upper(S, A, n * M if S == 1 else n), "partial labels reveal less")]
    if K:
        more.append((minimax_lists(K, S, A, n).upper, "the list alone reveals less"))
    upper, statement = min((upper, statement), *more)
    upper = max(upper, lower)
    exact = upper - lower <= ROUNDING * upper
    teacher = np.concatenate([np.tile(row, (times, 1)) for row, times in rows])
    return MinimaxRisk(
        protocol=name, S=S, A=A, n=n,
        lower_end=End(lower, "the exact risk of equal shares at the instance, best against its relabellings", "proved"),
        upper_end=End(lower if exact else upper, statement, "proved"),
        exact=exact,
        instance=Problem(rho / rho.sum(), teacher, name=_named(protocol, S, A, n)),
        student=student,
    )  # fmt: skip


def _named(protocol: Protocol, S: int, A: int, n: int) -> str:
    return f"least favourable for {protocol} (S={S}, A={A}, n={n})"
