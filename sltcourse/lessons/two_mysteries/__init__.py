"""Lesson 00, two mysteries: why classical theory said that deep learning can't work."""

from sltcourse.lessons.two_mysteries.checks import check
from sltcourse.lessons.two_mysteries.drawings import draw_fits, draw_regions, draw_spectrum, draw_valley
from sltcourse.lessons.two_mysteries.figures import live_clock, live_width
from sltcourse.lessons.two_mysteries.models import (
    by_distance,
    hidden,
    load_adder,
    rings,
    some_inputs,
    some_units,
    train_classifier,
    truth,
)
from sltcourse.lessons.two_mysteries.ready import everything_here

__all__ = [
    "by_distance",
    "check",
    "draw_fits",
    "draw_regions",
    "draw_spectrum",
    "draw_valley",
    "everything_here",
    "hidden",
    "live_clock",
    "live_width",
    "load_adder",
    "rings",
    "some_inputs",
    "some_units",
    "train_classifier",
    "truth",
]
