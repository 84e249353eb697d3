"""The API reference: the docstrings of `sltcourse.llc` and `sltcourse.theory`, as Sphinx's autodoc reads them.

The docstrings are plain text with a little markup. Here they become what docutils expects: a name in single backticks
is code, "name : meaning" is a field, an indented formula stays as it is, and a star or a bar is itself.
"""

import re
from typing import Any

from docutils import nodes
from numpy.typing import ArrayLike
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import stringify_annotation

_CODE = re.compile(r"(``.+?``|(?<!`)`[^`]+`(?!`)|\*\*[^*]+\*\*|(?<![\w*(])\*(?=[^\s*])[^*]+(?<=[^\s*])\*(?![\w*]))")
_PARAMETER = re.compile(r"``[^`]+``(?:, ``[^`]+``)*(?: \([^)]*\))?: ")
_FIELD = re.compile(r"((?:``)?\w+(?:``)?(?:, (?:``)?\w+(?:``)?)*) : (.*)")


def restructured(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText."""
    found: list[str] = []
    example = formula = field = False
    for k, line in enumerate(lines):
        indented, above = line.startswith("   "), lines[k - 1] if k else ""
        example = bool(line) and (example or line.startswith(">>>"))
        if example:
            found.append(line)
            continue
        if indented and not above and not field and not formula:
            formula = True
            found += [".. code-block:: text", ""]
        formula = formula and (indented or not line)
        if formula:
            found.append(line)
            continue
        match = _FIELD.fullmatch(line)
        if above and _PARAMETER.match(line):  # each parameter begins a paragraph
            found.append("")
        if (match and not field and above) or (field and not match and not indented and line and above):
            found.append("")
        field = bool(match) or (field and indented)
        names = re.sub(r"(?:``)?(\w+)(?:``)?", r"``\1``", match[1]) if match else ""
        text = f":{names}: {match[2]}" if match else line
        parts = _CODE.split(text)
        parts[1::2] = [
            f"`{part}`" if part.startswith("`") and not part.startswith("``") else part for part in parts[1::2]
        ]
        parts[::2] = [part.replace("|", r"\|").replace("*", r"\*") for part in parts[::2]]
        found.append(re.sub(r"(?<=[√·*])``(?=\w)", r"\\ ``", "".join(parts)))  # a name right behind a sign
    return found


class Catalogue(SphinxDirective):
    """``catalogue``: the models of `sltcourse.theory.models` in a table, with λ and m."""

    def run(self) -> list[nodes.Node]:
        from sltcourse.theory.models import MODELS

        group = nodes.tgroup("", *[nodes.colspec(colwidth=width) for width in (3, 6, 1, 1, 1)], cols=5)
        group += nodes.thead("", _row([nodes.Text(word) for word in ("model", "loss or density", "d", "λ", "m")]))
        group += (body := nodes.tbody())
        for name, model in MODELS.items():
            numbers = [nodes.Text(str(number)) for number in (model.d, model.lam, model.m)]
            body += _row([nodes.Text(name), nodes.math("", model.latex), *numbers])
        return [nodes.table("", group)]


def _row(cells: list[nodes.Node]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells])


def _docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def _names(app: Sphinx, domain: str, what: str, content: nodes.Element) -> None:
    """Fields whose names are code become definitions: of a field's name Sphinx makes a capital, and says some twice."""
    for fields in list(content.findall(nodes.field_list)):
        if all(isinstance(field[0][0], nodes.literal) for field in fields):
            items = [
                nodes.definition_list_item("", nodes.term("", "", *name.children), nodes.definition("", *told.children))
                for name, told in fields
            ]
            fields.replace_self(nodes.definition_list("", *items, classes=["names"]))


def _skip(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out the fields of named tuples, which say "Alias for field number 0"; the class explains them."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def _bases(app: Sphinx, name: str, obj: type, options: object, bases: list[Any]) -> None:
    """Of the bases of a class only those of the course are named."""
    bases[:] = [b for b in bases if getattr(b, "__module__", "").startswith("sltcourse")] or [object]


def _signature(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Call numpy's ArrayLike by its name, and not by the seven types that it stands for."""
    spelled = stringify_annotation(ArrayLike, "smart")
    given = [part and part.replace(spelled, "~numpy.typing.ArrayLike") for part in (signature, returns)]
    return given[0], given[1]


def _settings(app: Sphinx, config: Any) -> None:
    config.autodoc_member_order = "bysource"
    config.autodoc_preserve_defaults = True
    config.autodoc_class_signature = "mixed"
    config.add_module_names = False
    config.python_maximum_signature_line_length = 88


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("catalogue", Catalogue)
    app.connect("config-inited", _settings)
    app.connect("autodoc-process-docstring", _docstring, priority=900)
    app.connect("object-description-transform", _names)
    app.connect("autodoc-process-bases", _bases)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
