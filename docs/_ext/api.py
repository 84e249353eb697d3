"""The API reference: the docstrings of `sltcourse.llc` and `sltcourse.theory`, as Sphinx's autodoc reads them.

The docstrings are plain text with a little markup. Here they become what docutils expects: a name in single backticks
is code, and a bar is a bar.
"""

import re
from typing import Any

from sphinx.application import Sphinx


def _docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn a docstring into reStructuredText, in place."""
    for k, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            continue
        parts = re.split(r"(``.+?``|(?<!`)`[^`]+`(?!`))", line)
        parts[1::2] = [part if part.startswith("``") else f"`{part}`" for part in parts[1::2]]
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[k] = "".join(parts)


def _no_bases(app: Sphinx, name: str, obj: type, options: object, bases: list[Any]) -> None:
    """Of the bases of a class only those of the course are named."""
    bases[:] = [b for b in bases if getattr(b, "__module__", "").startswith("sltcourse")] or [object]


def _settings(app: Sphinx, config: Any) -> None:
    config.autodoc_member_order = "bysource"
    config.autodoc_preserve_defaults = True
    config.autodoc_class_signature = "mixed"
    config.add_module_names = False
    config.python_maximum_signature_line_length = 88


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("config-inited", _settings)
    app.connect("autodoc-process-docstring", _docstring, priority=900)
    app.connect("autodoc-process-bases", _no_bases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
