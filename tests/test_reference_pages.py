"""The pages to look things up in, built by Sphinx without a warning: references, symbols, API; no link is broken."""

import html
import posixpath
import re
from pathlib import Path
from shutil import copytree

import nbformat
import pytest

pytest.importorskip("myst_parser", reason="the book's generator is not installed")
citations = pytest.importorskip("citations", reason="its bibliography is read with pybtex", exc_type=ImportError)
symbols = pytest.importorskip("symbols", exc_type=ImportError).symbols
restructured = pytest.importorskip("api", exc_type=ImportError).restructured

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "extensions": ["myst_parser", "citations", "symbols", "api"],
    "myst_enable_extensions": ["dollarmath", "amsmath", "deflist", "colon_fence"],
    "suppress_warnings": ["myst.header"],
    "html_theme": "basic",
    "html_static_path": ["_static"],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The three kinds of pages, and the prose of all lessons; the html of each page by name."""
    folder = tmp_path_factory.mktemp("pages")
    source = folder / "source"
    copytree(ROOT / "docs/api", source / "api")
    copytree(ROOT / "docs/_static", source / "_static")
    for name in ("references", "symbols"):
        (source / f"{name}.md").write_text((ROOT / f"docs/{name}.md").read_text())
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = nbformat.read(path, 4).cells
        (source / f"{path.stem}.md").write_text("\n\n".join(c.source for c in cells if c.cell_type == "markdown"))
    (source / "index.md").write_text("# Pages\n\n```{toctree}\n:glob:\n*\napi/index\n```\n")
    from sphinx.application import Sphinx

    warnings = folder / "warnings"
    with warnings.open("w") as said:
        app = Sphinx(source, None, folder / "html", folder / "trees", "html", SETTINGS, status=None, warning=said)
        app.build()
    pages = {p.relative_to(folder / "html").as_posix(): p.read_text() for p in (folder / "html").rglob("*.html")}
    return pages, re.sub(r"\x1b\[[\d;]*m", "", warnings.read_text())


def test_the_pages_are_built_without_a_warning(site):
    assert not site[1]


def test_no_link_inside_is_broken(site):
    pages, _ = site
    places = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    for name in ("references.html", "symbols.html", *(n for n in pages if re.match(r"api/|\d\d_", n))):
        for address in re.findall(r'<a [^>]*href="([^"]+)"', pages[name]):
            file, _, place = html.unescape(address).partition("#")
            if "://" in file or (file and not file.endswith(".html")):
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), file)) if file else name
            assert target in pages, f"{name}: {address}"
            assert not place or place in places[target], f"{name}: {address}"


def test_every_symbol_is_used_in_a_lesson_and_linked_both_ways(site):
    pages, _ = site
    rows = re.findall(r'<tr[^>]*id="(symbol-[\w-]+)".*?</tr>', pages["symbols.html"], re.S)
    assert rows == [symbol.key for symbol in symbols()]
    linked = 0
    for symbol in symbols():
        back = re.search(rf'href="((?:\d\d_\w+)\.html)#{symbol.key}"', pages["symbols.html"])
        assert back, f"{symbol.name} is used in no lesson"
        using = [text for name, text in pages.items() if re.match(r"\d\d_", name) and f'id="{symbol.key}"' in text]
        assert pages[back[1]] in using
        linked += sum(f'href="symbols.html#{symbol.key}"' in text for text in using)
    assert linked > 100


def test_every_reference_has_a_line_and_lessons_lead_to_it(site):
    pages, _ = site
    for work in citations.works().values():
        assert f'id="ref-{work.key}"' in pages["references.html"]
        for _, url in work.links:
            assert f'href="{url}"' in pages["references.html"]
    assert 'href="references.html#ref-lau2023"' in pages["07_llc_estimation.html"]
    assert "https://arxiv.org" not in pages["07_llc_estimation.html"]
    assert 'href="../references.html#ref-lau2023"' in pages["api/llc.html"]


def test_a_docstring_becomes_restructured_text():
    text = """Of |w| and w* with *stress*, in `code`, √``lr``, (*``dims``).

    K ≥ 0 :
        exp(*)

``first``: one;
``second``: two.

name, other : a field
    that goes on.
It ends.

>>> [1,
... 2]
[1*
 2*]"""
    expected = """Of \\|w\\| and w\\* with *stress*, in ``code``, √\\ ``lr``, (\\*\\ ``dims``).

.. code-block:: text

    K ≥ 0 :
        exp(*)

``first``: one;

``second``: two.

:``name``, ``other``: a field
    that goes on.

It ends.

>>> [1,
... 2]
[1*
 2*]"""
    assert "\n".join(restructured(text.splitlines())) == expected


def test_the_api_pages_show_signatures_fields_and_examples(site):
    pages, _ = site
    assert 'id="sltcourse.llc.estimate_llc"' in pages["api/llc.html"]
    assert 'id="sltcourse.theory.newton.learning_coefficient"' in pages["api/theory.html"]
    assert "ArrayLike" in pages["api/posteriors.html"] and "_NestedSequence" not in "".join(pages.values())
    table = pages["api/index.html"]  # every function that it names is a link
    assert 20 < table.count('<code class="xref py') == len(re.findall(r'<a [^>]*><code class="xref py', table))
    assert "doctest" in pages["api/theory.html"] and "rank-normalised split R-hat" in pages["api/llc.html"]
    names = re.findall(r"<dt>(?:<code[^>]*>.*?</code>(?:, )?)+</dt>", pages["api/models.html"])
    written = [re.sub(r"<[^>]*>", "", name) for name in names]
    assert {"name, latex", "point", "lam, m", "K"} <= set(written) and "field-list" not in pages["api/models.html"]
