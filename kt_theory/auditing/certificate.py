r"""An audit of any student by samples that show the teacher's and the student's probability.

With p the teacher's and q the student's probability of the sampled label, TV = sum_a (p - q)_+ is the mean of

=============  ========================  =========================================================
sampled from   Z, in [0, 1]              second moment
=============  ========================  =========================================================
the teacher    (1 - q / p)_+             M_t = sum over p > q of (p - q)^2 / p
the student    (1 - p / q)_+             M_s = sum over q > p of (q - p)^2 / q
both, half     \|p - q\| / (p + q)       M_b = sum of (p - q)^2 / (2 (p + q))
=============  ========================  =========================================================

(M_t + M_s) / 4 <= M_b <= (M_t + M_s) / 2, since p + q lies between the larger of the two and twice it. A coin that
falls with probability Z makes the number of rejections binomial, Bin(m, TV): 1 - TV is the rate at which speculative
decoding accepts what the student proposes. Nothing here reads a table, so the student may be any function, and a sample
a whole sequence, whose log-probability is the sum of those of its tokens.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import betaincinv

from kt_theory import checks
from kt_theory.auditing.hard import HARD_LABELS
from kt_theory.records.columns import Columns
from kt_theory.records.samples import MARK, MARKS_BELOW

#: Where the samples of an audit may come from.
Source = Literal["teacher", "student", "both"]
SOURCES: tuple[Source, ...] = get_args(Source)

#: The roles of columns: those of samples, which need not be there, and those of an audit.
_SAMPLE = ("state", "action")
PROBABILITIES = ("probability", "log-probability", "student probability", "student log-probability")
_OTHERS = ("count", "sequence", "source")

#: How far above 0 a log-probability may lie: a float32 softmax rounds by so much.
ABOVE_ZERO = 1e-6


@dataclass(frozen=True)
class StudentAudit:
    """What an audit found: total variation between teacher and student, averaged over the inputs.

    Attributes
    ----------
    m : int
        Number of samples: of sequences, where they are.
    sampled : {"teacher", "student", "both"}
        Where they come from.
    tv : float
        The unbiased estimate of the total variation, the mean of Z.
    standard_error : float
        That of `tv`; NaN of one sample.
    rejections : int
        How many coins of probability Z fell: a draw of Bin(m, TV).
    clopper_pearson : (float, float)
        Interval of the total variation from the rejections alone; covers it with probability 1 - delta or more.
    bernstein : (float, float)
        Interval by Maurer and Pontil's empirical Bernstein bound; covers it with probability 1 - delta or more.
    minimax : float
        (sum Z + sqrt(m) / 2) / (m + sqrt(m)), whose root mean square error is `rmse` at most, for every student and
        teacher: no estimate from m samples, or m whole rows, of fresh inputs does better at its worst.
    rmse : float
        1 / (2 (1 + sqrt(m))).
    delta : float
        The probability with which each interval may miss.
    """

    m: int
    sampled: str
    tv: float
    standard_error: float
    rejections: int
    clopper_pearson: tuple[float, float]
    bernstein: tuple[float, float]
    minimax: float
    rmse: float
    delta: float = field(repr=False)

    @property
    def acceptance(self) -> float:
        """1 - TV, the rate at which speculative decoding accepts the student's proposals."""
        return 1.0 - self.tv

    def __str__(self) -> str:
        (low, high), (least, most) = self.clopper_pearson, self.bernstein
        return (
            f"total variation {self.tv:.6g} (standard error {self.standard_error:.2g}), acceptance rate "
            f"{self.acceptance:.6g}, from {self.m} samples; {100 * (1 - self.delta):.6g} % intervals: "
            f"Clopper-Pearson [{low:.6g}, {high:.6g}], Bernstein [{least:.6g}, {most:.6g}]"
        )


