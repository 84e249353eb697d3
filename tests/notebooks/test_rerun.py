"""Cells can be run again: each lesson runs twice in one kernel, its cells twice in a row the second time."""

import pytest
from nbclient import NotebookClient

from tests.nbval_numbers import agree, tolerances
from tests.notebooks.lessons import PATHS, read

SHORT = ["01_fisher_information"]  # the lessons that take seconds; the others are run again by make test-all


def texts(cell):
    """What a cell shows in words; pictures are left to the eye."""
    shown = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(shown)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=[] if p.stem in SHORT else pytest.mark.long) for p in PATHS],
)
def test_cells_can_be_run_again(path):
    notebook = read(path)
    code = [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == "code"]
    client = NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(path.parent)}})
    first, moved = {}, []
    with client.setup_kernel():
        for i, cell in code:
            client.execute_cell(cell, i)
            first[i] = texts(cell)
        for i, cell in code:
            for _ in range(2):
                client.execute_cell(cell, i)
                if not agree(first[i], texts(cell), **tolerances(cell)):
                    moved.append(f"cell {i} says {texts(cell)[:300]!r} after {first[i][:300]!r}")
    assert not moved, "\n".join(moved)
