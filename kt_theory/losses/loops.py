"""The compiled loops of the solvers, a row of labels at a time.

They fill arrays that they are given. A row is solved by itself, and its answer is the same in any company.
"""

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


@jit
def downhill(slope, left, steps, turns, inverse, newest, way, along, most):  # type: ignore[no-untyped-def]
    """Fill `way` with minus the gradients times the inverse Hessians that the memory of L-BFGS stands for.

    slope and way, shape (R, A), are of the rows left, shape (R,), of the memory: steps and turns, shape (M, N, A), and
    inverse, shape (M, N), 0 where nothing is remembered, a ring whose last entry is `newest`. Fills along, the products
    of way and gradient, and most, the largest change of a logit, shape (R,). Where the memory leads uphill it is
    forgotten.
    """
    M = steps.shape[0]
    R, A = slope.shape
    parts = np.empty(M)
    q = np.empty(A)
    for i in range(R):
        n = left[i]
        size = 0.0
        for a in range(A):
            q[a] = slope[i, a]
            size = max(size, abs(q[a]))
        for j in range(M):
            m = (newest - j) % M
            if inverse[m, n] > 0.0:
                parts[m] = inverse[m, n] * _product(steps[m, n], q)
                for a in range(A):
                    q[a] -= parts[m] * turns[m, n, a]
        scale = 1.0 / max(1.0, size)
        if inverse[newest, n] > 0.0:
            bend = _product(turns[newest, n], turns[newest, n])
            if bend > 0.0:
                scale = 1.0 / max(inverse[newest, n] * bend, 1e-300)
        for a in range(A):
            q[a] *= scale
        for j in range(M - 1, -1, -1):
            m = (newest - j) % M
            if inverse[m, n] > 0.0:
                part = parts[m] - inverse[m, n] * _product(turns[m, n], q)
                for a in range(A):
                    q[a] += part * steps[m, n, a]
        along[i] = -_product(q, slope[i])
        if not along[i] < 0.0:
            along[i] = -_product(slope[i], slope[i])
            for a in range(A):
                q[a] = slope[i, a]
            for m in range(M):
                inverse[m, n] = 0.0
        most[i] = 0.0
        for a in range(A):
            way[i, a] = -q[a]
            most[i] = max(most[i], abs(q[a]))


@jit
def _product(x, y):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(x.size):
        total += x[a] * y[a]
    return total


@jit
def remember(left, newest, z, new_z, slope, new_slope, accepted, steps, turns, inverse, straight):  # type: ignore[no-untyped-def]
    """Put the last steps of the rows left into the memory of `downhill`; all is forgotten where none was accepted.

    straight, shape (R,), doubles where the gradient did not change along the step, and is 1 elsewhere.
    """
    for i in range(left.size):
        n = left[i]
        inverse[newest, n] = 0.0
        if not accepted[i]:
            straight[i] = 1.0
            for m in range(inverse.shape[0]):
                inverse[m, n] = 0.0
            continue
        curved = 0.0
        turned = 0.0
        size = 0.0
        for a in range(z.shape[1]):
            # Labels that are left out stay at -inf.
            step = new_z[i, a] - z[i, a] if new_z[i, a] != z[i, a] else 0.0
            turn = new_slope[i, a] - slope[i, a]
            steps[newest, n, a] = step
            turns[newest, n, a] = turn
            curved += step * turn
            turned = max(turned, abs(turn))
            size = max(size, abs(slope[i, a]))
        if curved > 1e-300:
            inverse[newest, n] = 1.0 / curved
        straight[i] = 1.0 if turned > 1e-12 * (size + 1e-300) else min(2.0 * straight[i], 1e6)


@jit
def rational(e, weight, bend, q):  # type: ignore[no-untyped-def]
    """Fill q with the laws that have e (weight / q + bend) equal on all labels of a row, for weight > 0, bend >= 0.

    q_a = weight e_a / (gap + bend (max e - e_a)), with the gap from their sum. 1 / sum is concave in the gap: Newton's
    steps from below, where the largest probability alone is 1, rise to the root without passing it.
    """
    N, A = e.shape
    for n in range(N):
        top = e[n].max()
        gap = weight * top
        for _ in range(STEPS):
            total = 0.0
            slope = 0.0
            for a in range(A):
                x = 1.0 / (gap + bend * (top - e[n, a]))
                total += weight * e[n, a] * x
                slope += weight * e[n, a] * x * x
            step = total * (total - 1.0) / slope
            if not step > 1e-16 * gap:
                break
            gap += step
        total = 0.0
        for a in range(A):
            q[n, a] = e[n, a] / (gap + bend * (top - e[n, a]))
            total += q[n, a]
        for a in range(A):
            q[n, a] /= total


