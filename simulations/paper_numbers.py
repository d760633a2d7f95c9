"""The numbers of the report in paper/ that no figure holds: constants, limits, small games, witnesses.

Three tables: `paper_numbers` (a number a row, and how it is found), `partial_limits` (the limits of partial soft
labels, which tend to c_inf a label), and `hard_sandwich` (hard labels: the proved lower bound, the add-constant student
above it, and what the frequencies cost). Constants are computed here from their definitions, by roots and maxima, and
not read from the package's: the report quotes them beside bounds that contain them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import integrate, optimize, special

import kt_theory as kt

#: A of the limits for partial soft labels; S = 1.
LIMITS = (3, 4, 5, 6, 10, 25, 100, 1000)

#: A, and multiples of A that n runs through, of the sandwich for hard labels; S = 1.
SANDWICH = ((2, (1, 4, 20, 100, 1000)), (25, (1, 4, 20, 100, 1000)))

#: S, A, n of games for partial soft labels, known exactly, and for hard labels, solved by linear programs.
PARTIAL_GAMES = ((1, 3, 1), (1, 3, 2), (1, 3, 3))
HARD_GAMES = ((1, 2, 1), (1, 2, 2), (1, 2, 10), (1, 2, 50), (1, 3, 5), (1, 4, 5), (2, 2, 4))


def constants() -> Iterator[tuple[str, float, str]]:
    """The constants of the theorems."""
    W = special.lambertw(1 / (2 * math.sqrt(math.e))).real
    c_inf = 4 * W**2 / (1 + 2 * W)
    yield "lambert-w", W, "W(1/(2 sqrt e))"
    yield "q", 2 * W, "2 W, which solves q^2 e^(q+1) = 1"
    yield "c-inf", c_inf, "4 W^2/(1 + 2 W)"
    yield "light-rate", 1 + 2 * W, "1 + q: rate of the light labels of the worst row"
    yield "light-share", 1 / (1 + 2 * W), "1/(1 + q): share of the labels that are light"
    yield "second-partial", 2 * W * (1 - 2 * W) / (1 + 2 * W), "q (1 - q)/(1 + q)"
    yield "paper-partial", 1 / (4 * math.e), "constant of Z&Z Thm 4.1"
    yield "inf-over-paper", 4 * math.e * c_inf, "c_inf over it"
    yield "one-over-e", 1 / math.e, "constant of the one-line upper bound"
    yield "paper-over-inf", (8 / 9 + 1) / c_inf, "constant of Z&Z Thm 4.4 (mean) over c_inf"
    instance = math.exp(-1) / (1 + math.exp(-1)) / 2
    yield "instance-2", instance, "SEL_ptl on instance 2, n, A large: half of the labels at rate 1, half at 0"
    yield "instance-2-share", instance / c_inf, "its share of c_inf"
    yield "paper-hard", math.exp(-0.5) / 16, "constant of Z&Z Thm 3.1"
    z = optimize.minimize_scalar(lambda z: -z * special.ndtr(-z), bounds=(0.1, 2), method="bounded").x
    yield "assouad", z * special.ndtr(-z) / math.sqrt(2), "max_z z Phi(-z)/sqrt 2"
    yield "sharp-over-paper", 16 * math.exp(0.5) / math.sqrt(2 * math.pi), "over that of Z&Z Thm 3.1"
    yield "whp-factor", 2 + 2 * math.sqrt(2) / (math.e * math.sqrt(math.log(10))), "for Lemma E.6 at delta <= 1/10"
    yield from _kl_constants()
    yield "half-log", _bretagnolle_huber(), "least (1 - TV) exp(KL) over pairs of laws on two letters, by search"
    yield "world-share", math.sqrt(2) - 1, "share of each limit on three worlds"
    values = {k: _one_leader(k) for k in range(2, 13)}
    k = max(values, key=lambda k: values[k][0])
    yield "kappa", values[k][0], "max over k and d of d P(one of k labels, ahead by d, is not named)/sqrt k"
    yield "kappa-labels", k, "where it lies: number of labels"
    yield "kappa-lead", values[k][1], "and d, the lead of one of them"
    yield "kappa-two", values[2][0], "the same for two labels"
    yield "exchange-half", 1 / (1 - math.sqrt(0.5)) ** 2, "hard labels for a log-probability, greedy, p_2 = p_1/2"


def _one_leader(k: int) -> tuple[float, float]:
    """The largest regret among k labels of which one leads by d, over sqrt k, and d."""

    def regret(d: float) -> float:
        named, _ = integrate.quad(
            lambda z: math.exp(-((z - d) ** 2) / 2) / math.sqrt(2 * math.pi) * special.ndtr(z) ** (k - 1),
            -12, 12, epsabs=1e-13, limit=200,
        )  # fmt: skip
        return d * (1 - named)

    found = optimize.minimize_scalar(
        lambda d: -regret(d), bounds=(0.3, 4), method="bounded", options={"xatol": 1e-10}
    )
    return -found.fun / math.sqrt(k), found.x


def _right_maximum(q: float) -> tuple[float, float]:
    """The maximum over x > q of e^-x d(x|q), and where it is."""
    found = optimize.minimize_scalar(
        lambda x: -math.exp(-x) * (x * math.log(x / q) - x + q), bounds=(q, 6), method="bounded",
        options={"xatol": 1e-12},
    )  # fmt: skip
    return -found.fun, found.x


def _kl_constant() -> float:
    """c_KL = min over q of max over x of e^-x d(x|q): at the best q both maxima, at 0 and at x*, are q."""
    return optimize.brentq(lambda q: _right_maximum(q)[0] - q, 0.1, 0.6, xtol=1e-14)


def _kl_constants() -> Iterator[tuple[str, float, str]]:
    c = _kl_constant()
    x = _right_maximum(c)[1]
    yield "c-kl", c, "min over q of max over x of e^-x (x log(x/q) - x + q)"
    yield "kl-rate", x, "where the right maximum lies"
    yield "kl-share", 1 / x, "share of the labels at that rate"
    yield "kl-gain", 2 * c, "over the 1/2 of hard labels"


def _bretagnolle_huber() -> float:
    def value(t: np.ndarray) -> float:
        p, q = special.expit(t)
        kl = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
        return (1 - abs(p - q)) * math.exp(kl)

    starts = ((1.0, -0.5), (0.5, -1.0), (2.0, 0.0))
    return min(optimize.minimize(value, start, method="Nelder-Mead", options={"fatol": 1e-14}).fun for start in starts)


def witnesses() -> Iterator[tuple[str, float, str]]:
    """Risks at single problems, exact."""
    classic = kt.instance(0, S=100, A=25)
    yield "bias-limit", kt.bias_limit(classic, "CE_ptl"), "limit of CE_ptl's risk on instance 0, S=100, A=25"
    for learner in ("CE_sgl", "CE_ptl"):
        yield f"classic-{learner[3:]}", float(kt.expected_risk(classic, learner, 2500)), f"{learner}, there, n=2500"
    yield "crossing", _crossing(classic), "first n at which CE_sgl is below CE_ptl there"
    S, A, n = 10, 11, 2000
    yield from (("ratio-S", S, "S of the next ratios"), ("ratio-A", A, "their A"), ("ratio-n", n, "their n"))
    for k in (1, 2, 3):
        problem = kt.instance(k, S, A, n)
        ratio = float(kt.expected_risk(problem, "CE_ptl", n)) / float(kt.expected_risk(problem, "CE_sgl", n))
        yield f"ptl-over-sgl-{k}", ratio, f"CE_ptl over CE_sgl on instance {k}, S={S}, A={A}, n={n}"
    n = 1000
    yield "n-smoothing", n, "n of the next number"
    smoothed = 0.5 / (math.sqrt(n) + 1) * math.sqrt(2 * math.pi * n)
    yield "squared-error-student", smoothed, "A=2: adding sqrt(n)/A, on a sure teacher, over the TV limit, n=1000"
    S, n = 10, 30
    yield from (("five-S", S, "S and A of the next number"), ("five-n", n, "its n"))
    yield "five-five", kt.minimax_risk("partial", S, S, n).lower, f"partial labels, S=A={S}, n={n}, least favourable"
    for S, A, n in PARTIAL_GAMES:
        risk = kt.minimax_risk("partial", S, A, n)
        yield f"partial-{S}-{A}-{n}", risk.lower, f"minimax risk of partial soft labels, S={S}, A={A}, n={n}, exact"
    for n in (2, 10, 50):
        value = kt.minimax_risk("hard", 1, 2, n).upper
        for learner in ("CE_sgl", "ADD_sgl"):
            yield f"{learner}-1-2-{n}", _worst_coin(learner, n) / value, f"worst risk of {learner} over it, A=2, n={n}"


def needs() -> Iterator[tuple[str, float, str]]:
    """Samples that suffice for a risk at every teacher, and those that every student needs at some teacher.

    By the upper and the lower ends of the minimax risks, at the size of the real teacher.
    """
    S, A, target = 50, 100, 0.1
    for protocol in kt.PROTOCOLS:
        for name, end in (("needs", "upper"), ("least", "lower")):
            n = _first(lambda n, at=(protocol, end): getattr(kt.minimax_risk(at[0], S, A, n), at[1]) <= target, 10**6)
            yield f"{name}-{protocol}", n, f"first n, {protocol} labels, {end} end <= {target}, S={S}, A={A}"
    exchange = kt.minimax_constant("hard", S, A) ** 2 / kt.minimax_constant("partial", S, A)
    yield "exchange-worst", exchange, f"hard labels that one partial one is worth at a risk R, times R, S={S}, A={A}"
    # In KL at one input: (A - 1)/(2n) against c_KL A/n.
    yield "exchange-kl", 1 / (2 * _kl_constant()), "the same in KL, at one input and for many labels, without R"


def _crossing(problem: kt.Problem) -> int:
    return _first(lambda n: kt.expected_risk(problem, "CE_sgl", n) < kt.expected_risk(problem, "CE_ptl", n), 2500)


def _first(holds: Callable[[int], bool], last: int) -> int:
    """The first n from 100 on at which something holds that holds from then on, by bisection."""
    low, high = 100, last
    while high - low > 1:
        n = (low + high) // 2
        low, high = (low, n) if holds(n) else (n, high)
    return high


def _worst_coin(learner: str, n: int) -> float:
    """The largest expected risk for one input with two labels, on a grid of a thousand coins."""
    coins = np.linspace(0, 0.5, 1001)
    return max(float(kt.expected_risk(kt.Problem([1.0], [[p, 1 - p]]), learner, n)) for p in coins)


def partial_limits() -> pd.DataFrame:
    """S = 1: the limit of n times the minimax risk, gamma_{A-1}, and the light labels of the worst row."""
    rows = []
    for A in LIMITS:
        limit, n = kt.minimax_constant("partial", 1, A), 10**9
        instance = kt.minimax_risk("partial", 1, A, n).instance
        light = instance.teacher[0][(instance.teacher[0] > 0) & (instance.teacher[0] < 0.5)]
        rows.append({"A": A, "limit": limit, "per_label": limit / (A - 1), "light": light.size, "rate": n * light[0]})
    return pd.DataFrame(rows)


def hard_sandwich() -> pd.DataFrame:
    """S = 1: both ends of the minimax risk, and the frequencies at the uniform row, over the lower end."""
    rows = []
    for A, multiples in SANDWICH:
        for times in multiples:
            n = times * A
            risk = kt.minimax_risk("hard", 1, A, n)
            uniform = float(kt.expected_risk(kt.Problem([1.0], [[1 / A] * A]), "CE_sgl", n))
            limit = kt.minimax_constant("hard", 1, A) / math.sqrt(n)
            rows.append(
                {
                    "A": A, "times": times, "n": n, "lower": risk.lower, "upper": risk.upper,
                    "upper_ratio": risk.upper / risk.lower, "frequencies_ratio": uniform / risk.lower,
                    "limit_ratio": limit / risk.lower, "student": risk.student,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def hard_games() -> pd.DataFrame:
    """Small games for hard labels: the value of a linear program, and the worst risk of its rule (numerical)."""
    found = [(S, A, n, kt.minimax_risk("hard", S, A, n)) for S, A, n in HARD_GAMES]
    rows = [(S, A, n, game.lower, game.upper) for S, A, n, game in found]
    return pd.DataFrame(rows, columns=["S", "A", "n", "lower", "upper"])


def numbers() -> pd.DataFrame:
    """All single numbers: name, value, words."""
    return pd.DataFrame([*constants(), *witnesses(), *needs()], columns=["name", "value", "words"])


#: What is written: stem -> how it is made.
TABLES = {
    "paper_numbers": numbers,
    "partial_limits": partial_limits,
    "hard_sandwich": hard_sandwich,
    "hard_games": hard_games,
}


def main(out: Path) -> None:
    """Write the tables into a folder."""
    for stem, make in TABLES.items():
        kt.study.write_receipts(make(), out / f"{stem}.csv")
        print(out / f"{stem}.csv")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("figures"), help="folder for the results (default: figures)")
    main(parser.parse_args().out)
