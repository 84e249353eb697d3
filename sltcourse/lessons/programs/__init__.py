"""Lesson 12, programs: which of two right programs does a Bayesian believe?

λ of a sum of monomials on the corner stands in ``sltcourse.theory.corner``.
"""

from sltcourse.lessons.programs.checks import check
from sltcourse.lessons.programs.drawings import draw_blocks, draw_machines
from sltcourse.lessons.programs.evidence import lamp, or_against_last
from sltcourse.lessons.programs.figures import live_belief, live_code, live_program
from sltcourse.lessons.programs.guesses import guess
from sltcourse.lessons.programs.kept import kept_machines
from sltcourse.lessons.programs.models import (
    LANE_OUTPUTS,
    LANES,
    LAST,
    OR,
    SAME,
    TOGGLE,
    errors,
    labelled,
    loss,
    minimal,
    strings,
    word,
    written,
)
from sltcourse.lessons.programs.ours import entries
from sltcourse.lessons.programs.turing import MACHINE_A, naive_syndromes, turing_syndromes

__all__ = [
    "LANES",
    "LANE_OUTPUTS",
    "LAST",
    "MACHINE_A",
    "OR",
    "SAME",
    "TOGGLE",
    "check",
    "draw_blocks",
    "draw_machines",
    "entries",
    "errors",
    "guess",
    "kept_machines",
    "labelled",
    "lamp",
    "live_belief",
    "live_code",
    "live_program",
    "loss",
    "minimal",
    "naive_syndromes",
    "or_against_last",
    "strings",
    "turing_syndromes",
    "word",
    "written",
]
