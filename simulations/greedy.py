"""Greedy decoding: what hard labels, log-probabilities and whole rows leave of a student that names one label.

The regret is how much less likely than the most likely label the named one is, averaged over the inputs. Left: bounds
on the minimax regret at S = 10, A = 10; from soft labels it is known exactly, and the bands of the other two are what
is open. Middle: one teacher, 20 inputs whose 8 labels follow Zipf's law; lines are exact. Right: how many hard labels
one log-probability is worth at a row of two labels, and at rows of more that share what the two leave, against the
margin between the two most likely labels.

What to see: the number of labels does not matter, and a log-probability is as good as a whole row in the worst case:
S/(en), where hard labels have 0.2397 sqrt(S/n) and more. At one teacher all three are exponentially good; the margin
decides how much a log-probability buys: 4 hard labels at (0.8, 0.2), 380 at (0.5, 0.45, 0.05).

`greedy_language_model` has the regret and the disagreement at the package's language model, 64 prompts and 19,538
labels: simulated, and of whole rows exact. `greedy_prompts` has what a log-probability is worth at each of its prompts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

import kt_theory as kt

S = A = 10
TEACHER = kt.zipf_problem(S=20, A=8, seed=1)
MODEL = kt.tables.bundled_teacher("language_model")
KINDS = ("regret", "disagreement")
PROTOCOLS = {"hard": "hard labels", "partial": "log-probabilities", "soft": "whole rows"}
COLOURS = {"hard": "#D55E00", "partial": "#0072B2", "soft": "#009E73"}


def bounds_of(sizes: list[int]) -> pd.DataFrame:
    """Both ends of the minimax regret: columns protocol, n, lower, upper."""
    found = [(protocol, n, kt.minimax_greedy(protocol, S=S, A=A, n=n)) for protocol in PROTOCOLS for n in sizes]
    return pd.DataFrame([(protocol, n, game.lower, game.upper) for protocol, n, game in found], columns=GAME)


def regrets_of(sizes: list[int]) -> pd.DataFrame:
    """The exact regret of one teacher: columns protocol, n, mean, error."""
    found = [(protocol, n, kt.expected_greedy_risk(TEACHER, protocol, n)) for protocol in PROTOCOLS for n in sizes]
    return pd.DataFrame([(protocol, n, risk.value, risk.error) for protocol, n, risk in found], columns=REGRET)


def regrets_of_model(visits: tuple[int, ...], reps: int, seed: int) -> pd.DataFrame:
    """Regret and disagreement at the language model: columns protocol, visits, n, kind, mean, mcse, reps, at_most.

    `visits` of each prompt, on average. Whole rows are exact: reps and mcse are 0. `at_most` is proved, from
    log-probabilities: the best label p_1 of a prompt of mass rho is missed only where it was not seen.
    """
    cells = MODEL.pairs
    best = np.maximum.reduceat(cells.values, cells.offsets[:-1])
    rows: list[tuple[object, ...]] = []
    for per_prompt in visits:
        n = per_prompt * MODEL.S
        for protocol in ("hard", "partial"):
            logs = [kt.draw(MODEL, protocol, n, seed=seed + repeat) for repeat in range(reps)]
            named = [kt.greedy(log) for log in logs]
            for kind in KINDS:
                found = np.array([kt.greedy_risk(labels, MODEL, kind) for labels in named])
                error = found.std(ddof=1) / math.sqrt(reps)
                missed = MODEL.rho * (1 - MODEL.rho * best) ** n
                most = missed @ (best * (1 - 1 / MODEL.A) if kind == "regret" else np.ones(MODEL.S))
                bound = most if protocol == "partial" else math.nan
                rows.append((protocol, per_prompt, n, kind, found.mean(), error, reps, bound))
        for kind in KINDS:
            exact = kt.expected_greedy_risk(MODEL, "soft", n, kind).value
            rows.append(("soft", per_prompt, n, kind, exact, 0.0, 0, exact))
    return pd.DataFrame(rows, columns=["protocol", "visits", "n", "kind", "mean", "mcse", "reps", "at_most"])


def rates_of_model() -> pd.DataFrame:
    """What a log-probability is worth at each prompt of the language model: columns prompt, first, second, rate."""
    cells = MODEL.pairs
    rows = []
    for prompt in range(MODEL.S):
        law = cells.values[cells.offsets[prompt] : cells.offsets[prompt + 1]]
        second, first = np.sort(law)[-2:]
        rows.append((prompt, first, second, kt.exchange_rate(law / law.sum())))
    return pd.DataFrame(rows, columns=["prompt", "first", "second", "rate"])


def rates_of(margins: np.ndarray) -> pd.DataFrame:
    """Hard labels that a log-probability is worth: columns top_two, margin, rate; top_two is the mass of both."""
    rows = []
    for top_two in TOP_TWO:
        for margin in margins[margins < top_two].tolist():
            first, second = (top_two + margin) / 2, (top_two - margin) / 2
            others = max(math.ceil((1 - top_two) / second), 1) if top_two < 1 else 0
            row = [first, second, *[(1 - top_two) / max(others, 1)] * others]
            rows.append((top_two, margin, kt.exchange_rate(row)))
    return pd.DataFrame(rows, columns=["top_two", "margin", "rate"])


GAME = ["protocol", "n", "lower", "upper"]
REGRET = ["protocol", "n", "mean", "error"]
#: Mass of the two most likely labels.
TOP_TWO = (1.0, 0.7, 0.4)


def main(options: kt.study.Options) -> pd.DataFrame:
    """Run the study, write `greedy`, and return the scoreboard of the total variation at the same teacher."""
    sizes = np.geomspace(10, 10**6, 11 if options.quick else 26).round().astype(int).tolist()
    games, regrets = bounds_of(sizes), regrets_of([n for n in sizes if n <= 10**5])
    rates = rates_of(np.geomspace(0.01, 0.99, 15 if options.quick else 50))
    model = regrets_of_model((1, 10, 100, 1000), 3 if options.quick else 100, options.seed)
    kt.study.write_receipts(model, options.path("greedy_language_model.csv"))
    kt.study.write_receipts(rates_of_model(), options.path("greedy_prompts.csv"))
    kt.study.write_receipts(games, options.path("greedy_minimax.csv"))
    kt.study.write_receipts(regrets, options.path("greedy.csv"))
    kt.study.write_receipts(rates, options.path("greedy_exchange.csv"))

    name = f"Zipf, S={TEACHER.S}, A={TEACHER.A}"
    exact = kt.study.exact([kt.study.Panel(name, TEACHER, [100, 1000, 10_000])], progress=options.progress)
    draw(options, games, regrets, rates)
    return kt.claims.scoreboard(exact, {}, exact)


def draw(options: kt.study.Options, games: pd.DataFrame, regrets: pd.DataFrame, rates: pd.DataFrame) -> None:
    """The figure, from its tables."""
    title = "Greedy decoding: at the worst teacher a log-probability is as good as a whole row; else the margin decides"
    with kt.plots.drawing(options.path("greedy"), 1, 3, title=title, width=11.4, height=3.9) as axes:
        left, middle, right = axes.flat
        _draw_games(left, games)
        _draw_regrets(middle, regrets, f"Zipf, S={TEACHER.S}, A={TEACHER.A}")
        _draw_rates(right, rates)


def _draw_games(axes: Any, games: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for protocol, rows in games.groupby("protocol"):
        axes.fill_between(rows["n"], rows["lower"], rows["upper"], color=COLOURS[protocol], alpha=0.3, linewidth=0)
        axes.plot(rows["n"], rows["lower"], color=COLOURS[protocol], linestyle="--" if protocol == "soft" else "-")
    n = np.array([10.0, 1e6])
    axes.plot(n, S / (math.e * n), color="0.3", linewidth=0.8, linestyle=":")
    axes.text(2e3, 6e-2, "hard labels", color=COLOURS["hard"], fontsize="small")
    axes.text(12, 2e-4, "log-probabilities (band)\nwhole rows (dashed)", color=COLOURS["soft"], fontsize="small")
    axes.text(4e4, 1.6e-4, "S/(en)", color="0.3", fontsize="small")
    axes.set_ylim(1e-6, 1)
    axes.set_xlabel("n, samples")
    axes.set_ylabel("minimax regret")
    axes.set_title(f"the worst teacher, S = {S}, A = {A}", fontsize="medium")


def _draw_regrets(axes: Any, regrets: pd.DataFrame, name: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    places = {"hard": (1.2e3, 2e-2), "partial": (2.6e3, 2e-6), "soft": (12, 2e-7)}
    for protocol, rows in regrets.groupby("protocol"):
        axes.plot(rows["n"], rows["mean"], color=COLOURS[protocol])
        axes.text(*places[protocol], PROTOCOLS[protocol].replace("-", "-\n"), color=COLOURS[protocol], fontsize="small")
    axes.set_ylim(1e-9, 1)
    axes.set_xlabel("n, samples")
    axes.set_ylabel("expected regret")
    axes.set_title(f"one teacher: {name}", fontsize="medium")


def _draw_rates(axes: Any, rates: pd.DataFrame) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    looks = {1.0: ("#000000", (0.16, 80)), 0.7: ("#7A7A00", (0.012, 5)), 0.4: ("#CC79A7", (0.012, 2))}
    for top_two, rows in rates.groupby("top_two", sort=False):
        colour, place = looks[top_two]
        axes.plot(rows["margin"], rows["rate"], color=colour)
        axes.text(*place, f"$p_1 + p_2$ = {top_two:g}", color=colour, fontsize="small")
    axes.set_xlabel("margin $p_1 - p_2$")
    axes.set_ylabel("hard labels for one log-probability")
    axes.set_title("the margin decides", fontsize="medium")


if __name__ == "__main__":
    kt.cli.run_script(main)
