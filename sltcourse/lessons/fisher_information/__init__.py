"""Lesson 01, Fisher information: singular or regular, decided symbolically.

The lesson's own subject stands in the notebook, in ``sltcourse.theory.fisher`` (matrices, proofs) and in
``sltcourse.theory.models.families`` (the models).
"""

from sltcourse.lessons.fisher_information.checks import check
from sltcourse.lessons.fisher_information.drawings import card, draw_wedge, families_table, vector
from sltcourse.lessons.fisher_information.figures import live_cubic, live_families, live_network

__all__ = ["card", "check", "draw_wedge", "families_table", "live_cubic", "live_families", "live_network", "vector"]
