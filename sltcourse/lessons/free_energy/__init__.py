"""Lesson 06, free energy: F_n ≈ nL_n + λ log n, and the phase transitions that follow.

The lesson's own subject, the free energy on a grid and what is done with it, stands in the notebook; ``ours`` has it
as well, and ``sltcourse.theory.quadrature`` what a grid cannot do.
"""

from sltcourse.lessons.free_energy.checks import check
from sltcourse.lessons.free_energy.drawings import draw_bills, draw_curve, draw_data_sets, draw_heat, draw_remainders
from sltcourse.lessons.free_energy.figures import live_charts, live_phases, live_shadow
from sltcourse.lessons.free_energy.guesses import guess
from sltcourse.lessons.free_energy.jumps import live_jump, live_wells
from sltcourse.lessons.free_energy.models import MODELS
from sltcourse.lessons.free_energy.wells import two_wells

__all__ = [
    "MODELS",
    "check",
    "draw_bills",
    "draw_curve",
    "draw_data_sets",
    "draw_heat",
    "draw_remainders",
    "guess",
    "live_charts",
    "live_jump",
    "live_phases",
    "live_shadow",
    "live_wells",
    "two_wells",
]
