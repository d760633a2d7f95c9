"""The scoreboard: receipts of a study, compared with the bounds and rates of the theory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kt_theory import bounds, checks
from kt_theory.learners import LEARNERS
from kt_theory.protocols import PROTOCOLS
from kt_theory.protocols.protocol import one_of_the_paper
from kt_theory.rates import RateFit, fit_learner, fit_rate, with_error
from kt_theory.showing import shown, table

#: A bound in expectation, called by keyword: S, A, n -> risk, NaN outside its regime.
Bound = Callable[..., Any]

#: Upper bounds on the mean risk, valid on every problem.
UPPER: dict[str, Bound] = {
    "CE_sgl": bounds.hard_upper_mean,
    "SEL_ptl": bounds.partial_upper_mean,
    "CE_ful": bounds.soft_upper_mean,
}

#: Lower bounds on the mean risk of every student of a protocol (at its worst problem).
LOWER: dict[str, Bound] = {
    "hard": bounds.hard_lower_mean,
    "partial": bounds.partial_lower_mean,
    "soft": bounds.soft_lower_mean,
}

#: How many standard errors a simulated mean may lie on the wrong side of a bound.
SIGMAS = 4.0

#: Repeats, or repeats of non-zero risk, below which a standard error is unreliable and nothing is checked.
RARE = 30

#: A simulated mean risk below this is what rounding leaves of an exact 0: it does not estimate a risk of 1e-80.
ROUNDING = 1e-15

#: The most characters of a panel's name in the table of text.
PANEL_WIDTH = 60

#: How far a fitted slope may lie from one that is printed to two or three digits, beside its own error.
PRINTED = 0.005

#: How far a settled slope may lie from the exponent.
SETTLED = 0.01


@dataclass(frozen=True)
class Claims:
    """What the theory claims of one panel.

    Attributes
    ----------
    slopes : mapping of str to float
        The exponent of n in the risk, per learner, where the theory names one for this panel.
    lower : {"hard", "partial", "soft"}, optional
        The protocol whose lower bound was constructed on this very problem: there it holds for every learner that is
        given no more than the protocol reveals. (The learners treat all labels alike, so their risk at one of the
        problems that the bound averages over is their average.)
    lower_from : float
        The lower bound is claimed from n = `lower_from` S A on.
    published : mapping of str to float
        The slope that the paper prints for this panel, per learner; it prints no error.

    Raises
    ------
    Unsupported
        A ValueError, for a protocol without a lower bound of the paper.
    """

    slopes: Mapping[str, float] = field(default_factory=dict)
    lower: str | None = None
    lower_from: float = 0.0
    published: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.lower is not None:
            object.__setattr__(self, "lower", one_of_the_paper(self.lower, "a lower bound", "lower"))

    def lower_bound(self, learner: str) -> Bound | None:
        """The lower bound that holds for a learner on this panel; None for a learner of a user's own."""
        entry = LEARNERS.get(learner)
        if self.lower is None or entry is None or not PROTOCOLS[self.lower].reveals_at_least(entry.protocol):
            return None
        bound = LOWER[self.lower]
        return lambda S, A, n: np.where(np.asarray(n) >= self.lower_from * S * A, bound(S=S, A=A, n=n), np.nan)


#: Of the paper's hard instances 1, 2, 3: the learner each is hard for, its rate, and the lower bound built on it.
#: The bound of Z&Z Thm 5.1 is built on Dirac teachers. Instance 3 has the same inputs and the teacher of instance 2, so
#: an unvisited input costs TV(Uniform, pi*) instead of 1 - 1/A; the bound needs 1/2, which holds once n >= 2 S A.
INSTANCE_CLAIMS = {
    1: Claims({"CE_sgl": -0.5}, "hard"),
    2: Claims({"SEL_ptl": -1.0}, "partial"),
    3: Claims({"CE_ful": -1.0}, "soft", lower_from=2),
}


def fit_panel(rows: pd.DataFrame) -> RateFit | None:
    """The log-log fit of one learner's receipts on one panel, over the points known to 20 %; None below three."""
    return fit_learner(rows)[0]


