"""From results to LaTeX: everything in generated/, which the report reads its numbers, marks and tables from.

Results are files in figures/: written by the scripts in simulations/, and figures/ledger.csv, which is what ``kt-theory
verify --out`` writes. What a statement says is read from the ledger itself, and settings of the package from the
package. Nothing is computed here but what can be read off such files: a slope of a curve, a ratio of two columns. A
test writes it all anew, and compares; another asks that every number is used.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

import kt_theory as kt
from kt_theory.exact.add import KAPPA
from kt_theory.exact.sel import MOST_LABELS, WIDEST_ROW
from kt_theory.files import write_whole
from kt_theory.ledger.entries.registry import HOME, STATEMENTS
from kt_theory.ledger.entries.worlds import PHI, PSI
from kt_theory.statements import STATEMENTS as SAID

#: Published statements that are definitions, numbered as equations: the report's table is of theorems and lemmas.
EQUATIONS = ("zz-(3.3)", "zz-(4.3)", "zz-(4.7)", "zz-(5.2)")

PAPER = Path(__file__).resolve().parent
FIGURES = PAPER.parent / "figures"

#: The digits of what is printed of figures/paper_numbers.csv and timings.csv: name -> format.
DIGITS = {
    "lambert-w": ".6f",
    "q": ".6f",
    "c-inf": ".6f",
    "light-rate": ".6f",
    "light-share": ".6f",
    "second-partial": ".4f",
    "paper-partial": ".6f",
    "inf-over-paper": ".3f",
    "one-over-e": ".3f",
    "paper-over-inf": ".1f",
    "instance-2": ".5f",
    "instance-2-share": ".1%",
    "paper-hard": ".6f",
    "assouad": ".6f",
    "sharp-over-paper": ".1f",
    "whp-factor": ".2f",
    "c-kl": ".6f",
    "kl-rate": ".4f",
    "kl-share": ".4f",
    "kl-gain": ".3f",
    "half-log": ".4f",
    "world-share": ".4f",
    "kappa": ".6f",
    "kappa-labels": ".0f",
    "kappa-lead": ".3f",
    "kappa-two": ".6f",
    "exchange-half": ".1f",
    "bias-limit": ".6f",
    "classic-sgl": ".5f",
    "classic-ptl": ".5f",
    "crossing": ",.0f",
    **dict.fromkeys(("ratio-S", "ratio-A", "ratio-n"), ",.0f"),
    "five-S": ".0f",
    "five-n": ".0f",
    "n-smoothing": ",.0f",
    **dict.fromkeys(("ptl-over-sgl-1", "ptl-over-sgl-2", "ptl-over-sgl-3"), ".2f"),
    "squared-error-student": ".3f",
    **dict.fromkeys(("exchange-worst", "exchange-kl"), ".2f"),
    "five-five": ".6f",
    **dict.fromkeys(("partial-1-3-1", "partial-1-3-2", "partial-1-3-3"), ".4g"),
    **{f"{learner}-1-2-{n}": ".2f" for learner in ("CE_sgl", "ADD_sgl") for n in (2, 10, 50)},
    "S-generic": ".0f",
    "A-generic": ".0f",
    "A-row": ".0f",
    "n-row": ",.0f",
    "points-curves": ".0f",
    "n-mc": ",.0f",
    **dict.fromkeys(("mc-over-exact-CE_sgl", "mc-over-exact-SEL_ptl"), ".1g"),
    **dict.fromkeys(("seconds-curves", "seconds-generic", "seconds-row-SEL_ptl", "seconds-row-CE_ptl"), ".1g"),
    "seconds-reproduce": ".0f",
    "seconds-full": ".0f",
    "seconds-verify": ".0f",
    "seconds-test": ".0f",
    "seconds-paper": ".0f",
}

#: Numbers of figures/paper_numbers.csv that are printed to two digits, as numbers of samples.
ROUGHLY = ("needs-hard", "needs-partial", "needs-soft")

#: The slopes that the paper reports of its figure 2: data of the paper.
PUBLISHED = {"paper-slope-1": -0.532, "paper-slope-2": -1.004, "paper-slope-3": -0.977}

#: The worst teacher is no language model: risks of ADD_sgl and of counting, measured on the next-token distributions of
#: one after 64 prompts. That teacher does not travel with the package.
MODEL = {"model-S": 64, "model-A": 19_538, "model-n": 10**6, "model-add": 0.307, "model-count": 0.037}


def read(stem: str) -> pd.DataFrame:
    """A table of figures/."""
    return pd.read_csv(FIGURES / f"{stem}.csv")


def script(stem: str) -> dict[str, Any]:
    """What the script that writes a table of figures/ defines: the names of its panels."""
    return runpy.run_path(str(PAPER.parent / "simulations" / f"{stem}.py"))


def shown(value: float, form: str) -> str:
    """A number as it is printed, in mathematics, where a minus is no hyphen: shares in percent, and powers of ten."""
    text = format(value, form).replace(",", "{,}").replace("%", r"\,\%")
    mantissa, _, exponent = text.partition("e")
    if exponent:
        power = f"10^{{{int(exponent)}}}"
        text = power if mantissa == "1" else rf"{mantissa}\cdot{power}"
    return rf"\ensuremath{{{text}}}"


# --- Numbers ------------------------------------------------------------------------------------------------


def numbers() -> dict[str, str]:
    """Every number of the text, by name."""
    found: dict[str, str] = {}
    for name, value in pd.concat([read("paper_numbers"), read("timings")])[["name", "value"]].values:
        if name in DIGITS:
            found[name] = shown(value, DIGITS[name])
        elif name in ROUGHLY:
            found[name] = shown(float(f"{value:.2g}"), ",.0f")
    found |= {name: shown(value, ".3f") for name, value in PUBLISHED.items()}
    found |= {name: shown(value, ".3f" if value < 1 else ",.0f") for name, value in MODEL.items()}
    for part in (_rates(), _worlds(), _gaps(), _real(), _ledger(), _adding(), _storage(), _practice(), _settings()):
        found |= part
    return found


def _rates() -> dict[str, str]:
    """Figures 1 and 2: slopes, how they move, and how the simulated means lie about the exact ones."""
    exact, drawn, figure = read("figure2_rates_exact"), read("figure2_rates"), script("figure2_rates")
    found = {}
    for panel, (window, k, *_) in zip(figure["panels"](), figure["SETTINGS"], strict=True):
        short = {"paper's window": "window", "three decades": "decades"}[window]
        learner = figure["HARD_FOR"][k]
        line, marks = (
            frame[(frame["panel"] == panel.name) & (frame["learner"] == learner)] for frame in (exact, drawn)
        )
        fit = kt.fit_rate(line["n"].to_numpy(), line["mean"].to_numpy())
        noisy = kt.fit_rate(marks["n"].to_numpy(), marks["mean"].to_numpy(), marks["mcse"].to_numpy())
        found[f"slope-{short}-{k}"] = shown(fit.slope, ".4f")
        found[f"drawn-{short}-{k}"] = rf"\ensuremath{{{noisy.slope:.4f}\pm{noisy.slope_se:.4f}}}"
        if (short, k) == ("window", 1):
            found["visits-first"] = f"{line['n'].min() // line['S'].min()}"
            found["visits-last"] = f"{line['n'].max() // line['S'].min()}"
            found["local-first"] = shown(fit.local_slopes[0], ".3f")
            found["local-last"] = shown(fit.local_slopes[-1], ".3f")
    z = np.concatenate(
        [
            kt.claims.z_scores(receipts, curves)
            for receipts, curves in ((drawn, exact), (read("figure1_classic"), read("figure1_classic_exact")))
        ]
    )
    found |= {"z-points": f"{z.size}", "z-largest": f"{np.abs(z).max():.2f}", "z-square": f"{np.mean(z**2):.2f}"}
    return found | {"rates-reps": shown(drawn["reps"].max(), ",.0f"), "seed": f"{drawn['seed'].iloc[0]}"}


def _worlds() -> dict[str, str]:
    """The three-worlds instance at its larger size."""
    S, n = 200, 10**8
    rows = read("three_worlds").query("S == @S and n == @n").set_index("learner")["share"]
    least = STATEMENTS["ours-Q1-worlds"].claim(S, S) / float(_row("ours-Q1-worlds")["ratio"])
    return {
        "worlds-S": f"{S}",
        "worlds-n": shown(n, ".0e"),
        "worlds-sgl": shown(rows["CE_sgl"], ".4f"),
        "worlds-sel": shown(rows["SEL_ptl"], ".4f"),
        "worlds-ful": shown(rows["CE_ful"], ".4f"),
        "worlds-least": shown(math.floor(least * 100) / 100, ".2f"),  # at least that
        "worlds-phi": shown(PHI, "g"),
        "worlds-psi": shown(PSI, "g"),
    }


def _gaps() -> dict[str, str]:
    """How far apart the bounds on the minimax risks are."""
    S, A, far = 10, 100, 10**4
    gaps = read("minimax_gap").query("S == @S and A == @A")
    partial, hard = (gaps[gaps["protocol"] == protocol] for protocol in ("partial", "hard"))
    late = hard[hard["n"] >= far].iloc[0]
    return {
        "gap-S": f"{S}",
        "gap-A": f"{A}",
        "gap-n": shown(late["n"], ",.0f"),
        # At most that: rounded up.
        "gap-partial": shown(math.ceil((partial["upper"] / partial["lower"]).max() * 1000) / 1000, ".3f"),
        "gap-partial-paper": shown((partial["paper_upper"] / partial["paper_lower"]).min(), ".0f"),
        "gap-hard": shown(math.ceil((hard["upper"] / hard["lower"]).max() * 100) / 100, ".2f"),
        "gap-hard-far": shown(late["upper"] / late["lower"], ".3f"),
        "gap-hard-paper": shown(late["paper_upper"] / late["paper_lower"], ".0f"),
        **_other_gaps(),
    }


def _other_gaps() -> dict[str, str]:
    """The largest ratio of upper to lower end over all n, at the other sizes of the figure."""
    gaps = read("minimax_gap")
    gaps["ratio"] = gaps["upper"] / gaps["lower"]
    found = {}
    for S, A in ((2, 4), (10, 10)):
        for protocol in ("partial", "hard"):
            ratio = gaps.query("S == @S and A == @A and protocol == @protocol")["ratio"].max()
            found[f"gap-{protocol}-{S}-{A}"] = shown(ratio, ".2f")
    return found


def _real() -> dict[str, str]:
    """The real teacher: risks at one n, and the samples that a risk takes, between the n of the grid log-log."""
    n, target = 10**4, 0.1
    rows = read("real_teacher")
    found = {"real-n": shown(n, ".0e"), "real-target": shown(target, "g")}
    found |= {"real-S": f"{rows['S'].iloc[0]}", "real-A": f"{rows['A'].iloc[0]}"}
    for learner, short in (("CE_sgl", "sgl"), ("SEL_ptl", "sel"), ("CE_ful", "ful")):
        curve = rows[(rows["learner"] == learner) & (rows["mean"] > 0)].sort_values("n")
        # The curve bends: chords between points of the grid are per cents off.
        falls = curve[curve["mean"] < curve["mean"].cummin().shift(fill_value=np.inf)]
        needs = np.exp(PchipInterpolator(-np.log(falls["mean"]), np.log(falls["n"]))(-np.log(target)))
        # The soft learner's risk at this n is so seldom positive that only its exact value is worth printing.
        exact = read("real_teacher_exact").query("learner == @learner and n == @n")["mean"]
        mean = exact.iloc[0] if len(exact) else curve.set_index("n")["mean"][n]
        found[f"real-{short}"] = shown(mean, ".2g")
        found[f"real-needs-{short}"] = shown(float(f"{math.ceil(needs):.2g}"), ",.0f")
    last = rows[rows["learner"] == "CE_ptl"].sort_values("n").iloc[-1]
    return found | {"real-ptl": shown(last["mean"], ".3f")}


def _row(id: str) -> pd.Series:
    return read("ledger").set_index("id").loc[id]


def _ledger() -> dict[str, str]:
    """The ledger as a whole."""
    board = read("ledger")
    trials = board[["exact", "certified", "search", "simulation", "algebra"]].to_numpy().sum()
    verdicts = board["verdict"].value_counts()
    return {
        "entries": f"{len(board)}",
        "trials": shown(trials, ",.0f"),
        "planted": f"{board['planted'].sum():.0f}",
        "caught": f"{board['caught'].sum():.0f}",
        "alarm": shown(board["alarm"].sum(), ".1e"),
        "proved-at-points": f"{verdicts['proved at points']}",
        "holding": f"{verdicts['holds']}",
        "refuted": f"{verdicts['refuted']}",
        "vacuous": f"{verdicts['vacuous']}",
        "too-weak": f"{verdicts['does not imply']}",
        "add-factor": shown(STATEMENTS["ours-N8-add"].claim(A=2, n=1), "g"),
        "untried": f"{verdicts['open']}",
        "five-gain": shown(_row("ours-false-equal-inputs")["ratio"], ".4f"),
        "ledger-seed": f"{inspect.signature(kt.verify).parameters['seed'].default}",
    }


def _adding() -> dict[str, str]:
    """How far the worst risk of the add-constant student is above the lower end, with many samples a label."""
    A, times = 25, 20
    late = read("hard_sandwich").query("A == @A and times >= @times")["upper_ratio"].max()
    return {"add-A": f"{A}", "add-times": f"{times}", "add-late": shown(late - 1, ".1%")}


def _storage() -> dict[str, str]:
    """What a list, draws and half of each cost on the language model, where half of each is the worst of the three."""
    visits = 5
    rows = read("storage").query("teacher == 'language model' and visits == @visits").set_index("storage")["risk"]
    found = {f"store-{way}": shown(rows[way], ".3f") for way in ("list", "draws", "half")}
    return found | {"store-visits": f"{visits}", "store-numbers": f"{script('storage')['NUMBERS']}"}


def _practice() -> dict[str, str]:
    """Greedy decoding and audits at the language model."""
    visits, temperature = 10, 1.2
    table = read("greedy_language_model").query("kind == 'disagreement' and visits == @visits")
    missed = table.set_index("protocol")["mean"]
    audit = read("audit_language_model").set_index("student").loc[f"the model at temperature {temperature}"]
    return {
        "greedy-visits": f"{visits}",
        "greedy-hard": shown(missed["hard"], ".0%"),
        "greedy-partial": shown(missed["partial"], ".0%"),
        "greedy-worth": shown(read("greedy_prompts")["rate"].median(), ".1f"),
        "audit-m": shown(audit["m"], ",.0f"),
        "audit-warm": f"{temperature}",
        "audit-tv": shown(audit["tv"], ".3f"),
        "audit-error": shown(audit["sd"] / math.sqrt(audit["m"]), ".4f"),
    }


def _last_game() -> float:
    """The largest n in the sandwich whose ends are those of a game."""
    table = read("hard_sandwich")
    return table["n"][table["student"] == "linear program"].max()


def _settings() -> dict[str, str]:
    """Sizes that the text names, and versions."""
    receipts = read("figure1_classic")
    last = receipts[receipts["panel"] == script("figure1_classic")["PANELS"][0][0]].iloc[-1]
    return {
        "classic-S": f"{last['S']}",
        "classic-A": f"{last['A']}",
        "classic-n": shown(last["n"], ",.0f"),
        "n-games": f"{_last_game():.0f}",
        "rare": f"{kt.claims.RARE}",
        "add-kappa": shown(KAPPA, "g"),
        "subset-labels": f"{MOST_LABELS}",
        "fourier-labels": f"{WIDEST_ROW}",
        "version": f"{last['version']}",
        "numpy": f"{last['numpy']}",
    }


# --- What the ledger says, in LaTeX --------------------------------------------------------------------------

MARKS = {
    "proved at points": r"\markcertified",
    "holds": r"\markheld",
    "refuted": r"\markrefuted",
    "vacuous": r"\markvacuous",
    "does not imply": r"\markweak",
    "open": r"\markopen",
}


def text_of(words: str) -> str:
    """A sentence of the ledger as LaTeX: its few formulas are equations such as n=1000 and powers of ten."""
    words = re.sub(r"\b10{5,}\b", lambda found: f"10^{len(found[0]) - 1}", words)
    for sign, latex in (("&", r"\&"), ("_", r"\_"), ("%", r"\%"), ("#", r"\#")):
        words = words.replace(sign, latex)
    words = re.sub(r"\bdelta=", r"$\\delta$=", words)
    words = re.sub(r"\b(sigma|xi|rho|tau)\b", r"$\\\1$", words)
    words = re.sub(r"\$?(\\sigma|10|e)\$?\^(-?\d+)", r"$\1^{\2}$", words)
    return re.sub(r"([<>=|]+)", r"$\1$", words)


def _file_of(id: str) -> str:
    """The file of the ledger that holds the check of a statement, from paper/."""
    return f"../{HOME[id].replace('.', '/')}.py"


def marks() -> str:
    """The verdict of every statement, and the file of its check."""
    board = read("ledger").set_index("id")
    lines = []
    for id in STATEMENTS:
        lines.append(rf"\expandafter\def\csname mark@{id}\endcsname{{{MARKS[board.loc[id, 'verdict']]}}}")
        lines.append(rf"\expandafter\def\csname file@{id}\endcsname{{{_file_of(id)}}}")
    return "\n".join(lines)


def _ratio(value: float, verdict: str) -> str:
    if not math.isfinite(value) or verdict == "open":
        return "--"
    return f"{value:.3f}" if value < 9.9995 else f"{value:.3g}"


def _of_paper(source: str) -> str:
    return text_of(re.sub(r"^Z&Z ", "", source).replace("Proposition", "Prop.").replace("Corollary", "Cor."))


def statements() -> str:
    """The paper's statements: where, what and when, the mark, how many trials, the worst ratio."""
    board = read("ledger").set_index("id")
    rows = []
    for id, statement in STATEMENTS.items():
        if statement.status != "published" or id in EQUATIONS:
            continue
        row = board.loc[id]
        trials = int(row[["exact", "certified", "search", "simulation", "algebra"]].sum())
        where = re.sub(r" \(Rajaraman.*\)", "", statement.source)
        says = f"{SAID[id].latex}; {SAID[id].regime_latex}"
        # An equality has two sides that agree to rounding: no ratio says more than that.
        ratio = "$=$" if statement.grade == "exact" else _ratio(row["ratio"], row["verdict"])
        rows.append(
            rf"\href{{{_file_of(id)}}}{{{_of_paper(where)}}} & {says} & \verdict{{{id}}} & "
            rf"{trials:,} & {ratio} \\"
        )
    head = r"statement & says; when & & trials & ratio \\"
    return "\n".join(
        [
            r"\par{\footnotesize\setlength{\LTpre}{4pt}\setlength{\LTpost}{2pt}\renewcommand{\arraystretch}{1.12}",
            r"\begin{longtable}{@{}>{\raggedright\arraybackslash}p{3.6cm}>{\raggedright\arraybackslash}p{10.0cm}crr@{}}",
            r"\caption{The paper's statements, as tried.}\label{tab:statements}\\\toprule",
            head + r"\midrule\endfirsthead\toprule",
            head + r"\midrule\endhead\bottomrule\endlastfoot",
            *rows,
            r"\end{longtable}}",
        ]
    )


