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
# An upper bound speaks of one student. A lower bound speaks of all students,
# also of those nobody has thought of.
#
# **Theorem.** *Two points (Le Cam).* Take two teachers at total variation D,
# and let e be the error of the *best test* between the two after n samples,
# each being true with probability 1/2. Whatever a student answers, its risk at
# one of the two is at least $D \cdot e$. *A cube (Assouad).* If the teacher is
# made of many such pairs with independent signs, every pair sees only its share
# of the samples, and the losses add up.
#
# *Why.* Let the data x have the probabilities $P(x)$ and $Q(x)$ under the two.
# The answer's distances from the two teachers add up to D at least, by the
# triangle inequality. So the mean of the two risks is
#
# $$ \ge \frac{1}{2} \sum_x D \min(P(x), Q(x)) = D \cdot e , $$
#
# since the best test names the likelier teacher and errs with half of the
# smaller probability.
#
# The art: teachers far apart cost much but are told apart; teachers close
# together are confused but cost little.

# %%
import math

import numpy as np

import kt_theory as kt

# %% [markdown]
# ## Show it: two coins
#
# The teachers are coins with $\mathrm{P}(\text{heads}) = (1+D)/2$ and
# $(1-D)/2$. The best test guesses by majority, so it errs when the coin that
# favours heads shows fewer heads than tails (and half of the time when they are
# level). The best D is about $0.75 / \sqrt{n}$: the bias that n flips can just
# not see. The last two columns are the two ends of the minimax risk, which no
# student can beat and which some student reaches. It is about twice the bound
# of two points: with teachers of all biases between the two, nature does
# better.


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
ns = [10, 100, 1000]
bounds = [np.array([D * error_of_best_test(n, D) for D in D_grid]) for n in ns]
best, tops = [D_grid[bound.argmax()] for bound in bounds], [bound.max() for bound in bounds]
games = [kt.minimax_risk("hard", 1, 2, n) for n in ns]
ends = {"minimax risk from": [game.lower for game in games], "to": [game.upper for game in games]}
kt.lessons.table({"n": ns, "best D": best, "D * error": tops} | ends)
assert np.all(np.array(tops) < ends["minimax risk from"])  # a lower bound, and so below what the exact game says

# %% [markdown]
# ## Show it: a cube
#
# Now S inputs and A labels. In each row the labels form pairs, and in every
# pair one label has mass $(1+D)/A$ and the other $(1-D)/A$; which one is
# decided by a coin. There are $S A / 2$ pairs, each is visited about
# $2 n / (S A)$ times, and each is a test of its own. This is
# `kt.bounds.hard_lower_mean_assouad`, computed here by hand.
#
# Two points have only n to defend themselves with, whatever S and A; the cube
# spreads the samples over $S A / 2$ tests. This is where the factor
# $\sqrt{S A}$ of the rate comes from.


# %%
def assouad(S, A, n, D):
    """D times the error of the best test, averaged over how often a pair is visited."""
    visits = binomial(n, 2 / (S * A))
    often = np.flatnonzero(visits > 1e-13)
    return D * sum(visits[m] * error_of_best_test(int(m), D) for m in often)


S, A, n = 5, 8, 2000
values = {
    "two points": max(D * error_of_best_test(n, D) for D in D_grid),
    "the paper's bound": kt.bounds.hard_lower_mean(S=S, A=A, n=n),
    "the cube, by hand": max(assouad(S, A, n, D) for D in np.linspace(0.05, 0.2, 16)),
    "the cube, by kt_theory": kt.bounds.hard_lower_mean_assouad(S=S, A=A, n=n),
    "CE_sgl on instance 1": float(kt.expected_risk(kt.instance(1, S, A, n), "CE_sgl", n)),
}
kt.lessons.table({f"S = {S}, A = {A}, n = {n}": values.keys(), "risk": values.values()})
two_points, paper, by_hand, from_package, ours = values.values()
assert abs(by_hand / from_package - 1) < 0.01
assert two_points < paper < by_hand < ours

# %% [markdown]
# The cube gives more than four times what two points give, and three times the
# paper's bound, which is Assouad's with simpler inequalities. The student
# `CE_sgl` has three times as much on the paper's hard teacher: between what is
# proved of all students and what one student does there is room, which N8 of
# the report closes in the limit.
#
# On the left of the picture the bound of two points, times $\sqrt{n}$, against
# their distance: for every n the same hill, moved. On the right two of the
# sixteen rows of a cube with four pairs of labels, with all signs turned.

# %%
curves = [kt.lessons.Line(f"n = {n}", D_grid, math.sqrt(n) * bound) for n, bound in zip(ns, bounds, strict=True)]
curves.append(kt.lessons.Line("best D", best, np.sqrt(ns) * tops, "ko"))
gap = 0.3 * np.array([1, -1, -1, 1, -1, 1, 1, -1])
corner = {"one corner": (1 + gap) / 8, "the opposite one": (1 - gap) / 8}
ticks = list("12345678")
kt.lessons.draw(
    "05_lower_bounds",
    kt.lessons.Panel("Too close: cheap. Too far: told apart.", "distance D", r"$\sqrt{n}$ D error", curves, log="x"),
    kt.lessons.Panel("Two teachers of the cube", "label", "probability", bars=corner, ticks=ticks, ylim=(0, 0.22)),
)

# %% [markdown]
# ## Break it
#
# The proof assumes that the two teachers may *move closer as n grows*. Fix
# their distance, say D = 0.3, and the bound is still true but says nothing: the
# test is soon sure, and the bound falls exponentially. With $D = d / \sqrt{n}$
# the error of the test tends to a constant, that of a normal variable of mean d
# to be negative, and the bound keeps the rate $1/\sqrt{n}$.

# %%
sizes = [100, 400, 1600]
moving = [max(D * error_of_best_test(n, D) for D in np.geomspace(0.3, 3, 30) / math.sqrt(n)) for n in sizes]
fixed = [0.3 * error_of_best_test(n, 0.3) for n in sizes]
kt.lessons.table({"n": sizes, "D moves with n": moving, "D = 0.3": fixed})
assert abs(kt.fit_rate(sizes, moving).slope + 0.5) < 0.01
assert fixed[-1] < 1e-20 < moving[-1]  # broken: nothing is left of it

# %% [markdown]
# ## Question 1
#
# One input, two labels, and *no* samples. The teacher may be any row. Which
# expected risk can no student avoid?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.5`: the two sure rows are D = 1 apart, and a test without
# samples errs half of the time. The student that answers (1/2, 1/2) is never
# more than 1/2 off, so the bound is reached.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.minimax_risk("hard", 1, 2, 0).lower
kt.lessons.check(answer_1, truth_1, 1, "a student that answers (1/2, 1/2) is never more than 1/2 off")

# %% [markdown]
# ## Question 2
#
# You take four times the samples. By what factor does the best distance D of
# the two coins shrink?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 2`: the best D is a constant over $\sqrt{n}$, since a coin's bias
# D is seen after about $1/D^2$ flips.
#
# </details>

# %%
answer_2 = ...


def best_distance(n):
    """The D that makes the bound largest, on a fine grid."""
    fine = np.linspace(0.4, 1.2, 161) / math.sqrt(n)
    return fine[np.argmax([D * error_of_best_test(n, D) for D in fine])]


truth_2 = best_distance(501) / best_distance(2004)
kt.lessons.check(answer_2, truth_2, 4, "a coin's bias D is seen after about 1/D^2 flips, not after 1/D")
