# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8. Reading a slope honestly
#
# Take logarithms of n and of the risk, draw a line, read the slope: that is how
# a rate is measured. What does it say?
#
# **The idea.** A slope is a statement about *one curve in one window*. If the
# risk is $c / n^b$ exactly, then
#
# $$ \log \text{risk} = \log c - b \log n , $$
#
# a line of slope -b. If it is not, the slope is an average of the local slopes
# in the window, and another window has another average. So report the window,
# the error, and whether the local slopes stand still: `kt.fit_rate` says
# `resolved`.
#
# *Three errors.* The window is too early, and the limit is not there yet. The
# risks are simulated, and the slope has a standard error. There is no power of
# n, and the line is straight nevertheless. This lesson has one of each.

# %%
import numpy as np

import kt_theory as kt

S, A = 100, 8


def exact_risk(n):
    """Expected risk of CE_sgl on its hard teacher, without any simulation."""
    return float(kt.expected_risk(kt.instance(1, S, A, int(n)), "CE_sgl", int(n)))


# %% [markdown]
# ## Show it: the window
#
# Hard labels, S = 100 inputs, A = 8 labels: theory says -1/2. Between n = 1000
# and 2400 the slope is -0.532, which is also what the paper reports in its
# figure 2 (it does not say for which sizes). Nothing is wrong with either. With
# n = 1000 an input is visited ten times only, and the limit is not there yet.
# And $R^2$, which many papers print as evidence, is above 0.999 in all three
# windows: a smooth curve is straight wherever one looks closely, so that it
# says nothing about the limit.

# %%
windows = [(1000, 2400), (10**4, 10**5), (10**6, 10**7)]
sizes = [np.geomspace(first, last, 8).round().astype(int) for first, last in windows]
risks = [[exact_risk(n) for n in window] for window in sizes]
fits = [kt.fit_rate(window, risk) for window, risk in zip(sizes, risks, strict=True)]
straight = [np.corrcoef(np.log(window), np.log(risk))[0, 1] ** 2 for window, risk in zip(sizes, risks, strict=True)]
kt.lessons.table({"window": [f"{a:,} to {b:,}" for a, b in windows], "slope": [f.slope for f in fits], "R^2": straight})
assert min(straight) > 0.999
assert abs(fits[0].slope + 0.5315) < 0.002
assert fits[0].compare(-0.5, tolerance=0.02).differs
assert fits[2].compare(-0.5, tolerance=0.001).agrees

# %% [markdown]
# ## Show it: the error
#
# A simulated risk has a standard error, and so has the slope: with weights
# $1/\sigma_i^2$ for relative errors $\sigma_i$ of the risks, it is
# $1 / \sqrt{\sum_i (\log n_i - m)^2 / \sigma_i^2}$, m being the weighted mean
# of $\log n_i$. If the errors are honest, the slope of one study in twenty is
# further than 2 of them from the truth, and hardly ever further than 4. Here
# are a hundred studies.

# %%
few = [100, 300, 1000, 3000]


def coin_like(n):
    """A small hard teacher, quick to simulate."""
    return kt.instance(1, 1, 4, n)


true_slope = kt.fit_rate(few, [float(kt.expected_risk(coin_like(n), "CE_sgl", n)) for n in few]).slope
off = []
for seed in range(100):
    study = kt.simulate(coin_like, "CE_sgl", n=few, reps=200, seed=seed)
    fit = kt.fit_rate(study["n"], study["mean"], study["mcse"])
    off.append(abs(fit.slope - true_slope) / fit.slope_se)
within = np.mean(np.array(off) <= 2)
print(f"last study: {fit.compare(-0.5)}")
print(f"within 2 standard errors: {within:.0%} of the studies; largest {max(off):.1f}")
assert max(off) <= 4
assert within > 0.86  # 95 % expected, less 4 standard errors of such a share

