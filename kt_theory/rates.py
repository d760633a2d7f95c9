r"""Rates: the slope of log risk against log n, its standard error, and whether the slope is constant.

A risk that behaves like :math:`c\, n^{-\beta}` is a straight line of slope :math:`-\beta` in the logarithms. `fit_rate`
fits that line by least squares, and reports three facts besides the slope.

**How noisy.** A Monte Carlo mean with standard error ``mcse`` has, to first order (delta method),
:math:`\mathrm{sd}(\log \text{risk}) = \sigma = \text{mcse} / \text{risk}`. Different n have draws of their own, so the
points are independent with known variances and the fit weighs each by :math:`\sigma^{-2}`. Standard errors come from
these variances and are not rescaled by the residuals: ``chi2`` is there to show when residuals exceed the noise.
Nothing is corrected to second order: :math:`E \log(\text{mean})` lies :math:`\sigma^2 / 2` low, while weights that
rise with the drawn mean pull the other way by more. Both shift the level by order :math:`\sigma^2`, and the slope only
by what :math:`\sigma^2` changes over the window; with :math:`\sigma` below 0.1 the standard error covers it.

**How straight.** Let :math:`u` be log n measured from the middle of the window and :math:`h` half its length. The best
quadratic :math:`c_0 + c_1 u + c_2 u^2` has a slope that changes by **drift** :math:`= 4 c_2 h` from the first n to the
last. The best cubic has slopes at the two ends that exceed the slope in the middle by **wave** :math:`= 3 c_3 h^2` on
average: a curve that is flat, falls and is flat again has no drift and much wave. Where the slope changes linearly the
quadratic's estimate is the least noisy unbiased one (Gauss-Markov): on an even grid its variance is 720 / 768 of that
from comparing the slopes of two halves, and it needs no rule for where to cut an uneven or unevenly noisy window.
Its noise and the wave's are uncorrelated, as top coefficients of nested least-squares fits are.

**Resolved.** The slope is *shown* to stay put, within a tolerance and two standard errors: from the first n to the last
it changes by at most ``|drift|``, between the middle and either end by at most ``|drift| / 2 + |wave|``. A slope with
too much noise for these inequalities is not resolved, and neither is one from two points. Exact risks have no noise, so
their local slopes, all known, must lie within the tolerance of each other as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from kt_theory import checks

if TYPE_CHECKING:
    import pandas as pd

#: Points of receipts whose relative standard error exceeds this are not fitted: their logarithm is mostly noise.
FITTED = 0.2


@dataclass(frozen=True)
class RateComparison:
    """A fitted slope beside a theoretical one.

    Theory is about n to infinity, or about a worst case; the slope is that of one curve over one window. So the
    question is whether they are within a tolerance of each other, not whether they are equal. A slope whose standard
    error is too large for either neither `agrees` nor `differs`.

    Attributes
    ----------
    slope, slope_se : float
        The fitted slope and its standard error, 0 for exact risks.
    theory : float
        The slope that theory gives.
    tolerance : float
        How far apart the two may lie.
    resolved : bool
        Whether the fit was: if not, the slope is an average of different slopes, or noise.
    """

    slope: float
    slope_se: float
    theory: float
    tolerance: float
    resolved: bool

    @property
    def difference(self) -> float:
        """Slope minus theory."""
        return self.slope - self.theory

    @property
    def z(self) -> float:
        """The difference in standard errors. For exact risks any difference is infinitely many, and none is 0."""
        if self.slope_se > 0:
            return self.difference / self.slope_se
        return math.copysign(math.inf, self.difference) if self.difference else 0.0

    @property
    def agrees(self) -> bool:
        """``|difference| + 2 slope_se <= tolerance``: shown to lie within the tolerance."""
        return abs(self.difference) + 2 * self.slope_se <= self.tolerance

    @property
    def differs(self) -> bool:
        """``|difference| - 2 slope_se > tolerance``: shown to lie outside the tolerance."""
        return abs(self.difference) - 2 * self.slope_se > self.tolerance

    def __str__(self) -> str:
        return f"{with_error(self.slope, self.slope_se)} (theory {self.theory:g})"


@dataclass(frozen=True, eq=False)
class RateFit:
    """A line through log risk against log n; made by `fit_rate`.

    Attributes
    ----------
    slope, slope_se : float
        d log risk / d log n, and its standard error from the Monte Carlo noise alone: 0 for exact risks.
    intercept : float
        log risk where the line meets log n = 0.
    window : tuple of int
        The first and the last n that were used.
    points : int
        How many n were used.
    local_n, local_slopes, local_slopes_se : ndarray, shape (points - 1,)
        The slope between each n and the next, at their geometric mean. Neighbours share a point and its noise.
    drift, drift_se : float
        Change of the slope from the first n to the last; NaN for two points.
    wave, wave_se : float
        Excess of the slope at the two ends over that in the middle; NaN for fewer than four points.
    tolerance : float
        What drift and wave are compared with.
    resolved : bool
        Whether the slope is shown to stay put: ``|drift| + 2 drift_se <= tolerance``; from four points on, the same
        for ``|drift| / 2 + |wave|`` and its standard error; for exact risks, also for the range of the local slopes.
    lack_of_fit : float
        Root mean square of log risk minus the line, all points alike.
    chi2 : float
        Sum of squared residuals in units of their standard errors: about ``dof`` if the curve is straight. NaN for
        exact risks.
    dof : int
        ``points - 2``.
    """

    slope: float
    slope_se: float
    intercept: float
    window: tuple[int, int]
    points: int
    local_n: np.ndarray = field(repr=False)
    local_slopes: np.ndarray = field(repr=False)
    local_slopes_se: np.ndarray = field(repr=False)
    drift: float
    drift_se: float
    wave: float
    wave_se: float
    tolerance: float
    resolved: bool
    lack_of_fit: float
    chi2: float
    dof: int

    def predict(self, n: Any) -> float | np.ndarray:
        """The line's risk at n.

        Parameters
        ----------
        n : float or array_like
            Positive, not necessarily whole.

        Returns
        -------
        float or ndarray
            ``exp(intercept + slope log n)``, of the shape of `n`.

        Raises
        ------
        ValueError
            If an entry of `n` is not a finite number above 0.

        Examples
        --------
        >>> round(fit_rate([10, 100], [0.5, 0.05]).predict(1000), 12)
        0.005
        """
        x = checks.array_of_floats("n", n)
        for index in np.argwhere(~(np.isfinite(x) & (x > 0)))[:1]:
            where = checks.place(index) if x.ndim else ""
            raise ValueError(f"n{where} is {x[tuple(index)]}: it must be a finite number above 0")
        risk = np.exp(self.intercept + self.slope * np.log(x))
        return risk if x.ndim else float(risk)

    def compare(self, theory: float, tolerance: float | None = None) -> RateComparison:
        """The slope beside a theoretical one.

        Parameters
        ----------
        theory : float
            The slope that theory gives, such as -0.5.
        tolerance : float, optional
            How far apart they may lie and still agree; the fit's own tolerance if not given.

        Returns
        -------
        RateComparison

        Raises
        ------
        ValueError
            If `theory` is not finite or `tolerance` is not a finite number above 0.

        Examples
        --------
        >>> fit = fit_rate([100, 200, 400], [0.0520, 0.0362, 0.0252], mcse=[0.0002, 0.0001, 0.0001])
        >>> comparison = fit.compare(-0.5)
        >>> print(comparison)
        -0.5225 +- 0.0040 (theory -0.5)
        >>> comparison.agrees, comparison.differs, round(comparison.z, 1)
        (True, False, -5.7)
        """
        number = checks.array_of_floats("theory", theory, ndim=0).item()
        if not math.isfinite(number):
            raise ValueError(f"theory is {number}: it must be a finite slope")
        width = self.tolerance if tolerance is None else checks.positive("tolerance", tolerance)
        return RateComparison(self.slope, self.slope_se, number, width, self.resolved)

    def __str__(self) -> str:
        verdict = "resolved" if self.resolved else "not resolved"
        first, last = self.window
        return f"{with_error(self.slope, self.slope_se)} over n = {first}..{last} ({self.points} points, {verdict})"


@overload
def fit_rate(n: pd.DataFrame, *, window: Any = None, tolerance: float = 0.05) -> pd.DataFrame: ...
@overload
def fit_rate(n: Any, risk: Any, mcse: Any = None, *, window: Any = None, tolerance: float = 0.05) -> RateFit: ...
def fit_rate(
    n: Any, risk: Any = None, mcse: Any = None, *, window: Any = None, tolerance: float = 0.05
) -> RateFit | pd.DataFrame:
    """The slope of log risk against log n, by least squares.

    With `mcse` each point is weighed by its own noise, and the standard errors follow from that noise. Without it the
    risks are taken as exact and weigh alike: no standard error is estimated from residuals, which are curvature then.

    Parameters
    ----------
    n : array_like of int, shape (k,), or DataFrame
        Sample sizes, positive and strictly increasing. Or the receipts of a study or of `kt_theory.simulate`, with the
        columns learner, n, mean, mcse, reps, and panel if there is more than one: they hold the risks as well.
    risk : array_like, shape (k,)
        Risks, positive within the window.
    mcse : array_like, shape (k,), optional
        Standard errors of the risks, positive within the window. Independent from point to point.
    window : tuple of float, optional
        ``(lo, hi)``: use only lo <= n <= hi. Risks and standard errors outside are not looked at.
    tolerance : float
        How much the slope may change over the window for the fit to be resolved.

    Returns
    -------
    RateFit or DataFrame
        For receipts a row per panel and learner: panel (if receipts have it), learner, slope, slope_se, n_min, n_max,
        points (how many n were fitted), left_out (how many were not: those whose risk is 0, or known to no better than
        20 %), resolved. With fewer than three n to fit the slope is NaN.

    Raises
    ------
    ValueError
        If lengths differ, fewer than two points lie in the window, or an entry is not what it must be; the message
        names the argument, the place and the value. A risk of 0 has no logarithm and is never dropped silently: leave
        it out by the window. Receipts without a column, or with two rows of one panel, learner and n, are refused.

    Notes
    -----
    The formulas, and what resolved means, are on the module's page.

    Examples
    --------
    >>> n = [100, 200, 400, 800]
    >>> fit = fit_rate(n, [2 / k for k in n])
    >>> print(fit)
    -1.0000 over n = 100..800 (4 points, resolved)

    A sum of two powers has no rate of its own:

    >>> fit = fit_rate(n, [1 / k + k**-0.5 / 10 for k in n])
    >>> print(fit)
    -0.6876 over n = 100..800 (4 points, not resolved)
    >>> fit.local_slopes.round(2).tolist()
    [-0.73, -0.69, -0.65]

    All learners of some receipts at once:

    >>> import kt_theory as kt
    >>> panel = kt.study.Panel("hard labels", lambda n: kt.instance(1, 2, 4, n), [100, 1000, 10**4], ["CE_sgl"])
    >>> fit_rate(kt.study.exact([panel]))[["learner", "slope", "points", "left_out"]].round(3).values.tolist()
    [['CE_sgl', -0.501, 3, 0]]
    """
    tolerance = checks.positive("tolerance", tolerance)
    if hasattr(n, "columns"):
        if risk is not None or mcse is not None:
            raise ValueError("n is a DataFrame and risk or mcse is given as well: receipts hold both")
        return _fit_receipts(n, window, tolerance)
    sizes = checks.whole_numbers("n", n, minimum=1)
    for i in np.flatnonzero(np.diff(sizes) <= 0)[:1]:
        raise ValueError(f"n[{i + 1}] is {sizes[i + 1]} after n[{i}] = {sizes[i]}: n must be strictly increasing")
    inside = _inside(sizes, window)
    log_risk, sigma = _logarithms(sizes, risk, mcse, inside)
    sizes = sizes[inside]

    # log(n / n_0) to full precision even for neighbours such as 10^9 and 10^9 + 1
    x = np.log1p((sizes - sizes[0]) / sizes[0])
    half = float(x[-1]) / 2
    t = x / half - 1
    scale = np.ones_like(x) if sigma is None else sigma
    middle, per_half, variances = _polynomial(t, log_risk, scale, 1)
    slope = float(per_half) / half
    residuals = log_risk - (middle + per_half * t)
    # In t the quadratic's slope changes by 4 c_2 and the cubic's ends exceed its middle by 3 c_3, per half window.
    drift, drift_se = _top_change(t, log_risk, scale, 2, 4 / half)
    wave, wave_se = _top_change(t, log_risk, scale, 3, 3 / half)
    if sigma is None:
        slope_se, chi2 = 0.0, math.nan
        drift_se, wave_se = (0.0 * se for se in (drift_se, wave_se))
        steps_se = np.zeros(x.size - 1)
    else:
        slope_se, chi2 = math.sqrt(variances[1]) / half, float(np.sum((residuals / sigma) ** 2))
        steps_se = np.hypot(sigma[1:], sigma[:-1]) / np.diff(x)
    local = (sizes[0] * np.exp((x[1:] + x[:-1]) / 2), np.diff(log_risk) / np.diff(x), steps_se)
    changes = [abs(drift) + 2 * drift_se]  # NaN for two points, and NaN <= tolerance is False
    if sizes.size > 3:
        changes.append(abs(drift) / 2 + abs(wave) + 2 * math.hypot(drift_se / 2, wave_se))
    if sigma is None:
        changes.append(float(np.ptp(local[1])))
    for array in local:
        array.flags.writeable = False
    return RateFit(
        slope=slope,
        slope_se=slope_se,
        intercept=float(middle) - slope * (math.log(sizes[0]) + half),
        window=(int(sizes[0]), int(sizes[-1])),
        points=sizes.size,
        local_n=local[0],
        local_slopes=local[1],
        local_slopes_se=local[2],
        drift=drift,
        drift_se=drift_se,
        wave=wave,
        wave_se=wave_se,
        tolerance=tolerance,
        resolved=all(change <= tolerance for change in changes),
        lack_of_fit=math.sqrt(float(np.mean(residuals**2))),
        chi2=chi2,
        dof=sizes.size - 2,
    )


def _fit_receipts(receipts: Any, window: Any, tolerance: float) -> pd.DataFrame:
    """A row per panel and learner."""
    import pandas as pd

    receipts = checks.frame("n", receipts, ("learner", "n", "mean", "mcse", "reps"))
    lo, hi = _ends(window)
    keys = [name for name in ("panel", "learner") if name in receipts]
    rows: list[dict[str, Any]] = []
    for names, group in receipts[receipts["n"].between(lo, hi)].groupby(keys, sort=False):
        whose = dict(zip(keys, names, strict=True))
        if group["n"].duplicated().any():
            of = ", ".join(f"{name} {checks.shown(value)}" for name, value in whose.items())
            raise ValueError(f"n has two rows of {of} at n = {group['n'][group['n'].duplicated()].iloc[0]}")
        fit, left_out = fit_learner(group, tolerance)
        rows.append(
            {
                **whose,
                "slope": fit.slope if fit else math.nan,
                "slope_se": fit.slope_se if fit else math.nan,
                "n_min": fit.window[0] if fit else math.nan,
                "n_max": fit.window[1] if fit else math.nan,
                "points": fit.points if fit else 0,
                "left_out": left_out,
                "resolved": bool(fit and fit.resolved),
            }
        )
    if not rows:
        raise ValueError("n has no row" + ("" if window is None else f" in the window ({lo:g}, {hi:g})"))
    return pd.DataFrame(rows)


def fit_learner(rows: pd.DataFrame, tolerance: float = 0.05) -> tuple[RateFit | None, int]:
    """The fit of one learner's receipts over the points known to 20 %, None below three; how many n are not fitted."""
    rows = checks.frame("rows", rows, ("n", "mean", "mcse", "reps"))
    placed = rows[rows["n"] > 0].sort_values("n")
    exact = (placed["reps"] == 0).all()
    known = (placed["mean"] > 0) & (exact | (placed["mcse"] > 0)) & (placed["mcse"] <= FITTED * placed["mean"])
    usable = placed[known]
    if len(usable) < 3:
        return None, len(rows)
    mcse = None if exact else usable["mcse"].to_numpy()
    fit = fit_rate(usable["n"].to_numpy(), usable["mean"].to_numpy(), mcse, tolerance=tolerance)
    return fit, len(rows) - len(usable)


