"""Logs of language models and of annotators, read as records."""

from __future__ import annotations

from kt_theory.logs.formats import FORMATS
from kt_theory.logs.lines import is_log
from kt_theory.logs.reading import convert, read
from kt_theory.logs.report import Report
from kt_theory.logs.sets import read_teacher, transfer_set

__all__ = ["FORMATS", "Report", "convert", "is_log", "read", "read_teacher", "transfer_set"]
