"""Files whose examples need a library that is not installed are left out: pytest imports what it reads examples of."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["kt_theory/training/[!_]*.py"]