def scoreboard(receipts: pd.DataFrame, claims: Mapping[str, Claims], exact: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare receipts with the theory: a row per panel and learner.

    Parameters
    ----------
    receipts : DataFrame
        From `kt_theory.study.run` or `kt_theory.study.exact`.
    claims : mapping of str to Claims
        What the theory claims of each panel; the upper bounds are claimed of all of them.
    exact : DataFrame, optional
        From `kt_theory.study.exact`, to fit beside the receipts, over the same n and with the same weights.

    Returns
    -------
    DataFrame
        panel, learner; theory (claimed slope, NaN if none), published (the paper's, NaN if none); slope, slope_se,
        n_min, n_max, points (of the fit; NaN and 0 where the risk is 0 or too small to fit); resolved; exact_slope (NaN
        without `exact`); above_lower (least ratio of mean to lower bound), below_upper (largest ratio of mean to upper
        bound; NaN where no bound applies);
        checked (number of n at which a bound was checked) and held (whether all of them hold, within 4 standard
        errors; True where none was checked: read it beside `checked`).

    Raises
    ------
    ValueError
        If `claims` names a panel that the receipts do not have.
    """
    if "panel" not in checks.frame("receipts", receipts):
        raise ValueError("receipts have no panel column: they come from kt_theory.study, not from kt_theory.simulate")
    checks.frame("receipts", receipts, ("learner", "n", "S", "A", "mean", "mcse", "reps"))
    if exact is not None:
        checks.frame("exact", exact, ("panel", "learner", "n", "mean"))
    if not isinstance(claims, Mapping) or not all(isinstance(claim, Claims) for claim in claims.values()):
        raise ValueError(f"claims is {checks.shown(claims)}: it must be a mapping of names of panels to Claims")
    unknown = set(claims) - set(receipts["panel"])
    if unknown:
        raise ValueError(f"claims names panel {sorted(unknown)[0]!r}, which the receipts do not have")
    rows = []
    for (panel, learner), group in receipts.groupby(["panel", "learner"], sort=False):
        claim = claims.get(panel, Claims())
        fit = fit_panel(group)
        above = _ratios(group, claim.lower_bound(learner), sign=+1)
        below = _ratios(group, UPPER.get(learner), sign=-1)
        rows.append(
            {
                "panel": panel,
                "learner": learner,
                "theory": claim.slopes.get(learner, math.nan),
                "published": claim.published.get(learner, math.nan),
                "slope": fit.slope if fit else math.nan,
                "slope_se": fit.slope_se if fit else math.nan,
                "n_min": fit.window[0] if fit else math.nan,
                "n_max": fit.window[1] if fit else math.nan,
                "points": fit.points if fit else 0,
                "resolved": bool(fit and fit.resolved),
                "exact_slope": _exact_slope(exact, group, fit),
                "above_lower": above["ratio"].min() if len(above) else math.nan,
                "below_upper": below["ratio"].max() if len(below) else math.nan,
                "checked": len(above) + len(below),
                "held": bool(above["held"].all() and below["held"].all()),
            }
        )
    return pd.DataFrame(rows)


def _exact_slope(exact: pd.DataFrame | None, rows: pd.DataFrame, fit: RateFit | None) -> float:
    """The slope of the exact curve, over the same n and with the same weights as the fit beside it."""
    if exact is None or fit is None:
        return math.nan
    both = rows[["panel", "learner", "n", "mcse"]].merge(exact[["panel", "learner", "n", "mean"]]).sort_values("n")
    both = both[both["n"].between(*fit.window)]
    if len(both) < fit.points:
        return math.nan
    mcse = both["mcse"].to_numpy()
    return fit_rate(both["n"].to_numpy(), both["mean"].to_numpy(), None if (mcse == 0).all() else mcse).slope


def _ratios(rows: pd.DataFrame, bound: Bound | None, sign: int) -> pd.DataFrame:
    """Mean over bound at each n where the bound applies, and whether it holds; `sign` +1 for a lower bound."""
    if bound is None:
        return pd.DataFrame({"ratio": [], "held": np.array([], dtype=bool)})
    value = np.array([bound(S=S, A=A, n=n) for S, A, n in rows[["S", "A", "n"]].astype(int).itertuples(index=False)])
    mean, mcse, reps = rows["mean"].to_numpy(), rows["mcse"].to_numpy(), rows["reps"].to_numpy()
    applies = ~np.isnan(value) & ((reps == 0) | (reps >= RARE))
    if sign > 0 and "nonzero" in rows:
        # A mean of few repeats that are not 0 is likely too low, and its error too small to show it.
        applies &= rows["nonzero"].to_numpy() >= RARE
    held = sign * (mean - value) >= -SIGMAS * mcse
    return pd.DataFrame({"ratio": (mean / value)[applies], "held": held[applies]})


def gap_scoreboard(gaps: pd.DataFrame) -> pd.DataFrame:
    """Compare the paper's bounds on the minimax risk with an interval that contains it: a row per protocol and size.

    Parameters
    ----------
    gaps : DataFrame
        Columns protocol, S, A, n; lower and upper (the interval); paper_lower and paper_upper (NaN where they claim
        nothing).

    Returns
    -------
    DataFrame
        The columns of `scoreboard`, as far as they apply: above_lower is the least ratio of `upper` to the paper's
        lower bound, below_upper the largest ratio of `lower` to its upper bound; both claims hold unless one of them
        is on the wrong side of 1, or the interval is empty.
    """
    checks.frame("gaps", gaps, ("protocol", "S", "A", "n", "lower", "upper", "paper_lower", "paper_upper"))
    rows = []
    for (protocol, S, A), group in gaps.groupby(["protocol", "S", "A"], sort=False):
        above = (group["upper"] / group["paper_lower"]).dropna()
        below = (group["lower"] / group["paper_upper"]).dropna()
        held = (above >= 1).all() and (below <= 1).all() and (group["lower"] <= group["upper"]).all()
        rows.append(
            {
                "panel": f"minimax risk, {protocol} labels, S={S}, A={A}",
                "learner": "any",
                "theory": math.nan,
                "published": math.nan,
                "slope": math.nan,
                "slope_se": math.nan,
                "n_min": math.nan,
                "n_max": math.nan,
                "points": 0,
                "resolved": False,
                "exact_slope": math.nan,
                "above_lower": above.min(),
                "below_upper": below.max(),
                "checked": len(above) + len(below) + len(group),
                "held": bool(held),
            }
        )
    return pd.DataFrame(rows)


def z_scores(receipts: pd.DataFrame, exact: pd.DataFrame) -> np.ndarray:
    """How many standard errors each simulated mean lies from its exact value, for the cells that have both.

    Parameters
    ----------
    receipts : DataFrame
        From `kt_theory.study.run`.
    exact : DataFrame
        From `kt_theory.study.exact`.

    Returns
    -------
    ndarray
        Standard normal, if both are right. Cells whose risk was non-zero in fewer than `RARE` repeats are left out:
        an error estimated from them is no error to divide by. So are means below `ROUNDING`.
    """
    checks.frame("receipts", receipts, ("panel", "learner", "n", "mean", "mcse", "nonzero"))
    checks.frame("exact", exact, ("panel", "learner", "n", "mean"))
    both = receipts.merge(exact, on=["panel", "learner", "n"], suffixes=("", "_exact"))
    both = both[(both["nonzero"] >= RARE) & (both["mcse"] > 0) & (both["mean"] > ROUNDING)]
    return ((both["mean"] - both["mean_exact"]) / both["mcse"]).to_numpy()


def as_text(board: pd.DataFrame, width: int | None = None) -> str:
    """The scoreboard as a table of text, in paragraphs where its lines would be longer than `width`."""
    checks.frame("board", board, ("panel", "learner", "theory", "slope", "points", "checked", "held"))
    width = None if width is None else checks.whole_number("width", width, minimum=1)
    header = (
        "panel", "learner", "theory", "fitted slope", "over n", "settled", "exact slope", "mean/lower", "mean/upper",
        "bounds",
    )  # fmt: skip
    lines: list[Sequence[str]] = [header]
    for row in board.itertuples():
        fitted = row.points > 0
        lines.append(
            (
                shown(row.panel, PANEL_WIDTH),
                shown(row.learner),
                "-" if math.isnan(row.theory) else f"{row.theory:+.1f}",
                with_error(row.slope, row.slope_se) if fitted else "-",
                f"{row.n_min:.3g}..{row.n_max:.3g}" if fitted else "-",
                "-" if not fitted else "yes" if row.resolved else "no",
                "-" if math.isnan(row.exact_slope) else f"{row.exact_slope:.4f}",
                "-" if math.isnan(row.above_lower) else f">= {row.above_lower:.2f}",
                "-" if math.isnan(row.below_upper) else f"<= {row.below_upper:.2f}",
                "no bound" if row.checked == 0 else "held" if row.held else "BROKEN",
            )
        )
    return table(lines, left=range(len(header)), width=width)


def beside_the_paper(figure: str, board: pd.DataFrame) -> list[str]:
    """What the paper prints of a figure and what a scoreboard has: lines of text, a learner each.

    Parameters
    ----------
    figure : str
        The name that begins each line.
    board : DataFrame
        From `scoreboard` or `gap_scoreboard`.

    Returns
    -------
    list of str
        For each slope that is published or claimed: the paper's, ours with its error, whether they agree, and if not
        why. One line that says so where there is none.
    """
    figure = checks.text("figure", figure)
    checks.frame("board", board, ("panel", "learner", "theory", "published", "slope", "slope_se", "points", "resolved"))
    rows = board[(board["published"].notna() | board["theory"].notna()) & (board["points"] > 0)]
    lines = [
        f"{figure}: {shown(row.panel, PANEL_WIDTH)}, {shown(row.learner)}: {_agreement(row)}"
        for row in rows.itertuples()
    ]
    return lines or [f"{figure}: the paper prints no slope of it, and its panels have no rate to compare"]


def _agreement(row: Any) -> str:
    """One slope beside the paper's, or beside the exponent where the paper prints none."""
    ours = f"ours {with_error(row.slope, row.slope_se)}"
    if not math.isnan(row.published):
        apart = abs(row.slope - row.published)
        agrees = apart <= PRINTED + SIGMAS * row.slope_se
        said = "agrees" if agrees else f"off by {apart:.3f}, more than {SIGMAS:g} errors and the paper's rounding"
        if not math.isnan(row.theory) and abs(row.slope - row.theory) > SETTLED:
            said += f"; not the exponent {row.theory:g}: the window is too short"
        return f"the paper {row.published:g}, {ours}, {said}"
    apart = abs(row.slope - row.theory)
    if apart <= SETTLED + SIGMAS * row.slope_se:
        return f"the paper prints none, {ours}, agrees with the exponent {row.theory:g}"
    why = "the slope still drifts over this window" if not row.resolved else "though the slope has settled"
    return f"the paper prints none, {ours}, off the exponent {row.theory:g} by {apart:.3f}: {why}"
