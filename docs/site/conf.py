"""How Sphinx builds the site, from the pages that `build.py` has written."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from places import CARRIED, ROOT

import kt_theory as kt

project = "kt_theory"
author = "The kt_theory maintainers"
project_copyright = author
version = release = kt.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
]
exclude_patterns: list[str] = []
# A name in backticks is a link where it is a public one, and code elsewhere.
default_role = "py:obj"
add_module_names = False
nitpicky = False

autodoc_typehints = "none"
# The losses for PyTorch are described without it.
autodoc_mock_imports = ["torch"]
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_use_plots = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

html_theme = "pydata_sphinx_theme"
html_title = "kt_theory"
templates_path = ["templates"]
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_extra_path = [str(ROOT / path) for path in CARRIED]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
# A summary of what was found is fetched from its page, which browsers refuse to a page on disk.
html_show_search_summary = False
html_search_scorer = str(Path(__file__).parent / "scorer.js")
html_last_updated_fmt = None
html_theme_options = {
    "navbar_align": "left",
    "navbar_center": ["navbar-nav", "carried"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Without the mode the theme warns that it has none to begin with.
html_context = {"default_mode": "auto", "carried": [(Path(name).stem.capitalize(), name) for name in CARRIED.values()]}
copybutton_prompt_text = ">>> |... |$ "
copybutton_prompt_is_regexp = False
copybutton_selector = "div.highlight pre"
