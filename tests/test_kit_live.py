import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider

x = np.linspace(0, 1, 11)


@pytest.fixture
def figure():
    fig, ax = style.figure()
    ax.set(xlim=(0, 1), ylim=(1e-3, 1e3), yscale="log")
    live = LiveFigure(fig, "A line.", n=Slider("n", [1, 10, 100], start=10), k=Menu("k", {"one": 1.0, "two": 2.0}))
    live.line(ax, lambda n, k: (x, k * n * np.exp(-x)), name="curve")
    live.points(ax, lambda n: (0.5, n), name="mark")
    live.text(ax, lambda k: (0.1, 1, f"k is {k:g}"), name="note")
    live.caption(lambda n: f"n is {n}.")
    yield live
    plt.close(fig)


def decode(spec, blob, part, key, index):
    table = spec["parts"][part]["tables"][key]
    count = int(np.prod(table["shape"]))
    flat = np.frombuffer(blob, table["type"], table["rows"] * count, table["at"]).reshape(
        table["rows"], *table["shape"]
    )
    return flat[0 if table["rows"] == 1 else index]


def test_at_returns_the_numbers_of_a_state(figure):
    numbers = figure.at(n=100, k="two")
    np.testing.assert_allclose(numbers["curve"][1], 200 * np.exp(-x))
    assert numbers["mark"] == (0.5, 100) and numbers["caption"] == "n is 100."
    assert figure.at()["mark"] == (0.5, 10)


@pytest.mark.parametrize(
    "state, reason", [({"m": 1}, "no control"), ({"n": 5}, "nearest"), ({"k": "three"}, "choose one")]
)
def test_at_refuses_what_the_figure_does_not_have(figure, state, reason):
    with pytest.raises(ValueError, match=reason):
        figure.at(**state)


def test_the_table_holds_every_state_in_the_pictures_pixels(figure):
    spec, blob = figure._spec()
    curve = next(i for i, p in enumerate(spec["parts"]) if p["kind"] == "line")
    assert spec["parts"][curve]["by"] == ["n", "k"] and spec["parts"][curve]["sizes"] == [3, 2]
    left, top, width, height = spec["parts"][curve]["clip"]
    for i, n in enumerate([1, 10, 100]):
        for j, k in enumerate([1.0, 2.0]):
            got = decode(spec, blob, curve, "y", i * 2 + j) / 8
            share = (np.log10(k * n * np.exp(-x)) + 3) / 6  # of the axis, from the bottom
            np.testing.assert_allclose(got, top + height * (1 - share), atol=0.1)
    np.testing.assert_allclose(decode(spec, blob, curve, "x", 0) / 8, left + width * x, atol=0.1)
    assert spec["parts"][curve]["tables"]["x"]["rows"] == 1, "what does not move is sent once"


def test_what_cannot_be_drawn_is_a_gap():
    fig, ax = style.figure()
    ax.set(xlim=(0, 1), ylim=(1e-3, 1), yscale="log")
    live = LiveFigure(fig, "Gaps.", n=Slider("n", [1, 2]))
    live.line(ax, lambda n: ([0.1, 0.2, 0.3, 0.4], [0.5, np.nan, -1.0, 0.5]))
    spec, blob = live._spec()
    row = decode(spec, blob, 0, "y", 0)
    assert (row == -32768).tolist() == [False, True, False, False]
    assert row[2] == 32767, "below a log axis: off the picture, as matplotlib has it"


def test_rows_of_different_lengths_are_filled_with_gaps():
    fig, ax = style.figure()
    live = LiveFigure(fig, "Points.", n=Slider("n", [1, 3]))
    live.points(ax, lambda n: (np.arange(n), np.arange(n)))
    spec, blob = live._spec()
    assert (decode(spec, blob, 0, "x", 0) == -32768).tolist() == [False, True, True]


