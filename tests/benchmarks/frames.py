"""Pictures a second of the book's live figures, in headless Chromium; writes assets/latency/book.json.

Each slider of the gallery goes to its next position at each animation frame, to and fro, for a second, on a desktop's
screen and on a telephone's (375 pixels wide, three device pixels a pixel). A browser shows at most 60 pictures a second
here. Beside it stand the milliseconds that the figure's own script takes for a picture: the rest is the browser, which
in headless Chromium paints without a graphics card. Run it on an otherwise idle machine: make frames
"""

import json
import os
import platform
import sys
import time

from playwright.sync_api import sync_playwright

from sltcourse.kit import assets
from tests.browser import lab
from tests.browser.test_book import MEET_ALL
from tests.notebooks.lessons import ROOT

COMMAND = "make frames"
SCREENS = {
    "desktop": {"viewport": {"width": 1400, "height": 900}},
    "telephone": {"viewport": {"width": 375, "height": 800}, "device_scale_factor": 3, "has_touch": True},
}
# For each slider [figure, label, pictures a second, milliseconds of script for a picture].
RUN = """async () => {
  const rows = [], frame = () => new Promise(requestAnimationFrame);
  for (const figure of document.querySelectorAll('.slt-figure')) {
    figure.scrollIntoView({ block: 'center' });
    for (const input of figure.querySelectorAll('.slt-control input')) {
      const last = Number(input.max), begun = await frame();
      let pictures = 0, now = begun, script = 0;
      while (now - begun < 1000) {
        const at = pictures % (2 * last);
        input.value = at < last ? at : 2 * last - at;
        const before = performance.now();
        input.dispatchEvent(new Event('input', { bubbles: true }));
        script += performance.now() - before;
        now = await frame();
        pictures++;
      }
      const rate = 1000 * pictures / (now - begun);
      rows.push([figure.dataset.figure, input.labels[0].textContent, rate, script / pictures]);
    }
  }
  return rows;
}"""


def main() -> None:
    measured = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=lab.chromium(), args=["--no-sandbox"])
        for screen, settings in SCREENS.items():
            page = browser.new_context(**settings).new_page()
            page.goto((ROOT / "build" / "book" / "gallery.html").as_uri())
            if stuck := page.evaluate(MEET_ALL):
                sys.exit(f"the figure {stuck} does not come")
            measured[screen] = page.evaluate(RUN)
            for figure, label, rate, script in measured[screen]:
                print(f"{screen:9} {rate:5.1f} {script:5.1f} ms  {figure}: {label}", flush=True)
            *_, rates, scripts = map(sorted, zip(*measured[screen], strict=True))
            print(
                f"{screen}: {len(rates)} sliders, pictures a second {rates[0]:.1f} and more, median "
                f"{rates[len(rates) // 2]:.1f}; script for one {scripts[-1]:.1f} ms and less"
            )
        version = browser.version
        browser.close()
    device = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Chromium {version}"
    rows = {k: [[*names, round(rate, 1), round(script, 2)] for *names, rate, script in v] for k, v in measured.items()}
    what = "figure, slider, pictures a second, milliseconds of script for a picture"
    result = {"what": what, "command": COMMAND, "date": time.strftime("%Y-%m-%d"), "device": device, **rows}
    target = ROOT / "assets" / "latency" / "book.json"
    target.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assets.record("latency/book.json", COMMAND, device)


if __name__ == "__main__":
    if lab.chromium() is None:
        sys.exit("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    main()