def slips() -> str:
    """The slips: where, what is printed and meant, the witness."""
    board = read("ledger").set_index("id")
    rows = []
    for id, statement in STATEMENTS.items():
        if statement.grade != "slip":
            continue
        printed = f"printed {SAID[id].latex}; mended {SAID[id].mended_latex}"
        rows.append(
            rf"{_of_paper(statement.source)} & {printed} & {text_of(str(board.loc[id, 'where']))} & "
            rf"\verdict{{{id}}} \\"
        )
    return "\n".join(
        [
            r"\begin{table}[tb]\centering\footnotesize\caption{Slips of print.}\label{tab:slips}\smallskip",
            r"\begin{tabular}{@{}>{\raggedright\arraybackslash}p{4.6cm}>{\raggedright\arraybackslash}p{7.1cm}"
            r">{\raggedright\arraybackslash}p{3.9cm}c@{}}\toprule",
            r"place & form & witness & \\\midrule",
            *rows,
            r"\bottomrule\end{tabular}\end{table}",
        ]
    )


def open_entries() -> str:
    """What has no proof: ours that is numerical or conjectured, and what is open."""
    board = read("ledger").set_index("id")
    rows = []
    for id, statement in STATEMENTS.items():
        if statement.status not in ("numerical", "conjectured", "open"):
            continue
        ratio = _ratio(board.loc[id, "ratio"], board.loc[id, "verdict"])
        rows.append(
            rf"\href{{{_file_of(id)}}}{{\texttt{{{text_of(id)}}}}} & {statement.status} & {text_of(statement.words)} & "
            rf"\verdict{{{id}}} & {ratio} \\"
        )
    return "\n".join(
        [
            r"\begin{table}[tb]\centering\footnotesize\caption{Statements without a proof here.}\label{tab:open}",
            r"\smallskip",
            r"\begin{tabular}{@{}ll>{\raggedright\arraybackslash}p{9.4cm}cr@{}}\toprule",
            r"entry & status & says & & ratio \\\midrule",
            *rows,
            r"\bottomrule\end{tabular}\end{table}",
        ]
    )


