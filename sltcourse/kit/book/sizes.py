"""What a page of the book weighs: at once, and with all its figures and pictures."""

from html.parser import HTMLParser
from pathlib import Path

FONTS = "_static/katex/fonts"


class _Links(HTMLParser):
    """The files that a page names: those loaded at once, and those loaded when they come near the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.once: set[str] = set()
        self.later: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for every tag."""
        given = {name: value or "" for name, value in attrs}
        source = given.get("src", "")
        if tag == "link" and given.get("rel") == "stylesheet":
            source = given["href"]
        if "data-figure" in given:
            self.later.add(f"_live/{given['data-figure']}.js")
        elif source and tag != "iframe" and not source.startswith("data:"):
            (self.later if given.get("loading") == "lazy" else self.once).add(source.partition("?")[0])


def weights(site: Path) -> dict[str, tuple[int, int]]:
    """Of each page in bytes: (what it loads at once, the same with all that it can show).

    Counted at once are the page, its scripts and styles, and the two families of fonts that a formula needs.
    """
    families = [f for f in (site / FONTS).glob("*.woff2") if f.name.split("-")[0] in ("KaTeX_Main", "KaTeX_Math")]
    fonts = sum(f.stat().st_size for f in families)

    def size(names: set[str], folder: Path) -> int:
        files = {(folder / name).resolve() for name in names}
        return sum(file.stat().st_size for file in files if file.is_file())

    found = {}
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        links = _Links()
        links.feed(text)
        once = page.stat().st_size + size(links.once, page.parent) + (fonts if 'class="math' in text else 0)
        found[page.relative_to(site).as_posix()] = once, once + size(links.later - links.once, page.parent)
    return found


def whole(site: Path) -> int:
    """The bytes of all files of the site."""
    return sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
