"""The lessons as the tests see them: cells by tag, exercises with their solutions."""

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [p.stem for p in PATHS]


def read(path):
    return nbformat.read(path, as_version=4)


def prose(name):
    """All that a lesson says in words, without its code and its outputs."""
    return "\n".join(c.source for c in read(ROOT / "notebooks" / f"{name}.ipynb").cells if c.cell_type == "markdown")


def tagged(notebook, tag):
    return [i for i, c in enumerate(notebook.cells) if tag in c.metadata.get("tags", [])]


def solution(cell):
    """The code of the folded solution in a markdown cell; None if there is none."""
    found = re.search(r"<summary>\s*Solution\s*</summary>.*?```python\n(.*?)```", cell.source, re.S)
    return found and found.group(1)


def asked(cell):
    """The exercise that a cell checks, by ``check.name(...)`` or ``f = use(check.name, f)``; None if there is none."""
    found = re.search(r"^(?:check\.(\w+)\(|\w+ = use\(check\.(\w+), )", cell.source, re.M)
    return found and (found.group(1) or found.group(2))
