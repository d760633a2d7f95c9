"""Transfer sets and teachers from logs, and from tables by the same calls."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd

from kt_theory import tables
from kt_theory.files import refuse_overwriting
from kt_theory.logs.lines import is_log
from kt_theory.logs.reading import given_files, inputs_of, options_of, read
from kt_theory.logs.report import Report
from kt_theory.problem import Problem
from kt_theory.protocols import Protocol, TransferSet, resolve_form
from kt_theory.records.samples import TOLERANCE
from kt_theory.refusals import Argument, Refusal
from kt_theory.tables import read_records, teacher_from_frame, write_table
from kt_theory.tables.sources import checked_path, name_of_source, speaking_of, suffix_to_write

#: How far values of logs may be off by default: a server computes them in single precision.
LOG_TOLERANCE = 1e-6


def table_or_logs(
    paths: Any, options: Mapping[str, Any], name: str = "paths"
) -> tuple[list[Any], dict[str, Any], bool]:
    """The files that are given, the options of logs that are, and whether the files are logs or one table.

    Raises
    ------
    ValueError
        For no file, for a table among several files, and for options of logs beside a table.
    """
    given = given_files(paths, name)
    options_of(options)  # none of another name
    used = {option: value for option, value in options.items() if value is not None}
    if "format" in used or all(is_log(checked_path(path)) for path in given):
        return given, used, True
    if len(given) > 1:
        raise ValueError(f"{given[0]} and {given[1]}: several files are read if all of them are logs")
    if used:
        first = Argument(next(iter(used)))
        raise Refusal(first, f" goes with logs, and {given[0]} is a table: its columns say what is what")
    return given, used, False


def refuse_of_tables(options: Mapping[str, Any]) -> None:
    """Refuse options of tables, of which one that is neither None nor False was given, beside logs."""
    for name, value in options.items():
        if value is not None and value is not False:
            about = (": ", Argument("input"), " names the field of a log") if name == "columns" else ()
            raise Refusal(Argument(name), " goes with tables", *about)


def transfer_set(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    states: Sequence[Any] | None = None,
    actions: Sequence[Any] | None = None,
    tolerance: float | None = None,
    other: str | None = None,
    drop_untold: bool = False,
    columns: Mapping[str, Any] | None = None,
    told_as: str | Protocol | None = None,
    skip_bad: str | os.PathLike[str] | None = None,
    **options: Any,
) -> tuple[TransferSet, Report | None]:
    r"""A transfer set from logs, or from one table of records.

    Parameters
    ----------
    paths : path_like or sequence of path_like
        Logs as `read` reads them, or one table as `kt_theory.tables.read_records` does; standard input is a table
        unless `format` is given.
    states, actions, other, drop_untold, told_as
        As in `kt_theory.TransferSet.from_records`.
    tolerance : float, optional
        As there; 1e-9 for tables, and 1e-6 for logs, whose numbers come of single precision.
    columns : mapping of str to str, optional
        As there, for tables only.
    skip_bad : path_like, optional
        For tables as in `kt_theory.tables.read_records`. Lines of logs that hold no sample are left out in any case,
        and written to this file with the reason, the first thousand of each.
    **options
        `input`, `label`, `format`, `requests` and `logprobs_are` of `read`, for logs only.

    Returns
    -------
    (TransferSet, Report or None)
        The account is that of logs.

    Raises
    ------
    ValueError
        As these functions; and for options of logs beside a table, or a table among several files.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "items.jsonl"
    ...     _ = path.write_text('{"uid": "a", "label_counter": {"yes": 3, "no": 1}}\n')
    ...     data, report = transfer_set(path)
    >>> data.counts.tolist(), report.formats
    ([[1, 3]], ['label-counter'])
    """
    given, used, logs = table_or_logs(paths, options)
    alphabets: dict[str, Any] = {"states": states, "actions": actions, "other": other}
    alphabets |= {"drop_untold": drop_untold, "told_as": None if told_as is None else resolve_form(told_as)}
    if not logs:
        tolerance = TOLERANCE if tolerance is None else tolerance
        return read_records(given[0], tolerance=tolerance, columns=columns, skip_bad=skip_bad, **alphabets), None
    refuse_of_tables({"columns": columns})
    if skip_bad is not None:
        with speaking_of(checked_path(skip_bad)):
            suffix_to_write(checked_path(skip_bad))
        refuse_overwriting("skip_bad", skip_bad, inputs_of(given, used.get("requests")))
    records, report = read(given, **used)
    records.notes += [(said,) for said in report.sentences()]
    with speaking_of(given[0]) if len(report.files) == 1 else nullcontext():
        tolerance = LOG_TOLERANCE if tolerance is None else tolerance
        data = TransferSet.from_columns(records, tolerance=tolerance, **alphabets)
    if skip_bad is not None and report.left_out:
        lines = [(place, reason) for reason, places in report.left_lines.items() for place in places]
        write_table(pd.DataFrame(lines, columns=["line", "reason"]), skip_bad)
    records.tell(name_of_source(given[0]) if len(report.files) == 1 else "")
    return data, report


def read_teacher(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    normalise: bool = False,
    other: str | None = None,
    tolerance: float | None = None,
    columns: Mapping[str, Any] | None = None,
    add_repeats: bool = False,
    **options: Any,
) -> Problem:
    r"""A problem from a table, or from logs that hold a teacher: what is told of each input, or counts of annotators.

    Parameters
    ----------
    paths, **options
        As in `transfer_set`.
    columns, add_repeats
        As in `kt_theory.tables.read_teacher`, for tables only.
    normalise, other
        As in `kt_theory.tables.teacher_from_frame`: what becomes of the mass that is not told. Counts lack nothing, and
        their inputs have their natural frequencies.
    tolerance : float, optional
        As in `transfer_set`, for logs only.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        As `transfer_set`, `kt_theory.tables.read_teacher` and `kt_theory.tables.teacher_from_frame`; and if labels were
        drawn of which nothing tells the probability, while others are told.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "items.jsonl"
    ...     _ = path.write_text('{"uid": "a", "label_counter": {"yes": 3, "no": 1}}\n')
    ...     read_teacher(path).teacher.tolist()
    [[0.75, 0.25]]
    """
    given, used, logs = table_or_logs(paths, options)
    first = given[0]
    if not logs:
        if tolerance is not None:
            raise Refusal(Argument("tolerance"), f" goes with logs, and {first} is a table")
        return tables.read_teacher(first, normalise=normalise, other=other, columns=columns, add_repeats=add_repeats)
    refuse_of_tables({"columns": columns, "add_repeats": add_repeats})
    tolerance = LOG_TOLERANCE if tolerance is None else tolerance
    records, report = read(given, **used)
    with speaking_of(first):
        states, actions = (records[name].names for name in ("state", "action"))
        data = TransferSet.from_columns(records, states=states, actions=actions, tolerance=tolerance, other=_SPARE)
        records.notes[:] = [(said,) for said in report.sentences()]
        pairs = data.log_told
        if pairs.stored and data.untold:
            raise ValueError(f"{data.untold} records are of labels whose probability is not told: no teacher is told")
        if pairs.stored:
            weights: dict[str, Any] = {"probability": np.exp(pairs.values)}
        else:
            pairs = data.pairs
            weights = {"count": pairs.values}
        names = {
            "state": np.array(states, dtype=object)[pairs.rows],
            "action": np.array([*actions, _SPARE], dtype=object)[pairs.columns],
        }
        frame = pd.DataFrame(names | weights)
        problem = teacher_from_frame(frame, normalise=normalise, other=other, name=name_of_source(first))
    records.tell(name_of_source(first))
    return problem


#: A label that no log has: with it, an input whose labels are all told may lack mass until it is asked for.
_SPARE = "\0spare"
