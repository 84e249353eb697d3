"""Lesson 01, Fisher information: singular or regular, decided symbolically.

The lesson's own subject stands in the notebook (``ours`` has what the learner writes), in ``sltcourse.theory.fisher``
(matrices, proofs) and in ``sltcourse.theory.models.families`` (the models).
"""

from sltcourse.lessons.fisher_information.checks import check
from sltcourse.lessons.fisher_information.drawings import card, draw_spectrum, families_table, vector
from sltcourse.lessons.fisher_information.figures import live_cubic, live_families
from sltcourse.lessons.fisher_information.guesses import guess
from sltcourse.lessons.fisher_information.planes import live_planes

__all__ = [
    "card",
    "check",
    "draw_spectrum",
    "families_table",
    "guess",
    "live_cubic",
    "live_families",
    "live_planes",
    "vector",
]
