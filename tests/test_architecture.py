"""The layers, enforced: a module imports only from layers below its own, and only what its line allows."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import kt_theory as kt

PACKAGE = Path(kt.__file__).parent

#: Module -> (modules of this package it may import, third-party packages it may import). docs/architecture.md explains.
MAP = {
    "checks": ({"files"}, {"numpy"}),
    "refusals": (set(), set()),
    "files": ({"refusals"}, set()),
    "statements": (set(), set()),
    "showing": (set(), set()),
    "progress": (set(), {"tqdm"}),
    "compiled": (set(), {"numba"}),
    "sparse": ({"checks"}, {"numpy"}),
    "problem": ({"checks", "sparse"}, {"numpy"}),
    "fingerprints": ({"checks"}, {"numpy"}),
    "divergences": ({"checks", "fingerprints"}, {"numpy"}),
    "records": ({"checks", "refusals", "sparse"}, {"numpy"}),
    "rates": ({"checks"}, {"numpy", "pandas", "scipy"}),
    "training": ({"checks"}, {"torch"}),
    "playground": ({"files", "__version__"}, set()),
    "protocols": ({"checks", "records", "refusals", "sparse"}, {"numpy"}),
    "learners": ({"checks", "fingerprints", "problem", "protocols", "records", "sparse"}, {"numpy"}),
    "losses": ({"checks", "compiled", "fingerprints", "learners", "protocols"}, {"numpy", "scipy", "torch"}),
    "lessons": ({"checks", "files", "plots"}, {"numpy", "matplotlib"}),
    "lossaudit": (
        {"checks", "losses", "plots", "problem", "protocols", "rates", "simulation"},
        {"numpy", "pandas"},
    ),
    "bounds": ({"checks", "protocols", "statements"}, {"numpy", "scipy"}),
    "auditing": ({"checks", "protocols", "records", "sparse"}, {"numpy", "scipy"}),
    "simulation": (
        {"checks", "compiled", "divergences", "learners", "problem", "progress", "protocols", "sparse", "__version__"},
        {"numpy", "pandas", "scipy"},
    ),
    "numerics": ({"compiled"}, {"numpy"}),
    "exact": (
        {"checks", "compiled", "divergences", "learners", "numerics", "problem", "protocols", "sparse"},
        {"numpy", "scipy", "flint"},
    ),
    "planning": (
        {"auditing", "bounds", "checks", "learners", "problem", "progress", "protocols", "simulation", "sparse"},
        {"numpy", "pandas", "scipy"},
    ),
    "storage": (
        {"checks", "exact", "learners", "problem", "progress", "protocols", "simulation", "sparse"},
        {"numpy", "pandas"},
    ),
    "plots": (
        {"checks", "files", "bounds", "learners", "planning", "rates", "showing"},
        {"numpy", "matplotlib", "pandas"},
    ),
    "tables": (
        {"auditing", "checks", "refusals", "files", "problem", "protocols", "records", "showing", "sparse"},
        {"numpy", "pandas", "pyarrow"},
    ),
    "logs": (
        {"checks", "files", "problem", "protocols", "records", "refusals", "tables"},
        {"numpy", "orjson", "pandas", "pyarrow"},
    ),
    "decoding": (
        {"checks", "compiled", "divergences", "exact", "learners", "numerics", "problem", "protocols", "sparse"},
        {"numpy", "scipy"},
    ),
    "minimax": ({"checks", "decoding", "exact", "numerics", "problem", "progress", "protocols"}, {"numpy", "scipy"}),
    "certificates": ({"checks", "exact", "problem", "protocols", "statements"}, {"numpy", "scipy", "flint"}),
    "logcheck": ({"checks", "compiled", "logs", "records", "refusals", "tables"}, {"numpy", "scipy"}),
    "pairs": ({"compiled", "exact"}, {"numpy"}),
    "risk": ({"checks", "divergences", "exact", "learners", "pairs", "problem", "simulation"}, {"numpy"}),
    "study": (
        {
            "checks",
            "divergences",
            "exact",
            "files",
            "learners",
            "problem",
            "progress",
            "protocols",
            "showing",
            "simulation",
            "tables",
            "__version__",
        },
        {"cloudpickle", "distributed", "numpy", "pandas", "tqdm"},
    ),
    "claims": ({"bounds", "checks", "learners", "problem", "protocols", "rates", "showing"}, {"numpy", "pandas"}),
    "ledger": (
        {
            "numerics",
            "statements",
            "auditing",
            "bounds",
            "certificates",
            "checks",
            "decoding",
            "exact",
            "files",
            "learners",
            "losses",
            "minimax",
            "problem",
            "progress",
            "protocols",
            "showing",
            "simulation",
            "__version__",
        },
        {"flint", "numpy", "pandas", "scipy"},
    ),
    "cli": ({"kt_theory", "refusals", "files", "progress", "showing", "playground", "study"}, {"numpy", "pandas"}),
    "__main__": ({"cli"}, set()),
    "__init__": (set(), set()),
}
LAYER = {
    **dict.fromkeys(["refusals", "statements", "showing", "progress", "compiled", "__version__", "__init__"], -1),
    "files": -0.5,
    **dict.fromkeys(["checks", "numerics"], 0),
    "sparse": 0.5,
    "fingerprints": 1,
    **dict.fromkeys(["problem", "records", "rates", "playground", "training"], 1),
    **dict.fromkeys(["divergences", "protocols"], 2),
    **dict.fromkeys(["learners", "bounds", "auditing"], 3),
    "losses": 3.5,
    **dict.fromkeys(["simulation", "exact", "tables"], 4),
    **dict.fromkeys(["decoding", "pairs"], 4.5),
    **dict.fromkeys(["logs", "minimax", "certificates", "risk"], 5),
    **dict.fromkeys(["logcheck", "storage"], 5.5),
    **dict.fromkeys(["study", "claims", "ledger", "planning"], 6),
    "plots": 6.5,
    **dict.fromkeys(["lessons", "lossaudit"], 6.7),
    **dict.fromkeys(["cli", "kt_theory"], 7),
    "__main__": 8,
}


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Rooms of the package and third-party packages that a file imports, anywhere in it."""
    modules, packages = set(), set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path == PACKAGE / "__init__.py":  # what a type checker reads is not imported
        tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, member in names:
            top, *rest = module.split(".")
            if top != "kt_theory":
                packages.add(top)
            elif rest:
                modules.add(rest[0])
            else:
                modules.add(member or "kt_theory")
    return modules, packages - set(sys.stdlib_module_names)


