"""The audit of a loss: its table, its text, its figure."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kt_theory import checks
from kt_theory.lossaudit import evidence
from kt_theory.lossaudit.teachers import named_teachers, pool
from kt_theory.losses.channels import Channel
from kt_theory.losses.constants import constant, mle_constant
from kt_theory.losses.loss import Limit, Loss
from kt_theory.losses.own import OwnLoss, own
from kt_theory.losses.registry import LOSSES, make
from kt_theory.losses.row import Row
from kt_theory.problem import Problem
from kt_theory.protocols.protocol import resolve_protocol
from kt_theory.rates import fit_rate
from kt_theory.simulation.means import simulate

#: The most labels of the pool for losses whose solver goes through rows one by one.
SLOW_SIZES = (2, 3, 5)

#: Repeats of a simulated slope.
REPEATS = 400


@dataclass(frozen=True, eq=False)
class Audit:
    """What a student becomes under a loss; made by `audit`.

    Attributes
    ----------
    loss : Limit
    table : DataFrame
        A row a teacher: ``teacher``, ``limit_tv`` (total variation of limit and teacher), ``unique``, ``attained``,
        ``consistent`` (at most 1e-6), ``local_only``, ``constant`` (c: the error as a multiple of the MLE's),
        ``bias_from_n`` (visits of an input from which a bias is felt), ``slope`` and ``slope_error`` of the log risk by
        log n if `n` was given, ``largest_tv`` (found with as many labels), ``readout_tv``.
    verdict : str
        ``consistent``, ``biased``, ``not unique`` or ``no minimum``.
    text : str
        Some ten lines.
    students : dict
        Teacher's name -> the limit.
    """

    loss: Limit
    table: pd.DataFrame
    verdict: str
    text: str = field(repr=False)
    teachers: dict[str, np.ndarray] = field(repr=False)
    students: dict[str, np.ndarray] = field(repr=False)

    def student(self, name: str) -> np.ndarray:
        """The limit for a teacher, shape (A,)."""
        if name not in self.students:
            raise ValueError(f"name is {checks.shown(name)}: the teachers are {', '.join(self.students)}")
        return self.students[name]

    def figure(self, path: str | os.PathLike[str]) -> None:
        """Draw the first teacher of three labels on the simplex, or bars of the first teacher and its limit.

        Parameters
        ----------
        path : path_like
            Ends in .png; a .pdf is written beside it.

        Raises
        ------
        ValueError
            For another ending.
        """
        from kt_theory import plots  # matplotlib is slow to import

        stem = checks.path("path", path)
        if not stem.endswith(".png"):
            raise ValueError(f"path is {checks.shown(stem)}: it must end in .png")
        stem = stem.removesuffix(".png")
        three = [name for name, p in self.teachers.items() if p.size == 3]
        name = three[0] if three else next(iter(self.teachers))
        laws = {"teacher": self.teachers[name], "limit": self.students[name]}
        if three and isinstance(self.loss, Loss):
            read = _readout(self.loss, self.teachers[name])
            laws |= {} if read is None else {"read-out": read}
            with plots.drawing(stem, 1, 1, width=4.6, height=4.2) as axes:
                grid, values = _contours(self.loss, self.teachers[name])
                plots.draw_simplex(axes[0, 0], grid, values, laws, _path(self.loss, self.teachers[name]))
                axes[0, 0].set_title(self.loss.name)
            return
        with plots.drawing(stem, 1, 1, width=5.0, height=3.2) as axes:
            plots.draw_laws(axes[0, 0], laws)
            axes[0, 0].set_title(self.loss.name)


def audit(
    loss: Any,
    teachers: Any = None,
    *,
    protocol: Any = None,
    n: Sequence[int] | None = None,
    seed: int = 0,
) -> Audit:
    """What a student becomes under a loss: its limit, whether it is the teacher, whether it is unique, how fast.

    Parameters
    ----------
    loss : Limit, str or callable
        A loss of `kt_theory.losses.make` or its id, one of `kt_theory.losses.own`, or a function ``f(logits, label,
        teacher) -> (N,)``, as `own` takes it.
    teachers : mapping, array_like of shape (A,) or (T, A), optional
        Laws of the labels, by name or in a table; three examples if not given.
    protocol : str or Protocol, optional
        What a function is shown; only with a function.
    n : sequence of int, optional
        At least two numbers of samples at which the student of one input is simulated, for the slope.
    seed : int
        Of the pool of teachers, the hill climbing and the simulation.

    Returns
    -------
    Audit
        `text` for a person, `table` for a program. "consistent" is a total variation of at most 1e-6 on every teacher
        of a pool (those given and 60 random ones); "biased", "not unique" and "no minimum" come with a witness.

    Raises
    ------
    ValueError
        For a function without a protocol, one that raises, reduces a batch, is no number where the protocol hides the
        teacher, or whose value of a sample depends on other samples; for no teachers, or fewer than two n.

    Examples
    --------
    >>> found = audit("focal", seed=1)
    >>> found.verdict, found.table["limit_tv"].round(4).tolist()[:2]
    ('biased', [0.0735, 0.0399])
    >>> print(found.text.splitlines()[1])
    limit     not the teacher: TV 0.0735 on three labels, 0.0399 on five labels, 0.2150 on nearly sure
    """
    judged = _loss_of(loss, protocol)
    seed = checks.whole_number("seed", seed)
    given = named_teachers(teachers)
    sizes = (
        None if n is None else [checks.whole_number("n", size, minimum=1) for size in checks.entries("n", n, "sizes")]
    )
    if sizes is not None and len(set(sizes)) < 2:
        raise ValueError(f"n is {checks.shown(n)}: a slope needs two numbers of samples at least")
    first = next(iter(given.values()))
    seen = evidence.looks_at_neighbours(judged, first)
    if seen is not None:
        raise ValueError(
            f"{judged.name} gives sample {seen[1]} another value among others than alone, by {seen[0]:.3g}: a "
            "sample must depend on its own row only"
        )
    findings = _findings(judged, given, seed)
    table, students = _table(judged, given, findings, sizes, seed)
    return Audit(judged, table, findings.verdict, _text(judged, given, table, findings), given, students)


def _loss_of(loss: Any, protocol: Any) -> Limit:
    if protocol is not None:
        protocol = resolve_protocol(protocol)
    if isinstance(loss, str):
        loss = make(loss)
    if isinstance(loss, Limit):
        if protocol is not None:
            raise checks.Unsupported(f"protocol is {protocol}: {loss.name} has its own, {loss.level}")
        return loss
    if isinstance(loss, Channel):
        raise ValueError(f"loss is {loss.name}, a channel: audit kt_theory.losses.through(channel, loss)")
    if not callable(loss):
        raise ValueError(f"loss is {checks.shown(loss)}: it must be a loss, the id of one, or a function")
    if protocol is None:
        raise ValueError("protocol is None: say what the function is shown, such as protocol='soft'")
    return own(loss, protocol)


@dataclass(frozen=True, eq=False)
class _Findings:
    verdict: str
    witness: np.ndarray | None
    worst: float
    tried: int
    most: int
    flat: evidence.Flat | None
    ray: evidence.Ray | None
    gradient: tuple[float, int] | None
    convex: bool | None
    pools: dict[int, np.ndarray]


def _findings(loss: Limit, given: dict[str, np.ndarray], seed: int) -> _Findings:
    slow = isinstance(loss, Loss) and not loss.closed and not isinstance(loss, OwnLoss)
    pools = pool(seed, SLOW_SIZES, 5) if slow else pool(seed)
    pools = {A: table for A, table in pools.items() if _least_labels(loss) <= A}
    usual = next((p for p in given.values() if p.size >= max(3, _least_labels(loss))), next(iter(given.values())))
    gradient = None
    if isinstance(loss, OwnLoss) and loss.__dict__["own_gradient"] is not None:
        gap = loss.compare_gradients(evidence.row_of(loss, usual[None]))
        gradient = gap if loss.detached else None
    worst, witness, tried, unique = 0.0, None, 0, True
    for table in [*pools.values(), *(p[None] for p in given.values())]:
        if loss.couples_inputs:
            found = [loss.limit(p) for p in table]
            laws, alone = np.array([f.student for f in found]), np.array([bool(f.unique) for f in found])
        else:
            answer = loss.limit(table)
            laws, alone = answer.student, answer.unique
        unique = unique and bool(np.all(alone))
        gaps = evidence.tv(laws, table)
        tried += gaps.size
        if gaps.max() > worst:
            worst, witness = float(gaps.max()), table[int(np.argmax(gaps))]
    flat, ray = evidence.flat_direction(loss, usual), evidence.falls_along_a_ray(loss, usual)
    verdict = "consistent" if worst <= evidence.AT else "biased"
    if ray is not None:
        verdict = "no minimum"
    elif flat is not None or not unique:
        verdict = "not unique"
    return _Findings(
        verdict,
        witness,
        worst,
        tried,
        max(pools, default=usual.size),
        flat,
        ray,
        gradient,
        evidence.is_convex(loss, usual, seed),
        pools,
    )


def _least_labels(loss: Limit) -> int:
    """How many labels a teacher must have: k, for a loss on a list of k."""
    k = loss.parameters.get("k", 1) if loss.level == "top_k_label" else 1
    return 1 if "cap" in getattr(type(loss), "k", loss).__dict__.get("meaning", "") else int(k)


def _readout(loss: Limit, p: np.ndarray) -> np.ndarray | None:
    """The law of the labels that the limit's scores determine, None where they do not, or there is no read-out."""
    if not isinstance(loss, Loss) or not loss.separable or loss.couples_inputs or not loss.smooth:
        return None
    if loss.protocol is None or not loss.protocol.shows_label:
        return None
    with np.errstate(all="ignore"):
        found = loss.with_readout("labels").limit(p)
    return None if found.note else found.student


def _table(
    loss: Limit, given: dict[str, np.ndarray], findings: _Findings, sizes: list[int] | None, seed: int
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    rows, students = [], {}
    highest: dict[int, float] = {}
    for name, p in given.items():
        found = loss.limit(p)
        students[name] = found.student
        gap = float(evidence.tv(found.student, p))
        c = constant(loss, p) if isinstance(loss, Loss) and (p > 0).all() else math.nan
        felt = (c * mle_constant(p) / gap) ** 2 if gap > evidence.AT and math.isfinite(c) else math.nan
        if p.size not in highest:
            starts = findings.pools.get(p.size, p[None])
            start = starts[int(np.argmax(evidence.distances(loss, starts)))]
            highest[p.size] = gap
            if findings.verdict != "consistent" and p.size <= 5:
                highest[p.size] = max(gap, evidence.largest(loss, p.size, start, seed))
        read = _readout(loss, p)
        slope, error = _slope(loss, p, sizes, seed)
        rows.append(
            {
                "teacher": name,
                "limit_tv": gap,
                "unique": bool(found.unique),
                "attained": bool(found.attained),
                "consistent": gap <= evidence.AT,
                "local_only": bool(found.local_only),
                "constant": c,
                "bias_from_n": felt,
                "slope": slope,
                "slope_error": error,
                "largest_tv": highest[p.size],
                "readout_tv": math.nan if read is None else float(evidence.tv(read, p)),
            }
        )
    return pd.DataFrame(rows), students


def _slope(loss: Limit, p: np.ndarray, sizes: list[int] | None, seed: int) -> tuple[float, float]:
    if sizes is None or loss.protocol is None:
        return math.nan, math.nan
    frame = simulate(Problem(np.ones(1), p[None]), loss.learner(), n=sorted(set(sizes)), reps=REPEATS, seed=seed)
    if not (frame["mean"] > 0).all() or not (frame["mcse"] > 0).all():
        return math.nan, math.nan
    fit = fit_rate(frame["n"].to_numpy(), frame["mean"].to_numpy(), frame["mcse"].to_numpy())
    return fit.slope, fit.slope_se


# --- text -------------------------------------------------------------------------------------------------


def _text(loss: Limit, given: dict[str, np.ndarray], table: pd.DataFrame, findings: _Findings) -> str:
    shown = loss.level if loss.protocol is None else f"{loss.protocol} labels"
    lines = [f"{loss.name}: {shown}", f"limit     {_limit_words(table, findings)}"]
    lines.append(f"unique    {_unique_words(table, findings)}")
    if findings.gradient is not None:
        gap, label = findings.gradient
        lines.append(
            f"gradient  not that of the value: off by {gap:.3g} at label {label}; is a part detached? The limit is "
            "where the given gradient vanishes"
        )
    lines.append(f"speed     {_speed_words(loss, table)}")
    if findings.verdict == "biased":
        why = evidence.pull(loss, next(iter(given.values())))
        lines += [f"why       {why}"] if why else []
    read = table["readout_tv"].max()
    if findings.verdict in ("biased", "not unique") and table["readout_tv"].notna().all() and read <= 1e-6:
        lines.append(
            "read-out  the logits determine the law of the labels: .with_readout('labels') equals the MLE "
            f"(largest total variation {read:.1g})"
        )
    if findings.verdict != "consistent":
        lines.append(f"instead   {_instead(loss)}")
    if loss.paper:
        lines.append(f"source    {loss.paper}")
    return "\n".join(lines)


def _about(x: float) -> str:
    """A number of visits to two digits."""
    digits = max(math.floor(math.log10(max(x, 1.0))) - 1, 0)
    return f"{round(x / 10**digits) * 10**digits:,}"


def _numbers(p: np.ndarray) -> str:
    return "(" + " ".join(f"{x:.3g}" for x in p) + ")"


def _limit_words(table: pd.DataFrame, findings: _Findings) -> str:
    if findings.verdict == "consistent":
        tried = f"{findings.tried} teachers of up to {findings.most} labels"
        return f"the teacher, within {max(findings.worst, 1e-12):.1g} on {tried}"
    each = ", ".join(f"{row.limit_tv:.4f} on {row.teacher}" for row in table.itertuples())
    if findings.worst <= evidence.AT:
        return f"the teacher at the student that is shown (TV {each}), but that is one of many"
    witness = "" if findings.witness is None else f"; worst tried {findings.worst:.4f} on {_numbers(findings.witness)}"
    if (table["limit_tv"] <= evidence.AT).all():
        return f"the teacher on those given, not on others{witness}"
    return f"not the teacher: TV {each}"


def _unique_words(table: pd.DataFrame, findings: _Findings) -> str:
    ray, flat = findings.ray, findings.flat
    if ray is not None and ray.unbounded:
        return (
            f"no lower bound: the loss falls without end along the ray of logits {_numbers(np.array(ray.way))}, on "
            f"which label {ray.label} runs away"
        )
    if ray is not None:
        return f"no minimum at finite logits: label {ray.label} runs away to probability 0 though it is sampled"
    if flat is not None:
        return (
            f"no: {_numbers(flat.first)} and {_numbers(flat.second)} have one loss (difference {flat.gap:.1g}); what "
            "is shown is where descent from the uniform law ends"
        )
    if not table["unique"].all():
        return "no: what is shown is where descent from the initial table ends"
    if table["local_only"].any():
        return "not known: no more than a local minimum was found"
    if findings.convex is None:
        return "one minimum"
    kind = "no direction of negative curvature was found" if findings.convex else "not convex: a negative one was found"
    return f"one minimum was found, {kind}"


def _speed_words(loss: Limit, table: pd.DataFrame) -> str:
    parts = []
    for row in table.itertuples():
        c, felt = float(row.constant), float(row.bias_from_n)  # type: ignore[arg-type]
        if math.isnan(c):
            continue
        if c < 1e-7:
            exact = row.limit_tv <= evidence.AT
            parts.append(f"{row.teacher}: {'exact on what is shown' if exact else 'one visit fixes the student'}")
        else:
            until = f" until the bias is felt, from {_about(felt)} visits of an input on" if math.isfinite(felt) else ""
            parts.append(f"{row.teacher}: {c:.3f} of the error of the MLE{until}")
    slopes = [
        f"{row.teacher}: slope {row.slope:.2f} +- {row.slope_error:.2f}"
        for row in table.itertuples()
        if row.slope == row.slope
    ]
    words = "; ".join([*parts[:2], *slopes])
    return words or (loss.rate if not isinstance(loss, OwnLoss) else "not known: the loss is not smooth at its limit")


def _instead(loss: Limit) -> str:
    """Consistent losses that need no more than this one is shown."""
    shown = loss.protocol
    if shown is None:
        return "forward_kl on soft labels, squared_error_logit on partial ones"
    found = []
    for name, kind in LOSSES.items():
        if kind.consistent != "yes" or not issubclass(kind, Loss) or name == loss.id:
            continue
        other = make(name).protocol
        if other is not None and shown.reveals_at_least(other):
            found.append((name, other))
    most = [name for name, other in found if other == shown or other.reveals_at_least(shown)]
    names = most or [name for name, _ in found]
    return ", ".join(names[:4]) + ": no more data, consistent"


# --- pictures ---------------------------------------------------------------------------------------------


def _contours(loss: Loss, p: np.ndarray, steps: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Laws on a grid inside of the simplex of three labels, and the loss at each."""
    cells = [(i, j, steps - i - j) for i in range(1, steps) for j in range(1, steps - i)]
    grid = np.array(cells, dtype=float) / steps
    row = evidence.row_of(loss, p)
    labels, shown, init = (np.broadcast_to(x, grid.shape) for x in (row.labels, row.shown, row.init))
    rows = Row(labels, np.full(len(grid), 1.0 / len(grid)), shown, init)
    with np.errstate(all="ignore"):
        values = loss.value(grid, rows) if not loss.couples_inputs else np.array([loss.value(q, row) for q in grid])
    return grid, np.asarray(values, dtype=float)


def _path(loss: Loss, p: np.ndarray, steps: int = 400) -> np.ndarray:
    """Laws along gradient descent from the uniform law, shape (steps, A)."""
    row, z = evidence.row_of(loss, p), loss.scores(np.full(p.size, 1 / p.size))
    laws = [loss.link(z)]
    for _ in range(steps):
        with np.errstate(all="ignore"):
            slope = loss.score_gradient(z, row)
        if not np.isfinite(slope).all():
            break
        z = z - 0.3 * slope / max(1.0, float(np.abs(slope).max()))
        laws.append(loss.link(z))
    return np.array(laws)
