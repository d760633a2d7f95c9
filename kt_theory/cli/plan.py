"""`kt-theory plan`."""

from __future__ import annotations

import argparse
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.options import (
    add_columns,
    add_command,
    add_log_options,
    add_other,
    check_output,
    log_options,
    path,
    positive,
    whole,
)
from kt_theory.cli.printing import print_json, rows_of, self_audit_as_text, self_audit_found, terminal_width
from kt_theory.showing import shown, table

#: Items that are listed before the rest is only counted.
LISTED = 20


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "plan",
        _plan,
        "compute how many samples of each kind a student needs",
        "Print how many hard labels, sampled labels with their probability, lists of the most likely labels or whole\n"
        "distributions a student needs for a risk (total variation, averaged over the inputs) of at most --target.\n"
        "Three sources: --S and --A alone (proved bounds for the worst teacher), a teacher's table, or a pilot log\n"
        "of records: what that leaves open is drawn from a posterior law. The promise: a student of n fresh samples\n"
        "keeps the target with probability --confidence, over the samples and what the pilot leaves open.\n"
        "With --annotations: how many more annotations, of which items, for a pilot whose inputs are the items; those\n"
        "that it has are kept.",
        "kt-theory plan --pilot records.parquet --other --target 0.05 --cost hard=1 partial=1 soft=5 --plot plan.png",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    about = "records or logs, as `kt-theory fit` reads them"
    source.add_argument("--pilot", type=path, nargs="+", metavar="FILE", help=about)
    source.add_argument("--teacher", type=path, metavar="FILE", help="teacher table; - reads standard input")
    source.add_argument("--bundled", metavar="NAME", help="a teacher that ships with the package, such as next_word")
    source.add_argument("--S", type=whole(1), help="number of inputs, for the worst case; goes with --A")
    parser.add_argument("--A", type=whole(1), help="number of labels, for the worst case")
    aim = parser.add_mutually_exclusive_group(required=True)
    aim.add_argument("--target", type=positive, metavar="TV", help="the risk to keep, below 1")
    acceptance = "the same as an acceptance rate of speculative decoding, 1 - TV"
    aim.add_argument("--acceptance", type=positive, metavar="P", help=acceptance)
    parser.add_argument("--confidence", type=positive, default=0.9, help="probability of the promise (default: 0.9)")
    parser.add_argument("--on-average", action="store_true", help="promise the expected risk instead of the risk")
    parser.add_argument(
        "--protocols",
        nargs="+",
        metavar="PROTOCOL",
        help="hard, partial, soft, top_k:20, top_k_only:20, ... (default: hard partial soft, and for a teacher or a\n"
        "pilot of more than 20 labels top_k:20)",
    )
    parser.add_argument(
        "--cost", nargs="+", default=(), metavar="PROTOCOL=PRICE", help="price of one sample of each protocol"
    )
    about = "plan more annotations of the pilot's items: the target for each item, or for their mean with the fewest"
    parser.add_argument("--annotations", choices=("per-item", "mean"), help=about)
    about = "with --annotations: write the plan of every item, .csv or .parquet"
    parser.add_argument("--out", type=path, metavar="FILE", help=about)
    parser.add_argument("--states", type=path, metavar="FILE", help="the full input alphabet of the pilot")
    parser.add_argument("--actions", type=path, metavar="FILE", help="the full label alphabet of the pilot")
    parser.add_argument("--normalise", action="store_true", help="divide the rows of the teacher file by their sums")
    add_columns(parser)
    add_log_options(parser)
    add_other(parser, "one more label of the pilot or teacher file, for what the others leave")
    parser.add_argument("--seed", type=whole(), default=0, help="seed of all draws (default: 0)")
    parser.add_argument("--plot", type=path, metavar="FILE", help="draw risk against n, .png and .pdf")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def _plan(arguments: argparse.Namespace) -> int:
    _refuse_strays(arguments)
    if arguments.plot:
        inputs = {f"--pilot {file}": file for file in arguments.pilot or ()}
        check_output(arguments.plot, ".png", inputs={"--teacher": arguments.teacher, **inputs}, argument="plot")
    target = arguments.target if arguments.acceptance is None else 1.0 - arguments.acceptance
    if not 0 < target < 1:
        option = "--target" if arguments.acceptance is None else "--acceptance"
        raise ValueError(f"{option} is {arguments.target or arguments.acceptance}: it must be between 0 and 1")
    if arguments.annotations is not None:
        return _plan_annotations(arguments, target)
    source: dict[str, Any]
    if arguments.S is not None:
        source = {"S": arguments.S, "A": arguments.A}
    elif arguments.pilot is not None:
        source = {"pilot": _pilot(arguments)}
    elif arguments.bundled is not None:
        source = {"teacher": kt.tables.bundled_teacher(arguments.bundled)}
    else:
        options = {"normalise": arguments.normalise, "other": arguments.other}
        source = {"teacher": kt.logs.read_teacher(arguments.teacher, **options)}
    protocols = arguments.protocols or _default_protocols(source)
    found = kt.plan(
        **source,
        target=target,
        confidence=arguments.confidence,
        on_average=arguments.on_average,
        protocols=protocols,
        cost=_prices(arguments.cost),
        curves=arguments.plot is not None,
        seed=arguments.seed,
        progress=True,
    )
    if arguments.plot:
        with kt.plots.drawing(arguments.plot.removesuffix(".png"), 1, 1, width=6.4, height=4.0) as axes:
            kt.plots.draw_plan(axes[0, 0], found)
    if arguments.json:
        said = {name: getattr(found, name) for name in ("target", "confidence", "on_average", "source", "notes")}
        if found.pilot_audit is not None:
            said["self-audit"] = self_audit_found(found.pilot_audit)
        print_json({**said, "protocols": rows_of(found.table)})
    else:
        print(_as_text(found))
    return HELD