@jit
def focal(e, gamma, q):  # type: ignore[no-untyped-def]
    """Fill q with the minimisers of the focal loss for gamma > 0 and laws e of the labels; return the most steps.

    log e_a + log phi(q_a) is made equal on all labels and sum q = 1, by Newton's steps on the logits t of each q_a.
    log phi is close to linear in t, with slopes between -1 and -gamma at the ends. A step is cut where it is long, so
    that a row may need many for a law that is near a vertex. Labels of equal probability share a logit.
    """
    N, A = e.shape
    value = np.empty(A)
    times = np.empty(A)
    t = np.empty(A)
    height = np.empty(A)
    slope = np.empty(A)
    mine = np.empty(A, dtype=np.int64)
    most = 0
    for n in range(N):
        levels = 0
        for a in range(A):
            mine[a] = -1
            if e[n, a] > 0.0:
                k = 0
                while k < levels and value[k] != e[n, a]:
                    k += 1
                if k == levels:
                    value[k] = e[n, a]
                    times[k] = 0.0
                    levels += 1
                times[k] += 1.0
                mine[a] = k
        if levels == 1 and times[0] == 1.0:  # one label seen: the infimum is its point mass
            for a in range(A):
                q[n, a] = 1.0 if mine[a] == 0 else 0.0
            continue
        for k in range(levels):
            t[k] = np.log(value[k]) - np.log1p(-min(value[k], 1.0 - 1e-12))
        count = 0
        while count < STEPS:
            count += 1
            mass = 0.0
            weighted = 0.0
            weight = 0.0
            for k in range(levels):
                u = np.exp(-abs(t[k]))
                larger = 1.0 / (1.0 + u)
                p = larger if t[k] >= 0.0 else u * larger
                rest = u * larger if t[k] >= 0.0 else larger
                log_p = -np.log1p(u) - max(-t[k], 0.0)
                log_rest = log_p - t[k]
                # phi = rest^(gamma - 1) (rest - gamma p log p) / p
                mix = rest - gamma * p * log_p
                height[k] = np.log(value[k] * mix) + (gamma - 1.0) * log_rest - log_p
                slope[k] = -(gamma - 1.0) * p - rest - p * rest * (1.0 + gamma * (log_p + 1.0)) / mix
                w = times[k] * p * rest / slope[k]
                mass += times[k] * p
                weighted += w * height[k]
                weight += w
            level = (1.0 - mass + weighted) / weight
            longest = 0.0
            for k in range(levels):
                slope[k] = (level - height[k]) / slope[k]
                longest = max(longest, abs(slope[k]))
            for k in range(levels):
                t[k] += slope[k] / max(1.0, longest)
            if not longest > 1e-14:
                break
        most = max(most, count)
        total = 0.0
        for a in range(A):
            q[n, a] = 1.0 / (1.0 + np.exp(-t[mine[a]])) if mine[a] >= 0 else 0.0
            total += q[n, a]
        for a in range(A):
            q[n, a] /= total
    return most


@jit
def assigned(e, values, w, q, unique):  # type: ignore[no-untyped-def]
    """Fill q with the minimisers of -sum e log q + w sum |q - t|, for w > 0, and whether each is the only one.

    t are the values of a row, in descending order, given to the labels in the descending order of e, ties by number.
    Label a has e_a / (mu + w) where that exceeds t_a, e_a / (mu - w) where that lies below, else t_a; unseen labels
    keep t_a for mu < w, have 0 for mu > w, and share what is left at mu = w. Below w a step to the root of the labels
    that exceed t now rises to mu without passing it, and ends when these stay the same. Where labels of equal e have
    unequal q another assignment is as good.
    """
    N, A = e.shape
    order = np.empty(A, dtype=np.int64)
    t = np.empty(A)
    for n in range(N):
        seen = 0
        for a in range(A):  # a stable order, by insertion: few labels are seen
            if e[n, a] > 0.0:
                i = seen
                while i > 0 and e[n, order[i - 1]] < e[n, a]:
                    order[i] = order[i - 1]
                    i -= 1
                order[i] = a
                seen += 1
        i = seen
        for a in range(A):
            if not e[n, a] > 0.0:
                order[i] = a
                i += 1
        rest = 0.0
        at_kink = 0.0
        for i in range(A):
            t[i] = values[n, i]
            if i < seen:
                at_kink += max(t[i], e[n, order[i]] / (2.0 * w))
            else:
                rest += t[i]
        left = rest  # what unseen labels have
        if at_kink > 1.0:
            left = 0.0
            low, high = w, w + 1.0
            while True:
                mu = 0.5 * (low + high)
                if not low < mu < high:
                    break
                total = 0.0
                for i in range(seen):
                    total += _between(e[n, order[i]], t[i], mu, w)
                if total > 1.0:
                    low = mu
                else:
                    high = mu
        elif at_kink + rest >= 1.0:
            mu = w
            left = 1.0 - at_kink
        else:
            # The sum of all but unseen labels is sum max(t, e / x) at x = mu + w.
            x = 0.0
            while True:
                up = 0.0
                kept = 0.0
                for i in range(seen):
                    p = e[n, order[i]]
                    if x * t[i] < p:
                        up += p
                    else:
                        kept += t[i]
                new = up / (1.0 - rest - kept) if up > 0.0 else x
                if not new > x:
                    break
                x = new
            mu = x - w
        total = 0.0
        for i in range(A):
            unseen = t[i] * (left / rest) if rest > 0.0 else 0.0
            q[n, order[i]] = _between(e[n, order[i]], t[i], mu, w) if i < seen else unseen
            total += q[n, order[i]]
        exact = True
        for i in range(A):
            exact &= abs(q[n, order[i]] - t[i]) < 1e-14
        for i in range(A):
            q[n, order[i]] = t[i] if exact else q[n, order[i]] / total
        unique[n] = True
        for i in range(1, A):
            first, second = order[i - 1], order[i]
            if e[n, first] == e[n, second] and abs(q[n, first] - q[n, second]) > 1e-9:
                unique[n] = False


@jit
def _between(p, t, mu, w):  # type: ignore[no-untyped-def]
    """What a seen label of frequency p and aim t has at mu > -w."""
    up = p / (mu + w)
    if up > t:
        return up
    return min(t, p / (mu - w)) if mu > w else t
