"""Every public function refuses what it cannot answer for, in one sentence: odd values thrown into every argument."""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import signal
import types
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import kt_theory as kt
from kt_theory.exact.risk import exact_risk

#: Public modules whose functions are tried elsewhere, or trust their arguments.
TRIED_ELSEWHERE = {
    "checks": "what the others hand their arguments to, with the name of the argument for the message",
    "cli": "commands, whose options are tried in test_cli_values",
    "divergences": "definitions that trust their rows; kt.Divergence and whatever takes one are tried here",
    "training": "losses, which take tensors: test_training",
    "lessons": "what the lessons call: test_lessons",
    "losses": "objects, whose parameters and teachers are tried in test_losses",
}

MODULES = tuple(name for name in kt._MODULES if name not in TRIED_ELSEWHERE)

#: Processor seconds within which a call answers or refuses.
LIMIT = 5.0

PROBLEM = kt.Problem([0.5, 0.5], [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])

ODD: dict[str, Any] = {
    "None": None,
    "text": "x",
    "empty text": "",
    "NUL": "a\0b",
    "long text": "y" * 10_000,
    "newline": "a\nb\x1b[2J",
    "false": "false",
    "5": 5,
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "tiny": 1e-300,
    "huge float": 1e200,
    "nan": math.nan,
    "inf": math.inf,
    "10**400": 10**400,
    "10**5000": 10**5000,
    "2**63-1": 2**63 - 1,
    "list": [1, 2],
    "empty list": [],
    "ragged": [[1, 2], [3]],
    "dict": {"a": 1},
    "set": {1, 2},
    "True": True,
    "masked": np.ma.masked,
    "masked array": np.ma.masked_array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], mask=[[1, 0, 0], [0, 0, 0]]),
    "NA": pd.NA,
    "date": np.datetime64("2020-01-01", "ns"),
    "dates": np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[ns]"),
    "complex": 1 + 2j,
    "bytes": b"x",
    "object": object(),
    "function": lambda *a: None,
    "empty array": np.array([]),
    "0-d array": np.array(3.0),
    "3-d array": np.zeros((2, 2, 2)),
    "DataFrame": pd.DataFrame({"a": [1.0, math.nan], "b": ["x", None]}),
    "Problem": PROBLEM,
}

COUNTS = [[2, 1, 0], [0, 0, 3]]
TRANSFER = kt.TransferSet.from_counts(COUNTS, PROBLEM.teacher, "soft")


#: Parameter -> a value that every public function with such a parameter takes, but for `OTHER`.
VALID: dict[str, Any] = {
    "S": 2, "A": 3, "n": 50, "k": 0, "seed": 1, "alpha": 1.0, "rho_alpha": 1.0, "exponent": 1.0, "epsilon": 0.1,
    "phi": 0.5, "psi": 0.5, "problem": PROBLEM, "learner": "CE_sgl", "learners": ["CE_sgl"], "init": None,
    "protocol": "hard", "transfer_set": TRANSFER, "student": PROBLEM.teacher, "reps": 3, "target_mcse": None,
    "relative": False, "max_reps": 100, "workers": 1, "progress": False, "method": "exact", "divergence": "tv",
    "rho": PROBLEM.rho, "teacher": PROBLEM.teacher, "name": "a name", "states": ("s", "t"), "actions": ("a", "b", "c"),
    "p": 0.3, "delta": 0.1, "Delta": 0.2, "xi": 1.0, "size": 3, "eta": 0.5, "kl": 0.2, "M": 1.0, "distance": 0.1,
    "gap": 0.5, "x": 0.5, "w": 0.2, "c_S": 0.5, "c_A": 0.5,
}  # fmt: skip
#: What the docstrings say is not checked, or is made by the package and not by its user.
NOT_DOORS = {
    # Definitions that trust their arguments: `kt_theory.fit` checks them.
    *("learners.ce_sgl", "learners.ce_ptl", "learners.sel_ptl", "learners.ce_ful", "learners.add_sgl"),
    *("learners.added", "learners.sel_at", "learners.sel_told"),
    *("learners.renormalised", "learners.renormalised_at", "learners.list_ce", "learners.list_ce_at"),
    *("learners.clipped_at", "learners.sel_rounded", "learners.told_at"),
    # What public functions hand their arguments to, with the name of the argument for the message.
    *("learners.resolve_learner", "learners.resolve_learners", "protocols.resolve_protocol"),
    "protocols.resolve_form",
    # Parts of statements, and what takes apart the verdicts that `kt_theory.verify` makes.
    *(f"ledger.{name}" for name in ("as_frame", "as_text", "equal", "generator", "judge", "mean_upper")),
    *(f"ledger.{name}" for name in ("minimax_lower", "quantile_upper", "scaled", "steeper", "summarise", "surprises")),
    *("ledger.try_all", "ledger.unexpected", "ledger.versions", "ledger.write_report"),
    *("ledger.conclusion", "ledger.write_junit"),
    "study.watched",
}


