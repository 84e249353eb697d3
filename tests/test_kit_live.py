import io
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sltcourse.kit import parts, style
from sltcourse.kit.live import LiveFigure, Menu, Slider, bars

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


def test_bars_stand_side_by_side_on_their_base():
    across, up = bars([0, 2], [3, 0.5], base=1, width=0.6)
    assert across.tolist() == [-0.3, -0.3, 0.3, 0.3, 1.7, 1.7, 2.3, 2.3]
    assert up.tolist() == [1, 4, 4, 1, 1, 1.5, 1.5, 1]


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
    spec, blob = figure.encode()
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
    spec, blob = live.encode()
    row = decode(spec, blob, 0, "y", 0)
    assert (row == -32768).tolist() == [False, True, False, False]
    assert row[2] == 32767, "below a log axis: off the picture, as matplotlib has it"


def test_rows_of_different_lengths_are_filled_with_gaps():
    fig, ax = style.figure()
    live = LiveFigure(fig, "Points.", n=Slider("n", [1, 3]))
    live.points(ax, lambda n: (np.arange(n), np.arange(n)))
    spec, blob = live.encode()
    assert (decode(spec, blob, 0, "x", 0) == -32768).tolist() == [False, True, True]


def test_a_region_is_compared_in_the_browser():
    fig, ax = style.figure()
    field = np.add.outer(np.arange(4.0), np.arange(5.0))
    live = LiveFigure(fig, "Region.", eps=Slider("ε", [1.0, 3.0]))
    live.region(ax, field, lambda eps: eps, extent=(0, 1, 0, 1), color="C0")
    spec, blob = live.encode()
    (part,) = spec["parts"]
    table = part["fields"]["tables"]["pixels"]
    sent = np.frombuffer(blob, np.float32, 20, table["at"]).reshape(4, 5)
    np.testing.assert_array_equal(sent, field[::-1])
    assert [float(decode(spec, blob, 0, "level", i)[0]) for i in (0, 1)] == [1.0, 3.0]


def test_a_field_is_sent_so_that_its_edge_moves_by_a_20th_of_a_row_at_most():
    _, ax = style.figure()
    field = np.arange(200)[:, None] + np.random.default_rng(0).random((1, 150))  # it grows by 1 from row to row
    (sent,) = parts.Field(ax, field).encode([field], 0)["pixels"][:, ::-1]  # pictures begin at the top
    assert sent.dtype == np.float32 and 0.01 < np.abs(sent - field).max() < 1 / 20


def test_a_part_too_large_for_a_table_is_answered_by_the_kernel():
    fig, ax = style.figure()
    ax.set(xlim=(0, 200), ylim=(0, 200))
    many = np.arange(200)
    live = LiveFigure(fig, "Large.", a=Slider("a", many), b=Slider("b", many))
    live.points(ax, lambda a, b: (a, b))
    live.text(ax, lambda a, b: (a, b, f"{a} {b}"))
    spec, _ = live.encode()
    assert [part.get("ask") for part in spec["parts"]] == [0, 1]
    message, (xs, ys) = live.answer({"ask": 0, "positions": [50, 100]})
    assert message == {"ask": 0, "heads": {key: {"shape": (1,), "type": "int16"} for key in "xy"}}
    left, top, width, height = spec["parts"][0]["clip"]
    assert np.frombuffer(xs, np.int16)[0] / 8 == pytest.approx(left + width / 4, abs=0.1)
    assert np.frombuffer(ys, np.int16)[0] / 8 == pytest.approx(top + height / 2, abs=0.1)
    assert live.answer({"ask": 1, "positions": [50, 100]})[0]["heads"]["text"] == "50 100"
    message, buffers = live.answer({"ask": 0, "positions": [50, 1000]})
    assert "IndexError" in message["error"] and buffers == [], "a callback's error reaches the reader"


def test_the_widget_answers_what_it_is_asked():
    fig, ax = style.figure()
    live = LiveFigure(fig, "Large.", a=Slider("a", np.arange(201)), b=Slider("b", np.arange(200)))
    live.points(ax, lambda a, b: (a, b))
    view, sent = live.widget(), []
    assert view.state == [100, 100] and view.spec["parts"][0]["ask"] == 0
    view.send = lambda message, buffers=(): sent.append((message, buffers))
    view._handle_custom_msg({"ask": 0, "positions": [5, 6]}, [])
    assert sent == [live.answer({"ask": 0, "positions": [5, 6]})]


def test_an_error_at_a_far_position_comes_up_before_the_figure_is_shown():
    fig, ax = style.figure()
    live = LiveFigure(fig, "Broken.", a=Slider("a", [1, 2, 7], start=1))
    live.line(ax, lambda a: ([0, a], [0, 1 / (int(a) - 7)]))
    with pytest.raises(ZeroDivisionError):
        live.encode()


