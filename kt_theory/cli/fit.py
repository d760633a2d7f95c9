"""`kt-theory fit`."""

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
    not_negative,
    path,
    whole,
)
from kt_theory.cli.printing import LISTED, count, print_json, self_audit_as_text, self_audit_found, terminal_width
from kt_theory.showing import listed, shown, table

#: The most names that --S and --A make.
NAMES_MAX = 10**7


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "fit",
        _fit,
        "make a student from a file of transfer records",
        "Read records, one sample a row, or as many as its column count says: columns state (or s), action (or a),\n"
        "and for partial soft labels the teacher's probability of the sampled label (p, prob, probability) or its\n"
        "natural logarithm (logp, logprob, log_prob, log_probability); a row of count 0 tells that of a label that\n"
        "was not drawn. Files are .csv, .tsv, both also .gz, or .parquet; - is standard input. Print which\n"
        "inputs and labels do not occur and how much mass is missing, and write the student of each learner.",
        "kt-theory fit records.csv --out students.csv",
    )
    about = "a table, or logs as convert reads them; - is standard input"
    parser.add_argument("records", type=path, metavar="FILE", nargs="+", help=about)
    add_log_options(parser)
    add_columns(parser)
    about = "leave out bad lines of a table, or lines of a log without a sample, and write them to this file"
    parser.add_argument("--skip-bad", type=path, metavar="FILE", help=about)
    parser.add_argument("--states", type=path, metavar="FILE", help="all inputs: a name a line, or .json or .csv")
    parser.add_argument("--actions", type=path, metavar="FILE", help="all labels, likewise")
    parser.add_argument("--S", type=whole(1, NAMES_MAX), help="the inputs are the numbers 0..S-1")
    parser.add_argument("--A", type=whole(1, NAMES_MAX), help="the labels are the numbers 0..A-1")
    add_other(parser, "one more label, for what the labels that occur leave")
    parser.add_argument(
        "--drop-untold", action="store_true", help="leave out records of labels whose probability no row tells"
    )
    parser.add_argument(
        "--told-as",
        metavar="NAME",
        help="rounded:D if log-probabilities were rounded to D digits, tempered:T if they are those at temperature T "
        "of the law that labels were drawn from",
    )
    parser.add_argument(
        "--init", type=path, metavar="FILE", help="the student before any data, a table (default: uniform)"
    )
    parser.add_argument("--normalise", action="store_true", help="divide the rows of the init by their sums")
    parser.add_argument(
        "--tolerance", type=not_negative, help="disagreement of probabilities to accept (default: 1e-9, of logs 1e-6)"
    )
    parser.add_argument(
        "--out", type=path, metavar="FILE", help="write the students, CSV or Parquet: a column per learner"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def _fit(arguments: argparse.Namespace) -> int:
    inputs = {f"--{name}": getattr(arguments, name) for name in ("states", "actions", "init", "requests")}
    inputs |= {f"the file of records {file}": file for file in arguments.records}
    if arguments.out:
        check_output(arguments.out, ".csv", ".parquet", inputs=inputs)
    if arguments.skip_bad:
        inputs["--out"] = arguments.out
        check_output(arguments.skip_bad, ".csv", ".parquet", inputs=inputs, argument="skip_bad")
    data, _ = kt.logs.transfer_set(
        arguments.records,
        states=_alphabet("states", arguments.states, "S", arguments.S),
        actions=_alphabet("actions", arguments.actions, "A", arguments.A),
        other=arguments.other,
        drop_untold=arguments.drop_untold,
        columns=arguments.columns,
        told_as=None if arguments.told_as is None else kt.protocols.resolve_form(arguments.told_as, "--told-as"),
        skip_bad=arguments.skip_bad,
        **log_options(arguments),
        **({} if arguments.tolerance is None else {"tolerance": arguments.tolerance}),
    )
    if arguments.normalise and arguments.init is None:
        raise ValueError("--normalise goes with --init only")
    init = None
    if arguments.init is not None:
        init = kt.tables.read_init(arguments.init, data, normalise=arguments.normalise)
    usable = [name for name, entry in kt.LEARNERS.items() if data.protocol.reveals_at_least(entry.protocol)]
    if not data.protocol.exact:
        usable.append(f"SEL@{data.protocol}")
        usable += [f"CLIP@{data.protocol}"] if data.protocol.digits is not None else []
    if data.protocol == kt.protocols.TOLD:
        usable.append(f"SEL@{data.protocol}")  # its natural learner: exact on what is told
    students = {name: kt.fit(data, name, init) for name in usable}
    found = _findings(data, init)
    if arguments.out:
        kt.tables.write_students(students, data, arguments.out)
    if arguments.json:
        print_json({**found, "learners": usable, "out": arguments.out})
    else:
        print(_findings_as_text(found))
        print(_students_as_text(students, data, arguments.out))
    return HELD


def _alphabet(name: str, file: str | None, size_name: str, size: Any) -> list[str] | None:
    if file is not None and size is not None:
        raise ValueError(f"--{name} and --{size_name} both give the alphabet: keep one of them")
    if file is not None:
        return kt.tables.read_names(file)
    if size is not None:
        return [str(i) for i in range(size)]
    return None


def _findings(data: kt.TransferSet, init: Any) -> dict[str, Any]:
    """What the records hold, what they leave unknown, and the estimate of the student's risk."""
    import numpy as np

    pairs = data.pairs
    never = np.bincount(pairs.columns, minlength=len(data.actions)) == 0
    n = data.n
    found: dict[str, Any] = {
        "protocol": data.protocol.name,
        "n": n,
        "S": len(data.states),
        "A": len(data.actions),
        "inputs never seen": [name for name, v in zip(data.states, data.visits, strict=True) if v == 0],
        "labels never seen at any input": [name for name, absent in zip(data.actions, never, strict=True) if absent],
        "pairs seen": pairs.stored,
        "inputs by records": {
            "1": int((data.visits == 1).sum()),
            "2": int((data.visits == 2).sum()),
            "more": int((data.visits > 2).sum()),
        },
    }
    if data.protocol.name == "hard":
        found["records of untold labels"] = data.untold
    if data.protocol.name == "hard" or not data.protocol.exact:
        found["missing mass (Good-Turing estimate)"] = data.good_turing if n else None
    else:
        found["missing mass on visited inputs"] = data.mean_missing_mass if n else None
        found["missing mass per input"] = dict(zip(data.states, data.missing_mass.tolist(), strict=True))
    if data.protocol == kt.protocols.TOLD:
        told = data.untold_mass < 1
        found["mass not told, averaged over the inputs told of"] = float(data.untold_mass[told].mean())
    if data.protocol.name in ("partial", "soft") and n:
        found["self-audit"] = self_audit_found(kt.self_audit(data, init))
    return found


def _findings_as_text(found: dict[str, Any]) -> str:
    words = {
        "hard": "hard labels",
        "partial": "partial soft labels",
        "soft": "soft labels",
        "told": "partial soft labels, with labels told that were not drawn",
    }.get(found["protocol"], f"partial soft labels, told as {found['protocol']}")
    cells = found["S"] * found["A"]
    lines = [
        f"{count(found['n'], 'record')} of {words}: {count(found['S'], 'input')}, {count(found['A'], 'label')}, "
        f"{found['pairs seen']} of {count(cells, 'pair')} seen",
        f"inputs never seen: {_counted(found['inputs never seen'])}",
        f"labels never seen at any input: {_counted(found['labels never seen at any input'])}",
    ]
    one, two, more = found["inputs by records"].values()
    if found["n"]:
        lines.append(f"records an input: 1 record at {count(one, 'input')}, 2 at {two}, more at {more}")
    if one > max(1, two + more):
        lines.append(
            "  a table learns nothing across inputs: name a column with the class of each input, --columns state=CLASS"
        )
    if "missing mass (Good-Turing estimate)" in found:
        estimate = found["missing mass (Good-Turing estimate)"]
        told = "no records" if estimate is None else f"about {estimate:.4g} (Good-Turing estimate)"
        lines.append(f"missing mass: not told by {found['protocol']} labels; {told}")
    else:
        mass = found["missing mass on visited inputs"]
        told = "no records" if mass is None else f"{mass:.6g}"
        lines.append(f"missing mass on visited inputs, averaged over the records: {told}")
        masses = sorted(found["missing mass per input"].items(), key=lambda item: -item[1])
        largest = (f"{shown(name)} {value:.4g}" for name, value in masses)
        lines.append(f"  largest: {listed(largest, len(masses), LISTED)}")
    if found["protocol"] == "told":
        mass = found["mass not told, averaged over the inputs told of"]
        lines.append(f"mass of labels that are not told, averaged over the inputs told of: {mass:.6g}")
    if "self-audit" in found:
        lines.append(self_audit_as_text(found["self-audit"]))
    return "\n".join(lines)


def _counted(names: list[str]) -> str:
    return f"{len(names)} ({listed(map(shown, names), len(names), LISTED)})" if names else "none"


def _students_as_text(students: dict[str, Any], data: kt.TransferSet, out: str | None) -> str:
    """The cells seen most often, with the value of each student."""
    import numpy as np

    columns = ["state", "action", "seen", "revealed", *students]
    if data.sparse:
        pairs = data.pairs
        order = np.argsort(-pairs.values, kind="stable")[:LISTED]
        s, a, counts = pairs.rows[order], pairs.columns[order], pairs.values[order]
        told = [values.at(s, a) for values in (data.told, *students.values())]
        lines = "told cells, and the rest of each input,"
    else:
        s, a = np.unravel_index(np.argsort(-data.counts, axis=None, kind="stable")[:LISTED], data.counts.shape)
        counts = data.counts[s, a]
        told = [values[s, a] for values in (data.revealed, *students.values())]
        lines = f"{data.counts.size} rows"
    rows = [columns]
    for i in range(s.size):
        names = [shown(data.states[s[i]]), shown(data.actions[a[i]]), str(counts[i])]
        rows.append(names + ["-" if np.isnan(values[i]) else f"{values[i]:.6f}" for values in told])
    cells = table(rows, indent="  ", width=terminal_width())
    where = f"all {lines} are in {out}" if out else "write all rows with --out students.csv"
    where += "\nADD_sgl is made for the worst teacher: where many labels are rare, CE_sgl is far closer"
    return f"\nwhat each learner gives, on the pairs seen most often:\n{cells}\n{where}"