class InFolder:
    """A value that is made in the test's folder."""

    def __init__(self, make: Callable[[Path], Any]) -> None:
        self.make = make

    def __call__(self, folder: Path) -> Any:
        return self.make(folder)


def teacher_file(folder: Path) -> Path:
    return kt.tables.write_teacher(PROBLEM, folder / "teacher.csv")


def records_file(folder: Path) -> Path:
    path = folder / "records.csv"
    path.write_text("state,action\n0,1\n1,2\n", encoding="utf-8")
    return path


def audit_samples(folder: Path) -> Path:
    path = folder / "samples.csv"
    path.write_text("p,q\n0.5,0.25\n0.25,0.5\n", encoding="utf-8")
    return path


def study_folder(folder: Path) -> Path:
    if not (folder / "study").exists():
        kt.study.run_in_folder(design(), folder / "study", workers=1)
    return folder / "study"


def design() -> kt.study.Design:
    return kt.study.Design("d", [kt.study.Panel("p", PROBLEM, [4], ["CE_sgl"])], reps=3)


def log_file(folder: Path) -> Path:
    path = folder / "log.jsonl"
    path.write_text('{"uid": "a", "label_counter": {"yes": 3, "no": 1}}\n', encoding="utf-8")
    return path


def axes() -> Any:
    return Figure().subplots()


def design_file(folder: Path) -> Path:
    path = folder / "design.toml"
    path.write_text("reps = 3\n[[panel]]\ninstance = 0\nS = 2\nA = 2\nn = [3]\n", encoding="utf-8")
    return path


def drawn(figure: Figure) -> None:
    """Draw a figure as it stands, without pixels."""
    figure.set_layout_engine("none")
    figure.draw_without_rendering()


AXES = InFolder(lambda _: axes())
BOUND = partial(np.multiply, 0.1)
PANELS = [kt.study.Panel("p", PROBLEM, [4, 8, 16], ["CE_sgl", "CE_ful"])]
RECEIPTS = kt.study.run(PANELS, reps=40)
#: Of learners of a user's own, too, which receipts know by their names only.
DRAWN = pd.concat([RECEIPTS, *(RECEIPTS.assign(learner=name) for name in ("own", "SEL@top_k:2"))])
PAPERS = pd.concat([RECEIPTS, RECEIPTS[RECEIPTS["learner"] == "CE_sgl"].assign(learner="SEL_ptl")])
PLAN = kt.Plan(
    pd.DataFrame({"protocol": ["soft"], "learner": ["CE_ful"], "n": [3], "floor": [float("nan")]}),
    pd.DataFrame({"protocol": ["soft"], "n": [3], "mean": [0.1], "high": [0.2]}),
    *(0.1, 0.9, False, "teacher", ()),
)
GAPS = pd.DataFrame(
    {"protocol": ["hard"], "S": [2], "A": [2], "n": [10], "lower": [0.1], "upper": [0.2], "paper_lower": [0.05],
     "paper_upper": [0.4], "limit": [0.15]}
)  # fmt: skip
WORLDS = pd.DataFrame({"learner": ["CE_sgl"], "n": [10], "share": [0.4]})
TRUE = kt.ledger.Statement(
    *("ours", "us", "words", "formula", "always", "A", "open"),
    check=lambda *_: [kt.ledger.Trial("here", 0.5, 1.0, "exact")],
)

#: Laws of three labels, in a table and by name.
SIMPLEX = [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.3, 0.2, 0.5]]
LAWS = {"teacher": [0.5, 0.3, 0.2]}

