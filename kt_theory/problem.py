r"""The theory page: sets, laws, protocols, risk; and problems to try it on.

Setting (Zhao and Zhu, "Towards the Fundamental Limits of Knowledge Transfer over Finite Domains",
ICLR 2024, arXiv 2310.07838; cited below as Z&Z). A **teacher** is a row-stochastic table
:math:`\pi^*(a \mid s)` over finite inputs and labels; inputs come from a law :math:`\rho`.
A **student** sees n i.i.d. pairs :math:`(s_i, a_i) \sim \rho \times \pi^*`, and with each pair what the
protocol reveals:

========== ======================================= =========================
protocol   revealed with each sample               name in Z&Z
========== ======================================= =========================
hard       nothing more                            Hard Labels, D
partial    :math:`\pi^*(a_i \mid s_i)`             Partial SLs, R
soft       :math:`\pi^*(\cdot \mid s_i)`           Soft Labels, Q
========== ======================================= =========================

and answers with any row-stochastic table. Its **risk** is

.. math:: R(\hat\pi) = \sum_s \rho(s)\, \mathrm{TV}(\hat\pi(\cdot|s), \pi^*(\cdot|s)),
          \qquad \mathrm{TV}(p, q) = \tfrac12 \sum_a |p(a) - q(a)|.

Symbols used throughout the package

===========  ======================================================================================
``S, A``     number of inputs and of labels
``rho``      law of the inputs, shape (S,)
``teacher``  the table pi*, shape (S, A)
``n``        number of samples; ``n_s`` visits of input s, ``n_sa`` times (s, a) was seen
``w``        joint masses rho(s) pi*(a|s), shape (S, A)
``init``     initial table: a student's answer where the data leave it free; uniform unless given
risk         R above, dimensionless, in [0, 1]
===========  ======================================================================================
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.sparse import SparseTable, aligned, is_sparse, of_dense, sparse_law_table

#: Up to so many cells a problem is identified by all of them, beyond by its positive ones: dense and sparse problems of
#: equal numbers have one identity, and the same draws.
IDENTITY_CELLS = 10**7


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A problem instance: the law of the inputs and the teacher's table, validated once and then frozen.

    Parameters
    ----------
    rho : array_like, shape (S,)
        Law of the inputs: probabilities that sum to 1 within 1e-12.
    teacher : array_like or scipy.sparse array, shape (S, A), or SparseTable
        The teacher pi*: row s is the law of the label given input s; each row sums to 1 within 1e-12. From a sparse
        array, or `Problem.from_cells`, only the positive entries are kept: memory and time are those of the entries.
        The problem is `sparse` then, `pairs` holds the entries, and `teacher` is refused: see `dense`.
    name : str, optional
        A short name, kept in receipts and on figures.
    states, actions : sequence of str, optional
        Names of the inputs and of the labels, for real teachers. If not given: the index and the
        columns of a teacher that is a DataFrame, else 0, 1, 2, ...

    Raises
    ------
    ValueError
        For NaN, negative or too large entries, sums off 1, shapes that disagree, names that are repeated
        or miscounted, or differ between `rho`, `teacher` and what is given; the message names the argument, the place
        and the value.

    Examples
    --------
    >>> problem = Problem([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]])
    >>> problem.S, problem.A, problem.sparse
    (2, 2, False)
    >>> Problem.from_cells([0.5, 0.5], [0, 0, 1], [7, 9, 9], [0.25, 0.75, 1.0], A=1000)
    Problem(name='problem', S=2, A=1000, positive entries: 3)
    >>> Problem([1.0], [[0.9, 0.2]])
    Traceback (most recent call last):
    ...
    ValueError: teacher[0] sums to 1.1, off 1 by 0.1; divide each row by its sum, in float64, if that is what you mean
    """

    rho: np.ndarray
    teacher: np.ndarray
    name: str = "problem"
    states: tuple[str, ...] = field(default=(), repr=False)
    actions: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        frames = {} if is_sparse(self.teacher) else {"teacher": self.teacher}
        states, actions = checks.names_from_frames(self.states, self.actions, **frames, rho=self.rho)
        rho = checks.law("rho", self.rho)
        object.__setattr__(self, "name", checks.text("name", self.name))
        if is_sparse(self.teacher):
            table = sparse_law_table("teacher", self.teacher)
            if table.rest.any():
                raise ValueError("teacher has a rest above 0: a sparse teacher is 0 in the cells that are not stored")
            object.__setattr__(self, "pairs", table)
            object.__delattr__(self, "teacher")
        else:
            teacher = checks.stochastic_table("teacher", self.teacher)
            teacher.flags.writeable = False
            object.__setattr__(self, "teacher", teacher)
        if rho.size != self.S:
            raise ValueError(f"teacher has {self.S} rows, rho has {rho.size} entries: they must be as many")
        rho.flags.writeable = False
        object.__setattr__(self, "rho", rho)
        object.__setattr__(self, "states", checks.names("states", states, self.S))
        object.__setattr__(self, "actions", checks.names("actions", actions, self.A))

    @classmethod
    def from_cells(
        cls, rho: Any, s: Any, a: Any, values: Any, A: int, name: str = "problem", states: Any = (), actions: Any = ()
    ) -> Problem:
        """A sparse problem from the entries of its teacher.

        Parameters
        ----------
        rho : array_like, shape (S,)
            Law of the inputs.
        s, a : sequence of int, shape (P,)
            Input and label of each entry, counted from 0, in any order; the other entries are 0.
        values : array_like, shape (P,)
            The teacher's probability of each entry.
        A : int
            Number of labels.
        name, states, actions
            As in `Problem`.

        Returns
        -------
        Problem

        Raises
        ------
        ValueError
            As `Problem`, and for an entry that is outside of the table or stands twice.
        """
        law = checks.law("rho", rho)
        labels = checks.whole_number("A", A, minimum=1)
        return cls(rho, SparseTable.from_cells(s, a, values, (law.size, labels)), name, states, actions)  # type: ignore[arg-type]

    def __getattr__(self, attribute: str) -> Any:
        # Only what is not there is looked up here: the pairs of a dense problem, and the table of a sparse one.
        if attribute == "teacher" and "pairs" in self.__dict__:
            raise checks.Unsupported(
                f"problem {checks.shown(self.name)} is sparse, {self.S} x {self.A}: what was asked for needs a dense "
                f"table of {8e-9 * self.S * self.A:.3g} GB; problem.dense() makes one up to 0.8 GB"
            )
        if attribute == "pairs" and "teacher" in self.__dict__:
            rows, columns = np.nonzero(self.teacher)
            keys = rows * self.A + columns
            return SparseTable.of_keys(keys, self.teacher[rows, columns], (self.S, self.A), np.zeros(self.S))
        raise AttributeError(f"'Problem' object has no attribute {attribute!r}")

    def __repr__(self) -> str:
        if not self.sparse:
            return f"Problem(rho={self.rho!r}, teacher={self.teacher!r}, name={self.name!r})"
        return f"Problem(name={self.name!r}, S={self.S}, A={self.A}, positive entries: {self.pairs.stored})"

    @property
    def sparse(self) -> bool:
        """Whether only the positive entries of the teacher are kept."""
        return "pairs" in self.__dict__

    def dense(self) -> Problem:
        """The same problem with the teacher as an array; itself if it is so already.

        Raises
        ------
        Unsupported
            A ValueError, for more than 1e8 cells, 0.8 GB.
        """
        if not self.sparse:
            return self
        return Problem(self.rho, self.pairs.dense(), self.name, self.states, self.actions)

    @property
    def S(self) -> int:
        """Number of inputs."""
        return self.pairs.shape[0] if self.sparse else self.teacher.shape[0]

    @property
    def A(self) -> int:
        """Number of labels."""
        return self.pairs.shape[1] if self.sparse else self.teacher.shape[1]

    @property
    def w(self) -> np.ndarray:
        """Joint masses rho(s) pi*(a|s), shape (S, A)."""
        return self.rho[:, None] * self.teacher

    @property
    def identity(self) -> str:
        """SHA-256 of (S, A, rho, teacher), in hexadecimal: equal exactly when the numbers are equal."""
        content = hashlib.sha256(f"{self.S} {self.A} ".encode())

        def add(numbers: np.ndarray) -> None:
            # Adding 0 makes -0.0 a 0.0, whose bytes differ although the numbers are equal.
            content.update(np.ascontiguousarray(numbers + 0.0, dtype="<f8").tobytes())

        add(self.rho)
        if self.S * self.A <= IDENTITY_CELLS:
            add(self.pairs.dense() if self.sparse else self.teacher)
            return content.hexdigest()
        pairs = self.pairs
        for positions in (pairs.offsets, pairs.columns):
            content.update(np.ascontiguousarray(positions, dtype="<i8").tobytes())
        add(pairs.values)
        return content.hexdigest()


