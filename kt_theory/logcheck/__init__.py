"""Tests of how a log was made: sampled as stated or not, from which law, and whether it can belong to one."""

from __future__ import annotations

from kt_theory.logcheck.checking import check_log
from kt_theory.logcheck.finding import QUESTIONS, Finding, LogCheck

__all__ = ["QUESTIONS", "Finding", "LogCheck", "check_log"]
