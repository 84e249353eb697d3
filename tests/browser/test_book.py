"""The book in headless Chromium, page by page: from a folder of a server, and from disk.

`make test-book` builds it first. A page is in order if its console is silent, nothing is asked of anyone else, its
formulas are set, every slider moves its picture, every guess can be made, it has no scroll bar at the foot of a
telephone's screen, and axe finds nothing in either theme.
"""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from sltcourse.kit.book import sizes
from tests.notebooks.lessons import ROOT

SITE = Path(os.environ.get("BOOK", ROOT / "build" / "book"))  # BOOK: the folder of a site built elsewhere
FOLDER = "/somewhere/book/"  # what the server calls the site's folder
PAGES = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))
LESSONS = [p for p in PAGES if p[:2].isdigit()]
EMBEDDED = [p for p in PAGES if p.startswith("embed/")]
PROSE = [p for p in PAGES if p not in (*LESSONS, *EMBEDDED, "gallery.html")]

pytestmark = pytest.mark.skipif(not PAGES, reason="the book is not built: make book")

COLOURS = ["color-contrast", "link-in-text-block"]

# Scrolls through the page with everything unfolded, until each figure and each guess is alive.
MEET_ALL = """async () => {
  for (const folded of document.querySelectorAll('article details')) folded.open = true;
  const alive = f => f.querySelector('.slt-live canvas, .slt-guess button')
    && !f.querySelector('.slt-still, .slt-coming');
  for (const figure of document.querySelectorAll('.slt-figure')) {
    figure.scrollIntoView({ block: 'center' });
    for (let i = 0; i < 200 && !alive(figure); i++) await new Promise(r => setTimeout(r, 50));
    if (!alive(figure)) return figure.dataset.figure;
  }
  return null;
}"""

# Makes every guess that was not made on an earlier page, then moves every slider and every menu to other places;
# says which moved nothing.
PLAY_ALL = """async () => {
  const dead = [], frame = () => new Promise(r => requestAnimationFrame(() => setTimeout(r)));
  for (const figure of document.querySelectorAll('.slt-figure')) {
    const name = figure.dataset.figure;
    const buttons = [...figure.querySelectorAll('.slt-guess button, .slt-guess-line button')];
    if (buttons.length && buttons.at(-1).textContent !== 'Guess again') { buttons.at(-1).click(); await frame(); }
    const guess = figure.querySelector('.slt-guess');
    if (guess && !guess.querySelector('.slt-because').textContent.includes('Guess again')) dead.push(name);
    const canvas = figure.querySelector('canvas');
    if (!canvas) { if (!guess) dead.push(name); continue; }
    const inputs = [...figure.querySelectorAll('.slt-control :is(input, select)')], starts = inputs.map(i => i.value);
    const last = input => Number(input.max || input.options?.length - 1);
    const move = async (input, to) => {
      input.value = to;
      input.dispatchEvent(new Event('input', { bubbles: true }));
      await frame();
    };
    for (const input of inputs) {       // beside the others' first settings, or their last, or their middle ones
      if (!last(input)) continue;       // a menu that names the learner's own thing alone
      let moved = false;
      for (const share of [null, 1, 0.5]) {
        const others = share === null ? [] : inputs.filter(other => other !== input);
        for (const other of others) await move(other, Math.round(share * last(other)));
        await move(input, 0);
        const before = canvas.toDataURL();
        for (const to of [last(input), Math.ceil(last(input) / 2)]) {
          await move(input, to);
          moved ||= canvas.toDataURL() !== before;
        }
        if (moved) break;
      }
      if (!moved) dead.push(`${name}: ${input.labels[0].textContent}`);
      for (const [k, other] of inputs.entries()) if (other.value !== starts[k]) await move(other, starts[k]);
    }
  }
  return { dead, trouble: document.querySelectorAll('.slt-trouble').length,
           sliders: document.querySelectorAll('.slt-control :is(input, select)').length };
}"""

