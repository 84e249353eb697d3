"""Every folded solution, run in its place in the lesson, is told that it is right."""

import pytest
from nbclient import NotebookClient

from tests.notebooks.lessons import NAMES, PATHS, read, solution, tagged


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_the_solutions_are_right(path):
    notebook = read(path)
    exercises = tagged(notebook, "exercise")
    for i in exercises:
        notebook.cells[i].source = solution(notebook.cells[i + 1])
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(path.parent)}}).execute()
    for i in exercises:
        said = [o["data"]["text/plain"] for o in notebook.cells[i].outputs if "data" in o]
        assert said and said[-1].startswith("Right."), f"cell {i}: {said}"