# --- Tables of numbers ---------------------------------------------------------------------------------------


def limits() -> str:
    """The limits for partial soft labels, sideways: a column per A."""
    table = read("partial_limits")
    lines = [
        "$A$ & " + " & ".join(f"{A:.0f}" for A in table["A"]),
        r"$\gamma_{A-1}$ & " + " & ".join(f"{v:.6f}" for v in table["limit"]),
        r"per label, $/(A-1)$ & " + " & ".join(f"{v:.6f}" for v in table["per_label"]),
        "light labels $k$ & " + " & ".join(f"{v:.0f}" for v in table["light"]),
        "rate $x$ & " + " & ".join(f"{v:.4f}" for v in table["rate"]),
    ]
    return _tabular("l" + "r" * len(table), lines)


def sandwich() -> str:
    """Hard labels, one input: ratios to the lower end."""
    table = read("hard_sandwich")
    lines = [
        "$A,\\ n$ & " + " & ".join(f"{A:.0f}, {n:,.0f}" for A, n in zip(table["A"], table["n"], strict=True)),
        "lower end & " + " & ".join(f"{v:.5f}" for v in table["lower"]),
        "upper end & " + " & ".join(f"{v:.3f}" for v in table["upper_ratio"]),
        r"\CEsgl, uniform row & " + " & ".join(f"{v:.3f}" for v in table["frequencies_ratio"]),
        "limit & " + " & ".join(f"{v:.3f}" for v in table["limit_ratio"]),
    ]
    return _tabular("l" + "r" * len(table), lines, r"\footnotesize\setlength{\tabcolsep}{3.4pt}")


