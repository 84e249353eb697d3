"""Lesson 03, volume scaling: V(ε) ≈ c ε^λ (−log ε)^(m−1).

What the lesson is about, V(ε) and how to measure it, stands in the notebook and in ``sltcourse.theory.volume``.
"""

from sltcourse.lessons.volume_scaling.checks import check
from sltcourse.lessons.volume_scaling.drawings import draw_fits, draw_splitting
from sltcourse.lessons.volume_scaling.figures import live_exponents, live_shrinking_set
from sltcourse.lessons.volume_scaling.models import TRIAL

__all__ = ["TRIAL", "check", "draw_fits", "draw_splitting", "live_exponents", "live_shrinking_set"]
