"""Figures in a page without Jupyter, opened from disk: by mouse, key and finger, on a phone and on a desktop."""

import base64
import contextlib

import numpy as np
import pytest
from PIL import Image

from sltcourse.kit import guess, style
from sltcourse.kit.book import gallery, packed
from sltcourse.kit.live import LiveFigure, Menu, Slider
from tests.browser.figures import decoded, picture

DESKTOP = {"viewport": {"width": 1400, "height": 800}}
PHONE = {"viewport": {"width": 375, "height": 700}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True}
PAGE = """<!doctype html><html lang="en" data-content_root="../"><meta charset="utf-8"><title>Figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>body { margin: 16px; font: 16px sans-serif }
@media (prefers-color-scheme: dark) { body { background: #131416; color: #cfd0d0 } }
CSS</style><main><h1>Figures</h1>BODY</main><script defer src="../live.bundle.js"></script>
<script defer src="../book.js"></script></html>"""


def panels():
    """Two panels, with every kind of part."""
    fig, (left, right) = style.figure(1, 2, height=3.4, width_ratios=[1, 1.3])
    left.set(xlim=(-1, 1), ylim=(-1, 1), xlabel="x", title="the left one")
    right.set(xlim=(0, 1), ylim=(0, 10), xlabel="t", ylabel="height")
    x = np.linspace(-1, 1, 41)
    field = np.hypot(*np.meshgrid(x, x))
    levels = Slider("r", np.linspace(0.1, 1, 31))
    live = LiveFigure(
        fig, "A disc, and lines.", kind=Menu("kind", ["one", "two"]), r=levels, n=Slider("n", range(1, 10))
    )
    box = (-1, 1, -1, 1)
    live.image(left, lambda kind: field if kind == "one" else 1 - field, box, 0, 2, alpha=0.5)
    live.region(left, field, lambda r: r, box, "C1")
    live.line(right, lambda n, kind: (x, n * x + (kind == "two")), color="C0")
    live.band(right, lambda n: (x, n * x - 1, n * x + 1), color="C0")
    live.points(right, lambda r, n: (r, n), color="C1", markersize=9)
    live.text(right, lambda n: (0.05, 9, f"n is {n}"))
    return live.caption(lambda r, n: f"r is {r:.2f}, n is {n}.")


