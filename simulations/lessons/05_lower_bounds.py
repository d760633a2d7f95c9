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
# # 5. What no student can do: two teachers, then a cube of them
#
# An upper bound speaks of one student. A lower bound speaks of all students, also of those nobody has thought of.
#
# **Theorem.** *Two points (Le Cam).* Take two teachers at total variation D. Whatever a student answers, its distances
# to the two add up to at least D. So one of them makes it pay at least `D * e`, where e is the error of the *best test*
# between the two after n samples. *A cube (Assouad).* If the teacher is made of many such pairs with independent signs,
# every pair sees only its share of the samples, and the losses add up.
#
# The art: teachers far apart cost much but are told apart; teachers close together are confused but cost little.

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
# ## Show it: two coins
#
# The teachers are coins with P(heads) = (1+D)/2 and (1-D)/2. The best test guesses by majority, so it errs when the
# coin that favours heads shows fewer heads than tails (and half of the time when they are level).


# %%
def binomial(n, p):
    """The probabilities of 0, 1, ..., n heads."""
    k = np.arange(n + 1)
    logs = np.array([math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in k])
    return np.exp(logs + k * math.log(p) + (n - k) * math.log1p(-p))


def error_of_best_test(n, D):
    """The error of the best test between the two coins after n flips."""
    heads = binomial(n, (1 + D) / 2)
    k = np.arange(n + 1)
    return heads[2 * k < n].sum() + 0.5 * heads[2 * k == n].sum()


D_grid = np.geomspace(0.002, 0.95, 120)
best = {}
print("    n   best D   two points: D * error   minimax risk of a coin")
for n in (10, 100, 1000):
    bound = np.array([D * error_of_best_test(n, D) for D in D_grid])
    best[n] = (D_grid[bound.argmax()], bound)
    game = kt.minimax_risk("hard", 1, 2, n)
    print(f"{n:5}   {best[n][0]:.4f}   {bound.max():.5f}                 in [{game.lower:.5f}, {game.upper:.5f}]")
    assert bound.max() < game.lower  # a lower bound, and so below what the exact game says

# %% [markdown]
# ## Show it: a cube
#
# Now S inputs and A labels. In each row the labels form pairs, and in every pair one label has mass (1+D)/A and the
# other (1-D)/A; which one is decided by a coin. There are SA/2 pairs, each is visited about 2n/(SA) times, and each is
# a test of its own. This is `kt.bounds.hard_lower_mean_assouad`, computed here by hand.


# %%
def assouad(S, A, n, D):
    """D times the error of the best test, averaged over how often a pair is visited."""
    visits = binomial(n, 2 / (S * A))
    often = np.flatnonzero(visits > 1e-13)
    return D * sum(visits[m] * error_of_best_test(int(m), D) for m in often)


S, A, n = 5, 8, 2000
by_hand = max(assouad(S, A, n, D) for D in np.linspace(0.05, 0.2, 16))
from_package = kt.bounds.hard_lower_mean_assouad(S=S, A=A, n=n)
ours = float(kt.expected_risk(kt.instance(1, S, A, n), "CE_sgl", n))
two_points = max(D * error_of_best_test(n, D) for D in D_grid)
print(f"S={S}, A={A}, n={n}: two points give {two_points:.4f}, the cube gives {by_hand:.4f}")
print(f"the package says {from_package:.4f}; the paper {kt.bounds.hard_lower_mean(S=S, A=A, n=n):.4f}")
print(f"CE_sgl on instance 1 pays {ours:.4f}")
assert abs(by_hand / from_package - 1) < 0.01
assert two_points < kt.bounds.hard_lower_mean(S=S, A=A, n=n) < by_hand < ours

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
for (n, (D, bound)), style in zip(best.items(), ["-", "--", ":"], strict=True):
    left.semilogx(D_grid, math.sqrt(n) * bound, style, color="#0072B2", label=f"n = {n}")
    left.plot(D, math.sqrt(n) * bound.max(), "o", color="#D55E00")
left.set_xlabel("distance D of the two teachers")
left.set_ylabel("sqrt(n) D error")
left.set_title("Too close: cheap. Too far: told apart.")
left.set_ylim(-0.005, 0.21)
left.legend(frameon=False, fontsize=8, ncols=3, loc="upper center")
left.grid(alpha=0.3)

signs = [1, -1, -1, 1]
places = np.arange(8)
gap = 0.3 * np.ravel([(sign, -sign) for sign in signs])
right.bar(places, (1 + gap) / 8, 0.8, color=np.repeat(["#0072B2", "#56B4E9"], 2).tolist() * 2)
right.bar(places, (1 - gap) / 8, 0.8, fill=False, linestyle="--", edgecolor="#777777")
right.axhline(1 / 8, color="black", linewidth=0.8)
right.set_xticks(places[::2] + 0.5, [f"pair {i}: {'+' if sign > 0 else '-'}" for i, sign in enumerate(signs, 1)])
right.set_ylabel("teacher's probability")
right.set_title("One corner; dashed: signs turned")
right.margins(y=0.12)

# %% [markdown]
# ## Break it
#
# The proof assumes that the two teachers may *move closer as n grows*. Fix their distance, say D = 0.3, and the bound
# is still true but says nothing: the test is soon sure, and the bound falls exponentially.

# %%
sizes = [100, 400, 1600]
moving = [max(D * error_of_best_test(n, D) for D in np.geomspace(0.3, 3, 30) / math.sqrt(n)) for n in sizes]
fixed = [0.3 * error_of_best_test(n, 0.3) for n in sizes]
print("n              ", sizes)
print("D moves with n ", [f"{bound:.1e}" for bound in moving])
print("D = 0.3        ", [f"{bound:.1e}" for bound in fixed])
assert abs(kt.fit_rate(sizes, moving).slope + 0.5) < 0.01
assert fixed[-1] < 1e-20 < moving[-1]  # broken: nothing is left of it
assert not kt.fit_rate(sizes, fixed).resolved

# %% [markdown]
# ## Question 1
#
# One input, two labels, and *no* samples. The teacher may be any row. Which expected risk can no student avoid?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.5

# %%
truth_1 = kt.minimax_risk("hard", 1, 2, 0).lower
assert abs(1.0 * error_of_best_test(0, 0.999) - truth_1) < 1e-12  # two points, D = 1, and a test that can only guess
check(answer_1, truth_1, 1, "a student that answers (1/2, 1/2) is never more than 1/2 off")
print(f"Right: {truth_1:.3f}")

# %% [markdown]
# ## Question 2
#
# You take four times the samples. By what factor does the best distance D of the two coins shrink?

# %% tags=["solution"]
answer_2 = 2


# %%
def best_distance(n):
    """The D that makes the bound largest, on a fine grid."""
    fine = np.linspace(0.4, 1.2, 161) / math.sqrt(n)
    return fine[np.argmax([D * error_of_best_test(n, D) for D in fine])]


truth_2 = best_distance(501) / best_distance(2004)
check(answer_2, truth_2, 4, "a coin's bias D is seen after about 1/D^2 flips, not after 1/D")
print(f"Right: {truth_2:.2f}")
