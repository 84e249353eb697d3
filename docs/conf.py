"""The book's settings for Sphinx. `make book` copies this folder, adds the lessons, and builds the site."""

import sys
from pathlib import Path

from sltcourse.kit import authoring

project = "Singular learning theory"
author = "The sltcourse authors"
copyright = author
version = release = authoring.project()[0]
html_title = project
language = "en"

_here = Path(__file__).parent
sys.path.insert(0, str(_here / "_ext"))
extensions = ["myst_nb", "sphinx.ext.autodoc", "sltcourse.kit.book.extension"]
extensions += [file.stem for file in sorted((_here / "_ext").glob("*.py"))]
exclude_patterns = ["_ext", "_static", "_templates"]
templates_path = ["_templates"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "katex"
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

html_theme = "furo"
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_extra_path = ["../book-extra"]
html_css_files = ["katex/katex.min.css", "live.css", "site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("katex/katex.min.js", "live.bundle.js", "book.js", "site.js")]
html_copy_source = False
html_show_sourcelink = False
html_domain_indices = False
html_use_index = False
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
