"""Numba loops over the records of a log, in order. They validate nothing and draw nothing.

At a record of group g (an input, told by one model) the labels told at g before are known with their probabilities;
r is what these leave. Under the stated law the record is known label a with probability p(a), or some other label,
"new", with probability r. Everything that a loop adds up is a function of the record and of what was known before it.

Cells of a group stand in the order of falling probability, so that prefix sums (Fenwick trees over the known cells)
give the mass and the number of known labels that are more probable than a given one.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.compiled import jit


@jit
def _add(tree: np.ndarray, start: int, size: int, position: int, value: float) -> None:
    """Add to one position, from 0, of the tree at `start`."""
    i = position + 1
    while i <= size:
        tree[start + i - 1] += value
        i += i & -i


@jit
def _below(tree: np.ndarray, start: int, position: int) -> float:
    """The sum over the positions before this one."""
    total, i = 0.0, position
    while i > 0:
        total += tree[start + i - 1]
        i -= i & -i
    return total


@jit
def _reaching(tree: np.ndarray, start: int, size: int, wanted: float) -> int:
    """The first position at which the sum over it and those before is `wanted` or more; `size` if none is."""
    step = 1
    while step * 2 <= size:
        step *= 2
    i, left = 0, wanted
    while step > 0:
        if i + step <= size and tree[start + i + step - 1] < left:
            i += step
            left -= tree[start + i - 1]
        step //= 2
    return i


@jit
def _learn(
    g: int,
    c: int,
    offsets: np.ndarray,
    logp: np.ndarray,
    known: np.ndarray,
    tree: np.ndarray,
    ranks: np.ndarray,
    moments: np.ndarray,
    betas: np.ndarray,
    partition: np.ndarray,
    levels: np.ndarray,
    level_mass: np.ndarray,
    tops: np.ndarray,
    top_mass: np.ndarray,
) -> None:
    """Make cell c of group g known, and bring what is kept of the group up to date."""
    known[c] = True
    start, size = offsets[g], offsets[g + 1] - offsets[g]
    x = logp[c]
    p = math.exp(x)
    _add(tree, start, size, c - start, p)
    _add(ranks, start, size, c - start, 1.0)
    moments[g, 0] += p
    moments[g, 1] += p * x
    moments[g, 2] += p * x * x
    moments[g, 3] += p * x * x * x
    moments[g, 4] += 1.0
    for b in range(betas.shape[1]):
        partition[g, b] += math.exp(betas[g % betas.shape[0], b] * x)
    for j in range(levels.size):
        if moments[g, 0] < levels[j]:
            level_mass[g, j] = moments[g, 0]
        else:
            at = min(_reaching(tree, start, size, levels[j]), size - 1)
            level_mass[g, j] = _below(tree, start, at + 1)
    for j in range(tops.size):
        if moments[g, 4] <= tops[j]:
            top_mass[g, j] = moments[g, 0]
        else:
            at = min(_reaching(ranks, start, size, float(tops[j])), size - 1)
            top_mass[g, j] = _below(tree, start, at + 1)


@jit
def walk(
    groups: np.ndarray,
    cells: np.ndarray,
    offsets: np.ndarray,
    logp: np.ndarray,
    listed: np.ndarray,
    zero: np.ndarray,
    betas: np.ndarray,
    levels: np.ndarray,
    tops: np.ndarray,
    reference: int,
    slack: float,
    weights: np.ndarray,
    wanted: float,
    totals: np.ndarray,
    evidence: np.ndarray,
) -> None:
    """Fill `totals` and `evidence` with what the records amount to.

    Parameters
    ----------
    groups, cells : ndarray of int64, shape (n,)
        Group and cell of each record.
    offsets : ndarray of int64, shape (G + 1,)
        The cells of group g are ``offsets[g]:offsets[g + 1]``, in the order of falling `logp`.
    logp : ndarray, shape (C,)
        Natural log-probabilities, NaN for a label that is never told.
    listed : ndarray of bool, shape (C,)
        The cells that are known before the first record.
    zero : ndarray of bool, shape (C,)
        The cells of NaN that are told to have probability 0.
    betas : ndarray, shape (1, B) or (G, B)
        Inverse temperatures of the alternatives, the same for all groups or each group's own.
    levels, tops : ndarray, shapes (L,) and (K,)
        Masses and sizes of the truncated alternatives.
    reference : int
        Which of the levels the score of truncation is that of.
    slack : float
        How far, relatively, probabilities may be off by rounding. A rest below ten times as much is taken for 0.
    weights : ndarray, shape (B + L + K,)
        Prior weights of the alternatives, of sum 1.
    wanted : float
        The logarithm of the mixture at which the record is noted.
    totals : ndarray, shape (15,)
        See `kt_theory.logcheck.laws.Totals`.
    evidence : ndarray, shape (B + L + K,)
        Logarithms of the test martingales, one for each alternative.
    """
    G, B, L, K = offsets.size - 1, betas.shape[1], levels.size, tops.size
    known = np.zeros(logp.size, np.bool_)
    tree, ranks = np.zeros(logp.size), np.zeros(logp.size)
    moments = np.zeros((G, 5))
    partition, level_mass, top_mass = np.zeros((G, B)), np.zeros((G, L)), np.zeros((G, K))
    for g in range(G):
        for c in range(offsets[g], offsets[g + 1]):
            if listed[c]:
                _learn(
                    g, c, offsets, logp, known, tree, ranks, moments, betas, partition, levels, level_mass,
                    tops, top_mass
                )
    # The mean of log(p / r) over the new labels so far, from one label of p = r/e: how small new labels are.
    small, seen = -1.0, 1.0
    loss = math.log1p(2.0 * slack)
    peak = 0.0
    for t in range(groups.size):
        g, c = groups[t], cells[t]
        start = offsets[g]
        x = logp[c]
        mass = moments[g, 0]
        rest = 1.0 - mass
        whole = rest <= 10.0 * slack
        told = moments[g, 4] > 0.0
        old = known[c]
        if told and not (whole and not old):
            above = _below(tree, start, c - start) if x == x else 0.0
            rank = _below(ranks, start, c - start) if x == x else 0.0
            if whole:
                rest, scale = 0.0, 1.0 / mass
            else:
                scale = 1.0
            # --- the score of temperature: log p, of a new label its predicted value
            new = math.log(rest) + small / seen if rest > 0.0 else 0.0
            mean = scale * moments[g, 1] + rest * new
            second = scale * moments[g, 2] + rest * new * new
            third = scale * moments[g, 3] + rest * new * new * new
            variance = second - mean * mean
            if variance > 1e-12 * second and variance > 1e-15:
                difference = (x if old else new) - mean
                totals[0] += difference
                totals[1] += variance
                totals[2] += third - 3.0 * mean * second + 2.0 * mean * mean * mean
                totals[3] += 1.0
                # --- the score of truncation: likelihood ratio of the reference level, less 1
                inside, level = level_mass[g, reference], levels[reference]
                if mass < level:
                    q_old, q_new = 1.0 / (level * scale), max((1.0 - mass / level) / rest, 0.0) if rest > 0.0 else 0.0
                    if whole:
                        q_old, q_new = 1.0, 1.0
                    ratio = q_old if old else q_new
                    p_old = mass * scale
                    square = p_old * (q_old - 1.0) ** 2 + rest * (q_new - 1.0) ** 2
                    cube = p_old * (q_old - 1.0) ** 3 + rest * (q_new - 1.0) ** 3
                else:
                    q_old = 1.0 / (inside * scale)
                    ratio = q_old if old and above < level else 0.0
                    share = min(inside * scale, 1.0)
                    square = share * (q_old - 1.0) ** 2 + (1.0 - share)
                    cube = share * (q_old - 1.0) ** 3 - (1.0 - share)
                totals[4] += ratio - 1.0
                totals[5] += square
                totals[6] += cube
                totals[7] += difference * (ratio - 1.0)
            # --- test martingales
            for j in range(B):
                beta = betas[g % betas.shape[0], j]
                z = partition[g, j]
                if rest > 0.0:
                    z += math.exp(beta * math.log(rest) + (beta - 1.0) * small / seen)
                    if old:
                        factor = math.exp((beta - 1.0) * x) / z if z > 0.0 else 0.0
                    else:
                        factor = 1.0 - partition[g, j] / z if z > 0.0 else 0.0
                        factor /= rest
                else:
                    factor = math.exp((beta - 1.0) * x) / (z * scale) if z > 0.0 else 0.0
                evidence[j] += math.log(0.99 * factor + 0.01) - loss
            for j in range(L):
                level = levels[j]
                if mass >= level:
                    factor = 1.0 / (level_mass[g, j] * scale) if old and above < level else 0.0
                elif whole:
                    factor = 1.0
                elif old:
                    factor = 1.0 / level
                else:
                    factor = (1.0 - mass / level) / rest
                evidence[B + j] += math.log(0.99 * factor + 0.01) - loss
            for j in range(K):
                factor = 1.0
                if moments[g, 4] >= tops[j]:
                    factor = 1.0 / (top_mass[g, j] * scale) if old and rank < tops[j] else 0.0
                evidence[B + L + j] += math.log(0.99 * factor + 0.01) - loss
            largest = evidence.max()
            if largest > peak:
                total = 0.0
                for j in range(evidence.size):
                    total += weights[j] * math.exp(evidence[j] - largest)
                value = largest + math.log(total)
                if value > totals[8]:
                    totals[8] = value
                if value >= wanted and totals[9] == 0.0:
                    totals[9] = t + 1.0
                peak = totals[8]
            # --- what was drawn outside
            if above > totals[10]:
                totals[10] = above
            if rank > totals[11]:
                totals[11] = rank
            if old and rank == 0.0:
                totals[13] += 1.0
        elif told and rest <= slack and not zero[c]:
            totals[14] += 1.0
        if told:
            totals[12] += 1.0
        if not old and x == x:
            if told and rest > 0.0:
                small += x - math.log(rest)
                seen += 1.0
            _learn(
                g, c, offsets, logp, known, tree, ranks, moments, betas, partition, levels, level_mass, tops, top_mass
            )


@jit
def tempered(
    groups: np.ndarray,
    cells: np.ndarray,
    offsets: np.ndarray,
    logp: np.ndarray,
    listed: np.ndarray,
    beta: float,
    out: np.ndarray,
) -> None:
    """Derivatives at `beta` of the partial log-likelihood of an inverse temperature, and their number.

    Given that a record is one of the known labels, it is a with probability p(a)^beta / sum over the known: exact for
    every beta, whatever the labels that are not known. `out` is the first derivative, the negative second one, and
    the number of records.
    """
    known = np.zeros(logp.size, np.bool_)
    sums = np.zeros((offsets.size - 1, 3))
    shift = np.zeros(offsets.size - 1)  # the largest log-probability, which comes first
    for g in range(offsets.size - 1):
        if offsets[g + 1] > offsets[g]:
            shift[g] = logp[offsets[g]]
        for c in range(offsets[g], offsets[g + 1]):
            if listed[c]:
                known[c] = True
                w = math.exp(beta * (logp[c] - shift[g]))
                sums[g, 0] += w
                sums[g, 1] += w * logp[c]
                sums[g, 2] += w * logp[c] * logp[c]
    for t in range(groups.size):
        g, c = groups[t], cells[t]
        x = logp[c]
        if known[c]:
            mean = sums[g, 1] / sums[g, 0] if sums[g, 0] > 0.0 else x
            variance = sums[g, 2] / sums[g, 0] - mean * mean if sums[g, 0] > 0.0 else 0.0
            out[0] += x - mean
            out[1] += max(variance, 0.0)
            out[2] += 1.0
        elif x == x:
            known[c] = True
            w = math.exp(beta * (x - shift[g]))
            sums[g, 0] += w
            sums[g, 1] += w * x
            sums[g, 2] += w * x * x
