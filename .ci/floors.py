"""Print the lowest versions that pyproject.toml allows, as constraints for pip: what `make test-floors` installs."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"].values()
for requirement in sorted({*project["dependencies"], *(line for extra in extras for line in extra)}):
    if not requirement.startswith(project["name"]):
        name, floor = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement).groups()
        print(f"{name}=={floor}")
