"""Lesson 11, susceptibilities: how a posterior answers when the data change, exactly, and in lesson 10's network."""

from sltcourse.lessons.susceptibilities.checks import check
from sltcourse.lessons.susceptibilities.drawings import (
    addition_table,
    show_addition,
    show_against_cost,
    show_bystander,
    show_components,
    show_data_sets,
    show_kernel,
    show_points,
)
from sltcourse.lessons.susceptibilities.figures import live_heads, live_response
from sltcourse.lessons.susceptibilities.guesses import guess
from sltcourse.lessons.susceptibilities.heads import all_heads, kernel_draws, kinds, sampler_draws, sentences
from sltcourse.lessons.susceptibilities.kept import asset
from sltcourse.lessons.susceptibilities.models import X, Y, cross_influence, mechanism

__all__ = [
    "X",
    "Y",
    "addition_table",
    "all_heads",
    "asset",
    "check",
    "cross_influence",
    "guess",
    "kernel_draws",
    "kinds",
    "live_heads",
    "live_response",
    "mechanism",
    "sampler_draws",
    "sentences",
    "show_addition",
    "show_against_cost",
    "show_bystander",
    "show_components",
    "show_data_sets",
    "show_kernel",
    "show_points",
]
