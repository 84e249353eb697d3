"""The book without a browser: which cells a figure needs, figures' names, notebooks as pages, the table of contents."""

import base64
import io

import nbformat
import pytest
from PIL import Image

from sltcourse.kit import authoring
from sltcourse.kit.authoring import BADGE_MARK
from sltcourse.kit.book import extension, pages, remake, site, sizes, slices


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
    (other,), _ = remake.figures(path, tmp_path / "out")
    assert (other.key, other.cell) == ("00_small/line", 3) and other.html != made[0].html
    assert script.read_text() != "kept"


def test_a_figure_that_fails_is_named(tmp_path):
    path = lesson(tmp_path, (FIGURE, []), ("live_line(missing)", [figure_output()]))
    with pytest.raises(RuntimeError, match=r"00_small.ipynb: code cell 2 failed .*missing"):
        remake.figures(path, tmp_path / "out")


def test_a_figure_that_is_not_shown_again_is_named(tmp_path):
    path = lesson(tmp_path, (FIGURE, []), ("live_line(1)\nNone", [figure_output()]))
    with pytest.raises(RuntimeError, match="code cell 2 shows 0 figures, 1 are stored"):
        remake.figures(path, tmp_path / "out")


def cell(source, tags=(), *outputs):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def shown(mime, data, **metadata):
    return nbformat.v4.new_output("display_data", data={mime: data}, metadata=metadata)


def paged(folder, *cells, made=()):
    """The cells as a page of the book."""
    path = folder / "00_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)
    return pages.page(path, made, folder).cells


def test_a_pages_head_says_how_to_run_it_and_shows_no_picture_from_elsewhere(tmp_path):
    head = nbformat.v4.new_markdown_cell(f"# Small\n\nText.\n\n[![Colab](https://x/y.svg)](https://z) {BADGE_MARK}")
    (found,) = paged(tmp_path, head)
    assert found.source.startswith("# Small\n\nText.\n\n<p") and "https://x" not in found.source
    assert '<a href="notebooks/00_small.ipynb" download>' in found.source


def test_colab_is_offered_once_the_course_has_an_address(monkeypatch):
    assert authoring.colab("00_small.ipynb") is None and "Colab" not in pages.ways("00_small.ipynb")
    monkeypatch.setattr(authoring, "project", lambda: ("1.0", "https://github.com/a/b"))
    address = "https://colab.research.google.com/github/a/b/blob/main/notebooks/00_small.ipynb"
    assert authoring.colab("00_small.ipynb") == address and f'<a href="{address}">' in pages.ways("00_small.ipynb")


def test_a_picture_keeps_its_size_and_its_words_and_waits(tmp_path):
    wide = png(range(100, 1700))
    (found,) = paged(tmp_path, cell("draw()", (), picture_output(wide)))
    html = found.outputs[0].data["text/html"]
    assert (
        'alt="1 &lt; 2, &quot;said&quot;"' in html
        and 'width="880" height="400" style="--width: 880px" loading="lazy"' in html
    )
    assert (tmp_path / "_pictures" / "00_small" / "0-0.png").read_bytes() == wide


def test_a_picture_that_is_mostly_white_sides_loses_them(tmp_path):
    (found,) = paged(tmp_path, cell("draw()", (), picture_output(png(range(600, 1000)))))
    assert 'width="232" height="400" style="--width: 232px"' in found.outputs[0].data["text/html"]
    there = Image.open(tmp_path / "_pictures" / "00_small" / "0-0.png").convert("L")
    assert there.size == (464, 800)  # 400 that are drawn, and 32 at each side
    assert [there.getpixel((x, 9)) < 250 for x in (31, 32, 431, 432)] == [False, True, True, False]


def png(drawn):
    """A picture of 1760 by 800 pixels, white but for some columns."""
    image, file = Image.new("RGB", (1760, 800), "white"), io.BytesIO()
    image.paste((0, 80, 160), (drawn.start, 0, drawn.stop, 800))
    image.save(file, "PNG")
    return file.getvalue()


def picture_output(data):
    size = {"alt": '1 < 2, "said"', "width": 880, "height": 400}
    return shown("image/png", base64.b64encode(data).decode(), **{"image/png": size})


def test_answers_and_deeper_cells_are_folded_and_the_setup_is_not_shown(tmp_path):
    text = nbformat.v4.new_output("stream", text="12\n")
    setup, answer, deeper = paged(
        tmp_path, cell("import a", ["setup"]), cell("print(12)", ["answer"], text), cell("12", ["deeper", "rtol=0.1"])
    )
    assert setup.metadata.tags == ["remove-cell"]
    assert answer.metadata.tags == ["hide-output"] and answer.metadata.mystnb.code_prompt_show == "Show the answer"
    assert answer.outputs == [text]
    assert deeper.metadata.tags == ["hide-cell"]


