import io
import json
import subprocess
import sys
import tomllib

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from sltcourse.kit import assets, authoring, style


def loaded_by(module, *heavy):
    """Which of some libraries are loaded by importing a module, in a fresh interpreter."""
    code = f"import sys, {module}; print(*[m for m in {heavy!r} if m in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_package_loads_no_library():
    code = "import sys; before = set(sys.modules); import sltcourse; print(*sorted(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name.split(".")[0] for name in out.split()} - sys.stdlib_module_names == {"sltcourse"}


@pytest.mark.parametrize("room", ["kit.assets", "kit.checks", "kit.files", "kit.passed", "kit.text", "progress"])
def test_what_draws_nothing_loads_no_library_for_pictures(room):
    heavy = ("matplotlib", "IPython", "numpy", "PIL", "torch", "ipywidgets", "anywidget", "sympy")
    assert loaded_by(f"sltcourse.{room}", *heavy) == []


def test_importing_the_style_changes_nothing_in_matplotlib():
    code = (
        "import matplotlib as mpl, matplotlib.pyplot; before = dict(mpl.rcParams)\n"
        "from sltcourse.kit import live, style; print(dict(mpl.rcParams) == before)\n"
        "style.figure(); print(mpl.rcParams['lines.linewidth'], mpl.rcParams['axes.grid'])\n"
        "mpl.rcParams['lines.linewidth'] = 7; style.figure(); print(mpl.rcParams['lines.linewidth'])\n"
        "style.use(); print(mpl.rcParams['lines.linewidth'])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["True", "2.0", "True", "7.0", "2.0"]


@pytest.mark.parametrize("path", sorted(authoring.ROOT.glob("notebooks/*.ipynb")), ids=lambda p: p.stem)
def test_these_lessons_import_no_torch(path):
    if path.stem[:2] not in ("01", "03", "06"):
        pytest.skip("a lesson that uses torch")
    code = f"import sltcourse.lessons.{path.stem[3:]}, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    "value, text",
    [(1e-3, "10⁻³"), (1.0, "10⁰"), (2.5e-7, "2.5·10⁻⁷"), (1000, "10³"), (9.96e4, "10⁵"), (1e-300, "10⁻³⁰⁰")],
)
def test_powers(value, text):
    assert style.power(value) == text


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_powers_of_what_has_none(value):
    with pytest.raises(ValueError, match="positive finite"):
        style.power(value)


@pytest.mark.parametrize(
    "value, text",
    [(1000, "1\u202f000"), (12, "12"), (-0.25, "−0.25"), (0.123456, "0.1235"), (123456.7, "123\u202f457"), (0, "0")],
)
def test_numbers(value, text):
    assert style.number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.49741, 0.00138, "0.4974 ± 0.0014"),
        (-0.49741, 0.138, "−0.50 ± 0.14"),
        (0.5, 0.0996, "0.50 ± 0.10"),
        (3.14159, 1, "3.1 ± 1.0"),
        (12345.6, 678, "12\u202f350 ± 680"),
        (12.3, 45, "12 ± 45"),
        (1.234e-7, 4e-9, "(1.234 ± 0.040)·10⁻⁷"),
        (0, 2e-5, "(0.0 ± 2.0)·10⁻⁵"),
        (0.0123, 1e-5, "0.012300 ± 0.000010"),
    ],
)
def test_an_estimate_stands_beside_its_error(value, error, shown):
    assert style.estimate(value, error) == shown


@pytest.mark.parametrize(("value", "error"), [(1, 0), (1, -1), (1, float("nan")), (float("inf"), 1)])
def test_no_estimate_without_an_error(value, error):
    with pytest.raises(ValueError, match="with a positive error"):
        style.estimate(value, error)


def test_tables():
    table = style.table([["a<b", 0.5], ["c", 1000]], ["name", "value"])
    assert repr(table) == "name  value\na<b   0.5\nc     1\u202f000"
    assert '<td style="text-align:left">a&lt;b</td>' in table._repr_html_()
    assert table._repr_html_().startswith('<table><thead><tr><th style="text-align:left">name</th>')
    with pytest.raises(ValueError, match="1 cells, the header has 2"):
        style.table([["a"]], ["name", "value"])


def test_every_colour_stands_out_from_white():
    import matplotlib as mpl

    for name, color in style.COLORS.items():
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(color)]
        contrast = 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
        assert contrast >= (1.5 if name == "muted" else 2.2 if name == "highlight" else 3), (name, contrast)


def test_a_picture_has_twice_the_readers_pixels():
    for height in (3.8, 4.6):  # 4.6 × 200 is a hair below 920 in floating point
        fig, _ = style.figure(height=height)
        data, (width, rows) = style.png(fig)
        plt.close(fig)
        assert (width, rows) == (880, round(100 * height))
        assert plt.imread(io.BytesIO(data)).shape[:2] == (2 * rows, 2 * width)


