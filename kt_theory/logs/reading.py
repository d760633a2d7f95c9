"""Reading logs: from files to records in memory, or block by block to a file."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kt_theory import checks
from kt_theory.files import path_of, refuse_overwriting, write_whole
from kt_theory.logs.formats import FORMATS, Format, format_of
from kt_theory.logs.labels import LABELS, POSITION, PREFIX, PROMPT, Recorder
from kt_theory.logs.lines import NoJSON, files_of, values_of
from kt_theory.logs.reply import LeftOut
from kt_theory.logs.report import Report
from kt_theory.logs.rows import BLOCK, Rows
from kt_theory.records.columns import Columns
from kt_theory.refusals import Argument, Refusal
from kt_theory.tables.sources import checked_path, load_pyarrow, speaking_of, suffix_to_write

#: How many values of a file are looked at to tell its format.
LOOKED_AT = 100


def read(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    input: str = PROMPT,
    label: str | None = None,
    format: str | None = None,
    requests: str | os.PathLike[str] | None = None,
    logprobs_are: str = "logarithms",
) -> tuple[Columns, Report]:
    r"""The records of logs, and an account of what was found.

    Parameters
    ----------
    paths : path_like or sequence of path_like
        Logs: JSON Lines or JSON, compressed or not, folders of them, or "-" for standard input.
    input : str
        What is the input of a record: "prompt"; the name of a field of the line, with dots into objects, such as
        ``metadata.id``; or for all tokens "prefix" (the prompt and the tokens so far) or "position".
    label : {"first", "reply", "all"}, optional
        What is the label: the first token, the whole reply with the sum over its tokens, or every token, which goes
        with "prefix" and "position" only, and is their default. Else "first" is. A reply whose format has no tokens is
        its own label.
    format : str, optional
        A name in `FORMATS`; by the keys of each file's lines if not given.
    requests : path_like, optional
        A log of requests, whose prompts are joined on ``custom_id``.
    logprobs_are : {"logarithms", "probabilities"}
        What stands in the fields of log-probabilities: one version of llama.cpp wrote probabilities.

    Returns
    -------
    (Columns, Report)
        Columns state, action, count and logprob, which `kt_theory.TransferSet.from_columns` takes, places being lines
        of the files; a row of count 0 tells of a label that was not drawn. And the account.

    Raises
    ------
    ValueError
        In one sentence that names the file: a file that cannot be read, a format that is not known, no record at all,
        or log-probabilities that are all above 0.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> token = {"token": "yes", "logprob": -0.25, "top_logprobs": [{"token": "no", "logprob": -2.0}]}
    >>> line = {"prompt": "Shipped?", "choices": [{"message": {"content": "yes"}, "logprobs": {"content": [token]}}]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "log.jsonl"
    ...     _ = path.write_text(json.dumps(line) + "\n")
    ...     records, report = read(path)
    >>> [list(row) for row in zip(*(records[name].tolist() for name in records.names))]
    [['Shipped?', 'yes', 1, -0.25], ['Shipped?', 'no', 0, -2.0]]
    >>> report.samples, report.formats
    (1, ['openai-chat'])
    """
    rows = Rows()
    report = _read(rows, lambda: None, paths, input, label, format, requests, logprobs_are)
    return rows.columns(), report


def read_in_detail(paths: Any, **options: Any) -> tuple[Columns, Report]:
    """The same with the columns fingerprint and temperature, where any line states one."""
    rows = Rows(details=True)
    report = _read(rows, lambda: None, paths, **options_of(options))
    return rows.columns(), report


def convert(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], out: str | os.PathLike[str], **options: Any
) -> Report:
    """Write the records of logs as a table; memory is bounded for logs of any size.

    Parameters
    ----------
    paths
        As in `read`.
    out : path_like
        A name that ends in .csv or .parquet. The table has the columns state, action, count and logprob, the latter
        empty where nothing is told. It is written whole or not at all.
    **options
        As in `read`.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        As `read`, and for another suffix or pyarrow not installed.

    Examples
    --------
    >>> convert("log.jsonl", "records.txt")
    Traceback (most recent call last):
    ...
    ValueError: records.txt: its name must end in .csv or .parquet
    """
    target = checked_path(out)
    with speaking_of(target):
        parquet = suffix_to_write(target) == ".parquet"
        if parquet:
            load_pyarrow()
    refuse_overwriting("out", target, inputs_of(given_files(paths), options.get("requests")))
    reports = []

    def write(neighbour: Path) -> None:
        rows = Rows()
        with open(neighbour, "wb") as file, _parquet_sink(file) if parquet else _csv_sink(file) as sink:

            def flush() -> None:
                sink(rows.columns())
                rows.clear()

            reports.append(_read(rows, lambda: flush() if len(rows) >= BLOCK else None, paths, **options_of(options)))
            flush()

    write_whole(target, write)
    return reports[0]


def given_files(paths: Any, name: str = "paths") -> list[Any]:
    """The files that the argument `name` names, one or several.

    Raises
    ------
    ValueError
        If there is none.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(checks.entries(name, paths, "paths"))
    if not given:
        raise ValueError(f"{name} is empty: it must name a file")
    return given


def inputs_of(given: Sequence[Any], requests: Any) -> dict[str, Any]:
    """All files that are read, by what a sentence calls them."""
    files = files_of([checked_path(path) for path in given])
    asked = None if requests is None else path_of(requests, "requests")
    return {**{f"the log {file}": file for file in files}, "requests": asked}


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `read`, those that are given and the defaults of the others.

    Raises
    ------
    TypeError
        For a name that is none of them.
    """
    defaults = {"input": PROMPT, "label": None, "format": None, "requests": None, "logprobs_are": "logarithms"}
    for name in given:
        if name not in defaults:
            raise TypeError(f"{name} is no option of logs: these are {', '.join(defaults)}")
    return {**defaults, **given}


def _read(
    rows: Rows,
    after: Callable[[], None],
    paths: Any,
    input: str,
    label: str | None,
    format: str | None,
    requests: Any,
    logprobs_are: str,
) -> Report:
    """Read logs into `rows`, calling `after` between lines."""
    checks.text("input", input)
    if label is not None:
        checks.one_of("label", label, LABELS)
    if (label == "all") != (input in (PREFIX, POSITION)) and label is not None:
        raise Refusal(
            Argument("label", label), " and ", Argument("input", input), ": all tokens go with prefix or position"
        )
    if format is not None:
        checks.one_of("format", format, list(FORMATS))
    checks.one_of("logprobs_are", logprobs_are, ("logarithms", "probabilities"))
    report = Report()
    recorder = Recorder(
        rows,
        report,
        input=input,
        label=label,
        probabilities=logprobs_are == "probabilities",
        requests=None if requests is None else _requests(requests),
    )
    shapes: dict[str, Format] = {}
    for path in files_of([checked_path(path) for path in given_files(paths)]):
        with speaking_of(path):
            _read_file(path, format, recorder, after, shapes)
    _refuse_empty(report, recorder, requests is not None)
    return report


def _read_file(
    path: str, name: str | None, recorder: Recorder, after: Callable[[], None], shapes: dict[str, Format]
) -> None:
    """Read one file; `shapes` has the last object of each format."""
    report, several = recorder.report, bool(recorder.report.files)
    report.files.append(path)
    recorder.rows.enter(path)
    values = _spread(values_of(path))
    head = list(itertools.islice(values, LOOKED_AT))
    shape = format_of((value for _, value in head), name)
    if shape.name not in report.formats:
        report.formats.append(shape.name)
    if shape.name in shapes and hasattr(shape, "follow"):  # names of one file are those of the next
        shape.follow(shapes[shape.name])
    shapes[shape.name] = shape
    before = 0
    for number, value in itertools.chain(head, values):
        report.lines += number != before
        before = number
        place = f"{path}: line {number}" if several else f"line {number}"
        if isinstance(value, NoJSON):
            report.leave_out(f"no JSON: {value}", place)
            continue
        _read_value(shape, value, number, place, recorder)
        after()
    unfinished = getattr(shape, "unfinished", lambda: 0)()
    if unfinished:
        report.notes["a reply has no last chunk, and is left out"] += unfinished


def _read_value(shape: Format, value: Any, number: int, place: str, recorder: Recorder) -> None:
    """Record what one value holds; a reply that holds no sample leaves the others of its line alone."""
    try:
        if not isinstance(value, (dict, list) if getattr(shape, "lists", False) else dict):
            raise LeftOut("no object")
        items = iter(shape.replies(value))
    except LeftOut as reason:
        recorder.report.leave_out(str(reason), place)
        return
    empty = not hasattr(shape, "unfinished")  # a chunk of a stream need not end a reply
    while True:
        try:
            item = next(items, None)
            if item is None and empty:
                raise LeftOut("no reply")
            if item is None:
                return
            empty = False
            if isinstance(item, LeftOut):
                raise item
            recorder.add(item, number)
        except LeftOut as reason:
            empty = False
            recorder.report.leave_out(str(reason), place)


def _spread(values: Iterable[tuple[int, Any]]) -> Iterable[tuple[int, Any]]:
    """The values, a list of objects as its objects."""
    for number, value in values:
        if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            numbers = all(type(p) in (int, float) for entry in value for p in entry.values())
            if not numbers:
                yield from ((number, entry) for entry in value)
                continue
        yield number, value


def _requests(path: Any) -> dict[str, Mapping[str, Any]]:
    """The bodies of requests, by ``custom_id``."""
    source = os.fspath(path_of(path, "requests"))
    asked: dict[str, Mapping[str, Any]] = {}
    lines: dict[str, int] = {}
    with speaking_of(source):
        for number, value in values_of(source):
            body = value.get("body", value.get("params", value)) if isinstance(value, dict) else None
            if not isinstance(body, dict) or "custom_id" not in value:
                raise ValueError(f"line {number} is no request with a custom_id")
            name = str(value["custom_id"])
            if name in lines:
                raise ValueError(f"lines {lines[name]} and {number} have one custom_id, {checks.shown(name)}")
            asked[name], lines[name] = body, number
    return asked


def _refuse_empty(report: Report, recorder: Recorder, with_requests: bool) -> None:
    """Refuse logs without a record, and log-probabilities that are none."""
    if recorder.above_zero and not recorder.below_zero:
        raise Refusal(
            f"{report.files[0]}: all log-probabilities that are not 0 are above 0, as probabilities are: ",
            Argument("logprobs_are", "probabilities"),
            " takes them for these",
        )
    if report.replies:
        return
    told = "; ".join(f"{reason} ({number})" for reason, number in report.left_out.most_common(3)) or "no line"
    said = f"{', '.join(report.files[:3])}: no line holds a sample: {told}"
    if any(reason == "no prompt" for reason in report.left_out):
        names = (Argument("requests"), " joins prompts on custom_id, ", Argument("input"), " names a field")
        raise Refusal(f"{said}; ", *names)
    raise ValueError(said)


@contextlib.contextmanager
def _parquet_sink(file: BinaryIO) -> Iterator[Callable[[Columns], None]]:
    """A function that appends columns to a Parquet file, which is ended whatever happens."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema({"state": names, "action": names, "count": pa.int64(), "logprob": pa.float64()})
    with pq.ParquetWriter(file, schema) as writer:

        def sink(columns: Columns) -> None:
            coded = [
                pa.DictionaryArray.from_arrays(pa.array(column.codes, pa.int32()), pa.array(column.names, pa.string()))
                for column in (columns["state"], columns["action"])
            ]
            logprobs = columns["logprob"]
            table = [*coded, pa.array(columns["count"]), pa.array(logprobs, mask=np.isnan(logprobs))]
            writer.write_table(pa.Table.from_arrays(table, schema=schema))

        yield sink


@contextlib.contextmanager
def _csv_sink(file: BinaryIO) -> Iterator[Callable[[Columns], None]]:
    """The same for a CSV file, whose names stand in quotes."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["state", "action", "count", "logprob"])

    def sink(columns: Columns) -> None:
        logprobs = [None if value != value else value for value in columns["logprob"].tolist()]
        values = (columns["state"].tolist(), columns["action"].tolist(), columns["count"].tolist(), logprobs)
        writer.writerows(zip(*values, strict=True))

    try:
        yield sink
    finally:
        text.flush()
        text.detach()
