"""Lesson 03, volume scaling: V(ε) ≈ c ε^λ (−log ε)^(m−1).

What the lesson is about, V(ε) and how to measure it, stands in the notebook and in ``sltcourse.theory.volume``.
"""

from sltcourse.lessons.volume_scaling.checks import check
from sltcourse.lessons.volume_scaling.drawings import draw_fits, draw_runs
from sltcourse.lessons.volume_scaling.figures import (
    live_exponents,
    live_particles,
    live_powers,
    live_shrinking_set,
    live_tube,
)
from sltcourse.lessons.volume_scaling.guesses import guess
from sltcourse.lessons.volume_scaling.models import PIT_BOX, SQUARE, TRIAL, line_and_pit
from sltcourse.lessons.volume_scaling.ours import as_curve

__all__ = [
    "PIT_BOX",
    "SQUARE",
    "TRIAL",
    "as_curve",
    "check",
    "draw_fits",
    "draw_runs",
    "guess",
    "line_and_pit",
    "live_exponents",
    "live_particles",
    "live_powers",
    "live_shrinking_set",
    "live_tube",
]
