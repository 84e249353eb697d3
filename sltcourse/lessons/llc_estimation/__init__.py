"""Lesson 07, the LLC estimator: its checks, live figures, pictures, and networks whose λ is known.

The lesson's own subject, the sampler, R-hat and the estimate, stands in the notebook; ``ours`` has them as well.
"""

from sltcourse.lessons.llc_estimation.checks import check
from sltcourse.lessons.llc_estimation.drawings import (
    draw_baselines,
    draw_chains,
    draw_exact_map,
    draw_hill,
    draw_map,
    draw_networks,
    draw_rescaled,
    draw_results,
)
from sltcourse.lessons.llc_estimation.figures import live_cockpit, live_thermometer
from sltcourse.lessons.llc_estimation.kept import digits, networks
from sltcourse.lessons.llc_estimation.models import deepest_point, hessian, linear_loss

__all__ = [
    "check",
    "deepest_point",
    "digits",
    "draw_baselines",
    "draw_chains",
    "draw_exact_map",
    "draw_hill",
    "draw_map",
    "draw_networks",
    "draw_rescaled",
    "draw_results",
    "hessian",
    "linear_loss",
    "live_cockpit",
    "live_thermometer",
    "networks",
]