#: What some functions take for a parameter, where `VALID` would not do.
OTHER: dict[str, dict[str, Any]] = {
    "kt.draw": {"protocol": "partial"},
    "kt.check_log": {"log": {"s": ["s", "s"], "a": ["a", "b"], "p": [0.5, 0.25]}, "level": 0.05, "in_order": False},
    "kt.fit": {"transfer_set": TRANSFER, "learner": "SEL_ptl"},
    "kt.expected_risk": {"n": [3, 4], "method": "auto"},
    "kt.simulate": {"n": [3, 4], "target_mcse": 0.1},
    "kt.risk_law": {"n": 2},
    "kt.three_worlds": {"S": 3, "A": 5, "n": 100},
    "kt.minimax_risk": {"protocol": "soft"},
    "kt.minimax_constant": {"protocol": "soft"},
    "kt.certify": {"claim": "soft_upper_mean"},
    "kt.certify_minimax": {"protocol": "soft", "problem": None},
    "kt.verify": {"statements": [TRUE], "planted": False},
    "kt.plan": {"teacher": PROBLEM, "S": None, "A": None, "pilot": None, "target": 0.3, "protocols": ["soft"]}
    | {"confidence": 0.5, "on_average": False, "cost": None, "curves": False},
    "kt.plan_annotations": {"pilot": kt.draw(PROBLEM, "hard", 9), "target": 0.3, "confidence": 0.5, "per_item": True},
    "RateFit.compare": {"theory": -1.0, "tolerance": 0.1},
    "kt.fit_rate": {"n": [10, 100, 1000], "risk": [0.5, 0.05, 0.006], "mcse": [0.01] * 3, "window": (1, 1e4)},
    "RiskLaw.quantile": {"q": 0.5},
    "TransferSet.from_counts": {"counts": COUNTS, "protocol": "soft"},
    "TransferSet.from_records": {"records": {"s": ["s"], "a": ["a"], "p": [0.5]}, "tolerance": 1e-9},
    "bounds.partial_lower_mean_at": {"k": 2, "x": 1.0},
    "bounds.partial_upper_mean_at": {"w": [[0.2, 0.3, 0.0], [0.1, 0.2, 0.2]]},
    "ledger.effort": {"level": "quick"},
    "ledger.chosen": {"statements": "zz-3.2"},
    "ledger.upper_bound": {"id": "ours", "bound": lambda n, S, A: 1.0, "words": "", "from_n": 1},
    "ledger.lower_bound": {"id": "ours", "bound": lambda n, S, A: 0.0, "words": "", "from_n": 1},
    "bounds.soft_lower_mean_at": {"rho": [0.5, 0.5]},
    "tables.read_table": {"path": InFolder(teacher_file)},
    "tables.write_table": {"frame": pd.DataFrame({"a": [1]}), "path": "out.csv"},
    "tables.teacher_from_frame": {
        "frame": pd.DataFrame({"state": ["s"], "action": ["a"], "probability": [1.0]}),
        "normalise": False,
    },
    "tables.read_teacher": {"path": InFolder(teacher_file)},
    "tables.write_teacher": {"path": "out.csv"},
    "tables.bundled_teacher": {"name": "next_word"},
    "tables.read_records": {"path": InFolder(records_file), "states": None, "actions": None},
    "tables.read_init": {"path": InFolder(teacher_file), "normalise": False},
    "tables.read_names": {"path": InFolder(records_file)},
    "tables.write_students": {"students": {"CE_sgl": PROBLEM.teacher}, "path": "out.csv"},
    "kt.Learner": {"fit": kt.learners.ce_sgl, "rate": None, "statement": "", "fingerprint": "1"},
    "kt.Divergence": {"rows": kt.DIVERGENCES["tv"].rows, "upper": 1.0, "may_be_infinite": False, "fingerprint": "1"}
    | {"name": "word"},
    "kt.Protocol": {"shows_label": True, "tells_drawn": True, "top": 2, "lists_last": True, "draws": 2}
    | {"digits": 2, "temperature": 1.0},
    "kt.sampled": {"m": 2},
    "kt.rounded": {"digits": 2},
    "kt.tempered": {"temperature": 2.0},
    "kt.gumbel_top_k": {"k": 2},
    "kt.threshold": {"at_least": 0.1},
    "kt.top_p": {"mass": 0.5},
    "kt.top_k": {"k": 2, "lists_last": True},
    "kt.top_k_label": {"k": 2, "lists_last": True},
    "kt.top_k_only": {"k": 2, "lists_last": True},
    "kt.sample_risks": {"reps": 3},
    "kt.audit_student": {"records": {"p": [0.5], "q": [0.25]}, "sampled": "teacher"},
    "kt.free_bound": {"inputs": ["0", 1]},
    "kt.greedy_risk": {"table": PROBLEM.teacher, "kind": "regret"},
    "kt.expected_greedy_risk": {"kind": "regret"},
    "kt.exchange_rate": {"row": [0.5, 0.25, 0.25]},
    "kt.best_storage": {"teacher": [0.5, 0.25, 0.25], "numbers": 2, "visits": [1, 3]},
    "storage.plug_in": {"data": kt.TransferSet.from_counts([[3, 0, 1]], [[0.5, 0.25, 0.25]], "partial")},
    "kt.tail_cost": {"row": [0.5, 0.25, 0.25], "k": 1, "back_off": [0.5, 0.3, 0.2]},
    "kt.draws_constant": {"mu": 1.0},
    "kt.minimax_greedy": {"protocol": "soft"},
    "tables.audit_file": {"path": InFolder(audit_samples), "sampled": "teacher"},
    "logs.read": {"paths": InFolder(log_file)},
    "logs.convert": {"paths": InFolder(log_file), "out": "out.csv"},
    "logs.is_log": {"path": "log.jsonl"},
    "logs.read_teacher": {"paths": InFolder(log_file), "normalise": False},
    "logs.transfer_set": {"paths": InFolder(log_file), "states": None, "actions": None},
    "claims.Claims": {"slopes": {"CE_sgl": -0.5}, "lower": None},
    "claims.fit_panel": {"rows": RECEIPTS[RECEIPTS["learner"] == "CE_sgl"]},
    "claims.scoreboard": {"receipts": RECEIPTS, "claims": {"p": kt.claims.Claims()}, "exact": None},
    "claims.gap_scoreboard": {"gaps": GAPS},
    "claims.z_scores": {"receipts": RECEIPTS, "exact": RECEIPTS},
    "claims.as_text": {"board": kt.claims.scoreboard(RECEIPTS, {})},
    "study.Panel": {"n": [4]},
    "study.Design": {"panels": PANELS, "slope_se": None, "licence": "", "text": ""},
    "study.Share": {"part": 1, "of": 2},
    "study.check": {"folder": InFolder(study_folder)},
    "study.exact": {"panels": PANELS},
    "study.exact_and_simulated": {"stem": "stem", "panels": PANELS, "options": kt.study.Options(progress=False)},
    "study.export": {"folder": InFolder(study_folder)},
    "study.merge": {"into": InFolder(study_folder), "others": InFolder(lambda folder: [study_folder(folder)])},
    "study.read_design": {"path": InFolder(design_file)},
    "study.replay": {"folder": InFolder(study_folder), "name": "x"},
    "study.run": {"panels": PANELS, "folder": None, "executor": None},
    "study.run_in_folder": {"design": InFolder(lambda _: design()), "folder": InFolder(study_folder)},
    "study.status": {"folder": InFolder(study_folder)},
    "study.receipts_as_csv": {"frame": RECEIPTS},
    "study.write_receipts": {"frame": RECEIPTS, "path": "out.csv"},
    "plots.drawing": {"stem": "figure", "rows": 1, "columns": 1, "width": 3.0, "height": 2.0},
    "plots.draw_curves": {"axes": AXES, "panel": "p", "exact": None, "receipts": DRAWN},
    "plots.draw_band": {"axes": AXES, "n": [1, 10], "lower": BOUND, "upper": BOUND, "colour": "red"},
    "plots.note": {"axes": AXES, "text": "words", "colour": "red"},
    "plots.draw_exchange": {"axes": AXES, "receipts": DRAWN, "against": "CE_sgl", "learners": ["CE_ful"]},
    "plots.draw_teacher": {"stem": "figure", "panel": "p", "exact": PAPERS, "receipts": PAPERS, "floor": 1e-9},
    "plots.draw_receipts": {"receipts": RECEIPTS, "stem": "figure"},
    "plots.draw_plan": {"axes": AXES, "plan": PLAN},
    "plots.draw_triangle": {"axes": AXES, "corner": (10.0, 0.1), "slope": -0.5, "colour": "red"},
    "claims.beside_the_paper": {"figure": "figure", "board": kt.claims.scoreboard(RECEIPTS, {})},
    "plots.draw_gap": {"axes": AXES, "gaps": GAPS, "colour": "red"},
    "plots.draw_shares": {"axes": AXES, "worlds": WORLDS, "limit": 0.4},
    "plots.draw_simplex": {"axes": AXES, "grid": SIMPLEX, "values": [1.0, 2.0, 3.0], "laws": LAWS, "path": SIMPLEX},
    "plots.draw_laws": {"axes": AXES, "laws": LAWS},
    "kt.audit": {"loss": "brier", "teachers": LAWS, "protocol": None, "n": None},
}

