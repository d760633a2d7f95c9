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
# With every sample the teacher now shows its *whole* row. One visit to an input, and the student `CE_ful` knows it.
# Only inputs never visited cost anything. Here we know exactly what is possible:
#
# **Theorem** (N9a in paper/paper.pdf). The best worst-case risk of any student is `(1 - 1/A) * max over rho of sum rho
# (1-rho)^n`. `CE_ful`, uniform on what it has not seen, reaches it. The worst teacher gives each input one sure label,
# at random (a Dirac row): on an input never seen, any guess is then wrong with probability 1 - 1/A.

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


def never_visited(rho, n):
    """The expected mass of the inputs that are not among n samples."""
    rho = np.asarray(rho)
    return (rho * (1 - rho) ** n).sum()


# %% [markdown]
# ## Show it
#
# Two inputs with masses x and 1 - x. The teacher's side of the game is to choose x. With few samples both inputs alike
# is worst; from n = 4 on it is worse to hide one rare input, of mass about 1/(n+1).

# %%
A = 4
x = np.linspace(0.001, 0.999, 999)
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
print(" n   worst rho          by the curve   kt.minimax_risk   CE_ful on it")
for n, colour in [(1, "#E69F00"), (3, "#56B4E9"), (4, "#009E73"), (8, "#0072B2"), (20, "#000000")]:
    curve = (1 - 1 / A) * np.array([never_visited([each, 1 - each], n) for each in x])
    game = kt.minimax_risk("soft", 2, A, n)
    reached = kt.expected_risk(game.instance, "CE_ful", n)
    print(f"{n:2}   {game.instance.rho.round(4)!s:18} {curve.max():.6f}       {game.lower:.6f}          {reached:.6f}")
    assert game.exact
    assert abs(curve.max() / game.lower - 1) < 1e-4  # the grid of x is not infinitely fine
    assert abs(reached / game.lower - 1) < 1e-9
    axes.plot(x, curve, color=colour, label=f"n = {n}")
    worst = game.instance.rho.min()
    axes.plot([worst, 1 - worst], [game.lower, game.lower], "o", color=colour, markersize=5)
axes.set_xlabel("mass x of the first input")
axes.set_ylabel("risk of CE_ful")
axes.set_title("Dots: the worst law of the inputs")
axes.legend(frameon=False, fontsize=8, ncols=5, loc="upper center")
axes.set_ylim(0, 0.46)
axes.grid(alpha=0.3)

# %% [markdown]
# Why does no student do better? Let the label of each input be a fair die with A sides. On an input never visited the
# data say nothing about it, and any answer v costs, on average over the die, `1 - 1/A`: here for random answers.

# %%
answers = np.random.default_rng(1).dirichlet(np.ones(A), size=5)
costs = [np.mean([kt.tv_risk([v], kt.Problem([1.0], [np.eye(A)[label]])) for label in range(A)]) for v in answers]
print("five answers, average cost of each:", np.round(costs, 6))
assert np.allclose(costs, 1 - 1 / A, rtol=1e-9)

# %% [markdown]
# ## Break it
#
# The student must be *even-handed* on what it has not seen. Give it a belief instead, say a pre-trained model that says
# (0.7, 0.1, 0.1, 0.1) on every input. Where the belief is right it gains; its worst case is worse than the game's
# value.

# %%
n = 20
belief = np.tile([0.7, 0.1, 0.1, 0.1], (2, 1))
game = kt.minimax_risk("soft", 2, A, n)
rho = game.instance.rho
friend = kt.Problem(rho, [[1, 0, 0, 0], [1, 0, 0, 0]])
enemy = kt.Problem(rho, [[0, 0, 0, 1], [0, 0, 0, 1]])
at_friend = kt.expected_risk(friend, "CE_ful", n, init=belief)
at_enemy = kt.expected_risk(enemy, "CE_ful", n, init=belief)
print(f"value of the game {game.upper:.5f}; with a belief: {at_friend:.5f} if it is right, {at_enemy:.5f} if not")
assert at_friend < game.lower
assert at_enemy > 1.15 * game.upper  # broken: no longer minimax
assert abs(at_enemy / ((1 - 0.1) * never_visited(rho, n)) - 1) < 1e-9

# %% [markdown]
# ## Question 1
#
# Two inputs, two labels, one sample (S = 2, A = 2, n = 1). What is the value of the game?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.25

# %%
truth_1 = kt.minimax_risk("soft", 2, 2, 1).lower
check(answer_1, truth_1, 0.5, "that is the mass that is not visited, but half of the time a guess is right")
print(f"Right: {truth_1:.4f}")

# %% [markdown]
# ## Question 2
#
# Three inputs and n = 100. In the worst law of the inputs two are rare. How much mass has each of them?

# %% tags=["solution"]
answer_2 = 1 / 101

# %%
truth_2 = kt.minimax_risk("soft", 3, 4, 100).instance.rho.min()
check(answer_2, truth_2, 1 / 3, "an input of that mass is certainly visited in a hundred samples, and costs nothing")
print(f"Right: {truth_2:.6f}, about 1/(n+1)")
