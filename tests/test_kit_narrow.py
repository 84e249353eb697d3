"""How a live figure is laid out where there is little room: where it is cut, and its narrow frame."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sltcourse.kit import narrow, style
from sltcourse.kit.live import LiveFigure, Slider


@pytest.fixture
def two():
    """Two panels that are laid out."""
    fig, axes = style.figure(1, 2, height=3)
    fig.draw_without_rendering()
    yield fig, axes
    plt.close(fig)


def test_two_panels_are_two_columns_that_hold_them(two):
    fig, axes = two
    columns = narrow.columns(fig)
    assert len(columns) == 2 and columns[0][0] >= 0 and columns[0][1] <= columns[1][0] and columns[1][1] <= 880
    for (left, right), ax in zip(columns, axes, strict=True):
        box = ax.get_tightbbox()
        assert left <= box.x0 and box.x1 <= right and right - left < 460


def test_what_stands_across_both_panels_leaves_one_column(two):
    fig, axes = two
    title = fig.suptitle("A title over both of the panels, which reaches from the first well into the second")
    fig.draw_without_rendering()
    assert len(narrow.columns(fig)) == 1
    title.remove()
    axes[0].text(0.9, 0.5, "a text that goes over the edge of its panel into the next")
    assert len(narrow.columns(fig)) == 1


def test_a_text_that_moves_across_leaves_one_column():
    def columns(x):
        fig, (left, _) = style.figure(1, 2, height=3)
        left.set(xlim=(0, 1), ylim=(0, 1))
        live = LiveFigure(fig, "Texts.", n=Slider("n", [0.0, 0.5], start=0.0))
        live.text(left, lambda n: (x if n else 0.0, 0.5, "some forty letters that are quite readable"))
        return live.encode()[0].get("columns")

    assert len(columns(0.1)) == 2 and columns(0.9) is None


def test_the_extent_of_a_text(two):
    fig, axes = two
    for align, share in (("left", 0), ("center", 0.5), ("right", 1)):
        artist = axes[0].text(0.5, 0.5, "letters", ha=align)
        low, high = narrow.extent(fig, 100, "letters", artist)
        box = artist.get_window_extent()
        assert high - low == pytest.approx(box.width) and low == pytest.approx(100 - share * box.width)


@pytest.fixture
def figure():
    """One panel on a log scale, with a mark in its frame at (0.25, 10)."""
    fig, ax = style.figure(height=3)
    ax.set(xlim=(0, 1), ylim=(1, 100), yscale="log", xlabel="a label", ylabel="another")
    ax.plot([0.25], [10], "s", color="#ff0000", markersize=9, markeredgewidth=0)
    live = LiveFigure(fig, "A point.", n=Slider("n", [10, 20]))
    live.points(ax, lambda n: (0.25, n))
    return live.with_guess(ax, "x", "Where?", hides=[])


def test_the_narrow_frame_holds_the_same_picture_elsewhere(figure):
    spec, blob = figure.encode()
    png, told = figure.narrow_frame()
    assert "columns" not in spec and spec["narrow"] == told
    frame = plt.imread(io.BytesIO(png))[..., :3]
    assert frame.shape[:2] == (600, 880) and (told["width"], told["height"]) == (440, 300)
    table = spec["parts"][0]["tables"]
    x, y = (np.frombuffer(blob, np.int16, 1, table[key]["at"])[0] / 8 for key in "xy")
    a, b, c, d = told["panels"][spec["parts"][0]["panel"]]
    assert spec["guess"]["panel"] == spec["parts"][0]["panel"] == 0 and b < 0.5
    down, across = np.nonzero((np.abs(frame - [1, 0, 0]) < 0.1).all(axis=2))
    assert abs(across.mean() - (a + b * x)) < 1 and abs(down.mean() - (c + d * y)) < 1


def test_the_figure_stays_as_it_is_laid_out_when_its_narrow_frame_is_drawn(figure):
    figure.pictures()
    before = figure._parts[0].looks(600), figure._guess.encode(600)
    figure.narrow_frame()
    assert (figure._parts[0].looks(600), figure._guess.encode(600)) == before
    assert figure._parts[0].artist.get_visible() and figure.fig.get_size_inches().tolist() == [8.8, 3]