# What stands on the page as TeX, outside of code and of what KaTeX wrote.
RAW_TEX = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const { parentElement: at, data } = walk.currentNode;
    if (at.closest('pre, code, .sig, script, style, .katex')) continue;
    if (/\\\\[a-z]{2}|[$][^$]+[$]/.test(data)) found.push(data.trim());
  }
  return found.concat([...document.querySelectorAll('.katex-error')].map(e => e.textContent));
}"""


# On a telephone: labels of a guess's axis that touch, and headings that are higher for the link to them.
CRAMPED = """() => {
  const found = [];
  for (const axis of document.querySelectorAll('.slt-axis')) {
    const labels = [...axis.querySelectorAll('.slt-tick')].map(label => label.getBoundingClientRect());
    for (let k = 1; k < labels.length; k++) if (labels[k].left - labels[k - 1].right < 5) found.push(axis.textContent);
  }
  const links = [...document.querySelectorAll('article :is(h1, h2, h3, dt) > .headerlink')];
  const heights = () => links.map(link => link.parentElement.offsetHeight), before = heights();
  for (const link of links) link.style.display = 'none';
  heights().forEach((height, k) => { if (height !== before[k]) found.push(links[k].parentElement.textContent); });
  for (const link of links) link.style.display = '';
  return found;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site as if it were one folder among others."""

    def translate_path(self, path):
        inside = path.startswith(FOLDER)
        return super().translate_path("/" + path.removeprefix(FOLDER) if inside else "/nothing-is-here")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def base():
    """The site's address on a server that holds it in a folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{FOLDER}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def heard(page, base):
    """What goes wrong on the page: complaints in its console, errors, requests that leave the site."""
    found = []
    listeners = {
        "console": lambda m: found.append(m.text) if m.type in ("error", "warning") else None,
        "pageerror": lambda e: found.append(str(e)),
        "request": lambda r: None if r.url.startswith((base, "data:", "blob:", SITE.as_uri())) else found.append(r.url),
        "requestfailed": lambda r: None if "ABORTED" in (r.failure or "") else found.append(f"failed: {r.url}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield found
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def overflow(page):
    """By how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def violations(page, **only):
    """What axe finds on the page as it is; what KaTeX draws is hidden from those who hear the page, and from axe."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, {"exclude": [[".katex-html"]]}, {"resultTypes": ["violations"], **only}).response
    assert any(rule["id"] == "color-contrast" for rule in found["passes"]), "axe saw no colours"
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


def in_order(page, address, sliders=0):
    """Go through a page at a telephone's width, then hear what axe says in both themes."""
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(address)
    page.wait_for_load_state("load")
    assert overflow(page) <= 0
    assert page.evaluate(MEET_ALL) is None, "a figure does not come"
    assert page.evaluate(CRAMPED) == []
    played = page.evaluate(PLAY_ALL)
    assert played["dead"] == [] and played["trouble"] == 0
    assert played["sliders"] >= sliders
    assert overflow(page) <= 0
    assert page.evaluate(RAW_TEX) == []
    assert page.evaluate("[...document.images].filter(i => i.alt === null || !i.hasAttribute('alt')).length") == 0
    page.set_viewport_size({"width": 1300, "height": 900})
    found = []
    for theme, only in (("light", {}), ("dark", {"runOnly": COLOURS})):  # all else is the same in both
        page.evaluate("theme => { document.body.dataset.theme = theme }", theme)
        page.wait_for_timeout(300)
        found += [f"{theme} {v}" for v in violations(page, **only)]
    assert not found, "\n".join(sorted(set(found)))


# What is wider than its place without a sign of it, goes on sideways though it is of sentences, or is too low to touch.
NARROW = """() => {
  for (const folded of document.querySelectorAll('article details')) folded.open = true;
  return new Promise(done => setTimeout(() => {
    const found = [], wide = [...document.querySelectorAll('article :is(div.math, pre, .slt-table, .slt-drawing)')];
    for (const el of wide) {
      const on = el.scrollWidth > el.clientWidth + 1;
      if (on !== el.classList.contains('slt-more')) found.push(`sign: ${el.textContent.slice(0, 60)}`);
      if (on && el.classList.contains('slt-lines')) found.push(`lines: ${el.textContent.slice(0, 60)}`);
    }
    for (const fold of document.querySelectorAll('article summary'))
      if (fold.getBoundingClientRect().height < 24) found.push(`low: ${fold.textContent}`);
    if (wide.length > 1) {
      const el = wide.find(el => el.classList.contains('slt-more'));
      el.scrollLeft = el.scrollWidth;
      const wait = left => !el.classList.contains('slt-more') ? done(found)
        : left ? setTimeout(wait, 50, left - 1) : done(found.concat(['sign at the end']));
      wait(100);
    } else done(found);
  }, 300));
}"""


def test_on_a_telephone_what_is_cut_off_shows_it_and_a_number_has_its_name(page, base):
    page.set_viewport_size({"width": 375, "height": 800})
    for name in (LESSONS[0], "index.html"):
        page.goto(base + name, wait_until="load")
        assert page.evaluate(NARROW) == []
    named = page.locator(".slt-cards td[data-head=minutes]")
    assert named.count() == len(LESSONS)
    assert "minutes" in named.first.evaluate("cell => getComputedStyle(cell, '::before').content")


@pytest.mark.parametrize("name", [*LESSONS, "gallery.html"])
def test_a_page_with_figures(page, base, heard, name):
    in_order(page, base + name, sliders=1)
    assert heard == []


def test_the_pages_of_prose(page, base, heard):
    for name in PROSE:
        in_order(page, base + name)
    assert heard == []


def test_the_small_pages_for_iframes(page, base, heard):
    assert EMBEDDED
    page.set_viewport_size({"width": 375, "height": 800})
    for name in EMBEDDED:
        page.goto(base + name)
        assert page.evaluate(MEET_ALL) is None, f"{name}: its figure does not come"
        played = page.evaluate(PLAY_ALL)
        assert played["dead"] == [] and played["sliders"] > 0 and overflow(page) <= 0
    assert heard == []


def test_from_disk_a_lesson_lives_and_the_search_finds_a_word(page, heard):
    page.set_viewport_size({"width": 1300, "height": 900})
    page.goto((SITE / LESSONS[3]).as_uri())
    assert page.evaluate(MEET_ALL) is None
    assert page.evaluate(PLAY_ALL)["dead"] == []
    page.locator("input.sidebar-search").fill("Kullback")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Kullback*")
    page.set_viewport_size({"width": 375, "height": 800})  # where the sidebar with its field is away
    page.locator(".slt-search input").fill("Kullback Leibler")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Kullback+Leibler*")
    page.wait_for_selector("#search-results li a")
    page.locator("#search-results li a").first.click()
    page.wait_for_load_state("load")
    assert "Kullback" in page.locator("article").inner_text()
    assert heard == []


def test_on_a_telephone_a_card_names_its_columns_and_what_is_cut_off_fades(page, base):
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(base + "api/models.html")
    row = page.locator("table.slt-cards tbody tr").first
    before = "e => getComputedStyle(e, '::before').content"
    assert [cell.evaluate(before) for cell in row.locator("td").all()[2:]] == ['"d: "', '"λ: "', '"m: "']
    assert len({cell.bounding_box()["y"] for cell in row.locator("td").all()[2:]}) == 1  # short cells share a line
    page.goto(base + LESSONS[7])
    assert page.locator("span.slt-whole").first.inner_text()[-1] in ".,;:!?)"  # a formula and its full stop
    code = page.locator("pre.slt-more").first.element_handle()
    assert "gradient" in code.evaluate("e => getComputedStyle(e).maskImage")
    code.evaluate("e => { e.scrollLeft = e.scrollWidth }")
    page.wait_for_function("e => !e.matches('.slt-more')", arg=code, timeout=10_000)


def test_a_figure_waits_until_it_is_near_the_screen(page, base):
    asked = []

    def of_a_figure(request):
        return "/_live/" in request.url and request.url.endswith(".js")

    page.on("request", lambda r: asked.append(r.url) if of_a_figure(r) else None)
    page.set_viewport_size({"width": 1300, "height": 900})
    page.goto(base + LESSONS[3], wait_until="load")
    page.wait_for_timeout(300)
    at_once, there = len(asked), page.locator(".slt-figure").count()
    assert at_once < there / 2
    with page.expect_request(of_a_figure):
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.emulate_media(media="print")  # no room for sliders, and no link over the text
    places = page.locator(".slt-figure").evaluate_all("all => all.map(f => getComputedStyle(f).paddingTop)")
    assert set(places) == {"0px"} and not page.locator(".skip-to-content").is_visible()
    page.emulate_media(media="screen")


def test_the_whole_is_small_enough():
    assert sizes.whole(SITE) < 25e6
    assert {name: once for name, (once, _) in sizes.weights(SITE).items() if once > 1e6} == {}
