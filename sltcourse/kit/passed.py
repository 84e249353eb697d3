"""Which checks a learner has passed: one small file on this computer, and nothing sent anywhere.

The file is ``.sltcourse/passed.json`` in the home folder, {lesson: [exercise, …]}; the environment variable
``SLTCOURSE_PASSED`` names another, or, empty, none at all. It is replaced as a whole and by one notebook at a time,
so that neither a crash, a full disk nor a second notebook takes anything from it; a file that cannot be read is kept
beside it as ``passed.json.bad``.
"""

import ast
import contextlib
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

from sltcourse.kit import files
from sltcourse.kit.text import table

_LESSONS = Path(__file__).resolve().parents[1] / "lessons"
_PATIENCE = 5.0  # seconds for another notebook to finish writing, which takes some milliseconds


def file() -> Path | None:
    """Where it is kept; None if nothing is to be kept, or there is no home folder to keep it in."""
    try:
        place = os.environ.get("SLTCOURSE_PASSED", str(Path.home() / ".sltcourse" / "passed.json"))
    except RuntimeError:  # a user without a home folder, as in some containers
        return None
    return Path(place) if place else None


def passed() -> dict[str, list[str]]:
    """{lesson: [exercise, …]} of the checks passed so far, in the order in which they were passed.

    What cannot be read counts as nothing passed; no error is raised.
    """
    place = file()
    if place is None:
        return {}
    with contextlib.suppress(OSError):
        return _read(place)[0]
    return {}


def remember(lesson: str, exercise: str) -> None:
    """Note a passed check. Whatever is wrong with the file or its folder, no error is raised: the lesson goes on."""
    with contextlib.suppress(Exception):
        place = file()
        if place is None or exercise in passed().get(lesson, []):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            # Where the lock cannot be had, what stands in the file is still read before it is written.
            with contextlib.suppress(OSError, NotImplementedError):
                stack.enter_context(files.locked(place.with_name(f"{place.name}.lock"), _PATIENCE))
            known = _rescued(place)
            if exercise not in known.setdefault(lesson, []):
                known[lesson].append(exercise)
                files.write(place, json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def _rescued(place: Path) -> dict[str, list[str]]:
    """The record in a file; a file that is none, or not wholly, is kept under another name before it is replaced."""
    try:
        known, whole = _read(place)
    except PermissionError:
        known, whole = {}, False
    if not whole and place.is_file():  # a folder of this name is somebody else's: it stays, and nothing is kept
        place.replace(next(name for name in _aside(place) if not name.exists()))
    return known


def _aside(place: Path) -> Iterator[Path]:
    """The names for files that cannot be read: passed.json.bad, passed.json.bad2, …"""
    return (place.with_name(f"{place.name}.bad{k}") for k in itertools.chain([""], itertools.count(2)))


def _read(place: Path) -> tuple[dict[str, list[str]], bool]:
    """The record in a file, and whether all of the file is one. OSError if there is a file that cannot be read."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}, True
    except (ValueError, RecursionError):
        return {}, False
    if not isinstance(found, dict):
        return {}, False
    known = {
        lesson: names
        for lesson, names in found.items()
        if isinstance(names, list) and all(isinstance(name, str) for name in names)
    }
    return known, len(known) == len(found)


def exercises() -> dict[str, list[str]]:
    """{lesson: [exercise, …]} of all lessons, read from the modules without importing them."""
    found = {}
    for module in sorted(_LESSONS.rglob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        lesson = [
            str(ast.literal_eval(node.args[0]))
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Checks"
        ]
        if lesson:
            found[lesson[0]] = [
                node.name
                for node in tree.body
                if isinstance(node, ast.FunctionDef)
                and any(ast.unparse(d).startswith(("check.exercise", "check.writing")) for d in node.decorator_list)
            ]
    return dict(sorted(found.items()))


def my_progress() -> table:
    """A table of all lessons: the exercises passed, and those still to do; below it, what could not be read."""
    known, rows = passed(), []
    for lesson, names in exercises().items():
        done = [name for name in names if name in known.get(lesson, [])]
        left = [name.replace("_", " ") for name in names if name not in done]
        rows.append([lesson.replace("_", " "), f"{len(done)} of {len(names)}", ", ".join(left) or "all done"])
    place, note = file(), ""
    if place is not None:
        kept = [str(name) for name in itertools.takewhile(Path.exists, _aside(place))]
        note = f"A record that could not be read is kept as {', '.join(kept)}." if kept else ""
    return table(rows, ["lesson", "passed", "still to do"], note)
