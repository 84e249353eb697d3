"""What the README shows, run."""

import json
import math
import re
from pathlib import Path

from sltcourse.kit import assets

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ESTIMATE, VOLUME = re.findall(r"```python\n(.*?)```", README, re.S)


def test_every_part_of_the_deck_has_its_place():
    assert README.count("Furman") == 1
    (table,) = re.findall(r"^\| part of the deck .*?\n\|[-|]+\n(.*?)\n\n", README, re.M | re.S)
    there = {path.stem[:2]: path for path in (ROOT / "notebooks").glob("*.ipynb")}
    named = set()
    for row in table.splitlines():
        part, where = (cell.strip() for cell in row.strip("|").split("|"))
        assert part and where, f"{row}: an empty cell"
        for number in re.findall(r"lesson (\d\d), coming", where):
            assert number not in there, f"lesson {number} is there: give its sections"
            named.add(number)
        for number, name, sections in re.findall(r"\[(\d\d)\]\(notebooks/([\w.]+)\), (sections?[\d andto]+)", where):
            assert there[number].name == name
            headings = re.findall(r'"## (\d+)\. ', there[number].read_text(encoding="utf-8"))
            assert set(re.findall(r"\d+", sections)) <= set(headings), f"{row}: not all of {sections} exist"
            named.add(number)
    assert named == {f"{k:02d}" for k in range(13)}


def test_an_estimate_in_ten_lines(capsys):
    assert len([line for line in ESTIMATE.splitlines() if line.strip()]) <= 10
    names = {}
    exec(ESTIMATE, names)
    result, printed = names["result"], capsys.readouterr().out
    exact, error = 2.62, 0.018  # at this nβ and γ: HMC, 16 chains × 1500, and full batch, 8 × 4000; 5/2 as n grows
    assert result.verdict.word == "trust" and abs(result.llc - exact) < 3 * math.hypot(result.std_error, error)
    kinds = [re.sub(r"[-\d., ±+%]+", "#", line) for line in printed.splitlines()]
    shown = [re.sub(r"[-\d., ±+%]+", "#", line) for line in re.search(r"```\n(λ̂.*?)```", README, re.S)[1].splitlines()]
    assert kinds == shown, "the README's output is of another kind than what it prints"


def test_the_volume_of_a_cusp():
    names = {}
    exec(VOLUME, names)
    found = names["found"]
    assert abs(found.lam - 5 / 12) < max(3 * found.se, 0.02) and found.m == 1


def test_the_table_of_speeds_is_the_measured_one():
    for row in json.loads(assets.path("llc/speed.json").read_text(encoding="utf-8"))["rows"]:
        shown = [f"{row[key]:,}".replace(",", " ") for key in ("devinterp", "traced", "compiled")]
        (line,) = [line for line in README.splitlines() if line.startswith(f"| {row['model']}")]
        assert [cell.strip() for cell in line.split("|")[3:6]] == shown
        assert f"| {row['share_of_matmul_limit']:.0%}".replace("%", " %") in line
