"""What the solvers of losses cost, as ratios in one run: ``python bench_losses.py``.

Processor seconds of one thread. The reference is a plain loop of SciPy's L-BFGS-B over the inputs, with the analytic
gradient, from zero logits, to a gradient of 1e-9; both answers are compared. Then learners of losses in closed form
against the built-in learner of the same student, in a simulation.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

import kt_theory as kt
from kt_theory.losses.row import Row, softmax

#: Labels, inputs, and inputs on which the reference is timed.
SIZES = ((25, 1000, 100), (100, 1000, 100), (1000, 1000, 20))

#: Built-in learners of the protocols of losses; of others ``SEL@`` the protocol.
BUILT_IN = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful", "sorted": "CE_sgl"}


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The least processor time of some rounds."""
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def plain(e: np.ndarray, p: np.ndarray, alpha: float = 0.1, T: float = 4.0) -> np.ndarray:
    """Logits of kd_mix at one input."""
    aim = p ** (1 / T) / (p ** (1 / T)).sum()

    def value(z: np.ndarray) -> tuple[float, np.ndarray]:
        q, r = softmax(z), softmax(z / T)
        loss = -alpha * (e * np.log(q + 1e-300)).sum() - (1 - alpha) * T**2 * (aim * np.log(r)).sum()
        return loss, alpha * (q - e) + (1 - alpha) * T * (r - aim)

    options = {"gtol": 1e-9, "ftol": 1e-16, "maxiter": 5000, "maxfun": 10_000}
    return minimize(value, np.zeros(p.size), jac=True, method="L-BFGS-B", options=options).x


def mixtures() -> None:
    rng, loss = np.random.default_rng(0), kt.losses.make("kd_mix", alpha=0.1, T=4)
    print("kd_mix(.1, 4): labels, seconds, times the reference, total variation between both")
    for A, S, few in SIZES:
        p = rng.dirichlet(np.ones(A), size=S)
        e = np.array([rng.multinomial(50, row) for row in p]) / 50
        row = Row(e, np.full(S, 50.0), p, np.full(p.shape, 1 / A), 50.0 * S)
        student = loss.minimise(row).student
        mine = seconds(lambda row=row: loss.minimise(row))
        other = seconds(lambda e=e, p=p, few=few: [plain(e[i], p[i]) for i in range(few)], 1) * S / few
        there = softmax(np.array([plain(e[i], p[i]) for i in range(few)]))
        gap = 0.5 * np.abs(there - student[:few]).sum(axis=1).max()
        print(f"{A:6} {mine:10.4f} {other / mine:10.0f} {gap:10.1e}")


def pasted() -> None:
    """The same loss as a function of laws and rows with its gradient, as a user pastes it."""
    alpha, T = 0.1, 4.0

    def tempered(q: np.ndarray) -> np.ndarray:
        powers = q ** (1 / T)
        return powers / powers.sum(axis=-1, keepdims=True)

    def value(q: np.ndarray, row: Row) -> np.ndarray:
        aim, r = tempered(row.shown), tempered(q)
        soft = (aim * np.log((r + 1e-300) / aim)).sum(axis=-1)
        return -alpha * (row.labels * np.log(q + 1e-300)).sum(axis=-1) - (1 - alpha) * T**2 * soft

    def slope(q: np.ndarray, row: Row) -> np.ndarray:
        return alpha * (q - row.labels) + (1 - alpha) * T * (tempered(q) - tempered(row.shown))

    loss = kt.losses.own(value, "soft", per="input", gradient=slope, name="pasted")
    rng = np.random.default_rng(0)
    print("the same, pasted: labels, seconds, times the reference, total variation between both")
    for A, S, few in SIZES[:2]:
        p = rng.dirichlet(np.ones(A), size=S)
        e = np.array([rng.multinomial(50, row) for row in p]) / 50
        row = Row(e, np.full(S, 50.0), p, np.full(p.shape, 1 / A), 50.0 * S)
        student = loss.minimise(row).student
        mine = seconds(lambda row=row: loss.minimise(row), 2)
        other = seconds(lambda e=e, p=p, few=few: [plain(e[i], p[i]) for i in range(few)], 1) * S / few
        there = softmax(np.array([plain(e[i], p[i]) for i in range(few)]))
        gap = 0.5 * np.abs(there - student[:few]).sum(axis=1).max()
        print(f"{A:6} {mine:10.4f} {other / mine:10.1f} {gap:10.1e}")


def learners(S: int = 100, A: int = 25, n: int = 1000, reps: int = 400) -> None:
    """Every loss with a minimiser by a formula or a compiled loop; those with a compiled row are marked."""
    problem = kt.dirichlet_problem(S=S, A=A, seed=1)
    known: dict[str, float] = {}

    def cost(learner: str | kt.Learner) -> float:
        return seconds(lambda: kt.simulate(problem, [learner], n=n, reps=reps, seed=1, workers=1))

    print(f"simulate, {S} inputs of {A} labels, n = {n}: loss, built-in learner, times its cost")
    for name, kind in kt.losses.LOSSES.items():
        if not issubclass(kind, kt.losses.Loss) or not kind.closed or kind.couples_inputs:
            continue
        loss = kt.losses.make(name)
        if loss.protocol is None:
            continue
        learner = loss.learner()
        built_in = BUILT_IN.get(loss.protocol.name, f"SEL@{loss.protocol}")
        if built_in not in known:
            known[built_in] = cost(built_in)
        mark = "row" if learner.row is not None else ""
        print(f"{name:28} {built_in:18} {cost(learner) / known[built_in]:6.1f} {mark}", flush=True)


if __name__ == "__main__":
    mixtures()
    pasted()
    learners()
