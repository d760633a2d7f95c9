"""Files of simulations/: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path | None:
    """A file of simulations/, if there is one of that name."""
    return next((folder / name for folder in _folders() if (folder / name).is_file()), None)


def shipped_designs() -> dict[str, Path]:
    """The designs of studies that ship, by their names."""
    files = [path for folder in _folders() for path in sorted((folder / "designs").glob("*.*"))]
    return {path.stem: path for path in reversed(files) if path.suffix in (".toml", ".py")}


def _folders() -> tuple[Path, Path]:
    package = Path(__file__).parents[1]
    return package.parent / "simulations", package / "simulations"