#: Classes that a user makes; all others are results.
MADE_BY_USERS = {"kt.Problem", "study.Panel", "study.Design", "study.Share", "claims.Claims"}
MADE_BY_USERS |= {"kt.Learner", "kt.Divergence", "kt.Protocol"}


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """TimeoutError after so much processor time."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def doors() -> dict[str, Callable[..., Any]]:
    """Public functions, and the classes that users make, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in (kt, *(getattr(kt, name) for name in MODULES)):
        short = "kt" if module is kt else module.__name__.rpartition(".")[2]
        for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
            value = getattr(module, name)
            home = getattr(value, "__module__", "")
            if not callable(value) or not home.startswith("kt_theory") or value in found.values():
                continue
            if not hasattr(module, "__all__") and home != module.__name__:
                continue
            if inspect.isclass(value) and f"{short}.{name}" not in MADE_BY_USERS:
                continue
            found[f"{short}.{name}"] = value
    law = kt.risk_law(PROBLEM, "CE_sgl", 2)
    line = kt.fit_rate([10, 100, 1000], [0.5, 0.05, 0.006])
    found |= {
        "TransferSet.from_counts": kt.TransferSet.from_counts,
        "TransferSet.from_records": kt.TransferSet.from_records,
        "RateFit.predict": line.predict,
        "RateFit.compare": line.compare,
        "RiskLaw.tail": law.tail,
        "RiskLaw.cdf": law.cdf,
        "RiskLaw.quantile": law.quantile,
    }
    return {name: door for name, door in found.items() if name not in NOT_DOORS}


