"""Losses that students are trained with: what each converges to, exactly, and the learner that it makes.

`LOSSES` has all of them by id, `make` makes one; docs/losses.md has the table and the lemmas behind it.
"""

from kt_theory.losses.channels import Channel, through
from kt_theory.losses.constants import constant
from kt_theory.losses.loss import Limit, Loss, ScoreLoss, Solution
from kt_theory.losses.own import OwnLoss, own
from kt_theory.losses.registry import LOSSES, make
from kt_theory.losses.row import Row
from kt_theory.losses.torched import torch

__all__ = [
    "LOSSES",
    "Channel",
    "Limit",
    "Loss",
    "OwnLoss",
    "Row",
    "ScoreLoss",
    "Solution",
    "constant",
    "make",
    "own",
    "through",
    "torch",
]
