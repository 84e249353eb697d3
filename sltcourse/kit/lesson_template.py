"""The texts of a new lesson, see ``new_lesson``: a small lesson that keeps the contract, to write over.

It has what every lesson has: functions that the learner writes and what follows uses, guesses before answers, answers
stored folded, a core path, and what can be skipped under "Deeper".
"""

from nbformat import NotebookNode, v4

from sltcourse.kit.authoring import BADGE_MARK

PACKAGE = '''\
"""Lesson {number}, {title}."""

from sltcourse.lessons.{name}.checks import check
from sltcourse.lessons.{name}.figures import live_power
from sltcourse.lessons.{name}.guesses import half_volume, which_is_flatter

__all__ = ["check", "half_volume", "live_power", "which_is_flatter"]
'''

MODELS = '''\
"""The mathematics of lesson {number}: our own versions of what the learner writes."""

import numpy as np


def volume(k, epsilon):
    """The share of [−1, 1] where w^(2k) is at most ``epsilon`` (a number or an array, between 0 and 1)."""
    return np.asarray(epsilon) ** (1 / (2 * k))


def slope(epsilon, volumes):
    """The slope of log V against log ε, by least squares; two arrays of one length, at least two."""
    x, y = np.log(epsilon), np.log(volumes)
    x = x - x.mean()
    return x @ y / (x @ x)
'''

GUESSES = '''\
"""The guesses of lesson {number}; here, and not in the notebook, where their answers would be in sight."""

from sltcourse.kit import guess

which_is_flatter = guess.choice(
    "{stem} flatter",
    "Which curve has more of its points below ε = 0.01?",
    ["w²", "w⁴", "both the same"],
    answer="w⁴",
    because="It is flatter: V is 0.01^(1/4) = 0.32, and 0.1 for w².",
)
half_volume = guess.number(
    "{stem} half",
    "For w⁴, at which ε does the set hold half of [−1, 1]?",
    1e-3,
    1,
    answer=1 / 16,
    log=True,
    because="ε^(1/4) is 1/2 at ε = 1/16.",
)
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

import numpy as np

from sltcourse.kit.checks import Case, Checks, number
from sltcourse.lessons.{name} import models

check = Checks("{stem}")
EPSILON = np.geomspace(1e-6, 1e-2, 5)


@check.writing(
    "A segment of length 2ε^(1/2k), in an interval of length 2.",
    ours=models.volume,
    cases=[
        Case("the parabola at ε = 0.01", (1, 0.01), 0.1),
        Case("all of the interval, ε = 1", (3, 1.0), 1.0),
        Case("an array of five ε", (2, EPSILON)),
    ],
    common={{lambda k, epsilon: 2 * models.volume(k, epsilon): "That is the length; divide by the interval's, 2."}},
)
def volume(function):
    """V(ε) of w^(2k)."""


@check.writing(
    "The slope is λ: V falls like ε^λ.",
    ours=models.slope,
    cases=[
        Case("the parabola", (EPSILON, EPSILON**0.5), 0.5),
        Case("two points", (np.array([0.1, 0.2]), np.array([0.3, 0.3])), 0.0),
        Case("noisy volumes", (EPSILON, EPSILON**0.25 * np.array([1.1, 0.9, 1.0, 1.05, 0.95]))),
    ],
    common={{lambda epsilon, volumes: 1 / models.slope(epsilon, volumes): "Upside down: log V is what changes."}},
)
def slope(function):
    """The slope of log V against log ε."""


@check.exercise("1/(2k) at k = 3: the flatter, the smaller.")
def sextic(answer):
    """λ of w⁶."""
    return number(answer, 1 / 6, rel=1e-3, hints={{0.25: "That is w⁴.", 1 / 3: "That is 2λ."}})
'''

TESTS = """\
from sltcourse.lessons import {name} as lesson
from sltcourse.lessons.{name} import models
from tests.exercises import exercise_tests


def test_the_live_figure():
    live = lesson.live_power()
    assert "1/8" in live.at(k=4)["caption"]


def length(k, epsilon):
    return 2 * epsilon ** (1 / (2 * k))


test_right, test_wrong, test_untouched = exercise_tests(
    lesson.check,
    [("volume", (models.volume,)), ("slope", (models.slope,)), ("sextic", (1 / 6,))],
    [
        ("volume", (length,), "divide by the interval's"),
        ("slope", (lambda e, v: 1 / models.slope(e, v),), "Upside down"),
        ("sextic", (0.25,), "That is w⁴"),
    ],
)
"""

HEAD = """\
# {title}

One sentence, or one picture, that makes the reader want this lesson.

{badge}"""

