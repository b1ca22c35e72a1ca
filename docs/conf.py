"""How Sphinx reads these pages: MyST Markdown that a forge shows as well, so links go to files and not to labels."""

project = "edgewright"
author = "the edgewright authors"
project_copyright = "the edgewright authors, Apache-2.0"
extensions = ["myst_parser"]
root_doc = "README"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "edgewright"
html_static_path = ["static"]
html_css_files = ["wide.css"]
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
# a page may link to code and examples beside the documentation; tests/unit/docs proves that every such file is there
suppress_warnings = ["myst.xref_missing"]
