"""What the book's pages hold of a figure: its script, what stands there before it runs, its place in the gallery."""

import ast
import base64
import html
import io
import json
import re
import zlib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from sltcourse.kit import guess, style
from sltcourse.kit.book import gallery, packed
from sltcourse.kit.live import LiveFigure, Slider

ROOT = Path(__file__).resolve().parents[1]
KEY = "03_volume_scaling/powers"


@pytest.fixture
def figure():
    """Smooth curves, an image, a field and texts: each of the types that are sent."""
    fig, ax = style.figure(height=3)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    x = np.linspace(0, 1, 50)
    field = np.add.outer(x[:10], x[:12])
    live = LiveFigure(fig, 'A curve, "quoted" & <marked>.', n=Slider("n", np.linspace(1, 3, 20)))
    live.line(ax, lambda n: (x, x**n), name="curve")
    live.image(ax, lambda n: n * field, (0, 1, 0, 1), 0, 3, alpha=0.3)
    live.region(ax, field, lambda n: n / 10, (0, 1, 0, 1), "C1")
    live.text(ax, lambda n: (0.5, 0.5, f"n is {n:.1f}"))
    yield live.caption(lambda n: f"The <answer> is {n:.1f}.")
    plt.close(fig)


def read(script):
    """The opposite of ``packed.packed``, as ``book.js`` has it: key, head, and buffers by name."""
    key, text = re.fullmatch(r'sltcourse\.figure\((".*?"), "([A-Za-z0-9+/=]+)"\);\n', script).groups()
    data = zlib.decompress(base64.b64decode(text))
    end = 4 + int.from_bytes(data[:4], "little")
    head, buffers, at = json.loads(data[4:end]), {}, end
    for name, size in head["buffers"]:
        buffers[name] = bytearray(data[at : at + size])
        at += size
    assert at == len(data) and end % 4 == 0
    for start, size, rows, count, steps in head["filters"]:
        stop = start + size * rows * count
        planes = np.frombuffer(bytes(buffers["tables"][start:stop]), np.uint8).reshape(size, -1)
        table = np.ascontiguousarray(planes.T).view(f"u{size}").reshape(rows, count)
        for step in reversed(steps):
            table = np.cumsum(table, axis="sp".index(step), dtype=table.dtype)
        buffers["tables"][start:stop] = table.tobytes()
    return json.loads(key), head, {name: bytes(data) for name, data in buffers.items()}


def test_a_figures_script_holds_all_that_a_notebook_would_send(figure):
    key, head, buffers = read(packed.packed(KEY, figure))
    spec, tables = figure.encode()
    assert key == KEY and head["view"] == "live" and head["values"]["state"] == [10]
    assert head["values"]["spec"] == json.loads(json.dumps(spec)) and buffers["tables"] == tables
    for name, png in (("background", figure.pictures()[1]), ("narrow", figure.narrow_frame()[0])):
        there, wanted = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in (buffers[name], png))
        assert np.array_equal(there, wanted) and len(buffers[name]) < 0.7 * len(png)
    assert head["filters"], "smooth tables go as differences"


