"""Every folded solution, run in its place in the lesson, is told that it is right."""

import pytest
from nbclient import NotebookClient
from nbformat import v4

from sltcourse.kit.book.slices import needed
from tests.notebooks.lessons import NAMES, PATHS, read, solution, tagged


def with_solutions(notebook, exercises):
    """The cells, by their numbers, that have to do with a solution: what it needs, and all that needs it.

    The others do what they do in the lesson as it is stored, which nbval runs whole.
    """
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    sources = [notebook.cells[i].source for i in code]
    kept = set()
    for k in range(len(code)):
        behind = [code[j] for j in needed(sources, [k])]
        if set(behind) & set(exercises):
            kept.update(behind)
    return kept


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_the_solutions_are_right(path):
    notebook = read(path)
    exercises = tagged(notebook, "exercise")
    for i in exercises:
        notebook.cells[i].source = solution(notebook.cells[i + 1])
    cells, kept = list(notebook.cells), with_solutions(notebook, exercises)
    notebook.cells = [cells[i] for i in sorted(kept)]
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(path.parent)}}).execute()
    for i in exercises:
        said = [o["data"]["text/plain"] for o in cells[i].outputs if "data" in o]
        assert said and said[-1].startswith("Right."), f"cell {i}: {said}"


def test_a_cell_runs_if_a_solution_needs_it_or_it_needs_a_solution():
    sources = ["x = 1", "y = 2", "def f(): return x", "z = f()", "y + 1", "z + y"]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    assert with_solutions(notebook, [2]) == {0, 1, 2, 3, 5}
    assert with_solutions(v4.new_notebook(cells=notebook.cells[:5]), [2]) == {0, 2, 3}
