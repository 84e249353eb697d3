"""The README's moving picture: a slider of lesson 03's live figure, moved in headless Chromium; ``make animation``.

The page is the one that the book's gallery embeds: no kernel runs. Each position of the slider is one picture, and all
together are a GIF, which every host shows.
"""

import io
import os
import platform
import sys

from PIL import Image

from sltcourse.kit import assets
from sltcourse.kit.book import gallery, packed
from sltcourse.lessons.volume_scaling import live_shrinking_set
from tests.browser import lab
from tests.notebooks.lessons import ROOT

COMMAND = "make animation"
NAME = "readme/volume_scaling.gif"
LOSS, STEP = "w₁² w₂²", 2  # every second position of the slider
SOON, LAST = 90, 2200  # milliseconds that a picture stands, and the last one
SHARPNESS, COLORS = 1.5, 48

KEY = "03_volume_scaling/shrinking-set"


def frames(page, live):
    """A picture of the figure at each position of the slider, from its highest to its lowest value."""
    page.set_content(gallery.embed(KEY, packed.packed(KEY, live), "Volume scaling"))
    page.add_style_tag(content=".slt-live { padding: 10px 14px; width: max-content; }")
    figure = page.locator(".slt-live")
    figure.wait_for()
    page.wait_for_timeout(300)
    menu, slider = figure.locator("select"), figure.locator("input[type=range]")
    menu.select_option(label=LOSS)
    last = int(slider.get_attribute("max"))
    for position in range(last, -1, -STEP):
        slider.evaluate("(e, at) => { e.value = at; e.dispatchEvent(new Event('input')); }", position)
        yield Image.open(io.BytesIO(figure.screenshot())).convert("RGB")


def main():
    live = live_shrinking_set()
    with lab.browser() as page:
        sharp = page.context.browser.new_page(viewport={"width": 900, "height": 800}, device_scale_factor=SHARPNESS)
        pictures = list(frames(sharp, live))
    palette = pictures[len(pictures) // 2].quantize(COLORS, method=Image.Quantize.MEDIANCUT)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    target = ROOT / "assets" / NAME
    waits = [LAST // 2, *[SOON] * (len(flat) - 2), LAST]
    flat[0].save(target, save_all=True, append_images=flat[1:], duration=waits, loop=0, optimize=True)
    assets.record(NAME, COMMAND, f"{platform.machine()}, {platform.system()}, headless Chromium")
    print(f"{target.relative_to(ROOT)}: {len(flat)} pictures of {flat[0].size}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    if lab.chromium() is None:
        sys.exit("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    os.chdir(ROOT)
    main()
