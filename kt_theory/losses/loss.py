"""The class `Loss`: what a loss is, what its student converges to, and the learner that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kt_theory import checks
from kt_theory.learners.learner import Learner
from kt_theory.losses.domains import Declared
from kt_theory.losses.row import Row, by_logits, logs, softmax
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.protocol import resolve_protocol

#: Raised when a change of the code changes a student: stored studies tell learners apart by it.
REVISION = 3

#: A student's probability below this counts as 0 at a minimum that is not attained.
NONE = 1e-12


@dataclass(frozen=True, eq=False)
class Found:
    """What a loss answers for rows: the student, shape (..., A), and what is known of it, shape (...).

    `scores` are the student's, shape (..., A), where they are others than `Limit.scores` of its law: absolute logits
    are not determined by a law.
    """

    student: np.ndarray
    scores: np.ndarray | None = None
    unique: Any = True
    attained: Any = None
    local_only: Any = False
    iterations: int = 0
    note: str = ""


@dataclass(frozen=True, eq=False)
class Solution:
    """What a student converges to.

    Attributes
    ----------
    student : ndarray, shape (..., A)
        The law that the minimiser of the loss tends to. Where the loss leaves a part of a row free, what gradient
        descent from the initial table returns.
    scores : ndarray, shape (..., A)
        The student's logits, or the scores that it reads its law from; -inf on a label without mass. Of losses that
        depend on absolute logits, those of the minimum.
    unique : ndarray of bool, shape (...)
        Whether the loss has no other minimiser.
    local_only : ndarray of bool, shape (...)
        Whether no more than a local minimum is known.
    attained : ndarray of bool, shape (...)
        Whether the minimum is reached by finite logits on every sampled label.
    residual : ndarray, shape (...)
        The largest absolute gradient by a logit at the student; NaN where the loss has a kink there, or a constraint.
    iterations : int
        Steps of a solver; 0 for a closed form.
    note : str
        What a reader should know besides.
    """

    student: np.ndarray
    scores: np.ndarray
    unique: np.ndarray
    local_only: np.ndarray
    attained: np.ndarray
    residual: np.ndarray
    iterations: int
    note: str


class Limit(Declared):
    """What has a limit for each teacher: a loss, or what is only defined in the population, such as a preference.

    Attributes
    ----------
    id, title, formula, paper : str
        Its name, in words, as a formula, and where it is from.
    level : str
        What a sample shows: the name of a protocol, or ``on-policy``, ``pairs``, ``votes``.
    consistent : str
        Whether its limit is the teacher: ``yes``, ``no``, or ``if`` and a condition.
    rate : str
        How fast its student tends to the limit, in the words of docs/losses.md.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    level: ClassVar[str] = "hard"
    consistent: ClassVar[str] = "no"
    rate: ClassVar[str] = "bias"
    #: Whether a row of the student depends on other rows.
    couples_inputs: ClassVar[bool] = False
    #: Whether it takes the logarithm of each of the teacher's probabilities.
    takes_logs: ClassVar[bool] = False

    @property
    def source(self) -> str:
        """The paper that it is from."""
        return self.paper

    @property
    def protocol(self) -> Protocol | None:
        """The least revealing protocol that it runs on; None if no transfer set holds what it reads."""
        return None

    def minimise(self, row: Row) -> Found:
        """The minimisers of rows."""
        raise NotImplementedError

    def scores(self, q: np.ndarray) -> np.ndarray:
        """Scores that give a law, shape (..., A)."""
        return logs(q)

    def residual(self, found: Found, row: Row) -> np.ndarray:
        """The largest absolute gradient at a student, shape (...)."""
        raise NotImplementedError

    def solve(self, row: Row) -> Solution:
        """The minimiser on what is shown.

        Parameters
        ----------
        row : Row
            Of a data set, or of the population.

        Returns
        -------
        Solution
        """
        found = self.minimise(row)
        lead = row.labels.shape[:-1]
        attained = found.attained
        if attained is None:
            attained = ~((found.student < NONE) & (row.labels > 0)).any(axis=-1)
        flags = [np.broadcast_to(np.asarray(flag, dtype=bool), lead) for flag in (found.unique, found.local_only)]
        reached = np.broadcast_to(np.asarray(attained, dtype=bool), lead)
        scores = self.scores(found.student) if found.scores is None else found.scores
        residual = self.residual(found, row)
        return Solution(found.student, scores, flags[0], flags[1], reached, residual, found.iterations, found.note)

    def limit(self, p: Any, rho: Any = None) -> Solution:
        """What the student converges to as the number of samples grows.

        Parameters
        ----------
        p : array_like, shape (..., A)
            The teacher's law of the labels, which the sampled labels follow. A loss that couples inputs takes a table,
            shape (S, A), or a single input, shape (A,).
        rho : array_like, shape (...), optional
            The law of the inputs, for a loss that couples them; uniform if not given.

        Returns
        -------
        Solution

        Raises
        ------
        ValueError
            If a row of `p` is no law, or has a zero where the loss takes its logarithm.
        """
        teacher = checked_teacher(p)
        if self.couples_inputs and teacher.ndim > 2:
            raise ValueError(f"p has shape {teacher.shape}: {self.id} couples inputs and takes one table, (S, A)")
        if rho is not None:
            rho = checks.law("rho", rho, size=int(np.prod(teacher.shape[:-1]))).reshape(teacher.shape[:-1])
        self.refuse_zeros(teacher, "p")
        return self.solve(Row.population(teacher, self.protocol or resolve_protocol("soft"), rho))

    def refuse_zeros(self, p: np.ndarray, name: str) -> None:
        """Refuse a zero where the loss takes a logarithm; NaN is passed over."""
        if self.takes_logs and (p == 0).any():
            place = checks.place(np.argwhere(p == 0)[0])
            raise ValueError(
                f"{name}{place} is 0: {self.id} takes the logarithm of each of the teacher's probabilities; "
                "leave the label out, or mix the teacher with a law that has no zero"
            )

    def learner(self) -> Learner:
        """The learner of a loss; refused here, since what it reads is in no transfer set.

        Raises
        ------
        Unsupported
            Always, for preferences, votes and on-policy losses.
        """
        raise checks.Unsupported(
            f"{self.id} has no learner: no transfer set holds its samples, which are {self.level}; "
            "limit(p) answers in the population"
        )