DOORS = doors()


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """What a public function takes; the options that functions of kt.logs hand on are those of its `read`."""
    own = dict(inspect.signature(DOORS[name]).parameters)
    handed_on = [key for key, parameter in own.items() if parameter.kind is parameter.VAR_KEYWORD]
    for key in handed_on:
        del own[key]
        own |= {key: p for key, p in inspect.signature(kt.logs.read).parameters.items() if p.kind is p.KEYWORD_ONLY}
    return own


def valid(name: str, folder: Path) -> dict[str, Any]:
    """Arguments that a public function takes."""
    own = OTHER.get(name, {})
    given = {}
    for parameter in parameters(name).values():
        if parameter.name in own:
            given[parameter.name] = own[parameter.name]
        elif parameter.name in VALID:
            given[parameter.name] = VALID[parameter.name]
        elif parameter.default is not parameter.empty:
            given[parameter.name] = parameter.default
        else:
            raise KeyError(f"{name} needs a value of {parameter.name}: add it to VALID or OTHER")
    return {key: value(folder) if isinstance(value, InFolder) else value for key, value in given.items()}


def call(door: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """The answer: what generators and context managers do is done."""
    answer = door(**arguments)
    if isinstance(answer, types.GeneratorType):
        return list(answer)
    if isinstance(answer, contextlib.AbstractContextManager) and not isinstance(answer, ThreadPoolExecutor):
        with answer:
            pass
    return answer


def refusal(door: Callable[..., Any], arguments: dict[str, Any]) -> str | None:
    """What is wrong with how a door takes these arguments, None if it answers in time or refuses in one sentence."""
    try:
        with within(LIMIT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(door, arguments)
    except ValueError as error:
        said = str(error)
        if not said or len(said) > 1500 or re.search(r"[\x00-\x1f\x7f]", said):
            return f"no sentence: {said[:200]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return None


@pytest.mark.parametrize("name", DOORS)
def test_odd_values_are_answered_or_refused_in_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Oracle: identity, a ValueError of one line or an answer, within five seconds of processor time
    monkeypatch.chdir(tmp_path)
    assert refusal(DOORS[name], valid(name, tmp_path)) is None
    # Everything is drawn, once a figure; axes, layout, pixels and PDF of the valid call are enough.
    monkeypatch.setattr(Figure, "savefig", lambda figure, target, **_: figure.stale and drawn(figure))
    one = axes()
    monkeypatch.setitem(globals(), "axes", lambda: one)
    found = []
    for parameter in parameters(name):
        for kind, value in ODD.items():
            if (name, parameter, kind) == ("kt.verify", "statements", "None"):
                continue  # the whole ledger: an answer, in a minute
            trouble = refusal(DOORS[name], valid(name, tmp_path) | {parameter: value})
            if trouble:
                found.append(f"{parameter} = {kind}: {trouble}")
    assert not found, "\n".join(found)


def test_every_public_module_is_tried_here_or_named_with_the_reason() -> None:
    # Oracle: identity, the modules that kt_theory lists
    assert set(TRIED_ELSEWHERE) < set(kt._MODULES)
    tried = {name.partition(".")[0] for name in DOORS}
    assert {*MODULES} - {"learners", "problem", "protocols"} <= tried, "what these three have is tried as kt.NAME"


def test_a_door_that_lets_a_wrong_type_through_is_seen() -> None:
    # Oracle: identity, planted: an attribute error, a message of two lines, a call that never ends
    def endless(x: Any) -> None:
        while True:
            pass

    def two_lines(x: Any) -> None:
        raise ValueError("one\ntwo")

    assert "AttributeError" in str(refusal(lambda x: x.S, {"x": 5}))
    assert "no sentence" in str(refusal(two_lines, {"x": 5}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "LIMIT", 0.05)
        assert "TimeoutError" in str(refusal(endless, {"x": 5}))
    assert refusal(math.sqrt, {}) is not None


def test_an_initial_table_has_one_tolerance_everywhere() -> None:
    # Oracle: identity, a float32 softmax is off 1 by some 1e-8 and taken by every function; one off by 1e-5 by none
    start = np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]], dtype=np.float32)
    assert 1e-9 < abs(start.astype(float).sum(axis=1) - 1).max() < 1e-6
    for table, taken in ((start, True), (start.astype(float) * (1 + 1e-5), False)):
        calls: list[Callable[[], Any]] = [
            partial(kt.fit, TRANSFER, "SEL_ptl", table),
            partial(kt.simulate, PROBLEM, "SEL_ptl", 3, 2, init=table),
            partial(kt.sample_risks, PROBLEM, "SEL_ptl", 3, 2, init=table),
            partial(kt.expected_risk, PROBLEM, "SEL_ptl", 3, table),
            partial(exact_risk, PROBLEM, "CE_sgl", 3, table),
            partial(kt.risk_law, PROBLEM, "SEL_ptl", 3, table),
        ]
        for one in calls:
            if taken:
                one()
            else:
                with pytest.raises(ValueError, match=r"^init"):
                    one()


