"""`python -m kt_theory`: the same as the command `kt-theory`."""

import sys

from kt_theory.cli import main

sys.exit(main())
