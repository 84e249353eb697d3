"""``python -m sltcourse.kit.new_lesson 09_grokking "Grokking"``: a lesson that keeps the contract, to write over.

It makes the notebook, its folder of code, its tests and its folder of assets, and enters the lesson in README.md, in
the list of packages in pyproject.toml and in the order of lessons in sltcourse/lessons.
"""

import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from sltcourse.kit import files
from sltcourse.kit.authoring import BADGE_MARK, ROOT, execute

PACKAGE = '''\
"""Lesson {number}, {title}."""

from sltcourse.lessons.{name}.checks import check
from sltcourse.lessons.{name}.figures import live_power

__all__ = ["check", "live_power"]
'''

FIGURES = '''\
"""The live figures of lesson {number}."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider


def live_power():
    """Slide k: the curve w^(2k) flattens at its minimum."""
    w = np.linspace(-1, 1, 201)
    fig, ax = style.figure(1, 1)
    ax.set(xlim=(-1, 1), ylim=(0, 1), xlabel="w", ylabel="K(w)")
    live = LiveFigure(fig, alt="The curve w to the power 2k.", k=Slider("k", [1, 2, 3, 4], start=1))
    live.line(ax, lambda k: (w, w ** (2 * k)), color=style.COLORS["loss"], label="K(w)")
    live.caption(lambda k: f"K = w^{{2 * k}}, and λ = 1/{{2 * k}}.")
    return live
'''

CHECKS = '''\
"""The checks of lesson {number}: what each exercise replies."""

from sltcourse.kit.checks import Checks, number

check = Checks("{stem}")


@check.exercise("Half of d: a regular direction pays ½.")
def first(answer):
    """λ of w²."""
    return number(answer, 0.5, hints={{1.0: "That is d. Each regular direction pays ½."}})


@check.exercise("The flatter, the smaller.")
def second(answer):
    """λ of w⁴."""
    return number(answer, 0.25, hints={{0.5: "That is the regular w²."}})


@check.exercise("1/(2k) at k = 3.")
def third(answer):
    """λ of w⁶."""
    return number(answer, 1 / 6, rel=1e-3, hints={{0.25: "That is w⁴."}})
'''

TESTS = """\
import pytest

from sltcourse.lessons import {name} as lesson


def test_the_live_figure():
    live = lesson.live_power()
    assert "1/8" in live.at(k=4)["caption"]


@pytest.mark.parametrize(
    ("exercise", "answer", "reason"),
    [("first", 1.0, "Each regular direction"), ("second", 0.5, "regular"), ("third", 0.25, "w⁴")],
)
def test_wrong_answers_are_told_why(exercise, answer, reason):
    verdict = getattr(lesson.check, exercise)(answer)
    assert verdict.state == "Not yet" and reason in verdict.reason
"""

HEAD = """\
# {title}

One sentence, or one picture, that makes the reader want this lesson.

{badge}"""

BOX = """\
**Time** ~60 min · **You need** lesson 03 · **You will be able to**

- say what this lesson is for;
- compute its one number;
- see it move."""

SECTION = """\
## {k}. A question, in words?

The question, the mathematics, a check, an experiment, a live figure. Then the next sentence reads the number back."""

EXERCISE = """\
### Exercise {k}. What is λ of w^{power}? (★, ~3 min)

Put your answer where the dots stand."""

SOLUTION = """\
<details><summary>Hint</summary>

1/(2k).

</details>
<details><summary>Solution</summary>

```python
answer = 1 / {power}
check.{check}(answer)
```

</details>"""

QUESTION = """\
**{k}.** A question that tests understanding?

<details><summary>Answer</summary>

Its answer.

</details>"""

END = """\
## What you now know

- Five lines.

## Where this comes from

- A paper, with a line on what it gives.

## Next

The next lesson."""

TEACHER = """\
<details><summary>For the teacher</summary>

**Minutes.** Section 1: 15.

**Ask before the slider.** A question.

**Usual confusions.** One.

**Questions that come.** One, with its answer.

</details>"""


def cells(name: str, title: str) -> list[NotebookNode]:
    """The cells of the new notebook."""
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    made = [markdown(HEAD.format(title=title, badge=BADGE_MARK)), markdown(BOX)]
    made += [code("import sltcourse", metadata={"tags": ["setup"]})]
    made += [code(f"from sltcourse.lessons.{name} import check, live_power")]
    for k, exercise in enumerate(("first", "second", "third"), 1):
        made += [markdown(SECTION.format(k=k)), markdown(EXERCISE.format(k=k, power=2 * k))]
        made += [code(f"answer = ...\ncheck.{exercise}(answer)", metadata={"tags": ["exercise"]})]
        made += [markdown(SOLUTION.format(power=2 * k, check=exercise))]
    made += [markdown(SECTION.format(k=4)), code("live_power()")]
    quiz = "\n\n".join(["## Three questions", *(QUESTION.format(k=k) for k in (1, 2, 3))])
    return made + [markdown(text) for text in (quiz, END, TEACHER)]


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
    row = f"| [{number} {title}](notebooks/{stem}.ipynb) | the idea, in a line | 60 | one-file copy: `make colab` |\n"
    package = r'( {4}"sltcourse\.lessons\.\w+",\n)(?! {4}"sltcourse\.lessons)'
    entered = {
        readme: _with_entry(readme, r"(\| \[\d\d .*\n)(?!\| \[\d\d)", row),
        rules: _with_entry(rules, package, f'    "sltcourse.lessons.{name}",\n'),
        order: _with_entry(order, r"(\d\d  \w+ .*\n)(?!\d\d  )", f"{number}  {name:20}  the idea, in a line\n"),
    }
    folder = ROOT / "assets" / name
    new_folder = not folder.exists()
    try:
        code.mkdir()
        for file, text in (("__init__.py", PACKAGE), ("figures.py", FIGURES), ("checks.py", CHECKS)):
            (code / file).write_text(text.format(number=number, stem=stem, name=name, title=title), encoding="utf-8")
        tests.write_text(TESTS.format(name=name), encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells(name, title)), notebook)
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
