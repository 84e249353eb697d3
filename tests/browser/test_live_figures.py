"""Every lesson in real JupyterLab in headless Chromium: it runs, and every live figure follows mouse and keyboard."""

import base64
import io

import matplotlib.pyplot as plt
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
