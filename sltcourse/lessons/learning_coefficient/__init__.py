"""Lesson 04, the learning coefficient: λ and m, exactly.

What the lesson is about, λ and m by poles, blow-ups and Newton polyhedra, stands in the notebook and in
``sltcourse.theory``: ``zeta``, ``blow_up``, ``newton`` and ``closed_forms``.
"""

from sltcourse.lessons.learning_coefficient.checks import check
from sltcourse.lessons.learning_coefficient.drawings import draw_blow_ups, draw_four_ways, show_chart
from sltcourse.lessons.learning_coefficient.figures import live_networks, live_polygon
from sltcourse.lessons.learning_coefficient.models import FOUR_WAYS
from sltcourse.theory.asymptotics import log_n_coefficient

__all__ = [
    "FOUR_WAYS",
    "check",
    "draw_blow_ups",
    "draw_four_ways",
    "live_networks",
    "live_polygon",
    "log_n_coefficient",
    "show_chart",
]
