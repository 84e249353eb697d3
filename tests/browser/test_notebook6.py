"""The figures of every one-file lesson, alone in a folder, in Notebook 6 with ipywidgets 7.7: Colab's generation."""

import os
from pathlib import Path

import nbformat
import pytest

from sltcourse.kit.book.remake import code_of, is_figure
from sltcourse.kit.book.slices import needed
from tests.browser import figures, lab
from tests.notebooks.lessons import NAMES, ROOT

PYTHON = Path(os.environ.get("COLAB_VENV", ROOT / ".venv-colab"), "bin", "python").absolute()
if not PYTHON.exists():
    pytest.skip("needs the environment with Colab's versions: make test-browser", allow_module_level=True)
OUTPUTS = """() => Jupyter.notebook.get_cells().filter(c => c.cell_type === 'code').flatMap(c =>
    c.output_area.outputs.map(o => o.data || {}))"""


def for_figures(notebook):
    """The lesson without code that no live figure and no guess needs: `make test-colab` runs the whole of the same file
    at the same versions."""
    cells = code_of(notebook)
    shown = [k for k, cell in enumerate(cells) if any(map(is_figure, cell.outputs))]
    first = [k for k, cell in enumerate(cells) if "setup" in cell.metadata.get("tags", [])]
    kept = {cells[k].id for k in [*first, *needed([cell.source for cell in cells], shown)]}
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type != "code" or cell.id in kept]
    return notebook


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    alone = tmp_path_factory.mktemp("one-file")
    for name in NAMES:
        notebook = nbformat.read(ROOT / "build" / "colab" / f"{name}.ipynb", as_version=4)
        nbformat.write(for_figures(notebook), alone / f"{name}.ipynb")
    with lab.server(alone, "notebook", PYTHON) as address:
        yield address


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NAMES)
def test_a_one_file_lesson_and_its_live_figures(page, address, name):
    lab.run_all(page, address(f"{name}.ipynb"), "notebook")
    sliders = lab.sliders(page)
    figures.stand(page, page.evaluate(OUTPUTS))
    figures.follow(page, sliders)
    folded = page.locator("summary").first
    assert folded.evaluate("s => getComputedStyle(s).display") == "list-item", "a folded hint shows no triangle"
    page.evaluate("() => Jupyter.notebook.session.delete()")