def test_every_module_is_on_the_map():
    folders = {path.parent.stem for path in PACKAGE.glob("*/*.py")}
    assert {path.stem for path in PACKAGE.glob("*.py")} | folders == set(MAP)


@pytest.mark.parametrize("module", MAP)
def test_a_module_imports_only_what_the_map_allows(module):
    file = PACKAGE / f"{module}.py"
    allowed_modules, allowed_packages = MAP[module]
    for path in [file] if file.exists() else (PACKAGE / module).rglob("*.py"):
        modules, packages = imports(path)
        assert modules - {module} <= allowed_modules
        assert packages <= allowed_packages


def test_the_map_goes_downstairs():
    for module, (below, _) in MAP.items():
        for other in below:
            # `kt_theory` itself stands for the lazy top level, which only the command line may use.
            assert LAYER[other] < LAYER[module] or (module, other) == ("cli", "kt_theory")


def names_of_the_top_level(path):
    """What a file reads as kt.NAME."""
    nodes = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "kt"}


def test_the_command_line_and_the_scripts_read_public_names():
    # Oracle: identity, what the top level loads on its own: a module that a test imported first would not be missed
    for path in (*(PACKAGE / "cli").rglob("*.py"), *(PACKAGE.parent / "simulations").rglob("*.py")):
        assert names_of_the_top_level(path) <= set(kt.__all__), path
    assert "no_such_name" not in kt.__all__