def _ends(window: Any) -> tuple[float, float]:
    """The ends of a window, infinite ones if there is none."""
    if window is None:
        return -math.inf, math.inf
    ends = checks.array_of_floats("window", window, ndim=1)
    if ends.size != 2 or not ends[0] <= ends[1]:
        raise ValueError(f"window is {window!r}: it must be a pair (lo, hi) with lo <= hi")
    return float(ends[0]), float(ends[1])


def _inside(sizes: np.ndarray, window: Any) -> np.ndarray:
    """Which n lie in the window; at least two do."""
    lo, hi = _ends(window)
    inside = (sizes >= lo) & (sizes <= hi)
    if inside.sum() < 2:
        where = "" if window is None else f" in the window ({lo:g}, {hi:g})"
        raise ValueError(f"n has {inside.sum()} point(s){where}: a line needs at least two")
    return inside


def _logarithms(sizes: np.ndarray, risk: Any, mcse: Any, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The logarithms of the risks in the window, and their standard errors by the delta method."""
    columns = {"risk": risk} if mcse is None else {"risk": risk, "mcse": mcse}
    remedies = {
        "risk": "narrow the window to leave it out, as nothing is dropped silently",
        "mcse": "a standard error is above 0; leave mcse out if the risks are exact",
    }
    values = {}
    for name, column in columns.items():
        array = checks.array_of_floats(name, column, ndim=1)
        if array.size != sizes.size:
            raise ValueError(f"{name} has {array.size} entries and n has {sizes.size}: there must be one per n")
        for i in np.flatnonzero(inside & ~(np.isfinite(array) & (array > 0)))[:1]:
            trouble = "has no logarithm" if name == "risk" and array[i] <= 0 else "is no positive finite number"
            raise ValueError(f"{name}[{i}] is {array[i]} at n = {sizes[i]} and {trouble}: {remedies[name]}")
        values[name] = array[inside]
    sigma = None if mcse is None else values["mcse"] / values["risk"]
    return np.log(values["risk"]), sigma


def _polynomial(t: np.ndarray, y: np.ndarray, sigma: np.ndarray, degree: int) -> tuple[Any, Any, np.ndarray]:
    """The constant and the top coefficient of the best polynomial in t, and the variances of all coefficients."""
    # QR rather than normal equations, which would square the condition number; t lies in [-1, 1] for the same reason.
    unit = sigma.min()
    weight = unit / sigma
    q, r = np.linalg.qr(np.vander(t, degree + 1, increasing=True) * weight[:, None])
    inverse = np.linalg.inv(r)
    coefficients = inverse @ (q.T @ (y * weight))
    return coefficients[0], coefficients[degree], unit**2 * np.sum(inverse**2, axis=1)


def _top_change(t: np.ndarray, y: np.ndarray, sigma: np.ndarray, degree: int, factor: float) -> tuple[float, float]:
    """`factor` times the top coefficient, with its standard error; NaN where there are too few points for it."""
    if t.size <= degree:
        return math.nan, math.nan
    _, top, variances = _polynomial(t, y, sigma, degree)
    return factor * float(top), factor * math.sqrt(variances[degree])


def with_error(value: float, error: float) -> str:
    """`value` +- `error` as text, the error to two significant digits; four decimals if there is no error."""
    if not error > 0:
        return f"{value:.4f}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} +- {error:.{decimals}f}"
