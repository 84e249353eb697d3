"""The book without a browser: which cells a figure needs, figures' names, notebooks as pages, the table of contents."""

import nbformat
import pytest

from sltcourse.kit.book import remake, slices


def cut(*cells):
    """The cells needed by the last one."""
    return slices.needed(cells, [len(cells) - 1])


def test_a_cell_needs_what_it_reads_and_nothing_else():
    assert cut("a = 1", "b = 2", "c = a + 1", "print(b)", "c") == [0, 2, 4]


def test_only_the_last_binding_is_needed():
    assert cut("a = slow()", "a = 2", "a") == [1, 2]


@pytest.mark.parametrize(
    "change",
    [
        "total += 1",
        "total[0] = 1",
        "total[0].scale = 1",
        "total.scale = 1",
        "del total[0]",
        "total.append(1)",
        "for k in range(3):\n    total.append(k)",
        "if True:\n    total = 3",
        "for k in range(3):\n    total = k",
        "while total:\n    total = 0",
        "with torch.no_grad():\n    total -= 1",
    ],
)
def test_what_changes_a_name_is_needed_and_so_is_what_made_it(change):
    assert cut("total = made()", "other = 2", change, "total") == [0, 2, 3]


def test_a_method_whose_value_is_used_changes_nothing():
    assert cut("x = made()", "y = x.mean()", "print(x.std())", "x") == [0, 3]


def test_a_functions_globals_are_needed_where_it_is_called():
    assert cut("def f():\n    return scale * 2", "unused = 1", "scale = 3", "f()") == [0, 2, 3]
    assert cut("scale = 1", "def f(scale):\n    return scale", "f(2)") == [1, 2]
    assert cut("scale = 1", "f = lambda w: w * scale", "scale = 2", "f(1)") == [0, 1, 2, 3]


def test_a_functions_own_names_and_those_of_comprehensions_are_not_needed():
    assert cut("row = 1", "rows = [row for row in range(3)]", "rows") == [1, 2]
    assert cut("row = 1", "def f():\n    row = 2\n    return row", "f()") == [1, 2]
    assert cut("n = 1", "rows = [n * row for row in range(3)]", "rows") == [0, 1, 2]


def test_a_nested_functions_globals_are_needed():
    assert cut("a = 1", "def f():\n    def g():\n        return a\n    return g", "f()()") == [0, 1, 2]


def test_a_loop_variable_is_bound_by_its_loop():
    assert cut("k = 0", "for k in (1, 2):\n    print(k)", "k") == [1, 2]
    assert cut("rows = [1]", "for k in rows:\n    pass", "k") == [0, 1, 2]


def test_an_import_binds_the_name_that_is_used():
    assert cut("import numpy as np", "import sympy", "np.zeros(3)") == [0, 2]
    assert cut("import os.path", "from a import b as c", "os.path, c") == [0, 1, 2]


def test_a_method_of_an_import_changes_nothing_but_a_seed_does():
    assert cut("import style", "style.show(1)", "style.x") == [0, 2]
    assert cut("import torch", "torch.manual_seed(1)", "torch.rand(2)") == [0, 1, 2]


def test_a_call_of_an_own_function_changes_the_arguments_that_it_changes():
    train = "def train(model, data):\n    model.weight = data"
    assert cut(train, "m = Model()", "d = 1", "losses = train(m, d)", "m") == [0, 1, 2, 3, 4]
    assert cut(train, "m = Model()", "d = made()", "train(m, data=d)", "d") == [2, 4]
    assert cut("log = []", "def note(x):\n    log.append(x)", "note(1)", "log") == [0, 1, 2, 3]
    assert cut("n = 0", "def count():\n    global n\n    n = n + 1", "count()", "n") == [0, 1, 2, 3]


def test_what_is_read_before_the_cell_binds_it_is_needed():
    assert cut("x = 1", "x = x + 1", "x") == [0, 1, 2]
    assert cut("x = 1", "x = 2\ny = x", "y") == [1, 2]
    assert cut("def f():\n    return 1", "def f():\n    return 2\nx = f()", "x") == [1, 2]


def test_several_wanted_cells_share_a_slice():
    assert slices.needed(["a = 1", "a", "b = 2", "c = 3", "b"], [1, 4]) == [0, 1, 2, 4]


def test_a_source_that_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        cut("a = = 1", "a")


def test_names_come_from_what_a_cell_calls_and_are_unique():
    sources = {3: "live_settle()", 5: "guess.far_away", 8: "def mine(x):\n    return x\n\n\nlive_settle(mine)"}
    assert remake.names(sources) == {3: "settle", 5: "guess-far-away", 8: "settle-2"}
    with pytest.raises(ValueError, match="ends in live_<name>"):
        remake.names({1: "figure = 3\nfigure"})


FIGURE = """\
import numpy as np
from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider


def live_line(scale):
    fig, ax = style.figure(height=2)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    live = LiveFigure(fig, "A line.", w=Slider("w", [0.0, 0.5, 1.0]))
    return live.line(ax, lambda w: ([0, 1], [0, w * scale])).caption(lambda w: f"It ends at {w * scale}.")
"""
SHOWN = {"text/plain": "[Live figure, at w = 0.5] It ends at 0.25."}


def lesson(folder, *cells):
    """A notebook of code cells (source, outputs)."""
    made = [nbformat.v4.new_code_cell(source, outputs=outputs) for source, outputs in cells]
    path = folder / "00_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


def figure_output():
    return nbformat.v4.new_output("display_data", data=SHOWN)


def test_a_notebooks_figures_are_made_anew_from_their_slice_and_kept(tmp_path):
    figure = (FIGURE, []), ("scale = 0.5", []), ("raise SystemExit", []), ("live_line(scale)", [figure_output()])
    path = lesson(tmp_path, *figure)
    made, _ = remake.figures(path, tmp_path / "out")
    assert [(m.key, m.cell) for m in made] == [("00_small/line", 3)]
    assert 'data-figure="00_small/line"' in made[0].html
    script = tmp_path / "out" / "00_small" / "line.js"
    assert script.read_text().startswith("sltcourse.figure(") and "00_small/line" in script.read_text()
    assert (tmp_path / "out" / "00_small" / "line.png").read_bytes().startswith(b"\x89PNG")
    script.write_text("kept")
    assert remake.figures(path, tmp_path / "out")[0] == made and script.read_text() == "kept"
    lesson(tmp_path, figure[0], ("scale = 0.75", []), *figure[2:])
    assert remake.figures(path, tmp_path / "out")[0] == made and script.read_text() != "kept"


def test_a_figure_that_fails_is_named(tmp_path):
    path = lesson(tmp_path, (FIGURE, []), ("live_line(missing)", [figure_output()]))
    with pytest.raises(RuntimeError, match=r"00_small.ipynb: code cell 2 failed .*missing"):
        remake.figures(path, tmp_path / "out")


def test_a_figure_that_is_not_shown_again_is_named(tmp_path):
    path = lesson(tmp_path, (FIGURE, []), ("live_line(1)\nNone", [figure_output()]))
    with pytest.raises(RuntimeError, match="code cell 2 shows 0 figures, 1 are stored"):
        remake.figures(path, tmp_path / "out")
