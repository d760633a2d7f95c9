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
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_extra_path = [str(ROOT / path) for path in CARRIED]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_toc_level": 2,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Without it the theme warns that it has no mode to begin with.
html_context = {"default_mode": "auto"}
copybutton_prompt_text = ">>> |... |$ "
copybutton_prompt_is_regexp = False
copybutton_selector = "div.highlight pre"
