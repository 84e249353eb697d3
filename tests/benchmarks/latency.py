"""How quickly the live figures follow the hand, in JupyterLab in headless Chromium; writes assets/latency/latency.json.

For each slider of each lesson: 40 key presses, one at a time, from the key's event to the task after the frame
that shows the new picture (milliseconds, median and 95th percentile), and a drag to and fro of two seconds (pictures
a second, and positions passed a second: a slider with few positions cannot show more pictures than it has).
Run it on an otherwise idle machine: make latency
"""

import json
import os
import platform
import sys
import time

from sltcourse.kit import assets
from tests.browser import lab
from tests.notebooks.lessons import PATHS, ROOT

COMMAND = "make latency"


def press(page, slider, presses=40):
    slider.scroll_into_view_if_needed()
    slider.focus()
    key, latencies = "ArrowRight", []
    for _ in range(presses):
        before = slider.input_value()
        page.evaluate("() => { probe.inputs = []; probe.frames = []; }")
        page.keyboard.press(key)
        if slider.input_value() == before:  # at the end of its row
            key = "ArrowLeft" if key == "ArrowRight" else "ArrowRight"
            continue
        page.wait_for_function("() => probe.frames.length", timeout=5000)
        latencies.append(page.evaluate("() => probe.frames[0] - probe.inputs[0]"))
        page.wait_for_timeout(60)
    return sorted(latencies)


def drag(page, slider, seconds=2.0):
    box = slider.bounding_box()
    y, left, width = box["y"] + box["height"] / 2, box["x"] + 8, box["width"] - 16
    page.mouse.move(left, y)
    page.mouse.down()
    slider.evaluate("e => { probe.frames = []; probe.passed = 0; e.addEventListener('input', () => probe.passed++); }")
    start = time.perf_counter()
    while (t := time.perf_counter() - start) < seconds:
        page.mouse.move(left + width * (1 - abs(1 - 2 * t / seconds)), y)
    frames, passed = page.evaluate("() => [probe.frames.length, probe.passed]")
    page.mouse.up()
    return round(frames / seconds, 1), round(passed / seconds, 1)


def main():
    rows = []
    with lab.server(ROOT) as address, lab.browser() as page:
        for path in PATHS:
            ran = lab.run_all(page, address(f"notebooks/{path.name}"))
            for slider in lab.sliders(page):
                label = slider.evaluate("e => e.labels[0].textContent")
                waits = press(page, slider)
                pictures, passed = drag(page, slider)
                rows.append({
                    "lesson": path.stem,
                    "slider": label,
                    "positions": int(slider.get_attribute("max")) + 1,
                    "presses": len(waits),
                    "median_ms": round(waits[len(waits) // 2], 1),
                    "p95_ms": round(waits[int(0.95 * (len(waits) - 1))], 1),
                    "pictures_per_s": pictures,
                    "positions_passed_per_s": passed,
                    "lesson_runs_s": round(ran, 1),
                })  # fmt: skip
                print(*rows[-1].values(), sep="\t", flush=True)
    device = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    result = {"command": COMMAND, "date": time.strftime("%Y-%m-%d"), "device": device, "sliders": rows}
    target = ROOT / "assets" / "latency" / "latency.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assets.record("latency/latency.json", COMMAND, device)
    slow = [r for r in rows if r["p95_ms"] > 50 or r["pictures_per_s"] < min(25, 0.9 * r["positions_passed_per_s"])]
    sys.exit(f"too slow: {slow}" if slow else 0)


if __name__ == "__main__":
    if lab.chromium() is None:
        sys.exit("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    main()
