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
# Take logarithms of n and of the risk, draw a line, read the slope: that is how a rate is measured. What does it say?
#
# **The idea.** A slope is a statement about *one curve in one window*. If the risk is `c / n^b` exactly, the slope is
# `-b`. If it is not, the slope is an average of the local slopes in the window, and another window has another average.
# So report the window, the error, and whether the local slopes stand still: `kt.fit_rate` says `resolved`.

# %%
import math
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import kt_theory as kt

if "ipykernel" not in sys.modules:
    matplotlib.use("Agg")  # run as a plain script: draw, but open no window


def check(answer, truth, wrong, why):
    """Stop with a sentence unless an answer is right, within two percent; `wrong` is an answer that many give."""
    try:
        number = float(answer)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{answer!r} is not one finite number: write one, or a formula for it, after the =.")
    if abs(number - truth) > 0.02 * abs(truth):
        known = abs(number - wrong) <= 0.005 * abs(wrong)
        reason = why if known else f"it is too {'small' if number < truth else 'large'}"
        raise ValueError(f"{number:.4g} is not right: {reason}.")


# %% [markdown]
# ## Show it: the window
#
# Hard labels, S = 100 inputs, A = 8 labels: theory says -1/2. Between n = 1000 and 2400 the slope is -0.532, which is
# also what the paper reports in its figure 2 (it does not say for which sizes). Nothing is wrong with either. With n =
# 1000 an input is visited ten times only, and the limit is not there yet.

# %%
S, A = 100, 8


def exact_risk(n):
    """Expected risk of CE_sgl on its hard teacher, without any simulation."""
    return float(kt.expected_risk(kt.instance(1, S, A, n), "CE_sgl", n))


windows = [(1000, 2400), (10**4, 10**5), (10**6, 10**7)]
fits = {}
for first, last in windows:
    sizes = np.geomspace(first, last, 8).round().astype(int)
    risks = [exact_risk(int(n)) for n in sizes]
    fits[first] = kt.fit_rate(sizes, risks)
    straight = np.corrcoef(np.log(sizes), np.log(risks))[0, 1] ** 2
    print(f"{fits[first]}, R^2 = {straight:.6f}")
    assert straight > 0.999  # a straight line in every window: R^2 says nothing about the limit
assert abs(fits[1000].slope + 0.5315) < 0.002
assert fits[1000].compare(-0.5, tolerance=0.02).differs
assert fits[10**6].compare(-0.5, tolerance=0.001).agrees

# %% [markdown]
# ## Show it: the error
#
# A simulated risk has a standard error, and so has the slope. If the errors are honest, the slope of one study in
# twenty is further than 2 of them from the truth, and hardly ever further than 4. Here are a hundred studies.

# %%
few = [100, 300, 1000, 3000]


def coin_like(n):
    """A small hard teacher, quick to simulate."""
    return kt.instance(1, 1, 4, n)


truth = [float(kt.expected_risk(coin_like(n), "CE_sgl", n)) for n in few]
off = []
for seed in range(100):
    study = kt.simulate(coin_like, "CE_sgl", n=few, reps=200, seed=seed)
    fit = kt.fit_rate(study["n"], study["mean"], study["mcse"])
    true_slope = kt.fit_rate(few, truth).slope
    off.append((fit.slope - true_slope) / fit.slope_se)
off = np.array(off)
print(f"last study: {fit.compare(-0.5)}")
print(f"within 2 standard errors: {np.mean(np.abs(off) <= 2):.0%} of the studies; largest {np.abs(off).max():.1f}")
assert np.abs(off).max() <= 4
assert np.mean(np.abs(off) <= 2) > 0.86  # 95 % expected, less 4 standard errors of such a share

# %% [markdown]
# ## Break it
#
# All of this assumes that there *is* a power of n. Take the curve `log(n) / n`: its exponent is -1, with a logarithm in
# front. In a window of one decade its logarithm changes so little that the line is straight, the local slopes stand
# still within the tolerance, `resolved` is true, and the slope is wrong. In this window no slope tells `log(n)/n` from
# `n^-0.87`. A sum of two powers is at least found out, if the window is wide enough.

# %%
decade = np.geomspace(10**3, 10**4, 8).round().astype(int)
with_log = kt.fit_rate(decade, np.log(decade) / decade)
print("log(n)/n, one decade:           ", with_log)
assert with_log.resolved
assert abs(with_log.slope + 1) > 0.1  # broken: resolved, and far from the exponent -1

wide = np.geomspace(10**2, 10**6, 9).round().astype(int)
two_powers = kt.fit_rate(wide, 1 / wide + 0.01 / np.sqrt(wide))
print("1/n + 0.01/sqrt(n), four decades:", two_powers)
print("its local slopes:", two_powers.local_slopes.round(2))
assert not two_powers.resolved

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
left.loglog(decade, np.log(decade) / decade, "o", color="#0072B2", label="log(n) / n")
left.loglog(decade, with_log.predict(decade), color="#D55E00", label=f"line, slope {with_log.slope:.3f}")
left.set_xlabel("n")
left.set_ylabel("risk")
left.set_title("A perfect line with the wrong slope")
left.legend(frameon=False)
left.grid(alpha=0.3)

far = np.geomspace(10**3, 10**8, 11).round().astype(int)
curves = {
    "log(n) / n": (np.log(far) / far, "#0072B2", "o"),
    "1/n + 0.01/sqrt(n)": (1 / far + 0.01 / np.sqrt(far), "#D55E00", "s"),
    "CE_sgl, S=100, A=8": ([exact_risk(int(n)) for n in far], "#009E73", "^"),
}
for label, (risks, colour, marker) in curves.items():
    fit = kt.fit_rate(far, risks)
    right.semilogx(fit.local_n, fit.local_slopes, marker=marker, markersize=4, color=colour, label=label)
for power in (-0.5, -1):
    right.axhline(power, color="black", linewidth=0.7, linestyle="--")
right.set_xlabel("n")
right.set_ylabel("local slope")
right.set_title("Draw the local slopes, too")
right.set_ylim(-1.05, -0.2)
right.legend(frameon=False, fontsize=8, loc="upper left")
right.grid(alpha=0.3)

# %% [markdown]
# ## Question 1
#
# The risk is 0.02 at n = 100 and 0.005 at n = 400. What is the slope?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = -1

# %%
truth_1 = kt.fit_rate([100, 400], [0.02, 0.005]).slope
check(answer_1, truth_1, (0.005 - 0.02) / (400 - 100), "that is the slope without the logarithms")
print(f"Right: {truth_1:.3f}")

# %% [markdown]
# ## Question 2
#
# Two points, a factor 10 apart in n, each risk known to 1 percent (one standard error). What is the standard error of
# the slope?

# %% tags=["solution"]
answer_2 = 0.01 * math.sqrt(2) / math.log(10)

# %%
truth_2 = kt.fit_rate([100, 1000], [0.1, 0.03], mcse=[0.001, 0.0003]).slope_se
check(answer_2, truth_2, 0.01, "that forgets that two errors add in squares, and that a decade is log(10) = 2.3 long")
print(f"Right: {truth_2:.5f}")
