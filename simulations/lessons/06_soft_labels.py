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
# # 6. Soft labels: a game that can be solved
#
# With every sample the teacher now shows its *whole* row. One visit to an
# input, and the student `CE_ful` knows it. Only inputs never visited cost
# anything. Here we know exactly what is possible:
#
# **Theorem** (N9a in paper/paper.pdf). The best worst-case risk of any student
# is
#
# $$ \left(1 - \frac{1}{A}\right) \max_\rho \sum_s \rho_s (1 - \rho_s)^n . $$
#
# `CE_ful`, uniform on what it has not seen, reaches it. The worst teacher gives
# each input one sure label, at random (a Dirac row).
#
# *Why.* Input s is never visited with probability $(1 - \rho_s)^n$. There the
# uniform row is off by $1 - 1/A$ from a Dirac row, and by less from any other:
# total variation is convex, so that it is largest at the corners. No student
# does better, as the second part shows.

# %%
import numpy as np

import kt_theory as kt

A = 4


def never_visited(rho, n):
    """The expected mass of the inputs that are not among n samples."""
    rho = np.asarray(rho)
    return (rho * (1 - rho) ** n).sum()


# %% [markdown]
# ## Show it: nature's side
#
# Two inputs with masses x and 1 - x. The teacher's side of the game is to
# choose x. With few samples both inputs alike is worst; from n = 4 on it is
# worse to hide one rare input, of mass about $1/(n+1)$. The dots are what
# `kt.minimax_risk` names as the worst law, the curves are tried on a grid of x.

# %%
x = np.linspace(0.001, 0.999, 999)
ns = [1, 3, 4, 8, 20]
curves = {n: (1 - 1 / A) * np.array([never_visited([each, 1 - each], n) for each in x]) for n in ns}
games = {n: kt.minimax_risk("soft", 2, A, n) for n in ns}
rare = np.array([games[n].instance.rho.min() for n in ns])
top, value = np.array([curves[n].max() for n in ns]), np.array([games[n].lower for n in ns])
reached = np.array([float(kt.expected_risk(games[n].instance, "CE_ful", n)) for n in ns])
kt.lessons.table({"n": ns, "rarer input": rare, "top of the curve": top, "value": value, "CE_ful there": reached})
assert all(game.exact for game in games.values())
assert np.allclose(top, value, rtol=1e-4)  # the grid of x is not infinitely fine
assert np.allclose(reached, value, rtol=1e-9)

# %%
lines = [kt.lessons.Line(f"n = {n}", x, curve) for n, curve in curves.items()]
lines.append(kt.lessons.Line("worst law", [*rare, *(1 - rare)], [*value, *value], "ko"))
title = "Beyond n = 3 it is worst to hide a rare input"
panel = kt.lessons.Panel(title, "mass x of the first input", "risk of CE_ful", lines, ylim=(0, 0.46))
kt.lessons.draw("06_soft_labels", panel)

# %% [markdown]
# ## Show it: the student's side
#
# Why does no student do better? Let the label of each input be a fair die with
# A sides. On an input never visited the data say nothing about it, and any
# answer v costs, on average over the die,
#
# $$ \frac{1}{A} \sum_a (1 - v_a) = 1 - \frac{1}{A} . $$
#
# Here for random answers v. Against this nature all answers are alike; so no
# student is better than the value.

# %%
answers = np.random.default_rng(1).dirichlet(np.ones(A), size=5)
costs = [np.mean([kt.tv_risk([v], kt.Problem([1.0], [np.eye(A)[label]])) for label in range(A)]) for v in answers]
print("five answers, average cost of each:", np.round(costs, 6))
assert np.allclose(costs, 1 - 1 / A, rtol=1e-9)

# %% [markdown]
# ## Break it
#
# The student must be *even-handed* on what it has not seen. Give it a belief
# instead, say a pre-trained model that says (0.7, 0.1, 0.1, 0.1) on every
# input. Where the belief is right it gains: an input never visited costs 0.3
# instead of 0.75. Where it is wrong the same input costs 0.9, and the worst
# case counts: it is above the game's value.

# %%
n = 20
belief = np.tile([0.7, 0.1, 0.1, 0.1], (2, 1))
game = games[n]
friend, enemy = (kt.Problem(game.instance.rho, np.tile(np.eye(A)[label], (2, 1))) for label in (0, 3))
at_friend, at_enemy = (float(kt.expected_risk(teacher, "CE_ful", n, init=belief)) for teacher in (friend, enemy))
print(f"value of the game {game.upper:.5f}; with a belief: {at_friend:.5f} if it is right, {at_enemy:.5f} if not")
assert at_friend < game.lower
assert at_enemy > 1.15 * game.upper  # broken: no longer minimax
assert abs(at_enemy / ((1 - 0.1) * never_visited(game.instance.rho, n)) - 1) < 1e-9

# %% [markdown]
# ## Question 1
#
# Two inputs, two labels, one sample (S = 2, A = 2, n = 1). What is the value of
# the game?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.25`: with masses 1/2 each, the input that is not visited has the
# mass 1/2, and a guess there costs $1 - 1/A = 1/2$ of it.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.minimax_risk("soft", 2, 2, 1).lower
kt.lessons.check(answer_1, truth_1, 0.5, "that is the mass that is not visited, but half of the time a guess is right")

# %% [markdown]
# ## Question 2
#
# Three inputs and n = 100. In the worst law of the inputs two are rare. How
# much mass has each of them?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 1 / 101`: $x (1-x)^n$ is largest at $x = 1/(n+1)$. The third input
# has what is left, and is certainly visited.
#
# </details>

# %%
answer_2 = ...
truth_2 = kt.minimax_risk("soft", 3, 4, 100).instance.rho.min()
why_2 = "an input of that mass is certainly visited in a hundred samples, and costs nothing"
kt.lessons.check(answer_2, truth_2, 1 / 3, why_2)
