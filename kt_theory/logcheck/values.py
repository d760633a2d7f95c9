"""Whether the told values of a log can belong to one law: values of one pair, sums of one input, names of labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kt_theory import checks
from kt_theory.logcheck.finding import Finding
from kt_theory.logcheck.laws import ABOVE_ONE, FLOAT32
from kt_theory.logcheck.log import Log

#: Log-probabilities of one pair that differ by less than this are taken for the noise of batches.
NOISE = 0.05

#: The character that stands for bytes that are no text.
REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class Values:
    """The told values of a log, pair by pair.

    Attributes
    ----------
    group : ndarray of int64, shape (rows,)
        Which law each row is of: its input, and its fingerprint where values depend on that.
    split : bool
        Whether they do.
    twice : int
        The number of pairs that were told twice or more.
    largest, within : float
        The largest difference of log-probabilities of one pair, and of one pair under one fingerprint.
    spread : float
        The root mean square by which told values differ from the mean of their pair, in `group`.
    apart : ndarray, shape (pairs,)
        The difference of each pair in `group`.
    labels : ndarray of int64, shape (pairs,)
        The label of each pair in `group`.
    at : (int, int)
        Input and label of the largest difference.
    """

    group: np.ndarray
    split: bool
    twice: int
    largest: float
    within: float
    spread: float
    apart: np.ndarray
    labels: np.ndarray
    at: tuple[int, int]


def values_of(log: Log) -> Values:
    """The told values of a log."""
    A = max(len(log.actions), 1)
    told = np.flatnonzero(~np.isnan(log.logp))
    keys, apart, spread, twice = _apart(log.s[told] * A + log.a[told], log.logp[told])
    largest = float(apart.max(initial=0.0))
    at = divmod(int(keys[apart.argmax()]), A) if keys.size else (0, 0)
    group, split, within = log.s, False, largest
    if log.fingerprint is not None and len(log.fingerprints) > 1:
        finer = log.s * len(log.fingerprints) + log.fingerprint
        keys_finer, apart_finer, spread_finer, _ = _apart(finer[told] * A + log.a[told], log.logp[told])
        within = float(apart_finer.max(initial=0.0))
        split = largest > FLOAT32 and spread_finer < 0.5 * spread
        if split:
            group, keys, apart, spread = finer, keys_finer, apart_finer, spread_finer
    return Values(group, split, twice, largest, within, spread, apart, keys % A, at)


def _apart(key: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, int]:
    """For each key the difference of its largest and smallest value; the root mean square from the means; how many."""
    keys, place, times = np.unique(key, return_inverse=True, return_counts=True)
    low, high = np.full(keys.size, np.inf), np.full(keys.size, -np.inf)
    np.minimum.at(low, place, values)
    np.maximum.at(high, place, values)
    mean = np.bincount(place, values, minlength=keys.size) / np.maximum(times, 1)
    spread = float(np.sqrt(np.mean((values - mean[place]) ** 2))) if values.size else 0.0
    # The mean of equal values may be off by a rounding.
    return keys, high - low, spread if (high > low).any() else 0.0, int((times > 1).sum())


def values_finding(log: Log, values: Values) -> Finding:
    """Whether one pair has two values, and what explains it."""
    if not log.told:
        return Finding("values", "no", "no probabilities are told")
    numbers = {
        "pairs_told_twice": values.twice,
        "largest_difference": values.largest,
        "largest_difference_within_fingerprint": values.within,
        "root_mean_square": values.spread,
        "pairs_that_differ": int((values.apart > FLOAT32).sum()),
    }
    if not values.twice:
        return Finding("values", "cannot tell", "no pair is told twice", numbers=numbers)
    if values.largest <= FLOAT32:
        said = f"{_count(values.twice, 'pair')} told twice or more agree to {max(values.largest, 1e-16):.1g}"
        return Finding("values", "no", said, numbers=numbers)
    pair = f"({checks.shown(log.states[values.at[0]])}, {checks.shown(log.actions[values.at[1]])})"
    said = f"log-probabilities of one pair differ by up to {values.largest:.2g}, at {pair}"
    if values.split:
        said += f"; under one fingerprint by {values.within:.2g} at most: split the log by fingerprint"
        return Finding("values", "yes, another model", said, alarm=True, numbers=numbers)
    if values.largest <= NOISE:
        return Finding("values", "yes, noise of batches", f"{said}; a tolerance takes them", numbers=numbers)
    if values.labels.size and _labels_apart(values).size:
        return Finding("values", "yes, of some labels only", f"{said}; see names", alarm=True, numbers=numbers)
    if log.fingerprint is not None and len(log.fingerprints) > 1:
        said += f"; the {len(log.fingerprints)} fingerprints do not explain it"
    else:
        said += "; no column of fingerprints tells the models apart"
    return Finding("values", "yes, another model or input", said, alarm=True, numbers=numbers)


def _labels_apart(values: Values) -> np.ndarray:
    """The labels of which most pairs differ widely, if most pairs of other labels do not."""
    wide = values.apart > NOISE
    size = int(values.labels.max()) + 1
    share = np.bincount(values.labels, wide, minlength=size) / np.maximum(np.bincount(values.labels, minlength=size), 1)
    suspects = np.flatnonzero(share > 0.5)
    others = ~np.isin(values.labels, suspects)
    few = suspects.size <= 0.1 * np.unique(values.labels).size
    return suspects if few and others.any() and wide[others].mean() < 0.05 else suspects[:0]


def sums_finding(log: Log, values: Values, slack: float) -> Finding:
    """Whether told probabilities of one input exceed 1 in sum."""
    if not log.told:
        return Finding("sums", "no", "no probabilities are told")
    A = max(len(log.actions), 1)
    told = np.flatnonzero(~np.isnan(log.logp))
    keys, place, times = np.unique(values.group[told] * A + log.a[told], return_inverse=True, return_counts=True)
    mean = np.bincount(place, log.logp[told], minlength=keys.size) / times
    groups, owner = np.unique(keys // A, return_inverse=True)
    mass = np.bincount(owner, np.exp(mean), minlength=groups.size)
    most = int(mass.argmax())
    row = told[np.flatnonzero(values.group[told] == groups[most])[0]]
    excess = float(mass[most] - 1)
    above = int((mass > 1 + FLOAT32).sum())
    numbers = {"inputs": int(groups.size), "inputs_above_1": above, "largest_sum": float(mass[most])}
    if excess <= FLOAT32:
        said = f"the largest of {_count(groups.size, 'sum')} is {mass[most]:.6g}"
        return Finding("sums", "no", said, numbers=numbers)
    where = checks.shown(log.states[log.s[row]])
    said = f"{_count(above, 'input')} of {groups.size}, the largest sum is {mass[most]:.6g} at {where}"
    if excess <= max(ABOVE_ONE, 3 * slack):
        return Finding("sums", "yes, by rounding", said, numbers=numbers)
    said += "; probabilities after truncation or of a greedy run, or labels of one name, are of this kind"
    return Finding("sums", "yes", said, alarm=True, numbers=numbers)


def names_finding(log: Log, values: Values) -> Finding:
    """Whether one name stands for several labels."""
    broken = [i for i, name in enumerate(log.actions) if REPLACEMENT in name]
    apart = _labels_apart(values) if log.told and values.labels.size and values.largest > NOISE else np.zeros(0, int)
    records = int(log.count[np.isin(log.a, broken)].sum())
    numbers = {"labels_with_replacement": len(broken), "records_of_these": records, "labels_apart": int(apart.size)}
    if broken:
        shown = checks.shown(log.actions[broken[0]])
        said = f"{_count(len(broken), 'label')} with U+FFFD, bytes that are no text, such as {shown}: "
        said += _count(records, "record")
        return Finding("names", "yes", f"{said}; its probability is not that of one label", alarm=True, numbers=numbers)
    if apart.size:
        names = ", ".join(checks.shown(log.actions[i]) for i in apart[:3])
        said = f"values of {names} differ by more than {NOISE} at one input, those of other labels do not"
        return Finding("names", "yes", said, alarm=True, numbers=numbers)
    return Finding("names", "no sign of it", f"{_count(len(log.actions), 'label')}", numbers=numbers)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def rounded(values: Values) -> float:
    """How far the told values are off by noise, relatively."""
    return math.expm1(values.spread)
