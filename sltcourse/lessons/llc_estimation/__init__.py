"""Lesson 07, the LLC estimator: its cockpit, networks whose λ is known, its pictures and checks.

The lesson's own subject, a sampler in ten lines and ``sltcourse.llc.estimate_llc``, stands in the notebook.
"""

from sltcourse.lessons.llc_estimation.checks import check
from sltcourse.lessons.llc_estimation.drawings import (
    draw_chains,
    draw_hill,
    draw_ladder,
    draw_networks,
    draw_rescaled,
    draw_results,
    draw_training,
    show_mystery_runs,
)
from sltcourse.lessons.llc_estimation.figures import live_cockpit, live_thermometer
from sltcourse.lessons.llc_estimation.kept import networks
from sltcourse.lessons.llc_estimation.models import deepest_point, hessian, linear_loss, network_for

__all__ = [
    "check",
    "deepest_point",
    "draw_chains",
    "draw_hill",
    "draw_ladder",
    "draw_networks",
    "draw_rescaled",
    "draw_results",
    "draw_training",
    "hessian",
    "linear_loss",
    "live_cockpit",
    "live_thermometer",
    "network_for",
    "networks",
    "show_mystery_runs",
]
