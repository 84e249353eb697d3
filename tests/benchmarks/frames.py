"""Pictures a second of the book's live figures, in headless Chromium; writes assets/latency/book.json.

Each slider of the gallery goes to its next position at each animation frame, to and fro, for a second, on a desktop's
screen and on a telephone's (375 pixels wide, three device pixels a pixel). A browser shows at most 60 pictures a second
here. Beside it stand the milliseconds that the figure's own script takes for a picture: the rest is the browser, which
in headless Chromium paints without a graphics card. Run it on an otherwise idle machine: make frames

At the end stands a table of all pages of the book: what they weigh, what they ask for, the pictures a second of their
slowest slider, and how much axe finds in each theme. ``python -m tests.benchmarks.frames table`` gives it alone, with
the pictures a second that were kept; ``table 03 embed/03`` those pages of it.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Sequence

from playwright.sync_api import Browser, sync_playwright

from sltcourse.kit import assets
from sltcourse.kit.book import sizes
from tests.browser import lab
from tests.browser.test_book import COLOURS, MEET_ALL, SITE, violations
from tests.notebooks.lessons import ROOT

COMMAND = "make frames"
KEPT = ROOT / "assets" / "latency" / "book.json"
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


def table(browser: Browser, begins: Sequence[str] = ()) -> None:
    """Print a row for each page, or for those whose names begin so; the pictures a second are those of ``KEPT``."""
    kept, rates = json.loads(KEPT.read_text(encoding="utf-8")), {}
    for figure, _, rate, _ in [row for screen in SCREENS for row in kept[screen]]:
        rates[figure] = min(rate, rates.get(figure, rate))
    head = "page", "kB at once", "MB in all", "requests at once", "in all", "to elsewhere", "ms to the first text"
    print("|", " | ".join([*head, "pictures a second, least", "axe, light", "axe, dark"]), "|\n" + "|---" * 10 + "|")
    for name, (once, whole) in sizes.weights(SITE).items():
        if not name.startswith(tuple(begins) or ""):
            continue
        page, asked = browser.new_page(viewport={"width": 1300, "height": 900}), []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto((SITE / name).as_uri(), wait_until="load")
        first = len(asked)
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        if stuck := page.evaluate(MEET_ALL):
            sys.exit(f"{name}: the figure {stuck} does not come")
        figures = page.evaluate("[...document.querySelectorAll('.slt-figure')].map(f => f.dataset.figure)")
        least = min((rates[figure] for figure in figures if figure in rates), default="–")
        found = []
        for theme, only in (("light", {}), ("dark", {"runOnly": COLOURS})):  # all else is the same in both
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(300)
            found.append(len(violations(page, **only)))
        away = sum(not url.startswith((SITE.as_uri(), "data:", "blob:")) for url in asked)
        weight = f"{once / 1e3:.0f}", f"{whole / 1e6:.2f}"
        row = name, *weight, first, len(asked), away, f"{painted:.0f}", least, *found
        print("|", " | ".join(map(str, row)), "|", flush=True)
        page.close()
    print(f"The site: {sizes.whole(SITE) / 1e6:.1f} MB. Pictures a second: {kept['date']}, {kept['device']}.")


def main(arguments: list[str]) -> None:
    measured = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=lab.chromium(), args=["--no-sandbox"])
        if arguments:
            table(browser, arguments[1:])
            return
        for screen, settings in SCREENS.items():
            page = browser.new_context(**settings).new_page()
            page.goto((SITE / "gallery.html").as_uri())
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
        keep(measured, browser.version)
        table(browser)
        browser.close()


def keep(measured: dict[str, list], version: str) -> None:
    """Write what was measured with this version of Chromium to ``KEPT``."""
    device = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Chromium {version}"
    rows = {k: [[*names, round(rate, 1), round(script, 2)] for *names, rate, script in v] for k, v in measured.items()}
    what = "figure, slider, pictures a second, milliseconds of script for a picture"
    result = {"what": what, "command": COMMAND, "date": time.strftime("%Y-%m-%d"), "device": device, **rows}
    KEPT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assets.record("latency/book.json", COMMAND, device)


if __name__ == "__main__":
    if lab.chromium() is None:
        sys.exit("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    main(sys.argv[1:])
