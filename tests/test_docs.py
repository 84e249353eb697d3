"""What the book's own pages show: the code, run; the numbers, beside the measured ones; the lessons' sections."""

import json
import math
import os
import re
from pathlib import Path

import nbformat
import pytest

from sltcourse.__main__ import head
from sltcourse.kit import assets, authoring
from sltcourse.kit.book import extension, gallery
from tests.benchmarks.llc_speed import markdown
from tests.test_readme import LESSONS, rows

ROOT = Path(__file__).resolve().parents[1]
TEACHERS, RESEARCHERS, INDEX, MAINTAINERS = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("teachers", "researchers", "index", "maintainers")
)
CODE = re.findall(r"```python\n(.*?)```", RESEARCHERS, re.S)
EXACT, ESTIMATE, PARTS, VOLUME = CODE


def sections(number):
    """The numbers of a lesson's sections."""
    (path,) = [path for path in LESSONS if path.name.startswith(number)]
    return set(re.findall(r'"## (\d+)\. ', path.read_text(encoding="utf-8")))


def named(text):
    """The numbers in "sections 1 to 3", "section 5", "sections 1 and 3"."""
    return {n for found in re.findall(r"sections? ((?:\d+|and|to|,| )+)", text) for n in re.findall(r"\d+", found)}


# ---- teachers --------------------------------------------------------------------------------------------------------


def test_every_part_of_the_deck_has_its_place():
    assert TEACHERS.count("Furman") == 1
    there = {path.stem[:2]: path for path in LESSONS}
    named_lessons = set()
    for part, where in rows(TEACHERS, "part of the deck"):
        assert part and where, f"{part}: an empty cell"
        for number, name, found in re.findall(
            r"\[(\d\d)\]\(\.\./notebooks/([\w.]+)\), (sections?(?: |\d|and|to)+)", where
        ):
            assert there[number].name == name
            assert named(found) and named(found) <= sections(number), f"{part}: not all of {found} exist"
            named_lessons.add(number)
    assert named_lessons == {f"{k:02d}" for k in range(13)}


def route(title):
    """What stands under the heading of a route."""
    return re.search(rf"^### {title}\n(.*?)(?=^##)", TEACHERS, re.M | re.S)[1]


@pytest.mark.parametrize("title", ["Ninety minutes", "Half a day"])
def test_a_route_goes_through_sections_that_are_there(title):
    times = []
    for time, what in rows(route(title), "at"):
        hours, minutes = map(int, time.split(":"))
        times.append(60 * hours + minutes)
        for number, found in re.findall(r"lesson (\d\d)((?:, sections? [\d andto]+)?)", what):
            assert named(found) <= sections(number), f"{time}: not all of {found} exist"
    assert times == sorted(times) and len(set(times)) == len(times)


def test_the_two_days_state_the_lessons_own_minutes():
    shown = dict(re.findall(r"(\d\d) \((\d+) min\)", " ".join(map(" ".join, rows(route("Two days"), "day")))))
    assert len(shown) == 9
    assert shown == {p.name[:2]: head(p)[1] for p in LESSONS if p.name[:2] in shown}


def test_the_one_file_lessons_are_as_large_as_said():
    least, most = map(int, re.search(r"`build/colab`, (\d) to (\d) MB each", TEACHERS).groups())
    for path in LESSONS:
        size = len(nbformat.writes(authoring.one_file(path)).encode())
        assert least * 1e6 <= size <= most * 1e6, f"{path.name}: {size / 1e6:.1f} MB"


# ---- researchers -----------------------------------------------------------------------------------------------------


def test_the_exact_answer_is_what_it_says(capsys):
    exec(EXACT, {})
    assert capsys.readouterr().out.strip() == re.search(r"# (λ = .*)", EXACT)[1]
    for name in ("real log canonical threshold", "RLCT", "rlct", "learning coefficient", "multiplicity"):
        assert name in RESEARCHERS[: RESEARCHERS.index(EXACT)]


