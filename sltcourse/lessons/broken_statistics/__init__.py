"""Lesson 02, broken statistics: Cramér–Rao, BIC, the Gaussian posterior, each breaks at a singularity.

The lesson's own subject, best fits and free energies of models of a mean, stands in the notebook; ``ours`` has what the
learner writes.
"""

from sltcourse.lessons.broken_statistics.checks import check
from sltcourse.lessons.broken_statistics.drawings import draw_bump, draw_errors, draw_prices
from sltcourse.lessons.broken_statistics.figures import live_estimator, live_posterior, live_wedge
from sltcourse.lessons.broken_statistics.guesses import guess
from sltcourse.lessons.broken_statistics.models import MODELS, own_model
from sltcourse.theory.mean_models import deep_product, power_mean

__all__ = [
    "MODELS",
    "check",
    "deep_product",
    "draw_bump",
    "draw_errors",
    "draw_prices",
    "guess",
    "live_estimator",
    "live_posterior",
    "live_wedge",
    "own_model",
    "power_mean",
]
