"""Cells can be run again: each lesson runs twice in one kernel, its cells twice in a row the second time."""

import pytest
from nbclient import NotebookClient
from nbformat import v4

from tests.nbval_numbers import agree, tolerances
from tests.notebooks.lessons import PATHS, read

SHORT = ["02_broken_statistics"]  # what takes seconds; the other lessons are run again by make test-all


def texts(cell):
    """What a cell shows in words; pictures are left to the eye."""
    shown = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(shown)


def moved(notebook, folder):
    """{cell: what it said at first, and what it said when it was run again}. Raises where a cell fails."""
    code = [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == "code"]
    client = NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(folder)}})
    first, found = {}, {}
    with client.setup_kernel():
        for i, cell in code:
            client.execute_cell(cell, i)
            first[i] = texts(cell)
        for i, cell in code:
            for _ in range(2):
                client.execute_cell(cell, i)
                if not agree(first[i], texts(cell), **tolerances(cell)):
                    found[i] = (first[i], texts(cell))
    return found


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=[] if p.stem in SHORT else pytest.mark.long) for p in PATHS],
)
def test_cells_can_be_run_again(path):
    assert moved(read(path), path.parent) == {}


def test_a_cell_that_changes_what_it_reads_is_found(tmp_path):
    sources = ["x = 1", "x = x + 1\nprint(x)", "print(x)"]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    assert moved(notebook, tmp_path) == {1: ("2\n", "3\n"), 2: ("2\n", "3\n")}


def test_numbers_may_move_within_their_errors(tmp_path):
    source = "print(f'{next(values)} ± 0.01')"
    cells = [v4.new_code_cell("import itertools\nvalues = itertools.cycle([0.50, 0.51])"), v4.new_code_cell(source)]
    assert moved(v4.new_notebook(cells=cells), tmp_path) == {}
