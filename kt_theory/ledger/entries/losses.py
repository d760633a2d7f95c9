r"""What students of losses converge to: what `kt_theory.losses` computes against the formulas that the report proves.

One input. e are the frequencies of the labels, p the teacher, V = diag(p) - p p^T, U the uniform law.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from kt_theory import losses
from kt_theory.exact.law import count_tables, risk_law
from kt_theory.learners.fitting import fit
from kt_theory.ledger.attacks.comparing import within
from kt_theory.ledger.attacks.planting import scaled
from kt_theory.ledger.attacks.problems import generator
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.losses import Row
from kt_theory.problem import Problem
from kt_theory.protocols import TransferSet


def tv(q: np.ndarray, p: np.ndarray) -> float:
    """The largest total variation of rows."""
    return float(0.5 * np.abs(q - p).sum(axis=-1).max())


# --- Hard labels are mapped -------------------------------------------------------------------------------

#: Losses on hard labels: a line a loss, with its parameters.
HARD: tuple[tuple[str, dict[str, float]], ...] = (
    ("cross_entropy", {}),
    ("brier", {}),
    ("stablemax_cross_entropy", {}),
    ("generalized_cross_entropy", {"gamma": 0.3}),
    ("focal", {"gamma": 1.0}),
    ("poly1", {}),
    ("label_smoothing", {}),
    ("confidence_penalty", {}),
)


def limit_at(number: int, e: np.ndarray) -> np.ndarray:
    """The limit of a loss of `HARD` at the teacher e."""
    name, parameters = HARD[number]
    return losses.make(name, **parameters).limit(e).student


@cache
def hard_students(number: int) -> tuple[tuple[str, int, np.ndarray, np.ndarray], ...]:
    """Places, n, all count tables of n labels, and the students that the learner makes of them."""
    name, parameters = HARD[number]
    learner, found = losses.make(name, **parameters).learner(), []
    for A, n in ((2, 3), (3, 2), (3, 4)):
        counts, _ = count_tables(np.array([n]), np.full(A, 1 / A))
        students = fit(TransferSet.from_counts(counts), learner)
        found.append((f"{name}, A={A}, n={n}", n, counts, np.asarray(students)))
    return tuple(found)


def empirical(number: int, q: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sum over the samples of the loss of each, at a student a row."""
    name, parameters = HARD[number]
    loss, (N, A) = losses.make(name, **parameters), counts.shape
    total = np.zeros(N)
    for y in range(A):
        one = Row(np.tile(np.eye(A)[y], (N, 1)), np.ones(N), np.full((N, A), np.nan), np.full((N, A), 1 / A))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = loss.value(q, one)
        total += counts[:, y] * np.where(counts[:, y] > 0, value, 0.0)
    return total


