"""The words of the report: verdicts, grades, statuses and kinds of evidence."""

from __future__ import annotations

#: What the probability of a false alarm of the whole ledger should stay below.
ALARM_LIMIT = 1e-6

#: Said wherever evidence is counted, lest a 0 be read as a failure.
NOT_CERTIFIED = "Certified evidence was not gathered: python-flint is absent (extra exact)."

#: Where a statement comes from, in the order of the filter.
GROUPS = {
    "Z&Z": "Z&Z, the paper",
    "ours": "ours",
    "slips": "slips of print",
    "conjectures": "conjectures, open questions",
    "yours": "yours",
}

#: The results that a reader should see first: the paper's two bounds for each protocol and its bias, what is exact or
#: sharp, and the conjecture that is false.
HEADLINES = (
    "zz-3.1",
    "zz-3.2-mean",
    "zz-4.1",
    "zz-4.4-mean",
    "zz-5.1",
    "zz-5.2-mean",
    "zz-4.3",
    "ours-N8-limit",
    "ours-N5-minimax",
    "ours-N6-sharp",
    "ours-N9-value",
    "conj-Q1",
)

#: The parts of the page, by whose statements they hold, in its order.
PARTS = {"yours": "Yours", "paper": "The paper", "ours": "Ours"}

#: A sign for each verdict, so that it is not told by colour alone.
SIGNS = {
    "proved at points": "◆",
    "holds": "✓",
    "refuted": "✗",
    "vacuous": "∅",
    "does not imply": "⇏",
    "open": "?",
    "not applicable": "–",
}

#: The legend, in plain words.
VERDICT_WORDS = {
    "proved at points": "Every trial held, and at some places the comparison was made in ball arithmetic, which says "
    "yes only when that is certain, rounding included. Elsewhere it is tried, not proved.",
    "holds": "Every trial held. That is evidence, and no proof.",
    "refuted": "At one place at least the statement is false, by more than every error that the comparison can have. "
    "The place is given.",
    "vacuous": "No trial shows it false, and at one place at least, where it should say something, it says no more "
    "than what is trivially true. The place is given.",
    "does not imply": "No trial shows it false, and at one place at least it is too weak for what its source draws "
    "from it: the step fails, not the statement. The place is given.",
    "open": "Nothing was tried: the package lacks what the statement is about.",
    "not applicable": "No trial fell where the statement says anything.",
}

GRADE_WORDS = {
    "exact": "an equality",
    "tight": "an inequality that is attained somewhere",
    "upper": "an upper bound",
    "lower": "a lower bound",
    "limit": "a limit, as the number of samples grows",
    "slip": "the printed form of a statement whose own proof gives another, the mended form",
    "conjecture": "said to be so, without a proof",
    "open": "a question",
}

STATUS_WORDS = {
    "published": "proved in the paper",
    "proved": "proved in this project",
    "numerical": "found by numerical search, and not proved",
    "conjectured": "neither proved nor computed to the end",
    "experimental": "under trial: no theorem of the report stands behind it",
    "false": "known to be false: the ledger must find the counterexample again",
    "vacuous": "true, and says no more than what is trivially true: the ledger must find the place again",
    "too weak": "true, and does not imply what its source draws from it: the ledger must find the place again",
    "open": "not settled",
}

KIND_WORDS = {
    "exact": "both sides computed without simulation",
    "certified": "decided in ball arithmetic (needs python-flint)",
    "search": "computed, at a problem that hill climbing made as bad as it could",
    "simulation": "a one-sided confidence limit from repeated draws",
    "algebra": "a comparison of formulas",
}
