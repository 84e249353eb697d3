"""Lesson 00, two mysteries: why classical theory said that deep learning can't work."""

from sltcourse.lessons.two_mysteries.checks import check
from sltcourse.lessons.two_mysteries.drawings import (
    draw_fits,
    draw_foresight,
    draw_plenty,
    draw_spectrum,
    draw_valley,
)
from sltcourse.lessons.two_mysteries.figures import live_clock, live_learning, live_width
from sltcourse.lessons.two_mysteries.guesses import guess
from sltcourse.lessons.two_mysteries.models import (
    BITS,
    STEPS,
    TABLES,
    by_distance,
    hidden,
    load_adder,
    median,
    number_of,
    rings,
    some_inputs,
    some_units,
    truth,
)
from sltcourse.lessons.two_mysteries.ready import everything_here

__all__ = [
    "BITS",
    "STEPS",
    "TABLES",
    "by_distance",
    "check",
    "draw_fits",
    "draw_foresight",
    "draw_plenty",
    "draw_spectrum",
    "draw_valley",
    "everything_here",
    "guess",
    "hidden",
    "live_clock",
    "live_learning",
    "live_width",
    "load_adder",
    "median",
    "number_of",
    "rings",
    "some_inputs",
    "some_units",
    "truth",
]
