"""A stored notebook as a page of the book: what Sphinx cannot know about a lesson.

Live figures and guesses become placeholders, pictures become lazy ones with their size and alternative text, answers
and deeper cells are folded, and the checks, which need Python, say how to run them.
"""

import base64
import html
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from sltcourse.kit import authoring
from sltcourse.kit.book.remake import Made, code_of, is_figure

DOWNLOADS = "notebooks"  # where the notebooks are on the site
PICTURES = "_pictures"
MARGIN = 16  # of white that a trimmed picture keeps at its sides, in the reader's pixels
LAB_ONLY = re.compile(  # JupyterLab folds behind three dots, and leaves no room below what is folded
    r"(?: \(answers are folded|): click the dots\)?|^&nbsp;\n\n", re.M
)
UNBROKEN = "\xa0±\xa0"  # a number and its error stay on one line
_PROMPTS = {  # by a cell's tag: the tag by which myst-nb folds, and what it says
    "answer": ("hide-output", "Show the answer", "Hide the answer"),
    "deeper": ("hide-cell", "Deeper: show the code and what it gives", "Hide it"),
}


def ways(name: str) -> str:
    """How to run a lesson, in html: Colab if it can be had there, and the notebook itself."""
    here = f'<a href="{DOWNLOADS}/{name}" download>download the notebook</a>'
    address = authoring.colab(name)
    return f'<a href="{address}">open it in Colab</a> or {here}' if address else here


def title(path: Path) -> str:
    """A lesson's name: the heading of its notebook, up to a colon."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ").partition(":")[0]


def blank(path: Path) -> NotebookNode:
    """The notebook at ``path`` for download, to be run: without outputs, which are nine tenths of it."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    for cell in code_of(notebook):
        cell.outputs, cell.execution_count = [], None
    return notebook


def page(path: Path, made: Sequence[Made], folder: Path) -> NotebookNode:
    """The notebook at ``path`` as Sphinx gets it; its pictures are written to ``folder``/PICTURES.

    Raises ValueError if a figure's cell is not there.
    """
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    needs = 'On your machine it needs the course: <code>pip install "sltcourse[lab]"</code>.'
    run = f'<p class="slt-run">To run this lesson yourself, {ways(path.name)}. {needs}</p>'
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and authoring.BADGE_MARK in cell.source:
            cell.source = re.sub(rf"^.*{authoring.BADGE_MARK}.*$", lambda _: run, cell.source, flags=re.M)
        if cell.cell_type == "markdown":
            cell.source = LAB_ONLY.sub("", re.sub(r"(?<=\d) ± (?=\d)", UNBROKEN, cell.source))
    pictures = folder / PICTURES / path.stem
    pictures.mkdir(parents=True, exist_ok=True)
    for k, cell in enumerate(code_of(notebook)):
        figures = [m.html for m in made if m.cell == k]
        if len(figures) != sum(map(is_figure, cell.outputs)):
            raise ValueError(f"{path.name}: code cell {k + 1} has figures that were not made")
        outputs = []
        for i, output in enumerate(cell.outputs):
            data = output.get("data", {})
            if is_figure(output):
                outputs.append(_html(figures.pop(0)))
            elif "image/png" in data:
                file = pictures / f"{k}-{i}.png"
                png, shown = trimmed(base64.b64decode(data["image/png"]), output.metadata["image/png"])
                file.write_bytes(png)
                outputs.append(_html(picture(file.relative_to(folder).as_posix(), **shown)))
            elif "text/html" in data:
                whole = data["text/html"].replace(" ± ", UNBROKEN)
                outputs.append(_html(f'<div class="slt-table">{whole}</div>'))
            else:
                outputs.append(output)
        _folded(cell, outputs, path.name)
    return notebook


def trimmed(png: bytes, shown: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """A picture without most of its white sides, if they are a third of it: on a telephone it is then seen as a whole.

    ``shown`` holds its width and height on the page, and its words; the same is returned, with the new width.
    """
    from PIL import Image, ImageOps

    whole = Image.open(io.BytesIO(png)).convert("RGB")
    inside = ImageOps.invert(whole.convert("L")).getbbox()
    scale = whole.width / shown["width"]
    if inside is None or inside[2] - inside[0] > whole.width * 2 / 3:
        return png, shown
    left, right = max(0, inside[0] - scale * MARGIN), min(whole.width, inside[2] + scale * MARGIN)
    part, file = whole.crop((round(left), 0, round(right), whole.height)), io.BytesIO()
    part.quantize(dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue(), {**shown, "width": round(part.width / scale)}


def picture(src: str, width: int, height: int, alt: str) -> str:
    """A picture that is loaded when it comes near the screen."""
    size = f'width="{width}" height="{height}" style="--width: {width}px" loading="lazy" decoding="async"'
    image = f'<img src="{html.escape(src)}" {size} alt="{html.escape(alt)}">'
    return f'<div class="slt-drawing">{image}</div>'


def _html(text: str) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": text})


def _folded(cell: NotebookNode, outputs: list[NotebookNode], name: str) -> None:
    """Give a code cell its outputs, and the tags by which myst-nb hides and folds."""
    tags = set(cell.metadata.get("tags", []))
    if "exercise" in tags:
        outputs = [_html(f'<p class="slt-run">The check of this exercise runs in Python: {ways(name)}.</p>')]
    hidden = ["remove-cell"] if "setup" in tags else []
    if re.fullmatch(r"guess\.\w+|live_\w+\([^()]*\)", cell.source.strip()):
        hidden = ["remove-input"]
    kept: dict[str, object] = {"tags": hidden}
    for tag, (fold, show, hide) in _PROMPTS.items():
        if tag in tags:
            hidden.append(fold)
            kept["mystnb"] = {"code_prompt_show": show, "code_prompt_hide": hide}
    cell.metadata = nbformat.from_dict(kept)
    cell.outputs = outputs