BOX = """\
**Time** 23 min · **You need** lesson 03 · **You will be able to**

- say what this lesson is for;
- compute its one number;
- write its one algorithm."""

FIRST = """\
## 1. A question, in words?

The question comes first, then a guess."""

PICTURE = """\
Now look. Slide k and watch the bottom of the curve.

**Try this.** Which k is flat enough for you?"""

SECOND = """\
## 2. How much of it is below ε?

A concrete case before the general one."""

VOLUME = """\
### Exercise 1. Write V(ε) (★, ~8 min)

Which w have w^(2k) ≤ ε? What share of [−1, 1] are they?"""

VOLUME_STUB = '''\
def volume(k, epsilon):
    """The share of [-1, 1] where w**(2 * k) <= epsilon; epsilon is a number or an array."""
    ...


volume = use(check.volume, volume)'''

VOLUME_SOLUTION = """\
<details><summary>Hint</summary>

Solve w^(2k) = ε for w.

</details>
<details><summary>Solution</summary>

```python
def volume(k, epsilon):
    return epsilon ** (1 / (2 * k))


volume = use(check.volume, volume)
```

</details>"""

COUNTED = """\
Count random points, and compare. **Predict**: how many of ten thousand?"""

COUNTING = """\
w = np.random.default_rng(0).uniform(-1, 1, 10_000)
inside = w**4 <= 0.01
counted = estimate(inside.mean(), inside.std() / 100)
print(f"counted {counted}, your formula {volume(2, 0.01):.4f}")"""

THIRD = """\
## 3. How fast does it fall?

On two log axes a power is a line."""

SLOPE = """\
### Exercise 2. Write its slope (★★, ~8 min)

Least squares through (log ε, log V), in two or three lines."""

SLOPE_STUB = '''\
def slope(epsilon, volumes):
    """The slope of log V against log ε: two arrays of shape (n,) -> a number."""
    ...


slope = use(check.slope, slope)'''

SLOPE_SOLUTION = """\
<details><summary>Hint</summary>

Take the mean from log ε first.

</details>
<details><summary>Solution</summary>

```python
def slope(epsilon, volumes):
    x, y = np.log(epsilon), np.log(volumes)
    x = x - x.mean()
    return x @ y / (x @ x)


slope = use(check.slope, slope)
```

</details>"""

MEASURED = "It is λ. **Try this:** change k."

MEASURING = """\
epsilon = np.geomspace(1e-6, 1e-2, 20)
measured = slope(epsilon, volume(2, epsilon))
print(f"{measured:.4f}")"""

DEEPER = """\
<details><summary>Deeper: what a referee would ask</summary>

A second derivation, a caveat, a long table: skipped without loss. Its code is tagged "deeper".

</details>"""

FOURTH = """\
## 4. And flatter still?

The next sentence reads the number back."""

SEXTIC = """\
### Exercise 3. What is λ of w⁶? (★, ~3 min)

Put your answer where the dots stand."""

SEXTIC_SOLUTION = """\
<details><summary>Hint</summary>

1/(2k).

</details>
<details><summary>Solution</summary>

```python
answer = 1 / 6
check.sextic(answer)
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
    text = v4.new_markdown_cell

    def code(source: str, *tags: str) -> NotebookNode:
        cell: NotebookNode = v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
        return cell

    quiz = "\n\n".join(["## Three questions", *(QUESTION.format(k=k) for k in (1, 2, 3))])
    first_lines = (
        "import numpy as np\n\nfrom sltcourse.kit.checks import use\nfrom sltcourse.kit.text import estimate\n"
        f"from sltcourse.lessons.{name} import check, half_volume, live_power, which_is_flatter"
    )
    return [
        text(HEAD.format(title=title, badge=BADGE_MARK)),
        text(BOX),
        code("import sltcourse", "setup"),
        code(first_lines),
        text(FIRST),
        code("which_is_flatter"),
        text(PICTURE),
        code("live_power()", "answer"),
        text(SECOND),
        text(VOLUME),
        code(VOLUME_STUB, "exercise"),
        text(VOLUME_SOLUTION),
        text(COUNTED),
        code(COUNTING, "answer"),
        text(THIRD),
        text(SLOPE),
        code(SLOPE_STUB, "exercise"),
        text(SLOPE_SOLUTION),
        text(MEASURED),
        code(MEASURING),
        text(DEEPER),
        code("slope(epsilon[:2], volume(2, epsilon[:2]))", "deeper"),
        text(FOURTH),
        code("half_volume"),
        text(SEXTIC),
        code("answer = ...\ncheck.sextic(answer)", "exercise"),
        text(SEXTIC_SOLUTION),
        *map(text, (quiz, END, TEACHER)),
    ]
