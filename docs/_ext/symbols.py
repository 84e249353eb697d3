"""The index of symbols: the table of letters of lesson 00, linked with the first use of each letter in each lesson.

The table itself stands in the notebook only. As a Sphinx extension this gives the directive ``symbols``, which shows it
with a last column, where each letter is first used; and in every lesson the first use of a letter, as a formula, in the
text, or as its name in bold, becomes a link to its row.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from sltcourse.kit import authoring

NOTEBOOK = authoring.ROOT / "notebooks/00_two_mysteries.ipynb"
LESSON = re.compile(r"(?:^|/)(\d\d)_\w+$")
_SUBSCRIPT = dict(zip("0123456789nijk", "₀₁₂₃₄₅₆₇₈₉ₙᵢⱼₖ", strict=True))
_TEX = {
    r"\\(?:mathrm|mathbf|operatorname)\{(\w+)\}": r"\1",
    r"\\hat\{?(\\?\w+)\}?": "\\1\u0302",
    r"\\(?:lvert|rvert|mid|vert)\b|\|": "∣",
    r"_\{?([0-9nijk])\}?(?!\w)": lambda m: _SUBSCRIPT[m[1]],
    r"\^\{?(?:\*|\\ast)\}?": "*",
}
_GREEK = {"varepsilon": "ε", "epsilon": "ε", "lambda": "λ", "varphi": "φ", "beta": "β", "gamma": "γ", "nu": "ν"}
_HAT = {"w\u0302": "ŵ"}


# lessons in which a letter means something else, by the row's name; the table itself says so of m and of γ
ELSEWHERE = {"02": {"exponents at normal crossings"}, "11": {"multiplicity", "entropy of the truth", "volume", "prior"}}
ALONE = ("φ", "Lₙ")  # written without (w), too


@dataclass(frozen=True)
class Symbol:
    """A row of the table: its ``letters``, its ``name``, and the lessons in which the letters mean this."""

    letters: tuple[str, ...]
    name: str
    only: str
    never: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name as an address."""
        return "symbol-" + re.sub(r"\W+", "-", self.name.lower()).strip("-")

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds one of the letters in text that ``plain`` gave; ``L(w`` stands for ``L(w₀)`` as well."""
        several = []
        for letter in sorted(self.letters, key=len, reverse=True):
            name, bracket, inside = letter.rstrip(")").partition("(")
            after = rf"\({re.escape(inside)}[^()\s]*\)?" if bracket else r"(?![\w\u0302ₙᵢ₀₁₂*(.-]| log)"
            several.append(rf"(?<![\w*\u0302.\\({{^{'(' if letter.isascii() else ''}]){re.escape(name)}{after}")
            if name in ALONE:
                several.append(rf"(?<![\w(]){re.escape(name)}(?![\w\u0302(*])")
        return re.compile("|".join(several))

    def means_this(self, lesson: str) -> bool:
        """Whether the letters have this meaning in a lesson, "08"."""
        return self.only in ("", lesson) and lesson not in self.never and self.name not in ELSEWHERE.get(lesson, ())


def plain(tex: str) -> str:
    """A formula as the course writes it in running text: ``\\hat\\lambda`` is ``λ̂``, ``L_n(w)`` is ``Lₙ(w)``."""
    for pattern, instead in _TEX.items():
        tex = re.sub(pattern, instead, tex)
    tex = re.sub(r"\\(\w+)(?![a-zA-Z])", lambda m: _GREEK.get(m[1], m[0]), tex)
    for hat, letter in _HAT.items():
        tex = tex.replace(hat, letter)
    return tex


def table() -> list[str]:
    """The lines of the table of letters, in Markdown. Raises ValueError if lesson 00 has none."""
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        lines = cell.source.splitlines()
        if cell.cell_type == "markdown" and "| letter | name | meaning |" in lines:
            start = lines.index("| letter | name | meaning |")
            return [line for line in lines[start:] if line.startswith("|")]
    raise ValueError(f"{NOTEBOOK.name} has no table with the head | letter | name | meaning |")


@cache
def symbols() -> tuple[Symbol, ...]:
    """The rows of the table of letters."""
    found = []
    for line in table()[2:]:
        row, name, meaning = (part.strip() for part in line.strip("|").split(" | "))
        only = re.search(r"of lesson (\d\d)", meaning)
        also = re.search(r"\(in lessons (\d\d) and (\d\d) also ", meaning)
        letters = tuple(re.split(r", | ∈ ", row))
        found.append(Symbol(letters, name, only[1] if only else "", also.groups() if also else ()))
    return tuple(found)


def _uses(doctree: nodes.document) -> Iterator[tuple[nodes.Node, str]]:
    """The places where a letter can be linked: (node, its text), in order; no headings, tables, code or links."""
    outside = (nodes.title, nodes.table, nodes.literal, nodes.literal_block, nodes.reference, nodes.raw, nodes.comment)
    for node in doctree.findall(lambda n: isinstance(n, (nodes.Text, nodes.math, nodes.math_block))):
        above, inside = node.parent, False
        while above is not None:
            inside = inside or isinstance(above, (*outside, nodes.math, nodes.math_block))
            above = above.parent
        if not inside:
            yield node, plain(node.astext()) if not isinstance(node, nodes.Text) else node.astext()


def _linked(node: nodes.Node, symbol: Symbol, text: str) -> bool:
    """Make a link of the symbol where it stands in ``node``; False where it does not stand."""
    link = nodes.reference("", "", internal=True, refuri="", ids=[symbol.key], classes=["symbol"], symbol=symbol.key)
    link["reftitle"] = symbol.name
    if isinstance(node, nodes.Text):
        bold = isinstance(node.parent, nodes.strong) and symbol.name.split(" (")[0].lower() == text.lower()
        found = symbol.pattern.search(text)
        if not bold and not found:
            return False
        start, end = (0, len(text)) if bold or not found else found.span()
        link += nodes.Text(text[start:end])
        around = [
            nodes.Text(part) if isinstance(part, str) and part else part for part in (text[:start], link, text[end:])
        ]
        node.parent.replace(node, [part for part in around if part])
        return True
    if not (symbol.pattern.search if isinstance(node, nodes.math_block) else symbol.pattern.match)(text):
        return False
    if isinstance(node, nodes.math):  # a formula that begins with the letter
        place = node.parent.index(node)
        node.parent.insert(place, link)
        node.parent.remove(node)
        link += node
    else:  # a formula on its own: the place to link back to, and no link in it
        node.parent.insert(node.parent.index(node), nodes.target("", "", ids=[symbol.key]))
    return True


def _read(app: Sphinx, doctree: nodes.document) -> None:
    """Link the first use of each symbol in a lesson, and note where that is."""
    docname = app.env.docname
    lesson = LESSON.search(docname)
    if not lesson:
        return
    found: dict[str, str] = {}
    for symbol in sorted(symbols(), key=lambda s: -len(s.letters[0])):  # K(w) before w
        if not symbol.means_this(lesson[1]):
            continue
        for node, text in list(_uses(doctree)):
            above = node.parent
            if _linked(node, symbol, text):
                while not isinstance(above, (nodes.section, nodes.document)):
                    above = above.parent
                title = above.next_node(nodes.title)
                found[symbol.key] = re.sub(r" \(★.*", "", title.astext()) if title else ""
                break
    _places(app.env)[docname] = found


def _places(env: BuildEnvironment) -> dict[str, dict[str, str]]:
    """By page, and by a symbol's key: the section of its first use there."""
    if not hasattr(env, "symbol_places"):
        env.symbol_places = {}  # type: ignore[attr-defined]
    return env.symbol_places  # type: ignore[attr-defined, no-any-return]


def _purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _places(env).pop(docname, None)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    _places(env).update(_places(other))


class Symbols(SphinxDirective):
    """``symbols``: the table of letters, with a column for the first use of each."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(NOTEBOOK))
        head, rule, *rows = table()
        lines = [f"{head} first used |", f"{rule}---|"]
        lines += [f"{row} @{symbol.key}@ |" for row, symbol in zip(rows, symbols(), strict=True)]
        shown = self.parse_text_to_nodes("\n".join(lines))
        for symbol, row in zip(symbols(), [r for t in shown for r in t.findall(nodes.row)][1:], strict=True):
            row["ids"].append(symbol.key)
        return shown


def _always_anew(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The index is written again whenever a lesson was read: the first uses may have moved."""
    return [name for name in env.found_docs if name.split("/")[-1] == "symbols"]


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the links their addresses, from the lessons to the index and back."""
    index = next((d for d in app.env.found_docs if d.split("/")[-1] == "symbols"), None)
    if index is None or app.builder.format != "html":
        return
    for link in doctree.findall(nodes.reference):
        if "symbol" in link:
            link["refuri"] = f"{app.builder.get_relative_uri(docname, index)}#{link['symbol']}"
    if docname != index:
        return
    for text in list(doctree.findall(nodes.Text)):
        mark = re.fullmatch(r"@(symbol-[\w-]+)@", text.astext())
        if mark:
            pages = [page for page, keys in sorted(_places(app.env).items()) if mark[1] in keys]
            text.parent.replace(text, _first(app, docname, pages, mark[1]))


def _first(app: Sphinx, docname: str, pages: list[str], key: str) -> list[nodes.Node]:
    if not pages:
        return [nodes.Text("")]
    lesson, section = LESSON.search(pages[0]), _places(app.env)[pages[0]][key]
    uri = f"{app.builder.get_relative_uri(docname, pages[0])}#{key}"
    return [nodes.reference("", f"{lesson[1] if lesson else ''}, {section}", refuri=uri, internal=True)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("symbols", Symbols)
    app.connect("doctree-read", _read)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _always_anew)
    app.connect("doctree-resolved", _resolve)
    app.add_css_file("lookup.css")
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