def games() -> str:
    """The small games for hard labels, in a sentence."""
    parts: list[str] = []
    for S, A, n, lower, upper in read("hard_games").itertuples(index=False):
        # The ends are rounded outwards: the interval stays true.
        low, high = math.floor(lower * 1e5) / 1e5, math.ceil(upper * 1e5) / 1e5
        parts.append(rf"$[{low:.5f},\,{high:.5f}]$ at ${'(S,A,n)=' if not parts else ''}({S},{A},{n})$")
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def _tabular(columns: str, lines: list[str], before: str = "") -> str:
    head, *rest = lines
    body = [head + r" \\\midrule", *(line + r" \\" for line in rest)]
    return "\n".join(
        [rf"{{{before}\begin{{tabular}}{{@{{}}{columns}@{{}}}}\toprule", *body, r"\bottomrule\end{tabular}}"]
    )


# --- Files ---------------------------------------------------------------------------------------------------


def sources() -> list[Path]:
    """What the document is made of, beside generated/."""
    drawn = sorted(set(re.findall(r"\.\./figures/(\w+)", "".join(p.read_text() for p in PAPER.glob("sections/*.tex")))))
    pictures = [FIGURES / f"{stem}.pdf" for stem in drawn]
    return [PAPER / "paper.tex", *sorted(PAPER.glob("sections/*.tex")), PAPER / "references.bib", *pictures]


def generated() -> dict[str, str]:
    """Name of each file in generated/ -> its text."""
    notice = "% Written by paper/results.py from figures/*.csv and the ledger. Do not edit.\n"
    lines = [rf"\expandafter\def\csname val@{name}\endcsname{{{text}}}" for name, text in numbers().items()]
    files = {
        "marks": marks(),
        "statements": statements(),
        "slips": slips(),
        "open": open_entries(),
        "limits": limits(),
        "sandwich": sandwich(),
        "games": games(),
    }
    # The digest of all that the document is made of travels in its dictionary: a test sees by it that paper.pdf is new.
    digest = hashlib.sha256("\n".join([*lines, *files.values()]).encode())
    for path in sources():
        digest.update(path.read_bytes())
    lines.append(rf"\expandafter\def\csname val@digest\endcsname{{{digest.hexdigest()}}}")
    files["numbers"] = "\n".join(lines)
    return {f"{name}.tex": notice + text.rstrip() + "\n" for name, text in files.items()}


def write() -> None:
    """Write generated/ anew: each file whole, and only where something changed."""
    for name, text in generated().items():
        path = PAPER / "generated" / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, lambda file, text=text: file.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    write()
