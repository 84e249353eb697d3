"""Guesses in headless Chromium, without Jupyter: mouse and keyboard, both themes, the accessibility rules of axe."""

import base64
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sltcourse.kit import guess, style
from sltcourse.kit.live import LiveFigure, Slider
from tests.browser.figures import picture

DARK = ":root{--jp-ui-font-color1:#fff;--jp-layout-color2:#424242;--jp-border-color0:#888} body{background:#111}"
PAGE = """<!doctype html><html lang="en"><title>Guesses</title><style>THEME CSS</style>
<main><h1 style="color:#767676">Guesses</h1></main><script type="module">
const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
for (const { code, values } of WIDGETS) {
  const { default: view } = await import('data:text/javascript;base64,' + code);
  for (const name of ['tables', 'background', 'narrow']) if (values[name]) values[name] = bytes(values[name]);
  const el = document.createElement('div');
  document.querySelector('main').append(el);
  view.render({ model: { get: name => values[name], set() {}, on() {}, off() {}, save_changes() {} }, el });
}
window.ready = true;
</script></html>"""


def shown(page, widgets, theme):
    """A page with widgets, of whose guesses nothing is known yet."""
    sent = []
    for widget in widgets:
        values = {name: getattr(widget, name, None) for name in ("spec", "state", "tables", "background", "narrow")}
        encoded = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in values.items()}
        sent.append({"code": base64.b64encode(widget._esm.encode()).decode(), "values": encoded})
    text = PAGE.replace("THEME", theme).replace("CSS", widgets[0]._css).replace("WIDGETS", json.dumps(sent))
    page.unroute_all()
    page.route("http://guesses.test/", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    page.goto("http://guesses.test/")
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.wait_for_function("window.ready")
    return page


@pytest.fixture(params=["", DARK], ids=["light", "dark"])
def guesses(page, request):
    made = [
        guess.choice("which", "Which one?", ["A. line", "B. point"], answer="B. point", because="It is smaller."),
        guess.number("many", "How many?", 0, 10, answer=7.5, unit="min", because="As counted."),
    ]
    return shown(page, [g.widget() for g in made], request.param)


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    return [found["id"] for found in Axe().run(page).response["violations"]]


def test_no_answer_before_the_guess_and_both_after_it(guesses):
    shown = guesses.locator("main")
    assert "answer" not in shown.inner_text() and "smaller" not in shown.inner_html()
    assert "the answer" not in shown.inner_html() and violations(guesses) == []
    guesses.get_by_role("button", name="A. line").click()
    assert "A. line\nyour guess" in shown.inner_text() and "B. point\nthe answer" in shown.inner_text()
    assert "It is smaller." in shown.inner_text() and "As counted" not in shown.inner_html()
    guesses.get_by_role("button", name="That is my guess").click()
    assert "your guess: 5 min" in shown.inner_html() and "the answer: 7.5 min" in shown.inner_html()
    assert violations(guesses) == []


def test_from_the_keyboard_alone_and_again(guesses):
    guesses.keyboard.press("Tab")
    guesses.keyboard.press("Tab")
    guesses.keyboard.press("Enter")
    assert "As you guessed. It is smaller." in guesses.locator("main").inner_text()
    guesses.keyboard.press("Tab")
    for _ in range(10):
        guesses.keyboard.press("ArrowRight")
    assert guesses.locator("input").get_attribute("aria-valuetext") == "5.5 min"
    guesses.keyboard.press("Tab")
    guesses.keyboard.press("Space")
    assert "your guess: 5.5 min" in guesses.locator("main").inner_html()
    guesses.keyboard.press("Enter")  # the focus is on "Guess again"
    assert guesses.locator("input").count() == 1 and "As counted" not in guesses.locator("main").inner_html()


def test_a_second_run_of_the_cell_keeps_the_guess(guesses):
    guesses.get_by_role("button", name="A. line").click()
    guesses.reload()
    guesses.wait_for_function("window.ready")
    assert "A. line\nyour guess" in guesses.locator("main").inner_text()


@pytest.fixture(params=["", DARK], ids=["light", "dark"])
def figure(page, request):
    """A picture whose answer, a level line, is hidden until there is a guess on its y axis."""
    fig, ax = style.figure()
    ax.set(xlim=(0, 1), ylim=(0, 1), ylabel="level")
    live = LiveFigure(fig, alt="A square.", n=Slider("n", [1, 2, 3]))
    live.points(ax, lambda n: (n / 4, 0.9))
    live.line(ax, lambda: ([0, 1], [0.25, 0.25]), name="answer", color=style.COLORS["singular"], lw=4)
    live.caption(lambda n: "It is a quarter.")
    live.with_guess(ax, "y", "Where is the level?", hides=["answer"])
    yield shown(page, [live.widget()], request.param)
    plt.close(fig)


def amount(page, color):
    """How many pixels of the canvas have a colour."""
    wanted = [int(color[k : k + 2], 16) for k in (1, 3, 5)]
    return int((np.abs(255 * picture(page.locator("canvas")) - wanted).max(axis=-1) < 12).sum())


def test_a_guess_is_dragged_into_the_picture_and_stays_beside_the_answer(figure):
    figure.wait_for_timeout(300)
    assert "quarter" not in figure.locator("main").inner_text() and violations(figure) == []
    assert amount(figure, style.COLORS["singular"]) == 0 and amount(figure, "#0072b2") > 500
    figure.locator("canvas").scroll_into_view_if_needed()
    box = figure.locator("canvas").bounding_box()
    figure.mouse.move(box["x"] + 400, box["y"] + 100)
    figure.mouse.down()
    figure.mouse.move(box["x"] + 400, box["y"] + 200, steps=4)
    figure.mouse.up()
    level = figure.locator(".slt-guess-line output").inner_text()
    assert level.startswith("level = 0.4") or level.startswith("level = 0.5")
    figure.get_by_role("button", name="That is my guess").click()
    assert "It is a quarter." in figure.locator("main").inner_text()
    assert amount(figure, style.COLORS["singular"]) > 500 and amount(figure, "#0072b2") > 500
    figure.mouse.move(box["x"] + 400, box["y"] + 50)
    figure.mouse.down()
    figure.mouse.up()
    assert figure.locator(".slt-guess-line output").inner_text() == level, "a guess that is made stays"
    assert violations(figure) == []


def test_the_line_moves_from_the_keyboard_and_can_be_taken_back(figure):
    line = figure.get_by_label("Where is the level?")
    line.focus()
    figure.keyboard.press("ArrowUp")
    assert line.get_attribute("aria-valuetext") == "level = 0.505"
    figure.keyboard.press("Tab")
    figure.keyboard.press("Enter")
    assert "It is a quarter." in figure.locator("main").inner_text()
    figure.keyboard.press("Enter")
    assert "quarter" not in figure.locator("main").inner_text() and amount(figure, style.COLORS["singular"]) == 0
