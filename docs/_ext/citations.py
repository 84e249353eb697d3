"""The bibliography of the course: read from `references.bib`, looked for in all texts, and shown as a page of the book.

As a Sphinx extension it gives the directive ``references``, the list of all works with the places that cite them, and
makes every arXiv number and DOI of the book a link to its line in that list.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from docutils import nodes
from pybtex.database import parse_file
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sltcourse.kit import authoring

ROOT = authoring.ROOT
ARXIV = re.compile(r"\b(?:arXiv:\s*)?((?:\d{4}\.\d{4,5}|math/\d{7}))(?!\d)")
DOI = re.compile(r"\b(10\.\d{4,}/[\w./-]+\w)")
NAME = r"(?:[A-Z]\. )*(?:van der |van |ter |Pepin )?[A-Z][\w-]+"
# "Lau et al. (2023", "Aoyagi and Watanabe 2005", "Chen et al., 2023", "Glynn & Whitt 1991, 1992": people and years
YEARS = r"(?:19|20)\d\d(?:(?:, | and )(?:19|20)\d\d)*\b"
NAMED = re.compile(rf"\b({NAME}(?:,? (?:and|&) {NAME}|, {NAME})*)(?: et al\.)?,? \(?({YEARS})")


@dataclass(frozen=True)
class Work:
    """One entry of `references.bib`. ``authors``: (initials, surname); ``more`` if the entry leaves some out."""

    key: str
    authors: tuple[tuple[str, str], ...]
    more: bool
    title: str
    year: str
    venue: str
    eprint: str
    doi: str

    @property
    def who(self) -> str:
        """The authors as the lists of sources name them: two at most."""
        names = [f"{initials} {last}".strip() for initials, last in self.authors]
        return f"{names[0]} et al." if self.more or len(names) > 2 else " and ".join(names)

    @property
    def surname(self) -> str:
        """The first author's, its last word."""
        return self.authors[0][1].split()[-1]

    @property
    def links(self) -> list[tuple[str, str]]:
        """(text, address) of the arXiv number and of the DOI."""
        arxiv = [(f"arXiv:{self.eprint}", f"https://arxiv.org/abs/{self.eprint}")] if self.eprint else []
        return arxiv + ([(f"doi:{self.doi}", f"https://doi.org/{self.doi}")] if self.doi else [])

    @property
    def cited(self) -> str:
        """The work as a list of sources in a lesson shows it, in Markdown."""
        inside = [x for x in (self.venue, self.year) if x] + [f"[{text}]({url})" for text, url in self.links]
        return f"{self.who}, *{self.title}* ({', '.join(inside)})"


@cache
def works(path: Path = ROOT / "docs/references.bib") -> dict[str, Work]:
    """All entries by key. Raises pybtex's error for what is no BibTeX, and for a key that is there twice."""
    found = {}
    for key, entry in parse_file(str(path), encoding="utf-8").entries.items():
        field = {name: value.replace("{", "").replace("}", "") for name, value in entry.fields.items()}
        people = [p for p in entry.persons["author"] if str(p) != "others"]
        authors = tuple(
            (" ".join(f"{n[0]}." for n in p.first_names), " ".join(p.prelast_names + p.last_names)) for p in people
        )
        venue = next((field[k] for k in ("shortjournal", "journal", "publisher", "howpublished") if k in field), "")
        venue = re.sub(r" (University )?Press$", "", venue)
        rest = (field.get("eprint", ""), field.get("doi", ""))
        more = len(people) < len(entry.persons["author"])
        found[key] = Work(key, authors, more, field["title"], field.get("year", ""), venue, *rest)
    return found


def _comments(source: str) -> str:
    """The comments and the strings of a Python file, docstrings among them; strings side by side are one."""
    parts, last = [], None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)):
            text = " ".join(token.string.strip("frb\"'#").split(" "))
            parts.append(text if last == token.type else "\n\n" + text)
            last = token.type
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            last = None
    return "".join(parts)


@cache
def texts() -> dict[str, str]:
    """What people read, by path from the repository's root: lessons with outputs, code's prose, pages, notes."""
    found = {}
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        cells = nbformat.read(path, 4).cells
        parts = [c.source for c in cells if c.cell_type == "markdown"]
        for cell in cells:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                parts += [output.get("text", "")] + [v for k, v in data.items() if k in ("text/plain", "text/html")]
        found[path.relative_to(ROOT).as_posix()] = "\n\n".join(parts)
    for path in sorted([*ROOT.glob("sltcourse/**/*.py"), *ROOT.glob("tests/**/*.py")]):
        if path.name != "test_references.py":
            found[path.relative_to(ROOT).as_posix()] = _comments(path.read_text(encoding="utf-8"))
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("assets/**/*.md")]):
        found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    return found


