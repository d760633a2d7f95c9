"""A loss of one's own: a function of logits, label and teacher, as papers write it, or of a row's law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.fingerprints import fingerprint as fingerprint_of
from kt_theory.learners.learner import Learner
from kt_theory.losses.loss import Found, Loss, fitted
from kt_theory.losses.row import Row, logs, softmax
from kt_theory.losses.solving import ARRIVED, FAR, FINE, POLISHED, ROUGH, descend, polish
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.protocol import resolve_protocol

#: Step of a derivative along the imaginary axis, and of central differences.
TINY, SMALL = 1e-20, 1e-4

#: The most numbers that are handed to a function at once.
BLOCK = 2_000_000

#: A gradient given for a function is its gradient if it differs from central differences by no more than this share.
GRADIENT_TOLERANCE = 1e-5

#: Random teachers at which a loss is asked whether it is convex.
PROBED = 8

#: What is said of a student whose logits left every bound.
RAY = "the loss falls along a ray: there is no minimum at finite logits"

#: Two students are two laws beyond this total variation, of one loss within this difference.
APART, LEVEL = 1e-4, 1e-9


class OwnLoss(Loss):
    """A loss that a function defines; made by `own`.

    Attributes
    ----------
    function : callable
    per : str
        ``sample`` or ``input``.
    own_gradient : callable or None
    """

    closed = False

    def __init__(
        self, function: Any, protocol: Protocol, per: str, gradient: Callable[..., Any] | None, name: str
    ) -> None:
        self.__dict__.update(function=function, shows=protocol, per=per, own_gradient=gradient, id=name)
        self.__dict__.update(
            formula=f"the function {name}", separable=per == "sample", paper="a function of the user's"
        )
        super().__init__()

    @property
    def name(self) -> str:
        return self.__dict__["id"]

    @property
    def protocol(self) -> Protocol:
        return self.__dict__["shows"]

    @property
    def detached(self) -> bool:  # type: ignore[override]
        """Whether the gradient that was given is not that of the value."""
        return bool(self.__dict__.get("disagrees", False))

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    # --- values ---

    def called(self, logits: np.ndarray, label: np.ndarray, teacher: np.ndarray) -> np.ndarray:
        """The function on samples, shape (N,), checked; NaN where it is no number."""
        said = f"{self.name} on {label.size} samples of {logits.shape[1]} labels"
        try:
            with np.errstate(all="ignore"):
                answer = self.__dict__["function"](logits, label, teacher)
        except Exception as error:
            raise ValueError(f"{said} raises {type(error).__name__}: {checks.shown(str(error))}") from error
        return self._checked(answer, (label.size,), said, np.iscomplexobj(logits))

    @staticmethod
    def _checked(answer: Any, shape: tuple[int, ...], said: str, imaginary: bool) -> np.ndarray:
        array = np.asarray(answer)
        if array.dtype.kind not in "fciub":
            raise ValueError(f"{said} answers {checks.shown(answer)}: it must be an array of numbers")
        if array.ndim == 0 and shape != ():
            raise ValueError(f"{said} answers one number: it reduces; it must return one value a sample")
        if array.shape != shape:
            raise ValueError(f"{said} answers shape {array.shape}: it must be {shape}, one value a sample")
        if np.iscomplexobj(array) and not imaginary:
            raise ValueError(f"{said} answers complex numbers: a loss is real")
        return array.astype(np.complex128) if imaginary else array.astype(np.float64)

    def _pairs(self, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows and labels that occur, and what each such sample is told."""
        s, y = np.nonzero(row.labels > 0)
        told = row.shown[s]
        if self.protocol.tells_drawn and self.protocol.top == 0:
            own = np.full_like(told, np.nan)
            own[np.arange(y.size), y] = told[np.arange(y.size), y]
            told = own
        return s, y, told

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        flat, wide = row.flat(), np.reshape(z, (-1, z.shape[-1]))
        if self.__dict__["per"] == "input":
            return np.reshape(self._per_input(wide, flat), z.shape[:-1])
        s, y, told = self._pairs(flat)
        with np.errstate(invalid="ignore", over="ignore"):  # a function may be infinite far out on a ray
            weighted = flat.labels[s, y] * self.called(wide[s], y, told)
        total = np.zeros(wide.shape[0], dtype=weighted.dtype)
        np.add.at(total, s, weighted)
        return np.reshape(total, z.shape[:-1])

    def _per_input(self, z: np.ndarray, row: Row) -> np.ndarray:
        said = f"{self.name} on {z.shape[0]} inputs of {z.shape[1]} labels"
        try:
            with np.errstate(all="ignore"):
                answer = self.__dict__["function"](softmax(z), row)
        except Exception as error:
            raise ValueError(f"{said} raises {type(error).__name__}: {checks.shown(str(error))}") from error
        return self._checked(answer, (z.shape[0],), said, np.iscomplexobj(z))

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self.score_value(logs(q), row)

    # --- gradients ---

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        if self.__dict__["own_gradient"] is not None:
            return self.given_gradient(z, row)
        return self.numeric_gradient(z, row)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self.score_gradient(logs(q), row)

    def given_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        """The gradient that was given with the function, averaged over the labels."""
        flat, wide = row.flat(), np.reshape(z, (-1, z.shape[-1]))
        gradient = self.__dict__["own_gradient"]
        if self.__dict__["per"] == "input":
            answer, shape = gradient(softmax(wide), flat), wide.shape
            return np.reshape(self._checked(answer, shape, f"the gradient of {self.name}", False), z.shape)
        s, y, told = self._pairs(flat)
        answer = self._checked(gradient(wide[s], y, told), (y.size, z.shape[-1]), f"the gradient of {self.name}", False)
        total = np.zeros_like(wide)
        np.add.at(total, s, flat.labels[s, y][:, None] * answer)
        return np.reshape(total, z.shape)

    def _refuse_no_gradient(self, row: Row) -> None:
        """Refuse a given gradient that is no number at the uniform law."""
        slope = self.given_gradient(np.zeros_like(row.labels), row)
        if not np.isfinite(slope).all():
            s, label = np.argwhere(~np.isfinite(slope))[0]
            wrong = float(slope[s, label])
            raise ValueError(f"the gradient of {self.name} is {wrong} at label {label} of the uniform law")

    def numeric_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        """By steps along the imaginary axis where the function is analytic, else by central differences."""
        flat, wide = row.flat(), np.reshape(z, (-1, z.shape[-1]))
        if "analytic" not in self.__dict__:
            self.__dict__["analytic"] = self._is_analytic(wide[:4], flat.take(slice(0, 4)))
        steps = self._imaginary if self.__dict__["analytic"] else self._central
        return np.reshape(steps(wide, flat), z.shape)

    def _moved(self, z: np.ndarray, row: Row, step: Any) -> np.ndarray:
        """The values at z moved by a step along each label in turn, shape (N, A)."""
        N, A = z.shape
        answer = np.empty((N, A), dtype=np.result_type(z.dtype, type(step)))
        many = max(1, BLOCK // max(N * A * A, 1))
        for first in range(0, A, many):
            some = np.arange(first, min(first + many, A))
            moves = np.zeros((some.size, 1, A), dtype=answer.dtype)
            moves[np.arange(some.size), 0, some] = step
            stacked = (z[None] + moves).reshape(-1, A)
            rows = row.take(np.tile(np.arange(N), some.size))
            answer[:, some] = self.score_value(stacked, rows).reshape(some.size, N).T
        return answer

    def _imaginary(self, z: np.ndarray, row: Row) -> np.ndarray:
        return self._moved(z, row, 1j * TINY).imag / TINY

    def _central(self, z: np.ndarray, row: Row) -> np.ndarray:
        near = self._moved(z, row, SMALL) - self._moved(z, row, -SMALL)
        far = self._moved(z, row, 2 * SMALL) - self._moved(z, row, -2 * SMALL)
        return (8 * near - far) / (12 * SMALL)

    def _is_analytic(self, z: np.ndarray, row: Row) -> bool:
        try:
            here = self._imaginary(z + 0.1 * np.cos(np.arange(z.shape[-1])), row)
        except ValueError:
            return False
        there = self._central(z + 0.1 * np.cos(np.arange(z.shape[-1])), row)
        return bool((np.abs(here - there) <= 1e-6 * (1 + np.abs(there))).all())

    # --- the student ---

    def compare_gradients(self, row: Row) -> tuple[float, int]:
        """The largest gap between the given gradient and differences of the value, and its label.

        Remembers whether the gradient is the value's.
        """
        z = 0.5 * np.cos(np.arange(row.labels.size).reshape(row.labels.shape))
        there = np.reshape(self._central(np.reshape(z, (-1, z.shape[-1])), row.flat()), z.shape)
        # Of a function of laws the gradient by the logits sums to 0; a part along the ones is no fault.
        gap = np.abs(self.given_gradient(z, row) - there)
        self.__dict__["disagrees"] = bool(gap.max() > GRADIENT_TOLERANCE * (1 + np.abs(there).max()))
        return float(gap.max()), int(np.unravel_index(np.argmax(gap), gap.shape)[-1])

    def starts(self, row: Row) -> list[np.ndarray]:
        """Where descent starts: the uniform law, what is shown or else the labels' law, and two more."""
        A = row.labels.shape[-1]
        aim = np.where(row.told.all(axis=-1, keepdims=True), row.known, row.labels)
        rng = np.random.default_rng(0)
        free = [np.broadcast_to(rng.normal(size=A), row.labels.shape) for _ in range(2)]
        return [np.zeros_like(row.labels), np.log(np.maximum(aim, 1e-6)), *free]

    def minimise(self, row: Row) -> Found:
        flat = row.flat()
        start = self.score_value(np.zeros_like(flat.labels), flat)
        if not np.isfinite(start).all():
            where = int(np.argmin(np.isfinite(start)))
            raise ValueError(self._no_number(flat, where))
        if self.__dict__["own_gradient"] is not None:
            self._refuse_no_gradient(flat)
            if "disagrees" not in self.__dict__:
                self.compare_gradients(flat.take(slice(0, 1)))
        if self.detached:
            return self._rest(row)
        starts = self.starts(flat)
        found = (
            self._convex(flat, starts[1]) if self._one_start_serves(flat.labels.shape[-1]) else self._from(flat, starts)
        )
        lead = row.labels.shape[:-1]
        assert found.scores is not None
        student, scores = (np.reshape(x, row.labels.shape) for x in (found.student, found.scores))
        alone, local = (np.reshape(flag, lead) for flag in (found.unique, found.local_only))
        far = np.abs(scores).max(axis=-1) > FAR
        note = RAY if far.any() and not found.note else found.note
        return Found(student, scores, alone, local_only=local, iterations=found.iterations, note=note)

    def _one_start_serves(self, A: int) -> bool:
        """Whether the loss is convex in the logits and has one minimum, as far as random teachers of A labels show.

        It asks no row of a data set: the answer for a row is the same in any company.
        """
        known = self.__dict__.setdefault("one start", {})
        if A not in known:
            rng = np.random.default_rng(A)
            row = Row.population(rng.dirichlet(np.ones(A), size=PROBED), self.protocol)
            known[A] = self._seems_convex(row, rng) and bool(np.all(self._from(row, self.starts(row)).unique))
        return known[A]

    def _seems_convex(self, row: Row, rng: np.random.Generator) -> bool:
        """No chord between random logits, far apart and near, runs below the loss at its middle."""
        for apart in (2.0, 0.5) * PROBED:
            z = 1.5 * rng.normal(size=row.labels.shape)
            way = apart * rng.normal(size=row.labels.shape)
            low, middle, high = (self.score_value(z + t * way, row) for t in (-1, 0, 1))
            if not (2 * middle <= low + high + 1e-9 * (1 + np.abs(middle))).all():
                return False
        return True

    def _convex(self, flat: Row, start: np.ndarray) -> Found:
        """The minimum of a convex loss, by gradients alone; with values where these do not lead to it."""
        z, residual, count = descend(self, flat, start, gtol=FINE, by_slopes=True)
        lost = np.flatnonzero(~(residual <= ARRIVED))
        if lost.size:
            z[lost], _, more = descend(self, flat.take(lost), start[lost], gtol=FINE)
            count += more
        sure, not_sure = np.ones(z.shape[0], dtype=bool), np.zeros(z.shape[0], dtype=bool)
        return Found(softmax(z), z, sure, local_only=not_sure, iterations=count)

    def _from(self, flat: Row, given: list[np.ndarray]) -> Found:
        """The lowest minimum of each row that descent from some starts finds, and what the others say of it."""
        starts = np.stack(given)
        many, N, A = starts.shape
        index = np.arange(N)
        rows = flat.take(np.tile(index, many))  # all starts of all rows side by side
        newton = A <= POLISHED
        z, residual, count = descend(self, rows, starts.reshape(-1, A), gtol=ROUGH if newton else FINE)
        values = self.score_value(z, rows).reshape(many, N)
        values = np.where(np.isnan(values), np.inf, values)
        best = np.argmin(np.round(values, 12), axis=0)
        laws = softmax(z).reshape(many, N, A)
        # Newton's steps, which cost most, from the lowest place alone.
        lowest = z.reshape(many, N, A)[best, index]
        if newton:
            lowest = polish(self, flat, lowest)
        student = softmax(lowest) if newton else laws[best, index]
        least = values[best, index]
        gap = 0.5 * np.abs(laws - student).sum(axis=-1)
        done = residual.reshape(many, N) <= 1e-5
        other = (values <= least + LEVEL * (1 + np.abs(least))) & (gap > APART) & done
        lower = (values > least + LEVEL * (1 + np.abs(least))) & (gap > APART) & done
        note = "another start ends at a higher minimum" if lower.any() else ""
        return Found(student, lowest, ~other.any(axis=0), local_only=lower.any(axis=0), iterations=count, note=note)

    def _no_number(self, row: Row, s: int) -> str:
        one = row.take(slice(s, s + 1))
        if self.__dict__["per"] == "input":
            return f"{self.name} is no number at the uniform law: what the protocol {self.protocol} hides is NaN"
        labels, told = self._pairs(one)[1:]
        each = self.called(np.zeros((labels.size, one.labels.shape[-1])), labels, told)
        label = int(labels[int(np.argmin(np.isfinite(each)))])
        hidden = self.called(np.zeros((labels.size, one.labels.shape[-1])), labels, np.where(np.isnan(told), 0.1, told))
        reads = np.isfinite(hidden).all() and not np.isfinite(each).all()
        why = (
            f"; it reads an entry of the teacher that the protocol {self.protocol} hides, which is NaN" if reads else ""
        )
        return f"{self.name} is {float(each[np.argmin(np.isfinite(each))])} at label {label} of the uniform law{why}"

    def _rest(self, row: Row) -> Found:
        """Where the given gradient vanishes, which is not that of the value: steps along it, then Newton's."""
        flat = row.flat()
        z = np.zeros_like(flat.labels)
        for _ in range(300):
            slope = self.score_gradient(z, flat)
            z = z - 0.5 * slope
            if np.abs(slope).max() < 1e-8:
                break
        z = polish(self, flat, z, 60)
        note = "the gradient is not that of the value: where it vanishes, its fixed point"
        shape = row.labels.shape
        return Found(softmax(z).reshape(shape), z.reshape(shape), note=note)

    def learner(self) -> Learner:
        loss = self
        facts = (self.protocol.name, self.__dict__["per"])
        digest = fingerprint_of(
            f"loss {self.name}", self.__dict__["function"], self.__dict__["own_gradient"], facts=facts
        )

        def fit(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
            return fitted(loss, counts, revealed, init)

        return Learner(self.name, self.protocol, fit, loss=self.__dict__["formula"], fingerprint=f"own loss {digest}")


def own(
    f: Callable[..., Any],
    protocol: Any,
    *,
    per: str = "sample",
    gradient: Callable[..., Any] | None = None,
    name: str | None = None,
) -> OwnLoss:
    """A loss of one's own.

    Parameters
    ----------
    f : callable
        ``f(logits, label, teacher) -> (N,)`` for samples of shapes (N, A), (N,), (N, A), one value a sample, in NumPy:
        `teacher` is NaN where the protocol shows nothing. Or, with ``per="input"``, ``f(q, row) -> (N,)`` for laws of
        shape (N, A) and a `Row`.
    protocol : str or Protocol
        What it is shown.
    per : {"sample", "input"}
    gradient : callable, optional
        The gradient by the logits, of the same arguments, shape (N, A). If it is not that of the value, as where a part
        is detached, the limit is where it vanishes. If not given it is found numerically.
    name : str, optional
        That of the function if not given.

    Returns
    -------
    OwnLoss
        A loss like those of `kt_theory.losses.make`.

    Raises
    ------
    ValueError
        For what is no function, or another `per`; `Unsupported` for an unknown protocol. When it is evaluated: for a
        function that raises, reduces a batch, or answers with no real numbers.

    Examples
    --------
    >>> def smoothed(logits, label, teacher):
    ...     log_q = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ...     return -0.9 * log_q[np.arange(label.size), label] - 0.1 * log_q.mean(axis=1)
    >>> own(smoothed, "hard").limit([0.5, 0.3, 0.2]).student.round(6).tolist()
    [0.483333, 0.303333, 0.213333]
    """
    checks.function("f", f)
    if gradient is not None:
        checks.function("gradient", gradient)
    if per not in ("sample", "input"):
        raise ValueError(f"per is {checks.shown(per)}: it must be sample or input")
    found = resolve_protocol(protocol)
    if name is None:
        name = getattr(f, "__name__", "") or type(f).__name__
    if not isinstance(name, str) or not name or not name.isprintable():
        raise ValueError(f"name is {checks.shown(name)}: it must be a line of text")
    return OwnLoss(f, found, per, gradient, name)