@pytest.mark.parametrize("states, points, asks", [(20_000, 1, False), (20_001, 1, True), (2, 1000, False)])
def test_tables_over_too_many_positions_stay_with_the_kernel(states, points, asks):
    fig, ax = style.figure()
    live = LiveFigure(fig, "Limits.", n=Slider("n", np.arange(states)))
    live.points(ax, lambda n: (np.full(points, n), np.zeros(points)))
    (part,) = live.encode()[0]["parts"]
    assert ("ask" in part) == asks


@pytest.mark.parametrize("points, asks", [(7500, False), (7501, True)])
def test_tables_above_three_megabytes_stay_with_the_kernel(points, asks):
    """A hundred states of so many points, two coordinates of two bytes each."""
    fig, ax = style.figure()
    live = LiveFigure(fig, "Limits.", n=Slider("n", np.arange(100)))
    row = np.zeros(points)
    live.line(ax, lambda n: (row, row + n))
    (part,) = live.encode()[0]["parts"]
    assert ("ask" in part) == asks and (asks or 100 * points * 2 * 2 == 3_000_000)


def test_the_spec_can_be_sent(figure):
    json.dumps(figure.encode()[0])


def test_what_is_stored_says_the_setting_and_the_numbers(figure):
    assert repr(figure) == "[Live figure, at n = 10, k = one] n is 10."


def test_the_still_picture_shows_what_moves_and_the_frame_does_not(figure):
    still, frame, size = figure.pictures()
    still, frame = (plt.imread(io.BytesIO(data)) for data in (still, frame))
    assert still.shape[:2] == frame.shape[:2] == (760, 1760) and size == (880, 380)
    assert (still != frame).any()
    assert not plt.fignum_exists(figure.fig.number), "the figure is closed: the notebook shows it no second time"


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


def test_the_browser_draws_every_kind_of_part():
    def kinds(cls):
        return {cls.kind} | {kind for sub in cls.__subclasses__() for kind in kinds(sub)}

    script = (Path(parts.__file__).parent / "live.js").read_text(encoding="utf-8")
    table = script[script.index("const draw = {") : script.index("\n};", script.index("const draw = {"))]
    drawn = set(re.findall(r"^  (\w+)\(c, p, read\)", table, re.M))
    assert drawn == kinds(parts.Part) - {"", "field", "caption"}  # of these two nothing is drawn on the picture
    assert f"NOWHERE = {parts.NOWHERE}, SCALE = {parts.SCALE};" in script


@pytest.fixture
def hidden(figure):
    """A figure with a guess on its y axis, a log scale from 10⁻³ to 10³; the curve and the caption are the answer."""
    return figure.with_guess(figure.fig.axes[0], "y", "How high?", hides=["curve"], low=0.01, high=100)


def test_a_guess_hides_its_answer_in_the_stored_picture_and_in_words(figure, hidden):
    assert repr(hidden) == "[Live figure with a guess, at n = 10, k = one] How high?"
    still, frame, _ = hidden.pictures()
    curve = next(part for part in hidden._parts if part.name == "curve")
    assert still != frame and curve.artist.get_visible(), "the points are in the still, the frame has no parts"
    assert hidden.at()["caption"] == "n is 10.", "the numbers are there for who asks for them"


def test_a_stored_picture_with_all_its_parts_hidden_is_the_frame(figure):
    still, frame, _ = figure.with_guess(figure.fig.axes[0], "y", "?", hides=["curve", "mark", "note"]).pictures()
    assert still == frame


def test_a_guess_as_the_browser_gets_it(hidden):
    spec, _ = hidden.encode()
    guess = spec["guess"]
    assert [spec["parts"][k]["kind"] for k in guess["hides"]] == ["line"] and guess["axis"] == "y"
    assert guess["key"] == "A line. How high?" and guess["question"] == "How high?" and guess["label"] == "y"
    _, top, _, height = guess["clip"]
    np.testing.assert_allclose(np.array(guess["pixels"])[[0, 100, 200]], top + height * np.array([5, 3, 1]) / 6, atol=1)
    assert [guess["texts"][k] for k in (0, 100, 200)] == ["0.01", "1", "100"]
    assert guess["clip"] == pytest.approx(spec["parts"][guess["hides"][0]]["clip"])


def test_a_guess_on_the_x_axis_takes_its_limits_and_its_label(figure):
    ax = figure.fig.axes[0]
    ax.set_xlabel("width")
    guess = figure.with_guess(ax, "x", "How wide?", hides=[]).encode()[0]["guess"]
    left, _, width, _ = guess["clip"]
    np.testing.assert_allclose([guess["pixels"][0], guess["pixels"][-1]], [left, left + width], atol=0.2)
    assert guess["texts"][0] == "0" and guess["texts"][-1] == "1" and guess["label"] == "width"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"axis": "z"}, "not 'z'"),
        ({"low": 1e-9}, "the axis from 0.001"),
        ({"low": 2, "high": 1}, "the guess goes from 2 to 1"),
        ({"hides": ["line"]}, "no part 'line' to hide"),
    ],
)
def test_a_guess_that_the_figure_cannot_take(figure, words, reason):
    with pytest.raises(ValueError, match=reason):
        figure.with_guess(**{"ax": figure.fig.axes[0], "axis": "y", "question": "?", "hides": ["curve"], **words})
