"""Lesson 02, broken statistics: Cramér–Rao, BIC, the Gaussian posterior, each breaks at a singularity."""

from sltcourse.lessons.broken_statistics.checks import check
from sltcourse.lessons.broken_statistics.drawings import draw_bic, draw_errors, draw_price
from sltcourse.lessons.broken_statistics.figures import live_estimator, live_posterior, live_wedge
from sltcourse.lessons.broken_statistics.models import MODELS, ProductPosterior, cubic_mle, project
from sltcourse.theory.mean_errors import chance_of_choice, mean_complexity, scaled_error

__all__ = [
    "MODELS",
    "ProductPosterior",
    "chance_of_choice",
    "check",
    "cubic_mle",
    "draw_bic",
    "draw_errors",
    "draw_price",
    "live_estimator",
    "live_posterior",
    "live_wedge",
    "mean_complexity",
    "project",
    "scaled_error",
]