def mapped(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(number, e)``: the student on e is the learner's on counts, and no other has a lower sum over samples."""
    rng = generator(effort, "maps")
    for number in range(len(HARD)):
        for where, n, counts, students in hard_students(number):
            q = claim(number=number, e=counts / n)
            yield Trial(f"the student on counts, {where}", tv(q, students), 1e-9, "exact", n)
            least = empirical(number, q, counts)
            for share in (0.02, 0.3):
                other = (1 - share) * q + share * rng.dirichlet(np.ones(q.shape[1]), size=q.shape[0])
                gap = least - empirical(number, other, counts)
                yield Trial(f"another student, {where}", float(gap.max()), 1e-12 * n, "exact", n)


# --- Partial labels ---------------------------------------------------------------------------------------

#: Losses whose terms are least at q_a = p_a alone.
PARTIAL = ("squared_error_logit", "target_binary_kl", "squared_error_probability")


def kept_on_seen(p: np.ndarray, seen: np.ndarray, init: np.ndarray) -> np.ndarray:
    """The teacher on seen labels, what they leave in proportion to the initial row, evenly where that is 0."""
    share = np.where(seen, 0.0, init)
    if not share.any():
        share = np.where(seen, 0.0, 1.0)
    return np.where(seen, p, 0.0) + max(1 - math.fsum(p[seen]), 0.0) * share / max(share.sum(), 1e-300)


@cache
def partial_students(effort: Effort) -> tuple[tuple[str, int, np.ndarray, np.ndarray, np.ndarray, np.ndarray], ...]:
    """Places, n, teachers, which labels were seen, initial rows, and the students of the package."""
    rng, found = generator(effort, "partial labels"), []
    for name in PARTIAL:
        learner = losses.make(name).learner()
        for A, n in ((2, 1), (3, 2), (5, 1), (5, 4)):
            p, init = rng.dirichlet(np.ones(A), size=2)
            counts = rng.multinomial(n, p)
            data = TransferSet.from_counts(counts[None], p[None], "partial")
            found.append(
                (f"{name}, A={A}, n={n}", n, p, counts > 0, init, np.asarray(fit(data, learner, init[None]))[0])
            )
    return tuple(found)


def on_seen(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, seen, init)`` is the student."""
    for where, n, p, seen, init, student in partial_students(effort):
        yield Trial(where, tv(claim(p=p, seen=seen, init=init), student), 1e-12, "exact", n)


# --- Truncation -------------------------------------------------------------------------------------------

#: Generators f of t = p/q: those that are no less than 0 with f(1) = 0, and two that are no such.
GENERATORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "t log t - t + 1": lambda t: t * np.log(t) - t + 1,
    "t - 1 - log t": lambda t: t - 1 - np.log(t),
    "(t - 1)^2": lambda t: (t - 1) ** 2,
    "(sqrt t - 1)^2": lambda t: (np.sqrt(t) - 1) ** 2,
    "(t - 1)^2 (2 + sin 9 t)": lambda t: (t - 1) ** 2 * (2 + np.sin(9 * t)),
    "t log t": lambda t: t * np.log(t),
    "-log t": lambda t: -np.log(t),
}


def truncated(generator: str, p: np.ndarray, P: float, over: float = 1.0, divisor: float = math.e) -> np.ndarray:
    """Where a truncated divergence is least, on the list: p of these labels, P their mass."""
    if generator == "t log t":
        return p / P
    return p / divisor if generator == "-log t" else p / over


@cache
def listed(effort: Effort) -> tuple[tuple[str, str, np.ndarray, float, np.ndarray], ...]:
    """Places, generators, probabilities on random lists, their mass, and other students on the list."""
    rng, found = generator(effort, "lists"), []
    for name in GENERATORS:
        for A, k in ((3, 1), (5, 2), (8, 4)):
            p = -np.sort(-rng.dirichlet(np.ones(A)))[:k]
            others = rng.dirichlet(np.ones(k + 1), size=400)[:, :k]  # the tail may take any mass
            near = p * np.exp(rng.normal(0, 0.1, size=(200, k)))
            raised = p / p.sum() * np.array([[0.999], [1.0]])
            others = np.concatenate([others, near[near.sum(axis=1) <= 1], raised, p[None], p[None] / math.e])
            found.append((f"f = {name}, A={A}, k={k}", name, p, float(p.sum()), others))
    return tuple(found)


def least_on_the_list(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(generator, p, P)``: a sub-law on the list at which no other one has less."""
    for where, name, p, P, others in listed(effort):
        q, f = claim(generator=name, p=p, P=P), GENERATORS[name]
        yield Trial(f"is a part of a law, {where}", float(q.sum()), 1.0, "algebra")
        value = float((q * f(p / q)).sum())
        yield Trial(where, value - float((others * f(p / others)).sum(axis=1).min()), 1e-12, "algebra")
    for A, k in ((3, 2), (5, 2)):
        p = np.arange(A, 0, -1) / (A * (A + 1) / 2)
        P = float(p[:k].sum())
        for name, loss in (
            ("t log t - t + 1", losses.make("top_k_pointwise", k=k)),
            ("t log t", losses.make("top_k_renormalised", k=k)),
            ("-log t", losses.make("top_k_reverse_kl", k=k)),
        ):
            found = loss.limit(p).student[:k]
            off = float(np.abs(claim(generator=name, p=p[:k], P=P) - found).max())
            yield Trial(f"{loss.name}, A={A}", off, 1e-9, "exact")


# --- Mixtures ---------------------------------------------------------------------------------------------


def spread(p: np.ndarray) -> np.ndarray:
    """diag(p) - p p^T."""
    return np.diag(p) - np.outer(p, p)


def mixture_constant(p: np.ndarray, alpha: float, T: float, weight: float | None = None) -> float:
    """The limit of the ratio to the MLE; `weight` stands for 1 - alpha."""
    powers = p ** (1 / T)
    bend = alpha * spread(p) + (1 - alpha if weight is None else weight) * spread(powers / powers.sum())
    J = alpha * spread(p) @ np.linalg.pinv(bend, rcond=1e-12)
    moved = np.sqrt(np.diag(J @ spread(p) @ J.T)).sum()
    return float(moved / np.sqrt(p * (1 - p)).sum())


#: Samples of the exact laws, and how far the ratio of the means may be off its limit there: by a multiple of 1/n.
SAMPLES, REMAINDER = 120, 0.6


@cache
def mixture_ratios() -> tuple[tuple[str, np.ndarray, float, float, float], ...]:
    """Places, p, alpha, T, and the ratio of the exact expected risks of the mixture and of the MLE."""
    found = []
    for law in ((0.5, 0.3, 0.2), (0.8, 0.2), (0.35, 0.35, 0.3)):
        p = np.array(law)
        problem = Problem(np.ones(1), p[None])
        mle = risk_law(problem, "CE_sgl", SAMPLES).mean()
        for alpha, T in ((0.1, 1.0), (0.1, 4.0), (0.5, 2.0), (0.9, 0.5)):
            learner = losses.make("kd_mix", alpha=alpha, T=T).learner()
            ratio = risk_law(problem, learner, SAMPLES).mean() / mle
            found.append((f"p = {law}, alpha={alpha}, T={T:g}", p, alpha, T, ratio))
    return tuple(found)


def ratios(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, alpha, T)``: the limit of the ratio; at T = 1 the ratio itself."""
    for where, p, alpha, T, ratio in mixture_ratios():
        remainder = 1e-11 if T == 1 else REMAINDER / SAMPLES
        yield within(where, ratio, float(claim(p=p, alpha=alpha, T=T)), remainder, SAMPLES)


# --- Scales -----------------------------------------------------------------------------------------------

#: The losses that ignore a scale, and a weight of the hard term that is next to none.
SCALE_FREE: tuple[tuple[str, dict[str, float]], ...] = (
    ("standardised_logits_plus_ce", {"ce": 1e-3, "kd": 9.0}),
    ("pearson_plus_ce", {"ce": 1e-4, "beta": 1.0}),
)


def scale_floor(number: int, p: np.ndarray, power: float = 0.5, centre: float | None = None) -> float:
    """The ratio to the MLE that is left, for a loss of `SCALE_FREE`."""
    mle = np.sqrt(p * (1 - p)).sum()
    if number == 0:
        way = np.log(p) - (p @ np.log(p) if centre is None else centre)
        return float((p * np.abs(way)).sum() / ((p * way**2).sum() ** power * mle))
    way = p - (1 / p.size if centre is None else centre)
    return float(np.abs(way).sum() / ((way**2 / p).sum() ** power * mle))


@cache
def floors(effort: Effort) -> tuple[tuple[str, int, np.ndarray, float, float], ...]:
    """Places, losses, teachers, and c at a weight that is next to none, and at a large one."""
    rng, found = generator(effort, "scales"), []
    for number, (name, parameters) in enumerate(SCALE_FREE):
        laws = [np.array([0.5, 0.3, 0.2]), np.array([0.35, 0.25, 0.15, 0.15, 0.1])]
        laws += [0.9 * rng.dirichlet(np.ones(A)) + 0.1 / A for A in (2, 4)]
        for p in laws:
            low, high = (
                losses.constant(losses.make(name, **parameters | {"ce": ce}), p) for ce in (parameters["ce"], 1.0)
            )
            found.append((f"{name}, p = {np.round(p, 3).tolist()}", number, p, low, high))
    return tuple(found)


def scales(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(number, p)``: c tends to it as the weight of the hard term does to 0, and is above it before."""
    for where, number, p, low, high in floors(effort):
        floor = float(claim(number=number, p=p))
        yield within(where, low, floor, 1e-3)
        yield Trial(f"a large weight, {where}", floor, high, "algebra", error=1e-6)


# --- Preferences ------------------------------------------------------------------------------------------


def preferred(p: np.ndarray, ref: np.ndarray, beta: float, power: float = 1.0) -> np.ndarray:
    """ref^(1 - 1/beta) p^(1/beta), scaled to one."""
    q = ref ** (1 - power / beta) * p ** (1 / beta)
    return q / q.sum()


def preference_loss(q: np.ndarray, p: np.ndarray, ref: np.ndarray, beta: float) -> float:
    """The mean over pairs, chosen ~ p, rejected ~ ref, of -log sigma of the difference of beta log(q/ref)."""
    score = beta * np.log(q / ref)
    return float(p @ np.logaddexp(0, score[None, :] - score[:, None]) @ ref)


def least_of_pairs(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, ref, beta)``: no other law has a lower loss, and the package's student is it."""
    rng = generator(effort, "preferences")
    for A, beta in ((2, 0.3), (3, 0.5), (3, 1.0), (6, 2.5)):
        p, ref = (0.9 * rng.dirichlet(np.ones(A)) + 0.1 / A for _ in range(2))
        q = claim(p=p, ref=ref, beta=beta)
        where, least = f"A={A}, beta={beta}", preference_loss(q, p, ref, beta)
        for size in (1e-3, 0.1, 1.0):
            other = q * np.exp(rng.normal(0, size, size=A))
            lower = least - preference_loss(other / other.sum(), p, ref, beta)
            yield Trial(f"another student {size:g} away, {where}", lower, 1e-15, "exact")
        uniform = claim(p=p, ref=np.full(A, 1 / A), beta=beta)
        yield Trial(f"dpo, {where}", tv(losses.make("dpo", beta=beta).limit(p).student, uniform), 1e-9, "exact")


STATEMENTS = (
    stated(
        "ours-loss-map",
        claim=limit_at,
        check=mapped,
        planted=(
            PlantedError("every loss is the MLE", lambda number, e: e),
            PlantedError("the map is applied twice", lambda number, e: limit_at(number, limit_at(number, e))),
            PlantedError(
                "frequencies are smoothed first", lambda number, e: limit_at(number, 0.99 * e + 0.01 / e.shape[-1])
            ),
        ),
        note="All count tables of a few labels; other students at every one of them.",
    ),
    stated(
        "ours-loss-partial",
        claim=kept_on_seen,
        check=on_seen,
        planted=(
            PlantedError(
                "the missing mass is shared evenly",
                lambda p, seen, init: kept_on_seen(p, seen, np.full(p.size, 1 / p.size)),
            ),
            PlantedError("seen labels are scaled to one", lambda p, seen, init: np.where(seen, p, 0) / p[seen].sum()),
            PlantedError(
                "the missing mass goes over all labels",
                lambda p, seen, init: np.where(seen, p, 0) + (1 - p[seen].sum()) * init,
            ),
        ),
    ),
    stated(
        "ours-loss-truncated",
        claim=truncated,
        check=least_on_the_list,
        planted=(
            PlantedError("every generator keeps the list", lambda generator, p, P: p),
            PlantedError("every generator scales the list to one", lambda generator, p, P: p / P),
            PlantedError("e becomes 2", lambda generator, p, P: truncated(generator, p, P, divisor=2.0)),
            PlantedError("a hundredth more", lambda generator, p, P: truncated(generator, p, P, over=1 / 1.01)),
        ),
    ),
    stated(
        "ours-loss-constant",
        claim=mixture_constant,
        check=ratios,
        planted=(
            PlantedError("a hundredth more", scaled(mixture_constant, 1.01)),
            PlantedError("the weight of the hard term at every T", lambda p, alpha, T: alpha),
            PlantedError("1 - alpha becomes 1", lambda p, alpha, T: mixture_constant(p, alpha, T, weight=1.0)),
            PlantedError("T becomes T^2", lambda p, alpha, T: mixture_constant(p, alpha, T**2)),
        ),
        note=f"Exact expected risks of both students at n = {SAMPLES} in the place of simulation.",
    ),
    stated(
        "ours-loss-scale",
        claim=scale_floor,
        check=scales,
        planted=(
            PlantedError("the variance for the deviation", lambda number, p: scale_floor(number, p, power=1.0)),
            PlantedError("centred at 0", lambda number, p: scale_floor(number, p, centre=0.0)),
            PlantedError("a hundredth more", scaled(scale_floor, 1.01)),
            PlantedError("the two are taken for one another", lambda number, p: scale_floor(1 - number, p)),
        ),
        note="Against the constants that the derivatives of the gradients give.",
    ),
    stated(
        "ours-loss-preference",
        claim=preferred,
        check=least_of_pairs,
        planted=(
            PlantedError("beta becomes 1/beta", lambda p, ref, beta: preferred(p, ref, 1 / beta)),
            PlantedError("the teacher at every beta", lambda p, ref, beta: p),
            PlantedError("the reference is left out", lambda p, ref, beta: preferred(p, np.ones(p.size), beta)),
            PlantedError("the reference keeps its power", lambda p, ref, beta: preferred(p, ref, beta, power=0.0)),
        ),
    ),
)
