"""Lesson 08, the toy model of superposition.

The exact mathematics, from the loss to the free energies, stands in ``sltcourse.theory.superposition_model``.
"""

from sltcourse.lessons.superposition.checks import check
from sltcourse.lessons.superposition.drawings import (
    draw_losses,
    draw_polygons,
    draw_run,
    draw_temperatures,
    draw_transitions,
)
from sltcourse.lessons.superposition.figures import (
    live_opening,
    live_polygon,
    live_run,
    live_scale,
    live_training,
    live_transition,
)
from sltcourse.lessons.superposition.guesses import guess
from sltcourse.lessons.superposition.kept import SPRINGS, asset
from sltcourse.lessons.superposition.models import (
    checkpoint_steps,
    exact_loss,
    exact_sample_loss,
    near_zero,
    start,
    trajectory_settings,
)

__all__ = [
    "SPRINGS",
    "asset",
    "check",
    "checkpoint_steps",
    "draw_losses",
    "draw_polygons",
    "draw_run",
    "draw_temperatures",
    "draw_transitions",
    "exact_loss",
    "exact_sample_loss",
    "guess",
    "live_opening",
    "live_polygon",
    "live_run",
    "live_scale",
    "live_training",
    "live_transition",
    "near_zero",
    "start",
    "trajectory_settings",
]