def test_the_words_are_the_books_and_a_number_stays_with_its_error(tmp_path):
    told = ["Open the answer: click the dots.", "Now open it (answers are folded: click the dots) and move n."]
    told.append("</details>\n\n&nbsp;\n\nIt is 1.2 ± 0.1.")
    table = shown("text/html", "<table><tr><td>1.2 ± 0.1</td></tr></table>")
    first, second, third, found = paged(tmp_path, *map(nbformat.v4.new_markdown_cell, told), cell("table()", (), table))
    assert [first.source, second.source] == ["Open the answer.", "Now open it and move n."]
    assert third.source == "</details>\n\nIt is 1.2\xa0±\xa00.1."
    assert "<td>1.2\xa0±\xa00.1</td>" in found.outputs[0].data["text/html"]


def test_no_lesson_tells_the_reader_of_the_book_to_click_what_is_not_there():
    for path in sorted((authoring.ROOT / "notebooks").glob("*.ipynb")):
        text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
        assert "click" not in pages.LAB_ONLY.sub("", text), path.name


def test_an_exercise_says_that_its_check_runs_in_python(tmp_path):
    refused = shown("text/html", "Not answered.")
    (found,) = paged(tmp_path, cell("answer = ...\ncheck.far(answer)", ["exercise"], refused))
    (output,) = found.outputs
    assert "runs in Python" in output.data["text/html"] and "Not answered" not in output.data["text/html"]


def test_a_figure_is_its_placeholder_and_a_bare_call_is_not_shown(tmp_path):
    made = [remake.Made("00_small/far", 0, "<div>far</div>"), remake.Made("00_small/own", 1, "<div>own</div>")]
    bare, own = paged(
        tmp_path, cell("guess.far", (), figure_output()), cell("n = 3\nlive_own(n)", (), figure_output()), made=made
    )
    assert bare.outputs[0].data["text/html"] == "<div>far</div>" and bare.metadata.tags == ["remove-input"]
    assert own.outputs[0].data["text/html"] == "<div>own</div>" and own.metadata.tags == []
    with pytest.raises(ValueError, match="code cell 1 has figures that were not made"):
        paged(tmp_path, cell("guess.far", (), figure_output()))


def test_the_contents_are_the_pages_that_are_there(tmp_path):
    for name in ("index.md", "teachers.md", "03_volume_scaling.ipynb", "07_llc_estimation.ipynb"):
        (tmp_path / name).touch()
    found = extension.contents(tmp_path)
    assert found.index("03 Volume scaling <03_volume_scaling>") < found.index("07 LLC estimation <07_llc_estimation>")
    assert "\nteachers\n" in found and "gallery" not in found and "Look up" not in found


def test_the_weight_of_a_page(tmp_path):
    (tmp_path / "_live" / "a").mkdir(parents=True)
    for name, size in (("s.css", 10), ("s.js", 20), ("near.png", 100), ("_live/a/b.js", 1000), ("other.js", 5)):
        (tmp_path / name).write_bytes(b"x" * size)
    page = (
        '<link rel="stylesheet" href="s.css?v=1"><link rel="next" href="other.js"><script src="s.js"></script>'
        '<img src="near.png" loading="lazy" alt=""><div data-figure="a/b"></div><a href="other.js">o</a>'
    )
    (tmp_path / "p.html").write_text(page)
    assert sizes.weights(tmp_path) == {"p.html": (len(page) + 30, len(page) + 1130)}
    assert sizes.whole(tmp_path) == len(page) + 1135


def test_a_signature_of_several_lines_is_no_list():
    body = '<span class="sig-paren">(</span>\n\n<dl>\n<dd>a,</dd>\n<dd>b</dd>\n</dl>\n<span>)</span><dl><dd>c</dd></dl>'
    found = extension.signatures(body)
    assert found.count('<div class="sig-line">') == 2 and found.count("<dd>") == found.count("<dl>") == 1
    assert found.endswith("<span>)</span><dl><dd>c</dd></dl>")


def test_a_figure_that_says_something_else_than_the_stored_one_is_named(tmp_path, capsys):
    path = lesson(tmp_path, (FIGURE, []), ("live_line(0.25)", [figure_output()]))
    remake.figures(path, tmp_path / "out")
    assert "00_small/line differs from what is stored" in capsys.readouterr().out
    path = lesson(tmp_path, (FIGURE, []), ("live_line(0.5)", [figure_output()]))
    remake.figures(path, tmp_path / "out")
    assert "differs" not in capsys.readouterr().out


def test_without_katex_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(authoring, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="make book gets it"):
        site.main([])


def test_an_empty_corner_of_a_table_is_no_heading():
    body = '<tr><th class="head"><p></p></th><th style="a"></th><th>n</th></tr>'
    assert extension.corners(body) == '<tr><td class="head"></td><td style="a"></td><th>n</th></tr>'


def test_a_folded_cell_is_called_what_it_shows():
    shown = '<p class="collapsed admonition-title">Show the answer</p></summary>'
    assert extension.folds(f'<summary aria-label="Toggle hidden content">{shown}') == f"<summary>{shown}"


def test_the_notebook_to_download_has_its_cells_and_no_outputs(tmp_path):
    path = lesson(tmp_path, ("a = 1", []), ("live_line()", [figure_output()]))
    found = pages.blank(path)
    assert [c.source for c in found.cells] == ["a = 1", "live_line()"]
    assert [c.outputs for c in found.cells] == [[], []]
