"""Files of simulations/: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path | None:
    """A file of simulations/, if there is one of that name."""
    package = Path(__file__).parents[1]
    places = (package.parent / "simulations" / name, package / "simulations" / name)
    return next((path for path in places if path.is_file()), None)