def test_an_initial_table_is_of_the_inputs_and_labels_of_the_problem() -> None:
    # Oracle: identity, the same table as an array; names in another order are refused, not taken by place
    named = kt.Problem(PROBLEM.rho, PROBLEM.teacher, states=("s", "t"), actions=("a", "b", "c"))
    start = np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]])
    right = pd.DataFrame(start, index=["s", "t"], columns=["a", "b", "c"])
    doors: list[Callable[[Any], Any]] = [
        lambda init: kt.simulate(named, "SEL_ptl", 3, 5, init=init)["mean"].item(),
        lambda init: kt.sample_risks(named, "SEL_ptl", 3, 5, init=init).tolist(),
        lambda init: kt.expected_risk(named, "SEL_ptl", 3, init),
        lambda init: kt.risk_law(named, "SEL_ptl", 3, init).mean(),
        lambda init: kt.certify("partial_upper_mean_missing", n=30, problem=named, init=init).lhs,
    ]
    for door in doors:
        assert door(right) == door(start) == door(pd.DataFrame(start))
        for wrong in (right.rename(index={"s": "t", "t": "s"}), right[["b", "a", "c"]]):
            with pytest.raises(ValueError, match=r"of init and (states|actions) differ, in names or in order"):
                door(wrong)


def test_a_learner_more_in_the_package_is_not_answered_as_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, planted: an entry of LEARNERS of which nothing else is known; enumeration, kt.risk_law
    def half(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
        return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)

    monkeypatch.setitem(kt.LEARNERS, "NEW", kt.Learner("NEW", "hard", half))
    with pytest.raises(kt.Unsupported, match="learner is NEW: the limits of CE_sgl"):
        kt.bias_limit(PROBLEM, "NEW")
    with pytest.raises(ValueError, match="NEW has no exact route"):
        kt.expected_risk(PROBLEM, "NEW", 3, method="exact")
    row = kt.simulate(PROBLEM, "NEW", 3, 4000, seed=1).iloc[0]
    assert abs(row["mean"] - kt.risk_law(PROBLEM, "NEW", 3).mean()) <= 4 * row["mcse"]