def uniform_table(S: int, A: int) -> np.ndarray:
    """The table whose every row is Uniform(A), shape (S, A): the default initialisation."""
    S = checks.whole_number("S", S, minimum=1)
    A = checks.whole_number("A", A, minimum=1)
    checks.table_size(S, A)
    return np.full((S, A), 1.0 / A)


def initial_table(init: Any, problem: Problem) -> np.ndarray:
    """`init` as a table of the problem's shape, rows off 1 by at most 1e-6 (a float32 softmax); uniform if None.

    A DataFrame must name inputs and labels as the problem does.
    """
    shape = checked_problem(problem).teacher.shape
    if init is None:
        return uniform_table(*shape)
    if is_sparse(init):
        return sparse_law_table("init", init, shape, checks.STUDENT_TOLERANCE).dense()
    checks.names_from_frames(problem.states, problem.actions, init=init)
    return checks.stochastic_table("init", init, shape, tolerance=checks.STUDENT_TOLERANCE)


def initial_cells(init: Any, problem: Problem) -> SparseTable:
    """The same for a sparse problem: the cells of `init` that differ from the rest of their row, and the rest."""
    shape = (checked_problem(problem).S, problem.A)
    if init is None:
        none = np.empty(0, dtype=np.int64)
        return SparseTable.of_keys(none, np.empty(0), shape, np.full(shape[0], 1.0 / shape[1]))
    if is_sparse(init):
        return sparse_law_table("init", init, shape, checks.STUDENT_TOLERANCE)
    checks.names_from_frames(problem.states, problem.actions, init=init)
    return of_dense(checks.stochastic_table("init", init, shape, tolerance=checks.STUDENT_TOLERANCE))


