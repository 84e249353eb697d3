"""Lesson 04, the learning coefficient: λ and m, exactly.

What the lesson is about, λ and m by poles, blow-ups and Newton polyhedra, stands in the notebook and in
``sltcourse.theory``: ``zeta``, ``blow_up``, ``newton`` and ``closed_forms``.
"""

from sltcourse.lessons.learning_coefficient.blow_ups import live_blow_up
from sltcourse.lessons.learning_coefficient.checks import check
from sltcourse.lessons.learning_coefficient.drawings import draw_four_ways, draw_umbrella, show_chart
from sltcourse.lessons.learning_coefficient.figures import live_networks, live_polygon
from sltcourse.lessons.learning_coefficient.guesses import guess
from sltcourse.lessons.learning_coefficient.models import FOUR_WAYS
from sltcourse.theory.asymptotics import log_n_coefficient

__all__ = [
    "FOUR_WAYS",
    "check",
    "draw_four_ways",
    "draw_umbrella",
    "guess",
    "live_blow_up",
    "live_networks",
    "live_polygon",
    "log_n_coefficient",
    "show_chart",
]
