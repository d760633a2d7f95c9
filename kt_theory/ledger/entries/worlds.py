r"""One instance for all three protocols: what Z&Z conjecture in Appendix F, and what becomes of it.

Z&Z conjecture that no single instance exposes the limits of CE_sgl, SEL_ptl and CE_ful at once. Up to constants that is
false for two inputs and more: on `kt_theory.three_worlds` each of the three risks stays above a fixed share of its
minimax risk as n grows. For a single input with three labels it is true: for CE_sgl to be slow no label may be nearly
sure, and then SEL_ptl is exponentially fast, since it errs only if two labels were never seen, that is, if all n labels
were the same one,

.. math:: E R(\mathrm{SEL\_ptl}) \le \sum_a p_a^n (1 - p_a).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

from kt_theory.exact.risk import exact_risk
from kt_theory.ledger.attacks.lower import minimax_upper
from kt_theory.ledger.attacks.means import mean_upper
from kt_theory.ledger.attacks.problems import UNIFORM, generator
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax.constants import minimax_constant
from kt_theory.problem import LIGHT_MASS, LIGHT_SHARE, Problem, three_worlds

#: The learner of each protocol whose limit an instance is to expose.
LEARNER = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful"}


#: Shares of labels and inputs that even out the three risks against upper ends of the minimax risks. (Against their
#: limits the defaults of `three_worlds` do, which give sqrt(2) - 1; for hard labels the proved upper end is up to 1.25
#: times the limit.)
PHI, PSI = 0.5, 0.35


def least_share(S: int, A: int, n: int) -> float:
    """On three worlds, the least of the three risks over what some student of the protocol guarantees everywhere."""
    problem = three_worlds(S, A, n, phi=PHI, psi=PSI)
    return min(
        exact_risk(problem, learner, n).value / minimax_upper(protocol, S, A, n)
        for protocol, learner in LEARNER.items()
    )


def shares(effort: Effort) -> Iterator[tuple[int, int, int, float]]:
    """(S, A, n) with n well above SA, and the least share there."""
    for S, A in ((2, 10), (3, 10), (10, 10), (40, 25), (200, 200)):
        for n in (10**7, 10**9, 10**11) if effort.level == "full" else (10**7, 10**10):
            yield S, A, n, least_share(S, A, n)


def no_instance_for_all(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A)``: the largest share that any instance can give all three learners, for large n."""
    for S, A, n, share in shares(effort):
        yield Trial(f"three worlds, S={S}, A={A}, n={n}", share, float(claim(S=S, A=A)), "exact", n)


def one_instance_for_all(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A)``: a share that three worlds give all three learners, for large n."""
    for S, A, n, share in shares(effort):
        yield Trial(f"three worlds, S={S}, A={A}, n={n}", float(claim(S=S, A=A)), share, "exact", n)


@lru_cache
def limit_share(protocol: str, size: int) -> float:
    """On three worlds, S = A = size and n = 10^12, the risk over the limit of the minimax risk."""
    n = 10**12
    limit = minimax_constant(protocol, size, size) * (n**-0.5 if protocol == "hard" else 1 / n)
    return exact_risk(three_worlds(size, size, n), LEARNER[protocol], n).value / limit


def limit_shares(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` is the limit of each risk over the limit of its minimax risk; remainder 4/min(S, A), relative."""
    for size in (20, 60, 200) if effort.level == "quick" else (20, 60, 200, 600):
        for protocol, learner in LEARNER.items():
            off = abs(limit_share(protocol, size) / claim() - 1)
            yield Trial(f"{learner} on three worlds, S=A={size}", off, 4 / size, "exact", size, 1e-9)