def test_show_wants_words_for_those_who_cannot_see():
    fig, _ = style.figure()
    with pytest.raises(ValueError, match="alt"):
        style.show(fig, " ")
    with pytest.raises(ValueError, match="alt"):
        style.show(fig)
    plt.close(fig)


def test_a_function_that_draws_gives_the_words_with_the_figure(capsys):
    fig, _ = style.figure()
    fig.set_label("A line that falls.")
    style.show(fig)
    assert "A line that falls." in capsys.readouterr().out


@pytest.fixture
def store(tmp_path):
    (tmp_path / "lesson").mkdir()
    (tmp_path / "lesson" / "data.txt").write_text("1 2 3")
    assets.record("lesson/data.txt", "make data", "cpu", place=tmp_path)
    return tmp_path


def test_an_asset_is_found_and_verified(store):
    assert assets.path("lesson/data.txt", store).read_text() == "1 2 3"


def test_arrays_and_tables_are_read_only_as_they_were_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "folder", lambda: tmp_path)
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.eye(2))
    (tmp_path / "t.json").write_text('{"λ": [1, 2]}', encoding="utf-8")
    for name in ("a.npz", "t.json"):
        assets.record(name, "make data", "cpu")
    assert {key: value.tolist() for key, value in assets.arrays("a.npz").items()} == {
        "x": [0, 1, 2],
        "y": [[1, 0], [0, 1]],
    }
    assert assets.table("t.json") == {"λ": [1, 2]}
    for name, read in (("a.npz", assets.arrays), ("t.json", assets.table)):
        (tmp_path / name).write_bytes(b"other")
        with pytest.raises(ValueError, match="altered"):
            read(name)


def test_an_altered_asset_is_refused(store):
    (store / "lesson" / "data.txt").write_text("1 2 4")
    with pytest.raises(ValueError, match="altered.*make data"):
        assets.path("lesson/data.txt", store)


def test_a_missing_asset_is_refused(store):
    (store / "lesson" / "data.txt").unlink()
    with pytest.raises(FileNotFoundError, match="missing.*make data"):
        assets.path("lesson/data.txt", store)


def test_an_unknown_asset_is_refused(store):
    with pytest.raises(KeyError, match=r"lesson/data\.txt"):
        assets.path("lesson/other.txt", store)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: .* NOTEBOOK.ipynb"),
        (["frob", "a.ipynb"], "usage: .* execute.stamp.onefile NOTEBOOK.ipynb"),
        (["execute"], "usage: .* execute.stamp.onefile NOTEBOOK.ipynb"),
        (["execute", "none.ipynb"], "there is no notebook none.ipynb: the lessons are in .*notebooks"),
    ],
)
def test_an_author_who_names_no_notebook_is_told_what_to_do(arguments, said):
    with pytest.raises(SystemExit, match=said):
        authoring.main(arguments)


def test_every_asset_of_the_course_is_in_the_manifest_and_whole():
    place = assets.folder()
    entries = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    files = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()} - {"manifest.json"}
    assert files == set(entries)
    for name in entries:
        assets.path(name)


def test_once_there_is_an_address_every_badge_leads_to_its_notebook(monkeypatch):
    monkeypatch.setattr(authoring, "project", lambda: ("1.2", "https://github.com/someone/course"))
    readme = authoring.stamp_readme((authoring.ROOT / "README.md").read_text(encoding="utf-8"))
    for path in sorted((authoring.ROOT / "notebooks").glob("*.ipynb")):
        address = f"colab.research.google.com/github/someone/course/blob/main/notebooks/{path.name})"
        notebook = nbformat.read(path, as_version=4)
        authoring.stamp(notebook, path.name)
        assert notebook.cells[0].source.count(address) == 1
        (row,) = [s for s in readme.splitlines() if s.startswith("| [") and f"(notebooks/{path.name})" in s]
        assert row.endswith(f"{address} |")
        (setup,) = [c for c in notebook.cells if "setup" in c.metadata.get("tags", [])]
        assert "--no-deps 'git+https://github.com/someone/course@v1.2'" in setup.source


STAMPED = [
    ("README.md", authoring.stamp_readme),
    ("pyproject.toml", authoring.stamp_project),
    ("CITATION.cff", authoring.stamp_citation),
]


def test_stamping_anew_changes_nothing():
    for name, stamp in STAMPED:
        text = (authoring.ROOT / name).read_text(encoding="utf-8")
        assert stamp(text) == text, name