def checked_problem(problem: Any) -> Problem:
    """`problem`, if it is one."""
    return checks.instance_of("problem", problem, Problem, "kt_theory.Problem(rho, teacher) makes one")


def tv_risk(student: Any, problem: Problem) -> float:
    """The risk of a student: total variation to the teacher, averaged under rho.

    Parameters
    ----------
    student : array_like, shape (S, A), or Student
        A table whose rows sum to 1 within 1e-6: a student made of records is off by what their probabilities are.
    problem : Problem
        The problem to evaluate it on.

    Returns
    -------
    float
        sum_s rho(s) TV(student(.|s), pi*(.|s)), in [0, 1]. Source: Z&Z, section 2.

    Raises
    ------
    ValueError
        If `problem` is none, or `student` is not a row-stochastic table of its shape.

    Examples
    --------
    >>> round(tv_risk([[0.5, 0.5]], Problem([1.0], [[0.9, 0.1]])), 12)
    0.4
    """
    shape = (checked_problem(problem).S, problem.A)
    if is_sparse(student):
        told = sparse_law_table("student", student, shape, checks.STUDENT_TOLERANCE)
        told, teacher = aligned(told, problem.pairs)
        stored = np.bincount(told.rows, np.abs(told.values - teacher.values), minlength=problem.S)
        return float(problem.rho @ (0.5 * (stored + told.others * told.rest)))
    checks.names_from_frames(problem.states, problem.actions, student=student)
    table = checks.stochastic_table("student", student, shape, tolerance=checks.STUDENT_TOLERANCE)
    if not problem.sparse:
        return float(problem.rho @ (0.5 * np.abs(table - problem.teacher).sum(axis=1)))
    apart = np.empty(problem.S)
    step = max(ROWS_CELLS // problem.A, 1)
    for first in range(0, problem.S, step):
        rows = slice(first, min(first + step, problem.S))
        apart[rows] = np.abs(table[rows] - problem.pairs.dense_rows(rows.start, rows.stop)).sum(axis=1)
    return float(problem.rho @ (0.5 * apart))


#: Cells of rows that are made dense at a time.
ROWS_CELLS = 10**6


# --- The instances of the paper -------------------------------------------------------------------------


def instance(k: int, S: int, A: int, n: int | None = None) -> Problem:
    """Instance k of the paper's experiments.

    Parameters
    ----------
    k : {0, 1, 2, 3}
        0: rho uniform, pi*(.|s) half Uniform(A), half a Dirac at label ``s mod A``; does not move with n.
        1: hard for hard labels. rho uniform; the labels in pairs (1 +- 0.25 sqrt(S A' / n)) / A'. With A odd the
        last label has mass 0 and A' = A - 1; with A even A' = A. Needs A >= 2 and n >= S A' / 16.
        2: hard for partial soft labels. rho uniform; of the first A' - 1 labels each second one has mass
        S / (n + 1) and its neighbour 0, and label A' has the rest. With A even the last label has mass 0 and
        A' = A - 1; with A odd A' = A. Needs A >= 3 and n + 1 >= S (A' - 1) / 2.
        3: hard for soft labels. rho(s) = 1 / (n + 1) for all inputs but the last, which has the rest; pi* as in
        instance 2. Needs A >= 2 and n + 1 >= max(S - 1, S (A' - 1) / 2).
    S, A : int
        Number of inputs and labels, at least 1.
    n : int
        The number of samples that the instance is hard for. Instance 0 ignores it.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If k is unknown or (S, A, n) is outside the instance's domain, in which case the smallest n is named.

    Notes
    -----
    Source: Z&Z, section 6 and the constructions in the proofs of Theorems 3.1, 4.1 and 5.1.

    Examples
    --------
    >>> instance(0, S=1, A=4).teacher
    array([[0.625, 0.125, 0.125, 0.125]])
    >>> instance(2, S=1, A=5, n=9).teacher
    array([[0.1, 0. , 0.1, 0. , 0.8]])
    """
    k = checks.whole_number("k", k)
    S = checks.whole_number("S", S, minimum=1)
    A = checks.whole_number("A", A, minimum=1)
    checks.table_size(S, A)
    if k not in (0, 1, 2, 3):
        raise ValueError(f"k is {k}: the paper has instances 0, 1, 2 and 3")
    if k == 0:
        return Problem(np.full(S, 1 / S), _half_uniform_half_dirac(S, A), name=f"instance 0 (S={S}, A={A})")
    if n is None:
        raise ValueError(f"n is missing: instance {k} moves with the number of samples")
    n = checks.whole_number("n", n, minimum=1)
    row = _paired_row(S, A, n) if k == 1 else _sparse_row(k, S, A, n)
    rho = np.full(S, 1 / S)
    if k == 3:
        if n + 1 < S - 1:
            raise ValueError(f"n is {n}: instance 3 with S={S}, A={A} needs n >= {S - 2}")
        rho = np.full(S, 1 / (n + 1))
        rho[-1] = 1 - (S - 1) / (n + 1)
    return Problem(rho, np.tile(row, (S, 1)), name=f"instance {k} (S={S}, A={A}, n={n})")


def _half_uniform_half_dirac(S: int, A: int) -> np.ndarray:
    teacher = np.full((S, A), 0.5 / A)
    teacher[np.arange(S), np.arange(S) % A] += 0.5
    return teacher


def _paired_row(S: int, A: int, n: int) -> np.ndarray:
    """One row of instance 1: pairs (1 + D)/A', (1 - D)/A' with D = 0.25 sqrt(S A' / n)."""
    even = A - A % 2
    if even == 0:
        raise ValueError(f"A is {A}: instance 1 needs at least 2 labels")
    if 16 * n < S * even:
        raise ValueError(f"n is {n}: instance 1 with S={S}, A={A} needs n >= {-(-S * even // 16)}")
    gap = 0.25 * math.sqrt(S * even / n)
    row = np.zeros(A)
    row[0:even:2] = (1 + gap) / even
    row[1:even:2] = (1 - gap) / even
    return row


def _sparse_row(k: int, S: int, A: int, n: int) -> np.ndarray:
    """One row of instances 2 and 3: every second of the first A'-1 labels has mass S/(n+1), label A' the rest."""
    smallest = 3 if k == 2 else 2
    if smallest > A:
        raise ValueError(f"A is {A}: instance {k} needs at least {smallest} labels")
    odd = A - (A + 1) % 2
    light = (odd - 1) // 2
    if n + 1 < S * light:
        raise ValueError(f"n is {n}: instance {k} with S={S}, A={A} needs n >= {S * light - 1}")
    row = np.zeros(A)
    row[0 : odd - 1 : 2] = S / (n + 1)
    row[odd - 1] = 1 - S * light / (n + 1)
    return row


def three_worlds(S: int, A: int, n: int, phi: float = math.sqrt(0.5), psi: float = math.sqrt(2) - 1) -> Problem:
    """One instance on which all three protocols are hard at once, up to constants.

    A share `psi` of the inputs is met about once, with a sure label: they make the risk from soft labels of order S/n.
    The other inputs are heavy and alike. In their rows a share `phi` of the labels has the masses that are worst for
    partial soft labels (0.676741 of these labels with joint mass 1.477670 / n each, the others impossible), and the
    other labels share what is left evenly, which is worst for hard labels.

    As n >> S A >> 1 the risks of CE_sgl, SEL_ptl and CE_ful tend to the shares
    ``(sqrt((1 - psi) (1 - phi)), (1 - psi) phi, psi)`` of their minimax risks; the defaults make all three
    ``sqrt(2) - 1``. Z&Z (appendix F) conjectured that no instance attains all three limits; up to constants, and for
    S >= 2, this one does.

    Parameters
    ----------
    S, A : int
        Number of inputs, at least 2, and of labels, at least 4.
    n : int
        The number of samples that the instance is hard for; large enough that the light labels fit.
    phi, psi : float
        Shares of labels and inputs, strictly between 0 and 1.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If S, A or a share is out of range, or n is too small for the light labels.

    Examples
    --------
    >>> three_worlds(S=3, A=5, n=100).rho.round(6).tolist()
    [0.009901, 0.49505, 0.49505]
    """
    S = checks.whole_number("S", S, minimum=2)
    A = checks.whole_number("A", A, minimum=4)
    n = checks.whole_number("n", n, minimum=1)
    checks.table_size(S, A)
    phi, psi = checks.open_unit("phi", phi), checks.open_unit("psi", psi)
    rare = min(max(round(psi * (S - 1)), 1), S - 1)
    block = min(max(round(phi * A), 2), A - 1)
    light = max(round(LIGHT_SHARE * block), 1)
    heavy = max(1 - rare / (n + 1), 0.0) / (S - rare)
    if n + 1 < S or light * LIGHT_MASS >= n * heavy:
        raise ValueError(f"n is {n}: with S={S}, A={A} the light labels do not fit")
    rho = np.full(S, 1 / (n + 1))
    rho[rare:] = heavy
    mass = LIGHT_MASS / (n * heavy)
    teacher = np.zeros((S, A))
    teacher[:rare, 0] = 1.0
    teacher[rare:, :light] = mass
    teacher[rare:, block:] = (1 - light * mass) / (A - block)
    return Problem(rho, teacher, name=f"three worlds (S={S}, A={A}, n={n})")


#: The least favourable row for partial soft labels as A grows: the share of its labels that are light, and n times
#: the joint mass of each. With q = 2 W(1 / (2 sqrt(e))), W Lambert's function, they are 1 / (1 + q) and 1 + q.
LIGHT_SHARE, LIGHT_MASS = 0.676741, 1.477670


# --- Random problems ------------------------------------------------------------------------------------


def dirichlet_problem(S: int, A: int, seed: Any, alpha: float = 1.0, rho_alpha: float | None = None) -> Problem:
    """A random problem: rows of the teacher, and rho, drawn from symmetric Dirichlet laws.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1.
    seed : int, SeedSequence or Generator
        Source of randomness, handed to ``numpy.random.default_rng``.
    alpha : float
        Concentration of each row: 1 is uniform on the simplex, below 1 gives sparse rows.
    rho_alpha : float, optional
        Concentration of rho; uniform rho if not given.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If S or A is below 1 or a concentration is not a finite number above 0.

    Examples
    --------
    >>> dirichlet_problem(3, 4, seed=1).teacher.shape
    (3, 4)
    """
    S = checks.whole_number("S", S, minimum=1)
    A = checks.whole_number("A", A, minimum=1)
    checks.table_size(S, A)
    rng = _generator(seed)
    teacher = _dirichlet(rng, "alpha", alpha, A, S)
    rho = np.full(S, 1 / S) if rho_alpha is None else _dirichlet(rng, "rho_alpha", rho_alpha, S, 1)[0]
    # A law on one point is 1, where the draw may leave it one rounding below.
    teacher = teacher if A > 1 else np.ones((S, 1))
    rho = rho if S > 1 else np.ones(1)
    return Problem(rho, teacher, name=f"Dirichlet (S={S}, A={A}, alpha={alpha:g})")


def _dirichlet(rng: np.random.Generator, name: str, alpha: Any, size: int, rows: int) -> np.ndarray:
    alpha = checks.positive(name, alpha)
    laws = rng.dirichlet(np.full(size, alpha), size=rows)
    if not np.isfinite(laws).all():
        raise ValueError(f"{name} is {alpha}: float64 cannot draw from a Dirichlet law with it")
    return laws


def _generator(seed: Any) -> np.random.Generator:
    """A generator of its own for a whole number or a SeedSequence; one that is given goes on where it is."""
    if isinstance(seed, (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)):
        return np.random.default_rng(seed)
    return np.random.default_rng(checks.whole_number("seed", seed))


def zipf_problem(S: int, A: int, seed: Any, exponent: float = 1.0) -> Problem:
    """A random problem with the frequencies of words: every row, and rho, is Zipf's law in a random order.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1.
    seed : int, SeedSequence or Generator
        Source of the random orders.
    exponent : float
        The k-th most likely label has mass proportional to ``k ** -exponent``.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If S or A is below 1 or `exponent` is not a finite number above 0.

    Examples
    --------
    >>> sorted(zipf_problem(1, 2, seed=1).teacher[0].round(4).tolist())
    [0.3333, 0.6667]
    """
    S = checks.whole_number("S", S, minimum=1)
    A = checks.whole_number("A", A, minimum=1)
    checks.table_size(S, A)
    exponent = checks.positive("exponent", exponent)
    rng = _generator(seed)

    def zipf(size: int) -> np.ndarray:
        weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
        return weights / weights.sum()

    row = zipf(A)
    teacher = np.stack([rng.permutation(row) for _ in range(S)])
    return Problem(rng.permutation(zipf(S)), teacher, name=f"Zipf (S={S}, A={A}, exponent={exponent:g})")


def near_deterministic_problem(S: int, A: int, seed: Any, epsilon: float = 0.01) -> Problem:
    """A random problem whose teacher is almost sure: 1 - epsilon on one random label, epsilon shared by the others.

    Parameters
    ----------
    S, A : int
        Number of inputs, at least 1, and of labels, at least 2.
    seed : int, SeedSequence or Generator
        Source of the most likely labels. rho is uniform.
    epsilon : float
        Mass off the most likely label, strictly between 0 and 1.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If S < 1, A < 2 or `epsilon` is outside (0, 1).

    Examples
    --------
    >>> near_deterministic_problem(2, 3, seed=1, epsilon=0.1).teacher.max(axis=1).tolist()
    [0.9, 0.9]
    """
    S = checks.whole_number("S", S, minimum=1)
    A = checks.whole_number("A", A, minimum=2)
    checks.table_size(S, A)
    epsilon = checks.open_unit("epsilon", epsilon)
    teacher = np.full((S, A), epsilon / (A - 1))
    teacher[np.arange(S), _generator(seed).integers(A, size=S)] = 1 - epsilon
    return Problem(np.full(S, 1 / S), teacher, name=f"near-deterministic (S={S}, A={A}, epsilon={epsilon:g})")
