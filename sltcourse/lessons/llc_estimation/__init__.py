"""Lesson 07, the LLC estimator: its checks, live figures, pictures, and networks whose λ is known.

The lesson's own subject, the sampler, R-hat and the estimate, stands in the notebook; ``ours`` has them as well.
"""

from sltcourse.lessons.llc_estimation.checks import check
from sltcourse.lessons.llc_estimation.drawings import (
    show_baselines,
    show_chains,
    show_exact_map,
    show_hill,
    show_map,
    show_networks,
    show_rescaled,
    show_results,
    show_run,
)
from sltcourse.lessons.llc_estimation.figures import live_cockpit, live_thermometer
from sltcourse.lessons.llc_estimation.guesses import guess
from sltcourse.lessons.llc_estimation.kept import digits, networks
from sltcourse.lessons.llc_estimation.models import deepest_point, hessian, linear_loss

__all__ = [
    "check",
    "deepest_point",
    "digits",
    "guess",
    "hessian",
    "linear_loss",
    "live_cockpit",
    "live_thermometer",
    "networks",
    "show_baselines",
    "show_chains",
    "show_exact_map",
    "show_hill",
    "show_map",
    "show_networks",
    "show_rescaled",
    "show_results",
    "show_run",
]