def test_a_forbidden_arrow_is_seen(tmp_path):
    file = tmp_path / "bounds.py"
    file.write_text(
        "def f():\n    from kt_theory import compiled\n    import pandas as pd\n    import kt_theory.simulation\n"
    )
    assert imports(file) == ({"compiled", "simulation"}, {"pandas"})


def test_evidence_stays_independent():
    """What happens and what is claimed do not import one another, not even through others."""

    def reach(module):
        return {module}.union(*(reach(r) for r in MAP.get(module, (set(), set()))[0] if r in MAP))

    happens = {"simulation"}
    algebra = {"exact", "minimax", "certificates"}
    claimed = {"bounds", "claims"}
    for chain in (happens, algebra, claimed):
        others = (happens | algebra | claimed) - chain
        for module in chain - {"claims"}:
            assert not reach(module) & others, module
    assert not reach("study") & claimed


def test_exact_modules_import_one_another_downwards():
    """Inside exact/: rows below the routes, the routes below risk; the certified risks beside them, on their own."""
    folder = PACKAGE / "exact"
    within = {}
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        within[path.stem] = {
            name
            for node in froms
            for name in ([node.module.split(".")[2]] if node.module.count(".") == 2 else [a.name for a in node.names])
            if node.module.startswith("kt_theory.exact")
        }
    assert not within["rows"]
    assert within["balls"] == {"rows", "unrounded"}
    assert within["unrounded"] == {"rows"}
    assert not any("risk" in names for names in within.values())


#: The modules of ledger/, from the bottom up; those in one set do not import one another but for `BESIDE`.
LEDGER = (
    {"statement"},
    {"attacks"},
    {"entries", "own"},
    {"entries.registry", "verdicts"},
    {"report"},
    {"verifying"},
)
BESIDE = {
    ("entries.greedy", "entries.minimax_soft"),
    ("entries.limits_partial", "entries.minimax_partial"),
    ("entries.ours_partial", "entries.ours_missing_mass"),
    ("entries.ours_soft", "entries.ours_missing_mass"),
}

#: Inside its attacks and its report, each from the bottom up.
ATTACKS = (
    {"grids", "comparing", "enumerating", "planting"},
    {"problems"},
    {"simulation"},
    {"pools"},
    {"means", "quantiles", "lower", "kl"},
)
REPORT = (
    {"words", "pictures", "mathml", "links"},
    {"summary"},
    {"text", "junit", "sections"},
    {"overview", "folds"},
    {"page"},
)


