"""The figures and guesses of a notebook, made anew: stored notebooks hold their pictures, but not their tables.

``figures`` runs the smallest part of a notebook that shows them all (``slices.needed``), and writes for each a script
with its tables and a still picture. What was made stays in its folder as long as the cells, the files of the package
that they loaded, and the lesson's assets are the same.
"""

import ast
import contextlib
import hashlib
import io
import json
import os
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from sltcourse.kit import authoring
from sltcourse.kit.book import packed, slices
from sltcourse.kit.guess import Guess
from sltcourse.kit.live import LiveFigure

_MARKS = ("[Live figure", "[Guess]")
MADE = "made.json"


@dataclass(frozen=True)
class Made:
    """A figure of the book: its address ("05_generalization/settle"), the code cell that shows it, and its html."""

    key: str
    cell: int
    html: str


def is_figure(output: NotebookNode) -> bool:
    """Whether a stored output is a live figure's or a guess's."""
    return output.get("data", {}).get("text/plain", "").startswith(_MARKS)


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def name_of(source: str) -> str:
    """The name of what a cell shows, from what it calls: ``live_settle(…)`` is "settle", ``guess.far`` "guess-far".

    Raises ValueError if the cell shows something else.
    """
    for node in reversed([*ast.walk(ast.parse(source))]):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "guess":
            return "guess-" + node.attr.replace("_", "-")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("live_"):
            return node.func.id.removeprefix("live_").replace("_", "-")
    raise ValueError(f"a cell that shows a figure ends in live_<name>(…) or guess.<name>, not in: {source[-80:]}")


def names(sources: dict[int, str]) -> dict[int, str]:
    """Each cell's name, unique in its lesson: the second cell that shows the same is "<name>-2"."""
    found: dict[int, str] = {}
    for cell, source in sources.items():
        name = name_of(source)
        again = sum(re.sub(r"-\d+$", "", other) == name for other in found.values())
        found[cell] = f"{name}-{again + 1}" if again else name
    return found


def figures(path: Path, folder: Path) -> tuple[list[Made], float]:
    """The figures of the notebook at ``path``, their files in ``folder``/<lesson>; and the seconds of CPU that took.

    ``<name>.js`` holds a figure's tables, ``<name>.png`` its still picture. Raises RuntimeError, with the notebook's
    cell, if one fails, or shows another number of figures than its stored output.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    started = time.process_time()
    cells = code_of(nbformat.read(path, as_version=4))
    plain = TransformerManager().transform_cell
    sources = [plain(cell.source) for cell in cells]
    stored = {k: [o for o in cell.outputs if is_figure(o)] for k, cell in enumerate(cells)}
    wanted = [k for k, outputs in stored.items() if outputs]
    setup = [k for k, cell in enumerate(cells) if "setup" in cell.metadata.get("tags", [])]
    run = sorted({*setup, *slices.needed(sources, wanted)})
    target = folder / path.stem
    recipe = _hash("\0".join(sources[k] for k in run).encode())
    if (kept := _kept(target, recipe)) is not None:
        return kept, time.process_time() - started
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    made: list[Made] = []
    called = names({k: sources[k] for k in wanted})
    for k, shown in _shown(path, cells, run):
        if len(shown) != len(stored[k]):
            raise RuntimeError(
                f"{path.name}: code cell {k + 1} shows {len(shown)} figures, {len(stored[k])} are stored"
            )
        for i, figure in enumerate(shown):
            key = f"{path.stem}/{called[k]}{f'-{chr(97 + i)}' if i else ''}"
            told, wanted_text = repr(figure), stored[k][i]["data"]["text/plain"]
            if told != wanted_text:  # numbers may differ between machines, as in the notebooks' own tests
                print(f"{key} differs from what is stored: {told!r}, not {wanted_text!r}", flush=True)
            still = ""
            if isinstance(figure, LiveFigure):
                still = f"_live/{key}.png"
                (folder / f"{key}.png").write_bytes(figure.pictures()[0])
            (folder / f"{key}.js").write_text(packed.packed(key, figure), encoding="utf-8")
            made.append(Made(key, k, packed.placeholder(key, figure, still)))
    files = {f.relative_to(authoring.ROOT).as_posix(): _hash(f.read_bytes()) for f in _files(path)}
    record = {"recipe": recipe, "files": files, "made": [asdict(m) for m in made]}
    (target / MADE).write_text(json.dumps(record), encoding="utf-8")
    return made, time.process_time() - started


def _shown(path: Path, cells: list[NotebookNode], run: list[int]) -> list[tuple[int, list[LiveFigure | Guess]]]:
    """What each cell shows when the cells ``run`` are run in order."""
    from IPython.core.interactiveshell import InteractiveShell

    os.environ |= {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "SLTCOURSE_PASSED": ""}
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance()
    caught: list[LiveFigure | Guess] = []
    for kind in (LiveFigure, Guess):
        shell.display_formatter.ipython_display_formatter.for_type(kind, caught.append)
    found = []
    with contextlib.chdir(path.parent):
        for k in run:
            caught.clear()
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                result = shell.run_cell(cells[k].source, store_history=False)
            if not result.success:
                error = result.error_in_exec or result.error_before_exec
                raise RuntimeError(f"{path.name}: code cell {k + 1} failed when its figures were made: {error!r}")
            found.append((k, [*caught]))
    return found


def _files(path: Path) -> list[Path]:
    """What a lesson's figures are made of: the course's files that are imported, its own assets, and no more of the
    book than what makes figures."""
    loaded = [getattr(m, "__file__", None) for name, m in sys.modules.items() if name.split(".")[0] == "sltcourse"]
    own = [f for f in map(Path, filter(None, loaded)) if f.parent.name != "book" or f.stem in ("packed", "remake")]
    return [*own, *authoring.assets_of(path)]


def _kept(target: Path, recipe: str) -> list[Made] | None:
    """What an earlier build made of the same cells, with the same files; None if there is no such."""
    try:
        record = json.loads((target / MADE).read_text(encoding="utf-8"))
        files = record["files"].items()
        same = record["recipe"] == recipe and all(_hash((authoring.ROOT / f).read_bytes()) == h for f, h in files)
        return [Made(**m) for m in record["made"]] if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