def frontier(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(h, p, f)`` of the shares of limits is at most 1; remainder 4/min(S, A).

    At three worlds with other shares of labels and inputs, and at mixtures of inputs in the limit n to infinity.
    """
    for size, n in ((40, 10**9),):
        for phi, psi in ((0.05, 0.05), (0.5, 0.05), (0.95, 0.05), (0.3, 0.6), (0.7, 0.4), (0.5, 0.97)):
            problem = three_worlds(size, size, n, phi=phi, psi=psi)
            h, p, f = (
                exact_risk(problem, LEARNER[protocol], n).value
                / (minimax_constant(protocol, size, size) * (n**-0.5 if protocol == "hard" else 1 / n))
                for protocol in ("hard", "partial", "soft")
            )
            where = f"S=A={size}, n={n}, shares {phi} and {psi}"
            yield Trial(where, float(claim(h=h, p=p, f=f)), 1 + 4 / size, "exact", n, 1e-6)
    rng = generator(effort, "mixtures")
    size = 400
    for index in range(20 * effort.problems):
        h, p, f = mixture(size, size, rng)
        yield Trial(f"mixture {index}, S=A={size}", float(claim(h=h, p=p, f=f)), 1 + 4 / size, "exact", size, 1e-9)


def mixture(S: int, A: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """The three shares, in the limit n to infinity, of a random mixture of inputs.

    A heavy input has b labels of finite n w, k of them at the rate x and the others at 0, and a row on the other labels
    that is even, or drawn. A light input has n rho = x, on k equal labels. Half of the mixtures are near the best.
    """
    near = rng.random() < 0.5
    heavy = max(round(rng.random() * S), 1)
    share = rng.random()
    mass = np.full(heavy, 1 / heavy) if near else rng.dirichlet(np.full(heavy, rng.choice([1.0, 10.0])))
    hard = partial = soft = 0.0
    for rho in mass:
        b = min(round((share if near else rng.random()) * A), A - 1)
        rate = LIGHT_MASS if near else rng.exponential(1.5)
        k = round((LIGHT_SHARE if near else rng.random()) * b)
        row = np.full(A - b, 1 / (A - b)) if near else rng.dirichlet(np.full(A - b, rng.choice([0.5, 5.0, 100.0])))
        hard += math.sqrt(rho) * float(np.sqrt(row * (1 - row)).sum()) / math.sqrt(2 * math.pi)
        partial += light_cost(k, b - k, rate)
    for _ in range(S - heavy):
        x = 1.0 if near else rng.exponential(rng.choice([1.0, 3.0, A]))
        k = 1 if near else int(rng.integers(1, A + 1))
        partial += light_cost(k, A - k, x / k)
        soft += (1 - k / A) * x * math.exp(-x)
    limits = (minimax_constant(protocol, S, A) for protocol in ("hard", "partial", "soft"))
    h, p, f = (value / limit for value, limit in zip((hard, partial, soft), limits, strict=True))
    return h, p, f


@lru_cache(maxsize=4096)
def light_cost(k: int, zeros: int, rate: float) -> float:
    """What k labels at a rate and others at 0 cost, times n: rate E[j zeros / (j + zeros)], j ~ Bin(k, e^-rate)."""
    if k == 0 or zeros == 0 or rate == 0:
        return 0.0
    j = np.arange(k + 1)
    choose = gammaln(k + 1) - gammaln(j + 1) - gammaln(k - j + 1)
    law = np.exp(choose - rate * j + (k - j) * math.log(-math.expm1(-rate)))
    return float(rate * (law @ (j * zeros / (j + zeros))))


def three_labels(S: int, A: int, n: int, problem: Problem) -> float:
    """sum_a p_a^n (1 - p_a) at one input with three labels."""
    p = problem.teacher[0]
    return float((p**n * (1 - p)).sum()) if (S, A) == (1, 3) and n >= 1 else math.nan


def many_labels(S: int, A: int, n: int, problem: Problem) -> float:
    """The same where it does not belong."""
    p = problem.teacher[0]
    return float((p**n * (1 - p)).sum()) if S == 1 and A > 3 and n >= 1 else math.nan


STATEMENTS = (
    stated(
        "conj-Q1",
        claim=lambda S, A: 0.25,
        check=no_instance_for_all,
        note="The paper's wording is informal; this is its reading up to constants.",
    ),
    stated(
        "ours-Q1-worlds",
        claim=lambda S, A: 0.28,
        check=one_instance_for_all,
        note="The shares are of proved upper ends. Of the limits themselves they tend to sqrt(2) - 1 = 0.414 as S and "
        "A grow after n.",
        planted=(
            PlantedError("the share is sqrt(1/2)", lambda S, A: math.sqrt(0.5)),
            PlantedError("the share is 0.45 for many inputs and labels", lambda S, A: 0.45 if S * A > 1000 else 0.0),
        ),
    ),
    stated(
        "ours-Q1-limit",
        claim=lambda: math.sqrt(2) - 1,
        check=limit_shares,
        planted=(
            PlantedError("the share is (sqrt(3) - 1)/2", lambda: (math.sqrt(3) - 1) / 2),
            PlantedError("the share is 2/5", lambda: 0.4),
            PlantedError("the share is (sqrt(5) - 1)/2, that of two worlds", lambda: (math.sqrt(5) - 1) / 2),
        ),
    ),
    stated(
        "ours-Q1-frontier",
        claim=lambda h, p, f: h * h + p + f,
        check=frontier,
        planted=(
            PlantedError("h^2 becomes h", lambda h, p, f: h + p + f),
            PlantedError("p becomes 1.05 p", lambda h, p, f: h * h + 1.05 * p + f),
            PlantedError("f becomes sqrt(f)", lambda h, p, f: h * h + p + math.sqrt(f)),
            PlantedError("1 becomes 0.96", lambda h, p, f: (h * h + p + f) / 0.96),
        ),
    ),
    stated(
        "ours-Q1-three-labels",
        claim=three_labels,
        check=mean_upper("SEL_ptl", UNIFORM, of_problem=True),
        planted=(
            PlantedError("A = 3 becomes A > 3", many_labels),
            PlantedError(
                "p^n becomes p^(2n)", lambda S, A, n, problem: three_labels(S=S, A=A, n=2 * n, problem=problem)
            ),
            PlantedError(
                "1 - p becomes (1 - p)/4", lambda S, A, n, problem: three_labels(S=S, A=A, n=n, problem=problem) / 4
            ),
            PlantedError(
                "the sum over a becomes the term of the rarest label",
                lambda S, A, n, problem: (
                    float(np.min(problem.teacher[0]) ** n) if (S, A) == (1, 3) and n >= 1 else math.nan
                ),
            ),
        ),
    ),
)