def names_in(path: Path, package: str) -> set[str]:
    """Modules below a package that a file imports, by their dotted names from there."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{package}."):
            below = node.module.removeprefix(package).lstrip(".")
            for alias in node.names:
                module = f"{below}.{alias.name}".lstrip(".")
                is_module = (PACKAGE.parent / package.replace(".", "/") / f"{module.replace('.', '/')}.py").exists()
                found.add(module if is_module else below)
    return found


def height_of(module: str, layers: tuple[set[str], ...]) -> int:
    """The layer of a module: its own, or that of its package."""
    for i, layer in enumerate(layers):
        if module in layer:
            return i
    return height_of(module.rpartition(".")[0], layers)


def test_the_ledger_is_layered():
    """Inside ledger/: trials, attacks, statements, verdicts, report, verify; statements do not know one another."""
    folder = PACKAGE / "ledger"
    for path in folder.rglob("*.py"):
        module = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        if not module:
            continue
        package = module.partition(".")[0]
        for other in names_in(path, "kt_theory.ledger"):
            inside = other.partition(".")[0] == package and package in ("attacks", "report")
            lower = height_of(other, LEDGER) < height_of(module, LEDGER)
            assert inside or lower or (module, other) in BESIDE, (module, other)


@pytest.mark.parametrize(("package", "layers"), [("attacks", ATTACKS), ("report", REPORT)])
def test_the_attacks_and_the_report_are_layered(package, layers):
    folder = PACKAGE / "ledger" / package
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set().union(*layers)
    for stem in set().union(*layers):
        for other in names_in(folder / f"{stem}.py", f"kt_theory.ledger.{package}"):
            assert height_of(other, layers) < height_of(stem, layers), (stem, other)


def test_commands_do_not_know_one_another():
    """Inside cli/: a command imports what commands share, `commands` imports them all."""
    shared = {"exits", "making", "options", "printing", "shipped"}
    for path in (PACKAGE / "cli").glob("*.py"):
        nodes = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
        ]
        others = {node.module.split(".")[2] for node in nodes if node.module.startswith("kt_theory.cli.")}
        if path.stem in shared:
            assert others <= shared, path.stem
        elif path.stem not in ("__init__", "commands"):
            assert others <= shared | {f"{path.stem}_text"}, path.stem


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_and_help_load_nothing_heavy():
    heavy = {"numpy", "numba", "pandas", "matplotlib", "scipy", "tqdm", "torch"}
    assert not loaded_by("import kt_theory") & heavy
    parse = "from kt_theory import cli\ntry:\n    cli.main([{}])\nexcept SystemExit:\n    pass"
    studies = ("study", "study run", "study check", "study export")
    tables = ("convert", "fit", "check-log", "audit-student")
    commands = ("", "reproduce", "verify", "simulate", *tables, *studies, "playground")
    for command in commands:
        words = ", ".join(repr(word) for word in [*command.split(), "--help"])
        assert not loaded_by(parse.format(words)) & heavy


def test_losses_are_found_without_torch_and_say_what_they_need(monkeypatch):
    # Oracle: identity, torch hidden: the module is there, a loss of it is refused in one sentence that names the extra
    assert not loaded_by("import kt_theory as kt\nkt.training, dir(kt.training)") & {"torch"}
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in kt.training.__all__:
        with pytest.raises(ImportError, match=rf"^kt_theory\.training\.{name} needs the extra torch: in a checkout .*"):
            getattr(kt.training, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kt.training.nothing  # noqa: B018
    assert not loaded_by("import kt_theory as kt\nkt.losses.torch") & {"torch"}
    with pytest.raises(ImportError, match=r"^kt_theory\.losses\.torch needs the extra torch: in a checkout .*"):
        kt.losses.torch(lambda logits, label, teacher: logits, "soft")


def test_public_names_resolve_and_say_what_they_are():
    for name in kt.__all__:
        value = getattr(kt, name)
        if inspect.isfunction(value):
            doc = inspect.getdoc(value) or ""
            for section in ("Parameters", "Returns", "Examples", "Raises"):
                assert f"{section}\n-" in doc, f"kt_theory.{name} has no section {section}"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kt.nothing  # noqa: B018


def test_oracles_are_independent():
    oracles = Path(__file__).parent / "oracles.py"
    assert "kt_theory" not in {
        word for line in oracles.read_text().splitlines() if "import" in line for word in line.split()
    }


def test_no_word_in_the_project_points_outside_it():
    """The project speaks of itself alone: no absolute path of a machine, nothing beside the checkout."""
    root = PACKAGE.parent
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False).stdout.split()
    for name in listed:
        path = root / name
        if path.suffix in {".py", ".md", ".toml", ".cff", ".txt"} and path.is_file() and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            for word in ("../shared", "/home/", "/work/", "/root/"):
                assert word not in text, f"{name} says {word}"


def test_no_file_of_the_package_is_long():
    # Oracle: definition, 600 lines: more are several ideas; and a file of 601 lines is one too many
    lengths = {str(path.relative_to(PACKAGE)): path.read_bytes().count(b"\n") for path in PACKAGE.rglob("*.py")}
    assert len(lengths) > 200
    assert not {name: lines for name, lines in lengths.items() if lines > 600}
