"""Lesson 06, free energy: F_n ≈ nL_n + λ log n, and the phase transitions that follow.

The lesson's own subject, the quadrature of F_n and what is done with it, stands in the notebook and in
``sltcourse.theory.quadrature``.
"""

from sltcourse.lessons.free_energy.checks import check
from sltcourse.lessons.free_energy.drawings import draw_curve, draw_polygon
from sltcourse.lessons.free_energy.figures import live_charts, live_jump, live_phases, live_shadow
from sltcourse.lessons.free_energy.models import (
    MODELS,
    POLYGONS,
    RIDGE,
    K,
    curve_posterior,
    mean,
    polygon,
    superposition_loss,
    well_free_energies,
)
from sltcourse.theory.asymptotics import critical_n, lambert_crossings

__all__ = [
    "MODELS",
    "POLYGONS",
    "RIDGE",
    "K",
    "check",
    "critical_n",
    "curve_posterior",
    "draw_curve",
    "draw_polygon",
    "lambert_crossings",
    "live_charts",
    "live_jump",
    "live_phases",
    "live_shadow",
    "mean",
    "polygon",
    "superposition_loss",
    "well_free_energies",
]