def _pilot(arguments: argparse.Namespace) -> kt.TransferSet:
    states, actions = (
        kt.tables.read_names(file) if file is not None else None for file in (arguments.states, arguments.actions)
    )
    options = {"states": states, "actions": actions, "other": arguments.other, "columns": arguments.columns}
    pilot, _ = kt.logs.transfer_set(arguments.pilot, **options, **log_options(arguments))
    return pilot


def _plan_annotations(arguments: argparse.Namespace, target: float) -> int:
    if arguments.out:
        inputs = {f"--{name}": getattr(arguments, name) for name in ("states", "actions", "requests")}
        inputs |= {f"--pilot {file}": file for file in arguments.pilot}
        check_output(arguments.out, ".csv", ".parquet", inputs=inputs)
    found = kt.plan_annotations(
        _pilot(arguments),
        target=target,
        confidence=arguments.confidence,
        per_item=arguments.annotations == "per-item",
        seed=arguments.seed,
        progress=True,
    )
    if arguments.out:
        kt.tables.write_table(found.table, arguments.out)
    if arguments.json:
        said = {name: getattr(found, name) for name in ("target", "confidence", "per_item", "more", "notes")}
        print_json({**said, "items": rows_of(found.table)})
    else:
        print(_annotations_as_text(found))
    return HELD


def _annotations_as_text(found: kt.AnnotationPlan) -> str:
    items = found.table
    what = "of each item" if found.per_item else "averaged over the items"
    needed = "a number beyond 10^9" if found.more is None else f"{found.more:,}"
    some = items["more"].isna() | (items["more"] > 0)
    lines = [
        f"more annotations for a total variation of at most {found.target:g} {what} with probability "
        f"{found.confidence:g}:",
        f"  {needed}, of {some.sum():,} of {len(items):,} items, which have {items['annotations'].sum():,}; expected "
        f"total variation {items['tv'].mean():.3f} now, {items['tv_then'].mean():.3f} then",
    ]
    first = items[some].sort_values("more", ascending=False, kind="stable", na_position="first")[:LISTED]
    rows = [["item", "annotations", "expected TV", "more", "TV then"]]
    for row in rows_of(first):
        more = "beyond 10^9" if row["more"] is None else f"{row['more']:,}"
        then = "-" if row["tv_then"] is None else f"{row['tv_then']:.3f}"
        tv = f"{row['tv']:.3f} +- {row['mcse']:.3f}"
        rows.append([shown(row["item"]), f"{row['annotations']:,}", tv, more, then])
    lines.append(table(rows, indent="  ", width=terminal_width()))
    if some.sum() > LISTED:
        lines.append(f"  and {some.sum() - LISTED:,} more items: --out FILE or --json lists all")
    return "\n".join([*lines, *(f"- {note}" for note in found.notes)])


