"""Studies: panels of cells, exact, simulated in memory, or in a folder that an interruption does not damage.

`Panel` and `run` are all that a small study needs. `Design` and `run_in_folder` keep every finished batch in a folder:
the same call goes on where it was stopped, with threads, processes or a cluster. ``kt-theory study`` is the same on the
command line; `kt_theory.study.design` defines how a design is written, `kt_theory.study.store` what a folder holds.
"""

from __future__ import annotations

from kt_theory.progress import watched
from kt_theory.study.design import Design, read_design
from kt_theory.study.engine import Interrupted, Outcome, Share
from kt_theory.study.folders import Status, check, export, merge, replay, run_in_folder, status
from kt_theory.study.panels import Panel, exact, receipts_as_csv, write_receipts
from kt_theory.study.runs import Options, exact_and_simulated, run

__all__ = [
    "Design",
    "Interrupted",
    "Options",
    "Outcome",
    "Panel",
    "Share",
    "Status",
    "check",
    "exact",
    "exact_and_simulated",
    "export",
    "merge",
    "read_design",
    "receipts_as_csv",
    "replay",
    "run",
    "run_in_folder",
    "status",
    "watched",
    "write_receipts",
]