def audit_student(
    records: Mapping[str, Any], *, sampled: Source = "teacher", delta: float = 0.05, seed: int = 0
) -> StudentAudit:
    """Total variation and acceptance rate of any student, from samples that show both probabilities.

    Parameters
    ----------
    records : mapping of str to array_like, or DataFrame
        One sample a row, independent of one another and of what the student was fitted on. The teacher's probability of
        the sampled label is in a column ``p``, ``prob`` or ``probability``, or its natural logarithm in ``logp``,
        ``logprob``, ``log_prob`` or ``log_probability``; the student's in ``q``, ``student_p``, ``student_prob`` or
        ``student_probability``, or ``logq``, ``student_logp``, ``student_logprob``, ``student_log_prob`` or
        ``student_log_probability``. ``count`` says for how many samples a row stands. Rows with the same ``sequence``
        are the tokens of one sample, whose log-probabilities are added up. ``source`` says of each row where it was
        sampled, teacher or student. Names of inputs and labels are not needed.
    sampled : {"teacher", "student", "both"}
        Where the samples come from; of "both" as many must come from the one as from the other, as ``source`` says.
    delta : float
        The probability with which each interval may miss, below 1/2.
    seed : int
        Of the coins that make rejections of the samples. The samples seed them, too, so that audits of one seed toss
        different coins.

    Returns
    -------
    StudentAudit

    Raises
    ------
    Unsupported
        A ValueError, where no teacher's probability is given: hard labels certify nothing on fresh inputs.
    ValueError
        For a missing column, a probability that is empty or outside [0, 1], or 0 where the label was sampled from it, a
        source that contradicts `sampled`, or numbers of both sources that differ.

    Notes
    -----
    Each interval holds at its own level; to take the narrower of the two, halve `delta`. Of both sources the coins have
    two probabilities, and Hoeffding (1956) bounds their number by a binomial one beyond one rejection from either end;
    there the limit is that of a union bound, delta / (2m). Sources: ours for Z; Clopper and Pearson (1934); Maurer
    and Pontil (2009), theorem 11; Hodges and Lehmann (1950).

    Examples
    --------
    >>> audit = audit_student({"p": [0.5, 0.25, 0.25], "q": [0.25, 0.5, 0.25]})
    >>> round(audit.tv, 12), audit.m, audit.rmse == 1 / (2 * (1 + 3**0.5))
    (0.166666666667, 3, True)
    >>> tokens = {"sequence": ["x", "x"], "logp": [-1.0, -2.0], "logq": [-2.0, -2.0]}
    >>> round(audit_student(tokens).tv, 6)
    0.632121
    """
    if not (isinstance(records, Mapping) or hasattr(records, "columns")):
        raise ValueError(f"records is {checks.shown(records)}: it must be a DataFrame or a mapping of columns")
    table = Columns.of(records)
    audit = audit_columns(table, sampled=sampled, delta=delta, seed=seed)
    table.tell()
    return audit


def audit_columns(table: Columns, *, sampled: Source = "teacher", delta: float = 0.05, seed: int = 0) -> StudentAudit:
    """`audit_student` of columns with the places of their rows; the caller prints the notes."""
    sampled = checks.one_of("sampled", sampled, SOURCES)
    delta = checks.open_unit("delta", delta)
    if delta >= 0.5:
        raise ValueError(f"delta is {delta}: an interval that may miss as often as not is none; give less than 0.5")
    seed = checks.whole_number("seed", seed)
    log_ratio, times = _samples_of(table, sampled)
    if sampled == "both":
        z = np.abs(np.tanh(log_ratio / 2))
    else:
        with np.errstate(over="ignore"):  # of a sample that the other is far more likely to draw, Z is 0
            z = np.maximum(-np.expm1(-log_ratio if sampled == "teacher" else log_ratio), 0.0)
    m = int(times.sum())
    tv = min(float(times @ z) / m, 1.0)
    variance = float(times @ (z - tv) ** 2) / (m - 1) if m > 1 else math.nan
    rejections = int(_coins(seed, z, times).binomial(times, z).sum())
    return StudentAudit(
        m, sampled, tv, math.sqrt(variance / m), rejections,
        clopper_pearson(rejections, m, delta, alike=sampled != "both"),
        _bernstein(tv, variance, m, delta),
        (m * tv + math.sqrt(m) / 2) / (m + math.sqrt(m)), 1 / (2 * (1 + math.sqrt(m))), delta,
    )  # fmt: skip


