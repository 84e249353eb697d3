"""Lesson 05, generalization: G(n) ≈ λ/n, WAIC and WBIC.

The lesson's subject, the predictive density, the errors, WAIC and WBIC, is computed in the notebook; ``ours`` has what
the learner writes as well.
"""

from sltcourse.lessons.generalization.checks import check
from sltcourse.lessons.generalization.drawings import draw_network, draw_predictions
from sltcourse.lessons.generalization.figures import (
    live_one_data_set,
    live_price,
    live_seesaw,
    live_settle,
    live_truth,
)
from sltcourse.lessons.generalization.guesses import guess
from sltcourse.lessons.generalization.kept import network
from sltcourse.lessons.generalization.models import MEANS, arviz_loo
from sltcourse.theory.mean_errors import generalization_error, simulate_means
from sltcourse.theory.models.grids import GRIDS, network_free_energy

__all__ = [
    "GRIDS",
    "MEANS",
    "arviz_loo",
    "check",
    "draw_network",
    "draw_predictions",
    "generalization_error",
    "guess",
    "live_one_data_set",
    "live_price",
    "live_seesaw",
    "live_settle",
    "live_truth",
    "network",
    "network_free_energy",
    "simulate_means",
]
