"""Which checks a learner has passed: one small file on this computer, and nothing sent anywhere.

The file is ``.sltcourse/passed.json`` in the home folder; the environment variable ``SLTCOURSE_PASSED`` names another,
or, empty, none at all.
"""

import ast
import json
import os
from pathlib import Path

from sltcourse.kit.style import table

_LESSONS = Path(__file__).resolve().parents[1]


def file():
    """Where it is kept; None if nothing is to be kept."""
    place = os.environ.get("SLTCOURSE_PASSED", str(Path.home() / ".sltcourse" / "passed.json"))
    return Path(place) if place else None


def passed():
    """{lesson: [exercise, …]} of the checks passed so far, in the order in which they were passed."""
    place = file()
    try:
        return json.loads(place.read_text(encoding="utf-8")) if place else {}
    except (OSError, ValueError):
        return {}


def remember(lesson, exercise):
    """Note a passed check. A home folder that cannot be written to is no reason to disturb a lesson."""
    known = passed()
    if file() is None or exercise in known.get(lesson, []):
        return
    known.setdefault(lesson, []).append(exercise)
    try:
        file().parent.mkdir(parents=True, exist_ok=True)
        file().write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError:
        pass


def exercises():
    """{lesson: [exercise, …]} of all lessons, read from the modules without importing them."""
    found = {}
    for module in sorted(_LESSONS.glob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        lesson = [
            node.args[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Checks"
        ]
        if lesson:
            found[lesson[0]] = [
                node.name
                for node in tree.body
                if isinstance(node, ast.FunctionDef)
                and any("check.exercise" in ast.unparse(d) for d in node.decorator_list)
            ]
    return dict(sorted(found.items()))


def my_progress():
    """A table of all lessons: the exercises passed, and those still to do."""
    known, rows = passed(), []
    for lesson, names in exercises().items():
        done = [name for name in names if name in known.get(lesson, [])]
        left = [name.replace("_", " ") for name in names if name not in done]
        rows.append([lesson.replace("_", " "), f"{len(done)} of {len(names)}", ", ".join(left) or "all done"])
    return table(rows, ["lesson", "passed", "still to do"])