def _coins(seed: int, z: np.ndarray, times: np.ndarray) -> np.random.Generator:
    """The coins of an audit, from its seed and its samples.

    Were they the same for all audits of one seed, the number of rejections would not be binomial over these: half the
    coins of a hundred may well lie on one side.
    """
    digest = hashlib.blake2b(z.tobytes() + times.tobytes(), digest_size=16).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])


def clopper_pearson(k: int, m: int, delta: float, *, alike: bool = True) -> tuple[float, float]:
    """The interval of a mean probability from k successes of m coins.

    Parameters
    ----------
    k, m : int
        0 <= k <= m, m >= 1.
    delta : float
        The probability with which the interval may miss, in (0, 1/2).
    alike : bool
        Whether all coins have one probability. If not, P(k or more) is at most the binomial one of the mean probability
        once k >= 1 + its mean (Hoeffding 1956); below, for k >= 2, the binomial one exceeds 1/4 (Greenberg and Mohri
        2014) and k is no end of an interval; for k = 1 the union bound says P(1 or more) <= m times the mean.

    Returns
    -------
    (float, float)
    """
    low = 0.0 if k == 0 else float(betaincinv(k, m - k + 1, delta / 2))
    high = 1.0 if k == m else float(betaincinv(k + 1, m - k, 1 - delta / 2))
    if not alike:
        low = min(low, delta / (2 * m)) if k == 1 else low
        high = max(high, 1 - delta / (2 * m)) if k == m - 1 else high
    return low, high


def _bernstein(mean: float, variance: float, m: int, delta: float) -> tuple[float, float]:
    if m == 1:
        return 0.0, 1.0
    log = math.log(4 / delta)
    reach = math.sqrt(2 * variance * log / m) + 7 * log / (3 * (m - 1))
    return max(mean - reach, 0.0), min(mean + reach, 1.0)


def _samples_of(table: Columns, sampled: str) -> tuple[np.ndarray, np.ndarray]:
    """log(p / q) of each row, p the teacher's and q the student's probability, and for how many samples it stands."""
    columns = table.understood((*_SAMPLE, *PROBABILITIES, *_OTHERS))
    pairs = (PROBABILITIES[:2], PROBABILITIES[2:])
    for plain, log in pairs:
        if columns[plain] is not None and columns[log] is not None:
            raise ValueError(f"the table has both a {plain} and a {log} column: keep one of them")
    if columns["probability"] is None and columns["log-probability"] is None:
        raise checks.Unsupported(f"the table has no column of the teacher's probabilities, p or logp: {HARD_LABELS}")
    if columns["student probability"] is None and columns["student log-probability"] is None:
        raise ValueError(f"{table.lacks('student probability')}; an audit compares both probabilities of each sample")
    sizes = {len(table[name]) for name in columns.values() if name is not None}
    if len(sizes) > 1:
        raise ValueError(f"the columns differ in length: {', '.join(map(str, sorted(sizes)))}")
    size = sizes.pop()
    if size == 0:
        raise ValueError("the table has no rows: an audit needs a sample")
    source = _sources(table, columns["source"], sampled, size)
    logs = []
    for (plain, log), owner in zip(pairs, ("teacher", "student"), strict=True):
        name = columns[log] or columns[plain]
        assert name is not None
        logs.append(_logarithms(table, name, columns[log] is not None, source == owner))
    with np.errstate(invalid="ignore"):  # rows with a fault
        log_ratio = logs[0] - logs[1]
    if columns["sequence"] is not None:
        if columns["count"] is not None:
            raise ValueError("the table has a sequence and a count column: keep one of them")
        # The sum of differences keeps digits that a difference of sums of thousands of tokens would lose.
        log_ratio, source = _added_up(table, columns["sequence"], log_ratio, source)
        times = np.ones(source.size, dtype=np.int64)
    elif columns["count"] is not None:
        times = table.column_of_counts(columns["count"])
    else:
        times = np.ones(size, dtype=np.int64)
    table.faults.refuse()
    if not times.any():
        raise ValueError("the table has no samples: every count is 0")
    if float(times.sum(dtype=np.float64)) >= 2.0**53:
        raise ValueError(f"the counts have a total of {times.sum(dtype=np.float64):.6g}: at most 2^53 are added up")
    if sampled == "both":
        from_teacher = int(times[source == "teacher"].sum())
        if 2 * from_teacher != times.sum():
            raise ValueError(
                f"{from_teacher} samples come from the teacher and {int(times.sum()) - from_teacher} from the student: "
                "as many must come from the one as from the other"
            )
    table.leave_alone(columns.values())
    return log_ratio, times


