"""Lesson 10, developmental stages: its checks, guesses, pictures, and the worlds beside those of ``sltcourse.zoo``."""

from sltcourse.lessons.developmental_stages.checks import check
from sltcourse.lessons.developmental_stages.drawings import (
    along_table,
    head_table,
    show_along,
    show_diversity,
    show_heads,
    show_long_run,
    show_python,
    show_scores,
    show_springs,
    show_stages,
)
from sltcourse.lessons.developmental_stages.figures import live_stages
from sltcourse.lessons.developmental_stages.guesses import guess
from sltcourse.lessons.developmental_stages.kept import asset
from sltcourse.lessons.developmental_stages.models import (
    NOISE,
    examples,
    new_regressor,
    ngram_tables,
    tasks,
    train_regressor,
)

__all__ = [
    "NOISE",
    "along_table",
    "asset",
    "check",
    "examples",
    "guess",
    "head_table",
    "live_stages",
    "new_regressor",
    "ngram_tables",
    "show_along",
    "show_diversity",
    "show_heads",
    "show_long_run",
    "show_python",
    "show_scores",
    "show_springs",
    "show_stages",
    "tasks",
    "train_regressor",
]
