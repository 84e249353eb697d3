"""What the book adds to Sphinx: formulas for KaTeX, and the table of contents from the files that are there."""

import os
import re
from pathlib import Path
from typing import Any

from sltcourse.kit import authoring

# caption, patterns of the pages under it, in order
CONTENTS = (
    ("Lessons", ("[0-9][0-9]_*.ipynb",)),
    ("Play, teach, use", ("gallery.md", "teachers.md", "researchers.md", "maintainers.md")),
    ("Look up", ("symbols.md", "references.md", "bibliography.md", "api/index.*")),
)


def inline(writer: Any, node: Any) -> None:
    """A formula in a line: its TeX, which KaTeX sets when the page is read."""
    from docutils.nodes import SkipNode

    writer.body.append(writer.starttag(node, "span", "", CLASS="math") + writer.encode(node.astext()) + "</span>")
    raise SkipNode


def block(writer: Any, node: Any) -> None:
    """A formula on its own."""
    from docutils.nodes import SkipNode

    writer.body.append(writer.starttag(node, "div", "", CLASS="math") + writer.encode(node.astext()) + "</div>\n")
    raise SkipNode


def short(stem: str) -> str:
    """A lesson's name where room is scarce: "03 Volume scaling"."""
    number, name = stem[:2], stem[3:].replace("_", " ").replace("llc", "LLC")
    return f"{number} {name[0].upper()}{name[1:]}"


def contents(source: Path) -> str:
    """The table of contents as MyST directives."""
    blocks = []
    for caption, patterns in CONTENTS:
        found = [p.relative_to(source).with_suffix("") for t in patterns for p in sorted(source.glob(t))]
        pages = [f"{short(p.name)} <{p.as_posix()}>" if p.name[:2].isdigit() else p.as_posix() for p in found]
        if pages:
            blocks.append("\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]))
    return "\n".join(["", *blocks])


def on_the_site(text: str, source: Path) -> str:
    """A page's text with its ways into the repository as ways on the site, where the lessons stand beside the pages."""
    text = re.sub(r"\]\((?:\.\./)?notebooks/", "](", text)
    return text.replace("{include} ../", f"{{include}} {os.path.relpath(authoring.ROOT, source)}/")


def _included(app: Any, path: Path, _name: str, text: list[str]) -> None:
    if path.name == "README.md":  # its last column says how to get to Colab, as each lesson does
        text[0] = re.sub(r"^(\|.*\|)[^|\n]*\|$", r"\1", text[0], flags=re.M)
    text[0] = on_the_site(text[0], Path(app.srcdir))


def _read(app: Any, name: str, text: list[str]) -> None:
    if name.isidentifier():  # a page of prose; lessons begin with their number
        text[0] = on_the_site(text[0], Path(app.srcdir))
    if name == app.config.root_doc:
        text[0] += contents(Path(app.srcdir))


def signatures(body: str) -> str:
    """A page's html, in which a signature of several lines is no list of definitions without terms."""

    def plain(found: re.Match[str]) -> str:
        inside = found[2].replace("<dd>", '<div class="sig-line">').replace("</dd>", "</div>")
        return f'{found[1]}<div class="sig-lines">{inside}</div>'

    return re.sub(r'(<span class="sig-paren">[(\[]</span>\s*)<dl>(.*?)</dl>', plain, body, flags=re.S)


def corners(body: str) -> str:
    """A page's html, in which a table's empty corner is no heading."""
    return re.sub(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td\1></td>", body)


def folds(body: str) -> str:
    """A page's html, in which a folded cell is called what it shows, "Show the answer", and not "Toggle …"."""
    return body.replace('<summary aria-label="Toggle hidden content">', "<summary>")


def _page(_app: Any, _name: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    if "body" in context:
        context["body"] = folds(corners(signatures(context["body"])))


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("katex", inline_renderers=(inline, None), block_renderers=(block, None))
    app.connect("source-read", _read)
    app.connect("html-page-context", _page)
    app.connect("include-read", _included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
