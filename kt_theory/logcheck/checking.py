"""`check_log`: the questions that a log can answer about itself."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from kt_theory import checks
from kt_theory.logcheck.annotators import annotators_finding
from kt_theory.logcheck.finding import Finding, LogCheck
from kt_theory.logcheck.laws import cells_of, drawn_of_zero, totals_of
from kt_theory.logcheck.log import log_of
from kt_theory.logcheck.repeats import repeats_finding
from kt_theory.logcheck.sampling import sampling_findings
from kt_theory.logcheck.values import names_finding, rounded, sums_finding, values_finding, values_of
from kt_theory.logs.reading import read_in_detail
from kt_theory.logs.sets import refuse_of_tables, table_or_logs
from kt_theory.records.columns import Columns
from kt_theory.refusals import Argument, Refusal
from kt_theory.tables.reading import read_columns
from kt_theory.tables.sources import name_of_source, speaking_of


def check_log(
    log: Any,
    *,
    level: float = 0.01,
    temperature: float | None = None,
    seed: int = 0,
    in_order: bool = False,
    columns: Mapping[str, Any] | None = None,
    input: str | None = None,
    label: str | None = None,
    format: str | None = None,
    requests: str | os.PathLike[str] | None = None,
    logprobs_are: str | None = None,
) -> LogCheck:
    """Test how a log was made: a verdict, its evidence, and how many records would settle it, for each question.

    The tests of the stated law are sequential. Given the labels told before at an input, the law of its next record is
    known exactly: p(a) for those, what they leave for a new label. See `kt_theory.logcheck.laws`.

    Parameters
    ----------
    log : DataFrame, mapping of columns, path_like, or sequence of path_like
        Records as `kt_theory.TransferSet.from_records` takes them, a file of them ("-" is standard input), or logs as
        `kt_theory.logs.read` reads them. A row of count 0 with a probability tells of a label that was not drawn.
        Further columns are understood: ``fingerprint``, ``system_fingerprint`` or ``model``; ``temperature``;
        ``annotator``, ``worker`` or ``rater``, beside which the input may be named ``task`` or ``item`` and the label
        ``label``. Logs have the first two where their lines state them.
    level : float
        How probable a false alarm of each question may be, in (0, 1).
    temperature : float, optional
        At which temperature the log is said to have been drawn, above 0; overrides a column, and what lines of a log
        state.
    seed : int
        Of the order in which the records are taken. The order of independent draws has no information, and a table may
        be sorted.
    in_order : bool
        Whether the records stand in the order in which they were drawn. Then a growing log may be checked again and
        again: the e-value exceeds 1 / `level` at any time with probability at most `level`. It must not be sorted.
    columns : mapping of str to str, optional
        Which column of a table has which role, as in `kt_theory.TransferSet.from_records`.
    input, label, format, requests, logprobs_are : optional
        As in `kt_theory.logs.read`, for logs only.

    Returns
    -------
    LogCheck
        Findings by question, in the order of `kt_theory.logcheck.finding.QUESTIONS`.

    Raises
    ------
    ValueError
        For a missing or ambiguous column, rows with a fault, which are reported together, an argument outside its
        domain, or a file that cannot be read.
    Unsupported
        A ValueError, for more than 1e8 records.

    Notes
    -----
    p-values of "sampled" and "truncated" are those of normal limits, corrected for skewness; where that exceeds 0.4 the
    p-value is the reciprocal of the e-value. A log of fewer than some 50 open records should be judged by the latter.

    Examples
    --------
    >>> yes = {"s": ["q"] * 100, "a": ["yes"] * 96 + ["no"] * 4, "p": [5 / 6] * 96 + [1 / 6] * 4}
    >>> found = check_log(yes)
    >>> found["sampled"].verdict, round(found["temperature"].numbers["temperature"], 1)
    ('no, from another law than the log-probabilities say', 0.5)
    """
    level = checks.open_unit("level", level)
    if temperature is not None:
        temperature = checks.positive("temperature", temperature)
    seed = checks.whole_number("seed", seed)
    in_order = checks.flag("in_order", in_order)
    given = {"input": input, "label": label, "format": format, "requests": requests, "logprobs_are": logprobs_are}
    options = {name: value for name, value in given.items() if value is not None}
    source = ""
    if isinstance(log, Mapping) or hasattr(log, "columns"):
        if options:
            raise Refusal(Argument(next(iter(options))), " goes with logs, and log is a table")
        table = Columns.of(log).named(columns)
        records = log_of(table)
    elif isinstance(log, (str, os.PathLike, list, tuple)):
        table, source = _read(log, columns, options)
        with speaking_of(source) if source else nullcontext():
            records = log_of(table)
    else:
        raise ValueError(f"log is {checks.shown(log)}: it must be a DataFrame, a mapping of columns or a path")
    table.tell(source)
    values = values_of(records)
    zeros = drawn_of_zero(records, values.group)
    if records.told or zeros:
        cells = cells_of(records, values.group, rounded(values), temperature=temperature, seed=seed, in_order=in_order)
        slack = cells.slack
        sampling = sampling_findings(cells, totals_of(cells, level), level, zeros)
    else:
        slack = math.nan
        silent = "no probabilities are told"
        sampling = [Finding(name, "cannot tell", silent) for name in ("sampled", "greedy", "truncated", "temperature")]
    return LogCheck(
        (
            *sampling,
            sums_finding(records, values, slack),
            values_finding(records, values),
            repeats_finding(records, level),
            names_finding(records, values),
            annotators_finding(records, level),
        )
    )


def _read(log: Any, columns: Any, options: dict[str, Any]) -> tuple[Columns, str]:
    """The columns of one table or of logs, and what their file is called, if it is one."""
    paths, used, logs = table_or_logs(log, options, "log")
    if not logs:
        with speaking_of(paths[0]):
            return read_columns(paths[0], columns), name_of_source(paths[0])
    refuse_of_tables({"columns": columns})
    table, report = read_in_detail(paths, **used)
    table.notes += [(said,) for said in report.sentences()]
    return table, name_of_source(paths[0]) if len(report.files) == 1 else ""
