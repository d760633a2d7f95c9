"""Whether lines of a log are repeated: a file appended to itself, or a part that was written twice.

Two runs of w lines with the same inputs hold the same labels with probability at most exp(-I), where I is the sum of
-log p over the labels of one of them, if the labels are drawn independently. There are fewer than n^2 / 2 pairs of
runs, so that two equal runs with I > log(n^2 / (2 level)) occur with probability at most `level`. A line that is equal
to the one before it adds nothing to I here: in a table sorted by label, runs of one pair are no repetition.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.logcheck.finding import Finding
from kt_theory.logcheck.log import Log

#: Lengths of the runs that are compared.
LENGTHS = (8, 32, 128, 512)


def repeats_finding(log: Log, level: float) -> Finding:
    """Whether there are two equal runs of lines that are too long for chance."""
    rows = np.flatnonzero(log.count > 0)
    if (log.count[rows] > 1).any():
        return Finding("repeats", "cannot tell", "rows have counts, so that lines are no single records")
    n = rows.size
    codes = _codes(log, rows)
    information = _information(log, rows)
    information[1:][codes[1:] == codes[:-1]] = 0.0
    origin = np.full(n, -1)  # of each repeated line
    for length in LENGTHS:
        if length * 2 > n:
            continue
        wanted = math.log(n * n * len(LENGTHS) / (2 * level))
        runs = np.flatnonzero(np.convolve(information, np.ones(length), mode="valid") > wanted)
        if not runs.size:
            continue
        hashes = _hashes(codes, length)[runs]
        _, leader, place = np.unique(hashes, return_index=True, return_inverse=True)
        earlier = runs[leader[place]]
        for start, before in zip(runs.tolist(), earlier.tolist(), strict=True):
            here, there = slice(start, start + length), slice(before, before + length)
            if start - before >= length and (origin[here] < 0).any() and (codes[here] == codes[there]).all():
                origin[here] = np.arange(before, before + length)
    repeated = np.flatnonzero(origin >= 0)
    count = repeated.size
    numbers = {"records": n, "repeated": count}
    if not count:
        held = float(information.sum())
        wanted = math.log(n * n * len(LENGTHS) / (2 * level)) if n else 0.0
        if n < 2 * LENGTHS[0] or held < 2 * wanted:
            said = f"{n} lines of so likely labels may repeat by chance"
            return Finding("repeats", "cannot tell", said, numbers=numbers)
        return Finding("repeats", "no", f"no run of {LENGTHS[0]} lines or more occurs twice", numbers=numbers)
    first = int(repeated[0])
    said = f"{count} of {n} records repeat earlier ones, the first is record {first + 1}"
    said += f", like record {origin[first] + 1}"
    return Finding("repeats", "yes", said, alarm=True, numbers=numbers)


def _codes(log: Log, rows: np.ndarray) -> np.ndarray:
    """A number for each row, equal for equal rows."""
    _, values = np.unique(log.logp[rows], return_inverse=True)
    A, V = max(len(log.actions), 1), int(values.max(initial=0)) + 1
    _, codes = np.unique((log.s[rows] * A + log.a[rows]) * V + values, return_inverse=True)
    return codes


def _information(log: Log, rows: np.ndarray) -> np.ndarray:
    """-log p of each row's label; of the shares of the labels at its input where none is told."""
    A = max(len(log.actions), 1)
    _, pair, times = np.unique(log.s[rows] * A + log.a[rows], return_inverse=True, return_counts=True)
    visits = np.bincount(log.s[rows])
    plugged = np.log(visits[log.s[rows]]) - np.log(times[pair])
    told = -log.logp[rows]
    return np.where(np.isnan(told), plugged, told)


def _hashes(codes: np.ndarray, length: int) -> np.ndarray:
    """A hash of each run of so many codes, in wrapping 64-bit arithmetic."""
    multiplier = 6364136223846793005
    mixed = (codes.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    size, total, power = 1, mixed, multiplier
    while size < length:  # runs of twice the length from two of the length
        total = total[:-size] * np.uint64(power) + total[size:]
        power = power * power % 2**64
        size *= 2
    return total
