"""Lesson 12, Programs."""

from sltcourse.lessons.programs.checks import check
from sltcourse.lessons.programs.figures import live_power
from sltcourse.lessons.programs.guesses import half_volume, which_is_flatter

__all__ = ["check", "half_volume", "live_power", "which_is_flatter"]
