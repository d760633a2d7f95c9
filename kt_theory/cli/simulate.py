"""`kt-theory simulate`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import kt_theory as kt
from kt_theory.cli.exits import HELD
from kt_theory.cli.options import (
    add_columns,
    add_command,
    add_other,
    check_output,
    common_options,
    path,
    positive,
    whole,
)
from kt_theory.cli.printing import frame_as_text, print_json, rows_of


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "simulate",
        _simulate,
        "mean risk of the learners on one teacher",
        "Monte Carlo estimates of the mean risk, each with its standard error (mcse). The teacher is an instance of\n"
        "the paper (it moves with n for 1, 2 and 3), a file, or one that ships with the package.\n"
        "A teacher file (.csv, .tsv, both also .gz, .parquet; - is standard input) has the columns state, action,\n"
        "probability (or logprob, or count), and optionally rho.",
        "kt-theory simulate --instance 1 --S 10 --A 10 --n 1e3 1e4 1e5 --reps 4000",
    )
    teacher = parser.add_mutually_exclusive_group(required=True)
    teacher.add_argument("--instance", type=int, choices=(0, 1, 2, 3), help="instance of the paper; needs --S and --A")
    teacher.add_argument("--teacher", type=path, metavar="FILE", help="teacher table; - reads standard input")
    teacher.add_argument("--bundled", metavar="NAME", help="a teacher that ships with the package, such as next_word")
    parser.add_argument("--S", type=whole(1), help="number of inputs, for --instance")
    parser.add_argument("--A", type=whole(1), help="number of labels, for --instance")
    parser.add_argument("--normalise", action="store_true", help="divide the rows of the teacher file by their sums")
    add_columns(parser)
    parser.add_argument("--add-repeats", action="store_true", help="add counts of a pair that the file lists again")
    add_other(parser, "one more label, for what each row of the teacher file lacks")
    parser.add_argument("--n", type=whole(), nargs="+", required=True, help="numbers of samples; 1e9 is understood")
    parser.add_argument(
        "--learners",
        nargs="+",
        default=None,
        metavar="NAME",
        help="such as CE_sgl; SEL@top_k_only:20 shares what a list of 20 leaves, RENORM@top_k_only:20 scales the list "
        "to one (default: the four of the paper)",
    )
    parser.add_argument(
        "--protocol",
        action="append",
        metavar="NAME",
        help="add the natural learner of a protocol, such as top_k:20, top_k_label:20 (the sampled label without its "
        "probability), top_k_only:20 (no sampled label), top_p:0.9 or threshold:0.01 (lists of such a mass, or of such "
        "probabilities), sampled:20 or gumbel_top_k:20 (20 labels a visit, with their probabilities; without "
        "replacement), as SEL@top_k:20; rounded:2 (log-probabilities of 2 digits) also as CLIP@rounded:2, counts "
        "within what that leaves; tempered:0.7 (told at temperature 0.7); may be repeated",
    )
    parser.add_argument(
        "--divergence", default="tv", metavar="NAME", help="tv (default), kl, reverse_kl, l2, hellinger or top1"
    )
    parser.add_argument(
        "--reps", type=whole(1), default=1000, help="repeats, or pilot of --target-mcse (default: 1000)"
    )
    parser.add_argument("--target-mcse", type=positive, metavar="E", help="repeat until the standard error is about E")
    parser.add_argument("--relative", action="store_true", help="E is a fraction of the mean risk")
    parser.add_argument("--max-reps", type=whole(1), help="cap on the repeats of --target-mcse (default: 1000000)")
    parser.add_argument(
        "--control", action="store_true", help="use control variates of known mean: smaller errors, the same means"
    )
    parser.add_argument("--seed", type=whole(), default=0, help="seed of all draws (default: 0)")
    parser.add_argument("--out", type=path, metavar="FILE", help="write the receipts as CSV")
    common_options(parser)


def _simulate(arguments: argparse.Namespace) -> int:
    if arguments.out:
        check_output(arguments.out, ".csv", inputs={"--teacher": arguments.teacher})
    if arguments.target_mcse is None and (arguments.relative or arguments.max_reps is not None):
        raise ValueError("--relative and --max-reps go with --target-mcse only")
    if arguments.normalise and arguments.teacher is None:
        raise ValueError("--normalise goes with --teacher only")
    if arguments.teacher is None and (arguments.other is not None or arguments.columns or arguments.add_repeats):
        raise ValueError("--other, --columns and --add-repeats go with --teacher only")
    problem: Any
    if arguments.instance is None:
        for option in ("S", "A"):
            if getattr(arguments, option) is not None:
                raise ValueError(f"--{option} is {getattr(arguments, option)}: it goes with --instance only")
        if arguments.bundled is not None:
            problem = kt.tables.bundled_teacher(arguments.bundled)
        else:
            problem = kt.logs.read_teacher(
                arguments.teacher,
                normalise=arguments.normalise,
                other=arguments.other,
                columns=arguments.columns,
                add_repeats=arguments.add_repeats,
            )
    else:
        for option in ("S", "A"):
            if getattr(arguments, option) is None:
                raise ValueError(f"--{option} is missing: --instance needs the numbers of inputs and labels")
        problem = partial(kt.instance, arguments.instance, arguments.S, arguments.A)
    learners = [*(kt.PAPER_LEARNERS if arguments.learners is None else arguments.learners)]
    for protocol in arguments.protocol or ():
        rounds = kt.protocols.resolve_protocol(protocol, "--protocol").digits is not None
        learners += [f"SEL@{protocol}", *([f"CLIP@{protocol}"] if rounds else [])]
    frame = kt.simulate(
        problem,
        learners,
        arguments.n,
        arguments.reps,
        arguments.seed,
        divergence=arguments.divergence,
        target_mcse=arguments.target_mcse,
        relative=arguments.relative,
        max_reps=1_000_000 if arguments.max_reps is None else arguments.max_reps,
        control=arguments.control,
        workers=arguments.workers,
        progress=True,
    )
    if arguments.out:
        kt.study.write_receipts(frame, arguments.out)
    if arguments.json:
        print_json(rows_of(frame.drop(columns="seconds")))
    else:
        columns = ["n", "learner", "protocol", "mean", "mcse", "reps", "nonzero"]
        columns += [column for column in ("divergence", "infinite", "control") if column in frame]
        print(frame_as_text(frame[columns]))
    return HELD
