"""Losses at every parameter: values against their formulas typed by hand, gradients, minimisers, declared facts."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

import kt_theory as kt
from kt_theory.losses.domains import Choice, Flag, Law, Numbers, Whole, declared
from kt_theory.losses.loss import Loss
from kt_theory.losses.row import Row, softmax

LOSSES = kt.losses.LOSSES
VALUED = [name for name, entry in LOSSES.items() if issubclass(entry, Loss)]
#: A teacher in descending order, so that its list of k labels is the first k of them.
P = np.array([0.37, 0.28, 0.2, 0.15])
#: Frequencies with a label that is not drawn, and a tie.
E = np.array([0.5, 0.25, 0.25, 0.0])


def other_values(parameter):
    """Values of a parameter that are not its default: every word, the ends of its domain and points inside."""
    default = parameter.default
    if isinstance(parameter, Choice):
        found = parameter.words
    elif isinstance(parameter, Flag):
        found = (not default,)
    elif isinstance(parameter, Law):
        found = ("sqrt", (0.4, 0.3, 0.2, 0.1))
    elif isinstance(parameter, Numbers):
        found = ((3.0, 1.5, 0.25),)
    elif isinstance(parameter, Whole):
        found = (parameter.least, min(default + 1, 4))
    else:
        found = (parameter.low, 0.6 * default, 1.7 * default + 0.05, 1.0)
    kept = []
    for value in found:
        try:
            kept.append(parameter.checked(value, "a test"))
        except ValueError:
            continue
    return [value for value in dict.fromkeys(kept) if value != default]


#: Parameters at which a formula has another form.
EXTRA = {
    "alpha_beta": [{"alpha": 0.3, "beta": -0.3}, {"alpha": 0, "beta": 0}],
    "logit_clip": [{"tau": 0.3, "rescale": "1/tau"}],
    "f_dpo": [{"divergence": word, "alpha": 0.3, "beta": 0.7} for word in ("js_divergence", "alpha_divergence")],
}


def variants(name):
    """A loss at its defaults, at other values of each parameter, and with all of them changed."""
    others = {key: values for key, p in declared(LOSSES[name]).items() if (values := other_values(p))}
    settings = [{}, *({key: value} for key, values in others.items() for value in values)]
    settings += [{key: values[-1] for key, values in others.items()}, *EXTRA.get(name, ())]
    return [kt.losses.make(name, **setting) for setting in settings]


def row_of(loss, e, p=P):
    """One input: frequencies e, and what the protocol shows of p."""
    protocol = loss.protocol
    if protocol is None:
        return Row(e, np.float64(1), e, np.full(e.size, 1 / e.size))
    shown = Row.population(p, protocol).shown
    shown = np.where(e > 0, p, np.nan) if protocol.name == "partial" else shown
    return Row(e, np.float64(6), shown, np.full(e.size, 1 / e.size), 6.0)


def ce(t, q):
    return -(t[t > 0] * np.log(q[t > 0])).sum()


def kl(p, q):
    return (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()


def hot(p, T):
    return p ** (1 / T) / (p ** (1 / T)).sum()


def softplus(x):
    return np.logaddexp(0, x)


def bernoulli_kl(a, b):
    return kl(np.array([a, 1 - a]), np.array([b, 1 - b]))


def without(p, y):
    """The law of the labels other than y."""
    return np.delete(p, y) / np.delete(p, y).sum()


def conjugate(z, law, omega):
    """The largest q.z - omega(q), at the law of a level that gives it mass 1."""
    level = brentq(lambda level: law(z, level).sum() - 1, z.min() - 3, z.max(), xtol=1e-15)
    q = law(z, level)
    return q @ z - omega(q)


def switched(e, share):
    """The labels of least frequency up to a share of the samples, ties in equal parts."""
    w, left = np.zeros_like(e), share
    for level in sorted(set(e[e > 0])):
        tied = e == level
        w[tied] = min(left, level * tied.sum()) / tied.sum()
        left -= w[tied].sum()
    return w


def binary(z, w):
    """sum_y w_y (softplus(-z_y) + sum_(b != y) softplus(z_b))."""
    return sum(w[y] * (softplus(-z[y]) + softplus(np.delete(z, y)).sum()) for y in range(z.size))


def z_score(z, ddof):
    return (z - z.mean()) / z.std(ddof=ddof)


def alpha_beta(p, q, a, b):
    s = a + b
    if a == b == 0:
        return (np.log(q / p) ** 2).sum() / 2
    if b == 0:
        return (p**a * np.log(p**a / q**a) - p**a + q**a).sum() / a**2
    if a == 0:
        return (q**b * np.log(q**b / p**b) - q**b + p**b).sum() / b**2
    if s == 0:
        return (np.log(q**a / p**a) + p**a / q**a - 1).sum() / a**2
    return -(p**a * q**b - a / s * p**s - b / s * q**s).sum() / (a * b)


def bucket(p, K, T):
    whole = np.append(p[K], 1 - p[K].sum()) ** (1 / T)
    return whole / whole.sum()


def tail_bucket(c):
    if c.K.all():
        return c.T**2 * kl(hot(c.p, c.T), hot(c.q, c.T))
    r = hot(c.q, c.T)
    return c.T**2 * kl(bucket(c.p, c.K, c.T), np.append(r[c.K], r[~c.K].sum()))


def pointwise(c):
    p, q = c.p[c.K], c.q[c.K]
    m = (p + q) / 2
    return {
        "jensen_shannon": (p * np.log(p / m) + q * np.log(q / m)).sum() / 2,
        "generalised_kl": (p * np.log(p / q) - p + q).sum(),
        "hellinger": ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(),
        "alpha_beta": 2 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(),
        "absolute": np.abs(p - q).sum(),
    }[c.generator]


def exact_tail(c):
    off = ~c.K
    if not off.any():
        return kl(c.p, c.q)
    tail = c.q[off].sum()
    whole = np.append(c.p[c.K], 1 - c.p[c.K].sum())
    return kl(whole, np.append(c.q[c.K], tail)) + ce(c.e[off], c.q[off] / tail)


def top_p(c):
    known = np.where(c.K, c.p, 0)
    size = next((m for m in range(1, 5) if known[:m].sum() >= c.top_p - 1e-12), 4)
    kept = np.where(np.arange(4) < size, known, 0)
    return ce(kept / kept.sum(), c.q)


def over_pairs(term):
    """The mean over pairs of the list with p_a > p_b of a term."""

    def value(c):
        pairs = [(a, b) for a, b in itertools.permutations(range(4), 2) if c.K[a] and c.K[b] and c.p[a] > c.p[b]]
        return sum(term(c, a, b) for a, b in pairs) / max(len(pairs), 1)

    return value


def drawn_pairs(pair):
    """sum_ab p_a ref_b of a term of chosen and rejected log-ratios."""

    def value(c):
        return sum(c.e[a] * c.ref[b] * pair(c, c.h[a], c.h[b]) for a in range(4) for b in range(4) if c.e[a] > 0)

    return value


def f_dpo(c, a, b):
    g = {
        "forward_kl": lambda h: -np.exp(-h),
        "js_divergence": lambda h: np.log(np.exp(h) / (1 + np.exp(h))),
        "alpha_divergence": lambda h: np.exp(h) ** (c.alpha - 1) / (c.alpha - 1),
    }[c.divergence]
    return softplus(-c.beta * (g(a) - g(b)))


def exo(c, a, b):
    s = expit(c.beta * (a - b))
    return bernoulli_kl(s, 1 - c.epsilon)


def spin(c):
    drawn = np.flatnonzero(c.e)
    before = np.full(4, 1 / drawn.size)  # the first round is from the uniform law of what is drawn
    if c.rounds > 1:
        before[drawn] = softmax(np.log(c.e[drawn]) * (1 - (1 - 1 / c.beta) ** (c.rounds - 1)))
    h = np.log(c.q / before)
    return sum(c.e[a] * before[b] * softplus(c.beta * (h[b] - h[a])) for a, b in itertools.product(drawn, repeat=2))


def orpo(c):
    odds = np.log(c.q / (1 - c.q))
    ratio = sum(c.e[a] * 0.25 * softplus(odds[b] - odds[a]) for a, b in itertools.product(range(4), repeat=2))
    return ce(c.e, c.q) + c.weight * ratio


def bco(c):
    r = c.beta * c.h
    d = 0.0 if c.shift == "zero" else 0.5 * (c.e @ r + c.ref @ r)
    return c.e @ softplus(d - r) + c.ref @ softplus(r - d)


def votes(c, k):
    u = expit(c.beta * (c.h - k))
    return c.e @ (1 - u) + c.ref @ u


def clipped(z, e, radius, beyond):
    flat = z - z.mean()
    size = np.linalg.norm(flat)
    return ce(e, softmax(flat * radius / size if size > beyond else flat))


def dual_focal(c):
    rival = [max((x for x in c.q if x < own), default=0.0) for own in c.q]
    return -(c.e * (1 - c.q + rival) ** c.gamma * np.log(c.q)).sum()


def zipf(q, y, ties):
    rank = np.array([sum(x > own for x in q) + 1 for own in q])  # of distinct laws: ties are tried elsewhere
    weights = 1 / np.delete(rank, y)
    return weights / weights.sum()


def uskd(c):
    weight = c.ce + c.alpha * (1 + c.q**2 - (c.e * c.q**2).sum())
    rest = sum(c.e[y] * (zipf(c.q, y, c.ties) * np.log(without(c.q, y))).sum() for y in range(4))
    return ce(c.e * weight, c.q) - c.beta * rest


def dkd(c):
    p, r = hot(c.p, c.T), hot(c.q, c.T)
    parts = [c.alpha * bernoulli_kl(p[y], r[y]) + c.beta * kl(without(p, y), without(r, y)) for y in range(4)]
    return c.ce * ce(c.e, c.q) + c.T**2 * (c.e @ parts)


def nkd(c):
    rest = sum(c.e[y] * (without(c.p, y) * np.log(without(c.q, y))).sum() for y in range(4))
    return ce(c.e * (c.ce + c.p), c.q) - c.gamma * rest


def standardised(c, ddof):
    aim, mine = (softmax(z_score(np.log(x), ddof) / c.T) for x in (c.p, c.q))
    return c.T**2 * kl(aim, mine)


def adaptive_kl(c):
    head = np.cumsum(c.p) - c.p < c.mu - 1e-12
    gap = np.abs(c.q - c.p)
    w = gap[head].sum() / gap.sum()
    return w * kl(c.p, c.q) + (1 - w) * kl(c.q, c.p)


def alpha_mixture(c):
    power = (1 - c.alpha) / 2
    if power == 0:
        r = c.p**c.mix * c.q ** (1 - c.mix)
    else:
        r = (c.mix * c.p**power + (1 - c.mix) * c.q**power) ** (1 / power)
    return kl(c.p, r / r.sum())


def gold_hybrid(c):
    m = c.matched
    p, q = c.p[:m], c.q[:m]
    middle = c.beta * p + (1 - c.beta) * q
    terms = c.beta * p * np.log(p / middle) + (1 - c.beta) * q * np.log(q / middle)
    return terms.sum() + np.abs(np.sort(c.q[m:]) - np.sort(c.p[m:])).sum()


def joint(c):
    T, aim = c.T, np.log(c.p)
    if c.kind == "norm":
        terms = np.log(np.cosh((c.z - aim) / (2 * T)))
    else:
        terms = np.array([bernoulli_kl(expit(a / T), expit(z / T)) for a, z in zip(aim, c.z, strict=True)])
    labels = c.e if c.labels == "teacher" else np.eye(4)[0]
    return ce(labels, c.q) + c.weight * T**2 * terms.sum()


def random_sampling(c):
    if c.power == 1 or not c.normalise:
        return ce(c.e, c.q)
    r = c.e**c.power / (c.e**c.power).sum()
    mean = np.zeros(4)
    for draws in itertools.product(range(4), repeat=c.k):
        t = np.bincount(draws, minlength=4) * c.e / r
        mean += r[list(draws)].prod() * t / t.sum()
    return ce(mean, c.q)


def quality(c):
    s = expit(c.z)
    return (c.e * (1 - s) ** c.beta * softplus(-c.z) + (1 - c.e) * s**c.beta * softplus(c.z)).sum()


def stable(z):
    return np.array([x + 1 if x >= 0 else 1 / (1 - x) for x in z])


def maps(c):
    t, s = expit(np.log(c.p)), expit(c.z)
    return (np.abs(t - s) * (t * softplus(-c.z) + (1 - t) * softplus(c.z))).sum()


def negative_sampling(c):
    """At the gauge of least value of the logits of q."""
    noise = np.where(c.e > 0, c.e**c.power, 0)
    noise = np.where(c.e > 0, noise, 0) / noise.sum()

    def slope(shift):
        return ((c.e + noise) * expit(np.log(c.q) + shift)).sum() - 1

    z = np.log(c.q) + brentq(slope, -40, 40, xtol=1e-14)
    return c.e @ softplus(-z) + noise @ softplus(z)


def balanced(c, size):
    counts = c.e * size
    with np.errstate(divide="ignore"):
        w = np.where(counts > 0, 1.0 if c.beta == 0 else (1 - c.beta) / (1 - c.beta**counts), 0)
    return ce(c.e * w, c.q)


def shifted(c, by):
    return softmax(np.where(c.e > 0, np.log(c.q) + by, -np.inf))


def prior(c):
    """Log frequencies, of a single input the marginal law of the labels."""
    return np.log(np.where(c.e > 0, c.e, 1))


#: id -> the value at logits z of the law q, frequencies e, the teacher p, its list K, and the parameters.
FORMULAS = {
    "cross_entropy": lambda c: ce(c.e, c.q),
    "brier": lambda c: sum(c.e[y] * ((c.q - np.eye(4)[y]) ** 2).sum() for y in range(4)),
    "mae": lambda c: (c.e * (1 - c.q)).sum(),
    "generalized_cross_entropy": lambda c: (c.e * (1 - c.q**c.gamma)).sum() / c.gamma if c.gamma else ce(c.e, c.q),
    "symmetric_cross_entropy": lambda c: (c.e * (-c.alpha * np.log(c.q) - c.beta * c.floor * (1 - c.q))).sum(),
    "focal": lambda c: -(c.e * (1 - c.q) ** c.gamma * np.log(c.q)).sum(),
    "poly1": lambda c: (c.e * (-np.log(c.q) + c.epsilon * (1 - c.q))).sum(),
    "label_smoothing": lambda c: (1 - c.epsilon) * ce(c.e, c.q) - c.epsilon / 4 * np.log(c.q).sum(),
    "confidence_penalty": lambda c: ce(c.e, c.q) + c.beta * (c.q * np.log(c.q)).sum(),
    "filtered_cross_entropy": lambda c: ce(c.e, c.q),
    "sparsemax": lambda c: conjugate(c.z, lambda z, t: np.maximum(z - t, 0), lambda q: (q @ q - 1) / 2) - c.e @ c.z,
    "entmax15": lambda c: (
        conjugate(c.z, lambda z, t: np.maximum((z - t) / 2, 0) ** 2, lambda q: 4 / 3 * (q**1.5).sum() - 4 / 3)
        - c.e @ c.z
    ),
    "stablemax_cross_entropy": lambda c: ce(c.e, stable(c.z) / stable(c.z).sum()),
    "z_loss": lambda c: ce(c.e, c.q) + c.weight * np.log(np.exp(c.z).sum()) ** 2,
    "one_vs_rest": lambda c: binary(c.z, c.e),
    "switching_one_vs_rest": lambda c: (
        ce(c.e - switched(c.e, c.share), c.q) + c.weight * binary(c.z, switched(c.e, c.share))
    ),
    "quality_focal": quality,
    "logit_clip": lambda c: clipped(c.z, c.e, c.tau if c.rescale == "tau" else 1 / c.tau, c.tau),
    "logit_sphere": lambda c: clipped(c.z, c.e, c.radius, 0),
    "logit_standardised": lambda c: ce(c.e, softmax(c.scale * z_score(c.z, c.ddof))),
    "logit_adjustment": lambda c: ce(c.e, shifted(c, c.tau * prior(c))),
    "class_balanced": lambda c: balanced(c, 6),
    "adaptive_logit_adjustment": lambda c: ce(c.e, softmax(c.z + np.log(np.where(c.e > 0, c.q, 1)))),
    "negative_sampling": negative_sampling,
    "dual_focal": dual_focal,
    "uskd": uskd,
    "random_sampling": random_sampling,
    "naive_partial": lambda c: ce(c.e * c.p, c.q),
    "squared_error_logit": lambda c: (c.e * np.log(c.q / c.p) ** 2).sum() / 2,
    "target_binary_kl": lambda c: sum(c.e[y] * bernoulli_kl(c.p[y], c.q[y]) for y in range(4)),
    "squared_error_probability": lambda c: (c.e * (c.q - c.p) ** 2).sum(),
    "top_k_renormalised": lambda c: ce(np.where(c.K, c.p, 0) / c.p[c.K].sum(), c.q),
    "top_k_both_renormalised": lambda c: kl(c.p[c.K] / c.p[c.K].sum(), c.q[c.K] / c.q[c.K].sum()),
    "student_top_k": lambda c: (
        lambda S: kl(c.q[S] / c.q[S].sum(), c.p[S] / c.p[S].sum())  # the k most likely labels of the student
    )(np.argsort(-c.q)[: c.k]),
    "top_k_tail_bucket": tail_bucket,
    "top_k_reverse_kl": lambda c: (c.q * np.log(c.q / c.p))[c.K].sum(),
    "top_k_pointwise": pointwise,
    "top_k_clamped_kl": lambda c: max(0.0, (c.p * np.log(c.p / c.q))[c.K].sum()),
    "top_k_missing_to_label": lambda c: ce(np.where(c.K, c.p, 0) + (1 - c.p[c.K].sum()) * c.e, c.q),
    "top_k_plus_cross_entropy": lambda c: (
        c.alpha * ce(c.e, c.q) + (1 - c.alpha) * ce(np.where(c.K, c.p, 0) / c.p[c.K].sum(), c.q)
    ),
    "top_k_rao_blackwell": lambda c: ce(np.where(c.K, c.p, c.e), c.q),
    "top_k_exact_tail": exact_tail,
    "top_p_renormalised": top_p,
    "ranking_hinge": over_pairs(lambda c, a, b: max(0, c.p[a] - c.p[b] - c.q[a] + c.q[b])),
    "ranking_logistic": over_pairs(lambda c, a, b: softplus(c.z[b] - c.z[a])),
    "forward_kl": lambda c: c.T**2 * kl(hot(c.p, c.T), hot(c.q, c.T)),
    "reverse_kl": lambda c: kl(c.q, c.p),
    "jensen_shannon": lambda c: (lambda m: c.beta * kl(c.p, m) + (1 - c.beta) * kl(c.q, m))(
        c.beta * c.p + (1 - c.beta) * c.q
    ),
    "skew_forward_kl": lambda c: kl(c.p, c.alpha * c.p + (1 - c.alpha) * c.q),
    "skew_reverse_kl": lambda c: kl(c.q, (1 - c.alpha) * c.p + c.alpha * c.q),
    "alpha_beta": lambda c: alpha_beta(c.p, c.q, c.alpha, c.beta),
    "adaptive_kl": adaptive_kl,
    "taid": lambda c: ce(softmax((1 - c.t) * c.z + c.t * np.log(c.p)), c.q),
    "alpha_mixture": alpha_mixture,
    "total_variation": lambda c: np.abs(c.q - c.p).sum() / 2,
    "squared_hellinger": lambda c: ((np.sqrt(c.q) - np.sqrt(c.p)) ** 2).sum(),
    "mse_probabilities": lambda c: ((c.q - c.p) ** 2).sum(),
    "mse_logits": lambda c: ((c.z - np.log(c.p)) ** 2).sum(),
    "token_scaled": lambda c: ce(c.p, c.q),
    "kd_mix": lambda c: c.alpha * ce(c.e, c.q) + (1 - c.alpha) * c.T**2 * kl(hot(c.p, c.T), hot(c.q, c.T)),
    "logit_adjustment_plus_kd": lambda c: (
        ce(c.e, shifted(c, c.tau * prior(c)) if c.tau else c.q) + c.alpha * c.T**2 * kl(hot(c.p, c.T), hot(c.q, c.T))
    ),
    "confidence_ranking": lambda c: (1 - c.weight) * ce(c.e, c.q) + c.weight * ce(c.e, softmax(c.z - np.log(c.p))),
    "binary_maps": maps,
    "dual_head": lambda c: ce(c.e, c.q),
    "multi_aspect": lambda c: ce(c.e, c.q),
    "dual_head_joint": joint,
    "dkd": dkd,
    "nkd": nkd,
    "standardised_logits": lambda c: standardised(c, c.ddof),
    "standardised_logits_plus_ce": lambda c: c.ce * ce(c.e, c.q) + c.kd * standardised(c, 1),
    "pearson_plus_ce": lambda c: c.ce * ce(c.e, c.q) + c.beta * (1 - np.corrcoef(c.q, c.p)[0, 1]),
    "uld": lambda c: c.w_ce * ce(c.e, c.q) + c.w_d * np.abs(np.sort(c.q) - np.sort(c.p)).sum(),
    "gold_hybrid": gold_hybrid,
    "dpo": drawn_pairs(lambda c, a, b: softplus(-c.beta * (a - b))),
    "f_dpo": drawn_pairs(f_dpo),
    "ipo": drawn_pairs(lambda c, a, b: (a - b - 1 / (2 * c.beta)) ** 2),
    "hinge_preference": drawn_pairs(lambda c, a, b: max(0, 1 - c.beta * (a - b))),
    "exo": drawn_pairs(exo),
    "nca": drawn_pairs(lambda c, a, b: softplus(-c.beta * a) + softplus(c.beta * a) / 2 + softplus(c.beta * b) / 2),
    "sppo": drawn_pairs(lambda c, a, b: (a - 0.5 / c.beta) ** 2 + (b + 0.5 / c.beta) ** 2),
    "spin": spin,
    "simpo": drawn_pairs(lambda c, a, b: softplus(c.gamma - c.beta * (a - b))),
    "cpo": lambda c: drawn_pairs(lambda c, a, b: softplus(-c.beta * (a - b)))(c) + c.alpha * ce(c.e, c.q),
    "orpo": orpo,
    "bco": bco,
    "kto": lambda c: votes(c, 0.0 if c.reference_point == "zero" else kl(c.q, c.ref)),
    "apo_zero": lambda c: votes(c, 0.0),
}


def given(loss, z, row, e):
    """What a formula reads."""
    known = loss.parameters
    law = known.get("ref", "uniform")
    ref = {"uniform": np.full(4, 0.25), "sqrt": np.sqrt(np.arange(1, 5)) / np.sqrt(np.arange(1, 5)).sum()}
    q = softmax(z)
    ref = ref[law] if isinstance(law, str) else np.array(law)
    K = np.arange(4) < known.get("k", 4)
    return SimpleNamespace(**(known | {"z": z, "q": q, "e": e, "p": P, "K": K, "ref": ref, "h": np.log(q / ref)}))


#: Logits of a student that is not the teacher's order, its norm above 1 or below.
STUDENTS = (np.array([0.3, -0.9, 1.1, -0.2]), np.array([-0.31, 0.2, 0.06, 0.13]))


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", VALUED)
def test_values_are_those_of_the_formulas(name):
    # Oracle: definition, the formula of each loss over plain laws, at every parameter, also with an unseen label
    for loss, e, z in itertools.product(variants(name), (P, E), STUDENTS):
        if name == "random_sampling" and (loss.power != 1 and (e is E or loss.k > 4)):
            continue  # data sets hold no such draws, and 4^12 lists are many
        row = row_of(loss, e)
        if name == "random_sampling" and loss.power != 1:
            row = Row.population(P, loss.protocol)
        wanted = FORMULAS[name](given(loss, z, row, e))
        assert loss.score_value(z, row) == pytest.approx(wanted, rel=1e-12, abs=1e-15), (loss, e, z)


#: Losses of logits, infinite or without a value where one is infinite; their students have none at 0.
OF_FINITE_LOGITS = {
    *("sparsemax", "entmax15", "quality_focal", "logit_clip", "logit_sphere", "logit_standardised", "mse_logits"),
    *("confidence_ranking", "dual_head_joint", "standardised_logits", "standardised_logits_plus_ce"),
    *("label_smoothing", "uskd", "ipo", "exo", "sppo", "bco"),
}

#: Losses with q log(q / p), or a power of it, infinite from any q above 0 where p = 0.
REVERSE = {"adaptive_kl", "alpha_beta", "reverse_kl", "skew_reverse_kl"}


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", sorted(set(VALUED) - OF_FINITE_LOGITS - REVERSE))
def test_a_label_that_nothing_shows_may_have_probability_0(name):
    # Oracle: limit, the value where the student gives it 1e-200 instead of 0
    p, zero, nearly = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.6, 0.3, 0.1, 0.0]), np.array([0.6, 0.3, 0.1, 1e-200])
    for loss, e in itertools.product(variants(name), (p, np.array([0.5, 0.25, 0.25, 0.0]), np.eye(4)[0])):
        if name == "random_sampling" and loss.power != 1:
            continue  # data sets hold no such draws
        row = row_of(loss, e, p)
        assert loss.value(zero, row) == pytest.approx(loss.value(nearly, row), rel=1e-9, abs=1e-12), (loss, e)


def test_draws_of_too_many_tables_are_refused(monkeypatch):
    # Oracle: enumeration, two draws of three labels have six tables of counts
    from kt_theory.losses import draws

    loss, p = kt.losses.make("random_sampling", k=2, power=0.5), np.array([0.5, 0.3, 0.2, 0.0])
    monkeypatch.setattr(draws, "TABLES", 6)
    r = np.sqrt(p) / np.sqrt(p).sum()
    wanted = np.zeros(4)
    for a, b in itertools.product(range(3), repeat=2):
        t = np.bincount([a, b], minlength=4) * np.divide(p, r, out=np.zeros(4), where=r > 0)
        wanted += r[a] * r[b] * t / t.sum()
    assert loss.limit(p).student == pytest.approx(wanted, rel=1e-14, abs=0)
    monkeypatch.setattr(draws, "TABLES", 5)
    with pytest.raises(kt.Unsupported, match="random_sampling: k = 2 draws of 3 labels have more than 5 tables"):
        loss.limit(p)
    assert loss.limit([0.5, 0.5, 0.0]).student.tolist() == [0.5, 0.5, 0]


#: What is held fixed by the gradient of a detached loss.
HELD = {
    "adaptive_kl": ("_weight",),
    "adaptive_logit_adjustment": ("_predicted",),
    "bco": ("_shift",),
    "filtered_cross_entropy": (),
    "kto": ("_point",),
    "taid": ("_target",),
    "top_k_reverse_kl": ("_ratio",),
    "uskd": ("_parts",),
}


def slopes(f, z, h=5e-4):
    """The gradient by differences at one and two steps either way, whose error is of the fourth power."""
    near, far = (np.array([f(z + k * h * w) - f(z - k * h * w) for w in np.eye(z.size)]) for k in (1, 2))
    return (8 * near - far) / (12 * h)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", VALUED)
def test_gradients_are_those_of_the_values_at_every_parameter(name, monkeypatch):
    # Oracle: second algorithm, differences of the value, what a loss holds fixed staying as it is
    cases = variants(name)
    for i, loss in enumerate([cases[0], *cases]):
        if name == "random_sampling" and loss.power != 1:
            continue
        z, row = STUDENTS[i // 2 % 2], row_of(loss, (P, E)[i % 2])
        if name == "ranking_logistic" and loss.k == 1:
            assert (loss.score_gradient(z, row) == 0).all()
            continue
        gradient = loss.score_gradient(z, row)
        with monkeypatch.context() as patch:
            for part in HELD[name] if loss.detached else ():
                value = getattr(loss, part)
                kept = {}

                def held(*given, kept=kept, value=value):
                    return kept.setdefault("part", value(*given))  # what it is asked first: at the student itself

                patch.setitem(loss.__dict__, part, held)
            loss.score_value(z, row)
            wanted = slopes(lambda x, loss=loss, row=row: loss.score_value(x, row), z)
        np.testing.assert_allclose(
            gradient, wanted, rtol=0, atol=1e-10 * max(1, np.abs(wanted).max()), err_msg=str(loss)
        )


#: What is least where it says, of losses whose gradient is that of their value.
LEAST = [name for name in VALUED if name != "filtered_cross_entropy"]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", LEAST)
def test_no_law_nearby_has_a_lower_value(name):
    # Oracle: second algorithm, 6 laws around the student at distances from 1e-3 to 1, also with an unseen label
    settings = variants(name)
    settings = settings if LOSSES[name].closed else settings[-1:]
    noise = np.random.default_rng(2)
    moves = noise.normal(size=(6, 4)) * 10.0 ** (-np.arange(6)[:, None] / 2)
    for loss, e in itertools.product(settings, (P, E)):
        if name == "random_sampling" and loss.power != 1:
            continue
        row = row_of(loss, e)
        found = loss.solve(row)
        assert found.student.sum() == pytest.approx(1, rel=1e-14, abs=0)
        assert (found.student >= 0).all()
        if loss.smooth and found.attained and not found.local_only:
            assert not found.residual > 1e-10, loss
        if loss.consistent == "yes" and e is P:
            np.testing.assert_allclose(found.student, P, rtol=0, atol=1e-9, err_msg=str(loss))
        if loss.detached or loss.couples_inputs or not np.isfinite(found.scores).all():
            continue
        least = loss.score_value(found.scores, row)
        others = np.array([loss.score_value(found.scores + move, row) for move in moves])
        assert (others >= least - 1e-9 * max(1, abs(least))).all(), (loss, e, (others - least).min())


#: id -> what the field of an on-policy loss is the gradient of at a student q0, as a function of the law q.
FIELDS = {
    "on_policy_reverse_kl": lambda c, q, q0: kl(q, c.p),
    "on_policy_sampled_tail": lambda c, q, q0: sum(q0[a] * bernoulli_kl(q[a], c.p[a]) for a in range(4)),
    "on_policy_top_k_tail": lambda c, q, q0: sum(
        (q[a] * np.log((q if c.score == "unmatched" else q0)[a] / c.p[a]))
        if a in np.argsort(-c.p, kind="stable")[: c.k]
        else q0[a] * np.log(q0[a] / c.p[a]) * np.log(q[a])
        for a in range(4)
    ),
    "state_level_reward": lambda c, q, q0: 0.0,
    "on_policy_extrapolated": lambda c, q, q0: (q * np.log(q)).sum() - c.scale * (q * np.log(c.p)).sum(),
    "speculative_kd": lambda c, q, q0: kl(c.p, q),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_on_policy_losses_are_their_formulas(name):
    # Oracle: second algorithm, differences of each expected loss, what is sampled or detached held at the student
    for loss, p in itertools.product(variants(name), (P, P[[2, 0, 3, 1]])):
        row = Row.population(p, kt.PROTOCOLS["soft"])
        for z in STUDENTS:
            c = SimpleNamespace(**(loss.parameters | {"p": p}))
            wanted = slopes(lambda x, c=c, z=z: FIELDS[name](c, softmax(x), softmax(z)), z)
            np.testing.assert_allclose(loss.gradient(softmax(z), row), wanted, rtol=0, atol=1e-11, err_msg=str(loss))
        found = loss.solve(row)
        assert found.residual <= 1e-15
        assert bool(found.unique) == (name != "state_level_reward")
        if loss.consistent in ("yes", "with KL") or loss.parameters.get("score") == "matched":
            assert found.student.tolist() == p.tolist()
    if name == "on_policy_extrapolated":
        assert loss.limit([0.8, 0.2, 0.0]).student[2] == 0


def test_labels_that_a_student_never_samples_have_no_field():
    # Oracle: by hand: what has no mass at the student or at the teacher is not scored
    p, q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.6, 0.0, 0.3, 0.1])
    for name in FIELDS:
        field = kt.losses.make(name).gradient(q, Row.population(p, kt.PROTOCOLS["soft"]))
        assert np.isfinite(field).all()
        if name != "speculative_kd":
            assert field[1] == 0
    ratio = np.array([np.log(1.2), 0, np.log(1.5), 0])
    wanted = q * (ratio - q @ ratio)
    assert kt.losses.make("on_policy_reverse_kl").gradient(q, Row.population(p, kt.PROTOCOLS["soft"])) == pytest.approx(
        wanted, rel=1e-14, abs=1e-16
    )


TWO, FLAT, NONE_OFF = np.array([0.5, 0.5, 0.0, 0.0]), np.full(4, 0.25), np.array([0.6, 0.4, 0.0, 0.0])
TIED = np.array([0.4, 0.4, 0.1, 0.1])


@pytest.mark.parametrize(
    ("name", "params", "e", "p", "unique", "attained", "noted"),
    [
        ("cross_entropy", {}, P, P, True, True, False),
        ("mae", {}, P, P, True, False, True),
        ("mae", {}, TIED, P, False, False, True),
        ("sparsemax", {}, E, P, True, True, False),
        ("sparsemax", {"readout": "softmax"}, P, P, True, True, False),
        ("sparsemax", {"readout": "softmax"}, E, P, False, True, True),
        ("top_k_renormalised", {}, P, P, True, False, False),
        ("top_k_renormalised", {}, TWO, P, True, True, False),
        ("top_k_renormalised", {"k": 4}, P, P, True, True, False),
        ("top_k_both_renormalised", {}, P, P, False, True, True),
        ("top_k_both_renormalised", {"k": 4}, P, P, True, True, True),
        ("student_top_k", {}, P, P, False, False, True),
        ("top_k_tail_bucket", {}, P, P, False, True, True),
        ("top_k_tail_bucket", {"k": 3}, P, P, True, True, False),
        ("top_k_tail_bucket", {}, TWO, NONE_OFF, True, True, False),
        ("top_k_tail_bucket", {"T": 2}, P, P, False, True, True),
        ("top_k_tail_bucket", {"T": 2, "k": 3}, P, P, True, True, False),
        ("top_k_reverse_kl", {}, P, P, False, True, True),
        ("top_k_reverse_kl", {"k": 3}, P, P, True, True, True),
        ("top_k_reverse_kl", {"k": 3, "bracket": "detached"}, P, P, True, True, False),
        ("top_k_reverse_kl", {"bracket": "detached"}, P, P, False, True, True),
        ("top_k_pointwise", {}, P, P, False, True, True),
        ("top_k_clamped_kl", {}, P, P, False, True, True),
        ("top_k_exact_tail", {}, P, P, True, True, False),
        ("top_k_exact_tail", {}, TWO, P, False, True, False),
        ("top_k_exact_tail", {"k": 3}, TWO, P, True, True, False),
        ("squared_error_logit", {}, P, P, True, True, False),
        ("squared_error_logit", {}, TWO, P, False, True, True),
        ("squared_error_logit", {}, E, P, True, True, False),
        ("target_binary_kl", {}, TWO, NONE_OFF, True, True, False),
        ("uld", {"w_ce": 0}, P, P, False, True, True),
        ("uld", {"w_ce": 0}, P, FLAT, True, True, False),
        ("uld", {"w_d": 0}, E, P, True, True, False),
        ("gold_hybrid", {}, P, P, False, True, True),
        ("gold_hybrid", {"matched": 3}, P, P, True, True, False),
        ("gold_hybrid", {"matched": 4}, P, P, True, True, False),
        ("gold_hybrid", {"matched": 0}, P, FLAT, True, True, False),
        ("gold_hybrid", {"matched": 2}, P, TIED, True, True, False),
        ("ranking_hinge", {}, P, P, False, True, True),
        ("ranking_logistic", {}, P, P, True, False, True),
        ("ranking_logistic", {"k": 4}, P, FLAT, False, True, True),
        ("standardised_logits", {}, P, P, False, True, True),
        ("standardised_logits", {}, np.ones(1), np.ones(1), True, True, True),
        ("kto", {}, P, P, True, False, False),
        ("kto", {}, FLAT, FLAT, False, True, True),
        ("apo_zero", {}, FLAT, FLAT, False, True, True),
        ("spin", {}, P, P, True, True, False),
        ("spin", {"rounds": 0}, P, P, True, True, True),
        ("nkd", {}, np.eye(4)[1], P, True, True, True),
        ("nkd", {}, P, P, True, True, False),
        ("dual_focal", {"gamma": 1}, P, P, True, True, True),
        ("filtered_cross_entropy", {}, P, P, True, True, True),
        ("adaptive_logit_adjustment", {}, P, P, True, True, False),
        ("random_sampling", {}, P, P, True, True, False),
        ("uskd", {}, np.eye(4)[1], P, True, True, False),
    ],
)
def test_what_is_said_of_a_student(name, params, e, p, unique, attained, noted):
    # Oracle: by hand, what each loss leaves free, whether its minimum is at finite logits, and whether a note says more
    loss = kt.losses.make(name, **params)
    found = loss.solve(row_of(loss, e, p))
    assert (bool(found.unique), bool(found.attained), found.note != "") == (unique, attained, noted)
    assert not found.local_only
    assert found.iterations == 0 or not loss.closed or name in ("focal", "kto", "apo_zero", "adaptive_logit_adjustment")


def test_an_order_that_switching_changes_is_told():
    # Oracle: definition: the switched set is that of the least frequent labels; it is verified on the student's order
    loss = kt.losses.make("switching_one_vs_rest", share=0.2, weight=5)
    table = np.array([[0.13, 0.34, 0.53], [1 / 3] * 3, [0.4, 0.4, 0.2]])
    found = loss.limit(table)
    kept = [
        all((q[a] - q[b]) * (p[a] - p[b]) >= -1e-9 for a, b in itertools.permutations(range(3), 2))
        for p, q in zip(table, found.student, strict=True)
    ]
    assert found.local_only.tolist() == [not one for one in kept]
    assert kept[:2] == [False, True]
