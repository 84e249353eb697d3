"""What a live figure has to do in a browser, in whichever front end it stands."""

import base64
import io

import matplotlib.pyplot as plt


def picture(canvas):
    """The canvas' pixels as an array (height, width, 3), between 0 and 1."""
    url = canvas.evaluate("c => c.toDataURL('image/png')")
    return decoded(url.split(",")[1])


def decoded(png):
    """The pixels of a PNG in base64."""
    return plt.imread(io.BytesIO(base64.b64decode(png)))[..., :3]


def stand(page, outputs):
    """Every live figure is on the page, has a name, and looks like the still picture in its output."""
    stills = [data["image/png"] for data in outputs if data.get("text/plain", "").startswith("[Live figure")]
    figures = page.locator(".slt-live")
    for _ in range(100):  # the kernel is idle before the last widget is drawn
        if figures.count() >= len(stills):
            break
        page.wait_for_timeout(100)
    assert figures.count() == len(stills) > 0
    for i, still in enumerate(stills):
        canvas = figures.nth(i).locator("canvas")
        canvas.scroll_into_view_if_needed()
        assert canvas.get_attribute("aria-label")
        stored, shown = decoded(still), picture(canvas)
        assert shown.shape == stored.shape
        different = (abs(shown - stored).max(axis=2) > 0.35).mean()
        assert different < 0.01, f"figure {i} differs from its still picture in {different:.1%} of its pixels"


def follow(page, sliders):
    """Every slider moves by key and by mouse; its readout and its picture follow; no figure is in trouble.

    Guesses within the figures are made before that: until then a figure may hide what a slider moves.
    """
    assert sliders
    waiting = page.locator(".slt-guess-line").get_by_role("button", name="That is my guess")
    for _ in range(waiting.count()):
        waiting.first.scroll_into_view_if_needed()
        waiting.first.click()
    for slider in sliders:
        figure = slider.locator("xpath=ancestor::div[contains(@class, 'slt-live')]")
        canvas, readout = figure.locator("canvas"), slider.locator("xpath=ancestor::div[1]").locator("output")
        slider.scroll_into_view_if_needed()
        before, said = picture(canvas), readout.inner_text()
        slider.focus()
        key = "End" if slider.input_value() != slider.get_attribute("max") else "Home"
        page.keyboard.press(key)
        assert readout.inner_text() != said and readout.inner_text().startswith("= ")
        assert (picture(canvas) != before).any(), f"the picture stands still when {said} moves"
        box, middle, said = slider.bounding_box(), picture(canvas), readout.inner_text()
        share = 0.25 if key == "End" else 0.75  # away from that end, where a slider has two places only too
        page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        assert readout.inner_text() != said and (picture(canvas) != middle).any()
    assert page.locator(".slt-trouble").count() == 0
