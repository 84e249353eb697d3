"""The checks of lesson 10: what each exercise replies."""

import numpy as np

from sltcourse.kit.checks import Case, Checks, number
from sltcourse.lessons.developmental_stages import models

check = Checks("10_developmental_stages")
EPSILON = np.geomspace(1e-6, 1e-2, 5)


@check.writing(
    "A segment of length 2ε^(1/2k), in an interval of length 2.",
    ours=models.volume,
    cases=[
        Case("the parabola at ε = 0.01", (1, 0.01), 0.1),
        Case("all of the interval, ε = 1", (3, 1.0), 1.0),
        Case("an array of five ε", (2, EPSILON)),
    ],
    common={lambda k, epsilon: 2 * models.volume(k, epsilon): "That is the length; divide by the interval's, 2."},
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
    common={lambda epsilon, volumes: 1 / models.slope(epsilon, volumes): "Upside down: log V is what changes."},
)
def slope(function):
    """The slope of log V against log ε."""


@check.exercise("1/(2k) at k = 3: the flatter, the smaller.")
def sextic(answer):
    """λ of w⁶."""
    return number(answer, 1 / 6, rel=1e-3, hints={0.25: "That is w⁴.", 1 / 3: "That is 2λ."})
