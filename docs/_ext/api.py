"""The API reference: the docstrings of `sltcourse.llc` and `sltcourse.theory`, as Sphinx's autodoc reads them.

The docstrings are plain text with a little markup. Here they become what docutils expects: a name in single backticks
is code, "name : meaning" is a field, an indented formula stays as it is, and a star or a bar is itself.
"""

import re
from typing import Any

from sphinx.application import Sphinx

_CODE = re.compile(r"(``.+?``|(?<!`)`[^`]+`(?!`)|\*\*[^*]+\*\*|(?<![\w*(])\*(?=[^\s*])[^*]+(?<=[^\s*])\*(?![\w*]))")
_FIELD = re.compile(r"((?:``)?\w+(?:``)?(?:, (?:``)?\w+(?:``)?)*) : (.*)")


def restructured(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText."""
    found: list[str] = []
    formula = field = False
    for k, line in enumerate(lines):
        indented, above = line.startswith("   "), lines[k - 1] if k else ""
        if line.startswith((">>>", "...")) or (above.startswith((">>>", "...")) and line):
            found.append(line)
            continue
        if indented and not above and not field and not formula:
            formula = True
            found += ["::", ""]
        formula = formula and (indented or not line)
        if formula:
            found.append(line)
            continue
        match = _FIELD.fullmatch(line)
        if (match and not field and above) or (field and not match and not indented and line and above):
            found.append("")
        field = bool(match) or (field and indented)
        text = f":{match[1]}: {match[2]}" if match else line
        parts = _CODE.split(text)
        parts[1::2] = [
            f"`{part}`" if part.startswith("`") and not part.startswith("``") else part for part in parts[1::2]
        ]
        parts[::2] = [part.replace("|", r"\|").replace("*", r"\*") for part in parts[::2]]
        found.append("".join(parts))
    return found


def _docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def _bases(app: Sphinx, name: str, obj: type, options: object, bases: list[Any]) -> None:
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
    app.connect("autodoc-process-bases", _bases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
