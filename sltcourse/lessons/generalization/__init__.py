"""Lesson 05, generalization: G(n) ≈ λ/n, WAIC and WBIC.

The lesson's subject, the errors G_n and T_n, WAIC and WBIC, is computed in the notebook.
"""

from sltcourse.lessons.generalization.checks import check
from sltcourse.lessons.generalization.drawings import draw_small_models
from sltcourse.lessons.generalization.figures import live_one_data_set, live_seesaw, live_settle, live_truth
from sltcourse.lessons.generalization.models import MEANS
from sltcourse.theory.mean_errors import generalization_error, simulate_means
from sltcourse.theory.models.grids import GRIDS, network_free_energy

__all__ = [
    "GRIDS",
    "MEANS",
    "check",
    "draw_small_models",
    "generalization_error",
    "live_one_data_set",
    "live_seesaw",
    "live_settle",
    "live_truth",
    "network_free_energy",
    "simulate_means",
]
