"""``python -m sltcourse.kit.new_lesson 09_grokking "Grokking"``: a lesson that keeps the contract, to write over.

It makes the notebook, its folder of code, its tests and its folder of assets, and enters the lesson in README.md, in
the list of packages in pyproject.toml and in the order of lessons in sltcourse/lessons.
"""

import re
import shutil
import sys
from pathlib import Path

import nbformat

from sltcourse.kit import files
from sltcourse.kit import lesson_template as template
from sltcourse.kit.authoring import ROOT, execute

CODE = {
    "__init__.py": template.PACKAGE,
    "models.py": template.MODELS,
    "guesses.py": template.GUESSES,
    "figures.py": template.FIGURES,
    "checks.py": template.CHECKS,
}


def new_lesson(stem: str, title: str) -> list[Path]:
    """Make the lesson ``stem`` ("09_grokking") in this checkout; return the paths of notebook, code and tests.

    ValueError, before anything is written, if the name will not do, the lesson is there already or this is no
    checkout. If the new notebook cannot be run, what was made is removed again, and README.md, pyproject.toml and
    the order of lessons stay as they were.
    """
    found = re.fullmatch(r"(\d\d)_([a-z_]+)", stem)
    if not found:
        raise ValueError(f"a lesson is called like 09_grokking: two digits and small letters, not {stem!r}")
    number, name = found.groups()
    notebook, code, tests = paths = [
        ROOT / "notebooks" / f"{stem}.ipynb",
        ROOT / "sltcourse" / "lessons" / name,
        ROOT / "tests" / f"test_{name}.py",
    ]
    readme, rules, order = ROOT / "README.md", ROOT / "pyproject.toml", code.parent / "__init__.py"
    if not (all(path.is_file() for path in (readme, rules, order)) and all(path.parent.is_dir() for path in paths)):
        raise ValueError(
            "a lesson is made in a checkout of the course, and this package is an installed copy: "
            "clone the repository, run make lab there, and start from its folder"
        )
    taken = [path for path in paths if path.exists()]
    if taken:
        raise ValueError(f"{taken[0].name} is there already")
    idea, minutes = "the idea, in a line", template.BOX.split()[1]  # **Time** 23 min
    row = f"| [{number} {title}](notebooks/{stem}.ipynb) | {idea} | {minutes} | one-file copy: `make colab` |\n"
    package = r'( {4}"sltcourse\.lessons\.\w+",\n)(?! {4}"sltcourse\.lessons)'
    entered = {
        readme: _with_entry(readme, r"(\| \[\d\d .*\n)(?!\| \[\d\d)", row),
        rules: _with_entry(rules, package, f'    "sltcourse.lessons.{name}",\n'),
        order: _with_entry(order, r"(\d\d  \w+ .*\n)(?!\d\d  )", f"{number}  {name:20}  {idea}\n"),
    }
    folder = ROOT / "assets" / name
    new_folder = not folder.exists()
    try:
        code.mkdir()
        for file, text in CODE.items():
            (code / file).write_text(text.format(number=number, stem=stem, name=name, title=title), encoding="utf-8")
        tests.write_text(template.TESTS.format(name=name), encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=template.cells(name, title)), notebook)
        execute(notebook)
    except BaseException:  # an interrupt too
        for path in [*paths, *([folder] if new_folder else [])]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise
    for path, text in entered.items():
        files.write(path, text)
    return paths


def _with_entry(path: Path, after: str, text: str) -> str:
    """A file's text with ``text`` behind what the pattern ``after`` finds in it."""
    source, count = re.subn(after, lambda found: found[0] + text, path.read_text(encoding="utf-8"), count=1)
    if not count:
        raise ValueError(f"{path.name} has no place for a new lesson: enter it by hand")
    return source


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit('usage: python -m sltcourse.kit.new_lesson 09_grokking "Grokking"')
    try:
        made = new_lesson(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    print(*(path.relative_to(ROOT) for path in made), sep="\n")
