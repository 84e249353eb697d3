"""Every lesson in real JupyterLab in headless Chromium: it runs, and every live figure follows mouse and keyboard."""

import io
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.browser import figures, lab
from tests.browser.figures import picture
from tests.notebooks.lessons import NAMES, PATHS, ROOT, read


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """JupyterLab over a copy of the lessons: a test that saves one leaves the checkout as it is."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    with lab.server(root) as address:
        yield address


@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_lesson_and_its_live_figures(page, address, path):
    lab.run_all(page, address(f"notebooks/{path.name}"))
    sliders = lab.sliders(page)
    figures.stand(page, [o.get("data", {}) for c in read(path).cells for o in c.get("outputs", [])])
    figures.follow(page, sliders)
    assert lab.violations(page) == []


def kernel(page, act):
    """Restart or shut down the notebook's kernel and wait until it is so."""
    page.evaluate(f"() => jupyterapp.shell.currentWidget.sessionContext.{act}()")


@pytest.mark.timeout(300)
def test_without_running_the_pictures_stand_still(page, address):
    lab.opened(page, address("notebooks/03_volume_scaling.ipynb"))
    cells = read(ROOT / "notebooks" / "03_volume_scaling.ipynb").cells
    unfolded = [c for c in cells if not {"answer", "deeper"} & set(c.metadata.get("tags", []))]
    stored = [o for c in unfolded for o in c.get("outputs", [])]
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
    figure = next(several.nth(i) for i in range(several.count()) if several.nth(i).locator(".slt-control").count() > 1)
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
                x, y, width, height = controls.nth(i).bounding_box().values()
                around = {"x": x - 8, "y": y - 8, "width": width + 16, "height": height + 16}
                page.evaluate("() => document.activeElement.blur()")
                without = plt.imread(io.BytesIO(page.screenshot(clip=around)))[..., :3]
                controls.nth(i).focus()
                focused = plt.imread(io.BytesIO(page.screenshot(clip=around)))[..., :3]
                ring = (contrast(focused, without) >= 3).sum()
                assert ring > 2 * (width + height), f"{theme}: control {i} does not show its focus"
    finally:
        lab.themed(page, "JupyterLab Light")