def _sources(table: Columns, name: str | None, sampled: str, size: int) -> np.ndarray:
    """Where each row was sampled."""
    if name is None:
        if sampled == "both":
            raise ValueError(f"{table.lacks('source')}; it holds teacher or student, where each sample was drawn")
        return np.full(size, sampled)
    given = np.array(table.column_of_names(name), dtype=object)
    known = (given == "teacher") | (given == "student")
    table.faults.add(np.flatnonzero(~known), lambda row: f"{name} is {checks.shown(given[row])}: teacher or student")
    if sampled != "both":
        table.faults.add(
            np.flatnonzero(known & (given != sampled)),
            lambda row: f"{name} is {given[row]}, and the samples are said to come from the {sampled}",
        )
    return given


def _logarithms(table: Columns, name: str, logarithms: bool, drawn: np.ndarray) -> np.ndarray:
    """A column of probabilities as natural logarithms; `drawn`: which labels were sampled from them."""
    numbers = table.column_of_numbers(name, gaps=True, logarithms=logarithms).astype(np.float64)
    empty = np.isnan(numbers)
    if empty.all():
        raise checks.Unsupported(f"column {name} is empty: {HARD_LABELS}")
    table.faults.add(
        np.flatnonzero(empty),
        lambda _: f"{name} is empty: an audit of the samples that have a probability would be one of other samples",
    )
    if logarithms:
        mark = (numbers == MARK) | ((numbers < MARKS_BELOW) & drawn)
        table.refuse_numbers(name, numbers, ~mark, "this is no log-probability but most likely a mark")
        table.refuse_numbers(name, numbers, empty | (numbers <= ABOVE_ZERO), "a log-probability is at most 0")
        return np.where(numbers < MARKS_BELOW, -np.inf, numbers)
    inside = (numbers >= 0) & (numbers <= 1 + ABOVE_ZERO)
    table.refuse_numbers(name, numbers, empty | inside, "a probability is a number in [0, 1]")
    table.refuse_numbers(name, numbers, empty | ~drawn | (numbers != 0), "a label of probability 0 is never sampled")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(numbers)


def _added_up(table: Columns, name: str, log_ratio: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log(p / q) of whole sequences, and where each was sampled."""
    names = np.array(table.column_of_names(name))
    _, first, sequence = np.unique(names, return_index=True, return_inverse=True)
    table.faults.add(
        np.flatnonzero(source != source[first][sequence]),
        lambda row: f"the sequence {checks.shown(str(names[row]))} has tokens of both sources",
    )
    return np.bincount(sequence, log_ratio, minlength=first.size), source[first]
