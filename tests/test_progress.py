import nbformat
from nbclient import NotebookClient

from sltcourse.progress import progress

LOOP = "import time\nfrom sltcourse.progress import progress\nfor _ in progress(range(6), 'counting'): time.sleep(0.5)"


def outputs(source, **environment):
    code = "\n".join(f"import os; os.environ[{k!r}] = {v!r}" for k, v in environment.items())
    cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell(source)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60).execute()
    return notebook.cells[1].outputs


def test_a_long_loop_shows_a_bar_that_vanishes():
    (shown,) = outputs(LOOP, TQDM_DISABLE="")
    assert shown.output_type == "display_data" and shown.data["text/plain"] == ""


def test_nothing_is_shown_where_it_is_switched_off():
    assert outputs(LOOP, TQDM_DISABLE="1") == []


def test_a_short_loop_shows_nothing():
    assert outputs(LOOP.replace("0.5", "0.0"), TQDM_DISABLE="") == []


def test_it_iterates_and_counts():
    assert list(progress([1, 2], "counting")) == [1, 2]
    with progress(None, "counting", total=3) as bar:
        bar.update(3)