@pytest.mark.parametrize("kind", ["u1", "u2", "u4"])
def test_smooth_tables_become_small_and_random_ones_stay(kind):
    smooth = (np.arange(40)[:, None] * 3 + np.arange(200) ** 2 // 50).astype(kind)
    steps, data = packed.filtered(smooth)
    assert (
        steps and len(data) == smooth.nbytes and len(zlib.compress(data)) < 0.3 * len(zlib.compress(smooth.tobytes()))
    )
    noise = np.random.default_rng(0).integers(0, 256, (40, 200), dtype=np.uint8)
    assert packed.filtered(noise) == ("", noise.tobytes())


def test_a_figure_that_would_ask_a_kernel_does_not_come_into_the_book():
    fig, ax = style.figure()
    live = LiveFigure(fig, "Large.", a=Slider("a", range(201)), b=Slider("b", range(200)))
    live.points(ax, lambda a, b: (a, b))
    with pytest.raises(ValueError, match=r"03_volume_scaling/powers: the table of a points is too large"):
        packed.packed(KEY, live)


def test_a_guess_is_packed_without_tables():
    which = guess.choice("a", "Which?", ["A", "B"], answer="B", because="So.")
    _, head, buffers = read(packed.packed("03_volume_scaling/guess-a", which))
    assert head["view"] == "guess" and head["values"]["spec"] == which.spec and buffers == {}
    before, _, told = packed.placeholder("03_volume_scaling/guess-a", which, "").partition("<noscript>")
    assert "Which?" in before and "So." not in before and "Answer" not in before and "So." in told


def test_what_stands_there_before_a_figure_is_alive(figure):
    text = packed.placeholder(KEY, figure, "_live/a.png")
    assert (
        f'<div class="slt-figure" data-figure="{KEY}"' in text and 'src="_live/a.png" width="880" height="300"' in text
    )
    assert 'alt="A curve, &quot;quoted&quot; &amp; &lt;marked&gt;."' in text and 'loading="lazy"' in text
    assert '<p class="slt-caption">The &lt;answer&gt; is 2.1.</p>' in text
    shape = json.loads(html.unescape(re.search('data-shape="(.*?)"', text)[1]))
    assert shape == {"width": 880, "height": 300, "narrow": {"width": 440, "height": 300}, "controls": 1, "reading": 9,
                     "guess": 0}  # fmt: skip
    figure.with_guess(figure.fig.axes[0], "y", "How <high>?", hides=["curve"])
    packed._encoded.cache_clear()
    text = packed.placeholder(KEY, figure, "_live/a.png")
    assert '<p class="slt-caption">How &lt;high&gt;?</p>' in text and "2.1" not in text


def test_the_bundle_is_the_notebooks_own_scripts():
    text = packed.bundle()
    assert "export" not in re.sub(r"//.*", "", text) and "import" not in re.sub(r"//.*", "", text)
    for name in ("live", "guess"):
        code = (packed.KIT / f"{name}.js").read_text(encoding="utf-8").partition("export default ")[0]
        assert f"sltcourse.{name} = (() => {{\n{code}return {{" in text


def test_every_figure_of_the_course_has_its_sentence():
    lessons = {path.stem[3:]: path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    found = 0
    for file in sorted((ROOT / "sltcourse" / "lessons").glob("*/*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("live_"):
                name = node.name.removeprefix("live_").replace("_", "-")
                told = gallery.sentence(f"{lessons[file.parent.name]}/{name}-2")
                assert told.endswith(".") and 30 < len(told) < 130 and "``" not in told, told
                found += 1
    assert found >= 38
    with pytest.raises(ValueError, match="no function live_nothing"):
        gallery.sentence("03_volume_scaling/nothing")


def test_a_page_of_prose_shows_a_figure_that_is_built():
    figures = {KEY: "<div>it</div>", f"{KEY}-2": "", "03_volume_scaling/guess-a": "", "04_a/b": ""}
    text = "Before.\n\n<!-- figure: {} -->\n\nAfter <!-- figure: x -->.\n"
    more = "This is one of the 2 live figures of the [gallery](gallery.md)."
    shown = gallery.inserted(text.format(KEY), figures)
    assert shown == f"Before.\n\n<div>it</div>\n\n{more}\n\nAfter <!-- figure: x -->.\n"
    assert gallery.inserted(text.format("05_c/d"), figures) == "Before.\n\n\n\nAfter <!-- figure: x -->.\n"


def test_the_gallery_and_the_small_pages(figure, tmp_path):
    placeholder = packed.placeholder(KEY, figure, f"_live/{KEY}.png")
    figures = {KEY: placeholder, f"{KEY}-2": placeholder, "03_volume_scaling/guess-a": "<div></div>"}
    (tmp_path / "_live" / "03_volume_scaling").mkdir(parents=True)
    script = packed.packed(KEY, figure)
    (tmp_path / "_live" / f"{KEY}.js").write_text(script, encoding="utf-8")
    gallery.write(figures, {"03_volume_scaling": "Volume scaling"}, tmp_path, tmp_path)
    assert [p.name for p in (tmp_path / "embed").rglob("*.html")] == ["powers.html"]
    small = (tmp_path / "embed" / f"{KEY}.html").read_text(encoding="utf-8")
    assert script in small and packed.bundle() in small and 'href="../../03_volume_scaling.html"' in small
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", small), "it knows no other place"
    text = (tmp_path / "gallery.md").read_text(encoding="utf-8")
    assert text.count("### ") == 1 and "## [Volume scaling](03_volume_scaling.ipynb)" in text and placeholder in text
    assert f'&lt;iframe src="embed/{KEY}.html" title="Guess, then slide the power' in text and 'height="450"' in text
    assert r"of \|w\|\^power on \[−1, 1\]" in text