def single():
    """One panel, whose answer is hidden until there is a guess on its y axis."""
    fig, ax = style.figure(height=3.4)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="x", ylabel="level")
    live = LiveFigure(fig, "A level.", n=Slider("n", [1, 2, 3]))
    live.points(ax, lambda n: (n / 4, 0.9), color=style.COLORS["regular"], markersize=12)
    live.line(ax, lambda: ([0, 1], [0.25, 0.25]), name="answer", color=style.COLORS["singular"], lw=4)
    live.caption(lambda n: f"It is a quarter; n is {n}.")
    return live.with_guess(ax, "y", "Where is the level?", hides=["answer"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page in a subfolder, its scripts beside it; the stills of its live figures."""
    root = tmp_path_factory.mktemp("site")
    which = guess.choice("which", "Which one?", ["A. line", "B. point"], answer="B. point", because="It is smaller.")
    body, stills = "", {}
    for name, figure in (("panels", panels()), ("single", single()), ("guess-which", which)):
        key = f"00_test/{name}"
        file = root / "_live" / f"{key}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(packed.packed(key, figure), encoding="utf-8")
        if isinstance(figure, LiveFigure):
            stills[name] = figure.pictures()[0]
            file.with_suffix(".png").write_bytes(stills[name])
        still = f"../_live/{key}.png"
        body += f'<h2>{name}</h2>{packed.placeholder(key, figure, still)}<p class="after">What follows.</p>'
    body += '<div style="height: 3000px"></div>'
    (root / "live.bundle.js").write_text(packed.bundle(), encoding="utf-8")
    (root / "book.js").write_bytes((packed.HERE / "book.js").read_bytes())
    css = (packed.KIT / "live.css").read_text(encoding="utf-8")
    (root / "sub").mkdir()
    (root / "sub" / "index.html").write_text(PAGE.replace("CSS", css).replace("BODY", body), encoding="utf-8")
    return root, stills


@contextlib.contextmanager
def opened(page, address, **context):
    """A page in a context of its own, with its figures drawn; it may say nothing and ask nobody else for anything."""
    own = page.context.browser.new_context(**context)
    tab, said, asked = own.new_page(), [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(address.as_uri())
    tab.evaluate("""async () => { for (const place of document.querySelectorAll('.slt-figure')) {
        place.scrollIntoView(); await new Promise(done => setTimeout(done, 50)); } scrollTo(0, 0); }""")
    tab.wait_for_function("() => !document.querySelector('.slt-coming, .slt-figure > :is(.slt-still, .slt-guess)')")
    yield tab
    assert said == [] and asked and all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    own.close()


def violations(tab):
    from axe_playwright_python.sync_playwright import Axe

    return [found["id"] for found in Axe().run(tab).response["violations"]]


@pytest.mark.parametrize("context", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_control_moves_the_picture_by_key_and_by_mouse(page, site, context):
    with opened(page, site[0] / "sub" / "index.html", **context) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") == context["viewport"]["width"]
        assert tab.locator(".slt-live").count() == 2 and tab.locator("div.slt-guess button").count() == 2
        for slider in tab.locator("input[type=range]").all():
            figure = slider.locator("xpath=ancestor::div[contains(@class, 'slt-live')]")
            canvas, readout = figure.locator("canvas"), slider.locator("xpath=ancestor::div[1]").locator("output")
            for act in ("Home", "End", "Home", "PageUp", "ArrowLeft", "mouse"):
                before, said = picture(canvas), readout.inner_text()
                if act == "mouse":
                    slider.scroll_into_view_if_needed()
                    box = slider.bounding_box()
                    assert box["height"] >= (44 if context is PHONE else 24)
                    tab.mouse.click(box["x"] + 0.97 * box["width"], box["y"] + box["height"] / 2)
                else:
                    slider.focus()
                    tab.keyboard.press(act)
                if readout.inner_text() != said:
                    assert (picture(canvas) != before).any(), f"the picture stands still at {act}"
                else:
                    assert act == "Home" or act == "ArrowLeft"
            assert readout.inner_text() != said or act != "mouse"
        caption = tab.locator(".slt-live .slt-caption").first
        assert caption.inner_text() == "r is 1.00, n is 9." and caption.get_attribute("aria-live") == "polite"
        assert tab.locator("canvas").first.get_attribute("aria-label") == "A disc, and lines."


def test_the_picture_is_the_still_one_and_on_a_phone_its_columns_one_below_the_other(page, site):
    root, stills = site
    with opened(page, root / "sub" / "index.html", **DESKTOP) as tab:
        canvas = tab.locator("canvas").first
        wide, stored = picture(canvas), decoded(base64.b64encode(stills["panels"]).decode())
        assert wide.shape == stored.shape and (abs(wide - stored).max(axis=2) > 0.35).mean() < 0.01
        tab.set_viewport_size({"width": 400, "height": 800})
        tab.wait_for_function("() => document.querySelector('canvas').height > 1000")
        stack = picture(canvas)
        columns = tab.evaluate("""() => JSON.parse(document.querySelector('.slt-figure').dataset.shape).columns""")
        assert len(columns) == 2
        most, top = 2 * max(b - a for a, b, *_ in columns), 0
        for a, b, c, d in columns:
            column = (255 * wide[2 * c : 2 * d, 2 * a : 2 * b]).astype(np.uint8)
            high = 2 * round((d - c) * most / (2 * (b - a)))
            there = np.asarray(Image.fromarray(column).resize((most, high), Image.Resampling.BILINEAR)) / 255
            assert np.abs(stack[top : top + high, :most] - there).mean() < 0.01, "the same picture, elsewhere"
            top += high
        assert top == len(stack)
        tab.set_viewport_size({"width": 1000, "height": 800})
        tab.wait_for_function("() => document.querySelector('canvas').height < 1000")
        assert np.array_equal(picture(canvas), wide)


@pytest.mark.parametrize("context", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_jumps_when_a_figure_comes_alive(page, site, context):
    """Where the text below each figure stands before its script runs, and after."""
    where = "() => [...document.querySelectorAll('.after')].map(p => p.getBoundingClientRect().top + scrollY)"
    own = page.context.browser.new_context(**context)
    tab = own.new_page()
    tab.route("**/_live/**/*.js", lambda route: route.abort())
    tab.goto((site[0] / "sub" / "index.html").as_uri())
    before = tab.evaluate(where)
    assert tab.locator(".slt-live").count() == 0 and tab.locator("img.slt-still").count() == 2
    tab.unroute_all()  # what could not be loaded is tried again when it is met again
    tab.evaluate("() => scrollTo(0, 1e6)")
    tab.wait_for_timeout(200)
    tab.evaluate("() => scrollTo(0, 0)")
    tab.wait_for_selector(".slt-live")
    own.close()
    with opened(page, site[0] / "sub" / "index.html", **context) as tab:
        steps = np.diff([0, *tab.evaluate(where)]) - np.diff([0, *before])
    assert np.abs(steps[:2]).max() <= 30, steps


def drag(tab, start, end):
    """A finger that goes from one place to another."""
    client = tab.context.new_cdp_session(tab)
    points = np.linspace(start, end, 12)
    for k, (x, y) in enumerate(points):
        kind = "touchMove" if k else "touchStart"
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": float(x), "y": float(y)}]})
        tab.wait_for_timeout(20)
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_timeout(300)


def test_a_finger_moves_sliders_and_the_line_of_a_guess_and_scrolls_everywhere_else(page, site):
    with opened(page, site[0] / "sub" / "index.html", **PHONE) as tab:
        figure = tab.locator(".slt-live").nth(1)
        figure.evaluate("f => scrollTo(0, f.getBoundingClientRect().top + scrollY - 20)")
        slider, handle = figure.locator("input").first, figure.locator(".slt-handle")
        top, box = tab.evaluate("scrollY"), slider.bounding_box()
        middle = box["y"] + box["height"] / 2
        drag(tab, (box["x"] + box["width"] / 2, middle), (box["x"] + box["width"], middle + 60))
        assert slider.input_value() == "2" and tab.evaluate("scrollY") == top
        line, canvas = handle.bounding_box(), figure.locator("canvas").bounding_box()
        said = figure.locator(".slt-guess-line output")
        assert said.inner_text() == "level = 0.5" and line["x"] > canvas["x"] and line["width"] > 0.7 * canvas["width"]
        drag(tab, (line["x"] + 80, line["y"]), (line["x"] + 80, line["y"] + 0.2 * canvas["height"]))
        level = float(said.inner_text().removeprefix("level = "))
        assert 0.2 < level < 0.3 and tab.evaluate("scrollY") == top, "the line follows, the page stands"
        assert abs(handle.bounding_box()["y"] - line["y"] - 0.2 * canvas["height"]) < 3, "where the finger is"
        drag(tab, (line["x"] + 80, line["y"] + 20), (line["x"] + 80, line["y"] - 130))
        assert tab.evaluate("scrollY") > top + 50 and said.inner_text() == f"level = {level:g}"
        figure.get_by_role("button", name="That is my guess").tap()
        assert "It is a quarter" in figure.inner_text() and not handle.is_visible()


@pytest.mark.parametrize("context", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, site, context, scheme):
    with opened(page, site[0] / "sub" / "index.html", color_scheme=scheme, **context) as tab:
        assert violations(tab) == []
        for name in ("A. line", "That is my guess"):
            tab.get_by_role("button", name=name).click()
        assert violations(tab) == []


def test_on_paper_the_pictures_and_the_numbers_without_what_cannot_be_moved(page, site):
    with opened(page, site[0] / "sub" / "index.html", **DESKTOP) as tab:
        tab.emulate_media(media="print")
        assert not tab.locator("input[type=range]").first.is_visible() and tab.locator("canvas").first.is_visible()
        assert tab.locator(".slt-live output").nth(1).is_visible()


def test_a_page_of_its_own(page, site, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "sentence", lambda key: "Slide n: the level stays.")
    script = (site[0] / "_live" / "00_test" / "single.js").read_text(encoding="utf-8")
    alone = tmp_path / "single.html"
    alone.write_text(gallery.embed("00_test/single", script, "Test"), encoding="utf-8")
    with opened(page, alone, viewport={"width": 700, "height": 600}) as tab:
        canvas = tab.locator("canvas")
        before = picture(canvas)
        tab.locator("input").first.focus()
        tab.keyboard.press("Home")
        assert (picture(canvas) != before).any() and violations(tab) == []
        tab.emulate_media(color_scheme="dark")
        assert violations(tab) == [] and "rgb(19, 20, 22)" in tab.evaluate("getComputedStyle(document.body).background")
        assert tab.evaluate("document.documentElement.scrollHeight") <= 600