def test_every_learner_has_a_limit() -> None:
    # Oracle: limit, the exact risk of ADD_sgl falls by 10 as n rises by 100, so that it tends to 0
    assert {name: kt.bias_limit(PROBLEM, name) for name in kt.LEARNERS if name != "CE_ptl"} == dict.fromkeys(
        ("CE_sgl", "SEL_ptl", "CE_ful", "ADD_sgl"), 0.0
    )
    assert kt.bias_limit(PROBLEM, "CE_ptl") > 0.01
    early, late = (float(kt.expected_risk(PROBLEM, "ADD_sgl", n)) for n in (10**4, 10**6))
    assert early / late == pytest.approx(10, rel=0.05, abs=0)


# --- Learners, protocols and divergences that nobody knows -----------------------------------------------


class Derived(kt.Protocol):
    """A protocol that tells what its facts do not say."""


class Pretender:
    """Has what a Protocol, a Learner or a Divergence has, and is none."""

    name = "pretender"
    shows_label, tells_drawn, top, upper = True, True, 2, 1.0
    protocol = kt.PROTOCOLS["partial"]
    fit = staticmethod(kt.learners.sel_ptl)
    rows = staticmethod(kt.DIVERGENCES["tv"].rows)


def own_fit(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    return init


def own_rows(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.zeros(student.shape[:-1])


#: Argument -> what it stands for. A public function that takes one by another name adds it here.
ARGUMENTS = {
    "learner": "learner", "learners": "learner", "against": "learner", "bold": "learner",
    "protocol": "protocol", "lower": "protocol", "protocols": "protocol", "divergence": "divergence",
    "told_as": "protocol",
}  # fmt: skip
#: Whether an argument of that name is one of the three: "lower" is a function of n in `plots.draw_band`.
ELSEWHERE = {("plots.draw_band", "lower")}

#: What every public function refuses.
INVENTED: dict[str, dict[str, Any]] = {
    "learner": {
        "word": "CE_invented",
        "spelled alike": "ce_sgl",
        "protocol alone": "SEL@topk",
        "object": Pretender(),
        "class": kt.Learner,
        "name that is taken": kt.Learner("CE_sgl", "hard", own_fit),
    },
    "protocol": {
        "word": "topk",
        "family without a number": "top_k",
        "bad number": "top_k:0",
        "object": Pretender(),
        "derived": Derived("derived", tells_drawn=True),
        "name that is taken": kt.Protocol("partial", tells_drawn=True, top=3),
    },
    "divergence": {
        "word": "hellinger2",
        "object": Pretender(),
        "name that is taken": kt.Divergence("tv", own_rows),
    },
}
#: What only some public functions refuse: an object of a user's own, or a protocol beyond the paper's.
OWN: dict[str, dict[str, Any]] = {
    "learner": {
        "own": kt.Learner("own", "hard", own_fit),
        "own, of an own protocol": kt.Learner("own", kt.Protocol("told_2", top=2), own_fit),
        "natural": "SEL@top_k:2",
    },
    "protocol": {"own": kt.Protocol("told_2", top=2), "family": "top_k:2"},
    "divergence": {"own": kt.Divergence("own", own_rows)},
}
#: The public functions that answer for these: the others refuse them.
OPEN = {
    *(("kt.Learner", "protocol"), ("kt.draw", "protocol"), ("TransferSet.from_counts", "protocol")),
    *(("kt.expected_risk", "learner"), ("kt.risk_law", "learner"), ("kt.sample_risks", "learners")),
    *(("kt.simulate", "learners"), ("study.Panel", "learners"), ("ledger.upper_bound", "learner")),
    *(("kt.expected_risk", "divergence"), ("kt.risk_law", "divergence"), ("kt.sample_risks", "divergence")),
    *(("kt.simulate", "divergence"), ("study.Design", "divergence"), ("study.run", "divergence")),
    *(("plots.draw_curves", "bold"), ("plots.draw_exchange", "against"), ("plots.draw_exchange", "learners")),
    *(("kt.fit", "learner"), ("kt.plan", "protocols")),
}
#: How a docstring or an annotation speaks of one of the three.
SPEAKS = re.compile(
    r"\bLearner\b|\bProtocol\b|\bDivergence\b|CE_sgl|\bLEARNERS\b|\"hard\", \"partial\"|\bDIVERGENCES\b"
)


def takes() -> list[tuple[str, str]]:
    """Every public function that takes a learner, a protocol or a divergence, with its argument."""
    pairs = [(name, argument) for name, door in DOORS.items() for argument in inspect.signature(door).parameters]
    return [pair for pair in pairs if pair[1] in ARGUMENTS and pair not in ELSEWHERE]


def unnamed(doors: dict[str, Callable[..., Any]]) -> list[tuple[str, str]]:
    """Arguments that annotations or docstrings call a learner, a protocol or a divergence, and `ARGUMENTS` does not."""
    found = []
    for name, door in doors.items():
        typed = dict(re.findall(r"^ *(\w+) : (.*)$", door.__doc__ or "", re.MULTILINE))
        for argument, parameter in inspect.signature(door).parameters.items():
            if argument not in ARGUMENTS and SPEAKS.search(f"{parameter.annotation} {typed.get(argument, '')}"):
                found.append((name, argument))
    return found


def tried(name: str, argument: str, value: Any, folder: Path) -> str | None:
    """What a public function says to a value, None if it answers."""
    given = valid(name, folder) | {argument: [value] if argument == "learners" else value}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(DOORS[name], given)
    except kt.Unsupported as refused:
        return str(refused)
    return None


@pytest.mark.parametrize(("name", "argument"), takes())
def test_what_nobody_knows_is_refused_in_one_sentence(
    name: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Oracle: identity, kt.Unsupported, a ValueError of one line that names the argument; never the answer for another
    monkeypatch.chdir(tmp_path)
    assert issubclass(kt.Unsupported, ValueError)
    kind = ARGUMENTS[argument]
    for what, value in INVENTED[kind].items():
        said = tried(name, argument, value, tmp_path)
        assert said is not None, f"{argument}={what} is answered"
        assert argument in said, said
        assert len(said) < 400, said
        assert not re.search(r"[\x00-\x1f\x7f]", said), said
    for what, value in OWN[kind].items():
        said = tried(name, argument, value, tmp_path)
        if (name, argument) == ("kt.fit", "learner"):
            continue  # it depends on what the transfer set was shown
        # The worst teacher is known of lists with draws, of no list with a label that is not told.
        answered = (name, argument) in OPEN or (name, what) == ("kt.minimax_risk", "family")
        assert (said is None) == answered, f"{argument}={what}: {said}"


def test_every_public_function_with_such_an_argument_is_tried() -> None:
    # Oracle: second algorithm, what annotations and docstrings say; planted, a function under a new name
    assert unnamed(DOORS) == []
    assert set(takes()) >= OPEN

    def planted(whose: str | kt.Learner) -> None:
        pass

    def told(shown: str) -> None:
        """Planted.

        Parameters
        ----------
        shown : {"hard", "partial", "soft"}
            What is revealed.
        """

    assert unnamed({"planted": planted, "told": told}) == [("planted", "whose"), ("told", "shown")]


def test_a_name_that_is_answered_as_another_one_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Oracle: identity, planted: a function that takes every protocol for soft labels
    def lenient(protocol: Any) -> float:
        return 0.125

    monkeypatch.setitem(DOORS, "planted.lenient", lenient)
    assert tried("planted.lenient", "protocol", "topk", tmp_path) is None
