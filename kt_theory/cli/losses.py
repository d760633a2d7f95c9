"""`kt-theory losses` and `kt-theory limit`."""

from __future__ import annotations

import argparse
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.making import made
from kt_theory.cli.options import add_command
from kt_theory.cli.printing import print_json, terminal_width
from kt_theory.showing import table


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "losses",
        _losses,
        "list losses and channels, and whether their limit is the teacher",
        "List the losses that students are trained with: what a sample must show, whether a table of free logits\n"
        "converges to the teacher, and how fast on a fixed teacher.",
        "kt-theory losses --protocol partial --consistent",
    )
    parser.add_argument("--protocol", metavar="NAME", help="only losses that run on this protocol, such as partial")
    parser.add_argument("--consistent", action="store_true", help="only losses whose limit is the teacher, always")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser = add_command(
        commands,
        "limit",
        _limit,
        "what a student converges to under a loss",
        "Print the law that a student of one input converges to under a loss, and how far it is from the teacher.",
        "kt-theory limit focal --set gamma=1 --p 0.5 0.3 0.2",
    )
    parser.add_argument("loss", metavar="LOSS", help="its id, as `kt-theory losses` lists it")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="parameters of the loss")
    parser.add_argument("--p", type=float, nargs="+", required=True, metavar="P", help="the teacher's law")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def _losses(arguments: argparse.Namespace) -> int:
    shown = None
    if arguments.protocol is not None:
        shown = kt.protocols.resolve_protocol(arguments.protocol, "--protocol")
    entries: list[dict[str, Any]] = []
    for name, kind in kt.losses.LOSSES.items():
        protocol = kt.losses.make(name).protocol
        if shown is not None and (protocol is None or not shown.reveals_at_least(protocol)):
            continue
        if arguments.consistent and kind.consistent != "yes":
            continue
        level = kind.level if protocol is None else protocol.name
        facts = {"id": name, "sees": level, "consistent": kind.consistent, "rate": kind.rate, "title": kind.title}
        entries.append(facts | {"parameters": kt.losses.make(name).parameters, "paper": kind.paper})
    if arguments.json:
        print_json(entries)
        return HELD
    lines = [["id", "a sample shows", "limit = teacher", "title"]]
    for entry in entries:
        lines.append([entry["id"], entry["sees"], entry["consistent"].partition(" ")[0], entry["title"]])
    print(table(lines, left=range(4), width=terminal_width()))
    print(f"{len(entries)} entries")
    return HELD


def _limit(arguments: argparse.Namespace) -> int:
    loss = made(arguments.loss, arguments.set)
    if hasattr(loss, "apply"):
        return _channel(loss, arguments)
    found = loss.limit(arguments.p)
    tv = 0.5 * sum(abs(a - b) for a, b in zip(found.student.tolist(), arguments.p, strict=True))
    facts = {"unique": bool(found.unique), "attained": bool(found.attained), "local_only": bool(found.local_only)}
    if arguments.json:
        answer = {"loss": loss.name, "student": found.student.tolist(), "tv": tv, **facts, "note": found.note}
        print_json(answer)
        return HELD
    print(f"{loss.name}: {loss.formula}")
    print("limit     " + " ".join(f"{q:.6f}" for q in found.student))
    print(f"teacher   {'at' if tv <= 1e-6 else 'not at'} the teacher, total variation {tv:.6f}")
    kinds = ["unique" if facts["unique"] else "not unique: what descent from the uniform law returns"]
    kinds += [] if facts["attained"] else ["not attained by finite logits"]
    kinds += ["a local minimum, no more is known"] if facts["local_only"] else []
    print("minimum   " + "; ".join(kinds))
    if found.note:
        print(f"note      {found.note}")
    print(f"source    {loss.source}")
    return HELD


def _channel(channel: Any, arguments: argparse.Namespace) -> int:
    after = channel.apply(arguments.p)
    tv = 0.5 * sum(abs(a - b) for a, b in zip(after.tolist(), arguments.p, strict=True))
    if arguments.json:
        print_json({"channel": channel.name, "law": after.tolist(), "tv": tv})
        return HELD
    print(f"{channel.name}: {channel.formula}")
    print("makes     " + " ".join(f"{q:.6f}" for q in after))
    print(f"teacher   total variation {tv:.6f}, {'no inverse' if channel.inverse() is None else 'invertible'}")
    return HELD
