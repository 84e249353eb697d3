"""Every one-file lesson, alone in a folder, in Notebook 6 with ipywidgets 7.7: the widgets' generation on Colab."""

import os
import shutil
from pathlib import Path

import pytest

from tests.browser import figures, lab
from tests.notebooks.lessons import NAMES, ROOT

PYTHON = Path(os.environ.get("COLAB_VENV", ROOT / ".venv-colab"), "bin", "python").absolute()
if not PYTHON.exists():
    pytest.skip("needs the environment with Colab's versions: make test-browser", allow_module_level=True)
OUTPUTS = """() => Jupyter.notebook.get_cells().filter(c => c.cell_type === 'code').flatMap(c =>
    c.output_area.outputs.map(o => o.data || {}))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    alone = tmp_path_factory.mktemp("one-file")
    for name in NAMES:
        shutil.copy(ROOT / "build" / "colab" / f"{name}.ipynb", alone)
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