class Loss(Limit):
    """A loss on what a protocol shows, over laws or logits of the labels.

    Attributes
    ----------
    convex : str
        In which argument it is convex: ``z`` (logits), ``q`` (the law), ``theta`` (its own scores), or nothing.
    readout : str
        How the student's law is read from its scores.
    """

    convex: ClassVar[str] = ""
    readout: Any = "softmax"
    #: Whether it is linear in the law of the sampled labels.
    separable: ClassVar[bool] = True
    #: Whether its gradient vanishes at its minimum.
    smooth: ClassVar[bool] = True
    #: Whether its gradient is that of its value, or a part of it is held fixed (a stop-gradient).
    detached: ClassVar[bool] = False
    #: Whether its minimiser is a formula; else equal rows are solved once.
    closed: ClassVar[bool] = True

    @property
    def protocol(self) -> Protocol:
        return resolve_protocol(self.level)

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The loss of students, averaged over the sampled labels of each row.

        Parameters
        ----------
        q : ndarray, shape (..., A)
            Laws of the labels. Of a loss that depends on absolute logits, those that give the law by its read-out.
        row : Row

        Returns
        -------
        ndarray, shape (...)
            Not reduced over rows.
        """
        raise NotImplementedError

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        """q_a times the derivative of the loss by q_a, shape (..., A)."""
        raise NotImplementedError

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        """The gradient by the student's logits (its scores, where it has a link of its own).

        Parameters
        ----------
        q : ndarray, shape (..., A)
        row : Row

        Returns
        -------
        ndarray, shape (..., A)
        """
        return by_logits(self._flow(q, row), q)

    def link(self, z: np.ndarray) -> np.ndarray:
        """The student's law from its scores, shape (..., A)."""
        return softmax(z)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        """The loss by scores, shape (...)."""
        return self.value(softmax(z), row)

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        """The gradient by scores at scores, shape (..., A)."""
        return self.gradient(softmax(z), row)

    def slopes(self, found: Found, row: Row) -> np.ndarray:
        """The gradient by scores at a student, shape (..., A)."""
        return self.gradient(found.student, row) if found.scores is None else self.score_gradient(found.scores, row)

    def residual(self, found: Found, row: Row) -> np.ndarray:
        if not self.smooth:
            return np.full(found.student.shape[:-1], np.nan)
        return np.abs(self.slopes(found, row)).max(axis=-1)

    def with_readout(self, kind: str) -> Loss:
        """The same loss, whose student's scores are read out as the law of the labels that they are stationary for.

        Parameters
        ----------
        kind : {"labels"}
            Stationarity of a loss on hard labels is linear in their law, which is hence a null vector of the gradients
            (lemma L4 of docs/losses.md).

        Returns
        -------
        Loss
            Its limit is the teacher, and its student the frequencies, wherever the null space has dimension one.

        Raises
        ------
        Unsupported
            For another read-out, and for a loss that is not linear in the law of the labels.
        """
        from kt_theory.losses.readouts import ReadLabels  # a loss made of a loss

        if kind != "labels":
            raise checks.Unsupported(f"kind is {checks.shown(kind)}: the read-out of a loss is labels")
        if not self.separable or self.couples_inputs or self.protocol is None:
            raise checks.Unsupported(
                f"{self.id} has no read-out of the labels: it is not linear in the law of the sampled labels"
            )
        return ReadLabels(self)

    def twin(self) -> Learner | None:
        """The learner of the package with the same student, whose compiled rows simulate that of this loss."""
        return None

    def learner(self) -> Learner:
        """The learner that minimises this loss on a transfer set.

        Returns
        -------
        Learner
            For `kt_theory.fit`, `simulate`, `sample_risks`, `risk_law`, `expected_risk`, studies and the ledger. It
            answers unvisited inputs with the initial table.

        Raises
        ------
        Unsupported
            For a loss that no transfer set serves.
        """
        loss = self

        def fit(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
            return fitted(loss, counts, revealed, init)

        # Rows refuse no zero, and know no other row.
        twin = None if self.takes_logs or self.couples_inputs else self.twin()
        words = (self.formula or self.id).replace("\n", " ")
        return Learner(
            self.name,
            self.protocol,
            fit,
            couples_inputs=self.couples_inputs,
            row=None if twin is None else twin.row,
            cells=None if twin is None else twin.cells,
            lanes=None if twin is None else twin.lanes,
            loss=words,
            fingerprint=f"loss {self.name} {REVISION}",
        )


class ScoreLoss(Loss):
    """A loss of absolute scores, whose student reads its law from them by a link of its own."""

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self.score_value(self.scores(q), row)

    def gradient(self, q: np.ndarray, row: Row) -> np.ndarray:
        return self.score_gradient(self.scores(q), row)

    def score_value(self, z: np.ndarray, row: Row) -> np.ndarray:
        raise NotImplementedError

    def score_gradient(self, z: np.ndarray, row: Row) -> np.ndarray:
        raise NotImplementedError


def fitted(loss: Loss, counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """The student of a loss on tables of shape (S, A); rows without a visit stay at `init`."""
    visited = counts.any(axis=1) if loss.protocol.shows_label else (~np.isnan(revealed)).any(axis=1)
    if visited.all():
        answer = _fitted_visited(loss, counts, revealed, init)
        return answer.copy() if np.may_share_memory(answer, revealed) or np.may_share_memory(answer, init) else answer
    student = np.array(init, dtype=np.float64)
    if visited.any():
        student[visited] = _fitted_visited(loss, counts[visited], revealed[visited], init[visited])
    return student


def _fitted_visited(loss: Loss, counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    loss.refuse_zeros(revealed, "the teacher at a visited input ")
    if loss.closed or loss.couples_inputs:
        return loss.minimise(Row.of_counts(counts, revealed, init)).student
    keys = np.concatenate([counts, np.where(np.isnan(revealed), -1.0, revealed), init], axis=1)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    found = loss.minimise(Row.of_counts(counts[first], revealed[first], init[first]))
    return found.student[inverse.reshape(-1)]


def checked_teacher(p: Any) -> np.ndarray:
    """`p` as laws along the last axis; refuses what is none."""
    teacher = checks.probabilities("p", p)
    if teacher.ndim == 0 or teacher.shape[-1] == 0 or teacher.size == 0:
        raise ValueError(f"p has shape {teacher.shape}: its last axis is that of the labels, at least one")
    totals = teacher.sum(axis=-1)
    off = np.abs(totals - 1) > checks.SUM_TOLERANCE
    if off.any():
        index = tuple(np.argwhere(off)[0]) if teacher.ndim > 1 else ()
        where = checks.place(index) if index else ""
        raise ValueError(f"p{where} sums to {float(totals[index])!r}: divide it by its sum, in float64")
    return teacher
