"""The compiled loop of the solvers: Newton's steps for sums of cross-entropies of one row of logits."""

from __future__ import annotations

import numpy as np

from kt_theory.compiled import jit

#: Steps of Newton's method for a row.
STEPS = 200


@jit
def mixtures(weights, temperatures, shifts, targets, z, residual, steps):  # type: ignore[no-untyped-def]
    """Minimise sum_k w_k T_k CE(t_k, softmax(z / T_k + b_k)) over the logits of each row, for two terms.

    The Hessian is a diagonal less two outer products; adding one of these back changes no step, since the gradient sums
    to 0, and leaves a system that is solved in O(A). Labels whose targets are all 0 have z = -inf and stay there.
    Arrays: weights and temperatures (2,), shifts and targets (2, N, A), z (N, A) at a start, and is filled; residual
    and steps (N,) are filled.
    """
    N, A = z.shape
    s = np.empty((2, A))
    new_s = np.empty((2, A))
    g = np.empty(A)
    new_g = np.empty(A)
    way = np.empty(A)
    trial = np.empty(A)
    c = weights / temperatures
    kept = 0 if c[0] >= c[1] else 1
    other = 1 - kept
    for n in range(N):
        value = _value(weights, temperatures, shifts, targets, z[n], n, s, g)
        size = np.abs(g).max()
        count = 0
        while size > 1e-12 and count < STEPS:
            count += 1
            a_g = 0.0
            a_s = 0.0
            for a in range(A):
                d = c[0] * s[0, a] + c[1] * s[1, a]
                if d > 0.0:
                    a_g += s[other, a] * g[a] / d
                    a_s += s[other, a] * s[other, a] / d
            factor = c[other] * a_g / (1.0 - c[other] * a_s) if c[other] > 0.0 else 0.0
            along = 0.0
            most = 0.0
            for a in range(A):
                d = c[0] * s[0, a] + c[1] * s[1, a]
                way[a] = -(g[a] + factor * s[other, a]) / d if d > 0.0 else 0.0
                along += way[a] * g[a]
                most = max(most, abs(way[a]))
            step = 1.0 if most <= 20.0 else 20.0 / most
            moved = False
            for _ in range(60):
                for a in range(A):
                    trial[a] = z[n, a] + step * way[a]
                new_value = _value(weights, temperatures, shifts, targets, trial, n, new_s, new_g)
                new_size = np.abs(new_g).max()
                falls = new_value <= value + 1e-4 * step * along
                # Where the value has no more digits the gradient decides.
                if falls or (new_value <= value + 1e-12 * (1.0 + abs(value)) and new_size < size):
                    moved = new_size < size or new_value < value
                    break
                if size < 1e-10:
                    break  # the last digits: a shorter step has none to gain
                step *= 0.5
            if not moved:
                break
            for a in range(A):
                z[n, a] = trial[a]
                g[a] = new_g[a]
                s[0, a] = new_s[0, a]
                s[1, a] = new_s[1, a]
            value, size = new_value, new_size
        residual[n] = size
        steps[n] = count


@jit
def _value(weights, temperatures, shifts, targets, z, n, s, g):  # type: ignore[no-untyped-def]
    """The value of row n; fills the two softmaxes and the gradient."""
    A = z.size
    value = 0.0
    for a in range(A):
        g[a] = 0.0
    for k in range(2):
        if weights[k] == 0.0:
            for a in range(A):
                s[k, a] = 0.0
            continue
        top = -np.inf
        for a in range(A):
            s[k, a] = z[a] / temperatures[k] + shifts[k, n, a]
            top = max(top, s[k, a])
        total = 0.0
        linear = 0.0
        for a in range(A):
            if targets[k, n, a] > 0.0:
                linear += targets[k, n, a] * (s[k, a] - top)
            s[k, a] = np.exp(s[k, a] - top)
            total += s[k, a]
        value += weights[k] * temperatures[k] * (np.log(total) - linear)
        for a in range(A):
            s[k, a] /= total
            g[a] += weights[k] * (s[k, a] - targets[k, n, a])
    return value
