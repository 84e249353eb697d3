"""Guesses in headless Chromium, without Jupyter: mouse and keyboard, both themes, the accessibility rules of axe."""

import base64
import json

import pytest

from sltcourse.kit import guess
from tests.notebooks.lessons import ROOT

KIT = ROOT / "sltcourse" / "kit"
DARK = ":root{--jp-ui-font-color1:#fff;--jp-layout-color2:#424242;--jp-border-color0:#888} body{background:#111}"
PAGE = """<!doctype html><html lang="en"><title>Guesses</title><style>THEME CSS</style>
<main><h1 style="color:#767676">Guesses</h1></main><script type="module">
const { default: view } = await import('data:text/javascript;base64,CODE');
for (const spec of SPECS) {
  const el = document.createElement('div');
  document.querySelector('main').append(el);
  view.render({ model: { get: () => spec }, el });
}
window.ready = true;
</script></html>"""


@pytest.fixture(params=["", DARK], ids=["light", "dark"])
def guesses(page, request):
    """A page with a choice and a number, of which nothing is known yet."""
    made = [
        guess.choice("which", "Which one?", ["A. line", "B. point"], answer="B. point", because="It is smaller."),
        guess.number("many", "How many?", 0, 10, answer=7.5, unit="min", because="As counted."),
    ]
    words = {
        "THEME": request.param,
        "CSS": (KIT / "live.css").read_text(encoding="utf-8"),
        "CODE": base64.b64encode((KIT / "guess.js").read_bytes()).decode(),
        "SPECS": json.dumps([g.spec for g in made]),
    }
    text = PAGE
    for word, value in words.items():
        text = text.replace(word, value)
    page.route("http://guesses.test/", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    page.goto("http://guesses.test/")
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.wait_for_function("window.ready")
    return page


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