def test_a_region_is_compared_in_the_browser():
    fig, ax = style.figure()
    field = np.add.outer(np.arange(4.0), np.arange(5.0))
    live = LiveFigure(fig, "Region.", eps=Slider("ε", [1.0, 3.0]))
    live.region(ax, field, lambda eps: eps, extent=(0, 1, 0, 1), color="C0")
    spec, blob = live._spec()
    (part,) = spec["parts"]
    table = part["fields"]["tables"]["pixels"]
    sent = np.frombuffer(blob, np.float32, 20, table["at"]).reshape(4, 5)
    np.testing.assert_array_equal(sent, field[::-1])
    assert [float(decode(spec, blob, 0, "level", i)[0]) for i in (0, 1)] == [1.0, 3.0]


def test_a_part_too_large_for_a_table_is_answered_by_the_kernel():
    fig, ax = style.figure()
    ax.set(xlim=(0, 200), ylim=(0, 200))
    many = np.arange(200)
    live = LiveFigure(fig, "Large.", a=Slider("a", many), b=Slider("b", many))
    live.points(ax, lambda a, b: (a, b))
    live.line(ax, lambda a: ([0, a], [0, 1 / (a - 7) if a != 7 else undefined]))  # noqa: F821
    with pytest.raises(NameError):
        live._spec()

    sent = []

    class Widget:
        def send(self, message, buffers=()):
            sent.append((message, buffers))

    live._parts.pop()
    spec, _ = live._spec()
    assert spec["parts"][0]["ask"] == 0
    live._answer(Widget(), {"ask": 0, "positions": [50, 100]}, None)
    _, (xs, ys) = sent[0]
    left, top, width, height = spec["parts"][0]["clip"]
    assert np.frombuffer(xs, np.int16)[0] / 8 == pytest.approx(left + width / 4, abs=0.1)
    assert np.frombuffer(ys, np.int16)[0] / 8 == pytest.approx(top + height / 2, abs=0.1)
    live._answer(Widget(), {"ask": 0, "positions": [50, 1000]}, None)
    assert "IndexError" in sent[1][0]["error"], "a callback's error reaches the reader"


def test_the_spec_can_be_sent(figure):
    json.dumps(figure._spec()[0])


def test_what_is_stored_says_the_setting_and_the_numbers(figure):
    assert repr(figure) == "[Live figure, at n = 10, k = one] n is 10."


def test_the_still_picture_shows_what_moves_and_the_background_does_not(figure):
    figure._freeze()
    read = lambda data: plt.imread(__import__("io").BytesIO(data))  # noqa: E731
    still, background = read(figure._still[0]), read(figure._background)
    assert still.shape[:2] == background.shape[:2] == (760, 1760)
    assert (still != background).any()


@pytest.mark.parametrize(
    "build, reason",
    [
        (lambda fig: LiveFigure(fig, "x"), "at least one Slider"),
        (lambda fig: LiveFigure(fig, " ", n=Slider("n", [1, 2])), "alt"),
        (lambda fig: Slider("n", [1]), "at least two"),
        (lambda fig: Slider("n", [1, np.inf]), "finite"),
        (lambda fig: Slider("n", [1, 2], start=3), "nearest"),
        (lambda fig: Menu("k", {}), "at least one option"),
        (lambda fig: LiveFigure(fig, "x", n=Slider("n", [1, 2])).line(fig.axes[0], lambda m: (x, x)), "follows 'm'"),
        (
            lambda fig: LiveFigure(fig, "x", n=Slider("n", [1, 2])).line(fig.axes[0], lambda n: (x, x[1:])),
            "equally long",
        ),
    ],
)
def test_mistakes_are_told_at_once(build, reason):
    fig, _ = style.figure()
    with pytest.raises(ValueError, match=reason):
        build(fig)
    plt.close(fig)


def test_arguments_with_a_default_belong_to_the_author():
    fig, ax = style.figure()
    live = LiveFigure(fig, "x", n=Slider("n", [1, 2]))
    live.line(ax, lambda n, k=3: ([0, 1], [n, k]), name="line")
    assert live.at(n=2)["line"] == ([0, 1], [2, 3])
    plt.close(fig)