@pytest.mark.parametrize("address", ["https://github.com/Some-One/course", "https://github.com/Some-One/course.git/"])
def test_one_address_gives_all_others(monkeypatch, address):
    monkeypatch.setattr(authoring, "project", lambda: ("1.2", address))
    book, plain = "https://some-one.github.io/course/", "https://github.com/Some-One/course"
    assert authoring.book_address() == book
    readme, rules, citation = (stamp((authoring.ROOT / name).read_text(encoding="utf-8")) for name, stamp in STAMPED)
    assert f"**[Read it as a book]({book})**" in readme and "make book" not in readme.split("## Start")[0]
    assert f"\nrepository-code: {plain}\nurl: {book}\n" in citation and "\nversion: 1.2\n" in citation
    rules = authoring.stamp_project(f'[project.urls]\nRepository = "{address}"\nIssues = "old"\n\n[tool.ruff]\n')
    urls = {"Repository": address, "Documentation": book, "Issues": f"{plain}/issues"}
    assert tomllib.loads(rules)["project"]["urls"] == urls and rules.endswith("\n\n[tool.ruff]\n")
    for name, stamp in STAMPED:
        once = stamp((authoring.ROOT / name).read_text(encoding="utf-8"))
        assert stamp(once) == once, f"{name} grows when it is stamped again"


@pytest.mark.parametrize("address", [None, "https://a.host/some/course"])
def test_without_a_known_host_the_book_is_built_by_hand(monkeypatch, address):
    monkeypatch.setattr(authoring, "project", lambda: ("1.2", address))
    readme = authoring.stamp_readme((authoring.ROOT / "README.md").read_text(encoding="utf-8"))
    assert authoring.book_address() is None and "`make book` builds it" in readme


def test_a_one_file_lesson_carries_the_course(tmp_path):
    path = authoring.ROOT / "notebooks" / "03_volume_scaling.ipynb"
    notebook = authoring.one_file(path)
    assert "carries the course inside" in notebook.cells[0].source and "make colab" not in notebook.cells[0].source
    (setup,) = [c for c in notebook.cells if "setup" in c.metadata.get("tags", [])]
    code = setup.source + "\nimport sltcourse; print(sltcourse.__file__.startswith(folder))"
    python = [
        sys.executable,
        "-I",
        "-c",
        "import sys; sys.path = [p for p in sys.path if 'site' not in p]; " + "exec(sys.stdin.read())",
    ]
    out = subprocess.run(python, input=code, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert out == "True\n"


def test_a_one_file_lesson_carries_what_it_reads_of_another_lesson():
    read = {file.name for file in authoring.assets_of(authoring.ROOT / "notebooks" / "11_susceptibilities.ipynb")}
    assert {"heads.npz", "copier.npz", "second.npz"} <= read
    assert authoring.assets_of(authoring.ROOT / "notebooks" / "03_volume_scaling.ipynb") == []


def test_one_file_lessons_are_small():
    for path in sorted((authoring.ROOT / "notebooks").glob("*.ipynb")):
        assert len(nbformat.writes(authoring.one_file(path))) < 5_000_000, path.name


def test_a_stream_in_pieces_is_stored_whole():
    pieces = [nbformat.v4.new_output("stream", text=text) for text in ("a\n", "b\n")]
    pieces.insert(1, nbformat.v4.new_output("stream", name="stderr", text="!"))
    cell = nbformat.v4.new_code_cell("", outputs=[*pieces, nbformat.v4.new_output("stream", text="c\n")])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    authoring.clean(notebook)
    assert [o.text for o in notebook.cells[0].outputs] == ["a\n", "!", "b\nc\n"]


@pytest.mark.parametrize(
    ("tag", "folded"),
    [
        ("answer", {"jupyter": {"outputs_hidden": True}, "collapsed": True}),
        (
            "deeper",
            {"jupyter": {"outputs_hidden": True, "source_hidden": True}, "collapsed": True, "cellView": "form"},
        ),
        ("exercise", {}),
    ],
)
def test_what_a_tag_folds_is_stored_folded_and_stays_so(tag, folded):
    """An author who unfolds it in JupyterLab and saves stores it folded again; a text has nothing to fold."""
    cells = [nbformat.v4.new_code_cell("1", metadata={"tags": [tag], "jupyter": {}, "collapsed": False})]
    cells += [nbformat.v4.new_markdown_cell("1", metadata={"tags": [tag]})]
    notebook = nbformat.v4.new_notebook(cells=cells)
    for _ in range(2):
        authoring.clean(notebook)
        kept = {k: v for k, v in notebook.cells[0].metadata.items() if k != "tags" and v}
        assert kept == folded and notebook.cells[1].metadata == {"tags": [tag]}


def test_a_one_file_copy_keeps_what_is_folded(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell(authoring.BADGE_MARK),
        nbformat.v4.new_code_cell("1", metadata={"tags": ["setup"]}),
        nbformat.v4.new_code_cell("1", metadata={"tags": ["answer"]}),
        nbformat.v4.new_code_cell("1", metadata={"tags": ["deeper"]}),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    authoring.clean(notebook)
    nbformat.write(notebook, tmp_path / "03_volume_scaling.ipynb")
    copy = authoring.one_file(tmp_path / "03_volume_scaling.ipynb")
    assert copy.cells[2].metadata.collapsed and copy.cells[3].metadata.cellView == "form"
