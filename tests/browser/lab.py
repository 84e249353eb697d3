"""JupyterLab or Notebook 6 on a free port and headless Chromium, for tests and measurements of the live figures.

Chromium is Debian's or the user's own (``CHROMIUM`` names another); playwright downloads none.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "doNotDisturbMode": True},
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}

# Times each redrawing of a live figure's canvas: from the input event to the task after the frame that shows it.
PROBE = """
window.probe = {inputs: [], frames: []};
for (const type of ['keydown', 'pointermove']) addEventListener(type, () => probe.inputs.push(performance.now()), true);
const drawn = CanvasRenderingContext2D.prototype.drawImage;
let waiting = false;
CanvasRenderingContext2D.prototype.drawImage = function (...words) {
  if (this.canvas instanceof HTMLCanvasElement && this.canvas.closest('.slt-live') && !waiting) {
    waiting = true;
    requestAnimationFrame(() => { const after = new MessageChannel();
      after.port1.onmessage = () => { waiting = false; probe.frames.push(performance.now()); };
      after.port2.postMessage(0); });
  }
  return drawn.apply(this, words);
};
"""


def chromium():
    """The path of the Chromium to use, or None."""
    names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


@contextlib.contextmanager
def server(root, app="jupyterlab", python=sys.executable):
    """``app`` ("jupyterlab", or "notebook" for Notebook 6) of an environment serves ``root``, with settings of its own.

    Yields a function from a notebook's path to its address.
    """
    home = Path(tempfile.mkdtemp(prefix="sltcourse-lab-"))
    for name, values in SETTINGS.items():
        file = home / "settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    token = secrets.token_hex(16)
    own = {f"JUPYTER_{k}_DIR": str(home / k.lower()) for k in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{k}_DIR": str(home / k.lower()) for k in ("SETTINGS", "WORKSPACES")}
    own |= {"JUPYTER_TOKEN": token, "PATH": os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])}
    command = [str(python), "-m", app, "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    if app == "jupyterlab":
        command.append("--expose-app-in-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = open(home / "log", "wb")
    process = subprocess.Popen(command, cwd=root, env={**os.environ, **own}, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(1800):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{base}/api/status?token={token}", timeout=2)
                break
            if process.poll() is not None:
                raise RuntimeError(f"{app} ended:\n" + (home / "log").read_text()[-2000:])
            time.sleep(0.1)
        else:
            raise RuntimeError(f"{app} does not answer:\n" + (home / "log").read_text()[-2000:])
        where = "lab/tree/{}?reset&token=" if app == "jupyterlab" else "notebooks/{}?token="
        yield lambda path: f"{base}/{where.format(path)}{token}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def browser():
    """A page of headless Chromium with the probe in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
        chrome = playwright.chromium.launch(executable_path=chromium(), args=options)
        page = chrome.new_page(viewport={"width": 1300, "height": 900})
        page.add_init_script(PROBE)
        yield page
        chrome.close()


def opened(page, address):
    """Open a notebook and wait until its cells are drawn."""
    page.goto(address, timeout=120_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_timeout(1000)


# What each front end calls the same things: is it ready, run all cells, the state of each code cell, is it idle.
WORDS = {
    "jupyterlab": {
        "ready": """() => { const w = window.jupyterapp?.shell.currentWidget;
            return !!(w?.context?.isReady && w.sessionContext?.session?.kernel); }""",
        "run": "() => jupyterapp.commands.execute('notebook:run-all-cells')",
        "cells": """() => [...jupyterapp.shell.currentWidget.content.model.cells].filter(c => c.type === 'code')
            .map(c => [c.executionCount,
                [...Array(c.outputs.length).keys()].map(i => c.outputs.get(i).toJSON().ename || '')])""",
        "idle": "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
    },
    "notebook": {
        "ready": "() => !!(window.Jupyter?.notebook?._fully_loaded && Jupyter.notebook.kernel?.is_connected())",
        "run": "() => Jupyter.notebook.execute_all_cells()",
        "cells": """() => Jupyter.notebook.get_cells().filter(c => c.cell_type === 'code').map(c =>
            [Number(c.input_prompt_number) || 0, c.output_area.outputs.map(o => o.ename || '')])""",
        "idle": "() => !Jupyter.notebook.kernel_busy",
    },
}


def run_all(page, address, app="jupyterlab", timeout=180):
    """Open a notebook and run all its cells; returns the seconds that took. Raises if a cell fails."""
    words = WORDS[app]
    if app == "notebook":  # its widget manager shows none before it has asked the new kernel for old ones, in vain
        with page.expect_console_message(lambda m: "jupyter.widget.control" in m.text, timeout=120_000):
            page.goto(address, timeout=120_000)
        page.wait_for_timeout(2000)
    else:
        page.goto(address, timeout=120_000)
    page.wait_for_function(words["ready"], timeout=120_000)
    started = time.perf_counter()
    page.evaluate(words["run"])
    while True:
        page.wait_for_timeout(200)
        states = page.evaluate(words["cells"])
        errors = [names for _, names in states if any(names)]
        if errors:
            raise RuntimeError(f"a cell failed: {errors}")
        took = time.perf_counter() - started
        if page.evaluate(words["idle"]) and all(count for count, _ in states) and took > 2:
            return took
        if took > timeout:
            raise RuntimeError("the notebook is still running")


def sliders(page):
    """The live figures' sliders, scrolled through once so that each is on the page."""
    page.evaluate("""async () => { const box = document.querySelector('.jp-WindowedPanel-outer, #site');
        for (let y = 0; y < box.scrollHeight; y += 400) {
            box.scrollTop = y; await new Promise(r => setTimeout(r, 80)); } }""")
    found = page.locator(".slt-control input[type=range]")
    return [found.nth(i) for i in range(found.count())]


def pictures(page):
    """How many different pictures are met on the way down a notebook; JupyterLab draws only what is near the window."""
    return page.evaluate("""async () => { const seen = new Set();
        const box = document.querySelector('.jp-WindowedPanel-outer');
        for (let y = 0; y <= box.scrollHeight; y += 300) {
            box.scrollTop = y; await new Promise(r => setTimeout(r, 120));
            for (const img of document.querySelectorAll('.jp-OutputArea img')) seen.add(img.src); }
        return seen.size; }""")


def themed(page, name):
    """Change JupyterLab's theme, to "JupyterLab Light" or "JupyterLab Dark"."""
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=name)
    page.wait_for_timeout(500)


def violations(page):
    """What axe finds against WCAG 2.1 A and AA in what the course shows: prose, outputs, live figures.

    axe sees colours only where they are drawn, so the window is as high as the notebook while it looks; and it takes
    for hidden what overflows a body of height 0, which JupyterLab's is.
    """
    from axe_playwright_python.sync_playwright import Axe

    before = page.viewport_size
    page.add_style_tag(content="body { height: 100vh }")
    page.mouse.move(0, 0)  # a heading under the mouse shows JupyterLab's own link, which axe finds too faint
    for _ in range(2):  # the second time with the heights of cells that had not been drawn
        height = page.evaluate("""() => { const box = document.querySelector('.jp-WindowedPanel-outer');
            box.scrollTop = 0; return box.scrollHeight; }""")
        page.set_viewport_size({**before, "height": height + 200})
        page.wait_for_timeout(500)
    parts = {"include": [[".slt-live, .slt-guess"], [".jp-OutputArea-output"], [".jp-RenderedMarkdown"]]}
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
    found = Axe().run(page, parts, rules).response
    page.set_viewport_size(before)
    assert any(rule["id"] == "color-contrast" for rule in found["passes"]), "axe saw no colours"
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]
