"""The gallery: every live figure alone, with the sentence that says what it shows, and a small page of its own.

The small page holds all that the figure needs, so that an ``<iframe>`` shows it in anyone's blog or slides; it loads
nothing and tells nobody anything. The sentence is the first one of the docstring of the function that makes the figure.
"""

import ast
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sltcourse.kit.book import packed

_LESSONS = packed.KIT.parent / "lessons"
FOLDER = "embed"  # of the small pages, in the site
_INTRODUCTION = """\
# Gallery

Every live figure of the course, alone. The line under it puts it into a page or slides of your own: it comes in a small
page that holds all its numbers, asks nobody for anything and sets no cookie.
"""


def exhibited(key: str) -> bool:
    """Whether a figure ("<lesson>/<name>") is in the gallery: no guess, and of one shown again only the first."""
    name = key.rpartition("/")[2]
    return not name.startswith("guess-") and not re.search(r"-\d+$", name)


def sentence(key: str) -> str:
    """What a figure shows: how the docstring of its function begins, ``live_<name>`` in its lesson's folder.

    Raises ValueError if there is no such function or if it has no docstring.
    """
    lesson, _, name = key.partition("/")
    wanted = "live_" + re.sub(r"-\d+$", "", name).replace("-", "_")
    for file in sorted((_LESSONS / lesson[3:]).glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == wanted and (told := ast.get_docstring(node)):
                return " ".join(told.split("\n\n")[0].split()).replace("``", "")
    raise ValueError(f"{key}: no function {wanted} with a docstring in sltcourse/lessons/{lesson[3:]}")


def height(placeholder: str) -> int:
    """How high an ``<iframe>`` has to be to hold a figure, in pixels, where there is the figure's full width."""
    found = re.search(r'data-shape="([^"]*)"', placeholder)
    if found is None:
        raise ValueError("only a live figure has a page of its own")
    shape = json.loads(html.unescape(found[1]))
    return int(shape["height"] + 30 * shape["controls"] + 90 * bool(shape["guess"]) + 120)


def embed(key: str, script: str, title: str) -> str:
    """A figure's small page: ``script`` is what ``packed.packed`` gives, ``title`` its lesson's."""
    style, code = (packed.KIT / "live.css").read_text(encoding="utf-8"), packed.bundle()
    code += (packed.HERE / "book.js").read_text(encoding="utf-8")
    told, lesson, name = html.escape(sentence(key)), key.partition("/")[0], html.escape(key)
    return (
        '<!doctype html>\n<html lang="en" data-content_root="../../">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">\n'
        f"<title>{told}</title>\n<style>\n"
        "body { margin: 8px; background: #fff; color: #222; font: 14px/1.45 system-ui, sans-serif; }\n"
        "h1 { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }\n"
        f".slt-from {{ margin: .6em 0 0; font-size: 12px; }}\n.slt-from a {{ color: #00568a; }}\n"
        "@media (prefers-color-scheme: dark) {\n  body { background: #131416; color: #cfd0d0; }\n"
        f"  .slt-from a {{ color: #7ab8f5; }}\n}}\n{style}"
        "</style></head>\n"
        f'<body><main><h1>{told}</h1><div class="slt-figure" data-figure="{name}">'
        f'<noscript><img src="../../_live/{name}.png" alt="{told}" style="max-width: 100%"></noscript></div>'
        f'<p class="slt-from">From <a href="../../{html.escape(lesson)}.html" target="_blank" rel="noopener">'
        f"{html.escape(title)}</a></p></main>\n<script>\n{code}</script>\n<script>\n{script}</script>\n</body></html>\n"
    )


def snippet(key: str, placeholder: str) -> str:
    """The line that puts a figure into another page; ``book.js`` writes the site's address into it."""
    told = html.escape(sentence(key))
    return (
        f'<iframe src="{FOLDER}/{key}.html" title="{told}" width="100%" height="{height(placeholder)}" '
        'style="border: 0" loading="lazy"></iframe>'
    )


def page(figures: Iterable[tuple[str, str]], titles: Mapping[str, str]) -> str:
    """The gallery as MyST text, from figures' keys and placeholders, in order; ``titles`` of lessons by their stem."""
    parts, last = [_INTRODUCTION], ""
    for key, placeholder in figures:
        if not exhibited(key):
            continue
        lesson, _, name = key.partition("/")
        if lesson != last:
            parts.append(f"## [{titles[lesson]}]({lesson}.ipynb)\n")
            last = lesson
        line = html.escape(snippet(key, placeholder), quote=False)
        parts.append(
            f"### {name.replace('-', ' ').capitalize()}\n\n{_plain(sentence(key))}\n\n{placeholder}\n"
            f'<details class="slt-embed"><summary>Put this figure into a page of your own</summary>\n'
            f'<pre tabindex="0"><code>{line}</code></pre><button type="button">Copy</button></details>\n'
        )
    return "\n".join(parts)


def inserted(text: str, figures: Mapping[str, str]) -> str:
    """A page of prose with the figures that it names in a line ``<!-- figure: <key> -->``, and the way to all others.

    ``figures``: placeholders by key. A figure of a lesson that is not built is left out.
    """
    more = f"This is one of the {sum(map(exhibited, figures))} live figures of the [gallery](gallery.md)."

    def put(found: re.Match[str]) -> str:
        return f"{figures[found[1]]}\n\n{more}" if found[1] in figures else ""

    return re.sub(r"^<!-- figure: (\S+) -->$", put, text, flags=re.M)


def write(figures: Mapping[str, str], titles: Mapping[str, str], extra: Path, source: Path) -> None:
    """The gallery's page into ``source``/gallery.md, and the small pages into ``extra``/embed.

    ``figures``: placeholders by key, in the order of the lessons; their scripts are in ``extra``/_live.
    """
    for key in filter(exhibited, figures):
        file = extra / FOLDER / f"{key}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        script = (extra / "_live" / f"{key}.js").read_text(encoding="utf-8")
        file.write_text(embed(key, script, titles[key.partition("/")[0]]), encoding="utf-8")
    (source / "gallery.md").write_text(page(figures.items(), titles), encoding="utf-8")


def _plain(text: str) -> str:
    """A text in which Markdown sees no marks."""
    return re.sub(r"([\\`*_{}\[\]<>$#|~^])", r"\\\1", text)
