"""Lesson 09, modular addition: its network, its exact twin, their curvature, its pictures and kept results.

What the learner writes (training, spectrum, ablation, trace, rank) stands in the notebook; ``ours`` has it as well.
"""

from sltcourse.lessons.modular_addition.checks import check
from sltcourse.lessons.modular_addition.curvature import hessian, lanczos
from sltcourse.lessons.modular_addition.drawings import (
    show_along,
    show_controls,
    show_hidden,
    show_map,
    show_primes,
    show_ranks,
    show_shares,
    show_softmax,
    show_spectra,
    show_training,
)
from sltcourse.lessons.modular_addition.figures import live_training
from sltcourse.lessons.modular_addition.guesses import guess
from sltcourse.lessons.modular_addition.kept import readings
from sltcourse.lessons.modular_addition.models import logits_on_all
from sltcourse.zoo.addition import Quadratic, adam_for, balanced, exact_adder, make_task, random_network, squared_error

__all__ = [
    "Quadratic",
    "adam_for",
    "balanced",
    "check",
    "exact_adder",
    "guess",
    "hessian",
    "lanczos",
    "live_training",
    "logits_on_all",
    "make_task",
    "random_network",
    "readings",
    "show_along",
    "show_controls",
    "show_hidden",
    "show_map",
    "show_primes",
    "show_ranks",
    "show_shares",
    "show_softmax",
    "show_spectra",
    "show_training",
    "squared_error",
]
