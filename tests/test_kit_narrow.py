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
    fig.set_layout_engine("none")
    yield fig, axes
    plt.close(fig)


def test_two_panels_are_two_columns_that_hold_them(two):
    fig, axes = two
    columns = narrow.columns(narrow.drawn(fig))
    assert len(columns) == 2 and columns[0][0] >= 0 and columns[0][1] <= columns[1][0] and columns[1][1] <= 880
    for (left, right, top, bottom), ax in zip(columns, axes, strict=True):
        box = ax.get_tightbbox()
        assert left <= box.x0 and box.x1 <= right and right - left < 460
        assert 0 <= top <= 300 - box.y1 and 300 - box.y0 <= bottom <= 300
    fig.set_size_inches(8.8, 4)
    for ax in axes:
        ax.set_position([ax.get_position().x0, 0.3, 0.3, 0.3])
    assert all(bottom - top < 200 for *_, top, bottom in narrow.columns(narrow.drawn(fig))), "what is blank is left out"


def test_what_stands_across_both_panels_leaves_one_column(two):
    fig, axes = two
    title = fig.suptitle("A title over both of the panels, which reaches from the first well into the second")
    assert len(narrow.columns(narrow.drawn(fig))) == 1
    title.remove()
    axes[0].text(0.9, 0.5, "a text that goes over the edge of its panel into the next")
    assert len(narrow.columns(narrow.drawn(fig))) == 1


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
        low, up, high = narrow.extent(fig, 100, "letters", artist)
        box = artist.get_window_extent()
        assert up - low == pytest.approx(box.width) and low == pytest.approx(100 - share * box.width)
        assert high == pytest.approx(box.height)


def test_columns_with_small_letters_or_without_labels_of_their_own_are_none():
    def laid_out(width_ratios=(1, 1), size=9, **options):
        fig, (_, right) = style.figure(1, 2, height=3, width_ratios=width_ratios, **options)
        right.plot([0, 1], [0, 1], label="a line")
        right.legend(fontsize=size)
        fig.draw_without_rendering()
        there = narrow.drawn(fig)
        answer = narrow.stands(there, narrow.columns(there), [])
        plt.close(fig)
        return answer

    assert laid_out() and not laid_out(size=8) and laid_out((2, 1), size=8)
    assert not laid_out(sharey=True)


def test_a_narrow_frame_has_its_panels_below_one_another_and_a_long_title_on_two_lines():
    fig, axes = style.figure(2, 2, height=4)
    (left, right), below = axes[0], fig.add_subplot(axes[1, 0].get_gridspec()[1, :])
    for ax in axes[1]:
        ax.remove()
    title = "a title that is as long as the wide panel, and longer than the narrow one"
    below.set_title(title)
    live = LiveFigure(fig, "Points.", n=Slider("n", [0.2, 0.8]))
    for k, ax in enumerate((left, right, below)):
        ax.set(xlim=(0, 1), ylim=(0, 1))
        live.points(ax, lambda n: (n, 0.5), name=str(k))
    spec, _ = live.encode()
    assert "columns" not in spec and spec["narrow"]["width"] == 440 and spec["narrow"]["height"] > 500
    boxes = []
    for part in spec["parts"]:
        (a, b, c, d), (x, y, w, h) = spec["narrow"]["panels"][part["panel"]], part["clip"]
        boxes.append((a + b * x, c + d * y, b * w, d * h))
    (x, y, w, h), second, third = boxes
    assert [x, x, w] == pytest.approx([second[0], third[0], third[2]], abs=0.1) and w > 600
    assert y + h < second[1] and second[1] + second[3] < third[1] and third[1] + third[3] < 2 * spec["narrow"]["height"]
    assert below.get_title(loc="left") == title, "the figure's own title is whole again"


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
