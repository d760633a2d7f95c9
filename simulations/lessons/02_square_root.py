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
# # 2. Why hard labels cost the square root of n
#
# A student that sees labels only has nothing but their counts. `CE_sgl`, maximum likelihood, answers with frequencies.
#
# **Theorem.** Its expected risk behaves like `c / sqrt(n)`, where c adds up `sqrt(rho(s) p (1-p) / (2 pi))` over all
# inputs s and labels, p being the teacher's probability. No teacher has a larger c than `sqrt(S (A-1) / (2 pi))`, and
# no student has a better worst case in the limit. (The rate is in Z&Z, Theorems 3.1 and 3.2; the sharp constant is N8d
# in paper/paper.pdf.)
#
# The reason in one line: a frequency of n coin flips is off by about `sqrt(p (1-p) / n)`, and each label is a coin.

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


S, A = 10, 8
worst_constant = math.sqrt(S * (A - 1) / (2 * math.pi))


def hard_teacher(n):
    """Instance 1 of the paper: almost even labels, uneven by what n samples can just not see."""
    return kt.instance(1, S, A, n)


# %% [markdown]
# ## Show it
#
# Exact expected risks, and simulated ones with their standard errors. Look at the last column: it stands still, so the
# risk is a constant over sqrt(n), and the constant is the one of the theorem.

# %%
grid = [10**3, 10**4, 10**5, 10**6]
exact = [float(kt.expected_risk(hard_teacher(n), "CE_sgl", n)) for n in grid]
drawn = kt.simulate(hard_teacher, "CE_sgl", n=grid, reps=2000, seed=1)
z = (drawn["mean"].to_numpy() - exact) / drawn["mcse"].to_numpy()
print("        n   exact risk   simulated     z   sqrt(n) risk")
for n, risk, mean, off in zip(grid, exact, drawn["mean"], z, strict=True):
    print(f"{n:9}   {risk:.6f}     {mean:.6f}  {off:+.1f}   {math.sqrt(n) * risk:.4f}")
print(f"theory: sqrt(S (A-1) / (2 pi)) =              {worst_constant:.4f}")
fit = kt.fit_rate(grid, exact)
print("slope of log risk on log n:", fit)
assert np.all(np.abs(z) <= 4)
assert abs(math.sqrt(grid[-1]) * exact[-1] / worst_constant - 1) < 0.001
assert fit.resolved
assert abs(fit.slope + 0.5) < 0.002

# %%
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
fine = np.geomspace(grid[0], grid[-1], 25).round().astype(int)
colour = kt.plots.LOOK["CE_sgl"][0]
axes.fill_between(
    fine,
    kt.bounds.hard_lower_mean(S=S, A=A, n=fine),
    kt.bounds.hard_upper_mean(S=S, A=A, n=fine),
    color="#dddddd",
    label="between the paper's two bounds",
)
axes.loglog(fine, worst_constant / np.sqrt(fine), "--", color="black", label="sqrt(S(A-1) / (2 pi n))")
axes.errorbar(drawn["n"], drawn["mean"], 2 * drawn["mcse"], fmt="o", color=colour, label="CE_sgl, simulated")
axes.set_xlabel("number of samples n")
axes.set_ylabel("expected risk")
axes.set_title("Hundred times the samples, a tenth of the risk")
axes.legend(frameon=False, fontsize=8)
axes.grid(alpha=0.3)

# %% [markdown]
# ## Show it: the best student, and the best for your teacher
#
# "No better worst case" is true in the limit only. At finite n other students have a better one: the value of the game
# is below the worst risk of `CE_sgl`, and `ADD_sgl`, which adds `0.4 sqrt(n_s / (A-1))` to every count of an input that
# was visited n_s times, comes close to it.
#
# The worst teacher need not be yours. On a row with few frequent labels and many rare ones, as a language model has,
# `ADD_sgl` takes mass from the frequent labels and gives it to the rare ones. There counting is better, by far.

# %%
coins = [kt.Problem([1.0], [[p, 1 - p]]) for p in np.linspace(0, 0.5, 51)]
print("worst of 51 coins    CE_sgl   ADD_sgl   value of the game")
for n in (10, 100):
    worst = {name: max(float(kt.expected_risk(coin, name, n)) for coin in coins) for name in ("CE_sgl", "ADD_sgl")}
    game = kt.minimax_risk("hard", 1, 2, n)
    print(f"n = {n:<6}           {worst['CE_sgl']:.4f}   {worst['ADD_sgl']:.4f}    {game.upper:.4f}")
    assert game.upper < worst["ADD_sgl"] < worst["CE_sgl"]

ranks = np.arange(1, 1001)
zipf = kt.Problem([1.0], [ranks**-1.5 / (ranks**-1.5).sum()])
counted, added = (float(kt.expected_risk(zipf, name, 10_000)) for name in ("CE_sgl", "ADD_sgl"))
print(f"1000 labels, Zipf    {counted:.4f}   {added:.4f}    (n = 10000)")
assert added > 2 * counted

# %% [markdown]
# ## Break it
#
# The theorem assumes labels that are *random*: with p(1-p) = 0 everywhere the constant is 0. If each input has one sure
# label, a single look at an input is enough, and the risk is what inputs never seen cost: it falls exponentially.

# %%
sure = kt.Problem(np.full(S, 1 / S), np.eye(A)[np.arange(S) % A])
few = [50, 100, 200, 400]
sure_risk = np.array(kt.expected_risk(sure, "CE_sgl", few))
never_seen = (1 - 1 / A) * (1 - 1 / S) ** np.array(few, dtype=float)
print("        n   sure labels   c / sqrt(n)")
for n, risk in zip(few, sure_risk, strict=True):
    print(f"{n:9}   {risk:.3e}     {worst_constant / math.sqrt(n):.3f}")
assert kt.asymptotic_constant(sure) == 0
assert np.allclose(sure_risk, never_seen, rtol=1e-9)
assert not kt.fit_rate(few, sure_risk).resolved  # broken: no slope at all, it falls faster and faster
assert kt.fit_rate(few, sure_risk).local_slopes[-1] < -20

# %% [markdown]
# ## Question 1
#
# You want to halve the risk of `CE_sgl` on an even teacher. By what factor must you multiply the samples?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 4

# %%
even = kt.Problem([1.0], [[0.25] * 4])
now = kt.expected_risk(even, "CE_sgl", 1000)
truth_1 = min(range(1, 11), key=lambda factor: abs(kt.expected_risk(even, "CE_sgl", factor * 1000) / now - 0.5))
check(answer_1, truth_1, 2, "twice the samples divide the risk by sqrt(2) only")
print(f"Right: {truth_1} times")

# %% [markdown]
# ## Question 2
#
# The teacher is one fair coin: S = 1, A = 2. What does sqrt(n) times the expected risk tend to? (The risk is the
# distance between the frequency of heads and 1/2.)

# %% tags=["solution"]
answer_2 = 1 / math.sqrt(2 * math.pi)

# %%
coin = kt.Problem([1.0], [[0.5, 0.5]])
truth_2 = kt.asymptotic_constant(coin)
assert abs(1000 * kt.expected_risk(coin, "CE_sgl", 10**6) - truth_2) < 1e-5
check(
    answer_2,
    truth_2,
    0.5,
    "that is the standard deviation, and the mean of an absolute value is smaller, by sqrt(2 / pi)",
)
print(f"Right: {truth_2:.4f}")
