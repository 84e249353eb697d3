"""Lesson 11, susceptibilities: how a posterior answers when the data change."""

from sltcourse.lessons.susceptibilities.checks import check
from sltcourse.lessons.susceptibilities.drawings import show_bystander, show_kernel, show_points
from sltcourse.lessons.susceptibilities.figures import live_response
from sltcourse.lessons.susceptibilities.guesses import guess
from sltcourse.lessons.susceptibilities.models import X, Y, cross_influence, mechanism

__all__ = [
    "X",
    "Y",
    "check",
    "cross_influence",
    "guess",
    "live_response",
    "mechanism",
    "show_bystander",
    "show_kernel",
    "show_points",
]
