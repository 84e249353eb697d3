"""The README's moving picture: a slider of lesson 03's live figure, moved in headless Chromium; ``make animation``.

The page holds the figure's tables and the ``live.js`` that JupyterLab loads; no kernel runs. Each position of the
slider is one picture, and all together are a GIF, which every host shows.
"""

import base64
import io
import json
import os
import platform
import sys

from PIL import Image

from sltcourse.kit import assets
from sltcourse.lessons.volume_scaling import live_shrinking_set
from tests.browser import lab
from tests.notebooks.lessons import ROOT

COMMAND = "make animation"
NAME = "readme/volume_scaling.gif"
LOSS, SLIDER, STEP = "w₁² w₂²", "ε", 2  # every second position
SOON, LAST = 90, 2200  # milliseconds that a picture stands, and the last one
SHARPNESS, COLORS = 1.5, 48

PAGE = """<!doctype html><meta charset="utf-8">
<style>body { margin: 0; background: #fff; font: 14px "DejaVu Sans", Verdana, sans-serif; width: max-content; }
CSS .slt-live { padding: 10px 14px; }</style><div id="figure"></div><script type="module">
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const told = TOLD, model = { get: key => told[key], set() {}, save_changes() {}, send() {}, on() {}, off() {} };
told.tables = bytes(told.tables); told.background = bytes(told.background);
const { default: widget } = await import("data:text/javascript;base64,SCRIPT");
widget.render({ model, el: document.getElementById("figure") });
</script>"""


def page_of(live):
    """A page with a live figure alone in it."""
    spec, tables = live.encode()
    asked = [part["kind"] for part in spec["parts"] if "ask" in part]
    assert not asked, f"a part asks the kernel: {asked}"
    told = {
        "spec": spec,
        "tables": base64.b64encode(tables).decode(),
        "background": base64.b64encode(live.pictures()[1]).decode(),
        "state": [control.start for control in live.controls.values()],
    }
    kit = ROOT / "sltcourse" / "kit"
    script = base64.b64encode((kit / "live.js").read_bytes()).decode()
    css = (kit / "live.css").read_text(encoding="utf-8")
    told = json.dumps(told, ensure_ascii=False).replace("</", "<\\/")
    return PAGE.replace("CSS", css).replace("SCRIPT", script).replace("TOLD", told)


def frames(page, live):
    """A picture of the figure at each position of the slider, from its highest to its lowest value."""
    page.set_content(page_of(live))
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
