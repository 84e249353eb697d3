"""What the README shows a newcomer: the picture, the commands, the lessons, the extras, the names to look for."""

import importlib
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from sltcourse.__main__ import head
from sltcourse.kit import assets, authoring

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def rows(text, first):
    """The rows of the table whose first heading is ``first``, as lists of cells."""
    (table,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]


def test_it_is_short_and_its_first_screen_says_what_where_and_how():
    lines = README.splitlines()
    assert len(lines) <= 120
    first = "\n".join(lines[:30])
    assert (
        first.index("learning coefficient") < first.index("![") < first.index("<!-- book -->") < first.index("make lab")
    )
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"^make ([\w-]+)", README, re.M)) == {"lab", "test"} <= set(targets)
    assert "python -m sltcourse notebooks" in first and 'pip install "sltcourse[lab]"' in first


def test_the_picture_moves_is_small_and_is_described():
    ((alt, address),) = re.findall(r"!\[([^]]*)\]\(([^)]*)\)", README)
    file = assets.path(address.removeprefix("assets/"))
    assert len(alt) > 60 and file.stat().st_size < 1_000_000
    with Image.open(file) as picture:
        assert picture.n_frames > 20 and picture.info["loop"] == 0
        pictures = {hash(picture.convert("L").tobytes()) for k in range(picture.n_frames) if picture.seek(k) is None}
    assert len(pictures) == picture.n_frames


def test_every_lesson_is_listed_with_the_minutes_that_it_states():
    shown = {}
    for lesson, idea, minutes, where in rows(README, "lesson"):
        number, title, name = re.fullmatch(r"\[(\d\d) (.+)\]\(notebooks/(\w+\.ipynb)\)", lesson).groups()
        assert name[:2] == number and title and idea and where
        shown[name] = minutes
    assert shown == {path.name: head(path)[1] for path in LESSONS}
    for path in LESSONS:
        box = nbformat.read(path, as_version=4).cells[1].source
        assert re.match(rf"\*\*Time\*\* ~?{shown[path.name]} min", box)


def test_every_extra_is_named_and_explained():
    extras = {name.strip("`"): what for name, what in rows(README, "extra")}
    assert set(PROJECT["optional-dependencies"]) <= set(extras) and all(extras.values())


@pytest.mark.parametrize(
    "name", ["rlct", "real log canonical threshold", "learning coefficient", "multiplicity", "LLC"]
)
def test_the_fields_names_lead_to_functions(name):
    found = [where for what, where in rows(README, "you look for") if name in what]
    assert found, f"nobody who knows {name!r} finds it"
    for path in re.findall(r"`(sltcourse[\w.]+)`", " ".join(found)):
        owner, _, attribute = path.rpartition(".")
        assert hasattr(importlib.import_module(owner), attribute) or importlib.import_module(path)


def test_every_link_within_the_repository_leads_somewhere():
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for document in documents:
        for address in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", document.read_text(encoding="utf-8")):
            path, _, anchor = address.partition("#")
            target = document.parent / path if path else document
            assert target.exists(), f"{document.name}: {address}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
                assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, address


def test_the_project_is_classified_as_it_is():
    pythons = {c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)}
    assert f"3.{min(int(p[2:]) for p in pythons)}" == PROJECT["requires-python"].removeprefix(">=")
    assert {"rlct", "learning coefficient"} <= set(PROJECT["keywords"])


def test_the_address_is_one():
    address = PROJECT.get("urls", {}).get("Repository")
    urls = {k: v for k, v in PROJECT.get("urls", {}).items() if k != "Repository"}
    assert urls == ({"Documentation": authoring.book_address(), "Issues": f"{address}/issues"} if address else {})
