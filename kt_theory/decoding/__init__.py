"""Greedy decoding: a student names one label per input, one of its most likely ones.

``choices.py`` decodes a student and judges what it names; ``expected.py`` has the exact expected risk of greedy
students of the three protocols, ``hard.py`` and ``partial.py`` what one input adds to it, ``contour.py`` how a fixed
number of samples is made of independent Poisson counts; ``exchange.py`` says how many hard labels a log-probability is
worth.
"""

from kt_theory.decoding.choices import KINDS, greedy, greedy_risk
from kt_theory.decoding.exchange import exchange_rate
from kt_theory.decoding.expected import expected_greedy_risk

__all__ = ["KINDS", "exchange_rate", "expected_greedy_risk", "greedy", "greedy_risk"]