def _refuse_strays(arguments: argparse.Namespace) -> None:
    """Refuse options that the given source does not use."""
    if (arguments.S is None) != (arguments.A is None):
        raise ValueError("--S and --A go together, for the worst case")
    for option, given, goes_with, there in (
        ("--states", arguments.states, "--pilot", arguments.pilot),
        ("--actions", arguments.actions, "--pilot", arguments.pilot),
        ("--columns", arguments.columns, "--pilot", arguments.pilot),
        *(
            (f"--{name.replace('_', '-')}", given, "--pilot", arguments.pilot)
            for name, given in log_options(arguments).items()
        ),
        ("--normalise", arguments.normalise or None, "--teacher", arguments.teacher),
        ("--other", arguments.other, "--pilot and --teacher", arguments.pilot or arguments.teacher),
        ("--annotations", arguments.annotations, "--pilot", arguments.pilot),
        ("--out", arguments.out, "--annotations", arguments.annotations),
        ("--plot", arguments.plot, "--pilot, --teacher and --bundled", None if arguments.S is not None else True),
    ):
        if given is not None and there is None:
            raise ValueError(f"{option} goes with {goes_with} only")
    unused = {
        "--on-average": arguments.on_average,
        "--protocols": arguments.protocols,
        "--cost": arguments.cost,
        "--plot": arguments.plot,
    }
    for option, given in unused.items():
        if given and arguments.annotations is not None:
            raise ValueError(f"{option} does not go with --annotations, which are hard labels of every item")


def _default_protocols(source: dict[str, Any]) -> list[str]:
    A = source["A"] if "A" in source else len(next(iter(source.values())).actions)
    return ["hard", "partial", *(["top_k:20"] if "A" not in source and A > 20 else []), "soft"]


def _prices(words: list[str]) -> dict[str, float]:
    prices = {}
    for word in words:
        protocol, equals, price = word.rpartition("=")
        try:
            prices[protocol] = float(price)
        except ValueError:
            equals = ""
        if not equals:
            raise ValueError(f"--cost has {word!r}: write PROTOCOL=PRICE, such as partial=1.5")
    return prices


def _as_text(found: kt.Plan) -> str:
    kind = "an expected risk" if found.on_average else "a risk"
    sure = "" if found.on_average and found.source != "pilot" else f" with probability {found.confidence:g}"
    whom = {
        "worst case": "for every teacher of this size",
        "teacher": "for this teacher",
        "pilot": "for the teachers that the pilot leaves possible",
    }[found.source]
    lines = [f"samples for {kind} of at most {found.target:g}{sure}, {whom}:"]
    rows = [[name.replace("impossible_below", "impossible below") for name in found.table if name != "floor"]]
    for row in rows_of(found.table):
        floor = row.pop("floor")
        n = "beyond 10^12" if row["n"] is None else f"{row['n']:,}"
        if floor is not None and floor > found.target:
            n = f"never: {floor:.3g} stays"
        row["n"] = n
        for name, value in row.items():
            if isinstance(value, (int, float)):
                row[name] = f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
        rows.append(["-" if value is None else str(value) for value in row.values()])
    lines.append(table(rows, indent="  ", width=terminal_width()))
    if found.pilot_audit is not None:
        lines.append(f"from the pilot's records alone: {self_audit_as_text(self_audit_found(found.pilot_audit))}")
    return "\n".join([*lines, *(f"- {note}" for note in found.notes)])
