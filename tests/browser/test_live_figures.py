"""Every lesson in real JupyterLab in headless Chromium: it runs, and every live figure follows mouse and keyboard."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.browser import lab
from tests.notebooks.lessons import NAMES, PATHS, ROOT, read

pytest.importorskip("playwright", reason="needs playwright: pip install -c constraints.txt -e '.[browser]'")
if lab.chromium() is None:
    pytest.skip("needs Chromium: apt-get install chromium, or set CHROMIUM", allow_module_level=True)


@pytest.fixture(scope="module")
def address():
    with lab.jupyterlab(ROOT) as address:
        yield address


@pytest.fixture(scope="module")
def page():
    with lab.browser() as page:
        yield page


def picture(canvas):
    """The canvas' pixels as an array (height, width, 3), between 0 and 1."""
    url = canvas.evaluate("c => c.toDataURL('image/png')")
    return plt.imread(io.BytesIO(base64.b64decode(url.split(",")[1])))[..., :3]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_lesson_and_its_live_figures(page, address, path):
    lab.run_all(page, address(f"notebooks/{path.name}"))
    sliders = lab.sliders(page)
    figures = page.locator(".slt-live")
    stills = [
        o.data["image/png"]
        for c in read(path).cells
        if c.cell_type == "code"
        for o in c.outputs
        if o.get("data", {}).get("text/plain", "").startswith("[Live figure, ")
    ]
    assert figures.count() == len(stills) > 0 and sliders
    for i, still in enumerate(stills):
        canvas = figures.nth(i).locator("canvas")
        canvas.scroll_into_view_if_needed()
        assert canvas.get_attribute("aria-label")
        stored = plt.imread(io.BytesIO(base64.b64decode(still)))[..., :3]
        shown = picture(canvas)
        assert shown.shape == stored.shape
        different = (abs(shown - stored).max(axis=2) > 0.35).mean()
        assert different < 0.01, f"figure {i} differs from its still picture in {different:.1%} of its pixels"
    for slider in sliders:
        figure = slider.locator("xpath=ancestor::div[contains(@class, 'slt-live')]")
        canvas, readout = figure.locator("canvas"), slider.locator("xpath=ancestor::div[1]").locator("output")
        slider.scroll_into_view_if_needed()
        before, said = picture(canvas), readout.inner_text()
        slider.focus()
        page.keyboard.press("End" if slider.input_value() != slider.get_attribute("max") else "Home")
        assert readout.inner_text() != said and readout.inner_text().startswith("= ")
        assert (picture(canvas) != before).any(), f"the picture stands still when {said} moves"
        box, middle, said = slider.bounding_box(), picture(canvas), readout.inner_text()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert readout.inner_text() != said and (picture(canvas) != middle).any()
    assert page.locator(".slt-trouble").count() == 0
    assert lab.violations(page) == []


def kernel(page, act):
    """Restart or shut down the notebook's kernel and wait until it is so."""
    page.evaluate(f"() => jupyterapp.shell.currentWidget.sessionContext.{act}()")


@pytest.mark.timeout(300)
def test_without_running_the_pictures_stand_still(page, address):
    lab.opened(page, address("notebooks/03_volume_scaling.ipynb"))
    stored = [o for c in read(ROOT / "notebooks" / "03_volume_scaling.ipynb").cells for o in c.get("outputs", [])]
    assert lab.pictures(page) == sum("image/png" in o.get("data", {}) for o in stored) > 0
    assert page.locator(".slt-live").count() == 0 and lab.violations(page) == []


@pytest.mark.timeout(300)
def test_a_second_run_after_a_restart_and_a_reload_without_a_kernel(page, address):
    place = address("notebooks/03_volume_scaling.ipynb")
    lab.run_all(page, place)
    count = len(lab.sliders(page))
    kernel(page, "session.kernel.restart")
    page.wait_for_function("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
    lab.run_all(page, place)
    assert len(lab.sliders(page)) == count and page.locator(".slt-trouble").count() == 0
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    kernel(page, "shutdown")
    lab.opened(page, place)
    shown = lab.pictures(page) + page.locator(".slt-live").count()
    broken = page.get_by_text("Error displaying widget").count() + page.get_by_text("Error creating widget").count()
    assert broken == 0 and shown >= count


@pytest.mark.timeout(300)
def test_two_live_figures_do_not_disturb_each_other(page, address):
    lab.run_all(page, address("notebooks/03_volume_scaling.ipynb"))
    lab.sliders(page)
    first, second = (page.locator(".slt-live").nth(i) for i in (0, 1))
    before = picture(first.locator("canvas")), picture(second.locator("canvas"))
    slider = second.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    slider.focus()
    page.keyboard.press("End")
    assert (picture(second.locator("canvas")) != before[1]).any()
    assert (picture(first.locator("canvas")) == before[0]).all()


@pytest.mark.timeout(300)
def test_sliders_have_names_and_the_order_of_the_page(page, address):
    """What a screen reader and the tab key meet: a name and a value in words for each slider, in reading order."""
    lab.run_all(page, address("notebooks/03_volume_scaling.ipynb"))
    sliders = lab.sliders(page)
    for slider in sliders:
        name = slider.evaluate("s => s.getAttribute('aria-label') || s.labels?.[0]?.textContent || ''")
        assert name.strip() and slider.get_attribute("aria-valuetext")
    several = page.locator(".slt-live").filter(has=page.locator("input[type=range]"))
    figure = next(several.nth(i) for i in range(several.count()) if several.nth(i).locator("input").count() > 1)
    controls = figure.locator("input, select")
    controls.first.scroll_into_view_if_needed()
    controls.first.focus()
    for i in range(1, controls.count()):
        page.keyboard.press("Tab")
        assert controls.nth(i).evaluate("c => c === document.activeElement")


def contrast(one, other):
    """WCAG's contrast of two pictures, pixel by pixel."""

    def luminance(colors):
        linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    one, other = luminance(one) + 0.05, luminance(other) + 0.05
    return np.maximum(one, other) / np.minimum(one, other)


@pytest.mark.timeout(300)
def test_colours_and_focus_in_both_themes(page, address):
    lab.run_all(page, address("notebooks/01_fisher_information.ipynb"))
    lab.sliders(page)
    page.evaluate("() => document.querySelector('.slt-caption').classList.add('slt-trouble')")
    controls = page.locator(".slt-live").first.locator("input, select")
    try:
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            lab.themed(page, theme)
            assert lab.violations(page) == [], theme
            controls.first.scroll_into_view_if_needed()
            for i in range(controls.count()):
                box = controls.nth(i).bounding_box()
                sides = {"width": box["width"] + 16, "height": box["height"] + 16}
                around = {"x": box["x"] - 8, "y": box["y"] - 8, **sides}
                page.evaluate("() => document.activeElement.blur()")
                without = plt.imread(io.BytesIO(page.screenshot(clip=around)))[..., :3]
                controls.nth(i).focus()
                focused = plt.imread(io.BytesIO(page.screenshot(clip=around)))[..., :3]
                ring = (contrast(focused, without) >= 3).sum()
                assert ring > 2 * (box["width"] + box["height"]), f"{theme}: control {i} does not show its focus"
    finally:
        lab.themed(page, "JupyterLab Light")