def named(text: str) -> Iterator[tuple[list[str], str]]:
    """(surnames, year) wherever ``text`` names people and a year, for each of the years; venues look the same."""
    for match in NAMED.finditer(" ".join(text.split())):
        people = re.split(r",? (?:and|&) |, ", match[1])
        yield from (([person.split()[-1] for person in people], year) for year in re.findall(r"\d{4}", match[2]))


@cache
def cited_by() -> dict[str, list[str]]:
    """For each key the paths of the texts that cite it, by number, DOI, title, or first author and year.

    Author and year count for all works that have them, unless the text says by a title or a number which it means.
    """
    found: dict[str, list[str]] = {key: [] for key in works()}
    for path, text in texts().items():
        numbers, plain = {*ARXIV.findall(text), *DOI.findall(text)}, " ".join(text.split()).lower()
        pairs = {(person, year) for people, year in named(text) for person in people}
        sure = {k for k, w in works().items() if {w.eprint, w.doi} & numbers or w.title.lower() in plain}
        settled = {(works()[key].surname, works()[key].year) for key in sure}
        for key, work in works().items():
            if key in sure or (work.surname, work.year) in pairs - settled:
                found[key].append(path)
    return found


# ---- in the book ----------------------------------------------------------------------------------------------------


class References(SphinxDirective):
    """``references``: every work, with a place to link to, and the lessons and modules that cite it."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(ROOT / "docs/references.bib"))
        listed = nodes.bullet_list(classes=["references"])
        for work in sorted(works().values(), key=lambda w: (w.authors[0][1].lower(), w.year, w.title)):
            line = nodes.paragraph("", f"{work.who} ({work.year}). " if work.year else f"{work.who}. ")
            line += [nodes.emphasis("", work.title), nodes.Text(f". {work.venue}." if work.venue else ".")]
            for text, url in work.links:
                line += [nodes.Text(" "), nodes.reference("", text, refuri=url, internal=False)]
            paths = [path for path in cited_by()[work.key] if not path.startswith("docs")]
            shown = [path for path in paths if not path.startswith("tests")] or paths
            for k, place in enumerate(places := [self._place(path) for path in shown]):
                line += [nodes.Text(", " if k else " Cited in "), place]
            line += nodes.Text("." if places else "")
            listed += nodes.list_item("", line, ids=[f"ref-{work.key}"])
        return [listed]

    def _place(self, path: str) -> nodes.Node:
        lesson = re.search(r"/((\d\d)_\w+)\.ipynb$", path)
        if lesson:
            return nodes.reference("", f"lesson {lesson[2]}", refuri="", internal=True, lesson=lesson[1])
        shown = re.sub(r"^sltcourse/|/__init__|\.py$", "", path).replace("/", ".")
        return nodes.literal("", shown)


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Every arXiv number and DOI leads to its line on the page of references, and from there to paper and lessons."""
    if app.builder.format != "html":
        return
    addresses = {d.split("/")[-1]: app.builder.get_relative_uri(docname, d) for d in app.env.found_docs}
    for link in list(doctree.findall(nodes.reference)):
        if "lesson" in link:
            if link["lesson"] in addresses:
                link["refuri"] = addresses[link["lesson"]]
            else:
                link.replace_self(link.children)
    if "references" not in addresses or docname.split("/")[-1] == "references":
        return
    to = addresses["references"]
    lines = {x: f"{to}#ref-{w.key}" for w in works().values() for x in (w.eprint, w.doi) if x}
    for link in list(doctree.findall(nodes.reference)):
        paper = re.match(r"https://(?:arxiv\.org/abs|doi\.org)/(.+)", link.get("refuri", ""))
        if paper and paper[1] in lines:
            link["refuri"], link["internal"] = lines[paper[1]], True
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, (nodes.paragraph, nodes.emphasis, nodes.inline)) and "arXiv:" in text:
            parts = re.split(r"(arXiv:(?:\d{4}\.\d{4,5}|math/\d{7}))", text.astext())
            known = [lines.get(part.removeprefix("arXiv:")) for part in parts]
            pieces = zip(parts, known, strict=True)
            linked = [nodes.reference("", p, refuri=u, internal=True) if u else nodes.Text(p) for p, u in pieces]
            text.parent.replace(text, linked)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("references", References)
    app.connect("doctree-resolved", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
