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
# # 7. A teacher that stays, and teachers that move with n
#
# "The rate is 1/n" does not mean that *your* risk falls like 1/n. It speaks of the worst teacher at each n, which is
# another one at every n.
#
# **Theorem** (after Z&Z Remark 6.1). Fix a teacher, and let c be the smallest mass of a pair (input, label) that can
# occur. The risk of `SEL_ptl` is at most `(1-c)^n`: exponentially small. And yet, at every n, some teacher costs about
# `1/n`. Both hold: curves that all fall exponentially can have an envelope that falls like 1/n.
#
# This is why the paper's figure 1 does not show the rates, and its figure 2 does.

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
# ## Show it
#
# Instance 0, the teacher of figure 1, stays. Instance 2 moves: at every n it is the paper's hard teacher for that n.
# The local slope is the exponent between one n and the next.

# %%
S, A = 10, 9
sizes = [100, 200, 400, 800, 1600]
stays = kt.instance(0, S, A)
risk_stays = np.array(kt.expected_risk(stays, "SEL_ptl", sizes))
risk_moves = np.array([float(kt.expected_risk(kt.instance(2, S, A, n), "SEL_ptl", n)) for n in sizes])
fit_stays, fit_moves = kt.fit_rate(sizes, risk_stays), kt.fit_rate(sizes, risk_moves)
print("    n   stays: risk   moves: risk    local slopes")
for i, n in enumerate(sizes):
    slopes = f"{fit_stays.local_slopes[i - 1]:7.2f} {fit_moves.local_slopes[i - 1]:7.2f}" if i else ""
    print(f"{n:5}   {risk_stays[i]:.2e}      {risk_moves[i]:.2e}    {slopes}")
c = stays.w.min()
assert np.all(risk_stays <= (1 - c) ** np.array(sizes))
assert fit_moves.resolved
assert abs(fit_moves.slope + 1) < 0.02
assert not fit_stays.resolved
assert fit_stays.local_slopes[-1] < -10

# %% [markdown]
# On the left what one pair of mass w costs, `w (1-w)^n`, for several w: each curve is flat at first, then falls off a
# cliff. The worst w at each n draws the envelope, and it is a straight line of slope -1.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.3), layout="constrained")
n = np.geomspace(1, 10**5, 300)
for w in (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003):
    left.loglog(n, w * (1 - w) ** n, color="#0072B2", linewidth=1, label="one w each" if w == 0.3 else None)
left.loglog(n, (n / (n + 1)) ** n / (n + 1), color="black", linestyle="--", label="worst w at each n")
left.set_ylim(1e-7, 1)
left.set_xlabel("number of samples n")
left.set_ylabel("w (1-w)^n")
left.set_title("Cliffs, and their envelope")
left.legend(frameon=False, fontsize=8, loc="upper right")
left.grid(alpha=0.3)

fine = np.geomspace(50, 10**5, 60).round().astype(int).tolist()
moving = [float(kt.expected_risk(kt.instance(2, S, A, n), "SEL_ptl", n)) for n in fine]
right.loglog(fine, moving, color="black", linestyle="--", label="instance 2, moving")
for frozen_at, colour in [(100, "#56B4E9"), (1000, "#0072B2"), (10**4, "#003C6B")]:
    frozen = np.array(kt.expected_risk(kt.instance(2, S, A, frozen_at), "SEL_ptl", fine))
    shown = frozen > 1e-8
    right.loglog(np.array(fine)[shown], frozen[shown], color=colour, label=f"frozen at n = {frozen_at}")
    right.plot(
        frozen_at, float(kt.expected_risk(kt.instance(2, S, A, frozen_at), "SEL_ptl", frozen_at)), "o", color=colour
    )
right.set_ylim(1e-7, 1)
right.set_xlabel("number of samples n")
right.set_ylabel("expected risk of SEL_ptl")
right.set_title("Instance 2, frozen and moving")
right.legend(frameon=False, fontsize=8, loc="upper right")
right.grid(alpha=0.3)

# %% [markdown]
# ## Break it
#
# The rate 1/n assumes that the teacher *may move with n*. Freeze instance 2 as it is at n = 1000. At n = 1000 it is as
# hard as ever; at n = 100000 its risk is not a hundredth of that, but nothing.

# %%
frozen = kt.instance(2, S, A, 1000)
at_home = float(kt.expected_risk(frozen, "SEL_ptl", 1000))
later = float(kt.expected_risk(frozen, "SEL_ptl", 100_000))
moved = float(kt.expected_risk(kt.instance(2, S, A, 100_000), "SEL_ptl", 100_000))
print(f"n = 1000: {at_home:.2e}.  n = 100000: frozen {later:.1e}, moving {moved:.2e}")
assert abs(moved / at_home * 100 - 1) < 0.01  # the rate 1/n
assert later < 1e-30  # broken: no rate at all
assert not kt.fit_rate([1000, 2000, 4000, 8000], kt.expected_risk(frozen, "SEL_ptl", [1000, 2000, 4000, 8000])).resolved

# %% [markdown]
# ## Question 1
#
# A pair has mass w = 0.01, and stays. By what factor does its cost `w (1-w)^n` change from n = 1000 to n = 2000?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.99**1000

# %%
truth_1 = kt.bounds.cell_missing_mass(n=2000, p=0.01) / kt.bounds.cell_missing_mass(n=1000, p=0.01)
check(
    answer_1,
    truth_1,
    0.5,
    "the rate is 1/n and twice the samples halve it, but that is the envelope and not this pair",
)
print(f"Right: {truth_1:.2e}")

# %% [markdown]
# ## Question 2
#
# Now *hard* labels: `CE_sgl` on a teacher that stays and whose labels are random. What is the slope of log risk on log
# n when n is large?

# %% tags=["solution"]
answer_2 = -0.5

# %%
large = [10**5, 10**6, 10**7]
random_labels = kt.Problem([0.5, 0.5], [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
truth_2 = kt.fit_rate(large, kt.expected_risk(random_labels, "CE_sgl", large)).slope
assert math.isclose(
    math.sqrt(10**7) * kt.expected_risk(random_labels, "CE_sgl", 10**7),
    kt.asymptotic_constant(random_labels),
    rel_tol=1e-3,
)
check(
    answer_2,
    truth_2,
    -1,
    "counting errors are there for every teacher that is not sure, so here staying does not help",
)
print(f"Right: {truth_2:.4f}")