def test_an_estimate_in_ten_lines_and_in_its_parts(capsys):
    assert len([line for line in ESTIMATE.splitlines() if line.strip()]) <= 10
    names = {}
    exec(ESTIMATE, names)
    result, printed = names["result"], capsys.readouterr().out
    exact, error = 2.62, 0.018  # at this nβ and γ: HMC, 16 chains × 1500, and full batch, 8 × 4000; 5/2 as n grows
    assert result.verdict.word == "trust" and abs(result.llc - exact) < 3 * math.hypot(result.std_error, error)
    kinds = [re.sub(r"[-\d., ±+%]+", "#", line) for line in printed.splitlines()]
    output = re.search(r"```\n(λ̂.*?)```", RESEARCHERS, re.S)[1]
    shown = [re.sub(r"[-\d., ±+%]+", "#", line) for line in output.splitlines()]
    assert kinds == shown, "the page's output is of another kind than what it prints"
    exec(PARTS, names)
    value, std_error = names["llc"](names["draws"])
    assert abs(value - exact) < 4 * math.hypot(std_error, error)
    assert names["draws"].sizes["draw"] == 1200


def test_the_volume_of_a_cusp():
    names = {}
    exec(VOLUME, names)
    found = names["found"]
    assert abs(found.lam - 5 / 12) < max(3 * found.se, 0.02) and found.m == 1


def test_the_tables_of_speeds_are_the_measured_ones():
    lines = markdown(json.loads(assets.path("llc/speed.json").read_text(encoding="utf-8"))).splitlines()
    assert len(lines) > 4 and set(lines) <= set(RESEARCHERS.splitlines())


# ---- the opening page, and maintainers' ------------------------------------------------------------------------------


def test_the_opening_page_shows_a_live_figure_of_the_gallery():
    (key,) = re.findall(r"^<!-- figure: (\S+) -->$", INDEX, re.M)
    assert gallery.exhibited(key) and gallery.sentence(key)


@pytest.mark.parametrize("page", [INDEX, MAINTAINERS], ids=["index", "maintainers"])
def test_what_a_page_includes_is_there(page):
    for file, options in re.findall(r"^```\{include\} (\S+)\n(.*?)```", page, re.M | re.S):
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        for mark in re.findall(r"^:(?:start-after|end-before): (.+)$", options, re.M):
            assert text.count(mark) == 1, f"{file} has not one {mark}"
    assert "```{include}" in page


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_in_the_book_every_link_of_a_page_stays_within_it(path, tmp_path):
    """Sphinx refuses a link that leads nowhere; here it is known without building the book."""
    source = tmp_path / "book-source"
    text = extension.on_the_site(path.read_text(encoding="utf-8"), source)
    there = {lesson.name for lesson in LESSONS} | {page.name for page in (ROOT / "docs").glob("*.md")}
    shown = [text]
    for included, options in re.findall(r"^```\{include\} (\S+)\n(.*?)```", text, re.M | re.S):
        part = Path(os.path.normpath(source / included)).read_text(encoding="utf-8")
        for option, mark in re.findall(r"^:(start-after|end-before): (.+)$", options, re.M):
            before, after = part.split(mark)
            part = after if option == "start-after" else before
        shown.append(extension.on_the_site(part, source))
    assert set(re.findall(r"\]\((?!\w+:)([^)#\s]+)", "\n".join(shown))) <= there


def test_the_commands_named_to_maintainers_are_there():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert {name for name in re.findall(r"`make ([\w-]+)`", MAINTAINERS)} <= set(targets)
    workflows = {path.name for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    assert {name.strip("`") for name, *_ in rows(MAINTAINERS, "workflow")} == workflows


def test_the_latencies_are_the_measured_ones():
    sliders = json.loads(assets.path("latency/latency.json").read_text(encoding="utf-8"))["sliders"]
    slow, fast = (f(row["p95_ms"] for row in sliders) for f in (max, min))
    best = max(row["pictures_per_s"] for row in sliders)
    assert f"{fast:.0f} to {slow:.0f} ms for the {len(sliders)} sliders" in MAINTAINERS
    assert f"up to {math.floor(best)} pictures a second" in MAINTAINERS