# %% [markdown]
# Two things follow. A slope that is given without its error says nothing about
# a rate: -0.480 and -0.5 agree here, since the error is 0.012. And more repeats
# help where another decade of n does not: the error falls with the square root
# of the repeats. `kt.fit_rate` takes the column `mcse` of `kt.simulate` for
# this.
#
# ## Break it
#
# All of this assumes that there *is* a power of n. Take the curve
# $\log(n) / n$: its exponent is -1, with a logarithm in front. Its local slope
# is $-1 + 1/\log n$, which is -0.87 about n = 3,000 and hardly moves in a
# decade. The line is straight, the local slopes stand still within the
# tolerance, `resolved` is true, and the slope is wrong. In this window no slope
# tells $\log(n)/n$ from $n^{-0.87}$.
#
# A sum of two powers is at least found out, if the window is wide enough: its
# local slopes run from one exponent to the other. So draw the local slopes,
# too, as on the right.

# %%
decade, wide = (np.geomspace(10**3, last, 8).round().astype(int) for last in (10**4, 10**7))
with_log = kt.fit_rate(decade, np.log(decade) / decade)
two_powers = kt.fit_rate(wide, 1 / wide + 0.01 / np.sqrt(wide))
print("log(n)/n, one decade:            ", with_log)
print("1/n + 0.01/sqrt(n), four decades:", two_powers)
assert with_log.resolved
assert abs(with_log.slope + 1) > 0.1  # broken: resolved, and far from the exponent -1
assert not two_powers.resolved

# %% [markdown]
# On the left the eight points of $\log(n)/n$ and the line through them; the eye
# sees no bend. On the right the local slopes of three curves over five decades.
# Where they stand still at -1/2 there is a rate. The one that creeps towards -1
# will not arrive: at $n = 10^{8}$ it is still $1/\log n = 0.054$ away.

# %%
line = [
    kt.lessons.Line("log(n) / n", decade, np.log(decade) / decade, "o"),
    kt.lessons.Line(f"line, slope {with_log.slope:.3f}", decade, with_log.predict(decade)),
]
far = np.geomspace(10**3, 10**8, 11).round().astype(int)
three = {"log(n) / n": np.log(far) / far, "1/n + 0.01/sqrt(n)": 1 / far + 0.01 / np.sqrt(far)}
three["CE_sgl, S = 100, A = 8"] = [exact_risk(n) for n in far]
fitted = {label: kt.fit_rate(far, risk) for label, risk in three.items()}
local = [kt.lessons.Line(label, fit.local_n, fit.local_slopes, "o-") for label, fit in fitted.items()]
local += [kt.lessons.Line("", None, power, "k--") for power in (-0.5, -1)]
kt.lessons.draw(
    "08_reading_a_slope",
    kt.lessons.Panel("A perfect line with the wrong slope", "n", "risk", line, log="xy"),
    kt.lessons.Panel("Draw the local slopes, too", "n", "local slope", local, log="x", ylim=(-1.05, -0.2)),
)

# %% [markdown]
# ## Question 1
#
# The risk is 0.02 at n = 100 and 0.005 at n = 400. What is the slope?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = -1`: four times the samples, a quarter of the risk:
# $\log(1/4) / \log 4 = -1$.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.fit_rate([100, 400], [0.02, 0.005]).slope
kt.lessons.check(answer_1, truth_1, (0.005 - 0.02) / (400 - 100), "that is the slope without the logarithms")

# %% [markdown]
# ## Question 2
#
# Two points, a factor 10 apart in n, each risk known to 1 percent (one standard
# error). What is the standard error of the slope?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 0.01 * math.sqrt(2) / math.log(10)`: the slope is a difference of
# two logarithms, each with the error 0.01, divided by $\log 10$; two
# independent errors add in squares.
#
# </details>

# %%
answer_2 = ...
truth_2 = kt.fit_rate([100, 1000], [0.1, 0.03], mcse=[0.001, 0.0003]).slope_se
why_2 = "that forgets that two errors add in squares, and that a decade is log(10) = 2.3 long"
kt.lessons.check(answer_2, truth_2, 0.01, why_2)
